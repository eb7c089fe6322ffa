/* What happened, to whoever must know it.
 *
 *   put (in the commit of the cause) ─▶ notice ─route─▶ message ─▶ notify role ─▶ its receiver
 *                                        rules,          ▲  └──── not delivered: later ◀┘
 *                                        people, on call ┘
 *
 * A notice is committed with its cause; what was committed and not routed is found again after any
 * end of the process, and so is what waits to be delivered: nothing that was put is lost.  Messages
 * of one receiver that wait (for its digest time, its rate, or the one before) are collected into
 * one; what does not fit any more is counted in it.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_NOTICES_H
#define CORDON_CONTROLLER_NOTICES_H

#include "controller/state.h"
#include "model/notice.h"
#include "wire/notice.h"

struct notices;

struct notices *notices_new(void);
void notices_free(struct notices *notices);
/* One stored setting, whatever its name; then what waits.  0 or negative errno. */
void notices_setting(struct controller *controller, const char *name, const char *value);
int notices_load(struct controller *controller) MUST_CHECK;
/* Four times a second. */
void notices_tick(struct controller *controller);

/* Completes 'notice' (id, time) and puts it into the commit of what caused it. */
void notices_put(struct controller *controller, struct store_change *change, struct notice *notice);
/* Without the store, which does not work: sent, if it can be, and forgotten by a restart. */
void notices_tell_unstored(struct controller *controller, enum notice_kind kind,
                           enum severity severity, const char *detail);
/* In a commit of its own. */
void notices_tell(struct controller *controller, struct notice *notice);
/* What is said of a containment as it is now; without id, time and detail. */
void notices_fill_containment(struct controller *controller, const struct containment *c,
                              enum notice_kind kind, struct notice *notice);
/* About a containment, as it is now. */
void notices_put_containment(struct controller *controller, struct store_change *change,
                             const struct containment *c, enum notice_kind kind,
                             const char *account, const char *detail);
void notices_tell_containment(struct controller *controller, const struct containment *c,
                              enum notice_kind kind, const char *detail);
void notices_tell_protection(struct controller *controller, const struct endpoint *endpoint,
                             const char *why);
/* About something else that has a name. */
void notices_tell_object(struct controller *controller, enum notice_kind kind,
                         enum severity severity, const char *object, const char *detail);

#endif
