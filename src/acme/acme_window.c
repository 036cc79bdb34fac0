/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_window.h"

#include "base/banned.h"

#define HOUR 3600
#define DAY  (24 * HOUR)

/* T86. */
#define LOOK_AGAIN (6 * HOUR)
/* So many looks at least in a short life, but none more often than that. */
#define LOOKS    12
#define LOOK_MIN 60

#define SHORT_LIFE (10 * DAY)

/* Of the life: half the window's width. */
#define WIDTH 50

/* A backdated start says nothing about how long it has been of use. */
static apr_int64_t birth_of(const store_cert_t *cert)
{
    return cert->issued_at > cert->not_before &&
                   cert->issued_at < cert->not_after
               ? cert->issued_at
               : cert->not_before;
}

/* From -half to half, by the serial number, whose digits are random. */
static apr_int64_t shift_of(const char *serial, apr_int64_t half)
{
    apr_uint64_t value = 0;

    for (; *serial; serial++)
        value = value * 31 + (unsigned char)*serial;
    return (apr_int64_t)(value % (apr_uint64_t)(2 * half + 1)) - half;
}

static void usual(acme_window_t *window, const store_cert_t *cert,
                  apr_int64_t birth, apr_int64_t life)
{
    apr_int64_t half = life / WIDTH > 1 ? life / WIDTH : 1;
    apr_int64_t middle = birth + shift_of(cert->serial, half) +
                         (life <= SHORT_LIFE ? life / 2 : life / 3 * 2);

    window->start = middle - half;
    window->end = middle + half;
}

acme_window_t acme_window_of(const store_cert_t *cert,
                             const store_renewal_t *forward)
{
    apr_int64_t birth = birth_of(cert), life = cert->not_after - birth;
    acme_window_t window = {0};

    usual(&window, cert, birth, life);
    window.look_again = life / LOOKS < LOOK_AGAIN ? life / LOOKS : LOOK_AGAIN;
    if (window.look_again < LOOK_MIN)
        window.look_again = LOOK_MIN;
    if (forward && forward->end < window.end) {
        window.start = forward->start;
        window.end = forward->end;
        window.url = forward->url;
    }
    if (cert->revoked_at && cert->revoked_at <= window.end) {
        window.start = cert->revoked_at - HOUR;
        window.end = cert->revoked_at - 1;
    }
    return window;
}
