/* Names in DNS messages, as RFC 1035 has them and as attackers write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dns_name.h"

struct found {
    struct dns_name name;
    size_t behind; /* bytes after it */
};

/* The name at 'offset' of the message. */
static bool
found(const uint8_t *bytes, size_t size, size_t offset, struct found *found)
{
    const struct cursor message = cur_make(bytes, size);
    struct cursor in = cur_make(bytes + offset, size - offset), stepped = in;
    bool is_good = dns_name_read(&in, &message, &found->name);
    found->behind = cur_left(&in);
    if (is_good) { /* stepping over it ends at the same place */
        assert_true(dns_name_read(&stepped, &message, NULL));
        assert_int_equal(cur_left(&stepped), found->behind);
    }
    return is_good;
}

static void
test_labels_and_compression(void **state)
{
    static const uint8_t message[] = "\3www\7example\3ORG\0" /* 0 .. 16 */
                                     "\4mail\xc0\x04"        /* 17: mail.example.ORG */
                                     "\xc0\x11zz"            /* 24: through two pointers */
                                     "\0z";                  /* 28: the root */
    size_t size = sizeof(message) - 1;
    struct found f;
    (void)state;
    assert_true(found(message, size, 0, &f));
    assert_string_equal(f.name.text, "www.example.ORG");
    assert_int_equal(f.name.label_count, 3);
    assert_int_equal(f.behind, size - 17);
    assert_true(found(message, size, 17, &f));
    assert_string_equal(f.name.text, "mail.example.ORG");
    assert_int_equal(f.behind, size - 24);
    assert_true(found(message, size, 24, &f));
    assert_string_equal(f.name.text, "mail.example.ORG");
    assert_int_equal(f.behind, size - 26);
    assert_true(found(message, size, 28, &f));
    assert_string_equal(f.name.text, "");
    assert_int_equal(f.name.label_count, 0);
    assert_int_equal(f.behind, 1);
}

static void
test_what_is_no_name(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } wrong[] = {
        {"", 0},
        {"\3ww", 3},
        {"\3www", 4}, /* cut short */
        {"\xc0", 1},
        {"\xc0\x00", 2}, /* a pointer to itself */
        {"\xc0\x02", 2},
        {"\xff\xff", 2},    /* beyond the message */
        {"\1a\xc0\x00", 4}, /* a name within itself */
        {"\x40"
         "a",
         2},
        {"\x80"
         "a\0",
         3}, /* kinds of label that there are not */
    };
    struct found f;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(found((const uint8_t *)wrong[i].bytes, wrong[i].size, 0, &f));
    }
}

static void
test_no_longer_than_a_name_may_be(void **state)
{
    uint8_t message[512];
    struct found f;
    (void)state;
    memset(message, 'a', sizeof(message));
    for (size_t i = 0; i < sizeof(message); i += 64) {
        message[i] = 63;
    }
    message[192] = 61; /* 63 + 63 + 63 + 61 and three dots: 253 */
    message[254] = 0;
    assert_true(found(message, sizeof(message), 0, &f));
    assert_int_equal(f.name.size, 253);
    message[192] = 62; /* one more still has room: whoever is strict looks at its size */
    message[254] = 'a';
    message[255] = 0;
    assert_true(found(message, sizeof(message), 0, &f));
    assert_int_equal(f.name.size, 254);
    message[192] = 63;
    message[255] = 'a';
    message[256] = 0;
    assert_false(found(message, sizeof(message), 0, &f));
}

static void
test_bytes_stay_as_they_are(void **state)
{
    static const uint8_t message[] = "\5a.b\0c\1d";
    struct found f;
    (void)state;
    assert_true(found(message, sizeof(message), 0, &f));
    assert_int_equal(f.name.size, 7);
    assert_memory_equal(f.name.text, "a.b\0c.d", 8);
    assert_int_equal(f.name.label_count, 2); /* the dot within a label makes no third */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_and_compression),
        cmocka_unit_test(test_what_is_no_name),
        cmocka_unit_test(test_no_longer_than_a_name_may_be),
        cmocka_unit_test(test_bytes_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
