#include "fake_maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ENTRIES_MAX 4096

struct entry {
    enum map_id map;
    uint8_t key[MAP_KEY_MAX];
    uint8_t *value;
};

struct maps {
    struct entry entries[ENTRIES_MAX];
    size_t count;
    bool is_full[MAP_COUNT];
};

#define MAP_KIND(id, name, key, value, ours, ruled)                                                \
    {#name, sizeof(key), sizeof(value), ours, ruled},
const struct map_kind map_kinds[MAP_COUNT] = {MAPS(MAP_KIND)};

struct maps *
fake_maps_new(void)
{
    return MEM_NEW(struct maps);
}

void
fake_maps_free(struct maps *maps)
{
    for (size_t i = 0; i < maps->count; i++) {
        free(maps->entries[i].value);
    }
    free(maps);
}

void
fake_maps_fill(struct maps *maps, enum map_id map)
{
    maps->is_full[map] = true;
}

bool
fake_maps_alter(struct maps *maps, enum map_id map)
{
    for (size_t i = 0; i < maps->count; i++) {
        if (maps->entries[i].map == map) {
            maps->entries[i].value[0] ^= 0xff;
            return true;
        }
    }
    return false;
}

/* Its index; SIZE_MAX: not there. */
static size_t
find(const struct maps *maps, enum map_id map, const void *key)
{
    for (size_t i = 0; i < maps->count; i++) {
        const struct entry *entry = &maps->entries[i];
        if (entry->map == map && memcmp(entry->key, key, map_kinds[map].key_size) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

int
maps_get(const struct maps *maps, enum map_id map, const void *key, void *value)
{
    size_t at = find(maps, map, key);
    if (at == SIZE_MAX) {
        return -ENOENT;
    }
    memcpy(value, maps->entries[at].value, map_kinds[map].value_size);
    return 0;
}

int
maps_put(const struct maps *maps, enum map_id map, const void *key, const void *value)
{
    struct maps *changed = (struct maps *)(uintptr_t)maps; /* what it names changes, not the name */
    size_t at = find(maps, map, key);
    if (at == SIZE_MAX && (maps->is_full[map] || maps->count == ENTRIES_MAX)) {
        return -E2BIG;
    }
    if (at == SIZE_MAX) {
        at = changed->count++;
        struct entry *entry = &changed->entries[at];
        *entry = (struct entry){.map = map, .value = mem_new(1, map_kinds[map].value_size)};
        memcpy(entry->key, key, map_kinds[map].key_size);
    }
    memcpy(changed->entries[at].value, value, map_kinds[map].value_size);
    return 0;
}

int
maps_delete(const struct maps *maps, enum map_id map, const void *key)
{
    struct maps *changed = (struct maps *)(uintptr_t)maps;
    size_t at = find(maps, map, key);
    if (at != SIZE_MAX) {
        free(changed->entries[at].value);
        memmove(&changed->entries[at], &changed->entries[at + 1],
                (--changed->count - at) * sizeof(struct entry));
    }
    return 0;
}

int
maps_next(const struct maps *maps, enum map_id map, const void *key, void *next)
{
    size_t at = key ? find(maps, map, key) : SIZE_MAX;
    for (at = at == SIZE_MAX ? 0 : at + 1; at < maps->count; at++) {
        if (maps->entries[at].map == map) {
            memcpy(next, maps->entries[at].key, map_kinds[map].key_size);
            return 0;
        }
    }
    return -ENOENT;
}

uint64_t
maps_counter(const struct maps *maps, enum dp_counter counter)
{
    (void)maps;
    (void)counter;
    return 0;
}

int
maps_program_fd(const struct maps *maps, enum program_id program)
{
    (void)maps;
    (void)program;
    return -1;
}
