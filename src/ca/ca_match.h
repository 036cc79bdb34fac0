/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_MATCH_H
#define CA_MATCH_H

/* Is a name within the subtree that a name constraint speaks of?  RFC 5280
 * 4.2.1.10, and as strict as OpenSSL where that is stricter. */

#include <apr_pools.h>
#include <openssl/x509v3.h>

/* A name of a leaf. */
typedef struct {
    int kind;         /* GEN_DNS GEN_IPADD GEN_EMAIL GEN_URI GEN_DIRNAME */
    const char *text; /* but for GEN_DIRNAME */
    int octets_len;
    unsigned char octets[16]; /* of GEN_IPADD */
    const X509_NAME *subject; /* GEN_DIRNAME */
} ca_match_t;

/* 0 if text is no name of this kind, or one that verifiers do not agree on. */
int ca_match_init(ca_match_t *name, int kind, const char *text);

/* base and name are of the same kind.  A wildcard is permitted when all that it
 * stands for is, and excluded when anything is. */
int ca_match_permits(const GENERAL_NAME *base, const ca_match_t *name);
int ca_match_excludes(const GENERAL_NAME *base, const ca_match_t *name);

/* Would a verifier take this common name for a host's? */
int ca_match_is_host(const char *common_name);

/* "dns:corp.example", "ip:10.0.0.0/8", for people. */
const char *ca_match_text(const GENERAL_NAME *base, apr_pool_t *pool);

#endif
