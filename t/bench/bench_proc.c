/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_proc.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define PROCESSES_MAX 65536

typedef struct {
    int pid, parent, in_tree;
    double ticks;
} process_t;

/* /proc/<pid>/stat: the name may hold spaces, so count from its last ")". */
static int stat_read(process_t *process, const char *pid)
{
    char path[64], text[1024], *rest;
    unsigned long utime, stime;
    long cutime, cstime;
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    file = fopen(path, "r");
    if (!file)
        return 0;
    len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    rest = strrchr(text, ')');
    if (!rest ||
        sscanf(rest + 1,
               " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu "
               "%ld %ld",
               &process->parent, &utime, &stime, &cutime, &cstime) != 5)
        return 0;
    process->pid = atoi(pid);
    process->in_tree = 0;
    process->ticks = (double)utime + stime + cutime + cstime;
    return 1;
}

static long pss_read(int pid)
{
    char path[64], line[256];
    long kib = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    file = fopen(path, "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Pss: %ld", &kib) == 1)
            break;
    }
    fclose(file);
    return kib;
}

static int files_count(int pid)
{
    char path[64];
    DIR *dir;
    int n = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    dir = opendir(path);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n > 2 ? n - 2 : 0;
}

static long syncs_read(const char *path)
{
    FILE *file = path ? fopen(path, "r") : NULL;
    uint64_t count = 0;

    if (file && fread(&count, sizeof(count), 1, file) != 1)
        count = 0;
    if (file)
        fclose(file);
    return (long)count;
}

static int processes_read(process_t *list)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int n = 0;

    if (!dir)
        return 0;
    for (entry = readdir(dir); entry && n < PROCESSES_MAX;
         entry = readdir(dir)) {
        if (entry->d_name[0] > '0' && entry->d_name[0] <= '9')
            n += stat_read(&list[n], entry->d_name);
    }
    closedir(dir);
    return n;
}

static int tree_mark(process_t *list, int n, int root)
{
    int i, j, marked = 0;

    for (i = 0; i < n; i++) {
        if (list[i].in_tree)
            continue;
        if (list[i].pid == root) {
            list[i].in_tree = ++marked;
            continue;
        }
        for (j = 0; j < n; j++) {
            if (list[j].in_tree && list[j].pid == list[i].parent)
                break;
        }
        if (j < n)
            list[i].in_tree = ++marked;
    }
    return marked;
}

static void tree_sum(bench_proc_t *sum, int pid)
{
    process_t *list = malloc(PROCESSES_MAX * sizeof(*list));
    int n, i;

    if (!list)
        return;
    n = processes_read(list);
    while (tree_mark(list, n, pid))
        ;
    for (i = 0; i < n; i++) {
        if (!list[i].in_tree)
            continue;
        sum->cpu_ms += list[i].ticks * 1000.0 / sysconf(_SC_CLK_TCK);
        sum->pss_kib += pss_read(list[i].pid);
        sum->files += files_count(list[i].pid);
        sum->processes++;
    }
    free(list);
}

bench_proc_t bench_proc_read(int pid, const char *syncs)
{
    bench_proc_t sum = {0};

    if (pid)
        tree_sum(&sum, pid);
    sum.syncs = syncs_read(syncs);
    return sum;
}
