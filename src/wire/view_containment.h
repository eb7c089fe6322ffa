/* Detections, incidents and containments as the API shows them. */
#ifndef CORDON_WIRE_VIEW_CONTAINMENT_H
#define CORDON_WIRE_VIEW_CONTAINMENT_H

#include "model/containment.h"
#include "model/endpoint.h"
#include "model/rule.h"
#include "wire/codec.h"
#include "wire/view_notify.h"

extern const struct shape view_detection_shape; /* over struct detection */

struct view_incident {
    struct incident model;
    char host_name[HOST_SIZE];
    /* detail only */
    struct detection *detections; /* newest first */
    size_t detection_count;
    char containments[32][ID_SIZE];
    size_t containment_count;
};
#define VIEW_DETECTIONS_MAX 50
extern const struct shape view_incident_shape;
extern const struct shape view_incident_detail_shape;

/* One step of the story with the time it took. */
struct view_step {
    struct mark mark;
    int64_t since_start_us;
    int64_t step_us; /* since the step before */
};
struct view_switch_report {
    char switch_name[NAME_SIZE];
    enum rule_state state;
    uint64_t hits;
    char why[TEXT_SIZE];
};
#define VIEW_REPORTS_MAX 256

struct view_containment {
    struct containment model; /* shallow */
    char host_name[HOST_SIZE];
    struct location *location; /* NULL: unknown */
    /* detail only */
    struct view_step *timeline;
    size_t step_count;
    struct view_switch_report *reports;
    size_t report_count;
    char residual_reach[16][TEXT_SIZE];
    size_t residual_count;
    struct view_incident *incident;
};
extern const struct shape view_containment_shape;
extern const struct shape view_containment_detail_shape;

/* An endpoint that was released lately. */
#define VIEW_WATCH_INCIDENTS 8
struct view_watch {
    struct view_containment *containment; /* that was released */
    int64_t until_us;
    uint32_t again;                  /* incidents with something new since */
    struct view_incident *incidents; /* the newest of them */
    size_t incident_count;
    char contained_by[ID_SIZE]; /* contained again by; "": not */
};
extern const struct shape view_watch_shape;

/* What is known of a server. */
struct view_talker {
    char endpoint_id[ID_SIZE];
    char host_name[HOST_SIZE];
    struct mac mac;
    struct ip ip;
    uint64_t detections;
    int64_t last_us;
};
#define VIEW_TALKERS_MAX 100
struct view_assessment {
    bool is_never_blocked;
    char why[TEXT_SIZE];
    int64_t since_us;
    struct view_talker *talkers;
    size_t talker_count;
    uint64_t more; /* beyond VIEW_TALKERS_MAX */
};
extern const struct shape view_assessment_shape;

/* A held decision with what it rests on. */
struct view_pending {
    struct view_containment *containment;
    struct view_incident *incident; /* NULL: none */
    struct detection *detections;   /* newest first, a few */
    size_t detection_count;
    struct view_escalation *escalation; /* NULL: nobody is on call */
};
#define VIEW_PENDING_DETECTIONS 5
extern const struct shape view_pending_shape;

#endif
