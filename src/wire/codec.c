/* Decoding: every field of the shape is looked up, every field of the JSON must be in the shape. */
#include "wire/codec.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/addr.h"
#include "wire/codec_field.h"

#define EXACT_MOST ((double)CODEC_EXACT_MOST)

#define MESSAGE_TYPE "type"

static int decode_object(const struct shape *shape, const cJSON *json, void *out,
                         struct codec_error *error, const char *path);

static int
fail(struct codec_error *error, const char *path, const char *name, const char *why)
{
    snprintf(error->path, sizeof(error->path), "%s%s%s", path, path[0] && name[0] ? "." : "", name);
    snprintf(error->why, sizeof(error->why), "%s", why);
    return -EBADMSG;
}

static size_t *
count_of(const struct field *field, void *thing)
{
    return (size_t *)(void *)((char *)thing + field->count_at);
}

static void
store_integer(void *at, size_t size, int64_t value)
{
    switch (size) {
    case 1:
        *(uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)at = (uint16_t)value;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)value;
        break;
    default:
        *(int64_t *)at = value;
        break;
    }
}

bool
codec_store_integer(const struct field *field, int64_t value, void *at)
{
    bool is_signed = field->kind == FIELD_INT;
    double most = field->size >= 8 ? EXACT_MOST : ldexp(1, (int)field->size * 8 - is_signed) - 1;
    double least = is_signed ? -most - 1 : 0;
    if (field->least != 0 || field->most != 0) {
        least = (double)field->least;
        most = (double)field->most;
    }
    if ((double)value < least || (double)value > most) {
        return false;
    }
    store_integer(at, field->size, value);
    return true;
}

static const char *
decode_integer(const struct field *field, const cJSON *item, void *at)
{
    double value = cJSON_IsRaw(item) ? strtod(item->valuestring, NULL) : item->valuedouble;
    bool is_number = cJSON_IsNumber(item) || cJSON_IsRaw(item); /* raw: by encode_integer */
    if (!is_number || floor(value) != value || fabs(value) > EXACT_MOST) {
        return "not a whole number";
    }
    return codec_store_integer(field, (int64_t)value, at) ? NULL : "out of range";
}

static const char unknown_word[] = "not one of the known words";

/* Which words would do, as far as they fit. */
static void
words_tell(const char *const *names, char why[128])
{
    static const char more[] = ", ...";
    size_t used = (size_t)snprintf(why, 128, "%s:", unknown_word);
    for (size_t i = 0; names[i]; i++) {
        const char *before = i ? ", " : " ";
        bool is_last = !names[i + 1];
        size_t needed = strlen(before) + strlen(names[i]) + (is_last ? 1 : sizeof(more));
        if (used + needed > 128) {
            snprintf(why + used, 128 - used, "%s", more);
            return;
        }
        used += (size_t)snprintf(why + used, 128 - used, "%s%s", before, names[i]);
    }
}

static const char *
decode_enum(const struct field *field, const cJSON *item, void *at)
{
    if (!cJSON_IsString(item)) {
        return "not a text";
    }
    for (int i = 0; field->names[i]; i++) {
        if (strcmp(field->names[i], item->valuestring) == 0) {
            *(int *)at = i;
            return NULL;
        }
    }
    return unknown_word;
}

static const char *
decode_text(size_t room, const cJSON *item, char *at)
{
    if (!cJSON_IsString(item)) {
        return "not a text";
    }
    size_t size = strlen(item->valuestring);
    if (size >= room) {
        return "too long";
    }
    if (!utf8_is_plain(item->valuestring, size)) {
        return "has control characters or is not UTF-8";
    }
    memcpy(at, item->valuestring, size + 1);
    return NULL;
}

static const char *
decode_string(const struct field *field, const cJSON *item, void *at)
{
    if (!cJSON_IsString(item)) {
        return "not a text";
    }
    size_t size = strlen(item->valuestring);
    if (size > field->max_count) {
        return "too long";
    }
    if (!utf8_is_plain(item->valuestring, size)) {
        return "has control characters or is not UTF-8";
    }
    *(char **)at = mem_strdup(item->valuestring);
    return NULL;
}

static const char *
decode_lines(const struct field *field, const cJSON *item, void *at)
{
    if (!cJSON_IsString(item)) {
        return "not a text";
    }
    size_t size = strlen(item->valuestring);
    if (size > field->max_count) {
        return "too long";
    }
    if (utf8_lines_size(item->valuestring, size) != size) {
        return "has control characters, turns the direction of writing, or is not UTF-8";
    }
    *(char **)at = mem_strdup(item->valuestring);
    return NULL;
}

static const char *
decode_texts(const struct field *field, const cJSON *item, void *thing)
{
    int count = cJSON_GetArraySize(item);
    if (!cJSON_IsArray(item)) {
        return "not a list";
    }
    if ((size_t)count > field->max_count) {
        return "too many items";
    }
    char *to = (char *)thing + field->at;
    const cJSON *text;
    cJSON_ArrayForEach(text, item)
    {
        const char *why = decode_text(field->size, text, to);
        if (why) {
            return why;
        }
        to += field->size;
    }
    if (field->count_at != NO_COUNT) {
        *count_of(field, thing) = (size_t)count;
    }
    return NULL;
}

const char *
codec_decode_address(enum field_kind kind, const char *text, void *at)
{
    bool is_read = kind == FIELD_MAC || kind == FIELD_MACS ? mac_parse(text, at)
                   : kind == FIELD_PREFIX                  ? prefix_parse(text, at)
                                                           : ip_parse(text, at);
    return is_read                ? NULL
           : kind == FIELD_PREFIX ? "not an address or prefix (are host bits set?)"
                                  : "not an address";
}

static const char *
decode_address(const struct field *field, const cJSON *item, void *at)
{
    return codec_decode_address(field->kind, cJSON_IsString(item) ? item->valuestring : "", at);
}

/* Lists of addresses. */
static const char *
decode_addresses(const struct field *field, const cJSON *item, void *thing)
{
    size_t each = field->kind == FIELD_IPS ? sizeof(struct ip) : sizeof(struct mac);
    if (!cJSON_IsArray(item)) {
        return "not a list";
    }
    size_t count = (size_t)cJSON_GetArraySize(item);
    if (count > field->max_count) {
        return "too many items";
    }
    char *to = count ? mem_new(count, each) : NULL;
    *(void **)(void *)((char *)thing + field->at) = to;
    *count_of(field, thing) = count;
    const cJSON *address;
    cJSON_ArrayForEach(address, item)
    {
        const char *why = decode_address(field, address, to);
        if (why) {
            return why;
        }
        to += each;
    }
    return NULL;
}

/* EVP_DecodeBlock forgives white space and counts padding as bytes: so both are checked here. */
static const char *
decode_bytes(const struct field *field, const cJSON *item, void *thing)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *text = cJSON_IsString(item) ? item->valuestring : "-";
    size_t size = strlen(text);
    size_t plain = strspn(text, alphabet);
    size_t padding = size - plain;
    if (size % 4 != 0 || padding > 2 || strspn(text + plain, "=") != padding) {
        return "not base64";
    }
    size_t count = size / 4 * 3 - padding;
    if (count > field->max_count) {
        return "too long";
    }
    uint8_t *bytes = mem_new(size / 4 * 3 + 1, 1);
    *(void **)(void *)((char *)thing + field->at) = bytes;
    *count_of(field, thing) = count;
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size);
    return decoded < 0 ? "not base64" : NULL;
}

static int
decode_list(const struct field *field, const cJSON *item, void *thing, struct codec_error *error,
            const char *path)
{
    size_t count = (size_t)cJSON_GetArraySize(item);
    if (!cJSON_IsArray(item) || count > field->max_count) {
        return fail(error, path, field->name,
                    cJSON_IsArray(item) ? "too many items" : "not a list");
    }
    char *to = count ? mem_new(count, field->shape->size) : NULL;
    *(void **)(void *)((char *)thing + field->at) = to;
    *count_of(field, thing) = count;
    const cJSON *element;
    size_t index = 0;
    cJSON_ArrayForEach(element, item)
    {
        char inner[128];
        snprintf(inner, sizeof(inner), "%.60s%s%.40s[%zu]", path, path[0] ? "." : "", field->name,
                 index++);
        int result = decode_object(field->shape, element, to, error, inner);
        if (result) {
            return result;
        }
        to += field->shape->size;
    }
    return 0;
}

static int
decode_nested(const struct field *field, const cJSON *item, void *thing, struct codec_error *error,
              const char *path)
{
    char inner[128];
    char *at = (char *)thing + field->at;
    snprintf(inner, sizeof(inner), "%.60s%s%.60s", path, path[0] ? "." : "", field->name);
    if (field->kind == FIELD_OBJECT) {
        return decode_object(field->shape, item, at, error, inner);
    }
    void *pointed = mem_new(1, field->shape->size);
    *(void **)(void *)at = pointed;
    return decode_object(field->shape, item, pointed, error, inner);
}

/* Fields without fields of their own; NULL or what is wrong. */
static const char *
decode_plain(const struct field *field, const cJSON *item, void *thing)
{
    void *at = (char *)thing + field->at;
    switch (field->kind) {
    case FIELD_BOOL:
        *(bool *)at = cJSON_IsTrue(item);
        return cJSON_IsBool(item) ? NULL : "not true or false";
    case FIELD_INT:
    case FIELD_UINT:
        return decode_integer(field, item, at);
    case FIELD_TIME:
        return cJSON_IsString(item) && time_parse(item->valuestring, at) == 0
                   ? NULL
                   : "not a time like 2026-03-09T02:58:24Z";
    case FIELD_ENUM:
        return decode_enum(field, item, at);
    case FIELD_TEXT:
        return decode_text(field->size, item, at);
    case FIELD_STRING:
        return decode_string(field, item, at);
    case FIELD_LINES:
        return decode_lines(field, item, at);
    case FIELD_TEXTS:
        return decode_texts(field, item, thing);
    case FIELD_MAC:
    case FIELD_IP:
    case FIELD_PREFIX:
        return decode_address(field, item, at);
    case FIELD_IPS:
    case FIELD_MACS:
        return decode_addresses(field, item, thing);
    case FIELD_BYTES:
        return decode_bytes(field, item, thing);
    case FIELD_JSON:
        *(cJSON **)at = cJSON_Duplicate(item, true);
        return *(cJSON **)at ? NULL : "out of memory";
    case FIELD_OBJECT:
    case FIELD_POINTER:
    case FIELD_LIST:
        break;
    }
    return "not decodable";
}

bool
codec_is_there(const struct field *field, const void *thing)
{
    return !field->is_tagged ||
           *(const int *)(const void *)((const char *)thing + field->tag_at) == field->tag;
}

static int
decode_field(const struct field *field, const cJSON *json, void *thing, struct codec_error *error,
             const char *path)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, field->name);
    if (!codec_is_there(field, thing)) {
        return item ? fail(error, path, field->name, "does not belong to this kind") : 0;
    }
    if (!item) {
        return field->optional ? 0 : fail(error, path, field->name, "is missing");
    }
    if (field->kind == FIELD_LIST) {
        return decode_list(field, item, thing, error, path);
    }
    if (field->kind == FIELD_OBJECT || field->kind == FIELD_POINTER) {
        return decode_nested(field, item, thing, error, path);
    }
    const char *why = decode_plain(field, item, thing);
    char words[sizeof(error->why)];
    if (why == unknown_word) {
        words_tell(field->names, words);
        why = words;
    }
    return why ? fail(error, path, field->name, why) : 0;
}

/* "detail_said" of a text "detail": what that says again. */
static bool
is_said(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        size_t size = strlen(shape->fields[i].name);
        if (shape->fields[i].said && strncmp(shape->fields[i].name, name, size) == 0 &&
            strcmp(name + size, SAID_SUFFIX) == 0) {
            return true;
        }
    }
    return false;
}

/* Every name in the JSON must be known, once; 'skip' is a name known to the caller, or NULL. */
static int
check_names(const struct shape *shape, const cJSON *json, const char *skip,
            struct codec_error *error, const char *path)
{
    const cJSON *item;
    uint64_t seen[4] = {0};
    unsigned skipped = 0;
    cJSON_ArrayForEach(item, json)
    {
        if (skip && strcmp(item->string, skip) == 0 && skipped++ == 0) {
            continue;
        }
        size_t i = 0;
        while (i < shape->field_count && strcmp(shape->fields[i].name, item->string) != 0) {
            i++;
        }
        if (i == shape->field_count && is_said(shape, item->string)) {
            continue;
        }
        if (i == shape->field_count) {
            char name[48];
            snprintf(name, sizeof(name), "%.40s", item->string);
            return fail(error, path, utf8_is_plain(name, strlen(name)) ? name : "?",
                        "is not known here");
        }
        uint64_t bit = 1ULL << (i % 64);
        if (seen[i / 64 % 4] & bit) {
            return fail(error, path, shape->fields[i].name, "stands twice");
        }
        seen[i / 64 % 4] |= bit;
    }
    return 0;
}

static int
decode_members(const struct shape *shape, const cJSON *json, const char *skip, void *out,
               struct codec_error *error, const char *path)
{
    if (!cJSON_IsObject(json)) {
        return fail(error, path, "", "not an object");
    }
    int result = check_names(shape, json, skip, error, path);
    for (size_t i = 0; result == 0 && i < shape->field_count; i++) {
        result = decode_field(&shape->fields[i], json, out, error, path);
    }
    char why[128] = "";
    if (result == 0 && shape->check && !shape->check(out, why)) {
        result = fail(error, path, "", why);
    }
    return result;
}

static int
decode_object(const struct shape *shape, const cJSON *json, void *out, struct codec_error *error,
              const char *path)
{
    return decode_members(shape, json, NULL, out, error, path);
}

static int
decode_root(const struct shape *shape, const cJSON *json, const char *skip, void *out,
            struct codec_error *error)
{
    memset(out, 0, shape->size);
    memset(error, 0, sizeof(*error));
    int result = decode_members(shape, json, skip, out, error, "");
    if (result) {
        codec_fini(shape, out);
    }
    return result;
}

int
codec_decode(const struct shape *shape, const cJSON *json, void *out, struct codec_error *error)
{
    return decode_root(shape, json, NULL, out, error);
}

int
codec_decode_message(const struct shape *shape, const cJSON *json, void *out,
                     struct codec_error *error)
{
    return decode_root(shape, json, MESSAGE_TYPE, out, error);
}

static bool
is_owned(enum field_kind kind)
{
    return kind == FIELD_STRING || kind == FIELD_LINES || kind == FIELD_LIST || kind == FIELD_IPS ||
           kind == FIELD_MACS || kind == FIELD_BYTES || kind == FIELD_POINTER || kind == FIELD_JSON;
}

static void
free_field(const struct field *field, void *thing)
{
    void *at = (char *)thing + field->at;
    if (field->kind == FIELD_OBJECT) {
        codec_fini(field->shape, at);
        return;
    }
    if (field->kind == FIELD_JSON) {
        cJSON_Delete(*(cJSON **)at);
        return;
    }
    if (field->kind == FIELD_LINES || field->kind == FIELD_STRING) {
        free(*(char **)at);
        return;
    }
    if (!is_owned(field->kind)) {
        return;
    }
    char *items = *(char **)at;
    size_t count = field->kind == FIELD_POINTER ? 1 : *count_of(field, thing);
    if (items && (field->kind == FIELD_LIST || field->kind == FIELD_POINTER)) {
        for (size_t i = 0; i < count; i++) {
            codec_fini(field->shape, items + i * field->shape->size);
        }
    }
    free(items);
}

void
codec_fini(const struct shape *shape, void *thing)
{
    for (size_t i = 0; thing && i < shape->field_count; i++) {
        if (codec_is_there(&shape->fields[i], thing)) {
            free_field(&shape->fields[i], thing);
        }
    }
    if (thing) {
        memset(thing, 0, shape->size);
    }
}

static size_t
bytes_owned(const struct field *field, void *thing)
{
    size_t each = field->kind == FIELD_IPS     ? sizeof(struct ip)
                  : field->kind == FIELD_MACS  ? sizeof(struct mac)
                  : field->kind == FIELD_BYTES ? 1
                                               : field->shape->size;
    return field->kind == FIELD_POINTER ? each : each * *count_of(field, thing);
}

static void own_fields(const struct shape *shape, void *thing);

/* 'thing' has another's: it gets its own. */
static void
own_field(const struct field *field, void *thing)
{
    void *at = (char *)thing + field->at;
    if (field->kind == FIELD_OBJECT) {
        own_fields(field->shape, at);
        return;
    }
    if (!is_owned(field->kind) || !*(void **)at) {
        return;
    }
    if (field->kind == FIELD_JSON) {
        *(cJSON **)at = cJSON_Duplicate(*(cJSON **)at, true);
        return;
    }
    if (field->kind == FIELD_LINES || field->kind == FIELD_STRING) {
        *(char **)at = mem_strdup(*(char **)at);
        return;
    }
    size_t size = bytes_owned(field, thing);
    char *items = mem_new(size, 1);
    memcpy(items, *(char **)at, size);
    *(char **)at = items;
    bool has_fields = field->kind == FIELD_LIST || field->kind == FIELD_POINTER;
    for (size_t i = 0; has_fields && i < size / field->shape->size; i++) {
        own_fields(field->shape, items + i * field->shape->size);
    }
}

static void
own_fields(const struct shape *shape, void *thing)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        if (codec_is_there(&shape->fields[i], thing)) {
            own_field(&shape->fields[i], thing);
        }
    }
}

void
codec_copy(const struct shape *shape, const void *from, void *to)
{
    memcpy(to, from, shape->size);
    own_fields(shape, to);
}

/* An escaped character that cJSON would take for NUL, and cut the text there, silently: \u0000, and
 * whatever has no four hexadecimal digits. */
static bool
is_nul_escape(const char *escape, size_t left)
{
    size_t digits = 0;
    while (left > 5 && digits < 4 && isxdigit((unsigned char)escape[2 + digits])) {
        digits++;
    }
    return left > 5 && escape[1] == 'u' && (digits < 4 || memcmp(escape + 2, "0000", 4) == 0);
}

/* Brackets outside of texts, counted before cJSON recurses into them; and no NUL in a text. */
static bool
is_shallow(const char *text, size_t size)
{
    unsigned depth = 0;
    bool is_text = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (is_text) {
            if (c == '\\' && is_nul_escape(text + i, size - i)) {
                return false;
            }
            i += c == '\\';
            is_text = c != '"';
        } else if (c == '"') {
            is_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > WIRE_DEPTH_MAX) {
                return false;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* How many bytes at the start are JSON's white space. */
static size_t
blank_size(const char *text, size_t size)
{
    size_t blank = 0;
    while (blank < size && strchr(" \t\r\n", text[blank])) {
        blank++;
    }
    return blank;
}

cJSON *
codec_parse(const char *text, size_t size)
{
    if (size > WIRE_FRAME_MAX || !is_shallow(text, size) || memchr(text, '\0', size)) {
        return NULL;
    }
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, size, &end, false);
    size_t used = json ? (size_t)(end - text) : 0;
    if (json && used + blank_size(text + used, size - used) != size) {
        cJSON_Delete(json);
        return NULL;
    }
    return json;
}
