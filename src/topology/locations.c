#include "topology/locations.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/endpoints.h"
#include "topology/links.h"

#define RIVAL_LIVE_US 900000000 /* a former place counts as live if used so lately before */
#define ALIVE_US 900000000      /* heard so lately, it is not gone */
#define NEIGHBOURS_MAX 16       /* on fuller ports their number is not kept exact */
#define RELOCATE_ALL_MAX 256

enum {
    CONFIDENCE_DIRECT = 95,
    CONFIDENCE_SHARED = 85,
    CONFIDENCE_MOVED = 25, /* without a link-down at the former place, and not yet settled */
    CONFIDENCE_LAST = 30,  /* not seen anywhere now */
    CONFIDENCE_CONFLICT = 20,
};

/* What the sightings of all MACs of one endpoint say together. */
struct judgement {
    const struct sighting *best;  /* on a sink, or NULL */
    const struct sighting *other; /* a second place, alive at the same time */
    const struct sighting *rival; /* the former place, which nothing has ended */
    const struct sighting *behind[3];
    size_t behind_count;
    size_t others; /* other endpoints on best's port */
};

void
sighting_drop(struct sighting *sighting)
{
    LIST_REMOVE(sighting, of_mac);
    LIST_REMOVE(sighting, of_port);
    sighting->mac->sighting_count--;
    free(sighting);
}

static bool
is_here(const struct location *location, const struct port_state *port)
{
    return location->class != LOCATION_NONE && strcmp(location->port, port->name) == 0 &&
           strcmp(location->switch_name, port->on->name) == 0;
}

bool
located_on(const struct node *node, const struct port_state *port)
{
    return is_here(&node->endpoint.location, port) &&
           node->endpoint.location.class != LOCATION_CONFLICT;
}

#define EACH_SIGHTING(s, t, node)                                                                  \
    for (size_t mac_ = 0; mac_ < (node)->endpoint.mac_count; mac_++)                               \
        for (struct sighting *s =                                                                  \
                 LIST_FIRST(&mac_find(t, &(node)->endpoint.macs[mac_])->sightings);                \
             s; s = LIST_NEXT(s, of_mac))

bool
is_alive(const struct topology *t, const struct node *node, int64_t at_us)
{
    if (at_us - node->endpoint.seen_us < ALIVE_US) {
        return true;
    }
    EACH_SIGHTING(s, t, node)
    {
        if (s->is_active && !s->is_idle && port_is_sink(s->port)) {
            return true;
        }
    }
    return false;
}

static bool
is_place(const struct sighting *s)
{
    return s->is_active && port_is_sink(s->port);
}

/* Newest first; where equally new, the one that is the location already. */
static bool
is_better(const struct node *node, const struct sighting *s, const struct sighting *best)
{
    if (!best || s->seen_us != best->seen_us) {
        return !best || s->seen_us > best->seen_us;
    }
    return is_here(&node->endpoint.location, s->port) &&
           !is_here(&node->endpoint.location, best->port);
}

static void
judge_others(struct topology *t, const struct node *node, struct judgement *j)
{
    int64_t settle_us = t->settings.conflict_us;
    EACH_SIGHTING(s, t, node)
    {
        if (s->port == j->best->port || !port_is_sink(s->port)) {
            continue;
        }
        bool is_live = s->is_active && !s->is_idle;
        if (is_live && s->seen_us > j->best->since_us &&
            (!j->other || s->seen_us > j->other->seen_us)) {
            j->other = s;
        }
        bool is_ended = s->left_by == LEFT_LINK_DOWN || s->left_by == LEFT_AGED || s->is_idle ||
                        !s->port->is_up;
        bool was_live = s->seen_us >= j->best->since_us - RIVAL_LIVE_US;
        bool is_fresh = clock_wall_us(t->clock) - j->best->since_us < settle_us;
        if (!is_ended && was_live && is_fresh) {
            j->rival = s;
        }
    }
}

static size_t
count_others(const struct port_state *port, const struct node *node)
{
    const struct node *seen[NEIGHBOURS_MAX];
    size_t count = 0;
    struct sighting *s;
    LIST_FOREACH(s, &port->sightings, of_port)
    {
        if (!s->is_active || s->mac->node == node) {
            continue;
        }
        size_t i = 0;
        while (i < count && seen[i] != s->mac->node) {
            i++;
        }
        if (i < count) {
            continue;
        }
        seen[count++] = s->mac->node;
        if (count == NEIGHBOURS_MAX) {
            break;
        }
    }
    return count;
}

static struct judgement
judge(struct topology *t, const struct node *node)
{
    struct judgement j = {.best = NULL};
    EACH_SIGHTING(s, t, node)
    {
        if (is_place(s)) {
            j.best = is_better(node, s, j.best) ? s : j.best;
        } else if (s->is_active && j.behind_count < COUNT_OF(j.behind)) {
            j.behind[j.behind_count++] = s;
        }
    }
    if (j.best) {
        judge_others(t, node, &j);
        j.others = count_others(j.best->port, node);
    }
    return j;
}

/* Into 'why'; what a longest possible name would not leave room for is cut. */
static void say(struct location *location, const char *format, ...) PRINTF_LIKE(2, 3);

static void
say(struct location *location, const char *format, ...)
{
    char why[TEXT_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(why, sizeof(why), format, values);
    va_end(values);
    if (!location->why || strcmp(location->why, why) != 0) {
        free(location->why);
        location->why = mem_strdup(why);
    }
}

/* "; e2 and core see it on their uplinks" */
static void
say_behind(const struct judgement *j, char *text, size_t size)
{
    text[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; i < j->behind_count; i++) {
        const char *join = i == 0 ? "; " : i + 1 == j->behind_count ? " and " : ", ";
        int n = snprintf(text + used, size - used, "%s%s", join, j->behind[i]->port->on->name);
        used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
    }
    if (j->behind_count > 0) {
        snprintf(text + used, size - used, "%s",
                 j->behind_count == 1 ? " sees it on an uplink" : " see it on their uplinks");
    }
}

static const char *
port_word(const struct port_state *port)
{
    return port->role == PORT_SERVER ? "server port" : "access port";
}

static void
say_place(const struct judgement *j, struct location *location)
{
    char behind[3 * NAME_SIZE + 64];
    char since[TIME_TEXT_SIZE];
    char company[96];
    say_behind(j, behind, sizeof(behind));
    time_format(j->best->since_us, since);
    if (j->others == 0) {
        snprintf(company, sizeof(company), "the only one there");
    } else {
        snprintf(company, sizeof(company), "with %s%zu other%s on the same port",
                 j->others >= NEIGHBOURS_MAX ? "at least " : "", j->others,
                 j->others == 1 ? "" : "s");
    }
    say(location, "seen on %s %s of %s since %s, %s%s%s", port_word(j->best->port),
        j->best->port->name, j->best->port->on->name, since, company, behind,
        j->rival ? "; its former port neither went down nor let it go yet" : "");
}

static const char *
conflict_with(const struct node *node)
{
    return node->doubt && node->doubt->conflict_with ? node->doubt->conflict_with : "";
}

/* It came back to a port that it had just left, not long ago. */
static bool
in_conflict(const struct topology *t, const struct node *node)
{
    return node->doubt && clock_wall_us(t->clock) < node->doubt->conflict_until_us;
}

static void
say_conflict(const struct node *node, const struct judgement *j, struct location *location)
{
    char with[2 * NAME_SIZE + 8];
    if (j->other) {
        snprintf(with, sizeof(with), "%s/%s", j->other->port->on->name, j->other->port->name);
    } else {
        snprintf(with, sizeof(with), "%s", conflict_with(node));
    }
    if (j->other && j->other->port->on->site != j->best->port->on->site) {
        say(location,
            "seen in two places at once, at two sites: %s/%s and %s; somebody may be using its MAC",
            j->best->port->on->name, j->best->port->name, with);
        return;
    }
    say(location, "seen in two places at once: %s/%s and %s; somebody may be using its MAC",
        j->best->port->on->name, j->best->port->name, with);
}

static void
say_nowhere(const struct judgement *j, struct location *location)
{
    char behind[3 * NAME_SIZE + 64];
    char seen[TIME_TEXT_SIZE];
    say_behind(j, behind, sizeof(behind));
    if (location->class == LOCATION_NONE) {
        say(location, "never seen on an access port%s", behind);
        return;
    }
    time_format(location->seen_us, seen);
    say(location, "last seen on port %s of %s at %s, and on no access port since%s", location->port,
        location->switch_name, seen, behind);
}

static void
set_place(struct topology *t, struct location *location, const struct sighting *s)
{
    location->switch_name = name_keep(t, s->port->on->name);
    location->port = name_keep(t, s->port->name);
    location->vlan = s->vlan;
    location->since_us = s->since_us;
    location->seen_us = s->seen_us;
}

static void
tell_move(struct topology *t, struct node *node, const struct location *before, int64_t at_us)
{
    char detail[4 * NAME_SIZE + 16];
    const struct location *now = &node->endpoint.location;
    if (before->class == LOCATION_NONE) {
        snprintf(detail, sizeof(detail), "%s/%s", now->switch_name, now->port);
    } else {
        snprintf(detail, sizeof(detail), "%s/%s -> %s/%s", before->switch_name, before->port,
                 now->switch_name, now->port);
    }
    if (node->is_told) {
        node_event(t, node, ENDPOINT_MOVED, at_us, detail);
    }
    node_tell(t, node, TOPOLOGY_ENDPOINT_MOVED, before, detail);
}

static struct doubt *
doubt_need(struct node *node)
{
    if (!node->doubt) {
        node->doubt = MEM_NEW(struct doubt);
        node->doubt->node = node;
    }
    return node->doubt;
}

void
doubt_drop(struct topology *t, struct node *node)
{
    if (node->doubt) {
        if (node->doubt->is_unsettled) {
            TAILQ_REMOVE(&t->unsettled, node->doubt, of_unsettled);
        }
        free(node->doubt->conflict_with);
        free(node->doubt);
        node->doubt = NULL;
    }
}

static bool
is_unsettled(const struct node *node)
{
    return node->doubt && node->doubt->is_unsettled;
}

static void
settle_later(struct topology *t, struct node *node, bool is_open)
{
    if (is_open == is_unsettled(node)) {
        return;
    }
    struct doubt *doubt = doubt_need(node);
    doubt->is_unsettled = is_open;
    if (is_open) {
        TAILQ_INSERT_TAIL(&t->unsettled, doubt, of_unsettled);
    } else {
        TAILQ_REMOVE(&t->unsettled, doubt, of_unsettled);
    }
}

/* Which of the two places is the one where nobody doubted it. */
static const struct sighting *
settled_of(const struct node *node, const struct judgement *j)
{
    if (!node->settled || j->best->port == node->settled) {
        return node->settled ? j->best : NULL;
    }
    return j->other && j->other->port == node->settled ? j->other : NULL;
}

static void
locate_conflict(struct topology *t, struct node *node, const struct judgement *j,
                const struct location *before, int64_t at_us)
{
    struct location *location = &node->endpoint.location;
    /* The place that it had stays the answer, also where a switch claimed it for a moment; the
     * second one is named in 'why'. */
    const struct sighting *had = settled_of(node, j);
    if (had && !is_here(before, had->port)) {
        set_place(t, location, had);
    } else if (before->class == LOCATION_NONE) {
        set_place(t, location, j->best);
    }
    location->class = LOCATION_CONFLICT;
    location->confidence = CONFIDENCE_CONFLICT;
    say_conflict(node, j, location);
    if (before->class != LOCATION_CONFLICT) {
        node_event(t, node, ENDPOINT_CONFLICT, at_us, location->why);
        node_tell(t, node, TOPOLOGY_ENDPOINT_CONFLICT, before, location->why);
    }
}

static void
locate_place(struct topology *t, struct node *node, const struct judgement *j,
             const struct location *before, int64_t at_us)
{
    struct location *location = &node->endpoint.location;
    bool has_moved = !is_here(before, j->best->port);
    int64_t since_us = location->since_us;
    set_place(t, location, j->best);
    bool has_stayed = !has_moved && before->confidence > CONFIDENCE_LAST;
    if (has_stayed && since_us < location->since_us) {
        location->since_us = since_us;
    }
    location->class = j->others == 0 ? LOCATION_DIRECT : LOCATION_SHARED;
    location->confidence = j->others == 0 ? CONFIDENCE_DIRECT : CONFIDENCE_SHARED;
    if (j->rival) {
        location->confidence = CONFIDENCE_MOVED;
    } else {
        node->settled = j->best->port;
    }
    say_place(j, location);
    if (has_moved) {
        tell_move(t, node, before, at_us);
    } else if (before->class != location->class || before->confidence != location->confidence) {
        node_tell(t, node, TOPOLOGY_ENDPOINT_SEEN, before, location->why);
    }
}

void
locate(struct topology *t, struct node *node, int64_t at_us)
{
    struct location before = node->endpoint.location;
    struct location *location = &node->endpoint.location;
    before.why = NULL; /* it is said anew */
    struct judgement j = judge(t, node);
    bool is_conflict = j.best && (j.other || in_conflict(t, node));
    if (is_conflict) {
        locate_conflict(t, node, &j, &before, at_us);
    } else if (j.best) {
        locate_place(t, node, &j, &before, at_us);
    } else {
        location->confidence = location->class == LOCATION_NONE ? 0 : CONFIDENCE_LAST;
        say_nowhere(&j, location);
        if (before.confidence != location->confidence) {
            node_tell(t, node, TOPOLOGY_ENDPOINT_SEEN, &before, location->why);
        }
    }
    settle_later(t, node, is_conflict || j.rival);
}

void
locate_all_on(struct topology *t, struct port_state *port)
{
    int64_t now_us = clock_wall_us(t->clock);
    size_t left = RELOCATE_ALL_MAX;
    struct sighting *s;
    LIST_FOREACH(s, &port->sightings, of_port)
    {
        if (left-- == 0) {
            break;
        }
        if (s->mac->node->is_told) {
            locate(t, s->mac->node, now_us);
        }
    }
}

/* The neighbours' "only one there" is about each other. */
static void
locate_neighbours(struct topology *t, struct port_state *port, const struct node *except)
{
    if (!port_is_sink(port)) {
        return;
    }
    if (count_others(port, except) >= NEIGHBOURS_MAX) {
        return;
    }
    size_t left = RELOCATE_ALL_MAX;
    struct sighting *s;
    LIST_FOREACH(s, &port->sightings, of_port)
    {
        if (left-- == 0) {
            break;
        }
        if (s->is_active && s->mac->node != except && s->mac->node->is_told) {
            locate(t, s->mac->node, clock_wall_us(t->clock));
        }
    }
}

static struct sighting *
sighting_find(const struct mac_item *mac, const struct port_state *port, uint16_t vlan)
{
    struct sighting *s;
    LIST_FOREACH(s, &mac->sightings, of_mac)
    {
        if (s->port == port && s->vlan == vlan) {
            return s;
        }
    }
    return NULL;
}

static void
sighting_room(struct mac_item *mac)
{
    if (mac->sighting_count < MAC_SIGHTINGS_MAX) {
        return;
    }
    struct sighting *oldest = NULL;
    struct sighting *s;
    LIST_FOREACH(s, &mac->sightings, of_mac)
    {
        bool is_less = !oldest || (oldest->is_active && !s->is_active) ||
                       (oldest->is_active == s->is_active && s->seen_us < oldest->seen_us);
        oldest = is_less ? s : oldest;
    }
    sighting_drop(oldest);
}

static struct sighting *
sighting_new(struct mac_item *mac, struct port_state *port, uint16_t vlan)
{
    sighting_room(mac);
    struct sighting *s = MEM_NEW(struct sighting);
    s->mac = mac;
    s->port = port;
    s->vlan = vlan;
    LIST_INSERT_HEAD(&mac->sightings, s, of_mac);
    LIST_INSERT_HEAD(&port->sightings, s, of_port);
    mac->sighting_count++;
    return s;
}

/* A switch has one place per MAC and VLAN.  Ends its older place; false: ours is the older. */
static bool
supersede(struct mac_item *mac, const struct sighting *now, int64_t at_us, struct port_state **left)
{
    struct sighting *s;
    LIST_FOREACH(s, &mac->sightings, of_mac)
    {
        if (s == now || !s->is_active || s->port->on != now->port->on || s->vlan != now->vlan) {
            continue;
        }
        if (s->seen_us > at_us) {
            return false;
        }
        s->is_active = false;
        s->left_us = at_us;
        s->left_by = LEFT_MOVED;
        *left = s->port;
    }
    return true;
}

/* It left this port for another a moment ago, with no link-down, and is back: two machines. */
static void
note_flap(struct topology *t, struct node *node, const struct sighting *s,
          const struct port_state *left, int64_t at_us)
{
    bool has_flapped = s->left_by == LEFT_MOVED && at_us - s->left_us < t->settings.conflict_us;
    if (!has_flapped || !left || !port_is_sink(s->port)) {
        return;
    }
    struct doubt *doubt = doubt_need(node);
    doubt->conflict_until_us = clock_wall_us(t->clock) + t->settings.conflict_us;
    char with[2 * NAME_SIZE];
    snprintf(with, sizeof(with), "%s/%s", left->on->name, left->name);
    free(doubt->conflict_with);
    doubt->conflict_with = mem_strdup(with);
}

/* The MAC, new or known; NULL: nobody's, or no room. */
static struct mac_item *
mac_need(struct topology *t, struct port_state *port, const struct mac *mac, int64_t at_us)
{
    struct mac_item *item = mac_find(t, mac);
    if (item) {
        return item;
    }
    bool is_switch = !port_is_sink(port) && mac_is_own(t, mac);
    if (mac_is_none(mac) || mac_is_group(mac) || mac_is_virtual_router(mac) || is_switch) {
        t->counters.facts_ignored++;
        return NULL;
    }
    /* The managed switch at the other end tells of its own endpoints; an uplink to it must not
     * let a flood on one of its ports in by this door. */
    struct switch_state *beyond = port_is_sink(port) ? NULL : link_neighbour(t, port);
    if (beyond && beyond->is_connected) {
        return NULL;
    }
    struct node *node = node_new(t, NULL, at_us, port);
    return node ? mac_add(t, node, mac) : NULL;
}

struct node *
sighting_apply(struct topology *t, struct port_state *port, const struct mac *mac, uint16_t vlan,
               int64_t at_us)
{
    if (port->role == PORT_MIRROR && port->is_known) {
        t->counters.facts_ignored++;
        return NULL;
    }
    struct mac_item *item = mac_need(t, port, mac, at_us);
    if (!item) {
        return NULL;
    }
    struct node *node = item->node;
    struct sighting *s = sighting_find(item, port, vlan);
    if (!s) {
        s = sighting_new(item, port, vlan);
    }
    s->mark = port->on->mark;
    if (at_us < s->seen_us || (t->is_inventory && s->is_active)) {
        return node;
    }
    bool was_active = s->is_active;
    struct port_state *left = NULL;
    if (!was_active && !supersede(item, s, at_us, &left)) {
        return node;
    }
    s->is_idle = false;
    if (!was_active) {
        note_flap(t, node, s, left, at_us);
        s->is_active = true;
        s->since_us = at_us;
        s->left_by = LEFT_NOT;
    }
    s->seen_us = at_us;
    node_touch(t, node, at_us);
    struct location *location = &node->endpoint.location;
    bool is_calm = was_active && !is_unsettled(node) && is_here(location, port);
    if (is_calm) {
        location->seen_us = at_us > location->seen_us ? at_us : location->seen_us;
        return node;
    }
    if (was_active && !port_is_sink(port) && !is_unsettled(node)) {
        return node;
    }
    locate(t, node, at_us);
    node_tell_new(t, node, at_us);
    if (!was_active) {
        locate_neighbours(t, port, node);
        if (left) {
            locate_neighbours(t, left, node);
        }
    }
    return node;
}

void
sighting_idle(struct topology *t, struct port_state *port, const struct mac *mac)
{
    struct mac_item *item = mac_find(t, mac);
    if (!item) {
        return;
    }
    struct sighting *s;
    LIST_FOREACH(s, &item->sightings, of_mac)
    {
        if (s->port == port) {
            s->is_idle = true;
        }
    }
}

void
sightings_end(struct topology *t, struct port_state *port, enum left_by by, int64_t at_us)
{
    struct sighting *s;
    LIST_FOREACH(s, &port->sightings, of_port)
    {
        if (by == LEFT_LINK_DOWN || s->is_active) {
            s->left_us = at_us;
            s->left_by = by;
        }
        s->is_active = false;
    }
    LIST_FOREACH(s, &port->sightings, of_port)
    {
        if (s->mac->node->is_told) {
            locate(t, s->mac->node, at_us);
        }
    }
}

void
sightings_sweep(struct topology *t, struct port_state *port, uint32_t mark)
{
    (void)t;
    struct sighting *s;
    LIST_FOREACH(s, &port->sightings, of_port)
    {
        if (s->is_active && s->mark != mark) {
            s->is_idle = true;
        }
    }
}
