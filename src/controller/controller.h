/* The controller: decisions + locations -> rules per switch; the containment life cycle; reconcile.
 *
 * Runs on core's loop thread and owns all state.  Everything that must survive goes through the
 * store before anybody is told (architecture rule 2); everything that switches must hold is derived
 * from the containments in force (desired.c), pushed with generation numbers, read back, and
 * repaired (switches.c); the state machine is one table (lifecycle.c). */
#ifndef CORDON_CONTROLLER_CONTROLLER_H
#define CORDON_CONTROLLER_CONTROLLER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "cordond/config.h"
#include "model/containment.h"
#include "model/notice.h"
#include "policy/policy.h"
#include "store/store.h"
#include "topology/topology.h"
#include "wire/checkpoint.h"
#include "wire/desired.h"
#include "wire/hello.h"
#include "wire/notice.h"
#include "wire/device.h"
#include "wire/edge_stats.h"
#include "wire/observed.h"
#include "wire/read_back.h"
#include "wire/source_stats.h"
#include "wire/sensor_stats.h"

struct controller;

struct controller_ports {
    /* Towards the driver process; false: not connected now (it will say 'device' when it is). */
    bool (*send_desired)(void *context, const struct wire_desired *desired);
    bool (*send_read_back)(void *context, const struct wire_read_back *question);
    /* To every switch that keeps checkpoints of the audit.  NULL: there are none. */
    bool (*send_checkpoint)(void *context, const struct wire_checkpoint *message);
    /* Live events: the object that changed (struct containment, endpoint, incident, link,
     * switch_view, wire_source or view_changed, as the topic says), borrowed; see ask_view_* for
     * its form. */
    void (*publish)(void *context, const char *topic, const void *object);
    /* Towards the notify process; false: it is away (it will be joined again).  NULL: none. */
    bool (*send_notice)(void *context, const struct wire_notice *notice);
    bool (*send_secret)(void *context, const struct wire_secret_change *change);
    void *context;
};

struct controller_settings {
    const struct config_mirror *mirrors; /* declared sessions; borrowed, like the warnings */
    size_t mirror_count;
    const struct rule_warning *warnings;
    size_t warning_count;
    const struct ip *own_addresses; /* this machine's: always protected; copied */
    size_t own_address_count;
    /* What the driver process never lets be blocked (guard.h); borrowed. */
    const char (*protected)[PREFIX_TEXT_SIZE];
    size_t protected_count;
    int64_t reconcile_us;      /* between read-backs of one switch (default 5 s) */
    int64_t answer_late_us;    /* a switch that was told something may take (default 10 s) */
    uint32_t default_expiry_s; /* of wishes that name none; 0: until released */
    const char *boot_id;       /* this start of the machine (clocks.h); borrowed; NULL: not known */
    bool is_clock_free;        /* nothing had set the machine's clock when we started */
};

/* Does not start to act: load what was stored, connect, then controller_start().  'policy' gets a
 * reference; the others are borrowed. */
struct controller *controller_new(const struct controller_settings *settings,
                                  const struct clock *clock, struct store *store,
                                  struct policy *policy, const struct controller_ports *ports);
void controller_free(struct controller *controller);
/* Everything that was live when we last ended; 0 or negative errno (then do not start). */
int controller_load(struct controller *controller) MUST_CHECK;
/* Claims the next epoch; switches are driven once that is on disk. */
void controller_start(struct controller *controller);
/* Before the store is closed: hands it what was still to be written behind. */
void controller_stop(struct controller *controller);
void controller_set_policy(struct controller *controller, struct policy *policy);
/* False: with that policy switches would lift what is in force, since a site is not there any more
 * or has no switch of ours; 'why' says what. */
bool controller_policy_fits(const struct controller *controller, const struct policy *policy,
                            struct policy_error *why);
/* Other texts of the warning page (borrowed): every edge gets them. */
void controller_set_warnings(struct controller *controller, const struct rule_warning *texts,
                             size_t count);
/* What goes by time: expiry, pending time-outs, read-backs, write-behind.  Four times a second. */
void controller_tick(struct controller *controller);

/* What comes in, all checked by the channel; borrowed. */
/* Called once the detection (and what it led to) is on disk, or was stored before: acknowledge.
 * With an error nothing is stored: do not acknowledge, the sender sends it again. */
typedef void detection_done_fn(void *context, const char *detection_id, int error);
void controller_detection(struct controller *controller, const struct detection *detection,
                          detection_done_fn *done, void *context);
void controller_evidence(struct controller *controller, const struct evidence *evidence);
void controller_facts(struct controller *controller, const struct wire_facts *facts);
void controller_device(struct controller *controller, const struct wire_device *device);
void controller_observed(struct controller *controller, const struct wire_observed *observed);
void controller_edge_stats(struct controller *controller, const struct wire_edge_stats *stats);
void controller_sensor_hello(struct controller *controller, const struct wire_hello *hello);
void controller_sensor_stats(struct controller *controller, const struct wire_sensor_stats *stats);
void controller_source_stats(struct controller *controller, const struct wire_source_stats *stats);
/* The notify process is there, is gone, and says. */
void controller_notify_joined(struct controller *controller);
void controller_notify_gone(struct controller *controller);
void controller_notice_result(struct controller *controller,
                              const struct wire_notice_result *result);
void controller_secrets(struct controller *controller, const struct wire_secrets *secrets);
/* The driver process is gone: no switch is connected until it says so again. */
void controller_driver_gone(struct controller *controller);

/* What a person or a program asks for. */
struct wish {
    enum action action;
    char endpoint_id[ID_SIZE]; /* or mac, or ip with observed_us */
    struct mac mac;
    struct ip ip;
    char site[NAME_SIZE]; /* whose addresses are meant; "": not said */
    int64_t observed_us;  /* when that address was that endpoint's; 0: now */
    struct prefix server;
    char server_name[HOST_SIZE];
    char permit_set[NAME_SIZE];
    char reason[TEXT_SIZE];
    char external_id[NAME_SIZE];
    char account[NAME_SIZE];
    uint32_t expires_s;
    bool is_by_address; /* where nobody is known to have 'ip': whoever gets it is meant */
};

enum wish_result { WISH_DONE, WISH_EXISTS, WISH_REFUSED, WISH_UNKNOWN, WISH_FAILED };
/* Called after the commit (or at once when refused); 'containment' is NULL unless DONE or EXISTS.
 */
typedef void wish_done_fn(void *context, enum wish_result result, const char *why,
                          const struct containment *containment);

void controller_wish(struct controller *controller, const struct wish *wish, wish_done_fn *done,
                     void *context);
void controller_release(struct controller *controller, const char *containment_id,
                        const char *account, const char *reason, wish_done_fn *done, void *context);
void controller_extend(struct controller *controller, const char *containment_id,
                       uint32_t expires_s, const char *account, wish_done_fn *done, void *context);
/* A person keeps what only a switch knew of (controller/recovery/unproven.h): it is a containment
 * like any other from now on. */
void controller_prove(struct controller *controller, const char *containment_id,
                      const char *account, const char *reason, wish_done_fn *done, void *context);
enum verdict { VERDICT_ENFORCE, VERDICT_CHECK, VERDICT_REVERT };
void controller_judge(struct controller *controller, const char *containment_id,
                      enum verdict verdict, const char *account, const char *reason,
                      wish_done_fn *done, void *context);
void controller_panic(struct controller *controller, bool suspend, const char *account,
                      const char *reason, wish_done_fn *done, void *context);
/* A row of the audit about something that was done outside of core (accounts). */
void controller_record(struct controller *controller, const char *account, const char *action,
                       const char *object, const char *detail, wish_done_fn *done, void *context);
bool controller_is_suspended(const struct controller *controller);

/* Lists whose rows are not told one by one. */
enum list_changed {
    CHANGED_AUDIT,
    CHANGED_SENSORS,
    CHANGED_PROTECTED,
    CHANGED_ENFORCEMENT,
    CHANGED_INCIDENTS, /* more than are told one by one; likewise: */
    CHANGED_CONTAINMENTS,
    CHANGED_BUDGETS,
    CHANGED_CONFLICTS,
    CHANGED_CERTIFICATES,
    CHANGED_RETENTION,
    CHANGED_COUNT
};
/* Told at the next tick. */
void controller_list_changed(struct controller *controller, enum list_changed list);
/* A notice about something that has a name. */
void controller_tell(struct controller *controller, enum notice_kind kind, enum severity severity,
                     const char *object, const char *detail);

/* Tells listeners of an object that changed (controller_ports.publish). */
void controller_publish(struct controller *controller, const char *topic, const void *object);

const struct containment *controller_containment_at(const struct controller *controller,
                                                    size_t index);
/* Rises along that order and is the containment's as long as we run; not 0. */
uint64_t controller_containment_serial(const struct controller *controller, size_t index);
/* Rises with every start and stays through a run: serials are of one run. */
uint64_t controller_run(const struct controller *controller);
/* The containment that restricts that endpoint most now; NULL: none. */
const struct containment *controller_containment_on(const struct controller *controller,
                                                    const char *endpoint_id);
size_t controller_containment_count(const struct controller *controller);
const struct containment *controller_find(const struct controller *controller, const char *id);
struct topology *controller_topology(struct controller *controller);
struct store *controller_store(struct controller *controller);
struct engine *controller_engine(struct controller *controller);

/* One switch as the controller knows it, for lists and doctor. */
/* What a switch tells of itself every few seconds, as long as it is: there may be hundreds. */
struct switch_stats {
    int64_t at_us;
    struct wire_counter *counters; /* owned */
    size_t counter_count;
    char (*problems)[TEXT_SIZE]; /* owned */
    size_t problem_count;
};
struct switch_view {
    struct wire_device device;
    uint64_t desired_generation, observed_generation;
    int64_t seen_us, read_back_us;
    size_t rule_count, missing_count;
    bool is_settled; /* has answered what it was told since it connected */
    char problem[TEXT_SIZE];
    const struct switch_stats *stats; /* borrowed; NULL: none */
    const char *site;                 /* borrowed; "": there is only one */
};
bool controller_switch_at(const struct controller *controller, size_t index,
                          struct switch_view *view);
size_t controller_switch_count(const struct controller *controller);

#endif
