/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_ocsp.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/err.h>

#include "base/own.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

/* RFC 9654 2.1 */
#define NONCE_MAX 128

/* The same order as in ca_ocsp_hashes_t. */
static const int digests[] = {NID_sha1, NID_sha256};
enum { DIGESTS = sizeof(digests) / sizeof(digests[0]) };

/* RFC 9654 2.1: an OCTET STRING of 1 to 128 octets, in another one. */
static int nonce_is_ok(X509_EXTENSION *extension)
{
    const ASN1_OCTET_STRING *outer = X509_EXTENSION_get_data(extension);
    const unsigned char *der = ASN1_STRING_get0_data(outer);
    const unsigned char *end = der + ASN1_STRING_length(outer);
    ASN1_OCTET_STRING *inner =
        d2i_ASN1_OCTET_STRING(NULL, &der, ASN1_STRING_length(outer));
    int done = inner && der == end && ASN1_STRING_length(inner) >= 1 &&
               ASN1_STRING_length(inner) <= NONCE_MAX;

    ASN1_OCTET_STRING_free(inner);
    return done;
}

/* RFC 6960 4.4: what is critical must be understood. */
static int extensions_read(ca_ocsp_request_t *request)
{
    int i, count = OCSP_REQUEST_get_ext_count(request->value);

    for (i = 0; i < count; i++) {
        X509_EXTENSION *extension = OCSP_REQUEST_get_ext(request->value, i);

        if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) ==
            NID_id_pkix_OCSP_Nonce) {
            if (request->has_nonce || !nonce_is_ok(extension))
                return 0;
            request->has_nonce = 1;
        }
        else if (X509_EXTENSION_get_critical(extension))
            return 0;
    }
    return 1;
}

/* As certificates' rows have it; NULL: none can. */
static const char *serial_text(const ASN1_INTEGER *serial, apr_pool_t *pool)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *octets = ASN1_STRING_get0_data(serial);
    int len = ASN1_STRING_length(serial), i;
    char *text, *end;

    if (len > CA_SERIAL_LEN / 2 ||
        ASN1_STRING_type(serial) != V_ASN1_INTEGER) /* as of a negative one */
        return NULL;
    text = apr_palloc(pool, CA_SERIAL_LEN + 1);
    memset(text, '0', CA_SERIAL_LEN);
    text[CA_SERIAL_LEN] = '\0';
    end = text + CA_SERIAL_LEN - 2 * len;
    for (i = 0; i < len; i++) {
        *end++ = digits[octets[i] >> 4];
        *end++ = digits[octets[i] & 15];
    }
    return text;
}

static OCSP_CERTID *id_at(const ca_ocsp_request_t *request, int i)
{
    return OCSP_onereq_get0_id(OCSP_request_onereq_get0(request->value, i));
}

/* RFC 5912, 2: hash algorithms have NULL or nothing as their parameters.  What
 * is there comes back in the response, which must be readable. */
static int is_hash_plain(OCSP_CERTID *id)
{
    unsigned char *der = NULL;
    const unsigned char *at;
    int kind = V_ASN1_OTHER, tag, class, len = i2d_OCSP_CERTID(id, &der);
    X509_ALGOR *hash = NULL;
    long size;

    at = der;
    if (len > 0 && !(ASN1_get_object(&at, &size, &tag, &class, len) & 0x80))
        hash = d2i_X509_ALGOR(NULL, &at, size);
    if (hash)
        X509_ALGOR_get0(NULL, &kind, NULL, hash);
    X509_ALGOR_free(hash);
    OPENSSL_free(der);
    return kind == V_ASN1_UNDEF || kind == V_ASN1_NULL;
}

/* One certificate that is asked for. */
static int one_read(ca_ocsp_request_t *request, int i, apr_pool_t *pool)
{
    OCSP_ONEREQ *one = OCSP_request_onereq_get0(request->value, i);
    ASN1_INTEGER *serial;
    int k, count = OCSP_ONEREQ_get_ext_count(one);

    for (k = 0; k < count; k++)
        if (X509_EXTENSION_get_critical(OCSP_ONEREQ_get_ext(one, k)))
            return 0;
    if (!is_hash_plain(id_at(request, i)) ||
        OCSP_id_get0_info(NULL, NULL, NULL, &serial, id_at(request, i)) != 1)
        return 0;
    APR_ARRAY_PUSH(request->serials, const char *) = serial_text(serial, pool);
    return 1;
}

static int request_read(ca_ocsp_request_t *request, const void *der,
                        apr_size_t len, apr_pool_t *pool)
{
    const unsigned char *at = der;
    int i, count;

    if (len > CA_OCSP_REQUEST_MAX)
        return 0;
    request->value =
        own_ocsp_request(pool, d2i_OCSP_REQUEST(NULL, &at, (long)len));
    if (!request->value || at != (const unsigned char *)der + len)
        return 0;
    count = OCSP_request_onereq_count(request->value);
    if (count < 1 || count > CA_OCSP_COUNT_MAX || !extensions_read(request))
        return 0;
    for (i = 0; i < count; i++)
        if (!one_read(request, i, pool))
            return 0;
    return 1;
}

ca_ocsp_request_t *ca_ocsp_request_parse(const void *der, apr_size_t len,
                                         apr_pool_t *pool)
{
    ca_ocsp_request_t *request = apr_pcalloc(pool, sizeof(*request));

    request->serials = apr_array_make(pool, 1, sizeof(const char *));
    if (request_read(request, der, len, pool))
        return request;
    ERR_clear_error();
    return NULL;
}

int ca_ocsp_hashes_init(ca_ocsp_hashes_t *hashes, const ca_issuer_t *issuer)
{
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(issuer->cert);
    int i;

    for (i = 0; i < DIGESTS; i++) {
        const EVP_MD *digest = EVP_get_digestbynid(digests[i]);

        hashes->by[i].len = EVP_MD_get_size(digest);
        if (X509_NAME_digest(X509_get_subject_name(issuer->cert), digest,
                             hashes->by[i].name, NULL) != 1 ||
            EVP_Digest(ASN1_STRING_get0_data(key),
                       (size_t)ASN1_STRING_length(key), hashes->by[i].key, NULL,
                       digest, NULL) != 1)
            return 0;
    }
    return 1;
}

static int is_equal(const ASN1_OCTET_STRING *string, const unsigned char *want,
                    int len)
{
    return ASN1_STRING_length(string) == len &&
           !memcmp(ASN1_STRING_get0_data(string), want, (size_t)len);
}

static int id_is_for(OCSP_CERTID *id, const ca_ocsp_hashes_t *hashes)
{
    ASN1_OCTET_STRING *name, *key;
    ASN1_OBJECT *digest;
    int i;

    if (OCSP_id_get0_info(&name, &digest, &key, NULL, id) != 1)
        return 0;
    for (i = 0; i < DIGESTS; i++)
        if (OBJ_obj2nid(digest) == digests[i])
            return is_equal(name, hashes->by[i].name, hashes->by[i].len) &&
                   is_equal(key, hashes->by[i].key, hashes->by[i].len);
    return 0;
}

int ca_ocsp_is_for(const ca_ocsp_request_t *request,
                   const ca_ocsp_hashes_t *hashes)
{
    int i;

    for (i = 0; i < request->serials->nelts; i++)
        if (!id_is_for(id_at(request, i), hashes))
            return 0;
    return 1;
}

typedef struct {
    ASN1_GENERALIZEDTIME *this_update, *next_update, *at;
} times_t;

static ASN1_GENERALIZEDTIME *time_make(apr_int64_t seconds)
{
    return ASN1_GENERALIZEDTIME_set(NULL, (time_t)seconds);
}

static int status_add(OCSP_BASICRESP *basic, OCSP_CERTID *id,
                      const ca_ocsp_status_t *status, times_t *times)
{
    static const int states[] = {V_OCSP_CERTSTATUS_GOOD,
                                 V_OCSP_CERTSTATUS_REVOKED,
                                 V_OCSP_CERTSTATUS_UNKNOWN};
    int is_revoked = status->state == CA_OCSP_REVOKED;
    int reason =
        status->reason > 0 ? status->reason : OCSP_REVOKED_STATUS_NOSTATUS;

    return (!is_revoked ||
            ASN1_GENERALIZEDTIME_set(times->at, (time_t)status->at)) &&
           OCSP_basic_add1_status(basic, id, states[status->state], reason,
                                  is_revoked ? times->at : NULL,
                                  times->this_update, times->next_update);
}

static int statuses_add(OCSP_BASICRESP *basic, const ca_ocsp_answer_t *answer,
                        times_t *times)
{
    int i;

    if (!times->this_update || !times->next_update || !times->at)
        return 0;
    for (i = 0; i < answer->request->serials->nelts; i++)
        if (!status_add(basic, id_at(answer->request, i), &answer->status[i],
                        times))
            return 0;
    return 1;
}

/* OCSP_basic_sign asks another clock than ours, and has nothing to set it by.
 */
static int produced_at_set(OCSP_BASICRESP *basic, apr_int64_t now)
{
    const ASN1_GENERALIZEDTIME *at = OCSP_resp_get0_produced_at(basic);

    return ASN1_GENERALIZEDTIME_set((ASN1_GENERALIZEDTIME *)at, (time_t)now) !=
           NULL;
}

static int basic_fill(OCSP_BASICRESP *basic, const ca_ocsp_answer_t *answer,
                      const ca_ocsp_signer_t *signer)
{
    times_t times = {time_make(answer->this_update),
                     time_make(answer->next_update),
                     ASN1_GENERALIZEDTIME_new()};
    int done = statuses_add(basic, answer, &times) &&
               produced_at_set(basic, answer->this_update) &&
               (!answer->request->has_nonce ||
                OCSP_copy_nonce(basic, answer->request->value) == 1) &&
               OCSP_basic_sign(basic, signer->cert, signer->key, EVP_sha256(),
                               NULL, OCSP_RESPID_KEY | OCSP_NOTIME) == 1;

    ASN1_GENERALIZEDTIME_free(times.this_update);
    ASN1_GENERALIZEDTIME_free(times.next_update);
    ASN1_GENERALIZEDTIME_free(times.at);
    return done;
}

static const unsigned char *
response_der(apr_size_t *len, OCSP_RESPONSE *response, apr_pool_t *pool)
{
    int size = response ? i2d_OCSP_RESPONSE(response, NULL) : 0;
    unsigned char *der = NULL, *end;

    if (size > 0) {
        der = apr_palloc(pool, (apr_size_t)size);
        end = der;
        *len = (apr_size_t)i2d_OCSP_RESPONSE(response, &end);
    }
    OCSP_RESPONSE_free(response);
    return der;
}

problem_t *ca_ocsp_respond(const unsigned char **der, apr_size_t *len,
                           const ca_ocsp_answer_t *answer,
                           const ca_ocsp_signer_t *signer, apr_pool_t *pool)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();

    *der = NULL;
    if (basic && basic_fill(basic, answer, signer))
        *der = response_der(
            len, OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic),
            pool);
    OCSP_BASICRESP_free(basic);
    return *der ? NULL : ca_openssl_problem(pool, "sign an OCSP response");
}

/* SEQUENCE { ENUMERATED } */
const unsigned char *ca_ocsp_refuse(apr_size_t *len, int status,
                                    apr_pool_t *pool)
{
    const unsigned char der[] = {0x30, 3, 0x0a, 1, (unsigned char)status};

    *len = sizeof(der);
    return apr_pmemdup(pool, der, sizeof(der));
}
