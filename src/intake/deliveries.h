/* Detections on their way to core: kept until core says that they are stored, sent again when core
 * came back; and which lines were stored lately.  Bounded: a full table refuses, and its source
 * stops reading (streams, files) or counts a drop (UDP). */
#ifndef CORDON_INTAKE_DELIVERIES_H
#define CORDON_INTAKE_DELIVERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/channel.h"
#include "intake/known.h"
#include "model/detection.h"

#define DELIVERIES_MAX 2048
#define DELIVERIES_OURS 512     /* of them kept free for our own sensors, whatever others send */
#define DELIVERIES_KEPT_MAX 768 /* of the others' places: kept free for single sources at most */
#define DELIVERIES_KNOWN 131072 /* lines that core has stored lately */
#define DELIVERIES_AGAIN_US (10 * INT64_C(1000000))

struct deliveries;

/* Core stored a detection of this owner.  'cookie' is the owner's; 'id' is what it gave. */
typedef void delivery_done_fn(void *owner, const char *id, uint64_t cookie);

struct deliveries *deliveries_new(void);
void deliveries_free(struct deliveries *deliveries);
/* Core is here, with everything outstanding sent to it; NULL: it is gone. */
void deliveries_set_core(struct deliveries *deliveries, struct channel *core);
enum delivery { DELIVERY_SENT, DELIVERY_DUPLICATE, DELIVERY_FULL };
/* DUPLICATE: one with this id is on its way for another owner or cookie; 'done' is called for that
 * one only. */
enum delivery deliveries_put(struct deliveries *deliveries, const struct detection *detection,
                             delivery_done_fn *done, void *owner, uint64_t cookie);
/* Is that line on its way, or was stored lately? */
bool deliveries_has(const struct deliveries *deliveries, const uint8_t id[LINE_ID_SIZE]);
void deliveries_ack(struct deliveries *deliveries, const char *id);
/* The owner goes away: its detections are still delivered, but it hears nothing any more. */
void deliveries_forget(struct deliveries *deliveries, const void *owner);
/* Cookie of this owner's oldest detection on its way; false: none is. */
bool deliveries_oldest(const struct deliveries *deliveries, const void *owner, uint64_t *cookie);
/* So many places are kept free (or, negative, are no more) for a source that does not have as many
 * as it may always have; all others find it full earlier. */
void deliveries_keep(struct deliveries *deliveries, int places);
/* No place at all. */
bool deliveries_is_spent(const struct deliveries *deliveries);
/* Full for our own sensors. */
bool deliveries_is_full(const struct deliveries *deliveries);
/* Full for other makers' sources, but for the places that are kept for each. */
bool deliveries_is_full_for_others(const struct deliveries *deliveries);
/* Once a second: what core has not acknowledged for long (its store refused it) is sent again. */
void deliveries_tick(struct deliveries *deliveries, int64_t boot_us);
size_t deliveries_count(const struct deliveries *deliveries);

#endif
