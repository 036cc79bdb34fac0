/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDLE_MUST_H
#define HANDLE_MUST_H

/* What must not fail on the way, for handle*.c. */

#include <stdio.h>
#include <stdlib.h>

#define must(cond)                                                             \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);         \
            abort();                                                           \
        }                                                                      \
    } while (0)

#endif
