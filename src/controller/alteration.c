#include "controller/alteration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/controller.h"
#include "controller/entry.h"
#include "controller/follow.h"
#include "controller/notices/notices.h"
#include "controller/pending.h"
#include "controller/storm.h"
#include "controller/switches.h"

void
alteration_tell(wish_done_fn *done, void *context, enum wish_result result, const char *why,
                const struct containment *c)
{
    if (done) {
        done(context, result, why, c);
    }
}

/* ---- waiting for one's turn ---- */

static void
on_turn(void *context, int error)
{
    struct alteration_turn *turn = context;
    struct controller *controller = turn->controller;
    const struct wish *wish = &turn->wish;
    if (error) {
        alteration_tell(turn->done, turn->context, WISH_FAILED, "it could not be stored", NULL);
        free(turn);
        return;
    }
    switch (turn->kind) {
    case TURN_WISH:
        controller_wish(controller, wish, turn->done, turn->context);
        break;
    case TURN_PROVE:
        controller_prove(controller, turn->id, wish->account, wish->reason, turn->done,
                         turn->context);
        break;
    case TURN_RELEASE:
        controller_release(controller, turn->id, wish->account, wish->reason, turn->done,
                           turn->context);
        break;
    case TURN_EXTEND:
        controller_extend(controller, turn->id, wish->expires_s, wish->account, turn->done,
                          turn->context);
        break;
    case TURN_JUDGE:
        controller_judge(controller, turn->id, turn->verdict, wish->account, wish->reason,
                         turn->done, turn->context);
        break;
    }
    free(turn);
}

/* Commits are told in the order in which they were submitted: an empty one comes behind. */
void
alteration_wait(struct controller *controller, const struct alteration_turn *turn)
{
    struct alteration_turn *waits = MEM_NEW(struct alteration_turn);
    *waits = *turn;
    waits->controller = controller;
    store_submit(controller->store, store_change_new(), on_turn, waits);
}

struct alteration_turn
alteration_turn(const char *id, const char *account, const char *reason, wish_done_fn *done,
                void *context)
{
    struct alteration_turn turn = {.done = done, .context = context};
    snprintf(turn.id, sizeof(turn.id), "%s", id);
    text_put(turn.wish.account, sizeof(turn.wish.account), account);
    text_put(turn.wish.reason, sizeof(turn.wish.reason), reason);
    return turn;
}

/* ---- changing one ---- */

static void
alteration_free(struct alteration *a)
{
    containment_fini(&a->after);
    free(a);
}

static void
text_move(char **to, char **from)
{
    free(*to);
    *to = *from;
    *from = NULL;
}

/* What the change writes of the containment. */
static void
alteration_take(struct alteration *a)
{
    struct containment *c = &a->entry->c;
    struct containment *after = &a->after;
    text_move(&c->ended_by, &after->ended_by);
    text_move(&c->end_reason, &after->end_reason);
    c->ended_us = after->ended_us;
    c->expires_us = after->expires_us;
    c->action = after->action;
    c->pending_until_us = after->pending_until_us;
    c->pending_action = after->pending_action;
    c->hold = after->hold;
    memcpy(c->incident_id, after->incident_id, sizeof(c->incident_id));
    text_move(&c->hold_detail, &after->hold_detail);
    text_move(&c->unproven, &after->unproven);
}

static void
altered_note(struct controller *controller, struct entry *entry)
{
    entry_refresh(controller, entry);
    entry_due(controller, entry);
    if (lifecycle_is_in_force(entry->c.state)) {
        entry_note_begun(controller, entry);
    }
}

static void
on_altered(void *context, int error)
{
    struct alteration *a = context;
    struct controller *controller = a->controller;
    struct entry *entry = a->entry;
    entry->is_changing = false;
    if (error) {
        entry_due(controller, entry); /* what was due by time still is */
        alteration_tell(a->done, a->context, WISH_FAILED, "it could not be stored", NULL);
        alteration_free(a);
        return;
    }
    alteration_take(a);
    if (a->has_event && a->event == LIFE_ENFORCE) {
        pending_admit(&entry->c);
    }
    if (a->has_event) {
        entry_mark(entry, life_event_names[a->event], clock_wall_us(controller->clock), a->detail);
        (void)entry_step(controller, entry, a->event, a->detail);
    }
    if (lifecycle_is_ended(entry->c.state)) {
        entry_end(controller, entry);
        if (entry->has_asked) {
            follow_holders(controller);
        }
    } else if (a->has_event && a->event == LIFE_ENFORCE) {
        entry_enforce(controller, entry);
        entry_note_begun(controller, entry);
    } else {
        altered_note(controller, entry); /* policy, too, must know until when */
    }
    switches_flush(controller);
    entry_touch(controller, entry);
    alteration_tell(a->done, a->context, a->told_as, "", &entry->c);
    alteration_free(a);
}

struct alteration *
alteration_new(struct controller *controller, struct entry *entry, wish_done_fn *done,
               void *context)
{
    struct alteration *a = MEM_NEW(struct alteration);
    a->controller = controller;
    a->entry = entry;
    containment_copy(&a->after, &entry->c);
    a->told_as = WISH_DONE;
    a->done = done;
    a->context = context;
    return a;
}

static void
alteration_notice(const struct alteration *a, struct store_change *change,
                  const struct containment *stored, const char *account, const char *reason)
{
    enum notice_kind kind = a->event == LIFE_RELEASE  ? NOTICE_RELEASED
                            : a->event == LIFE_EXPIRE ? NOTICE_EXPIRED
                            : a->event == LIFE_ASK    ? NOTICE_PENDING
                                                      : NOTICE_ANSWERED;
    bool is_of_storm = a->event == LIFE_ASK
                           ? storm_covers(a->controller, stored)
                           : a->entry->c.hold == HOLD_BUDGET && strncmp(account, "policy:", 7) == 0;
    if (!is_of_storm) { /* nobody was told that it waits: one notice stands for all */
        notices_put_containment(a->controller, change, stored, kind, account, reason);
    }
}

void
alteration_submit(struct alteration *a, const char *account, const char *action, const char *reason)
{
    struct controller *controller = a->controller;
    struct store_change *change = store_change_new();
    struct containment stored = a->after; /* shallow: only written out */
    if (a->has_event) {
        stored.state = lifecycle_step(stored.state, a->event);
    }
    snprintf(a->detail, sizeof(a->detail), "%.100s: %.400s", account, reason);
    store_put_containment(change, &stored);
    store_put_audit(change, clock_wall_us(controller->clock), account, action, stored.id, reason);
    if (a->has_event) {
        alteration_notice(a, change, &stored, account, reason);
    }
    if (lifecycle_is_ended(stored.state)) {
        char name[NAME_SIZE];
        snprintf(name, sizeof(name), "hold/%s", stored.id);
        store_put_setting(change, name, "");
    }
    a->entry->is_changing = true;
    store_submit(controller->store, change, on_altered, a);
}

struct entry *
alteration_find(struct controller *controller, const struct alteration_turn *turn)
{
    struct entry *entry = entry_find(controller, turn->id);
    if (!entry || !entry->is_committed) {
        alteration_tell(turn->done, turn->context, WISH_UNKNOWN, "no containment has that id",
                        NULL);
        return NULL;
    }
    if (entry->is_changing) {
        alteration_wait(controller, turn);
        return NULL;
    }
    return entry;
}

void
alteration_end(struct controller *controller, struct entry *entry, enum life_event event,
               const char *account, const char *reason, wish_done_fn *done, void *context)
{
    struct alteration *a = alteration_new(controller, entry, done, context);
    a->has_event = true;
    a->event = event;
    a->after.ended_us = clock_wall_us(controller->clock);
    text_keep(&a->after.unproven, NAME_SIZE, "");
    text_keep(&a->after.ended_by, NAME_SIZE, account);
    text_keep(&a->after.end_reason, TEXT_SIZE, reason);
    alteration_submit(a, account, life_event_names[event], reason);
}
