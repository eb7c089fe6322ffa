/* libyaml's document -> JSON, keeping where each value stood; then the codec; then the codec's path
 * of an error is looked up among the kept positions. */
#include "wire/yaml_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/file.h"
#include "base/mem.h"

#define PATH_SIZE 128

struct place {
    char path[PATH_SIZE];
    unsigned line, column;
};

struct reader {
    yaml_document_t document;
    struct place *places;
    size_t count, room;
    struct yaml_file_error *error;
    bool is_failed;
};

static cJSON *read_node(struct reader *reader, yaml_node_t *node, const char *path, unsigned depth);

static void
fail_at(struct reader *reader, const yaml_mark_t *mark, const char *why)
{
    if (!reader->is_failed) {
        reader->is_failed = true;
        reader->error->line = (unsigned)mark->line + 1;
        reader->error->column = (unsigned)mark->column + 1;
        snprintf(reader->error->text, sizeof(reader->error->text), "%s", why);
    }
}

static void
place_keep(struct reader *reader, const yaml_node_t *node, const char *path)
{
    if (reader->count == reader->room) {
        reader->room = reader->room ? reader->room * 2 : 256;
        reader->places = mem_resize(reader->places, reader->room, sizeof(reader->places[0]));
    }
    struct place *place = &reader->places[reader->count++];
    snprintf(place->path, sizeof(place->path), "%s", path);
    place->line = (unsigned)node->start_mark.line + 1;
    place->column = (unsigned)node->start_mark.column + 1;
}

/* "\0" in a quoted text: beyond it nothing would be seen. */
static bool
has_nul(const yaml_node_t *node)
{
    return memchr(node->data.scalar.value, '\0', node->data.scalar.length) != NULL;
}

/* YAML 1.2 core schema, as far as configuration needs it: plain true, false, null and decimal
 * numbers; everything else, and everything quoted, is text. */
static cJSON *
read_scalar(struct reader *reader, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    if (has_nul(node)) {
        fail_at(reader, &node->start_mark, "a text must not have the control character \\0");
    }
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return cJSON_CreateString(text);
    }
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        return cJSON_CreateBool(text[0] == 't');
    }
    char *end;
    double number = strtod(text, &end);
    bool is_number = text[0] && *end == '\0' && strspn(text, "+-0123456789") == strlen(text);
    return is_number ? cJSON_CreateNumber(number) : cJSON_CreateString(text);
}

static cJSON *
read_sequence(struct reader *reader, const yaml_node_t *node, const char *path, unsigned depth)
{
    cJSON *list = cJSON_CreateArray();
    size_t index = 0;
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        char inner[PATH_SIZE + 32];
        snprintf(inner, sizeof(inner), "%s[%zu]", path, index++);
        cJSON_AddItemToArray(
            list,
            read_node(reader, yaml_document_get_node(&reader->document, *item), inner, depth + 1));
    }
    return list;
}

static cJSON *
read_mapping(struct reader *reader, const yaml_node_t *node, const char *path, unsigned depth)
{
    cJSON *object = cJSON_CreateObject();
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
        if (!key || key->type != YAML_SCALAR_NODE) {
            fail_at(reader, &node->start_mark, "a key must be a plain word");
            break;
        }
        if (has_nul(key)) {
            fail_at(reader, &key->start_mark, "a key must not have the control character \\0");
            break;
        }
        const char *name = (const char *)key->data.scalar.value;
        char inner[PATH_SIZE * 2];
        snprintf(inner, sizeof(inner), "%s%s%.100s", path, path[0] ? "." : "", name);
        place_keep(reader, key, inner);
        bool is_empty = value && value->type == YAML_SCALAR_NODE &&
                        value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                        (value->data.scalar.length == 0 ||
                         strcmp((const char *)value->data.scalar.value, "null") == 0);
        if (!is_empty) { /* "key:" with nothing behind it is as if it were not there */
            cJSON_AddItemToObject(object, name, read_node(reader, value, inner, depth + 1));
        }
    }
    return object;
}

static cJSON *
read_node(struct reader *reader, yaml_node_t *node, const char *path, unsigned depth)
{
    if (!node || reader->is_failed) {
        return cJSON_CreateNull();
    }
    if (depth > WIRE_DEPTH_MAX || reader->count > YAML_NODES_MAX) {
        fail_at(reader, &node->start_mark, "nested too deeply, or too many values");
        return cJSON_CreateNull();
    }
    place_keep(reader, node, path);
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return read_scalar(reader, node);
    case YAML_SEQUENCE_NODE:
        return read_sequence(reader, node, path, depth);
    case YAML_MAPPING_NODE:
        return read_mapping(reader, node, path, depth);
    case YAML_NO_NODE:
        break;
    }
    return cJSON_CreateNull();
}

/* The position of the path, or of the nearest thing around it that has one. */
static void
error_place(const struct reader *reader, const char *path, struct yaml_file_error *error)
{
    size_t best = 0;
    for (size_t i = 0; i < reader->count; i++) {
        const struct place *place = &reader->places[i];
        size_t size = strlen(place->path);
        bool is_around = strncmp(path, place->path, size) == 0 &&
                         (path[size] == '\0' || path[size] == '.' || path[size] == '[');
        if (is_around && (size > best || (size == best && error->line == 0))) {
            best = size;
            error->line = place->line;
            error->column = place->column;
        }
    }
    if (error->line == 0) { /* what is missing at the top */
        error->line = 1;
        error->column = 1;
    }
}

static int
decode_document(struct reader *reader, const struct shape *shape, void *out, yaml_file_check *check)
{
    yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    cJSON *json = root ? read_node(reader, root, "", 0) : cJSON_CreateObject();
    struct codec_error why;
    int result = reader->is_failed ? -EINVAL : 0;
    if (!result && codec_decode(shape, json, out, &why)) {
        error_place(reader, why.path, reader->error);
        snprintf(reader->error->text, sizeof(reader->error->text), "%s%s%s",
                 why.path[0] ? why.path : "the file", " ", why.why);
        result = -EINVAL;
    }
    cJSON_Delete(json);
    char path[PATH_SIZE] = "";
    char what[256] = "";
    if (!result && check && !check(out, path, what)) {
        error_place(reader, path, reader->error);
        snprintf(reader->error->text, sizeof(reader->error->text), "%s%s%s", path,
                 path[0] ? " " : "", what);
        codec_fini(shape, out);
        result = -EINVAL;
    }
    return result;
}

/* What libyaml found.  Bytes that are no UTF-8 have an offset only. */
static int
parser_fail(const yaml_parser_t *parser, const char *text, size_t size,
            struct yaml_file_error *error)
{
    error->line = (unsigned)parser->problem_mark.line + 1;
    error->column = (unsigned)parser->problem_mark.column + 1;
    if (parser->error == YAML_READER_ERROR) {
        error->line = 1;
        error->column = 1;
        for (size_t i = 0; i < parser->problem_offset && i < size; i++) {
            error->column = text[i] == '\n' ? 1 : error->column + 1;
            error->line += text[i] == '\n';
        }
    }
    snprintf(error->text, sizeof(error->text), "%s", parser->problem ? parser->problem : "?");
    return -EINVAL;
}

/* Nothing may follow the document: it would not be read. */
static int
rest_refuse(yaml_parser_t *parser, const char *text, size_t size, struct yaml_file_error *error)
{
    yaml_document_t rest;
    if (!yaml_parser_load(parser, &rest)) {
        return parser_fail(parser, text, size, error);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&rest);
    if (root) {
        error->line = (unsigned)root->start_mark.line + 1;
        error->column = (unsigned)root->start_mark.column + 1;
        snprintf(error->text, sizeof(error->text), "only one document per file");
    }
    yaml_document_delete(&rest);
    return root ? -EINVAL : 0;
}

int
yaml_file_decode(const char *text, size_t size, const struct shape *shape, void *out,
                 struct yaml_file_error *error)
{
    return yaml_file_decode_checked(text, size, shape, out, NULL, error);
}

int
yaml_file_decode_checked(const char *text, size_t size, const struct shape *shape, void *out,
                         yaml_file_check *check, struct yaml_file_error *error)
{
    yaml_parser_t parser;
    struct reader reader = {.error = error};
    memset(error, 0, sizeof(*error));
    if (!yaml_parser_initialize(&parser)) {
        snprintf(error->text, sizeof(error->text), "out of memory");
        return -ENOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(&parser, &reader.document)) {
        int failed = parser_fail(&parser, text, size, error);
        yaml_parser_delete(&parser);
        return failed;
    }
    int result = rest_refuse(&parser, text, size, error);
    result = result ? result : decode_document(&reader, shape, out, check);
    yaml_document_delete(&reader.document);
    yaml_parser_delete(&parser);
    free(reader.places);
    return result;
}

int
yaml_file_load(const char *path, const struct shape *shape, void *out,
               struct yaml_file_error *error)
{
    return yaml_file_load_checked(path, shape, out, NULL, error);
}

int
yaml_file_load_checked(const char *path, const struct shape *shape, void *out,
                       yaml_file_check *check, struct yaml_file_error *error)
{
    char *text;
    size_t size;
    int result = file_read(path, YAML_SIZE_MAX, &text, &size);
    if (result) {
        memset(error, 0, sizeof(*error));
        snprintf(error->text, sizeof(error->text), "cannot read %s: %s", path, strerror(-result));
        return result;
    }
    result = yaml_file_decode_checked(text, size, shape, out, check, error);
    free(text);
    return result;
}
