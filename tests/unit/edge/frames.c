#include "frames.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mac
mac_of_text(const char *text)
{
    struct mac mac;
    if (!mac_parse(text, &mac)) {
        abort();
    }
    return mac;
}

struct ip
ip_of_text(const char *text)
{
    struct ip ip;
    if (!ip_parse(text, &ip)) {
        abort();
    }
    return ip;
}

void
frame_put(struct frame *frame, const void *bytes, size_t size)
{
    if (frame->size + size > sizeof(frame->b)) {
        abort();
    }
    if (size > 0) {
        memcpy(frame->b + frame->size, bytes, size);
    }
    frame->size += size;
}

void
frame_put16(struct frame *frame, unsigned value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    frame_put(frame, bytes, 2);
}

void
frame_put32(struct frame *frame, uint32_t value)
{
    frame_put16(frame, value >> 16);
    frame_put16(frame, value & 0xffff);
}

void
frame_hex(struct frame *frame, const char *hex)
{
    frame->size = 0;
    for (; *hex; hex++) {
        if (isxdigit((unsigned char)*hex)) {
            const char digits[3] = {hex[0], hex[1], '\0'};
            uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
            frame_put(frame, &byte, 1);
            hex++;
        }
    }
}

static void
ethernet_put(struct frame *frame, const struct hosts *hosts, unsigned type)
{
    struct mac to = mac_of_text(hosts->to_mac), from = mac_of_text(hosts->from_mac);
    frame->size = 0;
    frame_put(frame, to.b, 6);
    frame_put(frame, from.b, 6);
    frame_put16(frame, type);
}

void
frame_arp(struct frame *frame, const struct hosts *hosts, unsigned op)
{
    struct mac from_mac = mac_of_text(hosts->from_mac), nobody = {{0}};
    struct ip from = ip_of_text(hosts->from), to = ip_of_text(hosts->to);
    ethernet_put(frame, hosts, 0x0806);
    frame_put32(frame, 0x00010800);
    frame_put16(frame, 0x0604);
    frame_put16(frame, op);
    frame_put(frame, from_mac.b, 6);
    frame_put(frame, from.b + 12, 4);
    frame_put(frame, nobody.b, 6);
    frame_put(frame, to.b + 12, 4);
}

/* What must be 0 modulo 65535 where a checksum is right: the bytes as one big number, base 65536.
 */
static uint64_t
residue(uint64_t start, const uint8_t *bytes, size_t size)
{
    uint64_t total = start;
    for (size_t i = 0; i < size; i++) {
        total += i % 2 ? bytes[i] : bytes[i] * 256u;
    }
    return total % 65535;
}

void
frame_ip(struct frame *frame, const struct hosts *hosts, uint8_t protocol, const void *body,
         size_t size)
{
    struct ip from = ip_of_text(hosts->from), to = ip_of_text(hosts->to);
    bool is_v4 = strchr(hosts->from, '.') != NULL;
    ethernet_put(frame, hosts, is_v4 ? 0x0800 : 0x86dd);
    if (is_v4) {
        frame_put16(frame, 0x4500);
        frame_put16(frame, (unsigned)(20 + size));
        frame_put32(frame, 0);
        frame_put16(frame, 0xff00u | protocol);
        frame_put16(frame, 0);
        frame_put(frame, from.b + 12, 4);
        frame_put(frame, to.b + 12, 4);
        uint64_t sum = 65535 - residue(0, frame->b + 14, 20);
        frame->b[24] = (uint8_t)(sum >> 8);
        frame->b[25] = (uint8_t)sum;
    } else {
        frame_put32(frame, 0x60000000);
        frame_put16(frame, (unsigned)size);
        frame_put16(frame, (unsigned)protocol << 8 | 255);
        frame_put(frame, from.b, 16);
        frame_put(frame, to.b, 16);
    }
    frame_put(frame, body, size);
}

void
frame_udp(struct frame *frame, const struct hosts *hosts, uint16_t from_port, uint16_t to_port,
          const void *data, size_t size)
{
    struct frame body = {.size = 0};
    frame_put16(&body, from_port);
    frame_put16(&body, to_port);
    frame_put16(&body, (unsigned)(8 + size));
    frame_put16(&body, 0);
    frame_put(&body, data, size);
    frame_ip(frame, hosts, 17, body.b, body.size);
}

void
frame_tcp(struct frame *frame, const struct hosts *hosts, const struct segment *segment)
{
    struct frame body = {.size = 0};
    frame_put16(&body, segment->from_port);
    frame_put16(&body, segment->to_port);
    frame_put32(&body, segment->seq);
    frame_put32(&body, segment->ack);
    frame_put16(&body, 5u << 12 | segment->flags);
    frame_put16(&body, 29200);
    frame_put32(&body, 0);
    frame_put(&body, segment->data, segment->data ? strlen(segment->data) : 0);
    frame_ip(frame, hosts, 6, body.b, body.size);
}

void
frame_nd(struct frame *frame, const struct hosts *hosts, uint8_t type, const char *target)
{
    struct frame body = {.size = 0};
    struct ip ip = ip_of_text(target);
    frame_put16(&body, (unsigned)type << 8);
    frame_put16(&body, 0);
    frame_put32(&body, 0);
    frame_put(&body, ip.b, 16);
    frame_ip(frame, hosts, 58, body.b, body.size);
}

size_t
dns_question(uint8_t message[512], uint16_t id, const char *name, uint16_t type)
{
    struct frame out = {.size = 0};
    frame_put16(&out, id);
    frame_put32(&out, 0x01000001); /* recursion desired; one question */
    frame_put32(&out, 0);
    frame_put16(&out, 0);
    while (*name) {
        size_t size = strcspn(name, ".");
        const uint8_t head = (uint8_t)size;
        frame_put(&out, &head, 1);
        frame_put(&out, name, size);
        name += size + (name[size] == '.');
    }
    frame_put(&out, "", 1);
    frame_put16(&out, type);
    frame_put16(&out, 1);
    memcpy(message, out.b, out.size);
    return out.size;
}

uint16_t
be16_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] * 256u + bytes[1]);
}

uint32_t
be32_at(const uint8_t *bytes)
{
    return (uint32_t)be16_at(bytes) * 65536u + be16_at(bytes + 2);
}

bool
frame_sums_hold(const uint8_t *bytes, size_t size)
{
    bool is_v4 = size >= 34 && be16_at(bytes + 12) == 0x0800;
    if (!is_v4 && (size < 54 || be16_at(bytes + 12) != 0x86dd)) {
        return false;
    }
    const uint8_t *ip = bytes + 14;
    size_t head = is_v4 ? 20 : 40;
    uint8_t protocol = is_v4 ? ip[9] : ip[6];
    size_t length = is_v4 ? be16_at(ip + 2) : be16_at(ip + 4) + 40u;
    if (length != size - 14 || (is_v4 && residue(0, ip, 20) != 0)) {
        return false;
    }
    uint64_t start = 0;
    if (protocol != 1) {
        start = is_v4 ? residue(0, ip + 12, 8) : residue(0, ip + 8, 32);
        start += protocol + (length - head);
    }
    if (protocol == 17 && be16_at(ip + head + 4) != length - head) {
        return false;
    }
    size_t at = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
    return be16_at(ip + head + at) != 0 && residue(start, ip + head, length - head) == 0;
}
