#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

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

/* The threshold stays where it is set: left alone it grows with the largest block ever freed, and
 * then such blocks stay with us. */
void
mem_setup_large(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
    (void)mallopt(M_ARENA_MAX, 2);
#endif
}

void
mem_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
