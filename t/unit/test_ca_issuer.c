/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_issuer.h"

#include "ca_fixture.h"

#include "base/token.h"
#include "ca/ca_extension.h"
#include "ca/ca_openssl.h"

/* A root, a policy CA below it, an issuing CA below that, and their keys. */
typedef struct {
    EVP_PKEY *root_key, *middle_key, *key;
    X509 *root, *middle, *cert;
    const char *key_file;
} tower_t;

static tower_t tower(int root_len, int middle_len, apr_pool_t *pool)
{
    tower_t t;

    t.root_key = ca_key_make("P-256", pool);
    t.middle_key = ca_key_make("P-256", pool);
    t.key = ca_key_make("P-256", pool);
    t.root = ca_cert_of("R", t.root_key, root_len, NULL, NULL, pool);
    t.middle =
        ca_cert_of("M", t.middle_key, middle_len, t.root, t.root_key, pool);
    t.cert = ca_cert_of("I", t.key, 0, t.middle, t.middle_key, pool);
    t.key_file = file_put("i.key", ca_key_pem(t.key, pool), pool);
    return t;
}

/* These certificates (any may be NULL) in a file. */
static const char *pems(X509 *a, X509 *b, X509 *c, apr_pool_t *pool)
{
    return file_put("i.pem",
                    apr_pstrcat(pool, a ? ca_cert_pem(a, pool) : "",
                                b ? ca_cert_pem(b, pool) : "",
                                c ? ca_cert_pem(c, pool) : "", NULL),
                    pool);
}

static ca_issuer_t *load(const char *cert_file, const char *key_file,
                         apr_pool_t *pool)
{
    ca_issuer_t *issuer = NULL;
    problem_t *prob =
        ca_issuer_load(&issuer, "corp", 7, cert_file, key_file, NOW, pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    return issuer;
}

/* The cause names a path, the reason and something to do. */
static void refused_at(apr_int64_t now, const char *why, const char *cert_file,
                       const char *key_file, apr_pool_t *pool)
{
    ca_issuer_t *issuer = NULL;
    problem_t *prob =
        ca_issuer_load(&issuer, "corp", 7, cert_file, key_file, now, pool);

    ok(prob && !issuer, "%s", why);
    if (!prob)
        return;
    is_int(prob->status, 503);
    ok(strstr(prob->cause, why), "%s: %s", why, prob->cause);
    ok(prob->cause[0] == '/' && strchr(prob->cause, ';'), "%s", prob->cause);
    is_int(ERR_peek_error(), 0);
}

static void refused(const char *why, const char *cert_file,
                    const char *key_file, apr_pool_t *pool)
{
    refused_at(NOW, why, cert_file, key_file, pool);
}

static void whole_chain(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool);
    const char *above = apr_pstrcat(pool, ca_cert_pem(t.cert, pool),
                                    ca_cert_pem(t.middle, pool), NULL);
    const unsigned char *der;
    apr_size_t len;
    ca_issuer_t *issuer =
        load(pems(t.cert, t.middle, t.root, pool), t.key_file, pool);

    need(issuer);
    is_str(issuer->name, "corp");
    is_int(issuer->generation, 7);
    is_int(issuer->chain->nelts, 3);
    ok(X509_cmp(issuer->root, t.root) == 0);
    is_str(issuer->chain_pem, above);
    der = ca_cert_der(&len, t.cert, pool);
    is_str(issuer->fingerprint, ca_sha256_hex(der, len, pool));
    is_int(strlen(issuer->key_id), 64);
    ok(strcmp(issuer->key_id, issuer->fingerprint) != 0);
    is_int(issuer->not_before, NOW - DAY);
    is_int(issuer->not_after, NOW + 365 * DAY);
    /* any order behind the first; a root that is not there */
    issuer = load(pems(t.cert, t.root, t.middle, pool), t.key_file, pool);
    need(issuer);
    is_str(issuer->chain_pem, above);
    issuer = load(pems(t.cert, t.middle, NULL, pool), t.key_file, pool);
    need(issuer);
    is_str(issuer->chain_pem, above);
    ok(!issuer->root);
    issuer = load(pems(t.cert, NULL, NULL, pool), t.key_file, pool);
    need(issuer);
    is_str(issuer->chain_pem, ca_cert_pem(t.cert, pool));
}

/* R18: at least two certificates, so a root that signs leaves goes along. */
static void root_signs(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool);
    const char *key_file =
        file_put("r.key", ca_key_pem(t.root_key, pool), pool);
    ca_issuer_t *issuer = load(pems(t.root, NULL, NULL, pool), key_file, pool);

    need(issuer);
    is_str(issuer->chain_pem, ca_cert_pem(t.root, pool));
    ok(issuer->root == issuer->cert);
    is_int(issuer->chain->nelts, 1);
}

static void without_key(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool);
    ca_issuer_t *issuer =
        load(pems(t.cert, t.middle, t.root, pool), NULL, pool);

    need(issuer);
    ok(!issuer->key);
}

static void strays(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool), other = tower(-1, 1, pool);

    refused("certificate 2, \"/CN=R\", has signed none",
            pems(t.cert, t.root, NULL, pool), NULL, pool);
    refused("certificate 3, \"/CN=R\", has signed none",
            pems(t.cert, t.middle, other.root, pool), NULL, pool);
    /* the same name, another key */
    refused("certificate 2, \"/CN=M\", has signed none",
            pems(t.cert, other.middle, t.root, pool), NULL, pool);
    refused("certificate 2, \"/CN=I\"", pems(t.cert, t.cert, NULL, pool), NULL,
            pool);
}

static void path_lengths(apr_pool_t *pool)
{
    tower_t t = tower(2, 1, pool);

    need(load(pems(t.cert, t.middle, t.root, pool), NULL, pool));
    t = tower(-1, 0, pool);
    refused("\"/CN=M\" allows 0 CAs below itself (pathlen), and there are 1",
            pems(t.cert, t.middle, t.root, pool), NULL, pool);
    t = tower(1, 1, pool);
    refused("\"/CN=R\" allows 1 CAs below itself (pathlen), and there are 2",
            pems(t.cert, t.middle, t.root, pool), NULL, pool);
}

static void lives(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool);
    const char *file = pems(t.cert, t.middle, t.root, pool);
    ca_issuer_t *issuer;

    refused_at(NOW - DAY - 1, "is valid from 2026-02-28T12:00:00Z only", file,
               NULL, pool);
    refused_at(NOW + 365 * DAY, "expired at 2027-03-01T12:00:00Z", file, NULL,
               pool);
    ok(!ca_issuer_load(&issuer, "c", 1, file, NULL, NOW - DAY, pool));
    ok(!ca_issuer_load(&issuer, "c", 1, file, NULL, NOW + 365 * DAY - 1, pool));
    ok(!ca_issuer_load(&issuer, "c", 1, file, NULL, 0, pool));
}

/* A certificate for key of root's with these extensions only. */
static X509 *odd_ca(const tower_t *t, int is_ca, unsigned int usage,
                    apr_pool_t *pool)
{
    X509 *cert = own_x509(pool, X509_new());

    X509_set_version(cert, X509_VERSION_3);
    ca_serial_set(cert, token_serial(pool));
    ca_times_set(cert, NOW - DAY, NOW + DAY);
    X509_set_issuer_name(cert, X509_get_subject_name(t->root));
    ca_subject_add(cert, NID_commonName, "odd");
    X509_set_pubkey(cert, t->key);
    if (is_ca >= 0)
        ca_ext_basic_add(cert, is_ca, -1);
    if (usage)
        ca_ext_key_usage_add(cert, usage);
    X509_sign(cert, t->root_key, EVP_sha256());
    return cert;
}

static void no_cas(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool);

    need(load(pems(odd_ca(&t, 1, KU_KEY_CERT_SIGN | KU_CRL_SIGN, pool), t.root,
                   NULL, pool),
              t.key_file, pool));
    refused("may not sign CRLs",
            pems(odd_ca(&t, 1, KU_KEY_CERT_SIGN, pool), t.root, NULL, pool),
            t.key_file, pool);
    refused("is no CA certificate",
            pems(odd_ca(&t, 0, KU_KEY_CERT_SIGN, pool), t.root, NULL, pool),
            t.key_file, pool);
    refused("is no CA certificate",
            pems(odd_ca(&t, -1, 0, pool), t.root, NULL, pool), t.key_file,
            pool);
    refused("is no CA certificate",
            pems(odd_ca(&t, 1, KU_CRL_SIGN, pool), t.root, NULL, pool),
            t.key_file, pool);
}

static void keys(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool);
    const char *file = pems(t.cert, t.middle, t.root, pool), *path;
    BIO *bio = own_bio(pool, BIO_new(BIO_s_mem()));
    char *text;

    path = file_put("other.key", ca_key_pem(t.root_key, pool), pool);
    refused("does not belong to the certificate in", file, path, pool);
    path = file_put("garbage.key", "-----BEGIN PRIVATE KEY-----\nMIGH\n", pool);
    refused("garbage.key: is no private key", file, path, pool);
    refused("empty.key: is no private key", file,
            file_put("empty.key", "", pool), pool);
    refused("cert.key: is no private key", file,
            file_put("cert.key", ca_cert_pem(t.cert, pool), pool), pool);
    PEM_write_bio_PKCS8PrivateKey(bio, t.key, EVP_aes_128_cbc(), "secret", 6,
                                  NULL, NULL);
    BIO_write(bio, "", 1);
    BIO_get_mem_data(bio, &text);
    refused("the key is encrypted", file, file_put("secret.key", text, pool),
            pool);
    refused("cannot open it: No such file", file, "/nonexistent/x.key", pool);
}

static void files(apr_pool_t *pool)
{
    const char *dir = tap_tmpdir();
    const char *fifo = apr_pstrcat(pool, dir, "/fifo", NULL);
    char *big = apr_palloc(pool, 1024 * 1024 + 2);
    tower_t t = tower(-1, 1, pool);
    const char *pem;

    memset(big, 'x', 1024 * 1024 + 1);
    big[1024 * 1024 + 1] = '\0';
    is_int(mkfifo(fifo, 0600), 0);
    refused("is no regular file", fifo, NULL, pool);
    refused("is no regular file", dir, NULL, pool);
    refused("is no regular file", "/dev/null", NULL, pool);
    refused("at most 1048576 octets", file_put("big.pem", big, pool), NULL,
            pool);
    refused("holds no certificate", file_put("e.pem", "", pool), NULL, pool);
    refused("holds no certificate", file_put("g.pem", "garbage\n", pool), NULL,
            pool);
    refused("cannot open it: No such file", "/nonexistent/x.pem", NULL, pool);
    pem = ca_cert_pem(t.cert, pool);
    need(load(file_put("t.pem",
                       apr_pstrcat(pool, "text\n", pem, "text\n", NULL), pool),
              NULL, pool));
    refused("certificate 2 in it is broken",
            file_put("b.pem",
                     apr_pstrcat(pool, pem, apr_pstrndup(pool, pem, 200),
                                 "\n-----END CERTIFICATE-----\n", NULL),
                     pool),
            NULL, pool);
    refused("certificate 2 in it is broken",
            file_put("c.pem",
                     apr_pstrcat(pool, pem, apr_pstrndup(pool, pem, 200), NULL),
                     pool),
            NULL, pool);
}

static void encodings(apr_pool_t *pool)
{
    tower_t t = tower(-1, 1, pool);
    const unsigned char *der;
    const char *pem = ca_cert_pem(t.cert, pool);
    apr_size_t len, i;
    X509 *again;

    der = ca_cert_der(&len, t.cert, pool);
    again = own_x509(pool, d2i_X509(NULL, &der, (long)len));
    ok(X509_cmp(again, t.cert) == 0);
    ok(strncmp(pem, "-----BEGIN CERTIFICATE-----\n", 28) == 0);
    ok(strstr(pem, "\n-----END CERTIFICATE-----\n"));
    ok(!strchr(pem, '\r') && !strstr(pem, "\n\n"));
    for (i = 0; pem[i]; i += strcspn(pem + i, "\n") + 1)
        ok(strcspn(pem + i, "\n") <= 64);
}

const tap_case_t tap_cases[] = {
    {"certificate and chain in any order, with root or without", whole_chain},
    {"R18 a root that signs leaves is in the chain", root_signs},
    {"without a key: for what only publishes", without_key},
    {"certificates that are not of the chain are refused", strays},
    {"path lengths must allow a leaf", path_lengths},
    {"an issuer, or one above it, that is not valid now is refused", lives},
    {"CA:TRUE, keyCertSign and cRLSign are needed", no_cas},
    {"keys: another's, garbage, encrypted, missing", keys},
    {"files: FIFO, directory, too big, empty, garbage, missing", files},
    {"T70 T82 PEM is RFC 7468: lines of 64, LF, no text", encodings},
    {NULL, NULL}};
