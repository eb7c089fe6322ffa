/* Two sites with the same addresses: switch e1 is at "east", e2 at "west".  Each "is blocked" has
 * its twin with the same address, which is not. */
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
#include "controller/wish.h"
#include "topology/topology.h"

#define EAST 2
#define WEST 3
#define TWIN_IP "192.168.1.10"
#define SECOND INT64_C(1000000)

static const char *const sites_policy =
    "defaults: {mode: auto}\n"
    "sites:\n"
    "  - {name: east, switches: [e1], own_addresses: true, sensors: [ids-east]}\n"
    "  - {name: west, switches: [e2], own_addresses: true, sensors: [ids-west]}\n"
    "networks:\n"
    "  - {name: all, prefixes: [192.168.0.0/16, 10.1.0.0/16], home: true}\n"
    "protected:\n"
    "  - {name: server, addresses: [192.168.1.20], sites: [east]}\n"
    "permit_sets:\n"
    "  - name: updates\n"
    "    permits:\n"
    "      - {server: 192.168.1.30, protocol: tcp, port: 443, sites: [east]}\n"
    "      - {server: 192.168.1.31, protocol: tcp, port: 443, sites: [west]}\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100, switch_percent: 100}\n"
    "after_release: {grace_s: 0, watch_s: 0}\n"
    "policies:\n"
    "  - {name: p, when: {phases: [c2]}, then: [{action: isolate}, {action: block_server}]}\n";

static void
open_campus(struct campus *campus)
{
    campus_open(campus);
    campus->policy_text = sites_policy;
    campus_restart(campus);
    campus_client(campus, "e1", "p1", EAST, TWIN_IP, "east");
    campus_client(campus, "e2", "p1", WEST, TWIN_IP, "west");
}

static void
stored(void *context, const char *id, int error)
{
    (void)id;
    assert_int_equal(error, 0);
    (*(int *)context)++;
}

static void
alert(struct campus *campus, const char *id, const char *sensor, const char *ip)
{
    struct detection d = {.seen_us = campus->clock.wall_now_us,
                          .first_us = campus->clock.wall_now_us,
                          .reported_us = campus->clock.wall_now_us,
                          .phase = PHASE_C2,
                          .severity = SEVERITY_HIGH,
                          .confidence = 90,
                          .protocol = 6,
                          .handshake = true,
                          .strength = STRENGTH_STRONG,
                          .suspect = PARTY_SRC};
    int count = 0;
    snprintf(d.id, sizeof(d.id), "%s", id);
    snprintf(d.sensor, sizeof(d.sensor), "%s", sensor);
    snprintf(d.maker, sizeof(d.maker), "suricata");
    snprintf(d.signature, sizeof(d.signature), "C&C contact");
    d.src.ip = campus_ip(ip);
    d.dst.ip = campus_ip("198.51.100.9");
    controller_detection(campus->controller, &d, stored, &count);
    campus_pass(campus, SECOND);
    assert_int_equal(count, 1);
}

static bool
is_cut(struct campus *campus, size_t on, uint8_t mac, const char *server)
{
    struct mac bytes = campus_mac(mac);
    struct ip ip = campus_ip(server);
    return dummy_drops(campus->switches[on].device, "p1", &bytes, &ip);
}

static const struct containment *
isolation(struct campus *campus)
{
    for (size_t i = controller_containment_count(campus->controller); i-- > 0;) {
        const struct containment *c = controller_containment_at(campus->controller, i);
        if (c->action == ACTION_ISOLATE) {
            return c;
        }
    }
    return NULL;
}

static struct wish_answer
ask(struct campus *campus, struct wish wish)
{
    struct wish_answer answer = {.calls = 0};
    snprintf(wish.account, sizeof(wish.account), "token:t");
    snprintf(wish.reason, sizeof(wish.reason), "a test");
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_pass(campus, SECOND);
    assert_int_equal(answer.calls, 1);
    return answer;
}

static void
a_detection_isolates_who_has_the_address_where_it_was_seen(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    alert(&campus, "d1", "ids-west", TWIN_IP);
    assert_true(is_cut(&campus, 1, WEST, "203.0.113.1"));
    assert_false(is_cut(&campus, 0, EAST, "203.0.113.1"));
    assert_string_equal(isolation(&campus)->site, "west");
    assert_string_equal(isolation(&campus)->endpoint_id, campus_endpoint(&campus, WEST)->id);
    /* The machine is cut off wherever it goes; the server outside is blocked everywhere. */
    assert_true(is_cut(&campus, 0, WEST, "203.0.113.1"));
    assert_true(is_cut(&campus, 0, EAST, "198.51.100.9"));
    campus_restart(&campus);
    campus_pass(&campus, SECOND);
    assert_true(is_cut(&campus, 1, WEST, "203.0.113.1"));
    assert_false(is_cut(&campus, 0, EAST, "203.0.113.1"));
    assert_string_equal(isolation(&campus)->site, "west");
    alert(&campus, "d2", "ids-east", TWIN_IP); /* and the twin, when it is its turn */
    assert_true(is_cut(&campus, 0, EAST, "203.0.113.1"));
    campus_close(&campus);
}

static void
a_detection_of_nobody_knows_where_waits_with_that_reason(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    alert(&campus, "d1", "ids", TWIN_IP);
    assert_false(is_cut(&campus, 1, WEST, "203.0.113.1"));
    assert_false(is_cut(&campus, 0, EAST, "203.0.113.1"));
    assert_int_equal(isolation(&campus)->state, CONTAINMENT_PENDING);
    assert_non_null(strstr(isolation(&campus)->hold_detail, "several sites have that address"));
    campus_close(&campus);
}

static void
on_shown(void *context, const struct wire_answer *answer)
{
    char **text = context;
    *text =
        cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(answer->body, "residual_reach"));
}

/* What 'c' is shown to reach still; the caller's (free). */
static char *
reach(struct campus *campus, const char *id)
{
    char *text = NULL;
    const struct ask_settings settings = {.controller = campus->controller};
    struct asks *asks = asks_new(&settings);
    struct wire_ask asked = {
        .number = 1, .op = "containments.show", .role = "viewer", .account = "account:ann"};
    asked.parameters = cJSON_CreateObject();
    cJSON_AddStringToObject(asked.parameters, "id", id);
    asks_handle(asks, &asked, on_shown, &text);
    campus_settle(campus);
    cJSON_Delete(asked.parameters);
    asks_free(asks);
    assert_non_null(text);
    return text;
}

/* Somebody at the other site has the same MAC: it is cut off with it, and that is shown. */
static void
a_clone_at_the_other_site_is_shown(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    struct wish wish = {.action = ACTION_ISOLATE, .mac = campus_mac(WEST)};
    struct wish_answer answer = ask(&campus, wish);
    assert_int_equal(answer.result, WISH_DONE);
    char *text = reach(&campus, answer.id);
    assert_null(strstr(text, "of another site"));
    free(text);
    campus_client(&campus, "e1", "p4", WEST, "192.168.1.44", NULL);
    assert_true(is_cut(&campus, 0, WEST, "203.0.113.1"));
    text = reach(&campus, answer.id);
    assert_non_null(strstr(text, "of another site, too: whoever has it there is cut off"));
    free(text);
    campus_close(&campus);
}

static void
a_wish_says_at_which_site(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    struct wish wish = {.action = ACTION_ISOLATE, .ip = campus_ip(TWIN_IP)};
    struct wish_answer answer = ask(&campus, wish);
    assert_int_equal(answer.result, WISH_REFUSED);
    assert_non_null(strstr(answer.why, "name the site"));
    snprintf(wish.site, sizeof(wish.site), "east");
    assert_int_equal(ask(&campus, wish).result, WISH_DONE);
    assert_true(is_cut(&campus, 0, EAST, "203.0.113.1"));
    assert_false(is_cut(&campus, 1, WEST, "203.0.113.1"));
    /* Of whoever gets an address: at that site's switches only. */
    wish.ip = campus_ip("192.168.1.77");
    wish.is_by_address = true;
    assert_int_equal(ask(&campus, wish).result, WISH_DONE);
    campus_client(&campus, "e2", "p2", 7, "192.168.1.77", "seven");
    assert_string_equal(campus_newest(&campus)->endpoint_id, "");
    campus_client(&campus, "e1", "p2", 8, "192.168.1.77", "eight");
    assert_string_equal(campus_newest(&campus)->endpoint_id, campus_endpoint(&campus, 8)->id);
    campus_close(&campus);
}

static void
an_inside_server_is_blocked_where_it_is_meant(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    struct wish wish = {.action = ACTION_BLOCK_SERVER};
    assert_true(prefix_parse("192.168.1.40", &wish.server));
    assert_int_equal(ask(&campus, wish).result, WISH_REFUSED);
    snprintf(wish.site, sizeof(wish.site), "west");
    assert_int_equal(ask(&campus, wish).result, WISH_DONE);
    assert_true(is_cut(&campus, 1, WEST, "192.168.1.40"));
    assert_false(is_cut(&campus, 0, EAST, "192.168.1.40"));
    snprintf(wish.site, sizeof(wish.site), "east"); /* another server, though it looks the same */
    assert_int_equal(ask(&campus, wish).result, WISH_DONE);
    assert_true(is_cut(&campus, 0, EAST, "192.168.1.40"));
    /* One outside is one server, whoever says where. */
    assert_true(prefix_parse("203.0.113.77", &wish.server));
    assert_int_equal(ask(&campus, wish).result, WISH_DONE);
    assert_true(is_cut(&campus, 0, EAST, "203.0.113.77"));
    assert_true(is_cut(&campus, 1, WEST, "203.0.113.77"));
    snprintf(wish.site, sizeof(wish.site), "west");
    assert_int_equal(ask(&campus, wish).result, WISH_EXISTS);
    campus_close(&campus);
}

static const struct rule *
rule_of(struct campus *campus, size_t on, enum rule_kind kind)
{
    return dummy_first(campus->switches[on].device, kind);
}

static void
a_switch_holds_what_its_site_permits_and_protects(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    campus_pass(&campus, SECOND);
    static const char *const servers[] = {"192.168.1.30", "192.168.1.31"};
    for (size_t i = 0; i < 2; i++) {
        const struct permit_set *set = &rule_of(&campus, i, RULE_PERMIT_SET)->permit_set;
        struct ip ip = campus_ip(servers[i]);
        assert_int_equal(set->permit_count, 1);
        assert_true(ip_is_equal(&set->permits[0].server.ip, &ip));
    }
    struct ip server = campus_ip("192.168.1.20");
    const struct rule *protects = rule_of(&campus, 0, RULE_PROTECT);
    assert_non_null(protects);
    assert_true(ip_is_equal(&protects->protect.server.ip, &server));
    assert_null(rule_of(&campus, 1, RULE_PROTECT));
    /* And its twin at the other site is contained. */
    campus_client(&campus, "e1", "p3", 5, "192.168.1.20", "five");
    campus_client(&campus, "e2", "p3", 6, "192.168.1.20", "six");
    alert(&campus, "d1", "ids-east", "192.168.1.20");
    assert_int_equal(isolation(&campus)->hold, HOLD_PROTECTED);
    alert(&campus, "d2", "ids-west", "192.168.1.20");
    assert_true(is_cut(&campus, 1, 6, "203.0.113.1"));
    assert_false(is_cut(&campus, 0, 5, "203.0.113.1"));
    campus_close(&campus);
}

static void
a_switch_that_comes_to_another_site_gets_that_ones_rules(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus);
    struct wish wish = {.action = ACTION_BLOCK_SERVER, .site = "west"};
    assert_true(prefix_parse("192.168.1.40", &wish.server));
    assert_int_equal(ask(&campus, wish).result, WISH_DONE);
    assert_false(is_cut(&campus, 0, EAST, "192.168.1.40"));
    char text[2048];
    snprintf(text, sizeof(text), "%s", sites_policy);
    memcpy(strstr(text, "[e1]"), "[e2]", 4);
    memcpy(strstr(strstr(text, "west"), "[e2]"), "[e1]", 4);
    struct policy *policy = NULL;
    struct policy_error error;
    assert_int_equal(policy_parse(text, strlen(text), &policy, &error), 0);
    controller_set_policy(campus.controller, policy);
    policy_unref(policy);
    campus_pass(&campus, 2 * SECOND);
    assert_true(is_cut(&campus, 0, EAST, "192.168.1.40"));
    assert_false(is_cut(&campus, 1, WEST, "192.168.1.40"));
    const struct permit_set *set = &rule_of(&campus, 0, RULE_PERMIT_SET)->permit_set;
    struct ip ip = campus_ip("192.168.1.31");
    assert_true(ip_is_equal(&set->permits[0].server.ip, &ip));
    /* Addresses went with it: who is at e1 has west's. */
    struct held held;
    ip = campus_ip(TWIN_IP);
    assert_int_equal(topology_resolve(controller_topology(campus.controller), "west", &ip,
                                      campus.clock.wall_now_us, &held),
                     RESOLUTION_SURE);
    assert_ptr_equal(held.endpoint, campus_endpoint(&campus, EAST));
    campus_close(&campus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detection_isolates_who_has_the_address_where_it_was_seen),
        cmocka_unit_test(a_detection_of_nobody_knows_where_waits_with_that_reason),
        cmocka_unit_test(a_clone_at_the_other_site_is_shown),
        cmocka_unit_test(a_wish_says_at_which_site),
        cmocka_unit_test(an_inside_server_is_blocked_where_it_is_meant),
        cmocka_unit_test(a_switch_holds_what_its_site_permits_and_protects),
        cmocka_unit_test(a_switch_that_comes_to_another_site_gets_that_ones_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
