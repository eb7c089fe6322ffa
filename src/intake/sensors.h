/* Our own sensors: mutual TLS, detections passed on under the certificate's name, acknowledged when
 * core stored them. */
#ifndef CORDON_INTAKE_SENSORS_H
#define CORDON_INTAKE_SENSORS_H

#include <event2/event.h>

#include "bus/gate.h"
#include "bus/tls.h"
#include "intake/deliveries.h"
#include "wire/source_stats.h"

struct sensors;

int sensors_new(struct event_base *base, const char *address, const struct tls_files *files,
                struct deliveries *deliveries, struct sensors **sensors, char why[256]) MUST_CHECK;
void sensors_free(struct sensors *sensors);
/* For the gate (bus/gate.h), which says from then on whom to let in; borrowed. */
struct tls_server *sensors_server(struct sensors *sensors);
void sensors_set_gate(struct sensors *sensors, struct gate *gate);
/* For evidence, hello and statistics, which are passed on; NULL: core is away. */
void sensors_set_core(struct sensors *sensors, struct channel *core);
/* Fills at most 'room' entries of kind "cordon"; texts and refusals borrowed from nowhere (none).
 */
size_t sensors_stats(const struct sensors *sensors, struct wire_source *stats, size_t room);

#endif
