#include "store/shapes.h"

#include "store/store.h"

#define AT(type, member) .at = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define TEXT(type, member) {.name = #member, .kind = FIELD_TEXT, .optional = true, AT(type, member)}
#define KEY(type, member) {.name = #member, .kind = FIELD_TEXT, AT(type, member)}
#define INT(type, member) {.name = #member, .kind = FIELD_INT, .optional = true, AT(type, member)}
#define UINT(type, member) {.name = #member, .kind = FIELD_UINT, .optional = true, AT(type, member)}
#define BOOL(type, member) {.name = #member, .kind = FIELD_BOOL, .optional = true, AT(type, member)}
#define ENUM(type, member, table)                                                                  \
    {.name = #member, .kind = FIELD_ENUM, .optional = true, AT(type, member), .names = (table)}
#define MAC(type, member) {.name = #member, .kind = FIELD_MAC, .optional = true, AT(type, member)}
#define IP(type, member) {.name = #member, .kind = FIELD_IP, .optional = true, AT(type, member)}
#define LIST(type, member, counter, most_items, item)                                              \
    {.name = #member, .kind = FIELD_LIST, .optional = true, AT(type, member), .shape = (item),     \
     .count_at = offsetof(type, counter), .max_count = (most_items)}

static const struct field mark_fields[] = {
    KEY(struct mark, step),
    INT(struct mark, at_us),
    TEXT(struct mark, detail),
};
static const struct shape mark_shape = SHAPE("mark", struct mark, mark_fields, NULL);

static const struct field containment_fields[] = {
    KEY(struct containment, id),
    ENUM(struct containment, action, action_names),
    ENUM(struct containment, state, containment_state_names),
    ENUM(struct containment, hold, hold_names),
    TEXT(struct containment, hold_detail),
    INT(struct containment, pending_until_us),
    ENUM(struct containment, pending_action, action_names),
    TEXT(struct containment, endpoint_id),
    MAC(struct containment, subject_mac),
    IP(struct containment, subject_ip),
    {.name = "server", .kind = FIELD_PREFIX, .optional = true, AT(struct containment, server)},
    TEXT(struct containment, server_name),
    TEXT(struct containment, permit_set),
    TEXT(struct containment, incident_id),
    TEXT(struct containment, policy),
    TEXT(struct containment, reason),
    TEXT(struct containment, case_number),
    TEXT(struct containment, requested_by),
    TEXT(struct containment, external_id),
    TEXT(struct containment, ended_by),
    TEXT(struct containment, end_reason),
    INT(struct containment, requested_us),
    INT(struct containment, applied_us),
    INT(struct containment, verified_us),
    INT(struct containment, ended_us),
    INT(struct containment, expires_us),
    UINT(struct containment, version),
    UINT(struct containment, hits),
    TEXT(struct containment, problem),
    LIST(struct containment, marks, mark_count, MARKS_MAX, &mark_shape),
};
const struct shape store_containment_shape =
    SHAPE("containment", struct containment, containment_fields, NULL);

static const struct field incident_fields[] = {
    KEY(struct incident, id),
    TEXT(struct incident, endpoint_id),
    MAC(struct incident, mac),
    IP(struct incident, ip),
    IP(struct incident, server),
    TEXT(struct incident, server_name),
    ENUM(struct incident, phase, phase_names),
    ENUM(struct incident, severity, severity_names),
    UINT(struct incident, confidence),
    ENUM(struct incident, strength, strength_names),
    TEXT(struct incident, summary),
    UINT(struct incident, detection_count),
    INT(struct incident, first_us),
    INT(struct incident, last_us),
    BOOL(struct incident, is_open),
};
const struct shape store_incident_shape =
    SHAPE("incident", struct incident, incident_fields, NULL);

static const struct field location_fields[] = {
    TEXT(struct location, switch_name),
    TEXT(struct location, port),
    UINT(struct location, vlan),
    ENUM(struct location, class, location_class_names),
    UINT(struct location, confidence),
    INT(struct location, since_us),
    INT(struct location, seen_us),
    TEXT(struct location, why),
};
static const struct shape location_shape =
    SHAPE("location", struct location, location_fields, NULL);

static const struct field binding_fields[] = {
    MAC(struct binding, mac),
    IP(struct binding, ip),
    ENUM(struct binding, source, binding_source_names),
    INT(struct binding, from_us),
    INT(struct binding, seen_us),
    INT(struct binding, until_us),
};
static const struct shape binding_shape = SHAPE("binding", struct binding, binding_fields, NULL);

static const struct field event_fields[] = {
    ENUM(struct endpoint_event, kind, endpoint_event_names),
    INT(struct endpoint_event, at_us),
    TEXT(struct endpoint_event, detail),
};
static const struct shape event_shape =
    SHAPE("endpoint_event", struct endpoint_event, event_fields, NULL);

#define IN_ENDPOINT(member_)                                                                       \
    .at = offsetof(struct endpoint_row, endpoint.member_),                                         \
    .size = sizeof(((struct endpoint *)0)->member_)
static const struct field endpoint_fields[] = {
    {.name = "id", .kind = FIELD_TEXT, IN_ENDPOINT(id)},
    {.name = "macs", .kind = FIELD_MACS, .optional = true, AT(struct endpoint_row, macs),
     .count_at = offsetof(struct endpoint_row, mac_count), .max_count = ENDPOINT_MACS_MAX},
    {.name = "host_name", .kind = FIELD_TEXT, .optional = true, IN_ENDPOINT(host_name)},
    {.name = "client_id", .kind = FIELD_TEXT, .optional = true, IN_ENDPOINT(client_id)},
    {.name = "bindings", .kind = FIELD_LIST, .optional = true, IN_ENDPOINT(bindings),
     .shape = &binding_shape, .count_at = offsetof(struct endpoint_row, endpoint.binding_count),
     .max_count = ENDPOINT_BINDINGS_MAX},
    {.name = "location", .kind = FIELD_OBJECT, .optional = true, IN_ENDPOINT(location),
     .shape = &location_shape},
    {.name = "events", .kind = FIELD_LIST, .optional = true, IN_ENDPOINT(events),
     .shape = &event_shape, .count_at = offsetof(struct endpoint_row, endpoint.event_count),
     .max_count = ENDPOINT_EVENTS_MAX},
    {.name = "first_us", .kind = FIELD_INT, .optional = true, IN_ENDPOINT(first_us)},
    {.name = "seen_us", .kind = FIELD_INT, .optional = true, IN_ENDPOINT(seen_us)},
};
const struct shape store_endpoint_shape =
    SHAPE("endpoint", struct endpoint_row, endpoint_fields, NULL);
