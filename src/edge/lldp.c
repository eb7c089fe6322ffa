/*  TLV: 7 bits type, 9 bits length, value.  Order: chassis id, port id, time to live, others, end.
 */
#include "edge/lldp.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/utf8.h"

#define ETHERTYPE_LLDP 0x88cc
#define CAPABILITY_BRIDGE 0x04
#define TLVS_MAX 128

enum tlv {
    TLV_END,
    TLV_CHASSIS,
    TLV_PORT,
    TLV_TTL,
    TLV_PORT_DESCRIPTION,
    TLV_SYSTEM_NAME,
    TLV_SYSTEM_DESCRIPTION,
    TLV_CAPABILITIES,
    TLV_MANAGEMENT
};

static void
text_put(char to[HOST_SIZE], const uint8_t *bytes, size_t size)
{
    size_t used = size < HOST_SIZE ? size : HOST_SIZE - 1;
    memcpy(to, bytes, used);
    while (used > 0 && to[used - 1] == '\0') {
        used--;
    }
    to[used] = '\0';
    utf8_make_plain(to, used);
}

/* IEEE 802.1AB 8.5.2 and 8.5.3: subtype, then a MAC, a network address, or text. */
static bool
id_read(struct cursor value, uint8_t mac_subtype, uint8_t address_subtype, char to[HOST_SIZE])
{
    uint8_t subtype = cur_u8(&value);
    size_t size = cur_left(&value);
    if (!cur_ok(&value) || size == 0) {
        return false;
    }
    if (subtype == mac_subtype && size == 6) {
        struct mac mac;
        cur_copy(&value, mac.b, 6);
        mac_format(&mac, to);
    } else if (subtype == address_subtype && (size == 5 || size == 17)) {
        uint8_t family = cur_u8(&value);
        uint8_t bytes[16];
        cur_copy(&value, bytes, size - 1);
        struct ip ip = size == 5 ? ip_from_v4(bytes) : ip_from_v6(bytes);
        ip_format(&ip, to);
        return family == (size == 5 ? 1 : 2);
    } else {
        text_put(to, value.pos, size);
    }
    return true;
}

static bool
tlv_read(unsigned type, struct cursor value, struct lldp_neighbour *neighbour)
{
    switch (type) {
    case TLV_CHASSIS:
        return id_read(value, 4, 5, neighbour->chassis);
    case TLV_PORT:
        return id_read(value, 3, 4, neighbour->port);
    case TLV_TTL:
        neighbour->ttl_s = cur_be16(&value);
        return cur_ok(&value);
    case TLV_SYSTEM_NAME:
        text_put(neighbour->system_name, value.pos, cur_left(&value));
        return true;
    case TLV_CAPABILITIES:
        cur_skip(&value, 2);
        neighbour->is_bridge = (cur_be16(&value) & CAPABILITY_BRIDGE) != 0;
        return cur_ok(&value);
    default:
        return true;
    }
}

bool
lldp_parse(const uint8_t *frame, size_t size, struct lldp_neighbour *neighbour)
{
    struct cursor in = cur_make(frame, size);
    memset(neighbour, 0, sizeof(*neighbour));
    cur_skip(&in, 12);
    if (cur_be16(&in) != ETHERTYPE_LLDP) {
        return false;
    }
    bool has_ttl = false;
    for (unsigned i = 0; i < TLVS_MAX && cur_left(&in) > 0; i++) {
        uint16_t head = cur_be16(&in);
        struct cursor value = cur_sub(&in, head & 0x1ff);
        unsigned type = head >> 9;
        bool is_mandatory = type >= TLV_CHASSIS && type <= TLV_TTL;
        /* the first three are the mandatory ones, in order, and each comes once */
        if (!cur_ok(&in) || (i < TLV_TTL ? type != i + 1 : is_mandatory)) {
            return false;
        }
        if (type == TLV_END) {
            return true;
        }
        has_ttl |= type == TLV_TTL;
        if (!tlv_read(type, value, neighbour)) {
            return false;
        }
    }
    return has_ttl; /* the end TLV may be missing */
}

struct out {
    uint8_t *frame;
    size_t used;
};

static void
put(struct out *out, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(out->frame + out->used, bytes, size);
    }
    out->used += size;
}

static void
tlv_put(struct out *out, unsigned type, const uint8_t *first, size_t first_size, const void *bytes,
        size_t size)
{
    size_t total = first_size + size;
    const uint8_t head[2] = {(uint8_t)(type << 1 | total >> 8), (uint8_t)total};
    put(out, head, sizeof(head));
    put(out, first, first_size);
    put(out, bytes, size);
}

static void
management_put(struct out *out, const struct ip *ip)
{
    bool is_v4 = ip_is_v4(ip);
    uint8_t value[32] = {(uint8_t)(is_v4 ? 5 : 17), (uint8_t)(is_v4 ? 1 : 2)};
    size_t size = is_v4 ? 4 : 16;
    memcpy(value + 2, ip->b + (is_v4 ? 12 : 0), size);
    value[2 + size] = 1; /* interface numbering: unknown; number 0, no OID */
    tlv_put(out, TLV_MANAGEMENT, value, 2 + size + 6, "", 0);
}

size_t
lldp_make(const struct lldp_self *self, uint8_t frame[LLDP_FRAME_MAX])
{
    static const uint8_t to[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}; /* nearest bridge */
    static const uint8_t type[2] = {ETHERTYPE_LLDP >> 8, ETHERTYPE_LLDP & 0xff};
    const uint8_t chassis_subtype = 4, port_subtype = 5;
    const uint8_t ttl[2] = {(uint8_t)(self->ttl_s >> 8), (uint8_t)self->ttl_s};
    const uint8_t capabilities[4] = {0, CAPABILITY_BRIDGE, 0, CAPABILITY_BRIDGE};
    static const char description[] = "Cordon edge " CORDON_VERSION;
    struct out out = {.frame = frame};
    put(&out, to, sizeof(to));
    put(&out, self->port_mac.b, 6);
    put(&out, type, sizeof(type));
    tlv_put(&out, TLV_CHASSIS, &chassis_subtype, 1, self->chassis.b, 6);
    tlv_put(&out, TLV_PORT, &port_subtype, 1, self->port, strlen(self->port));
    tlv_put(&out, TLV_TTL, ttl, sizeof(ttl), "", 0);
    tlv_put(&out, TLV_SYSTEM_NAME, NULL, 0, self->system_name, strlen(self->system_name));
    tlv_put(&out, TLV_SYSTEM_DESCRIPTION, NULL, 0, description, strlen(description));
    tlv_put(&out, TLV_CAPABILITIES, capabilities, sizeof(capabilities), "", 0);
    if (!ip_is_none(&self->management)) {
        management_put(&out, &self->management);
    }
    tlv_put(&out, TLV_END, NULL, 0, "", 0);
    return out.used;
}
