#include "store/sweep.h"

#include <string.h>

#include "base/utf8.h"

static char
small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
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
        if (i == size && ends_at(value, size, text, at)) {
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
    return subject->count == 0;
}
