/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_alpncert.h"

#include <openssl/asn1.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#include <apr_strings.h>

#include "base/quote.h"
#include "dcv/dcv_address.h"

#include "base/banned.h"

/* Names that are shown, and octets of each. */
#define NAMES_SHOWN 3
#define SHOWN_MAX   64

#define STALE                                                                  \
    "is it an older challenge's, or another account's? The key authorization " \
    "is the token, a dot and the thumbprint of the account's key"

/* 1.3.6.1.5.5.7.1.31 (RFC 8737 6.1), and what drafts had. */
static const unsigned char acme_oid[] = {0x2b, 6, 1, 5, 5, 7, 1, 31};
static const unsigned char draft_oid[] = {0x2b, 6, 1, 5, 5, 7, 1, 30, 1};

static X509_EXTENSION *extension_find(int *count, X509 *certificate,
                                      const unsigned char *oid, size_t len)
{
    X509_EXTENSION *found = NULL;
    int i;

    *count = 0;
    for (i = 0; i < X509_get_ext_count(certificate); i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, i);
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);

        if (OBJ_length(object) != len ||
            memcmp(OBJ_get0_data(object), oid, len))
            continue;
        found = extension;
        ++*count;
    }
    return found;
}

/* The extension is an OCTET STRING of 32 octets. */
static const char *digest_fault(const char **hint, X509 *certificate,
                                const dcv_job_t *job)
{
    unsigned char want[2 + SHA256_DIGEST_LENGTH] = {4, SHA256_DIGEST_LENGTH};
    const char *text = job->key_authorization;
    const ASN1_OCTET_STRING *value;
    X509_EXTENSION *extension;
    int count, drafts;

    extension = extension_find(&count, certificate, acme_oid, sizeof(acme_oid));
    if (!count) {
        extension_find(&drafts, certificate, draft_oid, sizeof(draft_oid));
        *hint = drafts ? "the client follows a draft of RFC 8737"
                       : "is it the site's usual certificate? The ACME client "
                         "must answer \"acme-tls/1\" with one made for this";
        return "has no acmeIdentifier extension";
    }
    if (count > 1)
        return "has more than one acmeIdentifier extension";
    if (!X509_EXTENSION_get_critical(extension))
        return "has an acmeIdentifier extension that is not critical";
    value = X509_EXTENSION_get_data(extension);
    SHA256((const unsigned char *)text, strlen(text), want + 2);
    if (ASN1_STRING_length(value) != (int)sizeof(want) ||
        memcmp(ASN1_STRING_get0_data(value), want, 2))
        return "has an acmeIdentifier extension that is no octet string of 32";
    if (memcmp(ASN1_STRING_get0_data(value), want, sizeof(want))) {
        *hint = STALE;
        return "has an acmeIdentifier extension for another key authorization";
    }
    return NULL;
}

static const char *name_text(const GENERAL_NAME *name, apr_pool_t *pool)
{
    const ASN1_STRING *value =
        name->type == GEN_IPADD ? name->d.iPAddress : name->d.dNSName;
    apr_size_t len;

    if (name->type == GEN_IPADD) {
        int family = ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6;

        return ASN1_STRING_length(value) == (family == AF_INET ? 4 : 16)
                   ? dcv_address_make(family, ASN1_STRING_get0_data(value),
                                      pool)
                         ->text
                   : "an IP address of a strange length";
    }
    if (name->type != GEN_DNS)
        return "a name of another kind";
    len = (apr_size_t)ASN1_STRING_length(value);
    return apr_pstrcat(pool, "\"",
                       quote_make((const char *)ASN1_STRING_get0_data(value),
                                  len, SHOWN_MAX, pool),
                       "\"", NULL);
}

static const char *names_text(const GENERAL_NAMES *names, apr_pool_t *pool)
{
    int i, count = sk_GENERAL_NAME_num(names);
    const char *text = "";

    for (i = 0; i < count && i < NAMES_SHOWN; i++)
        text =
            apr_pstrcat(pool, text, i ? ", " : "",
                        name_text(sk_GENERAL_NAME_value(names, i), pool), NULL);
    return count > i ? apr_psprintf(pool, "%s and %d more", text, count - i)
                     : text;
}

/* T84: an address by its octets; T83: a name whatever its case. */
static int is_domain(const GENERAL_NAME *name, const dcv_job_t *job)
{
    dcv_address_t *address = dcv_address_parse(job->domain, job->pool);
    const ASN1_STRING *value;
    int family;

    if (address && name->type == GEN_IPADD) {
        value = name->d.iPAddress;
        family = address->sock.any.sa_family;
        if (ASN1_STRING_length(value) != (family == AF_INET ? 4 : 16))
            return 0;
        return !strcmp(
            dcv_address_make(family, ASN1_STRING_get0_data(value), job->pool)
                ->text,
            address->text);
    }
    if (address || name->type != GEN_DNS)
        return 0;
    value = name->d.dNSName;
    return (apr_size_t)ASN1_STRING_length(value) == strlen(job->domain) &&
           !strncasecmp((const char *)ASN1_STRING_get0_data(value), job->domain,
                        strlen(job->domain));
}

static const char *names_fault(const char **hint, X509 *certificate,
                               const dcv_job_t *job)
{
    int critical;
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    const char *fault = NULL;

    if (!names) {
        *hint = "the subject's common name does not count";
        return critical == -1 ? "has no subjectAltName"
                              : "has a strange subjectAltName";
    }
    if (sk_GENERAL_NAME_num(names) != 1 ||
        !is_domain(sk_GENERAL_NAME_value(names, 0), job)) {
        fault =
            apr_psprintf(job->pool, "is for %s, but must be for \"%s\" alone",
                         names_text(names, job->pool), job->domain);
        *hint = "does the server choose the certificate by the name (SNI) that "
                "it is asked for?";
    }
    GENERAL_NAMES_free(names);
    return fault;
}

static int is_self_signed(X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    return key &&
           !X509_NAME_cmp(X509_get_subject_name(certificate),
                          X509_get_issuer_name(certificate)) &&
           X509_verify(certificate, key) == 1;
}

const char *dcv_alpncert_judge(const char **hint, X509 *certificate,
                               const dcv_job_t *job)
{
    const char *fault;

    *hint = NULL;
    fault = names_fault(hint, certificate, job);
    if (!fault)
        fault = digest_fault(hint, certificate, job);
    if (!fault && !is_self_signed(certificate))
        fault = "is not self-signed";
    return fault ? apr_pstrcat(job->pool, "its certificate ", fault, NULL)
                 : NULL;
}

static const char *reverse_make(const dcv_address_t *address, apr_pool_t *pool)
{
    const unsigned char *octets =
        (const unsigned char *)&address->sock.v4.sin_addr;
    const char *text = "";
    int i;

    if (address->sock.any.sa_family == AF_INET)
        return apr_psprintf(pool, "%d.%d.%d.%d.in-addr.arpa", octets[3],
                            octets[2], octets[1], octets[0]);
    octets = address->sock.v6.sin6_addr.s6_addr;
    for (i = 15; i >= 0; i--)
        text = apr_psprintf(pool, "%s%x.%x.", text, octets[i] & 15,
                            octets[i] >> 4);
    return apr_pstrcat(pool, text, "ip6.arpa", NULL);
}

const char *dcv_alpncert_server_name(const char *domain, apr_pool_t *pool)
{
    dcv_address_t *address = dcv_address_parse(domain, pool);

    return address ? reverse_make(address, pool) : domain;
}
