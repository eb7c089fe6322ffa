#include "controller/slot.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "controller/desired.h"

#define EVERYTHING UINT32_MAX /* as the number of a push: the whole snapshot */

/* ---- asked ---- */

void
asked_init(struct asked_table *table)
{
    *table = (struct asked_table){.items = NULL};
    hmap_init(&table->by_id);
}

void
asked_fini(struct asked_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->items[i]);
    }
    free(table->items);
    free(table->holes);
    hmap_fini(&table->by_id);
}

struct asked *
asked_find(const struct asked_table *table, const char *id)
{
    HMAP_FOR_EACH_HASH (asked, struct asked, by_id, hash_text(id), &table->by_id) {
        if (strcmp(asked->id, id) == 0) {
            return asked;
        }
    }
    return NULL;
}

struct asked *
asked_at(const struct asked_table *table, size_t number)
{
    return number < table->count ? table->items[number] : NULL;
}

/* The lowest numbers are not the first to be given again; there are never more than were in use. */
static uint32_t
number_take(struct asked_table *table)
{
    if (table->hole_count > 0) {
        return table->holes[--table->hole_count];
    }
    if (table->count == table->room) {
        table->room = table->room ? table->room * 2 : 64;
        table->items = mem_resize(table->items, table->room, sizeof(*table->items));
        table->holes = mem_resize(table->holes, table->room, sizeof(*table->holes));
    }
    return (uint32_t)table->count++;
}

struct asked *
asked_join(struct asked_table *table, const char *id, struct entry *entry)
{
    struct asked *asked = asked_find(table, id);
    if (!asked) {
        size_t size = strlen(id) + 1;
        asked = mem_new(1, sizeof(*asked) + size);
        memcpy(asked->id, id, size);
        asked->number = number_take(table);
        table->items[asked->number] = asked;
        hmap_insert(&table->by_id, &asked->by_id, hash_text(id));
    }
    table->turns++;
    asked->entry = entry;
    asked->askers++;
    return asked;
}

void
asked_leave(struct controller *controller, struct asked *asked)
{
    struct asked_table *table = &controller->asked;
    table->turns++;
    if (--asked->askers > 0) {
        return;
    }
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        slot_drop(&sw->slots, asked);
    }
    table->items[asked->number] = NULL;
    table->holes[table->hole_count++] = asked->number;
    hmap_remove(&table->by_id, &asked->by_id);
    free(asked);
}

/* ---- what few slots have ---- */

static struct slot_more *
more_find(const struct slots *slots, uint32_t number)
{
    if (number >= slots->room || !slots->items[number].has_more) {
        return NULL;
    }
    HMAP_FOR_EACH_HASH (more, struct slot_more, node, hash_bytes(&number, sizeof(number)),
                        &slots->more) {
        if (more->number == number) {
            return more;
        }
    }
    return NULL;
}

static struct slot_more *
more_need(struct slots *slots, uint32_t number)
{
    struct slot_more *more = more_find(slots, number);
    if (!more) {
        more = MEM_NEW(struct slot_more);
        more->number = number;
        hmap_insert(&slots->more, &more->node, hash_bytes(&number, sizeof(number)));
        slots->items[number].has_more = true;
    }
    return more;
}

static void
more_drop(struct slots *slots, struct slot_more *more)
{
    slots->items[more->number].has_more = false;
    hmap_remove(&slots->more, &more->node);
    free(more->why);
    free(more);
}

/* ---- slots ---- */

void
slots_init(struct slots *slots)
{
    *slots = (struct slots){.items = NULL};
    hmap_init(&slots->more);
}

void
slots_anew(struct slots *slots)
{
    struct hmap_node *node;
    while ((node = hmap_first(&slots->more)) != NULL) {
        more_drop(slots, CONTAINER_OF(node, struct slot_more, node));
    }
    for (size_t i = 0; i < slots->room; i++) {
        slots->items[i] = (struct slot){.is_known = slots->items[i].is_known};
    }
    slots->count = 0;
    slots->push_count = 0;
}

void
slots_told(struct slots *slots)
{
    for (size_t i = 0; i < slots->room; i++) {
        slots->items[i].is_known = slots->items[i].is_known && slots->items[i].is_asked;
    }
}

void
slots_doubt(struct slots *slots)
{
    for (size_t i = 0; i < slots->room; i++) {
        slots->items[i].is_known = false;
    }
}

void
slots_clear(struct slots *slots)
{
    slots_anew(slots);
    slots_doubt(slots);
}

void
slots_fini(struct slots *slots)
{
    slots_clear(slots);
    hmap_fini(&slots->more);
    free(slots->items);
    free(slots->pushes);
}

static void
push_note(struct slots *slots, uint32_t number, uint64_t generation)
{
    if (slots->push_count == slots->push_room) {
        slots->push_room = slots->push_room ? slots->push_room * 2 : 8;
        slots->pushes = mem_resize(slots->pushes, slots->push_room, sizeof(*slots->pushes));
    }
    slots->pushes[slots->push_count++] = (struct slot_push){generation, number};
}

void
slots_pushed(struct slots *slots, uint64_t generation)
{
    slots->push_count = 0;
    push_note(slots, EVERYTHING, generation);
}

void
slots_answered(struct slots *slots, uint64_t generation)
{
    size_t done = 0;
    for (; done < slots->push_count && slots->pushes[done].generation <= generation; done++) {
        uint32_t number = slots->pushes[done].number;
        for (size_t i = 0; number == EVERYTHING && i < slots->room; i++) {
            slots->items[i].is_pushed = false;
        }
        if (number < slots->room) {
            slots->items[number].is_pushed = false;
        }
    }
    if (done == 0) {
        return;
    }
    slots->push_count -= done;
    memmove(slots->pushes, slots->pushes + done, slots->push_count * sizeof(*slots->pushes));
    for (size_t i = 0; i < slots->push_count; i++) { /* pushed again since */
        uint32_t number = slots->pushes[i].number;
        if (number < slots->room) {
            slots->items[number].is_pushed = slots->items[number].is_asked;
        }
    }
}

void
slots_unname(struct slots *slots)
{
    for (size_t i = 0; i < slots->room; i++) {
        slots->items[i].is_named = false;
    }
}

struct slot *
slot_find(const struct slots *slots, const struct asked *asked)
{
    struct slot *slot = asked->number < slots->room ? &slots->items[asked->number] : NULL;
    return slot && slot->is_asked ? slot : NULL;
}

void
slot_drop(struct slots *slots, const struct asked *asked)
{
    struct slot *slot = slot_find(slots, asked);
    if (!slot) {
        if (asked->number < slots->room) { /* its number may be another rule's */
            slots->items[asked->number].is_known = false;
        }
        return;
    }
    struct slot_more *more = more_find(slots, asked->number);
    if (more) {
        more_drop(slots, more);
    }
    *slot = (struct slot){.is_asked = false};
    slots->count--;
}

void
slots_reserve(struct slots *slots, size_t count)
{
    if (count <= slots->room) {
        return;
    }
    size_t room = count + count / 16 + 64; /* not twice: there is a table for each switch */
    slots->items = mem_resize(slots->items, room, sizeof(*slots->items));
    memset(slots->items + slots->room, 0, (room - slots->room) * sizeof(*slots->items));
    slots->room = room;
}

void
slot_put(struct slots *slots, const struct asked *asked, uint64_t generation)
{
    slots_reserve(slots, (size_t)asked->number + 1);
    struct slot *slot = &slots->items[asked->number];
    slots->count += !slot->is_asked;
    slot->is_asked = true;
    slot->is_pushed = true;
    if (generation > 0) {
        push_note(slots, asked->number, generation);
    }
}

void
slot_say(struct slots *slots, const struct asked *asked, enum rule_state state, const char *why)
{
    struct slot *slot = slot_find(slots, asked);
    slot->state = (uint8_t)state & 3u;
    slot->is_known = state == RULE_VERIFIED;
    struct slot_more *more =
        why[0] != '\0' ? more_need(slots, asked->number) : more_find(slots, asked->number);
    if (more && strcmp(more->why ? more->why : "", why) != 0) {
        free(more->why);
        more->why = why[0] != '\0' ? mem_strdup(why) : NULL;
    }
    if (more && !more->why && more->hits == 0) {
        more_drop(slots, more);
    }
}

void
slot_count(struct slots *slots, const struct asked *asked, uint64_t hits)
{
    struct slot_more *more =
        hits > 0 ? more_need(slots, asked->number) : more_find(slots, asked->number);
    if (more) {
        more->hits = hits;
    }
}

const char *
slot_why(const struct slots *slots, const struct asked *asked)
{
    const struct slot_more *more = more_find(slots, asked->number);
    return more ? more->why : NULL;
}

uint64_t
slot_hits(const struct slots *slots, const struct asked *asked)
{
    const struct slot_more *more = more_find(slots, asked->number);
    return more ? more->hits : 0;
}

bool
slot_is_missing(const struct slot *slot)
{
    return (slot->state == RULE_ABSENT || slot->state == RULE_FAILED) && !slot->is_pushed;
}

bool
slot_is_held(const struct slot *slot)
{
    return slot->state == RULE_APPLIED || slot->state == RULE_VERIFIED;
}

bool
slot_is_meant(const struct switch_state *sw, const struct want *want)
{
    return (want->switch_name[0] == '\0' ||
            strcmp(want->switch_name, sw->device.switch_name) == 0) &&
           (!want->site || strcmp(want->site, sw->site) == 0);
}

bool
slot_is_wanted(const struct switch_state *sw, const struct want *want)
{
    return slot_is_meant(sw, want) && !desired_misfit(&sw->device, want);
}
