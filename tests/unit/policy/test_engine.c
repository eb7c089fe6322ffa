#include "world.h"

static struct containment
containment_of(const struct world *w, const char *endpoint_id, enum action action)
{
    struct containment c = {.action = action, .state = CONTAINMENT_VERIFIED};
    snprintf(c.endpoint_id, sizeof(c.endpoint_id), "%s", endpoint_id);
    c.expires_us = w->clock.wall_now_us + INT64_C(7200) * 1000000;
    if (action != ACTION_ISOLATE && action != ACTION_MIRROR) {
        c.server = (struct prefix){.ip = ip_of(SERVER_IP), .length = 128};
    }
    return c;
}

static void
a_strong_contact_isolates_with_permits_and_blocks_the_server(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    const struct outcome *outcome = detect(w, &d);
    assert_int_equal(outcome->strength, STRENGTH_STRONG);
    assert_int_equal(outcome->party, PARTY_SRC);
    assert_int_equal(outcome->decision_count, 2);
    assert_false(outcome->is_observed);
    const struct decision *isolate = find_decision(outcome, ACTION_ISOLATE);
    assert_string_equal(isolate->endpoint_id, "id-c2");
    assert_string_equal(isolate->permit_set, "updates");
    assert_string_equal(isolate->policy, "contact");
    assert_int_equal(isolate->expires_s, 3600);
    assert_string_equal(isolate->reason, "Listed C&C server contacted: c2.example.org");
    assert_string_equal(isolate->incident_id, outcome->incident.id);
    const struct decision *server = find_decision(outcome, ACTION_BLOCK_SERVER);
    struct ip ip = ip_of(SERVER_IP);
    assert_true(ip_is_equal(&server->server.ip, &ip));
    assert_int_equal(server->server.length, 128);
    assert_string_equal(server->endpoint_id, "");
    assert_non_null(strstr(outcome->why, "policy contact: isolate c2"));
    world_free(w);
}

static void
an_alert_whose_source_is_the_outside_server_contains_the_inside_end(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    struct peer server = d.dst;
    d.dst = d.src;
    d.src = server;
    const struct outcome *outcome = detect(w, &d);
    assert_int_equal(outcome->party, PARTY_DST);
    assert_string_equal(find_decision(outcome, ACTION_ISOLATE)->endpoint_id, "id-c2");
    struct ip ip = ip_of(SERVER_IP);
    assert_true(ip_is_equal(&find_decision(outcome, ACTION_BLOCK_SERVER)->server.ip, &ip));
    world_free(w);
}

static void
the_interested_host_comes_before_everything_else(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, C3_IP);
    d.dst.mac = mac_of(C3_MAC);
    d.suspect = PARTY_SRC;
    d.interested_ip = ip_of(C3_IP);
    assert_int_equal(detect(w, &d)->party, PARTY_DST);
    assert_string_equal(w->outcome.incident.endpoint_id, "id-c3");
    d.interested_ip = (struct ip){{0}};
    d.interested_mac = mac_of(C3_MAC);
    assert_int_equal(detect(w, &d)->party, PARTY_DST);
    d.interested_mac = mac_of(ROUTER_MAC); /* a router's MAC names nobody */
    assert_int_equal(detect(w, &d)->party, PARTY_SRC);
    assert_string_equal(w->outcome.incident.endpoint_id, "id-c2");
    world_free(w);
}

static void
a_claim_about_an_outside_end_is_no_claim_about_ours(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    d.suspect = PARTY_DST;
    assert_int_equal(detect(w, &d)->party, PARTY_SRC);
    world_free(w);
}

static void
both_inside_is_held_unless_the_finder_or_the_policy_says_which(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, C3_IP);
    d.dst.mac = mac_of(C3_MAC);
    d.phase = PHASE_LATERAL_MOVEMENT;
    d.server_name[0] = '\0';
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_BOTH_INSIDE);
    d.suspect = PARTY_SRC;
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_free(w);
    w = world_new("defaults: {mode: auto}\n"
                  "networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                  "policies:\n"
                  "  - {name: p, then: [{action: isolate}], both_inside: source}\n");
    d.suspect = PARTY_UNSAID;
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_free(w);
}

static void
none_inside_blocks_the_server_only(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, "198.18.0.1", NULL, SERVER_IP);
    snprintf(d.maker, sizeof(d.maker), "suricata");
    d.strength = STRENGTH_STRONG;
    const struct outcome *outcome = detect(w, &d);
    assert_int_equal(outcome->party, PARTY_UNSAID);
    assert_int_equal(outcome->decision_count, 1);
    assert_int_equal(outcome->decisions[0].action, ACTION_BLOCK_SERVER);
    assert_int_equal(outcome->decisions[0].hold, HOLD_NONE);
    world_free(w);
}

static void
a_proxy_is_never_the_party_and_a_resolver_never_the_server(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    world_add(w, "proxy", "02:00:00:00:00:c8", "192.0.2.200");
    struct detection d = contact(w, "192.0.2.200", "02:00:00:00:00:c8", SERVER_IP);
    const struct outcome *outcome = detect(w, &d);
    const struct decision *held = find_decision(outcome, ACTION_ISOLATE);
    assert_int_equal(held->hold, HOLD_UNRESOLVED);
    assert_string_equal(held->endpoint_id, ""); /* enforced, it is nobody */
    assert_true(mac_is_none(&held->mac));
    assert_non_null(strstr(held->hold_detail, "192.0.2.200 is a declared proxy"));
    d = contact(w, C2_IP, C2_MAC, "192.0.2.53");
    d.dst.mac = mac_of("02:00:00:00:00:35");
    outcome =
        detect(w, &d); /* switches match addresses: with a name alone nothing can be blocked */
    assert_null(find_decision(outcome, ACTION_BLOCK_SERVER));
    assert_non_null(strstr(outcome->why, "known yet for c2.example.org"));
    world_free(w);
}

static void
never_blocked_and_popular_servers_are_held(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, "198.51.100.7");
    assert_int_equal(find_decision(detect(w, &d), ACTION_BLOCK_SERVER)->hold, HOLD_NEVER_BLOCK);
    d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    snprintf(d.server_name, sizeof(d.server_name), "edge7.CDN.example.net");
    assert_int_equal(find_decision(detect(w, &d), ACTION_BLOCK_SERVER)->hold, HOLD_NEVER_BLOCK);
    d = contact(w, C2_IP, C2_MAC, "203.0.113.81");
    w->talkers = 100;
    d.confidence = 80;
    assert_int_equal(find_decision(detect(w, &d), ACTION_BLOCK_SERVER)->hold, HOLD_NEVER_BLOCK);
    d = contact(w, C2_IP, C2_MAC, "203.0.113.82"); /* a sure list: an outbreak, not popularity */
    assert_int_equal(find_decision(detect(w, &d), ACTION_BLOCK_SERVER)->hold, HOLD_NONE);
    world_free(w);
}

static void
modes_observe_and_approve_contain_nothing_by_themselves(void **state)
{
    (void)state;
    const char *yaml = "networks:\n"
                       "  - {name: a, prefixes: [192.0.2.0/24], home: true, mode: approve}\n"
                       "  - {name: b, prefixes: [192.0.2.3/32], home: true}\n"
                       "hold: {pending_s: 60, then: enforce}\n"
                       "policies: [{name: p, then: [{action: isolate}]}]\n";
    struct world *w = world_new(yaml);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_int_equal(decision->mode, MODE_APPROVE);
    assert_int_equal(decision->hold, HOLD_MODE);
    assert_int_equal(decision->pending_s, 60);
    assert_int_equal(decision->pending_action, ACTION_ISOLATE);
    assert_false(w->outcome.is_observed);
    d = contact(w, C3_IP, C3_MAC, SERVER_IP); /* the longer prefix, whose mode is the default */
    decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_int_equal(decision->mode, MODE_OBSERVE);
    assert_true(w->outcome.is_observed);
    assert_non_null(strstr(w->outcome.why, "policy p would isolate c3 (mode observe)"));
    char network[NAME_SIZE];
    struct ip ip = ip_of(C3_IP);
    assert_int_equal(policy_mode_of(w->policy, "", &ip, network), MODE_OBSERVE);
    assert_string_equal(network, "b");
    world_free(w);
}

static void
waiting_never_enforces_weak_evidence(void **state)
{
    (void)state;
    struct world *w = world_new("defaults: {mode: auto}\nhold: {then: enforce}\n"
                                "networks: [{name: a, prefixes: [192.0.2.0/24]}]\n"
                                "policies: [{name: p, then: [{action: isolate}]}]\n");
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    d.handshake = false;
    const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
    assert_int_equal(decision->hold, HOLD_WEAK);
    assert_int_equal(decision->pending_action, ACTION_NONE);
    world_free(w);
}

static void
over_budget_the_pair_is_blocked_and_the_isolation_waits(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    size_t isolated = 0;
    world_crowd(w, "quiet", 10, 40);
    for (int i = 0; i < 10; i++) {
        char name[8], mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
        snprintf(name, sizeof(name), "b%d", i);
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        snprintf(ip, sizeof(ip), "192.0.2.%d", 100 + i);
        world_add(w, name, mac, ip);
        struct detection d = contact(w, ip, mac, SERVER_IP);
        const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
        const struct decision *pair = find_decision(&w->outcome, ACTION_BLOCK_PAIR);
        isolated += decision->hold == HOLD_NONE ? 1 : 0;
        assert_int_equal(decision->hold, i < 5 ? HOLD_NONE : HOLD_BUDGET);
        assert_int_equal(pair != NULL, i >= 5);
        assert_true(!pair || (pair->hold == HOLD_NONE && pair->mode == MODE_AUTO));
    }
    assert_int_equal(isolated, 5);
    world_after_s(w, 61);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_free(w);
}

static void
a_share_of_the_network_bounds_what_is_contained_at_once(void **state)
{
    (void)state;
    struct world *w = world_new("defaults: {mode: auto}\n"
                                "networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                                "budgets: {per_minute: 100, per_hour: 100, network_percent: 10}\n"
                                "policies: [{name: p, then: [{action: isolate}]}]\n");
    world_crowd(w, "quiet", 120, 120 + 50 - 3 - 8); /* fifty with the world's three and these: */
    for (int i = 0; i < 8; i++) {
        char name[8], mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
        snprintf(name, sizeof(name), "b%d", i);
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        snprintf(ip, sizeof(ip), "192.0.2.%d", 100 + i);
        world_add(w, name, mac, ip);
    }
    for (int i = 0; i < 8; i++) {
        char name[8], mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
        snprintf(name, sizeof(name), "b%d", i);
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        snprintf(ip, sizeof(ip), "192.0.2.%d", 100 + i);
        struct detection d = contact(w, ip, mac, SERVER_IP);
        const struct decision *decision = find_decision(detect(w, &d), ACTION_ISOLATE);
        assert_int_equal(decision->hold, i < 5 ? HOLD_NONE : HOLD_BUDGET);
        if (decision->hold == HOLD_NONE) {
            char id[16];
            snprintf(id, sizeof(id), "id-%s", name);
            engine_note_contained(w->engine, id, NULL);
        }
    }
    world_after_s(w, 7200); /* those in force still count */
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_BUDGET);
    engine_note_released(w->engine, "id-b0");
    world_after_s(w, 700);
    d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_free(w);
}

static void
what_was_spent_before_a_restart_counts(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    for (int i = 0; i < 5; i++) {
        engine_note_spent(w->engine, w->clock.wall_now_us - 10 * 1000000);
    }
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_BUDGET);
    world_free(w);
}

static void
the_same_is_not_decided_twice_while_it_is_in_force(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(detect(w, &d)->decision_count, 2);
    assert_int_equal(detect(w, &d)->decision_count, 0);
    assert_non_null(strstr(w->outcome.why, "already in force"));
    struct containment isolation = containment_of(w, "id-c2", ACTION_ISOLATE);
    struct containment server = containment_of(w, "", ACTION_BLOCK_SERVER);
    engine_note_begun(w->engine, &isolation);
    engine_note_begun(w->engine, &server);
    world_after_s(w, 3500);
    assert_int_equal(detect(w, &d)->decision_count, 0);
    isolation.state = CONTAINMENT_EXPIRED; /* asked for again, without grace */
    engine_note_over(w->engine, &isolation);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    assert_null(find_decision(&w->outcome, ACTION_BLOCK_SERVER));
    isolation.state = CONTAINMENT_RELEASED;
    engine_note_over(w->engine, &isolation);
    server.state = CONTAINMENT_RELEASED;
    engine_note_over(w->engine, &server);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_GRACE);
    assert_int_equal(find_decision(&w->outcome, ACTION_BLOCK_SERVER)->hold, HOLD_NONE);
    world_free(w);
}

static void
one_endpoint_that_goes_on_trying_spends_the_budget_once(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    struct ip own = ip_of(C2_IP);
    detect(w, &d);
    engine_note_contained(w->engine, "id-c2", &own); /* the subject's address is no server */
    for (int i = 0; i < 25; i++) {
        world_after_s(w, 70);
        assert_null(find_decision(detect(w, &d), ACTION_ISOLATE));
    }
    struct detection other = contact(w, C3_IP, C3_MAC, SERVER_IP);
    assert_int_equal(find_decision(detect(w, &other), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_free(w);
}

static void
a_mirror_in_force_is_no_isolation_in_force(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct containment mirror = containment_of(w, "id-c2", ACTION_MIRROR);
    engine_note_begun(w->engine, &mirror);
    engine_note_contained(w->engine, "id-c2", NULL);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_free(w);
}

static void
what_only_would_have_been_does_not_hide_what_is_done(void **state)
{
    (void)state;
    struct world *w = world_new("networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                                "policies:\n"
                                "  - {name: p, then: [{action: isolate}], goes_on: true}\n"
                                "  - {name: q, then: [{action: block_server}], mode: auto}\n");
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    const struct outcome *outcome = detect(w, &d);
    assert_false(outcome->is_observed);
    assert_int_equal(outcome->decision_count, 1);
    assert_int_equal(outcome->decisions[0].action, ACTION_BLOCK_SERVER);
    assert_non_null(strstr(outcome->why, "policy p would isolate c2 (mode observe)"));
    world_free(w);
}

static void
what_was_decided_but_never_came_into_force_is_decided_again(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    assert_int_equal(detect(w, &d)->decision_count, 2);
    world_after_s(w, 61);
    assert_int_equal(detect(w, &d)->decision_count, 2);
    world_free(w);
}

static void
a_held_decision_gives_way_to_stronger_evidence(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection weak = contact(w, C2_IP, C2_MAC, SERVER_IP);
    struct detection strong = weak;
    weak.handshake = false;
    assert_int_equal(find_decision(detect(w, &weak), ACTION_ISOLATE)->hold, HOLD_WEAK);
    assert_int_equal(detect(w, &weak)->decision_count, 0);
    assert_int_equal(find_decision(detect(w, &strong), ACTION_ISOLATE)->hold, HOLD_NONE);
    assert_int_equal(w->outcome.incident.strength, STRENGTH_STRONG);
    assert_int_equal(w->outcome.incident.detection_count, 3);
    world_free(w);
}

static void
after_a_release_there_is_grace_and_then_a_closer_watch(void **state)
{
    (void)state;
    const char *yaml = "defaults: {mode: auto}\n"
                       "networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                       "after_release: {grace_s: 300, watch_s: 3600}\n"
                       "policies:\n"
                       "  - name: p\n"
                       "    when: {severity: medium, confidence: 90, count: 3, within_s: 60}\n"
                       "    then: [{action: isolate}]\n";
    struct world *w = world_new(yaml);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    d.severity = SEVERITY_LOW;
    d.confidence = 75;
    assert_int_equal(detect(w, &d)->decision_count, 0);
    engine_note_contained(w->engine, "id-c2", NULL);
    engine_note_released(w->engine, "id-c2");
    world_after_s(w, 10);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_GRACE);
    world_after_s(w, 300);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    world_after_s(w, 3700);
    assert_int_equal(detect(w, &d)->decision_count, 0);
    world_free(w);
}

static void
a_release_before_the_start_counts_from_when_it_was(void **state)
{
    (void)state;
    const char *yaml = "defaults: {mode: auto}\n"
                       "networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                       "after_release: {grace_s: 300, watch_s: 3600}\n"
                       "policies:\n"
                       "  - name: p\n"
                       "    then: [{action: isolate}]\n";
    struct world *w = world_new(yaml);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    struct detection other = contact(w, C3_IP, C3_MAC, SERVER_IP);
    int64_t now_us = w->clock.wall_now_us;
    assert_int_equal(engine_watch_since(w->engine), now_us - INT64_C(3900000000));
    engine_restore_released(w->engine, "", now_us);
    engine_restore_released(w->engine, "id-c2", now_us - 200 * 1000000);
    engine_restore_released(w->engine, "id-c3", now_us + 1000000); /* the clock was set back */
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_GRACE);
    world_after_s(w, 101);
    assert_int_equal(find_decision(detect(w, &d), ACTION_ISOLATE)->hold, HOLD_NONE);
    assert_int_equal(find_decision(detect(w, &other), ACTION_ISOLATE)->hold, HOLD_GRACE);
    world_free(w);
}

static void
the_third_within_a_minute_counts(void **state)
{
    (void)state;
    const char *yaml = "defaults: {mode: auto}\n"
                       "policies:\n"
                       "  - name: p\n"
                       "    when: {count: 3, within_s: 60}\n"
                       "    then: [{action: notify}]\n"
                       "networks: [{name: a, prefixes: [192.0.2.0/24]}]\n";
    struct world *w = world_new(yaml);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    struct detection other = contact(w, C3_IP, C3_MAC, SERVER_IP);
    assert_int_equal(detect(w, &d)->decision_count, 0);
    world_after_s(w, 50);
    assert_int_equal(detect(w, &d)->decision_count, 0);
    world_after_s(w, 50);
    assert_int_equal(detect(w, &other)->decision_count, 0);
    assert_int_equal(detect(w, &d)->decision_count, 0); /* the first is too long ago */
    world_after_s(w, 5);
    assert_int_equal(detect(w, &d)->decision_count, 1);
    world_free(w);
}

static void
incidents_gather_what_belongs_together_and_close_when_quiet(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    d.phase = PHASE_LATERAL_MOVEMENT;
    d.suspect = PARTY_SRC;
    detect(w, &d);
    char id[ID_SIZE];
    memcpy(id, w->outcome.incident.id, ID_SIZE);
    world_after_s(w, 60);
    d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    detect(w, &d);
    assert_string_equal(w->outcome.incident.id, id);
    assert_int_equal(w->outcome.incident.phase, PHASE_LATERAL_MOVEMENT);
    assert_int_equal(w->outcome.incident.detection_count, 2);
    assert_non_null(strstr(w->outcome.incident.summary, "c2: Listed C&C server contacted"));
    assert_non_null(strstr(w->outcome.incident.summary, "T1071.001"));
    struct detection other = contact(w, C3_IP, C3_MAC, SERVER_IP);
    detect(w, &other);
    assert_string_not_equal(w->outcome.incident.id, id);
    world_after_s(w, 7200);
    d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    detect(w, &d);
    assert_string_not_equal(w->outcome.incident.id, id);
    assert_int_equal(w->outcome.incident.detection_count, 1);
    world_free(w);
}

static void
a_restored_incident_goes_on(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    detect(w, &d);
    struct incident stored = w->outcome.incident;
    struct world *v = world_new(yaml_auto);
    engine_restore_incident(v->engine, &stored);
    detect(v, &d);
    assert_string_equal(v->outcome.incident.id, stored.id);
    assert_int_equal(v->outcome.incident.detection_count, 2);
    world_free(w);
    world_free(v);
}

static void
a_suspect_is_mirrored_on_weak_evidence_and_policies_may_go_on(void **state)
{
    (void)state;
    const char *yaml = "defaults: {mode: auto}\n"
                       "networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                       "groups: [{name: g, host_names: ['C*'], macs: ['02:00:00']}]\n"
                       "policies:\n"
                       "  - name: look\n"
                       "    when: {groups: [g], networks: [a], makers: [cord*]}\n"
                       "    then: [{action: mirror, expires_s: 600}, {action: notify}]\n"
                       "    goes_on: true\n"
                       "  - name: pair\n"
                       "    when: {techniques: ['T1071*'], signatures: ['listed*'], lists: ['']}\n"
                       "    then: [{action: block_pair}]\n"
                       "  - name: not reached\n"
                       "    then: [{action: isolate}]\n";
    struct world *w = world_new(yaml);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    d.handshake = false;
    const struct outcome *outcome = detect(w, &d);
    assert_int_equal(outcome->decision_count, 3);
    assert_int_equal(find_decision(outcome, ACTION_MIRROR)->hold, HOLD_NONE);
    assert_int_equal(find_decision(outcome, ACTION_MIRROR)->expires_s, 600);
    assert_int_equal(find_decision(outcome, ACTION_BLOCK_PAIR)->hold, HOLD_WEAK);
    world_after_s(w, 300);
    assert_null(find_decision(detect(w, &d), ACTION_MIRROR));
    world_after_s(w, 301);
    assert_non_null(find_decision(detect(w, &d), ACTION_MIRROR));
    world_free(w);
}

static void
a_new_policy_takes_over_and_the_incidents_stay(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct detection d = contact(w, C2_IP, C2_MAC, SERVER_IP);
    detect(w, &d);
    char id[ID_SIZE];
    memcpy(id, w->outcome.incident.id, ID_SIZE);
    struct policy *observe;
    struct policy_error error;
    const char *yaml = "policies: [{name: q, then: [{action: block_pair}]}]\n"
                       "networks: [{name: a, prefixes: [192.0.2.0/24]}]\n";
    assert_int_equal(policy_parse(yaml, strlen(yaml), &observe, &error), 0);
    engine_set_policy(w->engine, observe);
    policy_unref(observe);
    assert_ptr_equal(engine_policy(w->engine), observe);
    struct detection other = contact(w, C3_IP, C3_MAC, SERVER_IP);
    detect(w, &other);
    assert_int_equal(find_decision(&w->outcome, ACTION_BLOCK_PAIR)->mode, MODE_OBSERVE);
    detect(w, &d);
    assert_string_equal(w->outcome.incident.id, id);
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strong_contact_isolates_with_permits_and_blocks_the_server),
        cmocka_unit_test(an_alert_whose_source_is_the_outside_server_contains_the_inside_end),
        cmocka_unit_test(the_interested_host_comes_before_everything_else),
        cmocka_unit_test(a_claim_about_an_outside_end_is_no_claim_about_ours),
        cmocka_unit_test(both_inside_is_held_unless_the_finder_or_the_policy_says_which),
        cmocka_unit_test(none_inside_blocks_the_server_only),
        cmocka_unit_test(a_proxy_is_never_the_party_and_a_resolver_never_the_server),
        cmocka_unit_test(never_blocked_and_popular_servers_are_held),
        cmocka_unit_test(modes_observe_and_approve_contain_nothing_by_themselves),
        cmocka_unit_test(waiting_never_enforces_weak_evidence),
        cmocka_unit_test(over_budget_the_pair_is_blocked_and_the_isolation_waits),
        cmocka_unit_test(a_share_of_the_network_bounds_what_is_contained_at_once),
        cmocka_unit_test(what_was_spent_before_a_restart_counts),
        cmocka_unit_test(the_same_is_not_decided_twice_while_it_is_in_force),
        cmocka_unit_test(one_endpoint_that_goes_on_trying_spends_the_budget_once),
        cmocka_unit_test(a_mirror_in_force_is_no_isolation_in_force),
        cmocka_unit_test(what_only_would_have_been_does_not_hide_what_is_done),
        cmocka_unit_test(what_was_decided_but_never_came_into_force_is_decided_again),
        cmocka_unit_test(a_held_decision_gives_way_to_stronger_evidence),
        cmocka_unit_test(after_a_release_there_is_grace_and_then_a_closer_watch),
        cmocka_unit_test(a_release_before_the_start_counts_from_when_it_was),
        cmocka_unit_test(the_third_within_a_minute_counts),
        cmocka_unit_test(incidents_gather_what_belongs_together_and_close_when_quiet),
        cmocka_unit_test(a_restored_incident_goes_on),
        cmocka_unit_test(a_suspect_is_mirrored_on_weak_evidence_and_policies_may_go_on),
        cmocka_unit_test(a_new_policy_takes_over_and_the_incidents_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
