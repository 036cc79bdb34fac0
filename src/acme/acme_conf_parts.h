/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CONF_PARTS_H
#define ACME_CONF_PARTS_H

/* What acme_conf_t is made of: issuers and profiles. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "ca/ca_auto.h"
#include "ca/ca_profile.h"
#include "policy/policy.h"

/* The issuer that is there without being configured. */
#define ACME_ISSUER_AUTOMATIC "automatic"

/* A CA to sign with (pki.md, Issuers): what its directives say, and what became
 * of it.  Files are absolute paths, NULL where they are not given. */
typedef struct {
    const char *name;
    const char *type;        /* "internal" */
    const char *certificate; /* PEM: certificate, then its chain */
    const char *key;
    const char *directory;          /* of generations, <n>.pem and <n>.key */
    apr_array_header_t *alternates; /* of const char *: further chains */
    const char *url;                /* NULL: issuer_url, or publish_url */
    int crl, ocsp;                  /* ACMEIssuerCRL, ACMEIssuerOCSP */
    apr_int64_t crl_life;           /* seconds from a list to its nextUpdate */
    apr_int64_t ocsp_life;          /* … from a response */
    /* Filled by the parent after the configuration was checked; set is NULL
     * while the issuer cannot be used, and then problem says why (for 503s and
     * the log). */
    ca_set_t *set;
    const char *problem;
} acme_issuer_t;

typedef enum {
    ACME_EXTERNAL_OFF,
    ACME_EXTERNAL_OPTIONAL,
    ACME_EXTERNAL_REQUIRED
} acme_external_e;

/* policy + issuer + enrolment (pki.md, Profiles). */
typedef struct {
    const char *name;        /* "default" */
    const char *directory;   /* "" for the default directory, else name */
    const char *description; /* for meta.profiles; NULL: none */
    const policy_t *policy;
    ca_profile_t validity;
    const char *validity_text;      /* ACMEProfileValidity as it was written;
                                       NULL: it was not */
    const char *issuer;             /* issuer's name: "automatic" */
    apr_array_header_t *challenges; /* of const char *: "http-01" */
    int has_challenges;             /* ACMEProfileChallenges was written */
    int external;                   /* acme_external_e */
    int validation; /* 0: authorizations are valid from birth, for accounts
                       with an external account key */
    int caa;
    int subdomains;              /* RFC 9444, by dns-01 */
    int enrollment;              /* 0: it has no directory */
    apr_array_header_t *subject; /* of const char *: "O=Example Corp" */
} acme_profile_t;

/* An internal one without files; a profile that says nothing: the preset
 * tls-server, 90 days, the automatic CA, validation by all but the
 * drafts, and no directory yet. */
acme_issuer_t *acme_issuer_make(const char *name, apr_pool_t *pool);
acme_profile_t *acme_profile_make(const char *name, apr_pool_t *pool);

#endif
