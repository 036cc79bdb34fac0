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

/* Among all generations and what they chain to: old leaves still point here.
 */
static X509 *cert_find(const ca_set_t *set, const char *fingerprint,
                       apr_pool_t *pool)
{
    int i;

    for (i = 0; i < set->generations->nelts; i++) {
        const ca_issuer_t *issuer =
            APR_ARRAY_IDX(set->generations, i, const ca_issuer_t *);
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
static int issuer_answer(acme_response_t *res, const acme_conf_t *conf,
                         const char *name, apr_pool_t *pool)
{
    const char *suffix;
    X509 *cert = NULL;
    int i;

    if (strspn(name, "0123456789abcdef") != FINGERPRINT_LEN)
        return 0;
    suffix = name + FINGERPRINT_LEN;
    if (strcmp(suffix, ".cer") && strcmp(suffix, ".pem"))
        return 0;
    for (i = 0; i < conf->issuers->nelts && !cert; i++) {
        const ca_set_t *set =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *)->set;

        cert = set ? cert_find(set, name, pool) : NULL;
    }
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

/* Of every issuer, once each: the automatic one may have made this server's own
 * certificate while others sign. NULL: there is none at all. */
static const char *roots_text(const acme_conf_t *conf, apr_pool_t *pool)
{
    const char *text = NULL;
    int i;

    for (i = 0; i < conf->issuers->nelts; i++) {
        const ca_set_t *set =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *)->set;

        if (set && set->roots_pem && !(text && strstr(text, set->roots_pem)))
            text = apr_pstrcat(pool, text ? text : "", set->roots_pem, NULL);
    }
    return text;
}

/* Who signs in the default directory, or in the first one. */
static const acme_issuer_t *issuer_main(const acme_conf_t *conf)
{
    const acme_profile_t *profile = acme_conf_profile_at(conf, "");

    if (!profile && conf->profiles->nelts)
        profile = APR_ARRAY_IDX(conf->profiles, 0, const acme_profile_t *);
    return acme_conf_issuer(conf,
                            profile ? profile->issuer : ACME_ISSUER_AUTOMATIC);
}

/* Of the main issuer. */
static problem_t *main_answer(acme_response_t *res, const acme_conf_t *conf,
                              int is_root, apr_pool_t *pool)
{
    const acme_issuer_t *issuer = issuer_main(conf);
    const char *fault =
        issuer ? acme_conf_issuer_fault(issuer) : "its issuer is gone";

    if (!fault && !issuer->set->issuer)
        fault = "no generation of the issuer can sign";
    if (fault)
        return problem_internal(pool, APR_SUCCESS, "%s", fault);
    if (!is_root)
        pem_answer(res, issuer->set->issuer->chain_pem);
    else if (issuer->set->issuer->root)
        der_answer(res, issuer->set->issuer->root, pool);
    else
        return problem_no_cert(pool);
    return NULL;
}

static problem_t *problem_no_roots(const acme_conf_t *conf, apr_pool_t *pool)
{
    const acme_issuer_t *issuer = issuer_main(conf);
    const char *fault =
        issuer ? acme_conf_issuer_fault(issuer) : "its issuer is gone";

    return fault ? problem_internal(pool, APR_SUCCESS, "%s", fault)
                 : problem_no_cert(pool);
}

problem_t *acme_publish_get(acme_response_t *res, const acme_t *acme,
                            const acme_request_t *req)
{
    const acme_conf_t *conf = acme->conf;
    const char *rest = rest_of(conf, req->path);
    const char *roots = roots_text(conf, req->pool);
    problem_t *prob = method_check(req);

    if (!prob && !roots)
        prob = problem_no_roots(conf, req->pool);
    else if (!prob && !strcmp(rest, "roots.pem"))
        pem_answer(res, roots);
    else if (!prob && strncmp(rest, ISSUER, strlen(ISSUER)))
        prob = main_answer(res, conf, !strcmp(rest, "root.cer"), req->pool);
    else if (!prob &&
             !issuer_answer(res, conf, rest + strlen(ISSUER), req->pool))
        prob = problem_no_cert(req->pool);
    if (!prob)
        acme_response_header(res, "Cache-Control", "public, max-age=3600");
    return prob;
}
