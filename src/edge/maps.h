/* The BPF object with its maps: loaded once, maps pinned in a bpffs of our own under
 * PIN_DIR/bpf, so that a restart takes them over with everything in them.
 *
 * Callers name maps by enum and see plain keys and values (bpf/shared.h). */
#ifndef CORDON_EDGE_MAPS_H
#define CORDON_EDGE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "edge/bpf/shared.h"

/* id, name in the object, key, value, bytes of the value that are ours (what the kernel side writes
 * stands last), and whether the rules alone say what is in it. */
#define MAPS(X)                                                                                    \
    X(CONFIG, config, __u32, struct dp_config, sizeof(struct dp_config), false)                    \
    X(PORTS, ports, __u32, struct dp_port, sizeof(struct dp_port), false)                          \
    X(PORT_STATE, port_state, __u32, struct dp_port_state, 0, false)                               \
    X(SCREEN, screen, __u32, __u64, sizeof(__u64), false)                                          \
    X(MET, met, __u32, __u64, 0, false)                                                            \
    X(ISO_MAC, iso_mac, struct dp_mac, struct dp_isolate, offsetof(struct dp_isolate, hits), true) \
    X(ISO_IP, iso_ip, struct dp_ip, struct dp_isolate, offsetof(struct dp_isolate, hits), true)    \
    X(ISO_PORT, iso_port, struct dp_port_mac, struct dp_isolate,                                   \
      offsetof(struct dp_isolate, hits), true)                                                     \
    X(BINDING, binding, struct dp_binding, __u64, sizeof(__u64), true)                             \
    X(LEASE, lease, struct dp_binding, __u64, sizeof(__u64), false)                                \
    X(HOLD, hold, __u32, struct dp_isolate, offsetof(struct dp_isolate, hits), true)               \
    X(KNOWN, known, struct dp_port_mac, __u64, sizeof(__u64), true)                                \
    X(HELD, held, struct dp_port_mac, __u64, 0, false)                                             \
    X(SET, set, __u64, struct dp_set, sizeof(struct dp_set), true)                                 \
    X(LEARNT, learnt, struct dp_learnt_key, struct dp_learnt, sizeof(struct dp_learnt), false)     \
    X(GATEWAY, gateway, struct dp_ip, __u64, 0, false)                                             \
    X(QUERY, query, struct dp_query, __u64, 0, false)                                              \
    X(FRAGMENT, fragment, struct dp_fragment, __u64, 0, false)                                     \
    X(BUCKET, bucket, struct dp_mac, struct dp_bucket, 0, false)                                   \
    X(SERVER, server, struct dp_prefix, struct dp_block, offsetof(struct dp_block, hits), true)    \
    X(PAIR, pair, struct dp_pair, struct dp_block, offsetof(struct dp_block, hits), true)          \
    X(PROTECT_IP, protect_ip, struct dp_prefix, struct dp_protect, sizeof(struct dp_protect),      \
      true)                                                                                        \
    X(PROTECT_MAC, protect_mac, struct dp_mac, struct dp_protect, sizeof(struct dp_protect), true) \
    X(SESSION, session, __u32, struct dp_session, sizeof(struct dp_session), true)                 \
    X(SESS_STATE, sess_state, __u32, struct dp_session_state, 0, false)                            \
    X(FILTERS, filters, __u32, struct dp_filters, sizeof(struct dp_filters), true)                 \
    X(WATCH, watch, struct dp_owner, struct dp_watch, offsetof(struct dp_watch, is_elsewhere),     \
      true)                                                                                        \
    X(BUDGET, budget, __u32, struct dp_budget, offsetof(struct dp_budget, tokens), true)           \
    X(RSPAN, rspan, __u32, struct dp_rspan, sizeof(struct dp_rspan), true)                         \
    X(SENSOR, sensor, struct dp_ip, __u64, sizeof(__u64), true)

#define MAP_ENUM(id, name, key, value, ours, ruled) MAP_##id,
enum map_id { MAPS(MAP_ENUM) MAP_COUNT };

#define MAP_KEY_MAX 40
#define MAP_VALUE_MAX 4616

struct map_kind {
    const char *name;
    size_t key_size;
    size_t value_size;
    size_t our_size;
    bool is_ruled;
};
extern const struct map_kind map_kinds[MAP_COUNT];

enum program_id {
    PROGRAM_INGRESS,
    PROGRAM_EGRESS,
    PROGRAM_COPY,
    PROGRAM_TAP,
    PROGRAM_SINK,
    PROGRAM_COUNT
};

struct maps;

/* Makes 'pin_dir' and mounts the bpffs below it, which needs CAP_SYS_ADMIN; nothing where it is
 * mounted already. */
int maps_mount(const char *pin_dir, char why[256]) MUST_CHECK;
/* Mounts the bpffs, loads the object, takes over pinned maps of the same layout ('has_taken_over').
 * 'endpoint_room': isolated MACs, and as many IPs. */
int maps_open(const char *pin_dir, uint32_t endpoint_room, struct maps **maps,
              char why[256]) MUST_CHECK;
/* Pins and attached programs keep the kernel's objects. */
void maps_close(struct maps *maps);
/* Takes the pins away and unmounts; the maps live on in attached programs only. */
void maps_unpin(struct maps *maps);

int maps_program_fd(const struct maps *maps, enum program_id program);
uint32_t maps_program_kernel_id(const struct maps *maps, enum program_id program);
int maps_ring_fd(const struct maps *maps);

/* 0 or negative errno; 'value' has value_size bytes.  An endpoint whose bit in the screen is not
 * set is not there (-ENOENT): the program would not find it.  Putting it sets the bit. */
int maps_get(const struct maps *maps, enum map_id map, const void *key, void *value) MUST_CHECK;
int maps_put(const struct maps *maps, enum map_id map, const void *key,
             const void *value) MUST_CHECK;
/* 0 also when it was not there. */
int maps_delete(const struct maps *maps, enum map_id map, const void *key) MUST_CHECK;
/* Walks all keys; 'key' NULL: the first.  -ENOENT after the last. */
int maps_next(const struct maps *maps, enum map_id map, const void *key, void *next) MUST_CHECK;
/* Takes bits from the screen whose endpoints were deleted, when there are many. */
void maps_screen_sweep(struct maps *maps);
/* Whoever is behind a port is learnt anew from the next frame. */
void maps_forget_met(const struct maps *maps);
uint64_t maps_counter(const struct maps *maps, enum dp_counter counter);

#endif
