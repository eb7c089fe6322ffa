/* The desired state of this switch: received from the controller, put into the datapath, kept on
 * disk, expired, checked and mended.
 *
 * Order of a change: maps first (a block must not wait for a disk), then the answer, then the disk:
 * STATE_DIR/desired.jsonl holds snapshots and the deltas after them, in the form of the wire
 * message, which a thread begins to synchronise within 50 ms (desired_use), however long the disk
 * then takes.  Whoever is only killed finds there all that was answered but what was being written
 * at that moment; then the file says so, nothing is taken out of the kernel, and the controller is
 * asked for everything.  A switch whose power goes before that comes back without that change; the
 * controller, which has it on its own disk, sends it before anything else.  Remaining seconds of
 * rules that expire are kept every minute, counted on the boot clock: a wall clock that jumps
 * shortens nothing. */
#ifndef CORDON_EDGE_DESIRED_H
#define CORDON_EDGE_DESIRED_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/clock.h"
#include "edge/datapath.h"
#include "edge/disk.h"
#include "wire/desired.h"
#include "wire/observed.h"

struct desired;

struct desired_handler {
    /* To the controller; false: none is connected.  Borrowed. */
    bool (*on_observed)(void *context, const struct wire_observed *observed);
    /* An isolate rule is about to go: its endpoint's neighbours can be corrected. */
    void (*on_release)(void *context, const struct rule *rule);
    void *context;
};

struct desired *desired_new(struct datapath *datapath, const char *switch_name,
                            const char *state_dir, const struct clock *clock,
                            const struct desired_handler *handler);
void desired_free(struct desired *desired);
/* From now on the thread of 'disk' (borrowed) brings changes there, and the loop does not wait. */
int desired_use(struct desired *desired, struct event_base *base, struct disk *disk) MUST_CHECK;
/* From disk into the datapath; 0 also when there is nothing.  Call before the first port comes up.
 */
int desired_load(struct desired *desired, char why[256]) MUST_CHECK;

/* Applies, answers through on_observed, writes. */
void desired_receive(struct desired *desired, const struct wire_desired *message);
/* Answers with everything that the maps hold, verified by test runs. */
void desired_read_back(struct desired *desired, uint64_t request);
/* Answers with the rules that block somebody, as they were sent, with what is left of their time.
 */
void desired_tell_held(struct desired *desired, uint64_t request);
/* Answers with the sum of what the maps hold, verified by test runs, under 'key' (rule_sum.h), and
 * with the rules that are not simply proven.  No sum: they cannot be read, or the disk had not all.
 */
void desired_tell_sum(struct desired *desired, uint64_t request, const char *key);
/* Once a second: expiry, the disk.  Every third: are filters and maps as they should be?  What is
 * wrong is told (at once, or when a controller is connected again) and mended at once; what stays
 * wrong is not told again, and mended ever more rarely (3 s to 60 s; 6 s where an entry is missing
 * or altered). */
void desired_tick(struct desired *desired);
/* By somebody at the switch: kept on disk, and not lifted by the controller, only the same way.
 * What should be in force stays as it is, and follows the controller meanwhile. */
void desired_suspend(struct desired *desired, bool is_suspended);
bool desired_is_suspended(const struct desired *desired);
/* The disk did not take all of what was set; it is tried again. */
bool desired_is_behind(const struct desired *desired);
uint64_t desired_epoch(const struct desired *desired);
uint64_t desired_generation(const struct desired *desired);
const struct datapath *desired_datapath(const struct desired *desired);
/* For the responder (desired_asked.c): the isolate rule of a MAC or an address, a permit set, the
 * warning texts. */
const struct rule *desired_isolate_of(const struct desired *desired, const struct mac *mac,
                                      const struct ip *ip);
const struct rule *desired_hold_of(const struct desired *desired, const char *port);
const struct permit_set *desired_permits(const struct desired *desired, const char *name);
size_t desired_warnings(const struct desired *desired, const struct rule_warning **warnings,
                        size_t room);

#endif
