/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_PROFILE_H
#define CA_PROFILE_H

/* How long a leaf lives (pki.md, Policies, Validity; T50). */

#include "ca/ca_issuer.h"

typedef struct {
    apr_int64_t validity;     /* seconds from notBefore, without a wish */
    apr_int64_t max_validity; /* seconds, for a wish */
    apr_int64_t backdate;     /* seconds that notBefore lies in the past by
                                 default; at most 1/10 of the validity */
    int common_name;          /* CN from the first dns name of at most 64
                                 characters where the CSR has none */
} ca_profile_t;

/*
 * Wishes are seconds since 1970, 0 for none.  A wish is honoured exactly or
 * refused as `malformed` with the limit named: end before start, end in the
 * past, start more than an hour in the past, longer than max_validity, beyond
 * the issuer's life.  Defaults are backdated and clamped to the issuer's own
 * life: the end was clamped if it is the issuer's.  An issuer that is not valid
 * at now is our own failure.
 */
problem_t *ca_profile_validity(apr_int64_t *not_before, apr_int64_t *not_after,
                               const ca_profile_t *profile,
                               const ca_issuer_t *issuer,
                               apr_int64_t wish_before, apr_int64_t wish_after,
                               apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
