/* Syslog: what is in a message (RFC 3164, RFC 5424), and where it ends (RFC 6587). */
#include "lines.h"

#include "intake/syslog.h"

#define LIMIT 1000

static void
assert_content(const char *message, size_t size, const char *expected)
{
    const char *content;
    size_t content_size;
    syslog_content(message, size, &content, &content_size);
    assert_int_equal(content_size, strlen(expected));
    assert_memory_equal(content, expected, content_size);
}

#define assert_content_of(message, expected) assert_content(message, sizeof(message) - 1, expected)

static void
test_headers(void **state)
{
    (void)state;
    assert_content_of("<142>Mar 09 02:58:24 ddi-lab CEF:0|a|b", "CEF:0|a|b");
    assert_content_of("<142>Mar  9 02:58:24 ids suricata[7]: {\"a\":1}", "{\"a\":1}");
    assert_content_of("<142>1 2025-03-09T02:58:24.5Z ids suricata 7 - - {\"a\":1}", "{\"a\":1}");
    assert_content_of("<142>1 2025-03-09T02:58:24Z h a - - [x@1 y=\"z\"] \xef\xbb\xbf"
                      "CEF:0|a",
                      "CEF:0|a");
    assert_content_of("<13>Mar 09 02:58:24 ids suricata: @cee: {\"a\":1}", "@cee: {\"a\":1}");
    assert_content_of("{\"a\":\"CEF:0|\"}", "{\"a\":\"CEF:0|\"}"); /* the first one counts */
    assert_content_of("CEF:0|a|{}", "CEF:0|a|{}");
}

static void
test_line_ends(void **state)
{
    (void)state;
    assert_content_of("<1>CEF:0|a\n", "CEF:0|a");
    assert_content_of("<1>CEF:0|a\r\n", "CEF:0|a");
    assert_content_of("<1>CEF:0|a\0", "CEF:0|a");
    assert_content_of("<1>CEF:0|a\r\n\0", "CEF:0|a");
}

static void
test_no_content(void **state)
{
    (void)state;
    assert_content_of("", "");
    assert_content_of("\n", "");
    assert_content_of("<142>Mar 09 02:58:24 h sshd: failed", "");
    assert_content_of("<142>Mar 09 02:58:24 h LEEF:1.0|a|b", "");
    assert_content_of("CEF 0|a", "");
}

/* No read beyond, whatever the message ends with. */
static void
test_content_every_prefix(void **state)
{
    (void)state;
    static const char whole[] = "<142>1 2025-03-09T02:58:24Z h a - - [x] @cee: {\"a\":\"b\"}\r\n";
    for (size_t size = 0; size < sizeof(whole); size++) {
        char *copy = calloc(1, size ? size : 1);
        const char *content;
        size_t content_size;
        memcpy(copy, whole, size);
        syslog_content(copy, size, &content, &content_size);
        assert_true(content >= copy && content + content_size <= copy + size);
        free(copy);
    }
}

struct frame {
    enum syslog_frame result;
    const char *message;
    size_t size, used;
};

static struct frame
find(const char *stream, size_t size)
{
    struct frame frame = {.result = SYSLOG_FRAME_NONE};
    char *copy = calloc(1, size ? size : 1);
    memcpy(copy, stream, size);
    frame.result = syslog_frame_find(copy, size, LIMIT, &frame.message, &frame.size, &frame.used);
    if (frame.result == SYSLOG_FRAME_WHOLE) {
        assert_true(frame.message >= copy && frame.message + frame.size <= copy + size);
        assert_true(frame.used <= size);
        frame.message = stream + (frame.message - copy);
    }
    free(copy);
    return frame;
}

static void
assert_frame(const char *stream, const char *message, size_t used)
{
    struct frame frame = find(stream, strlen(stream));
    assert_int_equal(frame.result, SYSLOG_FRAME_WHOLE);
    assert_int_equal(frame.size, strlen(message));
    assert_memory_equal(frame.message, message, frame.size);
    assert_int_equal(frame.used, used);
}

static void
test_octet_counting(void **state)
{
    (void)state;
    assert_frame("5 <1>ab", "<1>ab", 7);
    assert_frame("5 <1>ab6 <1>abc", "<1>ab", 7);
    assert_frame("6 <1>a\nb<1>", "<1>a\nb", 8); /* a line feed within ends nothing */
    static const char with_nul[] = "6 <1>a\0b";
    assert_int_equal(find(with_nul, sizeof(with_nul) - 1).size, 6);
}

static void
test_line_framing(void **state)
{
    (void)state;
    assert_frame("<1>ab\n<1>cd\n", "<1>ab", 6);
    assert_frame("\n<1>ab\n", "", 1); /* some senders add one behind a counted message */
    assert_frame("<1>ab\r\n", "<1>ab\r", 7);
    assert_frame("{\"a\":1}\n", "{\"a\":1}", 8);
    assert_frame("0 <1>\n", "0 <1>", 6); /* no count begins with 0 */
    assert_frame("12a <1>\n", "12a <1>", 8);
}

static void
test_mixed_stream(void **state)
{
    (void)state;
    static const char stream[] = "5 <1>ab<1>line\n6 <1>abc\n<1>last\n";
    static const char *const expected[] = {"<1>ab", "<1>line", "<1>abc", "", "<1>last"};
    size_t at = 0;
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct frame frame = find(stream + at, sizeof(stream) - 1 - at);
        assert_int_equal(frame.result, SYSLOG_FRAME_WHOLE);
        assert_int_equal(frame.size, strlen(expected[i]));
        assert_memory_equal(frame.message, expected[i], frame.size);
        at += frame.used;
    }
    assert_int_equal(at, sizeof(stream) - 1);
}

/* No prefix of a frame is a frame: a cut message is never taken for a whole one. */
static void
test_frame_every_prefix(void **state)
{
    (void)state;
    static const char *const streams[] = {"12 <142>CEF:0|a", "<142>CEF:0|a|b|c\n"};
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        size_t whole = strlen(streams[i]);
        for (size_t size = 0; size < whole; size++) {
            assert_int_equal(find(streams[i], size).result, SYSLOG_FRAME_NONE);
        }
        assert_int_equal(find(streams[i], whole).result, SYSLOG_FRAME_WHOLE);
    }
}

static void
test_limits(void **state)
{
    (void)state;
    char stream[LIMIT + 64];
    memset(stream, 'x', sizeof(stream));
    assert_int_equal(find(stream, LIMIT).result, SYSLOG_FRAME_NONE);
    assert_int_equal(find(stream, LIMIT + 1).result, SYSLOG_FRAME_BROKEN); /* no end in sight */
    stream[LIMIT] = '\n';
    assert_int_equal(find(stream, LIMIT + 1).result, SYSLOG_FRAME_WHOLE);
    stream[LIMIT] = 'x';
    stream[LIMIT + 1] = '\n';
    assert_int_equal(find(stream, LIMIT + 2).result, SYSLOG_FRAME_BROKEN);
    assert_int_equal(find("1000 <", 6).result, SYSLOG_FRAME_NONE);
    assert_int_equal(find("1001 <", 6).result, SYSLOG_FRAME_BROKEN); /* at once, not after 1001 */
    assert_int_equal(find("9999999 <", 9).result, SYSLOG_FRAME_BROKEN);
    assert_int_equal(find("99999999999999999999 <", 22).result, SYSLOG_FRAME_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_no_content),     cmocka_unit_test(test_content_every_prefix),
        cmocka_unit_test(test_octet_counting), cmocka_unit_test(test_line_framing),
        cmocka_unit_test(test_mixed_stream),   cmocka_unit_test(test_frame_every_prefix),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
