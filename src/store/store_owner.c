/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_job.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

/* The first line of a small file, "" if it cannot be read. */
static void line_read(char *line, apr_size_t size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, line, size - 1);

    if (fd >= 0)
        close(fd);
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* "<boot id>/<pid namespace>": where a pid means the same. NULL: unknown. */
static const char *place_make(apr_pool_t *pool)
{
    char boot[64], space[64];
    ssize_t len = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);

    line_read(boot, sizeof(boot), "/proc/sys/kernel/random/boot_id");
    if (len <= 0 || !boot[0])
        return NULL;
    space[len] = '\0'; /* "pid:[4026531836]" */
    return apr_pstrcat(pool, boot, "/", space, NULL);
}

/* proc(5) /proc/[pid]/stat: state, number of threads and start time are fields
 * 3, 20 and 22; the name before them may hold anything, blanks and ")" too. */
typedef struct {
    char state;
    long threads;
    char start[32];
} life_t;

static int life_read(life_t *life, long pid)
{
    char path[40], line[1024], *field, *last;
    int number;

    memset(life, 0, sizeof(*life));
    apr_snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    line_read(line, sizeof(line), path);
    field = strrchr(line, ')');
    if (!field)
        return 0;
    field = apr_strtok(field + 1, " ", &last);
    for (number = 3; field; number++, field = apr_strtok(NULL, " ", &last)) {
        if (number == 3)
            life->state = *field;
        else if (number == 20)
            life->threads = strtol(field, NULL, 10);
        else if (number == 22)
            apr_cpystrn(life->start, field, sizeof(life->start));
    }
    return life->start[0] != '\0';
}

const char *store_owner_make(apr_pool_t *pool)
{
    const char *place = place_make(pool);
    life_t life;

    if (!life_read(&life, (long)getpid()))
        life.start[0] = '\0';
    return apr_psprintf(pool, "%s/%ld/%s", place ? place : "-/-",
                        (long)getpid(), life.start[0] ? life.start : "-");
}

static int is_zombie(const life_t *life)
{
    return (life->state == 'Z' || life->state == 'X') && life->threads <= 1;
}

int store_owner_is_dead(const char *owner, apr_pool_t *pool)
{
    const char *place = place_make(pool), *start;
    apr_size_t len = place ? strlen(place) : 0;
    life_t life;
    char *end;
    long pid;

    if (!place || strncmp(owner, place, len) || owner[len] != '/')
        return 0;
    pid = strtol(owner + len + 1, &end, 10);
    if (pid <= 0 || *end != '/')
        return 0;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return 1;
    start = end + 1;
    if (!life_read(&life, pid) || !strcmp(start, "-"))
        return 0; /* it lives, or /proc hides it */
    return strcmp(life.start, start) != 0 || is_zombie(&life);
}
