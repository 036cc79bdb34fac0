/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_renew.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/own.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define HEX_LEN 64

/* "AA:bb:…" → "aabb…"; NULL: it is no SHA-256 in hex. */
static const char *hex_take(const char *text, apr_pool_t *pool)
{
    char *hex = apr_pcalloc(pool, strlen(text) + 1), *to = hex;

    for (; *text; text++)
        if (*text != ':')
            *to++ = (char)apr_tolower(*text);
    return strspn(hex, "0123456789abcdef") == HEX_LEN && !hex[HEX_LEN] ? hex
                                                                       : NULL;
}

static EVP_PKEY *cert_key(BIO *bio, apr_pool_t *pool)
{
    X509 *cert = own_x509(pool, PEM_read_bio_X509(bio, NULL, NULL, NULL));

    return cert ? own_pkey(pool, X509_get_pubkey(cert)) : NULL;
}

/* Of a certificate or a public key in PEM; NULL: the file has neither. */
static const char *file_take(const char *path, apr_pool_t *pool)
{
    BIO *bio = own_bio(pool, BIO_new_file(path, "r"));
    EVP_PKEY *key = bio ? cert_key(bio, pool) : NULL;
    unsigned char *der = NULL;
    const char *hex = NULL;
    int len;

    if (!key && bio && BIO_reset(bio) == 0)
        key = own_pkey(pool, PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL));
    ERR_clear_error();
    len = key ? i2d_PUBKEY(key, &der) : 0;
    if (len > 0)
        hex = ca_sha256_hex(der, (apr_size_t)len, pool);
    OPENSSL_free(der);
    return hex;
}

ctl_exit_e ctl_renew_key(const char **spki, const char *text, apr_pool_t *pool)
{
    *spki = NULL;
    if (!strcmp(text, "blocked"))
        return CTL_OK;
    *spki = hex_take(text, pool);
    if (!*spki)
        *spki = file_take(text, pool);
    if (*spki)
        return CTL_OK;
    ctl_print_error("--key %s: it is neither \"blocked\" nor a SHA-256 in hex "
                    "(spkiSHA256 of `acmectl cert show`) nor a file with a "
                    "certificate or a public key in PEM",
                    text);
    return CTL_USAGE;
}
