/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_H
#define POLICY_H

/*
 * "Are we willing?"  A policy_t is made at configuration time (policy_make.h)
 * and const afterwards; every check is a pure function of its arguments and
 * says all that is wrong at once, as one problem with subproblems.
 *
 * Per attribute there are three lists of patterns (policy_pattern.h).  Deny
 * wins.  Where there is an allow or a require list, a value must match one of
 * either; each pattern of require needs at least one value that matches it.
 * Without any, CN, dns and ip follow the order's identifiers and everything
 * else is refused.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/problem.h"

typedef enum {
    POLICY_CN,
    POLICY_O,
    POLICY_OU,
    POLICY_C,
    POLICY_ST,
    POLICY_L,
    POLICY_DC,
    POLICY_DNS,
    POLICY_IP,
    POLICY_EMAIL,
    POLICY_URI,
    POLICY_ATTRIBUTE_COUNT
} policy_attribute_e;
#define POLICY_SUBJECT_COUNT (POLICY_DC + 1) /* CN to DC */

/* Key kinds, as bits. */
#define POLICY_KEY_P256    0x01u
#define POLICY_KEY_P384    0x02u
#define POLICY_KEY_P521    0x04u
#define POLICY_KEY_RSA     0x08u
#define POLICY_KEY_ED25519 0x10u

/* Signature algorithms, as bits: the digest, or Ed25519, which has its own. */
#define POLICY_SIGNATURE_SHA256  0x01u
#define POLICY_SIGNATURE_SHA384  0x02u
#define POLICY_SIGNATURE_SHA512  0x04u
#define POLICY_SIGNATURE_ED25519 0x08u

typedef struct {
    apr_array_header_t *allow, *require, *deny; /* of policy_pattern_t * */
} policy_rule_t;

typedef struct {
    const char *name;
    const char *preset;       /* what it began as */
    int is_touched;           /* something was said after the preset */
    int max_names;            /* identifiers in one order */
    unsigned int key_kinds;   /* of certificate keys */
    int rsa_min, rsa_max;     /* bits */
    unsigned int signatures;  /* of the CSR and of the certificate */
    apr_int64_t max_validity; /* seconds */
    policy_rule_t rules[POLICY_ATTRIBUTE_COUNT];
    /* X509v3_KU_*: what every leaf gets, what RSA leaves get on top, what a
     * CSR may ask for, what nobody gets. */
    unsigned int ku_require, ku_rsa, ku_allow, ku_deny;
    /* Of const char *, OpenSSL's short names ("serverAuth") or dotted OIDs.  A
     * CSR asks for the ignored ones in vain, since clients ask out of habit. */
    apr_array_header_t *eku_require, *eku_allow, *eku_deny, *eku_ignored;
    apr_array_header_t *networks; /* of policy_network_t * */
    int is_short_lived; /* RFC 9608: noRevAvail, no CRL or OCSP pointers */
    int needs_external_account; /* no challenge proves what it certifies: only
                                   with EAB required and validation off */
} policy_t;

/* "CN", "dns" … */
const char *policy_attribute_name(policy_attribute_e attribute);
/* In any case of letters; -1 for what is none. */
int policy_attribute_find(const char *name);

/* Is there a list of what is allowed, not only of what is not? */
int policy_rule_is_list(const policy_rule_t *rule);

/* X509v3_KU_* of "digitalSignature", in any case of letters; 0: none such. */
unsigned int policy_key_usage_find(const char *name);
/* "digitalSignature, keyEncipherment" */
const char *policy_key_usage_text(unsigned int usage, apr_pool_t *pool);

unsigned int policy_signature_find(const char *name); /* 0: none such */
/* "sha256, sha384" */
const char *policy_signatures_text(unsigned int signatures, apr_pool_t *pool);

/* "SHA512; allowed are: sha256, sha384": the reason why the policy does not
 * take a signature with this digest (OpenSSL's NID; NID_ED25519 is one here),
 * or NULL. */
const char *policy_signature_fault(const policy_t *policy, int digest,
                                   apr_pool_t *pool);

#endif
