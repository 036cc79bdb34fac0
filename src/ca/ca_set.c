/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_set.h"

#include <apr_strings.h>
#include <string.h>

#include "base/clock.h"
#include "ca/ca_file.h"
#include "ca/ca_generation.h"

#include "base/banned.h"

/* One run of ca_set_load. */
typedef struct {
    const char *name;
    const ca_set_files_t *files;
    apr_int64_t now;
    const log_t *log;
    apr_pool_t *pool;
    apr_array_header_t *generations; /* of ca_issuer_t *, newest first */
    problem_t *fault;                /* the newest that is no good */
} run_t;

static ca_issuer_t *signer_find(const apr_array_header_t *generations,
                                apr_int64_t now)
{
    int i;

    for (i = 0; i < generations->nelts; ++i) {
        ca_issuer_t *issuer = APR_ARRAY_IDX(generations, i, ca_issuer_t *);

        if (issuer->key && now >= issuer->not_before && now < issuer->not_after)
            return issuer;
    }
    return NULL;
}

/* root's PEM behind text, if it is none of those that are there. */
static const char *root_append(const char *text, apr_array_header_t *roots,
                               X509 *root, apr_pool_t *pool)
{
    int i;

    for (i = 0; root && i < roots->nelts; ++i) {
        if (X509_cmp(root, APR_ARRAY_IDX(roots, i, X509 *)) == 0)
            return text;
    }
    if (!root)
        return text;
    APR_ARRAY_PUSH(roots, X509 *) = root;
    return apr_pstrcat(pool, text, ca_cert_pem(root, pool), NULL);
}

static const char *roots_text(const apr_array_header_t *generations, X509 *root,
                              apr_pool_t *pool)
{
    apr_array_header_t *roots = apr_array_make(pool, 2, sizeof(X509 *));
    const char *text = root_append("", roots, root, pool);
    int i;

    for (i = 0; i < generations->nelts; ++i)
        text = root_append(text, roots,
                           APR_ARRAY_IDX(generations, i, ca_issuer_t *)->root,
                           pool);
    return text;
}

ca_set_t *ca_set_make(const char *name, apr_array_header_t *generations,
                      X509 *root, apr_int64_t now, apr_pool_t *pool)
{
    ca_set_t *set = apr_pcalloc(pool, sizeof(*set));

    set->name = apr_pstrdup(pool, name);
    set->issuer = signer_find(generations, now);
    set->generations = generations;
    set->roots_pem = roots_text(generations, root, pool);
    set->warnings = apr_array_make(pool, 1, sizeof(const char *));
    return set;
}

const ca_issuer_t *ca_set_generation(const ca_set_t *set,
                                     const char *fingerprint)
{
    int i;

    for (i = 0; i < set->generations->nelts; ++i) {
        const ca_issuer_t *issuer =
            APR_ARRAY_IDX(set->generations, i, const ca_issuer_t *);

        if (strcmp(issuer->fingerprint, fingerprint) == 0)
            return issuer;
    }
    return NULL;
}

static problem_t *pair_load(run_t *run)
{
    const ca_set_files_t *files = run->files;
    ca_issuer_t *issuer;
    problem_t *prob;

    if (!files->key)
        return problem_internal(run->pool, APR_EINVAL,
                                "%s: has no key; name its file, too",
                                files->certificate);
    prob = ca_issuer_load(&issuer, run->name, 1, files->certificate, files->key,
                          run->now, run->pool);
    if (prob)
        return prob;
    ca_file_key_warn(files->key, run->log, run->pool);
    APR_ARRAY_PUSH(run->generations, ca_issuer_t *) = issuer;
    return NULL;
}

/* What is no good is told, and matters where it might have signed. */
static void generation_load(run_t *run, const ca_generations_t *found,
                            int generation)
{
    problem_t *fault;
    ca_issuer_t *issuer = ca_generation_load(&fault, found, generation,
                                             run->name, run->log, run->pool);

    if (issuer)
        APR_ARRAY_PUSH(run->generations, ca_issuer_t *) = issuer;
    if (fault && !run->fault)
        run->fault = fault;
    if (fault)
        log_write(run->log, LOG_LEVEL_ERROR, "AS0159", fault->rv, "%s",
                  fault->cause);
}

static problem_t *directory_load(run_t *run)
{
    ca_generations_t found;
    problem_t *prob =
        ca_generation_scan(&found, run->files->directory, "", run->pool);
    int i;

    if (prob)
        return prob;
    for (i = 0; i < found.numbers->nelts; ++i)
        generation_load(run, &found, APR_ARRAY_IDX(found.numbers, i, int));
    if (found.numbers->nelts == 0)
        return problem_internal(run->pool, APR_ENOENT,
                                "%s: holds no certificate <n>.pem; make the CA "
                                "with `acmectl ca init`, or install what was "
                                "signed with `acmectl ca install`",
                                run->files->directory);
    return NULL;
}

/* None of those that are there signs now: why? */
static problem_t *unusable(const run_t *run)
{
    const ca_issuer_t *newest;

    if (run->fault)
        return run->fault;
    newest = APR_ARRAY_IDX(run->generations, 0, const ca_issuer_t *);
    if (!newest->key)
        return problem_internal(run->pool, APR_ENOENT,
                                "%s: generation %d has no key; put %d.key back",
                                run->files->directory, newest->generation,
                                newest->generation);
    return problem_internal(
        run->pool, APR_EINVAL,
        "%s: generation %d is valid from %s to %s, and it is %s; run `acmectl "
        "ca renew`, or set the machine's clock if that is wrong",
        run->files->directory, newest->generation,
        clock_rfc3339(newest->not_before, run->pool),
        clock_rfc3339(newest->not_after, run->pool),
        clock_rfc3339(run->now, run->pool));
}

problem_t *ca_set_load(ca_set_t **set, const char *name,
                       const ca_set_files_t *files, apr_int64_t now,
                       const log_t *log, apr_pool_t *pool)
{
    run_t run = {name, files, now, log, pool, NULL, NULL};
    ca_set_t *made;
    problem_t *prob;

    run.generations = apr_array_make(pool, 4, sizeof(ca_issuer_t *));
    prob = files->directory ? directory_load(&run) : pair_load(&run);
    if (prob)
        return prob;
    made = ca_set_make(name, run.generations, NULL, now, pool);
    if (!made->issuer)
        return unusable(&run);
    *set = made;
    return NULL;
}
