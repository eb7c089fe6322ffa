#include "controller/ask/unseen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NAMES_MAX 4
#define VLANS 4096
#define MORE_SIZE 16 /* " (+1234)" */

/* How much of what passes a place is copied, in one direction at least.  Higher says more. */
enum copied { COPIED_NONE, COPIED_PART, COPIED_UNKNOWN, COPIED_WHOLE };
#define LEVEL(copied) (1u << (copied))

struct place {
    char name[NAME_SIZE];
    enum port_role role;
    enum copied copied;
    bool is_up, has_endpoints, is_linked;
};

struct node {
    char name[NAME_SIZE];
    bool is_ours;
    enum copied always; /* what endpoints of this switch send each other */
    struct place *places;
    size_t place_count;
    uint64_t vlans[VLANS / 64];
    /* of one look */
    size_t parent;
    size_t links;
    size_t ends; /* of the group whose first one it is */
    bool is_end; /* endpoints are there whose port is not copied enough */
    bool is_cut; /* no way between two ends passes here */
};

/* 'b_place' NULL: to where nothing of ours is. */
struct span {
    size_t a, b;
    struct place *a_place, *b_place;
};

struct unseen {
    struct node *nodes; /* in order of their names, and last the one that stands for all others' */
    size_t node_count, node_room;
    struct span *spans;
    size_t span_count, span_room;
    bool is_sorted;
};

/* A list for people under construction. */
struct names {
    char *text;
    size_t count, left;
};

struct unseen *
unseen_new(void)
{
    return MEM_NEW(struct unseen);
}

void
unseen_free(struct unseen *unseen)
{
    for (size_t i = 0; unseen && i < unseen->node_count; i++) {
        free(unseen->nodes[i].places);
    }
    if (unseen) {
        free(unseen->nodes);
        free(unseen->spans);
    }
    free(unseen);
}

/* ---- what is told ---- */

static struct node *
node_add(struct unseen *unseen, const char *name)
{
    if (unseen->node_count == unseen->node_room) {
        unseen->node_room = unseen->node_room ? unseen->node_room * 2 : 16;
        unseen->nodes = mem_resize(unseen->nodes, unseen->node_room, sizeof(struct node));
    }
    struct node *node = &unseen->nodes[unseen->node_count++];
    *node = (struct node){.is_ours = true};
    snprintf(node->name, sizeof(node->name), "%s", name);
    return node;
}

static int
node_compare(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

static struct node *
node_find(struct unseen *unseen, const char *name)
{
    struct node key = {.is_ours = true};
    if (!unseen->is_sorted && unseen->node_count > 0) {
        qsort(unseen->nodes, unseen->node_count, sizeof(struct node), node_compare);
    }
    unseen->is_sorted = true;
    snprintf(key.name, sizeof(key.name), "%s", name);
    return unseen->node_count == 0 ? NULL
                                   : bsearch(&key, unseen->nodes, unseen->node_count,
                                             sizeof(struct node), node_compare);
}

static struct place *
place_find(const struct node *node, const char *name)
{
    for (size_t i = 0; i < node->place_count; i++) {
        if (strcmp(node->places[i].name, name) == 0) {
            return &node->places[i];
        }
    }
    return NULL;
}

void
unseen_switch(struct unseen *unseen, const char *name, bool is_ours,
              const struct topology_port *ports, size_t count)
{
    struct node *node = node_add(unseen, name);
    node->is_ours = is_ours;
    node->places = count ? mem_new(count, sizeof(struct place)) : NULL;
    node->place_count = count;
    for (size_t i = 0; i < count; i++) {
        struct place *place = &node->places[i];
        memcpy(place->name, ports[i].name, sizeof(place->name));
        place->role = ports[i].role;
        place->is_up = ports[i].is_up;
        place->has_endpoints = ports[i].is_up && ports[i].mac_count > 0 &&
                               (ports[i].role == PORT_ACCESS || ports[i].role == PORT_SERVER);
    }
}

static void
span_add(struct unseen *unseen, const struct span *span)
{
    if (unseen->span_count == unseen->span_room) {
        unseen->span_room = unseen->span_room ? unseen->span_room * 2 : 16;
        unseen->spans = mem_resize(unseen->spans, unseen->span_room, sizeof(struct span));
    }
    unseen->spans[unseen->span_count++] = *span;
}

void
unseen_link(struct unseen *unseen, const struct link *link)
{
    struct node *a = link->is_confirmed ? node_find(unseen, link->a.switch_name) : NULL;
    struct node *b = a ? node_find(unseen, link->b.switch_name) : NULL;
    struct span span = {.a_place = b ? place_find(a, link->a.port) : NULL,
                        .b_place = b ? place_find(b, link->b.port) : NULL};
    if (span.a_place && span.b_place && a != b) {
        span.a = (size_t)(a - unseen->nodes);
        span.b = (size_t)(b - unseen->nodes);
        span = a < b ? span : (struct span){span.b, span.a, span.b_place, span.a_place};
        span.a_place->is_linked = span.b_place->is_linked = true;
        span_add(unseen, &span);
    }
}

static bool
filter_is_open(const struct mirror_filter *filter)
{
    return prefix_is_none(&filter->src) && prefix_is_none(&filter->dst) && !filter->protocol &&
           !filter->port_low && !filter->port_high && !filter->vlan;
}

static enum copied
mirror_copies(const struct rule_mirror *mirror)
{
    bool is_open = mirror->filter_count == 0;
    for (size_t i = 0; i < mirror->filter_count; i++) {
        is_open |= filter_is_open(&mirror->filters[i]);
    }
    return is_open && mirror->sample <= 1 ? COPIED_WHOLE : COPIED_PART;
}

/* As edges take it: none named means every access port, and never the port that copies leave by. */
static bool
mirror_has(const struct rule_mirror *mirror, const struct place *place)
{
    if (mirror->out_port[0] && strcmp(mirror->out_port, place->name) == 0) {
        return false;
    }
    for (size_t i = 0; i < mirror->port_count; i++) {
        if (strcmp(mirror->ports[i], place->name) == 0) {
            return true;
        }
    }
    return mirror->port_count == 0 && place->role == PORT_ACCESS;
}

void
unseen_mirror(struct unseen *unseen, const char *switch_name, const struct rule_mirror *mirror)
{
    struct node *node = node_find(unseen, switch_name);
    const enum copied copied = mirror_copies(mirror);
    if (!node) {
        return;
    }
    if (mirror->kind == MIRROR_ALWAYS && copied > node->always) {
        node->always = copied;
    }
    bool is_by_port = mirror->kind == MIRROR_PORT || mirror->kind == MIRROR_POLICY;
    for (size_t i = 0; is_by_port && i < node->place_count; i++) {
        struct place *place = &node->places[i];
        if (mirror_has(mirror, place) && copied > place->copied) {
            place->copied = copied;
        }
    }
}

void
unseen_vlan(struct unseen *unseen, const char *switch_name, uint16_t vlan)
{
    struct node *node = node_find(unseen, switch_name);
    if (node && vlan < VLANS) {
        node->vlans[vlan / 64] |= UINT64_C(1) << vlan % 64;
    }
}

/* ---- words ---- */

static struct names
names_begin(char *text)
{
    text[0] = '\0';
    return (struct names){.text = text};
}

static void
names_add(struct names *names, const char *name)
{
    size_t used = strlen(names->text);
    if (names->count == NAMES_MAX || used + strlen(name) + 2 + MORE_SIZE > UNSEEN_NAMES_SIZE) {
        names->left++;
        return;
    }
    names->count++;
    snprintf(names->text + used, UNSEEN_NAMES_SIZE - used, "%s%s", used ? ", " : "", name);
}

static void
names_end(const struct names *names)
{
    size_t used = strlen(names->text);
    if (names->left > 0) {
        snprintf(names->text + used, UNSEEN_NAMES_SIZE - used, "%s(+%zu)", used ? " " : "",
                 names->left);
    }
}

/* ---- levels ---- */

static enum copied
place_level(const struct node *node, const struct place *place)
{
    return place->copied == COPIED_WHOLE || node->is_ours ? place->copied : COPIED_UNKNOWN;
}

static enum copied
span_level(const struct unseen *unseen, const struct span *span)
{
    enum copied a = span->a_place->copied;
    enum copied b = span->b_place ? span->b_place->copied : COPIED_NONE;
    if (a == COPIED_WHOLE || b == COPIED_WHOLE) {
        return COPIED_WHOLE;
    }
    bool is_known =
        span->b_place && unseen->nodes[span->a].is_ours && unseen->nodes[span->b].is_ours;
    return !is_known ? COPIED_UNKNOWN : a > b ? a : b;
}

/* Endpoints are on that port, and it is copied as little as 'levels' say. */
static bool
is_bare(const struct node *node, const struct place *place, unsigned levels)
{
    return place->has_endpoints && !place->is_linked && levels & LEVEL(place_level(node, place));
}

static size_t
count_bare(const struct node *node, unsigned levels, bool only_servers)
{
    size_t count = 0;
    for (size_t i = 0; i < node->place_count; i++) {
        count += is_bare(node, &node->places[i], levels) &&
                 (!only_servers || node->places[i].role == PORT_SERVER);
    }
    return count;
}

/* "e1", or where only some of its endpoints' ports are meant "e1 (p1, p2)". */
static void
name_node(const struct node *node, unsigned levels, bool is_long, char out[UNSEEN_NAMES_SIZE])
{
    char ports[UNSEEN_NAMES_SIZE];
    struct names names = names_begin(ports);
    size_t all = 0, bare = 0;
    for (size_t i = 0; i < node->place_count; i++) {
        const struct place *place = &node->places[i];
        all += place->has_endpoints && !place->is_linked;
        if (is_bare(node, place, levels)) {
            bare++;
            names_add(&names, place->name);
        }
    }
    names_end(&names);
    int size = snprintf(out, UNSEEN_NAMES_SIZE, "%s (%s)", node->name, ports);
    if ((bare == all && !is_long) || size >= UNSEEN_NAMES_SIZE - MORE_SIZE - 2) {
        snprintf(out, UNSEEN_NAMES_SIZE, "%s", node->name);
    }
}

/* ---- groups: switches joined by links that are copied as little as 'levels' say ---- */

static size_t
root_of(struct unseen *unseen, size_t i)
{
    while (unseen->nodes[i].parent != i) {
        unseen->nodes[i].parent = unseen->nodes[unseen->nodes[i].parent].parent;
        i = unseen->nodes[i].parent;
    }
    return i;
}

static bool
span_is_in(const struct unseen *unseen, const struct span *span, unsigned levels)
{
    return levels & LEVEL(span_level(unseen, span)) && !unseen->nodes[span->a].is_cut &&
           !unseen->nodes[span->b].is_cut;
}

/* Takes off who shares a VLAN with nobody of this group.  One whose frames have none, or of which
 * none is known, may talk with each. */
static void
keep_vlans(struct unseen *unseen, size_t root, uint32_t *counts)
{
    size_t open = 0, ends = 0;
    memset(counts, 0, VLANS * sizeof(*counts));
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < unseen->node_count; i++) {
            struct node *node = &unseen->nodes[i];
            bool is_shared = false, is_open = true;
            if (!node->is_end || root_of(unseen, i) != root) {
                continue;
            }
            for (size_t vlan = 1; vlan < VLANS; vlan++) {
                if (node->vlans[vlan / 64] >> vlan % 64 & 1) {
                    is_open = false;
                    counts[vlan] += turn == 0;
                    is_shared |= counts[vlan] > 1;
                }
            }
            is_open |= node->vlans[0] & 1;
            open += turn == 0 && is_open;
            ends += turn == 0;
            node->is_end = turn == 0 || is_shared || (is_open ? ends > 1 : open > 0);
        }
    }
}

/* What hangs on one link and has no endpoint that matters lies on no way. */
static void
cut_loose(struct unseen *unseen, unsigned levels)
{
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (size_t i = 0; i < unseen->node_count; i++) {
            unseen->nodes[i].links = 0;
        }
        for (size_t i = 0; i < unseen->span_count; i++) {
            if (span_is_in(unseen, &unseen->spans[i], levels)) {
                unseen->nodes[unseen->spans[i].a].links++;
                unseen->nodes[unseen->spans[i].b].links++;
            }
        }
        for (size_t i = 0; i < unseen->node_count; i++) {
            struct node *node = &unseen->nodes[i];
            if (!node->is_cut && !node->is_end && node->links < 2) {
                node->is_cut = has_changed = true;
            }
        }
    }
}

static void
count_ends(struct unseen *unseen)
{
    for (size_t i = 0; i < unseen->node_count; i++) {
        unseen->nodes[i].ends = 0;
    }
    for (size_t i = 0; i < unseen->node_count; i++) {
        unseen->nodes[root_of(unseen, i)].ends += unseen->nodes[i].is_end;
    }
}

static void
group_all(struct unseen *unseen, unsigned levels)
{
    uint32_t *counts = mem_new(VLANS, sizeof(*counts));
    for (size_t i = 0; i < unseen->node_count; i++) {
        struct node *node = &unseen->nodes[i];
        node->parent = i;
        node->is_cut = false;
        node->is_end = count_bare(node, levels, false) > 0;
    }
    for (size_t i = 0; i < unseen->span_count; i++) {
        if (span_is_in(unseen, &unseen->spans[i], levels)) {
            unseen->nodes[root_of(unseen, unseen->spans[i].a)].parent =
                root_of(unseen, unseen->spans[i].b);
        }
    }
    count_ends(unseen);
    for (size_t i = 0; i < unseen->node_count; i++) {
        if (unseen->nodes[i].ends > 1) {
            keep_vlans(unseen, i, counts);
        }
    }
    free(counts);
    count_ends(unseen);
    cut_loose(unseen, levels);
}

/* ---- what is reported ---- */

static const struct node *
find_hub(struct unseen *unseen, size_t root)
{
    const struct node *hub = NULL;
    for (size_t i = 0; i < unseen->node_count; i++) {
        const struct node *node = &unseen->nodes[i];
        if (!node->is_cut && root_of(unseen, i) == root && (!hub || node->links > hub->links)) {
            hub = node;
        }
    }
    return hub;
}

/* Whoever has no endpoints of its own needs all but one of its links copied. */
static void
tell_hub(struct unseen *unseen, size_t root, unsigned levels, struct unseen_group *group)
{
    const struct node *hub = find_hub(unseen, root);
    struct names names = names_begin(group->hub_ports);
    size_t wanted = hub ? hub->links - (!hub->is_end && hub->links > 1) : 0;
    for (size_t i = 0; hub && i < unseen->span_count && wanted > 0; i++) {
        const struct span *span = &unseen->spans[i];
        bool is_a = &unseen->nodes[span->a] == hub, is_b = &unseen->nodes[span->b] == hub;
        if ((is_a || is_b) && span_is_in(unseen, span, levels)) {
            names_add(&names, is_a ? span->a_place->name : span->b_place->name);
            wanted--;
        }
    }
    names_end(&names);
    snprintf(group->hub, sizeof(group->hub), "%s", hub ? hub->name : "");
}

static void
tell_group(struct unseen *unseen, size_t root, unsigned levels, struct unseen_group *group)
{
    char text[4 * NAME_SIZE + 8], label[UNSEEN_NAMES_SIZE];
    struct names names = names_begin(group->switches);
    for (size_t i = 0; i < unseen->node_count; i++) {
        if (unseen->nodes[i].is_end && root_of(unseen, i) == root) {
            name_node(&unseen->nodes[i], levels, false, label);
            names_add(&names, label);
        }
    }
    names_end(&names);
    names = names_begin(group->links);
    for (size_t i = 0; i < unseen->span_count; i++) {
        const struct span *span = &unseen->spans[i];
        if (span_is_in(unseen, span, levels) && root_of(unseen, span->a) == root) {
            snprintf(text, sizeof(text), "%s/%s - %s/%s", unseen->nodes[span->a].name,
                     span->a_place->name, unseen->nodes[span->b].name, span->b_place->name);
            names_add(&names, text);
        }
    }
    names_end(&names);
    tell_hub(unseen, root, levels, group);
}

static void
look_between(struct unseen *unseen, struct unseen_report *report)
{
    const unsigned levels = LEVEL(COPIED_NONE);
    group_all(unseen, levels);
    for (size_t i = 0; i < unseen->node_count; i++) {
        if (unseen->nodes[i].ends < 2) {
            continue;
        }
        if (report->group_count < UNSEEN_GROUPS_MAX) {
            tell_group(unseen, i, levels, &report->groups[report->group_count++]);
        } else {
            report->more_groups++;
        }
    }
}

/* Between endpoints a mirror 'always' copies everything, but nothing of servers' ports. */
static void
look_within(struct unseen *unseen, struct unseen_report *report)
{
    const unsigned levels = LEVEL(COPIED_NONE);
    struct names names = names_begin(report->within);
    char label[UNSEEN_NAMES_SIZE];
    for (size_t i = 0; i < unseen->node_count; i++) {
        const struct node *node = &unseen->nodes[i];
        bool is_covered = node->always != COPIED_NONE && count_bare(node, levels, true) == 0;
        if (!is_covered && count_bare(node, levels, false) > 1) {
            if (names.count + names.left == 0) {
                snprintf(report->within_first, sizeof(report->within_first), "%s", node->name);
            }
            name_node(node, levels, true, label);
            names_add(&names, label);
        }
    }
    names_end(&names);
}

static void
look_part(struct unseen *unseen, struct unseen_report *report)
{
    struct names names = names_begin(report->part);
    for (size_t i = 0; i < unseen->node_count; i++) {
        const struct node *node = &unseen->nodes[i];
        bool is_part = node->always == COPIED_PART;
        for (size_t j = 0; j < node->place_count && !is_part; j++) {
            is_part = node->places[j].copied == COPIED_PART && node->places[j].is_up;
        }
        if (is_part) {
            names_add(&names, node->name);
        }
    }
    names_end(&names);
}

/* Ways over switches of others, or over ours whose mirrors are not ours. */
static void
look_unknown(struct unseen *unseen, struct unseen_report *report)
{
    const unsigned levels = LEVEL(COPIED_NONE) | LEVEL(COPIED_PART) | LEVEL(COPIED_UNKNOWN);
    struct names names = names_begin(report->unknown);
    char text[2 * NAME_SIZE];
    group_all(unseen, levels);
    for (size_t i = 0; i < unseen->node_count; i++) {
        const struct node *node = &unseen->nodes[i];
        if (!node->is_ours &&
            ((!node->is_cut && node->links > 0 && unseen->nodes[root_of(unseen, i)].ends > 1) ||
             count_bare(node, levels, false) > 1)) {
            names_add(&names, node->name);
        }
    }
    for (size_t i = 0; i < unseen->span_count; i++) {
        const struct span *span = &unseen->spans[i];
        if (!span->b_place && span_is_in(unseen, span, levels) &&
            unseen->nodes[root_of(unseen, span->a)].ends > 1) {
            snprintf(text, sizeof(text), "%s/%s", unseen->nodes[span->a].name, span->a_place->name);
            names_add(&names, text);
        }
    }
    names_end(&names);
}

/* Uplinks whose other end is nothing of ours lead to one place, which may join what hangs on it. */
static void
add_beyond(struct unseen *unseen)
{
    size_t count = unseen->node_count;
    for (size_t i = 0; i < count; i++) {
        const struct node *node = &unseen->nodes[i];
        for (size_t j = 0; j < node->place_count; j++) {
            struct place *place = &node->places[j];
            if (place->role == PORT_UPLINK && place->is_up && !place->is_linked) {
                const struct span span = {.a = i, .b = count, .a_place = place};
                span_add(unseen, &span);
            }
        }
    }
    node_add(unseen, "");
}

/* Whoever asks again reads the same, in whichever order LLDP told of the links. */
static int
span_compare(const void *a, const void *b)
{
    const struct span *one = a, *other = b;
    int order = one->a != other->a ? (one->a < other->a ? -1 : 1)
                                   : (one->b < other->b ? -1 : one->b > other->b);
    return order ? order : strcmp(one->a_place->name, other->a_place->name);
}

void
unseen_look(struct unseen *unseen, struct unseen_report *report)
{
    memset(report, 0, sizeof(*report));
    node_find(unseen, "");
    if (unseen->span_count > 0) {
        qsort(unseen->spans, unseen->span_count, sizeof(struct span), span_compare);
    }
    add_beyond(unseen);
    look_between(unseen, report);
    look_within(unseen, report);
    look_part(unseen, report);
    look_unknown(unseen, report);
}
