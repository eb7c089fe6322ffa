/* What people and programs ask for, and what time ends: each is committed before it takes effect
 * and before anybody is told. */
#include "controller/wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/alteration.h"
#include "controller/clocks.h"
#include "controller/commit.h"
#include "controller/entry.h"
#include "controller/pending.h"
#include "controller/resite.h"
#include "controller/switches.h"
#include "controller/world.h"
#include "policy/rollout.h"

#define WHY_SIZE TEXT_SIZE

/* ---- asking for a containment ---- */

struct wish_commit {
    struct entry *entry;
    wish_done_fn *done;
    void *context;
};

static void
on_wish_stored(void *context, int error)
{
    struct wish_commit *waits = context;
    if (error) {
        alteration_tell(waits->done, waits->context, WISH_FAILED, "it could not be stored", NULL);
    } else {
        alteration_tell(waits->done, waits->context, WISH_DONE, "", &waits->entry->c);
    }
    free(waits);
}

bool
wish_is_host(const struct ip *ip)
{
    bool is_v4_special = ip_is_v4(ip) && (ip->b[12] == 0 || ip->b[12] == 127 || ip->b[12] >= 224);
    struct ip loopback = {.b = {[15] = 1}};
    return !ip_is_none(ip) && !ip_is_group(ip) && !is_v4_special && !ip_is_equal(ip, &loopback);
}

#define SITE_NEEDED "several sites may have that address; name the site, the endpoint or its MAC"

bool
wish_address_is_clear(enum resolution how, char why[TEXT_SIZE])
{
    switch (how) {
    case RESOLUTION_SURE:
        return true;
    case RESOLUTION_NONE: /* a rule on it would cut off whoever gets it next */
        snprintf(why, WHY_SIZE, "nobody is known to have that address: name the endpoint or its "
                                "MAC, or say that whoever has it is meant");
        return false;
    case RESOLUTION_SITES:
        snprintf(why, WHY_SIZE, SITE_NEEDED);
        return false;
    case RESOLUTION_CHANGED:
        snprintf(why, WHY_SIZE,
                 "the address has changed hands since; name the endpoint or its MAC");
        return false;
    case RESOLUTION_OLD:
        snprintf(why, WHY_SIZE, "nobody was seen with that address for long; name the endpoint");
        return false;
    default:
        snprintf(why, WHY_SIZE, "two machines claimed that address; name the endpoint or its MAC");
        return false;
    }
}

/* The address itself, as was asked for in so many words: whoever gets it. */
static bool
wish_by_address(struct controller *controller, const struct wish *wish, char why[WHY_SIZE])
{
    if (ip_is_link_local(&wish->ip)) {
        snprintf(why, WHY_SIZE, "that address is only unique on one network; name the MAC");
        return false;
    }
    snprintf(why, WHY_SIZE, SITE_NEEDED);
    return wish->site[0] != '\0' || !policy_has_sites(engine_policy(controller->engine));
}

/* Whom the wish is about; false: 'why'. */
static bool
wish_subject(struct controller *controller, const struct wish *wish,
             const struct endpoint **endpoint, char why[WHY_SIZE])
{
    *endpoint = NULL;
    if (wish->action == ACTION_BLOCK_SERVER) {
        return true;
    }
    if (wish->endpoint_id[0] != '\0') {
        *endpoint = topology_by_id(controller->topology, wish->endpoint_id);
        snprintf(why, WHY_SIZE, "no endpoint has that id");
        return *endpoint != NULL;
    }
    if (!mac_is_none(&wish->mac)) {
        *endpoint = topology_by_mac(controller->topology, &wish->mac);
        snprintf(why, WHY_SIZE, "that MAC address cannot be an endpoint's");
        return !mac_is_group(&wish->mac) && !mac_is_virtual_router(&wish->mac);
    }
    if (ip_is_none(&wish->ip)) {
        snprintf(why, WHY_SIZE, "an endpoint, a MAC or an IP address is needed");
        return false;
    }
    if (!wish_is_host(&wish->ip)) {
        snprintf(why, WHY_SIZE, "that address cannot be an endpoint's");
        return false;
    }
    struct held held;
    int64_t at_us = wish->observed_us ? wish->observed_us : clock_wall_us(controller->clock);
    enum resolution how =
        topology_resolve(controller->topology, wish->site, &wish->ip, at_us, &held);
    if (wish->is_by_address && how == RESOLUTION_NONE) {
        return wish_by_address(controller, wish, why);
    }
    *endpoint = held.endpoint;
    return wish_address_is_clear(how, why);
}

#define SERVER_LEAST_V4 (96 + 8)
#define SERVER_LEAST_V6 16

/* A group, or half the world, is no server. */
static bool
is_server_prefix(const struct prefix *server, char why[WHY_SIZE])
{
    int least = ip_is_v4(&server->ip) ? SERVER_LEAST_V4 : SERVER_LEAST_V6;
    if (server->length < least) {
        snprintf(why, WHY_SIZE, "that is too much of the Internet for one server: /%d at least",
                 ip_is_v4(&server->ip) ? least - 96 : least);
        return false;
    }
    snprintf(why, WHY_SIZE, "that address cannot be a server's");
    return wish_is_host(&server->ip) && !ip_is_link_local(&server->ip);
}

static bool
has_permit_set(const struct controller *controller, const char *name)
{
    const struct permit_set *sets = NULL;
    size_t count = policy_permit_sets(engine_policy(controller->engine), &sets);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sets[i].name, name) == 0) {
            return true;
        }
    }
    return name[0] == '\0';
}

static bool
wish_is_sound(struct controller *controller, const struct wish *wish,
              const struct endpoint *endpoint, char why[WHY_SIZE])
{
    bool needs_server = wish->action == ACTION_BLOCK_PAIR || wish->action == ACTION_BLOCK_SERVER;
    if (needs_server && prefix_is_none(&wish->server)) {
        snprintf(why, WHY_SIZE, "a server address is needed: switches match addresses, not names");
        return false;
    }
    if (needs_server && !is_server_prefix(&wish->server, why)) {
        return false;
    }
    const struct policy *policy = engine_policy(controller->engine);
    if (needs_server && !endpoint && wish->site[0] == '\0' && policy_has_sites(policy) &&
        policy_is_internal(policy, &wish->server.ip)) {
        snprintf(why, WHY_SIZE, SITE_NEEDED);
        return false;
    }
    if (!has_permit_set(controller, wish->permit_set)) {
        snprintf(why, WHY_SIZE, "no permit set is named %s", wish->permit_set);
        return false;
    }
    char reason[TEXT_SIZE];
    struct prefix address = {.ip = wish->ip, .length = ip_is_none(&wish->ip) ? 0 : 128};
    bool is_server = wish->action == ACTION_BLOCK_SERVER;
    /* A mirror only looks. */
    if (wish->action != ACTION_MIRROR &&
        world_is_protected(controller, endpoint, is_server ? NULL : &wish->mac,
                           is_server ? &wish->server : &address, wish->site, reason)) {
        snprintf(why, WHY_SIZE, "protected: %.480s", reason);
        return false;
    }
    return true;
}

/* Whose addresses it is about. */
static const char *
wish_site(struct controller *controller, const struct wish *wish, const struct endpoint *endpoint)
{
    const char *at = endpoint ? topology_site_of_endpoint(controller->topology, endpoint) : "";
    return subject_site(controller, wish->action, &wish->server, wish->site[0] ? wish->site : at);
}

static void
wish_fill(struct controller *controller, const struct wish *wish, const struct endpoint *endpoint,
          struct containment *c)
{
    containment_begin(controller, c, wish->action, wish->account);
    snprintf(c->endpoint_id, sizeof(c->endpoint_id), "%s", endpoint ? endpoint->id : "");
    text_keep(&c->external_id, NAME_SIZE, wish->external_id);
    snprintf(c->permit_set, sizeof(c->permit_set), "%s", wish->permit_set);
    text_keep(&c->server_name, HOST_SIZE, wish->server_name);
    text_keep(&c->reason, TEXT_SIZE, wish->reason);
    c->subject_mac = wish->mac;
    c->subject_ip = wish->ip;
    c->server = wish->server;
    snprintf(c->site, sizeof(c->site), "%s", wish_site(controller, wish, endpoint));
    uint32_t expires_s = wish->expires_s ? wish->expires_s : controller->settings.default_expiry_s;
    c->expires_us = expires_s ? c->requested_us + (int64_t)expires_s * 1000000 : 0;
    containment_mark(c, "requested", c->requested_us, wish->account);
}

static bool
wish_was_made(struct controller *controller, const struct wish *wish, wish_done_fn *done,
              void *context)
{
    if (wish->external_id[0] == '\0') {
        return false;
    }
    struct entry *entry = entry_find_external(controller, wish->external_id);
    if (entry && !entry->is_committed) {
        alteration_wait(controller,
                        &(struct alteration_turn){.wish = *wish, .done = done, .context = context});
        return true;
    }
    if (entry) {
        alteration_tell(done, context, WISH_EXISTS, "asked for before", &entry->c);
        return true;
    }
    struct containment c;
    if (!store_find_external(controller->store, wish->external_id, &c)) {
        return false;
    }
    alteration_tell(done, context, WISH_EXISTS, "asked for before", &c);
    containment_fini(&c);
    return true;
}

void
controller_release(struct controller *controller, const char *containment_id, const char *account,
                   const char *reason, wish_done_fn *done, void *context)
{
    struct alteration_turn turn = alteration_turn(containment_id, account, reason, done, context);
    turn.kind = TURN_RELEASE;
    struct entry *entry = alteration_find(controller, &turn);
    if (!entry) {
        return;
    }
    if (lifecycle_is_ended(entry->c.state)) {
        alteration_tell(done, context, WISH_EXISTS, "it has ended already", &entry->c);
        return;
    }
    alteration_end(controller, entry, LIFE_RELEASE, account, reason, done, context);
}

static void
extend_it(struct controller *controller, struct entry *entry, uint32_t expires_s,
          const char *account, enum wish_result told_as, wish_done_fn *done, void *context)
{
    struct alteration *a = alteration_new(controller, entry, done, context);
    a->told_as = told_as;
    int64_t now_us = clock_wall_us(controller->clock);
    a->after.expires_us = expires_s ? now_us + (int64_t)expires_s * 1000000 : 0;
    char detail[TIME_TEXT_SIZE + 32] = "until released";
    if (expires_s) {
        char text[TIME_TEXT_SIZE];
        time_format(a->after.expires_us, text);
        snprintf(detail, sizeof(detail), "until %s", text);
    }
    alteration_submit(a, account, "extend", detail);
}

void
controller_extend(struct controller *controller, const char *containment_id, uint32_t expires_s,
                  const char *account, wish_done_fn *done, void *context)
{
    struct alteration_turn turn = alteration_turn(containment_id, account, "", done, context);
    turn.kind = TURN_EXTEND;
    turn.wish.expires_s = expires_s;
    struct entry *entry = alteration_find(controller, &turn);
    if (!entry) {
        return;
    }
    if (!lifecycle_is_in_force(entry->c.state)) {
        alteration_tell(done, context, WISH_REFUSED, "it is not in force", &entry->c);
        return;
    }
    extend_it(controller, entry, expires_s, account, WISH_DONE, done, context);
}

void
controller_prove(struct controller *controller, const char *containment_id, const char *account,
                 const char *reason, wish_done_fn *done, void *context)
{
    struct alteration_turn turn = alteration_turn(containment_id, account, reason, done, context);
    turn.kind = TURN_PROVE;
    struct entry *entry = alteration_find(controller, &turn);
    if (!entry) {
        return;
    }
    if (!entry->c.unproven || !lifecycle_is_in_force(entry->c.state)) {
        alteration_tell(done, context, WISH_REFUSED,
                        "a person has decided about it already, or it was never unproven",
                        &entry->c);
        return;
    }
    struct alteration *a = alteration_new(controller, entry, done, context);
    text_keep(&a->after.unproven, NAME_SIZE, "");
    alteration_submit(a, account, "keep", reason);
}

/* The same is in force already.  The asker must not be told so while it leaves more, or ends
 * sooner, than was asked for. */
static void
wish_join(struct controller *controller, const struct wish *wish, struct entry *same,
          wish_done_fn *done, void *context)
{
    const struct containment *c = &same->c;
    uint32_t expires_s = wish->expires_s ? wish->expires_s : controller->settings.default_expiry_s;
    int64_t until_us = clock_wall_us(controller->clock) + (int64_t)expires_s * 1000000;
    if (!same->is_committed || same->is_changing) { /* a release, perhaps */
        alteration_wait(controller,
                        &(struct alteration_turn){.wish = *wish, .done = done, .context = context});
    } else if (strcmp(c->permit_set, wish->permit_set) != 0) {
        char why[WHY_SIZE];
        snprintf(why, sizeof(why), "in force already as %s, with %s%s: release that one first",
                 c->id, c->permit_set[0] ? "the permit set " : "no permits at all", c->permit_set);
        alteration_tell(done, context, WISH_REFUSED, why, NULL);
    } else if (c->unproven) { /* that is decided, and then it is as any other */
        struct alteration *a = alteration_new(controller, same, NULL, NULL);
        text_keep(&a->after.unproven, NAME_SIZE, "");
        alteration_submit(a, wish->account, "keep", wish->reason);
        alteration_wait(controller,
                        &(struct alteration_turn){.wish = *wish, .done = done, .context = context});
    } else if (c->expires_us > 0 && (expires_s == 0 || until_us > c->expires_us)) {
        extend_it(controller, same, expires_s, wish->account, WISH_EXISTS, done, context);
    } else {
        alteration_tell(done, context, WISH_EXISTS, "in force already", c);
    }
}

void
controller_wish(struct controller *controller, const struct wish *wish, wish_done_fn *done,
                void *context)
{
    const struct endpoint *endpoint = NULL;
    char why[WHY_SIZE] = "", barred[WHY_SIZE] = "";
    if (wish_was_made(controller, wish, done, context)) {
        return;
    }
    if (wish->action == ACTION_NONE || wish->action >= ACTION_NOTIFY) {
        alteration_tell(done, context, WISH_REFUSED, "that is no action on an endpoint or a server",
                        NULL);
        return;
    }
    bool is_clear = wish_subject(controller, wish, &endpoint, why);
    bool is_unknown = wish->endpoint_id[0] != '\0' && !endpoint;
    if (!wish_is_sound(controller, wish, endpoint, barred) && !is_unknown) {
        alteration_tell(done, context, WISH_REFUSED, barred, NULL); /* weightier than whose it is */
        return;
    }
    if (!is_clear) {
        alteration_tell(done, context, is_unknown ? WISH_UNKNOWN : WISH_REFUSED, why, NULL);
        return;
    }
    const struct subject subject = {.action = wish->action,
                                    .endpoint_id = endpoint ? endpoint->id : "",
                                    .mac = wish->mac,
                                    .ip = wish->ip,
                                    .server = wish->server,
                                    .site = wish_site(controller, wish, endpoint)};
    struct entry *same = entry_find_same(controller, &subject);
    if (same && lifecycle_is_in_force(same->c.state)) {
        wish_join(controller, wish, same, done, context);
        return;
    }
    struct containment c;
    wish_fill(controller, wish, endpoint, &c);
    struct wish_commit *waits = MEM_NEW(struct wish_commit);
    *waits = (struct wish_commit){entry_new(controller, &c), done, context};
    struct commit *commit = commit_new(controller);
    commit_add(commit, waits->entry);
    commit_submit(commit, on_wish_stored, waits);
}

void
controller_tighten(struct controller *controller, struct entry *entry,
                   const struct decision *decision)
{
    char account[NAME_SIZE];
    if (!entry_tighten(entry, decision->permit_set)) {
        return;
    }
    snprintf(account, sizeof(account), "policy:%.50s", decision->policy);
    entry_mark(entry, "tightened", clock_wall_us(controller->clock), account);
    if (entry->is_committed) { /* else with the rules that are made when it is */
        struct alteration *a = alteration_new(controller, entry, NULL, NULL);
        alteration_submit(a, account, "tighten", decision->reason);
    }
}

/* ---- by time ---- */

void
entries_tick(struct controller *controller)
{
    int64_t now_us = clock_wall_us(controller->clock);
    if (controller->next_due_us == 0 || now_us < controller->next_due_us ||
        clocks_is_unsure(controller)) {
        return;
    }
    controller->next_due_us = 0;
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        const struct containment *c = &entry->c;
        if (!entry->is_committed || entry->is_changing) {
            entry_due(controller, entry);
        } else if (lifecycle_is_in_force(c->state) && c->expires_us > 0 &&
                   c->expires_us <= now_us) {
            alteration_end(controller, entry, LIFE_EXPIRE, "policy:expiry", "its time is over",
                           NULL, NULL);
        } else if (c->state == CONTAINMENT_PENDING && c->pending_until_us > 0 &&
                   c->pending_until_us <= now_us) {
            pending_due(controller, entry);
        } else {
            entry_due(controller, entry);
        }
    }
}
