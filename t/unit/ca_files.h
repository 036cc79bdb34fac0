/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_FILES_H
#define CA_FILES_H

/* Files that a case writes and looks at. */

#include <apr_strings.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tap.h"

/* In the program's own directory. */
static inline const char *file_put(const char *name, const char *text,
                                   apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
    FILE *file = fopen(path, "w");

    ok(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", path);
    return path;
}

static inline const char *file_get(const char *path, apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 65536);
    FILE *file = fopen(path, "r");

    if (!file)
        return "(cannot be read)";
    text[fread(text, 1, 65535, file)] = '\0';
    fclose(file);
    return text;
}

static inline int file_mode(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

#endif
