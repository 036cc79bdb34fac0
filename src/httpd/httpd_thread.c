/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_thread.h"

#include <signal.h>

#include <openssl/crypto.h>

#include "base/banned.h"

apr_status_t httpd_thread_start(apr_thread_start_t run, void *baton,
                                apr_pool_t *pool)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    apr_thread_t *thread;
    sigset_t all, before;
    apr_status_t rv;
    apr_size_t i;

    sigfillset(&all);
    for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = apr_thread_create(&thread, NULL, run, baton, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv == APR_SUCCESS)
        apr_thread_detach(thread);
    return rv;
}

void httpd_thread_end(void)
{
    OPENSSL_thread_stop();
}
