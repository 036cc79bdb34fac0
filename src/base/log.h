/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_H
#define LOG_H

/*
 * Where the library's messages go: level, permanent tag, status and text to a
 * callback that knows the context (a request_rec, a server, a terminal).
 *
 * Every message at info or above carries a tag "AS0001", never reused; t/tags
 * lists them all, removed ones too.  Blocks by folder: base 0001-, jose 0050-,
 * policy 0100-, ca 0150-, dcv 0200-, store 0250-, acme 0300-, httpd 0400-,
 * ctl 0600-.
 */

#include <apr_errno.h>
#include <apr_pools.h>

/* In the order of httpd's APLOG_ levels. */
typedef enum {
    LOG_LEVEL_CRIT,
    LOG_LEVEL_ERROR,   /* an operator must act */
    LOG_LEVEL_WARNING, /* will become one */
    LOG_LEVEL_NOTICE,  /* issued, revoked, key changed, started */
    LOG_LEVEL_INFO,    /* refused requests */
    LOG_LEVEL_DEBUG,   /* decisions */
    LOG_LEVEL_TRACE    /* contents */
} log_level_e;

typedef struct {
    void (*write)(void *baton, log_level_e level, const char *tag,
                  apr_status_t rv, const char *text);
    void *baton;
    log_level_e level; /* less important messages are not even formatted */
} log_t;

/* tag NULL for debug and trace.  text is formatted into a buffer of its own,
 * cut at 2 KiB; control characters are escaped by the sink.  log NULL is
 * silent. */
void log_write(const log_t *log, log_level_e level, const char *tag,
               apr_status_t rv, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
