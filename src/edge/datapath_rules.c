/* The rules of the datapath: which there are, where they belong on this switch, and that the maps
 * follow them without a gap. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/datapath.h"
#include "edge/datapath_state.h"

#define NS_PER_S 1000000000u
#define EXPIRY_SLACK_NS (2ull * NS_PER_S) /* seconds are counted down in whole ones */
#define ARP_WAITS_MAX 3
#define ARP_WAIT_MS 20              /* on a LAN less than one */
#define SPEED_DEFAULT 1000000000ull /* bit/s, where a device does not say */

/* Whom to spare comes before whom to block; permits before who may use them. */
static const enum rule_kind kind_order[RULE_KIND_COUNT] = {
    RULE_PROTECT,    RULE_PERMIT_SET,   RULE_ISOLATE, RULE_HOLD_PORT,
    RULE_BLOCK_PAIR, RULE_BLOCK_SERVER, RULE_MIRROR,  RULE_WARNING};

/* ---- the list ---- */

static size_t
list_add(struct held_list *list, struct held *held)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 64;
        list->items = mem_resize(list->items, list->room, sizeof(list->items[0]));
    }
    list->items[list->count] = held;
    return list->count++;
}

struct held *
datapath_held_find(const struct datapath *datapath, const char *rule_id)
{
    uint64_t hash = hash_text(rule_id);
    HMAP_FOR_EACH_HASH (held, struct held, node, hash, &datapath->by_id) {
        if (strcmp(held->rule.id, rule_id) == 0) {
            return held;
        }
    }
    return NULL;
}

static uint64_t
owner_hash(const struct mac *mac, const struct ip *ip)
{
    struct dp_owner owner;
    compile_owner(mac, ip, &owner);
    return hash_bytes(&owner, sizeof(owner));
}

static struct held *
held_new(struct datapath *datapath, const struct rule *rule)
{
    struct held *held = MEM_NEW(struct held);
    rule_copy(&held->rule, rule);
    held->serial = ++datapath->last_serial;
    held->slot = SLOT_NONE;
    held->at = list_add(&datapath->rules, held);
    held->at_kind = list_add(&datapath->kinds[rule->kind], held);
    hmap_insert(&datapath->by_id, &held->node, hash_text(rule->id));
    if (rule->kind == RULE_ISOLATE) {
        hmap_insert(&datapath->by_owner, &held->of_owner,
                    owner_hash(&rule->isolate.mac, &rule->isolate.ip));
    }
    return held;
}

static void
held_free(struct datapath *datapath, struct held *held)
{
    struct held_list *kind = &datapath->kinds[held->rule.kind];
    datapath->rules.items[held->at] = datapath->rules.items[--datapath->rules.count];
    datapath->rules.items[held->at]->at = held->at;
    kind->items[held->at_kind] = kind->items[--kind->count];
    kind->items[held->at_kind]->at_kind = held->at_kind;
    hmap_remove(&datapath->by_id, &held->node);
    if (held->rule.kind == RULE_ISOLATE) {
        hmap_remove(&datapath->by_owner, &held->of_owner);
    }
    rule_fini(&held->rule);
    free(held->why);
    free(held);
}

void
datapath_rules_free(struct datapath *datapath)
{
    while (datapath->rules.count > 0) {
        held_free(datapath, datapath->rules.items[datapath->rules.count - 1]);
    }
    free(datapath->rules.items);
    for (int kind = 0; kind < RULE_KIND_COUNT; kind++) {
        free(datapath->kinds[kind].items);
    }
}

static void held_fail(struct held *held, int error, const char *format, ...) PRINTF_LIKE(3, 4);

static void
held_fail(struct held *held, int error, const char *format, ...)
{
    char why[TEXT_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(why, sizeof(why), format, values);
    va_end(values);
    if (!held->why || strcmp(held->why, why) != 0) {
        free(held->why);
        held->why = mem_strdup(why);
    }
    held->error = error;
}

static void
held_succeed(struct held *held)
{
    free(held->why);
    held->why = NULL;
    held->error = 0;
}

/* ---- mirror slots ---- */

static int
slot_take(struct datapath *datapath, struct held *held)
{
    const uint64_t digest = compile_mirror_digest(held->rule.mirror);
    uint32_t found = SLOT_NONE;
    if (held->slot != SLOT_NONE) {
        return 0;
    }
    for (uint32_t i = 0; i < DP_SESSIONS_MAX; i++) {
        const struct slot *slot = &datapath->slots[i];
        if (slot->users > 0 && slot->digest == digest) {
            found = i;
            break;
        }
        found = slot->users == 0 && found == SLOT_NONE ? i : found;
    }
    if (found == SLOT_NONE) {
        held_fail(held, -ENOSPC, "this switch has %d mirror sessions, all are in use",
                  DP_SESSIONS_MAX);
        return -ENOSPC;
    }
    datapath->slots[found].digest = digest;
    datapath->slots[found].users++;
    held->slot = found;
    return 0;
}

static void
slot_release(struct datapath *datapath, struct held *held)
{
    if (held->slot != SLOT_NONE) {
        datapath->slots[held->slot].users--;
        held->slot = SLOT_NONE;
    }
}

/* ---- where a rule belongs ---- */

static const char *
port_of(const struct rule *rule)
{
    switch (rule->kind) {
    case RULE_ISOLATE:
        return mac_is_none(&rule->isolate.mac) ? "" : rule->isolate.port;
    case RULE_HOLD_PORT:
        return rule->hold_port.port;
    case RULE_MIRROR:
        return rule->mirror->carrier == CARRIER_ERSPAN ? "" : rule->mirror->out_port;
    default:
        return "";
    }
}

/* An RSPAN source without a port of its own goes out of the first uplink. */
static int
uplink_find(const struct datapath *datapath)
{
    for (size_t i = 0; i < datapath->port_count; i++) {
        if (datapath->ports[i].role == PORT_UPLINK) {
            return datapath->ports[i].ifindex;
        }
    }
    return 0;
}

static int
mirror_place(struct datapath *datapath, struct held *held, struct compile_place *place)
{
    const struct rule_mirror *mirror = held->rule.mirror;
    int result = mirror->kind == MIRROR_TRANSIT ? 0 : slot_take(datapath, held);
    if (result) {
        return result;
    }
    place->slot = held->slot;
    if (mirror->carrier == CARRIER_RSPAN && !mirror->out_port[0]) {
        place->ifindex = uplink_find(datapath);
    }
    if (mirror->carrier == CARRIER_ERSPAN) {
        char text[IP_TEXT_SIZE];
        struct next_hop hop;
        ip_format(&mirror->erspan_to, text);
        result = rtnl_next_hop(&mirror->erspan_to, held->waits == 0 ? ARP_WAIT_MS : 0, &hop);
        if (result == 0) {
            held->hop = hop;
            held->waits = 0;
        } else if (result != -EAGAIN) {
            held_fail(held, result, "no way to the sensor %s from this switch", text);
        } else if (held->hop.ifindex == 0 && ++held->waits > ARP_WAITS_MAX) {
            held_fail(held, result, "the sensor %s does not answer ARP", text);
        }
        place->hop = held->hop;
        place->ifindex = held->hop.ifindex;
    }
    const struct dp_port_held *out = datapath_port_find(datapath, place->ifindex);
    place->strips_tag = !out || out->role != PORT_UPLINK; /* this is where it ends */
    place->mirror_source = datapath->mirror_source;
    place->has_shared_budget = mirror->rate_bit_s == 0;
    uint64_t speed = place->ifindex ? rtnl_speed_bit_s(place->ifindex) : 0;
    speed = speed ? speed : SPEED_DEFAULT;
    place->bytes_per_s =
        (mirror->rate_bit_s ? mirror->rate_bit_s : speed / 1000 * datapath->mirror_permille) / 8;
    return 0;
}

static int
place_find(struct datapath *datapath, struct held *held, struct compile_place *place)
{
    const char *port = port_of(&held->rule);
    *place = (struct compile_place){.tag = compile_tag(held->rule.id),
                                    .expires_ns = held->expires_ns,
                                    .is_cleared = held->is_cleared,
                                    .slot = SLOT_NONE};
    if (port[0]) {
        place->ifindex = datapath_ifindex(datapath, port);
        if (place->ifindex == 0) {
            held_fail(held, -ENODEV, "this switch has no port %.60s", port);
            return -ENODEV;
        }
    }
    return held->rule.kind == RULE_MIRROR ? mirror_place(datapath, held, place) : 0;
}

/* A hold that ended before we were started stays ended. */
static void
cleared_recall(const struct datapath *datapath, struct held *held)
{
    const uint32_t ifindex = (uint32_t)datapath_ifindex(datapath, held->rule.hold_port.port);
    struct dp_isolate value;
    if (held->rule.kind == RULE_HOLD_PORT && ifindex != 0 &&
        maps_get(datapath->maps, MAP_HOLD, &ifindex, &value) == 0 &&
        value.tag == compile_tag(held->rule.id)) {
        held->is_cleared = (value.flags & DP_CLEARED) != 0;
    }
}

/* The maps follow one rule. */
static int
held_apply(struct datapath *datapath, struct held *held)
{
    struct compile_place place;
    struct map_entries wishes = {.count = 0};
    held_succeed(held);
    held->seen = SEEN_NOT;
    int result = place_find(datapath, held, &place);
    if (result == 0) {
        compile_rule(&held->rule, &place, &wishes);
    }
    int written = claims_set(datapath->want, held->serial, &wishes);
    map_entries_fini(&wishes);
    if (written) {
        held_fail(held, written,
                  written == -E2BIG || written == -ENOSPC || written == -ENOMEM
                      ? "the table for it is full on this switch (%s)"
                      : "the kernel refuses it: %s",
                  strerror(-written));
    }
    return held->error;
}

static bool
is_placed(const struct rule *rule)
{
    return rule->kind == RULE_MIRROR || rule->kind == RULE_HOLD_PORT ||
           (rule->kind == RULE_ISOLATE && rule->isolate.port[0]);
}

void
datapath_rules_forget_seen(struct datapath *datapath)
{
    for (size_t i = 0; i < datapath->rules.count; i++) {
        datapath->rules.items[i]->seen = SEEN_NOT;
    }
}

void
datapath_rules_place(struct datapath *datapath)
{
    static const enum rule_kind placed[] = {RULE_HOLD_PORT, RULE_MIRROR, RULE_ISOLATE};
    for (size_t k = 0; k < COUNT_OF(placed); k++) {
        const struct held_list *list = &datapath->kinds[placed[k]];
        for (size_t i = 0; i < list->count; i++) {
            if (is_placed(&list->items[i]->rule)) {
                (void)held_apply(datapath, list->items[i]); /* told by the next read-back */
            }
        }
    }
    int ports = datapath_ports_write(datapath), config = datapath_config_write(datapath);
    if (ports || config) {
        log_error("datapath", "cannot write ports or configuration into the maps", LOG_END);
    }
}

/* ---- learnt names ---- */

static const struct held *
set_find(const struct datapath *datapath, const char *name, const struct held *but)
{
    const struct held_list *sets = &datapath->kinds[RULE_PERMIT_SET];
    const struct held *found = NULL;
    for (size_t i = 0; i < sets->count; i++) {
        const struct held *held = sets->items[i];
        bool is_it = held != but && strcmp(held->rule.permit_set.name, name) == 0;
        found = is_it && (!found || held->serial > found->serial) ? held : found;
    }
    return found;
}

/* Bits of 'from' as bits of 'to': entries that ask for the same name. */
static uint64_t
bits_translate(const struct permit_set *from, const struct permit_set *to, uint64_t bits)
{
    uint64_t made = 0;
    for (size_t i = 0; i < from->permit_count; i++) {
        for (size_t j = 0; (bits >> i & 1) && j < to->permit_count; j++) {
            bool is_same =
                to->permits[j].name[0] && strcmp(from->permits[i].name, to->permits[j].name) == 0;
            made |= is_same ? 1ull << j : 0;
        }
    }
    return made;
}

/* Calls for every learnt address of one generation (0: all); true: delete it. */
typedef bool learnt_visit(struct datapath *datapath, const struct dp_learnt_key *key,
                          const struct dp_learnt *value, const void *context);

static void
learnt_walk(struct datapath *datapath, uint64_t generation, learnt_visit *visit,
            const void *context)
{
    struct dp_learnt_key key, next;
    int result = maps_next(datapath->maps, MAP_LEARNT, NULL, &next);
    while (result == 0) {
        struct dp_learnt value;
        key = next;
        result = maps_next(datapath->maps, MAP_LEARNT, &key, &next);
        if ((generation && key.generation != generation) ||
            maps_get(datapath->maps, MAP_LEARNT, &key, &value)) {
            continue;
        }
        if (visit(datapath, &key, &value, context) &&
            maps_delete(datapath->maps, MAP_LEARNT, &key)) {
            log_warn("datapath", "a learnt name cannot be deleted", LOG_END);
        }
    }
}

struct carry {
    const struct permit_set *from, *to;
    uint64_t generation;
};

static bool
learnt_carry(struct datapath *datapath, const struct dp_learnt_key *key,
             const struct dp_learnt *value, const void *context)
{
    const struct carry *carry = context;
    const struct dp_learnt_key new_key = {.generation = carry->generation, .ip = key->ip};
    const struct dp_learnt new_value = {.permits =
                                            bits_translate(carry->from, carry->to, value->permits),
                                        .expires_ns = value->expires_ns};
    if (new_value.permits) {
        (void)!maps_put(datapath->maps, MAP_LEARNT, &new_key, &new_value); /* asked again by name */
    }
    return false;
}

static bool
learnt_drop(struct datapath *datapath, const struct dp_learnt_key *key,
            const struct dp_learnt *value, const void *context)
{
    (void)datapath;
    (void)key;
    (void)value;
    (void)context;
    return true;
}

static bool
learnt_is_over(struct datapath *datapath, const struct dp_learnt_key *key,
               const struct dp_learnt *value, const void *context)
{
    (void)datapath;
    (void)key;
    return value->expires_ns < *(const uint64_t *)context;
}

void
datapath_learnt_sweep(struct datapath *datapath)
{
    const uint64_t now = datapath_now_ns();
    learnt_walk(datapath, 0, learnt_is_over, &now);
}

int
datapath_learn_name(struct datapath *datapath, const char *permit_set, size_t index,
                    const struct ip *server, uint32_t ttl_s)
{
    const struct held *set = set_find(datapath, permit_set, NULL);
    struct dp_learnt_key key;
    struct dp_learnt value = {.permits = 0};
    if (!set || index >= set->rule.permit_set.permit_count) {
        return -ENOENT;
    }
    key.generation = compile_tag(set->rule.id);
    memcpy(&key.ip, server->b, sizeof(key.ip));
    if (maps_get(datapath->maps, MAP_LEARNT, &key, &value)) {
        value = (struct dp_learnt){.permits = 0};
    }
    uint64_t until = datapath_now_ns() + (uint64_t)ttl_s * NS_PER_S;
    value.permits |= 1ull << index;
    value.expires_ns = until > value.expires_ns ? until : value.expires_ns;
    int result = maps_put(datapath->maps, MAP_LEARNT, &key, &value);
    if (result == -E2BIG) {
        datapath_learnt_sweep(datapath);
        result = maps_put(datapath->maps, MAP_LEARNT, &key, &value);
    }
    return result;
}

int
datapath_learn_lease(struct datapath *datapath, const struct mac *mac, const struct ip *ip,
                     uint32_t lease_s)
{
    const uint64_t until = datapath_now_ns() + (uint64_t)lease_s * NS_PER_S;
    struct dp_binding binding;
    compile_owner(mac, ip, &binding.owner);
    memcpy(&binding.ip, ip->b, sizeof(binding.ip));
    return maps_put(datapath->maps, MAP_LEASE, &binding, &until);
}

static struct dp_port_mac
held_key(int ifindex, const struct mac *mac)
{
    struct dp_port_mac key = {.ifindex = (uint32_t)ifindex};
    memcpy(key.mac, mac->b, sizeof(key.mac));
    return key;
}

int
datapath_admit_held(struct datapath *datapath, int ifindex, const struct mac *mac)
{
    const struct dp_port_mac key = held_key(ifindex, mac);
    const uint64_t admitted = DP_HELD_ADMITTED;
    return maps_put(datapath->maps, MAP_HELD, &key, &admitted);
}

void
datapath_mac_seen(struct datapath *datapath, const char *port, const struct mac *mac)
{
    const struct held_list *holds = &datapath->kinds[RULE_HOLD_PORT];
    for (size_t i = 0; i < holds->count; i++) {
        const char *held = holds->items[i]->rule.hold_port.port;
        if (strcmp(held, port) != 0) {
            const struct dp_port_mac key = held_key(datapath_ifindex(datapath, held), mac);
            (void)!maps_delete(datapath->maps, MAP_HELD, &key); /* mostly there is none */
        }
    }
}

/* ---- adding and removing ---- */

static int
rule_add(struct datapath *datapath, const struct rule *rule)
{
    struct held *held = datapath_held_find(datapath, rule->id);
    uint64_t expires_ns =
        rule->expires_s ? datapath_now_ns() + (uint64_t)rule->expires_s * NS_PER_S : 0;
    if (held) {
        uint64_t apart = held->expires_ns > expires_ns ? held->expires_ns - expires_ns
                                                       : expires_ns - held->expires_ns;
        held->is_kept = true;
        if (apart <= EXPIRY_SLACK_NS && held->error == 0) {
            return 0;
        }
        held->expires_ns = expires_ns;
        return held_apply(datapath, held);
    }
    held = held_new(datapath, rule);
    held->is_kept = true;
    held->expires_ns = expires_ns;
    if (rule->kind == RULE_HOLD_PORT) {
        cleared_recall(datapath, held);
    }
    const struct held *old =
        rule->kind == RULE_PERMIT_SET ? set_find(datapath, rule->permit_set.name, held) : NULL;
    if (old) {
        const struct carry carry = {.from = &old->rule.permit_set,
                                    .to = &held->rule.permit_set,
                                    .generation = compile_tag(rule->id)};
        learnt_walk(datapath, compile_tag(old->rule.id), learnt_carry, &carry);
    }
    return held_apply(datapath, held);
}

static int
rule_remove(struct datapath *datapath, struct held *held)
{
    const struct map_entries none = {.count = 0};
    int result = claims_set(datapath->want, held->serial, &none);
    if (held->rule.kind == RULE_PERMIT_SET) {
        learnt_walk(datapath, compile_tag(held->rule.id), learnt_drop, NULL);
    }
    slot_release(datapath, held);
    held_free(datapath, held);
    return result;
}

static int
rules_add(struct datapath *datapath, const struct rule *rules, size_t count)
{
    int first = 0;
    for (size_t k = 0; k < COUNT_OF(kind_order); k++) {
        for (size_t i = 0; i < count; i++) {
            int result = rules[i].kind == kind_order[k] ? rule_add(datapath, &rules[i]) : 0;
            first = first ? first : result;
        }
    }
    return first;
}

static void
reports_fill(const struct datapath *datapath, const struct rule *rules, size_t count,
             struct rule_report *reports)
{
    for (size_t i = 0; reports && i < count; i++) {
        const struct held *held = datapath_held_find(datapath, rules[i].id);
        reports[i] = (struct rule_report){.state = !held         ? RULE_ABSENT
                                                   : held->error ? RULE_FAILED
                                                                 : RULE_APPLIED};
        snprintf(reports[i].id, sizeof(reports[i].id), "%s", rules[i].id);
        snprintf(reports[i].why, sizeof(reports[i].why), "%s", held && held->why ? held->why : "");
    }
}

/* What depends on the rules as a whole; then the first error of all. */
static int
change_finish(struct datapath *datapath, int first)
{
    int result = datapath_ports_write(datapath);
    first = first ? first : result;
    result = datapath_config_write(datapath);
    return first ? first : result;
}

int
datapath_set(struct datapath *datapath, const struct rule *rules, size_t count,
             struct rule_report *reports)
{
    for (size_t i = 0; i < datapath->rules.count; i++) {
        datapath->rules.items[i]->is_kept = false;
    }
    int first = rules_add(datapath, rules, count);
    for (size_t i = datapath->rules.count; i-- > 0;) {
        struct held *held = datapath->rules.items[i];
        int result = held->is_kept ? 0 : rule_remove(datapath, held);
        first = first ? first : result;
    }
    int repaired = claims_repair(datapath->want, !datapath->keeps_unknown);
    first = first || repaired >= 0 ? first : repaired;
    first = change_finish(datapath, first);
    reports_fill(datapath, rules, count, reports);
    return first;
}

bool
datapath_has_unknown(const struct datapath *datapath)
{
    static const enum map_id maps[] = {MAP_ISO_MAC, MAP_ISO_IP, MAP_SERVER, MAP_PAIR};
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        if (claims_has_stranger(datapath->want, maps[i]) != 0) {
            return true;
        }
    }
    return false;
}

int
datapath_change(struct datapath *datapath, const struct rule *add, size_t add_count,
                const char (*remove)[RULE_ID_SIZE], size_t remove_count,
                struct rule_report *reports)
{
    int first = rules_add(datapath, add, add_count);
    for (size_t i = 0; i < remove_count; i++) {
        struct held *held = datapath_held_find(datapath, remove[i]);
        int result = held ? rule_remove(datapath, held) : 0;
        first = first ? first : result;
    }
    first = change_finish(datapath, first);
    reports_fill(datapath, add, add_count, reports);
    return first;
}

size_t
datapath_rule_count(const struct datapath *datapath)
{
    return datapath->rules.count;
}

const struct rule *
datapath_rule_at(const struct datapath *datapath, size_t index)
{
    return &datapath->rules.items[index]->rule;
}

size_t
datapath_kind_count(const struct datapath *datapath, enum rule_kind kind)
{
    return datapath->kinds[kind].count;
}

const struct rule *
datapath_kind_at(const struct datapath *datapath, enum rule_kind kind, size_t index)
{
    return &datapath->kinds[kind].items[index]->rule;
}

const struct rule *
datapath_rule_find(const struct datapath *datapath, const char *rule_id)
{
    const struct held *held = datapath_held_find(datapath, rule_id);
    return held ? &held->rule : NULL;
}

bool
datapath_is_refused(const struct datapath *datapath, const char *rule_id)
{
    const struct held *held = datapath_held_find(datapath, rule_id);
    return held && held->error != 0;
}

static const struct held *
isolate_find(const struct datapath *datapath, const struct mac *mac, const struct ip *ip)
{
    const struct held *found = NULL;
    HMAP_FOR_EACH_HASH (held, struct held, of_owner, owner_hash(mac, ip), &datapath->by_owner) {
        const struct rule_isolate *isolate = &held->rule.isolate;
        bool is_its = mac_is_equal(&isolate->mac, mac) &&
                      (!mac_is_none(mac) || ip_is_equal(&isolate->ip, ip));
        found = is_its && (!found || held->serial > found->serial) ? held : found;
    }
    return found;
}

const struct rule *
datapath_isolate_of(const struct datapath *datapath, const struct mac *mac, const struct ip *ip)
{
    static const struct mac none;
    const struct held *held = mac_is_none(mac) ? NULL : isolate_find(datapath, mac, ip);
    if (!held && !ip_is_none(ip)) {
        held = isolate_find(datapath, &none, ip);
    }
    return held ? &held->rule : NULL;
}
