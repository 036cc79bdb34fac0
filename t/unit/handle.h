/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_H
#define HANDLE_H

/*
 * acme_handle without a server, for unit tests and the fuzzer: an acme_t on a
 * fresh database and a CA in a directory, nonces in memory, a clock that stands
 * still, and a host that runs jobs at once, on the caller's thread.  Clients
 * sign with jose_sign.
 *
 *     handle_t *h = handle_make(tap_tmpdir(), pool);
 *     client_t *c = client_make(h, "P-256");
 *     reply_t *r = client_register(c);
 *     r = client_post(c, handle_url(h, "new-order"), "{…}");
 *     is_int(r->status, 201);
 *     is_str(reply_text(r, "identifiers/0/value"), "a.test");
 *
 * What must not fail on the way aborts the program.
 */

#include "acme/acme.h"
#include "acme/acme_work.h"

#define HANDLE_NOW  APR_INT64_C(1790000000) /* 2026-09-21T14:13:20Z */
#define HANDLE_BASE "https://ca.example"

typedef struct {
    apr_pool_t *pool;
    const char *dir;
    acme_conf_t *conf; /* may be changed by the test */
    acme_t acme;
    apr_int64_t now; /* the clock; the test moves it */
    void *limits;    /* what acme_limit counts in */

    /* The host. */
    int is_idle;              /* jobs stay where they are put … */
    apr_array_header_t *jobs; /* … of store_job_t *: all that were submitted */
    const char *done_id;      /* of the job that ran last */
    int wakes;
    apr_array_header_t *audit; /* of const char *: lines of the audit log */
    /* What validations find, in the order of submission; NULL: proven. */
    problem_t *verdict;
    int is_retryable;

    const char *log_tag, *log_text; /* last message at info or above */
    log_level_e log_level;
} handle_t;

typedef struct {
    handle_t *h;
    EVP_PKEY *key;
    const char *jwk, *thumbprint;
    const char *kid;  /* the account's URL; NULL: signs with its jwk */
    const char *ip;   /* where it is; "192.0.2.1" */
    const char *user; /* whom httpd authenticated; NULL: nobody */
} client_t;

typedef struct {
    int status;
    const char *type, *body; /* content type, NULL without; body, "" without */
    const char *problem;     /* "badNonce"; NULL: none */
    const char *detail;      /* of the problem, "" without */
    const char *location, *nonce, *retry_after; /* headers, NULL without */
    json_t *json;                               /* body, if it is JSON */
    acme_response_t res;
    apr_pool_t *pool;
} reply_t;

/* What is wrong with the next signed request; NULL members are right. */
typedef struct {
    const char *nonce;  /* "": none */
    const char *url;    /* in the protected header, "": none */
    const char *signer; /* members instead of jwk or kid: "\"kid\":\"x\"" */
    const char *more;   /* further members: ",\"crit\":[]" */
    const char *alg;
    const char *content_type;
    const char *body; /* the whole of it */
    const char *query;
    const char *accept; /* that header */
} twist_t;

/* In dir/db-<n>.sqlite (a new one each time) and dir/ca (shared). */
handle_t *handle_make(const char *dir, apr_pool_t *pool);
/* Another process on the same database: jobs, nonces, host, pool of its own. */
handle_t *handle_twin(const handle_t *h, const char *owner, apr_pool_t *pool);
/* Another thread of the same process: only its host and its pool are its own.
 */
handle_t *handle_thread(const handle_t *h, apr_pool_t *pool);
client_t *client_twin(const client_t *c, handle_t *twin);
/* A store whose database cannot be opened, and the good one again. */
void handle_database_away(handle_t *h);
void handle_database_back(handle_t *h);

/* The automatic one. */
acme_issuer_t *handle_issuer(const handle_t *h);
/* "<base>/acme/<rest>" */
const char *handle_url(const handle_t *h, const char *rest);
const char *handle_nonce(handle_t *h);
/* No account and no certificate may have this key any more. */
void handle_block(handle_t *h, EVP_PKEY *key, const char *reason);
/* Unsigned; url may hold a query.  method "GET" … */
reply_t *handle_request(handle_t *h, const char *method, const char *url);
/* GET with this Accept header. */
reply_t *handle_get(handle_t *h, const char *url, const char *accept);
reply_t *handle_raw(handle_t *h, const acme_request_t *req);
/* Run the last submitted job, or this one, as a worker would: a validation ends
 * with h->verdict. */
void handle_run(handle_t *h, const store_job_t *job);
const store_job_t *handle_job(const handle_t *h); /* the last one submitted */

/* spec as in ca_key_make: "P-256" "RSA-2048" "ED25519" */
client_t *client_make(handle_t *h, const char *spec);
/* payload "" is POST-as-GET. */
reply_t *client_post(client_t *c, const char *url, const char *payload);
reply_t *client_twisted(client_t *c, const char *url, const char *payload,
                        const twist_t *twist);
/* The body that client_post would send. */
const char *client_sign(client_t *c, const char *url, const char *payload,
                        const twist_t *twist);
reply_t *client_register(client_t *c); /* then the client signs with its kid */
/* names: "a.test b.test" */
reply_t *client_order(client_t *c, const char *names);
/* Answers a challenge of each authorization of this order. */
void client_authorize(client_t *c, const reply_t *order);
/* An order that is ready, its last reading. */
reply_t *client_ready(client_t *c, const char *names);
reply_t *client_finalize(client_t *c, const reply_t *order, const char *csr);

/* base64url of a CSR; names "a.test b.test" are its SANs, cn may be NULL. */
const char *csr_make(EVP_PKEY *key, const char *names, const char *cn,
                     apr_pool_t *pool);
/* {"csr": …} */
const char *csr_payload(const char *csr, apr_pool_t *pool);
EVP_PKEY *key_make(const char *spec, apr_pool_t *pool);

/* The string, number or boolean at "identifiers/0/value", as text; NULL: there
 * is none. */
const char *reply_text(const reply_t *r, const char *path);
/* Members of the array or object at path, -1: there is none. */
int reply_count(const reply_t *r, const char *path);
/* The n-th header of this name, NULL: there is none. */
const char *reply_header(const reply_t *r, const char *name, int n);
/* Is there Link: <url>;rel="rel"? */
int reply_has_link(const reply_t *r, const char *url, const char *rel);
/* The certificates of a PEM body (of X509 *). */
apr_array_header_t *reply_certs(const reply_t *r);

#endif
