/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/own.h"
#include "base/pjson.h"
#include "tap.h"

/* A CSR to be made.  Members left out are the default, which is fine. */
typedef struct {
    EVP_PKEY *key;
    const char *cn, *field, *value;  /* and another subject field */
    const char *san, *ku, *eku, *bc; /* as in openssl.cnf */
    const EVP_MD *md;
    int request_nid; /* of the attribute that holds the extensions */
} recipe_t;

static EVP_PKEY *p256(apr_pool_t *pool)
{
    return own_pkey(pool, EVP_EC_gen("P-256"));
}

static void extension_add(STACK_OF(X509_EXTENSION) * list, int nid,
                          const char *text)
{
    X509_EXTENSION *extension;

    if (!text)
        return;
    extension = X509V3_EXT_nconf_nid(NULL, NULL, nid, text);
    ok(extension, "%s", text);
    sk_X509_EXTENSION_push(list, extension);
}

static void subject_add(X509_REQ *req, const char *field, const char *value)
{
    if (value)
        ok(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), field,
                                      MBSTRING_UTF8,
                                      (const unsigned char *)value, -1, -1, 0));
}

static X509_REQ *req_make(const recipe_t *recipe, apr_pool_t *pool)
{
    X509_REQ *req = own_x509_req(pool, X509_REQ_new());
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

    subject_add(req, "CN", recipe->cn);
    subject_add(req, recipe->field, recipe->value);
    extension_add(list, NID_subject_alt_name, recipe->san);
    extension_add(list, NID_key_usage, recipe->ku);
    extension_add(list, NID_ext_key_usage, recipe->eku);
    extension_add(list, NID_basic_constraints, recipe->bc);
    if (sk_X509_EXTENSION_num(list))
        ok(X509_REQ_add_extensions_nid(req, list,
                                       recipe->request_nid ? recipe->request_nid
                                                           : NID_ext_req));
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return req;
}

typedef struct {
    unsigned char *der;
    apr_size_t len;
} der_t;

static der_t req_sign(X509_REQ *req, EVP_PKEY *key, const EVP_MD *md,
                      apr_pool_t *pool)
{
    unsigned char *out = NULL;
    der_t der;
    int len;

    ok(X509_REQ_set_pubkey(req, key));
    ok(X509_REQ_sign(req, key, md) > 0);
    len = i2d_X509_REQ(req, &out);
    ok(len > 0);
    der.len = (apr_size_t)len;
    der.der = apr_pmemdup(pool, out, der.len);
    OPENSSL_free(out);
    return der;
}

static der_t der_make(const recipe_t *recipe, apr_pool_t *pool)
{
    EVP_PKEY *key = recipe->key ? recipe->key : p256(pool);
    const EVP_MD *md = recipe->md;

    if (!md && EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519)
        md = EVP_sha256();
    return req_sign(req_make(recipe, pool), key, md, pool);
}

/* names: "a.test b.test" */
static problem_t *check(policy_csr_t **csr, der_t der, const char *names,
                        EVP_PKEY *account, apr_pool_t *pool)
{
    apr_array_header_t *ids = apr_array_make(pool, 4, sizeof(identifier_t *));
    char *state, *name, *text = apr_pstrdup(pool, names);

    for (name = apr_strtok(text, " ", &state); name;
         name = apr_strtok(NULL, " ", &state)) {
        identifier_t *id;

        ok(!identifier_parse(&id, "dns", name, IDENTIFIER_UNDERSCORE, pool));
        APR_ARRAY_PUSH(ids, identifier_t *) = id;
    }
    identifier_sort(ids);
    *csr = NULL;
    return policy_csr_check(csr, policy_preset_tls_server(pool), der.der,
                            der.len, ids, account, pool);
}

static policy_csr_t *good(const char *names, const recipe_t *recipe,
                          apr_pool_t *pool)
{
    policy_csr_t *csr;
    problem_t *prob = check(&csr, der_make(recipe, pool), names, NULL, pool);

    ok(!prob && csr, "%s", prob ? prob->detail : "");
    ok(ERR_peek_error() == 0);
    return csr;
}

static problem_t *bad_der(const char *why, const char *names, der_t der,
                          apr_pool_t *pool)
{
    policy_csr_t *csr;
    problem_t *prob = check(&csr, der, names, NULL, pool);

    ok(prob, "%s", why);
    if (!prob)
        return NULL;
    ok(!csr);
    is_str(problem_name(prob->type), "badCSR");
    is_int(prob->status, 400);
    ok(strstr(prob->detail, why), "%s in %s", why, prob->detail);
    ok(pjson_text(problem_render(prob, pool), 0, pool));
    ok(ERR_peek_error() == 0);
    return prob;
}

static problem_t *bad(const char *why, const char *names,
                      const recipe_t *recipe, apr_pool_t *pool)
{
    return bad_der(why, names, der_make(recipe, pool), pool);
}

#define GOOD(names, ...)     good(names, &(recipe_t){__VA_ARGS__}, pool)
#define BAD(why, names, ...) bad(why, names, &(recipe_t){__VA_ARGS__}, pool)

static void shapes_of_clients(apr_pool_t *pool)
{
    policy_csr_t *csr = GOOD("a.test", .cn = "a.test");

    need(csr);
    is_str(csr->common_name, "a.test");
    csr = GOOD("a.test b.test", .san = "DNS:b.test,DNS:a.test");
    need(csr);
    is_str(csr->common_name, NULL);
    is_int(strlen(csr->sha256), 64);
    csr = GOOD("a.test b.test", .cn = "b.test", .san = "DNS:a.test");
    need(csr);
    is_str(csr->common_name, "b.test");
    GOOD("a.test", .cn = "A.Test", .san = "DNS:A.TEST");
    GOOD("a.test", .key = own_pkey(pool, EVP_RSA_gen(2048)),
         .san = "DNS:a.test");
}

static void names_differ(apr_pool_t *pool)
{
    problem_t *prob = BAD("lacks names of the order: b.test", "a.test b.test",
                          .cn = "a.test");

    need(prob && prob->subproblems);
    is_int(prob->subproblems->nelts, 1);
    prob = BAD("names that the order has not: b.test", "a.test",
               .san = "DNS:a.test,DNS:b.test");
    need(prob && prob->subproblems);
    is_str(APR_ARRAY_IDX(prob->subproblems, 0, problem_t *)->identifier->value,
           "b.test");
}

const tap_case_t tap_cases[] = {
    {"T56 R32 CN, SAN, both, in any case", shapes_of_clients},
    {"T56 names that differ from the order's", names_differ},
    {NULL, NULL}};
