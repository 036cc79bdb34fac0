/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_revocation.h"

#include <string.h>

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_response.h"
#include "acme/acme_work.h"
#include "base/own.h"
#include "base/token.h"

#include "base/banned.h"

/* Those that a leaf can have and that are for good. */
static const struct {
    int reason;
    const char *name;
    int is_for_clients;
} reasons[] = {
    {0, "unspecified", 1},
    {ACME_REASON_KEY_COMPROMISE, "keyCompromise", 1},
    {3, "affiliationChanged", 1},
    {4, "superseded", 1},
    {5, "cessationOfOperation", 1},
    {9, "privilegeWithdrawn", 0},
};
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

const char *acme_revocation_reason_name(int reason)
{
    apr_size_t i;

    for (i = 0; i < REASONS; i++)
        if (reasons[i].reason == reason)
            return reasons[i].name;
    return NULL;
}

int acme_revocation_reason_find(int *reason, const char *text)
{
    apr_size_t i;

    for (i = 0; i < REASONS; i++) {
        char digit[2] = {(char)('0' + reasons[i].reason), '\0'};

        if (strcmp(text, digit) && strcasecmp(text, reasons[i].name))
            continue;
        *reason = reasons[i].reason;
        return 1;
    }
    return 0;
}

int acme_revocation_is_for_clients(int reason)
{
    apr_size_t i;

    for (i = 0; i < REASONS; i++)
        if (reasons[i].reason == reason)
            return reasons[i].is_for_clients;
    return 0;
}

const char *acme_revocation_reasons(int for_clients, apr_pool_t *pool)
{
    const char *text = "";
    apr_size_t i;

    for (i = 0; i < REASONS; i++)
        if (reasons[i].is_for_clients || !for_clients)
            text = apr_psprintf(pool, "%s%s%d (%s)", text, *text ? ", " : "",
                                reasons[i].reason, reasons[i].name);
    return text;
}

static store_event_t *event_copy(const acme_revocation_t *revocation,
                                 const char *kind, apr_pool_t *pool)
{
    const store_cert_t *cert = revocation->cert;
    store_event_t *event = apr_pmemdup(pool, revocation->base, sizeof(*event));

    event->kind = kind;
    event->cert_id = cert->id;
    if (!event->account_id)
        event->account_id = cert->account_id;
    return event;
}

static store_event_t *cert_event(const acme_revocation_t *revocation,
                                 apr_pool_t *pool)
{
    const store_cert_t *cert = revocation->cert;
    store_event_t *event = event_copy(revocation, "cert.revoke", pool);
    json_t *detail = json_object();

    event->order_id = cert->order_id;
    acme_response_set_string(detail, "serial", cert->serial);
    acme_response_set_string(detail, "identifiers", cert->identifiers);
    acme_response_set_string(detail, "profile", cert->profile);
    acme_response_set_string(detail, "issuer", cert->issuer);
    acme_response_set_string(detail, "issuedTo", cert->account_id);
    acme_response_set_string(detail, "reason",
                             acme_revocation_reason_name(revocation->reason));
    acme_response_set_string(detail, "by", revocation->by);
    acme_audit_detail(event, detail, pool);
    return event;
}

/* Of a key: blocked, or an account's that is revoked for it. */
static store_event_t *key_event(const acme_revocation_t *revocation,
                                const char *kind, apr_pool_t *pool)
{
    store_event_t *event = event_copy(revocation, kind, pool);
    json_t *detail = json_object();

    acme_response_set_string(detail, "spkiSHA256",
                             revocation->cert->spki_sha256);
    acme_response_set_string(detail, "reason", "keyCompromise");
    acme_response_set_string(detail, "by", revocation->by);
    acme_audit_detail(event, detail, pool);
    return event;
}

static const char *thumbprint_of(const store_cert_t *cert, apr_pool_t *pool)
{
    const unsigned char *at = cert->der;
    X509 *x509 = own_x509(pool, d2i_X509(NULL, &at, (long)cert->der_len));
    EVP_PKEY *pkey = x509 ? X509_get0_pubkey(x509) : NULL;
    jose_jwk_t *jwk = pkey ? jose_jwk_from_pkey(pkey, pool) : NULL;

    return jwk ? jwk->thumbprint : NULL;
}

static const store_blocked_t *blocked_make(const acme_revocation_t *revocation,
                                           apr_pool_t *pool)
{
    store_blocked_t *blocked = apr_palloc(pool, sizeof(*blocked));

    blocked->spki_sha256 = revocation->cert->spki_sha256;
    blocked->at = revocation->base->at;
    blocked->reason = apr_psprintf(
        pool,
        "it was reported as compromised with the certificate of serial number "
        "%s, at %s",
        revocation->cert->serial, clock_rfc3339(blocked->at, pool));
    return blocked;
}

store_revoke_t *acme_revocation_make(const acme_revocation_t *revocation,
                                     apr_pool_t *pool)
{
    store_revoke_t *revoke = apr_pcalloc(pool, sizeof(*revoke));
    store_job_t *job = apr_pcalloc(pool, sizeof(*job));

    job->id = token_id(apr_time_from_sec(revocation->base->at), pool);
    job->kind = ACME_WORK_CRL;
    job->due_at = revocation->base->at;
    revoke->cert = revocation->cert;
    revoke->at = revocation->base->at;
    revoke->reason = revocation->reason;
    revoke->job = job;
    revoke->event = cert_event(revocation, pool);
    if (!revocation->is_bad)
        return revoke;
    revoke->blocked = blocked_make(revocation, pool);
    revoke->thumbprint = thumbprint_of(revocation->cert, pool);
    revoke->block_event = key_event(revocation, "key.block", pool);
    revoke->account_event = key_event(revocation, "account.revoke", pool);
    return revoke;
}
