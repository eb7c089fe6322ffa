/* The fields of policy.yaml, and the checks across them. */
#include "policy/file.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const mode_words[] = {"default", "observe", "approve", "auto", NULL};
static const char *const after_words[] = {"default", "revert", "enforce", NULL};
static const char *const both_words[] = {"hold", "source", NULL};
static const char *const protocol_words[] = {"any", "tcp", "udp", "icmp", "icmp6", NULL};

/* Texts named in the plural and counted in the singular. */
#define TEXTS(type, member, count, most)                                                           \
    F_TEXTS(FIELD_OPTIONAL, struct type, member, offsetof(struct type, count), most)
#define YEAR_S (366 * 86400)

static const struct field network_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_network, name),
    F_TEXTS(FIELD_NEEDED, struct file_network, prefixes,
            offsetof(struct file_network, prefix_count), FILE_PREFIXES_MAX),
    F_ENUM(FIELD_OPTIONAL, struct file_network, mode, mode_words),
    F_BOOL(FIELD_OPTIONAL, struct file_network, home),
    F_UINT(FIELD_OPTIONAL, struct file_network, most_contained),
    TEXTS(file_network, sites, site_count, WHOM_WORDS_MAX),
};
static const struct shape network_shape =
    SHAPE("network", struct file_network, network_fields, NULL);

static const struct field group_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_group, name),
    TEXTS(file_group, prefixes, prefix_count, FILE_PREFIXES_MAX),
    TEXTS(file_group, macs, mac_count, FILE_GLOBS_MAX),
    TEXTS(file_group, host_names, host_name_count, FILE_GLOBS_MAX),
    TEXTS(file_group, classes, class_count, FILE_GLOBS_MAX),
    TEXTS(file_group, tags, tag_count, FILE_GLOBS_MAX),
};
static const struct shape group_shape = SHAPE("group", struct file_group, group_fields, NULL);

static const struct field permit_fields[] = {
    F_TEXT(FIELD_OPTIONAL, struct file_permit, server),
    F_TEXT(FIELD_OPTIONAL, struct file_permit, name),
    F_ENUM(FIELD_OPTIONAL, struct file_permit, protocol, protocol_words),
    F_RANGE(FIELD_OPTIONAL, struct file_permit, port, 1, 65535),
    F_RANGE(FIELD_OPTIONAL, struct file_permit, port_to, 1, 65535),
    TEXTS(file_permit, sites, site_count, WHOM_WORDS_MAX),
};
static const struct shape permit_shape = SHAPE("permit", struct file_permit, permit_fields, NULL);

static const struct field permit_set_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_permit_set, name),
    F_BOOL(FIELD_OPTIONAL, struct file_permit_set, allows_dhcp),
    F_BOOL(FIELD_OPTIONAL, struct file_permit_set, forwards_dns),
    F_IPS(FIELD_OPTIONAL, struct file_permit_set, dhcp_servers, dhcp_server_count,
          FILE_ADDRESSES_MAX),
    F_IPS(FIELD_OPTIONAL, struct file_permit_set, resolvers, resolver_count, FILE_ADDRESSES_MAX),
    F_LIST(FIELD_OPTIONAL, struct file_permit_set, permits, permit_count, PERMITS_MAX,
           &permit_shape),
};
static const struct shape permit_set_shape =
    SHAPE("permit_set", struct file_permit_set, permit_set_fields, NULL);

static const struct field protected_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_protected, name),
    {.name = "addresses",
     .kind = FIELD_TEXTS,
     .optional = true,
     .at = offsetof(struct file_protected, prefixes),
     .size = PREFIX_TEXT_SIZE,
     .count_at = offsetof(struct file_protected, prefix_count),
     .max_count = FILE_PREFIXES_MAX},
    F_MACS(FIELD_OPTIONAL, struct file_protected, macs, mac_count, FILE_ADDRESSES_MAX),
    TEXTS(file_protected, host_names, host_name_count, FILE_GLOBS_MAX),
    TEXTS(file_protected, sites, site_count, WHOM_WORDS_MAX),
};
static const struct shape protected_shape =
    SHAPE("protected", struct file_protected, protected_fields, NULL);

static const struct field never_block_fields[] = {
    TEXTS(file_never_block, prefixes, prefix_count, FILE_PREFIXES_MAX),
    TEXTS(file_never_block, domains, domain_count, FILE_DOMAINS_MAX),
    F_UINT(FIELD_OPTIONAL, struct file_never_block, popular),
};
static const struct shape never_block_shape =
    SHAPE("never_block", struct file_never_block, never_block_fields, NULL);

static const struct field list_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_list, name),
    F_RANGE(FIELD_NEEDED, struct file_list, confidence, 0, 100),
};
static const struct shape list_shape = SHAPE("list", struct file_list, list_fields, NULL);

static const struct field budget_fields[] = {
    F_RANGE(FIELD_OPTIONAL, struct file_budgets, per_minute, 1, BUDGET_MAX),
    F_RANGE(FIELD_OPTIONAL, struct file_budgets, per_hour, 1, BUDGET_MAX),
    F_RANGE(FIELD_OPTIONAL, struct file_budgets, network_percent, 1, 100),
    F_RANGE(FIELD_OPTIONAL, struct file_budgets, switch_percent, 1, 100),
};
static const struct shape budget_shape = SHAPE("budgets", struct file_budgets, budget_fields, NULL);

static const struct field hold_fields[] = {
    F_RANGE(FIELD_OPTIONAL, struct file_hold, pending_s, 1, YEAR_S),
    F_ENUM(FIELD_OPTIONAL, struct file_hold, then, after_words),
};
static const struct shape hold_shape = SHAPE("hold", struct file_hold, hold_fields, NULL);

static const struct field released_fields[] = {
    F_RANGE(FIELD_OPTIONAL, struct file_released, grace_s, 0, YEAR_S),
    F_RANGE(FIELD_OPTIONAL, struct file_released, watch_s, 0, YEAR_S),
};
static const struct shape released_shape =
    SHAPE("after_release", struct file_released, released_fields, NULL);

static const struct field defaults_fields[] = {
    F_ENUM(FIELD_OPTIONAL, struct file_defaults, mode, mode_words),
    F_RANGE(FIELD_OPTIONAL, struct file_defaults, expires_s, 1, YEAR_S),
    F_RANGE(FIELD_OPTIONAL, struct file_defaults, incident_s, 60, YEAR_S),
    F_RANGE(FIELD_OPTIONAL, struct file_defaults, low_confidence, 0, 100),
};
static const struct shape defaults_shape =
    SHAPE("defaults", struct file_defaults, defaults_fields, NULL);

static const struct field when_fields[] = {
    TEXTS(file_when, phases, phase_count, PHASE_COUNT),
    F_ENUM(FIELD_OPTIONAL, struct file_when, severity, severity_names),
    F_RANGE(FIELD_OPTIONAL, struct file_when, confidence, 0, 100),
    F_ENUM(FIELD_OPTIONAL, struct file_when, strength, strength_names),
    TEXTS(file_when, techniques, technique_count, FILE_GLOBS_MAX),
    TEXTS(file_when, signatures, signature_count, FILE_GLOBS_MAX),
    TEXTS(file_when, sensors, sensor_count, FILE_GLOBS_MAX),
    TEXTS(file_when, makers, maker_count, FILE_GLOBS_MAX),
    TEXTS(file_when, lists, list_count, FILE_GLOBS_MAX),
    TEXTS(file_when, networks, network_count, FILE_GLOBS_MAX),
    TEXTS(file_when, groups, group_count, FILE_GLOBS_MAX),
    F_RANGE(FIELD_OPTIONAL, struct file_when, count, 1, WHEN_COUNT_MAX),
    F_RANGE(FIELD_OPTIONAL, struct file_when, within_s, 1, 86400),
};
static const struct shape when_shape = SHAPE("when", struct file_when, when_fields, NULL);

static const struct field action_fields[] = {
    F_ENUM(FIELD_NEEDED, struct file_action, action, action_names),
    F_TEXT(FIELD_OPTIONAL, struct file_action, permit_set),
    F_RANGE(FIELD_OPTIONAL, struct file_action, expires_s, 1, YEAR_S),
};
static const struct shape action_shape = SHAPE("action", struct file_action, action_fields, NULL);

static const struct field policy_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_policy, name),
    F_OBJECT(FIELD_OPTIONAL, struct file_policy, when, &when_shape),
    F_LIST(FIELD_NEEDED, struct file_policy, then, action_count, FILE_ACTIONS_MAX, &action_shape),
    F_ENUM(FIELD_OPTIONAL, struct file_policy, mode, mode_words),
    F_ENUM(FIELD_OPTIONAL, struct file_policy, both_inside, both_words),
    F_OBJECT(FIELD_OPTIONAL, struct file_policy, hold, &hold_shape),
    F_BOOL(FIELD_OPTIONAL, struct file_policy, goes_on),
};
static const struct shape policy_shape = SHAPE("policy", struct file_policy, policy_fields, NULL);

static const struct field file_fields[] = {
    F_OBJECT(FIELD_OPTIONAL, struct policy_file, defaults, &defaults_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, networks, network_count, FILE_NETWORKS_MAX,
           &network_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, groups, group_count, FILE_GROUPS_MAX, &group_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, permit_sets, permit_set_count, FILE_PERMIT_SETS_MAX,
           &permit_set_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, protected, protected_count, FILE_PROTECTED_MAX,
           &protected_shape),
    F_IPS(FIELD_OPTIONAL, struct policy_file, proxies, proxy_count, FILE_ADDRESSES_MAX),
    F_IPS(FIELD_OPTIONAL, struct policy_file, truthful_proxies, truthful_proxy_count,
          FILE_ADDRESSES_MAX),
    F_IPS(FIELD_OPTIONAL, struct policy_file, nats, nat_count, FILE_ADDRESSES_MAX),
    F_IPS(FIELD_OPTIONAL, struct policy_file, resolvers, resolver_count, FILE_ADDRESSES_MAX),
    F_OBJECT(FIELD_OPTIONAL, struct policy_file, never_block, &never_block_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, lists, list_count, FILE_LISTS_MAX, &list_shape),
    F_OBJECT(FIELD_OPTIONAL, struct policy_file, budgets, &budget_shape),
    F_OBJECT(FIELD_OPTIONAL, struct policy_file, hold, &hold_shape),
    F_OBJECT(FIELD_OPTIONAL, struct policy_file, after_release, &released_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, sites, site_count, FILE_SITES_MAX, &file_site_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, rollout, rollout_count, FILE_ROLLOUT_MAX,
           &file_rollout_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, maintenance, window_count, FILE_WINDOWS_MAX,
           &file_window_shape),
    F_LIST(FIELD_OPTIONAL, struct policy_file, policies, policy_count, FILE_POLICIES_MAX,
           &policy_shape),
};
const struct shape policy_file_shape = SHAPE("policy", struct policy_file, file_fields, NULL);

/* Checks across fields */

bool
fault(struct checker *c, const char *why, const char *path, ...)
{
    va_list values;
    va_start(values, path);
    vsnprintf(c->path, 128, path, values);
    va_end(values);
    snprintf(c->why, 256, "%s", why);
    return false;
}

static bool
check_prefixes(struct checker *c, const char *of, size_t index, const char *member,
               char texts[][PREFIX_TEXT_SIZE], size_t count, struct file_prefixes *meaning)
{
    for (size_t i = 0; i < count; i++) {
        if (!prefix_parse(texts[i], &meaning->items[i])) {
            return fault(c, "is not an address or prefix (are host bits set?)", "%s[%zu].%s[%zu]",
                         of, index, member, i);
        }
    }
    meaning->count = count;
    return true;
}

/* Names of one list must differ and say something. */
bool
check_name(struct checker *c, const char *of, size_t index, const char *name, const char *items,
           size_t item_size)
{
    if (name[0] == '\0') {
        return fault(c, "is empty", "%s[%zu].name", of, index);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(items + i * item_size, name) == 0) {
            return fault(c, "stands twice: names must differ", "%s[%zu].name", of, index);
        }
    }
    return true;
}

static bool
check_networks(struct checker *c, struct policy_file *file)
{
    char where[32];
    for (size_t i = 0; i < file->network_count; i++) {
        struct file_network *network = &file->networks[i];
        if (!CHECK_NAME(c, file, networks, i) ||
            !check_prefixes(c, "networks", i, "prefixes", network->prefixes, network->prefix_count,
                            &network->meaning)) {
            return false;
        }
        if (network->prefix_count == 0) {
            return fault(c, "needs at least one prefix", "networks[%zu].prefixes", i);
        }
        snprintf(where, sizeof(where), "networks[%zu]", i);
        if (!check_sites(c, file, where, network->sites, network->site_count)) {
            return false;
        }
    }
    return true;
}

/* "00:1b:21", whole bytes, at most six. */
static bool
mac_start_is_fine(const char *text)
{
    size_t size = strlen(text);
    if (size < 2 || size > 17 || size % 3 != 2) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool is_fine = i % 3 == 2 ? text[i] == ':' : isxdigit((unsigned char)text[i]) != 0;
        if (!is_fine) {
            return false;
        }
    }
    return true;
}

static bool
check_groups(struct checker *c, struct policy_file *file)
{
    char where[32];
    for (size_t i = 0; i < file->group_count; i++) {
        struct file_group *group = &file->groups[i];
        if (!CHECK_NAME(c, file, groups, i) ||
            !check_prefixes(c, "groups", i, "prefixes", group->prefixes, group->prefix_count,
                            &group->meaning)) {
            return false;
        }
        for (size_t k = 0; k < group->mac_count; k++) {
            if (!mac_start_is_fine(group->macs[k])) {
                return fault(c, "is not a MAC or its first bytes, like 00:1b:21",
                             "groups[%zu].macs[%zu]", i, k);
            }
        }
        snprintf(where, sizeof(where), "groups[%zu]", i);
        if (!check_classes(c, where, group->classes, group->class_count)) {
            return false;
        }
        if (group->prefix_count + group->mac_count + group->host_name_count + group->class_count +
                group->tag_count ==
            0) {
            return fault(c, "needs prefixes, macs, host_names, classes or tags", "groups[%zu]", i);
        }
    }
    return true;
}

static bool
check_permit(struct checker *c, const struct file_permit *permit, size_t set, size_t index)
{
    struct prefix prefix;
    bool has_server = permit->server[0] != '\0';
    if (has_server == (permit->name[0] != '\0')) {
        return fault(c, "needs a server (address or prefix) or a name, one of them",
                     "permit_sets[%zu].permits[%zu]", set, index);
    }
    if (has_server && !prefix_parse(permit->server, &prefix)) {
        return fault(c, "is not an address or prefix (are host bits set?)",
                     "permit_sets[%zu].permits[%zu].server", set, index);
    }
    bool has_ports = permit->protocol == FILE_TCP || permit->protocol == FILE_UDP;
    if (permit->port != 0 && !has_ports) {
        return fault(c, "needs protocol tcp or udp", "permit_sets[%zu].permits[%zu].port", set,
                     index);
    }
    if (permit->port_to != 0 && (permit->port == 0 || permit->port_to < permit->port)) {
        return fault(c, "needs a port that is not above it",
                     "permit_sets[%zu].permits[%zu].port_to", set, index);
    }
    return true;
}

static bool
check_permit_sets(struct checker *c, struct policy_file *file)
{
    char where[80];
    for (size_t i = 0; i < file->permit_set_count; i++) {
        const struct file_permit_set *set = &file->permit_sets[i];
        if (!CHECK_NAME(c, file, permit_sets, i)) {
            return false;
        }
        for (size_t k = 0; k < set->permit_count; k++) {
            snprintf(where, sizeof(where), "permit_sets[%zu].permits[%zu]", i, k);
            if (!check_permit(c, &set->permits[k], i, k) ||
                !check_sites(c, file, where, set->permits[k].sites, set->permits[k].site_count)) {
                return false;
            }
        }
        if (set->forwards_dns && set->resolver_count + file->resolver_count == 0) {
            return fault(c, "needs resolvers, here or for the whole file",
                         "permit_sets[%zu].forwards_dns", i);
        }
    }
    return true;
}

static bool
check_protected(struct checker *c, struct policy_file *file)
{
    char where[32];
    for (size_t i = 0; i < file->protected_count; i++) {
        struct file_protected *item = &file->protected[i];
        if (!CHECK_NAME(c, file, protected, i) ||
            !check_prefixes(c, "protected", i, "addresses", item->prefixes, item->prefix_count,
                            &item->meaning)) {
            return false;
        }
        if (item->prefix_count + item->mac_count + item->host_name_count == 0) {
            return fault(c, "needs addresses, macs or host_names", "protected[%zu]", i);
        }
        snprintf(where, sizeof(where), "protected[%zu]", i);
        if (!check_sites(c, file, where, item->sites, item->site_count)) {
            return false;
        }
    }
    return true;
}

static bool
check_never_block(struct checker *c, struct policy_file *file)
{
    struct file_never_block *never = &file->never_block;
    for (size_t i = 0; i < never->prefix_count; i++) {
        if (!prefix_parse(never->prefixes[i], &never->meaning.items[i])) {
            return fault(c, "is not an address or prefix (are host bits set?)",
                         "never_block.prefixes[%zu]", i);
        }
    }
    never->meaning.count = never->prefix_count;
    for (size_t i = 0; i < never->domain_count; i++) {
        if (strlen(never->domains[i]) < 2 || strpbrk(never->domains[i], "*?/ ")) {
            return fault(c, "is not a domain (what is below it is always meant too)",
                         "never_block.domains[%zu]", i);
        }
    }
    return true;
}

static bool
check_lists(struct checker *c, struct policy_file *file)
{
    for (size_t i = 0; i < file->list_count; i++) {
        if (!CHECK_NAME(c, file, lists, i)) {
            return false;
        }
    }
    return true;
}

static bool
check_when_names(struct checker *c, const struct policy_file *file, const struct file_when *when,
                 size_t index)
{
    for (size_t i = 0; i < when->network_count; i++) {
        size_t k = 0;
        while (k < file->network_count && strcmp(file->networks[k].name, when->networks[i]) != 0) {
            k++;
        }
        if (k == file->network_count) {
            return fault(c, "is not defined under networks", "policies[%zu].when.networks[%zu]",
                         index, i);
        }
    }
    for (size_t i = 0; i < when->group_count; i++) {
        size_t k = 0;
        while (k < file->group_count && strcmp(file->groups[k].name, when->groups[i]) != 0) {
            k++;
        }
        if (k == file->group_count) {
            return fault(c, "is not defined under groups", "policies[%zu].when.groups[%zu]", index,
                         i);
        }
    }
    return true;
}

static bool
check_when(struct checker *c, const struct policy_file *file, struct file_when *when, size_t index)
{
    for (size_t i = 0; i < when->phase_count; i++) {
        uint32_t phase = 0;
        while (phase < PHASE_COUNT && strcmp(phase_names[phase], when->phases[i]) != 0) {
            phase++;
        }
        if (phase == PHASE_COUNT) {
            return fault(c,
                         "is not a phase: unknown, intelligence_gathering, point_of_entry, c2, "
                         "lateral_movement, discovery, exfiltration",
                         "policies[%zu].when.phases[%zu]", index, i);
        }
        when->phase_mask |= UINT32_C(1) << phase;
    }
    if (when->count > 1 && when->within_s == 0) {
        return fault(c, "needs within_s", "policies[%zu].when.count", index);
    }
    if (when->within_s != 0 && when->count == 0) {
        return fault(c, "needs count", "policies[%zu].when.within_s", index);
    }
    return check_when_names(c, file, when, index);
}

static bool
check_action(struct checker *c, const struct policy_file *file, const struct file_action *action,
             size_t policy, size_t index)
{
    if (action->action == ACTION_NONE) {
        return fault(c, "is no action: isolate, block_pair, block_server, mirror, notify",
                     "policies[%zu].then[%zu].action", policy, index);
    }
    if (action->permit_set[0] == '\0') {
        return true;
    }
    if (action->action != ACTION_ISOLATE) {
        return fault(c, "belongs to isolate only", "policies[%zu].then[%zu].permit_set", policy,
                     index);
    }
    for (size_t i = 0; i < file->permit_set_count; i++) {
        if (strcmp(file->permit_sets[i].name, action->permit_set) == 0) {
            return true;
        }
    }
    return fault(c, "is not defined under permit_sets", "policies[%zu].then[%zu].permit_set",
                 policy, index);
}

static bool
check_policies(struct checker *c, struct policy_file *file)
{
    for (size_t i = 0; i < file->policy_count; i++) {
        struct file_policy *policy = &file->policies[i];
        if (!CHECK_NAME(c, file, policies, i) || !check_when(c, file, &policy->when, i)) {
            return false;
        }
        if (policy->action_count == 0) {
            return fault(c, "needs at least one action", "policies[%zu].then", i);
        }
        for (size_t k = 0; k < policy->action_count; k++) {
            if (!check_action(c, file, &policy->then[k], i, k)) {
                return false;
            }
        }
    }
    return true;
}

bool
policy_file_check(void *thing, char path[128], char why[256])
{
    struct checker c = {.path = path, .why = why};
    struct policy_file *file = thing;
    return check_networks(&c, file) && check_groups(&c, file) && check_permit_sets(&c, file) &&
           check_protected(&c, file) && check_never_block(&c, file) && check_lists(&c, file) &&
           check_rollout(&c, file) && check_policies(&c, file);
}
