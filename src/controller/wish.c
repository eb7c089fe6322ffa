/* What people and programs ask for, and what time ends: each is committed before it takes effect
 * and before anybody is told. */
#include "controller/wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/clocks.h"
#include "controller/decide.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/resite.h"
#include "controller/switches.h"
#include "controller/world.h"
#include "policy/rollout.h"

#define WHY_SIZE TEXT_SIZE

static void
tell(wish_done_fn *done, void *context, enum wish_result result, const char *why,
     const struct containment *c)
{
    if (done) {
        done(context, result, why, c);
    }
}

/* ---- waiting for one's turn ---- */

/* What was asked while a change of the same thing was on its way to the disk: asked again behind
 * it, so that nobody has to be told to try again. */
struct turn {
    struct controller *controller;
    enum { TURN_WISH, TURN_RELEASE, TURN_EXTEND, TURN_JUDGE, TURN_PROVE } kind;
    struct wish wish; /* account and reason of the others, too */
    char id[ID_SIZE];
    enum verdict verdict;
    wish_done_fn *done;
    void *context;
};

static void
on_turn(void *context, int error)
{
    struct turn *turn = context;
    struct controller *controller = turn->controller;
    const struct wish *wish = &turn->wish;
    if (error) {
        tell(turn->done, turn->context, WISH_FAILED, "it could not be stored", NULL);
        free(turn);
        return;
    }
    switch (turn->kind) {
    case TURN_WISH:
        controller_wish(controller, wish, turn->done, turn->context);
        break;
    case TURN_PROVE:
        controller_prove(controller, turn->id, wish->account, wish->reason, turn->done,
                         turn->context);
        break;
    case TURN_RELEASE:
        controller_release(controller, turn->id, wish->account, wish->reason, turn->done,
                           turn->context);
        break;
    case TURN_EXTEND:
        controller_extend(controller, turn->id, wish->expires_s, wish->account, turn->done,
                          turn->context);
        break;
    case TURN_JUDGE:
        controller_judge(controller, turn->id, turn->verdict, wish->account, wish->reason,
                         turn->done, turn->context);
        break;
    }
    free(turn);
}

/* Commits are told in the order in which they were submitted: an empty one comes behind. */
static void
turn_wait(struct controller *controller, const struct turn *turn)
{
    struct turn *waits = MEM_NEW(struct turn);
    *waits = *turn;
    waits->controller = controller;
    store_submit(controller->store, store_change_new(), on_turn, waits);
}

static struct turn
turn_make(const char *id, const char *account, const char *reason, wish_done_fn *done,
          void *context)
{
    struct turn turn = {.done = done, .context = context};
    snprintf(turn.id, sizeof(turn.id), "%s", id);
    text_put(turn.wish.account, sizeof(turn.wish.account), account);
    text_put(turn.wish.reason, sizeof(turn.wish.reason), reason);
    return turn;
}

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
        tell(waits->done, waits->context, WISH_FAILED, "it could not be stored", NULL);
    } else {
        tell(waits->done, waits->context, WISH_DONE, "", &waits->entry->c);
    }
    free(waits);
}

/* Could a machine have it?  A rule on 0.0.0.0, a broadcast or a group would cut off everybody. */
static bool
is_host_address(const struct ip *ip)
{
    bool is_v4_special = ip_is_v4(ip) && (ip->b[12] == 0 || ip->b[12] == 127 || ip->b[12] >= 224);
    struct ip loopback = {.b = {[15] = 1}};
    return !ip_is_none(ip) && !ip_is_group(ip) && !is_v4_special && !ip_is_equal(ip, &loopback);
}

#define SITE_NEEDED "several sites may have that address; name the site, the endpoint or its MAC"

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
    if (!is_host_address(&wish->ip)) {
        snprintf(why, WHY_SIZE, "that address cannot be an endpoint's");
        return false;
    }
    struct held held;
    int64_t at_us = wish->observed_us ? wish->observed_us : clock_wall_us(controller->clock);
    enum resolution how =
        topology_resolve(controller->topology, wish->site, &wish->ip, at_us, &held);
    *endpoint = held.endpoint;
    switch (how) {
    case RESOLUTION_SURE:
        return true;
    case RESOLUTION_NONE: /* by its address, until it is seen */
        if (ip_is_link_local(&wish->ip)) {
            snprintf(why, WHY_SIZE, "that address is only unique on one network; name the MAC");
            return false;
        }
        snprintf(why, WHY_SIZE, SITE_NEEDED);
        return wish->site[0] != '\0' || !policy_has_sites(engine_policy(controller->engine));
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
    return is_host_address(&server->ip) && !ip_is_link_local(&server->ip);
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
        turn_wait(controller, &(struct turn){.wish = *wish, .done = done, .context = context});
        return true;
    }
    if (entry) {
        tell(done, context, WISH_EXISTS, "asked for before", &entry->c);
        return true;
    }
    struct containment c;
    if (!store_find_external(controller->store, wish->external_id, &c)) {
        return false;
    }
    tell(done, context, WISH_EXISTS, "asked for before", &c);
    containment_fini(&c);
    return true;
}

/* ---- changing one ---- */

struct alteration {
    struct controller *controller;
    struct entry *entry; /* is_changing keeps it */
    bool has_event;
    enum life_event event;
    struct containment after; /* owned */
    char detail[TEXT_SIZE];
    enum wish_result told_as;
    wish_done_fn *done;
    void *context;
};

static void
alteration_free(struct alteration *a)
{
    containment_fini(&a->after);
    free(a);
}

static void
text_move(char **to, char **from)
{
    free(*to);
    *to = *from;
    *from = NULL;
}

/* What the change writes of the containment. */
static void
alteration_take(struct alteration *a)
{
    struct containment *c = &a->entry->c;
    struct containment *after = &a->after;
    text_move(&c->ended_by, &after->ended_by);
    text_move(&c->end_reason, &after->end_reason);
    c->ended_us = after->ended_us;
    c->expires_us = after->expires_us;
    c->action = after->action;
    c->pending_until_us = after->pending_until_us;
    c->pending_action = after->pending_action;
    c->hold = after->hold;
    text_move(&c->hold_detail, &after->hold_detail);
    text_move(&c->unproven, &after->unproven);
}

static void
altered_note(struct controller *controller, struct entry *entry)
{
    entry_refresh(controller, entry);
    entry_due(controller, entry);
    if (lifecycle_is_in_force(entry->c.state)) {
        engine_note_begun(controller->engine, &entry->c);
    }
}

static void
on_altered(void *context, int error)
{
    struct alteration *a = context;
    struct controller *controller = a->controller;
    struct entry *entry = a->entry;
    entry->is_changing = false;
    if (error) {
        entry_due(controller, entry); /* what was due by time still is */
        tell(a->done, a->context, WISH_FAILED, "it could not be stored", NULL);
        alteration_free(a);
        return;
    }
    alteration_take(a);
    if (a->has_event) {
        entry_mark(entry, life_event_names[a->event], clock_wall_us(controller->clock), a->detail);
        (void)entry_step(controller, entry, a->event, a->detail);
    }
    if (lifecycle_is_ended(entry->c.state)) {
        entry_end(controller, entry);
    } else if (a->has_event && a->event == LIFE_ENFORCE) {
        entry_enforce(controller, entry);
        engine_note_begun(controller->engine, &entry->c);
    } else {
        altered_note(controller, entry); /* policy, too, must know until when */
    }
    switches_flush(controller);
    entry_touch(controller, entry);
    tell(a->done, a->context, a->told_as, "", &entry->c);
    alteration_free(a);
}

static struct alteration *
alteration_new(struct controller *controller, struct entry *entry, wish_done_fn *done,
               void *context)
{
    struct alteration *a = MEM_NEW(struct alteration);
    a->controller = controller;
    a->entry = entry;
    containment_copy(&a->after, &entry->c);
    a->told_as = WISH_DONE;
    a->done = done;
    a->context = context;
    return a;
}

/* Policy decided it after all, and no person: it has spent its budget, which a restart must know by
 * the containment alone (store_read_isolations).  Time that has passed is no decision. */
static bool
is_by_policy(const char *account)
{
    return strncmp(account, "policy:", 7) == 0 && strcmp(account, "policy:time-out") != 0;
}

static void
alteration_notice(const struct alteration *a, struct store_change *change,
                  const struct containment *stored, const char *account, const char *reason)
{
    enum notice_kind kind = a->event == LIFE_RELEASE  ? NOTICE_RELEASED
                            : a->event == LIFE_EXPIRE ? NOTICE_EXPIRED
                            : a->event == LIFE_ASK    ? NOTICE_PENDING
                                                      : NOTICE_ANSWERED;
    bool is_of_storm = a->entry->c.hold == HOLD_BUDGET && strncmp(account, "policy:", 7) == 0;
    if (!is_of_storm) { /* nobody was told that it waits: one notice stands for all */
        notices_put_containment(a->controller, change, stored, kind, account, reason);
    }
}

/* Takes 'a'. */
static void
alteration_submit(struct alteration *a, const char *account, const char *action, const char *reason)
{
    struct controller *controller = a->controller;
    struct store_change *change = store_change_new();
    struct containment stored = a->after; /* shallow: only written out */
    if (a->has_event) {
        stored.state = lifecycle_step(stored.state, a->event);
    }
    snprintf(a->detail, sizeof(a->detail), "%.100s: %.400s", account, reason);
    store_put_containment(change, &stored);
    store_put_audit(change, clock_wall_us(controller->clock), account, action, stored.id, reason);
    if (a->has_event) {
        alteration_notice(a, change, &stored, account, reason);
    }
    if (lifecycle_is_ended(stored.state)) {
        char name[NAME_SIZE];
        snprintf(name, sizeof(name), "hold/%s", stored.id);
        store_put_setting(change, name, "");
    }
    a->entry->is_changing = true;
    store_submit(controller->store, change, on_altered, a);
}

/* The entry to change, or NULL: the caller was told, or will be when it is its turn. */
static struct entry *
find_to_change(struct controller *controller, const struct turn *turn)
{
    struct entry *entry = entry_find(controller, turn->id);
    if (!entry || !entry->is_committed) {
        tell(turn->done, turn->context, WISH_UNKNOWN, "no containment has that id", NULL);
        return NULL;
    }
    if (entry->is_changing) {
        turn_wait(controller, turn);
        return NULL;
    }
    return entry;
}

static void
end_it(struct controller *controller, struct entry *entry, enum life_event event,
       const char *account, const char *reason, wish_done_fn *done, void *context)
{
    struct alteration *a = alteration_new(controller, entry, done, context);
    a->has_event = true;
    a->event = event;
    a->after.ended_us = clock_wall_us(controller->clock);
    text_keep(&a->after.unproven, NAME_SIZE, "");
    text_keep(&a->after.ended_by, NAME_SIZE, account);
    text_keep(&a->after.end_reason, TEXT_SIZE, reason);
    alteration_submit(a, account, life_event_names[event], reason);
}

void
controller_release(struct controller *controller, const char *containment_id, const char *account,
                   const char *reason, wish_done_fn *done, void *context)
{
    struct turn turn = turn_make(containment_id, account, reason, done, context);
    turn.kind = TURN_RELEASE;
    struct entry *entry = find_to_change(controller, &turn);
    if (!entry) {
        return;
    }
    if (lifecycle_is_ended(entry->c.state)) {
        tell(done, context, WISH_EXISTS, "it has ended already", &entry->c);
        return;
    }
    end_it(controller, entry, LIFE_RELEASE, account, reason, done, context);
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
    struct turn turn = turn_make(containment_id, account, "", done, context);
    turn.kind = TURN_EXTEND;
    turn.wish.expires_s = expires_s;
    struct entry *entry = find_to_change(controller, &turn);
    if (!entry) {
        return;
    }
    if (!lifecycle_is_in_force(entry->c.state)) {
        tell(done, context, WISH_REFUSED, "it is not in force", &entry->c);
        return;
    }
    extend_it(controller, entry, expires_s, account, WISH_DONE, done, context);
}

void
controller_prove(struct controller *controller, const char *containment_id, const char *account,
                 const char *reason, wish_done_fn *done, void *context)
{
    struct turn turn = turn_make(containment_id, account, reason, done, context);
    turn.kind = TURN_PROVE;
    struct entry *entry = find_to_change(controller, &turn);
    if (!entry) {
        return;
    }
    if (!entry->c.unproven || !lifecycle_is_in_force(entry->c.state)) {
        tell(done, context, WISH_REFUSED,
             "a person has decided about it already, or it was never unproven", &entry->c);
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
        turn_wait(controller, &(struct turn){.wish = *wish, .done = done, .context = context});
    } else if (strcmp(c->permit_set, wish->permit_set) != 0) {
        char why[WHY_SIZE];
        snprintf(why, sizeof(why), "in force already as %s, with %s%s: release that one first",
                 c->id, c->permit_set[0] ? "the permit set " : "no permits at all", c->permit_set);
        tell(done, context, WISH_REFUSED, why, NULL);
    } else if (c->expires_us > 0 && (expires_s == 0 || until_us > c->expires_us)) {
        extend_it(controller, same, expires_s, wish->account, WISH_EXISTS, done, context);
    } else {
        tell(done, context, WISH_EXISTS, "in force already", c);
    }
}

void
controller_wish(struct controller *controller, const struct wish *wish, wish_done_fn *done,
                void *context)
{
    const struct endpoint *endpoint = NULL;
    char why[WHY_SIZE] = "";
    if (wish_was_made(controller, wish, done, context)) {
        return;
    }
    if (wish->action == ACTION_NONE || wish->action >= ACTION_NOTIFY) {
        tell(done, context, WISH_REFUSED, "that is no action on an endpoint or a server", NULL);
        return;
    }
    if (!wish_subject(controller, wish, &endpoint, why) ||
        !wish_is_sound(controller, wish, endpoint, why)) {
        bool is_unknown = wish->endpoint_id[0] != '\0' && !endpoint;
        tell(done, context, is_unknown ? WISH_UNKNOWN : WISH_REFUSED, why, NULL);
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

/* Why a pending one cannot be enforced; false: it can. */
static bool
enforce_is_barred(struct controller *controller, struct entry *entry, char why[WHY_SIZE])
{
    const struct containment *c = &entry->c;
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    bool is_server = c->action == ACTION_BLOCK_SERVER;
    if (!is_server && !endpoint && mac_is_none(&c->subject_mac) && ip_is_none(&c->subject_ip)) {
        snprintf(why, WHY_SIZE, "nobody is known whom it could be enforced on");
        return true;
    }
    if ((is_server || c->action == ACTION_BLOCK_PAIR) && prefix_is_none(&c->server)) {
        snprintf(why, WHY_SIZE,
                 "no address of %.100s is known: switches match addresses, not names",
                 c->server_name ? c->server_name : "the server");
        return true;
    }
    bool is_by_address = !is_server && !endpoint && mac_is_none(&c->subject_mac);
    if (is_by_address && !is_host_address(&c->subject_ip)) {
        snprintf(why, WHY_SIZE, "that address cannot be an endpoint's");
        return true;
    }
    if (is_by_address && world_is_of_another(controller, c)) {
        snprintf(why, WHY_SIZE,
                 "the address has changed hands since; name the endpoint or its MAC");
        return true;
    }
    if (resite_is_open(controller, c) && !resite_close(controller, entry)) {
        snprintf(why, WHY_SIZE,
                 "several sites may have that address; contain it at the one that is "
                 "meant instead");
        return true;
    }
    if (resite_is_gone(controller, c)) {
        snprintf(why, WHY_SIZE,
                 "the policy has no site \"%.60s\" any more; contain it at the one that is meant "
                 "instead",
                 c->site);
        return true;
    }
    char reason[TEXT_SIZE];
    if (world_bars(controller, c, reason)) {
        snprintf(why, WHY_SIZE, "protected: %.480s", reason);
        return true;
    }
    return false;
}

static void
enforce(struct controller *controller, struct entry *entry, const char *account, const char *reason,
        wish_done_fn *done, void *context)
{
    char why[WHY_SIZE];
    if (enforce_is_barred(controller, entry, why)) {
        tell(done, context, WISH_REFUSED, why, &entry->c);
        return;
    }
    struct alteration *a = alteration_new(controller, entry, done, context);
    a->has_event = true;
    a->event = LIFE_ENFORCE;
    a->after.pending_until_us = 0;
    if (is_by_policy(account)) {
        a->after.hold = HOLD_NONE;
        text_keep(&a->after.hold_detail, TEXT_SIZE, "");
    }
    if (a->after.expires_us > 0) { /* it lasts as long as was meant, from now on */
        int64_t lasts_us = a->after.expires_us - a->after.requested_us;
        a->after.expires_us = clock_wall_us(controller->clock) + lasts_us;
    }
    alteration_submit(a, account, life_event_names[LIFE_ENFORCE], reason);
}

void
controller_judge(struct controller *controller, const char *containment_id, enum verdict verdict,
                 const char *account, const char *reason, wish_done_fn *done, void *context)
{
    struct turn turn = turn_make(containment_id, account, reason, done, context);
    turn.kind = TURN_JUDGE;
    turn.verdict = verdict;
    struct entry *entry = find_to_change(controller, &turn);
    if (!entry) {
        return;
    }
    static const enum life_event events[] = {[VERDICT_ENFORCE] = LIFE_ENFORCE,
                                             [VERDICT_CHECK] = LIFE_CHECK,
                                             [VERDICT_REVERT] = LIFE_REVERT};
    if (!lifecycle_is_expected(entry->c.state, events[verdict])) {
        tell(done, context, WISH_REFUSED, "it does not wait for a verdict", &entry->c);
    } else if (verdict == VERDICT_ENFORCE) {
        enforce(controller, entry, account, reason, done, context);
    } else if (verdict == VERDICT_REVERT) {
        end_it(controller, entry, LIFE_REVERT, account, reason, done, context);
    } else {
        struct alteration *a = alteration_new(controller, entry, done, context);
        a->has_event = true;
        a->event = LIFE_CHECK;
        a->after.pending_until_us = 0;
        alteration_submit(a, account, life_event_names[LIFE_CHECK], reason);
    }
}

void
controller_ask_again(struct controller *controller, struct entry *entry,
                     const struct decision *decision)
{
    char account[NAME_SIZE];
    struct alteration *a = alteration_new(controller, entry, NULL, NULL);
    a->has_event = true;
    a->event = LIFE_ASK;
    decision_hold(&a->after, decision, clock_wall_us(controller->clock));
    snprintf(account, sizeof(account), "policy:%.50s", decision->policy);
    alteration_submit(a, account, life_event_names[LIFE_ASK], decision->reason);
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

/* Since it began to wait, a maintenance window may have begun, or the policy may have changed: what
 * they leave to people is never enforced by waiting.  True: it goes on waiting, for ever. */
static bool
pending_waits_on(struct controller *controller, struct entry *entry)
{
    const struct containment *c = &entry->c;
    const struct incident *incident =
        c->incident_id[0] ? controller_incident(controller, c->incident_id) : NULL;
    const char *who = c->endpoint_id[0] || !incident ? c->endpoint_id : incident->endpoint_id;
    const struct endpoint *endpoint = who[0] ? topology_by_id(controller->topology, who) : NULL;
    const struct ip *ip = ip_is_none(&c->subject_ip) && incident ? &incident->ip : &c->subject_ip;
    char why[TEXT_SIZE] = "it was released since: a person decides";
    if (!entry_was_released(controller, entry) &&
        !policy_leaves_to_people(engine_policy(controller->engine), endpoint, ip, c->policy,
                                 clock_wall_us(controller->clock), why)) {
        return false;
    }
    struct alteration *a = alteration_new(controller, entry, NULL, NULL);
    a->after.pending_until_us = 0;
    text_keep(&a->after.hold_detail, TEXT_SIZE, why);
    const char *detail = text_or_empty(a->after.hold_detail);
    notices_tell_containment(controller, &a->after, NOTICE_PENDING, detail);
    alteration_submit(a, "policy:time-out", "wait", detail);
    return true;
}

static void
pending_due(struct controller *controller, struct entry *entry)
{
    const char *account = "policy:time-out";
    if (entry->c.pending_action == ACTION_NONE) {
        end_it(controller, entry, LIFE_REVERT, account, "nobody judged it in time", NULL, NULL);
        return;
    }
    if (pending_waits_on(controller, entry)) {
        return;
    }
    char why[WHY_SIZE];
    entry->c.action =
        entry->c.pending_action; /* before: another action is barred by other things */
    entry_rekey(controller, entry);
    if (enforce_is_barred(controller, entry, why)) {
        end_it(controller, entry, LIFE_REVERT, account, why, NULL, NULL);
        return;
    }
    enforce(controller, entry, account, "nobody judged it in time", NULL, NULL);
}

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
            end_it(controller, entry, LIFE_EXPIRE, "policy:expiry", "its time is over", NULL, NULL);
        } else if (c->state == CONTAINMENT_PENDING && c->pending_until_us > 0 &&
                   c->pending_until_us <= now_us) {
            pending_due(controller, entry);
        } else {
            entry_due(controller, entry);
        }
    }
}
