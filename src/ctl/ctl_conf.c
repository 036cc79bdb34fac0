/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "base/own.h"

#include "base/banned.h"

/*
 * Only httpd can read httpd's configuration: `-D DUMP_ACME_CONFIG` makes the
 * module print what it resolved, a JSON array with one object per ACME virtual
 * host, among whatever else httpd prints.
 */

#define DUMP_MAX (16 * 1024 * 1024)

static char *stream_read(FILE *stream, apr_pool_t *pool)
{
    apr_size_t size = 65536, len = 0;
    char *text = apr_palloc(pool, size);

    while (len < DUMP_MAX) {
        apr_size_t got = fread(text + len, 1, size - len - 1, stream);

        if (got == 0)
            break;
        len += got;
        if (len == size - 1) {
            char *bigger = apr_palloc(pool, size * 2);

            memcpy(bigger, text, len);
            text = bigger;
            size *= 2;
        }
    }
    text[len] = '\0';
    return text;
}

static char *file_read(const char *path, apr_pool_t *pool)
{
    FILE *file = fopen(path, "r");
    char *text;

    if (!file) {
        ctl_print_error("--config %s: cannot be read", path);
        return NULL;
    }
    text = stream_read(file, pool);
    fclose(file);
    return text;
}

/* What httpd says besides ("Syntax OK", warnings) is shown when it fails. */
static char *httpd_read(const char *httpd, apr_pool_t *pool)
{
    const char *command =
        apr_pstrcat(pool, httpd, " -t -D DUMP_ACME_CONFIG", NULL);
    FILE *pipe = popen(apr_pstrcat(pool, command, " 2>&1", NULL), "r");
    char *text = pipe ? stream_read(pipe, pool) : NULL;
    int status = pipe ? pclose(pipe) : -1;

    if (status == 0)
        return text;
    if (text)
        fputs(text, stderr);
    ctl_print_error("`%s` failed; name the server's command with --httpd, or "
                    "a file with its output with --config",
                    command);
    return NULL;
}

/* The first line that starts a JSON array or object, and what follows. */
static json_t *dump_find(const char *text, apr_pool_t *pool)
{
    const char *at = text;
    json_t *json = NULL;

    while (at && !json) {
        if (*at == '[' || *at == '{')
            json = own_json(
                pool,
                json_loads(at, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES,
                           NULL));
        at = strchr(at, '\n');
        if (at)
            at++;
    }
    return json;
}

static const char *member(const json_t *server, const char *key)
{
    const char *text = json_string_value(json_object_get(server, key));

    return text ? text : "";
}

static const char *server_name(const json_t *server)
{
    return member(server, "serverName");
}

/* Several virtual hosts may have one ServerName: its port tells them apart, as
 * the base URL does. */
static int is_called(const json_t *server, const char *name)
{
    const char *url = member(server, "baseURL"), *host = strstr(url, "://");
    apr_size_t len = strlen(url);

    if (!name || !strcmp(name, server_name(server)) ||
        (host && !strcmp(name, host + 3)))
        return 1;
    return len && !strncmp(name, url, len) &&
           (!name[len] || !strcmp(name + len, "/"));
}

/* The virtual host called name; without a name there may be only one. */
static json_t *server_choose(json_t *servers, const char *name,
                             apr_pool_t *pool)
{
    const char *names = "", *called = "";
    json_t *server, *found = NULL;
    int count = 0;
    size_t i;

    json_array_foreach(servers, i, server)
    {
        names = apr_pstrcat(pool, names, " ", server_name(server), NULL);
        if (!is_called(server, name))
            continue;
        found = server;
        count++;
        called =
            apr_pstrcat(pool, called, " ", member(server, "baseURL"), NULL);
    }
    if (count == 1)
        return found;
    if (!*names)
        ctl_print_error("no virtual host says `ACMEServer on`");
    else if (!count)
        ctl_print_error("--server %s: there are:%s", name, names);
    else
        ctl_print_error("which virtual host? --server with one of:%s", called);
    return NULL;
}

ctl_exit_e ctl_conf_load(ctl_t *ctl)
{
    char *text = ctl->config ? file_read(ctl->config, ctl->pool)
                             : httpd_read(ctl->httpd, ctl->pool);
    json_t *servers, *server;

    if (!text)
        return CTL_FAILED;
    servers = dump_find(text, ctl->pool);
    if (!json_is_array(servers)) {
        ctl_print_error("no configuration in %s: is the module loaded?",
                        ctl->config ? ctl->config : "httpd's answer");
        return CTL_FAILED;
    }
    ctl->dump = servers;
    server = server_choose(servers, ctl->server, ctl->pool);
    if (!server)
        return CTL_USAGE;
    ctl->conf = acme_conf_parse(server, ctl->pool);
    if (!ctl->conf) {
        ctl_print_error("the configuration of %s is not one that this version "
                        "understands",
                        server_name(server));
        return CTL_FAILED;
    }
    return CTL_OK;
}
