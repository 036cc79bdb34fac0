/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_keychange.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_account.h"
#include "acme/acme_audit.h"
#include "acme/acme_response.h"
#include "base/pjson.h"
#include "jose/jose_jws.h"

#include "base/banned.h"

/* Two JWS in one request: say which one it is about. */
static problem_t *about(problem_t *prob, const char *what, apr_pool_t *pool)
{
    if (prob && prob->detail)
        prob->detail = apr_pstrcat(pool, what, ": ", prob->detail, NULL);
    return prob;
}

/* RFC 8555 7.3.5: a jwk, the outer url, and no nonce. */
static problem_t *header_check(const jose_jws_t *jws, const acme_verified_t *v)
{
    if (!jws->jwk)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "it must have the new key as \"jwk\", not a "
                            "\"kid\", in its protected header");
    if (jws->nonce)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "it must have no \"nonce\" in its protected "
                            "header");
    if (strcmp(jws->url, v->url))
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "its \"url\" is \"%.256s\", but the outer one's is "
                            "\"%.256s\"",
                            jws->url, v->url);
    return NULL;
}

/* The new key, which has signed this. */
static problem_t *inner_verify(jose_jwk_t **key, jose_jws_t **jws, acme_t *acme,
                               const acme_verified_t *v)
{
    problem_t *prob = jose_jws_read(jws, v->payload, v->pool);

    if (!prob)
        prob = header_check(*jws, v);
    if (!prob)
        prob = acme_request_key(key, acme, (*jws)->jwk, v->pool);
    if (!prob)
        prob = jose_jws_verify(*jws, *key, v->pool);
    return about(prob, "the inner JWS", v->pool);
}

/* Is it this account that is meant, by its URL? */
static problem_t *account_check(const acme_t *acme, const char *url,
                                const acme_verified_t *v)
{
    const char *id = acme_route_id(acme->conf, ACME_ROUTE_ACCOUNT,
                                   v->route->directory, url, v->pool);

    if (id && !strcmp(id, v->account->id))
        return NULL;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "the \"account\" is \"%.256s\", but the request is "
                        "signed by \"%s\"",
                        url,
                        acme_route_url(acme->conf, ACME_ROUTE_ACCOUNT,
                                       v->account->directory, v->account->id,
                                       NULL, v->pool));
}

/* By thumbprint: there are many ways to write one key down. */
static problem_t *old_key_check(json_t *json, const acme_verified_t *v)
{
    jose_jwk_t *key;
    problem_t *prob = jose_jwk_parse(&key, json, v->pool);

    if (prob)
        return about(prob, "\"oldKey\"", v->pool);
    if (!strcmp(key->thumbprint, v->account->thumbprint))
        return NULL;
    return problem_make(v->pool, PROBLEM_MALFORMED,
                        "the \"oldKey\" has the thumbprint %s, but the "
                        "account's key has %s",
                        key->thumbprint, v->account->thumbprint);
}

/* The keyChange object (RFC 8555 7.3.5). */
static problem_t *object_check(const jose_jws_t *jws, const acme_t *acme,
                               const acme_verified_t *v)
{
    static const char what[] = "the inner payload";
    const char *account;
    json_t *json, *old_key;
    problem_t *prob = pjson_parse(&json, jws->parts.payload,
                                  jws->parts.payload_len, what, v->pool);

    if (!prob)
        prob = pjson_object_check(json, what, v->pool);
    if (!prob)
        prob = pjson_need_string(&account, json, "account", v->pool);
    if (!prob)
        prob = pjson_object(&old_key, json, "oldKey", v->pool);
    if (!prob && !old_key)
        prob = problem_make(v->pool, PROBLEM_MALFORMED,
                            "the member \"oldKey\" is missing");
    if (!prob)
        prob = account_check(acme, account, v);
    if (!prob)
        prob = old_key_check(old_key, v);
    return prob;
}

static problem_t *new_key_check(acme_t *acme, const jose_jwk_t *key,
                                const acme_verified_t *v)
{
    if (!strcmp(key->thumbprint, v->account->thumbprint))
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the new key is the one that the account has "
                            "already");
    return acme_account_key_check(acme, key, v->pool);
}

/* Whoever asks has just proved to have that account's key, so he may know. */
static problem_t *problem_taken(const acme_t *acme,
                                const store_account_t *holder,
                                const acme_verified_t *v)
{
    problem_t *prob = problem_make(v->pool, PROBLEM_MALFORMED,
                                   "the new key is another account's");

    prob->status = 409;
    problem_header(prob, v->pool, "Location",
                   acme_route_url(acme->conf, ACME_ROUTE_ACCOUNT,
                                  holder->directory, holder->id, NULL,
                                  v->pool));
    return prob;
}

static store_event_t *event_make(const jose_jwk_t *key,
                                 const acme_verified_t *v)
{
    store_event_t *event = acme_audit_event(v, "account.rekey");
    json_t *detail = json_object();

    acme_response_set_string(detail, "thumbprint", key->thumbprint);
    acme_response_set_string(detail, "previous", v->account->thumbprint);
    acme_audit_detail(event, detail, v->pool);
    return event;
}

static problem_t *key_set(acme_t *acme, jose_jwk_t *key,
                          const acme_verified_t *v)
{
    store_event_t *event = event_make(key, v);
    store_account_t *holder;
    problem_t *prob;
    apr_status_t rv;

    rv = store_account_key_set(&holder, acme->store, v->account,
                               key->thumbprint, key->canonical, event, v->pool);
    if (APR_STATUS_IS_EEXIST(rv) && strcmp(holder->id, v->account->id))
        return problem_taken(acme, holder, v);
    /* The account has lost its key, or its life, since the request came in. */
    if (APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_EEXIST(rv)) {
        prob = problem_make(v->pool, PROBLEM_UNAUTHORIZED,
                            "the account is not valid or has another key by "
                            "now");
        prob->status = 401;
        return prob;
    }
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "change the key of account %s",
                                v->account->id);
    acme_audit_tell(acme, event, v->pool);
    jose_cache_put(acme->keys, key); /* it will be back at once */
    return NULL;
}

problem_t *acme_keychange_post(acme_response_t *res, acme_t *acme,
                               const acme_verified_t *v)
{
    jose_jws_t *jws;
    jose_jwk_t *key;
    problem_t *prob = inner_verify(&key, &jws, acme, v);

    if (!prob)
        prob = object_check(jws, acme, v);
    if (!prob)
        prob = new_key_check(acme, key, v);
    if (!prob)
        prob = key_set(acme, key, v);
    if (!prob)
        acme_account_answer(res, acme, v->account, v->pool);
    return prob;
}
