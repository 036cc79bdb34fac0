/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_blocklist.h"

#include <apr_escape.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "policy/policy_key.h"
#include "policy/policy_spki.h"
#include "policy_help.h"
#include "recipe.h"

static const char *file_make(const char *text, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, tap_tmpdir(), "/list", NULL);
    apr_size_t len = strlen(text);
    apr_file_t *file;

    ok(!apr_file_open(&file, path,
                      APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                      APR_FPROT_OS_DEFAULT, pool));
    ok(!apr_file_write_full(file, text, len, NULL));
    apr_file_close(file);
    return path;
}

static policy_blocklist_t *list_make(const char *text, apr_pool_t *pool)
{
    policy_blocklist_t *list = policy_blocklist_make(pool);
    const char *fault =
        policy_blocklist_read(list, file_make(text, pool), pool);

    ok(!fault, "%s", fault ? fault : "");
    return list;
}

static const char *spki_hex(EVP_PKEY *key, apr_pool_t *pool)
{
    unsigned char hash[32];

    ok(policy_spki_sha256(hash, key));
    return apr_pescape_hex(pool, hash, 32, 0);
}

/* As OpenSSL itself encodes it. */
static void hashes(apr_pool_t *pool)
{
    static const char *const kinds[] = {
        "P-256", "P-384", "P-521", "RSA-2048", "RSA-2056", "ED25519", NULL};
    unsigned char hash[32], mine[32], *der;
    int i, len;

    for (i = 0; kinds[i]; ++i) {
        EVP_PKEY *key = recipe_key(kinds[i], pool);

        der = NULL;
        len = i2d_PUBKEY(key, &der);
        need(len > 0);
        EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(), NULL);
        OPENSSL_free(der);
        ok(policy_spki_sha256(mine, key) && !memcmp(mine, hash, 32), "%s",
           kinds[i]);
    }
}

/* All kinds; nobody else's key. */
static void spkis(apr_pool_t *pool)
{
    static const char *const kinds[] = {"P-256", "P-384", "RSA-2048", "ED25519",
                                        NULL};
    const char *text = "# blocked\n\n";
    EVP_PKEY *keys[4];
    policy_blocklist_t *list;
    policy_t *policy = policy_make("p", pool);
    problem_t *prob;
    int i;

    for (i = 0; kinds[i]; ++i) {
        keys[i] = recipe_key(kinds[i], pool);
        text = apr_pstrcat(pool, text, spki_hex(keys[i], pool),
                           i % 2 ? "\r\n" : "  \n", NULL);
    }
    list = list_make(text, pool);
    for (i = 0; kinds[i]; ++i) {
        const char *fault = policy_blocklist_fault(list, keys[i], pool);

        ok(fault && strstr(fault, "blocked keys"), "%s", kinds[i]);
        ok(!policy_blocklist_fault(list, recipe_key(kinds[i], pool), pool));
        ok(!policy_blocklist_fault(NULL, keys[i], pool));
        prob = policy_key_check(policy, keys[i], list, PROBLEM_BAD_CSR, pool);
        need(prob);
        is_str(problem_name(prob->type), "badCSR");
        ok(!policy_key_check(policy, keys[i], NULL, PROBLEM_BAD_CSR, pool));
    }
}

/* openssl-blacklist: the end of the SHA-1 of what
 * `openssl rsa -noout -modulus` prints. */
static void debian(apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("RSA-2048", pool);
    unsigned char hash[20];
    BIGNUM *n = NULL;
    char *hex;
    const char *line, *fault;
    policy_blocklist_t *list;

    need(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n));
    own_bn(pool, n);
    hex = BN_bn2hex(n);
    line = apr_pstrcat(pool, "Modulus=", hex, "\n", NULL);
    OPENSSL_free(hex);
    EVP_Digest(line, strlen(line), hash, NULL, EVP_sha1(), NULL);
    list = list_make(apr_pstrcat(pool,
                                 "# openssl-blacklist\n00000000000000000000\n",
                                 apr_pescape_hex(pool, hash + 10, 10, 0),
                                 "\nffffffffffffffffffff\n", NULL),
                     pool);
    fault = policy_blocklist_fault(list, key, pool);
    ok(fault && strstr(fault, "CVE-2008-0166"), "%s", fault ? fault : "");
    ok(!policy_blocklist_fault(list, recipe_key("RSA-2048", pool), pool));
    ok(!policy_blocklist_fault(list, recipe_key("P-256", pool), pool));
}

/* What is not there is left out; 1024 bits are refused anyway. */
static void debian_files(apr_pool_t *pool)
{
    policy_blocklist_t *list = policy_blocklist_make(pool);
    const char *dir = apr_pstrcat(pool, tap_tmpdir(), "/lists", NULL), *fault;
    apr_file_t *file;

    ok(policy_blocklist_is_empty(list));
    ok(!policy_blocklist_debian_read(list, dir, pool));
    ok(policy_blocklist_is_empty(list));
    ok(!apr_dir_make(dir, APR_FPROT_OS_DEFAULT, pool));
    ok(!policy_blocklist_debian_read(list, dir, pool));
    ok(!apr_file_rename(file_make("00112233445566778899\n", pool),
                        apr_pstrcat(pool, dir, "/blacklist.RSA-2048", NULL),
                        pool));
    ok(!policy_blocklist_debian_read(list, dir, pool));
    ok(!policy_blocklist_is_empty(list));
    ok(!apr_file_open(
        &file, apr_pstrcat(pool, dir, "/blacklist.RSA-4096", NULL),
        APR_FOPEN_WRITE | APR_FOPEN_CREATE, APR_FPROT_OS_DEFAULT, pool));
    apr_file_puts("nonsense\n", file);
    apr_file_close(file);
    fault = policy_blocklist_debian_read(list, dir, pool);
    ok(fault && strstr(fault, "/blacklist.RSA-4096: line 1"), "%s",
       fault ? fault : "");
}

static void several(apr_pool_t *pool)
{
    policy_blocklist_t *list = policy_blocklist_make(pool);
    EVP_PKEY *first = recipe_key("P-256", pool);
    EVP_PKEY *last = recipe_key("P-256", pool);
    const char *text;
    int i;

    ok(!policy_blocklist_read(list, file_make(spki_hex(first, pool), pool),
                              pool));
    text = "";
    for (i = 0; i < 200; ++i)
        text = apr_psprintf(pool, "%s%064x\n", text, 12345 * i);
    text = apr_pstrcat(pool, text, spki_hex(last, pool), "\n", NULL);
    ok(!policy_blocklist_read(list, file_make(text, pool), pool));
    ok(policy_blocklist_fault(list, first, pool));
    ok(policy_blocklist_fault(list, last, pool));
    ok(!policy_blocklist_fault(list, recipe_key("P-256", pool), pool));
}

static void bad_files(apr_pool_t *pool)
{
    static const char *const rows[][2] = {
        {"zz\n", "line 1 (\"zz\")"},
        {"# a\n\n00\n", "line 3 (\"00\")"},
        {"0000000000000000000g\n", "line 1"},
        {"00000000000000000000 key\n", "line 1"},
        {"0000000000000000000000000000000000000000\n", "line 1"},
        {"-----BEGIN PUBLIC KEY-----\n", "SubjectPublicKeyInfo"},
        {NULL, NULL}};
    policy_blocklist_t *list = policy_blocklist_make(pool);
    const char *fault;
    char *octets = apr_palloc(pool, 5001);
    int i;

    for (i = 0; rows[i][0]; ++i) {
        fault = policy_blocklist_read(list, file_make(rows[i][0], pool), pool);
        ok(fault && strstr(fault, rows[i][1]), "%s", fault ? fault : "");
    }
    fault = policy_blocklist_read(list, "/nonexistent/list", pool);
    ok(fault && strstr(fault, "cannot be read"), "%s", fault ? fault : "");
    memset(octets, 'a', 5000);
    octets[5000] = '\0';
    ok(policy_blocklist_read(list, file_make(octets, pool), pool));
    ok(policy_blocklist_read(list, tap_tmpdir(), pool));
    fault = apr_pstrcat(pool, tap_tmpdir(), "/fifo", NULL);
    is_int(mkfifo(fault, 0600), 0);
    fault = policy_blocklist_read(list, fault, pool);
    ok(fault && strstr(fault, "no regular file"), "%s", fault ? fault : "");
}

const tap_case_t tap_cases[] = {
    {"the hash of a SubjectPublicKeyInfo is OpenSSL's", hashes},
    {"blocked keys of every kind", spkis},
    {"weak keys of Debian", debian},
    {"Debian's files, where they are", debian_files},
    {"several files and long ones", several},
    {"files that are no list", bad_files},
    {NULL, NULL}};
