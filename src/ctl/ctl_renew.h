/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_RENEW_H
#define CTL_RENEW_H

/* `acmectl renew`, in parts. */

#include "ctl/ctl.h"
#include "store/store_renewal.h"

/* What is shown of a renewal; its selection is spread among the members. */
json_t *ctl_renew_render(const ctl_t *ctl, const store_renewal_t *renewal);

/* ctl_renew_pull.c: `renew` itself */
extern const ctl_option_t ctl_renew_options[];
ctl_exit_e ctl_renew_pull(ctl_t *ctl);

/* ctl_renew_key.c: --key; *spki NULL: every blocked one.  Before root has
 * become somebody else, since it may be a file. */
ctl_exit_e ctl_renew_key(const char **spki, const char *text, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
