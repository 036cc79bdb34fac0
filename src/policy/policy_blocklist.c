/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_blocklist.h"

#include <apr_escape.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/quote.h"
#include "base/regular.h"
#include "policy/policy_spki.h"

#include "base/banned.h"

#define SPKI_LEN   32 /* SHA-256 */
#define DEBIAN_LEN 10 /* the end of a SHA-1 */
#define SHA1_LEN   20
#define LINE_SIZE  256
#define QUOTE_MAX  80

/* Entries of one length, one behind the other, sorted. */
typedef struct {
    unsigned char *entries;
    apr_size_t count, room, len;
} table_t;

struct policy_blocklist_t {
    table_t spki, debian;
};

policy_blocklist_t *policy_blocklist_make(apr_pool_t *pool)
{
    policy_blocklist_t *list = apr_pcalloc(pool, sizeof(*list));

    list->spki.len = SPKI_LEN;
    list->debian.len = DEBIAN_LEN;
    return list;
}

/* Tables double, so what they outgrow is as much as they are. */
static void table_add(table_t *table, const unsigned char *entry,
                      apr_pool_t *pool)
{
    unsigned char *more;

    if (table->count == table->room) {
        table->room = table->room ? 2 * table->room : 64;
        more = apr_palloc(pool, table->room * table->len);
        if (table->count)
            memcpy(more, table->entries, table->count * table->len);
        table->entries = more;
    }
    memcpy(table->entries + table->count++ * table->len, entry, table->len);
}

static int spki_compare(const void *a, const void *b)
{
    return memcmp(a, b, SPKI_LEN);
}

static int debian_compare(const void *a, const void *b)
{
    return memcmp(a, b, DEBIAN_LEN);
}

static int table_has(const table_t *table, const unsigned char *entry,
                     int (*compare)(const void *, const void *))
{
    return table->count > 0 &&
           bsearch(entry, table->entries, table->count, table->len, compare);
}

/* 0 if line is nothing that a list holds. */
static int line_add(policy_blocklist_t *list, const char *line,
                    apr_pool_t *pool)
{
    unsigned char entry[SPKI_LEN];
    apr_size_t len = strlen(line), used;

    if (len == 0 || *line == '#')
        return 1;
    if ((len != 2 * SPKI_LEN && len != 2 * DEBIAN_LEN) ||
        apr_unescape_hex(entry, line, (apr_ssize_t)len, 0, &used) !=
            APR_SUCCESS ||
        used != len / 2)
        return 0;
    table_add(len == 2 * SPKI_LEN ? &list->spki : &list->debian, entry, pool);
    return 1;
}

static void line_trim(char *line)
{
    apr_size_t len = strlen(line);

    while (len > 0 && apr_isspace(line[len - 1]))
        line[--len] = '\0';
}

static const char *lines_read(policy_blocklist_t *list, apr_file_t *file,
                              apr_pool_t *pool)
{
    char line[LINE_SIZE], text[120];
    apr_status_t rv;
    int number = 0;

    for (;;) {
        rv = apr_file_gets(line, sizeof(line), file);
        if (rv != APR_SUCCESS)
            break;
        ++number;
        line_trim(line);
        if (!line_add(list, line, pool))
            return apr_psprintf(
                pool,
                "line %d (\"%s\") is neither 64 nor 20 hex digits nor a "
                "comment; write the SHA-256 of the SubjectPublicKeyInfo",
                number, quote_make(line, strlen(line), QUOTE_MAX, pool));
    }
    return APR_STATUS_IS_EOF(rv)
               ? NULL
               : apr_psprintf(pool, "it cannot be read (%s); mend it",
                              apr_strerror(rv, text, sizeof(text)));
}

const char *policy_blocklist_read(policy_blocklist_t *list, const char *file,
                                  apr_pool_t *pool)
{
    const char *fault;
    apr_file_t *handle;
    char text[120];
    apr_status_t rv = regular_open(&handle, file, APR_FOPEN_BUFFERED, pool);

    if (rv == APR_EINVAL)
        return "it is no regular file; make it one, or leave the directive out";
    if (rv != APR_SUCCESS)
        return apr_psprintf(pool,
                            "it cannot be read (%s); make it, or leave the "
                            "directive out",
                            apr_strerror(rv, text, sizeof(text)));
    fault = lines_read(list, handle, pool);
    apr_file_close(handle);
    if (list->spki.count)
        qsort(list->spki.entries, list->spki.count, SPKI_LEN, spki_compare);
    if (list->debian.count)
        qsort(list->debian.entries, list->debian.count, DEBIAN_LEN,
              debian_compare);
    return fault;
}

const char *policy_blocklist_debian_read(policy_blocklist_t *list,
                                         const char *dir, apr_pool_t *pool)
{
    static const int sizes[] = {2048, 3072, 4096, 8192};
    const char *file, *fault;
    apr_finfo_t info;
    apr_size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); ++i) {
        file = apr_psprintf(pool, "%s/blacklist.RSA-%d", dir, sizes[i]);
        if (APR_STATUS_IS_ENOENT(apr_stat(&info, file, APR_FINFO_TYPE, pool)))
            continue;
        fault = policy_blocklist_read(list, file, pool);
        if (fault)
            return apr_pstrcat(pool, file, ": ", fault, NULL);
    }
    return NULL;
}

int policy_blocklist_is_empty(const policy_blocklist_t *list)
{
    return list->spki.count == 0 && list->debian.count == 0;
}

/* SHA-1 of "Modulus=C0FF…\n"; 0 if it cannot be had. */
static int modulus_hash(unsigned char hash[SHA1_LEN], EVP_PKEY *key,
                        apr_pool_t *pool)
{
    BIGNUM *n = NULL;
    const char *line;
    char *hex;
    unsigned int len = 0;

    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
    own_bn(pool, n);
    hex = n ? BN_bn2hex(n) : NULL;
    if (!hex)
        return 0;
    line = apr_pstrcat(pool, "Modulus=", hex, "\n", NULL);
    OPENSSL_free(hex);
    return EVP_Digest(line, strlen(line), hash, &len, EVP_sha1(), NULL) == 1 &&
           len == SHA1_LEN;
}

static int is_debian(const policy_blocklist_t *list, EVP_PKEY *key,
                     apr_pool_t *pool)
{
    unsigned char hash[SHA1_LEN];

    return list->debian.count > 0 &&
           EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
           modulus_hash(hash, key, pool) &&
           table_has(&list->debian, hash + SHA1_LEN - DEBIAN_LEN,
                     debian_compare);
}

const char *policy_blocklist_fault(const policy_blocklist_t *list,
                                   EVP_PKEY *key, apr_pool_t *pool)
{
    unsigned char hash[SPKI_LEN];

    if (!list)
        return NULL;
    if (is_debian(list, key, pool))
        return "it is one of the weak keys that Debian's OpenSSL of 2006 to "
               "2008 made (CVE-2008-0166); make a new one";
    if (list->spki.count > 0 && policy_spki_sha256(hash, key) &&
        table_has(&list->spki, hash, spki_compare))
        return "it is on this server's list of blocked keys; make a new one";
    return NULL;
}
