#include "topology/bindings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "topology/addresses.h"
#include "topology/endpoints.h"
#include "topology/locations.h"
#include "topology/sites.h"

#define CONTEST_US 300000000 /* two claimants heard within so long contest it */
#define EARLY_US 5000000     /* traffic may be seen a little before its first lease ... */
/* ... or ARP or ND: a neighbour with a stale entry of it asks for it after five seconds only, and
 * up to three times, a second apart (RFC 4861 10, which Linux follows for ARP, too). */
#define EARLY_NEIGHBOUR_US 8000000
#define CONTESTS_MAX 4  /* leases that one on a server's port contests before it is refused */
#define FLAG_EVERY_S 60 /* one history entry per address for refused claims */
#define RESTORED_LEASE_US 3600000000 /* rows of earlier releases do not tell a lease's end */

/* Whose addresses the switch speaks of that is telling. */
static const char *
site_told(const struct topology *t)
{
    return t->telling ? t->telling->site : NULL;
}

static size_t
binding_index(const struct node *node, const struct mac *mac, const char *site, const struct ip *ip)
{
    size_t newest = SIZE_MAX;
    for (size_t i = 0; i < node->endpoint.binding_count; i++) {
        const struct binding *b = &node->endpoint.bindings[i];
        if (b->site == site && ip_is_equal(&b->ip, ip) && (!mac || mac_is_equal(&b->mac, mac))) {
            newest = i;
        }
    }
    return newest;
}

void
binding_drop(struct topology *t, struct node *node, size_t index)
{
    struct endpoint *endpoint = &node->endpoint;
    struct ip ip = endpoint->bindings[index].ip;
    const char *site = endpoint->bindings[index].site;
    size_t after = --endpoint->binding_count - index;
    memmove(&endpoint->bindings[index], &endpoint->bindings[index + 1],
            after * sizeof(struct binding));
    if (binding_index(node, NULL, site, &ip) == SIZE_MAX) {
        address_leave(&t->addresses, site, &ip, node);
    }
}

/* Drops every binding of that address from the holder that was heard longest ago. */
static void
address_make_room(struct topology *t, const char *site, const struct ip *ip,
                  struct node *const *holders, size_t count)
{
    struct node *oldest = NULL;
    int64_t oldest_us = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t at = binding_index(holders[i], NULL, site, ip);
        if (at != SIZE_MAX && holders[i]->endpoint.bindings[at].seen_us < oldest_us) {
            oldest = holders[i];
            oldest_us = oldest->endpoint.bindings[at].seen_us;
        }
    }
    size_t at;
    while (oldest && (at = binding_index(oldest, NULL, site, ip)) != SIZE_MAX) {
        t->counters.bindings_dropped++;
        binding_drop(t, oldest, at);
    }
}

/* Before 'node' gets a binding of that address. */
static void
address_take(struct topology *t, const char *site, const struct ip *ip, struct node *node)
{
    struct node *holders[ADDRESS_HOLDERS_MAX];
    size_t count = address_holders(&t->addresses, site, ip, holders);
    for (size_t i = 0; i < count; i++) {
        if (holders[i] == node) {
            return;
        }
    }
    if (count == ADDRESS_HOLDERS_MAX) {
        address_make_room(t, site, ip, holders, count);
    }
    address_join(&t->addresses, site, ip, node);
}

/* Ended ones go first, then the one heard longest ago. */
static void
binding_make_room(struct topology *t, struct node *node)
{
    const struct endpoint *endpoint = &node->endpoint;
    if (endpoint->binding_count < ENDPOINT_BINDINGS_MAX) {
        return;
    }
    size_t oldest = 0;
    for (size_t i = 1; i < endpoint->binding_count; i++) {
        const struct binding *a = &endpoint->bindings[i];
        const struct binding *b = &endpoint->bindings[oldest];
        bool a_ended = a->until_us != 0;
        bool b_ended = b->until_us != 0;
        if (a_ended != b_ended ? a_ended : a->seen_us < b->seen_us) {
            oldest = i;
        }
    }
    t->counters.bindings_dropped++;
    binding_drop(t, node, oldest);
}

static size_t
binding_add(struct topology *t, struct node *node, const struct binding *binding)
{
    struct endpoint *endpoint = &node->endpoint;
    const struct binding added = *binding; /* it may be one of those that make room */
    binding_make_room(t, node);
    address_take(t, added.site, &added.ip, node);
    /* no more room than there are: few endpoints get many */
    endpoint->bindings =
        mem_resize(endpoint->bindings, endpoint->binding_count + 1, sizeof(struct binding));
    size_t index = endpoint->binding_count++;
    endpoint->bindings[index] = added;
    endpoint->bindings[index].is_contested = false;
    endpoint->bindings[index].flagged_s = 0;
    return index;
}

static bool
is_lease_source(enum binding_source source)
{
    return source == BINDING_DHCP4 || source == BINDING_DHCP6;
}

/* When this binding ends, or ended, by its own clock. */
static int64_t
binding_end_us(const struct topology *t, const struct node *node, size_t index)
{
    const struct binding *b = &node->endpoint.bindings[index];
    if (b->until_us != 0) {
        return b->until_us;
    }
    int64_t idle_us = b->seen_us + t->settings.binding_idle_us;
    int64_t lease_us = node->endpoint.bindings[index].lease_until_us;
    if (lease_us == 0) {
        return idle_us;
    }
    lease_us += t->settings.lease_grace_us;
    return lease_us > idle_us ? lease_us : idle_us;
}

static bool
is_open(const struct topology *t, const struct node *node, size_t index, int64_t at_us)
{
    return node->endpoint.bindings[index].until_us == 0 && binding_end_us(t, node, index) > at_us;
}

static bool
has_lease(const struct topology *t, const struct node *node, size_t index, int64_t at_us)
{
    return node->endpoint.bindings[index].lease_until_us + t->settings.lease_grace_us > at_us;
}

static void
tell_address(struct topology *t, struct node *node, enum endpoint_event_kind kind,
             const struct ip *ip, const char *how, int64_t at_us)
{
    char text[IP_TEXT_SIZE];
    char detail[IP_TEXT_SIZE + ID_SIZE + 64];
    ip_format(ip, text);
    snprintf(detail, sizeof(detail), "%s %s", text, how);
    node_event(t, node, kind, at_us, detail);
    node_tell(t, node, TOPOLOGY_ENDPOINT_ADDRESS, NULL, detail);
}

static void
binding_end(struct topology *t, struct node *node, size_t index, int64_t at_us, const char *how)
{
    struct binding *b = &node->endpoint.bindings[index];
    b->until_us = at_us > b->from_us ? at_us : b->from_us + 1;
    node->endpoint.bindings[index].is_contested = false;
    tell_address(t, node, ENDPOINT_ADDRESS_GONE, &b->ip, how, at_us);
}

void
bindings_expire(struct topology *t, struct node *node)
{
    int64_t now_us = clock_wall_us(t->clock);
    for (size_t i = 0; i < node->endpoint.binding_count; i++) {
        const struct binding *b = &node->endpoint.bindings[i];
        if (b->until_us == 0 && binding_end_us(t, node, i) <= now_us) {
            const char *how = b->lease_until_us ? "lease ended" : "not heard any more";
            binding_end(t, node, i, binding_end_us(t, node, i), how);
        }
    }
}

/* Somebody else's open binding of that address at that site, the strongest first; NULL: free. */
static struct node *
other_holder(const struct topology *t, const char *site, const struct ip *ip,
             const struct node *node, int64_t at_us, size_t *index)
{
    struct node *holders[ADDRESS_HOLDERS_MAX];
    size_t count = address_holders(&t->addresses, site, ip, holders);
    struct node *found = NULL;
    for (size_t i = 0; i < count; i++) {
        struct node *holder = holders[i];
        size_t at = holder == node ? SIZE_MAX : binding_index(holder, NULL, site, ip);
        if (at == SIZE_MAX || !is_open(t, holder, at, at_us)) {
            continue;
        }
        if (!found || has_lease(t, holder, at, at_us)) {
            found = holder;
            *index = at;
        }
    }
    return found;
}

/* Where the operator put servers. */
static bool
is_placed(const struct port_state *port)
{
    return port && port_is_sink(port) && port->role == PORT_SERVER;
}

/* A gateway that answers ARP for everybody (proxy ARP) must not bring all leases into doubt. */
static bool
contests_many(const struct node *node)
{
    size_t count = 0;
    for (size_t i = 0; i < node->endpoint.binding_count; i++) {
        count += node->endpoint.bindings[i].is_contested;
    }
    return count >= CONTESTS_MAX;
}

bool
topology_is_a_servers(const struct topology *t, const struct endpoint *but,
                      const struct binding *binding)
{
    struct node *holders[ADDRESS_HOLDERS_MAX];
    size_t count = address_holders(&t->addresses, binding->site, &binding->ip, holders);
    for (size_t i = 0; i < count; i++) {
        const struct location *at = &holders[i]->endpoint.location;
        size_t index = binding_index(holders[i], NULL, binding->site, &binding->ip);
        bool has_it = &holders[i]->endpoint != but && index != SIZE_MAX &&
                      holders[i]->endpoint.bindings[index].until_us == 0;
        has_it = has_it && !contests_many(holders[i]);
        if (has_it && at->class != LOCATION_NONE && at->class != LOCATION_CONFLICT &&
            is_placed(port_find(t, at->switch_name, at->port))) {
            return true;
        }
    }
    return false;
}

/* True: 'other' keeps the address: it holds a lease and is alive, and 'node' speaks on no server's
 * port (or contests several already); or 'node' is contained, and would be heard in the other's
 * name where it is permitted to be heard at all. */
static bool
is_defended(struct topology *t, struct node *node, const struct port_state *port,
            struct node *other, size_t index, const struct ip *ip, int64_t at_us)
{
    bool is_leased = has_lease(t, other, index, at_us) && is_alive(t, other, at_us);
    is_leased = is_leased && (!is_placed(port) || contests_many(node));
    if (!is_leased && !node->is_pinned) {
        return false;
    }
    t->counters.claims_refused++;
    struct binding *defended = &other->endpoint.bindings[index];
    if (at_us / 1000000 - defended->flagged_s >= FLAG_EVERY_S) {
        char text[IP_TEXT_SIZE];
        char detail[IP_TEXT_SIZE + ID_SIZE + 64];
        defended->flagged_s = (uint32_t)(at_us / 1000000);
        ip_format(ip, text);
        snprintf(detail, sizeof(detail), "claims %s, which is %s %s", text,
                 is_leased ? "leased to" : "in use by", other->endpoint.id);
        node_event(t, node, ENDPOINT_CONFLICT, at_us, detail);
        node_tell(t, node, TOPOLOGY_ENDPOINT_CONFLICT, NULL, detail);
    }
    return true;
}

static void
contest(struct topology *t, struct node *node, size_t index, struct node *other, size_t other_index,
        int64_t at_us)
{
    const struct ip ip = node->endpoint.bindings[index].ip;
    bool was_contested = node->endpoint.bindings[index].is_contested &&
                         other->endpoint.bindings[other_index].is_contested;
    node->endpoint.bindings[index].is_contested = true;
    other->endpoint.bindings[other_index].is_contested = true;
    if (was_contested) {
        return;
    }
    char text[IP_TEXT_SIZE];
    char detail[IP_TEXT_SIZE + ID_SIZE + 64];
    ip_format(&ip, text);
    snprintf(detail, sizeof(detail), "%s is claimed by %s too", text, other->endpoint.id);
    node_event(t, node, ENDPOINT_CONFLICT, at_us, detail);
    node_tell(t, node, TOPOLOGY_ENDPOINT_CONFLICT, NULL, detail);
}

/* An ARP or ND claim of 'node' meets another's open binding: takes over, or is contested. */
static void
rival_claim(struct topology *t, struct node *node, size_t index, bool is_back, int64_t at_us)
{
    size_t other_index = 0;
    const struct ip ip = node->endpoint.bindings[index].ip;
    const char *site = node->endpoint.bindings[index].site;
    struct node *other = other_holder(t, site, &ip, node, at_us, &other_index);
    if (!other) {
        node->endpoint.bindings[index].is_contested = false;
        return;
    }
    int64_t heard_us = other->endpoint.bindings[other_index].seen_us;
    bool has_both = has_lease(t, other, other_index, at_us);
    bool is_both = is_back || node->endpoint.bindings[index].is_contested || has_both;
    if (is_both && at_us - heard_us < CONTEST_US) {
        contest(t, node, index, other, other_index, at_us);
    } else if (has_both && (is_alive(t, other, at_us) || !has_lease(t, node, index, at_us))) {
        /* The leaseholder is away, but its lease runs: nobody can say whose it is, unless the
         * server said so since: it was given back. */
        contest(t, node, index, other, other_index, at_us);
    } else {
        char how[ID_SIZE + 32];
        snprintf(how, sizeof(how), "taken by %s", node->endpoint.id);
        node->endpoint.bindings[index].is_contested = false;
        binding_end(t, other, other_index, at_us, how);
    }
}

/* A claim counts where the MAC is attached.  Elsewhere it is a copy, or forged. */
static bool
is_own_place(const struct node *node, const struct port_state *port)
{
    if (!port || located_on(node, port)) {
        return true;
    }
    return node->endpoint.location.class == LOCATION_NONE && !port_is_sink(port);
}

void
binding_claim(struct topology *t, struct node *node, const struct port_state *port,
              const struct fact *fact, int64_t at_us)
{
    if (ip_is_none(&fact->ip) || ip_is_group(&fact->ip)) {
        t->counters.facts_ignored++;
        return;
    }
    const char *site = site_told(t);
    size_t index = binding_index(node, &fact->mac, site, &fact->ip);
    bool is_own = is_own_place(node, port);
    bool has_open = index != SIZE_MAX && is_open(t, node, index, at_us);
    if (has_open && t->is_inventory) {
        return;
    }
    if (has_open && (is_own || !port_is_sink(port))) {
        struct binding *b = &node->endpoint.bindings[index];
        b->seen_us = at_us > b->seen_us ? at_us : b->seen_us;
        if (is_own) {
            rival_claim(t, node, index, false, at_us);
        }
        return;
    }
    size_t other_index = 0;
    struct node *other = other_holder(t, site, &fact->ip, node, at_us, &other_index);
    if (!is_own || (other && is_defended(t, node, port, other, other_index, &fact->ip, at_us))) {
        return;
    }
    bool is_back = index != SIZE_MAX && node->endpoint.bindings[index].until_us != 0 &&
                   at_us - node->endpoint.bindings[index].until_us < CONTEST_US;
    struct binding binding = {.mac = fact->mac,
                              .ip = fact->ip,
                              .site = site,
                              .source = fact->source,
                              .from_us = at_us,
                              .seen_us = at_us};
    index = binding_add(t, node, &binding);
    char how[32];
    snprintf(how, sizeof(how), "by %s", binding_source_names[fact->source]);
    tell_address(t, node, ENDPOINT_ADDRESS_NEW, &fact->ip, how, at_us);
    rival_claim(t, node, index, is_back, at_us);
}

/* The server gave the address to 'node': whoever had it has it no more, except that a machine that
 * is alive with a lease of its own, or was heard with that address just now, contests it: no server
 * gives an address twice, and what looks like a server's answer may be anybody's. */
static void
lease_takes(struct topology *t, struct node *node, size_t index, int64_t at_us)
{
    const struct ip ip = node->endpoint.bindings[index].ip;
    const char *site = node->endpoint.bindings[index].site;
    size_t other_index = 0;
    struct node *other;
    char how[ID_SIZE + 32];
    snprintf(how, sizeof(how), "leased to %s", node->endpoint.id);
    while ((other = other_holder(t, site, &ip, node, at_us, &other_index))) {
        bool is_heard = at_us - other->endpoint.bindings[other_index].seen_us < CONTEST_US;
        bool is_defending = has_lease(t, other, other_index, at_us) || is_heard;
        if (is_defending && is_alive(t, other, at_us)) {
            contest(t, node, index, other, other_index, at_us);
            return;
        }
        binding_end(t, other, other_index, at_us, how);
    }
}

void
binding_lease(struct topology *t, struct node *node, const struct fact *fact, int64_t at_us)
{
    if (ip_is_none(&fact->ip) || ip_is_group(&fact->ip) || !is_lease_source(fact->source)) {
        t->counters.facts_ignored++;
        return;
    }
    int64_t end_us = at_us + (int64_t)fact->lease_s * 1000000;
    const char *site = site_told(t);
    size_t index = binding_index(node, &fact->mac, site, &fact->ip);
    if (index != SIZE_MAX && is_open(t, node, index, at_us)) {
        struct binding *b = &node->endpoint.bindings[index];
        b->source = fact->source;
        b->seen_us = at_us > b->seen_us ? at_us : b->seen_us;
        b->is_contested = false;
        if (b->lease_until_us != end_us) {
            b->lease_until_us = end_us;
            node_tell(t, node, TOPOLOGY_ENDPOINT_SEEN, NULL, "");
        }
        lease_takes(t, node, index, at_us);
        return;
    }
    struct binding binding = {.mac = fact->mac,
                              .ip = fact->ip,
                              .site = site,
                              .source = fact->source,
                              .from_us = at_us,
                              .seen_us = at_us,
                              .lease_until_us = end_us};
    index = binding_add(t, node, &binding);
    char how[32];
    snprintf(how, sizeof(how), "by %s", binding_source_names[fact->source]);
    tell_address(t, node, ENDPOINT_ADDRESS_NEW, &fact->ip, how, at_us);
    lease_takes(t, node, index, at_us);
}

void
binding_restore(struct topology *t, struct node *node, const struct binding *binding)
{
    struct binding restored = *binding;
    restored.site = site_keep(t, binding->site);
    if (is_lease_source(restored.source) && restored.lease_until_us == 0) {
        restored.lease_until_us = restored.seen_us + RESTORED_LEASE_US;
    }
    binding_add(t, node, &restored);
}

void
bindings_move(struct topology *t, struct node *into, struct node *from)
{
    while (from->endpoint.binding_count > 0) {
        struct binding binding = from->endpoint.bindings[0];
        binding_drop(t, from, 0);
        binding_add(t, into, &binding); /* not contested: they may have contested each other */
    }
}

/* Who held it? */

struct claim {
    const struct node *node;
    size_t index;
};

/* Whom an address may mean. */
struct holders {
    struct ip ip;
    const char *site;
    struct node *nodes[ADDRESS_HOLDERS_MAX];
    size_t count;
};

/* The bindings of that address that held at 'at_us', at most one per endpoint. */
static size_t
claims_at(const struct topology *t, const struct holders *of, int64_t at_us,
          struct claim claims[ADDRESS_HOLDERS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < of->count; i++) {
        const struct node *node = of->nodes[i];
        for (size_t k = node->endpoint.binding_count; k-- > 0;) {
            const struct binding *b = &node->endpoint.bindings[k];
            if (b->site == of->site && ip_is_equal(&b->ip, &of->ip) && b->from_us <= at_us &&
                at_us < binding_end_us(t, node, k)) {
                claims[count++] = (struct claim){.node = node, .index = k};
                break;
            }
        }
    }
    return count;
}

/* Nobody held it then: did somebody begin a moment later, or hold it before? */
static enum resolution
resolve_gap(const struct topology *t, const struct holders *of, int64_t at_us, struct claim *claim)
{
    enum resolution how = RESOLUTION_NONE;
    for (size_t i = 0; i < of->count; i++) {
        const struct node *node = of->nodes[i];
        size_t k = binding_index(node, NULL, of->site, &of->ip);
        if (k == SIZE_MAX) {
            continue;
        }
        const struct binding *b = &node->endpoint.bindings[k];
        claim->node = node;
        claim->index = k;
        int64_t early_us = is_lease_source(b->source) ? EARLY_US : EARLY_NEIGHBOUR_US;
        bool is_early = b->from_us > at_us && b->from_us - at_us <= early_us;
        if (is_early && of->count == 1 && is_open(t, node, k, clock_wall_us(t->clock))) {
            return RESOLUTION_SURE;
        }
        bool was_silent =
            b->until_us == 0 || b->until_us >= b->seen_us + t->settings.binding_idle_us;
        if (b->from_us > at_us || !was_silent) {
            how = RESOLUTION_CHANGED;
        } else if (how == RESOLUTION_NONE) {
            how = RESOLUTION_OLD;
        }
    }
    return how;
}

/* Has anybody else claimed it after that binding held? */
static bool
is_with_another_now(const struct topology *t, const struct holders *of, const struct claim *claim)
{
    for (size_t i = 0; i < of->count; i++) {
        const struct node *node = of->nodes[i];
        size_t k = binding_index(node, NULL, of->site, &of->ip);
        if (node != claim->node && k != SIZE_MAX && is_open(t, node, k, clock_wall_us(t->clock)) &&
            !has_lease(t, claim->node, claim->index, clock_wall_us(t->clock))) {
            return true;
        }
    }
    return false;
}

static enum resolution
resolve_claims(const struct topology *t, const struct holders *of, int64_t at_us,
               struct claim *claim)
{
    struct claim claims[ADDRESS_HOLDERS_MAX];
    size_t count = claims_at(t, of, at_us, claims);
    if (count == 0) {
        return resolve_gap(t, of, at_us, claim);
    }
    *claim = claims[0];
    if (count > 1 || claim->node->endpoint.bindings[claim->index].is_contested) {
        return RESOLUTION_CONFLICT;
    }
    const struct binding *b = &claim->node->endpoint.bindings[claim->index];
    bool has_ended = b->until_us != 0 || is_with_another_now(t, of, claim);
    if (has_ended) {
        return RESOLUTION_CHANGED;
    }
    return RESOLUTION_SURE;
}

static enum resolution
resolve_at(const struct topology *t, const char *site, const struct ip *ip, int64_t at_us,
           struct held *held)
{
    struct holders of = {.ip = *ip, .site = site};
    struct claim claim = {.node = NULL};
    of.count = address_holders(&t->addresses, site, ip, of.nodes);
    enum resolution how = of.count ? resolve_claims(t, &of, at_us, &claim) : RESOLUTION_NONE;
    *held = (struct held){.site = site ? site : SITE_DEFAULT};
    if (claim.node) {
        held->endpoint = &claim.node->endpoint;
        held->mac = claim.node->endpoint.bindings[claim.index].mac;
    }
    return how;
}

/* Of the only site that knows the address, whenever anybody had it there. */
static enum resolution
resolve_anywhere(const struct topology *t, const struct ip *ip, int64_t at_us, struct held *held)
{
    enum resolution how = resolve_at(t, NULL, ip, at_us, held);
    size_t known_count = how != RESOLUTION_NONE;
    for (size_t i = 0; i < t->site_count; i++) {
        struct held here;
        enum resolution found = resolve_at(t, t->sites[i], ip, at_us, &here);
        if (found != RESOLUTION_NONE && known_count++ == 0) {
            how = found;
            *held = here;
        }
    }
    bool is_lost =
        t->site_count == SITES_MAX; /* names of sites that came later are not in the list */
    if (known_count > 1 || is_lost) {
        *held = (struct held){.site = ""};
        return RESOLUTION_SITES;
    }
    if (known_count == 0 && t->site_count > 0) {
        held->site = "";
    }
    return how;
}

enum resolution
topology_resolve(const struct topology *t, const char *site, const struct ip *ip, int64_t at_us,
                 struct held *held)
{
    if (!site || site[0] == '\0') {
        return resolve_anywhere(t, ip, at_us, held);
    }
    if (strcmp(site, SITE_DEFAULT) == 0) {
        return resolve_at(t, NULL, ip, at_us, held);
    }
    for (size_t i = 0; i < t->site_count; i++) {
        if (strcmp(t->sites[i], site) == 0) {
            return resolve_at(t, t->sites[i], ip, at_us, held);
        }
    }
    *held = (struct held){.site = ""};
    return RESOLUTION_NONE;
}

static bool
has_open_at(const struct node *node, const char *site)
{
    for (size_t i = 0; i < node->endpoint.binding_count; i++) {
        const struct binding *b = &node->endpoint.bindings[i];
        if (b->until_us == 0 && b->site == site) {
            return true;
        }
    }
    return false;
}

/* What is heard of it since it is where it is, is of there.  What it had before it came may be
 * another site's, and stays that one's; but who has no address here at all is not one that came. */
void
bindings_resite(struct topology *t, struct node *node)
{
    const char *now = NULL;
    const struct endpoint *endpoint = &node->endpoint;
    size_t count = site_of_node(t, node, &now) ? endpoint->binding_count : 0;
    bool is_new_here = count > 0 && has_open_at(node, now);
    size_t at = 0, moved_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct binding moved = endpoint->bindings[at];
        bool is_of_here = !is_new_here || moved.seen_us >= endpoint->location.since_us;
        if (moved.until_us != 0 || moved.site == now || !is_of_here) {
            at++;
            continue;
        }
        binding_drop(t, node, at); /* it goes to the end */
        moved.site = now;
        size_t same = binding_index(node, &moved.mac, now, &moved.ip);
        if (same == SIZE_MAX || endpoint->bindings[same].until_us != 0) {
            binding_add(t, node, &moved);
        }
        moved_count++;
    }
    if (moved_count > 0) {
        node_tell(t, node, TOPOLOGY_ENDPOINT_SEEN, NULL, "");
    }
}
