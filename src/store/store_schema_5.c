/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_schema.h"

#include "base/banned.h"

/* What waits is counted, and authorizations may be for subdomains. */
static const char *const step_5[] = {
    /* is_lost: an authorization that was made with it failed.  Only the limit
     * of what waits looks at it; the order's status is computed. */
    "ALTER TABLE orders ADD COLUMN is_lost INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX orders_open ON orders "
    "(account_id, expires_at, processing_since, error, is_lost) "
    "WHERE processing_since = 0 AND error IS NULL AND is_lost = 0",

    /* order_id: with which it was made; NULL: with none. */
    "ALTER TABLE authzs ADD COLUMN order_id TEXT",
    "ALTER TABLE authzs ADD COLUMN subdomains INTEGER NOT NULL DEFAULT 0",
    /* What is neither pending nor valid is in no index.  The columns of a
     * condition are in its index since SQLite looks at them again. */
    "DROP INDEX authzs_of_account",
    "CREATE INDEX authzs_pending ON authzs (account_id, expires_at, status) "
    "WHERE status = 'pending'",
    "CREATE INDEX authzs_valid ON authzs "
    "(account_id, value, type, wildcard, expires_at) WHERE status = 'valid'",
    NULL};

const char *const *store_schema_5(void)
{
    return step_5;
}
