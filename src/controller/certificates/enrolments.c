/* One-time tokens, and what devices do with them. */
#include "controller/certificates/certificates_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/id.h"
#include "base/mem.h"

#define SECOND_US INT64_C(1000000)
#define TOKEN_BYTES 32
#define TICKETS_MAX 1024 /* in memory; the oldest that are not open are forgotten */

static void
hash_hex(const void *bytes, size_t size, char hex[DEVICE_HASH_SIZE])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, bytes, size);
    sodium_bin2hex(hex, DEVICE_HASH_SIZE, hash, sizeof(hash));
}

bool
ticket_is_open(const struct certificates *certificates, const struct enrolment *enrolment)
{
    return enrolment->used_us == 0 && enrolment->withdrawn_us == 0 &&
           clock_wall_us(certificates->settings.clock) < enrolment->expires_us;
}

void
ticket_free(struct ticket *ticket)
{
    free(ticket->e.der);
    free(ticket);
}

static void
tickets_trim(struct certificates *certificates)
{
    size_t i = 0;
    while (certificates->ticket_count >= TICKETS_MAX && i < certificates->ticket_count) {
        struct ticket *ticket = certificates->tickets[i];
        if (ticket->is_changing || ticket_is_open(certificates, &ticket->e)) {
            i++;
            continue;
        }
        ticket_free(ticket);
        memmove(&certificates->tickets[i], &certificates->tickets[i + 1],
                (--certificates->ticket_count - i) * sizeof(struct ticket *));
    }
}

struct ticket *
ticket_add(struct certificates *certificates, const struct enrolment *enrolment)
{
    tickets_trim(certificates);
    if (certificates->ticket_count == certificates->ticket_room) {
        certificates->ticket_room = certificates->ticket_room ? certificates->ticket_room * 2 : 16;
        certificates->tickets =
            mem_resize(certificates->tickets, certificates->ticket_room, sizeof(struct ticket *));
    }
    struct ticket *ticket = MEM_NEW(struct ticket);
    ticket->e = *enrolment;
    ticket->e.der = NULL;
    if (enrolment->der_size > 0) {
        ticket->e.der = mem_new(enrolment->der_size, 1);
        memcpy(ticket->e.der, enrolment->der, enrolment->der_size);
    }
    certificates->tickets[certificates->ticket_count++] = ticket;
    return ticket;
}

const struct enrolment *
certificates_enrolment_at(const struct certificates *certificates, size_t index)
{
    return index < certificates->ticket_count ? &certificates->tickets[index]->e : NULL;
}

static struct ticket *
ticket_by_id(const struct certificates *certificates, const char *id)
{
    for (size_t i = 0; i < certificates->ticket_count; i++) {
        if (strcmp(certificates->tickets[i]->e.id, id) == 0) {
            return certificates->tickets[i];
        }
    }
    return NULL;
}

static size_t
open_count(const struct certificates *certificates)
{
    size_t count = 0;
    for (size_t i = 0; i < certificates->ticket_count; i++) {
        count += ticket_is_open(certificates, &certificates->tickets[i]->e);
    }
    return count;
}

/* One that is open for that device, after 'index'; 'role' -1: either. */
static struct ticket *
ticket_next(const struct certificates *certificates, int role, const char *name, size_t *index)
{
    while (*index < certificates->ticket_count) {
        struct ticket *ticket = certificates->tickets[(*index)++];
        if ((role < 0 || (int)ticket->e.role == role) && strcmp(ticket->e.name, name) == 0 &&
            !ticket->is_changing && ticket_is_open(certificates, &ticket->e)) {
            return ticket;
        }
    }
    return NULL;
}

static void
withdraw_put(const struct certificates *certificates, struct store_change *change, int role,
             const char *name)
{
    size_t index = 0;
    for (struct ticket *each; (each = ticket_next(certificates, role, name, &index));) {
        struct enrolment withdrawn = each->e;
        withdrawn.withdrawn_us = clock_wall_us(certificates->settings.clock);
        store_put_enrolment(change, &withdrawn);
    }
}

static void
withdraw_all(const struct certificates *certificates, int role, const char *name,
             const struct ticket *but)
{
    size_t index = 0;
    for (struct ticket *each; (each = ticket_next(certificates, role, name, &index));) {
        if (each != but) {
            each->e.withdrawn_us = clock_wall_us(certificates->settings.clock);
        }
    }
}

/* ---- offer ---- */

struct offering {
    struct certificates *certificates;
    struct enrolment e;
    struct certificates_token token;
    certificates_done_fn *done;
    void *context;
};

static void
on_offered(void *context, int error)
{
    struct offering *offering = context;
    struct certificates *certificates = offering->certificates;
    if (error) {
        offering->done(offering->context, CERTIFICATES_FAILED, "", NULL);
    } else {
        struct ticket *ticket = ticket_add(certificates, &offering->e);
        withdraw_all(certificates, (int)ticket->e.role, ticket->e.name, ticket);
        offering->token.enrolment = &ticket->e;
        certificates->settings.on_change(certificates->settings.context);
        offering->done(offering->context, CERTIFICATES_DONE, "", &offering->token);
    }
    sodium_memzero(offering, sizeof(*offering));
    free(offering);
}

static void
token_make(char text[DEVICE_TOKEN_SIZE])
{
    unsigned char bytes[TOKEN_BYTES];
    char encoded[DEVICE_TOKEN_SIZE - sizeof(DEVICE_TOKEN_MARK)];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(encoded, sizeof(encoded), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    snprintf(text, DEVICE_TOKEN_SIZE, DEVICE_TOKEN_MARK "%s", encoded);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(encoded, sizeof(encoded));
}

void
certificates_offer(struct certificates *certificates, const struct certificates_offer *offer,
                   certificates_done_fn *done, void *context)
{
    char object[NAME_SIZE], why[256];
    int64_t now_us = clock_wall_us(certificates->settings.clock);
    if (!pki_name_check(offer->name, why)) {
        done(context, CERTIFICATES_REFUSED, why, NULL);
        return;
    }
    if (open_count(certificates) >= ENROLMENTS_OPEN_MAX) {
        done(context, CERTIFICATES_REFUSED, "too many enrolments are open: withdraw some", NULL);
        return;
    }
    struct offering *offering = MEM_NEW(struct offering);
    *offering = (struct offering){.certificates = certificates, .done = done, .context = context};
    struct enrolment *e = &offering->e;
    id_make(now_us, e->id);
    e->role = offer->role;
    e->made_us = now_us;
    e->expires_us = now_us + (offer->life_us ? offer->life_us : certificates->settings.token_us);
    snprintf(e->name, sizeof(e->name), "%s", offer->name);
    snprintf(e->made_by, sizeof(e->made_by), "%s", offer->account);
    token_make(offering->token.text);
    hash_hex(offering->token.text, strlen(offering->token.text), e->hash);
    struct store_change *change = store_change_new();
    withdraw_put(certificates, change, (int)e->role, e->name);
    store_put_enrolment(change, e);
    snprintf(object, sizeof(object), "%s %.50s", device_role_names[e->role], e->name);
    store_put_audit(change, now_us, offer->account, "enrolment.offer", object, offer->reason);
    store_submit(certificates->settings.store, change, on_offered, offering);
}

/* ---- withdraw ---- */

struct withdrawing {
    struct certificates *certificates;
    char id[ID_SIZE];
    int64_t at_us;
    certificates_done_fn *done;
    void *context;
};

static void
on_withdrawn(void *context, int error)
{
    struct withdrawing *withdrawing = context;
    struct ticket *ticket = ticket_by_id(withdrawing->certificates, withdrawing->id);
    if (error || !ticket) {
        withdrawing->done(withdrawing->context, CERTIFICATES_FAILED, "", NULL);
    } else {
        ticket->is_changing = false;
        ticket->e.withdrawn_us = withdrawing->at_us;
        withdrawing->certificates->settings.on_change(withdrawing->certificates->settings.context);
        withdrawing->done(withdrawing->context, CERTIFICATES_DONE, "", &ticket->e);
    }
    if (ticket) {
        ticket->is_changing = false;
    }
    free(withdrawing);
}

void
certificates_withdraw(struct certificates *certificates, const char *id, const char *account,
                      const char *reason, certificates_done_fn *done, void *context)
{
    char object[NAME_SIZE];
    struct ticket *ticket = ticket_by_id(certificates, id);
    if (!ticket) {
        done(context, CERTIFICATES_UNKNOWN, "", NULL);
        return;
    }
    if (ticket->is_changing) {
        done(context, CERTIFICATES_BUSY, "", NULL);
        return;
    }
    if (!ticket_is_open(certificates, &ticket->e)) {
        done(context, CERTIFICATES_REFUSED, "it is not open any more", NULL);
        return;
    }
    struct withdrawing *withdrawing = MEM_NEW(struct withdrawing);
    *withdrawing = (struct withdrawing){.certificates = certificates,
                                        .at_us = clock_wall_us(certificates->settings.clock),
                                        .done = done,
                                        .context = context};
    memcpy(withdrawing->id, ticket->e.id, sizeof(withdrawing->id));
    struct enrolment withdrawn = ticket->e;
    withdrawn.withdrawn_us = withdrawing->at_us;
    struct store_change *change = store_change_new();
    store_put_enrolment(change, &withdrawn);
    snprintf(object, sizeof(object), "%s %.50s", device_role_names[withdrawn.role], withdrawn.name);
    store_put_audit(change, withdrawing->at_us, account, "enrolment.withdraw", object, reason);
    ticket->is_changing = true;
    store_submit(certificates->settings.store, change, on_withdrawn, withdrawing);
}

/* ---- redeem ---- */

struct redeeming {
    struct certificates *certificates;
    char id[ID_SIZE];
    struct enrolment used; /* as it is after the commit; 'der' owned */
    struct certificate c;
    certificates_done_fn *done;
    void *context;
};

/* Every token's hash is compared to its end, whichever fits: how long it takes says nothing. */
static struct ticket *
ticket_by_hash(const struct certificates *certificates, const char hash[DEVICE_HASH_SIZE])
{
    struct ticket *found = NULL;
    for (size_t i = 0; i < certificates->ticket_count; i++) {
        struct ticket *each = certificates->tickets[i];
        if (sodium_memcmp(each->e.hash, hash, DEVICE_HASH_SIZE) == 0) {
            found = each;
        }
    }
    return found;
}

/* NULL: it may. */
static const char *
redeem_refuse(const struct certificates *certificates, const struct ticket *ticket,
              const struct certificates_redeem *asked, const char *key)
{
    if (!ticket) {
        return "this enrolment token is not known";
    }
    if (strcmp(asked->name, ticket->e.name) != 0) {
        return "this enrolment token is for another name";
    }
    if (strcmp(asked->role, device_role_names[ticket->e.role]) != 0) {
        return "this enrolment token is for another role";
    }
    if (ticket->e.withdrawn_us) {
        return "this enrolment token was withdrawn";
    }
    if (clock_wall_us(certificates->settings.clock) >= ticket->e.expires_us) {
        return "this enrolment token has expired";
    }
    bool is_used = ticket->e.used_us && strcmp(ticket->e.key, key) != 0;
    bool is_taken = ticket->is_changing && strcmp(ticket->trying, key) != 0;
    return is_used || is_taken ? "this enrolment token was used already" : NULL;
}

static void
redeem_note(struct certificates *certificates, const struct certificates_redeem *asked,
            const char *why)
{
    struct refused_peer refused = {.why = REFUSAL_TOKEN};
    snprintf(refused.name, sizeof(refused.name), "%s", asked->name);
    snprintf(refused.role, sizeof(refused.role), "%s", asked->role);
    snprintf(refused.from, sizeof(refused.from), "%s", asked->from);
    snprintf(refused.detail, sizeof(refused.detail), "%s", why);
    refusal_note(certificates, &refused);
}

static void
on_redeemed(void *context, int error)
{
    struct redeeming *redeeming = context;
    struct certificates *certificates = redeeming->certificates;
    struct ticket *ticket = ticket_by_id(certificates, redeeming->id);
    if (ticket) {
        ticket->is_changing = false;
        ticket->trying[0] = '\0';
    }
    if (error || !ticket) {
        free(redeeming->used.der);
        redeeming->done(redeeming->context, CERTIFICATES_FAILED, "", NULL);
    } else {
        size_t index = 0;
        for (struct held *each;
             (each = held_next_live(certificates, redeeming->c.role, redeeming->c.name, &index));) {
            held_end(certificates, each, CERTIFICATE_REPLACED, redeeming->used.made_by,
                     "it was enrolled again");
        }
        (void)held_add(certificates, &redeeming->c);
        ticket->e = redeeming->used;
        certificates->settings.on_peers(certificates->settings.context, redeeming->c.role);
        certificates->settings.on_change(certificates->settings.context);
        log_info("certificates", "enrolled", LOG_S("name", redeeming->c.name),
                 LOG_S("serial", redeeming->c.serial), LOG_S("from", ticket->e.from));
        redeeming->done(redeeming->context, CERTIFICATES_DONE, "", &ticket->e);
    }
    free(redeeming);
}

static void
redeem_commit(struct redeeming *redeeming)
{
    struct certificates *certificates = redeeming->certificates;
    struct store_change *change = store_change_new();
    char object[NAME_SIZE], detail[TEXT_SIZE];
    size_t index = 0;
    for (struct held *each;
         (each = held_next_live(certificates, redeeming->c.role, redeeming->c.name, &index));) {
        held_put_end(certificates, change, each, CERTIFICATE_REPLACED, redeeming->used.made_by,
                     "it was enrolled again");
    }
    store_put_certificate(change, &redeeming->c);
    store_put_enrolment(change, &redeeming->used);
    snprintf(object, sizeof(object), "%s %.50s", device_role_names[redeeming->c.role],
             redeeming->c.name);
    snprintf(detail, sizeof(detail), "serial %s, from %s, offered by %s", redeeming->c.serial,
             redeeming->used.from, redeeming->used.made_by);
    store_put_audit(change, redeeming->used.used_us, "cordond", "certificate.enrol", object,
                    detail);
    store_submit(certificates->settings.store, change, on_redeemed, redeeming);
}

static void
redeem(struct certificates *certificates, struct ticket *ticket,
       const struct certificates_redeem *asked, struct redeeming *redeeming,
       const struct pki_issued *issued)
{
    redeeming->certificates = certificates;
    redeeming->used = ticket->e;
    redeeming->used.used_us = clock_wall_us(certificates->settings.clock);
    redeeming->used.der = issued->der;
    redeeming->used.der_size = issued->der_size;
    memcpy(redeeming->id, ticket->e.id, sizeof(redeeming->id));
    memcpy(redeeming->used.key, ticket->trying, DEVICE_HASH_SIZE);
    memcpy(redeeming->used.serial, issued->serial, sizeof(issued->serial));
    snprintf(redeeming->used.from, sizeof(redeeming->used.from), "%s", asked->from);
    struct certificate *c = &redeeming->c;
    c->role = ticket->e.role;
    c->origin = ORIGIN_ENROLLED;
    c->issued_us = issued->issued_us;
    c->expires_us = issued->expires_us;
    memcpy(c->name, ticket->e.name, sizeof(c->name));
    memcpy(c->serial, issued->serial, sizeof(c->serial));
    memcpy(c->fingerprint, issued->fingerprint, sizeof(c->fingerprint));
    redeem_commit(redeeming);
}

void
certificates_redeem(struct certificates *certificates, const struct certificates_redeem *asked,
                    certificates_done_fn *done, void *context)
{
    char key[DEVICE_HASH_SIZE], why[256] = "";
    struct pki_issued issued;
    struct ticket *ticket = ticket_by_hash(certificates, asked->hash);
    hash_hex(asked->key, sizeof(asked->key), key);
    const char *refusal = redeem_refuse(certificates, ticket, asked, key);
    if (refusal) {
        redeem_note(certificates, asked, refusal);
        done(context, CERTIFICATES_REFUSED, refusal, NULL);
        return;
    }
    if (ticket->e.used_us) { /* the same key: its answer was lost */
        done(context, CERTIFICATES_DONE, "", &ticket->e);
        return;
    }
    if (name_is_busy(certificates, (int)ticket->e.role, ticket->e.name)) {
        done(context, CERTIFICATES_BUSY, "", NULL);
        return;
    }
    const struct pki_request request = {.role = device_role_names[ticket->e.role],
                                        .name = ticket->e.name,
                                        .key = asked->key,
                                        .now_s =
                                            clock_wall_us(certificates->settings.clock) / SECOND_US,
                                        .life_s = certificates->settings.life_us / SECOND_US};
    if (pki_ca_sign(certificates->settings.ca, &request, &issued, why)) {
        redeem_note(certificates, asked, why);
        done(context, CERTIFICATES_REFUSED, why, NULL);
        return;
    }
    ticket->is_changing = true;
    memcpy(ticket->trying, key, sizeof(key));
    struct redeeming *redeeming = MEM_NEW(struct redeeming);
    redeeming->done = done;
    redeeming->context = context;
    redeem(certificates, ticket, asked, redeeming, &issued);
}

/* ---- revoke ---- */

struct revoking {
    struct certificates *certificates;
    char name[NAME_SIZE];
    char serial[SERIAL_SIZE]; /* "": all of that name */
    char account[NAME_SIZE];
    char reason[TEXT_SIZE];
    certificates_done_fn *done;
    void *context;
};

static bool
is_meant(const struct revoking *revoking, const struct held *held)
{
    return certificate_is_live(&held->c) && strcmp(held->c.name, revoking->name) == 0 &&
           (!revoking->serial[0] || strcmp(held->c.serial, revoking->serial) == 0);
}

/* Those that were put into the change, and kept from being used meanwhile. */
static void
tickets_settle(struct certificates *certificates, const char *name, bool is_done)
{
    for (size_t i = 0; i < certificates->ticket_count; i++) {
        struct ticket *ticket = certificates->tickets[i];
        if (ticket->is_changing && strcmp(ticket->e.name, name) == 0) {
            ticket->is_changing = false;
            ticket->e.withdrawn_us =
                is_done ? clock_wall_us(certificates->settings.clock) : ticket->e.withdrawn_us;
        }
    }
}

static void
on_revoked(void *context, int error)
{
    struct revoking *revoking = context;
    struct certificates *certificates = revoking->certificates;
    const struct certificate *last = NULL;
    for (size_t i = 0; !error && i < certificates->held_count; i++) {
        struct held *held = certificates->held[i];
        if (is_meant(revoking, held) && held->is_changing) {
            held->is_changing = false;
            held_end(certificates, held, CERTIFICATE_REVOKED, revoking->account, revoking->reason);
            last = &held->c;
        }
    }
    tickets_settle(certificates, revoking->name, !error);
    if (error) {
        for (size_t i = 0; i < certificates->held_count; i++) {
            certificates->held[i]->is_changing &= !is_meant(revoking, certificates->held[i]);
        }
        revoking->done(revoking->context, CERTIFICATES_FAILED, "", NULL);
    } else {
        for (int role = 0; role < DEVICE_ROLE_COUNT; role++) {
            certificates->settings.on_peers(certificates->settings.context, (enum device_role)role);
        }
        certificates->settings.on_change(certificates->settings.context);
        revoking->done(revoking->context, last ? CERTIFICATES_DONE : CERTIFICATES_UNKNOWN, "",
                       last);
    }
    free(revoking);
}

void
certificates_revoke(struct certificates *certificates, const char *which, const char *account,
                    const char *reason, certificates_done_fn *done, void *context)
{
    const struct held *one = held_by_serial(certificates, which);
    if (name_is_busy(certificates, -1, one ? one->c.name : which)) {
        done(context, CERTIFICATES_BUSY, "", NULL);
        return;
    }
    struct revoking *revoking = MEM_NEW(struct revoking);
    struct store_change *change = store_change_new();
    size_t count = 0;
    *revoking = (struct revoking){.certificates = certificates, .done = done, .context = context};
    snprintf(revoking->name, sizeof(revoking->name), "%s", one ? one->c.name : which);
    snprintf(revoking->serial, sizeof(revoking->serial), "%s", one ? one->c.serial : "");
    snprintf(revoking->account, sizeof(revoking->account), "%s", account);
    snprintf(revoking->reason, sizeof(revoking->reason), "%s", reason);
    for (size_t i = 0; i < certificates->held_count; i++) {
        if (is_meant(revoking, certificates->held[i])) {
            char object[NAME_SIZE + SERIAL_SIZE];
            const struct certificate *c = &certificates->held[i]->c;
            held_put_end(certificates, change, certificates->held[i], CERTIFICATE_REVOKED, account,
                         reason);
            snprintf(object, sizeof(object), "%s %s", device_role_names[c->role], c->name);
            store_put_audit(change, clock_wall_us(certificates->settings.clock), account,
                            "certificate.revoke", object, reason);
            certificates->held[i]->is_changing = true;
            count++;
        }
    }
    if (count == 0) {
        store_change_free(change);
        free(revoking);
        done(context, one ? CERTIFICATES_REFUSED : CERTIFICATES_UNKNOWN,
             one ? "it is not in use any more" : "", NULL);
        return;
    }
    withdraw_put(certificates, change, -1, revoking->name);
    size_t index = 0;
    for (struct ticket *each; (each = ticket_next(certificates, -1, revoking->name, &index));) {
        each->is_changing = true;
        each->trying[0] = '\0';
    }
    store_submit(certificates->settings.store, change, on_revoked, revoking);
}
