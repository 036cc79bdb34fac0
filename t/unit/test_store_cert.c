/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>

#include "store/store_cert.c"

static void round_trip(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_cert_t *made = help_cert("c", "a", "o", pool), *got;
    unsigned char *der = apr_palloc(pool, 3000);
    int i;

    for (i = 0; i < 3000; i++) /* every octet, NUL first */
        der[i] = (unsigned char)i;
    made->der = der;
    made->der_len = 3000;
    made->revoked_at = 7;
    made->revoked_reason = 1;
    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_cert_add(help->store, made, NULL, pool), APR_SUCCESS);
    is_int(store_cert_get(&got, help->store, "c", pool), APR_SUCCESS);
    need(got);
    is_int(got->der_len, 3000);
    ok(!memcmp(got->der, der, 3000));
    is_str(got->serial, "serial-c");
    is_str(got->account_id, "a");
    is_str(got->order_id, "o");
    is_str(got->profile, "default");
    is_str(got->issuer, "issuer");
    is_str(got->identifiers, "dns:a.test");
    is_str(got->spki_sha256, "spki");
    is_int(got->not_before, 1000);
    is_int(got->not_after, 9000);
    is_int(got->issued_at, 1001);
    is_int(got->revoked_at, 7);
    is_int(got->revoked_reason, 1);
}

static void add(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_cert_t *cert = help_cert("c", NULL, NULL, pool), *got;

    is_int(store_cert_add(help->store, cert, NULL, pool), APR_SUCCESS);
    is_int(store_cert_add(help->store, cert, NULL, pool), APR_EEXIST);
    cert->id = "d";
    is_int(store_cert_add(help->store, cert, NULL, pool), APR_EEXIST);
    is_int(store_cert_get(&got, help->store, "d", pool), APR_ENOENT);
    is_int(store_cert_get_by_serial(&got, help->store, "serial-c", pool),
           APR_SUCCESS);
    is_str(got ? got->id : "", "c");
    ok(got && !got->account_id && !got->order_id);
    is_int(got ? got->revoked_reason : 0, -1);
    is_int(store_cert_get_by_serial(&got, help->store, "serial-d", pool),
           APR_ENOENT);
    is_int(help->lines->nelts, 1); /* the schema; nothing has failed */
}

static void vhost(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    store_cert_t *got;

    is_int(help_add(help, "a"), APR_SUCCESS);
    is_int(store_cert_add(help->store, help_cert("c", NULL, NULL, pool), NULL,
                          pool),
           APR_SUCCESS);
    is_int(store_cert_add(help->store, help_cert("d", NULL, NULL, pool), NULL,
                          pool),
           APR_SUCCESS);
    is_int(
        store_cert_add(help->store, help_cert("e", "a", "o", pool), NULL, pool),
        APR_SUCCESS);
    is_int(store_cert_get_vhost(&got, help->store, "dns:a.test", "spki", pool),
           APR_SUCCESS);
    is_str(got ? got->id : "", "d");
    is_int(store_cert_get_vhost(&got, help->store, "dns:a.test", "other", pool),
           APR_ENOENT);
    is_int(store_cert_get_vhost(&got, help->store, "dns:b.test", "spki", pool),
           APR_ENOENT);
}

static void list(apr_pool_t *pool)
{
    help_t *help = help_make(pool);
    apr_array_header_t *certs;
    int i;

    is_int(help_add(help, "a"), APR_SUCCESS);
    for (i = 0; i < 6; i++)
        is_int(store_cert_add(help->store,
                              help_cert(apr_psprintf(pool, "c%d", i),
                                        i % 2 ? "a" : NULL, NULL, pool),
                              NULL, pool),
               APR_SUCCESS);
    is_int(store_cert_list(&certs, help->store, "a", NULL, 2, pool),
           APR_SUCCESS);
    need(certs->nelts == 2);
    is_str(APR_ARRAY_IDX(certs, 1, store_cert_t *)->id, "c3");
    is_int(store_cert_list(&certs, help->store, "a", "c3", 2, pool),
           APR_SUCCESS);
    need(certs->nelts == 1);
    is_int(store_cert_list(&certs, help->store, NULL, "c4", 2, pool),
           APR_SUCCESS);
    need(certs->nelts == 2);
    is_str(APR_ARRAY_IDX(certs, 0, store_cert_t *)->id, "c3");
    ok(APR_ARRAY_IDX(certs, 0, store_cert_t *)->der_len > 4);
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    help_plan_ok(help, &sql_get);
    help_plan_ok(help, &sql_get_by_serial);
    help_plan_ok(help, &sql_get_vhost);
    help_plan_ok(help, &sql_list);
    help_plan_ok(help, &sql_list_all);
}

const tap_case_t tap_cases[] = {
    {"a certificate comes back octet by octet", round_trip},
    {"a serial number is there once", add},
    {"the vhost's own: the newest for its names and key", vhost},
    {"the list goes from the newest, page by page", list},
    {"no statement scans or sorts", plans},
    {NULL, NULL}};
