/* Who has the budget, where more ask than it has room for. */
#include "policy/budget.h"
#include "world.h"

#define CROWD 200

static const char *const yaml_storm =
    "defaults: {mode: auto}\n"
    "networks:\n"
    "  - {name: a, prefixes: [192.0.2.0/24], home: true}\n"
    "budgets: {per_minute: 30, per_hour: 50, network_percent: 100, switch_percent: 100}\n"
    "never_block: {popular: 10000}\n"
    "after_release: {grace_s: 300, watch_s: 3600}\n"
    "policies: [{name: p, then: [{action: isolate}]}]\n";

static struct world *
crowd_new(const char *yaml)
{
    struct world *w = world_new(yaml);
    engine_gather(w->engine, true);
    for (int i = 0; i < CROWD; i++) {
        char name[16], mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
        snprintf(name, sizeof(name), "b%d", i);
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        snprintf(ip, sizeof(ip), "192.0.2.%d", 50 + i);
        world_add(w, name, mac, ip);
    }
    return w;
}

static enum hold
ask(struct world *w, int i, uint8_t confidence)
{
    char mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
    snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
    snprintf(ip, sizeof(ip), "192.0.2.%d", 50 + i);
    struct detection d = contact(w, ip, mac, SERVER_IP);
    d.confidence = confidence;
    const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    return decision ? decision->hold : HOLD_COUNT;
}

static void
after_ms(struct world *w, int64_t ms)
{
    clock_fake_advance(&w->clock, ms * 1000);
}

/* Ids of who has it now, in that order. */
static size_t
gathered(struct world *w, char ids[][ID_SIZE], size_t room)
{
    struct decision decision;
    size_t count = 0;
    while (engine_gathered(w->engine, &decision)) {
        assert_int_equal(decision.action, ACTION_ISOLATE);
        assert_int_equal(decision.hold, HOLD_NONE);
        assert_true(count < room);
        memcpy(ids[count++], decision.endpoint_id, ID_SIZE);
    }
    return count;
}

static void
the_most_confident_have_the_budget_in_whatever_order_they_come(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    char ids[CROWD][ID_SIZE];
    size_t at_once = 0;
    for (int i = 0; i < CROWD; i++) {
        enum hold hold = ask(w, i, (uint8_t)(20 + i * 7 % 80));  /* 20 to 99, jumbled */
        assert_int_equal(hold, i < 3 ? HOLD_NONE : HOLD_BUDGET); /* a tenth goes at once */
        at_once += hold == HOLD_NONE;
        if (hold == HOLD_BUDGET) { /* and its pair meanwhile */
            assert_int_equal(find_decision(&w->outcome, ACTION_BLOCK_PAIR)->hold, HOLD_NONE);
        }
        after_ms(w, 1);
    }
    assert_int_equal(gathered(w, ids, CROWD), 0); /* more may come */
    after_ms(w, 500);
    size_t count = gathered(w, ids, CROWD);
    assert_int_equal(at_once + count, 30);
    int least = 100;
    for (size_t i = 0; i < count; i++) {
        int number = atoi(ids[i] + strlen("id-b"));
        least = 20 + number * 7 % 80 < least ? 20 + number * 7 % 80 : least;
        assert_true(number >= 3);
    }
    size_t better = 0;
    for (int i = 3; i < CROWD; i++) {
        better += 20 + i * 7 % 80 > least;
    }
    assert_true(better < count); /* nobody above the least was left out */
    struct budget_use use;
    engine_budget(w->engine, &use);
    assert_int_equal(use.minute, 30);
    assert_int_equal(use.gathered, 0);
    assert_int_equal(use.held, CROWD - 30);
    assert_int_equal(gathered(w, ids, CROWD), 0);
    assert_int_equal(ask(w, 7, 100), HOLD_COUNT); /* told already, and the minute is not over */
    world_free(w);
}

static void
where_there_is_room_for_all_they_wait_a_quarter_second(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    char ids[CROWD][ID_SIZE];
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(w, i, 50), i < 3 ? HOLD_NONE : HOLD_BUDGET);
    }
    after_ms(w, 249);
    assert_int_equal(gathered(w, ids, CROWD), 0);
    after_ms(w, 1);
    assert_int_equal(gathered(w, ids, CROWD), 17);
    struct budget_use use;
    engine_budget(w->engine, &use);
    assert_int_equal(use.held, 0); /* no storm */
    after_ms(w, 1000);
    assert_int_equal(ask(w, 30, 50), HOLD_NONE); /* alone again: at once */
    world_free(w);
}

static void
a_storm_without_a_pause_is_judged_after_ten_seconds(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    char ids[CROWD][ID_SIZE];
    for (int i = 0; i < 60; i++) { /* more than there is room for */
        ask(w, i, 50);
    }
    size_t waited = 0;
    while (gathered(w, ids, CROWD) == 0) { /* then ten a second, ever more confident */
        ask(w, (int)(60 + waited), (uint8_t)(51 + waited / 4));
        after_ms(w, 100);
        waited++;
        assert_in_range(waited, 1, 100);
    }
    assert_int_equal(waited, 100);
    for (int i = 0; i < 27; i++) {
        assert_in_range(atoi(ids[i] + strlen("id-b")), 60 + 100 - 30, 60 + 100);
    }
    world_free(w);
}

static void
what_changed_while_it_waited_counts(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    char ids[CROWD][ID_SIZE];
    for (int i = 0; i < 10; i++) {
        ask(w, i, 50);
    }
    w->inhabitants[3 + 5].is_protected = true; /* b5; the world has three of its own before */
    engine_note_released(w->engine, "id-b6");
    after_ms(w, 250);
    size_t count = gathered(w, ids, CROWD);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_string_not_equal(ids[i], "id-b5");
        assert_string_not_equal(ids[i], "id-b6");
    }
    world_free(w);
}

static void
a_share_of_a_switch_bounds_what_is_contained_at_once(void **state)
{
    (void)state;
    struct world *w = crowd_new("defaults: {mode: auto}\n"
                                "networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                                "budgets: {per_minute: 100, per_hour: 100, network_percent: 100,"
                                " switch_percent: 10}\n"
                                "policies: [{name: p, then: [{action: isolate}]}]\n");
    char ids[CROWD][ID_SIZE];
    for (int i = 60; i < 3 + CROWD; i++) { /* sixty are at e1 */
        w->inhabitants[i].endpoint.location.switch_name = "e3";
    }
    w->inhabitants[3 + 40].endpoint.location.switch_name = "e2";
    w->inhabitants[60].endpoint.location.switch_name = "e1";
    for (int i = 0; i < 41; i++) {
        ask(w, i, 50);
    }
    after_ms(w, 500);
    gathered(w, ids, CROWD);
    struct budget_share shares[8];
    size_t count = engine_budget_shares(w->engine, shares, 8);
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_e1 = shares[i].is_switch && strcmp(shares[i].name, "e1") == 0;
        bool is_e2 = shares[i].is_switch && strcmp(shares[i].name, "e2") == 0;
        assert_true(!is_e1 || (shares[i].contained == 6 && shares[i].most == 6 &&
                               shares[i].population == 60));
        assert_true(!is_e2 || (shares[i].contained == 1 && shares[i].most == 3));
        seen += is_e1 || is_e2;
    }
    assert_int_equal(seen, 2);
    world_free(w);
}

static void
a_crowd_beyond_the_memory_leaves_the_most_confident(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    char ids[CROWD][ID_SIZE];
    for (int round = 0; round < 20; round++) { /* the same ones again do not take room */
        for (int i = 0; i < CROWD; i++) {
            ask(w, i, (uint8_t)(i == 150 && round == 19 ? 99 : 30));
        }
    }
    after_ms(w, 500);
    assert_int_equal(gathered(w, ids, CROWD), 27);
    assert_string_equal(ids[0], "id-b150"); /* its best word counts */
    world_free(w);
}

/* ---- shares ---- */

static const char *const yaml_shares =
    "defaults: {mode: auto}\n"
    "networks:\n"
    "  - {name: a, prefixes: [192.0.2.0/24], home: true}\n"
    "  - {name: b, prefixes: [192.0.2.240/28], home: true}\n"
    "budgets: {per_minute: 100, per_hour: 100, network_percent: 10, switch_percent: 100}\n"
    "never_block: {popular: 10000}\n"
    "policies: [{name: p, then: [{action: isolate}]}]\n";

/* Forty live there, of whom 'contained' are isolated; gathered() is asked. */
static struct world *
ward_new(int contained)
{
    struct world *w = world_new(yaml_shares);
    world_crowd(w, "q", 10, 10 + 37);
    for (int i = 0; i < contained; i++) {
        struct containment c = {.action = ACTION_ISOLATE, .state = CONTAINMENT_VERIFIED};
        snprintf(c.endpoint_id, sizeof(c.endpoint_id), "id-q%d", 10 + i);
        engine_note_begun(w->engine, &c);
    }
    return w;
}

static enum hold
ask_ward(struct world *w, int i)
{
    char mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
    snprintf(mac, sizeof(mac), "02:00:00:00:02:%02x", i);
    snprintf(ip, sizeof(ip), "192.0.2.%d", i);
    struct detection d = contact(w, ip, mac, SERVER_IP);
    const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    return decision ? decision->hold : HOLD_COUNT;
}

/* Four isolated ones that are switched off: their addresses ended.  They are isolated, and they are
 * of that network, all forty. */
static void
those_isolated_are_a_part_of_all_who_are_there(void **state)
{
    (void)state;
    struct world *w = ward_new(4);
    struct budget_share shares[4];
    for (size_t i = 3; i < w->count; i++) { /* everybody's, but two's */
        w->inhabitants[i].bindings[0].until_us = i < 3 + 35 ? 2 : 0;
    }
    assert_int_equal(ask_ward(w, 46), HOLD_BUDGET); /* 4 of 9: not 4 of 5, nor 0 of 5 */
    size_t count = engine_budget_shares(w->engine, shares, 4);
    assert_true(count >= 1);
    assert_string_equal(shares[0].name, "a");
    assert_int_equal(shares[0].contained, 4);
    assert_int_equal(shares[0].population, 9);
    world_free(w);
}

/* Who has taken an address elsewhere since counts there, isolated or not. */
static void
who_went_to_another_network_counts_there(void **state)
{
    (void)state;
    struct world *w = ward_new(4);
    struct budget_share shares[4];
    assert_int_equal(ask_ward(w, 45), HOLD_BUDGET);
    for (int i = 0; i < 3; i++) {
        w->inhabitants[3 + i].bindings[0].ip = ip_of("192.0.2.241"); /* of "b", which lies in "a" */
    }
    after_ms(w, 1000);
    assert_int_equal(ask_ward(w, 46), HOLD_NONE);
    after_ms(w, 10000);
    size_t count = engine_budget_shares(w->engine, shares, 4), seen = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_a = !shares[i].is_switch && strcmp(shares[i].name, "a") == 0;
        bool is_b = !shares[i].is_switch && strcmp(shares[i].name, "b") == 0;
        assert_true(!is_a || (shares[i].contained == 2 && shares[i].population == 37));
        assert_true(!is_b || (shares[i].contained == 3 && shares[i].population == 3));
        seen += is_a || is_b;
    }
    assert_int_equal(seen, 2);
    world_free(w);
}

/* A person released one a moment ago, and a switch told of twenty more since the last count. */
static void
nothing_is_held_for_a_count_that_is_old(void **state)
{
    (void)state;
    struct world *w = ward_new(4);
    assert_int_equal(ask_ward(w, 40), HOLD_BUDGET);
    engine_note_released(w->engine, "id-q10");
    assert_int_equal(ask_ward(w, 41), HOLD_NONE); /* in the same instant */
    assert_int_equal(ask_ward(w, 42), HOLD_BUDGET);
    world_crowd(w, "new", 100, 120);
    after_ms(w, 1000);
    assert_int_equal(ask_ward(w, 43), HOLD_NONE);
    size_t recounts = w->recounts; /* and no more often than once a second */
    for (int i = 0; i < 100; i++) {
        ask_ward(w, 44);
    }
    assert_in_range(w->recounts, recounts, recounts + 2);
    world_free(w);
}

static void
before_a_switch_told_all_no_share_holds_anybody(void **state)
{
    (void)state;
    struct world *w = ward_new(4);
    snprintf(w->untold, sizeof(w->untold), "e9");
    for (int i = 30; i < 40; i++) {
        assert_int_equal(ask_ward(w, i), HOLD_NONE);
    }
    w->untold[0] = '\0'; /* now it is known: 14 of 40 */
    assert_int_equal(ask_ward(w, 41), HOLD_BUDGET);
    world_free(w);
}

static void
the_budget_of_the_minute_holds_before_a_switch_told_all(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    snprintf(w->untold, sizeof(w->untold), "e1");
    engine_gather(w->engine, false);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(ask(w, i, 90), i < 30 ? HOLD_NONE : HOLD_BUDGET);
    }
    world_free(w);
}

static void
whom_a_share_left_out_is_asked_again_when_more_are_known(void **state)
{
    (void)state;
    struct world *w = ward_new(4);
    char ids[CROWD][ID_SIZE];
    for (int i = 30; i < 34; i++) {
        assert_int_equal(ask_ward(w, i), HOLD_BUDGET);
    }
    for (int i = 0; i < 30; i++) { /* a release makes room, and is no reason: a person is at work */
        engine_note_released(w->engine, i == 15 ? "id-q10" : "nobody");
        after_ms(w, 1000);
        assert_int_equal(gathered(w, ids, CROWD), 0);
    }
    struct containment refused = {.action = ACTION_ISOLATE, .state = CONTAINMENT_REVERTED};
    snprintf(refused.endpoint_id, sizeof(refused.endpoint_id), "id-q31");
    engine_note_over(w->engine, &refused);
    world_crowd(w, "new", 100, 130); /* seventy: seven may be, three are */
    after_ms(w, 11000);
    assert_int_equal(gathered(w, ids, CROWD), 3);
    assert_string_equal(ids[0], "id-q30");
    assert_string_equal(ids[1], "id-q32");
    assert_string_equal(ids[2], "id-q33");
    world_crowd(w, "more", 150, 220);
    after_ms(w, 11000);
    assert_int_equal(gathered(w, ids, CROWD), 0);
    world_free(w);
}

static void
after_ten_minutes_a_person_decides_all_the_same(void **state)
{
    (void)state;
    struct world *w = ward_new(4);
    char ids[CROWD][ID_SIZE];
    assert_int_equal(ask_ward(w, 30), HOLD_BUDGET);
    after_ms(w, 601000);
    world_crowd(w, "new", 100, 130);
    assert_int_equal(gathered(w, ids, CROWD), 0);
    world_free(w);
}

/* ---- what changes while somebody is gathered ---- */

static void
policy_becomes(struct world *w, const char *yaml)
{
    struct policy *policy = NULL;
    struct policy_error error;
    assert_int_equal(policy_parse(yaml, strlen(yaml), &policy, &error), 0);
    engine_set_policy(w->engine, policy);
    policy_unref(policy);
}

static void
a_changed_policy_counts_for_who_is_being_gathered(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    char ids[CROWD][ID_SIZE], changed[1024];
    struct budget_use use;
    for (int i = 0; i < 10; i++) {
        ask(w, i, 50);
    }
    policy_becomes(w, yaml_storm); /* the same text once more is no change */
    after_ms(w, 250);
    assert_int_equal(gathered(w, ids, CROWD), 7);
    after_ms(w, 2000);
    for (int i = 20; i < 30; i++) {
        ask(w, i, 50);
    }
    const char *then =
        strstr(yaml_storm, "{name: p, then"); /* asks for surer ones, else as before */
    snprintf(changed, sizeof(changed), "%.*s{name: p, when: {confidence: 90}%s",
             (int)(then - yaml_storm), yaml_storm, then + strlen("{name: p"));
    policy_becomes(w, changed);
    after_ms(w, 250);
    assert_int_equal(gathered(w, ids, CROWD), 0);
    after_ms(w, 11000);
    assert_int_equal(gathered(w, ids, CROWD), 0);
    engine_budget(w->engine, &use);
    assert_int_equal(use.gathered, 0);
    assert_int_equal(use.held, 7); /* they are told as a storm: a person decides */
    world_free(w);
}

/* A maintenance window begins, or somebody says what kind of machine it is. */
static void
what_the_policy_says_when_its_turn_comes_counts(void **state)
{
    (void)state;
    char yaml[2048];
    snprintf(yaml, sizeof(yaml),
             "%srollout: [{name: wards, when: {classes: [medical]}, mode: approve}]\n", yaml_storm);
    struct world *w = crowd_new(yaml);
    char ids[CROWD][ID_SIZE];
    struct annotation said = {.class = CLASS_MEDICAL};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask(w, i, 50), i < 3 ? HOLD_NONE : HOLD_BUDGET);
    }
    w->inhabitants[3 + 5].endpoint.annotation = &said;
    after_ms(w, 250);
    size_t count = gathered(w, ids, CROWD);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_string_not_equal(ids[i], "id-b5");
    }
    world_free(w);
}

static void
whom_a_person_refused_meanwhile_is_left_alone(void **state)
{
    (void)state;
    struct world *w = crowd_new(yaml_storm);
    char ids[CROWD][ID_SIZE];
    for (int i = 0; i < 10; i++) {
        ask(w, i, 50);
    }
    struct containment refused = {.action = ACTION_ISOLATE, .state = CONTAINMENT_CHECKED};
    snprintf(refused.endpoint_id, sizeof(refused.endpoint_id), "id-b5");
    engine_note_over(w->engine, &refused);
    after_ms(w, 250);
    size_t count = gathered(w, ids, CROWD);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_string_not_equal(ids[i], "id-b5");
    }
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_confident_have_the_budget_in_whatever_order_they_come),
        cmocka_unit_test(where_there_is_room_for_all_they_wait_a_quarter_second),
        cmocka_unit_test(a_storm_without_a_pause_is_judged_after_ten_seconds),
        cmocka_unit_test(what_changed_while_it_waited_counts),
        cmocka_unit_test(a_share_of_a_switch_bounds_what_is_contained_at_once),
        cmocka_unit_test(a_crowd_beyond_the_memory_leaves_the_most_confident),
        cmocka_unit_test(those_isolated_are_a_part_of_all_who_are_there),
        cmocka_unit_test(who_went_to_another_network_counts_there),
        cmocka_unit_test(nothing_is_held_for_a_count_that_is_old),
        cmocka_unit_test(before_a_switch_told_all_no_share_holds_anybody),
        cmocka_unit_test(the_budget_of_the_minute_holds_before_a_switch_told_all),
        cmocka_unit_test(whom_a_share_left_out_is_asked_again_when_more_are_known),
        cmocka_unit_test(after_ten_minutes_a_person_decides_all_the_same),
        cmocka_unit_test(a_changed_policy_counts_for_who_is_being_gathered),
        cmocka_unit_test(what_the_policy_says_when_its_turn_comes_counts),
        cmocka_unit_test(whom_a_person_refused_meanwhile_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
