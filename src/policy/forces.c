/* What is in force, on its way or over, as far as the engine must know it: so that the same is not
 * decided twice, and budgets count it (engine_note_*() of engine.h). */
#include <stdio.h>
#include <string.h>

#include "base/join.h"
#include "policy/engine_state.h"

#define ON_ITS_WAY_US (60 * SECOND_US)

const char *
server_site(const struct engine *e, const struct ip *server, const char *site)
{
    bool is_inside = !ip_is_none(server) && policy_is_internal(e->policy, server);
    return e->policy->has_sites && is_inside ? site : "";
}

struct force_of {
    enum action action;
    const char *endpoint_id;
    struct ip server;
    const char *name, *site; /* the site as the containment or decision has it */
};

static struct force_of
force_of_decision(const struct engine *e, const struct decision *d)
{
    return (struct force_of){d->action, d->endpoint_id, d->server.ip, d->server_name,
                             server_site(e, &d->server.ip, d->site)};
}

/* A containment of a server has a site where its address is a site's, whatever the policy says now.
 */
static struct force_of
force_of_containment(const struct engine *e, const struct containment *c, const char *site)
{
    bool is_server = c->action == ACTION_BLOCK_SERVER;
    return (struct force_of){c->action, c->endpoint_id, c->server.ip, text_or_empty(c->server_name),
                             is_server ? site : server_site(e, &c->server.ip, site)};
}

static void
force_key(char key[TABLE_KEY_SIZE], const struct force_of *of)
{
    char text[IP_TEXT_SIZE] = "";
    if (!ip_is_none(&of->server)) {
        ip_format(&of->server, text);
    }
    struct join join = join_to(key, TABLE_KEY_SIZE);
    switch (of->action) {
    case ACTION_ISOLATE:
    case ACTION_MIRROR:
        join_text(&join, of->action == ACTION_ISOLATE ? "e:" : "m:");
        join_text(&join, of->endpoint_id);
        return;
    case ACTION_BLOCK_PAIR:
        join_text(&join, "p:");
        join_text(&join, of->endpoint_id);
        join_text(&join, "|");
        join_text(&join, text);
        break;
    default:
        join_text(&join, "s:");
        join_text(&join, text);
        join_text(&join, "|");
        join_most(&join, text[0] ? "" : of->name, 100);
        break;
    }
    join_text(&join, "@");
    join_most(&join, of->site, 63);
}

bool
force_is_live(const struct engine *e, const struct force_item *force)
{
    return force && force->until_us > clock_boot_us(e->clock);
}

const struct force_item *
isolation_of(const struct engine *e, const struct decision *d)
{
    char key[TABLE_KEY_SIZE];
    const struct force_of of = {.action = ACTION_ISOLATE, .endpoint_id = d->endpoint_id};
    force_key(key, &of);
    const struct force_item *isolation = d->endpoint_id[0] ? table_find(&e->forces, key) : NULL;
    return force_is_live(e, isolation) ? isolation : NULL;
}

/* The same, or something that leaves less, is in force or on its way.  Of two permit sets none
 * leaves less than the other; what a person permits a policy does not take away. */
bool
decision_is_in_force(const struct engine *e, const struct decision *d)
{
    char key[TABLE_KEY_SIZE];
    const struct force_item *isolation = isolation_of(e, d);
    if (d->action == ACTION_ISOLATE) {
        return isolation && (isolation->permit_set[0] == '\0' || d->permit_set[0] != '\0' ||
                             isolation->is_by_person);
    }
    if (d->action == ACTION_BLOCK_PAIR && isolation) {
        return true;
    }
    struct force_of of = force_of_decision(e, d);
    force_key(key, &of);
    if (force_is_live(e, table_find(&e->forces, key))) {
        return true;
    }
    of.site = ""; /* at every site */
    force_key(key, &of);
    return force_is_live(e, table_find(&e->forces, key));
}

void
force_drop(struct engine *e, void *force)
{
    table_drop(&e->forces, force);
    e->ended++;
}

static struct force_item *
force_need(struct engine *e, const char key[TABLE_KEY_SIZE], const char *endpoint_id)
{
    struct force_item *force = table_need(&e->forces, key, clock_boot_us(e->clock));
    snprintf(force->endpoint_id, sizeof(force->endpoint_id), "%s", endpoint_id);
    return force;
}

void
decision_start(struct engine *e, const struct decision *d, const char *network, const char *place)
{
    char key[TABLE_KEY_SIZE];
    const struct force_of of = force_of_decision(e, d);
    force_key(key, &of);
    struct force_item *force = force_need(e, key, d->endpoint_id);
    if (d->is_tighter) { /* it ends when it was meant to */
        force->permit_set[0] = '\0';
        return;
    }
    int64_t for_us = ON_ITS_WAY_US;
    if (d->action == ACTION_MIRROR) { /* nobody tells of mirrors */
        for_us = (int64_t)d->expires_s * SECOND_US;
    }
    force->until_us = clock_boot_us(e->clock) + for_us;
    force->expires_s = d->expires_s;
    force->is_isolation = d->action == ACTION_ISOLATE;
    force->is_by_person = false;
    memcpy(force->permit_set, d->permit_set, sizeof(force->permit_set));
    snprintf(force->network, sizeof(force->network), "%s", network);
    snprintf(force->place, sizeof(force->place), "%s", place);
}

void
finding_place(const struct finding *f, char network[NAME_SIZE], char place[NAME_SIZE])
{
    bool is_placed = f->endpoint && f->endpoint->location.class != LOCATION_NONE;
    snprintf(network, NAME_SIZE, "%s", f->network ? f->network->name : "");
    snprintf(place, NAME_SIZE, "%s", is_placed ? f->endpoint->location.switch_name : "");
}

/* The place of an endpoint that we did not isolate ourselves, and the network of its newest
 * address, of those that are current where there is one. */
static void
force_find_place(struct engine *e, struct force_item *force)
{
    const struct endpoint *endpoint = NULL;
    if (!e->world.endpoint(e->world.context, force->endpoint_id, &endpoint)) {
        return;
    }
    if (force->place[0] == '\0' && endpoint->location.class != LOCATION_NONE) {
        snprintf(force->place, sizeof(force->place), "%s", endpoint->location.switch_name);
    }
    if (force->network[0] != '\0') {
        return;
    }
    bool has_current = false;
    for (size_t i = endpoint->binding_count; i-- > 0 && !has_current;) {
        const struct binding *binding = &endpoint->bindings[i];
        const struct file_network *network =
            policy_network_of(e->policy, binding_site(binding), &binding->ip);
        has_current = network && binding->until_us == 0;
        if (network && (has_current || force->network[0] == '\0')) {
            memcpy(force->network, network->name, sizeof(force->network));
        }
    }
}

/* Not for ever: should its end never be told, the like may be asked for again after its time. */
static void
force_confirm(struct engine *e, struct force_item *force, uint32_t left_s)
{
    uint32_t for_s = left_s             ? left_s
                     : force->expires_s ? force->expires_s
                                        : e->policy->file.defaults.expires_s;
    force->until_us = clock_boot_us(e->clock) + (int64_t)for_s * SECOND_US;
    if (force->is_isolation) {
        force_find_place(e, force);
    }
}

void
engine_note_begun(struct engine *e, const struct containment *c)
{
    char key[TABLE_KEY_SIZE];
    int64_t left_us = c->expires_us - clock_wall_us(e->clock);
    const struct force_of of = force_of_containment(e, c, c->site);
    force_key(key, &of);
    struct force_item *force = force_need(e, key, c->endpoint_id);
    force->is_isolation = c->action == ACTION_ISOLATE;
    force->is_by_person = strncmp(c->requested_by, "policy:", 7) != 0;
    memcpy(force->permit_set, c->permit_set, sizeof(force->permit_set));
    force_confirm(e, force, left_us > 0 ? (uint32_t)(left_us / SECOND_US) + 1 : 0);
}

void
engine_note_sited(struct engine *e, const struct containment *c)
{
    char key[TABLE_KEY_SIZE];
    const struct force_of before = force_of_containment(e, c, "");
    force_key(key, &before);
    struct force_item *force = table_find(&e->forces, key);
    if (force) {
        force_drop(e, force);
    }
    engine_note_begun(e, c);
}

void
engine_note_contained(struct engine *e, const char *endpoint_id, const struct ip *ip)
{
    char key[TABLE_KEY_SIZE];
    bool is_outside = ip && !ip_is_none(ip) && !policy_is_home(e->policy, ip);
    enum action action = endpoint_id[0] == '\0' ? ACTION_BLOCK_SERVER
                         : is_outside           ? ACTION_BLOCK_PAIR
                                                : ACTION_ISOLATE;
    const struct force_of of = {action, endpoint_id, ip ? *ip : (struct ip){.b = {0}}, "", ""};
    force_key(key, &of);
    struct force_item *force = table_find(&e->forces, key);
    if (force) { /* only what was decided here: nobody says which action it is */
        force_confirm(e, force, 0);
    }
}

/* Drops what was held or said about that endpoint. */
static void
said_forget(struct engine *e, const char *endpoint_id)
{
    struct table_item *item = TAILQ_FIRST(&e->said.by_age);
    while (item) {
        struct table_item *next = TAILQ_NEXT(item, by_age);
        if (strcmp(((struct said_item *)(void *)item)->endpoint_id, endpoint_id) == 0) {
            table_drop(&e->said, item);
        }
        item = next;
    }
}

void
engine_note_over(struct engine *e, const struct containment *c)
{
    char key[TABLE_KEY_SIZE];
    const struct force_of of = force_of_containment(e, c, c->site);
    force_key(key, &of);
    struct force_item *force = table_find(&e->forces, key);
    bool was_pending = c->state == CONTAINMENT_CHECKED || c->state == CONTAINMENT_REVERTED;
    if (force && !was_pending) {
        force_drop(e, force);
    }
    if (was_pending && c->action == ACTION_ISOLATE) {
        budget_refuse(e, c->endpoint_id);
    }
    if (c->state == CONTAINMENT_RELEASED && c->endpoint_id[0] != '\0') {
        table_need(&e->released, c->endpoint_id, clock_boot_us(e->clock));
    }
    if (!was_pending) { /* what a person refused is not asked for again at once */
        said_forget(e, c->endpoint_id);
    }
}

void
engine_note_released(struct engine *e, const char *endpoint_id)
{
    if (endpoint_id[0] == '\0') {
        return;
    }
    struct table_item *item = TAILQ_FIRST(&e->forces.by_age);
    while (item) {
        struct table_item *next = TAILQ_NEXT(item, by_age);
        if (strcmp(((struct force_item *)(void *)item)->endpoint_id, endpoint_id) == 0) {
            force_drop(e, item);
        }
        item = next;
    }
    said_forget(e, endpoint_id);
    table_need(&e->released, endpoint_id, clock_boot_us(e->clock));
}
