/* What people say of a machine goes with its MACs: through joins, forgetting, and before it was
 * ever seen. */
#include "campus.h"

#define OLD_MAC "02:00:00:00:00:02"
#define NEW_MAC "02:00:00:00:00:22"
#define CLIENT "ff00112233"

static void
say(struct campus *c, const char *mac, const char *note, int64_t at_us)
{
    struct mac to = mac_of(mac);
    struct annotation annotation = {.class = CLASS_MEDICAL, .changed_us = at_us};
    snprintf(annotation.note, sizeof(annotation.note), "%s", note);
    annotation.class = note[0] ? CLASS_MEDICAL : CLASS_UNKNOWN;
    assert_true(topology_annotate(c->topology, &to, &annotation));
}

static const char *
said_of(const struct campus *c, const char *mac)
{
    const struct annotation *annotation = endpoint_of(c, mac)->annotation;
    return annotation ? annotation->note : NULL;
}

static void
a_machine_can_be_described_before_it_is_seen(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    say(c, OLD_MAC, "pump", 1);
    assert_int_equal(topology_endpoint_count(c->topology), 0);
    seen(c, "e1", "p3", OLD_MAC);
    seen(c, "e1", "p4", NEW_MAC);
    assert_string_equal(said_of(c, OLD_MAC), "pump");
    assert_int_equal(endpoint_of(c, OLD_MAC)->annotation->class, CLASS_MEDICAL);
    assert_null(said_of(c, NEW_MAC));
    say(c, OLD_MAC, "", 2);
    assert_null(said_of(c, OLD_MAC));
    assert_int_equal(topology_annotation_count(c->topology), 0);
    campus_free(c);
}

static void
of_two_macs_the_last_word_counts(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    say(c, OLD_MAC, "before", 1);
    say(c, NEW_MAC, "after", 2);
    lease(c, "e1", "p3", OLD_MAC, "192.0.2.7", CLIENT, "c2");
    assert_string_equal(said_of(c, OLD_MAC), "before");
    after_s(c, 60);
    seen(c, "e1", "p3", NEW_MAC);
    after_s(c, 1);
    lease(c, "e1", "p3", NEW_MAC, "192.0.2.8", CLIENT, "c2");
    assert_int_equal(endpoint_of(c, OLD_MAC)->mac_count, 2);
    assert_string_equal(said_of(c, OLD_MAC), "after");
    say(c, OLD_MAC, "corrected", 3);
    assert_string_equal(said_of(c, NEW_MAC), "corrected");
    say(c, OLD_MAC, "", 4);
    assert_string_equal(said_of(c, NEW_MAC), "after");
    campus_free(c);
}

static void
it_outlives_the_endpoint(void **state)
{
    (void)state;
    struct topology_settings settings = {.endpoint_limit = 2};
    struct campus *c = campus_new(&settings);
    seen(c, "e1", "p3", OLD_MAC);
    say(c, OLD_MAC, "pump", 1);
    after_s(c, 3600);
    seen(c, "e1", "p4", "02:00:00:00:00:41");
    seen(c, "e1", "p5", "02:00:00:00:00:42");
    assert_null(endpoint_of(c, OLD_MAC)); /* made room */
    after_s(c, 3600);
    seen(c, "e2", "p1", OLD_MAC);
    assert_string_equal(said_of(c, OLD_MAC), "pump");
    campus_free(c);
}

static void
they_are_listed_by_mac_and_bounded(void **state)
{
    (void)state;
    struct campus *c = campus_new(NULL);
    struct annotation annotation = {.class = CLASS_IOT};
    struct mac mac;
    for (unsigned i = 0; i < 4001; i++) {
        unsigned mixed = i * 7919 % 4001; /* coprime: each once */
        mac = (struct mac){{2, 0, 0, 0, (uint8_t)(mixed >> 8), (uint8_t)mixed}};
        assert_true(topology_annotate(c->topology, &mac, &annotation));
    }
    size_t count = 0;
    struct mac last = {{0}};
    const struct mac *after = NULL;
    while (topology_annotation_after(c->topology, after, &mac)) {
        assert_true(memcmp(&mac, &last, sizeof(mac)) > 0 || count == 0);
        last = mac;
        after = &last;
        count++;
    }
    assert_int_equal(count, topology_annotation_count(c->topology));
    mac = (struct mac){{1, 0, 0, 0, 0, 0}}; /* below all, and not there */
    assert_non_null(topology_annotation_after(c->topology, &mac, &mac));
    for (unsigned i = 0; count < TOPOLOGY_ANNOTATIONS_MAX; i++, count++) {
        mac = (struct mac){{6, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        assert_true(topology_annotate(c->topology, &mac, &annotation));
    }
    mac = (struct mac){{8, 0, 0, 0, 0, 1}};
    assert_false(topology_annotate(c->topology, &mac, &annotation));
    assert_true(topology_annotate(c->topology, &last, &annotation)); /* a change needs no room */
    assert_true(topology_annotate(c->topology, &last, &(struct annotation){.version = 1}));
    assert_true(topology_annotate(c->topology, &mac, &annotation));
    campus_free(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_can_be_described_before_it_is_seen),
        cmocka_unit_test(of_two_macs_the_last_word_counts),
        cmocka_unit_test(it_outlives_the_endpoint),
        cmocka_unit_test(they_are_listed_by_mac_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
