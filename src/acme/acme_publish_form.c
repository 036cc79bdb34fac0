/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish_form.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/pkcs7.h>

#include "base/own.h"
#include "base/quote.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define PEM_TYPE   "application/pem-certificate-chain"
#define DER_TYPE   "application/pkix-cert"
#define PKCS7_TYPE "application/pkcs7-mime; smime-type=certs-only"
#define APPLE_TYPE "application/x-apple-aspen-config"

const char *acme_publish_fingerprint(X509 *cert, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, cert, pool);

    return ca_sha256_hex(der, len, pool);
}

static int has_cert(const apr_array_header_t *certs, X509 *cert)
{
    int i;

    for (i = 0; i < certs->nelts; i++)
        if (X509_cmp(APR_ARRAY_IDX(certs, i, X509 *), cert) == 0)
            return 1;
    return 0;
}

apr_array_header_t *acme_publish_roots(const acme_conf_t *conf,
                                       apr_pool_t *pool)
{
    apr_array_header_t *roots = apr_array_make(pool, 2, sizeof(X509 *));
    int i, k;

    for (i = 0; i < conf->issuers->nelts; i++) {
        const ca_set_t *set =
            APR_ARRAY_IDX(conf->issuers, i, const acme_issuer_t *)->set;

        for (k = 0; set && k < set->roots->nelts; k++) {
            X509 *root = APR_ARRAY_IDX(set->roots, k, X509 *);

            if (!has_cert(roots, root))
                APR_ARRAY_PUSH(roots, X509 *) = root;
        }
    }
    return roots;
}

void acme_publish_pem(acme_response_t *res, const apr_array_header_t *certs,
                      apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < certs->nelts; i++)
        text = apr_pstrcat(pool, text,
                           ca_cert_pem(APR_ARRAY_IDX(certs, i, X509 *), pool),
                           NULL);
    acme_response_body(res, 200, PEM_TYPE, text, strlen(text));
}

void acme_publish_der(acme_response_t *res, X509 *cert, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, cert, pool);

    acme_response_body(res, 200, DER_TYPE, (const char *)der, len);
}

static PKCS7 *pkcs7_make(const apr_array_header_t *certs, X509 *root,
                         apr_pool_t *pool)
{
    PKCS7 *p7 = own_pkcs7(pool, PKCS7_new());
    int i;

    if (!p7 || !PKCS7_set_type(p7, NID_pkcs7_signed))
        return NULL;
    p7->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
    for (i = 0; i < certs->nelts; i++)
        if (!PKCS7_add_certificate(p7, APR_ARRAY_IDX(certs, i, X509 *)))
            return NULL;
    if (root && !has_cert(certs, root) && !PKCS7_add_certificate(p7, root))
        return NULL;
    return p7;
}

problem_t *acme_publish_pkcs7(acme_response_t *res,
                              const apr_array_header_t *certs, X509 *root,
                              apr_pool_t *pool)
{
    PKCS7 *p7 = pkcs7_make(certs, root, pool);
    int len = p7 ? i2d_PKCS7(p7, NULL) : 0;
    unsigned char *der, *end;

    if (len <= 0)
        return ca_openssl_problem(pool, "make PKCS #7 of certificates");
    der = end = apr_palloc(pool, (apr_size_t)len);
    (void)i2d_PKCS7(p7, &end);
    acme_response_body(res, 200, PKCS7_TYPE, (const char *)der,
                       (apr_size_t)len);
    return NULL;
}

/* RFC 9562 5.8: of our own making, 122 bits of a SHA-256 in hex. */
static const char *uuid_text(const char *hex, apr_pool_t *pool)
{
    static const char variants[] = "89AB";
    const char *digits = "0123456789abcdef";
    int variant = (int)(strchr(digits, hex[16]) - digits) & 3;
    char *text =
        apr_psprintf(pool, "%.8s-%.4s-8%.3s-%c%.3s-%.12s", hex, hex + 8,
                     hex + 13, variants[variant], hex + 17, hex + 20);
    char *c;

    for (c = text; *c; c++)
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 'a' + 'A');
    return text;
}

static const char *base64_text(X509 *cert, apr_pool_t *pool)
{
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, cert, pool);
    unsigned char *text = apr_palloc(pool, 4 * ((len + 2) / 3) + 1);

    (void)EVP_EncodeBlock(text, der, (int)len);
    return (const char *)text;
}

/* Both dictionaries end alike. */
static const char *payload_end(const char *name, const char *type,
                               const char *title, const char *uuid,
                               apr_pool_t *pool)
{
    return apr_pstrcat(pool, "<key>PayloadDisplayName</key><string>", title,
                       "</string>\n<key>PayloadIdentifier</key><string>", name,
                       "</string>\n<key>PayloadType</key><string>", type,
                       "</string>\n<key>PayloadUUID</key><string>", uuid,
                       "</string>\n"
                       "<key>PayloadVersion</key><integer>1</integer>\n"
                       "</dict>\n",
                       NULL);
}

static const char *root_payload(X509 *root, const char *server,
                                const char *fingerprint, apr_pool_t *pool)
{
    const char *title = ca_name_text(X509_get_subject_name(root), pool);
    const char *name =
        apr_psprintf(pool, "%s.acme.root.%.16s", server, fingerprint);

    return apr_pstrcat(
        pool, "<dict>\n<key>PayloadCertificateFileName</key><string>",
        apr_psprintf(pool, "%.16s.cer", fingerprint),
        "</string>\n<key>PayloadContent</key><data>", base64_text(root, pool),
        "</data>\n",
        payload_end(name, "com.apple.security.root", quote_markup(title, pool),
                    uuid_text(fingerprint, pool), pool),
        NULL);
}

void acme_publish_mobileconfig(acme_response_t *res, const acme_conf_t *conf,
                               const apr_array_header_t *roots,
                               apr_pool_t *pool)
{
    const char *server = quote_markup(conf->server_name, pool);
    const char *content = "", *all = server, *text;
    int i;

    for (i = 0; i < roots->nelts; i++) {
        X509 *root = APR_ARRAY_IDX(roots, i, X509 *);
        const char *fingerprint = acme_publish_fingerprint(root, pool);

        all = apr_pstrcat(pool, all, " ", fingerprint, NULL);
        content = apr_pstrcat(
            pool, content, root_payload(root, server, fingerprint, pool), NULL);
    }
    text = apr_pstrcat(
        pool,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
        "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
        "<plist version=\"1.0\">\n"
        "<dict>\n<key>PayloadContent</key>\n<array>\n",
        content, "</array>\n",
        payload_end(
            apr_pstrcat(pool, server, ".acme.roots", NULL), "Configuration",
            apr_pstrcat(pool, "Root certificates of ", server, NULL),
            uuid_text(ca_sha256_hex(all, strlen(all), pool), pool), pool),
        "</plist>\n", NULL);
    acme_response_body(res, 200, APPLE_TYPE, text, strlen(text));
}
