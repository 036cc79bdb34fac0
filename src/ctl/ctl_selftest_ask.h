/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_SELFTEST_ASK_H
#define CTL_SELFTEST_ASK_H

/* What the self-test sends: HTTP by libcurl, JWS by jose_sign, right or wrong
 * in one way. */

#include "ctl/ctl_selftest.h"

/* What is wrong with a signed request; what is NULL is right, and "" is left
 * out. */
typedef struct {
    const char *alg, *nonce, *url;
    const char *signer; /* instead of jwk or kid: "\"kid\":\"x\"" */
    const char *more;   /* further members: ",\"crit\":[]" */
    const char *type;   /* the media type */
    /* Change the JWS; a body to be sent instead of it, or NULL. */
    const char *(*alter)(json_t *jws, apr_pool_t *pool);
} ctl_twist_t;

/* ctl_selftest_http.c */

/* The connection and the directory.  CTL_NOTFOUND: there is no ACME server. */
ctl_exit_e ctl_test_open(ctl_test_t *t) __attribute__((warn_unused_result));
/* Unsigned, type and body may be NULL; sent is for the report. */
ctl_answer_t *ctl_test_send(ctl_test_t *t, const char *method, const char *url,
                            const char *type, const char *body,
                            const char *sent);
ctl_answer_t *ctl_test_get(ctl_test_t *t, const char *url);
/* As long as it says, or a second; 0: we have waited enough in all. */
int ctl_test_wait(ctl_test_t *t, const ctl_answer_t *answer);

/* ctl_selftest_answer.c */

/* Fill what the body tells. */
void ctl_test_parse(ctl_test_t *t, ctl_answer_t *answer);
/* A header, NULL without; how many there are of it. */
const char *ctl_test_header(const ctl_answer_t *answer, const char *name);
int ctl_test_headers(const ctl_answer_t *answer, const char *name);
/* URLs of Link headers with this relation, of const char *. */
apr_array_header_t *ctl_test_links(const ctl_answer_t *answer, const char *rel,
                                   apr_pool_t *pool);
/* A string member of its JSON, "" without. */
const char *ctl_test_text(const ctl_answer_t *answer, const char *name);
/* The URL that the directory has for it, NULL without. */
const char *ctl_test_resource(const ctl_test_t *t, const char *name);
/* Of the directory, NULL without. */
json_t *ctl_test_meta(const ctl_test_t *t, const char *name);

/* ctl_selftest_jws.c */

ctl_signer_t *ctl_test_signer(ctl_test_t *t, const char *spec);
/* What was not spent yet. */
const char *ctl_test_nonce(ctl_test_t *t);
/* payload "" is POST-as-GET.  What is refused for its nonce, or for now, is
 * sent again, unless its nonce is twisted. */
ctl_answer_t *ctl_test_twisted(ctl_test_t *t, const ctl_signer_t *signer,
                               const char *url, const char *payload,
                               const ctl_twist_t *twist);
ctl_answer_t *ctl_test_post(ctl_test_t *t, const ctl_signer_t *signer,
                            const char *url, const char *payload);
/* An externalAccountBinding of this key, wrong in some way; key NULL: the one
 * of --eab-key. */
const char *ctl_test_binding(ctl_test_t *t, const ctl_signer_t *signer,
                             const char *key, const ctl_twist_t *twist);

#endif
