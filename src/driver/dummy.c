#include "driver/dummy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/mem.h"

struct entry {
    struct hmap_node by_id;
    TAILQ_ENTRY(entry) link;
    struct rule rule;
    int64_t ends_us; /* boot clock; 0: until removed */
    bool is_broken;
    bool is_named; /* by the snapshot that is being applied */
};

struct dummy {
    struct device base;
    const struct clock *clock;
    void (*wait)(void *context, int ms);
    void *wait_context;
    TAILQ_HEAD(, entry) entries; /* protected ones first, then in the order in which they came */
    struct hmap by_id;
    size_t taken;    /* of them take a place in the table */
    int64_t ends_us; /* boot clock: no entry ends before; 0: none ever */
    uint64_t epoch, generation;
    bool is_suspended;
    bool is_connected;
};

static struct dummy *
dummy_of(struct device *device)
{
    return CONTAINER_OF(device, struct dummy, base);
}

static void
wait_sleep(void *context, int ms)
{
    (void)context;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR) {
    }
}

/* Does it take a place in the switch's table? */
static bool
takes_entry(const struct rule *rule)
{
    return rule->kind == RULE_ISOLATE || rule->kind == RULE_HOLD_PORT ||
           rule->kind == RULE_BLOCK_PAIR || rule->kind == RULE_BLOCK_SERVER ||
           rule->kind == RULE_MIRROR;
}

static void
entry_drop(struct dummy *dummy, struct entry *entry)
{
    dummy->taken -= takes_entry(&entry->rule);
    TAILQ_REMOVE(&dummy->entries, entry, link);
    hmap_remove(&dummy->by_id, &entry->by_id);
    rule_fini(&entry->rule);
    free(entry);
}

static void
expire(struct dummy *dummy)
{
    int64_t now_us = clock_boot_us(dummy->clock);
    if (dummy->ends_us == 0 || now_us < dummy->ends_us) {
        return;
    }
    dummy->ends_us = 0;
    struct entry *entry = TAILQ_FIRST(&dummy->entries);
    while (entry) {
        struct entry *next = TAILQ_NEXT(entry, link);
        if (entry->ends_us && entry->ends_us <= now_us) {
            entry_drop(dummy, entry);
        } else if (entry->ends_us && (!dummy->ends_us || entry->ends_us < dummy->ends_us)) {
            dummy->ends_us = entry->ends_us;
        }
        entry = next;
    }
}

static struct entry *
entry_find(struct dummy *dummy, const char *id)
{
    expire(dummy);
    HMAP_FOR_EACH_HASH (entry, struct entry, by_id, hash_text(id), &dummy->by_id) {
        if (strcmp(entry->rule.id, id) == 0) {
            return entry;
        }
    }
    return NULL;
}

static bool
entry_remove(struct dummy *dummy, const char *id)
{
    struct entry *entry = entry_find(dummy, id);
    if (entry) {
        entry_drop(dummy, entry);
    }
    return entry != NULL;
}

static void
entry_put(struct dummy *dummy, const struct rule *rule)
{
    struct entry *entry = entry_find(dummy, rule->id);
    if (entry) {
        dummy->taken -= takes_entry(&entry->rule);
        rule_fini(&entry->rule);
    } else {
        entry = MEM_NEW(struct entry);
        if (rule->kind == RULE_PROTECT) {
            TAILQ_INSERT_HEAD(&dummy->entries, entry, link);
        } else {
            TAILQ_INSERT_TAIL(&dummy->entries, entry, link);
        }
        hmap_insert(&dummy->by_id, &entry->by_id, hash_text(rule->id));
    }
    entry->is_broken = false;
    entry->ends_us = 0;
    rule_copy(&entry->rule, rule);
    dummy->taken += takes_entry(rule);
    if (rule->expires_s > 0) {
        entry->ends_us = clock_boot_us(dummy->clock) + (int64_t)rule->expires_s * 1000000;
        bool is_first = dummy->ends_us == 0 || entry->ends_us < dummy->ends_us;
        dummy->ends_us = is_first ? entry->ends_us : dummy->ends_us;
    }
}

static bool
protects(const struct rule_protect *protect, const struct rule *rule)
{
    const struct mac *mac = NULL;
    const struct ip *ip = NULL;
    switch (rule->kind) {
    case RULE_ISOLATE:
        mac = &rule->isolate.mac;
        ip = &rule->isolate.ip;
        break;
    case RULE_BLOCK_PAIR:
        mac = &rule->pair.mac;
        ip = &rule->pair.ip;
        break;
    case RULE_BLOCK_SERVER:
        ip = &rule->server.server.ip;
        break;
    default:
        return false;
    }
    return (mac && !mac_is_none(mac) && mac_is_equal(mac, &protect->mac)) ||
           (ip && !ip_is_none(ip) && !prefix_is_none(&protect->server) &&
            prefix_has(&protect->server, ip));
}

/* Why this switch will not hold 'rule'; NULL: it will. */
static const char *
refusal(struct dummy *dummy, const struct rule *rule)
{
    bool is_small = dummy->base.config.mac_only;
    bool needs_more = rule->kind == RULE_BLOCK_PAIR || rule->kind == RULE_BLOCK_SERVER ||
                      rule->kind == RULE_HOLD_PORT || rule->kind == RULE_MIRROR ||
                      rule->kind == RULE_WARNING ||
                      (rule->kind == RULE_ISOLATE && mac_is_none(&rule->isolate.mac));
    if (is_small && needs_more) {
        return "this switch matches MAC addresses only";
    }
    const struct entry *other;
    TAILQ_FOREACH(other, &dummy->entries, link)
    {
        if (other->rule.kind != RULE_PROTECT) {
            break;
        }
        if (protects(&other->rule.protect, rule)) {
            return "protected: never blocked";
        }
    }
    if (dummy->base.config.room > 0 && takes_entry(rule) && !entry_find(dummy, rule->id) &&
        dummy->taken >= dummy->base.config.room) {
        return "the switch's table is full";
    }
    return NULL;
}

static struct rule_report *
report_add(struct wire_observed *observed, const char *id, enum rule_state state, const char *why)
{
    struct rule_report *report = &observed->rules[observed->rule_count++];
    *report = (struct rule_report){.state = state};
    snprintf(report->id, sizeof(report->id), "%s", id);
    snprintf(report->why, sizeof(report->why), "%s", why);
    return report;
}

static void
observed_begin(const struct dummy *dummy, size_t room, struct wire_observed *observed)
{
    *observed = (struct wire_observed){
        .epoch = dummy->epoch,
        .generation = dummy->generation,
        .is_last = true,
        .is_suspended = dummy->is_suspended,
        .rules = mem_new(room ? room : 1, sizeof(*observed->rules)),
    };
    snprintf(observed->switch_name, sizeof(observed->switch_name), "%s", dummy->base.config.name);
}

static int
answer_within(struct dummy *dummy, int deadline_ms)
{
    int latency_ms = (int)dummy->base.config.latency_ms;
    if (!dummy->is_connected) {
        return -ENOTCONN;
    }
    dummy->wait(dummy->wait_context, latency_ms < deadline_ms ? latency_ms : deadline_ms);
    return latency_ms <= deadline_ms ? 0 : -ETIMEDOUT;
}

/* A snapshot: what it does not name goes, before anything comes: a full table makes room. */
static void
keep_only(struct dummy *dummy, const struct wire_desired *desired)
{
    for (size_t i = 0; i < desired->add_count; i++) {
        struct entry *entry = entry_find(dummy, desired->add[i].id);
        if (entry) {
            entry->is_named = true;
        }
    }
    struct entry *entry = TAILQ_FIRST(&dummy->entries);
    while (entry) {
        struct entry *next = TAILQ_NEXT(entry, link);
        if (!entry->is_named) {
            entry_drop(dummy, entry);
        } else {
            entry->is_named = false;
        }
        entry = next;
    }
}

static bool
add_all(struct dummy *dummy, const struct wire_desired *desired, struct wire_observed *observed)
{
    bool fits = true;
    /* Protected hosts first: they decide about the others. */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < desired->add_count; i++) {
            const struct rule *rule = &desired->add[i];
            if ((rule->kind == RULE_PROTECT) != (round == 0)) {
                continue;
            }
            const char *why = refusal(dummy, rule);
            if (why) {
                report_add(observed, rule->id, RULE_FAILED, why);
                fits = false;
                continue;
            }
            entry_put(dummy, rule);
            report_add(observed, rule->id, RULE_VERIFIED, "");
        }
    }
    return fits;
}

static int
dummy_apply(struct device *device, const struct wire_desired *desired, int deadline_ms,
            struct wire_observed *observed)
{
    struct dummy *dummy = dummy_of(device);
    observed_begin(dummy, desired->add_count, observed);
    int error = answer_within(dummy, deadline_ms);
    if (error) {
        return error;
    }
    expire(dummy);
    if (desired->epoch < dummy->epoch) {
        snprintf(observed->refused, sizeof(observed->refused),
                 "epoch %llu is lower than %llu, the highest seen",
                 (unsigned long long)desired->epoch, (unsigned long long)dummy->epoch);
        return -ESTALE;
    }
    if (desired->base != 0 && desired->base != dummy->generation) {
        observed->needs_snapshot = true;
        return -EAGAIN;
    }
    if (desired->base == 0) {
        keep_only(dummy, desired);
    }
    for (size_t i = 0; i < desired->remove_count; i++) {
        entry_remove(dummy, desired->remove[i].id);
    }
    bool fits = add_all(dummy, desired, observed);
    observed->epoch = dummy->epoch = desired->epoch;
    observed->generation = dummy->generation = desired->generation;
    observed->is_suspended = dummy->is_suspended = desired->is_suspended;
    observed->applied_us = clock_wall_us(dummy->clock);
    return fits ? 0 : -ENOSPC;
}

static int
dummy_read_back(struct device *device, int deadline_ms, struct wire_observed *observed)
{
    struct dummy *dummy = dummy_of(device);
    expire(dummy);
    observed_begin(dummy, dummy->by_id.count, observed);
    int error = answer_within(dummy, deadline_ms);
    if (error) {
        return error;
    }
    observed->is_full = true;
    const struct entry *entry;
    TAILQ_FOREACH(entry, &dummy->entries, link)
    {
        report_add(observed, entry->rule.id, entry->is_broken ? RULE_FAILED : RULE_VERIFIED,
                   entry->is_broken ? "the test frame was not dropped" : "");
    }
    return 0;
}

static int
dummy_sum(struct device *device, const char *key, int deadline_ms, struct wire_observed *observed)
{
    struct dummy *dummy = dummy_of(device);
    expire(dummy);
    observed_begin(dummy, dummy->by_id.count, observed);
    int error = answer_within(dummy, deadline_ms);
    if (error) {
        return error;
    }
    struct rule_digest *digests = mem_new(dummy->by_id.count + 1, sizeof(*digests));
    size_t count = 0;
    const struct entry *entry;
    TAILQ_FOREACH(entry, &dummy->entries, link)
    {
        rule_digest(&entry->rule, &digests[count++]);
        if (entry->is_broken) {
            report_add(observed, entry->rule.id, RULE_FAILED, "the test frame was not dropped");
        }
    }
    error = rules_sum(digests, count, key, observed->sum) ? 0 : -EOPNOTSUPP;
    free(digests);
    return error;
}

static int
dummy_held(struct device *device, int deadline_ms, struct wire_observed *observed)
{
    struct dummy *dummy = dummy_of(device);
    expire(dummy);
    observed_begin(dummy, 0, observed);
    int error = answer_within(dummy, deadline_ms);
    if (error) {
        return error;
    }
    observed->held = mem_new(dummy->by_id.count + 1, sizeof(*observed->held));
    const struct entry *entry;
    TAILQ_FOREACH(entry, &dummy->entries, link)
    {
        if (observed_is_block(&entry->rule)) {
            rule_copy(&observed->held[observed->held_count++], &entry->rule);
        }
    }
    return 0;
}

static struct fact *
fact_add(struct dummy *dummy, struct wire_facts *facts, enum fact_kind kind, const char *port)
{
    struct fact *fact = &facts->facts[facts->fact_count++];
    *fact = (struct fact){.kind = kind, .seen_us = clock_wall_us(dummy->clock)};
    snprintf(fact->port, sizeof(fact->port), "%s", port);
    return fact;
}

static void
fact_port(struct dummy *dummy, struct wire_facts *facts, const char *port, enum port_role role)
{
    struct fact *fact = fact_add(dummy, facts, FACT_PORT, port);
    fact->port_number = (uint32_t)facts->fact_count;
    fact->role = role;
    fact->is_up = true;
}

_Static_assert(DEVICE_PORTS_MAX + 2 * DEVICE_NEIGHBOURS_MAX <= FACTS_MAX, "one message of facts");

static int
dummy_learn(struct device *device, struct wire_facts *facts)
{
    struct dummy *dummy = dummy_of(device);
    const struct device_config *config = &device->config;
    size_t most = config->ports + 2 * config->neighbour_count;
    *facts = (struct wire_facts){.is_full = true, .is_last = true, .sequence = 1};
    snprintf(facts->switch_name, sizeof(facts->switch_name), "%s", config->name);
    facts->facts = most ? mem_new(most, sizeof(*facts->facts)) : NULL;
    for (unsigned i = 1; i <= config->ports; i++) {
        char port[NAME_SIZE];
        snprintf(port, sizeof(port), "p%u", i);
        fact_port(dummy, facts, port, PORT_ACCESS);
    }
    for (size_t i = 0; i < config->neighbour_count; i++) {
        const struct device_neighbour *at = &config->neighbours[i];
        fact_port(dummy, facts, at->port, PORT_UPLINK);
        struct fact *fact = fact_add(dummy, facts, FACT_NEIGHBOUR, at->port);
        fact->neighbour_is_bridge = true;
        snprintf(fact->neighbour_name, sizeof(fact->neighbour_name), "%s", at->switch_name);
        snprintf(fact->neighbour_port, sizeof(fact->neighbour_port), "%s", at->there);
    }
    return 0;
}

static void
tell_device(struct dummy *dummy)
{
    const struct device_config *config = &dummy->base.config;
    struct wire_device device = {
        .is_connected = dummy->is_connected,
        .epoch = dummy->epoch,
        .generation = dummy->generation,
        .matches_mac = true,
        .matches_ip = !config->mac_only,
        .stages_everywhere = true,
        .shows_warning = !config->mac_only,
        .mirrors = !config->mac_only,
        .verifies = true,
        .tells_sum = true,
        .rule_room = config->room,
        .typical_ms = config->latency_ms,
    };
    snprintf(device.switch_name, sizeof(device.switch_name), "%s", config->name);
    snprintf(device.driver, sizeof(device.driver), "dummy");
    snprintf(device.version, sizeof(device.version), "%s", CORDON_VERSION);
    if (dummy->base.listener.on_device) {
        dummy->base.listener.on_device(dummy->base.listener.context, &device);
    }
}

static int
dummy_open(const struct device_config *config, const struct device_listener *listener,
           struct device **device)
{
    struct dummy *dummy = MEM_NEW(struct dummy);
    dummy->base =
        (struct device){.driver = &driver_dummy, .config = *config, .listener = *listener};
    TAILQ_INIT(&dummy->entries);
    hmap_init(&dummy->by_id);
    dummy->clock = clock_system();
    dummy->wait = wait_sleep;
    dummy->is_connected = true;
    *device = &dummy->base;
    tell_device(dummy);
    return 0;
}

static void
dummy_close(struct device *device)
{
    if (!device) {
        return;
    }
    struct dummy *dummy = dummy_of(device);
    while (!TAILQ_EMPTY(&dummy->entries)) {
        entry_drop(dummy, TAILQ_FIRST(&dummy->entries));
    }
    hmap_fini(&dummy->by_id);
    free(dummy);
}

const struct driver driver_dummy = {
    .name = "dummy",
    .open = dummy_open,
    .close = dummy_close,
    .apply = dummy_apply,
    .read_back = dummy_read_back,
    .held = dummy_held,
    .sum = dummy_sum,
    .learn = dummy_learn,
};

void
dummy_set_clock(struct device *device, const struct clock *clock)
{
    dummy_of(device)->clock = clock;
}

void
dummy_set_wait(struct device *device, void (*wait)(void *context, int ms), void *context)
{
    dummy_of(device)->wait = wait;
    dummy_of(device)->wait_context = context;
}

size_t
dummy_count(struct device *device)
{
    expire(dummy_of(device));
    return dummy_of(device)->by_id.count;
}

bool
dummy_has(struct device *device, const char *rule_id)
{
    return entry_find(dummy_of(device), rule_id) != NULL;
}

const struct rule *
dummy_first(struct device *device, enum rule_kind kind)
{
    struct dummy *dummy = dummy_of(device);
    expire(dummy);
    const struct entry *entry;
    TAILQ_FOREACH(entry, &dummy->entries, link)
    {
        if (entry->rule.kind == kind) {
            return &entry->rule;
        }
    }
    return NULL;
}

bool
dummy_remove(struct device *device, const char *rule_id)
{
    return entry_remove(dummy_of(device), rule_id);
}

bool
dummy_add(struct device *device, const struct rule *rule)
{
    entry_put(dummy_of(device), rule);
    return true;
}

bool
dummy_break(struct device *device, const char *rule_id)
{
    struct entry *entry = entry_find(dummy_of(device), rule_id);
    if (entry) {
        entry->is_broken = true;
    }
    return entry != NULL;
}

void
dummy_set_suspended(struct device *device, bool is_suspended)
{
    dummy_of(device)->is_suspended = is_suspended;
}

bool
dummy_is_suspended(const struct device *device)
{
    return CONTAINER_OF(device, const struct dummy, base)->is_suspended;
}

void
dummy_set_connected(struct device *device, bool is_connected)
{
    dummy_of(device)->is_connected = is_connected;
    tell_device(dummy_of(device));
}

static bool
rule_drops(const struct rule *rule, const char *port, const struct mac *mac,
           const struct ip *server)
{
    switch (rule->kind) {
    case RULE_ISOLATE:
        return mac_is_equal(&rule->isolate.mac, mac) &&
               (rule->isolate.port[0] == '\0' || strcmp(rule->isolate.port, port) == 0);
    case RULE_BLOCK_PAIR:
        return server && mac_is_equal(&rule->pair.mac, mac) &&
               prefix_has(&rule->pair.server, server);
    case RULE_BLOCK_SERVER:
        return server && prefix_has(&rule->server.server, server);
    case RULE_HOLD_PORT:
        if (strcmp(rule->hold_port.port, port) != 0) {
            return false;
        }
        for (size_t i = 0; i < rule->hold_port.known_mac_count; i++) {
            if (mac_is_equal(&rule->hold_port.known_macs[i], mac)) {
                return false;
            }
        }
        return true;
    default:
        return false;
    }
}

bool
dummy_drops(struct device *device, const char *port, const struct mac *mac, const struct ip *server)
{
    struct dummy *dummy = dummy_of(device);
    expire(dummy);
    const struct entry *entry;
    if (dummy->is_suspended) {
        return false;
    }
    TAILQ_FOREACH(entry, &dummy->entries, link)
    {
        if (!entry->is_broken && rule_drops(&entry->rule, port, mac, server)) {
            return true;
        }
    }
    return false;
}
