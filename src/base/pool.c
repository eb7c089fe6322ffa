#include "base/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct free_item {
    struct free_item *next;
};

struct pool {
    char *items;
    struct free_item *free;
    size_t item_size, limit, used, touched; /* items beyond 'touched' were never handed out */
    uint64_t refused;
};

struct pool *
pool_new(size_t item_size, size_t limit)
{
    struct pool *pool = MEM_NEW(struct pool);
    size_t size = item_size < sizeof(struct free_item) ? sizeof(struct free_item) : item_size;
    pool->item_size = (size + 15) & ~(size_t)15;
    pool->limit = limit;
    pool->items = mem_new(limit, pool->item_size);
    return pool;
}

void
pool_free(struct pool *pool)
{
    if (pool) {
        free(pool->items);
        free(pool);
    }
}

void *
pool_take(struct pool *pool)
{
    bool is_used = pool->free != NULL;
    void *item = pool_take_unclean(pool);
    return is_used ? memset(item, 0, pool->item_size) : item;
}

void *
pool_take_unclean(struct pool *pool)
{
    if (pool->free) {
        struct free_item *item = pool->free;
        pool->free = item->next;
        pool->used++;
        return item;
    }
    if (pool->touched == pool->limit) {
        pool->refused++;
        return NULL;
    }
    pool->used++;
    return pool->items + pool->item_size * pool->touched++;
}

void
pool_give(struct pool *pool, void *item)
{
    if (item) {
        struct free_item *freed = item;
        freed->next = pool->free;
        pool->free = freed;
        pool->used--;
    }
}

size_t
pool_used(const struct pool *pool)
{
    return pool->used;
}

size_t
pool_limit(const struct pool *pool)
{
    return pool->limit;
}

uint64_t
pool_refused(const struct pool *pool)
{
    return pool->refused;
}
