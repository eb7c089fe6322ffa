/* When rules end, on the boot clock: a wall clock that jumps shortens nothing. */
#ifndef CORDON_EDGE_DEADLINES_H
#define CORDON_EDGE_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/hmap.h"
#include "edge/lines.h"
#include "model/rule.h"

struct deadline {
    struct hmap_node node;
    char id[RULE_ID_SIZE];
    int64_t at_us; /* boot clock */
};

struct deadlines {
    struct hmap by_id;
    const struct clock *clock;
    bool is_dirty; /* changed since the caller cleared it */
};

void deadlines_init(struct deadlines *deadlines, const struct clock *clock);
void deadlines_fini(struct deadlines *deadlines);
/* 0 seconds: that rule does not expire. */
void deadlines_set(struct deadlines *deadlines, const char *id, uint32_t expires_s);
void deadlines_set_all(struct deadlines *deadlines, const struct rule *rules, size_t count);
void deadlines_drop(struct deadlines *deadlines, const char *id);
void deadlines_clear(struct deadlines *deadlines);
/* NULL: it does not expire. */
struct deadline *deadlines_find(const struct deadlines *deadlines, const char *id);
/* Seconds left, at least 1; 0: it does not expire. */
uint32_t deadlines_left_s(const struct deadlines *deadlines, const char *id);
/* A line each: the seconds that are left, and the rule. */
void deadlines_write(const struct deadlines *deadlines, struct lines *lines);
/* Those of 'text' (lines of deadlines_write(), taken apart) that are sooner count. */
void deadlines_shorten(struct deadlines *deadlines, char *text);

#endif
