#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void
on_found(void *context, const struct detection *detection, const struct flow *flow,
         const uint8_t *pcap, size_t pcap_size)
{
    struct world *world = context;
    (void)flow;
    (void)pcap_size;
    assert_true(world->count < WORLD_FOUND_MAX);
    world->has_packets[world->count] = pcap != NULL;
    world->found[world->count++] = *detection;
}

struct world *
world_new(const char *lines)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->now_us = WORLD_START;
    snprintf(world->list.name, sizeof(world->list.name), "bad");
    world->list.confidence = 90;
    assert_true(prefix_parse("192.0.2.0/24", &world->mirror.prefix));
    world->settings.mirror_sources = &world->mirror;
    world->settings.mirror_source_count = 1;
    world->pipeline = pipeline_new(&world->settings, false, on_found, world);
    world_lists(world, lines);
    return world;
}

void
world_free(struct world *world)
{
    pipeline_free(world->pipeline);
    free(world);
}

void
world_lists(struct world *world, const char *lines)
{
    char path[] = "/tmp/cordon-list-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
    close(fd);
    snprintf(world->list.path, sizeof(world->list.path), "%s", path);
    struct lists *lists = lists_load(&world->list, 1);
    unlink(path);
    assert_int_equal(lists_refused(lists), 0);
    pipeline_set_lists(world->pipeline, lists);
}

void
world_pass(struct world *world, int64_t time_us)
{
    for (int64_t end_us = world->now_us + time_us; world->now_us < end_us;) {
        int64_t left_us = end_us - world->now_us;
        world->now_us += left_us < SECOND ? left_us : SECOND;
        pipeline_tick(world->pipeline, world->now_us);
    }
}

void
world_send(struct world *world)
{
    world->now_us += 1000;
    pipeline_packet(world->pipeline, world->now_us, frame_bytes(&world->frame),
                    frame_size(&world->frame));
}

void
world_segment(struct world *world, const char *from, uint16_t from_port, const char *to,
              uint16_t to_port, uint32_t seq, uint32_t ack, uint8_t flags, const char *text)
{
    frame_segment(&world->frame, from, from_port, to, to_port, seq, ack, flags, text);
    world_send(world);
}

void
world_shake(struct world *world, const char *client, uint16_t port, const char *server,
            uint16_t server_port)
{
    world_segment(world, client, port, server, server_port, 100, 0, TCP_SYN, "");
    world_segment(world, server, server_port, client, port, 900, 101, TCP_SYN | TCP_ACK, "");
    world_segment(world, client, port, server, server_port, 101, 901, TCP_ACK, "");
}

void
world_talk(struct world *world, const char *client, uint16_t port, const char *server,
           uint16_t server_port, const void *bytes, size_t size)
{
    struct ip ip = ip_of(client);
    world_shake(world, client, port, server, server_port);
    frame_begin(&world->frame, bytes, size);
    frame_tcp(&world->frame, port, server_port, 101, 901, TCP_ACK);
    frame_ip(&world->frame, client, server, PROTOCOL_TCP, 77);
    frame_ethernet(&world->frame, ip_is_v4(&ip) ? 0x0800 : 0x86dd);
    world_send(world);
}

static size_t
dns_make(uint8_t *bytes, const char *name, const char *address)
{
    size_t used = 12;
    memset(bytes, 0, 12);
    bytes[2] = address ? 0x81 : 1;
    bytes[5] = 1;
    bytes[7] = address != NULL;
    while (*name) {
        size_t label = strcspn(name, ".");
        bytes[used++] = (uint8_t)label;
        memcpy(bytes + used, name, label);
        used += label;
        name += label + (name[label] == '.');
    }
    memcpy(bytes + used, "\0\0\1\0\1", 5);
    used += 5;
    if (address) {
        struct ip ip = ip_of(address);
        memcpy(bytes + used, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4", 12);
        memcpy(bytes + used + 12, ip.b + 12, 4);
        used += 16;
    }
    return used;
}

void
world_dns(struct world *world, const char *client, const char *resolver, const char *name,
          const char *address)
{
    uint8_t bytes[600];
    for (int is_answer = 0; is_answer <= (address != NULL); is_answer++) {
        size_t size = dns_make(bytes, name, is_answer ? address : NULL);
        frame_begin(&world->frame, bytes, size);
        frame_udp(&world->frame, is_answer ? 53 : 33333, is_answer ? 33333 : 53);
        frame_ip(&world->frame, is_answer ? resolver : client, is_answer ? client : resolver,
                 PROTOCOL_UDP, 1);
        frame_ethernet(&world->frame, 0x0800);
        world_send(world);
    }
}

void
world_arp(struct world *world, uint8_t op, const char *from, const char *to)
{
    struct ip src = ip_of(from), dst = ip_of(to);
    uint8_t arp[28] = {0, 1, 8, 0, 6, 4, 0, op};
    memcpy(arp + 14, src.b + 12, 4);
    memcpy(arp + 24, dst.b + 12, 4);
    frame_begin(&world->frame, arp, sizeof(arp));
    frame_ethernet(&world->frame, 0x0806);
    world_send(world);
}

size_t
world_found(const struct world *world, uint64_t signature_id)
{
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        count += world->found[i].signature_id == signature_id;
    }
    return count;
}
