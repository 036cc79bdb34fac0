/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish_form.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/pkcs7.h>

#include "base/own.h"
#include "handle.h"
#include "tap.h"

static reply_t *get(handle_t *h, const char *rest)
{
    return handle_request(h, "GET", handle_url(h, rest));
}

static STACK_OF(X509) * certs_of(const reply_t *r)
{
    const unsigned char *der = (const unsigned char *)r->res.body;
    PKCS7 *p7 =
        own_pkcs7(r->pool, d2i_PKCS7(NULL, &der, (long)r->res.body_len));

    is_str(r->type, "application/pkcs7-mime; smime-type=certs-only");
    return p7 && PKCS7_type_is_signed(p7) ? p7->d.sign->cert : NULL;
}

static int has(STACK_OF(X509) * certs, X509 *cert)
{
    int i, n = 0;

    for (i = 0; i < sk_X509_num(certs); i++)
        n += X509_cmp(sk_X509_value(certs, i), cert) == 0;
    return n;
}

static void pkcs7(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    const ca_issuer_t *issuer = handle_issuer(h)->set->issuer;
    STACK_OF(X509) *roots = certs_of(get(h, "roots.p7c"));
    STACK_OF(X509) *chain = certs_of(get(h, "chain.p7c"));

    need(roots && chain);
    is_int(sk_X509_num(roots), 1);
    is_int(has(roots, issuer->root), 1);
    is_int(sk_X509_num(chain), 2);
    is_int(has(chain, issuer->root), 1);
    is_int(has(chain, issuer->cert), 1);
}

static const char *between(const char *text, const char *from, const char *to,
                           apr_pool_t *pool)
{
    const char *start = strstr(text, from), *end;

    if (!start)
        return NULL;
    start += strlen(from);
    end = strstr(start, to);
    return end ? apr_pstrmemdup(pool, start, (apr_size_t)(end - start)) : NULL;
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (text = strstr(text, what); text; text = strstr(text + 1, what))
        n++;
    return n;
}

#define UUID "<key>PayloadUUID</key><string>"

/* 8-4-4-4-12, version 8, variant 8 to B */
static int is_uuid(const char *text)
{
    return text && strlen(text) == 36 && text[8] == '-' && text[13] == '-' &&
           text[14] == '8' && text[18] == '-' && strchr("89AB", text[19]) &&
           text[23] == '-' && strspn(text, "0123456789ABCDEF-") == 36;
}

static void mobileconfig(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = get(h, "roots.mobileconfig");
    X509 *root = handle_issuer(h)->set->issuer->root;
    const char *fingerprint = acme_publish_fingerprint(root, pool);
    const char *data, *uuid;
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, root, pool);
    unsigned char *text = apr_palloc(pool, 4 * (len / 3 + 1) + 1);

    is_str(r->type, "application/x-apple-aspen-config");
    data = between(r->body, "<data>", "</data>", pool);
    EVP_EncodeBlock(text, der, (int)len);
    is_str(data, (char *)text);
    is_int(count(r->body, UUID), 2);
    is_int(count(r->body, "com.apple.security.root"), 1);
    uuid = between(r->body, UUID, "</string>", pool);
    ok(is_uuid(uuid));
    ok(!strncasecmp(uuid, fingerprint, 8));
    uuid = between(strstr(r->body, ">Configuration<"), UUID, "</string>", pool);
    ok(is_uuid(uuid));
    is_str(get(h, "roots.mobileconfig")->body, r->body);
    h->conf->server_name = "other.example";
    ok(!strstr(get(h, "roots.mobileconfig")->body, uuid));
}

static void mobileconfig_quotes(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    const char *body;

    h->conf->server_name = "<b>&\"";
    body = get(h, "roots.mobileconfig")->body;
    ok(!strstr(body, "<b>"));
    ok(strstr(body, "&lt;b&gt;&amp;&quot;.acme.roots"));
}

const tap_case_t tap_cases[] = {
    {"roots and chain as PKCS #7", pkcs7},
    {"roots for Apple's machines, identifiers that stay", mobileconfig},
    {"names in it mark nothing up", mobileconfig_quotes},
    {NULL, NULL}};
