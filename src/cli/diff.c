#include "cli/diff.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define AROUND 3

struct lines {
    struct diff_line *items; /* owned */
    size_t count;
};

static struct lines
split(const char *text, char sign)
{
    size_t room = 64;
    struct lines lines = {.items = mem_new(room, sizeof(struct diff_line))};
    while (*text) {
        size_t size = strcspn(text, "\n");
        if (lines.count == room) {
            room *= 2;
            lines.items = mem_resize(lines.items, room, sizeof(*lines.items));
        }
        lines.items[lines.count++] = (struct diff_line){sign, text, size};
        text += size + (text[size] == '\n');
    }
    return lines;
}

static bool
is_same(const struct diff_line *a, const struct diff_line *b)
{
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static void
take(struct diff_line **to, const struct diff_line *from, size_t count, char sign)
{
    for (size_t i = 0; i < count; i++) {
        **to = from[i];
        (*to)->sign = sign;
        (*to)++;
    }
}

/* Longest common subsequence by table: cell (i, j) is that of a[i..] and b[j..]. */
static void
middle(struct diff_line **to, const struct diff_line *a, size_t a_count, const struct diff_line *b,
       size_t b_count)
{
    size_t width = b_count + 1;
    if (a_count + 1 > DIFF_CELLS_MAX / width) {
        take(to, a, a_count, '-');
        take(to, b, b_count, '+');
        return;
    }
    uint32_t *cells = mem_new((a_count + 1) * width, sizeof(*cells));
    for (size_t i = a_count; i-- > 0;) {
        for (size_t j = b_count; j-- > 0;) {
            uint32_t down = cells[(i + 1) * width + j];
            uint32_t right = cells[i * width + j + 1];
            cells[i * width + j] = is_same(&a[i], &b[j]) ? cells[(i + 1) * width + j + 1] + 1
                                   : down > right        ? down
                                                         : right;
        }
    }
    size_t i = 0, j = 0;
    while (i < a_count && j < b_count) {
        if (is_same(&a[i], &b[j])) {
            take(to, &a[i++], 1, ' ');
            j++;
        } else if (cells[(i + 1) * width + j] >= cells[i * width + j + 1]) {
            take(to, &a[i++], 1, '-');
        } else {
            take(to, &b[j++], 1, '+');
        }
    }
    take(to, &a[i], a_count - i, '-');
    take(to, &b[j], b_count - j, '+');
    free(cells);
}

struct diff_line *
diff_make(const char *before, const char *after, size_t *count)
{
    struct lines a = split(before, '-'), b = split(after, '+');
    struct diff_line *lines = mem_new(a.count + b.count + 1, sizeof(*lines));
    struct diff_line *to = lines;
    size_t least = a.count < b.count ? a.count : b.count;
    size_t head = 0, tail = 0;
    while (head < least && is_same(&a.items[head], &b.items[head])) {
        head++;
    }
    while (tail < least - head &&
           is_same(&a.items[a.count - tail - 1], &b.items[b.count - tail - 1])) {
        tail++;
    }
    take(&to, a.items, head, ' ');
    middle(&to, a.items + head, a.count - head - tail, b.items + head, b.count - head - tail);
    take(&to, a.items + a.count - tail, tail, ' ');
    free(a.items);
    free(b.items);
    *count = (size_t)(to - lines);
    return lines;
}

/* Is there a change within AROUND lines? */
static bool
is_near(const struct diff_line *lines, size_t count, size_t at)
{
    size_t from = at > AROUND ? at - AROUND : 0;
    for (size_t i = from; i < count && i <= at + AROUND; i++) {
        if (lines[i].sign != ' ') {
            return true;
        }
    }
    return false;
}

/* "@@ -3,7 +3,8 @@" for the lines from 'at' on; where they end. */
static size_t
heading_print(FILE *out, const struct diff_line *lines, size_t count, size_t at, const size_t no[2])
{
    size_t end = at, size[2] = {0, 0};
    while (end < count && is_near(lines, count, end)) {
        size[0] += lines[end].sign != '+';
        size[1] += lines[end].sign != '-';
        end++;
    }
    fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", no[0] + (size[0] > 0), size[0], no[1] + (size[1] > 0),
            size[1]);
    return end;
}

size_t
diff_print(FILE *out, const struct diff_line *lines, size_t count)
{
    size_t changed = 0, no[2] = {0, 0}, end = 0; /* lines of each text so far */
    for (size_t i = 0; i < count; i++) {
        if (is_near(lines, count, i)) {
            end = i >= end ? heading_print(out, lines, count, i, no) : end;
            fprintf(out, "%c%.*s\n", lines[i].sign, (int)lines[i].size, lines[i].text);
        }
        changed += lines[i].sign != ' ';
        no[0] += lines[i].sign != '+';
        no[1] += lines[i].sign != '-';
    }
    return changed;
}
