/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_state.h"

#include <apr_strings.h>
#include <string.h>

#include "base/pjson.h"
#include "tap.h"

#define NOW     APR_INT64_C(1790000000) /* 2026-09-21T14:13:20Z */
#define PAST    (NOW - 1)
#define FUTURE  (NOW + 1)
#define PROBLEM "{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"d\"}"

/* Rows that expire then; what is left out is NULL or 0. */
#define AUTHZ(then, ...)                                                       \
    (&(store_authz_t){                                                         \
        .type = "dns", .value = "a.test", .expires_at = (then), __VA_ARGS__})
#define ORDER(then, ...)                                                       \
    (&(store_order_t){.created_at = PAST, .expires_at = (then), __VA_ARGS__})

static void names(apr_pool_t *pool)
{
    is_str(acme_state_authz_name(ACME_AUTHZ_PENDING), "pending");
    is_str(acme_state_authz_name(ACME_AUTHZ_VALID), "valid");
    is_str(acme_state_authz_name(ACME_AUTHZ_INVALID), "invalid");
    is_str(acme_state_authz_name(ACME_AUTHZ_DEACTIVATED), "deactivated");
    is_str(acme_state_authz_name(ACME_AUTHZ_EXPIRED), "expired");
    is_str(acme_state_authz_name(ACME_AUTHZ_REVOKED), "revoked");
    is_str(acme_state_challenge_name(ACME_CHALLENGE_PENDING), "pending");
    is_str(acme_state_challenge_name(ACME_CHALLENGE_PROCESSING), "processing");
    is_str(acme_state_challenge_name(ACME_CHALLENGE_VALID), "valid");
    is_str(acme_state_challenge_name(ACME_CHALLENGE_INVALID), "invalid");
    is_str(acme_state_order_name(ACME_ORDER_PENDING), "pending");
    is_str(acme_state_order_name(ACME_ORDER_READY), "ready");
    is_str(acme_state_order_name(ACME_ORDER_PROCESSING), "processing");
    is_str(acme_state_order_name(ACME_ORDER_VALID), "valid");
    is_str(acme_state_order_name(ACME_ORDER_INVALID), "invalid");
}

static void authzs(apr_pool_t *pool)
{
    static const struct {
        const char *row, *before, *after; /* its expiry */
    } cases[] = {{"pending", "pending", "invalid"},
                 {"valid", "valid", "expired"},
                 {"invalid", "invalid", "invalid"},
                 {"deactivated", "deactivated", "deactivated"},
                 {"revoked", "revoked", "revoked"},
                 {"", "invalid", "invalid"},
                 {"Valid", "invalid", "invalid"},
                 {"what?", "invalid", "invalid"},
                 {NULL, NULL, NULL}};
    store_authz_t authz = {.type = "dns", .value = "a.test"};
    int i;

    for (i = 0; cases[i].row; i++) {
        authz.status = cases[i].row;
        authz.expires_at = FUTURE;
        is_str(acme_state_authz_name(acme_state_authz(&authz, NOW)),
               cases[i].before);
        authz.expires_at = NOW; /* the very second is over */
        is_str(acme_state_authz_name(acme_state_authz(&authz, NOW)),
               cases[i].after);
        authz.expires_at = PAST;
        is_str(acme_state_authz_name(acme_state_authz(&authz, NOW)),
               cases[i].after);
        authz.expires_at = 0; /* never */
        is_str(acme_state_authz_name(acme_state_authz(&authz, NOW)),
               cases[i].before);
    }
}

static void challenge_is(const store_authz_t *authz, const char *http,
                         const char *dns)
{
    is_str(
        acme_state_challenge_name(acme_state_challenge(authz, "http-01", NOW)),
        http);
    is_str(
        acme_state_challenge_name(acme_state_challenge(authz, "dns-01", NOW)),
        dns);
}

static void challenges(apr_pool_t *pool)
{
    challenge_is(AUTHZ(FUTURE, .status = "pending"), "pending", "pending");
    challenge_is(AUTHZ(FUTURE, .status = "pending", .attempted = "http-01"),
                 "processing", "pending");
    challenge_is(AUTHZ(FUTURE, .status = "pending", .attempted = "dns-01"),
                 "pending", "processing");
    challenge_is(AUTHZ(FUTURE, .status = "valid", .attempted = "http-01",
                       .validated_at = PAST),
                 "valid", "invalid");
    challenge_is(AUTHZ(FUTURE, .status = "invalid", .attempted = "http-01",
                       .validated_at = PAST, .error = PROBLEM),
                 "invalid", "invalid");
    challenge_is(AUTHZ(FUTURE, .status = "invalid", .attempted = "http-01",
                       .error = PROBLEM),
                 "invalid", "invalid");
    /* T62, R17: born valid, nobody was asked */
    challenge_is(AUTHZ(FUTURE, .status = "valid", .validated_at = PAST),
                 "valid", "valid");
    /* deactivated before and after somebody answered it (T68) */
    challenge_is(AUTHZ(FUTURE, .status = "deactivated"), "invalid", "invalid");
    challenge_is(AUTHZ(FUTURE, .status = "deactivated", .attempted = "http-01",
                       .validated_at = PAST),
                 "valid", "invalid");
    /* nobody answered, or no result came, in time */
    challenge_is(AUTHZ(PAST, .status = "pending"), "invalid", "invalid");
    challenge_is(AUTHZ(PAST, .status = "pending", .attempted = "http-01"),
                 "invalid", "invalid");
}

/* T66: an error while it is tried again; R9: nothing final in a pending
 * authorization. */
static void retried(apr_pool_t *pool)
{
    challenge_is(AUTHZ(FUTURE, .status = "pending", .attempted = "http-01",
                       .error = PROBLEM),
                 "processing", "pending");
}

static void shown_is(const store_authz_t *authz, int http, int dns)
{
    is_int(acme_state_is_challenge_shown(authz, "http-01", NOW), http);
    is_int(acme_state_is_challenge_shown(authz, "dns-01", NOW), dns);
}

static void shown(apr_pool_t *pool)
{
    shown_is(AUTHZ(FUTURE, .status = "pending"), 1, 1);
    shown_is(AUTHZ(FUTURE, .status = "pending", .attempted = "http-01"), 1, 1);
    shown_is(AUTHZ(FUTURE, .status = "valid", .attempted = "http-01"), 1, 0);
    shown_is(AUTHZ(FUTURE, .status = "valid", .attempted = "dns-01"), 0, 1);
    shown_is(AUTHZ(FUTURE, .status = "invalid", .attempted = "http-01"), 1, 0);
    shown_is(AUTHZ(FUTURE, .status = "invalid"), 1, 1);
    shown_is(AUTHZ(FUTURE, .status = "deactivated"), 1, 1);
    shown_is(AUTHZ(PAST, .status = "valid", .attempted = "dns-01"), 0, 1);
}

/* Authorizations of these states, words with blanks; "expired" and "late" (a
 * pending one whose time is over) are not what the row says. */
static apr_array_header_t *list(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *authz_list =
        apr_array_make(pool, 4, sizeof(store_authz_t *));
    char *state, *word, *copy = apr_pstrdup(pool, text);

    for (word = apr_strtok(copy, " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        store_authz_t *authz = apr_pcalloc(pool, sizeof(*authz));

        authz->type = "dns";
        authz->value = apr_psprintf(pool, "n%d.test", authz_list->nelts);
        authz->status = word;
        authz->expires_at = FUTURE;
        if (!strcmp(word, "expired") || !strcmp(word, "late")) {
            authz->status = *word == 'e' ? "valid" : "pending";
            authz->expires_at = PAST;
        }
        if (!strcmp(word, "invalid"))
            authz->error = PROBLEM;
        APR_ARRAY_PUSH(authz_list, store_authz_t *) = authz;
    }
    return authz_list;
}

static void order_is(const char *want, const store_order_t *order,
                     const char *states, apr_pool_t *pool)
{
    acme_order_status_e status =
        acme_state_order(order, states ? list(states, pool) : NULL, NOW);

    ok(!strcmp(acme_state_order_name(status), want), "%s: %s, want %s", states,
       acme_state_order_name(status), want);
    is_int(acme_state_needs_authzs(order, NOW), states != NULL);
}

static void orders_by_authzs(apr_pool_t *pool)
{
    static const char *const cases[][2] = {
        {"ready", "valid"},
        {"ready", "valid valid valid"},
        {"pending", "pending"},
        {"pending", "valid pending valid"},
        {"pending", "pending pending"},
        {"invalid", "invalid"},
        {"invalid", "valid invalid"},
        {"invalid", "pending invalid"},
        {"invalid", "invalid pending"},
        {"invalid", "valid expired"},
        {"invalid", "expired"},
        {"invalid", "pending expired"},
        {"invalid", "late"},
        {"invalid", "valid late"},
        {"invalid", "deactivated"},
        {"invalid", "valid deactivated valid"},
        {"invalid", "revoked"},
        {"invalid", "valid revoked"},
        {"invalid", "valid what?"},
        {"invalid", ""}, /* nothing is proven */
        {NULL, NULL}};
    int i;

    for (i = 0; cases[i][0]; i++)
        order_is(cases[i][0], ORDER(FUTURE, .id = "x"), cases[i][1], pool);
}

/* What happened stays, whatever becomes of the authorizations. */
static void orders_by_events(apr_pool_t *pool)
{
    order_is("processing", ORDER(FUTURE, .processing_since = PAST), NULL, pool);
    order_is("processing", ORDER(PAST, .processing_since = PAST), NULL, pool);
    order_is("valid", ORDER(FUTURE, .processing_since = PAST, .cert_id = "c"),
             NULL, pool);
    order_is("valid", ORDER(PAST, .cert_id = "c"), NULL, pool);
    order_is("invalid",
             ORDER(FUTURE, .processing_since = PAST, .error = PROBLEM), NULL,
             pool);
    order_is("invalid", ORDER(FUTURE, .error = PROBLEM), NULL, pool);
    order_is("invalid", ORDER(PAST, .id = "x"), NULL, pool);
    order_is("invalid", ORDER(NOW, .id = "x"), NULL, pool);
}

/* The last authorization becomes valid, the order is ready: one event. */
static void at_once(apr_pool_t *pool)
{
    apr_array_header_t *authz_list = list("valid pending", pool);
    store_authz_t *last = APR_ARRAY_IDX(authz_list, 1, store_authz_t *);

    is_int(acme_state_order(ORDER(FUTURE, .id = "x"), authz_list, NOW),
           ACME_ORDER_PENDING);
    last->status = "valid";
    is_int(acme_state_order(ORDER(FUTURE, .id = "x"), authz_list, NOW),
           ACME_ORDER_READY);
}

static problem_t *problem_of(const char *states, apr_pool_t *pool)
{
    problem_t *prob = acme_state_order_problem(ORDER(FUTURE, .id = "x"),
                                               list(states, pool), NOW, pool);

    if (prob)
        ok(pjson_text(problem_render(prob, pool), 0, pool));
    return prob;
}

static void order_problems(apr_pool_t *pool)
{
    static const char *const cases[][3] = {
        {"invalid", "dns", "d"},
        {"valid invalid", "dns", "d"},
        {"expired", "unauthorized", "for n0.test is expired"},
        {"valid deactivated", "unauthorized", "for n1.test is deactivated"},
        {"revoked", "unauthorized", "is revoked"},
        {"late", "unauthorized", "not fulfilled before 2026-09-21T14:13:19Z"},
        {NULL, NULL, NULL}};
    problem_t *prob;
    int i;

    for (i = 0; cases[i][0]; i++) {
        prob = problem_of(cases[i][0], pool);
        need(prob);
        is_str(problem_name(prob->type), cases[i][1]);
        ok(strstr(prob->detail, cases[i][2]), "%s in %s", cases[i][2],
           prob->detail);
        ok(!prob->identifier && !prob->subproblems);
    }
    ok(!problem_of("valid", pool));
    ok(!problem_of("pending valid", pool));
    prob = acme_state_order_problem(ORDER(PAST, .id = "x"), NULL, NOW, pool);
    need(prob);
    ok(strstr(prob->detail, "expired at 2026-09-21T14:13:19Z"));
}

static void several(apr_pool_t *pool)
{
    problem_t *prob = problem_of("invalid valid expired", pool), *sub;

    need(prob && prob->subproblems);
    is_str(problem_name(prob->type), "compound");
    is_int(prob->subproblems->nelts, 2);
    sub = APR_ARRAY_IDX(prob->subproblems, 0, problem_t *);
    is_str(problem_name(sub->type), "dns");
    is_str(sub->identifier->value, "n0.test");
    sub = APR_ARRAY_IDX(prob->subproblems, 1, problem_t *);
    is_str(sub->identifier->value, "n2.test");
}

/* A row's error that is none of ours is no reason to fail. */
static void strange_errors(apr_pool_t *pool)
{
    static const char *const errors[] = {
        "",
        "x",
        "{}",
        "[]",
        "5",
        "{\"type\":5,\"detail\":7}",
        "{\"type\":\"urn:x\",\"detail\":\"d\"}",
        "{\"detail\":",
        NULL};
    apr_array_header_t *authz_list = list("invalid", pool);
    problem_t *prob;
    int i;

    for (i = 0; errors[i]; i++) {
        APR_ARRAY_IDX(authz_list, 0, store_authz_t *)->error = errors[i];
        prob = acme_state_order_problem(ORDER(FUTURE, .id = "x"), authz_list,
                                        NOW, pool);
        need(prob);
        is_str(problem_name(prob->type), "unauthorized");
        ok(pjson_text(problem_render(prob, pool), 0, pool));
    }
}

static void not_found(apr_pool_t *pool)
{
    problem_t *prob = acme_state_not_found("order", pool);

    is_int(prob->status, 404);
    is_str(problem_name(prob->type), "malformed");
    is_str(prob->detail, "there is no such order");
}

const tap_case_t tap_cases[] = {
    {"RFC 8555 7.1.6 the wire's words", names},
    {"T51 T54 authorizations, before and after their expiry", authzs},
    {"challenges", challenges},
    {"T66 R9 a challenge that is tried again", retried},
    {"T62 which challenges are shown", shown},
    {"T54 orders, by their authorizations", orders_by_authzs},
    {"T54 orders, by what happened to them", orders_by_events},
    {"T53 R16 the last valid authorization makes the order ready", at_once},
    {"T54 why an order is invalid", order_problems},
    {"T28 several reasons: subproblems with identifiers", several},
    {"stored errors that are no problem documents", strange_errors},
    {"T29 no such thing", not_found},
    {NULL, NULL}};
