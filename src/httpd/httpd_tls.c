/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_tls.h"

#include <stdatomic.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <mod_ssl_openssl.h>

#include "acme/acme_work.h"
#include "base/own.h"
#include "httpd/httpd_life.h"
#include "httpd/httpd_load.h"
#include "httpd/httpd_log.h"
#include "httpd/httpd_worker.h"

#include "base/banned.h"

/* How often a child looks for a newer certificate once the last third of the
 * present one's life has begun, in seconds. */
#define LOOK_EVERY 60

#define DAY 86400

/* A newer certificate; what was made once stays, for a handshake may be just
 * about to use it.  One in two months is not worth counting references. */
typedef struct {
    X509 *cert;
    STACK_OF(X509) * chain;
} newer_t;

struct httpd_tls_t {
    const char *emergency; /* file of a certificate that nobody trusts, until
                              mod_ssl has read it; NULL: none was needed */
    X509 *first;           /* mod_ssl's, and its key */
    EVP_PKEY *key;
    _Atomic(newer_t *) newer;       /* NULL: first is the newest */
    _Atomic(apr_int64_t) next_look; /* seconds */
};

/* Self-signed, for a day. */
static X509 *emergency_make(EVP_PKEY *key, const char *name, apr_pool_t *pool)
{
    X509 *cert = own_x509(pool, X509_new());
    X509_NAME *subject;
    apr_size_t len = strlen(name);

    if (!cert || !X509_set_version(cert, X509_VERSION_3) ||
        !ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) ||
        !X509_gmtime_adj(X509_getm_notBefore(cert), -3600) ||
        !X509_gmtime_adj(X509_getm_notAfter(cert), 86400))
        return NULL;
    subject = X509_get_subject_name(cert);
    if (!X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    (const unsigned char *)name,
                                    len > 64 ? 64 : (int)len, -1, 0) ||
        !X509_set_issuer_name(cert, subject) || !X509_set_pubkey(cert, key) ||
        !X509_sign(cert, key, EVP_sha256()))
        return NULL;
    return cert;
}

/* Certificate and key in one file that only we can read, where temporary files
 * go; NULL if even that fails. */
static const char *emergency_write(X509 *cert, EVP_PKEY *key, apr_pool_t *pool)
{
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    const char *dir;
    char *path, *text;
    apr_file_t *file;
    long len;
    apr_status_t rv;

    if (!bio || !PEM_write_bio_X509(bio, cert) ||
        !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) ||
        apr_temp_dir_get(&dir, pool) != APR_SUCCESS)
        return NULL;
    len = BIO_get_mem_data(bio, &text);
    path = apr_pstrcat(pool, dir, "/acme-emergency-XXXXXX", NULL);
    rv = apr_file_mktemp(
        &file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_EXCL, pool);
    if (rv != APR_SUCCESS)
        return NULL;
    rv = apr_file_write_full(file, text, (apr_size_t)len, NULL);
    apr_file_close(file);
    return rv == APR_SUCCESS ? path : NULL;
}

static const char *emergency_file(const char *name, apr_pool_t *pool)
{
    EVP_PKEY *key = own_pkey(pool, EVP_EC_gen("P-256"));
    X509 *cert = key ? emergency_make(key, name, pool) : NULL;

    return cert ? emergency_write(cert, key, pool) : NULL;
}

static const acme_issuer_t *automatic(const httpd_conf_t *conf)
{
    return acme_conf_issuer(conf->acme, ACME_ISSUER_AUTOMATIC);
}

static const char *cert_problem(const char **cert_file, const char **key_file,
                                httpd_conf_t *conf, apr_pool_t *pool)
{
    const acme_conf_t *acme = conf->acme;
    const char *fault = httpd_load_automatic(conf, NULL, pool);
    problem_t *prob;

    /* What was signed while it could be stays good. */
    if (fault && !automatic(conf)->set)
        return fault;
    if (!conf->names->nelts)
        return apr_pstrcat(pool, "ServerName ", acme->server_name,
                           ": a certificate cannot be made for this; write a "
                           "DNS name, or SSLCertificateFile",
                           NULL);
    prob = ca_auto_vhost_ensure(cert_file, key_file, automatic(conf)->set,
                                apr_pstrcat(pool, acme->state_dir, "/ca", NULL),
                                acme->server_name, conf->names,
                                clock_seconds(&clock_system),
                                httpd_log_server(conf->server, pool), pool);
    if (!prob || fault)
        return prob ? fault : NULL;
    return prob->cause ? prob->cause : prob->detail;
}

/* mod_ssl, in post_config: which files are this server's certificate and key?
 * As root. */
static int cert_files_add(server_rec *server, apr_pool_t *pool,
                          apr_array_header_t *cert_files,
                          apr_array_header_t *key_files)
{
    httpd_conf_t *conf = httpd_conf_get(server);
    const char *cert, *key, *fault;

    if (!conf->acme || cert_files->nelts)
        return DECLINED;
    conf->tls = apr_pcalloc(pool, sizeof(*conf->tls));
    fault = cert_problem(&cert, &key, conf, pool);
    if (fault) {
        /* A CA that is not there has been told of. */
        if (!automatic(conf)->problem && httpd_life_is_real_start())
            log_write(httpd_log_server(server, pool), LOG_LEVEL_CRIT, "AS0413",
                      APR_SUCCESS,
                      "%s has no certificate, and starts with one that nobody "
                      "trusts: %s",
                      conf->acme->server_name, fault);
        cert = key = emergency_file(conf->acme->server_name, pool);
        conf->tls->emergency = cert;
    }
    if (!cert)
        return DECLINED;
    APR_ARRAY_PUSH(cert_files, const char *) = cert;
    APR_ARRAY_PUSH(key_files, const char *) = key;
    return OK;
}

/* When the last third of its life begins. */
static apr_int64_t renewal_time(X509 *cert)
{
    const ASN1_TIME *from = X509_get0_notBefore(cert);
    const ASN1_TIME *until = X509_get0_notAfter(cert);
    int days, seconds, left_days, left_seconds;

    if (!ASN1_TIME_diff(&days, &seconds, from, until) ||
        !ASN1_TIME_diff(&left_days, &left_seconds, NULL, until))
        return 0;
    return clock_seconds(&clock_system) + (apr_int64_t)left_days * DAY +
           left_seconds - ((apr_int64_t)days * DAY + seconds) / 3;
}

static void look_if_due(httpd_conf_t *conf)
{
    httpd_tls_t *tls = conf->tls;
    apr_int64_t due = atomic_load(&tls->next_look);
    httpd_worker_t *worker = httpd_life_worker();
    apr_int64_t now = clock_seconds(&clock_system);

    if (now > due && worker &&
        atomic_compare_exchange_strong(&tls->next_look, &due, now + LOOK_EVERY))
        httpd_worker_refresh(worker);
}

/* Of OpenSSL, in each handshake of this virtual host. */
static int cert_choose(SSL *ssl, void *arg)
{
    httpd_conf_t *conf = arg;
    newer_t *newer = atomic_load(&conf->tls->newer);

    if (newer && (SSL_use_certificate(ssl, newer->cert) != 1 ||
                  SSL_set1_chain(ssl, newer->chain) != 1))
        return 0;
    look_if_due(conf);
    return 1;
}

/* mod_ssl, in post_config: this context is this server's. */
static int context_init(server_rec *server, apr_pool_t *pool, int is_proxy,
                        SSL_CTX *ctx)
{
    httpd_conf_t *conf = httpd_conf_get(server);

    conf->has_ssl |= !is_proxy;
    if (is_proxy || !conf->tls || conf->tls->emergency)
        return OK;
    conf->tls->first = SSL_CTX_get0_certificate(ctx);
    conf->tls->key = SSL_CTX_get0_privatekey(ctx);
    if (!conf->tls->first || !conf->tls->key)
        return OK;
    atomic_store(&conf->tls->next_look, renewal_time(conf->tls->first));
    SSL_CTX_set_cert_cb(ctx, cert_choose, conf);
    return OK;
}

/* With ACMEBaseURL something in front of it may speak TLS. */
static void plain_warn(const httpd_conf_t *conf, apr_pool_t *pool)
{
    if (conf->has_ssl || conf->base_url || !httpd_life_is_real_start())
        return;
    log_write(httpd_log_server(conf->server, pool), LOG_LEVEL_WARNING, "AS0428",
              APR_SUCCESS,
              "%s tells its clients to come to %s, but it does not speak TLS; "
              "write SSLEngine on, or name in ACMEBaseURL what speaks it in "
              "front of this server",
              conf->acme->server_name, conf->acme->base_url);
}

/* mod_ssl has seen to all servers, and has read what is removed here. */
static int ssl_done(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *main_server)
{
    server_rec *server;

    for (server = main_server; server; server = server->next) {
        httpd_conf_t *conf = httpd_conf_get(server);

        if (conf->tls && conf->tls->emergency)
            apr_file_remove(conf->tls->emergency, ptemp);
        if (conf->acme)
            plain_warn(conf, ptemp);
    }
    return OK;
}

/* A certificate of a generation that this child does not know (another httpd's,
 * younger) is left alone: its chain is not known either. */
static const ca_issuer_t *issuer_find(const ca_set_t *ca, X509 *cert)
{
    int i;

    for (i = 0; i < ca->generations->nelts; i++) {
        const ca_issuer_t *issuer =
            APR_ARRAY_IDX(ca->generations, i, const ca_issuer_t *);

        if (X509_check_issued(issuer->cert, cert) == X509_V_OK)
            return issuer;
    }
    return NULL;
}

/* What follows the leaf, less the root. */
static STACK_OF(X509) * chain_make(const ca_issuer_t *issuer)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    int i;

    for (i = 0; chain && i < issuer->chain->nelts; i++) {
        X509 *cert = APR_ARRAY_IDX(issuer->chain, i, X509 *);

        if (X509_check_issued(cert, cert) != X509_V_OK &&
            !X509_add_cert(chain, cert, X509_ADD_FLAG_UP_REF)) {
            sk_X509_pop_free(chain, X509_free);
            return NULL;
        }
    }
    return chain;
}

static void newer_set(httpd_conf_t *conf, const unsigned char *der,
                      apr_size_t len)
{
    newer_t *newer = calloc(1, sizeof(*newer));
    const ca_issuer_t *issuer = NULL;

    if (!newer)
        return;
    newer->cert = d2i_X509(NULL, &der, (long)len);
    if (newer->cert && X509_check_private_key(newer->cert, conf->tls->key))
        issuer = issuer_find(automatic(conf)->set, newer->cert);
    newer->chain = issuer ? chain_make(issuer) : NULL;
    if (!newer->chain) {
        X509_free(newer->cert);
        free(newer);
        return;
    }
    atomic_store(&conf->tls->newer, newer);
    atomic_store(&conf->tls->next_look, renewal_time(newer->cert));
    log_write(conf->handle->log, LOG_LEVEL_INFO, "AS0414", APR_SUCCESS,
              "%s has a newer certificate in this child",
              conf->acme->server_name);
}

void httpd_tls_refresh(httpd_conf_t *conf, apr_pool_t *pool)
{
    const unsigned char *der;
    apr_size_t len;
    newer_t *newer;

    if (!conf->tls || !conf->tls->first || !conf->handle)
        return;
    newer = atomic_load(&conf->tls->newer);
    /* The store has said why, if it could not. */
    if (acme_work_vhost_refresh(&der, &len, conf->handle,
                                newer ? newer->cert : conf->tls->first,
                                conf->tls->key, pool) == APR_SUCCESS &&
        der)
        newer_set(conf, der, len);
}

void httpd_tls_hooks(void)
{
    static const char *const after_ssl[] = {"mod_ssl.c", NULL};

    /* After mod_md and whoever else has a certificate for this server. */
    APR_OPTIONAL_HOOK(ssl, add_cert_files, cert_files_add, NULL, NULL,
                      APR_HOOK_LAST);
    APR_OPTIONAL_HOOK(ssl, init_server, context_init, NULL, NULL,
                      APR_HOOK_MIDDLE);
    ap_hook_post_config(ssl_done, after_ssl, NULL, APR_HOOK_LAST);
}
