#include "bus/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/csr.h"

#define SECOND_US INT64_C(1000000)
#define TOLD_PER_S 20 /* refusals; the others are counted in the next one */

struct guest { /* connected */
    TAILQ_ENTRY(guest) link;
    struct tls_peer peer;
    struct channel *channel;
    bool is_leaving;
};

struct gate {
    struct tls_server *server;
    enum device_role role;
    const struct clock *clock;
    struct channel *core;
    TAILQ_HEAD(, guest) guests;
    struct peer_rule *rules; /* owned */
    size_t count;
    struct peer_rule *next; /* a list that is on its way */
    size_t next_count;
    bool is_taking;
    int64_t second_us; /* boot */
    unsigned told;
    uint64_t untold;
};

static const struct peer_rule *
rule_find(const struct gate *gate, const char *name)
{
    for (size_t i = 0; i < gate->count; i++) {
        if (strcmp(gate->rules[i].name, name) == 0) {
            return &gate->rules[i];
        }
    }
    return NULL;
}

static enum peer_refusal
judge(void *context, const struct tls_peer *peer)
{
    const struct gate *gate = context;
    const struct peer_rule *rule = rule_find(gate, peer->name);
    if (!rule || peer->issued_us > rule->since_us) {
        return REFUSAL_COUNT;
    }
    for (size_t i = 0; i < rule->serial_count; i++) {
        if (strcmp(rule->serials[i], peer->serial) == 0) {
            return REFUSAL_COUNT;
        }
    }
    return REFUSAL_REPLACED;
}

static void
tell(struct gate *gate, enum peer_event event, const struct tls_peer *peer, enum peer_refusal why,
     const char *detail)
{
    struct wire_peer told = {.event = event,
                             .issued_us = peer->issued_us,
                             .expires_us = peer->expires_us,
                             .why = why < REFUSAL_COUNT ? why : REFUSAL_UNKNOWN,
                             .count = event == PEER_REFUSED ? 1 + gate->untold : 0};
    memcpy(told.role, peer->unit, sizeof(told.role));
    memcpy(told.name, peer->name, sizeof(told.name));
    memcpy(told.serial, peer->serial, sizeof(told.serial));
    memcpy(told.fingerprint, peer->fingerprint, sizeof(told.fingerprint));
    memcpy(told.from, peer->from, sizeof(told.from));
    snprintf(told.detail, sizeof(told.detail), "%s", detail);
    if (gate->core && channel_send(gate->core, WIRE_PEER, &told) && event == PEER_REFUSED) {
        gate->untold = 0;
    }
}

static void
refused(void *context, const struct tls_peer *peer, enum peer_refusal why, const char *detail)
{
    struct gate *gate = context;
    int64_t now_us = clock_boot_us(gate->clock);
    if (now_us - gate->second_us >= SECOND_US) {
        gate->second_us = now_us;
        gate->told = 0;
    }
    if (!gate->core || gate->told >= TOLD_PER_S) {
        gate->untold++;
        return;
    }
    gate->told++;
    tell(gate, PEER_REFUSED, peer, why, detail);
}

struct gate *
gate_new(struct tls_server *server, enum device_role role, const struct clock *clock)
{
    struct gate *gate = MEM_NEW(struct gate);
    *gate = (struct gate){.server = server, .role = role, .clock = clock};
    TAILQ_INIT(&gate->guests);
    tls_server_guard(server, judge, refused, gate);
    return gate;
}

void
gate_free(struct gate *gate)
{
    struct guest *guest;
    if (!gate) {
        return;
    }
    while ((guest = TAILQ_FIRST(&gate->guests)) != NULL) {
        TAILQ_REMOVE(&gate->guests, guest, link);
        free(guest);
    }
    free(gate->rules);
    free(gate->next);
    free(gate);
}

void
gate_set_core(struct gate *gate, struct channel *core)
{
    struct guest *guest;
    gate->core = core;
    gate->is_taking = false;
    TAILQ_FOREACH(guest, &gate->guests, link)
    {
        tell(gate, PEER_CAME, &guest->peer, REFUSAL_COUNT, "");
    }
}

/* Those who are in and may not be any more. */
static void
put_out(struct gate *gate)
{
    struct guest *guest, *next;
    for (guest = TAILQ_FIRST(&gate->guests); guest; guest = next) {
        next = TAILQ_NEXT(guest, link);
        if (!guest->is_leaving && judge(gate, &guest->peer) != REFUSAL_COUNT) {
            guest->is_leaving = true;
            refused(gate, &guest->peer, REFUSAL_REPLACED,
                    "a newer certificate has taken its place");
            channel_close(guest->channel, "its certificate is not accepted any more");
        }
    }
}

void
gate_take(struct gate *gate, const struct wire_peers *part)
{
    if (part->role != gate->role || (!part->is_first && !gate->is_taking) ||
        (!part->is_first && gate->next_count + part->peer_count > PEERS_MAX)) {
        return;
    }
    if (part->is_first) {
        gate->next_count = 0;
        gate->is_taking = true;
    }
    size_t count = gate->next_count + part->peer_count;
    if (part->peer_count > 0) {
        gate->next = mem_resize(gate->next, count, sizeof(*gate->next));
        memcpy(&gate->next[gate->next_count], part->peers, part->peer_count * sizeof(*gate->next));
    }
    gate->next_count = count;
    if (!part->is_last) {
        return;
    }
    free(gate->rules);
    gate->rules = gate->next;
    gate->count = gate->next_count;
    gate->next = NULL;
    gate->next_count = 0;
    gate->is_taking = false;
    tls_server_admit(gate->server, part->grace_s);
    put_out(gate);
}

static struct guest *
guest_find(const struct gate *gate, const struct channel *channel)
{
    struct guest *guest;
    TAILQ_FOREACH(guest, &gate->guests, link)
    {
        if (guest->channel == channel) {
            return guest;
        }
    }
    return NULL;
}

const struct tls_peer *
gate_peer(const struct gate *gate, const struct channel *channel)
{
    const struct guest *guest = guest_find(gate, channel);
    return guest ? &guest->peer : NULL;
}

void
gate_came(struct gate *gate, const struct tls_peer *peer, struct channel *channel)
{
    struct guest *guest = MEM_NEW(struct guest);
    guest->peer = *peer;
    guest->channel = channel;
    TAILQ_INSERT_TAIL(&gate->guests, guest, link);
    tell(gate, PEER_CAME, peer, REFUSAL_COUNT, "");
}

/* A newer connection with the same certificate may be there already. */
static bool
is_still_there(const struct gate *gate, const char *serial)
{
    const struct guest *guest;
    TAILQ_FOREACH(guest, &gate->guests, link)
    {
        if (strcmp(guest->peer.serial, serial) == 0) {
            return true;
        }
    }
    return false;
}

void
gate_gone(struct gate *gate, struct channel *channel, const char *why)
{
    struct guest *guest = guest_find(gate, channel);
    if (guest) {
        if (strncmp(why, CHANNEL_MAY_NOT, sizeof(CHANNEL_MAY_NOT) - 1) == 0) {
            refused(gate, &guest->peer, REFUSAL_CLAIM,
                    "it sent what a device of its role may not send");
        }
        TAILQ_REMOVE(&gate->guests, guest, link);
        if (!is_still_there(gate, guest->peer.serial)) {
            tell(gate, PEER_WENT, &guest->peer, REFUSAL_COUNT, "");
        }
        free(guest);
    }
}

void
gate_complain(struct gate *gate, const struct channel *channel, enum peer_refusal why,
              const char *detail)
{
    const struct guest *guest = guest_find(gate, channel);
    if (guest) {
        refused(gate, &guest->peer, why, detail);
    }
}

void
gate_renew(struct gate *gate, const struct wire_renew *renew)
{
    struct guest *guest;
    if (strcmp(renew->name, WIRE_RENEW_OWN) == 0) {
        if (!tls_server_renew(gate->server, renew->der, renew->der_size)) {
            log_error("gate", "the new certificate of our own is not of our key: not used",
                      LOG_END);
        }
        return;
    }
    TAILQ_FOREACH(guest, &gate->guests, link)
    {
        if (!guest->is_leaving && strcmp(guest->peer.name, renew->name) == 0) {
            (void)channel_send(guest->channel, WIRE_RENEW, renew);
        }
    }
}

void
gate_request(struct gate *gate, struct channel *channel, const struct wire_request *request)
{
    const struct guest *guest = guest_find(gate, channel);
    struct wire_sign sign = {.role = gate->role, .key_size = PUBLIC_KEY_SIZE};
    struct csr csr;
    char why[256], detail[TEXT_SIZE];
    if (!guest || !gate->core) {
        return; /* it is asked again */
    }
    bool is_good = csr_parse(request->der, request->der_size, &csr, why);
    if (is_good &&
        (strcmp(csr.name, guest->peer.name) != 0 || strcmp(csr.role, guest->peer.unit) != 0)) {
        snprintf(why, sizeof(why), "it is for another name or role");
        is_good = false;
    }
    if (is_good && !csr_prove(&csr)) {
        snprintf(why, sizeof(why), "it is not signed with the key in it");
        is_good = false;
    }
    if (!is_good) {
        snprintf(detail, sizeof(detail), "its request is none: %s", why);
        refused(gate, &guest->peer, REFUSAL_RENEWAL, detail);
        return;
    }
    memcpy(sign.name, guest->peer.name, sizeof(sign.name));
    memcpy(sign.serial, guest->peer.serial, sizeof(sign.serial));
    sign.key = csr.key;
    (void)channel_send(gate->core, WIRE_SIGN, &sign);
}
