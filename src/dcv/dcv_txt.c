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

static const dcv_txt_t *value_find(const dcv_txts_t *txts, const char *text)
{
    int i;

    for (i = 0; txts && text && i < txts->values->nelts; i++) {
        const dcv_txt_t *txt = &APR_ARRAY_IDX(txts->values, i, dcv_txt_t);

        if (is_text(txt, text))
            return txt;
    }
    return NULL;
}

/* The record that says most; *why is what is wrong with it. */
static dcv_persist_e persist_find(const dcv_txt_t **found, const char **why,
                                  const dcv_want_t *want,
                                  const dcv_txts_t *txts)
{
    apr_int64_t now = clock_seconds(&clock_system);
    dcv_persist_e best = DCV_PERSIST_OTHER, one;
    const char *fault;
    int i;

    for (i = 0; txts && i < txts->values->nelts; i++) {
        const dcv_txt_t *txt = &APR_ARRAY_IDX(txts->values, i, dcv_txt_t);

        one = dcv_persist_judge(&fault, txt, want->job, now, want->job->pool);
        if (one <= best)
            continue;
        best = one;
        *found = txt;
        *why = fault;
    }
    return best;
}

const dcv_txt_t *dcv_txt_proof(const dcv_want_t *want, const dcv_txts_t *txts)
{
    const dcv_txt_t *found = NULL;
    const char *why;

    if (want->secret)
        return value_find(txts, want->value);
    return persist_find(&found, &why, want, txts) == DCV_PERSIST_GOOD ? found
                                                                      : NULL;
}

static const char *values_text(const dcv_txts_t *txts, apr_pool_t *pool)
{
    int i, count = txts->values->nelts;
    const char *text = "";

    for (i = 0; i < count && i < VALUES_SHOWN; i++) {
        const dcv_txt_t *txt = &APR_ARRAY_IDX(txts->values, i, dcv_txt_t);

        text = apr_pstrcat(pool, text, i ? ", \"" : "\"",
                           quote_make(txt->text, txt->len, VALUE_MAX, pool),
                           "\"", NULL);
    }
    return count > i ? apr_psprintf(pool, "%s and %d more", text, count - i)
                     : text;
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

/* Of a digest: records that are there, but not it. */
static problem_type_e digest_judge(const char **hint, const dcv_want_t *want,
                                   const dcv_txts_t *authority,
                                   const dcv_txts_t *resolver, apr_pool_t *pool)
{
    const char *quoted = apr_pstrcat(pool, "\"", want->value, "\"", NULL);

    if (value_find(authority, want->secret) ||
        value_find(resolver, want->secret))
        *hint = "that is the key authorization itself; its SHA-256 in "
                "base64url is wanted";
    else if (value_find(authority, quoted) || value_find(resolver, quoted))
        *hint = "the quotes have become part of the value";
    return PROBLEM_INCORRECT_RESPONSE;
}

/* Of dns-persist-01: records that are there, but do not allow this. */
static problem_type_e persist_judge(const char **hint, const dcv_want_t *want,
                                    const dcv_txts_t *authority,
                                    const dcv_txts_t *resolver)
{
    const char *ours = NULL, *theirs = NULL;
    const dcv_txt_t *txt;
    dcv_persist_e best = persist_find(&txt, &ours, want, authority);
    dcv_persist_e other = persist_find(&txt, &theirs, want, resolver);

    *hint = "none of them begins with a name of this CA";
    if (other > best) {
        best = other;
        ours = theirs;
    }
    if (ours)
        *hint = apr_pstrcat(want->job->pool,
                            "of the record for this CA: ", ours, NULL);
    return best == DCV_PERSIST_MALFORMED ? PROBLEM_MALFORMED
                                         : PROBLEM_UNAUTHORIZED;
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
    if (outcome != DCV_TXT_FOUND)
        type = types[outcome];
    else if (want->secret)
        type = digest_judge(&hint, want, authority, resolver, pool);
    else
        type = persist_judge(&hint, want, authority, resolver);
    return problem_make(pool, type,
                        "TXT record of %s: %s. Expected: \"%s\". Hint: %s",
                        want->name, seen, want->value, hint);
}
