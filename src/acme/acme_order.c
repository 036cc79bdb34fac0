/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_order.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_response.h"
#include "base/own.h"

#include "base/banned.h"

#define PAGE 50
/* Seconds after which a processing order makes us look for dead owners. */
#define PROCESSING_NORMAL 1

static problem_t *authzs_load(apr_array_header_t **authzs, acme_t *acme,
                              const store_order_t *row, apr_pool_t *pool)
{
    int i;

    *authzs =
        apr_array_make(pool, row->authz_ids->nelts, sizeof(store_authz_t *));
    for (i = 0; i < row->authz_ids->nelts; i++) {
        const char *id = APR_ARRAY_IDX(row->authz_ids, i, const char *);
        store_authz_t *authz;
        apr_status_t rv = store_authz_get(&authz, acme->store, id, pool);

        if (rv != APR_SUCCESS)
            return problem_internal(pool, rv, "get authz %s of order %s", id,
                                    row->id);
        APR_ARRAY_PUSH(*authzs, store_authz_t *) = authz;
    }
    return NULL;
}

/* row → order with its status. */
static problem_t *order_compute(acme_order_t *order, acme_t *acme,
                                store_order_t *row, apr_int64_t now,
                                apr_pool_t *pool)
{
    problem_t *prob;

    order->row = row;
    order->authzs = NULL;
    if (acme_state_needs_authzs(row, now)) {
        prob = authzs_load(&order->authzs, acme, row, pool);
        if (prob)
            return prob;
    }
    order->status = acme_state_order(row, order->authzs, now);
    return NULL;
}

problem_t *acme_order_find(acme_order_t *order, acme_t *acme, const char *id,
                           apr_int64_t now, apr_pool_t *pool)
{
    apr_status_t rv = store_order_get(&order->row, acme->store, id, pool);

    if (APR_STATUS_IS_ENOENT(rv))
        return NULL;
    if (rv != APR_SUCCESS)
        return problem_internal(pool, rv, "get order %s", id);
    return order_compute(order, acme, order->row, now, pool);
}

problem_t *acme_order_load(acme_order_t *order, acme_t *acme,
                           const acme_verified_t *v)
{
    problem_t *prob =
        acme_order_find(order, acme, v->route->id, v->now, v->pool);

    if (prob)
        return prob;
    if (!order->row || strcmp(order->row->account_id, v->account->id))
        return acme_state_not_found("order", v->pool);
    return NULL;
}

static json_t *identifiers_render(const char *text, apr_pool_t *pool)
{
    const apr_array_header_t *list = identifier_list_from_text(text, pool);
    json_t *json = json_array();
    int i;

    for (i = 0; list && i < list->nelts; i++) {
        const identifier_t *id = APR_ARRAY_IDX(list, i, const identifier_t *);
        json_t *member = json_object();

        acme_response_set_string(member, "type",
                                 identifier_type_name(id->type));
        acme_response_set_string(member, "value", id->value);
        json_array_append_new(json, member);
    }
    return json;
}

static json_t *authorizations_render(const acme_t *acme,
                                     const store_order_t *row, apr_pool_t *pool)
{
    json_t *json = json_array();
    int i;

    for (i = 0; i < row->authz_ids->nelts; i++)
        json_array_append_new(
            json,
            json_string(acme_route_url(
                acme->conf, ACME_ROUTE_AUTHZ, row->directory,
                APR_ARRAY_IDX(row->authz_ids, i, const char *), NULL, pool)));
    return json;
}

static json_t *error_render(const acme_order_t *order, apr_int64_t now,
                            apr_pool_t *pool)
{
    problem_t *prob;

    if (order->row->error)
        return acme_response_stored(order->row->error);
    prob = acme_state_order_problem(order->row, order->authzs, now, pool);
    return prob ? json_incref(problem_render(prob, pool)) : NULL;
}

static void order_render(json_t *json, const acme_t *acme,
                         const acme_order_t *order, apr_int64_t now,
                         apr_pool_t *pool)
{
    const store_order_t *row = order->row;
    json_t *error;

    acme_response_set_string(json, "status",
                             acme_state_order_name(order->status));
    acme_response_set_time(json, "expires", row->expires_at, pool);
    json_object_set_new(json, "identifiers",
                        identifiers_render(row->identifiers, pool));
    acme_response_set_string(json, "profile", row->profile);
    acme_response_set_time(json, "notBefore", row->not_before, pool);
    acme_response_set_time(json, "notAfter", row->not_after, pool);
    acme_response_set_string(json, "replaces", row->replaces);
    json_object_set_new(json, "authorizations",
                        authorizations_render(acme, row, pool));
    acme_response_set_string(json, "finalize",
                             acme_route_url(acme->conf, ACME_ROUTE_FINALIZE,
                                            row->directory, row->id, NULL,
                                            pool));
    if (order->status == ACME_ORDER_VALID)
        acme_response_set_string(json, "certificate",
                                 acme_route_url(acme->conf, ACME_ROUTE_CERT,
                                                row->directory, row->cert_id,
                                                NULL, pool));
    if (order->status == ACME_ORDER_INVALID) {
        error = error_render(order, now, pool);
        if (error)
            json_object_set_new(json, "error", error);
    }
}

void acme_order_answer(acme_response_t *res, const acme_t *acme,
                       const acme_verified_t *v, const acme_order_t *order,
                       int status)
{
    json_t *json = own_json(v->pool, json_object());

    order_render(json, acme, order, v->now, v->pool);
    acme_response_json(res, status, json, v->pool);
    acme_response_location(res, acme_route_url(acme->conf, ACME_ROUTE_ORDER,
                                               order->row->directory,
                                               order->row->id, NULL, v->pool));
    if (order->status == ACME_ORDER_PROCESSING)
        acme_response_retry_after(res, 1, v->pool);
    res->order = order->row->id;
}

void acme_order_progress(acme_t *acme, const acme_order_t *order,
                         const acme_verified_t *v)
{
    if (order->status == ACME_ORDER_PROCESSING &&
        order->row->processing_since + PROCESSING_NORMAL < v->now)
        acme->host->wake(acme->host->baton);
}

problem_t *acme_order_get(acme_response_t *res, acme_t *acme,
                          const acme_verified_t *v)
{
    acme_order_t order;
    problem_t *prob = acme_order_load(&order, acme, v);

    if (prob)
        return prob;
    acme_order_progress(acme, &order, v);
    acme_order_answer(res, acme, v, &order, 200);
    return NULL;
}

/* The URLs of rows that are not invalid (RFC 8555 7.1.2.1). */
static problem_t *list_render(json_t *urls, acme_t *acme,
                              const apr_array_header_t *rows, int count,
                              const acme_verified_t *v)
{
    apr_pool_t *pool;
    problem_t *prob;
    int i;

    apr_pool_create(&pool, v->pool);
    for (i = 0; i < count; i++) {
        store_order_t *row = APR_ARRAY_IDX(rows, i, store_order_t *);
        acme_order_t order;

        prob = order_compute(&order, acme, row, v->now, pool);
        if (prob)
            return prob;
        if (order.status != ACME_ORDER_INVALID)
            json_array_append_new(
                urls, json_string(acme_route_url(acme->conf, ACME_ROUTE_ORDER,
                                                 row->directory, row->id, NULL,
                                                 pool)));
        apr_pool_clear(pool);
    }
    return NULL;
}

static void next_link(acme_response_t *res, const acme_t *acme,
                      const store_order_t *last, const acme_verified_t *v)
{
    const char *url =
        acme_route_url(acme->conf, ACME_ROUTE_ORDERS, v->account->directory,
                       v->account->id, NULL, v->pool);

    acme_response_link(res,
                       apr_pstrcat(v->pool, url, "?cursor=", last->id, NULL),
                       "next", v->pool);
}

problem_t *acme_order_list(acme_response_t *res, acme_t *acme,
                           const acme_verified_t *v)
{
    json_t *json = own_json(v->pool, json_object());
    json_t *urls = json_array();
    apr_array_header_t *rows;
    problem_t *prob;
    apr_status_t rv;
    int count;

    json_object_set_new(json, "orders", urls);
    if (strcmp(v->route->id, v->account->id))
        return acme_state_not_found("account", v->pool);
    rv = store_order_list(&rows, acme->store, v->account->id, v->route->cursor,
                          PAGE + 1, v->pool);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "list orders of account %s",
                                v->account->id);
    count = rows->nelts > PAGE ? PAGE : rows->nelts;
    prob = list_render(urls, acme, rows, count, v);
    if (prob)
        return prob;
    acme_response_json(res, 200, json, v->pool);
    if (rows->nelts > count)
        next_link(res, acme, APR_ARRAY_IDX(rows, count - 1, store_order_t *),
                  v);
    return NULL;
}
