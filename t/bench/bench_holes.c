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

/* For ends to be written down. */
#define SLACK 3
/* So many that did not are enough. */
#define OTHERS_MAX 50

typedef struct {
    const char *name, *challenge;
    const char *address; /* NULL: no name server knows it */
} kind_t;

static const kind_t kinds[] = {
    {"http", "http-01", "127.0.0.2"},  {"syn", "http-01", "127.0.0.3"},
    {"https", "http-01", "127.0.0.5"}, {"tls", "tls-alpn-01", "127.0.0.2"},
    {"dns", "dns-01", NULL},           {"name", "http-01", NULL}};
#define KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))

typedef struct {
    EVP_PKEY *key;
    const char *kid;
} account_t;

/* Some authorizations of one account, all of one kind. */
typedef struct {
    int account, number, count, made;
    const kind_t *kind;
    const char *urls[BENCH_HOLES_NAMES];
} order_t;

struct bench_holes_t {
    const bench_options_t *options;
    apr_pool_t *pool; /* under the lock */
    pthread_mutex_t lock;
    account_t *accounts;
    order_t *orders;
    int order_count, next;
    const char *err;
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

static const char *keep(bench_holes_t *holes, const char *text)
{
    pthread_mutex_lock(&holes->lock);
    text = apr_pstrdup(holes->pool, text);
    pthread_mutex_unlock(&holes->lock);
    return text;
}

/* Its authorizations: their challenges are accepted. */
static const char *order_accept(bench_holes_t *holes, bench_acme_t *acme,
                                order_t *o, json_t *order)
{
    json_t *authzs = json_object_get(order, "authorizations"), *url, *challenge;
    const char *err;
    size_t i;

    json_array_foreach(authzs, i, url)
    {
        o->urls[o->made] = keep(holes, json_string_value(url));
        err = bench_acme_post(acme, o->urls[o->made], NULL);
        if (err)
            return err;
        challenge = bench_acme_challenge(acme, o->kind->challenge);
        if (!challenge)
            return "a challenge is missing";
        err = bench_acme_post(
            acme, json_string_value(json_object_get(challenge, "url")), "{}");
        if (err)
            return err;
        o->made++;
    }
    return NULL;
}

/* Nobody is asked twice for the same name in vain. */
static const char *order_hang(bench_holes_t *holes, bench_acme_t *acme,
                              order_t *o)
{
    const char *names[BENCH_HOLES_NAMES], *err, *url;
    json_t *order;
    int i;

    for (i = 0; i < o->count; i++)
        names[i] = apr_psprintf(
            acme->pool, "h%d%s.%s.hole.%s", i,
            o->kind->address ? "" : apr_psprintf(acme->pool, "-%d", o->number),
            o->kind->name, holes->options->zone);
    err = bench_acme_order(acme, names, o->count, NULL, &url, &order);
    return err ? err : order_accept(holes, acme, o, order);
}

/* A client that comes as this account. */
static void become(bench_acme_t *acme, const account_t *account)
{
    bench_acme_reset(acme, 1);
    EVP_PKEY_up_ref(account->key);
    EVP_PKEY_free(acme->key);
    acme->key = account->key;
    acme->kid = account->kid;
}

static order_t *order_next(bench_holes_t *holes)
{
    order_t *order = NULL;

    pthread_mutex_lock(&holes->lock);
    if (holes->next < holes->order_count && !holes->err)
        order = &holes->orders[holes->next++];
    pthread_mutex_unlock(&holes->lock);
    return order;
}

static void *orders_run(void *baton)
{
    bench_holes_t *holes = baton;
    const char *err;
    bench_acme_t acme;
    apr_pool_t *pool;
    order_t *order;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    err = bench_acme_init(&acme, holes->options->directory,
                          holes->options->ca_file, pool);
    for (order = order_next(holes); !err && order; order = order_next(holes)) {
        become(&acme, &holes->accounts[order->account]);
        err = order_hang(holes, &acme, order);
    }
    if (err)
        holes->err = keep(holes, err);
    bench_acme_done(&acme);
    apr_pool_destroy(pool);
    return NULL;
}

static const char *accounts_make(bench_holes_t *holes)
{
    const bench_options_t *o = holes->options;
    bench_acme_t acme;
    const char *err =
        bench_acme_init(&acme, o->directory, o->ca_file, holes->pool);
    int i;

    for (i = 0; !err && i < o->hole_accounts; i++) {
        err = bench_acme_register(&acme);
        if (err)
            break;
        EVP_PKEY_up_ref(acme.key);
        holes->accounts[i].key = acme.key;
        holes->accounts[i].kid = apr_pstrdup(holes->pool, acme.kid);
        bench_acme_reset(&acme, 0);
    }
    if (err)
        err = apr_pstrdup(holes->pool, err);
    bench_acme_done(&acme);
    return err;
}

/* By turns of accounts and of kinds. */
static void orders_make(bench_holes_t *holes, const kind_t **kind, int kind_n)
{
    const bench_options_t *o = holes->options;
    int share = (o->holes + o->hole_accounts - 1) / o->hole_accounts;
    int size = share < BENCH_HOLES_NAMES ? share : BENCH_HOLES_NAMES, left, i;

    holes->order_count = (o->holes + size - 1) / size;
    holes->orders =
        apr_pcalloc(holes->pool, holes->order_count * sizeof(order_t));
    for (i = 0, left = o->holes; i < holes->order_count; i++, left -= size) {
        order_t *order = &holes->orders[i];

        order->number = i;
        order->account = i % o->hole_accounts;
        order->kind = kind[(i / o->hole_accounts + order->account) % kind_n];
        order->count = left < size ? left : size;
    }
}

static const char *make(bench_holes_t **holes, const bench_options_t *o,
                        apr_pool_t *pool)
{
    bench_holes_t *made = apr_pcalloc(pool, sizeof(*made));
    const kind_t *list[KINDS];
    int n = kinds_find(list, o->hole_kinds);
    const char *err = n ? sockets_open(o, pool) : "there is no such kind";

    if (err)
        return err;
    *holes = made;
    made->options = o;
    made->pool = pool;
    pthread_mutex_init(&made->lock, NULL);
    made->accounts = apr_pcalloc(pool, o->hole_accounts * sizeof(account_t));
    orders_make(made, list, n);
    return accounts_make(made);
}

const char *bench_holes_start(bench_holes_t **holes, const bench_options_t *o,
                              apr_pool_t *pool)
{
    const char *err = make(holes, o, pool);
    pthread_t threads[BENCH_HOLES_CLIENTS];
    int i;

    if (err)
        return err;
    (*holes)->began = apr_time_now();
    for (i = 0; i < BENCH_HOLES_CLIENTS; i++) {
        if (pthread_create(&threads[i], NULL, orders_run, *holes))
            return "too few threads";
    }
    for (i = 0; i < BENCH_HOLES_CLIENTS; i++)
        pthread_join(threads[i], NULL);
    (*holes)->ended = apr_time_now();
    return (*holes)->err;
}

double bench_holes_took(const bench_holes_t *holes)
{
    return (double)(holes->ended - holes->began) / APR_USEC_PER_SEC;
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

static void end_take(ends_t *end, bench_acme_t *acme, const kind_t *kind,
                     const char *err, apr_pool_t *pool)
{
    json_t *challenge =
        err ? NULL : bench_acme_challenge(acme, kind->challenge);
    json_t *error = json_object_get(challenge, "error");

    if (error && !strcmp(word_of(acme->json, "status", acme->pool), "invalid"))
        end->invalid++;
    else
        end->other++;
    if (end->word && error)
        return;
    end->word =
        error ? word_of(error, "type", pool)
              : apr_pstrdup(pool, err ? err : "it is not over, or without one");
    end->detail = word_of(error, "detail", pool);
}

static int others(const ends_t *ends)
{
    int i, count = 0;

    for (i = 0; i < KINDS; i++)
        count += ends[i].other;
    return count;
}

static void ends_take(ends_t *ends, bench_holes_t *holes)
{
    bench_acme_t acme;
    const char *err = bench_acme_init(&acme, holes->options->directory,
                                      holes->options->ca_file, holes->pool);
    int i, k;

    for (i = 0; !err && i < holes->order_count; i++) {
        const order_t *order = &holes->orders[i];

        for (k = 0; k < order->made && others(ends) < OTHERS_MAX; k++) {
            become(&acme, &holes->accounts[order->account]);
            end_take(&ends[order->kind - kinds], &acme, order->kind,
                     bench_acme_post(&acme, order->urls[k], NULL), holes->pool);
        }
    }
    bench_acme_done(&acme);
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
    ends_take(ends, holes);
    for (i = 0; i < KINDS; i++) {
        if (ends[i].word)
            printf("holes %s: %d ended by the time limit, %d did not; %s: %s\n",
                   kinds[i].name, ends[i].invalid, ends[i].other, ends[i].word,
                   ends[i].detail);
    }
    for (i = 0; i < holes->options->hole_accounts; i++)
        EVP_PKEY_free(holes->accounts[i].key);
}
