/* A purge takes exactly what its dry run counted, of nobody else anything, and once it was
 * acknowledged it comes to its end. */
#include "years.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/copy.h"
#include "store/rescue.h"
#include "topology/topology.h"

/* Until the job is over. */
static void
finish(struct fixture *f, const char *id)
{
    char parameters[128];
    const char *is = "running";
    snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\"}", id);
    for (int i = 0; i < 5000 && strcmp(is, "running") == 0; i++) {
        usleep(1000);
        (void)asks_run_jobs(f->asks);
        campus_settle(&f->campus);
        assert_int_equal(ask(f, "purge.show", "auditor", parameters), 200);
        const cJSON *job = cJSON_GetObjectItemCaseSensitive(f->body, "job");
        is = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job, "state"));
        assert_non_null(is);
    }
    assert_string_equal(is, "done");
}

/* Rows, and those that stay, by kind. */
struct purged {
    int64_t rows[9], kept[9];
};

static struct purged
purge(struct fixture *f, const char *what, bool is_dry)
{
    struct purged purged = {0};
    char parameters[512], id[ID_SIZE];
    snprintf(parameters, sizeof(parameters), "{%s,\"dry_run\":%s,\"reason\":\"case 4711\"}", what,
             is_dry ? "true" : "false");
    assert_int_equal(ask(f, "purge.start", "admin", parameters), 201);
    snprintf(id, sizeof(id), "%s",
             cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->body, "id")));
    finish(f, id);
    const cJSON *kinds = cJSON_GetObjectItemCaseSensitive(f->body, "kinds");
    assert_int_equal(cJSON_GetArraySize(kinds), 9);
    for (int i = 0; i < 9; i++) {
        const cJSON *kind = cJSON_GetArrayItem(kinds, i);
        purged.rows[i] =
            (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(kind, "rows"));
        purged.kept[i] =
            (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(kind, "kept"));
    }
    return purged;
}

enum {
    EVIDENCE,
    DETECTIONS,
    INCIDENTS,
    CONTAINMENTS,
    NOTICES,
    ENDPOINTS,
    BINDINGS,
    ANNOTATIONS,
    AUDIT
};

static void
test_a_purge_takes_what_its_dry_run_counted(void **state)
{
    struct fixture *f = *state;
    client(f, 2);
    client(f, 3);
    detect(f, "d-2", "10.1.0.2");
    detect(f, "d-3", "10.1.0.3");
    struct wish_answer answer = {0};
    char id[ID_SIZE], what[128];
    memcpy(id, campus_newest(&f->campus)->id, sizeof(id));
    controller_release(f->campus.controller, id, "operator:ann", "clean", campus_answer, &answer);
    campus_settle(&f->campus);
    struct annotation annotation = {.class = CLASS_WORKSTATION, .owner = "Dr Three"};
    struct mac mac = campus_mac(3);
    assert_true(topology_annotate(controller_topology(f->campus.controller), &mac, &annotation));
    later(f, 3 * HOUR); /* incidents collect no more */
    char owner[ID_SIZE];
    snprintf(owner, sizeof(owner), "%s", campus_endpoint(&f->campus, 3)->id);
    snprintf(what, sizeof(what), "\"subject\":\"endpoint\",\"value\":\"%s\"", owner);

    struct purged dry = purge(f, what, true);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 2);
    assert_non_null(campus_endpoint(&f->campus, 3));
    struct purged wet = purge(f, what, false);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(dry.rows[i], wet.rows[i]);
    }
    assert_int_equal(wet.rows[DETECTIONS], 1);
    assert_int_equal(wet.rows[INCIDENTS], 1);
    assert_int_equal(wet.rows[CONTAINMENTS], 1);
    assert_int_equal(wet.rows[ENDPOINTS], 1);
    assert_int_equal(wet.rows[ANNOTATIONS], 1);
    assert_int_equal(wet.rows[AUDIT], 0);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(f->body, "scrubbed")));
    assert_null(campus_endpoint(&f->campus, 3));
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE id = 'd-3'"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE id = 'd-2'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us <> 0"), 0);
    /* Once more finds nothing; and whoever is contained stays, with what led to it. */
    struct purged two = purge(f, "\"subject\":\"mac\",\"value\":\"02-00-00-00-00-02\"", false);
    assert_int_equal(two.rows[DETECTIONS], 0);
    assert_int_equal(two.kept[DETECTIONS], 1);
    assert_int_equal(two.kept[ENDPOINTS], 1);
    assert_non_null(campus_endpoint(&f->campus, 2));
    /* It said what it did, and not about whom. */
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.start'"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.end'"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.count'"), 1);
    snprintf(what, sizeof(what),
             "SELECT count(*) FROM audit WHERE action LIKE 'purge%%' AND (object || detail) LIKE"
             " '%%%s%%'",
             owner);
    assert_int_equal(number(f, what), 0);
    /* A restart brings nothing back. */
    restart(f);
    assert_null(campus_endpoint(&f->campus, 3));
    assert_int_equal(number(f, "SELECT count(*) FROM annotation"), 0);
}

/* A machine that calls itself like a member of each row takes nobody else's rows with it. */
static void
test_a_name_that_is_a_word_of_ours(void **state)
{
    struct fixture *f = *state;
    struct wish_answer answer = {0};
    char what[128];
    static const char *const words[] = {"src", "Sensor", "signature", "cordon", "high"};
    campus_client(&f->campus, "e1", "p2", 2, "10.1.0.2", "signature");
    client(f, 3);
    detect(f, "d-2", "10.1.0.2");
    detect(f, "d-3", "10.1.0.3");
    while (campus_newest(&f->campus) && controller_containment_count(f->campus.controller) > 0 &&
           answer.calls < 2) {
        controller_release(f->campus.controller,
                           controller_containment_at(f->campus.controller, 0)->id, "operator:ann",
                           "clean", campus_answer, &answer);
        campus_settle(&f->campus);
    }
    later(f, 3 * HOUR);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        snprintf(what, sizeof(what),
                 "{\"subject\":\"name\",\"value\":\"%s\",\"dry_run\":true,\"reason\":\"x\"}",
                 words[i]);
        assert_int_equal(ask(f, "purge.start", "admin", what), 422);
    }
    snprintf(what, sizeof(what), "\"subject\":\"endpoint\",\"value\":\"%s\"",
             campus_endpoint(&f->campus, 2)->id);
    struct purged wet = purge(f, what, false);
    assert_int_equal(wet.rows[DETECTIONS], 1);
    assert_int_equal(wet.kept[DETECTIONS], 0);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE id = 'd-3'"), 1);
    assert_int_equal(wet.rows[ENDPOINTS], 1);
    assert_non_null(campus_endpoint(&f->campus, 3));
}

static void
test_everything_that_is_older(void **state)
{
    struct fixture *f = *state;
    client(f, 3);
    detect(f, "d-3", "10.1.0.3");
    struct wish_answer answer = {0};
    char id[ID_SIZE], at[TIME_TEXT_SIZE], what[128];
    memcpy(id, campus_newest(&f->campus)->id, sizeof(id));
    controller_release(f->campus.controller, id, "operator:ann", "clean", campus_answer, &answer);
    campus_settle(&f->campus);
    later(f, 5 * DAY);
    time_format(clock_wall_us(&f->campus.clock.clock) - DAY, at);
    snprintf(what, sizeof(what), "\"subject\":\"older\",\"before\":\"%s\"", at);
    client(f, 4); /* young */
    struct purged dry = purge(f, what, true);
    struct purged wet = purge(f, what, false);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(dry.rows[i], wet.rows[i]);
    }
    assert_int_equal(wet.rows[DETECTIONS], 1);
    assert_int_equal(wet.rows[CONTAINMENTS], 1);
    assert_int_equal(wet.rows[ENDPOINTS], 1);
    assert_null(campus_endpoint(&f->campus, 3));
    assert_non_null(campus_endpoint(&f->campus, 4));
}

static void
test_a_purge_can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    char parameters[128];
    rows_put(f, 400);
    assert_int_equal(ask(f, "purge.start", "admin",
                         "{\"subject\":\"name\",\"value\":\"nobody.example\",\"reason\":\"x\"}"),
                     201);
    snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\"}",
             cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->body, "id")));
    (void)asks_run_jobs(f->asks);
    assert_int_equal(ask(f, "jobs.cancel", "admin", parameters), 200);
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.end' AND detail"
                               " LIKE 'cancelled%'"),
                     1);
}

#define SOMEBODY "somebody.example"

static void
somebody_put(struct fixture *f)
{
    tamper(
        f,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
        " INSERT INTO detection(id, incident_id, seen_us, json) SELECT 's-' || i, 'I-s', 1000 + i,"
        " '{\"id\":\"s-' || i || '\",\"server_name\":\"" SOMEBODY "\"}' FROM n");
}

/* Begun, and a part of it done; true: its id. */
static void
somebody_half_purged(struct fixture *f, bool is_dry, char id[ID_SIZE])
{
    char parameters[256];
    snprintf(parameters, sizeof(parameters),
             "{\"subject\":\"name\",\"value\":\"" SOMEBODY "\",\"dry_run\":%s,\"reason\":\"x\"}",
             is_dry ? "true" : "false");
    assert_int_equal(ask(f, "purge.start", "admin", parameters), 201);
    snprintf(id, ID_SIZE, "%s",
             cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->body, "id")));
    for (int i = 0; i < 4; i++) {
        (void)asks_run_jobs(f->asks);
        campus_settle(&f->campus);
    }
}

static int64_t
remembered(struct fixture *f)
{
    return number(f, "SELECT count(*) FROM setting WHERE name LIKE 'purge/%'");
}

/* As bytes, in the database or its log. */
static bool
is_in_the_files(struct fixture *f)
{
    bool is_there = false;
    for (int i = 0; i < 2; i++) {
        char name[256];
        snprintf(name, sizeof(name), "%s%s", f->campus.path, i == 0 ? "" : "-wal");
        FILE *file = fopen(name, "re");
        struct stat is;
        if (file && fstat(fileno(file), &is) == 0 && is.st_size > 0) {
            char *bytes = malloc((size_t)is.st_size);
            size_t size = fread(bytes, 1, (size_t)is.st_size, file);
            is_there = is_there || memmem(bytes, size, SOMEBODY, strlen(SOMEBODY));
            free(bytes);
        }
        if (file) {
            fclose(file);
        }
    }
    return is_there;
}

/* What was acknowledged goes on, as the same job of the same account, until all of it is gone; also
 * what remembered it, from the bytes too. */
static void
test_a_purge_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    somebody_put(f);
    somebody_half_purged(f, false, id);
    int64_t left = number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-s'");
    assert_in_range(left, 1, 399);
    assert_int_equal(remembered(f), 1);
    restart(f);
    finish(f, id);
    const cJSON *job = cJSON_GetObjectItemCaseSensitive(f->body, "job");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job, "account")),
                        "account:dpo");
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-s'"), 0);
    assert_int_equal(remembered(f), 0);
    assert_false(is_in_the_files(f));
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.start'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.resume'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.end'"), 1);
    /* It is over: the next start knows of none. */
    restart(f);
    assert_false(asks_run_jobs(f->asks));
}

/* What only counts, and what somebody has ended, is not begun again by a restart. */
static void
test_what_a_restart_does_not_begin_again(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE], parameters[128];
    somebody_put(f);
    somebody_half_purged(f, true, id);
    assert_int_equal(remembered(f), 0);
    somebody_half_purged(f, false, id);
    assert_int_equal(remembered(f), 1);
    snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\"}", id);
    assert_int_equal(ask(f, "jobs.cancel", "admin", parameters), 200);
    assert_int_equal(remembered(f), 0);
    int64_t left = number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-s'");
    restart(f);
    assert_false(asks_run_jobs(f->asks));
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-s'"), left);
}

static int64_t
rows_left(struct fixture *f)
{
    return number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-s'");
}

static unsigned
cancel(struct fixture *f, const char *id)
{
    char parameters[128];
    snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\"}", id);
    return ask(f, "jobs.cancel", "admin", parameters);
}

static const char *
state_of(struct fixture *f, const char *id)
{
    char parameters[128];
    snprintf(parameters, sizeof(parameters), "{\"id\":\"%s\"}", id);
    assert_int_equal(ask(f, "jobs.show", "admin", parameters), 200);
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->body, "state"));
}

/* As many slices as would take all of it. */
static void
slices(struct fixture *f)
{
    for (int i = 0; i < 200 && asks_run_jobs(f->asks); i++) {
        campus_settle(&f->campus);
    }
}

static void
assert_a_restart_takes_nothing(struct fixture *f)
{
    int64_t left = rows_left(f);
    assert_in_range(left, 1, 399);
    assert_int_equal(remembered(f), 0);
    restart(f);
    slices(f);
    assert_int_equal(rows_left(f), left);
}

/* Nothing that remembers it can be forgotten: it is not cancelled, says so, and goes on. */
static void
test_what_cannot_be_forgotten_is_not_cancelled(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    somebody_put(f);
    somebody_half_purged(f, false, id);
    tamper(f, "CREATE TRIGGER full BEFORE DELETE ON setting BEGIN SELECT RAISE(FAIL, 'full'); END");
    assert_int_equal(cancel(f, id), 503);
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'job.cancel'"), 0);
    assert_string_equal(state_of(f, id), "running");
    tamper(f, "DROP TRIGGER full");
    finish(f, id);
    assert_int_equal(rows_left(f), 0);
}

/* Once it was told that it is cancelled, whatever else cannot be stored: a restart knows of none.
 */
static void
test_what_was_cancelled_stays_so_whatever_fails_behind_it(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    somebody_put(f);
    somebody_half_purged(f, false, id);
    tamper(f, "CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.action = 'purge.end'"
              " BEGIN SELECT RAISE(FAIL, 'full'); END");
    assert_int_equal(cancel(f, id), 200);
    assert_string_equal(state_of(f, id), "cancelled");
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'job.cancel'"), 1);
    tamper(f, "DROP TRIGGER full");
    assert_a_restart_takes_nothing(f);
}

/* It is told that it failed when no restart goes on with it, and not before. */
static void
test_what_failed_does_not_go_on_either(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE];
    somebody_put(f);
    somebody_half_purged(f, false, id);
    tamper(f, "CREATE TRIGGER full BEFORE DELETE ON detection BEGIN SELECT RAISE(FAIL, 'full');"
              " END; CREATE TRIGGER full_too BEFORE DELETE ON setting BEGIN"
              " SELECT RAISE(FAIL, 'full'); END");
    slices(f);
    assert_string_equal(state_of(f, id), "running");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(f->body, "note")),
                        "the store could not be changed");
    assert_int_equal(remembered(f), 1);
    assert_int_equal(asks_run_jobs(f->asks), JOB_REST_US); /* nobody looks for it all the time */
    tamper(f, "DROP TRIGGER full; DROP TRIGGER full_too");
    clock_fake_advance(&f->campus.clock, 11 * SECOND);
    slices(f);
    assert_string_equal(state_of(f, id), "failed");
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'purge.end' AND detail"
                               " LIKE 'failed%'"),
                     1);
    assert_a_restart_takes_nothing(f);
}

/* A copy that was made in the middle of a purge does not bring it back: it was cancelled since. */
static void
test_a_restore_deletes_nothing(void **state)
{
    struct fixture *f = *state;
    char id[ID_SIZE], copy[256], why[256];
    struct rescue rescue;
    somebody_put(f);
    somebody_half_purged(f, false, id);
    snprintf(copy, sizeof(copy), "%s.copy", f->campus.path);
    assert_int_equal(copy_make(f->campus.path, copy, NULL, why), 0);
    assert_int_equal(cancel(f, id), 200);
    int64_t left = rows_left(f);
    asks_free(f->asks);
    campus_stop(&f->campus);
    assert_int_equal(rescue_restore(f->campus.path, copy, "by hand",
                                    clock_wall_us(&f->campus.clock.clock), &rescue, why),
                     0);
    unlink(copy);
    assert_int_equal(rescue.purges, 1);
    assert_int_equal(remembered(f), 0);
    campus_start(&f->campus);
    signer_set(f);
    asks_begin(f);
    slices(f);
    assert_int_equal(rows_left(f), left);
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'restored' AND detail"
                               " LIKE '%1 purges that had begun do not go on'"),
                     1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_purge_takes_what_its_dry_run_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_name_that_is_a_word_of_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(test_everything_that_is_older, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_purge_can_be_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_purge_goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_restart_does_not_begin_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_forgotten_is_not_cancelled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_was_cancelled_stays_so_whatever_fails_behind_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_failed_does_not_go_on_either, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_restore_deletes_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
