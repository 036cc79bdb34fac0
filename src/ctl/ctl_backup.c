/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_copy.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/token.h"
#include "ca/ca_file.h"
#include "ctl/ctl_apart.h"

#include "base/banned.h"

/* A state directory is flat; what goes deeper goes in circles. */
#define DEPTH_MAX 8

typedef struct {
    ctl_t *ctl;
    const char *dir, *temp; /* temp: the copy, beside the database */
    struct stat st;         /* of dir */
    json_t *directories, *files, *skipped;
    json_t *database;
} backup_t;

static ctl_exit_e dir_prepare(backup_t *backup)
{
    static const ctl_copy_owner_t owner = {.mode = 0700};
    ctl_exit_e code = CTL_OK;
    const struct dirent *entry;
    DIR *dir;

    if (stat(backup->dir, &backup->st) != 0)
        code = ctl_copy_dir(backup->dir, &owner, backup->ctl->pool);
    dir = code == CTL_OK ? opendir(backup->dir) : NULL;
    if (code == CTL_OK && !dir) {
        ctl_print_error("%s: %s", backup->dir, strerror(errno));
        return CTL_FAILED;
    }
    for (entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            code = CTL_FAILED;
    if (!dir)
        return code;
    closedir(dir);
    if (code != CTL_OK)
        ctl_print_error("%s: is not empty; a backup has a directory of its own",
                        backup->dir);
    else if (stat(backup->dir, &backup->st) != 0 ||
             (backup->st.st_mode & 077) != 0) {
        ctl_print_error("%s: is open to others, and keys are to be in it; "
                        "chmod 700 %s",
                        backup->dir, backup->dir);
        code = CTL_FAILED;
    }
    return code;
}

/* Owners by name, since another machine may number them otherwise. */
static json_t *entry_make(const char *path, const struct stat *st,
                          const char *sha256, apr_pool_t *pool)
{
    const struct passwd *user = getpwuid(st->st_uid);
    const struct group *group = getgrgid(st->st_gid);
    json_t *json = json_object();

    json_object_set_new(json, "path", json_string(path));
    json_object_set_new(
        json, "mode",
        json_string(
            apr_psprintf(pool, "%04o", (unsigned int)(st->st_mode & 07777))));
    json_object_set_new(json, "uid", json_integer(st->st_uid));
    json_object_set_new(json, "gid", json_integer(st->st_gid));
    json_object_set_new(json, "user",
                        ctl_print_text(user ? user->pw_name : NULL));
    json_object_set_new(json, "group",
                        ctl_print_text(group ? group->gr_name : NULL));
    if (sha256)
        json_object_set_new(json, "sha256", json_string(sha256));
    return json;
}

static int is_listed(const json_t *list, const char *path)
{
    json_t *entry;
    size_t i;

    json_array_foreach((json_t *)list, i, entry)
    {
        if (!strcmp(json_string_value(json_object_get(entry, "path")), path))
            return 1;
    }
    return 0;
}

static void skip(backup_t *backup, const char *path, const char *why)
{
    json_array_append_new(backup->skipped, json_string(path));
    ctl_print_error("%s: not in the backup: %s", path, why);
}

/* The database has its own way, and locks and unfinished files are nothing. */
static int is_left_out(const backup_t *backup, const char *path)
{
    const char *database = backup->ctl->conf->store.params;
    const char *name = strrchr(path, '/') + 1;
    size_t len = strlen(database);

    return !strcmp(name, "lock") || !strncmp(name, ".new-", 5) ||
           (!strncmp(path, database, len) &&
            (!path[len] || strchr("-.", path[len])));
}

static ctl_exit_e file_add(backup_t *backup, const char *path,
                           const struct stat *st)
{
    static const ctl_copy_owner_t owner = {.mode = 0600};
    apr_pool_t *pool = backup->ctl->pool;
    const char *sha256;
    ctl_exit_e code;

    if (is_listed(backup->files, path))
        return CTL_OK;
    code = ctl_copy_file(
        &sha256, path,
        apr_pstrcat(pool, backup->dir, "/" CTL_COPY_FILES, path, NULL), &owner,
        pool);
    if (code == CTL_OK)
        json_array_append_new(backup->files,
                              entry_make(path, st, sha256, pool));
    return code;
}

static ctl_exit_e dir_add(backup_t *backup, const char *path,
                          const struct stat *st)
{
    static const ctl_copy_owner_t owner = {.mode = 0700};
    apr_pool_t *pool = backup->ctl->pool;

    if (is_listed(backup->directories, path))
        return CTL_OK;
    json_array_append_new(backup->directories,
                          entry_make(path, st, NULL, pool));
    return ctl_copy_dir(
        apr_pstrcat(pool, backup->dir, "/" CTL_COPY_FILES, path, NULL), &owner,
        pool);
}

static ctl_exit_e tree_add(backup_t *backup, const char *path, int depth);

static ctl_exit_e path_add(backup_t *backup, const char *path, int depth)
{
    struct stat st;

    if (is_left_out(backup, path))
        return CTL_OK;
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT) /* gone since we saw it, or never made */
            return CTL_OK;
        ctl_print_error("%s: %s", path, strerror(errno));
        return CTL_FAILED;
    }
    if (S_ISDIR(st.st_mode))
        return tree_add(backup, path, depth + 1);
    if (S_ISREG(st.st_mode))
        return file_add(backup, path, &st);
    skip(backup, path, S_ISLNK(st.st_mode) ? "it is a link" : "it is no file");
    return CTL_OK;
}

static ctl_exit_e tree_add(backup_t *backup, const char *path, int depth)
{
    apr_pool_t *pool = backup->ctl->pool;
    DIR *dir = depth < DEPTH_MAX ? opendir(path) : NULL;
    ctl_exit_e code = CTL_OK;
    const struct dirent *entry;
    struct stat st;

    if (!dir || fstat(dirfd(dir), &st) != 0) {
        ctl_print_error("%s: cannot be read: %s; run acmectl as root", path,
                        strerror(errno));
        code = CTL_FAILED;
    }
    if (code == CTL_OK && st.st_ino == backup->st.st_ino &&
        st.st_dev == backup->st.st_dev) {
        closedir(dir); /* the backup itself */
        return CTL_OK;
    }
    if (code == CTL_OK)
        code = dir_add(backup, path, &st);
    for (entry = code == CTL_OK ? readdir(dir) : NULL; entry && code == CTL_OK;
         entry = readdir(dir))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            code = path_add(backup,
                            apr_pstrcat(pool, path, "/", entry->d_name, NULL),
                            depth);
    if (dir)
        closedir(dir);
    return code;
}

/* A file that is named by itself; its directory is only to be there again. */
static ctl_exit_e single_add(backup_t *backup, const char *path)
{
    struct stat st, real;
    char *dir;

    if (!path || *path != '/' || lstat(path, &st) != 0)
        return CTL_OK;
    dir = apr_pstrmemdup(backup->ctl->pool, path,
                         (apr_size_t)(strrchr(path, '/') - path));
    if (*dir && stat(dir, &real) == 0 && dir_add(backup, dir, &real) != CTL_OK)
        return CTL_FAILED;
    return path_add(backup, path, 0);
}

static ctl_exit_e issuer_add(backup_t *backup, const acme_issuer_t *issuer)
{
    ctl_exit_e code = single_add(backup, issuer->certificate);
    int i;

    if (code == CTL_OK)
        code = single_add(backup, issuer->key);
    for (i = 0; i < issuer->alternates->nelts && code == CTL_OK; i++)
        code = single_add(backup,
                          APR_ARRAY_IDX(issuer->alternates, i, const char *));
    if (code == CTL_OK && issuer->directory)
        code = path_add(backup, issuer->directory, 0);
    return code;
}

/* After the database: what that knows of is in the files then. */
static ctl_exit_e files_add(backup_t *backup)
{
    const acme_conf_t *conf = backup->ctl->conf;
    ctl_exit_e code = tree_add(backup, conf->state_dir, 0);
    int i;

    if (code == CTL_OK)
        code = single_add(backup, conf->eab_key_file);
    for (i = 0; i < conf->issuers->nelts && code == CTL_OK; i++)
        code = issuer_add(
            backup, APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *));
    return code;
}

/* Apart, as the database's owner. */
static ctl_exit_e database_write(ctl_t *ctl, void *baton)
{
    const backup_t *backup = baton;
    ctl_exit_e code;

    umask(077);
    code = ctl_store_open(ctl, 0);
    if (code == CTL_OK)
        code = ctl_print_status(
            store_backup(ctl->store, backup->temp, ctl->pool), "backup", "");
    return code;
}

static ctl_exit_e database_add(backup_t *backup)
{
    static const ctl_copy_owner_t owner = {.mode = 0600};
    ctl_t *ctl = backup->ctl;
    const char *path = ctl->conf->store.params, *sha256, *dir;
    struct stat st, dir_st;
    ctl_exit_e code;

    backup->temp = apr_pstrcat(ctl->pool, path, ".backup-",
                               token_make(9, ctl->pool), NULL);
    code = ctl_apart(ctl, database_write, backup);
    if (code == CTL_OK)
        code = ctl_copy_file(
            &sha256, backup->temp,
            apr_pstrcat(ctl->pool, backup->dir, "/" CTL_COPY_DATABASE, NULL),
            &owner, ctl->pool);
    unlink(backup->temp);
    dir = apr_pstrmemdup(ctl->pool, path,
                         (apr_size_t)(strrchr(path, '/') - path));
    if (code == CTL_OK && (stat(path, &st) != 0 || stat(dir, &dir_st) != 0)) {
        ctl_print_error("%s: %s", path, strerror(errno));
        code = CTL_FAILED;
    }
    if (code != CTL_OK)
        return code;
    backup->database = entry_make(path, &st, sha256, ctl->pool);
    return dir_add(backup, dir, &dir_st);
}

static ctl_exit_e json_write(const backup_t *backup, const char *name,
                             const json_t *json)
{
    apr_pool_t *pool = backup->ctl->pool;
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    const char *copy = apr_pstrcat(pool, text ? text : "", "\n", NULL);
    problem_t *prob = ca_file_create(
        apr_pstrcat(pool, backup->dir, "/", name, NULL), copy, 0600, pool);

    free(text);
    return prob ? ctl_print_problem(prob) : CTL_OK;
}

static ctl_exit_e manifest_write(backup_t *backup)
{
    const ctl_t *ctl = backup->ctl;
    json_t *json = own_json(ctl->pool, json_object());

    json_object_set_new(json, "format", json_string(CTL_COPY_FORMAT));
    json_object_set_new(json, "made",
                        ctl_print_time(ctl, clock_seconds(&clock_system)));
    json_object_set_new(json, "server", ctl_print_text(ctl->conf->server_name));
    json_object_set_new(json, "stateDir", json_string(ctl->conf->state_dir));
    json_object_set_new(json, "externalAccountKeyFile",
                        json_string(ctl->conf->eab_key_file));
    json_object_set_new(json, "database",
                        backup->database ? json_incref(backup->database)
                                         : json_null());
    json_object_set_new(json, "directories", json_incref(backup->directories));
    json_object_set_new(json, "files", json_incref(backup->files));
    return json_write(backup, CTL_COPY_MANIFEST, json);
}

/* In the database's own history, which then goes on. */
static ctl_exit_e event_write(const backup_t *backup)
{
    ctl_t *ctl = backup->ctl;
    ctl_exit_e code = ctl_store_open(ctl, 0);
    json_t *detail = json_object();

    json_object_set_new(detail, "directory", json_string(backup->dir));
    json_object_set_new(
        detail, "files",
        json_integer((json_int_t)json_array_size(backup->files)));
    if (code == CTL_OK)
        return ctl_event_add(ctl, ctl_event(ctl, "db.backup", detail));
    json_decref(detail);
    return code;
}

static ctl_exit_e backup_run(backup_t *backup)
{
    ctl_exit_e code = CTL_OK;

    if (!ctl_option(backup->ctl, "without-database"))
        code = database_add(backup);
    if (code == CTL_OK)
        code = json_write(backup, CTL_COPY_CONFIG, backup->ctl->dump);
    if (code == CTL_OK)
        code = files_add(backup);
    if (code == CTL_OK)
        code = manifest_write(backup);
    if (code != CTL_OK)
        ctl_print_error("%s: this backup is not complete, and of no use",
                        backup->dir);
    return code == CTL_OK ? event_write(backup) : code;
}

ctl_exit_e ctl_backup(ctl_t *ctl)
{
    backup_t backup = {.ctl = ctl, .dir = ctl->id};
    json_t *json = own_json(ctl->pool, json_object());
    ctl_exit_e code;
    char *real;

    code = ctl_copy_ask(ctl);
    if (code != CTL_OK)
        return code;
    backup.directories = own_json(ctl->pool, json_array());
    backup.files = own_json(ctl->pool, json_array());
    backup.skipped = own_json(ctl->pool, json_array());
    code = dir_prepare(&backup);
    if (code != CTL_OK)
        return code;
    real = realpath(backup.dir, NULL);
    if (real)
        backup.dir = apr_pstrdup(ctl->pool, real);
    free(real);
    code = backup_run(&backup);
    own_json(ctl->pool, backup.database);
    if (code != CTL_OK)
        return code;
    json_object_set_new(json, "directory", json_string(backup.dir));
    json_object_set_new(json, "database",
                        backup.database ? json_string(ctl->conf->store.params)
                                        : json_null());
    json_object_set_new(
        json, "files", json_integer((json_int_t)json_array_size(backup.files)));
    json_object_set_new(json, "leftOut", json_incref(backup.skipped));
    ctl_print_object(ctl, json);
    return CTL_OK;
}
