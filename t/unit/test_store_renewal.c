/* SPDX-License-Identifier: Apache-2.0 */
#include "store_back.h"

#include <string.h>

#include "store_block.h"
#include "store/store_issuer.h"
#include "store/store_prune.h"

#include "store/store_renewal.c"

static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    ok(help_add(help, "a") == APR_SUCCESS);
    ok(help_add(help, "b") == APR_SUCCESS);
    return help;
}

/* A certificate of this account for this name. */
static store_cert_t *cert_add(help_t *help, const char *id, const char *account,
                              const char *name)
{
    store_cert_t *cert = help_cert(id, account, NULL, help->pool);

    cert->identifiers = name;
    ok(store_cert_add(help->store, cert, NULL, help->pool) == APR_SUCCESS);
    return cert;
}

/* A renewal of these ("a b c"), from 2000 to 3000; it has begun. */
static apr_int64_t pull(help_t *help, const char *ids)
{
    store_renewal_t renewal = {.selection = "{\"profile\":\"web\"}",
                               .start = 2000,
                               .end = 3000,
                               .url = "https://x.example/",
                               .who = "acmectl:root",
                               .created_at = 2000};
    apr_array_header_t *list =
        apr_array_make(help->pool, 4, sizeof(const char *));
    char *last, *id = apr_strtok(apr_pstrdup(help->pool, ids), " ", &last);

    for (; id; id = apr_strtok(NULL, " ", &last))
        APR_ARRAY_PUSH(list, const char *) = id;
    ok(store_renewal_add(help->store, &renewal, help->pool) == APR_SUCCESS);
    ok(store_renewal_add_certs(help->store, renewal.number, list, help->pool) ==
       APR_SUCCESS);
    ok(store_renewal_begin(help->store, renewal.number, 2000,
                           help_event("renewal.begin", help->pool),
                           help->pool) == APR_SUCCESS);
    return renewal.number;
}

static void life(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_renewal_t *got, made = {.selection = "{}", .start = 1, .end = 2};
    apr_array_header_t *list;
    apr_int64_t number;

    cert_add(help, "c", "a", "dns:c.test");
    is_int(store_renewal_of_cert(&got, help->store, "c", pool), APR_ENOENT);
    number = pull(help, "c none");
    is_int(number, 1);
    need(store_renewal_of_cert(&got, help->store, "c", pool) == APR_SUCCESS);
    is_int(got->number, 1);
    is_int(got->start, 2000);
    is_int(got->end, 3000);
    is_str(got->url, "https://x.example/");
    need(store_renewal_get(&got, help->store, number, pool) == APR_SUCCESS);
    is_str(got->selection, "{\"profile\":\"web\"}");
    is_str(got->who, "acmectl:root");
    is_int(got->certs, 1);
    is_int(got->replaced, 0);
    is_int(store_renewal_begin(help->store, number, 1, NULL, pool), APR_EEXIST);
    /* Nobody sees one that has not begun. */
    ok(store_renewal_add(help->store, &made, pool) == APR_SUCCESS);
    is_int(store_renewal_get(&got, help->store, made.number, pool), APR_ENOENT);
    is_int(store_renewal_cancel(help->store, made.number, 5, NULL, pool),
           APR_ENOENT);
    ok(store_renewal_list(&list, help->store, 0, 10, pool) == APR_SUCCESS);
    is_int(list->nelts, 1);
    is_int(store_renewal_cancel(help->store, number, 2500,
                                help_event("renewal.cancel", pool), pool),
           APR_SUCCESS);
    is_int(store_renewal_cancel(help->store, number, 2600, NULL, pool),
           APR_EEXIST);
    is_int(store_renewal_of_cert(&got, help->store, "c", pool), APR_ENOENT);
    need(store_renewal_get(&got, help->store, number, pool) == APR_SUCCESS);
    is_int(got->cancelled_at, 2500);
}

static void soonest(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_renewal_t *got, sooner = {.selection = "{}", .start = 1, .end = 2};
    apr_array_header_t *ids = apr_array_make(pool, 1, sizeof(const char *)),
                       *list;

    cert_add(help, "c", "a", "dns:c.test");
    APR_ARRAY_PUSH(ids, const char *) = "c";
    pull(help, "c");
    ok(store_renewal_add(help->store, &sooner, pool) == APR_SUCCESS);
    ok(store_renewal_add_certs(help->store, sooner.number, ids, pool) ==
       APR_SUCCESS);
    ok(store_renewal_begin(help->store, sooner.number, 9, NULL, pool) ==
       APR_SUCCESS);
    pull(help, "c");
    need(store_renewal_of_cert(&got, help->store, "c", pool) == APR_SUCCESS);
    is_int(got->number, sooner.number);
    ok(store_renewal_list(&list, help->store, 0, 2, pool) == APR_SUCCESS);
    need(list->nelts == 2);
    is_int(APR_ARRAY_IDX(list, 0, store_renewal_t *)->number, 3);
    ok(store_renewal_list(&list, help->store, 2, 10, pool) == APR_SUCCESS);
    need(list->nelts == 1);
    is_int(APR_ARRAY_IDX(list, 0, store_renewal_t *)->number, 1);
}

static apr_array_header_t *page(help_t *help, apr_int64_t number, int is_open,
                                const char *after, int limit)
{
    apr_array_header_t *list;

    ok(store_renewal_certs(&list, help->store, number, is_open, after, limit,
                           help->pool) == APR_SUCCESS);
    return list;
}

/* Who says what he replaces, who only has a newer one, and who has not. */
static void followed(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_order_t *order = help_order("o", "a", pool);
    store_cert_t *next = help_cert("c2", "a", "o", pool);
    store_renewal_cert_t *cert;
    apr_array_header_t *list;
    store_renewal_t *got;
    apr_int64_t number;

    cert_add(help, "c", "a", "dns:c.test");
    cert_add(help, "d", "b", "dns:d.test");
    cert_add(help, "e", "b", "dns:e.test");
    number = pull(help, "c d e");
    order->replaces = "x.y";
    order->replaces_cert = "c";
    ok(store_order_create(help->store, order,
                          apr_array_make(pool, 1, sizeof(store_authz_t *)),
                          NULL, NULL, pool) == APR_SUCCESS);
    list = page(help, number, 0, "", 10);
    need(list->nelts == 3);
    cert = APR_ARRAY_IDX(list, 0, store_renewal_cert_t *);
    is_str(cert->replacing, "o");
    ok(!cert->replaced_by && !cert->replaced_at);
    ok(store_order_claim(help->store, "o", "sha", 2100,
                         help_job("j", "issue", "o", pool), NULL,
                         pool) == APR_SUCCESS);
    next->issued_at = 2200;
    ok(store_order_complete(help->store, "o", "j", next, NULL, pool) ==
       APR_SUCCESS);
    cert_add(help, "d2", "b", "dns:d.test")->issued_at = 2300;
    cert_add(help, "d3", "a", "dns:e.test");
    list = page(help, number, 0, "", 10);
    need(list->nelts == 3);
    cert = APR_ARRAY_IDX(list, 0, store_renewal_cert_t *);
    is_str(cert->replaced_by, "c2");
    is_int(cert->replaced_at, 2200);
    is_int(cert->is_guess, 0);
    cert = APR_ARRAY_IDX(list, 1, store_renewal_cert_t *);
    is_str(cert->replaced_by, "d2");
    is_int(cert->is_guess, 1);
    cert = APR_ARRAY_IDX(list, 2, store_renewal_cert_t *);
    is_str(cert->cert_id, "e");
    ok(!cert->replaced_by, "another account's does not count");
    list = page(help, number, 1, "", 10);
    need(list->nelts == 1);
    is_str(APR_ARRAY_IDX(list, 0, store_renewal_cert_t *)->cert_id, "e");
    is_int(page(help, number, 0, "c", 1)->nelts, 1);
    is_int(page(help, number, 0, "e", 10)->nelts, 0);
    need(store_renewal_get(&got, help->store, number, pool) == APR_SUCCESS);
    is_int(got->certs, 3);
    is_int(got->replaced, 2);
}

static const char *chosen(help_t *help, const store_choice_t *choice,
                          const char *after, int limit)
{
    apr_array_header_t *list;
    const char *text = "";
    int i;

    ok(store_cert_choose(&list, help->store, choice, after, limit,
                         help->pool) == APR_SUCCESS);
    for (i = 0; i < list->nelts; i++)
        text = apr_pstrcat(help->pool, text, i ? " " : "",
                           APR_ARRAY_IDX(list, i, store_cert_t *)->id, NULL);
    return text;
}

static void choice(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_choice_t all = {.now = 5000}, one = all;
    store_cert_t *cert = help_cert("web", "b", NULL, pool);
    store_blocked_t blocked = {"bad", "compromised", 1};
    store_issuer_t issuer = {"issuer", "key", "corp", 1, "", "", 1, 9000};

    cert_add(help, "c", "a", "dns:c.test");
    cert->profile = "web";
    cert->spki_sha256 = "bad";
    ok(store_cert_add(help->store, cert, NULL, pool) == APR_SUCCESS);
    cert = help_cert("revoked", "a", NULL, pool);
    cert->revoked_at = 1;
    ok(store_cert_add(help->store, cert, NULL, pool) == APR_SUCCESS);
    cert = help_cert("over", "a", NULL, pool);
    cert->not_after = 5000;
    ok(store_cert_add(help->store, cert, NULL, pool) == APR_SUCCESS);
    cert = help_cert("other", "a", NULL, pool);
    cert->issuer = "else";
    ok(store_cert_add(help->store, cert, NULL, pool) == APR_SUCCESS);
    cert = help_cert("own", NULL, NULL, pool);
    ok(store_cert_add(help->store, cert, NULL, pool) == APR_SUCCESS);
    is_str(chosen(help, &all, NULL, 10), "c web other");
    is_str(chosen(help, &all, NULL, 2), "c web");
    is_str(chosen(help, &all, "web", 2), "other");
    one.account_id = "a";
    is_str(chosen(help, &one, NULL, 10), "c other");
    one = all;
    one.profile = "web";
    is_str(chosen(help, &one, NULL, 10), "web");
    one = all;
    one.spki_sha256 = "bad";
    is_str(chosen(help, &one, NULL, 10), "web");
    one = all;
    one.is_blocked = 1;
    is_str(chosen(help, &one, NULL, 10), "");
    ok(block_key(help->store, &blocked) == APR_SUCCESS);
    is_str(chosen(help, &one, NULL, 10), "web");
    one = all;
    one.issuer = "else";
    is_str(chosen(help, &one, NULL, 10), "other");
    one.issuer = "corp";
    is_str(chosen(help, &one, NULL, 10), "");
    ok(store_issuer_ensure(help->store, &issuer, NULL, pool) == APR_SUCCESS);
    is_str(chosen(help, &one, NULL, 10), "c web");
}

static apr_status_t order_add(help_t *help, const char *id, const char *after)
{
    store_order_t *order = help_order(id, "a", help->pool);

    order->replaces = "x.y";
    order->replaces_cert = "c";
    order->after = after;
    return store_order_create(
        help->store, order,
        apr_array_make(help->pool, 1, sizeof(store_authz_t *)), NULL, NULL,
        help->pool);
}

/* One order at a time; the next one may take over from the one it has seen to
 * be invalid, unless that has come to life meanwhile. */
static void one_order(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_order_t *order;
    store_cert_t *cert;

    cert_add(help, "c", "a", "dns:c.test");
    is_int(order_add(help, "o1", NULL), APR_SUCCESS);
    is_int(order_add(help, "o2", NULL), APR_EEXIST);
    is_int(store_order_get(&order, help->store, "o2", pool), APR_ENOENT);
    is_int(order_add(help, "o2", "other"), APR_EEXIST);
    is_int(order_add(help, "o2", "o1"), APR_SUCCESS);
    is_int(order_add(help, "o3", "o1"), APR_EEXIST);
    ok(store_order_claim(help->store, "o2", "sha", 2100,
                         help_job("j", "issue", "o2", pool), NULL,
                         pool) == APR_SUCCESS);
    is_int(order_add(help, "o3", "o2"), APR_EEXIST);
    ok(store_order_fail(help->store, "o2", "j", "{}", NULL, pool) ==
       APR_SUCCESS);
    is_int(order_add(help, "o3", "o2"), APR_SUCCESS);
    /* One that was taken over from does not count any more. */
    ok(store_order_claim(help->store, "o1", "sha", 2100,
                         help_job("k", "issue", "o1", pool), NULL,
                         pool) == APR_SUCCESS);
    ok(store_order_complete(help->store, "o1", "k",
                            help_cert("late", "a", "o1", pool), NULL,
                            pool) == APR_SUCCESS);
    ok(store_cert_get(&cert, help->store, "c", pool) == APR_SUCCESS);
    is_int(cert->replaced_at, 0);
    is_str(cert->replacing, "o3");
    ok(store_order_get(&order, help->store, "o3", pool) == APR_SUCCESS);
    is_str(order->replaces, "x.y");
    is_str(order->replaces_cert, "c");
}

static void pruned(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_prune_t prune = {.now = 20000, .before = 8000, .certs_before = 8000};
    store_pruned_t count;
    store_renewal_t *got;

    cert_add(help, "c", "a", "dns:c.test");
    pull(help, "c");
    ok(store_prune(&count, help->store, &prune, pool) == APR_SUCCESS);
    is_int(count.renewals, 0);
    prune.before = prune.certs_before = 10000;
    prune.is_dry = 1;
    ok(store_prune(&count, help->store, &prune, pool) == APR_SUCCESS);
    is_int(count.renewals, 1);
    prune.is_dry = 0;
    ok(store_prune(&count, help->store, &prune, pool) == APR_SUCCESS);
    is_int(count.certs, 1);
    is_int(count.renewals, 1);
    is_int(store_renewal_get(&got, help->store, 1, pool), APR_ENOENT);
}

/* What a database of the version before has is kept. */
static void migrated(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_order_t *order;
    store_cert_t *cert;

    cert_add(help, "c", "a", "dns:c.test");
    ok(store_order_create(help->store, help_order("o", "a", pool),
                          apr_array_make(pool, 1, sizeof(store_authz_t *)),
                          NULL, NULL, pool) == APR_SUCCESS);
    help_close(help);
    help->store = help_open(help);
    help_back(help, 3);
    need(store_cert_get(&cert, help->store, "c", pool) == APR_SUCCESS);
    ok(!cert->replacing && !cert->replaced_by && !cert->replaced_at);
    need(store_order_get(&order, help->store, "o", pool) == APR_SUCCESS);
    ok(!order->replaces && !order->replaces_cert);
    is_int(order_add(help, "o1", NULL), APR_SUCCESS);
    is_int(pull(help, "c"), 1);
    is_int(help_lines(help, "AS0252"), 2);
}

/* What is asked of each certificate, and what runs for each certificate. */
static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    const char *plan;

    if (engine_is_other("plans"))
        return;
    plan = help_plan(help, &sql_of_cert);
    ok(!strstr(plan, "SCAN"));
    ok(strstr(plan, "SEARCH renewal_certs USING PRIMARY KEY"));
    plan = help_plan(help, &sql_certs);
    ok(strstr(plan, "SEARCH rc USING"));
    ok(strstr(plan, "SEARCH l USING"));
}

const tap_case_t tap_cases[] = {
    {"a renewal begins, and is cancelled", life},
    {"the soonest of several counts", soonest},
    {"who has followed", followed},
    {"which certificates", choice},
    {"T86 a certificate is replaced by one order", one_order},
    {"renewals go with their certificates", pruned},
    {"a database of the version before", migrated},
    {"a certificate's renewal is found by an index", plans},
    {NULL, NULL}};
