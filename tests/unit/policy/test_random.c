/* Random detections from a fixed seed, in a world where everything can be wrong: whatever comes,
 * what is decided without a person keeps the promises. */
#include "world.h"

#include "policy/trial.h"

#define CLIENTS 40
#define ROUNDS 40000

static const char *const targets[] = {SERVER_IP,    "203.0.113.81", "198.51.100.9",
                                      "192.0.2.53", "192.0.2.200",  "192.0.2.1"};

static void
populate(struct world *w)
{
    for (int i = 0; i < CLIENTS; i++) {
        char name[8], mac[MAC_TEXT_SIZE], ip[IP_TEXT_SIZE];
        snprintf(name, sizeof(name), "r%d", i);
        snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", i);
        snprintf(ip, sizeof(ip), "192.0.2.%d", 100 + i);
        struct inhabitant *one = world_add(w, name, mac, ip);
        one->known = i % 8 < 5 ? KNOWN_SURE : (enum known)(i % 5);
        one->is_protected = i % 9 == 0;
        if (i % 7 == 0) {
            one->endpoint.location.class = LOCATION_CONFLICT;
        }
    }
}

static struct detection
random_detection(struct world *w)
{
    struct inhabitant *from = &w->inhabitants[rand() % (int)w->count];
    struct inhabitant *lie = rand() % 4 ? from : &w->inhabitants[rand() % (int)w->count];
    char ip[IP_TEXT_SIZE], mac[MAC_TEXT_SIZE];
    ip_format(&from->bindings[0].ip, ip);
    mac_format(&lie->endpoint.macs[0], mac);
    struct detection d = contact(w, ip, mac, targets[rand() % 6]);
    d.handshake = rand() % 2;
    d.phase = (enum phase)(rand() % PHASE_COUNT);
    d.suspect = (enum party)(rand() % PARTY_COUNT);
    d.confidence = (uint8_t)(rand() % 101);
    if (rand() % 3 == 0) {
        d.origin = stamp_of(w, rand() % 2 ? from : &w->inhabitants[rand() % (int)w->count]);
        d.origin.is_egress = rand() % 4 == 0;
    }
    if (rand() % 5 == 0) {
        snprintf(d.maker, sizeof(d.maker), "other");
        d.strength = (enum strength)(rand() % STRENGTH_COUNT);
    }
    if (rand() % 4 == 0) {
        snprintf(d.list, sizeof(d.list), "rumours");
    }
    if (rand() % 6 == 0) {
        struct peer swap = d.src;
        d.src = d.dst;
        d.dst = swap;
    }
    return d;
}

static struct inhabitant *
by_id(struct world *w, const char *id)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->inhabitants[i].endpoint.id, id) == 0) {
            return &w->inhabitants[i];
        }
    }
    return NULL;
}

/* What acts without a person on an endpoint keeps every promise. */
static void
assert_allowed(struct world *w, const struct outcome *outcome, const struct decision *d)
{
    struct inhabitant *one = by_id(w, d->endpoint_id);
    struct ip gateway = ip_of("192.0.2.1");
    struct ip proxy = ip_of("192.0.2.200");
    assert_non_null(one);
    assert_int_equal(outcome->strength, STRENGTH_STRONG);
    assert_false(one->is_protected);
    assert_false(ip_is_equal(&one->bindings[0].ip, &gateway));
    assert_false(ip_is_equal(&d->ip, &proxy));
    assert_int_equal(d->mode, MODE_AUTO);
}

static void
no_random_detection_breaks_a_promise(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    int64_t acted_us[64] = {0};
    size_t acted = 0, held = 0, isolated = 0, servers = 0;
    srand(20261123);
    populate(w);
    for (int i = 0; i < ROUNDS; i++) {
        struct detection d = random_detection(w);
        const struct outcome *outcome = detect(w, &d);
        assert_true(outcome->decision_count <= DECISIONS_MAX);
        assert_true(outcome->why[0] != '\0');
        assert_true(outcome->incident.id[0] != '\0');
        for (size_t k = 0; k < outcome->decision_count; k++) {
            const struct decision *made = &outcome->decisions[k];
            held += made->hold != HOLD_NONE ? 1 : 0;
            if (made->hold != HOLD_NONE) {
                assert_true(made->hold_detail[0] != '\0');
                continue;
            }
            if (made->action == ACTION_BLOCK_SERVER) {
                servers++;
                assert_int_equal(outcome->strength, STRENGTH_STRONG);
                assert_false(policy_is_home(w->policy, &made->server.ip));
                continue;
            }
            assert_allowed(w, outcome, made);
            if (made->action == ACTION_ISOLATE && !made->is_tighter) {
                /* The fifth before it is more than a minute ago, the twentieth an hour. */
                assert_true(acted < 5 ||
                            w->clock.boot_now_us - acted_us[(acted - 5) % 64] >= 60 * 1000000LL);
                assert_true(acted < 20 ||
                            w->clock.boot_now_us - acted_us[(acted - 20) % 64] >= 3600 * 1000000LL);
                acted_us[acted++ % 64] = w->clock.boot_now_us;
                isolated++;
                if (rand() % 2) {
                    engine_note_contained(w->engine, made->endpoint_id, NULL);
                }
            }
        }
        if (rand() % 50 == 0) {
            engine_note_released(w->engine, w->inhabitants[rand() % (int)w->count].endpoint.id);
        }
        clock_fake_advance(&w->clock, rand() % 4000000);
        if (i % 16 == 0) {
            engine_tick(w->engine);
        }
    }
    /* The test is worth something only if all of it happened. */
    assert_true(isolated > 100);
    assert_true(held > 1000);
    assert_true(servers > 100);
    world_free(w);
}

struct lines {
    char text[8][2048];
    size_t count;
};

static void
keep_line(void *context, size_t index, const char *line)
{
    struct lines *lines = context;
    (void)index;
    assert_true(lines->count < 8);
    snprintf(lines->text[lines->count++], sizeof(lines->text[0]), "%s", line);
}

static void
policy_test_says_for_each_detection_what_and_why(void **state)
{
    (void)state;
    struct world *w = world_new(yaml_auto);
    struct lines *lines = calloc(1, sizeof(*lines));
    struct detection d[2] = {contact(w, C2_IP, C2_MAC, SERVER_IP),
                             contact(w, C3_IP, C3_MAC, SERVER_IP)};
    d[1].handshake = false;
    policy_test(w->policy, NULL, d, 2, keep_line, lines);
    assert_string_equal(lines->text[0], "Listed C&C server contacted: party src, evidence strong");
    assert_non_null(strstr(lines->text[1], "isolate 192.0.2.2 permitting updates  [policy contact, "
                                           "mode auto]"));
    assert_non_null(strstr(lines->text[2], "block_server server 203.0.113.80 c2.example.org"));
    assert_non_null(strstr(lines->text[3], "why: policy contact: isolate"));
    assert_non_null(strstr(lines->text[5], "holds isolate 192.0.2.3"));
    assert_non_null(strstr(lines->text[5], "held weak: weak evidence: one-way traffic"));
    assert_non_null(strstr(lines->text[lines->count - 1], "Assumed"));
    lines->count = 0;
    struct policy_world view = world_view(w);
    policy_test(w->policy, &view, d, 1, keep_line, lines);
    assert_non_null(strstr(lines->text[3], "isolate c2"));
    free(lines);
    world_free(w);
}

/* Cut into parts, a file says what it says as a whole. */
static void
a_policy_test_in_parts_says_the_same(void **state)
{
    (void)state;
    struct world *w = world_new("defaults: {mode: auto}\n"
                                "networks: [{name: a, prefixes: [192.0.2.0/24], home: true}]\n"
                                "policies:\n"
                                "  - name: third\n"
                                "    when: {count: 3, within_s: 60}\n"
                                "    then: [{action: isolate}]\n");
    struct lines *whole = calloc(1, sizeof(*whole));
    struct lines *parts = calloc(1, sizeof(*parts));
    struct detection d[3];
    for (size_t i = 0; i < 3; i++) {
        d[i] = contact(w, C2_IP, C2_MAC, SERVER_IP);
        d[i].seen_us += (int64_t)i * 20000000;
    }
    struct policy_world view = world_view(w);
    policy_test(w->policy, &view, d, 3, keep_line, whole);
    assert_non_null(strstr(whole->text[5], "isolate"));
    struct policy_trial *trial = policy_trial_new(w->policy, &view);
    policy_trial_run(trial, d, 0, keep_line, parts);
    policy_trial_run(trial, d, 1, keep_line, parts);
    policy_trial_run(trial, d + 1, 2, keep_line, parts);
    policy_trial_free(trial);
    policy_trial_free(NULL);
    assert_int_equal(parts->count, whole->count);
    for (size_t i = 0; i < whole->count; i++) {
        assert_string_equal(parts->text[i], whole->text[i]);
    }
    free(whole);
    free(parts);
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_random_detection_breaks_a_promise),
        cmocka_unit_test(policy_test_says_for_each_detection_what_and_why),
        cmocka_unit_test(a_policy_test_in_parts_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
