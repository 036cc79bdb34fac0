/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_publish_page.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_publish_form.h"
#include "handle_eab.h"
#include "tap.h"

#define BROWSER                                                                \
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

static reply_t *page(handle_t *h)
{
    return handle_get(h, handle_url(h, ""), BROWSER);
}

static void wanted(apr_pool_t *pool)
{
    ok(acme_publish_page_is_wanted(BROWSER));
    ok(acme_publish_page_is_wanted("image/png , TEXT/HTML ;q=0.1"));
    ok(acme_publish_page_is_wanted("application/xhtml+xml"));
    ok(acme_publish_page_is_wanted("text/html;level=1"));
    ok(!acme_publish_page_is_wanted(NULL));
    ok(!acme_publish_page_is_wanted(""));
    ok(!acme_publish_page_is_wanted("*/*"));
    ok(!acme_publish_page_is_wanted("text/*"));
    ok(!acme_publish_page_is_wanted("application/json"));
    ok(!acme_publish_page_is_wanted("text/html;q=0, application/json"));
    ok(!acme_publish_page_is_wanted("text/html; q=0.000"));
    ok(!acme_publish_page_is_wanted("text/htmlx, xtext/html,,;,"));
}

/* "AB:CD:…" of the root */
static const char *fingerprint(const handle_t *h)
{
    const char *hex =
        acme_publish_fingerprint(handle_issuer(h)->set->issuer->root, h->pool);
    const char *text = "";
    int i;

    for (i = 0; i < 64; i += 2)
        text = apr_pstrcat(h->pool, text, i ? ":" : "",
                           apr_pstrmemdup(h->pool, hex + i, 2), NULL);
    return text;
}

static void shown(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = page(h);

    is_int(r->status, 200);
    is_str(r->type, "text/html; charset=utf-8");
    ok(strcasestr(r->body, fingerprint(h)));
    ok(strstr(r->body, "<code>https://ca.example/acme/directory</code>"));
    ok(strstr(r->body, "certbot certonly --standalone --server "
                       "https://ca.example/acme/directory \\\n    --agree"));
    ok(!strstr(r->body, "KID"));
    ok(strstr(r->body, "valid for 90 days"));
    ok(strlen(r->body) < 16384);
    ok(!r->nonce);
    is_str(reply_header(r, "Vary", 0), "Accept");
    is_str(reply_header(r, "Cache-Control", 0), "public, max-age=3600");
    ok(r->res.etag);
}

static void inert(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = page(h);
    const char *csp = reply_header(r, "Content-Security-Policy", 0);

    need(csp);
    ok(!strncmp(csp, "default-src 'none'; style-src 'sha256-", 38));
    ok(!strcasestr(r->body, "<script") && !strcasestr(r->body, " on"
                                                               "click"));
    ok(!strcasestr(r->body, "src=") && !strcasestr(r->body, "<link"));
    ok(!strcasestr(r->body, "href=\"http"));
    is_str(reply_header(r, "X-Content-Type-Options", 0), "nosniff");
}

static void quoted(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_profile_t *profile = profile_add(h, "web");
    const char *body;

    profile->description = "<i>\"A&B\"</i>";
    h->conf->server_name = "<i>";
    h->conf->base_url = "https://'<i>";
    h->conf->website = "https://x/\"><i>";
    h->conf->terms_url = "https://y/\"><i>";
    body = page(h)->body;
    ok(!strstr(body, "<i>") && !strstr(body, "'<"));
    ok(strstr(body, "&lt;i&gt;&quot;A&amp;B&quot;&lt;/i&gt;"));
    ok(strstr(body, "<a href=\"https://x/&quot;&gt;&lt;i&gt;\">"));
}

static void profiles(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    acme_profile_t *vip = profile_add(h, "vip"), *none = profile_add(h, "none");
    const char *body;

    vip->external = ACME_EXTERNAL_REQUIRED;
    vip->validity.validity = 36 * 3600;
    none->enrollment = 0;
    h->conf->profiles->nelts = 0;
    APR_ARRAY_PUSH(h->conf->profiles, acme_profile_t *) = vip;
    APR_ARRAY_PUSH(h->conf->profiles, acme_profile_t *) = none;
    body = page(h)->body;
    ok(strstr(body, "--server https://ca.example/acme/vip/directory \\\n"
                    "    --eab-kid KID --eab-hmac-key HMAC_KEY"));
    ok(strstr(body, "acmectl eab create --profile vip"));
    ok(strstr(body, "36 hours"));
    ok(!strstr(body, "/acme/directory") && !strstr(body, "none/directory"));
    h->conf->default_profile = "vip";
    ok(strstr(page(h)->body, "or <code>https://ca.example/acme/directory"));
}

static void others(apr_pool_t *pool)
{
    static const char *const accepts[] = {NULL, "*/*", "application/json"};
    handle_t *h = handle_make(tap_tmpdir(), pool);
    int i;

    for (i = 0; i < 3; i++) {
        reply_t *r = handle_get(h, handle_url(h, ""), accepts[i]);

        is_int(r->status, 404);
        ok(strstr(r->detail, "https://ca.example/acme/directory"));
        is_str(reply_header(r, "Vary", 0), "Accept");
        ok(r->nonce);
        r = handle_get(h, "https://ca.example/acme", accepts[i]);
        is_int(r->status, 404);
        ok(strstr(r->detail, "https://ca.example/acme/directory"));
    }
    is_int(handle_request(h, "POST", handle_url(h, ""))->status, 405);
}

static void slash(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r = handle_get(h, "https://ca.example/acme", BROWSER);

    is_int(r->status, 301);
    is_str(r->location, "acme/");
    h->conf->path = "/a/pki";
    r = handle_get(h, "https://ca.example/a/pki", BROWSER);
    is_str(r->location, "pki/");
    h->conf->path = "";
    is_int(handle_get(h, "https://ca.example/", BROWSER)->status, 200);
}

static void no_ca(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);
    reply_t *r;

    handle_issuer(h)->set = NULL;
    r = page(h);
    is_int(r->status, 200);
    ok(strstr(r->body, "no usable CA"));
}

const tap_case_t tap_cases[] = {
    {"for who names HTML", wanted},
    {"fingerprint, URLs, lines for clients", shown},
    {"no script, nothing from elsewhere", inert},
    {"nothing of the configuration marks up", quoted},
    {"each profile that has a directory", profiles},
    {"R25 all others are told where the directory is", others},
    {"the slash at the end", slash},
    {"without a CA", no_ca},
    {NULL, NULL}};
