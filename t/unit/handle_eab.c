/* SPDX-License-Identifier: Apache-2.0 */
#include "handle_eab.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/hmac.h>

#include "acme/acme_eab_secret.h"
#include "base/b64url.h"
#include "handle_must.h"

acme_profile_t *profile_add(handle_t *h, const char *name)
{
    acme_profile_t *profile = acme_profile_make(name, h->pool);

    profile->enrollment = 1;
    APR_ARRAY_PUSH(h->conf->profiles, acme_profile_t *) = profile;
    return profile;
}

acme_eab_keys_t *eab_keys(handle_t *h, const char *name)
{
    acme_eab_keys_t *keys;

    must(!acme_eab_keys_load(&keys,
                             apr_pstrcat(h->pool, h->dir, "/", name, NULL), 1,
                             NULL, h->pool));
    return keys;
}

eab_t *eab_make(handle_t *h, const char *profile)
{
    eab_t *eab = apr_pcalloc(h->pool, sizeof(*eab));

    if (!h->conf->eab_keys)
        h->conf->eab_keys = eab_keys(h, "eab.key");
    eab->h = h;
    eab->secret = acme_eab_secret_make(h->pool);
    eab->row.kid = acme_eab_kid_make(h->pool);
    eab->row.realm = h->conf->realm;
    eab->row.profile = profile;
    eab->row.name = "a test";
    eab->row.secret = acme_eab_secret_seal(h->conf->eab_keys, eab->row.kid,
                                           eab->secret, h->pool);
    must(eab->row.secret);
    eab->row.status = "valid";
    eab->row.created_at = eab->row.updated_at = h->now;
    return eab;
}

void eab_store(eab_t *eab)
{
    must(store_eab_create(eab->h->acme.store, &eab->row, NULL, eab->h->pool) ==
         APR_SUCCESS);
}

void eab_status(eab_t *eab, const char *status)
{
    must(store_eab_status_set(eab->h->acme.store, eab->row.kid, status,
                              eab->h->now, NULL, eab->h->pool) == APR_SUCCESS);
}

/* By OpenSSL's old interface, which the library does not use. */
static const char *mac_make(const char *alg, const char *secret,
                            const char *input, apr_pool_t *pool)
{
    const EVP_MD *md = !strcmp(alg, "HS384")   ? EVP_sha384()
                       : !strcmp(alg, "HS512") ? EVP_sha512()
                                               : EVP_sha256();
    unsigned char mac[EVP_MAX_MD_SIZE];
    const unsigned char *key;
    unsigned int len;
    apr_size_t key_len;

    must(!b64url_decode(&key, &key_len, secret, strlen(secret), pool));
    must(HMAC(md, key, (int)key_len, (const unsigned char *)input,
              strlen(input), mac, &len));
    return b64url_encode(mac, len, pool);
}

static const char *either(const char *twisted, const char *right)
{
    return twisted ? twisted : right;
}

const char *binding_make(const client_t *c, const eab_t *eab, const char *url,
                         const binding_t *twist)
{
    static const binding_t none;
    const binding_t *t = twist ? twist : &none;
    apr_pool_t *pool = c->h->pool;
    const char *alg = either(t->alg, "HS256"), *payload, *header, *input;

    header = either(t->header, apr_psprintf(pool,
                                            "{\"alg\":\"%s\",\"kid\":\"%s\","
                                            "\"url\":\"%s\"}",
                                            alg, either(t->kid, eab->row.kid),
                                            either(t->url, url)));
    header = b64url_encode(header, strlen(header), pool);
    payload = either(t->payload, c->jwk);
    payload = b64url_encode(payload, strlen(payload), pool);
    input = apr_pstrcat(pool, header, ".", payload, NULL);
    return apr_psprintf(
        pool, "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
        header, payload,
        either(t->mac,
               mac_make(alg, either(t->secret, eab->secret), input, pool)));
}

const char *directory_url(const handle_t *h, const char *directory,
                          const char *rest)
{
    return handle_url(
        h, apr_pstrcat(h->pool, directory, *directory ? "/" : "", rest, NULL));
}

reply_t *client_bind(client_t *c, const char *directory, const eab_t *eab,
                     const binding_t *twist)
{
    const char *url = directory_url(c->h, directory, "new-account");
    const char *payload = "{\"termsOfServiceAgreed\":true}";
    reply_t *r;

    if (eab)
        payload = apr_pstrcat(c->h->pool,
                              "{\"termsOfServiceAgreed\":true,"
                              "\"externalAccountBinding\":",
                              binding_make(c, eab, url, twist), "}", NULL);
    c->kid = NULL;
    r = client_post(c, url, payload);
    if (r->status == 201 || r->status == 200)
        c->kid = r->location;
    return r;
}

reply_t *order_in(client_t *c, const char *directory, const char *names,
                  const char *more)
{
    apr_pool_t *pool = c->h->pool;
    char *state, *words = apr_pstrdup(pool, names), *word;
    const char *list = "";

    for (word = apr_strtok(words, " ", &state); word;
         word = apr_strtok(NULL, " ", &state))
        list = apr_pstrcat(pool, list, *list ? "," : "",
                           "{\"type\":\"dns\",\"value\":\"", word, "\"}", NULL);
    return client_post(c, directory_url(c->h, directory, "new-order"),
                       apr_pstrcat(pool, "{\"identifiers\":[", list, "]",
                                   more ? more : "", "}", NULL));
}

typedef struct {
    const char *kind;
    store_event_t *last;
    int count;
    apr_pool_t *pool;
} walk_t;

static apr_status_t event_see(void *baton, const store_event_t *event,
                              apr_pool_t *pool)
{
    walk_t *walk = baton;

    if (walk->kind && strcmp(walk->kind, event->kind))
        return APR_SUCCESS;
    walk->count++;
    walk->last = apr_pmemdup(walk->pool, event, sizeof(*event));
    walk->last->kind = apr_pstrdup(walk->pool, event->kind);
    walk->last->account_id = apr_pstrdup(walk->pool, event->account_id);
    walk->last->order_id = apr_pstrdup(walk->pool, event->order_id);
    walk->last->authz_id = apr_pstrdup(walk->pool, event->authz_id);
    walk->last->cert_id = apr_pstrdup(walk->pool, event->cert_id);
    walk->last->eab_kid = apr_pstrdup(walk->pool, event->eab_kid);
    walk->last->who = apr_pstrdup(walk->pool, event->who);
    walk->last->ip = apr_pstrdup(walk->pool, event->ip);
    walk->last->detail = apr_pstrdup(walk->pool, event->detail);
    return APR_SUCCESS;
}

static walk_t walk(handle_t *h, const char *kind)
{
    walk_t made = {kind, NULL, 0, h->pool};

    must(store_event_walk(h->acme.store, 0, event_see, &made, h->pool) ==
         APR_SUCCESS);
    return made;
}

const store_event_t *event_last(handle_t *h, const char *kind)
{
    return walk(h, kind).last;
}

int event_count(handle_t *h, const char *kind)
{
    return walk(h, kind).count;
}
