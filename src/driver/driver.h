/* The driver contract: makes one kind of switch hold rules, and reports what it sees.
 *
 * One worker thread per device calls apply/read_back/learn, one at a time; they may block until
 * 'deadline_ms' have passed.  Desired state in, observed state out; every call is idempotent; a
 * driver never touches what it did not write; protected hosts are checked here again.  Success of
 * apply means: read back and equal. */
#ifndef CORDON_DRIVER_DRIVER_H
#define CORDON_DRIVER_DRIVER_H

#include "model/fact.h"
#include "model/rule.h"
#include "wire/checkpoint.h"
#include "wire/device.h"
#include "wire/desired.h"
#include "wire/edge_stats.h"
#include "wire/facts.h"
#include "wire/observed.h"

struct edge_hub;
struct device; /* a driver embeds 'struct device base' first */

/* What a dummy says of its cables. */
struct device_neighbour {
    char port[NAME_SIZE];
    char switch_name[NAME_SIZE];
    char there[NAME_SIZE]; /* that switch's port */
};
#define DEVICE_PORTS_MAX 256
#define DEVICE_NEIGHBOURS_MAX 64

struct device_config {
    char name[NAME_SIZE];
    char driver[NAME_SIZE]; /* "edge", "dummy" */
    /* dummy: as a small switch */
    uint32_t room;                       /* entries; 0: no limit */
    uint32_t latency_ms;                 /* of each apply */
    bool mac_only;                       /* matches MACs only, shows no warning page */
    uint32_t ports;                      /* it has access ports p1 to pN */
    struct device_neighbour *neighbours; /* owned by the configuration; uplinks, as LLDP says */
    size_t neighbour_count;
    struct edge_hub *edge_hub; /* edge: the listener that all edges connect to (driver/edge.h);
                                  set by the driver process, never by the configuration */
};

/* What a device tells unasked; called from any thread, must not block. */
struct device_listener {
    void (*on_facts)(void *context, const struct wire_facts *facts);
    void (*on_observed)(void *context, const struct wire_observed *observed);
    void (*on_device)(void *context, const struct wire_device *device);
    void (*on_stats)(void *context, const struct wire_edge_stats *stats);
    void (*on_checkpoints)(void *context, const struct wire_checkpoints *held);
    void *context;
};

struct device {
    const struct driver *driver;
    struct device_config config;
    struct device_listener listener;
};

struct driver {
    const char *name;
    int (*open)(const struct device_config *config, const struct device_listener *listener,
                struct device **device);
    void (*close)(struct device *device);
    /* Makes the switch hold exactly this (see desired.h); fills 'observed' with the state of the
     * rules of this change.  0, -ETIMEDOUT, -ENOTCONN, -ESTALE (lower epoch), -EAGAIN (does not
     * hold the base: send a snapshot), -ENOSPC (full: 'observed' says which rules are missing). */
    int (*apply)(struct device *device, const struct wire_desired *desired, int deadline_ms,
                 struct wire_observed *observed);
    int (*read_back)(struct device *device, int deadline_ms, struct wire_observed *observed);
    /* The rules that block somebody, as they were sent ('observed.held'): asked before a controller
     * that lost its memory takes anything from the switch.  NULL: it cannot say. */
    int (*held)(struct device *device, int deadline_ms, struct wire_observed *observed);
    /* The sum of what it holds, under 'key' (rule_sum.h), and the exceptions.  NULL: it has none.
     */
    int (*sum)(struct device *device, const char *key, int deadline_ms,
               struct wire_observed *observed);
    /* All that it sees now, as one full report; 'facts' is then the caller's.  Asked when core
     * connects.  NULL: it tells unasked. */
    int (*learn)(struct device *device, struct wire_facts *facts);
    /* Keeps a checkpoint of the audit, tells which it holds; on the loop, never blocks.  NULL: it
     * cannot. */
    void (*checkpoint)(struct device *device, const struct wire_checkpoint *message);
};

/* registry.c, by hand; NULL: unknown. */
const struct driver *driver_find(const char *name);
/* Every one's name, for people: "edge, dummy". */
void driver_names(char names[128]);

#endif
