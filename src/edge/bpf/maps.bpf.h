/* The maps.  All but the per-CPU counters are pinned, so that they outlive the loader. */
#ifndef CORDON_BPF_MAPS_H
#define CORDON_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "shared.h"

#define MAP(name_, type_, key_, value_, room_, flags_)                                             \
    struct {                                                                                       \
        __uint(type, type_);                                                                       \
        __type(key, key_);                                                                         \
        __type(value, value_);                                                                     \
        __uint(max_entries, room_);                                                                \
        __uint(map_flags, flags_);                                                                 \
    } name_ SEC(".maps")

/* A global function: the verifier looks at it once, apart from its callers, so that the whole stays
 * small for it.  Its pointers may be NULL for all that the verifier knows. */
#define CHECKED_APART __attribute__((noinline))

#define GROWS BPF_F_NO_PREALLOC

MAP(cdn_config, BPF_MAP_TYPE_ARRAY, __u32, struct dp_config, 1, 0);
MAP(cdn_counters, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, DP_COUNTER_COUNT, 0);
MAP(cdn_ports, BPF_MAP_TYPE_HASH, __u32, struct dp_port, 1024, 0);
MAP(cdn_port_state, BPF_MAP_TYPE_HASH, __u32, struct dp_port_state, 1024, 0);

/* A bit for each digest of a MAC in 'iso_mac' or 'iso_port'.  Only the user side writes. */
MAP(cdn_screen, BPF_MAP_TYPE_ARRAY, __u32, __u64, (1 << DP_SCREEN_BITS) / 64, BPF_F_MMAPABLE);
/* Where and when a MAC was learnt last; see plain.bpf.h. */
MAP(cdn_met, BPF_MAP_TYPE_ARRAY, __u32, __u64, 1 << DP_MET_BITS, BPF_F_MMAPABLE);

/* Containment; 'iso_mac' and 'iso_ip' get their size from the settings. */
MAP(cdn_iso_mac, BPF_MAP_TYPE_HASH, struct dp_mac, struct dp_isolate, 131072, GROWS);
MAP(cdn_iso_ip, BPF_MAP_TYPE_HASH, struct dp_ip, struct dp_isolate, 131072, GROWS);
MAP(cdn_iso_port, BPF_MAP_TYPE_HASH, struct dp_port_mac, struct dp_isolate, 4096, GROWS);
MAP(cdn_binding, BPF_MAP_TYPE_HASH, struct dp_binding, __u64, 524288, GROWS);
MAP(cdn_lease, BPF_MAP_TYPE_LRU_HASH, struct dp_binding, __u64, 16384, 0);
MAP(cdn_hold, BPF_MAP_TYPE_HASH, __u32, struct dp_isolate, 1024, GROWS);
MAP(cdn_known, BPF_MAP_TYPE_HASH, struct dp_port_mac, __u64, 65536, GROWS);
MAP(cdn_held, BPF_MAP_TYPE_LRU_HASH, struct dp_port_mac, __u64, 4096, 0);
MAP(cdn_set, BPF_MAP_TYPE_HASH, __u64, struct dp_set, 256, GROWS);
MAP(cdn_learnt, BPF_MAP_TYPE_HASH, struct dp_learnt_key, struct dp_learnt, 65536, GROWS);
MAP(cdn_gateway, BPF_MAP_TYPE_LRU_HASH, struct dp_ip, __u64, 1024, 0);
MAP(cdn_query, BPF_MAP_TYPE_LRU_HASH, struct dp_query, __u64, 16384, 0);
MAP(cdn_fragment, BPF_MAP_TYPE_LRU_HASH, struct dp_fragment, __u64, 8192, 0);
MAP(cdn_bucket, BPF_MAP_TYPE_LRU_HASH, struct dp_mac, struct dp_bucket, 8192, 0);

MAP(cdn_server, BPF_MAP_TYPE_LPM_TRIE, struct dp_prefix, struct dp_block, 65536, GROWS);
MAP(cdn_pair, BPF_MAP_TYPE_LPM_TRIE, struct dp_pair, struct dp_block, 65536, GROWS);
MAP(cdn_protect_ip, BPF_MAP_TYPE_LPM_TRIE, struct dp_prefix, struct dp_protect, 16384, GROWS);
MAP(cdn_protect_mac, BPF_MAP_TYPE_HASH, struct dp_mac, struct dp_protect, 16384, GROWS);

/* Mirrors. */
MAP(cdn_session, BPF_MAP_TYPE_HASH, __u32, struct dp_session, DP_SESSIONS_MAX, 0);
MAP(cdn_sess_state, BPF_MAP_TYPE_ARRAY, __u32, struct dp_session_state, DP_SESSIONS_MAX, 0);
MAP(cdn_filters, BPF_MAP_TYPE_HASH, __u32, struct dp_filters, DP_SESSIONS_MAX, GROWS);
MAP(cdn_watch, BPF_MAP_TYPE_HASH, struct dp_owner, struct dp_watch, 1024, GROWS);
MAP(cdn_budget, BPF_MAP_TYPE_HASH, __u32, struct dp_budget, 2 * DP_SESSIONS_MAX, 0);
MAP(cdn_rspan, BPF_MAP_TYPE_HASH, __u32, struct dp_rspan, 64, GROWS);
MAP(cdn_sensor, BPF_MAP_TYPE_HASH, struct dp_ip, __u64, 64, GROWS);

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} cdn_ring SEC(".maps");

static __always_inline void
count(enum dp_counter id)
{
    __u32 key = id;
    __u64 *value = bpf_map_lookup_elem(&cdn_counters, &key);
    if (value) {
        *value += 1;
    }
}

/* 0 means "never"; the clock is read only where somebody asks. */
static __always_inline int
is_over(__u64 expires_ns)
{
    return expires_ns && bpf_ktime_get_boot_ns() >= expires_ns;
}

#endif
