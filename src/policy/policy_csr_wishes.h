/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_CSR_WISHES_H
#define POLICY_CSR_WISHES_H

/* What a CSR asks for beside its key: the subject and the requested
 * extensions.  Faults are noted, up to a limit; what the policy says of names
 * and subject is asked later. */

#include "policy/policy_pkcs10.h"
#include "policy/policy_subject.h"

typedef struct {
    apr_array_header_t *faults;        /* of const char *: ends of sentences */
    apr_array_header_t *names;         /* of identifier_t *: CN and SAN */
    const identifier_t *common_name;   /* NULL without … */
    const char *common_text;           /* … or if it is no host name */
    apr_array_header_t *subject;       /* of policy_value_t *: all but the CN */
    apr_array_header_t *emails, *uris; /* of const char *, normal */
    unsigned int key_usage;            /* X509v3_KU_* */
    apr_array_header_t *ext_key_usage; /* of const char * */
    int is_cut; /* there were too many names to be read */
} policy_csr_wishes_t;

policy_csr_wishes_t *policy_csr_wishes_make(const policy_t *policy,
                                            const policy_pkcs10_t *pkcs10,
                                            apr_pool_t *pool);

/* Note one more fault. */
void policy_csr_wishes_fault(policy_csr_wishes_t *wishes, const char *fault);

/* "a, b, c and 5 more" of const char *s, for a fault. */
const char *policy_csr_wishes_list(const apr_array_header_t *words,
                                   apr_pool_t *pool);
#define POLICY_CSR_LIST_MAX 10

#endif
