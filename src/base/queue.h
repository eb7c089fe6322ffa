/* Bounded queue of pointers between threads: any number of putters, one taker.  Its file
 * descriptor is readable while something is queued, so that a loop thread can wait on it.  What a
 * full queue means (a counted drop or back-pressure) is the caller's to decide and to comment. */
#ifndef CORDON_BASE_QUEUE_H
#define CORDON_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct queue;

struct queue *queue_new(size_t limit);
/* Items still queued are not freed: drain first. */
void queue_free(struct queue *queue);
/* Takes 'item' and returns true, or leaves it with the caller and returns false: full. */
bool queue_put(struct queue *queue, void *item) MUST_CHECK;
/* The oldest item, or NULL: empty.  Never blocks. */
void *queue_take(struct queue *queue);
/* Blocks for at most 'timeout_ms' (-1: for ever); NULL on time-out. */
void *queue_wait(struct queue *queue, int timeout_ms);
int queue_fd(const struct queue *queue);
size_t queue_count(const struct queue *queue);

#endif
