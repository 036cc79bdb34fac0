/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/jose_mac.h"

#include <apr_strings.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/b64url.h"
#include "base/own.h"
#include "tap.h"

#define KEY "0123456789abcdef0123456789abcdef"
#define URL ",\"url\":\"https://ca.example/acme/new-account\""

/* By OpenSSL's other interface. */
static const char *mac_of(const EVP_MD *md, const char *input, apr_pool_t *pool)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    HMAC(md, KEY, (int)strlen(KEY), (const unsigned char *)input, strlen(input),
         mac, &len);
    return b64url_encode(mac, len, pool);
}

static const char *jws_make(const char *header, const EVP_MD *md,
                            apr_pool_t *pool)
{
    const char *head = b64url_encode(header, strlen(header), pool);
    const char *input = apr_pstrcat(pool, head, ".eyJhIjoxfQ", NULL);

    return apr_psprintf(pool,
                        "{\"protected\":\"%s\",\"payload\":\"eyJhIjoxfQ\","
                        "\"signature\":\"%s\"}",
                        head, mac_of(md, input, pool));
}

static problem_t *parse(jose_mac_t **mac, const char *text, apr_pool_t *pool)
{
    *mac = NULL;
    return jose_mac_parse(mac, own_json(pool, json_loads(text, 0, NULL)),
                          "binding", pool);
}

static void right(const char *alg, const EVP_MD *md, apr_pool_t *pool)
{
    const char *header = apr_pstrcat(pool, "{\"alg\":\"", alg,
                                     "\",\"kid\":\"kid-1\"" URL "}", NULL);
    jose_mac_t *mac;
    unsigned char *bad;
    apr_size_t i;

    need(!parse(&mac, jws_make(header, md, pool), pool));
    is_str(mac->alg, alg);
    is_str(mac->kid, "kid-1");
    is_str(mac->url, "https://ca.example/acme/new-account");
    is_str(mac->parts.payload, "{\"a\":1}");
    ok(jose_mac_is_right(mac, (const unsigned char *)KEY, strlen(KEY)));
    ok(!jose_mac_is_right(mac, (const unsigned char *)KEY, strlen(KEY) - 1));
    ok(!jose_mac_is_right(mac, (const unsigned char *)"", 0));
    for (i = 0; i < mac->parts.signature_len; i++) {
        bad = apr_pmemdup(pool, mac->parts.signature, mac->parts.signature_len);
        bad[i] ^= 0x80;
        mac->parts.signature = bad;
        ok(!jose_mac_is_right(mac, (const unsigned char *)KEY, strlen(KEY)));
        bad[i] ^= 0x80;
    }
    mac->parts.signature_len--;
    ok(!jose_mac_is_right(mac, (const unsigned char *)KEY, strlen(KEY)));
    mac->parts.signature_len = 0;
    ok(!jose_mac_is_right(mac, (const unsigned char *)KEY, strlen(KEY)));
}

static void algorithms_three(apr_pool_t *pool)
{
    right("HS256", EVP_sha256(), pool);
    right("HS384", EVP_sha384(), pool);
    right("HS512", EVP_sha512(), pool);
}

/* RFC 7515 A.1, less what RFC 8555 adds: only the MAC. */
static void vector(apr_pool_t *pool)
{
    static const char key[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1q"
                              "S0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    static const char input[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAi"
        "OjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    static const char want[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    jose_mac_t mac = {.digest = "SHA256"};
    const unsigned char *octets;
    apr_size_t len;

    need(!b64url_decode(&octets, &len, key, strlen(key), pool));
    need(!b64url_decode(&mac.parts.signature, &mac.parts.signature_len, want,
                        strlen(want), pool));
    mac.parts.signing_input = input;
    mac.parts.signing_input_len = strlen(input);
    ok(jose_mac_is_right(&mac, octets, len));
}

static void bad(const char *header, const char *why, apr_pool_t *pool)
{
    jose_mac_t *mac;
    problem_t *prob = parse(&mac, jws_make(header, EVP_sha256(), pool), pool);

    ok(prob && prob->type == PROBLEM_MALFORMED, "%s", header);
    ok(prob && strstr(prob->detail, why), "%s", prob ? prob->detail : header);
}

static void headers(apr_pool_t *pool)
{
    bad("{\"kid\":\"k\"" URL "}", "alg", pool);
    bad("{\"alg\":\"none\",\"kid\":\"k\"" URL "}", "none of HS", pool);
    bad("{\"alg\":\"ES256\",\"kid\":\"k\"" URL "}", "none of HS", pool);
    bad("{\"alg\":\"HS1\",\"kid\":\"k\"" URL "}", "none of HS", pool);
    bad("{\"alg\":\"HS256\"" URL "}", "kid", pool);
    bad("{\"alg\":\"HS256\",\"kid\":\"\"" URL "}", "kid", pool);
    bad("{\"alg\":\"HS256\",\"kid\":7" URL "}", "kid", pool);
    bad("{\"alg\":\"HS256\",\"kid\":\"k\u00fc\"" URL "}", "kid", pool);
    bad("{\"alg\":\"HS256\",\"kid\":\"k\"}", "url", pool);
    bad("{\"alg\":\"HS256\",\"kid\":\"k\",\"nonce\":\"AAAA\"" URL "}", "nonce",
        pool);
    bad("{\"alg\":\"HS256\",\"kid\":\"k\",\"jwk\":{}" URL "}", "jwk", pool);
    bad("{\"alg\":\"HS256\",\"kid\":\"k\",\"crit\":[]" URL "}", "crit", pool);
    bad("[]", "object", pool);
    bad("rubbish", "", pool);
}

static void shapes(apr_pool_t *pool)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "\"x\"",
        "null",
        "{\"protected\":\"e30\",\"payload\":\"\"}",
        "{\"protected\":\"e30=\",\"payload\":\"\",\"signature\":\"\"}",
        "{\"protected\":\"e30\",\"payload\":\"\",\"signature\":\"\","
        "\"header\":{}}",
        NULL};
    jose_mac_t *mac;
    int i;

    for (i = 0; texts[i]; i++) {
        problem_t *prob = jose_mac_parse(
            &mac, own_json(pool, json_loads(texts[i], JSON_DECODE_ANY, NULL)),
            "binding", pool);

        ok(prob && prob->type == PROBLEM_MALFORMED, "%s", texts[i]);
    }
}

const tap_case_t tap_cases[] = {
    {"R28 T40 HS256, HS384, HS512, every octet counts", algorithms_three},
    {"RFC 7515 A.1", vector},
    {"T40 HMAC, an ASCII kid, a url, no nonce, no jwk", headers},
    {"T41 what is no JWS is malformed", shapes},
    {NULL, NULL}};
