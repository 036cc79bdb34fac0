/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ap_provider.h>
#include <ap_slotmem.h>
#include <http_core.h>
#include <http_log.h>
#include <http_vhost.h>

#include "base/own.h"
#include "base/pjson.h"
#include "httpd/httpd_conf.h"
#include "httpd/httpd_life.h"
#include "httpd/httpd_log.h"

#include "base/banned.h"

extern module AP_MODULE_DECLARE_DATA acme_server_module;

/* ServerName among these directives, but not in a virtual host below them. */
static int tree_has_name(const ap_directive_t *dir)
{
    for (; dir; dir = dir->next) {
        if (!ap_cstr_casecmp(dir->directive, "ServerName"))
            return 1;
        if (dir->first_child &&
            ap_cstr_casecmp(dir->directive, "<VirtualHost") &&
            tree_has_name(dir->first_child))
            return 1;
    }
    return 0;
}

static const ap_directive_t *tree_find(const ap_directive_t *dir,
                                       const server_rec *server)
{
    const ap_directive_t *found = NULL;

    for (; dir && !found; dir = dir->next) {
        if (!ap_cstr_casecmp(dir->directive, "<VirtualHost") &&
            dir->line_num == (int)server->defn_line_number &&
            !strcmp(dir->filename, server->defn_name))
            return dir;
        found = tree_find(dir->first_child, server);
    }
    return found;
}

/* httpd makes up a name where there is none, from DNS, and does not say so. */
static int has_server_name(const server_rec *server)
{
    const ap_directive_t *dir;

    if (!server->is_virtual)
        return tree_has_name(ap_conftree);
    dir = tree_find(ap_conftree, server);
    return !dir || tree_has_name(dir->first_child);
}

static const char *where(const server_rec *server, apr_pool_t *pool)
{
    if (!server->defn_name)
        return "main server";
    return apr_psprintf(pool, "virtual host %s (%s:%u)",
                        server->server_hostname, server->defn_name,
                        server->defn_line_number);
}

/* Number of mistakes. */
static int server_check(httpd_conf_t *conf, apr_pool_t *pconf,
                        apr_pool_t *ptemp)
{
    apr_array_header_t *findings =
        apr_array_make(ptemp, 4, sizeof(const char *));
    const log_t *log = httpd_log_startup(conf->server, ptemp);
    int i;

    if (!has_server_name(conf->server))
        APR_ARRAY_PUSH(findings, const char *) =
            "ACMEServer on: there is no ServerName, and with it no URL to "
            "start with; write ServerName ca.example";
    httpd_conf_resolve(conf, findings, pconf);
    for (i = 0; i < findings->nelts; i++)
        log_write(log, LOG_LEVEL_ERROR, "AS0400", APR_SUCCESS, "%s: %s",
                  where(conf->server, ptemp),
                  APR_ARRAY_IDX(findings, i, const char *));
    return findings->nelts;
}

static int has_common_name(const apr_array_header_t *a,
                           const apr_array_header_t *b)
{
    int i, k;

    for (i = 0; i < a->nelts; i++)
        for (k = 0; k < b->nelts; k++)
            if (!identifier_compare(APR_ARRAY_IDX(a, i, identifier_t *),
                                    APR_ARRAY_IDX(b, k, identifier_t *)))
                return 1;
    return 0;
}

/* Does this virtual host speak TLS?  mod_ssl has not decided yet. */
static int is_tls(const server_rec *server)
{
    const ap_directive_t *dir = tree_find(ap_conftree, server);

    for (dir = dir ? dir->first_child : NULL; dir; dir = dir->next)
        if (!ap_cstr_casecmp(dir->directive, "SSLEngine"))
            return ap_cstr_casecmp(dir->args, "off") != 0;
    return server->addrs && server->addrs->host_port == 443;
}

/* What these directives say of mod_reqtimeout's limit for handshakes, in
 * seconds; -1: nothing.  Its own configuration is its own business. */
static int handshake_seconds(const ap_directive_t *dir, apr_pool_t *pool)
{
    int seconds = -1;

    for (; dir; dir = dir->next) {
        const char *args = dir->args;

        if (ap_cstr_casecmp(dir->directive, "RequestReadTimeout"))
            continue;
        while (*args) {
            const char *word = ap_getword_conf(pool, &args);

            if (!ap_cstr_casecmpn(word, "handshake=", 10))
                seconds = (int)strtol(word + 10, NULL, 10);
        }
    }
    return seconds;
}

static int is_limited(const server_rec *server, apr_pool_t *pool)
{
    const ap_directive_t *dir =
        server->is_virtual ? tree_find(ap_conftree, server) : NULL;
    int seconds = dir ? handshake_seconds(dir->first_child, pool) : -1;

    if (seconds < 0)
        seconds = handshake_seconds(ap_conftree, pool);
    return seconds > 0;
}

int httpd_check_is_handshake_limited(server_rec *server,
                                     server_rec *main_server, apr_pool_t *pool)
{
    const server_addr_rec *at;

    if (!server->is_virtual || !is_tls(server))
        return 1;
    for (at = server->addrs; at; at = at->next) {
        conn_rec *c = apr_pcalloc(pool, sizeof(*c));

        c->base_server = main_server;
        c->local_addr = at->host_addr;
        ap_update_vhost_given_ip(c);
        if (!is_limited(c->base_server, pool))
            return 0;
    }
    return 1;
}

/* What an ACME virtual host's certificates may point to, where nobody says
 * ACMEIssuerURL: this plain virtual host, under the ACME one's name if it has
 * that.  The first one on port 80 is the best. */
static void publish_url_set(acme_conf_t *acme, const httpd_conf_t *conf,
                            apr_pool_t *pconf)
{
    const server_rec *server = conf->server;
    const char *name = server->server_hostname;
    apr_array_header_t *one = apr_array_make(pconf, 1, sizeof(identifier_t *));
    unsigned int port = server->addrs ? server->addrs->host_port : 0;
    identifier_t *identifier;

    if (acme->publish_url && port && port != 80)
        return;
    if (!identifier_parse(&identifier, "dns", acme->server_name,
                          IDENTIFIER_UNDERSCORE, pconf)) {
        APR_ARRAY_PUSH(one, identifier_t *) = identifier;
        if (has_common_name(one, httpd_conf_names(conf, pconf)))
            name = acme->server_name;
    }
    acme->publish_url =
        port && port != 80
            ? apr_psprintf(pconf, "http://%s:%u%s/", name, port, acme->path)
            : apr_pstrcat(pconf, "http://", name, acme->path, "/", NULL);
}

static void publish_urls_set(const httpd_conf_t *conf, apr_pool_t *pconf)
{
    int i;

    if (!conf->published || !conf->server->is_virtual || is_tls(conf->server))
        return;
    for (i = 0; i < conf->published->nelts; i++)
        publish_url_set(APR_ARRAY_IDX(conf->published, i, httpd_conf_t *)->acme,
                        conf, pconf);
}

/* The ACME virtual hosts for which this plain one publishes: those with a name
 * of its own; with ACMEPublish on any (*others counts how many there are to
 * choose from).  NULL: none. */
static apr_array_header_t *published_find(int *others, const httpd_conf_t *conf,
                                          server_rec *main_server,
                                          apr_pool_t *pconf)
{
    apr_array_header_t *names = httpd_conf_names(conf, pconf);
    apr_array_header_t *found = apr_array_make(pconf, 1, sizeof(conf));
    httpd_conf_t *any = NULL;
    server_rec *server;

    *others = 0;
    for (server = main_server; server; server = server->next) {
        httpd_conf_t *candidate = httpd_conf_get(server);

        if (!candidate->acme)
            continue;
        if (has_common_name(names, candidate->names))
            APR_ARRAY_PUSH(found, httpd_conf_t *) = candidate;
        else if (!any)
            any = candidate;
        else if (strcmp(any->acme->state_dir, candidate->acme->state_dir))
            (*others)++;
    }
    if (found->nelts)
        *others = 0;
    else if (conf->publish == 1 && any)
        APR_ARRAY_PUSH(found, httpd_conf_t *) = any;
    return found->nelts ? found : NULL;
}

static int publisher_check(httpd_conf_t *conf, server_rec *main_server,
                           apr_pool_t *pconf, apr_pool_t *ptemp)
{
    int others;

    if (conf->acme || conf->publish == 0)
        return 0;
    conf->published = published_find(&others, conf, main_server, pconf);
    if (conf->publish != 1 || !conf->server->is_virtual)
        return 0;
    if (conf->published && !others)
        return 0;
    log_write(httpd_log_startup(conf->server, ptemp), LOG_LEVEL_ERROR, "AS0401",
              APR_SUCCESS, "%s: ACMEPublish on: %s; %s",
              where(conf->server, ptemp),
              others ? "there are several ACME virtual hosts, and none has a "
                       "name of this one"
                     : "there is no ACME virtual host whose roots it could "
                       "publish",
              others ? "give it the ServerName or a ServerAlias of one of them"
                     : "write ACMEServer on in one, or leave this out");
    return 1;
}

static int slotmem_check(server_rec *main_server, apr_pool_t *ptemp)
{
    if (ap_lookup_provider(AP_SLOTMEM_PROVIDER_GROUP, "shm",
                           AP_SLOTMEM_PROVIDER_VERSION))
        return 0;
    log_write(httpd_log_startup(main_server, ptemp), LOG_LEVEL_ERROR, "AS0402",
              APR_SUCCESS,
              "ACMEServer on: mod_slotmem_shm, which holds the nonces, is not "
              "loaded; write LoadModule slotmem_shm_module "
              "modules/mod_slotmem_shm.so (Debian: a2enmod slotmem_shm)");
    return 1;
}

/* httpd lets a virtual host without a directive of ours share the main server's
 * configuration; but its names are its own, and ACMEServer is not inherited. */
static void own_conf_make(server_rec *server, httpd_conf_t *base,
                          apr_pool_t *pool)
{
    if (server->is_virtual && httpd_conf_get(server) == base)
        ap_set_module_config(
            server->module_config, &acme_server_module,
            httpd_conf_merge(pool, base, httpd_conf_create(pool, server)));
}

static int conf_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *main_server)
{
    server_rec *server;
    int mistakes = 0, count = 0;

    for (server = main_server; server; server = server->next)
        own_conf_make(server, httpd_conf_get(main_server), pconf);
    for (server = main_server; server; server = server->next) {
        httpd_conf_t *conf = httpd_conf_get(server);

        if (conf->enabled == 1) {
            mistakes += server_check(conf, pconf, ptemp);
            count++;
        }
    }
    for (server = main_server; server; server = server->next)
        mistakes +=
            publisher_check(httpd_conf_get(server), main_server, pconf, ptemp);
    for (server = main_server; server; server = server->next)
        publish_urls_set(httpd_conf_get(server), pconf);
    if (count)
        mistakes += slotmem_check(main_server, ptemp);
    if (mistakes)
        return HTTP_INTERNAL_SERVER_ERROR;
    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_NORMAL)
        httpd_life_look(main_server, ptemp);
    return OK;
}

/* `httpd -t -D DUMP_ACME_CONFIG`: for acmectl (src/ctl/ctl_conf.c).  Passwords
 * for root only. */
static void conf_dump(apr_pool_t *pconf, server_rec *main_server)
{
    json_t *list;
    server_rec *server;
    apr_file_t *out;

    if (!ap_exists_config_define("DUMP_ACME_CONFIG"))
        return;
    list = own_json(pconf, json_array());
    for (server = main_server; server; server = server->next) {
        httpd_conf_t *conf = httpd_conf_get(server);

        const acme_conf_t *acme = conf->acme;

        if (!acme)
            continue;
        if (geteuid() != 0)
            acme = acme_conf_hide(acme, pconf);
        json_array_append_new(list, json_incref(acme_conf_render(acme, pconf)));
    }
    if (apr_file_open_stdout(&out, pconf) == APR_SUCCESS)
        apr_file_printf(out, "%s\n", pjson_text(list, PJSON_PRETTY, pconf));
}

void httpd_check_hooks(void)
{
    ap_hook_check_config(conf_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(conf_dump, NULL, NULL, APR_HOOK_MIDDLE);
}
