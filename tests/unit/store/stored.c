#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
open_store(struct fixture *f)
{
    char why[256] = "";
    f->base = event_base_new();
    int error = store_open(f->path, f->base, &f->store, why);
    if (error) {
        fail_msg("store_open: %s", why);
    }
}

void
close_store(struct fixture *f)
{
    store_close(f->store);
    event_base_free(f->base);
    f->store = NULL;
}

int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/cordon.db", f->dir);
    *state = f;
    return 0;
}

int
teardown(void **state)
{
    struct fixture *f = *state;
    if (f->store) {
        close_store(f);
    }
    char command[128]; /* with what the store keeps beside its database */
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

void
on_done(void *context, int error)
{
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->error |= error;
}

void
wait_for(struct fixture *f, struct outcome *outcome, int calls)
{
    while (outcome->calls < calls) {
        assert_true(event_base_loop(f->base, EVLOOP_ONCE) == 0);
    }
}

void
submit(struct fixture *f, struct store_change *change)
{
    struct outcome outcome = {0};
    store_submit(f->store, change, on_done, &outcome);
    wait_for(f, &outcome, 1);
    assert_int_equal(outcome.error, 0);
}

struct containment
example(const char *id)
{
    static char external_id[NAME_SIZE];
    static struct mark marks[2] = {{.step = "packet", .at_us = 1},
                                   {.step = "committed", .at_us = 2, .detail = (char *)"d"}};
    struct containment c = {.action = ACTION_ISOLATE,
                            .state = CONTAINMENT_LOCATED,
                            .requested_us = 1700000000000000,
                            .version = 3,
                            .marks = marks,
                            .mark_count = 2};
    snprintf(c.id, sizeof(c.id), "%s", id);
    c.reason = (char *)"C&C contact: line one\nline two \xff \xe3\x81\x82";
    snprintf(external_id, sizeof(external_id), "ticket-%s", id);
    c.external_id = external_id;
    c.subject_mac = (struct mac){{2, 0, 0, 0, 1, 2}};
    assert_true(prefix_parse("192.0.2.0/24", &c.server));
    return c;
}
