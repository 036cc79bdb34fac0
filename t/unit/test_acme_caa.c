/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_caa.h"

#include <apr_strings.h>
#include <string.h>

#include "acme/acme_work_job.h"
#include "base/own.h"
#include "handle_eab.h"
#include "tap.h"

static client_t *start(int caa, apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);

    APR_ARRAY_IDX(h->conf->profiles, 0, acme_profile_t *)->caa = caa;
    return client_make(h, "P-256");
}

/* The names of the job, "*.a.test http-01;" each. */
static const char *names_text(const dcv_job_t *work, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; work && work->caa && i < work->caa->names->nelts; i++) {
        const dcv_caa_name_t *name =
            APR_ARRAY_IDX(work->caa->names, i, const dcv_caa_name_t *);

        text =
            apr_pstrcat(pool, text, name->is_wildcard ? "*." : "", name->domain,
                        " ", name->method ? name->method : "-", ";", NULL);
    }
    return text;
}

static void validation(apr_pool_t *pool)
{
    client_t *c = start(1, pool);
    reply_t *order, *authz;
    dcv_job_t *work;

    c->h->is_idle = 1;
    client_register(c);
    order = client_order(c, "a.test");
    authz = client_post(c, reply_text(order, "authorizations/0"), "");
    client_post(c, reply_text(authz, "challenges/0/url"), "{}");
    work = acme_work_start(&c->h->acme, handle_job(c->h), pool);
    need(work && work->caa);
    is_str(names_text(work, pool), "a.test http-01;");
    is_str(work->caa->account_uri, c->kid);
    is_int(work->caa->identities->nelts, 1);
    is_str(APR_ARRAY_IDX(work->caa->identities, 0, const char *),
           c->h->conf->server_name);
    ok(!work->caa->is_strict);
}

static void forms(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "{}", "{\"names\":[]}", "{\"names\":[{}]}",
        "{\"identities\":[1],\"names\":[{\"name\":\"a\"}]}", NULL};
    dcv_caa_t *caa = NULL;
    int i;

    ok(acme_caa_parse(&caa, NULL, pool) && !caa);
    for (i = 0; bad[i]; i++)
        ok(!acme_caa_parse(&caa, own_json(pool, json_loads(bad[i], 0, NULL)),
                           pool),
           "%s", bad[i]);
    ok(acme_caa_parse(&caa,
                      own_json(pool, json_loads("{\"identities\":[\"x\"],"
                                                "\"strict\":true,\"names\":"
                                                "[{\"name\":\"a\"}]}",
                                                0, NULL)),
                      pool));
    need(caa);
    ok(caa->is_strict && !caa->account_uri);
}

/* What an order's names need at that time, by the authorizations. */
static void orders(apr_pool_t *pool)
{
    client_t *c = start(1, pool);
    const acme_conf_t *conf = c->h->conf;
    acme_profile_t *profile =
        APR_ARRAY_IDX(conf->profiles, 0, acme_profile_t *);
    store_authz_t rows[] = {
        {.value = "fresh.test", .attempted = "http-01", .validated_at = 90000},
        {.value = "old.test", .attempted = "http-01", .validated_at = 60000},
        {.value = "born.test", .validated_at = 90000},
        {.value = "wild.test",
         .wildcard = 1,
         .attempted = "dns-01",
         .validated_at = 60000},
        {.value = "up.test",
         .subdomains = 1,
         .attempted = "dns-01",
         .validated_at = 90000},
    };
    apr_array_header_t *authzs = apr_array_make(pool, 5, sizeof(void *));
    dcv_job_t work = {0};
    int i;

    for (i = 0; i < 5; i++) {
        rows[i].type = "dns";
        rows[i].directory = "";
        rows[i].account_id = "1";
        APR_ARRAY_PUSH(authzs, store_authz_t *) = &rows[i];
    }
    work.caa = acme_caa_of_order(
        conf, profile,
        identifier_list_from_text("dns:*.wild.test dns:born.test "
                                  "dns:fresh.test dns:old.test "
                                  "dns:www.up.test ip:10.0.0.1",
                                  pool),
        authzs, 0, 90000, pool);
    is_str(names_text(&work, pool),
           "*.wild.test dns-01;born.test -;old.test http-01;"
           "www.up.test dns-01;");
    ok(!acme_caa_of_order(conf, profile,
                          identifier_list_from_text("dns:fresh.test", pool),
                          authzs, 0, 90000, pool));
    work.caa = acme_caa_of_order(
        conf, profile, identifier_list_from_text("dns:fresh.test", pool),
        authzs, 90000, 90000, pool);
    is_str(names_text(&work, pool), "fresh.test http-01;");
    profile->caa = 0;
    ok(!acme_caa_of_order(conf, profile,
                          identifier_list_from_text("dns:old.test", pool),
                          authzs, 0, 90000, pool));
}

static void off(apr_pool_t *pool)
{
    client_t *c = start(0, pool);
    store_authz_t authz = {.type = "dns",
                           .value = "a.test",
                           .profile = "default",
                           .directory = "",
                           .account_id = "1"};

    ok(!acme_caa_of_authz(c->h->conf, &authz, "http-01", pool));
    APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *)->caa = 1;
    ok(acme_caa_of_authz(c->h->conf, &authz, "http-01", pool));
    authz.type = "ip";
    ok(!acme_caa_of_authz(c->h->conf, &authz, "http-01", pool));
}

const tap_case_t tap_cases[] = {
    {"T85 a validation's job says what records must allow", validation},
    {"T85 finalize: what was not looked at for 8 hours, or ever", orders},
    {"T85 a job's data: garbage is told from nothing", forms},
    {"T85 off by default; an address has no records", off},
    {NULL, NULL}};
