/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_REREAD_H
#define CA_REREAD_H

/*
 * The second look at a new leaf: a certificate that is wrong must not leave the
 * house, so what was encoded is parsed again, here, by other code than built
 * it, and every field and every extension is compared with the request.
 */

#include "ca/ca_issue.h"

/* spki[spki_len]: the encoded key that the request asks for. */
problem_t *ca_reread_check(const ca_cert_t *cert, const ca_issuer_t *issuer,
                           const ca_request_t *request,
                           const unsigned char *spki, apr_size_t spki_len,
                           apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
