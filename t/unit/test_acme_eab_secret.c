/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_eab_secret.c"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>
#include <sys/stat.h>

#include "base/b64url.h"
#include "tap.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static acme_eab_keys_t *keys_of(const char *text, apr_pool_t *pool)
{
    const char *fault;

    return keys_parse(&fault, text, pool);
}

static void no_keys(const char *text, const char *why, apr_pool_t *pool)
{
    const char *fault = NULL;

    ok(!keys_parse(&fault, text, pool), "%s", text);
    ok(fault && strstr(fault, why), "%s: %s", why, fault ? fault : "");
}

static void key_file_lines(apr_pool_t *pool)
{
    ok(keys_of("00000001 " HEX_A "\n", pool));
    ok(keys_of("# old and new\n\n00000001\t" HEX_A " \r\n0000000A " HEX_B,
               pool));
    no_keys("", "no key", pool);
    no_keys("#\n\n", "no key", pool);
    no_keys("0000001 " HEX_A, "8 hex", pool);
    no_keys("00000001 " HEX_A "0", "8 hex", pool);
    no_keys("00000001 0" HEX_A, "8 hex", pool);
    no_keys("00000001" HEX_A, "8 hex", pool);
    no_keys("00000001", "8 hex", pool);
    no_keys("0000000g " HEX_A, "8 hex", pool);
    no_keys("00000001 " HEX_A "\n00000001 " HEX_B, "same id", pool);
}

/* pki.md: at least 32 octets, without "-" and "_"; R28. */
static void secrets(apr_pool_t *pool)
{
    int i;

    for (i = 0; i < 100; i++) {
        const char *secret = acme_eab_secret_make(pool);
        const unsigned char *octets;
        apr_size_t len;

        need(b64url_decode(&octets, &len, secret, strlen(secret), pool) ==
             APR_SUCCESS);
        ok(len >= 32 && len % 3 == 0 && len % 16 == 0);
        ok(!strpbrk(secret, "-_=+/"));
        ok(!strpbrk(acme_eab_kid_make(pool), "-_=+/"));
    }
    ok(strcmp(acme_eab_secret_make(pool), acme_eab_secret_make(pool)) != 0);
}

static const char *opened(const acme_eab_keys_t *keys, const char *kid,
                          const char *sealed, apr_pool_t *pool)
{
    const char *secret;
    problem_t *prob = acme_eab_secret_open(&secret, keys, kid, sealed, pool);

    if (!prob)
        return secret;
    is_int(prob->status,
           strstr(prob->cause, "not in the key file") ? 503 : 500);
    ok(!strstr(prob->detail, kid));
    return NULL;
}

static void sealing(apr_pool_t *pool)
{
    acme_eab_keys_t *keys = keys_of("00000001 " HEX_A, pool);
    acme_eab_keys_t *rotated =
        keys_of("00000002 " HEX_B "\n00000001 " HEX_A, pool);
    const char *secret = acme_eab_secret_make(pool);
    const char *sealed = acme_eab_secret_seal(keys, "kid-1", secret, pool);
    const char *again = acme_eab_secret_seal(keys, "kid-1", secret, pool);

    ok(strcmp(sealed, again) != 0);
    ok(!strstr(sealed, secret));
    is_str(opened(keys, "kid-1", sealed, pool), secret);
    is_str(opened(keys, "kid-1", again, pool), secret);
    /* A row's secret is no other row's. */
    ok(!opened(keys, "kid-2", sealed, pool));
    /* Rotation: the new key seals, the old one still opens. */
    is_str(opened(rotated, "kid-1", sealed, pool), secret);
    sealed = acme_eab_secret_seal(rotated, "kid-1", secret, pool);
    is_str(opened(rotated, "kid-1", sealed, pool), secret);
    ok(!opened(keys, "kid-1", sealed, pool));
    /* The same id, another key. */
    ok(!opened(keys_of("00000002 " HEX_A, pool), "kid-1", sealed, pool));
}

/* Every octet counts. */
static void damage(apr_pool_t *pool)
{
    acme_eab_keys_t *keys = keys_of("00000001 " HEX_A, pool);
    const char *sealed = acme_eab_secret_seal(keys, "kid", "c2VjcmV0", pool);
    const unsigned char *octets;
    apr_size_t len, i;

    need(b64url_decode(&octets, &len, sealed, strlen(sealed), pool) ==
         APR_SUCCESS);
    for (i = 0; i < len; i++) {
        unsigned char *bad = apr_pmemdup(pool, octets, len);

        bad[i] ^= 1;
        ok(!opened(keys, "kid", b64url_encode(bad, len, pool), pool));
        ok(!opened(keys, "kid", b64url_encode(octets, i, pool), pool));
    }
    ok(!opened(keys, "kid", "", pool));
    ok(!opened(keys, "kid", "not base64url!", pool));
}

static const char *cause_of(problem_t *prob)
{
    return prob && prob->cause ? prob->cause : "";
}

static void file_written(const char *path, const char *text, apr_pool_t *pool)
{
    apr_file_t *file;

    need(apr_file_open(&file, path,
                       APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_TRUNCATE,
                       APR_FPROT_UREAD | APR_FPROT_UWRITE,
                       pool) == APR_SUCCESS);
    need(apr_file_puts(text, file) == APR_SUCCESS);
    apr_file_close(file);
}

static void key_file(apr_pool_t *pool)
{
    const char *dir = tap_tmpdir();
    const char *path = apr_pstrcat(pool, dir, "/eab.key", NULL);
    acme_eab_keys_t *keys, *again;
    const char *sealed;
    struct stat st;

    ok(strstr(cause_of(acme_eab_keys_load(&keys, path, 0, NULL, pool)), path));
    need(!acme_eab_keys_load(&keys, path, 1, NULL, pool));
    need(!stat(path, &st));
    is_int(st.st_mode & 07777, 0600);
    /* What is there is never overwritten. */
    need(!acme_eab_keys_load(&again, path, 1, NULL, pool));
    sealed = acme_eab_secret_seal(keys, "kid", "c2VjcmV0", pool);
    is_str(opened(again, "kid", sealed, pool), "c2VjcmV0");
    file_written(path, "rubbish\n", pool);
    ok(strstr(cause_of(acme_eab_keys_load(&keys, path, 1, NULL, pool)),
              "8 hex digits"));
    file_written(path, "", pool);
    ok(strstr(cause_of(acme_eab_keys_load(&keys, path, 1, NULL, pool)),
              "no key"));
    ok(strstr(cause_of(acme_eab_keys_load(&keys, dir, 1, NULL, pool)), dir));
    path = apr_pstrcat(pool, dir, "/fifo", NULL);
    is_int(mkfifo(path, 0600), 0);
    ok(strstr(cause_of(acme_eab_keys_load(&keys, path, 1, NULL, pool)),
              "no regular file"));
    ok(strstr(cause_of(acme_eab_keys_load(&keys, "/no/such/dir/eab.key", 1,
                                          NULL, pool)),
              "/no/such/dir"));
}

const tap_case_t tap_cases[] = {
    {"the key file, line by line", key_file_lines},
    {"R28 secrets and KIDs without - and _", secrets},
    {"sealed and opened; keys are rotated", sealing},
    {"a damaged secret does not open", damage},
    {"the key file is made once and never again", key_file},
    {NULL, NULL}};
