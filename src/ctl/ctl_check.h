/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

/* `acmectl check`: could this name be validated?  ctl_check.c asks, one file
 * for each thing that is looked at; all is written into one answer. */

#include "ctl/ctl.h"
#include "dcv/dcv.h"
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
    int works;                      /* so many methods do, … */
    int doubtful;                   /* … and so many more, with a finding */
    json_t *answer;
} ctl_check_t;

/* A method, and what came of it. */
typedef struct {
    const char *type;
    const char *untried;             /* why it was not; NULL: it was */
    const dcv_survey_t *survey;      /* of those by DNS; else NULL */
    const dcv_result_t *proof, *caa; /* caa NULL: not looked at */
    const dcv_result_t *bound; /* of those by DNS: the policy's networks */
    const char *finding; /* what should be mended, in words; NULL: nothing */
    int is_hopeless;     /* the finding: nobody could prove it so */
} ctl_tried_t;

/* ctl_check_conf.c: the directives that validation goes by. */
json_t *ctl_check_conf(const dcv_conf_t *conf, apr_pool_t *pool);

/* ctl_check_name.c: resolver, addresses, and what the rules say to each. */
ctl_exit_e ctl_check_name(ctl_check_t *check)
    __attribute__((warn_unused_result));

/* ctl_check_job.c: what the server would do, with a token that no client knows;
 * and its look at CAA records, NULL where there is none.  Is it one that is
 * proven by TXT records, and is it about an account? */
dcv_job_t *ctl_check_job(const ctl_check_t *check, const char *type);
dcv_job_t *ctl_check_job_caa(const ctl_check_t *check, const char *type);
/* And where the policy wants a name to resolve to that is proven by DNS; NULL
 * where it does not matter. */
dcv_job_t *ctl_check_job_bound(const ctl_check_t *check, const char *type);
int ctl_check_is_dns(const char *type);
int ctl_check_is_account(const char *type);

/* ctl_check_method.c: each method by the server's own code.  Counts what
 * works. */
ctl_exit_e ctl_check_methods(ctl_check_t *check)
    __attribute__((warn_unused_result));

/* ctl_check_dns.c: is there a zone for the record, and do its servers have it?
 * Sets the finding.  render adds what was seen to the method's part. */
ctl_exit_e ctl_check_dns(ctl_tried_t *tried, ctl_check_t *check)
    __attribute__((warn_unused_result));
void ctl_check_dns_render(json_t *part, const ctl_tried_t *tried);

/* ctl_check_print.c */
void ctl_check_print(const ctl_check_t *check);

#endif
