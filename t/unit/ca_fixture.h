/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_FIXTURE_H
#define CA_FIXTURE_H

/* A small CA in memory or in files, and what the tests of ca/ look at. */

#include <apr_strings.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/identifier.h"
#include "base/own.h"
#include "ca/ca_hierarchy.h"
#include "ca/ca_issue.h"
#include "ca_files.h"
#include "tap.h"

/* 2026-03-01T12:00:00Z */
#define NOW ((apr_int64_t)1772366400)
#define DAY ((apr_int64_t)86400)

static inline apr_array_header_t *names(apr_pool_t *pool, ...)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(identifier_t *));
    const char *value;
    va_list args;

    va_start(args, pool);
    for (value = va_arg(args, const char *); value;
         value = va_arg(args, const char *)) {
        identifier_t *identifier = apr_palloc(pool, sizeof(*identifier));

        identifier->type = (identifier_type_e)identifier_type_find(
            identifier_type_guess(value));
        identifier->value = value;
        APR_ARRAY_PUSH(list, identifier_t *) = identifier;
    }
    va_end(args);
    return list;
}

static inline X509 *ca_cert_of(const char *cn, EVP_PKEY *key, int path_len,
                               X509 *issuer, EVP_PKEY *issuer_key,
                               apr_pool_t *pool)
{
    ca_subject_t subject = {0};
    X509 *cert = NULL;
    problem_t *prob;

    subject.common_name = cn;
    subject.key = key;
    subject.not_before = NOW - DAY;
    subject.not_after = NOW + 365 * DAY;
    subject.path_len = path_len;
    subject.issuer = issuer;
    subject.issuer_key = issuer_key;
    prob = ca_hierarchy_make(&cert, &subject, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    return cert;
}

/* A P-256 root and an intermediate with a key of this kind, through files. */
static inline ca_issuer_t *issuer_of(const char *spec, apr_pool_t *pool)
{
    EVP_PKEY *root_key = ca_key_make("P-256", pool);
    EVP_PKEY *key = ca_key_make(spec, pool);
    X509 *root = ca_cert_of("Root", root_key, -1, NULL, NULL, pool);
    X509 *cert = ca_cert_of("Issuing", key, 0, root, root_key, pool);
    const char *cert_file, *key_file;
    ca_issuer_t *issuer = NULL;
    problem_t *prob;

    cert_file = file_put("issuer.pem",
                         apr_pstrcat(pool, ca_cert_pem(cert, pool),
                                     ca_cert_pem(root, pool), NULL),
                         pool);
    key_file = file_put("issuer.key", ca_key_pem(key, pool), pool);
    prob = ca_issuer_load(&issuer, "test", 1, cert_file, key_file, NOW, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    return issuer;
}

static inline X509 *parsed(const ca_cert_t *cert, apr_pool_t *pool)
{
    const unsigned char *der = cert->der;
    X509 *x509 = own_x509(pool, d2i_X509(NULL, &der, (long)cert->der_len));

    ok(x509 && der == cert->der + cert->der_len);
    return x509;
}

/* As `openssl verify -x509_strict -purpose sslserver` sees it; NULL if all is
 * well. */
static inline const char *verify(X509 *leaf, const ca_issuer_t *issuer,
                                 const char *host, apr_int64_t at)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    X509_VERIFY_PARAM *param;
    const char *fault = NULL;
    int i;

    X509_STORE_add_cert(store, issuer->root);
    for (i = 0; i < issuer->chain->nelts; ++i)
        sk_X509_push(untrusted, APR_ARRAY_IDX(issuer->chain, i, X509 *));
    X509_STORE_CTX_init(ctx, store, leaf, untrusted);
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT |
                                           X509_V_FLAG_CHECK_SS_SIGNATURE);
    X509_VERIFY_PARAM_set_time(param, (time_t)at);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set1_host(param, host, 0);
    if (X509_verify_cert(ctx) != 1)
        fault = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_free(untrusted);
    return fault;
}

#endif
