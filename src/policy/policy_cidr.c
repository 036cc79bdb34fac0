/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_cidr.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>

#include "base/quote.h"

#include "base/banned.h"

#define QUOTE_MAX 80
#define BITS      128
#define V4_BITS   32

static const unsigned char mapped[12] = {0, 0, 0, 0, 0,    0,
                                         0, 0, 0, 0, 0xff, 0xff};

/* 0 for what is no address; *is_v4: it was written as one. */
static int address_parse(unsigned char octets[16], int *is_v4, const char *text)
{
    *is_v4 = !strchr(text, ':');
    if (!*is_v4)
        return inet_pton(AF_INET6, text, octets) == 1;
    memcpy(octets, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, octets + sizeof(mapped)) == 1;
}

/* "8" → 8; -1 if it is no number up to max. */
static int length_parse(const char *text, int max)
{
    int length = 0;

    if (!*text || (*text == '0' && text[1]))
        return -1;
    for (; *text; ++text) {
        if (!apr_isdigit(*text))
            return -1;
        length = length * 10 + (*text - '0');
        if (length > max)
            return -1;
    }
    return length;
}

/* Clear all bits from length on; were there any? */
static int host_bits_clear(unsigned char octets[16], int length)
{
    int i, had = 0;

    for (i = length; i < BITS; ++i) {
        int bit = 0x80 >> (i % 8);

        had |= octets[i / 8] & bit;
        octets[i / 8] &= (unsigned char)~bit;
    }
    return had != 0;
}

static const char *host_bits_fault(const char *text,
                                   const unsigned char octets[16], int is_v4,
                                   int length, apr_pool_t *pool)
{
    char address[INET6_ADDRSTRLEN] = "";

    inet_ntop(is_v4 ? AF_INET : AF_INET6,
              is_v4 ? octets + sizeof(mapped) : octets, address,
              sizeof(address));
    return apr_psprintf(pool,
                        "\"%s\" has bits behind its prefix; write %s/%d, or "
                        "the address alone",
                        quote_make(text, strlen(text), QUOTE_MAX, pool),
                        address, length);
}

const char *policy_cidr_parse(policy_cidr_t **cidr, const char *text,
                              apr_pool_t *pool)
{
    policy_cidr_t *made = apr_palloc(pool, sizeof(*made));
    char *address = apr_pstrdup(pool, text), *slash = strchr(address, '/');
    int is_v4, max, length;

    if (slash)
        *slash = '\0';
    if (!address_parse(made->octets, &is_v4, address))
        return apr_psprintf(pool,
                            "\"%s\" is no address or network; write it like "
                            "10.0.0.0/8 or 2001:db8::/32",
                            quote_make(text, strlen(text), QUOTE_MAX, pool));
    max = is_v4 ? V4_BITS : BITS;
    length = slash ? length_parse(slash + 1, max) : max;
    if (length < 0)
        return apr_psprintf(pool,
                            "\"%s\" has no length from 0 to %d behind "
                            "\"/\"; write one",
                            quote_make(text, strlen(text), QUOTE_MAX, pool),
                            max);
    made->length = is_v4 ? length + BITS - V4_BITS : length;
    made->text = apr_pstrdup(pool, text);
    if (host_bits_clear(made->octets, made->length))
        return host_bits_fault(text, made->octets, is_v4, length, pool);
    *cidr = made;
    return NULL;
}

const char *policy_cidr_list_parse(apr_array_header_t *list, const char *text,
                                   apr_pool_t *pool)
{
    apr_size_t len;
    policy_cidr_t *cidr;
    const char *fault;

    for (;;) {
        len = strcspn(text, ",");
        fault = policy_cidr_parse(&cidr, apr_pstrmemdup(pool, text, len), pool);
        if (fault)
            return fault;
        APR_ARRAY_PUSH(list, policy_cidr_t *) = cidr;
        if (!text[len])
            return NULL;
        text += len + 1;
    }
}

/* Do the first length bits agree? */
static int has_prefix(const unsigned char a[16], const unsigned char b[16],
                      int length)
{
    apr_size_t whole = (apr_size_t)length / 8;
    int mask = 0xff00 >> (length % 8) & 0xff;

    return !memcmp(a, b, whole) && (!mask || !((a[whole] ^ b[whole]) & mask));
}

int policy_cidr_contains(const policy_cidr_t *cidr, const char *address)
{
    unsigned char octets[16];
    int is_v4;

    return address_parse(octets, &is_v4, address) &&
           has_prefix(octets, cidr->octets, cidr->length);
}

int policy_cidr_list_contains(const apr_array_header_t *list,
                              const char *address)
{
    int i;

    for (i = 0; i < list->nelts; ++i) {
        if (policy_cidr_contains(APR_ARRAY_IDX(list, i, const policy_cidr_t *),
                                 address))
            return 1;
    }
    return 0;
}

/* Two networks are nested or have nothing in common. */
apr_array_header_t *policy_cidr_list_common(const apr_array_header_t *a,
                                            const apr_array_header_t *b,
                                            apr_pool_t *pool)
{
    apr_array_header_t *common =
        apr_array_make(pool, a->nelts, sizeof(policy_cidr_t *));
    int i, k;

    for (i = 0; i < a->nelts; ++i) {
        for (k = 0; k < b->nelts; ++k) {
            policy_cidr_t *x = APR_ARRAY_IDX(a, i, policy_cidr_t *);
            policy_cidr_t *y = APR_ARRAY_IDX(b, k, policy_cidr_t *);
            policy_cidr_t *wide = x->length < y->length ? x : y;
            policy_cidr_t *narrow = wide == x ? y : x;

            if (has_prefix(narrow->octets, wide->octets, wide->length))
                APR_ARRAY_PUSH(common, policy_cidr_t *) = narrow;
        }
    }
    return common;
}

const char *policy_cidr_list_text(const apr_array_header_t *list,
                                  apr_pool_t *pool)
{
    const char *text = "";
    int i;

    for (i = 0; i < list->nelts; ++i)
        text = apr_pstrcat(pool, text, i ? ", " : "",
                           APR_ARRAY_IDX(list, i, const policy_cidr_t *)->text,
                           NULL);
    return text;
}
