/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "acme/acme_ocsp.h"
#include "acme/acme_pub.h"
#include "acme/acme_publish_form.h"
#include "acme/acme_publish_limits.h"
#include "acme/acme_publish_page.h"
#include "acme/acme_route.h"
#include "base/own.h"
#include "ca/ca_openssl.h"
#include "store/store_crl.h"

#include "base/banned.h"

#define PEM_TYPE "application/pem-certificate-chain"
#define DER_TYPE "application/pkix-cert"
#define CRL_TYPE "application/pkix-crl"
#define ISSUER   "issuer/"

/* How long others may keep a list, in seconds, at most: revocations are to be
 * seen soon. */
#define LIST_AGE 300

#define FINGERPRINT_LEN 64
#define ETAG_LEN        32

/* The part behind "<ACMEPath>/", NULL if path is not below it. */
static const char *rest_of(const acme_conf_t *conf, const char *path)
{
    apr_size_t len = strlen(conf->path);

    if (strncmp(path, conf->path, len) || path[len] != '/')
        return NULL;
    return path + len + 1;
}

/* Files of every root, files of the issuer that signs (see main_answer). */
static const char *const roots_files[] = {"roots.pem", "roots.p7c",
                                          "roots.mobileconfig", NULL};
static const char *const main_files[] = {"root.pem", "root.cer", "chain.pem",
                                         "chain.p7c", NULL};

static int is_among(const char *rest, const char *const *files)
{
    while (*files && strcmp(rest, *files))
        files++;
    return *files != NULL;
}

/* The page for people has the first URL of all, which may lack its slash. */
static int is_page(const acme_conf_t *conf, const char *path)
{
    const char *rest = rest_of(conf, path);

    return rest ? !*rest : *path && !strcmp(path, conf->path);
}

int acme_publish_is_path(const acme_conf_t *conf, const char *path)
{
    const char *rest = rest_of(conf, path);

    return is_page(conf, path) ||
           (rest && (!strcmp(rest, ACME_PUBLISH_LIMITS) ||
                     is_among(rest, roots_files) ||
                     is_among(rest, main_files) || !strncmp(rest, ISSUER, 7)));
}

static void pem_answer(acme_response_t *res, const char *pem)
{
    acme_response_body(res, 200, PEM_TYPE, pem, strlen(pem));
}

static int has_fingerprint(X509 *cert, const char *want, apr_pool_t *pool)
{
    return !strncmp(acme_publish_fingerprint(cert, pool), want,
                    FINGERPRINT_LEN);
}

/* Among what further chains are made of: "up" of a download leads there. */
static X509 *alternate_find(const ca_issuer_t *issuer, const char *fingerprint,
                            apr_pool_t *pool)
{
    X509 *found = NULL, *cert;
    int i;

    for (i = 0; i < issuer->alternates->nelts && !found; i++) {
        const char *pem = APR_ARRAY_IDX(issuer->alternates, i, const char *);
        BIO *bio = own_bio(pool, BIO_new_mem_buf(pem, -1));

        do {
            cert = own_x509(pool, bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL)
                                      : NULL);
            if (cert && has_fingerprint(cert, fingerprint, pool))
                found = cert;
        } while (cert && !found);
    }
    ERR_clear_error(); /* that they ended */
    return found;
}

/* Among all generations and what they chain to: old leaves still point here.
 */
static X509 *cert_find(const ca_set_t *set, const char *fingerprint,
                       apr_pool_t *pool)
{
    X509 *alternate;
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
        alternate = alternate_find(issuer, fingerprint, pool);
        if (alternate)
            return alternate;
    }
    for (i = 0; i < set->roots->nelts; i++) {
        X509 *root = APR_ARRAY_IDX(set->roots, i, X509 *);

        if (has_fingerprint(root, fingerprint, pool))
            return root;
    }
    return NULL;
}

const char *acme_publish_url(const acme_conf_t *conf,
                             const acme_issuer_t *issuer,
                             const char *fingerprint, const char *suffix,
                             apr_pool_t *pool)
{
    const char *url = issuer->url;

    if (!url)
        url = conf->issuer_url ? conf->issuer_url : conf->publish_url;
    if (!url || !*url)
        return NULL;
    return apr_pstrcat(pool, url, url[strlen(url) - 1] == '/' ? "" : "/",
                       ISSUER, fingerprint, suffix, NULL);
}

static void age_set(acme_response_t *res, apr_int64_t seconds, apr_pool_t *pool)
{
    acme_response_header(
        res, "Cache-Control",
        apr_psprintf(pool, "public, max-age=%" APR_INT64_T_FMT, seconds));
}

/* A list of a short life is not to be kept for a long part of it. */
static apr_int64_t list_age(const acme_conf_t *conf, const char *fingerprint)
{
    const acme_issuer_t *issuer = acme_conf_issuer_of(conf, fingerprint);

    return issuer && issuer->crl_life / 10 < LIST_AGE ? issuer->crl_life / 10
                                                      : LIST_AGE;
}

/* What a root has revoked: read at start.  Of one that signs leaves itself the
 * database knows more. */
static const ca_list_t *root_list(const acme_conf_t *conf,
                                  const char *fingerprint)
{
    int i;

    if (acme_conf_issuer_of(conf, fingerprint))
        return NULL;
    for (i = 0; i < conf->issuers->nelts; i++) {
        const ca_set_t *set =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *)->set;

        if (set && set->list && !strcmp(set->list->fingerprint, fingerprint))
            return set->list;
    }
    return NULL;
}

/* From the file; without one, as on another machine's first day, from the
 * database; a root's has neither. */
static int list_answer(acme_response_t *res, const acme_t *acme,
                       const char *name, apr_pool_t *pool)
{
    const char *fingerprint = apr_pstrmemdup(pool, name, FINGERPRINT_LEN);
    const char *data = NULL, *sha256 = NULL;
    apr_size_t len;
    apr_int64_t modified;
    const ca_list_t *list = root_list(acme->conf, fingerprint);
    store_crl_t *crl;

    if (list) {
        data = (const char *)list->der;
        len = list->der_len;
        modified = list->this_update;
    }
    else if (acme_pub_open(&res->file, &sha256, &len, &modified, acme->conf,
                           name, pool) != APR_SUCCESS &&
             acme_pub_read(&data, &len, &modified, acme->conf, name, pool) !=
                 APR_SUCCESS) {
        if (store_crl_get(&crl, acme->store, fingerprint, pool) != APR_SUCCESS)
            return 0;
        data = (const char *)crl->der;
        len = crl->der_len;
        modified = crl->this_update;
    }
    acme_response_body(res, 200, CRL_TYPE, data, len);
    res->modified = modified + 1;
    if (!sha256)
        sha256 = ca_sha256_hex(data, len, pool);
    res->etag = apr_psprintf(pool, "\"%.*s\"", ETAG_LEN, sha256);
    age_set(res, list_age(acme->conf, fingerprint), pool);
    return 1;
}

/* Of an issuer that is in no configuration any more. */
static int cert_file_answer(acme_response_t *res, const acme_conf_t *conf,
                            const char *name, apr_pool_t *pool)
{
    const char *data;
    apr_size_t len;
    apr_int64_t modified;

    if (acme_pub_read(&data, &len, &modified, conf, name, pool) != APR_SUCCESS)
        return 0;
    acme_response_body(res, 200, DER_TYPE, data, len);
    return 1;
}

/* name is "<fingerprint>.cer", "….pem" or "….crl" */
static int issuer_answer(acme_response_t *res, const acme_t *acme,
                         const char *name, apr_pool_t *pool)
{
    const acme_conf_t *conf = acme->conf;
    const char *suffix;
    X509 *cert = NULL;
    int i;

    if (strspn(name, "0123456789abcdef") != FINGERPRINT_LEN)
        return 0;
    suffix = name + FINGERPRINT_LEN;
    if (!strcmp(suffix, ".crl"))
        return list_answer(res, acme, name, pool);
    if (strcmp(suffix, ".cer") && strcmp(suffix, ".pem"))
        return 0;
    for (i = 0; i < conf->issuers->nelts && !cert; i++) {
        const ca_set_t *set =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *)->set;

        cert = set ? cert_find(set, name, pool) : NULL;
    }
    if (!cert)
        return !strcmp(suffix, ".cer") &&
               cert_file_answer(res, conf, name, pool);
    if (!strcmp(suffix, ".cer"))
        acme_publish_der(res, cert, pool);
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
    problem_t *prob =
        problem_make(pool, PROBLEM_MALFORMED,
                     "no such certificate or list is published here");

    prob->status = 404;
    return prob;
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

static const char *fault_main(const acme_issuer_t *issuer)
{
    return issuer ? acme_conf_issuer_fault(issuer) : "its issuer is gone";
}

static problem_t *root_answer(acme_response_t *res, X509 *root, int is_der,
                              apr_pool_t *pool)
{
    if (!root)
        return problem_no_cert(pool);
    if (is_der)
        acme_publish_der(res, root, pool);
    else
        pem_answer(res, ca_cert_pem(root, pool));
    return NULL;
}

static X509 *root_main(const ca_set_t *set, const ca_issuer_t *newest)
{
    if (newest)
        return newest->root;
    return set->roots->nelts ? APR_ARRAY_IDX(set->roots, 0, X509 *) : NULL;
}

/* Of the main issuer, which need not be able to sign (pki.md: publication
 * outlives the key). */
static problem_t *main_answer(acme_response_t *res, const acme_conf_t *conf,
                              const char *rest, apr_pool_t *pool)
{
    const acme_issuer_t *issuer = issuer_main(conf);
    const ca_set_t *set = issuer ? issuer->set : NULL;
    const ca_issuer_t *newest = set ? ca_set_newest(set) : NULL;
    int is_chain = !strncmp(rest, "chain.", 6);

    if (!set || (is_chain && !newest))
        return problem_internal(pool, APR_SUCCESS, "%s", fault_main(issuer));
    if (!strcmp(rest, "chain.pem"))
        pem_answer(res, newest->chain_pem);
    else if (is_chain)
        return acme_publish_pkcs7(res, newest->chain, newest->root, pool);
    else
        return root_answer(res, root_main(set, newest),
                           !strcmp(rest, "root.cer"), pool);
    return NULL;
}

static problem_t *roots_answer(acme_response_t *res, const acme_conf_t *conf,
                               const char *rest,
                               const apr_array_header_t *roots,
                               apr_pool_t *pool)
{
    if (!strcmp(rest, "roots.p7c"))
        return acme_publish_pkcs7(res, roots, NULL, pool);
    if (!strcmp(rest, "roots.pem"))
        acme_publish_pem(res, roots, pool);
    else
        acme_publish_mobileconfig(res, conf, roots, pool);
    return NULL;
}

static problem_t *problem_no_roots(const acme_conf_t *conf, apr_pool_t *pool)
{
    const char *fault = fault_main(issuer_main(conf));

    return fault ? problem_internal(pool, APR_SUCCESS, "%s", fault)
                 : problem_no_cert(pool);
}

/* Clients whose user pasted this URL get what any wrong URL gets: the place of
 * the directory (R25).  The page is for who says that he reads HTML. */
static problem_t *page_answer(acme_response_t *res, const acme_conf_t *conf,
                              const apr_array_header_t *roots,
                              const acme_request_t *req)
{
    acme_route_t *route;
    problem_t *prob;

    if (!acme_publish_page_is_wanted(req->accept)) {
        prob = acme_route_find(&route, conf, req);
        if (prob)
            problem_header(prob, req->pool, "Vary", "Accept");
        return prob;
    }
    acme_response_header(res, "Vary", "Accept");
    if (rest_of(conf, req->path))
        acme_publish_page(res, conf, roots, req->pool);
    else
        acme_publish_page_redirect(res, conf, req->pool);
    return NULL;
}

/* ca_sha256_hex of the body is as good as any ETag, and the same on every
 * machine that serves this. */
static void validators_set(acme_response_t *res, const acme_conf_t *conf,
                           apr_pool_t *pool)
{
    if (res->etag || res->status != 200)
        return;
    res->etag = apr_psprintf(pool, "\"%.*s\"", ETAG_LEN,
                             ca_sha256_hex(res->body, res->body_len, pool));
    res->modified = conf->loaded_at;
}

static int is_ocsp(const char *rest)
{
    return rest && !strncmp(rest, ISSUER, strlen(ISSUER)) &&
           acme_ocsp_is_name(rest + strlen(ISSUER));
}

const char *acme_publish_methods(const acme_conf_t *conf, const char *path)
{
    return is_ocsp(rest_of(conf, path)) ? "GET, HEAD, POST" : "GET, HEAD";
}

problem_t *acme_publish_get(acme_response_t *res, const acme_t *acme,
                            const acme_request_t *req)
{
    const acme_conf_t *conf = acme->conf;
    const char *rest = rest_of(conf, req->path);
    const apr_array_header_t *roots = acme_publish_roots(conf, req->pool);
    problem_t *prob;

    if (is_ocsp(rest))
        return acme_ocsp_answer(res, acme, rest + strlen(ISSUER), req);
    prob = method_check(req);
    if (prob)
        return prob;
    if (is_page(conf, req->path))
        prob = page_answer(res, conf, roots, req);
    else if (!strcmp(rest, ACME_PUBLISH_LIMITS))
        acme_publish_limits(res, conf, req->pool);
    else if (!strncmp(rest, ISSUER, strlen(ISSUER)) &&
             issuer_answer(res, acme, rest + strlen(ISSUER), req->pool))
        prob = NULL; /* lists are there without any issuer */
    else if (!roots->nelts)
        prob = problem_no_roots(conf, req->pool);
    else if (is_among(rest, roots_files))
        prob = roots_answer(res, conf, rest, roots, req->pool);
    else if (is_among(rest, main_files))
        prob = main_answer(res, conf, rest, req->pool);
    else
        prob = problem_no_cert(req->pool);
    if (prob)
        return prob;
    validators_set(res, conf, req->pool);
    if (!apr_table_get(res->headers, "Cache-Control"))
        age_set(res, 3600, req->pool);
    return NULL;
}
