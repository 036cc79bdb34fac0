/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_JOURNAL_H
#define CA_JOURNAL_H

#include <apr_strings.h>

#include "base/log.h"

/* What the code logged, for a case to look at. */
typedef struct {
    log_t log;
    apr_size_t len;
    char text[16384];
} journal_t;

static inline void journal_write(void *baton, log_level_e level,
                                 const char *tag, apr_status_t rv,
                                 const char *text)
{
    journal_t *journal = baton;

    journal->len += (apr_size_t)apr_snprintf(
        journal->text + journal->len, sizeof(journal->text) - journal->len,
        "%d %s %s\n", (int)level, tag ? tag : "-", text);
}

static inline journal_t *journal_make(apr_pool_t *pool)
{
    journal_t *journal = apr_pcalloc(pool, sizeof(*journal));

    journal->log.write = journal_write;
    journal->log.baton = journal;
    journal->log.level = LOG_LEVEL_TRACE;
    return journal;
}

#endif
