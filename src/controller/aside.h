/* One thread beside a loop, for what takes longer than the loop may wait: parsing a large text,
 * writing a file.  Jobs run in order; a bounded queue.  All functions are the loop's; 'work' runs
 * on the thread, and touches nothing but its own job; 'done' runs on the loop again. */
#ifndef CORDON_CONTROLLER_ASIDE_H
#define CORDON_CONTROLLER_ASIDE_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/macros.h"

#define ASIDE_WAITING_MAX 32

struct aside;

int aside_new(struct event_base *base, struct aside **aside) MUST_CHECK;
/* Waits for what was given; each 'done' is called. */
void aside_free(struct aside *aside);
/* False: too many wait already (back-pressure: the asker is told to come again). */
bool aside_do(struct aside *aside, void (*work)(void *job), void (*done)(void *job),
              void *job) MUST_CHECK;

#endif
