/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_file.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/token.h"
#include "ca/ca_hierarchy.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* Names of files that are not finished. */
#define TEMP_PREFIX   ".new-"
#define SIZE_MAX_READ (1024 * 1024)
#define CERTS_MAX     32
#define LOCK_WAIT     (30 * APR_USEC_PER_SEC)
#define LOCK_STEP     (20 * 1000)

/* What the operator can do about errno. */
static const char *remedy(int err, const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    const char *dir =
        slash && slash != path
            ? apr_pstrmemdup(pool, path, (apr_size_t)(slash - path))
            : "/";

    switch (err) {
    case EACCES:
    case EPERM:
        return apr_psprintf(pool,
                            "give it to the user that starts the server: "
                            "chown %lu %s && chmod u+rwX %s",
                            (unsigned long)geteuid(), path, path);
    case ENOENT:
        if (ca_file_exists(dir))
            return "put it there, or name another one";
        return apr_pstrcat(pool,
                           "make the directory that it belongs in: mkdir -p ",
                           dir, NULL);
    case ENOSPC:
    case EDQUOT:
        return apr_pstrcat(pool, "make room on its file system: df ", path,
                           NULL);
    case EROFS:
        return "mount its file system writable, or set ACMEStateDir to a "
               "directory that is";
    default:
        return "mend that, then reload the server";
    }
}

static problem_t *failed(const char *path, const char *what, int err,
                         apr_pool_t *pool)
{
    char buf[80];

    return problem_internal(pool, err, "%s: cannot %s it: %s; %s", path, what,
                            apr_strerror(err, buf, sizeof(buf)),
                            remedy(err, path, pool));
}

int ca_file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void warn_owner(const char *path, const struct stat *st, int mode,
                       const log_t *log)
{
    if (st->st_uid != geteuid() && st->st_uid != 0)
        log_write(log, LOG_LEVEL_WARNING, "AS0150", APR_SUCCESS,
                  "%s belongs to user %lu, who can change it; run: chown %lu "
                  "%s",
                  path, (unsigned long)st->st_uid, (unsigned long)geteuid(),
                  path);
    if (st->st_mode & 077)
        log_write(log, LOG_LEVEL_WARNING, "AS0151", APR_SUCCESS,
                  "%s has mode %03o, so that others can get at the CA's keys; "
                  "run: chmod %03o %s",
                  path, (unsigned int)st->st_mode & 0777, (unsigned int)mode,
                  path);
}

static int dir_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = 0;

    if (fd < 0)
        return errno;
    /* EINVAL: a file system that has no such thing */
    if (fsync(fd) != 0 && errno != EINVAL)
        err = errno;
    close(fd);
    return err;
}

problem_t *ca_file_dir_ensure(const char *dir, const log_t *log,
                              apr_pool_t *pool)
{
    struct stat st;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return failed(dir, "make", errno, pool);
    /* Made here or by our caller, it must not be lost with what is in it.  Not
     * everybody may read the directory above, so this is a try. */
    dir_sync(apr_pstrcat(pool, dir, "/..", NULL));
    if (stat(dir, &st) != 0)
        return failed(dir, "look at", errno, pool);
    if (!S_ISDIR(st.st_mode))
        return problem_internal(pool, APR_ENOTDIR,
                                "%s: is no directory; move it away: mv %s "
                                "%s.old",
                                dir, dir, dir);
    warn_owner(dir, &st, 0700, log);
    return NULL;
}

static apr_status_t fd_cleanup(void *data)
{
    close((int)(intptr_t)data);
    return APR_SUCCESS;
}

/* Under the lock nobody is writing, so unfinished files have no writer. */
static void leftovers_remove(const char *dir, apr_pool_t *pool)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;

    if (!entries)
        return;
    for (entry = readdir(entries); entry; entry = readdir(entries)) {
        if (strncmp(entry->d_name, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1) == 0)
            unlink(apr_pstrcat(pool, dir, "/", entry->d_name, NULL));
    }
    closedir(entries);
}

problem_t *ca_file_lock(const char *dir, apr_pool_t *lock_pool,
                        apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, dir, "/lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    apr_interval_time_t waited = 0;

    if (fd < 0)
        return failed(path, "open", errno, pool);
    apr_pool_cleanup_register(lock_pool, (void *)(intptr_t)fd, fd_cleanup,
                              apr_pool_cleanup_null);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return failed(path, "lock", errno, pool);
        if (waited >= LOCK_WAIT)
            return problem_internal(pool, APR_TIMEUP,
                                    "%s: another process has held it for %d "
                                    "seconds; see which: fuser -v %s",
                                    path, (int)apr_time_sec(waited), path);
        apr_sleep(LOCK_STEP);
        waited += LOCK_STEP;
    }
    leftovers_remove(dir, pool);
    return NULL;
}

static int write_all(int fd, const char *text, apr_size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno != EINTR)
            return 0;
        if (n > 0) {
            text += n;
            len -= (apr_size_t)n;
        }
    }
    return 1;
}

/* errno, or 0 when the file is whole and on the disk. */
static int temp_write(const char *path, const char *text, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int err = 0;

    if (fd < 0)
        return errno;
    if (!write_all(fd, text, strlen(text)) || fchmod(fd, (mode_t)mode) != 0 ||
        fsync(fd) != 0)
        err = errno;
    if (close(fd) != 0 && !err)
        err = errno;
    if (err)
        unlink(path);
    return err;
}

static int link_in(const char *temp, const char *path)
{
    int err = link(temp, path) == 0 ? 0 : errno;

    if (unlink(temp) != 0 && !err)
        err = errno;
    return err;
}

static int rename_over(const char *temp, const char *path)
{
    if (rename(temp, path) == 0)
        return 0;
    unlink(temp);
    return errno;
}

static problem_t *file_write(const char *path, const char *text, int mode,
                             int (*place)(const char *, const char *),
                             apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    const char *dir =
        slash ? apr_pstrmemdup(pool, path, (apr_size_t)(slash - path + 1))
              : "./";
    const char *temp =
        apr_pstrcat(pool, dir, TEMP_PREFIX, token_make(12, pool), NULL);
    int err = temp_write(temp, text, mode);

    if (!err)
        err = place(temp, path);
    if (!err)
        err = dir_sync(dir);
    return err ? failed(path, "write", err, pool) : NULL;
}

problem_t *ca_file_create(const char *path, const char *text, int mode,
                          apr_pool_t *pool)
{
    return file_write(path, text, mode, link_in, pool);
}

problem_t *ca_file_replace(const char *path, const char *text, int mode,
                           apr_pool_t *pool)
{
    return file_write(path, text, mode, rename_over, pool);
}

/* Octets read, or -1 and errno. */
static ssize_t read_all(int fd, char *buf, apr_size_t len)
{
    apr_size_t have = 0;

    while (have < len) {
        ssize_t n = read(fd, buf + have, len - have);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0)
            break;
        if (n > 0)
            have += (apr_size_t)n;
    }
    return (ssize_t)have;
}

static problem_t *fd_read(const char **text, apr_size_t *text_len, int fd,
                          const char *path, apr_pool_t *pool)
{
    struct stat st;
    ssize_t len;
    char *buf;

    if (fstat(fd, &st) != 0)
        return failed(path, "look at", errno, pool);
    if (!S_ISREG(st.st_mode) || st.st_size > SIZE_MAX_READ)
        return problem_internal(pool, APR_EINVAL,
                                "%s: is no regular file of at most %d octets; "
                                "move it away: mv %s %s.bad",
                                path, SIZE_MAX_READ, path, path);
    buf = apr_pcalloc(pool, (apr_size_t)st.st_size + 1);
    own_cleanse(pool, buf, (apr_size_t)st.st_size);
    len = read_all(fd, buf, (apr_size_t)st.st_size);
    if (len < 0)
        return failed(path, "read", errno, pool);
    *text = buf;
    *text_len = (apr_size_t)len;
    return NULL;
}

problem_t *ca_file_read(const char **text, apr_size_t *len, const char *path,
                        apr_pool_t *pool)
{
    /* O_NONBLOCK: a FIFO must not hold the start up */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    problem_t *prob;

    if (fd < 0)
        return failed(path, "open", errno, pool);
    prob = fd_read(text, len, fd, path, pool);
    close(fd);
    return prob;
}

/* Nobody is there to be asked for a passphrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *data)
{
    return -1;
}

problem_t *ca_file_key_read(EVP_PKEY **key, const char *path, apr_pool_t *pool)
{
    const char *text;
    apr_size_t len;
    problem_t *prob = ca_file_read(&text, &len, path, pool);
    BIO *bio;

    if (prob)
        return prob;
    bio = own_bio(pool, BIO_new_mem_buf(text, -1));
    *key = own_pkey(
        pool,
        bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL);
    ERR_clear_error();
    if (*key)
        return NULL;
    if (strstr(text, "ENCRYPTED"))
        return problem_internal(pool, APR_EINVAL,
                                "%s: the key is encrypted, and nobody is there "
                                "to give the passphrase at a start; decrypt "
                                "it: openssl pkey -in %s -out %s.plain && mv "
                                "%s.plain %s",
                                path, path, path, path, path);
    return problem_internal(pool, APR_EINVAL,
                            "%s: is no private key in PEM; it is left as it "
                            "is; put the key back from a backup, or, if it is "
                            "lost, give it up: mv %s %s.bad",
                            path, path, path);
}

problem_t *ca_file_vacant_check(const char *path, const char *remedy,
                                apr_pool_t *pool)
{
    if (!ca_file_exists(path))
        return NULL;
    return problem_internal(pool, APR_EEXIST,
                            "%s: is there already and is never overwritten; %s",
                            path, remedy);
}

problem_t *ca_file_key_create(const char *path, EVP_PKEY *key, apr_pool_t *pool)
{
    const char *text = ca_key_pem(key, pool);

    return text ? ca_file_create(path, text, 0600, pool)
                : ca_openssl_problem(pool, "%s: encode the key", path);
}

problem_t *ca_file_key_ensure(EVP_PKEY **key, const char *path,
                              const char *spec, apr_pool_t *pool)
{
    if (ca_file_exists(path))
        return ca_file_key_read(key, path, pool);
    *key = ca_key_make(spec, pool);
    return *key ? ca_file_key_create(path, *key, pool)
                : ca_openssl_problem(pool, "%s: make a key", path);
}

void ca_file_key_warn(const char *path, const log_t *log)
{
    struct stat st;

    if (stat(path, &st) == 0)
        warn_owner(path, &st, 0600, log);
}

/* What comes behind the last certificate is text, not a broken one. */
static int is_end(void)
{
    unsigned long code = ERR_peek_last_error();

    ERR_clear_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM &&
           ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/* All that stand in PEM, as far as they are whole. */
static int pem_read(apr_array_header_t *certs, const char *text, apr_size_t len,
                    apr_pool_t *pool)
{
    BIO *bio = own_bio(pool, BIO_new_mem_buf(text, (int)len));
    X509 *cert = NULL;

    if (!bio)
        return 0;
    do {
        cert =
            own_x509(pool, PEM_read_bio_X509(bio, NULL, no_passphrase, NULL));
        if (cert)
            APR_ARRAY_PUSH(certs, X509 *) = cert;
    } while (cert && certs->nelts < CERTS_MAX);
    return certs->nelts > 0 && (cert || is_end());
}

/* PKCS #7, which Windows' CAs give chains in. */
static void pkcs7_take(apr_array_header_t *certs, PKCS7 *p7, apr_pool_t *pool)
{
    const STACK_OF(X509) *list =
        p7 && PKCS7_type_is_signed(p7) && p7->d.sign ? p7->d.sign->cert : NULL;
    int i;

    for (i = 0; i < sk_X509_num(list) && i < CERTS_MAX; ++i) {
        X509 *cert = sk_X509_value(list, i);

        X509_up_ref(cert);
        APR_ARRAY_PUSH(certs, X509 *) = own_x509(pool, cert);
    }
    PKCS7_free(p7);
}

/* What is not PEM of certificates: PKCS #7 in PEM or DER, one in DER. */
static int other_read(apr_array_header_t *certs, const char *text,
                      apr_size_t len, apr_pool_t *pool)
{
    const unsigned char *der = (const unsigned char *)text;
    BIO *bio = own_bio(pool, BIO_new_mem_buf(text, (int)len));
    X509 *cert;

    if (bio)
        pkcs7_take(certs, PEM_read_bio_PKCS7(bio, NULL, no_passphrase, NULL),
                   pool);
    if (certs->nelts == 0)
        pkcs7_take(certs, d2i_PKCS7(NULL, &der, (long)len), pool);
    der = (const unsigned char *)text;
    cert = certs->nelts == 0 ? own_x509(pool, d2i_X509(NULL, &der, (long)len))
                             : NULL;
    if (cert)
        APR_ARRAY_PUSH(certs, X509 *) = cert;
    ERR_clear_error();
    return certs->nelts > 0;
}

problem_t *ca_file_certs_read(apr_array_header_t **certs, const char *path,
                              apr_pool_t *pool)
{
    const char *text;
    apr_size_t len;
    problem_t *prob = ca_file_read(&text, &len, path, pool);

    if (prob)
        return prob;
    *certs = apr_array_make(pool, 4, sizeof(X509 *));
    if (pem_read(*certs, text, len, pool) ||
        ((*certs)->nelts == 0 && other_read(*certs, text, len, pool)))
        return NULL;
    ERR_clear_error();
    return problem_internal(
        pool, APR_EINVAL,
        "%s: %s; put it back from a backup, or move it away: mv %s %s.bad",
        path,
        (*certs)->nelts > 0
            ? apr_psprintf(pool, "certificate %d in it is broken",
                           (*certs)->nelts + 1)
            : "holds no certificate in PEM",
        path, path);
}

problem_t *ca_file_argument(problem_t *prob, const char *path, apr_pool_t *pool)
{
    const char *end;

    if (!prob || !prob->cause || strncmp(prob->cause, path, strlen(path)) ||
        !strstr(prob->cause, ".bad"))
        return prob;
    end = strchr(prob->cause + strlen(path), ';');
    if (end)
        prob->cause = apr_psprintf(pool, "%.*s; name another file",
                                   (int)(end - prob->cause), prob->cause);
    return prob;
}
