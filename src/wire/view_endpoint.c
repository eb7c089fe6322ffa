#include "wire/view_endpoint.h"

#include "wire/view_field.h"

static const struct field location_fields[] = {
    ROW_STRING(struct location, switch_name, "switch", NAME_SIZE - 1, "name of the switch"),
    ROW_STRING(struct location, port, "port", NAME_SIZE - 1, "the switch's name of the port"),
    ROW_OPT(struct location, vlan, "vlan", FIELD_UINT, "VLAN id"),
    ROW_ENUM(struct location, class, "class", false, location_class_names,
             "direct: the only MAC on an access port; shared: several; conflict: seen twice"),
    ROW_OPT(struct location, confidence, "confidence", FIELD_UINT, "0 to 100"),
    ROW_OPT(struct location, since_us, "since", FIELD_TIME, "there since"),
    ROW_OPT(struct location, seen_us, "seen", FIELD_TIME, "last confirmed"),
    ROW_OPT_STRING(struct location, why, "why", TEXT_SIZE - 1, "place.",
                   "why we think that it is there"),
};
const struct shape view_location_shape = SHAPE("Location", struct location, location_fields, NULL);

static const struct field binding_fields[] = {
    ROW(struct binding, mac, "mac", FIELD_MAC, "MAC address"),
    ROW(struct binding, ip, "ip", FIELD_IP, "address that it used"),
    ROW_ENUM(struct binding, source, "source", false, binding_source_names, "how it was learnt"),
    ROW(struct binding, from_us, "from", FIELD_TIME, "held since"),
    ROW(struct binding, seen_us, "seen", FIELD_TIME, "last confirmed"),
    ROW_OPT(struct binding, until_us, "until", FIELD_TIME, "held until; absent: still held"),
    ROW_OPT_STRING(struct binding, site, "site", NAME_SIZE - 1, NULL,
                   "whose address it is; absent: of those without addresses of their own"),
};
static const struct shape binding_shape = SHAPE("Binding", struct binding, binding_fields, NULL);

static const struct field event_fields[] = {
    ROW_ENUM(struct endpoint_event, kind, "kind", false, endpoint_event_names, "what happened"),
    ROW(struct endpoint_event, at_us, "at", FIELD_TIME, "when"),
    ROW_OPT_STRING(struct endpoint_event, detail, "detail", TEXT_SIZE - 1, "", "in words"),
};
static const struct shape event_shape =
    SHAPE("EndpointEvent", struct endpoint_event, event_fields, NULL);

/* 'at' leads to a struct annotation. */
#define ANNOTATION_ROWS(type, at)                                                                  \
    ROW_ENUM(type, at class, "class", false, endpoint_class_names, "what kind of machine it is"),  \
        ROW_TEXTS(type, at tags, at tag_count, "tags", "words that people gave it"),               \
        ROW_OPT(type, at note, "note", FIELD_TEXT, "what people should know of it"),               \
        ROW_OPT(type, at owner, "owner", FIELD_TEXT, "whose it is"),                               \
        ROW_OPT(type, at owner_email, "owner_email", FIELD_TEXT,                                   \
                "where the owner is told; not shown to viewers"),                                  \
        ROW(type, at version, "annotation_version", FIELD_UINT,                                    \
            "of class, tags, note and owner; 1: nobody said anything"),                            \
        ROW_OPT(type, at changed_us, "annotated", FIELD_TIME, "when that was said"),               \
        ROW_OPT(type, at changed_by, "annotated_by", FIELD_TEXT, "who said it")

#define ENDPOINT_ROWS                                                                              \
    ROW(struct view_endpoint, model.id, "id", FIELD_TEXT, "id of the machine"),                    \
        ROW_LIST(struct view_endpoint, macs, mac_count, "macs", FIELD_MACS, NULL,                  \
                 ENDPOINT_MACS_MAX, "its MAC addresses, newest first"),                            \
        ROW_LIST(struct view_endpoint, addresses, address_count, "addresses", FIELD_IPS, NULL,     \
                 ENDPOINT_BINDINGS_MAX, "IPv4 and IPv6 addresses that it holds now"),              \
        ROW_OPT_STRING(struct view_endpoint, model.host_name, "host_name", HOST_SIZE - 1, NULL,    \
                       "as it calls itself in DHCP"),                                              \
        ROW_SUB(struct view_endpoint, location, "location", FIELD_POINTER, &view_location_shape,   \
                "where it is attached; absent: unknown"),                                          \
        ROW_OPT(struct view_endpoint, site, "site", FIELD_TEXT,                                    \
                "the site of that; absent: not known, or there is only one"),                      \
        ROW_OPT(struct view_endpoint, model.first_us, "first_seen", FIELD_TIME, "first seen"),     \
        ROW_OPT(struct view_endpoint, model.seen_us, "last_seen", FIELD_TIME, "last seen"),        \
        ROW_OPT(struct view_endpoint, containment_id, "containment_id", FIELD_TEXT,                \
                "the containment in force on it"),                                                 \
        ROW_OPT(struct view_endpoint, containment_state, "containment_state", FIELD_TEXT,          \
                "that containment's state"),                                                       \
        ROW(struct view_endpoint, is_protected, "protected", FIELD_BOOL,                           \
            "may never be contained"),                                                             \
        ANNOTATION_ROWS(struct view_endpoint, annotation.)

static const struct field endpoint_fields[] = {ENDPOINT_ROWS};
const struct shape view_endpoint_shape =
    SHAPE("Endpoint", struct view_endpoint, endpoint_fields, NULL);

static const struct field detail_fields[] = {
    ENDPOINT_ROWS,
    ROW_OPT_STRING(struct view_endpoint, model.client_id, "client_id", HOST_SIZE - 1, NULL,
                   "DHCP client id or DUID: joins MACs strongly"),
    ROW_LIST(struct view_endpoint, model.bindings, model.binding_count, "bindings", FIELD_LIST,
             &binding_shape, ENDPOINT_BINDINGS_MAX, "addresses over time"),
    ROW_LIST(struct view_endpoint, events, event_count, "events", FIELD_LIST, &event_shape,
             ENDPOINT_EVENTS_MAX, "moves, MACs and addresses, oldest first"),
    ROW_TEXTS(struct view_endpoint, containments, containment_count, "containments",
              "ids of the containments about it, newest first"),
    ROW_OPT_SAID(struct view_endpoint, protected_why, "protected_why", "hold.protected",
                 "why it is protected"),
};
const struct shape view_endpoint_detail_shape =
    SHAPE("EndpointDetail", struct view_endpoint, detail_fields, NULL);

static const struct field annotation_fields[] = {
    ROW_OPT(struct view_annotation, endpoint_id, "endpoint_id", FIELD_TEXT,
            "the endpoint; absent: not seen yet"),
    ROW_LIST(struct view_annotation, macs, mac_count, "macs", FIELD_MACS, NULL, ENDPOINT_MACS_MAX,
             "MAC addresses of the machine"),
    ANNOTATION_ROWS(struct view_annotation, model.),
};
const struct shape view_annotation_shape =
    SHAPE("Annotation", struct view_annotation, annotation_fields, NULL);

const char *const import_result_names[IMPORT_RESULT_COUNT + 1] = {"unchanged", "created", "changed",
                                                                  "refused", NULL};

static const struct field import_row_fields[] = {
    ROW(struct view_import_row, line, "line", FIELD_UINT, "of the file"),
    ROW(struct view_import_row, mac, "mac", FIELD_TEXT, "as it stood there"),
    ROW_OPT(struct view_import_row, endpoint_id, "endpoint_id", FIELD_TEXT,
            "whose MAC it is; absent: not seen yet"),
    ROW_ENUM(struct view_import_row, result, "result", false, import_result_names,
             "what became of it, or would"),
    ROW_OPT(struct view_import_row, why, "why", FIELD_TEXT, "refused: what to correct"),
};
static const struct shape import_row_shape =
    SHAPE("ImportedRow", struct view_import_row, import_row_fields, NULL);
static const struct field import_fields[] = {
    ROW_LIST(struct view_import, rows, row_count, "rows", FIELD_LIST, &import_row_shape,
             IMPORT_ROWS_MAX, "one per row asked, in that order"),
    ROW(struct view_import, counts[IMPORT_UNCHANGED], "unchanged", FIELD_UINT, "how many"),
    ROW(struct view_import, counts[IMPORT_CREATED], "created", FIELD_UINT,
        "how many of which nothing was said before"),
    ROW(struct view_import, counts[IMPORT_CHANGED], "changed", FIELD_UINT, "how many"),
    ROW(struct view_import, counts[IMPORT_REFUSED], "refused", FIELD_UINT, "how many"),
    ROW(struct view_import, is_dry, "dry_run", FIELD_BOOL, "nothing was done"),
};
const struct shape view_import_shape = SHAPE("Import", struct view_import, import_fields, NULL);

static const struct field map_fields[] = {
    ROW(struct view_map, version, "version", FIELD_UINT,
        "counts changes; 0: nothing was placed yet"),
    ROW_LIST(struct view_map, places, place_count, "places", FIELD_LIST, &map_place_shape,
             MAP_PLACES_MAX, "where switches are drawn; others find a place beside them"),
    ROW_OPT(struct view_map, changed_by, "changed_by", FIELD_TEXT, "who changed it last"),
    ROW_OPT(struct view_map, changed_us, "changed", FIELD_TIME, "when"),
};
const struct shape view_map_shape = SHAPE("Map", struct view_map, map_fields, NULL);

static const struct field end_fields[] = {
    ROW(struct link_end, switch_name, "switch", FIELD_TEXT, "name of the switch"),
    ROW(struct link_end, port, "port", FIELD_TEXT, "port"),
};
static const struct shape end_shape = SHAPE("LinkEnd", struct link_end, end_fields, NULL);

static const struct field link_fields[] = {
    ROW_SUB(struct link, a, "a", FIELD_OBJECT, &end_shape, "one end"),
    ROW_SUB(struct link, b, "b", FIELD_OBJECT, &end_shape, "the other end"),
    ROW(struct link, is_confirmed, "confirmed", FIELD_BOOL, 
        "both ends report it, and one of them is no access or server port"),
    ROW_OPT(struct link, since_us, "since", FIELD_TIME, "known since"),
    ROW_OPT(struct link, seen_us, "seen", FIELD_TIME, "last confirmed"),
};
const struct shape view_link_shape = SHAPE("Link", struct link, link_fields, NULL);

const char *const view_protection_state_names[] = {"proposed", "confirmed", "declared", NULL};

static const struct field protection_fields[] = {
    ROW(struct view_protection, id, "id", FIELD_TEXT, "for confirm and remove"),
    ROW_ENUM(struct view_protection, state, "state", false, view_protection_state_names,
             "proposed ones protect nobody until a person confirms"),
    ROW_OPT(struct view_protection, endpoint_id, "endpoint_id", FIELD_TEXT, "the endpoint"),
    ROW_OPT(struct view_protection, host_name, "host_name", FIELD_TEXT, "its host name"),
    ROW_OPT(struct view_protection, mac, "mac", FIELD_MAC, "protected MAC"),
    ROW_OPT(struct view_protection, server, "address", FIELD_PREFIX, "protected address or prefix"),
    ROW_OPT_SAID(struct view_protection, why, "why", "hold.protected", "what it was seen to do"),
    ROW_OPT(struct view_protection, account, "account", FIELD_TEXT, "who confirmed it"),
    ROW_OPT(struct view_protection, since_us, "since", FIELD_TIME, "since when"),
};
const struct shape view_protection_shape =
    SHAPE("Protection", struct view_protection, protection_fields, NULL);
