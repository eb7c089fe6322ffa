/* Every object of the API against a golden one in tests/golden/api, with all its fields, and which
 * of them are always there (needed.json): a change of either is a change for other programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "golden.h"
#include "wire/view_budget.h"
#include "wire/view_audit.h"
#include "wire/view_payload.h"
#include "wire/view_containment.h"
#include "wire/view_endpoint.h"
#include "wire/notice.h"
#include "wire/view_job.h"
#include "wire/view_policy.h"
#include "wire/view_replay.h"
#include "wire/view_retention.h"
#include "wire/view_rollout.h"
#include "wire/view_notify.h"
#include "wire/view_switch.h"
#include "wire/said.h"
#include "wire/view_system.h"

static char golden_folder[1024];

static const struct shape *const shapes[] = {
    &view_detection_shape,
    &view_incident_shape,
    &view_incident_detail_shape,
    &view_containment_shape,
    &view_containment_detail_shape,
    &view_pending_shape,
    &view_location_shape,
    &view_endpoint_shape,
    &view_endpoint_detail_shape,
    &view_annotation_shape,
    &view_import_shape,
    &view_map_shape,
    &view_link_shape,
    &view_protection_shape,
    &view_switch_shape,
    &view_switch_detail_shape,
    &view_mirror_shape,
    &view_sensor_shape,
    &view_source_shape,
    &view_problem_shape,
    &view_permit_set_shape,
    &view_policy_shape,
    &view_revision_shape,
    &view_revision_text_shape,
    &view_policy_check_shape,
    &view_test_shape,
    &view_enforcement_shape,
    &view_budget_shape,
    &view_conflict_shape,
    &view_doctor_shape,
    &view_audit_shape,
    &view_audit_check_shape,
    &view_checkpoints_shape,
    &view_payload_reader_shape,
    &view_warning_shape,
    &view_watch_shape,
    &view_storage_shape,
    &view_backup_shape,
    &view_retention_shape,
    &view_purge_shape,
    &view_assessment_shape,
    &view_version_shape,
    &view_health_shape,
    &view_done_shape,
    &view_job_shape,
    &view_rollout_shape,
    &view_replay_shape,
    &view_replay_decision_shape,
    &view_window_shape,
    &view_notifications_shape,
    &view_notify_test_shape,
    &message_shape,
};

static void
test_golden_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        cJSON *json = golden_read(golden_folder, shapes[i]->name);
        golden_is_filled(shapes[i], json);
        golden_round_trip(shapes[i], json, false);
        golden_is_strict(shapes[i], json, false);
        cJSON_Delete(json);
    }
}

static void
test_what_is_always_there(void **state)
{
    (void)state;
    cJSON *all = golden_read(golden_folder, "needed");
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        char needed[4096];
        cJSON *json = golden_read(golden_folder, shapes[i]->name);
        golden_needed(shapes[i], json, false, needed);
        const cJSON *expected = cJSON_GetObjectItemCaseSensitive(all, shapes[i]->name);
        if (!cJSON_IsString(expected) || strcmp(expected->valuestring, needed) != 0) {
            fail_msg("needed.json about %s should be: \"%s\"", shapes[i]->name, needed);
        }
        cJSON_Delete(json);
    }
    assert_int_equal(cJSON_GetArraySize(all), COUNT_OF(shapes));
    cJSON_Delete(all);
}

/* What is always there is there when it is empty, too. */
static void
test_empty_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        void *zero = mem_new(1, shapes[i]->size);
        cJSON *json = codec_encode(shapes[i], zero);
        for (size_t j = 0; j < shapes[i]->field_count; j++) {
            const struct field *field = &shapes[i]->fields[j];
            bool is_there = cJSON_GetObjectItemCaseSensitive(json, field->name) != NULL;
            if (is_there == field->optional) {
                fail_msg("empty %s: %s %s", shapes[i]->name, field->name,
                         is_there ? "is there" : "is not there");
            }
        }
        cJSON_Delete(json);
        free(zero);
    }
}

/* For the API document. */
static void
test_every_field_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        for (size_t j = 0; j < shapes[i]->field_count; j++) {
            const struct field *field = &shapes[i]->fields[j];
            if (!field->about || !field->about[0]) {
                fail_msg("%s.%s has no words", shapes[i]->name, field->name);
            }
        }
    }
}

static void
assert_number(const cJSON *json, const char *name, double number)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    assert_true(cJSON_IsNumber(item));
    assert_true(item->valuedouble == number);
}

static void
assert_text(const cJSON *json, const char *name, const char *text)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    assert_true(cJSON_IsString(item));
    assert_string_equal(item->valuestring, text);
}

/* Names in the API that are not the member's: the right member stands there. */
static void
test_renamed_fields(void **state)
{
    (void)state;
    struct view_switch a_switch = {.rule_count = 1,
                                   .missing_count = 2,
                                   .desired_generation = 3,
                                   .observed_generation = 4,
                                   .device = {.switch_name = "e1", .epoch = 5}};
    cJSON *json = codec_encode(&view_switch_shape, &a_switch);
    assert_text(json, "name", "e1");
    assert_number(json, "rules", 1);
    assert_number(json, "missing_rules", 2);
    assert_number(json, "desired_generation", 3);
    assert_number(json, "observed_generation", 4);
    assert_number(json, "epoch", 5);
    cJSON_Delete(json);

    struct view_containment containment = {.host_name = "c1",
                                           .model = {.id = "i",
                                                     .action = ACTION_ISOLATE,
                                                     .state = CONTAINMENT_VERIFIED,
                                                     .hold = HOLD_WEAK,
                                                     .requested_us = 1000000,
                                                     .applied_us = 2000000,
                                                     .verified_us = 3000000,
                                                     .ended_us = 4000000,
                                                     .expires_us = 5000000,
                                                     .pending_until_us = 6000000,
                                                     .hits = 7}};
    json = codec_encode(&view_containment_shape, &containment);
    assert_text(json, "host_name", "c1");
    assert_text(json, "action", "isolate");
    assert_text(json, "state", "verified");
    assert_text(json, "hold", "weak");
    assert_text(json, "requested", "1970-01-01T00:00:01.000000Z");
    assert_text(json, "applied", "1970-01-01T00:00:02.000000Z");
    assert_text(json, "verified", "1970-01-01T00:00:03.000000Z");
    assert_text(json, "ended", "1970-01-01T00:00:04.000000Z");
    assert_text(json, "expires", "1970-01-01T00:00:05.000000Z");
    assert_text(json, "pending_until", "1970-01-01T00:00:06.000000Z");
    assert_number(json, "hits", 7);
    cJSON_Delete(json);

    struct view_mirror mirror = {
        .copied = 1, .packets = 2, .bytes = 3, .lost = 4, .flows = 5, .forward_only = 6};
    json = codec_encode(&view_mirror_shape, &mirror);
    assert_number(json, "copied", 1);
    assert_number(json, "packets", 2);
    assert_number(json, "lost", 4);
    assert_number(json, "one_sided_flows", 6);
    cJSON_Delete(json);
}

static void
test_problems(void **state)
{
    (void)state;
    cJSON *json = view_problem_make(404, "no switch e9", "id", NULL);
    said_add(&view_problem_shape, json);
    char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, "{\"type\":\"urn:cordon:problem:not-found\",\"title\":\"Not found\","
                              "\"status\":404,\"detail\":\"no switch e9\",\"where\":\"id\","
                              "\"title_said\":{\"code\":\"title.404\",\"values\":[]}}");
    cJSON_free(text);
    cJSON_Delete(json);
    json = view_problem_make(418, "short and stout", NULL, "pour");
    assert_text(json, "type", "urn:cordon:problem:error");
    assert_text(json, "title", "Error");
    assert_text(json, "advice", "pour");
    assert_null(cJSON_GetObjectItemCaseSensitive(json, "where"));
    cJSON_Delete(json);
    assert_string_equal(view_problem_title(503), "Not available");
    json =
        view_problem_make(404, "no switch has this name", "id", "nothing was changed; try again");
    said_add(&view_problem_shape, json);
    cJSON *said = cJSON_GetObjectItemCaseSensitive(json, "detail_said");
    assert_text(said, "code", "ask.no_switch");
    said = cJSON_GetObjectItemCaseSensitive(json, "advice_said");
    assert_text(said, "code", "list"); /* two sentences */
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(said, "values")), 2);
    /* What is said again is passed over where the object is read; anything else is not. */
    struct view_problem problem;
    struct codec_error error;
    assert_int_equal(codec_decode(&view_problem_shape, json, &problem, &error), 0);
    assert_string_equal(problem.detail, "no switch has this name");
    cJSON_AddStringToObject(json, "where_said", "x");
    assert_int_not_equal(codec_decode(&view_problem_shape, json, &problem, &error), 0);
    cJSON_Delete(json);
}

/* What many rows say is looked for once, and each gets what it would have got alone. */
static void
test_rows_that_say_the_same(void **state)
{
    (void)state;
    static const char *const details[] = {
        "no switch has this name",
        "there is nothing in this text that anybody would recognise",
        "somebody else has changed the map since you read it",
        "nothing was changed; try again",
        "the map was changed; there is nothing of ours in it",
        "read it again, and make your change from that"};
    cJSON *items = cJSON_CreateArray(), *each;
    for (size_t i = 0; i < 40; i++) { /* more different ones than are remembered, and again */
        char detail[128];
        snprintf(detail, sizeof(detail), i % 5 == 4 ? "%s, row %zu of them all" : "%s",
                 details[i % COUNT_OF(details)], i);
        cJSON_AddItemToArray(items, view_problem_make(404, detail, "id", details[(i / 3) % 6]));
    }
    cJSON *alone = cJSON_Duplicate(items, true);
    cJSON_ArrayForEach(each, alone)
    {
        said_add(&view_problem_shape, each);
    }
    said_add_each(&view_problem_shape, items);
    char *found = cJSON_PrintUnformatted(items), *expected = cJSON_PrintUnformatted(alone);
    assert_string_equal(found, expected);
    assert_non_null(strstr(found, "advice_said"));
    cJSON_free(found);
    cJSON_free(expected);
    cJSON_Delete(items);
    cJSON_Delete(alone);
}

int
main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_objects), cmocka_unit_test(test_what_is_always_there),
        cmocka_unit_test(test_empty_objects),  cmocka_unit_test(test_every_field_is_explained),
        cmocka_unit_test(test_renamed_fields), cmocka_unit_test(test_rows_that_say_the_same),
        cmocka_unit_test(test_problems),
    };
    if (count != 2) {
        fprintf(stderr, "usage: %s SOURCE-FOLDER\n", words[0]);
        return 2;
    }
    snprintf(golden_folder, sizeof(golden_folder), "%s/tests/golden/api", words[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
