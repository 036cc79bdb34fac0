/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_cert.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "base/identifier.h"
#include "base/words.h"
#include "ca/ca_openssl.h"
#include "store/store_account.h"

#include "base/banned.h"

/* Rows that are read at once. */
#define PAGE 200

typedef struct {
    const ctl_t *ctl;
    const ctl_cert_filter_t *filter;
    apr_hash_t *eabs; /* an account's id → its external account key, or "" */
    apr_array_header_t *certs;
} find_t;

/* As it is stored.  Others show it with colons, in capitals, and without the
 * zeros that it begins with. */
static const char *serial_make(const char *text, apr_pool_t *pool)
{
    char zeros[CA_SERIAL_LEN + 1] = "";
    char *digits = apr_pstrdup(pool, text), *to = digits;
    apr_size_t len;

    for (; *text; text++) {
        if (*text != ':')
            *to++ = (char)apr_tolower(*text);
    }
    *to = '\0';
    len = strlen(digits);
    if (len < CA_SERIAL_LEN)
        memset(zeros, '0', CA_SERIAL_LEN - len);
    return apr_pstrcat(pool, zeros, digits, NULL);
}

ctl_exit_e ctl_cert_get(store_cert_t **cert, const ctl_t *ctl, const char *text)
{
    apr_status_t rv = store_cert_get(cert, ctl->store, text, ctl->pool);

    if (APR_STATUS_IS_ENOENT(rv))
        rv = store_cert_get_by_serial(cert, ctl->store,
                                      serial_make(text, ctl->pool), ctl->pool);
    return ctl_print_status(rv, "certificate", text);
}

ctl_exit_e ctl_cert_filter(ctl_cert_filter_t *filter, const ctl_t *ctl)
{
    const char *name = ctl_option(ctl, "name");
    apr_array_header_t *list;
    identifier_t *identifier;
    problem_t *prob;

    memset(filter, 0, sizeof(*filter));
    filter->account = ctl_option(ctl, "account");
    filter->eab = ctl_option(ctl, "eab");
    filter->spki = ctl_option(ctl, "spki");
    filter->before = ctl_option(ctl, "before");
    if (!name)
        return CTL_OK;
    prob = identifier_parse(&identifier, identifier_type_guess(name), name,
                            IDENTIFIER_UNDERSCORE, ctl->pool);
    if (prob) {
        ctl_print_error("--name %s: %s", name, prob->detail);
        return CTL_USAGE;
    }
    list = apr_array_make(ctl->pool, 1, sizeof(identifier_t *));
    APR_ARRAY_PUSH(list, identifier_t *) = identifier;
    filter->identifier = identifier_list_text(list, ctl->pool);
    return CTL_OK;
}

static apr_status_t eab_find(const char **eab, find_t *find,
                             const char *account_id)
{
    store_account_t *account;
    apr_status_t rv;

    *eab = apr_hash_get(find->eabs, account_id, APR_HASH_KEY_STRING);
    if (*eab)
        return APR_SUCCESS;
    rv = store_account_get(&account, find->ctl->store, account_id,
                           find->ctl->pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return rv;
    *eab = account && account->eab_kid ? account->eab_kid : "";
    apr_hash_set(find->eabs, apr_pstrdup(find->ctl->pool, account_id),
                 APR_HASH_KEY_STRING, *eab);
    return APR_SUCCESS;
}

static apr_status_t is_wanted(int *wanted, find_t *find,
                              const store_cert_t *cert)
{
    const ctl_cert_filter_t *filter = find->filter;
    const char *eab;
    apr_status_t rv;

    *wanted = (!filter->is_revoked || cert->revoked_at) &&
              (!filter->now ||
               (!cert->revoked_at && cert->not_after >= filter->now)) &&
              (!filter->spki || !strcasecmp(filter->spki, cert->spki_sha256)) &&
              (!filter->identifier ||
               words_text_has(cert->identifiers, filter->identifier));
    if (!*wanted || !filter->eab)
        return APR_SUCCESS;
    *wanted = 0;
    if (!cert->account_id)
        return APR_SUCCESS;
    rv = eab_find(&eab, find, cert->account_id);
    *wanted = rv == APR_SUCCESS && !strcmp(eab, filter->eab);
    return rv;
}

static store_cert_t *cert_copy(const store_cert_t *cert, apr_pool_t *pool)
{
    store_cert_t *copy = apr_pmemdup(pool, cert, sizeof(*copy));

    copy->id = apr_pstrdup(pool, cert->id);
    copy->serial = apr_pstrdup(pool, cert->serial);
    copy->account_id = apr_pstrdup(pool, cert->account_id);
    copy->order_id = apr_pstrdup(pool, cert->order_id);
    copy->realm = apr_pstrdup(pool, cert->realm);
    copy->directory = apr_pstrdup(pool, cert->directory);
    copy->profile = apr_pstrdup(pool, cert->profile);
    copy->issuer = apr_pstrdup(pool, cert->issuer);
    copy->identifiers = apr_pstrdup(pool, cert->identifiers);
    copy->spki_sha256 = apr_pstrdup(pool, cert->spki_sha256);
    copy->replacing = apr_pstrdup(pool, cert->replacing);
    copy->replaced_by = apr_pstrdup(pool, cert->replaced_by);
    copy->der = apr_pmemdup(pool, cert->der, cert->der_len);
    return copy;
}

static int is_enough(const find_t *find)
{
    return find->filter->limit && find->certs->nelts >= find->filter->limit;
}

/* *before: the last of the page; NULL: there is no further one. */
static apr_status_t page_read(const char **before, find_t *find,
                              apr_pool_t *pool)
{
    apr_array_header_t *page;
    int i, wanted;
    apr_status_t rv = store_cert_list(
        &page, find->ctl->store, find->filter->account, *before, PAGE, pool);

    for (i = 0; rv == APR_SUCCESS && i < page->nelts && !is_enough(find); i++) {
        const store_cert_t *cert = APR_ARRAY_IDX(page, i, const store_cert_t *);

        rv = is_wanted(&wanted, find, cert);
        if (rv == APR_SUCCESS && wanted)
            APR_ARRAY_PUSH(find->certs, store_cert_t *) =
                cert_copy(cert, find->ctl->pool);
        *before = apr_pstrdup(find->ctl->pool, cert->id);
    }
    if (rv == APR_SUCCESS && page->nelts < PAGE)
        *before = NULL;
    return rv;
}

ctl_exit_e ctl_cert_find(apr_array_header_t **certs, const ctl_t *ctl,
                         const ctl_cert_filter_t *filter)
{
    find_t find = {ctl, filter, apr_hash_make(ctl->pool),
                   apr_array_make(ctl->pool, 16, sizeof(store_cert_t *))};
    const char *before = filter->before;
    apr_pool_t *pool;
    apr_status_t rv;

    apr_pool_create(&pool, ctl->pool);
    do {
        apr_pool_clear(pool);
        rv = page_read(&before, &find, pool);
    } while (rv == APR_SUCCESS && before && !is_enough(&find));
    apr_pool_destroy(pool);
    *certs = find.certs;
    return ctl_print_status(rv, "certificate", before ? before : "");
}
