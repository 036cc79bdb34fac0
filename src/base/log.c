/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <apr_strings.h>
#include <stdarg.h>

#include "base/banned.h"

void log_write(const log_t *log, log_level_e level, const char *tag,
               apr_status_t rv, const char *fmt, ...)
{
    char text[2048];
    va_list args;

    if (!log || !log->write || level > log->level)
        return;
    va_start(args, fmt);
    apr_vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    log->write(log->baton, level, tag, rv, text);
}
