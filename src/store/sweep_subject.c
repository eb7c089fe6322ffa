#include "store/sweep_subject.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "store/shapes.h"
#include "wire/detection.h"
#include "wire/notice.h"

static char
small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_among(const char *value, const char *const *names)
{
    while (names && *names && strcasecmp(value, *names) != 0) {
        names++;
    }
    return names && *names;
}

static bool
shape_has_word(const struct shape *shape, const char *value)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (strcasecmp(value, field->name) == 0 || is_among(value, field->names) ||
            (field->shape && shape_has_word(field->shape, value))) {
            return true;
        }
    }
    return false;
}

bool
sweep_subject_is_word(const char *value)
{
    static const char *const plain[] = {"true", "false", "null", "cordon", NULL};
    const struct shape *const rows[] = {
        &wire_detection_shape, &store_incident_shape, &store_containment_shape,
        &notice_shape,         &message_shape,        &store_endpoint_shape,
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (shape_has_word(rows[i], value)) {
            return true;
        }
    }
    return is_among(value, plain);
}

bool
sweep_subject_add(struct sweep_subject *subject, const char *value)
{
    size_t size = strlen(value);
    bool is_good = size >= SUBJECT_LEAST && size < HOST_SIZE && utf8_is_plain(value, size) &&
                   !strpbrk(value, "\"\\"); /* would stand escaped in what is searched */
    if (!is_good || subject->count == SUBJECT_VALUES_MAX) {
        return false;
    }
    char *to = subject->values[subject->count++];
    for (size_t i = 0; i <= size; i++) {
        to[i] = small(value[i]);
    }
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
    return is_digit(c) || (small(c) >= 'a' && small(c) <= 'z') || c == '-' || c == '_';
}

/* 10.1.0.2 is not part of 10.1.0.20 or of 110.1.0.2, 2001:db8::1 not of 2001:db8::12; but of a name
 * what stands before a dot or behind one may be anything. */
static bool
ends_at(const char *value, size_t size, const char *text, size_t at)
{
    bool is_number = strspn(value, "0123456789.") == size;
    bool is_colons = strchr(value, ':') && strspn(value, "0123456789abcdef:") == size;
    char before = at > 0 ? text[at - 1] : '\0';
    char behind = text[at + size];
    if (is_word(before) || is_word(behind)) {
        return false;
    }
    if (is_number) {
        return before != '.' && !(behind == '.' && is_digit(text[at + size + 1]));
    }
    return !is_colons || (before != ':' && behind != ':');
}

/* A member's name says of nobody anything. */
static bool
is_key(const char *behind)
{
    return behind[0] == '"' && behind[1] == ':';
}

static bool
is_in(const char *value, const char *text)
{
    size_t size = strlen(value);
    char first[3] = {value[0], value[0], '\0'};
    if (value[0] >= 'a' && value[0] <= 'z') {
        first[1] = (char)(value[0] - 'a' + 'A');
    }
    for (size_t at = strcspn(text, first); text[at]; at += 1 + strcspn(text + at + 1, first)) {
        size_t i = 1;
        while (i < size && small(text[at + i]) == value[i]) {
            i++;
        }
        if (i == size && ends_at(value, size, text, at) && !is_key(text + at + size)) {
            return true;
        }
    }
    return false;
}

bool
sweep_subject_is_in(const struct sweep_subject *subject, const char *text)
{
    for (size_t i = 0; i < subject->count; i++) {
        if (is_in(subject->values[i], text)) {
            return true;
        }
    }
    return false;
}
