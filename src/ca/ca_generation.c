/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_generation.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ca/ca_file.h"

#include "base/banned.h"

/* Generation of "<prefix><n>.pem" or ".key"; 0 if name is no such. */
static int name_parse(const char *name, const char *prefix, int *has_cert)
{
    apr_size_t len = strlen(prefix);
    char *end = NULL;
    long generation;

    if (strncmp(name, prefix, len) != 0)
        return 0;
    name += len;
    generation = name[0] >= '1' && name[0] <= '9' ? strtol(name, &end, 10) : 0;
    if (generation < 1 || generation > CA_GENERATION_MAX)
        return 0;
    *has_cert = strcmp(end, ".pem") == 0;
    return *has_cert || strcmp(end, ".key") == 0 ? (int)generation : 0;
}

static int newer_first(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

static void entry_note(ca_generations_t *found, const char *name)
{
    int has_cert = 0, n = name_parse(name, found->prefix, &has_cert);

    if (n > found->last)
        found->last = n;
    if (has_cert && n)
        APR_ARRAY_PUSH(found->numbers, int) = n;
}

problem_t *ca_generation_scan(ca_generations_t *found, const char *dir,
                              const char *prefix, apr_pool_t *pool)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    apr_array_header_t *numbers = apr_array_make(pool, 4, sizeof(int));
    char buf[80];

    found->dir = dir;
    found->prefix = prefix;
    found->numbers = numbers;
    found->last = 0;
    if (!entries)
        return problem_internal(pool, errno,
                                "%s: cannot read the directory: %s; make the "
                                "CA with `acmectl ca`, or name the directory "
                                "that it is in",
                                dir, apr_strerror(errno, buf, sizeof(buf)));
    for (entry = readdir(entries); entry; entry = readdir(entries))
        entry_note(found, entry->d_name);
    closedir(entries);
    qsort(numbers->elts, (size_t)numbers->nelts, sizeof(int), newer_first);
    found->unfinished =
        found->last > 0 &&
        (numbers->nelts == 0 || found->last > APR_ARRAY_IDX(numbers, 0, int));
    return NULL;
}

const char *ca_generation_path(const ca_generations_t *found, int generation,
                               const char *suffix, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s/%s%d%s", found->dir, found->prefix,
                        generation, suffix);
}

ca_issuer_t *ca_generation_load(problem_t **fault,
                                const ca_generations_t *found, int generation,
                                const char *name, const log_t *log,
                                apr_pool_t *pool)
{
    const char *cert_path = ca_generation_path(found, generation, ".pem", pool);
    const char *key_path = ca_generation_path(found, generation, ".key", pool);
    ca_issuer_t *issuer = NULL;

    if (ca_file_exists(key_path))
        ca_file_key_warn(key_path, log);
    else
        key_path = NULL;
    *fault =
        ca_issuer_load(&issuer, name, generation, cert_path, key_path, 0, pool);
    if (!*fault)
        return issuer;
    if (key_path &&
        !ca_issuer_load(&issuer, name, generation, cert_path, NULL, 0, pool))
        return issuer;
    return NULL;
}
