/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_RESOLVE_H
#define DCV_RESOLVE_H

/*
 * Where names resolve to, and nothing else: for profiles whose names nobody
 * proves but whose networks are bound (pki.md, Network binding).  One name
 * after the other, in the time of one validation; all that is wrong is told at
 * once.  A name that does not resolve is a dns problem, one that resolves
 * elsewhere, be it with one address of many, rejectedIdentifier.
 */

#include "dcv/dcv_run.h"

extern const dcv_method_t dcv_resolve;

/* "the policy wants a.example to resolve to 10.9.0.0/16, fd00::/8" */
const char *dcv_resolve_bound_text(const dcv_bound_t *bound, apr_pool_t *pool);

#endif
