/* doctor on what nobody watches: traffic between endpoints that passes no mirror (unseen.h). */
#include "controller/ask/ask_doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/ask/unseen.h"

#define PORTS_MAX 4096
#define SILENT_US (30 * INT64_C(1000000))
#define COPIES_ENOUGH 1000 /* after so many a sensor that gets them has said so */

static bool
is_alive(const struct doctor_visit *visit, const struct sensor_view *sensor)
{
    return visit->now_us - sensor->seen_us <= SILENT_US;
}

/* Somebody must look at copies; that nobody does is found elsewhere. */
static bool
has_eyes(const struct doctor_visit *visit)
{
    bool has_any = controller_source_count(visit->controller) > 0;
    for (size_t i = 0; !has_any && i < controller_sensor_count(visit->controller); i++) {
        struct sensor_view each;
        has_any = controller_sensor_at(visit->controller, i, &each) && is_alive(visit, &each);
    }
    return has_any;
}

/* Copies in ERSPAN carry their session to the sensor: one that no sensor knows goes to nobody.  Of
 * other carriers, and where others' sensors may be, it cannot be told. */
static bool
has_arrived(const struct doctor_visit *visit, const struct mirror_view *mirror)
{
    if (mirror->mirror->carrier != CARRIER_ERSPAN || mirror->copied < COPIES_ENOUGH ||
        controller_source_count(visit->controller) > 0) {
        return true;
    }
    for (size_t i = 0; i < controller_sensor_count(visit->controller); i++) {
        struct sensor_view each;
        if (!controller_sensor_at(visit->controller, i, &each) || !each.stats ||
            !is_alive(visit, &each)) {
            continue;
        }
        for (size_t j = 0; j < each.stats->mirror_count; j++) {
            if (each.stats->mirrors[j].session == mirror->mirror->session) {
                return true;
            }
        }
        if (each.stats->mirror_count == MIRRORS_SEEN_MAX) {
            return true;
        }
    }
    return false;
}

static void
tell_switches(const struct doctor_visit *visit, struct unseen *unseen)
{
    struct topology *topology = controller_topology(visit->controller);
    struct topology_port *ports = mem_new(PORTS_MAX, sizeof(*ports));
    for (size_t i = 0; i < controller_switch_count(visit->controller); i++) {
        struct switch_view each;
        if (controller_switch_at(visit->controller, i, &each)) {
            const char *name = each.device.switch_name;
            size_t count = topology_ports(topology, name, ports, PORTS_MAX);
            unseen_switch(unseen, name, each.device.mirrors, ports, count);
        }
    }
    free(ports);
}

static void
tell_rest(const struct doctor_visit *visit, struct unseen *unseen)
{
    struct topology *topology = controller_topology(visit->controller);
    size_t mirror_count = controller_mirror_count(visit->controller);
    for (size_t i = 0; i < topology_link_count(topology); i++) {
        unseen_link(unseen, topology_link_at(topology, i));
    }
    for (size_t i = 0; i < mirror_count; i++) {
        struct mirror_view mirror;
        if (controller_mirror_at(visit->controller, i, &mirror) && !mirror.asked_by &&
            !mirror.is_missing && has_arrived(visit, &mirror)) {
            unseen_mirror(unseen, mirror.switch_name, mirror.mirror);
        }
    }
    for (size_t i = 0; i < topology_endpoint_count(topology); i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, i);
        if (endpoint && endpoint->location.class != LOCATION_NONE) {
            unseen_vlan(unseen, endpoint->location.switch_name, endpoint->location.vlan);
        }
    }
}

static void
find_between(struct doctor_visit *visit, const struct unseen_report *report)
{
    char advice[TEXT_SIZE];
    for (size_t i = 0; i < report->group_count; i++) {
        const struct unseen_group *group = &report->groups[i];
        snprintf(advice, sizeof(advice),
                 "declare a mirror of ports %s of %s in cordond.yaml ('mirrors'), towards a sensor",
                 group->hub_ports, group->hub);
        doctor_find(visit, FINDING_WARNING, "coverage", group->hub, advice,
                    "no sensor sees traffic between switches %s: no mirror copies what passes %s",
                    group->switches, group->links);
    }
    if (report->more_groups > 0) {
        doctor_find(visit, FINDING_WARNING, "coverage", "cordond",
                    "mend those that are named; then the others are",
                    "%zu more groups of switches have traffic between them that no sensor sees",
                    report->more_groups);
    }
}

static void
find_others(struct doctor_visit *visit, const struct unseen_report *report)
{
    if (report->within[0]) {
        doctor_find(visit, FINDING_WARNING, "coverage", report->within_first,
                    "declare a mirror there in cordond.yaml: 'always' for what endpoints of one "
                    "switch send each other, 'port' for servers' ports",
                    "no sensor sees traffic between ports of one switch: no mirror copies it on %s",
                    report->within);
    }
    if (report->part[0]) {
        doctor_find(visit, FINDING_NOTE, "coverage", "cordond", "none, if that is meant",
                    "sensors see only a part of what passes %s: mirrors there have a filter, or "
                    "copy one frame in so many",
                    report->part);
    }
    if (report->unknown[0]) {
        doctor_find(visit, FINDING_NOTE, "coverage", "cordond",
                    "see that the switches there copy it to a sensor",
                    "whether a sensor sees traffic that passes %s is not known: what is mirrored "
                    "there is not set by Cordon",
                    report->unknown);
    }
}

void
doctor_check_unseen(struct doctor_visit *visit)
{
    struct unseen_report *report = MEM_NEW(struct unseen_report);
    struct unseen *unseen = unseen_new();
    doctor_begin(visit, "coverage");
    if (has_eyes(visit)) {
        tell_switches(visit, unseen);
        tell_rest(visit, unseen);
        unseen_look(unseen, report);
        find_between(visit, report);
        find_others(visit, report);
    }
    unseen_free(unseen);
    free(report);
}
