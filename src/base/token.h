/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOKEN_H
#define TOKEN_H

/* Unguessable strings from RAND_bytes.  A machine without random numbers is
 * no CA: RAND_bytes failing aborts the process. */

#include <apr_pools.h>
#include <apr_time.h>

/* Fill buf with len random octets. */
void token_bytes(unsigned char *buf, apr_size_t len);

/* base64url text of len random octets (RFC 8555 8.1 wants at least 16). */
const char *token_make(apr_size_t len, apr_pool_t *pool);

/* An object id for URLs and primary keys: 22 letters of base64url's, for 4
 * octets of time and 12 random ones.  Ids sort by their time, so a list by id
 * is one by age, and inserting costs the same at a million rows; the 96 random
 * bits make it unguessable (T29). */
const char *token_id(apr_time_t now, apr_pool_t *pool);
#define TOKEN_ID_LEN 22

/* Is text (of a URL) shaped like a token_id? */
int token_id_ok(const char *text);

/* A certificate serial number (RFC 5280 4.1.2.2): 126 random bits behind 01, as
 * 32 lower-case hex digits.  So all of them are positive and 16 octets long in
 * DER, and none has zeros in front that a client may lose. */
const char *token_serial(apr_pool_t *pool);

#endif
