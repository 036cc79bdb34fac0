/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_auto.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/identifier.h"
#include "base/own.h"
#include "base/token.h"
#include "ca/ca_file.h"
#include "ca/ca_issue.h"
#include "ca/ca_openssl.h"
#include "ca/ca_profile.h"

#include "base/banned.h"

#define KEY_SPEC "P-256"
#define DAY      ((apr_int64_t)86400)
/* Longer names of hosts are cut and made unique by their hash, since names of
 * files may have 255 octets. */
#define NAME_MAX_LEN 128
#define NAME_CUT     96
#define CN_MAX       64

/* An hour back for clients whose clocks are late. */
static const ca_profile_t profile = {90 * DAY, 90 * DAY, 3600, 1};

/* Where the files of one vhost are. */
typedef struct {
    const char *cert, *key;
    const char *name; /* the vhost's */
} paths_t;

int ca_auto_is_due(const X509 *cert, apr_int64_t now)
{
    apr_int64_t from = ca_time_seconds(X509_get0_notBefore(cert));
    apr_int64_t to = ca_time_seconds(X509_get0_notAfter(cert));

    return now < from || to - now < (to - from) / 3;
}

const char *ca_auto_vhost_cn(const char *name,
                             const apr_array_header_t *identifiers)
{
    const char *first = NULL;
    int i;

    for (i = 0; i < identifiers->nelts; ++i) {
        const char *dns = APR_ARRAY_IDX(identifiers, i, identifier_t *)->value;

        if (strlen(dns) > CN_MAX)
            continue;
        if (name && strcasecmp(dns, name) == 0)
            return dns;
        if (!first)
            first = dns;
    }
    return first;
}

static problem_t *issue(ca_cert_t **cert, const ca_set_t *ca, const char *name,
                        const apr_array_header_t *identifiers, EVP_PKEY *key,
                        apr_int64_t now, apr_pool_t *pool)
{
    apr_array_header_t *purposes =
        apr_array_make(pool, 1, sizeof(const char *));
    ca_request_t request = {0};
    problem_t *prob;

    APR_ARRAY_PUSH(purposes, const char *) = "serverAuth";
    request.identifiers = identifiers;
    request.common_name = ca_auto_vhost_cn(name, identifiers);
    request.key = key;
    request.serial = token_serial(pool);
    request.key_usage = KU_DIGITAL_SIGNATURE;
    request.ext_key_usage = purposes;
    prob = ca_profile_validity(&request.not_before, &request.not_after,
                               &profile, ca->issuer, 0, 0, now, pool);
    return prob ? prob : ca_issue(cert, ca->issuer, &request, pool);
}

/* A file name of host's: what is not a letter, digit, "." or "-" is "_". */
static const char *file_name(const char *host, apr_pool_t *pool)
{
    char *name = apr_pstrdup(pool, host), *c;

    for (c = name; *c; ++c) {
        if (!apr_isalnum(*c) && *c != '-' && *c != '.')
            *c = '_';
    }
    if (strlen(name) <= NAME_MAX_LEN)
        return name;
    return apr_psprintf(pool, "%.*s-%.32s", NAME_CUT, name,
                        ca_sha256_hex(host, strlen(host), pool));
}

static apr_array_header_t *sorted(const apr_array_header_t *identifiers,
                                  apr_pool_t *pool)
{
    apr_array_header_t *copy = apr_array_copy(pool, identifiers);

    identifier_sort(copy);
    return copy;
}

/* The dns names of cert, sorted (of identifier_t *); empty without. */
static apr_array_header_t *names_of(X509 *cert, apr_pool_t *pool)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(identifier_t *));
    int i;

    for (i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        identifier_t *identifier = apr_palloc(pool, sizeof(*identifier));

        if (name->type != GEN_DNS)
            continue;
        identifier->type = IDENTIFIER_DNS;
        identifier->value = apr_pstrmemdup(
            pool, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
            (apr_size_t)ASN1_STRING_length(name->d.dNSName));
        APR_ARRAY_PUSH(list, identifier_t *) = identifier;
    }
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    identifier_sort(list);
    return list;
}

/* A generation that is valid now has signed it. */
static int is_ours(X509 *cert, const ca_set_t *ca, apr_int64_t now)
{
    int i;

    for (i = 0; i < ca->generations->nelts; ++i) {
        const ca_issuer_t *issuer =
            APR_ARRAY_IDX(ca->generations, i, const ca_issuer_t *);

        if (now >= issuer->not_before && now < issuer->not_after &&
            X509_verify(cert, X509_get0_pubkey(issuer->cert)) == 1)
            return 1;
    }
    return 0;
}

/* Why the certificate in the file will not do; NULL if it will. */
static const char *fault_find(const char *path, const ca_set_t *ca,
                              const apr_array_header_t *identifiers,
                              EVP_PKEY *key, apr_int64_t now, apr_pool_t *pool)
{
    apr_array_header_t *certs;
    problem_t *prob;
    X509 *cert;

    if (!ca_file_exists(path))
        return "there is none";
    prob = ca_file_certs_read(&certs, path, pool);
    if (prob)
        return prob->cause;
    cert = APR_ARRAY_IDX(certs, 0, X509 *);
    if (X509_check_private_key(cert, key) != 1)
        return "it is for another key";
    if (!is_ours(cert, ca, now))
        return "its issuer is not one of ours";
    if (ca_auto_is_due(cert, now))
        return "less than a third of its life is left";
    if (!identifier_lists_equal(sorted(identifiers, pool),
                                names_of(cert, pool)))
        return "its names are others";
    return NULL;
}

static problem_t *sign(const char *path, const ca_set_t *ca, const char *name,
                       const apr_array_header_t *identifiers, EVP_PKEY *key,
                       apr_int64_t now, apr_pool_t *pool)
{
    ca_cert_t *made;
    const unsigned char *der;
    X509 *cert;
    problem_t *prob;

    if (!ca->issuer)
        return problem_internal(pool, APR_EINVAL,
                                "%s: has to be made anew, and the CA cannot "
                                "sign; mend that, then reload the server",
                                path);
    prob = issue(&made, ca, name, identifiers, key, now, pool);
    if (prob)
        return prob;
    der = made->der;
    cert = own_x509(pool, d2i_X509(NULL, &der, (long)made->der_len));
    if (!cert)
        return ca_openssl_problem(pool, "%s: parse a new certificate", path);
    return ca_file_replace(
        path,
        apr_pstrcat(pool, ca_cert_pem(cert, pool), ca->issuer->chain_pem, NULL),
        0644, pool);
}

static problem_t *ensure_locked(const paths_t *paths, const ca_set_t *ca,
                                const apr_array_header_t *identifiers,
                                apr_int64_t now, const log_t *log,
                                apr_pool_t *pool)
{
    EVP_PKEY *key;
    const char *fault;
    problem_t *prob = ca_file_key_ensure(&key, paths->key, KEY_SPEC, pool);

    if (prob)
        return prob;
    ca_file_key_warn(paths->key, log);
    fault = fault_find(paths->cert, ca, identifiers, key, now, pool);
    ERR_clear_error();
    if (!fault)
        return NULL;
    prob = sign(paths->cert, ca, paths->name, identifiers, key, now, pool);
    if (!prob)
        log_write(log, LOG_LEVEL_NOTICE, "AS0158", APR_SUCCESS,
                  "made the certificate %s, because %s", paths->cert, fault);
    return prob;
}

problem_t *ca_auto_vhost_ensure(const char **cert_file, const char **key_file,
                                const ca_set_t *ca, const char *dir,
                                const char *name,
                                const apr_array_header_t *identifiers,
                                apr_int64_t now, const log_t *log,
                                apr_pool_t *pool)
{
    apr_pool_t *lock_pool;
    const char *base = file_name(name, pool);
    paths_t paths = {.name = name};
    problem_t *prob;

    if (identifiers->nelts == 0)
        return problem_internal(pool, APR_EINVAL,
                                "no name for the certificate of the virtual "
                                "host; give it a ServerName");
    paths.cert = apr_pstrcat(pool, dir, "/vhost-", base, ".pem", NULL);
    paths.key = apr_pstrcat(pool, dir, "/vhost-", base, ".key", NULL);
    apr_pool_create(&lock_pool, pool);
    prob = ca_file_lock(dir, lock_pool, pool);
    if (!prob)
        prob = ensure_locked(&paths, ca, identifiers, now, log, pool);
    apr_pool_destroy(lock_pool);
    if (prob)
        return prob;
    *cert_file = paths.cert;
    *key_file = paths.key;
    return NULL;
}
