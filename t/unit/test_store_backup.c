/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <apr_file_io.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "store/store_schema.h"

typedef struct {
    help_t *help;
    int is_over, added, failed;
} writer_t;

static void *writer_run(void *baton)
{
    writer_t *writer = baton;
    apr_pool_t *pool;

    apr_pool_create_unmanaged_ex(&pool, NULL, NULL);
    while (!__atomic_load_n(&writer->is_over, __ATOMIC_ACQUIRE)) {
        const char *id = apr_psprintf(pool, "w%d", writer->added);

        if (store_account_create(NULL, writer->help->store,
                                 help_account(id, pool), NULL,
                                 pool) != APR_SUCCESS)
            writer->failed++;
        writer->added++;
    }
    apr_pool_destroy(pool);
    return NULL;
}

static help_t *copy_open(const char *path, apr_pool_t *pool)
{
    help_t *copy = help_make(pool);

    help_close(copy);
    copy->path = path;
    copy->store = help_open(copy);
    return copy;
}

static int accounts(help_t *help)
{
    apr_array_header_t *list;

    is_int(
        store_account_list(&list, help->store, NULL, NULL, 10000, help->pool),
        APR_SUCCESS);
    return list->nelts;
}

static void is_well(help_t *help)
{
    apr_array_header_t *findings;

    is_int(store_check(&findings, help->store, help->pool), APR_SUCCESS);
    is_int(findings->nelts, 0);
}

/* A copy of one moment, while somebody writes, that is a database of its own.
 */
static void backup(apr_pool_t *pool)
{
    help_t *help = help_make(pool), *copy;
    const char *path = apr_pstrcat(pool, help->dir, "/it's \"a\" copy", NULL);
    writer_t writer = {.help = help};
    pthread_t thread;
    int i, count;

    for (i = 0; i < 500; i++)
        is_int(help_add(help, apr_psprintf(pool, "a%d", i)), APR_SUCCESS);
    pthread_create(&thread, NULL, writer_run, &writer);
    is_int(store_backup(help->store, path, pool), APR_SUCCESS);
    __atomic_store_n(&writer.is_over, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    is_int(writer.failed, 0);
    copy = copy_open(path, pool);
    count = accounts(copy);
    ok(count >= 500 && count <= 500 + writer.added, "%d accounts", count);
    is_well(copy);
    is_int(help_add(copy, "new"), APR_SUCCESS);
    is_int(help_add(help, "other"), APR_SUCCESS);
    is_int(help->lines->nelts, 1); /* its schema was made */
}

/* What is there is not overwritten; and readers write nothing afterwards. */
static void refusals(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t len = 4;
    const char *path = apr_pstrcat(pool, help->dir, "/there", NULL);

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(apr_file_open(&file, path, APR_WRITE | APR_CREATE,
                         APR_FPROT_OS_DEFAULT, pool),
           APR_SUCCESS);
    is_int(apr_file_write(file, "text", &len), APR_SUCCESS);
    apr_file_close(file);
    ok(store_backup(help->store, path, pool) != APR_SUCCESS, "it is there");
    is_int(apr_stat(&info, path, APR_FINFO_SIZE, pool), APR_SUCCESS);
    is_int((int)info.size, 4);
    ok(store_backup(help->store,
                    apr_pstrcat(pool, help->dir, "/none/copy", NULL),
                    pool) != APR_SUCCESS,
       "no such directory");
    is_int(accounts(help), 1);
    is_int(help_add(help, "b"), APR_SUCCESS);
}

static void migrate(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    int had = -1, has = -1;

    is_int(store_migrate(&had, &has, help->store), APR_SUCCESS);
    is_int(had, 0);
    is_int(has, store_schema_version());
    help_close(help);
    help->store = help_open(help);
    is_int(store_migrate(&had, &has, help->store), APR_SUCCESS);
    is_int(had, has);
    help_close(help);
    unlink(help->path);
    help->store = help_open(help);
    ok(store_migrate(&had, &has, help->store) != APR_SUCCESS,
       "what is gone is not made again");
}

const tap_case_t tap_cases[] = {
    {"a copy of one moment", backup},
    {"what is there stays", refusals},
    {"migrate", migrate},
    {NULL, NULL},
};
