/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_csr.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/own.h"
#include "policy/policy_csr_wishes.h"
#include "policy/policy_key.h"

#include "base/banned.h"

/* RFC 5280, upper bounds: ub-common-name */
#define COMMON_NAME_MAX 64
#define CSR_MAX         65536

static problem_t *parse(X509_REQ **req, const unsigned char *der,
                        apr_size_t der_len, apr_pool_t *pool)
{
    static const char pem[] = "-----BEGIN";
    const unsigned char *at = der;

    if (der_len >= sizeof(pem) - 1 && memcmp(der, pem, sizeof(pem) - 1) == 0)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "The CSR is PEM; it must be DER, in base64url "
                            "(RFC 8555 7.4)");
    if (der_len > CSR_MAX)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "The CSR has more than %d octets", CSR_MAX);
    *req = own_x509_req(pool, d2i_X509_REQ(NULL, &at, (long)der_len));
    if (!*req)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "The CSR is not the DER of a PKCS #10 "
                            "certification request (RFC 2986)");
    if (at != der + der_len)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "The CSR has %" APR_SIZE_T_FMT
                            " octets behind its end",
                            (apr_size_t)(der + der_len - at));
    return NULL;
}

/* RFC 4055 3.1: SHA-1 unless the parameters say otherwise. */
static int pss_digest(const X509_ALGOR *alg)
{
    const void *value;
    const ASN1_OBJECT *oid;
    RSA_PSS_PARAMS *params = NULL;
    int type, nid = NID_sha1;

    X509_ALGOR_get0(NULL, &type, &value, alg);
    if (type == V_ASN1_SEQUENCE)
        params = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    if (params && params->hashAlgorithm) {
        X509_ALGOR_get0(&oid, NULL, NULL, params->hashAlgorithm);
        nid = OBJ_obj2nid(oid);
    }
    RSA_PSS_PARAMS_free(params);
    return nid;
}

/* Beside RSA-PSS no algorithm that is allowed has parameters; for RSA they are
 * NULL (RFC 4055 5, RFC 5758 3.2, RFC 8410 3). */
static int has_parameters(const X509_ALGOR *alg)
{
    int type;

    X509_ALGOR_get0(NULL, &type, NULL, alg);
    return type != V_ASN1_UNDEF && type != V_ASN1_NULL;
}

static const char *algorithm_fault(X509_REQ *req, apr_pool_t *pool)
{
    int nid = X509_REQ_get_signature_nid(req), digest = NID_undef;
    const X509_ALGOR *alg;

    X509_REQ_get0_signature(req, NULL, &alg);
    if (nid == NID_rsassaPss)
        digest = pss_digest(alg);
    else if (has_parameters(alg))
        return "its signature algorithm has parameters";
    else if (nid == NID_ED25519)
        return NULL;
    else
        OBJ_find_sigid_algs(nid, &digest, NULL);
    switch (digest) {
    case NID_sha256:
    case NID_sha384:
    case NID_sha512:
        return NULL;
    default:
        return apr_psprintf(pool,
                            "it is signed with %s; SHA-256, SHA-384 or "
                            "SHA-512 must be the digest",
                            OBJ_nid2sn(digest ? digest : nid));
    }
}

/* A bad key is not tried: it might be slow. */
static void key_check(policy_csr_wishes_t *wishes, const policy_t *policy,
                      X509_REQ *req, EVP_PKEY *account_key, apr_pool_t *pool)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(req);
    problem_t *prob = policy_key_check(policy, key, PROBLEM_BAD_CSR, pool);
    const char *fault = algorithm_fault(req, pool);

    if (prob)
        policy_csr_wishes_fault(wishes, prob->detail);
    if (fault)
        policy_csr_wishes_fault(wishes, fault);
    if (!prob && !fault && X509_REQ_verify(req, key) != 1)
        policy_csr_wishes_fault(wishes, "its signature does not hold");
    /* RFC 8555 11.1 */
    if (account_key && EVP_PKEY_eq(key, account_key) == 1)
        policy_csr_wishes_fault(
            wishes, "its key is the account's key: make one of its own");
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

/* The CSR's CN if it fits; it is one of the order's names by now. */
static const char *common_name_get(const policy_csr_wishes_t *wishes)
{
    const identifier_t *name = wishes->common_name;

    return name && strlen(name->value) <= COMMON_NAME_MAX ? name->value : NULL;
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

/* All faults as one problem; NULL without any. */
static problem_t *wishes_problem(policy_csr_wishes_t *wishes,
                                 const apr_array_header_t *identifiers,
                                 apr_pool_t *pool)
{
    difference_t diff = difference_find(identifiers, wishes, pool);
    problem_t *prob;
    const char *detail = "The CSR is refused: ";
    int i;

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
    names_sub_add(prob, "The order has this name, the CSR has not",
                  diff.missing, pool);
    names_sub_add(prob, "The CSR has this name, the order has not", diff.extra,
                  pool);
    return prob;
}

problem_t *policy_csr_check(policy_csr_t **csr, const policy_t *policy,
                            const unsigned char *der, apr_size_t der_len,
                            const apr_array_header_t *identifiers,
                            EVP_PKEY *account_key, apr_pool_t *pool)
{
    policy_csr_wishes_t *wishes;
    X509_REQ *req;
    problem_t *prob = parse(&req, der, der_len, pool);

    if (!prob && !X509_REQ_get0_pubkey(req))
        prob = problem_make(pool, PROBLEM_BAD_CSR,
                            "The CSR's public key is of an unknown kind, or "
                            "broken");
    if (!prob) {
        wishes = policy_csr_wishes_make(policy, req, pool);
        key_check(wishes, policy, req, account_key, pool);
        prob = wishes_problem(wishes, identifiers, pool);
    }
    ERR_clear_error();
    if (prob)
        return prob;
    *csr = apr_palloc(pool, sizeof(**csr));
    (*csr)->key = X509_REQ_get0_pubkey(req);
    (*csr)->common_name = common_name_get(wishes);
    (*csr)->sha256 = sha256_hex(der, der_len, pool);
    if (!(*csr)->sha256)
        return problem_internal(pool, APR_EGENERAL, "digest of a CSR");
    return NULL;
}
