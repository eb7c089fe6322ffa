#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *memory, size_t count, size_t size)
{
    if (!memory) {
        fprintf(stderr, "out of memory: %zu items of %zu bytes\n", count, size);
        abort();
    }
    return memory;
}

void *
mem_new(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1), count, size);
}

void *
mem_resize(void *old, size_t count, size_t size)
{
    if (count == 0) {
        free(old);
        return NULL;
    }
    return checked(reallocarray(old, count, size), count, size);
}

char *
mem_strdup(const char *text)
{
    return checked(strdup(text), strlen(text) + 1, 1);
}
