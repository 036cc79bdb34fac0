/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdio.h>

#include "acme/acme_work.h"
#include "base/clock.h"
#include "base/own.h"
#include "ctl/ctl_copy.h"

#include "base/banned.h"

static ctl_exit_e db_check(ctl_t *ctl)
{
    json_t *list = own_json(ctl->pool, json_array());
    apr_array_header_t *findings;
    apr_status_t rv;
    int i;

    rv = store_check(&findings, ctl->store, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "check", "");
    for (i = 0; i < findings->nelts; i++) {
        const char *finding = APR_ARRAY_IDX(findings, i, const char *);

        json_array_append_new(list, json_string(finding));
        if (!ctl->is_json)
            printf("%s\n", finding);
    }
    if (ctl->is_json)
        ctl_print_list(ctl, list, NULL);
    else if (findings->nelts == 0)
        printf("%s: all is well\n",
               store_conf_name(&ctl->conf->store, ctl->pool));
    return findings->nelts ? CTL_FINDINGS : CTL_OK;
}

static ctl_exit_e db_migrate(ctl_t *ctl)
{
    json_t *json = own_json(ctl->pool, json_object());
    ctl_exit_e code;
    apr_status_t rv;
    int had, has;

    ctl->may_migrate = 1;
    code = ctl_store_open(ctl, 0);
    if (code != CTL_OK)
        return code;
    rv = store_migrate(&had, &has, ctl->store);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "migrate", "");
    json_object_set_new(
        json, "database",
        json_string(store_conf_name(&ctl->conf->store, ctl->pool)));
    json_object_set_new(json, "schemaBefore", json_integer(had));
    json_object_set_new(json, "schema", json_integer(has));
    ctl_print_object(ctl, json);
    return CTL_OK;
}

static ctl_exit_e db_prune(ctl_t *ctl)
{
    json_t *json = own_json(ctl->pool, json_object());
    store_prune_t prune = {.who = ctl->who};
    store_pruned_t pruned;
    apr_status_t rv;

    acme_work_prune_limits(&prune, ctl->conf, clock_seconds(&clock_system));
    prune.is_dry = ctl_option(ctl, "dry-run") != NULL;
    rv = store_prune(&pruned, ctl->store, &prune, ctl->pool);
    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "prune", "");
    json_object_set_new(json, "orders", json_integer(pruned.orders));
    json_object_set_new(json, "authorizations", json_integer(pruned.authzs));
    json_object_set_new(json, "certificates", json_integer(pruned.certs));
    json_object_set_new(json, "renewals", json_integer(pruned.renewals));
    json_object_set_new(json, "jobs", json_integer(pruned.jobs));
    json_object_set_new(json, "events", json_integer(pruned.events));
    json_object_set_new(json, "dryRun", json_boolean(prune.is_dry));
    ctl_print_object(ctl, json);
    return CTL_OK;
}

static const ctl_option_t prune_options[] = {
    {"dry-run", NULL, "only say what would go"},
    {NULL, NULL, NULL},
};

static const ctl_option_t backup_options[] = {
    {"without-database", NULL,
     "keys and configuration only: PostgreSQL has pg_dump"},
    {NULL, NULL, NULL},
};

static const ctl_option_t restore_options[] = {
    {"without-database", NULL,
     "of a backup that was made so: pg_restore has been run before"},
    {"despite-findings", NULL,
     "put it back although keys, secrets or audit trail do not hold"},
    {NULL, NULL, NULL},
};

const ctl_command_t ctl_db_commands[] = {
    {"db", "check", CTL_NEEDS_STORE, 0, 0, "", NULL,
     "look the database over; exit code 4 when something is wrong", db_check},
    {"db", "migrate", CTL_NEEDS_CONF, 0, 0, "", NULL,
     "bring the database to this version's schema now\n"
     "The server does that by itself when it is started, no other command "
     "does. A\nserver of an older version that still runs does not go on with "
     "a newer schema.",
     db_migrate},
    {"db", "prune", CTL_NEEDS_STORE, 0, 0, "", prune_options,
     "remove now what is over, as the server does it now and then\n"
     "Orders and authorizations that expired longer ago than ACMERetention; "
     "an\norder stays as long as its certificate. Certificates that ended a "
     "year ago.\nEvents of the audit trail a year after they happened, but "
     "none that is\nyounger than an order or a certificate that stays; an "
     "event tells of the cut.",
     db_prune},
    {"db", "backup", CTL_NEEDS_CONF, 1, 1, "DIR", backup_options,
     "copy database, keys and configuration to a new directory\n"
     "While the server runs: the database as it is at one moment, everything "
     "in\nACMEStateDir, the files of all issuers, and the resolved "
     "configuration. DIR\nholds private keys then; its manifest has owners, "
     "modes and digests.\nWith PostgreSQL run pg_dump first, then this "
     "--without-database.",
     ctl_backup},
    {"db", "restore", CTL_NEEDS_CONF, 1, 1, "DIR", restore_options,
     "put back what a backup holds; exit code 4 when it must not\n"
     "First everything is checked: digests, that each CA key fits its "
     "certificate,\nthat all secrets of external account keys can be opened, "
     "the audit trail. A\ndatabase that is there, and files that are there and "
     "not the same, are in the\nway: nothing is overwritten. --config "
     "DIR/config.json where httpd has no\nconfiguration yet.",
     ctl_restore},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
