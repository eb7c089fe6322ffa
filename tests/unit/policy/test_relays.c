/* Proxies and NAT: others are behind them, so that they are never the one to contain. */
#include "world.h"

#define PROXY_IP "192.0.2.200"
#define TRUTHFUL_IP "192.0.2.201"
#define NAT_IP "192.0.2.202"
#define PROXY_MAC "02:00:00:00:00:c8"

static const char *const yaml_relays =
    "defaults: {mode: auto}\n"
    "networks: [{name: lab, prefixes: [192.0.2.0/24], home: true}]\n"
    "proxies: [192.0.2.200]\n"
    "truthful_proxies: [192.0.2.201]\n"
    "nats: [192.0.2.202]\n"
    "budgets: {per_minute: 1000, per_hour: 1000, network_percent: 100, switch_percent: 100}\n"
    "policies:\n"
    "  - {name: contact, when: {phases: [c2]}, then: [{action: isolate}, {action: block_pair},\n"
    "     {action: block_server}, {action: mirror}]}\n";

/* By a finder between the proxy and the Internet, declared as strong. */
static struct detection
alert(const struct world *w, const char *from, const char *forwarded_for)
{
    struct detection d = contact(w, from, NULL, SERVER_IP);
    snprintf(d.maker, sizeof(d.maker), "suricata");
    d.strength = STRENGTH_STRONG;
    d.src.mac = mac_of(PROXY_MAC);
    if (forwarded_for) {
        d.forwarded_for = ip_of(forwarded_for);
    }
    return d;
}

static struct world *
relays(void)
{
    struct world *w = world_new(yaml_relays);
    world_add(w, "proxy", PROXY_MAC, PROXY_IP);
    return w;
}

static void
what_is_behind_one_is_held_and_its_server_blocked(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {
        {PROXY_IP, "declared proxy"}, {TRUTHFUL_IP, "declared proxy"}, {NAT_IP, "declared NAT"}};
    for (size_t i = 0; i < 3; i++) {
        struct world *w = relays();
        struct detection d = alert(w, kinds[i][0], NULL);
        const struct outcome *outcome = detect(w, &d);
        const struct decision *held = find_decision(outcome, ACTION_ISOLATE);
        assert_int_equal(held->hold, HOLD_UNRESOLVED);
        assert_non_null(strstr(held->hold_detail, kinds[i][1]));
        assert_string_equal(held->endpoint_id, "");
        assert_true(mac_is_none(&held->mac));
        assert_null(find_decision(outcome, ACTION_BLOCK_PAIR)); /* it would be everybody's */
        assert_null(find_decision(outcome, ACTION_MIRROR));
        assert_int_equal(find_decision(outcome, ACTION_BLOCK_SERVER)->hold, HOLD_NONE);
        world_free(w);
    }
    /* Its genuine twin, an endpoint of the same network, is contained. */
    struct world *w = relays();
    struct detection d = alert(w, C2_IP, NULL);
    d.src.mac = mac_of(C2_MAC);
    const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_int_equal(decision->hold, HOLD_NONE);
    assert_string_equal(decision->endpoint_id, "id-c2");
    world_free(w);
}

static void
whom_a_truthful_proxy_names_is_contained(void **state)
{
    (void)state;
    struct world *w = relays();
    struct detection d = alert(w, TRUTHFUL_IP, C2_IP);
    const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_string_equal(decision->endpoint_id, "id-c2");
    assert_int_equal(decision->hold, HOLD_NONE);
    world_free(w);
}

static void
whom_any_other_proxy_names_is_asked_about(void **state)
{
    (void)state;
    struct world *w = relays();
    struct detection d = alert(w, PROXY_IP, C2_IP); /* the request itself may have said so */
    const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_string_equal(decision->endpoint_id, "id-c2");
    assert_int_equal(decision->hold, HOLD_WEAK);
    assert_non_null(strstr(decision->hold_detail, "X-Forwarded-For"));
    world_free(w);
}

static void
nobody_but_a_proxy_forwards(void **state)
{
    (void)state;
    struct world *w = relays();
    struct detection d = alert(w, C3_IP, C2_IP); /* malware that writes the header itself */
    d.src.mac = mac_of(C3_MAC);
    assert_string_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->endpoint_id, "id-c3");
    d = alert(w, TRUTHFUL_IP, PROXY_IP); /* a chain of proxies names no endpoint */
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_UNRESOLVED);
    world_after_s(w, 700);
    d = alert(w, TRUTHFUL_IP, "203.0.113.5"); /* nor does an outside address */
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_UNRESOLVED);
    world_free(w);
}

static bool
is_router(void *context, const struct endpoint *endpoint)
{
    (void)context;
    return strcmp(endpoint->id, "id-c2") == 0;
}

static bool is_trusted;

static bool
is_trusted_place(void *context, const struct endpoint *endpoint)
{
    (void)context;
    (void)endpoint;
    return is_trusted;
}

static void
what_acts_as_a_router_is_held_where_the_operator_put_it(void **state)
{
    (void)state;
    for (is_trusted = false;; is_trusted = true) {
        struct world *w = relays();
        struct policy_world view = world_view(w);
        view.is_router = is_router;
        view.is_trusted_place = is_trusted_place;
        struct engine *engine = engine_new(w->policy, &view, &w->clock.clock);
        struct detection d = alert(w, C2_IP, NULL);
        d.src.mac = (struct mac){{0}};
        engine_detection(engine, &d, &w->outcome);
        const struct decision *decision = find_decision(&w->outcome, ACTION_ISOLATE);
        assert_int_equal(decision->hold, is_trusted ? HOLD_UNRESOLVED : HOLD_NONE);
        d = alert(w, C3_IP, NULL); /* its neighbour is none */
        d.src.mac = (struct mac){{0}};
        engine_detection(engine, &d, &w->outcome);
        assert_int_equal(find_decision(&w->outcome, ACTION_ISOLATE)->hold, HOLD_NONE);
        engine_free(engine);
        world_free(w);
        if (is_trusted) {
            break;
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_behind_one_is_held_and_its_server_blocked),
        cmocka_unit_test(whom_a_truthful_proxy_names_is_contained),
        cmocka_unit_test(whom_any_other_proxy_names_is_asked_about),
        cmocka_unit_test(nobody_but_a_proxy_forwards),
        cmocka_unit_test(what_acts_as_a_router_is_held_where_the_operator_put_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
