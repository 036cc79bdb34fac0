/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_pub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/banned.h"

/* Some hundred thousand entries of a list. */
#define SIZE_MAX_READ (64 * 1024 * 1024)
#define LOCK_NAME     ".lock"
#define TEMP_NAME     ".new"

static const char *path_of(const acme_conf_t *conf, const char *name,
                           apr_pool_t *pool)
{
    return apr_pstrcat(pool, conf->state_dir, "/pub/", name, NULL);
}

int acme_pub_lock(const acme_conf_t *conf, apr_pool_t *pool)
{
    const char *path = path_of(conf, LOCK_NAME, pool);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && errno == ENOENT && mkdir(path_of(conf, "", pool), 0700) == 0)
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void acme_pub_unlock(int lock)
{
    close(lock);
}

static int write_all(int fd, const char *data, apr_size_t len)
{
    while (len) {
        ssize_t done = write(fd, data, len);

        if (done < 0 && errno != EINTR)
            return 0;
        if (done > 0) {
            data += done;
            len -= (apr_size_t)done;
        }
    }
    return fsync(fd) == 0;
}

static int is_there(const acme_conf_t *conf, const char *name, const void *data,
                    apr_size_t len, apr_pool_t *pool)
{
    const char *old;
    apr_size_t old_len;
    apr_int64_t modified;

    return acme_pub_read(&old, &old_len, &modified, conf, name, pool) ==
               APR_SUCCESS &&
           /* NOLINTNEXTLINE(clang-analyzer-core*): errno was not 0 */
           old_len == len && !memcmp(old, data, len);
}

/* Its caller has the lock, so there is one temporary file at a time. */
apr_status_t acme_pub_write(const acme_conf_t *conf, const char *name,
                            const void *data, apr_size_t len, apr_pool_t *pool)
{
    const char *temp = path_of(conf, TEMP_NAME, pool);
    int fd, error = 0;

    if (is_there(conf, name, data, len, pool))
        return APR_SUCCESS;
    fd =
        open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return errno;
    if (!write_all(fd, data, len))
        error = errno;
    if (close(fd) != 0 && !error)
        error = errno;
    if (!error && rename(temp, path_of(conf, name, pool)) != 0)
        error = errno;
    if (error)
        unlink(temp);
    return error;
}

static apr_status_t file_read(char *data, apr_size_t len, int fd)
{
    while (len) {
        ssize_t done = read(fd, data, len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done ? errno : APR_EOF;
        data += done;
        len -= (apr_size_t)done;
    }
    return APR_SUCCESS;
}

apr_status_t acme_pub_read(const char **data, apr_size_t *len,
                           apr_int64_t *modified, const acme_conf_t *conf,
                           const char *name, apr_pool_t *pool)
{
    int fd = open(path_of(conf, name, pool),
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    apr_status_t rv = APR_SUCCESS;
    struct stat st;
    char *octets;

    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0)
        rv = errno;
    else if (!S_ISREG(st.st_mode) || st.st_size > SIZE_MAX_READ)
        rv = APR_EGENERAL;
    if (rv == APR_SUCCESS) {
        *len = (apr_size_t)st.st_size;
        *modified = (apr_int64_t)st.st_mtime;
        octets = apr_palloc(pool, *len + 1);
        octets[*len] = '\0';
        rv = file_read(octets, *len, fd);
        *data = octets;
    }
    close(fd);
    return rv;
}

int acme_pub_has(const acme_conf_t *conf, const char *name, apr_pool_t *pool)
{
    return access(path_of(conf, name, pool), R_OK) == 0;
}
