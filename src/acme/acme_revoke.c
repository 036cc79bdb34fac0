/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_revoke.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "acme/acme_audit.h"
#include "acme/acme_revocation.h"
#include "acme/acme_state.h"
#include "base/b64url.h"
#include "base/own.h"
#include "base/pjson.h"
#include "ca/ca_openssl.h"
#include "policy/policy_spki.h"
#include "store/store_authz.h"

#include "base/banned.h"

typedef struct {
    const unsigned char *der;
    apr_size_t len;
    int reason;
    X509 *x509;
    store_cert_t *row;
    const char *by; /* on what ground */
} wish_t;

/* RFC 8555 7.6; what RFC 5280 knows and we do not take is no number for us. */
static problem_t *reason_parse(int *reason, const acme_verified_t *v)
{
    json_t *json = json_object_get(v->payload, "reason");
    const char *text;

    *reason = ACME_REASON_NONE;
    if (!json)
        return NULL;
    if (json_is_integer(json) && json_integer_value(json) >= 0 &&
        json_integer_value(json) <= 10) {
        *reason = (int)json_integer_value(json);
        if (acme_revocation_is_for_clients(*reason))
            return NULL;
    }
    text = json_is_object(json) || json_is_array(json)
               ? "no number"
               : pjson_text(json, 0, v->pool);
    return problem_make(v->pool, PROBLEM_BAD_REVOCATION_REASON,
                        "the \"reason\" is %.32s; it may be left out, or be "
                        "one of %s",
                        text, acme_revocation_reasons(1, v->pool));
}

static problem_t *certificate_parse(wish_t *wish, const acme_verified_t *v)
{
    const unsigned char *at;
    const char *text;
    problem_t *prob =
        pjson_need_string(&text, v->payload, "certificate", v->pool);

    if (prob)
        return prob;
    if (strstr(text, "-----BEGIN"))
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the \"certificate\" is PEM; send the base64url of "
                            "its DER (RFC 8555 7.6)");
    if (b64url_decode(&wish->der, &wish->len, text, strlen(text), v->pool) !=
        APR_SUCCESS)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the \"certificate\" is not base64url without "
                            "padding (RFC 8555 6.1)");
    at = wish->der;
    wish->x509 = own_x509(v->pool, d2i_X509(NULL, &at, (long)wish->len));
    ERR_clear_error();
    if (wish->x509 && at == wish->der + wish->len)
        return NULL;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "the \"certificate\" is not one certificate in DER");
}

/* A serial number alone says nothing: octet by octet it must be the one that we
 * have issued (T76). */
static problem_t *row_get(wish_t *wish, acme_t *acme, const acme_verified_t *v)
{
    const char *serial = ca_serial_text(wish->x509, v->pool);
    store_cert_t *row = NULL;
    problem_t *prob;
    apr_status_t rv = APR_ENOENT;

    if (serial)
        rv = store_cert_get_by_serial(&row, acme->store, serial, v->pool);
    if (rv == APR_SUCCESS && row->der_len == wish->len &&
        !memcmp(row->der, wish->der, wish->len) &&
        !strcmp(row->realm, acme->conf->realm)) {
        wish->row = row;
        return NULL;
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return problem_internal(v->pool, rv, "get certificate %s", serial);
    prob = problem_make(v->pool, PROBLEM_MALFORMED,
                        "this certificate was not issued here");
    prob->status = 404;
    return prob;
}

/* Everything that the certificate names, if that is nothing but identifiers;
 * else NULL: nobody has authorizations for all of it. */
static apr_array_header_t *names_of(const wish_t *wish, apr_pool_t *pool)
{
    apr_array_header_t *list =
        identifier_list_from_text(wish->row->identifiers, pool);
    GENERAL_NAMES *names =
        X509_get_ext_d2i(wish->x509, NID_subject_alt_name, NULL, NULL);
    int count = sk_GENERAL_NAME_num(names);

    GENERAL_NAMES_free(names);
    return list && list->nelts && list->nelts == count ? list : NULL;
}

/* For the name itself, or for one above it and all that is below that (RFC
 * 9444); a wildcard is a name of its own. */
static apr_status_t name_check(acme_t *acme, const wish_t *wish,
                               const identifier_t *id, const acme_verified_t *v)
{
    const char *type = identifier_type_name(id->type);
    const char *value = identifier_base(id);
    int is_wildcard = identifier_is_wildcard(id);
    apr_status_t rv =
        store_authz_holds(acme->store, v->account->id, wish->row->profile, type,
                          value, is_wildcard, 0, v->now, v->pool);

    if (id->type != IDENTIFIER_DNS || is_wildcard)
        return rv;
    for (value = strchr(value, '.'); APR_STATUS_IS_ENOENT(rv) && value;
         value = strchr(value + 1, '.'))
        rv = store_authz_holds(acme->store, v->account->id, wish->row->profile,
                               type, value + 1, 0, 1, v->now, v->pool);
    return rv;
}

/* *name: the first that it has no authorization for; NULL: none such. */
static problem_t *authz_missing(const char **name, acme_t *acme,
                                const wish_t *wish, const acme_verified_t *v)
{
    apr_array_header_t *names = names_of(wish, v->pool);
    int i;

    *name = "what it names";
    if (!names || strcmp(wish->row->directory, v->account->directory))
        return NULL;
    for (i = 0; i < names->nelts; i++) {
        const identifier_t *id = APR_ARRAY_IDX(names, i, const identifier_t *);
        apr_status_t rv = name_check(acme, wish, id, v);

        *name = id->value;
        if (APR_STATUS_IS_ENOENT(rv))
            return NULL;
        if (rv != APR_SUCCESS)
            return problem_internal(v->pool, rv, "look for authorizations");
    }
    *name = NULL;
    return NULL;
}

static problem_t *account_check(wish_t *wish, acme_t *acme,
                                const acme_verified_t *v)
{
    const store_cert_t *row = wish->row;
    const char *name;
    problem_t *prob;

    wish->by = "account";
    if (row->account_id && !strcmp(row->account_id, v->account->id))
        return NULL;
    wish->by = "authorizations";
    prob = authz_missing(&name, acme, wish, v);
    if (prob || !name)
        return prob;
    return problem_make(v->pool, PROBLEM_UNAUTHORIZED,
                        "the certificate %s was issued to another account, and "
                        "this one has no valid authorization for %s",
                        row->serial, name);
}

/* By the SubjectPublicKeyInfo that both have (T73). */
static problem_t *key_check(wish_t *wish, const acme_verified_t *v)
{
    unsigned char hash[32];

    wish->by = "certificate key";
    wish->reason = ACME_REASON_KEY_COMPROMISE;
    if (!policy_spki_sha256(hash, v->key->pkey))
        return problem_internal(v->pool, APR_EGENERAL, "hash a public key");
    if (!strcmp(apr_pescape_hex(v->pool, hash, sizeof(hash), 0),
                wish->row->spki_sha256))
        return NULL;
    return problem_make(v->pool, PROBLEM_UNAUTHORIZED,
                        "the \"jwk\" that signs this is not the key of the "
                        "certificate %s; an account signs with its URL as "
                        "\"kid\"",
                        wish->row->serial);
}

static problem_t *problem_revoked(acme_t *acme, const wish_t *wish,
                                  apr_pool_t *pool)
{
    apr_int64_t at = wish->row->revoked_at;
    store_cert_t *row;

    if (!at &&
        store_cert_get(&row, acme->store, wish->row->id, pool) == APR_SUCCESS)
        at = row->revoked_at;
    return problem_make(pool, PROBLEM_ALREADY_REVOKED,
                        "the certificate %s is revoked already%s%s",
                        wish->row->serial, at ? ", since " : "",
                        at ? clock_rfc3339(at, pool) : "");
}

static void events_tell(acme_t *acme, const apr_array_header_t *events,
                        apr_pool_t *pool)
{
    int i;

    for (i = 0; i < events->nelts; i++)
        acme_audit_tell(acme, APR_ARRAY_IDX(events, i, const store_event_t *),
                        pool);
}

static void revoked_log(const wish_t *wish, const acme_verified_t *v)
{
    const char *reason = acme_revocation_reason_name(wish->reason);

    log_write(v->log, LOG_LEVEL_NOTICE, "AS0330", APR_SUCCESS,
              "certificate %s for %s is revoked by its %s%s%s",
              wish->row->serial, wish->row->identifiers,
              strcmp(wish->by, "certificate key") ? wish->by : "own key",
              reason ? ": " : "", reason ? reason : "");
}

static problem_t *cert_revoke(acme_t *acme, const wish_t *wish,
                              const acme_verified_t *v)
{
    acme_revocation_t revocation = {
        .cert = wish->row,
        .reason = wish->reason,
        .is_bad = !v->account,
        .by = wish->by,
        .base = acme_audit_event(v, "cert.revoke"),
    };
    apr_array_header_t *events;
    apr_status_t rv =
        store_cert_revoke(&events, acme->store,
                          acme_revocation_make(&revocation, v->pool), v->pool);

    if (rv == APR_SUCCESS || APR_STATUS_IS_EEXIST(rv)) {
        events_tell(acme, events, v->pool);
        if (events->nelts)
            acme->host->wake(acme->host->baton);
    }
    if (APR_STATUS_IS_EEXIST(rv))
        return problem_revoked(acme, wish, v->pool);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "revoke certificate %s",
                                wish->row->id);
    revoked_log(wish, v);
    return NULL;
}

problem_t *acme_revoke_post(acme_response_t *res, acme_t *acme,
                            const acme_verified_t *v)
{
    wish_t wish = {0};
    problem_t *prob = reason_parse(&wish.reason, v);

    if (!prob)
        prob = certificate_parse(&wish, v);
    if (!prob)
        prob = row_get(&wish, acme, v);
    if (!prob)
        prob = v->account ? account_check(&wish, acme, v) : key_check(&wish, v);
    if (prob)
        return prob;
    res->order = wish.row->order_id;
    prob = cert_revoke(acme, &wish, v);
    if (!prob)
        res->status = 200;
    return prob;
}
