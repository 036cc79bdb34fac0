/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_auto.h"

#include "ca_fixture.h"

#include "ca/ca_openssl.h"

#define ORG "ACME CA of ca.corp.example"

static const char *dir_new(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
}

static ca_auto_t *ensure(const char *dir, apr_int64_t now, apr_pool_t *pool)
{
    ca_auto_t *ca = NULL;
    problem_t *prob = ca_auto_ensure(&ca, dir, ORG, now, NULL, pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    return ca;
}

static void first_start(apr_pool_t *pool)
{
    const char *dir = dir_new("first", pool);
    ca_auto_t *ca = ensure(dir, NOW, pool), *again;

    need(ca);
    is_int(ca->generations->nelts, 1);
    ok(ca->issuer == APR_ARRAY_IDX(ca->generations, 0, ca_issuer_t *));
    is_int(ca->issuer->generation, 1);
    is_str(ca->issuer->name, "automatic");
    is_str(ca->roots_pem, ca_cert_pem(ca->issuer->root, pool));
    is_str(ca->issuer->chain_pem, ca_cert_pem(ca->issuer->cert, pool));
    again = ensure(dir, NOW + DAY, pool);
    need(again);
    is_str(again->issuer->fingerprint, ca->issuer->fingerprint);
    is_str(again->roots_pem, ca->roots_pem);
}

static void vhost(apr_pool_t *pool)
{
    const char *dir = dir_new("vhost", pool), *cert_file, *key_file;
    ca_auto_t *ca = ensure(dir, NOW, pool);
    problem_t *prob;

    need(ca);
    prob =
        ca_auto_vhost_ensure(&cert_file, &key_file, ca, dir,
                             names(pool, "localhost", NULL), NOW, NULL, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
}

const tap_case_t tap_cases[] = {
    {"the first start makes root and intermediate", first_start},
    {"the vhost's certificate", vhost},
    {NULL, NULL}};
