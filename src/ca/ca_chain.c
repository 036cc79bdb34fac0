/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_chain.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "ca/ca_issuer.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

int ca_chain_has_signed(X509 *issuer, X509 *cert)
{
    int signed_by = X509_check_issued(issuer, cert) == X509_V_OK &&
                    X509_verify(cert, X509_get0_pubkey(issuer)) == 1;

    ERR_clear_error();
    return signed_by;
}

/* The certificate of the list that signed cert, taken off it; NULL without. */
static X509 *signer_take(apr_array_header_t *certs, X509 *cert)
{
    int i;

    for (i = 0; i < certs->nelts; ++i) {
        X509 *found = APR_ARRAY_IDX(certs, i, X509 *);

        if (found && ca_chain_has_signed(found, cert)) {
            APR_ARRAY_IDX(certs, i, X509 *) = NULL;
            return found;
        }
    }
    return NULL;
}

problem_t *ca_chain_build(apr_array_header_t **chain, X509 **root,
                          const apr_array_header_t *certs, const char *file,
                          apr_pool_t *pool)
{
    apr_array_header_t *left = apr_array_copy(pool, certs);
    X509 *first = APR_ARRAY_IDX(left, 0, X509 *), *cert = first;
    int i;

    *root = NULL;
    *chain = apr_array_make(pool, left->nelts, sizeof(X509 *));
    APR_ARRAY_IDX(left, 0, X509 *) = NULL;
    while (cert) {
        APR_ARRAY_PUSH(*chain, X509 *) = cert;
        if (ca_chain_has_signed(cert, cert)) {
            *root = cert;
            break;
        }
        cert = signer_take(left, cert);
    }
    for (i = 0; i < left->nelts; ++i) {
        cert = APR_ARRAY_IDX(left, i, X509 *);
        if (cert)
            return problem_internal(
                pool, APR_EINVAL,
                "%s: certificate %d, \"%s\", has signed none of the chain "
                "that begins with the first, \"%s\"; take it out, or put what "
                "is missing between them in",
                file, i + 1, ca_name_text(X509_get_subject_name(cert), pool),
                ca_name_text(X509_get_subject_name(first), pool));
    }
    return NULL;
}

/* What is wrong with the certificate at this place of the chain as a CA; NULL
 * if nothing is. */
static const char *ca_fault(X509 *cert, int place, apr_pool_t *pool)
{
    long path_len = X509_get_pathlen(cert);

    /* X509_check_ca: basicConstraints and keyUsage together; 1 is a CA with
     * basicConstraints, others are kinds of the past */
    if (X509_check_ca(cert) != 1)
        return "is no CA certificate (CA:TRUE and keyCertSign)";
    if (!(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
        return "may not sign certificates (keyUsage keyCertSign)";
    if (place == 0 && !(X509_get_key_usage(cert) & KU_CRL_SIGN))
        return "may not sign CRLs (keyUsage cRLSign)";
    if (path_len >= 0 && path_len < place)
        return apr_psprintf(pool,
                            "allows %ld CAs below itself (pathlen), and there "
                            "are %d",
                            path_len, place);
    return NULL;
}

problem_t *ca_chain_check(const apr_array_header_t *chain, const char *file,
                          apr_int64_t now, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < chain->nelts; ++i) {
        X509 *cert = APR_ARRAY_IDX(chain, i, X509 *);
        apr_int64_t from = ca_time_seconds(X509_get0_notBefore(cert));
        apr_int64_t to = ca_time_seconds(X509_get0_notAfter(cert));
        const char *fault = ca_fault(cert, i, pool);

        if (!fault && now && now < from)
            fault = apr_psprintf(pool, "is valid from %s only, and it is %s",
                                 clock_rfc3339(from, pool),
                                 clock_rfc3339(now, pool));
        if (!fault && now && now >= to)
            fault =
                apr_psprintf(pool, "expired at %s, and it is %s",
                             clock_rfc3339(to, pool), clock_rfc3339(now, pool));
        if (fault)
            return problem_internal(
                pool, APR_EINVAL,
                "%s: \"%s\" %s; replace it, or set the "
                "machine's clock if that is wrong",
                file, ca_name_text(X509_get_subject_name(cert), pool), fault);
    }
    return NULL;
}

/* As verifiers differ. */
typedef struct {
    apr_int64_t now;     /* 0: whenever */
    unsigned long flags; /* X509_V_FLAG_… */
} view_t;

/* What OpenSSL has against the first of chain, and which certificate it is;
 * NULL if nothing. */
static const char *view_fault(X509 **cert, X509_STORE *store,
                              X509_STORE_CTX *ctx, STACK_OF(X509) * between,
                              const apr_array_header_t *chain,
                              const view_t *view)
{
    X509_VERIFY_PARAM *param;
    int i;

    *cert = APR_ARRAY_IDX(chain, 0, X509 *);
    for (i = 1; i < chain->nelts; ++i)
        sk_X509_push(between, APR_ARRAY_IDX(chain, i, X509 *));
    if (X509_STORE_add_cert(
            store, APR_ARRAY_IDX(chain, chain->nelts - 1, X509 *)) != 1 ||
        X509_STORE_CTX_init(ctx, store, *cert, between) != 1)
        return "no memory";
    param = X509_STORE_CTX_get0_param(ctx);
    if (view->now)
        X509_VERIFY_PARAM_set_time(param, (time_t)view->now);
    X509_VERIFY_PARAM_set_flags(
        param, view->flags | (view->now ? 0 : X509_V_FLAG_NO_CHECK_TIME));
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    if (X509_verify_cert(ctx) == 1)
        return NULL;
    if (X509_STORE_CTX_get_current_cert(ctx))
        *cert = X509_STORE_CTX_get_current_cert(ctx);
    i = X509_STORE_CTX_get_error_depth(ctx);
    if (i > 0 && i < chain->nelts)
        *cert = APR_ARRAY_IDX(chain, i, X509 *);
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
}

/* cert is one of the chain's. */
static const char *chain_fault(X509 **cert, const apr_array_header_t *chain,
                               const view_t *view)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    const char *fault = "no memory";

    *cert = APR_ARRAY_IDX(chain, 0, X509 *);
    if (store && ctx && between)
        fault = view_fault(cert, store, ctx, between, chain, view);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_free(between);
    ERR_clear_error();
    return fault;
}

problem_t *ca_chain_verify(const apr_array_header_t *chain, const char *file,
                           apr_int64_t now, apr_pool_t *pool)
{
    view_t view = {now, 0};
    X509 *cert;
    const char *fault = chain_fault(&cert, chain, &view);

    if (!fault)
        return NULL;
    return problem_internal(
        pool, APR_EINVAL,
        "%s: the chain of \"%s\" is one that verifiers refuse: %s; have it "
        "signed anew",
        file,
        ca_name_text(X509_get_subject_name(APR_ARRAY_IDX(chain, 0, X509 *)),
                     pool),
        fault);
}

#define STRICT "strict verifiers (openssl verify -x509_strict)"

/* cert: one of the chain's. */
static void warn(apr_array_header_t *warnings, const char *who, X509 *cert,
                 const char *fault, apr_pool_t *pool)
{
    APR_ARRAY_PUSH(warnings, const char *) = apr_psprintf(
        pool,
        "%s refuse what is signed with it: \"%s\": %s; have that certificate "
        "made anew",
        who, ca_name_text(X509_get_subject_name(cert), pool), fault);
}

apr_array_header_t *ca_chain_warnings(const apr_array_header_t *chain,
                                      apr_pool_t *pool)
{
    apr_array_header_t *warnings =
        apr_array_make(pool, 1, sizeof(const char *));
    view_t view = {0, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN};
    const char *fault;
    X509 *cert;
    int i;

    for (i = 0; i < chain->nelts; ++i) {
        cert = APR_ARRAY_IDX(chain, i, X509 *);
        if (!(X509_get_extension_flags(cert) & EXFLAG_KUSAGE))
            warn(warnings, STRICT, cert, "a CA without keyUsage", pool);
        /* without the extension all bits are set */
        if (!(X509_get_extended_key_usage(cert) &
              (XKU_SSL_SERVER | XKU_ANYEKU)))
            warn(warnings, "clients of TLS servers", cert,
                 "an extKeyUsage without serverAuth", pool);
    }
    fault = warnings->nelts ? NULL : chain_fault(&cert, chain, &view);
    if (fault)
        warn(warnings, STRICT, cert, fault, pool);
    return warnings;
}

const char *ca_chain_pem(const apr_array_header_t *chain, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < chain->nelts; ++i) {
        X509 *cert = APR_ARRAY_IDX(chain, i, X509 *);

        if (i == 0 || !ca_chain_has_signed(cert, cert))
            text = apr_pstrcat(pool, text, ca_cert_pem(cert, pool), NULL);
    }
    return text;
}

int ca_chain_is_twin(X509 *a, X509 *b)
{
    return X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) ==
               0 &&
           EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

const char *ca_chain_graft(const apr_array_header_t *chain,
                           const apr_array_header_t *other, apr_pool_t *pool)
{
    apr_array_header_t *made = apr_array_make(pool, 4, sizeof(X509 *));
    X509 *first = APR_ARRAY_IDX(other, 0, X509 *), *cert;
    int i;

    for (i = 0; i < chain->nelts; ++i) {
        cert = APR_ARRAY_IDX(chain, i, X509 *);

        if (ca_chain_is_twin(cert, first))
            return ca_chain_pem(apr_array_append(pool, made, other), pool);
        APR_ARRAY_PUSH(made, X509 *) = cert;
    }
    cert = APR_ARRAY_IDX(chain, chain->nelts - 1, X509 *);
    if (ca_chain_has_signed(cert, cert) || !ca_chain_has_signed(first, cert))
        return NULL;
    return ca_chain_pem(apr_array_append(pool, made, other), pool);
}
