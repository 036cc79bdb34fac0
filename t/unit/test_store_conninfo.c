/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_conninfo.h"

#include <string.h>

#include "tap.h"

static void right(apr_pool_t *pool)
{
    static const char *const texts[] = {
        "",
        "  ",
        "dbname=acme",
        "host=/run/postgresql dbname = acme\tuser='www-data'",
        "password=\\'a\\ b host=x",
        "password='a \\' \\\\ b' host=x",
        "host='' port=5432\n"};
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ok(!store_conninfo_fault(texts[i], pool), "%s", texts[i]);
}

/* What is wrong is said without a value. */
static void wrong(apr_pool_t *pool)
{
    static const char *const cases[][2] = {
        {"s3cret", "keyword=value"},
        {"host=x s3cret", "keyword=value"},
        {"password=s3cret s3cret2=", "keyword=value"},
        {"=s3cret", "keyword=value"},
        {"HOST=s3cret", "keyword=value"},
        {"passwort=s3cret", "no keyword passwort"},
        {"password='s3cret", "after password= does not end"},
        {"password='s3cret\\'", "does not end"},
        {"postgres://u:s3cret@h/d", "URLs"},
        {"postgresql://u:s3cret@h/d", "URLs"}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *fault = store_conninfo_fault(cases[i][0], pool);

        need(fault);
        ok(strstr(fault, cases[i][1]), "%s: %s", cases[i][0], fault);
        ok(!strstr(fault, "s3cret"), "%s", fault);
        ok(!strstr(store_conninfo_public(cases[i][0], pool), "s3cret"), "%s",
           cases[i][0]);
    }
}

static void shown(apr_pool_t *pool)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"password=s3cret", ""},
        {"host=a password='s3 cret' user=b", "host=a user=b"},
        {"sslpassword=s3cret dbname='my \\'db' ", "dbname='my \\'db'"},
        {"host='' port = 5432", "host='' port=5432"}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is_str(store_conninfo_public(cases[i][0], pool), cases[i][1]);
}

const tap_case_t tap_cases[] = {
    {"what libpq takes", right},
    {"what is malformed, without what may be secret", wrong},
    {"without passwords", shown},
    {NULL, NULL}};
