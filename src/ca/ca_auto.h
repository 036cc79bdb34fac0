/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_AUTO_H
#define CA_AUTO_H

/*
 * The automatic CA (pki.md, The smallest configuration): files in one
 * directory, <ACMEStateDir>/ca, mode 0700, made if its parent is there; keys
 * 0600, certificates 0644; made by httpd's parent:
 *
 *     root.pem root.key         20 years
 *     root.crl            what it has revoked, a year; renewed at start from
 * the middle on while the key is there (ca_list.h) issuing-<n>.pem .key      5
 * years, generation n; the .pem holds its chain vhost-<name>.pem .key     the
 * TLS certificate of an ACME virtual host
 *
 * A key that exists is never overwritten, whatever fails: files are created
 * with O_EXCL under a temporary name, fsynced and linked into place, key before
 * certificate; a run that died between the two is taken up where it stopped
 * (a certificate is made anew for the existing key).  Concurrent starts (two
 * httpds with one state directory) are serialised by flock on <ca>/lock.
 *
 * What is there but cannot be used (garbage, unreadable, not ours) is reported
 * and left alone.  It is an error only where the CA cannot sign without it:
 * with a generation that can, root.key may lie in a safe.
 */

#include "ca/ca_set.h"

/* Where this file is, there has been an automatic CA. */
#define CA_AUTO_ROOT "root.pem"

/* Make what is missing, renew the intermediate when a third of its life is
 * left, load everything.  dir is the ca directory itself; org names the CA
 * ("ACME CA of ca.corp.example"; cut to fit a common name).  With a problem *ca
 * is a set that only publishes if there is something to be read, else NULL. */
problem_t *ca_auto_ensure(ca_set_t **ca, const char *dir, const char *org,
                          apr_int64_t now, const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Why ca_auto_ensure would fail, as far as can be seen without making or
 * changing anything. */
problem_t *ca_auto_look(const char *dir, apr_int64_t now, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The vhost's certificate for these dns names: made or, when less than a third
 * of its life is left, its names changed or its issuer is not one of ours,
 * signed anew for the same key.  Valid 90 days at most.  name, the ServerName,
 * is in the names of the files. */
problem_t *
ca_auto_vhost_ensure(const char **cert_file, const char **key_file,
                     const ca_set_t *ca, const char *dir, const char *name,
                     const apr_array_header_t *identifiers, apr_int64_t now,
                     const log_t *log, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The common name of such a certificate: name if it is one of them, else the
 * first that is short enough; NULL if none is. */
const char *ca_auto_vhost_cn(const char *name,
                             const apr_array_header_t *identifiers);

/* Is less than a third of cert's life left, or has it not begun? */
int ca_auto_is_due(const X509 *cert, apr_int64_t now);

#endif
