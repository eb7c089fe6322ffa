/* Lines that are put together to be written at once. */
#ifndef CORDON_EDGE_LINES_H
#define CORDON_EDGE_LINES_H

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

struct lines {
    char *bytes; /* owned by whoever has it */
    size_t size, room;
};

/* As it is: with the end of the line, if there is to be one. */
static inline void
lines_add(struct lines *lines, const char *text, size_t size)
{
    while (lines->size + size > lines->room) {
        lines->room = lines->room ? lines->room * 2 : 4096;
        lines->bytes = mem_resize(lines->bytes, lines->room, 1);
    }
    if (size > 0) { /* before the first byte there is no room to point into */
        memcpy(lines->bytes + lines->size, text, size);
        lines->size += size;
    }
}

static inline void
lines_add_line(struct lines *lines, const char *line)
{
    lines_add(lines, line, strlen(line));
    lines_add(lines, "\n", 1);
}

#endif
