/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CSR_READER_H
#define POLICY_CSR_READER_H

/* How the files that read a CSR's wishes share the work. */

#include "policy/policy_csr_wishes.h"

typedef struct {
    policy_csr_wishes_t *wishes; /* what was read so far */
    const policy_t *policy;
    const policy_pkcs10_t *pkcs10;
    apr_pool_t *pool;
} policy_csr_reader_t;

/* What the client could repeat without end is noted up to a limit. */
void policy_csr_reader_fault(policy_csr_reader_t *reader, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "O", "serverAuth", "1.2.3.4" */
const char *policy_csr_object_name(const ASN1_OBJECT *object, apr_pool_t *pool);

/* policy_csr_names.c: who it is for. */
void policy_csr_subject_read(policy_csr_reader_t *reader);
/* value: GENERAL_NAMES */
void policy_csr_san_read(policy_csr_reader_t *reader, const void *value);

#endif
