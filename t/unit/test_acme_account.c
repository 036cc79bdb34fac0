/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_account.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <string.h>

#include "handle.h"
#include "policy/policy_spki.h"
#include "store/store_account.h"
#include "tap.h"

static client_t *start(apr_pool_t *pool)
{
    return client_make(handle_make(tap_tmpdir(), pool), "P-256");
}

static reply_t *account_new(client_t *c, const char *payload)
{
    const char *kid = c->kid;
    reply_t *r;

    c->kid = NULL;
    r = client_post(c, handle_url(c->h, "new-account"), payload);
    c->kid = kid;
    return r;
}

static int accounts(const client_t *c)
{
    apr_array_header_t *list;

    if (store_account_list(&list, c->h->acme.store, NULL, NULL, 100,
                           c->h->pool) != APR_SUCCESS)
        return -1;
    return list->nelts;
}

static void created(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r = account_new(c, "{\"contact\":[\"mailto:a@b.example\"]}");

    is_int(r->status, 201);
    need(r->location);
    ok(!strncmp(r->location, HANDLE_BASE "/acme/acct/", 29));
    ok(!reply_header(r, "Location", 1), "once");
    is_str(reply_text(r, "status"), "valid");
    is_str(reply_text(r, "contact/0"), "mailto:a@b.example");
    is_str(reply_text(r, "orders"),
           apr_pstrcat(pool, r->location, "/orders", NULL));
    ok(!reply_text(r, "termsOfServiceAgreed"));
}

static void known_key(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *first = account_new(c, "{\"contact\":[\"mailto:a@b.example\"]}");
    reply_t *r = account_new(c, "{\"contact\":[\"tel:1\"],"
                                "\"termsOfServiceAgreed\":false,"
                                "\"externalAccountBinding\":{\"x\":1}}");

    is_int(r->status, 200);
    is_str(r->location, first->location);
    is_str(reply_text(r, "contact/0"), "mailto:a@b.example");
    is_int(accounts(c), 1);
}

static void only_existing(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r, *first;

    c->h->conf->terms_url = "https://ca.example/terms";
    r = account_new(c, "{\"onlyReturnExisting\":true}");
    is_int(r->status, 400);
    is_str(r->problem, "accountDoesNotExist");
    is_int(accounts(c), 0);
    first = client_register(c);
    r = account_new(c, "{\"onlyReturnExisting\":true}");
    is_int(r->status, 200);
    is_str(r->location, first->location);
    ok(!strstr(r->body, "onlyReturnExisting"));
}

static void unknown_fields(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r = account_new(c, "{\"orders\":\"https://evil.example/\","
                                "\"status\":\"revoked\",\"x\":{\"y\":[]}}");

    is_int(r->status, 201);
    is_str(reply_text(r, "status"), "valid");
    ok(!strstr(r->body, "evil") && !strstr(r->body, "\"x\""));
}

static void wrong_types(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "{\"contact\":\"mailto:a@b.example\"}",
        "{\"contact\":[1]}",
        "{\"contact\":[null]}",
        "{\"onlyReturnExisting\":\"yes\"}",
        "{\"termsOfServiceAgreed\":1}",
    };
    client_t *c = start(pool);
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply_t *r = account_new(c, bad[i]);

        is_int(r->status, 400);
        is_str(r->problem, "malformed");
    }
    is_int(accounts(c), 0);
}

static void contacts_refused(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r = account_new(c, "{\"contact\":[\"tel:+12025551212\"]}");

    is_int(r->status, 400);
    is_str(r->problem, "unsupportedContact");
    r = account_new(c, "{\"contact\":[\"mailto:a@b.example?subject=x\"]}");
    is_int(r->status, 400);
    is_str(r->problem, "invalidContact");
    r = account_new(c, "{\"contact\":[\"mailto:a@b.example,c@d.example\"]}");
    is_str(r->problem, "invalidContact");
    is_int(accounts(c), 0);
}

static void contacts_soft(apr_pool_t *pool)
{
    static const char *const soft[] = {
        "{}", "{\"contact\":[]}", "{\"contact\":[\"mailto:\"]}",
        "{\"contact\":[\"mailto: a@b.example\"]}",
        "{\"contact\":[\"mailto:a@b.example\",\"MAILTO:c@d.example\"]}"};
    handle_t *h = handle_make(tap_tmpdir(), pool);
    apr_size_t i;

    for (i = 0; i < sizeof(soft) / sizeof(soft[0]); i++)
        is_int(account_new(client_make(h, "P-256"), soft[i])->status, 201);
}

static void terms(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r;

    c->h->conf->terms_url = "https://ca.example/terms";
    r = account_new(c, "{}");
    is_int(r->status, 403);
    is_str(r->problem, "userActionRequired");
    ok(reply_has_link(r, "https://ca.example/terms", "terms-of-service"));
    ok(reply_has_link(r, handle_url(c->h, "directory"), "index"));
    is_int(account_new(c, "{\"termsOfServiceAgreed\":false}")->status, 403);
    is_int(accounts(c), 0);
    r = account_new(c, "{\"termsOfServiceAgreed\":true}");
    is_int(r->status, 201);
    is_str(reply_text(r, "termsOfServiceAgreed"), "true");
}

static void update(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r;

    client_register(c);
    r = client_post(c, c->kid, "{\"contact\":[\"mailto:a@b.example\"]}");
    is_int(r->status, 200);
    is_str(reply_text(r, "contact/0"), "mailto:a@b.example");
    is_str(reply_text(r, "status"), "valid");
    ok(reply_text(r, "orders"));
    r = client_post(c, c->kid, "");
    is_str(reply_text(r, "contact/0"), "mailto:a@b.example");
    r = client_post(c, c->kid, "{\"contact\":[\"tel:1\"]}");
    is_str(r->problem, "unsupportedContact");
    r = client_post(c, c->kid, "{\"contact\":[]}");
    is_int(reply_count(r, "contact"), 0);
}

static void no_change(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *first = client_register(c);
    reply_t *r = client_post(c, c->kid, "{}");

    is_int(r->status, 200);
    is_str(r->body, first->body);
    /* Other members and other values of status mean nothing. */
    r = client_post(c, c->kid, "{\"status\":\"valid\",\"x\":1}");
    is_int(r->status, 200);
    is_str(r->body, first->body);
}

static void deactivate(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *order, *r;

    client_register(c);
    order = client_order(c, "a.test");
    r = client_post(c, c->kid, "{\"status\":\"deactivated\"}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "deactivated");
    r = client_post(c, c->kid, "");
    is_int(r->status, 401);
    is_str(r->problem, "unauthorized");
    is_int(client_post(c, order->location, "")->status, 401);
    is_int(client_order(c, "a.test")->status, 401);
    /* For ever. */
    is_int(client_post(c, c->kid, "{\"status\":\"valid\"}")->status, 401);
    r = account_new(c, "{}");
    is_int(r->status, 401);
    is_str(r->problem, "unauthorized");
    is_int(account_new(c, "{\"onlyReturnExisting\":true}")->status, 401);
}

static void others(apr_pool_t *pool)
{
    client_t *c = start(pool);
    client_t *other = client_make(c->h, "P-256");
    reply_t *theirs, *none;

    client_register(c);
    client_register(other);
    theirs = client_post(c, other->kid, "");
    none = client_post(c, handle_url(c->h, "acct/AAAAAAAAAAAAAAAAAAAAAA"), "");
    is_int(theirs->status, 404);
    is_str(theirs->problem, "malformed");
    is_str(theirs->body, none->body);
    theirs = client_post(c, other->kid, "{\"status\":\"deactivated\"}");
    is_int(theirs->status, 404);
    is_int(client_post(other, other->kid, "")->status, 200);
    theirs = client_post(c, apr_pstrcat(pool, other->kid, "/orders", NULL), "");
    is_int(theirs->status, 404);
}

static void row(apr_pool_t *pool)
{
    client_t *c = start(pool);
    acme_request_t req = {.method = "POST", .path = "/acme/new-account"};
    store_account_t *account;
    reply_t *r;

    req.content_type = "application/jose+json";
    req.body = client_sign(c, handle_url(c->h, "new-account"), "{}", NULL);
    req.body_len = strlen(req.body);
    req.client_ip = "2001:db8::1";
    req.user = "alice";
    req.pool = pool;
    r = handle_raw(c->h, &req);
    need(r->status == 201);
    need(store_account_get(&account, c->h->acme.store,
                           strrchr(r->location, '/') + 1, pool) == APR_SUCCESS);
    is_str(account->owner, "alice");
    is_str(account->created_ip, "2001:db8::1");
    is_str(account->thumbprint, c->thumbprint);
    is_str(account->jwk, c->jwk);
    is_int(account->created_at, HANDLE_NOW);
}

static void away(apr_pool_t *pool)
{
    client_t *c = start(pool);
    reply_t *r;

    handle_database_away(c->h);
    r = account_new(c, "{}");
    is_int(r->status, 503);
    ok(r->retry_after);
    handle_database_back(c->h);
    client_register(c);
    handle_database_away(c->h);
    is_int(client_post(c, c->kid, "{\"contact\":[\"mailto:a@b.example\"]}")
               ->status,
           503);
}

/* Blocked at run time, and by the operator's list. */
static void blocked(apr_pool_t *pool)
{
    client_t *c = start(pool), *other = client_make(c->h, "P-256");
    const char *file = apr_pstrcat(pool, c->h->dir, "/blocklist", NULL);
    policy_blocklist_t *list = policy_blocklist_make(pool);
    unsigned char hash[32];
    apr_file_t *out;
    reply_t *r;

    handle_block(c->h, c->key, "it was lost");
    r = account_new(c, "{}");
    is_int(r->status, 400);
    is_str(r->problem, "badPublicKey");
    ok(strstr(r->detail, "it was lost"), "%s", r->detail);
    need(policy_spki_sha256(hash, other->key));
    need(apr_file_open(&out, file, APR_FOPEN_CREATE | APR_FOPEN_WRITE,
                       APR_OS_DEFAULT, pool) == APR_SUCCESS);
    apr_file_printf(out, "%s\n", apr_pescape_hex(pool, hash, sizeof(hash), 0));
    apr_file_close(out);
    is_int(account_new(other, "{}")->status, 201);
    need(!policy_blocklist_read(list, file, pool));
    c->h->conf->blocklist = list;
    r = account_new(other, "{}");
    is_int(r->status, 400);
    is_str(r->problem, "badPublicKey");
}

/* Whom httpd authenticated. */
static void owner(apr_pool_t *pool)
{
    client_t *c = start(pool);
    store_account_t *account;

    c->user = "alice@CORP.EXAMPLE";
    is_int(account_new(c, "{}")->status, 201);
    need(store_account_get_by_key(&account, c->h->acme.store, "", "",
                                  c->thumbprint, pool) == APR_SUCCESS);
    is_str(account->owner, "alice@CORP.EXAMPLE");
}

const tap_case_t tap_cases[] = {
    {"T32 R10 R35 newAccount: 201, Location, valid, orders", created},
    {"T33 a known key gets its account, nothing else counts", known_key},
    {"T34 R30 onlyReturnExisting needs nothing, makes nothing", only_existing},
    {"T35 unknown members are ignored, none reflected", unknown_fields},
    {"wrong types are malformed and leave no trace", wrong_types},
    {"T36 contacts refused", contacts_refused},
    {"T36 R29 contacts taken", contacts_soft},
    {"T37 terms that are set must be agreed to", terms},
    {"T38 an update changes contacts, [] clears them", update},
    {"R31 {} changes nothing", no_change},
    {"T39 T10 deactivated is for ever, 401", deactivate},
    {"T29 somebody else's account is not found", others},
    {"the row has owner, address, key and time", row},
    {"a database that is away is 503", away},
    {"T07 T58 a blocked key makes no account", blocked},
    {"pki.md: r->user is the owner", owner},
    {NULL, NULL}};
