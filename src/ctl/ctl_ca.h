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

/* ctl_ca_show.c */
ctl_exit_e ctl_ca_list(ctl_t *ctl);
ctl_exit_e ctl_ca_show(ctl_t *ctl);

#endif
