/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_ALPNCERT_H
#define DCV_ALPNCERT_H

/*
 * What a certificate proves (RFC 8737 3): self-signed, one subjectAltName and
 * that the identifier's, and a critical acmeIdentifier extension with the
 * SHA-256 of the key authorization.  Its dates do not matter.
 */

#include <openssl/x509.h>

#include "dcv/dcv.h"

/* Why it does not prove the job's domain, with what was seen; NULL if it does.
 * *hint may become NULL. */
const char *dcv_alpncert_judge(const char **hint, X509 *certificate,
                               const dcv_job_t *job);

/* SNI for a domain or an address (RFC 8738 6). */
const char *dcv_alpncert_server_name(const char *domain, apr_pool_t *pool);

#endif
