/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_fetch_words.h"

#include <errno.h>
#include <string.h>

#include <apr_strings.h>

#include "base/quote.h"

#include "base/banned.h"

#define ERROR_MAX 100

static const struct {
    int os_error;
    const char *failure, *hint;
} system_words[] = {
    {ECONNREFUSED, "connection refused",
     "nothing listens on this port of this address, or a firewall rejects it"},
    {ETIMEDOUT, "connection timed out",
     "a firewall may drop the packets; one that knows applications must allow "
     "\"acme-protocol\" too"},
    {ECONNRESET, "connection reset",
     "a firewall or the server there cut the connection before its answer was "
     "complete"},
    {EPIPE, "connection reset",
     "the server there closed the connection before it was asked"},
    {EHOSTUNREACH, "no route to host",
     "the machine is off, or not to be reached from the ACME server"},
    {ENETUNREACH, "network is unreachable", NULL},
    {EADDRNOTAVAIL, "no address to connect from",
     "the ACME server has no address of this kind (IPv4, IPv6), or no free "
     "port"},
    {EAFNOSUPPORT, "network is unreachable", NULL},
    {EACCES, "forbidden by a firewall",
     "the ACME server's own does so, or one on the way"},
    {EPERM, "forbidden by the ACME server's firewall", NULL},
};

static const struct {
    CURLcode code;
    problem_type_e type;
    const char *failure, *hint;
} curl_words[] = {
    {CURLE_COULDNT_CONNECT, PROBLEM_CONNECTION, "cannot connect", NULL},
    {CURLE_OPERATION_TIMEDOUT, PROBLEM_CONNECTION, "timed out", NULL},
    {CURLE_GOT_NOTHING, PROBLEM_CONNECTION,
     "the connection was closed without an answer",
     "does a web server listen there, or one that wants https?"},
    {CURLE_PARTIAL_FILE, PROBLEM_CONNECTION,
     "the connection was closed before the answer was complete", NULL},
    {CURLE_UNSUPPORTED_PROTOCOL, PROBLEM_INCORRECT_RESPONSE,
     "the answer is not HTTP", "is it a web server that listens on this port?"},
    {CURLE_OUT_OF_MEMORY, PROBLEM_INCORRECT_RESPONSE, /* of a line's buffer */
     "a line of the answer's header is too long", NULL},
    {CURLE_WEIRD_SERVER_REPLY, PROBLEM_INCORRECT_RESPONSE,
     "the answer is not HTTP", "is it a web server that listens on this port?"},
};

int dcv_fetch_words_is_ours(int os_error)
{
    return os_error == EMFILE || os_error == ENFILE || os_error == ENOMEM ||
           os_error == ENOBUFS;
}

static int is_tls(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CIPHER ||
           code == CURLE_PEER_FAILED_VERIFICATION;
}

void dcv_fetch_words_system(dcv_reply_t *reply, int os_error)
{
    apr_size_t i;

    for (i = 0; i < sizeof(system_words) / sizeof(system_words[0]); i++) {
        if (system_words[i].os_error == os_error) {
            reply->type = PROBLEM_CONNECTION;
            reply->failure = system_words[i].failure;
            reply->hint = system_words[i].hint;
        }
    }
    reply->has_no_way = os_error == ENETUNREACH || os_error == EAFNOSUPPORT ||
                        os_error == EADDRNOTAVAIL;
}

static void curl_say(dcv_reply_t *reply, CURLcode code)
{
    apr_size_t i;

    for (i = 0; i < sizeof(curl_words) / sizeof(curl_words[0]); i++) {
        if (curl_words[i].code == code) {
            reply->type = curl_words[i].type;
            reply->failure = curl_words[i].failure;
            reply->hint = curl_words[i].hint;
        }
    }
}

/* curl's words, without those that say which OpenSSL this is:
 * "OpenSSL/3.0: error:0A000410:SSL routines::sslv3 alert …, errno 0". */
static const char *error_text(const char *error, apr_pool_t *pool)
{
    const char *reason = strstr(error, "OpenSSL/");

    if (reason)
        reason = strstr(reason, "::");
    if (!reason)
        return quote_make(error, strlen(error), ERROR_MAX, pool);
    reason += 2;
    return quote_make(reason, strcspn(reason, ","), ERROR_MAX, pool);
}

void dcv_fetch_words(dcv_reply_t *reply, const dcv_fetch_words_t *words,
                     apr_pool_t *pool)
{
    const char *error = error_text(words->error, pool);

    reply->type =
        words->has_begun ? PROBLEM_INCORRECT_RESPONSE : PROBLEM_CONNECTION;
    reply->failure = *error ? error : curl_easy_strerror(words->code);
    reply->is_ours =
        words->is_refused && dcv_fetch_words_is_ours(words->os_error);
    if (words->is_long) {
        reply->type = PROBLEM_INCORRECT_RESPONSE;
        reply->failure = "the answer's header is too long";
    }
    else if (words->is_coded) {
        reply->type = PROBLEM_INCORRECT_RESPONSE;
        reply->failure = "the answer has a transfer coding that was not asked "
                         "for";
    }
    else if (words->is_endless) {
        reply->type = PROBLEM_INCORRECT_RESPONSE;
        reply->failure = "the answer is too long";
    }
    else if (is_tls(words->code)) {
        reply->type = PROBLEM_TLS;
        reply->failure = apr_pstrcat(pool, "TLS failed: ", error, NULL);
        reply->hint = "http-01 may be redirected to https, but then TLS must "
                      "work there; the certificate does not matter";
    }
    else {
        curl_say(reply, words->code);
        dcv_fetch_words_system(reply, words->os_error);
    }
}

void dcv_fetch_words_late(dcv_reply_t *reply, dcv_stage_e stage)
{
    static const char *const failures[] = {
        "no connection in time", "no TLS connection in time",
        "connected, but no answer in time",
        "the answer was not complete in time"};

    memset(reply, 0, sizeof(*reply));
    reply->type = stage == DCV_STAGE_TLS ? PROBLEM_TLS : PROBLEM_CONNECTION;
    reply->failure = failures[stage];
    if (stage == DCV_STAGE_CONNECT)
        dcv_fetch_words_system(reply, ETIMEDOUT);
    if (stage == DCV_STAGE_TLS)
        reply->hint = "does a TLS server listen there, and has it a worker to "
                      "spare?";
    if (stage == DCV_STAGE_WAIT)
        reply->hint = "does a web server listen there, and has it a worker to "
                      "spare?";
}
