/* The audit log's chain: each row's hash covers its own fields and the hash before it, so that a
 * row that was edited, removed, inserted or put elsewhere breaks the chain.  Pure: the same walk
 * checks the database (store/audit_reader.c) and an exported file (cordonctl).
 *
 * What the chain alone cannot show: that its end was cut off, or that all of it was made anew from
 * some row on (it has no key: whoever can write the file can compute hashes too).  For that, signed
 * checkpoints leave the machine (model/checkpoint.h) and are held against the chain here; and who
 * noted a newest hash elsewhere can ask whether the chain still goes through it ('wanted').
 *
 * Old rows may be pruned (retention): the chain then begins behind an anchor, a checkpoint of the
 * last row that went. */
#ifndef CORDON_MODEL_AUDIT_CHAIN_H
#define CORDON_MODEL_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/text.h"

#define AUDIT_HASH_SIZE 32 /* SHA-256 */
#define AUDIT_HEX_SIZE (2 * AUDIT_HASH_SIZE + 1)

struct audit_fields {
    int64_t number, at_us;
    const char *account, *action, *object, *detail;
};

/* 'hash' may be 'before'.  The first row's 'before' is all zero. */
void audit_hash(const uint8_t before[AUDIT_HASH_SIZE], const struct audit_fields *fields,
                uint8_t hash[AUDIT_HASH_SIZE]);
void audit_hash_format(const uint8_t hash[AUDIT_HASH_SIZE], char text[AUDIT_HEX_SIZE]);
bool audit_hash_parse(const char *text, uint8_t hash[AUDIT_HASH_SIZE]) MUST_CHECK;

enum audit_fault {
    AUDIT_SOUND,
    AUDIT_EDITED,    /* a row's content or hash is not what was written */
    AUDIT_REMOVED,   /* rows are missing before it */
    AUDIT_REORDERED, /* rows stand in another order than they were written in */
    AUDIT_INSERTED,  /* a row that was never written */
    AUDIT_CUT,       /* the end is missing, or was made anew */
    AUDIT_REWRITTEN, /* the rows are others than those of which checkpoints were signed */
    AUDIT_FAULT_COUNT
};
extern const char *const audit_fault_names[AUDIT_FAULT_COUNT + 1];

/* Row of the audit by which a restore of a backup is told: what the restore took with it is missed
 * honestly. */
#define AUDIT_RESTORED "restored"

/* What somebody elsewhere holds of the chain: row 'number' had this hash. */
enum audit_held_state { HELD_UNSEEN, HELD_FITS, HELD_DIFFERS };
struct audit_held {
    int64_t number;
    uint8_t hash[AUDIT_HASH_SIZE];
    int64_t at_us;      /* when that was said */
    char by[NAME_SIZE]; /* who holds it */
    enum audit_held_state state;
    int64_t late; /* the first row up to 'number' that is younger than this; 0: none */
};
#define AUDIT_RESTORES_MAX 16

/* The walk.  Rows are given in the order in which they stand; after the first one that does not
 * fit, those behind it tell what happened. */
struct audit_row_copy {
    struct audit_fields fields; /* texts owned */
    uint8_t hash[AUDIT_HASH_SIZE];
};
struct audit_chain {
    int64_t checked;               /* rows that fit, from the first on */
    uint8_t last[AUDIT_HASH_SIZE]; /* hash of the last of them */
    enum audit_fault fault;
    int64_t bad_number;   /* the first row that does not fit what stands before it */
    char what[TEXT_SIZE]; /* for people */
    /* What must be on the way; set before the first row. */
    bool has_wanted, has_tip;
    uint8_t wanted[AUDIT_HASH_SIZE];
    int64_t tip_number;
    uint8_t tip[AUDIT_HASH_SIZE];
    struct audit_held *held; /* borrowed, by number */
    size_t held_count;
    int64_t anchor; /* the last row that was pruned; 0: none was */
    uint64_t lost;  /* checkpoints of rows that a recorded restore took with it */
    /* the walk's own */
    size_t held_next;
    int64_t held_least_us; /* of those still to come that no row was younger than */
    struct {
        int64_t number, at_us;
    } restores[AUDIT_RESTORES_MAX]; /* the newest */
    size_t restore_count;
    bool is_wanted_found, is_tip_found;
    int64_t expected_number;
    uint64_t behind; /* rows seen behind the bad one */
    struct audit_row_copy bad;
};

void audit_chain_begin(struct audit_chain *chain);
/* A newest hash that was noted earlier: it must be in the chain. */
void audit_chain_want(struct audit_chain *chain, const uint8_t hash[AUDIT_HASH_SIZE]);
/* The newest row that whoever writes the chain knows of. */
void audit_chain_tip(struct audit_chain *chain, int64_t number,
                     const uint8_t hash[AUDIT_HASH_SIZE]);
/* The rows up to 'number' were pruned; its hash was 'hash'. */
void audit_chain_anchor(struct audit_chain *chain, int64_t number,
                        const uint8_t hash[AUDIT_HASH_SIZE]);
/* What others hold; borrowed until the end of the walk, which sorts it and sets each 'state'. */
void audit_chain_hold(struct audit_chain *chain, struct audit_held *held, size_t count);
/* True: give it the next row.  A text may be NULL (then the row does not fit). */
bool audit_chain_take(struct audit_chain *chain, const struct audit_fields *fields,
                      const uint8_t hash[AUDIT_HASH_SIZE]);
/* After the last row: 'fault', 'bad_number' and 'what' are final; frees what the walk held. */
void audit_chain_end(struct audit_chain *chain);

#endif
