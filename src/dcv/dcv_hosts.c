/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_hosts.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "dcv/dcv_address.h"
#include "dcv/dcv_file.h"

#include "base/banned.h"

/* Block lists make hosts files of some megabytes. */
#define FILE_MAX     (16 * 1024 * 1024)
#define PER_NAME_MAX 64

struct dcv_hosts_t {
    const log_t *log;
    dcv_file_t file;
    apr_pool_t *pool;  /* of what the file says; cleared when it changes */
    apr_hash_t *names; /* → apr_array_header_t * of dcv_address_t * */
};

dcv_hosts_t *dcv_hosts_make(const char *path, const log_t *log,
                            apr_pool_t *pool)
{
    dcv_hosts_t *hosts = apr_pcalloc(pool, sizeof(*hosts));

    hosts->log = log;
    hosts->file.path = apr_pstrdup(pool, path);
    apr_pool_create(&hosts->pool, pool);
    return hosts;
}

const char *dcv_hosts_path(const dcv_hosts_t *hosts)
{
    return hosts->file.path;
}

static void name_normalise(char *name)
{
    apr_size_t len = strlen(name);
    char *c;

    for (c = name; *c; c++)
        *c = (char)apr_tolower(*c);
    if (len > 1 && name[len - 1] == '.')
        name[len - 1] = '\0';
}

static void address_add(apr_array_header_t *addresses, dcv_address_t *address)
{
    int i;

    for (i = 0; i < addresses->nelts; i++) {
        if (dcv_address_is_same(APR_ARRAY_IDX(addresses, i, dcv_address_t *),
                                &address->sock.any))
            return;
    }
    if (addresses->nelts < PER_NAME_MAX)
        APR_ARRAY_PUSH(addresses, dcv_address_t *) = address;
}

/* "192.0.2.1 name alias…"; what is no address (fe80::1%eth0) is skipped. */
static void line_take(dcv_hosts_t *hosts, char *line)
{
    char *word = dcv_file_word(&line);
    dcv_address_t *address;

    if (!word)
        return;
    address = dcv_address_parse(word, hosts->pool);
    if (!address)
        return;
    for (word = dcv_file_word(&line); word; word = dcv_file_word(&line)) {
        apr_array_header_t *addresses;

        name_normalise(word);
        addresses = apr_hash_get(hosts->names, word, APR_HASH_KEY_STRING);
        if (!addresses) {
            addresses = apr_array_make(hosts->pool, 1, sizeof(dcv_address_t *));
            apr_hash_set(hosts->names, word, APR_HASH_KEY_STRING, addresses);
        }
        address_add(addresses, address);
    }
}

static void file_load(dcv_hosts_t *hosts)
{
    char *text, *line;
    apr_status_t rv;

    apr_pool_clear(hosts->pool);
    hosts->names = apr_hash_make(hosts->pool);
    rv = dcv_file_read(&text, hosts->file.path, FILE_MAX, hosts->pool);
    if (rv != APR_SUCCESS) {
        if (!APR_STATUS_IS_ENOENT(rv))
            log_write(hosts->log, LOG_LEVEL_WARNING, "AS0200", rv,
                      "hosts file %s cannot be read; validation goes on "
                      "without it",
                      hosts->file.path);
        return;
    }
    for (line = dcv_file_line(&text); line; line = dcv_file_line(&text))
        line_take(hosts, line);
}

const apr_array_header_t *dcv_hosts_find(dcv_hosts_t *hosts, const char *name)
{
    if (dcv_file_is_changed(&hosts->file))
        file_load(hosts);
    return apr_hash_get(hosts->names, name, APR_HASH_KEY_STRING);
}
