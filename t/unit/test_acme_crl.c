/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_crl.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme/acme_pub.h"
#include "acme/acme_work_job.h"
#include "base/own.h"
#include "handle.h"
#include "store/store_cert.h"
#include "store/store_crl.h"
#include "store/store_rows.h"
#include "tap.h"

#define DAY 86400

/* Lists on, in a state directory of its own. */
static handle_t *crl_handle(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    char *dir = apr_pstrcat(pool, tap_tmpdir(), "/XXXXXX", NULL);

    h->conf->state_dir = mkdtemp(dir);
    h->conf->audit_log = "audit.log";
    handle_issuer(h)->crl = 1;
    return h;
}

static const char *print_of(const handle_t *h)
{
    return handle_issuer(h)->set->issuer->fingerprint;
}

static apr_status_t due_run(store_conn_t *conn, void *baton)
{
    const store_job_t job = {.id = "due", .kind = ACME_WORK_CRL};

    return store_crl_due(conn, baton, &job);
}

/* A certificate on record; revoked_at 0: it is good. */
static void cert_add(handle_t *h, const char *serial, apr_int64_t revoked_at)
{
    store_cert_t row = {0};

    row.id = row.serial = serial;
    row.realm = row.directory = "";
    row.profile = "default";
    row.issuer = print_of(h);
    row.identifiers = "dns:a.test";
    row.spki_sha256 = "spki";
    row.der = (const unsigned char *)"x";
    row.der_len = 1;
    row.not_before = HANDLE_NOW;
    row.not_after = HANDLE_NOW + 90 * DAY;
    row.issued_at = HANDLE_NOW;
    row.revoked_at = revoked_at;
    row.revoked_reason = revoked_at ? 1 : -1;
    is_int(store_cert_add(h->acme.store, &row, NULL, h->pool), APR_SUCCESS);
    if (revoked_at)
        is_int(store_write(h->acme.store, STORE_DURABLE, due_run,
                           (void *)row.issuer),
               APR_SUCCESS);
}

/* Claim what is due, run it; how many there were. */
static int work(handle_t *h)
{
    apr_array_header_t *jobs;
    int i;

    if (acme_work_claim(&jobs, &h->acme, 50, h->pool) != APR_SUCCESS)
        return -1;
    for (i = 0; i < jobs->nelts; i++)
        handle_run(h, APR_ARRAY_IDX(jobs, i, const store_job_t *));
    return jobs->nelts;
}

static void job_add(handle_t *h, const char *id, const char *kind)
{
    store_job_t job = {0};

    job.id = id;
    job.kind = kind;
    job.subject = print_of(h);
    is_int(store_job_add(h->acme.store, &job, h->pool), APR_SUCCESS);
}

static apr_int64_t number(handle_t *h)
{
    store_crl_t *crl;

    return store_crl_get(&crl, h->acme.store, print_of(h), h->pool) ==
                   APR_SUCCESS
               ? crl->number
               : 0;
}

static reply_t *get(handle_t *h)
{
    return handle_request(
        h, "GET",
        handle_url(h,
                   apr_pstrcat(h->pool, "issuer/", print_of(h), ".crl", NULL)));
}

/* The served list. */
static X509_CRL *list_of(handle_t *h)
{
    reply_t *r = get(h);
    const unsigned char *der = (const unsigned char *)r->res.body;

    if (r->status != 200)
        return NULL;
    return own_x509_crl(h->pool,
                        d2i_X509_CRL(NULL, &der, (long)r->res.body_len));
}

/* How many entries the served list has; -1: there is none. */
static int entries(handle_t *h)
{
    X509_CRL *crl = list_of(h);
    int count = crl ? sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) : 0;

    if (!crl)
        return -1;
    return count < 0 ? 0 : count;
}

static apr_int64_t next_due(handle_t *h)
{
    apr_int64_t due_at;

    return store_job_due(&due_at, h->acme.store, ACME_WORK_CRL_NEXT,
                         print_of(h), h->pool) == APR_SUCCESS
               ? due_at
               : -1;
}

static void first(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    reply_t *r;

    is_int(get(h)->status, 404);
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(work(h) >= 1, 1);
    is_int(number(h), 1);
    is_int(entries(h), 0);
    is_str(h->log_tag, "AS0312");
    is_int(next_due(h), HANDLE_NOW + 7 * DAY / 2);
    is_int(work(h), 0);
    r = get(h);
    is_str(r->type, "application/pkix-crl");
    is_int(strlen(r->res.etag), 34);
    ok(r->res.modified > 0);
    ok(!r->nonce);
    is_str(reply_header(r, "Cache-Control", 0), "public, max-age=300");
    ok(strstr(APR_ARRAY_IDX(h->audit, h->audit->nelts - 1, const char *),
              "crl.sign"));
}

/* RFC 5280 6.3.3: a verifier whose clock is some minutes late takes the newest
 * list, too; one that is days late does not. */
static void late_clocks(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    time_t minutes = (time_t)h->now - 600, days = (time_t)h->now - 2 * DAY;
    X509_CRL *crl;

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    crl = list_of(h);
    need(crl);
    is_int(X509_cmp_time(X509_CRL_get0_lastUpdate(crl), &minutes), -1);
    is_int(X509_cmp_time(X509_CRL_get0_lastUpdate(crl), &days), 1);
}

/* Another machine with this database: it has a state directory of its own. */
static void followed(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    const char *here = h->conf->state_dir;
    const char *there = mkdtemp(apr_pstrcat(pool, here, "-XXXXXX", NULL));
    apr_int64_t seen;

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(work(h) >= 1, 1);
    h->conf->state_dir = there;
    seen = acme_crl_follow(&h->acme, 0, pool);
    is_int(seen, 1);
    is_int(entries(h), 0);
    h->conf->state_dir = here;
    cert_add(h, "0123456789abcdef0123456789abcdef", HANDLE_NOW);
    is_int(work(h) >= 1, 1);
    h->conf->state_dir = there;
    is_int(entries(h), 0);
    seen = acme_crl_follow(&h->acme, seen, pool);
    is_int(seen, 2);
    is_int(entries(h), 1);
    is_int(acme_crl_follow(&h->acme, seen, pool), 2);
    handle_database_away(h);
    is_int(acme_crl_follow(&h->acme, seen, pool), 2);
}

/* It is told once, and tried again. */
static void not_followed(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    apr_int64_t seen;

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(work(h) >= 1, 1);
    h->conf->state_dir = apr_pstrcat(pool, h->conf->state_dir, "/none", NULL);
    seen = acme_crl_follow(&h->acme, 0, pool);
    is_int(seen, -1);
    is_str(h->log_tag, "AS0316");
    h->log_tag = "";
    is_int(acme_crl_follow(&h->acme, seen, pool), -1);
    is_str(h->log_tag, "");
    h->conf->state_dir =
        mkdtemp(apr_pstrcat(pool, tap_tmpdir(), "/XXXXXX", NULL));
    is_int(acme_crl_follow(&h->acme, seen, pool), 1);
    is_int(entries(h), 0);
}

static void off(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);

    handle_issuer(h)->crl = 0;
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(work(h), 0);
    job_add(h, "j", ACME_WORK_CRL);
    is_int(work(h), 1);
    is_int(number(h), 0);
    is_int(work(h), 0);
    is_int(get(h)->status, 404);
}

/* One list that has them all. */
static void revocations(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);

    cert_add(h, "00000000000000000000000000000001", 0);
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    cert_add(h, "00000000000000000000000000000002", HANDLE_NOW);
    cert_add(h, "00000000000000000000000000000003", HANDLE_NOW);
    is_int(work(h), 1);
    is_int(number(h), 2);
    is_int(entries(h), 2);
    job_add(h, "j2", ACME_WORK_CRL);
    is_int(work(h), 1);
    is_int(number(h), 2);
    is_int(next_due(h), HANDLE_NOW + 7 * DAY / 2);
}

/* In the middle of its life; and what ended is in one more list. */
static void renewal(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);

    cert_add(h, "00000000000000000000000000000002", HANDLE_NOW);
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    is_int(number(h), 1);
    h->now = HANDLE_NOW + 7 * DAY / 2 - 1;
    is_int(work(h), 0);
    h->now++;
    is_int(work(h), 1);
    is_int(number(h), 2);
    is_int(next_due(h), h->now + 7 * DAY / 2);
    h->now = HANDLE_NOW + 91 * DAY;
    is_int(work(h), 1);
    is_int(entries(h), 1);
    h->now += 7 * DAY;
    is_int(work(h), 1);
    is_int(number(h), 4);
    is_int(entries(h), 0);
}

static void shorter(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    handle_issuer(h)->crl_life = 3600;
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(work(h), 1);
    is_int(number(h), 2);
    is_str(reply_header(get(h), "Cache-Control", 0), "public, max-age=300");
    handle_issuer(h)->crl_life = 60;
    is_str(reply_header(get(h), "Cache-Control", 0), "public, max-age=6");
}

/* Dead after the list was stored and before it was in the file. */
static void no_file(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    const char *file;

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    file = apr_pstrcat(pool, h->conf->state_dir, "/pub/", print_of(h), ".crl",
                       NULL);
    is_int(unlink(file), 0);
    is_int(entries(h), 0); /* from the database */
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(work(h), 1);
    is_int(access(file, R_OK), 0);
    is_int(number(h), 1);
}

static apr_status_t older_run(store_conn_t *conn, void *baton)
{
    store_rows_t rows;

    return store_conn_text(&rows, conn, "UPDATE crls SET number = 1", baton);
}

/* From a backup: what others have seen does not come back. */
static void older_database(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    cert_add(h, "00000000000000000000000000000002", HANDLE_NOW);
    work(h);
    cert_add(h, "00000000000000000000000000000003", HANDLE_NOW);
    work(h);
    is_int(number(h), 3);
    is_int(store_write(h->acme.store, STORE_DURABLE, older_run, pool),
           APR_SUCCESS);
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    is_int(number(h), 4);
    is_int(entries(h), 2);
}

static void no_database(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);

    cert_add(h, "00000000000000000000000000000002", HANDLE_NOW);
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    handle_database_away(h);
    is_int(entries(h), 1);
    ok(acme_work_setup(&h->acme, pool) != APR_SUCCESS);
    handle_database_back(h);
}

/* The issuer's set is gone, as when its file cannot be read. */
static void no_issuer(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    ca_set_t *set = handle_issuer(h)->set;
    const char *print = print_of(h);
    reply_t *r;

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    handle_issuer(h)->set = NULL;
    handle_issuer(h)->problem = "it is away";
    r = handle_request(
        h, "GET",
        handle_url(h, apr_pstrcat(pool, "issuer/", print, ".crl", NULL)));
    is_int(r->status, 200);
    r = handle_request(
        h, "GET",
        handle_url(h, apr_pstrcat(pool, "issuer/", print, ".cer", NULL)));
    is_int(r->status, 200);
    is_int(handle_request(h, "GET", handle_url(h, "roots.pem"))->status, 503);
    handle_issuer(h)->set = set;
}

/* The key is in a safe: revocations wait for it, and what is renewed in time is
 * left to the next start. */
static void no_key(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    ca_issuer_t *issuer = handle_issuer(h)->set->issuer;
    EVP_PKEY *key = issuer->key;

    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    work(h);
    issuer->key = NULL;
    job_add(h, "j", ACME_WORK_CRL);
    ok(!acme_crl_is_for(&h->acme, print_of(h)));
    is_int(work(h), 1);
    is_str(h->log_tag, "AS0305");
    h->now = HANDLE_NOW + 7 * DAY;
    work(h);
    is_int(next_due(h), -1);
    is_int(number(h), 1);
    issuer->key = key;
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    h->now += 600;
    work(h);
    is_int(number(h), 2);
}

/* The file cannot be written: the job stays, and the operator is told. */
static void full(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    const char *pub = apr_pstrcat(pool, h->conf->state_dir, "/pub", NULL);

    is_int(symlink("/nowhere/at/all", pub), 0);
    is_int(acme_work_setup(&h->acme, pool), APR_SUCCESS);
    is_int(work(h), 1);
    is_str(h->log_tag, "AS0313");
    is_int(number(h), 1);
    is_int(next_due(h), HANDLE_NOW + 300);
    is_int(unlink(pub), 0);
    h->now += 300;
    is_int(work(h), 1);
    is_int(entries(h), 0);
    is_int(next_due(h), HANDLE_NOW + 7 * DAY / 2);
}

static void other_host(apr_pool_t *pool)
{
    handle_t *h = crl_handle(pool);
    store_job_t job = {0};

    job.kind = ACME_WORK_CRL;
    job.subject = "0000";
    ok(!acme_work_is_for(&h->acme, &job));
    job.subject = print_of(h);
    ok(acme_work_is_for(&h->acme, &job));
}

const tap_case_t tap_cases[] = {
    {"a list from the start", first},
    {"thisUpdate is some time ago", late_clocks},
    {"another machine's list becomes a file here, too", followed},
    {"a list of another machine that cannot be written", not_followed},
    {"off: no list", off},
    {"a list at once after revocations, once for all", revocations},
    {"renewed in the middle of its life", renewal},
    {"ACMEIssuerCRL with less time", shorter},
    {"a file that was not written is written", no_file},
    {"numbers grow although the database is an older one", older_database},
    {"served without a database", no_database},
    {"served without an issuer", no_issuer},
    {"served without a key, and waiting for it", no_key},
    {"a file that cannot be written is tried again", full},
    {"whose job it is", other_host},
    {NULL, NULL}};
