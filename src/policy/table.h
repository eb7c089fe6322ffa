/* A bounded table of items that are known by a short text: the oldest makes room, counted.  The
 * engine's memory of incidents, counts, contacts and decisions; what traffic can size ends here. */
#ifndef CORDON_POLICY_TABLE_H
#define CORDON_POLICY_TABLE_H

#include <sys/queue.h>

#include "base/hmap.h"
#include "model/text.h"

#define TABLE_KEY_SIZE 256 /* at most, with the NUL */

/* The first member of every item. */
struct table_item {
    struct hmap_node by_key;
    TAILQ_ENTRY(table_item) by_age;
    char *key;          /* behind the item, as long as it is: most are short */
    int64_t touched_us; /* boot clock */
};

struct table {
    struct hmap map;
    TAILQ_HEAD(table_ages, table_item) by_age; /* longest untouched first */
    size_t item_size, limit, count;
    uint64_t *evicted;
};

void table_init(struct table *table, size_t item_size, size_t limit, uint64_t *evicted);
void table_fini(struct table *table);
/* NULL: not there.  Does not touch. */
void *table_find(const struct table *table, const char *key);
/* The item, new ones zeroed behind their head; touched. */
void *table_need(struct table *table, const char *key, int64_t now_us);
void table_drop(struct table *table, void *item);
/* Drops what was last touched before that. */
void table_expire(struct table *table, int64_t before_us);

#endif
