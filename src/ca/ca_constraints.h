/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_CONSTRAINTS_H
#define CA_CONSTRAINTS_H

/*
 * Name constraints (RFC 5280 4.2.1.10): made for an intermediate, read from the
 * certificates of a chain, and held against what a leaf would contain, so that
 * no leaf is signed that no verifier would take.
 */

#include "ca/ca_issue.h"

/* What an operator asks for, each of const char *, NULL for none: dns names
 * ("corp.example" and all below it), networks ("10.0.0.0/8", "fd00::/8"). */
typedef struct {
    const apr_array_header_t *permit_dns, *permit_ip;
    const apr_array_header_t *exclude_dns, *exclude_ip;
} ca_constraints_t;

/*
 * As an extension's value, NULL without any.  What permits names of one kind
 * only forbids the other kind, dns or ip, altogether.  A text that makes no
 * sense is a `malformed` problem that quotes it.
 */
problem_t *ca_constraints_make(NAME_CONSTRAINTS **value,
                               const ca_constraints_t *wish, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Those of all certificates of issuer->chain, into issuer->constraints. */
problem_t *ca_constraints_load(ca_issuer_t *issuer, const char *file,
                               apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* "permitted dns:corp.example; excluded ip:0.0.0.0/0", for people; "" without
 * any. */
const char *ca_constraints_text(const ca_issuer_t *issuer, apr_pool_t *pool);

/* Everything that a leaf with this subject would contain.  rejectedIdentifier
 * with one subproblem per refused identifier; badCSR for the rest. */
problem_t *ca_constraints_check(const ca_issuer_t *issuer,
                                const ca_request_t *request,
                                const X509_NAME *subject, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
