#include "cli/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/codec.h"
#include "wire/said.h"

#define LIST_PAGES_MAX 2000

const char *
run_text(const struct run *run, const char *english)
{
    return catalog_text(run->language, english);
}

int
run_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("cordonctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    return EXIT_USAGE;
}

static const char *
member(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static int
code_of(long status)
{
    if (status >= 200 && status < 300) {
        return EXIT_GOOD;
    }
    if (status == 401 || status == 403) {
        return EXIT_UNAUTHORISED;
    }
    return status == 0 || status == 503 || status == 504 ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

static void
tell_problem(const struct run *run, const struct client_answer *answer)
{
    const char *where = member(answer->json, "where");
    const char *advice = member(answer->json, "advice");
    const char *detail = member(answer->json, "detail");
    if (answer->status == 0) {
        fprintf(stderr, "cordonctl: %s: %s: %s\n", run->options.settings.url,
                run_text(run, "not reachable"), answer->why);
        return;
    }
    if (code_of(answer->status) == EXIT_UNAUTHORISED) {
        fprintf(stderr, "cordonctl: %s: ", run_text(run, "not authorised"));
    } else {
        fprintf(stderr, "cordonctl: ");
    }
    if (detail[0]) {
        fprintf(stderr, "%s%s%s\n", where, where[0] ? ": " : "", detail);
    } else {
        fprintf(stderr, "HTTP %ld\n", answer->status);
    }
    if (advice[0]) {
        fprintf(stderr, "  %s: %s\n", run_text(run, "advice"), advice);
    }
}

/* The text, or each of the texts, that 'said' says again. */
static void
text_translate(cJSON *text, const cJSON *said)
{
    char japanese[TEXT_SIZE * 3];
    if (cJSON_IsArray(text)) {
        cJSON *each = text->child;
        for (const cJSON *one = said->child; each && one; each = each->next, one = one->next) {
            text_translate(each, one);
        }
    } else if (cJSON_IsString(text) &&
               said_in_words(said, READER_JAPANESE, japanese, sizeof(japanese))) {
        cJSON_SetValuestring(text, japanese);
    }
}

void
run_translate(const struct run *run, cJSON *json)
{
    cJSON *each;
    if (run->language != LANGUAGE_JA || run->options.json) {
        return;
    }
    cJSON_ArrayForEach(each, json)
    {
        size_t size = each->string ? strlen(each->string) : 0;
        size_t suffix = strlen(SAID_SUFFIX);
        if (size > suffix && strcmp(each->string + size - suffix, SAID_SUFFIX) == 0) {
            char name[64];
            snprintf(name, sizeof(name), "%.*s", (int)(size - suffix), each->string);
            text_translate(cJSON_GetObjectItemCaseSensitive(json, name), each);
        } else {
            run_translate(run, each);
        }
    }
}

int
run_judge(struct run *run, struct client_answer *answer)
{
    run_translate(run, answer->json);
    int code = code_of(answer->status);
    if (code != EXIT_GOOD && run->options.json && answer->json) {
        run_print_json(answer->json);
    }
    if (code != EXIT_GOOD) {
        tell_problem(run, answer);
    }
    return code;
}

int
run_ask(struct run *run, const char *path, const cJSON *body, struct client_answer *answer)
{
    client_ask(run->client, path, body, answer);
    return run_judge(run, answer);
}

cJSON *
run_list(struct run *run, const char *path, int *code)
{
    cJSON *all = cJSON_CreateArray();
    double next = 0;
    bool has_query = strchr(path, '?') != NULL;
    for (int page = 0; page < LIST_PAGES_MAX; page++) {
        char full[URL_SIZE * 2];
        struct client_answer answer;
        snprintf(full, sizeof(full), "%s%ccursor=%.0f", path, has_query ? '&' : '?', next);
        *code = run_ask(run, page == 0 ? path : full, NULL, &answer);
        if (*code != EXIT_GOOD) {
            client_answer_fini(&answer);
            cJSON_Delete(all);
            return NULL;
        }
        cJSON *items = cJSON_GetObjectItemCaseSensitive(answer.json, "items");
        while (items && items->child) {
            cJSON_AddItemToArray(all, cJSON_DetachItemViaPointer(items, items->child));
        }
        const cJSON *more = cJSON_GetObjectItemCaseSensitive(answer.json, "next");
        bool is_end = !cJSON_IsNumber(more) || run->options.limit;
        next = is_end ? 0 : more->valuedouble;
        client_answer_fini(&answer);
        if (is_end) {
            break;
        }
    }
    return all;
}

void
run_print_json(const cJSON *json)
{
    char *text = cJSON_Print(json);
    if (text) {
        puts(text);
    }
    cJSON_free(text);
}

unsigned
run_duration(const char *text)
{
    static const struct {
        char unit;
        unsigned seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'\0', 1}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 8 || (text[digits] && text[digits + 1])) {
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        unsigned long long seconds = strtoull(text, NULL, 10) * units[i].seconds;
        if (units[i].unit == text[digits]) {
            return seconds <= 366ULL * 86400 ? (unsigned)seconds : 0;
        }
    }
    return 0;
}

char *
run_path(const char *collection, const char *id, const char *verb)
{
    char *escaped = client_escape(id);
    size_t size = strlen(collection) + strlen(escaped) + 64;
    char *path = mem_new(size, 1);
    snprintf(path, size, API "/%s/%s%s%s", collection, escaped, verb ? "/" : "", verb ? verb : "");
    free(escaped);
    return path;
}

void
run_query(char *path, size_t room, const char *name, const char *value)
{
    if (value && value[0]) {
        char *escaped = client_escape(value);
        size_t used = strlen(path);
        snprintf(path + used, room - used, "%c%s=%s", strchr(path, '?') ? '&' : '?', name, escaped);
        free(escaped);
    }
}
