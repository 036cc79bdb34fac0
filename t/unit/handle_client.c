/* SPDX-License-Identifier: Apache-2.0 */
#include "handle.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "base/own.h"
#include "jose/jose_jwk.h"
#include "jose/jose_sign.h"
#include "handle_must.h"

client_t *client_make(handle_t *h, const char *spec)
{
    client_t *c = apr_pcalloc(h->pool, sizeof(*c));
    jose_jwk_t *jwk;

    c->h = h;
    c->key = key_make(spec, h->pool);
    jwk = jose_jwk_from_pkey(c->key, h->pool);
    must(jwk);
    c->jwk = jwk->canonical;
    c->thumbprint = jwk->thumbprint;
    c->ip = "192.0.2.1";
    return c;
}

client_t *client_twin(const client_t *c, handle_t *twin)
{
    client_t *copy = apr_pmemdup(twin->pool, c, sizeof(*c));

    copy->h = twin;
    return copy;
}

/* ,"name":"value" unless value is NULL. */
static const char *member(const char *name, const char *value, apr_pool_t *pool)
{
    return value && *value
               ? apr_pstrcat(pool, ",\"", name, "\":\"", value, "\"", NULL)
               : "";
}

const char *client_sign(client_t *c, const char *url, const char *payload,
                        const twist_t *twist)
{
    static const twist_t none;
    apr_pool_t *pool = c->h->pool;
    const char *signer, *header, *body;

    if (!twist)
        twist = &none;
    signer =
        twist->signer
            ? twist->signer
            : apr_pstrcat(pool, c->kid ? "\"kid\":\"" : "\"jwk\":",
                          c->kid ? c->kid : c->jwk, c->kid ? "\"" : "", NULL);
    header = apr_pstrcat(
        pool, "{\"alg\":\"", twist->alg ? twist->alg : jose_sign_alg(c->key),
        "\"", *signer ? "," : "", signer,
        member("nonce", twist->nonce ? twist->nonce : handle_nonce(c->h), pool),
        member("url", twist->url ? twist->url : url, pool),
        twist->more ? twist->more : "", "}", NULL);
    body = jose_sign(c->key, header, payload, strlen(payload), pool);
    must(body);
    return body;
}

reply_t *client_twisted(client_t *c, const char *url, const char *payload,
                        const twist_t *twist)
{
    static const twist_t none;
    acme_request_t req = {0};
    const char *path = strchr(strstr(url, "://") + 3, '/');
    const char *query = strchr(path, '?');

    if (!twist)
        twist = &none;
    req.method = "POST";
    req.path =
        query ? apr_pstrmemdup(c->h->pool, path, (size_t)(query - path)) : path;
    req.query = query ? query + 1 : NULL;
    req.content_type =
        twist->content_type ? twist->content_type : "application/jose+json";
    req.accept = twist->accept;
    req.body = twist->body ? twist->body : client_sign(c, url, payload, twist);
    req.body_len = strlen(req.body);
    req.client_ip = c->ip;
    req.user = c->user;
    req.log = c->h->acme.log;
    req.pool = c->h->pool;
    return handle_raw(c->h, &req);
}

reply_t *client_post(client_t *c, const char *url, const char *payload)
{
    return client_twisted(c, url, payload, NULL);
}

reply_t *client_register(client_t *c)
{
    reply_t *r = client_post(c, handle_url(c->h, "new-account"),
                             "{\"termsOfServiceAgreed\":true}");

    must(r->status == 201 || r->status == 200);
    c->kid = r->location;
    return r;
}

reply_t *client_order(client_t *c, const char *names)
{
    apr_pool_t *pool = c->h->pool;
    char *state, *words = apr_pstrdup(pool, names);
    char *word = apr_strtok(words, " ", &state);
    const char *list = "";

    for (; word; word = apr_strtok(NULL, " ", &state))
        list = apr_pstrcat(pool, list, *list ? "," : "",
                           "{\"type\":\"dns\",\"value\":\"", word, "\"}", NULL);
    return client_post(
        c, handle_url(c->h, "new-order"),
        apr_pstrcat(pool, "{\"identifiers\":[", list, "]}", NULL));
}

void client_authorize(client_t *c, const reply_t *order)
{
    int i, count = reply_count(order, "authorizations");

    for (i = 0; i < count; i++) {
        reply_t *authz = client_post(
            c,
            reply_text(order, apr_psprintf(c->h->pool, "authorizations/%d", i)),
            "");

        if (!strcmp(reply_text(authz, "status"), "pending"))
            client_post(c, reply_text(authz, "challenges/0/url"), "{}");
    }
}

reply_t *client_ready(client_t *c, const char *names)
{
    reply_t *order = client_order(c, names);
    const char *url = order->location;

    must(order->status == 201);
    client_authorize(c, order);
    order = client_post(c, url, "");
    must(!strcmp(reply_text(order, "status"), "ready"));
    return order;
}

reply_t *client_finalize(client_t *c, const reply_t *order, const char *csr)
{
    return client_post(c, reply_text(order, "finalize"),
                       csr_payload(csr, c->h->pool));
}

static void names_add(X509_REQ *req, const char *names, apr_pool_t *pool)
{
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    char *state, *words = apr_pstrdup(pool, names);
    char *word = apr_strtok(words, " ", &state);
    GENERAL_NAMES *sans = sk_GENERAL_NAME_new_null();
    X509_EXTENSION *extension;

    for (; word; word = apr_strtok(NULL, " ", &state)) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();

        must(ASN1_STRING_set(text, word, -1));
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        sk_GENERAL_NAME_push(sans, name);
    }
    extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, sans);
    sk_X509_EXTENSION_push(list, extension);
    must(X509_REQ_add_extensions(req, list));
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    GENERAL_NAMES_free(sans);
}

const char *csr_make(EVP_PKEY *key, const char *names, const char *cn,
                     apr_pool_t *pool)
{
    X509_REQ *req = own_x509_req(pool, X509_REQ_new());
    int is_pure = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    unsigned char *der = NULL;
    const char *text;
    int len;

    if (cn)
        must(X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req),
                                        NID_commonName, MBSTRING_UTF8,
                                        (const unsigned char *)cn, -1, -1, 0));
    if (*names)
        names_add(req, names, pool);
    must(X509_REQ_set_pubkey(req, key));
    must(X509_REQ_sign(req, key, is_pure ? NULL : EVP_sha256()));
    len = i2d_X509_REQ(req, &der);
    must(len > 0);
    text = b64url_encode(der, (apr_size_t)len, pool);
    OPENSSL_free(der);
    return text;
}

const char *csr_payload(const char *csr, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "{\"csr\":\"", csr, "\"}", NULL);
}
