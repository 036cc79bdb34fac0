/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_limit.h"

#include <stdatomic.h>
#include <string.h>

#include "base/siphash.h"
#include "base/token.h"

#include "base/banned.h"

/*
 *   +-----------+------+-----+
 *   | key       | base | pad |   one cache line
 *   +------+------+----+-----+
 *   | slot | slot | …        |   tag of the key, 22 bits; moment, 42 bits
 *   +------+------+----------+
 *
 * A moment is in ticks of a sixteenth of a millisecond after base: nearly nine
 * years of them.  0: never used.
 */
#define TICKS_PER_SECOND 16000
#define TICK_BITS        42
#define TICK_MAX         ((APR_UINT64_C(1) << TICK_BITS) - 1)
#define BUCKET           8

typedef _Atomic apr_uint64_t slot_t;

typedef struct {
    apr_uint64_t key[2];
    apr_time_t base;
    char pad[64 - 3 * sizeof(apr_uint64_t)];
    slot_t slot[];
} region_t;

struct acme_limit_t {
    region_t *region;
    apr_uint32_t buckets;
};

/* A rule in ticks. */
typedef struct {
    apr_uint64_t now;
    apr_uint64_t each;  /* what one costs */
    apr_uint64_t burst; /* what all cost */
} pace_t;

apr_size_t acme_limit_size(apr_uint32_t slots)
{
    return sizeof(region_t) + (apr_size_t)slots * sizeof(slot_t);
}

void acme_limit_init(void *memory, apr_time_t now)
{
    region_t *region = memory;

    token_bytes((unsigned char *)region->key, sizeof(region->key));
    region->base = now - apr_time_from_sec(1);
}

acme_limit_t *acme_limit_attach(void *region, apr_uint32_t slots,
                                apr_pool_t *pool)
{
    acme_limit_t *limits = apr_palloc(pool, sizeof(*limits));

    limits->region = region;
    limits->buckets = slots / BUCKET;
    return limits;
}

static apr_uint64_t mix(const acme_limit_t *limits, apr_uint64_t with,
                        const char *text)
{
    apr_uint64_t key[2] = {limits->region->key[0],
                           limits->region->key[1] ^ with};

    return siphash_make(key, text, strlen(text));
}

acme_limit_key_t acme_limit_key(const acme_limit_t *limits, acme_limit_e limit,
                                const acme_limit_rule_t *rule,
                                const char *scope, const char *subject,
                                const char *detail)
{
    apr_uint64_t words[3] = {limit, (apr_uint64_t)rule->count,
                             (apr_uint64_t)rule->span};
    apr_uint64_t key = siphash_make(limits->region->key, words, sizeof(words));

    key = mix(limits, mix(limits, key, scope), subject);
    return detail ? mix(limits, key, detail) : key;
}

static apr_uint64_t ticks(apr_time_t time)
{
    return time > 0 ? (apr_uint64_t)time * 2 / 125 : 0;
}

static apr_interval_time_t ticks_time(apr_uint64_t count)
{
    return (apr_interval_time_t)((count * 125 + 1) / 2);
}

static pace_t pace_make(const acme_limit_t *limits,
                        const acme_limit_rule_t *rule, apr_time_t now)
{
    pace_t pace;

    pace.now = ticks(now - limits->region->base);
    pace.each =
        (apr_uint64_t)rule->span * TICKS_PER_SECOND / (apr_uint64_t)rule->count;
    if (!pace.each)
        pace.each = 1;
    pace.burst = pace.each * (apr_uint64_t)rule->count;
    if (pace.now > TICK_MAX - pace.burst)
        pace.now = TICK_MAX - pace.burst;
    return pace;
}

static apr_uint64_t moment_of(apr_uint64_t value)
{
    return value & TICK_MAX;
}

static int is_of(apr_uint64_t value, acme_limit_key_t key)
{
    return value >> TICK_BITS == key >> TICK_BITS && value;
}

/* The key's slot; or one for it, free or free next.  *was: what is in it. */
static slot_t *slot_find(apr_uint64_t *was, acme_limit_t *limits,
                         acme_limit_key_t key)
{
    slot_t *bucket =
        limits->region->slot + (key & TICK_MAX) % limits->buckets * BUCKET;
    slot_t *found = bucket;
    int i;

    *was = atomic_load(found);
    for (i = 0; i < BUCKET; i++) {
        apr_uint64_t value = atomic_load(&bucket[i]);

        if (!is_of(value, key) && moment_of(value) >= moment_of(*was))
            continue;
        found = &bucket[i];
        *was = value;
        if (is_of(value, key))
            break;
    }
    return found;
}

/* When the counter is at rest.  A moment that no spending can have made is one
 * of a clock that was set back, and says nothing. */
static apr_uint64_t rest_of(apr_uint64_t value, acme_limit_key_t key,
                            const pace_t *pace)
{
    apr_uint64_t rest = is_of(value, key) ? moment_of(value) : 0;

    if (rest > pace->now + pace->burst)
        return pace->now;
    return rest > pace->now ? rest : pace->now;
}

static apr_interval_time_t step(acme_limit_t *limits, acme_limit_key_t key,
                                const acme_limit_rule_t *rule, apr_time_t now,
                                int is_spending)
{
    pace_t pace = pace_make(limits, rule, now);
    apr_uint64_t was, next;
    slot_t *slot;

    do {
        slot = slot_find(&was, limits, key);
        next = rest_of(was, key, &pace) + pace.each;
        if (next > pace.now + pace.burst)
            return ticks_time(next - pace.now - pace.burst);
        next |= key >> TICK_BITS << TICK_BITS;
    } while (is_spending && !atomic_compare_exchange_weak(slot, &was, next));
    return 0;
}

apr_interval_time_t acme_limit_spend(acme_limit_t *limits, acme_limit_key_t key,
                                     const acme_limit_rule_t *rule,
                                     apr_time_t now)
{
    return step(limits, key, rule, now, 1);
}

apr_interval_time_t acme_limit_look(acme_limit_t *limits, acme_limit_key_t key,
                                    const acme_limit_rule_t *rule,
                                    apr_time_t now)
{
    return step(limits, key, rule, now, 0);
}

void acme_limit_refund(acme_limit_t *limits, acme_limit_key_t key,
                       const acme_limit_rule_t *rule, apr_time_t now)
{
    pace_t pace = pace_make(limits, rule, now);
    apr_uint64_t was, rest;
    slot_t *slot;

    do {
        slot = slot_find(&was, limits, key);
        rest = rest_of(was, key, &pace);
        if (!is_of(was, key) || rest < pace.now + pace.each)
            return;
    } while (!atomic_compare_exchange_weak(slot, &was, was - pace.each));
}
