/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_rsa.h"

#include <apr_strings.h>

#include "base/own.h"

#include "base/banned.h"

#define FERMAT_ROUNDS 100
/* The primes up to here divide the M of every ROCA key of 512 bits or more. */
#define ROCA_MAX       167
#define ROCA_GENERATOR 65537

static const unsigned short primes[] = {
    3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,  47,
    53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191,
    193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269,
    271, 277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353,
    359, 367, 373, 379, 383, 389, 397, 401, 409, 419, 421, 431, 433, 439,
    443, 449, 457, 461, 463, 467, 479, 487, 491, 499, 503, 509, 521, 523,
    541, 547, 557, 563, 569, 571, 577, 587, 593, 599, 601, 607, 613, 617,
    619, 631, 641, 643, 647, 653, 659, 661, 673, 677, 683, 691, 701, 709,
    719, 727, 733, 739, 743, 751, 757, 761, 769, 773, 787, 797, 809, 811,
    821, 823, 827, 829, 839, 853, 857, 859, 863, 877, 881, 883, 887, 907,
    911, 919, 929, 937, 941, 947, 953, 967, 971, 977, 983, 991, 997, 0};

static const char *exponent_fault(const BIGNUM *e)
{
    if (!BN_is_odd(e))
        return "its exponent is even";
    if (BN_num_bits(e) > 64)
        return "its exponent has more than 64 bits; 65537 is usual";
    if (BN_get_word(e) <= 3)
        return "its exponent is 3 or less; 65537 is usual";
    return NULL;
}

/* Is rest a power of 65537 modulo prime? */
static int is_roca_rest(unsigned long rest, unsigned long prime)
{
    unsigned long power = 1;

    do {
        if (power == rest)
            return 1;
        power = power * ROCA_GENERATOR % prime;
    } while (power != 1);
    return 0;
}

/*
 * Small factors, and the flaw of Infineon's library (Nemec et al., "The Return
 * of Coppersmith's Attack", CVE-2017-15361): its primes are k * M + 65537^a mod
 * M, where M is the product of the first primes.  Hence a modulus is a power of
 * 65537 modulo each of them.  One random modulus in 2^27 is so by chance.
 */
static const char *factor_fault(const BIGNUM *n, apr_pool_t *pool)
{
    const unsigned short *prime = primes, *group;
    unsigned long product, rest;
    int is_roca = 1;

    while (*prime) {
        product = 1;
        for (group = prime; *prime && product * *prime <= 0xfffffffful; ++prime)
            product *= *prime;
        rest = BN_mod_word(n, product);
        for (; group < prime; ++group) {
            if (rest % *group == 0)
                return apr_psprintf(pool, "its modulus is divisible by %d",
                                    *group);
            if (is_roca && *group <= ROCA_MAX)
                is_roca = is_roca_rest(rest % *group, *group);
        }
    }
    return is_roca ? "it was made by a faulty library of Infineon's and can be "
                     "factored (ROCA, CVE-2017-15361); make a new one "
                     "elsewhere"
                   : NULL;
}

/* root: the integer part of n's square root, by Newton's method from above. */
static int root_get(BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
    BIGNUM *next = BN_CTX_get(ctx);

    if (BN_is_zero(n)) {
        BN_zero(root);
        return 1;
    }
    if (!next || !BN_one(root) ||
        !BN_lshift(root, root, (BN_num_bits(n) + 1) / 2))
        return 0;
    for (;;) {
        if (!BN_div(next, NULL, n, root, ctx) || !BN_add(next, next, root) ||
            !BN_rshift1(next, next))
            return 0;
        if (BN_cmp(next, root) >= 0)
            return 1;
        if (!BN_copy(root, next))
            return 0;
    }
}

static int is_root(const BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
    BIGNUM *square = BN_CTX_get(ctx);

    return square && BN_sqr(square, root, ctx) && BN_cmp(square, n) == 0;
}

/* Is a * a - n, which is not negative, a square? */
static int is_square_beyond(const BIGNUM *a, const BIGNUM *n, BN_CTX *ctx)
{
    BIGNUM *square, *root;
    int is_square;

    BN_CTX_start(ctx);
    square = BN_CTX_get(ctx);
    root = BN_CTX_get(ctx);
    is_square = root && BN_sqr(square, a, ctx) && BN_sub(square, square, n) &&
                root_get(root, square, ctx) && is_root(root, square, ctx);
    BN_CTX_end(ctx);
    return is_square;
}

/* Numbers modulo which few are squares, so that nearly every round is decided
 * without big numbers. */
static const unsigned int sieve_moduli[] = {64, 63, 61, 59, 55, 53};
#define SIEVE_COUNT (sizeof(sieve_moduli) / sizeof(*sieve_moduli))

typedef struct {
    apr_uint64_t squares; /* bit x: x is a square */
    unsigned int a, n;
} sieve_t;

static void sieve_init(sieve_t *sieve, const BIGNUM *a, const BIGNUM *n)
{
    unsigned int i, x, modulus;

    for (i = 0; i < SIEVE_COUNT; ++i) {
        modulus = sieve_moduli[i];
        sieve[i].squares = 0;
        for (x = 0; x < modulus; ++x)
            sieve[i].squares |= (apr_uint64_t)1 << (x * x % modulus);
        sieve[i].a = (unsigned int)BN_mod_word(a, modulus);
        sieve[i].n = (unsigned int)BN_mod_word(n, modulus);
    }
}

/* May (a + round)² - n be a square? */
static int sieve_passes(const sieve_t *sieve, unsigned int round)
{
    unsigned int i, x, modulus;

    for (i = 0; i < SIEVE_COUNT; ++i) {
        modulus = sieve_moduli[i];
        x = sieve[i].a + round;
        x = (x * x + modulus - sieve[i].n) % modulus;
        if (!(sieve[i].squares >> x & 1))
            return 0;
    }
    return 1;
}

/* Fermat: n = a² - b² = (a + b)(a - b), with a little above n's root if the
 * primes are close.  a: the root's integer part. */
static int fermat_factors(BIGNUM *a, const BIGNUM *n, BN_CTX *ctx)
{
    sieve_t sieve[SIEVE_COUNT];
    unsigned int round, at = 0;

    if (is_root(a, n, ctx))
        return 1;
    if (!BN_add_word(a, 1))
        return 0;
    sieve_init(sieve, a, n);
    for (round = 0; round < FERMAT_ROUNDS; ++round) {
        if (!sieve_passes(sieve, round))
            continue;
        if (!BN_add_word(a, round - at))
            return 0;
        at = round;
        if (is_square_beyond(a, n, ctx))
            return 1;
    }
    return 0;
}

static int has_close_primes(const BIGNUM *n)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *a;
    int is_close;

    if (!ctx)
        return 0;
    BN_CTX_start(ctx);
    a = BN_CTX_get(ctx);
    is_close = a && root_get(a, n, ctx) && fermat_factors(a, n, ctx);
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return is_close;
}

const char *policy_rsa_fault(const BIGNUM *n, const BIGNUM *e, apr_pool_t *pool)
{
    const char *fault = exponent_fault(e);

    if (fault)
        return fault;
    if (!BN_is_odd(n))
        return "its modulus is even";
    fault = factor_fault(n, pool);
    if (fault)
        return fault;
    if (has_close_primes(n))
        return "its two primes are so close that Fermat's method factors it";
    return NULL;
}
