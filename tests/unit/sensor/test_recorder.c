/* Evidence: the right packets, as a pcap file that others can read, never more than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "frames.h"
#include "sensor/capture.h"
#include "sensor/recorder.h"

#define START 1700000000000000LL

struct read_back {
    size_t count;
    int64_t last_us;
    uint8_t first[64];
    size_t first_size;
};

static int
setup(void **state)
{
    *state = recorder_new();
    return 0;
}

static int
teardown(void **state)
{
    recorder_free(*state);
    return 0;
}

static void
keep(struct recorder *recorder, uint64_t flow, const char *from, size_t size, int64_t at_us)
{
    static struct frame frame;
    static const uint8_t payload[3000];
    frame_begin(&frame, payload, size);
    frame_udp(&frame, 1000, 2000);
    frame_ip(&frame, from, "10.0.0.2", PROTOCOL_UDP, (uint16_t)flow);
    frame_ethernet(&frame, 0x0800);
    struct decoded packet = frame_decode(&frame, at_us);
    recorder_keep(recorder, &packet, flow);
}

static void
on_frame(void *context, int64_t at_us, const uint8_t *frame, size_t size)
{
    struct read_back *back = context;
    assert_true(at_us >= back->last_us);
    back->last_us = at_us;
    if (back->count++ == 0) {
        back->first_size = size;
        memcpy(back->first, frame, size < sizeof(back->first) ? size : sizeof(back->first));
    }
}

/* Reads it as any other capture file. */
static struct read_back
read_back(const uint8_t *pcap, size_t size)
{
    char path[] = "/tmp/cordon-pcap-XXXXXX", why[256] = "";
    struct read_back back = {.count = 0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, pcap, size), size);
    close(fd);
    int result = capture_file(path, on_frame, &back, why);
    unlink(path);
    assert_string_equal(why, "");
    assert_int_equal(result, 0);
    return back;
}

static void
test_of_flow(void **state)
{
    for (uint64_t i = 0; i < 10; i++) {
        keep(*state, 1 + i % 2, i % 2 ? "10.0.0.3" : "10.0.0.1", i, START + (int64_t)i);
    }
    size_t size;
    struct ip none = {{0}};
    uint8_t *pcap = recorder_evidence(*state, 2, &none, &size);
    assert_non_null(pcap);
    struct read_back back = read_back(pcap, size);
    free(pcap);
    assert_int_equal(back.count, 5);
    assert_int_equal(back.last_us, START + 9);
    assert_int_equal(back.first_size, 14 + 20 + 8 + 1);
    assert_int_equal(back.first[29], 3); /* its source address */
}

static void
test_of_sender(void **state)
{
    struct ip from = ip_of("10.0.0.3"), other = ip_of("10.0.0.4");
    for (uint64_t i = 0; i < 10; i++) {
        keep(*state, i + 1, i % 2 ? "10.0.0.3" : "10.0.0.1", i, START);
    }
    size_t size;
    uint8_t *pcap = recorder_evidence(*state, 0, &from, &size);
    assert_non_null(pcap);
    assert_int_equal(read_back(pcap, size).count, 5);
    free(pcap);
    assert_null(recorder_evidence(*state, 0, &other, &size));
    assert_null(recorder_evidence(*state, 99, &from, &size));
}

/* Many and large: the newest, each cut, and the whole never larger than cordond takes. */
static void
test_bounded(void **state)
{
    struct ip none = {{0}};
    for (uint64_t i = 0; i < 1000; i++) {
        keep(*state, 1, "10.0.0.1", 3000, START + (int64_t)i);
    }
    size_t size;
    uint8_t *pcap = recorder_evidence(*state, 1, &none, &size);
    assert_non_null(pcap);
    assert_true(size <= 24 + RECORDER_EVIDENCE_MAX * (16 + RECORDER_SNAP));
    assert_true(size <= EVIDENCE_SIZE_MAX);
    struct read_back back = read_back(pcap, size);
    free(pcap);
    assert_int_equal(back.count, RECORDER_EVIDENCE_MAX);
    assert_int_equal(back.last_us, START + 999);
    assert_int_equal(back.first_size, RECORDER_SNAP);
}

/* The ring goes round: what is too old is gone, nothing else is given out in its place. */
static void
test_goes_round(void **state)
{
    struct ip none = {{0}};
    size_t size;
    keep(*state, 1, "10.0.0.1", 5, START);
    for (uint64_t i = 0; i < RECORDER_PACKETS - 1; i++) {
        keep(*state, 2, "10.0.0.1", 5, START);
    }
    uint8_t *pcap = recorder_evidence(*state, 1, &none, &size);
    assert_non_null(pcap);
    free(pcap);
    keep(*state, 2, "10.0.0.1", 5, START);
    assert_null(recorder_evidence(*state, 1, &none, &size));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_of_flow),
        TEST(test_of_sender),
        TEST(test_bounded),
        TEST(test_goes_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
