/* DNS messages: golden ones, hostile ones, every prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"
#include "sensor/protocol/dns/message.h"

/* An answer: c2.example.net, alias of a.example.net, which has two addresses; names compressed. */
static const uint8_t answer[] = {0x12, 0x34, 0x81, 0x80, 0,   1,   0,   3,    0,
                                 0,    0,    0, /* head */
                                 2,    'C',  '2',  7,    'e', 'X', 'a', 'm',  'p',
                                 'l',  'e',  3,    'n',  'e', 't', 0,   0,    1,
                                 0,    1,    0xc0, 12,   0,   5,   0,   1,    0,
                                 0,    0,    60,   0,    4,   1,   'a', 0xc0, 15, /* CNAME */
                                 0xc0, 44,   0,    1,    0,   1,   0,   0,    1,
                                 44,   0,    4,    203,  0,   113, 9, /* A, 300 s */
                                 0xc0, 44,   0,    28,   0,   1,   0,   0,    0,
                                 30,   0,    16, /* AAAA, 30 s */
                                 0x20, 1,    0xd,  0xb8, 0,   0,   0,   0,    0,
                                 0,    0,    0,    0,    0,   0,   9};

static void
test_answer(void **state)
{
    (void)state;
    struct dns_message message;
    struct ip four = ip_of("203.0.113.9"), six = ip_of("2001:db8::9");
    assert_true(dns_parse(answer, sizeof(answer), &message));
    assert_true(message.is_answer);
    assert_int_equal(message.code, 0);
    assert_int_equal(message.type, 1);
    assert_string_equal(message.name, "c2.example.net");
    assert_int_equal(message.address_count, 2);
    assert_true(ip_is_equal(&message.addresses[0], &four));
    assert_true(ip_is_equal(&message.addresses[1], &six));
    assert_int_equal(message.ttl_s[0], 300);
    assert_int_equal(message.ttl_s[1], 30);
}

/* What was whole counts: an answer that was cut still names its question. */
static void
test_prefixes(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(answer); size++) {
        uint8_t *copy = malloc(size + 1);
        struct dns_message message;
        assert_non_null(copy);
        memcpy(copy, answer, size);
        bool is_message = dns_parse(copy, size, &message);
        assert_int_equal(is_message, size >= 32 - 2); /* the class is not looked at */
        if (is_message) {
            assert_string_equal(message.name, "c2.example.net");
        }
        assert_true(message.address_count <= 1);
        free(copy);
    }
}

static bool
parse_name(const uint8_t *name, size_t size, struct dns_message *message)
{
    uint8_t bytes[600] = {0, 1, 1, 0, 0, 1};
    memcpy(bytes + 12, name, size);
    memcpy(bytes + 12 + size, "\0\1\0\1", 4);
    return dns_parse(bytes, 12 + size + 4, message);
}

/* Names that point at themselves or at each other, run out of the message, or are too long. */
static void
test_hostile_names(void **state)
{
    (void)state;
    struct dns_message message;
    static const uint8_t self[] = {0xc0, 12}, pair[] = {0xc0, 14, 0xc0, 12}, out[] = {0xff, 0xff},
                         kind[] = {0x41, 'x', 0}, good[] = {3, 'a', 'b', 'c', 2, 'd', 'e', 0};
    uint8_t longest[5 * 64 + 1];
    assert_false(parse_name(self, sizeof(self), &message));
    assert_false(parse_name(pair, sizeof(pair), &message));
    assert_false(parse_name(out, sizeof(out), &message));
    assert_false(parse_name(kind, sizeof(kind), &message));
    for (size_t i = 0; i < 5 * 64; i += 64) {
        longest[i] = 63;
        memset(longest + i + 1, 'x', 63);
    }
    longest[5 * 64] = 0;
    assert_false(parse_name(longest, sizeof(longest), &message));
    assert_true(parse_name(good, sizeof(good), &message)); /* the twin */
    assert_string_equal(message.name, "abc.de");
}

/* Control characters in a name reach no log and no page. */
static void
test_name_is_plain(void **state)
{
    (void)state;
    struct dns_message message;
    static const uint8_t name[] = {4, 'a', '\n', '\0', 0x1b, 2, 'd', 'e', 0};
    if (parse_name(name, sizeof(name), &message)) {
        for (const char *at = message.name; *at; at++) {
            assert_true(*at >= ' ' && *at != 0x7f);
        }
        assert_int_equal(strlen(message.name), 7); /* a NUL does not hide what is behind it */
    }
}

/* More records than are looked at, more addresses than are kept. */
static void
test_many_records(void **state)
{
    (void)state;
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1};
    uint8_t bytes[12 + 7 + 200 * sizeof(record)] = {0, 1, 0x81, 0x80, 0, 1, 0, 200};
    struct dns_message message;
    memcpy(bytes + 12, "\1a\0\0\1\0\1", 7);
    for (size_t i = 0; i < 200; i++) {
        memcpy(bytes + 19 + i * sizeof(record), record, sizeof(record));
    }
    assert_true(dns_parse(bytes, sizeof(bytes), &message));
    assert_int_equal(message.address_count, DNS_ADDRESSES_MAX);
}

static void
test_not_dns(void **state)
{
    (void)state;
    struct dns_message message;
    uint8_t bytes[sizeof(answer)];
    memcpy(bytes, answer, sizeof(answer));
    bytes[5] = 2; /* two questions: nobody asks so */
    assert_false(dns_parse(bytes, sizeof(bytes), &message));
    bytes[5] = 1;
    bytes[2] |= 0x28; /* an update */
    assert_false(dns_parse(bytes, sizeof(bytes), &message));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_name_is_plain),
        cmocka_unit_test(test_many_records),  cmocka_unit_test(test_not_dns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
