/* The quick reader and writer (wire/codec_text.h) against the careful ones (wire/codec.h): the same
 * result, the same refusal in the same words, for every golden message, each of its beginnings, and
 * thousands of small changes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "golden.h"
#include "wire/message.h"

#define CHANGES 1500 /* of each message */

static char golden_folder[1024];

static char *
printed(enum wire_type type, const void *message)
{
    cJSON *json = wire_encode(type, message);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

/* Reads 'text' in both ways; true: it was taken. */
static bool
agree(enum wire_type type, const char *text, size_t size)
{
    struct codec_error quick_error, error = {.path = "", .why = "not JSON"};
    void *quick = mem_new(1, wire_shape(type)->size);
    void *careful = mem_new(1, wire_shape(type)->size);
    char *exact = mem_new(size + 1, 1); /* its own size: a read beyond is seen by the sanitizer */
    memcpy(exact, text, size);
    exact = mem_resize(exact, size ? size : 1, 1);
    cJSON *json = codec_parse(text, size);
    int expected = json ? wire_decode(type, json, careful, &error) : -EBADMSG;
    int result = wire_read(type, exact, size, quick, &quick_error);
    if (result != expected) {
        fail_msg("%d, not %d: %.*s", result, expected, (int)size, text);
    }
    if (result == 0) {
        char *one = printed(type, quick);
        char *other = printed(type, careful);
        assert_string_equal(one, other);
        cJSON_free(one);
        cJSON_free(other);
        wire_fini(type, quick);
        wire_fini(type, careful);
    } else {
        assert_string_equal(quick_error.path, error.path);
        assert_string_equal(quick_error.why, error.why);
    }
    cJSON_Delete(json);
    free(exact);
    free(quick);
    free(careful);
    return result == 0;
}

/* As a program of ours would send it. */
static void
written(enum wire_type type, const char *golden, struct codec_text *text)
{
    struct codec_error error;
    void *message = mem_new(1, wire_shape(type)->size);
    cJSON *json = codec_parse(golden, strlen(golden));
    assert_non_null(json);
    assert_int_equal(wire_decode(type, json, message, &error), 0);
    codec_text_reset(text);
    wire_write(type, message, text);
    cJSON *again = codec_parse(text->bytes, text->used);
    assert_non_null(again);
    assert_true(cJSON_Compare(json, again, true));
    enum wire_type found = WIRE_TYPE_COUNT;
    assert_true(wire_type_at(text->bytes, text->used, &found));
    assert_int_equal(found, type);
    cJSON_Delete(again);
    cJSON_Delete(json);
    wire_fini(type, message);
    free(message);
}

static void
change(char *text, size_t size)
{
    static const char bytes[] = "{}[]\",:\\0123456789-+.eE truefalsn\x01\xff\xc3";
    size_t at = (size_t)rand() % size;
    switch (rand() % 4) {
    case 0:
        text[at] = bytes[(size_t)rand() % (sizeof(bytes) - 1)];
        break;
    case 1: /* another part of it */
        memmove(text + at, text + (size_t)rand() % size, 1);
        break;
    case 2:
        text[at] = (char)rand();
        break;
    default: { /* two that stand side by side change places */
        char c = text[at];
        text[at] = text[(at + 1) % size];
        text[(at + 1) % size] = c;
        break;
    }
    }
}

static void
both_readers_agree(void **state)
{
    (void)state;
    size_t taken = 0, refused = 0;
    struct codec_text text = {.bytes = NULL};
    srand(7);
    for (int type = 0; type < WIRE_TYPE_COUNT; type++) {
        char *golden = golden_text(golden_folder, wire_type_names[type]);
        written((enum wire_type)type, golden, &text);
        assert_true(agree((enum wire_type)type, text.bytes, text.used));
        assert_true(agree((enum wire_type)type, golden, strlen(golden)));
        for (size_t size = 0; size < text.used; size += 1 + size / 300) {
            assert_false(agree((enum wire_type)type, text.bytes, size));
        }
        char *changed = mem_new(text.used + 1, 1);
        for (size_t i = 0; i < CHANGES; i++) {
            memcpy(changed, text.bytes, text.used);
            for (int k = rand() % 3; k >= 0; k--) {
                change(changed, text.used);
            }
            bool is_taken = agree((enum wire_type)type, changed, text.used);
            taken += is_taken;
            refused += !is_taken;
        }
        free(changed);
        free(golden);
    }
    codec_text_fini(&text);
    assert_true(taken > 1000 && refused > 1000); /* both were met */
}

struct sizes {
    int64_t big;
    uint64_t count;
    uint8_t small;
    char *text;
    char name[4];
};
static const struct field size_fields[] = {
    F_INT(FIELD_OPTIONAL, struct sizes, big),    F_UINT(FIELD_OPTIONAL, struct sizes, count),
    F_UINT(FIELD_OPTIONAL, struct sizes, small), F_STRING(FIELD_OPTIONAL, struct sizes, text, 5),
    F_TEXT(FIELD_OPTIONAL, struct sizes, name),
};
static const struct shape size_shape = SHAPE("sizes", struct sizes, size_fields, NULL);

static void
numbers_and_texts_at_their_limits(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"big\":9007199254740992}",
                                        "{\"big\":9007199254740993}",
                                        "{\"big\":-9007199254740992}",
                                        "{\"big\":-9007199254740993}",
                                        "{\"big\":99999999999999999999}",
                                        "{\"count\":-1}",
                                        "{\"count\":-0}",
                                        "{\"count\":00}",
                                        "{\"count\":01}",
                                        "{\"big\":1e3}",
                                        "{\"big\":1.5}",
                                        "{\"small\":255}",
                                        "{\"small\":256}",
                                        "{\"small\":}",
                                        "{\"small\":1 }",
                                        "{ \"small\":1}",
                                        "{\"name\":\"abc\"}",
                                        "{\"name\":\"abcd\"}",
                                        "{\"name\":\"\\\"\\\\/\"}",
                                        "{\"name\":\"\\u0041\"}",
                                        "{\"name\":\"\\u0000\"}",
                                        "{\"name\":\"\xc3\xa9\"}",
                                        "{\"name\":\"\xc3\"}",
                                        "{\"text\":\"12345\"}",
                                        "{\"text\":\"123456\"}",
                                        "{\"text\":\"\\\\\\\\\\\\\\\\\\\\\"}",
                                        "{\"text\":\"\\n\"}",
                                        "{\"name\":\"a\",\"name\":\"a\"}",
                                        "{\"type\":\"x\"}",
                                        "{\"other\":1}",
                                        "{}",
                                        "",
                                        "{",
                                        "{}}",
                                        "{}x",
                                        "{\"name\":\"a\",}"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct sizes quick = {.big = 0}, careful = {.big = 0};
        struct codec_error quick_error, error = {.path = "", .why = "not JSON"};
        cJSON *json = codec_parse(texts[i], strlen(texts[i]));
        int expected = json ? codec_decode(&size_shape, json, &careful, &error) : -EBADMSG;
        int result =
            codec_read(&size_shape, texts[i], strlen(texts[i]), false, &quick, &quick_error);
        if (result != expected) {
            fail_msg("%d, not %d: %s", result, expected, texts[i]);
        }
        assert_string_equal(quick_error.why, result ? error.why : "");
        if (result == 0) {
            assert_true(quick.big == careful.big && quick.count == careful.count);
            assert_int_equal(quick.small, careful.small);
            assert_string_equal(quick.name, careful.name);
            assert_string_equal(quick.text ? quick.text : "", careful.text ? careful.text : "");
            codec_fini(&size_shape, &quick);
            codec_fini(&size_shape, &careful);
        }
        cJSON_Delete(json);
    }
}

/* What no receiver takes is made fit when it is written. */
static void
what_is_written_can_be_read(void **state)
{
    (void)state;
    struct sizes thing = {
        .big = INT64_MIN, .count = UINT64_MAX, .text = (char *)"a\x1b\xff\"\\more"};
    struct codec_text text = {.bytes = NULL};
    struct codec_error error;
    memcpy(thing.name, "\"\\\n", 4);
    codec_write(&size_shape, &thing, NULL, &text);
    struct sizes read;
    assert_int_equal(codec_read(&size_shape, text.bytes, text.used, false, &read, &error), 0);
    assert_true(read.big == -INT64_C(9007199254740992));
    assert_true(read.count == UINT64_C(9007199254740992));
    assert_string_equal(read.text, "a??\"\\");
    assert_string_equal(read.name, "\"\\?");
    codec_fini(&size_shape, &read);
    codec_text_fini(&text);
}

/* What does not fit into room that is borrowed goes on in memory of its own, and that stays as it
 * was lent.  Borrowed memory of exactly that size: the sanitizer sees the first byte too far. */
static void
borrowed_room_of_any_size_will_do(void **state)
{
    (void)state;
    struct sizes thing = {.big = -1234567890123, .count = 42, .text = (char *)"some \"text\""};
    struct codec_text wanted = {.bytes = NULL};
    memcpy(thing.name, "name", 5);
    codec_write(&size_shape, &thing, NULL, &wanted);
    for (size_t room = 0; room < 4 * wanted.used; room++) {
        char *lent = mem_new(room + 1, 1);
        struct codec_text text = {
            .bytes = mem_resize(lent, room ? room : 1, 1), .room = room, .is_borrowed = true};
        lent = text.bytes;
        codec_write(&size_shape, &thing, NULL, &text);
        assert_int_equal(text.used, wanted.used);
        assert_memory_equal(text.bytes, wanted.bytes, wanted.used);
        assert_true(text.is_borrowed ? text.bytes == lent : text.bytes != lent);
        assert_true(!text.is_borrowed || room >= wanted.used);
        codec_text_fini(&text);
        free(lent);
    }
    codec_text_fini(&wanted);
}

/* In memory of exactly that size: the address sanitizer sees the first byte too far. */
static void
a_name_with_a_nul_is_no_name(void **state)
{
    (void)state;
    static const char text[] = "{\"name\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":\"x\"}";
    size_t size = sizeof(text) - 1;
    char *bytes = mem_new(size, 1);
    struct sizes read;
    struct codec_error error;
    memcpy(bytes, text, size);
    assert_int_not_equal(codec_read(&size_shape, bytes, size, false, &read, &error), 0);
    free(bytes);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    snprintf(golden_folder, sizeof(golden_folder), "%s/tests/golden/wire", argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_readers_agree),
        cmocka_unit_test(numbers_and_texts_at_their_limits),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(borrowed_room_of_any_size_will_do),
        cmocka_unit_test(a_name_with_a_nul_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
