/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_EAB_H
#define HANDLE_EAB_H

/*
 * External accounts, profiles and what they leave behind, for tests of acme/.
 *
 *     eab_t *eab = eab_make(h, "default");      change eab->row, then
 *     eab_store(eab);
 *     r = client_bind(c, eab, NULL);
 */

#include "acme/acme_audit.h"
#include "acme/acme_eab_secret.h"
#include "handle.h"
#include "store/store_eab.h"

typedef struct {
    handle_t *h;
    store_eab_t row;
    const char *secret; /* base64url */
} eab_t;

/* What is wrong with a binding; NULL members are right. */
typedef struct {
    const char *alg;    /* "HS384" */
    const char *header; /* the whole protected header */
    const char *url, *payload, *kid, *secret;
    const char *mac; /* the signature itself */
} binding_t;

/* A profile like the built-in one, with a directory of its own. */
acme_profile_t *profile_add(handle_t *h, const char *name);

/* Those of the key file of this name, which is made if there is none. */
acme_eab_keys_t *eab_keys(handle_t *h, const char *name);

/* A key for this profile, not stored yet; h gets a key file if it has none. */
eab_t *eab_make(handle_t *h, const char *profile);
void eab_store(eab_t *eab);
void eab_status(eab_t *eab, const char *status);

/* The value of externalAccountBinding for a request to url. */
const char *binding_make(const client_t *c, const eab_t *eab, const char *url,
                         const binding_t *twist);

/* newAccount in this directory ("" is the default one) with or without (eab
 * NULL) a binding; then, if there is an account, the client signs with its kid.
 */
reply_t *client_bind(client_t *c, const char *directory, const eab_t *eab,
                     const binding_t *twist);

/* "<base>/acme/<directory>/<rest>" */
const char *directory_url(const handle_t *h, const char *directory,
                          const char *rest);

/* newOrder in this directory; more: further members, ",\"profile\":\"x\"". */
reply_t *order_in(client_t *c, const char *directory, const char *names,
                  const char *more);

/* The newest event of this kind (NULL: of any), and how many there are. */
const store_event_t *event_last(handle_t *h, const char *kind);
int event_count(handle_t *h, const char *kind);

#endif
