/* The running policy and its two places: the revisions in the store, and the policy file.
 *
 * The newest revision runs.  What a person stores is checked, then durable with its audit row, then
 * applied, then written to the file.  What somebody wrote to the file by hand becomes a revision
 * (account "file") at start and at SIGHUP, if it is a good policy and not what we last read or
 * wrote there; otherwise the running one stays, and the problem is shown.  A file that was changed
 * by hand since is never overwritten.
 *
 * Core's loop thread.  Texts are parsed, and the file is read and written, on a thread beside it.
 */
#ifndef CORDON_CONTROLLER_REVISIONS_H
#define CORDON_CONTROLLER_REVISIONS_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/clock.h"
#include "model/revision.h"
#include "policy/policy.h"
#include "store/store.h"

struct revisions;

struct revisions_settings {
    struct event_base *base;
    struct store *store;
    const struct clock *clock;
    const char *file; /* borrowed */
    /* How it is read and written, from the thread beside the loop: core itself may not.  NULL:
     * here. 'text' is freed by the caller; 0 or negative errno (-ENOENT, -EFBIG). */
    int (*read)(void *context, size_t limit, char **text, size_t *size);
    int (*write)(void *context, const char *text, size_t size);
    /* May it run, with what is in force now?  False: 'error' says why not.  Asked of what a person
     * stores or checks, not of the file.  May be NULL: yes. */
    bool (*fits)(void *context, const struct policy *policy, struct policy_error *error);
    /* A policy runs from now on (borrowed): not at start. */
    void (*apply)(void *context, struct policy *policy);
    /* The running revision, or what is to be said of the file, has changed.  May be NULL. */
    void (*publish)(void *context, const struct revision *running);
    void *context;
};

/* What the policy file is to the running revision. */
enum policy_file_state {
    POLICY_FILE_SAME,    /* holds it, or will in a moment */
    POLICY_FILE_REFUSED, /* holds what is no good policy */
    POLICY_FILE_UNREADABLE,
    POLICY_FILE_UNWRITTEN, /* could not be written: it holds an older one */
    POLICY_FILE_CHANGED,   /* changed by hand, and not taken over yet */
    POLICY_FILE_STATE_COUNT
};

struct revisions_view {
    const struct revision *running; /* number 0: could not be stored */
    const char *text;
    const char *file;
    enum policy_file_state state;
    const struct policy_error *problem; /* of the file; NULL: none */
};

/* At start, before the controller: 'policy' gets the running policy with a reference for the
 * caller.  0, or negative errno: there is a good policy in neither place, 'why' is the file's. */
int revisions_open(const struct revisions_settings *settings, struct revisions **revisions,
                   struct policy **policy, struct policy_error *why) MUST_CHECK;
/* Before the store is closed: waits for the thread.  What is not durable by then is given up. */
void revisions_stop(struct revisions *revisions);
/* After the store is closed. */
void revisions_free(struct revisions *revisions);
/* SIGHUP. */
void revisions_reload(struct revisions *revisions);
void revisions_view(const struct revisions *revisions, struct revisions_view *view);

enum save_result {
    SAVE_DONE,
    SAVE_WRONG,    /* no good policy: 'error' says where and why */
    SAVE_CONFLICT, /* another revision runs than the one it began from, or it runs already */
    SAVE_UNKNOWN,  /* restore: no such revision is kept */
    SAVE_FAILED,   /* could not be stored: nothing was changed */
};
/* 'error' says why; never NULL. */
typedef void save_done_fn(void *context, enum save_result result, const struct policy_error *error);

/* 'base': the revision that the text was made from; 0: whichever runs.  Done when it runs, and was
 * written to the file or could not be (see the view). */
struct save {
    const char *text;
    int64_t base;
    const char *account, *reason;
    bool overwrites;  /* also what was changed in the file by hand; then what runs may be meant */
    int64_t restores; /* number of the revision whose text it is; 0: a new text */
};
void revisions_save(struct revisions *revisions, const struct save *save, save_done_fn *done,
                    void *context);
/* The text of an earlier revision becomes the newest; 'text' is not used. */
void revisions_restore(struct revisions *revisions, const struct save *save, save_done_fn *done,
                       void *context);

/* 'policy' NULL: no good one, 'error' says why; otherwise borrowed (policy_ref to keep it). */
typedef void check_done_fn(void *context, struct policy *policy, const struct policy_error *error);
/* Parses a text and changes nothing; 'is_to_run': it is a good one only if it could run now. False:
 * too many wait; not called. */
bool revisions_check(struct revisions *revisions, const char *text, bool is_to_run,
                     check_done_fn *done, void *context) MUST_CHECK;

#endif
