#include "policy/rollout.h"

#include <stdio.h>
#include <string.h>

#include "base/join.h"
#include "policy/engine_state.h"

/* Does it match?  Where the port of a machine is not known, nobody can say. */
enum matching { MATCH_NO, MATCH_UNSURE, MATCH_YES };

static bool
has_word(const char (*words)[NAME_SIZE], size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static enum endpoint_class
class_of(const struct endpoint *endpoint)
{
    return endpoint && endpoint->annotation ? endpoint->annotation->class : CLASS_UNKNOWN;
}

static bool
any_site(const struct policy_file *file, const struct whom *when, const char *switch_name)
{
    for (size_t i = 0; i < file->site_count; i++) {
        const struct file_site *site = &file->sites[i];
        if (has_word(when->sites, when->site_count, site->name) &&
            has_glob(site->switches, site->switch_count, switch_name)) {
            return true;
        }
    }
    return false;
}

static bool
any_port(const struct whom *when, const struct location *location)
{
    char place[NAME_SIZE * 2];
    snprintf(place, sizeof(place), "%s/%s", location->switch_name, location->port);
    for (size_t i = 0; i < when->port_count; i++) {
        if (glob_matches(when->ports[i], place)) {
            return true;
        }
    }
    return false;
}

static enum matching
place_matches(const struct policy_file *file, const struct whom *when,
              const struct machine *machine)
{
    if (when->site_count + when->switch_count + when->port_count == 0) {
        return MATCH_YES;
    }
    const struct location *location = machine->endpoint ? &machine->endpoint->location : NULL;
    if (!location || (location->class != LOCATION_DIRECT && location->class != LOCATION_SHARED)) {
        return MATCH_UNSURE;
    }
    bool matches = (when->site_count == 0 || any_site(file, when, location->switch_name)) &&
                   (when->switch_count == 0 ||
                    has_glob(when->switches, when->switch_count, location->switch_name)) &&
                   (when->port_count == 0 || any_port(when, location));
    return matches ? MATCH_YES : MATCH_NO;
}

static bool
any_group(const struct policy_file *file, const struct whom *when, const struct machine *machine)
{
    for (size_t i = 0; i < file->group_count; i++) {
        if (has_word(when->groups, when->group_count, file->groups[i].name) &&
            group_has(&file->groups[i], machine)) {
            return true;
        }
    }
    return false;
}

static enum matching
whom_matches(const struct policy_file *file, const struct whom *when, const struct machine *machine)
{
    const char *network = machine->network ? machine->network->name : "";
    bool may_match =
        (when->network_count == 0 || has_word(when->networks, when->network_count, network)) &&
        (when->class_count == 0 ||
         has_word(when->classes, when->class_count,
                  endpoint_class_names[class_of(machine->is_guest ? NULL : machine->endpoint)])) &&
        (when->group_count == 0 || any_group(file, when, machine));
    return may_match ? place_matches(file, when, machine) : MATCH_NO;
}

static void
ruled_set(struct ruled *ruled, enum mode mode, enum mode_from from, const char *name)
{
    ruled->mode = mode;
    ruled->from = from;
    ruled->is_doubt = false;
    join_copy(ruled->name, sizeof(ruled->name), name);
}

/* The network's mode, or the policy's own in its place. */
static void
rule_commonly(const struct policy *policy, const struct machine *machine,
              const struct file_policy *by, struct ruled *ruled)
{
    const struct file_network *network = machine->network;
    bool is_network = network && network->mode != FILE_MODE_DEFAULT;
    ruled_set(ruled, policy_mode_for(policy, network),
              is_network ? MODE_FROM_NETWORK : MODE_FROM_DEFAULTS, is_network ? network->name : "");
    if (by && by->mode != FILE_MODE_DEFAULT) {
        ruled_set(ruled, (enum mode)(by->mode - 1), MODE_FROM_POLICY, by->name);
    }
}

static void
rule_by_rollout(const struct policy_file *file, const struct machine *machine,
                const struct file_policy *by, struct ruled *ruled)
{
    const struct file_rollout *doubt = NULL;
    enum matching matching = MATCH_NO;
    for (size_t i = 0; i < file->rollout_count && matching != MATCH_YES; i++) {
        const struct file_rollout *rule = &file->rollout[i];
        matching = whom_matches(file, &rule->when, machine);
        bool has_own = by && by->mode != FILE_MODE_DEFAULT;
        if (matching == MATCH_UNSURE && (!doubt || rule->mode < doubt->mode)) {
            doubt = rule;
        } else if (matching == MATCH_YES) {
            ruled->rule = (int)i;
            if (!has_own || rule->mode <= ruled->mode) {
                ruled_set(ruled, rule->mode, MODE_FROM_ROLLOUT, rule->name);
            }
        }
    }
    if (doubt && doubt->mode < ruled->mode) {
        ruled_set(ruled, doubt->mode, MODE_FROM_ROLLOUT, doubt->name);
        ruled->is_doubt = true;
    }
}

bool
ruled_is_limited(const struct ruled *ruled)
{
    return ruled->mode != MODE_AUTO &&
           (ruled->from == MODE_FROM_ROLLOUT || ruled->from == MODE_FROM_MAINTENANCE);
}

static void
rule_by_windows(const struct policy *policy, const struct machine *machine, int64_t now_us,
                struct ruled *ruled)
{
    for (size_t i = 0; i < policy->file.window_count; i++) {
        const struct file_window *window = &policy->file.maintenance[i];
        /* Where the network says approve too, it is still the window's: waiting enforces nothing.
         */
        bool counts =
            window->mode < ruled->mode || (window->mode == MODE_APPROVE &&
                                           ruled->mode == MODE_APPROVE && !ruled_is_limited(ruled));
        if (counts && window_is_in_force(window, policy->zones[i], now_us) &&
            whom_matches(&policy->file, &window->when, machine) != MATCH_NO) {
            ruled_set(ruled, window->mode, MODE_FROM_MAINTENANCE, window->name);
        }
    }
}

void
machine_ruled(const struct policy *policy, const struct machine *machine,
              const struct file_policy *by, enum assumption assumption, int64_t now_us,
              struct ruled *ruled)
{
    memset(ruled, 0, sizeof(*ruled));
    ruled->rule = -1;
    rule_commonly(policy, machine, by, ruled);
    if (assumption != ASSUME_NOTHING) {
        ruled_set(ruled, MODE_AUTO, MODE_FROM_REPLAY, "");
        by = NULL;
    }
    if (assumption != ASSUME_AUTO_EVERYWHERE) {
        rule_by_rollout(&policy->file, machine, by, ruled);
        rule_by_windows(policy, machine, now_us, ruled);
    }
}

/* Where it is attached; "": not known. */
static const char *
site_now(const struct policy *policy, const struct endpoint *endpoint)
{
    bool is_placed = endpoint && endpoint->location.class != LOCATION_NONE;
    return is_placed ? policy_site_of(policy, endpoint->location.switch_name) : "";
}

/* By the given address, or else its newest. */
static struct machine
machine_of(const struct policy *policy, const struct endpoint *endpoint, const struct ip *ip)
{
    struct machine machine = {.endpoint = endpoint, .ip = *ip};
    if (!ip_is_none(ip)) {
        machine.network = policy_network_of(policy, site_now(policy, endpoint), ip);
        return machine;
    }
    for (size_t i = endpoint ? endpoint->binding_count : 0; i-- > 0 && !machine.network;) {
        if (endpoint->bindings[i].until_us == 0) {
            machine.ip = endpoint->bindings[i].ip;
            machine.network =
                policy_network_of(policy, binding_site(&endpoint->bindings[i]), &machine.ip);
        }
    }
    return machine;
}

bool
policy_leaves_to_people(const struct policy *policy, const struct endpoint *endpoint,
                        const struct ip *ip, const char *by, int64_t now_us, char why[TEXT_SIZE])
{
    const struct machine machine = machine_of(policy, endpoint, ip);
    const struct file_policy *asked = NULL;
    struct ruled ruled;
    for (size_t i = 0; i < policy->file.policy_count && !asked; i++) {
        asked = strcmp(policy->file.policies[i].name, by) == 0 ? &policy->file.policies[i] : NULL;
    }
    machine_ruled(policy, &machine, asked, ASSUME_NOTHING, now_us, &ruled);
    char words[TEXT_SIZE];
    ruled_words(&ruled, words);
    snprintf(why, TEXT_SIZE, "%.400s%s", words,
             ruled_is_limited(&ruled) ? " leaves it to a person"
                                      : " says observe by now: it waits for a person");
    return ruled_is_limited(&ruled) || ruled.mode == MODE_OBSERVE;
}

static int
site_of(const struct policy_file *file, const struct location *location)
{
    bool is_known = location->class == LOCATION_DIRECT || location->class == LOCATION_SHARED;
    for (size_t i = 0; is_known && i < file->site_count; i++) {
        if (has_glob(file->sites[i].switches, file->sites[i].switch_count, location->switch_name)) {
            return (int)i;
        }
    }
    return -1;
}

void
policy_standing(const struct policy *policy, const struct endpoint *endpoint, int64_t now_us,
                struct standing *standing)
{
    const struct policy_file *file = &policy->file;
    const struct machine machine = machine_of(policy, endpoint, &(struct ip){{0}});
    machine_ruled(policy, &machine, NULL, ASSUME_NOTHING, now_us, &standing->ruled);
    standing->network = machine.network ? (int)(machine.network - file->networks) : -1;
    standing->site = site_of(file, &endpoint->location);
    standing->class = class_of(endpoint);
    standing->windows = 0;
    for (size_t i = 0; i < file->window_count; i++) {
        bool may = whom_matches(file, &file->maintenance[i].when, &machine) != MATCH_NO;
        standing->windows |= may ? UINT64_C(1) << i : 0;
    }
}

enum mode
policy_default_mode(const struct policy *policy)
{
    return policy_mode_for(policy, NULL);
}

void
ruled_words(const struct ruled *ruled, char words[TEXT_SIZE])
{
    static const char *const froms[MODE_FROM_COUNT] = {[MODE_FROM_DEFAULTS] = "the defaults",
                                                       [MODE_FROM_NETWORK] = "network",
                                                       [MODE_FROM_POLICY] = "policy",
                                                       [MODE_FROM_ROLLOUT] = "roll-out rule",
                                                       [MODE_FROM_MAINTENANCE] =
                                                           "maintenance window",
                                                       [MODE_FROM_REPLAY] = "assumed"};
    struct join join = join_to(words, TEXT_SIZE);
    join_text(&join, froms[ruled->from]);
    join_text(&join, ruled->name[0] ? " " : "");
    join_text(&join, ruled->name);
    join_text(&join, ruled->is_doubt ? ", which may apply (its port is not known)," : "");
}

_Static_assert(FILE_WINDOWS_MAX <= 64, "a bit each in struct standing");

bool
policy_site_at(const struct policy *policy, size_t index, const char **name,
               const char (**switches)[NAME_SIZE], size_t *count)
{
    if (index >= policy->file.site_count) {
        return false;
    }
    const struct file_site *site = &policy->file.sites[index];
    *name = site->name;
    *switches = site->switches;
    *count = site->switch_count;
    return true;
}

bool
policy_rollout_at(const struct policy *policy, size_t index, const char **name, enum mode *mode,
                  const struct whom **when)
{
    if (index >= policy->file.rollout_count) {
        return false;
    }
    const struct file_rollout *rule = &policy->file.rollout[index];
    *name = rule->name;
    *mode = rule->mode;
    *when = &rule->when;
    return true;
}

bool
policy_network_at(const struct policy *policy, size_t index, const char **name, enum mode *mode)
{
    if (index >= policy->file.network_count) {
        return false;
    }
    *name = policy->file.networks[index].name;
    *mode = policy_mode_for(policy, &policy->file.networks[index]);
    return true;
}

bool
policy_window_at(const struct policy *policy, size_t index, int64_t now_us,
                 struct policy_window *window)
{
    if (index >= policy->file.window_count) {
        return false;
    }
    const struct file_window *from = &policy->file.maintenance[index];
    bool is_weekly = from->weekly.day_count > 0;
    *window = (struct policy_window){
        .name = from->name,
        .mode = from->mode,
        .when = &from->when,
        .days = from->weekly.days,
        .day_count = from->weekly.day_count,
        .from = is_weekly ? from->weekly.from : from->once.from,
        .to = is_weekly ? from->weekly.to : from->once.to,
        .time_zone = from->time_zone,
        .is_in_force = window_is_in_force(from, policy->zones[index], now_us),
        .change_us = window_change_us(from, policy->zones[index], now_us),
    };
    return true;
}
