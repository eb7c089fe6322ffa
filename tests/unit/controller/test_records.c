/* Incidents in memory are a ring: also when it has gone round, what the store has not any more goes
 * from it, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campus.h"
#include "controller/pressure.h"
#include "controller/records.h"
#include "controller/state.h"

#define RING 4096
#define BEHIND 100 /* more than the ring holds */

static int
setup(void **state)
{
    struct campus *campus = campus_new();
    *state = campus;
    return 0;
}

static void
id_of(int number, char id[ID_SIZE])
{
    snprintf(id, ID_SIZE, "I-%05d", number);
}

/* Number 'gone' and 'also' are in memory only. */
static void
incidents_put(struct campus *campus, int from, int to, int gone, int also)
{
    for (int i = from; i < to;) {
        struct store_change *change = store_change_new();
        for (int end = i + 500; i < to && i < end; i++) {
            struct incident incident = {.last_us = 1000 + i};
            id_of(i, incident.id);
            records_restore_incident(campus->controller, &incident);
            if (i != gone && i != also) {
                store_put_incident(change, &incident);
            }
        }
        store_submit(campus->store, change, NULL, NULL);
        campus_settle(campus);
    }
}

static void
follow(struct campus *campus)
{
    size_t place = 0;
    while (records_follow_store(campus->controller, INT64_MAX, &place)) {
    }
}

/* All from 'from' to 'to', in that order, but for two. */
static void
assert_held(struct campus *campus, int from, int to, int gone, int also)
{
    size_t at = 0;
    char id[ID_SIZE];
    for (int i = from; i < to; i++) {
        if (i == gone || i == also) {
            continue;
        }
        id_of(i, id);
        const struct incident *incident = controller_incident_at(campus->controller, at++);
        assert_non_null(incident);
        assert_string_equal(incident->id, id);
        assert_ptr_equal(controller_incident(campus->controller, id), incident);
    }
    assert_int_equal(controller_incident_count(campus->controller), at);
}

static void
test_what_goes_leaves_the_others_where_they_are(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    /* Slot 4095 has number 4095; number RING + 7 came into slot 7. */
    incidents_put(campus, 0, RING + BEHIND, RING - 1, RING + 7);
    assert_int_equal(controller_incident_count(campus->controller), RING);
    follow(campus);
    assert_held(campus, BEHIND, RING + BEHIND, RING - 1, RING + 7);
    id_of(RING - 1, id);
    assert_null(controller_incident(campus->controller, id));
    /* Those that come then take a place of their own, and later the oldest's. */
    incidents_put(campus, RING + BEHIND, RING + 2 * BEHIND, -1, -1);
    assert_held(campus, 2 * BEHIND - 2, RING + 2 * BEHIND, RING - 1, RING + 7);
    follow(campus);
    assert_held(campus, 2 * BEHIND - 2, RING + 2 * BEHIND, RING - 1, RING + 7);
}

/* Between two steps of a walk others come, and the oldest go: nobody is passed by. */
static void
test_a_walk_misses_nobody_while_others_come(void **state)
{
    struct campus *campus = *state;
    size_t place = 0;
    char id[ID_SIZE];
    incidents_put(campus, 0, RING + BEHIND, 1000, 2000);
    for (int i = RING + BEHIND; records_follow_store(campus->controller, INT64_MAX, &place);
         i += 3) {
        incidents_put(campus, i, i + 3, -1, -1);
    }
    id_of(1000, id);
    assert_null(controller_incident(campus->controller, id));
    id_of(2000, id);
    assert_null(controller_incident(campus->controller, id));
}

/* A control group whose memory is nearly used up, in files of our own. */
static int
fake_number(struct campus *campus, const char *name, const char *number)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", campus->dir, name);
    FILE *file = fopen(path, "w+");
    assert_non_null(file);
    assert_true(fputs(number, file) >= 0 && fflush(file) == 0);
    int fd = dup(fileno(file));
    fclose(file);
    unlink(path);
    return fd;
}

static bool
is_in_memory(struct campus *campus, const char *id)
{
    return controller_incident(campus->controller, id) != NULL;
}

/* By what led to it a pending one is judged, and a checked one asked again or not: those incidents
 * stay, however old; of the others the older half goes. */
static void
test_what_is_judged_keeps_its_incident_while_memory_is_short(void **state)
{
    struct campus *campus = *state;
    struct pressure pressure = {.group = {fake_number(campus, "limit", "1000000000"),
                                          fake_number(campus, "used", "900000000"), -1}};
    struct wish_answer answer = {.calls = 0};
    char judged[2][ID_SIZE], old[ID_SIZE], young[ID_SIZE];
    for (uint8_t i = 0; i < COUNT_OF(judged); i++) {
        char ip[16], name[8];
        snprintf(ip, sizeof(ip), "10.2.0.%u", 4u + i);
        snprintf(name, sizeof(name), "d%u", i);
        campus_client(campus, "e2", i ? "p2" : "p1", (uint8_t)(4 + i), ip, NULL);
        assert_true(campus_detect(campus, name, ip, STRENGTH_STRONG));
        const struct containment *c = campus_newest(campus);
        assert_int_equal(c->state, CONTAINMENT_PENDING);
        memcpy(judged[i], c->incident_id, ID_SIZE);
    }
    controller_judge(campus->controller, campus_newest(campus)->id, VERDICT_CHECK, "operator:ann",
                     "seen", campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    incidents_put(campus, 0, 1000, -1, -1);
    id_of(0, old);
    id_of(999, young);
    pressure_tick(&pressure, campus->controller);
    memory_group_close(&pressure.group);
    assert_true(pressure.view.is_short);
    assert_true(pressure.view.shed > 0);
    assert_false(is_in_memory(campus, old));
    assert_true(is_in_memory(campus, young));
    assert_true(is_in_memory(campus, judged[0]));
    assert_true(is_in_memory(campus, judged[1]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_goes_leaves_the_others_where_they_are, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(test_a_walk_misses_nobody_while_others_come, setup,
                                        campus_teardown),
        cmocka_unit_test_setup_teardown(
            test_what_is_judged_keeps_its_incident_while_memory_is_short, setup, campus_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
