/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_DNS01_H
#define DCV_DNS01_H

/*
 * RFC 8555 8.4: one of the TXT records of _acme-challenge.<domain> is the
 * digest of the key authorization.  Looked at three times, 0, 2 and 5 seconds
 * after the beginning: the zone's own servers are asked (dcv_authority), and
 * the configured resolver too, when they do not have it or take their time.
 * Where answers must be signed (ACMEResolverDNSSEC), or directly asking is off,
 * only the resolver is.
 *
 * dns-account-01 has a name of its own per account; dns-persist-01 wants a
 * record that stays (dcv_persist.h), and is relied on for no longer than its
 * TTL.
 *
 * dns: no answer, or NXDOMAIN; unauthorized: no TXT record; incorrectResponse:
 * others than the expected one; of dns-persist-01: unauthorized, or malformed.
 */

#include "dcv/dcv_run.h"

extern const dcv_method_t dcv_dns01;

#endif
