/* The desired state over expiries, restarts and power cuts. */
#include "holding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static void
rules_expire(void **state)
{
    struct fixture *f = *state;
    send_two(f, 10);
    tick(f, 9);
    assert_int_equal(f->datapath->count, 2);
    f->clock.wall_now_us += 86400 * SECOND_US; /* a wall clock that jumps shortens nothing */
    desired_tick(f->desired);
    assert_int_equal(f->datapath->count, 2);
    tick(f, 1);
    assert_int_equal(fake_find(f->datapath, "b"), -1);
    assert_int_equal(f->datapath->count, 1);
    assert_int_equal(f->release_count, 1);
    assert_string_equal(f->released[0], "b");
    cut_power(f);
    load(f);
    assert_int_equal(f->datapath->count, 1); /* and it stays away */
}

static void
an_expiry_that_fails_is_tried_again(void **state)
{
    struct fixture *f = *state;
    send_two(f, 2);
    f->datapath->change_error = -EIO;
    tick(f, 3);
    assert_int_equal(f->datapath->count, 2);
    f->datapath->change_error = 0;
    tick(f, 1);
    assert_int_equal(f->datapath->count, 1);
}

static void
the_state_survives_a_power_cut(void **state)
{
    struct fixture *f = *state;
    struct rule rule = isolate("c", 0);
    send_two(f, 0);
    send_message(f, 1, 2, &rule, 1);
    send_removal(f, 2, "a");
    cut_power(f);
    assert_int_equal(desired_generation(f->desired), 0);
    load(f);
    assert_int_equal(f->datapath->count, 2);
    assert_true(fake_find(f->datapath, "b") >= 0 && fake_find(f->datapath, "c") >= 0);
    assert_int_equal(desired_epoch(f->desired), 3);
    assert_int_equal(desired_generation(f->desired), 3);
    send_removal(f, 3, "b"); /* deltas go on where they were */
    assert_int_equal(f->datapath->count, 1);
}

/* Remaining seconds are written every minute: up to that a block may last longer, never shorter. */
static void
remaining_seconds_survive_a_power_cut(void **state)
{
    struct fixture *f = *state;
    send_two(f, 600);
    tick(f, 130);
    cut_power(f);
    f->clock.wall_now_us += 86400 * SECOND_US;
    load(f);
    tick(f, 469);
    assert_int_equal(f->datapath->count, 2);
    tick(f, 12);
    assert_int_equal(f->datapath->count, 1);
}

static void
remaining_seconds_survive_a_restart_exactly(void **state)
{
    struct fixture *f = *state;
    send_two(f, 600);
    tick(f, 130);
    desired_free(f->desired);
    start(f);
    load(f);
    tick(f, 469);
    assert_int_equal(f->datapath->count, 2);
    tick(f, 1);
    assert_int_equal(f->datapath->count, 1);
}

/* A rule that a delta removed leaves no deadline behind. */
static void
a_removed_rule_does_not_expire_after_loading(void **state)
{
    struct fixture *f = *state;
    send_two(f, 30);
    send_removal(f, 1, "b");
    cut_power(f);
    load(f);
    unsigned changes = f->datapath->changes;
    tick(f, 31);
    assert_int_equal(f->datapath->changes, changes);
}

static void
a_broken_line_asks_for_everything(void **state)
{
    struct fixture *f = *state;
    char *text, *broken = NULL;
    size_t size;
    send_two(f, 0);
    assert_int_equal(file_read(f->journal, 1 << 20, &text, &size), 0);
    assert_true(asprintf(&broken, "%s{\"epoch\":\n", text) > 0);
    assert_int_equal(file_write_atomic(f->journal, broken, strlen(broken), 0600), 0);
    free(text);
    free(broken);
    cut_power(f);
    load(f);
    assert_int_equal(f->datapath->count, 2); /* what can be read is in force */
    assert_int_equal(desired_generation(f->desired), 0);
    struct rule rule = isolate("c", 0);
    send_message(f, 1, 2, &rule, 1);
    assert_true(last_answer(f)->needs_snapshot);
}

/* The state folder is gone, the kernel is not: what it holds may be in force, and stays until the
 * controller has said everything; however often we start meanwhile. */
static void
an_empty_disk_opens_nothing(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    desired_suspend(f->desired, true);
    for (unsigned i = 0; i < 2; i++) {
        desired_free(f->desired);
        assert_int_equal(unlink(f->journal), i == 0 ? 0 : -1); /* nothing unsure was written */
        start(f);
        load(f);
        assert_int_equal(f->datapath->count, 2);
        assert_int_equal(desired_generation(f->desired), 0);
        assert_true(desired_is_suspended(f->desired));
        tick(f, 7);
        assert_int_equal(f->datapath->count, 2);
    }
    struct rule rule = isolate("c", 0);
    send_message(f, 0, 9, &rule, 1);
    assert_int_equal(f->datapath->count, 1);
    assert_true(fake_find(f->datapath, "c") >= 0);
    assert_int_equal(access(f->journal, F_OK), 0);
}

static void
a_kernel_that_refuses_is_said_at_the_start(void **state)
{
    struct fixture *f = *state;
    char why[256] = "";
    send_two(f, 0);
    cut_power(f);
    f->datapath->set_error = -ENOMEM;
    assert_int_equal(desired_load(f->desired, why), -ENOMEM);
    assert_true(why[0]);
}

/* Its port may be away: the others are looked after all the same. */
static void
a_rule_that_cannot_be_put_yet_keeps_nobody_from_starting(void **state)
{
    struct fixture *f = *state;
    char why[256] = "";
    send_two(f, 0);
    cut_power(f);
    f->datapath->one_error = -ENODEV;
    assert_int_equal(desired_load(f->desired, why), 0);
    assert_int_equal(f->datapath->count, 2);
}

static void
suspension_is_kept(void **state)
{
    struct fixture *f = *state;
    send_two(f, 0);
    desired_suspend(f->desired, true);
    assert_true(f->datapath->is_suspended);
    assert_true(last_answer(f)->is_suspended);
    assert_true(last_answer(f)->problem[0]);
    assert_int_equal(f->datapath->count, 2); /* the rules stay */
    cut_power(f);
    load(f);
    assert_true(f->datapath->is_suspended && desired_is_suspended(f->desired));
    send_two(f, 0); /* the controller knows of no suspension, and does not lift this one */
    assert_true(f->datapath->is_suspended && last_answer(f)->is_suspended_here);
    cut_power(f);
    load(f);
    assert_true(f->datapath->is_suspended);
    desired_suspend(f->desired, false);
    assert_false(f->datapath->is_suspended || desired_is_suspended(f->desired));
    assert_false(last_answer(f)->is_suspended_here || last_answer(f)->problem[0]);
    cut_power(f);
    load(f);
    assert_false(f->datapath->is_suspended);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(rules_expire),
        TEST(an_expiry_that_fails_is_tried_again),
        TEST(the_state_survives_a_power_cut),
        TEST(remaining_seconds_survive_a_power_cut),
        TEST(remaining_seconds_survive_a_restart_exactly),
        TEST(a_removed_rule_does_not_expire_after_loading),
        TEST(a_broken_line_asks_for_everything),
        TEST(an_empty_disk_opens_nothing),
        TEST(a_kernel_that_refuses_is_said_at_the_start),
        TEST(a_rule_that_cannot_be_put_yet_keeps_nobody_from_starting),
        TEST(suspension_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
