/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <stdio.h>
#include <string.h>

#include "store/store_event.c"
#include "store/store_issuer.h"

/* The events so far: "kind account order authz cert eab; …" */
typedef struct {
    const char *text;
    int count;
    apr_int64_t last_id;
    apr_pool_t *pool;
} seen_t;

static const char *word(const char *text)
{
    return text ? text : "-";
}

static apr_status_t see(void *baton, const store_event_t *e, apr_pool_t *pool)
{
    seen_t *seen = baton;

    seen->text =
        apr_pstrcat(seen->pool, seen->text, e->kind, " ", word(e->account_id),
                    " ", word(e->order_id), " ", word(e->authz_id), " ",
                    word(e->cert_id), " ", word(e->eab_kid), "; ", NULL);
    seen->count++;
    seen->last_id = e->id;
    return APR_SUCCESS;
}

/* After that one. */
static const char *events(help_t *help, apr_int64_t after)
{
    seen_t seen = {"", 0, 0, help->pool};

    is_int(store_event_walk(help->store, after, see, &seen, help->pool),
           APR_SUCCESS);
    return seen.text;
}

static apr_status_t keep(void *baton, const store_event_t *event,
                         apr_pool_t *pool)
{
    static char kind[16]; /* the event's own text is gone soon */
    store_event_t *got = baton;

    *got = *event;
    got->kind = apr_cpystrn(kind, event->kind, sizeof(kind)) ? kind : NULL;
    return APR_EOF;
}

static void full_row(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_event_t made = {
        0,   4102444800, "k'ind", "a",          "o",  "z", "c",
        "e", "\xc3\xa4", "::1",   "{\"%s\":1}", NULL, NULL};
    store_event_t got;

    is_int(store_event_add(help->store, &made, 1, pool), APR_SUCCESS);
    is_int(store_event_add(help->store, help_event("bare", pool), 0, pool),
           APR_SUCCESS);
    is_int(store_event_walk(help->store, 0, keep, &got, pool), APR_EOF);
    is_int(got.id, !engine_is_pgsql());
    is_int(got.at, 4102444800);
    is_str(got.kind, "k'ind");
    is_str(events(help, 0), "k'ind a o z c e; bare - - - - -; ");
    ok(!got.hash && !got.prev);
    help_number(help);
    is_int(store_event_walk(help->store, 1, keep, &got, pool), APR_EOF);
    is_int(got.id, 2);
    ok(!got.account_id && !got.who && !got.ip && !got.detail);
}

static apr_status_t details(void *baton, const store_event_t *e,
                            apr_pool_t *pool)
{
    help_t *help = baton;

    is_str(e->who, "w'ho");
    is_str(e->ip, "::1");
    is_str(e->detail, "{\"%s\":1}");
    help->lines->nelts = 0;
    return APR_SUCCESS;
}

static void who_and_why(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_event_t *made = help_event("k", pool);

    made->who = "w'ho";
    made->ip = "::1";
    made->detail = "{\"%s\":1}";
    is_int(store_event_add(help->store, made, 1, pool), APR_SUCCESS);
    is_int(store_event_walk(help->store, 0, details, help, pool), APR_SUCCESS);
    is_int(help->lines->nelts, 0);
}

static store_event_t *told(help_t *help, const char *kind)
{
    return help_event(kind, help->pool);
}

/* Everything that changes, in an order's life; each twice: the second time
 * nothing changes, and there is no event. */
static void accounts(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_account_t *account = help_account("a", pool);
    store_t *store = help->store;
    int i;

    for (i = 0; i < 2; i++)
        is_int(store_account_create(NULL, store, account, told(help, "made"),
                                    pool),
               i ? APR_EEXIST : APR_SUCCESS);
    is_int(store_account_contact_set(store, "a", "[]", told(help, "contact"),
                                     pool),
           APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(store_account_deactivate(store, "a", told(help, "off"), pool),
               i ? APR_ENOENT : APR_SUCCESS);
    is_int(store_account_contact_set(store, "a", "[]", told(help, "no"), pool),
           APR_ENOENT);
    is_str(events(help, 0), "made - - - - -; contact - - - - -; "
                            "off - - - - -; ");
}

static void orders(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(void *));
    store_t *store = help->store;
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_order_create(store, help_order("o", "a", pool), none, NULL,
                              told(help, "new"), pool),
           APR_SUCCESS);
    ok(store_order_create(store, help_order("o", "a", pool), none, NULL,
                          told(help, "no"), pool) != APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(store_order_claim(store, "o", "csr", 2000,
                                 help_job("j", "issue", "o", pool),
                                 told(help, "claim"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(store_order_complete(store, "o", "j",
                                    help_cert("c", "a", "o", pool),
                                    told(help, "issued"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
    is_int(store_order_fail(store, "o", "j", "{}", told(help, "no"), pool),
           APR_EEXIST);
    is_str(events(help, 0), "new - - - - -; claim - - - - -; "
                            "issued - - - - -; ");
}

static void failed_order(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(void *));
    store_t *store = help->store;
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_order_create(store, help_order("o", "a", pool), none, NULL,
                              NULL, pool),
           APR_SUCCESS);
    is_int(store_order_claim(store, "o", "csr", 2000,
                             help_job("j", "issue", "o", pool), NULL, pool),
           APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(
            store_order_fail(store, "o", "j", "{}", told(help, "failed"), pool),
            i ? APR_EEXIST : APR_SUCCESS);
    is_int(store_order_complete(store, "o", "j", help_cert("c", "a", "o", pool),
                                told(help, "no"), pool),
           APR_EEXIST);
    is_str(events(help, 0), "failed - - - - -; ");
}

static void authzs(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *made = apr_array_make(pool, 1, sizeof(void *));
    store_job_t *job = help_job("j", "validate", "z", pool);
    store_t *store = help->store;
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    APR_ARRAY_PUSH(made, store_authz_t *) = help_authz("z", "a", pool);
    is_int(store_order_create(store, help_order("o", "a", pool), made, NULL,
                              NULL, pool),
           APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(store_authz_attempt(store, "z", "http-01", "t", 2000, job,
                                   told(help, "try"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(store_authz_record(store, "z", "j", NULL, 9000, 2000,
                                  told(help, "valid"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(store_authz_deactivate(store, "z", told(help, "off"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
    is_str(events(help, 0), "try - - - - -; valid - - - - -; off - - - - -; ");
}

static void eabs(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_eab_t *eab = help_eab("k", pool);
    store_eab_secret_t next = {"k", "sealed", "new", NULL, 0};
    store_account_t *account = help_account("a", pool);
    store_t *store = help->store;
    int i;

    eab->max_accounts = 1;
    for (i = 0; i < 2; i++)
        is_int(store_eab_create(store, eab, told(help, "made"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
    for (i = 0; i < 2; i++)
        is_int(store_eab_secret_set(store, &next, 2000, told(help, "rotated"),
                                    pool),
               i ? APR_EEXIST : APR_SUCCESS);
    account->eab_kid = "k";
    is_int(
        store_account_create(NULL, store, account, told(help, "bound"), pool),
        APR_SUCCESS);
    account = help_account("b", pool);
    account->eab_kid = "k";
    is_int(store_account_create(NULL, store, account, told(help, "no"), pool),
           STORE_BUDGET);
    for (i = 0; i < 2; i++)
        is_int(store_eab_status_set(store, "k", "revoked", 2000,
                                    told(help, "revoked"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
    is_str(events(help, 0), "made - - - - -; rotated - - - - -; "
                            "bound - - - - -; revoked - - - - -; ");
}

static void others(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_cert_t *cert = help_cert("c", NULL, NULL, pool);
    store_issuer_t issuer = {"print", "key", "corp", 3, "PEM", "CHAIN", 1, 2};
    store_t *store = help->store;
    int i;

    for (i = 0; i < 2; i++) {
        is_int(store_cert_add(store, cert, told(help, "cert"), pool),
               i ? APR_EEXIST : APR_SUCCESS);
        is_int(store_issuer_ensure(store, &issuer, told(help, "issuer"), pool),
               APR_SUCCESS);
    }
    is_str(events(help, 0), "cert - - - - -; issuer - - - - -; ");
}

static unsigned int number(const unsigned char *octets)
{
    return (unsigned int)octets[0] << 24 | (unsigned int)octets[1] << 16 |
           (unsigned int)octets[2] << 8 | octets[3];
}

/* SQLite's file format, 4.1: a header of 32 octets that tells the size of a
 * page, then pages behind headers of 24; the last one of a transaction tells
 * the size of the database, the others 0. */
static int commits(help_t *help)
{
    FILE *file = fopen(apr_pstrcat(help->pool, help->path, "-wal", NULL), "r");
    unsigned char head[32], frame[24];
    int count = 0;

    if (!ok(file && fread(head, sizeof(head), 1, file) == 1))
        return -1;
    while (fread(frame, sizeof(frame), 1, file) == 1) {
        count += number(frame + 4) != 0;
        fseek(file, number(head + 8), SEEK_CUR);
    }
    fclose(file);
    return count;
}

/* One after the other, so nobody shares a commit. */
static void issue(help_t *help, store_event_t *event)
{
    apr_pool_t *pool = help->pool;
    apr_array_header_t *made = apr_array_make(pool, 1, sizeof(void *));
    store_t *store = help->store;
    store_account_t *account = help_account("a", pool);

    account->eab_kid = "k";
    is_int(store_account_create(NULL, store, account, event, pool),
           APR_SUCCESS);
    APR_ARRAY_PUSH(made, store_authz_t *) = help_authz("z", "a", pool);
    is_int(store_order_create(store, help_order("o", "a", pool), made, "k",
                              event, pool),
           APR_SUCCESS);
    is_int(store_authz_attempt(store, "z", "http-01", "t", 2000,
                               help_job("j", "validate", "z", pool), event,
                               pool),
           APR_SUCCESS);
    is_int(store_authz_record(store, "z", "j", NULL, 9000, 2000, event, pool),
           APR_SUCCESS);
    is_int(store_order_claim(store, "o", "csr", 2000,
                             help_job("i", "issue", "o", pool), event, pool),
           APR_SUCCESS);
    is_int(store_order_complete(store, "o", "i", help_cert("c", "a", "o", pool),
                                event, pool),
           APR_SUCCESS);
}

/* Four of the six are durable: account, order, claim, certificate. */
static void no_commit(apr_pool_t *pool)
{
    int i;

    for (i = 0; i < 2 && !engine_is_other("its file"); i++) {
        help_t *help = help_make(pool);
        int before_it;

        is_int(store_eab_create(help->store, help_eab("k", pool), NULL, pool),
               APR_SUCCESS);
        before_it = commits(help);
        issue(help, i ? help_event("k", pool) : NULL);
        is_int(commits(help) - before_it, 6);
        is_int(*events(help, 0) != '\0', i);
    }
}

static void pages(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    seen_t seen = {"", 0, 0, pool};
    int i;

    for (i = 0; i < 2 * PAGE + 1; i++)
        is_int(store_event_add(help->store, help_event("k", pool), 0, pool),
               APR_SUCCESS);
    is_int(store_event_walk(help->store, 0, see, &seen, pool), APR_SUCCESS);
    is_int(seen.count, 2 * PAGE + 1);
    help_number(help);
    seen.count = 0;
    is_int(store_event_walk(help->store, 0, see, &seen, pool), APR_SUCCESS);
    is_int(seen.count, 2 * PAGE + 1);
    is_int(seen.last_id, 2 * PAGE + 1);
    seen.count = 0;
    is_int(store_event_walk(help->store, PAGE - 1, see, &seen, pool),
           APR_SUCCESS);
    is_int(seen.count, PAGE + 2);
    is_int(store_event_walk(help->store, 2 * PAGE + 1, see, &seen, pool),
           APR_SUCCESS);
    is_int(seen.count, PAGE + 2);
}

static apr_int64_t before(help_t *help, apr_int64_t at)
{
    apr_int64_t after = -1;

    is_int(store_event_before(&after, help->store, at, help->pool),
           APR_SUCCESS);
    return after;
}

static void since(apr_pool_t *pool)
{
    static const int times[] = {10, 20, 20, 20, 30, 40, 40, 50};
    help_t *help = help_make(pool);
    store_event_t *event = help_event("k", pool);
    int i, at, wanted;

    is_int(before(help, 10), 0);
    for (i = 0; i < 8; i++) {
        event->at = times[i];
        is_int(store_event_add(help->store, event, 0, pool), APR_SUCCESS);
    }
    help_number(help);
    for (at = 5; at <= 55; at += 5) {
        for (wanted = 0; wanted < 8 && times[wanted] < at; wanted++)
            ;
        is_int(before(help, at), wanted);
    }
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    if (engine_is_other("plans"))
        return;
    help_plan_ok(help, &sql_page);
    help_plan_ok(help, &sql_from);
    ok(strstr(help_plan(help, &sql_prev), "SEARCH events"));
    ok(!strstr(help_plan(help, &sql_bounds), "SCAN events"), "%s",
       help_plan(help, &sql_bounds));
}

const tap_case_t tap_cases[] = {
    {"a row comes back as it was, ids count from 1", full_row},
    {"who did it, from where and why", who_and_why},
    {"an account's changes and their events, or neither", accounts},
    {"an order's", orders},
    {"a failed order's", failed_order},
    {"an authorization's", authzs},
    {"an external account key's", eabs},
    {"certificates without order, blocked keys, issuers", others},
    {"an issuance with events has as many commits as one without", no_commit},
    {"a walk sees every event once, page by page", pages},
    {"where the events of a time begin", since},
    {"index: no statement scans or sorts", plans},
    {NULL, NULL}};
