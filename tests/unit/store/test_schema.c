/* Migration: step by step, once each, all or nothing; a later release's database is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "model/revision.h"
#include "store/schema.h"

static const char *const steps[] = {
    "CREATE TABLE a(x INTEGER); INSERT INTO a VALUES(1);",
    "ALTER TABLE a ADD COLUMN y TEXT NOT NULL DEFAULT 'new';",
    "CREATE TABLE b(x INTEGER); THIS IS NOT SQL;",
};

static int64_t
number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return value;
}

static void
test_old_rows_survive_a_migration(void **state)
{
    (void)state;
    sqlite3 *db;
    char why[256] = "";
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(schema_migrate(db, steps, 1, why), 0);
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    assert_int_equal(schema_migrate(db, steps, 2, why), 0);
    assert_int_equal(number(db, "PRAGMA user_version"), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM a WHERE x = 1 AND y = 'new'"), 1);
    assert_int_equal(schema_migrate(db, steps, 2, why), 0); /* nothing twice */
    assert_int_equal(number(db, "SELECT count(*) FROM a"), 1);
    sqlite3_close(db);
}

static void
test_a_broken_step_changes_nothing(void **state)
{
    (void)state;
    sqlite3 *db;
    char why[256] = "";
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(schema_migrate(db, steps, 1, why), 0);
    assert_int_equal(schema_migrate(db, steps, 3, why), -EIO);
    assert_non_null(strstr(why, "schema 3"));
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_table_info('a')"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM sqlite_master WHERE name = 'b'"), 0);
    sqlite3_close(db);
}

static void
test_a_later_schema_is_refused(void **state)
{
    (void)state;
    sqlite3 *db;
    char why[256] = "";
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(schema_migrate(db, steps, 2, why), 0);
    assert_int_equal(schema_migrate(db, steps, 1, why), -EPROTO);
    assert_non_null(strstr(why, "later release"));
    assert_int_equal(number(db, "PRAGMA user_version"), 2);
    sqlite3_close(db);
}

/* The real steps: what ended before is found after, and a broken row is in nobody's way. */
static void
test_ended_containments_of_schema_1_are_found(void **state)
{
    (void)state;
    sqlite3 *db;
    char why[256] = "";
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(schema_migrate(db, schema_steps, 1, why), 0);
    assert_int_equal(
        sqlite3_exec(
            db,
            "INSERT INTO containment VALUES"
            "('a', 'released', '', 1, 5, '{\"action\":\"isolate\",\"reason\":\"beacon\"}'),"
            "('b', 'verified', '', 1, 0, '{\"action\":\"isolate\",\"reason\":\"beacon\"}'),"
            "('c', 'expired', '', 1, 6, 'no JSON')",
            NULL, NULL, NULL),
        SQLITE_OK);
    if (schema_migrate(db, schema_steps, schema_version, why)) {
        fail_msg("%s", why);
    }
    assert_int_equal(number(db, "SELECT count(*) FROM ended WHERE id = 'a' AND ended_us = 5"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM ended"), 1);
    const char *found = "SELECT count(*) FROM ended_text WHERE ended_text MATCH '\"EACO\"'";
    assert_int_equal(number(db, found), 1);
    sqlite3_exec(db, "UPDATE containment SET ended_us = 9 WHERE id = 'b'", NULL, NULL, NULL);
    assert_int_equal(number(db, found), 2);
    sqlite3_exec(db, "UPDATE containment SET ended_us = 0 WHERE id = 'a'", NULL, NULL, NULL);
    assert_int_equal(number(db, found), 1);
    sqlite3_exec(db, "DELETE FROM containment", NULL, NULL, NULL);
    assert_int_equal(number(db, found), 0);
    assert_int_equal(number(db, "SELECT count(*) FROM ended"), 0);
    sqlite3_close(db);
}

/* The newest REVISIONS_MAX are kept, and what an older release stored stays as it was. */
static void
test_revisions_after_schema_3(void **state)
{
    (void)state;
    sqlite3 *db;
    char why[256] = "";
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(schema_migrate(db, schema_steps, 3, why), 0);
    assert_int_equal(sqlite3_exec(db,
                                  "INSERT INTO setting VALUES('epoch', '7');"
                                  "INSERT INTO audit VALUES(1, 1, 'a', 'b', 'c', 'd', x'00');",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    if (schema_migrate(db, schema_steps, schema_version, why)) {
        fail_msg("%s", why);
    }
    assert_int_equal(number(db, "SELECT count(*) FROM revision"), 0);
    assert_int_equal(number(db, "SELECT count(*) FROM setting WHERE value = '7'"), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM audit"), 1);
    assert_int_equal(
        sqlite3_exec(db,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1003)"
                     " INSERT INTO revision SELECT i, i, 'a', 'r', x'00', 't' FROM n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(number(db, "SELECT count(*) FROM revision"), REVISIONS_MAX);
    assert_int_equal(number(db, "SELECT min(number) FROM revision"), 4);
    assert_int_equal(number(db, "SELECT max(number) FROM revision"), 1003);
    sqlite3_close(db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_rows_survive_a_migration),
        cmocka_unit_test(test_a_broken_step_changes_nothing),
        cmocka_unit_test(test_ended_containments_of_schema_1_are_found),
        cmocka_unit_test(test_revisions_after_schema_3),
        cmocka_unit_test(test_a_later_schema_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
