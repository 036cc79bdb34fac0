/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_TLS_H
#define DCV_TLS_H

/*
 * One TLS handshake with one address, which offers the protocol "acme-tls/1"
 * and nothing else (RFC 8737 3); nothing is said after it.  The peer's octets
 * come in small pieces and are limited: neither a slow nor a fast one costs the
 * others.  Used by the loop's thread only.
 */

#include <openssl/x509.h>

#include "dcv/dcv_fetch.h"

/* What is spoken: nothing whose cost the other one can choose.  Finite-field
 * groups may have 10,000 bits, which is half a second for each handshake. */
#define DCV_TLS_CIPHERS "DEFAULT:!kDHE"
#define DCV_TLS_GROUPS  "X25519:P-256:X448:P-384:P-521"

typedef struct dcv_tls_t dcv_tls_t;
typedef struct dcv_shake_t dcv_shake_t;

typedef struct {
    /* failure NULL: the handshake is complete */
    dcv_reply_t reply;
    int is_acme;       /* and "acme-tls/1" is agreed on */
    X509 *certificate; /* the peer's; NULL: none */
} dcv_tls_answer_t;    /* until done returns */

typedef struct {
    const dcv_address_t *address; /* the only one that is dialled */
    int port;
    const dcv_net_t *net;
    const char *server_name; /* SNI */
    void (*done)(void *baton, const dcv_tls_answer_t *answer);
    void *baton;
    apr_pool_t *pool; /* of words */
} dcv_tls_request_t;

apr_status_t dcv_tls_create(dcv_tls_t **tls, dcv_event_t *event,
                            apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* done is called once, never before this returns, unless cancelled. */
dcv_shake_t *dcv_tls_start(dcv_tls_t *tls, const dcv_tls_request_t *request);

void dcv_tls_cancel(dcv_shake_t *shake);
dcv_stage_e dcv_tls_stage(const dcv_shake_t *shake);

#endif
