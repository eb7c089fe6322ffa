/* Containments and the policy -> rules.  Pure: no clock, no log, no sending.  A rule's id ends with
 * a digest of its content, so that equal ids mean equal rules on every run and machine. */
#ifndef CORDON_CONTROLLER_DESIRED_H
#define CORDON_CONTROLLER_DESIRED_H

#include "controller/state.h"

void wants_free(struct want_list *wants);

/* Everything that switches must hold for 'c' when it is in force.  'endpoint' NULL: unknown, by the
 * subject's own MAC or address. */
struct desired_input {
    const struct containment *c;
    const struct endpoint *endpoint;
    const struct port_hold *hold;
    const struct config_mirror *mirrors;
    size_t mirror_count;
    struct policy *policy;
    const char *only_on; /* for that switch alone; NULL: for all that are meant */
};
void desired_of(const struct desired_input *input, struct want_list *wants);

/* What every switch holds beside: permit sets, protected hosts, declared mirrors, warning texts. */
struct common_input {
    const struct controller_settings *settings;
    const struct ip *own_addresses;
    struct policy *policy;
    /* Endpoints that a person confirmed as protected. */
    const struct endpoint *const *protected_endpoints;
    size_t protected_count;
    const struct prefix *protected_prefixes; /* switches' own addresses and the like */
    size_t prefix_count;
};
void desired_common(const struct common_input *input, struct want_list *wants);

/* For the same site's switches? */
bool is_same_site(const struct want *a, const struct want *b);

/* Can that switch hold it at all?  NULL: yes; else why not, for people. */
const char *desired_misfit(const struct wire_device *device, const struct want *want);

#endif
