/* The policy file as a struct: what the YAML says (shapes in file.c), and what it means once it is
 * checked (the members below "meaning", filled by policy.c).  Read-only after loading. */
#ifndef CORDON_POLICY_FILE_H
#define CORDON_POLICY_FILE_H

#include <stdatomic.h>

#include "base/zone.h"
#include "model/rollout.h"
#include "policy/policy.h"
#include "wire/codec.h"

#define FILE_PREFIXES_MAX 64
#define FILE_GLOBS_MAX 32
#define FILE_ADDRESSES_MAX 64
#define FILE_NETWORKS_MAX 256
#define FILE_GROUPS_MAX 64
#define FILE_PERMIT_SETS_MAX 32
#define FILE_PROTECTED_MAX 256
#define FILE_POLICIES_MAX 128
#define FILE_ACTIONS_MAX 6
#define FILE_LISTS_MAX 256
#define FILE_DOMAINS_MAX 256
#define FILE_SITES_MAX 64
#define FILE_ROLLOUT_MAX 128
#define FILE_WINDOWS_MAX 64
#define GLOB_SIZE 128
#define BUDGET_MAX 16384
#define WHEN_COUNT_MAX 32

/* "default" stands for what the network, or the defaults, say. */
enum file_mode { FILE_MODE_DEFAULT, FILE_MODE_OBSERVE, FILE_MODE_APPROVE, FILE_MODE_AUTO };
enum file_after { FILE_AFTER_DEFAULT, FILE_AFTER_REVERT, FILE_AFTER_ENFORCE };
enum file_both { FILE_BOTH_HOLD, FILE_BOTH_SOURCE };
enum file_protocol { FILE_ANY, FILE_TCP, FILE_UDP, FILE_ICMP, FILE_ICMP6 };

struct file_prefixes {
    size_t count;
    struct prefix items[FILE_PREFIXES_MAX];
};

struct file_network {
    char name[NAME_SIZE];
    char prefixes[FILE_PREFIXES_MAX][PREFIX_TEXT_SIZE];
    size_t prefix_count;
    enum file_mode mode;
    bool home;
    char sites[WHOM_WORDS_MAX][NAME_SIZE]; /* none: all */
    size_t site_count;
    uint32_t most_contained; /* at once; 0: no limit of its own */
    struct file_prefixes meaning;
};

struct file_group {
    char name[NAME_SIZE];
    char prefixes[FILE_PREFIXES_MAX][PREFIX_TEXT_SIZE];
    size_t prefix_count;
    char macs[FILE_GLOBS_MAX][MAC_TEXT_SIZE]; /* whole, or the first bytes: "00:1b:21" */
    size_t mac_count;
    char host_names[FILE_GLOBS_MAX][GLOB_SIZE];
    size_t host_name_count;
    char classes[FILE_GLOBS_MAX][NAME_SIZE]; /* as people say: enum endpoint_class */
    size_t class_count;
    char tags[FILE_GLOBS_MAX][NAME_SIZE];
    size_t tag_count;
    struct file_prefixes meaning;
};

struct file_permit {
    char server[PREFIX_TEXT_SIZE];
    char name[HOST_SIZE];
    enum file_protocol protocol;
    uint16_t port;
    uint16_t port_to;
    char sites[WHOM_WORDS_MAX][NAME_SIZE]; /* none: all */
    size_t site_count;
};

struct file_permit_set {
    char name[NAME_SIZE];
    bool allows_dhcp;
    bool forwards_dns;
    struct ip *dhcp_servers;
    size_t dhcp_server_count;
    struct ip *resolvers;
    size_t resolver_count;
    struct file_permit *permits;
    size_t permit_count;
};

struct file_protected {
    char name[NAME_SIZE];
    char prefixes[FILE_PREFIXES_MAX][PREFIX_TEXT_SIZE];
    size_t prefix_count;
    struct mac *macs;
    size_t mac_count;
    char host_names[FILE_GLOBS_MAX][GLOB_SIZE];
    size_t host_name_count;
    char sites[WHOM_WORDS_MAX][NAME_SIZE]; /* where 'addresses' are meant; none: everywhere */
    size_t site_count;
    struct file_prefixes meaning;
};

struct file_never_block {
    char prefixes[FILE_PREFIXES_MAX][PREFIX_TEXT_SIZE];
    size_t prefix_count;
    char domains[FILE_DOMAINS_MAX][GLOB_SIZE];
    size_t domain_count;
    uint32_t popular; /* so many talkers, and not a sure list: in doubt */
    struct file_prefixes meaning;
};

struct file_list {
    char name[NAME_SIZE];
    uint8_t confidence;
};

struct file_budgets {
    uint32_t per_minute;
    uint32_t per_hour;
    uint8_t network_percent;
    uint8_t switch_percent;
};

struct file_hold {
    uint32_t pending_s;
    enum file_after then;
};

struct file_released {
    uint32_t grace_s;
    uint32_t watch_s;
};

struct file_defaults {
    enum file_mode mode;
    uint32_t expires_s;
    uint32_t incident_s; /* an incident stays open so long after its last detection */
    uint8_t low_confidence;
};

struct file_when {
    char phases[PHASE_COUNT][NAME_SIZE];
    size_t phase_count;
    enum severity severity; /* at least */
    uint8_t confidence;     /* at least */
    enum strength strength; /* at least */
    char techniques[FILE_GLOBS_MAX][TECHNIQUE_SIZE];
    size_t technique_count;
    char signatures[FILE_GLOBS_MAX][GLOB_SIZE]; /* name or number */
    size_t signature_count;
    char sensors[FILE_GLOBS_MAX][NAME_SIZE];
    size_t sensor_count;
    char makers[FILE_GLOBS_MAX][NAME_SIZE];
    size_t maker_count;
    char lists[FILE_GLOBS_MAX][NAME_SIZE];
    size_t list_count;
    char networks[FILE_GLOBS_MAX][NAME_SIZE];
    size_t network_count;
    char groups[FILE_GLOBS_MAX][NAME_SIZE];
    size_t group_count;
    uint32_t count;
    uint32_t within_s;
    uint32_t phase_mask; /* meaning */
};

struct file_action {
    enum action action;
    char permit_set[NAME_SIZE];
    uint32_t expires_s;
};

struct file_site {
    char name[NAME_SIZE];
    char switches[WHOM_WORDS_MAX][NAME_SIZE]; /* with '*' and '?' */
    size_t switch_count;
    bool own_addresses;                      /* the same ones may be used at other sites */
    char sensors[WHOM_WORDS_MAX][NAME_SIZE]; /* sensors and sources that see it; with '*' and '?' */
    size_t sensor_count;
    char vlans[WHOM_WORDS_MAX][NAME_SIZE]; /* "100", "200-299": where a sensor sees several sites */
    size_t vlan_count;
    uint16_t vlan_low[WHOM_WORDS_MAX], vlan_high[WHOM_WORDS_MAX]; /* meaning */
};

struct file_rollout {
    char name[NAME_SIZE];
    struct whom when;
    enum mode mode;
};

/* By the clocks of the window's time zone. */
struct file_weekly {
    char days[7][NAME_SIZE]; /* on which it begins */
    size_t day_count;
    char from[NAME_SIZE], to[NAME_SIZE]; /* "22:00"; 'to' not after 'from': on the next day */
    unsigned day_mask;                   /* meaning: bit 0 is Monday */
    int from_min, to_min;
};

struct file_once {
    char from[NAME_SIZE], to[NAME_SIZE]; /* RFC 3339 */
    int64_t from_us, to_us;              /* meaning */
};

struct file_window {
    char name[NAME_SIZE];
    struct whom when;
    enum mode mode; /* observe or approve */
    struct file_weekly weekly;
    struct file_once once;
    char time_zone[NAME_SIZE]; /* "": this machine's */
};

struct file_policy {
    char name[NAME_SIZE];
    struct file_when when;
    struct file_action *then;
    size_t action_count;
    enum file_mode mode;
    enum file_both both_inside;
    struct file_hold hold;
    bool goes_on;
};

struct policy_file {
    struct file_defaults defaults;
    struct file_network *networks;
    size_t network_count;
    struct file_group *groups;
    size_t group_count;
    struct file_permit_set *permit_sets;
    size_t permit_set_count;
    struct file_protected *protected;
    size_t protected_count;
    struct ip *proxies;
    size_t proxy_count;
    struct ip *truthful_proxies; /* of those: nobody but they writes their X-Forwarded-For */
    size_t truthful_proxy_count;
    struct ip *nats; /* addresses that many others have outwards */
    size_t nat_count;
    struct ip *resolvers;
    size_t resolver_count;
    struct file_never_block never_block;
    struct file_list *lists;
    size_t list_count;
    struct file_budgets budgets;
    struct file_hold hold;
    struct file_released after_release;
    struct file_site *sites;
    size_t site_count;
    struct file_rollout *rollout;
    size_t rollout_count;
    struct file_window *maintenance;
    size_t window_count;
    struct file_policy *policies;
    size_t policy_count;
};

struct policy {
    atomic_uint references;
    struct policy_file file;
    uint64_t digest; /* of its text */
    struct permit_set *sets;
    size_t set_count;
    struct rule_protect *protects;
    size_t protect_count;
    size_t *protect_items; /* of which item of the file each is */
    bool declares_home;
    bool has_sites;      /* of their own addresses */
    struct zone **zones; /* owned: of each maintenance window */
    size_t zone_count;
};

extern const struct shape policy_file_shape;
/* What the shapes cannot say; fills the "meaning" members.  A yaml_file_check. */
bool policy_file_check(void *thing, char path[128], char why[256]);

/* file_rollout.c: shapes of sites, roll-out rules and maintenance windows, and their checks. */
extern const struct shape file_site_shape, file_rollout_shape, file_window_shape;
struct checker {
    char *path; /* 128 bytes */
    char *why;  /* 256 bytes */
};
/* Always false, so that a check can return it. */
bool fault(struct checker *c, const char *why, const char *path, ...) PRINTF_LIKE(3, 4);
/* Names of one list must differ and say something. */
bool check_name(struct checker *c, const char *of, size_t index, const char *name,
                const char *items, size_t item_size);
#define CHECK_NAME(c, file, member, index)                                                         \
    check_name(c, #member, index, (file)->member[index].name, (file)->member[0].name,              \
               sizeof((file)->member[0]))
bool check_classes(struct checker *c, const char *where, char words[][NAME_SIZE], size_t count);
bool check_rollout(struct checker *c, struct policy_file *file);
/* Names of sites where addresses are meant. */
bool check_sites(struct checker *c, const struct policy_file *file, const char *where,
                 const char (*names)[NAME_SIZE], size_t count);

/* window.c */
bool window_is_in_force(const struct file_window *window, const struct zone *zone, int64_t now_us);
/* When that changes next; 0: never (again). */
int64_t window_change_us(const struct file_window *window, const struct zone *zone, int64_t now_us);

bool prefixes_have(const struct file_prefixes *prefixes, const struct ip *ip);
bool ips_have(const struct ip *ips, size_t count, const struct ip *ip);
/* '*' any run, '?' any one character; letters without case.  Linear in practice. */
bool glob_matches(const char *glob, const char *text);
bool has_glob(const char (*globs)[NAME_SIZE], size_t count, const char *text);
/* Is 'site' among them?  Where none are named, or it is not known (""), yes. */
bool sites_have(const char (*sites)[NAME_SIZE], size_t count, const char *site);
/* 'site' "": any. */
const struct file_network *policy_network_of(const struct policy *policy, const char *site,
                                             const struct ip *ip);
enum mode policy_mode_for(const struct policy *policy, const struct file_network *network);

#endif
