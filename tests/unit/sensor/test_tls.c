/* TLS ClientHellos: the published fingerprints, cut records, every prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hellos.h"
#include "sensor/protocol/tls/hello.h"

static void
test_ja4(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    struct tls_hello hello;
    size_t size = hello_make(&hello_chrome, 4000, bytes);
    assert_int_equal(tls_parse(bytes, size, &hello), PARSED_YES);
    assert_string_equal(hello.ja4, HELLO_CHROME_JA4);
    assert_string_equal(hello.sni, "c2.example.net");
    assert_int_equal(hello.version, 0x0304);
}

/* A browser that shuffles its extensions keeps its JA4, not its JA3. */
static void
test_shuffled(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    struct tls_hello first, second;
    struct hello_lists lists = hello_chrome;
    int extensions[32], count = 0;
    assert_int_equal(tls_parse(bytes, hello_make(&lists, 4000, bytes), &first), PARSED_YES);
    while (lists.extensions[count] != -1) {
        count++;
    }
    for (int i = 0; i < count; i++) {
        extensions[i] = lists.extensions[count - 1 - i];
    }
    extensions[count] = -1;
    lists.extensions = extensions;
    assert_int_equal(tls_parse(bytes, hello_make(&lists, 4000, bytes), &second), PARSED_YES);
    assert_string_equal(first.ja4, second.ja4);
    assert_string_not_equal(first.ja3, second.ja3);
}

static void
test_ja3(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    struct tls_hello hello;
    assert_int_equal(tls_parse(bytes, hello_make(&hello_ja3_full, 4000, bytes), &hello),
                     PARSED_YES);
    assert_string_equal(hello.ja3, HELLO_JA3_FULL);
    assert_memory_equal(hello.ja4, "t10d120300_", 11);
    assert_int_equal(tls_parse(bytes, hello_make(&hello_ja3_bare, 4000, bytes), &hello),
                     PARSED_YES);
    assert_string_equal(hello.ja3, HELLO_JA3_BARE);
    assert_memory_equal(hello.ja4, "t10i110000_", 11);
    assert_string_equal(strrchr(hello.ja4, '_'), "_000000000000");
    assert_string_equal(hello.sni, "");
}

/* A protocol name that is no text counts by its hex form. */
static void
test_alpn(void **state)
{
    (void)state;
    static const struct {
        const char *alpn, *shows;
    } cases[] = {{"\2h2", "h2"}, {"\10http/1.1", "h1"}, {"\1\xab", "ab"}, {"\2\xab\xcd", "ad"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[4096];
        struct tls_hello hello;
        struct hello_lists lists = hello_chrome;
        lists.alpn = cases[i].alpn;
        assert_int_equal(tls_parse(bytes, hello_make(&lists, 4000, bytes), &hello), PARSED_YES);
        assert_memory_equal(hello.ja4 + 8, cases[i].shows, 2);
    }
}

/* Cut into records of any size: the same hello. */
static void
test_records(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 3, 4, 5, 100, 255};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t bytes[4096];
        struct tls_hello hello;
        size_t size = hello_make(&hello_chrome, sizes[i], bytes);
        assert_int_equal(tls_parse(bytes, size, &hello), PARSED_YES);
        assert_string_equal(hello.ja4, HELLO_CHROME_JA4);
    }
}

static void
test_prefixes(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    size_t whole = hello_make(&hello_chrome, 100, bytes);
    for (size_t size = 0; size < whole; size++) {
        uint8_t *copy = malloc(size + 1);
        struct tls_hello hello;
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        assert_int_equal(tls_parse(copy, size, &hello), PARSED_MORE);
        free(copy);
    }
}

/* Every byte spoilt in turn: never a crash, never a name that is no text. */
static void
test_spoilt(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    size_t whole = hello_make(&hello_chrome, 4000, bytes);
    for (size_t at = 0; at < whole; at++) {
        uint8_t *copy = malloc(whole);
        struct tls_hello hello;
        assert_non_null(copy);
        memcpy(copy, bytes, whole);
        copy[at] = 0xff;
        if (tls_parse(copy, whole, &hello) == PARSED_YES) {
            assert_int_equal(strlen(hello.ja3), 32);
            assert_int_equal(strlen(hello.ja4), 36);
        }
        free(copy);
    }
}

static void
test_not_tls(void **state)
{
    (void)state;
    static const uint8_t server_hello[] = {22, 3, 3, 0, 5, 2, 0, 0, 1, 0},
                         alert[] = {21, 3, 3, 0, 2, 2, 40}, other[] = {22, 9, 9, 0, 5, 1, 0, 0};
    struct tls_hello hello;
    assert_int_equal(tls_parse(server_hello, sizeof(server_hello), &hello), PARSED_NO);
    assert_int_equal(tls_parse(alert, sizeof(alert), &hello), PARSED_NO);
    assert_int_equal(tls_parse(other, sizeof(other), &hello), PARSED_NO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ja4),     cmocka_unit_test(test_shuffled),
        cmocka_unit_test(test_ja3),     cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_records), cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_spoilt),  cmocka_unit_test(test_not_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
