/* Whom a rule is about: contained endpoints, held ports, blocked servers and pairs. */
#ifndef CORDON_BPF_SUBJECT_H
#define CORDON_BPF_SUBJECT_H

#include "contain.bpf.h"
#include "plain.bpf.h"

enum wants { WANTS_PORT = 1, WANTS_IP = 2, WANTS_MAC = 4 };

static __always_inline int
mac_is_protected(__u64 mac)
{
    struct dp_protect *protect = bpf_map_lookup_elem(&cdn_protect_mac, &mac);
    return protect && !is_over(protect->expires_ns);
}

static __always_inline int
subject_take(struct subject *s, const struct dp_isolate *iso, enum found found)
{
    if (!iso || iso->flags & DP_CLEARED || is_over(iso->expires_ns)) {
        return 0;
    }
    s->set = iso->set;
    s->flags = iso->flags;
    s->found = found;
    return 1;
}

static __always_inline void
port_mac_key(struct dp_port_mac *key, __u32 ifindex, __u64 mac)
{
    key->ifindex = ifindex;
    key->zero = 0;
    __builtin_memcpy(key->mac, &mac, 6);
}

/* Fills 's' where this end is contained: by MAC, by (port, MAC) or by address ('ip' may be NULL).
 */
CHECKED_APART int
subject_find_slow(struct subject *s, __u32 wants, const struct dp_ip *ip)
{
    struct dp_port_mac key;
    if (!s) {
        return 0;
    }
    port_mac_key(&key, s->ifindex, s->mac);
    __u32 found =
        wants & WANTS_MAC &&
        (subject_take(s, bpf_map_lookup_elem(&cdn_iso_mac, &s->mac), FOUND_MAC) ||
         (wants & WANTS_PORT && s->ifindex &&
          subject_take(s, bpf_map_lookup_elem(&cdn_iso_port, &key), FOUND_PORT)));
    if (found) {
        found = !mac_is_protected(s->mac);
    } else if (wants & WANTS_IP && ip &&
               subject_take(s, bpf_map_lookup_elem(&cdn_iso_ip, ip), FOUND_IP)) {
        found = !protect_of_ip(ip);
    } else {
        return 0;
    }
    if (!found) {
        s->found = FOUND_NONE;
        count(DP_PROTECTED);
    }
    return found;
}

/* Most frames are nobody's: the screen says so. */
static __always_inline int
subject_find(struct subject *s, const struct dp_config *config, __u64 mac, __u32 ifindex,
             const struct dp_ip *ip)
{
    __u32 wants = config->isolate_ips && ip ? WANTS_IP : 0;
    if (is_screened(mac)) {
        wants |= WANTS_MAC | (config->isolate_ports ? WANTS_PORT : 0);
    }
    if (!wants) {
        return 0;
    }
    s->mac = mac;
    s->ifindex = ifindex;
    return subject_find_slow(s, wants, ip);
}

/* On a held port every MAC that was not there before is treated like the endpoint, a protected one
 * too: there it is a disguise.  It is permitted nothing before the user side has found that nobody
 * else has that MAC: one permitted frame would draw the other's traffic here.  2: first seen. */
CHECKED_APART int
subject_held(struct subject *s, __u64 mac, __u32 ifindex, __u32 is_sender)
{
    struct dp_port_mac key;
    if (!s) {
        return 0;
    }
    port_mac_key(&key, ifindex, mac);
    if (bpf_map_lookup_elem(&cdn_known, &key) ||
        !subject_take(s, bpf_map_lookup_elem(&cdn_hold, &ifindex), FOUND_HELD)) {
        return 0;
    }
    s->mac = mac;
    s->ifindex = ifindex;
    __u64 *seen = bpf_map_lookup_elem(&cdn_held, &key);
    if (!seen || *seen != DP_HELD_ADMITTED || mac_is_protected(mac)) {
        s->set = 0;
    }
    if (is_sender && !seen) {
        __u64 now = bpf_ktime_get_boot_ns();
        bpf_map_update_elem(&cdn_held, &key, &now, BPF_ANY);
        return 2;
    }
    return 1;
}

/* Counts a frame that its rule stopped. */
CHECKED_APART int
subject_hit(const struct subject *s, const struct dp_ip *ip)
{
    struct dp_isolate *iso = NULL;
    struct dp_port_mac key;
    if (!s || !ip) {
        return 0;
    }
    port_mac_key(&key, s->ifindex, s->mac);
    if (s->found == FOUND_MAC) {
        iso = bpf_map_lookup_elem(&cdn_iso_mac, &s->mac);
    } else if (s->found == FOUND_PORT) {
        iso = bpf_map_lookup_elem(&cdn_iso_port, &key);
    } else if (s->found == FOUND_IP) {
        iso = bpf_map_lookup_elem(&cdn_iso_ip, ip);
    } else if (s->found == FOUND_HELD) {
        iso = bpf_map_lookup_elem(&cdn_hold, &s->ifindex);
    }
    if (iso) {
        __sync_fetch_and_add(&iso->hits, 1);
    }
    return 0;
}

/* ---- server and pair blocks ---- */

CHECKED_APART int
server_hit(const struct dp_ip *ip, __u32 is_test)
{
    if (!ip) {
        return 0;
    }
    struct dp_prefix key = {.length = 128};
    __builtin_memcpy(key.ip, ip, 16);
    for (int i = 0; i < EXPIRED_TRIES; i++) {
        struct dp_block *block = bpf_map_lookup_elem(&cdn_server, &key);
        if (!block) {
            return 0;
        }
        if (!is_over(block->expires_ns)) {
            if (protect_of_ip(ip)) {
                return 0;
            }
            if (!is_test) {
                __sync_fetch_and_add(&block->hits, 1);
            }
            return 1;
        }
        if (!block->length) {
            return 0;
        }
        key.length = block->length - 1;
    }
    return 0;
}

CHECKED_APART int
pair_hit(const struct dp_owner *owner, const struct dp_ip *server, __u32 is_test)
{
    if (!owner || !server) {
        return 0;
    }
    struct dp_pair key = {.length = 256};
    __builtin_memcpy(key.owner, owner, 16);
    __builtin_memcpy(key.server, server, 16);
    for (int i = 0; i < EXPIRED_TRIES; i++) {
        struct dp_block *block = bpf_map_lookup_elem(&cdn_pair, &key);
        if (!block) {
            return 0;
        }
        if (!is_over(block->expires_ns)) {
            if (!is_test) {
                __sync_fetch_and_add(&block->hits, 1);
            }
            return 1;
        }
        if (block->length <= 128) {
            return 0;
        }
        key.length = block->length - 1;
    }
    return 0;
}

CHECKED_APART int
pairs_hit(struct packet *p)
{
    if (!p) {
        return 0;
    }
    struct dp_owner owner;
    if (!mac_is_protected(p->src_mac_word)) {
        owner_from_mac(&owner, p->src_mac_word);
        if (pair_hit(&owner, &p->dst, p->is_test)) {
            return 1;
        }
    }
    if (!mac_is_protected(p->dst_mac_word)) {
        owner_from_mac(&owner, p->dst_mac_word);
        if (pair_hit(&owner, &p->src, p->is_test)) {
            return 1;
        }
    }
    owner_from_ip(&owner, &p->src);
    if (!protect_of_ip(&p->src) && pair_hit(&owner, &p->dst, p->is_test)) {
        return 1;
    }
    owner_from_ip(&owner, &p->dst);
    return !protect_of_ip(&p->dst) && pair_hit(&owner, &p->src, p->is_test);
}

#endif
