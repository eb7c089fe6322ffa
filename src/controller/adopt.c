#include "controller/adopt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "controller/slot.h"
#include "controller/switches.h"
#include "wire/message.h"
#include "wire/protected_hosts.h"

#define WAIT_US 20000000 /* longer than the driver waits for an answer */
#define NAMED_MAX 131072 /* rules in one answer that are not simply proven */

void
adopt_begin(struct switch_state *sw)
{
    adopt_fini(sw);
    sw->sum_request = 0;
    sw->is_sum_used = false;
}

void
adopt_fini(struct switch_state *sw)
{
    wire_fini(WIRE_OBSERVED, &sw->sum_answer);
}

static void
ask(struct controller *controller, struct switch_state *sw)
{
    uint8_t drawn[(RULES_SUM_KEY_SIZE - 1) / 2];
    struct wire_read_back question = {.request = ++sw->request};
    randombytes_buf(drawn, sizeof(drawn));
    sodium_bin2hex(question.sum_key, sizeof(question.sum_key), drawn, sizeof(drawn));
    snprintf(question.switch_name, sizeof(question.switch_name), "%s", sw->device.switch_name);
    memcpy(sw->sum_key, question.sum_key, sizeof(sw->sum_key));
    sw->sum_request = question.request;
    sw->sum_us = clock_boot_us(controller->clock);
    sw->is_sum_used = !controller->ports.send_read_back(controller->ports.context, &question);
}

bool
adopt_waits(struct controller *controller, struct switch_state *sw)
{
    if (!sw->device.tells_sum || sw->device.generation == 0 || sw->is_sum_used) {
        return false;
    }
    if (sw->sum_request == 0) {
        ask(controller, sw);
    } else if (clock_boot_us(controller->clock) - sw->sum_us > WAIT_US) {
        sw->is_sum_used = true;
    }
    return !sw->is_sum_used;
}

/* ---- what it must hold ---- */

static int
want_compare(const void *a, const void *b)
{
    const struct want *const *one = a, *const *other = b;
    return memcmp(&(*one)->asked->digest, &(*other)->asked->digest, sizeof(struct rule_digest));
}

static void
wants_gather(struct sorted_wants *sorted, const struct want_list *wants)
{
    for (size_t i = 0; i < wants->count; i++) {
        if ((sorted->count & (sorted->count - 1)) == 0) { /* room doubles at powers of two */
            size_t room = sorted->count ? sorted->count * 2 : 4;
            sorted->items = mem_resize(sorted->items, room, sizeof(struct want *));
        }
        sorted->items[sorted->count++] = &wants->items[i];
    }
}

/* In the order in which sums want them: two hundred switches come at once after a restart. */
static const struct sorted_wants *
wants_sorted(struct controller *controller)
{
    struct sorted_wants *sorted = &controller->sorted;
    if (sorted->items && sorted->turns == controller->asked.turns) {
        return sorted;
    }
    sorted->count = 0;
    free(sorted->items);
    sorted->items = NULL;
    wants_gather(sorted, &controller->common);
    const struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        wants_gather(sorted, &entry->wants);
    }
    if (sorted->count > 1) {
        qsort(sorted->items, sorted->count, sizeof(struct want *), want_compare);
    }
    sorted->turns = controller->asked.turns;
    return sorted;
}

typedef void want_fn(void *context, const struct want *want);

static void
wanted_each(struct controller *controller, const struct switch_state *sw, want_fn *each,
            void *context)
{
    const struct sorted_wants *sorted = wants_sorted(controller);
    for (size_t i = 0; i < sorted->count; i++) {
        if (slot_is_wanted(sw, sorted->items[i])) {
            each(context, sorted->items[i]);
        }
    }
}

struct gathered {
    const struct controller *controller;
    struct rule_digest *digests;
    size_t count, room;
    bool is_barred; /* one of them is about a host that the driver protects */
};

static void
gather(void *context, const struct want *want)
{
    struct gathered *gathered = context;
    const struct controller_settings *settings = &gathered->controller->settings;
    for (size_t i = 0; i < settings->protected_count; i++) {
        struct rule_protect protect;
        gathered->is_barred =
            gathered->is_barred || (protected_host_parse(settings->protected[i], &protect) &&
                                    protected_host_meets(&want->rule, &protect));
    }
    if (gathered->count == gathered->room) {
        gathered->room = gathered->room ? gathered->room * 2 : 1024;
        gathered->digests =
            mem_resize(gathered->digests, gathered->room, sizeof(*gathered->digests));
    }
    gathered->digests[gathered->count++] = want->asked->digest;
}

/* False: it holds something else, or what must go past the driver's own guard. */
static bool
is_equal(struct controller *controller, const struct switch_state *sw)
{
    struct gathered gathered = {.controller = controller, .room = 1024};
    char sum[RULES_SUM_SIZE] = "";
    gathered.digests = mem_new(gathered.room, sizeof(*gathered.digests));
    wanted_each(controller, sw, gather, &gathered);
    bool is_equal = rules_sum(gathered.digests, gathered.count, sw->sum_key, sum) &&
                    sodium_memcmp(sum, sw->sum_answer.sum, sizeof(sum)) == 0;
    free(gathered.digests);
    return is_equal && !gathered.is_barred;
}

/* ---- taking it over ---- */

static void
proven(void *context, const struct want *want)
{
    struct switch_state *sw = context;
    slot_put(&sw->slots, want->asked, 0);
    struct slot *slot = slot_find(&sw->slots, want->asked);
    slot->is_pushed = false;
    slot->state = RULE_VERIFIED;
    slot->is_known = true;
}

/* What it named: not proven, or with something to say. */
static void
named_take(struct controller *controller, struct switch_state *sw, const struct rule_report *report)
{
    const struct asked *asked = asked_find(&controller->asked, report->id);
    if (!asked || !slot_find(&sw->slots, asked)) {
        return;
    }
    slot_count(&sw->slots, asked, report->hits);
    slot_say(&sw->slots, asked, report->state, report->state == RULE_VERIFIED ? "" : report->why);
    sw->needs_repair =
        sw->needs_repair || report->state == RULE_ABSENT || report->state == RULE_FAILED;
}

/* It still has to hear who drives it now, and whether enforcement is suspended: a delta, with what
 * is protected in it, which the driver process learns from it. */
static void
take_over(struct controller *controller, struct switch_state *sw)
{
    wire_fini(WIRE_DESIRED, &sw->delta);
    sw->has_delta = false;
    sw->needs_repair = sw->needs_snapshot = false;
    slots_clear(&sw->slots);
    slots_reserve(&sw->slots, controller->asked.count);
    wanted_each(controller, sw, proven, sw);
    for (size_t i = 0; i < sw->sum_answer.rule_count; i++) {
        named_take(controller, sw, &sw->sum_answer.rules[i]);
    }
    sw->generation = sw->sum_answer.generation;
    sw->has_snapshot = true;
    sw->snapshot_generation = sw->generation + 1;
    sw->snapshot_us = clock_boot_us(controller->clock);
    sw->is_settled = sw->is_reading = sw->is_in_full = false;
    switch_greet(controller, sw);
    log_info("controller", "switch taken over as it is", LOG_S("switch", sw->device.switch_name),
             LOG_I("rules", sw->slots.count), LOG_I("named", sw->sum_answer.rule_count));
}

bool
adopt_take(struct controller *controller, struct switch_state *sw,
           const struct wire_observed *observed)
{
    if (sw->sum_request == 0 || observed->request != sw->sum_request) {
        return false;
    }
    bool is_told = observed->refused[0] == '\0' && !observed->needs_snapshot &&
                   sw->sum_answer.rule_count + observed->rule_count <= NAMED_MAX;
    if (sw->is_sum_used || (is_told && !observed->is_last)) {
        if (!sw->is_sum_used) {
            observed_join(&sw->sum_answer, observed);
        }
        return true;
    }
    sw->is_sum_used = true;
    if (is_told) {
        observed_join(&sw->sum_answer, observed);
    }
    if (is_told && is_equal(controller, sw)) {
        take_over(controller, sw);
    } else {
        log_info("controller", "switch does not hold just what it must: it is told everything",
                 LOG_S("switch", sw->device.switch_name), LOG_S("why", observed->refused));
    }
    adopt_fini(sw);
    return true;
}
