/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_eab_secret.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/b64url.h"
#include "base/own.h"
#include "base/regular.h"
#include "base/token.h"
#include "ca/ca_file.h"

#include "base/banned.h"

#define FORMAT     0x01
#define ID_LEN     4
#define KEY_LEN    32
#define NONCE_LEN  12
#define TAG_LEN    16
#define HEADER_LEN (1 + ID_LEN)
#define KEYS_MAX   64
#define FILE_MAX   16384
/* Whole base64, and whole lines of 16 octets: dehydrated 0.7.0 fills the last
 * line of the hex that it makes of it up with blanks. */
#define SECRET_LEN 48
#define SECRET_MAX 512
#define KID_OCTETS 16

typedef struct {
    unsigned char id[ID_LEN];
    unsigned char key[KEY_LEN];
} file_key_t;

struct acme_eab_keys_t {
    int count;
    file_key_t keys[KEYS_MAX]; /* the first one seals */
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The digits of len octets at the beginning of text; 0 if they are not. */
static int hex_read(unsigned char *octets, apr_size_t len, const char *text)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        int high = hex_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);

        if (low < 0)
            return 0;
        octets[i] = (unsigned char)(high << 4 | low);
    }
    return 1;
}

static int line_read(file_key_t *key, const char *line)
{
    const char *at = line + 2 * ID_LEN;

    if (!hex_read(key->id, ID_LEN, line) || (*at != ' ' && *at != '\t'))
        return 0;
    at += strspn(at, " \t");
    if (!hex_read(key->key, KEY_LEN, at))
        return 0;
    at += 2 * (apr_size_t)KEY_LEN;
    return !at[strspn(at, " \t\r")];
}

static const file_key_t *key_find(const acme_eab_keys_t *keys,
                                  const unsigned char *id)
{
    int i;

    for (i = 0; i < keys->count; i++)
        if (!memcmp(keys->keys[i].id, id, ID_LEN))
            return &keys->keys[i];
    return NULL;
}

/* From the file's text; NULL: what is wrong with it is *fault, as the end of a
 * sentence. */
static acme_eab_keys_t *keys_parse(const char **fault, const char *text,
                                   apr_pool_t *pool)
{
    acme_eab_keys_t *keys = apr_pcalloc(pool, sizeof(*keys));
    char *copy = apr_pstrdup(pool, text), *state, *line;

    own_cleanse(pool, keys, sizeof(*keys));
    own_cleanse(pool, copy, strlen(copy));
    *fault = NULL;
    for (line = apr_strtok(copy, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        file_key_t *key = &keys->keys[keys->count];

        line += strspn(line, " \t\r");
        if (!*line || *line == '#')
            continue;
        if (keys->count == KEYS_MAX)
            *fault = "it holds too many keys";
        else if (!line_read(key, line))
            *fault = "a line of it is not \"<8 hex digits> <64 hex digits>\"";
        else if (key_find(keys, key->id))
            *fault = "two of its keys have the same id";
        if (*fault)
            return NULL;
        keys->count++;
    }
    if (keys->count)
        return keys;
    *fault = "there is no key in it";
    return NULL;
}

static problem_t *problem_file(const char *path, apr_status_t rv,
                               const char *why, apr_pool_t *pool)
{
    return problem_internal(pool, rv,
                            "the key file for external account keys, %s: %s; "
                            "put back the file of a backup, without which the "
                            "secrets in the database are lost",
                            path, why);
}

static problem_t *file_read(const char **text, const char *path,
                            apr_pool_t *pool)
{
    char *buf = apr_pcalloc(pool, FILE_MAX + 2);
    apr_size_t len = 0;
    apr_file_t *file;
    apr_status_t rv = regular_open(&file, path, 0, pool);

    if (rv != APR_SUCCESS)
        return problem_file(path, rv,
                            rv == APR_EINVAL ? "it is no regular file"
                                             : "it cannot be opened",
                            pool);
    own_cleanse(pool, buf, FILE_MAX + 2);
    rv = apr_file_read_full(file, buf, FILE_MAX + 1, &len);
    apr_file_close(file);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv))
        return problem_file(path, rv, "it cannot be read", pool);
    if (len > FILE_MAX || strlen(buf) != len)
        return problem_file(path, APR_SUCCESS, "it is no text, or too long",
                            pool);
    *text = buf;
    return NULL;
}

static char *hex_write(char *to, const unsigned char *octets, apr_size_t len)
{
    static const char digits[] = "0123456789abcdef";
    apr_size_t i;

    for (i = 0; i < len; i++) {
        *to++ = digits[octets[i] >> 4];
        *to++ = digits[octets[i] & 15];
    }
    return to;
}

/* Somebody else may make it at the same time: then it is there. */
static problem_t *file_make(const char *path, apr_pool_t *pool)
{
    char line[2 * (ID_LEN + KEY_LEN) + 3], *end;
    problem_t *prob;
    file_key_t key;

    token_bytes(key.id, sizeof(key.id));
    token_bytes(key.key, sizeof(key.key));
    end = hex_write(line, key.id, sizeof(key.id));
    *end++ = ' ';
    end = hex_write(end, key.key, sizeof(key.key));
    *end++ = '\n';
    *end = '\0';
    prob = ca_file_create(path, line, 0600, pool);
    OPENSSL_cleanse(line, sizeof(line));
    OPENSSL_cleanse(&key, sizeof(key));
    return prob && ca_file_exists(path) ? NULL : prob;
}

problem_t *acme_eab_keys_load(acme_eab_keys_t **keys, const char *path,
                              int may_make, const log_t *log, apr_pool_t *pool)
{
    const char *text, *fault;
    problem_t *prob = NULL;

    if (may_make && !ca_file_exists(path))
        prob = file_make(path, pool);
    if (!prob)
        prob = file_read(&text, path, pool);
    if (prob)
        return prob;
    *keys = keys_parse(&fault, text, pool);
    if (!*keys)
        return problem_file(path, APR_SUCCESS, fault, pool);
    ca_file_key_warn(path, log);
    return NULL;
}

/* Random octets whose base64url is base64 as well: one in eight, at most. */
static const char *plain_make(unsigned char *octets, apr_size_t len,
                              apr_pool_t *pool)
{
    const char *text;

    for (;;) {
        token_bytes(octets, len);
        text = b64url_encode(octets, len, pool);
        if (!strpbrk(text, "-_"))
            return text;
    }
}

const char *acme_eab_kid_make(apr_pool_t *pool)
{
    unsigned char octets[KID_OCTETS];

    return plain_make(octets, sizeof(octets), pool);
}

const char *acme_eab_secret_make(apr_pool_t *pool)
{
    unsigned char octets[SECRET_LEN];
    const char *text = plain_make(octets, sizeof(octets), pool);

    OPENSSL_cleanse(octets, sizeof(octets));
    own_cleanse(pool, (char *)text, strlen(text));
    return text;
}

/* One pass of AES-256-GCM over in[len]; tag is written or checked. */
static int gcm_run(unsigned char *out, int is_encryption, const file_key_t *key,
                   const unsigned char *head, const char *kid,
                   const unsigned char *nonce, const unsigned char *in,
                   apr_size_t len, unsigned char *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, done = 0;

    done = ctx &&
           EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->key, nonce,
                             is_encryption) &&
           EVP_CipherUpdate(ctx, NULL, &n, head, HEADER_LEN) &&
           EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)kid,
                            (int)strlen(kid)) &&
           EVP_CipherUpdate(ctx, out, &n, in, (int)len) &&
           (is_encryption ||
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag)) &&
           EVP_CipherFinal_ex(ctx, out + len, &n) > 0 &&
           (!is_encryption ||
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag));
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

const char *acme_eab_secret_seal(const acme_eab_keys_t *keys, const char *kid,
                                 const char *secret, apr_pool_t *pool)
{
    apr_size_t len = strlen(secret);
    apr_size_t all = HEADER_LEN + NONCE_LEN + len + TAG_LEN;
    const file_key_t *key = &keys->keys[0];
    unsigned char *octets;

    if (len > SECRET_MAX)
        return NULL;
    octets = apr_pcalloc(pool, all);
    octets[0] = FORMAT;
    memcpy(octets + 1, key->id, ID_LEN);
    token_bytes(octets + HEADER_LEN, NONCE_LEN);
    if (!gcm_run(octets + HEADER_LEN + NONCE_LEN, 1, key, octets, kid,
                 octets + HEADER_LEN, (const unsigned char *)secret, len,
                 octets + all - TAG_LEN))
        return NULL;
    return b64url_encode(octets, all, pool);
}

static problem_t *problem_sealed(const char *kid, const char *why,
                                 apr_pool_t *pool)
{
    problem_t *prob =
        problem_internal(pool, APR_EGENERAL,
                         "the secret of external account key %s %s", kid, why);

    prob->status = 500;
    return prob;
}

problem_t *acme_eab_secret_open(const char **secret,
                                const acme_eab_keys_t *keys, const char *kid,
                                const char *sealed, apr_pool_t *pool)
{
    const unsigned char *octets;
    unsigned char *plain, tag[TAG_LEN];
    apr_size_t all, len;
    const file_key_t *key;

    if (b64url_decode(&octets, &all, sealed, strlen(sealed), pool) !=
            APR_SUCCESS ||
        all < HEADER_LEN + NONCE_LEN + TAG_LEN || octets[0] != FORMAT)
        return problem_sealed(kid, "is damaged in the database", pool);
    key = key_find(keys, octets + 1);
    if (!key)
        return problem_internal(pool, APR_SUCCESS,
                                "the secret of external account key %s was "
                                "sealed by a key that is not in the key file; "
                                "put back the file of a backup",
                                kid);
    len = all - HEADER_LEN - NONCE_LEN - TAG_LEN;
    plain = apr_pcalloc(pool, len + 1);
    own_cleanse(pool, plain, len + 1);
    memcpy(tag, octets + all - TAG_LEN, TAG_LEN);
    if (!gcm_run(plain, 0, key, octets, kid, octets + HEADER_LEN,
                 octets + HEADER_LEN + NONCE_LEN, len, tag) ||
        strlen((const char *)plain) != len)
        return problem_sealed(kid, "is damaged or another key's", pool);
    *secret = (const char *)plain;
    return NULL;
}
