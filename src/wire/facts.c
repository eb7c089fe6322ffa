#include "wire/facts.h"

static const struct field fact_fields[] = {
    F_ENUM(FIELD_NEEDED, struct fact, kind, fact_kind_names),
    F_INT(FIELD_NEEDED, struct fact, seen_us),
    F_TEXT(FIELD_OPTIONAL, struct fact, port),
    F_UINT(FIELD_OPTIONAL, struct fact, port_number),
    F_ENUM(FIELD_OPTIONAL, struct fact, role, port_role_names),
    F_BOOL(FIELD_OPTIONAL, struct fact, is_up),
    F_RANGE(FIELD_OPTIONAL, struct fact, vlan, 0, 4095),
    F_MAC(FIELD_OPTIONAL, struct fact, mac),
    F_MAC(FIELD_OPTIONAL, struct fact, bridge_mac),
    F_IP(FIELD_OPTIONAL, struct fact, ip),
    F_ENUM(FIELD_OPTIONAL, struct fact, source, binding_source_names),
    F_TEXT(FIELD_OPTIONAL, struct fact, client_id),
    F_TEXT(FIELD_OPTIONAL, struct fact, host_name),
    F_UINT(FIELD_OPTIONAL, struct fact, lease_s),
    F_TEXT(FIELD_OPTIONAL, struct fact, neighbour_name),
    F_TEXT(FIELD_OPTIONAL, struct fact, neighbour_chassis),
    F_TEXT(FIELD_OPTIONAL, struct fact, neighbour_port),
    F_BOOL(FIELD_OPTIONAL, struct fact, neighbour_is_bridge),
    F_ENUM(FIELD_OPTIONAL, struct fact, host_role, host_role_names),
};
static const struct shape fact_shape = SHAPE("fact", struct fact, fact_fields, NULL);

static const struct field facts_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_facts, switch_name),
    F_UINT(FIELD_NEEDED, struct wire_facts, sequence),
    F_BOOL(FIELD_OPTIONAL, struct wire_facts, is_full),
    F_BOOL(FIELD_OPTIONAL, struct wire_facts, is_last),
    F_INT(FIELD_OPTIONAL, struct wire_facts, wall_us),
    F_LIST(FIELD_OPTIONAL, struct wire_facts, facts, fact_count, FACTS_MAX, &fact_shape),
};

const struct shape wire_facts_shape = SHAPE("facts", struct wire_facts, facts_fields, NULL);
