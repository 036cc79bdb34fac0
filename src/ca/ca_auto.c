/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_auto.h"

#include <apr_strings.h>
#include <string.h>

#include "base/clock.h"
#include "ca/ca_file.h"
#include "ca/ca_generation.h"
#include "ca/ca_hierarchy.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define NAME     "automatic"
#define KEY_SPEC "P-256"
#define ISSUING  "issuing-"

#define DAY ((apr_int64_t)86400)
/* CA certificates begin a little earlier, for machines whose clocks are wrong
 * by a time zone, and so that no leaf is backdated beyond them. */
#define BACKDATE     DAY
#define ROOT_LIFE    (20 * 36525 * DAY / 100)
#define ISSUING_LIFE (5 * 36525 * DAY / 100)
/* 2025-01-01 and 2100-01-01: a clock beyond them has no battery, or lies. */
#define CLOCK_MIN INT64_C(1735689600)
#define CLOCK_MAX INT64_C(4102444800)

#define CN_MAX 64

/* One run of ca_auto_ensure. */
typedef struct {
    const char *dir, *org;
    apr_int64_t now;
    const log_t *log;
    apr_pool_t *pool;
    ca_issuer_t *root;               /* NULL if that is no good, too */
    problem_t *root_fault;           /* why it cannot sign */
    apr_array_header_t *generations; /* of ca_issuer_t *, newest first */
    ca_generations_t found;          /* their files */
    problem_t *fault;                /* the newest file that is no good */
} run_t;

static const char *path_of(const run_t *run, const char *name,
                           const char *suffix)
{
    return apr_pstrcat(run->pool, run->dir, "/", name, suffix, NULL);
}

/* org and suffix, cut to what a common name holds, between characters. */
static const char *common_name(const run_t *run, const char *suffix)
{
    apr_size_t len = strlen(run->org), max = CN_MAX - strlen(suffix);

    if (len > max) {
        len = max;
        while (len > 0 && (run->org[len] & 0xc0) == 0x80)
            --len;
    }
    return apr_psprintf(run->pool, "%.*s%s", (int)len, run->org, suffix);
}

static problem_t *clock_check(const run_t *run)
{
    if (run->now >= CLOCK_MIN && run->now < CLOCK_MAX)
        return NULL;
    return problem_internal(run->pool, APR_EINVAL,
                            "%s: no CA is made while the machine's clock says "
                            "%s; set the clock, then reload the server",
                            run->dir, clock_rfc3339(run->now, run->pool));
}

static problem_t *root_make(const run_t *run)
{
    ca_subject_t subject = {0};
    X509 *cert;
    problem_t *prob = clock_check(run);

    if (prob)
        return prob;
    prob = ca_file_key_ensure(&subject.key, path_of(run, "root", ".key"),
                              KEY_SPEC, run->pool);
    if (prob)
        return prob;
    subject.common_name = common_name(run, " root");
    subject.not_before = run->now - BACKDATE;
    subject.not_after = subject.not_before + ROOT_LIFE;
    subject.path_len = -1;
    prob = ca_hierarchy_make(&cert, &subject, run->pool);
    if (prob)
        return prob;
    prob = ca_file_create(path_of(run, "root", ".pem"),
                          ca_cert_pem(cert, run->pool), 0644, run->pool);
    if (!prob)
        log_write(run->log, LOG_LEVEL_NOTICE, "AS0152", APR_SUCCESS,
                  "made the root of a CA, \"%s\": %s", subject.common_name,
                  path_of(run, "root", ".pem"));
    return prob;
}

/* A root that is no good matters only when it has to sign. */
static problem_t *root_broken(const run_t *run, problem_t *prob)
{
    log_write(run->log, LOG_LEVEL_ERROR, "AS0157", prob->rv, "%s", prob->cause);
    return prob;
}

/* The root's key may be kept elsewhere until it is needed. */
static void root_load(run_t *run)
{
    const char *key_path = path_of(run, "root", ".key");
    const char *cert_path = path_of(run, "root", ".pem");
    int has_key = ca_file_exists(key_path);
    problem_t *prob;

    if (has_key) {
        ca_file_key_warn(key_path, run->log);
        prob = ca_issuer_load(&run->root, NAME, 0, cert_path, key_path, 0,
                              run->pool);
        if (!prob)
            return;
        run->root_fault = root_broken(run, prob);
    }
    prob = ca_issuer_load(&run->root, NAME, 0, cert_path, NULL, 0, run->pool);
    if (!has_key)
        run->root_fault =
            prob ? root_broken(run, prob)
                 : problem_internal(run->pool, APR_ENOENT,
                                    "%s: is not there, and the CA needs it to "
                                    "make an intermediate; put it back from "
                                    "where it is kept, then reload the server",
                                    key_path);
}

static int has_root(const run_t *run)
{
    return ca_file_exists(path_of(run, "root", ".pem"));
}

static problem_t *root_missing(const run_t *run)
{
    return root_broken(
        run, problem_internal(run->pool, APR_ENOENT,
                              "%s: is not there, but intermediates of this CA "
                              "are; put it back, it is the last certificate "
                              "in each issuing-<n>.pem",
                              path_of(run, "root", ".pem")));
}

static void root_ensure(run_t *run)
{
    if (!has_root(run))
        run->root_fault = run->found.last ? root_missing(run) : root_make(run);
    if (!run->root_fault)
        root_load(run);
}

static int is_valid(const ca_issuer_t *issuer, apr_int64_t now)
{
    return now >= issuer->not_before && now < issuer->not_after;
}

/* What is no good is told, and matters where it might have signed. */
static ca_issuer_t *generation_load(run_t *run, int generation)
{
    problem_t *fault;
    ca_issuer_t *issuer = ca_generation_load(&fault, &run->found, generation,
                                             NAME, run->log, run->pool);

    if (!fault)
        return issuer;
    log_write(run->log, LOG_LEVEL_ERROR, "AS0153", fault->rv, "%s",
              fault->cause);
    if (!run->fault && (!issuer || is_valid(issuer, run->now)))
        run->fault = fault;
    return issuer;
}

static void generations_load(run_t *run)
{
    const apr_array_header_t *list = run->found.numbers;
    int i;

    run->generations =
        apr_array_make(run->pool, list->nelts + 1, sizeof(ca_issuer_t *));
    for (i = 0; i < list->nelts; ++i) {
        ca_issuer_t *issuer = generation_load(run, APR_ARRAY_IDX(list, i, int));

        if (issuer)
            APR_ARRAY_PUSH(run->generations, ca_issuer_t *) = issuer;
    }
}

static apr_int64_t next_end(const run_t *run)
{
    apr_int64_t end = run->now - BACKDATE + ISSUING_LIFE;

    return end < run->root->not_after ? end : run->root->not_after;
}

static problem_t *next_check(const run_t *run, int generation)
{
    if (run->root_fault)
        return run->root_fault;
    if (!is_valid(run->root, run->now))
        return problem_internal(
            run->pool, APR_EINVAL,
            "%s: the root is valid from %s to %s, and it is %s; set the "
            "machine's clock if that is wrong, else make a new CA, which all "
            "clients must then trust: mv %s %s.old",
            path_of(run, "root", ".pem"),
            clock_rfc3339(run->root->not_before, run->pool),
            clock_rfc3339(run->root->not_after, run->pool),
            clock_rfc3339(run->now, run->pool), run->dir, run->dir);
    if (generation > CA_GENERATION_MAX)
        return problem_internal(run->pool, APR_EINVAL,
                                "%s: has intermediates up to number %d; "
                                "move those that have expired away",
                                run->dir, run->found.last);
    return NULL;
}

/* The certificate of an intermediate, and its file with the root behind it. */
static problem_t *next_sign(const run_t *run, EVP_PKEY *key, int generation)
{
    apr_int64_t start = run->now - BACKDATE;
    ca_subject_t subject = {0};
    problem_t *prob;
    X509 *cert;

    subject.common_name =
        common_name(run, apr_psprintf(run->pool, " issuing %d", generation));
    subject.key = key;
    subject.not_before =
        start > run->root->not_before ? start : run->root->not_before;
    subject.not_after = next_end(run);
    subject.path_len = 0;
    subject.issuer = run->root->cert;
    subject.issuer_key = run->root->key;
    prob = ca_hierarchy_make(&cert, &subject, run->pool);
    if (prob)
        return prob;
    prob = ca_file_create(
        ca_generation_path(&run->found, generation, ".pem", run->pool),
        apr_pstrcat(run->pool, ca_cert_pem(cert, run->pool),
                    ca_cert_pem(run->root->cert, run->pool), NULL),
        0644, run->pool);
    if (!prob)
        log_write(run->log, LOG_LEVEL_NOTICE, "AS0154", APR_SUCCESS,
                  "made intermediate %d of the CA, \"%s\", until %s",
                  generation, subject.common_name,
                  clock_rfc3339(subject.not_after, run->pool));
    return prob;
}

/* The next generation, or the last one whose making was interrupted. */
static problem_t *next_make(run_t *run)
{
    int generation =
        run->found.unfinished ? run->found.last : run->found.last + 1;
    apr_array_header_t *older = run->generations;
    const char *key_path =
        ca_generation_path(&run->found, generation, ".key", run->pool);
    ca_issuer_t *made;
    EVP_PKEY *key;
    problem_t *prob = next_check(run, generation);

    if (!prob)
        prob = ca_file_key_ensure(&key, key_path, KEY_SPEC, run->pool);
    if (!prob)
        prob = next_sign(run, key, generation);
    if (!prob)
        prob = ca_issuer_load(
            &made, NAME, generation,
            ca_generation_path(&run->found, generation, ".pem", run->pool),
            key_path, run->now, run->pool);
    if (prob)
        return prob;
    run->generations =
        apr_array_make(run->pool, older->nelts + 1, sizeof(ca_issuer_t *));
    APR_ARRAY_PUSH(run->generations, ca_issuer_t *) = made;
    apr_array_cat(run->generations, older);
    return NULL;
}

/* A third of its life is left and a new one would live longer.  What cannot be
 * done now is tried again at the next start. */
static void renew(run_t *run, const ca_issuer_t *issuer)
{
    problem_t *prob;

    if (!ca_auto_is_due(issuer->cert, run->now))
        return;
    if (run->root && next_end(run) <= issuer->not_after) {
        log_write(run->log, LOG_LEVEL_WARNING, "AS0155", APR_SUCCESS,
                  "the root of the CA ends at %s, and nothing that it signs "
                  "can live longer; make a new CA in time: mv %s %s.old",
                  clock_rfc3339(run->root->not_after, run->pool), run->dir,
                  run->dir);
        return;
    }
    prob = next_make(run);
    if (prob)
        log_write(run->log, LOG_LEVEL_WARNING, "AS0156", prob->rv,
                  "intermediate %d of the CA ends at %s and cannot be "
                  "renewed: %s",
                  issuer->generation,
                  clock_rfc3339(issuer->not_after, run->pool), prob->cause);
}

static ca_set_t *set_make(const run_t *run)
{
    return ca_set_make(NAME, run->generations,
                       run->root ? run->root->cert : NULL, run->now, run->pool);
}

/* There is one that can sign, in the end. */
static problem_t *issuer_ensure(run_t *run)
{
    const ca_issuer_t *issuer = set_make(run)->issuer;

    if (issuer) {
        renew(run, issuer);
        return NULL;
    }
    return run->fault ? run->fault : next_make(run);
}

static problem_t *ensure_locked(ca_set_t **ca, run_t *run)
{
    problem_t *prob =
        ca_generation_scan(&run->found, run->dir, ISSUING, run->pool);

    if (prob)
        return prob;
    root_ensure(run);
    generations_load(run);
    prob = issuer_ensure(run);
    if (run->root)
        ca_list_ensure(run->root, path_of(run, CA_LIST_FILE, ""), run->now,
                       run->log, run->pool);
    if (!prob || run->root || run->generations->nelts) {
        *ca = set_make(run);
        (*ca)->list = ca_list_find((*ca)->roots, run->dir, run->log, run->pool);
    }
    return prob;
}

problem_t *ca_auto_ensure(ca_set_t **ca, const char *dir, const char *org,
                          apr_int64_t now, const log_t *log, apr_pool_t *pool)
{
    run_t run = {0};
    apr_pool_t *lock_pool;
    problem_t *prob;

    run.dir = dir;
    run.org = org;
    run.now = now;
    run.log = log;
    run.pool = pool;
    *ca = NULL;
    prob = ca_file_dir_ensure(dir, log, pool);
    if (prob)
        return prob;
    apr_pool_create(&lock_pool, pool);
    prob = ca_file_lock(dir, lock_pool, pool);
    if (!prob)
        prob = ensure_locked(ca, &run);
    apr_pool_destroy(lock_pool);
    return prob;
}

problem_t *ca_auto_look(const char *dir, apr_int64_t now, apr_pool_t *pool)
{
    run_t run = {.dir = dir, .now = now, .pool = pool};
    problem_t *prob;

    if (!ca_file_exists(dir))
        return clock_check(&run);
    prob = ca_generation_scan(&run.found, dir, ISSUING, pool);
    if (prob)
        return prob;
    if (!run.found.last && !has_root(&run))
        return clock_check(&run);
    if (has_root(&run))
        root_load(&run);
    else
        run.root_fault = root_missing(&run);
    generations_load(&run);
    if (set_make(&run)->issuer)
        return NULL;
    return run.fault ? run.fault : next_check(&run, run.found.last + 1);
}
