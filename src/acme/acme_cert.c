/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_cert.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "acme/acme_accept.h"
#include "acme/acme_publish_form.h"
#include "acme/acme_response.h"
#include "acme/acme_state.h"
#include "base/own.h"
#include "store/store_cert.h"
#include "store/store_issuer.h"

#include "base/banned.h"

#define PEM_TYPE "application/pem-certificate-chain"
#define DER_TYPE "application/pkix-cert"

/* What a client may ask for with Accept (RFC 8555 7.4.2), the default first. */
enum { FORM_PEM, FORM_DER, FORM_PKCS7 };
static const acme_accept_t forms[] = {
    {PEM_TYPE, NULL},
    {DER_TYPE, NULL},
    {"application/pkcs7-mime", "smime-type=certs-only"}};
#define FORMS ((int)(sizeof(forms) / sizeof(forms[0])))

/* Its own issuer generation while that is loaded, else NULL. */
static const ca_issuer_t *generation_find(const acme_t *acme,
                                          const store_cert_t *cert)
{
    const acme_issuer_t *issuer = acme_conf_issuer_of(acme->conf, cert->issuer);

    return issuer ? ca_set_generation(issuer->set, cert->issuer) : NULL;
}

/* What follows the leaf, as its own issuer generation had it: from memory while
 * that is loaded, else from its row, which stays for ever. */
static problem_t *chain_get(const char **chain, acme_t *acme,
                            const store_cert_t *cert,
                            const ca_issuer_t *generation, apr_pool_t *pool)
{
    store_issuer_t *row;
    apr_status_t rv;

    if (generation) {
        *chain = generation->chain_pem;
        return NULL;
    }
    rv = store_issuer_get(&row, acme->store, cert->issuer, pool);
    if (rv != APR_SUCCESS)
        return problem_internal(pool, rv, "get issuer %s of certificate %s",
                                cert->issuer, cert->id);
    *chain = row->chain_pem;
    return NULL;
}

static int alternates_count(const ca_issuer_t *generation)
{
    return generation && generation->alternates ? generation->alternates->nelts
                                                : 0;
}

/* The other chain of this number, "1" being the first; NULL: no such one. */
static const char *alternate_find(const ca_issuer_t *generation,
                                  const char *number)
{
    apr_int64_t n;
    char *end;

    if (*number < '1' || *number > '9')
        return NULL;
    n = apr_strtoi64(number, &end, 10);
    if (*end || n > alternates_count(generation))
        return NULL;
    return APR_ARRAY_IDX(generation->alternates, (int)n - 1, const char *);
}

/* All the chains but the one in the answer, each in a Link of its own (T71). */
static void alternates_link(acme_response_t *res, const acme_t *acme,
                            const store_cert_t *cert,
                            const ca_issuer_t *generation,
                            const acme_verified_t *v)
{
    int i, count = alternates_count(generation);

    if (v->route->tail)
        acme_response_link(res,
                           acme_route_url(acme->conf, ACME_ROUTE_CERT,
                                          cert->directory, cert->id, NULL,
                                          v->pool),
                           "alternate", v->pool);
    for (i = 1; i <= count; i++) {
        const char *tail = apr_itoa(v->pool, i);

        if (!v->route->tail || strcmp(v->route->tail, tail))
            acme_response_link(res,
                               acme_route_url(acme->conf, ACME_ROUTE_ALTERNATE,
                                              cert->directory, cert->id, tail,
                                              v->pool),
                               "alternate", v->pool);
    }
}

static problem_t *pem_answer(acme_response_t *res, const store_cert_t *cert,
                             const char *chain, apr_pool_t *pool)
{
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    apr_size_t chain_len = strlen(chain);
    char *leaf;
    long len;

    if (!bio ||
        !PEM_write_bio(bio, PEM_STRING_X509, "", cert->der,
                       (long)cert->der_len) ||
        BIO_write(bio, chain, (int)chain_len) != (int)chain_len)
        return problem_internal(pool, APR_ENOMEM, "write certificate %s",
                                cert->id);
    len = BIO_get_mem_data(bio, &leaf);
    acme_response_body(res, 200, PEM_TYPE, leaf, (apr_size_t)len);
    return NULL;
}

/* The leaf and what follows it, of X509 *. */
static apr_array_header_t *certs_of(const store_cert_t *cert, const char *chain,
                                    apr_pool_t *pool)
{
    apr_array_header_t *certs = apr_array_make(pool, 3, sizeof(X509 *));
    BIO *bio = own_bio(pool, BIO_new_mem_buf(chain, -1));
    const unsigned char *at = cert->der;
    X509 *one = own_x509(pool, d2i_X509(NULL, &at, (long)cert->der_len));

    while (one) {
        APR_ARRAY_PUSH(certs, X509 *) = one;
        one = own_x509(pool,
                       bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL);
    }
    ERR_clear_error(); /* that it ended */
    return certs;
}

/* One certificate; "up" says where the next one of this chain is (RFC 8555
 * 7.4.2), as long as that is loaded and published. */
static void der_answer(acme_response_t *res, const acme_t *acme,
                       const store_cert_t *cert, const char *chain,
                       const ca_issuer_t *generation, apr_pool_t *pool)
{
    apr_array_header_t *certs = certs_of(cert, chain, pool);

    if (generation && certs->nelts > 1)
        acme_response_link(
            res,
            apr_pstrcat(
                pool, acme->conf->base_url, acme->conf->path, "/issuer/",
                acme_publish_fingerprint(APR_ARRAY_IDX(certs, 1, X509 *), pool),
                ".cer", NULL),
            "up", pool);
    acme_response_body(res, 200, DER_TYPE, (const char *)cert->der,
                       cert->der_len);
}

static problem_t *form_answer(acme_response_t *res, const acme_t *acme,
                              const store_cert_t *cert, const char *chain,
                              const ca_issuer_t *generation,
                              const acme_verified_t *v)
{
    switch (acme_accept_choose(v->req->accept, forms, FORMS)) {
    case FORM_DER:
        der_answer(res, acme, cert, chain, generation, v->pool);
        return NULL;
    case FORM_PKCS7:
        return acme_publish_pkcs7(res, certs_of(cert, chain, v->pool), NULL,
                                  v->pool);
    default: /* a client that takes none of them gets what all understand */
        return pem_answer(res, cert, chain, v->pool);
    }
}

problem_t *acme_cert_get(acme_response_t *res, acme_t *acme,
                         const acme_verified_t *v)
{
    store_cert_t *cert;
    const ca_issuer_t *generation;
    const char *chain;
    problem_t *prob = NULL;
    apr_status_t rv;

    rv = store_cert_get(&cert, acme->store, v->route->id, v->pool);
    if (APR_STATUS_IS_ENOENT(rv) ||
        (rv == APR_SUCCESS &&
         (!cert->account_id || strcmp(cert->account_id, v->account->id))))
        return acme_state_not_found("certificate", v->pool);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "get certificate %s",
                                v->route->id);
    res->order = cert->order_id;
    generation = generation_find(acme, cert);
    if (v->route->tail) {
        chain = alternate_find(generation, v->route->tail);
        if (!chain)
            return acme_state_not_found("certificate chain", v->pool);
    }
    else
        prob = chain_get(&chain, acme, cert, generation, v->pool);
    if (prob)
        return prob;
    alternates_link(res, acme, cert, generation, v);
    return form_answer(res, acme, cert, chain, generation, v);
}
