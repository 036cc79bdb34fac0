/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_account.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "acme/acme_eab.h"
#include "acme/acme_limit_check.h"
#include "acme/acme_response.h"
#include "base/own.h"
#include "base/pjson.h"
#include "base/token.h"
#include "policy/policy_contact.h"
#include "policy/policy_spki.h"
#include "store/store_blocked.h"

#include "base/banned.h"

typedef struct {
    int only_existing;
    int terms_agreed;
    json_t *contact; /* NULL: no such member */
    json_t *binding; /* the same */
} wish_t;

static const char *account_url(const acme_t *acme,
                               const store_account_t *account,
                               acme_route_e route, apr_pool_t *pool)
{
    return acme_route_url(acme->conf, route, account->directory, account->id,
                          NULL, pool);
}

/* RFC 8555 7.1.2; `orders` is required.  binding: what was verified just now,
 * NULL otherwise (7.3.4, T40). */
static void account_render(acme_response_t *res, const acme_t *acme,
                           const store_account_t *account, json_t *binding,
                           int status, apr_pool_t *pool)
{
    json_t *json = own_json(pool, json_object());
    json_t *contact = acme_response_stored(account->contact);

    acme_response_set_string(json, "status", account->status);
    json_object_set_new(json, "contact", contact ? contact : json_array());
    if (account->terms_agreed_at)
        json_object_set_new(json, "termsOfServiceAgreed", json_true());
    if (binding)
        json_object_set_new(json, "externalAccountBinding",
                            json_incref(binding));
    acme_response_set_string(
        json, "orders", account_url(acme, account, ACME_ROUTE_ORDERS, pool));
    acme_response_json(res, status, json, pool);
    acme_response_location(
        res, account_url(acme, account, ACME_ROUTE_ACCOUNT, pool));
    res->account = account->id;
}

problem_t *acme_account_problem(const store_account_t *account,
                                apr_pool_t *pool)
{
    problem_t *prob = problem_make(
        pool, PROBLEM_UNAUTHORIZED,
        "this account is %s and can do nothing any more", account->status);

    prob->status = 401;
    return prob;
}

problem_t *acme_account_key(jose_jwk_t **key, acme_t *acme,
                            const store_account_t *account, apr_pool_t *pool)
{
    problem_t *prob;

    *key = jose_cache_find(acme->keys, account->thumbprint, account->jwk, pool);
    if (*key)
        return NULL;
    *key = jose_jwk_from_canonical(account->jwk, pool);
    if (*key) {
        jose_cache_put(acme->keys, *key);
        return NULL;
    }
    prob = problem_internal(pool, APR_EGENERAL, "account %s has no usable key",
                            account->id);
    prob->status = 500;
    return prob;
}

/* Other members are none of our business (T35). */
static problem_t *wish_parse(wish_t *wish, const acme_verified_t *v)
{
    problem_t *prob;

    prob = pjson_bool(&wish->only_existing, v->payload, "onlyReturnExisting",
                      v->pool);
    if (prob)
        return prob;
    prob = pjson_bool(&wish->terms_agreed, v->payload, "termsOfServiceAgreed",
                      v->pool);
    if (prob)
        return prob;
    prob = pjson_array(&wish->contact, v->payload, "contact", v->pool);
    if (prob)
        return prob;
    return pjson_object(&wish->binding, v->payload, "externalAccountBinding",
                        v->pool);
}

static problem_t *contact_parse(const char **text, json_t *contact,
                                apr_pool_t *pool)
{
    problem_t *prob;
    json_t *normal;

    if (!contact) {
        *text = "[]";
        return NULL;
    }
    prob = policy_contact_check(&normal, contact, pool);
    if (prob)
        return prob;
    *text = pjson_text(normal, 0, pool);
    return NULL;
}

/* RFC 8555 7.3.3 */
static problem_t *terms_check(const acme_conf_t *conf, const wish_t *wish,
                              apr_pool_t *pool)
{
    problem_t *prob;

    if (!conf->terms_url || wish->terms_agreed)
        return NULL;
    prob = problem_make(pool, PROBLEM_USER_ACTION_REQUIRED,
                        "the terms of service at %s must be agreed to "
                        "(\"termsOfServiceAgreed\": true)",
                        conf->terms_url);
    problem_header(prob, pool, "Link",
                   apr_pstrcat(pool, "<", conf->terms_url,
                               ">;rel=\"terms-of-service\"", NULL));
    return prob;
}

void acme_account_answer(acme_response_t *res, const acme_t *acme,
                         const store_account_t *account, apr_pool_t *pool)
{
    account_render(res, acme, account, NULL, 200, pool);
}

static problem_t *account_existing(acme_response_t *res, const acme_t *acme,
                                   const store_account_t *account,
                                   apr_pool_t *pool)
{
    problem_t *prob;

    if (strcmp(account->status, "valid"))
        return acme_account_problem(account, pool);
    prob = acme_eab_account_check(account, pool);
    if (prob)
        return prob;
    acme_account_answer(res, acme, account, pool);
    return NULL;
}

static problem_t *problem_blocked(const store_blocked_t *blocked,
                                  apr_pool_t *pool)
{
    return problem_make(pool, PROBLEM_BAD_PUBLIC_KEY,
                        "this key must not be used: %s", blocked->reason);
}

problem_t *acme_account_key_check(acme_t *acme, const jose_jwk_t *key,
                                  apr_pool_t *pool)
{
    unsigned char hash[32];
    store_blocked_t *blocked;
    apr_status_t rv;

    if (!policy_spki_sha256(hash, key->pkey))
        return problem_internal(pool, APR_EGENERAL, "hash the account key");
    rv = store_blocked_get(&blocked, acme->store,
                           apr_pescape_hex(pool, hash, sizeof(hash), 0), pool);
    if (APR_STATUS_IS_ENOENT(rv))
        return NULL;
    if (rv != APR_SUCCESS)
        return problem_internal(pool, rv, "look for a blocked key");
    return problem_blocked(blocked, pool);
}

/* All that speaks against a new account, then the account. */
static problem_t *account_make(store_account_t **account, acme_t *acme,
                               const acme_verified_t *v, const wish_t *wish)
{
    store_account_t *made = apr_pcalloc(v->pool, sizeof(*made));
    problem_t *prob = acme_eab_bind(&made->eab_kid, acme, v, wish->binding);

    if (!prob)
        prob = terms_check(acme->conf, wish, v->pool);
    if (!prob)
        prob = contact_parse(&made->contact, wish->contact, v->pool);
    if (!prob)
        prob = acme_account_key_check(acme, v->key, v->pool);
    if (prob)
        return prob;
    made->id = token_id(apr_time_from_sec(v->now), v->pool);
    made->realm = acme->conf->realm;
    made->directory = v->route->directory;
    made->thumbprint = v->key->thumbprint;
    made->jwk = v->key->canonical;
    made->status = "valid";
    if (acme->conf->terms_url && wish->terms_agreed) {
        made->terms_url = acme->conf->terms_url;
        made->terms_agreed_at = v->now;
    }
    made->owner = v->req->user;
    made->created_ip = v->req->client_ip;
    made->created_at = v->now;
    *account = made;
    return NULL;
}

static store_event_t *event_make(const store_account_t *account,
                                 const acme_verified_t *v)
{
    store_event_t *event = acme_audit_event(v, "account.create");
    json_t *detail = json_object(), *contact;

    event->account_id = account->id;
    event->eab_kid = account->eab_kid;
    contact = acme_response_stored(account->contact);
    acme_response_set_string(detail, "directory", account->directory);
    acme_response_set_string(detail, "thumbprint", account->thumbprint);
    if (contact)
        json_object_set_new(detail, "contact", contact);
    acme_response_set_string(detail, "terms", account->terms_url);
    acme_audit_detail(event, detail, v->pool);
    return event;
}

static problem_t *account_create(acme_response_t *res, acme_t *acme,
                                 const acme_verified_t *v, const wish_t *wish)
{
    store_account_t *account, *existing;
    acme_limit_spent_t spent;
    store_event_t *event;
    problem_t *prob = account_make(&account, acme, v, wish);
    apr_status_t rv;

    if (!prob)
        prob = acme_limit_account(&spent, acme, v);
    if (prob)
        return prob;
    event = event_make(account, v);
    rv = store_account_create(&existing, acme->store, account, event, v->pool);
    if (rv != APR_SUCCESS)
        acme_limit_give_back(&spent);
    /* Two at once with one key: one of them made it (T81). */
    if (APR_STATUS_IS_EEXIST(rv) && existing)
        return account_existing(res, acme, existing, v->pool);
    if (rv == STORE_BUDGET)
        return acme_eab_bind_problem(acme, account->eab_kid, v);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "create account");
    acme_audit_tell(acme, event, v->pool);
    /* So that what acmectl said of the key is told before long. */
    if (account->eab_kid)
        acme->host->wake(acme->host->baton);
    jose_cache_put(acme->keys, v->key); /* it will be back at once */
    account_render(res, acme, account, account->eab_kid ? wish->binding : NULL,
                   201, v->pool);
    return NULL;
}

/* The key decides first: whoever has an account gets it, whatever else the
 * request says (RFC 8555 7.3.1, T33). */
problem_t *acme_account_new(acme_response_t *res, acme_t *acme,
                            const acme_verified_t *v)
{
    wish_t wish = {0};
    store_account_t *account;
    problem_t *prob;
    apr_status_t rv;

    rv = store_account_get_by_key(&account, acme->store, acme->conf->realm,
                                  v->route->directory, v->key->thumbprint,
                                  v->pool);
    if (rv == APR_SUCCESS)
        return account_existing(res, acme, account, v->pool);
    if (!APR_STATUS_IS_ENOENT(rv))
        return problem_internal(v->pool, rv, "get account by key");
    prob = wish_parse(&wish, v);
    if (prob)
        return prob;
    if (wish.only_existing)
        return problem_make(v->pool, PROBLEM_ACCOUNT_DOES_NOT_EXIST,
                            "there is no account with this key in this "
                            "directory");
    return account_create(res, acme, v, &wish);
}

/* RFC 8555 7.3.6 */
static problem_t *account_deactivate(acme_response_t *res, acme_t *acme,
                                     const acme_verified_t *v)
{
    store_event_t *event = acme_audit_event(v, "account.deactivate");
    apr_status_t rv =
        store_account_deactivate(acme->store, v->account->id, event, v->pool);

    v->account->status = "deactivated";
    if (APR_STATUS_IS_ENOENT(rv))
        return acme_account_problem(v->account, v->pool);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "deactivate account %s",
                                v->account->id);
    acme_audit_tell(acme, event, v->pool);
    account_render(res, acme, v->account, NULL, 200, v->pool);
    return NULL;
}

static problem_t *account_contact_set(acme_t *acme, const acme_verified_t *v,
                                      json_t *contact)
{
    store_event_t *event = acme_audit_event(v, "account.update");
    const char *text;
    problem_t *prob;
    apr_status_t rv;

    prob = contact_parse(&text, contact, v->pool);
    if (prob || !strcmp(text, v->account->contact))
        return prob;
    acme_audit_detail(
        event, json_pack("{s:o?}", "contact", acme_response_stored(text)),
        v->pool);
    rv = store_account_contact_set(acme->store, v->account->id, text, event,
                                   v->pool);
    if (APR_STATUS_IS_ENOENT(rv)) {
        v->account->status = "deactivated";
        return acme_account_problem(v->account, v->pool);
    }
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "set contact of account %s",
                                v->account->id);
    acme_audit_tell(acme, event, v->pool);
    v->account->contact = text;
    return NULL;
}

/* RFC 8555 7.3.2: only contact, and one value of status, mean something. */
static problem_t *account_update(acme_response_t *res, acme_t *acme,
                                 const acme_verified_t *v)
{
    problem_t *prob;
    const char *status;
    json_t *contact;

    prob = pjson_string(&status, v->payload, "status", v->pool);
    if (prob)
        return prob;
    prob = pjson_array(&contact, v->payload, "contact", v->pool);
    if (prob)
        return prob;
    if (status && !strcmp(status, "deactivated"))
        return account_deactivate(res, acme, v);
    if (contact) {
        prob = account_contact_set(acme, v, contact);
        if (prob)
            return prob;
    }
    account_render(res, acme, v->account, NULL, 200, v->pool);
    return NULL;
}

problem_t *acme_account_post(acme_response_t *res, acme_t *acme,
                             const acme_verified_t *v)
{
    problem_t *prob;

    if (strcmp(v->route->id, v->account->id)) {
        prob = problem_make(v->pool, PROBLEM_MALFORMED,
                            "there is no such account");
        prob->status = 404;
        return prob;
    }
    if (v->payload)
        return account_update(res, acme, v);
    account_render(res, acme, v->account, NULL, 200, v->pool);
    return NULL;
}
