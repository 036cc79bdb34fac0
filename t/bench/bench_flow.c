/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_flow.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "base/own.h"
#include "bench_garbage.h"

#include "base/banned.h"

const char bench_flow_names[] =
    "full; nonce, directory, account, order: only these; list: the account's "
    "orders, as many as --warm-up says; renewal: by renewal information; "
    "revocation; accept: validations are started; garbage: mutated requests";

/* What a test compares with the database. */
static void log_issued(const bench_worker_t *w, const char *order_url,
                       X509 *leaf)
{
    const ASN1_INTEGER *serial = leaf ? X509_get0_serialNumber(leaf) : NULL;
    BIGNUM *number = serial ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
    char *hex = number ? BN_bn2hex(number) : NULL;

    fprintf(w->options->log, "ok %s %s\n", order_url, hex ? hex : "-");
    OPENSSL_free(hex);
    BN_free(number);
}

static X509 *leaf_read(const char *pem, apr_pool_t *pool)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *leaf = own_x509(pool, PEM_read_bio_X509(bio, NULL, NULL, 0));

    BIO_free(bio);
    return leaf;
}

static const char **names_make(const bench_worker_t *w)
{
    const bench_options_t *o = w->options;
    const char **names = apr_pcalloc(w->acme.pool, o->names * sizeof(*names));
    int i;

    for (i = 0; i < o->names; i++)
        names[i] =
            apr_psprintf(w->acme.pool, "w%d-n%d.%s", w->number, i, o->zone);
    return names;
}

/* replaces: as in bench_acme_order. */
static const char *issue(X509 **leaf, bench_worker_t *w, const char *replaces)
{
    const bench_options_t *o = w->options;
    const char **names = names_make(w), *order_url = NULL, *pem = NULL, *err;
    json_t *order;

    *leaf = NULL;
    err = w->acme.kid ? NULL : bench_acme_register(&w->acme);
    if (!err)
        err = bench_acme_order(&w->acme, names, o->names, replaces, &order_url,
                               &order);
    if (!err && (!strcmp(o->scenario, "order") || !strcmp(o->scenario, "list")))
        return NULL;
    if (!err)
        err = bench_acme_prove(&w->acme, order, strcmp(o->scenario, "accept"));
    if (!err && !strcmp(o->scenario, "accept"))
        return NULL;
    if (!err)
        err = bench_acme_finalize(&w->acme, order_url, order, names, o->names,
                                  w->cert_key, &pem);
    if (err)
        return err;
    *leaf = leaf_read(pem, w->acme.pool);
    if (!*leaf)
        return "no certificate came";
    if (o->log)
        log_issued(w, order_url, *leaf);
    return NULL;
}

static const char *flow_full(bench_worker_t *w)
{
    X509 *leaf;

    return issue(&leaf, w, NULL);
}

/* For newOrder if there is to be an account. */
static const char *flow_garbage(bench_worker_t *w)
{
    const char *err = NULL;

    if (w->options->reuse_account && !w->acme.kid)
        err = bench_acme_register(&w->acme);
    return err ? err : bench_garbage(&w->acme, &w->seed);
}

/* RFC 9773 4.1 */
static const char *renewal_name(X509 *leaf, apr_pool_t *pool)
{
    const ASN1_OCTET_STRING *key = X509_get0_authority_key_id(leaf);
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(leaf), &der);
    const char *name;

    if (!key || len < 3)
        return NULL;
    /* Behind tag and length. */
    name = apr_pstrcat(pool,
                       b64url_encode(ASN1_STRING_get0_data(key),
                                     (apr_size_t)ASN1_STRING_length(key), pool),
                       ".", b64url_encode(der + 2, (apr_size_t)len - 2, pool),
                       NULL);
    OPENSSL_free(der);
    return name;
}

static const char *renewal_remember(bench_worker_t *w, X509 *leaf)
{
    w->cert = renewal_name(leaf, w->pool);
    return w->cert ? NULL : "the certificate names no issuer's key";
}

static const char *flow_renewal(bench_worker_t *w)
{
    X509 *leaf;
    const char *err = bench_acme_get(
        &w->acme,
        apr_pstrcat(w->acme.pool, w->acme.renewal_info, "/", w->cert, NULL), 0);

    if (!err && w->acme.status != 200)
        err = apr_psprintf(w->acme.pool, "renewalInfo: status %ld",
                           w->acme.status);
    if (!err)
        err = issue(&leaf, w, w->cert);
    return err ? err : renewal_remember(w, leaf);
}

static const char *renewal_prepare(bench_worker_t *w)
{
    X509 *leaf;
    const char *err = w->acme.renewal_info ? issue(&leaf, w, NULL)
                                           : "the directory has no renewalInfo";

    return err ? err : renewal_remember(w, leaf);
}

/* Certificates for all flows. */
static const char *revocation_prepare(bench_worker_t *w)
{
    const char *err = NULL;
    int i;

    w->certs = apr_pcalloc(w->pool, (w->share + 1) * sizeof(*w->certs));
    for (i = 0; !err && i < w->share; i++) {
        unsigned char *der = NULL;
        X509 *leaf;
        int len;

        err = issue(&leaf, w, NULL);
        if (err)
            break;
        len = i2d_X509(leaf, &der);
        w->certs[i] = b64url_encode(der, (apr_size_t)len, w->pool);
        OPENSSL_free(der);
        bench_acme_reset(&w->acme, 1);
    }
    return err;
}

static const char *flow_revocation(bench_worker_t *w)
{
    const char *cert = w->certs[w->done + w->failed];

    return cert
               ? bench_acme_post(&w->acme, w->acme.revoke_cert,
                                 apr_psprintf(w->acme.pool,
                                              "{\"certificate\":\"%s\"}", cert))
               : "there is nothing more to revoke";
}

/* An account, and its orders. */
static const char *list_prepare(bench_worker_t *w)
{
    const char *err = bench_acme_register(&w->acme), *url;
    X509 *leaf;
    int i;

    url =
        err ? NULL : json_string_value(json_object_get(w->acme.json, "orders"));
    if (!err && !url)
        err = "the account has no list of orders";
    if (err)
        return err;
    w->orders = apr_pstrdup(w->pool, url);
    for (i = 0; !err && i < w->options->warm_up; i++) {
        bench_acme_reset(&w->acme, 1);
        err = issue(&leaf, w, NULL);
    }
    return err;
}

static const char *flow_list(bench_worker_t *w)
{
    return bench_acme_post(&w->acme, w->orders, NULL);
}

static const char *flow_nonce(bench_worker_t *w)
{
    return bench_acme_get(&w->acme, w->acme.new_nonce, 1);
}

static const char *flow_directory(bench_worker_t *w)
{
    return bench_acme_get(&w->acme, w->options->directory, 0);
}

static const char *flow_account(bench_worker_t *w)
{
    return bench_acme_register(&w->acme);
}

static const struct {
    const char *name;
    const char *(*prepare)(bench_worker_t *w);
    const char *(*flow)(bench_worker_t *w);
} scenarios[] = {{"full", NULL, flow_full},
                 {"nonce", NULL, flow_nonce},
                 {"directory", NULL, flow_directory},
                 {"account", NULL, flow_account},
                 {"order", NULL, flow_full},
                 {"list", list_prepare, flow_list},
                 {"accept", NULL, flow_full},
                 {"renewal", renewal_prepare, flow_renewal},
                 {"revocation", revocation_prepare, flow_revocation},
                 {"garbage", NULL, flow_garbage}};

static int find(const char *name)
{
    int i;

    for (i = 0; i < (int)(sizeof(scenarios) / sizeof(*scenarios)); i++) {
        if (!strcmp(scenarios[i].name, name))
            return i;
    }
    return -1;
}

int bench_flow_is(const char *scenario)
{
    return find(scenario) >= 0;
}

int bench_flow_keeps(const char *scenario)
{
    return scenarios[find(scenario)].prepare != NULL;
}

const char *bench_flow_prepare(bench_worker_t *w)
{
    const char *(*prepare)(bench_worker_t *) =
        scenarios[find(w->options->scenario)].prepare;

    return prepare ? prepare(w) : NULL;
}

const char *bench_flow(bench_worker_t *w)
{
    return scenarios[find(w->options->scenario)].flow(w);
}
