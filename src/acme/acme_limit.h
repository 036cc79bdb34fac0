/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_LIMIT_H
#define ACME_LIMIT_H

/*
 * Counters of rate limits over a memory region that the caller gives, shared by
 * all processes that serve the same directories, as acme_nonce's is.
 *
 * "N in TIME" is kept as one moment (the generic cell rate algorithm): whoever
 * has done nothing for TIME may do N at once, and then one every TIME/N.  So a
 * counter is 64 bits, for any N and TIME, and one that is at rest needs none: a
 * slot whose moment is past is free.  A key is hashed to a bucket of eight
 * slots, one cache line.  When all eight are in use the one that is free next
 * goes: what is lost is lost in favour of the client.
 *
 * Constant time, no lock, no allocation, memory fixed.  What N and TIME are is
 * part of the key, so another configuration begins with new counters.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "acme/acme_limit_rule.h"

typedef struct acme_limit_t acme_limit_t;

/* Octets of memory for this many slots, a multiple of 8. */
apr_size_t acme_limit_size(apr_uint32_t slots);

/* Once for a region of zeroed memory, 64-byte aligned, before anybody else has
 * it. */
void acme_limit_init(void *region, apr_time_t now);

/* Each process makes its own handle. */
acme_limit_t *acme_limit_attach(void *region, apr_uint32_t slots,
                                apr_pool_t *pool);

/* What is counted: the limit, the virtual host, whose it is, of what (NULL:
 * nothing more). */
typedef apr_uint64_t acme_limit_key_t;
acme_limit_key_t acme_limit_key(const acme_limit_t *limits, acme_limit_e limit,
                                const acme_limit_rule_t *rule,
                                const char *scope, const char *subject,
                                const char *detail);

/* One more, if that is possible now: 0.  Else how long it is not. */
apr_interval_time_t acme_limit_spend(acme_limit_t *limits, acme_limit_key_t key,
                                     const acme_limit_rule_t *rule,
                                     apr_time_t now);

/* The same without doing it. */
apr_interval_time_t acme_limit_look(acme_limit_t *limits, acme_limit_key_t key,
                                    const acme_limit_rule_t *rule,
                                    apr_time_t now);

/* One that was spent was not used after all. */
void acme_limit_refund(acme_limit_t *limits, acme_limit_key_t key,
                       const acme_limit_rule_t *rule, apr_time_t now);

#endif
