/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>

#include "store/store_authz.c"

/* Account "a" with order "o" and these authorizations. */
static help_t *setup(apr_pool_t *pool, store_authz_t *first,
                     store_authz_t *second)
{
    help_t *help = help_make(pool);
    apr_array_header_t *authzs = apr_array_make(pool, 2, sizeof(void *));

    is_int(help_add(help, "a"), APR_SUCCESS);
    APR_ARRAY_PUSH(authzs, store_authz_t *) = first;
    if (second)
        APR_ARRAY_PUSH(authzs, store_authz_t *) = second;
    is_int(store_order_create(help->store, help_order("o", "a", pool), authzs,
                              NULL, NULL, pool),
           APR_SUCCESS);
    return help;
}

static store_authz_t *get(help_t *help, const char *id)
{
    store_authz_t *authz;

    is_int(store_authz_get(&authz, help->store, id, help->pool), APR_SUCCESS);
    return authz ? authz : help_authz("none", "none", help->pool);
}

static int has_job(help_t *help)
{
    apr_array_header_t *jobs;

    /* A lease that is over at once: the next look finds it again. */
    is_int(store_job_claim(&jobs, help->store, "me", 0, 1, 90000, help->pool),
           APR_SUCCESS);
    return jobs->nelts > 0;
}

static void round_trip(apr_pool_t *pool)
{
    store_authz_t *made = help_authz("z", "a", pool), *got;
    help_t *help;

    made->realm = "r";
    made->directory = "d";
    made->wildcard = 1;
    made->status = "valid";
    made->attempted = "dns-01";
    made->attempted_at = 1;
    made->thumbprint = "t";
    made->error = "{}";
    made->validated_at = 2;
    help = setup(pool, made, NULL);
    got = get(help, "z");
    is_str(got->account_id, "a");
    is_str(got->realm, "r");
    is_str(got->directory, "d");
    is_str(got->type, "dns");
    is_str(got->value, "z.test");
    is_int(got->wildcard, 1);
    is_str(got->status, "valid");
    is_str(got->token, "token");
    is_str(got->challenges, "http-01");
    is_str(got->attempted, "dns-01");
    is_int(got->attempted_at, 1);
    is_str(got->thumbprint, "t");
    is_str(got->error, "{}");
    is_int(got->validated_at, 2);
    is_int(got->created_at, 1000);
    is_int(got->expires_at, 5000);
    is_int(store_authz_get(&got, help->store, "y", pool), APR_ENOENT);
}

static void attempt(apr_pool_t *pool)
{
    help_t *help = setup(pool, help_authz("z", "a", pool), NULL);
    store_job_t *job = help_job("j", "validate", "z", pool);

    is_int(store_authz_attempt(help->store, "z", "http-01", "thumb", 1500, job,
                               NULL, pool),
           APR_SUCCESS);
    is_str(get(help, "z")->attempted, "http-01");
    is_str(get(help, "z")->thumbprint, "thumb");
    is_int(get(help, "z")->attempted_at, 1500);
    is_str(get(help, "z")->status, "pending");
    ok(has_job(help));
    job->id = "j2";
    is_int(store_authz_attempt(help->store, "z", "dns-01", "t2", 1600, job,
                               NULL, pool),
           APR_EEXIST);
    is_int(store_authz_attempt(help->store, "y", "dns-01", "t2", 1600, job,
                               NULL, pool),
           APR_EEXIST);
    is_str(get(help, "z")->attempted, "http-01");
}

static void record(apr_pool_t *pool, const char *error)
{
    help_t *help = setup(pool, help_authz("z", "a", pool), NULL);
    store_job_t *job = help_job("j", "validate", "z", pool);

    is_int(store_authz_record(help->store, "z", "j", error, 8000, 1600, NULL,
                              pool),
           APR_EEXIST); /* not attempted */
    is_int(store_authz_attempt(help->store, "z", "http-01", "thumb", 1500, job,
                               NULL, pool),
           APR_SUCCESS);
    is_int(store_authz_record(help->store, "z", "j", error, 8000, 1600, NULL,
                              pool),
           APR_SUCCESS);
    is_str(get(help, "z")->status, error ? "invalid" : "valid");
    is_str(get(help, "z")->error, error);
    is_int(get(help, "z")->expires_at, error ? 5000 : 8000);
    is_int(get(help, "z")->validated_at, error ? 0 : 1600);
    ok(!has_job(help));
    is_int(
        store_authz_record(help->store, "z", "j", NULL, 9000, 1700, NULL, pool),
        APR_EEXIST);
    is_int(get(help, "z")->expires_at, error ? 5000 : 8000);
}

static void record_valid(apr_pool_t *pool)
{
    record(pool, NULL);
}

static void record_invalid(apr_pool_t *pool)
{
    record(pool, "{\"type\":\"x\"}");
}

static store_authz_t *attempted(help_t *help, const char *how)
{
    store_authz_t *authz = get(help, "z");

    authz->attempted = how;
    authz->thumbprint = "thumb";
    authz->attempted_at = 1500;
    return authz;
}

static void prove(apr_pool_t *pool)
{
    help_t *help = setup(pool, help_authz("z", "a", pool), NULL);
    store_authz_t *authz = attempted(help, "http-01"), *again;

    is_int(store_authz_prove(authz, help->store, "z", 8000, 1600, NULL),
           APR_SUCCESS);
    again = get(help, "z");
    is_str(again->status, "valid");
    is_str(again->attempted, "http-01");
    is_str(again->thumbprint, "thumb");
    is_int(again->attempted_at, 1500);
    is_int(again->validated_at, 1600);
    is_int(again->expires_at, 8000);
    is_str(authz->status, again->status);
    is_int(authz->validated_at, again->validated_at);
    is_int(authz->expires_at, again->expires_at);
    is_int(store_authz_prove(authz, help->store, "z", 9000, 1700, NULL),
           APR_EEXIST);
    is_int(get(help, "z")->expires_at, 8000);
}

/* Somebody else has accepted it: another way is lost, the same is proven. */
static void prove_late(apr_pool_t *pool)
{
    help_t *help = setup(pool, help_authz("z", "a", pool), NULL);
    store_job_t *job = help_job("j", "validate", "z", pool);

    is_int(store_authz_attempt(help->store, "z", "http-01", "thumb", 1500, job,
                               NULL, pool),
           APR_SUCCESS);
    is_int(store_authz_prove(attempted(help, "dns-01"), help->store, "j", 8000,
                             1600, NULL),
           APR_EEXIST);
    ok(has_job(help));
    is_str(get(help, "z")->attempted, "http-01");
    is_int(store_authz_prove(attempted(help, "http-01"), help->store, "j", 8000,
                             1600, NULL),
           APR_SUCCESS);
    ok(!has_job(help));
}

static void record_late(apr_pool_t *pool)
{
    help_t *help = setup(pool, help_authz("z", "a", pool), NULL);
    store_job_t *job = help_job("j", "validate", "z", pool);

    is_int(store_authz_attempt(help->store, "z", "http-01", "thumb", 1500, job,
                               NULL, pool),
           APR_SUCCESS);
    is_int(store_authz_deactivate(help->store, "z", NULL, pool), APR_SUCCESS);
    is_int(
        store_authz_record(help->store, "z", "j", NULL, 8000, 1600, NULL, pool),
        APR_EEXIST);
    is_str(get(help, "z")->status, "deactivated");
    ok(!has_job(help));
}

static void deactivate(apr_pool_t *pool)
{
    store_authz_t *valid = help_authz("y", "a", pool);
    help_t *help;

    valid->status = "valid";
    help = setup(pool, help_authz("z", "a", pool), valid);
    is_int(store_authz_deactivate(help->store, "z", NULL, pool), APR_SUCCESS);
    is_int(store_authz_deactivate(help->store, "z", NULL, pool), APR_EEXIST);
    is_int(store_authz_deactivate(help->store, "y", NULL, pool), APR_SUCCESS);
    is_int(store_authz_deactivate(help->store, "x", NULL, pool), APR_EEXIST);
}

static apr_status_t reusable(help_t *help, store_authz_t **authz,
                             const char *value, int wildcard,
                             apr_int64_t min_expires)
{
    return store_authz_get_reusable(authz, help->store, "a", "default", "dns",
                                    value, wildcard, min_expires, help->pool);
}

static void reuse(apr_pool_t *pool)
{
    store_authz_t *first = help_authz("x", "a", pool), *authz;
    store_authz_t *second = help_authz("y", "a", pool);
    help_t *help;

    first->status = second->status = "valid";
    first->value = second->value = "n.test";
    second->expires_at = 6000;
    help = setup(pool, first, second);
    is_int(reusable(help, &authz, "n.test", 0, 1000), APR_SUCCESS);
    is_str(authz ? authz->id : "", "y");
    is_int(reusable(help, &authz, "n.test", 0, 5999), APR_SUCCESS);
    is_int(reusable(help, &authz, "n.test", 0, 6000), APR_ENOENT);
    ok(!authz);
    is_int(reusable(help, &authz, "n.test", 1, 1000), APR_ENOENT);
    is_int(reusable(help, &authz, "N.test", 0, 1000), APR_ENOENT);
    is_int(store_authz_get_reusable(&authz, help->store, "b", "default", "dns",
                                    "n.test", 0, 1000, pool),
           APR_ENOENT);
    is_int(store_authz_get_reusable(&authz, help->store, "a", "other", "dns",
                                    "n.test", 0, 1000, pool),
           APR_ENOENT);
    is_int(store_authz_deactivate(help->store, "y", NULL, pool), APR_SUCCESS);
    is_int(reusable(help, &authz, "n.test", 0, 1000), APR_SUCCESS);
    is_str(authz ? authz->id : "", "x");
}

static apr_status_t holds(help_t *help, const char *value, const char *profile,
                          int wildcard, apr_int64_t now)
{
    return store_authz_holds(help->store, "a", profile, "dns", value, wildcard,
                             0, now, help->pool);
}

/* x: proven; y: nobody had to. */
static void held(apr_pool_t *pool)
{
    store_authz_t *x = help_authz("x", "a", pool);
    store_authz_t *y = help_authz("y", "a", pool);
    help_t *help;

    x->status = "valid";
    x->attempted = "http-01";
    y->status = "valid";
    y->subdomains = 1;
    help = setup(pool, x, y);
    is_int(holds(help, "x.test", "other", 0, 4999), APR_SUCCESS);
    is_int(holds(help, "x.test", "other", 0, 5000), APR_ENOENT);
    is_int(holds(help, "x.test", "other", 1, 2000), APR_ENOENT);
    is_int(holds(help, "y.test", "default", 0, 2000), APR_SUCCESS);
    is_int(holds(help, "y.test", "other", 0, 2000), APR_ENOENT);
    is_int(store_authz_holds(help->store, "a", "default", "dns", "x.test", 0, 1,
                             2000, pool),
           APR_ENOENT);
    is_int(store_authz_holds(help->store, "a", "default", "dns", "y.test", 0, 1,
                             2000, pool),
           APR_SUCCESS);
    is_int(store_authz_deactivate(help->store, "x", NULL, pool), APR_SUCCESS);
    is_int(holds(help, "x.test", "default", 0, 2000), APR_ENOENT);
}

static const char *listed(help_t *help, const char *account, const char *before,
                          int limit)
{
    apr_array_header_t *list;
    const char *text = "";
    int i;

    is_int(store_authz_list(&list, help->store, account, before, limit,
                            help->pool),
           APR_SUCCESS);
    for (i = 0; i < list->nelts; i++)
        text = apr_pstrcat(help->pool, text,
                           APR_ARRAY_IDX(list, i, store_authz_t *)->id, NULL);
    return text;
}

static void lists(apr_pool_t *pool)
{
    help_t *help =
        setup(pool, help_authz("x", "a", pool), help_authz("y", "a", pool));

    is_str(listed(help, NULL, NULL, 10), "yx");
    is_str(listed(help, "a", NULL, 1), "y");
    is_str(listed(help, "a", "y", 10), "x");
    is_str(listed(help, NULL, "x", 10), "");
    is_str(listed(help, "b", NULL, 10), "");
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    help_plan_ok(help, &sql_get);
    help_plan_ok(help, &sql_get_reusable);
    help_plan_ok(help, &sql_attempt);
    help_plan_ok(help, &sql_record);
    help_plan_ok(help, &sql_prove);
    help_plan_ok(help, &sql_deactivate);
    help_plan_ok(help, &sql_holds);
    help_plan_ok(help, &sql_is_valid);
    help_plan_ok(help, &sql_list_all);
}

const tap_case_t tap_cases[] = {
    {"an authorization comes back as it was", round_trip},
    {"T65 T43 one attempt, with the key of then, and its job", attempt},
    {"T67 recorded valid, once", record_valid},
    {"T66 recorded invalid, once", record_invalid},
    {"T67 proven at once, once", prove},
    {"T65 and where it was accepted elsewhere, in the same way only",
     prove_late},
    {"T68 deactivated meanwhile: nothing is recorded, the job is gone",
     record_late},
    {"T68 pending and valid ones are deactivated", deactivate},
    {"the newest valid one of the same name is reused", reuse},
    {"T73 what an account holds", held},
    {"the list goes from the newest, page by page", lists},
    {"no statement scans or sorts", plans},
    {NULL, NULL}};
