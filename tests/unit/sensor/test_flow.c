/* Flows: keys, states, heads in order, limits, time-outs. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "frames.h"
#include "sensor/flow.h"

#define CLIENT "10.0.0.1"
#define SERVER "203.0.113.9"
#define SECOND 1000000LL

struct fixture {
    struct flow_table *table;
    size_t ended;
    struct frame frame;
    enum side side;
};

static void
on_end(void *context, struct flow *flow)
{
    struct fixture *f = context;
    assert_true(flow->number > 0);
    f->ended++;
}

static void
begin(struct fixture *f, size_t flows, size_t heads)
{
    const struct flow_settings settings = {.flow_limit = flows, .head_limit = heads};
    const struct flow_handler handler = {.on_end = on_end, .context = f};
    memset(f, 0, sizeof(*f));
    f->table = flow_table_new(&settings, &handler);
}

static int
setup(void **state)
{
    static struct fixture fixture;
    begin(&fixture, 4, 2);
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    flow_table_free(f->table);
    return 0;
}

static struct flow *
from_client(struct fixture *f, uint16_t port, uint32_t seq, uint32_t ack, uint8_t flags,
            const char *text, int64_t at_us)
{
    frame_segment(&f->frame, CLIENT, port, SERVER, 443, seq, ack, flags, text);
    struct decoded packet = frame_decode(&f->frame, at_us);
    return flow_update(f->table, &packet, &f->side);
}

static struct flow *
from_server(struct fixture *f, uint16_t port, uint32_t seq, uint32_t ack, uint8_t flags,
            const char *text, int64_t at_us)
{
    frame_segment(&f->frame, SERVER, 443, CLIENT, port, seq, ack, flags, text);
    struct decoded packet = frame_decode(&f->frame, at_us);
    return flow_update(f->table, &packet, &f->side);
}

static struct flow *
shake(struct fixture *f, uint16_t port, int64_t at_us)
{
    from_client(f, port, 100, 0, TCP_SYN, "", at_us);
    from_server(f, port, 900, 101, TCP_SYN | TCP_ACK, "", at_us + 1);
    return from_client(f, port, 101, 901, TCP_ACK, "", at_us + 2);
}

static void
test_handshake(void **state)
{
    struct fixture *f = *state;
    struct flow *flow = shake(f, 40000, 1);
    assert_true(flow->is_established);
    assert_int_equal(f->side, SIDE_CLIENT);
    assert_int_equal(flow->packets[SIDE_CLIENT], 2);
    assert_int_equal(flow->packets[SIDE_SERVER], 1);
    assert_int_equal(flow->port[SIDE_SERVER], 443);
    assert_int_equal(flow_count(f->table), 1);
}

/* Somebody who does not see the answers cannot finish a handshake: the numbers must agree. */
static void
test_forged_handshake(void **state)
{
    struct fixture *f = *state;
    from_client(f, 40000, 100, 0, TCP_SYN, "", 1);
    from_server(f, 40000, 900, 101, TCP_SYN | TCP_ACK, "", 2);
    assert_false(from_client(f, 40000, 101, 500901, TCP_ACK, "", 3)->is_established);
    assert_false(from_client(f, 40001, 100, 0, TCP_SYN, "", 4)->is_established);
    assert_false(from_server(f, 40001, 900, 55, TCP_SYN | TCP_ACK, "", 5)->saw_syn_ack);
    assert_false(from_client(f, 40001, 101, 901, TCP_ACK, "", 6)->is_established);
    /* the genuine twin */
    assert_true(from_client(f, 40000, 101, 901, TCP_ACK, "", 7)->is_established);
}

/* A tag on one direction only must not split a flow. */
static void
test_one_sided_tag(void **state)
{
    struct fixture *f = *state;
    struct flow *flow = from_client(f, 40000, 100, 0, TCP_SYN, "", 1);
    frame_begin(&f->frame, "", 0);
    frame_tcp(&f->frame, 443, 40000, 900, 101, TCP_SYN | TCP_ACK);
    frame_ip(&f->frame, SERVER, CLIENT, PROTOCOL_TCP, 1);
    frame_type(&f->frame, 0x0800);
    frame_tag(&f->frame, 0x8100, 30);
    frame_macs(&f->frame, 2, 1);
    struct decoded packet = frame_decode(&f->frame, 2);
    assert_ptr_equal(flow_update(f->table, &packet, &f->side), flow);
    assert_int_equal(f->side, SIDE_SERVER);
    assert_int_equal(flow->vlan, 30);
    assert_true(from_client(f, 40000, 101, 901, TCP_ACK, "", 3)->is_established);
    assert_int_equal(flow_count(f->table), 1);
}

/* Met in its middle: a flow all the same; of two ports the lower one is likelier the server's. */
static void
test_mid_stream(void **state)
{
    struct fixture *f = *state;
    struct flow *flow = from_server(f, 40000, 900, 101, TCP_ACK, "answer", 1);
    assert_int_equal(f->side, SIDE_SERVER);
    assert_int_equal(flow->port[SIDE_SERVER], 443);
    assert_false(flow->is_established);
    assert_ptr_equal(from_client(f, 40000, 101, 906, TCP_ACK, "question", 2), flow);
    assert_int_equal(flow->bytes[SIDE_CLIENT], 8);
}

/* Of which one side only is copied. */
static void
test_one_sided(void **state)
{
    struct fixture *f = *state;
    struct flow *flow = from_server(f, 40000, 900, 101, TCP_SYN | TCP_ACK, "", 1);
    assert_int_equal(f->side, SIDE_SERVER);
    assert_ptr_equal(from_server(f, 40000, 901, 101, TCP_ACK, "data", 2), flow);
    assert_false(flow->is_established);
    assert_int_equal(flow->packets[SIDE_CLIENT], 0);
}

static void
test_refused(void **state)
{
    struct fixture *f = *state;
    from_client(f, 40000, 100, 0, TCP_SYN, "", 1);
    struct flow *flow = from_server(f, 40000, 0, 101, TCP_RST | TCP_ACK, "", 2);
    assert_true(flow->was_refused);
    assert_true(flow->is_over);
}

/* The same ports again after the end: another flow. */
static void
test_reopened(void **state)
{
    struct fixture *f = *state;
    uint64_t number = shake(f, 40000, 1)->number;
    from_client(f, 40000, 101, 901, TCP_ACK | TCP_FIN, "", 4);
    from_server(f, 40000, 901, 102, TCP_ACK | TCP_FIN, "", 5);
    struct flow *flow = from_client(f, 40000, 7000, 0, TCP_SYN, "", 6);
    assert_int_not_equal(flow->number, number);
    assert_int_equal(f->ended, 1);
    assert_int_equal(flow_count(f->table), 1);
}

static void
test_limit(void **state)
{
    struct fixture *f = *state;
    struct decoded packet;
    for (uint16_t i = 0; i < 5; i++) {
        from_client(f, (uint16_t)(40000 + i), 100, 0, TCP_SYN, "", 1 + i * 2 * SECOND);
        if (i == 3) { /* the first one speaks again: the second is the quietest now */
            from_client(f, 40000, 101, 0, TCP_ACK, "", 7 * SECOND);
        }
    }
    assert_int_equal(flow_count(f->table), 4);
    assert_int_equal(flow_counters(f->table).given_up, 1);
    assert_int_equal(f->ended, 1);
    frame_segment(&f->frame, CLIENT, 40000, SERVER, 443, 1, 1, TCP_ACK, "");
    packet = frame_decode(&f->frame, 1);
    assert_non_null(flow_find(f->table, &packet, &f->side));
    frame_segment(&f->frame, CLIENT, 40001, SERVER, 443, 1, 1, TCP_ACK, "");
    packet = frame_decode(&f->frame, 1);
    assert_null(flow_find(f->table, &packet, &f->side));
}

/* Each kind has its own patience, and an impatient one does not wait behind a patient one. */
static void
test_timeouts(void **state)
{
    struct fixture *f = *state;
    shake(f, 40000, 1);                            /* established: 300 s */
    from_client(f, 40001, 100, 0, TCP_SYN, "", 2); /* unanswered: 30 s */
    shake(f, 40002, 3);                            /* over: 5 s */
    from_client(f, 40002, 101, 901, TCP_RST, "", 4);
    frame_begin(&f->frame, "x", 1);
    frame_udp(&f->frame, 5000, 5001);
    frame_ip(&f->frame, CLIENT, SERVER, PROTOCOL_UDP, 1);
    frame_ethernet(&f->frame, 0x0800);
    struct decoded packet = frame_decode(&f->frame, 5);
    flow_update(f->table, &packet, &f->side);
    frame_begin(&f->frame, "x", 1);
    frame_udp(&f->frame, 5001, 5000);
    frame_ip(&f->frame, SERVER, CLIENT, PROTOCOL_UDP, 1);
    frame_ethernet(&f->frame, 0x0800);
    packet = frame_decode(&f->frame, 6);
    flow_update(f->table, &packet, &f->side); /* both spoke: 60 s */
    static const struct {
        int64_t at_s;
        size_t left;
    } steps[] = {{4, 4}, {7, 3}, {29, 3}, {32, 2}, {59, 2}, {62, 1}, {299, 1}, {302, 0}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        flow_expire(f->table, steps[i].at_s * SECOND, 100);
        assert_int_equal(flow_count(f->table), steps[i].left);
    }
    assert_int_equal(f->ended, 4);
}

static void
test_expire_at_most(void **state)
{
    struct fixture *f = *state;
    for (uint16_t i = 0; i < 4; i++) {
        from_client(f, (uint16_t)(40000 + i), 100, 0, TCP_SYN, "", 1);
    }
    flow_expire(f->table, 100 * SECOND, 3);
    assert_int_equal(flow_count(f->table), 1);
    flow_expire(f->table, 100 * SECOND, 3);
    assert_int_equal(flow_count(f->table), 0);
}

/* A busy flow outlives its patience many times over. */
static void
test_busy(void **state)
{
    struct fixture *f = *state;
    struct flow *flow = shake(f, 40000, 1);
    for (int64_t i = 1; i < 100; i++) {
        assert_ptr_equal(from_client(f, 40000, 101, 901, TCP_ACK, "x", i * 20 * SECOND), flow);
        flow_expire(f->table, i * 20 * SECOND, 100);
    }
    assert_int_equal(flow_count(f->table), 1);
}

static bool
head_add(struct fixture *f, struct flow *flow, uint32_t seq, const char *text)
{
    frame_segment(&f->frame, CLIENT, 40000, SERVER, 443, seq, 901, TCP_ACK, text);
    struct decoded packet = frame_decode(&f->frame, 10);
    enum side side;
    assert_ptr_equal(flow_update(f->table, &packet, &side), flow);
    return flow_head_add(f->table, flow, side, &packet);
}

/* Out of order, repeated, overlapping: the head is the stream. */
static void
test_head(void **state)
{
    struct fixture *f = *state;
    struct flow *flow = shake(f, 40000, 1);
    assert_false(head_add(f, flow, 106, "world"));
    assert_false(head_add(f, flow, 106, "WORLD")); /* first bytes of a place win */
    assert_true(head_add(f, flow, 101, "hello"));
    assert_int_equal(flow->head[SIDE_CLIENT]->used, 10);
    assert_false(head_add(f, flow, 101, "HELLO"));
    assert_true(head_add(f, flow, 109, "LD again"));
    assert_memory_equal(flow->head[SIDE_CLIENT]->bytes, "helloworld again", 16);
    flow_head_drop(f->table, flow, SIDE_CLIENT);
    assert_null(flow->head[SIDE_CLIENT]);
    assert_false(head_add(f, flow, 117, "!")); /* nobody wants more */
}

/* Numbers that go round. */
static void
test_head_wraps(void **state)
{
    struct fixture *f = *state;
    from_client(f, 40000, 0xfffffffe, 0, TCP_SYN, "", 1);
    from_server(f, 40000, 900, 0xffffffff, TCP_SYN | TCP_ACK, "", 2);
    struct flow *flow = from_client(f, 40000, 0xffffffff, 901, TCP_ACK, "", 3);
    assert_true(flow->is_established);
    assert_false(head_add(f, flow, 1, "cd"));
    assert_true(head_add(f, flow, 0xffffffff, "ab"));
    assert_memory_equal(flow->head[SIDE_CLIENT]->bytes, "abcd", 4);
}

/* No more heads than allowed; what ends gives its head back. */
static void
test_head_limit(void **state)
{
    struct fixture *f = *state;
    for (uint16_t i = 0; i < 3; i++) {
        struct flow *flow = shake(f, (uint16_t)(40000 + i), 1);
        frame_segment(&f->frame, CLIENT, (uint16_t)(40000 + i), SERVER, 443, 101, 901, TCP_ACK,
                      "data");
        struct decoded packet = frame_decode(&f->frame, 5);
        flow_update(f->table, &packet, &f->side);
        assert_int_equal(flow_head_add(f->table, flow, f->side, &packet), i < 2);
    }
    assert_int_equal(flow_counters(f->table).heads_refused, 1);
    flow_expire(f->table, 1000 * SECOND, 100);
    struct flow *flow = shake(f, 40000, 1001 * SECOND);
    frame_segment(&f->frame, CLIENT, 40000, SERVER, 443, 101, 901, TCP_ACK, "data");
    struct decoded packet = frame_decode(&f->frame, 1001 * SECOND);
    flow_update(f->table, &packet, &f->side);
    assert_true(flow_head_add(f->table, flow, f->side, &packet));
}

/* The copy that a switch stamped says more than one without: it stays. */
static void
test_origin(void **state)
{
    struct fixture *f = *state;
    struct flow *flow = NULL;
    for (int i = 0; i < 2; i++) {
        frame_segment(&f->frame, CLIENT, 40000, SERVER, 443, 100, 0, TCP_SYN, "");
        if (i == 0) {
            frame_mirror(&f->frame, "192.0.2.7", 3, 12, 1);
        }
        struct decoded packet = frame_decode(&f->frame, 1 + i);
        flow = flow_update(f->table, &packet, &f->side);
    }
    assert_int_equal(flow->packets[SIDE_CLIENT], 2);
    assert_int_equal(flow->origin[SIDE_CLIENT].port, 12);
    assert_true(flow->origin[SIDE_CLIENT].is_stamped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_handshake),      TEST(test_forged_handshake),
        TEST(test_one_sided_tag),  TEST(test_mid_stream),
        TEST(test_one_sided),      TEST(test_refused),
        TEST(test_reopened),       TEST(test_limit),
        TEST(test_timeouts),       TEST(test_busy),
        TEST(test_expire_at_most), TEST(test_head),
        TEST(test_head_wraps),     TEST(test_head_limit),
        TEST(test_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
