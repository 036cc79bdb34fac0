/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_client.h"

#include <string.h>

#include "tap.h"

static int find(const char *name)
{
    int i = 0;

    while (acme_client_name(i) && strcmp(acme_client_name(i), name))
        i++;
    return i;
}

static void fill(apr_pool_t *pool)
{
    static const char *const names[] = {"{a}", "<{b}>", "{b}", "B", NULL};

    is_str(acme_client_fill("", names, 0, pool), "");
    is_str(acme_client_fill("{a}{b}{c} {", names, 0, pool), "<{b}>B{c} {");
    is_str(acme_client_fill("1<2{b}>3<>4", names, 0, pool), "134");
    is_str(acme_client_fill("1<2{b}>3<>4", names, 1, pool), "12B34");
}

static void external(apr_pool_t *pool)
{
    static const acme_client_values_t values = {"U", "kid-1", "secret", "a.b",
                                                "web"};
    int i;

    for (i = 0; acme_client_name(i); i++) {
        const char *lines = acme_client_lines(i, &values, pool);

        ok(strstr(lines, "kid-1") && strstr(lines, "secret"), "%s", lines);
        ok(!strpbrk(lines, "<>"), "%s", lines);
        ok(lines[strlen(lines) - 1] == '\n');
    }
    ok(i >= 8);
    is_str(acme_client_lines(find("uacme"), &values, pool),
           "uacme -y -a U \\\n    -e kid-1:secret new hostmaster@a.b\n"
           "uacme -a U \\\n    -h /usr/share/uacme/uacme.sh issue a.b\n");
}

static void plain(apr_pool_t *pool)
{
    static const acme_client_values_t values = {"U", NULL, NULL, "a.b", "web"};
    int i;

    for (i = 0; acme_client_name(i); i++) {
        const char *lines = acme_client_lines(i, &values, pool);

        ok(!strcasestr(lines, "eab") && !strcasestr(lines, "kid") &&
               !strcasestr(lines, "external") && !strcasestr(lines, "hmac"),
           "%s", lines);
        ok(strstr(lines, "U"));
    }
    is_str(acme_client_lines(find("Caddy"), &values, pool),
           "{\n    acme_ca U\n}\n");
    is_str(acme_client_lines(find("lego"), &values, pool),
           "lego --server U --accept-tos --email hostmaster@a.b \\\n"
           "    --domains a.b --http run\n");
}

const tap_case_t tap_cases[] = {{"words are filled in, once", fill},
                                {"lines with an external account", external},
                                {"and without", plain},
                                {NULL, NULL}};
