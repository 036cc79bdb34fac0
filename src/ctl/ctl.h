/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_H
#define CTL_H

/*
 * acmectl, the operator's hand on what the server keeps in its database.  A
 * command is a row of the table in ctl_main.c: it gets a ctl_t that holds the
 * options, the virtual host's configuration and its open store, prints its
 * result to stdout and returns the exit code.  Errors go to stderr.
 */

#include <jansson.h>

#include "acme/acme_conf.h"
#include "base/log.h"
#include "store/store.h"

typedef enum {
    CTL_OK = 0,
    CTL_FAILED = 1,   /* the system: no configuration, no database … */
    CTL_USAGE = 2,    /* the command line */
    CTL_NOTFOUND = 3, /* no such account, order, certificate */
    CTL_FINDINGS = 4  /* a check found something */
} ctl_exit_e;

typedef struct {
    apr_pool_t *pool;
    const char *config;  /* --config: a saved dump; NULL: ask httpd */
    const char *httpd;   /* --httpd: the command that starts it */
    const char *server;  /* --server: which virtual host; NULL: the only one */
    const char *account; /* --account: lists only what is this account's */
    const char *before;  /* --before: lists go on behind this row */
    int limit;           /* --limit */
    int is_json;         /* --json */
    const char *id;      /* the command's argument; NULL when it has none */
    const log_t *log;
    const acme_conf_t *conf;
    store_t *store;
} ctl_t;

/* ctl_conf.c: fill ctl->conf from the file or from httpd. */
ctl_exit_e ctl_conf_load(ctl_t *ctl) __attribute__((warn_unused_result));

/* ctl_print.c: tell stderr, in printf's words. */
void ctl_print_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* One object: a member a line, or as JSON. */
void ctl_print_object(const ctl_t *ctl, const json_t *object);

/* An array of objects: a table of these members (a NULL ends them), or as
 * JSON, which has them all. */
void ctl_print_list(const ctl_t *ctl, const json_t *list,
                    const char *const *columns);

/* RFC 3339, null when seconds are 0. */
json_t *ctl_print_time(const ctl_t *ctl, apr_int64_t seconds);

/* A status of the store for what was wanted ("account", its id), told to
 * stderr. */
ctl_exit_e ctl_print_status(apr_status_t rv, const char *what, const char *id);

/* The commands. */
ctl_exit_e ctl_account_list(ctl_t *ctl);
ctl_exit_e ctl_account_show(ctl_t *ctl);
ctl_exit_e ctl_account_deactivate(ctl_t *ctl);
ctl_exit_e ctl_order_list(ctl_t *ctl);
ctl_exit_e ctl_order_show(ctl_t *ctl);
ctl_exit_e ctl_cert_list(ctl_t *ctl);
ctl_exit_e ctl_cert_show(ctl_t *ctl);
ctl_exit_e ctl_db_check(ctl_t *ctl);

#endif
