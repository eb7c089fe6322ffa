/* LLDP: what we send can be read again, what others send is read, what is malformed is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "edge/lldp.h"
#include "frames.h"

#define HEAD "0180c200000e 020000000001 88cc "
#define CHASSIS "0207 04 020000000099 "
#define PORT "0403 05 7031 "
#define TTL "0602 0078 "

static bool
parse_hex(const char *hex, struct lldp_neighbour *neighbour)
{
    struct frame frame;
    frame_hex(&frame, hex);
    uint8_t *copy = malloc(frame.size);
    assert_non_null(copy);
    memcpy(copy, frame.b, frame.size);
    bool is_parsed = lldp_parse(copy, frame.size, neighbour);
    free(copy);
    return is_parsed;
}

static struct lldp_self
self_make(void)
{
    struct lldp_self self = {.chassis = mac_of_text("02:00:00:00:00:99"),
                             .port_mac = mac_of_text("02:00:00:00:00:01"),
                             .port = "p1",
                             .system_name = "edge-1",
                             .management = ip_of_text("192.0.2.9"),
                             .ttl_s = 120};
    return self;
}

static void
what_we_send_can_be_read(void **state)
{
    (void)state;
    uint8_t frame[LLDP_FRAME_MAX];
    struct lldp_self self = self_make();
    struct lldp_neighbour neighbour;
    size_t size = lldp_make(&self, frame);
    assert_true(size <= LLDP_FRAME_MAX);
    assert_true(lldp_parse(frame, size, &neighbour));
    assert_string_equal(neighbour.chassis, "02:00:00:00:00:99");
    assert_string_equal(neighbour.port, "p1");
    assert_string_equal(neighbour.system_name, "edge-1");
    assert_int_equal(neighbour.ttl_s, 120);
    assert_true(neighbour.is_bridge);
}

static void
the_longest_frame_fits(void **state)
{
    (void)state;
    uint8_t frame[LLDP_FRAME_MAX];
    struct lldp_self self = self_make();
    struct lldp_neighbour neighbour;
    memset(self.port, 'p', sizeof(self.port) - 1);
    memset(self.system_name, 's', sizeof(self.system_name) - 1);
    self.management = ip_of_text("2001:db8::1");
    self.ttl_s = 65535;
    size_t size = lldp_make(&self, frame);
    assert_true(lldp_parse(frame, size, &neighbour));
    assert_string_equal(neighbour.port, self.port);
    assert_string_equal(neighbour.system_name, self.system_name);
    assert_int_equal(neighbour.ttl_s, 65535);
}

/* Byte for byte, but for the description, which has our version. */
static void
our_frame_is_golden(void **state)
{
    (void)state;
    uint8_t frame[LLDP_FRAME_MAX];
    struct frame before, behind;
    struct lldp_self self = self_make();
    size_t size = lldp_make(&self, frame);
    frame_hex(&before, "0180c200000e 020000000001 88cc 0207 04 020000000099 0403 05 7031"
                       "0602 0078 0a06 656467652d31");
    frame_hex(&behind, "0e04 0004 0004 100c 05 01 c0000209 01 00000000 00 0000");
    assert_memory_equal(frame, before.b, before.size);
    size_t at = before.size;
    assert_int_equal(frame[at], 6 << 1);
    at += 2u + frame[at + 1];
    assert_int_equal(size - at, behind.size);
    assert_memory_equal(frame + at, behind.b, behind.size);
}

static void
ids_become_text(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *chassis, *port;
    } known[] = {
        {HEAD CHASSIS "0407 03 0200000000aa " TTL "0000", "02:00:00:00:00:99", "02:00:00:00:00:aa"},
        {HEAD "0206 05 01 c0000201 0403 07 3235 " TTL "0000", "192.0.2.1", "25"},
        {HEAD "0212 05 02 20010db8000000000000000000000001 0406 04 01 c0000202 " TTL "0000",
         "2001:db8::1", "192.0.2.2"},
        {HEAD "0204 07 737731 0405 01 65746830 " TTL, "sw1", "eth0"}, /* no end: still whole */
        {HEAD "0204 07 731b31 0403 05 7000 " TTL "0000", "s?1", "p"},
        {HEAD "0204 04 020304 " PORT TTL "0000", "???", "p1"}, /* not a MAC: three bytes */
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct lldp_neighbour neighbour;
        assert_true(parse_hex(known[i].hex, &neighbour));
        assert_string_equal(neighbour.chassis, known[i].chassis);
        assert_string_equal(neighbour.port, known[i].port);
    }
}

static void
capabilities_and_good_bye(void **state)
{
    (void)state;
    struct lldp_neighbour neighbour;
    assert_true(parse_hex(HEAD CHASSIS PORT "0602 0000 0000", &neighbour));
    assert_int_equal(neighbour.ttl_s, 0);
    /* it could bridge, but does not: a telephone */
    assert_true(parse_hex(HEAD CHASSIS PORT TTL "0e04 0024 0020 0000", &neighbour));
    assert_false(neighbour.is_bridge);
    assert_true(parse_hex(HEAD CHASSIS PORT TTL "0e04 0024 0004 0000", &neighbour));
    assert_true(neighbour.is_bridge);
    /* an organisation's own TLV (127) is passed over */
    assert_true(parse_hex(HEAD CHASSIS PORT TTL "fe06 00120f010203 0a01 78 0000", &neighbour));
    assert_string_equal(neighbour.system_name, "x");
}

static void
malformed_frames_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "0180c200000e 020000000001 88cd " CHASSIS PORT TTL "0000", /* another protocol */
        HEAD "0000",                                               /* nothing in it */
        HEAD CHASSIS "0000",
        HEAD CHASSIS PORT "0000",
        HEAD CHASSIS PORT,            /* no time to live, no end */
        HEAD PORT CHASSIS TTL "0000", /* out of order */
        HEAD CHASSIS TTL PORT "0000",
        HEAD CHASSIS PORT "0a01 78 " TTL "0000",
        HEAD CHASSIS PORT TTL CHASSIS "0000", /* twice */
        HEAD CHASSIS PORT TTL TTL "0000",
        HEAD "0200 " PORT TTL "0000",                /* no subtype */
        HEAD "0201 04 " PORT TTL "0000",             /* no id */
        HEAD "0206 05 02 c0000201 " PORT TTL "0000", /* an IPv4 address that says IPv6 */
        HEAD CHASSIS PORT "0601 78 0000",            /* half a time to live */
        HEAD CHASSIS PORT TTL "0e03 000400 0000",    /* half the capabilities */
        HEAD CHASSIS PORT TTL "0bff 78",             /* longer than the frame */
        HEAD CHASSIS PORT TTL "0a",                  /* half a TLV's head */
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct lldp_neighbour neighbour;
        if (parse_hex(wrong[i], &neighbour)) {
            fail_msg("taken for LLDP: %s", wrong[i]);
        }
    }
}

/* Whole only where it ends with a TLV behind the mandatory ones. */
static void
every_prefix(void **state)
{
    (void)state;
    uint8_t frame[LLDP_FRAME_MAX];
    struct lldp_self self = self_make();
    size_t size = lldp_make(&self, frame), edge = 14, tlvs = 0;
    for (size_t cut = 0; cut < size; cut++) {
        struct lldp_neighbour neighbour;
        uint8_t *copy = malloc(cut ? cut : 1);
        assert_non_null(copy);
        memcpy(copy, frame, cut);
        if (cut > edge) {
            edge += 2u + ((frame[edge] & 1u) << 8) + frame[edge + 1];
            tlvs++;
        }
        bool is_whole = cut == edge && tlvs >= 3;
        assert_int_equal(lldp_parse(copy, cut, &neighbour), is_whole);
        free(copy);
    }
}

static void
too_many_tlvs_end(void **state)
{
    (void)state;
    struct frame frame;
    struct lldp_neighbour neighbour;
    frame_hex(&frame, HEAD CHASSIS PORT TTL);
    while (frame.size + 2 < 1500) {
        frame_put16(&frame, 0x0800); /* an empty port description */
    }
    assert_true(lldp_parse(frame.b, frame.size, &neighbour));
    assert_string_equal(neighbour.port, "p1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_send_can_be_read),
        cmocka_unit_test(the_longest_frame_fits),
        cmocka_unit_test(our_frame_is_golden),
        cmocka_unit_test(ids_become_text),
        cmocka_unit_test(capabilities_and_good_bye),
        cmocka_unit_test(malformed_frames_are_refused),
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(too_many_tlvs_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
