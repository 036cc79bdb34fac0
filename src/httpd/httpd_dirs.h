/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_DIRS_H
#define HTTPD_DIRS_H

/*
 * The state directory (pki.md, The smallest configuration):
 *
 *     <state>      0755   root's
 *     <state>/ca   0700   root's: keys
 *     <state>/db   0700   httpd's User's: the database
 *     <state>/pub  0700   httpd's User's: published files
 *     <state>/db.made     root's: there has been a db, and no other is made
 *
 * Without root all is the one user's who runs httpd.  What is there is left as
 * it is, whatever it is, and told.
 */

#include <apr_pools.h>

typedef struct {
    const char *ca_problem; /* no CA in there; NULL: all is well */
    const char *db_problem; /* no database in there; NULL: all is well */
    int is_db_exposed;      /* it can be used: db_problem is who else can */
} httpd_dirs_t;

/* Make what is missing.  Each problem names path, owner and remedy.  db is the
 * directory of the database, wherever that may be: only <state>/db is made.
 * NULL: no directory of this machine holds it. */
void httpd_dirs_ensure(httpd_dirs_t *dirs, const char *state, const char *db,
                       apr_pool_t *pool);

/* Make nothing: would httpd_dirs_ensure find fault? */
void httpd_dirs_look(httpd_dirs_t *dirs, const char *state, const char *db,
                     apr_pool_t *pool);

#endif
