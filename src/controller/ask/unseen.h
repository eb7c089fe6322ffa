/* Which traffic between endpoints passes no mirror: what nobody watches.  Pure: from the switches
 * and their ports, the confirmed links between them and the mirrors that are in force.  Called by
 * doctor on core's loop thread, built anew for each answer.
 *
 * A frame from an endpoint on switch A to one on switch B passes the port where it enters, both
 * ports of every link on its way and the port where it leaves.  It is seen where any of these is
 * copied.  Links that are copied at neither end, in no direction, join switches to groups: within a
 * group traffic is seen by nobody. */
#ifndef CORDON_CONTROLLER_ASK_UNSEEN_H
#define CORDON_CONTROLLER_ASK_UNSEEN_H

#include <stdbool.h>
#include <stddef.h>

#include "model/rule.h"
#include "topology/topology.h"

#define UNSEEN_NAMES_SIZE 200 /* "a, b, c, d (+7)": four names, and how many more */
#define UNSEEN_GROUPS_MAX 5

struct unseen;

struct unseen *unseen_new(void);
void unseen_free(struct unseen *unseen);

/* First all switches, then the rest; what names no such switch or port is passed over.  'is_ours':
 * its mirrors are those that we declare; of others it is not known what they copy. */
void unseen_switch(struct unseen *unseen, const char *name, bool is_ours,
                   const struct topology_port *ports, size_t count);
/* Counts when it is confirmed. */
void unseen_link(struct unseen *unseen, const struct link *link);
/* In force on that switch, and its copies arrive. */
void unseen_mirror(struct unseen *unseen, const char *switch_name,
                   const struct rule_mirror *mirror);
/* An endpoint of that switch is in this VLAN (0: it has none there).  Switches without a common
 * VLAN talk through a router, whose port is another matter. */
void unseen_vlan(struct unseen *unseen, const char *switch_name, uint16_t vlan);

struct unseen_group {
    char switches[UNSEEN_NAMES_SIZE]; /* between whose endpoints; "core (p1, p2)": of these ports */
    char links[UNSEEN_NAMES_SIZE];    /* "core/e1 - e1/uplink, ..." */
    char hub[NAME_SIZE];              /* the switch with most of these links, */
    char hub_ports[UNSEEN_NAMES_SIZE]; /* and those of its ports that are worth a mirror */
};
struct unseen_report {
    struct unseen_group groups[UNSEEN_GROUPS_MAX];
    size_t group_count;
    size_t more_groups;
    /* "": none.  Two ports of one switch whose traffic stays on it: "e1 (p1, p2), e2 (p1, p4)" */
    char within[UNSEEN_NAMES_SIZE];
    char within_first[NAME_SIZE];
    char part[UNSEEN_NAMES_SIZE]; /* switches whose mirrors copy by a filter, or not every frame */
    char unknown[UNSEEN_NAMES_SIZE]; /* "sw7, e1/uplink": on the way, and not ours to mirror */
};
/* Once, after everything was told. */
void unseen_look(struct unseen *unseen, struct unseen_report *report);

#endif
