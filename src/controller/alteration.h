/* A change of a containment that people, programs, policy or time ask for: committed with its row
 * of the audit and its notice before it takes effect and before anybody is told; one at a time for
 * each containment, whoever comes meanwhile waits for his turn.  Used by wish.c and pending.c;
 * core's loop thread. */
#ifndef CORDON_CONTROLLER_ALTERATION_H
#define CORDON_CONTROLLER_ALTERATION_H

#include "controller/lifecycle.h"
#include "controller/state.h"

/* What was asked while a change of the same thing was on its way to the disk: asked again behind
 * it, so that nobody has to be told to try again. */
struct alteration_turn {
    struct controller *controller;
    enum { TURN_WISH, TURN_RELEASE, TURN_EXTEND, TURN_JUDGE, TURN_PROVE } kind;
    struct wish wish; /* account and reason of the others, too */
    char id[ID_SIZE];
    enum verdict verdict;
    wish_done_fn *done;
    void *context;
};

struct alteration_turn alteration_turn(const char *id, const char *account, const char *reason,
                                       wish_done_fn *done, void *context);
/* Copies 'turn', and asks again when what was submitted so far is on the disk. */
void alteration_wait(struct controller *controller, const struct alteration_turn *turn);
/* 'done' may be NULL. */
void alteration_tell(wish_done_fn *done, void *context, enum wish_result result, const char *why,
                     const struct containment *c);

struct alteration {
    struct controller *controller;
    struct entry *entry; /* is_changing keeps it */
    bool has_event;
    enum life_event event;
    struct containment after; /* owned */
    char detail[TEXT_SIZE];
    enum wish_result told_as;
    wish_done_fn *done;
    void *context;
};

/* The entry to change, or NULL: the caller was told, or will be when it is its turn. */
struct entry *alteration_find(struct controller *controller, const struct alteration_turn *turn);
/* With 'after' as it is now; 'entry' is not being changed. */
struct alteration *alteration_new(struct controller *controller, struct entry *entry,
                                  wish_done_fn *done, void *context);
/* Takes 'a'. */
void alteration_submit(struct alteration *a, const char *account, const char *action,
                       const char *reason);
/* The event ends it, for that reason. */
void alteration_end(struct controller *controller, struct entry *entry, enum life_event event,
                    const char *account, const char *reason, wish_done_fn *done, void *context);

#endif
