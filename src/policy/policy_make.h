/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_MAKE_H
#define POLICY_MAKE_H

/*
 * How a policy comes to be: what the directives of <ACMEPolicy> call, and the
 * tests.  Each function returns NULL, or why its arguments make no sense and
 * what to do, without the directive's name: "\"foo\" is no key usage; choose
 * one of …".  A preset must come before everything else.  What is
 * added later is on top of the preset, and a deny takes away what it gave.
 */

#include <jansson.h>

#include "policy/policy.h"

/* The preset tls-server until told otherwise: names follow the order, EC, RSA
 * and Ed25519 keys, digitalSignature (keyEncipherment with RSA), serverAuth,
 * 100 names, 1 year. */
policy_t *policy_make(const char *name, apr_pool_t *pool);

/* tls-server tls-client tls-dual short-lived code-signing email */
const char *policy_preset_set(policy_t *policy, const char *preset,
                              apr_pool_t *pool);

/* type CN O OU C ST L DC, verb allow require deny; one pattern a call. */
const char *policy_subject_add(policy_t *policy, const char *type,
                               const char *verb, const char *pattern,
                               apr_pool_t *pool);
/* type dns ip email uri */
const char *policy_san_add(policy_t *policy, const char *type, const char *verb,
                           const char *pattern, apr_pool_t *pool);

/* words (of const char *) replace what was there: ec:P-256 ec:P-384 ec:P-521
 * rsa:2048-4096 rsa:3072 ed25519 */
const char *policy_key_set(policy_t *policy, const apr_array_header_t *words,
                           apr_pool_t *pool);
/* sha256 sha384 sha512 ed25519 */
const char *policy_signature_set(policy_t *policy,
                                 const apr_array_header_t *words,
                                 apr_pool_t *pool);
/* seconds */
const char *policy_max_validity_set(policy_t *policy, apr_int64_t seconds,
                                    apr_pool_t *pool);
const char *policy_max_names_set(policy_t *policy, int count, apr_pool_t *pool);

/* verb allow require deny; word digitalSignature … */
const char *policy_key_usage_add(policy_t *policy, const char *verb,
                                 const char *word, apr_pool_t *pool);
/* word serverAuth … or a dotted OID */
const char *policy_ext_key_usage_add(policy_t *policy, const char *verb,
                                     const char *word, apr_pool_t *pool);

/* pattern of dns names (or an ip network) and words (of const char *)
 * resolves-to=CIDR[,CIDR…] requested-from=CIDR[,CIDR…] */
const char *policy_network_add(policy_t *policy, const char *pattern,
                               const apr_array_header_t *words,
                               apr_pool_t *pool);

/* At the section's end: what does not fit together, as an array of const
 * char * ("reason; remedy"), empty when all is well. */
apr_array_header_t *policy_findings(const policy_t *policy, apr_pool_t *pool);

#endif
