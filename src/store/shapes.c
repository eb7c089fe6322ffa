#include "store/shapes.h"

#include "store/store.h"

#define OPT FIELD_OPTIONAL
#define NEED FIELD_NEEDED

static const struct field mark_fields[] = {
    F_TEXT(NEED, struct mark, step),
    F_INT(OPT, struct mark, at_us),
    F_STRING(OPT, struct mark, detail, TEXT_SIZE - 1),
};
static const struct shape mark_shape = SHAPE("mark", struct mark, mark_fields, NULL);

static const struct field containment_fields[] = {
    F_TEXT(NEED, struct containment, id),
    F_ENUM(OPT, struct containment, action, action_names),
    F_ENUM(OPT, struct containment, state, containment_state_names),
    F_ENUM(OPT, struct containment, hold, hold_names),
    F_STRING(OPT, struct containment, hold_detail, TEXT_SIZE - 1),
    F_STRING(OPT, struct containment, refused, TEXT_SIZE - 1),
    F_INT(OPT, struct containment, refused_us),
    F_INT(OPT, struct containment, pending_until_us),
    F_ENUM(OPT, struct containment, pending_action, action_names),
    F_TEXT(OPT, struct containment, endpoint_id),
    F_MAC(OPT, struct containment, subject_mac),
    F_IP(OPT, struct containment, subject_ip),
    F_TEXT(OPT, struct containment, site),
    F_PREFIX(OPT, struct containment, server),
    F_STRING(OPT, struct containment, server_name, HOST_SIZE - 1),
    F_TEXT(OPT, struct containment, permit_set),
    F_TEXT(OPT, struct containment, incident_id),
    F_TEXT(OPT, struct containment, policy),
    F_STRING(OPT, struct containment, reason, TEXT_SIZE - 1),
    F_TEXT(OPT, struct containment, case_number),
    F_TEXT(OPT, struct containment, requested_by),
    F_STRING(OPT, struct containment, external_id, NAME_SIZE - 1),
    F_STRING(OPT, struct containment, ended_by, NAME_SIZE - 1),
    F_STRING(OPT, struct containment, end_reason, TEXT_SIZE - 1),
    F_INT(OPT, struct containment, requested_us),
    F_INT(OPT, struct containment, applied_us),
    F_INT(OPT, struct containment, verified_us),
    F_INT(OPT, struct containment, ended_us),
    F_INT(OPT, struct containment, expires_us),
    F_UINT(OPT, struct containment, version),
    F_UINT(OPT, struct containment, hits),
    F_STRING(OPT, struct containment, problem, TEXT_SIZE - 1),
    F_STRING(OPT, struct containment, unproven, NAME_SIZE - 1),
    F_LIST(OPT, struct containment, marks, mark_count, MARKS_MAX, &mark_shape),
};
const struct shape store_containment_shape =
    SHAPE("containment", struct containment, containment_fields, NULL);

static const struct field incident_fields[] = {
    F_TEXT(NEED, struct incident, id),
    F_TEXT(OPT, struct incident, endpoint_id),
    F_MAC(OPT, struct incident, mac),
    F_IP(OPT, struct incident, ip),
    F_TEXT(OPT, struct incident, site),
    F_IP(OPT, struct incident, server),
    F_TEXT(OPT, struct incident, server_name),
    F_ENUM(OPT, struct incident, phase, phase_names),
    F_ENUM(OPT, struct incident, severity, severity_names),
    F_UINT(OPT, struct incident, confidence),
    F_ENUM(OPT, struct incident, strength, strength_names),
    F_TEXT(OPT, struct incident, summary),
    F_UINT(OPT, struct incident, detection_count),
    F_INT(OPT, struct incident, first_us),
    F_INT(OPT, struct incident, last_us),
    F_BOOL(OPT, struct incident, is_open),
};
const struct shape store_incident_shape = SHAPE("incident", struct incident, incident_fields, NULL);

static const struct field location_fields[] = {
    F_STRING(OPT, struct location, switch_name, NAME_SIZE - 1),
    F_STRING(OPT, struct location, port, NAME_SIZE - 1),
    F_UINT(OPT, struct location, vlan),
    F_ENUM(OPT, struct location, class, location_class_names),
    F_UINT(OPT, struct location, confidence),
    F_INT(OPT, struct location, since_us),
    F_INT(OPT, struct location, seen_us),
    F_STRING(OPT, struct location, why, TEXT_SIZE - 1),
};
static const struct shape location_shape =
    SHAPE("location", struct location, location_fields, NULL);

static const struct field binding_fields[] = {
    F_MAC(OPT, struct binding, mac),
    F_IP(OPT, struct binding, ip),
    F_ENUM(OPT, struct binding, source, binding_source_names),
    F_INT(OPT, struct binding, from_us),
    F_INT(OPT, struct binding, seen_us),
    F_INT(OPT, struct binding, until_us),
    F_INT(OPT, struct binding, lease_until_us),
    F_STRING(OPT, struct binding, site, NAME_SIZE - 1),
};
static const struct shape binding_shape = SHAPE("binding", struct binding, binding_fields, NULL);

static const struct field event_fields[] = {
    F_ENUM(OPT, struct endpoint_event, kind, endpoint_event_names),
    F_INT(OPT, struct endpoint_event, at_us),
    F_STRING(OPT, struct endpoint_event, detail, TEXT_SIZE - 1),
};
static const struct shape event_shape =
    SHAPE("endpoint_event", struct endpoint_event, event_fields, NULL);

#define IN_RECORD(member_)                                                                         \
    .at = offsetof(struct endpoint_row, record.member_),                                           \
    .size = sizeof(((struct endpoint_record *)0)->member_)
static const struct field endpoint_fields[] = {
    {.name = "id", .kind = FIELD_TEXT, IN_RECORD(endpoint.id)},
    F_MACS(OPT, struct endpoint_row, macs, mac_count, ENDPOINT_MACS_MAX),
    {.name = "host_name",
     .kind = FIELD_STRING,
     .optional = true,
     IN_RECORD(endpoint.host_name),
     .max_count = HOST_SIZE - 1},
    {.name = "client_id",
     .kind = FIELD_STRING,
     .optional = true,
     IN_RECORD(endpoint.client_id),
     .max_count = HOST_SIZE - 1},
    {.name = "bindings",
     .kind = FIELD_LIST,
     .optional = true,
     IN_RECORD(endpoint.bindings),
     .shape = &binding_shape,
     .count_at = offsetof(struct endpoint_row, record.endpoint.binding_count),
     .max_count = ENDPOINT_BINDINGS_MAX},
    {.name = "location",
     .kind = FIELD_OBJECT,
     .optional = true,
     IN_RECORD(endpoint.location),
     .shape = &location_shape},
    {.name = "events",
     .kind = FIELD_LIST,
     .optional = true,
     IN_RECORD(events),
     .shape = &event_shape,
     .count_at = offsetof(struct endpoint_row, record.event_count),
     .max_count = ENDPOINT_EVENTS_MAX},
    {.name = "first_us", .kind = FIELD_INT, .optional = true, IN_RECORD(endpoint.first_us)},
    {.name = "seen_us", .kind = FIELD_INT, .optional = true, IN_RECORD(endpoint.seen_us)},
    {.name = "clock_us", .kind = FIELD_INT, .optional = true, IN_RECORD(clock_us)},
    {.name = "clock_boot", .kind = FIELD_UINT, .optional = true, IN_RECORD(clock_boot)},
};
const struct shape store_endpoint_shape =
    SHAPE("endpoint", struct endpoint_row, endpoint_fields, NULL);

static const struct field annotation_fields[] = {
    F_ENUM(OPT, struct annotation, class, endpoint_class_names),
    F_TEXTS(OPT, struct annotation, tags, offsetof(struct annotation, tag_count),
            ANNOTATION_TAGS_MAX),
    F_TEXT(OPT, struct annotation, note),
    F_TEXT(OPT, struct annotation, owner),
    F_TEXT(OPT, struct annotation, owner_email),
    F_UINT(OPT, struct annotation, version),
    F_INT(OPT, struct annotation, changed_us),
    F_TEXT(OPT, struct annotation, changed_by),
    F_BOOL(OPT, struct annotation, is_inherited),
};
const struct shape store_annotation_shape =
    SHAPE("annotation", struct annotation, annotation_fields, NULL);

static const struct field certificate_fields[] = {
    F_TEXT(NEED, struct certificate, serial),
    F_TEXT(NEED, struct certificate, name),
    F_ENUM(OPT, struct certificate, role, device_role_names),
    F_TEXT(OPT, struct certificate, fingerprint),
    F_ENUM(OPT, struct certificate, origin, certificate_origin_names),
    F_ENUM(OPT, struct certificate, state, certificate_state_names),
    F_INT(OPT, struct certificate, issued_us),
    F_INT(OPT, struct certificate, expires_us),
    F_INT(OPT, struct certificate, seen_us),
    F_TEXT(OPT, struct certificate, from),
    F_INT(OPT, struct certificate, ended_us),
    F_TEXT(OPT, struct certificate, ended_by),
    F_TEXT(OPT, struct certificate, reason),
};
const struct shape store_certificate_shape =
    SHAPE("certificate", struct certificate, certificate_fields, NULL);

static const struct field enrolment_fields[] = {
    F_TEXT(NEED, struct enrolment, id),
    F_TEXT(NEED, struct enrolment, name),
    F_ENUM(OPT, struct enrolment, role, device_role_names),
    F_TEXT(OPT, struct enrolment, hash),
    F_INT(OPT, struct enrolment, made_us),
    F_INT(OPT, struct enrolment, expires_us),
    F_TEXT(OPT, struct enrolment, made_by),
    F_INT(OPT, struct enrolment, used_us),
    F_INT(OPT, struct enrolment, withdrawn_us),
    F_TEXT(OPT, struct enrolment, key),
    F_TEXT(OPT, struct enrolment, serial),
    F_TEXT(OPT, struct enrolment, from),
    F_BYTES(OPT, struct enrolment, der, der_size, CERTIFICATE_DER_MAX),
};
const struct shape store_enrolment_shape =
    SHAPE("enrolment", struct enrolment, enrolment_fields, NULL);
