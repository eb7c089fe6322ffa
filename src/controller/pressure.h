/* Memory that runs out: looked at once a second, where the control group that cordond runs in has a
 * limit.  Beyond most of it what is only kept to be shown is dropped from memory (it is in the
 * store), the longest unchanged first, so that the kernel need not end core; people are told.  What
 * is in force, pending or learnt about who is where stays.  Core's loop thread. */
#ifndef CORDON_CONTROLLER_PRESSURE_H
#define CORDON_CONTROLLER_PRESSURE_H

#include "base/memory.h"
#include "controller/controller.h"

#define PRESSURE_SHORT 85 /* per cent of the limit: shed from here */
#define PRESSURE_CALM 75  /* below: it is over */

struct pressure_view {
    uint64_t limit, used; /* bytes; limit 0: there is none, or it cannot be read */
    uint64_t shed;        /* incidents, in this run */
    unsigned share;       /* per cent */
    bool is_short;
};
struct pressure {
    struct memory_group group;
    struct pressure_view view;
    int64_t next_us; /* boot clock */
};

/* Four times a second. */
void pressure_tick(struct pressure *pressure, struct controller *controller);

#endif
