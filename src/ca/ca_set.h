/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_SET_H
#define CA_SET_H

/*
 * An issuer as it is configured: a list of generations (pki.md, Issuers).  The
 * newest usable one signs, all of them keep publishing.  Made at start by the
 * parent, const afterwards.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/log.h"
#include "ca/ca_list.h"

typedef struct {
    const char *name;                /* "automatic", "corp" */
    ca_issuer_t *issuer;             /* the newest usable generation: signs;
                                        NULL: the set only publishes */
    apr_array_header_t *generations; /* of ca_issuer_t *, newest first; those
                                        that have expired, too.  Each has its
                                        own alternate chains. */
    apr_array_header_t *roots;       /* of X509 *: every root once */
    const char *roots_pem;           /* the same */
    const ca_list_t *list;           /* of what one of them has revoked; NULL:
                                        none is in the directory */
    apr_array_header_t *warnings;    /* of const char *: what will go wrong,
                                        and what to do about it */
} ca_set_t;

/* certificate and key, or directory: generations <n>.pem and <n>.key, as
 * `acmectl ca` makes them. */
typedef struct {
    const char *certificate; /* PEM: certificate, then its chain */
    const char *key;
    const char *directory;
    const apr_array_header_t *alternates; /* of const char *: files, each with
                                             the certificates of another chain;
                                             NULL: none */
    apr_int64_t leaf_life; /* seconds of the longest default leaf: is a
                              warning due?  0: no */
} ca_set_files_t;

/*
 * Load and check.  What is wrong with a generation that is not needed is
 * logged; an issuer that cannot sign is a problem, whose cause names path,
 * reason and remedy, and a set that only publishes if there is a certificate to
 * be read, else NULL.  No file is made or changed.
 */
problem_t *ca_set_load(ca_set_t **set, const char *name,
                       const ca_set_files_t *files, apr_int64_t now,
                       const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Of generations (of ca_issuer_t *, newest first): which of them signs at now
 * (issuer is NULL if none does), their roots and root, if that is not NULL. */
ca_set_t *ca_set_make(const char *name, apr_array_header_t *generations,
                      X509 *root, apr_int64_t now, apr_pool_t *pool);

/* Whose certificate and chain stand for the set: what signs, else the newest;
 * NULL if it has roots only. */
const ca_issuer_t *ca_set_newest(const ca_set_t *set);

/* The generation with this fingerprint; NULL if it is not in the set. */
const ca_issuer_t *ca_set_generation(const ca_set_t *set,
                                     const char *fingerprint);

#endif
