/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_cert.h"

#include <apr_strings.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/own.h"
#include "handle_start.h"
#include "store/store_cert.h"

static const char *issue(client_t *c, const char *names, const char *cn)
{
    reply_t *order = client_ready(c, names);
    EVP_PKEY *key = key_make("P-256", c->h->pool);

    return reply_text(
        client_finalize(c, order, csr_make(key, names, cn, c->h->pool)),
        "certificate");
}

static void chain(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test b.test", NULL);
    apr_array_header_t *certs;
    reply_t *r;
    int i;

    need(url);
    r = client_post(c, url, "");
    is_int(r->status, 200);
    is_str(r->type, "application/pem-certificate-chain");
    certs = reply_certs(r);
    need(certs->nelts >= 2);
    ok(certs->nelts <= 5);
    for (i = 0; i + 1 < certs->nelts; i++)
        is_int(X509_check_issued(APR_ARRAY_IDX(certs, i + 1, X509 *),
                                 APR_ARRAY_IDX(certs, i, X509 *)),
               X509_V_OK);
    ok(X509_check_host(APR_ARRAY_IDX(certs, 0, X509 *), "b.test", 0, 0, NULL) ==
       1);
    ok(X509_check_ca(APR_ARRAY_IDX(certs, 0, X509 *)) == 0);
}

/* RFC 7468, nothing but certificates. */
static void strict_pem(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    reply_t *r = client_post(c, issue(c, "a.test", NULL), "");
    char *state, *lines = apr_pstrdup(pool, r->body);
    char *line = apr_strtok(lines, "\n", &state);

    ok(!strncmp(r->body, "-----BEGIN CERTIFICATE-----\n", 28));
    ok(!strchr(r->body, '\r') && !strstr(r->body, "\n\n"));
    for (; line; line = apr_strtok(NULL, "\n", &state))
        ok(!strcmp(line, "-----BEGIN CERTIFICATE-----") ||
               !strcmp(line, "-----END CERTIFICATE-----") ||
               (strlen(line) <= 64 &&
                line[strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789+/=")] == '\0'),
           "%s", line);
    is_int(r->body[strlen(r->body) - 1], '\n');
}

static void owner_only(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    client_t *other = client_make(c->h, "P-256");
    const char *url = issue(c, "a.test", NULL);
    reply_t *theirs, *none;

    client_register(other);
    theirs = client_post(other, url, "");
    none =
        client_post(other, handle_url(c->h, "cert/AAAAAAAAAAAAAAAAAAAAAA"), "");
    is_int(theirs->status, 404);
    is_str(theirs->problem, "malformed");
    is_str(theirs->body, none->body);
    is_int(handle_request(c->h, "GET", url)->status, 405);
    is_str(client_post(c, url, "{}")->problem, "malformed");
}

/* A certificate without an account belongs to the server itself. */
static void vhost_cert(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test", NULL);
    store_cert_t *row;

    need(store_cert_get(&row, c->h->acme.store, strrchr(url, '/') + 1, pool) ==
         APR_SUCCESS);
    row->id = "AAAAAAAAAAAAAAAAAAAAAA";
    row->serial = "00000000000000000000000000000001";
    row->account_id = NULL;
    row->order_id = NULL;
    need(store_cert_add(c->h->acme.store, row, NULL, pool) == APR_SUCCESS);
    is_int(client_post(c, handle_url(c->h, "cert/AAAAAAAAAAAAAAAAAAAAAA"), "")
               ->status,
           404);
}

/* The chain of a generation that is not loaded any more comes from its row. */
static void old_generation(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test", NULL);
    const char *body = client_post(c, url, "")->body;
    reply_t *r;

    handle_issuer(c->h)->set = NULL;
    r = client_post(c, url, "");
    is_int(r->status, 200);
    is_str(r->body, body);
}

static void common_name(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    acme_profile_t *profile =
        APR_ARRAY_IDX(c->h->conf->profiles, 0, acme_profile_t *);
    char text[80];
    X509 *leaf;

    leaf = APR_ARRAY_IDX(
        reply_certs(client_post(c, issue(c, "b.test a.test", NULL), "")), 0,
        X509 *);
    X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, text,
                              sizeof(text));
    is_str(text, "a.test");
    leaf = APR_ARRAY_IDX(
        reply_certs(client_post(c, issue(c, "a.test b.test", "B.test"), "")), 0,
        X509 *);
    X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, text,
                              sizeof(text));
    is_str(text, "b.test");
    profile->validity.common_name = 0;
    leaf = APR_ARRAY_IDX(
        reply_certs(client_post(c, issue(c, "a.test", NULL), "")), 0, X509 *);
    is_int(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
}

static void long_name(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *name = "a123456789.b123456789.c123456789.d123456789.e123456789."
                       "f123456789.test";
    X509 *leaf = APR_ARRAY_IDX(
        reply_certs(client_post(c, issue(c, name, NULL), "")), 0, X509 *);

    is_int(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
    ok(X509_check_host(leaf, name, 0, 0, NULL) == 1);
}

static void away(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test", NULL);

    handle_database_away(c->h);
    is_int(client_post(c, url, "")->status, 503);
}

/* T71: one Link for each, and back. */
static void alternates(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test", NULL), *one, *two;
    ca_issuer_t *issuer = handle_issuer(c->h)->set->issuer;
    reply_t *r = client_post(c, url, "");

    ok(!reply_has_link(r, apr_pstrcat(pool, url, "/1", NULL), "alternate"));
    is_int(client_post(c, apr_pstrcat(pool, url, "/1", NULL), "")->status, 404);
    issuer->alternates = apr_array_make(pool, 2, sizeof(char *));
    APR_ARRAY_PUSH(issuer->alternates, const char *) = issuer->chain_pem;
    APR_ARRAY_PUSH(issuer->alternates, const char *) = apr_pstrcat(
        pool, issuer->chain_pem, ca_cert_pem(issuer->root, pool), NULL);
    one = apr_pstrcat(pool, url, "/1", NULL);
    two = apr_pstrcat(pool, url, "/2", NULL);
    r = client_post(c, url, "");
    ok(reply_has_link(r, one, "alternate"));
    ok(reply_has_link(r, two, "alternate"));
    ok(!reply_has_link(r, url, "alternate"));
    r = client_post(c, two, "");
    is_int(r->status, 200);
    is_int(reply_certs(r)->nelts, 3);
    ok(reply_has_link(r, url, "alternate"));
    ok(reply_has_link(r, one, "alternate"));
    ok(!reply_has_link(r, two, "alternate"));
    is_int(client_post(c, apr_pstrcat(pool, url, "/3", NULL), "")->status, 404);
    is_int(client_post(c, apr_pstrcat(pool, url, "/0", NULL), "")->status, 404);
    is_int(client_post(c, apr_pstrcat(pool, url, "/1x", NULL), "")->status,
           404);
    is_int(client_post(c, apr_pstrcat(pool, url, "/99999999999999999999", NULL),
                       "")
               ->status,
           404);
}

static reply_t *in_form(client_t *c, const char *url, const char *accept)
{
    twist_t twist = {.accept = accept};

    return client_twisted(c, url, "", &twist);
}

/* The certificates of a PKCS #7 body, NULL if it is none. */
static STACK_OF(X509) * pkcs7_certs(const reply_t *r, apr_pool_t *pool)
{
    const unsigned char *at = (const unsigned char *)r->res.body;
    PKCS7 *p7 = own_pkcs7(pool, d2i_PKCS7(NULL, &at, (long)r->res.body_len));

    return p7 && PKCS7_type_is_signed(p7) ? p7->d.sign->cert : NULL;
}

static void forms_of(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test", NULL), *up;
    apr_array_header_t *pem = reply_certs(client_post(c, url, ""));
    ca_issuer_t *issuer = handle_issuer(c->h)->set->issuer;
    const unsigned char *at;
    STACK_OF(X509) * certs;
    X509 *leaf;
    reply_t *r;

    is_str(in_form(c, url, "*/*")->type, "application/pem-certificate-chain");
    r = in_form(c, url, "application/json");
    is_int(r->status, 200);
    is_str(r->type, "application/pem-certificate-chain");

    r = in_form(c, url, "application/pkix-cert");
    is_int(r->status, 200);
    is_str(r->type, "application/pkix-cert");
    at = (const unsigned char *)r->res.body;
    leaf = own_x509(pool, d2i_X509(NULL, &at, (long)r->res.body_len));
    need(leaf && at == (const unsigned char *)r->res.body + r->res.body_len);
    ok(!X509_cmp(leaf, APR_ARRAY_IDX(pem, 0, X509 *)));
    up = handle_url(
        c->h, apr_pstrcat(pool, "issuer/", issuer->fingerprint, ".cer", NULL));
    ok(reply_has_link(r, up, "up"));
    r = handle_request(c->h, "GET", up);
    is_int(r->status, 200);
    at = (const unsigned char *)r->res.body;
    ok(!X509_cmp(own_x509(pool, d2i_X509(NULL, &at, (long)r->res.body_len)),
                 APR_ARRAY_IDX(pem, 1, X509 *)));

    r = in_form(c, url, "application/pkcs7-mime, */*;q=0.5");
    is_str(r->type, "application/pkcs7-mime; smime-type=certs-only");
    certs = pkcs7_certs(r, pool);
    need(certs && sk_X509_num(certs) == pem->nelts);
    ok(!X509_cmp(sk_X509_value(certs, 0), APR_ARRAY_IDX(pem, 0, X509 *)));
    ok(!X509_cmp(sk_X509_value(certs, 1), APR_ARRAY_IDX(pem, 1, X509 *)));
}

/* T71: each of the chains in each of the forms. */
static void alternate_forms(apr_pool_t *pool)
{
    client_t *c = client_start("P-256", pool);
    const char *url = issue(c, "a.test", NULL);
    const char *one = apr_pstrcat(pool, url, "/1", NULL);
    ca_issuer_t *issuer = handle_issuer(c->h)->set->issuer;
    STACK_OF(X509) * certs;
    reply_t *r;

    issuer->alternates = apr_array_make(pool, 1, sizeof(char *));
    APR_ARRAY_PUSH(issuer->alternates, const char *) = apr_pstrcat(
        pool, issuer->chain_pem, ca_cert_pem(issuer->root, pool), NULL);
    r = in_form(c, url, "application/pkcs7-mime");
    ok(reply_has_link(r, one, "alternate"));
    certs = pkcs7_certs(r, pool);
    is_int(certs ? sk_X509_num(certs) : 0, 2);
    r = in_form(c, one, "application/pkcs7-mime");
    ok(reply_has_link(r, url, "alternate"));
    certs = pkcs7_certs(r, pool);
    is_int(certs ? sk_X509_num(certs) : 0, 3);
    r = in_form(c, one, "application/pkix-cert");
    is_str(r->type, "application/pkix-cert");
    ok(reply_has_link(r, url, "alternate"));
}

const tap_case_t tap_cases[] = {
    {"T70 R18 leaf first, each certified by the next, two or more", chain},
    {"T70 T82 R18 strict PEM, nothing else", strict_pem},
    {"T72 T15 for its owner, by POST-as-GET", owner_only},
    {"T72 the server's own certificate is nobody's", vhost_cert},
    {"T70 the chain outlives its generation", old_generation},
    {"R32 the common name", common_name},
    {"R32 no name fits: none", long_name},
    {"a database that is away is 503", away},
    {"T71 alternate chains", alternates},
    {"7.4.2 DER and PKCS #7 for who accepts them", forms_of},
    {"T71 and so with alternate chains", alternate_forms},
    {NULL, NULL}};
