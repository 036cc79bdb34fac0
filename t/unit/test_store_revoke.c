/* SPDX-License-Identifier: Apache-2.0 */
#include "store_help.h"

#include <string.h>

#include "store/store_crl.h"
#include "store/store_revoke.c"

/* Certificate c of account a, and how it is to be revoked. */
typedef struct {
    help_t *help;
    store_revoke_t revoke;
    store_blocked_t blocked;
    apr_array_header_t *events;
} bed_t;

static bed_t *bed_make(apr_pool_t *pool)
{
    bed_t *bed = apr_pcalloc(pool, sizeof(*bed));
    store_revoke_t *revoke = &bed->revoke;

    bed->help = help_make(pool);
    is_int(help_add(bed->help, "a"), APR_SUCCESS);
    revoke->cert = help_cert("c", "a", "o", pool);
    is_int(store_cert_add(bed->help->store, revoke->cert, NULL, pool),
           APR_SUCCESS);
    revoke->at = 2000;
    revoke->reason = 4;
    revoke->job = help_job("j", "crl", NULL, pool);
    revoke->event = help_event("cert.revoke", pool);
    return bed;
}

/* The key of account b is found to be compromised. */
static void compromise(bed_t *bed, apr_pool_t *pool)
{
    bed->blocked.spki_sha256 = "spki";
    bed->blocked.reason = "it is known to all";
    bed->blocked.at = 2000;
    bed->revoke.reason = 1;
    bed->revoke.blocked = &bed->blocked;
    bed->revoke.thumbprint = "thumb-b";
    bed->revoke.block_event = help_event("key.block", pool);
    bed->revoke.account_event = help_event("account.revoke", pool);
}

static apr_status_t revoke_it(bed_t *bed, apr_pool_t *pool)
{
    return store_cert_revoke(&bed->events, bed->help->store, &bed->revoke,
                             pool);
}

static const store_cert_t *cert(bed_t *bed, apr_pool_t *pool)
{
    store_cert_t *got;

    is_int(store_cert_get(&got, bed->help->store, "c", pool), APR_SUCCESS);
    return got;
}

/* How often the issuer's list has been due. */
static int revision(bed_t *bed, apr_pool_t *pool)
{
    store_crl_basis_t basis = {0};

    is_int(store_crl_look(&basis, bed->help->store, "issuer", pool),
           APR_SUCCESS);
    return (int)basis.revision;
}

static const char *event_kind(const bed_t *bed, int i)
{
    return i < bed->events->nelts
               ? APR_ARRAY_IDX(bed->events, i, const store_event_t *)->kind
               : "";
}

static void is_once(apr_pool_t *pool)
{
    bed_t *bed = bed_make(pool);
    store_blocked_t *blocked;

    is_int(revoke_it(bed, pool), APR_SUCCESS);
    is_int(bed->events->nelts, 1);
    is_str(event_kind(bed, 0), "cert.revoke");
    is_int(revision(bed, pool), 1);
    is_int(cert(bed, pool)->revoked_at, 2000);
    is_int(cert(bed, pool)->revoked_reason, 4);
    bed->revoke.at = 2001;
    bed->revoke.reason = 5;
    is_int(revoke_it(bed, pool), APR_EEXIST);
    is_int(bed->events->nelts, 0);
    is_int(revision(bed, pool), 1);
    is_int(cert(bed, pool)->revoked_at, 2000);
    is_int(cert(bed, pool)->revoked_reason, 4);
    is_int(store_blocked_get(&blocked, bed->help->store, "spki", pool),
           APR_ENOENT);
}

static void no_reason(apr_pool_t *pool)
{
    bed_t *bed = bed_make(pool);

    bed->revoke.reason = -1;
    is_int(revoke_it(bed, pool), APR_SUCCESS);
    is_int(cert(bed, pool)->revoked_reason, -1);
}

static void bad_key(apr_pool_t *pool)
{
    bed_t *bed = bed_make(pool);
    store_blocked_t *blocked;
    store_account_t *account;

    is_int(help_add(bed->help, "b"), APR_SUCCESS);
    compromise(bed, pool);
    is_int(revoke_it(bed, pool), APR_SUCCESS);
    is_int(bed->events->nelts, 3);
    is_str(event_kind(bed, 0), "cert.revoke");
    is_str(event_kind(bed, 1), "key.block");
    is_str(event_kind(bed, 2), "account.revoke");
    is_str(APR_ARRAY_IDX(bed->events, 2, store_event_t *)->account_id, "b");
    is_int(store_blocked_get(&blocked, bed->help->store, "spki", pool),
           APR_SUCCESS);
    is_str(blocked->reason, "it is known to all");
    is_int(store_account_get(&account, bed->help->store, "b", pool),
           APR_SUCCESS);
    is_str(account->status, "revoked");
    is_int(store_account_get(&account, bed->help->store, "a", pool),
           APR_SUCCESS);
    is_str(account->status, "valid");
    is_int(revoke_it(bed, pool), APR_EEXIST);
    is_int(bed->events->nelts, 0);
}

/* Too late to revoke, but not to learn that the key is bad. */
static void bad_key_later(apr_pool_t *pool)
{
    bed_t *bed = bed_make(pool);
    store_blocked_t *blocked;

    is_int(revoke_it(bed, pool), APR_SUCCESS);
    compromise(bed, pool);
    bed->revoke.at = 3000;
    is_int(revoke_it(bed, pool), APR_EEXIST);
    is_int(bed->events->nelts, 2);
    is_int(cert(bed, pool)->revoked_at, 2000);
    is_int(cert(bed, pool)->revoked_reason, 1);
    is_int(revision(bed, pool), 2);
    is_int(store_blocked_get(&blocked, bed->help->store, "spki", pool),
           APR_SUCCESS);
}

static void nobody(apr_pool_t *pool)
{
    bed_t *bed = bed_make(pool);

    bed->revoke.cert = help_cert("x", "a", "o", pool);
    is_int(revoke_it(bed, pool), APR_EEXIST);
    is_int(bed->events->nelts, 0);
}

static void plans(apr_pool_t *pool)
{
    help_t *help = help_make(pool);

    help_plan_ok(help, &sql_revoke);
    help_plan_ok(help, &sql_compromise);
    help_plan_ok(help, &sql_accounts);
    help_plan_ok(help, &sql_account_revoke);
}

const tap_case_t tap_cases[] = {
    {"T74: a certificate is revoked once", is_once},
    {"T75: without a reason", no_reason},
    {"T75: a key is blocked, accounts that have it are revoked", bad_key},
    {"T75: also where the certificate was revoked before", bad_key_later},
    {"what is not there is not revoked", nobody},
    {"no statement scans or sorts", plans},
    {NULL, NULL}};
