/* The secrets of channels: passwords and signing keys, in STATE_DIR/notify.secrets (0600), sealed
 * with the key in STATE_DIR/notify.key (0600, made at the first use), so that a copy of one file
 * alone is of no use.  Each counts only for the place that it was given for.  Only the notify role
 * reads or writes them.  Loop thread. */
#ifndef CORDON_NOTIFY_SECRETS_H
#define CORDON_NOTIFY_SECRETS_H

#include "base/macros.h"
#include "wire/notice.h"

struct secrets;

/* Never NULL; where the file cannot be read, 'why' says so and there are none. */
struct secrets *secrets_open(const char *state_dir, char why[TEXT_SIZE]);
void secrets_free(struct secrets *secrets);
/* Kept on disk before it returns; an empty place or value forgets.  0, or negative errno and 'why'.
 */
int secrets_put(struct secrets *secrets, const struct wire_secret *secret,
                char why[TEXT_SIZE]) MUST_CHECK;
/* Which channels have one. */
void secrets_list(const struct secrets *secrets, struct wire_secrets *list);
/* The secret of 'channel', "" where it has none.  False: it has one for another place. */
bool secrets_find(const struct secrets *secrets, const struct notify_channel *channel,
                  char value[NOTIFY_SECRET_SIZE]) MUST_CHECK;

#endif
