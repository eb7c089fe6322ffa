/* MACs, IPs and prefixes: as text and back, and the questions asked of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "model/addr.h"

static struct mac
mac(const char *text)
{
    struct mac mac = {{0}};
    if (!mac_parse(text, &mac)) {
        fail_msg("%s is refused", text);
    }
    return mac;
}

static struct ip
ip(const char *text)
{
    struct ip ip = {{0}};
    if (!ip_parse(text, &ip)) {
        fail_msg("%s is refused", text);
    }
    return ip;
}

static struct prefix
prefix(const char *text)
{
    struct prefix prefix = {.length = 0};
    if (!prefix_parse(text, &prefix)) {
        fail_msg("%s is refused", text);
    }
    return prefix;
}

static void
macs_are_read_in_every_way_of_writing(void **state)
{
    (void)state;
    static const char *const ways[] = {"02:00:00:aB:01:f2", "02-00-00-AB-01-F2", "0200.00ab.01f2",
                                       "020000ab01f2"};
    static const struct mac wanted = {{0x02, 0, 0, 0xab, 0x01, 0xf2}};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct mac read = mac(ways[i]);
        char text[MAC_TEXT_SIZE];
        assert_true(mac_is_equal(&read, &wanted));
        mac_format(&read, text);
        assert_string_equal(text, "02:00:00:ab:01:f2");
    }
}

static void
what_is_no_mac_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "02",
        "02:00:00:ab:01",
        "02:00:00:ab:01:",
        "02:00:00:ab:01:0g",
        "02:00:00:ab:01:02:03",
        "020000ab0102:", /* thirteen */
        "020000ab010",
        "020000ab01021",
        "02:00:00:ab:01-02", /* two ways in one */
        "02.00.00.ab.01.02",
        "0:200:00:ab:01:02", /* a separator in the wrong place */
        ":02:00:00:ab:0102",
        "02::00:00:ab:0102",
        "02:00:00:ab:0102:", /* the last one moved to the end */
        "0200.00ab01.02",
        "0200.00ab0102.",
        ".0200.00ab0102",
        "0200:00ab:0102",
        "02 00 00 ab 01 02",
        "\357\274\2202:00:00:ab:01:0", /* a full-width zero */
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct mac read = {{9, 9, 9, 9, 9, 9}}, kept = read;
        if (mac_parse(bad[i], &read) || !mac_is_equal(&read, &kept)) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

/* Allocated to size, so that a sanitizer sees a read beyond the NUL. */
static void
no_prefix_of_a_mac_is_a_mac(void **state)
{
    (void)state;
    static const char *const whole[] = {"02:00:00:ab:01:f2", "0200.00ab.01f2", "020000ab01f2"};
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        for (size_t size = 0; size < strlen(whole[i]); size++) {
            struct mac read;
            char *text = strndup(whole[i], size);
            assert_false(mac_parse(text, &read));
            free(text);
        }
    }
}

static void
kinds_of_mac(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_group, is_router;
    } cases[] = {
        {"02:00:00:ab:01:02", false, false}, {"ff:ff:ff:ff:ff:ff", true, false},
        {"01:00:5e:00:00:fb", true, false},  {"33:33:00:00:00:01", true, false},
        {"00:00:5e:00:01:00", false, true}, /* VRRP */
        {"00:00:5e:00:01:ff", false, true},  {"00:00:5e:00:02:01", false, true},
        {"00:00:5e:00:00:01", false, false}, {"00:00:5e:00:03:01", false, false},
        {"01:00:5e:00:01:01", true, false}, /* IPv4 multicast, one bit away */
        {"00:00:0c:07:ac:0a", false, true}, /* HSRP 1 */
        {"00:00:0c:07:ad:0a", false, false}, {"00:00:0c:9f:f0:00", false, true}, /* HSRP 2 */
        {"00:00:0c:9f:ff:ff", false, true},  {"00:00:0c:9f:ef:ff", false, false},
        {"00:00:0c:9e:f0:00", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct mac read = mac(cases[i].text);
        if (mac_is_group(&read) != cases[i].is_group ||
            mac_is_virtual_router(&read) != cases[i].is_router || mac_is_none(&read)) {
            fail_msg("%s", cases[i].text);
        }
    }
    struct mac none = mac("00:00:00:00:00:00"), last = mac("00:00:00:00:00:01");
    assert_true(mac_is_none(&none));
    assert_false(mac_is_none(&last));
    assert_false(mac_is_equal(&none, &last));
}

/* The examples of RFC 5952, by section. */
static void
ips_are_written_as_rfc_5952_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *formatted;
    } cases[] = {
        {"2001:0db8::0001", "2001:db8::1"},              /* 4.1 */
        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},       /* 4.2.1 */
        {"2001:db8::0:1", "2001:db8::1"},                /* 4.2.1 */
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* 4.2.2 */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},         /* 4.2.3 longest */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},   /* 4.2.3 first */
        {"2001:DB8::ABCD", "2001:db8::abcd"},            /* 4.3 */
        {"::FFFF:192.0.2.1", "192.0.2.1"},               /* IPv4, here */
        {"::ffff:c000:201", "192.0.2.1"},
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"fe80::1", "fe80::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ip read = ip(cases[i].text);
        char text[IP_TEXT_SIZE];
        ip_format(&read, text);
        assert_string_equal(text, cases[i].formatted);
        struct ip again = ip(text);
        assert_true(ip_is_equal(&again, &read));
    }
}

static void
what_is_no_ip_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "host",
        "192.0.2",
        "192.0.2.256",
        "1.2.3.4.5",
        "192.0.2.1 ",
        " 192.0.2.1",
        "192.0.2.01x",
        "192.0.2.-1",
        "0xc0000201",
        "3221225985",
        "2001:db8",
        "2001:db8::1::2",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "::g",
        "fe80::1%eth0",
        "[::1]",
        "192.0.2.1/32",
        ":::",
        "::ffff:192.0.2",
        "1.2.3.4:80",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ip read;
        memset(&read, 9, sizeof(read));
        struct ip kept = read;
        if (ip_parse(bad[i], &read) || !ip_is_equal(&read, &kept)) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

static void
kinds_of_ip(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_v4, is_link_local, is_group;
    } cases[] = {
        {"192.0.2.1", true, false, false},         {"169.254.0.1", true, true, false},
        {"169.253.255.255", true, false, false},   {"169.255.0.0", true, false, false},
        {"223.255.255.255", true, false, false},   {"224.0.0.0", true, false, true},
        {"239.255.255.255", true, false, true},    {"240.0.0.0", true, false, false},
        {"255.255.255.255", true, false, true},    {"255.255.255.254", true, false, false},
        {"0.0.0.0", true, false, false},           {"2001:db8::1", false, false, false},
        {"fe7f::1", false, false, false},          {"fe80::1", false, true, false},
        {"febf:ffff::1", false, true, false},      {"fec0::1", false, false, false},
        {"feff::", false, false, false},           {"ff00::", false, false, true},
        {"ff02::1", false, false, true},           {"::fffe:c000:201", false, false, false},
        {"1::ffff:c000:201", false, false, false}, {"::ffff:224.0.0.1", true, false, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ip read = ip(cases[i].text);
        if (ip_is_v4(&read) != cases[i].is_v4 ||
            ip_is_link_local(&read) != cases[i].is_link_local ||
            ip_is_group(&read) != cases[i].is_group || ip_is_none(&read)) {
            fail_msg("%s", cases[i].text);
        }
    }
    struct ip none = ip("::");
    assert_true(ip_is_none(&none) && !ip_is_v4(&none));
}

static void
ips_are_made_of_bytes(void **state)
{
    (void)state;
    static const uint8_t four[4] = {192, 0, 2, 1};
    static const uint8_t sixteen[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    struct ip made = ip_from_v4(four), wanted = ip("192.0.2.1");
    assert_true(ip_is_equal(&made, &wanted));
    assert_memory_equal(made.b, mapped, 16);
    made = ip_from_v6(mapped);
    assert_true(ip_is_equal(&made, &wanted)); /* one address, one value */
    made = ip_from_v6(sixteen);
    wanted = ip("2001:db8::1");
    assert_true(ip_is_equal(&made, &wanted));
}

static void
prefixes_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned length;
        const char *formatted;
    } cases[] = {
        {"192.0.2.0/24", 120, "192.0.2.0/24"},
        {"192.0.2.128/25", 121, "192.0.2.128/25"},
        {"192.0.2.7", 128, "192.0.2.7"},
        {"192.0.2.7/32", 128, "192.0.2.7"},
        {"10.0.0.0/8", 104, "10.0.0.0/8"},
        {"0.0.0.0/0", 96, "0.0.0.0/0"},
        {"128.0.0.0/1", 97, "128.0.0.0/1"},
        {"2001:db8::/32", 32, "2001:db8::/32"},
        {"2001:DB8:8000::/33", 33, "2001:db8:8000::/33"},
        {"8000::/1", 1, "8000::/1"},
        {"::/1", 1, "::/1"},
        {"2001:db8::1", 128, "2001:db8::1"},
        {"2001:db8::1/128", 128, "2001:db8::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", 127,
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct prefix read = prefix(cases[i].text);
        char text[PREFIX_TEXT_SIZE];
        assert_int_equal(read.length, cases[i].length);
        assert_false(prefix_is_none(&read));
        prefix_format(&read, text);
        assert_string_equal(text, cases[i].formatted);
    }
}

static void
what_is_no_prefix_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/",
        "/24",
        "192.0.2.0/",
        "192.0.2.0/-1",
        "192.0.2.0/+8",
        "192.0.2.0/ 24",
        "192.0.2.0/24 ",
        "192.0.2.0/24/8",
        "192.0.2.0/0x18",
        "192.0.2.0/33",
        "2001:db8::/129",
        "2001:db8::/18446744073709551648", /* 2^64 + 32 */
        "host/24",
        "192.0.2/24",
        "192.0.2.1/24", /* host bits */
        "192.0.2.0/22",
        "192.0.2.1/31",
        "10.0.0.1/0",
        "2001:db8::1/32",
        "2001:db8::1/127",
        "2001:db8:8000::/32",
        "::1/0",
        "::/0", /* would read as "none", which is nobody */
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct prefix read = {.length = 99};
        if (prefix_parse(bad[i], &read) || read.length != 99) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

static void
prefixes_have_what_is_in_them(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *ip;
        bool has;
    } cases[] = {
        {"192.0.2.0/24", "192.0.2.0", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.1.255", false},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.0/25", "192.0.2.127", true},
        {"192.0.2.0/25", "192.0.2.128", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"0.0.0.0/0", "203.0.113.5", true},
        {"0.0.0.0/0", "2001:db8::1", false}, /* the other family is not in it */
        {"::/1", "192.0.2.1", true},         /* but all of IPv4 sits in ::/96 */
        {"2000::/3", "192.0.2.1", false},
        {"2001:db8::/33", "2001:db8:7fff:ffff::1", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8::2", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct prefix read = prefix(cases[i].prefix);
        struct ip address = ip(cases[i].ip);
        if (prefix_has(&read, &address) != cases[i].has) {
            fail_msg("%s in %s", cases[i].ip, cases[i].prefix);
        }
    }
}

static void
no_prefix_is_nobody_not_everybody(void **state)
{
    (void)state;
    struct prefix none = {.length = 0};
    struct ip addresses[] = {ip("192.0.2.1"), ip("2001:db8::1"), ip("::")};
    assert_true(prefix_is_none(&none));
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        assert_false(prefix_has(&none, &addresses[i]));
    }
}

/* Every pattern of empty groups, with groups of each length. */
static void
ipv6_is_written_as_the_library_writes_it(void **state)
{
    (void)state;
    static const unsigned groups[] = {0x1, 0xa0, 0xffff, 0x102, 0x20, 0xf00d, 0x304};
    for (unsigned pattern = 0; pattern < 256; pattern++) {
        for (size_t shift = 0; shift < COUNT_OF(groups); shift++) {
            struct ip ip;
            char text[IP_TEXT_SIZE], wanted[INET6_ADDRSTRLEN];
            for (size_t i = 0; i < 8; i++) {
                unsigned group = pattern >> i & 1 ? groups[(i + shift) % COUNT_OF(groups)] : 0;
                ip.b[2 * i] = (uint8_t)(group >> 8);
                ip.b[2 * i + 1] = (uint8_t)(group & 0xff);
            }
            ip_format(&ip, text);
            if (!ip_is_v4(&ip)) {
                assert_non_null(inet_ntop(AF_INET6, ip.b, wanted, sizeof(wanted)));
                assert_string_equal(text, wanted);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6_is_written_as_the_library_writes_it),
        cmocka_unit_test(macs_are_read_in_every_way_of_writing),
        cmocka_unit_test(what_is_no_mac_is_refused),
        cmocka_unit_test(no_prefix_of_a_mac_is_a_mac),
        cmocka_unit_test(kinds_of_mac),
        cmocka_unit_test(ips_are_written_as_rfc_5952_says),
        cmocka_unit_test(what_is_no_ip_is_refused),
        cmocka_unit_test(kinds_of_ip),
        cmocka_unit_test(ips_are_made_of_bytes),
        cmocka_unit_test(prefixes_are_read_and_written),
        cmocka_unit_test(what_is_no_prefix_is_refused),
        cmocka_unit_test(prefixes_have_what_is_in_them),
        cmocka_unit_test(no_prefix_is_nobody_not_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
