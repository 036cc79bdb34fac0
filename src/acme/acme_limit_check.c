/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_limit_check.h"

#include <arpa/inet.h>
#include <string.h>

#include <apr_strings.h>

#include "acme/acme_publish_limits.h"
#include "acme/acme_work.h"

#include "base/banned.h"

#define RETRY_MAX 600

typedef struct {
    acme_limit_key_t key;
    const acme_limit_rule_t *rule;
    apr_time_t at;
} one_t;

problem_t *acme_limit_problem(const acme_conf_t *conf, apr_int64_t wait,
                              const char *detail, apr_pool_t *pool)
{
    problem_t *prob = problem_make(pool, PROBLEM_RATE_LIMITED, "%s", detail);

    if (wait < 1)
        wait = 1;
    problem_header(
        prob, pool, "Retry-After",
        apr_psprintf(pool, "%d", wait < RETRY_MAX ? (int)wait : RETRY_MAX));
    problem_header(prob, pool, "Link",
                   apr_pstrcat(pool, "<", conf->base_url, conf->path,
                               "/" ACME_PUBLISH_LIMITS ">;rel=\"help\"", NULL));
    return prob;
}

/* "orders-per-account: no more than 300/3h new orders of one account; …" */
static problem_t *problem_limit(const acme_t *acme, acme_limit_e limit,
                                const char *subject, apr_interval_time_t wait,
                                apr_time_t now, apr_pool_t *pool)
{
    const acme_limit_rule_t *rule = &acme->conf->limits[limit];
    apr_int64_t seconds = (wait + APR_USEC_PER_SEC - 1) / APR_USEC_PER_SEC;
    const char *text = acme_limit_rule_text(rule, pool);

    return acme_limit_problem(
        acme->conf, seconds,
        apr_psprintf(pool,
                     "the limit %s is used up%s%s: %s are possible (%s); the "
                     "next one from %s on, in %" APR_INT64_T_FMT
                     " s. The server's operator can change it: ACMERateLimit "
                     "%s N/TIME",
                     acme_limit_name(limit), *subject ? " for " : "", subject,
                     text, acme_limit_words(limit),
                     clock_rfc3339(apr_time_sec(now) + seconds, pool), seconds,
                     acme_limit_name(limit)),
        pool);
}

problem_t *acme_limit_pending(const acme_t *acme, acme_limit_e limit,
                              apr_pool_t *pool)
{
    return acme_limit_problem(
        acme->conf, RETRY_MAX,
        apr_psprintf(
            pool,
            "the limit %s is reached: this account has %s %s; finalize, "
            "deactivate or fail some of them, or wait until they expire. The "
            "server's operator can change it: ACMERateLimit %s N",
            acme_limit_name(limit),
            acme_limit_rule_text(&acme->conf->limits[limit], pool),
            acme_limit_words(limit), acme_limit_name(limit)),
        pool);
}

/* "192.0.2.7", "2001:db8:1:2::/64"; what is neither is itself. */
static const char *network_of(const char *address, apr_pool_t *pool)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char octets[16];
    char text[INET6_ADDRSTRLEN];

    if (!address)
        return "";
    if (inet_pton(AF_INET6, address, octets) != 1)
        return address;
    if (!memcmp(octets, mapped, sizeof(mapped)))
        return inet_ntop(AF_INET, octets + 12, text, sizeof(text))
                   ? apr_pstrdup(pool, text)
                   : address;
    memset(octets + 8, 0, 8);
    return inet_ntop(AF_INET6, octets, text, sizeof(text))
               ? apr_pstrcat(pool, text, "/64", NULL)
               : address;
}

static const acme_limit_rule_t *rule_of(const acme_t *acme, acme_limit_e limit)
{
    const acme_limit_rule_t *rule = &acme->conf->limits[limit];

    return acme->limits && rule->count && rule->span ? rule : NULL;
}

static void spent_init(acme_limit_spent_t *spent, acme_t *acme, int count,
                       apr_pool_t *pool)
{
    spent->acme = acme;
    spent->ones = apr_array_make(pool, count, sizeof(one_t));
}

/* One more of subject; what was spent before is given back if it is one too
 * many. */
static problem_t *spend(acme_limit_spent_t *spent, acme_limit_e limit,
                        const char *subject, const char *shown,
                        apr_pool_t *pool)
{
    acme_t *acme = spent->acme;
    const acme_limit_rule_t *rule = rule_of(acme, limit);
    apr_interval_time_t wait;
    one_t one;

    if (!rule)
        return NULL;
    one.rule = rule;
    one.at = clock_now(acme->clock);
    one.key = acme_limit_key(acme->limits, limit, rule, acme->conf->server_name,
                             subject, NULL);
    wait = acme_limit_spend(acme->limits, one.key, rule, one.at);
    if (wait) {
        acme_limit_give_back(spent);
        return problem_limit(acme, limit, shown, wait, one.at, pool);
    }
    APR_ARRAY_PUSH(spent->ones, one_t) = one;
    return NULL;
}

void acme_limit_give_back(const acme_limit_spent_t *spent)
{
    int i;

    for (i = 0; spent->ones && i < spent->ones->nelts; i++) {
        const one_t *one = &APR_ARRAY_IDX(spent->ones, i, one_t);

        acme_limit_refund(spent->acme->limits, one->key, one->rule, one->at);
    }
    if (spent->ones)
        apr_array_clear(spent->ones);
}

problem_t *acme_limit_account(acme_limit_spent_t *spent, acme_t *acme,
                              const acme_verified_t *v)
{
    const char *network = network_of(v->req->client_ip, v->pool);

    spent_init(spent, acme, 1, v->pool);
    return spend(spent, ACME_LIMIT_ACCOUNTS, network, network, v->pool);
}

problem_t *acme_limit_order(acme_limit_spent_t *spent, acme_t *acme,
                            const acme_verified_t *v,
                            const apr_array_header_t *identifiers)
{
    const char *network = network_of(v->req->client_ip, v->pool);
    problem_t *prob;
    int i;

    spent_init(spent, acme, identifiers->nelts + 2, v->pool);
    prob = spend(spent, ACME_LIMIT_ORDERS_ACCOUNT, v->account->id, "", v->pool);
    if (!prob)
        prob =
            spend(spent, ACME_LIMIT_ORDERS_ADDRESS, network, network, v->pool);
    for (i = 0; !prob && i < identifiers->nelts; i++) {
        const char *name =
            APR_ARRAY_IDX(identifiers, i, const identifier_t *)->value;

        prob = spend(spent, ACME_LIMIT_ORDERS_NAME, name, name, v->pool);
    }
    return prob;
}

problem_t *acme_limit_again(acme_limit_spent_t *spent, acme_t *acme,
                            const acme_verified_t *v, const char *cert_id)
{
    spent_init(spent, acme, 1, v->pool);
    return spend(spent, ACME_LIMIT_FAILURES,
                 apr_pstrcat(v->pool, "renewal ", cert_id, NULL),
                 "the renewal of this certificate", v->pool);
}

static acme_limit_key_t failure_key(const acme_t *acme,
                                    const acme_limit_rule_t *rule,
                                    const char *account_id, const char *name)
{
    return acme_limit_key(acme->limits, ACME_LIMIT_FAILURES, rule,
                          acme->conf->server_name, account_id, name);
}

problem_t *acme_limit_validation(acme_t *acme, const acme_verified_t *v,
                                 const identifier_t *identifier)
{
    const acme_limit_rule_t *rule = rule_of(acme, ACME_LIMIT_FAILURES);
    const char *name = identifier_base(identifier);
    apr_interval_time_t wait;
    apr_time_t now;

    if (!rule)
        return NULL;
    now = clock_now(acme->clock);
    wait = acme_limit_look(
        acme->limits, failure_key(acme, rule, v->account->id, name), rule, now);
    return wait ? problem_limit(acme, ACME_LIMIT_FAILURES, name, wait, now,
                                v->pool)
                : NULL;
}

void acme_limit_failure(acme_t *acme, const char *account_id, const char *name)
{
    const acme_limit_rule_t *rule = rule_of(acme, ACME_LIMIT_FAILURES);

    if (rule && account_id && name)
        (void)acme_limit_spend(acme->limits,
                               failure_key(acme, rule, account_id, name), rule,
                               clock_now(acme->clock));
}

int acme_limit_hold(acme_limit_held_t *held, acme_t *acme, const char *id,
                    apr_interval_time_t patience)
{
    held->acme = NULL;
    if (!acme->limits)
        return 1;
    held->rule.count = 1;
    held->rule.span = acme_work_seconds(patience);
    /* A number that none of the limits has. */
    held->key = acme_limit_key(acme->limits, ACME_LIMIT_COUNT, &held->rule,
                               acme->conf->server_name, id, NULL);
    held->at = clock_now(acme->clock);
    if (acme_limit_spend(acme->limits, held->key, &held->rule, held->at))
        return 0;
    held->acme = acme;
    return 1;
}

void acme_limit_unhold(const acme_limit_held_t *held)
{
    if (held->acme)
        acme_limit_refund(held->acme->limits, held->key, &held->rule, held->at);
}
