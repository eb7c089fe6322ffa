#include "topology/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/locations.h"
#include "topology/ports.h"

#define LINKS_MAX 65536

/* LLDP says who and which port in the neighbour's own words: names of hosts may carry a domain. */
static struct switch_state *
switch_called(const struct topology *t, const char *name)
{
    char text[NAME_SIZE];
    size_t size = strcspn(name, ".");
    struct switch_state *on = strlen(name) < NAME_SIZE ? switch_find(t, name) : NULL;
    if (on || size >= sizeof(text)) {
        return on;
    }
    memcpy(text, name, size);
    text[size] = '\0';
    return switch_find(t, text);
}

struct switch_state *
link_neighbour(const struct topology *t, const struct port_state *port)
{
    return port->has_neighbour ? switch_called(t, port->neighbour_name) : NULL;
}

static void
tell_link(struct topology *t, const struct link *link, const char *what)
{
    if (!t->listener.on_change) {
        return;
    }
    char detail[4 * NAME_SIZE + 32];
    snprintf(detail, sizeof(detail), "%s/%s - %s/%s %s", link->a.switch_name, link->a.port,
             link->b.switch_name, link->b.port, what);
    t->listener.on_change(t->listener.context, TOPOLOGY_LINK, NULL, NULL, detail);
}

static bool
end_is(const struct link_end *end, const struct port_state *port)
{
    return strcmp(end->port, port->name) == 0 && strcmp(end->switch_name, port->on->name) == 0;
}

static struct link_end
end_of(const struct port_state *port)
{
    struct link_end end = {.port = ""};
    snprintf(end.switch_name, sizeof(end.switch_name), "%s", port->on->name);
    snprintf(end.port, sizeof(end.port), "%s", port->name);
    return end;
}

static struct link_item *
link_find(const struct topology *t, const struct port_state *port, const struct port_state *other)
{
    for (size_t i = 0; i < t->link_count; i++) {
        const struct link *link = &t->links[i]->link;
        if ((end_is(&link->a, port) && end_is(&link->b, other)) ||
            (end_is(&link->a, other) && end_is(&link->b, port))) {
            return t->links[i];
        }
    }
    return NULL;
}

static struct link_item *
link_new(struct topology *t, const struct port_state *port, const struct port_state *other,
         int64_t at_us)
{
    if (t->link_count >= LINKS_MAX) {
        t->counters.ports_refused++;
        return NULL;
    }
    if (t->link_count == t->link_room) {
        t->link_room = t->link_room ? t->link_room * 2 : 64;
        t->links = mem_resize(t->links, t->link_room, sizeof(struct link_item *));
    }
    struct link_item *item = MEM_NEW(struct link_item);
    item->link.a = end_of(port);
    item->link.b = end_of(other);
    item->link.since_us = at_us;
    item->index = t->link_count;
    t->links[t->link_count++] = item;
    return item;
}

static void
link_drop(struct topology *t, struct link_item *item)
{
    struct link_item *last = t->links[--t->link_count];
    t->links[item->index] = last;
    last->index = item->index;
    tell_link(t, &item->link, "is gone");
    free(item);
}

/* The port that the neighbour names, in its own words: a name, or "swp3" within a description. */
static struct port_state *
port_called(const struct topology *t, struct switch_state *on, const char *words)
{
    return strlen(words) < NAME_SIZE ? port_find(t, on->name, words) : NULL;
}

static bool
leads_on(const struct port_state *port)
{
    return port->role != PORT_ACCESS && port->role != PORT_SERVER;
}

/* Two endpoints can name each other's places, too. */
void
link_judge(struct topology *t, struct link_item *item)
{
    struct port_state *a = item->a_report;
    struct port_state *b = item->b_report;
    bool was_confirmed = item->link.is_confirmed;
    item->link.is_confirmed = a && b && (leads_on(a) || leads_on(b));
    if (item->link.is_confirmed == was_confirmed) {
        return;
    }
    tell_link(t, &item->link,
              was_confirmed ? "leads to access ports only" : "is confirmed by both ends");
    locate_all_on(t, a);
    locate_all_on(t, b);
}

static void
link_report(struct topology *t, struct link_item *item, struct port_state *port, int64_t at_us)
{
    bool is_new = !item->a_report && !item->b_report;
    if (end_is(&item->link.a, port)) {
        item->a_report = port;
    } else {
        item->b_report = port;
    }
    port->link = item;
    item->link.seen_us = at_us;
    link_judge(t, item);
    if (is_new) {
        tell_link(t, &item->link, "is reported by one end");
    }
}

/* Ties this port's report to the other end, once that switch and port are known. */
static void
link_tie(struct topology *t, struct port_state *port, int64_t at_us)
{
    struct switch_state *on = link_neighbour(t, port);
    struct port_state *other = on ? port_called(t, on, port->neighbour_port) : NULL;
    if (!other || other == port) {
        return;
    }
    struct link_item *item = link_find(t, port, other);
    if (!item) {
        item = link_new(t, port, other, at_us);
    }
    if (item) {
        link_report(t, item, port, at_us);
    }
}

void
link_apply(struct topology *t, struct port_state *port, const struct fact *fact, int64_t at_us)
{
    bool is_same = port->has_neighbour && strcmp(port->neighbour_name, fact->neighbour_name) == 0 &&
                   strcmp(port->neighbour_port, fact->neighbour_port) == 0;
    if (!is_same) {
        link_forget(t, port, at_us);
        port->neighbour_since_us = at_us;
    }
    port->has_neighbour = true;
    port->neighbour_seen_us = at_us;
    snprintf(port->neighbour_name, sizeof(port->neighbour_name), "%s", fact->neighbour_name);
    snprintf(port->neighbour_port, sizeof(port->neighbour_port), "%s", fact->neighbour_port);
    if (port->link) {
        port->link->link.seen_us = at_us;
        return;
    }
    link_tie(t, port, at_us);
    /* The other end may have spoken before this switch or port was known here. */
    struct switch_state *on = link_neighbour(t, port);
    struct port_state *other = on ? port_called(t, on, port->neighbour_port) : NULL;
    if (other && other->has_neighbour && !other->link) {
        link_tie(t, other, at_us);
    }
}

void
link_forget(struct topology *t, struct port_state *port, int64_t at_us)
{
    (void)at_us;
    port->has_neighbour = false;
    struct link_item *item = port->link;
    if (!item) {
        return;
    }
    struct port_state *a = item->a_report;
    struct port_state *b = item->b_report;
    bool was_confirmed = item->link.is_confirmed;
    port->link = NULL;
    if (a == port) {
        item->a_report = NULL;
    }
    if (b == port) {
        item->b_report = NULL;
    }
    item->link.is_confirmed = false;
    if (!item->a_report && !item->b_report) {
        link_drop(t, item);
    } else if (was_confirmed) {
        tell_link(t, &item->link, "is no longer reported by both ends");
    }
    if (was_confirmed) {
        locate_all_on(t, a);
        locate_all_on(t, b);
    }
}

void
links_free(struct topology *t)
{
    for (size_t i = 0; i < t->link_count; i++) {
        free(t->links[i]);
    }
    free(t->links);
}
