/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_dump.h"

#include <string.h>

#include "base/own.h"
#include "base/pjson.h"
#include "policy/policy_network.h"
#include "policy_help.h"

static const char *text(const policy_t *policy, apr_pool_t *pool)
{
    return pjson_text(own_json(pool, policy_render(policy)), 0, pool);
}

static policy_t *again(const policy_t *policy, apr_pool_t *pool)
{
    const char *json = text(policy, pool);
    json_t *parsed;

    if (pjson_parse(&parsed, json, strlen(json), "policy", pool))
        return NULL;
    return policy_parse(parsed, pool);
}

static const char *const policies[] = {
    "",
    "preset tls-client",
    "preset tls-dual; eku allow codeSigning",
    "preset short-lived; validity 3600",
    "preset code-signing",
    "preset email; san email require *@a.test",
    "san dns allow *.a.test **.b.test wildcard:*.c.test deny x.a.test require "
    "y.a.test; san ip allow 10.0.0.0/8 deny 10.1.1.1; san uri allow urn:*",
    "subject CN allow *.a.test; subject O require 'Example \"Corp\"'; "
    "subject C allow DE AT; subject DC deny x; subject ST allow *; "
    "subject L allow *; subject OU allow *",
    "key ec:P-384 rsa:3072-8192; signature sha384 sha512; names 7",
    "ku deny keyEncipherment; ku allow keyAgreement; ku require nonRepudiation",
    "eku deny serverAuth; eku require 1.2.3.4; eku allow clientAuth",
    "network *.a.test resolves-to=10.0.0.0/8,::1 requested-from=192.0.2.0/24; "
    "network 10.0.0.0/8 requested-from=::/0",
    NULL};

static void round_trip(apr_pool_t *pool)
{
    int i;

    for (i = 0; policies[i]; ++i) {
        policy_t *policy = policy_help_make(policies[i], pool);
        policy_t *copy = again(policy, pool);

        ok(copy, "%s", policies[i]);
        if (!copy)
            continue;
        is_str(text(copy, pool), text(policy, pool));
        is_int(copy->is_short_lived, policy->is_short_lived);
        is_int(copy->needs_external_account, policy->needs_external_account);
        is_int(copy->max_validity, policy->max_validity);
        is_int(copy->rules[POLICY_DNS].allow->nelts,
               policy->rules[POLICY_DNS].allow->nelts);
        is_int(copy->networks->nelts, policy->networks->nelts);
    }
}

/* Without any one member, or with another value in its place, it is none. */
static void damaged(apr_pool_t *pool)
{
    const char *whole = text(policy_help_make(policies[6], pool), pool), *name;
    json_t *json, *value;

    need(!pjson_parse(&json, whole, strlen(whole), "policy", pool));
    ok(policy_parse(json, pool));
    json_object_foreach(json, name, value)
    {
        json_t *copy = own_json(pool, json_deep_copy(json));

        json_object_del(copy, name);
        ok(!policy_parse(copy, pool), "without %s", name);
        json_object_set_new(copy, name, json_true());
        ok(!policy_parse(copy, pool), "%s: true", name);
    }
    ok(!policy_parse(NULL, pool));
}

static void senseless(apr_pool_t *pool)
{
    static const char *const rows[][3] = {
        {"preset", NULL, "\"x\""},
        {"rules", "dns", "{\"allow\":[\"a..b\"]}"},
        {"rules", "dns", "{\"allow\":\"a\"}"},
        {"rules", "dns", "{\"deny\":[1]}"},
        {"rules", "ip", "{\"require\":[\"10.0.0.1/8\"]}"},
        {"networks", NULL, "[1]"},
        {"networks", NULL, "[{}]"},
        {"networks", NULL,
         "[{\"pattern\":\"a\",\"resolvesTo\":[\"x\"],\"requestedFrom\":null}]"},
        {"networks", NULL,
         "[{\"pattern\":\"a\",\"resolvesTo\":1,\"requestedFrom\":null}]"},
        {"networks", NULL,
         "[{\"pattern\":\"a*\",\"resolvesTo\":null,\"requestedFrom\":null}]"},
        {"extKeyUsageAllow", NULL, "[1]"},
        {NULL, NULL, NULL}};
    json_t *json;
    int i;

    for (i = 0; rows[i][0]; ++i) {
        json_t *value = json_loads(rows[i][2], JSON_DECODE_ANY, NULL);

        json = own_json(pool, policy_render(policy_help_make("", pool)));
        if (rows[i][1])
            json_object_set_new(json_object_get(json, rows[i][0]), rows[i][1],
                                value);
        else
            json_object_set_new(json, rows[i][0], value);
        ok(!policy_parse(json, pool), "%s %s", rows[i][0], rows[i][2]);
    }
}

const tap_case_t tap_cases[] = {{"what is written is read again", round_trip},
                                {"a dump that lacks something", damaged},
                                {"a dump that makes no sense", senseless},
                                {NULL, NULL}};
