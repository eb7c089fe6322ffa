/* What cordond does with its own files while no role runs: the lock of the state folder, the master
 * key, what is sealed with it, and the command `cordond key rotate`. */
#ifndef CORDON_CORDOND_KEEP_H
#define CORDON_CORDOND_KEEP_H

#include <stdbool.h>

#include "base/macros.h"
#include "cordond/config.h"

/* One cordond per state folder, and none of the commands that alter its files beside it; held until
 * the process ends.  0, or negative errno and 'why'. */
int keep_lock(const char *state, char why[256]) MUST_CHECK;
/* The master key is there and nobody else's; refused where what it opens is there and it is not, or
 * where it is another than what those were sealed with.  Made where nothing is sealed yet. */
int keep_prepare(const char *state, const char *key_path, char why[256]) MUST_CHECK;
/* Seals what an earlier release left in the clear; with 'config' also the secrets that it names (a
 * new one there replaces the sealed one).  Those may lie where they cannot be removed: told in the
 * log.  Each one that was taken over is told there too. */
int keep_take_over(const char *state, const char *key_path, const struct config *config,
                   char why[256]) MUST_CHECK;
/* Below the state folder, what 'plain' (likewise) is sealed as; NULL: it is no such. */
const char *keep_sealed_name(const char *plain);
/* Everything sealed anew with the first key of the key file, which is then the only one.  'is_new'
 * not NULL: with another one that is made, and '*is_new' true, unless the file held several: then
 * what was cut off is ended.  0, or negative errno and 'why'. */
int keep_seal_anew(const char *state, const char *key_path, bool *is_new, char why[256]) MUST_CHECK;
/* `cordond key rotate`; returns the exit status. */
int keep_rotate(const char *state, const char *key_path);

#endif
