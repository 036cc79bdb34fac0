/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_work.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/own.h"
#include "ca/ca_issue.h"
#include "ca/ca_openssl.h"
#include "handle_eab.h"
#include "tap.h"
#include "policy/policy_make.h"
#include "policy/policy_spki.h"
#include "store/store_revoke.h"

#define DAY 86400

/* A virtual host's certificate, made when the clock started, 90 days long. */
static X509 *cert_make(handle_t *h, EVP_PKEY *key, const char *names)
{
    policy_t *policy = policy_make("tls-server", h->pool);
    ca_request_t request = {0};
    const unsigned char *der;
    ca_cert_t *cert;

    request.identifiers = identifier_list_from_text(names, h->pool);
    request.key = key;
    request.serial = "00112233445566778899aabbccddeeff";
    request.not_before = HANDLE_NOW;
    request.not_after = HANDLE_NOW + 90 * DAY;
    request.key_usage = policy->ku_require;
    request.ext_key_usage = policy->eku_require;
    if (ca_issue(&cert, handle_issuer(h)->set->issuer, &request, h->pool))
        return NULL;
    der = cert->der;
    return own_x509(h->pool, d2i_X509(NULL, &der, (long)cert->der_len));
}

static X509 *refresh(handle_t *h, X509 *current, EVP_PKEY *key)
{
    const unsigned char *der;
    apr_size_t len;

    if (acme_work_vhost_refresh(&der, &len, &h->acme, current, key, h->pool) !=
        APR_SUCCESS)
        return NULL;
    return der ? own_x509(h->pool, d2i_X509(NULL, &der, (long)len)) : NULL;
}

static int claim(handle_t *h, apr_array_header_t **jobs)
{
    if (acme_work_claim(jobs, &h->acme, 10, h->pool) != APR_SUCCESS)
        return -1;
    return (*jobs)->nelts;
}

/* So that it can be revoked. */
static void first(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool);
    X509 *current = cert_make(h, key, "dns:ca.example");
    apr_array_header_t *rows;
    store_cert_t *row;
    int i;

    need(current);
    for (i = 0; i < 2; i++)
        ok(!refresh(h, current, key));
    is_int(store_cert_list(&rows, h->acme.store, NULL, NULL, 9, pool),
           APR_SUCCESS);
    need(rows->nelts == 1);
    row = APR_ARRAY_IDX(rows, 0, store_cert_t *);
    is_str(row->serial, ca_serial_text(current, pool));
    is_str(row->identifiers, "dns:ca.example");
    is_str(row->issuer, handle_issuer(h)->set->issuer->fingerprint);
    ok(!row->order_id && !row->account_id && !row->revoked_at);
    is_str(event_last(h, "cert.issue")->cert_id, row->id);
}

static void young(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool);
    X509 *current = cert_make(h, key, "dns:ca.example");
    apr_array_header_t *jobs;

    need(current);
    h->now += 59 * DAY;
    ok(!refresh(h, current, key));
    is_int(claim(h, &jobs), 0);
    is_int(h->wakes, 0);
}

static void old(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool);
    X509 *current = cert_make(h, key, "dns:ca.example dns:www.ca.example");
    apr_array_header_t *jobs;
    X509 *next;

    need(current);
    h->now += 61 * DAY;
    ok(!refresh(h, current, key));
    ok(!refresh(h, current, key));
    is_int(h->wakes, 1);
    need(claim(h, &jobs) == 1);
    handle_run(h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    is_str(h->log_tag, "AS0308");
    next = refresh(h, current, key);
    need(next);
    ok(X509_check_host(next, "www.ca.example", 0, 0, NULL) == 1);
    ok(EVP_PKEY_eq(X509_get0_pubkey(next), key) == 1);
    ok(ASN1_TIME_compare(X509_get0_notAfter(next),
                         X509_get0_notAfter(current)) > 0);
    ok(X509_verify(next,
                   X509_get0_pubkey(handle_issuer(h)->set->issuer->cert)) == 1);
    /* Whoever has it has nothing to do. */
    ok(!refresh(h, next, key));
    is_int(claim(h, &jobs), 0);
}

/* One revocation more, of the newest certificate for this key. */
static apr_status_t cert_revoke(handle_t *h, EVP_PKEY *key, const char *names)
{
    unsigned char hash[32];
    store_revoke_t what = {0};
    store_job_t job = {.id = "job", .kind = "crl"};
    apr_array_header_t *events;
    store_cert_t *cert;
    apr_status_t rv;

    if (!policy_spki_sha256(hash, key))
        return APR_EGENERAL;
    rv = store_cert_get_vhost(&cert, h->acme.store, names,
                              apr_pescape_hex(h->pool, hash, sizeof(hash), 0),
                              h->pool);
    what.cert = cert;
    what.at = h->now;
    what.reason = -1;
    what.job = &job;
    return rv == APR_SUCCESS
               ? store_cert_revoke(&events, h->acme.store, &what, h->pool)
               : rv;
}

static void revoked(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool);
    X509 *current = cert_make(h, key, "dns:ca.example"), *next;
    apr_array_header_t *jobs;

    h->now += 61 * DAY;
    ok(!refresh(h, current, key));
    need(claim(h, &jobs) == 1);
    handle_run(h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    next = refresh(h, current, key);
    need(next);
    ok(!refresh(h, next, key));
    h->now += 10;
    is_int(cert_revoke(h, key, "dns:ca.example"), APR_SUCCESS);
    ok(!refresh(h, next, key));
    ok(!refresh(h, next, key));
    need(claim(h, &jobs) == 2); /* and the list */
    handle_run(h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    handle_run(h, APR_ARRAY_IDX(jobs, 1, const store_job_t *));
    current = refresh(h, next, key);
    need(current);
    ok(!refresh(h, current, key));
    is_int(claim(h, &jobs), 0);
}

static void other_key_or_names(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool), *other = key_make("P-256", pool);
    apr_array_header_t *jobs;

    h->now += 61 * DAY;
    refresh(h, cert_make(h, key, "dns:ca.example"), key);
    need(claim(h, &jobs) == 1);
    handle_run(h, APR_ARRAY_IDX(jobs, 0, const store_job_t *));
    ok(!refresh(h, cert_make(h, other, "dns:ca.example"), other));
    ok(!refresh(h, cert_make(h, key, "dns:other.example"), key));
    ok(refresh(h, cert_make(h, key, "dns:ca.example"), key));
}

/* A process that died between certificate and job. */
static void twice(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool);
    X509 *current = cert_make(h, key, "dns:ca.example");
    apr_array_header_t *jobs;
    store_job_t job;

    h->now += 61 * DAY;
    refresh(h, current, key);
    need(claim(h, &jobs) == 1);
    job = *APR_ARRAY_IDX(jobs, 0, const store_job_t *);
    handle_run(h, &job);
    need(store_job_add(h->acme.store, &job, pool) == APR_SUCCESS);
    handle_run(h, &job);
    h->now += 1000;
    is_int(claim(h, &jobs), 0);
}

/* Nothing to gain from an issuer that ends no later. */
static void issuer_ends(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool);
    apr_array_header_t *jobs;
    X509 *current;

    ca_issuer_t issuer = *handle_issuer(h)->set->issuer;

    issuer.not_after = HANDLE_NOW + 90 * DAY;
    handle_issuer(h)->set->issuer = &issuer;
    current = cert_make(h, key, "dns:ca.example");
    need(current);
    h->now += 61 * DAY;
    ok(!refresh(h, current, key));
    is_int(claim(h, &jobs), 0);
    handle_issuer(h)->set = NULL;
    ok(!refresh(h, current, key));
    is_int(claim(h, &jobs), 0);
}

static void away(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    EVP_PKEY *key = key_make("P-256", pool);
    X509 *current = cert_make(h, key, "dns:ca.example");
    const unsigned char *der;
    apr_size_t len;

    need(current);
    handle_database_away(h);
    ok(acme_work_vhost_refresh(&der, &len, &h->acme, current, key, pool) !=
       APR_SUCCESS);
    ok(!der);
}

const tap_case_t tap_cases[] = {
    {"the first one gets its row, once", first},
    {"a young certificate stays", young},
    {"an old one is renewed once, for the same key and names", old},
    {"a revoked one is renewed", revoked},
    {"only for this key and these names", other_key_or_names},
    {"a renewal that runs twice is one", twice},
    {"an issuer near its end is not asked for more", issuer_ends},
    {"a database that is away is told", away},
    {NULL, NULL}};
