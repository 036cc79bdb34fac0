/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"

#include <openssl/crypto.h>

#include "base/banned.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): a type and a name */
#define X(kind, type, free_fn)                                                 \
    static apr_status_t kind##_cleanup(void *object)                           \
    {                                                                          \
        free_fn(object);                                                       \
        return APR_SUCCESS;                                                    \
    }                                                                          \
    type *own_##kind(apr_pool_t *pool, type *object)                           \
    {                                                                          \
        if (object)                                                            \
            apr_pool_cleanup_register(pool, object, kind##_cleanup,            \
                                      apr_pool_cleanup_null);                  \
        return object;                                                         \
    }
OWN_KINDS(X)
#undef X
/* NOLINTEND(bugprone-macro-parentheses) */

typedef struct {
    void *mem;
    apr_size_t len;
} secret_t;

static apr_status_t secret_cleanup(void *data)
{
    secret_t *secret = data;

    OPENSSL_cleanse(secret->mem, secret->len);
    return APR_SUCCESS;
}

void own_cleanse(apr_pool_t *pool, void *mem, apr_size_t len)
{
    secret_t *secret = apr_palloc(pool, sizeof(*secret));

    secret->mem = mem;
    secret->len = len;
    apr_pool_cleanup_register(pool, secret, secret_cleanup,
                              apr_pool_cleanup_null);
}
