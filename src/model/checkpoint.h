/* A signed checkpoint of the audit's chain: "row N has this hash", said at a time, by a key.  It
 * leaves the machine (edges keep it, syslog tells it), so that whoever rewrites the database cannot
 * rewrite what was said before.
 *
 * As text it is a signed note as C2SP describes it (c2sp.org/signed-note; the body as in
 * c2sp.org/tlog-checkpoint, with the hash of our chain in place of a Merkle tree's, and the time as
 * the extension line):
 *
 *     cordon/1f0c…            origin: also the key's name; made from the key
 *     1480                    number of the newest row
 *     base64(hash)
 *     2026-03-09T02:58:24.532140Z
 *
 *     — cordon/1f0c… base64(key id, Ed25519 signature of the lines above)
 *
 * and in one line, for syslog, with blanks between the same words behind CHECKPOINT_MARK.  Pure;
 * the same code signs (core), keeps (edge) and checks (core, cordonctl). */
#ifndef CORDON_MODEL_CHECKPOINT_H
#define CORDON_MODEL_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/audit_chain.h"

#define CHECKPOINT_NOTE_SIZE 512
#define CHECKPOINT_MARK "cordon-checkpoint "
#define CHECKPOINT_KEY_SIZE 32
#define CHECKPOINT_SECRET_SIZE 64
#define CHECKPOINT_SIGNATURE_SIZE 64
#define CHECKPOINT_VKEY_SIZE 160

struct checkpoint {
    char origin[NAME_SIZE];
    int64_t number;
    uint8_t hash[AUDIT_HASH_SIZE];
    int64_t at_us;
    uint8_t key_id[4];
    uint8_t signature[CHECKPOINT_SIGNATURE_SIZE];
    bool is_anchor; /* signed as one: see below */
};

/* What checks. */
struct checkpoint_key {
    char origin[NAME_SIZE];
    uint8_t bytes[CHECKPOINT_KEY_SIZE];
};

/* The pair of 'seed' (32 random bytes). */
void checkpoint_key_make(const uint8_t seed[CHECKPOINT_KEY_SIZE], struct checkpoint_key *key,
                         uint8_t secret[CHECKPOINT_SECRET_SIZE]);
/* "origin+keyid+base64", a verifier key of C2SP signed notes. */
void checkpoint_key_format(const struct checkpoint_key *key, char text[CHECKPOINT_VKEY_SIZE]);
bool checkpoint_key_parse(const char *text, struct checkpoint_key *key) MUST_CHECK;

/* Fills origin, key id and signature; the rest is given. */
void checkpoint_sign(struct checkpoint *checkpoint, const struct checkpoint_key *key,
                     const uint8_t secret[CHECKPOINT_SECRET_SIZE]);
bool checkpoint_is_signed(const struct checkpoint *checkpoint, const struct checkpoint_key *key);

void checkpoint_format(const struct checkpoint *checkpoint, char note[CHECKPOINT_NOTE_SIZE]);
/* Exactly one note; says nothing about its signature. */
bool checkpoint_parse(const char *note, struct checkpoint *checkpoint) MUST_CHECK;
void checkpoint_line_format(const struct checkpoint *checkpoint, char line[CHECKPOINT_NOTE_SIZE]);
/* The first one in a line of a log, whatever stands around it; '\' before '=' is CEF's. */
bool checkpoint_line_find(const char *line, struct checkpoint *checkpoint) MUST_CHECK;
/* An anchor: "the rows up to N were pruned by us, and N had this hash".  Its body has one line more
 * ("pruned"), so that no checkpoint, of which everybody holds some, can be passed off as one: who
 * cuts the log and has not the key has no anchor.  Only as one line, behind ANCHOR_MARK. */
#define ANCHOR_MARK "cordon-pruned "
bool anchor_line_find(const char *line, struct checkpoint *anchor) MUST_CHECK;

/* Is it the same row of the same key? */
bool checkpoint_is_same(const struct checkpoint *a, const struct checkpoint *b);

#endif
