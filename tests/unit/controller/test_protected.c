/* Protected hosts: each layer refuses alone, with every earlier one gone round. */
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
#include "controller/decide.h"
#include "driver/worker.h"
#include "wire/message.h"
#include "wire/protected_hosts.h"

#define GATEWAY4 "10.1.0.1"
#define GATEWAY6 "2001:db8:1::1"

static const char *const layers_policy =
    "networks: [{name: auto, prefixes: [10.1.0.0/16, '2001:db8:1::/64'], mode: auto, home: true}]\n"
    "protected:\n"
    "  - {name: gateway, addresses: [10.1.0.1, '2001:db8:1::1', 10.1.0.254],\n"
    "     macs: ['02:00:00:00:00:01']}\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100, switch_percent: 100}\n"
    "after_release: {grace_s: 0, watch_s: 0}\n"
    "policies: [{name: p, when: {phases: [c2]}, then: [{action: isolate}]}]\n";

static void
open_campus(struct campus *campus)
{
    campus_open(campus);
    campus->policy_text = layers_policy;
    campus_restart(campus);
    campus_client(campus, "e1", "p1", 1, GATEWAY4, "gw");
    campus_client(campus, "e1", "p2", 2, "10.1.0.2", "c2");
    campus_client(campus, "e1", "p3", 3, "10.1.0.3", "c3");
}

static size_t
isolated(struct campus *campus)
{
    size_t count = 0;
    for (size_t i = 0; i < controller_containment_count(campus->controller); i++) {
        const struct containment *c = controller_containment_at(campus->controller, i);
        count += c->action == ACTION_ISOLATE && lifecycle_is_in_force(c->state);
    }
    return count;
}

static void
a_decision_about_one_is_not_carried_out_whatever_policy_says(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    struct decision decision = {.action = ACTION_ISOLATE, .mode = MODE_AUTO, .policy = "p"};
    snprintf(decision.endpoint_id, ID_SIZE, "%s", campus_endpoint(&campus, 1)->id);
    decide_gathered(campus.controller, &decision);
    campus_settle(&campus);
    assert_int_equal(isolated(&campus), 0);
    decision.endpoint_id[0] = '\0'; /* nor by an address that nobody is known to have */
    for (size_t i = 0; i < 3; i++) {
        static const char *const addresses[] = {GATEWAY4, GATEWAY6, "10.1.0.254"};
        decision.ip = campus_ip(addresses[i]);
        decide_gathered(campus.controller, &decision);
        campus_settle(&campus);
        assert_int_equal(isolated(&campus), 0);
    }
    assert_int_equal(campus.controller->barred_count, 4);
    decision.ip = (struct ip){{0}};
    snprintf(decision.endpoint_id, ID_SIZE, "%s", campus_endpoint(&campus, 2)->id);
    decide_gathered(campus.controller, &decision);
    campus_settle(&campus);
    assert_int_equal(isolated(&campus), 1);
    campus_close(&campus);
}

static enum wish_result
wish(struct campus *campus, struct wish *wish)
{
    struct wish_answer answer = {.calls = 0};
    snprintf(wish->account, sizeof(wish->account), "token:t");
    snprintf(wish->reason, sizeof(wish->reason), "a mistake");
    controller_wish(campus->controller, wish, campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.calls, 1);
    assert_true(answer.result == WISH_DONE || strstr(answer.why, "protected"));
    return answer.result;
}

static void
a_wish_for_one_is_refused_by_whatever_name_it_has(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    struct wish by_mac = {.action = ACTION_ISOLATE, .mac = campus_mac(1)};
    struct wish by_id = {.action = ACTION_ISOLATE};
    snprintf(by_id.endpoint_id, ID_SIZE, "%s", campus_endpoint(&campus, 1)->id);
    assert_int_equal(wish(&campus, &by_mac), WISH_REFUSED);
    assert_int_equal(wish(&campus, &by_id), WISH_REFUSED);
    static const char *const addresses[] = {GATEWAY4, GATEWAY6, "10.1.0.254"};
    for (size_t i = 0; i < 3; i++) {
        struct wish by_ip = {.action = ACTION_ISOLATE, .ip = campus_ip(addresses[i])};
        struct wish server = {.action = ACTION_BLOCK_SERVER,
                              .server = {.ip = campus_ip(addresses[i]), .length = 128}};
        assert_int_equal(wish(&campus, &by_ip), WISH_REFUSED);
        assert_int_equal(wish(&campus, &server), WISH_REFUSED);
    }
    assert_int_equal(isolated(&campus), 0);
    struct wish twin = {.action = ACTION_ISOLATE, .mac = campus_mac(2)};
    assert_int_equal(wish(&campus, &twin), WISH_DONE);
    campus_close(&campus);
}

static void
who_is_declared_while_contained_is_released_and_its_twin_is_not(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    struct wish first = {.action = ACTION_ISOLATE, .mac = campus_mac(2)};
    struct wish second = {.action = ACTION_ISOLATE, .mac = campus_mac(3)};
    assert_int_equal(wish(&campus, &first), WISH_DONE);
    assert_int_equal(wish(&campus, &second), WISH_DONE);
    assert_int_equal(isolated(&campus), 2);
    char text[4096];
    snprintf(text, sizeof(text), "%s", layers_policy);
    char *at = strstr(text, "10.1.0.254");
    memcpy(at, "10.1.0.2  ", 10); /* c2's, by DHCP: surely its own */
    struct policy *policy;
    struct policy_error error;
    assert_int_equal(policy_parse(text, strlen(text), &policy, &error), 0);
    controller_set_policy(campus.controller, policy);
    policy_unref(policy);
    campus_pass(&campus, 500000);
    assert_int_equal(isolated(&campus), 1);
    const struct containment *c = controller_containment_at(campus.controller, 0);
    assert_int_equal(c->state, CONTAINMENT_RELEASED);
    assert_string_equal(c->ended_by, "policy:protected");
    assert_non_null(strstr(c->end_reason, "protected since: "));
    campus_close(&campus);
}

/* ---- the driver ---- */

struct heard {
    struct wire_observed observed;
    _Atomic int count;
};

static void
on_observed(void *context, struct wire_observed *observed)
{
    struct heard *heard = context;
    wire_fini(WIRE_OBSERVED, &heard->observed);
    heard->observed = *observed;
    heard->count++;
}

static void
on_facts(void *context, const struct wire_facts *facts)
{
    (void)context;
    (void)facts;
}

static void
on_device(void *context, const struct wire_device *device)
{
    (void)context;
    (void)device;
}

static void
wait_heard(struct heard *heard, int count)
{
    for (int i = 0; i < 10000 && heard->count < count; i++) {
        usleep(1000);
    }
    assert_int_equal(heard->count, count);
}

/* A desired state with no word about protection, straight into the driver. */
static void
the_driver_refuses_what_its_own_file_names(void **state)
{
    (void)state;
    static const char names[][PREFIX_TEXT_SIZE] = {"02:00:00:00:00:01", GATEWAY4, GATEWAY6};
    const struct device_config config = {.name = "e1", .driver = "dummy"};
    struct heard heard = {.count = 0};
    const struct device_listener listener = {.on_facts = on_facts, .on_device = on_device};
    struct device *device;
    struct worker *worker;
    assert_int_equal(driver_find("dummy")->open(&config, &listener, &device), 0);
    const struct worker_settings settings = {.device = device,
                                             .deadline_ms = 5000,
                                             .protected = names,
                                             .protected_count = 3,
                                             .on_observed = on_observed,
                                             .on_facts = on_facts,
                                             .context = &heard};
    assert_int_equal(worker_new(&settings, &worker), 0);
    struct rule rules[] = {
        {.kind = RULE_ISOLATE, .id = "mac", .isolate = {.mac = campus_mac(1)}},
        {.kind = RULE_ISOLATE, .id = "ip4", .isolate = {.ip = campus_ip(GATEWAY4)}},
        {.kind = RULE_ISOLATE, .id = "ip6", .isolate = {.ip = campus_ip(GATEWAY6)}},
        {.kind = RULE_ISOLATE, .id = "twin", .isolate = {.mac = campus_mac(2)}}};
    const struct wire_desired desired = {.switch_name = "e1",
                                         .epoch = 1,
                                         .generation = 1,
                                         .is_last = true,
                                         .add = rules,
                                         .add_count = 4};
    worker_desired(worker, &desired);
    wait_heard(&heard, 1);
    worker_read_back(worker, &(struct wire_read_back){.switch_name = "e1", .request = 7});
    wait_heard(&heard, 2);
    assert_int_equal(heard.observed.rule_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct rule_report *report = &heard.observed.rules[i];
        bool is_twin = strcmp(report->id, "twin") == 0;
        assert_int_equal(report->state, is_twin ? RULE_VERIFIED : RULE_FAILED);
        assert_true(is_twin || strcmp(report->why, PROTECTED_REFUSAL) == 0);
    }
    worker_free(worker);
    device->driver->close(device);
    wire_fini(WIRE_OBSERVED, &heard.observed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_about_one_is_not_carried_out_whatever_policy_says),
        cmocka_unit_test(a_wish_for_one_is_refused_by_whatever_name_it_has),
        cmocka_unit_test(who_is_declared_while_contained_is_released_and_its_twin_is_not),
        cmocka_unit_test(the_driver_refuses_what_its_own_file_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
