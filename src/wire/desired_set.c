#include "wire/desired_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/mem.h"
#include "wire/message.h"

#define PART_BYTES (WIRE_FRAME_MAX / 2) /* estimated; the rest is room for escapes */

void
desired_copy(struct wire_desired *to, const struct wire_desired *from)
{
    *to = *from;
    to->add = from->add_count ? mem_new(from->add_count, sizeof(*to->add)) : NULL;
    to->remove = from->remove_count ? mem_new(from->remove_count, sizeof(*to->remove)) : NULL;
    for (size_t i = 0; i < from->add_count; i++) {
        rule_copy(&to->add[i], &from->add[i]);
    }
    if (from->remove_count > 0) {
        memcpy(to->remove, from->remove, from->remove_count * sizeof(*to->remove));
    }
}

/* An upper estimate of a rule's JSON without escapes. */
static size_t
rule_bytes(const struct rule *rule)
{
    switch (rule->kind) {
    case RULE_ISOLATE:
        return 320 + (rule->isolate.reason ? strlen(rule->isolate.reason) : 0) +
               rule->isolate.address_count * 48;
    case RULE_HOLD_PORT:
        return 320 + rule->hold_port.known_mac_count * 20;
    case RULE_PERMIT_SET:
        return 256 + rule->permit_set.permit_count * 400 +
               (rule->permit_set.resolver_count + rule->permit_set.dhcp_server_count) * 48;
    case RULE_MIRROR:
        return 1024 + rule->mirror->filter_count * 200 + rule->mirror->port_count * NAME_SIZE;
    case RULE_WARNING:
        return sizeof(*rule->warning) + 128;
    default:
        return 320;
    }
}

/* The rules from 'from' on that fit into one frame. */
static size_t
part_size(const struct wire_desired *desired, size_t from)
{
    size_t bytes = 1024;
    size_t count = 0;
    while (from + count < desired->add_count && count < DESIRED_RULES_MAX) {
        bytes += rule_bytes(&desired->add[from + count]);
        if (bytes > PART_BYTES && count > 0) {
            break;
        }
        count++;
    }
    return count;
}

size_t
desired_part_count(const struct wire_desired *desired)
{
    size_t parts = 0;
    size_t from = 0;
    do {
        from += part_size(desired, from);
        parts++;
    } while (from < desired->add_count);
    bool is_long = desired->remove_count > DESIRED_RULES_MAX;
    return is_long ? parts + 1 : parts;
}

bool
desired_send(const struct wire_desired *desired,
             bool (*send)(void *context, const struct wire_desired *part), void *context)
{
    size_t from = 0;
    do {
        struct wire_desired part = *desired;
        part.add_count = part_size(desired, from);
        part.add = part.add_count ? &desired->add[from] : NULL;
        from += part.add_count;
        part.is_last = desired->is_last && from >= desired->add_count;
        if (!send(context, &part)) {
            return false;
        }
    } while (from < desired->add_count);
    return true;
}

bool
desired_collect(struct wire_desired *whole, const struct wire_desired *part)
{
    if (whole->generation != part->generation || whole->epoch != part->epoch ||
        whole->base != part->base || whole->is_last) {
        wire_fini(WIRE_DESIRED, whole);
        desired_copy(whole, part);
        return part->is_last;
    }
    whole->add =
        mem_resize(whole->add, whole->add_count + part->add_count + 1, sizeof(*whole->add));
    for (size_t i = 0; i < part->add_count; i++) {
        rule_copy(&whole->add[whole->add_count++], &part->add[i]);
    }
    whole->is_last = part->is_last;
    whole->is_suspended = part->is_suspended;
    return part->is_last;
}

/* A set of rule ids, borrowed. */
struct id_item {
    struct hmap_node node;
    const char *id;
};
struct id_set {
    struct hmap map;
    struct id_item *items;
    size_t count;
};

static void
id_set_init(struct id_set *set, size_t room)
{
    hmap_init(&set->map);
    set->items = mem_new(room + 1, sizeof(*set->items));
    set->count = 0;
}

static void
id_set_fini(struct id_set *set)
{
    hmap_fini(&set->map);
    free(set->items);
}

static void
id_set_add(struct id_set *set, const char *id)
{
    struct id_item *item = &set->items[set->count++];
    item->id = id;
    hmap_insert(&set->map, &item->node, hash_text(id));
}

static bool
id_set_has(const struct id_set *set, const char *id)
{
    HMAP_FOR_EACH_HASH (item, struct id_item, node, hash_text(id), &set->map) {
        if (strcmp(item->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void
merge_adds(struct wire_desired *into, const struct wire_desired *next, const struct id_set *removed,
           const struct id_set *added)
{
    size_t kept = 0;
    for (size_t i = 0; i < into->add_count; i++) {
        if (id_set_has(removed, into->add[i].id) || id_set_has(added, into->add[i].id)) {
            rule_fini(&into->add[i]);
        } else {
            into->add[kept++] = into->add[i];
        }
    }
    into->add = mem_resize(into->add, kept + next->add_count + 1, sizeof(*into->add));
    for (size_t i = 0; i < next->add_count; i++) {
        rule_copy(&into->add[kept++], &next->add[i]);
    }
    into->add_count = kept;
}

static void
merge_removals(struct wire_desired *into, const struct wire_desired *next,
               const struct id_set *added)
{
    size_t kept = 0;
    for (size_t i = 0; i < into->remove_count; i++) {
        if (!id_set_has(added, into->remove[i].id)) {
            into->remove[kept++] = into->remove[i];
        }
    }
    /* A snapshot removes by not naming. */
    size_t more = into->base == 0 ? 0 : next->remove_count;
    into->remove = mem_resize(into->remove, kept + more + 1, sizeof(*into->remove));
    if (more > 0) {
        memcpy(&into->remove[kept], next->remove, more * sizeof(*into->remove));
    }
    into->remove_count = kept + more;
}

bool
desired_merge(struct wire_desired *into, const struct wire_desired *next)
{
    if (next->base == 0) {
        wire_fini(WIRE_DESIRED, into);
        desired_copy(into, next);
        return true;
    }
    if (next->base != into->generation || next->epoch < into->epoch) {
        return false;
    }
    struct id_set removed, added;
    id_set_init(&removed, next->remove_count);
    id_set_init(&added, next->add_count);
    for (size_t i = 0; i < next->remove_count; i++) {
        id_set_add(&removed, next->remove[i].id);
    }
    for (size_t i = 0; i < next->add_count; i++) {
        id_set_add(&added, next->add[i].id);
    }
    merge_adds(into, next, &removed, &added);
    merge_removals(into, next, &added);
    id_set_fini(&removed);
    id_set_fini(&added);
    into->generation = next->generation;
    into->epoch = next->epoch;
    into->is_suspended = next->is_suspended;
    return true;
}
