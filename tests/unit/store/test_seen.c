/* Which detections may be stored already: never no of one that is, and seldom perhaps of another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/reader.h"
#include "store/seen.h"
#include "store/store.h"

#define STORED 2500 /* more than one turn reads */
#define OTHERS 1000

struct fixture {
    char dir[64];
    char path[96];
    struct event_base *base;
    struct store *store;
    size_t done;
};

static void
open_store(struct fixture *f)
{
    char why[256] = "";
    f->base = event_base_new();
    if (store_open(f->path, f->base, &f->store, why)) {
        fail_msg("store_open: %s", why);
    }
}

static void
close_store(struct fixture *f)
{
    store_close(f->store);
    event_base_free(f->base);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-seen-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/cordon.db", f->dir);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void
on_done(void *context, int error)
{
    struct fixture *f = context;
    assert_int_equal(error, 0);
    f->done++;
}

static const char *
id_of(const char *kind, size_t number)
{
    static char id[NAME_SIZE];
    snprintf(id, sizeof(id), "%s-%zu", kind, number);
    return id;
}

static void
submit(struct fixture *f, size_t number)
{
    struct detection detection = {.seen_us = 1, .phase = PHASE_C2};
    snprintf(detection.id, sizeof(detection.id), "%s", id_of("d", number));
    snprintf(detection.sensor, sizeof(detection.sensor), "s1");
    snprintf(detection.maker, sizeof(detection.maker), "cordon");
    struct store_change *change = store_change_new();
    store_put_detection(change, &detection, "i");
    store_submit(f->store, change, on_done, f);
}

static void
run_until_whole(struct fixture *f)
{
    while (!seen_is_whole(store_seen(f->store))) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

static size_t
count_of(struct fixture *f, const char *kind, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += store_has_detection(f->store, id_of(kind, i));
    }
    return found;
}

/* Before it was filled after a start, while it is, and after: what is stored is known. */
static void
what_is_stored_is_known_after_a_start(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    for (size_t i = 0; i < STORED; i++) {
        submit(f, i);
    }
    while (f->done < STORED) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    close_store(f);
    open_store(f);
    assert_false(seen_is_whole(store_seen(f->store)));
    assert_int_equal(count_of(f, "d", STORED), STORED);
    assert_int_equal(count_of(f, "other", OTHERS), 0);
    run_until_whole(f);
    assert_int_equal(count_of(f, "d", STORED), STORED);
    assert_int_equal(count_of(f, "other", OTHERS), 0);
    close_store(f);
}

/* What it is for: the database is not asked. */
static void
what_is_not_stored_is_mostly_known_not_to_be(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    run_until_whole(f);
    for (size_t i = 0; i < STORED; i++) {
        submit(f, i);
        assert_true(seen_may_have(store_seen(f->store), id_of("d", i))); /* on its way already */
    }
    size_t perhaps = 0;
    for (size_t i = 0; i < OTHERS; i++) {
        perhaps += seen_may_have(store_seen(f->store), id_of("other", i));
    }
    assert_in_range(perhaps, 0, 2);
    close_store(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_stored_is_known_after_a_start, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_stored_is_mostly_known_not_to_be, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
