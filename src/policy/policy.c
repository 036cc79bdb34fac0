/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <openssl/x509v3.h>

#include "base/banned.h"

#define YEAR (365 * 86400)

static apr_array_header_t *list_make(const char *only, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = only;
    return list;
}

policy_t *policy_preset_tls_server(apr_pool_t *pool)
{
    policy_t *policy = apr_pcalloc(pool, sizeof(*policy));

    policy->name = "tls-server";
    policy->max_names = 100;
    policy->key_kinds = POLICY_KEY_P256 | POLICY_KEY_P384 | POLICY_KEY_P521 |
                        POLICY_KEY_RSA | POLICY_KEY_ED25519;
    policy->rsa_min = 2048;
    policy->rsa_max = 4096;
    policy->max_validity = YEAR;
    policy->key_usage = X509v3_KU_DIGITAL_SIGNATURE;
    policy->key_usage_rsa = X509v3_KU_KEY_ENCIPHERMENT;
    policy->ext_key_usage = list_make("serverAuth", pool);
    /* acme.sh asks for serverAuth and clientAuth unless told otherwise. */
    policy->ext_key_usage_ignored = list_make("clientAuth", pool);
    return policy;
}
