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

/* For a process that holds much for years and sends much now and then: blocks of messages go back
 * to the system when they are freed, and threads share what is free.  Once, before threads. */
void mem_setup_large(void);
/* What is free goes back to the system: after a start, when much was passed through; takes a few
 * milliseconds for each 100 MiB. */
void mem_give_back(void);

#define MEM_NEW(type) ((type *)mem_new(1, sizeof(type)))

#endif
