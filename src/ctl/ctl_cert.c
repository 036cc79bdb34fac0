/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_cert.h"

#include "acme/acme_revocation.h"
#include "acme/acme_window.h"
#include "base/clock.h"
#include "base/own.h"
#include "ca/ca_issuer.h"

#include "base/banned.h"

/* "valid" "expired" "revoked", as an operator speaks. */
static const char *cert_status(const store_cert_t *cert)
{
    if (cert->revoked_at)
        return "revoked";
    return cert->not_after < clock_seconds(&clock_system) ? "expired" : "valid";
}

json_t *ctl_cert_render(const ctl_t *ctl, const store_cert_t *cert)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "id", cert->id, "serial",
        cert->serial, "status", cert_status(cert), "identifiers",
        cert->identifiers, "notBefore", ctl_print_time(ctl, cert->not_before),
        "notAfter", ctl_print_time(ctl, cert->not_after), "issued",
        ctl_print_time(ctl, cert->issued_at));

    json_object_set_new(json, "account",
                        cert->account_id ? json_string(cert->account_id)
                                         : json_null());
    json_object_set_new(json, "order",
                        cert->order_id ? json_string(cert->order_id)
                                       : json_null());
    json_object_set_new(json, "realm", json_string(cert->realm));
    json_object_set_new(json, "directory", json_string(cert->directory));
    json_object_set_new(json, "profile", json_string(cert->profile));
    json_object_set_new(json, "issuer", json_string(cert->issuer));
    json_object_set_new(json, "spkiSHA256", json_string(cert->spki_sha256));
    json_object_set_new(json, "revoked", ctl_print_time(ctl, cert->revoked_at));
    json_object_set_new(
        json, "revokedReason",
        ctl_print_text(cert->revoked_at
                           ? acme_revocation_reason_name(cert->revoked_reason)
                           : NULL));
    json_object_set_new(json, "replaced",
                        ctl_print_time(ctl, cert->replaced_at));
    json_object_set_new(json, "replacedBy", ctl_print_text(cert->replaced_by));
    return json;
}

static json_t *pem_render(const store_cert_t *cert, apr_pool_t *pool)
{
    const unsigned char *at = cert->der;
    X509 *x509 = own_x509(pool, d2i_X509(NULL, &at, (long)cert->der_len));

    return ctl_print_text(x509 ? ca_cert_pem(x509, pool) : NULL);
}

static ctl_exit_e cert_list(ctl_t *ctl)
{
    static const char *const columns[] = {"id",       "serial",      "status",
                                          "notAfter", "identifiers", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *certs;
    ctl_cert_filter_t filter;
    ctl_exit_e code = ctl_cert_filter(&filter, ctl);
    int i;

    filter.is_revoked = ctl_option(ctl, "revoked") != NULL;
    filter.limit = ctl->limit;
    if (code == CTL_OK)
        code = ctl_cert_find(&certs, ctl, &filter);
    if (code != CTL_OK)
        return code;
    for (i = 0; i < certs->nelts; i++)
        json_array_append_new(
            list, ctl_cert_render(
                      ctl, APR_ARRAY_IDX(certs, i, const store_cert_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

/* What its client is told by renewal information. */
static ctl_exit_e window_add(json_t *json, const ctl_t *ctl,
                             const store_cert_t *cert)
{
    store_renewal_t *forward;
    acme_window_t window;
    apr_status_t rv =
        store_renewal_of_cert(&forward, ctl->store, cert->id, ctl->pool);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return ctl_print_status(rv, "renewal", cert->id);
    window = acme_window_of(cert, forward);
    json_object_set_new(json, "renewFrom", ctl_print_time(ctl, window.start));
    json_object_set_new(json, "renewUntil", ctl_print_time(ctl, window.end));
    json_object_set_new(json, "explanationURL", ctl_print_text(window.url));
    return CTL_OK;
}

static ctl_exit_e cert_show(ctl_t *ctl)
{
    store_cert_t *cert;
    ctl_exit_e code = ctl_cert_get(&cert, ctl, ctl->id);
    json_t *json;

    if (code != CTL_OK)
        return code;
    json = own_json(ctl->pool, ctl_cert_render(ctl, cert));
    code = window_add(json, ctl, cert);
    if (code != CTL_OK)
        return code;
    json_object_set_new(json, "pem", pem_render(cert, ctl->pool));
    ctl_print_object(ctl, json);
    return CTL_OK;
}

static const ctl_option_t list_options[] = {
    CTL_LIST_OPTIONS,
    CTL_CERT_OPTIONS,
    {"revoked", NULL, "only what is revoked"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_cert_commands[] = {
    {"cert", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "the certificates, newest first", cert_list},
    {"cert", "show", CTL_NEEDS_STORE, 1, 1, "ID|SERIAL", NULL,
     "all about a certificate, and its PEM", cert_show},
    {"cert", "revoke", CTL_NEEDS_STORE, 0, 1, "[ID|SERIAL]", ctl_revoke_options,
     "for good: this certificate, or all that are meant and valid now\n"
     "While httpd runs the list of revoked certificates is made anew within a\n"
     "quarter of a minute.  keyCompromise also blocks the public keys for "
     "ever,\n"
     "for certificates and accounts, and revokes accounts that have them; "
     "other\n"
     "certificates with such a key stay valid (--spki finds them).",
     ctl_revoke},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
