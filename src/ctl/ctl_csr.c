/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_policy.h"

#include <stdio.h>

#include <apr_strings.h>
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/identifier.h"
#include "base/own.h"

#include "base/banned.h"

#define FILE_MAX 65536

static const char *file_read(apr_size_t *len, const char *file,
                             apr_pool_t *pool)
{
    char *text = apr_palloc(pool, FILE_MAX);
    FILE *stream = fopen(file, "r");

    if (!stream)
        return NULL;
    *len = fread(text, 1, FILE_MAX, stream);
    fclose(stream);
    return *len < FILE_MAX ? text : NULL;
}

/* The octets as a client would send them: of the PEM block if there is one,
 * else all of the file. */
static const unsigned char *der_find(apr_size_t *len, const char *text,
                                     apr_pool_t *pool)
{
    BIO *bio = own_bio(pool, BIO_new_mem_buf(text, (int)*len));
    const unsigned char *der = (const unsigned char *)text;
    unsigned char *data;
    long size;

    if (!bio || !PEM_bytes_read_bio(&data, &size, NULL, PEM_STRING_X509_REQ,
                                    bio, NULL, NULL))
        return der;
    *len = (apr_size_t)size;
    der = apr_pmemdup(pool, data, *len);
    OPENSSL_free(data);
    return der;
}

static const char *text_of(const ASN1_STRING *string, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, (const char *)ASN1_STRING_get0_data(string),
                          (apr_size_t)ASN1_STRING_length(string));
}

static const char *address_of(const ASN1_OCTET_STRING *octets, apr_pool_t *pool)
{
    int len = ASN1_STRING_length(octets);
    char text[INET6_ADDRSTRLEN];

    if ((len != 4 && len != 16) ||
        !inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(octets),
                   text, sizeof(text)))
        return NULL;
    return apr_pstrdup(pool, text);
}

static void names_add(apr_array_header_t *names, const GENERAL_NAMES *sans,
                      apr_pool_t *pool)
{
    int i;

    for (i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
        const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);
        const char *name = NULL;

        if (san->type == GEN_DNS)
            name = text_of(san->d.dNSName, pool);
        else if (san->type == GEN_IPADD)
            name = address_of(san->d.iPAddress, pool);
        if (name)
            APR_ARRAY_PUSH(names, const char *) = name;
    }
}

/* A CN that is no name is none of the order's, unless there is nothing else to
 * ask for. */
static void common_name_add(apr_array_header_t *names, const X509_REQ *req,
                            apr_pool_t *pool)
{
    X509_NAME *subject = X509_REQ_get_subject_name(req);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    identifier_t *identifier;
    const char *name;

    if (at < 0)
        return;
    name = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)),
                   pool);
    if (!names->nelts || !identifier_parse(&identifier, "dns", name,
                                           IDENTIFIER_UNDERSCORE, pool))
        APR_ARRAY_PUSH(names, const char *) = name;
}

static apr_array_header_t *names_read(X509_REQ *req, apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(const char *));
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);
    GENERAL_NAMES *sans =
        X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);

    if (sans)
        names_add(names, sans, pool);
    GENERAL_NAMES_free(sans);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    common_name_add(names, req, pool);
    return names;
}

ctl_exit_e ctl_csr_read(ctl_csr_t **csr, const char *file, apr_pool_t *pool)
{
    const unsigned char *at;
    const char *text;
    apr_size_t len;
    X509_REQ *req;

    text = file_read(&len, file, pool);
    if (!text) {
        ctl_print_error("--csr %s: it cannot be read, or is too long for a CSR",
                        file);
        return CTL_FAILED;
    }
    *csr = apr_pcalloc(pool, sizeof(**csr));
    (*csr)->der = at = der_find(&len, text, pool);
    (*csr)->len = len;
    req = own_x509_req(pool, d2i_X509_REQ(NULL, &at, (long)len));
    if (!req) {
        ctl_print_error("--csr %s: there is no CSR in it, neither PEM nor DER",
                        file);
        return CTL_FAILED;
    }
    (*csr)->names = names_read(req, pool);
    return CTL_OK;
}
