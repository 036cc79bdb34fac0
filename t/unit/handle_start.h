/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_START_H
#define HANDLE_START_H

#include "handle.h"
#include "tap.h"

/* A registered client with a key of this kind, of a new handle. */
static inline client_t *client_start(const char *spec, apr_pool_t *pool)
{
    client_t *c = client_make(handle_make(tap_tmpdir(), pool), spec);

    client_register(c);
    return c;
}

#endif
