/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_reread.h"

#include "ca_fixture.h"

#include "ca/ca_extension.h"
#include "ca/ca_openssl.h"

/* A good certificate, what it was asked for, and who signed it. */
typedef struct {
    ca_issuer_t *issuer;
    ca_request_t request;
    ca_cert_t *cert;
    const unsigned char *spki;
    apr_size_t spki_len;
    X509 *x509;
    apr_pool_t *pool;
} good_t;

static const ca_attribute_t organization = {"O", "Corp"};

static apr_array_header_t *list_of(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = text;
    return list;
}

static int good_make(good_t *good, const char *issuer_spec, apr_pool_t *pool)
{
    apr_array_header_t *purposes =
        apr_array_make(pool, 1, sizeof(const char *));

    memset(good, 0, sizeof(*good));
    APR_ARRAY_PUSH(purposes, const char *) = "serverAuth";
    good->pool = pool;
    good->issuer = issuer_of(issuer_spec, pool);
    good->request.identifiers = names(pool, "a.test", "b.test", NULL);
    good->request.common_name = "a.test";
    good->request.key = ca_key_make("P-256", pool);
    good->request.serial = "7123456789abcdef0123456789abcdef";
    good->request.not_before = NOW;
    good->request.not_after = NOW + DAY;
    good->request.key_usage = KU_DIGITAL_SIGNATURE;
    good->request.ext_key_usage = purposes;
    good->request.subject = apr_array_make(pool, 1, sizeof(ca_attribute_t *));
    good->request.emails = list_of("a@corp.test", pool);
    good->request.uris = list_of("urn:x:y", pool);
    good->request.no_rev_avail = 1;
    good->request.issuer_url = "http://ca.test/i.cer";
    APR_ARRAY_PUSH((apr_array_header_t *)good->request.subject,
                   const ca_attribute_t *) = &organization;
    if (ca_issue(&good->cert, good->issuer, &good->request, pool))
        return 0;
    good->x509 = parsed(good->cert, pool);
    good->spki = ca_spki_der(&good->spki_len, good->x509, pool);
    return 1;
}

/* The fault that the second look finds, NULL if none. */
static const char *look(const good_t *good)
{
    problem_t *prob = ca_reread_check(good->cert, good->issuer, &good->request,
                                      good->spki, good->spki_len, good->pool);

    is_int(ERR_peek_error(), 0);
    return prob ? prob->cause : NULL;
}

static void found(const good_t *changed, const char *fault)
{
    const char *cause = look(changed);

    ok(cause, "%s", fault);
    if (cause)
        ok(strstr(cause, apr_pstrcat(changed->pool, "away: ", fault, NULL)),
           "%s: %s", fault, cause);
}

static apr_array_header_t *subject_of(const char *type, const char *value,
                                      apr_pool_t *pool)
{
    apr_array_header_t *list =
        apr_array_make(pool, 1, sizeof(ca_attribute_t *));
    ca_attribute_t *attribute = apr_palloc(pool, sizeof(*attribute));

    attribute->type = type;
    attribute->value = value;
    APR_ARRAY_PUSH(list, ca_attribute_t *) = attribute;
    return list;
}

static void fields(apr_pool_t *pool)
{
    good_t good, g;
    unsigned char *spki;

    need(good_make(&good, "P-256", pool));
    ok(!look(&good));
#define CHANGED(member, value, fault)                                          \
    (g = good, g.member = (value), found(&g, (fault)))
    CHANGED(request.serial, "7123456789abcdef0123456789abcdee",
            "serial number");
    CHANGED(request.serial, "-123456789abcdef0123456789abcdef",
            "serial number");
    CHANGED(request.not_before, NOW - 1, "validity");
    CHANGED(request.not_after, NOW + DAY + 1, "validity");
    CHANGED(request.common_name, "b.test", "subject");
    CHANGED(request.common_name, "a.tes", "subject");
    CHANGED(request.common_name, NULL, "subject");
    CHANGED(request.subject, NULL, "subject");
    CHANGED(request.subject, subject_of("OU", "Corp", pool), "subject");
    CHANGED(request.subject, subject_of("O", "Corps", pool), "subject");
    CHANGED(request.emails, NULL, "subjectAltName");
    CHANGED(request.emails, list_of("b@corp.test", pool), "subjectAltName");
    CHANGED(request.uris, NULL, "subjectAltName");
    CHANGED(request.uris, list_of("urn:x:z", pool), "subjectAltName");
    CHANGED(request.no_rev_avail, 0, "noRevAvail");
    CHANGED(request.key_usage, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT,
            "keyUsage");
    CHANGED(request.ext_key_usage, NULL, "extKeyUsage");
    CHANGED(request.identifiers, names(pool, "a.test", NULL), "subjectAltName");
    CHANGED(request.identifiers, names(pool, "b.test", "a.test", NULL),
            "subjectAltName");
    CHANGED(request.identifiers, names(pool, "a.test", "b.tesT", NULL),
            "subjectAltName");
    CHANGED(request.identifiers, names(pool, "a.test", "10.0.0.1", NULL),
            "subjectAltName");
    CHANGED(spki_len, good.spki_len - 1, "public key");
    spki = apr_pmemdup(pool, good.spki, good.spki_len);
    spki[good.spki_len - 1] ^= 1;
    CHANGED(spki, spki, "public key");
    CHANGED(issuer, issuer_of("P-256", pool), "authorityKeyIdentifier");
#undef CHANGED
}

static void set_der(good_t *g, const unsigned char *der, apr_size_t len)
{
    g->cert = apr_pmemdup(g->pool, g->cert, sizeof(*g->cert));
    g->cert->der = der;
    g->cert->der_len = len;
}

static void every_bit(apr_pool_t *pool)
{
    good_t good, g;
    unsigned char *der;
    apr_size_t i;

    need(good_make(&good, "ED25519", pool));
    der = apr_pmemdup(pool, good.cert->der, good.cert->der_len);
    g = good;
    set_der(&g, der, good.cert->der_len);
    for (i = 0; i < 8 * g.cert->der_len; ++i) {
        der[i / 8] ^= (unsigned char)(1u << i % 8);
        ok(look(&g), "bit %d of octet %d", (int)(i % 8), (int)(i / 8));
        der[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    ok(!look(&g));
}

static void lengths(apr_pool_t *pool)
{
    good_t good, g;
    unsigned char *der;
    apr_size_t i;

    need(good_make(&good, "P-256", pool));
    for (i = 0; i < good.cert->der_len; ++i) {
        g = good;
        set_der(&g, apr_pmemdup(pool, good.cert->der, i + 1), i);
        found(&g, "encoding");
    }
    der = apr_pcalloc(pool, good.cert->der_len + 1);
    memcpy(der, good.cert->der, good.cert->der_len);
    g = good;
    set_der(&g, der, good.cert->der_len + 1);
    found(&g, "encoding");
}

/* The certificate with changes, well signed. */
static void resigned(const good_t *good, X509 *changed, const char *fault)
{
    const unsigned char *der;
    apr_size_t len;
    good_t g = *good;

    ok(X509_sign(changed, good->issuer->key, EVP_sha256()) > 0);
    der = ca_cert_der(&len, changed, good->pool);
    set_der(&g, der, len);
    if (fault)
        found(&g, fault);
    else
        ok(!look(&g));
}

static X509 *copy(const good_t *good)
{
    return own_x509(good->pool, X509_dup(good->x509));
}

static void take_out(X509 *cert, int nid)
{
    int place = X509_get_ext_by_NID(cert, nid, -1);

    ok(place >= 0);
    X509_EXTENSION_free(X509_delete_ext(cert, place));
}

static void extension_sets(apr_pool_t *pool)
{
    static const int nids[] = {NID_basic_constraints,
                               NID_key_usage,
                               NID_ext_key_usage,
                               NID_subject_key_identifier,
                               NID_authority_key_identifier,
                               NID_subject_alt_name};
    X509_EXTENSION *again;
    good_t good;
    X509 *cert;
    int i;

    need(good_make(&good, "P-256", pool));
    resigned(&good, copy(&good), NULL);
    for (i = 0; i < 6; ++i) {
        int place = X509_get_ext_by_NID(good.x509, nids[i], -1);

        cert = copy(&good);
        take_out(cert, nids[i]);
        resigned(&good, cert, "extensions: one is missing");
        cert = copy(&good);
        again = X509_get_ext(good.x509, place);
        X509_add_ext(cert, again, -1);
        resigned(&good, cert, "extensions: one too many");
        /* the other criticality */
        cert = copy(&good);
        again = X509_get_ext(cert, place);
        X509_EXTENSION_set_critical(again, !X509_EXTENSION_get_critical(again));
        resigned(&good, cert, "");
    }
    cert = copy(&good);
    again = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, "hello");
    X509_add_ext(cert, again, -1);
    X509_EXTENSION_free(again);
    resigned(&good, cert, "extensions: one too many");
}

static void extension_values(apr_pool_t *pool)
{
    static const struct {
        int nid;
        const char *value, *fault;
    } rows[] = {
        {NID_basic_constraints, "critical,CA:TRUE", "basicConstraints"},
        {NID_basic_constraints, "critical,CA:FALSE,pathlen:0",
         "basicConstraints"},
        {NID_key_usage, "critical,digitalSignature,keyCertSign", "keyUsage"},
        {NID_key_usage, "critical,digitalSignature,decipherOnly", "keyUsage"},
        {NID_ext_key_usage, "serverAuth,clientAuth", "extKeyUsage"},
        {NID_ext_key_usage, "clientAuth", "extKeyUsage"},
        {NID_subject_alt_name, "DNS:a.test,DNS:b.test,DNS:c.test",
         "subjectAltName"},
        {NID_subject_alt_name, "DNS:a.test,email:b.test", "subjectAltName"},
        {NID_subject_alt_name, "DNS:a.test,URI:b.test", "subjectAltName"},
        {NID_subject_key_identifier, "00:01:02", "subjectKeyIdentifier"},
        {NID_subject_key_identifier,
         "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13",
         "subjectKeyIdentifier"},
    };
    good_t good;
    apr_size_t i;

    need(good_make(&good, "P-256", pool));
    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        X509 *cert = copy(&good);
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, NULL, rows[i].nid, rows[i].value);

        need(extension);
        take_out(cert, rows[i].nid);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
        resigned(&good, cert, rows[i].fault);
    }
}

static void other_fields(apr_pool_t *pool)
{
    good_t good;
    X509 *cert;

    need(good_make(&good, "P-256", pool));
    cert = copy(&good);
    X509_set_version(cert, X509_VERSION_1);
    resigned(&good, cert, "");
    cert = copy(&good);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    resigned(&good, cert, "issuer");
    cert = copy(&good);
    ca_subject_add(cert, NID_organizationName, "O");
    resigned(&good, cert, "subject");
    cert = copy(&good);
    X509_set_pubkey(cert, ca_key_make("P-256", pool));
    resigned(&good, cert, "public key");
}

static void urls(apr_pool_t *pool)
{
    good_t good, g;

    need(good_make(&good, "P-256", pool));
    good.request.no_rev_avail = 0;
    good.request.crl_url = "http://ca.test/i.crl";
    good.request.ocsp_url = "http://ca.test/i.ocsp";
    need(!ca_issue(&good.cert, good.issuer, &good.request, pool));
    ok(!look(&good));
#define CHANGED(member, value, fault)                                          \
    (g = good, g.request.member = (value), found(&g, (fault)))
    CHANGED(crl_url, NULL, "cRLDistributionPoints");
    CHANGED(crl_url, "http://ca.test/i.cr", "cRLDistributionPoints");
    CHANGED(ocsp_url, NULL, "authorityInfoAccess");
    CHANGED(issuer_url, NULL, "authorityInfoAccess");
    CHANGED(issuer_url, "http://ca.test/i.cet", "authorityInfoAccess");
    CHANGED(ocsp_url, "http://ca.test/i.cer", "authorityInfoAccess");
    g = good;
    g.request.ocsp_url = g.request.issuer_url = NULL;
    found(&g, "authorityInfoAccess");
    good.request.crl_url = NULL;
    need(!ca_issue(&good.cert, good.issuer, &good.request, pool));
    ok(!look(&good));
    g = good;
    g.request.crl_url = "http://ca.test/i.crl";
    found(&g, "extensions: one is missing");
#undef CHANGED
}

const tap_case_t tap_cases[] = {
    {"a difference in any field of the request is found", fields},
    {"every single flipped bit is found", every_bit},
    {"every cut and a trailing octet are found", lengths},
    {"missing, doubled, foreign extensions; criticality", extension_sets},
    {"extensions of other values", extension_values},
    {"URLs of others, too many and too few", urls},
    {"version, issuer, subject and key of others", other_fields},
    {NULL, NULL}};
