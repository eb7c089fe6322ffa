/* The secrets of channels: passwords and signing keys, in STATE_DIR/notify/secrets.sealed (0600),
 * sealed with the key of their purpose (base/seal.h), so that a copy of that file alone is of no
 * use. Each counts only for the place that it was given for.  Only the notify role reads or writes
 * them; they are kept in locked memory.  Loop thread. */
#ifndef CORDON_NOTIFY_SECRETS_H
#define CORDON_NOTIFY_SECRETS_H

#include "base/macros.h"
#include "wire/notice.h"

struct secrets;

/* The key, as long as we may read it.  Never NULL; where it cannot be opened, 'why' says so and
 * none can be kept. */
struct secrets *secrets_open(const char *state_dir, const char *key_path, char why[TEXT_SIZE]);
/* What is kept, as the notify role: where the file cannot be read, 'why' says so and there are
 * none. What an earlier release kept (notify.secrets, notify.key, in the same folder by now) is
 * taken over, and those files are removed. */
void secrets_load(struct secrets *secrets, char why[TEXT_SIZE]);
void secrets_free(struct secrets *secrets);
/* All of them are on disk before it returns, or none is; an empty place or value forgets.  0, or
 * negative errno and 'why', and then nothing has changed, on disk or here. */
int secrets_put(struct secrets *secrets, const struct wire_secret *change, size_t count,
                char why[TEXT_SIZE]) MUST_CHECK;
/* Which channels have one. */
void secrets_list(const struct secrets *secrets, struct wire_secrets *list);
/* The secret of 'channel', "" where it has none.  False: it has one for another place. */
bool secrets_find(const struct secrets *secrets, const struct notify_channel *channel,
                  char value[NOTIFY_SECRET_SIZE]) MUST_CHECK;

#endif
