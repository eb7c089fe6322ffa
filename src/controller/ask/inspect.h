/* What the controller shows beside containments and switches (controller.h): for the API's lists,
 * doctor and metrics.  Called on core's loop thread by ask_*.c; every pointer is borrowed until the
 * loop goes on. */
#ifndef CORDON_CONTROLLER_INSPECT_H
#define CORDON_CONTROLLER_INSPECT_H

#include "controller/controller.h"

/* Incidents that the engine holds open or that ended lately, oldest first. */
size_t controller_incident_count(const struct controller *controller);
const struct incident *controller_incident_at(const struct controller *controller, size_t index);
const struct incident *controller_incident(const struct controller *controller, const char *id);

/* When and why the database was replaced; 0: never.  See unproven.h. */
int64_t controller_restored(const struct controller *controller, const char **cause);

/* What intake said last of each source. */
size_t controller_source_count(const struct controller *controller);
const struct wire_source *controller_source_at(const struct controller *controller, size_t index);

struct sensor_view {
    const struct wire_sensor_stats *stats; /* the last ones; NULL: none yet */
    char name[NAME_SIZE];
    char version[NAME_SIZE];
    int64_t seen_us; /* our wall clock when it last said anything */
    int64_t skew_us; /* its clock minus ours, at its last message */
};
size_t controller_sensor_count(const struct controller *controller);
bool controller_sensor_at(const struct controller *controller, size_t index,
                          struct sensor_view *view);

/* Decisions that would have waited for a person, but too many did. */
uint64_t controller_pending_dropped(const struct controller *controller);
/* Detections about nobody known that were not kept until somebody is: too many. */
uint64_t controller_unclear_dropped(const struct controller *controller);

/* What each switch says of one containment: the worst of its rules there. */
struct switch_report {
    char switch_name[NAME_SIZE];
    enum rule_state state;
    uint64_t hits;
    char why[TEXT_SIZE];
};
size_t controller_reports(const struct controller *controller, const char *containment_id,
                          struct switch_report *reports, size_t room);

/* Who may never be contained: declared in the policy file, confirmed by a person, or proposed
 * because it behaves like a gateway, DHCP server or resolver. */
enum protection_state { PROTECTION_PROPOSED, PROTECTION_CONFIRMED, PROTECTION_DECLARED };
struct protection_view {
    char id[NAME_SIZE]; /* of a declared one: its address or MAC */
    enum protection_state state;
    char endpoint_id[ID_SIZE]; /* "": not an endpoint that we know */
    struct mac mac;
    struct prefix server;
    char why[TEXT_SIZE];
    char account[NAME_SIZE]; /* who confirmed it */
    int64_t since_us;
};
/* May that endpoint never be contained: declared in the policy, or confirmed by a person? */
bool controller_is_protected(const struct controller *controller, const struct endpoint *endpoint,
                             char why[TEXT_SIZE]);
size_t controller_protection_count(const struct controller *controller);
bool controller_protection_at(const struct controller *controller, size_t index,
                              struct protection_view *view);
/* Confirms a proposed one, or removes a proposed or confirmed one (not a declared one: REFUSED).
 * 'done' gets no containment. */
void controller_protect(struct controller *controller, const char *protection_id, bool confirm,
                        const char *account, const char *reason, wish_done_fn *done, void *context);

/* Protects an endpoint that nobody proposed; EXISTS: it is confirmed already; REFUSED: contained.
 */
void controller_protect_endpoint(struct controller *controller, const char *endpoint_id,
                                 const char *account, const char *reason, wish_done_fn *done,
                                 void *context);

/* Since when, by whom and why all enforcement is suspended; all empty where it is not. */
struct suspension_view {
    bool is_suspended;
    int64_t since_us;
    char account[NAME_SIZE];
    char reason[TEXT_SIZE];
};
void controller_suspension(const struct controller *controller, struct suspension_view *view);

/* Is there a storm (storm.h): since when, when was the last held, and how many were? */
bool controller_storm(const struct controller *controller, int64_t *since_us, int64_t *last_us,
                      uint64_t *held);

/* What contradicts itself (conflicts.h), newest first; NULL: no more. */
struct conflict_view {
    char endpoint_id[ID_SIZE]; /* "": a port */
    struct mac mac;
    char switch_name[NAME_SIZE], port[NAME_SIZE];
    char why[TEXT_SIZE];
    int64_t first_us, last_us;
    uint64_t times;
};
size_t controller_conflict_count(const struct controller *controller);
const struct conflict_view *controller_conflict_at(const struct controller *controller,
                                                   size_t index);

/* Mirror sessions in force: declared ones and detailed ones that containments asked for. */
struct mirror_view {
    char switch_name[NAME_SIZE]; /* "": every switch */
    const struct rule_mirror *mirror;
    const struct containment *asked_by; /* NULL: declared */
    uint64_t copied;                    /* frames, by the switch's own count */
    bool is_missing;                    /* its switch has answered, and does not hold it */
};
size_t controller_mirror_count(const struct controller *controller);
bool controller_mirror_at(const struct controller *controller, size_t index,
                          struct mirror_view *view);

/* Notifications: the settings, what became of what was put, and each channel. */
const struct notify_settings *controller_notify_settings(const struct controller *controller);
struct notify_state {
    bool is_joined; /* with the notify role */
    uint64_t waiting, put, delivered, given_up, counted_only;
    char on_call[NAME_SIZE]; /* who is now; "": nobody */
};
void controller_notify_state(const struct controller *controller, struct notify_state *state);
struct notify_channel_state {
    char name[NAME_SIZE];
    bool has_secret, is_failing;
    uint64_t waiting;
    int64_t delivered_us, failed_us;
    char answer[TEXT_SIZE]; /* at the last try */
};
bool controller_notify_channel_at(const struct controller *controller, size_t index,
                                  struct notify_channel_state *state);
enum notify_result { NOTIFY_DONE, NOTIFY_UNKNOWN, NOTIFY_STALE, NOTIFY_FAILED };
/* 'answer': the receiver's words, or why not. */
typedef void notify_done_fn(void *context, enum notify_result result, const char *answer);
/* Checked by its shape already.  Each secret is kept by the notify role first, then the settings
 * are stored; core keeps no secret.  STALE: they were changed meanwhile. */
void controller_notify_set(struct controller *controller, const struct notify_settings *settings,
                           const struct wire_secret *secrets, size_t secret_count,
                           const char *account, notify_done_fn *done, void *context);
/* A real message by that channel; 'done' once its receiver has answered. */
void controller_notify_test(struct controller *controller, const char *name, const char *account,
                            notify_done_fn *done, void *context);
/* Tells of something that was found by being asked. */
void controller_notice(struct controller *controller, enum notice_kind kind, enum severity severity,
                       const char *account, const char *detail);
/* Whom a pending decision was told to, and who is next.  False: nobody watches over it. */
struct escalation_view {
    uint32_t taken, steps;
    int64_t told_us, next_us; /* next 0: none is left */
    char told[NAME_SIZE], next[NAME_SIZE];
};
bool controller_escalation(const struct controller *controller, const char *containment_id,
                           struct escalation_view *view);

/* The engine's view of the world, for trying a policy on past events (trial.h). */
const struct policy_world *controller_world(struct controller *controller);
uint64_t controller_epoch(const struct controller *controller);
const struct clock *controller_clock(const struct controller *controller);

#endif
