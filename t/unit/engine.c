/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <apr_dbd.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int engine_is_pgsql(void)
{
    return getenv("ACME_TEST_PGSQL") != NULL;
}

int engine_is_other(const char *why)
{
    if (engine_is_pgsql())
        printf("# only with SQLite: %s\n", why);
    return engine_is_pgsql();
}

const char *engine_sql(const store_conf_t *conf, const char *text,
                       apr_pool_t *pool)
{
    const apr_dbd_driver_t *driver;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *answer = NULL;
    apr_dbd_t *dbd;
    int code;

    apr_dbd_init(pool);
    if (apr_dbd_get_driver(pool, conf->driver, &driver) != APR_SUCCESS ||
        apr_dbd_open(driver, pool, conf->params, &dbd) != APR_SUCCESS) {
        fprintf(stderr, "%s cannot be opened\n", conf->params);
        abort();
    }
    code = apr_dbd_select(driver, pool, dbd, &results, text, 1);
    if (code) {
        fprintf(stderr, "%s: %s\n", text, apr_dbd_error(driver, dbd, code));
        abort();
    }
    if (apr_dbd_get_row(driver, pool, results, &row, -1) == 0)
        answer = apr_pstrdup(pool, apr_dbd_get_entry(driver, row, 0));
    apr_dbd_close(driver, dbd);
    return answer;
}

store_conf_t engine_make(const char *path, apr_pool_t *pool)
{
    static int count;
    store_conf_t conf = {"sqlite3", path};
    const char *name;

    if (!engine_is_pgsql())
        return conf;
    conf.driver = "pgsql";
    conf.params = getenv("ACME_TEST_PGSQL");
    name = apr_psprintf(pool, "t%ld_%d", (long)getpid(), count++);
    engine_sql(&conf, apr_pstrcat(pool, "CREATE SCHEMA ", name, NULL), pool);
    conf.params =
        apr_pstrcat(pool, conf.params, " options='-csearch_path=", name,
                    "' application_name=", name, NULL);
    return conf;
}
