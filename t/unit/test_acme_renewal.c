/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_renewal.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/clock.h"
#include "handle_eab.h"
#include "handle_start.h"
#include "store/store_renewal.h"

#define DAY 86400

/* The URL of a new certificate. */
static const char *finish(client_t *c, const reply_t *order, const char *names)
{
    EVP_PKEY *key = key_make("P-256", c->h->pool);

    return reply_text(
        client_finalize(c, order, csr_make(key, names, NULL, c->h->pool)),
        "certificate");
}

static const char *issue(client_t *c, const char *names)
{
    return finish(c, client_ready(c, names), names);
}

static store_cert_t *row_of(client_t *c, const char *url)
{
    store_cert_t *row = NULL;

    if (store_cert_get(&row, c->h->acme.store, strrchr(url, '/') + 1,
                       c->h->pool) != APR_SUCCESS)
        abort();
    return row;
}

/* As a client makes it, of the certificate alone (RFC 9773 4.1). */
static const char *id_of(X509 *cert, apr_pool_t *pool)
{
    const ASN1_OCTET_STRING *key_id = X509_get0_authority_key_id(cert);
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get_serialNumber(cert), &der);
    const char *id;

    if (!key_id || len <= 2)
        abort();
    id = apr_pstrcat(
        pool,
        b64url_encode(ASN1_STRING_get0_data(key_id),
                      (apr_size_t)ASN1_STRING_length(key_id), pool),
        ".", b64url_encode(der + 2, (apr_size_t)len - 2, pool), NULL);
    OPENSSL_free(der);
    return id;
}

static const char *id_at(client_t *c, const char *url)
{
    reply_t *r = client_post(c, url, "");

    return id_of(APR_ARRAY_IDX(reply_certs(r), 0, X509 *), c->h->pool);
}

static reply_t *ask(client_t *c, const char *id)
{
    return handle_request(
        c->h, "GET",
        apr_pstrcat(c->h->pool, handle_url(c->h, "renewal-info/"), id, NULL));
}

static apr_int64_t time_at(const reply_t *r, const char *path)
{
    apr_int64_t seconds = 0;

    is_int(clock_rfc3339_parse(&seconds, reply_text(r, path)), APR_SUCCESS);
    return seconds;
}

#define START "suggestedWindow/start"
#define END   "suggestedWindow/end"

static void info(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test"), *id = id_at(c, url);
    store_cert_t *row = row_of(c, url);
    reply_t *r = ask(c, id);
    apr_int64_t third = (row->not_after - row->issued_at) / 3;

    is_int(r->status, 200);
    is_str(r->type, "application/json");
    ok(time_at(r, END) > time_at(r, START));
    ok(time_at(r, START) > row->issued_at + 2 * third - third / 5);
    ok(time_at(r, END) < row->issued_at + 2 * third + third / 5);
    is_str(reply_text(r, START) + strlen(reply_text(r, START)) - 1, "Z");
    is_int(reply_count(r, ""), 1);
    is_str(r->retry_after, "21600");
    is_str(reply_header(r, "Cache-Control", 0), "public, max-age=600");
    ok(!r->nonce, "what may be kept has no nonce");
    ok(reply_has_link(r, handle_url(c->h, "directory"), "index"));
    is_str(reply_header(r, "Access-Control-Allow-Origin", 0), "*");
    is_int(handle_request(
               c->h, "HEAD",
               apr_pstrcat(pool, handle_url(c->h, "renewal-info/"), id, NULL))
               ->status,
           200);
    r = ask(c, apr_pstrcat(pool, id, "?x=y", NULL));
    is_int(r->status, 200);
    r = handle_request(c->h, "GET", handle_url(c->h, "directory"));
    is_str(reply_text(r, "renewalInfo"), handle_url(c->h, "renewal-info"));
    handle_database_away(c->h);
    is_int(ask(c, id)->status, 503);
}

static void post(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *id = id_at(c, issue(c, "a.test"));
    const char *url =
        apr_pstrcat(pool, handle_url(c->h, "renewal-info/"), id, NULL);
    reply_t *r = client_post(c, url, "");

    is_int(r->status, 200);
    ok(r->nonce);
    is_str(reply_header(r, "Cache-Control", 0), "no-store");
    is_str(client_post(c, url, "{}")->problem, "malformed");
    is_int(handle_request(c->h, "PUT", url)->status, 405);
}

/* Another serial number, another key id, both of somebody else (the example of
 * RFC 9773), a serial number longer than any of ours. */
static void unknown(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *id = id_at(c, issue(c, "a.test")), *dot = strchr(id, '.');
    const char *ids[] = {
        apr_psprintf(pool, "%.*s.AIdlQyE", (int)(dot - id), id),
        apr_pstrcat(pool, "aYhba4dGQEHhs3uEe6CuLN4ByNQ", dot, NULL),
        apr_psprintf(pool, "%.*s", (int)(dot - id) - 3, id),
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AQEBAQEBAQEBAQEBAQEBAQEBAQE"};
    size_t i;

    ids[2] = apr_pstrcat(pool, ids[2], dot, NULL);
    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        reply_t *r = ask(c, ids[i]);

        ok(r->status == 404, "%s", ids[i]);
        is_str(r->problem, "malformed");
        ok(r->nonce);
        is_str(reply_header(r, "Cache-Control", 0), "no-store");
    }
}

static void malformed(apr_pool_t *pool)
{
    static const char *const ids[] = {
        "", ".", "aYhba4dGQEHhs3uEe6CuLN4ByNQ", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.",
        ".AIdlQyE", "aYhba4dGQEHhs3uEe6CuLN4ByNQ=.AIdlQyE=",
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ%3D.AIdlQyE%3D",
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE/",
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ/AIdlQyE",
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE.AIdlQyE",
        "aYhba4dGQEHhs3uEe6CuLN4ByNR.AIdlQyE", /* left-over bits */
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AAEC",    /* a sign octet too many */
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AA",
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AQEBAQEBAQEBAQEBAQEBAQEBAQEB",
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ. AIdlQyE",
        /* draft-01: a CertID */
        "MFswCwYJYIZIAWUDBAIBBCCeWLRusNLb--vmWOkxm34qDjTMWkc3utIhOMoMwKDqbgQg2"
        "iiKWySZrD-6c88HMZ6vhIHZPamChLlzGHeZ7pTS8jYCCD6jRWhlRB8c",
        NULL};
    client_t *c = client_start("P-256", pool);
    char *endless = apr_pcalloc(pool, 5001);
    int i;

    for (i = 0; ids[i]; i++) {
        reply_t *r = ask(c, ids[i]);

        ok(r->status == 400, "\"%s\"", ids[i]);
        is_str(r->problem, "malformed");
    }
    is_int(
        handle_request(c->h, "GET", handle_url(c->h, "renewal-info"))->status,
        400);
    memset(endless, 'a', 5000);
    endless[30] = '.';
    is_int(ask(c, endless)->status, 400);
}

/* A serial number whose first octet is zero has one octet less, or keeps it as
 * the sign; mod_md leaves that out. */
static void sign_octet(apr_pool_t *pool)
{
    static const struct {
        const char *serial;
        unsigned char der[16];
        apr_size_t len;
    } all[] = {
        {"00870000000000000000000000000021", {0, 0x87, [15] = 0x21}, 16},
        {"00880000000000000000000000000021", {0x88, [14] = 0x21}, 15},
        {"00770000000000000000000000000021", {0x77, [14] = 0x21}, 15},
        {"00000000000000000000000000000087", {0, 0x87}, 2},
        {"7f870000000000000000000000000021", {0x7f, 0x87, [15] = 0x21}, 16}};
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test"), *id = id_at(c, url);
    store_cert_t *row = row_of(c, url);
    size_t i;

    row->account_id = row->order_id = NULL;
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        row->id = apr_psprintf(pool, "%.22s", all[i].serial);
        row->id = apr_psprintf(pool, "%d%s", (int)i, row->id + 1);
        row->serial = all[i].serial;
        need(store_cert_add(c->h->acme.store, row, NULL, pool) == APR_SUCCESS);
        id = apr_psprintf(pool, "%.*s.%s", (int)(strchr(id, '.') - id), id,
                          b64url_encode(all[i].der, all[i].len, pool));
        ok(ask(c, id)->status == 200, "%s", id);
    }
}

/* A profile that is gone still has its certificates. */
static void directories(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *id = id_at(c, issue(c, "a.test"));
    handle_t *h = c->h;

    profile_add(h, "web");
    is_int(handle_request(
               h, "GET",
               apr_pstrcat(pool, handle_url(h, "web/renewal-info/"), id, NULL))
               ->status,
           200);
    is_int(handle_request(
               h, "GET",
               apr_pstrcat(pool, handle_url(h, "no/renewal-info/"), id, NULL))
               ->status,
           404);
    is_int(handle_request(
               h, "GET",
               apr_pstrcat(pool, handle_url(h, "<>/renewal-info/"), id, NULL))
               ->status,
           404);
    apr_array_clear(h->conf->profiles);
    is_int(ask(c, id)->status, 200);
}

static void pulled(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test"), *id = id_at(c, url);
    store_t *store = c->h->acme.store;
    apr_array_header_t *ids = apr_array_make(pool, 1, sizeof(const char *));
    store_renewal_t renewal = {.selection = "{}",
                               .start = c->h->now,
                               .end = c->h->now + 2 * DAY,
                               .url = "https://status.example/7",
                               .created_at = c->h->now};
    reply_t *r;

    APR_ARRAY_PUSH(ids, const char *) = row_of(c, url)->id;
    need(store_renewal_add(store, &renewal, pool) == APR_SUCCESS);
    need(store_renewal_add_certs(store, renewal.number, ids, pool) ==
         APR_SUCCESS);
    ok(!reply_text(ask(c, id), "explanationURL"), "it has not begun");
    need(store_renewal_begin(store, renewal.number, c->h->now, NULL, pool) ==
         APR_SUCCESS);
    r = ask(c, id);
    is_int(time_at(r, START), c->h->now);
    is_int(time_at(r, END), c->h->now + 2 * DAY);
    is_str(reply_text(r, "explanationURL"), "https://status.example/7");
    need(store_renewal_cancel(store, renewal.number, c->h->now, NULL, pool) ==
         APR_SUCCESS);
    ok(!reply_text(ask(c, id), "explanationURL"));
}

/* newOrder with "replaces": id. */
static reply_t *renew(client_t *c, const char *names, const char *id)
{
    return order_in(
        c, "", names,
        apr_pstrcat(c->h->pool, ",\"replaces\":\"", id, "\"", NULL));
}

static void replaces(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test b.test"), *id = id_at(c, url), *next;
    reply_t *order = renew(c, "a.test", id), *r;
    store_cert_t *row;

    is_int(order->status, 201);
    is_str(reply_text(order, "replaces"), id);
    r = client_post(c, order->location, "");
    is_str(reply_text(r, "replaces"), id);
    ok(strstr(event_last(c->h, "order.create")->detail, row_of(c, url)->id));
    r = renew(c, "a.test b.test", id);
    is_int(r->status, 409);
    is_str(r->problem, "alreadyReplaced");
    client_authorize(c, order);
    next = finish(c, client_post(c, order->location, ""), "a.test");
    row = row_of(c, url);
    is_str(row->replaced_by, strrchr(next, '/') + 1);
    is_int(row->replaced_at, c->h->now);
    is_int(renew(c, "a.test", id)->status, 409);
    /* Whatever becomes of the order. */
    c->h->now += 400 * DAY;
    is_int(renew(c, "a.test", id)->status, 409);
    is_int(order_in(c, "", "a.test", "")->status, 201);
}

static void bad_replaces(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");
    const char *id = id_at(c, issue(c, "a.test b.test"));
    reply_t *theirs, *none;

    client_register(other);
    theirs = renew(other, "a.test", id);
    none = renew(other, "a.test", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    is_int(theirs->status, 400);
    is_str(theirs->problem, "malformed");
    ok(!strcmp(theirs->body, none->body), "T29 in the same words");
    ok(strstr(none->detail, "\"replaces\""));
    none = renew(c, "c.test", id);
    is_int(none->status, 400);
    is_str(none->problem, "malformed");
    none = renew(c, "a.test", "junk");
    is_int(none->status, 400);
    is_str(none->problem, "malformed");
    ok(strstr(none->detail, "\"replaces\""));
    is_str(order_in(c, "", "a.test", ",\"replaces\":7")->problem, "malformed");
    is_str(order_in(c, "", "a.test", ",\"replaces\":null")->problem,
           "malformed");
    is_int(renew(c, "a.test", id)->status, 201);
}

/* An order that became invalid gives its certificate back. */
static void freed(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test"), *id = id_at(c, url);
    reply_t *first, *second;

    c->h->conf->authz_reuse = 0;
    first = renew(c, "a.test", id);
    is_int(renew(c, "a.test", id)->status, 409);
    is_int(client_post(c, reply_text(first, "authorizations/0"),
                       "{\"status\":\"deactivated\"}")
               ->status,
           200);
    second = renew(c, "a.test", id);
    is_int(second->status, 201);
    is_int(renew(c, "a.test", id)->status, 409);
    c->h->now += 8 * DAY; /* it has expired */
    second = renew(c, "a.test", id);
    is_int(second->status, 201);
    is_str(row_of(c, url)->replacing, strrchr(second->location, '/') + 1);
}

/* Rolling the account's key over changes nothing, the account counts. */
static void away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *id = id_at(c, issue(c, "a.test"));

    handle_database_away(c->h);
    is_int(renew(c, "a.test", id)->status, 503);
}

static int due(client_t *c, const char *names, const char *id)
{
    acme_verified_t v = {0};
    store_account_t account = {0};
    acme_replaces_t *made;
    apr_array_header_t *list = identifier_list_from_text(names, c->h->pool);

    account.id = strrchr(c->kid, '/') + 1;
    v.account = &account;
    v.payload = json_pack("{s:s}", "replaces", id);
    v.now = c->h->now;
    v.pool = c->h->pool;
    ok(!acme_renewal_replaces(&made, &c->h->acme, &v, list));
    if (!made)
        return -1;
    is_str(made->id, id);
    json_decref(v.payload);
    return made->is_due;
}

/* What rate limits ask. */
static void asked_for(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test b.test"), *id = id_at(c, url);

    ok(!due(c, "dns:a.test", id), "too early");
    c->h->now += 57 * DAY;
    ok(!due(c, "dns:a.test", id) || time_at(ask(c, id), START) <= c->h->now);
    c->h->now += 9 * DAY;
    ok(due(c, "dns:a.test", id));
    ok(due(c, "dns:a.test dns:b.test", id));
    ok(!due(c, "dns:a.test dns:c.test", id), "more than it had");
}

/* Once; and not again and again, when nothing comes of it. */
static void never_limited(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *id = id_at(c, issue(c, "a.test"));
    acme_limit_rule_t *rules = c->h->conf->limits;
    reply_t *order = NULL;
    int i;

    c->h->conf->authz_reuse = 0;
    for (i = 0; i < ACME_LIMIT_PENDING_ORDERS; i++)
        rules[i].count = 1;
    rules[ACME_LIMIT_PENDING_ORDERS].count = 1;
    rules[ACME_LIMIT_PENDING_AUTHZS].count = 1;
    rules[ACME_LIMIT_FAILURES].count = 2;
    c->h->now += 66 * DAY;
    is_int(order_in(c, "", "a.test", "")->status, 201);
    is_str(order_in(c, "", "a.test", "")->problem, "rateLimited");
    for (i = 0; i < 3; i++) {
        order = renew(c, "a.test", id);
        is_int(order->status, 201);
        client_post(c, reply_text(order, "authorizations/0"),
                    "{\"status\":\"deactivated\"}");
    }
    order = renew(c, "a.test", id);
    is_str(order->problem, "rateLimited");
    ok(strstr(order->detail, "the renewal of this certificate"));
    c->h->now += 3600;
    is_int(renew(c, "a.test", id)->status, 201);
}

const tap_case_t tap_cases[] = {
    {"T25 a renewal that is due meets no rate limit", never_limited},
    {"T86 the window, Retry-After, for everybody to keep", info},
    {"T86 T17 by POST-as-GET", post},
    {"T86 none of ours: 404", unknown},
    {"T86 R34 T02 no id: 400", malformed},
    {"T86 the sign octet of serial numbers", sign_octet},
    {"T86 each directory has it", directories},
    {"T86 pulled forward", pulled},
    {"T86 R21 replaces: reflected, and once only", replaces},
    {"T86 R33 T29 a bad replaces is malformed", bad_replaces},
    {"T86 an invalid order gives the certificate back", freed},
    {"a database that is away is 503", away},
    {"T86 a renewal that was asked for", asked_for},
    {NULL, NULL}};
