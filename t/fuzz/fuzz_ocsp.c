/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/own.h"
#include "ca/ca_hierarchy.h"
#include "ca/ca_ocsp.h"
#include "ca/ca_openssl.h"

/* OCSP requests: an input is the octets of one.  Whatever is taken is answered,
 * and what is answered OpenSSL can read and verify.  The corpus asks for
 * certificates of the key in issuer_make. */

#define NOW APR_INT64_C(1790000000)
#define DAY 86400

static apr_pool_t *top;
static ca_issuer_t issuer;
static ca_ocsp_hashes_t hashes;
static ca_ocsp_signer_t *signer;

/* The same each time: its name, and the key with the number one. */
static void issuer_make(void)
{
    static const char pem[] =
        "-----BEGIN PRIVATE KEY-----\n"
        "MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAAAAAAAAAAAAAAAA\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAQ==\n"
        "-----END PRIVATE KEY-----\n";
    ca_subject_t subject = {0};
    BIO *bio = own_bio(top, BIO_new_mem_buf(pem, -1));

    subject.key = own_pkey(top, PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
    promise(subject.key);
    subject.common_name = "Fuzz";
    subject.not_before = NOW - DAY;
    subject.not_after = NOW + 365 * DAY;
    promise(!ca_hierarchy_make(&issuer.cert, &subject, top));
    issuer.name = "fuzz";
    issuer.key = subject.key;
    issuer.not_before = subject.not_before;
    issuer.not_after = subject.not_after;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    atexit(apr_terminate); /* every pool, for the leak checkers */
    apr_pool_create(&top, NULL);
    issuer_make();
    promise(ca_ocsp_hashes_init(&hashes, &issuer));
    promise(!ca_ocsp_signer_make(&signer, &issuer, NOW, DAY, top));
    return 0;
}

static int is_serial(const char *serial)
{
    return strlen(serial) == CA_SERIAL_LEN &&
           strspn(serial, "0123456789abcdef") == CA_SERIAL_LEN;
}

/* Each state in turn. */
static const ca_ocsp_status_t *statuses_make(const ca_ocsp_request_t *request,
                                             apr_pool_t *pool)
{
    int i, count = request->serials->nelts;
    ca_ocsp_status_t *status =
        apr_pcalloc(pool, (apr_size_t)count * sizeof(*status));

    promise(count >= 1 && count <= CA_OCSP_COUNT_MAX);
    for (i = 0; i < count; i++) {
        const char *serial = APR_ARRAY_IDX(request->serials, i, const char *);

        promise(!serial || is_serial(serial));
        status[i].state = (ca_ocsp_state_e)(i % 3);
        status[i].at = NOW - 5;
        status[i].reason = i % 5 - 1;
    }
    return status;
}

static void response_check(const unsigned char *der, apr_size_t len,
                           const ca_ocsp_request_t *request)
{
    const unsigned char *end = der + len;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, (long)len);
    OCSP_BASICRESP *basic;

    promise(response && der == end);
    basic = OCSP_response_get1_basic(response);
    promise(basic && OCSP_resp_count(basic) == request->serials->nelts);
    promise(OCSP_check_nonce(request->value, basic) ==
            (request->has_nonce ? 1 : 2));
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ca_ocsp_request_t *request;
    ca_ocsp_answer_t answer = {0};
    const unsigned char *der;
    apr_size_t len;
    apr_pool_t *pool;

    apr_pool_create(&pool, top);
    request = ca_ocsp_request_parse(data, size, pool);
    promise(ERR_peek_error() == 0);
    if (request) {
        (void)ca_ocsp_is_for(request, &hashes);
        answer.request = request;
        answer.status = statuses_make(request, pool);
        answer.this_update = NOW;
        answer.next_update = NOW + DAY;
        promise(!ca_ocsp_respond(&der, &len, &answer, signer, pool));
        response_check(der, len, request);
    }
    promise(ERR_peek_error() == 0);
    apr_pool_destroy(pool);
    return 0;
}
