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
