/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_jwa.h"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <string.h>

#include "base/banned.h"

static const jose_jwa_t table[] = {
    {"ES256", "EC", "P-256", "SHA256", 32, EVP_PKEY_EC},
    {"ES384", "EC", "P-384", "SHA384", 48, EVP_PKEY_EC},
    {"ES512", "EC", "P-521", "SHA512", 66, EVP_PKEY_EC},
    {"RS256", "RSA", NULL, "SHA256", 0, EVP_PKEY_RSA},
    {"EdDSA", "OKP", "Ed25519", NULL, 0, EVP_PKEY_ED25519},
};

#define ROWS (sizeof(table) / sizeof(table[0]))

const jose_jwa_t *jose_jwa_find(const char *name)
{
    apr_size_t i;

    for (i = 0; i < ROWS; ++i) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

const jose_jwa_t *jose_jwa_for_kind(const char *kty, const char *crv)
{
    apr_size_t i;

    for (i = 0; i < ROWS; ++i) {
        if (strcmp(table[i].kty, kty) != 0)
            continue;
        if (!table[i].crv || (crv && strcmp(table[i].crv, crv) == 0))
            return &table[i];
    }
    return NULL;
}

/* The NIST name of the curve of pkey, or NULL. */
static const char *curve_name(const EVP_PKEY *pkey)
{
    char group[80];
    size_t len;

    if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1)
        return NULL;
    if (EC_curve_nist2nid(group) != NID_undef)
        return EC_curve_nid2nist(EC_curve_nist2nid(group));
    return EC_curve_nid2nist(OBJ_sn2nid(group));
}

const jose_jwa_t *jose_jwa_for_pkey(const EVP_PKEY *pkey)
{
    int id = EVP_PKEY_get_base_id(pkey);
    const char *crv = id == EVP_PKEY_EC ? curve_name(pkey) : NULL;
    apr_size_t i;

    for (i = 0; i < ROWS; ++i) {
        if (table[i].pkey_id != id)
            continue;
        if (id != EVP_PKEY_EC || (crv && strcmp(table[i].crv, crv) == 0))
            return &table[i];
    }
    return NULL;
}

apr_array_header_t *jose_jwa_names(apr_pool_t *pool)
{
    apr_array_header_t *names = apr_array_make(pool, ROWS, sizeof(char *));
    apr_size_t i;

    for (i = 0; i < ROWS; ++i)
        APR_ARRAY_PUSH(names, const char *) = table[i].name;
    return names;
}
