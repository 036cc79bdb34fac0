/* SPDX-License-Identifier: Apache-2.0 */
#include "base/token.h"

#include <apr_escape.h>
#include <apr_lib.h>
#include <limits.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/b64url.h"

#include "base/banned.h"

#define ID_OCTETS     16
#define SERIAL_OCTETS 16

void token_bytes(unsigned char *buf, apr_size_t len)
{
    if (len > INT_MAX || RAND_bytes(buf, (int)len) != 1)
        abort();
}

const char *token_make(apr_size_t len, apr_pool_t *pool)
{
    unsigned char *octets = apr_palloc(pool, len);

    token_bytes(octets, len);
    return b64url_encode(octets, len, pool);
}

/* The letters of base64url in the order of their codes: so texts sort as the
 * octets do, which base64url's own order would not give. */
static char *sortable_encode(const unsigned char *octets, apr_size_t len,
                             apr_pool_t *pool)
{
    static const char letters[] = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                  "abcdefghijklmnopqrstuvwxyz";
    char *text = apr_palloc(pool, (len * 8 + 5) / 6 + 1), *end = text;
    unsigned int bits = 0, count = 0;
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        bits = (bits << 8 | octets[i]) & 0xffff;
        for (count += 8; count >= 6; count -= 6)
            *end++ = letters[bits >> (count - 6) & 63];
    }
    if (count)
        *end++ = letters[bits << (6 - count) & 63];
    *end = '\0';
    return text;
}

const char *token_id(apr_time_t now, apr_pool_t *pool)
{
    unsigned char octets[ID_OCTETS];
    apr_uint32_t seconds = (apr_uint32_t)apr_time_sec(now);

    token_bytes(octets + 4, sizeof(octets) - 4);
    octets[0] = (unsigned char)(seconds >> 24);
    octets[1] = (unsigned char)(seconds >> 16);
    octets[2] = (unsigned char)(seconds >> 8);
    octets[3] = (unsigned char)seconds;
    return sortable_encode(octets, sizeof(octets), pool);
}

int token_id_ok(const char *text)
{
    int i;

    for (i = 0; i < TOKEN_ID_LEN; ++i) {
        if (!apr_isalnum(text[i]) && text[i] != '-' && text[i] != '_')
            return 0;
    }
    return text[i] == '\0';
}

const char *token_serial(apr_pool_t *pool)
{
    unsigned char octets[SERIAL_OCTETS];

    token_bytes(octets, sizeof(octets));
    octets[0] = (unsigned char)((octets[0] & 0x3f) | 0x40);
    return apr_pescape_hex(pool, octets, sizeof(octets), 0);
}
