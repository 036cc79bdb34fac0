/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_set.h"

#include <apr_strings.h>
#include <string.h>

#include "base/clock.h"
#include "base/words.h"
#include "ca/ca_chain.h"
#include "ca/ca_file.h"
#include "ca/ca_generation.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define PKCS11 "pkcs11:"

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

static void root_add(ca_set_t *set, X509 *root, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < set->roots->nelts; ++i) {
        if (X509_cmp(root, APR_ARRAY_IDX(set->roots, i, X509 *)) == 0)
            return;
    }
    APR_ARRAY_PUSH(set->roots, X509 *) = root;
    set->roots_pem =
        apr_pstrcat(pool, set->roots_pem, ca_cert_pem(root, pool), NULL);
}

/* root may be NULL. */
static void roots_add(ca_set_t *set, X509 *root, apr_pool_t *pool)
{
    int i;

    set->roots = apr_array_make(pool, 2, sizeof(X509 *));
    set->roots_pem = "";
    if (root)
        root_add(set, root, pool);
    for (i = 0; i < set->generations->nelts; ++i) {
        root = APR_ARRAY_IDX(set->generations, i, ca_issuer_t *)->root;
        if (root)
            root_add(set, root, pool);
    }
}

static void alternate_add(ca_issuer_t *issuer, const char *text)
{
    if (strcmp(issuer->chain_pem, text) != 0 &&
        !words_has(issuer->alternates, text))
        APR_ARRAY_PUSH(issuer->alternates, const char *) = text;
}

/* Certificates of one name and key stand for each other: what one of them has
 * signed, all have. */
static void twins_link(const apr_array_header_t *generations, apr_int64_t now)
{
    int i, k;

    for (i = 0; i < generations->nelts; ++i) {
        ca_issuer_t *one = APR_ARRAY_IDX(generations, i, ca_issuer_t *);

        for (k = 0; k < generations->nelts; ++k) {
            const ca_issuer_t *other =
                APR_ARRAY_IDX(generations, k, ca_issuer_t *);

            if (other->not_after > now &&
                ca_chain_is_twin(one->cert, other->cert))
                alternate_add(one, other->chain_pem);
        }
    }
}

ca_set_t *ca_set_make(const char *name, apr_array_header_t *generations,
                      X509 *root, apr_int64_t now, apr_pool_t *pool)
{
    ca_set_t *set = apr_pcalloc(pool, sizeof(*set));

    set->name = apr_pstrdup(pool, name);
    set->issuer = signer_find(generations, now);
    set->generations = generations;
    roots_add(set, root, pool);
    twins_link(generations, now);
    set->warnings = apr_array_make(pool, 1, sizeof(const char *));
    return set;
}

const ca_issuer_t *ca_set_newest(const ca_set_t *set)
{
    if (set->issuer || !set->generations->nelts)
        return set->issuer;
    return APR_ARRAY_IDX(set->generations, 0, const ca_issuer_t *);
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

static problem_t *pair_read(ca_issuer_t **issuer, const run_t *run)
{
    const ca_set_files_t *files = run->files;
    problem_t *prob;

    if (files->key && strncmp(files->key, PKCS11, sizeof(PKCS11) - 1) == 0)
        return problem_internal(run->pool, APR_ENOTIMPL,
                                "%s: keys behind PKCS#11 come in a later "
                                "version; name a PEM file",
                                files->key);
    if (!files->key)
        return problem_internal(run->pool, APR_EINVAL,
                                "%s: has no key; name its file, too",
                                files->certificate);
    prob = ca_issuer_load(issuer, run->name, 1, files->certificate, files->key,
                          run->now, run->pool);
    if (!prob)
        ca_file_key_warn(files->key, run->log);
    /* They may be somebody else's, and needed there: nothing is to be moved. */
    prob = ca_file_argument(prob, files->key, run->pool);
    return ca_file_argument(prob, files->certificate, run->pool);
}

/* A certificate that cannot sign is still published. */
static problem_t *pair_load(run_t *run)
{
    ca_issuer_t *issuer;
    problem_t *prob = pair_read(&issuer, run);

    if (prob && ca_issuer_load(&issuer, run->name, 1, run->files->certificate,
                               NULL, 0, run->pool))
        return prob;
    APR_ARRAY_PUSH(run->generations, ca_issuer_t *) = issuer;
    return prob;
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

/* None signs now: why?  Where there is none at all, fault says so. */
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

/* file holds another way up for generations of ours: a certificate that stands
 * for one of the chain's, and what is above it. */
static problem_t *alternate_load(run_t *run, const char *file)
{
    apr_array_header_t *certs, *chain;
    problem_t *prob = ca_file_argument(
        ca_file_certs_read(&certs, file, run->pool), file, run->pool);
    X509 *root;
    int i, found = 0;

    if (!prob)
        prob = ca_chain_build(&chain, &root, certs, file, run->pool);
    if (!prob)
        prob = ca_chain_check(chain, file, run->now, run->pool);
    if (prob)
        return prob;
    for (i = 0; i < run->generations->nelts; ++i) {
        ca_issuer_t *issuer = APR_ARRAY_IDX(run->generations, i, ca_issuer_t *);
        const char *text = ca_chain_graft(issuer->chain, chain, run->pool);

        if (text)
            alternate_add(issuer, text);
        found |= text != NULL;
    }
    if (found)
        return NULL;
    return problem_internal(
        run->pool, APR_EINVAL,
        "%s: its first certificate, \"%s\", has name and "
        "key of none of the issuer's own; give a cross "
        "certificate, then its chain",
        file,
        ca_name_text(X509_get_subject_name(APR_ARRAY_IDX(chain, 0, X509 *)),
                     run->pool));
}

static problem_t *alternates_load(run_t *run)
{
    const apr_array_header_t *files = run->files->alternates;
    problem_t *prob = NULL;
    int i;

    for (i = 0; !prob && files && i < files->nelts; ++i)
        prob = alternate_load(run, APR_ARRAY_IDX(files, i, const char *));
    return prob;
}

static void warn(ca_set_t *set, const char *text)
{
    APR_ARRAY_PUSH(set->warnings, const char *) = text;
}

/* What an operator must do before the issuer ends. */
static void end_warn(ca_set_t *set, const run_t *run)
{
    const ca_issuer_t *issuer = set->issuer;
    const char *end = clock_rfc3339(issuer->not_after, run->pool);
    const char *remedy =
        run->files->directory
            ? apr_psprintf(run->pool, "run: acmectl ca renew --dir %s",
                           run->files->directory)
            : "replace certificate and key in time";

    if (run->files->leaf_life > 0 &&
        run->now + run->files->leaf_life > issuer->not_after)
        warn(set, apr_psprintf(run->pool,
                               "generation %d ends at %s, and certificates of "
                               "the default lifetime are clamped to that; %s",
                               issuer->generation, end, remedy));
    else if (issuer->not_after - run->now <
             (issuer->not_after - issuer->not_before) / 3)
        warn(set, apr_psprintf(run->pool, "generation %d ends at %s; %s",
                               issuer->generation, end, remedy));
}

problem_t *ca_set_load(ca_set_t **set, const char *name,
                       const ca_set_files_t *files, apr_int64_t now,
                       const log_t *log, apr_pool_t *pool)
{
    run_t run = {name, files, now, log, pool, NULL, NULL};
    problem_t *prob, *fault;

    *set = NULL;
    run.generations = apr_array_make(pool, 4, sizeof(ca_issuer_t *));
    prob = files->directory ? directory_load(&run) : pair_load(&run);
    if (!run.generations->nelts)
        return prob ? prob : unusable(&run);
    fault = alternates_load(&run);
    *set = ca_set_make(name, run.generations, NULL, now, pool);
    if (files->directory)
        (*set)->list = ca_list_find((*set)->roots, files->directory, log, pool);
    if (!prob)
        prob = fault;
    if (!prob && !(*set)->issuer)
        prob = unusable(&run);
    if (prob)
        (*set)->issuer = NULL;
    else {
        (*set)->warnings = ca_chain_warnings((*set)->issuer->chain, pool);
        end_warn(*set, &run);
    }
    return prob;
}
