/* What is only kept to be shown, asked and counted: incidents, sensors, sources (inspect.h). */
#ifndef CORDON_CONTROLLER_RECORDS_H
#define CORDON_CONTROLLER_RECORDS_H

#include "controller/state.h"

struct records *records_new(void);
void records_free(struct records *records);
/* New or changed; published. */
void records_incident(struct controller *controller, const struct incident *incident);
/* From the store. */
void records_restore_incident(struct controller *controller, const struct incident *incident);
/* Memory runs out: half of them go from it, the oldest first, but for a few; they stay in the
 * store. How many. */
size_t records_shed(struct controller *controller);
/* Of those that do not collect any more, some at a call, from 'place' on: what the store has not
 * any more goes, and loses its names where they are taken out there.  True: there are more. */
bool records_follow_store(struct controller *controller, int64_t open_us, size_t *place);
/* A detection came from that sensor: it lives. */
void records_sensor_seen(struct controller *controller, const char *sensor);
/* Sensors that have fallen silent: alarm once. */
void records_tick(struct controller *controller);
/* Our clock was set by so much (clocks.h). */
void records_shift(struct controller *controller, int64_t by_us);
void records_compare_clocks(struct controller *controller,
                            void (*each)(struct controller *controller, const char *name,
                                         int64_t skew_us, bool *is_told));

#endif
