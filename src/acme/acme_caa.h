/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CAA_H
#define ACME_CAA_H

/*
 * Which names' CAA records are to be looked at (ACMEProfileCAA): when they are
 * validated, and again before a certificate is signed, where that was long ago
 * (RFC 8659 leaves it to the CA; the Baseline Requirements say 8 hours), was
 * that of a domain above, or never was.  An IP address has none.
 */

#include "acme/acme.h"
#include "store/store_authz.h"

/* Of a validation by this challenge type; NULL: none. */
dcv_caa_t *acme_caa_of_authz(const acme_conf_t *conf,
                             const store_authz_t *authz, const char *type,
                             apr_pool_t *pool);

/* Of an order's identifiers and authorizations (of store_authz_t *), at now.
 * What was validated before since was so under another configuration, which may
 * not have looked at any. */
dcv_caa_t *acme_caa_of_order(const acme_conf_t *conf,
                             const acme_profile_t *profile,
                             const apr_array_header_t *identifiers,
                             const apr_array_header_t *authzs,
                             apr_int64_t since, apr_int64_t now,
                             apr_pool_t *pool);

/* As a job's data has it; json NULL: none.  parse: 0 for garbage. */
json_t *acme_caa_render(const dcv_caa_t *caa);
int acme_caa_parse(dcv_caa_t **caa, json_t *json, apr_pool_t *pool);

#endif
