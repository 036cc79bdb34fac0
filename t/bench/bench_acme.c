/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_acme.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <apr_strings.h>
#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "base/own.h"
#include "bench_responder.h"
#include "ca/ca_hierarchy.h"
#include "jose/jose_jwk.h"
#include "jose/jose_sign.h"

#include "base/banned.h"

#define BODY_MAX  (1024 * 1024)
#define POLLS_MAX 600
#define TRIES_MAX 5

typedef struct {
    bench_acme_t *acme;
    char *data;
    apr_size_t len;
} sink_t;

static size_t on_body(char *data, size_t size, size_t n, void *baton)
{
    sink_t *sink = baton;
    apr_size_t len = size * n;
    char *grown;

    if (sink->len + len > BODY_MAX)
        return 0;
    grown = apr_palloc(sink->acme->pool, sink->len + len + 1);
    if (sink->len)
        memcpy(grown, sink->data, sink->len);
    memcpy(grown + sink->len, data, len);
    grown[sink->len + len] = '\0';
    sink->data = grown;
    sink->len += len;
    return len;
}

static size_t on_header(char *data, size_t size, size_t n, void *baton)
{
    bench_acme_t *acme = ((sink_t *)baton)->acme;
    apr_size_t len = size * n;
    char *line = apr_pstrmemdup(acme->pool, data, len);

    apr_collapse_spaces(line, line);
    if (!strncasecmp(line, "Replay-Nonce:", 13))
        apr_cpystrn(acme->nonce, line + 13, sizeof(acme->nonce));
    else if (!strncasecmp(line, "Location:", 9))
        acme->location = apr_pstrdup(acme->pool, line + 9);
    return len;
}

static const char *perform(bench_acme_t *acme, const char *url)
{
    sink_t sink = {acme, NULL, 0};
    CURLcode rc;

    acme->location = NULL;
    acme->json = NULL;
    curl_easy_setopt(acme->curl, CURLOPT_URL, url);
    curl_easy_setopt(acme->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(acme->curl, CURLOPT_WRITEDATA, &sink);
    curl_easy_setopt(acme->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(acme->curl, CURLOPT_HEADERDATA, &sink);
    rc = curl_easy_perform(acme->curl);
    acme->requests++;
    acme->is_cut = rc == CURLE_SEND_ERROR || rc == CURLE_RECV_ERROR ||
                   rc == CURLE_GOT_NOTHING;
    acme->is_late = rc == CURLE_OPERATION_TIMEDOUT;
    if (rc != CURLE_OK)
        return apr_psprintf(acme->pool, "%s: %s", url, curl_easy_strerror(rc));
    curl_easy_getinfo(acme->curl, CURLINFO_RESPONSE_CODE, &acme->status);
    acme->body = sink.data ? sink.data : "";
    if (acme->body[0] == '{')
        acme->json = own_json(acme->pool, json_loads(acme->body, 0, NULL));
    return NULL;
}

const char *bench_acme_get(bench_acme_t *acme, const char *url, int head)
{
    const char *err = NULL;
    int tries;

    curl_easy_setopt(acme->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(acme->curl, CURLOPT_NOBODY, head ? 1L : 0L);
    curl_easy_setopt(acme->curl, CURLOPT_HTTPHEADER, NULL);
    for (tries = 0; tries < TRIES_MAX; tries++) {
        err = perform(acme, url);
        if (!err || !acme->is_cut)
            break;
        acme->cuts++;
    }
    return err;
}

static const char *member(json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

static int is_bad_nonce(const bench_acme_t *acme)
{
    return acme->status == 400 && acme->json &&
           !strcmp(member(acme->json, "type"),
                   "urn:ietf:params:acme:error:badNonce");
}

static const char *jws_make(bench_acme_t *acme, const char *url,
                            const char *payload)
{
    const char *who, *header;

    if (acme->kid)
        who = apr_psprintf(acme->pool, "\"kid\":\"%s\"", acme->kid);
    else
        who =
            apr_psprintf(acme->pool, "\"jwk\":%s",
                         jose_jwk_from_pkey(acme->key, acme->pool)->canonical);
    header = apr_psprintf(acme->pool,
                          "{\"alg\":\"%s\",%s,\"nonce\":\"%s\",\"url\":\"%s\"}",
                          jose_sign_alg(acme->key), who, acme->nonce, url);
    acme->nonce[0] = '\0';
    return jose_sign(acme->key, header, payload, strlen(payload), acme->pool);
}

/* What perform() will do. */
static void post_set(bench_acme_t *acme, const char *body, apr_size_t len,
                     struct curl_slist *headers)
{
    curl_easy_setopt(acme->curl, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(acme->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(acme->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(acme->curl, CURLOPT_POSTFIELDSIZE, (long)len);
    curl_easy_setopt(acme->curl, CURLOPT_COPYPOSTFIELDS, body);
}

/* One request; a nonce is fetched if there is none. */
static const char *post_once(bench_acme_t *acme, const char *url,
                             const char *payload, struct curl_slist *headers)
{
    const char *err = NULL, *jws;

    if (!acme->nonce[0])
        err = bench_acme_get(acme, acme->new_nonce, 1);
    if (err)
        return err;
    if (!acme->nonce[0])
        return apr_psprintf(acme->pool, "newNonce: status %ld, no nonce",
                            acme->status);
    jws = jws_make(acme, url, payload);
    post_set(acme, jws, strlen(jws), headers);
    return perform(acme, url);
}

/* A busy httpd closes connections that are kept alive; like any client, try
 * again with a new one, and with a new nonce.  Who is sturdy outlives more. */
static int is_passing(bench_acme_t *acme, const char *err)
{
    int is_bad = !err && is_bad_nonce(acme);

    acme->cuts += err && acme->is_cut;
    acme->bad_nonces += is_bad;
    if (is_bad || (err && acme->is_cut))
        return 1;
    return acme->sturdy && (err ? !acme->is_late : acme->status == 503);
}

const char *bench_acme_post(bench_acme_t *acme, const char *url,
                            const char *payload)
{
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/jose+json");
    apr_time_t end = apr_time_now() + apr_time_from_sec(acme->sturdy);
    const char *err;
    int tries = 0;

    for (;;) {
        err = post_once(acme, url, payload ? payload : "", headers);
        if (!is_passing(acme, err) ||
            (++tries >= TRIES_MAX && apr_time_now() > end))
            break;
        if (tries >= TRIES_MAX)
            usleep(50000);
    }
    curl_easy_setopt(acme->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (!err && acme->status >= 400)
        err = apr_psprintf(acme->pool, "POST %s: %ld %s", url, acme->status,
                           acme->body);
    return err;
}

const char *bench_acme_post_raw(bench_acme_t *acme, const char *url,
                                const char *body, apr_size_t len)
{
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/jose+json");
    const char *err;

    post_set(acme, body, len, headers);
    err = perform(acme, url);
    if (err && acme->is_cut)
        err = perform(acme, url);
    curl_easy_setopt(acme->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return err;
}

const char *bench_acme_init(bench_acme_t *acme, const char *directory_url,
                            const char *ca_file, apr_pool_t *lifetime)
{
    const char *err;

    memset(acme, 0, sizeof(*acme));
    apr_pool_create(&acme->pool, lifetime);
    acme->curl = curl_easy_init();
    curl_easy_setopt(acme->curl, CURLOPT_USERAGENT, "acme-bench");
    curl_easy_setopt(acme->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(acme->curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(acme->curl, CURLOPT_PROXY, "");
    if (ca_file)
        curl_easy_setopt(acme->curl, CURLOPT_CAINFO, ca_file);
    else
        curl_easy_setopt(acme->curl, CURLOPT_SSL_VERIFYPEER, 0L);
    err = bench_acme_get(acme, directory_url, 0);
    if (err)
        return apr_pstrdup(lifetime, err);
    if (acme->status != 200 || !acme->json)
        return apr_psprintf(lifetime, "%s: status %ld, no directory",
                            directory_url, acme->status);
    acme->new_nonce = apr_pstrdup(lifetime, member(acme->json, "newNonce"));
    acme->new_account = apr_pstrdup(lifetime, member(acme->json, "newAccount"));
    acme->new_order = apr_pstrdup(lifetime, member(acme->json, "newOrder"));
    acme->revoke_cert = apr_pstrdup(lifetime, member(acme->json, "revokeCert"));
    acme->renewal_info = apr_pstrdup(
        lifetime,
        json_string_value(json_object_get(acme->json, "renewalInfo")));
    bench_acme_reset(acme, 0);
    return NULL;
}

void bench_acme_done(bench_acme_t *acme)
{
    curl_easy_cleanup(acme->curl);
    EVP_PKEY_free(acme->key);
}

void bench_acme_reset(bench_acme_t *acme, int keep_account)
{
    char kid[512] = "";

    if (keep_account && acme->kid)
        apr_cpystrn(kid, acme->kid, sizeof(kid));
    apr_pool_clear(acme->pool);
    acme->kid = kid[0] ? apr_pstrdup(acme->pool, kid) : NULL;
    if (acme->kid)
        return;
    EVP_PKEY_free(acme->key);
    acme->key = EVP_EC_gen("P-256");
}

void bench_acme_disconnect(bench_acme_t *acme)
{
    curl_easy_setopt(acme->curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(acme->curl, CURLOPT_FORBID_REUSE, 1L);
}

void bench_acme_from(bench_acme_t *acme, const char *address)
{
    curl_easy_setopt(acme->curl, CURLOPT_INTERFACE, address);
}

const char *bench_acme_register(bench_acme_t *acme)
{
    const char *err = bench_acme_post(acme, acme->new_account,
                                      "{\"termsOfServiceAgreed\":true}");

    if (err)
        return err;
    acme->kid = acme->location;
    return acme->kid ? NULL : "newAccount: no Location";
}

const char *bench_acme_order(bench_acme_t *acme, const char *const *names,
                             int n_names, const char *replaces,
                             const char **order_url, json_t **order)
{
    const char *list = "", *err;
    int i;

    for (i = 0; i < n_names; i++)
        list =
            apr_psprintf(acme->pool, "%s%s{\"type\":\"dns\",\"value\":\"%s\"}",
                         list, i ? "," : "", names[i]);
    err = bench_acme_post(
        acme, acme->new_order,
        apr_psprintf(acme->pool, "{\"identifiers\":[%s]%s%s%s}", list,
                     replaces ? ",\"replaces\":\"" : "",
                     replaces ? replaces : "", replaces ? "\"" : ""));
    if (err)
        return err;
    *order_url = acme->location;
    *order = acme->json;
    return *order_url && *order ? NULL : "newOrder: no Location or no JSON";
}

json_t *bench_acme_challenge(const bench_acme_t *acme, const char *type)
{
    json_t *challenges = json_object_get(acme->json, "challenges"), *challenge;
    size_t i;

    json_array_foreach(challenges, i, challenge)
    {
        if (!strcmp(member(challenge, "type"), type))
            return challenge;
    }
    return NULL;
}

/* POST-as-GET url until its status is none of the two given. */
static const char *poll_while(bench_acme_t *acme, const char *url,
                              const char *one, const char *other)
{
    useconds_t pause = 1000;
    int i;

    for (i = 0; i < POLLS_MAX; i++) {
        const char *err = bench_acme_post(acme, url, NULL), *status;

        if (err)
            return err;
        status = member(acme->json, "status");
        if (strcmp(status, one) && strcmp(status, other))
            return NULL;
        usleep(pause);
        if (pause < 100000)
            pause += pause / 2;
    }
    return apr_psprintf(acme->pool, "%s: still %s", url, one);
}

static const char *authz_prove(bench_acme_t *acme, const char *url, int wait)
{
    const char *err, *token, *key_authz;
    json_t *challenge;

    err = bench_acme_post(acme, url, NULL);
    if (err || !strcmp(member(acme->json, "status"), "valid"))
        return err;
    challenge = bench_acme_challenge(acme, "http-01");
    if (!challenge)
        return "no http-01 challenge offered";
    token = member(challenge, "token");
    key_authz =
        apr_psprintf(acme->pool, "%s.%s", token,
                     jose_jwk_from_pkey(acme->key, acme->pool)->thumbprint);
    if (!wait)
        return bench_acme_post(acme, member(challenge, "url"), "{}");
    bench_responder_set(token, key_authz);
    err = bench_acme_post(acme, member(challenge, "url"), "{}");
    if (!err)
        err = poll_while(acme, url, "pending", "processing");
    if (!err && strcmp(member(acme->json, "status"), "valid"))
        err = apr_psprintf(acme->pool, "authorization: %s", acme->body);
    bench_responder_unset(token);
    return err;
}

const char *bench_acme_prove(bench_acme_t *acme, json_t *order, int wait)
{
    json_t *authzs = json_object_get(order, "authorizations"), *url;
    size_t i;

    json_array_foreach(authzs, i, url)
    {
        const char *err = authz_prove(acme, json_string_value(url), wait);

        if (err)
            return err;
    }
    return NULL;
}

static const char *csr_make(bench_acme_t *acme, const char *const *names,
                            int n_names, EVP_PKEY *key)
{
    X509_REQ *req = own_x509_req(acme->pool, X509_REQ_new());
    STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
    const char *san = "";
    unsigned char *der = NULL;
    const char *text;
    int i, len;

    for (i = 0; i < n_names; i++)
        san =
            apr_psprintf(acme->pool, "%s%sDNS:%s", san, i ? "," : "", names[i]);
    sk_X509_EXTENSION_push(
        exts, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san));
    X509_REQ_set_version(req, 0);
    X509_REQ_set_pubkey(req, key);
    X509_REQ_add_extensions(req, exts);
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    X509_REQ_sign(req, key, EVP_sha256());
    len = i2d_X509_REQ(req, &der);
    text = b64url_encode(der, len, acme->pool);
    OPENSSL_free(der);
    return text;
}

const char *bench_acme_finalize(bench_acme_t *acme, const char *order_url,
                                json_t *order, const char *const *names,
                                int n_names, EVP_PKEY *cert_key,
                                const char **pem)
{
    const char *csr = csr_make(acme, names, n_names, cert_key);
    const char *err =
        bench_acme_post(acme, member(order, "finalize"),
                        apr_psprintf(acme->pool, "{\"csr\":\"%s\"}", csr));

    if (!err && strcmp(member(acme->json, "status"), "valid"))
        err = poll_while(acme, order_url, "processing", "ready");
    if (!err && strcmp(member(acme->json, "status"), "valid"))
        err = apr_psprintf(acme->pool, "order: %s", acme->body);
    if (!err)
        err = bench_acme_post(acme, member(acme->json, "certificate"), NULL);
    *pem = acme->body;
    return err;
}
