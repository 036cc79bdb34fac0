/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_client.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>

#include "base/banned.h"

/* {url} {kid} {key} {name} {profile} become what they are called after; what
 * only external accounts need is between '<' and '>'. */
static const struct {
    const char *client, *lines;
} templates[] = {
    {"certbot",
     "certbot certonly --standalone --server {url} \\\n"
     "<    --eab-kid {kid} --eab-hmac-key {key} \\\n>"
     "    --agree-tos --register-unsafely-without-email -d {name}\n"},
    {"lego", "lego --server {url} --accept-tos --email hostmaster@{name} \\\n"
             "<    --eab --kid {kid} --hmac {key} \\\n>"
             "    --domains {name} --http run\n"},
    {"acme.sh", "<acme.sh --register-account --server {url} \\\n"
                "    --eab-kid {kid} --eab-hmac-key {key}\n>"
                "acme.sh --issue --server {url} \\\n"
                "    -d {name} -w /var/www/html\n"},
    {"dehydrated", "<# in its configuration:\n"
                   "EAB_KID={kid}\n"
                   "EAB_HMAC_KEY={key}\n"
                   "# then:\n>"
                   "dehydrated --ca {url} --register --accept-terms\n"
                   "dehydrated --ca {url} -c -d {name}\n"},
    {"uacme", "uacme -y -a {url}< \\\n    -e {kid}:{key}> "
              "new hostmaster@{name}\n"
              "uacme -a {url} \\\n"
              "    -h /usr/share/uacme/uacme.sh issue {name}\n"},
    {"cert-manager",
     "<apiVersion: v1\n"
     "kind: Secret\n"
     "metadata: {name: acme-{profile}, namespace: cert-manager}\n"
     "stringData: {hmac: {key}}\n"
     "---\n>"
     "apiVersion: cert-manager.io/v1\n"
     "kind: ClusterIssuer\n"
     "metadata: {name: acme-{profile}}\n"
     "spec:\n"
     "  acme:\n"
     "    server: {url}\n"
     "    privateKeySecretRef: {name: acme-{profile}-account}\n"
     "<    externalAccountBinding:\n"
     "      keyID: {kid}\n"
     "      keySecretRef: {name: acme-{profile}, key: hmac}\n>"
     "    solvers:\n"
     "    - http01: {ingress: {}}\n"},
    {"mod_md", "MDCertificateAuthority {url}\n"
               "<MDExternalAccountBinding {kid} \\\n"
               "    {key}\n>"
               "MDCertificateAgreement accepted\n"
               "MDContactEmail hostmaster@{name}\n"
               "MDomain {name}\n"},
    {"Caddy", "{\n"
              "    acme_ca {url}\n"
              "<    acme_eab {\n"
              "        key_id {kid}\n"
              "        mac_key {key}\n"
              "    }\n>"
              "}\n"},
};

#define CLIENTS ((int)(sizeof(templates) / sizeof(templates[0])))

/* Where in names what at begins with is, -1 if it is no such word. */
static int word_find(const char *const *names, const char *at)
{
    int i;

    for (i = 0; names[i]; i += 2)
        if (!strncmp(at, names[i], strlen(names[i])))
            return i;
    return -1;
}

const char *acme_client_fill(const char *template, const char *const *names,
                             int has_more, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(const char *));
    const char *from = template, *at = template;

    for (at = strpbrk(at, "{<>"); at; at = strpbrk(at, "{<>")) {
        int word = *at == '{' ? word_find(names, at) : -1;

        if (*at == '{' && word < 0) {
            at++;
            continue;
        }
        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrmemdup(pool, from, (apr_size_t)(at - from));
        if (word >= 0)
            APR_ARRAY_PUSH(parts, const char *) = names[word + 1];
        if (*at == '<' && !has_more)
            at += strcspn(at, ">");
        from = at += word >= 0 ? strlen(names[word]) : 1;
    }
    APR_ARRAY_PUSH(parts, const char *) = from;
    return apr_array_pstrcat(pool, parts, 0);
}

const char *acme_client_name(int n)
{
    return n < CLIENTS ? templates[n].client : NULL;
}

const char *acme_client_lines(int n, const acme_client_values_t *values,
                              apr_pool_t *pool)
{
    const char *const names[] = {"{url}",     values->url,
                                 "{kid}",     values->kid ? values->kid : "",
                                 "{key}",     values->key ? values->key : "",
                                 "{name}",    values->name,
                                 "{profile}", values->profile,
                                 NULL};

    return acme_client_fill(templates[n].lines, names, values->kid != NULL,
                            pool);
}
