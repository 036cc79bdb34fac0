/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_H
#define DCV_H

/*
 * Domain control validation: asks the outside world.  Value in, value out; no
 * store, no ACME objects.
 */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "base/problem.h"
#include "dcv/dcv_conf.h"

typedef enum {
    DCV_HTTP01,
    DCV_DNS01,
    DCV_TLSALPN01,
    DCV_DNS_ACCOUNT01, /* draft-ietf-acme-dns-account-label-03 */
    DCV_DNS_PERSIST01, /* draft-ietf-acme-dns-persist-02 */
    DCV_RESOLVE        /* nothing is proven but where names resolve to */
} dcv_method_e;

/* Where a name must resolve to (pki.md, Network binding). */
typedef struct {
    const char *name;                      /* normalised dns name */
    const apr_array_header_t *resolves_to; /* of const char *, CIDRs */
} dcv_bound_t;

/* A name whose CAA records are to be looked at. */
typedef struct {
    const char *domain; /* normalised, without "*." */
    int is_wildcard;
    const char *method; /* that proves it: "http-01"; NULL: nobody does */
} dcv_caa_name_t;

/* What they may name (RFC 8659, RFC 8657). */
typedef struct {
    const apr_array_header_t *names;      /* of const dcv_caa_name_t * */
    const apr_array_header_t *identities; /* of const char *: this CA's */
    const char *account_uri;
    int is_strict; /* what cannot be had forbids, wherever that is */
} dcv_caa_t;

/* A name server that has been asked for a record. */
typedef struct {
    const char *zone, *name;
    const char *address; /* NULL: it has none */
    const char *fault;   /* NULL: it answers for the zone */
    int is_lame;         /* it answers, but does not have the zone */
} dcv_seen_t;

/* Where TXT records are looked for (dcv_job_t, survey); its words are in the
 * job's pool. */
typedef struct {
    const char *record; /* whose: where CNAMEs led */
    const char *zone;   /* that it is in; "": the root; NULL: nobody says */
    int is_found;       /* there are some */
    apr_array_header_t *servers; /* of dcv_seen_t *: those of the zones on the
                                    way; none where they are not asked */
} dcv_survey_t;

typedef struct {
    dcv_method_e method;
    const char *domain; /* normalised dns name or address; of DCV_RESOLVE: for
                           logs */
    const char *token;
    const char *key_authorization; /* token "." thumbprint */
    /* Of const dcv_bound_t *; NULL: none.  DCV_RESOLVE looks at each: all
     * addresses of its name must be in these networks; DCV_DNS01 does so too
     * when all else is proven.  The others know only domain's, and dial no
     * address of it that is not. */
    const apr_array_header_t *bounds;
    const dcv_caa_t *caa;          /* looked at in the end; NULL: not */
    const char *account;           /* whose job it is: for fairness, logs */
    apr_interval_time_t time_left; /* for it; 0: as the configuration says */
    /* Of the drafts' methods. */
    const char *account_url;
    const apr_array_header_t *issuers; /* of const char *: our names */
    /* Of dns-persist-01 (of const char *): how a record may name the account,
     * the best way first; and how every such URL begins, whosever it is. */
    const apr_array_header_t *account_uris, *hash_prefixes;
    int is_url_allowed; /* account_url itself as well, as in draft 01 */
    int is_wildcard;
    /* To be filled in by the methods of TXT records, which then try once, and
     * ask every server; NULL: they stop when they know. */
    dcv_survey_t *survey;
    apr_pool_t *pool; /* the job's own pool, with its own
                         allocator; the loop uses it from submit
                         until done is called */
} dcv_job_t;

typedef struct {
    problem_t *problem;   /* NULL: proven */
    int is_retryable;     /* nothing was learned (we are stopping, overload) */
    const char *address;  /* that answered at last, NULL if none */
    apr_int64_t until;    /* when it may not be relied on any more; 0: who
                             knows */
    apr_int64_t lifetime; /* seconds in which it may be relied on again; 0:
                             as long as one likes */
    /* Not proven, but somebody who could prove it was there and answered; and
     * the status of that answer, if it was HTTP. */
    int is_reached, status;
    apr_interval_time_t took;
} dcv_result_t; /* lives in the job's pool */

#endif
