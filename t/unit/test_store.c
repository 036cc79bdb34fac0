/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_file_io.h>

#include "base/clock.h"
#include "store/store_db.h"
#include "store_help.h"

/* No failure may take longer than this, in milliseconds. */
#define BOUND 2200

static apr_status_t get(help_t *help, const char *id)
{
    store_account_t *account;

    return help_get(&account, help, id);
}

static int milliseconds(apr_time_t *since)
{
    apr_time_t now = clock_now(&clock_monotonic), then = *since;

    *since = now;
    return (int)((now - then) / 1000);
}

/* The database is ill: one line whatever is done, nothing hangs. */
static void is_ill(help_t *help, const char *why, int reads_work, int tries)
{
    apr_time_t start = clock_now(&clock_monotonic);
    int i, took;

    for (i = 0; i < tries; i++) {
        apr_status_t rv = help_add(help, apr_psprintf(help->pool, "ill%d", i));

        ok(rv != APR_SUCCESS && !APR_STATUS_IS_EEXIST(rv) &&
               !APR_STATUS_IS_ENOENT(rv),
           "write %d", rv);
        took = milliseconds(&start);
        ok(took < BOUND, "write %d ms", took);
        rv = get(help, "a");
        if (reads_work)
            is_int(rv, APR_SUCCESS);
        else
            ok(rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv), "read %d", rv);
        took = milliseconds(&start);
        ok(took < BOUND, "read %d ms", took);
    }
    is_int(help_lines(help, "AS0250"), 1);
    is_int(help_lines(help, "AS0251"), 0);
    ok(strstr(help_last(help), why), "%s", help_last(help));
    ok(strstr(help_last(help), help->path), "%s", help_last(help));
}

/* And now it is well: what was told is there, what was refused is not. */
static void is_well(help_t *help)
{
    static int count;
    const char *after = apr_psprintf(help->pool, "after%d", count++);
    int i;

    is_int(get(help, "a"), APR_SUCCESS);
    is_int(help_add(help, after), APR_SUCCESS);
    is_int(get(help, after), APR_SUCCESS);
    for (i = 0; i < 3; i++)
        is_int(get(help, apr_psprintf(help->pool, "ill%d", i)), APR_ENOENT);
    is_int(help_lines(help, "AS0250"), 1);
    is_int(help_lines(help, "AS0251"), 1);
}

static help_t *setup(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(get(help, "a"), APR_SUCCESS);
    apr_array_clear(help->lines);
    return help;
}

static const char *beside(const help_t *help, const char *suffix)
{
    return apr_pstrcat(help->pool, help->path, suffix, NULL);
}

static int mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static void first_use(apr_pool_t *pool)
{
    static const mode_t masks[] = {0, 022, 0777};
    apr_size_t i;

    for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        mode_t before = umask(masks[i]);
        help_t *help = help_make(pool);

        is_int(mode_of(help->path), -1);
        is_int(get(help, "a"), APR_ENOENT);
        is_int(help_add(help, "a"), APR_SUCCESS);
        is_int(get(help, "a"), APR_SUCCESS);
        is_int(help_lines(help, "AS0252"), 1);
        is_int(help->lines->nelts, 1);
        is_int(mode_of(help->path), 0600);
        is_int(mode_of(beside(help, "-wal")), 0600);
        is_int(mode_of(beside(help, "-shm")), 0600);
        is_int(mode_of(beside(help, ".lock")), 0600);
        umask(before);
    }
}

static void *first_thread(void *data)
{
    help_t *help = data;
    store_account_t *account;
    apr_pool_t *pool;
    apr_status_t rv;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    rv = help_get(&account, help, "a");
    if (APR_STATUS_IS_ENOENT(rv))
        rv = store_account_contact_set(help->store, "a", "[]", NULL, pool);
    apr_pool_destroy(pool);
    return APR_STATUS_IS_ENOENT(rv) ? help : NULL;
}

static void first_use_crowd(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    pthread_t threads[16];
    void *answer;
    int i;

    for (i = 0; i < 16; i++)
        pthread_create(&threads[i], NULL, first_thread, help);
    for (i = 0; i < 16; i++) {
        pthread_join(threads[i], &answer);
        ok(answer != NULL);
    }
    is_int(help_lines(help, "AS0252"), 1);
    is_int(help->lines->nelts, 1);
    for (i = 1; i < help->lines->nelts; i++)
        tap_diag("%s", APR_ARRAY_IDX(help->lines, i, const char *));
}

static void gone(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(rename(help->path, beside(help, ".away")), 0);
    is_ill(help, "gone", 0, 3);
    is_int(mode_of(help->path), -1);
    is_int(rename(beside(help, ".away"), help->path), 0);
    is_well(help);
}

static void gone_before_start(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(rename(help->path, beside(help, ".away")), 0);
    help->store = help_open(help);
    is_ill(help, "gone", 0, 3);
    is_int(mode_of(help->path), -1);
    is_int(rename(beside(help, ".away"), help->path), 0);
    is_well(help);
}

/* Even the memory of it is gone, but for this process's. */
static void all_gone(apr_pool_t *pool)
{
    help_t *help = setup(pool), *other = apr_pmemdup(pool, help, sizeof(*help));

    is_int(remove(help->path), 0);
    is_int(remove(beside(help, "-wal")), 0);
    is_int(remove(beside(help, "-shm")), 0);
    is_int(remove(beside(help, ".lock")), 0);
    is_ill(help, "gone", 0, 3);
    is_int(remove(beside(help, ".lock")), 0);
    other->lines = apr_array_make(pool, 1, sizeof(const char *));
    other->log.baton = other;
    other->store = help_open(other);
    is_int(help_add(other, "a"), APR_SUCCESS);
    is_well(help);
}

static void copy(const char *from, const char *to, apr_pool_t *pool)
{
    is_int(apr_file_copy(from, to, APR_FPROT_UREAD | APR_FPROT_UWRITE, pool),
           APR_SUCCESS);
}

static void dir_gone(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    const char *away = apr_pstrcat(pool, help->dir, ".away", NULL);

    is_int(rename(help->dir, away), 0);
    is_ill(help, "gone", 0, 3);
    is_int(rename(away, help->dir), 0);
    is_well(help);
}

/* Another file at the path is taken as it is, without a restart. */
static void replaced(apr_pool_t *pool)
{
    help_t *help = setup(pool), *other = setup(pool);

    is_int(help_add(other, "only here"), APR_SUCCESS);
    is_int(get(help, "only here"), APR_ENOENT);
    help_close(other);
    is_int(rename(help->path, beside(help, ".away")), 0);
    is_int(remove(beside(help, "-wal")), 0);
    is_int(remove(beside(help, "-shm")), 0);
    copy(other->path, help->path, pool);
    is_int(help_add(help, "b"), APR_SUCCESS);
    is_int(get(help, "only here"), APR_SUCCESS);
    is_int(get(help, "b"), APR_SUCCESS);
    is_int(help->lines->nelts, 0);
}

static void text_put(const char *path, const char *text, apr_size_t len)
{
    FILE *file = fopen(path, "w");

    need(file);
    while (len--)
        fputc(*text, file);
    fclose(file);
}

static void garbage(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(rename(help->path, beside(help, ".away")), 0);
    is_int(rename(beside(help, "-wal"), beside(help, ".wal")), 0);
    text_put(help->path, "x", 10000);
    is_ill(help, "not a database", 0, 3);
    is_int(rename(beside(help, ".away"), help->path), 0);
    is_int(rename(beside(help, ".wal"), beside(help, "-wal")), 0);
    is_well(help);
}

static void emptied(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(rename(help->path, beside(help, ".away")), 0);
    is_int(rename(beside(help, "-wal"), beside(help, ".wal")), 0);
    text_put(help->path, "", 0);
    help->store = help_open(help);
    is_ill(help, "empty", 0, 3);
    is_int(rename(beside(help, ".away"), help->path), 0);
    is_int(rename(beside(help, ".wal"), beside(help, "-wal")), 0);
    is_well(help);
}

static void directory(apr_pool_t *pool)
{
    help_t *help = setup(pool);

    is_int(rename(help->path, beside(help, ".away")), 0);
    is_int(mkdir(help->path, 0700), 0);
    is_ill(help, "unable to open", 0, 3);
    is_int(rmdir(help->path), 0);
    is_int(rename(beside(help, ".away"), help->path), 0);
    is_well(help);
}

static int octets_spoil(const char *path)
{
    int fd = open(path, O_WRONLY);
    struct stat st;
    off_t at;

    if (fd < 0 || fstat(fd, &st) != 0)
        return 1;
    for (at = 0; at < st.st_size; at += 7)
        if (pwrite(fd, "\xa5", 1, at) != 1)
            return 1;
    return 0;
}

/* Octets of an open database are overwritten: whatever comes, no crash. */
static void damaged(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    pid_t child;
    int i;

    for (i = 0; i < 50; i++)
        is_int(help_add(help, apr_psprintf(pool, "row%d", i)), APR_SUCCESS);
    child = fork();
    if (child == 0) { /* closing it here would drop this process's locks */
        if (octets_spoil(help->path) || octets_spoil(beside(help, "-wal")))
            _exit(1);
        execlp("true", "true", NULL); /* valgrind calls _exit() a leak */
        _exit(1);
    }
    waitpid(child, &i, 0);
    is_int(i, 0);
    help->store = help_open(help); /* has nothing in its cache */
    for (i = 0; i < 50; i++) {
        (void)get(help, apr_psprintf(pool, "row%d", i));
        (void)help_add(help, apr_psprintf(pool, "new%d", i));
    }
    is_int(help_lines(help, "AS0250"), 1);
}

/* Somebody else's connection, in a transaction or with an exclusive lock. */
static store_conn_t *stranger(help_t *help, const char *first,
                              const char *second)
{
    const apr_dbd_driver_t *driver;
    store_conn_t *conn;
    store_rows_t rows;

    is_int(apr_dbd_get_driver(help->pool, "sqlite3", &driver), APR_SUCCESS);
    conn = store_conn_make(driver);
    is_int(store_conn_open(conn, help->path), APR_SUCCESS);
    is_int(store_conn_text(&rows, conn, first, help->pool), APR_SUCCESS);
    is_int(store_conn_text(&rows, conn, second, help->pool), APR_SUCCESS);
    return conn;
}

static void locked(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_conn_t *conn =
        stranger(help, "PRAGMA user_version", "BEGIN IMMEDIATE");

    is_ill(help, "locked", 1, 1);
    store_conn_close(conn);
    is_well(help);
}

static void locked_for_reading(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_conn_t *conn;

    help_close(help);
    is_int(mode_of(beside(help, "-wal")), -1);
    conn = stranger(help, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE");
    help->store = help_open(help);
    is_ill(help, "locked", 0, 1);
    store_conn_close(conn);
    is_well(help);
}

static const char *tmpfs_make(help_t *help, const char *options)
{
    char *dir = apr_pstrcat(help->pool, help->dir, "/mnt", NULL);

    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mkdir(dir, 0700) != 0 || mount("none", dir, "tmpfs", 0, options) != 0)
        return NULL;
    help->path = apr_pstrcat(help->pool, dir, "/acme.db", NULL);
    help->store = help_open(help);
    return dir;
}

static void fill(help_t *help, const char *path)
{
    static const char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    ok(fd >= 0);
    while (write(fd, block, sizeof(block)) == sizeof(block))
        continue;
    close(fd);
}

static void full(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    const char *dir = tmpfs_make(help, "size=1m"), *filler;
    int i, count;

    if (!dir) {
        tap_diag("skipped: mounting a small file system needs root");
        return;
    }
    filler = apr_pstrcat(pool, dir, "/filler", NULL);
    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(get(help, "a"), APR_SUCCESS);
    apr_array_clear(help->lines);
    fill(help, filler);
    for (count = 0; count < 1000; count++)
        if (help_add(help, apr_psprintf(pool, "row%d", count)))
            break;
    ok(count < 1000);
    is_ill(help, "full", 1, 3);
    is_int(remove(filler), 0);
    is_well(help);
    for (i = 0; i < count; i++)
        is_int(get(help, apr_psprintf(pool, "row%d", i)), APR_SUCCESS);
    is_int(get(help, apr_psprintf(pool, "row%d", count)), APR_ENOENT);
    help_close(help);
    is_int(umount2(dir, MNT_DETACH), 0);
}

static int help_add_and_die(help_t *help, const char *id)
{
    int status, pid = fork();

    if (!pid) {
        help->store = help_open(help);
        _exit(help_add(help, id) != APR_SUCCESS);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* A killed process leaves -wal and -shm, so that reading works; but what SQLite
 * has once opened read-only stays so as long as any connection has it open. */
static void read_only(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    const char *dir = tmpfs_make(help, "size=2m");
    int is_killed;

    if (!dir) {
        tap_diag("skipped: a read-only file system needs root");
        return;
    }
    is_int(help_add(help, "a"), APR_SUCCESS);
    help_close(help);
    for (is_killed = 0; is_killed < 2; is_killed++) {
        ok(!is_killed || help_add_and_die(help, "b"));
        apr_array_clear(help->lines);
        is_int(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
        help->store = help_open(help);
        is_ill(help, "", is_killed, 3);
        is_int(mount("none", dir, "tmpfs", MS_REMOUNT, NULL), 0);
        is_well(help);
        help_close(help);
    }
    is_int(umount2(dir, MNT_DETACH), 0);
}

static void lock_held(apr_pool_t *pool)
{
    help_t *help = setup(pool);
    store_lock_t lock;

    store_lock_init(&lock, beside(help, ".lock"));
    is_int(store_lock_take(&lock, apr_time_from_sec(2)), APR_SUCCESS);
    is_ill(help, ".lock", 1, 1);
    store_lock_release(&lock);
    store_lock_close(&lock);
    is_well(help);
}

static void driver_missing(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_conf_t conf = {"nosuch", help->path};
    store_t *store;

    ok(store_open(&store, &conf, &help->log, pool) != APR_SUCCESS);
    is_int(help_lines(help, "AS0253"), 1);
}

const tap_case_t tap_cases[] = {
    {"the first use makes the database, 0600 whatever the umask", first_use},
    {"sixteen threads at once are a first use too", first_use_crowd},
    {"a database that is gone is reported and not made again", gone},
    {"not after a restart either", gone_before_start},
    {"nor if all beside it is gone, while a process remembers", all_gone},
    {"its directory may be gone", dir_gone},
    {"another file at the path is taken as it is", replaced},
    {"garbage at the path", garbage},
    {"an emptied database is not filled again", emptied},
    {"a directory at the path", directory},
    {"damaged while it is open: no crash", damaged},
    {"locked by another writer: reads go on", locked},
    {"locked for reading too", locked_for_reading},
    {"a full disk loses nothing that was told", full},
    {"a read-only file system", read_only},
    {"a process that holds the lock file for good", lock_held},
    {"a driver that is not installed", driver_missing},
    {NULL, NULL}};
