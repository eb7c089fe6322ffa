#include "wire/rule.h"

#include <stdio.h>

static const struct field permit_fields[] = {
    F_PREFIX(FIELD_OPTIONAL, struct permit, server),
    F_TEXT(FIELD_OPTIONAL, struct permit, name),
    F_UINT(FIELD_OPTIONAL, struct permit, protocol),
    F_UINT(FIELD_OPTIONAL, struct permit, port_low),
    F_UINT(FIELD_OPTIONAL, struct permit, port_high),
};

static bool
permit_check(const void *thing, char why[128])
{
    const struct permit *permit = thing;
    bool has_server = !prefix_is_none(&permit->server);
    if (has_server == (permit->name[0] != '\0')) {
        snprintf(why, 128, "needs a server or a name, not both");
        return false;
    }
    if (permit->port_low > permit->port_high) {
        snprintf(why, 128, "port_low is above port_high");
        return false;
    }
    return true;
}

static const struct shape permit_shape =
    SHAPE("permit", struct permit, permit_fields, permit_check);

static const struct field permit_set_fields[] = {
    F_TEXT(FIELD_NEEDED, struct permit_set, name),
    F_BOOL(FIELD_OPTIONAL, struct permit_set, allows_dhcp),
    F_BOOL(FIELD_OPTIONAL, struct permit_set, forwards_dns),
    F_IPS(FIELD_OPTIONAL, struct permit_set, dhcp_servers, dhcp_server_count, PERMITS_MAX),
    F_IPS(FIELD_OPTIONAL, struct permit_set, resolvers, resolver_count, PERMITS_MAX),
    F_LIST(FIELD_OPTIONAL, struct permit_set, permits, permit_count, PERMITS_MAX, &permit_shape),
};
const struct shape wire_permit_set_shape =
    SHAPE("permit_set", struct permit_set, permit_set_fields, NULL);

static const struct field isolate_fields[] = {
    F_MAC(FIELD_OPTIONAL, struct rule_isolate, mac),
    F_IP(FIELD_OPTIONAL, struct rule_isolate, ip),
    F_TEXT(FIELD_OPTIONAL, struct rule_isolate, port),
    F_TEXT(FIELD_OPTIONAL, struct rule_isolate, permit_set),
    F_BOOL(FIELD_OPTIONAL, struct rule_isolate, shows_warning),
    F_TEXT(FIELD_OPTIONAL, struct rule_isolate, case_number),
    F_STRING(FIELD_OPTIONAL, struct rule_isolate, reason, TEXT_SIZE - 1),
    F_IPS(FIELD_OPTIONAL, struct rule_isolate, addresses, address_count, RULE_ADDRESSES_MAX),
};

static bool
isolate_check(const void *thing, char why[128])
{
    const struct rule_isolate *rule = thing;
    if (mac_is_none(&rule->mac) != ip_is_none(&rule->ip)) {
        return true;
    }
    snprintf(why, 128, "needs a mac or an ip, not both");
    return false;
}

static const struct shape isolate_shape =
    SHAPE("isolate", struct rule_isolate, isolate_fields, isolate_check);

static const struct field hold_port_fields[] = {
    F_TEXT(FIELD_NEEDED, struct rule_hold_port, port),
    F_TEXT(FIELD_OPTIONAL, struct rule_hold_port, permit_set),
    F_BOOL(FIELD_OPTIONAL, struct rule_hold_port, shows_warning),
    F_TEXT(FIELD_OPTIONAL, struct rule_hold_port, case_number),
    F_MACS(FIELD_OPTIONAL, struct rule_hold_port, known_macs, known_mac_count, RULE_KNOWN_MACS_MAX),
};
static const struct shape hold_port_shape =
    SHAPE("hold_port", struct rule_hold_port, hold_port_fields, NULL);

static const struct field pair_fields[] = {
    F_MAC(FIELD_OPTIONAL, struct rule_pair, mac),
    F_IP(FIELD_OPTIONAL, struct rule_pair, ip),
    F_PREFIX(FIELD_NEEDED, struct rule_pair, server),
};

static bool
pair_check(const void *thing, char why[128])
{
    const struct rule_pair *rule = thing;
    if (mac_is_none(&rule->mac) != ip_is_none(&rule->ip)) {
        return true;
    }
    snprintf(why, 128, "needs a mac or an ip, not both");
    return false;
}

static const struct shape pair_shape =
    SHAPE("block_pair", struct rule_pair, pair_fields, pair_check);

static const struct field server_fields[] = {
    F_PREFIX(FIELD_NEEDED, struct rule_server, server),
};
static const struct shape server_shape =
    SHAPE("block_server", struct rule_server, server_fields, NULL);

static const struct field protect_fields[] = {
    F_MAC(FIELD_OPTIONAL, struct rule_protect, mac),
    F_PREFIX(FIELD_OPTIONAL, struct rule_protect, server),
};
static const struct shape protect_shape =
    SHAPE("protect", struct rule_protect, protect_fields, NULL);

static const struct field filter_fields[] = {
    F_PREFIX(FIELD_OPTIONAL, struct mirror_filter, src),
    F_PREFIX(FIELD_OPTIONAL, struct mirror_filter, dst),
    F_UINT(FIELD_OPTIONAL, struct mirror_filter, protocol),
    F_UINT(FIELD_OPTIONAL, struct mirror_filter, port_low),
    F_UINT(FIELD_OPTIONAL, struct mirror_filter, port_high),
    F_RANGE(FIELD_OPTIONAL, struct mirror_filter, vlan, 0, 4094),
};
static const struct shape filter_shape =
    SHAPE("mirror_filter", struct mirror_filter, filter_fields, NULL);

static const struct field mirror_fields[] = {
    F_ENUM(FIELD_NEEDED, struct rule_mirror, kind, mirror_kind_names),
    F_ENUM(FIELD_OPTIONAL, struct rule_mirror, direction, direction_names),
    F_TEXTS(FIELD_OPTIONAL, struct rule_mirror, ports, offsetof(struct rule_mirror, port_count),
            RULE_PORTS_MAX),
    F_LIST(FIELD_OPTIONAL, struct rule_mirror, filters, filter_count, MIRROR_FILTERS_MAX,
           &filter_shape),
    F_MAC(FIELD_OPTIONAL, struct rule_mirror, mac),
    F_IP(FIELD_OPTIONAL, struct rule_mirror, ip),
    F_ENUM(FIELD_NEEDED, struct rule_mirror, carrier, carrier_names),
    F_TEXT(FIELD_OPTIONAL, struct rule_mirror, out_port),
    F_RANGE(FIELD_OPTIONAL, struct rule_mirror, rspan_vlan, 0, 4094),
    F_IP(FIELD_OPTIONAL, struct rule_mirror, erspan_to),
    F_RANGE(FIELD_OPTIONAL, struct rule_mirror, session, 0, 1023),
    F_UINT(FIELD_OPTIONAL, struct rule_mirror, snap),
    F_UINT(FIELD_OPTIONAL, struct rule_mirror, sample),
    F_UINT(FIELD_OPTIONAL, struct rule_mirror, rate_bit_s),
};

static bool
mirror_check(const void *thing, char why[128])
{
    const struct rule_mirror *mirror = thing;
    bool has_target = mirror->carrier == CARRIER_ERSPAN  ? !ip_is_none(&mirror->erspan_to)
                      : mirror->carrier == CARRIER_RSPAN ? mirror->rspan_vlan != 0
                                                         : mirror->out_port[0] != '\0';
    bool is_good_transit = mirror->kind != MIRROR_TRANSIT ||
                           (mirror->carrier == CARRIER_RSPAN && mirror->out_port[0] != '\0');
    if (!has_target) {
        snprintf(why, 128, "erspan needs erspan_to, rspan rspan_vlan, local out_port");
    } else if (!is_good_transit) {
        snprintf(why, 128, "transit needs carrier rspan, rspan_vlan and out_port");
    }
    return has_target && is_good_transit;
}

const struct shape wire_mirror_shape =
    SHAPE("mirror", struct rule_mirror, mirror_fields, mirror_check);

static const struct field warning_fields[] = {
    F_TEXT(FIELD_NEEDED, struct rule_warning, language),
    F_TEXT(FIELD_NEEDED, struct rule_warning, title),
    F_TEXT(FIELD_NEEDED, struct rule_warning, body),
    F_TEXT(FIELD_OPTIONAL, struct rule_warning, contact),
};
static const struct shape warning_shape =
    SHAPE("warning", struct rule_warning, warning_fields, NULL);

#define TAGGED(field_kind_, name_, member_, shape_, tag_)                                          \
    {                                                                                              \
        .name = (name_), .kind = (field_kind_), .at = offsetof(struct rule, member_),              \
        .shape = (shape_), .is_tagged = true, .tag_at = offsetof(struct rule, kind), .tag = (tag_) \
    }

static const struct field rule_fields[] = {
    F_TEXT(FIELD_NEEDED, struct rule, id),
    F_ENUM(FIELD_NEEDED, struct rule, kind, rule_kind_names),
    F_UINT(FIELD_OPTIONAL, struct rule, expires_s),
    TAGGED(FIELD_OBJECT, "isolate", isolate, &isolate_shape, RULE_ISOLATE),
    TAGGED(FIELD_OBJECT, "hold_port", hold_port, &hold_port_shape, RULE_HOLD_PORT),
    TAGGED(FIELD_OBJECT, "block_pair", pair, &pair_shape, RULE_BLOCK_PAIR),
    TAGGED(FIELD_OBJECT, "block_server", server, &server_shape, RULE_BLOCK_SERVER),
    TAGGED(FIELD_OBJECT, "permit_set", permit_set, &wire_permit_set_shape, RULE_PERMIT_SET),
    TAGGED(FIELD_OBJECT, "protect", protect, &protect_shape, RULE_PROTECT),
    TAGGED(FIELD_POINTER, "mirror", mirror, &wire_mirror_shape, RULE_MIRROR),
    TAGGED(FIELD_POINTER, "warning", warning, &warning_shape, RULE_WARNING),
};

/* A declared detailed mirror is a session without a subject; as a rule it has one. */
static bool
rule_check(const void *thing, char why[128])
{
    const struct rule *rule = thing;
    bool is_good = rule->kind != RULE_MIRROR || !rule->mirror ||
                   rule->mirror->kind != MIRROR_DETAILED || !mac_is_none(&rule->mirror->mac) ||
                   !ip_is_none(&rule->mirror->ip);
    if (!is_good) {
        snprintf(why, 128, "a detailed mirror needs a mac or an ip");
    }
    return is_good;
}

const struct shape wire_rule_shape = SHAPE("rule", struct rule, rule_fields, rule_check);

static const struct field report_fields[] = {
    F_TEXT(FIELD_NEEDED, struct rule_report, id),
    F_ENUM(FIELD_NEEDED, struct rule_report, state, rule_state_names),
    F_TEXT(FIELD_OPTIONAL, struct rule_report, why),
    F_UINT(FIELD_OPTIONAL, struct rule_report, hits),
};

const struct shape wire_rule_report_shape =
    SHAPE("rule_report", struct rule_report, report_fields, NULL);
