/* Notices: put with their cause, routed by rules, collected, tried again, given up and counted; who
 * is on call; over ends of the process.  The clock stands until it is advanced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/ask/inspect.h"
#include "controller/lifecycle.h"
#include "scene.h"
#include "wire/edge_stats.h"
#include "wire/notify.h"

static int
setup(void **state)
{
    setenv("TZ", "UTC", 1);
    struct campus *campus = campus_new();
    campus_client(campus, "e1", "p2", 2, "10.1.0.2", "c2");
    campus_client(campus, "e2", "p1", 4, "10.2.0.4", "c4");
    campus_client(campus, "e2", "p2", 5, "10.2.0.5", "c5");
    *state = campus;
    return 0;
}

static void
on_set(void *context, enum notify_result result, const char *answer)
{
    (void)answer;
    *(enum notify_result *)context = result;
}

static const char mail[] = "{\"name\":\"mail\",\"kind\":\"email\",\"host\":\"h\",\"from\":"
                           "\"a@b.example\",\"to\":[\"c@d.example\"]%s}";

/* 'more' goes into the channel, 'rest' into the document. */
static void
set(struct campus *campus, const char *kinds, const char *more, const char *rest)
{
    char text[8192], channel[1024];
    struct notify_settings settings;
    struct codec_error error;
    enum notify_result result = NOTIFY_FAILED;
    snprintf(channel, sizeof(channel), mail, more);
    int used = snprintf(text, sizeof(text), "{\"version\":%u,\"channels\":[%s],\"rules\":[",
                        controller_notify_settings(campus->controller)->version, channel);
    char *copy = mem_strdup(kinds);
    char *save = NULL;
    for (char *kind = strtok_r(copy, " ", &save); kind; kind = strtok_r(NULL, " ", &save)) {
        used +=
            snprintf(text + used, sizeof(text) - (size_t)used,
                     "%s{\"kind\":\"%s\",\"channels\":[\"mail\"]}", kind == copy ? "" : ",", kind);
    }
    free(copy);
    snprintf(text + used, sizeof(text) - (size_t)used, "]%s}", rest);
    cJSON *json = codec_parse(text, strlen(text));
    assert_non_null(json);
    if (codec_decode(&notify_settings_shape, json, &settings, &error)) {
        fail_msg("%s: %s %s", text, error.path, error.why);
    }
    cJSON_Delete(json);
    controller_notify_set(campus->controller, &settings, NULL, 0, "account:ann", on_set, &result);
    codec_fini(&notify_settings_shape, &settings);
    campus_settle(campus);
    assert_int_equal(result, NOTIFY_DONE);
}

#define NOBODY ",\"help_desk\":{},\"owner\":{},\"on_call\":{}"

static void
happen(struct campus *campus, const char *reason)
{
    struct wish_answer answer = {.calls = 0};
    controller_panic(campus->controller, !controller_is_suspended(campus->controller),
                     "account:ann", reason, campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
}

/* The notify role's word about the message that it was handed last. */
static void
delivered(struct campus *campus, bool is_delivered)
{
    struct wire_notice_result result = {.is_delivered = is_delivered, .answer = "its words"};
    memcpy(result.id, campus->notice.message.id, sizeof(result.id));
    controller_notice_result(campus->controller, &result);
    campus_settle(campus);
}

static void
assert_told(struct campus *campus, unsigned count, size_t notices, const char *reason)
{
    assert_int_equal(campus->notice_count, count);
    assert_int_equal(campus->notice.message.notice_count, notices);
    assert_string_equal(campus->notice.message.notices[notices - 1].reason, reason);
}

static struct notify_state
state_of(struct campus *campus)
{
    struct notify_state state;
    controller_notify_state(campus->controller, &state);
    return state;
}

/* ---- rules ---- */

static void
test_only_what_a_rule_asks_for_is_told(void **state)
{
    struct campus *campus = *state;
    happen(campus, "before there were settings");
    campus_pass(campus, SECOND);
    set(campus, "panic", "", NOBODY);
    happen(campus, "a resume");
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(campus->notice_count, 0);
    happen(campus, "a panic");
    campus_pass(campus, SECOND);
    assert_told(campus, 1, 1, "a panic");
    assert_string_equal(campus->notice.message.notices[0].account, "account:ann");
    delivered(campus, true);
    campus_pass(campus, 10 * MINUTE);
    assert_int_equal(campus->notice_count, 1);
    assert_int_equal(state_of(campus).waiting, 0);
    assert_int_equal(state_of(campus).delivered, 1);
}

/* Rows as they were told, in order. */
static size_t
rows_told(struct campus *campus, char reasons[][TEXT_SIZE], size_t count)
{
    for (size_t i = 0; i < campus->notice.message.notice_count; i++) {
        const struct notice *notice = &campus->notice.message.notices[i];
        assert_int_equal(notice->kind, NOTICE_AUDIT_ROW);
        if (strncmp(notice->reason, "row ", 4) == 0) {
            snprintf(reasons[count++], TEXT_SIZE, "%s", notice->reason);
        } else {
            assert_string_not_equal(notice->reason, "before the rule");
        }
    }
    return count;
}

/* Each row once and in order, over a receiver that is slow and a restart; none of before the rule.
 */
static void
test_each_row_of_the_audit_is_told_once(void **state)
{
    struct campus *campus = *state;
    char reasons[64][TEXT_SIZE], reason[32];
    size_t count = 0;
    happen(campus, "before the rule");
    set(campus, "audit_row", "", NOBODY);
    campus_pass(campus, 3 * SECOND);
    unsigned told = campus->notice_count;
    for (int i = 0; i < 30; i++) {
        snprintf(reason, sizeof(reason), "row %d", i);
        happen(campus, reason);
        if (i == 12) {
            campus_restart(campus);
            controller_notify_joined(campus->controller);
        }
    }
    for (int i = 0; i < 20000 && count < 30; i++) {
        campus_pass(campus, SECOND / 4);
        event_base_loop(campus->base, EVLOOP_NONBLOCK); /* the audit is read by another thread */
        if (campus->notice_count > told) {
            told = campus->notice_count;
            count = rows_told(campus, reasons, count);
            delivered(campus, true);
        }
    }
    assert_int_equal(count, 30);
    for (int i = 0; i < 30; i++) {
        snprintf(reason, sizeof(reason), "row %d", i);
        assert_string_equal(reasons[i], reason);
    }
    assert_int_equal(state_of(campus).counted_only, 0);
}

static void
test_the_least_severity_counts(void **state)
{
    struct campus *campus = *state;
    set(campus, "", "", ",\"help_desk\":{},\"owner\":{},\"on_call\":{}");
    struct notify_settings settings = *controller_notify_settings(campus->controller);
    struct notify_rule rule = {
        .kind = NOTICE_PENDING, .least = SEVERITY_HIGH, .channels = {"mail"}, .channel_count = 1};
    enum notify_result result = NOTIFY_FAILED;
    settings.rules = &rule;
    settings.rule_count = 1;
    controller_notify_set(campus->controller, &settings, NULL, 0, "account:ann", on_set, &result);
    campus_settle(campus);
    assert_int_equal(result, NOTIFY_DONE);
    assert_true(campus_detect(campus, "d1", "10.2.0.4", STRENGTH_STRONG));
    campus_pass(campus, SECOND);
    const struct incident *incident =
        controller_incident(campus->controller, campus_newest(campus)->incident_id);
    assert_int_equal(incident->severity, SEVERITY_HIGH);
    assert_int_equal(campus->notice_count, 1);
    assert_int_equal(campus->notice.message.notices[0].severity, SEVERITY_HIGH);
    delivered(campus, true);
    set(campus, "", "", NOBODY);
    settings = *controller_notify_settings(campus->controller);
    rule.kind = NOTICE_ANSWERED; /* always low */
    settings.rules = &rule;
    settings.rule_count = 1;
    controller_notify_set(campus->controller, &settings, NULL, 0, "account:ann", on_set, &result);
    campus_settle(campus);
    struct wish_answer answer = {.calls = 0};
    controller_judge(campus->controller, campus_newest(campus)->id, VERDICT_CHECK, "account:ann",
                     "seen", campus_answer, &answer);
    campus_pass(campus, SECOND);
    assert_int_equal(campus->notice_count, 1);
}

static void
test_a_story_from_contained_to_released(void **state)
{
    struct campus *campus = *state;
    set(campus, "contained moved released", "", NOBODY);
    assert_true(campus_detect(campus, "d1", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(campus, 2 * SECOND);
    const struct notice *notice = campus->notice.message.notices;
    assert_int_equal(campus->notice_count, 1);
    assert_int_equal(notice->kind, NOTICE_CONTAINED);
    assert_string_equal(notice->switch_name, "e1");
    assert_string_equal(notice->port, "p2");
    assert_string_equal(notice->case_number, campus_newest(campus)->case_number);
    struct ip ip = campus_ip("10.1.0.2");
    assert_true(ip_is_equal(&notice->ip, &ip));
    delivered(campus, true);
    struct wish_answer answer = {.calls = 0};
    controller_release(campus->controller, campus_newest(campus)->id, "account:ann", "clean",
                       campus_answer, &answer);
    campus_pass(campus, SECOND);
    assert_int_equal(campus->notice_count, 2);
    assert_int_equal(campus->notice.message.notices[0].kind, NOTICE_RELEASED);
    assert_string_equal(campus->notice.message.notices[0].detail, "clean");
}

/* Whoever is on call by night hears of it when it becomes grave, though it waits already; he does
 * not hear the same again. */
static void
test_what_waits_is_told_again_when_it_becomes_graver(void **state)
{
    struct campus *campus = *state;
    struct detection detection = {.seen_us = campus->clock.wall_now_us,
                                  .phase = PHASE_C2,
                                  .severity = SEVERITY_MEDIUM,
                                  .confidence = 90,
                                  .handshake = true,
                                  .strength = STRENGTH_STRONG,
                                  .suspect = PARTY_SRC,
                                  .sensor = "ids",
                                  .signature = "contact"};
    set(campus, "pending", "", NOBODY);
    campus_client(campus, "e1", "p3", 3, "10.2.0.3", "c3");
    detection.src.ip = campus_ip("10.2.0.3");
    detection.dst.ip = campus_ip("198.51.100.9");
    for (unsigned i = 0; i < 4; i++) { /* twice as it was, then graver, then as it was */
        snprintf(detection.id, sizeof(detection.id), "graver-%u", i);
        detection.seen_us = campus->clock.wall_now_us;
        detection.severity = i == 2 ? SEVERITY_HIGH : SEVERITY_MEDIUM;
        controller_detection(campus->controller, &detection, NULL, NULL);
        campus_pass(campus, 2 * SECOND);
        assert_int_equal(campus->notice_count, i < 2 ? 1 : 2);
        assert_int_equal(campus->notice.message.notices[0].kind, NOTICE_PENDING);
        assert_int_equal(campus->notice.message.notices[0].severity,
                         i < 2 ? SEVERITY_MEDIUM : SEVERITY_HIGH);
        delivered(campus, true);
    }
}

/* ---- what waits ---- */

static const char waiting[] =
    "networks: [{name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}]\n"
    "permit_sets: [{name: updates, permits: [{server: 10.1.0.10, protocol: tcp, port: 443}]}]\n"
    "budgets: {per_minute: 1, per_hour: 1, network_percent: 100, switch_percent: 100}\n"
    "policies:\n"
    "  - name: spreading\n"
    "    when: {phases: [lateral_movement]}\n"
    "    then: [{action: isolate}]\n"
    "  - name: anything\n"
    "    when: {severity: low}\n"
    "    then: [{action: isolate, permit_set: updates}]\n";

static int
setup_waiting(void **state)
{
    struct campus *campus = scene_new(waiting);
    campus_client(campus, "e1", "p3", 3, "10.1.0.3", "c3");
    *state = campus;
    return 0;
}

/* Everything that there was to tell is told. */
static void
quiet(struct campus *campus)
{
    unsigned told;
    do {
        told = campus->notice_count;
        campus_pass(campus, 2 * SECOND);
        if (campus->notice_count > 0) {
            delivered(campus, true);
        }
    } while (campus->notice_count != told);
}

/* One message since 'before', of one notice; its text. */
static const char *
one_told(struct campus *campus, unsigned before, enum notice_kind kind)
{
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(campus->notice_count, before + 1);
    assert_int_equal(campus->notice.message.notice_count, 1);
    assert_int_equal(campus->notice.message.notices[0].kind, kind);
    delivered(campus, true);
    return campus->notice.message.notices[0].detail;
}

/* One notice told of all that the budget had no room for; one of them that a person left, and about
 * which more is found, is not among them any more. */
static void
test_what_was_over_the_budget_and_checked_is_told_when_it_is_asked_again(void **state)
{
    struct campus *campus = *state;
    set(campus, "pending", "", NOBODY);
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, 2 * SECOND);
    DETECT(campus, "10.1.0.3", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    quiet(campus);
    const struct containment *c = controller_find(campus->controller, campus_newest(campus)->id);
    for (size_t i = 0; c->action != ACTION_ISOLATE || c->state != CONTAINMENT_PENDING; i++) {
        c = controller_containment_at(campus->controller, i);
        assert_non_null(c);
    }
    assert_int_equal(c->hold, HOLD_BUDGET);
    scene_judge(campus, c->id, VERDICT_CHECK, WISH_DONE);
    quiet(campus);
    unsigned told = campus->notice_count;
    DETECT(campus, "10.1.0.3", PHASE_EXFILTRATION, SEVERITY_HIGH, STRENGTH_WEAK);
    assert_int_equal(c->state, CONTAINMENT_PENDING);
    assert_int_equal(c->hold, HOLD_WEAK);
    (void)one_told(campus, told, NOTICE_PENDING);
    assert_string_equal(campus->notice.message.notices[0].containment_id, c->id);
}

/* It is isolated, with permits; that it should have none, by evidence that is doubtful, is not to
 * be decided without a person, and is no containment of its own that would wait for him. */
static void
test_that_a_stricter_decision_is_held_is_told_while_one_with_permits_is_in_force(void **state)
{
    struct campus *campus = *state;
    set(campus, "detected", "", NOBODY);
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG);
    campus_pass(campus, 2 * SECOND);
    const struct containment *c = controller_containment_at(campus->controller, 0);
    assert_true(lifecycle_is_in_force(c->state));
    DETECT(campus, "10.1.0.2", PHASE_C2, SEVERITY_HIGH, STRENGTH_WEAK); /* no stricter */
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(campus->notice_count, 0);
    DETECT(campus, "10.1.0.2", PHASE_LATERAL_MOVEMENT, SEVERITY_HIGH, STRENGTH_WEAK);
    (void)one_told(campus, 0, NOTICE_DETECTED);
    const struct notice *notice = &campus->notice.message.notices[0];
    assert_string_equal(notice->endpoint_id, c->endpoint_id);
    assert_string_equal(notice->policy, "spreading");
    assert_string_equal(c->permit_set, "updates");
}

/* Two that contact one inside server: the second waits, and is told, with the reason. */
static void
test_a_shared_destination_is_told(void **state)
{
    struct campus *campus = *state;
    static const char *const ips[] = {"10.1.0.2", "10.1.0.3"};
    scene_change_policy(campus, waiting, "per_minute: 1, per_hour: 1",
                        "per_minute: 9, per_hour: 9");
    set(campus, "pending", "", NOBODY);
    for (size_t i = 0; i < COUNT_OF(ips); i++) {
        struct detection detection;
        const struct seen seen = {ips[i], PHASE_C2, SEVERITY_HIGH, STRENGTH_STRONG};
        scene_detection(campus, &seen, &detection);
        detection.dst.ip = campus_ip("10.1.0.77");
        campus_pass(campus, 2 * SECOND);
        assert_int_equal(campus->notice_count, 0);
        controller_detection(campus->controller, &detection, NULL, NULL);
        campus_settle(campus);
    }
    assert_string_equal(one_told(campus, 0, NOTICE_PENDING),
                        "2 endpoints contacted the same inside host within an hour");
    assert_true(scene_drops(campus, 2));
    assert_false(scene_drops(campus, 3));
}

/* ---- collecting ---- */

static void
test_a_digest_collects(void **state)
{
    struct campus *campus = *state;
    set(campus, "panic resume", ",\"digest_min\":5", NOBODY);
    happen(campus, "one");
    campus_pass(campus, 2 * MINUTE);
    happen(campus, "two");
    happen(campus, "three");
    campus_pass(campus, 2 * MINUTE);
    assert_int_equal(campus->notice_count, 0);
    campus_pass(campus, MINUTE + SECOND);
    assert_told(campus, 1, 3, "three");
}

/* What the rate holds back is collected, and what does not fit is counted: never nothing. */
static void
test_a_rate_holds_back_and_counts(void **state)
{
    struct campus *campus = *state;
    set(campus, "panic resume", ",\"per_hour\":2", NOBODY);
    for (unsigned i = 0; i < 2; i++) {
        happen(campus, "one by one");
        campus_pass(campus, SECOND);
        assert_told(campus, i + 1, 1, "one by one");
        delivered(campus, true);
    }
    for (int i = 0; i < MESSAGE_NOTICES_MAX + 7; i++) {
        happen(campus, "in a burst");
        campus_pass(campus, SECOND);
    }
    assert_int_equal(campus->notice_count, 2);
    campus_pass(campus, 60 * MINUTE);
    assert_told(campus, 3, MESSAGE_NOTICES_MAX, "in a burst");
    assert_int_equal(campus->notice.message.more, 7);
    assert_int_equal(state_of(campus).counted_only, 7);
    delivered(campus, true);
    assert_int_equal(state_of(campus).waiting, 0);
}

/* ---- not delivered ---- */

static void
test_back_off_with_the_same_id_and_content(void **state)
{
    struct campus *campus = *state;
    char id[ID_SIZE];
    set(campus, "panic resume", "", NOBODY);
    happen(campus, "first");
    campus_pass(campus, SECOND);
    assert_told(campus, 1, 1, "first");
    memcpy(id, campus->notice.message.id, sizeof(id));
    delivered(campus, false);
    happen(campus, "second"); /* not into a message that may have arrived */
    campus_pass(campus, 4 * SECOND);
    assert_int_equal(campus->notice_count, 1);
    campus_pass(campus, 2 * SECOND);
    assert_told(campus, 2, 1, "first");
    assert_string_equal(campus->notice.message.id, id);
    delivered(campus, false);
    campus_pass(campus, 9 * SECOND); /* twice as long */
    assert_int_equal(campus->notice_count, 2);
    campus_pass(campus, 2 * SECOND);
    assert_told(campus, 3, 1, "first");
    delivered(campus, true);
    campus_pass(campus, SECOND);
    assert_told(campus, 4, 1, "second");
    assert_string_not_equal(campus->notice.message.id, id);
}

static void
test_too_old_is_given_up_and_counted(void **state)
{
    struct campus *campus = *state;
    set(campus, "panic resume", "", NOBODY);
    happen(campus, "nobody listens");
    unsigned tries = 0;
    for (int minute = 0; minute < 73 * 60 && state_of(campus).given_up == 0; minute++) {
        campus->clock.wall_now_us += MINUTE - SECOND;
        campus->clock.boot_now_us += MINUTE - SECOND;
        campus_pass(campus, SECOND);
        if (campus->notice_count > tries) {
            tries = campus->notice_count;
            delivered(campus, false);
        }
    }
    assert_int_equal(state_of(campus).given_up, 1);
    assert_int_equal(state_of(campus).waiting, 0);
    assert_true(tries > 200 && tries < 400); /* a quarter of an hour at most between them */
}

static void
test_a_channel_that_is_taken_out_keeps_nothing(void **state)
{
    struct campus *campus = *state;
    set(campus, "panic resume", "", NOBODY);
    campus->is_notify_away = true;
    happen(campus, "x");
    campus_pass(campus, SECOND);
    assert_int_equal(state_of(campus).waiting, 1);
    set(campus, "", ",\"off\":true", NOBODY);
    campus_pass(campus, SECOND);
    assert_int_equal(state_of(campus).waiting, 0);
    assert_int_equal(state_of(campus).given_up, 1);
}

/* ---- over ends of the process ---- */

static void
test_what_was_committed_is_told_after_a_crash(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {.calls = 0};
    set(campus, "panic resume", "", NOBODY);
    controller_panic(campus->controller, true, "account:ann", "a crash follows", campus_answer,
                     &answer);
    campus_restart(campus); /* before a tick could route it */
    campus_pass(campus, SECOND);
    assert_told(campus, 1, 1, "a crash follows");
    char id[ID_SIZE];
    memcpy(id, campus->notice.message.id, sizeof(id));
    campus_restart(campus); /* before the notify role could say that it is delivered */
    campus_pass(campus, SECOND);
    assert_told(campus, 2, 1, "a crash follows");
    assert_string_equal(campus->notice.message.id, id); /* so that it is known for the same */
    delivered(campus, true);
    campus_restart(campus);
    campus_pass(campus, MINUTE);
    assert_int_equal(campus->notice_count, 2);
}

static void
test_the_notify_role_may_die(void **state)
{
    struct campus *campus = *state;
    set(campus, "panic resume", "", NOBODY);
    happen(campus, "x");
    campus_pass(campus, SECOND);
    assert_int_equal(campus->notice_count, 1);
    controller_notify_gone(campus->controller);
    campus_pass(campus, MINUTE);
    assert_int_equal(campus->notice_count, 1); /* nobody to hand it to */
    controller_notify_joined(campus->controller);
    assert_told(campus, 2, 1, "x");
}

/* ---- people ---- */

static void
contain_and_release(struct campus *campus, const char *id)
{
    struct wish_answer answer = {.calls = 0};
    assert_true(campus_detect(campus, id, "10.1.0.2", STRENGTH_STRONG));
    campus_pass(campus, 2 * SECOND);
    controller_release(campus->controller, campus_newest(campus)->id, "account:ann", "clean",
                       campus_answer, &answer);
    campus_pass(campus, 2 * SECOND);
}

static void
register_owner(struct campus *campus, const char *email)
{
    struct annotation annotation = {.version = 1};
    struct mac mac = campus_mac(2);
    snprintf(annotation.owner_email, sizeof(annotation.owner_email), "%s", email);
    assert_true(topology_annotate(controller_topology(campus->controller), &mac, &annotation));
}

static void
test_the_owner_is_told_at_the_registered_address_only(void **state)
{
    struct campus *campus = *state;
    set(campus, "", "",
        ",\"help_desk\":{},\"on_call\":{},\"owner\":{\"on\":true,\"channel\":"
        "\"mail\",\"language\":\"ja\",\"to\":[\"Hospital.example\"]}");
    contain_and_release(campus, "d1");
    assert_int_equal(campus->notice_count, 0); /* nobody is registered */
    register_owner(campus, "thief@elsewhere.example");
    contain_and_release(campus, "d2");
    assert_int_equal(campus->notice_count, 0); /* not one of ours */
    register_owner(campus, "user@hospital.example");
    assert_true(campus_detect(campus, "d3", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(campus->notice_count, 1);
    assert_int_equal(campus->notice.message.voice, VOICE_OWNER);
    assert_int_equal(campus->notice.message.language, NOTIFY_JA);
    assert_int_equal(campus->notice.message.to_count, 1);
    assert_string_equal(campus->notice.message.to[0], "user@hospital.example");
}

static void
test_the_help_desk_may_leave_out_either(void **state)
{
    struct campus *campus = *state;
    set(campus, "", "",
        ",\"owner\":{},\"on_call\":{},\"help_desk\":{\"on\":true,\"channel\":"
        "\"mail\",\"to\":[\"desk@d.example\"],\"skip_contained\":true}");
    contain_and_release(campus, "d1");
    assert_int_equal(campus->notice_count, 1);
    assert_int_equal(campus->notice.message.notices[0].kind, NOTICE_RELEASED);
    assert_int_equal(campus->notice.message.voice, VOICE_HELP_DESK);
}

/* 2023-11-14 is a Tuesday; the clock begins at 22:13:20 UTC. */
#define CONTACTS                                                                                   \
    "\"contacts\":[{\"name\":\"Hana\",\"email\":\"hana@d.example\"},"                              \
    "{\"name\":\"Ken\",\"email\":\"ken@d.example\"}],"                                             \
    "\"shifts\":[{\"contact\":\"Hana\",\"day\":\"tue\",\"from\":\"22:00\",\"until\":\"06:00\"}]"
#define ON_CALL                                                                                    \
    ",\"help_desk\":{},\"owner\":{},\"on_call\":{\"on\":true,\"channel\":\"mail\"," CONTACTS

static void
assert_contact(struct campus *campus, unsigned count, const char *contact, const char *to)
{
    assert_int_equal(campus->notice_count, count);
    assert_int_equal(campus->notice.message.voice, VOICE_ON_CALL);
    assert_string_equal(campus->notice.message.contact, contact);
    assert_string_equal(campus->notice.message.to[0], to);
    assert_int_equal(campus->notice.message.notices[0].kind, NOTICE_PENDING);
}

static void
test_who_is_on_call_is_told_then_the_next(void **state)
{
    struct campus *campus = *state;
    struct escalation_view view;
    set(campus, "", "", ON_CALL ",\"steps\":[{},{\"after_min\":15,\"contact\":\"Ken\"}]}");
    assert_string_equal(state_of(campus).on_call, "Hana");
    assert_true(campus_detect(campus, "d1", "10.2.0.4", STRENGTH_STRONG));
    campus_pass(campus, SECOND);
    assert_contact(campus, 1, "Hana", "hana@d.example");
    assert_true(campus->notice.message.notices[0].until_us > 0); /* and what happens then */
    delivered(campus, true);
    const char *id = campus_newest(campus)->id;
    assert_true(controller_escalation(campus->controller, id, &view));
    assert_int_equal(view.taken, 1);
    assert_int_equal(view.steps, 2);
    assert_string_equal(view.told, "Hana");
    assert_string_equal(view.next, "Ken");
    campus_pass(campus, 14 * MINUTE);
    campus_restart(campus); /* neither forgotten nor begun anew */
    campus_pass(campus, 30 * SECOND);
    assert_int_equal(campus->notice_count, 1);
    campus_pass(campus, MINUTE);
    assert_contact(campus, 2, "Ken", "ken@d.example");
    delivered(campus, true);
    assert_true(controller_escalation(campus->controller, campus_newest(campus)->id, &view));
    assert_int_equal(view.next_us, 0);
    campus_pass(campus, 30 * MINUTE);
    assert_int_equal(campus->notice_count, 2);
}

static void
test_an_answer_ends_it(void **state)
{
    struct campus *campus = *state;
    struct wish_answer answer = {.calls = 0};
    struct escalation_view view;
    set(campus, "", "", ON_CALL ",\"steps\":[{\"after_min\":5}]}");
    assert_true(campus_detect(campus, "d1", "10.2.0.4", STRENGTH_STRONG));
    campus_pass(campus, MINUTE);
    char id[ID_SIZE];
    snprintf(id, sizeof(id), "%s", campus_newest(campus)->id);
    assert_true(controller_escalation(campus->controller, id, &view));
    controller_judge(campus->controller, id, VERDICT_CHECK, "account:ann", "seen", campus_answer,
                     &answer);
    campus_pass(campus, 10 * MINUTE);
    assert_int_equal(campus->notice_count, 0);
    assert_false(controller_escalation(campus->controller, id, &view));
}

/* By its statistics, which come all the time: once, and when it is right again. */
static void
test_a_clock_that_is_wrong_is_told(void **state)
{
    struct campus *campus = *state;
    struct wire_edge_stats stats = {.switch_name = "e1"};
    set(campus, "clock", "", NOBODY);
    for (int i = 0; i < 5; i++) {
        stats.at_us = campus->clock.wall_now_us - 60 * MINUTE;
        controller_edge_stats(campus->controller, &stats);
        campus_pass(campus, 2 * SECOND);
        if (i == 0) {
            assert_int_equal(campus->notice_count, 1);
            assert_string_equal(campus->notice.message.notices[0].object, "e1");
            assert_string_equal(campus->notice.message.notices[0].detail,
                                "its clock is 3600 s behind ours");
            delivered(campus, true);
        }
    }
    assert_int_equal(campus->notice_count, 1);
    stats.at_us = campus->clock.wall_now_us;
    controller_edge_stats(campus->controller, &stats);
    campus_pass(campus, 2 * SECOND);
    assert_int_equal(campus->notice_count, 2);
    assert_string_equal(campus->notice.message.notices[0].detail,
                        "its clock agrees with ours again");
    delivered(campus, true);
    campus->clock.wall_now_us -= 60 * MINUTE;
    campus_pass(campus, 2 * SECOND); /* ours; what waits is not held up by it */
    assert_int_equal(campus->notice_count, 3);
    assert_string_equal(campus->notice.message.notices[0].object, "");
}

static void
test_everybody_is_told_where_nobody_has_a_shift(void **state)
{
    struct campus *campus = *state;
    campus->clock.wall_now_us += 8 * 60 * MINUTE; /* 06:13 on Wednesday */
    campus_pass(campus, SECOND);                  /* it is seen that the clock was set */
    set(campus, "", "", ON_CALL "}");
    assert_string_equal(state_of(campus).on_call, "");
    assert_true(campus_detect(campus, "d1", "10.2.0.4", STRENGTH_STRONG));
    campus_pass(campus, SECOND);
    assert_contact(campus, 1, "Hana", "hana@d.example");
    delivered(campus, true);
    assert_contact(campus, 2, "Ken", "ken@d.example");
}

static void
test_two_at_once_are_one_message_for_the_one_on_call(void **state)
{
    struct campus *campus = *state;
    set(campus, "", "", ON_CALL ",\"steps\":[{\"after_min\":1,\"contact\":\"Ken\"}]}");
    assert_true(campus_detect(campus, "d1", "10.2.0.4", STRENGTH_STRONG));
    assert_true(campus_detect(campus, "d2", "10.2.0.5", STRENGTH_STRONG));
    campus_pass(campus, MINUTE + SECOND);
    assert_contact(campus, 1, "Ken", "ken@d.example");
    assert_int_equal(campus->notice.message.notice_count, 2);
}

/* ---- switches ---- */

static void
test_a_switch_that_is_away_is_told_once_it_stays_away(void **state)
{
    struct campus *campus = *state;
    set(campus, "switch_lost switch_back", "", NOBODY);
    dummy_set_connected(campus->switches[1].device, false);
    campus_pass(campus, 5 * SECOND);
    dummy_set_connected(campus->switches[1].device, true); /* a moment only */
    campus_pass(campus, MINUTE);
    assert_int_equal(campus->notice_count, 0);
    dummy_set_connected(campus->switches[1].device, false);
    campus_pass(campus, MINUTE);
    assert_int_equal(campus->notice_count, 1);
    assert_int_equal(campus->notice.message.notices[0].kind, NOTICE_SWITCH_LOST);
    assert_string_equal(campus->notice.message.notices[0].object, "e2");
    delivered(campus, true);
    dummy_set_connected(campus->switches[1].device, true);
    campus_pass(campus, MINUTE);
    assert_int_equal(campus->notice_count, 2);
    assert_int_equal(campus->notice.message.notices[0].kind, NOTICE_SWITCH_BACK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, campus_teardown)
#define WAITING(name) cmocka_unit_test_setup_teardown(name, setup_waiting, campus_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_what_a_rule_asks_for_is_told),
        TEST(test_each_row_of_the_audit_is_told_once),
        TEST(test_the_least_severity_counts),
        TEST(test_a_story_from_contained_to_released),
        TEST(test_what_waits_is_told_again_when_it_becomes_graver),
        WAITING(test_what_was_over_the_budget_and_checked_is_told_when_it_is_asked_again),
        WAITING(test_that_a_stricter_decision_is_held_is_told_while_one_with_permits_is_in_force),
        WAITING(test_a_shared_destination_is_told),
        TEST(test_a_digest_collects),
        TEST(test_a_rate_holds_back_and_counts),
        TEST(test_back_off_with_the_same_id_and_content),
        TEST(test_too_old_is_given_up_and_counted),
        TEST(test_a_channel_that_is_taken_out_keeps_nothing),
        TEST(test_what_was_committed_is_told_after_a_crash),
        TEST(test_the_notify_role_may_die),
        TEST(test_the_owner_is_told_at_the_registered_address_only),
        TEST(test_the_help_desk_may_leave_out_either),
        TEST(test_who_is_on_call_is_told_then_the_next),
        TEST(test_an_answer_ends_it),
        TEST(test_a_clock_that_is_wrong_is_told),
        TEST(test_everybody_is_told_where_nobody_has_a_shift),
        TEST(test_two_at_once_are_one_message_for_the_one_on_call),
        TEST(test_a_switch_that_is_away_is_told_once_it_stays_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
