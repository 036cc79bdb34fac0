/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_eab.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"

#include "base/banned.h"

#define PREVIOUS_FOR (7 * 86400)

/* The server's key file, which the server makes. */
static ctl_exit_e keys_load(acme_eab_keys_t **keys, const ctl_t *ctl)
{
    const char *path = ctl->conf->eab_key_file;
    problem_t *prob;

    if (access(path, R_OK) != 0) {
        ctl_print_error(
            errno == ENOENT
                ? "%s: there is no key file for the secrets yet; start httpd, "
                  "which makes it"
                : "%s: the key file for the secrets cannot be read; run "
                  "acmectl as root",
            path);
        return CTL_FAILED;
    }
    prob = acme_eab_keys_load(keys, path, 0, ctl->log, ctl->pool);
    return prob ? ctl_print_problem(prob) : CTL_OK;
}

/* For the event: what the key may, and nothing that changes by itself. */
static store_event_t *event_make(const ctl_t *ctl, const char *kind,
                                 const store_eab_t *eab)
{
    static const char *const members[] = {
        "profile", "name",        "allow",           "from",
        "expires", "maxAccounts", "maxOrdersPerDay", "skipValidation",
        NULL};
    json_t *all = own_json(ctl->pool, ctl_eab_render(ctl, eab));
    json_t *detail = json_object();
    store_event_t *event;
    int i;

    for (i = 0; members[i]; i++) {
        json_t *value = json_object_get(all, members[i]);

        if (!json_is_null(value))
            json_object_set_new(detail, members[i], json_incref(value));
    }
    event = ctl_event(ctl, kind, detail);
    event->eab_kid = eab->kid;
    return event;
}

static ctl_exit_e seal(const char **secret, const char **sealed,
                       const acme_eab_keys_t *keys, const store_eab_t *eab,
                       apr_pool_t *pool)
{
    *secret = acme_eab_secret_make(pool);
    *sealed = acme_eab_secret_seal(keys, eab->kid, *secret, pool);
    if (*sealed)
        return CTL_OK;
    ctl_print_error("OpenSSL cannot encrypt with AES-256-GCM here");
    return CTL_FAILED;
}

static ctl_exit_e eab_create(ctl_t *ctl)
{
    acme_eab_keys_t *keys;
    store_event_t *event;
    const char *secret;
    store_eab_t eab;
    ctl_exit_e code = ctl_eab_make(&eab, ctl);

    if (code == CTL_OK)
        code = keys_load(&keys, ctl);
    if (code == CTL_OK)
        code = seal(&secret, &eab.secret, keys, &eab, ctl->pool);
    if (code == CTL_OK)
        code = ctl_store_open(ctl, 1);
    if (code != CTL_OK)
        return code;
    event = event_make(ctl, "eab.create", &eab);
    code =
        ctl_print_status(store_eab_create(ctl->store, &eab, event, ctl->pool),
                         "external account key", eab.kid);
    if (code != CTL_OK)
        return code;
    ctl_event_tell(ctl, event);
    ctl_eab_print(ctl, &eab, secret);
    return CTL_OK;
}

static ctl_exit_e row_get(store_eab_t **eab, const ctl_t *ctl)
{
    return ctl_print_status(store_eab_get(eab, ctl->store, ctl->id, ctl->pool),
                            "external account key", ctl->id);
}

static ctl_exit_e eab_list(ctl_t *ctl)
{
    static const char *const columns[] = {"kid",     "status",   "profile",
                                          "name",    "accounts", "maxAccounts",
                                          "expires", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *eabs;
    apr_status_t rv;
    int i;

    rv = store_eab_list(&eabs, ctl->store, ctl_option(ctl, "before"),
                        ctl->limit, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "external account key", "");
    for (i = 0; i < eabs->nelts; i++)
        json_array_append_new(
            list,
            ctl_eab_render(ctl, APR_ARRAY_IDX(eabs, i, const store_eab_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

static ctl_exit_e eab_show(ctl_t *ctl)
{
    store_eab_t *eab;
    ctl_exit_e code = row_get(&eab, ctl);

    if (code == CTL_OK)
        ctl_print_object(ctl, own_json(ctl->pool, ctl_eab_render(ctl, eab)));
    return code;
}

/* What was wanted may be so already. */
static ctl_exit_e status_set(ctl_t *ctl, const char *status, const char *kind)
{
    store_event_t *event;
    store_eab_t *eab;
    apr_status_t rv;
    ctl_exit_e code = row_get(&eab, ctl);

    if (code != CTL_OK)
        return code;
    event = event_make(ctl, kind, eab);
    rv = store_eab_status_set(ctl->store, eab->kid, status, event->at, event,
                              ctl->pool);
    if (rv == APR_SUCCESS)
        ctl_event_tell(ctl, event);
    else if (!APR_STATUS_IS_EEXIST(rv))
        return ctl_print_status(rv, "external account key", eab->kid);
    code = row_get(&eab, ctl);
    if (code == CTL_OK && strcmp(eab->status, status)) {
        ctl_print_error("%s: it is %s, for good", eab->kid, eab->status);
        return CTL_FINDINGS;
    }
    return code == CTL_OK ? eab_show(ctl) : code;
}

static ctl_exit_e eab_suspend(ctl_t *ctl)
{
    return status_set(ctl, "suspended", "eab.suspend");
}

static ctl_exit_e eab_resume(ctl_t *ctl)
{
    return status_set(ctl, "valid", "eab.resume");
}

static ctl_exit_e eab_revoke(ctl_t *ctl)
{
    return status_set(ctl, "revoked", "eab.revoke");
}

/* The one that was read is the previous one now. */
static ctl_exit_e secret_set(const ctl_t *ctl, const store_eab_t *eab,
                             const char *sealed, apr_int64_t until)
{
    store_eab_secret_t secret = {.kid = eab->kid,
                                 .was = eab->secret,
                                 .secret = sealed,
                                 .previous_secret = until ? eab->secret : NULL,
                                 .previous_until = until};
    json_t *detail = json_object();
    store_event_t *event;
    apr_status_t rv;

    json_object_set_new(detail, "previousSecretUntil",
                        ctl_print_time(ctl, until));
    event = ctl_event(ctl, "eab.rotate", detail);
    event->eab_kid = eab->kid;
    rv = store_eab_secret_set(ctl->store, &secret, event->at, event, ctl->pool);
    if (APR_STATUS_IS_EEXIST(rv)) {
        ctl_print_error("%s: somebody else has just rotated or revoked it; "
                        "look at it and try again",
                        eab->kid);
        return CTL_FAILED;
    }
    if (rv == APR_SUCCESS)
        ctl_event_tell(ctl, event);
    return ctl_print_status(rv, "external account key", eab->kid);
}

static ctl_exit_e until_take(apr_int64_t *until, const ctl_t *ctl)
{
    apr_int64_t now = clock_seconds(&clock_system);

    *until = now + PREVIOUS_FOR;
    if (!ctl_option(ctl, "at-once"))
        return ctl_option_time(until, ctl, "until", now);
    *until = 0;
    if (!ctl_option(ctl, "until"))
        return CTL_OK;
    ctl_print_error("--at-once and --until: the old secret cannot be both; "
                    "leave one out");
    return CTL_USAGE;
}

static ctl_exit_e eab_rotate(ctl_t *ctl)
{
    const char *secret, *sealed;
    acme_eab_keys_t *keys;
    apr_int64_t until;
    store_eab_t *eab;
    ctl_exit_e code = until_take(&until, ctl);

    if (code == CTL_OK)
        code = keys_load(&keys, ctl);
    if (code == CTL_OK)
        code = ctl_store_open(ctl, 0);
    if (code == CTL_OK)
        code = row_get(&eab, ctl);
    if (code != CTL_OK)
        return code;
    if (!strcmp(eab->status, "revoked")) {
        ctl_print_error("%s: it is revoked, for good", eab->kid);
        return CTL_FINDINGS;
    }
    code = seal(&secret, &sealed, keys, eab, ctl->pool);
    if (code == CTL_OK)
        code = secret_set(ctl, eab, sealed, until);
    if (code == CTL_OK)
        code = row_get(&eab, ctl);
    if (code == CTL_OK)
        ctl_eab_print(ctl, eab, secret);
    return code;
}

/* The event is on disk before anybody sees the secret. */
static ctl_exit_e eab_reveal(ctl_t *ctl)
{
    acme_eab_keys_t *keys;
    store_event_t *event;
    const char *secret;
    store_eab_t *eab;
    problem_t *prob;
    ctl_exit_e code;

    if (!ctl->conf->eab_reveal) {
        ctl_print_error("secrets are not shown again here; write "
                        "ACMEExternalAccountReveal on, or make a new one with "
                        "`acmectl eab rotate %s`",
                        ctl->id);
        return CTL_FINDINGS;
    }
    code = keys_load(&keys, ctl);
    if (code == CTL_OK)
        code = ctl_store_open(ctl, 0);
    if (code == CTL_OK)
        code = row_get(&eab, ctl);
    if (code != CTL_OK)
        return code;
    prob =
        acme_eab_secret_open(&secret, keys, eab->kid, eab->secret, ctl->pool);
    if (prob)
        return ctl_print_problem(prob);
    event = ctl_event(ctl, "eab.reveal", NULL);
    event->eab_kid = eab->kid;
    code = ctl_event_add(ctl, event);
    if (code == CTL_OK)
        ctl_eab_print(ctl, eab, secret);
    return code;
}

static const ctl_option_t create_options[] = {
    {"profile", "NAME", "the profile that it is for, if there are several"},
    {"name", "TEXT", "what people will know it by: \"team a\""},
    {"allow", "PATTERN",
     "names that its accounts may ask for, on top of the policy:\n"
     "*.a.corp.example (one label), **.a.corp.example (one or more),\n"
     "wildcard:*.a.corp.example, 10.0.0.0/8; may be given again"},
    {"expires", "TIME",
     "no new accounts from then on: 90d, 1y, 2027-01-31T12:00:00Z"},
    {"max-accounts", "N", "so many accounts, ever"},
    {"max-orders-per-day", "N",
     "of all its accounts together, days of UTC; without renewals that\n"
     "renewal information asked for"},
    {"from", "CIDR", "networks that it may be used from; may be given again"},
    {"skip-validation", NULL,
     "its accounts prove no names; needs --allow, or a policy that\n"
     "lists names"},
    {NULL, NULL, NULL},
};

static const ctl_option_t list_options[] = {
    CTL_LIST_OPTIONS,
    {NULL, NULL, NULL},
};

static const ctl_option_t rotate_options[] = {
    {"until", "TIME", "the old secret is good until then, too [7d]"},
    {"at-once", NULL, "the old secret is void now"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_eab_commands[] = {
    {"eab", "create", CTL_NEEDS_CONF, 0, 0, "", create_options,
     "make an external account key: KID and HMAC key, and lines for clients\n"
     "The HMAC key is shown now and not again. Needs root.",
     eab_create},
    {"eab", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "the external account keys, newest first", eab_list},
    {"eab", "show", CTL_NEEDS_STORE, 1, 1, "KID", NULL,
     "all about an external account key but its secret", eab_show},
    {"eab", "rotate", CTL_NEEDS_CONF, 1, 1, "KID", rotate_options,
     "a new HMAC key; accounts that are there already go on\n"
     "Needs root.",
     eab_rotate},
    {"eab", "suspend", CTL_NEEDS_STORE, 1, 1, "KID", NULL,
     "its accounts can do nothing until it is resumed", eab_suspend},
    {"eab", "resume", CTL_NEEDS_STORE, 1, 1, "KID", NULL, "its accounts go on",
     eab_resume},
    {"eab", "revoke", CTL_NEEDS_STORE, 1, 1, "KID", NULL,
     "for good: its accounts can do nothing any more\n"
     "Their certificates stay valid.",
     eab_revoke},
    {"eab", "reveal", CTL_NEEDS_CONF, 1, 1, "KID", NULL,
     "show the HMAC key again, if ACMEExternalAccountReveal is on\n"
     "Needs root.",
     eab_reveal},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
