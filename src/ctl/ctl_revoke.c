/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_cert.h"

#include <stdio.h>

#include "acme/acme_revocation.h"
#include "base/clock.h"
#include "base/own.h"
#include "store/store_account.h"

#include "base/banned.h"

const ctl_option_t ctl_revoke_options[] = {
    CTL_CERT_OPTIONS,
    {"reason", "REASON",
     "unspecified, keyCompromise, affiliationChanged, superseded,\n"
     "cessationOfOperation, privilegeWithdrawn, or its number [none]"},
    {"dry-run", NULL, "change nothing, and show what would be revoked"},
    {NULL, NULL, NULL},
};

static ctl_exit_e reason_take(int *reason, const ctl_t *ctl)
{
    const char *text = ctl_option(ctl, "reason");

    *reason = ACME_REASON_NONE;
    if (!text || acme_revocation_reason_find(reason, text))
        return CTL_OK;
    ctl_print_error("--reason %s: it is none of %s", text,
                    acme_revocation_reasons(0, ctl->pool));
    return CTL_USAGE;
}

/* One that is named, whatever its state. */
static ctl_exit_e named_take(apr_array_header_t **certs, const ctl_t *ctl,
                             int reason)
{
    store_cert_t *cert;
    ctl_exit_e code = ctl_cert_get(&cert, ctl, ctl->id);

    if (code != CTL_OK)
        return code;
    *certs = apr_array_make(ctl->pool, 1, sizeof(store_cert_t *));
    APR_ARRAY_PUSH(*certs, store_cert_t *) = cert;
    /* Its key may have to be blocked all the same. */
    if (!cert->revoked_at || reason == ACME_REASON_KEY_COMPROMISE)
        return CTL_OK;
    ctl_print_error("%s: it is revoked already, since %s", ctl->id,
                    clock_rfc3339(cert->revoked_at, ctl->pool));
    return CTL_FINDINGS;
}

/* All that are good for something. */
static ctl_exit_e filter_take(apr_array_header_t **certs, const ctl_t *ctl)
{
    ctl_cert_filter_t filter;
    ctl_exit_e code = ctl_cert_filter(&filter, ctl);

    if (code != CTL_OK)
        return code;
    filter.now = clock_seconds(&clock_system);
    code = ctl_cert_find(certs, ctl, &filter);
    if (code != CTL_OK || (*certs)->nelts)
        return code;
    ctl_print_error("nothing to revoke: no certificate that is valid now is "
                    "meant");
    return CTL_NOTFOUND;
}

static ctl_exit_e targets_take(apr_array_header_t **certs, const ctl_t *ctl,
                               int reason)
{
    static const char *const filters[] = {"account", "eab", "spki", "name"};
    int is_filter = 0, given;
    apr_size_t i;

    for (i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        given = ctl_option_all(ctl, filters[i])->nelts;
        if (given > 1) /* who gave two wants both, and would have one */
            return ctl_command_usage("given more than once: --", filters[i]);
        is_filter |= given;
    }
    if (ctl->id && is_filter)
        return ctl_command_usage(
            "name a certificate, or choose them by --account, --eab, --spki, "
            "--name, but not both: ",
            ctl->id);
    if (!ctl->id && !is_filter)
        return ctl_command_usage(
            "wanted: ", "ID|SERIAL, or --account, --eab, --spki, --name");
    return ctl->id ? named_take(certs, ctl, reason) : filter_take(certs, ctl);
}

/* Who has made the account that has it is worth knowing. */
static store_event_t *event_make(const ctl_t *ctl, const store_cert_t *cert)
{
    store_event_t *event = ctl_event(ctl, "cert.revoke", NULL);
    store_account_t *account;

    if (cert->account_id &&
        store_account_get(&account, ctl->store, cert->account_id, ctl->pool) ==
            APR_SUCCESS)
        event->eab_kid = account->eab_kid;
    return event;
}

/* APR_EEXIST: somebody else was quicker, or it was revoked before. */
static apr_status_t one_revoke(const ctl_t *ctl, const store_cert_t *cert,
                               int reason)
{
    acme_revocation_t revocation = {
        .cert = cert,
        .reason = reason,
        .is_bad = reason == ACME_REASON_KEY_COMPROMISE,
        .by = "operator",
        .base = event_make(ctl, cert),
    };
    apr_array_header_t *events;
    apr_status_t rv = store_cert_revoke(
        &events, ctl->store, acme_revocation_make(&revocation, ctl->pool),
        ctl->pool);
    int i;

    for (i = 0; i < events->nelts; i++)
        ctl_event_tell(ctl, APR_ARRAY_IDX(events, i, const store_event_t *));
    return rv;
}

/* As they are now. */
static void certs_print(const ctl_t *ctl, const apr_array_header_t *certs,
                        int count)
{
    static const char *const columns[] = {"id",       "serial",      "status",
                                          "notAfter", "identifiers", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    store_cert_t *now;
    int i;

    for (i = 0; i < count; i++) {
        const store_cert_t *cert = APR_ARRAY_IDX(certs, i, store_cert_t *);

        if (store_cert_get(&now, ctl->store, cert->id, ctl->pool) ==
            APR_SUCCESS)
            cert = now;
        json_array_append_new(list, ctl_cert_render(ctl, cert));
    }
    ctl_print_rows(ctl, list, columns);
}

static ctl_exit_e all_revoke(const ctl_t *ctl, const apr_array_header_t *certs,
                             int reason)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < certs->nelts; i++) {
        rv = one_revoke(ctl, APR_ARRAY_IDX(certs, i, store_cert_t *), reason);
        if (rv != APR_SUCCESS && !APR_STATUS_IS_EEXIST(rv))
            break;
        rv = APR_SUCCESS;
    }
    certs_print(ctl, certs, i);
    if (rv != APR_SUCCESS)
        ctl_print_error("%d of %d certificates are revoked, the others not", i,
                        certs->nelts);
    return ctl_print_status(rv, "certificate", "");
}

/* A virtual host's own certificate has no account. */
static void own_tell(const apr_array_header_t *certs, int reason)
{
    int i;

    for (i = 0; i < certs->nelts; i++)
        if (!APR_ARRAY_IDX(certs, i, store_cert_t *)->order_id)
            fprintf(stderr,
                    "%s is this server's own; it gets another one soon%s\n",
                    APR_ARRAY_IDX(certs, i, store_cert_t *)->id,
                    reason == ACME_REASON_KEY_COMPROMISE
                        ? ", for the same key: remove vhost-*.key and "
                          "vhost-*.pem in ACMEStateDir/ca, and restart httpd"
                        : "");
}

ctl_exit_e ctl_revoke(ctl_t *ctl)
{
    apr_array_header_t *certs;
    int reason;
    ctl_exit_e code = reason_take(&reason, ctl);

    if (code == CTL_OK)
        code = targets_take(&certs, ctl, reason);
    if (code != CTL_OK)
        return code;
    own_tell(certs, reason);
    if (!ctl_option(ctl, "dry-run"))
        return all_revoke(ctl, certs, reason);
    certs_print(ctl, certs, certs->nelts);
    fprintf(stderr, "Nothing was changed; %d would be revoked.\n",
            certs->nelts);
    return CTL_OK;
}
