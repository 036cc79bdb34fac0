/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_tlsalpn01.h"

#include <signal.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

#include "dcv_bed.h"
#include "dcv_proof.h"
#include "dcv_server.h"
#include "resident.h"
#include "tap.h"

static server_t server;
static bed_t *bed;
static EVP_PKEY *server_key;
static X509 *server_cert;
static char asked[256];          /* SNI */
static atomic_int offers_others; /* the visitor, besides acme-tls/1 */

static int delay; /* of what it says, milliseconds */

/* The protocol "none" is never agreed on, "not-acme" is what else there is. */
static const char *speaks;

static void nothing(visit_t *visit)
{
}

static int protocol_choose(SSL *ssl, const unsigned char **out,
                           unsigned char *out_len, const unsigned char *in,
                           unsigned int in_len, void *baton)
{
    offers_others = in_len != 11 || memcmp(in,
                                           "\x0a"
                                           "acme-tls/1",
                                           11);
    if (!strcmp(speaks, "none"))
        return SSL_TLSEXT_ERR_NOACK;
    if (strcmp(speaks, "acme-tls/1"))
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = in + 1;
    *out_len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static int name_take(SSL *ssl, int *alert, void *baton)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    apr_cpystrn(asked, name ? name : "", sizeof(asked));
    apr_sleep(apr_time_from_msec(delay));
    return SSL_TLSEXT_ERR_OK;
}

static void open_all(const proof_t *proof, apr_pool_t *pool)
{
    signal(SIGPIPE, SIG_IGN); /* the visitor goes before session tickets */
    speaks = "acme-tls/1";
    server_start(&server, nothing);
    server_key = EVP_EC_gen("P-256");
    server_cert = proof_make(proof, server_key);
    SSL_CTX_use_certificate(server.tls, server_cert);
    SSL_CTX_use_PrivateKey(server.tls, server_key);
    SSL_CTX_set_alpn_select_cb(server.tls, protocol_choose, NULL);
    SSL_CTX_set_tlsext_servername_callback(server.tls, name_take);
    SSL_CTX_set_min_proto_version(server.tls, TLS1_VERSION);
    SSL_CTX_set_cipher_list(server.tls, "DEFAULT:@SECLEVEL=0");
    server_open(&server);
    bed = bed_start(pool);
    bed->method = DCV_TLSALPN01;
    bed->conf->tlsalpn01_port = server.port;
}

static void close_all(void)
{
    bed_stop(bed);
    server_stop(&server);
    X509_free(server_cert);
    EVP_PKEY_free(server_key);
}

static void proven(const char *domain)
{
    const dcv_result_t *result = bed_ask(bed, domain, "t");

    need(result);
    ok(!result->problem, "%s: %s", domain,
       result->problem ? result->problem->detail : "");
    is_str(result->address, strchr(domain, ':') ? "::1" : "127.0.0.1");
}

static const char *refused(const char *domain, problem_type_e type,
                           const char *words)
{
    const dcv_result_t *result = bed_ask(bed, domain, "t");

    ok(result && result->problem, "%s is proven", domain);
    if (!result || !result->problem)
        return "";
    is_str(problem_name(result->problem->type), problem_name(type));
    ok(strstr(result->problem->detail, words), "no \"%s\" in: %s", words,
       result->problem->detail);
    ok(!result->is_retryable);
    if (getenv("DCV_SHOW"))
        tap_diag("%s", result->problem->detail);
    return result->problem->detail;
}

static void right(apr_pool_t *pool)
{
    open_all(PROOF("DNS:a.test", "t.thumb"), pool);
    proven("a.test");
    is_str(asked, "a.test");
    ok(!offers_others);
    SSL_CTX_set_max_proto_version(server.tls, TLS1_2_VERSION);
    proven("a.test");
    close_all();
    open_all(PROOF("DNS:a.test", "t.thumb", .is_expired = 1), pool);
    proven("a.test");
    close_all();
}

static void addresses(apr_pool_t *pool)
{
    open_all(PROOF("IP:127.0.0.1", "t.thumb"), pool);
    proven("127.0.0.1");
    is_str(asked, "1.0.0.127.in-addr.arpa");
    refused("a.test", PROBLEM_INCORRECT_RESPONSE, "is for 127.0.0.1, but");
    refused("169.254.169.254", PROBLEM_CONNECTION, "169.254.0.0/16");
    close_all();
}

static void wrong(apr_pool_t *pool)
{
    const char *detail;

    open_all(PROOF("DNS:a.test,DNS:b.test", "t.thumb"), pool);
    detail = refused("a.test", PROBLEM_INCORRECT_RESPONSE, "\"b.test\"");
    need(detail);
    ok(strstr(detail, "acme-tls/1 of a.test: 127.0.0.1 port "), "%s", detail);
    ok(strstr(detail, "Resolver of a.test: ACMEResolverHost"), "%s", detail);
    close_all();
    open_all(PROOF("DNS:a.test", "t.other"), pool);
    refused("a.test", PROBLEM_INCORRECT_RESPONSE, "another key authorization");
    close_all();
}

static void protocols(apr_pool_t *pool)
{
    open_all(PROOF("DNS:a.test", "t.thumb"), pool);
    speaks = "none";
    refused("a.test", PROBLEM_UNAUTHORIZED, "does not know \"acme-tls/1\"");
    speaks = "not-acme";
    refused("a.test", PROBLEM_TLS, "refuses the protocol acme-tls/1");
    speaks = "acme-tls/1";
    SSL_CTX_set_max_proto_version(server.tls, TLS1_1_VERSION);
    refused("a.test", PROBLEM_TLS, "another version of TLS");
    close_all();
}

/* Diffie-Hellman in fields as large as the other one likes. */
static void costs(apr_pool_t *pool)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = proof_make(PROOF("DNS:a.test", "t.thumb"), key);

    open_all(PROOF("DNS:a.test", "t.thumb"), pool);
    SSL_CTX_set1_groups_list(server.tls, "ffdhe2048");
    refused("a.test", PROBLEM_TLS, "refuses the handshake");
    SSL_CTX_use_certificate(server.tls, cert);
    SSL_CTX_use_PrivateKey(server.tls, key);
    SSL_CTX_set_max_proto_version(server.tls, TLS1_2_VERSION);
    SSL_CTX_set_dh_auto(server.tls, 1);
    SSL_CTX_set_cipher_list(server.tls, "kDHE");
    refused("a.test", PROBLEM_TLS, "refuses the handshake");
    SSL_CTX_set_cipher_list(server.tls, "kDHE:kRSA");
    proven("a.test");
    close_all();
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* pki.md, Network binding; T79. */
static void networks(apr_pool_t *pool)
{
    open_all(PROOF("DNS:a.test", "t.thumb"), pool);
    bed_host(bed, "meta.test", "169.254.169.254");
    refused("meta.test", PROBLEM_CONNECTION, "169.254.0.0/16 (built in)");
    refused("nobody.test", PROBLEM_DNS, "name");
    bed_bind(bed, "a.test", "10.0.0.0/8");
    refused("a.test", PROBLEM_REJECTED_IDENTIFIER, "to resolve to 10.0.0.0/8");
    close_all();
}

static void fallback(apr_pool_t *pool)
{
    const dcv_result_t *result;
    int port, listener;

    open_all(PROOF("DNS:six.test", "t.thumb"), pool);
    bed_host(bed, "six.test", "::1");
    bed_host(bed, "six.test", "127.0.0.9");
    bed_host(bed, "six.test", "127.0.0.1");
    port = server.port;
    listener = server_listen(&port, "127.0.0.9", 8); /* and says nothing */
    bed->conf->timeout = apr_time_from_sec(3);
    result = bed_ask(bed, "six.test", "t");
    need(result);
    ok(!result->problem, "%s", result->problem ? result->problem->detail : "");
    is_str(result->address, "127.0.0.1");
    close(listener);
    close_all();
}

/* Whoever is there says this, and then only this, again and again. */
static void said(const char *text, size_t len, int times, problem_type_e type,
                 const char *words)
{
    int port = bed->conf->tlsalpn01_port, listener, visitor, i;
    const dcv_result_t *result;
    probe_t *probe;

    listener = server_listen(&port, "127.0.0.5", 8);
    ok(listener >= 0);
    probe = bed_submit(bed, "odd.test", "t", "account");
    visitor = accept(listener, NULL, NULL);
    for (i = 0; i < times; i++)
        (void)!send(visitor, text, len, MSG_NOSIGNAL);
    if (times == 1)
        shutdown(visitor, SHUT_WR);
    result = bed_wait(probe);
    need(result && result->problem);
    is_str(problem_name(result->problem->type), problem_name(type));
    ok(strstr(result->problem->detail, words), "no \"%s\" in: %s", words,
       result->problem->detail);
    bed_free(probe);
    close(visitor);
    close(listener);
}

static void oddities(apr_pool_t *pool)
{
    /* A HelloRequest, which a client in a handshake ignores. */
    static const char again[] = "\x16\x03\x03\x00\x04\x00\x00\x00\x00";

    open_all(PROOF("DNS:a.test", "t.thumb"), pool);
    bed_host(bed, "odd.test", "127.0.0.5");
    said("HTTP/1.1 400 No\r\n\r\n", 19, 1, PROBLEM_TLS, "does not speak TLS");
    said("", 0, 1, PROBLEM_TLS, "closed during the TLS handshake");
    said(again, sizeof(again) - 1, 20000, PROBLEM_TLS, "says too much");
    bed->conf->timeout = apr_time_from_msec(300);
    said("", 0, 0, PROBLEM_TLS, "no TLS connection in time");
    refused("odd.test", PROBLEM_CONNECTION, "connection refused");
    close_all();
}

/* Those that hang delay nobody, and end by their deadline. */
static void many(apr_pool_t *pool)
{
    int port, listener, i;
    probe_t *probes[300];

    open_all(PROOF("DNS:a.test", "t.thumb"), pool);
    port = server.port;
    listener = server_listen(&port, "127.0.0.5", 4096);
    bed_host(bed, "hang.test", "127.0.0.5");
    bed->conf->timeout = apr_time_from_sec(2);
    for (i = 0; i < 300; i++)
        probes[i] = bed_submit(bed, "hang.test", "t", "hanging");
    proven("a.test");
    for (i = 0; i < 300; i++) {
        const dcv_result_t *result = probes[i] ? bed_wait(probes[i]) : NULL;

        need(result && result->problem);
        is_str(problem_name(result->problem->type), "tls");
        bed_free(probes[i]);
    }
    probes[0] = bed_submit(bed, "hang.test", "t", "hanging");
    usleep(50000);
    close_all(); /* with one under way */
    ok(bed_wait(probes[0])->is_retryable);
    bed_free(probes[0]);
    close(listener);
}

/* The next visitor, when it has said something. */
static int visitor_take(int at)
{
    int fd = accept(at, NULL, NULL);
    char octet;

    ok(recv(fd, &octet, 1, MSG_PEEK) == 1);
    return fd;
}

#define MANY 200 /* more than keep their state */

/* Somebody is slow, and many hang afterwards: he is asked once more. */
static void parked(apr_pool_t *pool)
{
    int slow_listener, hang_listener, port, i, fd, hanging[MANY];
    probe_t *probes[MANY], *slow;
    SSL *tls;

    open_all(PROOF("DNS:slow.test", "t.thumb"), pool);
    port = server.port;
    slow_listener = server_listen(&port, "127.0.0.6", 8);
    hang_listener = server_listen(&port, "127.0.0.7", 1024);
    bed_host(bed, "slow.test", "127.0.0.6");
    bed_host(bed, "hang.test", "127.0.0.7");
    slow = bed_submit(bed, "slow.test", "t", "slow");
    fd = visitor_take(slow_listener);
    for (i = 0; i < MANY; i++)
        probes[i] = bed_submit(bed, "hang.test", "t", "hanging");
    for (i = 0; i < MANY; i++)
        hanging[i] = visitor_take(hang_listener);
    (void)!send(fd, "x", 1, MSG_NOSIGNAL);
    close(fd);
    fd = visitor_take(slow_listener);
    tls = SSL_new(server.tls);
    SSL_set_fd(tls, fd);
    ok(SSL_accept(tls) == 1);
    ok(!bed_wait(slow)->problem);
    SSL_free(tls);
    close(fd);
    bed_free(slow);
    close_all(); /* with parked ones */
    for (i = 0; i < MANY; i++) {
        ok(bed_wait(probes[i])->is_retryable);
        bed_free(probes[i]);
        close(hanging[i]);
    }
    close(slow_listener);
    close(hang_listener);
}

/* Many at the same time, each of which takes longer than it takes the others
 * to come: they push each other out, but not for ever.  Few where a sanitizer
 * or valgrind makes all of them slow. */
static void slow_crowd(apr_pool_t *pool)
{
    const dcv_result_t *result;
    probe_t *probes[MANY * 2];
    int i, proven = 0, count = is_hoarded() ? MANY / 4 : MANY * 2;

    open_all(PROOF("DNS:a.test", "t.thumb"), pool);
    delay = 60;
    for (i = 0; i < count; i++)
        probes[i] = bed_submit(bed, "a.test", "t", "crowd");
    for (i = 0; i < count; i++) {
        result = bed_wait(probes[i]);
        proven += result && !result->problem;
        ok(result && (!result->problem || result->is_retryable));
        bed_free(probes[i]);
    }
    ok(proven >= count * 3 / 4, "%d of %d", proven, count);
    delay = 0;
    close_all();
}

#define ROOM 16384

/* Whoever is parked hears something at once, for a while; how many came. */
static int parked_wake(int listener, int *fds)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(2);
    struct pollfd waiting = {listener, POLLIN, 0};
    int came = 0, woken = 0;

    while (apr_time_now() < end && came < ROOM) {
        if (poll(&waiting, 1, 50) == 1)
            fds[came++] = accept(listener, NULL, NULL);
        for (; woken + 128 < came; woken++) {
            (void)!send(fds[woken], "x", 1, MSG_NOSIGNAL);
            shutdown(fds[woken], SHUT_WR);
        }
    }
    return came;
}

static void parked_again(apr_pool_t *pool)
{
    static int fds[ROOM];
    int listener, port, i, came;
    probe_t *probes[MANY];

    open_all(PROOF("DNS:slow.test", "t.thumb"), pool);
    port = server.port;
    listener = server_listen(&port, "127.0.0.7", 1024);
    bed_host(bed, "hang.test", "127.0.0.7");
    for (i = 0; i < MANY; i++)
        probes[i] = bed_submit(bed, "hang.test", "t", "hanging");
    came = parked_wake(listener, fds);
    ok(came <= MANY * 4, "%d handshakes for %d", came, MANY);
    close_all();
    for (i = 0; i < MANY; i++) {
        bed_wait(probes[i]);
        bed_free(probes[i]);
    }
    for (i = 0; i < came; i++)
        close(fds[i]);
    close(listener);
}

const tap_case_t tap_cases[] = {
    {"T83 the right certificate, by TLS 1.3 and 1.2", right},
    {"T84 addresses, asked for by their reverse name", addresses},
    {"T83 wrong certificates: incorrectResponse with what was seen", wrong},
    {"T83 no acme-tls/1, or an older TLS", protocols},
    {"H9 handshakes whose cost the other one chooses", costs},
    {"T79 addresses that must not be dialled", networks},
    {"R26 IPv6 first, and the next address", fallback},
    {"T83 what is no TLS, or too much of it", oddities},
    {"H9 many that hang", many},
    {"H9 silent servers cost little, and a slow one is heard", parked},
    {"H9 a crowd that is slow is heard", slow_crowd},
    {"H9 nobody begins again and again", parked_again},
    {NULL, NULL}};
