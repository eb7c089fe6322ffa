/* Server-sent events: framing, replay after Last-Event-ID, and honest gaps. */
#include "web/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"

static struct sse_memory *memory;
static struct evbuffer *out;

static int
setup(void **state)
{
    (void)state;
    memory = sse_memory_new();
    out = evbuffer_new();
    sse_memory_new_run(memory, "R1");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    sse_memory_free(memory);
    evbuffer_free(out);
    return 0;
}

static void
expect(const char *text)
{
    size_t size = evbuffer_get_length(out);
    char *got = mem_new(size + 1, 1);
    evbuffer_remove(out, got, size);
    assert_string_equal(got, text);
    free(got);
}

static void
expect_gap(void)
{
    size_t size = evbuffer_get_length(out);
    char *got = mem_new(size + 1, 1);
    evbuffer_remove(out, got, size);
    assert_memory_equal(got, "event: gap\ndata: {\"why\":", 24);
    assert_string_equal(got + size - 3, "}\n\n");
    free(got);
}

static void
frames(void **state)
{
    (void)state;
    sse_frame(out, "R1-7", "containment", "{\"id\":\"x\"}");
    expect("id: R1-7\nevent: containment\ndata: {\"id\":\"x\"}\n\n");
    /* Nothing can end a line and begin a field of its own. */
    sse_frame(out, NULL, "a\nid: 9", "b\r\ndata: c");
    expect("event: a\ndata: b\n\n");
}

/* Notices have addresses of people: what a viewer may not list, no stream tells them. */
static void
replays_to_whoever_may_see_it(void **state)
{
    (void)state;
    sse_memory_put(memory, 5, "containment", "5");
    sse_memory_put(memory, 6, "notice", "6");
    sse_memory_put(memory, 7, "switch", "7");
    sse_memory_replay(memory, "R1-5", ACCOUNT_VIEWER, out);
    expect("id: R1-7\nevent: switch\ndata: 7\n\n");
    sse_memory_replay(memory, "R1-5", ACCOUNT_AUDITOR, out);
    expect("id: R1-6\nevent: notice\ndata: 6\n\nid: R1-7\nevent: switch\ndata: 7\n\n");
}

static void
replays_what_was_missed(void **state)
{
    (void)state;
    for (uint64_t i = 5; i <= 7; i++) {
        char data[16];
        snprintf(data, sizeof(data), "%llu", (unsigned long long)i);
        assert_true(sse_memory_put(memory, i, "t", data));
    }
    sse_memory_replay(memory, "R1-5", ACCOUNT_VIEWER, out);
    expect("id: R1-6\nevent: t\ndata: 6\n\nid: R1-7\nevent: t\ndata: 7\n\n");
    sse_memory_replay(memory, "R1-7", ACCOUNT_VIEWER, out);
    expect("");
    sse_memory_replay(memory, NULL, ACCOUNT_VIEWER, out);
    expect("");
    sse_memory_newest(memory, ACCOUNT_ADMIN, out);
    expect("id: R1-7\nevent: t\ndata: 7\n\n");
}

/* Cut off before the first event: the mark is where it goes on. */
static void
marks_where_a_listener_began(void **state)
{
    (void)state;
    sse_memory_mark(memory, out);
    expect("id: R1-0\n\n");
    sse_memory_put(memory, 1, "t", "1");
    sse_memory_replay(memory, "R1-0", ACCOUNT_VIEWER, out);
    expect("id: R1-1\nevent: t\ndata: 1\n\n");
    sse_memory_mark(memory, out);
    expect("id: R1-1\n\n");
    sse_memory_put(memory, 2, "t", "2");
    sse_memory_replay(memory, "R1-1", ACCOUNT_VIEWER, out);
    expect("id: R1-2\nevent: t\ndata: 2\n\n");
    /* web joined core in the middle: what came before is not known */
    sse_memory_new_run(memory, "R2");
    sse_memory_put(memory, 501, "t", "501");
    sse_memory_replay(memory, "R2-0", ACCOUNT_VIEWER, out);
    expect_gap();
}

static void
says_gaps(void **state)
{
    static const char *const unknown[] = {"R0-6",  "R1-3",  "R1-8", "R1-",
                                          "R1-x",  "",      "R1",   "R1-99999999999999999999",
                                          "R1-6 ", "R1--1", "r1-6"};
    (void)state;
    for (uint64_t i = 5; i <= 7; i++) {
        assert_true(sse_memory_put(memory, i, "t", "1"));
    }
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        sse_memory_replay(memory, unknown[i], ACCOUNT_VIEWER, out);
        expect_gap();
    }
    /* The sequence jumps: what was kept cannot be joined to what comes. */
    assert_false(sse_memory_put(memory, 9, "t", "1"));
    assert_int_equal(sse_memory_count(memory), 1);
    sse_memory_replay(memory, "R1-7", ACCOUNT_VIEWER, out);
    expect_gap();
    /* Core starts anew. */
    sse_memory_new_run(memory, "R2");
    sse_memory_replay(memory, "R1-9", ACCOUNT_VIEWER, out);
    expect_gap();
}

static void
is_bounded(void **state)
{
    size_t big = SSE_KEPT_BYTES / 8;
    char *data = mem_new(big + 1, 1);
    (void)state;
    for (uint64_t i = 1; i <= SSE_KEPT_MAX + 10; i++) {
        assert_true(sse_memory_put(memory, i, "t", "1"));
    }
    assert_int_equal(sse_memory_count(memory), SSE_KEPT_MAX);
    sse_memory_replay(memory, "R1-9", ACCOUNT_VIEWER, out);
    expect_gap();
    memset(data, 'x', big);
    for (uint64_t i = 1; i <= 20; i++) {
        assert_true(sse_memory_put(memory, SSE_KEPT_MAX + 10 + i, "t", data));
    }
    assert_int_equal(sse_memory_count(memory), 8);
    free(data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames, setup, teardown),
        cmocka_unit_test_setup_teardown(replays_what_was_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(replays_to_whoever_may_see_it, setup, teardown),
        cmocka_unit_test_setup_teardown(marks_where_a_listener_began, setup, teardown),
        cmocka_unit_test_setup_teardown(says_gaps, setup, teardown),
        cmocka_unit_test_setup_teardown(is_bounded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
