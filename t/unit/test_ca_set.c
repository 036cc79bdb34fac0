/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_set.h"

#include "ca_fixture.h"

#include "base/token.h"
#include "ca/ca_chain.h"
#include "ca/ca_file.h"
#include "ca_journal.h"

/* A directory with a root of its own. */
typedef struct {
    const char *dir;
    EVP_PKEY *root_key;
    X509 *root;
    apr_pool_t *pool;
} bed_t;

static bed_t bed(const char *name, apr_pool_t *pool)
{
    bed_t b = {NULL, NULL, NULL, pool};

    b.dir = apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
    is_int(mkdir(b.dir, 0700), 0);
    b.root_key = ca_key_make("P-256", pool);
    b.root = ca_cert_of("Root", b.root_key, -1, NULL, NULL, pool);
    return b;
}

/* A file of the directory; mode 0600. */
static const char *put(const bed_t *b, const char *file, const char *text)
{
    const char *path =
        apr_pstrcat(b->pool, strrchr(b->dir, '/') + 1, "/", file, NULL);

    path = file_put(path, text, b->pool);
    chmod(path, 0600);
    return path;
}

static X509 *signed_by(const bed_t *b, const char *cn, EVP_PKEY *key,
                       apr_int64_t from, apr_int64_t to)
{
    ca_subject_t subject = {0};
    X509 *cert = NULL;

    subject.common_name = cn;
    subject.key = key;
    subject.not_before = from;
    subject.not_after = to;
    subject.path_len = 0;
    subject.issuer = b->root;
    subject.issuer_key = b->root_key;
    ok(!ca_hierarchy_make(&cert, &subject, b->pool));
    return cert;
}

static const char *with_root(const bed_t *b, X509 *cert)
{
    return apr_pstrcat(b->pool, ca_cert_pem(cert, b->pool),
                       ca_cert_pem(b->root, b->pool), NULL);
}

/* Generation n from and to. */
static EVP_PKEY *generation(const bed_t *b, int n, EVP_PKEY *key,
                            apr_int64_t from, apr_int64_t to)
{
    X509 *cert;

    if (!key)
        key = ca_key_make("P-256", b->pool);
    cert = signed_by(b, "Issuing", key, from, to);
    put(b, apr_psprintf(b->pool, "%d.pem", n), with_root(b, cert));
    put(b, apr_psprintf(b->pool, "%d.key", n), ca_key_pem(key, b->pool));
    return key;
}

static ca_set_t *load(const ca_set_files_t *files, apr_pool_t *pool)
{
    ca_set_t *set = NULL;
    problem_t *prob = ca_set_load(&set, "corp", files, NOW, NULL, pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    return set;
}

static void refused(const char *why, const ca_set_files_t *files,
                    apr_pool_t *pool)
{
    ca_set_t *set = NULL;
    problem_t *prob = ca_set_load(&set, "corp", files, NOW, NULL, pool);

    ok(prob && (!set || !set->issuer), "%s", why);
    ok(prob && strstr(prob->cause, why), "%s: %s", why,
       prob ? prob->cause : "");
    ok(prob && strchr(prob->cause, ';'), "%s", prob ? prob->cause : "");
}

static void pair(apr_pool_t *pool)
{
    bed_t b = bed("pair", pool);
    EVP_PKEY *key = ca_key_make("P-384", pool);
    X509 *cert = signed_by(&b, "I", key, NOW - DAY, NOW + 365 * DAY);
    ca_set_files_t files = {0};
    ca_set_t *set;

    files.certificate = put(&b, "i.pem", with_root(&b, cert));
    files.key = put(&b, "i.key", ca_key_pem(key, pool));
    set = load(&files, pool);
    need(set);
    is_str(set->name, "corp");
    is_int(set->generations->nelts, 1);
    is_int(set->issuer->generation, 1);
    is_str(set->roots_pem, ca_cert_pem(b.root, pool));
    is_int(set->warnings->nelts, 0);
    is_int(set->issuer->alternates->nelts, 0);
    ok(ca_set_generation(set, set->issuer->fingerprint) == set->issuer);
    ok(!ca_set_generation(set, "00"));
    files.key =
        put(&b, "other.key", ca_key_pem(ca_key_make("P-256", pool), pool));
    refused("does not belong to the certificate", &files, pool);
    refused("; name another file", &files, pool);
    ok(ca_file_exists(files.key));
    files.key = put(&b, "junk.key", "junk");
    refused("; name another file", &files, pool);
    files.key = "pkcs11:token=ca;object=key";
    refused("PKCS#11 come in a later version", &files, pool);
    files.key = NULL;
    refused("has no key", &files, pool);
    files.certificate = "/no/such/file.pem";
    files.key = "/no/such/file.key";
    refused("/no/such/file.pem", &files, pool);
    cert = signed_by(&b, "I", key, NOW - 3 * DAY, NOW - DAY);
    files.certificate = put(&b, "old.pem", with_root(&b, cert));
    files.key = put(&b, "i.key", ca_key_pem(key, pool));
    refused("expired", &files, pool);
}

static void generations(apr_pool_t *pool)
{
    bed_t b = bed("generations", pool);
    ca_set_files_t files = {0};
    ca_set_t *set;

    files.directory = b.dir;
    refused("holds no certificate", &files, pool);
    generation(&b, 1, NULL, NOW - 9 * DAY, NOW - 5 * DAY);
    refused("generation 1 is valid from", &files, pool);
    generation(&b, 2, NULL, NOW - 5 * DAY, NOW + 9 * DAY);
    generation(&b, 10, NULL, NOW - DAY, NOW + 90 * DAY);
    put(&b, "root.pem", ca_cert_pem(b.root, pool));
    set = load(&files, pool);
    need(set);
    is_int(set->generations->nelts, 3);
    is_int(set->issuer->generation, 10);
    is_int(APR_ARRAY_IDX(set->generations, 1, ca_issuer_t *)->generation, 2);
    is_int(APR_ARRAY_IDX(set->generations, 2, ca_issuer_t *)->generation, 1);
    is_str(set->roots_pem, ca_cert_pem(b.root, pool));
    /* one that begins later, and a key that waits for its certificate */
    generation(&b, 11, NULL, NOW + DAY, NOW + 90 * DAY);
    put(&b, "12.key", ca_key_pem(ca_key_make("P-256", pool), pool));
    set = load(&files, pool);
    need(set);
    is_int(set->generations->nelts, 4);
    is_int(set->issuer->generation, 10);
    files.directory = "/no/such/dir";
    refused("/no/such/dir", &files, pool);
}

/* What cannot sign is told, and no reason to stop while another can. */
static void broken(apr_pool_t *pool)
{
    bed_t b = bed("broken", pool);
    ca_set_files_t files = {0};
    journal_t *journal = journal_make(pool);
    ca_set_t *set;

    files.directory = b.dir;
    generation(&b, 1, NULL, NOW - DAY, NOW + 90 * DAY);
    put(&b, "2.pem", "garbage");
    need(!ca_set_load(&set, "corp", &files, NOW, &journal->log, pool));
    is_int(set->issuer->generation, 1);
    is_int(set->warnings->nelts, 0);
    ok(strstr(journal->text, "1 AS0159 "), "%s", journal->text);
    ok(strstr(journal->text, "/2.pem: holds no certificate"));
    generation(&b, 3, NULL, NOW - DAY, NOW + 90 * DAY);
    put(&b, "3.key", ca_key_pem(ca_key_make("P-256", pool), pool));
    set = load(&files, pool);
    need(set);
    is_int(set->issuer->generation, 1);
    is_int(set->generations->nelts, 2);
    unlink(apr_pstrcat(pool, b.dir, "/1.key", NULL));
    refused("/3.key: the key does not belong", &files, pool);
    unlink(apr_pstrcat(pool, b.dir, "/3.key", NULL));
    unlink(apr_pstrcat(pool, b.dir, "/2.pem", NULL));
    refused("generation 3 has no key", &files, pool);
}

static void warnings(apr_pool_t *pool)
{
    bed_t b = bed("warnings", pool);
    ca_set_files_t files = {0};
    const char *text;
    ca_set_t *set;

    files.directory = b.dir;
    files.leaf_life = 90 * DAY;
    generation(&b, 1, NULL, NOW - DAY, NOW + 91 * DAY);
    set = load(&files, pool);
    need(set);
    is_int(set->warnings->nelts, 0);
    files.leaf_life = 92 * DAY;
    set = load(&files, pool);
    is_int(set->warnings->nelts, 1);
    text = APR_ARRAY_IDX(set->warnings, 0, const char *);
    is_str(text,
           apr_pstrcat(pool,
                       "generation 1 ends at "
                       "2026-05-31T12:00:00Z, and certificates of the default "
                       "lifetime are clamped to that; run: acmectl ca renew "
                       "--dir ",
                       b.dir, NULL));
    files.leaf_life = 0;
    generation(&b, 2, NULL, NOW - 70 * DAY, NOW + 20 * DAY);
    set = load(&files, pool);
    is_int(set->warnings->nelts, 1);
    text = APR_ARRAY_IDX(set->warnings, 0, const char *);
    ok(strstr(text, "generation 2 ends at 2026-03-21T12:00:00Z; run: "), "%s",
       text);
}

/* A leaf of the generation verifies by the chain in text. */
static const char *verifies(const ca_issuer_t *issuer, const char *text,
                            X509 *root, apr_pool_t *pool)
{
    ca_issuer_t other = *issuer;
    ca_request_t request = {0};
    apr_array_header_t *chain = apr_array_make(pool, 4, sizeof(X509 *));
    BIO *bio = own_bio(pool, BIO_new_mem_buf(text, -1));
    ca_cert_t *leaf;
    X509 *cert;

    request.identifiers = names(pool, "a.test", NULL);
    request.key = ca_key_make("P-256", pool);
    request.serial = token_serial(pool);
    request.not_before = NOW;
    request.not_after = NOW + DAY;
    request.key_usage = KU_DIGITAL_SIGNATURE;
    if (ca_issue(&leaf, issuer, &request, pool))
        return "no leaf";
    for (cert = own_x509(pool, PEM_read_bio_X509(bio, NULL, NULL, NULL)); cert;
         cert = own_x509(pool, PEM_read_bio_X509(bio, NULL, NULL, NULL)))
        APR_ARRAY_PUSH(chain, X509 *) = cert;
    ERR_clear_error();
    other.chain = chain;
    other.root = root;
    return verify(parsed(leaf, pool), &other, "a.test", NOW + 1);
}

/* The intermediate, and the root, cross-signed by another root. */
static void alternates(apr_pool_t *pool)
{
    bed_t b = bed("alternates", pool), other = bed("other", pool);
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));
    ca_set_files_t files = {0};
    EVP_PKEY *key;
    X509 *cross;
    ca_set_t *set;
    int i;

    key = generation(&b, 1, NULL, NOW - DAY, NOW + 90 * DAY);
    cross = signed_by(&other, "Issuing", key, NOW - DAY, NOW + 30 * DAY);
    APR_ARRAY_PUSH(list, const char *) =
        put(&b, "cross.pem", with_root(&other, cross));
    cross = ca_cert_of("Root", b.root_key, 1, other.root, other.root_key, pool);
    APR_ARRAY_PUSH(list, const char *) =
        put(&b, "root-cross.pem", ca_cert_pem(cross, pool));
    files.directory = b.dir;
    files.alternates = list;
    set = load(&files, pool);
    need(set);
    is_int(set->issuer->alternates->nelts, 2);
    for (i = 0; i < 2; ++i) {
        const char *text =
            APR_ARRAY_IDX(set->issuer->alternates, i, const char *);
        const char *fault = verifies(set->issuer, text, other.root, pool);

        ok(!fault, "%d: %s", i, fault);
        ok(verifies(set->issuer, text, b.root, pool) || i == 1);
        ok(!strstr(text, ca_cert_pem(other.root, pool)));
    }
    is_str(APR_ARRAY_IDX(set->issuer->alternates, 1, const char *),
           apr_pstrcat(pool, ca_cert_pem(set->issuer->cert, pool),
                       ca_cert_pem(cross, pool), NULL));
    APR_ARRAY_PUSH(list, const char *) =
        put(&b, "strange.pem",
            ca_cert_pem(ca_cert_of("X", other.root_key, 0, NULL, NULL, pool),
                        pool));
    refused("has name and key of none", &files, pool);
    put(&b, "strange.pem", "garbage");
    refused("strange.pem: holds no certificate", &files, pool);
}

/* Renewed with the same key: both chains serve the leaves of both. */
static void twins(apr_pool_t *pool)
{
    bed_t b = bed("twins", pool);
    ca_set_files_t files = {0};
    const ca_issuer_t *old;
    EVP_PKEY *key;
    ca_set_t *set;

    files.directory = b.dir;
    key = generation(&b, 1, NULL, NOW - DAY, NOW + 9 * DAY);
    generation(&b, 2, key, NOW - DAY, NOW + 90 * DAY);
    generation(&b, 3, NULL, NOW - DAY, NOW + 90 * DAY);
    set = load(&files, pool);
    need(set);
    is_int(set->issuer->generation, 3);
    is_int(set->issuer->alternates->nelts, 0);
    old = APR_ARRAY_IDX(set->generations, 2, const ca_issuer_t *);
    is_int(old->alternates->nelts, 1);
    is_str(APR_ARRAY_IDX(old->alternates, 0, const char *),
           APR_ARRAY_IDX(set->generations, 1, ca_issuer_t *)->chain_pem);
    ok(!verifies(old, APR_ARRAY_IDX(old->alternates, 0, const char *), b.root,
                 pool));
}

static void published(const ca_set_files_t *files, const bed_t *b, int number)
{
    ca_set_t *set;

    ok(ca_set_load(&set, "corp", files, NOW, NULL, b->pool));
    need(set);
    ok(!set->issuer);
    is_str(set->roots_pem, ca_cert_pem(b->root, b->pool));
    is_int(set->generations->nelts, number);
    is_int(ca_set_newest(set)->generation, number);
}

static void publishes_only(apr_pool_t *pool)
{
    bed_t b = bed("publishes", pool);
    EVP_PKEY *key = ca_key_make("P-256", pool);
    X509 *cert = signed_by(&b, "I", key, NOW - DAY, NOW + 365 * DAY);
    X509 *old = signed_by(&b, "I", key, NOW - 3 * DAY, NOW - DAY);
    ca_set_files_t files = {0}, dir = {0};

    files.certificate = put(&b, "i.pem", with_root(&b, cert));
    files.key = "/no/such/file.key";
    published(&files, &b, 1);
    files.key = NULL;
    published(&files, &b, 1);
    files.certificate = put(&b, "i.pem", with_root(&b, old));
    files.key = put(&b, "i.key", ca_key_pem(key, pool));
    published(&files, &b, 1);
    dir.directory = b.dir;
    generation(&b, 1, NULL, NOW - 9 * DAY, NOW - 5 * DAY);
    generation(&b, 2, NULL, NOW - DAY, NOW + 9 * DAY);
    put(&b, "2.key", "garbage");
    published(&dir, &b, 2);
}

const tap_case_t tap_cases[] = {
    {"certificate and key", pair},
    {"the newest usable generation of a directory signs", generations},
    {"a broken generation is told, and stops nothing while one can sign",
     broken},
    {"warnings before the end", warnings},
    {"alternate chains verify", alternates},
    {"what cannot sign publishes all the same", publishes_only},
    {"generations of one key stand for each other", twins},
    {NULL, NULL}};
