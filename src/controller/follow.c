#include "controller/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/alteration.h"
#include "controller/commit.h"
#include "controller/conflicts.h"
#include "controller/entry.h"
#include "controller/judge.h"
#include "controller/notices/notices.h"
#include "controller/switches.h"
#include "controller/unclear.h"
#include "controller/wish.h"
#include "controller/world.h"

#define TOLD_MAX 65536 /* changes noted in one call; facts come 512 at a time */
#define STALE_MAX 200000
#define WRITE_EVERY_US 2000000
#define WRITE_AT_ONCE 500
#define HELD_PENDING_S 3600

static void
note_stale(struct controller *controller, const char *endpoint_id)
{
    if (controller->stale_count > 0 &&
        strcmp(controller->stale[controller->stale_count - 1], endpoint_id) == 0) {
        return;
    }
    if (controller->stale_count == STALE_MAX) {
        return; /* the next change of it writes it */
    }
    if (controller->stale_count == controller->stale_room) {
        controller->stale_room = controller->stale_room ? controller->stale_room * 2 : 256;
        controller->stale =
            mem_resize(controller->stale, controller->stale_room, sizeof(*controller->stale));
    }
    memcpy(controller->stale[controller->stale_count++], endpoint_id, ID_SIZE);
}

static void
on_change(void *context, enum topology_change change, const struct endpoint *endpoint,
          const struct location *before, const char *detail)
{
    struct controller *controller = context;
    if (endpoint) {
        note_stale(controller, endpoint->id);
    }
    if (change == TOPOLOGY_ENDPOINT_SEEN) {
        return;
    }
    if (controller->told_count == TOLD_MAX) {
        controller->told_dropped++;
        return;
    }
    if (controller->told_count == controller->told_room) {
        controller->told_room = controller->told_room ? controller->told_room * 2 : 64;
        controller->told =
            mem_resize(controller->told, controller->told_room, sizeof(*controller->told));
    }
    struct told *told = &controller->told[controller->told_count++];
    *told = (struct told){.change = change};
    snprintf(told->endpoint_id, sizeof(told->endpoint_id), "%s", endpoint ? endpoint->id : "");
    if (before) {
        told->before = *before;
        told->before.why = NULL; /* nobody asks */
    }
    text_put(told->detail, sizeof(told->detail), detail ? detail : "");
}

/* Joined to another machine, or forgotten to make room (never one that is contained). */
static void
on_gone(void *context, const struct endpoint *endpoint, const struct endpoint *into)
{
    struct controller *controller = context;
    struct store_change *change = store_change_new();
    store_drop_endpoint(change, endpoint->id);
    store_submit(controller->store, change, NULL, NULL);
    struct entry *entry;
    while (into && (entry = entry_next_of(controller, endpoint->id, NULL)) != NULL) {
        bool is_in_force = lifecycle_is_in_force(entry->c.state);
        if (is_in_force) {
            engine_note_over(controller->engine, &entry->c);
        }
        snprintf(entry->c.endpoint_id, sizeof(entry->c.endpoint_id), "%s", into->id);
        entry_rekey(controller, entry);
        entry->is_dirty = true;
        controller->has_dirty = true;
        if (is_in_force) { /* what has ended, or waits, lets nobody else's go */
            topology_pin(controller->topology, into->id, true);
            entry_note_begun(controller, entry);
        }
    }
    protection_follow(controller, endpoint->id, into);
}

static bool
is_contained(struct controller *controller, const struct endpoint *endpoint)
{
    struct entry *entry = NULL;
    while ((entry = entry_next_of(controller, endpoint->id, entry)) != NULL) {
        if (lifecycle_is_in_force(entry->c.state) && entry->c.action == ACTION_ISOLATE) {
            return true;
        }
    }
    return false;
}

static bool
is_same_port(const struct location *a, const struct location *b)
{
    return a->class != LOCATION_NONE && strcmp(a->switch_name, b->switch_name) == 0 &&
           strcmp(a->port, b->port) == 0;
}

/* Anybody may send the DHCP client id of a machine that is off, and hears it when that asks for an
 * address.  It must not make him protected; nor may whoever is contained draw others in: that he
 * was another machine before counts where that was on his own port. */
static const char *
join_bar(void *context, const struct endpoint *known, const struct endpoint *claimant)
{
    struct controller *controller = context;
    if (world_is_named(controller, known) || world_is_named(controller, claimant)) {
        return "protected";
    }
    bool draws_in = is_contained(controller, claimant) && !is_contained(controller, known);
    return draws_in && !is_same_port(&known->location, &claimant->location) ? "not contained"
                                                                            : NULL;
}

void
follow_listener(struct controller *controller, struct topology_listener *listener)
{
    *listener = (struct topology_listener){
        .on_change = on_change, .on_gone = on_gone, .join_bar = join_bar, .context = controller};
}

/* Containments by MAC or address that waited for somebody to have it. */
static void
follow_waiting(struct controller *controller, const struct endpoint *endpoint)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (!entry->is_committed || entry->c.endpoint_id[0] != '\0' ||
            entry->c.action == ACTION_BLOCK_SERVER || !lifecycle_is_in_force(entry->c.state)) {
            continue;
        }
        bool is_it = false;
        for (size_t i = 0; i < endpoint->mac_count; i++) {
            is_it = is_it || mac_is_equal(&endpoint->macs[i], &entry->c.subject_mac);
        }
        for (size_t i = 0; !is_it && i < endpoint->binding_count; i++) {
            is_it = mac_is_none(&entry->c.subject_mac) && endpoint->bindings[i].until_us == 0 &&
                    ip_is_equal(&endpoint->bindings[i].ip, &entry->c.subject_ip) &&
                    (entry->c.site[0] == '\0' ||
                     strcmp(binding_site(&endpoint->bindings[i]), entry->c.site) == 0);
        }
        if (is_it) {
            entry_enforce(controller, entry);
        }
    }
}

static const char *
told_step(enum topology_change change)
{
    switch (change) {
    case TOPOLOGY_ENDPOINT_MOVED:
        return "moved";
    case TOPOLOGY_ENDPOINT_MAC:
        return "mac_joined";
    case TOPOLOGY_ENDPOINT_CONFLICT:
        return "conflict";
    default:
        return NULL;
    }
}

static void
follow_one(struct controller *controller, struct entry *entry, const struct told *told)
{
    const char *step = told_step(told->change);
    if (step) {
        entry_mark(entry, step, clock_wall_us(controller->clock), told->detail);
    }
    if (told->change == TOPOLOGY_ENDPOINT_MOVED) {
        (void)entry_step(controller, entry, LIFE_MOVED, told->detail);
        notices_tell_containment(controller, &entry->c, NOTICE_MOVED, told->detail);
    }
    entry_enforce(controller, entry);
    judge_look(controller, entry);
    if (step) {
        entry_touch(controller, entry);
    }
}

static void
inherited_tell(struct controller *controller, const struct endpoint *endpoint,
               const struct mac *mac)
{
    char text[MAC_TEXT_SIZE];
    char detail[TEXT_SIZE];
    mac_format(mac, text);
    snprintf(detail, sizeof(detail),
             "%s uses the DHCP client id of a machine with a class, tags or a note: say them of "
             "it, too, "
             "if it is that machine",
             text);
    conflict_note(controller, endpoint, NULL, detail);
}

/* A MAC that joined a machine bears what is said of it, so that it stays should they part again.
 * Anybody may send a DHCP client id: that it is the same machine is a proposal, which a person
 * confirms by saying it of that MAC; until then policies do not go by it.  Anybody may bring MACs:
 * the last half of the room is for what people say themselves. */
static void
follow_annotation(struct controller *controller, const struct endpoint *endpoint)
{
    struct store_change *change = store_change_new();
    struct annotation copy = endpoint->annotation ? *endpoint->annotation : (struct annotation){0};
    const struct annotation *said = endpoint->annotation ? &copy : NULL;
    copy.is_inherited = true;
    for (size_t i = 0; said && i < endpoint->mac_count; i++) {
        const struct mac *mac = &endpoint->macs[i];
        size_t count = topology_annotation_count(controller->topology);
        if (count < TOPOLOGY_ANNOTATIONS_MAX / 2 &&
            !topology_annotation(controller->topology, mac) &&
            topology_annotate(controller->topology, mac, said)) {
            store_put_annotation(change, mac, said);
            inherited_tell(controller, endpoint, mac);
        }
    }
    if (store_change_count(change) > 0) {
        store_submit(controller->store, change, NULL, NULL);
    } else {
        store_change_free(change);
    }
}

static void
follow_endpoint(struct controller *controller, const struct told *told)
{
    const struct endpoint *endpoint = topology_by_id(controller->topology, told->endpoint_id);
    if (!endpoint) {
        return;
    }
    if (controller->ports.publish) {
        controller->ports.publish(controller->ports.context, "endpoint", endpoint);
    }
    if (told->change == TOPOLOGY_ENDPOINT_CONFLICT) {
        conflict_note(controller, endpoint, NULL, told->detail);
    }
    if (told->change != TOPOLOGY_ENDPOINT_MOVED) {
        follow_waiting(controller, endpoint);
    }
    if (told->change == TOPOLOGY_ENDPOINT_MAC) {
        follow_annotation(controller, endpoint);
    }
    bool is_contained = false;
    struct entry *entry = entry_next_of(controller, endpoint->id, NULL);
    while (entry) {
        struct entry *next = entry_next_of(controller, endpoint->id, entry);
        if (entry->is_committed && lifecycle_is_in_force(entry->c.state)) {
            follow_one(controller, entry, told);
            is_contained = true;
        }
        entry = next;
    }
    /* A MAC that was contained with it stays so after a crash: not written behind. */
    if (is_contained && told->change == TOPOLOGY_ENDPOINT_MAC) {
        struct store_change *change = store_change_new();
        endpoint_put(controller, change, endpoint);
        store_submit(controller->store, change, NULL, NULL);
    }
}

#define HELD_PORT "policy:held-port"
#define HELD_BY "; held by the port of case "

/* A MAC that nobody knows on the port of a contained endpoint, without a link-down in between: the
 * switch holds it; whether it is the same machine is a person's to say. */
static void
follow_held(struct controller *controller, const struct told *told)
{
    struct entry *entry;
    struct entry *holder = NULL;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        const struct port_hold *hold = &entry->hold;
        if (lifecycle_is_in_force(entry->c.state) && hold->is_set && !hold->is_lifted &&
            strcmp(hold->place.switch_name, told->before.switch_name) == 0 &&
            strcmp(hold->place.port, told->before.port) == 0) {
            holder = entry;
        }
    }
    const struct endpoint *endpoint = topology_by_id(controller->topology, told->endpoint_id);
    struct mac mac;
    if (!holder || !mac_parse(told->detail, &mac) ||
        (endpoint && strcmp(endpoint->id, holder->c.endpoint_id) == 0)) {
        return;
    }
    char text[TEXT_SIZE];
    snprintf(text, sizeof(text), "%.20s appeared on %s/%s", told->detail, told->before.switch_name,
             told->before.port);
    entry_mark(holder, "mac_held", clock_wall_us(controller->clock), text);
    entry_touch(controller, holder);
    holder->has_asked = true;
    const struct subject subject = {
        .action = ACTION_ISOLATE, .endpoint_id = endpoint ? endpoint->id : "", .mac = mac};
    if (entry_find_same(controller, &subject) || !entry_has_room(controller, &subject)) {
        return;
    }
    struct containment c;
    containment_begin(controller, &c, ACTION_ISOLATE, HELD_PORT);
    c.state = CONTAINMENT_PENDING;
    c.hold = HOLD_UNRESOLVED;
    c.subject_mac = mac;
    snprintf(c.endpoint_id, sizeof(c.endpoint_id), "%s", subject.endpoint_id);
    snprintf(c.permit_set, sizeof(c.permit_set), "%s", holder->c.permit_set);
    snprintf(c.incident_id, sizeof(c.incident_id), "%s", holder->c.incident_id);
    containment_mark(&c, "mac_held", c.requested_us, text);
    char why[TEXT_SIZE];
    snprintf(why, sizeof(why),
             "a new MAC on the port of a contained endpoint (case %s), without a link-down: "
             "the same machine or another one?",
             holder->c.case_number);
    text_keep(&c.hold_detail, TEXT_SIZE, why);
    snprintf(why, sizeof(why), "%.300s" HELD_BY "%s", text, holder->c.case_number);
    text_keep(&c.reason, TEXT_SIZE, why);
    struct commit *commit = commit_new(controller);
    commit_add(commit, entry_new(controller, &c));
    commit_submit(commit, NULL, NULL);
}

static struct entry *
holder_of(const struct controller *controller, const char *case_number)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (lifecycle_is_in_force(entry->c.state) &&
            strcmp(entry->c.case_number, case_number) == 0) {
            return entry;
        }
    }
    return NULL;
}

void
follow_holders(struct controller *controller)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        const struct containment *c = &entry->c;
        bool is_asked = c->state == CONTAINMENT_PENDING && c->hold == HOLD_UNRESOLVED &&
                        entry->is_committed && !entry->is_changing &&
                        strcmp(c->requested_by, HELD_PORT) == 0; /* others' reasons say anything */
        const char *by = is_asked ? strstr(text_or_empty(c->reason), HELD_BY) : NULL;
        if (!by) {
            continue;
        }
        const char *case_number = by + strlen(HELD_BY);
        struct entry *holder = holder_of(controller, case_number);
        if (holder) {
            holder->has_asked = true;
        } else {
            char why[TEXT_SIZE];
            snprintf(why, sizeof(why), "case %.40s, whose port held it, is over", case_number);
            alteration_end(controller, entry, LIFE_REVERT, HELD_PORT, why, NULL, NULL);
        }
    }
}

static void
follow_role(struct controller *controller, const struct told *told)
{
    const struct endpoint *endpoint = topology_by_id(controller->topology, told->endpoint_id);
    if (!endpoint) {
        return;
    }
    struct protection_view view = {.state = PROTECTION_PROPOSED,
                                   .since_us = clock_wall_us(controller->clock)};
    snprintf(view.id, sizeof(view.id), "%s", endpoint->id);
    snprintf(view.endpoint_id, sizeof(view.endpoint_id), "%s", endpoint->id);
    snprintf(view.why, sizeof(view.why), "%s", told->detail);
    view.mac = endpoint->mac_count > 0 ? endpoint->macs[0] : view.mac;
    log_info("controller", "proposed as protected", LOG_S("endpoint", endpoint->id),
             LOG_S("why", told->detail));
    if (proposal_add(controller, &view)) {
        notices_tell_protection(controller, endpoint, told->detail);
    }
}

void
follow_act(struct controller *controller)
{
    bool is_news = false;
    for (size_t i = 0; i < controller->told_count; i++) {
        struct told told = controller->told[i];
        is_news = is_news || told.change == TOPOLOGY_ENDPOINT_ADDRESS ||
                  told.change == TOPOLOGY_ENDPOINT_MOVED || told.change == TOPOLOGY_ENDPOINT_NEW;
        switch (told.change) {
        case TOPOLOGY_LINK:
            break; /* links are read from topology */
        case TOPOLOGY_MAC_HELD:
            follow_held(controller, &told);
            break;
        case TOPOLOGY_PORT_FULL:
            conflict_note(controller, NULL, &told.before, told.detail);
            break;
        case TOPOLOGY_ROLE_PROPOSED:
            follow_role(controller, &told);
            break;
        default:
            follow_endpoint(controller, &told);
            break;
        }
    }
    controller->told_count = 0;
    if (is_news) {
        unclear_look(controller);
    }
    switches_flush(controller);
}

/* After a link-down whoever comes up on that port may be another machine. */
static void
follow_link_downs(struct controller *controller, const struct wire_facts *facts)
{
    for (size_t i = 0; i < facts->fact_count; i++) {
        const struct fact *fact = &facts->facts[i];
        bool is_down = fact->kind == FACT_LINK_DOWN || fact->kind == FACT_PORT_GONE;
        struct entry *entry;
        if (!is_down) {
            continue;
        }
        TAILQ_FOREACH(entry, &controller->entries, link)
        {
            struct port_hold *hold = &entry->hold;
            if (hold->is_set && !hold->is_lifted &&
                strcmp(hold->place.switch_name, facts->switch_name) == 0 &&
                strcmp(hold->place.port, fact->port) == 0) {
                hold->is_lifted = true;
                entry_refresh(controller, entry);
            }
        }
    }
}

void
controller_facts(struct controller *controller, const struct wire_facts *facts)
{
    struct switch_state *sw = switch_by_name(controller, facts->switch_name);
    if (sw) {
        sw->seen_us = clock_wall_us(controller->clock);
    }
    follow_link_downs(controller, facts);
    topology_apply_facts(controller->topology, facts);
    follow_act(controller);
}

static int
id_compare(const void *a, const void *b)
{
    return memcmp(a, b, ID_SIZE);
}

void
follow_write_behind(struct controller *controller, bool all)
{
    int64_t now_us = clock_boot_us(controller->clock);
    if (controller->stale_count == 0 ||
        (!all && now_us - controller->endpoints_written_us < WRITE_EVERY_US)) {
        return;
    }
    controller->endpoints_written_us = now_us;
    qsort(controller->stale, controller->stale_count, ID_SIZE, id_compare);
    struct store_change *change = store_change_new();
    for (size_t i = 0; i < controller->stale_count; i++) {
        bool is_again =
            i > 0 && memcmp(controller->stale[i - 1], controller->stale[i], ID_SIZE) == 0;
        const struct endpoint *endpoint =
            is_again ? NULL : topology_by_id(controller->topology, controller->stale[i]);
        if (endpoint && strcmp(endpoint->id, controller->stale[i]) == 0) {
            endpoint_put(controller, change, endpoint);
        }
        if (store_change_count(change) == WRITE_AT_ONCE) {
            store_submit(controller->store, change, NULL, NULL);
            change = store_change_new();
        }
    }
    controller->stale_count = 0;
    store_submit(controller->store, change, NULL, NULL);
}
