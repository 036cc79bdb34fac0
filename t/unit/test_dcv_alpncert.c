/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_alpncert.h"

#include <string.h>

#include "dcv_proof.h"
#include "tap.h"

#define KEY "token.thumb"

static const char *judge(const char *domain, const proof_t *proof,
                         apr_pool_t *pool)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = proof_make(proof, key);
    dcv_job_t job = {.domain = domain, .key_authorization = KEY, .pool = pool};
    const char *hint, *why = dcv_alpncert_judge(&hint, cert, &job);

    X509_free(cert);
    EVP_PKEY_free(key);
    return why;
}

static void refused(const char *domain, const proof_t *proof, const char *words,
                    apr_pool_t *pool)
{
    const char *why = judge(domain, proof, pool);

    ok(why && strstr(why, words), "no \"%s\" in: %s", words,
       why ? why : "(proven)");
}

static void right(apr_pool_t *pool)
{
    is_str(judge("a.test", PROOF("DNS:a.test", KEY), pool), NULL);
    is_str(judge("a.test", PROOF("DNS:A.Test", KEY), pool), NULL);
    is_str(judge("a.test", PROOF("DNS:a.test", KEY, .is_expired = 1), pool),
           NULL);
    is_str(judge("192.0.2.1", PROOF("IP:192.0.2.1", KEY), pool), NULL);
    is_str(judge("2001:db8::1", PROOF("IP:2001:db8:0::1", KEY), pool), NULL);
}

static void names(apr_pool_t *pool)
{
    refused("a.test", PROOF("DNS:a.test,DNS:b.test", KEY),
            "is for \"a.test\", \"b.test\", but must be for \"a.test\" alone",
            pool);
    refused("a.test", PROOF("DNS:a.test,DNS:a.test", KEY), "alone", pool);
    refused("a.test", PROOF("DNS:a.test,email:a@a.test", KEY),
            "a name of another kind", pool);
    refused("a.test", PROOF("email:a.test", KEY), "another kind", pool);
    refused("a.test", PROOF("DNS:b.test", KEY), "is for \"b.test\"", pool);
    refused("a.test", PROOF("DNS:a.test.evil", KEY), "is for", pool);
    refused("a.test", PROOF("DNS:*.test", KEY), "is for", pool);
    refused("a.test", PROOF("DNS:1.a,DNS:2.a,DNS:3.a,DNS:4.a,DNS:5.a", KEY),
            "\"3.a\" and 2 more", pool);
    refused("a.test", PROOF(NULL, KEY), "has no subjectAltName", pool);
    refused("192.0.2.1", PROOF("DNS:192.0.2.1", KEY), "is for", pool);
    refused("192.0.2.1", PROOF("IP:192.0.2.2", KEY), "192.0.2.2", pool);
    refused("a.test", PROOF("IP:192.0.2.2", KEY), "192.0.2.2", pool);
    refused("::ffff:192.0.2.1", PROOF("IP:192.0.2.1", KEY), "is for", pool);
}

static void identifiers(apr_pool_t *pool)
{
    refused("a.test", PROOF("DNS:a.test", NULL), "no acmeIdentifier", pool);
    refused("a.test", PROOF("DNS:a.test", KEY, .oid = "1.3.6.1.5.5.7.1.30.1"),
            "no acmeIdentifier", pool);
    refused("a.test", PROOF("DNS:a.test", KEY, .is_not_critical = 1),
            "not critical", pool);
    refused("a.test", PROOF("DNS:a.test", KEY, .is_twice = 1), "more than one",
            pool);
    refused("a.test", PROOF("DNS:a.test", KEY, .is_short = 1),
            "no octet string of 32", pool);
    refused("a.test", PROOF("DNS:a.test", "token.other"),
            "another key authorization", pool);
}

static void signatures(apr_pool_t *pool)
{
    refused("a.test", PROOF("DNS:a.test", KEY, .is_not_self_signed = 1),
            "not self-signed", pool);
    refused("a.test", PROOF("DNS:a.test", KEY, .has_issuer = 1),
            "not self-signed", pool);
}

static void server_names(apr_pool_t *pool)
{
    is_str(dcv_alpncert_server_name("a.test", pool), "a.test");
    is_str(dcv_alpncert_server_name("192.0.2.1", pool),
           "1.2.0.192.in-addr.arpa");
    is_str(dcv_alpncert_server_name("2001:db8::1", pool),
           "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
           "ip6.arpa");
}

const tap_case_t tap_cases[] = {
    {"T83 T84 certificates that prove", right},
    {"T83 T84 one name, and that the identifier", names},
    {"T83 the acmeIdentifier: critical, and the right digest", identifiers},
    {"T83 self-signed", signatures},
    {"T84 SNI: the reverse name of an address", server_names},
    {NULL, NULL}};
