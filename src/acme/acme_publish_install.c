/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish_install.h"

#include <apr_strings.h>
#include <apr_tables.h>

#include "acme/acme_client.h"
#include "base/quote.h"

#include "base/banned.h"

/* {url}, {fp}: the root's fingerprint, {file}: the root's file after the first
 * one.  note is HTML.  -k: nothing is trusted yet, and the fingerprint says
 * more than any certificate. */
static const struct {
    const char *name, *note, *lines;
} platforms[] = {
    {"First: fetch it, compare the fingerprint", NULL,
     "curl -fsSk -o {file} {url}/issuer/{fp}.pem\n"
     "openssl x509 -in {file} -noout -sha256 -fingerprint\n"},
    {"Debian, Ubuntu", NULL,
     "sudo cp {file} /usr/local/share/ca-certificates/\n"
     "sudo update-ca-certificates\n"},
    {"RHEL, Fedora and their kin", NULL,
     "sudo cp {file} /etc/pki/ca-trust/source/anchors/\n"
     "sudo update-ca-trust\n"},
    {"Windows",
     "As administrator; <code>-dump</code> shows the fingerprint as "
     "<code>Cert Hash(sha256)</code>. In a domain use Group Policy: Public "
     "Key Policies, Trusted Root Certification Authorities.",
     "curl.exe -fsSk -o {file} {url}/issuer/{fp}.pem\n"
     "certutil -dump {file}\n"
     "certutil -addstore -f Root {file}\n"},
    {"macOS", NULL,
     "sudo security add-trusted-cert -d -r trustRoot \\\n"
     "    -k /Library/Keychains/System.keychain {file}\n"},
    {"iOS, iPadOS",
     "Open <a href=\"roots.mobileconfig\">roots.mobileconfig</a> in Safari. "
     "In Settings, open Profile Downloaded, compare the fingerprint under More "
     "Details, install; then switch it on in General, About, Certificate Trust "
     "Settings. Device management installs the same file.",
     NULL},
    {"Firefox",
     "Settings, Privacy &amp; Security, View Certificates, Authorities, "
     "Import. On Windows and macOS it believes the system's roots. For all "
     "users on Linux, in <code>/etc/firefox/policies/policies.json</code>:",
     "{\"policies\": {\"Certificates\": {\"Install\":\n"
     "    [\"/usr/local/share/ca-certificates/{file}\"]}}}\n"},
    {"Java", NULL,
     "keytool -importcert -noprompt -cacerts -storepass changeit \\\n"
     "    -alias {alias} -file {file}\n"},
    {"Python, certbot",
     "Those that bring their own list of roots want to be told. Where the root "
     "is installed in the system (RHEL: "
     "<code>/etc/pki/tls/certs/ca-bundle.crt</code>), or for one command:",
     "export REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt\n"
     "REQUESTS_CA_BUNDLE=$PWD/{file} certbot certonly ...\n"},
    {"Others, without installing it", NULL,
     "curl:           CURL_CA_BUNDLE=$PWD/{file}\n"
     "Go, OpenSSL:    SSL_CERT_FILE=$PWD/{file}\n"
     "Node.js:        NODE_EXTRA_CA_CERTS=$PWD/{file}\n"
     "lego:           LEGO_CA_CERTIFICATES=$PWD/{file}\n"
     "acme.sh:        --ca-bundle $PWD/{file}\n"
     "mod_md:         MDCACertificateFile /path/to/{file}\n"
     "Caddy:          acme_ca_root /path/to/{file}\n"
     "cert-manager:   caBundle: (base64 -w0 {file})\n"},
};

#define PLATFORMS (sizeof(platforms) / sizeof(platforms[0]))

const char *acme_publish_install(const char *url, const char *fingerprint,
                                 apr_pool_t *pool)
{
    const char *alias = apr_psprintf(pool, "acme-root-%.8s", fingerprint);
    const char *const names[] = {
        "{url}",     url,      "{fp}",
        fingerprint, "{file}", apr_pstrcat(pool, alias, ".crt", NULL),
        "{alias}",   alias,    NULL};
    const char *text = "";
    apr_size_t i;

    for (i = 0; i < PLATFORMS; i++) {
        const char *note = platforms[i].note, *lines = platforms[i].lines;

        if (lines)
            lines = quote_markup(acme_client_fill(lines, names, 0, pool), pool);
        text = apr_pstrcat(pool, text, "<details><summary>", platforms[i].name,
                           "</summary>\n", note ? "<p>" : "", note ? note : "",
                           note ? "</p>\n" : "", lines ? "<pre>" : "",
                           lines ? lines : "", lines ? "</pre>\n" : "",
                           "</details>\n", NULL);
    }
    return text;
}
