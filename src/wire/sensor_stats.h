/* A sensor's counters, every ten seconds: also the proof that it lives and that traffic arrives. */
#ifndef CORDON_WIRE_SENSOR_STATS_H
#define CORDON_WIRE_SENSOR_STATS_H

#include <stddef.h>
#include <stdint.h>
#include "model/addr.h"
#include "model/text.h"
#include "wire/codec.h"

/* One mirror as it arrives: which switch and session, how much, whether both directions. */
struct wire_mirror_seen {
    struct ip switch_ip; /* none: the local interface */
    uint16_t session;
    uint64_t packets, bytes;
    uint64_t lost;         /* gaps in the ERSPAN sequence */
    uint64_t forward_only; /* flows of which only one direction was ever seen */
    uint64_t flows;
    int64_t last_us;
};
struct wire_network_seen { /* a /24 or /64 of which traffic was seen */
    struct prefix network;
    uint64_t packets;
    int64_t last_us;
};
#define MIRRORS_SEEN_MAX 256
#define NETWORKS_SEEN_MAX 1024
struct wire_sensor_stats {
    char sensor[NAME_SIZE];
    int64_t at_us;
    uint64_t packets, bytes, kernel_drops, duplicates, flows, flows_refused, undecoded;
    uint64_t stream_bytes_skipped, detections, spooled;
    uint64_t indicators;              /* entries on the reputation lists */
    struct wire_mirror_seen *mirrors; /* owned */
    size_t mirror_count;
    struct wire_network_seen *networks; /* owned */
    size_t network_count;
};

extern const struct shape wire_sensor_stats_shape;

#endif
