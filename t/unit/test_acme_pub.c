/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_pub.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/ca_openssl.h"
#include "tap.h"

static acme_conf_t *conf_of(apr_pool_t *pool)
{
    acme_conf_t *conf = acme_conf_make(pool);
    char *dir = apr_pstrcat(pool, tap_tmpdir(), "/XXXXXX", NULL);

    conf->state_dir = mkdtemp(dir);
    return conf;
}

static apr_status_t put(const acme_conf_t *conf, const char *text,
                        apr_pool_t *pool)
{
    return acme_pub_write(conf, "x.crl", text, strlen(text), pool);
}

static const char *got(const acme_conf_t *conf, apr_pool_t *pool)
{
    const char *data;
    apr_size_t len;
    apr_int64_t modified;

    return acme_pub_read(&data, &len, &modified, conf, "x.crl", pool) ==
                   APR_SUCCESS
               ? data
               : NULL;
}

static void round_trip(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_of(pool);
    const char *data;
    apr_size_t len;
    apr_int64_t modified;
    int lock;

    ok(!got(conf, pool));
    ok(!acme_pub_has(conf, "x.crl", pool));
    ok(put(conf, "one", pool) != APR_SUCCESS); /* no directory yet */
    lock = acme_pub_lock(conf, pool);
    need(lock >= 0);
    is_int(put(conf, "one", pool), APR_SUCCESS);
    is_str(got(conf, pool), "one");
    is_int(put(conf, "two!", pool), APR_SUCCESS);
    is_str(got(conf, pool), "two!");
    is_int(acme_pub_write(conf, "y", "a\0b", 3, pool), APR_SUCCESS);
    is_int(acme_pub_read(&data, &len, &modified, conf, "y", pool), APR_SUCCESS);
    is_int(len, 3);
    ok(!memcmp(data, "a\0b", 4));
    ok(modified > 0);
    ok(acme_pub_has(conf, "y", pool));
    acme_pub_unlock(lock);
}

static void unchanged(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_of(pool);
    const char *file = apr_pstrcat(pool, conf->state_dir, "/pub/x.crl", NULL);
    struct stat before, after;
    int lock = acme_pub_lock(conf, pool);

    is_int(put(conf, "one", pool), APR_SUCCESS);
    is_int(stat(file, &before), 0);
    is_int(put(conf, "one", pool), APR_SUCCESS);
    is_int(stat(file, &after), 0);
    is_int(after.st_ino, before.st_ino);
    acme_pub_unlock(lock);
}

static void no_files(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_of(pool);
    const char *pub = apr_pstrcat(pool, conf->state_dir, "/pub", NULL);
    int lock = acme_pub_lock(conf, pool);

    is_int(symlink("/etc/passwd", apr_pstrcat(pool, pub, "/x.crl", NULL)), 0);
    ok(!got(conf, pool)); /* a link is not followed, but replaced */
    is_int(put(conf, "one", pool), APR_SUCCESS);
    is_str(got(conf, pool), "one");
    is_int(unlink(apr_pstrcat(pool, pub, "/x.crl", NULL)), 0);
    is_int(mkfifo(apr_pstrcat(pool, pub, "/x.crl", NULL), 0600), 0);
    ok(!got(conf, pool)); /* and nobody waits for a pipe */
    acme_pub_unlock(lock);
}

static apr_status_t opened(apr_file_t **file, const char **sha256,
                           apr_size_t *len, const acme_conf_t *conf,
                           apr_pool_t *pool)
{
    apr_int64_t modified = 0;
    apr_status_t rv =
        acme_pub_open(file, sha256, len, &modified, conf, "x.crl", pool);

    ok(rv == APR_SUCCESS ? *file && modified > 0 : 1);
    return rv;
}

static void large(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_of(pool);
    const char *path = apr_pstrcat(pool, conf->state_dir, "/pub/x.crl", NULL);
    char *text = apr_pcalloc(pool, ACME_PUB_LARGE + 12345);
    int lock = acme_pub_lock(conf, pool);
    apr_file_t *file = NULL;
    const char *sha256;
    apr_size_t len, i;
    apr_off_t start = 0;
    char first[4];

    for (i = 0; i < ACME_PUB_LARGE + 12345; i++)
        text[i] = (char)(i * 7 % 251);
    is_int(acme_pub_write(conf, "x.crl", text, i, pool), APR_SUCCESS);
    need(opened(&file, &sha256, &len, conf, pool) == APR_SUCCESS);
    is_int(len, i);
    is_str(sha256, ca_sha256_hex(text, i, pool));
    is_int(put(conf, "another", pool), APR_SUCCESS);
    len = sizeof(first);
    is_int(apr_file_seek(file, APR_SET, &start), APR_SUCCESS);
    is_int(apr_file_read(file, first, &len), APR_SUCCESS);
    ok(len == sizeof(first) && !memcmp(first, text, len));
    is_int(opened(&file, &sha256, &len, conf, pool), APR_EOF); /* small */
    ok(!file);
    is_int(unlink(path), 0);
    is_int(opened(&file, &sha256, &len, conf, pool), APR_ENOENT);
    is_int(symlink("/proc/self/exe", path), 0);
    is_int(opened(&file, &sha256, &len, conf, pool), APR_EGENERAL);
    is_int(unlink(path), 0);
    is_int(mkfifo(path, 0600), 0);
    is_int(opened(&file, &sha256, &len, conf, pool), APR_EGENERAL);
    acme_pub_unlock(lock);
}

static void locked(apr_pool_t *pool)
{
    acme_conf_t *conf = conf_of(pool);
    int lock = acme_pub_lock(conf, pool), status = 0;
    pid_t pid = fork();

    if (!pid) {
        int other;

        acme_pub_unlock(lock); /* the copy that fork made */
        other = acme_pub_lock(conf, pool);

        _exit(other >= 0 && got(conf, pool) ? 0 : 1);
    }
    usleep(50000);
    is_int(waitpid(pid, &status, WNOHANG), 0);
    is_int(put(conf, "one", pool), APR_SUCCESS);
    acme_pub_unlock(lock);
    is_int(waitpid(pid, &status, 0), pid);
    is_int(status, 0);
}

const tap_case_t tap_cases[] = {{"what is written is read", round_trip},
                                {"the same again is not written", unchanged},
                                {"links and pipes are no files", no_files},
                                {"H13 a large file is opened, not read", large},
                                {"one writer at a time", locked},
                                {NULL, NULL}};
