/* Walks an object of the API beside its shape, and puts what said.h knows of its texts next to
 * them. */
#include <stdio.h>
#include <string.h>

#include "wire/codec.h"
#include "wire/said.h"

#define REMEMBERED 8
#define REMEMBER_LEAST 24 /* bytes: shorter ones are found as fast as remembered */

/* Rows of a list mostly say the same: what is wrong with a switch stands at each containment on it.
 * All borrowed from the object that is walked. */
struct remembered {
    const char *text, *only;
    const cJSON *said;
};
struct memory {
    struct said_index *index;            /* owned */
    struct remembered items[REMEMBERED]; /* what was met last stands first */
};

/* To the front, in the place of 'at': those before it move on. */
static void
remember(struct memory *memory, size_t at, struct remembered item)
{
    memmove(&memory->items[1], &memory->items[0], at * sizeof(item));
    memory->items[0] = item;
}

static cJSON *
text_said(const cJSON *text, const char *only, struct memory *memory)
{
    const char *value = cJSON_IsString(text) ? text->valuestring : "";
    bool is_short = strlen(value) < REMEMBER_LEAST;
    for (size_t i = 0; !is_short && i < REMEMBERED; i++) {
        if (memory->items[i].text && strcmp(memory->items[i].text, value) == 0 &&
            strcmp(memory->items[i].only, only) == 0) {
            remember(memory, i, memory->items[i]);
            return memory->items[0].said ? cJSON_Duplicate(memory->items[0].said, true) : NULL;
        }
    }
    cJSON *said = value[0] != '\0' ? said_find(memory->index, value, only) : NULL;
    if (!is_short) {
        remember(memory, REMEMBERED - 1, (struct remembered){value, only, said});
    }
    return said;
}

/* Of each of several texts; NULL: of none. */
static cJSON *
texts_said(const cJSON *texts, const char *only, struct memory *memory)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *text;
    bool is_any = false;
    cJSON_ArrayForEach(text, texts)
    {
        cJSON *said = text_said(text, only, memory);
        is_any |= said != NULL;
        cJSON_AddItemToArray(list, said ? said : cJSON_CreateNull());
    }
    if (!is_any) {
        cJSON_Delete(list);
    }
    return is_any ? list : NULL;
}

static void
field_add(const struct field *field, cJSON *json, cJSON *member, struct memory *memory)
{
    cJSON *said = field->kind == FIELD_TEXTS ? texts_said(member, field->said, memory)
                                             : text_said(member, field->said, memory);
    char name[64];
    if (said) {
        snprintf(name, sizeof(name), "%.50s%s", field->name, SAID_SUFFIX);
        cJSON_DeleteItemFromObjectCaseSensitive(json, name);
        cJSON_AddItemToObject(json, name, said);
    }
}

/* No deeper than the shapes are nested. */
static void
object_add(const struct shape *shape, cJSON *json, struct memory *memory)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        cJSON *member = cJSON_GetObjectItemCaseSensitive(json, field->name), *each;
        if (member && field->said) {
            field_add(field, json, member, memory);
        } else if (member && (field->kind == FIELD_OBJECT || field->kind == FIELD_POINTER)) {
            object_add(field->shape, member, memory);
        } else if (member && field->kind == FIELD_LIST) {
            cJSON_ArrayForEach(each, member)
            {
                object_add(field->shape, each, memory);
            }
        }
    }
}

void
said_add(const struct shape *shape, cJSON *json)
{
    struct memory memory = {.index = said_index_new()};
    object_add(shape, json, &memory);
    said_index_free(memory.index);
}

void
said_add_each(const struct shape *shape, cJSON *items)
{
    struct memory memory = {.index = said_index_new()};
    cJSON *each;
    cJSON_ArrayForEach(each, items)
    {
        object_add(shape, each, &memory);
    }
    said_index_free(memory.index);
}
