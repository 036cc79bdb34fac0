/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <apr_strings.h>
#include <string.h>

#include "store/store_db.h"
#include "store/store_schema.h"

#include "base/banned.h"

static apr_status_t version_read(int *version, const store_t *store)
{
    store_conn_t *conn = store_conn_make(store->driver);
    apr_pool_t *pool;
    apr_status_t rv = store_conn_open(conn, store->params);

    apr_pool_create(&pool, conn->pool);
    *version = 0;
    if (rv == APR_SUCCESS)
        rv = store_schema_ask(version, conn, pool);
    apr_pool_destroy(pool);
    store_conn_close(conn);
    return rv;
}

apr_status_t store_version(int *has, int *needs, store_t *store)
{
    apr_status_t rv;

    store_enter(store);
    rv = version_read(has, store);
    store_leave(store);
    *needs = store_schema_version();
    return rv;
}

/* What is wrong with a file that cannot even be read, the writer says. */
apr_status_t store_migrate(int *had, int *has, store_t *store)
{
    apr_status_t rv;

    store_enter(store);
    rv = version_read(had, store);
    if (rv == APR_SUCCESS || !store_was_there(store))
        rv = store_commit_prepare(store);
    store_leave(store);
    *has = store_schema_version();
    return rv;
}

typedef struct {
    const char *text;
    apr_pool_t *pool;
} backup_t;

/* A text as SQL has it. */
static const char *quote(const char *text, apr_pool_t *pool)
{
    char *quoted = apr_palloc(pool, 2 * strlen(text) + 3), *to = quoted;

    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            *to++ = '\'';
        *to++ = *text;
    }
    *to++ = '\'';
    *to = '\0';
    return quoted;
}

/* It writes, though elsewhere, which readers may not. */
static apr_status_t backup_run(store_conn_t *conn, void *baton)
{
    const backup_t *backup = baton;
    store_rows_t rows;
    apr_status_t rv, end;

    rv = store_conn_text(&rows, conn, "PRAGMA query_only = OFF", backup->pool);
    if (rv == APR_SUCCESS)
        rv = store_conn_text(&rows, conn, backup->text, backup->pool);
    end = store_conn_text(&rows, conn, "PRAGMA query_only = ON", backup->pool);
    return rv == APR_SUCCESS ? end : rv;
}

apr_status_t store_backup(store_t *store, const char *path, apr_pool_t *pool)
{
    backup_t backup = {
        apr_pstrcat(pool, "VACUUM INTO ", quote(path, pool), NULL), pool};

    return store_read_with(store, backup_run, &backup);
}
