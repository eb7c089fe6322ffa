/* Frames for the edge's tests: put together from addresses as text, and checked by routines that
 * share nothing with the code under test. */
#ifndef CORDON_TESTS_EDGE_FRAMES_H
#define CORDON_TESTS_EDGE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"

#define FRAME_MAX 2048

struct frame {
    uint8_t b[FRAME_MAX];
    size_t size;
};

struct mac mac_of_text(const char *text);
struct ip ip_of_text(const char *text);

/* Hexadecimal digits; blanks between them count for nothing. */
void frame_hex(struct frame *frame, const char *hex);
void frame_put(struct frame *frame, const void *bytes, size_t size);
void frame_put16(struct frame *frame, unsigned value);
void frame_put32(struct frame *frame, uint32_t value);

/* Who sends to whom: MACs and addresses (both IPv4 or both IPv6). */
struct hosts {
    const char *from_mac, *to_mac;
    const char *from, *to;
};

void frame_arp(struct frame *frame, const struct hosts *hosts, unsigned op);
/* IP head with hop limit 255 around 'body'; lengths and the IPv4 head's checksum are right. */
void frame_ip(struct frame *frame, const struct hosts *hosts, uint8_t protocol, const void *body,
              size_t size);
void frame_udp(struct frame *frame, const struct hosts *hosts, uint16_t from_port, uint16_t to_port,
               const void *data, size_t size);
struct segment {
    uint16_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    const char *data; /* NULL: none */
};
void frame_tcp(struct frame *frame, const struct hosts *hosts, const struct segment *segment);
/* Type, code 0, four reserved bytes, target. */
void frame_nd(struct frame *frame, const struct hosts *hosts, uint8_t type, const char *target);
/* A DNS message with one question; returns its size. */
size_t dns_question(uint8_t message[512], uint16_t id, const char *name, uint16_t type);

uint16_t be16_at(const uint8_t *bytes);
uint32_t be32_at(const uint8_t *bytes);
/* Every checksum that the frame has (IPv4 head, TCP, UDP, ICMP, ICMPv6) and its length are right.
 */
bool frame_sums_hold(const uint8_t *bytes, size_t size);

#endif
