/* A database of another release: an earlier one is copied and brought up, a later one refused. */
#include "rescued.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/schema.h"

/* A database as each earlier schema had it, with a containment in force. */
static void
golden(struct fixture *f, size_t schema)
{
    char why[256];
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(schema_migrate(db, schema_steps, schema, why), 0);
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO containment VALUES('01AAAAAAAAAAAAAAAAAAAAAA07', 'verified', '',"
                     " 8, 0, '{\"id\":\"01AAAAAAAAAAAAAAAAAAAAAA07\",\"action\":\"isolate\","
                     "\"state\":\"verified\",\"subject_mac\":\"02:00:00:00:00:07\","
                     "\"reason\":\"reason 07\",\"requested_us\":8}');"
                     "INSERT INTO setting VALUES('epoch', '7')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
}

static void
test_every_earlier_schema_is_copied_and_then_brought_up(void **state)
{
    struct fixture *f = *state;
    for (size_t schema = 1; schema < schema_version; schema++) {
        char copy[128];
        golden(f, schema);
        struct seen seen = start(f);
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.wrong, 0);
        assert_false(seen.is_restored);
        close_store(f);
        assert_int_equal(number_of(f->path, "PRAGMA user_version"), schema_version);
        snprintf(copy, sizeof(copy), "%s/copies/before-schema-%zu.db", f->dir, schema + 1);
        assert_int_equal(number_of(copy, "PRAGMA user_version"), schema);
        assert_int_equal(number_of(copy, "SELECT count(*) FROM containment"), 1);
        run("rm -rf %s/*", f->dir);
    }
}

/* Without room for the copy nothing is changed. */
static void
test_no_copy_no_upgrade(void **state)
{
    struct fixture *f = *state;
    char why[256] = "";
    golden(f, schema_version - 1);
    run("touch %s/copies", f->dir); /* a file where the folder should be */
    assert_int_not_equal(try_open(f, why), 0);
    assert_non_null(strstr(why, "nothing was changed"));
    assert_int_equal(number_of(f->path, "PRAGMA user_version"), schema_version - 1);
}

static void
test_a_later_release_is_refused_with_the_way_back(void **state)
{
    struct fixture *f = *state;
    char why[256] = "", pragma[64], copy[128];
    sqlite3 *db;
    fill(f, 0, 3);
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", schema_version + 1);
    assert_int_equal(sqlite3_exec(db, pragma, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(try_open(f, why), -EPROTO);
    snprintf(pragma, sizeof(pragma), "schema %zu", schema_version + 1);
    assert_non_null(strstr(why, pragma));
    assert_non_null(strstr(why, CORDON_VERSION));
    assert_non_null(strstr(why, "restore a backup"));
    snprintf(copy, sizeof(copy), "%s/copies/before-schema-%zu.db", f->dir, schema_version + 1);
    assert_int_equal(file_make_dirs(f->folder, 0700), 0);
    assert_int_equal(file_write_atomic(copy, "", 0, 0600), 0);
    assert_int_equal(try_open(f, why), -EPROTO);
    assert_non_null(strstr(why, copy));
    assert_int_equal(number_of(f->path, "SELECT count(*) FROM containment"), 3); /* untouched */
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_every_earlier_schema_is_copied_and_then_brought_up),
        CASE(test_no_copy_no_upgrade),
        CASE(test_a_later_release_is_refused_with_the_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
