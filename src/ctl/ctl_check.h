/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

/* `acmectl check`: could this name be validated?  ctl_check.c asks, one file
 * for each thing that is looked at; all is written into one answer. */

#include "ctl/ctl.h"
#include "store/store_account.h"

typedef struct {
    ctl_t *ctl;
    const acme_profile_t *profile;
    const identifier_t *identifier;
    const char *domain;             /* without "*." */
    const char *offered;            /* what the profile offers, by blanks */
    const store_account_t *account; /* NULL: none */
    apr_array_header_t *methods;    /* of const char *: to be tried */
    int is_every;                   /* they were named: all must work */
    int is_resolved;                /* there are addresses */
    int works;                      /* so many methods do */
    json_t *answer;
} ctl_check_t;

/* ctl_check_conf.c: the directives that validation goes by. */
json_t *ctl_check_conf(const dcv_conf_t *conf, apr_pool_t *pool);

/* ctl_check_name.c: resolver, addresses, and what the rules say to each. */
ctl_exit_e ctl_check_name(ctl_check_t *check)
    __attribute__((warn_unused_result));

/* ctl_check_method.c: each method by the server's own code, with a token that
 * no client knows; and the CAA records.  Counts what works. */
ctl_exit_e ctl_check_methods(ctl_check_t *check)
    __attribute__((warn_unused_result));

/* ctl_check_print.c */
void ctl_check_print(const ctl_check_t *check);

#endif
