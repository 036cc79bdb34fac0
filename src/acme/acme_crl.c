/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_crl.h"

#include <errno.h>
#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_pub.h"
#include "acme/acme_work_job.h"
#include "base/own.h"
#include "base/token.h"
#include "base/trim.h"
#include "ca/ca_crl.h"
#include "store/store_crl.h"

#include "base/banned.h"

/* How often a list is begun anew when others have stored one meanwhile. */
#define TRIES_MAX 10
/* Seconds to the next list when something was revoked meanwhile. */
#define AGAIN 1
/* From so many entries on, some megabytes are given back afterwards. */
#define LONG 5000
/* Seconds until a list that could not be renewed is tried again. */
#define RETRY 300
/* How many seconds before its making a list begins, at most. */
#define BACKDATE_MAX 3600

/* One generation's list in the making. */
typedef struct {
    acme_t *acme;
    const acme_issuer_t *issuer;
    const ca_issuer_t *generation;
    apr_int64_t now;
    apr_pool_t *pool;
} run_t;

static const char *file_name(const char *fingerprint, apr_pool_t *pool)
{
    return apr_pstrcat(pool, fingerprint, ".crl", NULL);
}

static const ca_issuer_t *generation_find(const acme_issuer_t **issuer,
                                          const acme_t *acme,
                                          const char *fingerprint)
{
    *issuer = acme_conf_issuer_of(acme->conf, fingerprint);
    return *issuer ? ca_set_generation((*issuer)->set, fingerprint) : NULL;
}

int acme_crl_is_for(const acme_t *acme, const char *fingerprint)
{
    const acme_issuer_t *issuer;
    const ca_issuer_t *generation = generation_find(&issuer, acme, fingerprint);

    return generation && generation->key;
}

/* When half of its life is over. */
static apr_int64_t middle_of(const store_crl_t *crl)
{
    return crl->this_update + (crl->next_update - crl->this_update) / 2;
}

/* It is too old, or lives longer than wished by now. */
static int is_old(const store_crl_t *crl, const run_t *run)
{
    return run->now >= middle_of(crl) ||
           crl->next_update - crl->this_update > run->issuer->crl_life;
}

static apr_array_header_t *entries_make(const apr_array_header_t *rows,
                                        apr_pool_t *pool)
{
    apr_array_header_t *list =
        apr_array_make(pool, rows->nelts, sizeof(ca_revoked_t *));
    int i;

    for (i = 0; i < rows->nelts; i++) {
        const store_revoked_t *row =
            APR_ARRAY_IDX(rows, i, const store_revoked_t *);
        ca_revoked_t *entry = apr_palloc(pool, sizeof(*entry));

        entry->serial = row->serial;
        entry->at = row->at;
        entry->reason = row->reason;
        APR_ARRAY_PUSH(list, ca_revoked_t *) = entry;
    }
    return list;
}

static store_event_t *event_make(const run_t *run, const store_crl_t *row)
{
    store_event_t *event =
        acme_work_event(run->acme, "crl.sign", NULL, run->pool);

    acme_audit_detail(event,
                      json_pack("{s:s, s:s, s:I, s:I}", "issuer",
                                run->issuer->name, "fingerprint", row->issuer,
                                "number", (json_int_t)row->number, "entries",
                                (json_int_t)row->entries),
                      run->pool);
    return event;
}

static void told(const run_t *run, const store_crl_t *row,
                 const store_event_t *event)
{
    acme_audit_tell(run->acme, event, run->pool);
    log_write(run->acme->log, LOG_LEVEL_NOTICE, "AS0312", APR_SUCCESS,
              "issuer %s, generation %d: list %" APR_INT64_T_FMT
              " of revoked certificates, %" APR_INT64_T_FMT
              " of them, good until %s",
              run->issuer->name, run->generation->generation, row->number,
              row->entries, clock_rfc3339(row->next_update, run->pool));
}

/* Of the published list; more than the database knows of when that is an older
 * one, put back. */
static apr_int64_t file_number(const run_t *run)
{
    const char *data;
    apr_size_t len;
    apr_int64_t modified;

    if (acme_pub_read(&data, &len, &modified, run->acme->conf,
                      file_name(run->generation->fingerprint, run->pool),
                      run->pool) != APR_SUCCESS)
        return 0;
    return ca_crl_number(data, len);
}

/* A new list after last (NULL: the first one).  *rv: what the store said;
 * APR_EEXIST: others were quicker. */
/* thisUpdate: some time ago, as a certificate's notBefore, so that verifiers
 * whose clocks are late do not refuse the newest list and all with it. */
static apr_int64_t backdated(const run_t *run)
{
    apr_int64_t by = run->issuer->crl_life / 10;
    apr_int64_t at = run->now - (by < BACKDATE_MAX ? by : BACKDATE_MAX);

    return at > run->generation->not_before ? at : run->generation->not_before;
}

static problem_t *list_make(apr_status_t *rv, const run_t *run,
                            const store_crl_t *last)
{
    apr_int64_t since = last ? last->this_update : 0;
    store_crl_t row = {0};
    ca_crl_request_t request = {0};
    store_crl_basis_t basis;
    store_event_t *event;
    ca_crl_t *crl;
    problem_t *prob;

    *rv = store_crl_prepare(&basis, run->acme->store,
                            run->generation->fingerprint, since, run->pool);
    if (*rv != APR_SUCCESS)
        return NULL;
    request.revoked = entries_make(basis.list, run->pool);
    request.number = file_number(run);
    if (request.number < basis.number)
        request.number = basis.number;
    request.number++;
    request.this_update = backdated(run);
    request.next_update = run->now + run->issuer->crl_life;
    prob = ca_crl_make(&crl, run->generation, &request, run->pool);
    if (prob)
        return prob;
    row.issuer = run->generation->fingerprint;
    row.number = request.number;
    row.this_update = run->now;
    row.next_update = request.next_update;
    row.revision = basis.revision;
    row.entries = crl->count;
    row.der = crl->der;
    row.der_len = crl->der_len;
    event = event_make(run, &row);
    *rv = store_crl_set(run->acme->store, &row, event, run->pool);
    if (*rv == APR_SUCCESS)
        told(run, &row, event);
    return NULL;
}

/* Is the stored list all right?  *last is what it is, NULL without. */
static apr_status_t list_look(int *is_right, store_crl_t **last,
                              const run_t *run)
{
    const char *fingerprint = run->generation->fingerprint;
    store_crl_basis_t basis;
    apr_status_t rv =
        store_crl_get_head(last, run->acme->store, fingerprint, run->pool);

    *is_right = 0;
    if (APR_STATUS_IS_ENOENT(rv))
        return APR_SUCCESS;
    if (rv == APR_SUCCESS)
        rv = store_crl_look(&basis, run->acme->store, fingerprint, run->pool);
    if (rv == APR_SUCCESS)
        *is_right = (*last)->revision == basis.revision &&
                    !is_old(*last, run) && (*last)->number >= file_number(run);
    return rv;
}

/* The certificate too, so that leaves' URLs of both work as long.  Whoever has
 * made a list comes here last, and so does each other process that follows;
 * SQLite has had the octets in malloc's memory each time. */
static apr_status_t files_write(const run_t *run)
{
    const acme_conf_t *conf = run->acme->conf;
    const char *fingerprint = run->generation->fingerprint;
    const unsigned char *cert;
    apr_size_t cert_len;
    store_crl_t *crl;
    apr_status_t rv;
    int is_long, lock = acme_pub_lock(conf, run->pool);

    if (lock < 0)
        return errno;
    rv = store_crl_get(&crl, run->acme->store, fingerprint, run->pool);
    is_long = rv == APR_SUCCESS && crl->entries >= LONG;
    if (rv == APR_SUCCESS)
        rv = acme_pub_write(conf, file_name(fingerprint, run->pool), crl->der,
                            crl->der_len, run->pool);
    cert = ca_cert_der(&cert_len, run->generation->cert, run->pool);
    if (rv == APR_SUCCESS && cert)
        rv = acme_pub_write(conf,
                            apr_pstrcat(run->pool, fingerprint, ".cer", NULL),
                            cert, cert_len, run->pool);
    acme_pub_unlock(lock);
    if (is_long)
        trim_memory();
    return rv;
}

/* One try, whose memory is gone afterwards: lists may be long. */
static problem_t *list_try(apr_status_t *rv, const run_t *run)
{
    run_t one = *run;
    problem_t *prob = NULL;
    store_crl_t *last;
    int is_right = 0;

    apr_pool_create(&one.pool, run->pool);
    *rv = list_look(&is_right, &last, &one);
    if (*rv == APR_SUCCESS && !is_right)
        prob = list_make(rv, &one, last);
    if (!prob)
        apr_pool_destroy(one.pool);
    return prob;
}

/* NULL: list and file of the generation are what they should be, or were a
 * moment ago. */
static problem_t *list_ensure(const run_t *run)
{
    apr_status_t rv = APR_EEXIST;
    problem_t *prob = NULL;
    int i;

    for (i = 0; i < TRIES_MAX && !prob && rv == APR_EEXIST; i++)
        prob = list_try(&rv, run);
    if (prob)
        return prob;
    if (rv != APR_SUCCESS)
        return problem_internal(run->pool, rv,
                                "store a list of revoked "
                                "certificates");
    rv = files_write(run);
    if (rv != APR_SUCCESS)
        return problem_internal(run->pool, rv, "write below %s/pub",
                                run->acme->conf->state_dir);
    return NULL;
}

/* It and those that stand for it (store_crl.h). */
static problem_t *lists_ensure(acme_t *acme, const char *fingerprint,
                               apr_pool_t *pool)
{
    run_t run = {acme, NULL, NULL, clock_seconds(acme->clock), pool};
    const ca_issuer_t *one = generation_find(&run.issuer, acme, fingerprint);
    problem_t *prob = NULL;
    int i;

    if (!one || !one->key)
        return problem_internal(pool, APR_ENOENT,
                                "no issuer here has the key of generation %s",
                                fingerprint);
    for (i = 0; !prob && i < run.issuer->set->generations->nelts; i++) {
        const ca_issuer_t *other =
            APR_ARRAY_IDX(run.issuer->set->generations, i, const ca_issuer_t *);

        if (!run.issuer->crl || !other->key || other->not_after <= run.now ||
            strcmp(other->key_id, one->key_id))
            continue;
        run.generation = other;
        prob = list_ensure(&run);
    }
    return prob;
}

static apr_status_t job_add(acme_t *acme, const char *kind,
                            const char *fingerprint, apr_int64_t due_at,
                            apr_pool_t *pool)
{
    store_job_t job = {0};
    apr_status_t rv;

    job.id = token_id(clock_now(acme->clock), pool);
    job.kind = kind;
    job.subject = fingerprint;
    job.due_at = due_at;
    rv = store_job_add(acme->store, &job, pool);
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

/* When the list is to be looked at again; 0: never.  is_right: it has just been
 * found, or made, as it should be. */
static apr_int64_t next_look(acme_t *acme, const char *fingerprint,
                             int is_right, apr_pool_t *pool)
{
    apr_int64_t now = clock_seconds(acme->clock);
    const acme_issuer_t *issuer;
    const ca_issuer_t *generation = generation_find(&issuer, acme, fingerprint);
    store_crl_t *crl;

    if (!generation || !generation->key || !issuer->crl ||
        generation->not_after <= now)
        return 0;
    if (!is_right ||
        store_crl_get_head(&crl, acme->store, fingerprint, pool) !=
            APR_SUCCESS ||
        middle_of(crl) <= now)
        return now + RETRY;
    return middle_of(crl);
}

/* The job ends and begins anew.  If the process dies in between, the next one
 * that starts adds it (acme_crl_setup). */
static void next_schedule(acme_t *acme, const store_job_t *job, int is_right,
                          apr_pool_t *pool)
{
    apr_int64_t due_at = next_look(acme, job->subject, is_right, pool);
    apr_status_t rv = store_job_delete(acme->store, job->id, pool);

    if (rv == APR_SUCCESS && due_at)
        rv = job_add(acme, ACME_WORK_CRL_NEXT, job->subject, due_at, pool);
    if (rv != APR_SUCCESS)
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, rv,
                  "list of %s: the next look is left to the next child",
                  job->subject);
}

/* Whoever revokes now finds this job and adds none; so it ends only if nothing
 * was revoked since it began.  Else there is another list a second later: one
 * for all that is revoked in that time. */
static void due_run(acme_t *acme, const store_job_t *job, apr_pool_t *pool)
{
    problem_t *prob = NULL;
    store_crl_basis_t basis;
    apr_status_t rv = store_crl_look(&basis, acme->store, job->subject, pool);

    if (rv == APR_SUCCESS)
        prob = lists_ensure(acme, job->subject, pool);
    if (rv == APR_SUCCESS && !prob)
        rv = store_crl_done(acme->store, job->id, job->subject, basis.revision,
                            pool);
    if (!prob && rv != APR_SUCCESS && rv != APR_EEXIST)
        prob = problem_internal(pool, rv, "read the database");
    if (prob)
        acme_work_later(acme, job, LOG_LEVEL_WARNING, prob->rv,
                        prob->cause ? prob->cause : prob->detail, pool);
    else if (rv != APR_SUCCESS &&
             store_job_again(acme->store, job->id,
                             clock_seconds(acme->clock) + AGAIN,
                             pool) != APR_SUCCESS)
        log_write(acme->log, LOG_LEVEL_DEBUG, NULL, APR_SUCCESS,
                  "job %s comes back when its lease is over", job->id);
    if (rv == APR_EEXIST)
        acme->host->wake(acme->host->baton);
}

void acme_crl_run(acme_t *acme, const store_job_t *job, apr_pool_t *pool)
{
    problem_t *prob;

    if (!acme_work_is_kind(job, ACME_WORK_CRL_NEXT)) {
        due_run(acme, job, pool);
        return;
    }
    prob = lists_ensure(acme, job->subject, pool);
    if (prob && acme_crl_is_for(acme, job->subject))
        log_write(acme->log, LOG_LEVEL_ERROR, "AS0313", prob->rv,
                  "the list of certificates revoked by %s is not renewed: %s",
                  job->subject, prob->cause ? prob->cause : prob->detail);
    next_schedule(acme, job, !prob, pool);
}

int acme_crl_is_wanted(const acme_conf_t *conf)
{
    int i;

    for (i = 0; i < conf->issuers->nelts; i++) {
        const acme_issuer_t *issuer =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *);

        if (issuer->crl && issuer->set)
            return 1;
    }
    return 0;
}

/* Is the stored list of this number, if it is ours, in its file? */
static apr_status_t file_ensure(run_t *run, const store_crl_t *head)
{
    run->generation = generation_find(&run->issuer, run->acme, head->issuer);
    if (!run->generation || !run->issuer->crl ||
        head->number <= file_number(run))
        return APR_SUCCESS;
    return files_write(run);
}

/* Numbers only grow, so their sum tells.  Negative: it did not work, and that
 * has been told. */
apr_int64_t acme_crl_follow(acme_t *acme, apr_int64_t seen, apr_pool_t *pool)
{
    run_t run = {acme, NULL, NULL, clock_seconds(acme->clock), pool};
    apr_status_t rv = APR_SUCCESS;
    apr_array_header_t *heads;
    apr_int64_t sum = 0;
    int i;

    if (store_crl_list(&heads, acme->store, pool) != APR_SUCCESS)
        return seen;
    for (i = 0; i < heads->nelts; i++)
        sum += APR_ARRAY_IDX(heads, i, const store_crl_head_t *)->crl.number;
    for (i = 0; sum != seen && rv == APR_SUCCESS && i < heads->nelts; i++)
        rv = file_ensure(
            &run, &APR_ARRAY_IDX(heads, i, const store_crl_head_t *)->crl);
    if (rv == APR_SUCCESS)
        return sum;
    if (seen != -sum)
        log_write(acme->log, LOG_LEVEL_ERROR, "AS0316", rv,
                  "a list of revoked certificates that is in the database is "
                  "not served: %s/pub cannot be written to",
                  acme->conf->state_dir);
    return -sum;
}

static apr_status_t generation_setup(const run_t *run)
{
    const char *fingerprint = run->generation->fingerprint;
    apr_int64_t due_at;
    store_crl_t *crl;
    int is_right = 0;
    apr_status_t rv = store_job_due(&due_at, run->acme->store,
                                    ACME_WORK_CRL_NEXT, fingerprint, run->pool);

    if (APR_STATUS_IS_ENOENT(rv))
        return job_add(run->acme, ACME_WORK_CRL_NEXT, fingerprint, run->now,
                       run->pool);
    if (rv == APR_SUCCESS)
        rv = list_look(&is_right, &crl, run);
    if (rv != APR_SUCCESS ||
        (is_right &&
         acme_pub_has(run->acme->conf, file_name(fingerprint, run->pool),
                      run->pool)))
        return rv;
    return job_add(run->acme, ACME_WORK_CRL, fingerprint, run->now, run->pool);
}

apr_status_t acme_crl_setup(acme_t *acme, apr_pool_t *pool)
{
    run_t run = {acme, NULL, NULL, clock_seconds(acme->clock), pool};
    const apr_array_header_t *issuers = acme->conf->issuers;
    apr_status_t rv = APR_SUCCESS;
    int i, k;

    for (i = 0; i < issuers->nelts; i++) {
        run.issuer = APR_ARRAY_IDX(issuers, i, const acme_issuer_t *);
        for (k = 0; run.issuer->crl && run.issuer->set &&
                    k < run.issuer->set->generations->nelts;
             k++) {
            run.generation = APR_ARRAY_IDX(run.issuer->set->generations, k,
                                           const ca_issuer_t *);
            if (rv == APR_SUCCESS && run.generation->key &&
                run.generation->not_after > run.now)
                rv = generation_setup(&run);
        }
    }
    return rv;
}
