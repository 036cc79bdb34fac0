/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_request.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_account.h"
#include "base/pjson.h"
#include "base/token.h"
#include "jose/jose_jws.h"
#include "policy/policy_key.h"

#include "base/banned.h"

/* Account keys are not the policy's business (that is about certificates):
 * every algorithm we verify (RFC 8555 6.2), of sound strength. */
static const policy_t account_key_policy = {
    .name = "account keys",
    .key_kinds = POLICY_KEY_P256 | POLICY_KEY_P384 | POLICY_KEY_P521 |
                 POLICY_KEY_RSA | POLICY_KEY_ED25519,
    .rsa_min = 2048,
    .rsa_max = 8192,
};

/* RFC 8555 6.2.  Parameters and case are the client's taste (T01). */
static int is_jose_json(const char *content_type)
{
    static const char want[] = "application/jose+json";
    apr_size_t len = sizeof(want) - 1;

    if (!content_type || strncasecmp(content_type, want, len))
        return 0;
    content_type += len;
    content_type += strspn(content_type, " \t");
    return !*content_type || *content_type == ';';
}

static problem_t *body_check(const acme_request_t *req)
{
    problem_t *prob;

    if (req->is_body_too_large) {
        prob = problem_make(req->pool, PROBLEM_MALFORMED,
                            "the request body is larger than %d bytes",
                            ACME_BODY_MAX);
        prob->status = 413;
        return prob;
    }
    if (!is_jose_json(req->content_type)) {
        prob = problem_make(req->pool, PROBLEM_MALFORMED,
                            "the Content-Type is \"%.64s\", it must be "
                            "\"application/jose+json\" (RFC 8555 6.2)",
                            req->content_type ? req->content_type : "");
        prob->status = 415;
        return prob;
    }
    if (!req->body || !req->body_len)
        return problem_make(req->pool, PROBLEM_MALFORMED,
                            "the request has no body, it must be a JWS");
    return NULL;
}

problem_t *acme_request_key(jose_jwk_t **key, const acme_t *acme, json_t *jwk,
                            apr_pool_t *pool)
{
    problem_t *prob = jose_jwk_parse(key, jwk, pool);

    if (prob)
        return prob;
    return policy_key_check(&account_key_policy, (*key)->pkey,
                            acme->conf->blocklist, PROBLEM_BAD_PUBLIC_KEY,
                            pool);
}

/* RFC 8555 6.2: newAccount is signed with a jwk. */
static problem_t *key_from_jwk(acme_verified_t *v, const acme_t *acme,
                               const jose_jws_t *jws)
{
    if (!jws->jwk)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "this request must be signed with a \"jwk\", not "
                            "a \"kid\", in the protected header");
    return acme_request_key(&v->key, acme, jws->jwk, v->pool);
}

/* Of a certificate: what is wrong with it may be why it is to be revoked. */
static problem_t *key_from_holder(acme_verified_t *v, const jose_jws_t *jws)
{
    return jose_jwk_parse(&v->key, jws->jwk, v->pool);
}

static problem_t *problem_no_account(const acme_verified_t *v, const char *kid)
{
    return problem_make(v->pool, PROBLEM_ACCOUNT_DOES_NOT_EXIST,
                        "the kid \"%.256s\" is not the URL of an account of "
                        "this directory",
                        kid);
}

/* The kid is a whole URL of this directory; its last word alone says nothing
 * (T09). */
static problem_t *key_from_kid(acme_verified_t *v, acme_t *acme,
                               const jose_jws_t *jws)
{
    store_account_t *account;
    const char *id;
    apr_status_t rv;

    if (!jws->kid)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "this request must be signed with the account's "
                            "URL as \"kid\", not with a \"jwk\", in the "
                            "protected header");
    id = acme_route_id(acme->conf, ACME_ROUTE_ACCOUNT, v->route->directory,
                       jws->kid, v->pool);
    if (!id)
        return problem_no_account(v, jws->kid);
    rv = store_account_get(&account, acme->store, id, v->pool);
    if (APR_STATUS_IS_ENOENT(rv))
        return problem_no_account(v, jws->kid);
    if (rv != APR_SUCCESS)
        return problem_internal(v->pool, rv, "get account %s", id);
    if (strcmp(account->realm, acme->conf->realm) ||
        strcmp(account->directory, v->route->directory))
        return problem_no_account(v, jws->kid);
    v->account = account;
    if (strcmp(account->status, "valid"))
        return acme_account_problem(account, v->pool);
    return acme_account_key(&v->key, acme, account, v->pool);
}

static problem_t *key_find(acme_verified_t *v, acme_t *acme,
                           const jose_jws_t *jws)
{
    acme_signer_e signer = v->route->endpoint->signer;

    if (signer == ACME_SIGNER_EITHER && jws->jwk)
        return key_from_holder(v, jws);
    if (signer == ACME_SIGNER_JWK)
        return key_from_jwk(v, acme, jws);
    return key_from_kid(v, acme, jws);
}

/* RFC 8555 6.4: never against the Host header (T13). */
static problem_t *url_check(acme_verified_t *v, const acme_t *acme,
                            const jose_jws_t *jws)
{
    if (!jws->url)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the protected header has no \"url\"");
    v->url = jws->url;
    if (acme_route_is_url(acme->conf, v->route, jws->url))
        return NULL;
    return problem_make(v->pool, PROBLEM_UNAUTHORIZED,
                        "the \"url\" in the protected header is \"%.256s\", "
                        "but this resource is \"%s%s\"",
                        jws->url, acme->conf->base_url, v->route->path);
}

static int is_refused_for_test(const acme_conf_t *conf)
{
    unsigned char roll[2];

    if (!conf->nonce_reject)
        return 0;
    token_bytes(roll, sizeof(roll));
    return (roll[0] << 8 | roll[1]) % 100 < conf->nonce_reject;
}

/* The sentence is what acme.sh looks for (R4). */
static problem_t *nonce_check(const acme_verified_t *v, acme_t *acme,
                              const jose_jws_t *jws)
{
    if (!jws->nonce)
        return problem_make(v->pool, PROBLEM_BAD_NONCE,
                            "JWS has no anti-replay nonce; take the one in "
                            "this answer's Replay-Nonce");
    if (acme_nonce_redeem(acme->nonces, jws->nonce) &&
        !is_refused_for_test(acme->conf))
        return NULL;
    return problem_make(v->pool, PROBLEM_BAD_NONCE,
                        "JWS has an invalid anti-replay nonce: \"%.64s\"; take "
                        "the one in this answer's Replay-Nonce",
                        jws->nonce);
}

/* RFC 8555 6.3: "" is POST-as-GET, "{}" is not (T17). */
static problem_t *payload_check(acme_verified_t *v, const jose_jws_t *jws)
{
    acme_payload_e want = v->route->endpoint->payload;
    problem_t *prob;

    if (!jws->parts.payload_len) {
        if (want != ACME_PAYLOAD_OBJECT)
            return NULL;
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "the payload is empty, this resource needs a JSON "
                            "object");
    }
    if (want == ACME_PAYLOAD_EMPTY)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "this resource is only read: the payload must be "
                            "the empty string (POST-as-GET, RFC 8555 6.3)");
    prob = pjson_parse(&v->payload, jws->parts.payload, jws->parts.payload_len,
                       "payload", v->pool);
    if (prob)
        return prob;
    return pjson_object_check(v->payload, "payload", v->pool);
}

problem_t *acme_request_verify(acme_verified_t *v, acme_t *acme)
{
    jose_jws_t *jws;
    problem_t *prob;

    prob = body_check(v->req);
    if (prob)
        return prob;
    prob = jose_jws_parse(&jws, v->req->body, v->req->body_len, v->pool);
    if (prob)
        return prob;
    prob = key_find(v, acme, jws);
    if (prob)
        return prob;
    prob = jose_jws_verify(jws, v->key, v->pool);
    if (prob)
        return prob;
    prob = url_check(v, acme, jws);
    if (prob)
        return prob;
    prob = nonce_check(v, acme, jws);
    if (prob)
        return prob;
    return payload_check(v, jws);
}

acme_verified_t *acme_request_make(const acme_t *acme,
                                   const acme_route_t *route,
                                   const acme_request_t *req)
{
    acme_verified_t *v = apr_pcalloc(req->pool, sizeof(*v));

    v->req = req;
    v->route = route;
    v->now = clock_seconds(acme->clock);
    v->pool = req->pool;
    v->log = req->log;
    return v;
}
