/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_APART_H
#define CTL_APART_H

#include "ctl/ctl.h"

/* Call fn in a process of its own, which may become another user and have a
 * store while this one stays what it is. */
ctl_exit_e ctl_apart(ctl_t *ctl, ctl_exit_e (*fn)(ctl_t *, void *), void *baton)
    __attribute__((warn_unused_result));

#endif
