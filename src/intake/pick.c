#include "intake/pick.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define KEY_MOST 64 /* longer ones are nothing that anybody wants */

/* 'is_bad' sticks: the text is refused. */
struct picking {
    const char *at, *end;
    struct pick *picks; /* NULL: nothing is wanted any more, one value is measured */
    unsigned depth;
    bool is_bad;
};

static bool
bad(struct picking *in)
{
    in->is_bad = true;
    return false;
}

static void
blank_skip(struct picking *in)
{
    while (in->at < in->end &&
           (*in->at == ' ' || *in->at == '\t' || *in->at == '\r' || *in->at == '\n')) {
        in->at++;
    }
}

static bool
skip(struct picking *in, char c)
{
    if (in->at < in->end && *in->at == c) {
        in->at++;
        return true;
    }
    return false;
}

/* ---- texts ---- */

/* To the next quote, backslash or NUL. */
static void
ordinary_skip(struct picking *in)
{
    in->at += bytes_ordinary(in->at, (size_t)(in->end - in->at));
}

/* Four hexadecimal digits at 'at'; false: they are not. */
static bool
hex4(const char *at, const char *end, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at + i < end ? at[i] : '\0';
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                : 16;
        if (digit == 16) {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

/* The character that an escape at 'at' (the backslash) means, and how many bytes it takes; 0: none
 * that is one, or NUL. */
static size_t
escape_read(const char *at, const char *end, uint32_t *character)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint32_t low;
    const char *name = end - at > 1 && at[1] ? strchr(names, at[1]) : NULL;
    if (name) {
        *character = (uint8_t)meant[name - names];
        return 2;
    }
    if (end - at < 6 || at[1] != 'u' || !hex4(at + 2, end, character) || *character == 0 ||
        (*character >= 0xdc00 && *character <= 0xdfff)) {
        return 0;
    }
    if (*character < 0xd800 || *character > 0xdbff) {
        return 6;
    }
    if (end - at < 12 || at[6] != '\\' || at[7] != 'u' || !hex4(at + 8, end, &low) ||
        low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *character = 0x10000 + ((*character & 0x3ff) << 10 | (low & 0x3ff));
    return 12;
}

static bool
quoted_read(struct picking *in, struct pick *value)
{
    if (!skip(in, '"')) {
        return bad(in);
    }
    *value = (struct pick){.at = in->at, .kind = PICK_TEXT};
    ordinary_skip(in);
    while (in->at < in->end && *in->at == '\\') {
        uint32_t character;
        size_t size = escape_read(in->at, in->end, &character);
        if (size == 0) {
            return bad(in);
        }
        value->has_escapes = true;
        in->at += size;
        ordinary_skip(in);
    }
    value->size = (uint32_t)(in->at - value->at);
    return skip(in, '"') || bad(in);
}

static size_t
utf8_put(uint32_t c, char to[4])
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    for (size_t i = more; i > 0; i--, c >>= 6) {
        to[i] = (char)(0x80 | (c & 0x3f));
    }
    to[0] = (char)(heads[more] | c);
    return more + 1;
}

/* ---- numbers and words ---- */

static size_t
digits_skip(struct picking *in)
{
    const char *from = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        in->at++;
    }
    return (size_t)(in->at - from);
}

static bool
number_read(struct picking *in, struct pick *value)
{
    *value = (struct pick){.at = in->at, .kind = PICK_NUMBER};
    (void)skip(in, '-');
    bool is_zero = in->at < in->end && *in->at == '0';
    size_t whole = digits_skip(in);
    bool is_good = whole == 1 || (whole > 1 && !is_zero);
    if (skip(in, '.')) {
        is_good = digits_skip(in) > 0 && is_good;
    }
    if (skip(in, 'e') || skip(in, 'E')) {
        (void)(skip(in, '-') || skip(in, '+'));
        is_good = digits_skip(in) > 0 && is_good;
    }
    value->size = (uint32_t)(in->at - value->at);
    return (is_good && value->size <= PICK_NUMBER_MAX) || bad(in);
}

static bool
word_read(struct picking *in, struct pick *value)
{
    static const char *const words[] = {"true", "false", "null"};
    *value = (struct pick){.at = in->at, .kind = PICK_WORD};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(in->end - in->at) >= size && memcmp(in->at, words[i], size) == 0) {
            in->at += size;
            value->size = (uint32_t)size;
            return true;
        }
    }
    return bad(in);
}

/* ---- values ---- */

static bool value_read(struct picking *in, const struct pick_wants *inside, struct pick *value);

static const struct pick_want *
want_of(const struct pick_wants *wants, const struct pick *key)
{
    char plain[KEY_MOST];
    const char *name = key->at;
    size_t size = key->size;
    if (key->has_escapes) {
        size = pick_text(key, plain, sizeof(plain));
        name = plain;
    }
    for (size_t i = 0; size < KEY_MOST && i < wants->count; i++) {
        const struct pick_want *want = &wants->wants[i];
        if (want->size == size && memcmp(want->name, name, size) == 0) {
            return want;
        }
    }
    return NULL;
}

static bool
member_read(struct picking *in, const struct pick_wants *wants)
{
    struct pick key, value;
    if (!quoted_read(in, &key)) {
        return false;
    }
    blank_skip(in);
    if (!skip(in, ':')) {
        return bad(in);
    }
    blank_skip(in);
    const struct pick_want *want = wants ? want_of(wants, &key) : NULL;
    if (want && in->picks[want->to].kind != PICK_ABSENT) {
        want = NULL; /* there was one with this name before it */
    }
    if (!value_read(in, want ? want->inside : NULL, &value)) {
        return false;
    }
    if (want) {
        in->picks[want->to] = value;
    }
    return true;
}

/* The members or items up to 'end'. */
static bool
list_read(struct picking *in, char end, const struct pick_wants *wants)
{
    struct pick item;
    if (++in->depth > PICK_DEPTH_MAX) {
        return bad(in);
    }
    blank_skip(in);
    bool goes_on = !skip(in, end);
    while (goes_on) {
        bool is_read = end == '}' ? member_read(in, wants) : value_read(in, NULL, &item);
        if (!is_read) {
            return false;
        }
        blank_skip(in);
        goes_on = skip(in, ',');
        if (!goes_on && !skip(in, end)) {
            return bad(in);
        }
        blank_skip(in);
    }
    in->depth--;
    return true;
}

static bool
value_read(struct picking *in, const struct pick_wants *inside, struct pick *value)
{
    char first = in->at < in->end ? *in->at : '\0';
    if (first == '"') {
        return quoted_read(in, value);
    }
    if (first == '-' || (first >= '0' && first <= '9')) {
        return number_read(in, value);
    }
    if (first != '{' && first != '[') {
        return word_read(in, value);
    }
    *value = (struct pick){.at = in->at++, .kind = first == '{' ? PICK_OBJECT : PICK_ARRAY};
    bool is_read = list_read(in, first == '{' ? '}' : ']', inside);
    value->size = (uint32_t)(in->at - value->at);
    return is_read;
}

bool
pick_object(const char *text, size_t size, const struct pick_wants *wants, struct pick *picks)
{
    struct picking in = {.at = text, .end = text + size, .picks = picks};
    if (size > UINT32_MAX) {
        return false;
    }
    blank_skip(&in);
    bool is_read = skip(&in, '{') && list_read(&in, '}', wants);
    blank_skip(&in);
    return is_read && in.at == in.end;
}

/* ---- what was picked ---- */

static struct pick
item_read(const struct pick *array, const char *from)
{
    struct picking in = {.at = from, .end = array->at + array->size};
    struct pick item = {.kind = PICK_ABSENT};
    blank_skip(&in);
    if (in.at >= in.end - 1 || !value_read(&in, NULL, &item)) { /* the last byte is its bracket */
        return (struct pick){.kind = PICK_ABSENT};
    }
    return item;
}

struct pick
pick_first(const struct pick *value)
{
    return value->kind == PICK_ARRAY ? item_read(value, value->at + 1) : *value;
}

struct pick
pick_next(const struct pick *array, const struct pick *item)
{
    if (array->kind != PICK_ARRAY) {
        return (struct pick){.kind = PICK_ABSENT};
    }
    if (item->kind == PICK_ABSENT) {
        return item_read(array, array->at + 1);
    }
    struct picking in = {.at = item->at + item->size + (item->kind == PICK_TEXT),
                         .end = array->at + array->size};
    blank_skip(&in);
    return skip(&in, ',') ? item_read(array, in.at) : (struct pick){.kind = PICK_ABSENT};
}

size_t
pick_text(const struct pick *value, char *to, size_t room)
{
    size_t whole = 0, used = 0;
    const char *at = value->at, *end = value->kind == PICK_TEXT ? at + value->size : at;
    if (!value->has_escapes) {
        whole = (size_t)(end - at);
        used = whole < room ? whole : room - 1;
        if (used > 0) {
            memcpy(to, at, used);
        }
        at = end;
    }
    while (at < end) {
        char bytes[4] = {*at};
        uint32_t character = 0;
        size_t size = *at == '\\' ? escape_read(at, end, &character) : 1;
        size_t made = *at == '\\' ? utf8_put(character, bytes) : 1;
        size_t fits = made < room - used ? made : room - 1 - used;
        memcpy(to + used, bytes, fits);
        used += fits;
        whole += made;
        at += size ? size : 1;
    }
    to[used] = '\0';
    return whole;
}

double
pick_number(const struct pick *value)
{
    char text[PICK_NUMBER_MAX + 1];
    if (value->kind != PICK_NUMBER || value->size > PICK_NUMBER_MAX) {
        return 0;
    }
    memcpy(text, value->at, value->size);
    text[value->size] = '\0';
    return strtod(text, NULL);
}

bool
pick_is(const struct pick *value, const char *text)
{
    size_t size = strlen(text);
    if (value->kind != PICK_TEXT) {
        return size == 0;
    }
    char plain[KEY_MOST];
    if (value->has_escapes) {
        return pick_text(value, plain, sizeof(plain)) == size && strcmp(plain, text) == 0;
    }
    return value->size == size && memcmp(value->at, text, size) == 0;
}
