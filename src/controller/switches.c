#include "controller/switches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "controller/desired.h"
#include "controller/entry.h"
#include "wire/desired_set.h"
#include "wire/message.h"

#define EXPIRY_GRACE_S 10 /* the controller ends it first and cleanly; the switch only without us */

struct switch_state *
switch_by_name(const struct controller *controller, const char *name)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (strcmp(sw->device.switch_name, name) == 0) {
            return sw;
        }
    }
    return NULL;
}

void
switch_publish(struct controller *controller, struct switch_state *sw)
{
    struct switch_view view;
    size_t index = 0;
    struct switch_state *other;
    TAILQ_FOREACH(other, &controller->switches, link)
    {
        if (other == sw) {
            break;
        }
        index++;
    }
    if (controller->ports.publish && controller_switch_at(controller, index, &view)) {
        controller->ports.publish(controller->ports.context, "switch", &view);
    }
}

/* ---- slots: what one switch must hold ---- */

static struct slot *
slot_find(const struct switch_state *sw, const char *id)
{
    HMAP_FOR_EACH_HASH (slot, struct slot, node, hash_text(id), &sw->slots) {
        if (strcmp(slot->id, id) == 0) {
            return slot;
        }
    }
    return NULL;
}

static void
slot_drop(struct switch_state *sw, struct slot *slot)
{
    hmap_remove(&sw->slots, &slot->node);
    free(slot->why);
    free(slot);
}

static void
slots_clear(struct switch_state *sw)
{
    struct hmap_node *node = hmap_first(&sw->slots);
    while (node) {
        struct hmap_node *next = hmap_next(&sw->slots, node);
        slot_drop(sw, CONTAINER_OF(node, struct slot, node));
        node = next;
    }
}

static void
slot_put(struct switch_state *sw, struct entry *entry, const char *id, uint64_t generation)
{
    struct slot *slot = slot_find(sw, id);
    if (!slot) {
        slot = MEM_NEW(struct slot);
        snprintf(slot->id, sizeof(slot->id), "%s", id);
        hmap_insert(&sw->slots, &slot->node, hash_text(id));
    }
    slot->entry = entry;
    slot->generation = generation;
}

static void
slot_say(struct slot *slot, enum rule_state state, const char *why)
{
    slot->state = state;
    if (strcmp(slot->why ? slot->why : "", why) != 0) {
        free(slot->why);
        slot->why = why[0] != '\0' ? mem_strdup(why) : NULL;
    }
}

/* Asked for, answered, and not in force. */
static bool
slot_is_missing(const struct switch_state *sw, const struct slot *slot)
{
    return (slot->state == RULE_ABSENT || slot->state == RULE_FAILED) &&
           slot->generation <= sw->observed_generation;
}

static bool
wants_it(const struct switch_state *sw, const struct want *want)
{
    bool is_meant = want->switch_name[0] == '\0' ||
                    strcmp(want->switch_name, sw->device.switch_name) == 0;
    return is_meant && !desired_misfit(&sw->device, want);
}

void
switches_free(struct controller *controller)
{
    struct switch_state *sw;
    while ((sw = TAILQ_FIRST(&controller->switches)) != NULL) {
        TAILQ_REMOVE(&controller->switches, sw, link);
        slots_clear(sw);
        hmap_fini(&sw->slots);
        wire_fini(WIRE_DESIRED, &sw->delta);
        wire_fini(WIRE_EDGE_STATS, &sw->stats);
        free(sw);
    }
}

/* ---- pushing ---- */

static void
delta_begin(struct switch_state *sw)
{
    if (sw->has_delta) {
        return;
    }
    sw->has_delta = true;
    sw->delta = (struct wire_desired){.base = sw->generation, .generation = sw->generation + 1};
}

static void
rule_send(struct controller *controller, const struct want *want, struct rule *to)
{
    rule_copy(to, &want->rule);
    to->expires_s = 0;
    if (want->expires_us > 0) {
        int64_t left_s = (want->expires_us - clock_wall_us(controller->clock)) / 1000000;
        left_s = (left_s > 0 ? left_s : 0) + EXPIRY_GRACE_S;
        to->expires_s = left_s < UINT32_MAX ? (uint32_t)left_s : UINT32_MAX;
    }
}

/* Lists that grow one by one: room doubles at powers of two. */
static void *
grow(void *items, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0;
    return is_full ? mem_resize(items, count ? count * 2 : 4, size) : items;
}

static void
desired_add(struct controller *controller, struct switch_state *sw, struct wire_desired *desired,
            struct entry *entry, const struct want *want)
{
    desired->add = grow(desired->add, desired->add_count, sizeof(*desired->add));
    rule_send(controller, want, &desired->add[desired->add_count++]);
    slot_put(sw, entry, want->rule.id, desired->generation);
}

static void
delta_remove(struct switch_state *sw, const char *id)
{
    struct slot *slot = slot_find(sw, id);
    if (!slot) {
        return;
    }
    slot_drop(sw, slot);
    delta_begin(sw);
    sw->delta.remove =
        grow(sw->delta.remove, sw->delta.remove_count, sizeof(*sw->delta.remove));
    snprintf(sw->delta.remove[sw->delta.remove_count++].id, RULE_ID_SIZE, "%s", id);
}

static bool
list_has(const struct want_list *wants, const char *id)
{
    for (size_t i = 0; i < wants->count; i++) {
        if (strcmp(wants->items[i].rule.id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void
switch_change(struct controller *controller, struct switch_state *sw, struct entry *entry,
              const struct want_list *before, const struct want_list *now)
{
    if (!sw->has_snapshot) {
        return; /* its first snapshot will have it all */
    }
    for (size_t i = 0; i < now->count; i++) {
        if (wants_it(sw, &now->items[i]) && !slot_find(sw, now->items[i].rule.id)) {
            delta_begin(sw);
            desired_add(controller, sw, &sw->delta, entry, &now->items[i]);
        }
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!list_has(now, before->items[i].rule.id)) {
            delta_remove(sw, before->items[i].rule.id);
        }
    }
}

void
switches_change(struct controller *controller, struct entry *entry, struct want_list *before,
                struct want_list *now)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        switch_change(controller, sw, entry, before, now);
    }
    wants_free(before);
}

static bool
can_send(const struct controller *controller, const struct switch_state *sw)
{
    return controller->is_started && !controller->is_fenced && sw->device.is_connected;
}

static bool
desired_out(struct controller *controller, struct switch_state *sw, struct wire_desired *desired)
{
    snprintf(desired->switch_name, sizeof(desired->switch_name), "%s", sw->device.switch_name);
    desired->epoch = controller->epoch;
    desired->is_last = true;
    desired->is_suspended = controller->suspension.is_suspended;
    sw->generation = desired->generation;
    sw->has_driven = true;
    bool sent = controller->ports.send_desired(controller->ports.context, desired);
    log_debug("controller", "pushed", LOG_S("switch", sw->device.switch_name),
              LOG_I("generation", desired->generation), LOG_I("base", desired->base),
              LOG_I("add", desired->add_count), LOG_I("remove", desired->remove_count));
    return sent;
}

/* Everything that the switch must hold. */
static void
push_snapshot(struct controller *controller, struct switch_state *sw)
{
    struct wire_desired desired = {.base = 0};
    if (sw->generation < sw->device.generation) {
        sw->generation = sw->device.generation;
    }
    desired.generation = sw->generation + 1;
    wire_fini(WIRE_DESIRED, &sw->delta);
    sw->has_delta = false;
    slots_clear(sw);
    for (size_t i = 0; i < controller->common.count; i++) {
        if (wants_it(sw, &controller->common.items[i])) {
            desired_add(controller, sw, &desired, NULL, &controller->common.items[i]);
        }
    }
    struct entry *entry;
    int64_t now_us = clock_wall_us(controller->clock);
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        for (size_t i = 0; i < entry->wants.count; i++) {
            if (wants_it(sw, &entry->wants.items[i])) {
                desired_add(controller, sw, &desired, entry, &entry->wants.items[i]);
                entry->pushed_us = entry->pushed_us ? entry->pushed_us : now_us;
            }
        }
    }
    sw->has_snapshot = desired_out(controller, sw, &desired);
    sw->snapshot_generation = desired.generation;
    sw->is_settled = false;
    sw->is_reading = false;
    sw->needs_snapshot = sw->needs_repair = false;
    wire_fini(WIRE_DESIRED, &desired);
}

/* The first push of a containment is a step of its story. */
static void
mark_pushed(struct controller *controller, struct switch_state *sw, uint64_t generation)
{
    int64_t now_us = clock_wall_us(controller->clock);
    for (size_t i = 0; i < sw->delta.add_count; i++) {
        struct slot *slot = slot_find(sw, sw->delta.add[i].id);
        struct entry *entry = slot && slot->generation == generation ? slot->entry : NULL;
        if (entry && !entry->pushed_us) {
            entry->pushed_us = now_us;
            entry_mark(entry, "pushed", now_us, "");
        }
    }
}

static void
switch_flush(struct controller *controller, struct switch_state *sw)
{
    if (!can_send(controller, sw)) {
        return;
    }
    if (!sw->has_snapshot) {
        push_snapshot(controller, sw);
        return;
    }
    if (!sw->has_delta) {
        return;
    }
    if (desired_part_count(&sw->delta) > 1) {
        push_snapshot(controller, sw); /* only a snapshot may come in parts */
        return;
    }
    mark_pushed(controller, sw, sw->delta.generation);
    sw->has_snapshot = desired_out(controller, sw, &sw->delta);
    wire_fini(WIRE_DESIRED, &sw->delta);
    sw->has_delta = false;
}

void
switches_flush(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        switch_flush(controller, sw);
    }
    switches_judge(controller);
}

void
switches_push_all(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        sw->has_snapshot = false;
    }
    switches_flush(controller);
}

void
switches_suspend(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (sw->has_snapshot) {
            delta_begin(sw);
        }
    }
    switches_flush(controller);
}

static void
prefix_put(struct prefix *prefixes, size_t *count, const struct ip *ip)
{
    if (!ip_is_none(ip)) {
        prefixes[(*count)++] = (struct prefix){.ip = *ip, .length = 128};
    }
}

void
switches_refresh_common(struct controller *controller)
{
    const struct endpoint **endpoints =
        mem_new(controller->proposal_count + 1, sizeof(*endpoints));
    struct prefix *prefixes = mem_new(controller->switch_count + 1, sizeof(*prefixes));
    struct common_input input = {.settings = &controller->settings,
                                 .own_addresses = controller->own_addresses,
                                 .policy = engine_policy(controller->engine),
                                 .protected_endpoints = endpoints,
                                 .protected_prefixes = prefixes};
    struct proposal *proposal;
    TAILQ_FOREACH(proposal, &controller->proposals, link)
    {
        const struct endpoint *endpoint =
            topology_by_id(controller->topology, proposal->view.endpoint_id);
        if (proposal->view.state == PROTECTION_CONFIRMED && endpoint) {
            endpoints[input.protected_count++] = endpoint;
        }
    }
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        prefix_put(prefixes, &input.prefix_count, &sw->device.mirror_source);
    }
    struct want_list before = controller->common;
    controller->common = (struct want_list){.items = NULL};
    desired_common(&input, &controller->common);
    switches_change(controller, NULL, &before, &controller->common);
    free(endpoints);
    free(prefixes);
}

/* ---- judging containments by what switches say ---- */

void
switches_look(struct controller *controller, struct entry *entry)
{
    if (entry->is_in_looks) {
        return;
    }
    if (controller->look_count == controller->look_room) {
        controller->look_room = controller->look_room ? controller->look_room * 2 : 64;
        controller->looks =
            mem_resize(controller->looks, controller->look_room, sizeof(*controller->looks));
    }
    entry->is_in_looks = true;
    controller->looks[controller->look_count++] = entry;
}

static void
look_at_all(struct controller *controller)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (entry->wants.count > 0) {
            switches_look(controller, entry);
        }
    }
}

struct judgement {
    bool has_failed;
    bool is_open_at_home; /* the endpoint's own switch is away, and was never told this */
    size_t holders;   /* switches that are connected and were asked to hold it */
    size_t absent, applied, verified; /* rules */
    uint64_t hits;
    char why[TEXT_SIZE];     /* what failed or differs */
    char missing[TEXT_SIZE]; /* switches that say nothing now */
};

static void
note(char *text, const char *switch_name, const char *what)
{
    size_t used = strlen(text);
    if (used + strlen(switch_name) + strlen(what) + 4 < TEXT_SIZE) {
        snprintf(text + used, TEXT_SIZE - used, "%s%s %s", used ? "; " : "", switch_name, what);
    }
}

static void
judge_rule(const struct switch_state *sw, const struct want *want, struct judgement *j)
{
    const char *misfit = desired_misfit(&sw->device, want);
    if (misfit) {
        note(j->missing, sw->device.switch_name, misfit);
        return;
    }
    const struct slot *slot = slot_find(sw, want->rule.id);
    if (!slot) {
        j->absent++;
        return;
    }
    j->hits += slot->hits;
    switch (slot->state) {
    case RULE_FAILED:
        j->has_failed = true;
        note(j->why, sw->device.switch_name, slot->why ? slot->why : "failed");
        break;
    case RULE_VERIFIED:
        j->verified++;
        break;
    case RULE_APPLIED:
        j->applied++;
        if (slot->why) {
            note(j->why, sw->device.switch_name, slot->why);
        }
        break;
    default:
        j->absent++;
        if (slot->why) {
            note(j->why, sw->device.switch_name, slot->why);
        }
        break;
    }
}

/* Away, it goes on holding what it held; what came since it does not have. */
static bool
holds_all(const struct switch_state *sw, const struct entry *entry)
{
    for (size_t i = 0; i < entry->wants.count; i++) {
        const struct want *want = &entry->wants.items[i];
        const struct slot *slot = slot_find(sw, want->rule.id);
        if (wants_it(sw, want) && (!slot || slot->state != RULE_VERIFIED)) {
            return false;
        }
    }
    return true;
}

static bool
is_home(const struct controller *controller, const struct switch_state *sw,
        const struct entry *entry)
{
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    return endpoint && endpoint->location.class != LOCATION_NONE &&
           strcmp(endpoint->location.switch_name, sw->device.switch_name) == 0;
}

static void
judge_switch(const struct controller *controller, const struct switch_state *sw,
             const struct entry *entry, struct judgement *j)
{
    bool is_meant = false;
    for (size_t i = 0; i < entry->wants.count; i++) {
        const char *name = entry->wants.items[i].switch_name;
        is_meant = is_meant || name[0] == '\0' || strcmp(name, sw->device.switch_name) == 0;
    }
    if (!is_meant) {
        return;
    }
    if (!sw->device.is_connected || !sw->is_settled) {
        char text[TIME_TEXT_SIZE];
        char what[TEXT_SIZE];
        time_format(sw->gone_us, text);
        if (sw->device.is_connected) {
            snprintf(what, sizeof(what), "is still being told");
        } else if (sw->gone_us > 0) {
            snprintf(what, sizeof(what), "not connected since %s", text);
        } else {
            snprintf(what, sizeof(what), "has not connected yet");
        }
        note(j->missing, sw->device.switch_name, what);
        j->is_open_at_home |= is_home(controller, sw, entry) && !holds_all(sw, entry);
        return;
    }
    j->holders++;
    for (size_t i = 0; i < entry->wants.count; i++) {
        const char *name = entry->wants.items[i].switch_name;
        if (name[0] == '\0' || strcmp(name, sw->device.switch_name) == 0) {
            judge_rule(sw, &entry->wants.items[i], j);
        }
    }
}

static void
reach_applied(struct controller *controller, struct entry *entry)
{
    int64_t now_us = clock_wall_us(controller->clock);
    if (entry->c.applied_us == 0) {
        int64_t at_us = entry->written_us > 0 ? entry->written_us : now_us;
        entry->c.applied_us = at_us;
        entry_mark(entry, "applied", at_us, "");
    }
}

static void
reach_verified(struct controller *controller, struct entry *entry)
{
    reach_applied(controller, entry);
    int64_t now_us = clock_wall_us(controller->clock);
    if (entry->c.verified_us == 0) {
        entry->c.verified_us = now_us;
        entry_mark(entry, "verified", now_us, "");
    } else if (entry->was_verified) {
        entry_mark(entry, "verified_again", now_us, "");
    }
    entry->was_verified = true;
}

/* The alarm: a containment that was in force and is not (or not surely) any more. */
static void
lose(struct controller *controller, struct entry *entry, enum life_event event, const char *why)
{
    if (!entry_step(controller, entry, event, why)) {
        return;
    }
    log_error("controller", "ALARM: containment is not in force everywhere",
              LOG_S("containment", entry->c.id), LOG_S("why", why));
    entry_mark(entry, event == LIFE_FAILED ? "failed" : "unverified",
               clock_wall_us(controller->clock), why);
}

static void
entry_judge(struct controller *controller, struct entry *entry)
{
    struct judgement j = {.has_failed = false};
    struct switch_state *sw;
    if (!lifecycle_is_in_force(entry->c.state) || !entry->is_committed ||
        controller->suspension.is_suspended) {
        return;
    }
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        judge_switch(controller, sw, entry, &j);
    }
    entry->c.hits = j.hits;
    if (j.has_failed) {
        lose(controller, entry, LIFE_FAILED, j.why);
    } else if (j.holders == 0 || j.absent > 0 || j.applied + j.verified == 0) {
        bool was_told = j.why[0] != '\0';
        if (was_told) {
            lose(controller, entry, LIFE_DIFFERS, j.why);
        }
    } else if (j.applied > 0) {
        if (entry->c.state == CONTAINMENT_VERIFIED) {
            lose(controller, entry, LIFE_UNPROVEN, j.why);
        } else if (entry_step(controller, entry, LIFE_APPLIED, "")) {
            reach_applied(controller, entry);
        }
    } else if (j.is_open_at_home && entry->c.state != CONTAINMENT_VERIFIED) {
        if (entry_step(controller, entry, LIFE_APPLIED, j.missing)) {
            reach_applied(controller, entry);
        }
    } else {
        if (entry->c.state == CONTAINMENT_WAITING) {
            reach_verified(controller, entry); /* on every switch, wherever it turns up */
            entry->was_verified = false;
        } else if (entry_step(controller, entry, LIFE_VERIFIED, "")) {
            reach_verified(controller, entry);
        }
    }
    if (j.why[0] != '\0') {
        entry_problem(controller, entry, j.why);
    } else if (j.holders == 0 && j.missing[0] == '\0') {
        entry_problem(controller, entry, entry->wants.count == 0
                                             ? "no switch can hold it: nothing to match, or no "
                                               "mirror session is declared"
                                             : "no switch is known");
    } else {
        entry_problem(controller, entry, j.missing);
    }
}

void
switches_judge(struct controller *controller)
{
    for (size_t i = 0; i < controller->look_count; i++) {
        struct entry *entry = controller->looks[i];
        entry->is_in_looks = false;
        entry_judge(controller, entry);
    }
    controller->look_count = 0;
}

/* FAILED is the worst, then ABSENT, APPLIED, VERIFIED. */
static int
badness(enum rule_state state)
{
    static const int ranks[RULE_STATE_COUNT] = {
        [RULE_FAILED] = 3, [RULE_ABSENT] = 2, [RULE_APPLIED] = 1, [RULE_VERIFIED] = 0};
    return ranks[state];
}

uint64_t
switches_hits(const struct controller *controller, const struct want *want)
{
    uint64_t hits = 0;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        const struct slot *slot = slot_find(sw, want->rule.id);
        hits += slot ? slot->hits : 0;
    }
    return hits;
}

static bool
switch_report(const struct switch_state *sw, const struct entry *entry,
              struct switch_report *report)
{
    bool is_meant = false;
    *report = (struct switch_report){.state = RULE_VERIFIED};
    snprintf(report->switch_name, sizeof(report->switch_name), "%s", sw->device.switch_name);
    for (size_t i = 0; i < entry->wants.count; i++) {
        const struct want *want = &entry->wants.items[i];
        if (want->switch_name[0] != '\0' &&
            strcmp(want->switch_name, sw->device.switch_name) != 0) {
            continue;
        }
        is_meant = true;
        const struct slot *slot = slot_find(sw, want->rule.id);
        const char *misfit = desired_misfit(&sw->device, want);
        enum rule_state state = slot ? slot->state : RULE_ABSENT;
        const char *why = misfit ? misfit : slot && slot->why ? slot->why : "";
        report->hits += slot ? slot->hits : 0;
        if (badness(state) > badness(report->state) || i == 0) {
            report->state = state;
            snprintf(report->why, sizeof(report->why), "%s", why);
        }
    }
    if (!sw->device.is_connected && report->why[0] == '\0') {
        snprintf(report->why, sizeof(report->why), "not connected");
    }
    return is_meant;
}

size_t
switches_report(const struct controller *controller, const struct entry *entry,
                struct switch_report *reports, size_t room)
{
    size_t count = 0;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (count < room && switch_report(sw, entry, &reports[count])) {
            count++;
        }
    }
    return count;
}

/* ---- what switches say ---- */

static void
problem_set(struct controller *controller, struct switch_state *sw, const char *problem)
{
    if (strcmp(sw->problem, problem) == 0) {
        return;
    }
    text_put(sw->problem, sizeof(sw->problem), problem);
    if (problem[0] != '\0') {
        log_warn("controller", "switch has a problem", LOG_S("switch", sw->device.switch_name),
                 LOG_S("problem", sw->problem));
    }
    switch_publish(controller, sw);
}

static void
back_off(struct controller *controller, struct switch_state *sw)
{
    const int64_t least_us = 250000;
    const int64_t most_us = 60000000;
    sw->retry_us = clock_boot_us(controller->clock) + sw->pause_us;
    sw->pause_us = sw->pause_us * 2 > least_us ? sw->pause_us * 2 : least_us;
    sw->pause_us = sw->pause_us < most_us ? sw->pause_us : most_us;
}

/* Missing rules again, or everything where the switch holds what we did not ask for. */
static void
switch_repair(struct controller *controller, struct switch_state *sw)
{
    bool is_time = clock_boot_us(controller->clock) >= sw->retry_us;
    if (!is_time || !can_send(controller, sw) || !(sw->needs_repair || sw->needs_snapshot)) {
        return;
    }
    back_off(controller, sw);
    if (sw->needs_snapshot || !sw->has_snapshot) {
        push_snapshot(controller, sw);
        return;
    }
    sw->needs_repair = false;
    delta_begin(sw);
    struct entry *entry;
    for (size_t i = 0; i < controller->common.count; i++) {
        struct slot *slot = slot_find(sw, controller->common.items[i].rule.id);
        if (slot && slot_is_missing(sw, slot)) {
            desired_add(controller, sw, &sw->delta, NULL, &controller->common.items[i]);
        }
    }
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        for (size_t i = 0; i < entry->wants.count; i++) {
            struct slot *slot = slot_find(sw, entry->wants.items[i].rule.id);
            if (slot && slot_is_missing(sw, slot)) {
                desired_add(controller, sw, &sw->delta, entry, &entry->wants.items[i]);
            }
        }
    }
    switch_flush(controller, sw);
}

static void
reports_take(struct controller *controller, struct switch_state *sw,
             const struct wire_observed *observed)
{
    for (size_t i = 0; i < observed->rule_count; i++) {
        const struct rule_report *report = &observed->rules[i];
        struct slot *slot = slot_find(sw, report->id);
        if (!slot) {
            sw->unknown_count++;
            continue;
        }
        slot->mark = sw->mark;
        bool is_changed = slot->hits != report->hits;
        slot->hits = report->hits;
        if (slot->generation > observed->generation) {
            continue; /* a newer push of it is on its way */
        }
        if (slot->entry && observed->applied_us > slot->entry->written_us) {
            slot->entry->written_us = observed->applied_us;
        }
        is_changed = is_changed || slot->state != report->state || slot->why != NULL ||
                     report->why[0] != '\0';
        slot_say(slot, report->state,
                 report->state == RULE_VERIFIED ? "" : report->why);
        if (slot->entry && is_changed) {
            switches_look(controller, slot->entry);
        }
        sw->needs_repair = sw->needs_repair || report->state == RULE_ABSENT ||
                           report->state == RULE_FAILED;
    }
}

/* The end of a full report: what it did not name is not there. */
static void
report_end(struct controller *controller, struct switch_state *sw, uint64_t generation)
{
    HMAP_FOR_EACH (slot, struct slot, node, &sw->slots) {
        if (slot->mark == sw->mark || slot->generation > generation) {
            continue;
        }
        slot_say(slot, RULE_ABSENT, "the rule is not there any more");
        sw->needs_repair = true;
        if (slot->entry) {
            switches_look(controller, slot->entry);
        }
    }
    if (sw->unknown_count > 0 && generation == sw->generation) {
        log_warn("controller", "switch holds rules that it must not hold",
                 LOG_S("switch", sw->device.switch_name), LOG_I("count", sw->unknown_count));
        sw->needs_snapshot = true;
    }
    sw->is_reading = false;
    sw->read_back_us = clock_wall_us(controller->clock);
}

static void
missing_count(struct switch_state *sw)
{
    sw->missing_count = 0;
    HMAP_FOR_EACH (slot, struct slot, node, &sw->slots) {
        sw->missing_count += slot_is_missing(sw, slot);
    }
}

/* Somebody else drove that switch with a higher epoch.  Seen before we ever drove it: our own
 * former life, or a restored backup, and we go on above it.  Seen on a switch that we were driving:
 * another controller took over, and we stop. */
static void
epoch_meet(struct controller *controller, struct switch_state *sw, uint64_t epoch)
{
    sw->device.epoch = epoch;
    if (epoch <= controller->epoch || controller->is_fenced) {
        return;
    }
    if (controller->is_started && sw->has_driven) {
        controller->is_fenced = true;
        log_error("controller", "ALARM: another controller took over; this one stops driving",
                  LOG_S("switch", sw->device.switch_name), LOG_I("its_epoch", epoch),
                  LOG_I("our_epoch", controller->epoch));
        return;
    }
    controller->epoch = epoch;
    controller_start(controller);
}

static void
refusal_take(struct controller *controller, struct switch_state *sw,
             const struct wire_observed *observed)
{
    char text[TEXT_SIZE];
    sw->is_reading = false;
    if (observed->needs_snapshot) {
        snprintf(text, sizeof(text), "lost count of what it holds: everything is sent again");
    } else {
        snprintf(text, sizeof(text), "%.480s", observed->refused);
    }
    problem_set(controller, sw, text);
    sw->needs_snapshot = true;
    switch_repair(controller, sw);
}

static void
suspension_check(struct controller *controller, struct switch_state *sw,
                 const struct wire_observed *observed)
{
    bool is_current = observed->generation == sw->generation;
    if (is_current && observed->is_suspended != controller->suspension.is_suspended) {
        log_error("controller", "ALARM: switch disagrees about the suspension",
                  LOG_S("switch", sw->device.switch_name));
        sw->needs_repair = true;
    }
}

static void
switch_observed(struct controller *controller, struct switch_state *sw,
                const struct wire_observed *observed)
{
    bool was_settled = sw->is_settled;
    sw->observed_generation = observed->generation;
    if (!sw->mark) {
        sw->mark = 1;
        sw->unknown_count = 0;
    }
    reports_take(controller, sw, observed);
    if (observed->is_last && observed->is_full) {
        report_end(controller, sw, observed->generation);
        suspension_check(controller, sw, observed);
    }
    if (observed->is_last) {
        sw->mark++;
        sw->unknown_count = 0;
        sw->is_settled = sw->is_settled || observed->generation >= sw->snapshot_generation;
        missing_count(sw);
    }
    if (sw->is_settled && !was_settled) {
        look_at_all(controller);
    }
    if (observed->is_last && !sw->needs_repair && !sw->needs_snapshot) {
        sw->pause_us = 0;
        sw->retry_us = 0;
        problem_set(controller, sw, sw->device.problem);
    } else if (observed->is_last && sw->missing_count > 0) {
        char text[TEXT_SIZE];
        snprintf(text, sizeof(text), "%zu rules are not in force", sw->missing_count);
        problem_set(controller, sw, text);
    }
}

void
controller_observed(struct controller *controller, const struct wire_observed *observed)
{
    struct switch_state *sw = switch_by_name(controller, observed->switch_name);
    if (!sw) {
        return;
    }
    sw->seen_us = clock_wall_us(controller->clock);
    epoch_meet(controller, sw, observed->epoch);
    text_put(sw->edge_problem, sizeof(sw->edge_problem), observed->problem);
    if (observed->problem[0] != '\0') {
        log_warn("controller", "switch mended or reports", LOG_S("switch", observed->switch_name),
                 LOG_S("problem", observed->problem), LOG_I("repaired", observed->repaired));
    }
    if (!sw->has_snapshot) {
        return; /* about a time before this connection */
    }
    if (observed->needs_snapshot || observed->refused[0] != '\0') {
        refusal_take(controller, sw, observed);
    } else {
        switch_observed(controller, sw, observed);
    }
    switches_judge(controller); /* the alarm comes before the repair */
    switch_repair(controller, sw);
    switches_flush(controller);
}

static struct switch_state *
switch_new(struct controller *controller)
{
    struct switch_state *sw = MEM_NEW(struct switch_state);
    hmap_init(&sw->slots);
    TAILQ_INSERT_TAIL(&controller->switches, sw, link);
    controller->switch_count++;
    return sw;
}

void
controller_device(struct controller *controller, const struct wire_device *device)
{
    struct switch_state *sw = switch_by_name(controller, device->switch_name);
    sw = sw ? sw : switch_new(controller);
    bool was_connected = sw->device.is_connected;
    int64_t now_us = clock_wall_us(controller->clock);
    sw->device = *device;
    sw->has_snapshot = sw->is_settled = sw->is_reading = false;
    sw->pause_us = sw->retry_us = 0;
    if (device->is_connected) {
        sw->seen_us = now_us;
        topology_set_mirror_source(controller->topology, device->switch_name,
                                   &device->mirror_source);
        switches_refresh_common(controller);
        epoch_meet(controller, sw, device->epoch);
        problem_set(controller, sw, device->problem);
    } else {
        sw->gone_us = was_connected ? now_us : sw->gone_us;
        topology_switch_gone(controller->topology, device->switch_name);
        problem_set(controller, sw, device->problem[0] ? device->problem : "not connected");
    }
    look_at_all(controller);
    switch_publish(controller, sw);
    switches_flush(controller);
}

void
controller_driver_gone(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (sw->device.is_connected) {
            sw->device.is_connected = false;
            sw->has_snapshot = sw->is_settled = sw->is_reading = false;
            sw->gone_us = clock_wall_us(controller->clock);
            problem_set(controller, sw, "the driver process is away");
        }
    }
    look_at_all(controller);
    switches_judge(controller);
}

void
controller_edge_stats(struct controller *controller, const struct wire_edge_stats *stats)
{
    struct switch_state *sw = switch_by_name(controller, stats->switch_name);
    if (!sw) {
        return;
    }
    struct wire_counter *counters = NULL;
    if (stats->counter_count > 0) {
        counters = mem_new(stats->counter_count, sizeof(*counters));
        memcpy(counters, stats->counters, stats->counter_count * sizeof(*counters));
    }
    wire_fini(WIRE_EDGE_STATS, &sw->stats);
    sw->stats = *stats;
    sw->stats.counters = counters;
    sw->has_stats = true;
    sw->seen_us = clock_wall_us(controller->clock);
}

/* ---- by time ---- */

static void
ask_read_back(struct controller *controller, struct switch_state *sw, int64_t now_us)
{
    int64_t every_us = controller->settings.reconcile_us;
    bool is_due = now_us - sw->asked_us >= every_us;
    /* A slow switch is not asked again before it answered, but not for ever. */
    bool is_free = !sw->is_reading || now_us - sw->asked_us >= 6 * every_us;
    if (!is_due || !is_free || !can_send(controller, sw) || !sw->has_snapshot) {
        return;
    }
    sw->asked_us = now_us;
    sw->is_reading = controller->ports.send_read_back(controller->ports.context,
                                                      sw->device.switch_name, ++sw->request);
}

void
switches_tick(struct controller *controller)
{
    int64_t now_us = clock_boot_us(controller->clock);
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        switch_repair(controller, sw);
        ask_read_back(controller, sw, now_us);
    }
    switches_flush(controller);
}
