/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_thread.c"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "tap.h"

static struct {
    int is_used;   /* OpenSSL did something for the thread */
    int is_killed; /* a SIGTERM would be its own */
    atomic_int is_left, late;
} scene;

static _Thread_local int is_over;

static void *take(size_t size, const char *file, int line)
{
    return malloc(size);
}

static void *retake(void *was, size_t size, const char *file, int line)
{
    return realloc(was, size);
}

/* What a thread gives back when it is over. */
static void give(void *was, const char *file, int line)
{
    atomic_fetch_add(&scene.late, is_over);
    free(was);
}

static void left(void *baton)
{
    atomic_store(&scene.is_left, 1);
}

static void *APR_THREAD_FUNC run(apr_thread_t *self, void *baton)
{
    static pthread_key_t last; /* made after OpenSSL's, and called after it */
    unsigned char octets[16];
    sigset_t blocked;

    scene.is_used = RAND_bytes(octets, sizeof(octets)) == 1;
    pthread_key_create(&last, left);
    pthread_setspecific(last, &scene);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    scene.is_killed = !sigismember(&blocked, SIGTERM);
    httpd_thread_end();
    is_over = 1;
    return NULL;
}

static void ends(apr_pool_t *pool)
{
    int i;

    need(CRYPTO_set_mem_functions(take, retake, give));
    need(httpd_thread_start(run, NULL, pool) == APR_SUCCESS);
    for (i = 0; i < 3000 && !atomic_load(&scene.is_left); i++)
        usleep(10000);
    need(atomic_load(&scene.is_left));
    ok(scene.is_used);
    ok(!scene.is_killed);
    is_int(atomic_load(&scene.late), 0);
}

const tap_case_t tap_cases[] = {
    {"H11 a thread that says that it is over has nothing left of OpenSSL's",
     ends},
    {NULL, NULL}};
