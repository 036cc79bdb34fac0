/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_file.h"

#include <apr_time.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/token.h"

#include "base/banned.h"

/* flock() cannot wait with a limit, so it is asked again and again.  Whoever
 * had to wait the last time takes a nap before he asks at all: otherwise he
 * would have it again before any of those wakes who wait for him. */
#define WAIT_LEAST apr_time_from_msec(100)
#define WAIT_LONG  apr_time_from_msec(400)
#define NAP        100
#define NAP_LONG   1000
#define NAPS_MAX   20000

static const char line[] =
    "+ The database was made. While this file says so, a database that is "
    "gone is reported and not made again.\n";
#define MARK_AT  (sizeof(line) - 1)
#define MARK_LEN 16

apr_status_t store_file_find(store_file_t *file, const char *path)
{
    struct stat st;

    memset(file, 0, sizeof(*file));
    if (stat(path, &st) != 0)
        return errno;
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    return APR_SUCCESS;
}

int store_file_is(const store_file_t *a, const store_file_t *b)
{
    return a->ino == b->ino && a->dev == b->dev;
}

apr_status_t store_file_create(const char *path)
{
    apr_status_t rv = APR_SUCCESS;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    if (fchmod(fd, 0600) != 0)
        rv = errno;
    close(fd);
    return rv;
}

void store_lock_init(store_lock_t *lock, const char *path)
{
    memset(lock, 0, sizeof(*lock));
    lock->path = path;
    lock->fd = -1;
}

void store_lock_close(store_lock_t *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}

static apr_status_t lock_open(store_lock_t *lock)
{
    struct stat st;

    if (lock->fd >= 0 && fstat(lock->fd, &st) == 0 && st.st_nlink > 0)
        return APR_SUCCESS;
    store_lock_close(lock);
    lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock->fd < 0)
        return errno;
    if (fstat(lock->fd, &st) == 0 && (st.st_mode & 0777) != 0600)
        fchmod(lock->fd, 0600); /* the umask; not if it is another user's */
    return APR_SUCCESS;
}

static apr_status_t lock_wait(store_lock_t *lock, apr_interval_time_t patience)
{
    apr_time_t waited = 0, start = 0;
    int naps;

    if (lock->is_contended)
        apr_sleep(NAP);
    for (naps = 0; naps < NAPS_MAX && waited < patience; naps++) {
        if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) {
            lock->waited_long = waited > WAIT_LONG;
            lock->is_contended = naps > 0;
            return APR_SUCCESS;
        }
        if (errno != EWOULDBLOCK && errno != EINTR)
            return errno;
        if (!naps)
            start = clock_now(&clock_monotonic);
        apr_sleep(waited < WAIT_LONG ? NAP : NAP_LONG);
        waited = clock_now(&clock_monotonic) - start;
    }
    return APR_TIMEUP;
}

apr_status_t store_lock_take(store_lock_t *lock, apr_interval_time_t patience)
{
    apr_status_t rv = lock_open(lock);

    if (rv == APR_SUCCESS)
        rv = lock_wait(lock, patience > WAIT_LEAST ? patience : WAIT_LEAST);
    if (rv != APR_SUCCESS)
        return rv;
    if (pread(lock->fd, &lock->state, 1, 0) != 1)
        lock->state = STORE_LOCK_NEW;
    return APR_SUCCESS;
}

int store_lock_is_marked(const store_lock_t *lock)
{
    int fd = open(lock->path, O_RDONLY | O_CLOEXEC);
    char state;
    int is_marked = fd >= 0 && pread(fd, &state, 1, 0) == 1;

    if (fd >= 0)
        close(fd);
    return is_marked;
}

void store_lock_release(store_lock_t *lock)
{
    flock(lock->fd, LOCK_UN);
}

void store_lock_mark(store_lock_t *lock, char state)
{
    ssize_t done;

    if (state == lock->state ||
        (lock->state == STORE_LOCK_NEW && state == STORE_LOCK_ILL))
        return; /* a database that could not be made was not made */
    if (lock->state == STORE_LOCK_NEW) {
        done = pwrite(lock->fd, line, sizeof(line) - 1, 0);
        lock->state = done > 0 ? STORE_LOCK_WELL : STORE_LOCK_NEW;
    }
    if (lock->state != STORE_LOCK_NEW && state != lock->state &&
        pwrite(lock->fd, &state, 1, 0) == 1)
        lock->state = state;
}

void store_mark_replace(const store_lock_t *lock)
{
    unsigned char random[MARK_LEN / 4 * 3];
    char text[MARK_LEN + 1];
    ssize_t done;

    token_bytes(random, sizeof(random));
    EVP_EncodeBlock((unsigned char *)text, random, sizeof(random));
    do {
        done = pwrite(lock->fd, text, MARK_LEN, MARK_AT);
    } while (done < 0 && errno == EINTR);
}

int store_mark_read(char *found, int *fd, const char *path)
{
    ssize_t len;

    if (*fd < 0)
        *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return 0;
    memset(found, 0, MARK_LEN);
    len = pread(*fd, found, MARK_LEN, MARK_AT);
    return len == 0 || len == MARK_LEN;
}

void store_mark_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
