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

/* Reads policy.yaml, at most POLICY_TEXT_MAX bytes of UTF-8 lines.  0, or negative errno with
 * 'error' saying where and what to do. */
int policy_load(const char *path, struct policy **policy, struct policy_error *error) MUST_CHECK;
int policy_parse(const char *yaml, size_t size, struct policy **policy,
                 struct policy_error *error) MUST_CHECK;
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy);

/* What the controller needs of the file. */
size_t policy_permit_sets(const struct policy *policy, const struct permit_set **sets);
/* Declared protected addresses and MACs. */
size_t policy_protected(const struct policy *policy, const struct rule_protect **protected);
/* What the policy calls the 'index'th of them. */
const char *policy_protected_name(const struct policy *policy, size_t index);
/* Does that hold at 'site' ("": not known, so yes)? */
bool policy_protects_at(const struct policy *policy, size_t index, const char *site);
/* Mode of the network that holds 'ip' at 'site' ("": any) (the default: observe). */
enum mode policy_mode_of(const struct policy *policy, const char *site, const struct ip *ip,
                         char network[NAME_SIZE]);
/* Equal where the text is, in every run. */
uint64_t policy_digest(const struct policy *policy);
bool policy_is_home(const struct policy *policy, const struct ip *ip);
/* Home, or of the private ranges: it means another machine at each site. */
bool policy_is_internal(const struct policy *policy, const struct ip *ip);

/* A declared proxy or NAT: others are behind it, so that it is never the one to contain.  What it
 * is, or NULL. */
const char *policy_relay(const struct policy *policy, const struct ip *ip);

/* Sites with addresses of their own (sites.c): an address means a machine only within its site.
 * False: there are none, and everything is SITE_DEFAULT. */
bool policy_has_sites(const struct policy *policy);
/* Their names, in the file's order; NULL: no more. */
const char *policy_own_site_at(const struct policy *policy, size_t index);
/* One of those, or SITE_DEFAULT. */
bool policy_knows_site(const struct policy *policy, const char *name);
/* Of a switch: one of those names, or SITE_DEFAULT. */
const char *policy_site_of(const struct policy *policy, const char *switch_name);
/* The 'index'th permit set as it is at that site.  The caller finishes 'rule', of RULE_PERMIT_SET.
 */
void policy_permits_at(const struct policy *policy, size_t index, const char *site,
                       struct rule *rule);
/* Is it the same everywhere? */
bool policy_permits_alike(const struct policy *policy, size_t index);

/* What resolving an address can say; the values are those of enum resolution (topology.h). */
enum known {
    KNOWN_NONE,     /* nobody */
    KNOWN_SURE,     /* exactly one, and the binding held at that time */
    KNOWN_CHANGED,  /* changed hands since, or began later */
    KNOWN_OLD,      /* last confirmed too long before */
    KNOWN_CONFLICT, /* two claimed it */
    KNOWN_SITES,    /* several sites have it, and which is meant is not known */
};

/* Who held an address. */
struct policy_held {
    char endpoint_id[ID_SIZE]; /* "": nobody */
    struct mac mac;
    char site[NAME_SIZE]; /* "": not known */
};

/* How the engine asks about the world. */
struct policy_world {
    /* topology_resolve with these semantics; the result is enum known.  'site' "": not known. */
    int (*resolve)(void *context, const char *site, const struct ip *ip, int64_t at_us,
                   struct policy_held *held);
    /* Endpoint of a MAC; false: unknown. */
    bool (*by_mac)(void *context, const struct mac *mac, char endpoint_id[ID_SIZE]);
    bool (*endpoint)(void *context, const char *endpoint_id, const struct endpoint **endpoint);
    /* Does the port stamped by the mirror agree with where that MAC is attached? */
    bool (*origin_agrees)(void *context, const char *site, const struct mirror_origin *origin,
                          const struct mac *mac);
    /* Confirmed as protected by a person (beyond the policy file). */
    bool (*is_protected)(void *context, const char *site, const char *endpoint_id,
                         const struct ip *ip, char why[TEXT_SIZE]);
    /* How many different endpoints talked to that server lately. */
    size_t (*talkers)(void *context, const struct ip *server);
    void *context;
    /* May be NULL: every stamp counts as an access port's.  False: that port is an uplink (or not
     * known), whose stamp says nothing about who sent the frame. */
    bool (*origin_is_access)(void *context, const char *site, const struct mirror_origin *origin);
    /* May be NULL: unknown.  Of how many known endpoints 'counts' is true; for the budgets of
     * networks and switches. */
    size_t (*count)(void *context,
                    bool (*counts)(const void *what, const struct endpoint *endpoint),
                    const void *what);
    /* May be NULL: yes.  Is what it says of itself (addresses by ARP, its name) to be believed? Not
     * from an access port: one ARP packet would make anybody a protected host or a router. */
    bool (*is_trusted_place)(void *context, const struct endpoint *endpoint);
    /* May be NULL: no.  Has another one that address, where servers are put? */
    bool (*is_a_servers)(void *context, const struct endpoint *but, const struct binding *binding);
    /* May be NULL: yes.  Has that switch ("": has every one) told all that it sees since we run?
     * Before, nobody knows how many endpoints there are. */
    bool (*is_whole)(void *context, const char *switch_name);
    /* May be NULL: yes.  Did people say of that MAC itself what is said of its endpoint?  Not where
     * it only joined a machine of which they did. */
    bool (*is_said_of)(void *context, const struct mac *mac);
    /* May be NULL: no.  Does it act as a router, as a switch has seen? */
    bool (*is_router)(void *context, const struct endpoint *endpoint);
    /* May be NULL: none are known.  The switches with that mirror source; returns how many. */
    size_t (*mirror_sources)(void *context, const struct ip *switch_ip, const char **names,
                             size_t room);
};

/* For replays: as if every mode were auto.  Roll-out rules and maintenance windows stay, or not. */
enum assumption { ASSUME_NOTHING, ASSUME_AUTO, ASSUME_AUTO_EVERYWHERE, ASSUMPTION_COUNT };

struct engine;

struct engine *engine_new(struct policy *policy, const struct policy_world *world,
                          const struct clock *clock);
void engine_free(struct engine *engine);
/* Takes a reference to 'policy'; incidents and counters stay.  Who waited for the budget by another
 * policy's word waits for a person. */
void engine_set_policy(struct engine *engine, struct policy *policy);
struct policy *engine_policy(struct engine *engine);
void engine_assume(struct engine *engine, enum assumption assumption);

/* What is not known about a detection's endpoint, and may be learnt a moment later. */
enum unclear {
    UNCLEAR_NOT,     /* nothing, or nothing that time tells */
    UNCLEAR_ADDRESS, /* who had its address then */
    UNCLEAR_PLACE,   /* where that machine is, which our own evidence is weighed by */
};

#define DECISIONS_MAX 8
struct outcome {
    enum strength strength;   /* as rated */
    enum party party;         /* the right party; UNSAID: none of ours */
    struct incident incident; /* as it is now, to be stored */
    struct incident left;     /* likewise: the one that it was in before; no id: none */
    enum unclear unclear;
    struct decision decisions[DECISIONS_MAX];
    size_t decision_count;
    bool is_observed;        /* mode observe: the decisions say what would have been */
    char why[TEXT_SIZE * 2]; /* the story, for people: which policy, which guard, or why nothing */
};

/* Is that endpoint declared as protected in the policy: by MAC, by an address that is surely its
 * own, or, in a trusted place, by its host name?  'why' then says as what. */
bool engine_protects(const struct engine *engine, const struct endpoint *endpoint,
                     char why[TEXT_SIZE]);

/* One detection.  Always succeeds: an outcome without decisions says why. */
void engine_detection(struct engine *engine, const struct detection *detection,
                      struct outcome *outcome);
enum clearing {
    CLEARING_WAITS, /* it is not known yet */
    CLEARING_KNOWN,
    CLEARING_NEVER, /* somebody else claims it too by now: whoever is left may be the wrong one */
};
/* Is what was 'unclear' about that detection known by now?  'was' is the incident that it is in. */
enum clearing engine_clears(struct engine *engine, const struct detection *detection,
                            const struct incident *was, enum unclear unclear);
/* Judges it once more, as it would be if it came now.  It goes over to its endpoint's incident, and
 * counts once.  Its strength, where we rate it, is the one that it had.  'is_refused': a person
 * ended what was done for it, and is asked again at most. */
void engine_detection_again(struct engine *engine, const struct detection *detection,
                            const struct incident *was, bool is_refused, struct outcome *outcome);
/* From the store at start. */
void engine_restore_incident(struct engine *engine, const struct incident *incident);
/* The controller tells what became of things: for budgets, grace and watch periods. */
/* A containment is in force: also at start, for each that is. */
void engine_note_begun(struct engine *engine, const struct containment *containment);
/* It ended, or a pending decision did.  Its like may be asked for again: after the grace period
 * where its state says that a person released it, at once otherwise. */
void engine_note_over(struct engine *engine, const struct containment *containment);
/* The same in short, where only this is at hand.  'endpoint_id' and no 'ip', or an inside one: what
 * was decided about that endpoint is in force. */
/* Its site became known: until now it was at all of them. */
void engine_note_sited(struct engine *engine, const struct containment *containment);
void engine_note_contained(struct engine *engine, const char *endpoint_id, const struct ip *ip);
/* A person released that endpoint: grace, then a closer watch. */
void engine_note_released(struct engine *engine, const char *endpoint_id);
/* At start, for what was acted on in the last hour before it: budgets count it. */
void engine_note_spent(struct engine *engine, int64_t requested_us);
/* At start, oldest first, for releases since engine_watch_since() (wall): their grace and watch
 * periods go on. */
int64_t engine_watch_since(const struct engine *engine);
/* Wall: an incident that was seen last before this collects no more. */
int64_t engine_collects_since(const struct engine *engine);
void engine_restore_released(struct engine *engine, const char *endpoint_id, int64_t released_us);
/* Would policy never block that server by itself?  By address or prefix, or (none) by name. */
bool engine_never_blocks(const struct engine *engine, const struct prefix *server,
                         const char *server_name, char why[TEXT_SIZE]);
/* Drops old incidents and counters; call once a second. */
void engine_tick(struct engine *engine);

/* What was forgotten because a table was full, each the oldest. */
struct engine_counters {
    uint64_t incidents_evicted;
    uint64_t subjects_evicted; /* counts within time */
    uint64_t servers_evicted;  /* who contacted what */
    uint64_t decisions_evicted;
    uint64_t suppressed;  /* decisions not repeated while the same is in force or pending */
    uint64_t over_budget; /* isolations that are held for a person instead */
};
void engine_read_counters(const struct engine *engine, struct engine_counters *counters);

#endif
