/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_txt.h"

#include <apr_strings.h>
#include <string.h>

#include "dcv/dcv_persist.h"
#include "resident.h"
#include "tap.h"

#define ACCOUNT "https://ca.example/acme/acct/1"
/* SHA-256 of "token.thumb" in base64url, by openssl. */
#define DIGEST  "lCdftpJCXapaZHkBGIZbcubeKW8RmA0jSG_aZN01zbU"
#define RECORDS 50000

static dcv_job_t job;
static dcv_want_t *want;
static dcv_txts_t txts;
static apr_pool_t *scratch;

static void begin(dcv_method_e method, apr_pool_t *pool)
{
    apr_array_header_t *issuers = apr_array_make(pool, 1, sizeof(char *));

    APR_ARRAY_PUSH(issuers, const char *) = "ca.test";
    job = (dcv_job_t){.method = method,
                      .domain = "a.test",
                      .key_authorization = "token.thumb",
                      .account_url = ACCOUNT,
                      .issuers = issuers,
                      .is_url_allowed = 1,
                      .account_uris = apr_array_make(pool, 1, sizeof(char *)),
                      .hash_prefixes = apr_array_make(pool, 1, sizeof(char *)),
                      .pool = pool};
    want = dcv_txt_want(&job);
    txts = (dcv_txts_t){
        .outcome = DCV_TXT_FOUND, .name = want->name, .by = "somebody"};
    apr_pool_create(&scratch, pool);
}

static void add(const char *text, apr_int64_t ttl, apr_pool_t *pool)
{
    dcv_txt_t txt = {text, strlen(text), ttl};

    dcv_txts_add(&txts, want, &txt, scratch, pool);
    apr_pool_clear(scratch);
}

/* With so many wrong ones before it. */
static void among_many(const char *wrong, const char *right, apr_pool_t *pool)
{
    long before = resident();
    int i;

    for (i = 0; i < RECORDS; i++)
        add(wrong, 60, pool);
    ok(!txts.is_proof);
    add(right, 30, pool);
    add(right, 20, pool);
    ok(txts.is_proof);
    is_int(txts.count, RECORDS + 2);
    ok(resident() < before + 1000000, "%ld octets", resident() - before);
}

static void digests(apr_pool_t *pool)
{
    begin(DCV_DNS01, pool);
    among_many("an older one", DIGEST, pool);
    is_str(txts.shown, "\"an older one\", \"an older one\", \"an older one\"");
}

static void persistent(apr_pool_t *pool)
{
    begin(DCV_DNS_PERSIST01, pool);
    among_many("ca.test; accounturi=" ACCOUNT "s",
               "ca.test; accounturi=" ACCOUNT, pool);
    ok(!txts.hint, "%s", txts.hint);
    is_int(txts.lifetime, 30);
    is_int(txts.until, 0);
}

static void detail_has(const char *word, problem_type_e type, apr_pool_t *pool)
{
    problem_t *prob = dcv_txt_problem(want, &txts, NULL, pool);

    is_str(problem_name(prob->type), problem_name(type));
    ok(strstr(prob->detail, word), "no \"%s\" in %s", word, prob->detail);
}

static void hints(apr_pool_t *pool)
{
    begin(DCV_DNS01, pool);
    add("a", 1, pool);
    detail_has("somebody: \"a\". Expected: \"" DIGEST "\". Hint: records of",
               PROBLEM_INCORRECT_RESPONSE, pool);
    add("token.thumb", 1, pool);
    add("b", 1, pool);
    add("c", 1, pool);
    detail_has("\"b\" and 1 more.", PROBLEM_INCORRECT_RESPONSE, pool);
    detail_has("SHA-256 in base64url", PROBLEM_INCORRECT_RESPONSE, pool);
    begin(DCV_DNS_PERSIST01, pool);
    add("other.test; accounturi=" ACCOUNT, 1, pool);
    detail_has("none of them begins with", PROBLEM_UNAUTHORIZED, pool);
    add("ca.test; policy", 1, pool);
    add("ca.test; accounturi=x", 1, pool);
    detail_has("without \"=\"", PROBLEM_MALFORMED, pool);
}

/* What the resolver says may be the nearer one. */
static void both(apr_pool_t *pool)
{
    dcv_txts_t theirs;
    problem_t *prob;

    begin(DCV_DNS_PERSIST01, pool);
    add("other.test; accounturi=" ACCOUNT, 1, pool);
    theirs = txts;
    txts = (dcv_txts_t){
        .outcome = DCV_TXT_FOUND, .name = want->name, .by = "192.0.2.53"};
    add("ca.test; accounturi=x", 1, pool);
    prob = dcv_txt_problem(want, &theirs, &txts, pool);
    ok(strstr(prob->detail, "another account's, x"), "%s", prob->detail);
    prob = dcv_txt_problem(want, &txts, &theirs, pool);
    ok(strstr(prob->detail, "another account's, x"), "%s", prob->detail);
}

const tap_case_t tap_cases[] = {
    {"T80 the right one among thousands, of which nothing is kept", digests},
    {"dns-persist-01: so it is there", persistent},
    {"T80 values, types and hints", hints},
    {"the hint is of the record that came nearest, whoever has it", both},
    {NULL, NULL}};
