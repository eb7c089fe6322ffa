#include "rescued.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/rescue.h"

void
run(const char *command, const char *what)
{
    char line[256];
    snprintf(line, sizeof(line), command, what);
    assert_int_equal(system(line), 0);
}

int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/dev/shm/cordon-rescue-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/cordon.db", f->dir);
    snprintf(f->folder, sizeof(f->folder), "%s/copies", f->dir);
    snprintf(f->good, sizeof(f->good), "%s/copies/good.db", f->dir);
    snprintf(f->older, sizeof(f->older), "%s/copies/good.1.db", f->dir);
    *state = f;
    return 0;
}

int
teardown(void **state)
{
    struct fixture *f = *state;
    run("rm -rf %s", f->dir);
    free(f);
    return 0;
}

int
try_open(struct fixture *f, char why[256])
{
    f->base = event_base_new();
    int error = store_open(f->path, f->base, &f->store, why);
    if (error) {
        event_base_free(f->base);
        f->store = NULL;
    }
    return error;
}

void
open_store(struct fixture *f)
{
    char why[256] = "";
    if (try_open(f, why)) {
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

static void
on_done(void *context, int error)
{
    *(int *)context = error;
}

void
put_as(struct fixture *f, int number, enum containment_state state, const char *account,
       const char *action)
{
    struct containment c = {.action = ACTION_ISOLATE, .state = state};
    bool has_ended = state == CONTAINMENT_RELEASED || state == CONTAINMENT_EXPIRED ||
                     state == CONTAINMENT_REVERTED;
    int result = 1;
    char reason[32];
    snprintf(c.id, sizeof(c.id), "01AAAAAAAAAAAAAAAAAAAAAA%02d", number);
    snprintf(reason, sizeof(reason), "reason %02d", number);
    c.reason = reason;
    c.subject_mac = (struct mac){.b = {2, 0, 0, 0, 0, (uint8_t)number}};
    c.requested_us = number + 1;
    c.ended_us = has_ended ? 1000 + number : 0;
    struct store_change *change = store_change_new();
    store_put_containment(change, &c);
    store_put_audit(change, 1000 + number, account, action, c.id, c.reason);
    store_submit(f->store, change, on_done, &result);
    while (result == 1) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(result, 0);
}

void
put(struct fixture *f, int number)
{
    put_as(f, number, CONTAINMENT_VERIFIED, "policy:test", "containment.requested");
}

void
fill(struct fixture *f, int from, int count)
{
    open_store(f);
    for (int i = from; i < from + count; i++) {
        put(f, i);
    }
}

static void
see(void *context, const struct containment *c)
{
    struct seen *seen = context;
    char id[ID_SIZE], reason[32];
    int number = c->subject_mac.b[5];
    snprintf(id, sizeof(id), "01AAAAAAAAAAAAAAAAAAAAAA%02d", number % 100);
    snprintf(reason, sizeof(reason), "reason %02d", number);
    seen->wrong += strcmp(c->id, id) != 0 || strcmp(c->reason, reason) != 0;
    seen->count++;
}

static void
see_setting(void *context, const char *name, const char *value)
{
    struct seen *seen = context;
    (void)value;
    seen->is_restored = seen->is_restored || strcmp(name, RESCUE_SETTING) == 0;
}

struct seen
look(struct fixture *f, int *error)
{
    struct seen seen = {0};
    const struct store_loader loader = {
        .on_containment = see, .on_setting = see_setting, .context = &seen};
    *error = store_load(f->store, &loader);
    return seen;
}

struct seen
start(struct fixture *f)
{
    int error = 1;
    struct seen seen = {0};
    for (int i = 0; i < 3 && error; i++) {
        open_store(f);
        seen = look(f, &error);
        if (error) {
            assert_int_equal(error, -EBADMSG);
            rescue_suspect(f->path, "rows cannot be read");
            close_store(f);
        }
    }
    assert_int_equal(error, 0);
    return seen;
}

int64_t
number_of(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *row = NULL;
    int64_t number = -1;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW) {
        number = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    sqlite3_close(db);
    return number;
}
