/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_WINDOW_H
#define ACME_WINDOW_H

/* When a certificate should be renewed.  Pure functions. */

#include "store/store_renewal.h"

typedef struct {
    apr_int64_t start, end; /* end > start */
    const char *url;        /* explanationURL; NULL: nothing to explain */
    apr_int64_t look_again; /* seconds: Retry-After */
} acme_window_t;

/*
 * Around two thirds of the certificate's life, half of it when that is short
 * (ten days and less), counted from its issuance.  The window is a twenty-fifth
 * of the life wide, and where it lies depends on the serial number, by as much
 * again: certificates that were made at the same moment, for a whole fleet, are
 * not due at the same moment, neither for clients that choose a time within the
 * window nor for those that take its start.
 *
 * A revoked certificate's window is over.  forward (NULL: none): what an
 * operator has pulled forward, if it ends earlier.
 */
acme_window_t acme_window_of(const store_cert_t *cert,
                             const store_renewal_t *forward);

#endif
