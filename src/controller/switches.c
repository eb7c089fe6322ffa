#include "controller/switches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/adopt.h"
#include "controller/clocks.h"
#include "controller/desired.h"
#include "controller/entry.h"
#include "controller/judge.h"
#include "controller/overdue.h"
#include "controller/recovery/unproven.h"
#include "controller/slot.h"
#include "wire/desired_set.h"
#include "wire/message.h"

#define EXPIRY_GRACE_S                                                                             \
    10 /* the controller ends it first and cleanly; the switch only without us                     \
        */
/* Of snapshots: rules sent in one turn of the loop, and sent but not answered by all switches
 * together (a switch that answers nothing for so long holds nobody else up). */
#define TURN_RULES 4000
#define OPEN_RULES 40000
#define OPEN_US 60000000
#define SNAPSHOT_PART 256 /* rules in one message to the driver process, at most */
/* Of read-backs: rules a second, over all switches.  More rules make the rounds longer. */
#define READ_RULES_S 20000

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
    if (controller->ports.publish && controller_switch_at(controller, sw->index, &view)) {
        controller->ports.publish(controller->ports.context, "switch", &view);
    }
}

void
switches_free(struct controller *controller)
{
    struct switch_state *sw;
    while ((sw = TAILQ_FIRST(&controller->switches)) != NULL) {
        TAILQ_REMOVE(&controller->switches, sw, link);
        slots_fini(&sw->slots);
        adopt_fini(sw);
        wire_fini(WIRE_DESIRED, &sw->delta);
        switch_stats_fini(&sw->stats);
        free(sw);
    }
    free(controller->switch_order);
    free(controller->sorted.items);
}

static void
delta_begin(struct switch_state *sw)
{
    if (sw->has_delta) {
        return;
    }
    sw->has_delta = true;
    sw->delta = (struct wire_desired){.base = sw->generation, .generation = sw->generation + 1};
}

/* Seconds that are left of it for the switch; 0: until it is removed, or its end is owed. */
static uint32_t
rule_left_s(const struct controller *controller, struct switch_state *sw, const struct want *want)
{
    if (want->expires_us == 0) {
        return 0;
    }
    if (clocks_is_unsure(controller)) {
        sw->is_owed_ends = true;
        return 0;
    }
    int64_t left_s = (want->expires_us - clock_wall_us(controller->clock)) / 1000000;
    left_s = (left_s > 0 ? left_s : 0) + EXPIRY_GRACE_S;
    return left_s < UINT32_MAX ? (uint32_t)left_s : UINT32_MAX;
}

/* Lists that grow one by one: room doubles at powers of two. */
static void *
grow(void *items, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0;
    return is_full ? mem_resize(items, count ? count * 2 : 4, size) : items;
}

static void
delta_add(struct controller *controller, struct switch_state *sw, const struct want *want)
{
    struct wire_desired *delta = &sw->delta;
    delta_begin(sw);
    delta->add = grow(delta->add, delta->add_count, sizeof(*delta->add));
    struct rule *rule = &delta->add[delta->add_count++];
    rule_copy(rule, &want->rule);
    rule->expires_s = rule_left_s(controller, sw, want);
    slot_put(&sw->slots, want->asked, delta->generation);
}

static void
delta_remove(struct switch_state *sw, const struct want *want)
{
    if (!slot_find(&sw->slots, want->asked)) {
        return;
    }
    slot_drop(&sw->slots, want->asked);
    delta_begin(sw);
    sw->delta.remove = grow(sw->delta.remove, sw->delta.remove_count, sizeof(*sw->delta.remove));
    snprintf(sw->delta.remove[sw->delta.remove_count++].id, RULE_ID_SIZE, "%s", want->rule.id);
}

void
switch_greet(struct controller *controller, struct switch_state *sw)
{
    delta_begin(sw);
    for (size_t i = 0; i < controller->common.count; i++) {
        const struct want *want = &controller->common.items[i];
        if (want->rule.kind == RULE_PROTECT && slot_is_wanted(sw, want)) {
            delta_add(controller, sw, want);
        }
    }
}

/* For that switch? */
static bool
list_has(const struct switch_state *sw, const struct want_list *wants, const char *id)
{
    for (size_t i = 0; i < wants->count; i++) {
        if (strcmp(wants->items[i].rule.id, id) == 0 && slot_is_meant(sw, &wants->items[i])) {
            return true;
        }
    }
    return false;
}

static void
switch_change(struct controller *controller, struct switch_state *sw,
              const struct want_list *before, const struct want_list *now)
{
    if (!sw->has_snapshot) {
        return; /* its first snapshot will have it all */
    }
    for (size_t i = 0; i < now->count; i++) {
        const struct want *want = &now->items[i];
        if (slot_is_wanted(sw, want) && !slot_find(&sw->slots, want->asked)) {
            delta_add(controller, sw, want);
        }
    }
    for (size_t i = 0; i < before->count; i++) {
        if (!list_has(sw, now, before->items[i].rule.id)) {
            delta_remove(sw, &before->items[i]);
        }
    }
}

void
switches_change(struct controller *controller, struct entry *entry, struct want_list *before,
                struct want_list *now)
{
    for (size_t i = 0; i < now->count; i++) {
        struct asked *asked = asked_join(&controller->asked, now->items[i].rule.id, entry);
        if (asked->askers == 1) {
            struct rule rule = now->items[i].rule; /* shallow */
            rule.expires_s = now->items[i].expires_us > 0;
            rule_digest(&rule, &asked->digest);
        }
        now->items[i].asked = asked;
    }
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        switch_change(controller, sw, before, now);
    }
    for (size_t i = 0; i < before->count; i++) {
        asked_leave(controller, before->items[i].asked);
    }
    wants_free(before);
}

static bool
can_send(const struct controller *controller, const struct switch_state *sw)
{
    return controller->is_started && !sw->is_fenced && sw->device.is_connected;
}

static bool
desired_out(struct controller *controller, struct switch_state *sw, struct wire_desired *desired)
{
    snprintf(desired->switch_name, sizeof(desired->switch_name), "%s", sw->device.switch_name);
    desired->epoch = controller->epoch;
    desired->is_suspended = controller->suspension.is_suspended;
    sw->generation = desired->generation;
    sw->driven_epoch = controller->epoch;
    overdue_sent(controller, sw, desired->generation);
    bool sent = controller->ports.send_desired(controller->ports.context, desired);
    log_debug("controller", "pushed", LOG_S("switch", sw->device.switch_name),
              LOG_I("generation", desired->generation), LOG_I("base", desired->base),
              LOG_I("add", desired->add_count), LOG_I("remove", desired->remove_count));
    return sent;
}

/* A snapshot goes out as it is put together: it is never in memory as a whole. */
struct snapshot {
    struct controller *controller;
    struct switch_state *sw;
    struct wire_desired part; /* 'add' has room for SNAPSHOT_PART; its rules are lent */
    bool is_sent;             /* so far */
};

static void
snapshot_part_out(struct snapshot *snapshot, bool is_last)
{
    snapshot->part.is_last = is_last;
    snapshot->is_sent =
        snapshot->is_sent && desired_out(snapshot->controller, snapshot->sw, &snapshot->part);
    snapshot->part.add_count = 0;
}

/* The first push of a containment is a step of its story, in whichever form it goes. */
static void
mark_pushed(struct entry *entry, int64_t now_us)
{
    if (entry && !entry->pushed_us) {
        entry->pushed_us = now_us;
        entry_mark(entry, "pushed", now_us, "");
    }
}

static void
snapshot_add(struct snapshot *snapshot, const struct want_list *wants, struct entry *entry)
{
    struct wire_desired *part = &snapshot->part;
    for (size_t i = 0; i < wants->count; i++) {
        const struct want *want = &wants->items[i];
        if (!slot_is_wanted(snapshot->sw, want)) {
            continue;
        }
        if (part->add_count == SNAPSHOT_PART) {
            snapshot_part_out(snapshot, false);
        }
        part->add[part->add_count] = want->rule;
        part->add[part->add_count++].expires_s =
            rule_left_s(snapshot->controller, snapshot->sw, want);
        slot_put(&snapshot->sw->slots, want->asked, 0);
        mark_pushed(entry, clock_wall_us(snapshot->controller->clock));
    }
}

/* Everything that the switch must hold. */
static void
push_snapshot(struct controller *controller, struct switch_state *sw)
{
    if (sw->generation < sw->device.generation) {
        sw->generation = sw->device.generation;
    }
    struct snapshot snapshot = {.controller = controller, .sw = sw, .is_sent = true};
    snapshot.part.generation = sw->generation + 1;
    snapshot.part.add = mem_new(SNAPSHOT_PART, sizeof(*snapshot.part.add));
    wire_fini(WIRE_DESIRED, &sw->delta);
    sw->has_delta = sw->is_owed_ends = false;
    slots_anew(&sw->slots);
    slots_reserve(&sw->slots, controller->asked.count);
    slots_pushed(&sw->slots, snapshot.part.generation);
    snapshot_add(&snapshot, &controller->common, NULL);
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        snapshot_add(&snapshot, &entry->wants, entry);
    }
    slots_told(&sw->slots);
    snapshot_part_out(&snapshot, true);
    free(snapshot.part.add);
    sw->has_snapshot = snapshot.is_sent;
    sw->snapshot_generation = sw->generation;
    sw->snapshot_us = clock_boot_us(controller->clock);
    sw->is_settled = sw->is_reading = sw->is_in_full = false;
    sw->needs_snapshot = sw->needs_repair = false;
}

/* A rule that went and came again before it was sent is only there: a switch adds first and takes
 * away then, so that nothing is open in between. */
static void
delta_settle(const struct controller *controller, struct switch_state *sw)
{
    struct wire_desired *delta = &sw->delta;
    size_t to = 0;
    for (size_t i = 0; i < delta->remove_count; i++) {
        const struct asked *asked = asked_find(&controller->asked, delta->remove[i].id);
        if (!asked || !slot_find(&sw->slots, asked)) {
            delta->remove[to++] = delta->remove[i];
        }
    }
    delta->remove_count = to;
}

static void
mark_delta_pushed(struct controller *controller, const struct switch_state *sw)
{
    int64_t now_us = clock_wall_us(controller->clock);
    for (size_t i = 0; i < sw->delta.add_count; i++) {
        const struct asked *asked = asked_find(&controller->asked, sw->delta.add[i].id);
        mark_pushed(asked ? asked->entry : NULL, now_us);
    }
}

/* A thousand switches that come at once get their snapshots one after the other, as they answer:
 * neither the loop nor the channel to the driver process is flooded. */
struct pace {
    size_t turn, open; /* rules */
};

static struct pace
pace_now(const struct controller *controller)
{
    struct pace pace = {.turn = 0};
    int64_t since_us = clock_boot_us(controller->clock) - OPEN_US;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (sw->device.is_connected && sw->has_snapshot && !sw->is_settled &&
            sw->snapshot_us > since_us) {
            pace.open += sw->slots.count;
        }
    }
    return pace;
}

static void
switch_flush(struct controller *controller, struct switch_state *sw, struct pace *pace)
{
    if (!can_send(controller, sw)) {
        return;
    }
    if (!sw->has_snapshot) {
        if (unproven_waits(controller, sw) || adopt_waits(controller, sw)) {
            return;
        }
        if (pace->turn < TURN_RULES && pace->open < OPEN_RULES) {
            push_snapshot(controller, sw);
            pace->turn += sw->slots.count;
            pace->open += sw->slots.count;
        }
        return;
    }
    if (!sw->has_delta) {
        return;
    }
    delta_settle(controller, sw);
    if (desired_part_count(&sw->delta) > 1) {
        push_snapshot(controller, sw); /* only a snapshot may come in parts */
        return;
    }
    mark_delta_pushed(controller, sw);
    sw->delta.is_last = true;
    sw->has_snapshot = desired_out(controller, sw, &sw->delta);
    wire_fini(WIRE_DESIRED, &sw->delta);
    sw->has_delta = false;
}

void
switches_flush(struct controller *controller)
{
    struct pace pace = pace_now(controller);
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        switch_flush(controller, sw, &pace);
    }
    judge_looked(controller);
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
        if (controller->suspension.is_suspended) {
            slots_doubt(&sw->slots); /* it lets all pass until it says that it does not */
        }
        if (sw->has_snapshot && !controller->suspension.is_suspended) {
            /* what it holds again is not known before it has answered this */
            sw->snapshot_generation = sw->delta.generation;
            sw->snapshot_us = clock_boot_us(controller->clock);
            sw->is_settled = false;
        }
    }
    judge_look_at_all(controller);
    switches_flush(controller);
}

void
switches_tell_ends(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        const struct entry *entry;
        TAILQ_FOREACH(entry, &controller->entries, link)
        {
            for (size_t i = 0; sw->is_owed_ends && i < entry->wants.count; i++) {
                const struct want *want = &entry->wants.items[i];
                if (want->expires_us > 0 && slot_find(&sw->slots, want->asked)) {
                    delta_add(controller, sw, want);
                }
            }
        }
        sw->is_owed_ends = false;
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
    const struct endpoint **endpoints = mem_new(controller->proposal_count + 1, sizeof(*endpoints));
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

static void
back_off(struct controller *controller, struct switch_state *sw)
{
    const int64_t least_us = 250000;
    const int64_t most_us = 60000000;
    sw->retry_us = clock_boot_us(controller->clock) + sw->pause_us;
    sw->pause_us = sw->pause_us * 2 > least_us ? sw->pause_us * 2 : least_us;
    sw->pause_us = sw->pause_us < most_us ? sw->pause_us : most_us;
}

static void
missing_again(struct controller *controller, struct switch_state *sw, const struct want_list *wants)
{
    for (size_t i = 0; i < wants->count; i++) {
        const struct slot *slot = slot_find(&sw->slots, wants->items[i].asked);
        if (slot && slot_is_missing(slot)) {
            delta_add(controller, sw, &wants->items[i]);
        }
    }
}

void
switch_repair(struct controller *controller, struct switch_state *sw)
{
    bool is_time = clock_boot_us(controller->clock) >= sw->retry_us;
    if (!is_time || !can_send(controller, sw) || !(sw->needs_repair || sw->needs_snapshot)) {
        return;
    }
    back_off(controller, sw);
    if (sw->needs_snapshot || !sw->has_snapshot) {
        sw->has_snapshot = false; /* switches_flush() sends it */
        return;
    }
    sw->needs_repair = false;
    delta_begin(sw);
    missing_again(controller, sw, &controller->common);
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        missing_again(controller, sw, &entry->wants);
    }
}

/* How long one round of read-backs takes: with many rules longer than it should. */
static int64_t
round_us(struct controller *controller, int64_t now_us)
{
    int64_t rules = 0;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        rules += sw->has_snapshot ? (int64_t)sw->slots.count : 0;
    }
    int64_t passed_us = now_us - controller->read_credit_us;
    controller->read_credit_us = now_us;
    controller->read_credit += (passed_us < 1000000 ? passed_us : 1000000) * READ_RULES_S / 1000000;
    controller->read_credit =
        controller->read_credit < READ_RULES_S ? controller->read_credit : READ_RULES_S;
    int64_t needed_us = rules * 1000000 / READ_RULES_S;
    return needed_us > controller->settings.reconcile_us ? needed_us
                                                         : controller->settings.reconcile_us;
}

static void
ask_read_back(struct controller *controller, struct switch_state *sw, int64_t every_us,
              int64_t now_us)
{
    bool is_due = now_us - sw->asked_us >= every_us;
    /* A slow switch is not asked again before it answered, but not for ever. */
    bool is_free = !sw->is_reading || now_us - sw->asked_us >= 6 * every_us;
    if (!is_due || !is_free || !can_send(controller, sw) || !sw->has_snapshot ||
        controller->read_credit <= 0) {
        return;
    }
    controller->read_credit -= (int64_t)sw->slots.count;
    sw->asked_us = now_us;
    struct wire_read_back question = {.request = ++sw->request};
    snprintf(question.switch_name, sizeof(question.switch_name), "%s", sw->device.switch_name);
    sw->is_reading = controller->ports.send_read_back(controller->ports.context, &question);
}

void
switches_tick(struct controller *controller)
{
    int64_t now_us = clock_boot_us(controller->clock);
    int64_t every_us = round_us(controller, now_us);
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        switch_repair(controller, sw);
        ask_read_back(controller, sw, every_us, now_us);
    }
    switches_flush(controller);
}
