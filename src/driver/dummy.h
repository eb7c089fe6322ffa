/* A switch made of memory: for tests, for trying policies without a switch, and as the measure of
 * the driver contract.  Configured as a small switch it has few entries, takes its time, matches
 * MACs only and shows no warning page.  Not thread safe beyond the driver contract: tests that look
 * behind the driver's back do so while no call runs. */
#ifndef CORDON_DRIVER_DUMMY_H
#define CORDON_DRIVER_DUMMY_H

#include "base/clock.h"
#include "driver/driver.h"

extern const struct driver driver_dummy;

void dummy_set_clock(struct device *device, const struct clock *clock);
/* What 'latency_ms' does; default: sleeps. */
void dummy_set_wait(struct device *device, void (*wait)(void *context, int ms), void *context);

/* Behind the driver's back. */
size_t dummy_count(struct device *device);
bool dummy_has(struct device *device, const char *rule_id);
/* The first rule of that kind, or NULL; borrowed until the next call. */
const struct rule *dummy_first(struct device *device, enum rule_kind kind);
bool dummy_remove(struct device *device, const char *rule_id);  /* false: was not there */
bool dummy_add(struct device *device, const struct rule *rule); /* of somebody else */
bool dummy_break(struct device *device, const char *rule_id);   /* held, but does not work */
void dummy_set_suspended(struct device *device, bool is_suspended);
bool dummy_is_suspended(const struct device *device);
/* The cable: what it holds stays.  Tells the listener. */
void dummy_set_connected(struct device *device, bool is_connected);

/* What a frame would meet: from 'mac' on 'port' to 'server' (NULL: a neighbour). */
bool dummy_drops(struct device *device, const char *port, const struct mac *mac,
                 const struct ip *server);

#endif
