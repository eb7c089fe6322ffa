/* Budgets: how many endpoints policy isolates by itself, per minute, per hour, and as a share of a
 * network and of a switch.  What would go beyond waits for a person; its pair is blocked meanwhile.
 *
 * Where more ask at once than the budget has room for, the most confident must have it, not the
 * first: from the second within a second on (a tenth of a large budget) they are gathered.
 *
 *   asked ─▶ at once (a tenth of the minute's budget, in a second)
 *       └──▶ gathered, pair blocked, held ─▶ all, if there is room for all, after a quarter second
 *                                        └▶ the most confident, when no more come for half a
 * second, ten seconds after the first at the latest
 *
 * Whom a full share left out is asked again for ten minutes, when more endpoints are known there.
 *
 * Part of the engine, on its thread. */
#ifndef CORDON_POLICY_BUDGET_H
#define CORDON_POLICY_BUDGET_H

#include "policy/policy.h"

/* Gather from now on: whoever turns it on asks engine_gathered() several times a second.  Without,
 * the budget goes to whoever comes first (trials and replays: their time stands still). */
void engine_gather(struct engine *engine, bool gathers);
/* One that the budget had room for after all: enforce it.  False: none (yet). */
bool engine_gathered(struct engine *engine, struct decision *decision) MUST_CHECK;
/* At start: that decision was gathered when we died, by the policy that still runs. */
void engine_gather_again(struct engine *engine, const struct decision *decision);

struct budget_use {
    size_t minute, per_minute, hour, per_hour;
    size_t gathered; /* wait for their turn now */
    bool is_over;    /* more than there is room for: some of them will be held */
    uint64_t held;   /* for a person, since the start */
    uint8_t network_percent, switch_percent;
};
void engine_budget(const struct engine *engine, struct budget_use *use);

/* A network or a switch on which something is isolated now. */
struct budget_share {
    char name[NAME_SIZE];
    bool is_switch;
    size_t contained;
    size_t population; /* endpoints known; 0: not known */
    size_t most;       /* that may be isolated without a person; 0: no limit is known */
};
/* Returns how many were put into 'shares'. */
size_t engine_budget_shares(struct engine *engine, struct budget_share *shares, size_t room);

#endif
