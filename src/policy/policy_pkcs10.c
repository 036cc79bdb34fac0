/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_pkcs10.h"

#include <apr_strings.h>
#include <openssl/asn1t.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/banned.h"

#define CSR_MAX 65536

typedef struct {
    ASN1_STRING *info;
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
} request_t;

typedef struct {
    ASN1_INTEGER *version;
    X509_NAME *subject;
    ASN1_STRING *spki;
    STACK_OF(X509_ATTRIBUTE) * attributes;
} info_t;

/* clang-format off */
ASN1_SEQUENCE(request_t) = {
    ASN1_SIMPLE(request_t, info, ASN1_SEQUENCE),
    ASN1_SIMPLE(request_t, algorithm, X509_ALGOR),
    ASN1_SIMPLE(request_t, signature, ASN1_BIT_STRING)
} static_ASN1_SEQUENCE_END(request_t)

/* The attributes are no option, but some leave them out. */
ASN1_SEQUENCE(info_t) = {
    ASN1_SIMPLE(info_t, version, ASN1_INTEGER),
    ASN1_SIMPLE(info_t, subject, X509_NAME),
    ASN1_SIMPLE(info_t, spki, ASN1_SEQUENCE),
    ASN1_IMP_SET_OF_OPT(info_t, attributes, X509_ATTRIBUTE, 0)
} static_ASN1_SEQUENCE_END(info_t);
/* clang-format on */

static apr_status_t request_cleanup(void *request)
{
    ASN1_item_free(request, ASN1_ITEM_rptr(request_t));
    return APR_SUCCESS;
}

static apr_status_t info_cleanup(void *info)
{
    ASN1_item_free(info, ASN1_ITEM_rptr(info_t));
    return APR_SUCCESS;
}

/* As own_<kind>() */
static void *own(apr_pool_t *pool, void *value,
                 apr_status_t (*cleanup)(void *value))
{
    if (value)
        apr_pool_cleanup_register(pool, value, cleanup, apr_pool_cleanup_null);
    return value;
}

static info_t *info_parse(const ASN1_STRING *text, apr_pool_t *pool)
{
    const unsigned char *at = ASN1_STRING_get0_data(text);
    const unsigned char *end = at + ASN1_STRING_length(text);
    info_t *info =
        own(pool, ASN1_item_d2i(NULL, &at, end - at, ASN1_ITEM_rptr(info_t)),
            info_cleanup);

    return at == end ? info : NULL;
}

static problem_t *problem_no_pkcs10(apr_pool_t *pool)
{
    return problem_make(pool, PROBLEM_BAD_CSR,
                        "The CSR is not the DER of a PKCS #10 "
                        "certification request (RFC 2986)");
}

static problem_t *request_parse(request_t **request, const unsigned char *der,
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
    *request =
        own(pool,
            ASN1_item_d2i(NULL, &at, (long)der_len, ASN1_ITEM_rptr(request_t)),
            request_cleanup);
    if (!*request)
        return problem_no_pkcs10(pool);
    if (at != der + der_len)
        return problem_make(pool, PROBLEM_BAD_CSR,
                            "The CSR has %" APR_SIZE_T_FMT
                            " octets behind its end",
                            (apr_size_t)(der + der_len - at));
    return NULL;
}

problem_t *policy_pkcs10_parse(policy_pkcs10_t **pkcs10,
                               const unsigned char *der, apr_size_t der_len,
                               apr_pool_t *pool)
{
    policy_pkcs10_t *made = apr_palloc(pool, sizeof(*made));
    request_t *request;
    info_t *info;
    problem_t *prob = request_parse(&request, der, der_len, pool);

    if (prob)
        return prob;
    info = info_parse(request->info, pool);
    if (!info)
        return problem_no_pkcs10(pool);
    made->subject = info->subject;
    made->attributes = info->attributes;
    made->spki = ASN1_STRING_get0_data(info->spki);
    made->spki_len = (apr_size_t)ASN1_STRING_length(info->spki);
    made->algorithm = request->algorithm;
    made->signature = request->signature;
    made->info = request->info;
    *pkcs10 = made;
    return NULL;
}

/* RFC 4055 3.1: SHA-1 unless the parameters say otherwise. */
static int pss_digest(const X509_ALGOR *algorithm)
{
    const void *value;
    const ASN1_OBJECT *oid;
    RSA_PSS_PARAMS *params = NULL;
    int type, nid = NID_sha1;

    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type == V_ASN1_SEQUENCE)
        params = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    if (params && params->hashAlgorithm) {
        X509_ALGOR_get0(&oid, NULL, NULL, params->hashAlgorithm);
        nid = OBJ_obj2nid(oid);
    }
    RSA_PSS_PARAMS_free(params);
    return nid;
}

static const char *algorithm_fault(const X509_ALGOR *algorithm,
                                   const policy_t *policy, apr_pool_t *pool)
{
    int type, nid, digest = NID_undef;
    const ASN1_OBJECT *oid;
    const char *fault;

    X509_ALGOR_get0(&oid, &type, NULL, algorithm);
    nid = OBJ_obj2nid(oid);
    if (nid == NID_rsassaPss)
        digest = pss_digest(algorithm);
    /* RFC 4055 5: NULL; RFC 5758 3.2, RFC 8410 3: none */
    else if (type != V_ASN1_UNDEF && type != V_ASN1_NULL)
        return "its signature algorithm has parameters";
    else if (nid == NID_ED25519)
        digest = nid;
    else
        OBJ_find_sigid_algs(nid, &digest, NULL);
    fault = policy_signature_fault(policy, digest ? digest : nid, pool);
    return fault ? apr_pstrcat(pool, "it is signed with ", fault, NULL) : NULL;
}

const char *policy_pkcs10_signature_fault(const policy_pkcs10_t *pkcs10,
                                          const policy_t *policy, EVP_PKEY *key,
                                          apr_pool_t *pool)
{
    const char *fault = algorithm_fault(pkcs10->algorithm, policy, pool);

    if (fault || !key)
        return fault;
    if (ASN1_item_verify(ASN1_ITEM_rptr(ASN1_SEQUENCE), pkcs10->algorithm,
                         pkcs10->signature, pkcs10->info, key) != 1)
        return "its signature does not hold";
    return NULL;
}
