/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

#include "base/identifier.h"
#include "base/pjson.h"

static apr_pool_t *top;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    apr_pool_create(&top, NULL);
    json_object_seed(1);
    return 0;
}

static void show(const problem_t *prob, apr_pool_t *pool)
{
    if (prob)
        promise(pjson_text(problem_render(prob, pool), 0, pool));
}

/* What was written is read again as the same. */
static void text_try(json_t *json, int flags, apr_pool_t *pool)
{
    const char *text = pjson_text(json, flags, pool);
    json_t *again;

    promise(text);
    promise(!pjson_parse(&again, text, strlen(text), "text", pool));
    promise(strcmp(text, pjson_text(again, flags, pool)) == 0);
}

static void identifier_try(const char *type, const char *value,
                           apr_pool_t *pool)
{
    identifier_t *id, *again;
    problem_t *prob = identifier_parse(&id, type, value, 0, pool);

    show(prob, pool);
    if (prob)
        return;
    promise(strlen(id->value) <= 253 && identifier_base(id)[0]);
    promise(!identifier_parse(&again, type, id->value, 0, pool));
    promise(identifier_compare(id, again) == 0);
}

static void members_try(json_t *json, apr_pool_t *pool)
{
    const char *type, *value;
    json_t *member;
    int flag;

    show(pjson_bool(&flag, json, "termsOfServiceAgreed", pool), pool);
    show(pjson_array(&member, json, "contact", pool), pool);
    show(pjson_object(&member, json, "externalAccountBinding", pool), pool);
    if (!pjson_need_string(&type, json, "type", pool) &&
        !pjson_need_string(&value, json, "value", pool))
        identifier_try(type, value, pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    problem_t *prob;
    json_t *json;

    apr_pool_create(&pool, top);
    prob = pjson_parse(&json, (const char *)data, size, "input", pool);
    show(prob, pool);
    if (!prob) {
        text_try(json, 0, pool);
        text_try(json, PJSON_PRETTY, pool);
        if (!pjson_object_check(json, "input", pool))
            members_try(json, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
