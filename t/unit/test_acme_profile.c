/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_profile.h"

#include <apr_strings.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/b64url.h"
#include "ca/ca_hierarchy.h"
#include "handle_eab.h"
#include "policy/policy_make.h"
#include "recipe.h"
#include "tap.h"

#define DAY 86400

static void refused(const reply_t *r, int status, const char *problem,
                    const char *words)
{
    is_int(r->status, status);
    is_str(r->problem, problem);
    ok(strstr(r->detail, words), "no \"%s\" in: %s", words, r->detail);
}

/* Profiles "web" (the default one), "client", and "code", for keys only. */
static handle_t *start(apr_pool_t *pool)
{
    handle_t *h = handle_make(tap_tmpdir(), pool);

    apr_array_clear(h->conf->profiles);
    profile_add(h, "web")->description = "TLS servers, 90 days";
    profile_add(h, "client")->validity.validity = 7 * DAY;
    profile_add(h, "code")->external = ACME_EXTERNAL_REQUIRED;
    profile_add(h, "later")->enrollment = 0;
    h->conf->default_profile = "web";
    return h;
}

static acme_profile_t *profile(handle_t *h, const char *name)
{
    return (acme_profile_t *)acme_conf_profile(h->conf, name);
}

static policy_t *policy(handle_t *h, const char *name)
{
    return (policy_t *)profile(h, name)->policy;
}

static client_t *registered(handle_t *h, const char *directory)
{
    client_t *c = client_make(h, "P-256");

    client_bind(c, directory, NULL, NULL);
    return c;
}

static client_t *with_key(handle_t *h, const char *directory,
                          const char *of_profile, const char *allow)
{
    client_t *c = client_make(h, "P-256");
    eab_t *eab = eab_make(h, of_profile);

    eab->row.allow = allow;
    eab_store(eab);
    client_bind(c, directory, eab, NULL);
    return c;
}

static const char *csr(handle_t *h, const char *names)
{
    return csr_make(key_make("P-256", h->pool), names, NULL, h->pool);
}

static reply_t *finalized(client_t *c, reply_t *order, const char *names)
{
    return client_finalize(c, order, csr(c->h, names));
}

static X509 *leaf(client_t *c, const reply_t *order)
{
    reply_t *r = client_post(c, reply_text(order, "certificate"), "");

    return APR_ARRAY_IDX(reply_certs(r), 0, X509 *);
}

static void directories(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    reply_t *r = handle_request(h, "GET", handle_url(h, "directory"));

    is_int(r->status, 200);
    is_str(reply_text(r, "meta/profiles/web"), "TLS servers, 90 days");
    is_str(reply_text(r, "meta/profiles/client"), "client");
    is_int(reply_count(r, "meta/profiles"), 3);
    is_str(reply_text(r, "meta/externalAccountRequired"), "false");
    r = handle_request(h, "GET", directory_url(h, "code", "directory"));
    is_int(r->status, 200);
    is_str(reply_text(r, "meta/profiles/code"), "code");
    is_int(reply_count(r, "meta/profiles"), 1);
    is_str(reply_text(r, "meta/externalAccountRequired"), "true");
    is_str(reply_text(r, "newOrder"), directory_url(h, "code", "new-order"));
    is_int(handle_request(h, "GET", directory_url(h, "later", "directory"))
               ->status,
           404);
    h->conf->default_profile = NULL;
    is_int(handle_request(h, "GET", handle_url(h, "directory"))->status, 404);
}

static void chosen(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "");
    reply_t *r = order_in(c, "", "a.test", NULL);

    is_int(r->status, 201);
    is_str(reply_text(r, "profile"), "web");
    r = order_in(c, "", "a.test", ",\"profile\":\"client\"");
    is_int(r->status, 201);
    is_str(reply_text(r, "profile"), "client");
    r = client_post(c, r->location, "");
    is_str(reply_text(r, "profile"), "client");
    client_authorize(c, r);
    r = finalized(c, r, "a.test");
    is_str(reply_text(r, "status"), "valid");
    ok(X509_cmp_current_time(X509_get0_notAfter(leaf(c, r))) != 0);
    refused(order_in(c, "", "a.test", ",\"profile\":\"nosuch\""), 400,
            "invalidProfile", "web client");
    refused(order_in(c, "", "a.test", ",\"profile\":\"code\""), 400,
            "invalidProfile", "\"code\"");
    refused(order_in(c, "", "a.test", ",\"profile\":\"later\""), 400,
            "invalidProfile", "\"later\"");
    refused(order_in(c, "", "a.test", ",\"profile\":7"), 400, "malformed",
            "profile");
}

static void own_directory(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "client");
    reply_t *r = order_in(c, "client", "a.test", NULL);

    is_str(reply_text(r, "profile"), "client");
    is_int(order_in(c, "client", "a.test", ",\"profile\":\"client\"")->status,
           201);
    refused(order_in(c, "client", "a.test", ",\"profile\":\"web\""), 400,
            "invalidProfile", "client");
    /* An account acts in its own directory only. */
    refused(order_in(c, "web", "a.test", NULL), 400, "accountDoesNotExist",
            "directory");
    refused(order_in(c, "", "a.test", NULL), 400, "accountDoesNotExist",
            "directory");
}

/* "that profile needs no EAB, or the account's EAB key names it" */
static void with_keys(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = with_key(h, "", "code", NULL), *plain;
    reply_t *r = order_in(c, "", "a.test", ",\"profile\":\"code\"");

    is_int(r->status, 201);
    is_str(reply_text(r, "profile"), "code");
    is_int(order_in(c, "", "a.test", NULL)->status, 201);
    is_int(order_in(c, "code", "a.test", NULL)->status, 400);
    /* A key of another profile is of no use in a profile's own directory. */
    c = client_make(h, "P-256");
    {
        eab_t *eab = eab_make(h, "web");

        eab_store(eab);
        refused(client_bind(c, "code", eab, NULL), 403, "unauthorized",
                "another directory");
    }
    /* Accounts from before the profile wanted keys. */
    plain = registered(h, "client");
    is_int(order_in(plain, "client", "a.test", NULL)->status, 201);
    profile(h, "client")->external = ACME_EXTERNAL_REQUIRED;
    refused(order_in(plain, "client", "a.test", NULL), 403,
            "externalAccountRequired", "client");
}

/* Removing a profile stops issuance; what was made stays. */
static void removed(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "client");
    reply_t *done = order_in(c, "client", "a.test", NULL), *open, *r;
    int i;

    client_authorize(c, done);
    done = finalized(c, done, "a.test");
    open = order_in(c, "client", "a.test b.test", NULL);
    client_authorize(c, open);
    for (i = 0; i < h->conf->profiles->nelts; i++)
        if (APR_ARRAY_IDX(h->conf->profiles, i, acme_profile_t *) ==
            profile(h, "client"))
            break;
    APR_ARRAY_IDX(h->conf->profiles, i, acme_profile_t *) = profile(h, "web");
    is_int(handle_request(h, "GET", directory_url(h, "client", "directory"))
               ->status,
           404);
    is_int(order_in(c, "client", "c.test", NULL)->status, 404);
    is_int(client_post(c, c->kid, "")->status, 200);
    is_int(client_post(c, open->location, "")->status, 200);
    r = client_post(c, done->location, "");
    is_int(r->status, 200);
    is_int(client_post(c, reply_text(r, "certificate"), "")->status, 200);
    refused(finalized(c, open, "a.test b.test"), 400, "invalidProfile",
            "not offered");
}

/* T46, T61: the policy, the key, the network, the issuer, all at once. */
static void names(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    apr_array_header_t *words = apr_array_make(pool, 1, sizeof(char *));
    client_t *c;
    reply_t *r;

    profile(h, "web")->external = ACME_EXTERNAL_OPTIONAL;
    c = with_key(h, "web", "web", "[\"*.corp.test\",\"x.test\"]");

    need(!policy_san_add(policy(h, "web"), "dns", "allow", "**.test", pool));
    need(!policy_san_add(policy(h, "web"), "dns", "deny", "secret.corp.test",
                         pool));
    APR_ARRAY_PUSH(words, const char *) = "requested-from=10.0.0.0/8";
    need(!policy_network_add(policy(h, "web"), "ten.corp.test", words, pool));
    is_int(order_in(c, "web", "a.corp.test x.test", NULL)->status, 201);
    r = order_in(c, "web", "a.corp.test secret.corp.test a.test ten.corp.test",
                 NULL);
    refused(r, 403, "rejectedIdentifier", "");
    is_int(reply_count(r, "subproblems"), 3);
    refused(order_in(c, "web", "ten.corp.test", NULL), 403,
            "rejectedIdentifier", "10.0.0.0/8");
    c->ip = "10.1.1.1";
    r = order_in(c, "web", "ten.corp.test", NULL);
    is_int(r->status, 201);
    client_authorize(c, r);
    c->ip = "192.0.2.1";
    refused(finalized(c, r, "ten.corp.test"), 403, "rejectedIdentifier",
            "10.0.0.0/8");
    c->ip = "10.1.1.1";
    need(!policy_san_add(policy(h, "web"), "dns", "deny", "ten.corp.test",
                         pool));
    refused(finalized(c, r, "ten.corp.test"), 403, "rejectedIdentifier",
            "ten.corp.test");
    /* What is wrong with the CSR, too. */
    policy(h, "web")->key_kinds = POLICY_KEY_RSA;
    r = finalized(c, r, "ten.corp.test");
    is_str(r->problem, "compound");
    is_int(reply_count(r, "subproblems"), 2);
    ok(strstr(r->detail, "ten.corp.test"), "%s", r->detail);
    ok(strstr(reply_text(r, "subproblems/1/type"), ":badCSR"));
}

static void no_validation(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c;
    reply_t *r, *authz;

    profile(h, "code")->validation = 0;
    c = with_key(h, "code", "code",
                 "[\"*.corp.test\",\"wildcard:*.corp.test\"]");
    refused(order_in(c, "code", "*.corp.test", NULL), 403, "rejectedIdentifier",
            "wildcard");
    need(!policy_san_add(policy(h, "code"), "dns", "allow", "*.corp.test",
                         pool));
    need(!policy_san_add(policy(h, "code"), "dns", "allow",
                         "wildcard:*.corp.test", pool));
    r = order_in(c, "code", "a.corp.test *.corp.test", NULL);
    is_int(r->status, 201);
    is_str(reply_text(r, "status"), "ready");
    authz = client_post(c, reply_text(r, "authorizations/0"), "");
    is_str(reply_text(authz, "status"), "valid");
    ok(reply_text(authz, "expires"));
    r = finalized(c, r, "a.corp.test *.corp.test");
    is_str(reply_text(r, "status"), "valid");
    ok(X509_check_host(leaf(c, r), "b.corp.test", 0, 0, NULL) == 1);
    refused(order_in(c, "code", "a.test", NULL), 403, "rejectedIdentifier",
            "a.test");
    /* Neither the policy nor the key has a list. */
    profile(h, "code")->policy = policy_make("open", pool);
    c = with_key(h, "code", "code", NULL);
    refused(order_in(c, "code", "a.test", NULL), 403, "rejectedIdentifier",
            "a.test");
    need(!policy_san_add(policy(h, "code"), "dns", "allow", "*.test", pool));
    is_str(reply_text(order_in(c, "code", "a.test", NULL), "status"), "ready");
}

/* --skip-validation is one key's; without a key names are proven. */
static void skipped(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = client_make(h, "P-256"), *plain;
    eab_t *eab = eab_make(h, "web");

    profile(h, "web")->external = ACME_EXTERNAL_OPTIONAL;
    eab->row.skip_validation = 1;
    eab->row.allow = "[\"*.test\"]";
    eab_store(eab);
    client_bind(c, "web", eab, NULL);
    is_str(reply_text(order_in(c, "web", "a.test", NULL), "status"), "ready");
    plain = registered(h, "web");
    is_str(reply_text(order_in(plain, "web", "a.test", NULL), "status"),
           "pending");
    profile(h, "web")->validation = 0;
    is_str(reply_text(order_in(plain, "web", "a.test", NULL), "status"),
           "pending");
}

/* What was never proven is no proof later on. */
static void wanted_again(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c;
    reply_t *order;

    profile(h, "code")->validation = 0;
    c = with_key(h, "code", "code", "[\"*.test\"]");
    order = order_in(c, "code", "c.test", NULL);
    is_str(reply_text(order, "status"), "ready");
    profile(h, "code")->validation = 1;
    refused(finalized(c, order, "c.test"), 403, "unauthorized",
            "validated by now");
    is_str(reply_text(order_in(c, "code", "c.test", NULL), "status"),
           "pending");
}

/* Gives the issuer these name constraints. */
static void constrain(NAME_CONSTRAINTS **value, handle_t *h, const char *text)
{
    acme_issuer_t *issuer = handle_issuer(h);
    ca_issuer_t *copy =
        apr_pmemdup(h->pool, issuer->set->issuer, sizeof(*copy));
    ca_constraint_t *constraint = apr_pcalloc(h->pool, sizeof(*constraint));
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, text);

    need(extension);
    *value = X509V3_EXT_d2i(extension);
    constraint->value = *value;
    constraint->owner = "CN=Issuing CA";
    X509_EXTENSION_free(extension);
    copy->constraints = apr_array_make(h->pool, 1, sizeof(ca_constraint_t *));
    APR_ARRAY_PUSH(copy->constraints, ca_constraint_t *) = constraint;
    issuer->set->issuer = copy;
}

/* The issuer's name constraints, named. */
static void constraints(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "web");
    NAME_CONSTRAINTS *value;
    reply_t *r;

    constrain(&value, h, "permitted;DNS:corp.test");
    is_int(order_in(c, "web", "a.corp.test", NULL)->status, 201);
    refused(order_in(c, "web", "a.corp.test a.test", NULL), 403,
            "rejectedIdentifier", "corp.test");
    /* Together with what the policy says. */
    need(!policy_san_add(policy(h, "web"), "dns", "deny", "b.corp.test", pool));
    r = order_in(c, "web", "a.test b.corp.test", NULL);
    is_int(reply_count(r, "subproblems"), 2);
    is_str(reply_text(r, "subproblems/0/identifier/value"), "b.corp.test");
    is_str(reply_text(r, "subproblems/1/identifier/value"), "a.test");
    NAME_CONSTRAINTS_free(value);
}

/* Of what only the CSR says: before the order is claimed, which stays ready. */
static void constraints_of_csr(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "web");
    NAME_CONSTRAINTS *value;
    der_t der = CSR(.ext = {"subjectAltName=DNS:a.test,email:x@b.test"});
    reply_t *order = order_in(c, "web", "a.test", NULL), *r;

    constrain(&value, h, "permitted;email:corp.test");
    need(!policy_san_add(policy(h, "web"), "email", "allow", "*@b.test", pool));
    client_authorize(c, order);
    r = client_finalize(c, order, b64url_encode(der.data, der.len, pool));
    refused(r, 400, "badCSR", "only email:corp.test");
    order = client_post(c, order->location, "");
    is_str(reply_text(order, "status"), "ready");
    is_str(reply_text(finalized(c, order, "a.test"), "status"), "valid");
    NAME_CONSTRAINTS_free(value);
}

/* Authorizations are reused in their profile only. */
static void reuse(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "");
    reply_t *r = order_in(c, "", "a.test", NULL);

    client_authorize(c, r);
    is_str(reply_text(order_in(c, "", "a.test", NULL), "status"), "ready");
    r = order_in(c, "", "a.test", ",\"profile\":\"client\"");
    is_str(reply_text(r, "status"), "pending");
}

/* ACMEProfileSubject where the request is silent; T56 what the policy names. */
static void subject(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "web");
    X509_NAME *name;
    char text[200];
    reply_t *r;

    APR_ARRAY_PUSH(profile(h, "web")->subject, const char *) = "O=Example Corp";
    APR_ARRAY_PUSH(profile(h, "web")->subject, const char *) = "C=DE";
    need(!policy_subject_add(policy(h, "web"), "O", "require", "Example Corp",
                             pool));
    need(!policy_subject_add(policy(h, "web"), "C", "allow", "DE", pool));
    r = order_in(c, "web", "a.test", NULL);
    client_authorize(c, r);
    r = finalized(c, r, "a.test");
    is_str(reply_text(r, "status"), "valid");
    name = X509_get_subject_name(leaf(c, r));
    X509_NAME_oneline(name, text, sizeof(text));
    ok(strstr(text, "/O=Example Corp") && strstr(text, "/C=DE") &&
           strstr(text, "/CN=a.test"),
       "%s", text);
    /* Without the default what is required is missing. */
    apr_array_clear(profile(h, "web")->subject);
    r = order_in(c, "web", "a.test", NULL);
    refused(finalized(c, r, "a.test"), 400, "badCSR", "O");
}

/* T50: beyond the policy is refused, and the limit named. */
static void validity(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "web");

    need(!policy_max_validity_set(policy(h, "web"), 30 * DAY, pool));
    profile(h, "web")->validity.validity = 30 * DAY;
    /* HANDLE_NOW is 2026-09-21. */
    is_int(
        order_in(c, "web", "a.test", ",\"notAfter\":\"2026-10-20T00:00:00Z\"")
            ->status,
        201);
    refused(
        order_in(c, "web", "a.test", ",\"notAfter\":\"2026-12-20T00:00:00Z\""),
        400, "malformed", "30");
}

/* The issuer of one profile is away: that profile answers 503, the others do
 * not. */
static void issuers(apr_pool_t *pool)
{
    handle_t *h = start(pool);
    client_t *c = registered(h, "web"), *other = registered(h, "client");
    acme_issuer_t *corp = acme_issuer_make("corp", pool);
    reply_t *r;

    corp->problem = "corp.pem: expired";
    APR_ARRAY_PUSH(h->conf->issuers, acme_issuer_t *) = corp;
    profile(h, "web")->issuer = "corp";
    r = order_in(c, "web", "a.test", NULL);
    is_int(r->status, 503);
    ok(r->retry_after);
    ok(strstr(h->log_text, "corp.pem: expired"), "%s", h->log_text);
    is_int(order_in(other, "client", "a.test", NULL)->status, 201);
    corp->set = handle_issuer(h)->set;
    is_int(order_in(c, "web", "a.test", NULL)->status, 201);
    /* It signs in a way that the policy does not allow. */
    policy(h, "web")->signatures = POLICY_SIGNATURE_SHA512;
    is_int(order_in(c, "web", "a.test", NULL)->status, 503);
}

const tap_case_t tap_cases[] = {
    {"T87 meta.profiles and each profile's directory", directories},
    {"T87 newOrder picks a profile", chosen},
    {"T09 a profile's own directory", own_directory},
    {"T87 profiles for accounts with a key", with_keys},
    {"removed profiles serve what they made", removed},
    {"T46 T61 policy, key and network at newOrder and finalize", names},
    {"R17 without validation orders are born ready", no_validation},
    {"validation skipped by a key", skipped},
    {"T61 validation wanted again", wanted_again},
    {"T46 the issuer's name constraints", constraints},
    {"T57 name constraints and the CSR: the order stays ready",
     constraints_of_csr},
    {"authorizations are reused in their profile", reuse},
    {"T56 the profile's subject", subject},
    {"T50 the policy's longest validity", validity},
    {"503 only where the issuer is away", issuers},
    {NULL, NULL}};
