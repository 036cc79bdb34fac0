/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_schema.h"

#include "base/banned.h"

/* Renewal: what replaces what (RFC 9773 5), and renewals that an operator has
 * pulled forward. */
static const char *const step_4[] = {
    /* replaces as the client wrote it, replaces_cert the certificate's id. */
    "ALTER TABLE orders ADD COLUMN replaces TEXT",
    "ALTER TABLE orders ADD COLUMN replaces_cert TEXT",
    /* The order that is to replace it, and the certificate that has. */
    "ALTER TABLE certs ADD COLUMN replacing TEXT",
    "ALTER TABLE certs ADD COLUMN replaced_by TEXT",
    "ALTER TABLE certs ADD COLUMN replaced_at INTEGER NOT NULL DEFAULT 0",

    /* begun_at 0: its rows are still being written, or that was given up.
     * last_seq: of the newest certificate that was there before. */
    "CREATE TABLE renewals ("
    "number INTEGER PRIMARY KEY NOT NULL,"
    "selection TEXT NOT NULL,"
    "window_start INTEGER NOT NULL,"
    "window_end INTEGER NOT NULL,"
    "url TEXT,"
    "who TEXT,"
    "created_at INTEGER NOT NULL,"
    "last_seq INTEGER NOT NULL,"
    "begun_at INTEGER NOT NULL,"
    "cancelled_at INTEGER NOT NULL) STRICT",
    "CREATE TABLE renewal_certs ("
    "cert_id TEXT NOT NULL REFERENCES certs (id) ON DELETE CASCADE,"
    "number INTEGER NOT NULL REFERENCES renewals (number) ON DELETE CASCADE,"
    "PRIMARY KEY (cert_id, number)) STRICT, WITHOUT ROWID",
    "CREATE INDEX renewal_certs_of ON renewal_certs (number, cert_id)", NULL};

const char *const *store_schema_4(void)
{
    return step_4;
}
