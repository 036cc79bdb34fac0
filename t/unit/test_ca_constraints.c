/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_constraints.h"

#include "ca_fixture.h"

#include "base/token.h"
#include "ca/ca_openssl.h"

/* As OpenSSL writes it: "permitted;DNS:a.test,excluded;IP:10.0.0.0/255.0.0.0".
 */
static NAME_CONSTRAINTS *constraints_of(const char *text, apr_pool_t *pool)
{
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, text);
    NAME_CONSTRAINTS *value = extension ? X509V3_EXT_d2i(extension) : NULL;

    X509_EXTENSION_free(extension);
    ok(value, "%s", text);
    return own_name_constraints(pool, value);
}

/* Root, whose constraints may be NULL, and an intermediate. */
static ca_issuer_t *issuer_with(NAME_CONSTRAINTS *of_root,
                                NAME_CONSTRAINTS *value, apr_pool_t *pool)
{
    ca_subject_t subject = {0};
    ca_issuer_t *issuer = NULL;
    const char *cert_file, *key_file;
    X509 *root, *cert;
    problem_t *prob;

    subject.common_name = "Root";
    subject.key = ca_key_make("P-256", pool);
    subject.not_before = NOW - DAY;
    subject.not_after = NOW + 365 * DAY;
    subject.path_len = -1;
    subject.constraints = of_root;
    ok(!ca_hierarchy_make(&root, &subject, pool));
    subject.issuer = root;
    subject.issuer_key = subject.key;
    subject.key = ca_key_make("P-256", pool);
    subject.common_name = "Issuing";
    subject.path_len = 0;
    subject.constraints = value;
    ok(!ca_hierarchy_make(&cert, &subject, pool));
    cert_file = file_put("c.pem",
                         apr_pstrcat(pool, ca_cert_pem(cert, pool),
                                     ca_cert_pem(root, pool), NULL),
                         pool);
    key_file = file_put("c.key", ca_key_pem(subject.key, pool), pool);
    prob = ca_issuer_load(&issuer, "test", 1, cert_file, key_file, NOW, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    return issuer;
}

static ca_request_t request_with(int kind, const char *name, apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, 1, sizeof(const char *));
    ca_request_t request = {0};

    APR_ARRAY_PUSH(texts, const char *) = name;
    request.identifiers = names(pool, NULL);
    if (kind == GEN_DNS || kind == GEN_IPADD)
        request.identifiers = names(pool, name, NULL);
    else if (kind == GEN_EMAIL)
        request.emails = texts;
    else
        request.uris = texts;
    request.key = ca_key_make("P-256", pool);
    request.serial = token_serial(pool);
    request.not_before = NOW;
    request.not_after = NOW + DAY;
    request.key_usage = KU_DIGITAL_SIGNATURE;
    return request;
}

/* What OpenSSL says to a leaf that was signed regardless; NULL: fine. */
static const char *verdict(const ca_issuer_t *issuer,
                           const ca_request_t *request, apr_pool_t *pool)
{
    ca_issuer_t reckless = *issuer;
    ca_cert_t *cert;
    problem_t *prob;

    reckless.constraints = apr_array_make(pool, 1, sizeof(ca_constraint_t *));
    prob = ca_issue(&cert, &reckless, request, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    return prob ? "not made"
                : verify(parsed(cert, pool), issuer, NULL, NOW + 1);
}

typedef struct {
    const char *constraints;
    int kind;
    const char *name;
    int is_held; /* 2: we are stricter than OpenSSL */
} row_t;

#define FD       "fd00:0:0:0:0:0:0:0/ff00:0:0:0:0:0:0:0"
#define HELD     1
#define VIOLATED 0
#define STRICTER 2

static const row_t rows[] = {
    {"permitted;DNS:corp.test", GEN_DNS, "corp.test", HELD},
    {"permitted;DNS:corp.test", GEN_DNS, "a.corp.test", HELD},
    {"permitted;DNS:corp.test", GEN_DNS, "a.b.corp.test", HELD},
    {"permitted;DNS:corp.test", GEN_DNS, "*.corp.test", HELD},
    {"permitted;DNS:corp.test", GEN_DNS, "acorp.test", VIOLATED},
    {"permitted;DNS:corp.test", GEN_DNS, "corp.test.evil.test", VIOLATED},
    {"permitted;DNS:corp.test", GEN_DNS, "test", VIOLATED},
    {"permitted;DNS:corp.test", GEN_DNS, "*.test", VIOLATED},
    {"permitted;DNS:CORP.Test", GEN_DNS, "a.corp.test", HELD},
    {"permitted;DNS:.corp.test", GEN_DNS, "a.corp.test", HELD},
    {"permitted;DNS:.corp.test", GEN_DNS, "corp.test", VIOLATED},
    {"permitted;DNS:a.test,permitted;DNS:b.test", GEN_DNS, "x.b.test", HELD},
    {"permitted;DNS:a.test,permitted;DNS:b.test", GEN_DNS, "x.c.test",
     VIOLATED},
    {"permitted;IP:10.0.0.0/255.0.0.0", GEN_DNS, "x.c.test", HELD},
    {"excluded;DNS:corp.test", GEN_DNS, "corp.test", VIOLATED},
    {"excluded;DNS:corp.test", GEN_DNS, "a.corp.test", VIOLATED},
    {"excluded;DNS:corp.test", GEN_DNS, "acorp.test", HELD},
    {"excluded;DNS:a.corp.test", GEN_DNS, "*.corp.test", STRICTER},
    {"excluded;DNS:a.corp.test", GEN_DNS, "corp.test", HELD},
    {"excluded;DNS:a.b.corp.test", GEN_DNS, "*.corp.test", HELD},
    {"permitted;DNS:corp.test,excluded;DNS:a.corp.test", GEN_DNS, "b.corp.test",
     HELD},
    {"permitted;DNS:corp.test,excluded;DNS:a.corp.test", GEN_DNS,
     "b.a.corp.test", VIOLATED},
    {"permitted;IP:10.0.0.0/255.0.0.0", GEN_IPADD, "10.1.2.3", HELD},
    {"permitted;IP:10.0.0.0/255.0.0.0", GEN_IPADD, "11.0.0.0", VIOLATED},
    {"permitted;IP:10.0.0.0/255.0.0.0", GEN_IPADD, "fd00::1", VIOLATED},
    {"permitted;IP:10.0.0.0/255.255.255.255", GEN_IPADD, "10.0.0.0", HELD},
    {"permitted;IP:10.0.0.0/255.255.255.255", GEN_IPADD, "10.0.0.1", VIOLATED},
    {"permitted;IP:0.0.0.0/0.0.0.0", GEN_IPADD, "192.0.2.1", HELD},
    {"permitted;IP:192.0.2.128/255.255.255.240", GEN_IPADD, "192.0.2.143",
     HELD},
    {"permitted;IP:192.0.2.128/255.255.255.240", GEN_IPADD, "192.0.2.144",
     VIOLATED},
    {"permitted;IP:" FD, GEN_IPADD, "fd12:3::1", HELD},
    {"permitted;IP:" FD, GEN_IPADD, "fe80::1", VIOLATED},
    {"permitted;IP:" FD, GEN_IPADD, "10.0.0.1", VIOLATED},
    {"permitted;IP:10.0.0.0/255.0.0.0,permitted;IP:" FD, GEN_IPADD, "fd00::1",
     HELD},
    {"excluded;IP:10.0.0.0/255.0.0.0", GEN_IPADD, "10.1.2.3", VIOLATED},
    {"excluded;IP:10.0.0.0/255.0.0.0", GEN_IPADD, "11.0.0.0", HELD},
    {"excluded;IP:10.0.0.0/255.0.0.0", GEN_IPADD, "fd00::1", HELD},
    {"excluded;IP:" FD, GEN_IPADD, "fd00::1", VIOLATED},
    {"excluded;IP:" FD, GEN_IPADD, "10.0.0.1", HELD},
    {"permitted;IP:10.0.0.0/255.0.0.0,excluded;IP:10.0.0.9/255.255.255.255",
     GEN_IPADD, "10.0.0.8", HELD},
    {"permitted;IP:10.0.0.0/255.0.0.0,excluded;IP:10.0.0.9/255.255.255.255",
     GEN_IPADD, "10.0.0.9", VIOLATED},
    {"permitted;DNS:corp.test", GEN_IPADD, "10.0.0.1", HELD},
    {"excluded;IP:10.0.0.0/255.0.0.0", GEN_DNS, "a.test", HELD},
    {"permitted;email:corp.test", GEN_EMAIL, "a@corp.test", HELD},
    {"permitted;email:corp.test", GEN_EMAIL, "a@x.corp.test", VIOLATED},
    {"permitted;email:.corp.test", GEN_EMAIL, "a@x.corp.test", HELD},
    {"permitted;email:.corp.test", GEN_EMAIL, "a@corp.test", VIOLATED},
    {"permitted;email:a@corp.test", GEN_EMAIL, "a@CORP.test", HELD},
    {"permitted;email:a@corp.test", GEN_EMAIL, "A@corp.test", VIOLATED},
    {"permitted;email:a@corp.test", GEN_EMAIL, "aa@corp.test", VIOLATED},
    {"excluded;email:corp.test", GEN_EMAIL, "a@corp.test", VIOLATED},
    {"excluded;email:corp.test", GEN_EMAIL, "a@b.test", HELD},
    {"permitted;DNS:corp.test", GEN_EMAIL, "a@b.test", HELD},
    {"permitted;URI:corp.test", GEN_URI, "https://corp.test/x", HELD},
    {"permitted;URI:corp.test", GEN_URI, "https://corp.test:8443/x", HELD},
    {"permitted;URI:corp.test", GEN_URI, "https://a.corp.test/x", VIOLATED},
    {"permitted;URI:.corp.test", GEN_URI, "https://a.corp.test/x", HELD},
    {"permitted;URI:.corp.test", GEN_URI, "https://corp.test/x", VIOLATED},
    {"permitted;URI:corp.test", GEN_URI, "urn:x:y", VIOLATED},
    {"permitted;URI:corp.test", GEN_URI, "https://evil.test:@corp.test/",
     VIOLATED},
    {"excluded;URI:corp.test", GEN_URI, "https://corp.test", VIOLATED},
    {"excluded;URI:corp.test", GEN_URI, "https://b.test", HELD},
};

static void as_openssl(apr_pool_t *pool)
{
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const row_t *row = &rows[i];
        ca_issuer_t *issuer =
            issuer_with(NULL, constraints_of(row->constraints, pool), pool);
        ca_request_t request = request_with(row->kind, row->name, pool);
        const char *fault = verdict(issuer, &request, pool);
        ca_cert_t *cert;
        problem_t *prob = ca_issue(&cert, issuer, &request, pool);

        ok(!fault == (row->is_held != VIOLATED), "%s: %s: OpenSSL: %s",
           row->constraints, row->name, fault ? fault : "held");
        ok(!prob == (row->is_held == HELD), "%s: %s: %s", row->constraints,
           row->name, prob ? prob->detail : "held");
        if (prob)
            is_str(problem_name(prob->type),
                   row->kind == GEN_DNS || row->kind == GEN_IPADD
                       ? "rejectedIdentifier"
                       : "badCSR");
    }
}

/* Held against the names alone, as newOrder does, the constraint named. */
static void new_order(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_with(
        NULL,
        constraints_of("permitted;DNS:corp.test,permitted;DNS:b.test,"
                       "excluded;DNS:secret.corp.test",
                       pool),
        pool);
    apr_array_header_t *list =
        names(pool, "a.corp.test", "b.evil.test", "x.secret.corp.test", NULL);
    problem_t *prob;

    need(issuer);
    ok(!ca_issuer_names_check(issuer, names(pool, "a.corp.test", NULL), pool));
    prob =
        ca_issuer_names_check(issuer, names(pool, "b.evil.test", NULL), pool);
    need(prob);
    is_str(prob->detail,
           "\"b.evil.test\" is outside of what the certificate of the issuer "
           "\"/CN=Issuing\" permits (name constraint: only dns:corp.test "
           "dns:b.test)");
    prob = ca_issuer_names_check(issuer, list, pool);
    need(prob);
    is_str(problem_name(prob->type), "rejectedIdentifier");
    is_int(prob->subproblems->nelts, 2);
    prob = APR_ARRAY_IDX(prob->subproblems, 1, problem_t *);
    is_str(prob->identifier->value, "x.secret.corp.test");
    is_str(
        prob->detail,
        "\"x.secret.corp.test\" is excluded by the certificate of the "
        "issuer \"/CN=Issuing\" (name constraint: not dns:secret.corp.test)");
    is_str(ca_constraints_text(issuer, pool),
           "permitted dns:corp.test dns:b.test; excluded dns:secret.corp.test");
}

static void above(apr_pool_t *pool)
{
    ca_issuer_t *issuer =
        issuer_with(constraints_of("permitted;DNS:test", pool),
                    constraints_of("permitted;DNS:a.test", pool), pool);
    ca_request_t request = request_with(GEN_DNS, "x.a.test", pool);

    need(issuer);
    is_int(issuer->constraints->nelts, 2);
    ok(!verdict(issuer, &request, pool));
    ok(!ca_issuer_names_check(issuer, request.identifiers, pool));
    issuer = issuer_with(constraints_of("excluded;DNS:x.a.test", pool),
                         constraints_of("permitted;DNS:a.test", pool), pool);
    ok(verdict(issuer, &request, pool));
    ok(ca_issuer_names_check(issuer, request.identifiers, pool));
}

static X509_NAME *name_of(const char *o, const char *ou, apr_pool_t *pool)
{
    X509 *cert = own_x509(pool, X509_new());

    ca_subject_add(cert, NID_organizationName, o);
    ca_subject_add(cert, NID_organizationalUnitName, ou);
    return X509_get_subject_name(cert);
}

static NAME_CONSTRAINTS *subject_only(X509_NAME *name, int is_permitted,
                                      apr_pool_t *pool)
{
    NAME_CONSTRAINTS *value =
        own_name_constraints(pool, NAME_CONSTRAINTS_new());
    GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
    STACK_OF(GENERAL_SUBTREE) *subtrees = sk_GENERAL_SUBTREE_new_null();

    GENERAL_NAME_set0_value(subtree->base, GEN_DIRNAME, X509_NAME_dup(name));
    sk_GENERAL_SUBTREE_push(subtrees, subtree);
    if (is_permitted)
        value->permittedSubtrees = subtrees;
    else
        value->excludedSubtrees = subtrees;
    return value;
}

static void subjects(apr_pool_t *pool)
{
    static const struct {
        const char *o, *ou;
        int is_permitted, is_held;
    } cases[] = {{"Corp", NULL, 1, 1},     {"CORP  ", NULL, 1, 1},
                 {"Corp", "Team", 1, 1},   {"Other", NULL, 1, 0},
                 {"Corp", "Team", 0, 0},   {"Other", "Team", 0, 1},
                 {"Corporal", NULL, 1, 0}, {NULL, NULL, 1, 1}};
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); ++i) {
        apr_array_header_t *list =
            apr_array_make(pool, 2, sizeof(ca_attribute_t *));
        ca_attribute_t o = {"O", cases[i].o}, ou = {"OU", cases[i].ou};
        NAME_CONSTRAINTS *value = subject_only(name_of("Corp", NULL, pool),
                                               cases[i].is_permitted, pool);
        ca_issuer_t *issuer = issuer_with(NULL, value, pool);
        ca_request_t request = request_with(GEN_DNS, "a.test", pool);
        ca_cert_t *cert;
        problem_t *prob;

        if (o.value)
            APR_ARRAY_PUSH(list, ca_attribute_t *) = &o;
        if (ou.value)
            APR_ARRAY_PUSH(list, ca_attribute_t *) = &ou;
        request.subject = list;
        prob = ca_issue(&cert, issuer, &request, pool);
        is_int(!prob, cases[i].is_held);
        is_int(!verdict(issuer, &request, pool), cases[i].is_held);
        if (prob)
            ok(strstr(prob->detail, "subject:/O=Corp"), "%s", prob->detail);
    }
}

/* A common name that looks like a host is held to the rules of hosts. */
static void common_names(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_with(
        NULL, constraints_of("permitted;DNS:corp.test", pool), pool);
    ca_request_t request = request_with(GEN_DNS, "a.corp.test", pool);
    ca_cert_t *cert;

    request.common_name = "a.corp.test";
    ok(!ca_issue(&cert, issuer, &request, pool));
    request.common_name = "Somebody of evil.test";
    ok(!ca_issue(&cert, issuer, &request, pool));
    request.common_name = "evil.test";
    ok(ca_issue(&cert, issuer, &request, pool) != NULL);
}

static apr_array_header_t *texts(apr_pool_t *pool, const char *one,
                                 const char *two)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));

    if (one)
        APR_ARRAY_PUSH(list, const char *) = one;
    if (two)
        APR_ARRAY_PUSH(list, const char *) = two;
    return list;
}

static const char *made(const ca_constraints_t *wish, apr_pool_t *pool)
{
    NAME_CONSTRAINTS *value;
    problem_t *prob = ca_constraints_make(&value, wish, pool);

    if (prob)
        return prob->detail;
    return value ? ca_constraints_text(issuer_with(NULL, value, pool), pool)
                 : NULL;
}

static void making(apr_pool_t *pool)
{
    ca_constraints_t wish = {NULL, NULL, NULL, NULL};

    is_str(made(&wish, pool), NULL);
    wish.permit_dns = texts(pool, "Corp.test", "b.test");
    is_str(made(&wish, pool), "permitted dns:corp.test dns:b.test; excluded "
                              "ip:0.0.0.0/0 ip:::/0");
    wish.permit_ip = texts(pool, "10.0.0.0/8", "fc00::/7");
    is_str(made(&wish, pool), "permitted dns:corp.test dns:b.test "
                              "ip:10.0.0.0/8 ip:fc00::/7");
    wish.permit_dns = NULL;
    wish.permit_ip = texts(pool, "192.0.2.7", NULL);
    is_str(made(&wish, pool), "permitted ip:192.0.2.7/32; excluded dns:(any)");
    wish.permit_ip = NULL;
    wish.exclude_dns = texts(pool, "secret.test", NULL);
    wish.exclude_ip = texts(pool, "0.0.0.0/0", NULL);
    is_str(made(&wish, pool), "excluded dns:secret.test ip:0.0.0.0/0");
}

static void nonsense(apr_pool_t *pool)
{
    static const char *const dns[] = {"",         ".corp.test", "*.corp.test",
                                      "a b.test", "a..test",    "10.0.0.1"};
    static const char *const ip[] = {
        "",           "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
        "10.0.0.1/8", "corp.test",   "fd00::/129",  "fd00::1/64",
        "10.0.0/8",   "10.0.0.0/8 ", "10.0.0.0/8x", "10.0.0.0/255.0.0.0"};
    ca_constraints_t wish = {NULL, NULL, NULL, NULL};
    NAME_CONSTRAINTS *value;
    apr_size_t i;

    for (i = 0; i < sizeof(dns) / sizeof(*dns); ++i) {
        wish.permit_dns = texts(pool, dns[i], NULL);
        ok(ca_constraints_make(&value, &wish, pool) && !value, "%s", dns[i]);
    }
    wish.permit_dns = NULL;
    for (i = 0; i < sizeof(ip) / sizeof(*ip); ++i) {
        problem_t *prob;

        wish.exclude_ip = texts(pool, ip[i], NULL);
        prob = ca_constraints_make(&value, &wish, pool);
        ok(prob && !value, "%s", ip[i]);
        ok(prob && strchr(prob->detail, ';'), "%s", prob ? prob->detail : "");
    }
}

/* What others made, and what nobody can hold a leaf against. */
static void odd(apr_pool_t *pool)
{
    NAME_CONSTRAINTS *value = constraints_of("permitted;DNS:corp.test", pool);
    ca_issuer_t *issuer, *again;
    problem_t *prob;

    sk_GENERAL_SUBTREE_value(value->permittedSubtrees, 0)->maximum =
        ASN1_INTEGER_new();
    ASN1_INTEGER_set(
        sk_GENERAL_SUBTREE_value(value->permittedSubtrees, 0)->maximum, 3);
    issuer = issuer_of("P-256", pool);
    need(issuer);
    is_int(issuer->constraints->nelts, 0);
    again = apr_pmemdup(pool, issuer, sizeof(*issuer));
    again->chain = apr_array_make(pool, 1, sizeof(X509 *));
    {
        X509 *cert = own_x509(pool, X509_new());

        X509_add1_ext_i2d(cert, NID_name_constraints, value, 1, 0);
        APR_ARRAY_PUSH(again->chain, X509 *) = cert;
    }
    prob = ca_constraints_load(again, "odd.pem", pool);
    need(prob);
    ok(strstr(prob->cause, "odd.pem: the name constraints"), "%s", prob->cause);
    /* kinds that no leaf of ours has do not matter */
    issuer = issuer_with(
        NULL, constraints_of("permitted;RID:1.2.3,permitted;DNS:a.test", pool),
        pool);
    need(issuer);
    ok(!ca_issuer_names_check(issuer, names(pool, "x.a.test", NULL), pool));
    is_str(ca_constraints_text(issuer, pool), "permitted other names "
                                              "dns:a.test");
}

static void many(apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 30, sizeof(const char *));
    ca_constraints_t wish = {NULL, NULL, NULL, NULL};
    ca_issuer_t *issuer;
    NAME_CONSTRAINTS *value;
    problem_t *prob;
    int i;

    for (i = 0; i < 30; ++i)
        APR_ARRAY_PUSH(list, const char *) = apr_psprintf(pool, "d%d.test", i);
    wish.permit_dns = list;
    need(!ca_constraints_make(&value, &wish, pool));
    issuer = issuer_with(NULL, value, pool);
    ok(!ca_issuer_names_check(issuer, names(pool, "x.d29.test", NULL), pool));
    prob = ca_issuer_names_check(issuer, names(pool, "evil.test", NULL), pool);
    need(prob);
    ok(strstr(prob->detail, "dns:d11.test and 18 more)"), "%s", prob->detail);
}

const tap_case_t tap_cases[] = {
    {"a leaf is held to the constraints as OpenSSL does", as_openssl},
    {"newOrder: all refused names at once, the constraint named", new_order},
    {"the constraints of all CAs above hold", above},
    {"subjects within directory names", subjects},
    {"common names of hosts", common_names},
    {"constraints as operators ask for them", making},
    {"nonsense is refused with a remedy", nonsense},
    {"minimum, maximum and other kinds", odd},
    {"of many names some are told", many},
    {NULL, NULL}};
