/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_H
#define ACME_H

/*
 * The one door into the library: RFC 8555 as a function from request to
 * response, and the background work as claim, start, done (acme_work.h).
 * Nothing here knows httpd.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "acme/acme_conf.h"
#include "acme/acme_limit.h"
#include "acme/acme_nonce.h"
#include "base/clock.h"
#include "base/log.h"
#include "dcv/dcv.h"
#include "jose/jose_cache.h"
#include "store/store.h"
#include "store/store_job.h"

typedef struct acme_t acme_t;

/* What has become of a job that was held. */
typedef enum {
    ACME_HELD_PROVEN, /* it is over, and so is any other of its id */
    ACME_HELD_STORED, /* it goes on as a submitted one */
    ACME_HELD_LOST    /* it is not wanted; one of its id that was submitted
                         meanwhile is */
} acme_held_e;

/* What the process around the library does for it. */
typedef struct {
    /* A job was stored, leased to this process (acme->owner): run it now.  job
     * is copied.  Never blocks; when it cannot take the job, the lease's end
     * brings it back. */
    void (*submit)(void *baton, acme_t *acme, const store_job_t *job);
    /* Jobs of dead children may be lying about: have a look soon. */
    void (*wake)(void *baton);
    /* Wait until this job, submitted before, is done, at most timeout;
     * APR_TIMEUP when it is not, or when the queue is so long that waiting
     * would be a waste.  is_brief: nor when so many wait that there would be
     * too few threads for the others. */
    apr_status_t (*wait)(void *baton, const char *job_id,
                         apr_interval_time_t timeout, int is_brief);
    void *baton;
    /* One line of JSON, without its newline, for ACMEAuditLog; the event is in
     * the database already.  NULL: nobody wants it. */
    void (*audit)(void *baton, acme_t *acme, const char *line);
    /* An event was stored, which waits for acme_work_claim to chain it.  Never
     * blocks.  NULL: somebody else will. */
    void (*wrote)(void *baton);
    /* Run this on a background thread, and wait until it has run.  APR_TIMEUP:
     * it was not run, as there is more to do before it than can be done in this
     * time, or the process ends.  NULL: there are no such threads. */
    apr_status_t (*perform)(void *baton, acme_t *acme, void (*run)(void *),
                            void *arg, apr_interval_time_t patience);
    /* Start a validation whose job is not stored, and wait for its result;
     * *result is NULL when that takes longer than timeout.  *held then goes to
     * release.  A job of this id that is submitted before that waits for what
     * release says.  APR_TIMEUP: not started, for the reasons of a brief wait.
     * APR_EBUSY: one of this id is running.  NULL: nobody can. */
    apr_status_t (*hold)(void **held, const dcv_result_t **result, void *baton,
                         acme_t *acme, const store_job_t *job,
                         apr_interval_time_t timeout);
    void (*release)(void *baton, void *held, acme_held_e how);
} acme_host_t;

/* One ACME virtual host in one process.  Const after it is made, but for what
 * store, nonces and limits do inside. */
struct acme_t {
    const acme_conf_t *conf;
    store_t *store;
    acme_nonce_t *nonces;
    acme_limit_t *limits; /* NULL: nobody counts */
    const clock_source_t *clock;
    const log_t *log;
    const acme_host_t *host;
    const char *owner;          /* store_owner_make() of this process */
    apr_int64_t since;          /* it has had this conf since then */
    jose_cache_t *keys;         /* of accounts; NULL: none are kept */
    struct acme_ocsp_t *ocsp;   /* NULL: no OCSP is answered */
    struct acme_audit_t *audit; /* limits the events of refusals; NULL: there
                                   are none of these */
};

typedef struct {
    const char *method;       /* "GET" "HEAD" "POST" "OPTIONS" … */
    const char *path;         /* raw path as on the request line: no query,
                                 nothing decoded */
    const char *query;        /* raw, NULL without "?" */
    const char *content_type; /* NULL without */
    const char *user_agent;   /* NULL without */
    const char *accept;       /* NULL without */
    const char *body;         /* NULL without; NUL behind it */
    apr_size_t body_len;
    int is_body_too_large; /* more than ACME_BODY_MAX came: body is NULL */
    const char *client_ip;
    const char *user; /* whom httpd authenticated, NULL: nobody */
    const log_t *log; /* knows the request */
    apr_pool_t *pool; /* everything made for this request */
} acme_request_t;

#define ACME_BODY_MAX 65536

typedef struct {
    int status;
    const char *content_type; /* NULL: no body */
    apr_table_t *headers;     /* several of one name stay apart (T71) */
    const char *body;
    apr_size_t body_len;
    apr_file_t *file; /* instead of body, when that would be large */
    /* Of what is published: for conditional requests; NULL and 0 otherwise. */
    const char *etag;
    apr_int64_t modified; /* seconds since 1970; of what may change twice in a
                             second the next one, which nobody is told of
                             before it has come (RFC 9110 8.8.2) */
    /* For the access log; NULL when there is none. */
    const char *account; /* id */
    const char *order;   /* id */
    const char *problem; /* "badNonce" */
} acme_response_t;

/* Cannot fail: a problem becomes a response here, is logged here, once, and
 * gets its Replay-Nonce and Link index here.  res is zeroed memory. */
void acme_handle(acme_response_t *res, acme_t *acme, const acme_request_t *req);

/* The publication paths only (acme_publish.h), for plain-HTTP
 * virtual hosts that publish for an ACME one (pki.md, Issuers). */
void acme_publish_handle(acme_response_t *res, acme_t *acme,
                         const acme_request_t *req);

/* A problem of httpd's own making inside our URL space (401, 403, 405, 408, 413
 * of core and other modules) as a problem document with nonce and index link.
 * detail may be NULL. */
void acme_core_error(acme_response_t *res, acme_t *acme,
                     const acme_request_t *req, int status, const char *detail);

#endif
