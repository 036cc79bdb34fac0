/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_NONCE_H
#define ACME_NONCE_H

/*
 * Anti-replay nonces (RFC 8555 6.5) over a memory region that the caller gives,
 * shared by all processes that serve the same directories.
 *
 * The region is a counter and N slots of 64 bits.  Issuing takes the next slot
 * round-robin and stores an unguessable non-zero value; redeeming compares and
 * swaps it to zero.  So: constant time, no lock, no allocation, exactly once
 * under any concurrency, memory fixed.  A nonce lives until its slot comes
 * round again, N issues later.
 *
 * Text: base64url of slot number and value, 12 octets → 16 characters, no
 * padding, no stray bits (R3).
 */

#include <apr_pools.h>

#define ACME_NONCE_LEN 16

typedef struct acme_nonce_t acme_nonce_t;

/* Octets of memory for this many slots. */
apr_size_t acme_nonce_size(apr_uint32_t slots);

/* Attach to a region, 8-byte aligned; zeroed memory is a valid empty one.
 * Each process makes its own handle. */
acme_nonce_t *acme_nonce_attach(void *region, apr_uint32_t slots,
                                apr_pool_t *pool);

/* text[ACME_NONCE_LEN + 1] */
void acme_nonce_issue(acme_nonce_t *nonces, char *text);

/* 1: was good and is now spent.  0: not ours, spent, or overrun. */
int acme_nonce_redeem(acme_nonce_t *nonces, const char *text);

/* Move every outstanding nonce from one region to another (a graceful
 * restart): each is atomically taken out of `from`, so it stays redeemable
 * exactly once.  `to` may have another number of slots; nonces whose slot
 * number does not fit are lost.  What `to` has in other slots stays.  From now
 * on whoever has `from` and follows an older region issues there. */
void acme_nonce_move(acme_nonce_t *to, acme_nonce_t *from);

/* Redeem from older, too: a region to which those of the generation before were
 * moved, shared by the processes of both.  An unused region goes on counting
 * where older stopped, so that its nonces get other slots.  older has at least
 * twice as many slots: in the second half are those that the processes of a
 * region issue after it was moved, so that the next generation knows them. */
void acme_nonce_follow(acme_nonce_t *nonces, acme_nonce_t *older);

#endif
