/* Runs a fuzzer's corpus as an ordinary test: every file of the folder given, and every prefix of
 * the small ones, so that the unit run keeps what fuzzing once found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define PREFIX_MAX 2048 /* of larger files only the whole is tried */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* In memory of exactly that size, so that the address sanitizer sees the first byte too far. */
static void
try(const char *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) {
        abort();
    }
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int
replay(const char *folder, const char *name)
{
    char path[4096], *bytes;
    size_t size;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (file_read(path, 16 * 1024 * 1024, &bytes, &size)) {
        fprintf(stderr, "cannot read %s\n", path);
        return -1;
    }
    for (size_t prefix = 0; size <= PREFIX_MAX && prefix < size; prefix++) {
        try(bytes, prefix);
    }
    try(bytes, size);
    free(bytes);
    return 0;
}

int
main(int count, char **words)
{
    DIR *folder = count == 2 ? opendir(words[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", words[0]);
        return 2;
    }
    unsigned replayed = 0, failed = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            failed += replay(words[1], entry->d_name) ? 1 : 0;
            replayed++;
        }
    }
    closedir(folder);
    printf("%u inputs replayed\n", replayed);
    return replayed == 0 || failed > 0; /* an empty corpus tests nothing */
}
