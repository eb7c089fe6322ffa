/* Walks an object of the API beside its shape, and puts what said.h knows of its texts next to
 * them. */
#include <stdio.h>

#include "wire/codec.h"
#include "wire/said.h"

static cJSON *
text_said(const cJSON *text, const char *only)
{
    return cJSON_IsString(text) ? said_of(text->valuestring, only) : NULL;
}

/* Of each of several texts; NULL: of none. */
static cJSON *
texts_said(const cJSON *texts, const char *only)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *text;
    bool is_any = false;
    cJSON_ArrayForEach(text, texts)
    {
        cJSON *said = text_said(text, only);
        is_any |= said != NULL;
        cJSON_AddItemToArray(list, said ? said : cJSON_CreateNull());
    }
    if (!is_any) {
        cJSON_Delete(list);
    }
    return is_any ? list : NULL;
}

static void
field_add(const struct field *field, cJSON *json, cJSON *member)
{
    cJSON *said = field->kind == FIELD_TEXTS ? texts_said(member, field->said)
                                             : text_said(member, field->said);
    char name[64];
    if (said) {
        snprintf(name, sizeof(name), "%.50s%s", field->name, SAID_SUFFIX);
        cJSON_DeleteItemFromObjectCaseSensitive(json, name);
        cJSON_AddItemToObject(json, name, said);
    }
}

/* No deeper than the shapes are nested. */
void
said_add(const struct shape *shape, cJSON *json)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        cJSON *member = cJSON_GetObjectItemCaseSensitive(json, field->name), *each;
        if (member && field->said) {
            field_add(field, json, member);
        } else if (member && (field->kind == FIELD_OBJECT || field->kind == FIELD_POINTER)) {
            said_add(field->shape, member);
        } else if (member && field->kind == FIELD_LIST) {
            cJSON_ArrayForEach(each, member)
            {
                said_add(field->shape, each);
            }
        }
    }
}
