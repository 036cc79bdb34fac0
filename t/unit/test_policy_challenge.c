/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_challenge.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

static apr_array_header_t *words(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));
    char *copy = apr_pstrdup(pool, text), *state, *word;

    for (word = apr_strtok(copy, " ", &state); word;
         word = apr_strtok(NULL, " ", &state))
        APR_ARRAY_PUSH(list, const char *) = word;
    return list;
}

static identifier_t *name(const char *text, apr_pool_t *pool)
{
    identifier_t *identifier = NULL;

    ok(!identifier_parse(&identifier, identifier_type_guess(text), text, 0,
                         pool));
    return identifier;
}

static const char *offer(const char *types, const char *text, apr_pool_t *pool)
{
    return policy_challenge_offer(words(types, pool), name(text, pool), pool);
}

static void offers(apr_pool_t *pool)
{
    is_str(offer("http-01 dns-01", "a.test", pool), "http-01 dns-01");
    is_str(offer("dns-01 http-01", "a.test", pool), "dns-01 http-01");
    is_str(offer("http-01 dns-01", "*.a.test", pool), "dns-01");
    is_str(offer("http-01", "*.a.test", pool), "");
    is_str(offer("smoke-01", "a.test", pool), "");
    is_str(apr_array_pstrcat(pool, policy_challenge_defaults(pool), ' '),
           "http-01 dns-01 tls-alpn-01");
    is_str(offer("tls-alpn-01 dns-01", "*.a.test", pool), "dns-01");
    is_str(offer("http-01 dns-01 tls-alpn-01 dns-account-01", "10.0.0.1", pool),
           "http-01 tls-alpn-01");
    is_str(offer("dns-01", "2001:db8::1", pool), "");
    ok(policy_challenge_is_known("dns-01"));
    ok(!policy_challenge_is_known("dns-02"));
}

static problem_t *check(const char *types, const char *names, apr_pool_t *pool)
{
    apr_array_header_t *list = words(names, pool);
    int i;

    for (i = 0; i < list->nelts; i++)
        APR_ARRAY_IDX(list, i, identifier_t *) =
            name(APR_ARRAY_IDX(list, i, const char *), pool);
    return policy_challenge_check(words(types, pool), list, pool);
}

/* A name of so many octets, with "*." before it or not. */
static const char *long_name(int is_wildcard, int octets, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, (apr_size_t)octets + 1);
    int i;

    for (i = 0; i < octets; i++)
        text[i] = i % 60 == 59 && i < octets - 1 ? '.' : 'a';
    text[octets] = '\0';
    return apr_pstrcat(pool, is_wildcard ? "*." : "", text, NULL);
}

static const char *offer_all(int is_wildcard, int octets, apr_pool_t *pool)
{
    return offer("dns-01 http-01 dns-account-01 dns-persist-01",
                 long_name(is_wildcard, octets, pool), pool);
}

/* There is no _acme-challenge.NAME of more than 253 octets. */
static void lengths(apr_pool_t *pool)
{
    problem_t *prob;

    is_str(offer_all(0, 219, pool),
           "dns-01 http-01 dns-account-01 dns-persist-01");
    is_str(offer_all(0, 220, pool), "dns-01 http-01 dns-persist-01");
    is_str(offer_all(0, 233, pool), "dns-01 http-01 dns-persist-01");
    is_str(offer_all(0, 234, pool), "dns-01 http-01");
    is_str(offer_all(0, 237, pool), "dns-01 http-01");
    is_str(offer_all(0, 238, pool), "http-01");
    is_str(offer_all(0, 253, pool), "http-01");
    is_str(offer_all(1, 237, pool), "dns-01");
    is_str(offer_all(1, 238, pool), "");
    prob = check("dns-01", long_name(1, 240, pool), pool);
    need(prob);
    ok(strstr(prob->detail, "it is a wildcard name of 242 octets, which none "
                            "of the challenges here (dns-01) can prove; nor "
                            "can any other"),
       "%s", prob->detail);
    prob = check("dns-01", long_name(0, 240, pool), pool);
    need(prob);
    ok(strstr(prob->detail, "name of 240 octets") &&
           strstr(prob->detail, "one of: http-01, tls-alpn-01"),
       "%s", prob->detail);
}

static void refusals(apr_pool_t *pool)
{
    problem_t *prob;

    ok(!check("http-01 dns-01", "*.a.test a.test", pool));
    ok(!check("http-01", "a.test b.test", pool));
    prob = check("http-01", "*.a.test a.test", pool);
    need(prob != NULL);
    is_str(problem_name(prob->type), "rejectedIdentifier");
    is_str(prob->detail,
           "\"*.a.test\" is refused: it is a wildcard name, which "
           "none of the challenges here (http-01) can prove; it "
           "takes one of: dns-01, dns-account-01, dns-persist-01");
    prob = check("dns-01", "10.0.0.1", pool);
    need(prob);
    is_str(prob->detail,
           "\"10.0.0.1\" is refused: it is an IP address, which none of the "
           "challenges here (dns-01) can prove; it takes one of: http-01, "
           "tls-alpn-01");
    prob = check("http-01", "*.a.test *.b.test", pool);
    need(prob && prob->subproblems);
    is_int(prob->subproblems->nelts, 2);
    is_str(APR_ARRAY_IDX(prob->subproblems, 1, problem_t *)->identifier->value,
           "*.b.test");
}

const tap_case_t tap_cases[] = {
    {"T48 T84 what is offered: only dns-01 for a wildcard, never for an "
     "address",
     offers},
    {"T46 T48 what nothing proves is refused, each by name", refusals},
    {"T80 no challenge whose record's name would be too long", lengths},
    {NULL, NULL}};
