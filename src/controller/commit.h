/* New containments on their way to the disk, whoever asked for them (policy: decide.c; people and
 * programs: wish.c), and what follows when they are there: they are put in force, the switches are
 * told, then the rest.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_COMMIT_H
#define CORDON_CONTROLLER_COMMIT_H

#include "controller/state.h"

struct commit {
    struct controller *controller;
    struct store_change *change;
    enum severity severity; /* of the incident that it is about */
    struct entry *entries[DECISIONS_MAX];
    size_t count;
    void (*done)(void *context, int error);
    void *context;
};

struct commit *commit_new(struct controller *controller);
/* One that begins another struct, which is freed as it. */
void commit_init(struct commit *commit, struct controller *controller);
struct store_change *commit_change(struct commit *commit);
/* 'entry' is put in force, or shown as pending, once it is on disk; dropped if it fails. */
void commit_add(struct commit *commit, struct entry *entry);
/* The notice that 'c' waits for a person: as bad as its incident, which is not among the known ones
 * before this commit is through. */
void commit_ask(struct commit *commit, const struct containment *c);
/* Takes 'commit'.  'done' runs after the entries were handled; it may look at them. */
void commit_submit(struct commit *commit, void (*done)(void *context, int error), void *context);

/* A containment with what every one has: id, case number, times, first marks. */
void containment_begin(struct controller *controller, struct containment *c, enum action action,
                       const char *requested_by);

#endif
