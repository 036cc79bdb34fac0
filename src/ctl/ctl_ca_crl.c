/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_ca.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "ca/ca_auto.h"

#include "base/banned.h"

#define PEM ".pem"

/* Reasons of a CA's certificate (RFC 5280 5.3.1). */
static const struct {
    int reason;
    const char *name;
} reasons[] = {{2, "cACompromise"},
               {3, "affiliationChanged"},
               {4, "superseded"},
               {5, "cessationOfOperation"},
               {9, "privilegeWithdrawn"}};
#define REASONS (sizeof(reasons) / sizeof(*reasons))

static ctl_exit_e reason_take(int *reason, const ctl_t *ctl)
{
    const char *text = ctl_option(ctl, "reason");
    apr_size_t i;

    *reason = -1;
    for (i = 0; text && i < REASONS; i++)
        if (!strcasecmp(text, reasons[i].name))
            *reason = reasons[i].reason;
    if (!text || *reason >= 0)
        return CTL_OK;
    ctl_print_error("--reason %s: it is none of cACompromise, "
                    "affiliationChanged, superseded, cessationOfOperation, "
                    "privilegeWithdrawn",
                    text);
    return CTL_USAGE;
}

/* What is beside the certificate: root.pem, root.key, root.crl. */
static const char *beside(const char *cert_file, const char *suffix,
                          apr_pool_t *pool)
{
    apr_size_t len = strlen(cert_file), cut = strlen(PEM);

    if (len > cut && !strcmp(cert_file + len - cut, PEM))
        len -= cut;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, cert_file, len), suffix,
                       NULL);
}

static ctl_exit_e files_find(ca_tool_list_t *wish, ctl_t *ctl)
{
    const char *dir = ctl_option(ctl, "dir");
    ctl_exit_e code;

    wish->cert_file = ctl_option(ctl, "certificate");
    if (wish->cert_file && dir)
        return ctl_command_usage("choose one of ", "--dir, --certificate");
    if (!wish->cert_file && !dir) {
        code = ctl_conf_load(ctl);
        if (code != CTL_OK)
            return code;
        dir = apr_pstrcat(ctl->pool, ctl->conf->state_dir, "/ca", NULL);
    }
    if (!wish->cert_file)
        wish->cert_file = apr_pstrcat(ctl->pool, dir, "/", CA_AUTO_ROOT, NULL);
    wish->key_file = ctl_option(ctl, "key");
    if (!wish->key_file)
        wish->key_file = beside(wish->cert_file, ".key", ctl->pool);
    wish->list_file = beside(wish->cert_file, ".crl", ctl->pool);
    return CTL_OK;
}

static ctl_exit_e wish_read(ca_tool_list_t *wish, ctl_t *ctl, apr_int64_t now)
{
    ctl_exit_e code = reason_take(&wish->reason, ctl);

    wish->revoked = ctl_option_all(ctl, "revoke");
    wish->next_update = now + CA_LIST_LIFE;
    if (code == CTL_OK && wish->reason >= 0 && !wish->revoked->nelts)
        return ctl_command_usage("--reason wants ", "--revoke CERT");
    if (code == CTL_OK)
        code = ctl_option_time(&wish->next_update, ctl, "next-update", now);
    return code == CTL_OK ? files_find(wish, ctl) : code;
}

ctl_exit_e ctl_ca_crl(ctl_t *ctl)
{
    apr_int64_t now = clock_seconds(&clock_system);
    ca_tool_list_t wish = {0};
    ca_list_t *list;
    problem_t *prob;
    json_t *json;
    ctl_exit_e code = wish_read(&wish, ctl, now);

    if (code != CTL_OK)
        return code;
    prob = ca_tool_list(&list, &wish, now, ctl->pool);
    if (prob)
        return ctl_ca_problem(prob);
    json = own_json(
        ctl->pool,
        json_pack("{s:o, s:s, s:I, s:i, s:o, s:o}", "list",
                  ctl_ca_path(ctl, wish.list_file), "fingerprint",
                  list->fingerprint, "number", (json_int_t)list->number,
                  "entries", list->revoked->nelts, "thisUpdate",
                  ctl_print_time(ctl, list->this_update), "nextUpdate",
                  ctl_print_time(ctl, list->next_update)));
    ctl_ca_audit(ctl, "ca.crl", json);
    ctl_print_object(ctl, json);
    if (!ctl->is_json)
        printf("\nThe server publishes it from its next reload on, if it is "
               "root.crl in an\nissuer's directory: apachectl graceful.\n");
    return CTL_OK;
}

const ctl_option_t ctl_ca_crl_options[] = {
    {"dir", "DIR",
     "where root.pem, root.key and root.crl are [the automatic CA's]"},
    {"certificate", "FILE",
     "of another CA instead; key and list are beside it: CA.pem, CA.key, "
     "CA.crl"},
    {"key", "FILE", "its key, when it is elsewhere"},
    {"revoke", "CERT", "an intermediate's certificate, PEM; again for more"},
    {"reason", "REASON",
     "cACompromise, affiliationChanged, superseded, cessationOfOperation,\n"
     "privilegeWithdrawn [none]"},
    {"next-update", "SPAN", "how long it is good, until the CA's end [1y]"},
    {NULL, NULL, NULL}};
