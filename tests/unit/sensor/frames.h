/* Frames for tests, made from the inside out: payload first, then each header in front. */
#ifndef CORDON_TESTS_SENSOR_FRAMES_H
#define CORDON_TESTS_SENSOR_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "sensor/decode.h"

#define FRAME_ROOM 4096

struct frame {
    uint8_t room[FRAME_ROOM];
    size_t start; /* of what is there; it ends at FRAME_ROOM */
};

struct ip ip_of(const char *text);

void frame_begin(struct frame *frame, const void *payload, size_t size);
const uint8_t *frame_bytes(const struct frame *frame);
size_t frame_size(const struct frame *frame);

void frame_put(struct frame *frame, const void *bytes, size_t size);
void frame_put16(struct frame *frame, uint16_t value);
void frame_put32(struct frame *frame, uint32_t value);

void frame_tcp(struct frame *frame, uint16_t from, uint16_t to, uint32_t seq, uint32_t ack,
               uint8_t flags);
void frame_udp(struct frame *frame, uint16_t from, uint16_t to);
/* Either version, by the form of the addresses; 'id' is IPv4's. */
void frame_ip(struct frame *frame, const char *from, const char *to, uint8_t protocol, uint16_t id);
void frame_fragment(struct frame *frame, const char *from, const char *to, uint8_t protocol,
                    uint16_t id, uint16_t offset, bool more);
void frame_type(struct frame *frame, uint16_t type);
void frame_tag(struct frame *frame, uint16_t tpid, uint16_t vlan); /* after frame_type */
void frame_macs(struct frame *frame, uint8_t from, uint8_t to);    /* after frame_type and tags */
void frame_ethernet(struct frame *frame, uint16_t type);           /* type and macs */
/* Negative: without a sequence number. */
void frame_gre(struct frame *frame, uint16_t type, int64_t sequence);
void frame_erspan2(struct frame *frame, uint16_t session, uint32_t index, uint32_t sequence);
void frame_erspan3(struct frame *frame, uint16_t session, uint32_t sequence, bool has_more);
void frame_vxlan(struct frame *frame, uint32_t network);
/* Around a whole frame: ERSPAN II from a switch, in IPv4 and Ethernet. */
void frame_mirror(struct frame *frame, const char *from_switch, uint16_t session, uint32_t index,
                  uint32_t sequence);
/* A TCP segment in IPv4 or IPv6 and Ethernet. */
void frame_segment(struct frame *frame, const char *from, uint16_t from_port, const char *to,
                   uint16_t to_port, uint32_t seq, uint32_t ack, uint8_t flags, const char *text);

/* Decodes what was made; fails the test when that cannot be done. */
struct decoded frame_decode(const struct frame *frame, int64_t at_us);

#endif
