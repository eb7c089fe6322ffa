/* The policy's two places: over a real store and a real file in a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_rows.h"
#include "base/file.h"
#include "base/log.h"
#include "controller/revisions.h"

#define SETS(name) "permit_sets:\n  - {name: " name ", allows_dhcp: true}\n"
#define ONE "# one\n" SETS("one")
#define TWO "# two\n" SETS("two")
#define THREE "# three\n" SETS("three")
#define BROKEN "permit_sets:\n  - {nome: one}\n"

struct fixture {
    char dir[64], db[96], file[96];
    struct clock_fake clock;
    struct event_base *base;
    struct store *store;
    struct revisions *revisions;
    struct policy *policy; /* what runs */
    unsigned applied, published;
    bool fits_nothing; /* what is in force stands against it */
    struct policy_error why;
};

static bool
fits(void *context, const struct policy *policy, struct policy_error *error)
{
    const struct fixture *f = context;
    assert_non_null(policy);
    snprintf(error->text, sizeof(error->text), "it would lift something");
    return !f->fits_nothing;
}

static void
apply(void *context, struct policy *policy)
{
    struct fixture *f = context;
    policy_unref(f->policy);
    f->policy = policy_ref(policy);
    f->applied++;
}

static void
publish(void *context, const struct revision *running)
{
    struct fixture *f = context;
    assert_non_null(running);
    f->published++;
}

static int
try_begin(struct fixture *f)
{
    char why[256] = "";
    f->base = event_base_new();
    if (store_open(f->db, f->base, &f->store, why)) {
        fail_msg("%s", why);
    }
    const struct revisions_settings settings = {.base = f->base,
                                                .store = f->store,
                                                .clock = &f->clock.clock,
                                                .file = f->file,
                                                .fits = fits,
                                                .apply = apply,
                                                .publish = publish,
                                                .context = f};
    return revisions_open(&settings, &f->revisions, &f->policy, &f->why);
}

static void
begin(struct fixture *f)
{
    if (try_begin(f)) {
        fail_msg("line %u: %s", f->why.line, f->why.text);
    }
}

static void
end(struct fixture *f)
{
    revisions_stop(f->revisions);
    store_close(f->store);
    revisions_free(f->revisions);
    policy_unref(f->policy);
    event_base_free(f->base);
    f->revisions = NULL;
    f->policy = NULL;
}

static void
put(struct fixture *f, const char *text)
{
    assert_int_equal(file_write_atomic(f->file, text, strlen(text), 0640), 0);
}

static void
expect_file(struct fixture *f, const char *text)
{
    char *there = NULL;
    size_t size = 0;
    assert_int_equal(file_read(f->file, 1 << 20, &there, &size), 0);
    assert_string_equal(there, text);
    free(there);
}

static void
expect_runs(struct fixture *f, const char *set)
{
    const struct permit_set *sets = NULL;
    assert_int_equal(policy_permit_sets(f->policy, &sets), 1);
    assert_string_equal(sets[0].name, set);
}

static struct revisions_view
view_of(struct fixture *f)
{
    struct revisions_view view;
    revisions_view(f->revisions, &view);
    return view;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    clock_fake_init(&f->clock, INT64_C(1700000000000000));
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-revisions-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->db, sizeof(f->db), "%s/cordon.db", f->dir);
    snprintf(f->file, sizeof(f->file), "%s/policy.yaml", f->dir);
    put(f, ONE);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    if (f->revisions) {
        end(f);
    }
    char command[128]; /* with what the store keeps beside its database */
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

struct saved {
    int calls;
    enum save_result result;
    struct policy_error error;
};

static void
on_saved(void *context, enum save_result result, const struct policy_error *error)
{
    struct saved *saved = context;
    saved->calls++;
    saved->result = result;
    saved->error = *error;
}

static struct saved
wait_for(struct fixture *f, struct saved *saved)
{
    while (saved->calls == 0) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(saved->calls, 1);
    return *saved;
}

static struct saved
save_over(struct fixture *f, const char *text, int64_t base, bool overwrites)
{
    struct saved saved = {.calls = 0};
    const struct save save = {.text = text,
                              .base = base,
                              .account = "account:ann",
                              .reason = "because",
                              .overwrites = overwrites};
    revisions_save(f->revisions, &save, on_saved, &saved);
    return wait_for(f, &saved);
}

static struct saved
save(struct fixture *f, const char *text, int64_t base)
{
    return save_over(f, text, base, false);
}

static struct saved
restore(struct fixture *f, int64_t number)
{
    struct saved saved = {.calls = 0};
    const struct save save = {.account = "account:bob", .reason = "back", .restores = number};
    revisions_restore(f->revisions, &save, on_saved, &saved);
    return wait_for(f, &saved);
}

/* Until it was told of (each reload ends with that). */
static void
reload(struct fixture *f)
{
    unsigned before = f->published;
    revisions_reload(f->revisions);
    while (f->published == before) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
}

struct audits {
    size_t count;
    char last[TEXT_SIZE * 2];
};

static void
on_audit(void *context, const struct audit_fields *row)
{
    struct audits *audits = context;
    if (audits->count++ == 0) {
        snprintf(audits->last, sizeof(audits->last), "%s|%s|%s|%s", row->account, row->action,
                 row->object, row->detail);
    }
}

static struct audits
audits_of(struct fixture *f)
{
    struct audits audits = {.count = 0};
    assert_int_equal(audit_rows(f->store, f->base, on_audit, &audits), 0);
    return audits;
}

static void
the_file_is_the_first_revision(void **state)
{
    struct fixture *f = *state;
    begin(f);
    expect_runs(f, "one");
    struct revisions_view view = view_of(f);
    assert_int_equal(view.running->number, 1);
    assert_string_equal(view.running->account, "file");
    assert_string_equal(view.text, ONE);
    assert_int_equal(view.state, POLICY_FILE_SAME);
    assert_null(view.problem);
    assert_int_equal(audits_of(f).count, 1);
    end(f);
    begin(f); /* the same: nothing new */
    assert_int_equal(view_of(f).running->number, 1);
    assert_int_equal(audits_of(f).count, 1);
    assert_int_equal(f->applied, 0);
}

static void
a_stored_text_runs_and_is_written(void **state)
{
    struct fixture *f = *state;
    struct revision kept;
    char *text = NULL;
    begin(f);
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    expect_runs(f, "two");
    expect_file(f, TWO);
    assert_int_equal(f->applied, 1);
    struct revisions_view view = view_of(f);
    assert_int_equal(view.running->number, 2);
    assert_string_equal(view.running->account, "account:ann");
    assert_string_equal(view.running->reason, "because");
    assert_int_equal(view.running->size, strlen(TWO));
    struct stat found;
    assert_int_equal(stat(f->file, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0640); /* its mode stays */
    assert_string_equal(audits_of(f).last, "account:ann|policy.save|revision 2|because");
    assert_int_equal(store_read_revision(f->store, 1, &kept, &text), 0);
    assert_string_equal(text, ONE);
    free(text);
    end(f);
    begin(f);
    assert_int_equal(view_of(f).running->number, 2);
    expect_runs(f, "two");
}

static void
a_broken_text_changes_nothing_and_says_where(void **state)
{
    struct fixture *f = *state;
    begin(f);
    struct saved saved = save(f, BROKEN, 1);
    assert_int_equal(saved.result, SAVE_WRONG);
    assert_int_equal(saved.error.line, 2);
    assert_non_null(strstr(saved.error.text, "nome is not known here"));
    saved = save(f, "# \xe6\x97\xa5\xe2\x80\xae\n" SETS("one"), 1);
    assert_int_equal(saved.result, SAVE_WRONG); /* reads as what it is not */
    assert_int_equal(saved.error.line, 1);
    assert_int_equal(saved.error.column, 4);
    char *large = malloc(POLICY_TEXT_MAX + 2);
    memset(large, '#', POLICY_TEXT_MAX + 1);
    large[POLICY_TEXT_MAX + 1] = '\0';
    assert_int_equal(save(f, large, 1).result, SAVE_WRONG);
    free(large);
    expect_runs(f, "one");
    expect_file(f, ONE);
    assert_int_equal(view_of(f).running->number, 1);
    assert_int_equal(audits_of(f).count, 1);
}

static void
what_does_not_fit_what_is_in_force_is_not_stored(void **state)
{
    struct fixture *f = *state;
    begin(f);
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    f->fits_nothing = true;
    struct saved saved = save(f, THREE, 2);
    assert_int_equal(saved.result, SAVE_WRONG);
    assert_string_equal(saved.error.text, "it would lift something");
    assert_int_equal(restore(f, 1).result, SAVE_WRONG);
    assert_int_equal(save_over(f, TWO, 2, true).result, SAVE_DONE); /* what runs, to the file */
    expect_runs(f, "two");
    expect_file(f, TWO);
    assert_int_equal(view_of(f).running->number, 2);
    put(f, THREE); /* by hand: nobody is there to be asked */
    reload(f);
    expect_runs(f, "three");
}

static void
whoever_comes_second_is_told(void **state)
{
    struct fixture *f = *state;
    struct saved first = {.calls = 0}, second = {.calls = 0};
    begin(f);
    const struct save a = {.text = TWO, .base = 1, .account = "account:ann", .reason = "mine"};
    const struct save b = {.text = THREE, .base = 1, .account = "account:bob", .reason = "mine"};
    revisions_save(f->revisions, &a, on_saved, &first);
    revisions_save(f->revisions, &b, on_saved, &second); /* while the first is on its way */
    assert_int_equal(second.result, SAVE_CONFLICT);
    assert_int_equal(wait_for(f, &first).result, SAVE_DONE);
    struct saved late = save(f, THREE, 1);
    assert_int_equal(late.result, SAVE_CONFLICT);
    assert_non_null(strstr(late.error.text, "revision 2 was stored by account:ann"));
    assert_int_equal(save(f, TWO, 2).result, SAVE_CONFLICT); /* runs already */
    expect_runs(f, "two");
    assert_int_equal(save(f, THREE, 2).result, SAVE_DONE);
}

static void
an_earlier_one_comes_back_as_a_new_one(void **state)
{
    struct fixture *f = *state;
    begin(f);
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    assert_int_equal(restore(f, 1).result, SAVE_DONE);
    expect_runs(f, "one");
    expect_file(f, ONE);
    assert_int_equal(view_of(f).running->number, 3);
    assert_string_equal(audits_of(f).last,
                        "account:bob|policy.restore|revision 3|as revision 1: back");
    assert_int_equal(restore(f, 77).result, SAVE_UNKNOWN);
    assert_int_equal(restore(f, 0).result, SAVE_UNKNOWN);
    assert_int_equal(restore(f, 3).result, SAVE_CONFLICT);
}

static void
a_hand_at_the_file_is_followed_at_sighup(void **state)
{
    struct fixture *f = *state;
    begin(f);
    put(f, TWO);
    reload(f);
    expect_runs(f, "two");
    assert_int_equal(view_of(f).running->number, 2);
    assert_string_equal(view_of(f).running->account, "file");
    put(f, BROKEN);
    reload(f);
    expect_runs(f, "two");
    struct revisions_view view = view_of(f);
    assert_int_equal(view.state, POLICY_FILE_REFUSED);
    assert_int_equal(view.problem->line, 2);
    assert_int_equal(view.running->number, 2);
    end(f);
    begin(f); /* a restart is no reason to be without a policy */
    expect_runs(f, "two");
    assert_int_equal(view_of(f).state, POLICY_FILE_REFUSED);
    put(f, TWO);
    reload(f);
    assert_int_equal(view_of(f).state, POLICY_FILE_SAME);
    assert_null(view_of(f).problem);
    assert_int_equal(view_of(f).running->number, 2);
    end(f);
    put(f, THREE);
    begin(f); /* changed while we were away */
    expect_runs(f, "three");
    assert_int_equal(view_of(f).running->number, 3);
}

static void
what_a_hand_wrote_is_not_overwritten(void **state)
{
    struct fixture *f = *state;
    begin(f);
    put(f, BROKEN);
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    expect_runs(f, "two");
    expect_file(f, BROKEN);
    assert_int_equal(view_of(f).state, POLICY_FILE_CHANGED);
    assert_non_null(strstr(view_of(f).problem->text, "changed by hand"));
    assert_int_equal(save_over(f, TWO, 2, true).result, SAVE_DONE); /* only the file */
    expect_file(f, TWO);
    assert_int_equal(view_of(f).running->number, 2);
    assert_int_equal(view_of(f).state, POLICY_FILE_SAME);
    assert_string_equal(audits_of(f).last, "account:ann|policy.write_file|revision 2|because");
    put(f, ONE);
    assert_int_equal(save_over(f, THREE, 2, true).result, SAVE_DONE);
    expect_file(f, THREE);
}

static void
a_file_that_cannot_be_written_is_said_and_tried_again(void **state)
{
    struct fixture *f = *state;
    begin(f);
    assert_int_equal(unlink(f->file), 0);
    assert_int_equal(mkdir(f->file, 0700), 0); /* even root cannot rename over it */
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    expect_runs(f, "two");
    assert_int_equal(view_of(f).state, POLICY_FILE_UNWRITTEN);
    assert_non_null(strstr(view_of(f).problem->text, "cannot write"));
    end(f);
    begin(f);
    expect_runs(f, "two");
    assert_int_equal(view_of(f).state, POLICY_FILE_UNREADABLE);
    assert_int_equal(rmdir(f->file), 0);
    put(f, ONE); /* as it was last known */
    reload(f);
    while (view_of(f).state != POLICY_FILE_SAME) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    expect_file(f, TWO);
    expect_runs(f, "two");
    assert_int_equal(view_of(f).running->number, 2);
}

static void
a_file_that_is_gone_is_written(void **state)
{
    struct fixture *f = *state;
    begin(f);
    end(f);
    assert_int_equal(unlink(f->file), 0);
    begin(f);
    expect_runs(f, "one");
    unsigned before = f->published;
    while (f->published == before) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    expect_file(f, ONE);
    assert_int_equal(view_of(f).state, POLICY_FILE_SAME);
}

static void
a_link_stays_a_link(void **state)
{
    struct fixture *f = *state;
    char real[128];
    struct stat found;
    snprintf(real, sizeof(real), "%s/real.yaml", f->dir);
    assert_int_equal(rename(f->file, real), 0);
    assert_int_equal(symlink("real.yaml", f->file), 0);
    begin(f);
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    assert_int_equal(lstat(f->file, &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    expect_file(f, TWO);
}

static void
without_any_policy_nothing_starts(void **state)
{
    struct fixture *f = *state;
    put(f, BROKEN);
    assert_int_equal(try_begin(f), -EINVAL);
    assert_int_equal(f->why.line, 2);
    store_close(f->store);
    event_base_free(f->base);
    assert_int_equal(unlink(f->file), 0);
    assert_int_equal(try_begin(f), -ENOENT);
    assert_non_null(strstr(f->why.text, "cannot read"));
    store_close(f->store);
    event_base_free(f->base);
    f->revisions = NULL;
}

static void
run_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void
what_cannot_be_stored_does_not_run(void **state)
{
    struct fixture *f = *state;
    begin(f);
    run_sql(f, "CREATE TRIGGER t BEFORE INSERT ON revision BEGIN"
               " SELECT RAISE(ABORT, 'disk trouble'); END");
    assert_int_equal(save(f, TWO, 1).result, SAVE_FAILED);
    expect_runs(f, "one");
    expect_file(f, ONE);
    assert_int_equal(audits_of(f).count, 1); /* nor in the audit */
    run_sql(f, "DROP TRIGGER t");
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    expect_runs(f, "two");
}

/* Stored by a release that knew other keys. */
static void
a_stored_one_of_another_age_gives_way_to_the_file(void **state)
{
    struct fixture *f = *state;
    begin(f);
    assert_int_equal(save(f, TWO, 1).result, SAVE_DONE);
    end(f);
    run_sql(f, "UPDATE revision SET text = 'gone: 1' WHERE number = 2");
    begin(f);
    expect_runs(f, "two"); /* as the file has it */
    assert_int_equal(view_of(f).running->number, 3);
}

struct checked {
    int calls;
    bool is_good;
    struct policy_error error;
};

static void
on_checked(void *context, struct policy *policy, const struct policy_error *error)
{
    struct checked *checked = context;
    checked->calls++;
    checked->is_good = policy != NULL;
    checked->error = *error;
}

static void
a_check_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct checked good = {.calls = 0}, bad = {.calls = 0};
    begin(f);
    assert_true(revisions_check(f->revisions, TWO, true, on_checked, &good));
    assert_true(revisions_check(f->revisions, BROKEN, true, on_checked, &bad));
    while (!good.calls || !bad.calls) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_true(good.is_good);
    assert_false(bad.is_good);
    assert_int_equal(bad.error.line, 2);
    expect_runs(f, "one");
    assert_int_equal(view_of(f).running->number, 1);
}

/* Ended in the middle: what was not durable is not there, what was is run by the next start. */
static void
an_end_in_the_middle_loses_no_policy(void **state)
{
    struct fixture *f = *state;
    struct saved saved = {.calls = 0};
    begin(f);
    const struct save two = {.text = TWO, .base = 1, .account = "a", .reason = "r"};
    revisions_save(f->revisions, &two, on_saved, &saved);
    end(f);
    assert_int_equal(saved.calls, 1);
    assert_int_not_equal(saved.result, SAVE_DONE);
    begin(f);
    struct revisions_view view = view_of(f);
    expect_runs(f, view.running->number == 1 ? "one" : "two");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    log_setup("test", LOG_TEXT, getenv("CORDON_TEST_LOG") ? LOG_DEBUG : LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        EACH(the_file_is_the_first_revision),
        EACH(a_stored_text_runs_and_is_written),
        EACH(a_broken_text_changes_nothing_and_says_where),
        EACH(what_does_not_fit_what_is_in_force_is_not_stored),
        EACH(whoever_comes_second_is_told),
        EACH(an_earlier_one_comes_back_as_a_new_one),
        EACH(a_hand_at_the_file_is_followed_at_sighup),
        EACH(what_a_hand_wrote_is_not_overwritten),
        EACH(a_file_that_cannot_be_written_is_said_and_tried_again),
        EACH(a_file_that_is_gone_is_written),
        EACH(a_link_stays_a_link),
        EACH(without_any_policy_nothing_starts),
        EACH(what_cannot_be_stored_does_not_run),
        EACH(a_stored_one_of_another_age_gives_way_to_the_file),
        EACH(a_check_changes_nothing),
        EACH(an_end_in_the_middle_loses_no_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
