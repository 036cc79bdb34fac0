/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

/*
 * The database's file and the lock file beside it.  For store/ only.
 *
 * The database itself is never opened here once it has been made: closing any
 * descriptor of it would drop SQLite's own locks (POSIX locks belong to the
 * process).
 *
 * The lock file is empty until the database's schema has been made.  From then
 * on it holds a line that begins with '+' or '-': it says that there was a
 * database once, and whether the last write of any process went well.  Behind
 * the line there may be a mark.
 */

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>
#include <sys/types.h>

/* Which file it is, whatever its name.  All zero: none. */
typedef struct {
    dev_t dev;
    ino_t ino;
} store_file_t;

apr_status_t store_file_find(store_file_t *file, const char *path)
    __attribute__((warn_unused_result));
int store_file_is(const store_file_t *a, const store_file_t *b);
/* Make it, empty, 0600 whatever the umask.  APR_EEXIST: it is there. */
apr_status_t store_file_create(const char *path)
    __attribute__((warn_unused_result));

#define STORE_LOCK_NEW  '\0' /* there was never a database */
#define STORE_LOCK_WELL '+'
#define STORE_LOCK_ILL  '-'

typedef struct {
    const char *path;
    int fd;           /* -1: not open */
    char state;       /* STORE_LOCK_*; as of the last take or mark */
    int is_contended; /* had to wait the last time */
    int waited_long;  /* so long that to wait for anything else is too much */
} store_lock_t;

void store_lock_init(store_lock_t *lock, const char *path);
/* Exclusive among all processes and all store_t; freed by the kernel when the
 * process dies.  APR_TIMEUP after patience, which is two seconds at most; it is
 * asked for a moment in any case. */
apr_status_t store_lock_take(store_lock_t *lock, apr_interval_time_t patience)
    __attribute__((warn_unused_result));
/* Has a database been made, as far as the file says?  Takes no lock. */
int store_lock_is_marked(const store_lock_t *lock);
void store_lock_release(store_lock_t *lock);
/* Write state down for other processes, and for the time after a restart; only
 * while the lock is held.  Costs nothing if it is so already. */
void store_lock_mark(store_lock_t *lock, char state);
void store_lock_close(store_lock_t *lock);

/* The mark of what is kept (store_kept.h): 16 letters behind the line.  Replace
 * it, while the lock is held. */
void store_mark_replace(const store_lock_t *lock);
/* mark has room for 16 octets.  *fd -1: it is opened.  0: it cannot be read; no
 * mark at all is one, too. */
int store_mark_read(char *mark, int *fd, const char *path);
void store_mark_close(int *fd);

#endif
