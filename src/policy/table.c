#include "policy/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

void
table_init(struct table *table, size_t item_size, size_t limit, uint64_t *evicted)
{
    memset(table, 0, sizeof(*table));
    hmap_init(&table->map);
    TAILQ_INIT(&table->by_age);
    table->item_size = item_size;
    table->limit = limit;
    table->evicted = evicted;
}

void
table_fini(struct table *table)
{
    while (!TAILQ_EMPTY(&table->by_age)) {
        table_drop(table, TAILQ_FIRST(&table->by_age));
    }
    hmap_fini(&table->map);
}

static void *
find_hashed(const struct table *table, const char *key, uint64_t hash)
{
    HMAP_FOR_EACH_HASH (item, struct table_item, by_key, hash, &table->map) {
        if (strcmp(item->key, key) == 0) {
            return item;
        }
    }
    return NULL;
}

void *
table_find(const struct table *table, const char *key)
{
    return find_hashed(table, key, hash_text(key));
}

void *
table_need(struct table *table, const char *key, int64_t now_us)
{
    uint64_t hash = hash_text(key);
    struct table_item *item = find_hashed(table, key, hash);
    if (item) {
        TAILQ_REMOVE(&table->by_age, item, by_age);
    } else {
        if (table->count >= table->limit) {
            (*table->evicted)++;
            table_drop(table, TAILQ_FIRST(&table->by_age));
        }
        size_t key_size = strnlen(key, TABLE_KEY_SIZE - 1) + 1;
        item = mem_new(1, table->item_size + key_size);
        item->key = (char *)item + table->item_size;
        memcpy(item->key, key, key_size - 1);
        hmap_insert(&table->map, &item->by_key, hash);
        table->count++;
    }
    item->touched_us = now_us;
    TAILQ_INSERT_TAIL(&table->by_age, item, by_age);
    return item;
}

void
table_drop(struct table *table, void *thing)
{
    struct table_item *item = thing;
    TAILQ_REMOVE(&table->by_age, item, by_age);
    hmap_remove(&table->map, &item->by_key);
    table->count--;
    free(item);
}

void
table_expire(struct table *table, int64_t before_us)
{
    struct table_item *item;
    while ((item = TAILQ_FIRST(&table->by_age)) && item->touched_us < before_us) {
        table_drop(table, item);
    }
}
