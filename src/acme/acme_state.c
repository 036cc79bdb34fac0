/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/pjson.h"

#include "base/banned.h"

static const char *const authz_names[] = {
    "pending", "valid", "invalid", "deactivated", "expired", "revoked",
};

static const char *const challenge_names[] = {
    "pending",
    "processing",
    "valid",
    "invalid",
};

static const char *const order_names[] = {
    "pending", "ready", "processing", "valid", "invalid",
};

const char *acme_state_authz_name(acme_authz_status_e status)
{
    return authz_names[status];
}

const char *acme_state_challenge_name(acme_challenge_status_e status)
{
    return challenge_names[status];
}

const char *acme_state_order_name(acme_order_status_e status)
{
    return order_names[status];
}

acme_authz_status_e acme_state_authz(const store_authz_t *authz,
                                     apr_int64_t now)
{
    int is_over = authz->expires_at && authz->expires_at <= now;

    if (!strcmp(authz->status, "valid"))
        return is_over ? ACME_AUTHZ_EXPIRED : ACME_AUTHZ_VALID;
    if (!strcmp(authz->status, "pending"))
        return is_over ? ACME_AUTHZ_INVALID : ACME_AUTHZ_PENDING;
    if (!strcmp(authz->status, "deactivated"))
        return ACME_AUTHZ_DEACTIVATED;
    if (!strcmp(authz->status, "revoked"))
        return ACME_AUTHZ_REVOKED;
    return ACME_AUTHZ_INVALID;
}

static int is_attempted(const store_authz_t *authz, const char *type)
{
    return authz->attempted && !strcmp(authz->attempted, type);
}

acme_challenge_status_e acme_state_challenge(const store_authz_t *authz,
                                             const char *type, apr_int64_t now)
{
    if (acme_state_authz(authz, now) == ACME_AUTHZ_PENDING)
        return is_attempted(authz, type) ? ACME_CHALLENGE_PROCESSING
                                         : ACME_CHALLENGE_PENDING;
    /* Born valid: a client that finds "invalid" in there gives up (T62). */
    if (authz->validated_at && !authz->error &&
        (!authz->attempted || is_attempted(authz, type)))
        return ACME_CHALLENGE_VALID;
    return ACME_CHALLENGE_INVALID;
}

int acme_state_is_challenge_shown(const store_authz_t *authz, const char *type,
                                  apr_int64_t now)
{
    if (!authz->attempted || is_attempted(authz, type))
        return 1;
    return acme_state_authz(authz, now) == ACME_AUTHZ_PENDING;
}

int acme_state_needs_authzs(const store_order_t *order, apr_int64_t now)
{
    return !order->cert_id && !order->error && !order->processing_since &&
           order->expires_at > now;
}

acme_order_status_e acme_state_order(const store_order_t *order,
                                     const apr_array_header_t *authzs,
                                     apr_int64_t now)
{
    acme_order_status_e status = ACME_ORDER_READY;
    int i;

    if (order->cert_id)
        return ACME_ORDER_VALID;
    if (order->error)
        return ACME_ORDER_INVALID;
    if (order->processing_since)
        return ACME_ORDER_PROCESSING;
    /* Without an authorization nothing is proven. */
    if (order->expires_at <= now || !authzs->nelts)
        return ACME_ORDER_INVALID;
    for (i = 0; i < authzs->nelts; i++) {
        const store_authz_t *authz =
            APR_ARRAY_IDX(authzs, i, const store_authz_t *);

        switch (acme_state_authz(authz, now)) {
        case ACME_AUTHZ_VALID:
            break;
        case ACME_AUTHZ_PENDING:
            status = ACME_ORDER_PENDING;
            break;
        default:
            return ACME_ORDER_INVALID;
        }
    }
    return status;
}

static problem_type_e type_of(const char *urn)
{
    int type;

    for (type = 0; urn && type < PROBLEM_TYPE_COUNT; type++)
        if (!strcmp(problem_urn((problem_type_e)type), urn))
            return (problem_type_e)type;
    return PROBLEM_UNAUTHORIZED;
}

/* What the validation found, once more as a problem. */
static problem_t *validation_problem(const store_authz_t *authz,
                                     apr_pool_t *pool)
{
    json_t *json;
    const char *detail;

    if (!authz->error ||
        pjson_parse(&json, authz->error, strlen(authz->error), "error", pool))
        return problem_make(pool, PROBLEM_UNAUTHORIZED,
                            "the authorization for %s was not fulfilled before "
                            "%s",
                            authz->value,
                            clock_rfc3339(authz->expires_at, pool));
    detail = json_string_value(json_object_get(json, "detail"));
    return problem_make(
        pool, type_of(json_string_value(json_object_get(json, "type"))), "%s",
        detail ? detail : "the validation failed");
}

static problem_t *authz_problem(const store_authz_t *authz, apr_int64_t now,
                                apr_pool_t *pool)
{
    acme_authz_status_e status = acme_state_authz(authz, now);

    if (status == ACME_AUTHZ_INVALID)
        return validation_problem(authz, pool);
    return problem_make(pool, PROBLEM_UNAUTHORIZED,
                        "the authorization for %s is %s", authz->value,
                        acme_state_authz_name(status));
}

problem_t *acme_state_order_problem(const store_order_t *order,
                                    const apr_array_header_t *authzs,
                                    apr_int64_t now, apr_pool_t *pool)
{
    apr_array_header_t *subs;
    int i;

    if (order->expires_at <= now)
        return problem_make(pool, PROBLEM_MALFORMED, "the order expired at %s",
                            clock_rfc3339(order->expires_at, pool));
    subs = apr_array_make(pool, 1, sizeof(problem_t *));
    for (i = 0; i < authzs->nelts; i++) {
        const store_authz_t *authz =
            APR_ARRAY_IDX(authzs, i, const store_authz_t *);
        acme_authz_status_e status = acme_state_authz(authz, now);
        identifier_t *identifier;
        problem_t *sub;
        int type;

        if (status == ACME_AUTHZ_PENDING || status == ACME_AUTHZ_VALID)
            continue;
        identifier = apr_palloc(pool, sizeof(*identifier));
        type = identifier_type_find(authz->type);
        identifier->type = type < 0 ? IDENTIFIER_DNS : (identifier_type_e)type;
        identifier->value = authz->value;
        sub = authz_problem(authz, now, pool);
        sub->identifier = identifier;
        APR_ARRAY_PUSH(subs, problem_t *) = sub;
    }
    return problem_fold(subs, pool);
}

problem_t *acme_state_not_found(const char *what, apr_pool_t *pool)
{
    problem_t *prob =
        problem_make(pool, PROBLEM_MALFORMED, "there is no such %s", what);

    prob->status = 404;
    return prob;
}
