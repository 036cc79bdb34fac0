/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_tool.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "ca/ca_chain.h"
#include "ca/ca_file.h"
#include "ca/ca_generation.h"
#include "ca/ca_hierarchy.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define DAY ((apr_int64_t)86400)
/* A little earlier, as in ca_auto.c. */
#define BACKDATE     DAY
#define ROOT_LIFE    (20 * 36525 * DAY / 100)
#define ISSUING_LIFE (5 * 36525 * DAY / 100)

#define AUTOMATIC "issuing-"
#define ISSUING   " issuing "
/* So that " issuing 9999" fits into a common name. */
#define NAME_MAX_LEN 48

/* One run of a command. */
typedef struct {
    const ca_tool_wish_t *wish;
    ca_tool_made_t *made;
    apr_int64_t now;
    apr_pool_t *pool;
    ca_generations_t found;
    NAME_CONSTRAINTS *constraints;
    EVP_PKEY *root_key, *key;
    X509 *root, *cert;
    apr_array_header_t *written; /* of const char *: files, so far */
} run_t;

static const char *path_of(const run_t *run, const char *name)
{
    return apr_pstrcat(run->pool, run->wish->dir, "/", name, NULL);
}

static const char *root_key_path(const run_t *run)
{
    return run->wish->root_key ? run->wish->root_key : path_of(run, "root.key");
}

static problem_t *key_make(EVP_PKEY **key, const char *kind, apr_pool_t *pool)
{
    *key = ca_key_make(kind, pool);
    return *key ? NULL
                : problem_make(pool, PROBLEM_MALFORMED,
                               "the kind of key \"%s\" is not known; choose "
                               "one of " CA_TOOL_KEY_KINDS,
                               kind);
}

static problem_t *wish_check(run_t *run)
{
    const ca_tool_wish_t *wish = run->wish;

    if (wish->name && (!*wish->name || strlen(wish->name) > NAME_MAX_LEN))
        return problem_make(run->pool, PROBLEM_MALFORMED,
                            "the name \"%s\" is empty, or longer than %d "
                            "octets; choose another",
                            wish->name, NAME_MAX_LEN);
    return ca_constraints_make(&run->constraints, &wish->constraints,
                               run->pool);
}

static problem_t *noted(run_t *run, const char *path, problem_t *prob)
{
    if (!prob)
        APR_ARRAY_PUSH(run->written, const char *) = path;
    return prob;
}

static problem_t *key_write(run_t *run, const char *path, EVP_PKEY *key)
{
    return noted(run, path, ca_file_key_create(path, key, run->pool));
}

static problem_t *certs_write(run_t *run, const char *path, const char *pem)
{
    return noted(run, path, ca_file_create(path, pem, 0644, run->pool));
}

/* Key, then certificate with the root behind it; loaded as the server will. */
static problem_t *generation_write(run_t *run, int generation)
{
    ca_tool_made_t *made = run->made;
    problem_t *prob;

    made->generation = generation;
    made->cert_file =
        ca_generation_path(&run->found, generation, ".pem", run->pool);
    made->key_file =
        ca_generation_path(&run->found, generation, ".key", run->pool);
    prob = key_write(run, made->key_file, run->key);
    if (!prob)
        prob = certs_write(
            run, made->cert_file,
            apr_pstrcat(run->pool, ca_cert_pem(run->cert, run->pool),
                        ca_cert_pem(run->root, run->pool), NULL));
    if (prob)
        return prob;
    return ca_issuer_load(&made->issuer, "", generation, made->cert_file,
                          made->key_file, run->now, run->pool);
}

static problem_t *end_check(const run_t *run, apr_int64_t end, const char *what)
{
    if (end > run->now)
        return NULL;
    return problem_make(run->pool, PROBLEM_MALFORMED,
                        "the %s would end at %s, which is over; choose a later "
                        "time",
                        what, clock_rfc3339(end, run->pool));
}

static problem_t *root_make(run_t *run)
{
    ca_subject_t subject = {0};
    problem_t *prob = key_make(&run->root_key, run->wish->key, run->pool);

    if (prob)
        return prob;
    subject.common_name =
        apr_pstrcat(run->pool, run->wish->name, " root", NULL);
    subject.organization = run->wish->organization;
    subject.key = run->root_key;
    subject.not_before = run->now - BACKDATE;
    subject.not_after = run->wish->root_not_after
                            ? run->wish->root_not_after
                            : subject.not_before + ROOT_LIFE;
    subject.path_len = -1;
    prob = end_check(run, subject.not_after, "root");
    return prob ? prob : ca_hierarchy_make(&run->root, &subject, run->pool);
}

/* name and key are in place; not longer than the root, unless that was asked
 * for. */
static problem_t *issuing_make(run_t *run, ca_subject_t *subject)
{
    apr_int64_t root_end = ca_time_seconds(X509_get0_notAfter(run->root));
    apr_int64_t root_start = ca_time_seconds(X509_get0_notBefore(run->root));
    apr_int64_t end = run->wish->not_after;
    problem_t *prob;

    if (end > root_end)
        return problem_make(run->pool, PROBLEM_MALFORMED,
                            "the intermediate would outlive its root, which "
                            "ends at %s; choose an earlier time",
                            clock_rfc3339(root_end, run->pool));
    if (!end)
        end = run->now - BACKDATE + ISSUING_LIFE;
    subject->key = run->key;
    subject->not_before = run->now - BACKDATE;
    if (subject->not_before < root_start)
        subject->not_before = root_start;
    subject->not_after = end < root_end ? end : root_end;
    subject->path_len = 0;
    subject->constraints = run->constraints;
    subject->issuer = run->root;
    subject->issuer_key = run->root_key;
    prob = end_check(run, subject->not_after, "intermediate");
    return prob ? prob : ca_hierarchy_make(&run->cert, subject, run->pool);
}

static problem_t *init_make(run_t *run)
{
    ca_subject_t subject = {0};
    problem_t *prob = wish_check(run);

    if (!prob)
        prob = root_make(run);
    if (!prob)
        prob = key_make(&run->key, run->wish->key, run->pool);
    if (prob)
        return prob;
    subject.common_name =
        apr_pstrcat(run->pool, run->wish->name, ISSUING "1", NULL);
    subject.organization = run->wish->organization;
    return issuing_make(run, &subject);
}

/* The directory holds no CA yet. */
static problem_t *vacant_check(run_t *run)
{
    const char *dir = run->wish->dir;
    ca_generations_t automatic;
    problem_t *prob = ca_generation_scan(&automatic, dir, AUTOMATIC, run->pool);

    if (!prob)
        prob = ca_generation_scan(&run->found, dir, "", run->pool);
    if (prob)
        return prob;
    if (automatic.last || run->found.last)
        return problem_internal(run->pool, APR_EEXIST,
                                "%s: holds a CA already; renew that with "
                                "`acmectl ca renew`, or choose another "
                                "directory",
                                dir);
    prob = ca_file_vacant_check(
        path_of(run, "root.pem"),
        "choose another directory, or take it away if nobody trusts "
        "it",
        run->pool);
    if (!prob)
        prob = ca_file_vacant_check(root_key_path(run), "choose another file",
                                    run->pool);
    return prob;
}

static problem_t *init_write(run_t *run)
{
    ca_tool_made_t *made = run->made;
    problem_t *prob = vacant_check(run);

    if (prob)
        return prob;
    made->root_file = path_of(run, "root.pem");
    made->root_key_file = root_key_path(run);
    prob = key_write(run, made->root_key_file, run->root_key);
    if (!prob)
        prob = certs_write(run, made->root_file,
                           ca_cert_pem(run->root, run->pool));
    return prob ? prob : generation_write(run, 1);
}

/* Of the text of an entry; NULL without. */
static const char *entry_text(X509 *cert, int nid, apr_pool_t *pool)
{
    X509_NAME *name = X509_get_subject_name(cert);
    int place = X509_NAME_get_index_by_NID(name, nid, -1), len;
    unsigned char *utf8 = NULL;
    const char *text = NULL;

    if (place < 0)
        return NULL;
    len = ASN1_STRING_to_UTF8(
        &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, place)));
    if (len > 0)
        text = apr_pstrmemdup(pool, (char *)utf8, (apr_size_t)len);
    OPENSSL_free(utf8);
    return text;
}

/* What comes before " issuing <n>", or all of it. */
static const char *title_of(X509 *cert, apr_pool_t *pool)
{
    const char *text = entry_text(cert, NID_commonName, pool), *at, *next;

    if (!text)
        return "CA";
    at = strstr(text, ISSUING);
    for (next = at; next; next = strstr(next + 1, ISSUING))
        at = next;
    if (!at || at == text ||
        at[sizeof(ISSUING) - 1 +
           strspn(at + sizeof(ISSUING) - 1, "0123456789")])
        return text;
    return apr_pstrmemdup(pool, text, (apr_size_t)(at - text));
}

/* Our own root, with its key. */
static problem_t *root_load(run_t *run, const ca_issuer_t *newest)
{
    const char *path = path_of(run, "root.pem"), *key = root_key_path(run);
    ca_issuer_t *root;
    problem_t *prob;

    if (!ca_file_exists(path))
        return problem_internal(run->pool, APR_ENOENT,
                                "%s: is not there, so another CA signs for "
                                "this one; ask it with `acmectl ca csr`",
                                path);
    if (!ca_file_exists(key))
        return problem_internal(run->pool, APR_ENOENT,
                                "%s: the root's key is not there; bring it "
                                "from where it is kept, and name the file with "
                                "--root-key",
                                key);
    prob = ca_issuer_load(&root, "root", 0, path, key, run->now, run->pool);
    if (prob)
        return run->wish->root_key ? ca_file_argument(prob, key, run->pool)
                                   : prob;
    if (!ca_chain_has_signed(root->cert, newest->cert))
        return problem_internal(run->pool, APR_EINVAL,
                                "%s: has not signed generation %d; ask the CA "
                                "that has, with `acmectl ca csr`",
                                path, newest->generation);
    run->root = root->cert;
    run->root_key = root->key;
    return NULL;
}

static problem_t *renewed_key(run_t *run, const ca_issuer_t *newest)
{
    const char *kind = run->wish->key;

    if (run->wish->is_same_key) {
        run->key = newest->key;
        return newest->key
                   ? NULL
                   : problem_internal(run->pool, APR_ENOENT,
                                      "%s: generation %d has no key that could "
                                      "be kept; put it back",
                                      run->wish->dir, newest->generation);
    }
    if (!kind)
        kind = ca_key_kind(X509_get0_pubkey(newest->cert));
    return key_make(&run->key, kind ? kind : "P-256", run->pool);
}

static problem_t *renewed_make(run_t *run, const ca_issuer_t *newest,
                               int generation)
{
    const ca_tool_wish_t *wish = run->wish;
    const char *title =
        wish->name ? wish->name : title_of(newest->cert, run->pool);
    ca_subject_t subject = {0};
    problem_t *prob;

    subject.common_name =
        strlen(title) > NAME_MAX_LEN
            ? title
            : apr_psprintf(run->pool, "%s" ISSUING "%d", title, generation);
    subject.organization =
        wish->organization
            ? wish->organization
            : entry_text(newest->cert, NID_organizationName, run->pool);
    if (wish->is_same_key) /* they stand for each other under one name */
        subject.name = X509_get_subject_name(newest->cert);
    if (!run->constraints)
        run->constraints = own_name_constraints(
            run->pool,
            X509_get_ext_d2i(newest->cert, NID_name_constraints, NULL, NULL));
    prob = issuing_make(run, &subject);
    if (prob || wish->not_after || subject.not_after > newest->not_after ||
        subject.not_after < ca_time_seconds(X509_get0_notAfter(run->root)))
        return prob;
    return problem_internal(run->pool, APR_EINVAL,
                            "%s: the root ends at %s, so that a new generation "
                            "would not live longer than generation %d; make a "
                            "new CA with `acmectl ca init`, which all clients "
                            "must then trust",
                            path_of(run, "root.pem"),
                            clock_rfc3339(subject.not_after, run->pool),
                            newest->generation);
}

/* The newest generation, with its key if it is there. */
static problem_t *newest_load(ca_issuer_t **newest, run_t *run)
{
    problem_t *prob =
        ca_generation_scan(&run->found, run->wish->dir, "", run->pool);

    if (prob)
        return prob;
    if (run->found.numbers->nelts == 0)
        return problem_internal(run->pool, APR_ENOENT,
                                "%s: holds no certificate <n>.pem; make the CA "
                                "with `acmectl ca init`",
                                run->wish->dir);
    *newest = ca_generation_load(&prob, &run->found,
                                 APR_ARRAY_IDX(run->found.numbers, 0, int), "",
                                 NULL, run->pool);
    return *newest ? NULL : prob;
}

static problem_t *renew(run_t *run)
{
    ca_issuer_t *newest;
    problem_t *prob = newest_load(&newest, run);
    int generation = run->found.last + 1;

    if (!prob && generation > CA_GENERATION_MAX)
        prob = problem_internal(run->pool, APR_EINVAL,
                                "%s: has %d generations; make a new CA in "
                                "another directory",
                                run->wish->dir, run->found.last);
    if (!prob)
        prob = root_load(run, newest);
    if (!prob)
        prob = renewed_key(run, newest);
    if (!prob)
        prob = renewed_make(run, newest, generation);
    return prob ? prob : generation_write(run, generation);
}

/* fn with the directory locked. */
static problem_t *locked(run_t *run, problem_t *(*fn)(run_t *run))
{
    apr_pool_t *lock_pool;
    problem_t *prob;

    apr_pool_create(&lock_pool, run->pool);
    prob = ca_file_lock(run->wish->dir, lock_pool, run->pool);
    if (!prob)
        prob = fn(run);
    apr_pool_destroy(lock_pool);
    return prob;
}

static run_t run_make(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                      apr_int64_t now, apr_pool_t *pool)
{
    run_t run = {0};

    memset(made, 0, sizeof(*made));
    run.wish = wish;
    run.made = made;
    run.now = now;
    run.pool = pool;
    run.written = apr_array_make(pool, 4, sizeof(const char *));
    return run;
}

/* Nothing that was there before, so nobody uses it. */
static void init_undo(run_t *run, int is_dir_new, int is_lock_new)
{
    int i;

    for (i = 0; i < run->written->nelts; i++)
        apr_file_remove(APR_ARRAY_IDX(run->written, i, const char *),
                        run->pool);
    if (is_lock_new)
        apr_file_remove(path_of(run, "lock"), run->pool);
    if (is_dir_new)
        apr_dir_remove(run->wish->dir, run->pool); /* unless it has files */
}

problem_t *ca_tool_init(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                        apr_int64_t now, const log_t *log, apr_pool_t *pool)
{
    run_t run = run_make(made, wish, now, pool);
    int is_dir_new = !ca_file_exists(wish->dir);
    int is_lock_new = !ca_file_exists(path_of(&run, "lock"));
    problem_t *prob = init_make(&run);

    if (!prob)
        prob = ca_file_dir_ensure(wish->dir, log, pool);
    if (prob)
        return prob;
    prob = locked(&run, init_write);
    if (prob)
        init_undo(&run, is_dir_new, is_lock_new);
    return prob;
}

problem_t *ca_tool_renew(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                         apr_int64_t now, apr_pool_t *pool)
{
    run_t run = run_make(made, wish, now, pool);
    problem_t *prob = wish_check(&run);

    if (!prob)
        prob = ca_generation_scan(&run.found, wish->dir, "", pool);
    return prob ? prob : locked(&run, renew);
}
