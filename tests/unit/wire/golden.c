#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "golden.h"

#define PATH_ROOM 256
#define FIELDS_MAX 512

struct walk {
    const struct shape *root;
    cJSON *json;
    bool is_message;
    void (*on_member)(struct walk *walk, const struct field *field, cJSON *object, const char *path,
                      const char *plain);
    void (*on_object)(struct walk *walk, cJSON *object, const char *path);
    const struct field *seen[FIELDS_MAX];
    size_t seen_count;
    char *needed;
};

char *
golden_text(const char *folder, const char *name)
{
    char path[1024];
    char *text;
    size_t size;
    snprintf(path, sizeof(path), "%s/%s.json", folder, name);
    if (file_read(path, WIRE_FRAME_MAX, &text, &size)) {
        fail_msg("cannot read %s", path);
    }
    return text;
}

cJSON *
golden_read(const char *folder, const char *name)
{
    char *text = golden_text(folder, name);
    cJSON *json = codec_parse(text, strlen(text));
    if (!json) {
        fail_msg("%s.json is not JSON", name);
    }
    free(text);
    return json;
}

static int
decode(const struct shape *shape, const cJSON *json, bool is_message, void *thing,
       struct codec_error *error)
{
    return is_message ? codec_decode_message(shape, json, thing, error)
                      : codec_decode(shape, json, thing, error);
}

/* Encoded, as text, and read again. */
static cJSON *
reencode(const struct shape *shape, const cJSON *json, bool is_message)
{
    struct codec_error error;
    void *thing = mem_new(1, shape->size);
    if (decode(shape, json, is_message, thing, &error)) {
        fail_msg("%s refused: %s %s", shape->name, error.path, error.why);
    }
    cJSON *encoded = codec_encode(shape, thing);
    if (is_message) {
        cJSON_AddStringToObject(encoded, "type", shape->name);
    }
    char *text = cJSON_PrintUnformatted(encoded);
    cJSON *read = codec_parse(text, strlen(text));
    assert_non_null(read);
    assert_true(cJSON_Compare(encoded, read, true));
    codec_fini(shape, thing);
    free(thing);
    cJSON_free(text);
    cJSON_Delete(encoded);
    return read;
}

void
golden_round_trip(const struct shape *shape, const cJSON *json, bool is_message)
{
    cJSON *once = reencode(shape, json, is_message);
    cJSON *twice = reencode(shape, once, is_message);
    if (!cJSON_Compare(json, once, true)) {
        char *text = cJSON_PrintUnformatted(once);
        fail_msg("%s came back as %s", shape->name, text);
    }
    assert_true(cJSON_Compare(once, twice, true));
    cJSON_Delete(once);
    cJSON_Delete(twice);
}

static void
walk_object(struct walk *walk, const struct shape *shape, cJSON *object, const char *path,
            const char *plain)
{
    if (walk->on_object) {
        walk->on_object(walk, object, path);
    }
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        cJSON *item = cJSON_GetObjectItemCaseSensitive(object, field->name);
        char inner[PATH_ROOM], inner_plain[PATH_ROOM];
        if (!item) {
            continue;
        }
        snprintf(inner, sizeof(inner), "%s%s%s", path, path[0] ? "." : "", field->name);
        snprintf(inner_plain, sizeof(inner_plain), "%s%s%s", plain, plain[0] ? "." : "",
                 field->name);
        if (walk->on_member) {
            walk->on_member(walk, field, object, inner, inner_plain);
            item = cJSON_GetObjectItemCaseSensitive(object, field->name);
        }
        if (field->kind == FIELD_OBJECT || field->kind == FIELD_POINTER) {
            walk_object(walk, field->shape, item, inner, inner_plain);
        }
        for (int j = 0; field->kind == FIELD_LIST && j < cJSON_GetArraySize(item); j++) {
            char indexed[PATH_ROOM + 16];
            snprintf(indexed, sizeof(indexed), "%s[%d]", inner, j);
            walk_object(walk, field->shape, cJSON_GetArrayItem(item, j), indexed, inner_plain);
        }
    }
}

static void
note_member(struct walk *walk, const struct field *field, cJSON *object, const char *path,
            const char *plain)
{
    (void)object;
    (void)path;
    (void)plain;
    assert_true(walk->seen_count < FIELDS_MAX);
    walk->seen[walk->seen_count++] = field;
}

static void
assert_seen(const struct walk *walk, const struct shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        size_t j = 0;
        while (j < walk->seen_count && walk->seen[j] != field) {
            j++;
        }
        if (j == walk->seen_count) {
            fail_msg("the golden object has no %s of %s", field->name, shape->name);
        }
        if (field->shape) {
            assert_seen(walk, field->shape);
        }
    }
}

void
golden_is_filled(const struct shape *shape, const cJSON *json)
{
    cJSON *copy = cJSON_Duplicate(json, true);
    struct walk walk = {.root = shape, .on_member = note_member};
    walk_object(&walk, shape, copy, "", "");
    assert_seen(&walk, shape);
    cJSON_Delete(copy);
}

static void
assert_refused(const struct walk *walk, const char *path, const char *what)
{
    struct codec_error error;
    void *thing = mem_new(1, walk->root->size);
    if (decode(walk->root, walk->json, walk->is_message, thing, &error) != -EBADMSG) {
        fail_msg("%s with %s at %s was taken", walk->root->name, what, path);
    }
    if (strcmp(error.path, path) != 0) {
        fail_msg("%s with %s at %s was refused at %s: %s", walk->root->name, what, path, error.path,
                 error.why);
    }
    free(thing);
}

static void
try_null(struct walk *walk, const struct field *field, cJSON *object, const char *path,
         const char *plain)
{
    (void)plain;
    if (field->kind == FIELD_JSON) {
        return; /* whatever it is, it is passed on */
    }
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(object, field->name);
    cJSON_AddNullToObject(object, field->name);
    assert_refused(walk, path, "null");
    cJSON_DeleteItemFromObjectCaseSensitive(object, field->name);
    cJSON_AddItemToObject(object, field->name, item);
}

static void
try_unknown(struct walk *walk, cJSON *object, const char *path)
{
    char inner[PATH_ROOM];
    snprintf(inner, sizeof(inner), "%s%sxyz", path, path[0] ? "." : "");
    cJSON_AddNumberToObject(object, "xyz", 1);
    assert_refused(walk, inner, "an unknown member");
    cJSON_DeleteItemFromObjectCaseSensitive(object, "xyz");
}

void
golden_is_strict(const struct shape *shape, cJSON *json, bool is_message)
{
    struct walk walk = {.root = shape,
                        .json = json,
                        .is_message = is_message,
                        .on_member = try_null,
                        .on_object = try_unknown};
    walk_object(&walk, shape, json, "", "");
}

static void
needed_add(char *needed, const char *mark, const char *plain)
{
    char word[PATH_ROOM + 4], padded[4200];
    snprintf(word, sizeof(word), " %s%s ", mark, plain);
    snprintf(padded, sizeof(padded), " %s ", needed);
    if (strstr(padded, word)) {
        return;
    }
    size_t used = strlen(needed);
    snprintf(needed + used, 4096 - used, "%s%s%s", used ? " " : "", mark, plain);
}

static void
try_without(struct walk *walk, const struct field *field, cJSON *object, const char *path,
            const char *plain)
{
    struct codec_error error;
    void *thing = mem_new(1, walk->root->size);
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(object, field->name);
    if (decode(walk->root, walk->json, walk->is_message, thing, &error) == 0) {
        codec_fini(walk->root, thing);
    } else if (strcmp(error.why, "is missing") == 0) {
        assert_string_equal(error.path, path);
        needed_add(walk->needed, "", plain);
    } else if (strcmp(error.why, "does not belong to this kind") != 0) {
        needed_add(walk->needed, "?", plain);
    }
    cJSON_AddItemToObject(object, field->name, item);
    free(thing);
}

void
golden_needed(const struct shape *shape, cJSON *json, bool is_message, char needed[4096])
{
    struct walk walk = {.root = shape,
                        .json = json,
                        .is_message = is_message,
                        .on_member = try_without,
                        .needed = needed};
    needed[0] = '\0';
    walk_object(&walk, shape, json, "", "");
}
