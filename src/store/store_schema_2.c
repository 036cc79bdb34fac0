/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_schema.h"

#include "store/store_event.h"

#include "base/banned.h"

/* External account keys, events, blocked public keys, authorizations of
 * profiles. */
static const char *const step_2[] = {
    /* Kids are random; number is their age. */
    "CREATE TABLE eabs ("
    "number INTEGER PRIMARY KEY NOT NULL,"
    "kid TEXT NOT NULL UNIQUE,"
    "realm TEXT NOT NULL,"
    "profile TEXT NOT NULL,"
    "name TEXT NOT NULL,"
    "secret TEXT NOT NULL,"
    "previous_secret TEXT,"
    "previous_until INTEGER NOT NULL,"
    "allow TEXT,"
    "sources TEXT,"
    "expires_at INTEGER NOT NULL,"
    "max_accounts INTEGER NOT NULL,"
    "used_accounts INTEGER NOT NULL,"
    "max_orders_per_day INTEGER NOT NULL,"
    "orders_day INTEGER NOT NULL,"
    "orders_count INTEGER NOT NULL,"
    "skip_validation INTEGER NOT NULL,"
    "status TEXT NOT NULL"
    " CHECK (status IN ('valid','suspended','revoked')),"
    "owner TEXT,"
    "comment TEXT,"
    "created_at INTEGER NOT NULL,"
    "updated_at INTEGER NOT NULL) STRICT",

    "ALTER TABLE accounts ADD COLUMN eab_kid TEXT REFERENCES eabs (kid)",
    "CREATE INDEX accounts_of_eab ON accounts (eab_kid, seq) "
    "WHERE eab_kid IS NOT NULL",

    /* What is demanded of names is a profile's matter. */
    "ALTER TABLE authzs ADD COLUMN profile TEXT",

    /* Nothing refers to events and they to nothing: they outlive all.  Their
     * only index is the order they happened in. */
    "CREATE TABLE events ("
    "id INTEGER PRIMARY KEY NOT NULL,"
    "at INTEGER NOT NULL,"
    "kind TEXT NOT NULL,"
    "account_id TEXT,"
    "order_id TEXT,"
    "authz_id TEXT,"
    "cert_id TEXT,"
    "eab_kid TEXT,"
    "who TEXT,"
    "ip TEXT,"
    "detail TEXT,"
    "hash TEXT) STRICT",
    /* STORE_EVENT_WAITING and on, until they are chained. */
    STORE_SQL_PGSQL(
        "ALTER TABLE events ALTER COLUMN id RESTART WITH 4611686018427387905"),
    /* One row: how far the chain has come, and where it begins (what is not
     * later than cut_id has been cut off). */
    "CREATE TABLE event_chain ("
    "id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),"
    "cut_id INTEGER NOT NULL,"
    "cut_hash TEXT NOT NULL,"
    "last_id INTEGER NOT NULL,"
    "last_hash TEXT NOT NULL) STRICT",
    "INSERT INTO event_chain VALUES "
    "(1, 0, '" STORE_HASH_FIRST "', 0, '" STORE_HASH_FIRST "')",

    "CREATE TABLE blocked ("
    "spki_sha256 TEXT PRIMARY KEY NOT NULL,"
    "reason TEXT NOT NULL,"
    "at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    NULL};

const char *const *store_schema_2(void)
{
    return step_2;
}
