/* ARP (RFC 826), neighbour discovery (RFC 4861), DHCP (RFC 2131, 2132, 4702) and DHCPv6 (RFC 8415,
 * 4704). */
#include "edge/snoop.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "edge/bpf/shared.h"

#define DHCP_MAGIC 0x63825363u
#define DHCP_REPLY 2 /* op: from a server; from a client or a relay's copy of it 1 */
#define DHCP_OFFER 2
#define DHCP_ACK 5
#define DHCP_NAK 6
#define OPTION_HOST_NAME 12
#define OPTION_LEASE 51
#define OPTION_TYPE 53
#define OPTION_CLIENT_ID 61
#define OPTION_FQDN 81
#define DHCP6_ADVERTISE 2
#define DHCP6_REPLY 7
#define DHCP6_CLIENT_ID 1
#define DHCP6_IA_NA 3
#define DHCP6_IA_ADDRESS 5
#define DHCP6_FQDN 39
#define OPTIONS_MAX 64

struct found {
    struct fact *facts;
    size_t count;
};

/* NULL: no more room. */
static struct fact *
fact_add(struct found *found, enum fact_kind kind, const struct mac *mac)
{
    if (found->count == SNOOP_FACTS_MAX) {
        return NULL;
    }
    struct fact *fact = &found->facts[found->count++];
    *fact = (struct fact){.kind = kind, .mac = *mac};
    return fact;
}

static void
binding_add(struct found *found, const struct mac *mac, const struct ip *ip,
            enum binding_source source)
{
    static const struct ip v4_none = {{[10] = 0xff, [11] = 0xff}};
    bool is_strange = ip_is_v4(ip) != (source == BINDING_ARP); /* a mapped address in ND */
    if (ip_is_none(ip) || ip_is_equal(ip, &v4_none) || ip_is_group(ip) || mac_is_group(mac) ||
        is_strange) {
        return;
    }
    struct fact *fact = fact_add(found, FACT_BINDING, mac);
    if (fact) {
        fact->ip = *ip;
        fact->source = source;
    }
}

static void
role_add(struct found *found, const struct packet *packet, enum host_role role)
{
    struct fact *fact = fact_add(found, FACT_ROLE_HINT, &packet->src_mac);
    if (fact) {
        fact->ip = packet->src;
        fact->host_role = role;
    }
}

static void
hex_put(char *to, size_t room, const uint8_t *bytes, size_t size)
{
    to[0] = '\0';
    for (size_t i = 0; i < size && i * 2 + 3 <= room; i++) {
        snprintf(to + i * 2, room - i * 2, "%02x", bytes[i]);
    }
}

/* A host name from the wire: made fit for people's eyes. */
static void
name_put(char *to, size_t room, const uint8_t *bytes, size_t size)
{
    size_t used = size < room ? size : room - 1;
    memcpy(to, bytes, used);
    while (used > 0 && to[used - 1] == '\0') {
        used--;
    }
    to[used] = '\0';
    utf8_make_plain(to, used);
}

/* Labels (RFC 1035 3.1, without compression) -> dotted text. */
static void
labels_put(char *to, size_t room, struct cursor in)
{
    size_t used = 0;
    to[0] = '\0';
    while (cur_left(&in) > 0) {
        uint8_t size = cur_u8(&in);
        const uint8_t *label = size && size < 64 ? cur_take(&in, size) : NULL;
        if (!label || used + size + 2 > room) {
            break;
        }
        used += (size_t)snprintf(to + used, room - used, "%s", used ? "." : "");
        memcpy(to + used, label, size);
        used += size;
        to[used] = '\0';
    }
    utf8_make_plain(to, used);
}

struct dhcp {
    uint8_t op;
    uint8_t type;
    struct mac client;
    struct ip yours;
    char client_id[HOST_SIZE];
    char host_name[HOST_SIZE];
    uint32_t lease_s;
};

static void
dhcp_option(struct dhcp *dhcp, uint8_t code, struct cursor value)
{
    size_t size = cur_left(&value);
    switch (code) {
    case OPTION_TYPE:
        dhcp->type = cur_u8(&value);
        break;
    case OPTION_LEASE:
        dhcp->lease_s = cur_be32(&value);
        break;
    case OPTION_HOST_NAME:
        name_put(dhcp->host_name, sizeof(dhcp->host_name), value.pos, size);
        break;
    case OPTION_CLIENT_ID:
        hex_put(dhcp->client_id, sizeof(dhcp->client_id), value.pos, size);
        break;
    case OPTION_FQDN: {
        uint8_t flags = cur_u8(&value);
        cur_skip(&value, 2);
        if (cur_ok(&value) && !dhcp->host_name[0] && !(flags & 4)) {
            name_put(dhcp->host_name, sizeof(dhcp->host_name), value.pos, cur_left(&value));
        } else if (cur_ok(&value) && !dhcp->host_name[0]) {
            labels_put(dhcp->host_name, sizeof(dhcp->host_name), value);
        }
        break;
    }
    default:
        break;
    }
}

static bool
dhcp_parse(struct cursor in, struct dhcp *dhcp)
{
    uint8_t address[4];
    dhcp->op = cur_u8(&in);
    cur_skip(&in, 15); /* htype to ciaddr */
    cur_copy(&in, address, sizeof(address));
    cur_skip(&in, 8); /* siaddr, giaddr */
    cur_copy(&in, dhcp->client.b, 6);
    cur_skip(&in, 10 + 64 + 128);
    uint32_t magic = cur_be32(&in);
    if (!cur_ok(&in) || magic != DHCP_MAGIC) {
        return false;
    }
    dhcp->yours = ip_from_v4(address);
    for (int i = 0; i < OPTIONS_MAX && cur_left(&in) > 0; i++) {
        uint8_t code = cur_u8(&in);
        if (code == 255) {
            break;
        }
        if (code != 0) {
            uint8_t size = cur_u8(&in);
            struct cursor value = cur_sub(&in, size);
            if (!cur_ok(&in)) {
                return false;
            }
            dhcp_option(dhcp, code, value);
        }
    }
    return true;
}

/* From client to server: the client says its name and id; from server to client: the lease. */
static void
dhcp_facts(const struct packet *packet, struct found *found)
{
    struct dhcp dhcp = {.type = 0};
    if (!dhcp_parse(packet->payload, &dhcp)) {
        return;
    }
    bool is_server = dhcp.op == DHCP_REPLY;
    if (is_server && packet->src_port != 67) {
        return;
    }
    if (is_server && (dhcp.type == DHCP_OFFER || dhcp.type == DHCP_ACK || dhcp.type == DHCP_NAK)) {
        role_add(found, packet, HOST_DHCP_SERVER);
    }
    if ((is_server && dhcp.type != DHCP_ACK) || mac_is_none(&dhcp.client) ||
        (!is_server && !dhcp.client_id[0] && !dhcp.host_name[0])) {
        return;
    }
    struct fact *fact = fact_add(found, FACT_LEASE, &dhcp.client);
    if (fact) {
        static const struct ip v4_none = {{[10] = 0xff, [11] = 0xff}};
        fact->source = BINDING_DHCP4;
        fact->lease_s = is_server ? dhcp.lease_s : 0;
        if (is_server && !ip_is_equal(&dhcp.yours, &v4_none)) {
            fact->ip = dhcp.yours;
        }
        memcpy(fact->client_id, dhcp.client_id, sizeof(fact->client_id));
        memcpy(fact->host_name, dhcp.host_name, sizeof(fact->host_name));
    }
}

struct dhcp6 {
    char duid[HOST_SIZE];
    char host_name[HOST_SIZE];
    struct ip addresses[4];
    uint32_t valid_s[4];
    size_t address_count;
};

static void
dhcp6_addresses(struct cursor in, struct dhcp6 *dhcp)
{
    cur_skip(&in, 12); /* IAID, T1, T2 */
    for (int i = 0; i < OPTIONS_MAX && cur_left(&in) >= 4; i++) {
        uint16_t code = cur_be16(&in);
        struct cursor value = cur_sub(&in, cur_be16(&in));
        if (code == DHCP6_IA_ADDRESS && cur_ok(&value) && dhcp->address_count < 4) {
            struct ip ip;
            cur_copy(&value, ip.b, sizeof(ip.b));
            cur_skip(&value, 4);
            uint32_t valid_s = cur_be32(&value);
            /* no time left: the lease is over (RFC 8415 18.2.10.1) */
            if (cur_ok(&value) && valid_s > 0 && !ip_is_v4(&ip)) {
                dhcp->valid_s[dhcp->address_count] = valid_s;
                dhcp->addresses[dhcp->address_count++] = ip;
            }
        }
    }
}

static void
dhcp6_facts(const struct packet *packet, struct found *found)
{
    struct cursor in = packet->payload;
    struct dhcp6 dhcp = {.address_count = 0};
    uint8_t type = cur_u8(&in);
    bool is_server = packet->src_port == 547;
    cur_skip(&in, 3);
    for (int i = 0; i < OPTIONS_MAX && cur_left(&in) >= 4; i++) {
        uint16_t code = cur_be16(&in);
        struct cursor value = cur_sub(&in, cur_be16(&in));
        if (!cur_ok(&value)) {
            return;
        }
        if (code == DHCP6_CLIENT_ID) {
            hex_put(dhcp.duid, sizeof(dhcp.duid), value.pos, cur_left(&value));
        } else if (code == DHCP6_FQDN) {
            cur_skip(&value, 1);
            labels_put(dhcp.host_name, sizeof(dhcp.host_name), value);
        } else if (code == DHCP6_IA_NA) {
            dhcp6_addresses(value, &dhcp);
        }
    }
    if (is_server && (type == DHCP6_REPLY || type == DHCP6_ADVERTISE)) {
        role_add(found, packet, HOST_DHCP_SERVER);
    }
    if (is_server && type != DHCP6_REPLY) {
        return;
    }
    /* a reply goes to the client's MAC, a request comes from it */
    const struct mac *client = is_server ? &packet->dst_mac : &packet->src_mac;
    for (size_t i = 0; i < (is_server ? dhcp.address_count : 1); i++) {
        struct fact *fact = dhcp.duid[0] ? fact_add(found, FACT_LEASE, client) : NULL;
        if (fact) {
            fact->source = BINDING_DHCP6;
            fact->ip = is_server ? dhcp.addresses[i] : (struct ip){{0}};
            fact->lease_s = is_server ? dhcp.valid_s[i] : 0;
            memcpy(fact->client_id, dhcp.duid, sizeof(fact->client_id));
            memcpy(fact->host_name, dhcp.host_name, sizeof(fact->host_name));
        }
    }
}

static void
nd_facts(const struct packet *packet, struct found *found)
{
    struct cursor in = packet->payload;
    const struct mac *mac = &packet->src_mac; /* what an option says instead is easily forged */
    if (packet->nd_type == ND_ROUTER_ADVERT) {
        role_add(found, packet, HOST_ROUTER);
        return;
    }
    if (packet->nd_type == ND_ROUTER_SOLICIT) {
        binding_add(found, mac, &packet->src, BINDING_ND);
        return;
    }
    struct ip target;
    cur_skip(&in, 4);
    cur_copy(&in, target.b, sizeof(target.b));
    if (!cur_ok(&in)) {
        return;
    }
    if (packet->nd_type == ND_NEIGHBOUR_SOLICIT) {
        /* From :: it is duplicate address detection (RFC 4862): the sender is about to use it. */
        bool is_dad = ip_is_none(&packet->src);
        binding_add(found, mac, is_dad ? &target : &packet->src, BINDING_ND);
        return;
    }
    binding_add(found, mac, &target, BINDING_ND);
}

size_t
snoop_parse(const uint8_t *frame, size_t size, struct fact facts[SNOOP_FACTS_MAX])
{
    struct packet packet;
    struct found found = {.facts = facts};
    if (!packet_parse(frame, size, &packet)) {
        return 0;
    }
    if (packet.kind == PACKET_ARP) {
        /* a sender that is not the frame's is proxied or forged: no fact about a location */
        if (mac_is_equal(&packet.arp_sender, &packet.src_mac)) {
            binding_add(&found, &packet.arp_sender, &packet.src, BINDING_ARP);
        }
    } else if (packet.kind == PACKET_ND) {
        nd_facts(&packet, &found);
    } else if (packet.kind == PACKET_UDP && (packet.src_port == 67 || packet.dst_port == 67)) {
        dhcp_facts(&packet, &found);
    } else if (packet.kind == PACKET_UDP && (packet.src_port == 547 || packet.dst_port == 547)) {
        dhcp6_facts(&packet, &found);
    }
    return found.count;
}

bool
snoop_event(const void *event, size_t size, struct snoop *snoop)
{
    static const enum snoop_kind kinds[] = {
        [DP_SNOOP_ARP] = SNOOP_ARP,           [DP_SNOOP_ND] = SNOOP_ND,
        [DP_SNOOP_DHCP] = SNOOP_DHCP,         [DP_SNOOP_DNS_ANSWER] = SNOOP_DNS_ANSWER,
        [DP_SNOOP_HELD_MAC] = SNOOP_HELD_MAC, [DP_SNOOP_MAC] = SNOOP_MAC,
        [DP_SNOOP_SOURCE] = SNOOP_SOURCE};
    const struct dp_snoop *sample = event;
    if (size < sizeof(*sample) || sample->kind >= COUNT_OF(kinds) ||
        sample->size > size - sizeof(*sample)) {
        return false;
    }
    *snoop = (struct snoop){.kind = kinds[sample->kind],
                            .ifindex = (int)sample->ifindex,
                            .vlan = (uint16_t)sample->vlan,
                            .frame = sample->frame,
                            .size = sample->size};
    return true;
}
