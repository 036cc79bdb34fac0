/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_file.h"

#include <string.h>
#include <sys/stat.h>

#include <apr_file_io.h>

#include "base/regular.h"

#include "base/banned.h"

#define BLANKS " \t\r\v\f"

int dcv_file_is_changed(dcv_file_t *file)
{
    dcv_file_t now = {file->path, 1, 0, 0, 0, {0, 0}};
    struct stat st;
    int is_same;

    if (!stat(file->path, &st)) {
        now.dev = st.st_dev;
        now.ino = st.st_ino;
        now.size = st.st_size;
        now.mtime = st.st_mtim;
    }
    is_same = file->was_looked_at && now.dev == file->dev &&
              now.ino == file->ino && now.size == file->size &&
              now.mtime.tv_sec == file->mtime.tv_sec &&
              now.mtime.tv_nsec == file->mtime.tv_nsec;
    *file = now;
    return !is_same;
}

apr_status_t dcv_file_read(char **text, const char *path, apr_size_t max,
                           apr_pool_t *pool)
{
    apr_size_t len = 0;
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv;

    rv = regular_open(&file, path, 0, pool);
    if (rv != APR_SUCCESS)
        return rv;
    rv = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (rv == APR_SUCCESS) {
        if ((apr_uint64_t)info.size < max)
            max = (apr_size_t)info.size;
        *text = apr_palloc(pool, max + 1);
        rv = apr_file_read_full(file, *text, max, &len);
        (*text)[len] = '\0';
    }
    apr_file_close(file);
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

char *dcv_file_line(char **text)
{
    char *line = *text, *end;

    if (!*line)
        return NULL;
    end = line + strcspn(line, "\n");
    *text = *end ? end + 1 : end;
    *end = '\0';
    line[strcspn(line, "#")] = '\0';
    return line;
}

char *dcv_file_word(char **line)
{
    char *word = *line + strspn(*line, BLANKS), *end;

    if (!*word)
        return NULL;
    end = word + strcspn(word, BLANKS);
    *line = *end ? end + 1 : end;
    *end = '\0';
    return word;
}
