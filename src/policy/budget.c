#include "policy/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/engine_state.h"

#define SMALL_NETWORK                                                                              \
    3 /* so many are allowed in the smallest network, and on the smallest switch */
#define SHARES_MAX 1024
#define CONTAINED_US SECOND_US         /* counted again after so long */
#define POPULATION_US (10 * SECOND_US) /* likewise: endpoints do not come and go so fast */
#define RECOUNTS_MAX 8                 /* populations counted for one list */
#define BURST_SHARE 10                 /* a tenth of the minute's budget goes at once */
#define FITS_US (SECOND_US / 4)        /* there is room for all: so long to see whether more come */
#define QUIET_US (SECOND_US / 2)       /* nobody came for so long: it is over */
#define GATHER_US (10 * SECOND_US)     /* at the latest */

/* ---- per minute and hour ---- */

static void shares_spend(struct engine *engine, const char *network, const char *place);

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

/* ---- as a share of a network, and of a switch ---- */

struct share_item {
    struct table_item item;
    size_t contained, population;
    int64_t contained_us, population_us; /* boot clock, when they were counted */
    bool has_population;
};

static void
share_key(char key[TABLE_KEY_SIZE], bool is_switch, const char *name)
{
    snprintf(key, TABLE_KEY_SIZE, "%c:%s", is_switch ? 's' : 'n', name);
}

static size_t
contained_in(const struct engine *engine, bool is_switch, const char *name)
{
    size_t count = 0;
    int64_t now_us = clock_boot_us(engine->clock);
    const struct table_item *item;
    TAILQ_FOREACH(item, &engine->forces.by_age, by_age)
    {
        const struct force_item *force = (const struct force_item *)(const void *)item;
        bool is_live = force->is_isolation && force->until_us > now_us;
        count += is_live && strcmp(is_switch ? force->place : force->network, name) == 0 ? 1 : 0;
    }
    return count;
}

static size_t
population_of(const struct engine *engine, bool is_switch, const char *name)
{
    const struct policy_world *world = &engine->world;
    const struct policy_file *file = &engine->policy->file;
    if (is_switch) {
        return world->at_switch ? world->at_switch(world->context, name) : 0;
    }
    for (size_t i = 0; world->population && i < file->network_count; i++) {
        const struct file_prefixes *meaning = &file->networks[i].meaning;
        if (strcmp(file->networks[i].name, name) == 0) {
            return world->population(world->context, meaning->items, meaning->count);
        }
    }
    return 0;
}

/* Counting goes through all endpoints: what was counted a moment ago is good enough. */
static struct share_item *
share_need(struct engine *engine, bool is_switch, const char *name, bool counts_population)
{
    char key[TABLE_KEY_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    share_key(key, is_switch, name);
    bool is_new = table_find(&engine->shares, key) == NULL;
    struct share_item *share = table_need(&engine->shares, key, now_us);
    if (is_new || now_us - share->contained_us >= CONTAINED_US) {
        share->contained = contained_in(engine, is_switch, name);
        share->contained_us = now_us;
    }
    bool is_stale = !share->has_population || now_us - share->population_us >= POPULATION_US;
    if (counts_population && is_stale) {
        share->population = population_of(engine, is_switch, name);
        share->population_us = now_us;
        share->has_population = true;
    }
    return share;
}

static void
shares_spend(struct engine *engine, const char *network, const char *place)
{
    const char *names[] = {network, place};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char key[TABLE_KEY_SIZE];
        share_key(key, i == 1, names[i]);
        struct share_item *share = table_find(&engine->shares, key);
        if (share) {
            share->contained++;
        }
    }
}

static size_t
share_most(const struct engine *engine, bool is_switch, size_t population)
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    size_t percent = is_switch ? budgets->switch_percent : budgets->network_percent;
    size_t most = population * percent / 100;
    return population == 0 ? 0 : most > SMALL_NETWORK ? most : SMALL_NETWORK;
}

static bool
share_allows(struct engine *engine, bool is_switch, const char *name, char why[TEXT_SIZE])
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    const struct share_item *share = share_need(engine, is_switch, name, true);
    size_t most = share_most(engine, is_switch, share->population);
    if (most == 0 || share->contained < most) {
        return true;
    }
    if (is_switch) {
        snprintf(why, TEXT_SIZE, "%zu of %zu endpoints of switch %.100s are contained: over %u %%",
                 share->contained, share->population, name, (unsigned)budgets->switch_percent);
    } else {
        snprintf(why, TEXT_SIZE, "%zu of %zu endpoints of network %.100s are contained: over %u %%",
                 share->contained, share->population, name, (unsigned)budgets->network_percent);
    }
    return false;
}

static bool
network_allows(struct engine *engine, const char *name, char why[TEXT_SIZE])
{
    const struct policy_file *file = &engine->policy->file;
    for (size_t i = 0; i < file->network_count; i++) {
        const struct file_network *network = &file->networks[i];
        if (network->most_contained == 0 || strcmp(network->name, name) != 0) {
            continue;
        }
        size_t contained = share_need(engine, false, name, false)->contained;
        if (contained >= network->most_contained) {
            snprintf(why, TEXT_SIZE, "%zu endpoints of network %s are contained, its limit",
                     contained, name);
            return false;
        }
    }
    return share_allows(engine, false, name, why);
}

static bool
places_allow(struct engine *engine, const char *network, const char *place, char why[TEXT_SIZE])
{
    return (network[0] == '\0' || network_allows(engine, network, why)) &&
           (place[0] == '\0' || share_allows(engine, true, place, why));
}

/* ---- who waits for the most confident ---- */

struct candidate {
    struct decision decision; /* as it would be without a budget */
    uint8_t confidence;
    enum severity severity;
    uint64_t order;
    char network[NAME_SIZE], place[NAME_SIZE];
};

static int
candidate_compare(const void *a, const void *b)
{
    const struct candidate *x = *(struct candidate *const *)a;
    const struct candidate *y = *(struct candidate *const *)b;
    if (x->confidence != y->confidence) {
        return x->confidence > y->confidence ? -1 : 1;
    }
    if (x->severity != y->severity) {
        return x->severity > y->severity ? -1 : 1;
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

void
gather_fini(struct gather *gather)
{
    gather_clear(gather);
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

void
gather_add(struct engine *engine, const struct finding *f, const struct decision *d)
{
    struct gather *gather = &engine->gather;
    int64_t now_us = clock_boot_us(engine->clock);
    struct candidate c = {.decision = *d,
                          .confidence = f->confidence,
                          .severity = f->detection->severity,
                          .order = gather->seen};
    c.decision.hold = HOLD_NONE;
    c.decision.hold_detail[0] = '\0';
    finding_place(f, c.network, c.place);
    if (gather->count == 0) {
        gather->since_us = now_us;
    }
    struct candidate *same = gather_find(gather, d->endpoint_id);
    struct candidate *known = &c;
    if (same && candidate_compare(&known, &same) < 0) {
        c.order = same->order;
        *same = c;
    }
    if (same) {
        return;
    }
    gather->seen++;
    gather->last_us = now_us;
    struct candidate *to = gather_room(gather, &c);
    if (to) {
        *to = c;
    }
}

enum budget_word
budget_ask(struct engine *engine, const struct finding *f, char why[TEXT_SIZE])
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    char network[NAME_SIZE], place[NAME_SIZE];
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
    finding_place(f, network, place);
    return places_allow(engine, network, place, why) ? BUDGET_GO : BUDGET_OVER;
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

/* Has anything changed since it was asked for? */
static bool
is_still_due(struct engine *engine, const struct candidate *c)
{
    const struct decision *d = &c->decision;
    const struct policy_world *world = &engine->world;
    char why[TEXT_SIZE];
    return !decision_is_in_force(engine, d) && !was_just_released(engine, d->endpoint_id) &&
           !world->is_protected(world->context, d->endpoint_id, &d->ip, why) &&
           places_allow(engine, c->network, c->place, why);
}

bool
engine_gathered(struct engine *engine, struct decision *decision)
{
    struct gather *gather = &engine->gather;
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
        if (is_still_due(engine, c)) {
            *decision = c->decision;
            decision_start(engine, decision, c->network, c->place);
            budget_take(engine, c->network, c->place);
            gather->taken++;
            return true;
        }
    }
    engine->counters.over_budget += gather->seen > gather->taken ? gather->seen - gather->taken : 0;
    gather_clear(gather);
    return false;
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

static size_t
share_list(struct budget_share *shares, size_t count, size_t room, bool is_switch, const char *name)
{
    if (name[0] == '\0') {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (shares[i].is_switch == is_switch && strcmp(shares[i].name, name) == 0) {
            shares[i].contained++;
            return count;
        }
    }
    if (count < room) {
        shares[count] = (struct budget_share){.is_switch = is_switch, .contained = 1};
        snprintf(shares[count++].name, NAME_SIZE, "%s", name);
    }
    return count;
}

size_t
engine_budget_shares(struct engine *engine, struct budget_share *shares, size_t room)
{
    size_t count = 0, recounts = 0;
    int64_t now_us = clock_boot_us(engine->clock);
    const struct table_item *item;
    TAILQ_FOREACH(item, &engine->forces.by_age, by_age)
    {
        const struct force_item *force = (const struct force_item *)(const void *)item;
        if (force->is_isolation && force->until_us > now_us) {
            count = share_list(shares, count, room, false, force->network);
            count = share_list(shares, count, room, true, force->place);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct budget_share *to = &shares[i];
        struct share_item *share = share_need(engine, to->is_switch, to->name, false);
        bool is_fresh = share->has_population && now_us - share->population_us < POPULATION_US;
        if (!is_fresh && recounts < RECOUNTS_MAX) {
            recounts++;
            share = share_need(engine, to->is_switch, to->name, true);
        }
        to->population = share->population;
        to->most = share_most(engine, to->is_switch, to->population);
    }
    return count;
}

void
budget_init(struct engine *engine)
{
    table_init(&engine->shares, sizeof(struct share_item), SHARES_MAX, &engine->shares_evicted);
}
