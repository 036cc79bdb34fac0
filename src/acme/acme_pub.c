/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_pub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_escape.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "base/own.h"

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

/* So many octets, from where the file is. */
static apr_status_t file_digest(const char **sha256, apr_file_t *file,
                                apr_size_t len, apr_pool_t *pool)
{
    EVP_MD_CTX *ctx = own_md_ctx(pool, EVP_MD_CTX_new());
    unsigned char octets[16384], digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len = 0;
    apr_status_t rv = APR_SUCCESS;

    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        return APR_ENOMEM;
    while (len && rv == APR_SUCCESS) {
        apr_size_t part = len < sizeof(octets) ? len : sizeof(octets);

        rv = apr_file_read(file, octets, &part);
        if (rv == APR_SUCCESS && EVP_DigestUpdate(ctx, octets, part) != 1)
            rv = APR_EGENERAL;
        len -= part;
    }
    if (rv == APR_SUCCESS && EVP_DigestFinal_ex(ctx, digest, &digest_len) != 1)
        rv = APR_EGENERAL;
    *sha256 = apr_pescape_hex(pool, digest, digest_len, 0);
    return rv;
}

/* apr_file_open() would follow a link; nor may a FIFO make it wait. */
apr_status_t acme_pub_open(apr_file_t **file, const char **sha256,
                           apr_size_t *len, apr_int64_t *modified,
                           const acme_conf_t *conf, const char *name,
                           apr_pool_t *pool)
{
    const char *path = path_of(conf, name, pool);
    apr_finfo_t info;
    apr_status_t rv =
        apr_stat(&info, path, APR_FINFO_LINK | APR_FINFO_TYPE, pool);

    if (rv != APR_SUCCESS || info.filetype != APR_REG)
        return rv == APR_SUCCESS ? APR_EGENERAL : rv;
    rv = apr_file_open(file, path,
                       APR_FOPEN_READ | APR_FOPEN_NONBLOCK |
                           APR_FOPEN_SENDFILE_ENABLED,
                       0, pool);
    if (rv != APR_SUCCESS)
        return rv;
    rv = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_MTIME, *file);
    if (rv == APR_SUCCESS && info.size < ACME_PUB_LARGE)
        rv = APR_EOF;
    if (rv == APR_SUCCESS && info.size > SIZE_MAX_READ)
        rv = APR_EGENERAL;
    if (rv == APR_SUCCESS)
        rv = file_digest(sha256, *file, (apr_size_t)info.size, pool);
    if (rv != APR_SUCCESS) {
        apr_file_close(*file);
        *file = NULL;
        return rv;
    }
    *len = (apr_size_t)info.size;
    *modified = apr_time_sec(info.mtime);
    return APR_SUCCESS;
}

int acme_pub_has(const acme_conf_t *conf, const char *name, apr_pool_t *pool)
{
    return access(path_of(conf, name, pool), R_OK) == 0;
}
