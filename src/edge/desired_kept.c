#include "edge/desired_kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "edge/lines.h"
#include "wire/desired.h"
#include "wire/message.h"

#define PART_RULES 500 /* per line: well below a frame */

struct reading {
    struct desired_kept *kept;
    struct deadlines *deadlines;
    struct desired_kept next; /* a snapshot that is not whole yet */
    bool has_next;
    unsigned lines, broken;
};

static void
rule_drop(struct desired_kept *kept, const char *id)
{
    for (size_t i = 0; i < kept->count; i++) {
        if (strcmp(kept->rules[i].id, id) == 0) {
            rule_fini(&kept->rules[i]);
            kept->rules[i] = kept->rules[--kept->count];
            return;
        }
    }
}

static void
rule_put(struct desired_kept *kept, const struct rule *rule)
{
    if (kept->count == kept->room) {
        kept->room = kept->room ? kept->room * 2 : 1024;
        kept->rules = mem_resize(kept->rules, kept->room, sizeof(kept->rules[0]));
    }
    rule_copy(&kept->rules[kept->count++], rule);
}

/* What came of one that broke off: nobody knows what it would have said.  Whose it was counts. */
static void
next_drop(struct reading *reading)
{
    if (reading->has_next) {
        if (reading->next.epoch > reading->kept->epoch) {
            reading->kept->epoch = reading->next.epoch;
        }
        reading->has_next = false;
        reading->broken++;
        desired_kept_fini(&reading->next);
    }
}

static void
part_take(struct reading *reading, const struct wire_desired *message)
{
    struct desired_kept *next = &reading->next, *kept = reading->kept;
    if (reading->has_next &&
        (next->epoch != message->epoch || next->generation != message->generation)) {
        next_drop(reading);
    }
    reading->has_next = true;
    next->epoch = message->epoch;
    next->generation = message->generation;
    for (size_t i = 0; i < message->add_count; i++) {
        rule_put(next, &message->add[i]);
    }
    if (message->is_last) {
        next->is_suspended = message->is_suspended;
        desired_kept_fini(kept);
        *kept = *next;
        *next = (struct desired_kept){.count = 0};
        reading->has_next = false;
        deadlines_clear(reading->deadlines);
        deadlines_set_all(reading->deadlines, kept->rules, kept->count);
    }
}

static void
delta_take(struct reading *reading, const struct wire_desired *message)
{
    struct desired_kept *kept = reading->kept;
    next_drop(reading);
    reading->broken += message->base != kept->generation; /* what it follows on is not there */
    for (size_t i = 0; i < message->remove_count; i++) {
        rule_drop(kept, message->remove[i].id);
        deadlines_drop(reading->deadlines, message->remove[i].id);
    }
    for (size_t i = 0; i < message->add_count; i++) {
        rule_drop(kept, message->add[i].id);
    }
    for (size_t i = 0; i < message->add_count; i++) {
        rule_put(kept, &message->add[i]);
    }
    deadlines_set_all(reading->deadlines, message->add, message->add_count);
    kept->epoch = message->epoch;
    kept->generation = message->generation;
    kept->is_suspended = message->is_suspended;
}

static void
on_line(void *context, const char *text, size_t size)
{
    struct reading *reading = context;
    struct wire_desired message;
    struct codec_error error;
    cJSON *json = codec_parse(text, size);
    reading->lines++;
    if (json && wire_decode(WIRE_DESIRED, json, &message, &error) == 0) {
        (message.base == 0 ? part_take : delta_take)(reading, &message);
        wire_fini(WIRE_DESIRED, &message);
    } else {
        reading->broken++;
    }
    cJSON_Delete(json);
}

int
desired_kept_read(struct journal *journal, struct deadlines *deadlines, struct desired_kept *kept)
{
    struct reading reading = {.kept = kept, .deadlines = deadlines};
    *kept = (struct desired_kept){.count = 0};
    int result = journal_read(journal, on_line, &reading);
    reading.broken += result == 1; /* half a line: the kernel may have it */
    result = result == 1 ? 0 : result;
    next_drop(&reading);
    if (reading.broken > 0) {
        log_error("kept", "lines of the kept state cannot be read; what they held is missing",
                  LOG_I("lines", reading.broken));
        kept->generation = 0; /* the controller must send everything */
    }
    kept->is_whole = reading.lines > 0 && reading.broken == 0;
    return result;
}

void
desired_kept_fini(struct desired_kept *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        rule_fini(&kept->rules[i]);
    }
    free(kept->rules);
    *kept = (struct desired_kept){.count = 0};
}

char *
desired_kept_line(const struct wire_desired *message)
{
    cJSON *json = wire_encode(WIRE_DESIRED, message);
    char *line = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return line;
}

char *
desired_kept_snapshot(const struct wire_desired *head, const struct datapath *datapath,
                      const struct deadlines *deadlines, size_t *size)
{
    size_t count = datapath_rule_count(datapath), at = 0;
    struct lines lines = {.bytes = NULL};
    struct rule *part = mem_new(PART_RULES, sizeof(*part));
    do {
        struct wire_desired message = *head;
        message.add = part;
        for (; at < count && message.add_count < PART_RULES; at++) {
            struct rule *rule = &part[message.add_count++];
            *rule = *datapath_rule_at(datapath, at); /* shallow: only encoded */
            rule->expires_s = deadlines_left_s(deadlines, rule->id);
        }
        message.is_last = at == count;
        char *line = desired_kept_line(&message);
        lines_add_line(&lines, line);
        cJSON_free(line);
    } while (at < count);
    free(part);
    *size = lines.size;
    return lines.bytes;
}
