/* Who was not let in: told to people, within limits that nobody outside can raise. */
#include "controller/certificates/certificates_state.h"

#include <stdio.h>
#include <string.h>

#define AUDIT_AGAIN_US (INT64_C(600) * 1000000) /* the same peer for the same reason */

static bool
is_same(const struct refused_peer *a, const struct refused_peer *b)
{
    return a->why == b->why && strcmp(a->name, b->name) == 0 && strcmp(a->role, b->role) == 0 &&
           strcmp(a->serial, b->serial) == 0 && strcmp(a->from, b->from) == 0;
}

/* To the front of the list; what was last heard of longest ago makes room. */
static void
list_place(struct certificates *certificates, const struct refused_peer *peer)
{
    size_t at = 0;
    while (at < certificates->refused_count && !is_same(&certificates->refused[at], peer)) {
        at++;
    }
    bool is_new = at == certificates->refused_count;
    struct refused_peer entry = is_new ? *peer : certificates->refused[at];
    int64_t audited_us = is_new ? 0 : certificates->audited_us[at];
    entry.last_us = peer->last_us;
    entry.count = is_new ? peer->count : entry.count + peer->count;
    memcpy(entry.detail, peer->detail, sizeof(entry.detail));
    if (is_new && at < REFUSED_PEERS_MAX) {
        certificates->refused_count++;
    } else if (is_new) {
        at--;
    }
    memmove(&certificates->refused[1], &certificates->refused[0], at * sizeof(entry));
    memmove(&certificates->audited_us[1], &certificates->audited_us[0], at * sizeof(audited_us));
    certificates->refused[0] = entry;
    certificates->audited_us[0] = audited_us;
}

static void
audit(struct certificates *certificates, const struct refused_peer *peer, int64_t now_us)
{
    uint64_t swallowed = 0;
    char object[NAME_SIZE], detail[TEXT_SIZE + ADDRESS_SIZE + 64];
    int64_t boot_us = clock_boot_us(certificates->settings.clock);
    int64_t last_us = certificates->audited_us[0];
    if ((last_us && boot_us - last_us < AUDIT_AGAIN_US) ||
        !log_limit_pass(&certificates->refused_audit, boot_us, &swallowed)) {
        return;
    }
    certificates->audited_us[0] = boot_us;
    snprintf(object, sizeof(object), "%.10s%s%.50s", peer->role, peer->role[0] ? " " : "",
             peer->name[0] ? peer->name : "?");
    snprintf(detail, sizeof(detail), "%s: %.400s, from %s", peer_refusal_names[peer->why],
             peer->detail, peer->from);
    struct store_change *change = store_change_new();
    store_put_audit(change, now_us, "cordond", "peer.refuse", object, detail);
    store_submit(certificates->settings.store, change, NULL, NULL);
}

void
refusal_note(struct certificates *certificates, const struct refused_peer *given)
{
    struct refused_peer peer = *given;
    uint64_t swallowed = 0;
    int64_t now_us = clock_wall_us(certificates->settings.clock);
    peer.first_us = peer.last_us = now_us;
    peer.count = peer.count ? peer.count : 1;
    certificates->refusals[peer.why] += peer.count;
    list_place(certificates, &peer);
    if (log_limit_pass(&certificates->refused_log, clock_boot_us(certificates->settings.clock),
                       &swallowed)) {
        log_warn("certificates", "refused", LOG_S("why", peer_refusal_names[peer.why]),
                 LOG_S("role", peer.role), LOG_S("name", peer.name), LOG_S("serial", peer.serial),
                 LOG_S("from", peer.from), LOG_S("detail", peer.detail),
                 LOG_I("not_logged", swallowed));
    }
    audit(certificates, &peer, now_us);
    certificates->settings.on_change(certificates->settings.context);
}

const struct refused_peer *
certificates_refused_at(const struct certificates *certificates, size_t index)
{
    return index < certificates->refused_count ? &certificates->refused[index] : NULL;
}

uint64_t
certificates_refused_count(const struct certificates *certificates, enum peer_refusal why)
{
    return certificates->refusals[why];
}
