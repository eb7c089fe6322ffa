/* doctor on what keeps ourselves safe: each finding is provoked, says what to do in both languages,
 * and is gone when its cause is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "campus.h"
#include "controller/ask/ask.h"
#include "controller/audit/checkpoints.h"
#include "controller/pressure.h"
#include "controller/records.h"
#include "controller/recovery/copies.h"
#include "wire/said.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define DAY_US (24 * HOUR_US)

struct fixture {
    int64_t server_expires_us;
    struct campus campus;
    struct asks *asks;
    struct copies *copies;
    cJSON *body; /* of the last answer */
    char *text;  /* likewise */
    uint64_t left, whole;
    int key_error;
    struct pressure pressure;
    char result[512]; /* what a backup left; "": nothing */
};

static const char *const tight_policy =
    "networks:\n"
    "  - {name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}\n"
    "  - {name: careful, prefixes: [10.3.0.0/16], mode: observe, home: true}\n"
    "permit_sets: [{name: updates, permits: [{server: 192.0.2.1, protocol: tcp, port: 443}]}]\n"
    "budgets: {per_minute: 1, per_hour: 10, network_percent: 100, switch_percent: 100}\n"
    "policies:\n"
    "  - name: command and control\n"
    "    when: {phases: [c2]}\n"
    "    then:\n"
    "      - {action: isolate, permit_set: updates}\n";

static int
disk(void *context, uint64_t *left, uint64_t *whole)
{
    const struct fixture *f = context;
    *left = f->left;
    *whole = f->whole;
    return 0;
}

static int
key_check(void *context)
{
    return ((const struct fixture *)context)->key_error;
}

static int
backup_start(void *context, uint32_t keep)
{
    (void)context, (void)keep;
    return 0;
}

static int
backup_result(void *context)
{
    const struct fixture *f = context;
    int fd = f->result[0] ? memfd_create("result", MFD_CLOEXEC) : -ENOENT;
    if (fd >= 0) {
        assert_int_equal(write(fd, f->result, strlen(f->result)), strlen(f->result));
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    }
    return fd;
}

static void
asks_make(struct fixture *f, bool lacks_landlock, int64_t server_expires_us)
{
    asks_free(f->asks);
    f->server_expires_us = server_expires_us;
    const struct ask_settings settings = {.controller = f->campus.controller,
                                          .copies = f->copies,
                                          .server_expires_us = &f->server_expires_us,
                                          .own = {.lacks_landlock = lacks_landlock,
                                                  .disk = disk,
                                                  .key_check = key_check,
                                                  .memory = &f->pressure.view,
                                                  .context = f}};
    f->asks = asks_new(&settings);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    campus_open(&f->campus);
    f->campus.policy_text = tight_policy;
    campus_restart(&f->campus);
    f->left = 50ull << 30;
    f->whole = 100ull << 30;
    const struct copies_settings settings = {.base = f->campus.base,
                                             .store = f->campus.store,
                                             .clock = &f->campus.clock.clock,
                                             .folder = "/backups",
                                             .is_encrypted = true,
                                             .start = backup_start,
                                             .result = backup_result,
                                             .context = f};
    assert_int_equal(copies_open(&settings, &f->copies), 0);
    asks_make(f, false, 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    cJSON_Delete(f->body);
    free(f->text);
    copies_stop(f->copies);
    campus_close(&f->campus);
    copies_free(f->copies);
    asks_free(f->asks);
    free(f);
    return 0;
}

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct fixture *f = context;
    cJSON_Delete(f->body);
    f->body = answer->body ? cJSON_Duplicate(answer->body, true) : NULL;
    free(f->text);
    f->text = answer->bytes ? strndup((const char *)answer->bytes, answer->byte_count) : NULL;
    assert_int_equal(answer->status, 200);
}

static void
ask(struct fixture *f, const char *op)
{
    struct wire_ask asked = {
        .number = 1, .account = "token:t", .role = "operator", .parameters = cJSON_CreateObject()};
    snprintf(asked.op, sizeof(asked.op), "%s", op);
    asks_handle(f->asks, &asked, on_answer, f);
    cJSON_Delete(asked.parameters);
}

/* Worded in Japanese, too. */
static void
assert_translated(const char *text)
{
    cJSON *said = said_of(text, "");
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(said, "code"));
    if (!code) {
        fail_msg("no words for: %s", text);
    }
    cJSON_Delete(said);
}

static const char *
member(const cJSON *item, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, name));
}

/* The severity of the finding of 'check' whose text has 'words'; "": there is none. */
static const char *
found(struct fixture *f, const char *check, const char *words)
{
    const cJSON *item;
    ask(f, "doctor");
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(f->body, "findings"))
    {
        if (strcmp(member(item, "check"), check) == 0 && strstr(member(item, "what"), words)) {
            assert_true(strlen(member(item, "advice")) > 10);
            assert_translated(member(item, "what"));
            assert_translated(member(item, "advice"));
            return member(item, "severity");
        }
    }
    return "";
}

/* The value of a metric; -1: there is none. */
static double
metric(struct fixture *f, const char *name)
{
    ask(f, "metrics");
    const char *line = f->text;
    for (size_t size = strlen(name); line;
         line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (strncmp(line, name, size) == 0 && line[size] == ' ') {
            return strtod(line + size, NULL);
        }
    }
    return -1;
}

static void
test_the_disk(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(found(f, "disk", "are left"), "");
    f->left = 500ull << 20;
    assert_string_equal(found(f, "disk", "500 MiB are left"), "warning");
    assert_true(metric(f, "cordon_disk_bytes") == (double)f->whole);
    f->left = 50ull << 20;
    assert_string_equal(found(f, "disk", "50 MiB are left"), "error");
    f->left = 5ull << 30; /* of 100: little */
    assert_string_equal(found(f, "disk", "are left"), "warning");
}

static int
file_of(const char *text)
{
    int fd = memfd_create("group", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

/* The control group has so many MiB of so many, and of them so many that can be taken back. */
static void
memory_is(struct fixture *f, unsigned used, unsigned limit, unsigned spare)
{
    char text[3][64];
    memory_group_close(&f->pressure.group);
    snprintf(text[0], 64, "%llu\n", (unsigned long long)limit << 20);
    snprintf(text[1], 64, "%llu\n", (unsigned long long)used << 20);
    snprintf(text[2], 64, "anon 1\ninactive_file %llu\n", (unsigned long long)spare << 20);
    f->pressure.group = (struct memory_group){file_of(limit ? text[0] : "max\n"), file_of(text[1]),
                                              file_of(text[2])};
    campus_pass(&f->campus, SECOND_US);
    pressure_tick(&f->pressure, f->campus.controller);
}

/* What is only shown goes from memory, a part at a time; what is in force stays. */
static void
test_memory_that_runs_out(void **state)
{
    struct fixture *f = *state;
    struct controller *controller = f->campus.controller;
    f->pressure.group = (struct memory_group){-1, -1, -1};
    campus_client(&f->campus, "e1", "p2", 2, "10.1.0.2", "c2");
    assert_true(campus_detect(&f->campus, "d1", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(&f->campus, 2 * SECOND_US);
    for (int i = 0; i < 1000; i++) {
        struct incident incident = {.last_us = i + 1};
        snprintf(incident.id, sizeof(incident.id), "many-%d", i);
        records_restore_incident(controller, &incident);
    }
    memory_is(f, 90, 0, 0);
    assert_string_equal(found(f, "memory", "are used"), "");
    assert_true(metric(f, "cordon_memory_limit_bytes") == -1);
    memory_is(f, 90, 100, 20); /* files that can be taken back */
    assert_string_equal(found(f, "memory", "are used"), "");
    assert_int_equal(controller_incident_count(controller), 1001);
    memory_is(f, 90, 100, 0);
    assert_string_equal(found(f, "memory", "90 % of the 100 MiB"), "warning");
    assert_in_range(controller_incident_count(controller), 499, 501);
    assert_null(controller_incident(controller, "many-0"));
    assert_non_null(controller_incident(controller, "many-999"));
    assert_true(metric(f, "cordon_memory_shed_total") >= 500);
    for (int i = 0; i < 10; i++) {
        memory_is(f, 90, 100, 0);
    }
    assert_int_equal(controller_incident_count(controller), 128);
    assert_int_equal(campus_newest(&f->campus)->state, CONTAINMENT_VERIFIED);
    memory_is(f, 80, 100, 0); /* not over yet */
    assert_string_equal(found(f, "memory", "80 % of the 100 MiB"), "warning");
    memory_is(f, 70, 100, 0);
    assert_string_equal(found(f, "memory", "are used"), "");
    assert_int_equal(controller_incident_count(controller), 128);
    memory_group_close(&f->pressure.group);
}

static void
test_kernel_and_keys(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(found(f, "sandbox", "Landlock"), "");
    assert_string_equal(found(f, "key", "master key"), "");
    assert_true(metric(f, "cordon_landlock") == 1);
    f->key_error = -EPERM;
    assert_string_equal(found(f, "key", "master key"), "error");
    f->key_error = 0;
    asks_make(f, true, 0);
    assert_string_equal(found(f, "sandbox", "Landlock"), "warning");
    assert_true(metric(f, "cordon_landlock") == 0);
    asks_make(f, false, f->campus.clock.wall_now_us + 59 * DAY_US);
    assert_string_equal(found(f, "certificate", "its certificate expires"), "warning");
    asks_make(f, false, f->campus.clock.wall_now_us + 61 * DAY_US);
    assert_string_equal(found(f, "certificate", "its certificate expires"), "");
}

static void
no_answer(void *context, enum copies_result result)
{
    *(enum copies_result *)context = result;
}

static void
backup_ends(struct fixture *f, const char *problem)
{
    enum copies_result result = COPIES_BUSY;
    char at[TIME_TEXT_SIZE];
    time_format(f->campus.clock.wall_now_us, at);
    copies_start(f->copies, "token:t", no_answer, &result);
    campus_settle(&f->campus);
    assert_int_equal(result, COPIES_DONE);
    snprintf(f->result, sizeof(f->result), "{\"at\":\"%s\",\"secrets\":true%s%s%s}", at,
             problem[0] ? ",\"problem\":\"" : "", problem, problem[0] ? "\"" : "");
    for (int i = 0; copies_view(f->copies)->is_running && i < 100; i++) {
        campus_pass(&f->campus, SECOND_US);
        copies_tick(f->copies);
    }
    assert_false(copies_view(f->copies)->is_running);
}

static void
test_backups(void **state)
{
    struct fixture *f = *state;
    enum copies_result result = COPIES_BUSY;
    assert_string_equal(found(f, "backup", "no backup is made by itself"), "note");
    copies_schedule(f->copies, 24, 3, "token:t", no_answer, &result);
    campus_settle(&f->campus);
    assert_int_equal(result, COPIES_DONE);
    assert_string_equal(found(f, "backup", "no backup is made by itself"), "");
    backup_ends(f, "no room");
    assert_string_equal(found(f, "backup", "the last backup failed: no room"), "error");
    campus_pass(&f->campus, 10 * SECOND_US);
    backup_ends(f, "");
    assert_string_equal(found(f, "backup", "failed"), "");
    clock_fake_advance(&f->campus.clock, 47 * HOUR_US);
    assert_string_equal(found(f, "backup", "hours old"), "");
    clock_fake_advance(&f->campus.clock, 2 * HOUR_US);
    assert_string_equal(found(f, "backup", "hours old"), "warning");
    assert_true(metric(f, "cordon_backup_age_seconds") > 48 * 3600);
}

static void
test_the_budget_and_the_modes(void **state)
{
    struct fixture *f = *state;
    campus_client(&f->campus, "e1", "p2", 2, "10.1.0.2", "c2");
    assert_string_equal(found(f, "policy", "mode observe"), "");
    assert_string_equal(found(f, "budget", "used up"), "");
    assert_true(campus_detect(&f->campus, "d1", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(&f->campus, 2 * SECOND_US);
    assert_string_equal(found(f, "budget", "used up: 1 isolated in this minute"), "warning");
    assert_true(metric(f, "cordon_budget_used{window=\"minute\"}") == 1);
    campus_pass(&f->campus, 61 * SECOND_US);
    assert_string_equal(found(f, "budget", "used up"), "");
    campus_client(&f->campus, "e1", "p3", 3, "10.3.0.3", "c3");
    assert_string_equal(found(f, "policy", "1 of 2 addresses are in mode observe"), "note");
}

static void
test_unproven_and_suspended(void **state)
{
    struct fixture *f = *state;
    struct wish_answer answer = {0};
    campus_client(&f->campus, "e1", "p2", 2, "10.1.0.2", "c2");
    assert_true(campus_detect(&f->campus, "d1", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(&f->campus, 2 * SECOND_US);
    assert_string_equal(found(f, "containment", "not in the database"), "");
    assert_true(metric(f, "cordon_unproven_blocks") == 0);
    /* as one that was adopted from a switch (test_unproven.c shows how) */
    struct containment *c = (struct containment *)(uintptr_t)campus_newest(&f->campus);
    assert_non_null(c);
    c->unproven = (char *)"e1";
    assert_string_equal(found(f, "containment", "1 blocks of switches are not in the database"),
                        "warning");
    assert_true(metric(f, "cordon_unproven_blocks") == 1);
    c->unproven = NULL;
    assert_string_equal(found(f, "enforcement", "suspended"), "");
    controller_panic(f->campus.controller, true, "token:t", "tried", campus_answer, &answer);
    campus_settle(&f->campus);
    assert_string_equal(found(f, "enforcement", "suspended"), "warning");
}

static void
test_checkpoints_that_leave_nobody(void **state)
{
    struct fixture *f = *state;
    struct checkpoint_signer signer = {.is_new = true};
    const uint8_t seed[CHECKPOINT_KEY_SIZE] = {7};
    checkpoint_key_make(seed, &signer.key, signer.secret);
    const struct checkpoint_settings settings = {.signer = &signer};
    controller_set_checkpoints(f->campus.controller, &settings);
    campus_client(&f->campus, "e1", "p2", 2, "10.1.0.2", "c2");
    assert_true(campus_detect(&f->campus, "d1", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(&f->campus, 2 * SECOND_US);
    checkpoints_make(f->campus.controller);
    campus_settle(&f->campus);
    assert_string_equal(found(f, "audit", "checkpoint"), "");
    clock_fake_advance(&f->campus.clock, 25 * HOUR_US);
    assert_string_equal(found(f, "audit", "for 25 hours"), "warning");
    assert_true(metric(f, "cordon_audit_unheld_seconds") > 24 * 3600);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_the_disk),
        CASE(test_memory_that_runs_out),
        CASE(test_kernel_and_keys),
        CASE(test_backups),
        CASE(test_the_budget_and_the_modes),
        CASE(test_unproven_and_suspended),
        CASE(test_checkpoints_that_leave_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
