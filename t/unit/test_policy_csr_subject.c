/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr_subject.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <string.h>

#include "policy/policy_spki.h"
#include "policy_help.h"
#include "recipe.h"

/* subject and ext are apart by ";".  issued: "CN=… O=… email:… uri:…" of the
 * certificate, apart by "|"; NULL where why says why it is refused. */
typedef struct {
    const char *lines, *defaults, *names, *subject, *ext, *issued, *why;
} row_t;

static void split(const char **parts, const char *text, apr_pool_t *pool)
{
    char *state, *part, *copy = apr_pstrdup(pool, text ? text : "");
    int i = 0;

    for (part = apr_strtok(copy, ";", &state); part && i < CSR_MAX_PARTS - 1;
         part = apr_strtok(NULL, ";", &state))
        parts[i++] = part;
}

static apr_array_header_t *defaults_make(const char *text, apr_pool_t *pool)
{
    const char *parts[CSR_MAX_PARTS] = {NULL};
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(void *));
    policy_value_t *value;
    int i;

    split(parts, text, pool);
    for (i = 0; parts[i]; ++i) {
        ok(!policy_value_parse(&value, parts[i], pool), "%s", parts[i]);
        APR_ARRAY_PUSH(list, policy_value_t *) = value;
    }
    return list;
}

static const char *issued_text(const policy_csr_t *csr, apr_pool_t *pool)
{
    const char *text = csr->common_name
                           ? apr_pstrcat(pool, "CN=", csr->common_name, NULL)
                           : "-";
    int i;

    for (i = 0; i < csr->subject->nelts; ++i) {
        const policy_value_t *value =
            APR_ARRAY_IDX(csr->subject, i, const policy_value_t *);

        text = apr_pstrcat(pool, text, "|",
                           policy_attribute_name(value->attribute), "=",
                           value->value, NULL);
    }
    for (i = 0; i < csr->emails->nelts; ++i)
        text = apr_pstrcat(
            pool, text, "|email:", APR_ARRAY_IDX(csr->emails, i, char *), NULL);
    for (i = 0; i < csr->uris->nelts; ++i)
        text = apr_pstrcat(pool, text,
                           "|uri:", APR_ARRAY_IDX(csr->uris, i, char *), NULL);
    return text;
}

static void row_try(const row_t *row, EVP_PKEY *key, int common_name,
                    apr_pool_t *pool)
{
    recipe_t recipe = {.key = key};
    policy_csr_terms_t terms = {0};
    policy_csr_t *csr = NULL;
    problem_t *prob;
    der_t der;

    split(recipe.subject, row->subject, pool);
    split(recipe.ext, row->ext, pool);
    der = recipe_der(&recipe, pool);
    terms.policy = policy_help_make(row->lines, pool);
    terms.identifiers = recipe_ids(row->names, pool);
    terms.defaults = defaults_make(row->defaults, pool);
    terms.common_name = common_name;
    prob = policy_csr_check(&csr, &terms, der.data, der.len, pool);
    ok(ERR_peek_error() == 0);
    if (row->issued) {
        ok(!prob, "%s | %s: %s", row->lines, row->subject,
           prob ? prob->detail : "");
        if (csr)
            is_str(issued_text(csr, pool), row->issued);
        return;
    }
    ok(prob, "%s | %s: refused for \"%s\"", row->lines, row->subject, row->why);
    if (!prob)
        return;
    is_str(problem_name(prob->type), "badCSR");
    ok(strstr(prob->detail, row->why), "\"%s\" in \"%s\"", row->why,
       prob->detail);
}

static void table_try(const row_t *row, int common_name, apr_pool_t *pool)
{
    EVP_PKEY *key = recipe_key("P-256", pool);

    for (; row->names; ++row)
        row_try(row, key, common_name, pool);
}

#define SAN_A "subjectAltName=DNS:a.test"
#define END                                                                    \
    {                                                                          \
        NULL, NULL, NULL, NULL, NULL, NULL, NULL                               \
    }

static void attributes(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"", NULL, "a.test", "CN=a.test;O=Corp", NULL, NULL,
         "its subject has O, which policy p does not allow"},
        {"", NULL, "a.test", "O=Corp;OU=x;OU=y", SAN_A, NULL,
         "has O, OU, which"},
        {"subject O allow Corp", NULL, "a.test", "O=Corp", SAN_A, "-|O=Corp",
         NULL},
        {"subject O allow Corp", NULL, "a.test", "O=Other", SAN_A, NULL,
         "O=\"Other\": policy p allows O Corp only"},
        {"subject O allow Corp", NULL, "a.test", "OU=Corp", SAN_A, NULL,
         "has OU, which"},
        {"subject O allow Corp", NULL, "a.test", "O=Corp;O=Other", SAN_A, NULL,
         "O=\"Other\""},
        {"subject O allow Corp", NULL, "a.test", "O=corp", SAN_A, NULL,
         "O=\"corp\""},
        {"subject O allow Corp", NULL, "a.test", "", SAN_A, "-", NULL},
        {"subject O allow * deny Evil", NULL, "a.test", "O=Evil", SAN_A, NULL,
         "policy p denies O Evil"},
        {"subject O allow * deny Evil", NULL, "a.test", "O=EVIL", SAN_A, NULL,
         "policy p denies O Evil"},
        {"subject O allow * deny Evil", NULL, "a.test", "O=Good", SAN_A,
         "-|O=Good", NULL},
        {"subject O require Corp", NULL, "a.test", "O=Corp", SAN_A, "-|O=Corp",
         NULL},
        {"subject O require Corp", NULL, "a.test", "", SAN_A, NULL,
         "policy p requires O Corp"},
        {"subject O require Corp allow Other", NULL, "a.test", "O=Other", SAN_A,
         NULL, "requires O Corp"},
        {"subject O require Corp allow Other", NULL, "a.test", "O=Other;O=Corp",
         SAN_A, "-|O=Other|O=Corp", NULL},
        {"subject O require 'A*' 'B*'", NULL, "a.test", "O=A;O=B", SAN_A,
         "-|O=A|O=B", NULL},
        {"subject O require 'A*' 'B*'", NULL, "a.test", "O=A", SAN_A, NULL,
         "requires O B*"},
        {"subject O allow *; subject OU allow *; subject C allow *; "
         "subject ST allow *; subject L allow *; subject DC allow *",
         NULL, "a.test", "OU=u;O=o;L=l;ST=s;C=DE;DC=test;DC=a", SAN_A,
         "-|DC=test|DC=a|C=DE|ST=s|L=l|O=o|OU=u", NULL},
        {"subject C allow *", NULL, "a.test", "C=de", SAN_A, NULL,
         "its C \"de\": a country is two capital letters"},
        {"subject O allow *", NULL, "a.test", "emailAddress=a@b.test", SAN_A,
         NULL, "emailAddress, which no policy can allow"},
        END};

    table_try(table, 0, pool);
}

static void defaults(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"", "O=Corp", "a.test", "", SAN_A, "-|O=Corp", NULL},
        {"", "O=Corp;C=DE", "a.test", "CN=a.test", NULL,
         "CN=a.test|C=DE|O=Corp", NULL},
        {"subject O require Corp", "O=Corp;C=DE", "a.test", "", SAN_A,
         "-|C=DE|O=Corp", NULL},
        {"subject O require Corp allow Other", "O=Corp", "a.test", "O=Other",
         SAN_A, NULL, "requires O Corp"},
        {"subject O allow Corp Other", "O=Corp", "a.test", "O=Other", SAN_A,
         "-|O=Other", NULL},
        {"", "O=Corp", "a.test", "O=Corp", SAN_A, "-|O=Corp", NULL},
        {"", "O=Corp", "a.test", "O=Other", SAN_A, NULL, "has O, which"},
        {"subject O deny Corp", "O=Corp", "a.test", "O=Corp", SAN_A, NULL,
         "denies O Corp"},
        {"", "OU=a;OU=b", "a.test", "", SAN_A, "-|OU=a|OU=b", NULL},
        {"subject OU allow *", "OU=a;OU=b", "a.test", "OU=c", SAN_A, "-|OU=c",
         NULL},
        END};

    table_try(table, 0, pool);
}

static void common_names(apr_pool_t *pool)
{
#define CN_A "subject CN allow *.a.test"
    static const row_t table[] = {
        {"", NULL, "a.test b.test", "", "subjectAltName=DNS:a.test,DNS:b.test",
         "CN=a.test", NULL},
        {"", NULL, "a.test b.test", "CN=b.test", SAN_A, "CN=b.test", NULL},
        {CN_A, NULL, "b.test x.a.test", "",
         "subjectAltName=DNS:b.test,DNS:x.a.test", "CN=x.a.test", NULL},
        {CN_A, NULL, "b.test x.a.test", "CN=b.test",
         "subjectAltName=DNS:x.a.test", NULL,
         "its CN is \"b.test\": policy p allows CN *.a.test only"},
        {CN_A " deny x.a.test", NULL, "x.a.test y.a.test", "",
         "subjectAltName=DNS:x.a.test,DNS:y.a.test", "CN=y.a.test", NULL},
        {CN_A, NULL, "b.test", "", "subjectAltName=DNS:b.test", "-", NULL},
        {CN_A, NULL, "*.a.test", "CN=*.a.test", "subjectAltName=DNS:*.a.test",
         "-", NULL},
        {CN_A, NULL, "*.a.test", "", "subjectAltName=DNS:*.a.test", "-", NULL},
        {"subject CN require *.a.test", NULL, "*.a.test", "CN=*.a.test",
         "subjectAltName=DNS:*.a.test", NULL, "CN"},
        {"subject CN require *.a.test", NULL, "b.test", "",
         "subjectAltName=DNS:b.test", NULL, "policy p requires CN *.a.test"},
        {"subject CN require *.a.test", NULL, "x.a.test", "",
         "subjectAltName=DNS:x.a.test", "CN=x.a.test", NULL},
        {"", NULL, "a.test", "CN=Alice Smith", SAN_A, NULL,
         "its CN \"Alice Smith\" is not a DNS name"},
        {"subject CN allow 'Alice *'", NULL, "a.test", "CN=Alice Smith", SAN_A,
         "CN=Alice Smith", NULL},
        {"preset code-signing; subject CN require 'Alice *'", NULL, "a.test",
         "CN=Alice Smith", SAN_A, "CN=Alice Smith", NULL},
        {"preset code-signing; subject CN require 'Alice *'", NULL, "a.test",
         "", SAN_A, NULL, "requires CN Alice *"},
        {"subject CN allow 'Alice *'", NULL, "a.test", "CN=Bob Smith", SAN_A,
         NULL, "its CN is \"Bob Smith\": policy p allows CN Alice * only"},
        {"subject CN allow **", NULL, "a.test", "CN=Alice Smith", SAN_A, NULL,
         "allows CN ** only"},
        {"subject CN allow * **", NULL, "a.test", "CN=b.test", SAN_A, NULL,
         "the order has not: b.test"},
        {"subject CN allow 'Alice *'", NULL, "a.test", "CN=alice.test", SAN_A,
         NULL, "allows CN Alice * only"},
        END};
    static const row_t without[] = {
        {"", NULL, "a.test", "", SAN_A, "-", NULL},
        {CN_A, NULL, "x.a.test", "", "subjectAltName=DNS:x.a.test", "-", NULL},
        {"subject CN require *.a.test", NULL, "x.a.test", "",
         "subjectAltName=DNS:x.a.test", NULL, "requires CN"},
        {"subject CN require *.a.test", NULL, "x.a.test", "CN=x.a.test", NULL,
         "CN=x.a.test", NULL},
        END};

    table_try(table, 1, pool);
    table_try(without, 0, pool);
}

static void other_names(apr_pool_t *pool)
{
    static const row_t table[] = {
        {"", NULL, "a.test", "", SAN_A ",email:a@b.test", NULL,
         "an e-mail address, which policy p does not allow"},
        {"", NULL, "a.test", "", SAN_A ",URI:https://a.test/", NULL,
         "a URI, which policy p does not allow"},
        {"san email allow *@b.test", NULL, "a.test", "",
         SAN_A ",email:a@b.test", "-|email:a@b.test", NULL},
        {"san email allow *@b.test", NULL, "a.test", "",
         SAN_A ",email:a@c.test", NULL,
         "the email \"a@c.test\": policy p allows email *@b.test only"},
        {"san email allow *@b.test deny root@*.test root@b.test", NULL,
         "a.test", "", SAN_A ",email:ROOT@b.test", NULL, "denies email"},
        {"san email allow *@b.test", NULL, "a.test", "", SAN_A ",email:ab.test",
         NULL, "the email \"ab.test\": it has no \"@\""},
        {"san email allow *@b.test", NULL, "a.test", "",
         SAN_A ",email:*@b.test", NULL, "it has a \"*\""},
        {"san email require *@b.test", NULL, "a.test", "", SAN_A, NULL,
         "policy p requires email *@b.test"},
        {"san uri allow spiffe://a.test/*", NULL, "a.test", "",
         SAN_A ",URI:SPIFFE://A.test/Web", "-|uri:spiffe://a.test/Web", NULL},
        {"san uri allow spiffe://a.test/**", NULL, "a.test", "",
         SAN_A ",URI:spiffe://a.test/x/../y", NULL, "\"..\""},
        {"san uri allow spiffe://a.test/*", NULL, "a.test", "",
         SAN_A ",URI:spiffe://b.test/x", NULL, "allows uri"},
        {"san uri allow spiffe://a.test/*; san email allow *@a.test", NULL,
         "a.test", "", SAN_A ",URI:spiffe://a.test/x,email:x@a.test",
         "-|email:x@a.test|uri:spiffe://a.test/x", NULL},
        {"san ip allow 10.0.0.0/8", NULL, "a.test", "", SAN_A ",IP:10.0.0.1",
         NULL, "the order has not: 10.0.0.1"},
        END};

    table_try(table, 0, pool);
}

static void usages(apr_pool_t *pool)
{
    policy_t *policy = policy_help_make(
        "ku allow keyAgreement; eku allow clientAuth; key ec:P-256", pool);
    policy_csr_terms_t terms = {0};
    policy_csr_t *csr = NULL;
    unsigned char hash[32];
    der_t der = CSR(.ext = {SAN_A, "keyUsage=digitalSignature,keyAgreement",
                            "extendedKeyUsage=clientAuth"});

    terms.policy = policy;
    terms.identifiers = recipe_ids("a.test", pool);
    need(!policy_csr_check(&csr, &terms, der.data, der.len, pool));
    is_int(csr->key_usage, 0x88);
    is_str(apr_array_pstrcat(pool, csr->ext_key_usage, ' '),
           "serverAuth clientAuth");
    ok(policy_spki_sha256(hash, csr->key));
    is_str(csr->spki_sha256, apr_pescape_hex(pool, hash, 32, 0));
    is_int(policy_csr_key_usage(policy, csr->key), 0x80);
    der = CSR(.key = recipe_key("P-384", pool), .ext = {SAN_A});
    ok(policy_csr_check(&csr, &terms, der.data, der.len, pool));
    terms.policy = policy_help_make("signature sha384", pool);
    need(policy_csr_check(&csr, &terms, der.data, der.len, pool));
    ok(strstr(policy_csr_check(&csr, &terms, der.data, der.len, pool)->detail,
              "signed with SHA256; allowed are: sha384"));
    der = CSR(.md = EVP_sha384(), .ext = {SAN_A});
    ok(!policy_csr_check(&csr, &terms, der.data, der.len, pool));
}

const tap_case_t tap_cases[] = {
    {"T56 subject attributes need a list", attributes},
    {"what the request is silent about is filled in", defaults},
    {"T56 the CN: wished, filled in, required", common_names},
    {"T56 e-mail addresses and URIs need a list", other_names},
    {"usages to be issued, and the kind of key", usages},
    {NULL, NULL}};
