/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_ocsp.h"

#include <string.h>

#include <apr_date.h>
#include <apr_strings.h>

#include "acme/acme_ocsp_keep.h"
#include "base/b64url.h"
#include "ca/ca_openssl.h"
#include "store/store_cert.h"

#include "base/banned.h"

#define REQUEST_TYPE    "application/ocsp-request"
#define RESPONSE_TYPE   "application/ocsp-response"
#define SUFFIX          ".ocsp"
#define FINGERPRINT_LEN 64
#define ETAG_LEN        32

/* How long others may keep a response, in seconds, at most: revocations are to
 * be seen soon. */
#define AGE_MAX 300

/* One request on its way. */
typedef struct {
    const acme_t *acme;
    const acme_request_t *req;
    const acme_issuer_t *issuer;
    const ca_issuer_t *generation;
    ca_ocsp_request_t *request;
    ca_ocsp_status_t *status; /* one for each serial */
    const char *sha256;       /* of the request; NULL: nothing is kept */
    apr_int64_t now;
    apr_pool_t *pool;
} run_t;

int acme_ocsp_is_name(const char *name)
{
    apr_size_t len = strlen(SUFFIX);

    return strspn(name, "0123456789abcdef") == FINGERPRINT_LEN &&
           !strncmp(name + FINGERPRINT_LEN, SUFFIX, len) &&
           (!name[FINGERPRINT_LEN + len] || name[FINGERPRINT_LEN + len] == '/');
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 6960 A.1: base64, with what is not allowed in a path as %XX; some leave
 * "/" and "=" as they are, some put two slashes in front. */
static int path_decode(const unsigned char **der, apr_size_t *len,
                       const char *text, apr_pool_t *pool)
{
    char *plain = apr_palloc(pool, strlen(text) + 1), *end = plain;

    while (*text == '/')
        text++;
    for (; *text; text++) {
        int c = (unsigned char)*text;

        if (c == '%' && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0) {
            c = hex_value(text[1]) << 4 | hex_value(text[2]);
            text += 2;
        }
        if (c == '-' || c == '_' || !c)
            return 0;
        *end++ = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
    }
    while (end > plain && end[-1] == '=')
        end--;
    return b64url_decode(der, len, plain, (apr_size_t)(end - plain), pool) ==
           APR_SUCCESS;
}

/* Parameters do not matter. */
static int is_type(const char *type)
{
    apr_size_t len = strlen(REQUEST_TYPE);

    return type && !strncasecmp(type, REQUEST_TYPE, len) &&
           (!type[len] || strchr("; \t", type[len]));
}

static problem_t *method_check(const acme_request_t *req)
{
    int is_post = !strcmp(req->method, "POST");
    problem_t *prob;

    if (!is_post && strcmp(req->method, "GET") && strcmp(req->method, "HEAD")) {
        prob = problem_make(req->pool, PROBLEM_MALFORMED,
                            "OCSP has no method %.16s, only POST and GET",
                            req->method);
        prob->status = 405;
        problem_header(prob, req->pool, "Allow", "GET, HEAD, POST");
        return prob;
    }
    if (!is_post || is_type(req->content_type))
        return NULL;
    prob = problem_make(req->pool, PROBLEM_MALFORMED,
                        "OCSP requests have the content type " REQUEST_TYPE);
    prob->status = 415;
    return prob;
}

/* NULL: malformedRequest. */
static ca_ocsp_request_t *request_read(run_t *run, const char *name)
{
    const acme_request_t *req = run->req;
    const unsigned char *der = (const unsigned char *)req->body;
    apr_size_t len = req->body_len;
    ca_ocsp_request_t *request;

    if (strcmp(req->method, "POST") &&
        !path_decode(&der, &len, name + FINGERPRINT_LEN + strlen(SUFFIX),
                     run->pool))
        return NULL;
    if (!der || !len)
        return NULL;
    request = ca_ocsp_request_parse(der, len, run->pool);
    if (request && !request->has_nonce && request->serials->nelts == 1)
        run->sha256 = ca_sha256_hex(der, len, run->pool);
    return request;
}

static void headers_set(acme_response_t *res, const run_t *run,
                        const acme_ocsp_response_t *response)
{
    apr_int64_t age = (response->next_update - run->now) / 2;
    char *expires;

    /* What may be issued in a moment is nothing to remember. */
    if (!run->sha256 || response->status.state == CA_OCSP_UNKNOWN ||
        !strcmp(run->req->method, "POST")) {
        acme_response_header(res, "Cache-Control", "no-store");
        return;
    }
    expires = apr_palloc(run->pool, APR_RFC822_DATE_LEN);
    apr_rfc822_date(expires, apr_time_from_sec(response->next_update));
    acme_response_header(res, "Expires", expires);
    acme_response_header(res, "Cache-Control",
                         apr_psprintf(run->pool,
                                      "public, max-age=%" APR_INT64_T_FMT
                                      ", no-transform, must-revalidate",
                                      age < AGE_MAX ? age : AGE_MAX));
    res->modified = response->this_update + 1;
    res->etag =
        apr_psprintf(run->pool, "\"%.*s\"", ETAG_LEN,
                     ca_sha256_hex(response->der, response->len, run->pool));
}

static void response_send(acme_response_t *res, const run_t *run,
                          const acme_ocsp_response_t *response)
{
    acme_response_body(res, 200, RESPONSE_TYPE, (const char *)response->der,
                       response->len);
    headers_set(res, run, response);
}

static void refuse(acme_response_t *res, int status, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = ca_ocsp_refuse(&len, status, pool);

    acme_response_body(res, 200, RESPONSE_TYPE, (const char *)der, len);
    acme_response_header(res, "Cache-Control", "no-store");
}

/* Whoever has this generation's key has signed its certificates as well. */
static int is_of(const run_t *run, const char *fingerprint)
{
    const acme_issuer_t *issuer;
    const ca_issuer_t *other;

    if (!strcmp(fingerprint, run->generation->fingerprint))
        return 1;
    issuer = acme_conf_issuer_of(run->acme->conf, fingerprint);
    other = issuer ? ca_set_generation(issuer->set, fingerprint) : NULL;
    return other && !strcmp(other->key_id, run->generation->key_id);
}

static apr_status_t status_get(ca_ocsp_status_t *status, const run_t *run,
                               const char *serial)
{
    store_cert_t *cert;
    apr_status_t rv;

    *status = (ca_ocsp_status_t){CA_OCSP_UNKNOWN, 0, -1};
    if (!serial)
        return APR_SUCCESS;
    rv = store_cert_get_by_serial(&cert, run->acme->store, serial, run->pool);
    if (APR_STATUS_IS_ENOENT(rv) ||
        (rv == APR_SUCCESS && !is_of(run, cert->issuer)))
        return APR_SUCCESS;
    if (rv != APR_SUCCESS)
        return rv;
    status->state = cert->revoked_at ? CA_OCSP_REVOKED : CA_OCSP_GOOD;
    status->at = cert->revoked_at;
    status->reason = cert->revoked_at ? cert->revoked_reason : -1;
    return APR_SUCCESS;
}

static apr_status_t statuses_get(run_t *run)
{
    const apr_array_header_t *serials = run->request->serials;
    apr_status_t rv = APR_SUCCESS;
    int i;

    run->status = apr_palloc(run->pool,
                             (apr_size_t)serials->nelts * sizeof(*run->status));
    for (i = 0; rv == APR_SUCCESS && i < serials->nelts; i++)
        rv = status_get(&run->status[i], run,
                        APR_ARRAY_IDX(serials, i, const char *));
    return rv;
}

/* NULL without the operator being told: it was told before. */
static ca_ocsp_signer_t *signer_get(const run_t *run)
{
    ca_ocsp_signer_t *signer;
    problem_t *prob =
        acme_ocsp_signer(&signer, run->acme->ocsp, run->generation,
                         run->issuer->ocsp_life, run->now, run->pool);

    if (prob)
        log_write(run->acme->log, LOG_LEVEL_ERROR, "AS0314", prob->rv,
                  "there is no new OCSP signer: %s",
                  prob->cause ? prob->cause : prob->detail);
    return signer;
}

/* 0: there is nobody who could sign. */
static int response_sign(acme_ocsp_response_t *response, const run_t *run)
{
    ca_ocsp_signer_t *signer = signer_get(run);
    ca_ocsp_answer_t answer = {run->request, run->status, run->now, 0};
    problem_t *prob;

    if (!signer)
        return 0;
    answer.next_update = run->now + run->issuer->ocsp_life;
    if (answer.next_update > signer->not_after)
        answer.next_update = signer->not_after;
    response->status = run->status[0];
    response->this_update = answer.this_update;
    response->next_update = answer.next_update;
    prob = ca_ocsp_respond(&response->der, &response->len, &answer, signer,
                           run->pool);
    if (prob)
        log_write(run->acme->log, LOG_LEVEL_ERROR, "AS0315", prob->rv,
                  "an OCSP request is not answered: %s",
                  prob->cause ? prob->cause : prob->detail);
    return !prob;
}

/* From here on the request is one that we have to answer. */
static void status_answer(acme_response_t *res, run_t *run)
{
    acme_ocsp_t *ocsp = run->acme->ocsp;
    acme_ocsp_response_t response;
    int is_read = statuses_get(run) == APR_SUCCESS;
    const ca_ocsp_status_t *wanted = is_read ? run->status : NULL;

    if (run->sha256 && acme_ocsp_find(&response, ocsp, run->sha256, wanted,
                                      run->now, run->pool)) {
        response_send(res, run, &response);
        return;
    }
    if (!is_read || !response_sign(&response, run)) {
        refuse(res, OCSP_RESPONSE_STATUS_TRYLATER, run->pool);
        return;
    }
    if (run->sha256 && response.status.state != CA_OCSP_UNKNOWN)
        acme_ocsp_keep(ocsp, run->sha256, &response);
    response_send(res, run, &response);
}

/* Some issuer's files cannot be read, so it may be that one's. */
static int is_issuer_away(const acme_conf_t *conf)
{
    int i;

    for (i = 0; i < conf->issuers->nelts; i++)
        if (!APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *)->set)
            return 1;
    return 0;
}

static problem_t *problem_no_issuer(apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_MALFORMED,
                                   "OCSP is not answered for such an issuer");

    prob->status = 404;
    return prob;
}

static void generation_find(run_t *run, const char *name)
{
    const char *print = apr_pstrmemdup(run->pool, name, FINGERPRINT_LEN);

    run->issuer = acme_conf_issuer_of(run->acme->conf, print);
    run->generation =
        run->issuer ? ca_set_generation(run->issuer->set, print) : NULL;
}

problem_t *acme_ocsp_answer(acme_response_t *res, const acme_t *acme,
                            const char *name, const acme_request_t *req)
{
    run_t run = {.acme = acme,
                 .req = req,
                 .now = clock_seconds(acme->clock),
                 .pool = req->pool};
    problem_t *prob = method_check(req);

    if (prob)
        return prob;
    generation_find(&run, name);
    if (!run.generation && !is_issuer_away(acme->conf))
        return problem_no_issuer(req->pool);
    run.request = request_read(&run, name);
    if (!run.request)
        refuse(res, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, req->pool);
    else if (!run.generation || !acme->ocsp)
        refuse(res, OCSP_RESPONSE_STATUS_TRYLATER, req->pool);
    else if (!run.issuer->ocsp || run.generation->not_after <= run.now ||
             !acme_ocsp_is_for(acme->ocsp, run.generation, run.request))
        refuse(res, OCSP_RESPONSE_STATUS_UNAUTHORIZED, req->pool);
    else
        status_answer(res, &run);
    return NULL;
}
