/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_OPENSSL_H
#define CA_OPENSSL_H

/* What several files of ca/ need of OpenSSL, in the project's types. */

#include <apr_pools.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/problem.h"

/* problem_internal() whose cause ends with what OpenSSL said; its queue of
 * errors is empty afterwards. */
problem_t *ca_openssl_problem(apr_pool_t *pool, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result, returns_nonnull));

/* Seconds since 1970; -1 if it is no time of RFC 5280. */
apr_int64_t ca_time_seconds(const ASN1_TIME *time);

/* The last second that a certificate can name, 9999-12-31T23:59:59Z. */
#define CA_TIME_MAX INT64_C(253402300799)

/* 0 if a time is not within the years 1970 to 9999, or OpenSSL fails. */
int ca_times_set(X509 *cert, apr_int64_t not_before, apr_int64_t not_after);

/* 32 hex digits, not all zero; 0 if they are not. */
#define CA_SERIAL_LEN 32
int ca_serial_set(X509 *cert, const char *digits);
/* An even number of such digits, 40 at most, for lists. */
int ca_serial_put(ASN1_INTEGER *serial, const char *digits);
/* The same back, in lower case; NULL: it cannot have been set so. */
const char *ca_serial_text(const X509 *cert, apr_pool_t *pool);

/* Append to the subject; value NULL appends nothing.  0 if value is longer than
 * RFC 5280 allows (a common name: 64 characters) or no UTF-8. */
int ca_subject_add(X509 *cert, int nid, const char *value);

/* "/O=Example Corp/CN=Issuing", printable. */
const char *ca_name_text(const X509_NAME *name, apr_pool_t *pool);

/* SHA-256 in lower-case hex. */
const char *ca_sha256_hex(const void *data, apr_size_t len, apr_pool_t *pool);

/* The encoded SubjectPublicKeyInfo of cert. */
const unsigned char *ca_spki_der(apr_size_t *len, const X509 *cert,
                                 apr_pool_t *pool);

/* Give cert this public key; 0 if OpenSSL cannot.  X509_get0_pubkey(cert) is
 * then NULL until cert was encoded and parsed again (base/pubkey.h). */
int ca_spki_set(X509 *cert, EVP_PKEY *key);

/* The digest that signatures by key are made with: SHA-256, or SHA-384 and
 * SHA-512 where the key is stronger; NULL with Ed25519, which has its own. */
const EVP_MD *ca_digest_for(const EVP_PKEY *key);

#endif
