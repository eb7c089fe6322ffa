/* Endpoints, links and who is protected, as the API shows them.  Plain structs over the model's,
 * filled by controller/ask_*.c; times are RFC 3339 in the API (FIELD_TIME). */
#ifndef CORDON_WIRE_VIEW_ENDPOINT_H
#define CORDON_WIRE_VIEW_ENDPOINT_H

#include "model/endpoint.h"
#include "wire/codec.h"

struct view_endpoint {
    struct endpoint model; /* shallow: lists stay the lender's */
    struct mac *macs;
    size_t mac_count;
    struct ip *addresses; /* held now */
    size_t address_count;
    struct location *location; /* NULL: nowhere known */
    char containment_id[ID_SIZE];
    char containment_state[NAME_SIZE];
    bool is_protected;
    struct annotation annotation; /* 'version' as shown: see below */
    /* detail only */
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

extern const struct shape view_link_shape; /* over struct link */

struct view_protection {
    char id[NAME_SIZE];
    int state; /* enum protection_state (controller/inspect.h): same order as the names */
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
