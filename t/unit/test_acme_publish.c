/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish.h"

#include <apr_strings.h>
#include <string.h>

#include "base/own.h"
#include "handle.h"
#include "tap.h"

static reply_t *get(handle_t *h, const char *rest)
{
    return handle_request(h, "GET", handle_url(h, rest));
}

static X509 *der_of(const reply_t *r)
{
    const unsigned char *der = (const unsigned char *)r->res.body;

    return own_x509(r->pool, d2i_X509(NULL, &der, (long)r->res.body_len));
}

static void roots(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = get(h, "roots.pem");

    is_int(r->status, 200);
    is_str(r->type, "application/pem-certificate-chain");
    is_str(r->body, handle_issuer(h)->set->roots_pem);
    is_str(reply_header(r, "Access-Control-Allow-Origin", 0), "*");
    /* No nonce: it may be kept by caches. */
    ok(!r->nonce);
    is_str(reply_header(r, "Cache-Control", 0), "public, max-age=3600");
    is_int(handle_request(h, "HEAD", handle_url(h, "roots.pem"))->status, 200);
}

static void root_der(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = get(h, "root.cer");
    X509 *root = der_of(r);

    is_int(r->status, 200);
    is_str(r->type, "application/pkix-cert");
    need(root);
    ok(X509_cmp(root, handle_issuer(h)->set->issuer->root) == 0);
}

static void chain(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);

    is_str(get(h, "chain.pem")->body, handle_issuer(h)->set->issuer->chain_pem);
}

static void issuers(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    const ca_issuer_t *issuer = handle_issuer(h)->set->issuer;
    const char *name = apr_pstrcat(pool, "issuer/", issuer->fingerprint, NULL);
    X509 *cert;

    cert = der_of(get(h, apr_pstrcat(pool, name, ".cer", NULL)));
    need(cert);
    ok(X509_cmp(cert, issuer->cert) == 0);
    is_str(get(h, apr_pstrcat(pool, name, ".pem", NULL))->body,
           ca_cert_pem(issuer->cert, pool));
    is_int(get(h, apr_pstrcat(pool, name, ".crt", NULL))->status, 404);
    is_int(get(h, name)->status, 404);
    is_int(get(h, "issuer/")->status, 404);
    is_int(get(h, "issuer/../roots.pem")->status, 404);
    is_int(get(h, apr_pstrcat(pool, "issuer/",
                              "0000000000000000000000000000000000000000"
                              "000000000000000000000000.cer",
                              NULL))
               ->status,
           404);
}

static void methods(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = handle_request(h, "POST", handle_url(h, "roots.pem"));

    is_int(r->status, 405);
    is_str(reply_header(r, "Allow", 0), "GET, HEAD");
    is_str(r->problem, "malformed");
}

static void no_ca(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r;

    handle_issuer(h)->set = NULL;
    r = get(h, "roots.pem");
    is_int(r->status, 503);
    ok(r->retry_after);
    is_int(get(h, "chain.p7c")->status, 503);
    is_int(get(h, "roots.mobileconfig")->status, 503);
}

/* Publication outlives the key. */
static void no_key(apr_pool_t *pool)
{
    static const char *const names[] = {"roots.pem", "root.pem",  "root.cer",
                                        "chain.pem", "chain.p7c", NULL};
    handle_t *h = handle_make(tap_tmpdir(), pool);
    ca_set_t *set = handle_issuer(h)->set;
    const char *body[5];
    int i;

    for (i = 0; names[i]; i++)
        body[i] = get(h, names[i])->res.etag;
    set->issuer = NULL;
    handle_issuer(h)->problem = "issuing-1.key: is not there";
    for (i = 0; names[i]; i++) {
        reply_t *r = get(h, names[i]);

        is_int(r->status, 200);
        is_str(r->res.etag, body[i]);
    }
    apr_array_clear(set->generations);
    is_int(get(h, "root.pem")->status, 200);
    is_int(get(h, "chain.pem")->status, 503);
}

static void root_pem(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);

    is_str(get(h, "root.pem")->body,
           ca_cert_pem(handle_issuer(h)->set->issuer->root, pool));
}

/* Two issuers of one root, and a root that is in both sets. */
static void every_root_once(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_issuer_t *other = acme_issuer_make("other", pool);
    const char *roots = get(h, "roots.pem")->body;

    other->set = handle_issuer(h)->set;
    APR_ARRAY_PUSH(h->conf->issuers, acme_issuer_t *) = other;
    is_str(get(h, "roots.pem")->body, roots);
}

static void validators(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r;

    h->conf->loaded_at = HANDLE_NOW;
    r = get(h, "roots.pem");
    need(r->res.etag);
    is_int(strlen(r->res.etag), 34);
    is_int(r->res.modified, HANDLE_NOW);
    is_str(get(h, "roots.pem")->res.etag, r->res.etag);
    ok(strcmp(get(h, "root.cer")->res.etag, r->res.etag));
    ok(!get(h, "nothing.pem")->res.etag);
    ok(!get(h, "directory")->res.etag);
}

const tap_case_t tap_cases[] = {{"roots as PEM, for anybody", roots},
                                {"the root as DER", root_der},
                                {"what follows a leaf", chain},
                                {"each issuer by its fingerprint", issuers},
                                {"the root as PEM", root_pem},
                                {"every root once", every_root_once},
                                {"what caches need", validators},
                                {"GET and HEAD only", methods},
                                {"without a CA: 503", no_ca},
                                {"without a key all is published", no_key},
                                {NULL, NULL}};
