/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_EAB_H
#define ACME_EAB_H

/*
 * External account keys (RFC 8555 7.3.4, pki.md): who may make an account, and
 * what accounts made so may do.
 *
 *   - A key binds accounts in the directory of its profile, or in the default
 *     directory, where its profile can be asked for.
 *   - An account whose key is suspended or revoked can do nothing.  Expiry and
 *     the number of accounts matter to new accounts only.
 *   - Names, networks and orders a day are looked at with every order.
 */

#include "acme/acme_request.h"
#include "store/store_eab.h"

/* A key as orders need it. */
typedef struct {
    const store_eab_t *row;
    apr_array_header_t *allow; /* of policy_pattern_t *; NULL: no limit */
} acme_eab_t;

/* newAccount's binding (NULL: there is no such member), verified (T40, T41).
 * *kid is NULL without an external account. */
problem_t *acme_eab_bind(const char **kid, acme_t *acme,
                         const acme_verified_t *v, json_t *binding)
    __attribute__((warn_unused_result));

/* The store would not bind one more: why. */
problem_t *acme_eab_bind_problem(acme_t *acme, const char *kid,
                                 const acme_verified_t *v)
    __attribute__((warn_unused_result, returns_nonnull));

/* May this account do anything at all?  account has been read just now. */
problem_t *acme_eab_account_check(const store_account_t *account,
                                  apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* For an order of v->account: NULL in *eab when it has no key.  The client must
 * be in one of the key's networks. */
problem_t *acme_eab_get(const acme_eab_t **eab, acme_t *acme,
                        const acme_verified_t *v)
    __attribute__((warn_unused_result));

/* Are names proven before a certificate of this profile is issued to an account
 * with this key (NULL: none)? */
int acme_eab_is_validated(const acme_profile_t *profile, const acme_eab_t *eab);

#endif
