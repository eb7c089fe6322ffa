/* Equal-sized items with a hard limit: the memory for what traffic sizes (flows, endpoints seen by
 * a detector).  All room is taken at the start, so that a flood cannot grow the process; a full
 * pool refuses and counts.  Not thread safe: one owner. */
#ifndef CORDON_BASE_POOL_H
#define CORDON_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool;

struct pool *pool_new(size_t item_size, size_t limit);
void pool_free(struct pool *pool);
/* A zeroed item, or NULL when 'limit' are out (counted in pool_refused). */
void *pool_take(struct pool *pool);
/* Likewise, for large items that are filled as a whole: what it held before may still be in it. */
void *pool_take_unclean(struct pool *pool);
void pool_give(struct pool *pool, void *item);
size_t pool_used(const struct pool *pool);
size_t pool_limit(const struct pool *pool);
uint64_t pool_refused(const struct pool *pool);

#endif
