#include "cli/width.h"

#include <stdbool.h>

#include "base/macros.h"

struct range {
    uint32_t first, last;
};

/* Sorted. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x26aa, 0x26ab},   {0x2705, 0x2705},
    {0x274c, 0x274c},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},
    {0xffe0, 0xffe6},   {0x1b000, 0x1b2ff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f900, 0x1f9ff}, {0x20000, 0x2fffd}, {0x30000, 0x3fffd},
};
static const struct range none[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20f0}, {0x302a, 0x302d},
    {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};

static bool
is_in(uint32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count && ranges[i].first <= code; i++) {
        if (code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

unsigned
width_of(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || is_in(code, none, COUNT_OF(none))) {
        return 0;
    }
    return is_in(code, wide, COUNT_OF(wide)) ? 2 : 1;
}

uint32_t
width_next(const char *text, size_t *size)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned count = at[0] < 0x80             ? 0
                     : (at[0] & 0xe0) == 0xc0 ? 1
                     : (at[0] & 0xf0) == 0xe0 ? 2
                     : (at[0] & 0xf8) == 0xf0 ? 3
                                              : 4;
    uint32_t code = count == 0 ? at[0] : at[0] & (0x3fu >> count);
    *size = at[0] != 0;
    if (count == 4) {
        return 0xfffd;
    }
    for (unsigned i = 1; i <= count; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0xfffd;
        }
        code = (code << 6) | (at[i] & 0x3fu);
    }
    *size += count;
    return code;
}

size_t
width_text(const char *text)
{
    size_t columns = 0;
    size_t size = 0;
    for (; *text; text += size) {
        columns += width_of(width_next(text, &size));
    }
    return columns;
}

size_t
width_cut(const char *text, size_t columns)
{
    size_t used = 0;
    size_t bytes = 0;
    size_t size = 0;
    while (text[bytes]) {
        used += width_of(width_next(text + bytes, &size));
        if (used > columns) {
            break;
        }
        bytes += size;
    }
    return bytes;
}
