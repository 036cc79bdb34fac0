/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/own.h"
#include "base/token.h"
#include "store/store_conninfo.h"

#include "base/banned.h"

#define BLOCK 65536

static ctl_exit_e failed(const char *path, const char *what, int err)
{
    ctl_print_error("%s: cannot %s it: %s", path, what, strerror(err));
    return CTL_FAILED;
}

static int write_all(int fd, const unsigned char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static const char *hex(const unsigned char *digest, apr_size_t len,
                       apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    char *text = apr_palloc(pool, 2 * len + 1);
    apr_size_t i;

    for (i = 0; i < len; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * len] = '\0';
    return text;
}

/* From one descriptor to the other (-1: nowhere); errno.  What was read may be
 * a key. */
static int pump(const char **sha256, int in, int out, apr_pool_t *pool)
{
    EVP_MD_CTX *ctx = own_md_ctx(pool, EVP_MD_CTX_new());
    unsigned char digest[EVP_MAX_MD_SIZE], *block = apr_palloc(pool, BLOCK);
    unsigned int len = 0;
    int err = 0;
    ssize_t n = 1;

    own_cleanse(pool, block, BLOCK);
    if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
        return ENOMEM;
    while (!err && n != 0) {
        n = read(in, block, BLOCK);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0 && !EVP_DigestUpdate(ctx, block, (size_t)n))
            return ENOMEM;
        if (n > 0 && out >= 0)
            err = write_all(out, block, (size_t)n);
    }
    if (!err && !EVP_DigestFinal_ex(ctx, digest, &len))
        err = ENOMEM;
    *sha256 = hex(digest, len, pool);
    return err;
}

/* O_NONBLOCK: a FIFO must not hold us up.  -1 and *err. */
static int regular_open(int *err, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    *err = fd < 0 ? errno : 0;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        *err = EINVAL;
        close(fd);
        fd = -1;
    }
    return fd;
}

static int owner_set(int fd, const ctl_copy_owner_t *owner)
{
    if (owner->is_owned && geteuid() == 0 &&
        fchown(fd, owner->uid, owner->gid) != 0)
        return errno;
    return fchmod(fd, owner->mode) == 0 ? 0 : errno;
}

static int temp_write(const char **sha256, int in, const char *temp,
                      const ctl_copy_owner_t *owner, apr_pool_t *pool)
{
    int out = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int err = out < 0 ? errno : pump(sha256, in, out, pool);

    if (!err)
        err = owner_set(out, owner);
    if (!err && fsync(out) != 0)
        err = errno;
    if (out >= 0 && close(out) != 0 && !err)
        err = errno;
    return err;
}

static const char *dir_of(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    return slash ? apr_pstrmemdup(pool, path, (apr_size_t)(slash - path + 1))
                 : "./";
}

/* What a power cut must not undo; some file systems have no such thing. */
static void dir_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

ctl_exit_e ctl_copy_file(const char **sha256, const char *from, const char *to,
                         const ctl_copy_owner_t *owner, apr_pool_t *pool)
{
    const char *dir = dir_of(to, pool), *digest;
    const char *temp =
        apr_pstrcat(pool, dir, ".new-", token_make(12, pool), NULL);
    int err, in = regular_open(&err, from);

    if (in < 0)
        return failed(from, "read", err);
    err = temp_write(&digest, in, temp, owner, pool);
    close(in);
    if (!err && link(temp, to) != 0)
        err = errno;
    unlink(temp);
    if (err)
        return failed(to, "write", err);
    dir_sync(dir);
    if (sha256) /* NOLINTNEXTLINE(*core.uninitialized.Assign): no error */
        *sha256 = digest;
    return CTL_OK;
}

apr_status_t ctl_copy_digest(const char **sha256, const char *path,
                             apr_pool_t *pool)
{
    int err, fd = regular_open(&err, path);

    if (fd < 0)
        return err == ELOOP ? APR_EINVAL : err;
    err = pump(sha256, fd, -1, pool);
    close(fd);
    return err;
}

/* APR_EEXIST is what others, too, may have made meanwhile. */
static ctl_exit_e dir_make(const char *path, const ctl_copy_owner_t *owner)
{
    int fd, err;

    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? CTL_OK : failed(path, "make", errno);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    err = fd < 0 ? errno : owner_set(fd, owner);
    if (fd >= 0)
        close(fd);
    return err ? failed(path, "make", err) : CTL_OK;
}

ctl_exit_e ctl_copy_dir(const char *path, const ctl_copy_owner_t *owner,
                        apr_pool_t *pool)
{
    static const ctl_copy_owner_t ours = {.mode = 0755};
    char *part = apr_pstrdup(pool, path), *slash = strchr(part + 1, '/');
    ctl_exit_e code = CTL_OK;
    struct stat st;

    for (; slash && code == CTL_OK; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(part, &st) != 0)
            code = dir_make(part, &ours);
        *slash = '/';
    }
    if (code == CTL_OK)
        code = dir_make(path, owner);
    if (code == CTL_OK && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        code = failed(path, "use", ENOTDIR);
    return code;
}

ctl_exit_e ctl_copy_ask(const ctl_t *ctl)
{
    int is_without = ctl_option(ctl, "without-database") != NULL;
    int is_server = !strcmp(ctl->conf->store.driver, "pgsql");

    if (is_without == is_server)
        return CTL_OK;
    if (is_server)
        ctl_print_error(
            "a PostgreSQL database is not copied here: run pg_dump -Fc "
            "\"%s\" first (to put it back, pg_restore), then this with "
            "--without-database for keys and configuration",
            store_conninfo_public(ctl->conf->store.params, ctl->pool));
    else
        ctl_print_error("--without-database is for PostgreSQL; the database "
                        "of this server is copied with its keys");
    return CTL_USAGE;
}
