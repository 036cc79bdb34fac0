/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr_wishes.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "recipe.h"

#define SAN "subjectAltName=DNS:a.test"

/* One requested extension, beside a fine name. */
static void ext_good(const char *ext, apr_pool_t *pool)
{
    ok(GOOD("a.test", .subject = {"CN=a.test"}, .ext = {ext}), "%s", ext);
    ok(GOOD("a.test", .ext = {ext, SAN}), "%s", ext);
}

static void ext_bad(const char *why, const char *ext, apr_pool_t *pool)
{
    ok(BAD(why, "a.test", .subject = {"CN=a.test"}, .ext = {ext}), "%s", ext);
    ok(BAD(why, "a.test", .ext = {ext, SAN}), "%s", ext);
}

static void san_kinds(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"an e-mail address", "email:a@a.test"},
        {"a URI", "URI:https://a.test/"},
        {"the order has not: 192.0.2.1", "IP:192.0.2.1"},
        {"the order has not: 2001:db8::1", "IP:2001:db8::1"},
        {"an IP address of 5 octets", "DER:300787050102030405"},
        {"a name of a rare kind", "RID:1.2.3.4"},
        {"an otherName", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@a.test"},
        {"a directory name", "DER:3010a40e300c310a300806035504030c0161"},
        {"a name of a rare kind", "DER:3002a300"},
        {"a name of a rare kind", "DER:3006a504a1020c00"},
        {NULL, NULL}};
    const char *ext;
    int i;

    for (i = 0; bad[i][0]; ++i) {
        ext = apr_pstrcat(pool, "subjectAltName=",
                          strncmp(bad[i][1], "DER", 3) ? "DNS:a.test," : "",
                          bad[i][1], NULL);
        BAD(bad[i][0], "a.test", .subject = {"CN=a.test"}, .ext = {ext});
    }
    BAD("the order has not: 192.0.2.1, 192.0.2.2", "a.test",
        .ext = {"subjectAltName=DNS:a.test,IP:192.0.2.1,IP:192.0.2.2"});
    BAD("has a URI, which", "a.test",
        .ext = {"subjectAltName=URI:x:y,DNS:a.test,email:a@b,URI:x:z"});
    BAD("has an e-mail address, which", "a.test",
        .ext = {"subjectAltName=URI:x:y,DNS:a.test,email:a@b,URI:x:z"});
}

/* 30 len 82 len octets… */
static void san_octets(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"\"a.test?\" holds a NUL", "DER:30098207612e7465737400"},
        {"\"a?.test\" holds a NUL", "DER:3009820761002e74657374"},
        {"\"a.test?b.test\" holds a NUL",
         "DER:300f820d612e7465737400622e74657374"},
        {"\"?\" holds a NUL", "DER:3003820100"},
        {"it is empty", "DER:30028200"},
        {"not ASCII", "DER:300a8208612ee4742e746573"},
        {"not ASCII", "DER:300b8209c3bc2e74657374612e"},
        {"ends with a dot", "DER:30098207612e746573742e"},
        {"empty label", "DER:30098207612e2e74657374"},
        {"begins or ends", "DER:300882062d612e746573"},
        {"is not a DNS name", "DER:30098207612e7465737420"},
        {"is not a DNS name", "DER:30098207612e746573740a"},
        {"is a number", "DER:300b82093139322e302e322e31"},
        {"only be the whole first label", "DER:300382012a"},
        {"only be the whole first label", "DER:30098207622a2e74657374"},
        {"cannot be read", "DER:30088207612e746573"},
        {"cannot be read", "DER:30"},
        {"cannot be read", "DER:0500"},
        {"cannot be read", "DER:30088206612e746573740500"},
        {"cannot be read", "DER:300a8206612e746573740500"},
        {NULL, NULL}};
    int i;

    for (i = 0; bad[i][0]; ++i)
        ok(BAD(bad[i][0], "a.test", .subject = {"CN=a.test"},
               .ext = {apr_pstrcat(pool, "subjectAltName=", bad[i][1], NULL)}),
           "%s", bad[i][1]);
}

static void san_forms(apr_pool_t *pool)
{
    GOOD("a.test", .ext = {"subjectAltName=critical,DNS:a.test"});
    /* an empty list says nothing */
    GOOD("a.test", .subject = {"CN=a.test"},
         .ext = {"subjectAltName=DER:3000"});
    BAD("lacks names of the order: a.test", "a.test",
        .ext = {"subjectAltName=DER:3000"});
    GOOD("a.test", .ext = {"subjectAltName=DNS:a.test,DNS:a.test"});
    BAD("the extension subjectAltName twice", "a.test b.test",
        .ext = {SAN, "subjectAltName=DNS:b.test"});
    BAD("the extension subjectAltName twice", "a.test", .ext = {SAN, SAN});
}

static void common_name_types(apr_pool_t *pool)
{
    static const int types[] = {V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING,
                                V_ASN1_IA5STRING, V_ASN1_T61STRING, 0};
    policy_csr_t *csr;
    der_t der;
    int i;

    for (i = 0; types[i]; ++i) {
        csr = GOOD("a.test", .cn_type = types[i], .cn = "a.Test", .cn_len = 6);
        need(csr);
        is_str(csr->common_name, "a.test");
    }
    GOOD("a.test", .cn_type = V_ASN1_BMPSTRING, .cn = "\0a\0.\0t\0e\0s\0t",
         .cn_len = 12);
    GOOD("a.tst", .cn_type = V_ASN1_UNIVERSALSTRING,
         .cn = "\0\0\0a\0\0\0.\0\0\0t\0\0\0s\0\0\0t", .cn_len = 20);
    BAD("CN cannot be read", "a.test", .cn_type = V_ASN1_BIT_STRING,
        .cn = "a.test", .cn_len = 6, .ext = {SAN});
    /* OpenSSL refuses the whole name */
    der = CSR(.subject = {"CN=azzz.test"}, .ext = {SAN});
    memset(memmem(der.data, der.len, "zzz", 3), 0xff, 3);
    recipe_bad("is not the DER", "a.test", der, pool);
}

static void common_name_octets(apr_pool_t *pool)
{
    static const struct {
        const char *why, *cn;
        int len;
    } bad[] = {{"CN \"a.test?\" holds a NUL", "a.test\0", 7},
               {"CN \"a.test?.b\" holds a NUL", "a.test\0.b", 9},
               {"holds a NUL", "\0", 1},
               {"is not a DNS name", "a test", 6},
               {"is not a DNS name", " a.test", 7},
               {"is not a DNS name", "a.test\n", 7},
               {"is not a DNS name", "a@a.test", 8},
               {"is not a DNS name", "https://a.test", 14},
               {"is not a DNS name", "A Company", 9},
               {"ends with a dot", "a.test.", 7},
               {"order has not: 192.0.2.1", "192.0.2.1", 9},
               {"order has not: 2001:db8::1", "2001:DB8::1", 11},
               {"A-label",
                "b\xc3\xbc"
                "cher.test",
                12},
               {"valid A-label", "xn--a.test", 10},
               {"begins or ends", "-a.test", 7},
               {"only be the whole first label", "*", 1},
               {"only be the whole first label", "a.*.test", 8},
               {NULL, NULL, 0}};
    int i;

    for (i = 0; bad[i].why; ++i)
        ok(BAD(bad[i].why, "a.test", .cn_type = V_ASN1_UTF8STRING,
               .cn = bad[i].cn, .cn_len = bad[i].len, .ext = {SAN}),
           "%s", bad[i].cn);
}

/* T84: by value; a CN that is an address is one of the order's, too, but does
 * not become the certificate's. */
static void addresses(apr_pool_t *pool)
{
    policy_csr_t *csr;

    csr = GOOD("10.0.0.1 2001:db8::1",
               .ext = {"subjectAltName=IP:2001:db8:0::1,IP:10.0.0.1"});
    need(csr);
    ok(!csr->common_name);
    csr = GOOD("a.test 10.0.0.1", .ext = {"subjectAltName=IP:10.0.0.1,"
                                          "DNS:a.test"});
    need(csr);
    ok(!csr->common_name);
    csr = GOOD("10.0.0.1", .subject = {"CN=10.0.0.1"},
               .ext = {"subjectAltName=IP:10.0.0.1"});
    need(csr);
    ok(!csr->common_name);
    ok(GOOD("10.0.0.1", .subject = {"CN=10.0.0.1"}));
    BAD("it lacks names of the order: 10.0.0.1", "10.0.0.1 a.test",
        .ext = {"subjectAltName=DNS:a.test"});
    BAD("not a DNS name", "10.0.0.1", .ext = {"subjectAltName=DNS:10.0.0.1"});
    BAD("is an IPv4 address in IPv6's form", "10.0.0.1",
        .ext = {"subjectAltName=IP:10.0.0.1,IP:::ffff:10.0.0.1"});
}

static void common_names(apr_pool_t *pool)
{
    policy_csr_t *csr;
    const char *name;

    /* 64 characters fit into a CN, 65 do not (ub-common-name) */
    name = apr_psprintf(pool, "%060d.abc", 0);
    csr = GOOD(name, .cn_type = V_ASN1_UTF8STRING, .cn = name, .cn_len = 64);
    need(csr);
    is_str(csr->common_name, name);
    name = apr_psprintf(pool, "%060d.abcd", 0);
    csr = GOOD(name, .cn_type = V_ASN1_UTF8STRING, .cn = name, .cn_len = 65);
    need(csr);
    ok(!csr->common_name);
    BAD("is not a DNS name", name, .cn_type = V_ASN1_UTF8STRING,
        .cn = apr_psprintf(pool, "%09000d", 0), .cn_len = 9000);
    BAD("2 CNs", "a.test", .subject = {"CN=a.test", "CN=a.test"});
    BAD("2 CNs", "a.test b.test", .subject = {"CN=a.test", "CN=b.test"},
        .ext = {"subjectAltName=DNS:a.test,DNS:b.test"});
    BAD("2 CNs", "a.test", .subject = {"CN=a.test", "+CN=b.test"});
    BAD("order has not: b.test", "a.test", .subject = {"CN=b.test"},
        .ext = {SAN});
    /* an empty CN says nothing */
    csr = GOOD("a.test", .cn_type = V_ASN1_UTF8STRING, .cn = "", .cn_len = 0,
               .ext = {SAN});
    need(csr);
    ok(!csr->common_name);
    csr = GOOD("*.a.test", .subject = {"CN=*.a.test"});
    need(csr);
    is_str(csr->common_name, "*.a.test");
}

static void subjects(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"has O,", "O=Example Corp"},
        {"has OU,", "OU=x"},
        {"has C,", "C=DE"},
        {"has ST,", "ST=x"},
        {"has L,", "L=x"},
        {"has DC,", "DC=test"},
        {"has UID,", "UID=x"},
        {"has emailAddress,", "emailAddress=a@a.test"},
        {"has serialNumber,", "serialNumber=1"},
        {"has GN,", "GN=x"},
        {"has 1.2.3.4.5,", "1.2.3.4.5=x"},
        {NULL, NULL}};
    int i;

    for (i = 0; bad[i][0]; ++i) {
        BAD(bad[i][0], "a.test", .subject = {"CN=a.test", bad[i][1]});
        BAD(bad[i][0], "a.test", .subject = {bad[i][1], "CN=a.test"},
            .ext = {SAN});
        BAD(bad[i][0], "a.test", .subject = {bad[i][1]}, .ext = {SAN});
        BAD(bad[i][0], "a.test",
            .subject = {"CN=a.test", apr_pstrcat(pool, "+", bad[i][1], NULL)});
    }
    BAD("has O, which policy tls-server does not allow", "a.test",
        .subject = {"CN=a.test", "O=x"});
    BAD("has C, ST, L, O, OU, which", "a.test",
        .subject = {"C=DE", "ST=x", "L=x", "O=x", "OU=x", "CN=a.test"});
}

static void many_ous(X509_REQ *req)
{
    int i;

    for (i = 0; i < 3000; ++i)
        X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req),
                                   NID_organizationalUnitName, MBSTRING_UTF8,
                                   (const unsigned char *)"x", 1, -1, 0);
}

static void bounded(apr_pool_t *pool)
{
    const char *san = "subjectAltName=DNS:a.test", *eku = "extendedKeyUsage=";
    problem_t *prob;
    int i;

    prob = BAD("3001 attributes; at most 30 are read", "a.test",
               .subject = {"CN=a.test"}, .change = many_ous);
    need(prob);
    ok(strlen(prob->detail) < 200);
    for (i = 0; i < 150; ++i)
        san = apr_psprintf(pool, "%s,DNS:-%d.test", san, i);
    prob = BAD("begins or ends", "a.test", .ext = {san});
    need(prob);
    ok(strlen(prob->detail) < 1200, "%s", prob->detail);
    for (i = 0; i < 150; ++i)
        eku = apr_psprintf(pool, "%s%s1.2.3.%d", eku, i ? "," : "", i);
    prob = BAD("150 extended key usages; at most 30 are read", "a.test",
               .ext = {SAN, eku});
    need(prob);
}

static void key_usages(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"allow: nonRepudiation", "nonRepudiation"},
        {"allow: nonRepudiation",
         "digitalSignature,nonRepudiation,keyEncipherment"},
        {"allow: dataEncipherment", "dataEncipherment"},
        {"allow: keyAgreement", "keyAgreement"},
        {"allow: keyCertSign", "keyCertSign"},
        {"allow: keyCertSign, cRLSign", "critical,keyCertSign,cRLSign"},
        {"allow: cRLSign", "cRLSign"},
        {"allow: encipherOnly", "encipherOnly"},
        {"allow: decipherOnly", "decipherOnly"},
        {"cannot be read", "DER:0400"},
        {"cannot be read", "DER:0302"},
        {"cannot be read", "DER:030205a00500"},
        {"cannot be read", "DER:0300"},
        {"cannot be read", "DER:030209a0"},
        {NULL, NULL}};
    int i;

    for (i = 0; bad[i][0]; ++i)
        ext_bad(bad[i][0], apr_pstrcat(pool, "keyUsage=", bad[i][1], NULL),
                pool);
    ext_good("keyUsage=digitalSignature", pool);
    ext_good("keyUsage=critical,digitalSignature", pool);
    ext_good("keyUsage=DER:030100", pool); /* no bit */
    /* cert-manager asks for both with an EC key */
    ext_good("keyUsage=critical,digitalSignature,keyEncipherment", pool);
    ext_good("keyUsage=keyEncipherment", pool);
    BAD("keyUsage twice", "a.test",
        .ext = {SAN, "keyUsage=digitalSignature", "keyUsage=digitalSignature"});
}

static void ext_key_usages(apr_pool_t *pool)
{
    static const char *const bad[][2] = {
        {"allow: codeSigning", "codeSigning"},
        {"allow: emailProtection", "serverAuth,emailProtection"},
        {"allow: timeStamping", "timeStamping"},
        {"allow: OCSPSigning", "serverAuth,OCSPSigning"},
        {"allow: anyExtendedKeyUsage", "anyExtendedKeyUsage"},
        {"allow: 1.2.3.4", "serverAuth,1.2.3.4"},
        {"allow: msSmartcardLogin", "msSmartcardLogin,clientAuth"},
        {"cannot be read", "DER:04020500"},
        {"cannot be read", "DER:30030602"},
        {"cannot be read", "DER:300a06082b060105050703010500"},
        {NULL, NULL}};
    int i;

    for (i = 0; bad[i][0]; ++i) {
        ext_bad(bad[i][0],
                apr_pstrcat(pool, "extendedKeyUsage=", bad[i][1], NULL), pool);
    }
    ext_good("extendedKeyUsage=serverAuth", pool);
    ext_good("extendedKeyUsage=critical,serverAuth", pool);
    /* acme.sh's default; only serverAuth is given */
    ext_good("extendedKeyUsage=serverAuth,clientAuth", pool);
}

static void basic_constraints(apr_pool_t *pool)
{
    ext_good("basicConstraints=CA:FALSE", pool);
    ext_good("basicConstraints=critical,CA:FALSE", pool);
    ext_good("basicConstraints=DER:3000", pool);
    ext_bad("CA:TRUE", "basicConstraints=CA:TRUE", pool);
    ext_bad("CA:TRUE", "basicConstraints=critical,CA:TRUE,pathlen:0", pool);
    ext_bad("cannot be read", "basicConstraints=DER:0101ff", pool);
    ext_bad("cannot be read", "basicConstraints=DER:30030201ff00", pool);
    BAD("basicConstraints twice", "a.test",
        .ext = {SAN, "basicConstraints=CA:FALSE", "basicConstraints=CA:TRUE"});
}

static void other_extensions(apr_pool_t *pool)
{
    ext_good("subjectKeyIdentifier=DER:0404deadbeef", pool);
    ext_good("subjectKeyIdentifier=critical,DER:0404deadbeef", pool);
    ext_good("1.3.6.1.4.1.311.20.2=DER:1e0a00570065006200530072", pool);
    ext_good("1.3.6.1.4.1.311.21.7=DER:3000", pool);
    ext_good("1.2.3.4=DER:00", pool);
    ext_good("nsCertType=server", pool);
    ext_good("nsComment=hello", pool);
    ext_good("certificatePolicies=DER:3006300406022a03", pool);
    ext_good("crlDistributionPoints=URI:http://a.test/", pool);
    ext_bad("must-staple", "tlsfeature=status_request", pool);
    ext_bad("must-staple", "1.3.6.1.5.5.7.1.24=DER:3003020105", pool);
    ext_bad("must-staple", "1.3.6.1.5.5.7.1.24=critical,DER:3003020105", pool);
    ext_bad("critical extension 1.2.3.4", "1.2.3.4=critical,DER:00", pool);
    ext_bad("critical extension nameConstraints",
            "nameConstraints=critical,permitted;DNS:a.test", pool);
    ext_bad("critical extension 1.3.6.1.5.5.7.1.31",
            "1.3.6.1.5.5.7.1.31=critical,DER:04200000000000000000000000000000"
            "000000000000000000000000000000000000",
            pool);
    GOOD("a.test", .ext = {SAN, "1.2.3.4=DER:00", "1.2.3.4=DER:00"});
}

/* OpenSSL writes no attribute twice: this one becomes an extension request
 * when the last octet of its type is changed. */
#define ALMOST_NID NID_pkcs9_extCertAttributes
#define ALMOST     "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x09"
#define REQUEST    "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"

static void attribute_add(X509_REQ *req, int nid, int type, const char *data,
                          int len)
{
    ok(X509_REQ_add1_attr_by_NID(req, nid, type, (const unsigned char *)data,
                                 len));
}

static void request_b(X509_REQ *req)
{
    attribute_add(req, ALMOST_NID, V_ASN1_SEQUENCE,
                  "\x30\x11\x30\x0f\x06\x03\x55\x1d\x11\x04\x08\x30\x06\x82\x04"
                  "b.xx",
                  19);
}

static void request_ms(X509_REQ *req)
{
    attribute_add(req, NID_ms_ext_req, V_ASN1_SEQUENCE, "\x30\x00", 2);
}

static void request_no_sequence(X509_REQ *req)
{
    attribute_add(req, NID_ext_req, V_ASN1_OCTET_STRING, "x", 1);
}

static void request_garbage(X509_REQ *req)
{
    attribute_add(req, NID_ext_req, V_ASN1_SEQUENCE, "\x30\x02\x30\x05", 4);
}

static void request_trailing(X509_REQ *req)
{
    attribute_add(req, NID_ext_req, V_ASN1_SEQUENCE, "\x30\x00\x05\x00", 4);
}

static void request_empty(X509_REQ *req)
{
    attribute_add(req, NID_ext_req, V_ASN1_SEQUENCE, "\x30\x00", 2);
}

static void request_two_values(X509_REQ *req)
{
    static const unsigned char empty[] = {0x30, 0};
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create_by_NID(
        NULL, NID_ext_req, V_ASN1_SEQUENCE, empty, 2);

    ok(X509_ATTRIBUTE_set1_data(attribute, V_ASN1_SEQUENCE, empty, 2));
    ok(X509_ATTRIBUTE_count(attribute) == 2);
    ok(X509_REQ_add1_attr(req, attribute));
    X509_ATTRIBUTE_free(attribute);
}

static void other_attributes(X509_REQ *req)
{
    attribute_add(req, NID_pkcs9_challengePassword, MBSTRING_UTF8, "secret", 6);
    attribute_add(req, NID_pkcs9_unstructuredName, MBSTRING_UTF8, "name", 4);
}

static void requests(apr_pool_t *pool)
{
    GOOD("a.test", .ext = {SAN}, .nid = NID_ms_ext_req);
    GOOD("a.test", .ext = {SAN}, .change = other_attributes);
    GOOD("a.test", .subject = {"CN=a.test"}, .change = other_attributes);
    GOOD("a.test", .subject = {"CN=a.test"}, .change = request_empty);
    BAD("more than one extension request", "a.test b.test", .ext = {SAN},
        .change = request_b, .from = ALMOST, .to = REQUEST);
    GOOD("a.test", .ext = {SAN}, .change = request_b);
    GOOD("b.xx", .change = request_b, .from = ALMOST, .to = REQUEST);
    BAD("more than one extension request", "a.test", .ext = {SAN},
        .change = request_ms);
    BAD("more than one extension request", "a.test", .subject = {"CN=a.test"},
        .change = request_two_values);
    BAD("request cannot be read", "a.test", .subject = {"CN=a.test"},
        .change = request_no_sequence);
    BAD("request cannot be read", "a.test", .subject = {"CN=a.test"},
        .change = request_garbage);
    BAD("more than one extension request", "a.test", .subject = {"CN=a.test"},
        .change = request_trailing);
}

static void version_2(X509_REQ *req)
{
    ok(X509_REQ_set_version(req, 2));
}

/* Old certbots wrote a 2 there. */
static void versions(apr_pool_t *pool)
{
    GOOD("a.test", .ext = {SAN}, .change = version_2);
}

const tap_case_t tap_cases[] = {
    {"T56 SANs that are no DNS names", san_kinds},
    {"T56 SANs with NUL, high octets, bad names, bad DER", san_octets},
    {"T56 a SAN that is critical, empty, doubled", san_forms},
    {"T56 a CN of every string type", common_name_types},
    {"T56 a CN that is no DNS name", common_name_octets},
    {"T56 a CN that is too long, doubled, empty, a wildcard", common_names},
    {"other subject fields are refused", subjects},
    {"the detail stays short", bounded},
    {"key usages within the policy's", key_usages},
    {"extended key usages within the policy's", ext_key_usages},
    {"CA:TRUE is refused", basic_constraints},
    {"other extensions: ignored, unless critical or must-staple",
     other_extensions},
    {"one extension request, in either spelling", requests},
    {"any version", versions},
    {"T84 IP addresses by value, never as CN", addresses},
    {NULL, NULL}};
