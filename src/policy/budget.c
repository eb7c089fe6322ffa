#include "policy/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/engine_state.h"
#include "policy/shares.h"

#define BURST_SHARE 10             /* a tenth of the minute's budget goes at once */
#define FITS_US (SECOND_US / 4)    /* there is room for all: so long to see whether more come */
#define QUIET_US (SECOND_US / 2)   /* nobody came for so long: it is over */
#define GATHER_US (10 * SECOND_US) /* at the latest */
#define WAITS_ASKED_US SECOND_US   /* whom a full share left out is asked again so often */
#define WAITS_US (600 * SECOND_US) /* and so long: then what was seen is old */

/* ---- per minute and hour ---- */

void
budget_spend(struct engine *engine, int64_t boot_us)
{
    engine->spent_us[engine->spent_next++ % BUDGET_MAX] = boot_us;
}

static size_t
spent_since(const struct engine *engine, int64_t since_us)
{
    size_t count = 0;
    size_t used = engine->spent_next < BUDGET_MAX ? engine->spent_next : BUDGET_MAX;
    for (size_t i = 0; i < used; i++) {
        count += engine->spent_us[i] > since_us ? 1 : 0;
    }
    return count;
}

/* How many may be isolated now; none: 'why'. */
static size_t
room_now(const struct engine *engine, char why[TEXT_SIZE])
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    int64_t now_us = clock_boot_us(engine->clock);
    size_t minute = spent_since(engine, now_us - 60 * SECOND_US);
    size_t hour = spent_since(engine, now_us - 3600 * SECOND_US);
    if (minute >= budgets->per_minute) {
        snprintf(why, TEXT_SIZE, "%zu endpoints were isolated within a minute", minute);
        return 0;
    }
    if (hour >= budgets->per_hour) {
        snprintf(why, TEXT_SIZE, "%zu endpoints were isolated within an hour", hour);
        return 0;
    }
    size_t left = budgets->per_minute - minute;
    return left < budgets->per_hour - hour ? left : budgets->per_hour - hour;
}

/* ---- who waits for the most confident ---- */

struct candidate {
    struct decision decision; /* as it would be without a budget */
    uint64_t order;
    bool is_refused; /* by a person, meanwhile */
    char network[NAME_SIZE], place[NAME_SIZE];
};

static int
candidate_compare(const void *a, const void *b)
{
    const struct candidate *x = *(struct candidate *const *)a;
    const struct candidate *y = *(struct candidate *const *)b;
    if (x->decision.confidence != y->decision.confidence) {
        return x->decision.confidence > y->decision.confidence ? -1 : 1;
    }
    if (x->decision.severity != y->decision.severity) {
        return x->decision.severity > y->decision.severity ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

static void
gather_clear(struct gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        free(gather->items[i]);
    }
    *gather = (struct gather){.is_on = gather->is_on};
}

/* Its network and switch, as far as they are known now. */
static void
candidate_place(struct engine *engine, struct candidate *c)
{
    const struct policy_world *world = &engine->world;
    const struct decision *d = &c->decision;
    struct finding f = {.network = policy_network_of(engine->policy, d->site, &d->ip)};
    if (!world->endpoint(world->context, d->endpoint_id, &f.endpoint)) {
        f.endpoint = NULL;
    }
    finding_place(&f, c->network, c->place);
}

void
engine_gather(struct engine *engine, bool gathers)
{
    engine->gather.is_on = gathers;
}

static struct candidate *
gather_find(struct gather *gather, const char *endpoint_id)
{
    for (size_t i = 0; i < gather->count; i++) {
        if (strcmp(gather->items[i]->decision.endpoint_id, endpoint_id) == 0) {
            return gather->items[i];
        }
    }
    return NULL;
}

/* Room for one more, or the place of the least where 'c' is worth more. */
static struct candidate *
gather_room(struct gather *gather, const struct candidate *c)
{
    size_t least = 0;
    if (gather->count < GATHER_MAX) {
        return gather->items[gather->count++] = MEM_NEW(struct candidate);
    }
    for (size_t i = 1; i < gather->count; i++) {
        least = candidate_compare(&gather->items[least], &gather->items[i]) < 0 ? i : least;
    }
    return candidate_compare(&c, &gather->items[least]) < 0 ? gather->items[least] : NULL;
}

static struct candidate
candidate_of(const struct decision *d)
{
    struct candidate c = {.decision = *d};
    c.decision.hold = HOLD_NONE;
    c.decision.hold_detail[0] = '\0';
    return c;
}

static void
gather_put(struct engine *engine, struct candidate *c)
{
    struct gather *gather = &engine->gather;
    int64_t now_us = clock_boot_us(engine->clock);
    c->order = gather->seen;
    if (gather->count == 0) {
        gather->since_us = now_us;
    }
    struct candidate *same = gather_find(gather, c->decision.endpoint_id);
    if (same && candidate_compare(&c, &same) < 0) {
        c->order = same->order;
        *same = *c;
    }
    if (same) {
        return;
    }
    gather->seen++;
    gather->last_us = now_us;
    struct candidate *to = gather_room(gather, c);
    if (to) {
        *to = *c;
    }
}

void
gather_add(struct engine *engine, const struct finding *f, const struct decision *d)
{
    struct candidate c = candidate_of(d);
    finding_place(f, c.network, c.place);
    gather_put(engine, &c);
}

void
engine_gather_again(struct engine *engine, const struct decision *decision)
{
    struct candidate c = candidate_of(decision);
    candidate_place(engine, &c);
    gather_put(engine, &c);
}

/* ---- whom a full share left out ---- */

struct share_wait {
    struct candidate candidate;
    struct share_full full;
    int64_t since_us; /* boot clock */
};

static void
waits_clear(struct waits *waits)
{
    for (size_t i = 0; i < waits->count; i++) {
        free(waits->items[i]);
    }
    *waits = (struct waits){.count = 0};
}

static void
wait_drop(struct waits *waits, size_t index)
{
    free(waits->items[index]);
    waits->count--;
    memmove(&waits->items[index], &waits->items[index + 1],
            (waits->count - index) * sizeof(waits->items[0]));
    waits->next -= index < waits->next ? 1 : 0;
}

/* In their order; where there is no more room, the least goes. */
static void
wait_put(struct engine *engine, const struct candidate *c, const struct share_full *full)
{
    struct waits *waits = &engine->waits;
    size_t at = 0;
    if (!full->is_set) {
        return;
    }
    for (size_t i = 0; i < waits->count; i++) {
        if (strcmp(waits->items[i]->candidate.decision.endpoint_id, c->decision.endpoint_id) == 0) {
            wait_drop(waits, i);
            break;
        }
    }
    for (; at < waits->count; at++) {
        const struct candidate *other = &waits->items[at]->candidate;
        if (candidate_compare(&c, &other) < 0) {
            break;
        }
    }
    if (at == WAITS_MAX) {
        return;
    }
    if (waits->count == WAITS_MAX) {
        free(waits->items[--waits->count]);
    }
    memmove(&waits->items[at + 1], &waits->items[at],
            (waits->count - at) * sizeof(waits->items[0]));
    waits->items[at] = MEM_NEW(struct share_wait);
    *waits->items[at] = (struct share_wait){*c, *full, clock_boot_us(engine->clock)};
    waits->count++;
}

void
budget_refuse(struct engine *engine, const char *endpoint_id)
{
    struct candidate *gathered = gather_find(&engine->gather, endpoint_id);
    if (gathered) {
        gathered->is_refused = true;
    }
    for (size_t i = 0; i < engine->waits.count; i++) {
        struct candidate *c = &engine->waits.items[i]->candidate;
        c->is_refused |= strcmp(c->decision.endpoint_id, endpoint_id) == 0;
    }
}

void
budget_forget(struct engine *engine)
{
    struct gather *gather = &engine->gather;
    engine->counters.over_budget += gather->seen > gather->taken ? gather->seen - gather->taken : 0;
    gather_clear(gather);
    waits_clear(&engine->waits);
}

enum budget_word
budget_ask(struct engine *engine, const struct finding *f, const struct decision *d,
           char why[TEXT_SIZE])
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    struct share_full full;
    size_t burst = budgets->per_minute / BURST_SHARE;
    if (room_now(engine, why) == 0) {
        return BUDGET_OVER;
    }
    burst = burst > 0 ? burst : 1;
    bool is_many = engine->gather.count > 0 ||
                   spent_since(engine, clock_boot_us(engine->clock) - SECOND_US) >= burst;
    if (engine->gather.is_on && is_many) {
        snprintf(why, TEXT_SIZE, "several endpoints at once: the most confident go first");
        return BUDGET_GATHER;
    }
    struct candidate c = candidate_of(d);
    finding_place(f, c.network, c.place);
    if (shares_allow(engine, c.network, c.place, why, &full)) {
        return BUDGET_GO;
    }
    wait_put(engine, &c, &full);
    return BUDGET_OVER;
}

void
budget_take(struct engine *engine, const char *network, const char *place)
{
    budget_spend(engine, clock_boot_us(engine->clock));
    shares_spend(engine, network, place);
}

static bool
gather_is_due(const struct engine *engine)
{
    const struct gather *gather = &engine->gather;
    char why[TEXT_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    int64_t waited_us = now_us - gather->since_us;
    if (gather->count == 0) {
        return false;
    }
    if (gather->is_sorted || waited_us >= GATHER_US) {
        return true;
    }
    return gather->seen <= room_now(engine, why) ? waited_us >= FITS_US
                                                 : now_us - gather->last_us >= QUIET_US;
}

static const struct file_policy *
policy_named(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->file.policy_count; i++) {
        if (strcmp(policy->file.policies[i].name, name) == 0) {
            return &policy->file.policies[i];
        }
    }
    return NULL;
}

/* A window may have begun since, or somebody said what kind of machine it is. */
static bool
is_still_auto(const struct engine *engine, const struct decision *d)
{
    const struct policy_world *world = &engine->world;
    const struct file_policy *by = policy_named(engine->policy, d->policy);
    struct finding f = {.ip = d->ip, .mac = d->mac};
    struct ruled ruled;
    f.network = policy_network_of(engine->policy, d->site, &d->ip);
    if (!by || !world->endpoint(world->context, d->endpoint_id, &f.endpoint)) {
        return false;
    }
    const struct machine machine = machine_of_finding(engine, &f);
    machine_ruled(engine->policy, &machine, by, engine->assumption, clock_wall_us(engine->clock),
                  &ruled);
    return ruled.mode == MODE_AUTO;
}

/* Has anything changed since it was asked for? */
static bool
is_still_due(struct engine *engine, const struct candidate *c)
{
    const struct decision *d = &c->decision;
    const struct policy_world *world = &engine->world;
    char why[TEXT_SIZE];
    return !c->is_refused && !decision_is_in_force(engine, d) &&
           !was_just_released(engine, d->endpoint_id) &&
           !world->is_protected(world->context, d->site, d->endpoint_id, &d->ip, why) &&
           is_still_auto(engine, d);
}

static void
candidate_take(struct engine *engine, const struct candidate *c, struct decision *decision)
{
    *decision = c->decision;
    decision_start(engine, decision, c->network, c->place);
    budget_take(engine, c->network, c->place);
}

static bool
gather_take(struct engine *engine, struct decision *decision)
{
    struct gather *gather = &engine->gather;
    struct share_full full;
    char why[TEXT_SIZE];
    if (!gather_is_due(engine)) {
        return false;
    }
    if (!gather->is_sorted) {
        qsort(gather->items, gather->count, sizeof(gather->items[0]), candidate_compare);
        gather->is_sorted = true;
    }
    while (gather->next < gather->count && room_now(engine, why) > 0) {
        const struct candidate *c = gather->items[gather->next++];
        if (!is_still_due(engine, c)) {
            continue;
        }
        if (shares_allow(engine, c->network, c->place, why, &full)) {
            candidate_take(engine, c, decision);
            gather->taken++;
            return true;
        }
        wait_put(engine, c, &full);
    }
    engine->counters.over_budget += gather->seen > gather->taken ? gather->seen - gather->taken : 0;
    gather_clear(gather);
    return false;
}

/* Of those that wait, one that a share has room for because more endpoints are known there now. */
static bool
waits_take(struct engine *engine, struct decision *decision)
{
    struct waits *waits = &engine->waits;
    char why[TEXT_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    if (!waits->is_asking && now_us - waits->asked_us < WAITS_ASKED_US) {
        return false;
    }
    waits->is_asking = true;
    waits->asked_us = now_us;
    while (waits->next < waits->count && room_now(engine, why) > 0) {
        struct share_wait *wait = waits->items[waits->next];
        struct candidate c = wait->candidate;
        if (now_us - wait->since_us >= WAITS_US || !is_still_due(engine, &c)) {
            waits->next++;
            wait_drop(waits, waits->next - 1);
            continue;
        }
        waits->next++;
        if (!share_has_grown(engine, &wait->full)) {
            continue;
        }
        candidate_place(engine, &c);
        if (shares_allow(engine, c.network, c.place, why, &wait->full)) {
            wait_drop(waits, waits->next - 1);
            candidate_take(engine, &c, decision);
            return true;
        }
    }
    waits->next = 0;
    waits->is_asking = false;
    return false;
}

bool
engine_gathered(struct engine *engine, struct decision *decision)
{
    return gather_take(engine, decision) ||
           (engine->gather.count == 0 && waits_take(engine, decision));
}

/* ---- for people ---- */

void
engine_budget(const struct engine *engine, struct budget_use *use)
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    int64_t now_us = clock_boot_us(engine->clock);
    const struct gather *gather = &engine->gather;
    char why[TEXT_SIZE];
    *use = (struct budget_use){.minute = spent_since(engine, now_us - 60 * SECOND_US),
                               .per_minute = budgets->per_minute,
                               .hour = spent_since(engine, now_us - 3600 * SECOND_US),
                               .per_hour = budgets->per_hour,
                               .gathered = gather->count,
                               .is_over = gather->count > 0 && gather->seen > room_now(engine, why),
                               .held = engine->counters.over_budget,
                               .network_percent = budgets->network_percent,
                               .switch_percent = budgets->switch_percent};
}

void
budget_init(struct engine *engine)
{
    shares_init(engine);
}

void
budget_fini(struct engine *engine)
{
    gather_clear(&engine->gather);
    waits_clear(&engine->waits);
}
