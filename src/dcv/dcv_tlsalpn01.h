/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_TLSALPN01_H
#define DCV_TLSALPN01_H

/*
 * RFC 8737: a TLS handshake for "acme-tls/1" with the domain's port 443 shows
 * a certificate made for this challenge (dcv_alpncert).  Addresses as in
 * dcv_dial.
 *
 * connection: no connection; tls: no handshake; unauthorized: one, but without
 * "acme-tls/1"; incorrectResponse: another certificate.
 */

#include "dcv/dcv_run.h"

extern const dcv_method_t dcv_tlsalpn01;

#endif
