/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <openssl/err.h>
#include <string.h>

#include "base/pjson.h"
#include "policy/policy_csr.h"
#include "policy/policy_csr_wishes.h"
#include "policy/policy_make.h"

/* A limit that no list of faults may pass. */
#define DETAIL_MAX 20000

static apr_pool_t *top;
static policy_t *policy;
static apr_array_header_t *ids;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    identifier_t *id;

    apr_initialize();
    apr_pool_create(&top, NULL);
    json_object_seed(1);
    policy = policy_make("tls-server", top);
    ids = apr_array_make(top, 2, sizeof(identifier_t *));
    promise(!identifier_parse(&id, "dns", "a.test", 0, top));
    APR_ARRAY_PUSH(ids, identifier_t *) = id;
    promise(!identifier_parse(&id, "dns", "b.test", 0, top));
    APR_ARRAY_PUSH(ids, identifier_t *) = id;
    return 0;
}

/* A problem must be fit to be shown. */
static void show(const problem_t *prob, apr_pool_t *pool)
{
    const char *c;

    promise(prob->type == PROBLEM_BAD_CSR && prob->status == 400);
    promise(strlen(prob->detail) < DETAIL_MAX);
    for (c = prob->detail; *c; ++c)
        promise(*c & 0x80 || (*c >= ' ' && *c < 0x7f));
    promise(pjson_text(problem_render(prob, pool), 0, pool));
}

/* Whatever a CSR asks for, its names are names. */
static void wishes_try(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    policy_csr_wishes_t *wishes;
    policy_pkcs10_t *pkcs10;
    identifier_t *again;
    int i;

    if (policy_pkcs10_parse(&pkcs10, data, size, pool))
        return;
    wishes = policy_csr_wishes_make(policy, pkcs10, pool);
    for (i = 0; i < wishes->names->nelts; ++i) {
        const char *value =
            APR_ARRAY_IDX(wishes->names, i, identifier_t *)->value;

        promise(!identifier_parse(&again, "dns", value, IDENTIFIER_UNDERSCORE,
                                  pool));
        promise(strcmp(again->value, value) == 0);
    }
    promise(wishes->names->nelts <= 2 * policy->max_names + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const policy_csr_terms_t terms = {.policy = policy, .identifiers = ids};
    policy_csr_t *csr;
    apr_pool_t *pool;
    problem_t *prob;

    apr_pool_create(&pool, top);
    prob = policy_csr_check(&csr, &terms, data, size, pool);
    if (prob)
        show(prob, pool);
    else
        promise(csr->key && strlen(csr->sha256) == 64);
    promise(ERR_peek_error() == 0);
    wishes_try(data, size, pool);
    ERR_clear_error();
    apr_pool_destroy(pool);
    return 0;
}
