#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
folder_make(char folder[FOLDER_SIZE])
{
    strcpy(folder, "/tmp/cordon-test-XXXXXX");
    if (!mkdtemp(folder)) {
        perror("mkdtemp");
        abort();
    }
}

static int
on_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void
folder_remove(const char *folder)
{
    nftw(folder, on_entry, 8, FTW_DEPTH | FTW_PHYS);
}
