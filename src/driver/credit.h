/* How many facts one switch may tell: as many at once as a switch of 256 full ports has when it
 * connects, and some thousands a second.  What goes beyond is passed over, but nothing stays lost:
 * what ports there are and which came up or went down always passes (within a bound that no switch
 * needs), the numbers of what goes on have a hole, so that nobody takes a full report for whole,
 * and when there is credit again the switch is to tell everything anew.
 *
 * Pure; the caller's thread. */
#ifndef CORDON_DRIVER_CREDIT_H
#define CORDON_DRIVER_CREDIT_H

#include "wire/facts.h"

struct credit {
    int64_t facts, ports; /* that it may tell now */
    int64_t filled_us;    /* boot clock */
    uint64_t holes;       /* in this connection */
    bool is_owed;         /* something was passed over in this connection */
};

void credit_init(struct credit *credit, int64_t now_us);
/* A new connection begins with everything, but with no more credit. */
void credit_connected(struct credit *credit);

enum credit_word {
    CREDIT_ALL,
    CREDIT_PORTS, /* the rest was passed over */
    CREDIT_NONE,  /* that is no switch: put it out */
};
/* 'pass' is what goes on; its facts are those of 'facts', or in 'room'. */
enum credit_word credit_take(struct credit *credit, const struct wire_facts *facts, int64_t now_us,
                             struct fact room[FACTS_MAX], struct wire_facts *pass);
/* There is room for everything again, and something is owed. */
bool credit_is_back(struct credit *credit, int64_t now_us);

#endif
