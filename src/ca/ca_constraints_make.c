/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_constraints.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/identifier.h"
#include "base/own.h"
#include "base/quote.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define QUOTE_MAX 80

static problem_t *refuse(const char *text, const char *why, apr_pool_t *pool)
{
    return problem_make(pool, PROBLEM_MALFORMED, "\"%s\" %s",
                        quote_make(text, strlen(text), QUOTE_MAX, pool), why);
}

/* Of a subtree whose base is this; octets[len] are copied. */
static int subtree_push(STACK_OF(GENERAL_SUBTREE) * *subtrees, int type,
                        const void *octets, int len)
{
    GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
    ASN1_STRING *value = ASN1_STRING_type_new(
        type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

    if (!*subtrees)
        *subtrees = sk_GENERAL_SUBTREE_new_null();
    if (subtree && value && *subtrees &&
        ASN1_STRING_set(value, octets, len) == 1) {
        GENERAL_NAME_set0_value(subtree->base, type, value);
        if (sk_GENERAL_SUBTREE_push(*subtrees, subtree) > 0)
            return 1;
        value = NULL; /* is subtree's */
    }
    GENERAL_SUBTREE_free(subtree);
    ASN1_STRING_free(value);
    return 0;
}

static problem_t *dns_add(STACK_OF(GENERAL_SUBTREE) * *subtrees,
                          const char *text, apr_pool_t *pool)
{
    identifier_t *name;
    problem_t *prob;

    if (text[0] == '.' || text[0] == '*')
        return refuse(text,
                      "begins with a dot or a \"*\"; a constraint is the name "
                      "itself and holds for all below it: leave that out",
                      pool);
    prob = identifier_parse(&name, "dns", text, 0, pool);
    if (prob)
        return prob;
    return subtree_push(subtrees, GEN_DNS, name->value, -1)
               ? NULL
               : ca_openssl_problem(pool, "make a name constraint");
}

/* Bits of the prefix behind the slash; -1 if they make no sense. */
static int bits_parse(const char *text, int max)
{
    char *end;
    long bits = strtol(text, &end, 10);

    return text[0] < '0' || text[0] > '9' || *end || bits > max ? -1
                                                                : (int)bits;
}

/* Mask behind address; 0 if the address has bits that the mask has not. */
static int mask_put(unsigned char *octets, int len, int bits)
{
    int i, clean = 1;

    for (i = 0; i < len; ++i) {
        int left = bits - 8 * i;

        octets[len + i] = left >= 8  ? 0xff
                          : left > 0 ? (unsigned char)(0xff << (8 - left))
                                     : 0;
        clean = clean && !(octets[i] & (unsigned char)~octets[len + i]);
    }
    return clean;
}

/* RFC 5280 4.2.1.10: address and mask. */
static problem_t *ip_add(STACK_OF(GENERAL_SUBTREE) * *subtrees,
                         const char *text, apr_pool_t *pool)
{
    unsigned char octets[32];
    const char *slash = strchr(text, '/');
    int len, bits;

    len = (int)identifier_address(
        octets,
        slash ? apr_pstrmemdup(pool, text, (apr_size_t)(slash - text)) : text);
    bits = len && slash ? bits_parse(slash + 1, 8 * len) : 8 * len;
    if (!len || bits < 0)
        return refuse(text, "is no network; write it as 10.0.0.0/8 or fd00::/8",
                      pool);
    if (!mask_put(octets, len, bits))
        return refuse(text,
                      "has bits behind its prefix; write the network's first "
                      "address",
                      pool);
    return subtree_push(subtrees, GEN_IPADD, octets, 2 * len)
               ? NULL
               : ca_openssl_problem(pool, "make a name constraint");
}

static problem_t *all_add(STACK_OF(GENERAL_SUBTREE) * *subtrees,
                          const apr_array_header_t *texts,
                          problem_t *(*add)(STACK_OF(GENERAL_SUBTREE) **,
                                            const char *, apr_pool_t *),
                          apr_pool_t *pool)
{
    problem_t *prob = NULL;
    int i;

    for (i = 0; !prob && texts && i < texts->nelts; ++i)
        prob = add(subtrees, APR_ARRAY_IDX(texts, i, const char *), pool);
    return prob;
}

static int count(const apr_array_header_t *texts)
{
    return texts ? texts->nelts : 0;
}

/* Whom only addresses are permitted gets no names, and the other way round:
 * without these, what is not mentioned would be free. */
static problem_t *others_exclude(NAME_CONSTRAINTS *value,
                                 const ca_constraints_t *wish, apr_pool_t *pool)
{
    problem_t *prob = NULL;

    if (count(wish->permit_dns) && !count(wish->permit_ip)) {
        prob = ip_add(&value->excludedSubtrees, "0.0.0.0/0", pool);
        if (!prob)
            prob = ip_add(&value->excludedSubtrees, "::/0", pool);
    }
    if (count(wish->permit_ip) && !count(wish->permit_dns) &&
        !subtree_push(&value->excludedSubtrees, GEN_DNS, "", 0))
        prob = ca_openssl_problem(pool, "make a name constraint");
    return prob;
}

problem_t *ca_constraints_make(NAME_CONSTRAINTS **value,
                               const ca_constraints_t *wish, apr_pool_t *pool)
{
    NAME_CONSTRAINTS *made;
    problem_t *prob;

    *value = NULL;
    if (count(wish->permit_dns) + count(wish->permit_ip) +
            count(wish->exclude_dns) + count(wish->exclude_ip) ==
        0)
        return NULL;
    made = own_name_constraints(pool, NAME_CONSTRAINTS_new());
    if (!made)
        return ca_openssl_problem(pool, "make name constraints");
    prob = all_add(&made->permittedSubtrees, wish->permit_dns, dns_add, pool);
    if (!prob)
        prob = all_add(&made->permittedSubtrees, wish->permit_ip, ip_add, pool);
    if (!prob)
        prob =
            all_add(&made->excludedSubtrees, wish->exclude_dns, dns_add, pool);
    if (!prob)
        prob = all_add(&made->excludedSubtrees, wish->exclude_ip, ip_add, pool);
    if (!prob)
        prob = others_exclude(made, wish, pool);
    if (!prob)
        *value = made;
    return prob;
}
