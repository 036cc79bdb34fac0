/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DCV_CAA_H
#define DCV_CAA_H

/*
 * What a set of CAA records says of a certificate (RFC 8659 4; accounturi and
 * validationmethods of RFC 8657): a pure function.  Whatever is not understood
 * refuses where it is critical; an issue property that makes no sense allows
 * nobody.
 */

#include "dcv/dcv.h"

typedef struct {
    int count;
    char *const *data; /* of count records, lens[i] octets each */
    const int *lens;
} dcv_caa_set_t;

/* Why the records forbid it, NULL if they do not. */
const char *dcv_caa_fault(const dcv_caa_t *terms, const dcv_caa_name_t *name,
                          const dcv_caa_set_t *set, apr_pool_t *pool);

/* RFC 8659 4.2: is it a parameter's tag, or a value without blanks around it?
 * The records of dns-persist-01 have the same. */
int dcv_caa_is_tag(const char *tag);
int dcv_caa_is_value(const char *value);
/* Without blanks around it, in place. */
char *dcv_caa_trim(char *text);
/* The next word up to end, without blanks around it; *at is moved behind the
 * end.  NULL: there is nothing left. */
char *dcv_caa_word(char **at, char end);

#endif
