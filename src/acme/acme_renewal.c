/* SPDX-License-Identifier: Apache-2.0 */
#include "acme/acme_renewal.h"

#include <string.h>

#include <apr_strings.h>

#include "acme/acme_order.h"
#include "acme/acme_response.h"
#include "acme/acme_window.h"
#include "base/b64url.h"
#include "base/own.h"
#include "base/pjson.h"

#include "base/banned.h"

/* RFC 5280: a serial number has 20 octets at most.  A key id is a digest, or
 * what somebody's CA took for one. */
#define SERIAL_MAX 20
#define KEY_ID_MAX 64
#define ID_MAX     128

/* The digits of our serial numbers. */
#define SERIAL_LEN 16

/* Others keep an answer no longer than that, so that a renewal that is pulled
 * forward gets through. */
#define KEEP 600

typedef struct {
    const unsigned char *key_id,
        *serial; /* as in DER, without tag and length */
    apr_size_t key_id_len, serial_len;
} named_t;

static problem_t *problem_id(const char *why, apr_pool_t *pool)
{
    return problem_make(
        pool, PROBLEM_MALFORMED,
        "this names no certificate: %s; RFC 9773 4.1 wants the key id of its "
        "authority key identifier, a dot, and its serial number, both in "
        "base64url without padding",
        why);
}

/* An INTEGER in DER, of a positive number.  That the octet in front is left out
 * that makes it positive is no fault: mod_md 2.6 does so, and what is meant is
 * clear. */
static const char *serial_fault(const named_t *id)
{
    const unsigned char *s = id->serial;

    if (!id->serial_len || id->serial_len > SERIAL_MAX)
        return "a serial number has 1 to 20 octets";
    if (!s[0] && (id->serial_len == 1 || !(s[1] & 0x80)))
        return "the serial number begins with a needless zero octet";
    return NULL;
}

static problem_t *id_parse(named_t *id, const char *text, apr_pool_t *pool)
{
    apr_size_t len = strlen(text);
    const char *dot = strchr(text, '.'), *why;

    if (!dot)
        return problem_id("it has no dot", pool);
    if (len > ID_MAX)
        return problem_id("it is too long", pool);
    if (b64url_decode(&id->key_id, &id->key_id_len, text,
                      (apr_size_t)(dot - text), pool) != APR_SUCCESS ||
        b64url_decode(&id->serial, &id->serial_len, dot + 1, strlen(dot + 1),
                      pool) != APR_SUCCESS)
        return problem_id("it is not base64url without padding", pool);
    if (!id->key_id_len || id->key_id_len > KEY_ID_MAX)
        return problem_id("a key id has 1 to 64 octets", pool);
    why = serial_fault(id);
    return why ? problem_id(why, pool) : NULL;
}

/* As rows have it; NULL: it is longer than any of ours. */
static const char *serial_text(const named_t *id, apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, "00000000000000000000000000000000");
    const unsigned char *from = id->serial;
    apr_size_t len = id->serial_len;

    if (!*from) {
        from++;
        len--;
    }
    if (len > SERIAL_LEN)
        return NULL;
    for (; len; from++, len--) {
        static const char digits[] = "0123456789abcdef";

        text[2 * (SERIAL_LEN - len)] = digits[*from >> 4];
        text[2 * (SERIAL_LEN - len) + 1] = digits[*from & 15];
    }
    return text;
}

static int has_key_id(const store_cert_t *cert, const named_t *id,
                      apr_pool_t *pool)
{
    const unsigned char *at = cert->der;
    X509 *x509 = own_x509(pool, d2i_X509(NULL, &at, (long)cert->der_len));
    const ASN1_OCTET_STRING *key_id =
        x509 ? X509_get0_authority_key_id(x509) : NULL;

    return key_id && (apr_size_t)ASN1_STRING_length(key_id) == id->key_id_len &&
           !memcmp(ASN1_STRING_get0_data(key_id), id->key_id, id->key_id_len);
}

/* *cert stays NULL when it is none of ours. */
static problem_t *cert_find(store_cert_t **cert, acme_t *acme, const char *text,
                            apr_pool_t *pool)
{
    const char *serial;
    problem_t *prob;
    apr_status_t rv;
    named_t id;

    *cert = NULL;
    prob = id_parse(&id, text, pool);
    if (prob)
        return prob;
    serial = serial_text(&id, pool);
    if (!serial)
        return NULL;
    rv = store_cert_get_by_serial(cert, acme->store, serial, pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return problem_internal(pool, rv, "get certificate %s", serial);
    if (*cert && !has_key_id(*cert, &id, pool))
        *cert = NULL;
    return NULL;
}

static problem_t *window_find(acme_window_t *window, acme_t *acme,
                              const store_cert_t *cert, apr_pool_t *pool)
{
    store_renewal_t *forward;
    apr_status_t rv =
        store_renewal_of_cert(&forward, acme->store, cert->id, pool);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv))
        return problem_internal(pool, rv, "get renewal of certificate %s",
                                cert->id);
    *window = acme_window_of(cert, forward);
    return NULL;
}

static void window_answer(acme_response_t *res, const acme_window_t *window,
                          const acme_verified_t *v)
{
    json_t *json = own_json(v->pool, json_object());
    json_t *suggested = json_object();
    apr_int64_t keep = window->look_again < KEEP ? window->look_again : KEEP;

    acme_response_set_time(suggested, "start", window->start, v->pool);
    acme_response_set_time(suggested, "end", window->end, v->pool);
    json_object_set_new(json, "suggestedWindow", suggested);
    acme_response_set_string(json, "explanationURL", window->url);
    acme_response_json(res, 200, json, v->pool);
    acme_response_header(
        res, "Retry-After",
        apr_psprintf(v->pool, "%" APR_INT64_T_FMT, window->look_again));
    if (strcmp(v->req->method, "POST"))
        acme_response_header(
            res, "Cache-Control",
            apr_psprintf(v->pool, "public, max-age=%" APR_INT64_T_FMT, keep));
}

/* What was made in a directory that is there no more is asked for there. */
static int is_here(const store_cert_t *cert, const acme_route_t *route)
{
    return route->profile || !strcmp(cert->directory, route->directory);
}

problem_t *acme_renewal_get(acme_response_t *res, acme_t *acme,
                            const acme_verified_t *v)
{
    acme_window_t window;
    store_cert_t *cert;
    problem_t *prob = cert_find(&cert, acme, v->route->id, v->pool);

    if (prob)
        return prob;
    if (!cert || !is_here(cert, v->route))
        return acme_state_not_found("certificate", v->pool);
    prob = window_find(&window, acme, cert, v->pool);
    if (!prob)
        window_answer(res, &window, v);
    return prob;
}

/* How many of these names the certificate has, too. */
static int shared_count(const store_cert_t *cert,
                        const apr_array_header_t *identifiers, apr_pool_t *pool)
{
    const apr_array_header_t *names =
        identifier_list_from_text(cert->identifiers, pool);
    int i, k, count = 0;

    for (i = 0; i < identifiers->nelts; i++)
        for (k = 0; names && k < names->nelts; k++)
            if (!identifier_compare(
                    APR_ARRAY_IDX(identifiers, i, const identifier_t *),
                    APR_ARRAY_IDX(names, k, const identifier_t *))) {
                count++;
                break;
            }
    return count;
}

problem_t *acme_renewal_problem_replaced(const store_cert_t *cert,
                                         apr_pool_t *pool)
{
    return problem_make(pool, PROBLEM_ALREADY_REPLACED,
                        "another order replaces the certificate with the "
                        "serial number %s already; leave \"replaces\" out",
                        cert->serial);
}

/* Who was before, if that order let go of it. */
static problem_t *after_find(acme_replaces_t *replaces, acme_t *acme,
                             const acme_verified_t *v)
{
    const store_cert_t *cert = replaces->cert;
    acme_order_t order;
    problem_t *prob;

    if (cert->replaced_at)
        return acme_renewal_problem_replaced(cert, v->pool);
    replaces->after = cert->replacing;
    if (!cert->replacing)
        return NULL;
    prob = acme_order_find(&order, acme, cert->replacing, v->now, v->pool);
    if (prob)
        return prob;
    return order.row && order.status != ACME_ORDER_INVALID
               ? acme_renewal_problem_replaced(cert, v->pool)
               : NULL;
}

/* T29: in the same words for somebody else's and for one that does not exist.
 * Clients try again without (R21, R33). */
static problem_t *problem_not_yours(apr_pool_t *pool)
{
    return problem_make(pool, PROBLEM_MALFORMED,
                        "\"replaces\" names no certificate of this account; "
                        "leave it out");
}

static problem_t *replaces_check(acme_replaces_t *replaces, acme_t *acme,
                                 const acme_verified_t *v,
                                 const apr_array_header_t *identifiers)
{
    const store_cert_t *cert = replaces->cert;
    int shared = shared_count(cert, identifiers, v->pool);
    acme_window_t window;
    problem_t *prob;

    if (!shared)
        return problem_make(v->pool, PROBLEM_MALFORMED,
                            "\"replaces\" names a certificate that has none of "
                            "this order's names; leave it out");
    prob = after_find(replaces, acme, v);
    if (!prob)
        prob = window_find(&window, acme, cert, v->pool);
    if (!prob)
        replaces->is_due =
            window.start <= v->now && shared == identifiers->nelts;
    return prob;
}

/* Which member it is about; it may also be that the database is away. */
static problem_t *replaces_name(problem_t *prob, apr_pool_t *pool)
{
    if (prob->type == PROBLEM_MALFORMED)
        prob->detail = apr_pstrcat(pool, "\"replaces\": ", prob->detail, NULL);
    return prob;
}

problem_t *acme_renewal_replaces(acme_replaces_t **replaces, acme_t *acme,
                                 const acme_verified_t *v,
                                 const apr_array_header_t *identifiers)
{
    store_cert_t *cert;
    acme_replaces_t *made;
    const char *id;
    problem_t *prob = pjson_string(&id, v->payload, "replaces", v->pool);

    *replaces = NULL;
    if (prob || !id)
        return prob;
    prob = cert_find(&cert, acme, id, v->pool);
    if (prob)
        return replaces_name(prob, v->pool);
    if (!cert || !cert->account_id || strcmp(cert->account_id, v->account->id))
        return problem_not_yours(v->pool);
    made = apr_pcalloc(v->pool, sizeof(*made));
    made->id = id;
    made->cert = cert;
    prob = replaces_check(made, acme, v, identifiers);
    if (!prob)
        *replaces = made;
    return prob;
}
