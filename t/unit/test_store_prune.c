/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>

#include "store/store_issuer.h"
#include "store/store_prune.c"

/* Now, and what is over then: orders that ended before 50000, certificates
 * that ended before 30000, events before 20000. */
#define NOW 100000
static const store_prune_t limits = {
    .now = NOW, .before = 50000, .certs_before = 30000, .events_before = 20000};

/* An order, with these authorizations ("a b"); those that are new, too. */
static void order(help_t *help, const char *id, apr_int64_t born,
                  apr_int64_t expires, const char *ids, const char *new_ids)
{
    store_order_t *row = help_order(id, "acct", help->pool);
    apr_array_header_t *authzs =
        apr_array_make(help->pool, 2, sizeof(store_authz_t *));
    char *state, *word = apr_strtok(apr_pstrdup(help->pool, ids), " ", &state);

    row->created_at = born;
    row->expires_at = expires;
    for (; word; word = apr_strtok(NULL, " ", &state)) {
        APR_ARRAY_PUSH(row->authz_ids, const char *) = word;
        if (strstr(new_ids, word)) {
            store_authz_t *authz = help_authz(word, "acct", help->pool);

            authz->status = "valid";
            authz->created_at = born;
            authz->expires_at = expires + 10;
            APR_ARRAY_PUSH(authzs, store_authz_t *) = authz;
        }
    }
    is_int(store_order_create(help->store, row, authzs, NULL, NULL, help->pool),
           APR_SUCCESS);
}

static store_job_t *work(help_t *help, const char *order_id)
{
    store_job_t *job = help_job(apr_pstrcat(help->pool, "j-", order_id, NULL),
                                "issue", order_id, help->pool);

    is_int(store_order_claim(help->store, order_id, "csr", 1500, job, NULL,
                             help->pool),
           APR_SUCCESS);
    return job;
}

static void certificate(help_t *help, const char *order_id, const char *id,
                        apr_int64_t issued, apr_int64_t ends)
{
    store_cert_t *cert = help_cert(id, "acct", order_id, help->pool);
    store_job_t *job = work(help, order_id);

    cert->issued_at = issued;
    cert->not_after = ends;
    is_int(store_order_complete(help->store, order_id, job->id, cert, NULL,
                                help->pool),
           APR_SUCCESS);
}

static help_t *setup(apr_pool_t *pool)
{
    store_issuer_t issuer = {"issuer", "k", "n", 1, "P", "C", 1, 2};
    help_t *help = help_make(pool);

    is_int(help_add(help, "acct"), APR_SUCCESS);
    is_int(store_issuer_ensure(help->store, &issuer, NULL, pool), APR_SUCCESS);
    return help;
}

static store_pruned_t prune(help_t *help, int is_dry)
{
    store_prune_t all = limits;
    store_pruned_t pruned;
    apr_array_header_t *findings;

    all.is_dry = is_dry;
    is_int(store_prune(&pruned, help->store, &all, help->pool), APR_SUCCESS);
    is_int(store_check(&findings, help->store, help->pool), APR_SUCCESS);
    ok(!findings->nelts, "%s",
       findings->nelts ? APR_ARRAY_IDX(findings, 0, const char *) : "");
    return pruned;
}

static int has_order(help_t *help, const char *id)
{
    store_order_t *row;

    return store_order_get(&row, help->store, id, help->pool) == APR_SUCCESS;
}

static int has_authz(help_t *help, const char *id)
{
    store_authz_t *row;

    return store_authz_get(&row, help->store, id, help->pool) == APR_SUCCESS;
}

static int has_cert(help_t *help, const char *id)
{
    store_cert_t *row;

    return store_cert_get(&row, help->store, id, help->pool) == APR_SUCCESS;
}

static void orders(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_pruned_t pruned;

    order(help, "old", 1000, 49000, "z1", "z1");
    order(help, "edge", 1000, 49999, "z2", "z2");
    order(help, "kept", 1000, 50000, "z3", "z3");
    order(help, "young", 90000, 99000, "z4", "z4");
    pruned = prune(help, 1);
    is_int(pruned.orders, 2);
    is_int(pruned.authzs, 1);
    ok(has_order(help, "old"), "dry: nothing has gone");
    pruned = prune(help, 0);
    is_int(pruned.orders, 2);
    is_int(pruned.authzs, 1);
    ok(!has_order(help, "old") && !has_order(help, "edge"));
    ok(has_order(help, "kept") && has_order(help, "young"));
    ok(!has_authz(help, "z1"));
    ok(has_authz(help, "z2"), "it ended later than its order");
    ok(has_authz(help, "z3") && has_authz(help, "z4"));
    pruned = prune(help, 0);
    is_int(pruned.orders + pruned.authzs, 0);
}

/* An old authorization of an order that stays. */
static void shared(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    order(help, "first", 1000, 5000, "za zb", "za zb");
    order(help, "later", 4000, 60000, "zc za", "zc");
    prune(help, 0);
    ok(!has_order(help, "first") && has_order(help, "later"));
    ok(has_authz(help, "za"), "the order names it");
    ok(has_authz(help, "zc"));
    ok(!has_authz(help, "zb"));
}

static void certificates(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_pruned_t dry, pruned;

    order(help, "o-valid", 1000, 5000, "z1", "z1");
    certificate(help, "o-valid", "valid", 1001, 200000);
    order(help, "o-ended", 1000, 5000, "z2", "z2");
    certificate(help, "o-ended", "ended", 1001, 40000);
    order(help, "o-gone", 1000, 5000, "z3", "z3");
    certificate(help, "o-gone", "gone", 1001, 29999);
    dry = prune(help, 1);
    pruned = prune(help, 0);
    ok(!memcmp(&dry, &pruned, sizeof(dry)), "dry says what happens");
    ok(has_order(help, "o-valid"), "its certificate is valid");
    ok(has_authz(help, "z1") && has_cert(help, "valid"));
    ok(!has_order(help, "o-ended") && !has_authz(help, "z2"));
    ok(has_cert(help, "ended"), "it ended less than a year ago");
    ok(!has_order(help, "o-gone") && !has_authz(help, "z3"));
    ok(!has_cert(help, "gone"));
}

/* What somebody works on stays; what nobody has done in all the time goes. */
static void jobs(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_job_t *vhost = help_job("v", "vhost", "key", pool),
                *late = help_job("l", "vhost", "key2", pool), *held;
    store_pruned_t pruned;

    order(help, "worked", 1000, 5000, "z1", "z1");
    held = help_job("held", "issue", "worked", pool);
    held->lease_owner = "somebody";
    held->lease_until = NOW + 5;
    is_int(
        store_order_claim(help->store, "worked", "csr", 1500, held, NULL, pool),
        APR_SUCCESS);
    order(help, "forgotten", 1000, 5000, "z2", "z2");
    work(help, "forgotten");
    order(help, "waiting", 1000, 60000, "z3", "z3");
    work(help, "waiting");
    late->due_at = 60000;
    is_int(store_job_add(help->store, vhost, pool), APR_SUCCESS);
    is_int(store_job_add(help->store, late, pool), APR_SUCCESS);
    pruned = prune(help, 0);
    is_int(pruned.jobs, 2);
    ok(has_order(help, "worked") && has_order(help, "waiting"));
    ok(!has_order(help, "forgotten"));
}

static apr_status_t paused(void *baton)
{
    int *count = baton;

    return ++*count < 3 ? APR_SUCCESS : APR_EEXIST;
}

/* Batch by batch, and the caller may end it between two. */
static void batches(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_prune_t all = limits;
    store_pruned_t pruned;
    int i, count = 0;

    for (i = 0; i < 2 * BATCH + 7; i++) {
        const char *id = apr_psprintf(pool, "z%04d", i);

        order(help, apr_pstrcat(pool, "o", id, NULL), 1000 + i, 5000 + i,
              i % 5 ? id : "", id);
    }
    all.pause = paused;
    all.baton = &count;
    is_int(store_prune(&pruned, help->store, &all, pool), APR_EEXIST);
    is_int(count, 3);
    is_int(pruned.orders, 2 * BATCH);
    pruned = prune(help, 0);
    is_int(pruned.orders, 7);
    is_int(pruned.authzs, (2 * BATCH + 7) * 4 / 5);
}

/* A clock that went wrong for a while. */
static void future(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    order(help, "future", 4000000000, 4000000001, "z1", "z1");
    order(help, "old", 1000, 5000, "z2", "z2");
    prune(help, 0);
    ok(has_order(help, "future") && has_authz(help, "z1"));
    ok(!has_order(help, "old") && !has_authz(help, "z2"));
}

static void event(help_t *help, apr_int64_t at, const char *kind)
{
    store_event_t *row = help_event(kind, help->pool);

    row->at = at;
    is_int(store_event_add(help->store, row, 0, help->pool), APR_SUCCESS);
}

static store_chain_t verify(help_t *help)
{
    store_chain_t chain;
    int count;

    is_int(store_event_chain(&count, help->store, 999, NULL, NULL, help->pool),
           APR_SUCCESS);
    is_int(store_event_verify(&chain, help->store, help->pool), APR_SUCCESS);
    return chain;
}

static apr_status_t first_keep(void *baton, const store_event_t *row,
                               apr_pool_t *pool)
{
    *(apr_int64_t *)baton = row->id;
    return APR_EOF;
}

/* The audit trail, cut at what is old; and it says so itself. */
static void trail(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_pruned_t pruned;
    store_chain_t chain;
    apr_int64_t first = 0;
    int i;

    for (i = 0; i < 700; i++)
        event(help, 19000, "old");
    event(help, 20000, "kept");
    pruned = prune(help, 0);
    is_int(pruned.events, 0); /* they are not chained */
    chain = verify(help);
    is_int(chain.count, 701);
    is_int(prune(help, 1).events, 700);
    pruned = prune(help, 0);
    is_int(pruned.events, 700);
    chain = verify(help);
    ok(!chain.why, "%s", chain.why);
    is_int(chain.count, 2);
    is_int(chain.last_id, 702);
    is_int(store_event_walk(help->store, 0, first_keep, &first, pool), APR_EOF);
    is_int(first, 701);
    is_int(prune(help, 0).events, 0);
    event(help, NOW, "new");
    chain = verify(help);
    ok(!chain.why && chain.count == 3);
}

static void sql(help_t *help, const char *text)
{
    engine_sql(&help->conf, text, help->pool);
}

/* Somebody else has cut it. */
static void trail_forged(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_chain_t chain;
    int i;

    for (i = 0; i < 5; i++)
        event(help, 30000, "kept");
    verify(help);
    sql(help, "UPDATE event_chain SET cut_id = 2, cut_hash = "
              "(SELECT hash FROM events WHERE id = 2)");
    sql(help, "DELETE FROM events WHERE id <= 2");
    chain = verify(help);
    is_int(chain.broken_id, 2);
    ok(chain.why && strstr(chain.why, "no event tells"), "%s", chain.why);
}

/* A certificate that stays keeps what happened since before it. */
static void trail_kept(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_chain_t chain;

    event(help, 900, "old");
    order(help, "o", 1000, 5000, "z", "z");
    certificate(help, "o", "c", 1001, 200000);
    event(help, 1001, "cert.issue");
    event(help, 19000, "between");
    verify(help);
    is_int(prune(help, 0).events, 1);
    chain = verify(help);
    ok(!chain.why && chain.count == 3, "%s", chain.why);
}

static void again(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_job_t *job = help_job("p", "prune", "database", pool);
    apr_array_header_t *claimed;

    job->attempts = 7;
    is_int(store_job_add(help->store, job, pool), APR_SUCCESS);
    is_int(store_job_again(help->store, "p", 5000, pool), APR_SUCCESS);
    is_int(store_job_claim(&claimed, help->store, "me", 9000, 9, 4999, pool),
           APR_SUCCESS);
    is_int(claimed->nelts, 0);
    is_int(store_job_claim(&claimed, help->store, "me", 9000, 9, 5000, pool),
           APR_SUCCESS);
    is_int(claimed->nelts, 1);
    is_int(APR_ARRAY_IDX(claimed, 0, store_job_t *)->attempts, 0);
}

const tap_case_t tap_cases[] = {
    {"orders and authorizations that are over", orders},
    {"an authorization that another order names", shared},
    {"certificates and their orders", certificates},
    {"jobs", jobs},
    {"batch by batch", batches},
    {"a clock that was wrong", future},
    {"the audit trail is cut", trail},
    {"a cut that no event tells of", trail_forged},
    {"what stays keeps its history", trail_kept},
    {"a job that comes again", again},
    {NULL, NULL},
};
