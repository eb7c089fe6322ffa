/* Does a policy speak of this detection? */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy/engine_state.h"

#define WATCH_CONFIDENCE 20 /* in the watch period after a release so much less is enough */

/* Any of the globs; an empty list asks for nothing. */
static bool
any_glob(const char *globs, size_t size, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (glob_matches(globs + i * size, text)) {
            return true;
        }
    }
    return count == 0;
}

#define ANY_GLOB(list, count, text) any_glob((list)[0], sizeof((list)[0]), count, text)

static bool
any_technique(const struct file_when *when, const struct detection *d)
{
    for (size_t i = 0; i < DETECTION_TECHNIQUES_MAX && d->techniques[i][0] != '\0'; i++) {
        if (ANY_GLOB(when->techniques, when->technique_count, d->techniques[i])) {
            return true;
        }
    }
    return when->technique_count == 0;
}

static bool
any_signature(const struct file_when *when, const struct detection *d)
{
    char number[32];
    if (when->signature_count == 0) {
        return true;
    }
    snprintf(number, sizeof(number), "%llu", (unsigned long long)d->signature_id);
    return ANY_GLOB(when->signatures, when->signature_count, d->signature) ||
           ANY_GLOB(when->signatures, when->signature_count, number);
}

static bool
any_network(const struct file_when *when, const struct finding *f)
{
    for (size_t i = 0; i < when->network_count; i++) {
        if (f->network && strcmp(f->network->name, when->networks[i]) == 0) {
            return true;
        }
    }
    return when->network_count == 0;
}

static bool
group_has_mac(const struct file_group *group, const struct mac *mac)
{
    char text[MAC_TEXT_SIZE];
    mac_format(mac, text);
    for (size_t i = 0; i < group->mac_count; i++) {
        if (strncasecmp(group->macs[i], text, strlen(group->macs[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool
group_has_said(const struct file_group *group, const struct annotation *said)
{
    enum endpoint_class class = said ? said->class : CLASS_UNKNOWN;
    for (size_t i = 0; i < group->class_count; i++) {
        if (strcmp(group->classes[i], endpoint_class_names[class]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; said && i < said->tag_count; i++) {
        for (size_t k = 0; k < group->tag_count; k++) {
            if (strcasecmp(said->tags[i], group->tags[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool
group_has(const struct file_group *group, const struct machine *machine)
{
    const struct endpoint *endpoint = machine->endpoint;
    if (!ip_is_none(&machine->ip) && prefixes_have(&group->meaning, &machine->ip)) {
        return true;
    }
    if (!mac_is_none(&machine->mac) && group_has_mac(group, &machine->mac)) {
        return true;
    }
    for (size_t i = 0; endpoint && i < endpoint->mac_count; i++) {
        if (group_has_mac(group, &endpoint->macs[i])) {
            return true;
        }
    }
    if (group_has_said(group, endpoint && !machine->is_guest ? endpoint->annotation : NULL)) {
        return true;
    }
    return endpoint && group->host_name_count > 0 && endpoint_name(endpoint)[0] != '\0' &&
           ANY_GLOB(group->host_names, group->host_name_count, endpoint_name(endpoint));
}

struct machine
machine_of_finding(const struct engine *engine, const struct finding *f)
{
    const struct policy_world *world = &engine->world;
    bool is_guest = f->endpoint && f->endpoint->annotation && !mac_is_none(&f->mac) &&
                    world->is_said_of && !world->is_said_of(world->context, &f->mac);
    return (struct machine){f->endpoint, f->ip, f->mac, f->network, is_guest};
}

static bool
any_group(const struct engine *engine, const struct file_when *when, const struct finding *f)
{
    const struct policy_file *file = &engine->policy->file;
    const struct machine machine = machine_of_finding(engine, f);
    for (size_t i = 0; i < when->group_count; i++) {
        for (size_t k = 0; k < file->group_count; k++) {
            if (strcmp(file->groups[k].name, when->groups[i]) == 0 &&
                group_has(&file->groups[k], &machine)) {
                return true;
            }
        }
    }
    return when->group_count == 0;
}

static bool
is_grave_enough(const struct file_when *when, const struct finding *f)
{
    unsigned severity = when->severity;
    unsigned confidence = when->confidence;
    if (f->is_watched) {
        severity = severity > 0 ? severity - 1 : 0;
        confidence = confidence > WATCH_CONFIDENCE ? confidence - WATCH_CONFIDENCE : 0;
    }
    return f->detection->severity >= severity && f->confidence >= confidence &&
           f->strength >= when->strength;
}

/* The n-th time within so long; every one counts, also where the guard then holds it, and once: one
 * that is judged again was counted if it was as strong as that policy wants then. */
static bool
is_often_enough(struct engine *engine, const struct file_policy *policy, const struct finding *f)
{
    const struct file_when *when = &policy->when;
    if (when->count < 2) {
        return true;
    }
    char subject[TABLE_KEY_SIZE];
    char key[TABLE_KEY_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    finding_subject(f, subject);
    snprintf(key, sizeof(key), "%s|%.100s", policy->name, subject);
    struct count_item *item = table_need(&engine->counts, key, now_us);
    if (!f->is_counted || f->detection->strength < when->strength) {
        item->at_us[item->next++ % WHEN_COUNT_MAX] = now_us;
    }
    if (f->is_watched) {
        return true;
    }
    if (item->next < when->count) {
        return false;
    }
    int64_t oldest_us = item->at_us[(item->next - when->count) % WHEN_COUNT_MAX];
    return now_us - oldest_us <= (int64_t)when->within_s * SECOND_US;
}

bool
policy_matches(struct engine *engine, const struct file_policy *policy, const struct finding *f)
{
    const struct file_when *when = &policy->when;
    const struct detection *d = f->detection;
    bool has_phase = when->phase_count == 0 || (when->phase_mask & (UINT32_C(1) << d->phase)) != 0;
    return has_phase && is_grave_enough(when, f) && any_technique(when, d) &&
           any_signature(when, d) && ANY_GLOB(when->sensors, when->sensor_count, d->sensor) &&
           ANY_GLOB(when->makers, when->maker_count, d->maker) &&
           ANY_GLOB(when->lists, when->list_count, d->list) && any_network(when, f) &&
           any_group(engine, when, f) && is_often_enough(engine, policy, f);
}
