/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_SELFTEST_H
#define CTL_SELFTEST_H

/*
 * `acmectl selftest`: a client that asks a live ACME server what only a test
 * asks, and judges the answers by RFC 8555.  A rule is a row of a table in the
 * file of its topic: it sends requests (ctl_selftest_ask.h), and what it does
 * not like it says with ctl_test_fail(), with the answer that shows it.  What
 * it needs (an account, an order …) is made when the first rule needs it
 * (ctl_selftest_need.h), and is there for all that follow.
 *
 * It is polite: one request after the other, Retry-After honoured, and the
 * accounts that it made are deactivated at the end.
 */

#include <openssl/x509.h>

#include "ctl/ctl.h"

/* A request and what came back. */
typedef struct {
    const char *method, *url;
    const char *sent;    /* header and payload as text; NULL: nothing signed */
    int status;          /* 0: no answer */
    const char *failure; /* why not */
    apr_table_t *headers;
    const char *type; /* without parameters; "" if there is none */
    const char *body; /* "" if there is none */
    apr_size_t len;
    json_t *json;        /* NULL: it is none */
    const char *problem; /* "badNonce"; NULL: it is no problem of ACME's */
    const char *detail;  /* "" without */
    int is_apart;        /* of a URL that is not the server's to answer */
} ctl_answer_t;

typedef struct {
    EVP_PKEY *key;
    const char *jwk, *thumbprint;
    const char *kid; /* the account's URL; NULL: signs with its jwk */
    int is_gone;     /* deactivated */
} ctl_signer_t;

typedef struct ctl_proof_t ctl_proof_t;   /* ctl_selftest_proof.c */
typedef struct ctl_result_t ctl_result_t; /* ctl_selftest_report.c */

typedef struct {
    const ctl_t *ctl;
    apr_pool_t *pool;
    void *curl;
    int pause;    /* milliseconds before a request */
    int patience; /* seconds that may still be waited */
    const char *url;
    json_t *directory;
    const char *nonce; /* the last one that came; NULL: it is spent */
    const char *first_nonce;
    const char *eab_kid, *eab_key;
    const char *name; /* what orders are for */
    ctl_proof_t *proof;
    apr_array_header_t *answers;  /* of ctl_answer_t *: all that came */
    apr_array_header_t *accounts; /* of ctl_signer_t *: all that were made */
    apr_array_header_t *results;  /* of ctl_result_t * */
    ctl_result_t *result;         /* of the rule that runs */

    /* ctl_selftest_need.h */
    ctl_signer_t *account, *other;
    const ctl_answer_t *registered, *other_registered;
    const ctl_answer_t *order;      /* of newOrder, and nobody proves it */
    const ctl_answer_t *authz;      /* of it */
    const ctl_answer_t *first_read; /* of an order when all was proven */
    const ctl_answer_t *ready;      /* an order that is ready */
    const char *ready_url;          /* NULL: there is none (any more) */
    const ctl_answer_t *challenge;  /* to the POST that began a validation */
    const ctl_answer_t *proven; /* the authorization behind it, in the end */
    apr_time_t proving;         /* how long that took */
    EVP_PKEY *cert_key;
    const char *csr;               /* the payload of finalize */
    const ctl_answer_t *finalized; /* to the first finalize */
    const ctl_answer_t *valid;     /* the order in the end */
    const ctl_answer_t *cert;
    apr_array_header_t *chain;  /* of X509 *: its certificates */
    apr_array_header_t *issued; /* of X509 *: what has to be revoked */
    int is_revoked;             /* the first of them */
} ctl_test_t;

typedef struct {
    const char *ids;      /* "T24 R1"; NULL ends the table */
    const char *section;  /* "RFC 8555 7.2" */
    const char *sentence; /* what holds; or, without run, why nobody looks */
    void (*run)(ctl_test_t *t);
} ctl_rule_t;

/* In the order in which they run. */
extern const ctl_rule_t ctl_rules_transport[], ctl_rules_jws[],
    ctl_rules_nonce[], ctl_rules_directory[], ctl_rules_account[],
    ctl_rules_eab[], ctl_rules_order[], ctl_rules_authz[], ctl_rules_cert[],
    ctl_rules_renewal[], ctl_rules_revoke[], ctl_rules_deactivate[],
    ctl_rules_keychange[], ctl_rules_end[], ctl_rules_late[], ctl_rules_all[],
    ctl_rules_apart[];

/* ctl_selftest_report.c.  answer, if any, is shown with it. */
void ctl_test_fail(ctl_test_t *t, const ctl_answer_t *answer, const char *fmt,
                   ...) __attribute__((format(printf, 3, 4)));
/* Once skipped, or failed, it stays so. */
void ctl_test_skip(ctl_test_t *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Fails unless the answer has one of these statuses ("401 403", "4xx") and,
 * where problems are named ("malformed badCSR"), is one of these; what: what
 * was sent.  1: it is so. */
int ctl_test_is(ctl_test_t *t, const ctl_answer_t *answer, const char *statuses,
                const char *problems, const char *what);
void ctl_test_run(ctl_test_t *t, const ctl_rule_t *rule);
/* Prints all; what: lines about the end.  CTL_FINDINGS if any rule failed,
 * CTL_FAILED if most could not be looked at. */
ctl_exit_e ctl_test_report(ctl_test_t *t, int is_verbose);

#endif
