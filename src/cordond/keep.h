/* What cordond does with its own files while it does not run: the lock of the state folder, the
 * master key, and the commands `cordond secrets`. */
#ifndef CORDON_CORDOND_KEEP_H
#define CORDON_CORDOND_KEEP_H

#include "base/macros.h"
#include "model/text.h"

/* One cordond per state folder, and none of the commands that alter its files beside it; held until
 * the process ends.  0, or negative errno and 'why'. */
int keep_lock(const char *state, char why[256]) MUST_CHECK;
/* The master key is there and nobody else's; refused where what it opens is there and it is not. */
int keep_prepare(const char *state, const char *key_path, char why[256]) MUST_CHECK;
/* `cordond secrets rotate`; returns the exit status. */
int keep_rotate(const char *state, const char *key_path);

#endif
