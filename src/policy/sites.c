/* At which site was it seen?  Only where the policy says of a site that its addresses are its own:
 * elsewhere there is one, SITE_DEFAULT.
 *
 *   1. the sites that name the sensor or source; one that no site names may see all of them;
 *   2. where these are several: the switch whose mirror stamped the party's frames;
 *   3. or the VLAN that the sensor reports.
 *
 * What is still not known then stays so: an address that several sites have is nobody's. */
#include <string.h>

#include "base/join.h"
#include "policy/engine_state.h"

#define SOURCES_MAX 8 /* switches with one mirror source, of several sites */

/* A bit for each site of the file with addresses of its own, and one for all the rest. */
struct site_set {
    uint64_t own;
    bool has_default;
};
_Static_assert(FILE_SITES_MAX <= 64, "a bit each in struct site_set");

bool
policy_has_sites(const struct policy *policy)
{
    return policy->has_sites;
}

const char *
policy_site_of(const struct policy *policy, const char *switch_name)
{
    for (size_t i = 0; i < policy->file.site_count && policy->has_sites; i++) {
        const struct file_site *site = &policy->file.sites[i];
        if (site->own_addresses && has_glob(site->switches, site->switch_count, switch_name)) {
            return site->name;
        }
    }
    return SITE_DEFAULT;
}

const char *
policy_own_site_at(const struct policy *policy, size_t index)
{
    for (size_t i = 0; i < policy->file.site_count; i++) {
        if (policy->file.sites[i].own_addresses && index-- == 0) {
            return policy->file.sites[i].name;
        }
    }
    return NULL;
}

bool
policy_knows_site(const struct policy *policy, const char *name)
{
    const char *own;
    for (size_t i = 0; (own = policy_own_site_at(policy, i)) != NULL; i++) {
        if (strcmp(own, name) == 0) {
            return true;
        }
    }
    return strcmp(name, SITE_DEFAULT) == 0;
}

bool
sites_have(const char (*sites)[NAME_SIZE], size_t count, const char *site)
{
    for (size_t i = 0; i < count && site && site[0] != '\0'; i++) {
        if (strcmp(sites[i], site) == 0) {
            return true;
        }
    }
    return count == 0 || !site || site[0] == '\0';
}

bool
policy_protects_at(const struct policy *policy, size_t index, const char *site)
{
    const struct file_protected *item = &policy->file.protected[policy->protect_items[index]];
    bool is_address = !prefix_is_none(&policy->protects[index].server);
    return !is_address || sites_have(item->sites, item->site_count, site);
}

bool
policy_permits_alike(const struct policy *policy, size_t index)
{
    const struct file_permit_set *set = &policy->file.permit_sets[index];
    for (size_t i = 0; i < set->permit_count; i++) {
        if (set->permits[i].site_count > 0) {
            return false;
        }
    }
    return true;
}

void
policy_permits_at(const struct policy *policy, size_t index, const char *site, struct rule *rule)
{
    const struct file_permit_set *set = &policy->file.permit_sets[index];
    struct rule lent = {.kind = RULE_PERMIT_SET, .permit_set = policy->sets[index]};
    rule_copy(rule, &lent);
    rule->permit_set.permit_count = 0;
    for (size_t i = 0; i < set->permit_count; i++) {
        if (sites_have(set->permits[i].sites, set->permits[i].site_count, site)) {
            rule->permit_set.permits[rule->permit_set.permit_count++] =
                policy->sets[index].permits[i];
        }
    }
}

static void
set_add(struct site_set *set, const struct policy_file *file, size_t index)
{
    if (file->sites[index].own_addresses) {
        set->own |= UINT64_C(1) << index;
    } else {
        set->has_default = true;
    }
}

/* Those that name it. */
static struct site_set
sites_of_sensor(const struct policy_file *file, const char *sensor)
{
    struct site_set set = {.own = 0};
    for (size_t i = 0; i < file->site_count; i++) {
        if (has_glob(file->sites[i].sensors, file->sites[i].sensor_count, sensor)) {
            set_add(&set, file, i);
        }
    }
    return set;
}

static struct site_set
sites_of_vlan(const struct policy_file *file, uint16_t vlan)
{
    struct site_set set = {.own = 0};
    for (size_t i = 0; i < file->site_count && vlan != 0; i++) {
        for (size_t k = 0; k < file->sites[i].vlan_count; k++) {
            if (file->sites[i].vlan_low[k] <= vlan && vlan <= file->sites[i].vlan_high[k]) {
                set_add(&set, file, i);
            }
        }
    }
    return set;
}

static struct site_set
sites_of_origin(const struct engine *engine, const struct mirror_origin *origin)
{
    struct site_set set = {.own = 0};
    const char *names[SOURCES_MAX];
    const struct policy_file *file = &engine->policy->file;
    if (!origin || !origin->is_stamped || !engine->world.mirror_sources) {
        return set;
    }
    size_t count =
        engine->world.mirror_sources(engine->world.context, &origin->switch_ip, names, SOURCES_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *site = policy_site_of(engine->policy, names[i]);
        set.has_default = set.has_default || strcmp(site, SITE_DEFAULT) == 0;
        for (size_t k = 0; k < file->site_count; k++) {
            bool is_it = file->sites[k].own_addresses && strcmp(file->sites[k].name, site) == 0;
            set.own |= is_it ? UINT64_C(1) << k : 0;
        }
    }
    return set;
}

/* Its only site's name; NULL: none, or several. */
static const char *
only_of(const struct policy_file *file, const struct site_set *set)
{
    bool is_one = (set->own & (set->own - 1)) == 0;
    if (set->has_default) {
        return set->own == 0 ? SITE_DEFAULT : NULL;
    }
    for (size_t i = 0; i < file->site_count && is_one; i++) {
        if (set->own >> i & 1) {
            return file->sites[i].name;
        }
    }
    return NULL;
}

static struct site_set
common_of(const struct site_set *a, const struct site_set *b)
{
    return (struct site_set){.own = a->own & b->own,
                             .has_default = a->has_default && b->has_default};
}

void
site_find(const struct engine *engine, struct finding *f)
{
    const struct policy_file *file = &engine->policy->file;
    const char *site = SITE_DEFAULT;
    if (engine->policy->has_sites) {
        struct site_set seen = sites_of_sensor(file, f->detection->sensor);
        if (seen.own == 0 && !seen.has_default) {
            seen = (struct site_set){.own = UINT64_MAX, .has_default = true};
        }
        const struct site_set by_origin = sites_of_origin(engine, f->origin);
        const struct site_set by_vlan = sites_of_vlan(file, f->detection->vlan);
        const struct site_set stamped = common_of(&seen, &by_origin);
        const struct site_set tagged = common_of(&seen, &by_vlan);
        site = only_of(file, &seen);
        site = site ? site : only_of(file, &stamped);
        site = site ? site : only_of(file, &tagged);
    }
    join_copy(f->site, sizeof(f->site), site ? site : "");
}

const char *
site_said(const struct engine *engine, const struct finding *f)
{
    return engine->policy->has_sites ? f->site : "";
}

/* Does the policy say that other sites, too, have such addresses? */
bool
is_elsewhere_too(const struct policy *policy, const char *site, const struct ip *ip)
{
    for (size_t i = 0; i < policy->file.network_count && policy->has_sites; i++) {
        const struct file_network *network = &policy->file.networks[i];
        bool is_other = network->site_count > 0 &&
                        !(network->site_count == 1 && strcmp(network->sites[0], site) == 0);
        if (is_other && prefixes_have(&network->meaning, ip)) {
            return true;
        }
    }
    return false;
}
