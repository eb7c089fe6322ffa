/* Endpoints, links and who is protected, as the API shows them.  Plain structs over the model's,
 * filled by controller/ask_*.c; times are RFC 3339 in the API (FIELD_TIME). */
#ifndef CORDON_WIRE_VIEW_ENDPOINT_H
#define CORDON_WIRE_VIEW_ENDPOINT_H

#include "model/endpoint.h"
#include "wire/codec.h"
#include "wire/op.h"

struct view_endpoint {
    struct endpoint model; /* shallow: lists stay the lender's */
    struct mac *macs;
    size_t mac_count;
    struct ip *addresses; /* held now */
    size_t address_count;
    struct location *location; /* NULL: nowhere known */
    char site[NAME_SIZE];
    char containment_id[ID_SIZE];
    char containment_state[NAME_SIZE];
    bool is_protected;
    struct annotation annotation; /* 'version' as shown: see below */
    /* detail only */
    struct endpoint_event *events; /* oldest first */
    size_t event_count;
    char containments[32][ID_SIZE]; /* all about it, newest first */
    size_t containment_count;
    char protected_why[TEXT_SIZE];
};
extern const struct shape view_location_shape;
extern const struct shape view_endpoint_shape;
extern const struct shape view_endpoint_detail_shape;

/* What people say of a machine.  'version' is one more than kept: 1 where nothing was said, so that
 * a writer who has read that can say so. */
struct view_annotation {
    char endpoint_id[ID_SIZE]; /* "": not seen yet */
    struct mac *macs;
    size_t mac_count;
    struct annotation model;
};
extern const struct shape view_annotation_shape;

/* What became of each row of an import. */
enum import_result {
    IMPORT_UNCHANGED,
    IMPORT_CREATED,
    IMPORT_CHANGED,
    IMPORT_REFUSED,
    IMPORT_RESULT_COUNT
};
extern const char *const import_result_names[IMPORT_RESULT_COUNT + 1];
struct view_import_row {
    uint32_t line;
    char mac[HOST_SIZE]; /* as it stood there */
    char endpoint_id[ID_SIZE];
    enum import_result result;
    char why[NAME_SIZE * 2]; /* refused */
};
struct view_import {
    struct view_import_row *rows;
    size_t row_count;
    uint64_t counts[IMPORT_RESULT_COUNT];
    bool is_dry;
};
extern const struct shape view_import_shape;

/* Where switches are drawn; also what is kept of it. */
struct view_map {
    uint32_t version; /* counts changes; 0: nothing was placed by hand */
    struct map_place *places;
    size_t place_count;
    char changed_by[NAME_SIZE];
    int64_t changed_us;
};
extern const struct shape view_map_shape;

extern const struct shape view_link_shape; /* over struct link */

struct view_protection {
    char id[NAME_SIZE];
    int state; /* enum protection_state (controller/ask/inspect.h): same order as the names */
    char endpoint_id[ID_SIZE];
    char host_name[HOST_SIZE];
    struct mac mac;
    struct prefix server;
    char why[TEXT_SIZE];
    char account[NAME_SIZE];
    int64_t since_us;
};
extern const char *const view_protection_state_names[];
extern const struct shape view_protection_shape;

#endif
