/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_help.h"

#include <apr_strings.h>
#include <string.h>

typedef const char *(*add_fn)(policy_t *, const char *, const char *,
                              const char *, apr_pool_t *);
typedef const char *(*usage_fn)(policy_t *, const char *, const char *,
                                apr_pool_t *);

static const char *rules_add(add_fn add, policy_t *policy, char **words,
                             apr_pool_t *pool)
{
    const char *fault = NULL, *verb = words[1];
    int i;

    for (i = 2; words[1] && words[i] && !fault; ++i) {
        if (!strcmp(words[i], "allow") || !strcmp(words[i], "deny") ||
            !strcmp(words[i], "require"))
            verb = words[i];
        else
            fault = add(policy, words[0], verb, words[i], pool);
    }
    return fault;
}

static const char *usages_add(usage_fn add, policy_t *policy, char **words,
                              apr_pool_t *pool)
{
    const char *fault = NULL;
    int i;

    for (i = 1; words[0] && words[i] && !fault; ++i)
        fault = add(policy, words[0], words[i], pool);
    return fault;
}

static apr_array_header_t *list(char **words, apr_pool_t *pool)
{
    apr_array_header_t *made = apr_array_make(pool, 4, sizeof(char *));

    for (; *words; ++words)
        APR_ARRAY_PUSH(made, char *) = *words;
    return made;
}

const char *policy_help_line(policy_t *policy, const char *line,
                             apr_pool_t *pool)
{
    char **words;

    apr_tokenize_to_argv(line, &words, pool);
    if (!strcmp(words[0], "preset"))
        return policy_preset_set(policy, words[1], pool);
    if (!strcmp(words[0], "subject"))
        return rules_add(policy_subject_add, policy, words + 1, pool);
    if (!strcmp(words[0], "san"))
        return rules_add(policy_san_add, policy, words + 1, pool);
    if (!strcmp(words[0], "ku"))
        return usages_add(policy_key_usage_add, policy, words + 1, pool);
    if (!strcmp(words[0], "eku"))
        return usages_add(policy_ext_key_usage_add, policy, words + 1, pool);
    if (!strcmp(words[0], "key"))
        return policy_key_set(policy, list(words + 1, pool), pool);
    if (!strcmp(words[0], "signature"))
        return policy_signature_set(policy, list(words + 1, pool), pool);
    if (!strcmp(words[0], "validity"))
        return policy_max_validity_set(policy, apr_atoi64(words[1]), pool);
    if (!strcmp(words[0], "names"))
        return policy_max_names_set(policy, (int)apr_atoi64(words[1]), pool);
    if (!strcmp(words[0], "network"))
        return policy_network_add(policy, words[1], list(words + 2, pool),
                                  pool);
    return "no such line";
}

policy_t *policy_help_make(const char *lines, apr_pool_t *pool)
{
    policy_t *policy = policy_make("p", pool);
    char *state, *line, *copy = apr_pstrdup(pool, lines);
    const char *fault;

    for (line = apr_strtok(copy, ";", &state); line;
         line = apr_strtok(NULL, ";", &state)) {
        line += strspn(line, " ");
        fault = policy_help_line(policy, line, pool);
        ok(!fault, "%s: %s", line, fault ? fault : "");
    }
    return policy;
}

apr_array_header_t *policy_help_ids(const char *names, apr_pool_t *pool)
{
    apr_array_header_t *ids = apr_array_make(pool, 4, sizeof(identifier_t *));
    char *state, *name, *text = apr_pstrdup(pool, names);

    for (name = apr_strtok(text, " ", &state); name;
         name = apr_strtok(NULL, " ", &state)) {
        identifier_t *id = NULL;

        ok(!identifier_parse(&id, identifier_type_guess(name), name,
                             IDENTIFIER_UNDERSCORE, pool));
        APR_ARRAY_PUSH(ids, identifier_t *) = id;
    }
    return ids;
}
