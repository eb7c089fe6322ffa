/* Before the database is opened: is it whole?  A damaged one, or one that is gone, is set aside
 * with a time stamp (never deleted), and the last good copy takes its place, with the audit rows
 * that the damaged one still proves.  Never a silent start with nothing: the setting "restored"
 * says that what switches hold must be looked at before anything is taken from them
 * (controller/recovery/unproven.h).
 *
 * Beside cordon.db:
 *   cordon.db.made       there was a database: without this a missing one is a first start
 *   cordon.db.open       it is in use; found at a start: the end was not a clean one
 *   cordon.db.unclean    likewise, of the end before the last one or an earlier one
 *   cordon.db.suspect    found damaged while it was in use, and how
 *   cordon.db.staged     what is to take its place
 *   cordon.db.swap       that is whole and takes it now: which copy it was made from
 *   cordon.db.from       the copy that it was restored from, until a newer one is made
 *   copies/good.db, good.1.db     the two last good copies
 *   copies/before-schema-N.db     as it was before an upgrade from schema N
 *   aside/               what was set aside */
#ifndef CORDON_STORE_RESCUE_H
#define CORDON_STORE_RESCUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/text.h"

struct rescue {
    bool was_unclean;     /* the last end was no clean one: switches may hold more than it knows */
    bool is_restored;     /* from a copy, or from nothing */
    bool is_empty;        /* there was no good copy */
    char cause[256];      /* what was wrong */
    char aside[URL_SIZE]; /* where it lies; "": there was nothing */
    char copy[URL_SIZE];  /* what took its place; "": nothing */
    uint64_t merged;      /* audit rows that the one set aside still had */
    uint64_t ended;       /* containments that had ended by them, or were left by a person */
    uint64_t purges;      /* that had begun by the copy: they do not go on */
};

#define RESCUE_PATH_SIZE (URL_SIZE + 64)
#define RESCUE_SETTING "restored" /* "since_us cause" */
/* What a copy knows of a purge may be long over, or cancelled since: none goes on by a restore. */
#define RESCUE_PURGES "purge/"

/* 0: open it; -EPROTO (a later release's; 'why' names the copy to go back with), -ENOSPC or another
 * negative errno with 'why': do not. */
int rescue_before_open(const char *path, int64_t now_us, struct rescue *rescue,
                       char why[256]) MUST_CHECK;
/* It cannot be opened or read after all: the same as if it had been found damaged. */
int rescue_replace(const char *path, const char *cause, int64_t now_us, struct rescue *rescue,
                   char why[256]) MUST_CHECK;
/* It is open: it is no first start any more, and an end that is not told is not clean. */
int rescue_opened(const char *path) MUST_CHECK;
void rescue_closed(const char *path);
/* It was found damaged: the next start replaces it. */
void rescue_suspect(const char *path, const char *cause);

/* A folder or file beside it. */
void rescue_path(const char *path, const char *name, char out[RESCUE_PATH_SIZE]);
/* The copy that it becomes a good copy of: good.db, after the former one became good.1.db. */
int rescue_copy_made(const char *path, const char *made) MUST_CHECK;

/* For `cordond restore`: 'from' (checked by the caller) becomes the database, the present one is
 * set aside, newer audit rows are merged. */
int rescue_restore(const char *path, const char *from, const char *cause, int64_t now_us,
                   struct rescue *rescue, char why[256]) MUST_CHECK;

#endif
