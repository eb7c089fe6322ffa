#include "base/queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

struct queue {
    pthread_mutex_t lock;
    void **ring;
    size_t limit, first, count;
    int fd; /* eventfd: readable while there is something; touched only when that changes */
};

struct queue *
queue_new(size_t limit)
{
    struct queue *queue = MEM_NEW(struct queue);
    queue->ring = mem_new(limit, sizeof(queue->ring[0]));
    queue->limit = limit;
    queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->fd < 0 || pthread_mutex_init(&queue->lock, NULL) != 0) {
        abort();
    }
    return queue;
}

void
queue_free(struct queue *queue)
{
    if (queue) {
        close(queue->fd);
        pthread_mutex_destroy(&queue->lock);
        free(queue->ring);
        free(queue);
    }
}

bool
queue_put(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    bool has_room = queue->count < queue->limit;
    if (has_room) {
        queue->ring[(queue->first + queue->count++) % queue->limit] = item;
    }
    if (has_room && queue->count == 1) { /* under the lock: the last take may be on its way */
        uint64_t one = 1;
        while (write(queue->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return has_room;
}

void *
queue_take(struct queue *queue)
{
    void *item = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->count > 0) {
        item = queue->ring[queue->first];
        queue->first = (queue->first + 1) % queue->limit;
        queue->count--;
    }
    if (item && queue->count == 0) {
        uint64_t one;
        while (read(queue->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void *
queue_wait(struct queue *queue, int timeout_ms)
{
    struct pollfd ready = {.fd = queue->fd, .events = POLLIN};
    void *item = queue_take(queue);
    if (!item && poll(&ready, 1, timeout_ms) > 0) {
        item = queue_take(queue);
    }
    return item;
}

int
queue_fd(const struct queue *queue)
{
    return queue->fd;
}

size_t
queue_count(const struct queue *queue)
{
    struct queue *mine = (struct queue *)(uintptr_t)queue; /* the lock changes, not the queue */
    pthread_mutex_lock(&mine->lock);
    size_t count = mine->count;
    pthread_mutex_unlock(&mine->lock);
    return count;
}
