/* Walks an object of the API beside its shape, and puts what said.h knows of its texts next to
 * them. */
#include <stdio.h>
#include <string.h>

#include "wire/codec.h"
#include "wire/said.h"

#define REMEMBERED 8
#define REMEMBER_LEAST 32 /* bytes: shorter ones are found as fast as remembered */

/* Rows of a list mostly say the same: what is wrong with a switch stands at each containment on it.
 * All borrowed from the object that is walked. */
struct memory {
    struct {
        const char *text, *only;
        const cJSON *said;
    } items[REMEMBERED];
    size_t next;
};

static cJSON *
text_said(const cJSON *text, const char *only, struct memory *memory)
{
    const char *value = cJSON_IsString(text) ? text->valuestring : "";
    bool is_short = strlen(value) < REMEMBER_LEAST;
    for (size_t i = 0; !is_short && i < REMEMBERED; i++) {
        if (memory->items[i].text && strcmp(memory->items[i].text, value) == 0 &&
            strcmp(memory->items[i].only, only) == 0) {
            return memory->items[i].said ? cJSON_Duplicate(memory->items[i].said, true) : NULL;
        }
    }
    cJSON *said = said_of(value, only);
    if (!is_short) {
        memory->items[memory->next].text = value;
        memory->items[memory->next].only = only;
        memory->items[memory->next].said = said;
        memory->next = (memory->next + 1) % REMEMBERED;
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
    struct memory memory = {.next = 0};
    object_add(shape, json, &memory);
}

void
said_add_each(const struct shape *shape, cJSON *items)
{
    struct memory memory = {.next = 0};
    cJSON *each;
    cJSON_ArrayForEach(each, items)
    {
        object_add(shape, each, &memory);
    }
}
