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

static size_t switch_population;

static size_t
at_switch(void *context, const char *switch_name)
{
    (void)context;
    return strcmp(switch_name, "e1") == 0 ? switch_population : 0;
}

static struct world *
crowd_new(const char *yaml)
{
    struct world *w = world_new(yaml);
    struct policy_world view = world_view(w);
    view.at_switch = at_switch;
    engine_free(w->engine);
    w->engine = engine_new(w->policy, &view, &w->clock.clock);
    engine_gather(w->engine, true);
    switch_population = 0;
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
    switch_population = 60;
    w->inhabitants[3 + 40].endpoint.location.switch_name = "e2";
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
        assert_true(!is_e2 || (shares[i].contained == 1 && shares[i].most == 0));
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
