/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SAMPLES_H
#define STORE_SAMPLES_H

/* Rows to put into a store, for test_store*.c; made at 1000, not over before
 * 5000. */

#include <apr_strings.h>

#include "store/store_account.h"
#include "store/store_eab.h"
#include "store/store_order.h"

static inline store_account_t *help_account(const char *id, apr_pool_t *pool)
{
    store_account_t *account = apr_pcalloc(pool, sizeof(*account));

    account->id = id;
    account->realm = "";
    account->directory = "";
    account->thumbprint = apr_pstrcat(pool, "thumb-", id, NULL);
    account->jwk = "{}";
    account->status = "valid";
    account->contact = "[]";
    account->created_at = 1000;
    return account;
}

static inline store_eab_t *help_eab(const char *kid, apr_pool_t *pool)
{
    store_eab_t *eab = apr_pcalloc(pool, sizeof(*eab));

    eab->kid = kid;
    eab->realm = "";
    eab->profile = "web";
    eab->name = "team a";
    eab->secret = "sealed";
    eab->status = "valid";
    eab->created_at = 1000;
    eab->updated_at = 1000;
    return eab;
}

static inline store_event_t *help_event(const char *kind, apr_pool_t *pool)
{
    store_event_t *event = apr_pcalloc(pool, sizeof(*event));

    event->at = 1000;
    event->kind = kind;
    return event;
}

static inline store_authz_t *help_authz(const char *id, const char *account_id,
                                        apr_pool_t *pool)
{
    store_authz_t *authz = apr_pcalloc(pool, sizeof(*authz));

    authz->id = id;
    authz->account_id = account_id;
    authz->realm = "";
    authz->directory = "";
    authz->type = "dns";
    authz->value = apr_pstrcat(pool, id, ".test", NULL);
    authz->profile = "default";
    authz->status = "pending";
    authz->token = "token";
    authz->challenges = "http-01";
    authz->created_at = 1000;
    authz->expires_at = 5000;
    return authz;
}

static inline store_order_t *help_order(const char *id, const char *account_id,
                                        apr_pool_t *pool)
{
    store_order_t *order = apr_pcalloc(pool, sizeof(*order));

    order->id = id;
    order->account_id = account_id;
    order->realm = "";
    order->directory = "";
    order->profile = "default";
    order->identifiers = "dns:a.test";
    order->authz_ids = apr_array_make(pool, 1, sizeof(const char *));
    order->created_at = 1000;
    order->expires_at = 5000;
    return order;
}

static inline store_job_t *help_job(const char *id, const char *kind,
                                    const char *subject, apr_pool_t *pool)
{
    store_job_t *job = apr_pcalloc(pool, sizeof(*job));

    job->id = id;
    job->kind = kind;
    job->subject = subject;
    job->due_at = 1000;
    return job;
}

static inline store_cert_t *help_cert(const char *id, const char *account_id,
                                      const char *order_id, apr_pool_t *pool)
{
    static const unsigned char der[] = "0\0\1\0'\xff\x80%s";
    store_cert_t *cert = apr_pcalloc(pool, sizeof(*cert));

    cert->id = id;
    cert->serial = apr_pstrcat(pool, "serial-", id, NULL);
    cert->account_id = account_id;
    cert->order_id = order_id;
    cert->realm = "";
    cert->directory = "";
    cert->profile = "default";
    cert->issuer = "issuer";
    cert->identifiers = "dns:a.test";
    cert->spki_sha256 = "spki";
    cert->der = der;
    cert->der_len = sizeof(der);
    cert->not_before = 1000;
    cert->not_after = 9000;
    cert->issued_at = 1001;
    cert->revoked_reason = -1;
    return cert;
}

#endif
