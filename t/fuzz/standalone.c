/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Replays the files, and the files of the directories, that are named: for the
 * normal test run, without libFuzzer.  Fails when there were none, so that a
 * lost corpus is noticed.  A target that aborts fails by itself. */

static int replayed;

static void file_replay(const char *path, size_t size)
{
    uint8_t *data = malloc(size + !size); /* exact, for the sanitizer */
    FILE *file = fopen(path, "rb");

    promise(data && file && fread(data, 1, size, file) == size);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    ++replayed;
}

static void path_replay(const char *path);

static void directory_replay(const char *path)
{
    char child[4096];
    struct dirent *entry;
    DIR *directory = opendir(path);

    promise(directory);
    for (entry = readdir(directory); entry; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        promise((size_t)snprintf(child, sizeof(child), "%s/%s", path,
                                 entry->d_name) < sizeof(child));
        path_replay(child);
    }
    closedir(directory);
}

static void path_replay(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        perror(path);
        exit(1);
    }
    if (S_ISDIR(st.st_mode))
        directory_replay(path);
    else
        file_replay(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
    int i;

    LLVMFuzzerInitialize(&argc, &argv);
    for (i = 1; i < argc; ++i)
        path_replay(argv[i]);
    printf("%d replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
