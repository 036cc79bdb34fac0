/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CLIENT_H
#define ACME_CLIENT_H

/* What users of ACME clients type, or write into a configuration. */

#include <apr_pools.h>

typedef struct {
    const char *url;     /* of the directory */
    const char *kid;     /* of an external account; NULL: without one */
    const char *key;     /* its HMAC key, likewise */
    const char *name;    /* that the certificate is for */
    const char *profile; /* for names of files and the like */
} acme_client_values_t;

/* "certbot"; NULL: there are not so many. */
const char *acme_client_name(int n);

const char *acme_client_lines(int n, const acme_client_values_t *values,
                              apr_pool_t *pool);

/* template with each "{word}" of names in its place (pairs of "{word}" and
 * value, a NULL ends them).  What stands between '<' and '>' is left out unless
 * has_more. */
const char *acme_client_fill(const char *template, const char *const *names,
                             int has_more, apr_pool_t *pool);

#endif
