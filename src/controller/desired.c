#include "controller/desired.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "wire/rule.h"

void
wants_free(struct want_list *wants)
{
    for (size_t i = 0; i < wants->count; i++) {
        rule_fini(&wants->items[i].rule);
        free(wants->items[i].site);
    }
    free(wants->items);
    *wants = (struct want_list){.items = NULL};
}

/* Takes 'rule'; 'stem' is its id without the digest. */
static void
wants_add(struct want_list *wants, struct rule *rule, const char *stem, const char *switch_name,
          int64_t expires_us)
{
    snprintf(rule->id, sizeof(rule->id), "%.94s", stem);
    cJSON *json = codec_encode(&wire_rule_shape, rule);
    cJSON_AddNumberToObject(json, "expires_us", (double)expires_us);
    char *text = cJSON_PrintUnformatted(json);
    uint64_t digest = text ? hash_stable(text, strlen(text)) : 0;
    free(text);
    cJSON_Delete(json);
    snprintf(rule->id, sizeof(rule->id), "%.94s#%012llx", stem,
             (unsigned long long)(digest & 0xffffffffffffULL));
    /* no more room than there are: each containment has a list, most of them of one or two */
    wants->items = mem_resize(wants->items, wants->count + 1, sizeof(*wants->items));
    struct want *want = &wants->items[wants->count++];
    *want = (struct want){.rule = *rule, .expires_us = expires_us};
    snprintf(want->switch_name, sizeof(want->switch_name), "%s", switch_name);
}

/* Those added since there were 'from' are for that site's switches only. */
static void
wants_at(struct want_list *wants, size_t from, const char *site)
{
    for (size_t i = from; i < wants->count; i++) {
        wants->items[i].site = mem_strdup(site);
    }
}

/* What names an address of a site's own means somebody else elsewhere, whatever sites the policy
 * has by now.  A MAC is the same machine everywhere, so that it stays contained when it goes there;
 * so is a server outside, whose block has no site. */
static bool
is_of_site(const struct desired_input *input, bool is_by_ip)
{
    const struct containment *c = input->c;
    bool is_inside_pair =
        c->action == ACTION_BLOCK_PAIR && policy_is_internal(input->policy, &c->server.ip);
    return c->site[0] != '\0' && (is_by_ip || c->action == ACTION_BLOCK_SERVER || is_inside_pair);
}

/* The addresses that the endpoint has now by that MAC: what it may say in ARP and ND. */
static void
isolate_addresses(const struct endpoint *endpoint, const struct mac *mac,
                  struct rule_isolate *isolate)
{
    struct ip *addresses = mem_new(RULE_ADDRESSES_MAX, sizeof(*addresses));
    isolate->addresses = addresses;
    for (size_t i = 0; endpoint && i < endpoint->binding_count; i++) {
        const struct binding *binding = &endpoint->bindings[i];
        if (binding->until_us == 0 && mac_is_equal(&binding->mac, mac) &&
            isolate->address_count < RULE_ADDRESSES_MAX) {
            isolate->addresses[isolate->address_count++] = binding->ip;
        }
    }
    /* In one order, whatever the order in which they were learnt: the digest must not change. */
    for (size_t i = 1; i < isolate->address_count; i++) {
        for (size_t j = i; j > 0 && memcmp(&isolate->addresses[j - 1], &isolate->addresses[j],
                                           sizeof(struct ip)) > 0;
             j--) {
            struct ip swapped = isolate->addresses[j];
            isolate->addresses[j] = isolate->addresses[j - 1];
            isolate->addresses[j - 1] = swapped;
        }
    }
    isolate->addresses = mem_resize(addresses, isolate->address_count + 1, sizeof(*addresses));
}

static void
add_isolate(const struct desired_input *input, const struct mac *mac, const struct ip *ip,
            struct want_list *wants)
{
    const struct containment *c = input->c;
    struct rule rule = {.kind = RULE_ISOLATE};
    rule.isolate.shows_warning = true;
    char who[IP_TEXT_SIZE];
    char stem[RULE_ID_SIZE];
    if (mac) {
        rule.isolate.mac = *mac;
        mac_format(mac, who);
        isolate_addresses(input->endpoint, mac, &rule.isolate);
    } else {
        rule.isolate.ip = *ip;
        ip_format(ip, who);
    }
    snprintf(stem, sizeof(stem), "%s/%.40s", c->id, who);
    snprintf(rule.isolate.permit_set, sizeof(rule.isolate.permit_set), "%s", c->permit_set);
    snprintf(rule.isolate.case_number, sizeof(rule.isolate.case_number), "%s", c->case_number);
    rule.isolate.reason = c->reason ? mem_strdup(c->reason) : NULL;
    wants_add(wants, &rule, stem, "", c->expires_us);
}

static void
add_hold(const struct desired_input *input, struct want_list *wants)
{
    const struct port_hold *hold = input->hold;
    const struct containment *c = input->c;
    if (!hold->is_set || hold->is_lifted) {
        return;
    }
    struct rule rule = {.kind = RULE_HOLD_PORT};
    struct rule_hold_port *out = &rule.hold_port;
    char stem[RULE_ID_SIZE];
    snprintf(out->port, sizeof(out->port), "%s", hold->place.port);
    snprintf(out->permit_set, sizeof(out->permit_set), "%s", c->permit_set);
    snprintf(out->case_number, sizeof(out->case_number), "%s", c->case_number);
    out->shows_warning = true;
    out->known_macs = mem_new(hold->known_count + 1, sizeof(*out->known_macs));
    if (hold->known_count > 0) {
        memcpy(out->known_macs, hold->known, hold->known_count * sizeof(*out->known_macs));
    }
    out->known_mac_count = hold->known_count;
    snprintf(stem, sizeof(stem), "%s/hold@%.63s", c->id, hold->place.port);
    wants_add(wants, &rule, stem, hold->place.switch_name, c->expires_us);
}

static void
add_pair(const struct desired_input *input, const struct mac *mac, const struct ip *ip,
         struct want_list *wants)
{
    struct rule rule = {.kind = RULE_BLOCK_PAIR};
    char who[IP_TEXT_SIZE];
    char stem[RULE_ID_SIZE];
    rule.pair.server = input->c->server;
    if (mac) {
        rule.pair.mac = *mac;
        mac_format(mac, who);
    } else {
        rule.pair.ip = *ip;
        ip_format(ip, who);
    }
    snprintf(stem, sizeof(stem), "%s/%s", input->c->id, who);
    wants_add(wants, &rule, stem, "", input->c->expires_us);
}

/* The declared session to copy into on that switch: one for detailed mirrors, else where
 * endpoint-to-endpoint traffic goes. */
static const struct config_mirror *
detailed_session(const struct desired_input *input, size_t index)
{
    const struct config_mirror *mirror = &input->mirrors[index];
    if (mirror->mirror.kind == MIRROR_DETAILED) {
        return mirror;
    }
    if (mirror->mirror.kind != MIRROR_ALWAYS) {
        return NULL;
    }
    for (size_t i = 0; i < input->mirror_count; i++) {
        bool is_same = strcmp(input->mirrors[i].switch_name, mirror->switch_name) == 0;
        if (is_same && (input->mirrors[i].mirror.kind == MIRROR_DETAILED ||
                        (i < index && input->mirrors[i].mirror.kind == MIRROR_ALWAYS))) {
            return NULL;
        }
    }
    return mirror;
}

static void
add_mirror(const struct desired_input *input, const struct mac *mac, const struct ip *ip,
           struct want_list *wants)
{
    for (size_t i = 0; i < input->mirror_count; i++) {
        const struct config_mirror *session = detailed_session(input, i);
        if (!session) {
            continue;
        }
        struct rule rule = {.kind = RULE_MIRROR, .mirror = MEM_NEW(struct rule_mirror)};
        char who[IP_TEXT_SIZE];
        char stem[RULE_ID_SIZE];
        *rule.mirror = session->mirror;
        rule.mirror->kind = MIRROR_DETAILED;
        rule.mirror->direction = DIRECTION_BOTH;
        rule.mirror->filters = NULL;
        rule.mirror->filter_count = 0;
        rule.mirror->port_count = 0;
        memset(rule.mirror->ports, 0, sizeof(rule.mirror->ports));
        if (mac) {
            rule.mirror->mac = *mac;
            mac_format(mac, who);
        } else {
            rule.mirror->ip = *ip;
            ip_format(ip, who);
        }
        snprintf(stem, sizeof(stem), "%s/mirror/%s", input->c->id, who);
        wants_add(wants, &rule, stem, session->switch_name, input->c->expires_us);
    }
}

static void
add_server(const struct desired_input *input, struct want_list *wants)
{
    struct rule rule = {.kind = RULE_BLOCK_SERVER};
    char stem[RULE_ID_SIZE];
    rule.server.server = input->c->server;
    snprintf(stem, sizeof(stem), "%s/server", input->c->id);
    wants_add(wants, &rule, stem, "", input->c->expires_us);
}

static void
add_for_mac(const struct desired_input *input, const struct mac *mac, struct want_list *wants)
{
    switch (input->c->action) {
    case ACTION_ISOLATE:
        /* everywhere, also where it is seen in two places: that one of them is out of date must
         * not let it speak at a third */
        add_isolate(input, mac, NULL, wants);
        break;
    case ACTION_BLOCK_PAIR:
        add_pair(input, mac, NULL, wants);
        break;
    case ACTION_MIRROR:
        add_mirror(input, mac, NULL, wants);
        break;
    default:
        break;
    }
}

static void
add_for_ip(const struct desired_input *input, const struct ip *ip, struct want_list *wants)
{
    switch (input->c->action) {
    case ACTION_ISOLATE:
        add_isolate(input, NULL, ip, wants);
        break;
    case ACTION_BLOCK_PAIR:
        add_pair(input, NULL, ip, wants);
        break;
    case ACTION_MIRROR:
        add_mirror(input, NULL, ip, wants);
        break;
    default:
        break;
    }
}

static void
wants_only_on(struct want_list *wants, const char *switch_name)
{
    size_t kept = 0;
    for (size_t i = 0; i < wants->count; i++) {
        struct want *want = &wants->items[i];
        if (want->switch_name[0] != '\0' && strcmp(want->switch_name, switch_name) != 0) {
            rule_fini(&want->rule);
            free(want->site);
            continue;
        }
        snprintf(want->switch_name, sizeof(want->switch_name), "%s", switch_name);
        wants->items[kept++] = *want;
    }
    wants->count = kept;
}

void
desired_of(const struct desired_input *input, struct want_list *wants)
{
    const struct containment *c = input->c;
    bool is_by_ip = false;
    if (c->action == ACTION_BLOCK_SERVER) {
        add_server(input, wants);
    } else if (input->endpoint && input->endpoint->mac_count > 0) {
        for (size_t i = 0; i < input->endpoint->mac_count; i++) {
            add_for_mac(input, &input->endpoint->macs[i], wants);
        }
    } else if (!mac_is_none(&c->subject_mac)) {
        add_for_mac(input, &c->subject_mac, wants);
    } else if (!ip_is_none(&c->subject_ip)) {
        add_for_ip(input, &c->subject_ip, wants);
        is_by_ip = true;
    }
    if (is_of_site(input, is_by_ip)) {
        wants_at(wants, 0, c->site);
    }
    if (c->action == ACTION_ISOLATE) {
        add_hold(input, wants);
    }
    if (input->only_on) {
        wants_only_on(wants, input->only_on);
    }
}

static void
add_protect(struct want_list *wants, const struct mac *mac, const struct prefix *server)
{
    struct rule rule = {.kind = RULE_PROTECT};
    char who[PREFIX_TEXT_SIZE];
    char stem[RULE_ID_SIZE];
    if (mac && !mac_is_none(mac)) {
        rule.protect.mac = *mac;
        mac_format(mac, who);
    } else if (server && !prefix_is_none(server)) {
        rule.protect.server = *server;
        prefix_format(server, who);
    } else {
        return;
    }
    snprintf(stem, sizeof(stem), "protect/%s", who);
    wants_add(wants, &rule, stem, "", 0);
}

/* Has any site another answer than all of them? */
static bool
is_alike(const struct policy *policy, size_t index)
{
    const char *site;
    bool is_alike = policy_protects_at(policy, index, SITE_DEFAULT);
    for (size_t i = 0; (site = policy_own_site_at(policy, i)) != NULL; i++) {
        is_alike = is_alike && policy_protects_at(policy, index, site);
    }
    return is_alike;
}

/* The sites whose switches are meant, one after the other, SITE_DEFAULT first; NULL: no more. */
static const char *
site_at(const struct policy *policy, size_t index)
{
    return index == 0 ? SITE_DEFAULT : policy_own_site_at(policy, index - 1);
}

static void
add_protected_at(const struct common_input *input, size_t index, const struct prefix *server,
                 struct want_list *wants)
{
    const char *site;
    if (is_alike(input->policy, index)) {
        add_protect(wants, NULL, server);
        return;
    }
    for (size_t i = 0; (site = site_at(input->policy, i)) != NULL; i++) {
        size_t from = wants->count;
        if (policy_protects_at(input->policy, index, site)) {
            add_protect(wants, NULL, server);
            wants_at(wants, from, site);
        }
    }
}

static void
add_permits(const struct common_input *input, size_t index, const struct permit_set *set,
            struct want_list *wants)
{
    char stem[RULE_ID_SIZE];
    bool is_alike = policy_permits_alike(input->policy, index);
    const char *site;
    snprintf(stem, sizeof(stem), "permits/%s", set->name);
    for (size_t i = 0; (site = site_at(input->policy, i)) != NULL && (i == 0 || !is_alike); i++) {
        struct rule rule;
        size_t from = wants->count;
        policy_permits_at(input->policy, index, is_alike ? "" : site, &rule);
        wants_add(wants, &rule, stem, "", 0);
        if (!is_alike) {
            wants_at(wants, from, site);
        }
    }
}

static void
add_protected(const struct common_input *input, struct want_list *wants)
{
    const struct rule_protect *declared = NULL;
    size_t count = policy_protected(input->policy, &declared);
    for (size_t i = 0; i < count; i++) {
        add_protect(wants, &declared[i].mac, NULL);
        add_protected_at(input, i, &declared[i].server, wants);
    }
    for (size_t i = 0; i < input->settings->own_address_count; i++) {
        struct prefix host = {.ip = input->own_addresses[i], .length = 128};
        add_protect(wants, NULL, &host);
    }
    for (size_t i = 0; i < input->prefix_count; i++) {
        add_protect(wants, NULL, &input->protected_prefixes[i]);
    }
    for (size_t i = 0; i < input->protected_count; i++) {
        const struct endpoint *endpoint = input->protected_endpoints[i];
        for (size_t j = 0; j < endpoint->mac_count; j++) {
            add_protect(wants, &endpoint->macs[j], NULL);
        }
    }
}

bool
is_same_site(const struct want *a, const struct want *b)
{
    return a->site && b->site ? strcmp(a->site, b->site) == 0 : a->site == b->site;
}

static void
wants_drop_doubles(struct want_list *wants)
{
    size_t kept = 0;
    for (size_t i = 0; i < wants->count; i++) {
        bool is_double = false;
        for (size_t j = 0; j < kept && !is_double; j++) {
            is_double = strcmp(wants->items[j].rule.id, wants->items[i].rule.id) == 0 &&
                        strcmp(wants->items[j].switch_name, wants->items[i].switch_name) == 0 &&
                        is_same_site(&wants->items[j], &wants->items[i]);
        }
        if (is_double) {
            rule_fini(&wants->items[i].rule);
            free(wants->items[i].site);
        } else {
            wants->items[kept++] = wants->items[i];
        }
    }
    wants->count = kept;
}

void
desired_common(const struct common_input *input, struct want_list *wants)
{
    char stem[RULE_ID_SIZE];
    add_protected(input, wants);
    const struct permit_set *sets = NULL;
    size_t count = policy_permit_sets(input->policy, &sets);
    for (size_t i = 0; i < count; i++) {
        add_permits(input, i, &sets[i], wants);
    }
    for (size_t i = 0; i < input->settings->warning_count; i++) {
        struct rule rule = {.kind = RULE_WARNING, .warning = MEM_NEW(struct rule_warning)};
        *rule.warning = input->settings->warnings[i];
        /* edges show them in the order of their ids */
        snprintf(stem, sizeof(stem), "warning/%zu/%s", i, rule.warning->language);
        wants_add(wants, &rule, stem, "", 0);
    }
    for (size_t i = 0; i < input->settings->mirror_count; i++) {
        const struct config_mirror *declared = &input->settings->mirrors[i];
        if (declared->mirror.kind == MIRROR_DETAILED) {
            continue; /* a session for when one is asked for */
        }
        struct rule_mirror mirror = declared->mirror;
        struct rule lent = {.kind = RULE_MIRROR, .mirror = &mirror};
        struct rule rule;
        rule_copy(&rule, &lent);
        snprintf(stem, sizeof(stem), "mirror/%zu", i);
        wants_add(wants, &rule, stem, declared->switch_name, 0);
    }
    wants_drop_doubles(wants);
}

const char *
desired_misfit(const struct wire_device *device, const struct want *want)
{
    const struct rule *rule = &want->rule;
    switch (rule->kind) {
    case RULE_ISOLATE:
        if (mac_is_none(&rule->isolate.mac)) {
            return device->matches_ip ? NULL : "it cannot match addresses";
        }
        return device->matches_mac ? NULL : "it cannot match MAC addresses";
    case RULE_HOLD_PORT:
    case RULE_BLOCK_PAIR:
    case RULE_BLOCK_SERVER:
    case RULE_PERMIT_SET:
        return device->matches_ip ? NULL : "it cannot match addresses";
    case RULE_MIRROR:
        return device->mirrors ? NULL : "it has no mirrors";
    case RULE_WARNING:
        return device->shows_warning ? NULL : "it has no warning page";
    case RULE_PROTECT:
    case RULE_KIND_COUNT:
        break;
    }
    return NULL;
}
