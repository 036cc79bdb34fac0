/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_challenge.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/acme_limit_check.h"
#include "handle_quick.h"
#include "store/store_authz.h"
#include "tap.h"

/* Validations that end while the client waits, and those that do not. */

typedef struct {
    client_t *c;
    quick_t *quick;
    const char *authz, *url;
} scene_t;

static void start(scene_t *s, apr_pool_t *pool)
{
    s->c = client_make(handle_make(tap_tmpdir(), pool), "P-256");
    client_register(s->c);
    s->authz = reply_text(client_order(s->c, "a.test"), "authorizations/0");
    s->url = reply_text(client_post(s->c, s->authz, ""), "challenges/0/url");
    s->c->h->conf->validation_wait = apr_time_from_sec(1);
    s->c->h->is_idle = 1;
    s->quick = handle_quick(s->c->h);
}

static int has_job(const scene_t *s)
{
    apr_array_header_t *jobs;

    /* Those of another process that has died: all. */
    if (store_job_claim(&jobs, s->c->h->acme.store, "x", 0, 10,
                        s->c->h->now + 1000, s->c->h->pool) != APR_SUCCESS)
        return -1;
    return jobs->nelts;
}

static void proven(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    r = client_post(s.c, s.url, "{}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "valid");
    ok(reply_text(r, "validated"));
    ok(!r->retry_after);
    is_str(client_post(s.c, s.url, "{}")->body, r->body);
    is_str(reply_text(client_post(s.c, s.authz, ""), "status"), "valid");
    is_int(s.quick->released[ACME_HELD_PROVEN], 1);
    is_int(s.quick->held, 1);
    is_int(has_job(&s), 0);
}

static void refused(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    s.c->h->conf->dcv->retry = 0;
    s.c->h->verdict =
        problem_make(pool, PROBLEM_UNAUTHORIZED, "it says something else");
    client_post(s.c, s.url, "{}");
    is_int(s.quick->released[ACME_HELD_STORED], 1);
    r = client_post(s.c, s.url, "");
    is_str(reply_text(r, "status"), "invalid");
    ok(strstr(r->body, "it says something else"));
    is_int(has_job(&s), 0);
}

static void slow(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    s.quick->is_slow = 1;
    r = client_post(s.c, s.url, "{}");
    is_str(reply_text(r, "status"), "processing");
    is_str(r->retry_after, "1");
    is_int(s.quick->released[ACME_HELD_STORED], 1);
    is_int(s.c->h->jobs->nelts, 1);
    handle_run(s.c->h, handle_job(s.c->h));
    is_str(reply_text(client_post(s.c, s.url, ""), "status"), "valid");
    is_int(has_job(&s), 0);
}

static void nothing_learned(apr_pool_t *pool)
{
    scene_t s;

    start(&s, pool);
    s.c->h->is_retryable = 1;
    is_str(reply_text(client_post(s.c, s.url, "{}"), "status"), "processing");
    is_int(s.quick->released[ACME_HELD_STORED], 1);
    is_int(has_job(&s), 1);
}

static void full(apr_pool_t *pool)
{
    scene_t s;

    start(&s, pool);
    s.quick->is_full = 1;
    is_str(reply_text(client_post(s.c, s.url, "{}"), "status"), "processing");
    is_int(s.c->h->jobs->nelts, 1);
    is_int(has_job(&s), 1);
}

/* What is answered is on disk, whatever becomes of the other request. */
static void taken(apr_pool_t *pool)
{
    scene_t s;
    reply_t *r;

    start(&s, pool);
    s.quick->is_taken = 1;
    r = client_post(s.c, s.url, "{}");
    is_int(r->status, 200);
    is_str(reply_text(r, "status"), "processing");
    is_str(r->retry_after, "1");
    is_int(s.c->h->jobs->nelts, 1);
    is_int(has_job(&s), 1);
}

static void taken_elsewhere(apr_pool_t *pool)
{
    scene_t s;
    acme_limit_held_t mark;

    start(&s, pool);
    need(acme_limit_hold(&mark, &s.c->h->acme, strrchr(s.authz, '/') + 1,
                         s.c->h->conf->validation_wait));
    is_str(reply_text(client_post(s.c, s.url, "{}"), "status"), "processing");
    is_int(s.quick->held, 0);
    is_int(has_job(&s), 1);
    acme_limit_unhold(&mark);
}

/* Whoever held it was killed. */
static void mark_over(apr_pool_t *pool)
{
    scene_t s;
    acme_limit_held_t mark;

    start(&s, pool);
    need(acme_limit_hold(&mark, &s.c->h->acme, strrchr(s.authz, '/') + 1,
                         s.c->h->conf->validation_wait));
    s.c->h->now += 1;
    is_str(reply_text(client_post(s.c, s.url, "{}"), "status"), "valid");
    is_int(s.quick->held, 1);
}

static void deactivate(void *baton)
{
    scene_t *s = baton;

    is_int(client_post(s->c, s->authz, "{\"status\":\"deactivated\"}")->status,
           200);
}

static void ended_meanwhile(apr_pool_t *pool)
{
    scene_t s;

    start(&s, pool);
    s.quick->before = deactivate;
    s.quick->baton = &s;
    is_int(client_post(s.c, s.url, "{}")->status, 200);
    is_str(reply_text(client_post(s.c, s.authz, ""), "status"), "deactivated");
    is_int(s.quick->released[ACME_HELD_LOST], 1);
    is_int(has_job(&s), 0);
}

/* By another process, which has its job stored. */
static void accept_elsewhere(void *baton)
{
    scene_t *s = baton;

    s->quick->before = NULL;
    s->quick->is_full = 1;
    is_str(reply_text(client_post(s->c, s->url, "{}"), "status"), "processing");
}

static void accepted_meanwhile(apr_pool_t *pool)
{
    scene_t s;

    start(&s, pool);
    s.quick->before = accept_elsewhere;
    s.quick->baton = &s;
    is_str(reply_text(client_post(s.c, s.url, "{}"), "status"), "valid");
    is_int(has_job(&s), 0);
    handle_run(s.c->h, handle_job(s.c->h));
    is_str(reply_text(client_post(s.c, s.authz, ""), "status"), "valid");
}

static void accepted_and_refused(apr_pool_t *pool)
{
    scene_t s;

    start(&s, pool);
    s.c->h->verdict =
        problem_make(pool, PROBLEM_UNAUTHORIZED, "it says something else");
    s.quick->before = accept_elsewhere;
    s.quick->baton = &s;
    is_str(reply_text(client_post(s.c, s.url, "{}"), "status"), "processing");
    is_int(s.quick->released[ACME_HELD_LOST], 1);
    is_int(has_job(&s), 1);
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
    is_int(client_post(s.c, s.url, "{}")->status, 503);
    is_int(s.quick->released[ACME_HELD_LOST], 1);
    handle_database_back(s.c->h);
    s.quick->before = NULL;
    is_str(reply_text(client_post(s.c, s.url, ""), "status"), "pending");
    is_str(reply_text(client_post(s.c, s.url, "{}"), "status"), "valid");
}

const tap_case_t tap_cases[] = {
    {"T63 R14 proven while the client waits: valid, and no job", proven},
    {"T66 R20 refused: by its job, which is stored then", refused},
    {"T63 not in time: processing, and its job goes on", slow},
    {"T66 nothing was learned: its job is tried again", nothing_learned},
    {"T63 too many wait: processing", full},
    {"T65 another request holds it: processing, and a job", taken},
    {"T65 another process holds it: processing, and a job", taken_elsewhere},
    {"T65 another process held it, and died: proven", mark_over},
    {"T68 deactivated meanwhile: it stays so", ended_meanwhile},
    {"T65 accepted meanwhile by another process: proven once",
     accepted_meanwhile},
    {"T65 the same, and refused here: by the job that is stored",
     accepted_and_refused},
    {"a database that is away: 503, and the challenge stays pending", away},
    {NULL, NULL}};
