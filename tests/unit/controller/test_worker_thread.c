/* Work beside the loop: in order, told on the loop, bounded, and finished at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "controller/worker_thread.h"

struct job {
    pthread_t worked_on;
    pthread_mutex_t *gate; /* waited for; NULL: goes on at once */
    unsigned worked_as, done_as;
    bool is_done;
};

static atomic_uint worked;
static unsigned done;

static void
work(void *argument)
{
    struct job *job = argument;
    if (job->gate) {
        pthread_mutex_lock(job->gate);
        pthread_mutex_unlock(job->gate);
    }
    job->worked_on = pthread_self();
    job->worked_as = ++worked;
}

static void
on_done(void *argument)
{
    struct job *job = argument;
    job->is_done = true;
    job->done_as = ++done;
}

static void
jobs_run_in_order_beside_the_loop(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    struct worker_thread *aside;
    struct job jobs[5] = {{.is_done = false}};
    worked = done = 0;
    assert_int_equal(worker_thread_new(base, &aside), 0);
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        assert_true(worker_thread_do(aside, work, on_done, &jobs[i]));
    }
    while (!jobs[4].is_done) {
        event_base_loop(base, EVLOOP_ONCE);
    }
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        assert_int_equal(jobs[i].worked_as, i + 1);
        assert_int_equal(jobs[i].done_as, i + 1);
        assert_false(pthread_equal(jobs[i].worked_on, pthread_self()));
    }
    worker_thread_free(aside);
    worker_thread_free(NULL);
    event_base_free(base);
}

static void
too_many_are_refused_and_none_is_lost(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    struct worker_thread *aside;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct job jobs[ASIDE_WAITING_MAX + 1] = {{.gate = &gate}};
    worked = done = 0;
    assert_int_equal(worker_thread_new(base, &aside), 0);
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < ASIDE_WAITING_MAX; i++) {
        assert_true(worker_thread_do(aside, work, on_done, &jobs[i]));
    }
    assert_false(worker_thread_do(aside, work, on_done, &jobs[ASIDE_WAITING_MAX]));
    pthread_mutex_unlock(&gate);
    worker_thread_free(aside); /* waits for all of them */
    assert_int_equal(done, ASIDE_WAITING_MAX);
    assert_false(jobs[ASIDE_WAITING_MAX].is_done);
    event_base_free(base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_in_order_beside_the_loop),
        cmocka_unit_test(too_many_are_refused_and_none_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
