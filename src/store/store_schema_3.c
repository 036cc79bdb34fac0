/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_schema.h"

#include "base/banned.h"

/* Lists of revoked certificates. */
static const char *const step_3[] = {
    /* Like certificates, larger than what a page of a clustered table holds.
     * revision: the one that it was made of. */
    "CREATE TABLE crls ("
    "issuer TEXT PRIMARY KEY NOT NULL,"
    "number INTEGER NOT NULL,"
    "this_update INTEGER NOT NULL,"
    "next_update INTEGER NOT NULL,"
    "revision INTEGER NOT NULL,"
    "entries INTEGER NOT NULL,"
    "der BLOB NOT NULL) STRICT",
    /* How often something of an issuer's was revoked, whatever became of the
     * certificates. */
    "CREATE TABLE crl_revisions ("
    "issuer TEXT PRIMARY KEY NOT NULL,"
    "revision INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX certs_revoked ON certs (issuer) WHERE revoked_at > 0", NULL};

const char *const *store_schema_3(void)
{
    return step_3;
}
