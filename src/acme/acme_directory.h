/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_DIRECTORY_H
#define ACME_DIRECTORY_H

/* The two resources that need no account: directory (RFC 8555 7.1.1) and
 * newNonce (7.2).  GET, HEAD and POST-as-GET (T16). */

#include "acme/acme_request.h"

problem_t *acme_directory_get(acme_response_t *res, acme_t *acme,
                              const acme_verified_t *v)
    __attribute__((warn_unused_result));

problem_t *acme_directory_nonce(acme_response_t *res, acme_t *acme,
                                const acme_verified_t *v)
    __attribute__((warn_unused_result));

#endif
