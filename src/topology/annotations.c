#include "topology/annotations.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/endpoints.h"

/* Where 'mac' is or belongs. */
static size_t
place_of(const struct topology *t, const struct mac *mac)
{
    size_t low = 0;
    size_t high = t->annotation_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(&t->annotations[middle]->mac, mac, sizeof(*mac)) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct annotation_item *
item_at(const struct topology *t, size_t place, const struct mac *mac)
{
    bool is_there = place < t->annotation_count && mac_is_equal(&t->annotations[place]->mac, mac);
    return is_there ? t->annotations[place] : NULL;
}

const struct annotation *
topology_annotation(const struct topology *t, const struct mac *mac)
{
    const struct annotation_item *item = item_at(t, place_of(t, mac), mac);
    return item ? &item->annotation : NULL;
}

const struct annotation *
topology_annotation_after(const struct topology *t, const struct mac *after, struct mac *mac)
{
    size_t place = after ? place_of(t, after) : 0;
    place += after && item_at(t, place, after) ? 1 : 0;
    if (place >= t->annotation_count) {
        return NULL;
    }
    *mac = t->annotations[place]->mac;
    return &t->annotations[place]->annotation;
}

size_t
topology_annotation_count(const struct topology *t)
{
    return t->annotation_count;
}

void
node_annotate(const struct topology *t, struct node *node)
{
    struct endpoint *endpoint = &node->endpoint;
    endpoint->annotation = NULL;
    for (size_t i = 0; i < endpoint->mac_count; i++) {
        const struct annotation *each = topology_annotation(t, &endpoint->macs[i]);
        if (each &&
            (!endpoint->annotation || each->changed_us > endpoint->annotation->changed_us)) {
            endpoint->annotation = each;
        }
    }
}

static void
item_drop(struct topology *t, size_t place)
{
    free(t->annotations[place]);
    t->annotation_count--;
    memmove(&t->annotations[place], &t->annotations[place + 1],
            (t->annotation_count - place) * sizeof(struct annotation_item *));
}

/* NULL: no room. */
static struct annotation_item *
item_add(struct topology *t, size_t place, const struct mac *mac)
{
    if (t->annotation_count == TOPOLOGY_ANNOTATIONS_MAX) {
        return NULL;
    }
    if (t->annotation_count == t->annotation_room) {
        t->annotation_room = t->annotation_room ? t->annotation_room * 2 : 64;
        t->annotations =
            mem_resize(t->annotations, t->annotation_room, sizeof(struct annotation_item *));
    }
    memmove(&t->annotations[place + 1], &t->annotations[place],
            (t->annotation_count - place) * sizeof(struct annotation_item *));
    t->annotation_count++;
    struct annotation_item *item = MEM_NEW(struct annotation_item);
    item->mac = *mac;
    t->annotations[place] = item;
    return item;
}

bool
topology_annotate(struct topology *t, const struct mac *mac, const struct annotation *annotation)
{
    size_t place = place_of(t, mac);
    struct annotation_item *item = item_at(t, place, mac);
    const struct mac_item *known = mac_find(t, mac);
    if (annotation_is_empty(annotation)) {
        if (item) {
            item_drop(t, place);
        }
    } else {
        item = item ? item : item_add(t, place, mac);
        if (!item) {
            return false;
        }
        item->annotation = *annotation;
    }
    if (known) {
        node_annotate(t, known->node);
    }
    return true;
}

void
annotations_free(struct topology *t)
{
    for (size_t i = 0; i < t->annotation_count; i++) {
        free(t->annotations[i]);
    }
    free(t->annotations);
    t->annotations = NULL;
    t->annotation_count = 0;
}
