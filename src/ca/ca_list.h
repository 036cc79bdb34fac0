/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_LIST_H
#define CA_LIST_H

/*
 * The list of what a root, or another CA above the issuers, has revoked: a file
 * beside its certificate, root.crl, PEM, of whoever owns the directory.  What
 * issuers revoke is in the database instead (acme_crl.h).
 */

#include "base/log.h"
#include "ca/ca_crl.h"

#define CA_LIST_FILE "root.crl"
/* How long a list lives unless told otherwise, in seconds. */
#define CA_LIST_LIFE (365 * (apr_int64_t)86400)

typedef struct {
    const char *fingerprint; /* of the certificate of the CA */
    const unsigned char *der;
    apr_size_t der_len;
    apr_int64_t number, this_update, next_update;
    apr_array_header_t *revoked; /* of ca_revoked_t * */
} ca_list_t;

/* As ca_revoked_t has it. */
const char *ca_list_serial(const ASN1_INTEGER *serial, apr_pool_t *pool);

/* The next list: what file has, and revoked (of ca_revoked_t *) besides, until
 * next_update or the issuer's end.  The caller has locked the directory. */
problem_t *ca_list_renew(ca_list_t **list, const ca_issuer_t *issuer,
                         const char *file, const apr_array_header_t *revoked,
                         apr_int64_t now, apr_int64_t next_update,
                         apr_pool_t *pool) __attribute__((warn_unused_result));

/* Renew it if there is none, or half of its life is over.  What cannot be done
 * is told; nothing else depends on it. */
void ca_list_ensure(const ca_issuer_t *issuer, const char *file,
                    apr_int64_t now, const log_t *log, apr_pool_t *pool);

/* The list in dir that one of certs (of X509 *) has made; NULL without, or if
 * it is no good, and that is told. */
const ca_list_t *ca_list_find(const apr_array_header_t *certs, const char *dir,
                              const log_t *log, apr_pool_t *pool);

#endif
