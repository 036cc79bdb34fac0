/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CRL_H
#define ACME_CRL_H

/*
 * Lists of revoked certificates: when they are made, and their files.
 *
 * Whoever revokes a certificate adds a job ACME_WORK_CRL, its subject the
 * fingerprint of the issuer generation, in the same transaction, unless one is
 * waiting (store_crl_due), and wakes the worker.  Beside it each generation
 * that has a key here has one job ACME_WORK_CRL_NEXT, which is due in the
 * middle of the list's life and then adds itself anew.
 *
 * Any number of such jobs may run at once: a list is made only if there is
 * something new or the old one is past its middle, and stored only if what it
 * was made from still holds (store_crl.h).  The file is written from what is
 * stored, under a lock, so the newest list comes last.  A process that dies in
 * between leaves its job, which then finds nothing to do but to write the file.
 */

#include "acme/acme.h"

/* Is the generation with this fingerprint ours, and its key here? */
int acme_crl_is_for(const acme_t *acme, const char *fingerprint);

/* Either kind of job, to its end. */
void acme_crl_run(acme_t *acme, const store_job_t *job, apr_pool_t *pool);

/* Has an issuer lists? */
int acme_crl_is_wanted(const acme_conf_t *conf);

/* Other machines that share the database make lists, too: the newest ones
 * become files here as well.  seen is what it returned the last time, 0 at
 * first; when no list has been made since it costs one query. */
apr_int64_t acme_crl_follow(acme_t *acme, apr_int64_t seen, apr_pool_t *pool);

/* See that each generation has its job, and that a list that is missing, or was
 * made when ACMEIssuerCRL said otherwise, is made now. */
apr_status_t acme_crl_setup(acme_t *acme, apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
