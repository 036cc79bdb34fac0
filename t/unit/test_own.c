/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"

#include <string.h>

#include "tap.h"

static void null_passes(apr_pool_t *pool)
{
#define X(kind, type, free_fn) ok(own_##kind(pool, NULL) == NULL);
    OWN_KINDS(X)
#undef X
}

/* The leak itself is found by valgrind or the address sanitizer. */
static void every_kind(apr_pool_t *pool)
{
    ok(own_bio(pool, BIO_new(BIO_s_mem())));
    ok(own_bn(pool, BN_new()));
    ok(own_ecdsa_sig(pool, ECDSA_SIG_new()));
    ok(own_json(pool, json_object()));
    ok(own_md_ctx(pool, EVP_MD_CTX_new()));
    ok(own_pkey(pool, EVP_PKEY_new()));
    ok(own_x509(pool, X509_new()));
    ok(own_x509_req(pool, X509_REQ_new()));
}

static void freed_with_pool(apr_pool_t *pool)
{
    json_t *json = json_object();
    apr_pool_t *sub;

    apr_pool_create(&sub, pool);
    ok(own_json(sub, json) == json);
    json_incref(json);
    is_int(json->refcount, 2);
    apr_pool_destroy(sub);
    is_int(json->refcount, 1);
    json_decref(json);
}

static void cleansed(apr_pool_t *pool)
{
    char secret[8] = "secret!";
    apr_pool_t *sub;

    apr_pool_create(&sub, pool);
    own_cleanse(sub, secret, sizeof(secret));
    is_str(secret, "secret!");
    apr_pool_destroy(sub);
    ok(memcmp(secret, "\0\0\0\0\0\0\0", 8) == 0);
}

const tap_case_t tap_cases[] = {
    {"NULL passes through", null_passes},
    {"every kind is tied", every_kind},
    {"the pool's end is the object's", freed_with_pool},
    {"secrets are overwritten", cleansed},
    {NULL, NULL}};
