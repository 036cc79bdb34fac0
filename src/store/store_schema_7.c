/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_schema.h"

#include "base/banned.h"

/* Keys that an account had before: records of dns-persist-01 that were made
 * with one of them stay good. */
static const char *const step_7[] = {
    /* Thumbprints, the last one first, with blanks in between. */
    "ALTER TABLE accounts ADD COLUMN prints TEXT", NULL};

const char *const *store_schema_7(void)
{
    return step_7;
}
