/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "base/b64url.h"
#include "base/pjson.h"
#include "jose/jose_jws.h"

static apr_pool_t *top;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    apr_pool_create(&top, NULL);
    json_object_seed(1);
    return 0;
}

/* A problem must be fit to be shown. */
static void show(const problem_t *prob, apr_pool_t *pool)
{
    promise(prob->status >= 400 && prob->status < 500);
    promise(pjson_text(problem_render(prob, pool), 0, pool));
}

static void key_try(const jose_jws_t *jws, apr_pool_t *pool)
{
    jose_jwk_t *jwk, *again;
    problem_t *prob = jose_jwk_parse(&jwk, jws->jwk, pool);

    if (prob) {
        show(prob, pool);
        return;
    }
    promise(strlen(jwk->thumbprint) == 43);
    again = jose_jwk_from_canonical(jwk->canonical, pool);
    promise(again && strcmp(again->thumbprint, jwk->thumbprint) == 0);
    prob = jose_jws_verify(jws, jwk, pool);
    if (prob)
        show(prob, pool);
}

static void body_try(const char *body, size_t len, apr_pool_t *pool)
{
    jose_jws_t *jws;
    problem_t *prob = jose_jws_parse(&jws, body, len, pool);

    if (prob) {
        show(prob, pool);
        return;
    }
    promise(jws->alg && jws->url && !jws->kid == !!jws->jwk);
    promise(jws->parts.payload[jws->parts.payload_len] == '\0');
    if (jws->jwk)
        key_try(jws, pool);
}

/* The input as a body, and as the protected header of one, since a fuzzer
 * rarely finds its way through base64url. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    const char *body;

    apr_pool_create(&pool, top);
    body_try((const char *)data, size, pool);
    body = apr_psprintf(pool,
                        "{\"protected\":\"%s\",\"payload\":\"e30\","
                        "\"signature\":\"%.86s\"}",
                        size ? b64url_encode(data, size, pool) : "",
                        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5d"
                        "jxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    body_try(body, strlen(body), pool);
    apr_pool_destroy(pool);
    return 0;
}
