/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_openssl.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/pubkey.h"

#include "base/banned.h"

problem_t *ca_openssl_problem(apr_pool_t *pool, const char *fmt, ...)
{
    const char *text, *reason, *data = "";
    unsigned long code;
    va_list args;
    int flags = 0;

    va_start(args, fmt);
    text = apr_pvsprintf(pool, fmt, args);
    va_end(args);
    code = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
    reason = code ? ERR_reason_error_string(code) : NULL;
    data = flags & ERR_TXT_STRING ? apr_pstrdup(pool, data) : "";
    ERR_clear_error();
    return problem_internal(pool, APR_SUCCESS, "%s: OpenSSL: %s%s%s", text,
                            reason ? reason : "no reason given",
                            data[0] ? ", " : "", data);
}

apr_int64_t ca_time_seconds(const ASN1_TIME *time)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return -1;
    return (apr_int64_t)timegm(&tm);
}

int ca_times_set(X509 *cert, apr_int64_t not_before, apr_int64_t not_after)
{
    return not_before >= 0 && not_after >= 0 && not_before <= CA_TIME_MAX &&
           not_after <= CA_TIME_MAX &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)not_after);
}

/* RFC 5280 4.1.2.2: 20 octets. */
#define SERIAL_LEN_MAX 40

int ca_serial_put(ASN1_INTEGER *serial, const char *digits)
{
    BIGNUM *number = NULL;
    size_t len = strlen(digits);
    int done = len <= SERIAL_LEN_MAX && len % 2 == 0 &&
               strspn(digits, "0123456789abcdefABCDEF") == len &&
               BN_hex2bn(&number, digits) == (int)len && len > 0 &&
               !BN_is_zero(number) && BN_to_ASN1_INTEGER(number, serial);

    BN_free(number);
    return done;
}

int ca_serial_set(X509 *cert, const char *digits)
{
    return strlen(digits) == CA_SERIAL_LEN &&
           ca_serial_put(X509_get_serialNumber(cert), digits);
}

const char *ca_serial_text(const X509 *cert, apr_pool_t *pool)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    unsigned char octets[CA_SERIAL_LEN / 2] = {0};
    int len = ASN1_STRING_length(serial);

    if (len < 1 || len > (int)sizeof(octets) ||
        ASN1_STRING_type(serial) != V_ASN1_INTEGER)
        return NULL;
    memcpy(octets + sizeof(octets) - len, ASN1_STRING_get0_data(serial),
           (size_t)len);
    return apr_pescape_hex(pool, octets, sizeof(octets), 0);
}

int ca_subject_add(X509 *cert, int nid, const char *value)
{
    X509_NAME *subject = X509_get_subject_name(cert);

    return !value || X509_NAME_add_entry_by_NID(subject, nid, MBSTRING_UTF8,
                                                (const unsigned char *)value,
                                                -1, -1, 0) == 1;
}

const char *ca_name_text(const X509_NAME *name, apr_pool_t *pool)
{
    char *line = X509_NAME_oneline(name, NULL, 0);
    const char *copy = apr_pstrdup(pool, line ? line : "?");

    OPENSSL_free(line);
    return copy;
}

const char *ca_sha256_hex(const void *data, apr_size_t len, apr_pool_t *pool)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_len = 0;

    if (EVP_Digest(data, len, digest, &digest_len, EVP_sha256(), NULL) != 1)
        return NULL;
    return apr_pescape_hex(pool, digest, digest_len, 0);
}

const unsigned char *ca_spki_der(apr_size_t *len, const X509 *cert,
                                 apr_pool_t *pool)
{
    X509_PUBKEY *spki = X509_get_X509_PUBKEY(cert);
    int size = i2d_X509_PUBKEY(spki, NULL);
    unsigned char *der, *end;

    *len = 0;
    if (size <= 0)
        return NULL;
    der = apr_palloc(pool, (apr_size_t)size);
    end = der;
    *len = (apr_size_t)i2d_X509_PUBKEY(spki, &end);
    return der;
}

int ca_spki_set(X509 *cert, EVP_PKEY *key)
{
    return pubkey_spki_put(X509_get_X509_PUBKEY(cert), key) ||
           X509_set_pubkey(cert, key) == 1;
}

/* NIST SP 800-57 1, 5.6.1.2: about as strong as the key. */
const EVP_MD *ca_digest_for(const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    if (EVP_PKEY_is_a(key, "RSA"))
        return bits <= 3072 ? EVP_sha256() : EVP_sha384();
    if (bits <= 256)
        return EVP_sha256();
    return bits <= 384 ? EVP_sha384() : EVP_sha512();
}
