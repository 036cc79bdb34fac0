/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_eab.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"

#include "base/banned.h"

#define DAY 86400

/* An expired one still has its accounts; it gets no new ones. */
static const char *status(const store_eab_t *eab, apr_int64_t now)
{
    if (!strcmp(eab->status, "valid") && eab->expires_at &&
        eab->expires_at <= now)
        return "expired";
    return eab->status;
}

/* null: no limit */
static json_t *limit_render(apr_int64_t limit)
{
    return limit ? json_integer(limit) : json_null();
}

json_t *ctl_eab_render(const ctl_t *ctl, const store_eab_t *eab)
{
    const acme_profile_t *profile = acme_conf_profile(ctl->conf, eab->profile);
    apr_int64_t now = clock_seconds(&clock_system);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "kid", eab->kid, "status",
                  status(eab, now), "profile", eab->profile, "realm",
                  eab->realm, "name", eab->name);

    json_object_set_new(
        json, "directoryURL",
        ctl_print_text(profile ? ctl_profile_url(ctl, profile) : NULL));
    json_object_set_new(json, "allow", ctl_print_stored(eab->allow));
    json_object_set_new(json, "from", ctl_print_stored(eab->sources));
    json_object_set_new(json, "skipValidation",
                        json_boolean(eab->skip_validation));
    json_object_set_new(json, "accounts", json_integer(eab->used_accounts));
    json_object_set_new(json, "maxAccounts", limit_render(eab->max_accounts));
    json_object_set_new(
        json, "ordersToday",
        json_integer(eab->orders_day == now / DAY ? eab->orders_count : 0));
    json_object_set_new(json, "maxOrdersPerDay",
                        limit_render(eab->max_orders_per_day));
    json_object_set_new(json, "expires", ctl_print_time(ctl, eab->expires_at));
    json_object_set_new(
        json, "previousSecretUntil",
        ctl_print_time(ctl, eab->previous_secret && eab->previous_until > now
                                ? eab->previous_until
                                : 0));
    json_object_set_new(json, "created", ctl_print_time(ctl, eab->created_at));
    json_object_set_new(json, "updated", ctl_print_time(ctl, eab->updated_at));
    return json;
}

static void lines_print(const ctl_t *ctl, json_t *lines)
{
    const char *client;
    json_t *text;

    json_object_foreach(lines, client, text)
    {
        printf("\n# %s\n%s", client, json_string_value(text));
    }
    printf("\n# Where the machine does not trust this server yet: its root is "
           "at\n# %s%s/roots.pem;\n"
           "# certbot wants the file in REQUESTS_CA_BUNDLE, lego in "
           "LEGO_CA_CERTIFICATES,\n"
           "# acme.sh behind --ca-bundle, cert-manager in spec.acme.caBundle, "
           "mod_md behind\n"
           "# MDCACertificateFile, Caddy behind acme_ca_root.\n",
           ctl->conf->base_url, ctl->conf->path);
}

void ctl_eab_print(const ctl_t *ctl, const store_eab_t *eab, const char *secret)
{
    json_t *json = own_json(ctl->pool, ctl_eab_render(ctl, eab));
    json_t *lines = ctl_client_lines(ctl, eab, secret);

    json_object_set_new(json, "hmacKey", json_string(secret));
    json_object_set_new(json, "clients", lines);
    if (ctl->is_json) {
        ctl_print_object(ctl, json);
        return;
    }
    printf("%-16s %s\n%-16s %s\n%-16s %s\n", "directory URL",
           json_string_value(json_object_get(json, "directoryURL")), "KID",
           eab->kid, "HMAC key", secret);
    lines_print(ctl, lines);
}
