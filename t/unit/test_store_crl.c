/* SPDX-License-Identifier: Apache-2.0 */
#include "store_back.h"

#include <string.h>

#include "store/store_cert.h"
#include "store/store_crl.c"
#include "store/store_issuer.h"

static apr_status_t due_run(store_conn_t *conn, void *baton)
{
    const store_job_t job = {.id = "job", .kind = "crl"};

    return store_crl_due(conn, baton, &job);
}

static apr_status_t due(help_t *help, const char *issuer)
{
    return store_write(help->store, STORE_DURABLE, due_run, (void *)issuer);
}

/* A certificate of issuer, which ends at not_after; revoked_at 0: it is not. */
static void cert(help_t *help, const char *id, const char *issuer,
                 apr_int64_t not_after, apr_int64_t revoked_at)
{
    store_cert_t *made = help_cert(id, NULL, NULL, help->pool);

    made->issuer = issuer;
    made->not_after = not_after;
    made->revoked_at = revoked_at;
    made->revoked_reason = revoked_at ? 4 : -1;
    is_int(store_cert_add(help->store, made, NULL, help->pool), APR_SUCCESS);
    if (revoked_at)
        is_int(due(help, issuer), APR_SUCCESS);
}

static void issuer(help_t *help, const char *fingerprint, const char *key)
{
    store_issuer_t made = {fingerprint, key, "corp", 1, "PEM", "CHAIN", 1, 2};

    is_int(store_issuer_ensure(help->store, &made, NULL, help->pool),
           APR_SUCCESS);
}

static apr_status_t set(help_t *help, const char *issuer, apr_int64_t number,
                        apr_int64_t revision)
{
    static const unsigned char der[] = "0\0\1\0'\xff\x80%s";
    store_crl_t crl = {issuer,   number, 1000, 2000,
                       revision, 1,      der,  sizeof(der)};

    return store_crl_set(help->store, &crl, help_event("crl.sign", help->pool),
                         help->pool);
}

static void facts(const store_crl_t *got)
{
    need(got);
    is_str(got->issuer, "i");
    is_int(got->number, 1);
    is_int(got->this_update, 1000);
    is_int(got->next_update, 2000);
    is_int(got->revision, 1);
    is_int(got->entries, 1);
}

static void round_trip(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_t *got, *head;

    is_int(store_crl_get(&got, help->store, "i", pool), APR_ENOENT);
    is_int(store_crl_get_head(&head, help->store, "i", pool), APR_ENOENT);
    ok(!got && !head);
    cert(help, "a", "i", 9000, 1500);
    is_int(set(help, "i", 1, 1), APR_SUCCESS);
    is_int(store_crl_get(&got, help->store, "i", pool), APR_SUCCESS);
    facts(got);
    is_int(got->der_len, 10);
    ok(memcmp(got->der, "0\0\1\0'\xff\x80%s", 10) == 0);
    is_int(store_crl_get_head(&head, help->store, "i", pool), APR_SUCCESS);
    facts(head);
    ok(!head->der && !head->der_len);
    is_int(set(help, "i", 2, 1), APR_SUCCESS);
    is_int(store_crl_get(&got, help->store, "i", pool), APR_SUCCESS);
    is_int(got ? got->number : 0, 2);
}

static void lists(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_basis_t basis;
    const store_revoked_t *one;

    cert(help, "a", "i", 9000, 1500);
    cert(help, "b", "i", 9000, 0);
    cert(help, "c", "other", 9000, 1500);
    cert(help, "d", "i", 3000, 1600);
    is_int(store_crl_prepare(&basis, help->store, "i", 3000, pool),
           APR_SUCCESS);
    is_int(basis.number, 0);
    is_int(basis.revision, 2);
    is_int(basis.list->nelts, 2);
    one = APR_ARRAY_IDX(basis.list, 0, const store_revoked_t *);
    is_str(one->serial, "serial-a");
    is_int(one->at, 1500);
    is_int(one->reason, 4);
    is_int(store_crl_prepare(&basis, help->store, "i", 3001, pool),
           APR_SUCCESS);
    is_int(basis.list->nelts, 1);
    is_int(basis.revision, 2);
    is_int(store_crl_look(&basis, help->store, "i", pool), APR_SUCCESS);
    is_int(basis.revision, 2);
    ok(!basis.list);
}

/* Nothing is stored, and no event of it. */
static void stale(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_t *got;
    store_chain_t chain;

    cert(help, "a", "i", 9000, 1500);
    is_int(set(help, "i", 0, 1), APR_EEXIST);
    is_int(store_crl_get(&got, help->store, "i", pool), APR_ENOENT);
    is_int(set(help, "i", 1, 1), APR_SUCCESS);
    is_int(set(help, "i", 1, 1), APR_EEXIST);
    cert(help, "b", "i", 9000, 1501);
    cert(help, "c", "i", 9000, 1502);
    is_int(set(help, "i", 5, 2), APR_SUCCESS);
    is_int(set(help, "i", 4, 3), APR_EEXIST);
    is_int(set(help, "i", 6, 1), APR_EEXIST);
    is_int(store_event_verify(&chain, help->store, pool), APR_SUCCESS);
    is_int(chain.waiting, 2);
}

/* However often something is revoked, there are new lists: this one lacks what
 * came while it was made, and says so. */
static void behind(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_basis_t basis;
    store_crl_t *got;

    cert(help, "a", "i", 9000, 1500);
    is_int(store_crl_prepare(&basis, help->store, "i", 0, pool), APR_SUCCESS);
    cert(help, "b", "i", 9000, 1501);
    is_int(set(help, "i", 1, basis.revision), APR_SUCCESS);
    is_int(store_crl_get(&got, help->store, "i", pool), APR_SUCCESS);
    is_int(store_crl_look(&basis, help->store, "i", pool), APR_SUCCESS);
    is_int(basis.revision, 2);
    is_int(basis.listed, 1);
    is_int(got ? got->revision : 0, 1);
}

/* More than are read at a time, of two generations of one key. */
static void many(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_basis_t basis;
    int i;

    issuer(help, "i1", "key");
    issuer(help, "i2", "key");
    for (i = 0; i < 2100; i++)
        cert(help, apr_psprintf(pool, "%d", i), i % 3 ? "i1" : "i2", 9000,
             1500);
    is_int(store_crl_prepare(&basis, help->store, "i1", 0, pool), APR_SUCCESS);
    is_int(basis.list->nelts, 2100);
}

static void twins(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_basis_t basis;

    issuer(help, "i1", "key");
    issuer(help, "i2", "key");
    issuer(help, "i3", "another");
    cert(help, "a", "i1", 9000, 1500);
    cert(help, "b", "i2", 9000, 1500);
    cert(help, "c", "i3", 9000, 1500);
    is_int(store_crl_prepare(&basis, help->store, "i2", 0, pool), APR_SUCCESS);
    is_int(basis.list->nelts, 2);
    is_int(set(help, "i1", 1, 2), APR_SUCCESS);
    is_int(set(help, "i2", 1, 2), APR_EEXIST);
    is_int(set(help, "i2", 2, 2), APR_SUCCESS);
    is_int(set(help, "i1", 2, 2), APR_EEXIST);
    is_int(set(help, "i3", 1, 1), APR_SUCCESS);
}

/* One job for all that is revoked before it has run. */
static void burst(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_basis_t basis;
    apr_array_header_t *jobs;
    const store_job_t *job;

    cert(help, "a", "i", 9000, 1500);
    cert(help, "b", "i", 9000, 1500);
    is_int(store_crl_look(&basis, help->store, "i", pool), APR_SUCCESS);
    is_int(basis.revision, 2);
    is_int(store_job_claim(&jobs, help->store, "me", 1600, 9, 1500, pool),
           APR_SUCCESS);
    need(jobs->nelts == 1);
    job = APR_ARRAY_IDX(jobs, 0, const store_job_t *);
    is_str(job->kind, "crl");
    is_str(job->subject, "i");
    cert(help, "c", "i", 9000, 1501);
    is_int(store_crl_done(help->store, job->id, "i", 2, pool), APR_EEXIST);
    is_int(store_job_again(help->store, job->id, 1501, pool), APR_SUCCESS);
    is_int(store_crl_done(help->store, job->id, "i", 3, pool), APR_SUCCESS);
    is_int(store_job_claim(&jobs, help->store, "me", 1600, 9, 1700, pool),
           APR_SUCCESS);
    is_int(jobs->nelts, 0);
}

/* What went meanwhile does not hide what came. */
static void pruned(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_basis_t basis;

    cert(help, "a", "i", 2000, 1500);
    is_int(store_crl_prepare(&basis, help->store, "i", 0, pool), APR_SUCCESS);
    cert(help, "b", "i", 9000, 1500);
    help_sql(help, "DELETE FROM certs WHERE id = 'a'");
    is_int(set(help, "i", 1, basis.revision), APR_SUCCESS);
    is_int(store_crl_prepare(&basis, help->store, "i", 0, pool), APR_SUCCESS);
    is_int(basis.list->nelts, 1);
    ok(basis.revision > basis.listed);
    is_int(set(help, "i", 2, basis.revision), APR_SUCCESS);
}

static void heads(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *list;
    const store_crl_head_t *head;

    is_int(store_crl_list(&list, help->store, pool), APR_SUCCESS);
    is_int(list->nelts, 0);
    issuer(help, "i1", "key");
    is_int(set(help, "i1", 1, 0), APR_SUCCESS);
    is_int(set(help, "unknown", 1, 0), APR_SUCCESS);
    is_int(store_crl_list(&list, help->store, pool), APR_SUCCESS);
    need(list->nelts == 2);
    head = APR_ARRAY_IDX(list, 0, const store_crl_head_t *);
    ok(!head->name);
    head = APR_ARRAY_IDX(list, 1, const store_crl_head_t *);
    is_str(head->name, "corp");
    is_int(head->generation, 1);
    is_str(head->crl.issuer, "i1");
    is_int(head->crl.number, 1);
    is_int(head->crl.next_update, 2000);
}

/* What a database of the version before has is kept. */
static void migrated(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_crl_basis_t basis;

    cert(help, "a", "i", 9000, 0);
    help_close(help);
    help->store = help_open(help);
    help_back(help, 2);
    is_int(store_crl_look(&basis, help->store, "i", pool), APR_SUCCESS);
    is_int(basis.revision, 0);
    is_int(due(help, "i"), APR_SUCCESS);
    is_int(set(help, "i", 1, 1), APR_SUCCESS);
    is_int(help_lines(help, "AS0252"), 2);
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    const char *plan;

    if (engine_is_other("plans"))
        return;
    help_plan_ok(help, &sql_head);
    help_plan_ok(help, &sql_get);
    plan = help_plan(help, &sql_revoked);
    ok(strstr(plan, "SEARCH certs USING INDEX certs_revoked"), "%s", plan);
    plan = help_plan(help, &sql_basis);
    ok(!strstr(plan, "SCAN c"), "%s", plan);
}

const tap_case_t tap_cases[] = {
    {"a list comes back octet by octet, or without its octets", round_trip},
    {"what is revoked and has not ended", lists},
    {"a list on an older basis is not stored", stale},
    {"a list of which more is revoked meanwhile is", behind},
    {"more than are read at a time", many},
    {"generations of one key have one list and one sequence", twins},
    {"a burst of revocations has one job, which ends when all is in", burst},
    {"a certificate that was removed hides no revocation", pruned},
    {"all lists, and whose they are", heads},
    {"a database without lists gets them", migrated},
    {"revoked certificates are found by an index", plans},
    {NULL, NULL}};
