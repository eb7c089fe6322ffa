/* How much of a network, and of a switch, is isolated.  One rule says who counts where, for those
 * who are isolated as for all: each where it is now; an isolated one of which nobody knows that,
 * where it was when that was decided.  So what is isolated is always a part of all.
 *
 * Before every switch has told all that it sees (policy_world.is_whole) nobody knows how many there
 * are: no share holds anything then, and the budgets per minute and hour stand alone.
 *
 * Part of the engine, on its thread. */
#ifndef CORDON_POLICY_SHARES_H
#define CORDON_POLICY_SHARES_H

#include "policy/engine_state.h"

/* A share that was full. */
struct share_full {
    bool is_set; /* false: no share, or one that more endpoints do not make larger */
    bool is_switch;
    char name[NAME_SIZE];
    size_t population;
};

void shares_init(struct engine *engine);
/* May one more of that network ("": none), at that switch (likewise), be isolated by itself?  No:
 * 'why', and which share is full. */
bool shares_allow(struct engine *engine, const char *network, const char *place,
                  char why[TEXT_SIZE], struct share_full *full);
/* One more is isolated there. */
void shares_spend(struct engine *engine, const char *network, const char *place);
/* Are there more endpoints now than when it was full? */
bool share_has_grown(struct engine *engine, const struct share_full *full);

#endif
