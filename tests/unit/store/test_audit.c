/* The audit in a real database: found by every filter, page by page; and whoever changes the file
 * by other means is found out. */
#include "stored.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS 200

/* 200 rows by two accounts; number N at N seconds. */
static void
write_rows(struct fixture *f)
{
    struct outcome outcome = {0};
    for (int i = 1; i <= ROWS; i++) {
        char detail[64], object[32];
        struct store_change *change = store_change_new();
        snprintf(detail, sizeof(detail), "Reason-%03d %s", i, i % 7 == 0 ? "端末を清掃" : "");
        snprintf(object, sizeof(object), "01OBJECT%02d", i % 20);
        store_put_audit(change, i * INT64_C(1000000), i % 2 ? "account:ann" : "token:soar",
                        i % 5 == 0   ? "session.open"
                        : i % 5 == 1 ? "session.end"
                        : i % 5 == 2 ? "sessions"
                                     : "containment.release",
                        object, detail);
        store_submit(f->store, change, on_done, &outcome);
    }
    wait_for(f, &outcome, ROWS);
    assert_int_equal(outcome.error, 0);
}

static int
begin(void **state)
{
    setup(state);
    struct fixture *f = *state;
    open_store(f);
    write_rows(f);
    return 0;
}

struct found {
    int calls, error;
    size_t count;
    bool has_more;
    int64_t numbers[ROWS];
    int64_t newest;
};

static void
on_rows(void *context, const struct store_audit_answer *answer)
{
    struct found *found = context;
    found->calls++;
    found->error = answer->error;
    found->count = answer->count;
    found->has_more = answer->has_more;
    found->newest = answer->newest;
    for (size_t i = 0; i < answer->count; i++) {
        found->numbers[i] = answer->rows[i].fields.number;
    }
}

static struct found
ask(struct fixture *f, const struct store_audit_question *question)
{
    struct found found = {0};
    store_read_audit(f->store, question, on_rows, &found);
    while (found.calls == 0) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(found.error, 0);
    return found;
}

static bool
is_asked(const struct store_audit_question *question, int i)
{
    bool is_session = i % 5 == 0 || i % 5 == 1;
    char reason[16];
    snprintf(reason, sizeof(reason), "reason-%03d", i);
    bool is_text = !question->text[0] ||
                   (strcmp(question->text, "清掃") == 0     ? i % 7 == 0
                    : strcmp(question->text, "を清掃") == 0 ? i % 7 == 0
                    : strcmp(question->text, "SOAR") == 0   ? i % 2 == 0
                                                          : strstr(reason, question->text) != NULL);
    return (!question->account[0] || (question->account[0] == 'a') == (i % 2 == 1)) &&
           (!question->action[0] ||
            (strcmp(question->action, "session") == 0 ? is_session : i % 5 == 0)) &&
           (!question->object[0] || i % 20 == 7) &&
           (!question->from_us || i * INT64_C(1000000) >= question->from_us) &&
           (!question->until_us || i * INT64_C(1000000) < question->until_us) && is_text;
}

/* Page after page in both orders: exactly the rows that are asked for. */
static void
finds_exactly(struct fixture *f, struct store_audit_question question)
{
    for (int order = 0; order < 2; order++) {
        int64_t numbers[ROWS + 1];
        size_t count = 0, wanted = 0;
        question.oldest_first = order == 1;
        question.after = 0;
        question.limit = 7;
        for (bool more = true; more;) {
            struct found found = ask(f, &question);
            assert_true(found.count <= 7 && (found.count == 7 || !found.has_more));
            for (size_t i = 0; i < found.count; i++) {
                numbers[count++] = found.numbers[i];
            }
            question.after = found.count ? found.numbers[found.count - 1] : 0;
            more = found.has_more;
        }
        for (int i = 1; i <= ROWS; i++) {
            int number = order == 1 ? i : ROWS + 1 - i;
            if (is_asked(&question, number)) {
                assert_true(wanted < count);
                assert_int_equal(numbers[wanted], number);
                wanted++;
            }
        }
        assert_int_equal(count, wanted);
        assert_true(count > 0);
    }
}

static void
finds_by_each_filter(struct fixture *f)
{
    static const struct store_audit_question questions[] = {
        {.limit = 0},
        {.text = "-2"}, /* two characters of ours */
        {.account = "account:ann"},
        {.action = "session.open"},
        {.action = "session"},
        {.object = "01OBJECT07"},
        {.from_us = 50000000},
        {.until_us = 50000000},
        {.from_us = 100000000, .until_us = 103000000},
        {.text = "reason-1"},
        {.text = "清掃"}, /* two characters: no index */
        {.text = "を清掃"},
        {.text = "SOAR"},
        {.text = "-19"},
        {.text = "reason-0",
         .account = "token:soar",
         .action = "session",
         .from_us = 20000000,
         .until_us = 90000000},
    };
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        finds_exactly(f, questions[i]);
    }
}

static int64_t
indexed(struct fixture *f)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT through FROM audit_indexed", -1, &statement, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t through = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return through;
}

/* Before, while and after the texts are indexed: the same. */
static void
finds_rows(void **state)
{
    struct fixture *f = *state;
    finds_by_each_filter(f);
    for (int i = 0; indexed(f) < 192; i++) { /* three slices of 64, at rest */
        assert_true(i < 6000);
        usleep(10000);
    }
    finds_by_each_filter(f);
    struct store_audit_question nobody = {.text = "nobody wrote this"};
    assert_int_equal(ask(f, &nobody).count, 0);
    struct store_audit_question hostile = {.text = "\" OR 1=1 -- % _ *"};
    assert_int_equal(ask(f, &hostile).count, 0);
    struct store_audit_question first = {.oldest_first = true, .last = 10, .limit = 500};
    assert_int_equal(ask(f, &first).count, 10);
}

/* The clock was set back: rows are found by what they say, not by where they stand. */
static void
finds_rows_of_a_clock_that_jumped(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    struct store_change *change = store_change_new();
    store_put_audit(change, 30500000, "account:ann", "late", "", "");
    store_submit(f->store, change, on_done, &outcome);
    while (outcome.calls == 0) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    struct store_audit_question question = {.from_us = 30000000, .until_us = 32000000};
    struct found found = ask(f, &question);
    assert_int_equal(found.count, 3);
    assert_int_equal(found.numbers[0], ROWS + 1);
    assert_int_equal(found.numbers[1], 31);
    assert_int_equal(found.newest, ROWS + 1);
}

struct walked {
    int calls, error;
    struct audit_chain chain;
};

static void
on_walked(void *context, int error, const struct audit_chain *chain)
{
    struct walked *walked = context;
    walked->calls++;
    walked->error = error;
    walked->chain = *chain;
}

static struct audit_chain
walk(struct fixture *f, const uint8_t *wanted)
{
    struct walked walked = {0};
    struct store_walk asked = {.has_wanted = wanted != NULL};
    if (wanted) {
        memcpy(asked.wanted, wanted, AUDIT_HASH_SIZE);
    }
    store_check_audit(f->store, &asked, on_walked, &walked);
    while (walked.calls == 0) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_int_equal(walked.error, 0);
    return walked.chain;
}

/* By other means than ours. */
static void
tamper(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void
shows(struct fixture *f, enum audit_fault fault, int64_t bad)
{
    struct audit_chain chain = walk(f, NULL);
    if (chain.fault != fault || chain.bad_number != bad) {
        fail_msg("%s at row %d, not %s at row %d", audit_fault_names[chain.fault],
                 (int)chain.bad_number, audit_fault_names[fault], (int)bad);
    }
}

static void
tampering_shows(void **state)
{
    static const struct {
        const char *sql;
        enum audit_fault fault;
        int64_t bad;
    } ways[] = {
        {"UPDATE audit SET account = 'account:bob' WHERE number = 40", AUDIT_EDITED, 40},
        {"UPDATE audit SET detail = '' WHERE number = 200", AUDIT_EDITED, 200},
        {"UPDATE audit SET hash = x'00' WHERE number = 1", AUDIT_EDITED, 1},
        {"DELETE FROM audit WHERE number BETWEEN 50 AND 59", AUDIT_REMOVED, 60},
        {"DELETE FROM audit WHERE number = 1", AUDIT_REMOVED, 2},
        {"DELETE FROM audit WHERE number = 77;"
         "UPDATE audit SET number = -number WHERE number > 77;"
         "UPDATE audit SET number = -number - 1 WHERE number < 0",
         AUDIT_REMOVED, 77},
        {"UPDATE audit SET number = -1 WHERE number = 30;"
         "UPDATE audit SET number = 30 WHERE number = 90;"
         "UPDATE audit SET number = 90 WHERE number = -1",
         AUDIT_REORDERED, 30},
        {"UPDATE audit SET number = -number WHERE number > 20;"
         "UPDATE audit SET number = -number + 1 WHERE number < 0;"
         "INSERT INTO audit VALUES(21, 5, 'account:bob', 'x', 'y', 'z', zeroblob(32))",
         AUDIT_INSERTED, 21},
        /* while cordond runs, it knows the end that it wrote */
        {"DELETE FROM audit WHERE number > 190", AUDIT_CUT, 191},
    };
    struct fixture *f = *state;
    shows(f, AUDIT_SOUND, 0);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        tamper(f, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM audit");
        tamper(f, ways[i].sql);
        shows(f, ways[i].fault, ways[i].bad);
        tamper(f, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
        shows(f, AUDIT_SOUND, 0);
    }
}

/* Cut off while nobody ran: only a hash that was noted elsewhere shows it. */
static void
a_cut_end_shows_by_a_noted_hash(void **state)
{
    struct fixture *f = *state;
    struct audit_chain chain = walk(f, NULL);
    uint8_t noted[AUDIT_HASH_SIZE];
    memcpy(noted, chain.last, sizeof(noted));
    assert_int_equal(chain.checked, ROWS);
    close_store(f);
    tamper(f, "DELETE FROM audit WHERE number > 190");
    open_store(f);
    shows(f, AUDIT_SOUND, 0);
    chain = walk(f, noted);
    assert_int_equal(chain.fault, AUDIT_CUT);
    assert_int_equal(chain.bad_number, 191);
    /* and goes on after a restart, from the last hash */
    struct outcome outcome = {0};
    struct store_change *change = store_change_new();
    store_put_audit(change, 1, "account:ann", "release", "01X", "again");
    store_submit(f->store, change, on_done, &outcome);
    while (outcome.calls == 0) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    shows(f, AUDIT_SOUND, 0);
    assert_int_equal(walk(f, NULL).checked, 191);
}

static void
whoever_waits_at_the_end_is_told(void **state)
{
    struct fixture *f = *state;
    struct walked walked = {0};
    struct found found = {0};
    struct store_audit_question all = {.limit = 10};
    store_check_audit(f->store, &(struct store_walk){.has_wanted = false}, on_walked, &walked);
    store_read_audit(f->store, &all, on_rows, &found);
    close_store(f);
    assert_int_equal(walked.calls, 1);
    assert_int_equal(found.calls, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_rows, begin, teardown),
        cmocka_unit_test_setup_teardown(finds_rows_of_a_clock_that_jumped, begin, teardown),
        cmocka_unit_test_setup_teardown(tampering_shows, begin, teardown),
        cmocka_unit_test_setup_teardown(a_cut_end_shows_by_a_noted_hash, begin, teardown),
        cmocka_unit_test_setup_teardown(whoever_waits_at_the_end_is_told, begin, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
