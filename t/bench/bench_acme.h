/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ACME_H
#define BENCH_ACME_H

/*
 * A small ACME client for the load generator: one per worker thread, libcurl
 * for HTTP, the library's jose_sign for JWS.  Not a test of the server's JWS
 * code (t/lib signs with the openssl command); it only has to be fast.
 *
 * Every function returns NULL, or a sentence that says what went wrong.
 */

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/evp.h>

#include <apr_pools.h>

typedef struct {
    CURL *curl;
    apr_pool_t *pool; /* cleared between flows */
    const char *new_nonce, *new_account, *new_order, *revoke_cert;
    const char *renewal_info; /* NULL when there is none */
    EVP_PKEY *key;            /* the account's */
    const char *kid;          /* NULL before newAccount */
    char nonce[128];          /* "" when there is none at hand */
    /* the last answer */
    long status;
    const char *location;
    const char *body;
    json_t *json; /* NULL when it was no JSON */
    int is_cut;   /* the server closed a kept-alive connection */
    int is_late;  /* there was no answer in time */
    int sturdy;   /* seconds to try again after no answer or a 503; 0: never */
    /* counters of the worker's whole life */
    long requests, bad_nonces, cuts;
} bench_acme_t;

/* directory_url is fetched; ca_file may be NULL (no verification). lifetime
 * outlives the flows. */
const char *bench_acme_init(bench_acme_t *acme, const char *directory_url,
                            const char *ca_file, apr_pool_t *lifetime);
void bench_acme_done(bench_acme_t *acme);

/* Forget the last flow: pool cleared, a new account key unless keep_account. */
void bench_acme_reset(bench_acme_t *acme, int keep_account);
/* Do not reuse the connection for what follows. */
void bench_acme_disconnect(bench_acme_t *acme);
/* Connections come from this address. */
void bench_acme_from(bench_acme_t *acme, const char *address);

/* Some times more when the server closes the connection. */
const char *bench_acme_get(bench_acme_t *acme, const char *url, int head);
/* payload NULL: POST-as-GET.  badNonce is retried, and so are connections that
 * the server closed. */
const char *bench_acme_post(bench_acme_t *acme, const char *url,
                            const char *payload);

/* These octets, once, or once more after the server closed the connection. */
const char *bench_acme_post_raw(bench_acme_t *acme, const char *url,
                                const char *body, apr_size_t len);

/* The pieces of a flow. */
const char *bench_acme_register(bench_acme_t *acme);
/* replaces: the certificate's name of RFC 9773, or NULL. */
const char *bench_acme_order(bench_acme_t *acme, const char *const *names,
                             int n_names, const char *replaces,
                             const char **order_url, json_t **order);
/* The challenge of this type, of the authorization in the last answer; NULL:
 * there is none. */
json_t *bench_acme_challenge(const bench_acme_t *acme, const char *type);
/* Proves every authorization of the order by HTTP-01 (bench_responder); or has
 * their validations started only. */
const char *bench_acme_prove(bench_acme_t *acme, json_t *order, int wait);
/* CSR with a new key of this kind ("P-256", "RSA-2048"), finalize, wait,
 * download: *pem gets the chain. */
const char *bench_acme_finalize(bench_acme_t *acme, const char *order_url,
                                json_t *order, const char *const *names,
                                int n_names, EVP_PKEY *cert_key,
                                const char **pem);

#endif
