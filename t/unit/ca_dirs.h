/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_DIRS_H
#define CA_DIRS_H

/* An automatic CA in a directory: what its tests share. */

#include <dirent.h>

#include "base/token.h"
#include "ca/ca_auto.h"
#include "ca_fixture.h"

#define ORG  "ACME CA of ca.corp.example"
#define YEAR (365 * DAY)

static inline const char *dir_of(const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
}

static inline const char *in(const char *dir, const char *name,
                             apr_pool_t *pool)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

static inline const char *text_of(const char *dir, const char *name,
                                  apr_pool_t *pool)
{
    return file_get(in(dir, name, pool), pool);
}

static inline int count(const char *dir)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    int found = 0;

    while ((entry = readdir(entries)))
        found += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(entries);
    return found;
}

static inline ca_set_t *ensure(const char *dir, apr_int64_t now,
                               apr_pool_t *pool)
{
    ca_set_t *ca = NULL;
    problem_t *prob = ca_auto_ensure(&ca, dir, ORG, now, NULL, pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    return ca;
}

/* The CA can do its work: a leaf verifies against its root. */
static inline void works(ca_set_t *ca, apr_int64_t now, apr_pool_t *pool)
{
    ca_request_t request = {0};
    ca_cert_t *leaf = NULL;
    const char *fault;
    problem_t *prob;

    request.identifiers = names(pool, "ca.test", NULL);
    request.key = ca_key_make("P-256", pool);
    request.serial = token_serial(pool);
    request.not_before = now - 3600;
    request.not_after = now + 86400 < ca->issuer->not_after
                            ? now + 86400
                            : ca->issuer->not_after;
    request.key_usage = KU_DIGITAL_SIGNATURE;
    prob = ca_issue(&leaf, ca->issuer, &request, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    if (prob)
        return;
    fault = verify(parsed(leaf, pool), ca->issuer, "ca.test", now);
    ok(!fault, "%s", fault);
    ok(strstr(ca->roots_pem, ca_cert_pem(ca->issuer->root, pool)));
}

#endif
