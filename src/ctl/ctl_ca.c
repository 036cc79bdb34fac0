/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_ca.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/pjson.h"
#include "ca/ca_chain.h"
#include "ca/ca_openssl.h"

#include "base/banned.h"

#define ISSUER_MAX 32

ctl_exit_e ctl_ca_problem(const problem_t *prob)
{
    ctl_print_error("%s", prob->cause ? prob->cause : prob->detail);
    if (prob->type != PROBLEM_SERVER_INTERNAL)
        return CTL_USAGE;
    if (APR_STATUS_IS_ENOENT(prob->rv))
        return CTL_NOTFOUND;
    return APR_STATUS_IS_EINVAL(prob->rv) || APR_STATUS_IS_EEXIST(prob->rv)
               ? CTL_FINDINGS
               : CTL_FAILED;
}

/* As httpd needs it: from the root of the file system. */
static const char *absolute(const ctl_t *ctl, const char *path)
{
    char *resolved = realpath(path, NULL);
    const char *copy = apr_pstrdup(ctl->pool, resolved ? resolved : path);

    free(resolved);
    return copy;
}

const char *ctl_ca_issuer_name(const ctl_t *ctl, const char *dir)
{
    const char *path = absolute(ctl, dir), *slash = strrchr(path, '/');
    const char *given = ctl_option(ctl, "issuer");
    char *name, *c;

    if (given)
        return given;
    name = apr_pstrndup(ctl->pool, slash ? slash + 1 : path, ISSUER_MAX);
    for (c = name; *c; c++)
        *c = apr_isalnum(*c) ? (char)apr_tolower(*c) : '-';
    return *name ? name : "ca";
}

static const char *config_text(const ctl_t *ctl, const char *dir)
{
    const char *quote = strpbrk(dir, " \t'") ? "\"" : "";

    return apr_psprintf(ctl->pool,
                        "<ACMEIssuer %s>\n"
                        "    ACMEIssuerDirectory %s%s%s\n"
                        "</ACMEIssuer>\n",
                        ctl_ca_issuer_name(ctl, dir), quote, dir, quote);
}

json_t *ctl_ca_path(const ctl_t *ctl, const char *path)
{
    return ctl_print_text(path ? absolute(ctl, path) : NULL);
}

static const char *fingerprint_of(const ctl_t *ctl, X509 *cert)
{
    apr_size_t len;
    const unsigned char *der = ca_cert_der(&len, cert, ctl->pool);

    return ca_sha256_hex(der, len, ctl->pool);
}

/* A new reference. */
static json_t *made_render(const ctl_t *ctl, const ca_tool_made_t *made,
                           const char *dir)
{
    const ca_issuer_t *issuer = made->issuer;
    json_t *json = json_pack("{s:s, s:s, s:i, s:o, s:o}", "issuer",
                             ctl_ca_issuer_name(ctl, dir), "directory", dir,
                             "generation", made->generation, "certificate",
                             ctl_ca_path(ctl, made->cert_file), "key",
                             ctl_ca_path(ctl, made->key_file));

    if (issuer) {
        apr_array_header_t *warnings =
            ca_chain_warnings(issuer->chain, ctl->pool);

        if (warnings->nelts)
            json_object_set_new(json, "warnings",
                                pjson_strings_render(warnings));
        json_object_set_new(
            json, "subject",
            json_string(
                ca_name_text(X509_get_subject_name(issuer->cert), ctl->pool)));
        json_object_set_new(json, "notAfter",
                            ctl_print_time(ctl, issuer->not_after));
        json_object_set_new(json, "fingerprint",
                            json_string(issuer->fingerprint));
        if (issuer->root)
            json_object_set_new(json, "rootFingerprint",
                                json_string(fingerprint_of(ctl, issuer->root)));
        if (issuer->constraints->nelts)
            json_object_set_new(
                json, "constraints",
                json_string(ca_constraints_text(issuer, ctl->pool)));
    }
    if (made->csr_file)
        json_object_set_new(json, "csr", ctl_ca_path(ctl, made->csr_file));
    if (made->root_file)
        json_object_set_new(json, "root", ctl_ca_path(ctl, made->root_file));
    if (made->root_key_file)
        json_object_set_new(json, "rootKey",
                            ctl_ca_path(ctl, made->root_key_file));
    return json;
}

static void stderr_mute(int *saved)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    fflush(stderr);
    *saved = dup(STDERR_FILENO);
    if (null >= 0 && dup2(null, STDERR_FILENO) < 0)
        close(null);
}

static void stderr_restore(int saved)
{
    fflush(stderr);
    if (saved >= 0 && dup2(saved, STDERR_FILENO) >= 0)
        close(saved);
}

/* The files are made, so nothing here makes the command fail: a CA is often
 * made before there is a server, or on a machine without one.  Without
 * --config or --httpd that is not even worth a word. */
void ctl_ca_audit(ctl_t *ctl, const char *kind, json_t *detail)
{
    int is_asked = ctl->config || strcmp(ctl->httpd, "apachectl") != 0;
    int saved = -1, done;

    if (!is_asked)
        stderr_mute(&saved);
    done =
        ctl_conf_load(ctl) == CTL_OK && ctl_store_open(ctl, 1) == CTL_OK &&
        ctl_event_add(ctl, ctl_event(ctl, kind, json_incref(detail))) == CTL_OK;
    if (!is_asked)
        stderr_restore(saved);
    else if (!done)
        ctl_print_error("it is done, but the audit trail does not know of it");
}

/* next: what the operator has to do now; config: with lines to paste. */
static ctl_exit_e report(ctl_t *ctl, const char *kind,
                         const ca_tool_made_t *made, int has_config,
                         const char *next)
{
    const char *dir = absolute(ctl, ctl_option(ctl, "dir"));
    json_t *json = own_json(ctl->pool, made_render(ctl, made, dir)), *warning;
    size_t i;

    json_array_foreach(json_object_get(json, "warnings"), i, warning)
        ctl_print_error("warning: %s", json_string_value(warning));
    ctl_ca_audit(ctl, kind, json);
    if (ctl->is_json) {
        if (has_config)
            json_object_set_new(json, "config",
                                json_string(config_text(ctl, dir)));
        if (made->csr_pem)
            json_object_set_new(json, "pem", json_string(made->csr_pem));
        ctl_print_object(ctl, json);
        return CTL_OK;
    }
    ctl_print_object(ctl, json);
    if (made->csr_pem)
        printf("\n%s", made->csr_pem);
    if (has_config)
        printf("\nFor the server's configuration:\n\n%s",
               config_text(ctl, dir));
    printf("\n%s", next);
    return CTL_OK;
}

static const char *option_or(const ctl_t *ctl, const char *name,
                             const char *otherwise)
{
    const char *value = ctl_option(ctl, name);

    return value ? value : otherwise;
}

/* What stands in a subject: RFC 5280, appendix A, ub-common-name. */
#define SUBJECT_LEN_MAX 64

static ctl_exit_e subject_take(const char **text, const ctl_t *ctl,
                               const char *name)
{
    json_t *utf8;
    const char *c;

    *text = ctl_option(ctl, name);
    if (!*text)
        return CTL_OK;
    utf8 = own_json(ctl->pool, json_string(*text));
    for (c = *text; (unsigned char)*c >= ' ' && *c != 0x7f; c++)
        ;
    if (utf8 && !*c && **text && strlen(*text) <= SUBJECT_LEN_MAX)
        return CTL_OK;
    ctl_print_error("--%s: it is empty, longer than %d octets, or holds what "
                    "is no printable UTF-8; choose another",
                    name, SUBJECT_LEN_MAX);
    return CTL_USAGE;
}

/* The options of all commands; those that a command has not are not given. */
static ctl_exit_e wish_read(ca_tool_wish_t *wish, const ctl_t *ctl)
{
    apr_int64_t now = clock_seconds(&clock_system);
    ctl_exit_e code;

    memset(wish, 0, sizeof(*wish));
    wish->dir = ctl_option(ctl, "dir");
    if (!wish->dir || !*wish->dir)
        return ctl_command_usage("wanted: ", "--dir DIR");
    wish->key = ctl_option(ctl, "key");
    wish->root_key = ctl_option(ctl, "root-key");
    wish->is_same_key = ctl_option(ctl, "same-key") != NULL;
    wish->constraints.permit_dns = ctl_option_all(ctl, "permit-dns");
    wish->constraints.permit_ip = ctl_option_all(ctl, "permit-ip");
    wish->constraints.exclude_dns = ctl_option_all(ctl, "exclude-dns");
    wish->constraints.exclude_ip = ctl_option_all(ctl, "exclude-ip");
    code = subject_take(&wish->name, ctl, "name");
    if (code == CTL_OK)
        code = subject_take(&wish->organization, ctl, "org");
    if (code == CTL_OK)
        code = ctl_option_time(&wish->not_after, ctl, "expires", now);
    return code == CTL_OK ? ctl_option_time(&wish->root_not_after, ctl,
                                            "root-expires", now)
                          : code;
}

static ctl_exit_e init(ctl_t *ctl)
{
    ca_tool_wish_t wish;
    ca_tool_made_t made;
    problem_t *prob;
    ctl_exit_e code = wish_read(&wish, ctl);

    if (code != CTL_OK)
        return code;
    if (!wish.name)
        wish.name = option_or(ctl, "org", ctl_ca_issuer_name(ctl, wish.dir));
    if (!wish.key)
        wish.key = "P-256";
    prob = ca_tool_init(&made, &wish, clock_seconds(&clock_system), ctl->log,
                        ctl->pool);
    if (prob)
        return ctl_ca_problem(prob);
    return report(
        ctl, "ca.init", &made, 1,
        apr_psprintf(ctl->pool,
                     "Take the root's key offline now: move\n    %s\n"
                     "to a medium that lies in a safe.  The server never "
                     "needs it; `acmectl ca renew\n--root-key FILE` does.  "
                     "Clients must trust\n    %s\n",
                     absolute(ctl, made.root_key_file),
                     absolute(ctl, made.root_file)));
}

static ctl_exit_e renew(ctl_t *ctl)
{
    ca_tool_wish_t wish;
    ca_tool_made_t made;
    problem_t *prob;
    ctl_exit_e code = wish_read(&wish, ctl);

    if (code != CTL_OK)
        return code;
    if (wish.is_same_key && wish.key)
        return ctl_command_usage("choose one of ", "--key, --same-key");
    prob = ca_tool_renew(&made, &wish, clock_seconds(&clock_system), ctl->pool);
    if (prob)
        return ctl_ca_problem(prob);
    return report(ctl, "ca.renew", &made, 0,
                  "It signs from the next reload of the server on: apachectl "
                  "graceful.  The older\ngenerations stay, for what they have "
                  "signed.  Take the root's key offline again.\n");
}

static ctl_exit_e csr(ctl_t *ctl)
{
    ca_tool_wish_t wish;
    ca_tool_made_t made;
    problem_t *prob;
    ctl_exit_e code = wish_read(&wish, ctl);

    if (code != CTL_OK)
        return code;
    wish.title = option_or(ctl, "org", ctl_ca_issuer_name(ctl, wish.dir));
    prob = ca_tool_csr(&made, &wish, ctl->log, ctl->pool);
    if (prob)
        return ctl_ca_problem(prob);
    return report(
        ctl, "ca.csr", &made, 0,
        apr_psprintf(ctl->pool,
                     "Have it signed as a CA (CA:TRUE, keyCertSign, cRLSign), "
                     "then:\n    acmectl ca install --dir %s CERTIFICATE "
                     "CHAIN\n",
                     absolute(ctl, wish.dir)));
}

static apr_array_header_t *files_of(const ctl_t *ctl)
{
    apr_array_header_t *files =
        apr_array_make(ctl->pool, 2, sizeof(const char *));
    int i;

    for (i = 0; ctl->args[i]; i++)
        APR_ARRAY_PUSH(files, const char *) = ctl->args[i];
    return files;
}

static ctl_exit_e install(ctl_t *ctl)
{
    ca_tool_wish_t wish;
    ca_tool_made_t made;
    problem_t *prob;
    ctl_exit_e code = wish_read(&wish, ctl);

    if (code != CTL_OK)
        return code;
    prob = ca_tool_install(&made, wish.dir, files_of(ctl),
                           clock_seconds(&clock_system), ctl->pool);
    if (prob)
        return ctl_ca_problem(prob);
    return report(ctl, "ca.install", &made, 1,
                  "It signs from the next reload of the server on: apachectl "
                  "graceful.\n");
}

static ctl_exit_e import(ctl_t *ctl)
{
    const char *key = ctl_option(ctl, "private-key");
    ca_tool_wish_t wish;
    ca_tool_made_t made;
    problem_t *prob;
    ctl_exit_e code = wish_read(&wish, ctl);

    if (code != CTL_OK)
        return code;
    if (!key)
        return ctl_command_usage("wanted: ", "--private-key FILE");
    prob = ca_tool_import(&made, wish.dir, key, files_of(ctl),
                          clock_seconds(&clock_system), ctl->log, ctl->pool);
    if (prob)
        return ctl_ca_problem(prob);
    return report(ctl, "ca.import", &made, 1,
                  apr_psprintf(ctl->pool,
                               "The server needs its copy of the key only.  "
                               "Is the other one still wanted?\n    %s\n",
                               absolute(ctl, key)));
}

#define DIR_OPTION                                                             \
    {                                                                          \
        "dir", "DIR", "the issuer's directory (wanted)"                        \
    }
#define ISSUER_OPTION                                                          \
    {                                                                          \
        "issuer", "NAME", "its name in the configuration"                      \
    }
#define KEY_OPTION                                                             \
    {                                                                          \
        "key", "KIND", "P-256, P-384, RSA-2048, RSA-3072, RSA-4096 or ED25519" \
    }
#define NAME_OPTIONS                                                           \
    {"name", "TEXT", "of the common names"},                                   \
    {                                                                          \
        "org", "TEXT", "organization"                                          \
    }
#define CONSTRAINT_OPTIONS                                                     \
    {"permit-dns", "NAME",                                                     \
     "certify NAME and what is below it; again for more"},                     \
        {"permit-ip", "CIDR", "certify addresses of this network"},            \
        {"exclude-dns", "NAME", "never certify NAME and what is below it"},    \
    {                                                                          \
        "exclude-ip", "CIDR", "never certify addresses of this network"        \
    }
#define END                                                                    \
    {                                                                          \
        NULL, NULL, NULL                                                       \
    }

/* clang-format off */
static const ctl_option_t init_options[] = {
    DIR_OPTION, ISSUER_OPTION, KEY_OPTION, NAME_OPTIONS,
    {"root-key", "FILE", "where the root's key is put [DIR/root.key]"},
    {"expires", "SPAN", "end of the intermediate [5y]"},
    {"root-expires", "SPAN", "end of the root [20y]"},
    CONSTRAINT_OPTIONS, END};
static const ctl_option_t renew_options[] = {
    DIR_OPTION, ISSUER_OPTION, KEY_OPTION,
    {"same-key", NULL, "keep the key; both certificates verify its leaves"},
    NAME_OPTIONS,
    {"root-key", "FILE", "where the root's key is [DIR/root.key]"},
    {"expires", "SPAN", "end of the intermediate [5y]"},
    CONSTRAINT_OPTIONS, END};
static const ctl_option_t csr_options[] = {
    DIR_OPTION, ISSUER_OPTION, KEY_OPTION, NAME_OPTIONS, CONSTRAINT_OPTIONS,
    END};
static const ctl_option_t install_options[] = {DIR_OPTION, ISSUER_OPTION, END};
static const ctl_option_t import_options[] = {
    DIR_OPTION, ISSUER_OPTION,
    {"private-key", "FILE", "the key, PEM without passphrase (wanted)"}, END};
static const ctl_option_t show_options[] = {
    {"dir", "DIR", "the issuer's directory; else the server is asked"},
    {"issuer", "NAME", "of the server's issuers, this one only"}, END};
/* clang-format on */

#define FILES     "CERTIFICATE [CHAIN…]"
#define FILES_MAX 16
#define DIR_HELP                                                               \
    "DIR holds <n>.pem and <n>.key, generations of which the newest usable\n"  \
    "one signs; ACMEIssuerDirectory names it.  Nothing that is there is "      \
    "ever\n"                                                                   \
    "overwritten."
#define CODES_HELP                                                             \
    "\nExit code 4: a certificate or key is refused, or there is one already."

const ctl_command_t ctl_ca_commands[] = {
    {"ca", "init", CTL_NEEDS_NOTHING, 0, 0, "", init_options,
     "make a root and an intermediate, and print the configuration for them\n"
     "The root's key goes to a file that you take offline.  Name constraints\n"
     "(--permit-dns …) are put on the intermediate: with names permitted but\n"
     "no addresses it can certify no address, and the other way "
     "round.\n" DIR_HELP CODES_HELP,
     init},
    {"ca", "csr", CTL_NEEDS_NOTHING, 0, 0, "", csr_options,
     "make a key and the request for an intermediate, for another CA to "
     "sign\n"
     "If DIR has generations already, what is not given is as in the newest: "
     "its\nnames, constraints and kind of key.\n" DIR_HELP CODES_HELP,
     csr},
    {"ca", "install", CTL_NEEDS_NOTHING, 1, FILES_MAX, FILES, install_options,
     "take in what the other CA has signed\n"
     "The certificate and all that is above it, the root too, in one file or\n"
     "several: PEM, DER or PKCS #7.  Refused is what fits no key in DIR, is "
     "no\n"
     "CA, or does not chain.\n" DIR_HELP CODES_HELP,
     install},
    {"ca", "import", CTL_NEEDS_NOTHING, 1, FILES_MAX, FILES, import_options,
     "take in a CA that is there already: key, certificate and chain\n"
     "Checked like what install takes in.\n" DIR_HELP CODES_HELP,
     import},
    {"ca", "renew", CTL_NEEDS_NOTHING, 0, 0, "", renew_options,
     "make a new intermediate beside the old one, with the root's key\n"
     "What is not told is as in the newest generation: kind of key, names, "
     "name\n"
     "constraints.  For an intermediate that another CA signed: csr, "
     "install.\n" DIR_HELP CODES_HELP,
     renew},
    {"ca", "crl", CTL_NEEDS_NOTHING, 0, 0, "", ctl_ca_crl_options,
     "sign the next list of what a root has revoked\n"
     "What the present one has stays in it.  Without any --revoke the list "
     "is made\nanew for another year.  The server publishes DIR/root.crl as "
     "<ACMEPath>/issuer/\n<fingerprint of the root>.crl from its next reload "
     "on.  What issuers revoke: cert\nrevoke." CODES_HELP,
     ctl_ca_crl},
    {"ca", "list", CTL_NEEDS_NOTHING, 0, 0, "", show_options,
     "the generations in DIR, or of all issuers of the server\n"
     "state: signs, ready (could sign), later, expired, keyless, broken, or\n"
     "waiting for the certificate of its request",
     ctl_ca_list},
    {"ca", "show", CTL_NEEDS_NOTHING, 0, 1, "[GENERATION]", show_options,
     "all about a generation, and its PEM; without a number, the one that "
     "signs",
     ctl_ca_show},
    {NULL, NULL, CTL_NEEDS_NOTHING, 0, 0, NULL, NULL, NULL, NULL},
};
