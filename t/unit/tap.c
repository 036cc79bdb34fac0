/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <jansson.h>

static int case_failed;
static char tmpdir[64];

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    return remove(path);
}

static void remove_tmpdir(void)
{
    if (tmpdir[0])
        nftw(tmpdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *tap_tmpdir(void)
{
    if (!tmpdir[0]) {
        snprintf(tmpdir, sizeof(tmpdir), "/tmp/acme-unit-XXXXXX");
        if (!mkdtemp(tmpdir)) {
            perror("mkdtemp");
            exit(1);
        }
    }
    return tmpdir;
}

void tap_diag(const char *fmt, ...)
{
    va_list ap;

    printf("# ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

int tap_ok(int held, const char *what, const char *file, int line,
           const char *fmt, ...)
{
    va_list ap;

    if (held)
        return 1;
    case_failed = 1;
    printf("# %s:%d: %s", file, line, what);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    return 0;
}

int tap_is_str(const char *got, const char *want, const char *what,
               const char *file, int line)
{
    int same = got && want ? !strcmp(got, want) : got == want;

    return tap_ok(same, what, file, line, " is '%s', want '%s'",
                  got ? got : "(null)", want ? want : "(null)");
}

int tap_is_int(long long got, long long want, const char *what,
               const char *file, int line)
{
    return tap_ok(got == want, what, file, line, " is %lld, want %lld", got,
                  want);
}

int main(void)
{
    int i, failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    apr_initialize();
    atexit(apr_terminate);
    atexit(remove_tmpdir);
    json_object_seed(0);
    for (i = 0; tap_cases[i].name; i++) {
        apr_pool_t *pool;

        case_failed = 0;
        apr_pool_create(&pool, NULL);
        tap_cases[i].run(pool);
        apr_pool_destroy(pool);
        failed += case_failed;
        printf("%sok %d - %s\n", case_failed ? "not " : "", i + 1,
               tap_cases[i].name);
    }
    printf("1..%d\n", i);
    return failed ? 1 : 0;
}
