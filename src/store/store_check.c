/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <apr_strings.h>
#include <string.h>

#include "store/store_db.h"
#include "store/store_pgsql.h"

#include "base/banned.h"

/* Findings of one kind beyond this many say nothing new. */
#define FINDINGS_MAX "50"

typedef struct {
    const char *what; /* printed before the first column of each row */
    const char *sql;
    int is_sqlite; /* only there */
} check_t;

static const check_t checks[] = {
    {"damaged: ",
     "SELECT integrity_check FROM pragma_integrity_check"
     "(" FINDINGS_MAX ") WHERE integrity_check <> 'ok'",
     1},
    {"belongs to no account: ",
     "SELECT \"table\" || ' row refers to missing ' || parent "
     "FROM pragma_foreign_key_check LIMIT " FINDINGS_MAX,
     1},
    {"certificate of an order that has another one: ",
     "SELECT c.id FROM certs c JOIN orders o ON o.id = c.order_id "
     "WHERE o.cert_id IS DISTINCT FROM c.id LIMIT " FINDINGS_MAX,
     0},
    {"order whose certificate is missing: ",
     "SELECT id FROM orders WHERE cert_id IS NOT NULL AND NOT EXISTS "
     "(SELECT 1 FROM certs c WHERE c.id = cert_id) LIMIT " FINDINGS_MAX,
     0},
    {"order that is complete and failed: ",
     "SELECT id FROM orders WHERE cert_id IS NOT NULL AND error IS NOT NULL "
     "LIMIT " FINDINGS_MAX,
     0},
    {"order that was completed without a claim: ",
     "SELECT id FROM orders WHERE (cert_id IS NOT NULL OR error IS NOT NULL) "
     "AND (processing_since = 0 OR csr_sha256 IS NULL) LIMIT " FINDINGS_MAX,
     0},
    {"order that nobody works on: ",
     "SELECT id FROM orders WHERE processing_since > 0 AND cert_id IS NULL "
     "AND error IS NULL AND NOT EXISTS (SELECT 1 FROM jobs j "
     "WHERE j.subject = orders.id) LIMIT " FINDINGS_MAX,
     0},
    {"authorization that nobody validates: ",
     "SELECT id FROM authzs WHERE status = 'pending' AND attempted IS NOT NULL "
     "AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = authzs.id) "
     "LIMIT " FINDINGS_MAX,
     0},
    {"valid authorization with an error: ",
     "SELECT id FROM authzs WHERE status = 'valid' AND error IS NOT NULL "
     "LIMIT " FINDINGS_MAX,
     0},
    {"external account key that has counted its accounts wrong: ",
     "SELECT kid FROM eabs WHERE used_accounts <> (SELECT count(*) "
     "FROM accounts a WHERE a.eab_kid = kid) LIMIT " FINDINGS_MAX,
     0},
    {"event that is chained beyond the chain's end: ",
     "SELECT id FROM events WHERE id > coalesce((SELECT last_id FROM "
     "event_chain), 0) AND hash IS NOT NULL LIMIT " FINDINGS_MAX,
     0},
    {"certificate of an unknown issuer: ",
     "SELECT id FROM certs WHERE NOT EXISTS (SELECT 1 FROM issuers i "
     "WHERE i.fingerprint = issuer) LIMIT " FINDINGS_MAX,
     0},
    {"certificate without octets: ",
     "SELECT id FROM certs WHERE length(der) = 0 LIMIT " FINDINGS_MAX, 0},
    {"job without an object: ",
     "SELECT id FROM jobs WHERE kind IN ('validate', 'issue') AND NOT EXISTS "
     "(SELECT 1 FROM orders o WHERE o.id = subject) AND NOT EXISTS "
     "(SELECT 1 FROM authzs a WHERE a.id = subject) LIMIT " FINDINGS_MAX,
     0}};

typedef struct {
    apr_array_header_t *findings;
    apr_pool_t *pool;
} check_baton_t;

static void finding_add(check_baton_t *check, const char *what,
                        const char *detail)
{
    APR_ARRAY_PUSH(check->findings, const char *) =
        apr_pstrcat(check->pool, what, detail ? detail : "", NULL);
}

/* A statement that fails is a finding too: so a damaged database shows. */
static apr_status_t check_run(store_conn_t *conn, void *baton)
{
    check_baton_t *check = baton;
    store_rows_t rows;
    apr_size_t i;

    apr_array_clear(check->findings);
    if (store_pgsql_look_begin(conn) != APR_SUCCESS)
        return APR_EGENERAL;
    for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (checks[i].is_sqlite && conn->engine != STORE_SQLITE)
            continue;
        if (store_conn_text(&rows, conn, checks[i].sql, check->pool) !=
            APR_SUCCESS) {
            finding_add(check, checks[i].what, conn->why);
            return APR_SUCCESS;
        }
        while (store_rows_next(&rows))
            finding_add(check, checks[i].what, store_rows_text(&rows, 0));
    }
    return store_pgsql_look_end(conn);
}

/* The driver has words only; others than these may not last. */
static int is_damage(const char *why)
{
    return strstr(why, "not a database") || strstr(why, "malformed");
}

/* Nothing could be read: for what the file is? */
static void file_check(check_baton_t *check, const store_t *store)
{
    store_conn_t *conn = store_conn_make(store->driver);
    store_schema_e schema;
    apr_status_t rv = store_conn_open(conn, store->params);

    if (rv == APR_SUCCESS)
        rv = store_schema_look(&schema, conn, check->pool);
    if ((rv != APR_SUCCESS || schema == STORE_SCHEMA_BAD) &&
        is_damage(conn->why))
        finding_add(
            check,
            apr_pstrcat(check->pool, "damaged: ", store->params, ": ", NULL),
            conn->why);
    store_conn_close(conn);
}

apr_status_t store_check(apr_array_header_t **findings, store_t *store,
                         apr_pool_t *pool)
{
    check_baton_t check = {apr_array_make(pool, 1, sizeof(const char *)), pool};

    apr_status_t rv = store_read_with(store, check_run, &check);

    *findings = check.findings;
    if (rv == APR_SUCCESS || store->engine != STORE_SQLITE)
        return rv;
    apr_array_clear(check.findings);
    file_check(&check, store);
    return check.findings->nelts ? APR_SUCCESS : rv;
}
