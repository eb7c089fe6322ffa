#include "edge/desired_kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "wire/desired.h"
#include "wire/message.h"

struct reading {
    struct desired_kept *kept;
    struct deadlines *deadlines;
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

static void
message_take(struct reading *reading, const struct wire_desired *message)
{
    struct desired_kept *kept = reading->kept;
    if (message->base != 0) {
        for (size_t i = 0; i < message->remove_count; i++) {
            rule_drop(kept, message->remove[i].id);
            deadlines_drop(reading->deadlines, message->remove[i].id);
        }
        for (size_t i = 0; i < message->add_count; i++) {
            rule_drop(kept, message->add[i].id);
        }
    }
    for (size_t i = 0; i < message->add_count; i++) {
        rule_put(kept, &message->add[i]);
        deadlines_set(reading->deadlines, message->add[i].id, message->add[i].expires_s);
    }
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
        message_take(reading, &message);
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
