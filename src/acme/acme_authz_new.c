/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_authz_new.h"

#include "acme/acme_audit.h"
#include "acme/acme_authz.h"
#include "acme/acme_authz_make.h"
#include "acme/acme_identifier.h"
#include "acme/acme_issue.h"
#include "acme/acme_limit_check.h"
#include "acme/acme_profile.h"
#include "acme/acme_response.h"
#include "base/pjson.h"

#include "base/banned.h"

/* What the client asks for, checked. */
typedef struct {
    const acme_eab_t *eab; /* of the account; NULL: none */
    const acme_profile_t *profile;
    const identifier_t *identifier;
    apr_array_header_t *identifiers; /* the one */
    int is_above; /* for all names below it, too (RFC 9444) */
} wish_t;

/* RFC 8555 7.4.1: what we would not issue for is refused with 403. */
static problem_t *identifier_check(wish_t *wish, const acme_t *acme,
                                   const acme_verified_t *v)
{
    if (identifier_is_wildcard(wish->identifier))
        return problem_make(v->pool, PROBLEM_REJECTED_IDENTIFIER,
                            "a wildcard name cannot be authorized beforehand "
                            "(RFC 8555 7.4.1); place an order for it");
    return acme_profile_names_check(wish->profile, acme, v, wish->eab,
                                    wish->identifiers);
}

static problem_t *wish_parse(wish_t *wish, acme_t *acme,
                             const acme_verified_t *v)
{
    int flags = acme->conf->underscore ? IDENTIFIER_UNDERSCORE : 0;
    identifier_t *identifier;
    json_t *json;
    problem_t *prob = acme_eab_get(&wish->eab, acme, v);

    if (!prob)
        prob = acme_profile_select(&wish->profile, acme, v, wish->eab);
    if (!prob)
        prob = acme_issue_profile_check(acme, wish->profile, v->pool);
    if (!prob)
        prob = pjson_object(&json, v->payload, "identifier", v->pool);
    if (!prob)
        prob = acme_identifier_take(&identifier, json, flags, v->pool);
    if (!prob)
        prob =
            pjson_bool(&wish->is_above, json, "subdomainAuthAllowed", v->pool);
    if (prob) {
        prob->identifier = NULL; /* only in subproblems (T28) */
        return prob;
    }
    wish->identifier = identifier;
    /* Where that is not allowed, it is for the one name (RFC 9444 4.2). */
    wish->is_above = wish->is_above && identifier->type == IDENTIFIER_DNS &&
                     acme_conf_has_subdomains(wish->profile);
    wish->identifiers = apr_array_make(v->pool, 1, sizeof(identifier_t *));
    APR_ARRAY_PUSH(wish->identifiers, identifier_t *) = identifier;
    return identifier_check(wish, acme, v);
}

static store_event_t *event_make(const store_authz_t *authz,
                                 const acme_verified_t *v)
{
    store_event_t *event = acme_audit_event(v, "authz.create");
    json_t *detail = json_object();

    event->authz_id = authz->id;
    acme_response_set_string(detail, "profile", authz->profile);
    acme_response_set_string(detail, "name", authz->value);
    if (authz->subdomains)
        json_object_set_new(detail, "subdomains", json_true());
    acme_audit_detail(event, detail, v->pool);
    return event;
}

static problem_t *authz_store(const store_authz_t *authz, acme_t *acme,
                              const acme_verified_t *v)
{
    int max = (int)acme->conf->limits[ACME_LIMIT_PENDING_AUTHZS].count;
    store_event_t *event = event_make(authz, v);
    apr_status_t rv =
        store_authz_create(acme->store, authz, max, event, v->pool);

    if (rv == STORE_FULL_AUTHZS)
        return acme_limit_pending(acme, ACME_LIMIT_PENDING_AUTHZS, v->pool);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "create authz");
    acme_audit_tell(acme, event, v->pool);
    return NULL;
}

static problem_t *authz_create(store_authz_t **authz, acme_t *acme,
                               const wish_t *wish, const acme_verified_t *v)
{
    acme_limit_spent_t spent = {0};
    problem_t *prob = acme_limit_order(&spent, acme, v, wish->identifiers);

    if (!prob)
        prob = acme_limit_validation(acme, v, wish->identifier);
    if (!prob) {
        *authz = (wish->is_above ? acme_authz_make_above : acme_authz_make)(
            acme, v, wish->profile, wish->eab, wish->identifier,
            v->now + acme->conf->order_lifetime);
        prob = authz_store(*authz, acme, v);
    }
    if (prob)
        acme_limit_give_back(&spent);
    return prob;
}

problem_t *acme_authz_new(acme_response_t *res, acme_t *acme,
                          const acme_verified_t *v)
{
    wish_t wish = {0};
    store_authz_t *authz;
    problem_t *prob = wish_parse(&wish, acme, v);

    if (!prob)
        prob = wish.is_above
                   ? acme_authz_reuse_above(&authz, acme, v, wish.profile,
                                            wish.identifier)
                   : acme_authz_reuse(&authz, acme, v, wish.profile, wish.eab,
                                      wish.identifier);
    if (!prob && !authz)
        prob = authz_create(&authz, acme, &wish, v);
    if (prob)
        return prob;
    acme_authz_answer(res, acme, authz, v, 201);
    acme_response_location(res, acme_route_url(acme->conf, ACME_ROUTE_AUTHZ,
                                               authz->directory, authz->id,
                                               NULL, v->pool));
    return NULL;
}
