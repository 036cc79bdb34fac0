/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_COPY_H
#define CTL_COPY_H

/*
 * Copying files for backups: whole and on the disk, or not at all; nothing that
 * is there is overwritten, and links are not followed at their ends.  What goes
 * wrong is told to stderr.
 *
 * A backup is a directory, 0700:
 *
 *     database       the database at one moment
 *     config.json    the configuration, as --config wants it
 *     files/<path>   the files, under the paths that they have
 *     manifest.json  what there is: paths, owners, modes, SHA-256; made last
 */

#include <sys/stat.h>

#include "ctl/ctl.h"

#define CTL_COPY_DATABASE "database"
#define CTL_COPY_CONFIG   "config.json"
#define CTL_COPY_FILES    "files"
#define CTL_COPY_MANIFEST "manifest.json"
#define CTL_COPY_FORMAT   "mod_acme_server backup 1"

/* The copy has mode and, if we are root, this owner.  sha256 gets its digest
 * in hex; may be NULL. */
typedef struct {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    int is_owned; /* uid and gid say whose it is */
} ctl_copy_owner_t;
ctl_exit_e ctl_copy_file(const char **sha256, const char *from, const char *to,
                         const ctl_copy_owner_t *owner, apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* The digest of a regular file; quiet: APR_ENOENT, APR_EINVAL when it is none,
 * errno. */
apr_status_t ctl_copy_digest(const char **sha256, const char *path,
                             apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Make the directory and, 0755 and ours, those that it belongs in; it is well
 * if it is there. */
ctl_exit_e ctl_copy_dir(const char *path, const ctl_copy_owner_t *owner,
                        apr_pool_t *pool) __attribute__((warn_unused_result));

/* With PostgreSQL a backup is made and put back --without-database, of which
 * pg_dump and pg_restore take care; CTL_USAGE: it was not said. */
ctl_exit_e ctl_copy_ask(const ctl_t *ctl) __attribute__((warn_unused_result));

/* ctl_backup.c, ctl_restore.c */
ctl_exit_e ctl_backup(ctl_t *ctl);
ctl_exit_e ctl_restore(ctl_t *ctl);

#endif
