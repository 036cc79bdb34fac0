/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl_apart.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

ctl_exit_e ctl_apart(ctl_t *ctl, ctl_exit_e (*fn)(ctl_t *, void *), void *baton)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        ctl_exit_e code = fn(ctl, baton);

        fflush(NULL);
        _exit(code);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            pid = -1;
    if (pid > 0 && WIFEXITED(status))
        return (ctl_exit_e)WEXITSTATUS(status);
    ctl_print_error("a process of acmectl could not be started, or died");
    return CTL_FAILED;
}
