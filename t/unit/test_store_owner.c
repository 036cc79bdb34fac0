/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_job.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "tap.h"

/* A child's owner; it ends when end is closed. */
static const char *child_owner(pid_t *child, int *end, apr_pool_t *pool)
{
    char owner[300];
    int name[2], hold[2];
    ssize_t len;

    if (pipe(name) != 0 || pipe(hold) != 0)
        return "";
    *child = fork();
    if (*child == 0) {
        const char *text = store_owner_make(pool);

        close(hold[1]);
        len = write(name[1], text, strlen(text));
        _exit(len < 0 || read(hold[0], owner, 1) < 0);
    }
    close(name[1]);
    close(hold[0]);
    *end = hold[1];
    len = read(name[0], owner, sizeof(owner));
    close(name[0]);
    return apr_pstrmemdup(pool, owner, len > 0 ? (apr_size_t)len : 0);
}

static void life(apr_pool_t *pool)
{
    siginfo_t info;
    pid_t child = 0;
    int end = -1;
    const char *owner = child_owner(&child, &end, pool);

    ok(strcmp(owner, store_owner_make(pool)) != 0);
    ok(!store_owner_is_dead(store_owner_make(pool), pool));
    ok(!store_owner_is_dead(owner, pool), "%s lives", owner);
    close(end);
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    ok(store_owner_is_dead(owner, pool), "not yet reaped");
    waitpid(child, NULL, 0);
    ok(store_owner_is_dead(owner, pool), "gone");
}

/* This process's owner with its nth part replaced. */
static const char *changed(int nth, const char *part, apr_pool_t *pool)
{
    char *last, *rest = apr_pstrdup(pool, store_owner_make(pool));
    const char *text = "";
    int i;

    for (i = 0; i < 4; i++) {
        char *word = apr_strtok(i ? NULL : rest, "/", &last);

        text =
            apr_pstrcat(pool, text, i ? "/" : "", i == nth ? part : word, NULL);
    }
    return text;
}

static void others(apr_pool_t *pool)
{
    ok(!store_owner_is_dead(changed(0, "other-boot", pool), pool));
    ok(!store_owner_is_dead(changed(1, "pid:[1]", pool), pool));
    ok(store_owner_is_dead(changed(2, "4194304", pool), pool), "no such pid");
    ok(store_owner_is_dead(changed(3, "1", pool), pool), "its pid came again");
    ok(!store_owner_is_dead(changed(3, "-", pool), pool));
}

static void junk(apr_pool_t *pool)
{
    const char *own = store_owner_make(pool);
    apr_size_t len;

    for (len = 0; len < strlen(own); len++)
        (void)store_owner_is_dead(apr_pstrmemdup(pool, own, len), pool);
    ok(!store_owner_is_dead("", pool));
    ok(!store_owner_is_dead("////", pool));
    ok(!store_owner_is_dead(changed(2, "-1", pool), pool));
    ok(!store_owner_is_dead(changed(2, "0", pool), pool));
    ok(!store_owner_is_dead(changed(2, "99999999999999999999", pool), pool));
    ok(!store_owner_is_dead(changed(2, "1x", pool), pool));
}

const tap_case_t tap_cases[] = {
    {"a process lives until it ends, reaped or not", life},
    {"another boot or pid namespace is not known to be dead", others},
    {"what is no owner is not dead", junk},
    {NULL, NULL}};
