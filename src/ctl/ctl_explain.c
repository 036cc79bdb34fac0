/* SPDX-License-Identifier: Apache-2.0 */
/* `acmectl policy explain`: the server's own checks on an order that nobody
 * places. */

#include "ctl/ctl_policy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "acme/acme_csr.h"
#include "acme/acme_issue.h"
#include "acme/acme_profile.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"
#include "ctl/ctl_issuer.h"
#include "policy/policy_blocklist.h"
#include "policy/policy_cidr.h"

#include "base/banned.h"

typedef struct {
    ctl_t *ctl;
    acme_profile_t *profile; /* without networks if there is no --from */
    const ctl_csr_t *csr;    /* NULL: none */
    acme_t acme;
    acme_request_t req;
    acme_route_t route;
    store_account_t account;
    acme_verified_t v;
    const acme_eab_t *eab;           /* NULL: none */
    apr_array_header_t *identifiers; /* NULL: something is wrong with them */
    json_t *problems, *notes;
} explain_t;

static void note(explain_t *explain, const char *text)
{
    json_array_append_new(explain->notes, json_string(text));
}

static void problem_add(explain_t *explain, const char *step,
                        const problem_t *prob)
{
    json_t *json;

    if (!prob)
        return;
    /* What is our own trouble has no detail for strangers. */
    json = json_incref(problem_render(prob, explain->ctl->pool));
    if (prob->cause)
        json_object_set_new(json, "detail", json_string(prob->cause));
    json_object_set_new(json, "step", json_string(step));
    json_array_append_new(explain->problems, json);
}

static policy_t *without_networks(const policy_t *policy, apr_pool_t *pool)
{
    policy_t *copy = apr_pmemdup(pool, policy, sizeof(*policy));

    copy->networks = apr_array_make(pool, 1, sizeof(void *));
    return copy;
}

static ctl_exit_e from_take(explain_t *explain)
{
    const char *from = ctl_option(explain->ctl, "from");
    const policy_t *policy = explain->profile->policy;
    policy_cidr_t *cidr;

    explain->req.client_ip = from;
    if (!from) {
        if (policy->networks->nelts)
            note(explain, "networks were not looked at: there is no --from");
        explain->profile->policy = without_networks(policy, explain->ctl->pool);
        return CTL_OK;
    }
    if (!strchr(from, '/') &&
        !policy_cidr_parse(&cidr, from, explain->ctl->pool))
        return CTL_OK;
    return ctl_command_usage("--from is an address, not ", from);
}

/* What cannot be loaded here is a verdict only for root, who has the same view
 * as the server.  Without it the checks meet an issuer without constraints. */
static void issuer_take(explain_t *explain)
{
    apr_pool_t *pool = explain->ctl->pool;
    acme_issuer_t *issuer =
        acme_conf_issuer(explain->ctl->conf, explain->profile->issuer);
    const char *problem;
    ca_issuer_t *plain;

    ctl_issuer_load(issuer, explain->ctl);
    problem = issuer->problem;
    if (!problem && issuer->set->issuer) {
        problem_add(
            explain, "issuer",
            acme_issue_profile_check(&explain->acme, explain->profile, pool));
        return;
    }
    if (geteuid() == 0)
        problem_add(explain, "issuer",
                    problem_internal(pool, APR_SUCCESS, "issuer %s: %s",
                                     issuer->name, problem));
    else
        note(explain, apr_psprintf(pool,
                                   "the issuer's name constraints were not "
                                   "looked at: %s",
                                   problem));
    plain = apr_pcalloc(pool, sizeof(*plain));
    plain->constraints = apr_array_make(pool, 1, sizeof(void *));
    issuer->set = apr_pcalloc(pool, sizeof(*issuer->set));
    issuer->set->issuer = plain;
}

/* As the server does: without one of the lists no key is good. */
static void blocklists_take(explain_t *explain, acme_conf_t *conf)
{
    apr_pool_t *pool = explain->ctl->pool;
    policy_blocklist_t *list = policy_blocklist_make(pool);
    const char *fault =
        policy_blocklist_debian_read(list, POLICY_BLOCKLIST_DEBIAN, pool);
    int i;

    for (i = 0; !fault && i < conf->key_blocklists->nelts; i++) {
        const char *file = APR_ARRAY_IDX(conf->key_blocklists, i, const char *);

        fault = policy_blocklist_read(list, file, pool);
        if (fault)
            fault = apr_psprintf(pool, "ACMEKeyBlocklist %s: %s", file, fault);
    }
    if (!fault && !policy_blocklist_is_empty(list))
        conf->blocklist = list;
    if (fault)
        problem_add(explain, "newOrder",
                    problem_internal(pool, APR_SUCCESS, "%s", fault));
}

/* The first network that a key may be used from stands for a client that is
 * not named. */
static const char *source_of(const store_eab_t *row, apr_pool_t *pool)
{
    json_t *list = own_json(pool, ctl_print_stored(row->sources));
    const char *cidr = json_string_value(json_array_get(list, 0));

    return cidr ? apr_pstrmemdup(pool, cidr, strcspn(cidr, "/")) : "";
}

static void key_notes(explain_t *explain, const store_eab_t *row)
{
    if (row->expires_at && row->expires_at <= explain->v.now)
        note(explain, "the external account key has expired: no new accounts");
    else if (row->max_accounts && row->used_accounts >= row->max_accounts)
        note(explain, "the external account key has all its accounts: no new "
                      "ones");
    if (row->sources && !explain->req.client_ip)
        note(explain, "the networks of the external account key were not "
                      "looked at: there is no --from");
}

/* Its accounts' rights; all of the checks, though one refuses. */
static ctl_exit_e key_take(explain_t *explain, const char *kid)
{
    ctl_t *ctl = explain->ctl;
    const acme_profile_t *profile;
    const char *from = explain->req.client_ip;
    store_eab_t *row;
    ctl_exit_e code =
        ctl_print_status(store_eab_get(&row, ctl->store, kid, ctl->pool),
                         "external account key", kid);

    if (code != CTL_OK)
        return code;
    key_notes(explain, row);
    explain->account.eab_kid = kid;
    explain->account.eab_status = row->status;
    problem_add(explain, "account",
                acme_eab_account_check(&explain->account, ctl->pool));
    if (from)
        problem_add(explain, "newOrder",
                    acme_eab_get(&explain->eab, &explain->acme, &explain->v));
    explain->req.client_ip = source_of(row, ctl->pool);
    if (!explain->eab)
        problem_add(explain, "newOrder",
                    acme_eab_get(&explain->eab, &explain->acme, &explain->v));
    explain->req.client_ip = from;
    problem_add(explain, "newOrder",
                acme_profile_select(&profile, &explain->acme, &explain->v,
                                    explain->eab));
    return CTL_OK;
}

static ctl_exit_e account_take(explain_t *explain, const char *id)
{
    ctl_t *ctl = explain->ctl;
    store_account_t *account;
    ctl_exit_e code = ctl_print_status(
        store_account_get(&account, ctl->store, id, ctl->pool), "account", id);

    if (code != CTL_OK)
        return code;
    explain->account = *account;
    if (strcmp(account->status, "valid"))
        problem_add(explain, "account",
                    problem_make(ctl->pool, PROBLEM_UNAUTHORIZED,
                                 "the account is %s", account->status));
    return account->eab_kid ? key_take(explain, account->eab_kid) : CTL_OK;
}

static ctl_exit_e names_take(explain_t *explain)
{
    ctl_t *ctl = explain->ctl;
    apr_array_header_t *names = ctl_option_all(ctl, "name"), *subs, *list;
    int flags = ctl->conf->underscore ? IDENTIFIER_UNDERSCORE : 0, i;

    if (!names->nelts && explain->csr && explain->csr->names)
        names = explain->csr->names;
    if (!names->nelts)
        return ctl_command_usage(explain->csr
                                     ? "the CSR has no names; add --name"
                                     : "wanted: --name NAME, or --csr FILE",
                                 "");
    subs = apr_array_make(ctl->pool, 1, sizeof(problem_t *));
    list = apr_array_make(ctl->pool, names->nelts, sizeof(identifier_t *));
    for (i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        identifier_t *identifier;
        problem_t *prob = identifier_parse(
            &identifier, identifier_type_guess(name), name, flags, ctl->pool);

        if (prob)
            APR_ARRAY_PUSH(subs, problem_t *) = prob;
        else
            APR_ARRAY_PUSH(list, identifier_t *) = identifier;
    }
    identifier_sort(list);
    problem_add(explain, "newOrder", problem_fold(subs, ctl->pool));
    explain->identifiers = list;
    return CTL_OK;
}

static void order_check(explain_t *explain)
{
    const acme_profile_t *profile = explain->profile;

    if (profile->external == ACME_EXTERNAL_REQUIRED && !explain->eab)
        note(explain, "accounts need an external account key here, whose "
                      "limits were not looked at: there is no --key");
    if (!acme_eab_is_validated(profile, explain->eab))
        note(explain, "names need not be proven");
    problem_add(explain, "newOrder",
                acme_profile_names_check(profile, &explain->acme, &explain->v,
                                         explain->eab, explain->identifiers));
}

static void approved_render(json_t *json, const policy_csr_t *csr,
                            apr_pool_t *pool)
{
    json_t *subject = json_array();
    int i;

    for (i = 0; i < csr->subject->nelts; i++) {
        const policy_value_t *value =
            APR_ARRAY_IDX(csr->subject, i, const policy_value_t *);

        json_array_append_new(subject,
                              json_string(apr_pstrcat(
                                  pool, policy_attribute_name(value->attribute),
                                  "=", value->value, NULL)));
    }
    json_object_set_new(json, "commonName", ctl_print_text(csr->common_name));
    json_object_set_new(json, "subject", subject);
    json_object_set_new(json, "emails", pjson_strings_render(csr->emails));
    json_object_set_new(json, "uris", pjson_strings_render(csr->uris));
    json_object_set_new(
        json, "keyUsage",
        json_string(policy_key_usage_text(csr->key_usage, pool)));
    json_object_set_new(json, "extKeyUsage",
                        pjson_strings_render(csr->ext_key_usage));
}

static void csr_check(explain_t *explain, json_t *answer)
{
    apr_pool_t *pool = explain->ctl->pool;
    acme_csr_wish_t wish = {.profile = explain->profile,
                            .identifiers = explain->identifiers};
    policy_csr_t *csr;
    problem_t *prob;
    jose_jwk_t *key;

    if (!explain->csr)
        return;
    wish.der = explain->csr->der;
    wish.len = explain->csr->len;
    prob = acme_csr_check(&csr, &key, &explain->acme, &wish, pool);
    problem_add(explain, "finalize", prob);
    if (!prob)
        approved_render(answer, csr, pool);
}

/* Everything that root may read comes before the database. */
static ctl_exit_e explain_fill(explain_t *explain, acme_conf_t *conf)
{
    ctl_t *ctl = explain->ctl;
    const char *key = ctl_option(ctl, "key"), *file = ctl_option(ctl, "csr");
    const char *account = ctl_option(ctl, "account"); /* `check` has it */
    ctl_exit_e code = from_take(explain);
    ctl_csr_t *csr;

    if (code == CTL_OK && file) {
        code = ctl_csr_read(&csr, file, ctl->pool);
        explain->csr = csr;
    }
    if (code == CTL_OK)
        code = names_take(explain);
    if (code != CTL_OK)
        return code;
    issuer_take(explain);
    blocklists_take(explain, conf);
    if (file || key || account)
        code = ctl_store_open(ctl, 1);
    explain->acme.store = ctl->store;
    if (code == CTL_OK && account)
        return account_take(explain, account);
    return code == CTL_OK && key ? key_take(explain, key) : code;
}

static void explain_init(explain_t *explain, ctl_t *ctl,
                         const acme_profile_t *profile, acme_conf_t *conf)
{
    memset(explain, 0, sizeof(*explain));
    explain->ctl = ctl;
    explain->profile = apr_pmemdup(ctl->pool, profile, sizeof(*profile));
    explain->problems = own_json(ctl->pool, json_array());
    explain->notes = own_json(ctl->pool, json_array());
    explain->acme.conf = conf;
    explain->acme.clock = &clock_system;
    explain->acme.log = ctl->log;
    explain->req.pool = ctl->pool;
    explain->req.log = ctl->log;
    explain->route.directory = profile->directory;
    explain->route.profile = explain->profile;
    explain->account.id = "";
    explain->account.status = "valid";
    explain->v.req = &explain->req;
    explain->v.route = &explain->route;
    explain->v.account = &explain->account;
    explain->v.payload = own_json(ctl->pool, json_object());
    explain->v.now = clock_seconds(&clock_system);
    explain->v.pool = ctl->pool;
    explain->v.log = ctl->log;
}

static json_t *answer_make(const explain_t *explain)
{
    const acme_profile_t *profile = explain->profile;
    json_t *json = json_object();

    json_object_set_new(json, "verdict",
                        json_string(json_array_size(explain->problems)
                                        ? "refused"
                                        : "allowed"));
    json_object_set_new(json, "profile", json_string(profile->name));
    json_object_set_new(json, "policy", json_string(profile->policy->name));
    json_object_set_new(json, "issuer", json_string(profile->issuer));
    json_object_set_new(json, "identifiers",
                        json_string(identifier_list_text(explain->identifiers,
                                                         explain->ctl->pool)));
    json_object_set_new(json, "problems", json_incref(explain->problems));
    json_object_set_new(json, "notes", json_incref(explain->notes));
    return json;
}

static void problem_print(const json_t *problem)
{
    const char *type = json_string_value(json_object_get(problem, "type"));
    const char *colon = type ? strrchr(type, ':') : NULL;
    json_t *sub;
    size_t i;

    printf("%-16s %s: %s\n",
           json_string_value(json_object_get(problem, "step")),
           colon ? colon + 1 : "problem",
           json_string_value(json_object_get(problem, "detail")));
    json_array_foreach(json_object_get(problem, "subproblems"), i, sub)
    {
        printf("%-16s   %s\n", "",
               json_string_value(json_object_get(sub, "detail")));
    }
}

void ctl_policy_print(const json_t *answer)
{
    json_t *value;
    size_t i;

    json_array_foreach(json_object_get(answer, "problems"), i, value)
    {
        problem_print(value);
    }
    json_array_foreach(json_object_get(answer, "notes"), i, value)
    {
        printf("%-16s %s\n", "note", json_string_value(value));
    }
}

static void answer_print(const ctl_t *ctl, json_t *answer)
{
    json_t *plain = own_json(ctl->pool, json_copy(answer));

    if (!ctl->is_json) {
        json_object_del(plain, "problems");
        json_object_del(plain, "notes");
    }
    ctl_print_object(ctl, plain);
    if (!ctl->is_json)
        ctl_policy_print(answer);
}

ctl_exit_e ctl_policy_ask(json_t **answer, ctl_t *ctl)
{
    acme_conf_t *conf = apr_pmemdup(ctl->pool, ctl->conf, sizeof(*conf));
    const acme_profile_t *profile;
    explain_t explain;
    json_t *approved = own_json(ctl->pool, json_object());
    ctl_exit_e code = ctl_profile_find(&profile, ctl);

    *answer = NULL;
    if (code != CTL_OK)
        return code;
    explain_init(&explain, ctl, profile, conf);
    code = explain_fill(&explain, conf);
    if (code != CTL_OK)
        return code;
    if (!json_array_size(explain.problems) || explain.identifiers->nelts)
        order_check(&explain);
    csr_check(&explain, approved);
    *answer = own_json(ctl->pool, answer_make(&explain));
    json_object_update(*answer, approved);
    return json_array_size(explain.problems) ? CTL_FINDINGS : CTL_OK;
}

ctl_exit_e ctl_policy_explain(ctl_t *ctl)
{
    json_t *answer;
    ctl_exit_e code = ctl_policy_ask(&answer, ctl);

    if (answer)
        answer_print(ctl, answer);
    return code;
}
