#include "web/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "web/route.h"

#define QUERY_VALUE_SIZE 1024

static const struct field *
field_named(const struct shape *shape, const char *name)
{
    for (size_t i = 0; shape && i < shape->field_count; i++) {
        if (strcmp(shape->fields[i].name, name) == 0) {
            return &shape->fields[i];
        }
    }
    return NULL;
}

/* Texts stay texts, so that the codec says what is wrong with them. */
static cJSON *
value_of(const struct field *field, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    bool is_number = field && (field->kind == FIELD_UINT || field->kind == FIELD_INT);
    if (is_number && digits > 0 && digits <= 15 && text[digits] == '\0') {
        return cJSON_CreateNumber(strtod(text, NULL));
    }
    if (field && field->kind == FIELD_BOOL && strcmp(text, "true") == 0) {
        return cJSON_CreateTrue();
    }
    if (field && field->kind == FIELD_BOOL && strcmp(text, "false") == 0) {
        return cJSON_CreateFalse();
    }
    return cJSON_CreateString(text);
}

static bool
add_pair(cJSON *json, const struct shape *shape, const char *pair, size_t size,
         struct codec_error *error)
{
    char name[NAME_SIZE];
    char value[QUERY_VALUE_SIZE];
    const char *equals = memchr(pair, '=', size);
    size_t name_size = equals ? (size_t)(equals - pair) : size;
    if (!route_decode(pair, name_size, true, name, sizeof(name)) || name[0] == '\0' ||
        !route_decode(equals ? equals + 1 : "", equals ? size - name_size - 1 : 0, true, value,
                      sizeof(value))) {
        snprintf(error->why, sizeof(error->why), "malformed or too long");
        return false;
    }
    if (cJSON_GetObjectItemCaseSensitive(json, name)) {
        snprintf(error->path, sizeof(error->path), "%s", name);
        snprintf(error->why, sizeof(error->why), "stands twice");
        return false;
    }
    cJSON_AddItemToObject(json, name, value_of(field_named(shape, name), value));
    return true;
}

cJSON *
query_read(const struct shape *shape, const char *query, struct codec_error *error)
{
    cJSON *json = cJSON_CreateObject();
    memset(error, 0, sizeof(*error));
    while (query && *query) {
        size_t size = strcspn(query, "&");
        if (size > 0 && !add_pair(json, shape, query, size, error)) {
            cJSON_Delete(json);
            return NULL;
        }
        query += size + (query[size] == '&');
    }
    return json;
}

bool
query_add_id(cJSON *parameters, const char *id)
{
    if (cJSON_GetObjectItemCaseSensitive(parameters, "id")) {
        return false;
    }
    cJSON_AddStringToObject(parameters, "id", id);
    return true;
}

bool
query_check(const struct shape *shape, const cJSON *parameters, struct codec_error *error)
{
    memset(error, 0, sizeof(*error));
    if (!shape) {
        bool is_empty = cJSON_IsObject(parameters) && !parameters->child;
        snprintf(error->why, sizeof(error->why), "this takes no parameters");
        return is_empty;
    }
    void *out = mem_new(1, shape->size);
    bool fits = codec_decode(shape, parameters, out, error) == 0;
    if (fits) {
        codec_fini(shape, out);
    }
    free(out);
    return fits;
}
