/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_AUTO_H
#define CA_AUTO_H

/*
 * The automatic CA (pki.md, The smallest configuration): files below
 * <ACMEStateDir>/ca, directory 0700, keys 0600, made by the parent:
 *
 *     root.pem root.key         20 years
 *     issuing-<n>.pem .key      5 years, generation n; the .pem holds its chain
 *     vhost-<name>.pem .key     the TLS certificate of an ACME virtual host
 *
 * A key that exists is never overwritten, whatever fails: files are created
 * with O_EXCL under a temporary name, fsynced and linked into place, key before
 * certificate; a run that died between the two is taken up where it stopped
 * (a certificate is made anew for the existing key).  Concurrent starts (two
 * httpds with one state directory) are serialised by flock on <ca>/lock.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "base/log.h"
#include "ca/ca_issuer.h"

typedef struct {
    ca_issuer_t *issuer;             /* the newest usable generation: signs */
    apr_array_header_t *generations; /* of ca_issuer_t *, newest first */
    const char *roots_pem;
} ca_auto_t;

/* Make what is missing, renew the intermediate when a third of its life is
 * left, load everything.  org names the CA ("ACME CA of ca.corp.example"). */
problem_t *ca_auto_ensure(ca_auto_t **ca, const char *dir, const char *org,
                          apr_int64_t now, const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The vhost's certificate for these dns names: made or, when less than a third
 * of its life is left, its names changed or its issuer is not one of ours,
 * signed anew for the same key.  Valid 90 days at most. */
problem_t *ca_auto_vhost_ensure(const char **cert_file, const char **key_file,
                                const ca_auto_t *ca, const char *dir,
                                const apr_array_header_t *identifiers,
                                apr_int64_t now, const log_t *log,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

#endif
