#include "model/audit_chain.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define RENUMBERED_MAX                                                                             \
    1000 /* rows taken out and closed up behind, as far as they can be counted                     \
          */

const char *const audit_fault_names[AUDIT_FAULT_COUNT + 1] = {
    "none", "edited", "removed", "reordered", "inserted", "cut", "rewritten", NULL};

static void
put_number(crypto_hash_sha256_state *state, uint64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    crypto_hash_sha256_update(state, bytes, sizeof(bytes));
}

/* With its length, so that no two different rows give the same bytes. */
static void
put_text(crypto_hash_sha256_state *state, const char *text)
{
    size_t size = strlen(text);
    put_number(state, size);
    crypto_hash_sha256_update(state, (const uint8_t *)text, size);
}

void
audit_hash(const uint8_t before[AUDIT_HASH_SIZE], const struct audit_fields *fields,
           uint8_t hash[AUDIT_HASH_SIZE])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, before, AUDIT_HASH_SIZE);
    put_number(&state, (uint64_t)fields->number);
    put_number(&state, (uint64_t)fields->at_us);
    put_text(&state, fields->account);
    put_text(&state, fields->action);
    put_text(&state, fields->object);
    put_text(&state, fields->detail);
    crypto_hash_sha256_final(&state, hash);
}

void
audit_hash_format(const uint8_t hash[AUDIT_HASH_SIZE], char text[AUDIT_HEX_SIZE])
{
    sodium_bin2hex(text, AUDIT_HEX_SIZE, hash, AUDIT_HASH_SIZE);
}

bool
audit_hash_parse(const char *text, uint8_t hash[AUDIT_HASH_SIZE])
{
    size_t size = 0;
    const char *end = NULL;
    return strlen(text) == AUDIT_HEX_SIZE - 1 &&
           sodium_hex2bin(hash, AUDIT_HASH_SIZE, text, AUDIT_HEX_SIZE - 1, NULL, &size, &end) ==
               0 &&
           size == AUDIT_HASH_SIZE && *end == '\0';
}

void
audit_chain_begin(struct audit_chain *chain)
{
    *chain = (struct audit_chain){.fault = AUDIT_SOUND};
}

void
audit_chain_want(struct audit_chain *chain, const uint8_t hash[AUDIT_HASH_SIZE])
{
    chain->has_wanted = true;
    memcpy(chain->wanted, hash, AUDIT_HASH_SIZE);
}

void
audit_chain_tip(struct audit_chain *chain, int64_t number, const uint8_t hash[AUDIT_HASH_SIZE])
{
    chain->has_tip = number > 0;
    chain->tip_number = number;
    memcpy(chain->tip, hash, AUDIT_HASH_SIZE);
}

static bool is_equal(const uint8_t a[AUDIT_HASH_SIZE], const uint8_t b[AUDIT_HASH_SIZE]);

static void
held_least(struct audit_chain *chain)
{
    chain->held_least_us = INT64_MAX;
    for (size_t i = chain->held_next; i < chain->held_count; i++) {
        const struct audit_held *held = &chain->held[i];
        if (held->late == 0 && held->at_us < chain->held_least_us) {
            chain->held_least_us = held->at_us;
        }
    }
}

/* A row that stands before one that was vouched for, and is younger than that: it was written in
 * the place of another. */
static void
held_date(struct audit_chain *chain, int64_t number, int64_t at_us)
{
    if (chain->held_next == chain->held_count || at_us <= chain->held_least_us) {
        return;
    }
    for (size_t i = chain->held_next; i < chain->held_count; i++) {
        struct audit_held *held = &chain->held[i];
        if (held->late == 0 && at_us > held->at_us) {
            held->late = number;
        }
    }
    held_least(chain);
}

/* Those up to 'number', whose hash is chain->last. */
static void
held_look(struct audit_chain *chain, int64_t number)
{
    size_t before = chain->held_next;
    for (; chain->held_next < chain->held_count; chain->held_next++) {
        struct audit_held *held = &chain->held[chain->held_next];
        if (held->number > number) {
            break;
        }
        if (held->number == number) {
            held->state = is_equal(held->hash, chain->last) ? HELD_FITS : HELD_DIFFERS;
        }
    }
    if (chain->held_next != before) {
        held_least(chain);
    }
}

void
audit_chain_anchor(struct audit_chain *chain, int64_t number, const uint8_t hash[AUDIT_HASH_SIZE])
{
    chain->anchor = number;
    chain->checked = number;
    memcpy(chain->last, hash, AUDIT_HASH_SIZE);
    held_look(chain, number);
}

static int
held_compare(const void *a, const void *b)
{
    const struct audit_held *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

void
audit_chain_hold(struct audit_chain *chain, struct audit_held *held, size_t count)
{
    if (count > 0) {
        qsort(held, count, sizeof(*held), held_compare);
    }
    for (size_t i = 0; i < count; i++) {
        held[i].state = HELD_UNSEEN;
        held[i].late = 0;
    }
    chain->held = held;
    chain->held_count = count;
    chain->held_next = 0;
    held_least(chain);
    held_look(chain, chain->anchor);
}

static bool
is_equal(const uint8_t a[AUDIT_HASH_SIZE], const uint8_t b[AUDIT_HASH_SIZE])
{
    return memcmp(a, b, AUDIT_HASH_SIZE) == 0;
}

/* Does the row, with that number and behind that hash, have the hash 'is'? */
static bool
fits(const uint8_t before[AUDIT_HASH_SIZE], const struct audit_fields *fields, int64_t number,
     const uint8_t is[AUDIT_HASH_SIZE])
{
    struct audit_fields as = *fields;
    uint8_t hash[AUDIT_HASH_SIZE];
    as.number = number;
    audit_hash(before, &as, hash);
    return is_equal(hash, is);
}

static void
fault_set(struct audit_chain *chain, enum audit_fault fault, const char *what)
{
    chain->fault = fault;
    snprintf(chain->what, sizeof(chain->what), "%s", what);
}

static void
bad_keep(struct audit_chain *chain, const struct audit_fields *fields,
         const uint8_t hash[AUDIT_HASH_SIZE])
{
    chain->expected_number = chain->checked + 1;
    chain->bad_number = fields->number;
    chain->bad.fields = (struct audit_fields){
        .number = fields->number,
        .at_us = fields->at_us,
        .account = mem_strdup(fields->account),
        .action = mem_strdup(fields->action),
        .object = mem_strdup(fields->object),
        .detail = mem_strdup(fields->detail),
    };
    memcpy(chain->bad.hash, hash, AUDIT_HASH_SIZE);
    char what[TEXT_SIZE];
    if (fields->number > chain->expected_number) {
        snprintf(what, sizeof(what), "%" PRId64 " rows are missing before row %" PRId64,
                 fields->number - chain->expected_number, fields->number);
        fault_set(chain, AUDIT_REMOVED, what);
    } else if (fields->number < chain->expected_number) {
        fault_set(chain, AUDIT_REORDERED, "the row stands behind later ones, or twice");
    } else {
        fault_set(chain, AUDIT_EDITED,
                  "the row is not what was written, or the hash of the row before it was replaced");
    }
}

/* A row behind the bad one: does it say more about what happened?  True: go on. */
static bool
behind_take(struct audit_chain *chain, const struct audit_fields *fields,
            const uint8_t hash[AUDIT_HASH_SIZE])
{
    const struct audit_row_copy *bad = &chain->bad;
    char what[TEXT_SIZE];
    bool is_next = chain->behind++ == 0;
    if (fits(chain->last, fields, chain->expected_number, hash) ||
        fits(chain->last, fields, chain->expected_number, bad->hash)) {
        bool is_shifted = is_next && bad->fields.number == chain->expected_number &&
                          !fits(hash, &bad->fields, chain->expected_number + 1, bad->hash);
        snprintf(what, sizeof(what),
                 is_shifted ? "the row was never written: what was is now row %" PRId64
                            : "what was written in its place is now row %" PRId64,
                 fields->number);
        fault_set(chain, is_shifted ? AUDIT_INSERTED : AUDIT_REORDERED, what);
        return false;
    }
    for (int64_t gone = 1; is_next && chain->fault == AUDIT_EDITED && gone <= RENUMBERED_MAX;
         gone++) {
        if (fits(bad->hash, fields, fields->number + gone, hash)) {
            snprintf(what, sizeof(what),
                     "%" PRId64 " rows are missing before it, and all behind were renumbered",
                     gone);
            fault_set(chain, AUDIT_REMOVED, what);
            return false;
        }
    }
    return true;
}

static void
tip_look(struct audit_chain *chain, int64_t number)
{
    chain->is_wanted_found |= chain->has_wanted && is_equal(chain->last, chain->wanted);
    chain->is_tip_found |=
        chain->has_tip && number == chain->tip_number && is_equal(chain->last, chain->tip);
}

bool
audit_chain_take(struct audit_chain *chain, const struct audit_fields *fields,
                 const uint8_t hash[AUDIT_HASH_SIZE])
{
    static const uint8_t nothing[AUDIT_HASH_SIZE];
    struct audit_fields whole = *fields;
    bool is_whole = hash && fields->account && fields->action && fields->object && fields->detail;
    hash = hash ? hash : nothing;
    if (!is_whole) {
        whole.account = whole.account ? whole.account : "";
        whole.action = whole.action ? whole.action : "";
        whole.object = whole.object ? whole.object : "";
        whole.detail = whole.detail ? whole.detail : "";
    }
    if (chain->fault != AUDIT_SOUND) {
        return behind_take(chain, &whole, hash);
    }
    if (!is_whole || whole.number != chain->checked + 1 ||
        !fits(chain->last, &whole, whole.number, hash)) {
        bad_keep(chain, &whole, hash);
        return true;
    }
    memcpy(chain->last, hash, AUDIT_HASH_SIZE);
    chain->checked = whole.number;
    tip_look(chain, whole.number);
    held_date(chain, whole.number, whole.at_us);
    held_look(chain, whole.number);
    if (strcmp(whole.action, AUDIT_RESTORED) == 0) {
        size_t at = chain->restore_count++ % AUDIT_RESTORES_MAX;
        chain->restores[at].number = whole.number;
        chain->restores[at].at_us = whole.at_us;
    }
    return true;
}

/* Was it said before a restore that took its row away? */
static bool
is_lost_by_restore(const struct audit_chain *chain, const struct audit_held *held)
{
    for (size_t i = 0; i < chain->restore_count && i < AUDIT_RESTORES_MAX; i++) {
        if (chain->restores[i].number <= held->number && held->at_us <= chain->restores[i].at_us) {
            return true;
        }
    }
    return false;
}

/* From which row on the chain is not the one of which held[index] speaks: what it says itself (a
 * row younger than that, or its end), or behind the last row that was vouched for before. */
static int64_t
first_bad(const struct audit_chain *chain, size_t index)
{
    const struct audit_held *held = &chain->held[index];
    int64_t good = chain->anchor;
    for (size_t i = 0; i < index; i++) {
        const struct audit_held *each = &chain->held[i];
        bool is_older = each->number < held->number && each->at_us <= held->at_us;
        good = each->state == HELD_FITS && is_older ? each->number : good;
    }
    if (held->late > good) {
        return held->late;
    }
    return held->number > chain->checked ? chain->checked + 1 : good + 1;
}

/* The chain fits itself: does it fit what others hold of it? */
static void
held_judge(struct audit_chain *chain)
{
    char at[TIME_TEXT_SIZE], what[TEXT_SIZE];
    for (size_t i = 0; i < chain->held_count; i++) {
        const struct audit_held *held = &chain->held[i];
        if (held->state == HELD_FITS || held->number < chain->anchor) {
            continue;
        }
        if (is_lost_by_restore(chain, held)) {
            chain->lost++;
            continue;
        }
        time_format(held->at_us, at);
        bool is_cut = held->number > chain->checked;
        chain->bad_number = first_bad(chain, i);
        snprintf(what, sizeof(what),
                 is_cut ? "rows from %" PRId64 " on are missing: %s holds a checkpoint of row "
                          "%" PRId64 ", signed at %s"
                        : "rows from %" PRId64 " on are not those that were written: %s holds a "
                          "checkpoint of another row %" PRId64 ", signed at %s",
                 chain->bad_number, held->by, held->number, at);
        fault_set(chain, is_cut ? AUDIT_CUT : AUDIT_REWRITTEN, what);
        return;
    }
}

void
audit_chain_end(struct audit_chain *chain)
{
    char what[TEXT_SIZE];
    if (chain->fault == AUDIT_SOUND) {
        held_judge(chain);
    }
    if (chain->fault == AUDIT_SOUND && chain->has_tip && !chain->is_tip_found) {
        chain->bad_number = chain->checked + 1;
        snprintf(what, sizeof(what),
                 "the newest row that was written is number %" PRId64
                 ": it is missing, or the chain was made anew",
                 chain->tip_number);
        fault_set(chain, AUDIT_CUT, what);
    } else if (chain->fault == AUDIT_SOUND && chain->has_wanted && !chain->is_wanted_found) {
        chain->bad_number = chain->checked + 1;
        fault_set(chain, AUDIT_CUT,
                  "no row has the hash that was noted: the end was cut off, or the chain was made "
                  "anew from some row before it");
    }
    free((char *)chain->bad.fields.account);
    free((char *)chain->bad.fields.action);
    free((char *)chain->bad.fields.object);
    free((char *)chain->bad.fields.detail);
    chain->bad = (struct audit_row_copy){.fields = {.number = 0}};
}
