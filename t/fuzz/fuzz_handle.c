/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "handle_eab.h"
#include "jose/jose_sign.h"

/*
 * The whole protocol.  An input is up to eight requests, with a line "--"
 * between them, and how to sign each:
 *
 *     KIND METHOD PATH[?QUERY]
 *     rest
 *
 * KIND "raw": rest is the body.  "kid" and "jwk": rest is the payload of a
 * JWS that is right in every other way.  "cert": the same, by the certificate's
 * own key.  "header": the next line is added to
 * the protected header (or stands for its jwk or kid if it begins with one),
 * what follows is the payload.  "eab": the next two lines are protected header
 * and payload of an external account binding with the right MAC, what follows
 * is more of newAccount's members, by a key without an account.  "rekey": the
 * next line is the protected header of an inner JWS by that key, what follows
 * is its payload; the outer one is right.  "do": METHOD is what happens to the
 * server meanwhile: idle, busy, run, fail, pass, wait, limit (meanwhile()).
 * "type": the next line is the media type, what follows the body.  "accept":
 * the next line is the Accept header, what follows is signed as by "kid".
 *
 * Words between "@" stand for ids of what is there (words_fill), and for paths
 * and tokens of the last answers that had them (answer_learn).
 */

/* Inputs after which everything begins anew, with an empty database. */
#define LIFE 500

/* Requests of one input. */
#define STEPS 8

static char dir[] = "/tmp/acme-fuzz-XXXXXX";
static apr_pool_t *top, *life;
static handle_t *h;
static client_t *client, *stranger;
static eab_t *eab;
static const char *pending, *authz, *ready, *valid, *cert, *csr, *der, *ari,
    *valid_csr;
static client_t *holder; /* the certificate's key, as if it were an account's */
static int age, is_revoked;

/* What answers of this input said, by the words that stand for it. */
static const struct {
    const char *word, *path;
} lessons[] = {
    {"@finalize@", "finalize"},
    {"@certificate@", "certificate"},
    {"@authz0@", "authorizations/0"},
    {"@authz1@", "authorizations/1"},
    {"@chall@", "challenges/0/url"},
    {"@token@", "challenges/0/token"},
    {"@orders@", "orders"},
    {"@order0@", "orders/0"},
    {"@self@", "url"},
    {NULL, NULL},
};
static apr_table_t *learnt;

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    return remove(path);
}

static void end(void)
{
    apr_terminate(); /* every pool, for the leak checkers */
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    apr_pool_create(&top, NULL);
    json_object_seed(1);
    promise(mkdtemp(dir));
    atexit(end);
    return 0;
}

/* The part of a URL that is an id. */
static const char *id_of(const char *url)
{
    promise(url && strlen(url) > 22);
    return url + strlen(url) - 22;
}

static void begin(void)
{
    if (life)
        apr_pool_destroy(life);
    apr_pool_create(&life, top);
    h = handle_make(dir, life);
    client = client_make(h, "P-256");
    stranger = client_make(h, "P-256");
    client_register(client);
    profile_add(h, "web")->external = ACME_EXTERNAL_REQUIRED;
    eab = eab_make(h, "web");
    eab_store(eab);
    csr = csr_make(key_make("P-256", life), "a.test b.test", NULL, life);
    cert = NULL;
    learnt = apr_table_make(life, 16);
    ready = pending = NULL;
    age = 0;
}

static int is_status(const char *order, const char *status)
{
    reply_t *r;

    if (!order)
        return 0;
    r = client_post(
        client, handle_url(h, apr_pstrcat(h->pool, "order/", order, NULL)), "");
    return r->status == 200 && !strcmp(reply_text(r, "status"), status);
}

/* RFC 9773 4.1 */
static const char *ari_make(X509 *x509)
{
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x509);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    unsigned char *text = NULL;
    int len = i2d_ASN1_INTEGER(serial, &text);
    const char *id;

    promise(aki && len > 2);
    id = apr_pstrcat(life,
                     b64url_encode(ASN1_STRING_get0_data(aki),
                                   (apr_size_t)ASN1_STRING_length(aki), life),
                     ".", b64url_encode(text + 2, (apr_size_t)len - 2, life),
                     NULL);
    OPENSSL_free(text);
    return id;
}

/* A certificate that nobody has revoked, of a key that nobody has blocked. */
static void cert_make(void)
{
    apr_pool_t *pool = h->pool;
    unsigned char *octets = NULL;
    reply_t *order, *r;
    X509 *x509;
    int len;

    h->pool = life;
    holder = client_make(h, "P-256");
    order = client_ready(client, "v.test");
    valid = id_of(order->location);
    valid_csr = csr_make(holder->key, "v.test", NULL, life);
    order = client_finalize(client, order, valid_csr);
    cert = id_of(reply_text(order, "certificate"));
    r = client_post(client, reply_text(order, "certificate"), "");
    x509 = APR_ARRAY_IDX(reply_certs(r), 0, X509 *);
    len = i2d_X509(x509, &octets);
    promise(len > 0);
    der = b64url_encode(octets, (apr_size_t)len, life);
    OPENSSL_free(octets);
    ari = ari_make(x509);
    is_revoked = 0;
    h->pool = pool;
}

/* Of everything at most so many an hour; 0: as many as there may be. */
static void limits_set(int count)
{
    int i;

    for (i = 0; i < ACME_LIMIT_COUNT; i++) {
        h->conf->limits[i].count = count;
        h->conf->limits[i].span = 3600;
    }
}

/* What the last input used up is made anew; 0: the account itself. */
static int state_ensure(void)
{
    reply_t *order;

    limits_set(0);
    h->is_idle = 0;
    h->verdict = NULL;
    h->is_retryable = 0;
    if (age++ > LIFE || client_post(client, client->kid, "")->status != 200)
        return 0;
    if (!cert || is_revoked)
        cert_make();
    if (!is_status(pending, "pending")) {
        order = client_order(client, apr_psprintf(life, "p%d.test", age));
        pending = apr_pstrdup(life, id_of(order->location));
        authz = apr_pstrdup(life, id_of(reply_text(order, "authorizations/0")));
    }
    if (!is_status(ready, "ready")) {
        order = client_order(client, "a.test b.test");
        client_authorize(client, order);
        ready = apr_pstrdup(life, id_of(order->location));
    }
    return 1;
}

static const char *replace(const char *text, const char *word,
                           const char *value)
{
    const char *at = strstr(text, word);

    if (!at)
        return text;
    return apr_pstrcat(h->pool,
                       apr_pstrmemdup(h->pool, text, (size_t)(at - text)),
                       value, at + strlen(word), NULL);
}

/* The table's order is not the text's, which does not matter. */
static int lesson_fill(void *text, const char *word, const char *value)
{
    *(const char **)text = replace(*(const char **)text, word, value);
    return 1;
}

static const char *words_fill(const char *text)
{
    if (!strchr(text, '@'))
        return text;
    apr_table_do(lesson_fill, &text, learnt, NULL);
    text = replace(text, "@account@", id_of(client->kid));
    text = replace(text, "@pending@", pending);
    text = replace(text, "@ready@", ready);
    text = replace(text, "@valid@", valid);
    text = replace(text, "@authz@", authz);
    text = replace(text, "@cert@", cert);
    text = replace(text, "@jwk@", client->jwk);
    text = replace(text, "@stranger@", stranger->jwk);
    text = replace(text, "@eab@", eab->row.kid);
    text = replace(text, "@kid@", client->kid);
    text =
        replace(text, "@issuer@", handle_issuer(h)->set->issuer->fingerprint);
    text = replace(text, "@csr@", csr);
    text = replace(text, "@v-csr@", valid_csr);
    text = replace(text, "@der@", der);
    text = replace(text, "@ari@", ari);
    return replace(text, "@nonce@", handle_nonce(h));
}

/* "a\nb" → "a", and text is b. */
static char *line_take(const char **text)
{
    apr_size_t len = strcspn(*text, "\n");
    char *line = apr_pstrmemdup(h->pool, *text, len);

    *text += len + ((*text)[len] != '\0');
    return line;
}

/* Nothing that could end a header line. */
static int is_header_ok(void *baton, const char *name, const char *value)
{
    const char *c;

    for (c = value; *c; c++)
        promise(*c >= 0x20 && *c < 0x7f);
    return 1;
}

static void answer_check(const reply_t *r, const char *method)
{
    promise(r->status >= 200 && r->status < 500 && r->status != 408);
    apr_table_do(is_header_ok, NULL, r->res.headers, NULL);
    promise(r->status < 400 || (r->problem && *r->detail && r->nonce));
    if (r->type && strstr(r->type, "json"))
        promise(r->json);
    promise(r->nonce || strcmp(method, "POST") ||
            !strcmp(r->type, "application/ocsp-response"));
}

/* A URL of ours becomes a path. */
static void learn(const char *word, const char *value)
{
    apr_size_t len = strlen(HANDLE_BASE);

    if (value && strlen(value) < 200)
        apr_table_set(learnt, word,
                      strncmp(value, HANDLE_BASE, len) ? value : value + len);
}

static void answer_learn(const reply_t *r)
{
    int i;

    learn("@location@", r->location);
    for (i = 0; r->json && lessons[i].word; i++)
        learn(lessons[i].word, reply_text(r, lessons[i].path));
}

/* By a stranger who has no account, this once. */
static reply_t *eab_send(const char *url, const char *text)
{
    client_t *other = stranger;
    binding_t twist = {0};
    const char *payload;
    reply_t *r;

    stranger = client_make(h, "P-256");
    twist.header = words_fill(line_take(&text));
    twist.payload = words_fill(line_take(&text));
    payload = apr_pstrcat(h->pool, "{\"externalAccountBinding\":",
                          binding_make(stranger, eab, url, &twist),
                          words_fill(text), "}", NULL);
    r = client_post(stranger, url, payload);
    stranger = other;
    return r;
}

/* By the account, in agreement with the stranger. */
static reply_t *rekey_send(const char *url, const char *text)
{
    const char *header = words_fill(line_take(&text));

    text = words_fill(text);
    return client_post(
        client, url,
        jose_sign(stranger->key, header, text, strlen(text), h->pool));
}

static client_t *signer_find(const char *kind)
{
    if (!strcmp(kind, "cert"))
        return holder;
    return strcmp(kind, "jwk") ? client : stranger;
}

static reply_t *signed_send(const char *kind, const char *url, const char *text)
{
    twist_t twist = {0};
    const char *more;

    if (!strcmp(kind, "eab"))
        return eab_send(url, text);
    if (!strcmp(kind, "rekey"))
        return rekey_send(url, text);
    if (!strcmp(kind, "type"))
        twist.content_type = line_take(&text);
    if (!strcmp(kind, "accept"))
        twist.accept = line_take(&text);
    if (!strcmp(kind, "header")) {
        more = words_fill(line_take(&text));
        if (!strncmp(more, "\"jwk\"", 5) || !strncmp(more, "\"kid\"", 5))
            twist.signer = more;
        else
            twist.more = more;
    }
    text = words_fill(text);
    if (!strcmp(kind, "raw") || !strcmp(kind, "type"))
        twist.body = text;
    return client_twisted(signer_find(kind), url, text, &twist);
}

/* idle: jobs wait; busy: they run at once; run: the last one runs now; fail and
 * pass: what validations find from now on; wait: time passes, /SECONDS;
 * limit: of everything, /COUNT an hour. */
static void meanwhile(const char *what, const char *path)
{
    static const char *const details[] = {"no", "not now"};

    if (!strcmp(what, "idle"))
        h->is_idle = 1;
    else if (!strcmp(what, "busy"))
        h->is_idle = 0;
    else if (!strcmp(what, "run") && h->jobs->nelts)
        handle_run(h, handle_job(h));
    else if (!strcmp(what, "pass"))
        h->verdict = NULL;
    else if (!strcmp(what, "fail")) {
        h->is_retryable = path[1] == 'r';
        h->verdict = problem_make(life, PROBLEM_CONNECTION, "%s",
                                  details[h->is_retryable]);
    }
    else if (!strcmp(what, "wait"))
        h->now += labs(strtol(path + 1, NULL, 10)) % (40 * 86400);
    else if (!strcmp(what, "limit"))
        limits_set(atoi(path + 1) & 7);
}

static void request_run(const char *text)
{
    char *kind = line_take(&text), *method = strchr(kind, ' ');
    char *path = method ? strchr(method + 1, ' ') : NULL;
    const char *url;
    reply_t *r;

    if (!path)
        return;
    *method++ = '\0';
    *path++ = '\0';
    path = (char *)words_fill(path);
    if (*path != '/')
        return;
    if (!strcmp(kind, "do")) {
        meanwhile(method, path);
        return;
    }
    url = apr_pstrcat(h->pool, HANDLE_BASE, path, NULL);
    if (!strcmp(method, "POST"))
        r = signed_send(kind, url, text);
    else if (!strcmp(kind, "accept") && !strcmp(method, "GET"))
        r = handle_get(h, url, line_take(&text));
    else
        r = handle_request(h, method, url);
    answer_check(r, method);
    answer_learn(r);
    is_revoked |= r->status == 200 && strstr(url, "revoke-cert") != NULL;
}

/* One after the other; what follows the last of them is not looked at. */
static void requests_run(char *text)
{
    char *next;
    int i;

    for (i = 0; text && i < STEPS; i++) {
        next = strstr(text, "\n--\n");
        if (next) {
            *next = '\0';
            next += strlen("\n--\n");
        }
        request_run(text);
        text = next;
    }
}

/* The pool of one input. */
static apr_pool_t *pool_begin(void)
{
    apr_pool_t *pool;

    if (!h)
        begin();
    apr_pool_create(&pool, life);
    h->pool = pool;
    if (state_ensure())
        return pool;
    begin();
    apr_pool_create(&pool, life);
    h->pool = pool;
    promise(state_ensure());
    return pool;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    if (size > ACME_BODY_MAX)
        return 0;
    pool = pool_begin();
    requests_run(apr_pstrmemdup(pool, (const char *)data, size));
    apr_table_clear(learnt);
    apr_array_clear(h->jobs);
    h->log_text = NULL;
    h->done_id = NULL;
    h->pool = life;
    apr_pool_destroy(pool);
    return 0;
}
