/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/httpd_body.h"

#include <string.h>

#include <apr_buckets.h>
#include <apr_strings.h>

#include <http_protocol.h>
#include <util_filter.h>

#include "base/banned.h"

/* A body up to this size is read to its end though it is refused, so that the
 * connection stays usable and the answer arrives. */
#define DRAIN_MAX (1024 * 1024)

typedef struct {
    request_rec *r;
    char *text; /* NULL: too large, only counted */
    apr_size_t len, size, max, total;
} reader_t;

/* -1: none was announced */
static apr_off_t announced_length(request_rec *r)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t length;

    if (!text || !ap_parse_strict_length(&length, text))
        return -1;
    return length;
}

static void text_add(reader_t *reader, const char *data, apr_size_t len)
{
    reader->total += len;
    if (reader->total > reader->max)
        reader->text = NULL;
    if (!reader->text)
        return;
    if (reader->total >= reader->size) {
        char *bigger;

        reader->size = reader->total * 2 + 1;
        bigger = apr_palloc(reader->r->pool, reader->size);
        memcpy(bigger, reader->text, reader->len);
        reader->text = bigger;
    }
    memcpy(reader->text + reader->len, data, len);
    reader->len += len;
}

/* 1: that was the end. */
static int brigade_add(reader_t *reader, apr_bucket_brigade *bb,
                       apr_status_t *rv)
{
    apr_bucket *bucket;
    const char *data;
    apr_size_t len;

    for (bucket = APR_BRIGADE_FIRST(bb); bucket != APR_BRIGADE_SENTINEL(bb);
         bucket = APR_BUCKET_NEXT(bucket)) {
        if (APR_BUCKET_IS_EOS(bucket))
            return 1;
        if (APR_BUCKET_IS_METADATA(bucket))
            continue;
        *rv = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
        if (*rv != APR_SUCCESS)
            return 1;
        text_add(reader, data, len);
    }
    return 0;
}

static apr_status_t all_read(reader_t *reader)
{
    request_rec *r = reader->r;
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv = APR_SUCCESS;
    int is_end = 0;

    while (!is_end && reader->total <= DRAIN_MAX) {
        rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                            APR_BLOCK_READ, HUGE_STRING_LEN);
        if (rv != APR_SUCCESS)
            break;
        is_end = brigade_add(reader, bb, &rv);
        apr_brigade_cleanup(bb);
    }
    apr_brigade_destroy(bb);
    if (!is_end || rv != APR_SUCCESS)
        r->connection->keepalive = AP_CONN_CLOSE;
    return rv;
}

int httpd_body_read(const char **body, apr_size_t *len, int *is_too_large,
                    apr_size_t max, request_rec *r)
{
    reader_t reader = {.r = r, .max = max, .size = 4096};
    apr_off_t length = announced_length(r);
    apr_status_t rv;

    *body = NULL;
    *len = 0;
    *is_too_large = 1;
    if (length > (apr_off_t)max && (length > DRAIN_MAX || r->expecting_100)) {
        r->connection->keepalive = AP_CONN_CLOSE;
        return 0;
    }
    if (length >= 0 && length <= (apr_off_t)max)
        reader.size = (apr_size_t)length + 1;
    reader.text = apr_palloc(r->pool, reader.size);
    rv = all_read(&reader);
    if (rv != APR_SUCCESS)
        return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
    if (!reader.text)
        return 0;
    *is_too_large = 0;
    reader.text[reader.len] = '\0';
    *body = reader.text;
    *len = reader.len;
    return 0;
}
