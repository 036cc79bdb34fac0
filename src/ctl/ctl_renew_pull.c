/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_renew.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "base/own.h"
#include "base/pjson.h"
#include "ctl/ctl_cert.h"
#include "policy/policy_pattern.h"

#include "base/banned.h"

#define WITHIN  "48h"
#define PAGE    500
#define URL_MAX 500

const ctl_option_t ctl_renew_options[] = {
    {"issuer", "NAME",
     "what this issuer signed, or its generation of this\n"
     "fingerprint"},
    {"profile", "NAME", "what was issued under this profile"},
    {"account", "ID", "what belongs to this account"},
    {"eab", "KID", "what accounts of this external account key have"},
    {"name", "NAME",
     "what names exactly this, or fits a pattern: *.a.test\n"
     "(one label), **.a.test (one or more); may be given\n"
     "again"},
    {"key", "SHA256|FILE",
     "what has this public key: spkiSHA256 of cert show, or\n"
     "a certificate or public key in PEM; \"blocked\": any\n"
     "that is blocked"},
    {"all", NULL, "every certificate"},
    {"within", "TIME",
     "when all are to be renewed: 12h, 3d, a date [" WITHIN "]"},
    {"explanation", "URL", "a page that says why, for clients to show"},
    {"dry-run", NULL, "change nothing, and show what would be renewed"},
    {NULL, NULL, NULL},
};

static const char *const selectors[] = {"issuer", "profile", "account", "eab",
                                        "name",   "key",     "all",     NULL};

typedef struct {
    ctl_t *ctl;
    store_choice_t choice;
    apr_array_header_t *patterns; /* of policy_pattern_t *; of --name */
    store_renewal_t renewal;
    int is_dry;
    int count;
    json_t *list; /* what would be renewed */
} pull_t;

/* --name NAME …: as patterns, of which one that is a name means itself. */
static ctl_exit_e names_take(pull_t *pull)
{
    apr_array_header_t *names = ctl_option_all(pull->ctl, "name");
    int i;

    pull->patterns = apr_array_make(pull->ctl->pool, 2, sizeof(void *));
    for (i = 0; i < names->nelts; i++) {
        const char *text = APR_ARRAY_IDX(names, i, const char *), *fault;
        policy_pattern_t *pattern;

        fault = policy_pattern_name_parse(&pattern, text, pull->ctl->pool);
        if (fault) {
            ctl_print_error("--name %s: %s", text, fault);
            return CTL_USAGE;
        }
        APR_ARRAY_PUSH(pull->patterns, policy_pattern_t *) = pattern;
    }
    return CTL_OK;
}

/* What clients are to show to people: something to click on. */
static ctl_exit_e url_take(const char **url, const ctl_t *ctl)
{
    const char *text = ctl_option(ctl, "explanation"), *c;

    *url = text;
    if (!text)
        return CTL_OK;
    for (c = text; *c > ' ' && *c < 0x7f && *c != '"' && *c != '<'; c++)
        ;
    if ((!strncmp(text, "https://", 8) || !strncmp(text, "http://", 7)) &&
        strlen(text) > 8 && !*c && strlen(text) <= URL_MAX)
        return CTL_OK;
    ctl_print_error("--explanation %s: it is no URL; write it like "
                    "https://status.example/why",
                    text);
    return CTL_USAGE;
}

static ctl_exit_e choice_take(pull_t *pull)
{
    store_choice_t *choice = &pull->choice;
    const ctl_t *ctl = pull->ctl;
    const char *key = ctl_option(ctl, "key");
    int i, chosen = 0;

    for (i = 0; selectors[i]; i++) {
        int given = ctl_option_all(ctl, selectors[i])->nelts;

        if (given > 1 && strcmp(selectors[i], "name") != 0)
            return ctl_command_usage("given more than once: --", selectors[i]);
        chosen += given > 0;
    }
    if (!chosen || (ctl_option(ctl, "all") && chosen > 1))
        return ctl_command_usage("which certificates? ",
                                 "--issuer, --profile, --account, --eab, "
                                 "--name, --key, or --all alone");
    choice->issuer = ctl_option(ctl, "issuer");
    choice->profile = ctl_option(ctl, "profile");
    choice->account_id = ctl_option(ctl, "account");
    choice->eab_kid = ctl_option(ctl, "eab");
    choice->is_blocked = key && !strcmp(key, "blocked");
    return key ? ctl_renew_key(&choice->spki_sha256, key, ctl->pool) : CTL_OK;
}

/* For lists and the audit trail: the options as they were given, but a key that
 * was given as a file, which may be gone or another one by then. */
static const char *selection_text(const ctl_t *ctl, const char *spki_sha256)
{
    json_t *json = own_json(ctl->pool, json_object());
    int i;

    for (i = 0; selectors[i]; i++) {
        apr_array_header_t *values = ctl_option_all(ctl, selectors[i]);

        if (values->nelts)
            json_object_set_new(json, selectors[i],
                                *APR_ARRAY_IDX(values, 0, const char *)
                                    ? pjson_strings_render(values)
                                    : json_true());
    }
    if (spki_sha256)
        json_object_set_new(json, "key", json_pack("[s]", spki_sha256));
    return pjson_text(json, 0, ctl->pool);
}

static ctl_exit_e options_take(pull_t *pull, ctl_t *ctl)
{
    apr_int64_t now = clock_seconds(&clock_system);
    store_renewal_t *renewal = &pull->renewal;
    ctl_exit_e code;

    pull->ctl = ctl;
    pull->is_dry = ctl_option(ctl, "dry-run") != NULL;
    pull->choice.now = now;
    if (!ctl_option(ctl, "within"))
        apr_table_setn(ctl->options, "within", WITHIN);
    code = ctl_option_time(&renewal->end, ctl, "within", now);
    if (code == CTL_OK)
        code = choice_take(pull);
    if (code == CTL_OK)
        code = names_take(pull);
    if (code == CTL_OK)
        code = url_take(&renewal->url, ctl);
    renewal->start = renewal->created_at = now;
    renewal->selection = selection_text(ctl, pull->choice.spki_sha256);
    renewal->who = ctl->who;
    return code;
}

static int has_name(const pull_t *pull, const store_cert_t *cert,
                    apr_pool_t *pool)
{
    const apr_array_header_t *names =
        identifier_list_from_text(cert->identifiers, pool);
    int i, k;

    for (i = 0; names && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const identifier_t *)->value;

        for (k = 0; k < pull->patterns->nelts; k++) {
            const policy_pattern_t *pattern =
                APR_ARRAY_IDX(pull->patterns, k, const policy_pattern_t *);

            if (policy_pattern_matches(pattern, name) ||
                !strcmp(pattern->normal, name))
                return 1;
        }
    }
    return !pull->patterns->nelts;
}

/* One page of certificates; *after: its last one, NULL when it was the last
 * page. */
static apr_status_t page_run(const char **after, pull_t *pull, apr_pool_t *pool)
{
    apr_array_header_t *page,
        *ids = apr_array_make(pool, PAGE, sizeof(const char *));
    apr_status_t rv = store_cert_choose(&page, pull->ctl->store, &pull->choice,
                                        *after, PAGE, pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < page->nelts; i++) {
        const store_cert_t *cert = APR_ARRAY_IDX(page, i, const store_cert_t *);

        *after = apr_pstrdup(pull->ctl->pool, cert->id);
        if (!has_name(pull, cert, pool))
            continue;
        APR_ARRAY_PUSH(ids, const char *) = cert->id;
        if (pull->is_dry)
            json_array_append_new(pull->list, ctl_cert_render(pull->ctl, cert));
    }
    pull->count += ids->nelts;
    if (rv == APR_SUCCESS && page->nelts < PAGE)
        *after = NULL;
    if (rv != APR_SUCCESS || pull->is_dry || !ids->nelts)
        return rv;
    if (!pull->renewal.number)
        rv = store_renewal_add(pull->ctl->store, &pull->renewal,
                               pull->ctl->pool);
    return rv == APR_SUCCESS
               ? store_renewal_add_certs(pull->ctl->store, pull->renewal.number,
                                         ids, pool)
               : rv;
}

static apr_status_t pages_run(pull_t *pull)
{
    const char *after = NULL;
    apr_pool_t *pool;
    apr_status_t rv;

    apr_pool_create(&pool, pull->ctl->pool);
    do {
        rv = page_run(&after, pull, pool);
        apr_pool_clear(pool);
    } while (rv == APR_SUCCESS && after);
    apr_pool_destroy(pool);
    return rv;
}

static ctl_exit_e dry_print(const pull_t *pull)
{
    static const char *const columns[] = {"id",       "serial",      "account",
                                          "notAfter", "identifiers", NULL};

    ctl_print_rows(pull->ctl, pull->list, columns);
    fprintf(stderr, "Nothing was changed; %d would be renewed.\n", pull->count);
    return CTL_OK;
}

/* It counts from here on. */
static ctl_exit_e begin(const pull_t *pull)
{
    const ctl_t *ctl = pull->ctl;
    apr_int64_t number = pull->renewal.number;
    store_renewal_t *made;
    store_event_t *event;
    json_t *json;
    apr_status_t rv;

    json = json_loads(pull->renewal.selection, 0, NULL);
    json_object_set_new(json, "renewal", json_integer(number));
    json_object_set_new(json, "certificates", json_integer(pull->count));
    json_object_set_new(json, "until", ctl_print_time(ctl, pull->renewal.end));
    json_object_set_new(json, "explanationURL",
                        ctl_print_text(pull->renewal.url));
    event = ctl_event(ctl, "renewal.begin", json);
    rv = store_renewal_begin(ctl->store, number, event->at, event, ctl->pool);
    if (rv == APR_SUCCESS) {
        ctl_event_tell(ctl, event);
        rv = store_renewal_get(&made, ctl->store, number, ctl->pool);
    }
    if (rv == APR_SUCCESS)
        ctl_print_object(ctl, own_json(ctl->pool, ctl_renew_render(ctl, made)));
    return ctl_print_status(rv, "renewal", "");
}

ctl_exit_e ctl_renew_pull(ctl_t *ctl)
{
    pull_t pull = {0};
    ctl_exit_e code = options_take(&pull, ctl);
    apr_status_t rv;

    pull.list = own_json(ctl->pool, json_array());
    if (code == CTL_OK)
        code = ctl_store_open(ctl, 0);
    if (code != CTL_OK)
        return code;
    rv = pages_run(&pull);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "renewal", "");
    if (!pull.count) {
        ctl_print_error("nothing to renew: no certificate that is valid now "
                        "and was not replaced is meant");
        return CTL_NOTFOUND;
    }
    return pull.is_dry ? dry_print(&pull) : begin(&pull);
}
