/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_ocsp.h"

#include "ca_fixture.h"

#define SERIAL "00c0ffee000000000000000000000001"

static const ca_ocsp_status_t good = {CA_OCSP_GOOD, 0, -1};

static apr_status_t extension_free(void *made)
{
    X509_EXTENSION_free(made);
    return APR_SUCCESS;
}

/* An extension of this kind, in pool: OpenSSL copies it. */
static X509_EXTENSION *extension(apr_pool_t *pool, int nid, int is_critical,
                                 const void *der, int len)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *made;

    ASN1_OCTET_STRING_set(value, der, len);
    made = X509_EXTENSION_create_by_NID(NULL, nid, is_critical, value);
    ASN1_OCTET_STRING_free(value);
    apr_pool_cleanup_register(pool, made, extension_free,
                              apr_pool_cleanup_null);
    return made;
}

static void id_add(OCSP_REQUEST *request, const ca_issuer_t *issuer,
                   const EVP_MD *digest, const char *serial)
{
    BIGNUM *number = NULL;
    ASN1_INTEGER *value;

    BN_hex2bn(&number, serial);
    value = BN_to_ASN1_INTEGER(number, NULL);
    OCSP_request_add0_id(
        request,
        OCSP_cert_id_new(digest, X509_get_subject_name(issuer->cert),
                         X509_get0_pubkey_bitstr(issuer->cert), value));
    ASN1_INTEGER_free(value);
    BN_free(number);
}

static OCSP_REQUEST *asked(const ca_issuer_t *issuer, const EVP_MD *digest,
                           const char *serial, apr_pool_t *pool)
{
    OCSP_REQUEST *request = own_ocsp_request(pool, OCSP_REQUEST_new());

    if (serial)
        id_add(request, issuer, digest, serial);
    return request;
}

static const unsigned char *der_of(apr_size_t *len, OCSP_REQUEST *request,
                                   apr_pool_t *pool)
{
    unsigned char *der = apr_palloc(pool, 70000), *end = der;

    *len = (apr_size_t)i2d_OCSP_REQUEST(request, &end);
    return der;
}

static ca_ocsp_request_t *read_back(OCSP_REQUEST *request, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = der_of(&len, request, pool);

    return ca_ocsp_request_parse(der, len, pool);
}

static const char *serial_at(const ca_ocsp_request_t *request, int i)
{
    return APR_ARRAY_IDX(request->serials, i, const char *);
}

static void requests(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    OCSP_REQUEST *many = asked(issuer, EVP_sha1(), SERIAL, pool);
    ca_ocsp_request_t *request = read_back(many, pool);
    int i;

    need(request);
    is_int(request->serials->nelts, 1);
    is_str(serial_at(request, 0), SERIAL);
    ok(!request->has_nonce);
    id_add(many, issuer, EVP_sha256(), "7f");
    id_add(many, issuer, EVP_sha256(), "-7f");
    id_add(many, issuer, EVP_sha1(), "00");
    id_add(many, issuer, EVP_sha1(), "0100000000000000000000000000000000");
    request = read_back(many, pool);
    need(request && request->serials->nelts == 5);
    is_str(serial_at(request, 1), "0000000000000000000000000000007f");
    ok(!serial_at(request, 2));
    is_str(serial_at(request, 3), "00000000000000000000000000000000");
    ok(!serial_at(request, 4));
    for (i = 5; i < CA_OCSP_COUNT_MAX; i++)
        id_add(many, issuer, EVP_sha1(), "7f");
    ok(read_back(many, pool));
    id_add(many, issuer, EVP_sha1(), "7f");
    ok(!read_back(many, pool), "too many");
}

static void junk(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    apr_size_t len, i;
    unsigned char *der;

    ok(!ca_ocsp_request_parse("", 0, pool));
    ok(!ca_ocsp_request_parse("junk", 4, pool));
    ok(!read_back(asked(issuer, NULL, NULL, pool), pool), "of nothing");
    der = (unsigned char *)der_of(&len, asked(issuer, EVP_sha1(), SERIAL, pool),
                                  pool);
    for (i = 0; i < len; i++)
        ok(!ca_ocsp_request_parse(der, i, pool));
    ok(!ca_ocsp_request_parse(der, len + 1, pool), "more behind it");
    for (i = 0; i < len; i++) {
        der[i] ^= 0x55;
        (void)ca_ocsp_request_parse(der, len, pool);
        der[i] ^= 0x55;
    }
    ok(ca_ocsp_request_parse(der, len, pool));
    is_int(ERR_peek_error(), 0);
}

/* The request with a nonce of this length; -1: it is no OCTET STRING. */
static OCSP_REQUEST *with_nonce(const ca_issuer_t *issuer, int len,
                                apr_pool_t *pool)
{
    OCSP_REQUEST *request = asked(issuer, EVP_sha1(), SERIAL, pool);
    unsigned char octets[200] = {0x04, (unsigned char)len};
    int head = 2;

    if (len > 127) {
        octets[1] = 0x81;
        octets[2] = (unsigned char)len;
        head = 3;
    }
    if (len < 0)
        octets[0] = octets[1] = 0x55;
    OCSP_REQUEST_add_ext(request,
                         extension(pool, NID_id_pkix_OCSP_Nonce, 0, octets,
                                   len < 0 ? 16 : head + len),
                         -1);
    return request;
}

static void nonces(apr_pool_t *pool)
{
    static const int rights[] = {1, 16, 32, 127, 128};
    static const int wrongs[] = {-1, 0, 129, 150};
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    OCSP_REQUEST *twice = with_nonce(issuer, 16, pool);
    size_t i;

    for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
        ca_ocsp_request_t *request =
            read_back(with_nonce(issuer, rights[i], pool), pool);

        ok(request && request->has_nonce, "%d octets", rights[i]);
    }
    for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
        ok(!read_back(with_nonce(issuer, wrongs[i], pool), pool), "%d octets",
           wrongs[i]);
    OCSP_REQUEST_add_ext(
        twice, extension(pool, NID_id_pkix_OCSP_Nonce, 0, "\x04\x01x", 3), -1);
    ok(!read_back(twice, pool), "two nonces");
}

static void extensions(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    OCSP_REQUEST *request = asked(issuer, EVP_sha1(), SERIAL, pool);
    OCSP_ONEREQ *one = OCSP_request_onereq_get0(request, 0);

    OCSP_REQUEST_add_ext(
        request,
        extension(pool, NID_id_pkix_OCSP_acceptableResponses, 0, "\x30\0", 2),
        -1);
    OCSP_ONEREQ_add_ext(
        one, extension(pool, NID_id_pkix_OCSP_serviceLocator, 0, "x", 1), -1);
    ok(read_back(request, pool));
    OCSP_ONEREQ_add_ext(
        one, extension(pool, NID_id_pkix_OCSP_serviceLocator, 1, "x", 1), -1);
    ok(!read_back(request, pool));
    request = asked(issuer, EVP_sha1(), SERIAL, pool);
    OCSP_REQUEST_add_ext(
        request, extension(pool, NID_id_pkix_OCSP_CrlID, 1, "x", 1), -1);
    ok(!read_back(request, pool));
}

/* Anything else could not be read again in the response. */
static void parameters(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    apr_size_t len, i;
    unsigned char *der = (unsigned char *)der_of(
        &len, asked(issuer, EVP_sha1(), SERIAL, pool), pool);

    for (i = 0;
         i + 7 < len && memcmp(der + i, "\x05\x2b\x0e\x03\x02\x1a\x05", 7); i++)
        ;
    need(i + 7 < len);
    ok(ca_ocsp_request_parse(der, len, pool));
    der[i + 6] = 0x20;
    ok(!ca_ocsp_request_parse(der, len, pool));
    der[i + 6] = 0x04;
    ok(!ca_ocsp_request_parse(der, len, pool));
    /* nothing instead: shorten what is around it */
    memmove(der + i + 6, der + i + 8, len - i - 8);
    der[1] -= 2, der[3] -= 2, der[5] -= 2, der[7] -= 2, der[9] -= 2,
        der[11] -= 2;
    ok(ca_ocsp_request_parse(der, len - 2, pool));
}

static void whose(apr_pool_t *pool)
{
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    ca_issuer_t *other = issuer_of("RSA-2048", pool);
    OCSP_REQUEST *both = asked(issuer, EVP_sha1(), SERIAL, pool);
    ca_ocsp_hashes_t hashes;

    ok(ca_ocsp_hashes_init(&hashes, issuer));
    ok(ca_ocsp_is_for(read_back(both, pool), &hashes));
    ok(ca_ocsp_is_for(
        read_back(asked(issuer, EVP_sha256(), SERIAL, pool), pool), &hashes));
    ok(!ca_ocsp_is_for(
        read_back(asked(issuer, EVP_sha384(), SERIAL, pool), pool), &hashes));
    /* Its name is the same. */
    ok(!ca_ocsp_is_for(read_back(asked(other, EVP_sha1(), SERIAL, pool), pool),
                       &hashes));
    id_add(both, other, EVP_sha1(), SERIAL);
    ok(!ca_ocsp_is_for(read_back(both, pool), &hashes));
}

typedef struct {
    ca_issuer_t *issuer;
    ca_ocsp_signer_t *signer;
    OCSP_REQUEST *request;
    OCSP_BASICRESP *basic; /* freed by hand */
} trial_t;

/* The response as a client reads it. */
static trial_t respond(OCSP_REQUEST *request, ca_issuer_t *issuer,
                       const ca_ocsp_status_t *status, apr_pool_t *pool)
{
    ca_ocsp_answer_t answer = {read_back(request, pool), status, NOW,
                               NOW + DAY};
    trial_t trial = {issuer, NULL, request, NULL};
    const unsigned char *der = NULL;
    OCSP_RESPONSE *response;
    apr_size_t len = 0;

    ok(!ca_ocsp_signer_make(&trial.signer, issuer, NOW, 2 * DAY, pool));
    ok(!ca_ocsp_respond(&der, &len, &answer, trial.signer, pool));
    response = d2i_OCSP_RESPONSE(NULL, &der, (long)len);
    is_int(OCSP_response_status(response), OCSP_RESPONSE_STATUS_SUCCESSFUL);
    trial.basic = OCSP_response_get1_basic(response);
    OCSP_RESPONSE_free(response);
    return trial;
}

/* OpenSSL's verdict on the signature and who made it. */
static int verify_basic(const trial_t *trial)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *certs = sk_X509_new_null();
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    int done;

    X509_VERIFY_PARAM_set_time(param, (time_t)NOW);
    X509_STORE_add_cert(store, trial->issuer->root);
    sk_X509_push(certs, trial->issuer->cert);
    done = OCSP_basic_verify(trial->basic, certs, store, 0);
    sk_X509_free(certs);
    X509_STORE_free(store);
    ERR_clear_error();
    return done;
}

static apr_int64_t seconds(const ASN1_GENERALIZEDTIME *at)
{
    struct tm tm;

    return at && ASN1_TIME_to_tm(at, &tm) == 1 ? (apr_int64_t)timegm(&tm) : -1;
}

/* One single response as text: "good", "revoked 1 at +5", with its times. */
static const char *single(const trial_t *trial, int i, apr_pool_t *pool)
{
    ASN1_GENERALIZEDTIME *at = NULL, *this_update, *next_update;
    int reason = -1;
    int status =
        OCSP_single_get0_status(OCSP_resp_get0(trial->basic, i), &reason, &at,
                                &this_update, &next_update);

    is_int(seconds(this_update), NOW);
    is_int(seconds(next_update), NOW + DAY);
    if (status != V_OCSP_CERTSTATUS_REVOKED)
        return status == V_OCSP_CERTSTATUS_GOOD ? "good" : "unknown";
    return apr_psprintf(pool, "revoked %d at %" APR_INT64_T_FMT, reason,
                        seconds(at) - NOW);
}

static void responses(apr_pool_t *pool)
{
    static const char *const specs[] = {"P-256", "P-384", "RSA-2048",
                                        "ED25519"};
    size_t i;

    for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        ca_issuer_t *issuer = issuer_of(specs[i], pool);
        trial_t trial = respond(asked(issuer, EVP_sha1(), SERIAL, pool), issuer,
                                &good, pool);

        need(trial.basic);
        is_int(verify_basic(&trial), 1);
        is_str(single(&trial, 0, pool), "good");
        is_int(seconds(OCSP_resp_get0_produced_at(trial.basic)), NOW);
        ok(OCSP_resp_find(
               trial.basic,
               OCSP_onereq_get0_id(OCSP_request_onereq_get0(trial.request, 0)),
               -1) == 0);
        OCSP_BASICRESP_free(trial.basic);
    }
}

static void several(apr_pool_t *pool)
{
    static const ca_ocsp_status_t status[] = {{CA_OCSP_REVOKED, NOW - 5, 1},
                                              {CA_OCSP_UNKNOWN, 0, -1},
                                              {CA_OCSP_GOOD, 0, -1},
                                              {CA_OCSP_REVOKED, NOW - 7, -1},
                                              {CA_OCSP_REVOKED, NOW - 8, 0}};
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    OCSP_REQUEST *request = asked(issuer, EVP_sha1(), SERIAL, pool);
    trial_t trial;

    id_add(request, issuer, EVP_sha256(), "02");
    id_add(request, issuer, EVP_sha1(), "03");
    id_add(request, issuer, EVP_sha1(), "04");
    id_add(request, issuer, EVP_sha1(), "05");
    trial = respond(request, issuer, status, pool);
    need(trial.basic);
    is_int(verify_basic(&trial), 1);
    is_int(OCSP_resp_count(trial.basic), 5);
    is_str(single(&trial, 0, pool), "revoked 1 at -5");
    is_str(single(&trial, 1, pool), "unknown");
    is_str(single(&trial, 2, pool), "good");
    is_str(single(&trial, 3, pool), "revoked -1 at -7");
    is_str(single(&trial, 4, pool), "revoked -1 at -8");
    OCSP_BASICRESP_free(trial.basic);
}

static void nonce_back(apr_pool_t *pool)
{
    static const int lens[] = {1, 32, 128};
    ca_issuer_t *issuer = issuer_of("P-256", pool);
    trial_t trial;
    size_t i;

    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        trial = respond(with_nonce(issuer, lens[i], pool), issuer, &good, pool);
        need(trial.basic);
        is_int(OCSP_check_nonce(trial.request, trial.basic), 1);
        is_int(verify_basic(&trial), 1);
        OCSP_BASICRESP_free(trial.basic);
    }
    trial =
        respond(asked(issuer, EVP_sha1(), SERIAL, pool), issuer, &good, pool);
    is_int(OCSP_check_nonce(trial.request, trial.basic), 2); /* nobody's */
    OCSP_BASICRESP_free(trial.basic);
}

static void refusals(apr_pool_t *pool)
{
    static const int all[] = {OCSP_RESPONSE_STATUS_MALFORMEDREQUEST,
                              OCSP_RESPONSE_STATUS_TRYLATER,
                              OCSP_RESPONSE_STATUS_UNAUTHORIZED};
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        apr_size_t len;
        const unsigned char *der = ca_ocsp_refuse(&len, all[i], pool);
        const unsigned char *end = der + len;
        OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, (long)len);

        ok(response && der == end);
        is_int(OCSP_response_status(response), all[i]);
        OCSP_RESPONSE_free(response);
    }
}

const tap_case_t tap_cases[] = {
    {"requests, and what they ask for", requests},
    {"malformedRequest for junk", junk},
    {"RFC 9654 nonces of 1 to 128 octets, once", nonces},
    {"RFC 6960 4.4 critical extensions are not ignored", extensions},
    {"parameters of the hash algorithm: NULL or none", parameters},
    {"whose certificates, by SHA-1 and SHA-256", whose},
    {"responses that OpenSSL verifies, whatever the issuer's key is",
     responses},
    {"good, revoked and unknown together", several},
    {"the nonce comes back, if there was one", nonce_back},
    {"refusals", refusals},
    {NULL, NULL}};
