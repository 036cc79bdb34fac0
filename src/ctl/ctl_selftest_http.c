/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_ask.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <curl/curl.h>

#include "base/own.h"

#include "base/banned.h"

#define BODY_MAX (1024 * 1024)

typedef struct {
    apr_pool_t *pool;
    ctl_answer_t *answer;
    char *body;
    apr_size_t len, size;
} taking_t;

static size_t body_take(char *data, size_t size, size_t count, void *baton)
{
    taking_t *taking = baton;
    size_t len = size * count;
    char *more;

    if (taking->len + len > BODY_MAX)
        return 0;
    if (taking->len + len >= taking->size) {
        taking->size = 2 * (taking->len + len) + 1024;
        more = apr_palloc(taking->pool, taking->size);
        if (taking->len)
            memcpy(more, taking->body, taking->len);
        taking->body = more;
    }
    memcpy(taking->body + taking->len, data, len);
    taking->len += len;
    taking->body[taking->len] = '\0';
    return len;
}

/* A line of the header; of those before a 1xx nothing stays. */
static size_t header_take(char *data, size_t size, size_t count, void *baton)
{
    taking_t *taking = baton;
    size_t len = size * count, end = len;
    char *line, *colon;

    while (end && isspace((unsigned char)data[end - 1]))
        end--;
    line = apr_pstrmemdup(taking->pool, data, end);
    if (!strncmp(line, "HTTP/", 5))
        apr_table_clear(taking->answer->headers);
    colon = strchr(line, ':');
    if (!colon)
        return len;
    *colon++ = '\0';
    apr_table_addn(taking->answer->headers, line, colon + strspn(colon, " \t"));
    return len;
}

static void request_set(CURL *curl, const ctl_answer_t *answer,
                        const char *body, struct curl_slist *headers)
{
    curl_easy_setopt(curl, CURLOPT_URL, answer->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, NULL);
    if (!strcmp(answer->method, "HEAD"))
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (strcmp(answer->method, "HEAD"))
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, answer->method);
}

static struct curl_slist *headers_make(const char *type, apr_pool_t *pool)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");

    /* What a browser's script would send (T26). */
    headers = curl_slist_append(headers, "Origin: https://selftest.invalid");
    return type ? curl_slist_append(
                      headers, apr_pstrcat(pool, "Content-Type: ", type, NULL))
                : headers;
}

static void request_do(ctl_test_t *t, ctl_answer_t *answer, const char *type,
                       const char *body)
{
    char error[CURL_ERROR_SIZE] = "";
    taking_t taking = {.pool = t->pool, .answer = answer};
    struct curl_slist *headers = headers_make(type, t->pool);
    CURLcode code;
    long status = 0;

    request_set(t->curl, answer, body, headers);
    curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, &taking);
    curl_easy_setopt(t->curl, CURLOPT_HEADERDATA, &taking);
    code = curl_easy_perform(t->curl);
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        answer->status = (int)status;
    else
        answer->failure =
            apr_pstrdup(t->pool, *error ? error : curl_easy_strerror(code));
    if (taking.body)
        answer->body = taking.body;
    answer->len = taking.len;
}

ctl_answer_t *ctl_test_send(ctl_test_t *t, const char *method, const char *url,
                            const char *type, const char *body,
                            const char *sent)
{
    ctl_answer_t *answer = apr_pcalloc(t->pool, sizeof(*answer));
    const char *nonce;

    answer->method = method;
    answer->url = url;
    answer->sent = sent;
    answer->body = "";
    answer->headers = apr_table_make(t->pool, 16);
    if (t->pause)
        apr_sleep(apr_time_from_msec(t->pause));
    request_do(t, answer, type, body);
    ctl_test_parse(t, answer);
    nonce = ctl_test_header(answer, "Replay-Nonce");
    if (nonce)
        t->nonce = nonce;
    APR_ARRAY_PUSH(t->answers, ctl_answer_t *) = answer;
    return answer;
}

ctl_answer_t *ctl_test_get(ctl_test_t *t, const char *url)
{
    return ctl_test_send(t, "GET", url, NULL, NULL, NULL);
}

int ctl_test_wait(ctl_test_t *t, const ctl_answer_t *answer)
{
    const char *text = ctl_test_header(answer, "Retry-After");
    long seconds = text ? strtol(text, NULL, 10) : 1;

    if (seconds < 1)
        seconds = 1; /* a date, or nonsense */
    if (seconds > t->patience)
        return 0;
    t->patience -= (int)seconds;
    apr_sleep(apr_time_from_sec(seconds));
    return 1;
}

static apr_status_t curl_end(void *curl)
{
    curl_easy_cleanup(curl);
    return APR_SUCCESS;
}

static ctl_exit_e curl_make(ctl_test_t *t)
{
    const char *ca = ctl_option(t->ctl, "ca");
    CURL *curl;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return CTL_FAILED;
    curl = curl_easy_init();
    if (!curl)
        return CTL_FAILED;
    apr_pool_cleanup_register(t->pool, curl, curl_end, apr_pool_cleanup_null);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "acmectl-selftest");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_take);
    if (ca)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    if (ctl_option(t->ctl, "insecure")) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    t->curl = curl;
    return CTL_OK;
}

static ctl_exit_e ca_check(const ctl_t *ctl)
{
    const char *ca = ctl_option(ctl, "ca");

    if (!ca || access(ca, R_OK) == 0)
        return CTL_OK;
    ctl_print_error("--ca %s: %s; name a file with PEM certificates that can "
                    "be read",
                    ca, strerror(errno));
    return CTL_FAILED;
}

ctl_exit_e ctl_test_open(ctl_test_t *t)
{
    const ctl_answer_t *answer;

    if (ca_check(t->ctl) != CTL_OK)
        return CTL_FAILED;
    if (curl_make(t) != CTL_OK) {
        ctl_print_error("libcurl cannot be used here");
        return CTL_FAILED;
    }
    answer = ctl_test_get(t, t->url);
    t->directory = answer->json;
    t->first_nonce = t->nonce; /* kept for R5 */
    t->nonce = NULL;
    if (answer->status == 200 && ctl_test_resource(t, "newNonce") &&
        ctl_test_resource(t, "newAccount") && ctl_test_resource(t, "newOrder"))
        return CTL_OK;
    if (answer->status)
        ctl_print_error("%s: this is no ACME directory (status %d); name the "
                        "directory's whole URL",
                        t->url, answer->status);
    else
        ctl_print_error("%s: %s", t->url, answer->failure);
    return CTL_NOTFOUND;
}
