#include "web/sse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/event.h"

struct kept {
    uint64_t sequence;
    char topic[NAME_SIZE];
    char *data;    /* owned */
    char *reduced; /* owned: as viewers read it; NULL: the same */
};

struct sse_memory {
    char run[ID_SIZE];
    struct kept ring[SSE_KEPT_MAX]; /* oldest at 'first' */
    size_t first, count, bytes;
    uint64_t last; /* sequence; 0: none in this run */
};

struct sse_memory *
sse_memory_new(void)
{
    return MEM_NEW(struct sse_memory);
}

static struct kept *
kept_at(const struct sse_memory *memory, size_t index)
{
    return (struct kept *)&memory->ring[(memory->first + index) % SSE_KEPT_MAX];
}

static void
drop_oldest(struct sse_memory *memory)
{
    struct kept *kept = kept_at(memory, 0);
    memory->bytes -= strlen(kept->data) + (kept->reduced ? strlen(kept->reduced) : 0);
    free(kept->data);
    free(kept->reduced);
    kept->data = kept->reduced = NULL;
    memory->first = (memory->first + 1) % SSE_KEPT_MAX;
    memory->count--;
}

void
sse_memory_free(struct sse_memory *memory)
{
    if (memory) {
        sse_memory_new_run(memory, "");
        free(memory);
    }
}

void
sse_memory_new_run(struct sse_memory *memory, const char *run)
{
    while (memory->count > 0) {
        drop_oldest(memory);
    }
    memory->last = 0;
    snprintf(memory->run, sizeof(memory->run), "%s", run);
}

bool
sse_memory_put(struct sse_memory *memory, uint64_t sequence, const char *topic, const char *data)
{
    bool is_next = memory->last == 0 || sequence == memory->last + 1;
    if (!is_next) {
        while (memory->count > 0) {
            drop_oldest(memory);
        }
    }
    size_t size = strlen(data);
    while (memory->count == SSE_KEPT_MAX ||
           (memory->count > 0 && memory->bytes + size > SSE_KEPT_BYTES)) {
        drop_oldest(memory);
    }
    struct kept *kept = kept_at(memory, memory->count++);
    kept->sequence = sequence;
    snprintf(kept->topic, sizeof(kept->topic), "%s", topic);
    kept->data = mem_strdup(data);
    kept->reduced = NULL;
    memory->bytes += size;
    memory->last = sequence;
    return is_next;
}

/* Topics and data are ours, but a line break would end a field: never let one through. */
static void
add_line(struct evbuffer *out, const char *field, const char *text)
{
    evbuffer_add_printf(out, "%s: ", field);
    evbuffer_add(out, text, strcspn(text, "\r\n"));
    evbuffer_add(out, "\n", 1);
}

void
sse_frame(struct evbuffer *out, const char *id, const char *topic, const char *data)
{
    if (id) {
        add_line(out, "id", id);
    }
    add_line(out, "event", topic);
    add_line(out, "data", data);
    evbuffer_add(out, "\n", 1);
}

void
sse_gap(struct evbuffer *out, const char *why)
{
    char data[256];
    snprintf(data, sizeof(data), "{\"why\":\"%.100s\",\"advice\":\"load the lists again\"}", why);
    sse_frame(out, NULL, "gap", data);
}

void
sse_memory_reduce(struct sse_memory *memory, const char *data)
{
    if (memory->count > 0) {
        struct kept *kept = kept_at(memory, memory->count - 1);
        kept->reduced = mem_strdup(data);
        memory->bytes += strlen(data);
    }
}

static void
frame_kept(const struct sse_memory *memory, const struct kept *kept, enum account_role role,
           struct evbuffer *out)
{
    const char *data = kept->reduced && role == ACCOUNT_VIEWER ? kept->reduced : kept->data;
    char id[ID_SIZE + 24];
    snprintf(id, sizeof(id), "%s-%llu", memory->run, (unsigned long long)kept->sequence);
    sse_frame(out, id, kept->topic, data);
}

void
sse_memory_newest(const struct sse_memory *memory, enum account_role role, struct evbuffer *out)
{
    if (memory->count > 0) {
        frame_kept(memory, kept_at(memory, memory->count - 1), role, out);
    }
}

/* "RUN-SEQUENCE" of this run. */
static bool
id_parse(const struct sse_memory *memory, const char *id, uint64_t *sequence)
{
    size_t run_size = strlen(memory->run);
    if (strncmp(id, memory->run, run_size) != 0 || id[run_size] != '-') {
        return false;
    }
    const char *digits = id + run_size + 1;
    size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 18 || digits[count] != '\0') {
        return false;
    }
    *sequence = strtoull(digits, NULL, 10);
    return true;
}

void
sse_memory_replay(const struct sse_memory *memory, const char *last_id, enum account_role role,
                  struct evbuffer *out)
{
    uint64_t seen = 0;
    if (!last_id) {
        return;
    }
    if (!id_parse(memory, last_id, &seen)) {
        sse_gap(out, "that event is from another run of core");
        return;
    }
    uint64_t oldest = memory->count > 0 ? kept_at(memory, 0)->sequence : memory->last + 1;
    if (seen > memory->last || seen + 1 < oldest) {
        sse_gap(out, "events since then are no longer kept");
        return;
    }
    for (size_t i = 0; i < memory->count; i++) {
        const struct kept *kept = kept_at(memory, i);
        if (kept->sequence > seen && event_is_for(kept->topic, role)) {
            frame_kept(memory, kept, role, out);
        }
    }
}

void
sse_memory_mark(const struct sse_memory *memory, struct evbuffer *out)
{
    evbuffer_add_printf(out, "id: %s-%llu\n\n", memory->run, (unsigned long long)memory->last);
}

size_t
sse_memory_count(const struct sse_memory *memory)
{
    return memory->count;
}
