/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_claim.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/acme_finalize.h"
#include "handle_quick.h"
#include "store/store_authz.h"
#include "store/store_cert.h"
#include "store/store_event.h"
#include "tap.h"

/* What is done at once, and what is not. */

typedef struct {
    client_t *c;
    quick_t *quick;
    reply_t *order;
    const char *csr, *other;
    EVP_PKEY *key; /* of csr */
} scene_t;

static void start(scene_t *s, apr_pool_t *pool)
{
    s->c = client_make(handle_make(tap_tmpdir(), pool), "P-256");
    client_register(s->c);
    s->order = client_ready(s->c, "a.test");
    s->key = key_make("P-256", pool);
    s->csr = csr_make(s->key, "a.test", NULL, pool);
    s->other = csr_make(key_make("P-256", pool), "a.test", NULL, pool);
    s->quick = handle_quick(s->c->h);
    apr_array_clear(s->c->h->jobs);
}

static int certs(const scene_t *s)
{
    apr_array_header_t *list;

    if (store_cert_list(&list, s->c->h->acme.store, NULL, NULL, 10,
                        s->c->h->pool) != APR_SUCCESS)
        return -1;
    return list->nelts;
}

static void is_status(const scene_t *s, const char *status)
{
    is_str(reply_text(client_post(s->c, s->order->location, ""), "status"),
           status);
}

/* Everything that is told in the end is in the order as the answer had it. */
static void at_once(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;
    int lines;

    start(&s, pool);
    s.c->h->conf->audit_log = "audit.log";
    lines = s.c->h->audit->nelts;
    r = client_finalize(s.c, s.order, s.csr);
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "valid");
    is_str(client_post(s.c, s.order->location, "")->body, r->body);
    is_int(client_post(s.c, reply_text(r, "certificate"), "")->status, 200);
    is_int(s.quick->performed, 1);
    is_int(s.c->h->jobs->nelts, 0);
    is_int(certs(&s), 1);
    need(s.c->h->audit->nelts == lines + 2);
    ok(strstr(APR_ARRAY_IDX(s.c->h->audit, lines, const char *),
              "\"order.finalize\""));
    ok(strstr(APR_ARRAY_IDX(s.c->h->audit, lines + 1, const char *),
              "\"cert.issue\""));
    r = client_finalize(s.c, s.order, s.csr);
    is_str(reply_text(r, "status"), "valid");
    is_int(client_finalize(s.c, s.order, s.other)->status, 403);
    is_int(certs(&s), 1);
}

static void finalize_first(void *baton)
{
    scene_t *s = baton;

    s->quick->before = NULL;
    is_str(reply_text(client_finalize(s->c, s->order, s->csr), "status"),
           "valid");
}

static void somebody_was_faster(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    s.quick->before = finalize_first;
    s.quick->baton = &s;
    r = client_finalize(s.c, s.order, s.other);
    is_int(r->status, 403);
    is_str(r->problem, "orderNotReady");
    is_int(certs(&s), 1);
}

static void the_same_was_faster(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    s.quick->before = finalize_first;
    s.quick->baton = &s;
    r = client_finalize(s.c, s.order, s.csr);
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "valid");
    is_int(certs(&s), 1);
}

static void authz_end(void *baton)
{
    scene_t *s = baton;

    is_int(client_post(s->c, reply_text(s->order, "authorizations/0"),
                       "{\"status\":\"deactivated\"}")
               ->status,
           200);
}

static void authz_gone(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    s.quick->before = authz_end;
    s.quick->baton = &s;
    r = client_finalize(s.c, s.order, s.csr);
    is_int(r->status, 403);
    is_int(certs(&s), 0);
}

static void key_block(void *baton)
{
    scene_t *s = baton;

    handle_block(s->c->h, s->key, "revoked as compromised");
}

static void blocked(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    s.quick->before = key_block;
    s.quick->baton = &s;
    r = client_finalize(s.c, s.order, s.csr);
    is_int(r->status, 400);
    is_str(r->problem, "badCSR");
    ok(strstr(r->detail, "compromised"), "%s", r->detail);
    is_status(&s, "ready");
    is_int(certs(&s), 0);
}

static void issuer_end(void *baton)
{
    scene_t *s = baton;

    handle_issuer(s->c->h)->set->issuer->key = NULL;
}

static void no_issuer(apr_pool_t *pool)
{
    scene_t s;
    EVP_PKEY *key;
    reply_t *r;

    start(&s, pool);
    key = handle_issuer(s.c->h)->set->issuer->key;
    s.quick->before = issuer_end;
    s.quick->baton = &s;
    r = client_finalize(s.c, s.order, s.csr);
    is_int(r->status, 503);
    is_str(r->problem, "serverInternal");
    is_status(&s, "ready");
    s.quick->before = NULL;
    handle_issuer(s.c->h)->set->issuer->key = key;
    is_str(reply_text(client_finalize(s.c, s.order, s.csr), "status"), "valid");
    is_int(certs(&s), 1);
}

static void database_away(void *baton)
{
    handle_database_away(baton);
}

static void away(apr_pool_t *pool)
{
    scene_t s;

    start(&s, pool);
    s.quick->before = database_away;
    s.quick->baton = s.c->h;
    is_int(client_finalize(s.c, s.order, s.csr)->status, 503);
    handle_database_back(s.c->h);
    s.quick->before = NULL;
    is_status(&s, "ready");
    is_str(reply_text(client_finalize(s.c, s.order, s.csr), "status"), "valid");
    is_int(certs(&s), 1);
}

static void full(apr_pool_t *pool)
{
    scene_t s;

    start(&s, pool);
    s.quick->is_full = 1;
    s.c->h->is_idle = 1;
    is_str(reply_text(client_finalize(s.c, s.order, s.csr), "status"),
           "processing");
    is_int(s.c->h->jobs->nelts, 1);
    handle_run(s.c->h, handle_job(s.c->h));
    is_status(&s, "valid");
}

const tap_case_t tap_cases[] = {
    {"T59 R12 R36 at once: no job, both events, the order as it stays",
     at_once},
    {"T60 somebody was faster, with another CSR: 403, one certificate",
     somebody_was_faster},
    {"T60 and with the same: the order", the_same_was_faster},
    {"T61 an authorization ends before it is signed", authz_gone},
    {"T58 the key is blocked before it is signed: the order stays ready",
     blocked},
    {"the issuer's key is gone: 503, and the order stays ready", no_issuer},
    {"so is the database", away},
    {"where there is too much to do, by a job", full},
    {NULL, NULL}};
