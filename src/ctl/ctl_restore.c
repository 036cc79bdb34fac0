/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_copy.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/own.h"
#include "base/pjson.h"
#include "base/token.h"
#include "ctl/ctl_issuer.h"
#include "ctl/ctl_verify.h"

#include "base/banned.h"

typedef struct {
    ctl_t *ctl;
    const char *dir;
    const json_t *manifest, *database;
    const char *temp; /* the database to be, beside its place */
    apr_array_header_t *placed;
    int findings;
} restore_t;

static const char *member(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "";
}

/* Where the backup has it. */
static const char *source_of(const restore_t *restore, const char *path)
{
    return apr_pstrcat(restore->ctl->pool, restore->dir, "/" CTL_COPY_FILES,
                       path, NULL);
}

/* Where it belongs: the state directory may be another one here. */
static const char *target_of(const restore_t *restore, const char *path)
{
    const char *was = member(restore->manifest, "stateDir");
    size_t len = strlen(was);

    if (strncmp(path, was, len) != 0 || (path[len] && path[len] != '/'))
        return path;
    return apr_pstrcat(restore->ctl->pool, restore->ctl->conf->state_dir,
                       path + len, NULL);
}

/* Its user and group have these numbers here; those of the backup where the
 * names are not known. */
static void owner_get(ctl_copy_owner_t *owner, const json_t *entry)
{
    const struct passwd *user = getpwnam(member(entry, "user"));
    const struct group *group = getgrnam(member(entry, "group"));

    owner->mode = (mode_t)strtoul(member(entry, "mode"), NULL, 8) & 0777;
    owner->uid = user
                     ? user->pw_uid
                     : (uid_t)json_integer_value(json_object_get(entry, "uid"));
    owner->gid = group
                     ? group->gr_gid
                     : (gid_t)json_integer_value(json_object_get(entry, "gid"));
    owner->is_owned = 1;
}

static int is_path(const json_t *entry)
{
    const char *path = member(entry, "path");

    return *path == '/' && !strstr(path, "/../") && !strstr(path, "//");
}

static int is_manifest(const json_t *json)
{
    static const char *const lists[] = {"directories", "files"};
    const json_t *list;
    json_t *entry;
    size_t i, k;

    for (k = 0; k < 2; k++) {
        list = json_object_get(json, lists[k]);
        if (!json_is_array(list))
            return 0;
        json_array_foreach((json_t *)list, i, entry)
        {
            if (!is_path(entry))
                return 0;
        }
    }
    return !strcmp(member(json, "format"), CTL_COPY_FORMAT) &&
           (is_path(json_object_get(json, "database")) ||
            json_is_null(json_object_get(json, "database")));
}

static ctl_exit_e manifest_read(restore_t *restore)
{
    apr_pool_t *pool = restore->ctl->pool;
    const char *path =
        apr_pstrcat(pool, restore->dir, "/" CTL_COPY_MANIFEST, NULL);
    json_t *json =
        own_json(pool, json_load_file(path, JSON_REJECT_DUPLICATES, NULL));

    if (!json)
        ctl_print_error("%s: is not there or cannot be read; a backup without "
                        "it is not complete",
                        path);
    else if (!is_manifest(json))
        ctl_print_error("%s: is not of a backup that this version knows", path);
    else {
        restore->manifest = json;
        restore->database = json_object_get(json, "database");
        if (json_is_null(restore->database))
            restore->database = NULL;
        return CTL_OK;
    }
    return CTL_FAILED;
}

static ctl_exit_e digest_check(const restore_t *restore, const char *path,
                               const json_t *entry)
{
    const char *sha256;
    apr_status_t rv = ctl_copy_digest(&sha256, path, restore->ctl->pool);

    if (rv != APR_SUCCESS)
        ctl_print_error("%s: cannot be read: %s", path, strerror(rv));
    else if (strcmp(sha256, member(entry, "sha256")) != 0)
        ctl_print_error("%s: is damaged: it is not what the manifest says",
                        path);
    else
        return CTL_OK;
    return CTL_FAILED;
}

/* Is there nothing in the way, or the same? */
static ctl_exit_e target_check(const restore_t *restore, const json_t *entry)
{
    const char *path = target_of(restore, member(entry, "path")), *sha256;
    apr_status_t rv = ctl_copy_digest(&sha256, path, restore->ctl->pool);

    if (APR_STATUS_IS_ENOENT(rv) ||
        (rv == APR_SUCCESS && !strcmp(sha256, member(entry, "sha256"))))
        return CTL_OK;
    ctl_print_error("%s: is there and is not what the backup holds; if it is "
                    "not needed any more, move it away",
                    path);
    return CTL_FINDINGS;
}

/* A log without its database would be taken for the new one's. */
static ctl_exit_e database_vacant(const restore_t *restore)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    ctl_exit_e code = CTL_OK;
    struct stat st;
    size_t i;

    for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        const char *path =
            apr_pstrcat(restore->ctl->pool, restore->ctl->conf->store.params,
                        suffixes[i], NULL);

        if (lstat(path, &st) != 0)
            continue;
        ctl_print_error("%s: is there, and a database is never overwritten; "
                        "stop httpd, then move it away with its -wal and -shm",
                        path);
        code = CTL_FINDINGS;
    }
    return code;
}

static ctl_exit_e all_check(const restore_t *restore)
{
    ctl_exit_e code, all = CTL_OK;
    json_t *entry;
    size_t i;

    if (restore->database)
        all = database_vacant(restore);
    json_array_foreach(json_object_get(restore->manifest, "files"), i, entry)
    {
        code = digest_check(restore, source_of(restore, member(entry, "path")),
                            entry);
        if (code == CTL_OK)
            code = target_check(restore, entry);
        if (code != CTL_OK && all != CTL_FAILED)
            all = code;
    }
    if (!restore->database)
        return all;
    code = digest_check(restore,
                        apr_pstrcat(restore->ctl->pool, restore->dir,
                                    "/" CTL_COPY_DATABASE, NULL),
                        restore->database);
    return code == CTL_OK ? all : code;
}

/* Every key of the backup against the certificate beside it. */
static ctl_exit_e keys_check(const restore_t *restore)
{
    ctl_exit_e all = CTL_OK;
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(restore->manifest, "files"), i, entry)
    {
        ctl_exit_e code = ctl_verify_key(
            source_of(restore, member(entry, "path")), restore->ctl->pool);

        if (code != CTL_OK)
            all = code;
    }
    return all;
}

static ctl_exit_e dirs_make(const restore_t *restore)
{
    ctl_exit_e code = CTL_OK;
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(restore->manifest, "directories"), i,
                       entry)
    {
        ctl_copy_owner_t owner;

        owner_get(&owner, entry);
        if (code == CTL_OK)
            code = ctl_copy_dir(target_of(restore, member(entry, "path")),
                                &owner, restore->ctl->pool);
    }
    return code;
}

/* Its copy, in the place where it will be, is looked at by a process that is
 * its owner. */
static ctl_exit_e database_stage(restore_t *restore)
{
    ctl_t *ctl = restore->ctl;
    const char *key_file = member(restore->manifest, "externalAccountKeyFile");
    ctl_verify_t verify = {.eab_key_file = source_of(restore, key_file)};
    ctl_copy_owner_t owner;
    ctl_exit_e code;

    if (!restore->database)
        return ctl_verify_database(ctl, &verify);
    owner_get(&owner, restore->database);
    restore->temp = apr_pstrcat(ctl->pool, ctl->conf->store.params, ".restore-",
                                token_make(9, ctl->pool), NULL);
    code = ctl_copy_file(
        NULL, apr_pstrcat(ctl->pool, restore->dir, "/" CTL_COPY_DATABASE, NULL),
        restore->temp, &owner, ctl->pool);
    if (code != CTL_OK)
        return code;
    verify.path = restore->temp;
    return ctl_verify_database(ctl, &verify);
}

static ctl_exit_e files_place(restore_t *restore)
{
    apr_pool_t *pool = restore->ctl->pool;
    ctl_exit_e code = CTL_OK;
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(restore->manifest, "files"), i, entry)
    {
        const char *path = member(entry, "path"),
                   *target = target_of(restore, path), *sha256;
        ctl_copy_owner_t owner;

        if (code != CTL_OK ||
            ctl_copy_digest(&sha256, target, pool) == APR_SUCCESS)
            continue; /* the same, as was seen before */
        owner_get(&owner, entry);
        code =
            ctl_copy_file(NULL, source_of(restore, path), target, &owner, pool);
        if (code == CTL_OK)
            APR_ARRAY_PUSH(restore->placed, const char *) = target;
    }
    return code;
}

static ctl_exit_e database_place(const restore_t *restore)
{
    const char *path = restore->ctl->conf->store.params;

    if (link(restore->temp, path) == 0)
        return CTL_OK;
    ctl_print_error("%s: cannot be put there: %s", path, strerror(errno));
    return CTL_FAILED;
}

/* What the server will say to it all. */
static void issuers_tell(const ctl_t *ctl)
{
    int i;

    for (i = 0; i < ctl->conf->issuers->nelts; i++) {
        acme_issuer_t *issuer =
            APR_ARRAY_IDX(ctl->conf->issuers, i, acme_issuer_t *);

        ctl_issuer_load(issuer, ctl);
        if (issuer->problem)
            ctl_print_error("issuer %s cannot be used: %s", issuer->name,
                            issuer->problem);
    }
}

static ctl_exit_e event_write(const restore_t *restore)
{
    ctl_t *ctl = restore->ctl;
    ctl_exit_e code = ctl_store_open(ctl, 0);
    json_t *detail = json_object();

    json_object_set_new(detail, "directory", json_string(restore->dir));
    json_object_set_new(detail, "made",
                        json_string(member(restore->manifest, "made")));
    if (code == CTL_OK)
        return ctl_event_add(ctl, ctl_event(ctl, "db.restore", detail));
    json_decref(detail);
    return code;
}

static ctl_exit_e restore_run(restore_t *restore)
{
    ctl_exit_e code = dirs_make(restore);
    int findings = 0;

    if (code == CTL_OK)
        code = database_stage(restore);
    if (code == CTL_FINDINGS || code == CTL_OK) {
        findings = code == CTL_FINDINGS || keys_check(restore) != CTL_OK;
        code = CTL_OK;
    }
    restore->findings = findings;
    if (findings && !ctl_option(restore->ctl, "despite-findings")) {
        ctl_print_error("nothing was put back; --despite-findings does it "
                        "nevertheless");
        code = CTL_FINDINGS;
    }
    if (code == CTL_OK)
        code = files_place(restore);
    if (code == CTL_OK && restore->database)
        code = database_place(restore);
    if (restore->temp)
        unlink(restore->temp);
    if (code == CTL_OK)
        issuers_tell(restore->ctl);
    return code == CTL_OK ? event_write(restore) : code;
}

ctl_exit_e ctl_restore(ctl_t *ctl)
{
    restore_t restore = {.ctl = ctl, .dir = ctl->id};
    json_t *json = own_json(ctl->pool, json_object());
    ctl_exit_e code;

    code = ctl_copy_ask(ctl);
    if (code != CTL_OK)
        return code;
    restore.placed = apr_array_make(ctl->pool, 8, sizeof(const char *));
    code = manifest_read(&restore);
    if (code == CTL_OK &&
        !restore.database != !!ctl_option(ctl, "without-database")) {
        ctl_print_error("%s: %s", restore.dir,
                        restore.database
                            ? "holds an sqlite3 database, and this server "
                              "has PostgreSQL"
                            : "was made without the database; say "
                              "--without-database");
        code = CTL_USAGE;
    }
    if (code == CTL_OK)
        code = all_check(&restore);
    if (code == CTL_OK)
        code = restore_run(&restore);
    if (code != CTL_OK)
        return code;
    json_object_set_new(json, "database",
                        restore.database ? json_string(ctl->conf->store.params)
                                         : json_null());
    json_object_set_new(json, "made",
                        json_string(member(restore.manifest, "made")));
    json_object_set_new(json, "files", pjson_strings_render(restore.placed));
    json_object_set_new(json, "holds", json_boolean(!restore.findings));
    ctl_print_object(ctl, json);
    return CTL_OK;
}
