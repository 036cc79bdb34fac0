/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "base/clock.h"
#include "tap.h"

/* The machine's clock, as APR reads it: somebody sets it all the time. */
int gettimeofday(struct timeval *tv, void *tz)
{
    static int days;

    tv->tv_sec = time(NULL) + 86400 * (days++ % 7);
    tv->tv_usec = 0;
    return 0;
}

static const char *path_make(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
}

static void identity(apr_pool_t *pool)
{
    const char *a = path_make("a", pool), *b = path_make("b", pool);
    store_file_t first, second;

    ok(APR_STATUS_IS_ENOENT(store_file_find(&first, a)));
    is_int(store_file_create(a), APR_SUCCESS);
    ok(APR_STATUS_IS_EEXIST(store_file_create(a)));
    is_int(store_file_find(&first, a), APR_SUCCESS);
    is_int(store_file_create(b), APR_SUCCESS);
    is_int(store_file_find(&second, b), APR_SUCCESS);
    ok(!store_file_is(&first, &second));
    is_int(rename(a, b), 0);
    is_int(store_file_find(&second, b), APR_SUCCESS);
    ok(store_file_is(&first, &second));
    ok(store_file_create(path_make("none/a", pool)) != APR_SUCCESS);
}

static void marks(apr_pool_t *pool)
{
    store_lock_t lock, other;

    store_lock_init(&lock, path_make("m.lock", pool));
    store_lock_init(&other, lock.path);
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    is_int(lock.state, STORE_LOCK_NEW);
    store_lock_mark(&lock, STORE_LOCK_ILL); /* it could not be made */
    store_lock_release(&lock);
    is_int(store_lock_take(&other, apr_time_from_sec(2)), APR_SUCCESS);
    is_int(other.state, STORE_LOCK_NEW);
    store_lock_mark(&other, STORE_LOCK_WELL);
    store_lock_release(&other);
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    is_int(lock.state, STORE_LOCK_WELL);
    store_lock_mark(&lock, STORE_LOCK_ILL);
    store_lock_release(&lock);
    is_int(store_lock_take(&other, apr_time_from_sec(2)), APR_SUCCESS);
    is_int(other.state, STORE_LOCK_ILL);
    ok(store_lock_is_marked(&lock));
    store_lock_release(&other);
    store_lock_close(&lock);
    store_lock_close(&other);
}

static void exclusion(apr_pool_t *pool)
{
    store_lock_t lock, other;
    apr_time_t start = clock_now(&clock_monotonic), took;

    store_lock_init(&lock, path_make("e.lock", pool));
    store_lock_init(&other, lock.path);
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    is_int(store_lock_take(&other, apr_time_from_sec(2)), APR_TIMEUP);
    took = clock_now(&clock_monotonic) - start;
    ok(took > apr_time_from_msec(1900) && took < apr_time_from_msec(3500));
    store_lock_release(&lock);
    is_int(store_lock_take(&other, apr_time_from_sec(2)), APR_SUCCESS);
    ok(!other.waited_long);
    store_lock_close(&lock);
    store_lock_close(&other);
}

static void death(apr_pool_t *pool)
{
    store_lock_t lock;
    int ends[2];
    char octet;
    pid_t child;

    store_lock_init(&lock, path_make("d.lock", pool));
    need(pipe(ends) == 0);
    child = fork();
    if (child == 0) {
        if (store_lock_take(&lock, apr_time_from_sec(2)) == APR_SUCCESS &&
            write(ends[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    is_int(read(ends[0], &octet, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    store_lock_close(&lock);
}

static void removed(apr_pool_t *pool)
{
    store_lock_t lock, other;
    struct stat st;

    store_lock_init(&lock, path_make("r.lock", pool));
    store_lock_init(&other, lock.path);
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    store_lock_mark(&lock, STORE_LOCK_WELL);
    store_lock_release(&lock);
    is_int(unlink(lock.path), 0);
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    is_int(lock.state, STORE_LOCK_NEW);
    is_int(stat(lock.path, &st), 0);
    store_lock_close(&lock);
    is_int(unlink(other.path), 0);
    is_int(mkdir(other.path, 0700), 0);
    ok(store_lock_take(&other, apr_time_from_sec(2)) != APR_SUCCESS);
    store_lock_close(&other);
}

const tap_case_t tap_cases[] = {
    {"a file is known by what it is, not by its name", identity},
    {"the lock file tells others how it went", marks},
    {"nobody waits for ever for the lock", exclusion},
    {"the lock of a killed process is free", death},
    {"a lock file that was removed is made again", removed},
    {NULL, NULL}};
