/* The last packets, for evidence: the first packets of each flow, in a ring of constant size. */
#ifndef CORDON_SENSOR_RECORDER_H
#define CORDON_SENSOR_RECORDER_H

#include "sensor/decode.h"

#define RECORDER_PACKETS 8192
#define RECORDER_SNAP 1600       /* bytes kept of each */
#define RECORDER_PER_FLOW 12     /* packets of a flow that are worth keeping */
#define RECORDER_EVIDENCE_MAX 24 /* packets of one piece of evidence */

struct recorder;

struct recorder *recorder_new(void);
void recorder_free(struct recorder *recorder);
void recorder_keep(struct recorder *recorder, const struct decoded *packet, uint64_t flow);
/* A classic pcap file of the packets of that flow, or (flow 0) of that sender: '*size' bytes, freed
 * by the caller.  NULL: there are none. */
uint8_t *recorder_evidence(const struct recorder *recorder, uint64_t flow, const struct ip *source,
                           size_t *size);

#endif
