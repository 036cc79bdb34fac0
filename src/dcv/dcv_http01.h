/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_HTTP01_H
#define DCV_HTTP01_H

/*
 * RFC 8555 8.3: GET http://<domain>/.well-known/acme-challenge/<token> must
 * answer 200 with the key authorization, trailing blanks aside.  At most 10
 * redirects, to http and https without certificate checks, to ports 80, 443
 * and the configured one.  Each address of each hop is looked at by dcv_net
 * before it is dialled; IPv6 first, and the next one when an address gives no
 * answer at all.
 */

#include "dcv/dcv_run.h"

extern const dcv_method_t dcv_http01;

#endif
