/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_BACK_H
#define STORE_BACK_H

/* Making a database what it was at a version before, for test_store*.c that
 * migrate it. */

#include "store_help.h"

/* Run this on a connection of its own. */
static inline void help_sql(help_t *help, const char *text)
{
    engine_sql(&help->conf, text, help->pool);
}

/* Make the database what it was at this version, 2 or later. */
static inline void help_back(help_t *help, int version)
{
    static const struct {
        int step;
        const char *text;
    } undo[] = {{7, "ALTER TABLE accounts DROP COLUMN prints"},
                {5, "DROP INDEX authzs_valid"},
                {5, "DROP INDEX authzs_pending"},
                {5, "CREATE INDEX authzs_of_account ON authzs (account_id, "
                    "status, value, type, wildcard, expires_at)"},
                {5, "ALTER TABLE authzs DROP COLUMN subdomains"},
                {5, "ALTER TABLE authzs DROP COLUMN order_id"},
                {5, "DROP INDEX orders_open"},
                {5, "ALTER TABLE orders DROP COLUMN is_lost"},
                {4, "DROP TABLE renewal_certs"},
                {4, "DROP TABLE renewals"},
                {4, "ALTER TABLE certs DROP COLUMN replaced_at"},
                {4, "ALTER TABLE certs DROP COLUMN replaced_by"},
                {4, "ALTER TABLE certs DROP COLUMN replacing"},
                {4, "ALTER TABLE orders DROP COLUMN replaces_cert"},
                {4, "ALTER TABLE orders DROP COLUMN replaces"},
                {3, "DROP TABLE crls"},
                {3, "DROP TABLE crl_revisions"},
                {3, "DROP INDEX certs_revoked"}};
    size_t i;

    for (i = 0; i < sizeof(undo) / sizeof(undo[0]); i++)
        if (undo[i].step > version)
            help_sql(help, undo[i].text);
    help_sql(help, apr_psprintf(help->pool,
                                engine_is_pgsql()
                                    ? "UPDATE acme_schema SET version = %d"
                                    : "PRAGMA user_version = %d",
                                version));
}

#endif
