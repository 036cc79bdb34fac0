/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

/* ctl_policy.c shows policies, ctl_explain.c asks them, ctl_csr.c reads a CSR
 * for that. */

#include "ctl/ctl.h"

ctl_exit_e ctl_policy_explain(ctl_t *ctl);
/* The same by ctl's options, which may have --account, too; the code, and
 * *answer, NULL when there is none.  May open the database. */
ctl_exit_e ctl_policy_ask(json_t **answer, ctl_t *ctl)
    __attribute__((warn_unused_result));
/* Its problems and notes, for people. */
void ctl_policy_print(const json_t *answer);

typedef struct {
    const unsigned char *der;
    apr_size_t len;
    apr_array_header_t *names; /* of const char *: what an order for it would
                                  name; NULL: it is no CSR */
} ctl_csr_t;

/* From a file, PEM or DER.  What is wrong with it the policy says. */
ctl_exit_e ctl_csr_read(ctl_csr_t **csr, const char *file, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
