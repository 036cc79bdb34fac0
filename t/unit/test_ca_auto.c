/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_auto.h"

#include "ca_fixture.h"

#include "ca_dirs.h"
#include "ca_journal.h"

static int is_there(const char *dir, const char *name, apr_pool_t *pool)
{
    return access(in(dir, name, pool), F_OK) == 0;
}

static void put(const char *dir, const char *name, const char *text,
                apr_pool_t *pool)
{
    FILE *file = fopen(in(dir, name, pool), "w");

    ok(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", name);
    chmod(in(dir, name, pool), 0600);
}

static void move(const char *dir, const char *from, const char *to,
                 apr_pool_t *pool)
{
    is_int(rename(in(dir, from, pool), in(dir, to, pool)), 0);
}

static const char *about(const char *dir, const char *name, const char *words,
                         apr_pool_t *pool)
{
    return apr_pstrcat(pool, in(dir, name, pool), ": ", words, NULL);
}

static void refused(const char *why, const char *dir, apr_int64_t now,
                    apr_pool_t *pool)
{
    ca_set_t *ca = NULL;
    problem_t *look = ca_auto_look(dir, now, pool);
    problem_t *prob = ca_auto_ensure(&ca, dir, ORG, now, NULL, pool);

    ok(prob && (!ca || !ca->issuer), "%s", why);
    ok(look && strstr(look->cause, why), "a look: %s",
       look ? look->cause : "nothing");
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

static void first_start(apr_pool_t *pool)
{
    const char *dir = dir_of("first", pool);
    problem_t *look = ca_auto_look(dir, NOW, pool);
    ca_set_t *ca = ensure(dir, NOW, pool), *again;

    ok(!look && !ca_auto_look(dir, NOW, pool));
    need(ca);
    is_int(ca->generations->nelts, 1);
    ok(ca->issuer == APR_ARRAY_IDX(ca->generations, 0, ca_issuer_t *));
    is_int(ca->issuer->generation, 1);
    is_str(ca->issuer->name, "automatic");
    is_str(ca->roots_pem, ca_cert_pem(ca->issuer->root, pool));
    is_str(ca->issuer->chain_pem, ca_cert_pem(ca->issuer->cert, pool));
    is_str(cn(ca->issuer->root, pool), ORG " root");
    is_str(cn(ca->issuer->cert, pool), ORG " issuing 1");
    need(ca->list);
    is_int(ca->list->number, 1);
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
    is_int(count(dir), 6);
}

static void modes(apr_pool_t *pool)
{
    const char *dir = dir_of("modes", pool);
    mode_t mask = umask(0777);
    ca_set_t *ca = NULL;

    /* the directory is made by mkdir(), which heeds umask, as it should */
    umask(0);
    ca = ensure(dir, NOW, pool);
    umask(mask);
    need(ca);
    is_int(file_mode(dir), 0700);
    is_int(file_mode(in(dir, "root.key", pool)), 0600);
    is_int(file_mode(in(dir, "issuing-1.key", pool)), 0600);
    is_int(file_mode(in(dir, "root.pem", pool)), 0644);
    is_int(file_mode(in(dir, "issuing-1.pem", pool)), 0644);
}

static void wrong_modes(apr_pool_t *pool)
{
    const char *dir = dir_of("wrong-modes", pool);
    journal_t *journal = journal_make(pool);
    ca_set_t *ca;

    need(ensure(dir, NOW, pool));
    need(!ca_auto_ensure(&ca, dir, ORG, NOW, &journal->log, pool));
    is_str(journal->text, "");
    chmod(in(dir, "root.key", pool), 0644);
    chmod(in(dir, "issuing-1.key", pool), 0660);
    need(!ca_auto_ensure(&ca, dir, ORG, NOW, &journal->log, pool));
    ok(strstr(journal->text,
              apr_pstrcat(pool, "run: chmod 600 ", in(dir, "root.key", pool),
                          "\n", NULL)),
       "%s", journal->text);
    ok(strstr(journal->text, apr_pstrcat(pool, "run: chmod 600 ", dir,
                                         "/issuing-1.key\n", NULL)),
       "%s", journal->text);
}

static void org_names(apr_pool_t *pool)
{
    static const char longest[] = "ACME CA of a-very-long-name.of.some."
                                  "department.of.corp.example.internal";
    ca_set_t *ca = NULL;

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
    ca_set_t *ca = ensure(dir, NOW, pool), *next;
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
    ca_set_t *ca = ensure(dir, NOW, pool);
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
    ca_set_t *ca = ensure(dir, NOW, pool);
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
    ok(strstr(journal->text, about(dir, "root.key", "is not there", pool)),
       "%s", journal->text);
    refused(about(dir, "root.key", "is not there", pool), dir, late + 2 * DAY,
            pool);
    ok(!is_there(dir, "root.key", pool));
    ok(!is_there(dir, "issuing-2.key", pool));
    put(dir, "root.key", root_key, pool);
    ca = ensure(dir, late, pool);
    need(ca);
    is_int(ca->issuer->generation, 2);
}

static void clocks(apr_pool_t *pool)
{
    const char *dir = dir_of("clocks", pool);
    ca_set_t *ca;

    refused("clock says 1970-01-01T00:00:00Z", dir, 0, pool);
    refused("clock says 2024-12-31T23:59:59Z", dir, 1735689599, pool);
    is_int(count(dir), 1); /* the lock */
    ca = ensure(dir, NOW, pool);
    need(ca);
    refused("the root is valid from", dir, 0, pool);
    refused("the root is valid from", dir, NOW - 2 * DAY, pool);
    refused("the root is valid from", dir, NOW + 30 * YEAR, pool);
    is_int(count(dir), 6);
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
    ca_set_t *ca;
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
        is_int(count(dir), 6);
    }
    put(dir, "issuing-1.key", root_key, pool);
    refused("does not belong to the certificate", dir, NOW, pool);
    is_str(text_of(dir, "issuing-1.key", pool), root_key);
    put(dir, "issuing-1.key", key, pool);
    /* the root is not needed now, so it is an error in the log only */
    put(dir, "root.key", "garbage", pool);
    need(!ca_auto_ensure(&ca, dir, ORG, NOW, &journal->log, pool));
    ok(strstr(journal->text, "1 AS0157 "), "%s", journal->text);
    ok(strstr(journal->text, about(dir, "root.key", "is no private key", pool)),
       "%s", journal->text);
    works(ca, NOW, pool);
    is_str(text_of(dir, "root.key", pool), "garbage");
    refused(about(dir, "root.key", "is no private key", pool), dir,
            NOW + 6 * YEAR, pool);
    is_str(text_of(dir, "root.key", pool), "garbage");
    is_int(count(dir), 6);
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
    ca_set_t *ca = ensure(dir, NOW, pool);

    need(ca);
    root = ca->roots_pem;
    cert = text_of(dir, "issuing-1.pem", pool);
    put(dir, "root.pem", "garbage", pool);
    ca = ensure(dir, NOW, pool);
    need(ca);
    is_str(ca->roots_pem, root);
    works(ca, NOW, pool);
    refused(about(dir, "root.pem", "holds no certificate", pool), dir,
            NOW + 6 * YEAR, pool);
    unlink(in(dir, "root.pem", pool));
    need(ensure(dir, NOW, pool));
    refused(about(dir, "root.pem", "is not there, but intermediates", pool),
            dir, NOW + 6 * YEAR, pool);
    ok(!is_there(dir, "root.pem", pool));
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
    ca_set_t *ca;
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

static void published(const char *dir, apr_int64_t now, const char *roots,
                      int count, apr_pool_t *pool)
{
    ca_set_t *ca = NULL;

    ok(ca_auto_ensure(&ca, dir, ORG, now, NULL, pool));
    need(ca);
    ok(!ca->issuer);
    is_str(ca->roots_pem, roots);
    is_int(ca->generations->nelts, count);
    ok(!count || ca_set_newest(ca)->generation == count);
}

static void publishes_only(apr_pool_t *pool)
{
    const char *dir = dir_of("publishes", pool);
    const char *roots;
    ca_set_t *ca;

    need(ensure(dir, NOW, pool));
    roots = text_of(dir, "root.pem", pool);
    published(dir, NOW + 30 * YEAR, roots, 1, pool);
    put(dir, "issuing-1.key", "garbage", pool);
    published(dir, NOW, roots, 1, pool);
    put(dir, "issuing-1.pem", "garbage", pool);
    published(dir, NOW, roots, 0, pool);
    put(dir, "root.pem", "garbage", pool);
    ok(ca_auto_ensure(&ca, dir, ORG, NOW, NULL, pool));
    ok(!ca);
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
    {"what cannot sign publishes all the same", publishes_only},
    {"files of other names are nobody's generation", other_files},
    {NULL, NULL}};
