/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_window.h"

#include <apr_strings.h>

#include "tap.h"

#define BIRTH APR_INT64_C(1790000000)
#define HOUR  3600
#define DAY   (24 * HOUR)

/* Made at BIRTH, backdated by an hour. */
static store_cert_t cert_of(apr_int64_t life, const char *serial)
{
    store_cert_t cert = {.serial = serial,
                         .not_before = BIRTH - HOUR,
                         .issued_at = BIRTH,
                         .not_after = BIRTH + life};

    return cert;
}

static const char *serial_make(int i, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%08x%08x%08x%08x", i * 2654435761u, i,
                        i * 40503u, 7u * i);
}

/* The middle lies at this part of the life, give or take one fiftieth. */
static void lies(apr_int64_t life, double part, apr_pool_t *pool)
{
    int i, wrong = 0;

    for (i = 0; i < 300; i++) {
        store_cert_t cert = cert_of(life, serial_make(i, pool));
        acme_window_t w = acme_window_of(&cert, NULL);
        double middle = (double)(w.start + w.end) / 2 - (double)BIRTH;
        double off = middle / (double)life - part;

        if (off < -0.0201 || off > 0.0201 || w.end <= w.start ||
            w.start < BIRTH || w.end >= cert.not_after || w.url ||
            w.end - w.start > life / 20)
            wrong++;
    }
    ok(!wrong, "%d of a life of %" APR_INT64_T_FMT, wrong, life);
}

static void usual(apr_pool_t *pool)
{
    lies(90 * DAY, 2. / 3, pool);
    lies(365 * DAY, 2. / 3, pool);
    lies(11 * DAY, 2. / 3, pool);
    lies(10 * DAY, 1. / 2, pool);
    lies(7 * DAY, 1. / 2, pool);
    lies(24 * HOUR, 1. / 2, pool);
    lies(HOUR, 1. / 2, pool);
}

/* Whatever the row says: its end is later than its start. */
static void sound(apr_pool_t *pool)
{
    static const apr_int64_t lives[] = {0, 1, 2, 3, 10, 49, 50, 51, -5};
    size_t i;

    for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        store_cert_t cert = cert_of(lives[i], "00");
        acme_window_t w = acme_window_of(&cert, NULL);

        ok(w.end > w.start && w.look_again >= 60);
    }
}

/* A fleet's certificates of one moment are not due at one moment. */
static void spread(apr_pool_t *pool)
{
    apr_int64_t least = APR_INT64_MAX, most = 0;
    int i, early = 0, same = 1;

    for (i = 0; i < 500; i++) {
        store_cert_t cert = cert_of(90 * DAY, serial_make(i, pool));
        acme_window_t w = acme_window_of(&cert, NULL);

        if (w.start < least)
            least = w.start;
        if (w.start > most)
            most = w.start;
        early += w.start < BIRTH + 60 * DAY - 90 * DAY / 50;
        same = same && w.start == acme_window_of(&cert, NULL).start;
    }
    ok(same, "the same each time");
    ok(most - least > 3 * DAY, "%" APR_INT64_T_FMT, most - least);
    ok(early > 150 && early < 350, "%d of 500 in the first half", early);
}

static void look_again(apr_pool_t *pool)
{
    store_cert_t long_one = cert_of(90 * DAY, "00"),
                 week = cert_of(7 * DAY, "00"), day = cert_of(DAY, "00"),
                 brief = cert_of(300, "00");

    is_int(acme_window_of(&long_one, NULL).look_again, 6 * HOUR);
    is_int(acme_window_of(&week, NULL).look_again, 6 * HOUR);
    is_int(acme_window_of(&day, NULL).look_again, 2 * HOUR);
    is_int(acme_window_of(&brief, NULL).look_again, 60);
}

static void forward(apr_pool_t *pool)
{
    store_cert_t cert = cert_of(90 * DAY, "00");
    store_renewal_t pulled = {.start = BIRTH + 5 * DAY,
                              .end = BIRTH + 7 * DAY,
                              .url = "https://status.example/7"};
    acme_window_t w = acme_window_of(&cert, &pulled);

    is_int(w.start, BIRTH + 5 * DAY);
    is_int(w.end, BIRTH + 7 * DAY);
    is_str(w.url, "https://status.example/7");
    pulled.start = BIRTH + 70 * DAY;
    pulled.end = BIRTH + 80 * DAY;
    w = acme_window_of(&cert, &pulled);
    ok(w.end < BIRTH + 66 * DAY, "it is due before that anyway");
    ok(!w.url);
}

static void revoked(apr_pool_t *pool)
{
    store_cert_t cert = cert_of(90 * DAY, "00");
    store_renewal_t pulled = {.start = BIRTH + 5 * DAY, .end = BIRTH + 7 * DAY};
    acme_window_t w;

    cert.revoked_at = BIRTH + 3 * DAY;
    w = acme_window_of(&cert, NULL);
    ok(w.end < cert.revoked_at && w.start < w.end);
    w = acme_window_of(&cert, &pulled);
    ok(w.end < cert.revoked_at && w.start < w.end);
    cert.revoked_at = BIRTH + 89 * DAY;
    w = acme_window_of(&cert, NULL);
    ok(w.end < cert.revoked_at && w.start < w.end);
}

const tap_case_t tap_cases[] = {
    {"T86 two thirds of the life, half of a short one", usual},
    {"T86 end is later than start", sound},
    {"T86 a fleet is spread", spread},
    {"T86 Retry-After: six hours, less in a short life", look_again},
    {"T86 what an operator pulls forward", forward},
    {"T86 a revoked certificate's window is over", revoked},
    {NULL, NULL}};
