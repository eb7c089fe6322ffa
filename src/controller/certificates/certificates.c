#include "controller/certificates/certificates_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/issued.h"

#define SECOND_US INT64_C(1000000)
#define LIFE_DEFAULT_US (INT64_C(90) * 86400 * SECOND_US)
#define GRACE_DEFAULT_US (INT64_C(7200) * SECOND_US)
#define TOKEN_DEFAULT_US (INT64_C(900) * SECOND_US)
#define WRITE_US (INT64_C(60) * SECOND_US) /* when it was last seen: at most so often */
#define ASK_AGAIN_US (INT64_C(60) * SECOND_US)
#define ASKS_PER_TICK 8
#define ISSUED_AT_ONCE 256 /* lines that are known, or none */

/* ---- the list ---- */

bool
certificate_is_live(const struct certificate *certificate)
{
    return certificate->state == CERTIFICATE_VALID || certificate->state == CERTIFICATE_WAITING;
}

struct held *
held_by_serial(const struct certificates *certificates, const char *serial)
{
    for (size_t i = certificates->held_count; i-- > 0;) {
        if (strcmp(certificates->held[i]->c.serial, serial) == 0) {
            return certificates->held[i];
        }
    }
    return NULL;
}

static bool
is_of(const struct held *held, enum device_role role, const char *name)
{
    return held->c.role == role && strcmp(held->c.name, name) == 0;
}

struct held *
held_next_live(const struct certificates *certificates, enum device_role role, const char *name,
               size_t *index)
{
    while (*index < certificates->held_count) {
        struct held *held = certificates->held[(*index)++];
        if (is_of(held, role, name) && certificate_is_live(&held->c)) {
            return held;
        }
    }
    return NULL;
}

bool
name_is_busy(const struct certificates *certificates, int role, const char *name)
{
    for (size_t i = 0; i < certificates->held_count; i++) {
        const struct held *held = certificates->held[i];
        if (held->is_changing && (role < 0 || (int)held->c.role == role) &&
            strcmp(held->c.name, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < certificates->ticket_count; i++) {
        const struct ticket *ticket = certificates->tickets[i];
        if (ticket->is_changing && (role < 0 || (int)ticket->e.role == role) &&
            strcmp(ticket->e.name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void
ended_fill(const struct certificates *certificates, struct certificate *c,
           enum certificate_state state, const char *account, const char *reason)
{
    c->state = state;
    c->ended_us = clock_wall_us(certificates->settings.clock);
    snprintf(c->ended_by, sizeof(c->ended_by), "%s", account);
    snprintf(c->reason, sizeof(c->reason), "%s", reason);
}

void
held_put_end(const struct certificates *certificates, struct store_change *change,
             const struct held *held, enum certificate_state state, const char *account,
             const char *reason)
{
    struct certificate ended = held->c;
    ended_fill(certificates, &ended, state, account, reason);
    store_put_certificate(change, &ended);
}

void
held_end(const struct certificates *certificates, struct held *held, enum certificate_state state,
         const char *account, const char *reason)
{
    ended_fill(certificates, &held->c, state, account, reason);
    held->c.is_connected = false;
}

struct held *
held_add(struct certificates *certificates, const struct certificate *certificate)
{
    if (certificates->held_count == certificates->held_room) {
        certificates->held_room = certificates->held_room ? certificates->held_room * 2 : 64;
        certificates->held =
            mem_resize(certificates->held, certificates->held_room, sizeof(struct held *));
    }
    struct held *held = MEM_NEW(struct held);
    held->c = *certificate;
    certificates->held[certificates->held_count++] = held;
    return held;
}

static void
on_certificate(void *context, const struct certificate *certificate)
{
    (void)held_add(context, certificate);
}

static void
on_enrolment(void *context, const struct enrolment *enrolment)
{
    (void)ticket_add(context, enrolment);
}

static int64_t
or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

int
certificates_open(const struct certificates_settings *settings, struct certificates **out)
{
    struct certificates *made = MEM_NEW(struct certificates);
    const struct store_loader loader = {
        .on_certificate = on_certificate, .on_enrolment = on_enrolment, .context = made};
    made->settings = *settings;
    made->settings.life_us = or_default(settings->life_us, LIFE_DEFAULT_US);
    made->settings.grace_us = or_default(settings->grace_us, GRACE_DEFAULT_US);
    made->settings.token_us = or_default(settings->token_us, TOKEN_DEFAULT_US);
    made->refused_log = (struct log_limit){.period_us = SECOND_US, .burst = 10, .left = 10};
    made->refused_audit = (struct log_limit){.period_us = 10 * SECOND_US, .burst = 50, .left = 50};
    int error = store_load(settings->store, &loader);
    if (error) {
        certificates_free(made);
        return error;
    }
    *out = made;
    return 0;
}

void
certificates_free(struct certificates *certificates)
{
    if (!certificates) {
        return;
    }
    for (size_t i = 0; i < certificates->held_count; i++) {
        free(certificates->held[i]);
    }
    for (size_t i = 0; i < certificates->ticket_count; i++) {
        ticket_free(certificates->tickets[i]);
    }
    free(certificates->held);
    free(certificates->tickets);
    free(certificates);
}

const char *
certificates_authority(const struct certificates *certificates)
{
    return pki_ca_fingerprint(certificates->settings.ca);
}

const struct certificate *
certificates_at(const struct certificates *certificates, size_t index, struct certificate *shown)
{
    if (index >= certificates->held_count) {
        return NULL;
    }
    *shown = certificates->held[index]->c;
    if (certificate_is_live(shown) &&
        shown->expires_us <= clock_wall_us(certificates->settings.clock)) {
        shown->state = CERTIFICATE_EXPIRED;
    }
    return shown;
}

/* ---- whom to let in ---- */

static struct peer_rule *
rule_need(struct peer_rule *rules, size_t *count, const char *name)
{
    for (size_t i = *count; i-- > 0;) {
        if (strcmp(rules[i].name, name) == 0) {
            return &rules[i];
        }
    }
    if (*count == PEERS_MAX) {
        return NULL;
    }
    struct peer_rule *rule = &rules[(*count)++];
    *rule = (struct peer_rule){.since_us = 0};
    snprintf(rule->name, sizeof(rule->name), "%s", name);
    return rule;
}

static void
rule_add(struct peer_rule *rule, const struct certificate *c, bool is_past)
{
    int64_t since_us = c->issued_us;
    if (c->state == CERTIFICATE_REVOKED && c->ended_us > since_us) {
        since_us = c->ended_us;
    }
    rule->since_us = since_us > rule->since_us ? since_us : rule->since_us;
    if (certificate_is_live(c) && !is_past && rule->serial_count < PEER_SERIALS_MAX) {
        snprintf(rule->serials[rule->serial_count++], SERIAL_SIZE, "%s", c->serial);
    }
}

void
certificates_peers(struct certificates *certificates, enum device_role role,
                   bool (*each)(void *context, const struct wire_peers *part), void *context)
{
    struct peer_rule *rules = mem_new(PEERS_MAX, sizeof(*rules));
    size_t count = 0, from = 0;
    for (size_t i = 0; i < certificates->held_count; i++) {
        const struct certificate *c = &certificates->held[i]->c;
        struct peer_rule *rule = c->role == role ? rule_need(rules, &count, c->name) : NULL;
        if (rule) {
            rule_add(rule, c, certificates->held[i]->is_past);
        }
    }
    do {
        size_t left = count - from;
        struct wire_peers part = {
            .role = role,
            .is_first = from == 0,
            .grace_s = (uint32_t)(certificates->settings.grace_us / SECOND_US),
            .peers = &rules[from],
            .peer_count = left < PEERS_PER_MESSAGE ? left : PEERS_PER_MESSAGE};
        from += part.peer_count;
        part.is_last = from == count;
        if (!each(context, &part)) {
            break;
        }
    } while (from < count);
    free(rules);
}

/* ---- who came ---- */

/* The one that a device uses now takes the place of those before it. */
struct succession {
    struct certificates *certificates;
    char serial[SERIAL_SIZE];
};

static void
on_succeeded(void *context, int error)
{
    struct succession *succession = context;
    struct certificates *certificates = succession->certificates;
    struct held *now = held_by_serial(certificates, succession->serial);
    free(succession);
    if (!now) {
        return;
    }
    now->is_changing = false;
    if (error || !certificate_is_live(&now->c)) {
        return; /* tried again when it comes again */
    }
    now->c.state = CERTIFICATE_VALID;
    size_t index = 0;
    for (struct held *each;
         (each = held_next_live(certificates, now->c.role, now->c.name, &index));) {
        if (each != now && each->c.issued_us <= now->c.issued_us) {
            held_end(certificates, each, CERTIFICATE_REPLACED, "cordond",
                     "its successor is in use");
        }
    }
    certificates->settings.on_peers(certificates->settings.context, now->c.role);
    certificates->settings.on_change(certificates->settings.context);
}

static void
succeed(struct certificates *certificates, struct held *now, const char *action, const char *detail)
{
    char object[NAME_SIZE];
    struct store_change *change = store_change_new();
    struct certificate valid = now->c;
    struct succession *succession = MEM_NEW(struct succession);
    succession->certificates = certificates;
    snprintf(succession->serial, sizeof(succession->serial), "%s", now->c.serial);
    valid.state = CERTIFICATE_VALID;
    store_put_certificate(change, &valid);
    size_t index = 0;
    for (struct held *each;
         (each = held_next_live(certificates, now->c.role, now->c.name, &index));) {
        if (each != now && each->c.issued_us <= now->c.issued_us) {
            held_put_end(certificates, change, each, CERTIFICATE_REPLACED, "cordond",
                         "its successor is in use");
        }
    }
    snprintf(object, sizeof(object), "%s %.50s", device_role_names[now->c.role], now->c.name);
    store_put_audit(change, clock_wall_us(certificates->settings.clock), "cordond", action, object,
                    detail);
    now->is_changing = true;
    store_submit(certificates->settings.store, change, on_succeeded, succession);
}

static struct held *
held_of_offline(struct certificates *certificates, enum device_role side,
                const struct wire_peer *peer)
{
    struct certificate c = {.role = side,
                            .origin = ORIGIN_OFFLINE,
                            .state = CERTIFICATE_WAITING,
                            .issued_us = peer->issued_us,
                            .expires_us = peer->expires_us};
    snprintf(c.serial, sizeof(c.serial), "%s", peer->serial);
    snprintf(c.name, sizeof(c.name), "%s", peer->name);
    snprintf(c.fingerprint, sizeof(c.fingerprint), "%s", peer->fingerprint);
    return held_add(certificates, &c);
}

static void
peer_came(struct certificates *certificates, enum device_role side, const struct wire_peer *peer)
{
    struct held *held = held_by_serial(certificates, peer->serial);
    char detail[TEXT_SIZE];
    if (held && (!is_of(held, side, peer->name) || !certificate_is_live(&held->c))) {
        return; /* the list that it was let in by is older than ours: it is closed already */
    }
    if (!held) {
        held = held_of_offline(certificates, side, peer);
    }
    held->c.seen_us = clock_wall_us(certificates->settings.clock);
    held->c.is_connected = true;
    held->is_dirty = true;
    held->asked_us = 0;
    snprintf(held->c.from, sizeof(held->c.from), "%s", peer->from);
    if (held->c.state == CERTIFICATE_WAITING &&
        !name_is_busy(certificates, (int)side, peer->name)) {
        snprintf(detail, sizeof(detail), "serial %s, from %s", held->c.serial, held->c.from);
        succeed(certificates, held,
                held->c.origin == ORIGIN_OFFLINE ? "certificate.take" : "certificate.use", detail);
    }
    certificates->settings.on_change(certificates->settings.context);
}

static void
peer_went(struct certificates *certificates, const struct wire_peer *peer)
{
    struct held *held = held_by_serial(certificates, peer->serial);
    if (held && held->c.is_connected) {
        held->c.is_connected = false;
        held->c.seen_us = clock_wall_us(certificates->settings.clock);
        held->is_dirty = true;
        certificates->settings.on_change(certificates->settings.context);
    }
}

/* They know of a serial number only that it is none of those to be let in. */
static void
peer_refused(struct certificates *certificates, const struct wire_peer *peer)
{
    const struct held *held = peer->serial[0] ? held_by_serial(certificates, peer->serial) : NULL;
    struct refused_peer refused = {.why = peer->why, .count = peer->count};
    snprintf(refused.name, sizeof(refused.name), "%s", peer->name);
    snprintf(refused.role, sizeof(refused.role), "%s", peer->role);
    snprintf(refused.serial, sizeof(refused.serial), "%s", peer->serial);
    snprintf(refused.from, sizeof(refused.from), "%s", peer->from);
    snprintf(refused.detail, sizeof(refused.detail), "%s", peer->detail);
    if (held && peer->why == REFUSAL_REPLACED && held->c.state == CERTIFICATE_REVOKED) {
        refused.why = REFUSAL_REVOKED;
        snprintf(refused.detail, sizeof(refused.detail), "it was revoked: %.400s", held->c.reason);
    }
    refusal_note(certificates, &refused);
}

void
certificates_peer(struct certificates *certificates, enum device_role side,
                  const struct wire_peer *peer)
{
    if (peer->event == PEER_CAME) {
        peer_came(certificates, side, peer);
    } else if (peer->event == PEER_WENT) {
        peer_went(certificates, peer);
    } else {
        peer_refused(certificates, peer);
    }
}

void
certificates_gone(struct certificates *certificates, enum device_role role)
{
    for (size_t i = 0; i < certificates->held_count; i++) {
        struct held *held = certificates->held[i];
        if (held->c.role == role && held->c.is_connected) {
            held->c.is_connected = false;
            held->is_dirty = true;
        }
    }
    certificates->settings.on_change(certificates->settings.context);
}

/* ---- renewal ---- */

struct renewal {
    struct certificates *certificates;
    struct certificate c;
    char before[SERIAL_SIZE];
    uint8_t *der; /* owned */
    size_t der_size;
};

static void
on_renewed(void *context, int error)
{
    struct renewal *renewal = context;
    struct certificates *certificates = renewal->certificates;
    struct held *before = held_by_serial(certificates, renewal->before);
    if (before) {
        before->is_changing = false;
    }
    if (!error) {
        size_t index = 0;
        struct wire_renew renew = {.role = renewal->c.role};
        for (struct held *each;
             (each = held_next_live(certificates, renewal->c.role, renewal->c.name, &index));) {
            if (each->c.state == CERTIFICATE_WAITING) {
                held_end(certificates, each, CERTIFICATE_REPLACED, "cordond",
                         "another one was asked for");
            }
        }
        (void)held_add(certificates, &renewal->c);
        certificates->settings.on_peers(certificates->settings.context, renewal->c.role);
        snprintf(renew.name, sizeof(renew.name), "%s", renewal->c.name);
        renew.der = renewal->der;
        renew.der_size = renewal->der_size;
        (void)certificates->settings.send_renew(certificates->settings.context, &renew);
        certificates->settings.on_change(certificates->settings.context);
    }
    free(renewal->der);
    free(renewal);
}

static void
renew(struct certificates *certificates, struct held *held, struct pki_issued *issued)
{
    struct renewal *renewal = MEM_NEW(struct renewal);
    struct store_change *change = store_change_new();
    char object[NAME_SIZE], detail[TEXT_SIZE];
    *renewal = (struct renewal){.certificates = certificates,
                                .der = issued->der,
                                .der_size = issued->der_size,
                                .c = {.role = held->c.role,
                                      .origin = ORIGIN_RENEWED,
                                      .state = CERTIFICATE_WAITING,
                                      .issued_us = issued->issued_us,
                                      .expires_us = issued->expires_us}};
    struct certificate *c = &renewal->c;
    memcpy(renewal->before, held->c.serial, sizeof(renewal->before));
    held->is_changing = true;
    memcpy(c->name, held->c.name, sizeof(c->name));
    memcpy(c->serial, issued->serial, sizeof(c->serial));
    memcpy(c->fingerprint, issued->fingerprint, sizeof(c->fingerprint));
    size_t index = 0;
    for (struct held *each; (each = held_next_live(certificates, c->role, c->name, &index));) {
        if (each->c.state == CERTIFICATE_WAITING) {
            held_put_end(certificates, change, each, CERTIFICATE_REPLACED, "cordond",
                         "another one was asked for");
        }
    }
    store_put_certificate(change, c);
    snprintf(object, sizeof(object), "%s %.50s", device_role_names[c->role], c->name);
    snprintf(detail, sizeof(detail), "serial %s, after %s", c->serial, held->c.serial);
    store_put_audit(change, clock_wall_us(certificates->settings.clock), "cordond",
                    "certificate.renew", object, detail);
    store_submit(certificates->settings.store, change, on_renewed, renewal);
}

void
certificates_sign(struct certificates *certificates, const struct wire_sign *sign)
{
    struct held *held = held_by_serial(certificates, sign->serial);
    struct pki_issued issued;
    char why[256] = "";
    bool is_its = held && is_of(held, sign->role, sign->name) && certificate_is_live(&held->c);
    if (!is_its || held->asked_us == 0) {
        struct refused_peer refused = {.why = REFUSAL_RENEWAL};
        snprintf(refused.name, sizeof(refused.name), "%s", sign->name);
        snprintf(refused.role, sizeof(refused.role), "%s", device_role_names[sign->role]);
        snprintf(refused.serial, sizeof(refused.serial), "%s", sign->serial);
        snprintf(refused.detail, sizeof(refused.detail), "it asked for a certificate by itself");
        refusal_note(certificates, &refused);
        return;
    }
    if (name_is_busy(certificates, (int)held->c.role, held->c.name)) {
        return; /* it is asked again */
    }
    const struct pki_request request = {.role = device_role_names[held->c.role],
                                        .name = held->c.name,
                                        .key = sign->key,
                                        .now_s =
                                            clock_wall_us(certificates->settings.clock) / SECOND_US,
                                        .life_s = certificates->settings.life_us / SECOND_US};
    held->asked_us = 0; /* one certificate for each time that we ask */
    if (pki_ca_sign(certificates->settings.ca, &request, &issued, why)) {
        log_error("certificates", "cannot renew", LOG_S("name", held->c.name), LOG_S("why", why));
        return;
    }
    renew(certificates, held, &issued);
}

/* ---- the register of those that were issued offline ---- */

struct entry {
    struct certificates *certificates;
    struct certificate c;
    int64_t at; /* where it stands in the register */
};

static void register_read(struct certificates *certificates);

/* One that nobody has used yet. */
static bool
is_unused(const struct held *held)
{
    return held->c.origin == ORIGIN_OFFLINE && held->c.state == CERTIFICATE_WAITING;
}

static void
on_entered(void *context, int error)
{
    struct entry *entry = context;
    struct certificates *certificates = entry->certificates;
    certificates->is_entering = false;
    if (error) {
        certificates->issued_at = entry->at; /* tried again at the next tick */
        free(entry);
        return;
    }
    if (!held_by_serial(certificates, entry->c.serial)) { /* it may have come meanwhile */
        size_t index = 0;
        for (struct held *each;
             (each = held_next_live(certificates, entry->c.role, entry->c.name, &index));) {
            if (is_unused(each)) {
                held_end(certificates, each, CERTIFICATE_REPLACED, "cordond",
                         "another one was issued");
            }
        }
        (void)held_add(certificates, &entry->c);
        certificates->settings.on_peers(certificates->settings.context, entry->c.role);
        certificates->settings.on_change(certificates->settings.context);
    }
    free(entry);
    register_read(certificates);
}

/* What was issued before for that name and never used gives way. */
static void
entry_store(struct certificates *certificates, const struct certificate *c, int64_t at)
{
    char object[NAME_SIZE], detail[TEXT_SIZE];
    struct store_change *change = store_change_new();
    struct entry *entry = MEM_NEW(struct entry);
    *entry = (struct entry){.certificates = certificates, .c = *c, .at = at};
    size_t index = 0;
    for (struct held *each; (each = held_next_live(certificates, c->role, c->name, &index));) {
        if (is_unused(each)) {
            held_put_end(certificates, change, each, CERTIFICATE_REPLACED, "cordond",
                         "another one was issued");
        }
    }
    store_put_certificate(change, c);
    snprintf(object, sizeof(object), "%s %.50s", device_role_names[c->role], c->name);
    snprintf(detail, sizeof(detail), "serial %s, by 'cordond pki issue'", c->serial);
    store_put_audit(change, clock_wall_us(certificates->settings.clock), "cordond",
                    "certificate.issue", object, detail);
    certificates->is_entering = true;
    store_submit(certificates->settings.store, change, on_entered, entry);
}

/* One after the other: each may take the place of the one before.  One that ended before it was
 * known is of no use to anybody; one whose name is busy waits for the next tick. */
static void
register_read(struct certificates *certificates)
{
    int64_t now_us = clock_wall_us(certificates->settings.clock);
    for (size_t i = 0; i < ISSUED_AT_ONCE && !certificates->is_entering; i++) {
        struct certificate c = {.origin = ORIGIN_OFFLINE, .state = CERTIFICATE_WAITING};
        int64_t from = certificates->issued_at, at = from;
        int result = issued_next(certificates->settings.issued_fd, &at, &c);
        if (result == 0 || (result < 0 && result != -EBADMSG)) {
            return;
        }
        bool is_new = result == 1 && !held_by_serial(certificates, c.serial) &&
                      c.expires_us + certificates->settings.grace_us > now_us;
        if (is_new && name_is_busy(certificates, (int)c.role, c.name)) {
            return;
        }
        certificates->issued_at = at;
        if (is_new) {
            entry_store(certificates, &c, from);
        }
    }
}

/* ---- time ---- */

static bool
has_successor(const struct certificates *certificates, const struct certificate *certificate)
{
    size_t index = 0;
    for (const struct held *each;
         (each = held_next_live(certificates, certificate->role, certificate->name, &index));) {
        if (each->c.issued_us > certificate->issued_us && !is_unused(each)) {
            return true;
        }
    }
    return false;
}

bool
certificates_is_expiring(const struct certificates *certificates,
                         const struct certificate *certificate)
{
    int64_t left_us = certificate->expires_us - clock_wall_us(certificates->settings.clock);
    bool is_current = certificate->state == CERTIFICATE_VALID ||
                      certificate->state == CERTIFICATE_WAITING ||
                      certificate->state == CERTIFICATE_EXPIRED;
    return is_current && left_us < (certificate->expires_us - certificate->issued_us) / 5 &&
           !has_successor(certificates, certificate);
}

/* With a third of its life left; again when nothing came of it. */
static bool
renewal_ask(struct certificates *certificates, struct held *held, int64_t now_us, int64_t boot_us)
{
    int64_t life_us = held->c.expires_us - held->c.issued_us;
    int64_t again_us = life_us / 10 < ASK_AGAIN_US ? life_us / 10 : ASK_AGAIN_US;
    if (held->c.state != CERTIFICATE_VALID || !held->c.is_connected || held->is_changing ||
        held->c.expires_us - now_us > life_us / 3 ||
        (held->asked_us && boot_us - held->asked_us < again_us)) {
        return false;
    }
    struct wire_renew renew = {.role = held->c.role};
    snprintf(renew.name, sizeof(renew.name), "%s", held->c.name);
    held->asked_us = boot_us ? boot_us : 1;
    (void)certificates->settings.send_renew(certificates->settings.context, &renew);
    return true;
}

static void
expiry_tell(struct certificates *certificates, struct held *held, int64_t now_us)
{
    char text[TIME_TEXT_SIZE], detail[TEXT_SIZE];
    if (held->is_told || !certificate_is_live(&held->c) || is_unused(held) ||
        !certificates_is_expiring(certificates, &held->c)) {
        return;
    }
    held->is_told = true;
    time_format(held->c.expires_us, text);
    if (held->c.expires_us > now_us) {
        snprintf(detail, sizeof(detail),
                 "its certificate expires on %s: enrol it again ('cordonctl enrol')", text);
    } else {
        snprintf(detail, sizeof(detail),
                 "its certificate expired on %s: enrol it again ('cordonctl enrol')", text);
    }
    certificates->settings.tell(certificates->settings.context, SEVERITY_MEDIUM, held->c.name,
                                detail);
}

static void
seen_write(struct certificates *certificates, struct held *held, int64_t boot_us)
{
    if (held->is_dirty && !held->is_changing &&
        (held->written_us == 0 || boot_us - held->written_us >= WRITE_US)) {
        struct store_change *change = store_change_new();
        store_put_certificate(change, &held->c);
        store_submit(certificates->settings.store, change, NULL, NULL);
        held->is_dirty = false;
        held->written_us = boot_us;
    }
}

void
certificates_tick(struct certificates *certificates)
{
    int64_t now_us = clock_wall_us(certificates->settings.clock);
    int64_t boot_us = clock_boot_us(certificates->settings.clock);
    bool has_changed[DEVICE_ROLE_COUNT] = {false};
    size_t asks = 0;
    if (certificates->ticked_us && boot_us - certificates->ticked_us < SECOND_US) {
        return;
    }
    certificates->ticked_us = boot_us;
    if (certificates->settings.issued_fd >= 0) {
        register_read(certificates);
    }
    for (size_t i = 0; i < certificates->held_count; i++) {
        struct held *held = certificates->held[i];
        if (!certificate_is_live(&held->c)) {
            continue;
        }
        asks += asks < ASKS_PER_TICK && renewal_ask(certificates, held, now_us, boot_us);
        bool is_past = now_us > held->c.expires_us + certificates->settings.grace_us;
        has_changed[held->c.role] = has_changed[held->c.role] || is_past != held->is_past;
        held->is_past = is_past;
        expiry_tell(certificates, held, now_us);
        seen_write(certificates, held, boot_us);
    }
    for (int role = 0; role < DEVICE_ROLE_COUNT; role++) {
        if (has_changed[role]) {
            certificates->settings.on_peers(certificates->settings.context, (enum device_role)role);
        }
    }
}
