#include "web/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wire/said.h"

#define EXACT_MOST 9007199254740991.0 /* 2^53 - 1: what every JSON reader holds exactly */

static cJSON *
object_of_type(const char *type)
{
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "type", type);
    return schema;
}

static cJSON *
schema_integer(const struct field *field)
{
    cJSON *schema = object_of_type("integer");
    bool is_signed = field->kind == FIELD_INT;
    double most = field->size >= 8 ? EXACT_MOST : ldexp(1, (int)field->size * 8 - is_signed) - 1;
    double least = is_signed ? -most : 0;
    if (field->least != 0 || field->most != 0) {
        least = (double)field->least;
        most = (double)field->most;
    }
    cJSON_AddNumberToObject(schema, "minimum", least);
    cJSON_AddNumberToObject(schema, "maximum", most);
    return schema;
}

static cJSON *
schema_enum(const struct field *field)
{
    cJSON *schema = object_of_type("string");
    cJSON *names = cJSON_AddArrayToObject(schema, "enum");
    for (size_t i = 0; field->names[i]; i++) {
        cJSON_AddItemToArray(names, cJSON_CreateString(field->names[i]));
    }
    return schema;
}

static cJSON *
schema_text(size_t size)
{
    cJSON *schema = object_of_type("string");
    cJSON_AddNumberToObject(schema, "maxLength", (double)size - 1);
    return schema;
}

static cJSON *
schema_pattern(const char *pattern)
{
    cJSON *schema = object_of_type("string");
    cJSON_AddStringToObject(schema, "pattern", pattern);
    return schema;
}

static cJSON *
schema_address(enum field_kind kind)
{
    switch (kind) {
    case FIELD_MAC:
    case FIELD_MACS:
        return schema_pattern("^[0-9A-Fa-f]{2}([:.-]?[0-9A-Fa-f]{2}){5}$");
    case FIELD_PREFIX:
        return schema_pattern("^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$");
    default:
        return schema_pattern("^[0-9A-Fa-f:.]+$");
    }
}

static cJSON *
schema_array(cJSON *items, size_t most)
{
    cJSON *schema = object_of_type("array");
    cJSON_AddItemToObject(schema, "items", items);
    cJSON_AddNumberToObject(schema, "maxItems", (double)most);
    return schema;
}

static cJSON *
schema_with_format(const char *format)
{
    cJSON *schema = object_of_type("string");
    cJSON_AddStringToObject(schema, "format", format);
    return schema;
}

static cJSON *
schema_of_kind(const struct field *field, cJSON *components)
{
    switch (field->kind) {
    case FIELD_BOOL:
        return object_of_type("boolean");
    case FIELD_INT:
    case FIELD_UINT:
        return schema_integer(field);
    case FIELD_ENUM:
        return schema_enum(field);
    case FIELD_TEXT:
        return schema_text(field->size);
    case FIELD_STRING:
    case FIELD_LINES:
        return schema_text(field->max_count + 1);
    case FIELD_TEXTS:
        return schema_array(schema_text(field->size), field->max_count);
    case FIELD_MAC:
    case FIELD_IP:
    case FIELD_PREFIX:
        return schema_address(field->kind);
    case FIELD_IPS:
    case FIELD_MACS:
        return schema_array(schema_address(field->kind), field->max_count);
    case FIELD_OBJECT:
    case FIELD_POINTER:
        return schema_refer(field->shape, components);
    case FIELD_LIST:
        return schema_array(schema_refer(field->shape, components), field->max_count);
    case FIELD_TIME:
        return schema_with_format("date-time");
    case FIELD_BYTES:
        return schema_with_format("byte");
    case FIELD_JSON:
        break;
    }
    return cJSON_CreateObject(); /* anything */
}

cJSON *
schema_of_field(const struct field *field, cJSON *components)
{
    cJSON *schema = schema_of_kind(field, components);
    if (field->about) {
        cJSON_AddStringToObject(schema, "description", field->about);
    }
    return schema;
}

/* The schema of a text as a code and values (said.h), with every code's wording. */
static cJSON *
said_schema(void)
{
    cJSON *schema = object_of_type("object");
    cJSON_AddStringToObject(
        schema, "description",
        "The text beside it as a stable code and its values, so that it can be worded in another "
        "language. 'x-texts' has every code's wording; {1}, {2} stand for the values, and the code "
        "'" SAID_LIST "' for sentences one after the other.");
    cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
    cJSON_AddItemToObject(properties, "code", object_of_type("string"));
    cJSON *values = object_of_type("array");
    cJSON *any = cJSON_AddArrayToObject(cJSON_AddObjectToObject(values, "items"), "anyOf");
    cJSON_AddItemToArray(any, object_of_type("string"));
    cJSON *self = cJSON_CreateObject();
    cJSON_AddStringToObject(self, "$ref", "#/components/schemas/Said");
    cJSON_AddItemToArray(any, self);
    cJSON_AddNumberToObject(values, "maxItems", SAID_LIST_MAX);
    cJSON_AddItemToObject(properties, "values", values);
    cJSON *required = cJSON_AddArrayToObject(schema, "required");
    cJSON_AddItemToArray(required, cJSON_CreateString("code"));
    cJSON_AddItemToArray(required, cJSON_CreateString("values"));
    cJSON_AddFalseToObject(schema, "additionalProperties");
    cJSON *texts = cJSON_AddObjectToObject(schema, "x-texts");
    const struct said *row;
    for (size_t i = 0; (row = said_at(i)); i++) {
        cJSON *text = cJSON_AddObjectToObject(texts, row->code);
        cJSON_AddStringToObject(text, "en", row->english);
        cJSON_AddStringToObject(text, "ja", row->japanese);
    }
    return schema;
}

/* NAME_said beside NAME. */
static void
add_said(const struct field *field, cJSON *properties, cJSON *components)
{
    char name[64];
    if (!cJSON_GetObjectItemCaseSensitive(components, "Said")) {
        cJSON_AddItemToObject(components, "Said", said_schema());
    }
    cJSON *refer = cJSON_CreateObject();
    cJSON_AddStringToObject(refer, "$ref", "#/components/schemas/Said");
    snprintf(name, sizeof(name), "%.50s%s", field->name, SAID_SUFFIX);
    if (field->kind == FIELD_TEXTS) { /* as many as there are texts */
        cJSON *item = cJSON_CreateObject();
        cJSON *any = cJSON_AddArrayToObject(item, "anyOf");
        cJSON_AddItemToArray(any, refer);
        cJSON_AddItemToArray(any, object_of_type("null"));
        refer = schema_array(item, field->max_count);
    }
    cJSON_AddItemToObject(properties, name, refer);
}

cJSON *
schema_of_shape(const struct shape *shape, const char *skip, cJSON *components)
{
    cJSON *schema = object_of_type("object");
    cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
    cJSON *required = cJSON_CreateArray();
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (skip && strcmp(field->name, skip) == 0) {
            continue;
        }
        cJSON_AddItemToObject(properties, field->name, schema_of_field(field, components));
        if (field->said) {
            add_said(field, properties, components);
        }
        /* A tagged field belongs to one kind of the object only. */
        if (!field->optional && !field->is_tagged) {
            cJSON_AddItemToArray(required, cJSON_CreateString(field->name));
        }
    }
    if (cJSON_GetArraySize(required) > 0) {
        cJSON_AddItemToObject(schema, "required", required);
    } else {
        cJSON_Delete(required);
    }
    cJSON_AddFalseToObject(schema, "additionalProperties");
    return schema;
}

cJSON *
schema_refer(const struct shape *shape, cJSON *components)
{
    char path[128];
    if (!cJSON_GetObjectItemCaseSensitive(components, shape->name)) {
        /* First the name, then the body: a shape may hold itself. */
        cJSON_AddItemToObject(components, shape->name, cJSON_CreateObject());
        cJSON_ReplaceItemInObjectCaseSensitive(components, shape->name,
                                               schema_of_shape(shape, NULL, components));
    }
    snprintf(path, sizeof(path), "#/components/schemas/%s", shape->name);
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "$ref", path);
    return schema;
}
