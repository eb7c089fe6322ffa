/* Switches, mirrors, sensors and intake sources as the API shows them. */
#ifndef CORDON_WIRE_VIEW_SWITCH_H
#define CORDON_WIRE_VIEW_SWITCH_H

#include "model/fact.h"
#include "model/rule.h"
#include "wire/codec.h"
#include "wire/device.h"
#include "wire/edge_stats.h"
#include "wire/sensor_stats.h"
#include "wire/source_stats.h"

struct view_port {
    char name[NAME_SIZE];
    uint32_t number;
    enum port_role role;
    bool is_up;
    uint64_t mac_count;
};
#define VIEW_PORTS_MAX 512

struct view_switch {
    struct wire_device device;
    char state[NAME_SIZE]; /* "good", "unverified", "disconnected" */
    char site[NAME_SIZE];
    uint64_t desired_generation, observed_generation;
    int64_t seen_us, read_back_us;
    uint64_t rule_count, missing_count;
    char problem[TEXT_SIZE];
    /* detail only */
    struct view_port *ports;
    size_t port_count;
    struct wire_counter *counters;
    size_t counter_count;
    char problems[16][TEXT_SIZE];
    size_t problem_count;
    int64_t stats_us;
};
extern const struct shape view_switch_shape;
extern const struct shape view_switch_detail_shape;

struct view_mirror {
    char switch_name[NAME_SIZE];
    struct rule_mirror model;     /* shallow */
    char containment_id[ID_SIZE]; /* a detailed one that a containment asked for */
    char endpoint_id[ID_SIZE];
    char requested_by[NAME_SIZE];
    char reason[TEXT_SIZE];
    int64_t expires_us;
    uint64_t copied; /* by the switch's own count */
    /* as the sensors see it arrive */
    uint64_t packets, bytes, lost, flows, forward_only;
    int64_t last_us;
};
extern const struct shape view_mirror_shape;

struct view_sensor {
    char name[NAME_SIZE];
    char version[NAME_SIZE];
    char state[NAME_SIZE]; /* "good", "silent" */
    int64_t seen_us;
    int64_t skew_us;
    struct wire_sensor_stats stats; /* shallow */
};
extern const struct shape view_sensor_shape;

extern const struct shape view_source_shape; /* over struct wire_source */

#endif
