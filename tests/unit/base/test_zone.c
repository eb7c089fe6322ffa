/* Zones: the machine's own files against what people there know, rules beyond the list, and bytes
 * that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/zone.h"

static int64_t
at(const char *text)
{
    int64_t us;
    assert_int_equal(time_parse(text, &us), 0);
    return us / 1000000;
}

/* A zone file of version 2 with no list, only this rule. */
static size_t
file_of_rule(const char *rule, uint8_t bytes[512])
{
    size_t used = 0;
    for (int block = 0; block < 2; block++) {
        uint8_t header[44] = "TZif2";
        header[39] = 1; /* one type */
        header[43] = 4; /* and its name */
        memcpy(bytes + used, header, sizeof(header));
        used += sizeof(header);
        memcpy(bytes + used, "\0\0\0\0\0\0LMT\0", 10);
        used += 10;
    }
    bytes[used++] = '\n';
    memcpy(bytes + used, rule, strlen(rule));
    used += strlen(rule);
    bytes[used++] = '\n';
    return used;
}

static struct zone *
zone_of_rule(const char *rule)
{
    uint8_t bytes[512];
    struct zone *zone = NULL;
    size_t size = file_of_rule(rule, bytes);
    assert_int_equal(zone_parse(bytes, size, &zone), 0);
    return zone;
}

static void
test_days(void **state)
{
    (void)state;
    assert_int_equal(day_of_date(1970, 1, 1), 0);
    assert_int_equal(day_of_date(2000, 3, 1), 11017);
    assert_int_equal(day_of_date(2026, 11, 29), at("2026-11-29T00:00:00Z") / 86400);
    assert_int_equal(day_of_date(1969, 12, 31), -1);
    assert_int_equal(day_of_date(2024, 2, 29) + 1, day_of_date(2024, 3, 1));
}

static void
test_rules_of_summer_time(void **state)
{
    static const struct {
        const char *rule, *time;
        int32_t offset_s;
    } rows[] = {
        {"JST-9", "2026-07-01T00:00:00Z", 32400},
        {"<+0330>-3:30", "2026-07-01T00:00:00Z", 12600},
        /* Berlin: last Sundays of March and October, at one o'clock UTC. */
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2099-07-01T00:00:00Z", 7200},
        /* New York: second Sunday of March, first of November, at two by the clocks. */
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18000},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14400},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01T05:59:59Z", -14400},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18000},
        /* South of the equator summer goes over the new year. */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 39600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 36000},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-12-31T23:00:00Z", 39600},
        /* By days of the year, February 29th counted and not; a time before midnight. */
        {"AAA0BBB,59/0,J300/0", "2024-02-28T23:59:59Z", 0},
        {"AAA0BBB,59/0,J300/0", "2024-02-29T00:00:00Z", 3600},
        {"AAA0BBB,J60/0,J300/0", "2024-02-29T23:59:59Z", 0},
        {"AAA0BBB,J60/0,J300/0", "2024-03-01T00:00:00Z", 3600},
        {"AAA0BBB,J60/-1,J300/0", "2024-02-29T23:00:00Z", 3600},
        {"AAA0BBB-2,J60/0,J300/0", "2024-06-01T00:00:00Z", 7200},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct zone *zone = zone_of_rule(rows[i].rule);
        int32_t offset_s = zone_offset_s(zone, at(rows[i].time));
        if (offset_s != rows[i].offset_s) {
            fail_msg("%s at %s: %d", rows[i].rule, rows[i].time, offset_s);
        }
        zone_free(zone);
    }
}

static void
test_the_machines_zones(void **state)
{
    struct zone *zone = NULL;
    (void)state;
    if (zone_load("Europe/Berlin", &zone) == -ENOENT) {
        skip(); /* no zone files here */
    }
    assert_int_equal(zone_offset_s(zone, at("2026-01-01T00:00:00Z")), 3600);
    assert_int_equal(zone_offset_s(zone, at("2026-07-01T00:00:00Z")), 7200);
    assert_int_equal(zone_offset_s(zone, at("2120-07-01T00:00:00Z")), 7200); /* beyond any list */
    assert_int_equal(zone_offset_s(zone, at("1985-07-01T00:00:00Z")), 7200);
    zone_free(zone);
    assert_int_equal(zone_load("Asia/Tokyo", &zone), 0);
    assert_int_equal(zone_offset_s(zone, at("2026-07-01T00:00:00Z")), 32400);
    zone_free(zone);
    assert_int_equal(zone_load("", &zone), 0);
    zone_free(zone);
}

static void
test_names(void **state)
{
    static const char *const bad[] = {
        "../etc/passwd", "/etc/localtime", "Asia/../../x", "A b", "Asia//Tokyo", ".", "a%n"};
    struct zone *zone = NULL;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(zone_load(bad[i], &zone), -EINVAL);
    }
    assert_int_equal(zone_load("Nowhere/Atlantis", &zone), -ENOENT);
}

static void
test_what_clocks_show(void **state)
{
    struct zone *zone = zone_of_rule("CET-1CEST,M3.5.0,M10.5.0/3");
    (void)state;
    assert_int_equal(zone_to_utc_s(zone, at("2026-07-01T12:00:00Z")), at("2026-07-01T10:00:00Z"));
    assert_int_equal(zone_to_utc_s(zone, at("2026-01-01T12:00:00Z")), at("2026-01-01T11:00:00Z"));
    /* 02:30 never comes on the 29th of March, and comes twice on the 25th of October. */
    assert_int_equal(zone_to_utc_s(zone, at("2026-03-29T02:30:00Z")), at("2026-03-29T01:30:00Z"));
    assert_int_equal(zone_to_utc_s(zone, at("2026-10-25T02:30:00Z")), at("2026-10-25T00:30:00Z"));
    assert_int_equal(zone_to_utc_s(zone, at("2026-10-25T03:00:00Z")), at("2026-10-25T02:00:00Z"));
    zone_free(zone);
}

static void
test_every_prefix_is_refused(void **state)
{
    uint8_t bytes[512];
    struct zone *zone = NULL;
    size_t size = file_of_rule("EST5EDT,M3.2.0,M11.1.0", bytes);
    (void)state;
    for (size_t i = 0; i < size; i++) {
        uint8_t *part = mem_new(i + 1, 1);
        memcpy(part, bytes, i);
        assert_int_equal(zone_parse(part, i, &zone), -EBADMSG);
        free(part);
    }
    assert_int_equal(zone_parse(bytes, size, &zone), 0);
    zone_free(zone);
}

static void
test_rules_that_are_none(void **state)
{
    static const char *const bad[] = {"A0",
                                      "AAA",
                                      "AAA-99",
                                      "AAA0BBB",
                                      "AAA0BBB,M3.5.0",
                                      "AAA0 ",
                                      "<+03-3",
                                      "AAA0BBB,M13.1.0,M4.1.0",
                                      "AAA0BBB,M3.6.0,M4.1.0",
                                      "AAA0BBB,M3.5.7,M4.1.0",
                                      "AAA0BBB,J0,J300",
                                      "AAA0BBB,366,1",
                                      "AAA0BBB,M3.5.0,M4.1.0x",
                                      "AAA0BBB,M0.1.0,M4.1.0",
                                      "AAA0BBB,M3.1.0/168,M4.1.0"};
    uint8_t bytes[512];
    struct zone *zone = NULL;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        size_t size = file_of_rule(bad[i], bytes);
        if (zone_parse(bytes, size, &zone) != -EBADMSG) {
            fail_msg("%s was taken", bad[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_rules_of_summer_time),
        cmocka_unit_test(test_the_machines_zones),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_clocks_show),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_rules_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
