/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "acme/acme_audit.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"

#include "base/banned.h"

/* The file's owner, or, where it is to be made, its directory's. */
static ctl_exit_e owner_find(struct stat *st, const char *path, int may_make,
                             apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');

    if (stat(path, st) == 0)
        return CTL_OK;
    if (errno == ENOENT && may_make && slash &&
        stat(apr_pstrmemdup(pool, path, (apr_size_t)(slash - path)), st) == 0)
        return CTL_OK;
    ctl_print_error("%s: there is no database (yet), or it may not be read; "
                    "httpd makes it when it runs",
                    path);
    return CTL_FAILED;
}

/* Not to leave files of root beside a database that httpd's children write,
 * root becomes whom the database belongs to. */
static ctl_exit_e owner_become(const char *driver, const char *path,
                               int may_make, apr_pool_t *pool)
{
    ctl_exit_e code;
    struct stat st;

    if (!strcmp(driver, "pgsql") && access(path, F_OK) != 0)
        return CTL_OK;
    code = owner_find(&st, path, may_make, pool);
    if (code != CTL_OK || geteuid() != 0 || st.st_uid == 0)
        return code;
    if (setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0 ||
        setuid(st.st_uid) != 0) {
        ctl_print_error("%s: cannot become its owner", path);
        return CTL_FAILED;
    }
    return CTL_OK;
}

/* With PostgreSQL it is the directory that would be the database's: its owner
 * is whom the server knows us by (peer), and can read the passfile. */
static const char *owned_path(const ctl_t *ctl)
{
    return strcmp(ctl->conf->store.driver, "pgsql")
               ? ctl->conf->store.params
               : apr_pstrcat(ctl->pool, ctl->conf->state_dir, "/db", NULL);
}

/* While we may. */
static void audit_open(ctl_t *ctl)
{
    const char *path = ctl->conf->audit_log;

    if (path && *path == '/')
        ctl->audit = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

/* A look at the database must not end the older server that runs on it. */
static ctl_exit_e schema_check(const ctl_t *ctl)
{
    int has, needs;

    if (ctl->may_migrate ||
        store_version(&has, &needs, ctl->store) != APR_SUCCESS || !has ||
        has >= needs) /* whatever it is, its use will say it */
        return CTL_OK;
    ctl_print_error("database %s: has schema %d, made by an older "
                    "mod_acme_server; this acmectl needs %d: start httpd with "
                    "the new module, or run acmectl db migrate",
                    store_conf_name(&ctl->conf->store, ctl->pool), has, needs);
    return CTL_FAILED;
}

ctl_exit_e ctl_store_open(ctl_t *ctl, int may_make)
{
    const store_conf_t *conf = &ctl->conf->store;
    ctl_exit_e code = CTL_OK;
    apr_status_t rv;

    if (ctl->store)
        return CTL_OK;
    audit_open(ctl);
    code = owner_become(conf->driver, owned_path(ctl), may_make, ctl->pool);
    if (code != CTL_OK)
        return code;
    rv = store_open(&ctl->store, conf, ctl->log, ctl->pool);
    code = ctl_print_status(rv, "database", store_conf_name(conf, ctl->pool));
    return code == CTL_OK ? schema_check(ctl) : code;
}

store_event_t *ctl_event(const ctl_t *ctl, const char *kind, json_t *detail)
{
    store_event_t *event = apr_pcalloc(ctl->pool, sizeof(*event));

    event->at = clock_seconds(&clock_system);
    event->kind = kind;
    event->who = ctl->who;
    if (detail)
        event->detail = pjson_text(own_json(ctl->pool, detail), 0, ctl->pool);
    return event;
}

/* One write, so that httpd's lines and ours never mix. */
static void audit_write(void *baton, acme_t *acme, const char *line)
{
    const ctl_t *ctl = baton;
    const char *text = apr_pstrcat(ctl->pool, line, "\n", NULL);
    apr_size_t len = strlen(text);

    if (write(ctl->audit, text, len) != (ssize_t)len)
        ctl_print_error("%s: the event could not be written; the database has "
                        "it",
                        ctl->conf->audit_log);
}

void ctl_event_tell(const ctl_t *ctl, const store_event_t *event)
{
    acme_host_t host = {.baton = (void *)ctl, .audit = audit_write};
    acme_t acme = {.conf = ctl->conf, .host = &host};

    if (ctl->audit >= 0)
        acme_audit_relay(&acme, event, ctl->pool);
}

ctl_exit_e ctl_event_add(const ctl_t *ctl, const store_event_t *event)
{
    apr_status_t rv = store_event_add(ctl->store, event, 1, ctl->pool);

    if (rv == APR_SUCCESS)
        ctl_event_tell(ctl, event);
    return ctl_print_status(rv, "event", event->kind);
}
