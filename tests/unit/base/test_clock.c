/* Times as text and back, and the clock that stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"

static void
times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00+09:00", -32400000000},
        {"2026-03-09T02:58:24Z", 1773025104000000},
        {"2026-03-09T02:58:24.5Z", 1773025104500000},
        {"2026-03-09T02:58:24.532140Z", 1773025104532140},
        {"2026-03-09T02:58:24.532140999999999999999999Z", 1773025104532140},
        {"2026-03-09t02:58:24.532140z", 1773025104532140},
        {"2026-03-09 02:58:24.532140Z", 1773025104532140},
        {"2026-03-09T11:58:24.532140+09:00", 1773025104532140},
        {"2026-03-09T11:58:24.532140+0900", 1773025104532140},
        {"2026-03-08T21:28:24.532140-05:30", 1773025104532140},
        {"2026-03-09T02:58:24.532140-00:00", 1773025104532140},
        {"2026-03-01T00:30:00+01:00", 1772321400000000}, /* still February in UTC */
        {"2000-02-29T00:00:00Z", 951782400000000},
        {"2024-02-29T23:59:59.999999Z", 1709251199999999},
        {"2026-12-31T23:59:60Z", 1798761600000000}, /* a leap second is the next one */
        {"2200-12-31T23:59:59.999999Z", 7289654399999999},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = INT64_MIN;
        if (time_parse(cases[i].text, &us) != 0 || us != cases[i].us) {
            fail_msg("%s: %lld", cases[i].text, (long long)us);
        }
    }
}

static void
what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "yesterday",
        "2026",
        "2026-03-09",
        "2026-03-09T02:58Z",
        "2026-03-09T02:58:24", /* whose midnight? */
        "2026-03-09T02:58:24.Z",
        "2026-03-09T02:58:24Z ",
        " 2026-03-09T02:58:24Z",
        "2026-03-09T02:58:24ZZ",
        "2026-03-09T02:58:24+09",
        "2026-03-09T02:58:24+24:00",
        "2026-03-09T02:58:24+09:60",
        "2026-03-09T02:58:24 09:00",
        "2026-3-9T02:58:24Z",
        "26-03-09T02:58:24Z",
        "2026/03/09T02:58:24Z",
        "2026-00-09T02:58:24Z",
        "2026-13-09T02:58:24Z",
        "2026-03-00T02:58:24Z",
        "2026-03-32T02:58:24Z",
        "2026-04-31T02:58:24Z",
        "2023-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z", /* no leap year: a century */
        "2026-03-09T24:00:00Z",
        "2026-03-09T02:60:24Z",
        "2026-03-09T02:58:61Z",
        "1969-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "-026-03-09T02:58:24Z",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t us = 42;
        if (time_parse(bad[i], &us) != -EINVAL || us != 42) {
            fail_msg("%s is taken as %lld", bad[i], (long long)us);
        }
    }
}

/* Allocated to size, so that a sanitizer sees a read beyond the NUL. */
static void
no_prefix_of_a_time_is_a_time(void **state)
{
    (void)state;
    const char *whole = "2026-03-09T11:58:24.532140+09:00";
    for (size_t size = 0; size < strlen(whole); size++) {
        char *text = strndup(whole, size);
        int64_t us;
        assert_int_equal(time_parse(text, &us), -EINVAL);
        free(text);
    }
}

static void
times_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {-1000000, "1969-12-31T23:59:59.000000Z"},
        {1773025104532140, "2026-03-09T02:58:24.532140Z"},
        {1709251199999999, "2024-02-29T23:59:59.999999Z"},
        {253402300799999999, "9999-12-31T23:59:59.999999Z"},
        {-30610224000000000, "1000-01-01T00:00:00.000000Z"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[TIME_TEXT_SIZE];
        time_format(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* A peer's number may be anything; what is written must still have a time's form. */
static void
a_time_beyond_four_digits_of_years_is_written_as_the_first(void **state)
{
    (void)state;
    static const int64_t beyond[] = {253402300800000000, INT64_MAX, -30610224000000001, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(beyond); i++) {
        char text[TIME_TEXT_SIZE];
        time_format(beyond[i], text);
        assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    }
}

static void
a_fake_clock_stands_until_it_is_set(void **state)
{
    (void)state;
    struct clock_fake fake;
    clock_fake_init(&fake, 1773025104532140);
    int64_t boot = clock_boot_us(&fake.clock);
    assert_true(boot > 0); /* 0 means "never" in many structs */
    assert_int_equal(clock_wall_us(&fake.clock), 1773025104532140);
    assert_int_equal(clock_boot_us(&fake.clock), boot);
    clock_fake_advance(&fake, 25);
    assert_int_equal(clock_wall_us(&fake.clock), 1773025104532165);
    assert_int_equal(clock_boot_us(&fake.clock), boot + 25);
    fake.wall_now_us = 7; /* people set wall clocks back; intervals do not notice */
    assert_int_equal(clock_wall_us(&fake.clock), 7);
    assert_int_equal(clock_boot_us(&fake.clock), boot + 25);
}

static void
a_steady_clock_follows_a_slew_and_no_jump(void **state)
{
    (void)state;
    struct clock_fake fake;
    struct clock_steady steady;
    clock_fake_init(&fake, INT64_C(1773025104000000));
    clock_steady_init(&steady, &fake.clock);
    clock_fake_advance(&fake, 500000);
    assert_int_equal(clock_wall_us(&steady.clock), fake.wall_now_us);
    for (int i = 0; i < 10; i++) { /* ten seconds in all */
        fake.wall_now_us += 1000000;
        assert_int_equal(clock_wall_us(&steady.clock), fake.wall_now_us);
        assert_int_equal(clock_steady_jump_us(&steady), 0);
    }
    static const int64_t jumps[] = {INT64_C(3600000000), INT64_C(-7200000000), 2000000, -2000000};
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        int64_t before = fake.wall_now_us;
        fake.wall_now_us += jumps[i];
        assert_int_equal(clock_wall_us(&steady.clock), before);
        clock_fake_advance(&fake, 1000000);
        assert_int_equal(clock_wall_us(&steady.clock), before + 1000000);
        assert_int_equal(clock_steady_jump_us(&steady), jumps[i]);
        clock_steady_follow(&steady);
        assert_int_equal(clock_steady_jump_us(&steady), 0);
        assert_int_equal(clock_wall_us(&steady.clock), fake.wall_now_us);
    }
}

static void
a_peers_clock_differs_by_the_most_that_it_said(void **state)
{
    (void)state;
    const int64_t now = INT64_C(1700000000000000), s = 1000000, hour = 3600 * s;
    struct clock_skew skew = {.since_us = 0};
    assert_int_equal(clock_skew_us(&skew), 0);
    clock_skew_note(&skew, 0, now); /* it does not say */
    assert_int_equal(clock_skew_us(&skew), 0);
    clock_skew_note(&skew, now - 60 * s, now); /* delayed, or wrong: not known yet */
    assert_int_equal(clock_skew_us(&skew), -60 * s);
    clock_skew_note(&skew, now - s, now); /* it was delayed */
    clock_skew_note(&skew, now - 60 * s, now);
    assert_int_equal(clock_skew_us(&skew), 0);
    clock_skew_note(&skew, now + hour, now); /* set forward */
    assert_int_equal(clock_skew_us(&skew), hour);
    clock_skew_note(&skew, now + hour, now + hour); /* and right again: known an hour later */
    assert_int_equal(clock_skew_us(&skew), hour);
    clock_skew_note(&skew, now + 2 * hour, now + 2 * hour);
    assert_int_equal(clock_skew_us(&skew), 0);
    clock_skew_note(&skew, now + 9 * hour, now + 10 * hour); /* nothing was heard in between */
    assert_int_equal(clock_skew_us(&skew), -hour);
}

static void
what_came_late_may_have_been_earlier(void **state)
{
    (void)state;
    const int64_t now = INT64_C(1700000000000000), s = 1000000, hour = 3600 * s;
    struct clock_skew skew = {.since_us = 0};
    uint64_t unsure = 1;
    clock_skew_note(&skew, now, now);
    assert_int_equal(clock_skew_translate_us(&skew, now - 5, now, now, &unsure), now - 5);
    assert_int_equal(unsure, 0);
    /* a minute on the way: from 65 s ago, as it says, to 5 s ago, as if it had come at once */
    assert_int_equal(clock_skew_translate_us(&skew, now - 65 * s, now - 60 * s, now, &unsure),
                     now - 5 * s);
    assert_int_equal(unsure, CLOCK_AGREE_US + 60 * s);
    /* a clock that is known to be wrong explains it all */
    skew = (struct clock_skew){.since_us = 0};
    clock_skew_note(&skew, now - hour, now);
    assert_int_equal(clock_skew_translate_us(&skew, now - hour - 5 * s, now - hour, now, &unsure),
                     now - 5 * s);
    assert_int_equal(unsure, CLOCK_AGREE_US);
    /* nonsense */
    (void)clock_skew_translate_us(&skew, INT64_MIN, INT64_MAX, now, &unsure);
    (void)clock_skew_translate_us(&skew, INT64_MAX, 1, now, &unsure);
    (void)clock_skew_translate_us(&skew, 1, INT64_MAX, now, &unsure);
}

static void
a_peers_time_is_translated_by_its_age(void **state)
{
    (void)state;
    const int64_t now = INT64_C(1773025104000000), hour = INT64_C(3600000000);
    assert_int_equal(clock_translate_us(now - 5, 0, now), now - 5); /* it does not say */
    assert_int_equal(clock_translate_us(now - 5, now + 1000000, now), now - 5); /* on its way */
    assert_int_equal(clock_translate_us(now + hour - 7, now + hour, now), now - 7);
    assert_int_equal(clock_translate_us(now - hour - 7, now - hour, now), now - 7);
    assert_int_equal(clock_translate_us(now + 2 * hour, now + hour, now),
                     now); /* after it was sent */
    assert_int_equal(clock_translate_us(0, now + hour, now), 0);
    assert_int_equal(clock_translate_us(1, INT64_MAX, now), now);
    assert_int_equal(clock_translate_us(INT64_MIN, INT64_MAX, now), INT64_MIN);
}

static void
the_machines_clock_counts_microseconds(void **state)
{
    (void)state;
    const struct clock *clock = clock_system();
    int64_t before = (int64_t)time(NULL) - 1, boot = clock_boot_us(clock);
    int64_t wall = clock_wall_us(clock);
    /* time() may be behind by a tick */
    assert_true(wall / 1000000 >= before && wall / 1000000 <= (int64_t)time(NULL) + 1);
    assert_true(boot > 0 && clock_boot_us(clock) >= boot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(no_prefix_of_a_time_is_a_time),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(a_time_beyond_four_digits_of_years_is_written_as_the_first),
        cmocka_unit_test(a_fake_clock_stands_until_it_is_set),
        cmocka_unit_test(a_steady_clock_follows_a_slew_and_no_jump),
        cmocka_unit_test(a_peers_clock_differs_by_the_most_that_it_said),
        cmocka_unit_test(what_came_late_may_have_been_earlier),
        cmocka_unit_test(a_peers_time_is_translated_by_its_age),
        cmocka_unit_test(the_machines_clock_counts_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
