/* What happens between the frame and the detectors, and what is counted on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "world.h"

#define CLIENT "10.0.0.5"
#define SERVER "198.51.100.7"

enum { SID_NAME = 9100002, SID_DNS = 9100005 };

static int
setup(void **state)
{
    *state = world_new("c2.example.net\n");
    return 0;
}

static int
teardown(void **state)
{
    world_free(*state);
    return 0;
}

static struct wire_sensor_stats
stats_of(struct world *world)
{
    struct wire_sensor_stats stats;
    pipeline_stats(world->pipeline, &stats);
    return stats;
}

static void
test_counts(void **state)
{
    struct world *world = *state;
    world_shake(world, CLIENT, 40000, SERVER, 443);
    world_send(world); /* the last one again: mirrored twice */
    frame_begin(&world->frame, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\0\x45", 15);
    world_send(world); /* cut */
    struct wire_sensor_stats stats = stats_of(world);
    assert_int_equal(stats.packets, 5);
    assert_int_equal(stats.bytes, 4 * 54 + 15);
    assert_int_equal(stats.duplicates, 1);
    assert_int_equal(stats.undecoded, 1);
    assert_int_equal(stats.flows, 1);
    assert_int_equal(stats.indicators, 1);
}

/* Gaps in a mirror's numbers are lost copies; a tunnel of an endpoint is no mirror. */
static void
test_mirror_loss(void **state)
{
    struct world *world = *state;
    static const uint32_t sequences[] = {10, 11, 12, 16, 17};
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        frame_segment(&world->frame, CLIENT, 40000, SERVER, 443, (uint32_t)i, 1, TCP_ACK, "x");
        frame_mirror(&world->frame, "192.0.2.1", 7, 3, sequences[i]);
        world_send(world);
        frame_segment(&world->frame, CLIENT, 40000, SERVER, 443, (uint32_t)i, 1, TCP_ACK, "x");
        frame_mirror(&world->frame, "10.66.0.1", 7, 3, sequences[i] * 1000);
        world_send(world);
    }
    struct wire_sensor_stats stats = stats_of(world);
    struct ip known = ip_of("192.0.2.1"), forged = ip_of("10.66.0.1");
    bool is_there = false;
    for (size_t i = 0; i < stats.mirror_count; i++) {
        assert_false(ip_is_equal(&stats.mirrors[i].switch_ip, &forged));
        if (ip_is_equal(&stats.mirrors[i].switch_ip, &known)) {
            is_there = true;
            assert_int_equal(stats.mirrors[i].session, 7);
            assert_int_equal(stats.mirrors[i].packets, 5);
            assert_int_equal(stats.mirrors[i].lost, 3);
            assert_int_equal(stats.mirrors[i].last_us, world->now_us - 1000);
        } else {
            assert_int_equal(stats.mirrors[i].lost, 0);
        }
    }
    assert_true(is_there);
}

/* Our own networks, of which something was seen; never those of the Internet. */
static void
test_networks(void **state)
{
    struct world *world = *state;
    world_shake(world, CLIENT, 40000, SERVER, 443);
    world_shake(world, "10.0.0.77", 40000, SERVER, 443);
    world_shake(world, "10.0.9.1", 40000, SERVER, 443);
    struct wire_sensor_stats stats = stats_of(world);
    assert_int_equal(stats.network_count, 2);
    struct ip ip = ip_of(CLIENT);
    assert_true(prefix_has(&stats.networks[0].network, &ip));
    assert_int_equal(stats.networks[0].packets, 4);
    assert_int_equal(stats.networks[1].packets, 2);
}

/* More mirrors and networks than are told apart: nothing is overrun, the rest still works. */
static void
test_many(void **state)
{
    struct world *world = *state;
    char from[32];
    for (unsigned i = 0; i < 600; i++) {
        snprintf(from, sizeof(from), "10.%u.%u.1", 1 + i / 250, i % 250);
        frame_segment(&world->frame, from, 40000, SERVER, 443, 1, 1, TCP_ACK, "x");
        frame_mirror(&world->frame, "192.0.2.1", (uint16_t)(i % 1000), 3, i);
        world_send(world);
    }
    struct wire_sensor_stats stats = stats_of(world);
    assert_true(stats.mirror_count <= MIRRORS_SEEN_MAX);
    assert_true(stats.network_count <= NETWORKS_SEEN_MAX);
    assert_int_equal(stats.flows, 600);
    world_dns(world, CLIENT, "10.0.0.53", "c2.example.net", NULL);
    assert_int_equal(world_found(world, SID_DNS), 1);
}

/* The copy made at the edge, coming second, still says at which port the endpoint is. */
static void
test_origin_of_second_copy(void **state)
{
    struct world *world = *state;
    for (int step = 0; step < 3; step++) {
        bool is_answer = step == 1;
        frame_segment(&world->frame, is_answer ? SERVER : CLIENT, is_answer ? 80 : 40000,
                      is_answer ? CLIENT : SERVER, is_answer ? 40000 : 80,
                      (uint32_t[]){100, 900, 101}[step], (uint32_t[]){0, 101, 901}[step],
                      (uint8_t[]){TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK}[step], "");
        world_send(world); /* the core's */
        if (!is_answer) {
            frame_mirror(&world->frame, "192.0.2.1", 7, 12, (uint32_t)step);
            world_send(world); /* the edge's */
        }
    }
    world_segment(world, CLIENT, 40000, SERVER, 80, 101, 901, TCP_ACK,
                  "GET / HTTP/1.1\r\nHost: c2.example.net\r\n\r\n");
    assert_int_equal(stats_of(world).duplicates, 2);
    assert_int_equal(world_found(world, SID_NAME), 1);
    assert_int_equal(world->found[0].origin.port, 12);
    assert_true(world->found[0].origin.is_stamped);
    assert_true(world->found[0].handshake);
}

/* A question in two fragments is a question. */
static void
test_fragments(void **state)
{
    struct world *world = *state;
    static const uint8_t question[] = "\0\1\1\0\0\1\0\0\0\0\0\0\2c2\7example\3net\0\0\1\0\1";
    uint8_t datagram[8 + sizeof(question) - 1];
    struct frame frame;
    frame_begin(&frame, question, sizeof(question) - 1);
    frame_udp(&frame, 33333, 53);
    memcpy(datagram, frame_bytes(&frame), sizeof(datagram));
    for (int i = 1; i >= 0; i--) { /* the second one first */
        size_t size = i ? sizeof(datagram) - 16 : 16;
        frame_begin(&world->frame, datagram + (i ? 16 : 0), size);
        frame_fragment(&world->frame, CLIENT, "10.0.0.53", PROTOCOL_UDP, 5, i ? 16 : 0, i == 0);
        frame_ethernet(&world->frame, 0x0800);
        assert_int_equal(world->count, 0);
        world_send(world);
    }
    assert_int_equal(world_found(world, SID_DNS), 1);
}

/* DNS over TCP: the question in the head, the answer in a segment. */
static void
test_dns_over_tcp(void **state)
{
    struct world *world = *state;
    static const uint8_t question[] = "\0\40\0\1\1\0\0\1\0\0\0\0\0\0\2c2\7example\3net\0\0\1\0\1",
                         answer[] = "\0\60\0\1\201\200\0\1\0\1\0\0\0\0\2c2\7example\3net\0\0\1\0\1"
                                    "\300\014\0\1\0\1\0\0\0\60\0\4\306\63\144\7";
    world_talk(world, CLIENT, 40000, "10.0.0.53", 53, question, sizeof(question) - 1);
    assert_int_equal(world_found(world, SID_DNS), 1);
    assert_true(world->found[0].handshake);
    frame_begin(&world->frame, answer, sizeof(answer) - 1);
    frame_tcp(&world->frame, 53, 40000, 901, 135, TCP_ACK);
    frame_ip(&world->frame, "10.0.0.53", CLIENT, PROTOCOL_TCP, 9);
    frame_ethernet(&world->frame, 0x0800);
    world_send(world);
    world_shake(world, CLIENT, 40001, SERVER, 8443);
    assert_int_equal(world_found(world, SID_NAME), 1); /* the address that it led to */
}

/* Time that goes backwards, or far ahead and back, harms nothing. */
static void
test_odd_times(void **state)
{
    struct world *world = *state;
    static const int64_t times[] = {0, -5, INT64_MAX / 2, 1, WORLD_START, 3, WORLD_START * 4};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        frame_segment(&world->frame, CLIENT, (uint16_t)(40000 + i), SERVER, 443, 1, 0, TCP_SYN, "");
        pipeline_packet(world->pipeline, times[i], frame_bytes(&world->frame),
                        frame_size(&world->frame));
    }
    world_shake(world, CLIENT, 50000, SERVER, 80);
    world_segment(world, CLIENT, 50000, SERVER, 80, 101, 901, TCP_ACK,
                  "GET / HTTP/1.1\r\nHost: c2.example.net\r\n\r\n");
    assert_int_equal(world_found(world, SID_NAME), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts),
        TEST(test_mirror_loss),
        TEST(test_networks),
        TEST(test_many),
        TEST(test_origin_of_second_copy),
        TEST(test_fragments),
        TEST(test_dns_over_tcp),
        TEST(test_odd_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
