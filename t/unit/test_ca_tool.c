/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_tool.h"

#include "ca_fixture.h"

#include "base/token.h"
#include "ca/ca_file.h"
#include "ca/ca_openssl.h"
#include "ca/ca_set.h"
#include "ca_dirs.h"

static ca_tool_wish_t wish_of(const char *dir, const char *key)
{
    ca_tool_wish_t wish = {0};

    wish.dir = dir;
    wish.name = "Corp";
    wish.organization = "Example Corp";
    wish.key = key;
    return wish;
}

static apr_array_header_t *texts(apr_pool_t *pool, const char *one,
                                 const char *two)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = one;
    if (two)
        APR_ARRAY_PUSH(list, const char *) = two;
    return list;
}

static int init(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                apr_int64_t now, apr_pool_t *pool)
{
    problem_t *prob = ca_tool_init(made, wish, now, NULL, pool);

    return ok(!prob, "%s", prob ? prob->cause : "");
}

static ca_set_t *loaded(const char *dir, apr_int64_t now, apr_pool_t *pool)
{
    ca_set_files_t files = {0};
    ca_set_t *set = NULL;
    problem_t *prob;

    files.directory = dir;
    prob = ca_set_load(&set, "corp", &files, now, NULL, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    return set;
}

static void refused(const char *why, problem_t *prob, int is_malformed)
{
    const char *text;

    ok(prob, "%s", why);
    if (!prob)
        return;
    text = prob->cause ? prob->cause : prob->detail;
    ok(strstr(text, why), "%s: %s", why, text);
    is_int(prob->type == PROBLEM_MALFORMED, is_malformed);
}

/* What is made is what the server takes. */
static void making(apr_pool_t *pool)
{
    static const char *const kinds[] = {"P-256", "P-384", "RSA-2048", "ED25519",
                                        NULL};
    int i;

    for (i = 0; kinds[i]; ++i) {
        const char *dir = dir_of(kinds[i], pool);
        ca_tool_wish_t wish = wish_of(dir, kinds[i]);
        ca_tool_made_t made;
        ca_set_t *set;

        need(init(&made, &wish, NOW, pool));
        is_int(made.generation, 1);
        set = loaded(dir, NOW, pool);
        need(set);
        works(set, NOW, pool);
        is_str(set->roots_pem, text_of(dir, "root.pem", pool));
        is_int(set->issuer->not_after, NOW - DAY + 5 * 36525 * DAY / 100);
        is_int(file_mode(in(dir, "root.key", pool)), 0600);
        is_int(file_mode(in(dir, "1.key", pool)), 0600);
        is_int(count(dir), 5);
    }
}

static void never_over(apr_pool_t *pool)
{
    const char *dir = dir_of("over", pool), *key, *root;
    ca_tool_wish_t wish = wish_of(dir, "P-256");
    ca_tool_made_t made;

    need(init(&made, &wish, NOW, pool));
    key = text_of(dir, "1.key", pool);
    root = text_of(dir, "root.key", pool);
    refused("holds a CA already", ca_tool_init(&made, &wish, NOW, NULL, pool),
            0);
    unlink(in(dir, "1.pem", pool));
    refused("holds a CA already", ca_tool_init(&made, &wish, NOW, NULL, pool),
            0);
    is_str(text_of(dir, "1.key", pool), key);
    is_str(text_of(dir, "root.key", pool), root);
    wish.dir = dir_of("over2", pool);
    wish.root_key = in(dir, "root.key", pool);
    refused("is there already and is never overwritten",
            ca_tool_init(&made, &wish, NOW, NULL, pool), 0);
    is_str(text_of(dir, "root.key", pool), root);
    ok(!ca_file_exists(wish.dir)); /* nothing is left behind */
}

static void makes_no_sense(apr_pool_t *pool)
{
    const char *dir = dir_of("sense", pool);
    ca_tool_wish_t good = wish_of(dir, "P-256"), wish = good;
    ca_tool_made_t made;

    wish.key = "P-521";
    refused("choose one of P-256", ca_tool_init(&made, &wish, NOW, NULL, pool),
            1);
    wish = good;
    wish.name = "";
    refused("is empty", ca_tool_init(&made, &wish, NOW, NULL, pool), 1);
    wish.name = "1234567890123456789012345678901234567890123456789";
    refused("longer than 48", ca_tool_init(&made, &wish, NOW, NULL, pool), 1);
    wish = good;
    wish.not_after = NOW - 1;
    refused("is over", ca_tool_init(&made, &wish, NOW, NULL, pool), 1);
    wish = good;
    wish.not_after = NOW + 21 * YEAR;
    refused("outlive its root", ca_tool_init(&made, &wish, NOW, NULL, pool), 1);
    wish = good;
    wish.constraints.permit_ip = texts(pool, "10.0.0.1/8", NULL);
    refused("behind its prefix", ca_tool_init(&made, &wish, NOW, NULL, pool),
            1);
    ok(access(dir, F_OK) != 0);
}

static void renewing(apr_pool_t *pool)
{
    const char *dir = dir_of("renew", pool);
    ca_tool_wish_t wish = wish_of(dir, "P-384");
    ca_tool_made_t made;
    ca_set_t *set;

    wish.constraints.permit_dns = texts(pool, "test", NULL);
    need(init(&made, &wish, NOW, pool));
    memset(&wish, 0, sizeof(wish));
    wish.dir = dir;
    need(!ca_tool_renew(&made, &wish, NOW + YEAR, pool));
    is_int(made.generation, 2);
    set = loaded(dir, NOW + YEAR, pool);
    need(set);
    works(set, NOW + YEAR, pool);
    is_int(set->issuer->generation, 2);
    is_str(ca_key_kind(set->issuer->key), "P-384");
    is_str(ca_name_text(X509_get_subject_name(set->issuer->cert), pool),
           "/O=Example Corp/CN=Corp issuing 2");
    is_str(ca_constraints_text(set->issuer, pool),
           "permitted dns:test; excluded ip:0.0.0.0/0 ip:::/0");
    is_int(set->issuer->alternates->nelts, 0);
    wish.is_same_key = 1;
    need(!ca_tool_renew(&made, &wish, NOW + 2 * YEAR, pool));
    set = loaded(dir, NOW + 2 * YEAR, pool);
    need(set);
    works(set, NOW + 2 * YEAR, pool);
    is_int(set->issuer->alternates->nelts, 1);
    is_str(text_of(dir, "3.key", pool), text_of(dir, "2.key", pool));
    is_str(ca_name_text(X509_get_subject_name(set->issuer->cert), pool),
           "/O=Example Corp/CN=Corp issuing 2");
    unlink(in(dir, "3.key", pool));
    refused("generation 3 has no key",
            ca_tool_renew(&made, &wish, NOW + 2 * YEAR, pool), 0);
    /* near the root's end */
    wish.is_same_key = 0;
    need(!ca_tool_renew(&made, &wish, NOW + 17 * YEAR, pool));
    refused("would not live longer than generation 4",
            ca_tool_renew(&made, &wish, NOW + 18 * YEAR, pool), 0);
    refused("expired", ca_tool_renew(&made, &wish, NOW + 21 * YEAR, pool), 0);
    is_int(count(dir), 10);
}

/* Where the name of a generation comes from. */
static void titles(apr_pool_t *pool)
{
    static const struct {
        const char *name, *next;
    } rows[] = {{"A issuing 1 B", "A issuing 1 B issuing 2"},
                {"A", "A issuing 2"},
                {" issuing 7", " issuing 7 issuing 2"}};
    int i;

    for (i = 0; i < 3; ++i) {
        const char *dir = dir_of(apr_psprintf(pool, "title%d", i), pool);
        ca_tool_wish_t wish = wish_of(dir, "P-256");
        ca_tool_made_t made;
        const char *text;

        wish.name = rows[i].name;
        wish.organization = NULL;
        need(init(&made, &wish, NOW, pool));
        wish.name = NULL;
        need(!ca_tool_renew(&made, &wish, NOW, pool));
        text = ca_name_text(X509_get_subject_name(made.issuer->cert), pool);
        is_str(text, apr_pstrcat(pool, "/CN=", rows[i].next, NULL));
    }
}

static EVP_PKEY *key_of(const char *dir, const char *name, apr_pool_t *pool)
{
    BIO *bio = own_bio(pool, BIO_new_mem_buf(text_of(dir, name, pool), -1));

    return own_pkey(pool, PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
}

/* Signed by another root, constraints of that root held. */
static void outside(apr_pool_t *pool)
{
    const char *dir = dir_of("outside", pool), *signed_file, *root_file;
    ca_tool_wish_t wish = wish_of(dir, "RSA-2048");
    EVP_PKEY *root_key = ca_key_make("ED25519", pool);
    X509 *root = ca_cert_of("Outside", root_key, 1, NULL, NULL, pool), *cert;
    ca_tool_made_t made;
    ca_set_t *set;

    need(!ca_tool_csr(&made, &wish, NULL, pool));
    is_str(made.csr_pem, text_of(dir, "1.csr", pool));
    is_int(file_mode(in(dir, "1.key", pool)), 0600);
    refused("waits for its certificate", ca_tool_csr(&made, &wish, NULL, pool),
            0);
    cert =
        ca_cert_of("Sub", key_of(dir, "1.key", pool), 0, root, root_key, pool);
    signed_file = file_put("signed.pem", ca_cert_pem(cert, pool), pool);
    root_file = file_put("outside.pem", ca_cert_pem(root, pool), pool);
    refused(
        "the chain ends with \"/CN=Sub\"",
        ca_tool_install(&made, dir, texts(pool, signed_file, NULL), NOW, pool),
        0);
    refused(
        "no certificate in it fits a key",
        ca_tool_install(&made, dir, texts(pool, root_file, NULL), NOW, pool),
        0);
    refused("expired",
            ca_tool_install(&made, dir, texts(pool, root_file, signed_file),
                            NOW + 2 * YEAR, pool),
            0);
    is_int(count(dir), 3);
    need(!ca_tool_install(&made, dir, texts(pool, root_file, signed_file), NOW,
                          pool));
    set = loaded(dir, NOW, pool);
    need(set);
    works(set, NOW, pool);
    is_str(set->roots_pem, ca_cert_pem(root, pool));
}

static void importing(apr_pool_t *pool)
{
    const char *dir = dir_of("import", pool), *cert_file, *key_file;
    EVP_PKEY *root_key = ca_key_make("P-256", pool);
    EVP_PKEY *key = ca_key_make("P-384", pool),
             *bad = ca_key_make("P-256", pool);
    X509 *root = ca_cert_of("Outside", root_key, 1, NULL, NULL, pool);
    X509 *cert = ca_cert_of("Sub", key, 0, root, root_key, pool);
    ca_tool_made_t made;
    ca_set_t *set;

    cert_file = file_put("import.pem",
                         apr_pstrcat(pool, ca_cert_pem(root, pool),
                                     ca_cert_pem(cert, pool), NULL),
                         pool);
    key_file = file_put("import.key", ca_key_pem(bad, pool), pool);
    refused("the key fits no certificate",
            ca_tool_import(&made, dir, key_file, texts(pool, cert_file, NULL),
                           NOW, NULL, pool),
            0);
    ok(access(dir, F_OK) != 0);
    key_file = file_put("import.key", ca_key_pem(key, pool), pool);
    need(!ca_tool_import(&made, dir, key_file, texts(pool, cert_file, NULL),
                         NOW, NULL, pool));
    set = loaded(dir, NOW, pool);
    need(set);
    works(set, NOW, pool);
    refused("is generation 1 already",
            ca_tool_import(&made, dir, key_file, texts(pool, cert_file, NULL),
                           NOW, NULL, pool),
            0);
    is_int(count(dir), 3);
}

/* A root whose constraints its intermediate breaks: no verifier takes that. */
static void constrained(apr_pool_t *pool)
{
    const char *dir = dir_of("constrained", pool), *file;
    EVP_PKEY *root_key = ca_key_make("P-256", pool);
    EVP_PKEY *key = ca_key_make("P-256", pool);
    ca_subject_t subject = {0};
    GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
    X509 *root, *cert, *named = own_x509(pool, X509_new());
    ca_tool_made_t made;

    subject.constraints = own_name_constraints(pool, NAME_CONSTRAINTS_new());
    ca_subject_add(named, NID_organizationName, "Only This");
    GENERAL_NAME_set0_value(subtree->base, GEN_DIRNAME,
                            X509_NAME_dup(X509_get_subject_name(named)));
    subject.constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
    sk_GENERAL_SUBTREE_push(subject.constraints->permittedSubtrees, subtree);
    subject.common_name = "Root";
    subject.key = root_key;
    subject.not_before = NOW - DAY;
    subject.not_after = NOW + 365 * DAY;
    subject.path_len = -1;
    need(!ca_hierarchy_make(&root, &subject, pool));
    cert = ca_cert_of("Sub", key, 0, root, root_key, pool);
    file = file_put("c.pem",
                    apr_pstrcat(pool, ca_cert_pem(cert, pool),
                                ca_cert_pem(root, pool), NULL),
                    pool);
    refused("permitted subtree violation",
            ca_tool_import(&made, dir,
                           file_put("c.key", ca_key_pem(key, pool), pool),
                           texts(pool, file, NULL), NOW, NULL, pool),
            0);
}

const tap_case_t tap_cases[] = {
    {"init makes what the server loads, with every kind of key", making},
    {"no file that exists is overwritten", never_over},
    {"what makes no sense leaves nothing behind", makes_no_sense},
    {"renew carries kind, names and constraints over", renewing},
    {"common names of generations", titles},
    {"an intermediate that an outside root signs", outside},
    {"import of a key and a chain", importing},
    {"a chain that verifiers refuse is not taken in", constrained},
    {NULL, NULL}};
