/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_OCSP_H
#define ACME_OCSP_H

/*
 * OCSP (RFC 6960, RFC 9654), for anybody, over plain HTTP too:
 *
 *     POST <ACMEPath>/issuer/<fingerprint>.ocsp
 *     GET  <ACMEPath>/issuer/<fingerprint>.ocsp/<base64, URL-encoded>
 *
 * good, revoked, unknown: as the database has it now.  unauthorized: what that
 * generation did not sign, or has no answer for any more.  tryLater: database
 * or key are away, and nothing that is kept will do (acme_ocsp_keep.h).
 * Answers to GET without a nonce may be cached (RFC 5019 6).
 */

#include "acme/acme_response.h"

/* Is name, what follows ".../issuer/", one of these? */
int acme_ocsp_is_name(const char *name);

problem_t *acme_ocsp_answer(acme_response_t *res, const acme_t *acme,
                            const char *name, const acme_request_t *req)
    __attribute__((warn_unused_result));

#endif
