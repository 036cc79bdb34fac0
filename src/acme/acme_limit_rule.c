/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_limit_rule.h"

#include <string.h>

#include <apr_strings.h>

#include "base/banned.h"

#define HOUR 3600
#define DAY  86400

/* Generous: they stop what runs wild, not who works hard. */
static const struct {
    const char *name, *words;
    acme_limit_rule_t rule;
} limits[ACME_LIMIT_COUNT] = {
    {"accounts-per-address",
     "new accounts from one network address",
     {3000, HOUR}},
    {"orders-per-account", "new orders of one account", {50000, DAY}},
    {"orders-per-address",
     "new orders from one network address",
     {200000, DAY}},
    {"orders-per-name",
     "new orders with the same name, of all accounts",
     {10000, DAY}},
    {"failures-per-name",
     "failed validations of one name by one account",
     {100, HOUR}},
    {"pending-orders",
     "orders of one account that wait to be finalized",
     {1000, 0}},
    {"pending-authzs",
     "authorizations of one account that wait for their "
     "validation",
     {10000, 0}},
};

const char *acme_limit_name(acme_limit_e limit)
{
    return limits[limit].name;
}

const char *acme_limit_words(acme_limit_e limit)
{
    return limits[limit].words;
}

acme_limit_e acme_limit_find(const char *name)
{
    int i;

    for (i = 0; i < ACME_LIMIT_COUNT; i++)
        if (!strcmp(limits[i].name, name))
            break;
    return (acme_limit_e)i;
}

int acme_limit_has_span(acme_limit_e limit)
{
    return limits[limit].rule.span != 0;
}

void acme_limit_defaults(acme_limit_rule_t rules[ACME_LIMIT_COUNT])
{
    int i;

    for (i = 0; i < ACME_LIMIT_COUNT; i++)
        rules[i] = limits[i].rule;
}

const char *acme_limit_rule_text(const acme_limit_rule_t *rule,
                                 apr_pool_t *pool)
{
    static const struct {
        const char *name;
        apr_int64_t length;
    } units[] = {{"d", DAY}, {"h", HOUR}, {"min", 60}, {"s", 1}};
    int i = 0;

    if (!rule->count)
        return "off";
    if (!rule->span)
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, rule->count);
    while (rule->span % units[i].length)
        i++;
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "/%" APR_INT64_T_FMT "%s",
                        rule->count, rule->span / units[i].length,
                        units[i].name);
}
