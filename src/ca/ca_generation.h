/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_GENERATION_H
#define CA_GENERATION_H

/* The generations of an issuer in a directory: <prefix><n>.pem and .key. */

#include "base/log.h"
#include "ca/ca_issuer.h"

#define CA_GENERATION_MAX 9999

typedef struct {
    const char *dir, *prefix;    /* "issuing-", or "" */
    apr_array_header_t *numbers; /* of int: those that have a certificate,
                                    newest first */
    int last;                    /* the highest that has a file, 0 without */
    int unfinished;              /* … and a key only */
} ca_generations_t;

/* What there is.  A directory that cannot be read is a problem. */
problem_t *ca_generation_scan(ca_generations_t *found, const char *dir,
                              const char *prefix, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* suffix: ".pem", ".key", … */
const char *ca_generation_path(const ca_generations_t *found, int generation,
                               const char *suffix, apr_pool_t *pool);

/* With its key if that can be read, else as one that only publishes: fault then
 * says why (NULL when there is no key).  NULL if the certificate is no good,
 * with fault. */
ca_issuer_t *ca_generation_load(problem_t **fault,
                                const ca_generations_t *found, int generation,
                                const char *name, const log_t *log,
                                apr_pool_t *pool);

#endif
