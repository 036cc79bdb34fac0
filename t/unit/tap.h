/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TAP_H
#define TAP_H

/*
 * A few lines of TAP for the unit tests.  Each test program defines
 *
 *     const tap_case_t tap_cases[] = {{"T18 every answer has a nonce", fn}, …,
 *                                     {NULL, NULL}};
 *
 * and tap.c runs them, each with a fresh pool, and prints the plan.  A case
 * is ok when every ok()/is() in it held.  Name cases after the rule they hold.
 */

#include <apr_pools.h>

typedef struct {
    const char *name;
    void (*run)(apr_pool_t *pool);
} tap_case_t;

extern const tap_case_t tap_cases[];

/* Note a failure with file and line, and go on. */
#define ok(cond, ...)                                                          \
    tap_ok(!!(cond), #cond, __FILE__, __LINE__, " " __VA_ARGS__)
#define is_str(got, want) tap_is_str((got), (want), #got, __FILE__, __LINE__)
#define is_int(got, want)                                                      \
    tap_is_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
/* A condition the rest of the case depends on: leave the case when it fails. */
#define need(cond)                                                             \
    do {                                                                       \
        if (!tap_ok(!!(cond), #cond, __FILE__, __LINE__, " "))                 \
            return;                                                            \
    } while (0)

int tap_ok(int held, const char *what, const char *file, int line,
           const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int tap_is_str(const char *got, const char *want, const char *what,
               const char *file, int line);
int tap_is_int(long long got, long long want, const char *what,
               const char *file, int line);
void tap_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A directory of this program's own, removed at exit. */
const char *tap_tmpdir(void);

#endif
