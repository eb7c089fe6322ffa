#include "controller/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "controller/desired.h"

struct slot *
slot_find(const struct switch_state *sw, const char *id)
{
    HMAP_FOR_EACH_HASH (slot, struct slot, node, hash_text(id), &sw->slots) {
        if (strcmp(slot->id, id) == 0) {
            return slot;
        }
    }
    return NULL;
}

void
slot_drop(struct switch_state *sw, struct slot *slot)
{
    hmap_remove(&sw->slots, &slot->node);
    free(slot->why);
    free(slot);
}

void
slots_clear(struct switch_state *sw)
{
    struct hmap_node *node = hmap_first(&sw->slots);
    while (node) {
        struct hmap_node *next = hmap_next(&sw->slots, node);
        slot_drop(sw, CONTAINER_OF(node, struct slot, node));
        node = next;
    }
}

void
slot_put(struct switch_state *sw, struct entry *entry, const char *id, uint64_t generation)
{
    struct slot *slot = slot_find(sw, id);
    if (!slot) {
        slot = MEM_NEW(struct slot);
        snprintf(slot->id, sizeof(slot->id), "%s", id);
        hmap_insert(&sw->slots, &slot->node, hash_text(id));
    }
    slot->entry = entry;
    slot->generation = generation;
}

void
slot_say(struct slot *slot, enum rule_state state, const char *why)
{
    slot->state = state;
    if (strcmp(slot->why ? slot->why : "", why) != 0) {
        free(slot->why);
        slot->why = why[0] != '\0' ? mem_strdup(why) : NULL;
    }
}

bool
slot_is_missing(const struct switch_state *sw, const struct slot *slot)
{
    return (slot->state == RULE_ABSENT || slot->state == RULE_FAILED) &&
           slot->generation <= sw->observed_generation;
}

bool
slot_is_wanted(const struct switch_state *sw, const struct want *want)
{
    bool is_meant = want->switch_name[0] == '\0' ||
                    strcmp(want->switch_name, sw->device.switch_name) == 0;
    return is_meant && !desired_misfit(&sw->device, want);
}
