/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_txt.h"

#include <openssl/sha.h>
#include <string.h>

#include <apr_strings.h>

#include "base/b64url.h"
#include "base/quote.h"

#include "base/banned.h"

/* Values that are shown, and octets of each. */
#define VALUES_SHOWN 3
#define VALUE_MAX    64

dcv_want_t *dcv_txt_want(const dcv_job_t *job)
{
    dcv_want_t *want = apr_pcalloc(job->pool, sizeof(*want));
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const char *text = job->key_authorization;

    SHA256((const unsigned char *)text, strlen(text), digest);
    want->name = apr_pstrcat(job->pool, "_acme-challenge.", job->domain, NULL);
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

    for (i = 0; txts && i < txts->values->nelts; i++) {
        const dcv_txt_t *txt = &APR_ARRAY_IDX(txts->values, i, dcv_txt_t);

        if (is_text(txt, text))
            return txt;
    }
    return NULL;
}

int dcv_txt_proves(const dcv_want_t *want, const dcv_txts_t *txts)
{
    return value_find(txts, want->value) != NULL;
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

static const char *hint_find(const dcv_want_t *want, dcv_txt_e outcome,
                             const dcv_txts_t *authority,
                             const dcv_txts_t *resolver, apr_pool_t *pool)
{
    const char *quoted = apr_pstrcat(pool, "\"", want->value, "\"", NULL);

    if (value_find(authority, want->secret) ||
        value_find(resolver, want->secret))
        return "that is the key authorization itself; its SHA-256 in base64url "
               "is wanted";
    if (value_find(authority, quoted) || value_find(resolver, quoted))
        return "the quotes have become part of the value";
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

problem_t *dcv_txt_problem(const dcv_want_t *want, const dcv_txts_t *authority,
                           const dcv_txts_t *resolver, apr_pool_t *pool)
{
    static const problem_type_e types[] = {PROBLEM_DNS, PROBLEM_DNS,
                                           PROBLEM_UNAUTHORIZED,
                                           PROBLEM_INCORRECT_RESPONSE};
    dcv_txt_e outcome = DCV_TXT_FAILED;
    const char *seen = "no answer from the name servers in time";
    const char *first = authority ? source_text(want, authority, pool) : NULL;
    const char *second = resolver ? source_text(want, resolver, pool) : NULL;

    if (authority)
        outcome = authority->outcome;
    if (resolver && resolver->outcome > outcome)
        outcome = resolver->outcome;
    if (first || second)
        seen =
            apr_pstrcat(pool, first ? first : "", first && second ? "; " : "",
                        second ? "resolver " : "", second, NULL);
    return problem_make(pool, types[outcome],
                        "TXT record of %s: %s. Expected: \"%s\". Hint: %s",
                        want->name, seen, want->value,
                        hint_find(want, outcome, authority, resolver, pool));
}
