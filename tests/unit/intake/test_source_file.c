/* eve.json is followed: line ends that are not there yet, rotation of both kinds, our restarts. */
#include "bench.h"

#include <sys/stat.h>
#include <unistd.h>

struct follower {
    struct bench *bench;
    struct config_source config;
    struct source *source;
    char rotated[URL_SIZE + 4];
};

/* Set: done when the source next looks at the path, between its read and its look. */
static void (*on_look)(struct follower *follower);
static struct follower *on_look_argument;
int __real_errand_ask(int line, const struct config *config, enum errand errand, size_t index,
                      int given);
int __wrap_errand_ask(int line, const struct config *config, enum errand errand, size_t index,
                      int given);

int
__wrap_errand_ask(int line, const struct config *config, enum errand errand, size_t index,
                  int given)
{
    void (*act)(struct follower * follower) = on_look;
    on_look = NULL;
    if (act) {
        act(on_look_argument);
    }
    return __real_errand_ask(line, config, errand, index, given);
}

static int
setup(void **state)
{
    struct follower *follower = calloc(1, sizeof(*follower));
    void *bench;
    int result = bench_setup(&bench);
    follower->bench = bench;
    follower->config = (struct config_source){.kind = SOURCE_EVE_FILE, .confidence = 70};
    snprintf(follower->config.name, sizeof(follower->config.name), "test");
    snprintf(follower->config.path, sizeof(follower->config.path), "%s/eve.json",
             follower->bench->dir);
    snprintf(follower->rotated, sizeof(follower->rotated), "%s.1", follower->config.path);
    on_look = NULL;
    on_look_argument = follower;
    *state = follower;
    return result;
}

static int
teardown(void **state)
{
    struct follower *follower = *state;
    void *bench = follower->bench;
    source_free(follower->source);
    int result = bench_teardown(&bench);
    free(follower);
    return result;
}

static void
start(struct follower *follower)
{
    struct bench *bench = follower->bench;
    follower->source = bench_source(bench, &follower->config);
    assert_true(follower->source->is_started);
    bench_turn(bench);
}

/* The process ends and begins anew: nothing is left but what is on disk. */
static void
restart(struct follower *follower)
{
    struct bench *bench = follower->bench;
    source_free(follower->source);
    bench_core_goes(bench);
    deliveries_free(bench->deliveries);
    bench->deliveries = deliveries_new();
    bench->got_count = 0;
    start(follower);
}

static void
append(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void
append_alert(const char *path, unsigned number)
{
    char line[ALERT_SIZE];
    append(path, line, alert_write(line, number));
}

/* All that there is to read was read, and the position saved. */
static void
settle(struct follower *follower)
{
    for (int i = 0; i < 3; i++) {
        source_tick(follower->source);
        bench_turn(follower->bench);
    }
}

static void
assert_accepted(struct follower *follower, unsigned expected)
{
    settle(follower);
    assert_int_equal(follower->source->stats.accepted, expected);
}

/* Yesterday's alerts must not contain anybody today. */
static void
test_begins_at_the_end(void **state)
{
    struct follower *follower = *state;
    append_alert(follower->config.path, 1);
    start(follower);
    assert_string_equal(follower->source->stats.state, "connected");
    assert_accepted(follower, 0);
    append_alert(follower->config.path, 2);
    run_until(follower->bench, follower->source->stats.accepted == 1); /* told, not polled */
    assert_int_equal(follower->source->stats.received, 1);
}

static void
test_file_comes_later(void **state)
{
    struct follower *follower = *state;
    start(follower);
    assert_string_equal(follower->source->stats.state, "waiting for file");
    append_alert(follower->config.path, 1);
    run_until(follower->bench, follower->source->stats.accepted == 1);
    assert_string_equal(follower->source->stats.state, "connected");
}

/* Opening a FIFO waits for whoever writes to it, and all of intake would with it. */
static void
test_something_else_is_there(void **state)
{
    struct follower *follower = *state;
    const char *path = follower->config.path;
    assert_int_equal(mkfifo(path, 0600), 0);
    start(follower);
    assert_accepted(follower, 0);
    assert_string_equal(follower->source->stats.state, "waiting for file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_accepted(follower, 0);
    assert_int_equal(rmdir(path), 0);
    append_alert(path, 1);
    assert_accepted(follower, 1);
}

static void
test_partial_last_line(void **state)
{
    struct follower *follower = *state;
    char line[ALERT_SIZE];
    size_t size = alert_write(line, 1);
    start(follower);
    append(follower->config.path, line, 100);
    assert_accepted(follower, 0);
    append(follower->config.path, line + 100, size - 101);
    assert_accepted(follower, 0); /* it is whole but for its end */
    append(follower->config.path, "\n\r\n\n", 4);
    assert_accepted(follower, 1);
    assert_int_equal(follower->source->stats.refused, 1); /* a line of nothing but CR */
    assert_int_equal(follower->source->stats.received, 2);
}

static void
test_renamed(void **state)
{
    struct follower *follower = *state;
    start(follower);
    append_alert(follower->config.path, 1);
    assert_accepted(follower, 1);
    assert_int_equal(rename(follower->config.path, follower->rotated), 0);
    append_alert(follower->rotated, 2); /* the writer has not noticed yet */
    assert_accepted(follower, 2);
    append(follower->config.path, "",
           0); /* logrotate makes the new file; the writer's is the old */
    settle(follower);
    append_alert(follower->rotated, 3);
    assert_accepted(follower, 3);
    append_alert(follower->config.path, 4); /* now it has */
    append_alert(follower->config.path, 5);
    assert_accepted(follower, 5);
    assert_int_equal(follower->source->stats.refused, 0);
}

static void
write_last_and_rotate(struct follower *follower)
{
    append_alert(follower->config.path, 2);
    assert_int_equal(rename(follower->config.path, follower->rotated), 0);
    append_alert(follower->config.path, 3);
}

/* The last line is written between our read and our look at the path. */
static void
test_renamed_in_between(void **state)
{
    struct follower *follower = *state;
    start(follower);
    append_alert(follower->config.path, 1);
    assert_accepted(follower, 1);
    on_look = write_last_and_rotate;
    assert_accepted(follower, 3);
    assert_null(on_look);
}

static void
test_half_a_line_in_the_old_file(void **state)
{
    struct follower *follower = *state;
    start(follower);
    append(follower->config.path, "{\"half", 6);
    settle(follower);
    assert_int_equal(rename(follower->config.path, follower->rotated), 0);
    append_alert(follower->config.path, 1);
    assert_accepted(follower, 1);
    assert_int_equal(bench_refused(follower->source, "last line without an end"), 1);
}

static void
test_truncated(void **state)
{
    struct follower *follower = *state;
    start(follower);
    append_alert(follower->config.path, 1);
    append_alert(follower->config.path, 2);
    assert_accepted(follower, 2);
    assert_int_equal(truncate(follower->config.path, 0), 0);
    settle(follower);
    append_alert(follower->config.path, 3);
    assert_accepted(follower, 3);
    assert_int_equal(truncate(follower->config.path, 0), 0);
    append(follower->config.path, "{}\n", 3); /* smaller than before, though not empty */
    append(follower->config.path, "{}\n", 3);
    assert_accepted(follower, 3);
    assert_int_equal(bench_refused(follower->source, "no event_type"), 2);
    assert_int_equal(follower->source->stats.refused, 2);
}

/* Half a line was read when the file was cut, and it has grown again since. */
static void
test_truncated_within_a_line(void **state)
{
    struct follower *follower = *state;
    char line[ALERT_SIZE];
    size_t size = alert_write(line, 2);
    start(follower);
    append_alert(follower->config.path, 1);
    append(follower->config.path, line, size - 20); /* of nearly the same size as the first */
    assert_accepted(follower, 1);
    assert_int_equal(truncate(follower->config.path, 0), 0);
    append_alert(follower->config.path, 3);
    append(follower->config.path, "\n", 1); /* longer than the lines read, shorter than the bytes */
    assert_accepted(follower, 2);
    assert_int_equal(bench_refused(follower->source, "last line without an end"), 1);
}

/* What core has not stored is read again; what it has stored is not. */
static void
test_restart(void **state)
{
    struct follower *follower = *state;
    start(follower);
    bench_core_comes(follower->bench);
    append_alert(follower->config.path, 1);
    append_alert(follower->config.path, 2);
    assert_accepted(follower, 2);
    run_until(follower->bench, follower->bench->got_count == 2);
    deliveries_ack(follower->bench->deliveries, follower->bench->got[0]);
    settle(follower);
    restart(follower);
    assert_accepted(follower, 1);
    bench_core_comes(follower->bench);
    run_until(follower->bench, follower->bench->got_count == 1);
    assert_int_equal(follower->bench->signatures[0], 2);
    bench_ack_all(follower->bench);
    restart(follower);
    assert_accepted(follower, 0);
    append_alert(follower->config.path, 3);
    assert_accepted(follower, 1);
}

/* As after SIGKILL: what the source writes when it ends is not written. */
static void
restart_killed(struct follower *follower)
{
    char path[URL_SIZE * 2], kept[64] = "";
    snprintf(path, sizeof(path), "%s/intake/test.position", follower->bench->dir);
    FILE *file = fopen(path, "r");
    if (file) {
        assert_non_null(fgets(kept, sizeof(kept), file));
        fclose(file);
    }
    source_free(follower->source);
    follower->source = NULL;
    unlink(path);
    if (kept[0] != '\0') {
        append(path, kept, strlen(kept));
    }
    bench_core_goes(follower->bench);
    deliveries_free(follower->bench->deliveries);
    follower->bench->deliveries = deliveries_new();
    follower->bench->got_count = 0;
    start(follower);
}

/* The first start ever is a place, too: the second one goes on there, not at the end once more. */
static void
test_killed_before_the_first_tick(void **state)
{
    struct follower *follower = *state;
    append_alert(follower->config.path, 1);
    start(follower);
    append_alert(follower->config.path, 2);
    restart_killed(follower);
    assert_accepted(follower, 1);
    bench_core_comes(follower->bench);
    run_until(follower->bench, follower->bench->got_count == 1);
    assert_int_equal(follower->bench->signatures[0], 2);
}

static void
test_killed_before_the_file_came(void **state)
{
    struct follower *follower = *state;
    start(follower);
    append_alert(follower->config.path, 1);
    restart_killed(follower);
    assert_accepted(follower, 1);
}

/* A position that cannot be read: from the beginning, since doubles are recognised later on. */
static void
test_position_is_spoilt(void **state)
{
    struct follower *follower = *state;
    char path[URL_SIZE * 2];
    append_alert(follower->config.path, 1);
    start(follower);
    settle(follower);
    source_free(follower->source);
    snprintf(path, sizeof(path), "%s/intake/test.position", follower->bench->dir);
    assert_int_equal(truncate(path, 0), 0);
    start(follower);
    assert_accepted(follower, 1);
}

/* Lines that came while we were away, around a rotation. */
static void
test_restart_after_rename(void **state)
{
    struct follower *follower = *state;
    append_alert(follower->config.path, 1);
    start(follower);
    settle(follower);
    source_free(follower->source);
    append_alert(follower->config.path, 2);
    assert_int_equal(rename(follower->config.path, follower->rotated), 0);
    append_alert(follower->config.path, 3);
    start(follower);
    assert_accepted(follower, 2);
}

static void
test_restart_after_truncation(void **state)
{
    struct follower *follower = *state;
    append_alert(follower->config.path, 1);
    append_alert(follower->config.path, 2);
    start(follower);
    settle(follower);
    source_free(follower->source);
    assert_int_equal(truncate(follower->config.path, 0), 0);
    append_alert(follower->config.path, 3);
    start(follower);
    assert_accepted(follower, 1);
}

static void
test_oversize_line(void **state)
{
    struct follower *follower = *state;
    size_t size = 3 * LINE_MAX_SIZE;
    char *line = malloc(size);
    memset(line, 'x', size);
    start(follower);
    append(follower->config.path, line, size);
    append(follower->config.path, "\n", 1);
    append_alert(follower->config.path, 1);
    assert_accepted(follower, 1);
    assert_int_equal(bench_refused(follower->source, "line too long"), 1);
    assert_int_equal(follower->source->stats.received, 2);
    free(line);
}

static void
test_waits_for_room(void **state)
{
    struct follower *follower = *state;
    struct bench *bench = follower->bench;
    start(follower);
    bench_core_comes(bench);
    bench_fill(bench);
    run_until(bench, bench->got_count == DELIVERIES_MAX);
    append_alert(follower->config.path, 1);
    append_alert(follower->config.path, 2);
    settle(follower);
    assert_true(follower->source->is_paused);
    assert_int_equal(follower->source->stats.received, 0);
    bench_ack_all(bench);
    source_resume(follower->source);
    assert_accepted(follower, 2);
    assert_int_equal(follower->source->stats.refused, 0);
}

/* What was read already waits in memory, its last line without an end; meanwhile the file goes. */
static void
test_waits_for_room_within_what_was_read(void **state)
{
    enum { WHOLE = 3 * SOURCE_OUTSTANDING_MAX + 7, LINES = WHOLE + 2 };
    struct follower *follower = *state;
    struct bench *bench = follower->bench;
    char line[ALERT_SIZE];
    start(follower);
    bench_core_comes(bench);
    for (unsigned i = 0; i < WHOLE; i++) {
        append_alert(follower->config.path, i);
    }
    size_t size = alert_write(line, WHOLE);
    append(follower->config.path, line, 100);
    for (size_t taken = 0; taken < LINES;) {
        bool is_first = taken == 0;
        taken += LINES - taken < SOURCE_OUTSTANDING_MAX ? LINES - taken : SOURCE_OUTSTANDING_MAX;
        settle(follower);
        run_until(bench, bench->got_count == taken);
        assert_true(follower->source->is_paused == (taken < LINES));
        if (is_first) {
            append(follower->config.path, line + 100, size - 100);
            assert_int_equal(rename(follower->config.path, follower->rotated), 0);
            append_alert(follower->config.path, WHOLE + 1);
        }
        bench_ack_all(bench);
        source_resume(follower->source);
    }
    for (unsigned i = 0; i < LINES; i++) { /* each once, in their order */
        assert_int_equal(bench->signatures[i], i);
    }
    assert_int_equal(follower->source->stats.received, LINES);
    assert_int_equal(follower->source->stats.refused, 0);
}

static void
test_no_folder(void **state)
{
    struct follower *follower = *state;
    snprintf(follower->config.path, sizeof(follower->config.path), "%s/none/eve.json",
             follower->bench->dir);
    struct bench *bench = follower->bench;
    follower->source = bench_source(bench, &follower->config);
    assert_false(follower->source->is_started);
    assert_string_equal(follower->source->stats.state, "failed");
    assert_non_null(strstr(follower->source->stats.problem, "cannot watch"));
    *strrchr(follower->config.path, '/') = '\0';
    assert_int_equal(mkdir(follower->config.path, 0700), 0);
    strcat(follower->config.path, "/eve.json");
    source_tick(follower->source); /* tried again */
    assert_true(follower->source->is_started);
    assert_string_equal(follower->source->stats.problem, "");
}

#define FOLLOW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FOLLOW_TEST(test_begins_at_the_end),
        FOLLOW_TEST(test_file_comes_later),
        FOLLOW_TEST(test_something_else_is_there),
        FOLLOW_TEST(test_partial_last_line),
        FOLLOW_TEST(test_renamed),
        FOLLOW_TEST(test_renamed_in_between),
        FOLLOW_TEST(test_half_a_line_in_the_old_file),
        FOLLOW_TEST(test_truncated),
        FOLLOW_TEST(test_truncated_within_a_line),
        FOLLOW_TEST(test_restart),
        FOLLOW_TEST(test_killed_before_the_first_tick),
        FOLLOW_TEST(test_killed_before_the_file_came),
        FOLLOW_TEST(test_position_is_spoilt),
        FOLLOW_TEST(test_restart_after_rename),
        FOLLOW_TEST(test_restart_after_truncation),
        FOLLOW_TEST(test_oversize_line),
        FOLLOW_TEST(test_waits_for_room),
        FOLLOW_TEST(test_waits_for_room_within_what_was_read),
        FOLLOW_TEST(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
