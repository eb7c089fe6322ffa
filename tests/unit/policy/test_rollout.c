/* Roll-out rules and maintenance windows: which mode holds for whom, when, who says so, and what it
 * does to decisions. */
#include "world.h"

#include "base/clock.h"
#include "policy/file.h"
#include "policy/rollout.h"

#define HEAD                                                                                       \
    "defaults: {mode: auto}\n"                                                                     \
    "networks:\n"                                                                                  \
    "  - {name: clients, prefixes: [192.0.2.0/24], home: true}\n"                                  \
    "groups:\n"                                                                                    \
    "  - {name: wards, tags: [ward 3]}\n"                                                          \
    "  - {name: paper, classes: [printer]}\n"                                                      \
    "sites: [{name: north, switches: ['e1', 'n-*']}]\n"
#define HOME "networks: [{name: clients, prefixes: [192.0.2.0/24], home: true}]\n"
#define TAIL                                                                                       \
    "policies:\n"                                                                                  \
    "  - name: contact\n"                                                                          \
    "    when: {phases: [c2]}\n"                                                                   \
    "    then: [{action: isolate}]\n"

static struct annotation said;

static struct inhabitant *
who(struct world *w, const char *name)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->inhabitants[i].endpoint.host_name, name) == 0) {
            return &w->inhabitants[i];
        }
    }
    fail_msg("nobody is called %s", name);
    return NULL;
}

static void
move(struct inhabitant *one, const char *switch_name, const char *port)
{
    struct location *location = &one->endpoint.location;
    location->class = LOCATION_DIRECT;
    location->switch_name = switch_name;
    location->port = port;
}

/* What becomes of c2's contact under these roll-out rules? */
static struct decision
decide(const char *rules, const char *switch_name, const char *port, enum endpoint_class class)
{
    char yaml[4096];
    snprintf(yaml, sizeof(yaml), HEAD "%s" TAIL, rules);
    struct world *w = world_new(yaml);
    struct inhabitant *c2 = who(w, "c2");
    said = (struct annotation){.class = class, .tag_count = 1};
    snprintf(said.tags[0], TAG_SIZE, "Ward 3");
    c2->endpoint.annotation = class == CLASS_UNKNOWN ? NULL : &said;
    if (switch_name) {
        move(c2, switch_name, port);
    } else {
        c2->endpoint.location.class = LOCATION_NONE;
    }
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    snprintf(d.maker, sizeof(d.maker), "suricata"); /* strong, wherever it is */
    d.strength = STRENGTH_STRONG;
    struct decision decision = *find_decision(detect(w, &d), ACTION_ISOLATE);
    world_free(w);
    return decision;
}

/* Rules, where an endpoint is and what; the mode that follows, and why. */
static const struct {
    const char *rules, *switch_name, *port;
    enum endpoint_class class;
    enum mode mode;
    const char *why;
} matched[] = {
    {"", "e1", "p3", CLASS_UNKNOWN, MODE_AUTO, "the defaults"},
    /* each way of saying whom */
    {"rollout: [{name: r, when: {sites: [north]}, mode: approve}]\n", "e1", "p3", CLASS_UNKNOWN,
     MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {sites: [north]}, mode: approve}]\n", "n-7", "p3", CLASS_UNKNOWN,
     MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {sites: [north]}, mode: approve}]\n", "e2", "p3", CLASS_UNKNOWN,
     MODE_AUTO, "the defaults"},
    {"rollout: [{name: r, when: {networks: [clients]}, mode: observe}]\n", "e2", "p3",
     CLASS_UNKNOWN, MODE_OBSERVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {switches: ['e?']}, mode: approve}]\n", "e2", "p3", CLASS_UNKNOWN,
     MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {ports: [e2/p3]}, mode: approve}]\n", "e2", "p3", CLASS_UNKNOWN,
     MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {ports: [e2/p3]}, mode: approve}]\n", "e2", "p33", CLASS_UNKNOWN,
     MODE_AUTO, "the defaults"},
    {"rollout: [{name: r, when: {ports: ['e2/*']}, mode: approve}]\n", "e2", "p33", CLASS_UNKNOWN,
     MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {classes: [medical, phone]}, mode: approve}]\n", "e2", "p3",
     CLASS_PHONE, MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {classes: [medical, phone]}, mode: approve}]\n", "e2", "p3",
     CLASS_WORKSTATION, MODE_AUTO, "the defaults"},
    {"rollout: [{name: r, when: {classes: [medical]}, mode: approve}]\n", "e2", "p3", CLASS_UNKNOWN,
     MODE_AUTO, "the defaults"},
    {"rollout: [{name: r, when: {classes: [unknown]}, mode: approve}]\n", "e2", "p3", CLASS_UNKNOWN,
     MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {groups: [wards]}, mode: approve}]\n", "e2", "p3",
     CLASS_WORKSTATION, MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {groups: [paper]}, mode: approve}]\n", "e2", "p3", CLASS_PRINTER,
     MODE_APPROVE, "roll-out rule r"},
    {"rollout: [{name: r, when: {groups: [paper]}, mode: approve}]\n", "e2", "p3",
     CLASS_WORKSTATION, MODE_AUTO, "the defaults"},
    /* all kinds that are given must match */
    {"rollout: [{name: r, when: {classes: [phone], switches: [e1]}, mode: approve}]\n", "e2", "p3",
     CLASS_PHONE, MODE_AUTO, "the defaults"},
    /* in order, and also to less careful */
    {"rollout:\n  - {name: pilot, when: {ports: [e2/p3]}, mode: auto}\n"
     "  - {name: rest, mode: observe}\n",
     "e2", "p3", CLASS_PHONE, MODE_AUTO, "roll-out rule pilot"},
    {"rollout:\n  - {name: pilot, when: {ports: [e2/p3]}, mode: auto}\n"
     "  - {name: rest, mode: observe}\n",
     "e2", "p4", CLASS_PHONE, MODE_OBSERVE, "roll-out rule rest"},
};

static void
the_first_rule_that_matches_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(matched); i++) {
        struct decision d =
            decide(matched[i].rules, matched[i].switch_name, matched[i].port, matched[i].class);
        enum hold hold = matched[i].mode == MODE_APPROVE ? HOLD_ROLLOUT : HOLD_NONE;
        if (d.mode != matched[i].mode || strcmp(d.mode_why, matched[i].why) != 0 ||
            d.hold != hold) {
            fail_msg("%s%s/%s: %s by %s, held %s", matched[i].rules, matched[i].switch_name,
                     matched[i].port, mode_names[d.mode], d.mode_why, hold_names[d.hold]);
        }
    }
}

static void
nobody_knows_where_it_is_the_careful_rule_counts(void **state)
{
    (void)state;
    struct decision d = decide("rollout: [{name: ward, when: {ports: [e1/p3]}, mode: approve}]\n",
                               NULL, NULL, CLASS_UNKNOWN);
    assert_int_equal(d.hold, HOLD_ROLLOUT);
    assert_non_null(strstr(
        d.hold_detail, "roll-out rule ward, which may apply (its port is not known), leaves it"));
    /* a rule that would be less careful does not count */
    d = decide("rollout:\n  - {name: pilot, when: {sites: [north]}, mode: auto}\n"
               "  - {name: rest, mode: approve}\n",
               NULL, NULL, CLASS_UNKNOWN);
    assert_int_equal(d.mode, MODE_APPROVE);
    assert_string_equal(d.mode_why, "roll-out rule rest");
    /* nor one that cannot match for another reason */
    d = decide("rollout: [{name: ward, when: {ports: [e1/p3], classes: [medical]}, mode: "
               "approve}]\n",
               NULL, NULL, CLASS_WORKSTATION);
    assert_int_equal(d.hold, HOLD_NONE);
}

static void
a_policy_of_its_own_mode_does_not_override_a_careful_rule(void **state)
{
    static const struct {
        const char *rule, *own;
        enum mode mode;
        const char *why;
        enum hold hold;
    } rows[] = {
        {"approve", "auto", MODE_APPROVE, "roll-out rule r", HOLD_ROLLOUT},
        {"observe", "auto", MODE_OBSERVE, "roll-out rule r", HOLD_NONE},
        {"auto", "approve", MODE_APPROVE, "policy p", HOLD_MODE},
        {"auto", "observe", MODE_OBSERVE, "policy p", HOLD_NONE},
        {"auto", "auto", MODE_AUTO, "roll-out rule r", HOLD_NONE},
        {"approve", "approve", MODE_APPROVE, "roll-out rule r", HOLD_ROLLOUT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char yaml[2048];
        snprintf(yaml, sizeof(yaml),
                 HEAD "rollout: [{name: r, mode: %s}]\n"
                      "policies: [{name: p, mode: %s, then: [{action: isolate}]}]\n",
                 rows[i].rule, rows[i].own);
        struct world *w = world_new(yaml);
        struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
        const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
        if (decision->mode != rows[i].mode || strcmp(decision->mode_why, rows[i].why) != 0 ||
            decision->hold != rows[i].hold) {
            fail_msg("rule %s, policy %s: %s by %s", rows[i].rule, rows[i].own,
                     mode_names[decision->mode], decision->mode_why);
        }
        world_free(w);
    }
}

static void
what_a_rule_leaves_to_people_is_never_enforced_by_waiting(void **state)
{
    (void)state;
    struct decision d = decide("hold: {pending_s: 60, then: enforce}\n"
                               "rollout: [{name: r, mode: approve}]\n",
                               "e1", "p3", CLASS_UNKNOWN);
    assert_int_equal(d.hold, HOLD_ROLLOUT);
    assert_int_equal(d.pending_s, 0); /* nor let go: it waits for a person */
    assert_int_equal(d.pending_action, ACTION_NONE);
    /* the same without a rule would be */
    struct world *w =
        world_new("defaults: {mode: approve}\n" HOME "hold: {pending_s: 60, then: enforce}\n" TAIL);
    struct detection contacted = contact(w, C2_IP, C2_MAC, SERVER_IP);
    const struct decision *held = find_decision(detect(w, &contacted), ACTION_ISOLATE);
    assert_int_equal(held->hold, HOLD_MODE);
    assert_int_equal(held->pending_action, ACTION_ISOLATE);
    world_free(w);
    /* nor in a window that says no more than the network does */
    w = world_new("defaults: {mode: approve}\n" HOME "hold: {pending_s: 60, then: enforce}\n"
                  "maintenance: [{name: w, mode: approve, once: {from: '2001-01-01T00:00:00Z', to: "
                  "'2099-01-01T00:00:00Z'}}]\n" TAIL);
    held = find_decision(detect(w, &contacted), ACTION_ISOLATE);
    assert_int_equal(held->hold, HOLD_MAINTENANCE);
    assert_int_equal(held->pending_action, ACTION_NONE);
    world_free(w);
    /* nor after a release: the weightier reason does not make it weaker */
    w = world_new(HEAD "hold: {pending_s: 60, then: enforce}\n"
                       "after_release: {grace_s: 300}\n"
                       "rollout: [{name: r, mode: approve}]\n" TAIL);
    engine_note_released(w->engine, "id-c2");
    held = find_decision(detect(w, &contacted), ACTION_ISOLATE);
    assert_int_equal(held->hold, HOLD_GRACE);
    assert_int_equal(held->pending_action, ACTION_NONE);
    world_free(w);
}

static void
a_weightier_reason_is_shown_first(void **state)
{
    (void)state;
    struct world *w = world_new(HEAD "rollout: [{name: r, mode: approve}]\n" TAIL);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    who(w, "c2")->is_protected = true;
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_PROTECTED);
    world_free(w);
}

static void
its_twin_on_another_port_is_contained(void **state)
{
    (void)state;
    struct world *w =
        world_new(HEAD "rollout: [{name: r, when: {ports: [e1/p3]}, mode: approve}]\n" TAIL);
    struct detection d2 = contact(w, C2_IP, C2_MAC, SERVER_IP);
    struct detection d3 = contact(w, C3_IP, C3_MAC, SERVER_IP);
    move(who(w, "c2"), "e1", "p3");
    move(who(w, "c3"), "e1", "p4");
    assert_int_equal(find_decision(detect(w, &d2), ACTION_ISOLATE)->hold, HOLD_ROLLOUT);
    const struct decision *twin = find_decision(detect(w, &d3), ACTION_ISOLATE);
    assert_int_equal(twin->hold, HOLD_NONE);
    assert_int_equal(twin->mode, MODE_AUTO);
    world_free(w);
}

static int64_t
us_of(const char *text)
{
    int64_t us;
    assert_int_equal(time_parse(text, &us), 0);
    return us;
}

static struct policy *
policy_with(const char *window)
{
    char yaml[2048];
    struct policy *policy = NULL;
    struct policy_error error;
    snprintf(yaml, sizeof(yaml), HEAD "maintenance:\n%s" TAIL, window);
    if (policy_parse(yaml, strlen(yaml), &policy, &error) != 0) {
        fail_msg("%s: line %u: %s", yaml, error.line, error.text);
    }
    return policy;
}

#define BERLIN "time_zone: Europe/Berlin"
#define WINDOW(days, from, to, zone)                                                               \
    "  - {name: w, mode: approve, weekly: {days: [" days "], from: '" from "', to: '" to           \
    "'}, " zone "}\n"

/* 2026-11-28 is a Saturday. */
static const struct {
    const char *window, *time;
    bool is_in_force;
    const char *change; /* when that changes; NULL: never */
} windows[] = {
    {WINDOW("sat", "10:00", "12:00", "time_zone: UTC"), "2026-11-28T09:59:59Z", false,
     "2026-11-28T10:00:00Z"},
    {WINDOW("sat", "10:00", "12:00", "time_zone: UTC"), "2026-11-28T10:00:00Z", true,
     "2026-11-28T12:00:00Z"},
    {WINDOW("sat", "10:00", "12:00", "time_zone: UTC"), "2026-11-28T12:00:00Z", false,
     "2026-12-05T10:00:00Z"},
    {WINDOW("sat", "10:00", "12:00", "time_zone: UTC"), "2026-11-27T11:00:00Z", false,
     "2026-11-28T10:00:00Z"},
    /* in Tokyo it is Saturday earlier */
    {WINDOW("sat", "00:00", "24:00", "time_zone: Asia/Tokyo"), "2026-11-27T15:00:00Z", true,
     "2026-11-28T15:00:00Z"},
    {WINDOW("sat", "00:00", "24:00", "time_zone: Asia/Tokyo"), "2026-11-28T15:00:00Z", false,
     "2026-12-04T15:00:00Z"},
    /* over midnight: the day is the one on which it begins */
    {WINDOW("sat", "22:00", "04:00", "time_zone: UTC"), "2026-11-28T21:59:00Z", false,
     "2026-11-28T22:00:00Z"},
    {WINDOW("sat", "22:00", "04:00", "time_zone: UTC"), "2026-11-28T23:00:00Z", true,
     "2026-11-29T04:00:00Z"},
    {WINDOW("sat", "22:00", "04:00", "time_zone: UTC"), "2026-11-29T03:59:59Z", true,
     "2026-11-29T04:00:00Z"},
    {WINDOW("sat", "22:00", "04:00", "time_zone: UTC"), "2026-11-29T04:00:00Z", false,
     "2026-12-05T22:00:00Z"},
    {WINDOW("sat", "22:00", "04:00", "time_zone: UTC"), "2026-11-28T03:00:00Z", false,
     "2026-11-28T22:00:00Z"}, /* what began on Friday is none */
    {WINDOW("sun", "22:00", "04:00", "time_zone: UTC"), "2026-11-30T01:00:00Z", true,
     "2026-11-30T04:00:00Z"}, /* over the end of the week */
    /* two days beside each other are one window */
    {WINDOW("sat, sun", "00:00", "24:00", "time_zone: UTC"), "2026-11-28T12:00:00Z", true,
     "2026-11-30T00:00:00Z"},
    {WINDOW("mon, tue, wed, thu, fri, sat, sun", "00:00", "24:00", "time_zone: UTC"),
     "2026-11-28T12:00:00Z", true, NULL},
    /* summer time: clocks go from 02:00 to 03:00 on 2026-03-29 */
    {WINDOW("sun", "01:00", "04:00", BERLIN), "2026-03-29T00:00:00Z", true,
     "2026-03-29T02:00:00Z"}, /* two hours long */
    {WINDOW("sun", "02:00", "03:00", BERLIN), "2026-03-29T01:00:00Z", false,
     "2026-04-05T00:00:00Z"}, /* never that night */
    {WINDOW("sun", "04:00", "05:00", BERLIN), "2026-03-29T02:00:00Z", true, "2026-03-29T03:00:00Z"},
    {WINDOW("sun", "04:00", "05:00", BERLIN), "2026-03-22T03:00:00Z", true, "2026-03-22T04:00:00Z"},
    /* and back from 03:00 to 02:00 on 2026-10-25 */
    {WINDOW("sun", "02:00", "03:00", BERLIN), "2026-10-25T00:00:00Z", true,
     "2026-10-25T02:00:00Z"}, /* two hours long */
    {WINDOW("sun", "02:00", "03:00", BERLIN), "2026-10-25T01:59:59Z", true, "2026-10-25T02:00:00Z"},
    {WINDOW("sat", "22:00", "06:00", BERLIN), "2026-10-24T20:00:00Z", true,
     "2026-10-25T05:00:00Z"}, /* a night of nine hours */
    /* once */
    {"  - {name: w, mode: approve, once: {from: '2026-12-05T08:00:00+09:00', to: "
     "'2026-12-05T20:00:00+09:00'}}\n",
     "2026-12-04T22:59:59Z", false, "2026-12-04T23:00:00Z"},
    {"  - {name: w, mode: approve, once: {from: '2026-12-05T08:00:00+09:00', to: "
     "'2026-12-05T20:00:00+09:00'}}\n",
     "2026-12-04T23:00:00Z", true, "2026-12-05T11:00:00Z"},
    {"  - {name: w, mode: approve, once: {from: '2026-12-05T08:00:00+09:00', to: "
     "'2026-12-05T20:00:00+09:00'}}\n",
     "2026-12-05T11:00:00Z", false, NULL},
};

static void
windows_by_the_clocks_of_their_zone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(windows); i++) {
        struct policy *policy = policy_with(windows[i].window);
        struct policy_window window;
        char change[TIME_TEXT_SIZE];
        assert_true(policy_window_at(policy, 0, us_of(windows[i].time), &window));
        time_format(window.change_us, change);
        int64_t wanted_us = windows[i].change ? us_of(windows[i].change) : 0;
        if (window.is_in_force != windows[i].is_in_force || window.change_us != wanted_us) {
            fail_msg("%s at %s: %s until %s", windows[i].window, windows[i].time,
                     window.is_in_force ? "in force" : "not in force", change);
        }
        policy_unref(policy);
    }
}

static void
a_window_makes_more_careful_never_less(void **state)
{
    (void)state;
    struct world *w = world_new(
        HEAD "maintenance:\n"
             "  - name: nights\n"
             "    when: {sites: [north]}\n"
             "    mode: approve\n"
             "    weekly: {days: [mon, tue, wed, thu, fri, sat, sun], from: '22:00', to: '04:00'}\n"
             "    time_zone: UTC\n" TAIL);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    clock_fake_init(&w->clock, us_of("2026-11-28T21:00:00Z"));
    move(who(w, "c2"), "e1", "p3");
    move(who(w, "c3"), "e9", "p3");
    d.seen_us = w->clock.wall_now_us;
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    engine_note_released(w->engine, "id-c2");
    world_after_s(w, 2 * 3600);
    const struct decision *held = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_int_equal(held->hold, HOLD_MAINTENANCE);
    assert_string_equal(held->hold_detail, "maintenance window nights leaves it to a person");
    struct detection elsewhere = contact(w, C3_IP, C3_MAC, SERVER_IP);
    assert_int_equal(find_decision(detect(w, &elsewhere), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_free(w);
    w = world_new("defaults: {mode: observe}\n" HOME
                  "maintenance: [{name: w, mode: approve, once: {from: '2026-01-01T00:00:00Z', to: "
                  "'2099-01-01T00:00:00Z'}}]\n" TAIL);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->mode, MODE_OBSERVE);
    world_free(w);
}

static void
assumed_modes_leave_the_careful_rules_or_not(void **state)
{
    static const struct {
        enum assumption assumption;
        enum mode mode;
        enum hold hold;
    } rows[] = {{ASSUME_NOTHING, MODE_APPROVE, HOLD_ROLLOUT},
                {ASSUME_AUTO, MODE_APPROVE, HOLD_ROLLOUT},
                {ASSUME_AUTO_EVERYWHERE, MODE_AUTO, HOLD_NONE}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world *w =
            world_new("defaults: {mode: observe}\n" HOME
                      "rollout: [{name: r, when: {ports: [e1/p3]}, mode: approve}]\n" TAIL);
        struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
        move(who(w, "c2"), "e1", "p3");
        engine_assume(w->engine, rows[i].assumption);
        const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
        assert_int_equal(decision->mode, rows[i].mode);
        assert_int_equal(decision->hold, rows[i].hold);
        d = contact(w, C3_IP, C3_MAC, SERVER_IP);
        decision = find_decision(detect(w, &d), ACTION_ISOLATE);
        assert_int_equal(decision->mode, i == 0 ? MODE_OBSERVE : MODE_AUTO);
        world_free(w);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_matches_counts),
        cmocka_unit_test(nobody_knows_where_it_is_the_careful_rule_counts),
        cmocka_unit_test(a_policy_of_its_own_mode_does_not_override_a_careful_rule),
        cmocka_unit_test(what_a_rule_leaves_to_people_is_never_enforced_by_waiting),
        cmocka_unit_test(a_weightier_reason_is_shown_first),
        cmocka_unit_test(its_twin_on_another_port_is_contained),
        cmocka_unit_test(windows_by_the_clocks_of_their_zone),
        cmocka_unit_test(a_window_makes_more_careful_never_less),
        cmocka_unit_test(assumed_modes_leave_the_careful_rules_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
