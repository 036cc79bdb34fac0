/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <string.h>

#include "dcv/dcv_wire.h"

static apr_pool_t *top;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_initialize();
    apr_pool_create(&top, NULL);
    return 0;
}

/* What can be asked for is read again as the same. */
static void name_try(const char *name, apr_pool_t *pool)
{
    unsigned char question[DCV_WIRE_QUESTION_MAX];
    apr_size_t len = dcv_wire_question(question, 1, name, DCV_WIRE_TXT);
    dcv_message_t message;
    apr_size_t end;

    promise(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_*.\\") ==
            strlen(name));
    promise(len <= DCV_WIRE_QUESTION_MAX);
    promise(len || strchr(name, '\\'));
    if (!len)
        return;
    promise(dcv_wire_open(&message, question, len));
    promise(strcmp(dcv_wire_name(question, len, 12, &end, pool), name) == 0);
    promise(end + 4 == len);
}

static void record_try(const dcv_message_t *message, const dcv_record_t *record,
                       apr_pool_t *pool)
{
    const char *target = dcv_wire_target(message, record, pool), *text;
    apr_size_t len = 0;

    promise(record->data >= message->data &&
            record->data + record->len <= message->data + message->len);
    name_try(record->owner, pool);
    if (target)
        name_try(target, pool);
    text = dcv_wire_txt(&len, record->data, record->len, pool);
    promise(!text || (len <= record->len && text[len] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dcv_message_t message;
    dcv_record_t record;
    apr_pool_t *pool;

    apr_pool_create(&pool, top);
    if (dcv_wire_open(&message, data, size)) {
        while (dcv_wire_next(&record, &message, pool)) {
            record_try(&message, &record, pool);
            apr_pool_clear(pool);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
