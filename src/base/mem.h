/* Memory that configuration sizes.  Failure to get it aborts with a message: there is no sensible
 * way on.  What traffic or a peer sizes comes from a pool (pool.h) or a bounded table instead. */
#ifndef CORDON_BASE_MEM_H
#define CORDON_BASE_MEM_H

#include <stddef.h>

/* 'count' zeroed items of 'size' bytes; never NULL.  Free with free(). */
void *mem_new(size_t count, size_t size);
/* Grows or shrinks; never NULL unless count is 0.  New room is not zeroed. */
void *mem_resize(void *old, size_t count, size_t size);
char *mem_strdup(const char *text);

#define MEM_NEW(type) ((type *)mem_new(1, sizeof(type)))

#endif
