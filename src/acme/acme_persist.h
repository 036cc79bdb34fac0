/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_PERSIST_H
#define ACME_PERSIST_H

/*
 * What a record of dns-persist-01 may name as the account
 * (draft-ietf-acme-dns-persist-02 4.1): a URL whose last part is a digest of
 * the domain, or "*", of the thumbprint of a key that the account has or had,
 * and of the account's URL.  The base URL's aliases count, too: records stay
 * good when a server gets another name.
 */

#include "acme/acme_conf.h"
#include "dcv/dcv.h"

/* accountHashPrefix of the directory. */
const char *acme_persist_prefix(const acme_conf_t *conf, apr_pool_t *pool);

/* Sets account_uris and hash_prefixes of a job that has its domain and
 * account_url.  thumbprint: the account's key's; prints: those of earlier keys,
 * with blanks in between, or NULL. */
void acme_persist_fill(dcv_job_t *job, const acme_conf_t *conf,
                       const char *thumbprint, const char *prints);

#endif
