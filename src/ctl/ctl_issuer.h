/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_ISSUER_H
#define CTL_ISSUER_H

#include "ctl/ctl.h"

/* Load issuer's files as the server would at a start, but make none: its set,
 * or its problem, and of what kind that is (APR_EACCES: not ours to read). */
apr_status_t ctl_issuer_load(acme_issuer_t *issuer, const ctl_t *ctl);

#endif
