/* MACs, IPs and prefixes: as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/macros.h"
#include "model/addr.h"

static void
macs(void **state)
{
    (void)state;
    static const char *const good[] = {"02:00:00:aB:01:02", "02-00-00-ab-01-02", "0200.00ab.0102",
                                       "020000ab0102"};
    static const char *const bad[] = {"",      "02:00:00:ab:01",       "02:00:00:ab:01:0g",
                                      "02:00", "02:00:00:ab:01:02:03", "020000ab01021"};
    struct mac mac, first;
    char text[MAC_TEXT_SIZE];
    assert_true(mac_parse(good[0], &first));
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(mac_parse(good[i], &mac));
        assert_true(mac_is_equal(&mac, &first));
    }
    mac_format(&first, text);
    assert_string_equal(text, "02:00:00:ab:01:02");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (mac_parse(bad[i], &mac)) {
            fail_msg("%s is taken", bad[i]);
        }
    }
    assert_true(mac_parse("01:00:5e:00:00:01", &mac) && mac_is_group(&mac));
    assert_false(mac_is_group(&first) || mac_is_none(&first));
    assert_true(mac_parse("00:00:5e:00:01:0a", &mac) && mac_is_virtual_router(&mac));
    assert_true(mac_parse("00:00:0c:07:ac:01", &mac) && mac_is_virtual_router(&mac));
    assert_true(mac_parse("00:00:0c:9f:f0:01", &mac) && mac_is_virtual_router(&mac));
    assert_false(mac_is_virtual_router(&first));
}

/* RFC 5952 section 4, and IPv4 in its mapped form. */
static void
ips(void **state)
{
    (void)state;
    static const struct {
        const char *text, *formatted;
    } cases[] = {{"192.0.2.1", "192.0.2.1"},
                 {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
                 {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
                 {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
                 {"fe80::1", "fe80::1"}};
    static const char *const bad[] = {"", "192.0.2", "192.0.2.256", "1.2.3.4.5", "2001:db8::1::2",
                                      "host", "fe80::1%eth0"};
    struct ip ip;
    char text[IP_TEXT_SIZE];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(ip_parse(cases[i].text, &ip));
        ip_format(&ip, text);
        assert_string_equal(text, cases[i].formatted);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (ip_parse(bad[i], &ip)) {
            fail_msg("%s is taken", bad[i]);
        }
    }
    assert_true(ip_parse("192.0.2.1", &ip) && ip_is_v4(&ip) && !ip_is_link_local(&ip));
    assert_true(ip_parse("169.254.3.4", &ip) && ip_is_link_local(&ip));
    assert_true(ip_parse("fe80::1", &ip) && ip_is_link_local(&ip) && !ip_is_v4(&ip));
    assert_true(ip_parse("224.0.0.251", &ip) && ip_is_group(&ip));
    assert_true(ip_parse("255.255.255.255", &ip) && ip_is_group(&ip));
    assert_true(ip_parse("ff02::1", &ip) && ip_is_group(&ip));
}

static void
prefixes(void **state)
{
    (void)state;
    static const char *const bad[] = {"192.0.2.1/24", "192.0.2.0/33", "2001:db8::1/32",
                                      "192.0.2.0/",   "192.0.2.0/-1", "/24"};
    struct prefix prefix;
    struct ip ip;
    char text[PREFIX_TEXT_SIZE];
    assert_true(prefix_parse("192.0.2.0/24", &prefix));
    assert_int_equal(prefix.length, 120);
    prefix_format(&prefix, text);
    assert_string_equal(text, "192.0.2.0/24");
    assert_true(ip_parse("192.0.2.200", &ip) && prefix_has(&prefix, &ip));
    assert_true(ip_parse("192.0.3.0", &ip) && !prefix_has(&prefix, &ip));
    assert_true(prefix_parse("192.0.2.7", &prefix));
    prefix_format(&prefix, text);
    assert_string_equal(text, "192.0.2.7");
    assert_true(prefix_parse("2001:db8::/33", &prefix));
    assert_true(ip_parse("2001:db8:7fff::1", &ip) && prefix_has(&prefix, &ip));
    assert_true(ip_parse("2001:db8:8000::1", &ip) && !prefix_has(&prefix, &ip));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (prefix_parse(bad[i], &prefix)) {
            fail_msg("%s is taken", bad[i]);
        }
    }
    prefix = (struct prefix){.length = 0};
    assert_true(prefix_is_none(&prefix));
    assert_false(prefix_has(&prefix, &ip)); /* none is nobody, not everybody */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macs),
        cmocka_unit_test(ips),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
