/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROBLEM_H
#define PROBLEM_H

/*
 * The one error a client may see: an RFC 7807 problem document with the
 * types of RFC 8555 6.7.  A problem_t * that is NULL means success.
 *
 * A problem is made where its reason is known, with a sentence that the
 * client's operator can act on, and is returned upward untouched.  What only
 * our own operator may know (status, cause) travels inside it to the log line
 * that acme_handle() writes.  Everything is allocated in the pool given.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

#include "base/identifier.h"

/* symbol, URN suffix, default HTTP status: the only list of problem types.
 * RFC 8555 6.7, alreadyReplaced of RFC 9773, invalidProfile of
 * draft-ietf-acme-profiles. */
#define PROBLEM_TYPES(X)                                                       \
    X(ACCOUNT_DOES_NOT_EXIST, "accountDoesNotExist", 400)                      \
    X(ALREADY_REPLACED, "alreadyReplaced", 409)                                \
    X(ALREADY_REVOKED, "alreadyRevoked", 400)                                  \
    X(BAD_CSR, "badCSR", 400)                                                  \
    X(BAD_NONCE, "badNonce", 400)                                              \
    X(BAD_PUBLIC_KEY, "badPublicKey", 400)                                     \
    X(BAD_REVOCATION_REASON, "badRevocationReason", 400)                       \
    X(BAD_SIGNATURE_ALGORITHM, "badSignatureAlgorithm", 400)                   \
    X(CAA, "caa", 403)                                                         \
    X(COMPOUND, "compound", 400)                                               \
    X(CONNECTION, "connection", 400)                                           \
    X(DNS, "dns", 400)                                                         \
    X(EXTERNAL_ACCOUNT_REQUIRED, "externalAccountRequired", 403)               \
    X(INCORRECT_RESPONSE, "incorrectResponse", 403)                            \
    X(INVALID_CONTACT, "invalidContact", 400)                                  \
    X(INVALID_PROFILE, "invalidProfile", 400)                                  \
    X(MALFORMED, "malformed", 400)                                             \
    X(ORDER_NOT_READY, "orderNotReady", 403)                                   \
    X(RATE_LIMITED, "rateLimited", 429)                                        \
    X(REJECTED_IDENTIFIER, "rejectedIdentifier", 403)                          \
    X(SERVER_INTERNAL, "serverInternal", 500)                                  \
    X(TLS, "tls", 400)                                                         \
    X(UNAUTHORIZED, "unauthorized", 403)                                       \
    X(UNSUPPORTED_CONTACT, "unsupportedContact", 400)                          \
    X(UNSUPPORTED_IDENTIFIER, "unsupportedIdentifier", 400)                    \
    X(USER_ACTION_REQUIRED, "userActionRequired", 403)

typedef enum {
#define X(sym, urn, status) PROBLEM_##sym,
    PROBLEM_TYPES(X)
#undef X
        PROBLEM_TYPE_COUNT
} problem_type_e;

typedef struct problem_t problem_t;
struct problem_t {
    problem_type_e type;
    int status;                     /* HTTP status, the type's unless set */
    const char *detail;             /* for the client's operator */
    const identifier_t *identifier; /* only in subproblems (RFC 8555 6.7.1) */
    const char *identifier_type;    /* one that we do not have; NULL: its own */
    apr_array_header_t *subproblems; /* of problem_t *, NULL without */
    apr_array_header_t *algorithms;  /* of const char *, RFC 8555 6.2 */
    const char *instance;            /* URL, RFC 8555 7.3.3; NULL without */
    apr_table_t *headers;            /* extra response headers; NULL without */
    apr_status_t rv;                 /* internal: what the system said */
    const char *cause;               /* internal: for the log only */
};

/* A problem of this type with a printf-formatted detail. */
problem_t *problem_make(apr_pool_t *pool, problem_type_e type, const char *fmt,
                        ...)
    __attribute__((format(printf, 3, 4), warn_unused_result, returns_nonnull));

/* The system failed: serverInternal with a generic public detail; rv and the
 * formatted cause are for the log.  Status 503 with Retry-After when rv is one
 * of the store's "not now" (any status of the store is), i.e. always 503 here:
 * the client may come back. */
problem_t *problem_internal(apr_pool_t *pool, apr_status_t rv, const char *fmt,
                            ...)
    __attribute__((format(printf, 3, 4), warn_unused_result, returns_nonnull));

/* Add a response header (Retry-After, Allow, Link, Location) that goes with
 * the problem; several of one name are kept apart. */
void problem_header(problem_t *prob, apr_pool_t *pool, const char *name,
                    const char *value);

/* Append sub to parent's subproblems, about identifier (copied by reference,
 * may be NULL). */
void problem_sub_add(problem_t *parent, problem_t *sub,
                     const identifier_t *identifier, apr_pool_t *pool);

/* subs (of problem_t *) folded into one: NULL when empty, the problem itself
 * (without its identifier) when single, else a parent of their common type or
 * `compound`, whose detail counts and quotes them.  A failure of ours among
 * them gives the parent its 5xx status, headers, rv and cause. */
problem_t *problem_fold(apr_array_header_t *subs, apr_pool_t *pool);

const char *problem_urn(problem_type_e type);  /* "urn:ietf:…:badCSR" */
const char *problem_name(problem_type_e type); /* "badCSR" */

/* The document; members in the order detail, type, status, … since acme.sh
 * reads an embedded error by regular expression (R7).  New reference, tied to
 * pool. */
json_t *problem_render(const problem_t *prob, apr_pool_t *pool);

#endif
