/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_garbage.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "jose/jose_jwk.h"
#include "jose/jose_sign.h"

#include "base/banned.h"

#define CHANGES_MAX 4
#define GROWTH_MAX  400

static apr_size_t below(unsigned int *seed, apr_size_t n)
{
    return n ? (apr_size_t)rand_r(seed) % n : 0;
}

/* Some octets are overwritten, cut out, repeated or cut off, or a run of one
 * octet is put in. */
static apr_size_t change(char *text, apr_size_t len, unsigned int *seed)
{
    apr_size_t at = below(seed, len), some = below(seed, 30), room = len - at;

    if (some > room)
        some = room;
    switch (below(seed, 5)) {
    case 0:
        text[at] = (char)below(seed, 256);
        return len;
    case 1:
        memmove(text + at, text + at + some, room - some);
        return len - some;
    case 2:
        memmove(text + at + some, text + at, room);
        return len + some;
    case 3:
        return at;
    default:
        some = below(seed, GROWTH_MAX);
        memmove(text + at + some, text + at, room);
        memset(text + at, (int)below(seed, 128), some);
        return len + some;
    }
}

static const char *mutate(apr_size_t *len, const char *text, unsigned int *seed,
                          apr_pool_t *pool)
{
    apr_size_t size = strlen(text) + CHANGES_MAX * GROWTH_MAX + 1;
    char *copy = apr_pcalloc(pool, size);
    int i, changes = 1 + (int)below(seed, CHANGES_MAX);

    *len = strlen(text);
    memcpy(copy, text, *len);
    for (i = 0; i < changes; i++)
        *len = change(copy, *len, seed);
    copy[*len] = '\0';
    return copy;
}

static const char *payload_of(const bench_acme_t *acme)
{
    return acme->kid ? "{\"identifiers\":[{\"type\":\"dns\",\"value\":"
                       "\"w0-n0.bench.test\"},{\"type\":\"dns\",\"value\":"
                       "\"w0-n1.bench.test\"}],\"notAfter\":"
                       "\"2030-01-01T00:00:00Z\"}"
                     : "{\"termsOfServiceAgreed\":true,\"contact\":"
                       "[\"mailto:somebody@bench.test\"]}";
}

static const char *header_of(const bench_acme_t *acme, const char *url)
{
    const char *who =
        acme->kid ? apr_psprintf(acme->pool, "\"kid\":\"%s\"", acme->kid)
                  : apr_psprintf(
                        acme->pool, "\"jwk\":%s",
                        jose_jwk_from_pkey(acme->key, acme->pool)->canonical);

    return apr_psprintf(acme->pool,
                        "{\"alg\":\"%s\",%s,\"nonce\":\"%s\",\"url\":\"%s\"}",
                        jose_sign_alg(acme->key), who, acme->nonce, url);
}

static const char *verdict(bench_acme_t *acme)
{
    const char *type = json_string_value(json_object_get(acme->json, "type"));

    if (acme->status >= 200 && acme->status < 300)
        return NULL;
    if (acme->status >= 400 && acme->status < 500 && type &&
        !strncmp(type, "urn:ietf:params:acme:error:", 27))
        return NULL;
    return apr_psprintf(acme->pool, "status %ld: %s", acme->status, acme->body);
}

const char *bench_garbage(bench_acme_t *acme, unsigned int *seed)
{
    const char *url = acme->kid ? acme->new_order : acme->new_account;
    const char *payload = payload_of(acme), *header, *body, *err = NULL;
    apr_size_t len = strlen(payload), where = below(seed, 3), ignored;

    if (!acme->nonce[0])
        err = bench_acme_get(acme, acme->new_nonce, 1);
    if (err)
        return err;
    header = header_of(acme, url);
    if (where == 0)
        header = mutate(&ignored, header, seed, acme->pool);
    if (where == 1)
        payload = mutate(&len, payload, seed, acme->pool);
    body = jose_sign(acme->key, header, payload, len, acme->pool);
    len = strlen(body);
    if (where == 2)
        body = mutate(&len, body, seed, acme->pool);
    acme->nonce[0] = '\0';
    err = bench_acme_post_raw(acme, url, body, len);
    return err ? err : verdict(acme);
}
