/* Life of the kernel side and the ports; see datapath_rules.c for the rules. */
#include "edge/datapath.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "edge/datapath_state.h"

#define ENDPOINT_ROOM 131072
#define SNOOP_PER_S 1000 /* frames of one port */
#define PERMILLE_DEFAULT 100
#define SWEEP_CHECKS 20

uint64_t
datapath_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- config ---- */

static uint32_t
secret(void)
{
    uint32_t value = 0;
    while (value == 0) {
        if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) {
            abort();
        }
    }
    return value;
}

static bool
is_special(const struct dp_port *value)
{
    return value->is_held || value->mirror_in || value->mirror_out;
}

/* An earlier version did not count them. */
static uint32_t
special_before(const struct datapath *datapath)
{
    uint32_t ifindex, count = 0;
    int result = maps_next(datapath->maps, MAP_PORTS, NULL, &ifindex);
    while (result == 0) {
        struct dp_port value;
        count += maps_get(datapath->maps, MAP_PORTS, &ifindex, &value) == 0 && is_special(&value);
        result = maps_next(datapath->maps, MAP_PORTS, &ifindex, &ifindex);
    }
    return count;
}

/* Marks that frames carry through the stack; kept over a restart, so that frames on their way
 * keep their meaning. */
static int
config_start(struct datapath *datapath)
{
    const uint32_t zero = 0;
    struct dp_config *config = &datapath->config;
    int result = maps_get(datapath->maps, MAP_CONFIG, &zero, config);
    if (result) {
        return result;
    }
    if (config->layout != DP_LAYOUT || !config->permit_mark) {
        *config = (struct dp_config){.layout = DP_LAYOUT,
                                     .forward_mark = secret(),
                                     .test_mark = secret(),
                                     .copy_mark = secret(),
                                     .permit_mark = secret()};
    }
    config->tap = (uint32_t)datapath->tap;
    config->ifb = (uint32_t)datapath->ifb;
    config->snoop_per_s = SNOOP_PER_S;
    config->special_ports = special_before(datapath);
    return maps_put(datapath->maps, MAP_CONFIG, &zero, config);
}

/* How many entries of that map there are, for who looks into it.  Where some may be unknown: at
 * least as many as there were when we came. */
static uint32_t
entries_count(const struct datapath *datapath, enum map_id map, uint32_t before)
{
    uint32_t wanted = (uint32_t)claims_count(datapath->want, map);
    return datapath->keeps_unknown && before > wanted ? before : wanted;
}

static uint32_t
special_count(const struct datapath *datapath, uint32_t before)
{
    uint32_t count = 0;
    for (size_t i = 0; i < datapath->port_count; i++) {
        count += datapath->ports[i].is_special;
    }
    return datapath->keeps_unknown && before > count ? before : count;
}

int
datapath_config_write(struct datapath *datapath)
{
    const uint32_t zero = 0;
    struct dp_config config = datapath->config;
    config.isolate_ips = entries_count(datapath, MAP_ISO_IP, config.isolate_ips);
    config.isolate_ports = entries_count(datapath, MAP_ISO_PORT, config.isolate_ports);
    config.servers = entries_count(datapath, MAP_SERVER, config.servers);
    config.pairs = entries_count(datapath, MAP_PAIR, config.pairs);
    config.watched = entries_count(datapath, MAP_WATCH, config.watched);
    config.rspans = entries_count(datapath, MAP_RSPAN, config.rspans);
    config.sensors = entries_count(datapath, MAP_SENSOR, config.sensors);
    config.special_ports = special_count(datapath, config.special_ports);
    const uint32_t always = datapath->keeps_unknown ? config.always : 0;
    config.always = always;
    for (size_t i = 0; i < datapath->kinds[RULE_MIRROR].count; i++) {
        const struct held *held = datapath->kinds[RULE_MIRROR].items[i];
        if (held->rule.mirror->kind == MIRROR_ALWAYS && held->slot != SLOT_NONE) {
            config.always |= 1u << held->slot;
        }
    }
    if (memcmp(&config, &datapath->config, sizeof(config)) == 0) {
        return 0;
    }
    datapath->config = config;
    return maps_put(datapath->maps, MAP_CONFIG, &zero, &config);
}

void
datapath_suspend(struct datapath *datapath, bool is_suspended)
{
    const uint32_t zero = 0;
    datapath->config.is_suspended = is_suspended;
    int result = maps_put(datapath->maps, MAP_CONFIG, &zero, &datapath->config);
    if (result) {
        log_error("datapath", "cannot suspend or resume", LOG_S("error", strerror(-result)));
    }
}

bool
datapath_is_suspended(const struct datapath *datapath)
{
    return datapath->config.is_suspended;
}

void
datapath_keep_unknown(struct datapath *datapath, bool keeps_unknown)
{
    datapath->keeps_unknown = keeps_unknown;
}

/* ---- open, close ---- */

int
datapath_prepare(struct datapath_settings *settings, char why[256])
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    settings->tun = fd > 0 ? fd : 0; /* absent: datapath_open says what is needed */
    return maps_mount(settings->pin_dir, why);
}

int
datapath_open(const struct datapath_settings *settings, struct datapath **datapath, char why[256])
{
    struct datapath *made = MEM_NEW(struct datapath);
    made->packet_fd = -1;
    made->tap_fd = settings->tun > 0 ? settings->tun : -1;
    made->frame = mem_new(DP_RESPOND_MAX + sizeof(struct dp_trailer), 1);
    made->mirror_permille =
        settings->mirror_permille ? settings->mirror_permille : PERMILLE_DEFAULT;
    made->mirror_source = settings->mirror_source;
    snprintf(made->bridge, sizeof(made->bridge), "%s", settings->bridge);
    hmap_init(&made->by_id);
    hmap_init(&made->by_owner);
    int result = maps_open(settings->pin_dir,
                           settings->endpoint_room ? settings->endpoint_room : ENDPOINT_ROOM,
                           &made->maps, why);
    if (result) {
        datapath_close(made);
        return result;
    }
    made->want = claims_new(made->maps);
    result = attach_make_ifb(made->maps, made->bridge, &made->ifb, why);
    result =
        result ? result : attach_make_tap(made->maps, made->bridge, &made->tap, &made->tap_fd, why);
    if (result) {
        datapath_close(made);
        return result;
    }
    result = config_start(made);
    result = result ? result : datapath_frames_open(made);
    if (result) {
        snprintf(why, 256, "cannot set up the datapath: %s", strerror(-result));
        datapath_close(made);
        return result;
    }
    *datapath = made;
    return 0;
}

void
datapath_close(struct datapath *datapath)
{
    if (!datapath) {
        return;
    }
    datapath_rules_free(datapath);
    claims_free(datapath->want);
    datapath_frames_close(datapath);
    maps_close(datapath->maps);
    hmap_fini(&datapath->by_id);
    hmap_fini(&datapath->by_owner);
    free(datapath->frame);
    free(datapath);
}

/* Also ports that an earlier run left programs on. */
void
datapath_remove(struct datapath *datapath)
{
    uint32_t ifindex, next;
    int result = maps_next(datapath->maps, MAP_PORTS, NULL, &next);
    while (result == 0) {
        ifindex = next;
        attach_remove((int)ifindex, ATTACH_INGRESS);
        attach_remove((int)ifindex, ATTACH_EGRESS);
        result = maps_next(datapath->maps, MAP_PORTS, &ifindex, &next);
    }
    int helpers[] = {datapath->ifb, datapath->tap};
    for (size_t i = 0; i < COUNT_OF(helpers); i++) {
        if (rtnl_delete_device(helpers[i])) {
            log_warn("datapath", "cannot delete a helper device", LOG_I("ifindex", helpers[i]));
        }
    }
    maps_unpin(datapath->maps);
    datapath_close(datapath);
}

/* ---- ports ---- */

struct dp_port_held *
datapath_port_find(struct datapath *datapath, int ifindex)
{
    for (size_t i = 0; i < datapath->port_count; i++) {
        if (datapath->ports[i].ifindex == ifindex) {
            return &datapath->ports[i];
        }
    }
    return NULL;
}

int
datapath_ifindex(const struct datapath *datapath, const char *port)
{
    for (size_t i = 0; i < datapath->port_count; i++) {
        if (strcmp(datapath->ports[i].name, port) == 0) {
            return datapath->ports[i].ifindex;
        }
    }
    return (int)if_nametoindex(port);
}

static bool
mirror_has_port(const struct rule_mirror *mirror, const struct dp_port_held *port)
{
    if (mirror->out_port[0] && strcmp(mirror->out_port, port->name) == 0) {
        return false; /* never what goes out as a copy */
    }
    for (size_t i = 0; i < mirror->port_count; i++) {
        if (strcmp(mirror->ports[i], port->name) == 0) {
            return true;
        }
    }
    return mirror->port_count == 0 && port->role == PORT_ACCESS;
}

struct dp_port
datapath_port_value(const struct datapath *datapath, const struct dp_port_held *port)
{
    static const enum dp_role roles[PORT_ROLE_COUNT] = {[PORT_ACCESS] = DP_ACCESS,
                                                        [PORT_UPLINK] = DP_UPLINK,
                                                        [PORT_SERVER] = DP_SERVER,
                                                        [PORT_MIRROR] = DP_MIRROR};
    struct dp_port value = {.number = port->number, .role = (uint8_t)roles[port->role]};
    const struct held_list *holds = &datapath->kinds[RULE_HOLD_PORT];
    const struct held_list *mirrors = &datapath->kinds[RULE_MIRROR];
    for (size_t i = 0; i < holds->count; i++) {
        value.is_held |= !holds->items[i]->is_cleared &&
                         strcmp(holds->items[i]->rule.hold_port.port, port->name) == 0;
    }
    for (size_t i = 0; i < mirrors->count; i++) {
        const struct held *held = mirrors->items[i];
        const struct rule_mirror *mirror = held->rule.mirror;
        bool is_by_port = mirror->kind == MIRROR_PORT || mirror->kind == MIRROR_POLICY;
        if (!is_by_port || held->slot == SLOT_NONE || !mirror_has_port(mirror, port)) {
            continue;
        }
        value.mirror_in |= mirror->direction == DIRECTION_OUT ? 0 : 1u << held->slot;
        value.mirror_out |= mirror->direction == DIRECTION_IN ? 0 : 1u << held->slot;
    }
    return value;
}

static int
port_write(struct datapath *datapath, struct dp_port_held *port)
{
    const uint32_t key = (uint32_t)port->ifindex;
    const struct dp_port value = datapath_port_value(datapath, port);
    struct dp_port held;
    port->is_special = is_special(&value);
    if (maps_get(datapath->maps, MAP_PORTS, &key, &held) == 0 &&
        memcmp(&held, &value, sizeof(value)) == 0) {
        return 0;
    }
    return maps_put(datapath->maps, MAP_PORTS, &key, &value);
}

bool
datapath_needs_egress(const struct dp_port *value)
{
    return value->role == DP_ACCESS || value->mirror_out != 0;
}

static int
egress_follow(struct datapath *datapath, struct dp_port_held *port)
{
    const struct dp_port value = datapath_port_value(datapath, port);
    bool needs = datapath_needs_egress(&value);
    int result = 0;
    if (needs && !port->has_egress) {
        result = attach_program(datapath->maps, port->ifindex, ATTACH_EGRESS, PROGRAM_EGRESS);
    } else if (!needs && port->has_egress) {
        attach_remove(port->ifindex, ATTACH_EGRESS);
    }
    port->has_egress = needs && result == 0;
    return result;
}

int
datapath_ports_write(struct datapath *datapath)
{
    int first = 0;
    for (size_t i = 0; i < datapath->port_count; i++) {
        int result = port_write(datapath, &datapath->ports[i]);
        first = first ? first : result;
        result = datapath->ports[i].is_attached ? egress_follow(datapath, &datapath->ports[i]) : 0;
        first = first ? first : result;
    }
    return first;
}

/* An earlier run may have left its own: replaced without a gap, or taken off. */
static int
programs_attach(struct datapath *datapath, struct dp_port_held *port)
{
    const struct dp_port value = datapath_port_value(datapath, port);
    int result = attach_program(datapath->maps, port->ifindex, ATTACH_INGRESS, PROGRAM_INGRESS);
    port->has_egress = !datapath_needs_egress(&value);
    port->is_attached = result == 0;
    return result ? result : egress_follow(datapath, port);
}

static int
port_state_start(const struct datapath *datapath, uint32_t ifindex)
{
    struct dp_port_state state;
    if (maps_get(datapath->maps, MAP_PORT_STATE, &ifindex, &state) == 0) {
        return 0;
    }
    memset(&state, 0, sizeof(state));
    int result = maps_put(datapath->maps, MAP_PORT_STATE, &ifindex, &state);
    maps_forget_met(datapath->maps);
    return result;
}

int
datapath_attach(struct datapath *datapath, int ifindex, const char *name, enum port_role role,
                uint32_t number)
{
    struct dp_port_held *port = datapath_port_find(datapath, ifindex);
    bool is_new = port == NULL;
    if (is_new && datapath->port_count == DATAPATH_PORTS_MAX) {
        return -E2BIG;
    }
    if (is_new) {
        port = &datapath->ports[datapath->port_count++];
    }
    *port = (struct dp_port_held){.ifindex = ifindex, .role = role, .number = number};
    snprintf(port->name, sizeof(port->name), "%s", name);
    datapath_rules_place(datapath);
    datapath_rules_forget_seen(datapath);
    int result = port_state_start(datapath, (uint32_t)ifindex);
    result = result ? result : port_write(datapath, port);
    return result ? result : programs_attach(datapath, port);
}

void
datapath_detach(struct datapath *datapath, int ifindex)
{
    struct dp_port_held *port = datapath_port_find(datapath, ifindex);
    const uint32_t key = (uint32_t)ifindex;
    attach_remove(ifindex, ATTACH_INGRESS);
    attach_remove(ifindex, ATTACH_EGRESS);
    if (maps_delete(datapath->maps, MAP_PORTS, &key) ||
        maps_delete(datapath->maps, MAP_PORT_STATE, &key)) {
        log_warn("datapath", "a port that is gone stays in the maps", LOG_I("ifindex", ifindex));
    }
    if (port) {
        *port = datapath->ports[--datapath->port_count];
    }
    datapath_rules_place(datapath);
}

void
datapath_clear_hold(struct datapath *datapath, int ifindex)
{
    const struct dp_port_held *port = datapath_port_find(datapath, ifindex);
    const struct held_list *holds = &datapath->kinds[RULE_HOLD_PORT];
    bool has_changed = false;
    for (size_t i = 0; port && i < holds->count; i++) {
        struct held *held = holds->items[i];
        if (!held->is_cleared && strcmp(held->rule.hold_port.port, port->name) == 0) {
            held->is_cleared = has_changed = true;
        }
    }
    if (has_changed) {
        datapath_rules_place(datapath);
    }
}

/* ---- watchdog ---- */

/* What is wrong with this port, as text; NULL: nothing. */
static const char *
port_check(const struct datapath *datapath, const struct dp_port_held *port)
{
    const uint32_t key = (uint32_t)port->ifindex;
    const struct dp_port wanted = datapath_port_value(datapath, port);
    struct dp_port held;
    struct dp_port_state state;
    if (!attach_is_good(datapath->maps, port->ifindex, ATTACH_INGRESS, PROGRAM_INGRESS)) {
        return "our filter on its ingress was removed or replaced";
    }
    if (datapath_needs_egress(&wanted) &&
        !attach_is_good(datapath->maps, port->ifindex, ATTACH_EGRESS, PROGRAM_EGRESS)) {
        return "our filter on its egress was removed or replaced";
    }
    if (maps_get(datapath->maps, MAP_PORTS, &key, &held) ||
        maps_get(datapath->maps, MAP_PORT_STATE, &key, &state) ||
        memcmp(&held, &wanted, sizeof(held)) != 0) {
        return "its entry in the maps was removed or changed";
    }
    return NULL;
}

static bool
port_mend(struct datapath *datapath, struct dp_port_held *port)
{
    int result = programs_attach(datapath, port);
    result = result ? result : port_state_start(datapath, (uint32_t)port->ifindex);
    result = result ? result : port_write(datapath, port);
    if (result) {
        log_error("datapath", "cannot mend a port: it is not protected", LOG_S("port", port->name),
                  LOG_S("error", strerror(-result)));
    }
    return result == 0;
}

static const char *
helpers_mend(struct datapath *datapath)
{
    const struct maps *maps = datapath->maps;
    if (!attach_is_good(maps, datapath->ifb, ATTACH_EGRESS, PROGRAM_COPY)) {
        (void)!attach_program(maps, datapath->ifb, ATTACH_EGRESS, PROGRAM_COPY);
        return "the filter that encapsulates copies was removed";
    }
    if (!attach_is_good(maps, datapath->tap, ATTACH_INGRESS, PROGRAM_TAP)) {
        (void)!attach_program(maps, datapath->tap, ATTACH_INGRESS, PROGRAM_TAP);
        return "the filter that forwards queries was removed";
    }
    return NULL;
}

static const char *
config_mend(struct datapath *datapath)
{
    const uint32_t zero = 0;
    struct dp_config held;
    if (maps_get(datapath->maps, MAP_CONFIG, &zero, &held) == 0 &&
        memcmp(&held, &datapath->config, sizeof(held)) == 0) {
        return NULL;
    }
    (void)!maps_put(datapath->maps, MAP_CONFIG, &zero, &datapath->config);
    return "the configuration in the maps was changed";
}

unsigned
datapath_check_ports(struct datapath *datapath, char problem[TEXT_SIZE])
{
    unsigned wrong = 0;
    const char *const others[] = {config_mend(datapath), helpers_mend(datapath)};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (others[i] && wrong++ == 0) {
            snprintf(problem, TEXT_SIZE, "%s", others[i]);
        }
    }
    for (size_t i = 0; i < datapath->port_count; i++) {
        struct dp_port_held *port = &datapath->ports[i];
        char name[IF_NAMESIZE];
        const char *what = port_check(datapath, port);
        if (!what || !if_indextoname((unsigned)port->ifindex, name)) {
            continue; /* a device that is gone will be told by the kernel */
        }
        if (wrong++ == 0) {
            snprintf(problem, TEXT_SIZE, "port %s: %s", port->name, what);
        }
        (void)port_mend(datapath, port);
    }
    datapath_rules_place(datapath);
    if (++datapath->checks % SWEEP_CHECKS == 0) {
        datapath_learnt_sweep(datapath);
        maps_screen_sweep(datapath->maps);
    }
    return wrong;
}
