/* Replay over a real controller, store and topology: what a policy would have done, against what
 * really happened; as it is asked for by the API.  And the roll-out's counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campus.h"
#include "controller/ask/ask.h"
#include "controller/replay/replay.h"
#include "topology/topology.h"

#define MINUTE_US (INT64_C(60) * 1000000)

struct fixture {
    struct campus campus;
    struct asks *asks;
    cJSON *body; /* of the last answer */
    unsigned status;
    const char *account, *role;
};

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct fixture *f = context;
    cJSON_Delete(f->body);
    f->body = cJSON_Duplicate(answer->body, true);
    f->status = answer->status;
}

static unsigned ask(struct fixture *f, const char *op, const char *format, ...) PRINTF_LIKE(3, 4);

static unsigned
ask(struct fixture *f, const char *op, const char *format, ...)
{
    char parameters[512];
    va_list values;
    va_start(values, format);
    vsnprintf(parameters, sizeof(parameters), format, values);
    va_end(values);
    struct wire_ask asked = {.number = 1, .parameters = cJSON_Parse(parameters)};
    assert_non_null(asked.parameters);
    snprintf(asked.op, sizeof(asked.op), "%s", op);
    snprintf(asked.account, sizeof(asked.account), "%s", f->account);
    snprintf(asked.role, sizeof(asked.role), "%s", f->role);
    f->status = 0;
    asks_handle(f->asks, &asked, on_answer, f);
    campus_settle(&f->campus);
    cJSON_Delete(asked.parameters);
    return f->status;
}

static const cJSON *
at(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return item;
}

static int
number(const struct fixture *f, const char *name)
{
    const cJSON *item = at(f->body, name);
    return item ? item->valueint : -1;
}

static const char *
text(const cJSON *json, const char *name)
{
    const char *said = cJSON_GetStringValue(at(json, name));
    return said ? said : "";
}

/* The item of that list with that name. */
static const cJSON *
named(const struct fixture *f, const char *list, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, at(f->body, list))
    {
        if (strcmp(text(item, "name"), name) == 0) {
            return item;
        }
    }
    fail_msg("%s has no %s", list, name);
    return NULL;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    campus_open(&f->campus);
    f->account = "ann";
    f->role = "operator";
    campus_client(&f->campus, "e1", "p2", 2, "10.1.0.2", "c2");
    campus_client(&f->campus, "e1", "p3", 3, "10.2.0.3", "c3");
    campus_client(&f->campus, "e1", "p4", 4, "10.3.0.4", "c4");
    const struct ask_settings settings = {.controller = f->campus.controller};
    f->asks = asks_new(&settings);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    cJSON_Delete(f->body);
    asks_free(f->asks);
    campus_close(&f->campus);
    free(f);
    return 0;
}

/* Each of the three contacts its server every five minutes, for half an hour. */
static void
half_an_hour(struct fixture *f)
{
    static const char *const who[] = {"10.1.0.2", "10.2.0.3", "10.3.0.4"};
    char id[32];
    for (int i = 0; i < 6; i++) {
        for (size_t k = 0; k < COUNT_OF(who); k++) {
            snprintf(id, sizeof(id), "d-%d-%zu", i, k);
            assert_true(campus_detect(&f->campus, id, who[k], STRENGTH_STRONG));
        }
        campus_pass(&f->campus, 5 * MINUTE_US);
    }
}

static void
run(struct fixture *f, char id[ID_SIZE], const char *parameters)
{
    assert_int_equal(ask(f, "policy.replay", "%s", parameters), 201);
    snprintf(id, ID_SIZE, "%s", text(f->body, "id"));
    while (asks_run_jobs(f->asks)) {
    }
    assert_int_equal(ask(f, "jobs.show", "{\"id\":\"%s\"}", id), 200);
    assert_string_equal(text(f->body, "state"), "done");
    assert_int_equal(ask(f, "policy.replay.show", "{\"id\":\"%s\"}", id), 200);
    assert_true(cJSON_IsTrue(at(f->body, "complete")));
}

static void
test_the_running_policy_does_what_it_did(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    half_an_hour(f);
    run(f, id, "{\"days\":1}");
    assert_int_equal(number(f, "detections"), 18);
    assert_int_equal(number(f, "contained"), 1);
    assert_int_equal(number(f, "held"), 1);
    assert_int_equal(number(f, "observed"), 1);
    assert_int_equal(number(f, "both"), 1);
    assert_int_equal(number(f, "only_replay"), 0);
    assert_int_equal(number(f, "only_really"), 0);
    assert_int_equal(number(f, "endpoints_contained"), 1);
    assert_int_equal(number(f, "busiest_hour"), 1);
    assert_int_equal(at(named(f, "by_network", "auto"), "contained")->valueint, 1);
    assert_int_equal(at(named(f, "by_network", "asked"), "held")->valueint, 1);
    assert_int_equal(at(named(f, "by_network", "watched"), "observed")->valueint, 1);
    assert_int_equal(at(named(f, "by_hold", "mode"), "held")->valueint, 1);
    assert_int_equal(ask(f, "policy.replay.decisions", "{\"id\":\"%s\"}", id), 200);
    const cJSON *items = at(f->body, "items");
    assert_int_equal(cJSON_GetArraySize(items), 3);
    const cJSON *first = cJSON_GetArrayItem(items, 0);
    assert_string_equal(text(first, "outcome"), "contained");
    assert_string_equal(text(first, "really"), "contained");
    assert_string_equal(text(first, "mac"), "02:00:00:00:00:02");
    assert_string_equal(text(first, "switch"), "e1");
    assert_int_equal(at(first, "times")->valueint, 1); /* in force from then on */
    const cJSON *second = cJSON_GetArrayItem(items, 1);
    assert_string_equal(text(second, "outcome"), "held");
    assert_string_equal(text(second, "really"), "held");
    assert_true(at(second, "times")->valueint > 1); /* said again after a while */
    assert_true(strcmp(text(second, "first"), text(second, "last")) < 0);
}

static void
test_as_if_in_mode_auto(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    half_an_hour(f);
    run(f, id, "{\"days\":1,\"assume\":\"auto\"}");
    assert_int_equal(number(f, "contained"), 3);
    assert_int_equal(number(f, "both"), 1);
    assert_int_equal(number(f, "only_replay"), 2);
    assert_int_equal(number(f, "held"), 0);
    assert_int_equal(number(f, "busiest_hour"), 3);
    assert_int_equal(ask(f, "policy.replay.decisions", "{\"id\":\"%s\",\"q\":\"10.2.0.3\"}", id),
                     200);
    const cJSON *asked = cJSON_GetArrayItem(at(f->body, "items"), 0);
    assert_int_equal(number(f, "total"), 1);
    assert_string_equal(text(asked, "outcome"), "contained");
    assert_string_equal(text(asked, "really"), "held");
    assert_string_equal(text(asked, "mode_why"), "assumed");
    assert_int_equal(ask(f, "policy.replay.decisions",
                         "{\"id\":\"%s\",\"outcome\":\"contained\",\"limit\":2}", id),
                     200);
    assert_int_equal(cJSON_GetArraySize(at(f->body, "items")), 2);
    assert_int_equal(number(f, "next"), 2);
    assert_int_equal(number(f, "total"), 3);
    /* nothing was done, and the live engine knows nothing of it */
    assert_int_equal(controller_containment_count(f->campus.controller), 2);
}

/* A draft under which what was contained would not have been: also after it ended. */
static void
test_what_would_not_be_any_more(void **state)
{
    struct fixture *f = *state;
    static const char draft[] =
        "networks: [{name: all, prefixes: [10.0.0.0/8], mode: auto, home: true}]\n"
        "rollout: [{name: floor, when: {ports: [e1/p2]}, mode: observe}]\n"
        "policies: [{name: other, when: {phases: [c2]}, then: [{action: isolate}]}]\n";
    struct policy *policy = NULL;
    struct policy_error error;
    struct wish_answer answer = {0};
    struct clock_fake clock;
    char why[TEXT_SIZE];
    half_an_hour(f);
    const struct containment *first = controller_containment_at(f->campus.controller, 0);
    controller_release(f->campus.controller, first->id, "operator:ann", "cleaned", campus_answer,
                       &answer);
    campus_pass(&f->campus, 2 * MINUTE_US);
    assert_int_equal(answer.result, WISH_DONE);
    assert_int_equal(policy_parse(draft, strlen(draft), &policy, &error), 0);
    clock_fake_init(&clock, 0);
    const struct jobs_ports ports = {.wake = NULL};
    struct jobs *jobs = jobs_new(&clock.clock, &ports);
    const struct replay_settings settings = {
        .controller = f->campus.controller, .policy = policy, .is_draft = true, .days = 1};
    const struct job *job = replay_start(jobs, "ann", &settings, why);
    assert_non_null(job);
    policy_unref(policy);
    while (jobs_run(jobs)) {
    }
    struct replay *replay = jobs_context(jobs, job->id, REPLAY_KIND);
    const struct view_replay *view = replay_view(replay, job);
    assert_true(view->is_complete);
    assert_ptr_equal(replay_view(replay, job), view); /* over: summed up once */
    assert_int_equal(view->contained, 2);
    assert_int_equal(view->observed, 1);
    assert_int_equal(view->both, 0);
    assert_int_equal(view->only_replay, 2);
    assert_int_equal(view->only_really, 1); /* the one on e1/p2, observed now */
    struct view_replay_decision *row = calloc(1, sizeof(*row));
    assert_true(replay_decision_at(replay, 0, row));
    assert_int_equal(row->outcome, REPLAY_OBSERVED);
    assert_int_equal(row->really, REALLY_CONTAINED);
    assert_string_equal(row->mode_why, "roll-out rule floor");
    free(row);
    jobs_free(jobs);
}

/* The policy has changed since: nothing is decided about what was contained then. */
static void
test_what_really_was_and_is_nowhere_in_the_replay(void **state)
{
    struct fixture *f = *state;
    static const char nothing[] =
        "networks: [{name: all, prefixes: [10.0.0.0/8], mode: auto, home: true}]\n"
        "policies: [{name: other, when: {phases: [exfiltration]}, then: [{action: isolate}]}]\n";
    struct policy *policy = NULL;
    struct policy_error error;
    char id[ID_SIZE];
    half_an_hour(f);
    assert_int_equal(policy_parse(nothing, strlen(nothing), &policy, &error), 0);
    controller_set_policy(f->campus.controller, policy);
    policy_unref(policy);
    run(f, id, "{\"days\":1}");
    assert_int_equal(number(f, "contained"), 0);
    assert_int_equal(number(f, "only_really"), 1);
    assert_int_equal(
        ask(f, "policy.replay.decisions", "{\"id\":\"%s\",\"outcome\":\"nothing\"}", id), 200);
    const cJSON *row = cJSON_GetArrayItem(at(f->body, "items"), 0);
    assert_int_equal(number(f, "total"), 1);
    assert_string_equal(text(row, "really"), "contained");
    assert_string_equal(text(row, "policy"), "command and control");
    assert_string_equal(text(row, "containment"),
                        controller_containment_at(f->campus.controller, 0)->id);
}

/* Doubtful evidence first, then hard: one containment, and nobody is asked. */
static void
test_a_doubt_that_is_settled_asks_nobody(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    assert_true(campus_detect(&f->campus, "weak", "10.3.0.4", STRENGTH_WEAK));
    campus_pass(&f->campus, 1000000);
    assert_true(campus_detect(&f->campus, "strong", "10.3.0.4", STRENGTH_STRONG));
    assert_true(campus_detect(&f->campus, "other", "10.2.0.3", STRENGTH_WEAK));
    campus_pass(&f->campus, 1000000);
    run(f, id, "{\"days\":1,\"assume\":\"auto\"}");
    assert_int_equal(number(f, "contained"), 1);
    assert_int_equal(number(f, "held"), 1); /* the other one */
    assert_int_equal(number(f, "endpoints_held"), 1);
    assert_int_equal(at(named(f, "by_hold", "weak"), "held")->valueint, 1);
    assert_int_equal(ask(f, "policy.replay.decisions", "{\"id\":\"%s\",\"outcome\":\"held\"}", id),
                     200);
    assert_int_equal(number(f, "total"), 2); /* and both are in the list */
    assert_true(cJSON_IsTrue(at(cJSON_GetArrayItem(at(f->body, "items"), 0), "settled")));
    assert_null(at(cJSON_GetArrayItem(at(f->body, "items"), 1), "settled"));
}

static void
test_only_the_days_asked_for(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    assert_true(campus_detect(&f->campus, "old", "10.3.0.4", STRENGTH_STRONG));
    clock_fake_advance(&f->campus.clock, INT64_C(36) * 60 * MINUTE_US);
    campus_client(&f->campus, "e1", "p4", 4, "10.3.0.4", "c4");
    assert_true(campus_detect(&f->campus, "new", "10.3.0.4", STRENGTH_STRONG));
    clock_fake_advance(&f->campus.clock, MINUTE_US);
    run(f, id, "{\"days\":1}");
    assert_int_equal(number(f, "detections"), 1);
    run(f, id, "{\"days\":2}");
    assert_int_equal(number(f, "detections"), 2);
}

static void
test_only_its_owner_or_an_admin_cancels(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    half_an_hour(f);
    assert_int_equal(ask(f, "policy.replay", "{\"days\":1}"), 201);
    snprintf(id, sizeof(id), "%s", text(f->body, "id"));
    f->account = "bob";
    assert_int_equal(ask(f, "jobs.cancel", "{\"id\":\"%s\"}", id), 403);
    f->role = "viewer";
    assert_int_equal(ask(f, "jobs.cancel", "{\"id\":\"%s\"}", id), 403);
    assert_int_equal(ask(f, "policy.replay", "{\"days\":1}"), 403);
    assert_int_equal(ask(f, "jobs.show", "{\"id\":\"%s\"}", id), 200);
    assert_string_equal(text(f->body, "state"), "running");
    f->account = "root";
    f->role = "admin";
    assert_int_equal(ask(f, "jobs.cancel", "{\"id\":\"%s\"}", id), 200);
    assert_string_equal(text(f->body, "state"), "cancelled");
    assert_false(asks_run_jobs(f->asks));
    assert_int_equal(ask(f, "policy.replay.show", "{\"id\":\"%s\"}", id), 200);
    assert_true(cJSON_IsFalse(at(f->body, "complete")));
    assert_int_equal(ask(f, "jobs.cancel", "{\"id\":\"%s\"}", id), 409);
    (void)ask(f, "audit.list", "{\"q\":\"job.cancel\"}");
    while (f->status == 0) { /* the store's own thread reads it */
        event_base_loop(f->campus.base, EVLOOP_ONCE);
    }
    assert_int_equal(f->status, 200);
    const cJSON *row = cJSON_GetArrayItem(at(f->body, "items"), 0);
    assert_string_equal(text(row, "account"), "root");
    assert_string_equal(text(row, "object"), id);
    assert_int_equal(ask(f, "policy.replay.show", "{\"id\":\"nothing\"}"), 404);
    assert_int_equal(ask(f, "policy.replay.decisions", "{\"id\":\"nothing\"}"), 404);
}

static void
test_how_many_endpoints_are_in_which_mode(void **state)
{
    struct fixture *f = *state;
    static const char rules[] =
        "networks:\n"
        "  - {name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}\n"
        "  - {name: rest, prefixes: [10.2.0.0/15], home: true}\n"
        "sites: [{name: here, switches: [e1]}]\n"
        "rollout: [{name: port 3, when: {sites: [here], ports: ['e1/p3']}, mode: approve}]\n"
        "maintenance:\n"
        "  - {name: long, mode: approve, when: {networks: [auto]}, once: {from: "
        "'2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z'}}\n"
        "  - {name: over, mode: observe, once: {from: '2000-01-01T00:00:00Z', to: "
        "'2000-01-02T00:00:00Z'}}\n"
        "policies: [{name: p, then: [{action: isolate}]}]\n";
    struct policy *policy = NULL;
    struct policy_error error;
    assert_int_equal(policy_parse(rules, strlen(rules), &policy, &error), 0);
    controller_set_policy(f->campus.controller, policy);
    policy_unref(policy);
    f->role = "viewer";
    assert_int_equal(ask(f, "policy.rollout", "{}"), 0); /* they are being counted */
    while (asks_run_jobs(f->asks)) {
    }
    assert_int_equal(f->status, 200);
    int all = number(f, "endpoints");
    assert_true(all >= 3);
    assert_int_equal(at(named(f, "rules", "port 3"), "endpoints")->valueint, 1);
    assert_int_equal(at(named(f, "by_network", "auto"), "approve")->valueint, 1);
    assert_int_equal(at(named(f, "by_network", "auto"), "auto")->valueint, 0);
    assert_int_equal(at(named(f, "by_network", "rest"), "approve")->valueint, 1);
    assert_int_equal(at(named(f, "by_network", "rest"), "observe")->valueint, 1);
    assert_int_equal(at(named(f, "by_site", "here"), "approve")->valueint, 2);
    assert_int_equal(at(named(f, "maintenance", "long"), "endpoints")->valueint, 1);
    assert_true(cJSON_IsTrue(at(named(f, "maintenance", "long"), "in_force")));
    assert_false(cJSON_IsTrue(at(named(f, "maintenance", "over"), "in_force")));
    assert_int_equal(ask(f, "policy.maintenance", "{}"), 200);
    assert_int_equal(number(f, "total"), 2);
    assert_string_equal(text(named(f, "items", "long"), "until"), "2100-01-01T00:00:00.000000Z");
    assert_string_equal(text(named(f, "items", "over"), "until"), "");
    assert_int_equal(ask(f, "jobs.list", "{}"), 200); /* counting is nobody's job */
    assert_int_equal(number(f, "total"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_running_policy_does_what_it_did, setup, teardown),
        cmocka_unit_test_setup_teardown(test_as_if_in_mode_auto, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_would_not_be_any_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_really_was_and_is_nowhere_in_the_replay, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_doubt_that_is_settled_asks_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_the_days_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_its_owner_or_an_admin_cancels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_how_many_endpoints_are_in_which_mode, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
