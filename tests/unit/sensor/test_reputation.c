/* Contact with listed servers: what accuses, what does not, and how sure it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hellos.h"
#include "world.h"

#define CLIENT "10.0.0.5"
#define BAD "203.0.113.66"
#define GOOD "198.51.100.7"
#define RESOLVER "10.0.0.53"

enum { SID_IP = 9100001, SID_NAME, SID_URL, SID_FINGERPRINT, SID_DNS };

static const char lines[] = "# indicators\n" BAD ",95\n203.0.113.128/25\nc2.example.net\n"
                            "http://files.example.org/drop/x.exe\n2001:db8:bad::/48\n";

static int
setup(void **state)
{
    *state = world_new(lines);
    return 0;
}

static int
teardown(void **state)
{
    world_free(*state);
    return 0;
}

static void
test_address(void **state)
{
    struct world *world = *state;
    world_shake(world, CLIENT, 40000, GOOD, 443);
    assert_int_equal(world->count, 0);
    world_shake(world, CLIENT, 40001, BAD, 443);
    assert_int_equal(world->count, 1);
    const struct detection *found = &world->found[0];
    struct ip client = ip_of(CLIENT);
    assert_int_equal(found->signature_id, SID_IP);
    assert_true(found->handshake);
    assert_int_equal(found->phase, PHASE_C2);
    assert_int_equal(found->severity, SEVERITY_HIGH);
    assert_int_equal(found->confidence, 95);
    assert_string_equal(found->list, "bad");
    assert_string_equal(found->indicator, BAD);
    assert_string_equal(found->techniques[0], "T1071.001");
    assert_int_equal(found->suspect, PARTY_SRC);
    assert_true(ip_is_equal(&found->src.ip, &client));
    assert_int_equal(found->src.mac.b[5], 1);
    assert_true(world->has_packets[0]);
    assert_int_equal(found->seen_us, world->now_us);
}

static void
test_prefixes(void **state)
{
    struct world *world = *state;
    world_shake(world, CLIENT, 40000, "203.0.113.127", 443);
    assert_int_equal(world->count, 0);
    world_shake(world, CLIENT, 40001, "203.0.113.200", 443);
    assert_int_equal(world->count, 1);
    assert_string_equal(world->found[0].indicator, "203.0.113.128/25");
    world_shake(world, "fd00::5", 40000, "2001:db8:bad:1::1", 443);
    assert_int_equal(world->count, 2);
}

/* Without an answer it is no contact; the Internet that calls us accuses nobody here. */
static void
test_no_contact(void **state)
{
    struct world *world = *state;
    world_segment(world, CLIENT, 40000, BAD, 443, 100, 0, TCP_SYN, "");
    world_segment(world, CLIENT, 40000, BAD, 443, 101, 901, TCP_ACK, "");
    world_shake(world, BAD, 40000, CLIENT, 22);
    assert_int_equal(world->count, 0);
}

/* A handshake inside of a tunnel that anybody could have made proves nothing; the genuine twin, by
 * a mirror that is believed, does. */
static void
test_forged_in_a_tunnel(void **state)
{
    struct world *world = *state;
    static const char *const sources[] = {"10.0.0.66", "192.0.2.1"};
    for (uint16_t i = 0; i < 2; i++) {
        for (int step = 0; step < 3; step++) {
            bool is_answer = step == 1;
            uint16_t port = (uint16_t)(40000 + i);
            frame_segment(&world->frame, is_answer ? BAD : CLIENT, is_answer ? 443 : port,
                          is_answer ? CLIENT : BAD, is_answer ? port : 443,
                          step == 0   ? 100
                          : is_answer ? 900
                                      : 101,
                          step == 0   ? 0
                          : is_answer ? 101
                                      : 901,
                          (uint8_t[]){TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK}[step], "");
            frame_mirror(&world->frame, sources[i], 1, 4, (uint32_t)step);
            world_send(world);
        }
    }
    assert_int_equal(world->count, 2);
    assert_false(world->found[0].handshake);
    assert_false(world->found[0].origin.is_stamped);
    assert_true(world->found[1].handshake);
    assert_true(world->found[1].origin.is_stamped);
    assert_int_equal(world->found[1].origin.port, 4);
}

/* A wrapped copy made in advance does not hide the genuine frames as duplicates. */
static void
test_forged_duplicates(void **state)
{
    struct world *world = *state;
    for (int step = 0; step < 3; step++) {
        bool is_answer = step == 1;
        frame_segment(&world->frame, is_answer ? BAD : CLIENT, is_answer ? 443 : 40000,
                      is_answer ? CLIENT : BAD, is_answer ? 40000 : 443,
                      (uint32_t[]){100, 900, 101}[step], (uint32_t[]){0, 101, 901}[step],
                      (uint8_t[]){TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK}[step], "");
        struct frame plain = world->frame;
        frame_mirror(&world->frame, "10.0.0.66", 1, 4, (uint32_t)step);
        world_send(world);
        world->frame = plain;
        world_send(world);
    }
    assert_int_equal(world->count, 2);
    assert_true(world->found[1].handshake);
}

static void
test_dns(void **state)
{
    struct world *world = *state;
    world_dns(world, CLIENT, RESOLVER, "www.example.net", NULL);
    assert_int_equal(world->count, 0);
    world_dns(world, CLIENT, RESOLVER, "deep.C2.example.net", NULL);
    assert_int_equal(world->count, 1);
    assert_int_equal(world->found[0].signature_id, SID_DNS);
    assert_int_equal(world->found[0].severity, SEVERITY_MEDIUM);
    assert_false(world->found[0].handshake);
    assert_string_equal(world->found[0].indicator, "c2.example.net");
    assert_string_equal(world->found[0].server_name, "deep.c2.example.net");
}

/* The address that a listed name led to is a contact, too, though no name is seen there. */
static void
test_address_of_a_name(void **state)
{
    struct world *world = *state;
    world_shake(world, CLIENT, 40000, GOOD, 8443);
    assert_int_equal(world->count, 0);
    world_dns(world, CLIENT, RESOLVER, "c2.example.net", GOOD);
    world_shake(world, CLIENT, 40001, GOOD, 8443);
    assert_int_equal(world_found(world, SID_NAME), 1);
    world_pass(world, 3700 * SECOND); /* forgotten */
    world_shake(world, CLIENT, 40002, GOOD, 8443);
    assert_int_equal(world_found(world, SID_NAME), 1);
}

/* A crafted answer must not turn our own server into a C&C server. */
static void
test_address_of_ours(void **state)
{
    struct world *world = *state;
    world_dns(world, CLIENT, RESOLVER, "c2.example.net", "10.0.0.80");
    world_shake(world, CLIENT, 40001, "10.0.0.80", 445);
    assert_int_equal(world_found(world, SID_NAME), 0);
}

static void
test_http(void **state)
{
    struct world *world = *state;
    static const char named[] = "GET /x HTTP/1.1\r\nHost: a.c2.example.net\r\n\r\n",
                      url[] = "GET /drop/x.exe HTTP/1.1\r\nHost: Files.example.org:8080\r\n\r\n",
                      other[] = "GET /drop/y.exe HTTP/1.1\r\nHost: files.example.org\r\n\r\n",
                      inside[] = "GET /?u=http://files.example.org/drop/x.exe HTTP/1.1\r\n"
                                 "Host: files.example.org\r\n\r\n";
    world_talk(world, CLIENT, 40000, GOOD, 80, other, sizeof(other) - 1);
    world_talk(world, CLIENT, 40001, GOOD, 80, inside, sizeof(inside) - 1);
    assert_int_equal(world->count, 0);
    world_talk(world, CLIENT, 40002, GOOD, 80, named, sizeof(named) - 1);
    assert_int_equal(world->found[0].signature_id, SID_NAME);
    assert_string_equal(world->found[0].url, "http://a.c2.example.net/x");
    world_talk(world, CLIENT, 40003, GOOD, 8080, url, sizeof(url) - 1);
    assert_int_equal(world->count, 2);
    assert_int_equal(world->found[1].signature_id, SID_URL);
    assert_true(world->found[1].handshake);
}

/* The request comes in three segments, out of order; a later one of the same connection counts. */
static void
test_http_in_pieces(void **state)
{
    struct world *world = *state;
    world_shake(world, CLIENT, 40000, GOOD, 80);
    world_segment(world, CLIENT, 40000, GOOD, 80, 117, 901, TCP_ACK, "\r\nHost: c2.exa");
    world_segment(world, CLIENT, 40000, GOOD, 80, 131, 901, TCP_ACK, "mple.net\r\n\r\n");
    assert_int_equal(world->count, 0);
    world_segment(world, CLIENT, 40000, GOOD, 80, 101, 901, TCP_ACK, "GET / HTTP/1.1\r\n");
    assert_int_equal(world->count, 0); /* "\r\n" + "\r\n": the head ended before the name */
    world_shake(world, CLIENT, 40001, GOOD, 80);
    world_segment(world, CLIENT, 40001, GOOD, 80, 115, 901, TCP_ACK, "\r\nHost: c2.exa");
    world_segment(world, CLIENT, 40001, GOOD, 80, 129, 901, TCP_ACK, "mple.net\r\n\r\n");
    world_segment(world, CLIENT, 40001, GOOD, 80, 101, 901, TCP_ACK, "GET / HTTP/1.1");
    assert_int_equal(world_found(world, SID_NAME), 1);
    world_segment(world, CLIENT, 40000, GOOD, 80, 500, 901, TCP_ACK,
                  "GET /later HTTP/1.1\r\nHost: c2.example.net\r\n\r\n");
    assert_int_equal(world_found(world, SID_NAME), 2);
}

/* Met in the middle of an upload: the next request of the connection counts, as weak evidence. */
static void
test_http_mid_stream(void **state)
{
    struct world *world = *state;
    world_segment(world, CLIENT, 40000, GOOD, 80, 101, 901, TCP_ACK, "rest of some body");
    world_segment(world, GOOD, 80, CLIENT, 40000, 901, 118, TCP_ACK, "HTTP/1.1 200 OK\r\n\r\n");
    world_segment(world, CLIENT, 40000, GOOD, 80, 118, 920, TCP_ACK, "more of some body");
    world_segment(world, CLIENT, 40000, GOOD, 80, 135, 920, TCP_ACK,
                  "GET / HTTP/1.1\r\nHost: c2.example.net\r\n\r\n");
    assert_int_equal(world_found(world, SID_NAME), 1);
    assert_false(world->found[0].handshake);
}

static void
test_tls(void **state)
{
    struct world *world = *state;
    uint8_t bytes[4096];
    size_t size = hello_make(&hello_chrome, 4000, bytes);
    world_talk(world, CLIENT, 40000, GOOD, 443, bytes, size);
    assert_int_equal(world_found(world, SID_NAME), 1);
    assert_string_equal(world->found[0].server_name, "c2.example.net");
    assert_string_equal(world->found[0].ja4, HELLO_CHROME_JA4);
    assert_int_equal(world->found[0].severity, SEVERITY_HIGH);
}

/* A fingerprint alone is evidence, never proof: many programs share it. */
static void
test_fingerprints(void **state)
{
    struct world *world = *state;
    uint8_t bytes[4096];
    size_t size = hello_make(&hello_chrome, 4000, bytes);
    world_lists(world, HELLO_CHROME_JA4 "\n" HELLO_JA3_FULL "\n");
    world_talk(world, CLIENT, 40000, GOOD, 443, bytes, size);
    size = hello_make(&hello_ja3_full, 4000, bytes);
    world_talk(world, CLIENT, 40001, GOOD, 443, bytes, size);
    assert_int_equal(world_found(world, SID_FINGERPRINT), 2);
    assert_string_equal(world->found[0].indicator, HELLO_CHROME_JA4);
    assert_string_equal(world->found[1].indicator, HELLO_JA3_FULL);
    assert_int_equal(world->found[0].severity, SEVERITY_LOW);
    assert_true(world->found[0].confidence <= 50);
}

/* Other lists count from the next packet on, without a restart. */
static void
test_reload(void **state)
{
    struct world *world = *state;
    world_lists(world, GOOD "\n");
    world_shake(world, CLIENT, 40000, BAD, 443);
    assert_int_equal(world->count, 0);
    world_shake(world, CLIENT, 40001, GOOD, 443);
    assert_int_equal(world->count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_address),
        TEST(test_prefixes),
        TEST(test_no_contact),
        TEST(test_forged_in_a_tunnel),
        TEST(test_forged_duplicates),
        TEST(test_dns),
        TEST(test_address_of_a_name),
        TEST(test_address_of_ours),
        TEST(test_http),
        TEST(test_http_in_pieces),
        TEST(test_tls),
        TEST(test_http_mid_stream),
        TEST(test_fingerprints),
        TEST(test_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
