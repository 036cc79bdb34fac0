/* SPDX-License-Identifier: Apache-2.0 */
#include "dcv/dcv_url.h"

#include <apr_strings.h>
#include <string.h>

#include "tap.h"

static const struct {
    const char *text, *host;
    int port;
} good[] = {
    {"http://a.test/x", "a.test", 80},
    {"https://a.test/x?y=z", "a.test", 443},
    {"HTTP://A.Test/x", "a.test", 80},
    {"http://a.test.", "a.test", 80},
    {"http://intranet/", "intranet", 80},
    {"http://_x.a-b.test:443/", "_x.a-b.test", 443},
    {"https://a.test:80/", "a.test", 80},
    {"http://a.test:5002/", "a.test", 5002},
    {"http://192.0.2.1/", "192.0.2.1", 80},
    {"http://0x7f.1/", "127.0.0.1", 80},
    {"http://2130706433/", "127.0.0.1", 80},
    {"http://[2001:db8::1]:80/", "2001:db8::1", 80},
    {"http://a.test/#fragment", "a.test", 80},
};

static const struct {
    const char *text, *why;
} bad[] = {
    {"", "valid URL"},
    {"http://", "valid URL"},
    {"/path", "valid URL"},
    {"//a.test/", "valid URL"},
    {"a.test", "valid URL"},
    {"file:///etc/passwd", "neither http nor https"},
    {"ftp://a.test/", "neither http nor https"},
    {"javascript:alert(1)", "valid URL"},
    {"gopher://a.test:80/", "neither http nor https"},
    {"http://a.test:8080/", "port 8080"},
    {"https://a.test:22/", "port 22"},
    {"http://a.test:0/", "port 0"},
    {"http://a.test:65536/", "valid URL"},
    {"http://a.test:-1/", "valid URL"},
    {"http://user@a.test/", "user or a password"},
    {"http://user:pass@a.test/", "user or a password"},
    {"http://:pass@a.test/", "user or a password"},
    {"http://a..test/", "valid host"},
    {"http://.a.test/", "valid host"},
    {"http://a%20b.test/", "valid"},
    {"http://a b.test/", "valid URL"},
    {"http://a.test\r\nX: y/", "valid URL"},
    {"http://\xc3\xa4.test/", "valid"},
    {"http://[fe80::1%25lo]/", "valid host"},
    {"http://[::1/", "valid URL"},
    {"http://[zz]/", "valid URL"},
    {"http://a$b.test/", "valid"},
};

static void targets(apr_pool_t *pool)
{
    dcv_url_t *url;
    const char *why;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        why = dcv_url_parse(&url, good[i].text, 5002, pool);
        ok(!why, "%s: %s", good[i].text, why ? why : "");
        if (why)
            continue;
        is_str(url->host, good[i].host);
        is_int(url->port, good[i].port);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why = dcv_url_parse(&url, bad[i].text, 5002, pool);
        ok(why && strstr(why, bad[i].why), "%s: %s", bad[i].text,
           why ? why : "allowed");
    }
}

static void lengths(apr_pool_t *pool)
{
    char *text = apr_pcalloc(pool, 10000);
    dcv_url_t *url;

    memset(text, 'a', 9999);
    memcpy(text, "http://a.test/", 14);
    ok(dcv_url_parse(&url, text, 80, pool));
    text[4096] = '\0';
    ok(!dcv_url_parse(&url, text, 80, pool));
    memset(text, 'a', 9999);
    memcpy(text, "http://", 7);
    text[7 + 254] = '\0';
    ok(dcv_url_parse(&url, text, 80, pool));
    text[7 + 253] = '\0';
    ok(!dcv_url_parse(&url, text, 80, pool));
}

const tap_case_t tap_cases[] = {{"T79 R26 where a redirect may lead", targets},
                                {"T79 how long a URL may be", lengths},
                                {NULL, NULL}};
