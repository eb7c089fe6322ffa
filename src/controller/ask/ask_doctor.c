/* doctor: what does not work, or works less well than it should; where; and what to do. */
#include "controller/ask/ask_doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "controller/retention/retention.h"

#define SECOND_US INT64_C(1000000)
#define SKEW_WARN_US (SECOND_US / 2)
#define SKEW_ERROR_US (5 * SECOND_US)
#define SILENT_US (30 * SECOND_US)
#define UNVERIFIED_US (10 * SECOND_US)
#define NETWORK_STALE_US (600 * SECOND_US)
#define ENDPOINT_STALE_US (3600 * SECOND_US)
#define FLOWS_ENOUGH 20 /* fewer say nothing about a mirror's sides */
#define NETWORKS_MAX 256
#define REFUSED_US (3600 * SECOND_US)
#define SERVER_EXPIRES_US (60 * 86400 * SECOND_US)

void
doctor_find(struct doctor_visit *visit, enum finding_severity severity, const char *check,
            const char *where, const char *advice, const char *format, ...)
{
    struct view_doctor *doctor = visit->doctor;
    va_list arguments;
    if (severity != FINDING_NOTE) {
        doctor->is_healthy = false;
        visit->troubles++;
    }
    if (doctor->finding_count == FINDINGS_MAX) {
        doctor->dropped++;
        return;
    }
    struct view_finding *finding = &doctor->findings[doctor->finding_count++];
    finding->severity = severity;
    snprintf(finding->check, sizeof(finding->check), "%s", check);
    snprintf(finding->where, sizeof(finding->where), "%s", where);
    snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
    va_start(arguments, format);
    vsnprintf(finding->what, sizeof(finding->what), format, arguments);
    va_end(arguments);
}

void
doctor_begin(struct doctor_visit *visit, const char *check)
{
    struct view_doctor *doctor = visit->doctor;
    if (doctor->check_count < COUNT_OF(doctor->checks)) {
        snprintf(doctor->checks[doctor->check_count++], NAME_SIZE, "%s", check);
    }
}

/* How many there are of what a check looks at, and how many of those are without a trouble. */
static void
tally(struct doctor_visit *visit, enum view_part part, bool is_good)
{
    visit->doctor->parts[part].total++;
    visit->doctor->parts[part].good += is_good;
}

static void
check_skew(struct doctor_visit *visit, const char *where, int64_t skew_us)
{
    int64_t size_us = skew_us < 0 ? -skew_us : skew_us;
    if (size_us > SKEW_WARN_US) {
        doctor_find(visit, size_us > SKEW_ERROR_US ? FINDING_ERROR : FINDING_WARNING, "clock",
                    where,
                    "run a time service (chrony) there and here: bindings are looked up by time",
                    "its clock is %" PRId64 " ms %s ours", size_us / 1000,
                    skew_us < 0 ? "behind" : "ahead of");
    }
}

static void
check_clocks(struct doctor_visit *visit)
{
    doctor_begin(visit, "clock");
    for (size_t i = 0; i < controller_switch_count(visit->controller); i++) {
        struct switch_view each;
        if (controller_switch_at(visit->controller, i, &each) && each.device.is_connected) {
            check_skew(visit, each.device.switch_name, each.device.skew_us);
        }
    }
    for (size_t i = 0; i < controller_sensor_count(visit->controller); i++) {
        struct sensor_view each;
        if (controller_sensor_at(visit->controller, i, &each)) {
            check_skew(visit, each.name, each.skew_us);
        }
    }
}

/* Edges name their problems in words; the known ones get a check of their own. */
static void
tell_edge_problem(struct doctor_visit *visit, const char *name, const char *problem)
{
    if (strstr(problem, "br_netfilter")) {
        doctor_find(
            visit, FINDING_WARNING, "br_netfilter", name,
            "sysctl net.bridge.bridge-nf-call-iptables=0 and -ip6tables=0, or remove the module",
            "%s", problem);
    } else if (strcasestr(problem, "mtu")) {
        doctor_find(
            visit, FINDING_WARNING, "mtu", name,
            "raise the MTU of the way to the sensor by the size of the mirror's headers (50 bytes "
            "for ERSPAN, 4 for a VLAN), or set 'snap'",
            "%s", problem);
    } else {
        doctor_find(visit, FINDING_WARNING, "switch", name, "see the log of cordon-edge there",
                    "%s", problem);
    }
}

static void
check_switch(struct doctor_visit *visit, const struct switch_view *each)
{
    const char *name = each->device.switch_name;
    if (!each->device.is_connected) {
        doctor_find(
            visit, FINDING_ERROR, "switch", name,
            "is it running, and does it reach our edge port? blocks that it holds stay in force",
            "not connected%s%s", each->device.problem[0] ? ": " : "", each->device.problem);
        return;
    }
    if (each->missing_count > 0) {
        doctor_find(visit, FINDING_ERROR, "switch", name, "see 'cordonctl switch NAME' and its log",
                    "%zu of %zu rules are not verified there", each->missing_count,
                    each->rule_count);
    }
    if (each->problem[0]) {
        doctor_find(visit, FINDING_ERROR, "switch", name, "see 'cordonctl switch NAME' and its log",
                    "%s", each->problem);
    }
    if (each->device.rule_room > 0 && each->rule_count * 10 > (size_t)each->device.rule_room * 9) {
        doctor_find(visit, FINDING_WARNING, "switch", name, "release what is not needed any more",
                    "%zu of %u rule entries are used", each->rule_count, each->device.rule_room);
    }
    if (!each->device.verifies) {
        doctor_find(visit, FINDING_NOTE, "switch", name, "none: this kind of switch cannot",
                    "cannot test that a block works: 'applied' is the best to be had there");
    }
    for (size_t i = 0; each->stats && i < each->stats->problem_count; i++) {
        tell_edge_problem(visit, name, each->stats->problems[i]);
    }
}

static void
check_switches(struct doctor_visit *visit)
{
    doctor_begin(visit, "switch");
    doctor_begin(visit, "mtu");
    doctor_begin(visit, "br_netfilter");
    size_t count = controller_switch_count(visit->controller);
    for (size_t i = 0; i < count; i++) {
        struct switch_view each;
        if (controller_switch_at(visit->controller, i, &each)) {
            size_t before = visit->troubles;
            check_switch(visit, &each);
            tally(visit, PART_SWITCH, visit->troubles == before);
        }
    }
    if (count == 0) {
        doctor_find(visit, FINDING_WARNING, "switch", "cordond",
                    "declare switches in cordond.yaml and start cordon-edge on them",
                    "no switch is known: nothing can be contained");
    }
}

static void
check_mirror(struct doctor_visit *visit, const char *sensor, const struct wire_mirror_seen *seen)
{
    char ip[IP_TEXT_SIZE] = "its own interface";
    char where[TEXT_SIZE];
    if (!ip_is_none(&seen->switch_ip)) {
        ip_format(&seen->switch_ip, ip);
    }
    snprintf(where, sizeof(where), "%s, mirror from %s session %u", sensor, ip, seen->session);
    if (seen->flows >= FLOWS_ENOUGH && seen->forward_only * 2 > seen->flows) {
        doctor_find(visit, FINDING_WARNING, "mirror", where,
                    "mirror both directions, or both of two redundant uplinks",
                    "%" PRIu64 " of %" PRIu64 " flows were seen in one direction only",
                    seen->forward_only, seen->flows);
    }
    if (seen->lost * 100 > seen->packets) {
        doctor_find(visit, FINDING_WARNING, "mirror", where,
                    "raise the mirror's rate budget, narrow its filter, or look for a full link",
                    "%" PRIu64 " copies were lost on the way, %" PRIu64 " arrived", seen->lost,
                    seen->packets);
    }
}

static void
check_sensor(struct doctor_visit *visit, const struct sensor_view *each)
{
    int64_t age_us = visit->now_us - each->seen_us;
    const struct wire_sensor_stats *stats = each->stats;
    if (age_us > SILENT_US) {
        doctor_find(visit, FINDING_ERROR, "sensor", each->name,
                    "is it running, and does it reach our sensor port?",
                    "silent for %" PRId64 " s: a silent sensor looks like a clean network",
                    age_us / SECOND_US);
    }
    if (!stats) {
        return;
    }
    if (stats->packets == 0 && age_us <= SILENT_US) {
        doctor_find(visit, FINDING_ERROR, "sensor", each->name, "is a mirror pointed at it?",
                    "it lives, but no frame arrives at it");
    }
    if (stats->kernel_drops * 1000 > stats->packets) {
        doctor_find(visit, FINDING_WARNING, "sensor", each->name,
                    "give it a larger ring or a faster core, or narrow the mirror",
                    "the kernel dropped %" PRIu64 " frames before it, %" PRIu64 " arrived",
                    stats->kernel_drops, stats->packets);
    }
    if (stats->flows_refused > 0) {
        doctor_find(visit, FINDING_WARNING, "sensor", each->name, "raise its flow limit",
                    "%" PRIu64 " flows were not followed: the table was full",
                    stats->flows_refused);
    }
    if (stats->indicators == 0) {
        doctor_find(visit, FINDING_NOTE, "sensor", each->name, "give it reputation lists",
                    "its reputation lists are empty");
    }
}

/* What a silent sensor said of its mirrors is old: none of them is known to work. */
static void
check_mirrors(struct doctor_visit *visit, const struct sensor_view *each)
{
    bool is_silent = visit->now_us - each->seen_us > SILENT_US;
    for (size_t i = 0; each->stats && i < each->stats->mirror_count; i++) {
        size_t before = visit->troubles;
        check_mirror(visit, each->name, &each->stats->mirrors[i]);
        tally(visit, PART_MIRROR, visit->troubles == before && !is_silent);
    }
}

static void
check_sensors(struct doctor_visit *visit)
{
    doctor_begin(visit, "sensor");
    doctor_begin(visit, "mirror");
    size_t count = controller_sensor_count(visit->controller);
    for (size_t i = 0; i < count; i++) {
        struct sensor_view each;
        if (controller_sensor_at(visit->controller, i, &each)) {
            size_t before = visit->troubles;
            check_sensor(visit, &each);
            tally(visit, PART_SENSOR, visit->troubles == before);
            check_mirrors(visit, &each);
        }
    }
    if (count == 0 && controller_source_count(visit->controller) == 0) {
        doctor_find(visit, FINDING_WARNING, "sensor", "cordond",
                    "start cordon-sensor at a mirror port, or declare a source in cordond.yaml",
                    "neither a sensor nor a source is known: nothing is watched");
    }
}

/* The /24 or /64 of an address, as sensors count them. */
static struct prefix
network_of(const struct ip *ip)
{
    struct prefix network = {.ip = *ip, .length = ip_is_v4(ip) ? 120 : 64};
    for (size_t i = network.length / 8; i < 16; i++) {
        network.ip.b[i] = 0;
    }
    return network;
}

static bool
is_seen(const struct doctor_visit *visit, const struct prefix *network)
{
    for (size_t i = 0; i < controller_sensor_count(visit->controller); i++) {
        struct sensor_view each;
        if (!controller_sensor_at(visit->controller, i, &each) || !each.stats) {
            continue;
        }
        for (size_t j = 0; j < each.stats->network_count; j++) {
            const struct wire_network_seen *seen = &each.stats->networks[j];
            if (ip_is_equal(&seen->network.ip, &network->ip) &&
                visit->now_us - seen->last_us < NETWORK_STALE_US) {
                return true;
            }
        }
    }
    return false;
}

struct network_list {
    struct prefix networks[NETWORKS_MAX];
    size_t endpoints[NETWORKS_MAX];
    size_t count;
};

static void
count_network(struct network_list *list, const struct ip *ip)
{
    struct prefix network = network_of(ip);
    for (size_t i = 0; i < list->count; i++) {
        if (ip_is_equal(&list->networks[i].ip, &network.ip)) {
            list->endpoints[i]++;
            return;
        }
    }
    if (list->count < NETWORKS_MAX) {
        list->endpoints[list->count] = 1;
        list->networks[list->count++] = network;
    }
}

static void
check_networks(struct doctor_visit *visit)
{
    struct topology *topology = controller_topology(visit->controller);
    struct network_list *list = MEM_NEW(struct network_list);
    doctor_begin(visit, "network");
    for (size_t i = 0; i < topology_endpoint_count(topology); i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, i);
        for (size_t j = 0; endpoint && j < endpoint->binding_count; j++) {
            const struct binding *binding = &endpoint->bindings[j];
            if (binding->until_us == 0 && !ip_is_link_local(&binding->ip) &&
                visit->now_us - binding->seen_us < ENDPOINT_STALE_US) {
                count_network(list, &binding->ip);
            }
        }
    }
    bool has_sensors = controller_sensor_count(visit->controller) > 0;
    for (size_t i = 0; has_sensors && i < list->count; i++) {
        char network[PREFIX_TEXT_SIZE];
        if (!is_seen(visit, &list->networks[i])) {
            prefix_format(&list->networks[i], network);
            doctor_find(
                visit, FINDING_WARNING, "network", network,
                "mirror its traffic to a sensor, or look why the copies stopped",
                "no sensor has seen traffic of this network for 10 minutes; %zu addresses are in "
                "use there",
                list->endpoints[i]);
        }
    }
    free(list);
}

static void
check_source(struct doctor_visit *visit, const struct wire_source *each)
{
    const char *why = each->refusal_count > 0 ? each->refusals[0].why : "malformed";
    if (strcmp(each->state, "failed") == 0 || each->problem[0]) {
        doctor_find(visit, FINDING_ERROR, "source", each->name, "correct it in cordond.yaml",
                    "%s: %s", each->state, each->problem[0] ? each->problem : "see the log");
    }
    if (each->refused * 10 > each->received) {
        doctor_find(
            visit, FINDING_WARNING, "source", each->name,
            "is its format the declared one? the log shows the first bytes of refused lines",
            "%" PRIu64 " of %" PRIu64 " lines were refused (%s)", each->refused, each->received,
            why);
    }
    bool is_sensor = strcmp(each->kind, "cordon") == 0; /* one that finds nothing is well */
    if (each->received == 0 && !is_sensor) {
        doctor_find(visit, FINDING_NOTE, "source", each->name, "does the other side send?",
                    "nothing has arrived since intake was started");
    }
}

static void
check_sources(struct doctor_visit *visit)
{
    doctor_begin(visit, "source");
    for (size_t i = 0; i < controller_source_count(visit->controller); i++) {
        const struct wire_source *each = controller_source_at(visit->controller, i);
        if (each) {
            size_t before = visit->troubles;
            check_source(visit, each);
            tally(visit, PART_SOURCE, visit->troubles == before);
        }
    }
}

/* Is the permitted server blocked for all? */
static const struct containment *
block_on(const struct controller *controller, const struct permit *permit)
{
    for (size_t i = 0; i < controller_containment_count(controller); i++) {
        const struct containment *each = controller_containment_at(controller, i);
        bool is_live = each->action == ACTION_BLOCK_SERVER && !ask_is_ended(each->state) &&
                       each->state != CONTAINMENT_PENDING;
        if (is_live && ((!prefix_is_none(&permit->server) && !prefix_is_none(&each->server) &&
                         prefix_has(&each->server, &permit->server.ip)) ||
                        (permit->name[0] &&
                         strcasecmp(permit->name, text_or_empty(each->server_name)) == 0))) {
            return each;
        }
    }
    return NULL;
}

/* What can be known from here: whether the way to learn a name exists, and whether we ourselves
 * block the server.  Whether the server answers is between it and the endpoint. */
static void
check_permit_set(struct doctor_visit *visit, const struct permit_set *set)
{
    char where[TEXT_SIZE];
    for (size_t i = 0; i < set->permit_count; i++) {
        const struct permit *permit = &set->permits[i];
        char server[PREFIX_TEXT_SIZE];
        prefix_format(&permit->server, server);
        snprintf(where, sizeof(where), "permit set %s, %s", set->name,
                 permit->name[0] ? permit->name : server);
        if (permit->name[0] && (!set->forwards_dns || set->resolver_count == 0)) {
            doctor_find(
                visit, FINDING_ERROR, "permit", where,
                "let the set forward DNS and name its resolvers",
                "a permitted name is learnt from DNS answers, but this set forwards no DNS: it "
                "can never be reached");
        }
        const struct containment *block = block_on(visit->controller, permit);
        if (block) {
            doctor_find(visit, FINDING_ERROR, "permit", where,
                        "release the server block, or take the server off the set",
                        "permitted, but blocked for all by %s", block->id);
        }
    }
    if (set->permit_count == 0 && !set->allows_dhcp && !set->forwards_dns) {
        snprintf(where, sizeof(where), "permit set %s", set->name);
        doctor_find(visit, FINDING_NOTE, "permit", where, "none, if that is meant",
                    "the set permits nothing");
    }
}

static void
check_permits(struct doctor_visit *visit)
{
    const struct permit_set *sets = NULL;
    size_t count = policy_permit_sets(engine_policy(controller_engine(visit->controller)), &sets);
    doctor_begin(visit, "permit");
    for (size_t i = 0; i < count; i++) {
        check_permit_set(visit, &sets[i]);
    }
}

static void
check_containment(struct doctor_visit *visit, const struct containment *each)
{
    char where[TEXT_SIZE];
    snprintf(where, sizeof(where), "containment %s", each->id);
    if (each->state == CONTAINMENT_FAILED) {
        doctor_find(visit, FINDING_ERROR, "containment", where, "see 'cordonctl containment ID'",
                    "failed: %s", text_or_empty(each->problem));
    } else if (each->state == CONTAINMENT_LOCATED || each->state == CONTAINMENT_REQUESTED ||
               (each->state == CONTAINMENT_APPLIED && each->verified_us == 0)) {
        if (visit->now_us - each->requested_us > UNVERIFIED_US) {
            doctor_find(visit, FINDING_ERROR, "containment", where,
                        "see 'cordonctl containment ID'", "%s for %" PRId64 " s, not verified%s%s",
                        containment_state_names[each->state],
                        (visit->now_us - each->requested_us) / SECOND_US, each->problem ? ": " : "",
                        text_or_empty(each->problem));
        }
    }
}

static void
check_containments(struct doctor_visit *visit)
{
    size_t pending = 0;
    doctor_begin(visit, "containment");
    doctor_begin(visit, "enforcement");
    if (controller_is_suspended(visit->controller)) {
        doctor_find(visit, FINDING_WARNING, "enforcement", "cordond",
                    "'cordonctl resume --reason ...' puts containments in force again",
                    "all enforcement is suspended: contained endpoints reach everything");
    }
    for (size_t i = 0; i < controller_containment_count(visit->controller); i++) {
        const struct containment *each = controller_containment_at(visit->controller, i);
        pending += each->state == CONTAINMENT_PENDING;
        check_containment(visit, each);
    }
    if (pending > 0) {
        doctor_find(visit, FINDING_NOTE, "containment", "cordond", "'cordonctl pending' lists them",
                    "%zu decisions wait for a person", pending);
    }
}

static int
compare(const void *a, const void *b)
{
    const struct view_finding *left = a;
    const struct view_finding *right = b;
    if (left->severity != right->severity) {
        return left->severity > right->severity ? -1 : 1;
    }
    int order = strcmp(left->check, right->check);
    return order ? order : strcmp(left->where, right->where);
}

/* What somebody wrote into the file, and what runs, are not the same. */
static void
check_policy_file(struct doctor_visit *visit, const struct revisions *revisions)
{
    struct revisions_view view;
    doctor_begin(visit, "policy");
    if (!revisions) {
        return;
    }
    revisions_view(revisions, &view);
    if (view.problem && view.problem->line) {
        doctor_find(visit, FINDING_WARNING, "policy", view.file,
                    "correct the file and reload cordond, or store a policy over it",
                    "revision %lld runs, since line %u, column %u: %.300s",
                    (long long)view.running->number, view.problem->line, view.problem->column,
                    view.problem->text);
    } else if (view.problem) {
        doctor_find(visit, FINDING_WARNING, "policy", view.file,
                    "'cordonctl policy show' says what to do", "revision %lld runs, since %.300s",
                    (long long)view.running->number, view.problem->text);
    }
}

/* Strangers knock everywhere: a note.  One of ours that is refused does not work. */
static void
find_refused(struct doctor_visit *visit, const struct refused_peer *peer)
{
    bool is_stranger = peer->why == REFUSAL_UNKNOWN || peer->why == REFUSAL_TOKEN;
    const char *where = peer->name[0] ? peer->name : peer->from;
    if (visit->now_us - peer->last_us < REFUSED_US) {
        doctor_find(visit, is_stranger ? FINDING_NOTE : FINDING_WARNING, "certificate", where,
                    "'cordonctl certificates refused' says who, from where and how often",
                    "refused %" PRIu64 " times: %.300s", peer->count, peer->detail);
    }
}

static void
check_certificates(struct doctor_visit *visit, const struct certificates *certificates,
                   int64_t server_expires_us)
{
    const struct refused_peer *peer;
    struct certificate shown;
    char ends[TIME_TEXT_SIZE];
    doctor_begin(visit, "certificate");
    if (server_expires_us && server_expires_us - visit->now_us < SERVER_EXPIRES_US) {
        time_format(server_expires_us, ends);
        doctor_find(visit, FINDING_WARNING, "certificate", "cordond",
                    "restart cordond: it renews its own certificate then",
                    "its certificate expires on %s", ends);
    }
    for (size_t i = 0; certificates && certificates_at(certificates, i, &shown); i++) {
        time_format(shown.expires_us, ends);
        if (!certificates_is_expiring(certificates, &shown)) {
            continue;
        }
        if (shown.state == CERTIFICATE_EXPIRED) {
            doctor_find(visit, FINDING_ERROR, "certificate", shown.name,
                        "enrol it again: 'cordonctl enrol'", "its certificate expired on %s", ends);
        } else {
            doctor_find(visit, FINDING_WARNING, "certificate", shown.name,
                        "enrol it again: 'cordonctl enrol'", "its certificate expires on %s", ends);
        }
    }
    for (size_t i = 0; certificates && (peer = certificates_refused_at(certificates, i)); i++) {
        find_refused(visit, peer);
    }
}

static void
check_store(struct doctor_visit *visit)
{
    doctor_begin(visit, "store");
    int error = store_failing(controller_store(visit->controller));
    if (error) {
        doctor_find(
            visit, FINDING_ERROR, "store", "database",
            "look at the disk of the state folder: it goes on by itself when it can be written to",
            "the last change could not be stored: %s", strerror(-error));
    }
}

static void
check_disk(struct doctor_visit *visit)
{
    static const char advice[] = "see 'cordonctl retention': keep less, or give it more room";
    struct retention_view view;
    doctor_begin(visit, "disk");
    retention_look(visit->controller, &view);
    if (view.is_unreadable) {
        doctor_find(visit, FINDING_ERROR, "disk", "cordond",
                    "set it with 'cordonctl retention set'; until then the usual times are shown",
                    "the stored retention cannot be read: nothing goes by its age");
    }
    if (view.packets_full) {
        doctor_find(visit, FINDING_WARNING, "disk", "cordond",
                    "release what is over, or raise evidence_mib in cordond.yaml",
                    RETENTION_PACKETS_FULL);
    }
    if (view.detections_full) {
        doctor_find(visit, FINDING_WARNING, "disk", "cordond", "release what is over",
                    RETENTION_DETECTIONS_FULL);
    }
    if (view.crowded_bytes > 0) {
        doctor_find(visit, FINDING_ERROR, "disk", "cordond",
                    "make room, or accept it by setting the budget again ('cordonctl retention "
                    "set')",
                    "others than Cordon fill its file system (%" PRIu64
                    " MiB are left): nothing of ours goes for that",
                    view.free_bytes >> 20);
    }
    if (view.is_stuck) {
        doctor_find(visit, FINDING_ERROR, "disk", "cordond", advice,
                    "the disk budget is used to %u %%, and nothing is left that may go",
                    view.share);
    } else if (view.is_shedding || view.share >= 100) {
        doctor_find(
            visit, FINDING_ERROR, "disk", "cordond", advice,
            "the disk budget is used to %u %%: packets, names and detections go before their time",
            view.share);
    } else if (view.share >= RETENTION_WARN) {
        doctor_find(visit, FINDING_WARNING, "disk", "cordond", advice,
                    "the disk budget is used to %u %%", view.share);
    }
}

void
ask_doctor(const struct ask_call *call, const void *parameters)
{
    static const char *const parts[PART_COUNT] = {
        [PART_SENSOR] = "sensor",
        [PART_SWITCH] = "switch",
        [PART_MIRROR] = "mirror",
        [PART_SOURCE] = "source",
    };
    struct view_doctor *doctor = MEM_NEW(struct view_doctor);
    struct doctor_visit visit = {.controller = call->controller,
                                 .now_us = clock_wall_us(controller_clock(call->controller)),
                                 .doctor = doctor};
    (void)parameters;
    doctor->is_healthy = true;
    doctor->parts = mem_new(PART_COUNT, sizeof(struct view_tally));
    doctor->part_count = PART_COUNT;
    for (size_t i = 0; i < PART_COUNT; i++) {
        snprintf(doctor->parts[i].check, NAME_SIZE, "%s", parts[i]);
    }
    doctor->findings = mem_new(FINDINGS_MAX, sizeof(struct view_finding));
    check_store(&visit);
    check_clocks(&visit);
    check_switches(&visit);
    check_sensors(&visit);
    check_networks(&visit);
    doctor_check_unseen(&visit);
    check_sources(&visit);
    check_permits(&visit);
    check_containments(&visit);
    check_policy_file(&visit, call->asks->settings.revisions);
    check_certificates(
        &visit, call->asks->settings.certificates,
        call->asks->settings.server_expires_us ? *call->asks->settings.server_expires_us : 0);
    check_disk(&visit);
    doctor_check_own(&visit, &call->asks->settings);
    qsort(doctor->findings, doctor->finding_count, sizeof(struct view_finding), compare);
    ask_answer_shape(call, 200, &view_doctor_shape, doctor);
    free(doctor->findings);
    free(doctor->parts);
    free(doctor);
}
