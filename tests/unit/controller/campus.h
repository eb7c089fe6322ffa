/* A controller with its real policy engine, topology and store (on a temporary file), a clock that
 * stands until it is advanced, and switches that are dummies in this process.  Each switch answers
 * after its own latency on that clock. */
#ifndef CORDON_TESTS_CONTROLLER_CAMPUS_H
#define CORDON_TESTS_CONTROLLER_CAMPUS_H

#include "base/clock.h"
#include "controller/ask/inspect.h"
#include "controller/controller.h"
#include "driver/dummy.h"
#include "wire/desired_set.h"

#define CAMPUS_SWITCHES 5

struct delivery; /* a desired state or read-back on its way to a switch */

struct campus_switch {
    struct campus *campus;
    struct device *device;
    struct delivery *first, *last;
    struct wire_desired partial; /* desired state that has not come whole */
    unsigned parts;              /* messages of desired states */
    unsigned snapshots, sums;    /* told everything; asked for its sum */
    unsigned protects;           /* rules sent that say who is never blocked */
    void (*on_sum)(struct campus_switch *sw, struct wire_observed *observed); /* alters it */
    int64_t latency_us;
    bool is_deaf; /* takes everything, answers nothing */
    bool is_old;  /* knows of no sums */
};

struct campus {
    char dir[64], path[96];
    struct event_base *base;
    struct clock_fake clock;
    struct store *store;
    struct policy *policy;
    const char *policy_text; /* from the next restart on; NULL: campus_policy */
    struct controller *controller;
    struct campus_switch switches[CAMPUS_SWITCHES];
    size_t switch_count;
    size_t away; /* number of the switch that does not come at a start; 0: all do */
    struct config_mirror mirrors[2];
    size_t mirror_count;
    bool is_clock_free;    /* nothing has set the machine's clock */
    const char *boot_id;   /* of the machine; NULL: not known */
    int64_t edges_wall_us; /* what switches' clocks say when they send facts; 0: they do not say */
    const char (*protected)[PREFIX_TEXT_SIZE]; /* by the driver, from the next restart on */
    size_t protected_count;
    uint64_t fact_sequence;
    unsigned published;
    unsigned containments_told, containment_lists_told; /* of these */
    unsigned incidents_told, incident_lists_told;
    struct wire_notice notice; /* the last that was handed to the notify role */
    unsigned notice_count;     /* how many were */
    bool is_notify_away;
    struct wire_secret secret;         /* the first of the last that were handed to it */
    uint64_t secret_number;            /* of that message */
    size_t secret_count;               /* in it */
    struct wire_checkpoint checkpoint; /* the last that edges were sent */
    unsigned checkpoint_count;         /* how many were */
};

extern const char *const campus_policy; /* networks 10.1/16 auto, 10.2/16 approve, else observe */

/* Allocated and opened; campus_teardown() ends it, for cmocka. */
struct campus *campus_new(void);
int campus_teardown(void **state);
void campus_open(struct campus *campus);
void campus_close(struct campus *campus);
/* Without a goodbye: what was not told to anybody may be lost, the rest must not. */
void campus_restart(struct campus *campus);
/* The same in two steps; one switch may stay away. */
void campus_stop(struct campus *campus);
void campus_start(struct campus *campus);
void campus_start_without(struct campus *campus, size_t index);
struct device *campus_add(struct campus *campus, const struct device_config *config);
/* The switch that was added last is there no more. */
void campus_remove_last(struct campus *campus);
/* Delivers what is due, until the store and the switches have nothing more to say. */
void campus_settle(struct campus *campus);
/* Lets time pass, in ticks of 250 ms. */
void campus_pass(struct campus *campus, int64_t us);

void campus_ports(struct campus *campus, const char *on, size_t count);
void campus_fact(struct campus *campus, const char *on, const struct fact *fact);
/* In one message. */
void campus_facts(struct campus *campus, const char *on, struct fact *told, size_t count);
/* 'mac' is 02:00:00:00:00:NN, 'ip' "10.1.0.NN"; by DHCP where 'client' is given, else by ARP. */
void campus_client(struct campus *campus, const char *on, const char *port, uint8_t mac,
                   const char *ip, const char *client);
/* c2 and c3: 10.1.0.2 and 10.1.0.3 on ports p2 and p3 of e1. */
void campus_two_clients(struct campus *campus);
struct mac campus_mac(uint8_t last);
struct ip campus_ip(const char *text);
const struct endpoint *campus_endpoint(struct campus *campus, uint8_t mac);

/* C&C contact of 'ip', strong, by another maker's finder; returns whether it was acknowledged. */
bool campus_detect(struct campus *campus, const char *id, const char *ip, enum strength strength);
bool campus_detect_to(struct campus *campus, const char *id, const char *ip, const char *server,
                      enum strength strength);
/* The newest containment, or NULL. */
const struct containment *campus_newest(struct campus *campus);
bool campus_has_mark(const struct containment *c, const char *step);

struct wish_answer {
    int calls;
    enum wish_result result;
    char why[TEXT_SIZE];
    char id[ID_SIZE];
};
void campus_answer(void *context, enum wish_result result, const char *why,
                   const struct containment *c);
/* Isolated by hand, by ann. */
void campus_isolate(struct campus *campus, uint8_t mac, char id[ID_SIZE]);

/* The first number that the database answers; -1: no row.  'bound': for ?1, or NULL. */
int64_t campus_number(const struct campus *campus, const char *sql, const char *bound);
/* As somebody with the file in hand. */
void campus_tamper(const struct campus *campus, const char *sql);

#endif
