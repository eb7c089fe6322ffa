#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct campus *
scene_new(const char *policy)
{
    struct campus *campus = campus_new();
    if (policy) {
        campus->policy_text = policy;
        campus_restart(campus);
    }
    campus_client(campus, "e1", "p2", 2, "10.1.0.2", "c2");
    return campus;
}

void
scene_set_policy(struct campus *campus, const char *text)
{
    struct policy_error why;
    struct policy *next = NULL;
    assert_int_equal(policy_parse(text, strlen(text), &next, &why), 0);
    controller_set_policy(campus->controller, next);
    policy_unref(next);
    campus_settle(campus);
    campus_pass(campus, SECOND);
}

void
scene_change_policy(struct campus *campus, const char *text, const char *from, const char *to)
{
    char changed[4096];
    const char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    scene_set_policy(campus, changed);
}

void
scene_detection(const struct campus *campus, const struct seen *seen, struct detection *detection)
{
    static unsigned number;
    int64_t at_us = campus->clock.wall_now_us;
    bool is_inside = seen->phase == PHASE_LATERAL_MOVEMENT;
    *detection = (struct detection){.seen_us = at_us,
                                    .first_us = at_us,
                                    .reported_us = at_us,
                                    .phase = seen->phase,
                                    .severity = seen->severity,
                                    .confidence = 90,
                                    .protocol = 6,
                                    .handshake = true,
                                    .strength = seen->strength,
                                    .suspect = PARTY_SRC};
    snprintf(detection->id, sizeof(detection->id), "d-%u", ++number);
    snprintf(detection->sensor, sizeof(detection->sensor), "ids");
    snprintf(detection->maker, sizeof(detection->maker), "suricata");
    snprintf(detection->signature, sizeof(detection->signature), "%s", phase_names[seen->phase]);
    detection->src.ip = campus_ip(seen->ip);
    detection->dst.ip = campus_ip(is_inside ? "10.1.0.77" : "198.51.100.9");
    uint8_t *last = &detection->dst.ip.b[15];
    *last = (uint8_t)(*last + detection->src.ip.b[15]);
    detection->dst.port = 443;
}

void
scene_detect(struct campus *campus, const struct seen *seen)
{
    struct detection detection;
    scene_detection(campus, seen, &detection);
    controller_detection(campus->controller, &detection, NULL, NULL);
    campus_settle(campus);
}

struct wish_answer
scene_wish(struct campus *campus, const struct wish *wish)
{
    struct wish_answer answer = {.calls = 0};
    struct wish full = *wish;
    if (full.account[0] == '\0') {
        snprintf(full.account, sizeof(full.account), "operator:ann");
    }
    snprintf(full.reason, sizeof(full.reason), "asked");
    controller_wish(campus->controller, &full, campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.calls, 1);
    return answer;
}

void
scene_isolate(struct campus *campus, uint8_t mac, uint32_t expires_s)
{
    const struct wish wish = {
        .action = ACTION_ISOLATE, .mac = campus_mac(mac), .expires_s = expires_s};
    assert_int_equal(scene_wish(campus, &wish).result, WISH_DONE);
}

void
scene_judge(struct campus *campus, const char *id, enum verdict verdict, enum wish_result result)
{
    struct wish_answer answer = {.calls = 0};
    controller_judge(campus->controller, id, verdict, "operator:ann", "word", campus_answer,
                     &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, result);
}

const struct containment *
scene_only(const struct campus *campus)
{
    assert_int_equal(controller_containment_count(campus->controller), 1);
    return controller_containment_at(campus->controller, 0);
}

bool
scene_drops(struct campus *campus, uint8_t mac)
{
    struct mac whom = campus_mac(mac);
    return dummy_drops(campus->switches[0].device, "any", &whom, NULL);
}
