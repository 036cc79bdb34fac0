/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_directory.h"

#include <apr_strings.h>
#include <string.h>

#include "handle.h"
#include "tap.h"

static void members(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = handle_request(h, "GET", handle_url(h, "directory"));

    is_int(r->status, 200);
    is_str(r->type, "application/json");
    is_str(reply_text(r, "newNonce"), HANDLE_BASE "/acme/new-nonce");
    is_str(reply_text(r, "newAccount"), HANDLE_BASE "/acme/new-account");
    is_str(reply_text(r, "newOrder"), HANDLE_BASE "/acme/new-order");
    is_str(reply_text(r, "newAuthz"), HANDLE_BASE "/acme/new-authz");
    is_str(reply_text(r, "revokeCert"), HANDLE_BASE "/acme/revoke-cert");
    is_str(reply_text(r, "keyChange"), HANDLE_BASE "/acme/key-change");
    is_str(reply_text(r, "renewalInfo"), HANDLE_BASE "/acme/renewal-info");
    is_str(reply_text(r, "meta/externalAccountRequired"), "false");
    ok(!reply_text(r, "meta/termsOfService"));
    /* What is not there is not advertised. */
    is_int(reply_count(r, ""), 8);
}

/* An authorization that comes beforehand would be of no use. */
static void no_reuse(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r;

    h->conf->authz_reuse = 0;
    r = handle_request(h, "GET", handle_url(h, "directory"));
    ok(!reply_text(r, "newAuthz"));
    is_int(reply_count(r, ""), 7);
}

static void lines(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = handle_request(h, "GET", handle_url(h, "directory"));

    ok(strstr(r->body,
              "\n  \"newNonce\": \"" HANDLE_BASE "/acme/new-nonce\",\n"));
}

static void meta(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r;

    h->conf->terms_url = "https://ca.example/terms";
    h->conf->website = "https://www.example/";
    r = handle_request(h, "GET", handle_url(h, "directory"));
    is_str(reply_text(r, "meta/termsOfService"), "https://ca.example/terms");
    is_str(reply_text(r, "meta/website"), "https://www.example/");
}

/* What a record is made of before there is a challenge. */
static void persist(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = handle_request(h, "GET", handle_url(h, "directory"));

    ok(!reply_text(r, "meta/accountHashPrefix"));
    ok(!reply_text(r, "meta/issuerDomainNames/0"));
    h->conf->dns_persist = ACME_PERSIST_ON;
    h->conf->server_name = "CA.example";
    acme_conf_drafts_add(h->conf, pool);
    r = handle_request(h, "GET", handle_url(h, "directory"));
    is_str(reply_text(r, "meta/issuerDomainNames/0"), "ca.example");
    is_str(reply_text(r, "meta/accountHashPrefix"),
           HANDLE_BASE "/acme/account-hash/");
}

static void nonce(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    const char *url = handle_url(h, "new-nonce");
    reply_t *r = handle_request(h, "HEAD", url);

    is_int(r->status, 200);
    ok(r->nonce);
    r = handle_request(h, "GET", url);
    is_int(r->status, 204);
    is_str(r->body, "");
    is_str(reply_header(r, "Cache-Control", 0), "no-store");
    ok(r->nonce);
    ok(reply_has_link(r, handle_url(h, "directory"), "index"));
    is_int(strlen(r->nonce), 16);
    ok(!strpbrk(r->nonce, ",=+/"));
}

static void signed_too(apr_pool_t *pool)
{
    client_t *c = client_make(handle_make(tap_tmpdir(), pool), "P-256");
    reply_t *r;

    client_register(c);
    r = client_post(c, handle_url(c->h, "directory"), "");
    is_int(r->status, 200);
    ok(reply_text(r, "newOrder"));
    r = client_post(c, handle_url(c->h, "new-nonce"), "");
    is_int(r->status, 200);
    ok(r->nonce);
}

static void profiles(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_profile_t *web =
        apr_pmemdup(pool, APR_ARRAY_IDX(h->conf->profiles, 0, acme_profile_t *),
                    sizeof(*web));
    reply_t *r;

    is_int(handle_request(h, "GET", handle_url(h, "web/directory"))->status,
           404);
    web->name = web->directory = "web";
    APR_ARRAY_PUSH(h->conf->profiles, acme_profile_t *) = web;
    r = handle_request(h, "GET", handle_url(h, "web/directory"));
    is_str(reply_text(r, "newOrder"), HANDLE_BASE "/acme/web/new-order");
    r = handle_request(h, "HEAD", handle_url(h, "web/new-nonce"));
    ok(reply_has_link(r, handle_url(h, "web/directory"), "index"));
}

static void with_query(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);

    is_int(handle_request(h, "GET", handle_url(h, "directory?x=1"))->status,
           200);
}

const tap_case_t tap_cases[] = {
    {"T31 R24 what there is, and nothing else", members},
    {"T31 no newAuthz where nothing is reused", no_reuse},
    {"R24 one member per line", lines},
    {"meta has terms and website when they are set", meta},
    {"dns-persist-01: names and prefix of its records", persist},
    {"T24 R1 R3 newNonce: HEAD 200, GET 204, no-store", nonce},
    {"T16 both by POST-as-GET", signed_too},
    {"T31 a profile has its own directory", profiles},
    {"a query does not matter where nothing is signed", with_query},
    {NULL, NULL}};
