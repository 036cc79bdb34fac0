/* SPDX-License-Identifier: Apache-2.0 */
/* `acmectl eab create`: from options to a row. */

#include "ctl/ctl_eab.h"

#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"
#include "policy/policy_cidr.h"
#include "policy/policy_names.h"
#include "policy/policy_pattern.h"

#include "base/banned.h"

#define NAME_LEN_MAX 100
#define COUNT_MAX    1000000000

/* Would the server bind accounts by a key of this profile? */
static ctl_exit_e profile_check(const acme_profile_t *profile)
{
    if (!profile->enrollment)
        ctl_print_error("--profile %s: it has no directory, so no ACME client "
                        "can use it; write ACMEProfileEnrollment acme in it",
                        profile->name);
    else if (profile->external == ACME_EXTERNAL_OFF)
        ctl_print_error("--profile %s: it takes no external accounts; write "
                        "ACMEProfileExternalAccount required (or optional) in "
                        "it and reload httpd",
                        profile->name);
    else
        return CTL_OK;
    return CTL_FINDINGS;
}

/* A label for people: a short line of UTF-8. */
static ctl_exit_e name_take(store_eab_t *eab, const ctl_t *ctl)
{
    const char *name = ctl_option(ctl, "name"), *c;
    json_t *utf8;

    eab->name = name ? name : "";
    utf8 = own_json(ctl->pool, json_string(eab->name));
    for (c = eab->name; (unsigned char)*c >= ' ' && *c != 0x7f; c++)
        ;
    if (utf8 && !*c && strlen(eab->name) <= NAME_LEN_MAX)
        return CTL_OK;
    ctl_print_error("--name: it is longer than %d octets, or holds what is no "
                    "printable UTF-8; choose another",
                    NAME_LEN_MAX);
    return CTL_USAGE;
}

/* What a list's word is wrong for; NULL: it is right. */
typedef const char *(*word_fn)(const char *word, apr_pool_t *pool);

static const char *allow_fault(const char *word, apr_pool_t *pool)
{
    policy_pattern_t *pattern;

    return policy_pattern_name_parse(&pattern, word, pool);
}

static const char *from_fault(const char *word, apr_pool_t *pool)
{
    policy_cidr_t *cidr;

    return policy_cidr_parse(&cidr, word, pool);
}

/* The words of --name as the text of a JSON array; NULL without any. */
static ctl_exit_e list_take(const char **text, const ctl_t *ctl,
                            const char *name, word_fn fault)
{
    apr_array_header_t *words = ctl_option_all(ctl, name);
    json_t *list = own_json(ctl->pool, json_array());
    int i;

    *text = NULL;
    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        const char *why = fault(word, ctl->pool);

        if (why) {
            ctl_print_error("--%s %s: %s", name, word, why);
            return CTL_USAGE;
        }
        json_array_append_new(list, json_string(word));
    }
    if (words->nelts)
        *text = pjson_text(list, 0, ctl->pool);
    return CTL_OK;
}

static ctl_exit_e numbers_take(store_eab_t *eab, const ctl_t *ctl)
{
    ctl_exit_e code;

    code = ctl_option_time(&eab->expires_at, ctl, "expires", eab->created_at);
    if (code == CTL_OK)
        code = ctl_option_number(&eab->max_accounts, ctl, "max-accounts", 1,
                                 COUNT_MAX);
    if (code == CTL_OK)
        code = ctl_option_number(&eab->max_orders_per_day, ctl,
                                 "max-orders-per-day", 1, COUNT_MAX);
    return code;
}

/* Nobody may have certificates for any name without proof. */
static ctl_exit_e validation_take(store_eab_t *eab, const ctl_t *ctl,
                                  const acme_profile_t *profile)
{
    eab->skip_validation = ctl_option(ctl, "skip-validation") != NULL;
    if (eab->allow || policy_names_are_listed(profile->policy) ||
        (!eab->skip_validation && profile->validation))
        return CTL_OK;
    ctl_print_error("%s: certificates for any name could be had without a "
                    "proof; name those that it is for with --allow, or in the "
                    "policy %s",
                    eab->skip_validation ? "--skip-validation"
                                         : "ACMEProfileValidation off",
                    profile->policy->name);
    return CTL_FINDINGS;
}

ctl_exit_e ctl_eab_make(store_eab_t *eab, const ctl_t *ctl)
{
    const acme_profile_t *profile;
    ctl_exit_e code = ctl_profile_find(&profile, ctl);

    memset(eab, 0, sizeof(*eab));
    if (code == CTL_OK)
        code = profile_check(profile);
    if (code != CTL_OK)
        return code;
    eab->kid = acme_eab_kid_make(ctl->pool);
    eab->realm = ctl->conf->realm;
    eab->profile = profile->name;
    eab->status = "valid";
    eab->created_at = eab->updated_at = clock_seconds(&clock_system);
    code = name_take(eab, ctl);
    if (code == CTL_OK)
        code = list_take(&eab->allow, ctl, "allow", allow_fault);
    if (code == CTL_OK)
        code = list_take(&eab->sources, ctl, "from", from_fault);
    if (code == CTL_OK)
        code = numbers_take(eab, ctl);
    if (code == CTL_OK)
        code = validation_take(eab, ctl, profile);
    return code;
}
