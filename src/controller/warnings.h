/* The texts of the warning page: those of the configuration, until somebody edits them here; then
 * what the store has.  Each change has a number, so that two people do not overwrite each other.
 *
 * Core's loop thread. */
#ifndef CORDON_CONTROLLER_WARNINGS_H
#define CORDON_CONTROLLER_WARNINGS_H

#include "base/clock.h"
#include "base/macros.h"
#include "store/store.h"
#include "wire/view_system.h"

struct warnings;

struct warnings_settings {
    struct store *store;
    const struct clock *clock;
    const struct rule_warning *configured; /* borrowed */
    size_t configured_count;
    /* Others are in force from now on: not at start.  May be NULL. */
    void (*apply)(void *context, const struct rule_warning *texts, size_t count);
    void *context;
};

/* Reads what the store has.  0 or negative errno; what cannot be read is logged, and the configured
 * texts are used: a page must always be there. */
int warnings_open(const struct warnings_settings *settings, struct warnings **warnings) MUST_CHECK;
/* After the store is closed. */
void warnings_free(struct warnings *warnings);
/* What is in force: borrowed until the next change. */
const struct view_warning *warnings_view(const struct warnings *warnings);

enum warnings_result {
    WARNINGS_DONE,
    WARNINGS_CONFLICT, /* somebody changed them since, or is changing them */
    WARNINGS_FAILED,   /* could not be stored: nothing was changed */
};
typedef void warnings_done_fn(void *context, enum warnings_result result);

struct warnings_change {
    const struct rule_warning *texts; /* copied; NULL: back to the configured ones */
    size_t count;
    uint64_t version; /* that the change began from */
    const char *account, *reason;
};
/* 'done' after the commit (with its audit row), when they are in force; or at once. */
void warnings_set(struct warnings *warnings, const struct warnings_change *change,
                  warnings_done_fn *done, void *context);

#endif
