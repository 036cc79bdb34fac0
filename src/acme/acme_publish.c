/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish.h"

#include <string.h>

#include <apr_strings.h>

#include "ca/ca_openssl.h"

#include "base/banned.h"

#define PEM_TYPE "application/pem-certificate-chain"
#define DER_TYPE "application/pkix-cert"
#define ISSUER   "issuer/"

#define FINGERPRINT_LEN 64

/* The part behind "<ACMEPath>/", NULL if path is not below it. */
static const char *rest_of(const acme_conf_t *conf, const char *path)
{
    apr_size_t len = strlen(conf->path);

    if (strncmp(path, conf->path, len) || path[len] != '/')
        return NULL;
    return path + len + 1;
}

int acme_publish_is_path(const acme_conf_t *conf, const char *path)
{
    const char *rest = rest_of(conf, path);

    return rest && (!strcmp(rest, "roots.pem") || !strcmp(rest, "root.cer") ||
                    !strcmp(rest, "chain.pem") || !strncmp(rest, ISSUER, 7));
}

static void pem_answer(acme_response_t *res, const char *pem)
{
    acme_response_body(res, 200, PEM_TYPE, pem, strlen(pem));
}

static void der_answer(acme_response_t *res, X509 *cert, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, cert, pool);

    acme_response_body(res, 200, DER_TYPE, (const char *)der, len);
}

static int has_fingerprint(X509 *cert, const char *want, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, cert, pool);

    return !strncmp(ca_sha256_hex(der, len, pool), want, FINGERPRINT_LEN);
}

/* Among all generations and what they chain to: old leaves still point here. */
static X509 *cert_find(const ca_auto_t *ca, const char *fingerprint,
                       apr_pool_t *pool)
{
    int i;

    for (i = 0; i < ca->generations->nelts; i++) {
        const ca_issuer_t *issuer =
            APR_ARRAY_IDX(ca->generations, i, const ca_issuer_t *);
        int k;

        if (!strncmp(issuer->fingerprint, fingerprint, FINGERPRINT_LEN))
            return issuer->cert;
        for (k = 0; k < issuer->chain->nelts; k++) {
            X509 *cert = APR_ARRAY_IDX(issuer->chain, k, X509 *);

            if (has_fingerprint(cert, fingerprint, pool))
                return cert;
        }
        if (issuer->root && has_fingerprint(issuer->root, fingerprint, pool))
            return issuer->root;
    }
    return NULL;
}

/* name is "<fingerprint>.cer" or "….pem" */
static int issuer_answer(acme_response_t *res, const ca_auto_t *ca,
                         const char *name, apr_pool_t *pool)
{
    const char *suffix;
    X509 *cert;

    if (strspn(name, "0123456789abcdef") != FINGERPRINT_LEN)
        return 0;
    suffix = name + FINGERPRINT_LEN;
    if (strcmp(suffix, ".cer") && strcmp(suffix, ".pem"))
        return 0;
    cert = cert_find(ca, name, pool);
    if (!cert)
        return 0;
    if (!strcmp(suffix, ".cer"))
        der_answer(res, cert, pool);
    else
        pem_answer(res, ca_cert_pem(cert, pool));
    return 1;
}

static problem_t *method_check(const acme_request_t *req)
{
    problem_t *prob;

    if (!strcmp(req->method, "GET") || !strcmp(req->method, "HEAD"))
        return NULL;
    prob = problem_make(req->pool, PROBLEM_MALFORMED,
                        "this resource has no method %.16s, only GET and HEAD",
                        req->method);
    prob->status = 405;
    problem_header(prob, req->pool, "Allow", "GET, HEAD");
    return prob;
}

static problem_t *problem_no_cert(apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_MALFORMED,
                                   "no such certificate is published here");

    prob->status = 404;
    return prob;
}

problem_t *acme_publish_get(acme_response_t *res, const acme_t *acme,
                            const acme_request_t *req)
{
    const ca_auto_t *ca = acme->conf->ca;
    const char *rest = rest_of(acme->conf, req->path);
    problem_t *prob = method_check(req);

    if (prob)
        return prob;
    if (!ca)
        return problem_internal(req->pool, APR_SUCCESS, "%s",
                                acme->conf->ca_problem ? acme->conf->ca_problem
                                                       : "no CA");
    if (!strcmp(rest, "roots.pem"))
        pem_answer(res, ca->roots_pem);
    else if (!strcmp(rest, "chain.pem"))
        pem_answer(res, ca->issuer->chain_pem);
    else if (strcmp(rest, "root.cer")) {
        if (!issuer_answer(res, ca, rest + strlen(ISSUER), req->pool))
            return problem_no_cert(req->pool);
    }
    else if (ca->issuer->root)
        der_answer(res, ca->issuer->root, req->pool);
    else
        return problem_no_cert(req->pool);
    acme_response_header(res, "Cache-Control", "public, max-age=3600");
    return NULL;
}
