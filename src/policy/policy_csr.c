/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <string.h>

#include "policy/policy_csr_subject.h"
#include "policy/policy_key.h"
#include "policy/policy_pkcs10.h"
#include "policy/policy_spki.h"
#include "policy/policy_usage.h"

#include "base/banned.h"

/* A bad key is not tried: it might be slow. */
static EVP_PKEY *key_check(policy_csr_wishes_t *wishes,
                           const policy_csr_terms_t *terms,
                           const policy_pkcs10_t *pkcs10, apr_pool_t *pool)
{
    EVP_PKEY *key, *account_key = terms->account_key;
    const char *fault =
        policy_spki_fault(&key, pkcs10->spki, pkcs10->spki_len, pool);
    problem_t *prob = NULL;

    if (key)
        prob = policy_key_check(terms->policy, key, terms->blocklist,
                                PROBLEM_BAD_CSR, pool);
    if (fault)
        policy_csr_wishes_fault(
            wishes,
            apr_pstrcat(pool, "the public key is refused: ", fault, NULL));
    else if (prob)
        policy_csr_wishes_fault(wishes, prob->detail);
    fault = policy_pkcs10_signature_fault(pkcs10, terms->policy,
                                          prob ? NULL : key, pool);
    if (fault)
        policy_csr_wishes_fault(wishes, fault);
    /* RFC 8555 11.1 */
    if (key && account_key && EVP_PKEY_eq(key, account_key) == 1)
        policy_csr_wishes_fault(
            wishes, "its key is the account's key: make one of its own");
    return key;
}

typedef struct {
    apr_array_header_t *missing, *extra; /* of identifier_t * */
} difference_t;

/* Both lists are sorted. */
static difference_t difference_find(const apr_array_header_t *want,
                                    const policy_csr_wishes_t *wishes,
                                    apr_pool_t *pool)
{
    const apr_array_header_t *have = wishes->names;
    difference_t diff;
    int w = 0, h = 0, order;

    diff.missing = apr_array_make(pool, 1, sizeof(identifier_t *));
    diff.extra = apr_array_make(pool, 1, sizeof(identifier_t *));
    if (wishes->is_cut)
        return diff;
    while (w < want->nelts || h < have->nelts) {
        if (w == want->nelts)
            order = 1;
        else if (h == have->nelts)
            order = -1;
        else
            order = identifier_compare(APR_ARRAY_IDX(want, w, identifier_t *),
                                       APR_ARRAY_IDX(have, h, identifier_t *));
        if (order < 0)
            APR_ARRAY_PUSH(diff.missing, identifier_t *) =
                APR_ARRAY_IDX(want, w, identifier_t *);
        if (order > 0)
            APR_ARRAY_PUSH(diff.extra, identifier_t *) =
                APR_ARRAY_IDX(have, h, identifier_t *);
        w += order <= 0;
        h += order >= 0;
    }
    return diff;
}

static void names_fault(policy_csr_wishes_t *wishes, const char *what,
                        const apr_array_header_t *names, apr_pool_t *pool)
{
    apr_array_header_t *words =
        apr_array_make(pool, names->nelts, sizeof(const char *));
    int i;

    if (names->nelts == 0)
        return;
    for (i = 0; i < names->nelts; ++i)
        APR_ARRAY_PUSH(words, const char *) =
            APR_ARRAY_IDX(names, i, identifier_t *)->value;
    policy_csr_wishes_fault(
        wishes,
        apr_pstrcat(pool, what, policy_csr_wishes_list(words, pool), NULL));
}

static void names_sub_add(problem_t *prob, const char *what,
                          const apr_array_header_t *names, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < names->nelts && i < POLICY_CSR_LIST_MAX; ++i)
        problem_sub_add(prob, problem_make(pool, PROBLEM_BAD_CSR, "%s", what),
                        APR_ARRAY_IDX(names, i, identifier_t *), pool);
}

static const char *sha256_hex(const unsigned char *der, apr_size_t der_len,
                              apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    if (EVP_Digest(der, der_len, digest, &len, EVP_sha256(), NULL) != 1)
        return NULL;
    return apr_pescape_hex(pool, digest, len, 0);
}

/* The first count faults, of which there is no name to tell. */
static void faults_sub_add(problem_t *prob, const policy_csr_wishes_t *wishes,
                           int count, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < count; ++i)
        problem_sub_add(
            prob,
            problem_make(pool, PROBLEM_BAD_CSR, "The CSR is refused: %s",
                         APR_ARRAY_IDX(wishes->faults, i, const char *)),
            NULL, pool);
}

/* All faults as one problem, several with a subproblem each; NULL without any.
 */
static problem_t *wishes_problem(policy_csr_wishes_t *wishes,
                                 const apr_array_header_t *identifiers,
                                 apr_pool_t *pool)
{
    difference_t diff = difference_find(identifiers, wishes, pool);
    problem_t *prob;
    const char *detail = "The CSR is refused: ";
    int i, count = wishes->faults->nelts; /* without the names */

    names_fault(wishes, "it lacks names of the order: ", diff.missing, pool);
    names_fault(wishes, "it has names that the order has not: ", diff.extra,
                pool);
    if (wishes->faults->nelts == 0)
        return NULL;
    for (i = 0; i < wishes->faults->nelts; ++i)
        detail =
            apr_pstrcat(pool, detail, i ? "; " : "",
                        APR_ARRAY_IDX(wishes->faults, i, const char *), NULL);
    prob = problem_make(pool, PROBLEM_BAD_CSR, "%s", detail);
    if (wishes->faults->nelts > 1)
        faults_sub_add(prob, wishes, count, pool);
    names_sub_add(prob, "The order has this name, the CSR has not",
                  diff.missing, pool);
    names_sub_add(prob, "The CSR has this name, the order has not", diff.extra,
                  pool);
    return prob;
}

/* All but the hashes. */
static policy_csr_t *csr_make(const policy_csr_terms_t *terms,
                              const policy_csr_wishes_t *wishes, EVP_PKEY *key,
                              const char *common_name, apr_pool_t *pool)
{
    policy_csr_t *csr = apr_pcalloc(pool, sizeof(*csr));

    csr->key = key;
    csr->common_name = common_name;
    csr->subject = wishes->subject;
    csr->emails = wishes->emails;
    csr->uris = wishes->uris;
    csr->key_usage =
        policy_key_usage_issued(terms->policy, key, wishes->key_usage);
    csr->ext_key_usage =
        policy_ext_key_usage_issued(terms->policy, wishes->ext_key_usage, pool);
    return csr;
}

problem_t *policy_csr_check(policy_csr_t **csr, const policy_csr_terms_t *terms,
                            const unsigned char *der, apr_size_t der_len,
                            apr_pool_t *pool)
{
    policy_csr_wishes_t *wishes = NULL;
    policy_pkcs10_t *pkcs10;
    const char *common_name = NULL;
    EVP_PKEY *key = NULL;
    problem_t *prob = policy_pkcs10_parse(&pkcs10, der, der_len, pool);

    if (!prob) {
        wishes = policy_csr_wishes_make(terms->policy, pkcs10, pool);
        common_name = policy_csr_subject_check(wishes, terms, pool);
        key = key_check(wishes, terms, pkcs10, pool);
        prob = wishes_problem(wishes, terms->identifiers, pool);
    }
    if (!prob) {
        *csr = csr_make(terms, wishes, key, common_name, pool);
        (*csr)->sha256 = sha256_hex(der, der_len, pool);
        (*csr)->spki_sha256 = sha256_hex(pkcs10->spki, pkcs10->spki_len, pool);
        if (!(*csr)->sha256 || !(*csr)->spki_sha256)
            prob = problem_internal(pool, APR_EGENERAL, "digest of a CSR");
    }
    ERR_clear_error();
    return prob;
}

unsigned int policy_csr_key_usage(const policy_t *policy, const EVP_PKEY *key)
{
    return policy_key_usage_issued(policy, key, 0);
}
