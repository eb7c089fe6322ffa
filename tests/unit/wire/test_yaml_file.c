/* YAML files: what is taken, and that every error names the line and column of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "wire/yaml_file.h"

struct item {
    char name[16];
    uint8_t level;
};
struct file {
    char title[32];
    bool is_on;
    int64_t number;
    struct item *items;
    size_t item_count;
    char words[4][16];
    size_t word_count;
    cJSON *any;
};

static const struct field item_fields[] = {
    F_TEXT(FIELD_NEEDED, struct item, name),
    F_RANGE(FIELD_OPTIONAL, struct item, level, 0, 9),
};
static const struct shape item_shape = SHAPE("item", struct item, item_fields, NULL);
static const struct field file_fields[] = {
    F_TEXT(FIELD_OPTIONAL, struct file, title),
    F_BOOL(FIELD_OPTIONAL, struct file, is_on),
    F_INT(FIELD_OPTIONAL, struct file, number),
    F_LIST(FIELD_OPTIONAL, struct file, items, item_count, 4, &item_shape),
    F_TEXTS(FIELD_OPTIONAL, struct file, words, offsetof(struct file, word_count), 4),
    F_JSON(FIELD_OPTIONAL, struct file, any),
};
static const struct shape file_shape = SHAPE("file", struct file, file_fields, NULL);

static int
decode(const char *text, struct file *file, struct yaml_file_error *error)
{
    return yaml_file_decode(text, strlen(text), &file_shape, file, error);
}

static void
assert_taken(const char *text, struct file *file)
{
    struct yaml_file_error error;
    if (decode(text, file, &error)) {
        fail_msg("%u:%u: %s", error.line, error.column, error.text);
    }
}

static void
assert_refused(const char *text, unsigned line, unsigned column, const char *why)
{
    struct file file;
    struct yaml_file_error error;
    if (decode(text, &file, &error) != -EINVAL) {
        fail_msg("taken: %s", text);
    }
    if (error.line != line || error.column != column || !strstr(error.text, why)) {
        fail_msg("%s\ngives %u:%u: %s", text, error.line, error.column, error.text);
    }
}

static void
test_a_whole_file(void **state)
{
    (void)state;
    struct file file;
    assert_taken("# a comment\n"
                 "title: \"caf\xc3\xa9\"\n"
                 "is_on: true\n"
                 "number: -7\n"
                 "items:\n"
                 "  - name: a\n"
                 "    level: 9\n"
                 "  - {name: b}\n"
                 "words: [x, 'y z', \"7\"]\n"
                 "any: {deep: [1, two, false]}\n",
                 &file);
    assert_string_equal(file.title, "caf\xc3\xa9");
    assert_true(file.is_on);
    assert_int_equal(file.number, -7);
    assert_int_equal(file.item_count, 2);
    assert_int_equal(file.items[0].level, 9);
    assert_string_equal(file.items[1].name, "b");
    assert_int_equal(file.word_count, 3);
    assert_string_equal(file.words[2], "7");
    char *any = cJSON_PrintUnformatted(file.any);
    assert_string_equal(any, "{\"deep\":[1,\"two\",false]}");
    cJSON_free(any);
    codec_fini(&file_shape, &file);
}

static void
test_an_empty_file_is_one_without_settings(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n",
                                        "# nothing\n",

                                        "{}",
                                        "---\n{}\n...\n",
                                        "items:\n",
                                        "title: null\nitems: null\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct file file;
        assert_taken(texts[i], &file);
        assert_string_equal(file.title, "");
        assert_int_equal(file.item_count, 0);
        codec_fini(&file_shape, &file);
    }
}

static void
test_plain_words_and_quoted_ones(void **state)
{
    (void)state;
    struct file file;
    assert_taken("title: 'true'\nwords: [yes, no, '12', 1.5]\n", &file);
    assert_string_equal(file.title, "true");
    assert_string_equal(file.words[0], "yes"); /* YAML 1.2: a word, not true */
    assert_string_equal(file.words[3], "1.5");
    codec_fini(&file_shape, &file);
    assert_refused("title: true\n", 1, 1, "title not a text");
    assert_refused("title: 12\n", 1, 1, "title not a text");
    assert_refused("is_on: yes\n", 1, 1, "is_on not true or false");
    assert_refused("number: '7'\n", 1, 1, "number not a whole number");
    assert_refused("number: 0x10\n", 1, 1, "number not a whole number");
    assert_refused("number: 1e3\n", 1, 1, "number not a whole number");
    assert_refused("number: 99999999999999999999\n", 1, 1, "number not a whole number");
}

static void
test_errors_name_line_and_column(void **state)
{
    (void)state;
    assert_refused("titel: a\n", 1, 1, "titel is not known here");
    assert_refused("title: a\nis_on: true\n  \nzeal: 1\n", 4, 1, "zeal is not known here");
    assert_refused("title: a\ntitle: b\n", 1, 1, "title stands twice");
    assert_refused("items:\n  - name: a\n    levl: 1\n", 3, 5, "items[0].levl is not known here");
    assert_refused("items:\n  - name: a\n  - name: b\n    level: 10\n", 4, 5,
                   "items[1].level out of range");
    assert_refused("items:\n  - name: a\n  - level: 1\n", 3, 5, "items[1].name is missing");
    assert_refused("items: [{name: a}, {level: 1}]\n", 1, 20, "items[1].name is missing");
    assert_refused("items: a\n", 1, 1, "items not a list");
    assert_refused("\nitems:\n  - a\n", 3, 5, "items[0] not an object");
    assert_refused("words: [a, b, c, d, e]\n", 1, 1, "words too many items");
    assert_refused("- title: a\n", 1, 1, "the file not an object");
    assert_refused("just words\n", 1, 1, "the file not an object");
    assert_refused("title: \"a\\nb\"\n", 1, 1, "title has control characters");
}

static void
test_broken_yaml_names_the_place(void **state)
{
    (void)state;
    assert_refused("title: a\nitems: [\n", 3, 1, "");
    assert_refused("title: a\n\tis_on: true\n", 2, 1, "");
    assert_refused("title: 'a\n", 2, 1, "");
    assert_refused("title: *nobody\n", 1, 8, "undefined alias");
    assert_refused("? [a, b]\n: c\n", 1, 1, "a key must be a plain word");
    assert_refused("title: a\nwords: [a, \"\xff\"]\n", 2, 13, "UTF-8");
}

/* A part of the file that nobody reads is a mistake that nobody sees. */
static void
test_a_second_document_is_refused(void **state)
{
    (void)state;
    struct file file;
    assert_refused("title: a\n---\nis_on: true\n", 3, 1, "one document");
    assert_refused("title: a\n...\nis_on: [\n", 3, 1, "");
    assert_refused("title: a\n...\nis_on: [\n", 3, 1, "");
    assert_taken("---\ntitle: a\n...\n", &file);
    codec_fini(&file_shape, &file);
}

/* A text is never cut where a NUL stands in it. */
static void
test_a_nul_is_refused(void **state)
{
    (void)state;
    assert_refused("is_on: true\ntitle: \"a\\0b\"\n", 2, 8, "control character");
    assert_refused("is_on: true\n\"title\\0x\": b\n", 2, 1, "control character");
}

static void
test_aliases_are_written_out(void **state)
{
    (void)state;
    struct file file;
    assert_taken("items:\n  - &a {name: a, level: 3}\n  - *a\n", &file);
    assert_int_equal(file.item_count, 2);
    assert_int_equal(file.items[1].level, 3);
    codec_fini(&file_shape, &file);
    /* An error in it is shown where it stands. */
    assert_refused("any: &a {name: a, level: 30}\nitems: [*a]\n", 1, 19, "items[0].level");
}

/* Ten times ten times ten ... values out of ten lines. */
static void
test_an_alias_bomb_is_refused_early(void **state)
{
    (void)state;
    char text[2048];
    struct file file;
    struct yaml_file_error error;
    int used = sprintf(text, "any:\n  a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++) {
        used += sprintf(text + used, "  a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            used += sprintf(text + used, "%s*a%d", j ? "," : "", i - 1);
        }
        used += sprintf(text + used, "]\n");
    }
    assert_int_equal(decode(text, &file, &error), -EINVAL);
    assert_non_null(strstr(error.text, "too many values"));
    assert_true(error.line > 0);
}

static void
test_aliases_that_hold_themselves_are_refused(void **state)
{
    (void)state;
    struct file file;
    struct yaml_file_error error;
    assert_int_equal(decode("any: &a [*a]\n", &file, &error), -EINVAL);
    assert_int_equal(error.line, 1);
    assert_int_equal(decode("any: &a {b: *a, c: *a}\n", &file, &error), -EINVAL);
    assert_int_equal(decode("&a any: &b {x: *b}\n", &file, &error), -EINVAL);
}

static void
test_depth_is_bounded(void **state)
{
    (void)state;
    char text[128];
    struct file file;
    for (unsigned depth = 10; depth < 20; depth++) {
        sprintf(text, "any: %.*s%.*s\n", (int)depth, "[[[[[[[[[[[[[[[[[[[[[[[[", (int)depth,
                "]]]]]]]]]]]]]]]]]]]]]]]]");
        if (depth <= WIRE_DEPTH_MAX) { /* the file's own level is not counted */
            assert_taken(text, &file);
            codec_fini(&file_shape, &file);
        } else {
            assert_refused(text, 1, 6 + WIRE_DEPTH_MAX, "nested too deeply");
        }
    }
}

static bool
second_is_wrong(void *thing, char path[128], char why[256])
{
    const struct file *file = thing;
    if (file->item_count < 2) {
        return true;
    }
    snprintf(path, 128, "items[1].name");
    snprintf(why, 256, "is not defined");
    return false;
}

static bool
never_good(void *thing, char path[128], char why[256])
{
    (void)thing;
    (void)path;
    snprintf(why, 256, "something is wrong");
    return false;
}

static void
test_a_check_of_the_whole(void **state)
{
    (void)state;
    const char one[] = "items:\n  - name: a\n";
    const char two[] = "items:\n  - name: a\n  - level: 1\n    name: b\n";
    struct file file;
    struct yaml_file_error error;
    assert_int_equal(
        yaml_file_decode_checked(one, strlen(one), &file_shape, &file, second_is_wrong, &error), 0);
    codec_fini(&file_shape, &file);
    assert_int_equal(
        yaml_file_decode_checked(two, strlen(two), &file_shape, &file, second_is_wrong, &error),
        -EINVAL);
    assert_string_equal(error.text, "items[1].name is not defined");
    assert_int_equal(error.line, 4);
    assert_int_equal(error.column, 5);
    assert_int_equal(
        yaml_file_decode_checked(one, strlen(one), &file_shape, &file, never_good, &error),
        -EINVAL);
    assert_string_equal(error.text, "something is wrong");
}

static void
test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/cordon-yaml-XXXXXX";
    struct file file;
    struct yaml_file_error error;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "title: a\n", 9), 9);
    assert_int_equal(yaml_file_load(path, &file_shape, &file, &error), 0);
    assert_string_equal(file.title, "a");
    codec_fini(&file_shape, &file);
    assert_int_equal(ftruncate(fd, YAML_SIZE_MAX + 1), 0); /* sparse */
    assert_int_equal(yaml_file_load(path, &file_shape, &file, &error), -EFBIG);
    assert_non_null(strstr(error.text, path));
    close(fd);
    unlink(path);
    assert_int_equal(yaml_file_load(path, &file_shape, &file, &error), -ENOENT);
    assert_int_equal(error.line, 0);
    assert_non_null(strstr(error.text, "No such file"));
}

/* No cut-off file may crash or be read beyond its end (sanitizer). */
static void
test_every_prefix(void **state)
{
    (void)state;
    const char text[] =
        "title: 'a'\nitems:\n  - &a {name: \"\\u00e9\", level: 1}\n  - *a\nany: [1]\n";
    for (size_t size = 0; size < strlen(text); size++) {
        struct file file;
        struct yaml_file_error error;
        char *cut = malloc(size + 1);
        assert_non_null(cut);
        memcpy(cut, text, size);
        if (yaml_file_decode(cut, size, &file_shape, &file, &error) == 0) {
            codec_fini(&file_shape, &file);
        } else {
            assert_true(error.line > 0 && error.text[0]);
        }
        free(cut);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_an_empty_file_is_one_without_settings),
        cmocka_unit_test(test_plain_words_and_quoted_ones),
        cmocka_unit_test(test_errors_name_line_and_column),
        cmocka_unit_test(test_broken_yaml_names_the_place),
        cmocka_unit_test(test_a_second_document_is_refused),
        cmocka_unit_test(test_a_nul_is_refused),
        cmocka_unit_test(test_aliases_are_written_out),
        cmocka_unit_test(test_an_alias_bomb_is_refused_early),
        cmocka_unit_test(test_aliases_that_hold_themselves_are_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_a_check_of_the_whole),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
