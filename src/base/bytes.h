/* Looking through bytes eight at a time: for texts in JSON, which are long and of which each byte
 * is looked at.  Header only: it sits on the hottest path of intake and store. */
#ifndef CORDON_BASE_BYTES_H
#define CORDON_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Not 0: one of the eight is 'byte' (Mycroft, 1987). */
static inline uint64_t
bytes_have(uint64_t eight, uint8_t byte)
{
    const uint64_t ones = 0x0101010101010101ULL;
    uint64_t x = eight ^ (ones * byte);
    return (x - ones) & ~x & (ones << 7);
}

/* How many bytes at the start are before the first quote, backslash or NUL. */
static inline size_t
bytes_ordinary(const char *text, size_t size)
{
    size_t at = 0;
    while (size - at >= 8) {
        uint64_t eight;
        memcpy(&eight, text + at, sizeof(eight));
        if (bytes_have(eight, '"') | bytes_have(eight, '\\') | bytes_have(eight, 0)) {
            break;
        }
        at += 8;
    }
    while (at < size && text[at] != '"' && text[at] != '\\' && text[at] != '\0') {
        at++;
    }
    return at;
}

/* Not 0: one of the eight is no printable ASCII (0x20 to 0x7e). */
static inline uint64_t
bytes_have_odd(uint64_t eight)
{
    const uint64_t ones = 0x0101010101010101ULL;
    return ((eight - ones * 0x20) | eight | bytes_have(eight, 0x7f)) & (ones << 7);
}

/* How many bytes at the start are printable ASCII. */
static inline size_t
bytes_ascii(const char *text, size_t size)
{
    size_t at = 0;
    while (size - at >= 8) {
        uint64_t eight;
        memcpy(&eight, text + at, sizeof(eight));
        if (bytes_have_odd(eight)) {
            break;
        }
        at += 8;
    }
    while (at < size && text[at] >= 0x20 && text[at] < 0x7f) {
        at++;
    }
    return at;
}

/* Likewise, and stand in JSON as they are: no quote, no backslash. */
static inline size_t
bytes_plain(const char *text, size_t size)
{
    size_t at = 0;
    while (size - at >= 8) {
        uint64_t eight;
        memcpy(&eight, text + at, sizeof(eight));
        if (bytes_have_odd(eight) | bytes_have(eight, '"') | bytes_have(eight, '\\')) {
            break;
        }
        at += 8;
    }
    while (at < size && text[at] >= 0x20 && text[at] < 0x7f && text[at] != '"' &&
           text[at] != '\\') {
        at++;
    }
    return at;
}

#endif
