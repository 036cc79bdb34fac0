/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/pjson.h"
#include "policy/policy_make.h"

EVP_PKEY *recipe_key(const char *kind, apr_pool_t *pool)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx;

    if (kind[0] == 'P' || kind[0] == 's')
        key = EVP_EC_gen(kind);
    else if (apr_isdigit(kind[strlen(kind) - 1]) && !strncmp(kind, "RSA-", 4))
        key = EVP_RSA_gen((unsigned int)atoi(kind + 4));
    else {
        ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
        ok(EVP_PKEY_keygen_init(ctx) == 1);
        ok(EVP_PKEY_keygen(ctx, &key) == 1);
        EVP_PKEY_CTX_free(ctx);
    }
    ok(key, "%s", kind);
    return own_pkey(pool, key);
}

static void subject_make(X509_REQ *req, const recipe_t *recipe,
                         apr_pool_t *pool)
{
    X509_NAME *name = X509_REQ_get_subject_name(req);
    const char *const *part = recipe->subject;

    for (; *part; ++part) {
        const char *field = *part + (**part == '+'),
                   *value = strchr(*part, '=');

        ok(X509_NAME_add_entry_by_txt(
               name, apr_pstrmemdup(pool, field, (apr_size_t)(value - field)),
               MBSTRING_UTF8, (const unsigned char *)value + 1, -1, -1,
               **part == '+' ? -1 : 0),
           "%s", *part);
    }
    if (recipe->cn)
        ok(X509_NAME_add_entry_by_NID(name, NID_commonName, recipe->cn_type,
                                      (const unsigned char *)recipe->cn,
                                      recipe->cn_len, -1, 0));
}

static X509_EXTENSION *extension_make(const char *text, apr_pool_t *pool)
{
    const char *value = strchr(text, '=');
    X509_EXTENSION *extension;
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, X509V3_CTX_TEST);
    X509V3_set_ctx_nodb(&ctx);
    extension = X509V3_EXT_nconf(
        NULL, &ctx, apr_pstrmemdup(pool, text, (apr_size_t)(value - text)),
        value + 1);
    ok(extension, "%s", text);
    return extension;
}

static void extensions_make(X509_REQ *req, const recipe_t *recipe,
                            apr_pool_t *pool)
{
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    const char *const *text;

    for (text = recipe->ext; *text; ++text)
        sk_X509_EXTENSION_push(list, extension_make(*text, pool));
    if (recipe->ext[0])
        ok(X509_REQ_add_extensions_nid(
            req, list, recipe->nid ? recipe->nid : NID_ext_req));
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

static int req_sign(X509_REQ *req, EVP_PKEY *signer, const recipe_t *recipe)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int id = EVP_PKEY_get_base_id(signer);
    const EVP_MD *md = recipe->md ? recipe->md : EVP_sha256();
    EVP_PKEY_CTX *pkey_ctx;
    int done;

    if (id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448)
        md = NULL;
    done = EVP_DigestSignInit(ctx, &pkey_ctx, md, NULL, signer) == 1 &&
           (!recipe->pss || EVP_PKEY_CTX_set_rsa_padding(
                                pkey_ctx, RSA_PKCS1_PSS_PADDING) > 0) &&
           X509_REQ_sign_ctx(req, ctx) > 0;
    EVP_MD_CTX_free(ctx);
    return done;
}

static der_t req_der(const X509_REQ *req, apr_pool_t *pool)
{
    unsigned char *out = NULL;
    int len = i2d_X509_REQ(req, &out);
    der_t der = {NULL, 0};

    ok(len > 0);
    if (len > 0) {
        der.len = (apr_size_t)len;
        der.data = apr_pmemdup(pool, out, der.len);
    }
    OPENSSL_free(out);
    return der;
}

/* For what OpenSSL would not write: the CSR with octets of it exchanged. */
static X509_REQ *req_patch(X509_REQ *req, const recipe_t *recipe,
                           apr_pool_t *pool)
{
    der_t der = req_der(req, pool);
    const unsigned char *at = der.data;
    void *place = memmem(der.data, der.len, recipe->from, strlen(recipe->from));

    ok(place && strlen(recipe->from) == strlen(recipe->to));
    if (!place)
        return req;
    memcpy(place, recipe->to, strlen(recipe->to));
    req = own_x509_req(pool, d2i_X509_REQ(NULL, &at, (long)der.len));
    ok(req, "%s", recipe->to);
    return req;
}

der_t recipe_der(const recipe_t *recipe, apr_pool_t *pool)
{
    EVP_PKEY *key = recipe->key ? recipe->key : recipe_key("P-256", pool);
    EVP_PKEY *signer = recipe->signer ? recipe->signer : key;
    X509_REQ *req = own_x509_req(pool, X509_REQ_new());

    ok(X509_REQ_set_pubkey(req, key));
    subject_make(req, recipe, pool);
    extensions_make(req, recipe, pool);
    if (recipe->change)
        recipe->change(req);
    ok(req_sign(req, signer, recipe));
    if (recipe->from) {
        req = req_patch(req, recipe, pool);
        ok(req_sign(req, signer, recipe));
    }
    ERR_clear_error();
    return req_der(req, pool);
}

apr_array_header_t *recipe_ids(const char *names, apr_pool_t *pool)
{
    apr_array_header_t *ids = apr_array_make(pool, 4, sizeof(identifier_t *));
    char *state, *name, *text = apr_pstrdup(pool, names);

    for (name = apr_strtok(text, " ", &state); name;
         name = apr_strtok(NULL, " ", &state)) {
        identifier_t *id;

        ok(!identifier_parse(&id, identifier_type_guess(name), name,
                             IDENTIFIER_UNDERSCORE, pool));
        APR_ARRAY_PUSH(ids, identifier_t *) = id;
    }
    identifier_sort(ids);
    return ids;
}

problem_t *recipe_check(policy_csr_t **csr, der_t der, const char *names,
                        EVP_PKEY *account, apr_pool_t *pool)
{
    policy_csr_terms_t terms = {0};
    problem_t *prob;

    *csr = NULL;
    terms.policy = policy_make("tls-server", pool);
    terms.identifiers = recipe_ids(names, pool);
    terms.account_key = account;
    prob = policy_csr_check(csr, &terms, der.data, der.len, pool);
    ok(ERR_peek_error() == 0);
    ok(!prob == !!*csr);
    return prob;
}

policy_csr_t *recipe_good(const char *names, der_t der, apr_pool_t *pool)
{
    policy_csr_t *csr;
    problem_t *prob = recipe_check(&csr, der, names, NULL, pool);

    ok(!prob, "%s: %s", names, prob ? prob->detail : "");
    return csr;
}

problem_t *recipe_bad(const char *why, const char *names, der_t der,
                      apr_pool_t *pool)
{
    policy_csr_t *csr;
    problem_t *prob = recipe_check(&csr, der, names, NULL, pool);

    ok(prob, "want: %s", why);
    if (!prob)
        return NULL;
    is_str(problem_name(prob->type), "badCSR");
    is_int(prob->status, 400);
    ok(strstr(prob->detail, why), "want \"%s\" in \"%s\"", why, prob->detail);
    ok(pjson_text(problem_render(prob, pool), 0, pool));
    return prob;
}
