/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_rsa.c"

#include <string.h>

#include "tap.h"

static BIGNUM *number(apr_pool_t *pool)
{
    return own_bn(pool, BN_new());
}

/* A random number of so many bits, odd, its two top bits set. */
static BIGNUM *some(int bits, apr_pool_t *pool)
{
    BIGNUM *n = number(pool);

    ok(BN_rand(n, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD));
    return n;
}

static BIGNUM *prime_make(int bits, apr_pool_t *pool)
{
    BIGNUM *n = number(pool);

    ok(BN_generate_prime_ex(n, bits, 0, NULL, NULL, NULL));
    return n;
}

/* The first prime that is n or more. */
static BIGNUM *prime_from(const BIGNUM *n, BN_CTX *ctx, apr_pool_t *pool)
{
    BIGNUM *prime = number(pool);

    BN_copy(prime, n);
    if (!BN_is_odd(prime))
        BN_add_word(prime, 1);
    while (BN_check_prime(prime, ctx, NULL) != 1)
        BN_add_word(prime, 2);
    return prime;
}

static BIGNUM *product(const BIGNUM *a, const BIGNUM *b, BN_CTX *ctx,
                       apr_pool_t *pool)
{
    BIGNUM *n = number(pool);

    ok(BN_mul(n, a, b, ctx));
    return n;
}

static void good(const BIGNUM *n, const char *e, apr_pool_t *pool)
{
    BIGNUM *exponent = NULL;
    const char *fault;

    BN_hex2bn(&exponent, e);
    fault = policy_rsa_fault(n, own_bn(pool, exponent), pool);
    ok(!fault, "%s: %s", e, fault);
}

static void bad(const char *why, const BIGNUM *n, const char *e,
                apr_pool_t *pool)
{
    BIGNUM *exponent = NULL;
    const char *fault;

    BN_hex2bn(&exponent, e);
    fault = policy_rsa_fault(n, own_bn(pool, exponent), pool);
    ok(fault && strstr(fault, why), "want \"%s\", got \"%s\"", why,
       fault ? fault : "");
}

static BIGNUM *strong(int bits, BN_CTX *ctx, apr_pool_t *pool)
{
    return product(prime_make(bits / 2, pool), prime_make(bits / 2, pool), ctx,
                   pool);
}

static void exponents(apr_pool_t *pool)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = strong(2048, ctx, pool);

    good(n, "10001", pool);
    good(n, "5", pool);
    good(n, "11", pool);
    good(n, "FFFFFFFFFFFFFFFF", pool);
    good(n, "8000000000000001", pool);
    bad("exponent is 3 or less", n, "3", pool);
    bad("exponent is 3 or less", n, "1", pool);
    bad("exponent is even", n, "0", pool);
    bad("exponent is even", n, "2", pool);
    bad("exponent is even", n, "10000", pool);
    bad("exponent is even", n, "10000000000000000", pool);
    bad("more than 64 bits", n, "10000000000000001", pool);
    bad("more than 64 bits", n, "100000000000000000000000000000001", pool);
    BN_CTX_free(ctx);
}

static void even_modulus(apr_pool_t *pool)
{
    BIGNUM *n = some(2048, pool);

    BN_sub_word(n, 1);
    bad("modulus is even", n, "10001", pool);
    BN_zero(n);
    bad("modulus is even", n, "10001", pool);
    BN_one(n);
    BN_lshift(n, n, 2047);
    bad("modulus is even", n, "10001", pool);
}

static void small_factors(apr_pool_t *pool)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *rest = strong(2036, ctx, pool), *n = number(pool);
    unsigned int p, d, count = 0;

    for (p = 3; p < 1000; p += 2) {
        for (d = 3; d * d <= p && p % d; d += 2)
            ;
        if (d * d <= p)
            continue;
        BN_copy(n, rest);
        BN_mul_word(n, p);
        bad(apr_psprintf(pool, "divisible by %u", p), n, "10001", pool);
        ++count;
    }
    is_int(count, 167);
    BN_copy(n, rest);
    BN_mul_word(n, 1009); /* the first that is not looked for */
    good(n, "10001", pool);
    BN_one(n);
    BN_lshift(n, n, 2048);
    BN_sub_word(n, 1);
    bad("divisible by 3", n, "10001", pool);
    BN_CTX_free(ctx);
}

/* The second prime is so far from the first: p + 2^bits. */
static BIGNUM *distant(const BIGNUM *p, int bits, BN_CTX *ctx, apr_pool_t *pool)
{
    BIGNUM *q = number(pool), *step = number(pool);

    BN_one(step);
    BN_lshift(step, step, bits);
    BN_add(q, p, step);
    return product(p, prime_from(q, ctx, pool), ctx, pool);
}

/* The rounds needed are d² / (8 p): for 1024-bit primes 2^(2 bits - 1027) to
 * twice as many. */
static void close_primes(apr_pool_t *pool)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = prime_from(some(1024, pool), ctx, pool);
    static const int near[] = {1, 8, 100, 400, 511, 512, 513, 514, 515, 516, 0};
    int i;

    bad("Fermat", product(p, p, ctx, pool), "10001", pool);
    for (i = 0; near[i]; ++i)
        bad("Fermat", distant(p, near[i], ctx, pool), "10001", pool);
    good(distant(p, 519, ctx, pool), "10001", pool);
    good(distant(p, 600, ctx, pool), "10001", pool);
    good(distant(p, 1000, ctx, pool), "10001", pool);
    BN_CTX_free(ctx);
}

/* Exactly 100 rounds: with n = a² - b², a is the root's integer part + k. */
static void last_round(apr_pool_t *pool)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = prime_make(128, pool), *root = number(pool), *a, *n, *q;
    int hits = 0, misses = 0, i;

    for (i = 0; i < 400; ++i) {
        q = number(pool);
        a = number(pool);
        BN_copy(q, p);
        BN_one(root);
        BN_lshift(root, root, 61);
        BN_mul_word(root, (BN_ULONG)(i + 1) * 2);
        BN_rshift(root, root, 1);
        BN_add(q, q, root);
        if (!BN_is_odd(q))
            BN_add_word(q, 1);
        n = product(p, q, ctx, pool);
        BN_CTX_start(ctx);
        ok(root_get(root, n, ctx));
        BN_CTX_end(ctx);
        BN_add(a, p, q);
        BN_rshift1(a, a);
        BN_sub(a, a, root); /* rounds needed, counted from one */
        if (BN_is_zero(a) || BN_get_word(a) <= FERMAT_ROUNDS) {
            ok(has_close_primes(n), "%lu", BN_get_word(a));
            ++hits;
        }
        else {
            ok(!has_close_primes(n), "%lu", BN_get_word(a));
            ++misses;
        }
    }
    ok(hits > 50 && misses > 50, "%d %d", hits, misses);
    BN_CTX_free(ctx);
}

static void roots(apr_pool_t *pool)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = number(pool), *root = number(pool), *square = number(pool);
    int i, bits;

    for (i = 0; i < 2000; ++i) {
        bits = 1 + i % 300;
        ok(BN_rand(n, bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
        if (i % 3 == 0)
            BN_sqr(n, n, ctx);
        if (i % 3 == 1) {
            BN_sqr(n, n, ctx);
            if (!BN_is_zero(n))
                BN_sub_word(n, 1);
        }
        BN_CTX_start(ctx);
        ok(root_get(root, n, ctx));
        BN_CTX_end(ctx);
        BN_sqr(square, root, ctx);
        ok(BN_cmp(square, n) <= 0);
        BN_add_word(root, 1);
        BN_sqr(square, root, ctx);
        ok(BN_cmp(square, n) > 0);
    }
    BN_CTX_free(ctx);
}

/* A prime k * M + (65537^a mod M), as the faulty library made them. */
static BIGNUM *roca_prime(int bits, const BIGNUM *m, BN_CTX *ctx,
                          apr_pool_t *pool)
{
    BIGNUM *prime = number(pool), *generator = number(pool);
    BIGNUM *k = number(pool), *a = number(pool);

    BN_set_word(generator, ROCA_GENERATOR);
    do {
        BN_rand(a, 200, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
        BN_rand(k, bits - BN_num_bits(m), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY);
        BN_mod_exp(prime, generator, a, m, ctx);
        BN_mul(k, k, m, ctx);
        BN_add(prime, prime, k);
    } while (BN_check_prime(prime, ctx, NULL) != 1);
    return prime;
}

/* M is the product of the first 39 to 225 primes, by the key's size. */
static BIGNUM *roca_m(int last, apr_pool_t *pool)
{
    BIGNUM *m = number(pool);
    int p, d;

    BN_set_word(m, 2);
    for (p = 3; p <= last; p += 2) {
        for (d = 3; d * d <= p && p % d; d += 2)
            ;
        if (d * d > p)
            BN_mul_word(m, (BN_ULONG)p);
    }
    return m;
}

static void roca(apr_pool_t *pool)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *m = roca_m(167, pool), *p, *n;

    is_int(BN_num_bits(m), 220);
    p = roca_prime(1024, m, ctx, pool);
    n = product(p, roca_prime(1024, m, ctx, pool), ctx, pool);
    bad("ROCA", n, "10001", pool);
    /* one prime alone does not make it */
    good(product(p, prime_make(1024, pool), ctx, pool), "10001", pool);
    m = roca_m(701, pool); /* as for keys of 2048 bits */
    p = roca_prime(1024, m, ctx, pool);
    n = product(p, roca_prime(1024, m, ctx, pool), ctx, pool);
    bad("ROCA", n, "10001", pool);
    BN_CTX_free(ctx);
}

/* 65537 generates everything modulo some primes, and little modulo others:
 * 11 (1, 10), 13, 37 … */
static void roca_rests(apr_pool_t *pool)
{
    unsigned long rest, in = 0;

    ok(is_roca_rest(1, 11) && is_roca_rest(10, 11));
    for (rest = 2; rest < 10; ++rest)
        ok(!is_roca_rest(rest, 11));
    for (rest = 1; rest < 37; ++rest)
        in += (unsigned long)is_roca_rest(rest, 37);
    is_int(in, 3);
    for (rest = 1; rest < 167; ++rest)
        ok(is_roca_rest(rest, 167));
}

static void no_false_alarm(apr_pool_t *pool)
{
    BN_CTX *ctx = BN_CTX_new();
    const char *fault;
    int i;

    for (i = 0; i < 500; ++i) {
        fault = policy_rsa_fault(some(2048, pool), some(17, pool), pool);
        ok(!fault || strstr(fault, "divisible"), "%s", fault);
    }
    good(strong(2048, ctx, pool), "10001", pool);
    good(strong(3072, ctx, pool), "10001", pool);
    BN_CTX_free(ctx);
}

const tap_case_t tap_cases[] = {
    {"T07 exponents: odd, 5 to 2^64", exponents},
    {"T07 an even modulus", even_modulus},
    {"T07 each prime factor below 1000", small_factors},
    {"T07 close primes, by Fermat's method", close_primes},
    {"Fermat's method ends after 100 rounds", last_round},
    {"integer square roots", roots},
    {"T07 ROCA keys", roca},
    {"ROCA: powers of 65537", roca_rests},
    {"sound moduli raise no alarm", no_false_alarm},
    {NULL, NULL}};
