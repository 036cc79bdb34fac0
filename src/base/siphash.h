/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIPHASH_H
#define SIPHASH_H

/* SipHash-2-4: a hash for tables whose keys come from strangers.  Who does not
 * know the key cannot choose texts that meet. */

#include <apr.h>

apr_uint64_t siphash_make(const apr_uint64_t key[2], const void *data,
                          apr_size_t len);

#endif
