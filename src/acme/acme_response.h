/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_RESPONSE_H
#define ACME_RESPONSE_H

/*
 * Filling an acme_response_t.  Replay-Nonce and Link index are acme_handle's
 * business, nobody else's.  Strings are borrowed: literals, or made in the
 * request's pool.
 */

#include "acme/acme.h"
#include "base/problem.h"

/* application/json, compact; json belongs to the pool (own_json). */
void acme_response_json(acme_response_t *res, int status, const json_t *json,
                        apr_pool_t *pool);

void acme_response_body(acme_response_t *res, int status,
                        const char *content_type, const char *body,
                        apr_size_t len);

/* Added, never merged: several of one name stay apart (T71, H3). */
void acme_response_header(acme_response_t *res, const char *name,
                          const char *value);

/* Link: <url>;rel="rel" (the quotes matter: lego, T71) */
void acme_response_link(acme_response_t *res, const char *url, const char *rel,
                        apr_pool_t *pool);

/* Location, once (R10). */
void acme_response_location(acme_response_t *res, const char *url);

/* Whole seconds, between 1 and 600 (R19). */
void acme_response_retry_after(acme_response_t *res, apr_int64_t seconds,
                               apr_pool_t *pool);

/* The problem document with its headers, whatever was in res before. */
void acme_response_problem(acme_response_t *res, const problem_t *prob,
                           apr_pool_t *pool);

/* JSON that we stored ourselves (a contact list, an order's error) as a new
 * reference to put into an answer; NULL for NULL, and for what is no JSON. */
json_t *acme_response_stored(const char *text);

/* object[name] = value unless value is NULL; keeps insertion order. */
void acme_response_set_string(json_t *object, const char *name,
                              const char *value);

/* object[name] = RFC 3339 of seconds unless they are 0 (none). */
void acme_response_set_time(json_t *object, const char *name,
                            apr_int64_t seconds, apr_pool_t *pool);

#endif
