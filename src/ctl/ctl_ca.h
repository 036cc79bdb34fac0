/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CA_H
#define CTL_CA_H

/* What the commands of "ca" share. */

#include "ca/ca_tool.h"
#include "ctl/ctl.h"

/* Told to stderr.  CTL_USAGE: what was asked for makes no sense.
 * CTL_NOTFOUND: a file or directory is not there.  CTL_FINDINGS: a certificate
 * or key is refused, or something is there already.  Else CTL_FAILED. */
ctl_exit_e ctl_ca_problem(const problem_t *prob);

/* --issuer, or else what the directory's name makes of one. */
const char *ctl_ca_issuer_name(const ctl_t *ctl, const char *dir);

/* The absolute path; null when it is NULL. */
json_t *ctl_ca_path(const ctl_t *ctl, const char *path);

/* What was done to files, into the audit trail, if there is a server. */
void ctl_ca_audit(ctl_t *ctl, const char *kind, json_t *detail);

/* ctl_ca_crl.c */
ctl_exit_e ctl_ca_crl(ctl_t *ctl);
extern const ctl_option_t ctl_ca_crl_options[];

/* ctl_ca_show.c */
ctl_exit_e ctl_ca_list(ctl_t *ctl);
ctl_exit_e ctl_ca_show(ctl_t *ctl);

#endif
