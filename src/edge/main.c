/* cordon-edge: makes a Linux bridge an edge switch of Cordon.
 *
 *   start:  kept rules into the kernel -> programs on the ports -> (ports into the bridge) ->
 * controller then:   kernel events and snooped frames -> facts; desired state -> datapath ->
 * observed */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "bus/enrol.h"
#include "edge/datapath.h"
#include "edge/desired.h"
#include "edge/health.h"
#include "edge/checkpoints.h"
#include "edge/kernel_link.h"
#include "edge/learn.h"
#include "edge/lldp_link.h"
#include "edge/local.h"
#include "edge/controller_link.h"
#include "edge/responder_link.h"
#include "edge/rtnl.h"
#include "edge/settings.h"
#include "wire/protected_hosts.h"

#define CONFIG_DEFAULT "/etc/cordon/edge.yaml"
#define STATS_TICKS 5
#define DUMP_TICKS 30

struct edge {
    struct edge_settings settings;
    const struct clock *clock;
    struct event_base *base;
    struct datapath_settings datapath_settings;
    struct datapath *datapath;
    struct desired *desired;
    struct disk *disk; /* of what it and the checkpoints keep */
    struct protected_hosts *protected;
    struct learn *learn;
    struct kernel_link *kernel;
    struct responder_link *respond;
    struct lldp_link *lldp;
    struct controller_link *controller_link;
    struct local *local;
    struct checkpoints *checkpoints;
    struct event *timer, *snooped, *terminate, *interrupt;
    int bridge_seen; /* ifindex; when it changes, all ports are read again */
    unsigned ticks;
};

/* ---- ports ---- */

static bool
is_named(const struct edge *edge, const char *name)
{
    for (size_t i = 0; i < edge->settings.port_count; i++) {
        if (strcmp(edge->settings.ports[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The program is on the device before it can forward a frame. */
static void
on_port(void *context, const struct learn_port *port, bool is_gone)
{
    struct edge *edge = context;
    if (is_gone) {
        datapath_detach(edge->datapath, port->ifindex);
        return;
    }
    int result =
        datapath_attach(edge->datapath, port->ifindex, port->name, port->role, port->number);
    if (result) {
        log_error("edge", "cannot attach to a port: it is not protected", LOG_S("port", port->name),
                  LOG_S("error", strerror(-result)));
        return;
    }
    if (!port->is_up && port->number != 0) {
        datapath_clear_hold(edge->datapath, port->ifindex);
    }
    int bridge = learn_bridge(edge->learn);
    if (edge->settings.makes_bridge && port->number == 0 && bridge != 0 && !port->has_left &&
        is_named(edge, port->name)) {
        result = rtnl_set_master(port->ifindex, bridge);
        result = result ? result : rtnl_set_up(port->ifindex, true);
        if (result) {
            log_error("edge", "cannot put the port into the bridge", LOG_S("port", port->name),
                      LOG_S("error", strerror(-result)));
        }
    }
}

static void
bridge_follow(struct edge *edge)
{
    int bridge = learn_bridge(edge->learn);
    if (bridge == edge->bridge_seen) {
        return;
    }
    edge->bridge_seen = bridge;
    if (bridge == 0) {
        log_warn("edge", "the bridge is gone", LOG_S("bridge", edge->settings.bridge));
        if (edge->settings.makes_bridge) {
            (void)!rtnl_make_device(edge->settings.bridge, "bridge");
        }
        return;
    }
    if (edge->settings.makes_bridge) {
        (void)!rtnl_set_up(bridge, true);
        for (size_t i = 0; i < edge->settings.port_count; i++) {
            struct learn_port port;
            if (learn_named_port(edge->learn, edge->settings.ports[i].name, &port)) {
                on_port(edge, &port, false);
            }
        }
    }
    kernel_link_dump(edge->kernel); /* ports were perhaps named before their bridge was known */
}

static void
on_device(void *context, const struct kernel_device *device)
{
    struct edge *edge = context;
    learn_device(edge->learn, device);
    bridge_follow(edge);
}

static void
on_neighbour(void *context, const struct kernel_neighbour *neighbour)
{
    struct edge *edge = context;
    learn_neighbour(edge->learn, neighbour);
}

static void
on_dump_done(void *context)
{
    struct edge *edge = context;
    if (learn_bridge(edge->learn) == 0 && edge->settings.makes_bridge) {
        int result = rtnl_make_device(edge->settings.bridge, "bridge");
        if (result) {
            log_error("edge", "cannot make the bridge", LOG_S("error", strerror(-result)));
        }
    }
}

/* ---- what the datapath copies ---- */

static void
on_snoop(void *context, const struct snoop *snoop)
{
    struct edge *edge = context;
    switch (snoop->kind) {
    case SNOOP_ARP:
    case SNOOP_ND:
    case SNOOP_DHCP:
        learn_snoop(edge->learn, snoop->ifindex, snoop->vlan, snoop->frame, snoop->size);
        responder_link_learnt(edge->respond);
        break;
    case SNOOP_DNS_ANSWER:
        responder_link_dns_answer(edge->respond, snoop->frame, snoop->size);
        break;
    case SNOOP_HELD_MAC:
        if (snoop->size >= 12) {
            struct mac mac;
            memcpy(mac.b, snoop->frame + 6, sizeof(mac.b));
            learn_held_mac(edge->learn, snoop->ifindex, snoop->vlan, &mac);
            if (!learn_is_elsewhere(edge->learn, snoop->ifindex, &mac) &&
                datapath_admit_held(edge->datapath, snoop->ifindex, &mac)) {
                log_warn("edge", "a held MAC cannot be put into the maps",
                         LOG_S("port", learn_port_name(edge->learn, snoop->ifindex)));
            }
        }
        break;
    case SNOOP_SOURCE:
        learn_source(edge->learn, snoop->ifindex, snoop->vlan, snoop->frame, snoop->size);
        break;
    case SNOOP_MAC:
        break; /* the bridge's own database says the same */
    }
}

static void
on_snooped(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct edge *edge = argument;
    datapath_snoop_read(edge->datapath, on_snoop, edge);
}

/* ---- controller ---- */

static void
on_fact(void *context, const struct fact *fact)
{
    struct edge *edge = context;
    if (fact->kind == FACT_LEASE && fact->lease_s > 0 &&
        datapath_learn_lease(edge->datapath, &fact->mac, &fact->ip, fact->lease_s)) {
        log_warn("edge", "a lease cannot be put into the maps", LOG_S("port", fact->port));
    }
    if (fact->kind == FACT_MAC) {
        datapath_mac_seen(edge->datapath, fact->port, &fact->mac);
    }
    controller_link_fact(edge->controller_link, fact);
}

static void
on_desired(void *context, const struct wire_desired *message)
{
    struct edge *edge = context;
    bool was_suspended = desired_is_suspended(edge->desired);
    struct wire_desired let;
    (void)protected_hosts_filter(edge->protected, message, &let);
    desired_receive(edge->desired, &let);
    free(let.add);
    if (desired_is_suspended(edge->desired) && !was_suspended) {
        responder_link_correct_all(edge->respond);
    }
    for (size_t i = 0; i < message->add_count; i++) {
        if (message->add[i].kind == RULE_PERMIT_SET) {
            responder_link_correct_all(edge->respond);
            break;
        }
    }
}

static void
on_read_back(void *context, uint64_t request)
{
    struct edge *edge = context;
    desired_read_back(edge->desired, request);
}

static void
on_ask_sum(void *context, uint64_t request, const char *key)
{
    struct edge *edge = context;
    desired_tell_sum(edge->desired, request, key);
}

static void
on_ask_held(void *context, uint64_t request)
{
    struct edge *edge = context;
    desired_tell_held(edge->desired, request);
}

static void
on_checkpoint_failed(int error)
{
    log_warn("edge", "a checkpoint of the controller's audit is not kept",
             LOG_S("why", strerror(-error)));
}

/* A checkpoint of the controller's audit: kept here, out of reach of whoever holds its database. */
static void
on_checkpoint(void *context, const struct wire_checkpoint *message)
{
    struct edge *edge = context;
    int error = message->line[0] ? checkpoints_put(edge->checkpoints, message->line) : 0;
    if (error) {
        on_checkpoint_failed(error);
    }
    if (message->request == 0) {
        return;
    }
    struct wire_checkpoints held = {.request = message->request};
    snprintf(held.switch_name, sizeof(held.switch_name), "%s", edge->settings.name);
    held.lines = mem_new(WIRE_CHECKPOINTS_MAX, sizeof(*held.lines));
    held.line_count = checkpoints_list(edge->checkpoints, message->origin, held.lines);
    controller_link_checkpoints(edge->controller_link, &held);
    free(held.lines);
}

static bool
on_observed(void *context, const struct wire_observed *observed)
{
    struct edge *edge = context;
    struct wire_observed whole = *observed;
    if (!protected_hosts_has_refused(edge->protected) || !observed->is_last) {
        return controller_link_observed(edge->controller_link, observed);
    }
    whole.rules = mem_new(observed->rule_count + 1, sizeof(*whole.rules));
    for (size_t i = 0; i < observed->rule_count; i++) {
        whole.rules[i] = observed->rules[i];
    }
    protected_hosts_report(edge->protected, &whole);
    bool is_sent = controller_link_observed(edge->controller_link, &whole);
    free(whole.rules);
    return is_sent;
}

static void
on_release(void *context, const struct rule *rule)
{
    struct edge *edge = context;
    responder_link_release(edge->respond, rule);
}

static void
stats_send(struct edge *edge)
{
    struct wire_edge_stats *stats = MEM_NEW(struct wire_edge_stats);
    struct wire_counter *counters = mem_new(COUNTERS_MAX, sizeof(*counters));
    snprintf(stats->switch_name, sizeof(stats->switch_name), "%s", edge->settings.name);
    stats->at_us = clock_wall_us(edge->clock);
    health_read(edge->datapath, edge->learn, counters, stats);
    health_disk(disk_is_silent(edge->disk), desired_is_behind(edge->desired), stats);
    if (stats->counter_count < COUNTERS_MAX) {
        struct wire_counter *counter = &counters[stats->counter_count++];
        snprintf(counter->name, sizeof(counter->name), "protected_refused");
        counter->count = protected_hosts_refused(edge->protected);
    }
    controller_link_stats(edge->controller_link, stats);
    free(counters);
    free(stats);
}

static void
on_tick(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct edge *edge = argument;
    edge->ticks++;
    desired_tick(edge->desired);
    disk_tick(edge->disk);
    learn_tick(edge->learn);
    lldp_link_tick(edge->lldp);
    if (edge->ticks % STATS_TICKS == 0) {
        stats_send(edge);
    }
    if (edge->ticks % DUMP_TICKS == 0) {
        kernel_link_dump(edge->kernel);
    }
}

/* ---- commands on the switch ---- */

static void
status_print(const struct edge *edge, char *text, size_t room)
{
    size_t isolated = datapath_kind_count(edge->datapath, RULE_ISOLATE);
    size_t count = datapath_rule_count(edge->datapath);
    snprintf(text, room,
             "switch %s, bridge %s\ncontroller: %s\nenforcement: %s\nepoch %llu, generation %llu\n"
             "rules: %zu, of them isolating an endpoint: %zu\n",
             edge->settings.name, edge->settings.bridge,
             controller_link_is_connected(edge->controller_link) ? "connected" : "not connected",
             desired_is_suspended(edge->desired) ? "SUSPENDED" : "in force",
             (unsigned long long)desired_epoch(edge->desired),
             (unsigned long long)desired_generation(edge->desired), count, isolated);
}

static void
on_command(void *context, const char *command, char *text, size_t room)
{
    struct edge *edge = context;
    if (strcmp(command, "panic") == 0 || strcmp(command, "resume") == 0) {
        log_warn("edge", "command on the switch itself", LOG_S("command", command));
        desired_suspend(edge->desired, command[0] == 'p');
        responder_link_correct_all(edge->respond);
        status_print(edge, text, room);
    } else if (strcmp(command, "status") == 0) {
        status_print(edge, text, room);
    } else {
        snprintf(text, room, "unknown command\n");
    }
}

/* ---- start and end ---- */

static void
on_terminate(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    struct edge *edge = argument;
    event_base_loopbreak(edge->base);
}

/* What only root may do: the folders, and the bpffs. */
static int
folders_prepare(struct edge *edge, char why[256])
{
    edge->datapath_settings =
        (struct datapath_settings){.pin_dir = edge->settings.run_dir,
                                   .bridge = edge->settings.bridge,
                                   .mirror_permille = edge->settings.mirror_permille,
                                   .mirror_source = edge->settings.mirror_source};
    int result = file_make_dirs(edge->settings.run_dir, 0700);
    result = result ? result : file_make_dirs(edge->settings.state_dir, 0700);
    if (result) {
        snprintf(why, 256, "cannot make %.100s or %.100s: %s", edge->settings.run_dir,
                 edge->settings.state_dir, strerror(-result));
        return result;
    }
    file_clear_unfinished(edge->settings.state_dir);
    return datapath_prepare(&edge->datapath_settings, why);
}

/* The folders go over to the edge's own user, also what an earlier version left in them as root:
 * maps that could not be opened would be made anew, without their blocks. */
static int
folders_give(const struct edge *edge, char why[256])
{
    const char *const folders[] = {edge->settings.run_dir, edge->settings.state_dir};
    const char *user = sandbox_of(SANDBOX_EDGE)->user;
    uid_t uid;
    gid_t gid;
    int result = sandbox_user(user, &uid, &gid, why);
    for (size_t i = 0; i < COUNT_OF(folders) && !result; i++) {
        result = file_own_tree(folders[i], uid, gid);
        if (result) {
            snprintf(why, 256, "cannot give %.140s to %.40s: %s", folders[i], user,
                     strerror(-result));
        }
    }
    return result;
}

/* Certificates and maps are open, the bpffs is mounted; no frame was read and nobody connected to
 * yet. */
static int
lock_in(const struct edge *edge, char why[256])
{
    const struct sandbox_path paths[] = {{edge->settings.run_dir, true}};
    const struct sandbox_settings sandbox = {.role = SANDBOX_EDGE,
                                             .folder = edge->settings.state_dir,
                                             .paths = paths,
                                             .path_count = COUNT_OF(paths)};
    int result = folders_give(edge, why);
    return result ? result : sandbox_enter(&sandbox, why);
}

/* The start may wait for the disk: nobody is answered yet.  From now on a thread does. */
static int
disk_use(struct edge *edge)
{
    edge->disk = disk_new(edge->base);
    if (!edge->disk) {
        return -EAGAIN;
    }
    checkpoints_use(edge->checkpoints, edge->disk, on_checkpoint_failed);
    return desired_use(edge->desired, edge->base, edge->disk);
}

static int
edge_start(struct edge *edge, char why[256])
{
    const struct desired_handler desired_handler = {
        .on_observed = on_observed, .on_release = on_release, .context = edge};
    const struct learn_handler learn_handler = {
        .on_fact = on_fact, .on_port = on_port, .context = edge};
    const struct kernel_link_handler kernel_handler = {.on_device = on_device,
                                                       .on_neighbour = on_neighbour,
                                                       .on_dump_done = on_dump_done,
                                                       .context = edge};
    const struct controller_link_handler controller_link_handler = {.on_desired = on_desired,
                                                                    .on_read_back = on_read_back,
                                                                    .on_ask_held = on_ask_held,
                                                                    .on_ask_sum = on_ask_sum,
                                                                    .on_checkpoint = on_checkpoint,
                                                                    .context = edge};
    int result = folders_prepare(edge, why);
    result = result ? result
                    : controller_link_new(edge->base, &edge->settings, edge->clock,
                                          &controller_link_handler, &edge->controller_link, why);
    /* before the lock: libbpf opens "/" to take over a map that is there, and maps that cannot be
     * taken over are made anew, without their blocks */
    result = result ? result : datapath_open(&edge->datapath_settings, &edge->datapath, why);
    result = result ? result : lock_in(edge, why);
    if (result) {
        return result;
    }
    edge->checkpoints = checkpoints_open(edge->settings.state_dir);
    edge->respond = responder_link_new(edge->base, edge->datapath, &edge->settings);
    edge->learn = learn_new(&edge->settings, edge->clock, &learn_handler);
    edge->protected =
        protected_hosts_new(edge->settings.protected, edge->settings.protected_count, false);
    edge->desired = desired_new(edge->datapath, edge->settings.name, edge->settings.state_dir,
                                edge->clock, &desired_handler);
    controller_link_join(edge->controller_link, edge->desired, edge->learn);
    responder_link_join(edge->respond, edge->desired, edge->learn);
    result = desired_load(edge->desired, why);
    result = result ? result : disk_use(edge);
    result = result ? result : kernel_link_new(edge->base, &kernel_handler, &edge->kernel, why);
    result =
        result ? result : lldp_link_new(edge->base, &edge->settings, edge->learn, &edge->lldp, why);
    result =
        result ? result
               : local_new(edge->base, edge->settings.run_dir, on_command, edge, &edge->local, why);
    return result;
}

static void
edge_stop(struct edge *edge)
{
    struct event *events[] = {edge->timer, edge->snooped, edge->terminate, edge->interrupt};
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (events[i]) {
            event_free(events[i]);
        }
    }
    local_free(edge->local);
    lldp_link_free(edge->lldp);
    kernel_link_free(edge->kernel);
    desired_free(edge->desired); /* with all that it asked of the disk */
    disk_free(edge->disk);
    protected_hosts_free(edge->protected);
    controller_link_free(edge->controller_link);
    responder_link_free(edge->respond);
    learn_free(edge->learn);
    checkpoints_free(edge->checkpoints);
    datapath_close(edge->datapath);
    event_base_free(edge->base);
    settings_fini(&edge->settings);
}

static int
edge_run(struct edge *edge)
{
    const struct timeval second = {.tv_sec = 1};
    edge->snooped = event_new(edge->base, datapath_snoop_fd(edge->datapath), EV_READ | EV_PERSIST,
                              on_snooped, edge);
    edge->timer = event_new(edge->base, -1, EV_PERSIST, on_tick, edge);
    edge->terminate = evsignal_new(edge->base, SIGTERM, on_terminate, edge);
    edge->interrupt = evsignal_new(edge->base, SIGINT, on_terminate, edge);
    event_add(edge->snooped, NULL);
    event_add(edge->timer, &second);
    event_add(edge->terminate, NULL);
    event_add(edge->interrupt, NULL);
    signal(SIGPIPE, SIG_IGN);
    kernel_link_dump(edge->kernel);
    log_info("edge", "started", LOG_S("switch", edge->settings.name),
             LOG_S("version", CORDON_VERSION));
    event_base_dispatch(edge->base);
    log_info("edge", "stopped; what was blocked stays blocked", LOG_END);
    return 0;
}

static int
run(struct edge *edge)
{
    char why[256] = "";
    edge->clock = clock_system();
    edge->base = event_base_new();
    event_base_priority_init(edge->base, 2);
    int result = edge_start(edge, why);
    if (result) {
        log_error("edge", "cannot start", LOG_S("why", why));
    } else {
        edge_run(edge);
    }
    edge_stop(edge);
    return result ? 1 : 0;
}

static int
remove_all(struct edge *edge)
{
    char why[256] = "";
    int result = folders_prepare(edge, why);
    result = result ? result : datapath_open(&edge->datapath_settings, &edge->datapath, why);
    if (result) {
        fprintf(stderr, "cordon-edge: %s\n", why);
        return 1;
    }
    datapath_remove(edge->datapath);
    settings_fini(&edge->settings);
    puts("programs and maps are off this switch");
    return 0;
}

static int
usage(FILE *to)
{
    fprintf(to,
            "cordon-edge " CORDON_VERSION "\n"
            "usage: cordon-edge [--config FILE]   run (default " CONFIG_DEFAULT ")\n"
            "       cordon-edge --check-config | --status | --panic | --resume | --remove\n"
            "                   [--config FILE]\n"
            "       cordon-edge --enrol URL --name NAME --token TOKEN --ca FINGERPRINT --out DIR\n"
            "                   as 'cordonctl enrol edge NAME' prints it\n"
            "--panic lets all traffic pass at once, on this switch, until --resume.\n"
            "--remove takes programs and maps off the switch: nothing is blocked any more.\n");
    return to == stdout ? 0 : 2;
}

static bool
is_enrolment(struct enrol_settings *enrol, int option)
{
    const char **at = option == 'E'   ? &enrol->url
                      : option == 'N' ? &enrol->name
                      : option == 'T' ? &enrol->token
                      : option == 'C' ? &enrol->authority
                      : option == 'O' ? &enrol->out
                                      : NULL;
    if (at) {
        *at = optarg;
    }
    return at != NULL;
}

int
main(int count, char **words)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
        {"status", no_argument, NULL, 's'},       {"panic", no_argument, NULL, 'p'},
        {"resume", no_argument, NULL, 'r'},       {"remove", no_argument, NULL, 'x'},
        {"version", no_argument, NULL, 'v'},      {"enrol", required_argument, NULL, 'E'},
        {"name", required_argument, NULL, 'N'},   {"token", required_argument, NULL, 'T'},
        {"ca", required_argument, NULL, 'C'},     {"out", required_argument, NULL, 'O'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct edge edge = {.ticks = 0};
    struct yaml_file_error error;
    const char *config = CONFIG_DEFAULT;
    int wanted = 0;
    struct enrol_settings enrol = {.role = "edge"};
    for (int option; (option = getopt_long(count, words, "c:h", options, NULL)) >= 0;) {
        if (option == 'c') {
            config = optarg;
        } else if (is_enrolment(&enrol, option)) {
            continue;
        } else if (option == 'v') {
            puts("cordon-edge " CORDON_VERSION);
            return 0;
        } else if (option == 'h' || option == '?') {
            return usage(option == 'h' ? stdout : stderr);
        } else {
            wanted = option;
        }
    }
    umask(077);
    if (optind < count) {
        return usage(stderr);
    }
    if (enrol.url) {
        return enrol_command(&enrol, "cordon-edge");
    }
    if (settings_load(config, &edge.settings, &error)) {
        fprintf(stderr, "%s:%u:%u: %s\n", config, error.line, error.column, error.text);
        return 1;
    }
    log_setup("cordon-edge", edge.settings.log_format, LOG_INFO);
    switch (wanted) {
    case 0:
        return run(&edge);
    case 'k':
        printf("%s: good\n", config);
        settings_fini(&edge.settings);
        return 0;
    case 'x':
        return remove_all(&edge);
    default:
        return local_ask(edge.settings.run_dir, wanted == 's'   ? "status"
                                                : wanted == 'p' ? "panic"
                                                                : "resume");
    }
}
