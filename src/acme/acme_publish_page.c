/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish_page.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "acme/acme_client.h"
#include "acme/acme_publish_form.h"
#include "acme/acme_publish_html.h"
#include "acme/acme_publish_install.h"
#include "acme/acme_publish_limits.h"
#include "acme/acme_route.h"
#include "base/quote.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define DAY 86400

/* "…;q=0" is a refusal. */
static int is_refused(const char *params, const char *end)
{
    for (; params < end; params++)
        if (!strncasecmp(params, "q=0", 3))
            return strspn(params + 2, "0.") == strcspn(params + 2, ",; \t");
    return 0;
}

int acme_publish_page_is_wanted(const char *accept)
{
    const char *at = accept;

    while (at && *at) {
        const char *end = at + strcspn(at, ",");
        apr_size_t len;

        at += strspn(at, " \t");
        len = strcspn(at, " \t;,");
        if ((len == 9 && !strncasecmp(at, "text/html", len)) ||
            (len == 21 && !strncasecmp(at, "application/xhtml+xml", len)))
            if (!is_refused(at + len, end))
                return 1;
        at = *end ? end + 1 : end;
    }
    return 0;
}

/* "AB:CD:…", as openssl and most dialogs show it. */
static const char *fingerprint_text(const char *hex, apr_pool_t *pool)
{
    apr_size_t len = strlen(hex), i;
    char *text = apr_palloc(pool, len / 2 * 3 + 1), *out = text;

    for (i = 0; i < len; i++) {
        if (i && i % 2 == 0)
            *out++ = ':';
        *out++ = (char)apr_toupper(hex[i]);
    }
    *out = '\0';
    return text;
}

static void root_say(acme_html_t *page, X509 *root)
{
    apr_pool_t *pool = page->pool;
    const char *fingerprint = acme_publish_fingerprint(root, pool);
    const char *until =
        clock_rfc3339(ca_time_seconds(X509_get0_notAfter(root)), pool);

    acme_html_say(
        page,
        "<h3>%s</h3>\n<p>Valid until %.10s. SHA-256 fingerprint:</p>\n"
        "<pre>%s</pre>\n"
        "<p><a href=\"issuer/%s.pem\">PEM</a>, "
        "<a href=\"issuer/%s.cer\">DER</a></p>\n",
        quote_markup(ca_name_text(X509_get_subject_name(root), pool), pool),
        until, fingerprint_text(fingerprint, pool), fingerprint, fingerprint);
    acme_html_say(page, "%s",
                  acme_publish_install(apr_pstrcat(pool, page->conf->base_url,
                                                   page->conf->path, NULL),
                                       fingerprint, pool));
}

static void roots_say(acme_html_t *page, const apr_array_header_t *roots)
{
    int i;

    acme_html_say(page, "<h2>Trust</h2>\n");
    if (!roots->nelts) {
        acme_html_say(page, "<p>This server has no usable CA just now.</p>\n");
        return;
    }
    acme_html_say(
        page,
        "<p>Compare each fingerprint with what the people who run this CA "
        "tell you: until the root is trusted, this page could be anybody's."
        "</p>\n");
    for (i = 0; i < roots->nelts; i++)
        root_say(page, APR_ARRAY_IDX(roots, i, X509 *));
    acme_html_say(
        page,
        "<h3>Together</h3>\n<p>All roots: <a href=\"roots.pem\">PEM</a>, "
        "<a href=\"roots.p7c\">PKCS #7</a>, "
        "<a href=\"roots.mobileconfig\">Apple configuration profile</a>. "
        "Of the issuing CA: chain, <a href=\"chain.pem\">PEM</a>; chain and "
        "root, <a href=\"chain.p7c\">PKCS #7</a>; root, "
        "<a href=\"root.pem\">PEM</a>, <a href=\"root.cer\">DER</a>.</p>\n");
}

static void account_say(acme_html_t *page, const acme_profile_t *profile)
{
    if (profile->external == ACME_EXTERNAL_OFF)
        return;
    acme_html_say(
        page,
        profile->external == ACME_EXTERNAL_REQUIRED
            ? "<p>Accounts need an external account key: ask the people who "
              "run this CA for a KID and an HMAC key (<code>acmectl eab create "
              "--profile %s</code>).</p>\n"
            : "<p>Accounts may have an external account key (<code>acmectl eab "
              "create --profile %s</code>).</p>\n",
        profile->name);
}

static void clients_say(acme_html_t *page, const acme_profile_t *profile,
                        const char *url)
{
    int is_bound = profile->external == ACME_EXTERNAL_REQUIRED, i;
    const acme_client_values_t values = {url, is_bound ? "KID" : NULL,
                                         is_bound ? "HMAC_KEY" : NULL,
                                         "www.corp.example", profile->name};

    for (i = 0; acme_client_name(i); i++)
        acme_html_say(
            page, "<details><summary>%s</summary>\n<pre>%s</pre>\n</details>\n",
            acme_client_name(i),
            quote_markup(acme_client_lines(i, &values, page->pool),
                         page->pool));
}

static const char *directory_url(const acme_html_t *page, const char *directory)
{
    return acme_route_url(page->conf, ACME_ROUTE_DIRECTORY, directory, NULL,
                          NULL, page->pool);
}

/* "90 days", "36 hours" */
static const char *life_text(apr_int64_t seconds, apr_pool_t *pool)
{
    apr_int64_t unit = 60;

    if (seconds % 3600 == 0)
        unit = seconds % DAY == 0 ? DAY : 3600;
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s", seconds / unit,
                        unit == 60 ? "minutes"
                                   : (unit == DAY ? "days" : "hours"));
}

static void profile_say(acme_html_t *page, const acme_profile_t *profile)
{
    const acme_conf_t *conf = page->conf;
    const char *url = directory_url(page, profile->directory);

    acme_html_say(page, "<h3>%s</h3>\n",
                  quote_markup(profile->name, page->pool));
    if (profile->description)
        acme_html_say(page, "<p>%s</p>\n",
                      quote_markup(profile->description, page->pool));
    acme_html_say(page, "<p>Directory URL: <code>%s</code>",
                  quote_markup(url, page->pool));
    if (*profile->directory && conf->default_profile &&
        !strcmp(conf->default_profile, profile->name))
        acme_html_say(page, " or <code>%s</code>",
                      quote_markup(directory_url(page, ""), page->pool));
    acme_html_say(page, "<br>\nCertificates are valid for %s%s.</p>\n",
                  life_text(profile->validity.validity, page->pool),
                  profile->validation ? "" : "; names need not be proven");
    account_say(page, profile);
    clients_say(page, profile, url);
}

static void profiles_say(acme_html_t *page)
{
    const apr_array_header_t *profiles = page->conf->profiles;
    int i, count = 0;

    acme_html_say(page,
                  "<h2>Certificates</h2>\n<p>Put your own name in the place of "
                  "<code>www.corp.example</code>.</p>\n");
    for (i = 0; i < profiles->nelts; i++) {
        const acme_profile_t *profile =
            APR_ARRAY_IDX(profiles, i, const acme_profile_t *);

        if (profile->enrollment) {
            profile_say(page, profile);
            count++;
        }
    }
    if (!count)
        acme_html_say(page,
                      "<p>No profile of this server has a directory.</p>\n");
}

static void links_say(acme_html_t *page)
{
    const acme_conf_t *conf = page->conf;

    if (conf->website)
        acme_html_say(page, "<p><a href=\"%s\">About this CA</a></p>\n",
                      quote_markup(conf->website, page->pool));
    if (conf->terms_url)
        acme_html_say(page, "<p><a href=\"%s\">Terms of service</a></p>\n",
                      quote_markup(conf->terms_url, page->pool));
}

void acme_publish_page(acme_response_t *res, const acme_conf_t *conf,
                       const apr_array_header_t *roots, apr_pool_t *pool)
{
    acme_html_t *page = acme_html_make(conf, "Certificate authority", pool);

    links_say(page);
    roots_say(page, roots);
    profiles_say(page);
    acme_html_say(page,
                  "<p><a href=\"" ACME_PUBLISH_LIMITS "\">Limits</a></p>\n");
    acme_html_answer(res, page);
}

/* Relative, so that it holds behind a proxy, too. */
void acme_publish_page_redirect(acme_response_t *res, const acme_conf_t *conf,
                                apr_pool_t *pool)
{
    res->status = 301;
    acme_response_location(
        res, apr_pstrcat(pool, strrchr(conf->path, '/') + 1, "/", NULL));
}
