/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_eab.h"

#include <string.h>

#include <apr_strings.h>

#include "policy/policy_pattern.h"

#include "base/banned.h"

/* {url} {kid} {key} {name} {profile} become what they are called after. */
static const struct {
    const char *client, *lines;
} templates[] = {
    {"certbot",
     "certbot certonly --standalone --server {url} \\\n"
     "    --eab-kid {kid} --eab-hmac-key {key} \\\n"
     "    --agree-tos --register-unsafely-without-email -d {name}\n"},
    {"lego", "lego --server {url} --accept-tos --email hostmaster@{name} \\\n"
             "    --eab --kid {kid} --hmac {key} \\\n"
             "    --domains {name} --http run\n"},
    {"acme.sh", "acme.sh --register-account --server {url} \\\n"
                "    --eab-kid {kid} --eab-hmac-key {key}\n"
                "acme.sh --issue --server {url} \\\n"
                "    -d {name} -w /var/www/html\n"},
    {"cert-manager",
     "apiVersion: v1\n"
     "kind: Secret\n"
     "metadata: {name: acme-{profile}, namespace: cert-manager}\n"
     "stringData: {hmac: {key}}\n"
     "---\n"
     "apiVersion: cert-manager.io/v1\n"
     "kind: ClusterIssuer\n"
     "metadata: {name: acme-{profile}}\n"
     "spec:\n"
     "  acme:\n"
     "    server: {url}\n"
     "    privateKeySecretRef: {name: acme-{profile}-account}\n"
     "    externalAccountBinding:\n"
     "      keyID: {kid}\n"
     "      keySecretRef: {name: acme-{profile}, key: hmac}\n"
     "    solvers:\n"
     "    - http01: {ingress: {}}\n"},
    {"mod_md", "MDCertificateAuthority {url}\n"
               "MDExternalAccountBinding {kid} \\\n"
               "    {key}\n"
               "MDCertificateAgreement accepted\n"
               "MDContactEmail hostmaster@{name}\n"
               "MDomain {name}\n"},
    {"Caddy", "{\n"
              "    acme_ca {url}\n"
              "    acme_eab {\n"
              "        key_id {kid}\n"
              "        mac_key {key}\n"
              "    }\n"
              "}\n"},
};

/* "www.a.corp.example" for "*.a.corp.example": a name that pattern passes. */
static const char *pattern_example(const char *pattern, apr_pool_t *pool)
{
    const char *rest = pattern + strspn(pattern, "*.");

    if (strpbrk(rest, "*:/") || !strchr(rest, '.'))
        return NULL;
    return rest == pattern ? pattern : apr_pstrcat(pool, "www.", rest, NULL);
}

/* The first name that the key, or else the policy, has a pattern for. */
static const char *name_example(const ctl_t *ctl, const store_eab_t *eab)
{
    const acme_profile_t *profile = acme_conf_profile(ctl->conf, eab->profile);
    json_t *allow = ctl_print_stored(eab->allow);
    const char *text = json_string_value(json_array_get(allow, 0));
    const char *name =
        text ? pattern_example(apr_pstrdup(ctl->pool, text), ctl->pool) : NULL;
    const policy_rule_t *rule =
        profile ? &profile->policy->rules[POLICY_DNS] : NULL;

    json_decref(allow);
    if (!name && rule && rule->allow && rule->allow->nelts)
        name = pattern_example(
            APR_ARRAY_IDX(rule->allow, 0, const policy_pattern_t *)->text,
            ctl->pool);
    return name ? name : "www.corp.example";
}

static int is_placeholder(const char *at, const char *name)
{
    return !strncmp(at, name, strlen(name));
}

/* names: pairs of placeholder and value, a NULL ends them. */
static const char *fill(const char *template, const char *const *names,
                        apr_pool_t *pool)
{
    const char *text = "", *at, *from = template;

    for (at = strchr(from, '{'); at; at = strchr(at, '{')) {
        int i = 0;

        while (names[i] && !is_placeholder(at, names[i]))
            i += 2;
        if (!names[i]) {
            at++;
            continue;
        }
        text = apr_pstrcat(pool, text,
                           apr_pstrmemdup(pool, from, (apr_size_t)(at - from)),
                           names[i + 1], NULL);
        at += strlen(names[i]);
        from = at;
    }
    return apr_pstrcat(pool, text, from, NULL);
}

json_t *ctl_client_lines(const ctl_t *ctl, const store_eab_t *eab,
                         const char *secret)
{
    const acme_profile_t *profile = acme_conf_profile(ctl->conf, eab->profile);
    const char *url = profile ? ctl_profile_url(ctl, profile) : NULL;
    const char *const names[] = {"{url}",     url ? url : "URL",
                                 "{kid}",     eab->kid,
                                 "{key}",     secret,
                                 "{name}",    name_example(ctl, eab),
                                 "{profile}", eab->profile,
                                 NULL};
    json_t *json = json_object();
    size_t i;

    for (i = 0; i < sizeof(templates) / sizeof(templates[0]); i++)
        json_object_set_new(
            json, templates[i].client,
            json_string(fill(templates[i].lines, names, ctl->pool)));
    return json;
}
