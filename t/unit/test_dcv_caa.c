/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_caa.h"

#include <string.h>

#include <apr_strings.h>

#include "resident.h"
#include "tap.h"

/* As many as a message can hold. */
#define RECORDS 2000
#define URI     "https://ca.test/acme/acct/1"

/* "issue ca.test; 128 issuewild ;" is two records, apart by "|"; flags may
 * stand first. */
static void records_make(dcv_caa_set_t *set, const char *text, apr_pool_t *pool)
{
    char **data = apr_palloc(pool, 8 * sizeof(*data));
    int *lens = apr_palloc(pool, 8 * sizeof(*lens));
    char *copy = apr_pstrdup(pool, text), *state, *one;

    set->count = 0;
    set->data = data;
    set->lens = lens;
    for (one = apr_strtok(copy, "|", &state); one;
         one = apr_strtok(NULL, "|", &state)) {
        int flags = (int)strtol(one, &one, 10);
        char *tag = one + strspn(one, " "), *value = strchr(tag, ' ');
        size_t tag_len = (size_t)(value - tag), len = strlen(value + 1);
        char *record = apr_palloc(pool, 2 + tag_len + len);

        record[0] = (char)flags;
        record[1] = (char)tag_len;
        memcpy(record + 2, tag, tag_len);
        memcpy(record + 2 + tag_len, value + 1, len);
        data[set->count] = record;
        lens[set->count++] = (int)(2 + tag_len + len);
    }
}

static const char *judge(const char *records, int is_wildcard,
                         const char *method, apr_pool_t *pool)
{
    dcv_caa_name_t name = {"a.test", is_wildcard, method};
    apr_array_header_t *identities =
        apr_array_make(pool, 2, sizeof(const char *));
    dcv_caa_t terms = {.identities = identities, .account_uri = URI};
    dcv_caa_set_t set;

    APR_ARRAY_PUSH(identities, const char *) = "ca.test";
    APR_ARRAY_PUSH(identities, const char *) = "pki.test";
    records_make(&set, records, pool);
    return dcv_caa_fault(&terms, &name, &set, pool);
}

static void allowed(const char *records, apr_pool_t *pool)
{
    is_str(judge(records, 0, "http-01", pool), NULL);
}

static void refused(const char *records, const char *words, apr_pool_t *pool)
{
    const char *why = judge(records, 0, "http-01", pool);

    ok(why && strstr(why, words), "%s: no \"%s\" in: %s", records, words,
       why ? why : "(allowed)");
}

static void issuers(apr_pool_t *pool)
{
    allowed("0 issue ca.test", pool);
    allowed("0 ISSUE CA.Test", pool);
    allowed("0 issue  pki.test ; ", pool);
    allowed("0 issue other.test|0 issue ca.test", pool);
    allowed("0 issue ca.test; policy=ev", pool);
    allowed("128 issue ca.test", pool);
    allowed("0 iodef mailto:a@a.test", pool);
    allowed("0 issuewild other.test", pool);
    allowed("0 unknown x", pool);
    refused("0 issue other.test", "\"other.test\" only", pool);
    refused("0 issue other.test", "ca.test pki.test", pool);
    refused("0 issue ;", "\";\" only", pool);
    refused("0 issue ", "only", pool);
    refused("0 issue ca.test.evil", "only", pool);
    refused("0 issue ca.test x", "only", pool);
    refused("0 issue other.test|0 iodef mailto:a@a.test", "only", pool);
}

static void wildcards(apr_pool_t *pool)
{
    is_str(judge("0 issue ca.test", 1, "dns-01", pool), NULL);
    is_str(judge("0 issuewild ca.test", 1, "dns-01", pool), NULL);
    is_str(judge("0 issue ;|0 issuewild ca.test", 1, "dns-01", pool), NULL);
    ok(judge("0 issue ca.test|0 issuewild ;", 1, "dns-01", pool));
    ok(judge("0 issue other.test", 1, "dns-01", pool));
    ok(judge("0 issue ;|0 issuewild ca.test", 0, "dns-01", pool));
    is_str(judge("0 issue ca.test|0 issuewild ;", 0, "dns-01", pool), NULL);
}

static void critical(apr_pool_t *pool)
{
    dcv_caa_name_t name = {"a.test", 0, "http-01"};
    dcv_caa_t terms = {.identities =
                           apr_array_make(pool, 1, sizeof(const char *))};
    static const char *const odd[] = {
        "", "\0", "\0\0", "\0\005issu", "\0\005is ue", "\0\377issue"};
    static const int lens[] = {0, 1, 2, 6, 7, 7};
    dcv_caa_set_t set;
    char *data;
    int i;

    refused("128 issue ca.test|128 tbs x", "\"tbs\" is critical", pool);
    refused("129 tbs x", "critical", pool);
    allowed("1 tbs x", pool);
    allowed("128 contactemail a@a.test", pool);
    for (i = 0; i < 6; i++) {
        data = apr_pmemdup(pool, odd[i], (apr_size_t)lens[i] + 1);
        set = (dcv_caa_set_t){1, &data, &lens[i]};
        ok(dcv_caa_fault(&terms, &name, &set, pool), "%d", i);
    }
}

static void accounts(apr_pool_t *pool)
{
    allowed("0 issue ca.test; accounturi=" URI, pool);
    allowed("0 issue ca.test;accounturi = " URI " ", pool);
    allowed("0 issue ca.test; AccountURI=" URI, pool);
    refused("0 issue ca.test; accounturi=" URI "2", "this account", pool);
    refused("0 issue ca.test; accounturi=", "only", pool);
    refused("0 issue ca.test; accounturi=" URI "; accounturi=" URI, "only",
            pool);
    allowed("0 issue ca.test; accounturi=x|0 issue ca.test; accounturi=" URI,
            pool);
    refused("0 issue ca.test; junk", "only", pool);
    refused("0 issue ca.test; =x", "only", pool);
}

/* RFC 8659 4.2: what does not match the grammar is treated like one that names
 * nobody. */
static void grammar(apr_pool_t *pool)
{
    static const char *const bad[] = {
        "ca.test;; a=b",   "ca.test; a=b;",   "ca.test; a=b; ",
        "ca.test; a=b c",  "ca.test; a b=c",  "ca.test; a!b=c",
        "ca.test; -a=b",   "ca.test; a-=b",   "ca.test; a=\xc3\xa4",
        "ca.test; a=\x7f", "ca.test; a=b; ;", "ca.test, pki.test",
    };
    char text[80];
    apr_size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        apr_snprintf(text, sizeof(text), "0 issue %s", bad[i]);
        refused(text, "only", pool);
    }
    allowed("0 issue \tca.test\t;\t", pool);
    allowed("0 issue ca.test; a-b \t=\t c ; d=e=f; g=", pool);
}

/* Somebody else's, and ours at the end. */
static void masses(apr_pool_t *pool)
{
    static char *data[RECORDS];
    static int lens[RECORDS];
    char value[] = "\0\005issue0123456789012345678901234567890123456789";
    dcv_caa_name_t name = {"a.test", 0, "http-01"};
    dcv_caa_t terms = {.identities =
                           apr_array_make(pool, 1, sizeof(const char *))};
    dcv_caa_set_t set = {RECORDS, data, lens};
    const char *fault;
    long before;
    int i;

    APR_ARRAY_PUSH((apr_array_header_t *)terms.identities, const char *) =
        "ca.test";
    for (i = 0; i < RECORDS; i++) {
        data[i] = value;
        lens[i] = sizeof(value) - 1;
    }
    before = resident();
    fault = dcv_caa_fault(&terms, &name, &set, pool);
    ok(fault && strlen(fault) < 500, "%d octets", (int)strlen(fault));
    ok(strstr(fault, "789\" and others only"), "%.200s", fault);
    ok(resident() - before < 2000000, "%ld octets", resident() - before);
    data[RECORDS - 1] = apr_pstrmemdup(pool, "\0\005issueca.test", 14);
    lens[RECORDS - 1] = 14;
    is_str(dcv_caa_fault(&terms, &name, &set, pool), NULL);
}

static void methods(apr_pool_t *pool)
{
    allowed("0 issue ca.test; validationmethods=http-01", pool);
    allowed("0 issue ca.test; validationmethods=dns-01,http-01", pool);
    refused("0 issue ca.test; validationmethods=dns-01, http-01", "only", pool);
    refused("0 issue ca.test; validationmethods=dns-01,,http-01", "only", pool);
    refused("0 issue ca.test; validationmethods=dns-01", "http-01", pool);
    refused("0 issue ca.test; validationmethods=", "http-01", pool);
    refused("0 issue ca.test; validationmethods=http-01; "
            "validationmethods=http-01",
            "only", pool);
    refused("0 issue ca.test; accounturi=" URI "; validationmethods=dns-01",
            "only", pool);
    ok(judge("0 issue ca.test; validationmethods=http-01", 0, NULL, pool));
    is_str(judge("0 issue ca.test", 0, NULL, pool), NULL);
}

static void words(apr_pool_t *pool)
{
    char *at = apr_pstrdup(pool, " \ta b\t;;c = d "), *c;

    is_str(dcv_caa_word(&at, ';'), "a b");
    is_str(dcv_caa_word(&at, ';'), "");
    c = dcv_caa_word(&at, ';');
    ok(!at);
    ok(!dcv_caa_word(&at, ';'));
    is_str(dcv_caa_word(&c, '='), "c");
    is_str(c, " d");
    is_str(dcv_caa_trim(c), "d");
    is_str(dcv_caa_trim(apr_pstrdup(pool, "\t ")), "");
}

const tap_case_t tap_cases[] = {
    {"T85 issue: this CA, another, nobody", issuers},
    {"T85 issuewild, and issue without it", wildcards},
    {"T85 what is critical and unknown, or makes no sense", critical},
    {"T85 RFC 8659 4.2: the grammar of a value", grammar},
    {"T85 thousands of records cost no memory, and make no long words", masses},
    {"T85 RFC 8657: accounturi", accounts},
    {"T85 RFC 8657: validationmethods", methods},
    {"words and blanks", words},
    {NULL, NULL}};
