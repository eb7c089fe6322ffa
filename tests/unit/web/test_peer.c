/* From where a request comes, by what trusted proxies say and others would like us to believe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cordond/config.h"
#include "web/peer.h"

static const struct config proxies = {
    .trusted_proxies = {"127.0.0.1", "10.0.0.0/24", "2001:db8:1::/64"}, .trusted_proxy_count = 3};

/* Whoever is connected, and its header: who is it? */
static void
assert_peer(const struct config *config, const char *connected, const char *told,
            const char *expected)
{
    struct ip at;
    char text[IP_TEXT_SIZE];
    assert_true(ip_parse(connected, &at));
    (void)peer_walk(config, told, &at);
    ip_format(&at, text);
    if (strcmp(text, expected) != 0) {
        fail_msg("%s with '%s' is %s, not %s", connected, told, text, expected);
    }
}

static void
a_trusted_proxy_is_believed(void **state)
{
    (void)state;
    assert_peer(&proxies, "127.0.0.1", "192.0.2.7", "192.0.2.7");
    assert_peer(&proxies, "::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7");
    assert_peer(&proxies, "10.0.0.200", "192.0.2.7", "192.0.2.7");
    assert_peer(&proxies, "2001:db8:1::80", "2001:db8:2:0::0001", "2001:db8:2::1");
    assert_peer(&proxies, "127.0.0.1", " \t192.0.2.7 ", "192.0.2.7");
    assert_peer(&proxies, "127.0.0.1", "192.0.2.7:4711", "192.0.2.7");
    assert_peer(&proxies, "127.0.0.1", "[2001:db8:2::1]:4711", "2001:db8:2::1");
    assert_peer(&proxies, "127.0.0.1", "[2001:db8:2::1]", "2001:db8:2::1");
    assert_peer(&proxies, "127.0.0.1", "::ffff:192.0.2.7", "192.0.2.7");
}

static void
nobody_else_is(void **state)
{
    static const struct config none = {.trusted_proxy_count = 0};
    (void)state;
    assert_peer(&none, "127.0.0.1", "192.0.2.7", "127.0.0.1");
    assert_peer(NULL, "127.0.0.1", "192.0.2.7", "127.0.0.1");
    assert_peer(&proxies, "192.0.2.66", "192.0.2.7", "192.0.2.66");
    assert_peer(&proxies, "10.0.1.1", "192.0.2.7", "10.0.1.1");
    assert_peer(&proxies, "192.0.2.66", "127.0.0.1", "192.0.2.66");
}

static void
only_what_trusted_ones_wrote_counts(void **state)
{
    (void)state;
    /* what the client sent itself stands before what the proxy saw */
    assert_peer(&proxies, "127.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7");
    assert_peer(&proxies, "127.0.0.1", "127.0.0.1, 192.0.2.7", "192.0.2.7");
    assert_peer(&proxies, "127.0.0.1", "junk, 192.0.2.7", "192.0.2.7");
    assert_peer(&proxies, "127.0.0.1", "198.51.100.1, 10.0.0.9, 192.0.2.7", "192.0.2.7");
    /* proxies behind each other */
    assert_peer(&proxies, "127.0.0.1", "192.0.2.7, 10.0.0.9", "192.0.2.7");
    assert_peer(&proxies, "127.0.0.1", "198.51.100.1, 192.0.2.7, 10.0.0.9, 10.0.0.8", "192.0.2.7");
    /* only proxies: the first of them */
    assert_peer(&proxies, "127.0.0.1", "10.0.0.8,10.0.0.9", "10.0.0.8");
}

static void
junk_is_nobody(void **state)
{
    static const char *const junk[] = {
        "",
        " ",
        ",",
        "192.0.2.7,",
        "unknown",
        "_hidden",
        "192.0.2",
        "192.0.2.7.",
        "192.0.2.256",
        "0192.0.2.7",
        "192.0.2.7:",
        "192.0.2.7:x",
        "[::1",
        "::1]",
        "[192.0.2.7]",
        "[]",
        "[::1]x",
        "[::1]:",
        "[::1]:123456",
        "192.0.2.7 192.0.2.8",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "fe80::1%1",
        "192.0.2.7/24",
        "for=192.0.2.7",
        "\"192.0.2.7\"",
        "192.0.2.7;x",
        "2001:db8::1:80:",
        "192.0.2.7:1:2",
        "localhost",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd"};
    char two[200];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(junk); i++) {
        assert_peer(&proxies, "127.0.0.1", junk[i], "127.0.0.1");
        snprintf(two, sizeof(two), "198.51.100.1,%s,10.0.0.9", junk[i]);
        if (!strchr(junk[i], ',')) {
            assert_peer(&proxies, "127.0.0.1", two, "10.0.0.9");
        }
    }
}

static void
it_ends(void **state)
{
    char told[4096] = "192.0.2.7";
    (void)state;
    for (int i = 0; i < 200; i++) {
        strcat(told, ",10.0.0.9");
    }
    assert_peer(&proxies, "127.0.0.1", told, "10.0.0.9");
}

static void
a_network_counts_as_one(void **state)
{
    static const char *const keys[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2::", "2001:db8:1:2::/64"},
        {"2001:db8:1:3::", "2001:db8:1:3::/64"},
        {"?", "?"},
    };
    char key[NAME_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        peer_key(keys[i][0], key);
        assert_string_equal(key, keys[i][1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_proxy_is_believed),
        cmocka_unit_test(nobody_else_is),
        cmocka_unit_test(only_what_trusted_ones_wrote_counts),
        cmocka_unit_test(junk_is_nobody),
        cmocka_unit_test(it_ends),
        cmocka_unit_test(a_network_counts_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
