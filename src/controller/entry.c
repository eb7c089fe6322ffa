#include "controller/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "controller/clocks.h"
#include "controller/desired.h"
#include "controller/judge.h"
#include "controller/resite.h"
#include "controller/switches.h"

#define ENDED_KEPT 1000    /* in memory, for lists; all are in the store */
#define MARKS_FIXED 14     /* the beginning of a story is never dropped */
#define HOLD_CONFIDENCE 50 /* of a place, to hold that port instead of the one before */
#define TOLD_AT_ONCE 100   /* live, in a quarter of a second; then: load the list again */

void
text_put(char *to, size_t size, const char *from)
{
    size_t used = 0;
    size_t left = strlen(from);
    while (left > 0) {
        size_t length = utf8_size(from, left);
        length = length ? length : 1;
        if (used + length >= size) {
            break;
        }
        memcpy(to + used, from, length);
        used += length;
        from += length;
        left -= length;
    }
    to[used] = '\0';
    utf8_make_plain(to, used);
}

void
text_keep(char **to, size_t size, const char *from)
{
    char text[TEXT_SIZE];
    text_put(text, size < sizeof(text) ? size : sizeof(text), from);
    free(*to);
    *to = text[0] != '\0' ? mem_strdup(text) : NULL;
}

static uint64_t
subject_hash(const struct subject *subject)
{
    if (subject->action == ACTION_BLOCK_SERVER) {
        return hash_bytes(&subject->server.ip, sizeof(subject->server.ip));
    }
    if (subject->endpoint_id[0] != '\0') {
        return hash_text(subject->endpoint_id);
    }
    if (!mac_is_none(&subject->mac)) {
        return hash_bytes(&subject->mac, sizeof(subject->mac));
    }
    return hash_bytes(&subject->ip, sizeof(subject->ip));
}

static struct subject
subject_of(const struct containment *c)
{
    return (struct subject){.action = c->action,
                            .endpoint_id = c->endpoint_id,
                            .mac = c->subject_mac,
                            .ip = c->subject_ip,
                            .server = c->server,
                            .site = c->site};
}

/* How many machines there are is bounded by topology; how many addresses and servers can be named
 * by whoever forges detections is not. */
static bool
is_of_known(enum action action, const char *endpoint_id)
{
    return endpoint_id[0] != '\0' && (action == ACTION_ISOLATE || action == ACTION_MIRROR);
}

/* Keeps the numbers of pending ones right, whatever has changed of this one. */
static void
entry_count(struct controller *controller, struct entry *entry, bool is_there)
{
    const struct containment *c = &entry->c;
    controller->pending_count -= entry->is_crowd;
    controller->loose_count[entry->counted_as] -= entry->is_loose;
    entry->is_crowd = is_there && c->state == CONTAINMENT_PENDING;
    entry->is_loose = entry->is_crowd && !is_of_known(c->action, c->endpoint_id);
    entry->counted_as = c->action;
    controller->pending_count += entry->is_crowd;
    controller->loose_count[entry->counted_as] += entry->is_loose;
}

bool
entry_has_room(struct controller *controller, const struct subject *subject)
{
    if (controller->pending_count < PENDING_MAX &&
        (is_of_known(subject->action, subject->endpoint_id) ||
         controller->loose_count[subject->action] < PENDING_LOOSE_MAX)) {
        return true;
    }
    uint64_t swallowed = 0;
    controller->pending_dropped++;
    if (log_limit_pass(&controller->pending_limit, clock_boot_us(controller->clock), &swallowed)) {
        log_error("controller",
                  "ALARM: too much waits for a person: a decision is dropped, its detection kept",
                  LOG_S("action", action_names[subject->action]),
                  LOG_I("pending", controller->pending_count), LOG_I("not_logged", swallowed));
    }
    return false;
}

struct entry *
entry_new(struct controller *controller, struct containment *c)
{
    struct entry *entry = MEM_NEW(struct entry);
    entry->c = *c;
    *c = (struct containment){.marks = NULL};
    struct subject subject = subject_of(&entry->c);
    hmap_insert(&controller->by_id, &entry->by_id, hash_text(entry->c.id));
    hmap_insert(&controller->by_subject, &entry->by_subject, subject_hash(&subject));
    TAILQ_INSERT_TAIL(&controller->entries, entry, link);
    entry_count(controller, entry, true);
    return entry;
}

void
entry_rekey(struct controller *controller, struct entry *entry)
{
    struct subject subject = subject_of(&entry->c);
    hmap_remove(&controller->by_subject, &entry->by_subject);
    hmap_insert(&controller->by_subject, &entry->by_subject, subject_hash(&subject));
    entry_count(controller, entry, true);
}

void
entry_list(struct controller *controller, struct entry *entry)
{
    if (controller->listed_count == controller->listed_room) {
        controller->listed_room = controller->listed_room ? controller->listed_room * 2 : 64;
        controller->listed =
            mem_resize(controller->listed, controller->listed_room, sizeof(*controller->listed));
    }
    entry->is_committed = true;
    entry->index = controller->listed_count;
    entry->serial = ++controller->serials;
    controller->listed[controller->listed_count++] = entry;
}

static void
entry_unlist(struct controller *controller, struct entry *entry)
{
    if (!entry->is_committed) {
        return;
    }
    size_t after = controller->listed_count - entry->index - 1;
    memmove(&controller->listed[entry->index], &controller->listed[entry->index + 1],
            after * sizeof(*controller->listed));
    controller->listed_count--;
    for (size_t i = entry->index; i < controller->listed_count; i++) {
        controller->listed[i]->index = i;
    }
}

void
entry_free(struct controller *controller, struct entry *entry)
{
    for (size_t i = 0; i < controller->look_count; i++) {
        if (controller->looks[i] == entry) {
            controller->looks[i] = controller->looks[--controller->look_count];
            break;
        }
    }
    if (entry->is_in_later) {
        TAILQ_REMOVE(&controller->laters, entry, later);
    }
    entry_unlist(controller, entry);
    entry_count(controller, entry, false);
    hmap_remove(&controller->by_id, &entry->by_id);
    hmap_remove(&controller->by_subject, &entry->by_subject);
    TAILQ_REMOVE(&controller->entries, entry, link);
    controller->asked.turns++;
    wants_free(&entry->wants);
    free(entry->hold.known);
    free(entry->confirmed_by);
    containment_fini(&entry->c);
    free(entry);
}

struct entry *
entry_find(const struct controller *controller, const char *id)
{
    HMAP_FOR_EACH_HASH (entry, struct entry, by_id, hash_text(id), &controller->by_id) {
        if (strcmp(entry->c.id, id) == 0) {
            return entry;
        }
    }
    return NULL;
}

static bool
prefix_is_equal(const struct prefix *a, const struct prefix *b)
{
    return a->length == b->length && ip_is_equal(&a->ip, &b->ip);
}

static bool
is_same(const struct controller *controller, const struct containment *c,
        const struct subject *subject)
{
    if (c->action != subject->action || lifecycle_is_ended(c->state)) {
        return false;
    }
    if (c->action == ACTION_BLOCK_SERVER || c->action == ACTION_BLOCK_PAIR) {
        if (!prefix_is_equal(&c->server, &subject->server)) {
            return false;
        }
    }
    if (c->action == ACTION_BLOCK_SERVER) {
        return strcmp(c->site, subject->site) == 0;
    }
    if (c->action == ACTION_BLOCK_PAIR && strcmp(c->site, subject->site) != 0 &&
        policy_is_internal(engine_policy(controller->engine), &c->server.ip)) {
        return false; /* it went to where another server has that address */
    }
    if (strcmp(c->endpoint_id, subject->endpoint_id) != 0) {
        return false;
    }
    return subject->endpoint_id[0] != '\0' ||
           (mac_is_equal(&c->subject_mac, &subject->mac) &&
            ip_is_equal(&c->subject_ip, &subject->ip) && strcmp(c->site, subject->site) == 0);
}

const char *
subject_site(struct controller *controller, enum action action, const struct prefix *server,
             const char *site)
{
    const struct policy *policy = engine_policy(controller->engine);
    bool is_outside = action == ACTION_BLOCK_SERVER && !policy_is_internal(policy, &server->ip);
    return is_outside || !policy_has_sites(policy) ? "" : site;
}

struct entry *
entry_find_same(const struct controller *controller, const struct subject *subject)
{
    struct entry *other = NULL;
    uint64_t hash = subject_hash(subject);
    HMAP_FOR_EACH_HASH (entry, struct entry, by_subject, hash, &controller->by_subject) {
        if (!is_same(controller, &entry->c, subject)) {
            continue;
        }
        if (entry->c.state != CONTAINMENT_CHECKED && !entry_only_on(entry)) {
            return entry;
        }
        other = entry;
    }
    return other;
}

struct entry *
entry_next_of(const struct controller *controller, const char *endpoint_id,
              const struct entry *after)
{
    bool passed = after == NULL;
    uint64_t hash = hash_text(endpoint_id);
    HMAP_FOR_EACH_HASH (entry, struct entry, by_subject, hash, &controller->by_subject) {
        bool is_of = entry->c.action != ACTION_BLOCK_SERVER &&
                     strcmp(entry->c.endpoint_id, endpoint_id) == 0;
        if (passed && is_of) {
            return entry;
        }
        passed = passed || entry == after;
    }
    return NULL;
}

bool
entry_was_released(const struct controller *controller, const struct entry *entry)
{
    struct entry *other = NULL;
    while (entry->c.endpoint_id[0] != '\0' &&
           (other = entry_next_of(controller, entry->c.endpoint_id, other)) != NULL) {
        const struct containment *c = &other->c;
        if (c->state == CONTAINMENT_RELEASED && c->action == entry->c.action &&
            c->ended_us >= entry->c.requested_us) {
            return true;
        }
    }
    return false;
}

struct entry *
entry_find_external(const struct controller *controller, const char *external_id)
{
    struct entry *entry = NULL;
    TAILQ_FOREACH_REVERSE(entry, &controller->entries, entry_list, link)
    {
        if (strcmp(text_or_empty(entry->c.external_id), external_id) == 0) {
            return entry;
        }
    }
    return NULL;
}

void
containment_mark(struct containment *c, const char *step, int64_t at_us, const char *detail)
{
    char text[TEXT_SIZE];
    if (c->mark_count == MARKS_MAX) {
        free(c->marks[MARKS_FIXED].detail);
        memmove(&c->marks[MARKS_FIXED], &c->marks[MARKS_FIXED + 1],
                (MARKS_MAX - MARKS_FIXED - 1) * sizeof(*c->marks));
        c->mark_count--;
    } else { /* few have many: no more room than there are */
        c->marks = mem_resize(c->marks, c->mark_count + 1, sizeof(*c->marks));
    }
    struct mark *mark = &c->marks[c->mark_count++];
    *mark = (struct mark){.at_us = at_us};
    text_put(mark->step, sizeof(mark->step), step);
    text_put(text, sizeof(text), detail);
    mark->detail = text[0] != '\0' ? mem_strdup(text) : NULL;
}

void
entry_mark(struct entry *entry, const char *step, int64_t at_us, const char *detail)
{
    containment_mark(&entry->c, step, at_us, detail);
    entry->is_dirty = true;
}

void
entry_touch(struct controller *controller, struct entry *entry)
{
    entry->is_dirty = true;
    controller->has_dirty = true;
    if (!entry->is_committed || !controller->ports.publish) {
        return;
    }
    if (controller->containments_told >= TOLD_AT_ONCE) {
        controller->changed[CHANGED_CONTAINMENTS] = true;
    } else {
        controller->containments_told++;
        controller->ports.publish(controller->ports.context, "containment", &entry->c);
    }
}

void
entry_problem(struct controller *controller, struct entry *entry, const char *problem)
{
    if (strcmp(text_or_empty(entry->c.problem), problem) == 0) {
        return;
    }
    uint64_t swallowed = 0;
    text_keep(&entry->c.problem, TEXT_SIZE, problem);
    if (problem[0] != '\0' &&
        log_limit_pass(&controller->problem_limit, clock_boot_us(controller->clock), &swallowed)) {
        log_warn("controller", "containment has a problem", LOG_S("containment", entry->c.id),
                 LOG_S("problem", text_or_empty(entry->c.problem)), LOG_I("not_logged", swallowed));
    }
    entry_touch(controller, entry);
}

bool
entry_step(struct controller *controller, struct entry *entry, enum life_event event,
           const char *detail)
{
    enum containment_state before = entry->c.state;
    if (!lifecycle_is_expected(before, event)) {
        return false;
    }
    entry->c.state = lifecycle_step(before, event);
    entry_count(controller, entry, true);
    log_info("controller", "containment", LOG_S("containment", entry->c.id),
             LOG_S("from", containment_state_names[before]),
             LOG_S("event", life_event_names[event]),
             LOG_S("to", containment_state_names[entry->c.state]),
             LOG_S("endpoint", entry->c.endpoint_id), LOG_S("detail", detail));
    entry_touch(controller, entry);
    return true;
}

void
endpoint_put(const struct controller *controller, struct store_change *change,
             const struct endpoint *endpoint)
{
    struct endpoint_event events[ENDPOINT_EVENTS_MAX];
    struct endpoint_record record = {.endpoint = *endpoint, .events = events};
    record.event_count = topology_history(endpoint, events);
    clocks_date(controller, &record);
    store_put_endpoint(change, &record);
}

const struct endpoint *
entry_endpoint(const struct controller *controller, const struct entry *entry)
{
    return entry->c.endpoint_id[0] != '\0'
               ? topology_by_id(controller->topology, entry->c.endpoint_id)
               : NULL;
}

static bool
wants_are_equal(const struct want_list *a, const struct want_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->items[i].rule.id, b->items[i].rule.id) == 0 &&
               strcmp(a->items[i].switch_name, b->items[i].switch_name) == 0 &&
               is_same_site(&a->items[i], &b->items[i]);
    }
    return same;
}

const char *
entry_only_on(const struct entry *entry)
{
    return entry->c.unproven && !entry->is_corroborated ? entry->c.unproven : NULL;
}

void
entry_note_begun(struct controller *controller, const struct entry *entry)
{
    if (!entry_only_on(entry)) {
        engine_note_begun(controller->engine, &entry->c);
    }
}

void
entry_refresh(struct controller *controller, struct entry *entry)
{
    struct want_list now = {.items = NULL};
    if (lifecycle_is_in_force(entry->c.state)) {
        const struct desired_input input = {
            .c = &entry->c,
            .endpoint = entry_endpoint(controller, entry),
            .hold = &entry->hold,
            .mirrors = controller->settings.mirrors,
            .mirror_count = controller->settings.mirror_count,
            .policy = engine_policy(controller->engine),
            .only_on = entry_only_on(entry),
        };
        desired_of(&input, &now);
    }
    if (wants_are_equal(&entry->wants, &now)) {
        wants_free(&now);
        return;
    }
    entry->c.version++;
    entry->is_dirty = true;
    controller->has_dirty = true;
    struct want_list before = entry->wants;
    entry->wants = now;
    switches_change(controller, entry, &before, &entry->wants);
    judge_look(controller, entry);
}

/* Finds whom a containment by address is about, now that somebody may have it. */
static void
entry_identify(struct controller *controller, struct entry *entry)
{
    const struct endpoint *endpoint = NULL;
    struct held held;
    if (entry->c.endpoint_id[0] != '\0' || entry->c.action == ACTION_BLOCK_SERVER) {
        return;
    }
    if (!mac_is_none(&entry->c.subject_mac)) {
        endpoint = topology_by_mac(controller->topology, &entry->c.subject_mac);
    } else if (topology_resolve(controller->topology, entry->c.site, &entry->c.subject_ip,
                                clock_wall_us(controller->clock), &held) == RESOLUTION_SURE) {
        endpoint = held.endpoint;
    }
    if (endpoint) {
        snprintf(entry->c.endpoint_id, sizeof(entry->c.endpoint_id), "%s", endpoint->id);
        entry_rekey(controller, entry);
    }
    if (endpoint && resite_is_open(controller, &entry->c)) {
        (void)resite_close(controller, entry);
    }
}

static void
entry_locate(struct controller *controller, struct entry *entry)
{
    int64_t now_us = clock_wall_us(controller->clock);
    if (entry->c.action == ACTION_BLOCK_SERVER) {
        entry_step(controller, entry, LIFE_LOCATED, "everywhere");
        return;
    }
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    if (!endpoint || endpoint->location.class == LOCATION_NONE) {
        if (entry_step(controller, entry, LIFE_UNLOCATED, "not seen on any port")) {
            entry_mark(entry, "waiting", now_us, "not seen on any port yet");
        }
        return;
    }
    char place[2 * NAME_SIZE + 2];
    snprintf(place, sizeof(place), "%s/%s", endpoint->location.switch_name,
             endpoint->location.port);
    if (entry->c.state != CONTAINMENT_LOCATED &&
        entry_step(controller, entry, LIFE_LOCATED, place)) {
        entry_mark(entry, "located", now_us, place);
    }
}

bool
entry_learn(struct controller *controller, struct entry *entry, enum phase phase,
            enum severity severity)
{
    const struct incident *incident =
        entry->c.incident_id[0] ? controller_incident(controller, entry->c.incident_id) : NULL;
    if (!entry->knows_gravest) {
        entry->gravest_phase = incident ? incident->phase : PHASE_UNKNOWN;
        entry->gravest = incident ? incident->severity : SEVERITY_INFO;
        entry->knows_gravest = true;
    }
    bool is_graver = phase > entry->gravest_phase || severity > entry->gravest;
    entry->gravest_phase = phase > entry->gravest_phase ? phase : entry->gravest_phase;
    entry->gravest = severity > entry->gravest ? severity : entry->gravest;
    return is_graver;
}

bool
entry_tighten(struct entry *entry, const char *permit_set)
{
    bool is_by_policy = strncmp(entry->c.requested_by, "policy:", 7) == 0;
    if (entry->c.action != ACTION_ISOLATE || permit_set[0] != '\0' ||
        entry->c.permit_set[0] == '\0' || !is_by_policy || entry->is_changing) {
        return false;
    }
    entry->c.permit_set[0] = '\0';
    entry->is_dirty = true;
    return true;
}

/* A port on which a contained endpoint sits is held: see RULE_HOLD_PORT. */
static void
entry_hold(struct controller *controller, struct entry *entry)
{
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    struct port_hold *hold = &entry->hold;
    if (entry->c.action != ACTION_ISOLATE || !endpoint ||
        endpoint->location.class != LOCATION_DIRECT) {
        return;
    }
    const struct location *at = &endpoint->location;
    if (hold->is_set && !hold->is_lifted && at->confidence < HOLD_CONFIDENCE) {
        return; /* a switch says that it moved, and its former port has not let it go: it stays held
                 */
    }
    if (hold->is_set && strcmp(hold->place.switch_name, at->switch_name) == 0 &&
        strcmp(hold->place.port, at->port) == 0 && !hold->is_lifted) {
        return;
    }
    struct mac macs[RULE_KNOWN_MACS_MAX];
    size_t count = topology_macs_on_port(controller->topology, at->switch_name, at->port, macs,
                                         COUNT_OF(macs));
    free(hold->known);
    *hold = (struct port_hold){.is_set = true};
    hold->known = count > 0 ? mem_new(count, sizeof(*hold->known)) : NULL;
    snprintf(hold->place.switch_name, sizeof(hold->place.switch_name), "%s", at->switch_name);
    snprintf(hold->place.port, sizeof(hold->place.port), "%s", at->port);
    for (size_t i = 0; i < count; i++) {
        bool is_own = false;
        for (size_t j = 0; j < endpoint->mac_count; j++) {
            is_own = is_own || mac_is_equal(&macs[i], &endpoint->macs[j]);
        }
        if (!is_own) {
            hold->known[hold->known_count++] = macs[i];
        }
    }
    entry->is_dirty = true;
    controller->has_dirty = true;
}

void
entry_prepare(struct controller *controller, struct entry *entry)
{
    entry_identify(controller, entry);
    entry_hold(controller, entry);
}

void
entry_enforce(struct controller *controller, struct entry *entry)
{
    entry_identify(controller, entry);
    entry_locate(controller, entry);
    entry_hold(controller, entry);
    if (entry->c.endpoint_id[0] != '\0') {
        topology_pin(controller->topology, entry->c.endpoint_id, true);
    }
    entry_refresh(controller, entry);
    entry_due(controller, entry);
}

static void
ended_trim(struct controller *controller)
{
    if (controller->ended_count <= ENDED_KEPT + ENDED_KEPT / 4) {
        return;
    }
    struct entry *entry = TAILQ_FIRST(&controller->entries);
    while (entry && controller->ended_count > ENDED_KEPT) {
        struct entry *next = TAILQ_NEXT(entry, link);
        if (lifecycle_is_ended(entry->c.state) && !entry->is_dirty && !entry->is_changing) {
            entry_free(controller, entry);
            controller->ended_count--;
        }
        entry = next;
    }
}

void
entries_forget_ended(struct controller *controller,
                     bool (*goes)(void *context, const struct containment *c), void *context)
{
    struct entry *entry = TAILQ_FIRST(&controller->entries);
    while (entry) {
        struct entry *next = TAILQ_NEXT(entry, link);
        if (lifecycle_is_ended(entry->c.state) && !entry->is_dirty && !entry->is_changing &&
            goes(context, &entry->c)) {
            entry_free(controller, entry);
            controller->ended_count--;
        }
        entry = next;
    }
}

void
entry_end(struct controller *controller, struct entry *entry)
{
    controller->ended_count++;
    text_keep(&entry->c.problem, TEXT_SIZE, "");
    if (entry->c.endpoint_id[0] != '\0') {
        bool is_free = true;
        for (struct entry *other = entry_next_of(controller, entry->c.endpoint_id, NULL); other;
             other = entry_next_of(controller, entry->c.endpoint_id, other)) {
            is_free = is_free && !lifecycle_is_in_force(other->c.state);
        }
        if (is_free) {
            topology_pin(controller->topology, entry->c.endpoint_id, false);
        }
    }
    engine_note_over(controller->engine, &entry->c);
    entry_refresh(controller, entry);
    ended_trim(controller);
}

void
entry_due(struct controller *controller, const struct entry *entry)
{
    int64_t due_us = 0;
    if (lifecycle_is_in_force(entry->c.state)) {
        due_us = entry->c.expires_us;
    } else if (entry->c.state == CONTAINMENT_PENDING) {
        due_us = entry->c.pending_until_us;
    }
    if (due_us > 0 && (controller->next_due_us == 0 || due_us < controller->next_due_us)) {
        controller->next_due_us = due_us;
    }
}

/* The port hold as a setting: "switch port is_lifted mac mac ...". */
void
entry_put_hold(struct store_change *change, const struct entry *entry)
{
    const struct port_hold *hold = &entry->hold;
    char name[NAME_SIZE];
    char value[2 * NAME_SIZE + RULE_KNOWN_MACS_MAX * MAC_TEXT_SIZE + 16] = "";
    snprintf(name, sizeof(name), "hold/%s", entry->c.id);
    if (hold->is_set && !lifecycle_is_ended(entry->c.state)) {
        int used = snprintf(value, sizeof(value), "%s %s %d", hold->place.switch_name,
                            hold->place.port, hold->is_lifted);
        for (size_t i = 0; i < hold->known_count; i++) {
            char mac[MAC_TEXT_SIZE];
            mac_format(&hold->known[i], mac);
            used += snprintf(value + used, sizeof(value) - (size_t)used, " %s", mac);
        }
    }
    store_put_setting(change, name, value);
}

void
entry_restore_hold(struct controller *controller, const char *containment_id, const char *value)
{
    struct entry *entry = entry_find(controller, containment_id);
    struct port_hold hold = {.is_set = true};
    int lifted = 0;
    int used = 0;
    if (!entry || sscanf(value, "%63s %63s %d%n", hold.place.switch_name, hold.place.port, &lifted,
                         &used) != 3) {
        return;
    }
    hold.is_lifted = lifted != 0;
    char mac[MAC_TEXT_SIZE];
    int more = 0;
    for (const char *at = value + used;
         hold.known_count < RULE_KNOWN_MACS_MAX && sscanf(at, "%17s%n", mac, &more) == 1;
         at += more) {
        struct mac known;
        if (mac_parse(mac, &known)) {
            hold.known = mem_resize(hold.known, hold.known_count + 1, sizeof(*hold.known));
            hold.known[hold.known_count++] = known;
        }
    }
    free(entry->hold.known);
    entry->hold = hold;
}

/* At most so many rows in a commit: a block that is decided meanwhile waits behind it. */
void
entries_write_behind(struct controller *controller, size_t most)
{
    struct store_change *change = NULL;
    struct entry *entry;
    size_t count = 0;
    if (!controller->has_dirty) {
        return;
    }
    controller->has_dirty = false;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (!entry->is_dirty || !entry->is_committed) {
            continue;
        }
        if (entry->is_changing || count == most) { /* its own change is on its way; or: next time */
            controller->has_dirty = true;
            continue;
        }
        change = change ? change : store_change_new();
        store_put_containment(change, &entry->c);
        if (entry->hold.is_set) {
            entry_put_hold(change, entry);
        }
        entry->is_dirty = false;
        count++;
    }
    if (change) {
        store_submit(controller->store, change, NULL, NULL);
    }
}
