/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <apr_lib.h>

#include <apr_strings.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/own.h"
#include "store/store_cert.h"

#include "base/banned.h"

/* "valid" "expired" "revoked", as an operator speaks. */
static const char *cert_status(const store_cert_t *cert)
{
    if (cert->revoked_at)
        return "revoked";
    return cert->not_after < clock_seconds(&clock_system) ? "expired" : "valid";
}

static json_t *cert_render(const ctl_t *ctl, const store_cert_t *cert)
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
    if (cert->revoked_at)
        json_object_set_new(json, "revokedReason",
                            json_integer(cert->revoked_reason));
    return json;
}

static json_t *pem_render(const store_cert_t *cert, apr_pool_t *pool)
{
    const unsigned char *at = cert->der;
    X509 *x509 = own_x509(pool, d2i_X509(NULL, &at, (long)cert->der_len));
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    char *text;
    long len;

    if (!x509 || !bio || !PEM_write_bio_X509(bio, x509))
        return json_null();
    len = BIO_get_mem_data(bio, &text);
    return json_stringn(text, (size_t)len);
}

static ctl_exit_e cert_list(ctl_t *ctl)
{
    static const char *const columns[] = {"id",       "serial",      "status",
                                          "notAfter", "identifiers", NULL};
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *certs;
    apr_status_t rv;
    int i;

    rv = store_cert_list(&certs, ctl->store, ctl_option(ctl, "account"),
                         ctl_option(ctl, "before"), ctl->limit, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "certificate", ctl_option(ctl, "before"));
    for (i = 0; i < certs->nelts; i++)
        json_array_append_new(
            list,
            cert_render(ctl, APR_ARRAY_IDX(certs, i, const store_cert_t *)));
    ctl_print_list(ctl, list, columns);
    return CTL_OK;
}

/* By id, or by the serial number as openssl prints it: colons and upper case
 * are fine. */
static ctl_exit_e cert_show(ctl_t *ctl)
{
    char *serial = apr_pstrdup(ctl->pool, ctl->id), *to = serial;
    const char *from;
    store_cert_t *cert;
    apr_status_t rv;
    json_t *json;

    for (from = ctl->id; *from; from++) {
        if (*from != ':')
            *to++ = (char)apr_tolower(*from);
    }
    *to = '\0';
    rv = store_cert_get(&cert, ctl->store, ctl->id, ctl->pool);
    if (APR_STATUS_IS_ENOENT(rv))
        rv = store_cert_get_by_serial(&cert, ctl->store, serial, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "certificate", ctl->id);
    json = own_json(ctl->pool, cert_render(ctl, cert));
    json_object_set_new(json, "pem", pem_render(cert, ctl->pool));
    ctl_print_object(ctl, json);
    return CTL_OK;
}

static const ctl_option_t list_options[] = {
    CTL_LIST_OPTIONS,
    {"account", "ID", "only what belongs to this account"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_cert_commands[] = {
    {"cert", "list", CTL_NEEDS_STORE, 0, 0, "", list_options,
     "the certificates, newest first", cert_list},
    {"cert", "show", CTL_NEEDS_STORE, 1, 1, "ID|SERIAL", NULL,
     "all about a certificate, and its PEM", cert_show},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
