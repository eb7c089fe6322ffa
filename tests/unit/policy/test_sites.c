/* At which site was it seen, and what does the policy say of addresses there? */
#include "world.h"

#define TWIN_IP "192.168.1.10"
#define EAST_MAC "02:00:00:00:00:11"
#define WEST_MAC "02:00:00:00:00:12"

static const char *const yaml_sites =
    "defaults: {mode: auto, expires_s: 3600}\n"
    "sites:\n"
    "  - {name: east, switches: ['e-*'], own_addresses: true, sensors: [s-east, both],\n"
    "     vlans: ['100', '110-119']}\n"
    "  - {name: west, switches: ['w-*'], own_addresses: true, sensors: [s-west, both],\n"
    "     vlans: ['200']}\n"
    "  - {name: head, switches: [core], sensors: [s-head]}\n"
    "networks:\n"
    "  - {name: east wards, prefixes: [192.168.1.0/24], sites: [east], home: true, mode: approve}\n"
    "  - {name: west labs, prefixes: [192.168.1.0/24], sites: [west], home: true}\n"
    "  - {name: rest, prefixes: [10.0.0.0/8, 192.0.2.0/24], home: true}\n"
    "protected:\n"
    "  - {name: server, addresses: [192.168.1.20], sites: [east]}\n"
    "permit_sets:\n"
    "  - name: updates\n"
    "    permits:\n"
    "      - {server: 192.168.1.30, protocol: tcp, port: 443, sites: [east]}\n"
    "      - {server: 192.168.1.31, protocol: tcp, port: 443, sites: [west]}\n"
    "      - {server: 203.0.113.9, protocol: tcp, port: 443}\n"
    "budgets: {per_minute: 1000, per_hour: 1000, network_percent: 100, switch_percent: 100}\n"
    "policies:\n"
    "  - {name: contact, when: {phases: [c2]}, then: [{action: isolate, permit_set: updates}]}\n";

static struct inhabitant *
add_at(struct world *w, const char *name, const char *mac, const char *ip, const char *site)
{
    struct inhabitant *one = world_add(w, name, mac, ip);
    one->bindings[0].site = site;
    one->endpoint.location.switch_name = strcmp(site, "east") == 0 ? "e-1" : "w-1";
    return one;
}

static struct world *
twins(void)
{
    struct world *w = world_new(yaml_sites);
    add_at(w, "east", EAST_MAC, TWIN_IP, "east");
    add_at(w, "west", WEST_MAC, TWIN_IP, "west");
    return w;
}

/* An alert of another maker's, which names addresses only. */
static struct detection
alert(const struct world *w, const char *sensor, const char *from)
{
    struct detection d = contact(w, from, NULL, SERVER_IP);
    snprintf(d.sensor, sizeof(d.sensor), "%s", sensor);
    snprintf(d.maker, sizeof(d.maker), "suricata");
    d.strength = STRENGTH_STRONG;
    d.suspect = PARTY_SRC;
    return d;
}

static const struct decision *
isolation(struct world *w, const struct detection *d)
{
    const struct decision *decision = find_decision(detect(w, d), ACTION_ISOLATE);
    if (!decision) {
        fail_msg("%s", w->outcome.why);
    }
    return decision;
}

static void
the_site_of_the_sensor_says_whose_address_it_is(void **state)
{
    (void)state;
    struct world *w = twins();
    struct detection d = alert(w, "s-west", TWIN_IP);
    const struct decision *decision = isolation(w, &d);
    assert_string_equal(decision->endpoint_id, "id-west");
    assert_string_equal(decision->site, "west");
    assert_int_equal(decision->hold, HOLD_NONE);
    assert_int_equal(decision->mode, MODE_AUTO); /* of its own network, not of the twin's */
    assert_string_equal(w->outcome.incident.site, "west");
    d = alert(w, "s-east", TWIN_IP);
    decision = isolation(w, &d);
    assert_string_equal(decision->endpoint_id, "id-east");
    assert_int_equal(decision->mode, MODE_APPROVE);
    assert_string_equal(w->outcome.incident.site, "east");
    world_free(w);
}

static void
a_site_that_nobody_knows_holds_what_two_have(void **state)
{
    (void)state;
    struct world *w = twins();
    struct detection d = alert(w, "stranger", TWIN_IP);
    const struct decision *decision = isolation(w, &d);
    assert_int_equal(decision->hold, HOLD_UNRESOLVED);
    assert_non_null(strstr(decision->hold_detail, "several sites have that address"));
    assert_string_equal(decision->endpoint_id, "");
    world_after_s(w, 700);         /* what is held is said once in ten minutes */
    d = alert(w, "both", TWIN_IP); /* nor does a sensor that sees both */
    assert_int_equal(isolation(w, &d)->hold, HOLD_UNRESOLVED);
    world_free(w);
}

static void
an_address_that_others_may_have_is_held_though_only_one_is_known(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_sites);
    add_at(w, "west", WEST_MAC, TWIN_IP, "west");
    struct detection d = alert(w, "stranger", TWIN_IP); /* east's network has it, too */
    assert_int_equal(isolation(w, &d)->hold, HOLD_UNRESOLVED);
    d = alert(w, "stranger", C2_IP); /* and this one is one site's only, as far as anybody says */
    const struct decision *decision = isolation(w, &d);
    assert_int_equal(decision->hold, HOLD_NONE);
    assert_string_equal(decision->site, SITE_DEFAULT);
    world_free(w);
}

static void
a_vlan_tells_sites_apart_that_one_sensor_sees(void **state)
{
    (void)state;
    struct world *w = twins();
    struct detection d = alert(w, "both", TWIN_IP);
    d.vlan = 200;
    assert_string_equal(isolation(w, &d)->endpoint_id, "id-west");
    world_after_s(w, 700);
    d.vlan = 115;
    assert_string_equal(isolation(w, &d)->endpoint_id, "id-east");
    world_after_s(w, 700);
    d.vlan = 300;
    assert_int_equal(isolation(w, &d)->hold, HOLD_UNRESOLVED);
    world_after_s(w, 700);
    d = alert(w, "s-east", TWIN_IP); /* it sees east only, whatever VLAN it reports */
    d.vlan = 200;
    assert_string_equal(isolation(w, &d)->endpoint_id, "id-east");
    world_free(w);
}

static const char *source_name;

static size_t
mirror_sources(void *context, const struct ip *switch_ip, const char **names, size_t room)
{
    (void)context;
    (void)switch_ip;
    assert_true(room > 1);
    names[0] = source_name;
    names[1] = "e-2";
    return strcmp(source_name, "e-2") == 0 ? 1 : 2;
}

static void
a_stamp_tells_sites_apart_that_one_sensor_sees(void **state)
{
    (void)state;
    struct world *w = twins();
    struct policy_world view = world_view(w);
    view.mirror_sources = mirror_sources;
    struct engine *engine = engine_new(w->policy, &view, &w->clock.clock);
    struct detection d = alert(w, "both", TWIN_IP);
    d.origin =
        (struct mirror_origin){.switch_ip = ip_of("10.9.9.9"), .port = 1, .is_stamped = true};
    source_name = "e-2";
    engine_detection(engine, &d, &w->outcome);
    assert_string_equal(find_decision(&w->outcome, ACTION_ISOLATE)->endpoint_id, "id-east");
    clock_fake_advance(&w->clock, INT64_C(700000000));
    engine_tick(engine);
    source_name = "w-2"; /* two switches have that source, of two sites that it sees */
    engine_detection(engine, &d, &w->outcome);
    assert_int_equal(find_decision(&w->outcome, ACTION_ISOLATE)->hold, HOLD_UNRESOLVED);
    clock_fake_advance(&w->clock, INT64_C(700000000));
    engine_tick(engine);
    source_name = "core"; /* one of them is of a site that it does not see */
    engine_detection(engine, &d, &w->outcome);
    assert_string_equal(find_decision(&w->outcome, ACTION_ISOLATE)->endpoint_id, "id-east");
    engine_free(engine);
    world_free(w);
}

static void
what_is_protected_at_one_site_is_not_at_another(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_sites);
    add_at(w, "east", EAST_MAC, "192.168.1.20", "east");
    add_at(w, "west", WEST_MAC, "192.168.1.20", "west");
    struct detection d = alert(w, "s-east", "192.168.1.20");
    assert_int_equal(isolation(w, &d)->hold, HOLD_PROTECTED);
    d = alert(w, "s-west", "192.168.1.20");
    assert_int_equal(isolation(w, &d)->hold, HOLD_NONE);
    char why[TEXT_SIZE];
    assert_true(engine_protects(w->engine, &w->inhabitants[w->count - 2].endpoint, why));
    assert_false(engine_protects(w->engine, &w->inhabitants[w->count - 1].endpoint, why));
    world_free(w);
}

static void
a_mac_alone_is_of_the_site_where_it_is(void **state)
{
    (void)state;
    struct world *w = twins();
    struct detection d = alert(w, "s-west", TWIN_IP);
    d.src = (struct peer){.mac = mac_of(EAST_MAC)};
    d.suspect = PARTY_UNSAID;
    d.interested_mac = mac_of(EAST_MAC);
    const struct decision *decision = isolation(w, &d);
    assert_int_equal(decision->hold, HOLD_UNRESOLVED);
    assert_non_null(strstr(decision->hold_detail, "its MAC is at site east"));
    d.interested_mac = mac_of(WEST_MAC);
    d.src.mac = mac_of(WEST_MAC);
    assert_int_equal(isolation(w, &d)->hold, HOLD_NONE);
    world_free(w);
}

static void
permits_are_those_of_the_site(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_sites);
    static const struct {
        const char *site, *server;
        size_t count;
    } cases[] = {{"east", "192.168.1.30", 2}, {"west", "192.168.1.31", 2}, {SITE_DEFAULT, "", 1}};
    assert_false(policy_permits_alike(w->policy, 0));
    for (size_t i = 0; i < 3; i++) {
        struct rule rule;
        policy_permits_at(w->policy, 0, cases[i].site, &rule);
        assert_int_equal(rule.permit_set.permit_count, cases[i].count);
        if (cases[i].server[0] != '\0') {
            struct ip ip = ip_of(cases[i].server);
            assert_true(ip_is_equal(&rule.permit_set.permits[0].server.ip, &ip));
        }
        rule_fini(&rule);
    }
    world_free(w);
}

static void
without_sites_of_their_own_nothing_is_different(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    assert_false(policy_has_sites(w->policy));
    assert_string_equal(policy_site_of(w->policy, "e1"), SITE_DEFAULT);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    const struct decision *decision = isolation(w, &d);
    assert_int_equal(decision->hold, HOLD_NONE);
    assert_string_equal(decision->site, "");
    world_free(w);
}

static void
mistakes_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *words;
    } cases[] = {
        {"sites: [{name: default, switches: [a], own_addresses: true}]\n", "choose another name"},
        {"sites: [{name: a, switches: [a], vlans: ['0']}]\n", "not a VLAN"},
        {"sites: [{name: a, switches: [a], vlans: ['5-4']}]\n", "not a VLAN"},
        {"sites: [{name: a, switches: [a], vlans: ['4095']}]\n", "not a VLAN"},
        {"sites: [{name: a, switches: [a], vlans: ['-5']}]\n", "not a VLAN"},
        {"sites: [{name: a, switches: [a]}]\n"
         "networks: [{name: n, prefixes: [10.0.0.0/8], sites: [a]}]\n",
         "no site with own_addresses"},
        {"protected: [{name: p, addresses: [10.0.0.1], sites: [b]}]\n",
         "no site with own_addresses"},
        {"permit_sets: [{name: p, permits: [{server: 10.0.0.1, sites: [b]}]}]\n",
         "no site with own_addresses"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy *policy = NULL;
        struct policy_error error;
        char text[512];
        snprintf(text, sizeof(text), "%spolicies: [{name: p, then: [{action: notify}]}]\n",
                 cases[i].yaml);
        assert_int_not_equal(policy_parse(text, strlen(text), &policy, &error), 0);
        if (!strstr(error.text, cases[i].words)) {
            fail_msg("%s: %s", cases[i].yaml, error.text);
        }
    }
}

/* Where the file declares no home networks: the first and last addresses of each, and their
 * neighbours. */
static void
private_addresses_are_inside(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        bool is_inside;
    } cases[] = {
        {"9.255.255.255", false},
        {"10.0.0.0", true},
        {"10.255.255.255", true},
        {"11.0.0.0", false},
        {"172.15.255.255", false},
        {"172.16.0.0", true},
        {"172.31.255.255", true},
        {"172.32.0.0", false},
        {"192.167.255.255", false},
        {"192.168.0.0", true},
        {"192.168.255.255", true},
        {"192.169.0.0", false},
        {"169.253.255.255", false},
        {"169.254.0.0", true},
        {"169.254.255.255", true},
        {"169.255.0.0", false},
        {"fbff:ffff::1", false},
        {"fc00::", true},
        {"fdff:ffff::ffff", true},
        {"fe00::", false},
        {"fe7f:ffff::", false},
        {"fe80::", true},
        {"febf:ffff::1", true},
        {"fec0::", false},
        {"::", false},
        {"::a00:1", false},
        {"2001:db8::1", false},
    };
    struct world *world = world_new("policies: [{name: p, then: [{action: notify}]}]\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ip ip = ip_of(cases[i].ip);
        if (policy_is_internal(world->policy, &ip) != cases[i].is_inside ||
            policy_is_home(world->policy, &ip) != cases[i].is_inside) {
            fail_msg("%s", cases[i].ip);
        }
    }
    world_free(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_site_of_the_sensor_says_whose_address_it_is),
        cmocka_unit_test(a_site_that_nobody_knows_holds_what_two_have),
        cmocka_unit_test(an_address_that_others_may_have_is_held_though_only_one_is_known),
        cmocka_unit_test(a_vlan_tells_sites_apart_that_one_sensor_sees),
        cmocka_unit_test(a_stamp_tells_sites_apart_that_one_sensor_sees),
        cmocka_unit_test(what_is_protected_at_one_site_is_not_at_another),
        cmocka_unit_test(a_mac_alone_is_of_the_site_where_it_is),
        cmocka_unit_test(permits_are_those_of_the_site),
        cmocka_unit_test(without_sites_of_their_own_nothing_is_different),
        cmocka_unit_test(private_addresses_are_inside),
        cmocka_unit_test(mistakes_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
