/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTPD_THREAD_H
#define HTTPD_THREAD_H

#include <apr_thread_proc.h>

/* A detached thread of ours in httpd's child.  Signals are the main thread's;
 * what the processor raises stays the thread's own. */
apr_status_t httpd_thread_start(apr_thread_start_t run, void *baton,
                                apr_pool_t *pool)
    __attribute__((warn_unused_result));

/* Before such a thread says that it is over, whereupon the process may end:
 * what OpenSSL keeps for it goes now, not while all that is OpenSSL's goes. */
void httpd_thread_end(void);

#endif
