#include "controller/unclear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/alteration.h"
#include "controller/clocks.h"
#include "controller/decide.h"
#include "controller/entry.h"
#include "controller/resite.h"

#define UNCLEAR_MAX 128 /* 5 KB each */
#define UNCLEAR_US (INT64_C(600) * 1000000)
/* So long nobody else must claim it: who is only probing for an address is answered within one
 * second (RFC 4861 10: RETRANS_TIMER), and what several switches tell comes one by one. */
#define SETTLE_US INT64_C(1000000)
#define AHEAD_US INT64_C(5000000) /* later than now, and still no wrong clock */
#define LOADED_MAX 512            /* incidents that are looked at at the start, the newest */

struct unclear_item {
    struct detection *detection; /* owned */
    struct incident incident;    /* that it was put into */
    enum unclear unclear;
    int64_t since_us; /* boot */
    int64_t known_us; /* likewise; 0: not known */
    bool is_refused;  /* by a person, perhaps: what has ended is not there after a restart */
};

struct unclears {
    struct unclear_item *items[UNCLEAR_MAX]; /* owned, oldest first */
    size_t count;
    uint64_t dropped;
};

struct unclears *
unclears_new(void)
{
    return MEM_NEW(struct unclears);
}

static struct unclear_item *
item_take(struct unclears *unclears, size_t at)
{
    struct unclear_item *item = unclears->items[at];
    unclears->count--;
    memmove(&unclears->items[at], &unclears->items[at + 1],
            (unclears->count - at) * sizeof(unclears->items[0]));
    return item;
}

static void
item_free(struct unclear_item *item)
{
    free(item->detection);
    free(item);
}

static void
items_free(struct unclears *unclears)
{
    while (unclears->count > 0) {
        item_free(item_take(unclears, unclears->count - 1));
    }
}

void
unclears_free(struct unclears *unclears)
{
    if (unclears) {
        items_free(unclears);
        free(unclears);
    }
}

void
unclear_forget(struct controller *controller)
{
    items_free(controller->unclears);
}

/* Could it contain somebody, were he known?  One packet in another's name could not. */
static bool
may_be_strong(const struct detection *d)
{
    bool is_ours = strcmp(d->maker, "cordon") == 0;
    return is_ours ? d->handshake || d->origin.is_stamped || d->peer_origin.is_stamped
                   : d->strength == STRENGTH_STRONG;
}

/* The oldest of those that anybody can forge makes room, else the oldest. */
static void
make_room(struct unclears *unclears)
{
    size_t at = 0;
    while (at < unclears->count && may_be_strong(unclears->items[at]->detection)) {
        at++;
    }
    item_free(item_take(unclears, at < unclears->count ? at : 0));
    unclears->dropped++;
}

/* By its finder's clock it is still to come: once that time has come, whoever took the address
 * since would seem to have had it before. */
static bool
is_ahead(const struct controller *controller, const struct detection *detection)
{
    return detection->seen_us - clock_wall_us(controller->clock) > AHEAD_US;
}

/* 'detection' is taken over. */
static struct unclear_item *
item_add(struct controller *controller, struct detection *detection,
         const struct incident *incident, enum unclear unclear)
{
    struct unclears *unclears = controller->unclears;
    if (unclears->count == UNCLEAR_MAX) {
        make_room(unclears);
    }
    struct unclear_item *item = MEM_NEW(struct unclear_item);
    item->detection = detection;
    item->incident = *incident;
    item->unclear = unclear;
    item->since_us = clock_boot_us(controller->clock);
    unclears->items[unclears->count++] = item;
    return item;
}

static enum clearing
item_clears(struct controller *controller, const struct unclear_item *item)
{
    controller->unsure_us = item->detection->unsure_us;
    enum clearing is =
        engine_clears(controller->engine, item->detection, &item->incident, item->unclear);
    controller->unsure_us = 0;
    return is;
}

/* Likewise; but it must have been so for a while. */
static enum clearing
item_settles(struct controller *controller, struct unclear_item *item)
{
    int64_t now_us = clock_boot_us(controller->clock);
    enum clearing is = item_clears(controller, item);
    if (is != CLEARING_KNOWN) {
        item->known_us = 0;
        return is;
    }
    item->known_us = item->known_us ? item->known_us : now_us;
    return now_us - item->known_us >= SETTLE_US ? CLEARING_KNOWN : CLEARING_WAITS;
}

/* Is something that was decided for that incident there, ended by a person or not at all? */
static bool
has_entry(const struct controller *controller, const struct incident *was, bool is_by_person)
{
    const struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        const struct containment *c = &entry->c;
        bool is_persons =
            lifecycle_is_ended(c->state) && c->ended_by && strncmp(c->ended_by, "policy:", 7) != 0;
        bool is_it = is_by_person ? is_persons : !lifecycle_is_ended(c->state);
        if (is_it && strcmp(c->incident_id, was->id) == 0) {
            return true;
        }
    }
    return false;
}

/* True: it waits no longer. */
static bool
look_at(struct controller *controller, size_t at)
{
    struct unclears *unclears = controller->unclears;
    struct unclear_item *item = unclears->items[at];
    int64_t waits_us = clock_boot_us(controller->clock) - item->since_us;
    enum clearing is = item_settles(controller, item);
    if (is == CLEARING_WAITS && waits_us <= UNCLEAR_US) {
        return false;
    }
    (void)item_take(unclears, at);
    if (is == CLEARING_KNOWN) {
        bool is_refused = item->is_refused || has_entry(controller, &item->incident, true);
        decide_again(controller, item->detection, &item->incident, is_refused);
    }
    item_free(item);
    return true;
}

void
unclear_note(struct controller *controller, struct detection *detection,
             const struct incident *incident, enum unclear unclear)
{
    if (is_ahead(controller, detection)) {
        free(detection);
        return;
    }
    /* The next tick looks at it, if nothing is told before: not each one of a flood by itself. */
    (void)item_add(controller, detection, incident, unclear);
}

void
unclear_look(struct controller *controller)
{
    for (size_t i = 0; i < controller->unclears->count;) {
        i += look_at(controller, i) ? 0 : 1;
    }
}

struct loading {
    struct controller *controller;
    const struct incident *incident;
    bool is_refused;
};

static void
on_detection(void *context, const struct detection *detection)
{
    const struct loading *loading = context;
    if (is_ahead(loading->controller, detection)) {
        return;
    }
    struct detection *copy = MEM_NEW(struct detection);
    *copy = *detection;
    struct unclear_item *item =
        item_add(loading->controller, copy, loading->incident, UNCLEAR_ADDRESS);
    item->is_refused = loading->is_refused;
}

void
unclear_load(struct controller *controller)
{
    int64_t since_us = clock_wall_us(controller->clock) - UNCLEAR_US;
    size_t count = controller_incident_count(controller);
    for (size_t i = count > LOADED_MAX ? count - LOADED_MAX : 0; i < count; i++) {
        const struct incident *incident = controller_incident_at(controller, i);
        bool is_nobodys = incident->is_open && incident->endpoint_id[0] == '\0' &&
                          !ip_is_none(&incident->ip) && incident->last_us >= since_us;
        struct loading loading = {controller, incident,
                                  is_nobodys && !has_entry(controller, incident, false)};
        if (is_nobodys && store_read_detections(controller->store, incident->id, UNCLEAR_MAX,
                                                on_detection, &loading) != 0) {
            log_error("controller", "detections of an unknown address cannot be read",
                      LOG_S("incident", incident->id));
        }
    }
}

uint64_t
controller_unclear_dropped(const struct controller *controller)
{
    return controller->unclears->dropped;
}

/* ---- what waits for a person ---- */

/* Did that endpoint have its address when it was seen?  Another detection led to it, perhaps. */
static bool
is_of(const struct controller *controller, const struct containment *c, const char *endpoint_id)
{
    struct held held;
    bool has_packet = c->mark_count > 0 && strcmp(c->marks[0].step, "packet") == 0;
    return has_packet &&
           clocks_resolve(controller, c->site, &c->subject_ip, c->marks[0].at_us, &held) ==
               RESOLUTION_SURE &&
           strcmp(held.endpoint->id, endpoint_id) == 0;
}

/* What policy says of it now, where it leaves it to a person. */
static void
hold_again(struct controller *controller, struct entry *entry, const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->decision_count; i++) {
        const struct decision *decision = &outcome->decisions[i];
        bool is_held = decision->hold != HOLD_NONE || decision->mode == MODE_APPROVE;
        bool is_it = decision->action == entry->c.action && is_held;
        if (is_it && entry->c.state == CONTAINMENT_PENDING) {
            entry->c.pending_until_us = 0;
            decision_hold(&entry->c, decision, clock_wall_us(controller->clock));
            entry_due(controller, entry);
        }
    }
}

static void
entry_own(struct controller *controller, struct entry *entry, const char *endpoint_id,
          const struct outcome *outcome)
{
    char account[NAME_SIZE];
    const struct subject subject = {.action = entry->c.action,
                                    .endpoint_id = endpoint_id,
                                    .server = entry->c.server,
                                    .site = entry->c.site};
    if (entry_find_same(controller, &subject)) {
        snprintf(account, sizeof(account), "policy:%.50s", entry->c.policy);
        alteration_end(controller, entry, LIFE_REVERT, account,
                       "whose address it was is known now: that endpoint has one already", NULL,
                       NULL);
        return;
    }
    memcpy(entry->c.endpoint_id, endpoint_id, ID_SIZE);
    memcpy(entry->c.incident_id, outcome->incident.id, sizeof(entry->c.incident_id));
    entry_rekey(controller, entry);
    if (resite_is_open(controller, &entry->c)) {
        (void)resite_close(controller, entry);
    }
    entry_mark(entry, "known", clock_wall_us(controller->clock), "");
    hold_again(controller, entry, outcome);
    entry_touch(controller, entry);
}

void
unclear_own(struct controller *controller, const struct incident *was, const char *endpoint_id,
            const struct outcome *outcome)
{
    struct entry *entry;
    if (was->endpoint_id[0] != '\0' || endpoint_id[0] == '\0') {
        return;
    }
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        const struct containment *c = &entry->c;
        bool waits = c->state == CONTAINMENT_PENDING || c->state == CONTAINMENT_CHECKED;
        bool is_it = waits && entry->is_committed && !entry->is_changing &&
                     c->endpoint_id[0] == '\0' && c->action != ACTION_BLOCK_SERVER &&
                     ip_is_equal(&c->subject_ip, &was->ip) && strcmp(c->incident_id, was->id) == 0;
        if (is_it && is_of(controller, c, endpoint_id)) {
            entry_own(controller, entry, endpoint_id, outcome);
        }
    }
}
