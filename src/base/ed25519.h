/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ED25519_H
#define ED25519_H

#define ED25519_LEN 32

/* Is key[ED25519_LEN] one of the points of small order?  A signature by such a
 * "key" can be made without a private key (RFC 8032 8.9 on the cofactor). */
int ed25519_is_small_order(const unsigned char *key);

/* Is key[ED25519_LEN] a point of the curve, other than (0, 1) and (0, -1), and
 * written as RFC 8032 5.1.2 says? */
int ed25519_is_point(const unsigned char *key);

#endif
