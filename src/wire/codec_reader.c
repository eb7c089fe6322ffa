/* codec_read(): one pass over the text, straight into the struct. */
#include "wire/codec_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/addr.h"
#include "wire/codec_field.h"

#define FIELDS_MOST 256

/* 'is_odd' sticks: something that is not ours to judge here. */
struct reading {
    const char *at, *end;
    bool is_odd;
};

static bool read_object(struct reading *in, const struct shape *shape, bool is_message, void *out);

static bool
odd(struct reading *in)
{
    in->is_odd = true;
    return false;
}

static bool
skip(struct reading *in, char c)
{
    if (in->at < in->end && *in->at == c) {
        in->at++;
        return true;
    }
    return false;
}

static bool
expect(struct reading *in, char c)
{
    return skip(in, c) || odd(in);
}

/* The text between quotes as it stands; 'has_escapes': some characters have a backslash before. */
static bool
read_quoted(struct reading *in, const char **text, size_t *size, bool *has_escapes)
{
    if (!expect(in, '"')) {
        return false;
    }
    const char *from = in->at;
    *has_escapes = false;
    in->at += bytes_ordinary(in->at, (size_t)(in->end - in->at));
    while (in->at < in->end && *in->at != '"') {
        bool is_escape = *in->at == '\\' && in->end - in->at > 1;
        *has_escapes = *has_escapes || is_escape;
        in->at += is_escape ? 2 : 1;
        in->at += bytes_ordinary(in->at, (size_t)(in->end - in->at));
    }
    if (in->at >= in->end) {
        return odd(in);
    }
    *text = from;
    *size = (size_t)(in->at - from);
    in->at++;
    return true;
}

/* As nearly all are: nothing in it to look at twice.  False: it is not so, and 'in' stays. */
static bool
read_ordinary(struct reading *in, char *to, size_t most)
{
    size_t left = (size_t)(in->end - in->at);
    if (left == 0 || *in->at != '"') {
        return false;
    }
    const char *from = in->at + 1;
    size_t size = bytes_plain(from, left - 1);
    if (size > most || size == left - 1 || from[size] != '"') {
        return false;
    }
    memcpy(to, from, size);
    to[size] = '\0';
    in->at = from + size + 1;
    return true;
}

/* A plain text of at most 'most' bytes, NUL-terminated at 'to'. */
static bool
read_text(struct reading *in, char *to, size_t most)
{
    const char *text;
    size_t size = 0, used = 0;
    bool has_escapes;
    if (read_ordinary(in, to, most)) {
        return true;
    }
    if (!read_quoted(in, &text, &size, &has_escapes)) {
        return false;
    }
    if (!has_escapes) {
        if (size > most) {
            return odd(in);
        }
        memcpy(to, text, size);
        used = size;
    }
    for (size_t i = 0; has_escapes && i < size; i++) {
        if (text[i] == '\\' && text[++i] != '"' && text[i] != '\\') {
            return odd(in);
        }
        if (used == most) {
            return odd(in);
        }
        to[used++] = text[i];
    }
    to[used] = '\0';
    return codec_is_ascii(to, used) || (!memchr(to, '\0', used) && utf8_is_plain(to, used)) ||
           odd(in);
}

static bool
read_string(struct reading *in, const struct field *field, char **at)
{
    char room[1024];
    if (field->max_count >= sizeof(room) || !read_text(in, room, field->max_count)) {
        return odd(in);
    }
    *at = mem_strdup(room);
    return true;
}

static bool
read_integer(struct reading *in, const struct field *field, void *at)
{
    bool is_negative = skip(in, '-');
    const char *from = in->at;
    int64_t value = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9' &&
           in->at - from < CODEC_EXACT_DIGITS) {
        value = value * 10 + (*in->at++ - '0');
    }
    ptrdiff_t digits = in->at - from;
    bool is_whole = in->at < in->end && (*in->at == ',' || *in->at == '}');
    bool is_usual = digits == 1 || (digits > 1 && *from != '0');
    bool is_minus_zero = is_negative && value == 0;
    if (!is_whole || !is_usual || is_minus_zero || value > CODEC_EXACT_MOST ||
        !codec_store_integer(field, is_negative ? -value : value, at)) {
        return odd(in);
    }
    return true;
}

static bool
read_bool(struct reading *in, bool *at)
{
    static const struct {
        const char *word;
        size_t size;
        bool value;
    } words[] = {{"true", 4, true}, {"false", 5, false}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if ((size_t)(in->end - in->at) > words[i].size &&
            memcmp(in->at, words[i].word, words[i].size) == 0) {
            in->at += words[i].size;
            *at = words[i].value;
            return true;
        }
    }
    return odd(in);
}

static bool
read_enum(struct reading *in, const struct field *field, int *at)
{
    char word[NAME_MOST + 1];
    if (!read_text(in, word, NAME_MOST)) {
        return false;
    }
    for (int i = 0; field->names[i]; i++) {
        if (strcmp(field->names[i], word) == 0) {
            *at = i;
            return true;
        }
    }
    return odd(in);
}

static bool
read_address(struct reading *in, enum field_kind kind, void *at)
{
    char text[PREFIX_TEXT_SIZE];
    return read_text(in, text, sizeof(text) - 1) &&
           (!codec_decode_address(kind, text, at) || odd(in));
}

static bool
read_item(struct reading *in, const struct field *field, void *item)
{
    return field->kind == FIELD_LIST    ? read_object(in, field->shape, false, item)
           : field->kind == FIELD_TEXTS ? read_text(in, item, field->size - 1)
                                        : read_address(in, field->kind, item);
}

/* Its count is right at every moment: codec_fini() frees what is there. */
static bool
read_list(struct reading *in, const struct field *field, void *thing)
{
    size_t each = field->kind == FIELD_LIST  ? field->shape->size
                  : field->kind == FIELD_IPS ? sizeof(struct ip)
                                             : sizeof(struct mac);
    char **items = (char **)(void *)((char *)thing + field->at);
    size_t *count = (size_t *)(void *)((char *)thing + field->count_at);
    size_t room = 0;
    if (!expect(in, '[')) {
        return false;
    }
    bool goes_on = !skip(in, ']');
    while (goes_on) {
        if (*count == field->max_count) {
            return odd(in);
        }
        if (*count == room) {
            room = room ? room * 2 : 2;
            *items = mem_resize(*items, room, each);
        }
        char *item = *items + *count * each;
        memset(item, 0, each);
        (*count)++;
        if (!read_item(in, field, item)) {
            return false;
        }
        goes_on = skip(in, ',');
        if (!goes_on && !expect(in, ']')) {
            return false;
        }
    }
    if (*count > 0 && *count < room) {
        *items = mem_resize(*items, *count, each);
    }
    return true;
}

static bool
read_texts(struct reading *in, const struct field *field, void *thing)
{
    char *to = (char *)thing + field->at;
    size_t count = 0;
    if (!expect(in, '[')) {
        return false;
    }
    for (bool goes_on = !skip(in, ']'); goes_on;) {
        if (count == field->max_count ||
            !read_text(in, to + count * field->size, field->size - 1)) {
            return odd(in);
        }
        count++;
        goes_on = skip(in, ',');
        if (!goes_on && !expect(in, ']')) {
            return false;
        }
    }
    if (field->count_at != NO_COUNT) {
        *(size_t *)(void *)((char *)thing + field->count_at) = count;
    }
    return true;
}

static bool
read_field(struct reading *in, const struct field *field, void *thing)
{
    void *at = (char *)thing + field->at;
    switch (field->kind) {
    case FIELD_BOOL:
        return read_bool(in, at);
    case FIELD_INT:
    case FIELD_UINT:
        return read_integer(in, field, at);
    case FIELD_ENUM:
        return read_enum(in, field, at);
    case FIELD_TEXT:
        return read_text(in, at, field->size - 1);
    case FIELD_STRING:
        return read_string(in, field, at);
    case FIELD_TEXTS:
        return read_texts(in, field, thing);
    case FIELD_MAC:
    case FIELD_IP:
    case FIELD_PREFIX:
        return read_address(in, field->kind, at);
    case FIELD_OBJECT:
        return read_object(in, field->shape, false, at);
    case FIELD_POINTER:
        *(void **)at = mem_new(1, field->shape->size);
        return read_object(in, field->shape, false, *(void **)at);
    case FIELD_LIST:
    case FIELD_IPS:
    case FIELD_MACS:
        return read_list(in, field, thing);
    case FIELD_LINES:
    case FIELD_BYTES:
    case FIELD_JSON:
    case FIELD_TIME:
        break;
    }
    return odd(in);
}

/* Fields come in the order of the table: the next one is looked at first. */
static size_t
field_find(const struct shape *shape, size_t next, const char *name, size_t size)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        size_t index = (next + i) % shape->field_count;
        const char *known = shape->fields[index].name;
        /* no strncmp: a NUL in 'name' would end it in both, and the end be looked for far behind */
        if (known[0] == name[0] && strlen(known) == size && memcmp(known, name, size) == 0) {
            return index;
        }
    }
    return SIZE_MAX;
}

struct seen {
    uint64_t bits[FIELDS_MOST / 64];
};

static bool
seen_has(const struct seen *seen, size_t index)
{
    return (seen->bits[index / 64] >> (index % 64) & 1) != 0;
}

/* What a tagged member is depends on its tag: that must have come before. */
static bool
tag_is_seen(const struct shape *shape, const struct field *field, const struct seen *seen)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        if (shape->fields[i].at == field->tag_at && shape->fields[i].kind == FIELD_ENUM) {
            return seen_has(seen, i);
        }
    }
    return false;
}

static bool
read_member(struct reading *in, const struct shape *shape, size_t index, struct seen *seen,
            void *out)
{
    const struct field *field = &shape->fields[index];
    if (seen_has(seen, index) ||
        (field->is_tagged && (!tag_is_seen(shape, field, seen) || !codec_is_there(field, out)))) {
        return odd(in);
    }
    seen->bits[index / 64] |= UINT64_C(1) << (index % 64);
    return read_field(in, field, out);
}

static bool
is_complete(const struct shape *shape, const struct seen *seen, const void *out)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (!field->optional && !seen_has(seen, i) && codec_is_there(field, out)) {
            return false;
        }
    }
    char why[128];
    return !shape->check || shape->check(out, why);
}

static bool
read_object(struct reading *in, const struct shape *shape, bool is_message, void *out)
{
    struct seen seen = {{0}};
    size_t next = 0;
    if (shape->field_count > FIELDS_MOST || !expect(in, '{')) {
        return odd(in);
    }
    for (bool goes_on = !skip(in, '}'); goes_on;) {
        const char *name;
        size_t size = 0;
        bool has_escapes;
        if (!read_quoted(in, &name, &size, &has_escapes) || has_escapes || !expect(in, ':')) {
            return odd(in);
        }
        char type[NAME_MOST + 1];
        size_t index = field_find(shape, next, name, size);
        if (is_message && size == 4 && memcmp(name, "type", 4) == 0) {
            is_message = false; /* known to the caller; once */
            if (!read_text(in, type, NAME_MOST)) {
                return false;
            }
        } else if (index == SIZE_MAX || !read_member(in, shape, index, &seen, out)) {
            return odd(in);
        } else {
            next = index + 1;
        }
        goes_on = skip(in, ',');
        if (!goes_on && !expect(in, '}')) {
            return false;
        }
    }
    return is_complete(shape, &seen, out) || odd(in);
}

static int
read_carefully(const struct shape *shape, const char *text, size_t size, bool is_message, void *out,
               struct codec_error *error)
{
    cJSON *json = codec_parse(text, size);
    if (!json) {
        *error = (struct codec_error){.path = "", .why = "not JSON"};
        return -EBADMSG;
    }
    int result = is_message ? codec_decode_message(shape, json, out, error)
                            : codec_decode(shape, json, out, error);
    cJSON_Delete(json);
    return result;
}

int
codec_read(const struct shape *shape, const char *text, size_t size, bool is_message, void *out,
           struct codec_error *error)
{
    struct reading in = {.at = text, .end = text + size};
    memset(out, 0, shape->size);
    *error = (struct codec_error){.path = ""};
    if (size <= WIRE_FRAME_MAX && read_object(&in, shape, is_message, out) && in.at == in.end) {
        return 0;
    }
    codec_fini(shape, out);
    return read_carefully(shape, text, size, is_message, out, error);
}
