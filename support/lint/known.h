/* SPDX-License-Identifier: Apache-2.0
 *
 * For `make lint` only, before every file: what the analyser cannot know, and
 * would otherwise assume the contrary of. */
#ifndef KNOWN_H
#define KNOWN_H

#include <apr_strings.h>

#include "base/problem.h"
#include "ca/ca_openssl.h"
#include "ctl/ctl.h"

/* None of these returns NULL (returns_nonnull is not heeded): what a function
 * that fails has not filled, its caller does not look at.  KNOWN_ARE_HERE: the
 * file defines one of them. */
#define KNOWN(made)                                                            \
    ({                                                                         \
        __typeof__(made) known_ = (made);                                      \
        if (!known_)                                                           \
            __builtin_unreachable();                                           \
        known_;                                                                \
    })

#define apr_psprintf(...) KNOWN(apr_psprintf(__VA_ARGS__))
#define apr_pstrcat(...) KNOWN(apr_pstrcat(__VA_ARGS__))
#define apr_pstrdup(p, text) KNOWN(apr_pstrdup(p, text))
#define apr_palloc(p, size) KNOWN(apr_palloc(p, size))

#ifndef KNOWN_ARE_HERE
#define problem_make(...) KNOWN(problem_make(__VA_ARGS__))
#define problem_internal(...) KNOWN(problem_internal(__VA_ARGS__))
#define ca_openssl_problem(...) KNOWN(ca_openssl_problem(__VA_ARGS__))
/* and this not CTL_OK */
#define ctl_command_usage(...) KNOWN(ctl_command_usage(__VA_ARGS__))
#endif

#endif
