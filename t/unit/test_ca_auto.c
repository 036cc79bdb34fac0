/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_auto.h"

#include "ca_steps.h"

#include "ca_journal.h"

#define ORG  "ACME CA of ca.corp.example"
#define YEAR (365 * DAY)

static const char *dir_of(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
}

static const char *in(const char *dir, const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

static int mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static const char *text_of(const char *dir, const char *name, apr_pool_t *pool)
{
    const char *text = NULL;
    problem_t *prob = ca_file_read(&text, in(dir, name, pool), pool);

    return prob ? prob->cause : text;
}

static void put(const char *dir, const char *name, const char *text,
                apr_pool_t *pool)
{
    unlink(in(dir, name, pool));
    ok(!ca_file_create(in(dir, name, pool), text, 0600, pool), "%s", name);
}

static void move(const char *dir, const char *from, const char *to,
                 apr_pool_t *pool)
{
    is_int(rename(in(dir, from, pool), in(dir, to, pool)), 0);
}

static int count(const char *dir)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    int found = 0;

    while ((entry = readdir(entries)))
        found += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(entries);
    return found;
}

static ca_auto_t *ensure(const char *dir, apr_int64_t now, apr_pool_t *pool)
{
    ca_auto_t *ca = NULL;
    problem_t *prob = ca_auto_ensure(&ca, dir, ORG, now, NULL, pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    return ca;
}

static void refused(const char *why, const char *dir, apr_int64_t now,
                    apr_pool_t *pool)
{
    ca_auto_t *ca = NULL;
    problem_t *prob = ca_auto_ensure(&ca, dir, ORG, now, NULL, pool);

    ok(prob && !ca, "%s", why);
    if (!prob)
        return;
    is_int(prob->status, 503);
    ok(strstr(prob->cause, why), "%s: %s", why, prob->cause);
    ok(strncmp(prob->cause, dir, strlen(dir)) == 0, "%s", prob->cause);
    ok(strchr(prob->cause, ';'), "%s", prob->cause);
}

static const char *cn(X509 *cert, apr_pool_t *pool)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    const ASN1_STRING *text =
        X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place));

    return apr_pstrmemdup(pool, (const char *)ASN1_STRING_get0_data(text),
                          (apr_size_t)ASN1_STRING_length(text));
}

/* The CA can do its work: a leaf verifies against its root. */
static void works(ca_auto_t *ca, apr_int64_t now, apr_pool_t *pool)
{
    ca_request_t request = {0};
    ca_cert_t *leaf = NULL;
    const char *fault;
    problem_t *prob;

    request.identifiers = names(pool, "ca.test", NULL);
    request.key = ca_key_make("P-256", pool);
    request.serial = token_serial(pool);
    request.not_before = now - 3600;
    request.not_after = now + 86400 < ca->issuer->not_after
                            ? now + 86400
                            : ca->issuer->not_after;
    request.key_usage = KU_DIGITAL_SIGNATURE;
    prob = ca_issue(&leaf, ca->issuer, &request, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    if (prob)
        return;
    fault = verify(parsed(leaf, pool), ca->issuer, "ca.test", now);
    ok(!fault, "%s", fault);
    ok(strstr(ca->roots_pem, ca_cert_pem(ca->issuer->root, pool)));
}

static void first_start(apr_pool_t *pool)
{
    const char *dir = dir_of("first", pool);
    ca_auto_t *ca = ensure(dir, NOW, pool), *again;

    need(ca);
    is_int(ca->generations->nelts, 1);
    ok(ca->issuer == APR_ARRAY_IDX(ca->generations, 0, ca_issuer_t *));
    is_int(ca->issuer->generation, 1);
    is_str(ca->issuer->name, "automatic");
    is_str(ca->roots_pem, ca_cert_pem(ca->issuer->root, pool));
    is_str(ca->issuer->chain_pem, ca_cert_pem(ca->issuer->cert, pool));
    is_str(cn(ca->issuer->root, pool), ORG " root");
    is_str(cn(ca->issuer->cert, pool), ORG " issuing 1");
    is_str(text_of(dir, "root.pem", pool), ca->roots_pem);
    is_str(text_of(dir, "issuing-1.pem", pool),
           apr_pstrcat(pool, ca->issuer->chain_pem, ca->roots_pem, NULL));
    is_int(X509_get_pathlen(ca->issuer->cert), 0);
    is_int((ca->issuer->not_after - ca->issuer->not_before) / DAY, 1826);
    works(ca, NOW, pool);
    again = ensure(dir, NOW + DAY, pool);
    need(again);
    is_str(again->issuer->fingerprint, ca->issuer->fingerprint);
    is_str(again->roots_pem, ca->roots_pem);
    is_int(count(dir), 5);
}

static void modes(apr_pool_t *pool)
{
    const char *dir = dir_of("modes", pool);
    mode_t mask = umask(0777);
    ca_auto_t *ca = NULL;

    /* the directory is made by mkdir(), which heeds umask, as it should */
    umask(0);
    ca = ensure(dir, NOW, pool);
    umask(mask);
    need(ca);
    is_int(mode_of(dir), 0700);
    is_int(mode_of(in(dir, "root.key", pool)), 0600);
    is_int(mode_of(in(dir, "issuing-1.key", pool)), 0600);
    is_int(mode_of(in(dir, "root.pem", pool)), 0644);
    is_int(mode_of(in(dir, "issuing-1.pem", pool)), 0644);
}

static void wrong_modes(apr_pool_t *pool)
{
    const char *dir = dir_of("wrong-modes", pool);
    journal_t *journal = journal_make(pool);
    ca_auto_t *ca;

    need(ensure(dir, NOW, pool));
    need(!ca_auto_ensure(&ca, dir, ORG, NOW, &journal->log, pool));
    is_str(journal->text, "");
    chmod(in(dir, "root.key", pool), 0644);
    chmod(in(dir, "issuing-1.key", pool), 0660);
    need(!ca_auto_ensure(&ca, dir, ORG, NOW, &journal->log, pool));
    ok(strstr(journal->text,
              apr_pstrcat(pool, "run: chmod 600 ", dir, "/root.key\n", NULL)),
       "%s", journal->text);
    ok(strstr(journal->text, apr_pstrcat(pool, "run: chmod 600 ", dir,
                                         "/issuing-1.key\n", NULL)),
       "%s", journal->text);
}

static void org_names(apr_pool_t *pool)
{
    static const char longest[] = "ACME CA of a-very-long-name.of.some."
                                  "department.of.corp.example.internal";
    ca_auto_t *ca = NULL;

    need(!ca_auto_ensure(&ca, dir_of("long", pool), longest, NOW, NULL, pool));
    is_int(strlen(cn(ca->issuer->root, pool)), 64);
    is_int(strlen(cn(ca->issuer->cert, pool)), 64);
    ok(strstr(cn(ca->issuer->cert, pool), " issuing 1"));
    /* an umlaut across the cut */
    need(!ca_auto_ensure(&ca, dir_of("utf8", pool),
                         "1234567890123456789012345678901234567890"
                         "123456789012345678\xc3\xa4 and more",
                         NOW, NULL, pool));
    is_str(cn(ca->issuer->root, pool), "1234567890123456789012345678901234567"
                                       "890123456789012345678 root");
}

static void renewal(apr_pool_t *pool)
{
    const char *dir = dir_of("renewal", pool);
    ca_auto_t *ca = ensure(dir, NOW, pool), *next;
    apr_int64_t end;

    need(ca);
    end = ca->issuer->not_after;
    next = ensure(dir, end - 609 * DAY, pool);
    need(next);
    is_int(next->generations->nelts, 1);
    next = ensure(dir, end - 608 * DAY, pool);
    need(next);
    is_int(next->generations->nelts, 2);
    is_int(next->issuer->generation, 2);
    works(next, end - 608 * DAY, pool);
    is_str(APR_ARRAY_IDX(next->generations, 1, ca_issuer_t *)->fingerprint,
           ca->issuer->fingerprint);
    is_str(next->roots_pem, ca->roots_pem);
    ok(strcmp(next->issuer->key_id, ca->issuer->key_id) != 0);
    /* long after the first has expired it is still there */
    next = ensure(dir, end + YEAR, pool);
    need(next);
    is_int(next->issuer->generation, 2);
    is_int(next->generations->nelts, 2);
    works(next, end + YEAR, pool);
    /* all expired: the root makes another */
    next = ensure(dir, NOW + 12 * YEAR, pool);
    need(next);
    is_int(next->generations->nelts, 3);
    is_int(next->issuer->generation, 3);
    works(next, NOW + 12 * YEAR, pool);
}

/* Nothing outlives the root, and no start makes a useless intermediate. */
static void last_years(apr_pool_t *pool)
{
    const char *dir = dir_of("last", pool);
    journal_t *journal = journal_make(pool);
    ca_auto_t *ca = ensure(dir, NOW, pool);
    apr_int64_t end;

    need(ca);
    end = ca_issuer_load(&ca->issuer, "r", 0, in(dir, "root.pem", pool), NULL,
                         0, pool)
              ? 0
              : ca->issuer->not_after;
    is_int((end - NOW) / DAY, 20 * 36525 / 100 - 1);
    ca = ensure(dir, end - 3 * YEAR, pool);
    need(ca);
    is_int(ca->issuer->generation, 2);
    is_int(ca->issuer->not_after, end);
    works(ca, end - 3 * YEAR, pool);
    need(!ca_auto_ensure(&ca, dir, ORG, end - 30 * DAY, &journal->log, pool));
    is_int(ca->issuer->generation, 2);
    ok(strstr(journal->text, "AS0155 the root of the CA ends at"), "%s",
       journal->text);
    works(ca, end - 30 * DAY, pool);
    refused("the root is valid from", dir, end, pool);
}

static void root_key_away(apr_pool_t *pool)
{
    const char *dir = dir_of("away", pool), *root_key;
    journal_t *journal = journal_make(pool);
    ca_auto_t *ca = ensure(dir, NOW, pool);
    apr_int64_t late;

    need(ca);
    late = ca->issuer->not_after - DAY;
    root_key = text_of(dir, "root.key", pool);
    unlink(in(dir, "root.key", pool));
    need(!ca_auto_ensure(&ca, dir, ORG, NOW, &journal->log, pool));
    is_str(journal->text, "");
    works(ca, NOW, pool);
    need(!ca_auto_ensure(&ca, dir, ORG, late, &journal->log, pool));
    is_int(ca->issuer->generation, 1);
    ok(strstr(journal->text, "AS0156 intermediate 1 of the CA ends at"), "%s",
       journal->text);
    ok(strstr(journal->text, "/root.key: is not there"), "%s", journal->text);
    refused("/root.key: is not there", dir, late + 2 * DAY, pool);
    ok(!ca_file_exists(in(dir, "root.key", pool)));
    ok(!ca_file_exists(in(dir, "issuing-2.key", pool)));
    put(dir, "root.key", root_key, pool);
    ca = ensure(dir, late, pool);
    need(ca);
    is_int(ca->issuer->generation, 2);
}

static void clocks(apr_pool_t *pool)
{
    const char *dir = dir_of("clocks", pool);
    ca_auto_t *ca;

    refused("clock says 1970-01-01T00:00:00Z", dir, 0, pool);
    refused("clock says 2024-12-31T23:59:59Z", dir, 1735689599, pool);
    is_int(count(dir), 1); /* the lock */
    ca = ensure(dir, NOW, pool);
    need(ca);
    refused("the root is valid from", dir, 0, pool);
    refused("the root is valid from", dir, NOW - 2 * DAY, pool);
    refused("the root is valid from", dir, NOW + 30 * YEAR, pool);
    is_int(count(dir), 5);
    /* hours back are nothing */
    ca = ensure(dir, NOW - DAY + 60, pool);
    need(ca);
    /* years ahead for one start, then right again */
    ca = ensure(dir, NOW + 10 * YEAR, pool);
    need(ca);
    is_int(ca->issuer->generation, 2);
    ca = ensure(dir, NOW + DAY, pool);
    need(ca);
    is_int(ca->issuer->generation, 1);
    is_int(ca->generations->nelts, 2);
    works(ca, NOW + DAY, pool);
    refused("clock says 2100-01-01T00:00:00Z", dir_of("far", pool),
            INT64_C(4102444800), pool);
}

static void garbage(apr_pool_t *pool)
{
    static const char *const texts[] = {"", "garbage", NULL};
    const char *dir = dir_of("garbage", pool), *root_key, *key;
    journal_t *journal = journal_make(pool);
    ca_auto_t *ca;
    int i;

    need(ensure(dir, NOW, pool));
    root_key = text_of(dir, "root.key", pool);
    key = text_of(dir, "issuing-1.key", pool);
    for (i = 0; texts[i]; ++i) {
        put(dir, "issuing-1.key", texts[i], pool);
        refused("/issuing-1.key: is no private key in PEM; it is left as it "
                "is;",
                dir, NOW, pool);
        is_str(text_of(dir, "issuing-1.key", pool), texts[i]);
        is_int(count(dir), 5);
    }
    put(dir, "issuing-1.key", root_key, pool);
    refused("does not belong to the certificate", dir, NOW, pool);
    is_str(text_of(dir, "issuing-1.key", pool), root_key);
    put(dir, "issuing-1.key", key, pool);
    /* the root is not needed now, so it is an error in the log only */
    put(dir, "root.key", "garbage", pool);
    need(!ca_auto_ensure(&ca, dir, ORG, NOW, &journal->log, pool));
    ok(strstr(journal->text, "1 AS0157 "), "%s", journal->text);
    ok(strstr(journal->text, "/root.key: is no private key"), "%s",
       journal->text);
    works(ca, NOW, pool);
    is_str(text_of(dir, "root.key", pool), "garbage");
    refused("/root.key: is no private key", dir, NOW + 6 * YEAR, pool);
    is_str(text_of(dir, "root.key", pool), "garbage");
    is_int(count(dir), 5);
    /* given up, as the message says: another generation */
    put(dir, "root.key", root_key, pool);
    put(dir, "issuing-1.key", "garbage", pool);
    move(dir, "issuing-1.key", "issuing-1.key.bad", pool);
    ca = ensure(dir, NOW, pool);
    need(ca);
    is_int(ca->issuer->generation, 2);
    is_int(ca->generations->nelts, 2);
    ok(!APR_ARRAY_IDX(ca->generations, 1, ca_issuer_t *)->key);
}

static void garbage_certificates(apr_pool_t *pool)
{
    const char *dir = dir_of("garbage-certs", pool), *root, *cert;
    ca_auto_t *ca = ensure(dir, NOW, pool);

    need(ca);
    root = ca->roots_pem;
    cert = text_of(dir, "issuing-1.pem", pool);
    put(dir, "root.pem", "garbage", pool);
    ca = ensure(dir, NOW, pool);
    need(ca);
    is_str(ca->roots_pem, root);
    works(ca, NOW, pool);
    refused("/root.pem: holds no certificate", dir, NOW + 6 * YEAR, pool);
    unlink(in(dir, "root.pem", pool));
    need(ensure(dir, NOW, pool));
    refused("/root.pem: is not there, but intermediates", dir, NOW + 6 * YEAR,
            pool);
    ok(!ca_file_exists(in(dir, "root.pem", pool)));
    put(dir, "root.pem", root, pool);
    put(dir, "issuing-1.pem", "", pool);
    refused("/issuing-1.pem: holds no certificate", dir, NOW, pool);
    is_str(text_of(dir, "issuing-1.pem", pool), "");
    put(dir, "issuing-1.pem", cert, pool);
    need(ensure(dir, NOW, pool));
    put(dir, "issuing-2.pem", "garbage", pool);
    ca = ensure(dir, NOW, pool);
    need(ca);
    is_int(ca->issuer->generation, 1);
}

/* Files that are no generation's. */
static void other_files(apr_pool_t *pool)
{
    static const char *const others[] = {"issuing-.pem",
                                         "issuing-0.pem",
                                         "issuing-01.key",
                                         "issuing-x.key",
                                         "issuing-2.pem.bak",
                                         "issuing--1.key",
                                         "issuing-10000.key",
                                         "issuing-99999999999999999999.pem",
                                         "issuing-3.crt",
                                         "notes.txt",
                                         NULL};
    const char *dir = dir_of("others", pool);
    ca_auto_t *ca;
    int i;

    need(ensure(dir, NOW, pool));
    for (i = 0; others[i]; ++i)
        put(dir, others[i], "x", pool);
    ca = ensure(dir, NOW + 4 * YEAR, pool);
    need(ca);
    is_int(ca->issuer->generation, 2);
    put(dir, "issuing-9999.pem", ca->issuer->chain_pem, pool);
    refused("has intermediates up to number 9999", dir, NOW + 12 * YEAR, pool);
}

/* What of these files is there must not change: keys, and the root. */
static const char *const kept[] = {"root.key",      "root.pem",
                                   "issuing-1.key", "issuing-1.pem",
                                   "issuing-2.key", "vhost-a.test.key"};
#define KEPT 6

static void keep(const char *now_there[KEPT], const char *dir, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < KEPT; ++i)
        now_there[i] = ca_file_exists(in(dir, kept[i], pool))
                           ? text_of(dir, kept[i], pool)
                           : NULL;
}

static void all_kept(const char *const before[KEPT], const char *dir,
                     apr_pool_t *pool)
{
    int i;

    for (i = 0; i < KEPT; ++i) {
        if (before[i])
            is_str(text_of(dir, kept[i], pool), before[i]);
    }
}

/* Everything there is to make: root, two generations, a vhost's certificate. */
static problem_t *make_all(const char *dir, apr_pool_t *pool)
{
    const char *cert_file, *key_file;
    ca_auto_t *ca;
    problem_t *prob = ca_auto_ensure(&ca, dir, ORG, NOW, NULL, pool);

    if (!prob)
        prob = ca_auto_ensure(&ca, dir, ORG, NOW + 4 * YEAR, NULL, pool);
    if (!prob)
        prob = ca_auto_vhost_ensure(&cert_file, &key_file, ca, dir,
                                    names(pool, "a.test", NULL), NOW + 4 * YEAR,
                                    NULL, pool);
    return prob;
}

/* After whatever happened in dir the next start puts everything right, and
 * leaves what was there. */
static void recovers(const char *dir, apr_pool_t *pool)
{
    const char *before[KEPT];
    ca_auto_t *ca;
    problem_t *prob;

    keep(before, dir, pool);
    prob = make_all(dir, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    all_kept(before, dir, pool);
    ca = ensure(dir, NOW + 4 * YEAR, pool);
    if (!ca)
        return;
    is_int(ca->generations->nelts, 2);
    is_int(ca->issuer->generation, 2);
    works(ca, NOW + 4 * YEAR, pool);
    is_int(count(dir), 9);
}

static void die_at_every_step(apr_pool_t *pool)
{
    int n, status = 0;

    for (n = 1; n < 500; ++n) {
        const char *dir = dir_of(apr_psprintf(pool, "die-%d", n), pool);
        pid_t pid = fork();

        if (pid == 0) {
            steps_to_go = n;
            _exit(make_all(dir, pool) ? 1 : 0);
        }
        waitpid(pid, &status, 0);
        recovers(dir, pool);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        ok(WIFEXITED(status) && WEXITSTATUS(status) == DIED, "step %d", n);
    }
    tap_diag("%d steps", n);
    ok(n > 40 && n < 500, "%d", n);
}

static void fail_at_every_step(apr_pool_t *pool)
{
    int n, failures = 0, done = 0;

    for (n = 1; n < 500 && !done; ++n) {
        const char *dir = dir_of(apr_psprintf(pool, "fail-%d", n), pool);
        problem_t *prob;

        steps_to_go = n;
        steps_errno = ENOSPC;
        prob = make_all(dir, pool);
        done = steps_to_go > 0;
        steps_to_go = steps_errno = 0;
        if (prob) {
            ++failures;
            ok(strncmp(prob->cause, dir, strlen(dir)) == 0, "%s", prob->cause);
            ok(strstr(prob->cause, "No space left on device; make room"), "%s",
               prob->cause);
        }
        recovers(dir, pool);
    }
    tap_diag("%d steps, %d of them stopped it", n, failures);
    ok(failures > 30, "%d", failures);
}

/* Many processes at once in an empty directory; one of them is killed. */
static void together(apr_pool_t *pool)
{
    const char *dir = dir_of("together", pool), *root = NULL;
    pid_t pids[8];
    int i, status;
    ca_auto_t *ca;

    for (i = 0; i < 8; ++i) {
        pids[i] = fork();
        if (pids[i] == 0) {
            steps_to_go = i == 3 ? 20 : 0;
            if (make_all(dir, pool))
                _exit(1);
            root = text_of(dir, "root.pem", pool);
            if (ca_auto_ensure(&ca, dir, ORG, NOW + 4 * YEAR, NULL, pool))
                _exit(2);
            _exit(strcmp(root, ca->roots_pem) ? 3 : ca->issuer->generation + 8);
        }
    }
    for (i = 0; i < 8; ++i) {
        waitpid(pids[i], &status, 0);
        ok(WIFEXITED(status) && (WEXITSTATUS(status) == 10 ||
                                 (i == 3 && WEXITSTATUS(status) == DIED)),
           "process %d: %d", i, status);
    }
    recovers(dir, pool);
}

const tap_case_t tap_cases[] = {
    {"the first start makes root and intermediate, the next finds them",
     first_start},
    {"directory 0700, keys 0600, certificates 0644", modes},
    {"keys that others can read are warned of", wrong_modes},
    {"the organisation's name is cut to a common name", org_names},
    {"a third of its life before its end there is a next intermediate",
     renewal},
    {"nothing outlives the root", last_years},
    {"the root's key is needed only to sign", root_key_away},
    {"clocks without battery, in the past and in the future", clocks},
    {"a key that is garbage is never overwritten", garbage},
    {"certificates that are garbage are left alone", garbage_certificates},
    {"files of other names are nobody's generation", other_files},
    {"a power cut at any step is taken up again", die_at_every_step},
    {"a full disk at any step is told, and taken up again", fail_at_every_step},
    {"many starts at once make one CA", together},
    {NULL, NULL}};
