/* The fewest changes between two texts, with what is around them. */
#include "cli/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"

/* What is printed; freed by the caller. */
static char *
print(const char *before, const char *after, size_t *changed)
{
    char *text = NULL;
    size_t size = 0, count = 0;
    FILE *out = open_memstream(&text, &size);
    struct diff_line *lines = diff_make(before, after, &count);
    *changed = diff_print(out, lines, count);
    free(lines);
    fclose(out);
    return text;
}

static void
shows_what_changed(void **state)
{
    static const struct {
        const char *before, *after, *shown;
        size_t changed;
    } cases[] = {
        {"", "", "", 0},
        {"a\nb\n", "a\nb\n", "", 0},
        {"a\nb", "a\nb\n", "", 0}, /* the end of the last line is no line */
        {"", "a\n", "@@ -0,0 +1,1 @@\n+a\n", 1},
        {"a\n", "", "@@ -1,1 +0,0 @@\n-a\n", 1},
        {"a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n", 2},
        {"1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\n6\n7\n", "@@ -4,3 +4,4 @@\n 4\n 5\n 6\n+7\n", 1},
        {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
         "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n", 4},
        {"a\nb\nc\nd\n", "b\nc\na\nd\n", "@@ -1,4 +1,4 @@\n-a\n b\n c\n+a\n d\n", 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t changed = 0;
        char *shown = print(cases[i].before, cases[i].after, &changed);
        assert_string_equal(shown, cases[i].shown);
        assert_int_equal(changed, cases[i].changed);
        free(shown);
    }
}

/* Whatever they are: the lines without '+' are the first text, those without '-' the second. */
static void
both_texts_can_be_read_from_it(void **state)
{
    (void)state;
    unsigned seed = 5;
    for (unsigned round = 0; round < 300; round++) {
        char texts[2][64], read[2][64] = {"", ""};
        for (size_t k = 0; k < 2; k++) {
            size_t used = 0;
            for (unsigned n = (seed = seed * 1103515245u + 12345u) >> 16 & 15; n > 0; n--) {
                texts[k][used++] = (char)('a' + ((seed = seed * 1103515245u + 12345u) >> 16 & 3));
                texts[k][used++] = '\n';
            }
            texts[k][used] = '\0';
        }
        size_t count = 0;
        struct diff_line *lines = diff_make(texts[0], texts[1], &count);
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < 2; k++) {
                if (lines[i].sign != "+-"[k]) {
                    strncat(read[k], lines[i].text, lines[i].size);
                    strcat(read[k], "\n");
                }
            }
        }
        free(lines);
        assert_string_equal(read[0], texts[0]);
        assert_string_equal(read[1], texts[1]);
    }
}

static void
what_is_too_large_is_replaced_whole(void **state)
{
    (void)state;
    size_t lines = 3000, count = 0;
    char *a = mem_new(lines * 2 + 3, 1), *b = mem_new(lines * 2 + 3, 1);
    for (size_t i = 0; i < lines; i++) {
        memcpy(a + 2 * i, i % 2 ? "a\n" : "b\n", 2);
        memcpy(b + 2 * i, i % 3 ? "x\n" : "y\n", 2);
    }
    struct diff_line *made = diff_make(a, b, &count);
    assert_int_equal(count, 2 * lines);
    assert_int_equal(made[0].sign, '-');
    assert_int_equal(made[lines].sign, '+');
    free(made);
    free(a);
    free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_changed),
        cmocka_unit_test(both_texts_can_be_read_from_it),
        cmocka_unit_test(what_is_too_large_is_replaced_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
