#include "web/event_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "web/openapi.h"
#include "wire/detection.h"
#include "wire/op.h"

/* Our own detection, with or without the "type" of a message. */
static bool
parse_ours(const char *text, struct detection *detection, char why[TEXT_SIZE])
{
    struct codec_error error;
    cJSON *json = codec_parse(text, strlen(text));
    if (!json) {
        snprintf(why, TEXT_SIZE, "not JSON, or more than one value");
        return false;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(json, "type");
    bool is_read = codec_decode(&wire_detection_shape, json, detection, &error) == 0;
    if (!is_read) {
        snprintf(why, TEXT_SIZE, "not one of our detections: %s %s", error.path, error.why);
    }
    cJSON_Delete(json);
    return is_read;
}

static bool
is_ours(const char *text)
{
    return text[0] == '{' && !strstr(text, "\"event_type\"") && strstr(text, "\"signature\"");
}

static void
parse_line(const struct test_raw *all, const struct test_raw_line *raw, web_parse_line_fn *parse,
           const struct config *config, struct op_test_line *line)
{
    struct detection *detection = MEM_NEW(struct detection);
    bool is_read;
    line->line = raw->line;
    if (is_ours(raw->text)) {
        is_read = parse_ours(raw->text, detection, line->why);
    } else if (parse) {
        is_read = parse(config, all->source, raw->text, strlen(raw->text), detection, line->why);
    } else {
        is_read = false;
        snprintf(line->why, sizeof(line->why), "no parser for this format is built in");
    }
    if (is_read) {
        line->detection = detection;
    } else {
        free(detection);
    }
}

cJSON *
event_lines_parse(const cJSON *body, web_parse_line_fn *parse, const struct config *config,
                  struct codec_error *error)
{
    struct test_raw raw;
    if (codec_decode(&test_raw_shape, body, &raw, error) != 0) {
        return NULL;
    }
    struct op_test test = {
        .lines = raw.line_count ? mem_new(raw.line_count, sizeof(struct op_test_line)) : NULL,
        .line_count = raw.line_count,
        .assumes = raw.assumes,
        .is_last = raw.is_last,
        .policy = raw.policy};
    memcpy(test.run, raw.run, sizeof(test.run));
    for (size_t i = 0; i < raw.line_count; i++) {
        parse_line(&raw, &raw.lines[i], parse, config, &test.lines[i]);
    }
    cJSON *parameters = codec_encode(op_table[OP_POLICY_TEST].parameters, &test);
    raw.policy = NULL; /* freed with 'test' */
    codec_fini(op_table[OP_POLICY_TEST].parameters, &test);
    codec_fini(&test_raw_shape, &raw);
    return parameters;
}
