#include "policy/policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/revision.h"
#include "policy/file.h"
#include "wire/yaml_file.h"

static void
set_default(uint32_t *value, uint32_t otherwise)
{
    *value = *value ? *value : otherwise;
}

static void
set_defaults(struct policy_file *file)
{
    set_default(&file->defaults.expires_s, 86400);
    set_default(&file->defaults.incident_s, 3600);
    set_default(&file->budgets.per_minute, 5);
    set_default(&file->budgets.per_hour, 30);
    set_default(&file->never_block.popular, 20);
    set_default(&file->hold.pending_s, 86400);
    if (file->budgets.network_percent == 0) {
        file->budgets.network_percent = 10;
    }
    if (file->budgets.switch_percent == 0) {
        file->budgets.switch_percent = 50;
    }
    if (file->defaults.low_confidence == 0) {
        file->defaults.low_confidence = 50;
    }
}

static void
compile_permit(const struct file_permit *from, struct permit *to)
{
    static const uint8_t numbers[] = {
        [FILE_ANY] = 0, [FILE_TCP] = 6, [FILE_UDP] = 17, [FILE_ICMP] = 1, [FILE_ICMP6] = 58};
    if (from->server[0] != '\0' && !prefix_parse(from->server, &to->server)) {
        abort(); /* checked when it was loaded */
    }
    memcpy(to->name, from->name, sizeof(to->name));
    to->protocol = numbers[from->protocol];
    to->port_low = from->port;
    to->port_high = from->port_to ? from->port_to : from->port;
}

/* A copy of the set's own addresses, or of the file's. */
static struct ip *
copy_ips(const struct ip *own, size_t own_count, const struct ip *common, size_t common_count,
         size_t *count)
{
    const struct ip *from = own_count ? own : common;
    *count = own_count ? own_count : common_count;
    struct ip *to = mem_new(*count ? *count : 1, sizeof(struct ip));
    if (*count) {
        memcpy(to, from, *count * sizeof(struct ip));
    }
    return to;
}

static void
compile_permit_sets(struct policy *policy)
{
    const struct policy_file *file = &policy->file;
    policy->set_count = file->permit_set_count;
    policy->sets = mem_new(policy->set_count ? policy->set_count : 1, sizeof(struct permit_set));
    for (size_t i = 0; i < file->permit_set_count; i++) {
        const struct file_permit_set *from = &file->permit_sets[i];
        struct permit_set *to = &policy->sets[i];
        memcpy(to->name, from->name, sizeof(to->name));
        to->allows_dhcp = from->allows_dhcp;
        to->forwards_dns = from->forwards_dns;
        to->dhcp_servers =
            copy_ips(from->dhcp_servers, from->dhcp_server_count, NULL, 0, &to->dhcp_server_count);
        bool needs_resolvers = from->forwards_dns;
        to->resolvers = copy_ips(from->resolvers, from->resolver_count, file->resolvers,
                                 needs_resolvers ? file->resolver_count : 0, &to->resolver_count);
        to->permits = mem_new(from->permit_count ? from->permit_count : 1, sizeof(struct permit));
        to->permit_count = from->permit_count;
        for (size_t k = 0; k < from->permit_count; k++) {
            compile_permit(&from->permits[k], &to->permits[k]);
        }
    }
}

static void
compile_protected(struct policy *policy)
{
    const struct policy_file *file = &policy->file;
    size_t room = 1;
    for (size_t i = 0; i < file->protected_count; i++) {
        room += file->protected[i].prefix_count + file->protected[i].mac_count;
    }
    policy->protects = mem_new(room, sizeof(struct rule_protect));
    policy->protect_items = mem_new(room, sizeof(*policy->protect_items));
    for (size_t i = 0; i < file->protected_count; i++) {
        const struct file_protected *item = &file->protected[i];
        for (size_t k = 0; k < item->prefix_count; k++) {
            policy->protect_items[policy->protect_count] = i;
            policy->protects[policy->protect_count++].server = item->meaning.items[k];
        }
        for (size_t k = 0; k < item->mac_count; k++) {
            policy->protect_items[policy->protect_count] = i;
            policy->protects[policy->protect_count++].mac = item->macs[k];
        }
    }
}

/* What can be shown and edited as it is, and reads as what it means. */
static int
text_check(const char *text, size_t size, struct policy_error *error)
{
    size_t good = size > POLICY_TEXT_MAX ? 0 : utf8_lines_size(text, size);
    if (size > POLICY_TEXT_MAX) {
        snprintf(error->text, sizeof(error->text), "is larger than %d KiB", POLICY_TEXT_MAX / 1024);
        return -EFBIG;
    }
    if (good == size) {
        return 0;
    }
    error->line = error->column = 1;
    for (size_t i = 0; i < good; i++) {
        bool is_first = ((unsigned char)text[i] & 0xc0) != 0x80; /* of a character */
        error->column = text[i] == '\n' ? 1 : error->column + is_first;
        error->line += text[i] == '\n';
    }
    snprintf(error->text, sizeof(error->text),
             "a control character, one that turns the direction of writing, or no UTF-8");
    return -EINVAL;
}

/* The file was checked with these; it can only be that the machine's zone files changed since. */
static int
compile_zones(struct policy *policy, struct policy_error *error)
{
    const struct policy_file *file = &policy->file;
    policy->zones = mem_new(file->window_count + 1, sizeof(*policy->zones));
    for (size_t i = 0; i < file->window_count; i++) {
        int result = zone_load(file->maintenance[i].time_zone, &policy->zones[i]);
        if (result) {
            snprintf(error->text, sizeof(error->text), "time zone %s cannot be read",
                     file->maintenance[i].time_zone);
            return result;
        }
        policy->zone_count++;
    }
    return 0;
}

int
policy_parse(const char *yaml, size_t size, struct policy **policy, struct policy_error *error)
{
    struct yaml_file_error why;
    memset(error, 0, sizeof(*error));
    int refused = text_check(yaml, size, error);
    if (refused) {
        return refused;
    }
    struct policy *loaded = MEM_NEW(struct policy);
    int result = yaml_file_decode_checked(yaml, size, &policy_file_shape, &loaded->file,
                                          policy_file_check, &why);
    if (result) {
        error->line = why.line;
        error->column = why.column;
        memcpy(error->text, why.text, sizeof(error->text));
        free(loaded);
        return result;
    }
    loaded->digest = hash_stable(yaml, size);
    set_defaults(&loaded->file);
    compile_permit_sets(loaded);
    compile_protected(loaded);
    for (size_t i = 0; i < loaded->file.network_count; i++) {
        loaded->declares_home = loaded->declares_home || loaded->file.networks[i].home;
    }
    for (size_t i = 0; i < loaded->file.site_count; i++) {
        loaded->has_sites = loaded->has_sites || loaded->file.sites[i].own_addresses;
    }
    atomic_init(&loaded->references, 1);
    result = compile_zones(loaded, error);
    if (result) {
        policy_unref(loaded);
        return result;
    }
    *policy = loaded;
    return 0;
}

int
policy_load(const char *path, struct policy **policy, struct policy_error *error)
{
    char *text;
    size_t size;
    int result = file_read(path, POLICY_TEXT_MAX, &text, &size);
    if (result) {
        memset(error, 0, sizeof(*error));
        snprintf(error->text, sizeof(error->text), "cannot read %.300s: %s", path,
                 strerror(-result));
        return result;
    }
    result = policy_parse(text, size, policy, error);
    free(text);
    return result;
}

struct policy *
policy_ref(struct policy *policy)
{
    atomic_fetch_add(&policy->references, 1);
    return policy;
}

void
policy_unref(struct policy *policy)
{
    if (!policy || atomic_fetch_sub(&policy->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < policy->set_count; i++) {
        free(policy->sets[i].dhcp_servers);
        free(policy->sets[i].resolvers);
        free(policy->sets[i].permits);
    }
    for (size_t i = 0; i < policy->zone_count; i++) {
        zone_free(policy->zones[i]);
    }
    free(policy->zones);
    free(policy->sets);
    free(policy->protects);
    free(policy->protect_items);
    codec_fini(&policy_file_shape, &policy->file);
    free(policy);
}

size_t
policy_permit_sets(const struct policy *policy, const struct permit_set **sets)
{
    *sets = policy->sets;
    return policy->set_count;
}

size_t
policy_protected(const struct policy *policy, const struct rule_protect **protected)
{
    *protected = policy->protects;
    return policy->protect_count;
}

const char *
policy_protected_name(const struct policy *policy, size_t index)
{
    for (size_t i = 0; i < policy->file.protected_count; i++) {
        const struct file_protected *item = &policy->file.protected[i];
        if (index < item->prefix_count + item->mac_count) {
            return item->name;
        }
        index -= item->prefix_count + item->mac_count;
    }
    return "";
}

bool
prefixes_have(const struct file_prefixes *prefixes, const struct ip *ip)
{
    for (size_t i = 0; i < prefixes->count; i++) {
        if (prefix_has(&prefixes->items[i], ip)) {
            return true;
        }
    }
    return false;
}

bool
ips_have(const struct ip *ips, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++) {
        if (ip_is_equal(&ips[i], ip)) {
            return true;
        }
    }
    return false;
}

/* The classic two-pointer match: on a mismatch the last '*' takes one more character. */
bool
glob_matches(const char *glob, const char *text)
{
    const char *star = NULL;
    const char *from = NULL;
    while (*text) {
        bool is_same = *glob == '?' ||
                       (*glob && tolower((unsigned char)*glob) == tolower((unsigned char)*text));
        if (*glob == '*') {
            star = glob++;
            from = text;
        } else if (is_same) {
            glob++;
            text++;
        } else if (star) {
            glob = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*glob == '*') {
        glob++;
    }
    return *glob == '\0';
}

bool
has_glob(const char (*globs)[NAME_SIZE], size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (glob_matches(globs[i], text)) {
            return true;
        }
    }
    return false;
}

/* The longest prefix wins, so that a room within a building can have a mode of its own. */
const struct file_network *
policy_network_of(const struct policy *policy, const char *site, const struct ip *ip)
{
    const struct file_network *found = NULL;
    unsigned longest = 0;
    for (size_t i = 0; i < policy->file.network_count; i++) {
        const struct file_network *network = &policy->file.networks[i];
        bool is_meant = sites_have(network->sites, network->site_count, site);
        for (size_t k = 0; is_meant && k < network->meaning.count; k++) {
            const struct prefix *prefix = &network->meaning.items[k];
            if (prefix_has(prefix, ip) && (!found || prefix->length > longest)) {
                found = network;
                longest = prefix->length;
            }
        }
    }
    return found;
}

uint64_t
policy_digest(const struct policy *policy)
{
    return policy->digest;
}

enum mode
policy_mode_for(const struct policy *policy, const struct file_network *network)
{
    enum file_mode mode = network ? network->mode : FILE_MODE_DEFAULT;
    if (mode == FILE_MODE_DEFAULT) {
        mode = policy->file.defaults.mode;
    }
    switch (mode) {
    case FILE_MODE_APPROVE:
        return MODE_APPROVE;
    case FILE_MODE_AUTO:
        return MODE_AUTO;
    default:
        return MODE_OBSERVE;
    }
}

enum mode
policy_mode_of(const struct policy *policy, const char *site, const struct ip *ip,
               char network[NAME_SIZE])
{
    const struct file_network *found = policy_network_of(policy, site, ip);
    snprintf(network, NAME_SIZE, "%s", found ? found->name : "");
    return policy_mode_for(policy, found);
}

/* RFC 1918 (10/8, 172.16/12, 192.168/16), RFC 4193 (fc00::/7) and link-local: inside, where the
 * file does not say what is. */
static bool
is_private(const struct ip *ip)
{
    const uint8_t *v4 = ip->b + 12;
    bool is_in = ip_is_v4(ip) ? v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
                                    (v4[0] == 192 && v4[1] == 168)
                              : (ip->b[0] & 0xfe) == 0xfc;
    return is_in || ip_is_link_local(ip);
}

bool
policy_is_home(const struct policy *policy, const struct ip *ip)
{
    if (ip_is_none(ip)) {
        return false;
    }
    if (!policy->declares_home) {
        return policy_network_of(policy, "", ip) || is_private(ip);
    }
    for (size_t i = 0; i < policy->file.network_count; i++) {
        const struct file_network *network = &policy->file.networks[i];
        if (network->home && prefixes_have(&network->meaning, ip)) {
            return true;
        }
    }
    return ip_is_link_local(ip);
}

bool
policy_is_internal(const struct policy *policy, const struct ip *ip)
{
    return !ip_is_none(ip) && (policy_is_home(policy, ip) || is_private(ip));
}
