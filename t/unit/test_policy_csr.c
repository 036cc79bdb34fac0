/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/pjson.h"
#include "recipe.h"

static void shapes(apr_pool_t *pool)
{
    policy_csr_t *csr = GOOD("a.test", .subject = {"CN=a.test"});

    need(csr);
    is_str(csr->common_name, "a.test");
    csr =
        GOOD("a.test b.test", .ext = {"subjectAltName=DNS:b.test,DNS:a.test"});
    need(csr);
    ok(!csr->common_name);
    csr = GOOD("a.test", .subject = {"CN=a.test"},
               .ext = {"subjectAltName=DNS:a.test"});
    need(csr);
    is_str(csr->common_name, "a.test");
    csr = GOOD("a.test b.test", .subject = {"CN=b.test"},
               .ext = {"subjectAltName=DNS:a.test"});
    need(csr);
    is_str(csr->common_name, "b.test");
    csr = GOOD("a.test", .subject = {"CN=A.Test"},
               .ext = {"subjectAltName=DNS:A.TEST,DNS:a.test,DNS:a.TEST"});
    need(csr);
    is_str(csr->common_name, "a.test");
    GOOD("xn--bcher-kva.test", .subject = {"CN=XN--bcher-kva.test"});
    GOOD("*.a.test a.test", .ext = {"subjectAltName=DNS:a.test,DNS:*.a.test"});
    GOOD("_x.a.test", .ext = {"subjectAltName=DNS:_x.a.test"});
    GOOD("localhost", .ext = {"subjectAltName=DNS:localhost"});
}

static void differences(apr_pool_t *pool)
{
    problem_t *prob, *sub;

    prob = BAD("lacks names of the order: b.test", "a.test b.test",
               .subject = {"CN=a.test"});
    need(prob && prob->subproblems);
    is_int(prob->subproblems->nelts, 1);
    sub = APR_ARRAY_IDX(prob->subproblems, 0, problem_t *);
    is_str(problem_name(sub->type), "badCSR");
    is_str(sub->identifier->value, "b.test");
    ok(!prob->identifier);
    BAD("names that the order has not: b.test", "a.test",
        .ext = {"subjectAltName=DNS:a.test,DNS:b.test"});
    BAD("names that the order has not: b.test", "a.test",
        .subject = {"CN=b.test"}, .ext = {"subjectAltName=DNS:a.test"});
    prob = BAD("order: b.test, d.test; it has names", "a.test b.test d.test",
               .ext = {"subjectAltName=DNS:a.test,DNS:c.test,DNS:e.test"});
    need(prob && prob->subproblems);
    is_int(prob->subproblems->nelts, 4);
    ok(strstr(prob->detail, "order has not: c.test, e.test"));
    BAD("lacks names of the order: a.test", "a.test", .key = NULL);
    BAD("lacks names of the order: *.a.test", "*.a.test a.test",
        .subject = {"CN=a.test"});
    BAD("the order has not: *.a.test", "a.test",
        .ext = {"subjectAltName=DNS:a.test,DNS:*.a.test"});
    BAD("the order has not: aa.test", "a.test",
        .ext = {"subjectAltName=DNS:a.test,DNS:aa.test"});
    BAD("the order has not: x.a.test", "*.a.test",
        .ext = {"subjectAltName=DNS:x.a.test"});
}

/* "DNS:n0.test,DNS:n1.test…" or "n0.test n1.test…" */
static const char *many(int from, int to, const char *before, const char *sep,
                        apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 100, sizeof(char *));
    int i;

    for (i = from; i < to; ++i)
        APR_ARRAY_PUSH(words, char *) =
            apr_psprintf(pool, "%sn%03d.test", before, i);
    return apr_array_pstrcat(pool, words, *sep);
}

static const char *san_many(int from, int to, apr_pool_t *pool)
{
    return apr_pstrcat(
        pool, "subjectAltName=", many(from, to, "DNS:", ",", pool), NULL);
}

static void many_names(apr_pool_t *pool)
{
    problem_t *prob;

    GOOD(many(0, 100, "", " ", pool), .ext = {san_many(0, 100, pool)});
    prob = BAD("n009.test and 89 more; ", many(0, 100, "", " ", pool),
               .ext = {san_many(99, 200, pool)});
    need(prob && prob->subproblems);
    ok(strstr(prob->detail, "n109.test and 90 more"), "%s", prob->detail);
    is_int(prob->subproblems->nelts, 20);
    ok(strlen(prob->detail) < 500);
    prob = BAD("asks for 201 names; at most 100", "n000.test",
               .ext = {san_many(0, 201, pool)});
    need(prob);
    ok(!prob->subproblems);
}

static void signatures(apr_pool_t *pool)
{
    static const char *const ec[] = {"P-256", "P-384", "P-521", NULL};
    EVP_PKEY *rsa = recipe_key("RSA-2048", pool);
    int i;

    for (i = 0; ec[i]; ++i) {
        EVP_PKEY *key = recipe_key(ec[i], pool);

        GOOD("a.test", .key = key, .subject = {"CN=a.test"});
        GOOD("a.test", .key = key, .subject = {"CN=a.test"},
             .md = EVP_sha384());
        GOOD("a.test", .key = key, .subject = {"CN=a.test"},
             .md = EVP_sha512());
        BAD("signed with SHA1", "a.test", .key = key, .subject = {"CN=a.test"},
            .md = EVP_sha1());
        BAD("signed with SHA224", "a.test", .key = key,
            .subject = {"CN=a.test"}, .md = EVP_sha224());
    }
    GOOD("a.test", .key = rsa, .subject = {"CN=a.test"});
    GOOD("a.test", .key = rsa, .subject = {"CN=a.test"}, .md = EVP_sha512());
    BAD("signed with SHA1", "a.test", .key = rsa, .subject = {"CN=a.test"},
        .md = EVP_sha1());
    BAD("signed with MD5", "a.test", .key = rsa, .subject = {"CN=a.test"},
        .md = EVP_md5());
    GOOD("a.test", .key = rsa, .subject = {"CN=a.test"}, .pss = 1);
    GOOD("a.test", .key = rsa, .subject = {"CN=a.test"}, .pss = 1,
         .md = EVP_sha384());
    BAD("signed with SHA1", "a.test", .key = rsa, .subject = {"CN=a.test"},
        .pss = 1, .md = EVP_sha1());
    GOOD("a.test", .key = recipe_key("ED25519", pool),
         .subject = {"CN=a.test"});
}

static void other_signer(apr_pool_t *pool)
{
    static const char *const kinds[] = {"P-256", "P-384", "RSA-2048", "ED25519",
                                        NULL};
    int i, j;

    for (i = 0; kinds[i]; ++i) {
        for (j = 0; kinds[j]; ++j)
            BAD("signature does not hold", "a.test",
                .key = recipe_key(kinds[i], pool),
                .signer = recipe_key(kinds[j], pool), .subject = {"CN=a.test"});
    }
}

/* No octet of a CSR can be changed. */
static void changed_octets(apr_pool_t *pool)
{
    static const char *const kinds[] = {"P-256", "RSA-2048", "ED25519", NULL};
    apr_pool_t *sub;
    int i;

    apr_pool_create(&sub, pool);
    for (i = 0; kinds[i]; ++i) {
        der_t der =
            CSR(.key = recipe_key(kinds[i], pool), .subject = {"CN=a.test"},
                .ext = {"subjectAltName=DNS:a.test"});
        apr_size_t bit;

        recipe_good("a.test", der, pool);
        for (bit = 0; bit < der.len * 8; bit += i ? 5 : 1) {
            policy_csr_t *csr;

            der.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
            ok(recipe_check(&csr, der, "a.test", NULL, sub), "%s bit %d",
               kinds[i], (int)bit);
            der.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
            apr_pool_clear(sub);
        }
    }
}

static void cut_short(apr_pool_t *pool)
{
    der_t der = CSR(.subject = {"CN=a.test"});
    apr_pool_t *sub;

    apr_pool_create(&sub, pool);
    for (--der.len; der.len > 0; --der.len) {
        der_t copy = {apr_pmemdup(sub, der.data, der.len), der.len};

        recipe_bad("is not the DER", "a.test", copy, sub);
        apr_pool_clear(sub);
    }
    recipe_bad("is not the DER", "a.test", (der_t){der.data, 0}, pool);
}

static void trailing_octets(apr_pool_t *pool)
{
    der_t der = CSR(.subject = {"CN=a.test"});
    unsigned char *more = apr_pcalloc(pool, der.len + 70000);

    memcpy(more, der.data, der.len);
    recipe_bad("1 octets behind its end", "a.test", (der_t){more, der.len + 1},
               pool);
    recipe_bad("more than 65536 octets", "a.test", (der_t){more, 65537}, pool);
    memcpy(more + der.len, der.data, der.len);
    recipe_bad("octets behind its end", "a.test", (der_t){more, 2 * der.len},
               pool);
}

static void other_things(apr_pool_t *pool)
{
    static const char pem[] = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n";
    der_t der = CSR(.subject = {"CN=a.test"});
    EVP_PKEY *key = recipe_key("P-256", pool);
    unsigned char *out = NULL;

    recipe_bad("is PEM", "a.test",
               (der_t){apr_pmemdup(pool, pem, sizeof(pem)), sizeof(pem) - 1},
               pool);
    recipe_bad("is not the DER", "a.test",
               (der_t){apr_pmemdup(pool, "{}", 2), 2}, pool);
    der.data[0] = 0x31;
    recipe_bad("is not the DER", "a.test", der, pool);
    der.len = (apr_size_t)i2d_PUBKEY(key, &out);
    der.data = apr_pmemdup(pool, out, der.len);
    OPENSSL_free(out);
    recipe_bad("is not the DER", "a.test", der, pool);
}

static void keys(apr_pool_t *pool)
{
    BAD("2048 to 4096", "a.test", .key = recipe_key("RSA-1024", pool),
        .subject = {"CN=a.test"});
    BAD("secp224r1", "a.test", .key = recipe_key("P-224", pool),
        .subject = {"CN=a.test"});
    BAD("secp256k1", "a.test", .key = recipe_key("secp256k1", pool),
        .subject = {"CN=a.test"});
    BAD("ED448", "a.test", .key = recipe_key("ED448", pool),
        .subject = {"CN=a.test"});
    BAD("RSASSA-PSS", "a.test", .key = recipe_key("RSA-PSS", pool),
        .subject = {"CN=a.test"});
}

static void account_keys(apr_pool_t *pool)
{
    static const char *const kinds[] = {"P-256", "P-384", "RSA-2048", "ED25519",
                                        NULL};
    policy_csr_t *csr;
    problem_t *prob;
    int i;

    for (i = 0; kinds[i]; ++i) {
        EVP_PKEY *key = recipe_key(kinds[i], pool);
        der_t der = CSR(.key = key, .subject = {"CN=a.test"});

        prob = recipe_check(&csr, der, "a.test", key, pool);
        need(prob);
        is_str(problem_name(prob->type), "badCSR");
        ok(strstr(prob->detail, "account's key"), "%s", prob->detail);
        ok(!recipe_check(&csr, der, "a.test", recipe_key(kinds[i], pool),
                         pool));
        ok(!recipe_check(&csr, der, "a.test", recipe_key("P-521", pool), pool));
        ok(!recipe_check(&csr, der, "a.test", NULL, pool));
    }
}

static void result(apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("P-256", pool);
    der_t der = CSR(.key = key, .subject = {"CN=a.test"});
    unsigned char digest[32];
    policy_csr_t *csr = recipe_good("a.test", der, pool);

    need(csr);
    EVP_Digest(der.data, der.len, digest, NULL, EVP_sha256(), NULL);
    is_str(csr->sha256, apr_pescape_hex(pool, digest, 32, 0));
    is_int(EVP_PKEY_eq(csr->key, key), 1);
}

static void all_at_once(apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("RSA-1024", pool);
    policy_csr_t *csr;
    problem_t *prob = recipe_check(
        &csr,
        CSR(.key = key, .md = EVP_sha1(), .subject = {"CN=c.test", "O=x"},
            .ext = {"subjectAltName=DNS:b.test,email:a@b.test",
                    "basicConstraints=CA:TRUE", "keyUsage=keyCertSign",
                    "extendedKeyUsage=codeSigning"}),
        "a.test", key, pool);

    need(prob && prob->subproblems);
    is_int(prob->subproblems->nelts, 11); /* eight faults, three names */
    ok(strstr(prob->detail, "1024 bits"));
    ok(strstr(prob->detail, "SHA1"));
    ok(strstr(prob->detail, "account's key"));
    ok(strstr(prob->detail, "has O"));
    ok(strstr(prob->detail, "e-mail"));
    ok(strstr(prob->detail, "CA:TRUE"));
    ok(strstr(prob->detail, "keyCertSign"));
    ok(strstr(prob->detail, "codeSigning"));
    ok(strstr(prob->detail, "order: a.test"));
    ok(strstr(prob->detail, "has not: b.test, c.test"));
}

const tap_case_t tap_cases[] = {
    {"T56 R32 CN, SAN, both, in any case and order", shapes},
    {"T56 names that differ from the order's", differences},
    {"T56 a hundred names; the detail stays short", many_names},
    {"T57 digests and kinds of signature", signatures},
    {"T57 a signature by another key does not hold", other_signer},
    {"T57 no bit can be changed", changed_octets},
    {"T57 a CSR that was cut", cut_short},
    {"T57 octets behind the CSR", trailing_octets},
    {"T57 PEM and other things that are no CSR", other_things},
    {"T07 keys that are refused", keys},
    {"T58 not the account's key", account_keys},
    {"what is approved: key, digest", result},
    {"all violations at once", all_at_once},
    {NULL, NULL}};
