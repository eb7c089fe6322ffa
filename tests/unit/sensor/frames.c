#include "frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct ip
ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

void
frame_begin(struct frame *frame, const void *payload, size_t size)
{
    frame->start = FRAME_ROOM;
    frame_put(frame, payload, size);
}

const uint8_t *
frame_bytes(const struct frame *frame)
{
    return frame->room + frame->start;
}

size_t
frame_size(const struct frame *frame)
{
    return FRAME_ROOM - frame->start;
}

void
frame_put(struct frame *frame, const void *bytes, size_t size)
{
    assert_true(size <= frame->start);
    frame->start -= size;
    if (size > 0) {
        memcpy(frame->room + frame->start, bytes, size);
    }
}

void
frame_put16(struct frame *frame, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    frame_put(frame, bytes, sizeof(bytes));
}

void
frame_put32(struct frame *frame, uint32_t value)
{
    frame_put16(frame, (uint16_t)value);
    frame_put16(frame, (uint16_t)(value >> 16));
}

void
frame_tcp(struct frame *frame, uint16_t from, uint16_t to, uint32_t seq, uint32_t ack,
          uint8_t flags)
{
    frame_put32(frame, 0); /* checksum, urgent */
    frame_put16(frame, 0x2000);
    frame_put16(frame, (uint16_t)(0x5000 | flags));
    frame_put32(frame, ack);
    frame_put32(frame, seq);
    frame_put16(frame, to);
    frame_put16(frame, from);
}

void
frame_udp(struct frame *frame, uint16_t from, uint16_t to)
{
    uint16_t size = (uint16_t)(frame_size(frame) + 8);
    frame_put16(frame, 0);
    frame_put16(frame, size);
    frame_put16(frame, to);
    frame_put16(frame, from);
}

static void
ip_make(struct frame *frame, const char *from, const char *to, uint8_t protocol, uint16_t id,
        uint16_t fragment)
{
    struct ip src = ip_of(from), dst = ip_of(to);
    uint16_t size = (uint16_t)frame_size(frame);
    if (!ip_is_v4(&src)) {
        frame_put(frame, dst.b, 16);
        frame_put(frame, src.b, 16);
        frame_put16(frame, (uint16_t)(protocol << 8 | 64));
        frame_put16(frame, size);
        frame_put32(frame, 0x60000000);
        return;
    }
    frame_put(frame, dst.b + 12, 4);
    frame_put(frame, src.b + 12, 4);
    frame_put16(frame, 0);
    frame_put16(frame, (uint16_t)(64 << 8 | protocol));
    frame_put16(frame, fragment);
    frame_put16(frame, id);
    frame_put16(frame, (uint16_t)(size + 20));
    frame_put16(frame, 0x4500);
}

void
frame_ip(struct frame *frame, const char *from, const char *to, uint8_t protocol, uint16_t id)
{
    ip_make(frame, from, to, protocol, id, 0);
}

void
frame_fragment(struct frame *frame, const char *from, const char *to, uint8_t protocol, uint16_t id,
               uint16_t offset, bool more)
{
    ip_make(frame, from, to, protocol, id, (uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
}

void
frame_type(struct frame *frame, uint16_t type)
{
    frame_put16(frame, type);
}

void
frame_tag(struct frame *frame, uint16_t tpid, uint16_t vlan)
{
    frame_put16(frame, vlan);
    frame_put16(frame, tpid);
}

void
frame_macs(struct frame *frame, uint8_t from, uint8_t to)
{
    const uint8_t macs[12] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from};
    frame_put(frame, macs, sizeof(macs));
}

void
frame_ethernet(struct frame *frame, uint16_t type)
{
    frame_type(frame, type);
    frame_macs(frame, 1, 2);
}

void
frame_gre(struct frame *frame, uint16_t type, int64_t sequence)
{
    if (sequence >= 0) {
        frame_put32(frame, (uint32_t)sequence);
    }
    frame_put16(frame, type);
    frame_put16(frame, sequence >= 0 ? 0x1000 : 0);
}

void
frame_erspan2(struct frame *frame, uint16_t session, uint32_t index, uint32_t sequence)
{
    frame_put32(frame, index);
    frame_put32(frame, 0x10000000u | session);
    frame_gre(frame, 0x88be, sequence);
}

void
frame_erspan3(struct frame *frame, uint16_t session, uint32_t sequence, bool has_more)
{
    if (has_more) {
        frame_put32(frame, 0x11223344);
        frame_put32(frame, 0x55667788);
    }
    frame_put32(frame, has_more ? 1 : 0);
    frame_put32(frame, 0xabcdef01);
    frame_put32(frame, 0x20000000u | session);
    frame_gre(frame, 0x22eb, sequence);
}

void
frame_vxlan(struct frame *frame, uint32_t network)
{
    frame_put32(frame, network << 8);
    frame_put32(frame, 0x08000000);
    frame_udp(frame, 50000, 4789);
}

void
frame_mirror(struct frame *frame, const char *from_switch, uint16_t session, uint32_t index,
             uint32_t sequence)
{
    frame_erspan2(frame, session, index, sequence);
    frame_ip(frame, from_switch, "192.0.2.250", 47, 0);
    frame_ethernet(frame, 0x0800);
}

void
frame_segment(struct frame *frame, const char *from, uint16_t from_port, const char *to,
              uint16_t to_port, uint32_t seq, uint32_t ack, uint8_t flags, const char *text)
{
    static uint16_t id; /* as a host counts: two frames are never copies by accident */
    struct ip ip = ip_of(from);
    frame_begin(frame, text, strlen(text));
    frame_tcp(frame, from_port, to_port, seq, ack, flags);
    frame_ip(frame, from, to, PROTOCOL_TCP, ++id);
    frame_ethernet(frame, ip_is_v4(&ip) ? 0x0800 : 0x86dd);
}

struct decoded
frame_decode(const struct frame *frame, int64_t at_us)
{
    struct decoded packet = {.at_us = at_us};
    bool is_broken;
    assert_true(decode_frame(frame_bytes(frame), frame_size(frame), &packet, &is_broken));
    assert_false(is_broken);
    return packet;
}
