/* Which mode holds for an endpoint, and who says so:
 *
 *   1. the first roll-out rule that matches it, in the file's order; where none does, its network,
 *      and where that says nothing, the defaults;
 *   2. a policy with a mode of its own takes that one in place of the network's.  Where a roll-out
 *      rule matched, the more careful of both counts;
 *   3. a maintenance window that is in force makes it more careful, never less.
 *
 * Where it cannot be known whether a rule matches, because nobody knows on which port the endpoint
 * is, a rule that is more careful counts, and one that is less does not: in doubt, careful. Observe
 * is more careful than approve, and approve than auto. */
#ifndef CORDON_POLICY_ROLLOUT_H
#define CORDON_POLICY_ROLLOUT_H

#include "model/rollout.h"
#include "policy/policy.h"

struct ruled {
    enum mode mode;
    enum mode_from from;
    char name[NAME_SIZE]; /* of the network, policy, rule or window; "": the defaults */
    bool is_doubt;        /* a rule that may match: nobody knows where the endpoint is */
    int rule;             /* the roll-out rule that matched; -1: none */
};

/* Where an endpoint stands in the roll-out, by its newest address; policies' own modes apart. */
struct standing {
    struct ruled ruled;
    int network, site; /* their indices in the file; -1: none, or not known */
    enum endpoint_class class;
    uint64_t windows; /* bit i: the i-th window is or may be for it, in force or not */
};
void policy_standing(const struct policy *policy, const struct endpoint *endpoint, int64_t now_us,
                     struct standing *standing);
/* "roll-out rule printers", for people. */
void ruled_words(const struct ruled *ruled, char words[TEXT_SIZE]);
/* Below auto because of a roll-out rule or a maintenance window: waiting enforces nothing. */
bool ruled_is_limited(const struct ruled *ruled);
/* The same, or observe, of what the policy called 'by' asked for earlier: as it is now.  'endpoint'
 * NULL: not known who it is; 'ip' may be none.  'why' says so for people. */
bool policy_leaves_to_people(const struct policy *policy, const struct endpoint *endpoint,
                             const struct ip *ip, const char *by, int64_t now_us,
                             char why[TEXT_SIZE]);

/* What the file declares, in its order; false: no more.  Borrowed. */
bool policy_site_at(const struct policy *policy, size_t index, const char **name,
                    const char (**switches)[NAME_SIZE], size_t *count);
bool policy_rollout_at(const struct policy *policy, size_t index, const char **name,
                       enum mode *mode, const struct whom **when);
bool policy_network_at(const struct policy *policy, size_t index, const char **name,
                       enum mode *mode);
enum mode policy_default_mode(const struct policy *policy);

struct policy_window {
    const char *name;
    enum mode mode;
    const struct whom *when;
    const char (*days)[NAME_SIZE];
    size_t day_count;
    const char *from, *to; /* times of day; or times, where no days are given */
    const char *time_zone;
    bool is_in_force;
    int64_t change_us; /* when that changes; 0: never (again) */
};
bool policy_window_at(const struct policy *policy, size_t index, int64_t now_us,
                      struct policy_window *window);

#endif
