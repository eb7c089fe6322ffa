/* Clocks that are wrong: ours when it is set, and devices' that differ from it.  Loop thread.
 *
 * Ours: everything that ends by time ends when it was meant to: what is held is moved by as much as
 * the clock was (containments, what waits, who held which address), in one commit with an audit row
 * that says so, and people are told.  So is what was set while core was away, if the machine was
 * not started anew meanwhile.  Where the machine has just been started and its clock is put right
 * (a machine whose battery is empty, until NTP answers), what was dated before that start is right
 * already: only what was dated since is moved.
 *
 * Others': what a device tells happened is translated by its age (base/clock.h), so that a wrong
 * clock leads to nobody else's address; people are told whose it is. */
#ifndef CORDON_CONTROLLER_CLOCKS_H
#define CORDON_CONTROLLER_CLOCKS_H

#include "controller/state.h"

#define CLOCKS_BOOT_SIZE 40
/* This start of the machine; "": not known.  Before the role is locked in. */
void clocks_boot_id(char id[CLOCKS_BOOT_SIZE]);

/* Where the machine started with a clock that nothing has set, and that is much later than we were
 * last there: the battery's, perhaps.  Then nothing ends by time for the machine's first hour, or
 * until the clock is set: unknown means that blocks stay.  Switches are told the ends after it. */
bool clocks_is_unsure(const struct controller *controller);

/* What the store has of this start of the machine; after everything is loaded. */
void clocks_begin(struct controller *controller);
/* Notes in an endpoint that goes to the store which clock its times are by; and moves one that came
 * from there, if that was set since.  (Rows are not written anew when it is: there may be many.) */
void clocks_date(const struct controller *controller, struct endpoint_record *record);
void clocks_restored(struct controller *controller, const struct endpoint_record *record);
/* A setting from the store. */
void clocks_setting(struct controller *controller, const char *name, const char *value);
/* Whether our clock was set; before anything is decided by time. */
void clocks_tick(struct controller *controller);
/* Whether devices' clocks differ from ours; once a second. */
void clocks_compare(struct controller *controller);
/* topology_resolve() of when it was by a finder with a right clock.  Where it may have been earlier
 * (unsure_us), or is in the future, so that its finder's clock must be wrong: only whoever has held
 * the address all the time that it may have been, for the latter the last hour, is meant. */
enum resolution clocks_resolve(const struct controller *controller, const char *site,
                               const struct ip *ip, int64_t at_us, struct held *held);

#endif
