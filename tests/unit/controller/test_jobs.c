/* Jobs: slices in turn, progress, cancel, what is forgotten and what is refused; on a clock that
 * stands until it is advanced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "controller/jobs.h"

#define SECOND_US INT64_C(1000000)

/* Counts to 'until'; each step takes 'step_us' of the clock. */
struct counting {
    struct clock_fake *clock;
    uint64_t until, steps;
    int64_t step_us;
    bool fails, rests;
    unsigned overs, frees;
    enum job_state ended_as;
    char *order; /* where each step leaves its mark; NULL: nowhere */
    char mark;
};

struct bench {
    struct clock_fake clock;
    struct jobs *jobs;
    unsigned wakes, published;
    struct job last; /* published */
};

static enum job_step
count(void *context, struct job *job)
{
    struct counting *counting = context;
    counting->steps++;
    clock_fake_advance(counting->clock, counting->step_us);
    if (counting->order) {
        strncat(counting->order, &counting->mark, 1);
    }
    job->total = counting->until;
    job->done = counting->steps;
    if (counting->fails) {
        snprintf(job->note, sizeof(job->note), "the disk said no");
        return JOB_HAS_FAILED;
    }
    if (counting->rests) {
        return JOB_RESTS;
    }
    return counting->steps < counting->until ? JOB_GOES_ON : JOB_IS_DONE;
}

static void
over(void *context, const struct job *job)
{
    struct counting *counting = context;
    counting->overs++;
    counting->ended_as = job->state;
}

static void
let_go(void *context)
{
    ((struct counting *)context)->frees++;
}

static void
wake(void *context)
{
    ((struct bench *)context)->wakes++;
}

static void
publish(void *context, const struct job *job)
{
    struct bench *bench = context;
    bench->published++;
    bench->last = *job;
}

static void
bench_open(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    clock_fake_init(&bench->clock, INT64_C(1773025104000000));
    const struct jobs_ports ports = {wake, publish, bench};
    bench->jobs = jobs_new(&bench->clock.clock, &ports);
}

static const struct job *
start(struct bench *bench, const char *account, struct counting *counting, bool is_hidden,
      char why[TEXT_SIZE])
{
    counting->clock = &bench->clock;
    const struct job_work work = {
        .step = count, .over = over, .free = let_go, .context = counting, .is_hidden = is_hidden};
    return jobs_start(bench->jobs, "count", account, "counts", &work, why);
}

static void
test_work_is_done_in_slices(void **state)
{
    struct bench bench;
    struct counting counting = {.until = 50, .step_us = 500};
    char why[TEXT_SIZE];
    (void)state;
    bench_open(&bench);
    const struct job *job = start(&bench, "anna", &counting, false, why);
    assert_non_null(job);
    assert_int_equal(bench.wakes, 1);
    assert_int_equal(bench.last.state, JOB_RUNNING);
    assert_string_equal(job->account, "anna");
    unsigned slices = 0;
    bool has_more = true;
    while (has_more) {
        int64_t began_us = clock_boot_us(&bench.clock.clock);
        has_more = jobs_run(bench.jobs);
        int64_t took_us = clock_boot_us(&bench.clock.clock) - began_us;
        assert_true(took_us <= 2500); /* never over a few milliseconds */
        slices++;
        assert_int_equal(job->done, counting.steps);
    }
    assert_true(slices > 10 && slices < 20);
    assert_int_equal(counting.steps, 50);
    assert_int_equal(counting.overs, 1);
    assert_int_equal(counting.frees, 0); /* what it found can be read still */
    assert_int_equal(job->state, JOB_DONE);
    assert_true(job->ended_us > job->started_us);
    assert_int_equal(bench.last.state, JOB_DONE);
    assert_ptr_equal(jobs_context(bench.jobs, job->id, "count"), &counting);
    assert_null(jobs_context(bench.jobs, job->id, "another"));
    jobs_free(bench.jobs);
    assert_int_equal(counting.frees, 1);
    assert_int_equal(counting.overs, 1);
}

static void
test_running_jobs_take_turns(void **state)
{
    struct bench bench;
    char order[64] = "";
    char why[TEXT_SIZE];
    struct counting a = {.until = 6, .step_us = 700, .order = order, .mark = 'a'};
    struct counting b = {.until = 6, .step_us = 700, .order = order, .mark = 'b'};
    (void)state;
    bench_open(&bench);
    assert_non_null(start(&bench, "anna", &a, false, why));
    assert_non_null(start(&bench, "bob", &b, false, why));
    while (jobs_run(bench.jobs)) {
    }
    assert_string_equal(order, "babababababa");
    jobs_free(bench.jobs);
}

static void
test_progress_is_told_twice_a_second_at_most(void **state)
{
    struct bench bench;
    struct counting counting = {.until = 3000, .step_us = 1000};
    char why[TEXT_SIZE];
    (void)state;
    bench_open(&bench);
    assert_non_null(start(&bench, "anna", &counting, false, why));
    while (jobs_run(bench.jobs)) {
    }
    assert_in_range(bench.published, 1 + 5 + 1, 1 + 6 + 1);
    jobs_free(bench.jobs);
}

static void
test_a_cancelled_one_does_nothing_more(void **state)
{
    struct bench bench;
    struct counting counting = {.until = 1000, .step_us = 1000};
    char why[TEXT_SIZE];
    (void)state;
    bench_open(&bench);
    const struct job *job = start(&bench, "anna", &counting, false, why);
    assert_true(jobs_run(bench.jobs));
    uint64_t steps = counting.steps;
    assert_true(jobs_cancel(bench.jobs, job->id));
    assert_int_equal(job->state, JOB_CANCELLED);
    assert_int_equal(counting.overs, 1);
    assert_int_equal(counting.ended_as, JOB_CANCELLED);
    assert_int_equal(bench.last.state, JOB_CANCELLED);
    assert_false(jobs_run(bench.jobs));
    assert_int_equal(counting.steps, steps);
    assert_false(jobs_cancel(bench.jobs, job->id)); /* it has ended */
    assert_false(jobs_cancel(bench.jobs, "no such"));
    jobs_free(bench.jobs);
}

/* While its cancelling is on its way to the disk; by two people at once, too. */
static void
test_one_that_is_being_cancelled_stands_still(void **state)
{
    struct bench bench;
    struct counting counting = {.until = 1000, .step_us = 1000};
    struct store_change *change = store_change_new();
    char why[TEXT_SIZE];
    (void)state;
    bench_open(&bench);
    const struct job *job = start(&bench, "anna", &counting, false, why);
    assert_true(jobs_run(bench.jobs));
    uint64_t steps = counting.steps;
    assert_true(jobs_cancel_put(bench.jobs, job->id, change));
    assert_true(jobs_cancel_put(bench.jobs, job->id, change));
    jobs_go_on(bench.jobs, job->id); /* the first one's could not be stored */
    assert_true(jobs_run(bench.jobs));
    assert_int_equal(counting.steps, steps);
    assert_int_equal(job->state, JOB_RUNNING);
    jobs_go_on(bench.jobs, job->id);
    assert_true(jobs_run(bench.jobs));
    assert_true(counting.steps > steps);
    assert_true(jobs_cancel(bench.jobs, job->id));
    assert_false(jobs_cancel_put(bench.jobs, job->id, change)); /* it has ended */
    store_change_free(change);
    jobs_free(bench.jobs);
}

static void
test_a_failed_one_says_why(void **state)
{
    struct bench bench;
    struct counting counting = {.until = 10, .fails = true};
    char why[TEXT_SIZE];
    (void)state;
    bench_open(&bench);
    const struct job *job = start(&bench, "anna", &counting, false, why);
    assert_false(jobs_run(bench.jobs));
    assert_int_equal(job->state, JOB_FAILED);
    assert_string_equal(job->note, "the disk said no");
    jobs_free(bench.jobs);
}

static void
test_an_ended_one_is_forgotten_after_an_hour(void **state)
{
    struct bench bench;
    struct counting counting = {.until = 1};
    char why[TEXT_SIZE];
    char id[ID_SIZE];
    (void)state;
    bench_open(&bench);
    const struct job *job = start(&bench, "anna", &counting, false, why);
    memcpy(id, job->id, sizeof(id));
    assert_false(jobs_run(bench.jobs));
    clock_fake_advance(&bench.clock, 3599 * SECOND_US);
    jobs_run(bench.jobs);
    assert_non_null(jobs_find(bench.jobs, id));
    clock_fake_advance(&bench.clock, 2 * SECOND_US);
    jobs_run(bench.jobs);
    assert_null(jobs_find(bench.jobs, id));
    assert_int_equal(counting.frees, 1);
    assert_null(jobs_at(bench.jobs, 0));
    jobs_free(bench.jobs);
}

static void
test_too_many_are_refused(void **state)
{
    struct bench bench;
    struct counting endless[JOBS_RUNNING_MAX + 1];
    char why[TEXT_SIZE] = "";
    char account[8];
    (void)state;
    bench_open(&bench);
    for (size_t i = 0; i <= JOBS_RUNNING_MAX; i++) {
        endless[i] = (struct counting){.until = UINT64_MAX, .step_us = 100};
    }
    for (size_t i = 0; i < JOBS_OF_ACCOUNT_MAX; i++) {
        assert_non_null(start(&bench, "anna", &endless[i], false, why));
    }
    assert_null(start(&bench, "anna", &endless[JOBS_OF_ACCOUNT_MAX], false, why));
    assert_string_equal(why, "2 jobs of this account run already");
    for (size_t i = JOBS_OF_ACCOUNT_MAX; i < JOBS_RUNNING_MAX; i++) {
        snprintf(account, sizeof(account), "%zu", i);
        assert_non_null(start(&bench, account, &endless[i], false, why));
    }
    assert_null(start(&bench, "eve", &endless[JOBS_RUNNING_MAX], false, why));
    assert_string_equal(why, "4 jobs run already");
    assert_int_equal(endless[JOBS_RUNNING_MAX].frees, 0); /* it stays the caller's */
    assert_true(jobs_run(bench.jobs));
    assert_true(jobs_cancel(bench.jobs, jobs_at(bench.jobs, 0)->id));
    assert_non_null(start(&bench, "eve", &endless[JOBS_RUNNING_MAX], false, why));
    jobs_free(bench.jobs);
}

/* What can do nothing now is asked once a second; who works beside it does not wait for it. */
static void
test_one_that_rests_is_left_alone(void **state)
{
    struct bench bench;
    struct counting resting = {.until = UINT64_MAX, .rests = true};
    struct counting working = {.until = 40, .step_us = 500};
    char why[TEXT_SIZE];
    (void)state;
    bench_open(&bench);
    assert_non_null(start(&bench, "anna", &resting, false, why));
    assert_int_equal(jobs_run(bench.jobs), JOB_REST_US);
    assert_int_equal(resting.steps, 1);
    clock_fake_advance(&bench.clock, JOB_REST_US - JOBS_PAUSE_US / 2);
    assert_int_equal(jobs_run(bench.jobs), JOBS_PAUSE_US);
    assert_int_equal(resting.steps, 1);
    clock_fake_advance(&bench.clock, JOBS_PAUSE_US / 2);
    assert_int_equal(jobs_run(bench.jobs), JOB_REST_US);
    assert_int_equal(resting.steps, 2);
    const struct job *job = start(&bench, "bob", &working, false, why);
    assert_non_null(job);
    int64_t pause_us = JOBS_PAUSE_US;
    while (job->state == JOB_RUNNING) {
        assert_int_equal(pause_us, JOBS_PAUSE_US);
        pause_us = jobs_run(bench.jobs);
    }
    assert_int_equal(pause_us, JOB_REST_US - 40 * 500);
    assert_int_equal(working.steps, 40);
    assert_int_equal(resting.steps, 2);
    assert_true(jobs_cancel(bench.jobs, jobs_at(bench.jobs, 1)->id)); /* also while it rests */
    assert_int_equal(jobs_run(bench.jobs), 0);
    assert_int_equal(resting.steps, 2);
    jobs_free(bench.jobs);
}

static void
test_the_first_to_have_ended_makes_room(void **state)
{
    struct bench bench;
    struct counting ended[JOBS_MAX + 1];
    char why[TEXT_SIZE];
    size_t count = 0;
    (void)state;
    bench_open(&bench);
    for (size_t i = 0; i <= JOBS_MAX; i++) {
        ended[i] = (struct counting){.until = 1};
        assert_non_null(start(&bench, "anna", &ended[i], false, why));
        clock_fake_advance(&bench.clock, SECOND_US);
        assert_false(jobs_run(bench.jobs));
    }
    while (jobs_at(bench.jobs, count)) {
        count++;
    }
    assert_int_equal(count, JOBS_MAX);
    assert_int_equal(ended[0].frees, 1);
    assert_int_equal(ended[1].frees, 0);
    jobs_free(bench.jobs);
}

static void
test_a_hidden_one_is_seen_by_nobody(void **state)
{
    struct bench bench;
    struct counting counting = {.until = 3};
    char why[TEXT_SIZE];
    char id[ID_SIZE];
    (void)state;
    bench_open(&bench);
    const struct job *job = start(&bench, "anna", &counting, true, why);
    assert_non_null(job);
    memcpy(id, job->id, sizeof(id));
    assert_null(jobs_at(bench.jobs, 0));
    assert_null(jobs_find(bench.jobs, id));
    assert_false(jobs_cancel(bench.jobs, id));
    assert_false(jobs_run(bench.jobs));
    assert_int_equal(counting.steps, 3);
    assert_int_equal(counting.ended_as, JOB_DONE);
    assert_int_equal(counting.frees, 1); /* at once */
    assert_int_equal(bench.published, 0);
    jobs_free(bench.jobs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_is_done_in_slices),
        cmocka_unit_test(test_running_jobs_take_turns),
        cmocka_unit_test(test_progress_is_told_twice_a_second_at_most),
        cmocka_unit_test(test_a_cancelled_one_does_nothing_more),
        cmocka_unit_test(test_one_that_is_being_cancelled_stands_still),
        cmocka_unit_test(test_a_failed_one_says_why),
        cmocka_unit_test(test_an_ended_one_is_forgotten_after_an_hour),
        cmocka_unit_test(test_too_many_are_refused),
        cmocka_unit_test(test_one_that_rests_is_left_alone),
        cmocka_unit_test(test_the_first_to_have_ended_makes_room),
        cmocka_unit_test(test_a_hidden_one_is_seen_by_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
