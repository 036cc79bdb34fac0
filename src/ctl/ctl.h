/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_H
#define CTL_H

/*
 * acmectl, the operator's hand on what the server keeps in its database and
 * in its files.  Each noun has a file with its verbs and a table of them,
 * ctl_<noun>_commands, which ctl_command.c knows.  A command gets a ctl_t that
 * holds what it said it needs, prints its result to stdout and returns the exit
 * code.  Errors go to stderr.  What changes something writes an event.
 */

#include <jansson.h>

#include "acme/acme_conf.h"
#include "base/log.h"
#include "base/problem.h"
#include "store/store_event.h"

typedef enum {
    CTL_OK = 0,
    CTL_FAILED = 1,   /* the system: no configuration, no database … */
    CTL_USAGE = 2,    /* the command line, or what it asks for makes no sense */
    CTL_NOTFOUND = 3, /* no such account, order, profile … */
    CTL_FINDINGS = 4  /* refused by a policy or setting; a check's finding */
} ctl_exit_e;

typedef struct {
    apr_pool_t *pool;
    const char *config; /* --config: a saved dump; NULL: ask httpd */
    const char *httpd;  /* --httpd: the command that starts it */
    const char *server; /* --server: which virtual host; NULL: the only one */
    int is_json;        /* --json */
    const char *const *args; /* the command's arguments, a NULL ends them */
    const char *id;          /* the first of them; NULL when it has none */
    apr_table_t *options;    /* the command's own: ctl_option() */
    int limit;               /* --limit of lists */
    const char *who;         /* for events: "acmectl:root" */
    const log_t *log;
    const acme_conf_t *conf;
    const json_t *dump; /* what conf is made of: all virtual hosts */
    store_t *store;
    int may_migrate; /* an older schema may become this version's */
    int audit; /* descriptor of a plain file that is ACMEAuditLog, or -1 */
} ctl_t;

typedef struct {
    const char *name;  /* "allow"; NULL ends the table */
    const char *value; /* what stands for it in the help; NULL: it has none */
    const char *help;
} ctl_option_t;

/* What is there when a command runs; each includes those before it. */
typedef enum {
    CTL_NEEDS_NOTHING,
    CTL_NEEDS_CONF, /* ctl->conf */
    CTL_NEEDS_STORE /* ctl->store; root has become the database's owner */
} ctl_needs_e;

typedef struct {
    const char *noun, *verb; /* NULL ends the table; verb "": it has none */
    ctl_needs_e needs;
    int args_min, args_max;
    const char *args;            /* as the help shows them: "ID" */
    const ctl_option_t *options; /* NULL: none */
    const char *help;            /* what it does; the first line is short */
    ctl_exit_e (*run)(ctl_t *ctl);
} ctl_command_t;

/* ctl_command.c.  argv: what follows the general options. */
ctl_exit_e ctl_command_find(const ctl_command_t **command, int argc,
                            const char *const *argv)
    __attribute__((warn_unused_result));
/* Help for this noun and verb; NULL means any. */
ctl_exit_e ctl_command_help(const char *noun, const char *verb);
ctl_exit_e ctl_command_usage(const char *what, const char *value);
/* The options of lists. */
#define CTL_LIST_OPTIONS                                                       \
    {"limit", "N", "so many rows at most [100]"},                              \
    {                                                                          \
        "before", "ID", "go on behind this row"                                \
    }

/* An option's value ("" if it has none), the last one given; NULL: not given.
 * All of them, of const char *. */
const char *ctl_option(const ctl_t *ctl, const char *name);
apr_array_header_t *ctl_option_all(const ctl_t *ctl, const char *name);
/* --name N from min to max; *number stays as it is when it is not given. */
ctl_exit_e ctl_option_number(apr_int64_t *number, const ctl_t *ctl,
                             const char *name, apr_int64_t min, apr_int64_t max)
    __attribute__((warn_unused_result));
/* --name 90d|36h|2027-01-31T12:00:00Z, later than now; *at as above.  The other
 * one is for what was: 7d is a week ago. */
ctl_exit_e ctl_option_time(apr_int64_t *at, const ctl_t *ctl, const char *name,
                           apr_int64_t now) __attribute__((warn_unused_result));
ctl_exit_e ctl_option_past(apr_int64_t *at, const ctl_t *ctl, const char *name,
                           apr_int64_t now) __attribute__((warn_unused_result));

/* ctl_conf.c: fill ctl->conf from the file or from httpd. */
ctl_exit_e ctl_conf_load(ctl_t *ctl) __attribute__((warn_unused_result));

/* ctl_run.c.  Open the database; root becomes its owner before, so what only
 * root may read is read before.  may_make: if there is none yet, too.  One with
 * an older schema is refused unless ctl->may_migrate. */
ctl_exit_e ctl_store_open(ctl_t *ctl, int may_make)
    __attribute__((warn_unused_result));
/* An event of this kind: when, who.  detail: a new reference, taken. */
store_event_t *ctl_event(const ctl_t *ctl, const char *kind, json_t *detail);
/* It is in the database: tell ACMEAuditLog, if it is a file.  Where it is a
 * program only httpd can. */
void ctl_event_tell(const ctl_t *ctl, const store_event_t *event);
/* What changed files only: into the database and told. */
ctl_exit_e ctl_event_add(const ctl_t *ctl, const store_event_t *event)
    __attribute__((warn_unused_result));

/* ctl_print.c: tell stderr, in printf's words. */
void ctl_print_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* One object: a member a line, or as JSON. */
void ctl_print_object(const ctl_t *ctl, const json_t *object);
/* An array of objects: a table of these members (a NULL ends them), or as
 * JSON, which has them all.  Of a list that was cut at --limit the first member
 * is what --before wants. */
void ctl_print_list(const ctl_t *ctl, const json_t *list,
                    const char *const *columns);
void ctl_print_rows(const ctl_t *ctl, const json_t *list,
                    const char *const *columns);
/* RFC 3339, null when seconds are 0. */
json_t *ctl_print_time(const ctl_t *ctl, apr_int64_t seconds);
/* null when text is NULL; of stored JSON, when it is none, too. */
json_t *ctl_print_text(const char *text);
json_t *ctl_print_stored(const char *text);
/* A status of the store for what was wanted ("account", its id), told to
 * stderr. */
ctl_exit_e ctl_print_status(apr_status_t rv, const char *what, const char *id);
/* A problem's cause or detail, told to stderr: CTL_FAILED. */
ctl_exit_e ctl_print_problem(const problem_t *prob);

/* ctl_profile.c: --profile, or the only one there is. */
ctl_exit_e ctl_profile_find(const acme_profile_t **found, const ctl_t *ctl)
    __attribute__((warn_unused_result));
/* The URL of the profile's own directory; NULL: it has none. */
const char *ctl_profile_url(const ctl_t *ctl, const acme_profile_t *profile);
/* Names of the profiles with this issuer, this policy; NULL: with any. */
json_t *ctl_profile_users(const ctl_t *ctl, const char *issuer,
                          const char *policy);

#endif
