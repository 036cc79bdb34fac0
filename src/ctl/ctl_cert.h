/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CERT_H
#define CTL_CERT_H

/* Certificates, as several commands show and choose them. */

#include "ctl/ctl.h"
#include "store/store_cert.h"

json_t *ctl_cert_render(const ctl_t *ctl, const store_cert_t *cert);

/* By id, or by the serial number as openssl prints it: colons and upper case
 * are fine. */
ctl_exit_e ctl_cert_get(store_cert_t **cert, const ctl_t *ctl, const char *text)
    __attribute__((warn_unused_result));

/* Which ones: the values of CTL_CERT_OPTIONS and more; NULL: whichever. */
#define CTL_CERT_OPTIONS                                                       \
    {"account", "ID", "only what belongs to this account"},                    \
        {"eab", "KID", "only what was issued with this external account key"}, \
        {"spki", "SHA256",                                                     \
         "only what has this public key (spkiSHA256 of cert show)"},           \
    {                                                                          \
        "name", "NAME", "only what names exactly this (among others)"          \
    }
typedef struct {
    const char *account, *eab, *spki, *identifier;
    const char *before; /* older than this one */
    int is_revoked;     /* only what is revoked */
    apr_int64_t now;    /* only what is good now; 0: whichever */
    int limit;          /* 0: all */
} ctl_cert_filter_t;
ctl_exit_e ctl_cert_filter(ctl_cert_filter_t *filter, const ctl_t *ctl)
    __attribute__((warn_unused_result));

/* Newest first (of store_cert_t *). */
ctl_exit_e ctl_cert_find(apr_array_header_t **certs, const ctl_t *ctl,
                         const ctl_cert_filter_t *filter)
    __attribute__((warn_unused_result));

/* ctl_revoke.c: `cert revoke` */
extern const ctl_option_t ctl_revoke_options[];
ctl_exit_e ctl_revoke(ctl_t *ctl);

#endif
