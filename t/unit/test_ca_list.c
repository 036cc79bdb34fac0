/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_list.h"

#include "ca_fixture.h"

#include "ca/ca_file.h"
#include "ca/ca_tool.h"

/* A directory with a root, its key, and an intermediate. */
static const char *ca_of(const char *name, apr_pool_t *pool)
{
    const char *dir = file_put(name, "", pool);
    ca_tool_wish_t wish = {0};
    ca_tool_made_t made;
    problem_t *prob;

    unlink(dir);
    wish.dir = dir;
    wish.name = name;
    wish.key = "P-256";
    wish.constraints.permit_dns = apr_array_make(pool, 1, sizeof(char *));
    wish.constraints.permit_ip = wish.constraints.permit_dns;
    wish.constraints.exclude_dns = wish.constraints.permit_dns;
    wish.constraints.exclude_ip = wish.constraints.permit_dns;
    prob = ca_tool_init(&made, &wish, NOW, NULL, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    return dir;
}

static const char *path(const char *dir, const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

static problem_t *next(ca_list_t **list, const char *dir, const char *revoked,
                       apr_int64_t now, apr_int64_t end, apr_pool_t *pool)
{
    apr_array_header_t *files = apr_array_make(pool, 1, sizeof(char *));
    ca_tool_list_t wish = {0};

    if (revoked)
        APR_ARRAY_PUSH(files, const char *) = revoked;
    wish.cert_file = path(dir, "root.pem", pool);
    wish.key_file = path(dir, "root.key", pool);
    wish.list_file = path(dir, "root.crl", pool);
    wish.revoked = files;
    wish.reason = 4;
    wish.next_update = end;
    *list = NULL;
    return ca_tool_list(list, &wish, now, pool);
}

static void refused(const char *why, const problem_t *prob)
{
    ok(prob && strstr(prob->cause, why), "%s: %s", why,
       prob ? prob->cause : "taken");
}

static void entries_stay(apr_pool_t *pool)
{
    const char *dir = ca_of("stay", pool), *one = path(dir, "1.pem", pool);
    ca_list_t *list;
    const ca_revoked_t *entry;

    ok(!next(&list, dir, NULL, NOW, NOW + DAY, pool));
    need(list);
    is_int(list->number, 1);
    is_int(list->revoked->nelts, 0);
    is_int(list->next_update, NOW + DAY);
    ok(!next(&list, dir, one, NOW + 5, NOW + DAY, pool));
    is_int(list->number, 2);
    ok(!next(&list, dir, one, NOW + 9, NOW + 99999 * DAY, pool));
    need(list);
    is_int(list->number, 3);
    is_int(list->revoked->nelts, 1);
    entry = APR_ARRAY_IDX(list->revoked, 0, const ca_revoked_t *);
    is_int(entry->at, NOW + 5);
    is_int(entry->reason, 4);
    ok(list->next_update < NOW + 99999 * DAY, "not beyond the root's end");
}

static void strangers(apr_pool_t *pool)
{
    const char *dir = ca_of("one", pool), *other = ca_of("other", pool);
    const char *crl = path(dir, "root.crl", pool);
    ca_list_t *list;

    refused("of no CA",
            next(&list, dir, path(other, "1.pem", pool), NOW, NOW + DAY, pool));
    refused("of no CA", next(&list, dir, path(dir, "root.pem", pool), NOW,
                             NOW + DAY, pool));
    ok(!ca_file_exists(crl), "what is refused leaves nothing behind");
    ok(!next(&list, other, NULL, NOW, NOW + DAY, pool));
    is_int(rename(path(other, "root.crl", pool), crl), 0);
    refused("has signed", next(&list, dir, NULL, NOW, NOW + DAY, pool));
    is_int(rename(path(dir, "1.pem", pool), path(dir, "root.pem", pool)), 0);
    is_int(rename(path(dir, "1.key", pool), path(dir, "root.key", pool)), 0);
    refused("issuer of leaves", next(&list, dir, NULL, NOW, NOW + DAY, pool));
}

/* As an outside CA makes them. */
static void long_serials(apr_pool_t *pool)
{
    const char *serial = "7f00000000000000000000000000000000000001";
    const char *dir = ca_of("long", pool), *file = path(dir, "root.crl", pool);
    apr_array_header_t *all = apr_array_make(pool, 1, sizeof(ca_revoked_t *));
    ca_revoked_t one = {serial, NOW, -1};
    ca_issuer_t *issuer;
    ca_list_t *list;

    APR_ARRAY_PUSH(all, ca_revoked_t *) = &one;
    need(!ca_issuer_load(&issuer, "", 0, path(dir, "root.pem", pool),
                         path(dir, "root.key", pool), NOW, pool));
    ok(!ca_list_renew(&list, issuer, file, all, NOW, NOW + DAY, pool));
    ok(!ca_list_renew(&list, issuer, file, NULL, NOW, NOW + DAY, pool));
    is_int(list->revoked->nelts, 1);
    is_str(APR_ARRAY_IDX(list->revoked, 0, ca_revoked_t *)->serial, serial);
    one.serial = "7f0000000000000000000000000000000000000001";
    ok(ca_list_renew(&list, issuer, file, all, NOW, NOW + DAY, pool));
}

static void middle(apr_pool_t *pool)
{
    const char *dir = ca_of("mid", pool), *file = path(dir, "root.crl", pool);
    ca_issuer_t *issuer;
    const ca_list_t *list;

    need(!ca_issuer_load(&issuer, "", 0, path(dir, "root.pem", pool),
                         path(dir, "root.key", pool), NOW, pool));
    ca_list_ensure(issuer, file, NOW, NULL, pool);
    ca_list_ensure(issuer, file, NOW + 182 * DAY, NULL, pool);
    list = ca_list_find(issuer->chain, dir, NULL, pool);
    need(list);
    is_int(list->number, 1);
    ca_list_ensure(issuer, file, NOW + 183 * DAY, NULL, pool);
    list = ca_list_find(issuer->chain, dir, NULL, pool);
    need(list);
    is_int(list->number, 2);
    is_int(list->this_update, NOW + 183 * DAY - 3600);
}

const tap_case_t tap_cases[] = {
    {"the next list has the number, and what was revoked before", entries_stay},
    {"others' certificates and lists, and issuers of leaves", strangers},
    {"serial numbers of 20 octets", long_serials},
    {"a list is renewed from the middle of its life on", middle},
    {NULL, NULL}};
