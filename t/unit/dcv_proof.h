/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_PROOF_H
#define DCV_PROOF_H

/* Certificates that prove something (RFC 8737 3), or nearly. */

#include <openssl/x509.h>

typedef struct {
    const char *names; /* subjectAltName as openssl.cnf has it; NULL: none */
    const char *key_authorization;           /* NULL: no acmeIdentifier */
    const char *oid;                         /* of it; NULL: the right one */
    int is_not_critical, is_twice, is_short; /* the acmeIdentifier */
    int is_not_self_signed;                  /* another key's signature */
    int has_issuer;                          /* that is not the subject */
    int is_expired;
} proof_t;

#define PROOF(san, key, ...)                                                   \
    &(proof_t)                                                                 \
    {                                                                          \
        .names = (san), .key_authorization = (key), __VA_ARGS__                \
    }

/* Of key, which is P-256; freed by the caller. */
X509 *proof_make(const proof_t *proof, EVP_PKEY *key);

#endif
