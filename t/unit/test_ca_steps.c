/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_steps.h"

#include "ca_dirs.h"

/* What of these files is there must not change: keys, and the root. */
static const char *const kept[] = {"root.key",      "root.pem",
                                   "issuing-1.key", "issuing-1.pem",
                                   "issuing-2.key", "vhost-a.test.key"};
#define KEPT 6

static void keep(const char *now_there[KEPT], const char *dir, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < KEPT; ++i)
        now_there[i] = access(in(dir, kept[i], pool), F_OK) == 0
                           ? text_of(dir, kept[i], pool)
                           : NULL;
}

static void all_kept(const char *const before[KEPT], const char *dir,
                     apr_pool_t *pool)
{
    int i;

    for (i = 0; i < KEPT; ++i) {
        if (before[i])
            is_str(text_of(dir, kept[i], pool), before[i]);
    }
}

/* Everything there is to make: root, two generations, a vhost's certificate. */
static problem_t *make_all(const char *dir, apr_pool_t *pool)
{
    const char *cert_file, *key_file;
    ca_set_t *ca;
    problem_t *prob = ca_auto_ensure(&ca, dir, ORG, NOW, NULL, pool);

    if (!prob)
        prob = ca_auto_ensure(&ca, dir, ORG, NOW + 4 * YEAR, NULL, pool);
    if (!prob)
        prob = ca_auto_vhost_ensure(&cert_file, &key_file, ca, dir, "a.test",
                                    names(pool, "a.test", NULL), NOW + 4 * YEAR,
                                    NULL, pool);
    return prob;
}

/* After whatever happened in dir the next start puts everything right, and
 * leaves what was there. */
static void recovers(const char *dir, apr_pool_t *pool)
{
    const char *before[KEPT];
    ca_set_t *ca;
    problem_t *prob;

    keep(before, dir, pool);
    prob = make_all(dir, pool);
    ok(!prob, "%s", prob ? prob->cause : "");
    all_kept(before, dir, pool);
    ca = ensure(dir, NOW + 4 * YEAR, pool);
    if (!ca)
        return;
    is_int(ca->generations->nelts, 2);
    is_int(ca->issuer->generation, 2);
    works(ca, NOW + 4 * YEAR, pool);
    is_int(count(dir), 10);
}

static void die_at_every_step(apr_pool_t *pool)
{
    int n, status = 0;

    for (n = 1; n < 500; ++n) {
        const char *dir = dir_of(apr_psprintf(pool, "die-%d", n), pool);
        pid_t pid = fork();

        if (pid == 0) {
            steps_to_go = n;
            _exit(make_all(dir, pool) ? 1 : 0);
        }
        waitpid(pid, &status, 0);
        recovers(dir, pool);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        ok(WIFEXITED(status) && WEXITSTATUS(status) == DIED, "step %d", n);
    }
    tap_diag("%d steps", n);
    ok(n > 40 && n < 500, "%d", n);
}

static void fail_at_every_step(apr_pool_t *pool)
{
    int n, failures = 0, done = 0;

    for (n = 1; n < 500 && !done; ++n) {
        const char *dir = dir_of(apr_psprintf(pool, "fail-%d", n), pool);
        problem_t *prob;

        steps_to_go = n;
        steps_errno = ENOSPC;
        prob = make_all(dir, pool);
        done = steps_to_go > 0;
        steps_to_go = steps_errno = 0;
        if (prob) {
            ++failures;
            ok(strncmp(prob->cause, dir, strlen(dir)) == 0, "%s", prob->cause);
            ok(strstr(prob->cause, "No space left on device; make room"), "%s",
               prob->cause);
        }
        recovers(dir, pool);
    }
    tap_diag("%d steps, %d of them stopped it", n, failures);
    ok(failures > 30, "%d", failures);
}

/* Many processes at once in an empty directory; one of them is killed. */
static void together(apr_pool_t *pool)
{
    const char *dir = dir_of("together", pool), *root = NULL;
    pid_t pids[8];
    int i, status;
    ca_set_t *ca;

    for (i = 0; i < 8; ++i) {
        pids[i] = fork();
        if (pids[i] == 0) {
            steps_to_go = i == 3 ? 20 : 0;
            if (make_all(dir, pool))
                _exit(1);
            root = text_of(dir, "root.pem", pool);
            if (ca_auto_ensure(&ca, dir, ORG, NOW + 4 * YEAR, NULL, pool))
                _exit(2);
            _exit(strcmp(root, ca->roots_pem) ? 3 : ca->issuer->generation + 8);
        }
    }
    for (i = 0; i < 8; ++i) {
        waitpid(pids[i], &status, 0);
        ok(WIFEXITED(status) && (WEXITSTATUS(status) == 10 ||
                                 (i == 3 && WEXITSTATUS(status) == DIED)),
           "process %d: %d", i, status);
    }
    recovers(dir, pool);
}

const tap_case_t tap_cases[] = {
    {"a power cut at any step is taken up again", die_at_every_step},
    {"a full disk at any step is told, and taken up again", fail_at_every_step},
    {"many starts at once make one CA", together},
    {NULL, NULL}};
