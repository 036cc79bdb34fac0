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
static policy_t *policy, *generous;
static apr_array_header_t *ids;

/* One that allows most of what can be asked for. */
static void generous_make(void)
{
    static const char *const subject[] = {"CN", "O", "OU", "C",
                                          "ST", "L", "DC", NULL};
    int i;

    for (i = 0; subject[i]; ++i)
        promise(!policy_subject_add(generous, subject[i], "allow", "*", top));
    promise(!policy_subject_add(generous, "CN", "allow", "**", top));
    promise(!policy_subject_add(generous, "CN", "allow", "* *", top));
    promise(!policy_subject_add(generous, "O", "deny", "Evil*", top));
    promise(!policy_san_add(generous, "email", "allow", "*@**", top));
    promise(!policy_san_add(generous, "uri", "allow", "urn:**", top));
    promise(!policy_san_add(generous, "uri", "allow", "https://**/**", top));
    promise(!policy_key_usage_add(generous, "allow", "keyAgreement", top));
    promise(!policy_ext_key_usage_add(generous, "allow", "1.2.3.4", top));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    identifier_t *id;

    apr_initialize();
    apr_pool_create(&top, NULL);
    json_object_seed(1);
    policy = policy_make("tls-server", top);
    generous = policy_make("generous", top);
    generous_make();
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
        const identifier_t *name =
            APR_ARRAY_IDX(wishes->names, i, const identifier_t *);

        promise(!identifier_parse(&again, identifier_type_name(name->type),
                                  name->value, IDENTIFIER_UNDERSCORE, pool));
        promise(identifier_compare(again, name) == 0);
    }
    promise(wishes->names->nelts <= 2 * policy->max_names + 1);
}

static void check_try(const policy_t *held, const uint8_t *data, size_t size,
                      apr_pool_t *pool)
{
    policy_csr_terms_t terms = {0};
    policy_csr_t *csr;
    problem_t *prob;
    int i;

    terms.policy = held;
    terms.identifiers = ids;
    terms.common_name = 1;
    prob = policy_csr_check(&csr, &terms, data, size, pool);
    promise(ERR_peek_error() == 0);
    if (prob) {
        show(prob, pool);
        return;
    }
    promise(csr->key && strlen(csr->sha256) == 64 && csr->common_name);
    promise(csr->key_usage && csr->ext_key_usage->nelts);
    for (i = 0; i < csr->subject->nelts; ++i) {
        const policy_value_t *value =
            APR_ARRAY_IDX(csr->subject, i, const policy_value_t *);

        promise(!policy_value_fault(value->attribute, value->value, pool));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, top);
    check_try(policy, data, size, pool);
    check_try(generous, data, size, pool);
    wishes_try(data, size, pool);
    ERR_clear_error();
    apr_pool_destroy(pool);
    return 0;
}
