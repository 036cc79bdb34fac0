/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_TLS_WORDS_H
#define DCV_TLS_WORDS_H

/* Why a handshake failed, for those who run the other machine. */

#include "dcv/dcv_fetch.h"

/* error: OpenSSL's. */
void dcv_tls_words(dcv_reply_t *reply, unsigned long error, apr_pool_t *pool);

/* error: errno, EPIPE when the peer closed the connection. */
void dcv_tls_words_system(dcv_reply_t *reply, int error, dcv_stage_e stage);

#endif
