/* What makes room where the budget of evidence or of detections is spent, and what does not. */
#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
test_the_oldest_evidence_makes_room(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    open_store(f);
    store_set_budget(f->store, 30000, 1000000);
    uint8_t *pcap = calloc(1, 10000);
    for (int i = 0; i < 8; i++) {
        struct evidence evidence = {.pcap = pcap, .size = 10000};
        snprintf(evidence.detection_id, sizeof(evidence.detection_id), "d-%d", i);
        struct store_change *change = store_change_new();
        store_put_evidence(change, &evidence);
        store_submit(f->store, change, on_done, &outcome);
    }
    wait_for(f, &outcome, 8);
    free(pcap);
    struct evidence back;
    /* The store thread clears up when nothing waits: look until it did. */
    while (store_read_evidence(f->store, "d-4", &back) == 0) {
        free(back.pcap);
        usleep(1000);
    }
    assert_int_equal(store_read_evidence(f->store, "d-0", &back), -ENOENT);
    assert_int_equal(store_read_evidence(f->store, "d-5", &back), 0); /* exactly the budget */
    free(back.pcap);
    close_store(f);
}

static void
put_found(struct fixture *f, const char *id, const char *incident_id, size_t size)
{
    static struct detection d;
    static uint8_t packets[10000];
    struct evidence evidence = {.pcap = packets, .size = size};
    d = (struct detection){.seen_us = 1, .has_evidence = true};
    snprintf(d.id, sizeof(d.id), "%s", id);
    snprintf(d.sensor, sizeof(d.sensor), "s1");
    snprintf(evidence.detection_id, sizeof(evidence.detection_id), "%s", id);
    struct store_change *change = store_change_new();
    store_put_detection(change, &d, incident_id);
    store_put_evidence(change, &evidence);
    submit(f, change);
}

static void
put_case(struct fixture *f, const char *incident_id, bool is_open, bool is_in_force)
{
    struct incident i = {.last_us = 1000, .is_open = is_open};
    struct containment c = {.action = ACTION_ISOLATE, .state = CONTAINMENT_VERIFIED};
    snprintf(i.id, sizeof(i.id), "%s", incident_id);
    snprintf(c.id, sizeof(c.id), "c-%s", incident_id);
    snprintf(c.incident_id, sizeof(c.incident_id), "%s", incident_id);
    struct store_change *change = store_change_new();
    store_put_incident(change, &i);
    if (is_in_force) {
        store_put_containment(change, &c);
    }
    submit(f, change);
}

static bool
has_packets(struct fixture *f, const char *id)
{
    struct evidence back;
    int error = store_read_evidence(f->store, id, &back);
    if (!error) {
        free(back.pcap);
    }
    return !error;
}

/* Soon, or on a busy machine within half a minute: the store thread clears up when nothing waits.
 */
static bool
goes(struct fixture *f, const char *id)
{
    for (int i = 0; i < 30000 && has_packets(f, id); i++) {
        usleep(1000);
    }
    return !has_packets(f, id);
}

/* The first packets of a containment in force stay, however much comes after them, and whoever
 * sends it. */
static void
test_what_a_containment_rests_on_makes_no_room(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    store_set_budget(f->store, 30000, 1000000);
    store_set_collecting(f->store, 500);
    put_case(f, "I-1", true, true);
    put_case(f, "I-2", true, false);
    put_found(f, "d-1", "I-1", 10000); /* in force */
    put_found(f, "d-2", "I-2", 10000); /* collects */
    put_found(f, "d-3", "", 10000);
    put_found(f, "d-4", "", 10000);
    assert_true(goes(f, "d-3"));
    put_found(f, "d-5", "", 10000);
    assert_true(goes(f, "d-4"));
    assert_true(has_packets(f, "d-1") && has_packets(f, "d-2") && has_packets(f, "d-5"));
    /* Whoever is contained goes on, and wants its own first packets away. */
    put_found(f, "d-6", "I-1", 10000);
    assert_true(goes(f, "d-5"));
    put_found(f, "d-7", "I-1", 10000);
    assert_true(goes(f, "d-2"));
    assert_true(has_packets(f, "d-1") && has_packets(f, "d-6"));
    put_found(f, "d-8", "I-1", 10000);
    assert_true(goes(f, "d-8"));
    assert_true(has_packets(f, "d-1") && has_packets(f, "d-6") && has_packets(f, "d-7"));
    /* It ends: then what was its own goes like anything else. */
    struct containment c = {.action = ACTION_ISOLATE, .state = CONTAINMENT_RELEASED, .ended_us = 9};
    snprintf(c.id, sizeof(c.id), "c-I-1");
    snprintf(c.incident_id, sizeof(c.incident_id), "I-1");
    struct store_change *change = store_change_new();
    store_put_containment(change, &c);
    submit(f, change);
    store_set_collecting(f->store, 2000);
    for (int i = 0; i < 20 && has_packets(f, "d-1"); i++) {
        char id[16];
        snprintf(id, sizeof(id), "e-%d", i);
        put_found(f, id, "", 10000);
        while (has_packets(f, id) && has_packets(f, "d-1")) {
            usleep(1000);
        }
    }
    assert_false(has_packets(f, "d-1"));
    close_store(f);
}

/* Of two in force one fills everything: what is new of the other stays all the same. */
static void
test_a_flood_of_one_case_hides_no_other(void **state)
{
    struct fixture *f = *state;
    char id[16] = "";
    open_store(f);
    store_set_budget(f->store, 100000, 1000000);
    put_case(f, "I-1", true, true);
    put_case(f, "I-2", true, true);
    for (int i = 0; i < 110; i++) {
        snprintf(id, sizeof(id), "d-%d", i);
        put_found(f, id, "I-1", 1000);
    }
    assert_true(goes(f, id));
    assert_true(has_packets(f, "d-0"));
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "n-%d", i);
        put_found(f, id, "I-2", 1000);
    }
    assert_true(goes(f, "d-80"));
    for (int i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "n-%d", i);
        assert_true(has_packets(f, id));
    }
    assert_true(has_packets(f, "d-0"));
    close_store(f);
}

/* Likewise of detections. */
static void
test_detections_of_a_containment_make_no_room(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    store_set_budget(f->store, 1000000, 40);
    put_case(f, "I-1", true, true);
    put_found(f, "d-first", "I-1", 1);
    for (int i = 0; i < 200; i++) {
        char id[16];
        snprintf(id, sizeof(id), "d-%d", i);
        put_found(f, id, "", 1);
    }
    assert_true(goes(f, "d-150"));
    assert_true(has_packets(f, "d-first") && has_packets(f, "d-199"));
    close_store(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_oldest_evidence_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_containment_rests_on_makes_no_room, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_of_one_case_hides_no_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_detections_of_a_containment_make_no_room, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
