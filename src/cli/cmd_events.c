/* events: follows the live stream; joins again with Last-Event-ID when it breaks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/columns.h"
#include "cli/commands.h"

struct stream {
    struct run *run;
    char id[128];
    char event[64];
    cJSON *data; /* owned */
};

static void
print_event(struct stream *stream)
{
    static const struct column columns[] = {
        {"ID", "id", COLUMN_TEXT},         {"STATE", "state", COLUMN_TEXT},
        {"ENDPOINT", "", COLUMN_WHO},      {"LOCATION", "location", COLUMN_PLACE},
        {"REASON", "reason", COLUMN_TEXT}, {"NAME", "name", COLUMN_TEXT},
        {"WHY", "why", COLUMN_TEXT},
    };
    if (stream->run->options.json) {
        cJSON *line = cJSON_CreateObject();
        cJSON_AddStringToObject(line, "id", stream->id);
        cJSON_AddStringToObject(line, "event", stream->event);
        cJSON_AddItemToObject(line, "data", stream->data ? stream->data : cJSON_CreateNull());
        char *text = cJSON_PrintUnformatted(line);
        puts(text ? text : "{}");
        cJSON_free(text);
        cJSON_Delete(line);
        stream->data = NULL;
    } else {
        run_translate(stream->run, stream->data);
        printf("%s", stream->event);
        for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
            char *cell = columns_cell(stream->data, &columns[i]);
            printf("%s%s", cell[0] ? "  " : "", cell);
            free(cell);
        }
        printf("\n");
    }
    fflush(stdout);
}

static bool
on_line(void *context, const char *line)
{
    struct stream *stream = context;
    if (strncmp(line, "id: ", 4) == 0) {
        snprintf(stream->id, sizeof(stream->id), "%.120s", line + 4);
    } else if (strncmp(line, "event: ", 7) == 0) {
        snprintf(stream->event, sizeof(stream->event), "%.60s", line + 7);
    } else if (strncmp(line, "data: ", 6) == 0) {
        cJSON_Delete(stream->data);
        stream->data = cJSON_Parse(line + 6);
    } else if (line[0] == '\0' && stream->event[0]) {
        if (strcmp(stream->event, "alive") != 0) {
            print_event(stream);
        }
        stream->event[0] = '\0';
        cJSON_Delete(stream->data);
        stream->data = NULL;
    }
    return !ferror(stdout);
}

int
cmd_events(struct run *run, char **words, int count)
{
    struct stream stream = {.run = run};
    char why[256] = "";
    unsigned failures = 0;
    (void)words, (void)count;
    snprintf(stream.id, sizeof(stream.id), "%s", run->options.last_id ? run->options.last_id : "");
    /* The server ends a stream when it restarts: join again, a few times without success. */
    while (failures < 5) {
        long status = client_follow(run->client, API "/events", stream.id, on_line, &stream, why);
        if (status == 401 || status == 403) {
            fprintf(stderr, "cordonctl: %s\n", run_text(run, "not authorised"));
            return EXIT_UNAUTHORISED;
        }
        if (ferror(stdout)) {
            return EXIT_GOOD;
        }
        failures = status == 200 ? 0 : failures + 1;
        sleep(1);
    }
    fprintf(stderr, "cordonctl: %s: %s\n", run_text(run, "not reachable"), why);
    return EXIT_UNREACHABLE;
}
