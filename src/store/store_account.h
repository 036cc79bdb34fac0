/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

/* Accounts (RFC 8555 7.1.2).  A realm and a directory (profile name, "" for the
 * default directory) are part of every account; a key's thumbprint is unique
 * within them. */

#include "store/store_event.h"

typedef struct {
    const char *id;
    const char *realm, *directory;
    const char *thumbprint; /* RFC 7638, base64url */
    const char *jwk;        /* canonical */
    const char *status;     /* "valid" "deactivated" "revoked" */
    const char *contact;    /* JSON array text */
    const char *terms_url;  /* agreed to; NULL: none */
    apr_int64_t terms_agreed_at;
    const char *owner; /* r->user; NULL: none */
    const char *created_ip;
    apr_int64_t created_at;
    const char *eab_kid;    /* made with this external account key; or NULL */
    const char *prints;     /* thumbprints of its keys before this one, the
                               last one first, with blanks in between; NULL:
                               none; not written */
    const char *eab_status; /* that key's, now; NULL without; not written */
} store_account_t;

/* Durable; one transaction: the account, and one more on its external account
 * key, if it has one.  APR_EEXIST: the thumbprint is known; *existing (may be
 * NULL) is its account then, whatever the key allows.  STORE_BUDGET: the key is
 * not valid, has expired or has all its accounts. */
apr_status_t store_account_create(store_account_t **existing, store_t *store,
                                  const store_account_t *account,
                                  const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

apr_status_t store_account_get(store_account_t **account, store_t *store,
                               const char *id, apr_pool_t *pool)
    __attribute__((warn_unused_result));

apr_status_t store_account_get_by_key(store_account_t **account, store_t *store,
                                      const char *realm, const char *directory,
                                      const char *thumbprint, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Is this the key of any account, of whatever realm and directory? (T58)
 * APR_ENOENT when not. */
apr_status_t store_account_key_known(store_t *store, const char *thumbprint,
                                     apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  APR_ENOENT when it is not valid (any more). */
apr_status_t
store_account_contact_set(store_t *store, const char *id, const char *contact,
                          const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  Another key (RFC 8555 7.3.5) for an account that is valid and still
 * has the key that account says.  APR_EEXIST: the new one is another account's
 * of its realm and directory, which is *holder then.  APR_ENOENT when it is not
 * valid or has another key (any more). */
apr_status_t store_account_key_set(store_account_t **holder, store_t *store,
                                   const store_account_t *account,
                                   const char *thumbprint, const char *jwk,
                                   const store_event_t *event, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Durable.  valid → deactivated, its pending authorizations too, in one
 * transaction.  APR_ENOENT when it is not valid (any more). */
apr_status_t store_account_deactivate(store_t *store, const char *id,
                                      const store_event_t *event,
                                      apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Newest first (of store_account_t *), at most limit, older than the account
 * `before` (NULL: from the newest).  eab_kid NULL: all, else those that were
 * made with it.  For acmectl. */
apr_status_t store_account_list(apr_array_header_t **accounts, store_t *store,
                                const char *eab_kid, const char *before,
                                int limit, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
