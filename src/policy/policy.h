/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_H
#define POLICY_H

/*
 * "Are we willing?"  A policy_t is made at configuration time and const
 * afterwards; every check is a pure function of its arguments and says all
 * that is wrong at once, as one problem with subproblems.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/problem.h"

/* Key kinds, as bits. */
#define POLICY_KEY_P256    0x01u
#define POLICY_KEY_P384    0x02u
#define POLICY_KEY_P521    0x04u
#define POLICY_KEY_RSA     0x08u
#define POLICY_KEY_ED25519 0x10u

typedef struct {
    const char *name;
    int max_names;              /* identifiers in one order */
    unsigned int key_kinds;     /* of certificate keys */
    int rsa_min, rsa_max;       /* bits */
    apr_int64_t max_validity;   /* seconds */
    unsigned int key_usage;     /* X509v3_KU_* that every leaf gets … */
    unsigned int key_usage_rsa; /* … and that RSA leaves get on top */
    /* Of const char *, OpenSSL's short names ("serverAuth"): those that every
     * leaf gets, and those that a CSR may ask for in vain, since clients ask
     * out of habit. */
    apr_array_header_t *ext_key_usage;
    apr_array_header_t *ext_key_usage_ignored;
} policy_t;

/* The preset tls-server of pki.md: names follow the order, EC, RSA and Ed25519
 * keys, digitalSignature (keyEncipherment with RSA), serverAuth, 100 names, 1
 * year. */
policy_t *policy_preset_tls_server(apr_pool_t *pool);

#endif
