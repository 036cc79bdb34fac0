/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_SELFTEST_NEED_H
#define CTL_SELFTEST_NEED_H

/* What rules stand on.  Each need is met once, and stands in ctl_test_t then;
 * 0: it cannot be, and the rule has been skipped, with the reason. */

#include "ctl/ctl_selftest_ask.h"

int ctl_need_account(ctl_test_t *t);
int ctl_need_other(ctl_test_t *t); /* a second one */
int ctl_need_order(ctl_test_t *t); /* t->order, t->authz */
int ctl_need_ready(ctl_test_t *t);
int ctl_need_proven(ctl_test_t *t); /* t->challenge, t->proven */
int ctl_need_cert(ctl_test_t *t);
/* The certificate of an order, and its chain (of X509 *), which is going to be
 * revoked; NULL: it has none. */
const ctl_answer_t *ctl_test_download(apr_array_header_t **chain, ctl_test_t *t,
                                      const ctl_answer_t *order);
/* A certificate for this new order, too; 0: none came of it. */
int ctl_test_issue(ctl_test_t *t, const ctl_answer_t *order);

/* newAccount's payload: terms, binding if we have one, and more (",…"). */
const char *ctl_test_account_payload(ctl_test_t *t, const ctl_signer_t *signer,
                                     const char *more);
/* An account was made, by a rule: it will be deactivated. */
void ctl_test_account_note(ctl_test_t *t, ctl_signer_t *signer,
                           const ctl_answer_t *answer);
/* newOrder for t->name; more members (",…"). */
const ctl_answer_t *ctl_test_order(ctl_test_t *t, const char *more);
/* newOrder with these members. */
const ctl_answer_t *ctl_test_order_of(ctl_test_t *t, const char *identifiers);
/* The i-th URL of the order's authorizations, NULL without. */
const char *ctl_test_authz_url(const ctl_answer_t *order, int i);
/* The challenge of this type of an authorization, NULL without. */
json_t *ctl_test_challenge(const ctl_answer_t *authz, const char *type);
/* DER of a request for these names (second may be NULL), and {"csr": …}. */
const unsigned char *ctl_test_request(apr_size_t *len, EVP_PKEY *key,
                                      const char *name, const char *second,
                                      apr_pool_t *pool);
const char *ctl_test_csr(ctl_test_t *t, EVP_PKEY *key, const char *name,
                         const char *second);
/* {"certificate": …, more}; NULL: OpenSSL cannot. */
const char *ctl_test_revocation(ctl_test_t *t, X509 *cert, const char *more);
/* The end: deactivates, revokes, removes. */
void ctl_test_tidy(ctl_test_t *t);

/* ctl_selftest_proof.c.  Either of them NULL or 0. */
ctl_exit_e ctl_proof_make(ctl_proof_t **proof, const char *webroot, int port,
                          apr_pool_t *pool) __attribute__((warn_unused_result));
/* 0: it cannot be put there. */
int ctl_proof_put(ctl_proof_t *proof, const char *token, const char *thumbprint,
                  apr_pool_t *pool);
void ctl_proof_end(ctl_proof_t *proof);

#endif
