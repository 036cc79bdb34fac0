/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_EAB_H
#define CTL_EAB_H

/*
 * External account keys (pki.md).  ctl_eab.c has the commands,
 * ctl_eab_make.c reads what a new one may, ctl_eab_print.c shows them,
 * ctl_client.c writes the lines for clients.
 *
 * Only root can read the key file that seals the secrets, only the database's
 * owner may write the database: so the file is read first.
 */

#include "acme/acme_eab_secret.h"
#include "ctl/ctl.h"
#include "store/store_eab.h"

/* ctl_eab_make.c: a new row, but for the secret, from the options; what the
 * server would refuse is refused. */
ctl_exit_e ctl_eab_make(store_eab_t *eab, const ctl_t *ctl)
    __attribute__((warn_unused_result));

/* All but the secret; a new reference. */
json_t *ctl_eab_render(const ctl_t *ctl, const store_eab_t *eab);

/* A secret that is handed out: it, the directory, the lines for clients. */
void ctl_eab_print(const ctl_t *ctl, const store_eab_t *eab,
                   const char *secret);

/* {"certbot": "…", …}: what to type for a certificate of this profile; a new
 * reference. */
json_t *ctl_client_lines(const ctl_t *ctl, const store_eab_t *eab,
                         const char *secret);

#endif
