/* Policy: detections -> incidents -> decisions, with the guards.
 *
 * A 'struct policy' is one policy file, loaded and checked, immutable and reference counted.  The
 * engine holds the running policy, the open incidents and the counters of the guards; it asks about
 * endpoints through 'struct policy_world', which the controller implements over topology and store.
 * No thread, no file but the policy's own, no network. */
#ifndef CORDON_POLICY_POLICY_H
#define CORDON_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "model/containment.h"
#include "model/detection.h"
#include "model/endpoint.h"
#include "model/rule.h"

struct policy;

struct policy_error {
    unsigned line, column; /* from 1; 0: the file itself */
    char text[TEXT_SIZE];
};

/* Reads policy.yaml.  0, or negative errno with 'error' saying where and what to do. */
int policy_load(const char *path, struct policy **policy, struct policy_error *error) MUST_CHECK;
int policy_parse(const char *yaml, size_t size, struct policy **policy,
                 struct policy_error *error) MUST_CHECK;
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy);

/* What the controller needs of the file. */
size_t policy_permit_sets(const struct policy *policy, const struct permit_set **sets);
/* Declared protected addresses and MACs. */
size_t policy_protected(const struct policy *policy, const struct rule_protect **protected);
/* Mode of the network that holds 'ip' (the default: observe). */
enum mode policy_mode_of(const struct policy *policy, const struct ip *ip, char network[NAME_SIZE]);
bool policy_is_home(const struct policy *policy, const struct ip *ip);

/* How the engine asks about the world. */
struct policy_world {
    /* topology_resolve with these semantics; 'how' is enum resolution. */
    int (*resolve)(void *context, const struct ip *ip, int64_t at_us, char endpoint_id[ID_SIZE],
                   struct mac *mac);
    /* Endpoint of a MAC; false: unknown. */
    bool (*by_mac)(void *context, const struct mac *mac, char endpoint_id[ID_SIZE]);
    bool (*endpoint)(void *context, const char *endpoint_id, const struct endpoint **endpoint);
    /* Does the port stamped by the mirror agree with where that MAC is attached? */
    bool (*origin_agrees)(void *context, const struct mirror_origin *origin,
                          const struct mac *mac);
    /* Confirmed as protected by a person (beyond the policy file). */
    bool (*is_protected)(void *context, const char *endpoint_id, const struct ip *ip, char why[TEXT_SIZE]);
    /* How many different endpoints talked to that server lately. */
    size_t (*talkers)(void *context, const struct ip *server);
    void *context;
};

struct engine;

struct engine *engine_new(struct policy *policy, const struct policy_world *world,
                          const struct clock *clock);
void engine_free(struct engine *engine);
/* Takes a reference to 'policy'; incidents and counters stay. */
void engine_set_policy(struct engine *engine, struct policy *policy);
struct policy *engine_policy(struct engine *engine);

#define DECISIONS_MAX 8
struct outcome {
    enum strength strength; /* as rated */
    enum party party;       /* the right party; UNSAID: none of ours */
    struct incident incident;          /* as it is now, to be stored */
    struct decision decisions[DECISIONS_MAX];
    size_t decision_count;
    bool is_observed;        /* mode observe: the decisions say what would have been */
    char why[TEXT_SIZE * 2]; /* the story, for people: which policy, which guard, or why nothing */
};

/* One detection.  Always succeeds: an outcome without decisions says why. */
void engine_detection(struct engine *engine, const struct detection *detection,
                      struct outcome *outcome);
/* From the store at start. */
void engine_restore_incident(struct engine *engine, const struct incident *incident);
/* The controller tells what became of things: for budgets, grace and watch periods. */
void engine_note_contained(struct engine *engine, const char *endpoint_id, const struct ip *ip);
void engine_note_released(struct engine *engine, const char *endpoint_id);
/* Drops old incidents and counters; call once a second. */
void engine_tick(struct engine *engine);

#endif
