/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CUT_H
#define STORE_CUT_H

/* Where the audit trail begins.  For store/ only. */

#include "store/store_prune.h"

/* Cut off what happened before this time and is chained; *count says how many
 * rows went, or would. */
apr_status_t store_cut(apr_int64_t *count, store_t *store,
                       const store_prune_t *prune, apr_int64_t before,
                       apr_pool_t *pool) __attribute__((warn_unused_result));

/* The detail of the event that tells of a cut behind this row. */
const char *store_cut_detail(apr_int64_t cut_id, const char *cut_hash,
                             apr_pool_t *pool);

#endif
