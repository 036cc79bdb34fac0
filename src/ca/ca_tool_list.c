/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_tool.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ca/ca_file.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* Who has issuers below it, and may sign lists. */
static problem_t *signer_check(const ca_issuer_t *issuer, const char *file,
                               apr_pool_t *pool)
{
    const char *why = NULL;

    if (!(X509_get_key_usage(issuer->cert) & KU_CRL_SIGN))
        why = "its key usage has no cRLSign, so that it may sign no lists; "
              "name another CA";
    else if (X509_get_pathlen(issuer->cert) == 0)
        why = "it is an issuer of leaves, whose list the server makes; revoke "
              "those with `acmectl cert revoke`";
    return why ? problem_internal(pool, APR_EINVAL, "%s: %s", file, why) : NULL;
}

/* The first certificate of file is of a CA below issuer. */
static problem_t *revoked_read(ca_revoked_t **revoked, const char *file,
                               const ca_issuer_t *issuer, apr_pool_t *pool)
{
    apr_array_header_t *certs;
    X509 *cert;
    problem_t *prob =
        ca_file_argument(ca_file_certs_read(&certs, file, pool), file, pool);

    if (prob)
        return prob;
    cert = APR_ARRAY_IDX(certs, 0, X509 *);
    if (X509_NAME_cmp(X509_get_issuer_name(cert),
                      X509_get_subject_name(issuer->cert)) ||
        X509_verify(cert, X509_get0_pubkey(issuer->cert)) != 1 ||
        !X509_cmp(cert, issuer->cert) || X509_check_ca(cert) != 1) {
        ERR_clear_error();
        return problem_internal(
            pool, APR_EINVAL,
            "%s: its first certificate is of no CA that \"%s\" has issued; "
            "name that of an intermediate",
            file, ca_name_text(X509_get_subject_name(issuer->cert), pool));
    }
    *revoked = apr_pcalloc(pool, sizeof(**revoked));
    (*revoked)->serial = ca_list_serial(X509_get0_serialNumber(cert), pool);
    return NULL;
}

static problem_t *all_read(apr_array_header_t *all, const ca_tool_list_t *wish,
                           const ca_issuer_t *issuer, apr_int64_t now,
                           apr_pool_t *pool)
{
    problem_t *prob = NULL;
    int i;

    for (i = 0; !prob && i < wish->revoked->nelts; i++) {
        ca_revoked_t *one = NULL;

        prob = revoked_read(&one, APR_ARRAY_IDX(wish->revoked, i, const char *),
                            issuer, pool);
        if (prob)
            break;
        one->at = now;
        one->reason = wish->reason;
        APR_ARRAY_PUSH(all, ca_revoked_t *) = one;
    }
    return prob;
}

static const char *dir_of(const char *file, apr_pool_t *pool)
{
    const char *slash = strrchr(file, '/');

    if (!slash)
        return ".";
    return apr_pstrmemdup(pool, file, (apr_size_t)(slash - file) + 1);
}

problem_t *ca_tool_list(ca_list_t **list, const ca_tool_list_t *wish,
                        apr_int64_t now, apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(ca_revoked_t *));
    ca_issuer_t *issuer;
    apr_pool_t *lock_pool;
    problem_t *prob = ca_issuer_load(&issuer, "", 0, wish->cert_file,
                                     wish->key_file, now, pool);

    prob = ca_file_argument(prob, wish->cert_file, pool);
    prob = ca_file_argument(prob, wish->key_file, pool);
    if (!prob)
        prob = signer_check(issuer, wish->cert_file, pool);
    if (!prob)
        prob = all_read(all, wish, issuer, now, pool);
    if (prob)
        return prob;
    apr_pool_create(&lock_pool, pool);
    prob = ca_file_lock(dir_of(wish->list_file, pool), lock_pool, pool);
    if (!prob)
        prob = ca_list_renew(list, issuer, wish->list_file, all, now,
                             wish->next_update, pool);
    apr_pool_destroy(lock_pool);
    return prob;
}
