/* codec_write(): what codec_encode() and cJSON would print, straight into text. */
#include "wire/codec_text.h"

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

#define ROOM_KEPT (256 * 1024)

void
codec_text_fini(struct codec_text *text)
{
    if (!text->is_borrowed) {
        free(text->bytes);
    }
    *text = (struct codec_text){.bytes = NULL};
}

void
codec_text_reset(struct codec_text *text)
{
    if (text->room > ROOM_KEPT) {
        codec_text_fini(text);
    }
    text->used = 0;
}

static void
room_grow(struct codec_text *text, size_t room)
{
    char *before = text->bytes;
    text->bytes = mem_resize(text->is_borrowed ? NULL : before, room, 1);
    text->room = room;
    if (text->is_borrowed) {
        memcpy(text->bytes, before, text->used);
        text->is_borrowed = false;
    }
}

static char *
room_make(struct codec_text *text, size_t size)
{
    if (text->room - text->used < size) {
        size_t room = text->room ? text->room : 512;
        while (room - text->used < size) {
            room *= 2;
        }
        room_grow(text, room);
    }
    return text->bytes + text->used;
}

void
codec_text_put(struct codec_text *text, const char *bytes, size_t size)
{
    memcpy(room_make(text, size), bytes, size);
    text->used += size;
}

static void
put_char(struct codec_text *text, char c)
{
    *room_make(text, 1) = c;
    text->used++;
}

static void
put_word(struct codec_text *text, const char *word)
{
    codec_text_put(text, word, strlen(word));
}

/* Good UTF-8 without control characters. */
static void
put_plain(struct codec_text *text, const char *bytes, size_t size)
{
    char *to = room_make(text, 2 * size + 2);
    *to++ = '"';
    while (size > 0) {
        size_t ordinary = bytes_ordinary(bytes, size);
        size_t run = ordinary < size ? ordinary + 1 : size; /* with what ends it */
        memcpy(to, bytes, ordinary);
        to += ordinary;
        if (run > ordinary && bytes[ordinary] != '\0') {
            *to++ = '\\';
        }
        if (run > ordinary) {
            *to++ = bytes[ordinary];
        }
        bytes += run;
        size -= run;
    }
    *to++ = '"';
    text->used = (size_t)(to - text->bytes);
}

/* What has nothing in it to look at twice: names of fields, words, and most texts. */
static void
put_quoted(struct codec_text *text, const char *bytes, size_t size)
{
    char *to = room_make(text, size + 2);
    to[0] = '"';
    memcpy(to + 1, bytes, size);
    to[size + 1] = '"';
    text->used += size + 2;
}

/* What a peer made us keep may hold anything: never send what the receiver must refuse. */
static void
put_text(struct codec_text *text, const char *bytes, size_t most)
{
    size_t size = strnlen(bytes, most);
    if (bytes_plain(bytes, size) == size) {
        put_quoted(text, bytes, size);
        return;
    }
    if (codec_is_ascii(bytes, size)) {
        put_plain(text, bytes, size);
        return;
    }
    char *plain = mem_new(size + 1, 1);
    memcpy(plain, bytes, size);
    utf8_make_plain(plain, size);
    put_plain(text, plain, size);
    free(plain);
}

static void
put_printed(struct codec_text *text, cJSON *json)
{
    char *printed = json ? cJSON_PrintUnformatted(json) : NULL;
    put_word(text, printed ? printed : "null");
    cJSON_free(printed);
}

/* Texts of several lines: escapes that are rare. */
static void
put_lines(struct codec_text *text, const struct field *field, const void *thing)
{
    cJSON *json = codec_encode_field(field, thing);
    put_printed(text, json);
    cJSON_Delete(json);
}

static void
put_integer(struct codec_text *text, const struct field *field, const void *at)
{
    char digits[24];
    char *end = digits + sizeof(digits);
    char *to = end;
    int64_t value = codec_load_integer(field, at);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; left >= 100; left /= 100) { /* times have sixteen */
        *--to = (char)('0' + left % 10);
        *--to = (char)('0' + left / 10 % 10);
    }
    do {
        *--to = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        *--to = '-';
    }
    codec_text_put(text, to, (size_t)(end - to));
}

static void
put_address(struct codec_text *text, enum field_kind kind, const void *at)
{
    char address[PREFIX_TEXT_SIZE];
    if (kind == FIELD_MAC || kind == FIELD_MACS) {
        mac_format(at, address);
    } else if (kind == FIELD_PREFIX) {
        prefix_format(at, address);
    } else {
        ip_format(at, address);
    }
    put_quoted(text, address, strlen(address));
}

static void
put_items(struct codec_text *text, const struct field *field, const void *thing)
{
    bool is_inline = field->kind == FIELD_TEXTS;
    const char *start = (const char *)thing + field->at;
    const char *item = is_inline ? start : *(const char *const *)(const void *)start;
    size_t count = codec_item_count(field, thing);
    size_t each = field->kind == FIELD_LIST  ? field->shape->size
                  : field->kind == FIELD_IPS ? sizeof(struct ip)
                  : is_inline                ? field->size
                                             : sizeof(struct mac);
    put_char(text, '[');
    for (size_t i = 0; i < count; i++, item += each) {
        if (i > 0) {
            put_char(text, ',');
        }
        if (field->kind == FIELD_LIST) {
            codec_write(field->shape, item, NULL, text);
        } else if (is_inline) {
            put_text(text, item, field->size - 1);
        } else {
            put_address(text, field->kind, item);
        }
    }
    put_char(text, ']');
}

static void
put_bytes(struct codec_text *text, const struct field *field, const void *thing)
{
    const uint8_t *bytes = *(uint8_t *const *)(const void *)((const char *)thing + field->at);
    size_t size = codec_item_count(field, thing);
    put_char(text, '"');
    char *to = room_make(text, (size + 2) / 3 * 4 + 1);
    text->used += (size_t)EVP_EncodeBlock((unsigned char *)to, bytes, (int)size);
    put_char(text, '"');
}

static void
put_field(struct codec_text *text, const struct field *field, const void *thing)
{
    const void *at = (const char *)thing + field->at;
    switch (field->kind) {
    case FIELD_BOOL:
        put_word(text, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_INT:
    case FIELD_UINT:
        put_integer(text, field, at);
        break;
    case FIELD_ENUM:
        put_text(text, field->names[*(const int *)at], NAME_MOST);
        break;
    case FIELD_TEXT:
        put_text(text, at, field->size - 1);
        break;
    case FIELD_STRING: {
        const char *string = *(const char *const *)at;
        put_text(text, string ? string : "", field->max_count);
        break;
    }
    case FIELD_TIME:
    case FIELD_LINES:
        put_lines(text, field, thing);
        break;
    case FIELD_MAC:
    case FIELD_IP:
    case FIELD_PREFIX:
        put_address(text, field->kind, at);
        break;
    case FIELD_OBJECT:
        codec_write(field->shape, at, NULL, text);
        break;
    case FIELD_POINTER:
        codec_write(field->shape, *(const void *const *)at, NULL, text);
        break;
    case FIELD_TEXTS:
    case FIELD_LIST:
    case FIELD_IPS:
    case FIELD_MACS:
        put_items(text, field, thing);
        break;
    case FIELD_BYTES:
        put_bytes(text, field, thing);
        break;
    case FIELD_JSON:
        put_printed(text, *(cJSON *const *)at);
        break;
    }
}

static void
put_name(struct codec_text *text, const char *name, bool is_first)
{
    size_t size = strlen(name);
    char *start = room_make(text, size + 4);
    char *to = start;
    if (!is_first) {
        *to++ = ',';
    }
    *to++ = '"';
    memcpy(to, name, size);
    to += size;
    *to++ = '"';
    *to++ = ':';
    text->used += (size_t)(to - start);
}

void
codec_write(const struct shape *shape, const void *thing, const char *type, struct codec_text *text)
{
    put_char(text, '{');
    bool is_first = true;
    if (type) {
        put_word(text, "\"type\":");
        put_quoted(text, type, strlen(type));
        is_first = false;
    }
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (!codec_is_there(field, thing) || (field->optional && codec_is_zero(field, thing))) {
            continue;
        }
        put_name(text, field->name, is_first);
        put_field(text, field, thing);
        is_first = false;
    }
    put_char(text, '}');
}
