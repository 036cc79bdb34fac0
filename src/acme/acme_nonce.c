/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_nonce.h"

#include <stdatomic.h>
#include <string.h>

#include <apr_encode.h>

#include "base/token.h"

#include "base/banned.h"

/*
 *   +--------------------+------+---------+-----+
 *   | next (slot to use) | late | is_left | pad |   one cache line
 *   +------+------+------+------+---------+-----+
 *   | slot | slot | …                           |   0: no nonce outstanding
 *   +------+------+-----------------------------+
 */
typedef struct {
    _Atomic apr_uint64_t next;
    _Atomic apr_uint64_t late; /* in the second half, by those who are left */
    _Atomic apr_uint64_t is_left; /* what was in it has been moved away */
    char pad[64 - 3 * sizeof(apr_uint64_t)];
    _Atomic apr_uint64_t slot[];
} region_t;

struct acme_nonce_t {
    region_t *region;
    apr_uint32_t slots;
    acme_nonce_t *older; /* NULL: none */
};

/* Slot number and value, each with its most significant octet first. */
#define RAW_LEN 12

apr_size_t acme_nonce_size(apr_uint32_t slots)
{
    return sizeof(region_t) + (apr_size_t)slots * sizeof(apr_uint64_t);
}

acme_nonce_t *acme_nonce_attach(void *region, apr_uint32_t slots,
                                apr_pool_t *pool)
{
    acme_nonce_t *nonces = apr_pcalloc(pool, sizeof(*nonces));

    nonces->region = region;
    nonces->slots = slots;
    return nonces;
}

static void text_make(char *text, const unsigned char *raw)
{
    apr_encode_base64_binary(text, raw, RAW_LEN,
                             APR_ENCODE_URL | APR_ENCODE_NOPADDING, NULL);
}

/* Only text that text_make() would make: APR's decoder also takes the other
 * base64 alphabet. */
static int text_parse(unsigned char *raw, const char *text)
{
    char again[ACME_NONCE_LEN + 1];
    apr_size_t len;

    if (strlen(text) != ACME_NONCE_LEN)
        return 0;
    if (apr_decode_base64_binary(raw, text, ACME_NONCE_LEN, APR_ENCODE_NONE,
                                 &len) != APR_SUCCESS ||
        len != RAW_LEN)
        return 0;
    text_make(again, raw);
    return !memcmp(again, text, ACME_NONCE_LEN);
}

static void number_write(unsigned char *raw, int octets, apr_uint64_t number)
{
    while (octets--) {
        raw[octets] = (unsigned char)number;
        number >>= 8;
    }
}

static apr_uint64_t number_read(const unsigned char *raw, int octets)
{
    apr_uint64_t number = 0;

    while (octets--)
        number = number << 8 | *raw++;
    return number;
}

static int spend(acme_nonce_t *nonces, apr_uint64_t slot, apr_uint64_t value)
{
    return slot < nonces->slots && value &&
           atomic_compare_exchange_strong(&nonces->region->slot[slot], &value,
                                          0);
}

static apr_uint64_t slot_fill(acme_nonce_t *nonces, apr_uint64_t value)
{
    apr_uint64_t slot =
        atomic_fetch_add(&nonces->region->next, 1) % nonces->slots;

    atomic_store(&nonces->region->slot[slot], value);
    return slot;
}

/* In the second half, to which nothing is moved. */
static apr_uint64_t late_fill(acme_nonce_t *nonces, apr_uint64_t value)
{
    apr_uint32_t half = nonces->slots / 2;
    apr_uint64_t slot = half + atomic_fetch_add(&nonces->region->late, 1) %
                                   (nonces->slots - half);

    atomic_store(&nonces->region->slot[slot], value);
    return slot;
}

/* Where the next generation finds it, too.  A region that is left in this very
 * moment has had the value taken along, or still has it. */
static apr_uint64_t value_put(acme_nonce_t *nonces, apr_uint64_t value)
{
    apr_uint64_t slot;

    if (!nonces->older)
        return slot_fill(nonces, value);
    if (!atomic_load(&nonces->region->is_left)) {
        slot = slot_fill(nonces, value);
        if (!atomic_load(&nonces->region->is_left) ||
            !spend(nonces, slot, value))
            return slot;
    }
    return late_fill(nonces->older, value);
}

void acme_nonce_issue(acme_nonce_t *nonces, char *text)
{
    unsigned char raw[RAW_LEN];
    apr_uint64_t value;

    do {
        token_bytes(raw + 4, 8);
        value = number_read(raw + 4, 8);
    } while (!value);
    number_write(raw, 4, value_put(nonces, value));
    text_make(text, raw);
}

int acme_nonce_redeem(acme_nonce_t *nonces, const char *text)
{
    unsigned char raw[RAW_LEN];
    apr_uint64_t slot, value;

    if (!text_parse(raw, text))
        return 0;
    slot = number_read(raw, 4);
    value = number_read(raw + 4, 8);
    return spend(nonces, slot, value) ||
           (nonces->older && spend(nonces->older, slot, value));
}

void acme_nonce_move(acme_nonce_t *to, acme_nonce_t *from)
{
    apr_uint64_t value;
    apr_uint32_t i;

    atomic_store(&from->region->is_left, 1);
    for (i = 0; i < from->slots; i++) {
        value = atomic_exchange(&from->region->slot[i], 0);
        if (value && i < to->slots)
            atomic_store(&to->region->slot[i], value);
    }
    /* Go on behind the youngest one moved, so that the oldest is overrun
     * first. */
    /* NOLINTNEXTLINE(*core.DivideZero): there are slots */
    atomic_store(&to->region->next,
                 atomic_load(&from->region->next) % from->slots);
}

void acme_nonce_follow(acme_nonce_t *nonces, acme_nonce_t *older)
{
    apr_uint64_t unused = 0;

    nonces->older = older;
    atomic_compare_exchange_strong(&nonces->region->next, &unused,
                                   atomic_load(&older->region->next) %
                                       nonces->slots);
}
