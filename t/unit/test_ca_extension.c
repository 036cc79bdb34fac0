/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_extension.h"

#include "ca_leaf.h"

#include "base/token.h"

static ca_request_t request_for(EVP_PKEY *key, apr_pool_t *pool)
{
    ca_request_t request = {0};

    request.identifiers = names(pool, "a.test", NULL);
    request.key = key;
    request.serial = token_serial(pool);
    request.not_before = NOW - 3600;
    request.not_after = NOW + 90 * DAY;
    request.key_usage = KU_DIGITAL_SIGNATURE;
    return request;
}

static void urls(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    X509 *leaf;

    request.issuer_url = "http://ca.test/acme/issuer/1.cer";
    request.crl_url = "http://ca.test/acme/issuer/1.crl";
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(extension(leaf, NID_info_access, pool),
           "CA Issuers - URI:http://ca.test/acme/issuer/1.cer");
    ok(strstr(extension(leaf, NID_crl_distribution_points, pool),
              "URI:http://ca.test/acme/issuer/1.crl"));
    ok(!verify(leaf, issuer, "a.test", NOW));
    request.ocsp_url = "http://ca.test/acme/issuer/1.ocsp";
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(extension(leaf, NID_info_access, pool),
           "OCSP - URI:http://ca.test/acme/issuer/1.ocsp\n"
           "CA Issuers - URI:http://ca.test/acme/issuer/1.cer");
    is_int(X509_get_ext_count(leaf), 7);
    request.no_rev_avail = 1;
    refused("cannot be revoked", issuer, &request, pool);
    request.crl_url = NULL;
    refused("cannot be revoked", issuer, &request, pool);
    request.ocsp_url = NULL;
    need(issue(issuer, &request, pool));
}

/* T84 */
static void addresses(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_request_t request = request_for(ca_key_make("P-256", pool), pool);
    X509 *leaf;

    request.identifiers =
        names(pool, "a.test", "10.0.0.1", "2001:db8::1", NULL);
    leaf = issue(issuer, &request, pool);
    need(leaf);
    is_str(extension(leaf, NID_subject_alt_name, pool),
           "critical DNS:a.test, IP Address:10.0.0.1, "
           "IP Address:2001:DB8:0:0:0:0:0:1");
    is_int(X509_check_ip_asc(leaf, "10.0.0.1", 0), 1);
    is_int(X509_check_ip_asc(leaf, "2001:db8:0::1", 0), 1);
    is_int(X509_check_ip_asc(leaf, "10.0.0.2", 0), 0);
    is_int(X509_check_host(leaf, "a.test", 0, 0, NULL), 1);
    is_int(X509_check_host(leaf, "10.0.0.1", 0, 0, NULL), 0);
}

const tap_case_t tap_cases[] = {
    {"URLs of list, responder and issuer; RFC 9608: not both", urls},
    {"T84 IP addresses", addresses},
    {NULL, NULL}};
