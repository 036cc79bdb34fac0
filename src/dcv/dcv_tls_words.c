/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_tls_words.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include <apr_strings.h>

#include "dcv/dcv_fetch_words.h"

#include "base/banned.h"

#define NOT_ACME                                                               \
    "it speaks TLS, but not \"acme-tls/1\" for this name: is the ACME client " \
    "there, ready, and reached without a proxy that ends TLS?"
#define TOO_OLD "RFC 8737 wants TLS 1.2 or newer"

static const struct {
    int reason;
    const char *failure, *hint;
} reasons[] = {
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,
     "the server refuses the protocol acme-tls/1", NOT_ACME},
    {SSL_R_BAD_EXTENSION,
     "the server chooses what was not offered, perhaps another protocol",
     NOT_ACME},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "the server does not know this name",
     NOT_ACME},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the server refuses the handshake",
     NOT_ACME},
    {SSL_R_TLSV1_ALERT_INTERNAL_ERROR, "the server has an internal error",
     NOT_ACME},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
     "the server wants another version of TLS", TOO_OLD},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the server wants another version of TLS",
     TOO_OLD},
    {SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS",
     "which program listens on this port?"},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, "the server says too much",
     "a certificate for this challenge is one small, self-signed one"},
};

void dcv_tls_words(dcv_reply_t *reply, unsigned long error, apr_pool_t *pool)
{
    const char *text = ERR_reason_error_string(error);
    apr_size_t i;

    reply->type = PROBLEM_TLS;
    reply->failure = apr_pstrcat(pool, "the TLS handshake failed: ",
                                 text ? text : "no reason given", NULL);
    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (ERR_GET_LIB(error) != ERR_LIB_SSL ||
            ERR_GET_REASON(error) != reasons[i].reason)
            continue;
        reply->failure = apr_pstrcat(
            pool, "the TLS handshake failed: ", reasons[i].failure, NULL);
        reply->hint = reasons[i].hint;
        reply->is_tls = !strcmp(reply->hint, NOT_ACME);
    }
}

void dcv_tls_words_system(dcv_reply_t *reply, int error, dcv_stage_e stage)
{
    reply->type = PROBLEM_CONNECTION;
    reply->failure = "cannot connect";
    dcv_fetch_words_system(reply, error);
    reply->is_ours =
        stage == DCV_STAGE_CONNECT && dcv_fetch_words_is_ours(error);
    if (stage == DCV_STAGE_CONNECT)
        return;
    reply->type = PROBLEM_TLS;
    if (error != EPIPE && error != ECONNRESET)
        return;
    reply->failure = "the connection was closed during the TLS handshake";
    reply->hint = "does a TLS server listen there that knows \"acme-tls/1\"?";
}
