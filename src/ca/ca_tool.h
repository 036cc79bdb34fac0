/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_TOOL_H
#define CA_TOOL_H

/*
 * What `acmectl ca` does to the directory of an issuer:
 *
 *     <n>.pem <n>.key   generation n, the newest usable of which signs
 *     <n>.csr           what an outside CA is asked to sign; <n>.key waits
 *     root.pem          our own root, if we made one
 *     root.crl          what the root has revoked
 *
 * Everything is made and checked in memory first, as the server will check it;
 * then the files are written, keys before certificates.  So what fails changes
 * nothing, and no file that exists is ever overwritten.
 *
 * Problems: `malformed` where what is asked for makes no sense; else internal
 * ones, APR_EINVAL where a certificate or key is refused.
 */

#include "base/log.h"
#include "ca/ca_constraints.h"
#include "ca/ca_list.h"

#define CA_TOOL_KEY_KINDS "P-256, P-384, RSA-2048, RSA-3072, RSA-4096, ED25519"

typedef struct {
    const char *dir;
    const char *name;             /* "Example Corp": of the common names; NULL
                                     where they follow what is there */
    const char *title;            /* csr: the name if nothing is there */
    const char *organization;     /* NULL: none, or as it is there */
    const char *key;              /* kind of the intermediate's (ca_key_make) */
    const char *root_key;         /* file; NULL: root.key in dir */
    apr_int64_t not_after;        /* of the intermediate; 0: 5 years */
    apr_int64_t root_not_after;   /* 0: 20 years */
    ca_constraints_t constraints; /* of the intermediate */
    int is_same_key;              /* renew: the key stays */
} ca_tool_wish_t;

/* What was made; NULL for what was not. */
typedef struct {
    int generation;
    const char *cert_file, *key_file;
    const char *csr_file, *csr_pem;
    const char *root_file, *root_key_file;
    ca_issuer_t *issuer;
} ca_tool_made_t;

/* A root and generation 1.  dir is made if its parent is there; what is refused
 * leaves nothing behind. */
problem_t *ca_tool_init(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                        apr_int64_t now, const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The next generation, signed by our own root.  What wish leaves open (key,
 * names, constraints) is as in the newest one. */
problem_t *ca_tool_renew(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                         apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The key of the next generation and the request for it.  What wish leaves open
 * is as in the newest one. */
problem_t *ca_tool_csr(ca_tool_made_t *made, const ca_tool_wish_t *wish,
                       const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* What an outside CA made of a request.  files (of const char *): the
 * certificate and its whole chain, the root too, in any order. */
problem_t *ca_tool_install(ca_tool_made_t *made, const char *dir,
                           const apr_array_header_t *files, apr_int64_t now,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The same, with a key that was made elsewhere and is copied. */
problem_t *ca_tool_import(ca_tool_made_t *made, const char *dir,
                          const char *key_file, const apr_array_header_t *files,
                          apr_int64_t now, const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The next list (ca_list.h) of what a CA above issuers has revoked. */
typedef struct {
    const char *cert_file, *key_file, *list_file;
    const apr_array_header_t *revoked; /* of const char *: files with
                                          certificates of intermediates */
    int reason;                        /* theirs; -1: none */
    apr_int64_t next_update;
} ca_tool_list_t;
problem_t *ca_tool_list(ca_list_t **list, const ca_tool_list_t *wish,
                        apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
