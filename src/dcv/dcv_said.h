/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_SAID_H
#define DCV_SAID_H

/* What a name server's answer says of the TXT records of a name: the records,
 * an alias, or who else has to be asked. */

#include "dcv/dcv_txt.h"
#include "dcv/dcv_wire.h"

typedef struct {
    dcv_txts_t txts;             /* the records' part of it */
    apr_array_header_t *servers; /* of const char *, that it refers to … */
    const char *zone;            /* … as those of this zone */
    const char *alias;
} dcv_said_t;

/* Of name: what is wanted, or where CNAMEs led. */
void dcv_said_read(dcv_said_t *said, dcv_message_t *reply, const char *name,
                   const dcv_want_t *want, apr_pool_t *pool);

/* Does it send a server of zone's clients down, towards the name? */
int dcv_said_is_referral(const dcv_said_t *said, const char *name,
                         const char *zone);

/* A plain name, not yet in the list (of const char *), which stays short; it is
 * copied. */
void dcv_said_server_add(apr_array_header_t *servers, const char *name);

/* The zone that says that there is nothing, by its SOA record; NULL: none does.
 */
const char *dcv_said_zone(const unsigned char *packet, apr_size_t len,
                          apr_pool_t *pool);

#endif
