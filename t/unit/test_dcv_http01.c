/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_http01.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dcv_bed.h"
#include "dcv_server.h"
#include "tap.h"

#define CHALLENGE "/.well-known/acme-challenge/"
#define OK_HEAD   "HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\n"

/* Answers that are the same text for everybody; the key is the token. */
static const struct {
    const char *token, *text;
} texts[] = {
    {"plain", OK_HEAD "Content-Length: 11\r\n\r\nplain.thumb"},
    {"newline", OK_HEAD "Content-Length: 17\r\n\r\nnewline.thumb\r\n\t "},
    {"until-close", "HTTP/1.0 200 OK\r\n\r\nuntil-close.thumb"},
    {"chunked", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n7;x=y\r\nchunked\r\n"
                        "6\r\n.thumb\r\n0\r\nTrailer: 1\r\n\r\n"},
    {"continue", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                 "Link: </>\r\n\r\n" OK_HEAD "\r\ncontinue.thumb"},
    {"leading", OK_HEAD "\r\n leading.thumb"},
    {"bom", OK_HEAD "\r\n\xef\xbb\xbf"
                    "bom.thumb"},
    {"html", OK_HEAD "\r\n<!DOCTYPE html><title>Please log in</title>"},
    {"cut", OK_HEAD "\r\ncut.thu"},
    {"long", OK_HEAD "\r\nlong.thumbs"},
    {"other",
     OK_HEAD "\r\nsomething else\x01\x7f\xff\"\n and more of it, longer "
             "than sixty-four characters SECRET"},
    {"empty", OK_HEAD "Content-Length: 0\r\n\r\n"},
    {"case", OK_HEAD "\r\nCASE.THUMB"},
    {"404", "HTTP/1.1 404 Not Found\r\n\r\n404.thumb"},
    {"403", "HTTP/1.1 403 Forbidden\r\n\r\n<html>no</html>"},
    {"500", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"},
    {"206", "HTTP/1.1 206 Partial Content\r\n\r\n206.thumb"},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"304", "HTTP/1.1 304 Not Modified\r\nLocation: http://a.test/\r\n\r\n"},
    {"nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"},
    {"blank", "HTTP/1.1 302 Found\r\nLocation: \r\n\r\n"},
    {"close", ""},
    {"short", OK_HEAD "Content-Length: 100\r\n\r\nshort.thumb"},
    {"garbage", "\x01\x02garbage, not HTTP\r\n\r\nat all"},
    {"http09", "http09.thumb"},
    /* What curl would unpack if it were let. */
    {"packed", OK_HEAD "Transfer-Encoding: gzip\r\n\r\npacked.thumb"},
    {"packed-chunks", OK_HEAD "transfer-encoding:gzip, Chunked\r\n\r\n"
                              "1\r\nx\r\n0\r\n\r\n"},
    {"Chunked", OK_HEAD "TRANSFER-ENCODING:\tChunked \r\n\r\n"
                        "d\r\nChunked.thumb\r\n0\r\n\r\n"},
    {"identity", OK_HEAD "Transfer-Encoding: identity\r\n\r\nidentity.thumb"},
    {"bad-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello"},
    {"gzip", OK_HEAD "Content-Encoding: gzip\r\n\r\ngzip.thumb"},
    {"file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"},
    {"ftp", "HTTP/1.1 302 Found\r\nLocation: ftp://a.test/x\r\n\r\n"},
    {"gopher", "HTTP/1.1 302 Found\r\nLocation: gopher://a.test:80/x\r\n\r\n"},
    {"user", "HTTP/1.1 302 Found\r\nLocation: http://u:p@a.test/x\r\n\r\n"},
    {"port", "HTTP/1.1 302 Found\r\nLocation: http://a.test:8080/x\r\n\r\n"},
    {"ssh", "HTTP/1.1 302 Found\r\nLocation: http://a.test:22/x\r\n\r\n"},
    {"zone", "HTTP/1.1 302 Found\r\nLocation: http://[fe80::1%25lo]/\r\n\r\n"},
    {"utf8", "HTTP/1.1 302 Found\r\nLocation: http://\xc3\xa4.test/\r\n\r\n"},
    {"spaces", "HTTP/1.1 302 Found\r\nLocation: http://a b/\r\n\r\n"},
    {"metadata", "HTTP/1.1 302 Found\r\n"
                 "Location: http://169.254.169.254/latest\r\n\r\n"},
    {"decimal", "HTTP/1.1 302 Found\r\nLocation: http://2852039166/\r\n\r\n"},
    {"mapped", "HTTP/1.1 302 Found\r\n"
               "Location: http://[::ffff:169.254.169.254]/\r\n\r\n"},
    {"denied-name", "HTTP/1.1 302 Found\r\n"
                    "Location: http://metadata.test/\r\n\r\n"},
    {"unknown-name", "HTTP/1.1 302 Found\r\n"
                     "Location: http://unknown.test/\r\n\r\n"},
};

/* nginx', which is longer than what is read of a wrong body. */
#define MOVED                                                                  \
    "<html>\r\n<head><title>301 Moved "                                        \
    "Permanently</title></head>\r\n<body>\r\n"                                 \
    "<center><h1>301 Moved Permanently</h1></center>\r\n<hr><center>nginx"     \
    "</center>\r\n</body>\r\n</html>\r\n"

static void redirect_say(visit_t *visit, int status, const char *where)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: %zu\r\n"
             "\r\n" MOVED,
             status, where, strlen(MOVED));
    server_say(visit, text);
}

/* "redirect-3": two more redirects, then the answer. */
static void chain_say(visit_t *visit, int left)
{
    char text[256];

    snprintf(text, sizeof(text), "/hop-%d", left - 1);
    if (left)
        redirect_say(visit, 301 + left % 3, text);
    else
        server_say(visit, OK_HEAD "\r\nchain.thumb");
}

static void drip(visit_t *visit)
{
    while (!server_is_over(visit, 50))
        server_say(visit, "x");
}

static void flood(visit_t *visit, const char *piece)
{
    size_t len = strlen(piece), i;

    for (i = 0; i < 4000000 && !server_is_over(visit, 0); i += len)
        server_say(visit, piece);
}

static void reset(visit_t *visit)
{
    struct linger linger = {1, 0};

    setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static const char yy[] = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";

/* 1: it was one of these. */
static int flood_say(visit_t *visit, const char *token)
{
    if (!strcmp(token, "huge")) {
        server_say(visit, OK_HEAD "\r\nhuge.thumb");
        flood(visit, "                                                ");
    }
    else if (!strcmp(token, "headers"))
        flood(visit, "HTTP/1.1 102 Processing\r\n\r\n");
    else if (!strcmp(token, "header")) {
        server_say(visit, OK_HEAD "X: ");
        flood(visit, yy);
    }
    else if (!strcmp(token, "chunk")) {
        server_say(visit, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1;");
        flood(visit, yy);
    }
    else if (!strcmp(token, "moved")) {
        server_say(visit, "HTTP/1.1 301 No\r\nLocation: /hop-0\r\n\r\n");
        flood(visit, yy);
    }
    else if (!strcmp(token, "moved-slowly")) {
        server_say(visit, "HTTP/1.1 301 No\r\nLocation:\r\n\t/hop-0\r\n\r\n");
        server_hang(visit);
    }
    else
        return 0;
    return 1;
}

static atomic_int others_refused;

static void again_say(visit_t *visit)
{
    char octet;

    SSL_renegotiate(visit->tls);
    SSL_do_handshake(visit->tls);
    (void)!SSL_read(visit->tls, &octet, 1);
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION)
        atomic_fetch_add(&others_refused, 1);
}

static void special_say(visit_t *visit, const char *token)
{
    char text[512];
    int number;

    if (sscanf(token, "chain-%d", &number) == 1)
        chain_say(visit, number);
    else if (sscanf(visit->path, "/hop-%d", &number) == 1)
        chain_say(visit, number);
    else if (!strcmp(token, "loop"))
        redirect_say(visit, 307, visit->path);
    else if (!strcmp(token, "reset"))
        reset(visit);
    else if (!strcmp(token, "hang"))
        server_hang(visit);
    else if (!strcmp(token, "hang-body")) {
        server_say(visit, OK_HEAD "\r\nhang-body.thumb");
        server_hang(visit);
    }
    else if (!strcmp(token, "drip")) {
        server_say(visit, OK_HEAD "X: ");
        drip(visit);
    }
    else if (!strcmp(token, "https")) {
        snprintf(text, sizeof(text), "https://b.test:%d/secure",
                 visit->server->port);
        redirect_say(visit, 301, text);
    }
    else if (!strcmp(token, "https-again")) {
        snprintf(text, sizeof(text), "https://b.test:%d/again",
                 visit->server->port);
        redirect_say(visit, 301, text);
    }
    else if (!strcmp(visit->path, "/again"))
        again_say(visit);
    else if (!strcmp(token, "https-plain")) {
        snprintf(text, sizeof(text), "https://plain.test:%d/",
                 visit->server->port);
        redirect_say(visit, 301, text);
    }
    else if (!strcmp(visit->path, "/secure"))
        server_say(visit, visit->tls ? OK_HEAD "\r\nhttps.thumb"
                                     : "HTTP/1.1 400 No\r\n\r\n");
    else if (!strcmp(token, "literal")) {
        snprintf(text, sizeof(text), "http://127.0.0.1:%d" CHALLENGE "plain",
                 visit->server->port);
        redirect_say(visit, 308, text);
    }
    else if (!strcmp(token, "host")) {
        snprintf(text, sizeof(text), "%sHost: %s", OK_HEAD "\r\n", visit->host);
        server_say(visit, text);
    }
}

static void answer(visit_t *visit)
{
    const char *token = strrchr(visit->path, '/') + 1;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!strcmp(texts[i].token, token) &&
            !strncmp(visit->path, CHALLENGE, strlen(CHALLENGE))) {
            server_say(visit, texts[i].text);
            return;
        }
    }
    if (!flood_say(visit, token))
        special_say(visit, token);
}

static server_t server;
static bed_t *bed;

static void open_all(apr_pool_t *pool)
{
    server_start(&server, answer);
    server_open(&server);
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* T79 */
    setenv("https_proxy", "http://127.0.0.1:1/", 1);
    setenv("all_proxy", "http://127.0.0.1:1/", 1);
    bed = bed_start(pool);
    bed->conf->http01_port = server.port;
    bed_host(bed, "metadata.test", "169.254.169.254");
}

static void close_all(void)
{
    bed_stop(bed);
    server_stop(&server);
}

static void proven(const char *token)
{
    const dcv_result_t *result = bed_ask(bed, "a.test", token);

    need(result);
    ok(!result->problem, "%s: %s", token,
       result->problem ? result->problem->detail : "");
    ok(!result->is_retryable);
    is_str(result->address, "127.0.0.1");
}

/* Its type, and what its detail must hold. */
static const char *refused(const char *domain, const char *token,
                           problem_type_e type, const char *words)
{
    const dcv_result_t *result = bed_ask(bed, domain, token);

    ok(result && result->problem, "%s is proven", token);
    if (!result || !result->problem)
        return "";
    is_str(problem_name(result->problem->type), problem_name(type));
    ok(strstr(result->problem->detail, words), "%s: no \"%s\" in: %s", token,
       words, result->problem->detail);
    ok(!result->is_retryable, "%s", token);
    if (getenv("DCV_SHOW"))
        tap_diag("%s", result->problem->detail);
    return result->problem->detail;
}

static void right(apr_pool_t *pool)
{
    open_all(pool);
    proven("plain");
    proven("newline");
    proven("until-close");
    proven("chunked");
    proven("continue");
    proven("gzip"); /* not asked for, so not decoded */
    proven("Chunked");
    proven("identity"); /* that is none */
    close_all();
}

static void wrong(apr_pool_t *pool)
{
    static const struct {
        const char *token, *words;
    } rows[] = {
        {"leading", "starts with a blank"},
        {"bom", "byte-order mark"},
        {"html", "a web page was served"},
        {"cut", "thumbprint is cut"},
        {"long", "something follows"},
        {"other", "status 200, body starts with \"something else????? and"},
        {"empty", "the file is empty"},
        {"case", "expected were the token"},
        {"404", "status 404, although the body is right"},
        {"403", "must be open to everybody"},
        {"500", "status 500, body is empty"},
        {"206", "status 206"},
        {"204", "status 204"},
        {"304", "status 304"},
        {"nowhere", "status 302"},
        {"blank", "status 302"},
        {"garbage", "the answer is not HTTP"},
        {"http09", "the answer is not HTTP"},
        {"bad-chunk", "status 200, then"},
    };
    size_t i;

    open_all(pool);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused("a.test", rows[i].token, PROBLEM_INCORRECT_RESPONSE,
                rows[i].words);
    ok(!strstr(refused("a.test", "other", PROBLEM_INCORRECT_RESPONSE, ""),
               "SECRET"));
    close_all();
}

static void broken(apr_pool_t *pool)
{
    open_all(pool);
    bed->conf->timeout = apr_time_from_msec(300);
    /* What follows has nothing to do with this any more. */
    refused("a.test", "reset", PROBLEM_CONNECTION, "connection reset");
    refused("a.test", "garbage", PROBLEM_INCORRECT_RESPONSE, "not HTTP");
    refused("a.test", "close", PROBLEM_CONNECTION, "without an answer");
    refused("a.test", "short", PROBLEM_CONNECTION, "before the answer was");
    refused("a.test", "hang", PROBLEM_CONNECTION,
            "connected, but no answer in time");
    refused("a.test", "hang-body", PROBLEM_CONNECTION,
            "the answer was not complete in time");
    refused("a.test", "drip", PROBLEM_CONNECTION,
            "the answer was not complete in time");
    bed->conf->timeout = apr_time_from_sec(8);
    refused("a.test", "huge", PROBLEM_INCORRECT_RESPONSE, "64 KiB");
    refused("a.test", "headers", PROBLEM_INCORRECT_RESPONSE, "too long");
    refused("a.test", "header", PROBLEM_INCORRECT_RESPONSE, "too long");
    refused("a.test", "chunk", PROBLEM_INCORRECT_RESPONSE,
            "status 200, then the answer is too long");
    close_all();
}

/* https where there is none. */
static void tls(apr_pool_t *pool)
{
    const dcv_result_t *result;
    probe_t *probe;
    int listener, visitor, port;

    open_all(pool);
    port = server.port;
    listener = server_listen(&port, "127.0.0.5", 8);
    ok(listener >= 0);
    bed_host(bed, "plain.test", "127.0.0.5");
    probe = bed_submit(bed, "a.test", "https-plain", "account");
    visitor = accept(listener, NULL, NULL);
    (void)!send(visitor, "HTTP/1.1 400 No\r\n\r\n", 19, MSG_NOSIGNAL);
    shutdown(visitor, SHUT_WR);
    result = bed_wait(probe);
    need(result && result->problem);
    is_str(problem_name(result->problem->type), "tls");
    ok(strstr(result->problem->detail, "127.0.0.5 port ") &&
           strstr(result->problem->detail, ": TLS failed: ") &&
           !strstr(result->problem->detail, "OpenSSL/") &&
           strstr(result->problem->detail, "the certificate does not matter"),
       "%s", result->problem->detail);
    bed_free(probe);
    close(visitor);
    bed->conf->timeout = apr_time_from_msec(300);
    refused("a.test", "https-plain", PROBLEM_TLS, "no TLS connection in time");
    close(listener);
    close_all();
}

static void tls_costs(apr_pool_t *pool)
{
    open_all(pool);
    SSL_CTX_set_max_proto_version(server.tls, TLS1_2_VERSION);
    ok(bed_ask(bed, "a.test", "https-again")->problem);
    is_int(atomic_load(&others_refused), 1);
    SSL_CTX_set_max_proto_version(server.tls, 0);
    SSL_CTX_set1_groups_list(server.tls, "ffdhe2048");
    refused("a.test", "https", PROBLEM_TLS, "TLS failed");
    close_all();
}

static void redirects(apr_pool_t *pool)
{
    const char *detail;

    open_all(pool);
    refused("a.test", "chain-11", PROBLEM_INCORRECT_RESPONSE,
            "once more, after 10 redirects");
    is_int(atomic_load(&server.visits), 11);
    detail = refused("a.test", "loop", PROBLEM_INCORRECT_RESPONSE,
                     "once more, after 10 redirects");
    ok(strstr(detail, "(redirect 10, from http://a.test:"), "%s", detail);
    refused("a.test", "file", PROBLEM_INCORRECT_RESPONSE, "neither http nor");
    refused("a.test", "ftp", PROBLEM_INCORRECT_RESPONSE, "neither http nor");
    refused("a.test", "gopher", PROBLEM_INCORRECT_RESPONSE, "neither http nor");
    refused("a.test", "user", PROBLEM_INCORRECT_RESPONSE, "user or a password");
    refused("a.test", "port", PROBLEM_INCORRECT_RESPONSE, "names port 8080");
    refused("a.test", "ssh", PROBLEM_INCORRECT_RESPONSE, "names port 22");
    refused("a.test", "zone", PROBLEM_INCORRECT_RESPONSE, "no valid host");
    refused("a.test", "utf8", PROBLEM_INCORRECT_RESPONSE, "no valid");
    refused("a.test", "spaces", PROBLEM_INCORRECT_RESPONSE, "no valid");
    refused("a.test", "metadata", PROBLEM_CONNECTION,
            "denied by rule 169.254.0.0/16 (built in)");
    refused("a.test", "decimal", PROBLEM_CONNECTION, "169.254.0.0/16");
    refused("a.test", "mapped", PROBLEM_CONNECTION, "169.254.0.0/16");
    refused("a.test", "denied-name", PROBLEM_CONNECTION, "169.254.0.0/16");
    close_all();
}

/* Redirect chains answer another key than their token's. */
static void ask_as(const char *domain, const char *token, const char *want)
{
    /* The server's answers say "chain.thumb"; so must the job. */
    const dcv_result_t *result;
    probe_t *probe = bed_submit_key(bed, domain, token, want, "account");

    need(probe);
    result = bed_wait(probe);
    need(result);
    ok(!result->problem, "%s: %s", token,
       result->problem ? result->problem->detail : "");
    bed_free(probe);
}

static void followed(apr_pool_t *pool)
{
    open_all(pool);
    ask_as("a.test", "chain-1", "chain.thumb");
    ask_as("a.test", "chain-10", "chain.thumb");
    ask_as("a.test", "moved", "chain.thumb");
    ask_as("a.test", "moved-slowly", "chain.thumb");
    ask_as("a.test", "https", "https.thumb");
    ask_as("a.test", "literal", "plain.thumb");
    ask_as("a.test", "host",
           apr_psprintf(pool, "Host: a.test:%d", server.port));
    close_all();
}

/* pki.md, Network binding: of the domain's own addresses, not of others'. */
static void bound(apr_pool_t *pool)
{
    open_all(pool);
    bed_bind(bed, "a.test", "10.0.0.0/8 127.0.0.0/24");
    proven("plain");
    bed->bounds = NULL;
    bed_bind(bed, "a.test", "10.9.0.0/16 fd00::/8");
    refused("a.test", "plain", PROBLEM_REJECTED_IDENTIFIER,
            "wants a.test to resolve to 10.9.0.0/16, fd00::/8");
    refused("a.test", "plain", PROBLEM_REJECTED_IDENTIFIER, "127.0.0.1 port ");
    /* What the server must never dial stays so. */
    bed->bounds = NULL;
    bed_bind(bed, "metadata.test", "169.254.0.0/16");
    refused("metadata.test", "plain", PROBLEM_CONNECTION, "169.254.0.0/16");
    bed->bounds = NULL;
    bed_bind(bed, "a.test", "");
    refused("a.test", "plain", PROBLEM_REJECTED_IDENTIFIER, "nothing at all");
    close_all();
}

const tap_case_t tap_cases[] = {
    {"T78 R26 right answers", right},
    {"T78 R26 wrong answers: incorrectResponse with what was seen", wrong},
    {"T78 T79 broken and endless answers: connection", broken},
    {"T78 https that does not work: tls", tls},
    {"H9 https whose cost the other one chooses", tls_costs},
    {"T79 redirects that are not followed", redirects},
    {"T78 R26 redirects that are followed", followed},
    {"pki.md: resolves-to, on the address that is dialled", bound},
    {NULL, NULL}};
