/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_tool.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/own.h"
#include "ca/ca_chain.h"
#include "ca/ca_file.h"
#include "ca/ca_generation.h"
#include "ca/ca_hierarchy.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define CSR ".csr"

/* One run of csr, install or import. */
typedef struct {
    ca_tool_made_t *made;
    const char *dir;
    apr_int64_t now;
    apr_pool_t *pool;
    ca_generations_t found;
    apr_array_header_t *certs; /* of X509 *: all that were given */
    const char *file;          /* the first of the files, for problems */
    EVP_PKEY *key;
    const char *key_file; /* where it is from */
} run_t;

static void run_init(run_t *run, ca_tool_made_t *made, const char *dir,
                     apr_int64_t now, apr_pool_t *pool)
{
    memset(run, 0, sizeof(*run));
    memset(made, 0, sizeof(*made));
    run->made = made;
    run->dir = dir;
    run->now = now;
    run->pool = pool;
}

static problem_t *dir_lock(run_t *run, apr_pool_t *lock_pool)
{
    ca_generations_t *found = &run->found;
    problem_t *prob = ca_generation_scan(found, run->dir, "", run->pool);

    if (!prob)
        prob = ca_file_lock(run->dir, lock_pool, run->pool);
    if (!prob)
        prob = ca_generation_scan(found, run->dir, "", run->pool);
    if (!prob && found->last >= CA_GENERATION_MAX)
        prob = problem_internal(run->pool, APR_EINVAL,
                                "%s: has %d generations; choose another "
                                "directory",
                                run->dir, found->last);
    return prob;
}

/* The directory is this run's alone, and nobody adds to what was found. */
static problem_t *locked(run_t *run, problem_t *(*fn)(run_t *run))
{
    apr_pool_t *lock_pool;
    problem_t *prob;

    apr_pool_create(&lock_pool, run->pool);
    prob = dir_lock(run, lock_pool);
    if (!prob)
        prob = fn(run);
    apr_pool_destroy(lock_pool);
    return prob;
}

static int has_number(const ca_generations_t *found, int generation)
{
    int i;

    for (i = 0; i < found->numbers->nelts; ++i) {
        if (APR_ARRAY_IDX(found->numbers, i, int) == generation)
            return 1;
    }
    return 0;
}

/* A key that waits for its certificate at this generation. */
static int is_waiting(const ca_generations_t *found, int generation,
                      apr_pool_t *pool)
{
    return !has_number(found, generation) &&
           ca_file_exists(ca_generation_path(found, generation, ".key", pool));
}

static problem_t *waiting_check(const ca_generations_t *found, apr_pool_t *pool)
{
    const char *csr;

    if (!found->unfinished)
        return NULL;
    csr = ca_generation_path(found, found->last, CSR, pool);
    return problem_internal(
        pool, APR_EEXIST,
        "%s waits for its certificate; install that, or begin anew: mv %s "
        "%s.old",
        ca_file_exists(csr)
            ? csr
            : ca_generation_path(found, found->last, ".key", pool),
        ca_generation_path(found, found->last, ".key", pool),
        ca_generation_path(found, found->last, ".key", pool));
}

static problem_t *csr_write(run_t *run)
{
    ca_tool_made_t *made = run->made;
    const ca_generations_t *found = &run->found;
    apr_pool_t *pool = run->pool;
    problem_t *prob = waiting_check(found, pool);

    if (prob)
        return prob;
    made->generation = found->last + 1;
    made->key_file = ca_generation_path(found, made->generation, ".key", pool);
    made->csr_file = ca_generation_path(found, made->generation, CSR, pool);
    prob = ca_file_vacant_check(made->csr_file, "take it away", pool);
    if (!prob)
        prob = ca_file_key_create(made->key_file, run->key, pool);
    if (!prob)
        prob = ca_file_create(made->csr_file, made->csr_pem, 0644, pool);
    return prob;
}

/* What an outside CA has signed before, if it has. */
static const ca_issuer_t *newest_find(const char *dir, apr_pool_t *pool)
{
    ca_generations_t found;
    problem_t *fault;

    if (ca_generation_scan(&found, dir, "", pool) || !found.numbers->nelts)
        return NULL;
    return ca_generation_load(
        &fault, &found, APR_ARRAY_IDX(found.numbers, 0, int), "", NULL, pool);
}

/* What wish leaves open is as it was. */
static problem_t *csr_subject(ca_subject_t *subject, const ca_tool_wish_t *wish,
                              const ca_issuer_t *newest, apr_pool_t *pool)
{
    problem_t *prob =
        ca_constraints_make(&subject->constraints, &wish->constraints, pool);

    subject->common_name = wish->name ? wish->name : wish->title;
    subject->organization = wish->organization;
    subject->path_len = 0;
    if (newest && !wish->name && !wish->organization)
        subject->name = X509_get_subject_name(newest->cert);
    if (newest && !prob && !subject->constraints)
        subject->constraints = own_name_constraints(
            pool,
            X509_get_ext_d2i(newest->cert, NID_name_constraints, NULL, NULL));
    if (!prob && !subject->name &&
        (!subject->common_name || !*subject->common_name))
        prob =
            problem_make(pool, PROBLEM_MALFORMED, "the request needs a name");
    return prob;
}

static problem_t *csr_make(const char **pem, EVP_PKEY **key,
                           const ca_tool_wish_t *wish, apr_pool_t *pool)
{
    const ca_issuer_t *newest = newest_find(wish->dir, pool);
    const char *kind = wish->key;
    ca_subject_t subject = {0};
    problem_t *prob = csr_subject(&subject, wish, newest, pool);

    if (prob)
        return prob;
    if (!kind && newest)
        kind = ca_key_kind(X509_get0_pubkey(newest->cert));
    if (!kind)
        kind = "P-256";
    *key = ca_key_make(kind, pool);
    if (!*key)
        return problem_make(pool, PROBLEM_MALFORMED,
                            "the kind of key \"%s\" is not known; choose one "
                            "of " CA_TOOL_KEY_KINDS,
                            kind);
    subject.key = *key;
    return ca_hierarchy_csr(pem, &subject, pool);
}

problem_t *ca_tool_csr(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                       const log_t *log, apr_pool_t *pool)
{
    problem_t *prob;
    run_t run;

    run_init(&run, made, wish->dir, 0, pool);
    prob = csr_make(&made->csr_pem, &run.key, wish, pool);
    if (!prob)
        prob = ca_file_dir_ensure(wish->dir, log, pool);
    return prob ? prob : locked(&run, csr_write);
}

static problem_t *certs_read(run_t *run, const apr_array_header_t *files)
{
    problem_t *prob = NULL;
    int i;

    run->certs = apr_array_make(run->pool, 4, sizeof(X509 *));
    run->file = APR_ARRAY_IDX(files, 0, const char *);
    for (i = 0; !prob && i < files->nelts; ++i) {
        const char *file = APR_ARRAY_IDX(files, i, const char *);
        apr_array_header_t *certs;

        prob = ca_file_argument(ca_file_certs_read(&certs, file, run->pool),
                                file, run->pool);
        if (!prob)
            apr_array_cat(run->certs, certs);
    }
    return prob;
}

/* The place of the certificate that has key; -1 without. */
static int place_find(const run_t *run, const EVP_PKEY *key)
{
    int i;

    for (i = 0; i < run->certs->nelts; ++i) {
        if (EVP_PKEY_eq(X509_get0_pubkey(APR_ARRAY_IDX(run->certs, i, X509 *)),
                        key) == 1)
            return i;
    }
    ERR_clear_error();
    return -1;
}

/* The key's certificate first, and each certificate once. */
static void certs_order(run_t *run, int place)
{
    apr_array_header_t *ordered =
        apr_array_make(run->pool, run->certs->nelts, sizeof(X509 *));
    int i, k;

    APR_ARRAY_PUSH(ordered, X509 *) = APR_ARRAY_IDX(run->certs, place, X509 *);
    for (i = 0; i < run->certs->nelts; ++i) {
        X509 *cert = APR_ARRAY_IDX(run->certs, i, X509 *);

        for (k = 0; k < ordered->nelts; ++k) {
            if (X509_cmp(cert, APR_ARRAY_IDX(ordered, k, X509 *)) == 0)
                break;
        }
        if (k == ordered->nelts)
            APR_ARRAY_PUSH(ordered, X509 *) = cert;
    }
    run->certs = ordered;
}

/* As the server checks it, and the whole chain as any verifier does. */
static problem_t *issuer_check(run_t *run, int generation)
{
    ca_issuer_parts_t parts = {"",        generation, run->certs,
                               run->file, run->key,   run->key_file};
    problem_t *prob;

    prob = ca_issuer_make(&run->made->issuer, &parts, run->now, run->pool);
    if (prob)
        return prob;
    if (run->made->issuer->root)
        return ca_chain_verify(run->made->issuer->chain, run->file, run->now,
                               run->pool);
    return problem_internal(
        run->pool, APR_EINVAL,
        "%s: the chain ends with \"%s\", which is no root; add the "
        "certificates that are above it, the root too",
        run->file,
        ca_name_text(X509_get_subject_name(APR_ARRAY_IDX(
                         run->made->issuer->chain,
                         run->made->issuer->chain->nelts - 1, X509 *)),
                     run->pool));
}

/* Is the certificate there already? */
static problem_t *double_check(const run_t *run)
{
    int i;

    for (i = 0; i < run->found.numbers->nelts; ++i) {
        int generation = APR_ARRAY_IDX(run->found.numbers, i, int);
        problem_t *fault;
        ca_issuer_t *issuer = ca_generation_load(
            &fault, &run->found, generation, "", NULL, run->pool);

        if (issuer &&
            !strcmp(issuer->fingerprint, run->made->issuer->fingerprint))
            return problem_internal(run->pool, APR_EEXIST,
                                    "%s: is generation %d already; there is "
                                    "nothing to do",
                                    run->file, generation);
    }
    return NULL;
}

static problem_t *cert_write(run_t *run, int generation)
{
    const apr_array_header_t *chain = run->made->issuer->chain;
    const char *text = "";
    int i;

    for (i = 0; i < chain->nelts; ++i)
        text = apr_pstrcat(
            run->pool, text,
            ca_cert_pem(APR_ARRAY_IDX(chain, i, X509 *), run->pool), NULL);
    run->made->generation = generation;
    run->made->key_file =
        ca_generation_path(&run->found, generation, ".key", run->pool);
    run->made->cert_file =
        ca_generation_path(&run->found, generation, ".pem", run->pool);
    return ca_file_create(run->made->cert_file, text, 0644, run->pool);
}

/* With a copy of the key. */
static problem_t *pair_write(run_t *run, int generation)
{
    problem_t *prob = ca_file_key_create(
        ca_generation_path(&run->found, generation, ".key", run->pool),
        run->key, run->pool);

    return prob ? prob : cert_write(run, generation);
}

/* The key of this generation fits one of the certificates, whose place comes
 * back; -1 without. */
static int generation_fits(run_t *run, int generation)
{
    const char *path =
        ca_generation_path(&run->found, generation, ".key", run->pool);
    problem_t *prob;

    if (!ca_file_exists(path))
        return -1;
    prob = ca_file_key_read(&run->key, path, run->pool);
    run->key_file = path;
    return prob ? -1 : place_find(run, run->key);
}

/* A request's key, or that of a generation that was signed anew. */
static problem_t *install(run_t *run)
{
    int generation = run->found.last, place = -1;
    problem_t *prob;

    for (; place < 0 && generation > 0; --generation)
        place = generation_fits(run, generation);
    ++generation;
    if (place < 0)
        return problem_internal(run->pool, APR_EINVAL,
                                "%s: no certificate in it fits a key in %s; "
                                "look whether it is the answer to the request "
                                "that was made there",
                                run->file, run->dir);
    certs_order(run, place);
    prob = issuer_check(run, generation);
    if (prob)
        return prob;
    if (is_waiting(&run->found, generation, run->pool))
        return cert_write(run, generation);
    prob = double_check(run);
    return prob ? prob : pair_write(run, run->found.last + 1);
}

problem_t *ca_tool_install(ca_tool_made_t *made, const char *dir,
                           const apr_array_header_t *files, apr_int64_t now,
                           apr_pool_t *pool)
{
    problem_t *prob;
    run_t run;

    run_init(&run, made, dir, now, pool);
    prob = certs_read(&run, files);
    return prob ? prob : locked(&run, install);
}

/* Key and certificates were read; they fit and are what they should be. */
static problem_t *import_check(run_t *run)
{
    int place = place_find(run, run->key);

    if (place < 0)
        return problem_internal(run->pool, APR_EINVAL,
                                "%s: the key fits no certificate in %s; give "
                                "the one that belongs to it",
                                run->key_file, run->file);
    certs_order(run, place);
    return issuer_check(run, 0);
}

static problem_t *import(run_t *run)
{
    problem_t *prob = waiting_check(&run->found, run->pool);

    if (!prob)
        prob = double_check(run);
    return prob ? prob : pair_write(run, run->found.last + 1);
}

problem_t *ca_tool_import(ca_tool_made_t *made, const char *dir,
                          const char *key_file, const apr_array_header_t *files,
                          apr_int64_t now, const log_t *log, apr_pool_t *pool)
{
    problem_t *prob;
    run_t run;

    run_init(&run, made, dir, now, pool);
    run.key_file = key_file;
    prob = certs_read(&run, files);
    if (!prob)
        prob = ca_file_argument(ca_file_key_read(&run.key, key_file, pool),
                                key_file, pool);
    if (!prob)
        prob = import_check(&run);
    if (!prob)
        prob = ca_file_dir_ensure(dir, log, pool);
    return prob ? prob : locked(&run, import);
}
