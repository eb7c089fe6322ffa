/* The driver process about one switch: reachable or not, and what it can do. */
#ifndef CORDON_WIRE_DEVICE_H
#define CORDON_WIRE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include "model/addr.h"
#include "model/text.h"
#include "wire/codec.h"

struct wire_device {
    char switch_name[NAME_SIZE];
    char driver[NAME_SIZE];
    bool is_connected;
    char problem[TEXT_SIZE];
    char version[NAME_SIZE];
    uint64_t epoch, generation;
    struct ip mirror_source;
    int64_t skew_us; /* its clock minus ours */
    /* capabilities: data that controller and console use */
    bool matches_mac, matches_ip, stages_everywhere, shows_warning, mirrors, counts_hits, verifies,
        keeps_checkpoints, tells_sum;
    uint32_t rule_room;  /* entries; 0: no limit that matters */
    uint32_t typical_ms; /* how long an apply takes */
};

extern const struct shape wire_device_shape;

#endif
