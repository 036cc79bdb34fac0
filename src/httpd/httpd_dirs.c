/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_user.h>

#include <httpd.h>
#include <unixd.h>

#include "base/banned.h"

#define GROUPS_MAX 256
/* In the state directory: there has been a db. */
#define MARK "db.made"

/* Who is to own what the children write. */
static uid_t child_uid(void)
{
    return geteuid() ? geteuid() : ap_unixd_config.user_id;
}

static gid_t child_gid(void)
{
    return geteuid() ? getegid() : ap_unixd_config.group_id;
}

static const char *user_name(uid_t uid, apr_pool_t *pool)
{
    char *name;

    return apr_uid_name_get(&name, uid, pool) == APR_SUCCESS
               ? name
               : apr_psprintf(pool, "uid %lu", (unsigned long)uid);
}

static const char *reason(int error, apr_pool_t *pool)
{
    char buf[80];

    return apr_pstrdup(pool, apr_strerror(error, buf, sizeof(buf)));
}

/* NULL: it is there now, ours if it was made here. */
static const char *dir_make(const char *path, mode_t mode, uid_t uid, gid_t gid,
                            apr_pool_t *pool)
{
    int error;

    if (mkdir(path, 0700) != 0) {
        error = errno;
        if (error == EEXIST)
            return NULL;
        return apr_psprintf(pool,
                            "%s cannot be made by %s: %s; make it, or name "
                            "another directory with ACMEStateDir",
                            path, user_name(geteuid(), pool),
                            reason(error, pool));
    }
    /* chmod, since umask may have taken away what others need. */
    if (chmod(path, mode) != 0 || (uid != geteuid() && chown(path, uid, gid))) {
        error = errno;
        return apr_psprintf(pool, "%s cannot be given to %s: %s", path,
                            user_name(uid, pool), reason(error, pool));
    }
    return NULL;
}

static const char *dir_problem(const char *path, const struct stat *st,
                               uid_t uid, apr_pool_t *pool)
{
    if (S_ISLNK(st->st_mode))
        return apr_psprintf(pool,
                            "%s is a symbolic link; put a directory there, and "
                            "name the place itself with ACMEStateDir",
                            path);
    if (!S_ISDIR(st->st_mode))
        return apr_psprintf(pool, "%s is no directory; move it away", path);
    if (st->st_uid == 0 && geteuid() != 0)
        return apr_psprintf(pool,
                            "%s belongs to root, and this is %s; start httpd "
                            "as root, or name another directory with "
                            "ACMEStateDir",
                            path, user_name(geteuid(), pool));
    if (st->st_uid != uid)
        return apr_psprintf(
            pool,
            "%s belongs to %s, not to %s; if it is right what is in "
            "there: chown -R %s %s",
            path, user_name(st->st_uid, pool), user_name(uid, pool),
            user_name(uid, pool), path);
    if (st->st_mode & 077)
        return apr_psprintf(pool,
                            "%s is open to others (mode %03o); chmod 700 %s",
                            path, st->st_mode & 0777, path);
    return NULL;
}

/* A directory that holds secrets is its owner's alone.  NULL, too, when it is
 * not there. */
static const char *private_look(const char *path, uid_t uid, apr_pool_t *pool)
{
    struct stat st;
    int error;

    if (lstat(path, &st) == 0)
        return dir_problem(path, &st, uid, pool);
    error = errno;
    if (error == ENOENT)
        return NULL;
    return apr_psprintf(pool, "%s cannot be looked at by %s: %s", path,
                        user_name(geteuid(), pool), reason(error, pool));
}

static int has_group(const gid_t *groups, int count, gid_t gid)
{
    int i;

    for (i = 0; i < count; i++)
        if (groups[i] == gid)
            return 1;
    return 0;
}

/* May the children pass through directories of this kind? */
static int may_enter(const struct stat *st, apr_pool_t *pool)
{
    gid_t groups[GROUPS_MAX];
    int count = GROUPS_MAX;
    uid_t uid = child_uid();

    if (uid == 0)
        return 1;
    if (st->st_uid == uid)
        return (st->st_mode & S_IXUSR) != 0;
    if (getgrouplist(user_name(uid, pool), child_gid(), groups, &count) < 0)
        count = 0;
    if (st->st_gid == child_gid() || has_group(groups, count, st->st_gid))
        return (st->st_mode & S_IXGRP) != 0;
    return (st->st_mode & S_IXOTH) != 0;
}

/* From the root down to path itself, as far as it is there: the first directory
 * that keeps the children out. */
static const char *way_look(const char *path, const char *directive,
                            apr_pool_t *pool)
{
    char *part = apr_pstrdup(pool, path), *at = part;
    struct stat st;

    while (at) {
        at = strchr(at + 1, '/');
        if (at)
            *at = '\0';
        if (stat(part, &st) != 0)
            return NULL;
        if (!may_enter(&st, pool))
            return apr_psprintf(
                pool,
                "%s (of %s, mode %03o) does not let %s through to %s; chmod "
                "o+x %s, or name another place with %s",
                part, user_name(st.st_uid, pool), st.st_mode & 0777,
                user_name(child_uid(), pool), path, part, directive);
        if (at)
            *at = '/';
    }
    return NULL;
}

/* The state directory itself may be a link. */
static const char *state_look(const char *state, apr_pool_t *pool)
{
    struct stat st;

    if (stat(state, &st) != 0 || S_ISDIR(st.st_mode))
        return NULL;
    return apr_psprintf(pool,
                        "%s is no directory; move it away, or name another "
                        "place with ACMEStateDir",
                        state);
}

static const char *sub(const char *state, const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, state, "/", name, NULL);
}

static int is_own_db(const char *state, const char *db, apr_pool_t *pool)
{
    return !strcmp(db, sub(state, "db", pool));
}

/* Open to others, it can be used all the same. */
static int is_usable(const char *db)
{
    struct stat st;

    return lstat(db, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == child_uid() && (st.st_mode & S_IRWXU) == S_IRWXU;
}

/* An empty one in its place would know of no certificate, and would publish
 * that none is revoked. */
static const char *gone_look(const char *state, const char *db,
                             apr_pool_t *pool)
{
    const char *mark = sub(state, MARK, pool);
    struct stat st;

    if (lstat(db, &st) == 0 || errno != ENOENT || lstat(mark, &st) != 0)
        return NULL;
    return apr_psprintf(pool,
                        "%s was there once and is gone; put it back, which "
                        "needs no restart, or if all that was in it is to be "
                        "forgotten, remove %s and restart httpd",
                        db, mark);
}

/* If it cannot be made, there is nothing to say: all goes on as without it. */
static void mark_make(const char *state, apr_pool_t *pool)
{
    int fd = open(sub(state, MARK, pool), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    if (fd >= 0)
        close(fd);
}

static void db_look(httpd_dirs_t *dirs, const char *state, const char *db,
                    apr_pool_t *pool)
{
    const char *dir = db ? db : sub(state, "db", pool);
    int is_own = is_own_db(state, dir, pool);
    const char *way =
        way_look(dir, is_own ? "ACMEStateDir" : "ACMEDatabase", pool);

    dirs->db_problem = is_own && db ? gone_look(state, db, pool) : NULL;
    if (is_own && !dirs->db_problem)
        dirs->db_problem = private_look(dir, child_uid(), pool);
    dirs->is_db_exposed = dirs->db_problem && !way && is_usable(dir);
    if (way && (!dirs->db_problem || is_usable(dir)))
        dirs->db_problem = way;
}

void httpd_dirs_look(httpd_dirs_t *dirs, const char *state, const char *db,
                     apr_pool_t *pool)
{
    dirs->ca_problem = state_look(state, pool);
    dirs->db_problem = dirs->ca_problem;
    dirs->is_db_exposed = 0;
    if (dirs->ca_problem)
        return;
    dirs->ca_problem = private_look(sub(state, "ca", pool), geteuid(), pool);
    db_look(dirs, state, db, pool);
}

/* Directories above the state directory are made as mkdir -p would. */
static const char *state_make(const char *state, apr_pool_t *pool)
{
    char *part = apr_pstrdup(pool, state), *at = part;
    const char *fault;
    struct stat st;

    while (at) {
        at = strchr(at + 1, '/');
        if (at)
            *at = '\0';
        if (stat(part, &st) != 0) {
            fault = dir_make(part, 0755, geteuid(), getegid(), pool);
            if (fault)
                return fault;
        }
        if (at)
            *at = '/';
    }
    return NULL;
}

static void db_make(httpd_dirs_t *dirs, const char *state, const char *db,
                    apr_pool_t *pool)
{
    const char *pub = sub(state, "pub", pool), *fault = NULL;
    const char *dir = db ? db : sub(state, "db", pool);
    int is_own = is_own_db(state, dir, pool);
    uid_t uid = child_uid();
    gid_t gid = child_gid();

    if (is_own)
        fault = dir_make(dir, 0700, uid, gid, pool);
    if (!fault)
        fault = dir_make(pub, 0700, uid, gid, pool);
    if (fault) {
        dirs->db_problem = fault;
        dirs->is_db_exposed = 0;
    }
    else {
        if (is_own && db)
            mark_make(state, pool);
        db_look(dirs, state, db, pool);
    }
}

void httpd_dirs_ensure(httpd_dirs_t *dirs, const char *state, const char *db,
                       apr_pool_t *pool)
{
    const char *fault;

    httpd_dirs_look(dirs, state, db, pool);
    fault = dirs->ca_problem ? NULL : state_make(state, pool);
    if (fault)
        dirs->ca_problem = dirs->db_problem = fault;
    if (!dirs->ca_problem)
        dirs->ca_problem =
            dir_make(sub(state, "ca", pool), 0700, geteuid(), getegid(), pool);
    if (!dirs->db_problem || dirs->is_db_exposed)
        db_make(dirs, state, db, pool);
}
