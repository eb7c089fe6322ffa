/* One containment in the controller: its table, its state, its story.  entry_step() is the one
 * place that changes a state. */
#ifndef CORDON_CONTROLLER_ENTRY_H
#define CORDON_CONTROLLER_ENTRY_H

#include "controller/state.h"

/* Not committed yet: only found as a duplicate.  Takes the contents of 'c' (its marks). */
struct entry *entry_new(struct controller *controller, struct containment *c);
void entry_free(struct controller *controller, struct entry *entry);
/* It is on disk: may be shown. */
void entry_list(struct controller *controller, struct entry *entry);
/* After a change of its endpoint_id or addresses. */
void entry_rekey(struct controller *controller, struct entry *entry);

struct entry *entry_find(const struct controller *controller, const char *id);
/* What identifies whom or what a containment is about: the endpoint, else MAC, IP or server. */
struct subject {
    enum action action;
    const char *endpoint_id;
    struct mac mac;
    struct ip ip;
    struct prefix server;
    const char *site; /* as subject_site says */
};
/* 'site' where it says something: "" for a server outside, which is the same one everywhere. */
const char *subject_site(struct controller *controller, enum action action,
                         const struct prefix *server, const char *site);
/* A containment that has not ended (or is being committed) about the same; NULL: none.  One that
 * was checked, or counts on one switch only, only where there is no other. */
struct entry *entry_find_same(const struct controller *controller, const struct subject *subject);
/* The next one after 'after' (NULL: first) whose subject is that endpoint. */
struct entry *entry_next_of(const struct controller *controller, const char *endpoint_id,
                            const struct entry *after);
/* Was the same released since that one began to wait? */
bool entry_was_released(const struct controller *controller, const struct entry *entry);
/* May one more about that wait for a person?  No: counted, and an alarm (rate-limited). */
#define PENDING_MAX 4096
#define PENDING_LOOSE_MAX 1000 /* per action, of those that are not about a known endpoint */
bool entry_has_room(struct controller *controller, const struct subject *subject);
struct entry *entry_find_external(const struct controller *controller, const char *external_id);

/* One step of its story; bounded: the oldest repeated ones make room. */
void entry_mark(struct entry *entry, const char *step, int64_t at_us, const char *detail);
void containment_mark(struct containment *c, const char *step, int64_t at_us, const char *detail);
/* Stores the new state, logs it, and has it written behind and published.  False: not expected. */
bool entry_step(struct controller *controller, struct entry *entry, enum life_event event,
                const char *detail);
/* Shown as its problem; logged once when it appears or changes.  "" clears. */
void entry_problem(struct controller *controller, struct entry *entry, const char *problem);
void entry_touch(struct controller *controller, struct entry *entry); /* changed: write, publish */
/* Computes what switches must hold for it, and hands the difference to them. */
void entry_refresh(struct controller *controller, struct entry *entry);
/* The one switch where it counts: nobody but that switch says so; NULL: wherever it is meant. */
const char *entry_only_on(const struct entry *entry);
/* In force: policy does not ask for it again.  It is not told of what counts on one switch only, or
 * a rogue one could shield anybody by its word. */
void entry_note_begun(struct controller *controller, const struct entry *entry);
/* Is that graver than what people were asked or told about?  They are from now on. */
bool entry_learn(struct controller *controller, struct entry *entry, enum phase phase,
                 enum severity severity);
/* Policy, which began it with permits, asks for it with 'permit_set': none leaves less.  What a
 * person permits stays.  True: it is without permits now, and not stored yet. */
bool entry_tighten(struct entry *entry, const char *permit_set);
/* Before it is committed: whom it is about, and who is on that port (committed with it). */
void entry_prepare(struct controller *controller, struct entry *entry);
void entry_put_hold(struct store_change *change, const struct entry *entry);
/* Committed and in force: finds out where, and has it pushed. */
void entry_enforce(struct controller *controller, struct entry *entry);
/* Committed and ended: switches forget it. */
void entry_end(struct controller *controller, struct entry *entry);
/* What ended and is kept for lists only, and 'goes': the store has it not any more. */
void entries_forget_ended(struct controller *controller,
                          bool (*goes)(void *context, const struct containment *c), void *context);
/* It expires, or its time to be judged ends: remembered for entries_tick (wish.c). */
void entry_due(struct controller *controller, const struct entry *entry);
/* The port hold as it was stored. */
void entry_restore_hold(struct controller *controller, const char *containment_id,
                        const char *value);
/* Of those that differ from the disk, at most 'most'; the others at the next call. */
void entries_write_behind(struct controller *controller, size_t most);
/* Whole, with its history. */
void endpoint_put(const struct controller *controller, struct store_change *change,
                  const struct endpoint *endpoint);
const struct endpoint *entry_endpoint(const struct controller *controller,
                                      const struct entry *entry);

#endif
