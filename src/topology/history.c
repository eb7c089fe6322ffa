#include "topology/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HEAD_SIZE (1 + sizeof(int64_t))

static size_t
event_size(const uint8_t *packed)
{
    return HEAD_SIZE + strlen((const char *)packed + HEAD_SIZE) + 1;
}

bool
history_add(struct node *node, enum endpoint_event_kind kind, int64_t at_us, const char *detail)
{
    bool is_full = node->event_count == ENDPOINT_EVENTS_MAX;
    if (is_full) {
        size_t gone = event_size(node->history);
        node->history_size -= (uint32_t)gone;
        node->event_count--;
        memmove(node->history, node->history + gone, node->history_size);
    }
    size_t length = strnlen(detail, TEXT_SIZE - 1);
    size_t size = node->history_size + HEAD_SIZE + length + 1;
    node->history = mem_resize(node->history, size, 1);
    uint8_t *at = node->history + node->history_size;
    *at = (uint8_t)kind;
    memcpy(at + 1, &at_us, sizeof(at_us));
    memcpy(at + HEAD_SIZE, detail, length);
    at[HEAD_SIZE + length] = '\0';
    node->history_size = (uint32_t)size;
    node->event_count++;
    return is_full;
}

size_t
history_sift(struct node *node, bool (*goes)(void *context, int64_t at_us, const char *detail),
             void *context, bool is_dry)
{
    size_t count = 0, at = 0;
    while (at < node->history_size) {
        int64_t at_us;
        size_t size = event_size(node->history + at);
        memcpy(&at_us, node->history + at + 1, sizeof(at_us));
        bool gone = goes(context, at_us, (const char *)node->history + at + HEAD_SIZE);
        count += gone;
        if (gone && !is_dry) {
            node->history_size -= (uint32_t)size;
            node->event_count--;
            memmove(node->history + at, node->history + at + size, node->history_size - at);
        } else {
            at += size;
        }
    }
    return count;
}

size_t
topology_history(const struct endpoint *endpoint, struct endpoint_event *events)
{
    const struct node *node = CONTAINER_OF(endpoint, const struct node, endpoint);
    uint8_t *at = node->history;
    for (size_t i = 0; i < node->event_count; i++) {
        events[i] = (struct endpoint_event){.kind = (enum endpoint_event_kind) * at};
        memcpy(&events[i].at_us, at + 1, sizeof(events[i].at_us));
        events[i].detail = (char *)at + HEAD_SIZE;
        at += event_size(at);
    }
    return node->event_count;
}
