/* What people say of machines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "model/addr.h"

static void
take_text(cJSON *body, const char *name, const char *given, const cJSON *now)
{
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(now, name);
    if (given) {
        cJSON_AddStringToObject(body, name, given);
    } else if (kept) {
        cJSON_AddItemToObject(body, name, cJSON_Duplicate(kept, true));
    }
}

/* "a, b" -> ["a", "b"] */
static cJSON *
tags_split(const char *given)
{
    cJSON *tags = cJSON_CreateArray();
    while (*given) {
        size_t size = strcspn(given, ",");
        char tag[1024];
        snprintf(tag, sizeof(tag), "%.*s", (int)size, given);
        if (tag[strspn(tag, " ")] != '\0') {
            cJSON_AddItemToArray(tags, cJSON_CreateString(tag));
        }
        given += size + (given[size] == ',');
    }
    return tags;
}

/* What was given over what is said now, and which version that is: nobody's words are lost. */
static cJSON *
make_body(const struct options *options, const cJSON *now)
{
    cJSON *body = cJSON_CreateObject();
    take_text(body, "class", options->class, now);
    take_text(body, "note", options->note, now);
    take_text(body, "owner", options->owner, now);
    take_text(body, "owner_email", options->owner_email, now);
    const cJSON *tags = cJSON_GetObjectItemCaseSensitive(now, "tags");
    if (options->tags) {
        cJSON_AddItemToObject(body, "tags", tags_split(options->tags));
    } else if (tags) {
        cJSON_AddItemToObject(body, "tags", cJSON_Duplicate(tags, true));
    }
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(now, "annotation_version");
    if (version) {
        cJSON_AddItemToObject(body, "version", cJSON_Duplicate(version, true));
    }
    return body;
}

/* What is said now of an endpoint, or of the MAC of one to come; NULL and 'code' good: nothing. */
static cJSON *
read_now(struct run *run, const char *name, int *code)
{
    struct mac mac;
    struct client_answer answer;
    cJSON *now = NULL;
    char *path = run_path("endpoints", name, NULL);
    client_ask(run->client, path, NULL, &answer);
    free(path);
    bool is_to_come = answer.status == 404 && mac_parse(name, &mac);
    client_answer_fini(&answer);
    char text[MAC_TEXT_SIZE] = "";
    if (is_to_come) {
        mac_format(&mac, text);
        char *search = client_escape(text);
        char list[256];
        snprintf(list, sizeof(list), API "/annotations?q=%s", search);
        free(search);
        *code = run_ask(run, list, NULL, &answer);
        const cJSON *items = columns_at(answer.json, "items");
        now = *code == EXIT_GOOD && items ? cJSON_Duplicate(items->child, true) : NULL;
    } else {
        path = run_path("endpoints", name, NULL);
        *code = run_ask(run, path, NULL, &answer);
        free(path);
        now = *code == EXIT_GOOD ? cJSON_Duplicate(answer.json, true) : NULL;
    }
    client_answer_fini(&answer);
    return now;
}

int
cmd_annotate(struct run *run, char **words, int count)
{
    static const struct column facts[] = {
        {"MAC", "macs", COLUMN_TEXT},    {"ENDPOINT", "endpoint_id", COLUMN_TEXT},
        {"CLASS", "class", COLUMN_TEXT}, {"TAGS", "tags", COLUMN_TEXT},
        {"OWNER", "owner", COLUMN_TEXT}, {"OWNER E-MAIL", "owner_email", COLUMN_TEXT},
        {"NOTE", "note", COLUMN_TEXT},
    };
    const struct options *options = &run->options;
    int code = EXIT_GOOD;
    (void)count;
    if (!options->class && !options->tags && !options->note && !options->owner &&
        !options->owner_email) {
        return run_usage("say what: --class, --tags, --note, --owner, --owner-email");
    }
    cJSON *now = read_now(run, words[0], &code);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct client_answer answer;
    cJSON *body = make_body(options, now);
    char *path = run_path("endpoints", words[0], "annotate");
    code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD && options->json) {
        run_print_json(answer.json);
    } else if (code == EXIT_GOOD) {
        columns_print_object(run, answer.json, facts, COUNT_OF(facts));
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    cJSON_Delete(now);
    free(path);
    return code;
}
