/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/words.h"
#include "ca/ca_hierarchy.h"

#include "base/banned.h"

/* From an order to a certificate, as a good client goes. */

#define CHAIN_MAX 16

/* Read it until its status is none of these. */
static const ctl_answer_t *read_until_not(ctl_test_t *t, const char *url,
                                          const char *statuses)
{
    const ctl_answer_t *answer = ctl_test_post(t, t->account, url, "");

    while (answer->status == 200 &&
           words_text_has(statuses, ctl_test_text(answer, "status")) &&
           ctl_test_wait(t, answer))
        answer = ctl_test_post(t, t->account, url, "");
    return answer;
}

/* Begin the validation, and see it end; 0: skipped. */
static int authz_prove(ctl_test_t *t, const ctl_answer_t *authz)
{
    json_t *challenge = ctl_test_challenge(authz, "http-01");
    const char *url = json_string_value(json_object_get(challenge, "url"));
    const char *token = json_string_value(json_object_get(challenge, "token"));
    const ctl_answer_t *answer, *end;
    apr_time_t start = clock_now(&clock_monotonic);

    if (!t->proof) {
        ctl_test_skip(t, "nobody answers http-01: --webroot or --http-port, "
                         "and --name");
        return 0;
    }
    if (!url || !token ||
        !ctl_proof_put(t->proof, token, t->account->thumbprint, t->pool)) {
        ctl_test_skip(t, "http-01 is not offered, or its file cannot be made");
        return 0;
    }
    answer = ctl_test_post(t, t->account, url, "{}");
    end = read_until_not(t, authz->url, "pending");
    if (t->proven)
        return 1;
    t->challenge = answer;
    t->proven = end;
    t->proving = clock_now(&clock_monotonic) - start;
    return 1;
}

/* An order behind which everything is proven; NULL: skipped. */
static const ctl_answer_t *order_prove(ctl_test_t *t, const ctl_answer_t *order,
                                       const char *order_url)
{
    const ctl_answer_t *authz;
    const char *url;
    int i;

    for (i = 0, url = ctl_test_authz_url(order, 0); url;
         url = ctl_test_authz_url(order, ++i)) {
        authz = ctl_test_post(t, t->account, url, "");
        if (strcmp(ctl_test_text(authz, "status"), "pending") == 0 &&
            !authz_prove(t, authz))
            return NULL;
    }
    return ctl_test_post(t, t->account, order_url, "");
}

int ctl_need_ready(ctl_test_t *t)
{
    const ctl_answer_t *order;

    if (t->ready_url && t->ready &&
        !strcmp(ctl_test_text(t->ready, "status"), "ready"))
        return 1;
    if (!ctl_need_account(t))
        return 0;
    order = ctl_test_order(t, "");
    t->ready_url = ctl_test_header(order, "Location");
    if (order->status != 201 || !t->ready_url) {
        ctl_test_skip(t, "no order for %s: %d %s %s", t->name, order->status,
                      order->problem ? order->problem : "", order->detail);
        return 0;
    }
    t->ready = order_prove(t, order, t->ready_url);
    if (!t->first_read)
        t->first_read = t->ready;
    if (t->ready && !strcmp(ctl_test_text(t->ready, "status"), "pending"))
        t->ready = read_until_not(t, t->ready_url, "pending");
    if (t->ready && !strcmp(ctl_test_text(t->ready, "status"), "ready"))
        return 1;
    if (t->ready)
        ctl_test_skip(t, "the order became %s, not ready: %s",
                      ctl_test_text(t->ready, "status"), t->ready->body);
    return 0;
}

int ctl_need_proven(ctl_test_t *t)
{
    if (t->proven || (ctl_need_ready(t) && t->proven))
        return 1;
    ctl_test_skip(t, "nothing had to be proven");
    return 0;
}

static int names_add(X509_REQ *req, const char *name, const char *second,
                     apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "DNS:", name, second ? ",DNS:" : "",
                                   second ? second : "", NULL);
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *san =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    int is_done = list && san && sk_X509_EXTENSION_push(list, san) > 0;

    if (!is_done)
        X509_EXTENSION_free(san);
    is_done = is_done && X509_REQ_add_extensions(req, list) == 1;
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return is_done;
}

const char *ctl_test_revocation(ctl_test_t *t, X509 *cert, const char *more)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    const char *text;

    if (len <= 0)
        return NULL;
    text = b64url_encode(der, (apr_size_t)len, t->pool);
    OPENSSL_free(der);
    return apr_pstrcat(t->pool, "{\"certificate\":\"", text, "\"", more, "}",
                       NULL);
}

/* With an empty subject (R32). */
const unsigned char *ctl_test_request(apr_size_t *len, EVP_PKEY *key,
                                      const char *name, const char *second,
                                      apr_pool_t *pool)
{
    X509_REQ *req = own_x509_req(pool, X509_REQ_new());
    unsigned char *der = NULL, *copy;
    int size;

    if (!req || X509_REQ_set_pubkey(req, key) != 1 ||
        !names_add(req, name, second, pool) ||
        X509_REQ_sign(req, key, EVP_sha256()) <= 0)
        return NULL;
    size = i2d_X509_REQ(req, &der);
    if (size <= 0)
        return NULL;
    copy = apr_pmemdup(pool, der, (apr_size_t)size);
    OPENSSL_free(der);
    *len = (apr_size_t)size;
    return copy;
}

const char *ctl_test_csr(ctl_test_t *t, EVP_PKEY *key, const char *name,
                         const char *second)
{
    apr_size_t len = 0;
    const unsigned char *der =
        ctl_test_request(&len, key, name, second, t->pool);

    return apr_pstrcat(t->pool, "{\"csr\":\"",
                       der ? b64url_encode(der, len, t->pool) : "", "\"}",
                       NULL);
}

static apr_array_header_t *chain_parse(const char *text, apr_size_t len,
                                       apr_pool_t *pool)
{
    apr_array_header_t *chain = apr_array_make(pool, 3, sizeof(X509 *));
    BIO *bio = own_bio(pool, BIO_new_mem_buf(text, (int)len));
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    while (cert && chain->nelts < CHAIN_MAX) {
        APR_ARRAY_PUSH(chain, X509 *) = own_x509(pool, cert);
        cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }
    ERR_clear_error();
    return chain;
}

/* Finalize this order, and wait for the end. */
static const ctl_answer_t *finalize(const ctl_answer_t **first, ctl_test_t *t,
                                    const ctl_answer_t *order,
                                    const char *order_url, const char *csr)
{
    const ctl_answer_t *answer;

    answer =
        ctl_test_post(t, t->account, ctl_test_text(order, "finalize"), csr);
    *first = answer;
    if (strcmp(ctl_test_text(answer, "status"), "processing"))
        return answer;
    if (!ctl_test_wait(t, answer))
        return answer;
    return read_until_not(t, order_url, "processing");
}

const ctl_answer_t *ctl_test_download(apr_array_header_t **chain, ctl_test_t *t,
                                      const ctl_answer_t *order)
{
    const char *url = ctl_test_text(order, "certificate");
    const ctl_answer_t *answer;

    if (!*url)
        return NULL;
    answer = ctl_test_post(t, t->account, url, "");
    *chain = chain_parse(answer->body, answer->len, t->pool);
    if (!(*chain)->nelts)
        return NULL;
    APR_ARRAY_PUSH(t->issued, X509 *) = APR_ARRAY_IDX(*chain, 0, X509 *);
    return answer;
}

int ctl_need_cert(ctl_test_t *t)
{
    if (t->cert)
        return 1;
    if (!t->finalized) {
        if (!ctl_need_ready(t))
            return 0;
        t->cert_key = ca_key_make("P-256", t->pool);
        t->csr = ctl_test_csr(t, t->cert_key, t->name, NULL);
        t->valid = finalize(&t->finalized, t, t->ready, t->ready_url, t->csr);
        t->cert = ctl_test_download(&t->chain, t, t->valid);
        if (t->cert)
            return 1;
    }
    ctl_test_skip(t, "no certificate was issued: %d %s %s", t->valid->status,
                  t->valid->problem ? t->valid->problem : "", t->valid->body);
    return 0;
}

int ctl_test_issue(ctl_test_t *t, const ctl_answer_t *order)
{
    const char *url = ctl_test_header(order, "Location");
    const ctl_answer_t *answer = order_prove(t, order, url);
    apr_array_header_t *chain;

    if (!answer)
        return 0;
    answer =
        finalize(&order, t, answer, url,
                 ctl_test_csr(t, ca_key_make("P-256", t->pool), t->name, NULL));
    return ctl_test_download(&chain, t, answer) != NULL;
}
