/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_selftest_need.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "base/own.h"
#include "base/words.h"

#include "base/banned.h"

/* RFC 8555 7.4, finalize, and 7.4.2, certificates. */

/* A CSR that must be refused, and leaves the order ready. */
static void csr_refuse(ctl_test_t *t, const char *payload, const char *problems,
                       const char *what)
{
    const ctl_answer_t *answer;
    apr_array_header_t *chain;

    ctl_test_is(t,
                ctl_test_post(t, t->account,
                              ctl_test_text(t->ready, "finalize"), payload),
                "4xx", problems, what);
    answer = ctl_test_post(t, t->account, t->ready_url, "");
    if (!strcmp(ctl_test_text(answer, "status"), "ready"))
        return;
    ctl_test_fail(t, answer, "%s: the order is not ready any more", what);
    ctl_test_download(&chain, t, answer);
    t->ready = NULL;
}

static const char *raw_csr(ctl_test_t *t, const void *data, apr_size_t len)
{
    return apr_pstrcat(t->pool, "{\"csr\":\"",
                       b64url_encode(data, len, t->pool), "\"}", NULL);
}

static void csr_names(ctl_test_t *t)
{
    EVP_PKEY *key = ctl_test_signer(t, "P-256")->key;

    if (!ctl_need_ready(t))
        return;
    csr_refuse(t,
               ctl_test_csr(t, key, t->name,
                            apr_pstrcat(t->pool, "extra.", t->name, NULL)),
               "badCSR", "a CSR with one more name");
    if (ctl_need_ready(t))
        csr_refuse(t,
                   ctl_test_csr(t, key,
                                apr_pstrcat(t->pool, "extra.", t->name, NULL),
                                NULL),
                   "badCSR", "a CSR for another name");
}

static void csr_form(ctl_test_t *t)
{
    EVP_PKEY *key = ctl_test_signer(t, "P-256")->key;
    const unsigned char *der;
    unsigned char *bad;
    apr_size_t len = 0;

    if (!ctl_need_ready(t))
        return;
    der = ctl_test_request(&len, key, t->name, NULL, t->pool);
    if (!der)
        return;
    bad = apr_pmemdup(t->pool, der, len);
    bad[len - 1] ^= 1;
    csr_refuse(t, raw_csr(t, bad, len), "badCSR malformed",
               "a CSR whose signature is wrong");
    if (ctl_need_ready(t))
        csr_refuse(t, raw_csr(t, "selftest", 8), "badCSR malformed",
                   "a CSR that is none");
}

static void csr_key(ctl_test_t *t)
{
    if (ctl_need_ready(t))
        csr_refuse(t, ctl_test_csr(t, t->account->key, t->name, NULL),
                   "badCSR badPublicKey", "a CSR with the account's key");
}

static void finalized(ctl_test_t *t)
{
    const char *location;

    if (!ctl_need_cert(t) && !t->finalized)
        return;
    if (!ctl_test_is(t, t->finalized, "200", NULL, "finalize"))
        return;
    if (!words_text_has("processing valid",
                        ctl_test_text(t->finalized, "status")))
        ctl_test_fail(t, t->finalized,
                      "the order is neither processing nor "
                      "valid");
    location = ctl_test_header(t->finalized, "Location");
    if (!location || strcmp(location, t->ready_url))
        ctl_test_fail(t, t->finalized, "no Location of the order");
    if (strcmp(ctl_test_text(t->valid, "status"), "valid"))
        ctl_test_fail(t, t->valid, "the order did not become valid");
}

static void finalized_again(ctl_test_t *t)
{
    if (!ctl_need_cert(t))
        return;
    ctl_test_is(t,
                ctl_test_post(t, t->account,
                              ctl_test_text(t->ready, "finalize"), t->csr),
                "200", NULL, "finalize with the same CSR again");
}

static void finalized_other(ctl_test_t *t)
{
    if (!ctl_need_cert(t))
        return;
    ctl_test_is(t,
                ctl_test_post(t, t->account,
                              ctl_test_text(t->ready, "finalize"),
                              ctl_test_csr(t, ctl_test_signer(t, "P-256")->key,
                                           t->name, NULL)),
                "403", "orderNotReady", "finalize with another CSR");
}

/* Each certificate by the next one. */
static void chain_check(ctl_test_t *t, const ctl_answer_t *answer,
                        apr_array_header_t *chain)
{
    int i;

    if (X509_check_host(APR_ARRAY_IDX(chain, 0, X509 *), t->name, 0, 0, NULL) !=
        1)
        ctl_test_fail(t, answer, "the first certificate is not for %s",
                      t->name);
    for (i = 0; i + 1 < chain->nelts; i++) {
        X509 *cert = APR_ARRAY_IDX(chain, i, X509 *);
        X509 *by = APR_ARRAY_IDX(chain, i + 1, X509 *);

        if (X509_check_issued(by, cert) != X509_V_OK ||
            X509_verify(cert, X509_get0_pubkey(by)) != 1)
            ctl_test_fail(t, answer, "certificate %d is not signed by the next",
                          i + 1);
    }
    ERR_clear_error();
}

static void text_check(ctl_test_t *t, const ctl_answer_t *answer)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
    static const char end[] = "-----END CERTIFICATE-----\n";
    const char *at = answer->body;

    if (strchr(at, '\r'))
        ctl_test_fail(t, answer, "lines that end with CR");
    while (*at) {
        if (strncmp(at, begin, strlen(begin))) {
            ctl_test_fail(t, answer, "text that is no certificate: \"%.20s\"",
                          at);
            return;
        }
        at = strstr(at, end);
        if (!at) {
            ctl_test_fail(t, answer, "a certificate that does not end");
            return;
        }
        at += strlen(end);
        at += *at == '\n' && at[1] == '-'; /* RFC 8555's own example */
    }
}

static void certificate(ctl_test_t *t)
{
    if (!ctl_need_cert(t))
        return;
    if (strcmp(t->cert->type, "application/pem-certificate-chain"))
        ctl_test_fail(t, t->cert,
                      "the type is not "
                      "application/pem-certificate-chain");
    if (X509_check_private_key(APR_ARRAY_IDX(t->chain, 0, X509 *),
                               t->cert_key) != 1)
        ctl_test_fail(t, t->cert, "the first certificate has not our key");
    ERR_clear_error();
    chain_check(t, t->cert, t->chain);
    text_check(t, t->cert);
}

static void chain_length(ctl_test_t *t)
{
    if (!ctl_need_cert(t))
        return;
    if (t->chain->nelts < 2 && !ctl_test_links(t->cert, "up", t->pool)->nelts)
        ctl_test_fail(t, t->cert, "a lone certificate, which mod_md refuses");
    if (t->chain->nelts > 5)
        ctl_test_fail(t, t->cert, "a chain of more than 5 certificates");
}

static void alternates(ctl_test_t *t)
{
    apr_array_header_t *links;
    const ctl_answer_t *answer;
    const char *end = NULL;
    int i;

    if (!ctl_need_cert(t))
        return;
    links = ctl_test_links(t->cert, "alternate", t->pool);
    for (i = 0; i < links->nelts && i < 3; i++) {
        answer = ctl_test_post(t, t->account,
                               APR_ARRAY_IDX(links, i, const char *), "");
        end = strstr(t->cert->body, "-----END");
        if (ctl_test_is(t, answer, "200", NULL, "an alternate chain") && end &&
            strncmp(answer->body, t->cert->body,
                    (apr_size_t)(end - t->cert->body)))
            ctl_test_fail(t, answer, "an alternate for another certificate");
    }
    end = apr_table_getm(t->pool, t->cert->headers, "Link");
    if (end && strstr(end, "alternate") && !links->nelts)
        ctl_test_fail(t, t->cert,
                      "alternates that are not one Link each, with "
                      "rel in quotes: %s",
                      end);
    else if (!links->nelts)
        ctl_test_skip(t, "there are no alternate chains");
}

static void cert_access(ctl_test_t *t)
{
    if (!ctl_need_cert(t))
        return;
    ctl_test_is(t, ctl_test_get(t, t->cert->url), "4xx", NULL,
                "GET of a certificate");
    if (ctl_need_other(t))
        ctl_test_is(t, ctl_test_post(t, t->other, t->cert->url, ""), "4xx",
                    NULL, "another account's certificate");
}

const ctl_rule_t ctl_rules_cert[] = {
    {"T56", "RFC 8555 7.4", "a CSR has the order's names, or is badCSR",
     csr_names},
    {"T57", "RFC 8555 7.4", "a CSR is DER and signed by its key", csr_form},
    {"T58", "RFC 8555 11.1", "a CSR has not the account's key", csr_key},
    {"T59 R10 R12 R32", "RFC 8555 7.4", "finalize: 200, processing or valid",
     finalized},
    {"R13", "RFC 8555 7.4", "finalize with the same CSR again is 200",
     finalized_again},
    {"T55", "RFC 8555 7.4", "finalize with another CSR is orderNotReady",
     finalized_other},
    {"T70 T82", "RFC 8555 9.1", "certificates: PEM, leaf first, a chain",
     certificate},
    {"R18", "RFC 8555 7.4.2", "a chain has 2 to 5 certificates", chain_length},
    {"T71", "RFC 8555 7.4.2", "alternate chains: a Link each, the same leaf",
     alternates},
    {"T72", "RFC 8555 7.4.2", "certificates are shown to their account only",
     cert_access},
    {NULL, NULL, NULL, NULL},
};
