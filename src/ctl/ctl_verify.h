/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_VERIFY_H
#define CTL_VERIFY_H

/* Does what a backup holds belong together?  Findings are told to stderr. */

#include "ctl/ctl.h"

/* path names any file: what ends in ".key" and has a ".pem" beside it must be
 * the key of its first certificate.  CTL_FINDINGS when it is not. */
ctl_exit_e ctl_verify_key(const char *path, apr_pool_t *pool)
    __attribute__((warn_unused_result));

typedef struct {
    const char *path;         /* an sqlite3 database that nobody else uses;
                                 NULL: the server's own, with PostgreSQL */
    const char *eab_key_file; /* what opens its secrets */
    const struct acme_eab_keys_t *eab_keys;
} ctl_verify_t;

/* In a process of its own, as the owner of the database: the audit trail, the
 * secrets of external account keys (CTL_FINDINGS when they do not hold), and
 * what `db check` finds, which is only told.  Brings it to this version's
 * schema, and leaves no log behind. */
ctl_exit_e ctl_verify_database(ctl_t *ctl, ctl_verify_t *verify)
    __attribute__((warn_unused_result));

#endif
