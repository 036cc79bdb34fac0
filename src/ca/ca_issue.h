/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_ISSUE_H
#define CA_ISSUE_H

/*
 * Sign a leaf.  The request is all the signer knows: approved values, never
 * a CSR.  Version 3; serial as given; subject CN or empty (SAN then critical);
 * SKI, AKI, CA:FALSE (critical), key usages (critical), extended key usages,
 * SAN; noRevAvail, AIA and CRL distribution point if wished; signature digest
 * fits the issuer's key.  Refused: what does not lie within the issuer's own
 * life, or not within the name constraints of its chain.
 *
 * The result is encoded, parsed again and compared with the request, and its
 * signature verified with the issuer's public key, before it is handed out.
 * Who wants an X509 of it parses der (which costs more than the signature).
 */

#include "ca/ca_issuer.h"

/* One attribute of a subject. */
typedef struct {
    const char *type;  /* OpenSSL's short name: "C" "ST" "L" "O" "OU" "DC" */
    const char *value; /* UTF-8 */
} ca_attribute_t;

typedef struct {
    const apr_array_header_t *identifiers; /* of identifier_t * */
    const apr_array_header_t *emails;      /* of const char *; NULL: none */
    const apr_array_header_t *uris;        /* of const char *; NULL: none */
    const apr_array_header_t *subject;     /* of ca_attribute_t *, in the order
                                              of the certificate, without the
                                              common name; NULL: none */
    const char *common_name; /* NULL: none; it comes last in the subject */
    EVP_PKEY *key;           /* the subscriber's public key */
    const char *serial;      /* 32 hex digits */
    apr_int64_t not_before, not_after;       /* seconds since 1970 */
    unsigned int key_usage;                  /* X509v3_KU_*, at least one */
    const apr_array_header_t *ext_key_usage; /* of const char * */
    int no_rev_avail; /* RFC 9608: it cannot be revoked, being short-lived */
    /* Where its issuer's certificate is, OCSP is answered, and the list of
     * what was revoked is; NULL: not said. */
    const char *issuer_url, *ocsp_url, *crl_url;
} ca_request_t;

typedef struct {
    const unsigned char *der;
    apr_size_t der_len;
    const char *sha256;      /* fingerprint, lower-case hex */
    const char *spki_sha256; /* lower-case hex */
} ca_cert_t;

/* What ca_issue would say of everything but the identifiers and the times:
 * names of the CSR that are not within the name constraints are badCSR. */
problem_t *ca_issue_names_check(const ca_issuer_t *issuer,
                                const ca_request_t *request, apr_pool_t *pool)
    __attribute__((warn_unused_result));

problem_t *ca_issue(ca_cert_t **cert, const ca_issuer_t *issuer,
                    const ca_request_t *request, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
