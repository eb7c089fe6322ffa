/* The good copies that a damaged database is replaced from (store/rescue.h), and backups: what is
 * done, when, and how it ended.
 *
 * A good copy is made by a thread beside the loop, soon after a start that read everything, and
 * then every ten minutes in which something was stored.  A backup needs what core may not read
 * (keys, accounts): the supervisor starts a process that makes it (errand.h, cordond/backup.h) and
 * leaves what came of it in a file.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_COPIES_H
#define CORDON_CONTROLLER_COPIES_H

#include <event2/event.h>

#include "base/clock.h"
#include "base/macros.h"
#include "store/store.h"
#include "wire/view_system.h"

struct copies;

struct copies_settings {
    struct event_base *base;
    struct store *store;
    const struct clock *clock;
    const char *folder; /* of backups, to be shown; borrowed */
    bool is_encrypted;  /* cordond.yaml names a key: backups hold the secrets too */
    /* Has the supervisor start a backup, and keep so many; 0 or negative errno. */
    int (*start)(void *context, uint32_t keep);
    /* A descriptor to read how the last one ended, or negative errno. */
    int (*result)(void *context);
    /* A descriptor to read the last one that is encrypted, or negative errno. */
    int (*file)(void *context);
    /* A backup ended, or could not be made. */
    void (*ended)(void *context, const struct view_backup *backup);
    void *context;
};

int copies_open(const struct copies_settings *settings, struct copies **copies) MUST_CHECK;
/* Before the store is closed: gives up a copy that is being made. */
void copies_stop(struct copies *copies);
/* After it is. */
void copies_free(struct copies *copies);
/* Four times a second. */
void copies_tick(struct copies *copies);
/* Something was purged: good copies that hold it still are replaced soon. */
void copies_renew(struct copies *copies);
/* Borrowed until the next tick. */
const struct view_backup *copies_view(struct copies *copies);

/* A descriptor to read the last backup, the caller's, or negative errno. */
int copies_file(const struct copies *copies) MUST_CHECK;

enum copies_result { COPIES_DONE, COPIES_BUSY, COPIES_FAILED };
typedef void copies_done_fn(void *context, enum copies_result result);
/* Starts a backup now; 'done' after its audit row is on disk. */
void copies_start(struct copies *copies, const char *account, copies_done_fn *done, void *context);
/* Every so many hours (0: never), and how many are kept. */
void copies_schedule(struct copies *copies, uint32_t every_h, uint32_t keep, const char *account,
                     copies_done_fn *done, void *context);

#endif
