/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_verify.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "acme/acme_eab_secret.h"
#include "ca/ca_file.h"
#include "ctl/ctl_apart.h"
#include "store/store_eab.h"

#include "base/banned.h"

#define PAGE 200

static ctl_exit_e found(const problem_t *prob)
{
    ctl_print_problem(prob);
    return CTL_FINDINGS;
}

ctl_exit_e ctl_verify_key(const char *path, apr_pool_t *pool)
{
    size_t len = strlen(path);
    apr_array_header_t *certs;
    const char *cert;
    EVP_PKEY *key;
    problem_t *prob;

    if (len < 4 || strcmp(path + len - 4, ".key") != 0)
        return CTL_OK;
    cert = apr_pstrcat(pool, apr_pstrmemdup(pool, path, len - 4), ".pem", NULL);
    if (!ca_file_exists(cert))
        return CTL_OK;
    prob = ca_file_key_read(&key, path, pool);
    if (!prob)
        prob = ca_file_certs_read(&certs, cert, pool);
    if (prob)
        return found(prob);
    if (X509_check_private_key(APR_ARRAY_IDX(certs, 0, X509 *), key) == 1)
        return CTL_OK;
    ctl_print_error("%s: is not the key of %s", path, cert);
    return CTL_FINDINGS;
}

static ctl_exit_e secret_check(const ctl_verify_t *verify, const char *kid,
                               const char *sealed, apr_pool_t *pool)
{
    const char *secret;
    problem_t *prob;

    if (!sealed)
        return CTL_OK;
    if (!verify->eab_keys) {
        ctl_print_error("the secret of external account key %s: there is no "
                        "key file, %s, that could open it",
                        kid, verify->eab_key_file);
        return CTL_FINDINGS;
    }
    prob = acme_eab_secret_open(&secret, verify->eab_keys, kid, sealed, pool);
    return prob ? found(prob) : CTL_OK;
}

static ctl_exit_e secrets_check(ctl_t *ctl, const ctl_verify_t *verify)
{
    apr_array_header_t *eabs;
    const char *before = NULL;
    ctl_exit_e all = CTL_OK;
    apr_status_t rv;
    int i;

    do {
        rv = store_eab_list(&eabs, ctl->store, before, PAGE, ctl->pool);
        if (rv != APR_SUCCESS)
            return ctl_print_status(rv, "external account keys", "");
        for (i = 0; i < eabs->nelts; i++) {
            const store_eab_t *eab = APR_ARRAY_IDX(eabs, i, store_eab_t *);

            before = eab->kid;
            if (secret_check(verify, eab->kid, eab->secret, ctl->pool) ||
                secret_check(verify, eab->kid, eab->previous_secret, ctl->pool))
                all = CTL_FINDINGS;
        }
    } while (eabs->nelts == PAGE);
    return all;
}

static ctl_exit_e trail_check(ctl_t *ctl)
{
    store_chain_t chain;
    apr_status_t rv = store_event_verify(&chain, ctl->store, ctl->pool);

    if (rv != APR_SUCCESS)
        return ctl_print_status(rv, "events", "");
    if (!chain.why)
        return CTL_OK;
    ctl_print_error("the audit trail does not hold at event %" APR_INT64_T_FMT
                    ": %s",
                    chain.broken_id, chain.why);
    return CTL_FINDINGS;
}

/* What is odd was odd when the backup was made. */
static ctl_exit_e rows_check(ctl_t *ctl)
{
    apr_array_header_t *findings;
    apr_status_t rv = store_check(&findings, ctl->store, ctl->pool);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < findings->nelts; i++)
        ctl_print_error("in the database: %s",
                        APR_ARRAY_IDX(findings, i, const char *));
    return ctl_print_status(rv, "check", "");
}

static ctl_exit_e checks_run(ctl_t *ctl, const ctl_verify_t *verify)
{
    int had, has;
    ctl_exit_e code = ctl_store_open(ctl, 0), other;

    if (code == CTL_OK)
        code = ctl_print_status(store_migrate(&had, &has, ctl->store),
                                "migrate", "");
    if (code == CTL_OK)
        code = rows_check(ctl);
    if (code != CTL_OK)
        return code;
    code = secrets_check(ctl, verify);
    other = trail_check(ctl);
    return code == CTL_OK || other == CTL_FAILED ? other : code;
}

/* SQLite takes the log into the database when the last connection ends. */
static ctl_exit_e database_check(ctl_t *ctl, void *baton)
{
    ctl_verify_t *verify = baton;
    acme_conf_t conf = *ctl->conf;
    ctl_t own = *ctl;
    ctl_exit_e code;

    own.conf = &conf;
    own.may_migrate = 1;
    if (verify->path)
        conf.store.params = verify->path;
    conf.audit_log = NULL;
    apr_pool_create(&own.pool, ctl->pool);
    code = checks_run(&own, verify);
    apr_pool_destroy(own.pool);
    if (!verify->path)
        return code;
    unlink(apr_pstrcat(ctl->pool, verify->path, ".lock", NULL));
    if (access(apr_pstrcat(ctl->pool, verify->path, "-wal", NULL), F_OK))
        return code;
    ctl_print_error("%s: its log could not be taken in", verify->path);
    return CTL_FAILED;
}

ctl_exit_e ctl_verify_database(ctl_t *ctl, ctl_verify_t *verify)
{
    acme_eab_keys_t *keys = NULL;
    problem_t *prob;

    if (ca_file_exists(verify->eab_key_file)) {
        prob = acme_eab_keys_load(&keys, verify->eab_key_file, 0, ctl->log,
                                  ctl->pool);
        if (prob)
            return found(prob);
    }
    verify->eab_keys = keys;
    return ctl_apart(ctl, database_check, verify);
}
