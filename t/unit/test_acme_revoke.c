/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_revoke.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/acme_audit.h"
#include "base/b64url.h"
#include "handle_eab.h"
#include "store/store_account.h"
#include "store/store_authz.h"
#include "store/store_blocked.h"
#include "store/store_cert.h"
#include "tap.h"

/* A client with a certificate. */
typedef struct {
    client_t *c;
    EVP_PKEY *key;
    const char *id; /* of the certificate */
    const char *der;
} bed_t;

static client_t *account(handle_t *h)
{
    client_t *c = client_make(h, "P-256");

    client_register(c);
    return c;
}

static void issue(bed_t *bed, const char *names, const char *spec)
{
    apr_pool_t *pool = bed->c->h->pool;
    reply_t *order = client_ready(bed->c, names), *r;
    store_cert_t *row;

    bed->key = key_make(spec, pool);
    r = client_finalize(bed->c, order, csr_make(bed->key, names, NULL, pool));
    need(reply_text(r, "certificate"));
    bed->id = strrchr(reply_text(r, "certificate"), '/') + 1;
    need(store_cert_get(&row, bed->c->h->acme.store, bed->id, pool) ==
         APR_SUCCESS);
    bed->der = b64url_encode(row->der, row->der_len, pool);
}

static bed_t *start(apr_pool_t *pool)
{
    bed_t *bed = apr_pcalloc(pool, sizeof(*bed));

    bed->c = account(handle_make(tap_tmpdir(), pool));
    issue(bed, "a.test b.test", "P-256");
    return bed;
}

/* more: ",\"reason\":1" */
static reply_t *ask(client_t *c, const bed_t *bed, const char *more)
{
    return client_post(c, handle_url(c->h, "revoke-cert"),
                       apr_pstrcat(c->h->pool, "{\"certificate\":\"", bed->der,
                                   "\"", more, "}", NULL));
}

/* Whoever signs with this key, as a jwk. */
static client_t *holder(handle_t *h, EVP_PKEY *key)
{
    client_t *c = client_make(h, "P-256");
    jose_jwk_t *jwk = jose_jwk_from_pkey(key, h->pool);

    c->key = key;
    c->jwk = jwk->canonical;
    c->thumbprint = jwk->thumbprint;
    return c;
}

static const store_cert_t *row(const bed_t *bed)
{
    store_cert_t *got;

    is_int(
        store_cert_get(&got, bed->c->h->acme.store, bed->id, bed->c->h->pool),
        APR_SUCCESS);
    return got;
}

static void refused(const reply_t *r, int status, const char *problem,
                    const char *detail)
{
    is_int(r->status, status);
    is_str(r->problem, problem);
    ok(strstr(r->detail, detail), "%s", r->detail);
    ok(r->nonce && reply_header(r, "Link", 0));
}

static void by_account(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    const store_event_t *event;
    reply_t *r = ask(bed->c, bed, "");

    is_int(r->status, 200);
    is_str(r->body, "");
    ok(!r->type && r->nonce);
    is_int(row(bed)->revoked_at, HANDLE_NOW);
    is_int(row(bed)->revoked_reason, -1);
    ok(h->wakes > 0, "somebody makes the list");
    event = event_last(h, "cert.revoke");
    need(event);
    is_str(event->cert_id, bed->id);
    ok(strstr(bed->c->kid, event->account_id));
    is_str(event->ip, "192.0.2.1");
    ok(strstr(event->detail, "\"by\":\"account\"") &&
           strstr(event->detail, row(bed)->serial) &&
           !strstr(event->detail, "reason"),
       "%s", event->detail);
    refused(ask(bed->c, bed, ""), 400, "alreadyRevoked",
            "since 2026-09-21T14:13:20Z");
    is_int(event_count(h, "cert.revoke"), 1);
    is_int(event_count(h, "key.block"), 0);
    /* What was issued can be fetched all the same. */
    is_int(client_post(bed->c,
                       handle_url(h, apr_pstrcat(pool, "cert/", bed->id, NULL)),
                       "")
               ->status,
           200);
}

static void expired(apr_pool_t *pool)
{
    bed_t *bed = start(pool);

    bed->c->h->now += 200 * 86400;
    is_int(ask(bed->c, bed, "")->status, 200);
}

static void by_authorizations(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    client_t *other = account(h);
    reply_t *order;

    refused(ask(other, bed, ""), 403, "unauthorized", "another account");
    client_ready(other, "a.test");
    refused(ask(other, bed, ""), 403, "unauthorized", "b.test");
    client_order(other, "b.test");
    refused(ask(other, bed, ""), 403, "unauthorized", "b.test");
    order = client_ready(other, "b.test");
    client_post(other, reply_text(order, "authorizations/0"),
                "{\"status\":\"deactivated\"}");
    refused(ask(other, bed, ""), 403, "unauthorized", "b.test");
    client_ready(other, "b.test c.test");
    h->now += 31 * 86400;
    refused(ask(other, bed, ""), 403, "unauthorized", "no valid auth");
    client_ready(other, "a.test b.test");
    is_int(row(bed)->revoked_at, 0);
    is_int(ask(other, bed, ",\"reason\":4")->status, 200);
    is_int(row(bed)->revoked_reason, 4);
    ok(strstr(event_last(h, "cert.revoke")->detail,
              "\"reason\":\"superseded\",\"by\":\"authorizations\""),
       "%s", event_last(h, "cert.revoke")->detail);
}

/* An authorization for a name is none for its wildcard. */
static void wildcards(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    store_t *store = bed->c->h->acme.store;
    const char *id = row(bed)->account_id;
    apr_int64_t now = bed->c->h->now;

    is_int(store_authz_holds(store, id, "default", "dns", "a.test", 0, 0, now,
                             pool),
           APR_SUCCESS);
    is_int(store_authz_holds(store, id, "default", "dns", "a.test", 1, 0, now,
                             pool),
           APR_ENOENT);
    /* What was proven counts for every profile. */
    is_int(
        store_authz_holds(store, id, "other", "dns", "a.test", 0, 0, now, pool),
        APR_SUCCESS);
}

/* RFC 9444: an authorization for a.test and what is below it. */
static void below(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    client_t *other = account(h);
    store_authz_t authz = {0}, *made;
    reply_t *order = client_ready(other, "b.test");

    issue(bed, "x.y.a.test", "P-256");
    need(
        store_authz_get(&made, h->acme.store,
                        strrchr(reply_text(order, "authorizations/0"), '/') + 1,
                        pool) == APR_SUCCESS);
    authz = *made;
    authz.id = "AAAAAAAAAAAAAAAAAAAAAA";
    authz.value = "a.test";
    need(store_authz_create(h->acme.store, &authz, 0, NULL, pool) ==
         APR_SUCCESS);
    refused(ask(other, bed, ""), 403, "unauthorized", "x.y.a.test");
    authz.id = "BBBBBBBBBBBBBBBBBBBBBB";
    authz.subdomains = 1;
    need(store_authz_create(h->acme.store, &authz, 0, NULL, pool) ==
         APR_SUCCESS);
    is_int(ask(other, bed, "")->status, 200);
}

/* Each certificate that has it. */
static void key_of_two(apr_pool_t *pool)
{
    bed_t *bed = start(pool), other = *bed;
    reply_t *r = client_finalize(bed->c, client_ready(bed->c, "c.test"),
                                 csr_make(bed->key, "c.test", NULL, pool));

    need(reply_text(r, "certificate"));
    other.id = strrchr(reply_text(r, "certificate"), '/') + 1;
    other.der = b64url_encode(row(&other)->der, row(&other)->der_len, pool);
    is_int(ask(holder(bed->c->h, bed->key), bed, "")->status, 200);
    is_int(row(&other)->revoked_at, 0);
    is_int(ask(holder(bed->c->h, bed->key), &other, "")->status, 200);
    is_int(row(&other)->revoked_reason, 1);
    is_int(event_count(bed->c->h, "key.block"), 1);
}

static void by_key(apr_pool_t *pool)
{
    static const char *const kinds[] = {"P-256", "P-384", "RSA-2048",
                                        "ED25519"};
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    store_blocked_t *blocked;
    apr_size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        reply_t *r;

        issue(bed, "a.test", kinds[i]);
        r = ask(holder(h, bed->key), bed, i ? ",\"reason\":0" : "");
        is_int(r->status, 200);
        is_str(r->body, "");
        is_int(row(bed)->revoked_reason, 1);
        is_int(store_blocked_get(&blocked, h->acme.store, row(bed)->spki_sha256,
                                 pool),
               APR_SUCCESS);
    }
    is_int(event_count(h, "cert.revoke"), 4);
    is_int(event_count(h, "key.block"), 4);
    ok(strstr(event_last(h, "cert.revoke")->detail, "certificate key"));
    ok(!event_last(h, "cert.revoke")->who);
}

/* Dogtag's hole: any key that signs is none but the certificate's (T73). */
static void other_keys(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    client_t *stranger = client_make(h, "P-256");
    client_t *key = client_make(h, "P-256");

    refused(ask(stranger, bed, ""), 403, "unauthorized",
            "not the key of the certificate");
    /* The account's own key proves nothing about the certificate's. */
    *key = *bed->c;
    key->kid = NULL;
    refused(ask(key, bed, ",\"reason\":1"), 403, "unauthorized",
            "an account signs with its URL");
    is_int(row(bed)->revoked_at, 0);
    is_int(event_count(h, "key.block"), 0);
    is_int(event_count(h, "request.refuse"), 2);
}

static void blocked_for_ever(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    client_t *bad = holder(h, bed->key), *early = holder(h, bed->key);
    store_account_t *lost;
    reply_t *r;

    client_register(early); /* nobody has told us yet */
    is_int(ask(bad, bed, "")->status, 200);
    r = client_post(early, early->kid, "");
    refused(r, 401, "unauthorized", "this account is revoked");
    need(store_account_get(&lost, h->acme.store, strrchr(early->kid, '/') + 1,
                           pool) == APR_SUCCESS);
    is_str(lost->status, "revoked");
    is_int(event_count(h, "account.revoke"), 1);
    h->now += 400 * 86400;
    r = client_finalize(bed->c, client_ready(bed->c, "c.test"),
                        csr_make(bed->key, "c.test", NULL, pool));
    is_int(r->status, 400);
    is_str(r->problem, "badCSR");
}

/* As above, for keys that no account has. */
static void blocked_keys(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    client_t *bad = holder(h, bed->key);
    reply_t *r;

    is_int(ask(bad, bed, "")->status, 200);
    r = client_post(bad, handle_url(h, "new-account"), "{}");
    refused(r, 400, "badPublicKey", "reported as compromised");
    h->now += 400 * 86400;
    r = client_finalize(bed->c, client_ready(bed->c, "c.test"),
                        csr_make(bed->key, "c.test", NULL, pool));
    refused(r, 400, "badCSR", "reported as compromised");
    r = client_post(bad, handle_url(h, "new-account"), "{}");
    refused(r, 400, "badPublicKey", "reported as compromised");
}

/* Believed as to the certificate, and no further. */
static void compromise_by_account(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;
    reply_t *r;

    is_int(ask(bed->c, bed, ",\"reason\":1")->status, 200);
    is_int(row(bed)->revoked_reason, 1);
    is_int(event_count(h, "key.block"), 0);
    /* Then the key itself says so: too late to revoke, not to block. */
    refused(ask(holder(h, bed->key), bed, ""), 400, "alreadyRevoked",
            "revoked already");
    is_int(event_count(h, "cert.revoke"), 1);
    is_int(event_count(h, "key.block"), 1);
    r = client_post(holder(h, bed->key), handle_url(h, "new-account"), "{}");
    is_str(r->problem, "badPublicKey");
}

static void reason_raised(apr_pool_t *pool)
{
    bed_t *bed = start(pool);

    is_int(ask(bed->c, bed, ",\"reason\":4")->status, 200);
    bed->c->h->now += 60;
    refused(ask(holder(bed->c->h, bed->key), bed, ""), 400, "alreadyRevoked",
            "since 2026-09-21T14:13:20Z");
    is_int(row(bed)->revoked_reason, 1);
    is_int(row(bed)->revoked_at, HANDLE_NOW);
    is_int(event_count(bed->c->h, "cert.revoke"), 2);
}

static void reasons(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "2",    "6",  "7",   "8",           "9",    "10",
        "11",   "-1", "1.0", "\"1\"",       "[]",   "false",
        "null", "{}", "1e0", "99999999999", "65537"};
    static const int good[] = {0, 1, 3, 4, 5};
    bed_t *bed = start(pool);
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(
            ask(bed->c, bed, apr_pstrcat(pool, ",\"reason\":", bad[i], NULL)),
            400, "badRevocationReason",
            "0 (unspecified), 1 (keyCompromise), 3 (affiliationChanged), "
            "4 (superseded), 5 (cessationOfOperation)");
    is_int(row(bed)->revoked_at, 0);
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        issue(bed, "a.test", "P-256");
        is_int(ask(bed->c, bed, apr_psprintf(pool, ",\"reason\":%d", good[i]))
                   ->status,
               200);
        is_int(row(bed)->revoked_reason, good[i]);
    }
}

static void not_ours(apr_pool_t *pool)
{
    bed_t *bed = start(pool), *twin = start(pool);
    const char *der = bed->der, *url = handle_url(bed->c->h, "revoke-cert");
    apr_size_t len;
    const unsigned char *octets;
    unsigned char *forged;

    bed->der = twin->der;
    refused(ask(bed->c, bed, ""), 404, "malformed", "not issued here");
    refused(ask(holder(bed->c->h, twin->key), bed, ""), 404, "malformed",
            "not issued here");
    /* The same serial number, another certificate (T76). */
    need(b64url_decode(&octets, &len, der, strlen(der), pool) == APR_SUCCESS);
    forged = apr_pmemdup(pool, octets, len);
    forged[len - 1] ^= 1;
    bed->der = b64url_encode(forged, len, pool);
    refused(ask(bed->c, bed, ""), 404, "malformed", "not issued here");
    bed->der = "MAAA";
    refused(ask(bed->c, bed, ""), 400, "malformed", "DER");
    bed->der = "";
    refused(ask(bed->c, bed, ""), 400, "malformed", "DER");
    bed->der = apr_pstrcat(pool, der, "=", NULL);
    refused(ask(bed->c, bed, ""), 400, "malformed", "base64url");
    bed->der = "-----BEGIN CERTIFICATE-----";
    refused(ask(bed->c, bed, ""), 400, "malformed", "PEM");
    forged = apr_pcalloc(pool, len + 1);
    memcpy(forged, octets, len);
    bed->der = b64url_encode(forged, len + 1, pool);
    refused(ask(bed->c, bed, ""), 400, "malformed", "DER");
    refused(client_post(bed->c, url, "{}"), 400, "malformed", "certificate");
    refused(client_post(bed->c, url, "{\"certificate\":1}"), 400, "malformed",
            "certificate");
    refused(client_post(bed->c, url, ""), 400, "malformed", "JSON object");
    refused(handle_request(bed->c->h, "GET", url), 405, "malformed", "POST");
    is_int(row(bed)->revoked_at, 0);
}

static void who_is_out(apr_pool_t *pool)
{
    bed_t *bed = start(pool);
    handle_t *h = bed->c->h;

    client_post(bed->c, bed->c->kid, "{\"status\":\"deactivated\"}");
    refused(ask(bed->c, bed, ""), 401, "unauthorized", "deactivated");
    is_int(row(bed)->revoked_at, 0);
    is_int(ask(holder(h, bed->key), bed, "")->status, 200);
}

/* What was issued under a profile's directory is that directory's affair, but
 * for the key; and it stays so when the profile is gone. */
static void directories(apr_pool_t *pool)
{
    bed_t *bed = apr_pcalloc(pool, sizeof(*bed));
    handle_t *h = handle_make(tap_tmpdir(), pool);
    client_t *other;
    reply_t *r;
    const char *payload, *url;

    profile_add(h, "web");
    bed->c = client_make(h, "P-256");
    client_bind(bed->c, "web", NULL, NULL);
    r = order_in(bed->c, "web", "a.test", "");
    client_authorize(bed->c, r);
    r = client_post(bed->c, r->location, "");
    bed->key = key_make("P-256", pool);
    r = client_finalize(bed->c, r, csr_make(bed->key, "a.test", NULL, pool));
    need(reply_text(r, "certificate"));
    bed->id = strrchr(reply_text(r, "certificate"), '/') + 1;
    bed->der = b64url_encode(row(bed)->der, row(bed)->der_len, pool);
    other = account(h);
    client_ready(other, "a.test");
    refused(ask(other, bed, ""), 403, "unauthorized", "another account");
    apr_array_pop(h->conf->profiles);
    is_int(
        handle_request(h, "GET", directory_url(h, "web", "directory"))->status,
        404);
    url = directory_url(h, "web", "revoke-cert");
    payload = apr_pstrcat(pool, "{\"certificate\":\"", bed->der, "\"}", NULL);
    is_int(client_post(bed->c, url, payload)->status, 200);
    h->conf->realm = "another";
    refused(ask(holder(h, bed->key), bed, ""), 404, "malformed",
            "not issued here");
    h->conf->realm = "";
    refused(ask(holder(h, bed->key), bed, ""), 400, "alreadyRevoked", "");
}

static void no_database(apr_pool_t *pool)
{
    bed_t *bed = start(pool);

    handle_database_away(bed->c->h);
    is_int(ask(bed->c, bed, "")->status, 503);
    is_int(ask(holder(bed->c->h, bed->key), bed, "")->status, 503);
    handle_database_back(bed->c->h);
    is_int(row(bed)->revoked_at, 0);
    is_int(ask(bed->c, bed, "")->status, 200);
}

const tap_case_t tap_cases[] = {
    {"T73 T74: by the account, once", by_account},
    {"T73: by an account with authorizations for all names", by_authorizations},
    {"T73: wildcards are names of their own", wildcards},
    {"T73: by an authorization that is good below its name", below},
    {"T73 T75: by the certificate's key", by_key},
    {"T73: by a key that is blocked by now", key_of_two},
    {"T73: by no other key", other_keys},
    {"T74: what has expired, too", expired},
    {"T75: a compromised key is nobody's any more", blocked_for_ever},
    {"T75: neither a certificate's nor an account's", blocked_keys},
    {"T75: an account's word blocks no key", compromise_by_account},
    {"T75: the key's word changes the reason", reason_raised},
    {"T75: reasons", reasons},
    {"T74 T76: what is not ours", not_ours},
    {"T39 T73: a deactivated account", who_is_out},
    {"directories, removed profiles, realms", directories},
    {"without a database nothing is revoked", no_database},
    {NULL, NULL}};
