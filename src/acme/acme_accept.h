/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_ACCEPT_H
#define ACME_ACCEPT_H

/* Proactive negotiation by the header Accept (RFC 9110 12.5.1). */

typedef struct {
    const char *type;      /* "application/pkix-cert" */
    const char *parameter; /* "smime-type=certs-only": a range that has this
                              parameter with another value does not mean it;
                              NULL: none */
} acme_accept_t;

/* Which of count offers the client likes best; the first of several, and the
 * first of all without a header (NULL) or one in which nothing can be read. -1:
 * it takes none of them.  The most particular range decides about each; ranges
 * that are malformed, and parameters we know nothing of, are passed over. */
int acme_accept_choose(const char *accept, const acme_accept_t *offers,
                       int count);

#endif
