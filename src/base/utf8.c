#include "base/utf8.h"

#include "base/bytes.h"

size_t
utf8_size(const char *p, size_t left)
{
    const unsigned char *b = (const unsigned char *)p;
    if (b[0] < 0x80) {
        return 1;
    }
    size_t size = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
    if (b[0] < 0xc2 || b[0] > 0xf4 || size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
    bool is_beyond = (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf4 && b[1] > 0x8f);
    return is_overlong || is_beyond ? 0 : size;
}

/* U+2028 to U+202E and U+2066 to U+2069: line and paragraph ends, and what turns the direction of
 * writing, so that a text reads as another one. */
static bool
is_layout(const char *p, size_t size)
{
    const unsigned char *b = (const unsigned char *)p;
    return size == 3 && b[0] == 0xe2 &&
           ((b[1] == 0x80 && b[2] >= 0xa8 && b[2] <= 0xae) ||
            (b[1] == 0x81 && b[2] >= 0xa6 && b[2] <= 0xa9));
}

/* Bytes of the plain character at 'p'; 0: it is broken, or a control character (C0, DEL, C1). */
static size_t
plain_size(const char *p, size_t left)
{
    size_t size = utf8_size(p, left);
    unsigned char first = (unsigned char)p[0];
    bool is_control = (size == 1 && (first < 0x20 || first == 0x7f)) ||
                      (size == 2 && first == 0xc2 && (unsigned char)p[1] < 0xa0);
    return is_control ? 0 : size;
}

bool
utf8_is_plain(const char *text, size_t size)
{
    for (size_t i = bytes_ascii(text, size); i < size;) {
        size_t step = plain_size(text + i, size - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

void
utf8_make_plain(char *text, size_t size)
{
    for (size_t i = bytes_ascii(text, size); i < size;) {
        size_t step = plain_size(text + i, size - i);
        if (step == 0 || is_layout(text + i, step)) {
            text[i] = '?';
            step = 1;
        }
        i += step;
    }
}

size_t
utf8_lines_size(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        bool is_space = text[i] == '\n' || text[i] == '\t' || text[i] == '\r';
        size_t step = is_space ? 1 : plain_size(text + i, size - i);
        if (step == 0 || is_layout(text + i, step)) {
            break;
        }
        i += step;
    }
    return i;
}
