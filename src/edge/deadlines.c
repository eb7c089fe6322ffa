#include "edge/deadlines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

void
deadlines_init(struct deadlines *deadlines, const struct clock *clock)
{
    *deadlines = (struct deadlines){.clock = clock};
    hmap_init(&deadlines->by_id);
}

void
deadlines_fini(struct deadlines *deadlines)
{
    deadlines_clear(deadlines);
    hmap_fini(&deadlines->by_id);
}

struct deadline *
deadlines_find(const struct deadlines *deadlines, const char *id)
{
    HMAP_FOR_EACH_HASH (deadline, struct deadline, node, hash_text(id), &deadlines->by_id) {
        if (strcmp(deadline->id, id) == 0) {
            return deadline;
        }
    }
    return NULL;
}

void
deadlines_drop(struct deadlines *deadlines, const char *id)
{
    struct deadline *deadline = deadlines_find(deadlines, id);
    if (deadline) {
        hmap_remove(&deadlines->by_id, &deadline->node);
        free(deadline);
        deadlines->is_dirty = true;
    }
}

void
deadlines_set(struct deadlines *deadlines, const char *id, uint32_t expires_s)
{
    deadlines_drop(deadlines, id);
    if (expires_s == 0) {
        return;
    }
    struct deadline *deadline = MEM_NEW(struct deadline);
    snprintf(deadline->id, sizeof(deadline->id), "%s", id);
    deadline->at_us = clock_boot_us(deadlines->clock) + expires_s * 1000000LL;
    hmap_insert(&deadlines->by_id, &deadline->node, hash_text(id));
    deadlines->is_dirty = true;
}

void
deadlines_set_all(struct deadlines *deadlines, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        deadlines_set(deadlines, rules[i].id, rules[i].expires_s);
    }
}

void
deadlines_clear(struct deadlines *deadlines)
{
    struct hmap_node *node = hmap_first(&deadlines->by_id);
    while (node) {
        struct deadline *deadline = CONTAINER_OF(node, struct deadline, node);
        node = hmap_next(&deadlines->by_id, node);
        hmap_remove(&deadlines->by_id, &deadline->node);
        free(deadline);
    }
}

uint32_t
deadlines_left_s(const struct deadlines *deadlines, const char *id)
{
    const struct deadline *deadline = deadlines_find(deadlines, id);
    if (!deadline) {
        return 0;
    }
    int64_t left = (deadline->at_us - clock_boot_us(deadlines->clock)) / 1000000;
    return left > 0 ? (uint32_t)left : 1;
}

void
deadlines_write(const struct deadlines *deadlines, struct lines *lines)
{
    HMAP_FOR_EACH (deadline, struct deadline, node, &deadlines->by_id) {
        char line[RULE_ID_SIZE + 16];
        snprintf(line, sizeof(line), "%u %s", deadlines_left_s(deadlines, deadline->id),
                 deadline->id);
        lines_add_line(lines, line);
    }
}

void
deadlines_shorten(struct deadlines *deadlines, char *text)
{
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        char *id;
        unsigned long seconds = strtoul(line, &id, 10);
        struct deadline *deadline = *id == ' ' ? deadlines_find(deadlines, id + 1) : NULL;
        if (!deadline || seconds > UINT32_MAX) {
            continue; /* not what was written */
        }
        int64_t at_us = clock_boot_us(deadlines->clock) + (int64_t)seconds * 1000000;
        if (at_us < deadline->at_us) {
            deadline->at_us = at_us;
        }
    }
}
