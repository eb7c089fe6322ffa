/* Encoding as a tree of JSON values: for the API, whose answers are looked at and added to. */
#include "wire/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/addr.h"
#include "wire/codec_field.h"

static int64_t
load_integer(const void *at, size_t size, bool is_signed)
{
    switch (size) {
    case 1:
        return is_signed ? *(const int8_t *)at : *(const uint8_t *)at;
    case 2:
        return is_signed ? *(const int16_t *)at : *(const uint16_t *)at;
    case 4:
        return is_signed ? *(const int32_t *)at : (int64_t) * (const uint32_t *)at;
    default:
        return *(const int64_t *)at;
    }
}

/* What a peer made us keep may hold anything: never send what the receiver must refuse. */
static cJSON *
encode_text(const char *text, size_t room)
{
    size_t size = strnlen(text, room - 1);
    char *plain = mem_new(size + 1, 1);
    memcpy(plain, text, size);
    utf8_make_plain(plain, size);
    cJSON *json = cJSON_CreateString(plain);
    free(plain);
    return json;
}

static cJSON *
encode_lines(const char *text, size_t most)
{
    size_t size = text ? strnlen(text, most) : 0;
    char *good = mem_new(size + 1, 1);
    memcpy(good, text ? text : "", size);
    for (size_t at = 0; (at += utf8_lines_size(good + at, size - at)) < size;) {
        good[at] = '?';
    }
    cJSON *json = cJSON_CreateString(good);
    free(good);
    return json;
}

static cJSON *
encode_address(enum field_kind kind, const void *at)
{
    char text[PREFIX_TEXT_SIZE];
    if (kind == FIELD_MAC || kind == FIELD_MACS) {
        mac_format(at, text);
    } else if (kind == FIELD_PREFIX) {
        prefix_format(at, text);
    } else {
        ip_format(at, text);
    }
    return cJSON_CreateString(text);
}

bool
codec_is_ascii(const char *text, size_t size)
{
    return bytes_ascii(text, size) == size;
}

size_t
codec_item_count(const struct field *field, const void *thing)
{
    if (field->count_at != NO_COUNT) {
        return *(const size_t *)(const void *)((const char *)thing + field->count_at);
    }
    size_t count = 0;
    while (count < field->max_count &&
           ((const char *)thing + field->at)[count * field->size] != '\0') {
        count++;
    }
    return count;
}

static cJSON *
encode_items(const struct field *field, const void *thing)
{
    bool is_inline = field->kind == FIELD_TEXTS;
    const char *start = (const char *)thing + field->at;
    const char *item = is_inline ? start : *(const char *const *)(const void *)start;
    size_t count = codec_item_count(field, thing);
    size_t each = field->kind == FIELD_LIST  ? field->shape->size
                  : field->kind == FIELD_IPS ? sizeof(struct ip)
                  : is_inline                ? field->size
                                             : sizeof(struct mac);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++, item += each) {
        cJSON_AddItemToArray(list, field->kind == FIELD_LIST ? codec_encode(field->shape, item)
                                   : is_inline               ? encode_text(item, field->size)
                                                             : encode_address(field->kind, item));
    }
    return list;
}

static cJSON *
encode_bytes(const struct field *field, const void *thing)
{
    const uint8_t *bytes = *(uint8_t *const *)(const void *)((const char *)thing + field->at);
    size_t size = *(const size_t *)(const void *)((const char *)thing + field->count_at);
    char *text = mem_new((size + 2) / 3 * 4 + 1, 1);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    cJSON *json = cJSON_CreateString(text);
    free(text);
    return json;
}

static cJSON *
encode_time(const int64_t *at)
{
    char text[TIME_TEXT_SIZE];
    time_format(*at, text);
    return cJSON_CreateString(text);
}

/* A counter beyond what the receiver takes becomes the most that it takes. */
int64_t
codec_load_integer(const struct field *field, const void *at)
{
    int64_t value = load_integer(at, field->size, field->kind == FIELD_INT);
    int64_t most = CODEC_EXACT_MOST;
    if (field->kind == FIELD_UINT && value < 0) { /* above 2^63 */
        value = most;
    }
    return value > most ? most : value < -most ? -most : value;
}

/* cJSON writes 15 digits where the number is "about" equal then: above 2^52 not exactly equal. */
static cJSON *
encode_integer(const struct field *field, const void *at)
{
    int64_t value = codec_load_integer(field, at);
    int64_t most = CODEC_EXACT_MOST;
    if (value <= most / 2 && value >= -most / 2) {
        return cJSON_CreateNumber((double)value);
    }
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return cJSON_CreateRaw(text);
}

cJSON *
codec_encode_field(const struct field *field, const void *thing)
{
    const void *at = (const char *)thing + field->at;
    switch (field->kind) {
    case FIELD_BOOL:
        return cJSON_CreateBool(*(const bool *)at);
    case FIELD_INT:
    case FIELD_UINT:
        return encode_integer(field, at);
    case FIELD_TIME:
        return encode_time(at);
    case FIELD_ENUM:
        return cJSON_CreateString(field->names[*(const int *)at]);
    case FIELD_TEXT:
        return encode_text(at, field->size);
    case FIELD_STRING: {
        const char *text = *(const char *const *)at;
        return encode_text(text ? text : "", field->max_count + 1);
    }
    case FIELD_LINES:
        return encode_lines(*(const char *const *)at, field->max_count);
    case FIELD_MAC:
    case FIELD_IP:
    case FIELD_PREFIX:
        return encode_address(field->kind, at);
    case FIELD_OBJECT:
        return codec_encode(field->shape, at);
    case FIELD_POINTER:
        return codec_encode(field->shape, *(const void *const *)at);
    case FIELD_TEXTS:
    case FIELD_LIST:
    case FIELD_IPS:
    case FIELD_MACS:
        return encode_items(field, thing);
    case FIELD_BYTES:
        return encode_bytes(field, thing);
    case FIELD_JSON:
        return *(cJSON *const *)at ? cJSON_Duplicate(*(cJSON *const *)at, true)
                                   : cJSON_CreateNull();
    }
    return NULL;
}

/* Does the member hold its zero value? */
bool
codec_is_zero(const struct field *field, const void *thing)
{
    const char *at = (const char *)thing + field->at;
    switch (field->kind) {
    case FIELD_TEXT:
        return at[0] == '\0';
    case FIELD_STRING:
    case FIELD_LINES: {
        const char *text = *(const char *const *)(const void *)at;
        return !text || text[0] == '\0';
    }
    case FIELD_TEXTS:
        return codec_item_count(field, thing) == 0;
    case FIELD_LIST:
    case FIELD_IPS:
    case FIELD_MACS:
    case FIELD_BYTES:
        return *(const size_t *)(const void *)((const char *)thing + field->count_at) == 0;
    case FIELD_POINTER:
    case FIELD_JSON:
        return *(const void *const *)(const void *)at == NULL;
    case FIELD_PREFIX:
        return prefix_is_none((const struct prefix *)(const void *)at);
    case FIELD_OBJECT:
        for (size_t i = 0; i < field->shape->field_count; i++) {
            if (!codec_is_zero(&field->shape->fields[i], at)) {
                return false;
            }
        }
        return true;
    default:
        for (size_t i = 0; i < field->size; i++) {
            if (at[i]) {
                return false;
            }
        }
        return true;
    }
}

cJSON *
codec_encode(const struct shape *shape, const void *thing)
{
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (codec_is_there(field, thing) && !(field->optional && codec_is_zero(field, thing))) {
            cJSON_AddItemToObjectCS(json, field->name, codec_encode_field(field, thing));
        }
    }
    return json;
}
