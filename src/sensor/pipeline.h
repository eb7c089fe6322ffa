/* The sensor's pipeline: decode -> duplicates -> fragments -> flow -> stream -> protocol ->
 * detectors. The same for a live interface and for a file: packet time drives the clock. */
#ifndef CORDON_SENSOR_PIPELINE_H
#define CORDON_SENSOR_PIPELINE_H

#include "sensor/detector.h"
#include "wire/sensor_stats.h"

struct pipeline;

/* A finding; 'pcap' (NULL: none) is borrowed. */
typedef void pipeline_found_fn(void *context, const struct detection *detection,
                               const struct flow *flow, const uint8_t *pcap, size_t pcap_size);

/* 'trusts_mirrors': a file: nobody could have sent us forged mirror headers. */
struct pipeline *pipeline_new(const struct sensor_settings *settings, bool trusts_mirrors,
                              pipeline_found_fn *found, void *context);
void pipeline_free(struct pipeline *pipeline);
/* Takes 'lists'; the former ones are freed. */
void pipeline_set_lists(struct pipeline *pipeline, struct lists *lists);
void pipeline_packet(struct pipeline *pipeline, int64_t at_us, const uint8_t *frame, size_t size);
/* Time without packets. */
void pipeline_tick(struct pipeline *pipeline, int64_t now_us);
/* Lists of mirrors and networks are borrowed until the next call. */
void pipeline_stats(struct pipeline *pipeline, struct wire_sensor_stats *stats);

#endif
