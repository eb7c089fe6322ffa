/* Findings and statistics as EVE JSON, in the form of Suricata 7 ("EVE JSON Output"), so that tools
 * that read Suricata read us: evidence strength, phase and technique stand in the alert's metadata.
 */
#ifndef CORDON_SENSOR_EVE_H
#define CORDON_SENSOR_EVE_H

#include "sensor/flow.h"
#include "wire/sensor_stats.h"

/* One line without its end; freed with cJSON_free by the caller. */
char *eve_alert(const struct detection *detection, const struct flow *flow);
char *eve_stats(const struct wire_sensor_stats *stats, int64_t uptime_s);

/* Where lines go: a file ("-": stdout), a unix stream socket, both or neither. */
struct eve_out;
struct eve_out *eve_out_new(const char *file, const char *socket);
void eve_out_free(struct eve_out *out);
/* A socket that nobody listens on is tried again with each line; what it misses is counted. */
void eve_out_write(struct eve_out *out, const char *line);
uint64_t eve_out_lost(const struct eve_out *out);

#endif
