/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_ASK_H
#define DCV_ASK_H

/*
 * One question to one name server, by UDP, and by TCP when the answer was cut.
 * libunbound cannot be told whom to ask one question; this asks the servers
 * that a zone has.  A random id and the kernel's random port; a socket that is
 * connected hears nobody else.  Used by the loop's thread only.
 */

#include "dcv/dcv_address.h"
#include "dcv/dcv_event.h"
#include "dcv/dcv_wire.h"

typedef struct dcv_asker_t dcv_asker_t;
typedef struct dcv_ask_t dcv_ask_t;

/* reply NULL: failure says why.  Both live until this returns. */
typedef void (*dcv_ask_fn)(void *baton, dcv_message_t *reply,
                           const char *failure);

dcv_asker_t *dcv_asker_make(dcv_event_t *event, apr_pool_t *pool);

/* name: as dcv_wire has it, asked for records of this type.  done is called
 * once, never before this returns, within a few seconds.  NULL: this server
 * cannot be asked; *failure says why. */
dcv_ask_t *dcv_ask_start(const char **failure, dcv_asker_t *asker,
                         const dcv_address_t *server, int port,
                         const char *name, int type, dcv_ask_fn done,
                         void *baton) __attribute__((warn_unused_result));
void dcv_ask_cancel(dcv_ask_t *ask);

#endif
