/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_nonce.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/b64url.h"
#include "tap.h"

#define SLOTS   64
#define THREADS 8

typedef char text_t[ACME_NONCE_LEN + 1];

/* Zeroed memory, as a slotmem segment is at first. */
static void *region_make(apr_uint32_t slots, apr_pool_t *pool)
{
    char *memory = apr_pcalloc(pool, acme_nonce_size(slots) + 64);

    return memory + (64 - (apr_uintptr_t)memory % 64) % 64;
}

static acme_nonce_t *nonces_make(apr_uint32_t slots, apr_pool_t *pool)
{
    return acme_nonce_attach(region_make(slots, pool), slots, pool);
}

static void once(apr_pool_t *pool)
{
    acme_nonce_t *nonces = nonces_make(SLOTS, pool);
    text_t text[SLOTS];
    int i, round;

    for (round = 0; round < 100; round++) {
        for (i = 0; i < SLOTS; i++)
            acme_nonce_issue(nonces, text[i]);
        for (i = SLOTS - 1; i >= 0; i--)
            is_int(acme_nonce_redeem(nonces, text[i]), 1);
        for (i = 0; i < SLOTS; i++)
            is_int(acme_nonce_redeem(nonces, text[i]), 0);
    }
}

static void shape(apr_pool_t *pool)
{
    acme_nonce_t *nonces = nonces_make(SLOTS, pool);
    const unsigned char *raw;
    text_t text, last = "";
    apr_size_t len;
    int i;

    for (i = 0; i < 1000; i++) {
        memset(text, 'x', sizeof(text));
        acme_nonce_issue(nonces, text);
        is_int(strlen(text), ACME_NONCE_LEN);
        ok(!strchr(text, ',') && !strchr(text, '='));
        ok(b64url_decode(&raw, &len, text, strlen(text), pool) == APR_SUCCESS);
        is_int(len, 12);
        is_str(b64url_encode(raw, len, pool), text);
        ok(strcmp(text, last));
        memcpy(last, text, sizeof(text));
    }
}

/* As many are good as there are slots; the oldest go first. */
static void overrun(apr_pool_t *pool)
{
    acme_nonce_t *nonces = nonces_make(SLOTS, pool);
    text_t text[3 * SLOTS];
    int i;

    for (i = 0; i < 3 * SLOTS; i++)
        acme_nonce_issue(nonces, text[i]);
    for (i = 0; i < 2 * SLOTS; i++)
        is_int(acme_nonce_redeem(nonces, text[i]), 0);
    for (; i < 3 * SLOTS; i++)
        is_int(acme_nonce_redeem(nonces, text[i]), 1);
}

/* The counter (the region's first word) comes round after 2^64. */
static void counter_wraps(apr_pool_t *pool)
{
    apr_uint64_t *region = region_make(7, pool);
    acme_nonce_t *nonces = acme_nonce_attach(region, 7, pool);
    text_t text[7];
    int i, round;

    *region = ~(apr_uint64_t)0 - 20;
    for (round = 0; round < 50; round++) {
        acme_nonce_issue(nonces, text[0]);
        is_int(acme_nonce_redeem(nonces, text[0]), 1);
        is_int(acme_nonce_redeem(nonces, text[0]), 0);
    }
    ok(*region < 50);
    for (i = 0; i < 7; i++)
        acme_nonce_issue(nonces, text[i]);
    for (i = 0; i < 7; i++)
        is_int(acme_nonce_redeem(nonces, text[i]), 1);
}

/* Nothing is written outside the region, however many are issued. */
static void memory_fixed(apr_pool_t *pool)
{
    static const apr_uint32_t sizes[] = {1, 2, 3, 16, 1000, 0};
    acme_nonce_t *nonces;
    char *memory;
    text_t text;
    apr_size_t size, k;
    int i, n;

    for (i = 0; sizes[i]; i++) {
        size = acme_nonce_size(sizes[i]);
        ok(size >= 8 * sizes[i] && size <= 8 * sizes[i] + 64);
        memory = apr_palloc(pool, size + 256);
        memory += (64 - (apr_uintptr_t)memory % 64) % 64;
        memset(memory, 0, size);
        memset(memory + size, 0x55, 128);
        nonces = acme_nonce_attach(memory, sizes[i], pool);
        for (n = 0; n < 5000; n++)
            acme_nonce_issue(nonces, text);
        is_int(acme_nonce_redeem(nonces, text), 1);
        for (k = 0; k < 128; k++)
            ok(memory[size + k] == 0x55);
    }
}

static void garbage(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "",
        "A",
        "AAAA",
        "AAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAA",  /* slot 0, the value of an empty one */
        "AAAAAQAAAAAAAAAA",  /* slot 1 */
        "AAAAAAAAAAAAAAAAA", /* 17 */
        "AAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAA=",
        "____________AAAA",
        "________________", /* slot 2^32 - 1 */
        "AAAAQAAAAAAAAAAB", /* slot 64: the first that is not there */
        "++++++++++++++++",
        "////////////////",
        "AAAA AAAA AAAA A",
        "AAAAAAAA\nAAAAAAA",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "not a nonce, but a long text that somebody sent instead of one",
        NULL};
    acme_nonce_t *nonces = nonces_make(SLOTS, pool);
    text_t text, other;
    int i, k;

    for (i = 0; bad[i]; i++)
        is_int(acme_nonce_redeem(nonces, bad[i]), 0);
    for (i = 0; i < 200; i++)
        acme_nonce_issue(nonces, text);
    for (i = 0; bad[i]; i++)
        is_int(acme_nonce_redeem(nonces, bad[i]), 0);
    /* every character of a good one counts */
    for (i = 0; i < ACME_NONCE_LEN; i++) {
        for (k = 0; k < 6; k++) {
            memcpy(other, text, sizeof(other));
            other[i] = "A-_+/="[k];
            if (other[i] != text[i])
                is_int(acme_nonce_redeem(nonces, other), 0);
        }
    }
    is_int(acme_nonce_redeem(nonces, text), 1);
}

/* Text in the other base64 alphabet names no nonce (R3: one spelling). */
static void other_alphabet(apr_pool_t *pool)
{
    acme_nonce_t *nonces = nonces_make(SLOTS, pool);
    text_t text, other;
    int tried = 0;
    char *c;

    while (tried < 20) {
        acme_nonce_issue(nonces, text);
        memcpy(other, text, sizeof(other));
        for (c = other; *c; c++)
            *c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
        if (strcmp(text, other)) {
            is_int(acme_nonce_redeem(nonces, other), 0);
            tried++;
        }
        is_int(acme_nonce_redeem(nonces, text), 1);
    }
}

typedef struct {
    acme_nonce_t *nonces, *next; /* next: those after a restart, or NULL */
    text_t *text;
    int count;
    atomic_int *hits; /* per nonce */
    atomic_int *go;
    unsigned int seed;
} work_t;

static void *redeem_all(void *data)
{
    work_t *work = data;
    int i, k;

    while (!atomic_load(work->go))
        ;
    for (i = 0; i < work->count; i++) {
        k = rand_r(&work->seed) % 4
                ? i
                : (int)(rand_r(&work->seed) % (unsigned int)work->count);
        atomic_fetch_add(&work->hits[k],
                         acme_nonce_redeem(work->nonces, work->text[k]));
        if (work->next)
            atomic_fetch_add(&work->hits[k],
                             acme_nonce_redeem(work->next, work->text[k]));
    }
    return NULL;
}

static void threads_start(pthread_t *threads, work_t *works, const work_t *work)
{
    int i;

    for (i = 0; i < THREADS; i++) {
        works[i] = *work;
        works[i].seed = (unsigned int)i + 1;
        ok(pthread_create(&threads[i], NULL, redeem_all, &works[i]) == 0);
    }
}

static void threads_join(pthread_t *threads)
{
    int i;

    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void many_threads(apr_pool_t *pool)
{
    enum { COUNT = 20000 };
    acme_nonce_t *nonces = nonces_make(COUNT, pool);
    text_t *text = apr_palloc(pool, COUNT * sizeof(text_t));
    atomic_int *hits = apr_pcalloc(pool, COUNT * sizeof(atomic_int));
    atomic_int go = 0;
    work_t works[THREADS];
    work_t work = {nonces, NULL, text, COUNT, hits, &go, 0};
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < COUNT; i++)
        acme_nonce_issue(nonces, text[i]);
    threads_start(threads, works, &work);
    atomic_store(&go, 1);
    threads_join(threads);
    for (i = 0; i < COUNT; i++)
        atomic_fetch_add(&hits[i], acme_nonce_redeem(nonces, text[i]));
    for (i = 0; i < COUNT; i++)
        ok(hits[i] == 1, "nonce %d: %d times", i, hits[i]);
}

static void *issue_many(void *data)
{
    work_t *work = data;
    int i;

    while (!atomic_load(work->go))
        ;
    for (i = 0; i < work->count; i++)
        acme_nonce_issue(work->nonces, work->text[i]);
    return NULL;
}

/* Issuing side by side: none is lost, none is given twice. */
static void many_issuers(apr_pool_t *pool)
{
    enum { EACH = 5000 };
    acme_nonce_t *nonces = nonces_make(THREADS * EACH, pool);
    text_t *text = apr_palloc(pool, THREADS * EACH * sizeof(text_t));
    atomic_int go = 0;
    work_t works[THREADS];
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        works[i] = (work_t){nonces, NULL, text + i * EACH, EACH, NULL, &go, 0};
        ok(pthread_create(&threads[i], NULL, issue_many, &works[i]) == 0);
    }
    atomic_store(&go, 1);
    threads_join(threads);
    for (i = 0; i < THREADS * EACH; i++)
        ok(acme_nonce_redeem(nonces, text[i]) == 1, "nonce %d", i);
}

/* T22: whatever process issued it.  Each child exits with its count. */
static void processes(apr_pool_t *pool)
{
    enum { COUNT = 100, CHILDREN = 4 };
    void *shared = mmap(NULL, acme_nonce_size(COUNT), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    acme_nonce_t *nonces = acme_nonce_attach(shared, COUNT, pool);
    text_t text[COUNT];
    pid_t child[CHILDREN];
    int i, k, sum = 0, status;

    for (i = 0; i < COUNT; i++)
        acme_nonce_issue(nonces, text[i]);
    for (k = 0; k < CHILDREN; k++) {
        child[k] = fork();
        if (child[k] == 0) {
            nonces = acme_nonce_attach(shared, COUNT, pool);
            for (i = 0; i < COUNT; i++)
                sum += acme_nonce_redeem(nonces, text[i]);
            _exit(sum);
        }
    }
    for (k = 0; k < CHILDREN; k++) {
        ok(waitpid(child[k], &status, 0) == child[k] && WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    is_int(sum, COUNT);
    munmap(shared, acme_nonce_size(COUNT));
}

static void move_between(apr_uint32_t before, apr_uint32_t after,
                         apr_pool_t *pool)
{
    acme_nonce_t *from = nonces_make(before, pool);
    acme_nonce_t *to = nonces_make(after, pool);
    text_t *text = apr_palloc(pool, before * sizeof(text_t)), more;
    apr_uint32_t i;

    for (i = 0; i < before; i++)
        acme_nonce_issue(from, text[i]);
    is_int(acme_nonce_redeem(from, text[0]), 1);
    acme_nonce_move(to, from);
    for (i = 0; i < before; i++)
        is_int(acme_nonce_redeem(from, text[i]), 0);
    for (i = 0; i < before; i++)
        is_int(acme_nonce_redeem(to, text[i]), i > 0 && i < after);
    for (i = 0; i < before; i++)
        is_int(acme_nonce_redeem(to, text[i]), 0);
    for (i = 0; i < 3 * after; i++) {
        acme_nonce_issue(to, more);
        is_int(acme_nonce_redeem(to, more), 1);
    }
}

static void moves(apr_pool_t *pool)
{
    move_between(64, 64, pool);
    move_between(64, 100, pool);
    move_between(64, 16, pool);
    move_between(7, 64, pool);
    move_between(1, 1, pool);
}

/* The new generation overruns the oldest of those that were moved first. */
static void move_order(apr_pool_t *pool)
{
    acme_nonce_t *from = nonces_make(10, pool), *to = nonces_make(10, pool);
    text_t text[14], more;
    int i;

    for (i = 0; i < 14; i++)
        acme_nonce_issue(from, text[i]);
    acme_nonce_move(to, from);
    for (i = 0; i < 3; i++)
        acme_nonce_issue(to, more);
    for (i = 4; i < 14; i++)
        is_int(acme_nonce_redeem(to, text[i]), i >= 7);
}

/* H: a graceful restart while the old children are at work. */
static void move_meanwhile(apr_uint32_t after, apr_pool_t *pool)
{
    enum { COUNT = 20000 };
    acme_nonce_t *from = nonces_make(COUNT, pool);
    acme_nonce_t *to = nonces_make(after, pool);
    text_t *text = apr_palloc(pool, COUNT * sizeof(text_t));
    atomic_int *hits = apr_pcalloc(pool, COUNT * sizeof(atomic_int));
    atomic_int go = 0;
    work_t works[THREADS];
    work_t work = {from, to, text, COUNT, hits, &go, 0};
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < COUNT; i++)
        acme_nonce_issue(from, text[i]);
    threads_start(threads, works, &work);
    atomic_store(&go, 1);
    acme_nonce_move(to, from);
    threads_join(threads);
    for (i = 0; i < COUNT; i++) {
        atomic_fetch_add(&hits[i], acme_nonce_redeem(from, text[i]));
        atomic_fetch_add(&hits[i], acme_nonce_redeem(to, text[i]));
        ok(hits[i] == 1 || (hits[i] == 0 && (apr_uint32_t)i >= after),
           "nonce %d: %d times", i, hits[i]);
    }
}

static void moves_meanwhile(apr_pool_t *pool)
{
    int round;

    for (round = 0; round < 5; round++) {
        move_meanwhile(20000, pool);
        move_meanwhile(30000, pool);
        move_meanwhile(1000, pool);
    }
}

/* Three generations one after the other, as httpd makes them: none's nonces
 * drive out another's. */
static void generations(apr_pool_t *pool)
{
    acme_nonce_t *kept = nonces_make(2 * SLOTS, pool);
    text_t text[3 * 10];
    int i, k;

    for (i = 0; i < 3; i++) {
        acme_nonce_t *own = nonces_make(SLOTS, pool);

        acme_nonce_follow(own, kept);
        for (k = 0; k < 10; k++)
            acme_nonce_issue(own, text[10 * i + k]);
        is_int(acme_nonce_redeem(own, text[10 * i]), 1);
        acme_nonce_move(kept, own);
        is_int(acme_nonce_redeem(own, text[10 * i + 1]), 1);
        is_int(acme_nonce_redeem(own, text[10 * i + 1]), 0);
    }
    for (i = 0; i < 3 * 10; i++)
        is_int(acme_nonce_redeem(kept, text[i]), i % 10 > 1);
}

/* Issued by processes whose region was moved: no restart drives them out. */
static void left(apr_pool_t *pool)
{
    acme_nonce_t *kept = nonces_make(2 * SLOTS, pool);
    acme_nonce_t *old = nonces_make(SLOTS, pool);
    acme_nonce_t *new = nonces_make(SLOTS, pool);
    text_t late[10], text;
    int i;

    acme_nonce_follow(old, kept);
    acme_nonce_move(kept, old);
    for (i = 0; i < 10; i++)
        acme_nonce_issue(old, late[i]);
    acme_nonce_follow(new, kept);
    for (i = 0; i < 2 * SLOTS; i++)
        acme_nonce_issue(new, text);
    acme_nonce_move(kept, new);
    is_int(acme_nonce_redeem(old, late[0]), 1);
    is_int(acme_nonce_redeem(new, late[0]), 0);
    for (i = 1; i < 10; i++)
        is_int(acme_nonce_redeem(new, late[i]), 1);
}

/* Nobody to give them to: they stay where they are. */
static void left_alone(apr_pool_t *pool)
{
    acme_nonce_t *nonces = nonces_make(SLOTS, pool);
    text_t text;

    acme_nonce_move(nonces_make(SLOTS, pool), nonces);
    acme_nonce_issue(nonces, text);
    is_int(acme_nonce_redeem(nonces, text), 1);
}

const tap_case_t tap_cases[] = {
    {"T21 a nonce is good once", once},
    {"R3 one spelling, base64url of 12 octets, never the same", shape},
    {"R5 a nonce lives until its slot comes round", overrun},
    {"the counter may wrap", counter_wraps},
    {"the memory is fixed, whatever is issued", memory_fixed},
    {"T19 text that is no nonce", garbage},
    {"R3 the other base64 alphabet names none", other_alphabet},
    {"T21 many threads, each nonce once", many_threads},
    {"many threads issue, none is lost", many_issuers},
    {"T22 many processes, each nonce once", processes},
    {"T22 moved to a region of another size", moves},
    {"T22 moved: the oldest are overrun first", move_order},
    {"T22 moved while threads redeem: each at most once", moves_meanwhile},
    {"T22 generation after generation", generations},
    {"T22 issued after the move: good in the next generation", left},
    {"issued after the move, without an older region", left_alone},
    {NULL, NULL}};
