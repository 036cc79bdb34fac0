/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_txt.h"

#include <openssl/sha.h>
#include <string.h>

#include <apr_strings.h>

#include "base/b64url.h"
#include "base/clock.h"
#include "base/quote.h"
#include "dcv/dcv_persist.h"

#include "base/banned.h"

/* Values that are shown, and octets of each. */
#define VALUES_SHOWN 3
#define VALUE_MAX    64
/* Of five bits each. */
#define LABEL_LEN 16

/* "_<label>._acme-challenge.a.test": the label is ten octets of the digest of
 * the account's URL, in base32. */
static const char *account_name(const dcv_job_t *job)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char label[LABEL_LEN + 1];
    int i, at;

    SHA256((const unsigned char *)job->account_url, strlen(job->account_url),
           digest);
    for (i = 0; i < LABEL_LEN; i++) {
        at = i * 5;
        label[i] = letters[((digest[at / 8] << 8 | digest[at / 8 + 1]) >>
                            (11 - at % 8)) &
                           31];
    }
    label[LABEL_LEN] = '\0';
    return apr_pstrcat(job->pool, "_", label, "._acme-challenge.", job->domain,
                       NULL);
}

dcv_want_t *dcv_txt_want(const dcv_job_t *job)
{
    dcv_want_t *want = apr_pcalloc(job->pool, sizeof(*want));
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const char *text = job->key_authorization;

    want->job = job;
    if (job->method == DCV_DNS_PERSIST01) {
        want->name =
            apr_pstrcat(job->pool, "_validation-persist.", job->domain, NULL);
        want->value = dcv_persist_value(job);
        return want;
    }
    SHA256((const unsigned char *)text, strlen(text), digest);
    want->name =
        job->method == DCV_DNS_ACCOUNT01
            ? account_name(job)
            : apr_pstrcat(job->pool, "_acme-challenge.", job->domain, NULL);
    want->value = b64url_encode(digest, sizeof(digest), job->pool);
    want->secret = text;
    return want;
}

static int is_text(const dcv_txt_t *txt, const char *text)
{
    apr_size_t len = strlen(text);

    return txt->len == len && !memcmp(txt->text, text, len);
}

/* Of a digest: does it prove it, or what is wrong with it? */
static void digest_judge(dcv_txts_t *txts, const dcv_want_t *want,
                         const dcv_txt_t *txt, apr_pool_t *scratch)
{
    const char *quoted = apr_pstrcat(scratch, "\"", want->value, "\"", NULL);

    if (is_text(txt, want->value))
        txts->is_proof = 1;
    else if (is_text(txt, want->secret))
        txts->hint = "that is the key authorization itself; its SHA-256 in "
                     "base64url is wanted";
    else if (is_text(txt, quoted))
        txts->hint = "the quotes have become part of the value";
}

/* Of dns-persist-01: only what says more than the others did. */
static void persist_judge(dcv_txts_t *txts, const dcv_want_t *want,
                          const dcv_txt_t *txt, apr_pool_t *scratch,
                          apr_pool_t *pool)
{
    dcv_persist_t said;
    int rank = dcv_persist_judge(&said, txt, want->job,
                                 clock_seconds(&clock_system), scratch);

    if (rank <= txts->rank)
        return;
    txts->rank = rank;
    txts->hint =
        said.why
            ? apr_pstrcat(pool, "of the record for this CA: ", said.why, NULL)
            : NULL;
    txts->is_proof = rank == DCV_PERSIST_GOOD;
    txts->until = said.until;
    if (said.is_url)
        txts->lifetime = txt->ttl > 0 ? txt->ttl : 1;
}

static void shown_add(dcv_txts_t *txts, const dcv_txt_t *txt, apr_pool_t *pool)
{
    txts->shown = apr_pstrcat(
        pool, txts->shown ? txts->shown : "", txts->shown ? ", \"" : "\"",
        quote_make(txt->text, txt->len, VALUE_MAX, pool), "\"", NULL);
}

void dcv_txts_add(dcv_txts_t *txts, const dcv_want_t *want,
                  const dcv_txt_t *txt, apr_pool_t *scratch, apr_pool_t *pool)
{
    if (txts->count++ < VALUES_SHOWN)
        shown_add(txts, txt, pool);
    if (want->secret)
        digest_judge(txts, want, txt, scratch);
    else
        persist_judge(txts, want, txt, scratch, pool);
}

static const char *values_text(const dcv_txts_t *txts, apr_pool_t *pool)
{
    return txts->count > VALUES_SHOWN
               ? apr_psprintf(pool, "%s and %d more", txts->shown,
                              txts->count - VALUES_SHOWN)
               : txts->shown;
}

/* "ns1.a.test (192.0.2.1) says at b.test: …" */
static const char *source_text(const dcv_want_t *want, const dcv_txts_t *txts,
                               apr_pool_t *pool)
{
    int is_alias = strcmp(txts->name, want->name) != 0;

    return apr_pstrcat(pool, txts->by, is_alias ? ", of its alias " : "",
                       is_alias ? txts->name : "", ": ",
                       txts->why ? txts->why : values_text(txts, pool), NULL);
}

static const char *outcome_hint(dcv_txt_e outcome)
{
    switch (outcome) {
    case DCV_TXT_FOUND:
        return "records of older challenges may stay, but the new one must be "
               "there before the client asks for validation";
    case DCV_TXT_NO_RECORD:
    case DCV_TXT_NO_NAME:
        return "is the record published at exactly this name, in the zone that "
               "these servers have?";
    default:
        return "can the ACME server, and its resolver, reach the name servers "
               "of this domain?";
    }
}

/* Of dns-persist-01: records that are there, but do not allow this. */
static problem_type_e persist_type(int rank)
{
    return rank == DCV_PERSIST_MALFORMED ? PROBLEM_MALFORMED
                                         : PROBLEM_UNAUTHORIZED;
}

static problem_type_e found_judge(const char **hint, const dcv_want_t *want,
                                  const dcv_txts_t *authority,
                                  const dcv_txts_t *resolver)
{
    static const dcv_txts_t nothing;
    const dcv_txts_t *best = authority ? authority : &nothing;

    if (resolver && (resolver->rank > best->rank || !best->hint))
        best = resolver;
    if (best->hint)
        *hint = best->hint;
    else if (!want->secret)
        *hint = "none of them begins with a name of this CA";
    return want->secret ? PROBLEM_INCORRECT_RESPONSE : persist_type(best->rank);
}

problem_t *dcv_txt_problem(const dcv_want_t *want, const dcv_txts_t *authority,
                           const dcv_txts_t *resolver, apr_pool_t *pool)
{
    static const problem_type_e types[] = {PROBLEM_DNS, PROBLEM_DNS,
                                           PROBLEM_UNAUTHORIZED};
    dcv_txt_e outcome = DCV_TXT_FAILED;
    const char *seen = "no answer from the name servers in time", *hint;
    const char *first = authority ? source_text(want, authority, pool) : NULL;
    const char *second = resolver ? source_text(want, resolver, pool) : NULL;
    problem_type_e type;

    if (authority)
        outcome = authority->outcome;
    if (resolver && resolver->outcome > outcome)
        outcome = resolver->outcome;
    if (first || second)
        seen =
            apr_pstrcat(pool, first ? first : "", first && second ? "; " : "",
                        second ? "resolver " : "", second, NULL);
    hint = outcome_hint(outcome);
    type = outcome == DCV_TXT_FOUND
               ? found_judge(&hint, want, authority, resolver)
               : types[outcome];
    return problem_make(pool, type,
                        "TXT record of %s: %s. Expected: \"%s\". Hint: %s",
                        want->name, seen, want->value, hint);
}
