/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PLAN_H
#define ACME_PLAN_H

/*
 * The plan of a certificate: every approved value, and the names under which it
 * will be known, written down as the data of its job before anything is signed.
 * Whoever runs the job needs nothing else, and running it twice aims at the
 * same certificate id and serial number.
 *
 * What a plan does not hold is the time: validity is computed when it is
 * signed, from the wishes and the profile's values in here, so that a job that
 * waited is not shorter than promised and never outlives anything.
 */

#include "acme/acme.h"
#include "jose/jose_cache.h"
#include "store/store_order.h"

typedef struct {
    const char *server; /* virtual host that made it: acme_conf_t.server_name */
    const char *issuer_name; /* who is to sign it … */
    const char *issuer;     /* … and the fingerprint of a generation of his */
    const char *cert_id;    /* the certificate's future id … */
    const char *serial;     /* … and serial number */
    const char *account_id; /* NULL: the vhost's own certificate */
    const char *realm, *directory, *profile;
    const char *identifiers;           /* identifier_list_text */
    const char *common_name;           /* NULL: none */
    apr_array_header_t *subject;       /* of const char *, "O=Example Corp", in
                                          their order, without the CN */
    apr_array_header_t *emails, *uris; /* of const char * */
    const jose_jwk_t *key;             /* the subscriber's: as a JWK, since
                                          OpenSSL 3.0 takes ten times as long
                                          for a SubjectPublicKeyInfo */
    apr_int64_t wished_at;             /* when the wishes were accepted */
    apr_int64_t not_before, not_after; /* wishes, 0: none */
    ca_profile_t validity;             /* max_validity is the policy's too */
    unsigned int key_usage;
    apr_array_header_t *ext_key_usage; /* of const char * */
    int no_rev_avail;
    apr_array_header_t *bounds; /* of dcv_bound_t *, looked at before it is
                                   signed; NULL: none */
    dcv_caa_t *caa;             /* the same; NULL: none */
    const char *eab_kid, *owner, *ip; /* who asked, for events; or NULL */
} acme_plan_t;

/* A certificate by this policy and validity for this key, with a new id and
 * serial; the rest is empty.  issuer can be used. */
acme_plan_t *acme_plan_make(const acme_t *acme, const acme_issuer_t *issuer,
                            const policy_t *policy,
                            const ca_profile_t *validity, const jose_jwk_t *key,
                            apr_int64_t now, apr_pool_t *pool);

/* As the job's data. */
const char *acme_plan_text(const acme_plan_t *plan, apr_pool_t *pool);

/* NULL if text is not what acme_plan_text makes.  keys: whoever made the plan a
 * moment ago has put its key there (NULL: none). */
acme_plan_t *acme_plan_parse(const char *text, jose_cache_t *keys,
                             apr_pool_t *pool);

/* max_validity lowered to what the policy allows. */
ca_profile_t acme_plan_validity(const policy_t *policy,
                                const ca_profile_t *validity);

#endif
