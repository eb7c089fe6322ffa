/* Detections on their way to cordond: kept in a file until cordond says that they are stored, sent
 * again after every connect.  Bounded: over the limit the newest are counted as lost.
 *
 * The spool is written as the detection is sent, and synchronised within a second: a killed
 * sensor loses nothing, a power cut at most that second (and cordond has what it acknowledged). */
#ifndef CORDON_SENSOR_SENDER_H
#define CORDON_SENSOR_SENDER_H

#include <event2/event.h>

#include "model/detection.h"
#include "sensor/settings.h"
#include "wire/sensor_stats.h"

#define SENDER_DETECTIONS_MAX 4096

struct sender;

int sender_new(struct event_base *base, const struct sensor_settings *settings,
               struct sender **sender, char why[256]) MUST_CHECK;
void sender_free(struct sender *sender);
/* Copies; 'pcap' NULL: no evidence. */
void sender_put(struct sender *sender, const struct detection *detection, const uint8_t *pcap,
                size_t pcap_size);
void sender_stats(struct sender *sender, const struct wire_sensor_stats *stats);
/* Once a second: the spool to the disk; what is not acknowledged for long is sent again. */
void sender_tick(struct sender *sender, int64_t boot_us);
size_t sender_waiting(const struct sender *sender);
uint64_t sender_lost(const struct sender *sender);

#endif
