/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_ocsp.h"

#include <apr_strings.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "acme/acme_ocsp_keep.h"
#include "base/own.h"
#include "handle.h"
#include "store/store_cert.h"
#include "store/store_db.h"
#include "tap.h"

#define SERIAL "0000000000000000000000000000abcd"
#define DAY    86400

static const char *name_of(const handle_t *h)
{
    return apr_pstrcat(h->pool, "issuer/",
                       handle_issuer(h)->set->issuer->fingerprint, ".ocsp",
                       NULL);
}

/* A certificate on record. */
static void cert_add(handle_t *h, const char *serial, const char *issuer)
{
    store_cert_t row = {0};

    row.id = row.serial = serial;
    row.realm = row.directory = "";
    row.profile = "default";
    row.issuer = issuer;
    row.identifiers = "dns:a.test";
    row.spki_sha256 = "spki";
    row.der = (const unsigned char *)"x";
    row.der_len = 1;
    row.not_before = HANDLE_NOW;
    row.not_after = HANDLE_NOW + 90 * DAY;
    row.issued_at = HANDLE_NOW;
    row.revoked_reason = -1;
    is_int(store_cert_add(h->acme.store, &row, NULL, h->pool), APR_SUCCESS);
}

static handle_t *ocsp_handle(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);

    cert_add(h, SERIAL, handle_issuer(h)->set->issuer->fingerprint);
    return h;
}

static apr_status_t revoke_run(store_conn_t *conn, void *baton)
{
    store_rows_t rows;

    return store_conn_text(&rows, conn,
                           "UPDATE certs SET revoked_at = 1790000005, "
                           "revoked_reason = 4",
                           baton);
}

static void cert_revoke(handle_t *h)
{
    is_int(store_write(h->acme.store, STORE_DURABLE, revoke_run, h->pool),
           APR_SUCCESS);
}

typedef struct {
    const char *serial;
    const X509 *issuer;
    int has_nonce;
} ask_t;

static const unsigned char *request_der(apr_size_t *len, const ask_t *ask,
                                        apr_pool_t *pool)
{
    OCSP_REQUEST *request = own_ocsp_request(pool, OCSP_REQUEST_new());
    unsigned char *der = apr_palloc(pool, 1000), *end = der;
    ASN1_INTEGER *serial;
    BIGNUM *number = NULL;

    BN_hex2bn(&number, ask->serial);
    serial = BN_to_ASN1_INTEGER(number, NULL);
    OCSP_request_add0_id(
        request,
        OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(ask->issuer),
                         X509_get0_pubkey_bitstr(ask->issuer), serial));
    if (ask->has_nonce)
        OCSP_request_add1_nonce(request, NULL, 16);
    ASN1_INTEGER_free(serial);
    BN_free(number);
    *len = (apr_size_t)i2d_OCSP_REQUEST(request, &end);
    return der;
}

static reply_t *post_as(handle_t *h, const char *type, const void *body,
                        apr_size_t len)
{
    acme_request_t *req = apr_pcalloc(h->pool, sizeof(*req));

    req->method = "POST";
    req->path = handle_url(h, name_of(h)) + strlen(HANDLE_BASE);
    req->content_type = type;
    req->body = body;
    req->body_len = len;
    req->client_ip = "192.0.2.1";
    req->log = h->acme.log;
    req->pool = h->pool;
    return handle_raw(h, req);
}

static reply_t *post(handle_t *h, const void *body, apr_size_t len)
{
    return post_as(h, "application/ocsp-request", body, len);
}

static ask_t ask_of(const handle_t *h)
{
    ask_t ask = {SERIAL, handle_issuer(h)->set->issuer->cert, 0};

    return ask;
}

static reply_t *post_ask(handle_t *h, const ask_t *ask)
{
    apr_size_t len;
    const unsigned char *der = request_der(&len, ask, h->pool);

    return post(h, der, len);
}

/* RFC 6960 A.1 */
static const char *get_url(handle_t *h, const ask_t *ask)
{
    apr_size_t len;
    const unsigned char *der = request_der(&len, ask, h->pool);
    unsigned char *text = apr_pcalloc(h->pool, 2 * len + 4);
    const char *c, *coded = "";

    EVP_EncodeBlock(text, der, (int)len);
    for (c = (const char *)text; *c; c++)
        coded = apr_psprintf(h->pool, strchr("+/=", *c) ? "%s%%%02x" : "%s%c",
                             coded, *c);
    return apr_pstrcat(h->pool, handle_url(h, name_of(h)), "/", coded, NULL);
}

static reply_t *get(handle_t *h)
{
    ask_t ask = ask_of(h);

    return handle_request(h, "GET", get_url(h, &ask));
}

/* "good", "revoked 4 at +5", "unknown", or why there is no answer. */
static const char *said(const reply_t *r)
{
    static const char *const refusals[] = {
        "", "malformedRequest", "internalError", "tryLater",
        "", "sigRequired",      "unauthorized"};
    const unsigned char *der = (const unsigned char *)r->res.body;
    OCSP_RESPONSE *response =
        r->res.body ? d2i_OCSP_RESPONSE(NULL, &der, (long)r->res.body_len)
                    : NULL;
    OCSP_BASICRESP *basic;
    ASN1_GENERALIZEDTIME *at = NULL;
    int status = response ? OCSP_response_status(response) : -1, reason = -1;
    const char *text = status > 0 && status < 7 ? refusals[status] : "nothing";

    if (status == OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        basic = OCSP_response_get1_basic(response);
        status = OCSP_single_get0_status(OCSP_resp_get0(basic, 0), &reason, &at,
                                         NULL, NULL);
        text = status == V_OCSP_CERTSTATUS_GOOD ? "good" : "unknown";
        if (status == V_OCSP_CERTSTATUS_REVOKED)
            text = apr_psprintf(r->pool, "revoked %d at %s", reason,
                                (const char *)ASN1_STRING_get0_data(at));
        OCSP_BASICRESP_free(basic);
    }
    OCSP_RESPONSE_free(response);
    return text;
}

static void states(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    ask_t ask = ask_of(h);
    reply_t *r = post_ask(h, &ask);

    is_int(r->status, 200);
    is_str(r->type, "application/ocsp-response");
    is_str(said(r), "good");
    ok(!r->nonce);
    is_str(reply_header(r, "Cache-Control", 0), "no-store");
    is_str(said(get(h)), "good");
    ask.serial = "1234";
    is_str(said(post_ask(h, &ask)), "unknown");
    r = handle_request(h, "GET", get_url(h, &ask));
    is_str(said(r), "unknown");
    is_str(reply_header(r, "Cache-Control", 0), "no-store");
    ask.serial = "-1234";
    is_str(said(post_ask(h, &ask)), "unknown");
    cert_revoke(h);
    ask.serial = SERIAL;
    is_str(said(post_ask(h, &ask)), "revoked 4 at 20260921141325Z");
}

/* Of a generation that is not ours, with a serial of ours. */
static void others(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    ask_t ask = ask_of(h);

    cert_add(h, "00000000000000000000000000000007", "another");
    ask.serial = "07";
    is_str(said(post_ask(h, &ask)), "unknown");
    ask.issuer = handle_issuer(h)->set->issuer->root;
    is_str(said(post_ask(h, &ask)), "unauthorized");
    handle_issuer(h)->ocsp = 0;
    ask = ask_of(h);
    is_str(said(post_ask(h, &ask)), "unauthorized");
    is_str(reply_header(post_ask(h, &ask), "Cache-Control", 0), "no-store");
    handle_issuer(h)->ocsp = 1;
    h->now = handle_issuer(h)->set->issuer->not_after;
    is_str(said(post_ask(h, &ask)), "unauthorized");
    is_int(handle_request(h, "GET",
                          handle_url(h, apr_pstrcat(pool, "issuer/", SERIAL,
                                                    SERIAL, ".ocsp", NULL)))
               ->status,
           404);
}

static void junk(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    static const char *const paths[] = {"",    "/",    "/junk", "/%",
                                        "/%0", "/%zz", "/%00",  "/MA-_"};
    ask_t ask = ask_of(h);
    apr_size_t len, i;
    const unsigned char *der = request_der(&len, &ask, pool);
    reply_t *r;

    is_str(said(post(h, "junk", 4)), "malformedRequest");
    is_str(said(post(h, NULL, 0)), "malformedRequest");
    is_str(said(post(h, der, len - 1)), "malformedRequest");
    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        is_str(said(handle_request(h, "GET",
                                   apr_pstrcat(pool, handle_url(h, name_of(h)),
                                               paths[i], NULL))),
               "malformedRequest");
    is_str(said(post_as(h, "Application/OCSP-Request; x=y", der, len)), "good");
    r = post_as(h, "application/jose+json", der, len);
    is_int(r->status, 415);
    is_int(post_as(h, NULL, der, len)->status, 415);
    r = handle_request(h, "PUT", get_url(h, &ask));
    is_int(r->status, 405);
    is_str(reply_header(r, "Allow", 0), "GET, HEAD, POST");
    r = handle_request(h, "OPTIONS", get_url(h, &ask));
    is_str(reply_header(r, "Allow", 0), "GET, HEAD, POST");
    ok(!h->log_tag || strcmp(h->log_tag, "AS0302"));
}

/* As clients write it that do not encode all of it, or put slashes in front. */
static void careless(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    ask_t ask = ask_of(h);
    apr_size_t len;
    const unsigned char *der = request_der(&len, &ask, pool);
    char *text = apr_pcalloc(pool, 2 * len + 4);

    EVP_EncodeBlock((unsigned char *)text, der, (int)len);
    is_str(said(handle_request(h, "GET",
                               apr_pstrcat(pool, handle_url(h, name_of(h)),
                                           "///", text, NULL))),
           "good");
    text[strcspn(text, "=")] = '\0';
    is_str(said(handle_request(
               h, "GET",
               apr_pstrcat(pool, handle_url(h, name_of(h)), "/", text, NULL))),
           "good");
}

static void kept(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    reply_t *first = get(h), *r;

    is_str(reply_header(first, "Cache-Control", 0),
           "public, max-age=300, no-transform, must-revalidate");
    is_str(reply_header(first, "Expires", 0), "Tue, 22 Sep 2026 02:13:20 GMT");
    is_int(first->res.modified, HANDLE_NOW + 1);
    is_int(strlen(first->res.etag), 34);
    h->now += DAY / 4 - 1;
    r = get(h);
    is_str(r->res.etag, first->res.etag);
    h->now++;
    r = get(h);
    ok(strcmp(r->res.etag, first->res.etag) != 0, "past its middle");
    is_int(r->res.modified, h->now + 1);
    handle_issuer(h)->ocsp_life = 60;
    h->now += DAY;
    is_str(reply_header(get(h), "Cache-Control", 0),
           "public, max-age=30, no-transform, must-revalidate");
}

/* By another process: nobody tells this one. */
static void revoked_elsewhere(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    handle_t *twin = handle_twin(h, "twin", pool);

    is_str(said(get(h)), "good");
    is_str(said(get(twin)), "good");
    cert_revoke(twin);
    is_str(said(get(h)), "revoked 4 at 20260921141325Z");
    is_str(said(get(twin)), "revoked 4 at 20260921141325Z");
}

static void nonce(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    ask_t ask = ask_of(h);
    reply_t *r;

    ask.has_nonce = 1;
    r = handle_request(h, "GET", get_url(h, &ask));
    is_str(said(r), "good");
    is_str(reply_header(r, "Cache-Control", 0), "no-store");
    ok(!r->res.etag);
}

static void no_database(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    ask_t ask = ask_of(h);
    reply_t *first = get(h);

    handle_database_away(h);
    is_str(get(h)->res.etag, first->res.etag);
    ask.has_nonce = 1;
    is_str(said(post_ask(h, &ask)), "tryLater");
    ask = ask_of(h);
    ask.serial = "1234";
    is_str(said(post_ask(h, &ask)), "tryLater");
    h->now += DAY / 2 - 1;
    is_str(said(get(h)), "good");
    h->now++;
    is_str(said(get(h)), "tryLater");
    handle_database_back(h);
    is_str(said(get(h)), "good");
}

static void no_key(apr_pool_t *pool)
{
    handle_t *h = ocsp_handle(pool);
    ca_issuer_t *issuer = handle_issuer(h)->set->issuer;
    ca_set_t *set = handle_issuer(h)->set;
    EVP_PKEY *key = issuer->key;
    const char *url;
    ask_t ask = ask_of(h);

    issuer->key = NULL;
    is_str(said(get(h)), "tryLater");
    is_str(h->log_tag, "AS0314");
    h->log_tag = NULL;
    is_str(said(get(h)), "tryLater");
    ok(!h->log_tag, "told once");
    issuer->key = key;
    h->now += 60;
    is_str(said(get(h)), "good");
    issuer->key = NULL;
    is_str(said(get(h)), "good");
    issuer->key = key;
    url = get_url(h, &ask);
    handle_issuer(h)->set = NULL;
    is_str(said(handle_request(h, "GET", url)), "tryLater");
    handle_issuer(h)->set = set;
}

const tap_case_t tap_cases[] = {
    {"good, revoked with reason and time, unknown", states},
    {"what is another issuer's is unauthorized or unknown", others},
    {"malformedRequest for junk, problems for what is no OCSP", junk},
    {"GET as careless clients write it", careless},
    {"RFC 5019 6 responses are kept for a while, here and there", kept},
    {"a revocation by another process is seen at once", revoked_elsewhere},
    {"RFC 9654 an answer to a nonce is not kept", nonce},
    {"tryLater without database, unless an answer is kept", no_database},
    {"tryLater without a key", no_key},
    {NULL, NULL}};
