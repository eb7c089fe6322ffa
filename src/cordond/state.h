/* The state folder and whose what in it is.
 *
 *   STATE/             root, 0711: everybody may pass, nobody may look
 *     pki/             root: the certificate authority; opened before a role is locked in
 *     admin.token, admin.password    root
 *     core/ driver/ intake/ web/ notify/ login/   each role's own, 0700 (base/sandbox.h names the
 * users)
 *
 * An earlier version kept everything in STATE itself, as root: it is moved and given away at the
 * start.  Only the supervisor, before it starts a role. */
#ifndef CORDON_CORDOND_STATE_H
#define CORDON_CORDOND_STATE_H

#include <stdbool.h>

#include "base/macros.h"
#include "cordond/config.h"

/* Can the roles run as config's "users" says, with this user and on this machine?  False: 'why'
 * says what to do. */
bool state_users_check(const struct config *config, char why[256]);
/* Makes the folder and those of the roles, and moves what an earlier version left.  0, or negative
 * errno and 'why'. */
int state_make(const char *state, char why[256]) MUST_CHECK;
/* Gives each role's folder to its user, and looks whether that one comes there.  0, or negative
 * errno and 'why'. */
int state_own(const struct config *config, char why[256]) MUST_CHECK;
/* Has core ever stored something here? */
bool state_has_database(const char *state);

#endif
