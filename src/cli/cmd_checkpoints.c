#include "cli/checkpoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/columns.h"

#define READ_MAX 200000 /* checkpoints of one file: two years of one every five minutes */

struct reading {
    struct checkpoint *items;
    size_t count, room;
    const struct checkpoint_key *key;
    size_t foreign;
    char note[CHECKPOINT_NOTE_SIZE]; /* what may become a signed note: the last lines */
    size_t lines;
};

static void
take(struct reading *reading, const struct checkpoint *checkpoint)
{
    if (reading->key && !checkpoint_is_signed(checkpoint, reading->key)) {
        reading->foreign++;
        return;
    }
    if (reading->count == READ_MAX) {
        return;
    }
    if (reading->count == reading->room) {
        reading->room = reading->room ? reading->room * 2 : 64;
        reading->items = mem_resize(reading->items, reading->room, sizeof(*reading->items));
    }
    reading->items[reading->count++] = *checkpoint;
}

/* Four lines, a blank one, and the one with the signature. */
static bool
note_take(struct reading *reading, const char *line, struct checkpoint *checkpoint)
{
    size_t used = strlen(reading->note), size = strlen(line);
    if (strncmp(line, "cordon/", 7) == 0 && !strchr(line, ' ')) {
        used = 0;
        reading->lines = 0;
    }
    if (used + size + 1 > sizeof(reading->note) || reading->lines > 5) {
        reading->note[0] = '\0';
        return false;
    }
    memcpy(reading->note + used, line, size + 1);
    return ++reading->lines == 6 && checkpoint_parse(reading->note, checkpoint);
}

static int
by_row(const void *a, const void *b)
{
    const struct checkpoint *x = a, *y = b;
    if (x->number != y->number) {
        return x->number < y->number ? -1 : 1;
    }
    return memcmp(x->hash, y->hash, sizeof(x->hash));
}

/* In order, each once, and not more than are asked for. */
static void
thin(struct reading *reading, size_t most)
{
    size_t kept = 0, count = 0;
    qsort(reading->items, reading->count, sizeof(*reading->items), by_row);
    for (size_t i = 0; i < reading->count; i++) {
        if (kept == 0 || !checkpoint_is_same(&reading->items[kept - 1], &reading->items[i])) {
            reading->items[kept++] = reading->items[i];
        }
    }
    for (size_t i = 0; kept > most && i < most; i++) {
        reading->items[count++] = reading->items[i * (kept - 1) / (most - 1)];
    }
    reading->count = kept > most ? count : kept;
}

int
checkpoints_read(const char *path, const struct checkpoint_key *key, size_t most,
                 struct checkpoint **list, size_t *count)
{
    struct reading reading = {.key = key};
    struct checkpoint found;
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    if (!file) {
        return run_usage("%s: %s", path, strerror(errno));
    }
    while (getline(&line, &room, file) > 0) {
        if (checkpoint_line_find(line, &found) || note_take(&reading, line, &found)) {
            take(&reading, &found);
        }
    }
    bool is_read = ferror(file) == 0;
    free(line);
    fclose(file);
    if (is_read && reading.foreign > 0) {
        fprintf(stderr, "cordonctl: %s: %zu checkpoints are not signed by this key\n", path,
                reading.foreign);
    }
    if (!is_read || reading.count == 0) {
        fprintf(stderr, "cordonctl: %s: %s\n", path,
                is_read ? "no checkpoint is in it" : "cannot be read");
        free(reading.items);
        return EXIT_REFUSED;
    }
    thin(&reading, most);
    *list = reading.items;
    *count = reading.count;
    return EXIT_GOOD;
}

int
checkpoints_show(struct run *run)
{
    static const struct column facts[] = {{"ORIGIN", "origin", COLUMN_TEXT},
                                          {"KEY", "key", COLUMN_TEXT},
                                          {"LAST CHECK", "last_check.at", COLUMN_TIME},
                                          {"SOUND", "last_check.sound", COLUMN_TEXT},
                                          {"WHAT", "last_check.what", COLUMN_TEXT}};
    static const struct column items[] = {{"NUMBER", "number", COLUMN_TEXT},
                                          {"TIME", "at", COLUMN_TIME},
                                          {"HASH", "hash", COLUMN_TEXT}};
    static const struct column edges[] = {{"SWITCH", "switch", COLUMN_TEXT},
                                          {"CONNECTED", "connected", COLUMN_TEXT},
                                          {"KEPT THERE", "held", COLUMN_TEXT},
                                          {"NEWEST ROW", "newest_number", COLUMN_TEXT},
                                          {"ASKED", "asked_at", COLUMN_TIME}};
    struct client_answer answer;
    int code = run_ask(run, API "/audit/checkpoints", NULL, &answer);
    if (code == EXIT_GOOD && run->options.json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, facts, COUNT_OF(facts));
        columns_print(run, columns_at(answer.json, "items"), items, COUNT_OF(items));
        columns_print(run, columns_at(answer.json, "switches"), edges, COUNT_OF(edges));
    }
    client_answer_fini(&answer);
    return code;
}

int
checkpoints_key(struct run *run)
{
    struct client_answer answer;
    int code = run_ask(run, API "/audit/checkpoints", NULL, &answer);
    if (code == EXIT_GOOD) {
        const cJSON *key = columns_at(answer.json, "key");
        puts(cJSON_IsString(key) ? key->valuestring : "");
    }
    client_answer_fini(&answer);
    return code;
}

int
checkpoints_pin(struct run *run, const struct checkpoint_key *key)
{
    struct client_answer answer;
    char text[CHECKPOINT_VKEY_SIZE];
    int code = run_ask(run, API "/audit/checkpoints", NULL, &answer);
    if (code == EXIT_GOOD) {
        const cJSON *is = columns_at(answer.json, "key");
        checkpoint_key_format(key, text);
        if (!cJSON_IsString(is) || strcmp(is->valuestring, text) != 0) {
            fprintf(stderr, "cordonctl: the server signs its audit by another key: %s\n",
                    cJSON_IsString(is) ? is->valuestring : "");
            code = EXIT_REFUSED;
        }
    }
    client_answer_fini(&answer);
    return code;
}
