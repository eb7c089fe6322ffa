/* On call: who is told of a pending decision, and who next when nobody answers.  Its place in the
 * steps is stored: a restart neither forgets nor repeats.  Part of notices.h; core's loop thread.
 */
#ifndef CORDON_CONTROLLER_ON_CALL_H
#define CORDON_CONTROLLER_ON_CALL_H

#include "controller/notices/notices.h"

#define WATCH_SETTING "on_call/" /* and the containment's id: "steps taken, since, last, who" */

struct watch {
    struct hmap_node by_id;
    TAILQ_ENTRY(watch) link;
    char containment_id[ID_SIZE];
    uint32_t taken; /* steps */
    int64_t since_us, told_us;
    char told[NAME_SIZE]; /* who was told last */
};

/* Who has a shift at that time, by the server's local time; NULL: nobody. */
const struct notify_contact *on_call_now(const struct notify_on_call *on_call, int64_t wall_us);
/* NULL: nobody is called that. */
const struct notify_contact *on_call_contact(const struct notify_on_call *on_call,
                                             const char *name);
/* When the next step is taken; 0: none is left. */
int64_t on_call_due(const struct notify_on_call *on_call, const struct watch *watch);
/* A decision begins to wait. */
void on_call_begin(struct controller *controller, struct store_change *change,
                   const struct notice *notice);
void on_call_restore(struct controller *controller, const char *containment_id, const char *value);
/* Takes the steps whose time has come; forgets what was answered. */
void on_call_tick(struct controller *controller);
/* Our clock was set (clocks.h). */
void on_call_shift(struct controller *controller, struct store_change *change,
                   const struct clock_move *move);
void on_call_free(struct notices *notices);

#endif
