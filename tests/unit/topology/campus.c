#include "campus.h"

#include <stdlib.h>

#include "base/mem.h"

static void
on_change(void *context, enum topology_change change, const struct endpoint *endpoint,
          const struct location *before, const char *detail)
{
    struct campus *c = context;
    struct told *told = &c->told[c->told_count % TOLD_MAX];
    memset(told, 0, sizeof(*told));
    told->change = change;
    if (endpoint) {
        memcpy(told->endpoint_id, endpoint->id, ID_SIZE);
    }
    if (before) {
        told->before = *before;
        told->has_before = true;
    }
    snprintf(told->detail, sizeof(told->detail), "%s", detail ? detail : "");
    c->told_count++;
}

static void
on_gone(void *context, const struct endpoint *endpoint, const struct endpoint *into)
{
    struct campus *c = context;
    (void)endpoint;
    c->gone_count++;
    memcpy(c->gone_into, into ? into->id : "", into ? ID_SIZE : 1);
}

struct campus *
campus_new(const struct topology_settings *settings)
{
    struct campus *c = MEM_NEW(struct campus);
    clock_fake_init(&c->clock, INT64_C(1800000000) * 1000000);
    struct topology_listener listener = {.on_change = on_change, .on_gone = on_gone, .context = c};
    c->topology = topology_new(settings, &c->clock.clock, &listener);
    for (int i = 1; i <= 9; i++) {
        char port[8];
        snprintf(port, sizeof(port), "p%d", i);
        port_is(c, "e1", port, PORT_ACCESS);
        port_is(c, "e2", port, PORT_ACCESS);
    }
    port_is(c, "e1", "ul", PORT_UPLINK);
    port_is(c, "e2", "ul", PORT_UPLINK);
    port_is(c, "core", "d1", PORT_UPLINK);
    port_is(c, "core", "d2", PORT_UPLINK);
    port_is(c, "core", "s1", PORT_SERVER);
    after_s(c, 60);
    c->told_count = 0;
    return c;
}

void
campus_free(struct campus *c)
{
    topology_free(c->topology);
    free(c);
}

void
after_s(struct campus *c, int64_t seconds)
{
    clock_fake_advance(&c->clock, seconds * 1000000);
}

int64_t
now_us(const struct campus *c)
{
    return c->clock.wall_now_us;
}

void
one_fact(struct campus *c, const char *on, const struct fact *fact)
{
    struct fact copy = *fact;
    copy.seen_us = copy.seen_us ? copy.seen_us : now_us(c);
    struct wire_facts facts = {.facts = &copy, .fact_count = 1};
    snprintf(facts.switch_name, sizeof(facts.switch_name), "%s", on);
    topology_apply_facts(c->topology, &facts);
}

static struct fact
fact_of(enum fact_kind kind, const char *port)
{
    struct fact fact = {.kind = kind};
    snprintf(fact.port, sizeof(fact.port), "%s", port);
    return fact;
}

struct mac
mac_of(const char *text)
{
    struct mac mac;
    assert_true(mac_parse(text, &mac));
    return mac;
}

struct ip
ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

void
port_is(struct campus *c, const char *on, const char *port, enum port_role role)
{
    struct fact fact = fact_of(FACT_PORT, port);
    fact.role = role;
    fact.is_up = true;
    fact.port_number = (uint32_t)(port[1] - '0') + (role == PORT_UPLINK ? 100 : 0);
    one_fact(c, on, &fact);
}

void
link_goes_down(struct campus *c, const char *on, const char *port)
{
    struct fact fact = fact_of(FACT_LINK_DOWN, port);
    one_fact(c, on, &fact);
}

void
link_goes_up(struct campus *c, const char *on, const char *port)
{
    struct fact fact = fact_of(FACT_LINK_UP, port);
    one_fact(c, on, &fact);
}

void
seen(struct campus *c, const char *on, const char *port, const char *mac)
{
    struct fact fact = fact_of(FACT_MAC, port);
    fact.mac = mac_of(mac);
    fact.vlan = 10;
    one_fact(c, on, &fact);
}

void
aged(struct campus *c, const char *on, const char *port, const char *mac)
{
    struct fact fact = fact_of(FACT_MAC_AGED, port);
    fact.mac = mac_of(mac);
    one_fact(c, on, &fact);
}

void
arp(struct campus *c, const char *on, const char *port, const char *mac, const char *ip)
{
    struct fact fact = fact_of(FACT_BINDING, port);
    fact.mac = mac_of(mac);
    fact.vlan = 10;
    fact.ip = ip_of(ip);
    fact.source = strchr(ip, ':') ? BINDING_ND : BINDING_ARP;
    one_fact(c, on, &fact);
}

void
asks(struct campus *c, const char *on, const char *port, const char *mac, const char *client_id,
     const char *host_name)
{
    struct fact fact = fact_of(FACT_LEASE, port);
    fact.mac = mac_of(mac);
    fact.vlan = 10;
    fact.source = BINDING_DHCP4;
    snprintf(fact.client_id, sizeof(fact.client_id), "%s", client_id);
    snprintf(fact.host_name, sizeof(fact.host_name), "%s", host_name);
    one_fact(c, on, &fact);
}

void
answers(struct campus *c, const char *on, const char *port, const char *mac, const char *ip)
{
    struct fact fact = fact_of(FACT_LEASE, port);
    fact.mac = mac_of(mac);
    fact.vlan = 10;
    fact.ip = ip_of(ip);
    fact.source = strchr(ip, ':') ? BINDING_DHCP6 : BINDING_DHCP4;
    fact.lease_s = c->lease_s ? c->lease_s : 3600;
    one_fact(c, on, &fact);
}

void
lease(struct campus *c, const char *on, const char *port, const char *mac, const char *ip,
      const char *client_id, const char *host_name)
{
    seen(c, on, port, mac);
    asks(c, on, port, mac, client_id, host_name);
    answers(c, on, "ul", mac, ip);
}

void
hears(struct campus *c, const char *on, const char *port, const char *neighbour,
      const char *neighbour_port)
{
    struct fact fact = fact_of(FACT_NEIGHBOUR, port);
    fact.neighbour_is_bridge = true;
    snprintf(fact.neighbour_name, sizeof(fact.neighbour_name), "%s", neighbour);
    snprintf(fact.neighbour_port, sizeof(fact.neighbour_port), "%s", neighbour_port);
    one_fact(c, on, &fact);
}

const struct endpoint *
endpoint_of(const struct campus *c, const char *mac)
{
    struct mac bytes = mac_of(mac);
    return topology_by_mac(c->topology, &bytes);
}

enum resolution
who(const struct campus *c, const char *ip, int64_t at_us, const struct endpoint **endpoint)
{
    return who_at(c, "", ip, at_us, endpoint);
}

enum resolution
who_at(const struct campus *c, const char *site, const char *ip, int64_t at_us,
       const struct endpoint **endpoint)
{
    struct ip bytes = ip_of(ip);
    struct held held;
    enum resolution how = topology_resolve(c->topology, site, &bytes, at_us, &held);
    *endpoint = held.endpoint;
    return how;
}

size_t
told_of(const struct campus *c, enum topology_change change)
{
    size_t count = 0;
    for (size_t i = 0; i < c->told_count && i < TOLD_MAX; i++) {
        count += c->told[i].change == change ? 1 : 0;
    }
    return count;
}

bool
has_event(const struct endpoint *endpoint, enum endpoint_event_kind kind, const char *words)
{
    struct endpoint_event events[ENDPOINT_EVENTS_MAX];
    size_t count = topology_history(endpoint, events);
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == kind && strstr(events[i].detail, words)) {
            return true;
        }
    }
    return false;
}

void
assert_at(const struct campus *c, const char *mac, const char *on, const char *port,
          enum location_class class)
{
    const struct endpoint *endpoint = endpoint_of(c, mac);
    assert_non_null(endpoint);
    assert_string_equal(endpoint->location.switch_name, on);
    assert_string_equal(endpoint->location.port, port);
    assert_int_equal(endpoint->location.class, class);
}
