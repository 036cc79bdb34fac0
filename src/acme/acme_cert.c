/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_cert.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/pem.h>

#include "acme/acme_response.h"
#include "acme/acme_state.h"
#include "base/own.h"
#include "store/store_cert.h"
#include "store/store_issuer.h"

#include "base/banned.h"

#define PEM_TYPE "application/pem-certificate-chain"

/* What follows the leaf, as its own issuer generation had it: from memory while
 * that is loaded, else from its row, which stays for ever. */
static problem_t *chain_get(const char **chain, acme_t *acme,
                            const store_cert_t *cert, apr_pool_t *pool)
{
    const acme_issuer_t *issuer = acme_conf_issuer_of(acme->conf, cert->issuer);
    store_issuer_t *row;
    apr_status_t rv;
    int i;

    for (i = 0; issuer && i < issuer->set->generations->nelts; i++) {
        const ca_issuer_t *generation =
            APR_ARRAY_IDX(issuer->set->generations, i, const ca_issuer_t *);

        if (!strcmp(generation->fingerprint, cert->issuer)) {
            *chain = generation->chain_pem;
            return NULL;
        }
    }
    rv = store_issuer_get(&row, acme->store, cert->issuer, pool);
    if (rv != APR_SUCCESS)
        return problem_internal(pool, rv, "get issuer %s of certificate %s",
                                cert->issuer, cert->id);
    *chain = row->chain_pem;
    return NULL;
}

static problem_t *chain_answer(acme_response_t *res, const store_cert_t *cert,
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

problem_t *acme_cert_get(acme_response_t *res, acme_t *acme,
                         const acme_verified_t *v)
{
    store_cert_t *cert;
    const char *chain;
    problem_t *prob;
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
    prob = chain_get(&chain, acme, cert, v->pool);
    if (prob)
        return prob;
    return chain_answer(res, cert, chain, v->pool);
}
