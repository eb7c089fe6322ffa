/* The policy's sites change, or come to be, while something is in force.  Switch e1 is at "east",
 * e2 at "west"; both have the same addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campus.h"
#include "controller/wish.h"
#include "topology/topology.h"
#include "wire/notify.h"

#define EAST 2
#define WEST 3
#define TWIN_IP "192.168.1.10"
#define SERVER "192.168.1.40"
#define SECOND INT64_C(1000000)

static const char *const two_sites =
    "defaults: {mode: auto}\n"
    "sites:\n"
    "  - {name: east, switches: [e1], own_addresses: true, sensors: [ids-east]}\n"
    "  - {name: west, switches: [e2], own_addresses: true, sensors: [ids-west]}\n"
    "networks:\n"
    "  - {name: all, prefixes: [192.168.1.0/24], home: true}\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100, switch_percent: 100}\n"
    "policies:\n"
    "  - {name: p, when: {phases: [c2]}, then: [{action: block_server}]}\n";

static const char *const two_sites_asked =
    "defaults: {mode: approve}\n"
    "sites:\n"
    "  - {name: east, switches: [e1], own_addresses: true, sensors: [ids-east]}\n"
    "  - {name: west, switches: [e2], own_addresses: true, sensors: [ids-west]}\n"
    "networks:\n"
    "  - {name: all, prefixes: [192.168.1.0/24], home: true, mode: approve}\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100, switch_percent: 100}\n"
    "policies:\n"
    "  - {name: p, when: {phases: [c2]}, then: [{action: isolate}]}\n";

static const char *const east_renamed =
    "defaults: {mode: auto}\n"
    "sites:\n"
    "  - {name: orient, switches: [e1], own_addresses: true, sensors: [ids-east]}\n"
    "  - {name: west, switches: [e2], own_addresses: true, sensors: [ids-west]}\n"
    "networks:\n"
    "  - {name: all, prefixes: [192.168.1.0/24], home: true}\n";

static const char *const west_elsewhere =
    "defaults: {mode: auto}\n"
    "sites:\n"
    "  - {name: east, switches: [e1], own_addresses: true, sensors: [ids-east]}\n"
    "  - {name: west, switches: [e3], own_addresses: true, sensors: [ids-west]}\n"
    "networks:\n"
    "  - {name: all, prefixes: [192.168.1.0/24], home: true}\n";

static const char *const few_at_a_time =
    "defaults: {mode: auto}\n"
    "sites:\n"
    "  - {name: east, switches: [e1], own_addresses: true, sensors: [ids-east]}\n"
    "  - {name: west, switches: [e2], own_addresses: true, sensors: [ids-west]}\n"
    "networks:\n"
    "  - {name: all, prefixes: [192.168.1.0/24], home: true}\n"
    "protected:\n"
    "  - {name: server, addresses: [192.168.1.11], sites: [east]}\n"
    "budgets: {per_minute: 30, per_hour: 40, network_percent: 100, switch_percent: 100}\n"
    "policies:\n"
    "  - {name: p, when: {phases: [c2]}, then: [{action: isolate}]}\n";

static const char *const all_west =
    "defaults: {mode: auto}\n"
    "sites:\n"
    "  - {name: east, switches: [e9], own_addresses: true, sensors: [ids-east]}\n"
    "  - {name: west, switches: [e1, e2], own_addresses: true, sensors: [ids-west]}\n"
    "networks:\n"
    "  - {name: all, prefixes: [192.168.1.0/24], home: true}\n";

static const char *const no_sites = "defaults: {mode: auto}\n"
                                    "networks:\n"
                                    "  - {name: all, prefixes: [192.168.1.0/24], home: true}\n";

static void
open_campus(struct campus *campus, const char *policy)
{
    campus_open(campus);
    campus->policy_text = policy;
    campus_restart(campus);
    campus_client(campus, "e1", "p1", EAST, TWIN_IP, "east");
    campus_client(campus, "e2", "p1", WEST, TWIN_IP, "west");
}

static struct policy *
parsed(const char *text)
{
    struct policy *policy = NULL;
    struct policy_error error;
    if (policy_parse(text, strlen(text), &policy, &error)) {
        fail_msg("line %u: %s", error.line, error.text);
    }
    return policy;
}

/* As when somebody changed the file and had it read: nobody was asked. */
static void
use_policy(struct campus *campus, const char *text)
{
    struct policy *policy = parsed(text);
    controller_set_policy(campus->controller, policy);
    policy_unref(policy);
    campus->policy_text = text;
    campus_pass(campus, 3 * SECOND);
}

static void
on_set(void *context, enum notify_result result, const char *answer)
{
    (void)answer;
    *(enum notify_result *)context = result;
}

static void
tell_of(struct campus *campus, const char *kind)
{
    static const char format[] =
        "{\"version\":0,\"channels\":[{\"name\":\"mail\",\"kind\":\"email\",\"host\":\"h\","
        "\"from\":"
        "\"a@b.example\",\"to\":[\"c@d.example\"]}],\"rules\":[{\"kind\":\"%s\",\"channels\":"
        "[\"mail\"]}],\"help_desk\":{},\"owner\":{},\"on_call\":{}}";
    char text[512];
    struct notify_settings settings;
    struct codec_error error;
    snprintf(text, sizeof(text), format, kind);
    enum notify_result result = NOTIFY_FAILED;
    cJSON *json = codec_parse(text, strlen(text));
    assert_non_null(json);
    assert_int_equal(codec_decode(&notify_settings_shape, json, &settings, &error), 0);
    cJSON_Delete(json);
    controller_notify_set(campus->controller, &settings, NULL, 0, "account:ann", on_set, &result);
    codec_fini(&notify_settings_shape, &settings);
    campus_settle(campus);
    assert_int_equal(result, NOTIFY_DONE);
}

static void
stored(void *context, const char *id, int error)
{
    (void)id;
    assert_int_equal(error, 0);
    (*(int *)context)++;
}

static void
detect(struct campus *campus, const char *id, const char *sensor, const char *ip,
       const char *server, int *count)
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
    snprintf(d.id, sizeof(d.id), "%s", id);
    snprintf(d.sensor, sizeof(d.sensor), "%s", sensor);
    snprintf(d.maker, sizeof(d.maker), "suricata");
    snprintf(d.signature, sizeof(d.signature), "C&C contact");
    d.src.ip = campus_ip(ip);
    d.dst.ip = campus_ip(server);
    controller_detection(campus->controller, &d, stored, count);
}

static void
alert(struct campus *campus, const char *id, const char *sensor, const char *server)
{
    int count = 0;
    detect(campus, id, sensor, TWIN_IP, server, &count);
    campus_pass(campus, SECOND);
    assert_int_equal(count, 1);
}

/* Before a tick comes. */
static void
detect_at_once(struct campus *campus, const char *id, const char *ip)
{
    static int count;
    detect(campus, id, "ids-west", ip, "198.51.100.9", &count);
}

static bool
is_cut(struct campus *campus, size_t on, uint8_t mac, const char *server)
{
    struct mac bytes = campus_mac(mac);
    struct ip ip = campus_ip(server);
    return dummy_drops(campus->switches[on].device, "p1", &bytes, &ip);
}

static void
assert_blocked(struct campus *campus, bool east, bool west)
{
    assert_int_equal(is_cut(campus, 0, EAST, SERVER), east);
    assert_int_equal(is_cut(campus, 1, WEST, SERVER), west);
}

static void
wish_done(struct campus *campus, struct wish wish)
{
    struct wish_answer answer = {.calls = 0};
    snprintf(wish.account, sizeof(wish.account), "token:t");
    snprintf(wish.reason, sizeof(wish.reason), "a test");
    wish.is_by_address = true; /* also where nobody has it yet */
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(answer.result, WISH_DONE);
}

static void
block(struct campus *campus, const char *site)
{
    struct wish wish = {.action = ACTION_BLOCK_SERVER};
    assert_true(prefix_parse(SERVER, &wish.server));
    snprintf(wish.site, sizeof(wish.site), "%s", site);
    wish_done(campus, wish);
}

static const struct containment *
the(struct campus *campus, enum action action)
{
    for (size_t i = controller_containment_count(campus->controller); i-- > 0;) {
        const struct containment *c = controller_containment_at(campus->controller, i);
        if (c->action == action) {
            return c;
        }
    }
    return NULL;
}

/* Told once, however often it was looked at. */
static void
assert_lost(struct campus *campus, enum action action)
{
    const struct containment *c = the(campus, action);
    size_t told = 0;
    for (size_t i = 0; i < c->mark_count; i++) {
        told += strcmp(c->marks[i].step, "unverified") == 0;
    }
    assert_int_equal(told, 1);
    assert_int_not_equal(c->state, CONTAINMENT_VERIFIED);
    assert_non_null(strstr(c->problem, "the policy has no site \"east\" any more"));
}

static void
what_was_of_a_site_that_has_another_name_now_is_told(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, two_sites);
    wish_done(
        &campus,
        (struct wish){.action = ACTION_ISOLATE, .ip = campus_ip("192.168.1.77"), .site = "east"});
    block(&campus, "east");
    assert_int_equal(the(&campus, ACTION_BLOCK_SERVER)->state, CONTAINMENT_VERIFIED);
    assert_blocked(&campus, true, false);
    tell_of(&campus, "unverified");
    use_policy(&campus, east_renamed);
    assert_lost(&campus, ACTION_BLOCK_SERVER);
    assert_lost(&campus, ACTION_ISOLATE); /* of somebody who was not seen yet, too */
    assert_int_equal(campus.notice_count, 1);
    assert_int_equal(campus.notice.message.notices[0].kind, NOTICE_UNVERIFIED);
    assert_blocked(&campus, false, false);
    /* Nor is it in force anywhere else, whatever comes. */
    campus_pass(&campus, 120 * SECOND);
    campus_restart(&campus);
    campus_pass(&campus, 90 * SECOND);
    assert_lost(&campus, ACTION_BLOCK_SERVER);
    assert_lost(&campus, ACTION_ISOLATE);
    assert_blocked(&campus, false, false);
    use_policy(&campus, two_sites); /* the name is there again */
    assert_int_equal(the(&campus, ACTION_BLOCK_SERVER)->state, CONTAINMENT_VERIFIED);
    assert_null(the(&campus, ACTION_ISOLATE)->problem);
    assert_blocked(&campus, true, false);
    campus_close(&campus);
}

static void
a_block_of_one_site_never_becomes_one_of_all(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, two_sites);
    block(&campus, "east");
    use_policy(&campus, no_sites);
    assert_blocked(&campus, false, false);
    assert_lost(&campus, ACTION_BLOCK_SERVER);
    campus_restart(&campus);
    campus_pass(&campus, 90 * SECOND);
    assert_blocked(&campus, false, false);
    assert_lost(&campus, ACTION_BLOCK_SERVER);
    campus_close(&campus);
}

/* Changed while nobody ran: the next start tells. */
static void
what_a_start_finds_without_its_site_is_told(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, two_sites);
    block(&campus, "east");
    campus.policy_text = east_renamed;
    campus_restart(&campus);
    campus_pass(&campus, 5 * SECOND);
    assert_lost(&campus, ACTION_BLOCK_SERVER);
    assert_blocked(&campus, false, false);
    campus_close(&campus);
}

/* Nothing else is said meanwhile by which anybody would look. */
static void
what_was_of_a_site_whose_switch_is_away_is_told(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, two_sites);
    block(&campus, "east");
    campus_stop(&campus);
    campus_start_without(&campus, 0);
    campus_pass(&campus, 5 * SECOND);
    assert_int_equal(the(&campus, ACTION_BLOCK_SERVER)->state, CONTAINMENT_VERIFIED);
    use_policy(&campus, east_renamed);
    assert_lost(&campus, ACTION_BLOCK_SERVER);
    campus_close(&campus);
}

/* The site is there, its switches are not: after a start they have a minute. */
static void
what_no_switch_holds_is_not_said_to_be_in_force(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, two_sites);
    block(&campus, "east");
    campus_stop(&campus);
    campus_start_without(&campus, 0);
    campus_pass(&campus, 30 * SECOND);
    assert_int_equal(the(&campus, ACTION_BLOCK_SERVER)->state, CONTAINMENT_VERIFIED);
    campus_pass(&campus, 60 * SECOND);
    assert_int_not_equal(the(&campus, ACTION_BLOCK_SERVER)->state, CONTAINMENT_VERIFIED);
    assert_non_null(strstr(the(&campus, ACTION_BLOCK_SERVER)->problem, "none of site \"east\""));
    campus_close(&campus);
}

/* What a person stores is asked of before. */
static void
what_a_policy_would_lift_is_listed(void **state)
{
    (void)state;
    struct campus campus;
    struct policy_error error = {.line = 7};
    struct policy *none = parsed(no_sites);
    struct policy *renamed = parsed(east_renamed);
    struct policy *moved = parsed(all_west);
    struct policy *same = parsed(two_sites);
    open_campus(&campus, two_sites);
    assert_true(controller_policy_fits(campus.controller, none, &error));
    block(&campus, "east");
    assert_false(controller_policy_fits(campus.controller, none, &error));
    assert_int_equal(error.line, 0);
    assert_non_null(strstr(error.text, "1 containments are in force"));
    assert_non_null(strstr(error.text, the(&campus, ACTION_BLOCK_SERVER)->id));
    assert_non_null(strstr(error.text, SERVER " at east)"));
    assert_false(controller_policy_fits(campus.controller, renamed, &error));
    assert_false(controller_policy_fits(campus.controller, moved, &error)); /* it has no switch */
    assert_true(controller_policy_fits(campus.controller, same, &error));
    use_policy(&campus, east_renamed);                                    /* by hand */
    assert_true(controller_policy_fits(campus.controller, none, &error)); /* lifted already */
    policy_unref(none);
    policy_unref(renamed);
    policy_unref(moved);
    policy_unref(same);
    campus_close(&campus);
}

/* ---- what is older than the sites ---- */

static void
what_is_older_than_the_sites_gets_its_own(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, no_sites);
    campus_client(&campus, "e1", "p2", 7, SERVER, "server");
    block(&campus, "");
    assert_blocked(&campus, true, true);
    use_policy(&campus, two_sites);
    assert_string_equal(the(&campus, ACTION_BLOCK_SERVER)->site, "east");
    assert_blocked(&campus, true, false);
    assert_int_equal(the(&campus, ACTION_BLOCK_SERVER)->state, CONTAINMENT_VERIFIED);
    campus_restart(&campus);
    campus_pass(&campus, 3 * SECOND);
    assert_string_equal(the(&campus, ACTION_BLOCK_SERVER)->site, "east");
    assert_blocked(&campus, true, false);
    block(&campus, "west");
    assert_blocked(&campus, true, true);
    campus_close(&campus);
}

/* Elsewhere it is not in force any more, for whoever decides. */
static void
what_got_its_site_hides_no_twin(void **state)
{
    (void)state;
    struct campus campus;
    struct wish wish = {.action = ACTION_BLOCK_SERVER};
    open_campus(&campus, no_sites);
    campus_client(&campus, "e1", "p2", 7, "172.16.5.5", "server");
    assert_true(prefix_parse("172.16.5.5", &wish.server));
    wish_done(&campus, wish);
    use_policy(&campus, two_sites);
    assert_false(is_cut(&campus, 1, WEST, "172.16.5.5"));
    alert(&campus, "d1", "ids-east", "172.16.5.5");
    assert_false(is_cut(&campus, 1, WEST, "172.16.5.5"));
    alert(&campus, "d2", "ids-west", "172.16.5.5");
    assert_true(is_cut(&campus, 1, WEST, "172.16.5.5"));
    campus_close(&campus);
}

static void
what_nobody_can_place_stays_everywhere_and_is_told(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, no_sites);
    block(&campus, "");
    wish_done(&campus, (struct wish){.action = ACTION_ISOLATE, .ip = campus_ip("192.168.1.77")});
    tell_of(&campus, "conflict");
    campus.policy_text = two_sites; /* while nobody runs */
    campus_restart(&campus);
    campus_pass(&campus, 3 * SECOND);
    assert_blocked(&campus, true, true);
    assert_true(campus.notice_count > 0);
    assert_true(campus_has_mark(the(&campus, ACTION_BLOCK_SERVER), "no_site"));
    assert_true(campus_has_mark(the(&campus, ACTION_ISOLATE), "no_site"));
    block(&campus, "east"); /* as people are told to */
    size_t marks = the(&campus, ACTION_ISOLATE)->mark_count;
    use_policy(&campus, two_sites);
    assert_int_equal(the(&campus, ACTION_ISOLATE)->mark_count, marks);
    /* Somebody comes who has it: now it is known. */
    campus_client(&campus, "e2", "p2", 8, "192.168.1.77", "eight");
    assert_string_equal(the(&campus, ACTION_ISOLATE)->endpoint_id, campus_endpoint(&campus, 8)->id);
    campus_close(&campus);
}

static void
a_pair_is_of_the_site_where_its_machine_comes_up(void **state)
{
    (void)state;
    struct campus campus;
    struct wish wish = {.action = ACTION_BLOCK_PAIR, .ip = campus_ip("192.168.1.77")};
    open_campus(&campus, no_sites);
    assert_true(prefix_parse(SERVER, &wish.server));
    wish_done(&campus, wish);
    use_policy(&campus, two_sites);
    assert_string_equal(the(&campus, ACTION_BLOCK_PAIR)->site, "");
    campus_client(&campus, "e2", "p1", 8, "192.168.1.77", "eight");
    campus_pass(&campus, 2 * SECOND);
    assert_string_equal(the(&campus, ACTION_BLOCK_PAIR)->site, "west");
    assert_true(is_cut(&campus, 1, 8, SERVER));
    assert_false(is_cut(&campus, 0, 8, SERVER));
    campus_close(&campus);
}

/* Told for an address of a site when its machine was not of one yet. */
static void
who_comes_to_a_site_by_the_policy_is_who_was_meant_there(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, west_elsewhere);
    campus_client(&campus, "e2", "p2", 8, "192.168.1.77", "eight");
    wish_done(
        &campus,
        (struct wish){.action = ACTION_ISOLATE, .ip = campus_ip("192.168.1.77"), .site = "west"});
    assert_string_equal(the(&campus, ACTION_ISOLATE)->endpoint_id, "");
    use_policy(&campus, two_sites); /* e2 is at west */
    assert_string_equal(the(&campus, ACTION_ISOLATE)->endpoint_id, campus_endpoint(&campus, 8)->id);
    assert_int_equal(the(&campus, ACTION_ISOLATE)->state, CONTAINMENT_VERIFIED);
    campus_pass(&campus, 3 * SECOND);
    uint32_t version = the(&campus, ACTION_ISOLATE)->version;
    campus_restart(&campus);
    campus_pass(&campus, 3 * SECOND);
    assert_int_equal(the(&campus, ACTION_ISOLATE)->version, version); /* the same rules */
    campus_close(&campus);
}

/* Its site went while it waited: a person is told, and nothing is said to be in force. */
static void
what_waits_for_a_site_that_is_gone_is_not_enforced(void **state)
{
    (void)state;
    struct campus campus;
    struct wish_answer answer = {.calls = 0};
    int count = 0;
    open_campus(&campus, two_sites_asked);
    detect(&campus, "d1", "ids-east", "192.168.1.77", "198.51.100.9", &count);
    campus_pass(&campus, SECOND);
    const struct containment *c = the(&campus, ACTION_ISOLATE); /* of somebody not seen yet */
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_string_equal(c->site, "east");
    use_policy(&campus, east_renamed);
    controller_judge(campus.controller, c->id, VERDICT_ENFORCE, "account:ann", "now", campus_answer,
                     &answer);
    campus_pass(&campus, SECOND);
    assert_int_equal(answer.result, WISH_REFUSED);
    assert_non_null(strstr(answer.why, "the policy has no site \"east\" any more"));
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    use_policy(&campus, two_sites_asked); /* the name is there again */
    answer = (struct wish_answer){.calls = 0};
    controller_judge(campus.controller, c->id, VERDICT_ENFORCE, "account:ann", "now", campus_answer,
                     &answer);
    campus_pass(&campus, SECOND);
    assert_int_equal(answer.result, WISH_REFUSED);
    assert_non_null(strstr(answer.why, "nobody is known to have that address"));
    campus_close(&campus);
}

/* A person may enforce what waits because nobody knows where it was seen: not at every site. */
static void
what_waits_for_its_site_is_not_enforced_without(void **state)
{
    (void)state;
    struct campus campus;
    struct wish_answer answer = {.calls = 0};
    open_campus(&campus, two_sites);
    alert(&campus, "d1", "ids", "172.16.5.5");
    const struct containment *c = the(&campus, ACTION_BLOCK_SERVER);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    controller_judge(campus.controller, c->id, VERDICT_ENFORCE, "account:ann", "now", campus_answer,
                     &answer);
    campus_pass(&campus, SECOND);
    assert_int_equal(answer.result, WISH_REFUSED);
    assert_non_null(strstr(answer.why, "at the one that is meant"));
    assert_false(is_cut(&campus, 0, EAST, "172.16.5.5"));
    campus_close(&campus);
}

static const struct containment *
isolation_of(struct campus *campus, uint8_t mac)
{
    for (size_t i = 0; i < controller_containment_count(campus->controller); i++) {
        const struct containment *c = controller_containment_at(campus->controller, i);
        if (strcmp(c->endpoint_id, campus_endpoint(campus, mac)->id) == 0) {
            return c;
        }
    }
    fail();
    return NULL;
}

/* Whoever waited for his turn when we died is still of his site: its twin's protection is not his.
 */
static void
who_waits_for_his_turn_keeps_his_site(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, few_at_a_time);
    campus_client(&campus, "e2", "p2", 5, "192.168.1.11", "five");
    for (int i = 0; i < 8; i++) { /* the first goes at once, the others are gathered */
        char id[16], ip[24];
        snprintf(id, sizeof(id), "d%d", i);
        snprintf(ip, sizeof(ip), "192.168.1.%d", 20 + i);
        campus_client(&campus, "e2", "p3", (uint8_t)(20 + i), ip, id);
    }
    for (int i = 0; i < 8; i++) {
        char id[16], ip[24];
        snprintf(id, sizeof(id), "d%d", i);
        snprintf(ip, sizeof(ip), "192.168.1.%d", 20 + i);
        detect_at_once(&campus, id, ip);
    }
    detect_at_once(&campus, "last", "192.168.1.11");
    campus_settle(&campus);
    assert_int_equal(isolation_of(&campus, 5)->hold, HOLD_BUDGET);
    campus_restart(&campus);
    campus_pass(&campus, 3 * SECOND);
    const struct containment *c = isolation_of(&campus, 5);
    assert_int_equal(c->state, CONTAINMENT_VERIFIED);
    assert_string_equal(c->site, "west");
    campus_close(&campus);
}

/* One machine, and at each site a server with that address. */
static void
a_pair_goes_on_where_its_machine_goes(void **state)
{
    (void)state;
    struct campus campus;
    struct wish wish = {.action = ACTION_BLOCK_PAIR, .mac = campus_mac(EAST), .site = "east"};
    open_campus(&campus, two_sites);
    assert_true(prefix_parse(SERVER, &wish.server));
    wish_done(&campus, wish);
    assert_true(is_cut(&campus, 0, EAST, SERVER));
    assert_false(is_cut(&campus, 1, EAST, SERVER));
    snprintf(wish.site, sizeof(wish.site), "west");
    wish_done(&campus, wish);
    assert_true(is_cut(&campus, 1, EAST, SERVER));
    assert_true(is_cut(&campus, 0, EAST, SERVER));
    campus_close(&campus);
}

static void
a_servers_twin_is_blocked_at_its_turn(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, two_sites);
    alert(&campus, "d1", "ids-east", SERVER);
    assert_null(the(&campus, ACTION_BLOCK_SERVER)); /* home: no server to block */
    alert(&campus, "d2", "ids-east", "172.16.5.5");
    assert_true(is_cut(&campus, 0, EAST, "172.16.5.5"));
    assert_false(is_cut(&campus, 1, WEST, "172.16.5.5"));
    size_t count = controller_containment_count(campus.controller);
    alert(&campus, "d3", "ids-east", "172.16.5.5"); /* the same again */
    assert_int_equal(controller_containment_count(campus.controller), count);
    alert(&campus, "d4", "ids-west", "172.16.5.5");
    assert_true(is_cut(&campus, 1, WEST, "172.16.5.5"));
    assert_string_equal(the(&campus, ACTION_BLOCK_SERVER)->site, "west");
    campus_close(&campus);
}

static void
assert_who(struct campus *campus, const char *site, const char *address, uint8_t mac)
{
    struct held held;
    struct ip ip = campus_ip(address);
    assert_int_equal(topology_resolve(controller_topology(campus->controller), site, &ip,
                                      campus->clock.wall_now_us, &held),
                     mac ? RESOLUTION_SURE : RESOLUTION_NONE);
    assert_ptr_equal(held.endpoint, mac ? campus_endpoint(campus, mac) : NULL);
}

/* Endpoints with an address of that site in the database. */
static int64_t
stored_at(const struct campus *campus, const char *site)
{
    char like[64];
    snprintf(like, sizeof(like), "%%\"site\":\"%s\"%%", site);
    return campus_number(campus, "SELECT count(*) FROM endpoint WHERE json LIKE ?1", like);
}

static void
who_says_nothing_is_at_its_site_after_a_restart_too(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, no_sites);
    campus_client(&campus, "e2", "p4", 9, "192.168.1.99", "nine");
    campus_pass(&campus, 5 * SECOND);
    use_policy(&campus, two_sites);
    assert_who(&campus, "west", "192.168.1.99", 9);
    campus_pass(&campus, 5 * SECOND);
    assert_int_equal(stored_at(&campus, "west"), 2); /* both that are there */
    campus_stop(&campus);
    campus_start_without(&campus, 1); /* not even its switch is there */
    assert_who(&campus, "west", "192.168.1.99", 9);
    assert_who(&campus, SITE_DEFAULT, "192.168.1.99", 0);
    campus_close(&campus);
}

/* As an earlier release has it in its database: without a site, and nobody told again since. */
static void
what_was_stored_without_sites_is_its_switchs(void **state)
{
    (void)state;
    struct campus campus;
    open_campus(&campus, no_sites);
    campus_client(&campus, "e2", "p4", 9, "192.168.1.99", "nine");
    campus_pass(&campus, 5 * SECOND);
    campus_stop(&campus);
    campus.policy_text = two_sites;
    campus_start_without(&campus, 1);
    assert_who(&campus, "west", "192.168.1.99", 9);
    campus_pass(&campus, 5 * SECOND);
    campus_stop(&campus);
    campus.policy_text = no_sites; /* and back */
    campus_start_without(&campus, 1);
    assert_who(&campus, SITE_DEFAULT, "192.168.1.99", 9);
    campus_close(&campus);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_of_a_site_that_has_another_name_now_is_told),
        cmocka_unit_test(what_waits_for_a_site_that_is_gone_is_not_enforced),
        cmocka_unit_test(a_block_of_one_site_never_becomes_one_of_all),
        cmocka_unit_test(what_a_start_finds_without_its_site_is_told),
        cmocka_unit_test(what_was_of_a_site_whose_switch_is_away_is_told),
        cmocka_unit_test(what_no_switch_holds_is_not_said_to_be_in_force),
        cmocka_unit_test(what_a_policy_would_lift_is_listed),
        cmocka_unit_test(what_is_older_than_the_sites_gets_its_own),
        cmocka_unit_test(what_got_its_site_hides_no_twin),
        cmocka_unit_test(what_nobody_can_place_stays_everywhere_and_is_told),
        cmocka_unit_test(who_comes_to_a_site_by_the_policy_is_who_was_meant_there),
        cmocka_unit_test(a_pair_is_of_the_site_where_its_machine_comes_up),
        cmocka_unit_test(what_waits_for_its_site_is_not_enforced_without),
        cmocka_unit_test(who_waits_for_his_turn_keeps_his_site),
        cmocka_unit_test(a_pair_goes_on_where_its_machine_goes),
        cmocka_unit_test(a_servers_twin_is_blocked_at_its_turn),
        cmocka_unit_test(who_says_nothing_is_at_its_site_after_a_restart_too),
        cmocka_unit_test(what_was_stored_without_sites_is_its_switchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
