/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACME_CONF_H
#define ACME_CONF_H

/*
 * Resolved configuration of one ACME virtual host: values only, no "unset",
 * made at start, const afterwards.  The shells fill it (httpd from directives,
 * acmectl from the server's dump, tests by hand).
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "ca/ca_auto.h"
#include "ca/ca_profile.h"
#include "dcv/dcv_net.h"
#include "policy/policy.h"
#include "store/store.h"

/* policy + issuer + enrolment (pki.md, Profiles). */
typedef struct {
    const char *name;      /* "default" */
    const char *directory; /* "" for the default directory, else name */
    const policy_t *policy;
    ca_profile_t validity;
    const char *issuer;             /* issuer's name: "automatic" */
    apr_array_header_t *challenges; /* of const char *: "http-01" */
} acme_profile_t;

typedef struct {
    const char *server_name; /* the vhost's, for logs and names */
    const char *base_url;    /* "https://ca.example" without slash at end */
    apr_array_header_t *base_url_aliases; /* of const char * */
    const char *path;                     /* "/acme", no slash at the end */
    const char *realm;                    /* ACMERealm, "" by default */
    const char *state_dir;
    store_conf_t store;
    const char *terms_url;      /* NULL: none */
    const char *website;        /* meta.website; NULL: none */
    apr_int64_t order_lifetime; /* seconds */
    apr_int64_t authz_lifetime; /* of a valid one; a pending one lives as
                                   long as its order */
    int authz_reuse;
    int underscore; /* ACMEValidationUnderscore */
    int tolerate_padded_csr;
    int nonce_slots;
    int nonce_reject;                  /* for testing: percent of good nonces */
    apr_interval_time_t finalize_wait; /* 5 s */
    dcv_conf_t *dcv;
    apr_array_header_t *profiles; /* of acme_profile_t * */
    /* Filled by the parent after the configuration was checked; NULL while the
     * CA cannot be used, and then ca_problem says why (for 503s and the log) */
    ca_auto_t *ca;
    const char *ca_problem;
} acme_conf_t;

/* Every default filled in; the built-in profile `default` included. */
acme_conf_t *acme_conf_make(apr_pool_t *pool);

/* What is wrong with it: of const char *, each "directive value: reason;
 * remedy"; empty when all is well. */
apr_array_header_t *acme_conf_check(const acme_conf_t *conf, apr_pool_t *pool);

/* To and from the dump that `-D DUMP_ACME_CONFIG` prints; NULL if a member of
 * it is missing or of another type. */
json_t *acme_conf_render(const acme_conf_t *conf, apr_pool_t *pool);
acme_conf_t *acme_conf_parse(json_t *json, apr_pool_t *pool);

#endif
