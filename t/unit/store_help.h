/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_HELP_H
#define STORE_HELP_H

/* A store in a fresh directory, and its log, for test_store*.c. */

#include <apr_strings.h>
#include <stdlib.h>

#include "engine.h"
#include "store/store_db.h"
#include "store/store_event.h"
#include "store_samples.h"
#include "tap.h"

typedef struct {
    const char *dir, *path;
    store_conf_t conf;
    store_t *store;
    log_t log;
    apr_pool_t *life;          /* the store's */
    apr_array_header_t *lines; /* of const char *, "AS0250 database …" */
    apr_pool_t *pool;
} help_t;

static void help_write(void *baton, log_level_e level, const char *tag,
                       apr_status_t rv, const char *text)
{
    help_t *help = baton;

    APR_ARRAY_PUSH(help->lines, const char *) =
        apr_pstrcat(help->pool, tag ? tag : "-", " ", text, NULL);
}

/* How many lines have this tag. */
static inline int help_lines(const help_t *help, const char *tag)
{
    int i, count = 0;

    for (i = 0; i < help->lines->nelts; i++)
        if (!strncmp(APR_ARRAY_IDX(help->lines, i, const char *), tag,
                     strlen(tag)))
            count++;
    return count;
}

static inline const char *help_last(const help_t *help)
{
    return help->lines->nelts
               ? APR_ARRAY_IDX(help->lines, help->lines->nelts - 1,
                               const char *)
               : "";
}

static inline store_t *help_open(help_t *help)
{
    store_t *store = NULL;
    apr_status_t rv;

    if (!engine_is_pgsql())
        help->conf.params = help->path; /* a test may have moved it */
    apr_pool_create(&help->life, help->pool);
    rv = store_open(&store, &help->conf, &help->log, help->life);

    ok(rv == APR_SUCCESS, "open: %d", rv);
    return store;
}

/* As a process that ends does. */
static inline void help_close(help_t *help)
{
    apr_pool_destroy(help->life);
    help->store = NULL;
}

static inline help_t *help_make(apr_pool_t *pool)
{
    help_t *help = apr_pcalloc(pool, sizeof(*help));
    char *dir = apr_pstrcat(pool, tap_tmpdir(), "/XXXXXX", NULL);

    help->dir = mkdtemp(dir);
    help->path = apr_pstrcat(pool, dir, "/acme.db", NULL);
    help->conf = engine_make(help->path, pool);
    help->pool = pool;
    help->lines = apr_array_make(pool, 8, sizeof(const char *));
    help->log.write = help_write;
    help->log.baton = help;
    help->log.level = LOG_LEVEL_NOTICE;
    help->store = help_open(help);
    return help;
}

static inline apr_status_t help_dropped(void *baton, const store_event_t *event,
                                        apr_pool_t *pool)
{
    return APR_SUCCESS;
}

/* PostgreSQL gives events their ids when they are chained. */
static inline void help_number(help_t *help)
{
    int count = 1;

    while (engine_is_pgsql() && count)
        is_int(store_event_chain(&count, help->store, 500, help_dropped, NULL,
                                 help->pool),
               APR_SUCCESS);
}

/* The database is asked for an account that help_account() made: nothing that
 * is kept (store_kept.h) answers. */
static inline apr_status_t help_get(store_account_t **account, help_t *help,
                                    const char *id)
{
    return store_account_get_by_key(account, help->store, "", "",
                                    help_account(id, help->pool)->thumbprint,
                                    help->pool);
}

/* An account, durable, named id. */
static inline apr_status_t help_add(help_t *help, const char *id)
{
    return store_account_create(NULL, help->store, help_account(id, help->pool),
                                NULL, help->pool);
}

#include "store_plan.h"

#endif
