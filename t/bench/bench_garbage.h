/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_GARBAGE_H
#define BENCH_GARBAGE_H

/* Requests that are wrong in random places. */

#include "bench_acme.h"

/* One newAccount or newOrder, changed before or after it was signed.  NULL: the
 * answer is a refusal with a problem document; or, rarely, what was changed
 * does not matter. */
const char *bench_garbage(bench_acme_t *acme, unsigned int *seed);

#endif
