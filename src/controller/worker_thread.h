/* One thread beside a loop, for what takes longer than the loop may wait: parsing a large text,
 * writing a file.  Jobs run in order; a bounded queue.  All functions are the loop's; 'work' runs
 * on the thread, and touches nothing but its own job; 'done' runs on the loop again. */
#ifndef CORDON_CONTROLLER_WORKER_THREAD_H
#define CORDON_CONTROLLER_WORKER_THREAD_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/macros.h"

#define ASIDE_WAITING_MAX 32

struct worker_thread;

int worker_thread_new(struct event_base *base, struct worker_thread **aside) MUST_CHECK;
/* Waits for what was given; each 'done' is called. */
void worker_thread_free(struct worker_thread *aside);
/* False: too many wait already (back-pressure: the asker is told to come again). */
bool worker_thread_do(struct worker_thread *aside, void (*work)(void *job), void (*done)(void *job),
                      void *job) MUST_CHECK;

#endif
