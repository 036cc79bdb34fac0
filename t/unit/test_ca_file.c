/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_file.h"

#include "ca_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/file.h>

#include "ca_journal.h"

static const char *path(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
}

/* Files in dir whose names begin with prefix. */
static int count(const char *dir, const char *prefix)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    int found = 0;

    while ((entry = readdir(entries)))
        found += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(entries);
    return found;
}

static void create(apr_pool_t *pool)
{
    const char *file = path("create", pool), *link_path = path("dangle", pool);
    mode_t mask = umask(0777);
    problem_t *prob = ca_file_create(file, "first", 0640, pool);

    umask(mask);
    ok(!prob, "%s", prob ? prob->cause : "");
    is_int(file_mode(file), 0640);
    is_str(file_get(file, pool), "first");
    prob = ca_file_create(file, "second", 0600, pool);
    need(prob);
    ok(strstr(prob->cause, "/create: cannot write it: File exists"), "%s",
       prob->cause);
    is_str(file_get(file, pool), "first");
    is_int(file_mode(file), 0640);
    is_int(symlink("/nonexistent/x", link_path), 0);
    ok(ca_file_exists(link_path) && !ca_file_exists(path("nothing", pool)));
    ok(ca_file_create(link_path, "x", 0600, pool) != NULL);
    is_int(count(tap_tmpdir(), ".new-"), 0);
    prob = ca_file_create("/nonexistent/dir/x", "x", 0600, pool);
    need(prob);
    ok(strstr(prob->cause, "; make the directory that it belongs in: mkdir -p "
                           "/nonexistent/dir"),
       "%s", prob->cause);
}

static void replace(apr_pool_t *pool)
{
    const char *file = path("replace", pool);

    need(!ca_file_replace(file, "first", 0600, pool));
    need(!ca_file_replace(file, "second", 0644, pool));
    is_str(file_get(file, pool), "second");
    is_int(file_mode(file), 0644);
    is_int(count(tap_tmpdir(), ".new-"), 0);
}

static void directory(apr_pool_t *pool)
{
    journal_t *journal = journal_make(pool);
    const char *dir = path("dir", pool), *deep = path("no/dir", pool);
    problem_t *prob;

    need(!ca_file_dir_ensure(dir, &journal->log, pool));
    is_int(file_mode(dir), 0700);
    need(!ca_file_dir_ensure(dir, &journal->log, pool));
    is_str(journal->text, "");
    chmod(dir, 0755);
    need(!ca_file_dir_ensure(dir, &journal->log, pool));
    ok(strstr(journal->text, apr_pstrcat(pool, "run: chmod 700 ", dir, NULL)),
       "%s", journal->text);
    is_int(file_mode(dir), 0755);
    prob = ca_file_dir_ensure(deep, NULL, pool);
    need(prob);
    ok(strstr(prob->cause,
              apr_pstrcat(pool, "mkdir -p ", path("no", pool), NULL)),
       "%s", prob->cause);
    prob = ca_file_dir_ensure(file_put("plain", "", pool), NULL, pool);
    need(prob);
    ok(strstr(prob->cause, "is no directory"), "%s", prob->cause);
}

static void warnings(apr_pool_t *pool)
{
    journal_t *journal = journal_make(pool);
    const char *file = file_put("warn.key", "x", pool);
    int me = (int)geteuid();

    chmod(file, 0600);
    ca_file_key_warn(file, &journal->log);
    is_str(journal->text, "");
    chmod(file, 0640);
    ca_file_key_warn(file, &journal->log);
    ok(strstr(journal->text, "2 AS0151 "), "%s", journal->text);
    ok(strstr(journal->text, apr_pstrcat(pool, "mode 640", NULL)));
    ok(strstr(journal->text, apr_pstrcat(pool, "run: chmod 600 ", file, NULL)));
    ok(!strstr(journal->text, "AS0150"));
    chmod(file, 0600);
    if (chown(file, 65534, (gid_t)-1) != 0) {
        tap_diag("owner: skipped, only root can give files away");
        return;
    }
    ca_file_key_warn(file, &journal->log);
    ok(strstr(journal->text, apr_psprintf(pool, "run: chown %d %s", me, file)),
       "%s", journal->text);
}

/* A child that holds the lock until it is killed. */
static pid_t holder(const char *dir, apr_pool_t *pool)
{
    int ready[2];
    char c;
    pid_t pid;

    if (pipe(ready) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        if (ca_file_lock(dir, pool, pool) || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        pid = -1;
    close(ready[0]);
    return pid;
}

static void lock(apr_pool_t *pool)
{
    const char *dir = path("locked", pool);
    apr_pool_t *first;
    pid_t pid;
    int fd;

    need(!ca_file_dir_ensure(dir, NULL, pool));
    pid = holder(dir, pool);
    need(pid > 0);
    fd = open(apr_pstrcat(pool, dir, "/lock", NULL), O_RDWR | O_CLOEXEC);
    is_int(flock(fd, LOCK_EX | LOCK_NB), -1);
    is_int(file_mode(apr_pstrcat(pool, dir, "/lock", NULL)), 0600);
    file_put("locked/.new-rest", "", pool);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    apr_pool_create(&first, pool);
    need(!ca_file_lock(dir, first, pool));
    is_int(count(dir, ".new-"), 0);
    is_int(flock(fd, LOCK_EX | LOCK_NB), -1);
    apr_pool_destroy(first);
    is_int(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
}

static void key(apr_pool_t *pool)
{
    const char *file = path("made.key", pool);
    EVP_PKEY *made = NULL, *again = NULL;
    problem_t *prob;

    need(!ca_file_key_ensure(&made, file, "P-384", pool));
    is_int(file_mode(file), 0600);
    need(!ca_file_key_ensure(&again, file, "P-256", pool));
    is_int(EVP_PKEY_eq(made, again), 1);
    file_put("made.key", "garbage", pool);
    prob = ca_file_key_ensure(&again, file, "P-256", pool);
    need(prob);
    ok(strstr(prob->cause, apr_psprintf(pool, "mv %s %s.bad", file, file)),
       "%s", prob->cause);
    is_str(file_get(file, pool), "garbage");
    prob = ca_file_key_ensure(&again, path("new.key", pool), "P-1", pool);
    ok(prob && !ca_file_exists(path("new.key", pool)));
}

/* Root may read everything, so root becomes nobody. */
static void unreadable(apr_pool_t *pool)
{
    const char *file = file_put("locked.key", "x", pool);
    pid_t pid;
    int status = 0;

    chmod(tap_tmpdir(), 0711);
    chmod(file, 0);
    pid = fork();
    if (pid == 0) {
        EVP_PKEY *read;
        problem_t *prob;
        const char *mends;

        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(1);
        mends = apr_psprintf(pool,
                             "/locked.key: cannot open it: Permission "
                             "denied; give it to the user that starts "
                             "the server: chown %d ",
                             (int)geteuid());
        prob = ca_file_key_read(&read, file, pool);
        _exit(prob && strstr(prob->cause, mends) ? 0 : 2);
    }
    waitpid(pid, &status, 0);
    chmod(tap_tmpdir(), 0700);
    is_int(status, 0);
}

const tap_case_t tap_cases[] = {
    {"create: whole, with its mode, and never over what is there", create},
    {"replace: whole, with its mode", replace},
    {"the directory is made 0700; another mode is warned of", directory},
    {"a key that others can get at is warned of, with the command", warnings},
    {"the lock is the kernel's: a dead holder has none", lock},
    {"a key is made once; garbage is left alone", key},
    {"a key that cannot be read: path, reason, command", unreadable},
    {NULL, NULL}};
