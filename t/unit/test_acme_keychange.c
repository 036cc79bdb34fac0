/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_keychange.h"

#include <apr_strings.h>
#include <string.h>

#include "handle_eab.h"
#include "handle_start.h"
#include "jose/jose_sign.h"
#include "store/store_authz.h"

/* What is wrong with the inner JWS; NULL members are right. */
typedef struct {
    const char *signer; /* members instead of jwk */
    const char *url;
    const char *more; /* further members of the protected header */
    const char *payload;
    EVP_PKEY *key; /* what really signs */
} inner_t;

static const char *url_of(const client_t *c)
{
    return handle_url(c->h, "key-change");
}

static const char *inner(const client_t *c, const client_t *next,
                         const inner_t *twist)
{
    static const inner_t none;
    apr_pool_t *pool = c->h->pool;
    const char *header, *payload;

    if (!twist)
        twist = &none;
    header = apr_pstrcat(pool, "{\"alg\":\"", jose_sign_alg(next->key), "\",",
                         twist->signer
                             ? twist->signer
                             : apr_pstrcat(pool, "\"jwk\":", next->jwk, NULL),
                         ",\"url\":\"", twist->url ? twist->url : url_of(c),
                         "\"", twist->more ? twist->more : "", "}", NULL);
    payload = twist->payload ? twist->payload
                             : apr_pstrcat(pool, "{\"account\":\"", c->kid,
                                           "\",\"oldKey\":", c->jwk, "}", NULL);
    return jose_sign(twist->key ? twist->key : next->key, header, payload,
                     strlen(payload), pool);
}

static reply_t *change(client_t *c, const client_t *next, const inner_t *twist)
{
    return client_post(c, url_of(c), inner(c, next, twist));
}

/* From now on the client has the other one's key. */
static void take(client_t *c, const client_t *next)
{
    c->key = next->key;
    c->jwk = next->jwk;
    c->thumbprint = next->thumbprint;
}

static void refused(client_t *c, const client_t *next, const inner_t *twist,
                    const char *problem, const char *detail)
{
    reply_t *r = change(c, next, twist);

    is_int(r->status, 400);
    is_str(r->problem, problem);
    ok(strstr(r->detail, detail), "%s", r->detail);
    is_int(client_post(c, c->kid, "")->status, 200);
}

static void changed(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256"), old = *c;
    reply_t *r = change(c, next, NULL);
    const store_event_t *event;

    is_int(r->status, 200);
    is_str(r->location, c->kid);
    is_str(reply_text(r, "status"), "valid");
    r = client_post(c, c->kid, "");
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
    take(c, next);
    is_int(client_post(c, c->kid, "")->status, 200);
    next->kid = NULL;
    r = client_post(next, handle_url(c->h, "new-account"),
                    "{\"onlyReturnExisting\":true}");
    is_int(r->status, 200);
    is_str(r->location, c->kid);
    old.kid = NULL;
    r = client_post(&old, handle_url(c->h, "new-account"),
                    "{\"onlyReturnExisting\":true}");
    is_str(r->problem, "accountDoesNotExist");
    event = event_last(c->h, "account.rekey");
    need(event);
    ok(strstr(c->kid, event->account_id));
    ok(strstr(event->detail, next->thumbprint) &&
       strstr(event->detail, old.thumbprint));
}

static void every_kind(apr_pool_t *pool)
{
    static const char *const kinds[] = {"P-384", "P-521", "RSA-2048", "ED25519",
                                        "P-256"};
    client_t *c = client_start("P-256", pool);
    apr_size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const client_t *next = client_make(c->h, kinds[i]);

        is_int(change(c, next, NULL)->status, 200);
        take(c, next);
    }
    is_int(client_post(c, c->kid, "")->status, 200);
}

/* Checks 1 to 4 and 6: both JWS. */
static void inner_jws(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256");
    inner_t kid = {0}, nonce = {0}, url = {0}, forged = {0};
    reply_t *r;

    kid.signer = apr_pstrcat(pool, "\"kid\":\"", c->kid, "\"", NULL);
    refused(c, next, &kid, "malformed", "must have the new key as \"jwk\"");
    nonce.more = ",\"nonce\":\"AAAA\"";
    refused(c, next, &nonce, "malformed", "must have no \"nonce\"");
    url.url = handle_url(c->h, "new-order");
    refused(c, next, &url, "malformed", "but the outer one's is");
    forged.key = c->key;
    refused(c, next, &forged, "malformed", "the inner JWS: ");
    r = client_post(c, url_of(c), "{\"protected\":\"e30\"}");
    is_int(r->status, 400);
    is_str(r->problem, "malformed");
    is_str(client_post(c, url_of(c), "")->problem, "malformed");
    r = client_twisted(
        c, url_of(c), inner(c, next, NULL),
        &(twist_t){.signer = apr_pstrcat(pool, "\"jwk\":", c->jwk, NULL)});
    is_str(r->problem, "malformed");
    is_int(event_count(c->h, "account.rekey"), 0);
}

/* Checks 5, 7 and 8: the keyChange object. */
static void object(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256");
    client_t *other = client_make(c->h, "P-256");
    inner_t twist = {0};

    client_register(other);
    twist.payload = "[]";
    refused(c, next, &twist, "malformed", "the inner payload");
    twist.payload = "";
    refused(c, next, &twist, "malformed", "the inner payload");
    twist.payload = apr_pstrcat(pool, "{\"oldKey\":", c->jwk, "}", NULL);
    refused(c, next, &twist, "malformed", "account");
    twist.payload = apr_pstrcat(pool, "{\"account\":\"", c->kid, "\"}", NULL);
    refused(c, next, &twist, "malformed", "oldKey");
    twist.payload = apr_pstrcat(pool, "{\"account\":\"", other->kid,
                                "\",\"oldKey\":", c->jwk, "}", NULL);
    refused(c, next, &twist, "malformed", "but the request is signed by");
    twist.payload = apr_pstrcat(pool, "{\"account\":\"", c->kid,
                                "\",\"oldKey\":", other->jwk, "}", NULL);
    refused(c, next, &twist, "malformed", "but the account's key has");
    twist.payload = apr_pstrcat(pool, "{\"account\":\"", c->kid,
                                "\",\"oldKey\":{\"kty\":\"EC\"}}", NULL);
    refused(c, next, &twist, "malformed", "\"oldKey\"");
    is_int(event_count(c->h, "account.rekey"), 0);
}

/* The same key with other members around it is the same key. */
static void old_key_by_thumbprint(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256");
    inner_t twist = {0};

    twist.payload = apr_pstrcat(pool, "{\"account\":\"", c->kid,
                                "\",\"oldKey\":{\"use\":\"sig\",", c->jwk + 1,
                                ",\"x\":1}", NULL);
    is_int(change(c, next, &twist)->status, 200);
}

/* Check 9. */
static void taken(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");
    reply_t *r;

    client_register(other);
    r = change(c, other, NULL);
    is_int(r->status, 409);
    is_str(r->problem, "malformed");
    is_str(r->location, other->kid);
    ok(!reply_header(r, "Location", 1), "once");
    client_post(other, other->kid, "{\"status\":\"deactivated\"}");
    r = change(c, other, NULL);
    is_int(r->status, 409);
    is_str(r->location, other->kid);
    is_int(client_post(c, c->kid, "")->status, 200);
    refused(c, c, NULL, "malformed", "has already");
}

/* An account of another directory may have it (T09). */
static void elsewhere(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *other = client_make(c->h, "P-256");

    profile_add(c->h, "web");
    is_int(client_bind(other, "web", NULL, NULL)->status, 201);
    is_int(change(c, other, NULL)->status, 200);
}

/* pki.md: routes of a removed profile still serve its accounts. */
static void removed_profile(apr_pool_t *pool)
{
    client_t *c = client_make(handle_make(tap_tmpdir(), pool), "P-256");
    client_t *next = client_make(c->h, "P-256");
    const char *url = directory_url(c->h, "web", "key-change");
    inner_t twist = {0};

    twist.url = url;
    profile_add(c->h, "web");
    is_int(client_bind(c, "web", NULL, NULL)->status, 201);
    apr_array_pop(c->h->conf->profiles);
    is_int(client_post(c, url, inner(c, next, &twist))->status, 200);
    take(c, next);
    is_int(client_post(c, c->kid, "")->status, 200);
}

static void weak(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256");

    refused(c, client_make(c->h, "RSA-1024"), NULL, "badPublicKey",
            "the inner JWS: ");
    handle_block(c->h, next->key, "it was lost");
    refused(c, next, NULL, "badPublicKey", "it was lost");
}

static void dead_account(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256");
    reply_t *r;

    client_post(c, c->kid, "{\"status\":\"deactivated\"}");
    r = change(c, next, NULL);
    is_int(r->status, 401);
    is_str(r->problem, "unauthorized");
}

/* Orders stay, and a challenge that was accepted is still proven by the key
 * authorization of then; the next one by that of now. */
static void in_flight(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256");
    const char *old = c->thumbprint;
    reply_t *order = client_order(c, "a.test"), *later, *r;
    store_job_t job;
    dcv_job_t *work;

    later = client_order(c, "b.test");
    c->h->is_idle = 1;
    client_authorize(c, order);
    job = *handle_job(c->h);
    is_int(change(c, next, NULL)->status, 200);
    take(c, next);
    work = acme_work_start(&c->h->acme, &job, pool);
    need(work);
    ok(strstr(work->key_authorization, old));
    handle_run(c->h, &job);
    r = client_post(c, order->location, "");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "ready");
    client_authorize(c, later);
    work = acme_work_start(&c->h->acme, handle_job(c->h), pool);
    need(work);
    ok(strstr(work->key_authorization, next->thumbprint));
}

static void database_away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool),
             *next = client_make(c->h, "P-256");

    handle_database_away(c->h);
    is_int(change(c, next, NULL)->status, 503);
    handle_database_back(c->h);
    is_int(change(c, next, NULL)->status, 200);
}

const tap_case_t tap_cases[] = {
    {"T42 the new key is the account's, the old one nobody's", changed},
    {"T42 any kind of account key", every_kind},
    {"T42 checks 1-4, 6: jwk, no nonce, one url, both signatures", inner_jws},
    {"T42 checks 5, 7, 8: account and oldKey", object},
    {"T42 oldKey is compared by thumbprint", old_key_by_thumbprint},
    {"T42 R21 check 9: 409 and where the key is known", taken},
    {"T42 the same key in another directory is no conflict", elsewhere},
    {"T42 accounts of a removed profile", removed_profile},
    {"T42 T07 a new key is as strong as a first one", weak},
    {"T39 T42 a deactivated account has no new key", dead_account},
    {"T43 orders and validations in flight survive", in_flight},
    {"T42 503 while the database is away", database_away},
    {NULL, NULL}};
