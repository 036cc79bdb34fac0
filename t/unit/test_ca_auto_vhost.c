/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ca_auto.h"

#include "ca_fixture.h"

#include "ca_journal.h"

#include "ca/ca_file.h"
#include "ca/ca_openssl.h"

#define ORG "ACME CA of ca.test"

/* A CA in a directory of its own, and the vhost that the cases look at. */
typedef struct {
    const char *dir;
    ca_set_t *ca;
    const char *cert_file, *key_file;
    X509 *leaf;
    apr_pool_t *pool;
} house_t;

static int house_make(house_t *house, const char *name, apr_pool_t *pool)
{
    memset(house, 0, sizeof(*house));
    house->pool = pool;
    house->dir = apr_pstrcat(pool, tap_tmpdir(), "/", name, NULL);
    return !ca_auto_ensure(&house->ca, house->dir, ORG, NOW, NULL, pool);
}

/* The certificate of this vhost at this time; why it was made, NULL if it was
 * not. */
static const char *ensure_for(house_t *house, const char *host,
                              const apr_array_header_t *list, apr_int64_t now)
{
    journal_t *journal = journal_make(house->pool);
    apr_array_header_t *certs;
    problem_t *prob = ca_auto_vhost_ensure(&house->cert_file, &house->key_file,
                                           house->ca, house->dir, host, list,
                                           now, &journal->log, house->pool);

    ok(!prob, "%s", prob ? prob->cause : "");
    if (prob || ca_file_certs_read(&certs, house->cert_file, house->pool))
        return "failed";
    house->leaf = APR_ARRAY_IDX(certs, 0, X509 *);
    return journal->len ? journal->text : NULL;
}

static const char *ensure(house_t *house, const apr_array_header_t *list,
                          apr_int64_t now)
{
    return ensure_for(house, "ca.test", list, now);
}

static apr_int64_t end_of(X509 *cert)
{
    return ca_time_seconds(X509_get0_notAfter(cert));
}

static void made(apr_pool_t *pool)
{
    apr_array_header_t *list =
        names(pool, "acme.test", "ca.test", "localhost", NULL);
    house_t house;
    EVP_PKEY *key;
    BIO *out;

    need(house_make(&house, "made", pool));
    ok(strstr(ensure(&house, list, NOW), "because there is none"));
    is_str(house.cert_file,
           apr_pstrcat(pool, house.dir, "/vhost-ca.test.pem", NULL));
    is_str(house.key_file,
           apr_pstrcat(pool, house.dir, "/vhost-ca.test.key", NULL));
    is_int(file_mode(house.cert_file), 0644);
    is_int(file_mode(house.key_file), 0600);
    need(!ca_file_key_read(&key, house.key_file, pool));
    is_int(X509_check_private_key(house.leaf, key), 1);
    is_str(file_get(house.cert_file, pool),
           apr_pstrcat(pool, ca_cert_pem(house.leaf, pool),
                       house.ca->issuer->chain_pem, NULL));
    ok(!verify(house.leaf, house.ca->issuer, "ca.test", NOW));
    ok(!verify(house.leaf, house.ca->issuer, "acme.test", NOW));
    ok(!verify(house.leaf, house.ca->issuer, "localhost", NOW));
    is_int(end_of(house.leaf), NOW - 3600 + 90 * DAY);
    out = own_bio(pool, BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(out, X509_get_subject_name(house.leaf), 0,
                       XN_FLAG_ONELINE);
    BIO_write(out, "", 1);
    {
        char *text;

        BIO_get_mem_data(out, &text);
        is_str(text, "CN = ca.test");
    }
    ok(!ensure(&house, list, NOW));
    ok(!ensure(&house, list, NOW + 59 * DAY));
}

static void renewed(apr_pool_t *pool)
{
    apr_array_header_t *list = names(pool, "ca.test", NULL);
    const char *key, *why;
    house_t house;

    need(house_make(&house, "renewed", pool));
    need(ensure(&house, list, NOW));
    key = file_get(house.key_file, pool);
    why = ensure(&house, list, NOW + 61 * DAY);
    ok(why && strstr(why, "less than a third of its life"), "%s", why);
    is_int(end_of(house.leaf), NOW + 61 * DAY - 3600 + 90 * DAY);
    is_str(file_get(house.key_file, pool), key);
    ok(!ensure(&house, list, NOW + 62 * DAY));
    /* after a long sleep, and with a clock that went back */
    ok(ensure(&house, list, NOW + 300 * DAY));
    why = ensure(&house, list, NOW + 3600);
    ok(why && strstr(why, "less than a third"), "%s", why);
    is_int(end_of(house.leaf), NOW + 90 * DAY);
    is_str(file_get(house.key_file, pool), key);
}

static void other_names(apr_pool_t *pool)
{
    house_t house;
    const char *key, *why;

    need(house_make(&house, "names", pool));
    need(ensure(&house, names(pool, "ca.test", "b.test", NULL), NOW));
    key = file_get(house.key_file, pool);
    ok(!ensure(&house, names(pool, "ca.test", "b.test", NULL), NOW));
    ok(!ensure(&house, names(pool, "ca.test", "b.test", "b.test", NULL), NOW));
    why = ensure(&house, names(pool, "ca.test", "c.test", NULL), NOW);
    ok(why && strstr(why, "its names are others"), "%s", why);
    ok(!verify(house.leaf, house.ca->issuer, "c.test", NOW));
    ok(verify(house.leaf, house.ca->issuer, "b.test", NOW) != NULL);
    /* a further name, sorted before the ServerName, is no other vhost */
    ok(ensure(&house, names(pool, "a.test", "ca.test", NULL), NOW));
    is_str(file_get(house.key_file, pool), key);
}

static void other_issuers(apr_pool_t *pool)
{
    apr_array_header_t *list = names(pool, "ca.test", NULL);
    house_t house, other;
    const char *why;

    need(house_make(&house, "mine", pool));
    need(house_make(&other, "other", pool));
    need(ensure(&house, list, NOW));
    other.dir = house.dir;
    why = ensure(&other, list, NOW);
    ok(why && strstr(why, "its issuer is not one of ours"), "%s", why);
    ok(!verify(other.leaf, other.ca->issuer, "ca.test", NOW));
    /* an older generation is one of ours */
    ok(ensure(&house, list, NOW));
    need(!ca_auto_ensure(&house.ca, house.dir, ORG, NOW + 1800 * DAY, NULL,
                         pool));
    is_int(house.ca->issuer->generation, 2);
    ok(!ensure(&house, list, NOW));
}

static void wrong_files(apr_pool_t *pool)
{
    apr_array_header_t *list = names(pool, "ca.test", NULL);
    const char *key, *why;
    house_t house;
    problem_t *prob;

    need(house_make(&house, "wrong", pool));
    need(ensure(&house, list, NOW));
    key = file_get(house.key_file, pool);
    file_put("wrong/vhost-ca.test.pem", "garbage", pool);
    why = ensure(&house, list, NOW);
    ok(why && strstr(why, "holds no certificate"), "%s", why);
    unlink(house.cert_file);
    ok(ensure(&house, list, NOW));
    is_str(file_get(house.key_file, pool), key);
    unlink(house.key_file);
    why = ensure(&house, list, NOW);
    ok(why && strstr(why, "it is for another key"), "%s", why);
    file_put("wrong/vhost-ca.test.key", "garbage", pool);
    prob = ca_auto_vhost_ensure(&house.cert_file, &house.key_file, house.ca,
                                house.dir, "ca.test", list, NOW, NULL, pool);
    need(prob);
    ok(strstr(prob->cause, "/vhost-ca.test.key: is no private key"), "%s",
       prob->cause);
    is_str(file_get(house.key_file, pool), "garbage");
    is_int(ERR_peek_error(), 0);
}

static void file_names(apr_pool_t *pool)
{
    static const char label[] =
        "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij";
    const char *long_a =
        apr_pstrcat(pool, label, ".", label, ".", label, ".a.test", NULL);
    const char *long_b =
        apr_pstrcat(pool, label, ".", label, ".", label, ".b.test", NULL);
    const char *file_a;
    house_t house;

    need(house_make(&house, "file-names", pool));
    need(ensure_for(&house, "[::1]/..", names(pool, "a.test", NULL), NOW));
    is_str(strrchr(house.cert_file, '/'), "/vhost-___1__...pem");
    need(ensure_for(&house, long_a, names(pool, long_a, NULL), NOW));
    file_a = house.cert_file;
    is_int(X509_NAME_entry_count(X509_get_subject_name(house.leaf)), 0);
    ok(!verify(house.leaf, house.ca->issuer, long_a, NOW));
    need(ensure_for(&house, long_b, names(pool, long_b, NULL), NOW));
    ok(strcmp(file_a, house.cert_file) != 0);
    ok(!ensure_for(&house, long_a, names(pool, long_a, NULL), NOW));
    /* the common name is the first one that fits */
    need(ensure(&house, names(pool, long_a, "ca.test", NULL), NOW));
    is_int(X509_NAME_entry_count(X509_get_subject_name(house.leaf)), 1);
    ok(ca_auto_vhost_ensure(&house.cert_file, &house.key_file, house.ca,
                            house.dir, "ca.test", names(pool, NULL), NOW, NULL,
                            pool) != NULL);
}

/* Nothing outlives its issuer; an issuer that is dead signs nothing. */
static void issuer_ends(apr_pool_t *pool)
{
    apr_array_header_t *list = names(pool, "ca.test", NULL);
    apr_int64_t end;
    house_t house;
    problem_t *prob;

    need(house_make(&house, "ends", pool));
    end = house.ca->issuer->not_after;
    need(ensure(&house, list, end - 30 * DAY));
    is_int(end_of(house.leaf), end);
    ok(!verify(house.leaf, house.ca->issuer, "ca.test", end - DAY));
    prob = ca_auto_vhost_ensure(&house.cert_file, &house.key_file, house.ca,
                                house.dir, "ca.test", list, end, NULL, pool);
    need(prob);
    ok(strstr(prob->cause, "generation 1, is valid from"), "%s", prob->cause);
}

static void due(apr_pool_t *pool)
{
    X509 *cert = own_x509(pool, X509_new());

    ca_times_set(cert, NOW, NOW + 90 * DAY);
    is_int(ca_auto_is_due(cert, NOW), 0);
    is_int(ca_auto_is_due(cert, NOW + 60 * DAY), 0);
    is_int(ca_auto_is_due(cert, NOW + 60 * DAY + 1), 1);
    is_int(ca_auto_is_due(cert, NOW + 100 * DAY), 1);
    is_int(ca_auto_is_due(cert, NOW - 1), 1);
}

const tap_case_t tap_cases[] = {
    {"made: key, certificate and chain, every name, 90 days", made},
    {"renewed for the same key when a third of its life is left", renewed},
    {"other names: signed anew", other_names},
    {"another CA's certificate: signed anew", other_issuers},
    {"garbage: certificates are replaced, keys never", wrong_files},
    {"any ServerName, of any length, makes a name of a file", file_names},
    {"it does not outlive its issuer", issuer_ends},
    {"when a certificate is due", due},
    {NULL, NULL}};
