#include "policy/shares.h"

#include <stdio.h>
#include <string.h>

#include "policy/budget.h"

#define SMALL_NETWORK                                                                              \
    3 /* so many are allowed in the smallest network, and on the smallest switch */
#define SHARES_MAX 1024
#define COUNTED_US SECOND_US           /* counted again after so long, or before anything is held */
#define POPULATION_US (10 * SECOND_US) /* likewise: endpoints do not come and go so fast */
#define RECOUNTS_MAX 8                 /* populations counted for one list */

struct share_item {
    struct table_item item;
    size_t contained, population;        /* 0: not known */
    int64_t contained_us, population_us; /* boot clock, when they were counted */
    uint64_t ended;                      /* of the engine's count, then */
    bool has_population;
};

/* A network or a switch. */
struct share {
    bool is_switch;
    const char *name;
    const struct policy *policy;
    const struct file_network *network; /* NULL: a switch, or there is none of that name */
};

void
shares_init(struct engine *engine)
{
    table_init(&engine->shares, sizeof(struct share_item), SHARES_MAX, &engine->shares_evicted);
}

static struct share
share_of(const struct engine *engine, bool is_switch, const char *name)
{
    const struct policy_file *file = &engine->policy->file;
    struct share share = {.is_switch = is_switch, .name = name, .policy = engine->policy};
    for (size_t i = 0; !is_switch && i < file->network_count; i++) {
        if (strcmp(file->networks[i].name, name) == 0) {
            share.network = &file->networks[i];
        }
    }
    return share;
}

/* ---- who counts where ---- */

static bool
is_somewhere(const struct share *share, const struct endpoint *endpoint)
{
    if (share->is_switch) {
        return endpoint->location.class != LOCATION_NONE;
    }
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        if (endpoint->bindings[i].until_us == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_there(const void *what, const struct endpoint *endpoint)
{
    const struct share *share = what;
    if (share->is_switch) {
        return endpoint->location.class != LOCATION_NONE &&
               strcmp(endpoint->location.switch_name, share->name) == 0;
    }
    for (size_t i = 0; share->network && i < endpoint->binding_count; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        if (binding->until_us == 0 && prefixes_have(&share->network->meaning, &binding->ip) &&
            policy_network_of(share->policy, binding_site(binding), &binding->ip) ==
                share->network) {
            return true;
        }
    }
    return false;
}

struct isolated {
    size_t count;
    size_t unseen; /* of them: nobody sees them there, or anywhere */
};

static struct isolated
isolated_in(const struct engine *engine, const struct share *share)
{
    struct isolated isolated = {.count = 0};
    int64_t now_us = clock_boot_us(engine->clock);
    const struct policy_world *world = &engine->world;
    const struct table_item *item;
    TAILQ_FOREACH(item, &engine->forces.by_age, by_age)
    {
        const struct force_item *force = (const struct force_item *)(const void *)item;
        const struct endpoint *endpoint = NULL;
        if (!force->is_isolation || force->until_us <= now_us) {
            continue;
        }
        bool is_seen = world->endpoint(world->context, force->endpoint_id, &endpoint) &&
                       is_somewhere(share, endpoint);
        const char *was = share->is_switch ? force->place : force->network;
        isolated.count += is_seen ? is_there(share, endpoint) : strcmp(was, share->name) == 0;
        isolated.unseen += !is_seen && strcmp(was, share->name) == 0;
    }
    return isolated;
}

static bool
is_whole(const struct engine *engine, const struct share *share)
{
    const struct policy_world *world = &engine->world;
    return world->count && (!world->is_whole ||
                            world->is_whole(world->context, share->is_switch ? share->name : ""));
}

/* ---- counting goes through all endpoints: what was counted a moment ago is good enough ---- */

static void
share_key(char key[TABLE_KEY_SIZE], bool is_switch, const char *name)
{
    snprintf(key, TABLE_KEY_SIZE, "%c:%s", is_switch ? 's' : 'n', name);
}

/* Its population where it was counted 'population_us' ago at most; INT64_MAX: as it is. */
static struct share_item *
share_need(struct engine *engine, const struct share *share, int64_t population_us)
{
    char key[TABLE_KEY_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    share_key(key, share->is_switch, share->name);
    bool is_new = table_find(&engine->shares, key) == NULL;
    struct share_item *item = table_need(&engine->shares, key, now_us);
    bool is_old = item->has_population && now_us - item->population_us >= population_us;
    bool is_asked = is_old || (!item->has_population && population_us != INT64_MAX);
    bool counts_all = is_asked && is_whole(engine, share);
    struct isolated isolated = {.count = 0};
    if (is_new || counts_all || now_us - item->contained_us >= COUNTED_US ||
        item->ended != engine->ended) {
        isolated = isolated_in(engine, share);
        item->contained = isolated.count;
        item->contained_us = now_us;
        item->ended = engine->ended;
    }
    if (counts_all) {
        const struct policy_world *world = &engine->world;
        item->population = world->count(world->context, is_there, share) + isolated.unseen;
        item->population_us = now_us;
        item->has_population = true;
    }
    return item;
}

void
shares_spend(struct engine *engine, const char *network, const char *place)
{
    const char *names[] = {network, place};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char key[TABLE_KEY_SIZE];
        share_key(key, i == 1, names[i]);
        struct share_item *item = table_find(&engine->shares, key);
        if (item) {
            item->contained++;
        }
    }
}

/* ---- may one more be? ---- */

static size_t
share_most(const struct engine *engine, bool is_switch, size_t population)
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    size_t percent = is_switch ? budgets->switch_percent : budgets->network_percent;
    size_t most = population * percent / 100;
    return population == 0 ? 0 : most > SMALL_NETWORK ? most : SMALL_NETWORK;
}

static bool
has_room(const struct engine *engine, const struct share *share, const struct share_item *item)
{
    size_t most = share_most(engine, share->is_switch, item->population);
    return most == 0 || item->contained < most;
}

static bool
share_allows(struct engine *engine, const struct share *share, char why[TEXT_SIZE],
             struct share_full *full)
{
    const struct file_budgets *budgets = &engine->policy->file.budgets;
    const struct share_item *item = share_need(engine, share, POPULATION_US);
    if (!has_room(engine, share, item)) { /* nothing is held for a count that is old */
        item = share_need(engine, share, COUNTED_US);
    }
    if (has_room(engine, share, item)) {
        return true;
    }
    *full = (struct share_full){
        .is_set = true, .is_switch = share->is_switch, .population = item->population};
    snprintf(full->name, sizeof(full->name), "%s", share->name);
    snprintf(why, TEXT_SIZE, "%zu of %zu endpoints of %s %.100s are contained: over %u %%",
             item->contained, item->population, share->is_switch ? "switch" : "network",
             share->name,
             (unsigned)(share->is_switch ? budgets->switch_percent : budgets->network_percent));
    return false;
}

static bool
network_allows(struct engine *engine, const char *name, char why[TEXT_SIZE],
               struct share_full *full)
{
    const struct policy_file *file = &engine->policy->file;
    const struct share share = share_of(engine, false, name);
    for (size_t i = 0; i < file->network_count; i++) {
        const struct file_network *network = &file->networks[i];
        if (network->most_contained == 0 || strcmp(network->name, name) != 0) {
            continue;
        }
        size_t contained = share_need(engine, &share, INT64_MAX)->contained;
        if (contained >= network->most_contained) {
            snprintf(why, TEXT_SIZE, "%zu endpoints of network %s are contained, its limit",
                     contained, name);
            return false;
        }
    }
    return share_allows(engine, &share, why, full);
}

bool
shares_allow(struct engine *engine, const char *network, const char *place, char why[TEXT_SIZE],
             struct share_full *full)
{
    const struct share at = share_of(engine, true, place);
    full->is_set = false;
    return (network[0] == '\0' || network_allows(engine, network, why, full)) &&
           (place[0] == '\0' || share_allows(engine, &at, why, full));
}

bool
share_has_grown(struct engine *engine, const struct share_full *full)
{
    const struct share share = share_of(engine, full->is_switch, full->name);
    return share_need(engine, &share, POPULATION_US)->population > full->population;
}

/* ---- for people ---- */

struct share_list {
    struct budget_share *shares;
    size_t count, room;
};

/* One more isolated one there. */
static void
list_add(struct share_list *list, bool is_switch, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->shares[i].is_switch == is_switch && strcmp(list->shares[i].name, name) == 0) {
            list->shares[i].contained++;
            return;
        }
    }
    if (name[0] != '\0' && list->count < list->room) {
        struct budget_share *share = &list->shares[list->count++];
        *share = (struct budget_share){.is_switch = is_switch, .contained = 1};
        snprintf(share->name, NAME_SIZE, "%s", name);
    }
}

/* Is that the first of its current addresses in that network? */
static bool
is_first_in(const struct policy *policy, const struct endpoint *endpoint, size_t index,
            const struct file_network *network)
{
    for (size_t i = 0; i < index; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        if (binding->until_us == 0 &&
            policy_network_of(policy, binding_site(binding), &binding->ip) == network) {
            return false;
        }
    }
    return true;
}

static void
list_isolated(struct share_list *list, const struct engine *engine, const struct force_item *force)
{
    const struct policy_world *world = &engine->world;
    const struct share network = {.is_switch = false}, place = {.is_switch = true};
    const struct endpoint *endpoint = NULL;
    bool is_known = world->endpoint(world->context, force->endpoint_id, &endpoint);
    if (!is_known || !is_somewhere(&network, endpoint)) {
        list_add(list, false, force->network);
    }
    for (size_t i = 0; is_known && i < endpoint->binding_count; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        const struct file_network *of =
            binding->until_us == 0
                ? policy_network_of(engine->policy, binding_site(binding), &binding->ip)
                : NULL;
        if (of && is_first_in(engine->policy, endpoint, i, of)) {
            list_add(list, false, of->name);
        }
    }
    bool is_placed = is_known && is_somewhere(&place, endpoint);
    list_add(list, true, is_placed ? endpoint->location.switch_name : force->place);
}

static size_t
population_known(struct engine *engine, const struct budget_share *of, size_t *recounts)
{
    char key[TABLE_KEY_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    const struct share share = share_of(engine, of->is_switch, of->name);
    share_key(key, of->is_switch, of->name);
    const struct share_item *item = table_find(&engine->shares, key);
    bool is_fresh = item && item->has_population && now_us - item->population_us < POPULATION_US;
    if (!is_fresh && *recounts < RECOUNTS_MAX) {
        (*recounts)++;
        item = share_need(engine, &share, POPULATION_US);
    }
    return item ? item->population : 0;
}

size_t
engine_budget_shares(struct engine *engine, struct budget_share *shares, size_t room)
{
    struct share_list list = {.shares = shares, .room = room};
    size_t recounts = 0;
    int64_t now_us = clock_boot_us(engine->clock);
    const struct table_item *item;
    TAILQ_FOREACH(item, &engine->forces.by_age, by_age)
    {
        const struct force_item *force = (const struct force_item *)(const void *)item;
        if (force->is_isolation && force->until_us > now_us) {
            list_isolated(&list, engine, force);
        }
    }
    for (size_t i = 0; i < list.count; i++) {
        struct budget_share *to = &shares[i];
        to->population = population_known(engine, to, &recounts);
        to->most = share_most(engine, to->is_switch, to->population);
    }
    return list.count;
}
