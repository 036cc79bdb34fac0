/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_EXTENSION_H
#define CA_EXTENSION_H

/*
 * The extensions of RFC 5280 4.2 that we write, each from values, without
 * OpenSSL's configuration language.  All return 1, or 0 with OpenSSL's queue of
 * errors saying why.
 */

#include <apr_tables.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Octets of a key identifier that we make: RFC 7093 2 (1), the first 160 bits
 * of the SHA-256 of the key. */
#define CA_KEY_ID_LEN 20

/* The public key must be in place. */
int ca_ext_subject_key_add(X509 *cert);
/* The key identifier that issuer carries, or should carry. */
int ca_ext_authority_key_add(X509 *cert, X509 *issuer);
/* The same as a value, for lists; NULL if OpenSSL cannot. */
AUTHORITY_KEYID *ca_ext_authority_key_make(X509 *issuer);
/* is_ca 0: an empty sequence, the encoding of CA:FALSE; path_len -1: none. */
int ca_ext_basic_add(X509 *cert, int is_ca, int path_len);
/* X509v3_KU_* */
int ca_ext_key_usage_add(X509 *cert, unsigned int usage);
/* value NULL: no extension. */
int ca_ext_constraints_add(X509 *cert, NAME_CONSTRAINTS *value);
/* Names (of const char *): OpenSSL short names or dotted numbers.  None: no
 * extension. */
int ca_ext_key_purpose_add(X509 *cert, const apr_array_header_t *purposes);
/* Identifiers (of identifier_t *), e-mail addresses and URIs (of const char *;
 * NULL: none). */
int ca_ext_names_add(X509 *cert, const apr_array_header_t *identifiers,
                     const apr_array_header_t *emails,
                     const apr_array_header_t *uris, int critical);
/* RFC 5280 4.2.1.13, 4.2.2.1: where the list of what the issuer has revoked is;
 * where its certificate is and where it answers OCSP.  URL NULL: not said. */
int ca_ext_crl_url_add(X509 *cert, const char *url);
int ca_ext_access_add(X509 *cert, const char *issuer_url, const char *ocsp_url);
/* RFC 9608: noRevAvail. */
#define CA_EXT_NO_REV_AVAIL "2.5.29.56"
int ca_ext_no_rev_avail_add(X509 *cert);
/* RFC 6960 4.2.2.2.1 */
int ca_ext_ocsp_nocheck_add(X509 *cert);

#endif
