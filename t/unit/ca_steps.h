/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CA_STEPS_H
#define CA_STEPS_H

/*
 * ca_file.c with a hand on its system calls: the n-th of those that change
 * something dies, as at a power cut, or fails, as on a full disk.  The test
 * program's own ca_file.c takes the place of the library's.
 */

#include "ca_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/file.h>

#define DIED 42

static int steps_to_go; /* 0: nothing happens */
static int steps_errno; /* 0: die, else fail */
static int steps_seen;

static inline int step(void)
{
    ++steps_seen;
    if (steps_to_go == 0 || --steps_to_go > 0)
        return 0;
    if (!steps_errno)
        _exit(DIED);
    errno = steps_errno;
    return 1;
}

/* Half of it is written when the machine dies. */
static inline ssize_t step_write(int fd, const void *buf, size_t len)
{
    if (steps_to_go == 1 && write(fd, buf, len / 2) < 0)
        return -1;
    return step() ? -1 : write(fd, buf, len);
}

#define mkdir(...)  (step() ? -1 : mkdir(__VA_ARGS__))
#define open(...)   (step() ? -1 : open(__VA_ARGS__))
#define write       step_write
#define fchmod(...) (step() ? -1 : fchmod(__VA_ARGS__))
#define fsync(...)  (step() ? -1 : fsync(__VA_ARGS__))
#define link(...)   (step() ? -1 : link(__VA_ARGS__))
#define rename(...) (step() ? -1 : rename(__VA_ARGS__))
#define unlink(...) (step() ? -1 : unlink(__VA_ARGS__))
#include "ca/ca_file.c"
#undef mkdir
#undef open
#undef write
#undef fchmod
#undef fsync
#undef link
#undef rename
#undef unlink

#endif
