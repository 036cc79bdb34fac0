/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_holes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "bench_nameserver.h"

#include "base/banned.h"

#define THREADS_MAX 8
/* For ends to be written down. */
#define SLACK 3

typedef struct {
    const char *name, *challenge;
    const char *address; /* NULL: no name server knows it */
} kind_t;

static const kind_t kinds[] = {
    {"http", "http-01", "127.0.0.2"},  {"syn", "http-01", "127.0.0.3"},
    {"https", "http-01", "127.0.0.5"}, {"tls", "tls-alpn-01", "127.0.0.2"},
    {"dns", "dns-01", NULL},           {"name", "http-01", NULL}};
#define KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))

/* One account, and its authorizations. */
typedef struct {
    const bench_options_t *options;
    int number, count;
    bench_acme_t acme;
    apr_pool_t *pool;
    const char **urls;
    const kind_t **kinds; /* the same */
    int made;
    const char *err;
} account_t;

struct bench_holes_t {
    const bench_options_t *options;
    account_t *accounts;
    apr_time_t began, ended; /* of the accepting */
};

/* bench_address_fn */
static const char *address_of(const char *name)
{
    char word[16];
    int i;

    for (i = 0; i < KINDS; i++) {
        apr_snprintf(word, sizeof(word), ".%s.hole.", kinds[i].name);
        if (strstr(name, word))
            return kinds[i].address;
    }
    return "127.0.0.1";
}

const char *bench_holes_serve(const bench_options_t *o, apr_pool_t *pool)
{
    return bench_nameserver_start("127.0.0.4", o->dns_port, address_of, pool);
}

static const char *listen_at(int *listener, const char *address, int port,
                             int backlog, apr_pool_t *pool)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    addr.sin_port = htons(port);
    inet_pton(AF_INET, address, &addr.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, backlog))
        return apr_psprintf(pool, "%s:%d: %s", address, port, strerror(errno));
    if (listener)
        *listener = fd;
    return NULL;
}

/* A listener whose queue is full does not answer any more. */
static const char *full_at(const char *address, int port, apr_pool_t *pool)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    const char *err = listen_at(NULL, address, port, 0, pool);
    int i;

    addr.sin_port = htons(port);
    inet_pton(AF_INET, address, &addr.sin_addr);
    for (i = 0; !err && i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
            errno != EINPROGRESS)
            err = "a queue cannot be filled";
    }
    return err;
}

typedef struct {
    int listener, port;
    const char *zone;
} leader_t;

/* Leads everybody who asks to https of a silent host. */
static void *leader_run(void *baton)
{
    const leader_t *leader = baton;
    char request[2048], answer[512];
    int len = apr_snprintf(answer, sizeof(answer),
                           "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                           "Location: https://h0.http.hole.%s:%d/x\r\n\r\n",
                           leader->zone, leader->port);

    for (;;) {
        int fd = accept(leader->listener, NULL, NULL);

        if (fd < 0)
            continue;
        if (recv(fd, request, sizeof(request), 0) > 0 &&
            send(fd, answer, (size_t)len, MSG_NOSIGNAL) == len)
            shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

static const char *leader_start(const bench_options_t *o, apr_pool_t *pool)
{
    leader_t *leader = apr_palloc(pool, sizeof(*leader));
    const char *err =
        listen_at(&leader->listener, "127.0.0.5", o->http_port, 65535, pool);
    pthread_t thread;

    leader->port = o->http_port;
    leader->zone = o->zone;
    if (!err && pthread_create(&thread, NULL, leader_run, leader))
        err = "no thread for redirects";
    return err;
}

static const char *sockets_open(const bench_options_t *o, apr_pool_t *pool)
{
    const char *err = listen_at(NULL, "127.0.0.2", o->http_port, 65535, pool);

    if (!err)
        err = full_at("127.0.0.3", o->http_port, pool);
    if (!err)
        err = leader_start(o, pool);
    if (!err && o->tls_port)
        err = listen_at(NULL, "127.0.0.2", o->tls_port, 65535, pool);
    return err;
}

/* In "a,b,c". */
static int has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    while (strncmp(words, word, len) || (words[len] && words[len] != ',')) {
        words += strcspn(words, ",");
        if (!*words++)
            return 0;
    }
    return 1;
}

static int kinds_find(const kind_t **list, const char *words)
{
    int i, n = 0;

    for (i = 0; i < KINDS; i++) {
        if (has_word(words, kinds[i].name))
            list[n++] = &kinds[i];
    }
    return n;
}

/* An order's authorizations: their challenges are accepted. */
static const char *order_accept(account_t *a, json_t *order, const kind_t *kind)
{
    json_t *authzs = json_object_get(order, "authorizations"), *url, *challenge;
    const char *err;
    size_t i;

    json_array_foreach(authzs, i, url)
    {
        a->urls[a->made] = apr_pstrdup(a->pool, json_string_value(url));
        a->kinds[a->made] = kind;
        err = bench_acme_post(&a->acme, a->urls[a->made], NULL);
        if (err)
            return err;
        challenge = bench_acme_challenge(&a->acme, kind->challenge);
        if (!challenge)
            return apr_pstrcat(a->pool, "no ", kind->challenge, NULL);
        err = bench_acme_post(
            &a->acme, json_string_value(json_object_get(challenge, "url")),
            "{}");
        if (err)
            return err;
        a->made++;
    }
    return NULL;
}

/* The n-th order; nobody is asked twice for the same name in vain. */
static const char *order_hang(account_t *a, const kind_t *kind, int n)
{
    int left = a->count - a->made, i;
    int count = left < BENCH_HOLES_NAMES ? left : BENCH_HOLES_NAMES;
    const char *names[BENCH_HOLES_NAMES], *err, *url;
    json_t *order;

    for (i = 0; i < count; i++)
        names[i] = apr_psprintf(
            a->acme.pool, "h%d%s.%s.hole.%s", i,
            kind->address ? ""
                          : apr_psprintf(a->acme.pool, "-%d-%d", a->number, n),
            kind->name, a->options->zone);
    err = bench_acme_order(&a->acme, names, count, NULL, &url, &order);
    return err ? err : order_accept(a, order, kind);
}

static void account_run(account_t *a)
{
    const kind_t *list[KINDS];
    int n = kinds_find(list, a->options->hole_kinds), i;

    a->err = bench_acme_init(&a->acme, a->options->directory,
                             a->options->ca_file, a->pool);
    if (!a->err)
        a->err = bench_acme_register(&a->acme);
    a->urls = apr_pcalloc(a->pool, a->count * sizeof(*a->urls));
    a->kinds = apr_pcalloc(a->pool, a->count * sizeof(*a->kinds));
    for (i = a->number; !a->err && a->made < a->count; i++) {
        a->err = order_hang(a, list[i % n], i);
        if (a->err)
            a->err = apr_pstrdup(a->pool, a->err);
        bench_acme_reset(&a->acme, 1);
    }
}

typedef struct {
    account_t *accounts;
    int first, step, count;
} part_t;

static void *part_run(void *baton)
{
    part_t *part = baton;
    int i;

    for (i = part->first; i < part->count; i += part->step)
        account_run(&part->accounts[i]);
    return NULL;
}

static void accounts_run(account_t *accounts, int count)
{
    int threads = count < THREADS_MAX ? count : THREADS_MAX, i;
    pthread_t thread[THREADS_MAX];
    part_t parts[THREADS_MAX];

    for (i = 0; i < threads; i++) {
        parts[i] = (part_t){accounts, i, threads, count};
        if (pthread_create(&thread[i], NULL, part_run, &parts[i]))
            parts[i].step = 0;
    }
    for (i = 0; i < threads; i++) {
        if (parts[i].step)
            pthread_join(thread[i], NULL);
    }
}

const char *bench_holes_start(bench_holes_t **holes, const bench_options_t *o,
                              apr_pool_t *pool)
{
    bench_holes_t *made = apr_pcalloc(pool, sizeof(*made));
    const kind_t *list[KINDS];
    const char *err;
    int i;

    if (!kinds_find(list, o->hole_kinds))
        return "there is no such kind of holes";
    err = sockets_open(o, pool);
    if (err)
        return err;
    *holes = made;
    made->options = o;
    made->accounts = apr_pcalloc(pool, o->hole_accounts * sizeof(account_t));
    for (i = 0; i < o->hole_accounts; i++) {
        made->accounts[i].options = o;
        made->accounts[i].number = i;
        made->accounts[i].count =
            o->holes / o->hole_accounts + (i < o->holes % o->hole_accounts);
        apr_pool_create_unmanaged_ex(&made->accounts[i].pool, NULL, NULL);
    }
    made->began = apr_time_now();
    accounts_run(made->accounts, o->hole_accounts);
    made->ended = apr_time_now();
    for (i = 0; !err && i < o->hole_accounts; i++)
        err = made->accounts[i].err;
    return err;
}

int bench_holes_hang(const bench_holes_t *holes, double seconds)
{
    return apr_time_now() + apr_time_from_msec((int)(seconds * 1000)) <
           holes->began + apr_time_from_sec(holes->options->hole_seconds);
}

typedef struct {
    int invalid, other;
    const char *word, *detail; /* of the last one */
} ends_t;

static const char *word_of(json_t *object, const char *name, apr_pool_t *pool)
{
    const char *word = json_string_value(json_object_get(object, name));

    return apr_pstrdup(pool, word ? word : "");
}

static void ends_count(ends_t *ends, account_t *a)
{
    int i;

    for (i = 0; i < a->made; i++) {
        ends_t *end = &ends[a->kinds[i] - kinds];
        const char *err = bench_acme_post(&a->acme, a->urls[i], NULL);
        json_t *challenge =
            err ? NULL : bench_acme_challenge(&a->acme, a->kinds[i]->challenge);
        json_t *error = json_object_get(challenge, "error");

        if (error &&
            !strcmp(word_of(a->acme.json, "status", a->acme.pool), "invalid"))
            end->invalid++;
        else
            end->other++;
        if (!end->word || !error) {
            end->word = error ? word_of(error, "type", a->pool)
                              : apr_pstrdup(a->pool, err ? err : "pending");
            end->detail = word_of(error, "detail", a->pool);
        }
        bench_acme_reset(&a->acme, 1);
    }
}

void bench_holes_end(bench_holes_t *holes)
{
    apr_time_t at =
        holes->ended + apr_time_from_sec(holes->options->hole_seconds + SLACK);
    apr_interval_time_t left = at - apr_time_now();
    ends_t ends[KINDS] = {{0, 0, NULL, NULL}};
    int i;

    if (left > 0)
        apr_sleep(left);
    for (i = 0; i < holes->options->hole_accounts; i++)
        ends_count(ends, &holes->accounts[i]);
    for (i = 0; i < KINDS; i++) {
        if (ends[i].word)
            printf("holes %s: %d ended by the time limit, %d did not; %s: %s\n",
                   kinds[i].name, ends[i].invalid, ends[i].other, ends[i].word,
                   ends[i].detail);
    }
    for (i = 0; i < holes->options->hole_accounts; i++) {
        bench_acme_done(&holes->accounts[i].acme);
        apr_pool_destroy(holes->accounts[i].pool);
    }
}
