/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_constraints.h"

#include <apr_strings.h>
#include <string.h>

#include "base/identifier.h"
#include "base/own.h"
#include "base/quote.h"
#include "ca/ca_match.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* Of a constraint with hundreds of names, so many are told. */
#define SHOWN_MAX 12
#define QUOTE_MAX 253

/* RFC 5280 4.2.1.10: minimum is 0 and maximum absent, and verifiers refuse
 * anything else. */
static int is_plain(const STACK_OF(GENERAL_SUBTREE) * subtrees)
{
    int i;

    for (i = 0; i < sk_GENERAL_SUBTREE_num(subtrees); ++i) {
        const GENERAL_SUBTREE *subtree = sk_GENERAL_SUBTREE_value(subtrees, i);

        if (subtree->maximum ||
            (subtree->minimum && ASN1_INTEGER_get(subtree->minimum) != 0))
            return 0;
    }
    return 1;
}

static problem_t *cert_load(ca_issuer_t *issuer, X509 *cert, const char *file,
                            apr_pool_t *pool)
{
    ca_constraint_t *constraint;
    NAME_CONSTRAINTS *value;
    int critical = 0;

    value = own_name_constraints(
        pool, X509_get_ext_d2i(cert, NID_name_constraints, &critical, NULL));
    if (!value && critical == -1)
        return NULL;
    if (!value || !is_plain(value->permittedSubtrees) ||
        !is_plain(value->excludedSubtrees))
        return problem_internal(
            pool, APR_EINVAL,
            "%s: the name constraints of \"%s\" are none "
            "that verifiers understand; have it signed "
            "anew without a minimum or a maximum in them",
            file, ca_name_text(X509_get_subject_name(cert), pool));
    constraint = apr_pcalloc(pool, sizeof(*constraint));
    constraint->value = value;
    constraint->owner = ca_name_text(X509_get_subject_name(cert), pool);
    APR_ARRAY_PUSH(issuer->constraints, ca_constraint_t *) = constraint;
    return NULL;
}

problem_t *ca_constraints_load(ca_issuer_t *issuer, const char *file,
                               apr_pool_t *pool)
{
    problem_t *prob = NULL;
    int i;

    issuer->constraints = apr_array_make(pool, 1, sizeof(ca_constraint_t *));
    for (i = 0; !prob && i < issuer->chain->nelts; ++i)
        prob = cert_load(issuer, APR_ARRAY_IDX(issuer->chain, i, X509 *), file,
                         pool);
    return prob;
}

/* "dns:a.test dns:b.test": those of a kind, or of any (-1). */
static const char *subtrees_text(const STACK_OF(GENERAL_SUBTREE) * subtrees,
                                 int kind, apr_pool_t *pool)
{
    const char *text = "";
    int i, shown = 0, left = 0;

    for (i = 0; i < sk_GENERAL_SUBTREE_num(subtrees); ++i) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(subtrees, i)->base;

        if (kind >= 0 && base->type != kind)
            continue;
        if (shown++ < SHOWN_MAX)
            text = apr_pstrcat(pool, text, *text ? " " : "",
                               ca_match_text(base, pool), NULL);
        else
            ++left;
    }
    return left ? apr_psprintf(pool, "%s and %d more", text, left) : text;
}

const char *ca_constraints_text(const ca_issuer_t *issuer, apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < issuer->constraints->nelts; ++i) {
        const NAME_CONSTRAINTS *value =
            APR_ARRAY_IDX(issuer->constraints, i, ca_constraint_t *)->value;

        if (value->permittedSubtrees)
            text = apr_pstrcat(
                pool, text, *text ? "; " : "", "permitted ",
                subtrees_text(value->permittedSubtrees, -1, pool), NULL);
        if (value->excludedSubtrees)
            text = apr_pstrcat(pool, text, *text ? "; " : "", "excluded ",
                               subtrees_text(value->excludedSubtrees, -1, pool),
                               NULL);
    }
    return text;
}

static const char *excluded_fault(const ca_constraint_t *constraint,
                                  const ca_match_t *name, apr_pool_t *pool)
{
    const STACK_OF(GENERAL_SUBTREE) *excluded =
        constraint->value->excludedSubtrees;
    int i;

    for (i = 0; i < sk_GENERAL_SUBTREE_num(excluded); ++i) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(excluded, i)->base;

        if (base->type == name->kind && ca_match_excludes(base, name))
            return apr_psprintf(pool,
                                "is excluded by the certificate of the "
                                "issuer \"%s\" (name constraint: not %s)",
                                constraint->owner, ca_match_text(base, pool));
    }
    return NULL;
}

/* RFC 5280 6.1.4 (g): without a permitted subtree of its kind a name is free,
 * with some it has to be within one of them. */
static const char *permitted_fault(const ca_constraint_t *constraint,
                                   const ca_match_t *name, apr_pool_t *pool)
{
    const STACK_OF(GENERAL_SUBTREE) *permitted =
        constraint->value->permittedSubtrees;
    int i, some = 0;

    for (i = 0; i < sk_GENERAL_SUBTREE_num(permitted); ++i) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(permitted, i)->base;

        if (base->type != name->kind)
            continue;
        if (ca_match_permits(base, name))
            return NULL;
        some = 1;
    }
    if (!some)
        return NULL;
    return apr_psprintf(pool,
                        "is outside of what the certificate of the issuer "
                        "\"%s\" permits (name constraint: only %s)",
                        constraint->owner,
                        subtrees_text(permitted, name->kind, pool));
}

/* What is wrong with the name; NULL if nothing is. */
static const char *match_fault(const ca_issuer_t *issuer,
                               const ca_match_t *name, apr_pool_t *pool)
{
    const char *fault = NULL;
    int i;

    for (i = 0; !fault && i < issuer->constraints->nelts; ++i) {
        const ca_constraint_t *constraint =
            APR_ARRAY_IDX(issuer->constraints, i, const ca_constraint_t *);

        fault = excluded_fault(constraint, name, pool);
        if (!fault)
            fault = permitted_fault(constraint, name, pool);
    }
    return fault;
}

/* The same of a name of the kind GEN_…. */
static const char *name_fault(const ca_issuer_t *issuer, int kind,
                              const char *text, apr_pool_t *pool)
{
    ca_match_t name;

    if (issuer->constraints->nelts == 0)
        return NULL;
    if (!ca_match_init(&name, kind, text))
        return "cannot be held against the name constraints of the issuer";
    return match_fault(issuer, &name, pool);
}

static int kind_of(const identifier_t *identifier)
{
    return identifier->type == IDENTIFIER_DNS ? GEN_DNS : GEN_IPADD;
}

problem_t *ca_issuer_names_check(const ca_issuer_t *issuer,
                                 const apr_array_header_t *identifiers,
                                 apr_pool_t *pool)
{
    apr_array_header_t *subs = apr_array_make(pool, 2, sizeof(problem_t *));
    int i;

    for (i = 0; i < identifiers->nelts; ++i) {
        const identifier_t *id = APR_ARRAY_IDX(identifiers, i, identifier_t *);
        const char *fault = name_fault(issuer, kind_of(id), id->value, pool);
        problem_t *prob;

        if (!fault)
            continue;
        prob = problem_make(pool, PROBLEM_REJECTED_IDENTIFIER, "\"%s\" %s",
                            id->value, fault);
        prob->identifier = id;
        APR_ARRAY_PUSH(subs, problem_t *) = prob;
    }
    return problem_fold(subs, pool);
}

static void fault_push(apr_array_header_t *subs, const char *what,
                       const char *text, const char *fault, apr_pool_t *pool)
{
    if (fault)
        APR_ARRAY_PUSH(subs, problem_t *) = problem_make(
            pool, PROBLEM_BAD_CSR, "The %s \"%s\" %s", what,
            quote_make(text, strlen(text), QUOTE_MAX, pool), fault);
}

static void texts_check(apr_array_header_t *subs, const ca_issuer_t *issuer,
                        int kind, const char *what,
                        const apr_array_header_t *texts, apr_pool_t *pool)
{
    int i;

    for (i = 0; texts && i < texts->nelts; ++i) {
        const char *text = APR_ARRAY_IDX(texts, i, const char *);

        fault_push(subs, what, text, name_fault(issuer, kind, text, pool),
                   pool);
    }
}

/* The subject as a whole, whatever is in it. */
static const char *subject_fault(const ca_issuer_t *issuer,
                                 const X509_NAME *subject, apr_pool_t *pool)
{
    ca_match_t name = {.kind = GEN_DIRNAME, .subject = subject};

    return match_fault(issuer, &name, pool);
}

problem_t *ca_constraints_check(const ca_issuer_t *issuer,
                                const ca_request_t *request,
                                const X509_NAME *subject, apr_pool_t *pool)
{
    apr_array_header_t *subs;
    problem_t *prob;

    if (issuer->constraints->nelts == 0)
        return NULL;
    prob = ca_issuer_names_check(issuer, request->identifiers, pool);
    if (prob)
        return prob;
    subs = apr_array_make(pool, 2, sizeof(problem_t *));
    texts_check(subs, issuer, GEN_EMAIL, "e-mail address", request->emails,
                pool);
    texts_check(subs, issuer, GEN_URI, "URI", request->uris, pool);
    if (request->common_name && ca_match_is_host(request->common_name))
        fault_push(subs, "common name", request->common_name,
                   name_fault(issuer, GEN_DNS, request->common_name, pool),
                   pool);
    if (X509_NAME_entry_count(subject) > 0)
        fault_push(subs, "subject", ca_name_text(subject, pool),
                   subject_fault(issuer, subject, pool), pool);
    return problem_fold(subs, pool);
}
