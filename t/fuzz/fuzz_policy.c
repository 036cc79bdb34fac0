/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <string.h>

#include "base/own.h"
#include "base/pjson.h"
#include "policy/policy_cidr.h"
#include "policy/policy_contact.h"
#include "policy/policy_dump.h"
#include "policy/policy_key.h"
#include "policy/policy_rsa.h"
#include "policy/policy_spki.h"
#include "policy/policy_subject.h"
#include "policy/policy_uri.h"
#include "policy/policy_make.h"
#include "policy/policy_pattern.h"

/* The first octet says what the rest is: a contact, a list of contacts, a
 * SubjectPublicKeyInfo, an RSA modulus; a pattern of the attribute that the
 * second octet names, a line feed and a value; a policy's dump; a network and
 * an address. */

static apr_pool_t *top;
static policy_t *policy;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    apr_pool_create(&top, NULL);
    json_object_seed(1);
    policy = policy_make("tls-server", top);
    return 0;
}

static void show(const problem_t *prob, apr_pool_t *pool)
{
    promise(prob->status == 400);
    promise(pjson_text(problem_render(prob, pool), 0, pool));
}

/* What was accepted is accepted again, unchanged. */
static void contacts_try(const json_t *list, apr_pool_t *pool)
{
    json_t *normal, *again;
    problem_t *prob = policy_contact_check(&normal, list, pool);

    if (prob) {
        show(prob, pool);
        return;
    }
    promise(json_array_size(normal) <= json_array_size(list));
    promise(!policy_contact_check(&again, normal, pool));
    promise(json_equal(normal, again));
}

static void contact_try(const char *text, size_t size, apr_pool_t *pool)
{
    json_t *list = json_array();

    if (json_array_append_new(list, json_stringn(text, size)) == 0 &&
        strlen(json_string_value(json_array_get(list, 0))) == size)
        contacts_try(list, pool);
    json_decref(list);
}

static void list_try(const char *text, size_t size, apr_pool_t *pool)
{
    json_t *list;

    if (!pjson_parse(&list, text, size, "list", pool) && json_is_array(list))
        contacts_try(list, pool);
}

static void spki_try(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    EVP_PKEY *key;
    const char *fault = policy_spki_fault(&key, data, size, pool);
    problem_t *prob;

    promise(!fault == !!key);
    if (!key)
        return;
    prob = policy_key_check(policy, key, NULL, PROBLEM_BAD_PUBLIC_KEY, pool);
    if (prob)
        show(prob, pool);
}

static void modulus_try(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    BIGNUM *n = BN_bin2bn(data, size < 512 ? (int)size : 512, NULL);
    BIGNUM *e = BN_new();

    promise(n && e && BN_set_word(e, 65537));
    policy_rsa_fault(n, e, pool);
    BN_add_word(n, 1);
    policy_rsa_fault(n, e, pool);
    BN_free(n);
    BN_free(e);
}

static const char *text_take(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, (const char *)data, size);
}

/* What matches is covered, too; what was accepted is accepted again. */
static void pattern_try(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    policy_pattern_t *pattern, *again;
    const char *text, *value;
    int attribute, is_match;

    if (size < 2)
        return;
    attribute = data[0] % POLICY_ATTRIBUTE_COUNT;
    text = text_take(data + 1, size - 1, pool);
    value = strchr(text, '\n');
    if (!value)
        return;
    text = apr_pstrmemdup(pool, text, (apr_size_t)(value++ - text));
    if (policy_pattern_parse(&pattern, (policy_attribute_e)attribute, text,
                             pool))
        return;
    promise(!policy_pattern_parse(&again, (policy_attribute_e)attribute,
                                  pattern->text, pool));
    promise(strcmp(again->text, text) == 0);
    is_match = policy_pattern_matches(pattern, value);
    promise(is_match == policy_pattern_matches(again, value));
    promise(!is_match || policy_pattern_covers(pattern, value));
    policy_value_fault(POLICY_O, value, pool);
    if (!policy_uri_fault(value))
        promise(!policy_uri_fault(policy_uri_normal(value, pool)));
    policy_email_fault(value);
}

static void dump_try(const char *text, size_t size, apr_pool_t *pool)
{
    policy_t *made, *again;
    json_t *json;

    if (pjson_parse(&json, text, size, "policy", pool))
        return;
    made = policy_parse(json, pool);
    if (!made)
        return;
    json = own_json(pool, policy_render(made));
    again = policy_parse(json, pool);
    promise(again);
    promise(json_equal(json, own_json(pool, policy_render(again))));
}

/* An address is within its own network. */
static void network_try(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    const char *text = text_take(data, size, pool), *slash = strchr(text, '/');
    policy_cidr_t *cidr;

    if (policy_cidr_parse(&cidr, text, pool))
        return;
    if (slash)
        text = apr_pstrmemdup(pool, text, (apr_size_t)(slash - text));
    promise(policy_cidr_contains(cidr, text));
    promise(cidr->length >= 0 && cidr->length <= 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    if (size == 0)
        return 0;
    apr_pool_create(&pool, top);
    switch (data[0]) {
    case 'c':
        contact_try((const char *)data + 1, size - 1, pool);
        break;
    case 'l':
        list_try((const char *)data + 1, size - 1, pool);
        break;
    case 'k':
        spki_try(data + 1, size - 1, pool);
        break;
    case 'n':
        modulus_try(data + 1, size - 1, pool);
        break;
    case 'p':
        pattern_try(data + 1, size - 1, pool);
        break;
    case 'd':
        dump_try((const char *)data + 1, size - 1, pool);
        break;
    case 'i':
        network_try(data + 1, size - 1, pool);
        break;
    }
    ERR_clear_error();
    apr_pool_destroy(pool);
    return 0;
}
