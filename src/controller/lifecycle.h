/* The life of a containment as a state machine.  Computes only: who stores, logs and starts what
 * follows is entry_step() in entry.c, the one place that changes a state.
 *
 *                    ENFORCE            LOCATED            APPLIED            VERIFIED
 *   pending ────────────────▶ requested ───────▶ located ──────────▶ applied ─────────▶ verified
 *    │   ▲  └─CHECK─▶ checked     │ UNLOCATED     │  ▲ ▲                │  ▲ ◀─UNPROVEN─┘ │
 *    │   └─(ENFORCE, REVERT, ASK)─┘▼              │  │ └─DIFFERS,MOVED──┘  │              │
 *    └─REVERT─▶ reverted       waiting ──LOCATED──┘  └───DIFFERS, MOVED────┼──────────────┘
 *                                                                          │
 *   requested, waiting, located, applied, verified ──FAILED──▶ failed ──APPLIED, VERIFIED, RETRY
 *   everything in force ──RELEASE──▶ released      ──EXPIRE──▶ expired
 */
#ifndef CORDON_CONTROLLER_LIFECYCLE_H
#define CORDON_CONTROLLER_LIFECYCLE_H

#include <stdbool.h>

#include "model/containment.h"

enum life_event {
    LIFE_ENFORCE, /* a person, or the time-out of a pending one */
    LIFE_CHECK,
    LIFE_ASK, /* more is known than when it was checked: a person is asked again */
    LIFE_REVERT,
    LIFE_LOCATED, /* we know where it is (or it needs no place) */
    LIFE_UNLOCATED,
    LIFE_MOVED,    /* another port: what switches hold may have to change */
    LIFE_APPLIED,  /* read back and equal on every switch that is connected */
    LIFE_VERIFIED, /* and seen to work */
    LIFE_UNPROVEN, /* still read back, but not seen to work any more */
    LIFE_DIFFERS,  /* a switch does not hold it */
    LIFE_FAILED,   /* a switch says that it cannot */
    LIFE_RETRY,
    LIFE_RELEASE,
    LIFE_EXPIRE,
    LIFE_EVENT_COUNT
};
extern const char *const life_event_names[LIFE_EVENT_COUNT + 1];

/* The state after 'event'; the same where the event means nothing there. */
enum containment_state lifecycle_step(enum containment_state state, enum life_event event);
/* Is 'event' expected in that state? */
bool lifecycle_is_expected(enum containment_state state, enum life_event event);
/* Must switches hold it? */
bool lifecycle_is_in_force(enum containment_state state);
bool lifecycle_is_ended(enum containment_state state);

#endif
