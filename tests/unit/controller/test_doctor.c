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

/* The uplinks of e1 and e2 are one cable, and LLDP says so; c1 and c3 are on e1, c2 on e2. */
static void
people_are_there(struct fixture *f)
{
    const struct wire_hello hello = {.name = "s1", .wall_us = f->campus.clock.wall_now_us};
    for (int i = 1; i <= 2; i++) {
        struct fact fact = {.kind = FACT_NEIGHBOUR, .port = "ul", .neighbour_is_bridge = true};
        snprintf(fact.neighbour_name, sizeof(fact.neighbour_name), "e%d", 3 - i);
        snprintf(fact.neighbour_port, sizeof(fact.neighbour_port), "ul");
        campus_fact(&f->campus, i == 1 ? "e1" : "e2", &fact);
    }
    campus_client(&f->campus, "e1", "p1", 1, "10.1.0.1", NULL);
    campus_client(&f->campus, "e2", "p1", 2, "10.1.0.2", NULL);
    campus_client(&f->campus, "e1", "p2", 3, "10.1.0.3", NULL);
    campus_pass(&f->campus, SECOND_US);
    controller_sensor_hello(f->campus.controller, &hello);
}

static void
starts_again_with(struct fixture *f, const struct config_mirror *mirror, size_t count)
{
    f->campus.mirrors[0] = *mirror;
    f->campus.mirror_count = count;
    copies_stop(f->copies);
    copies_free(f->copies);
    f->copies = NULL;
    campus_restart(&f->campus);
    asks_make(f, false, 0);
    people_are_there(f);
}

static void
test_what_nobody_watches(void **state)
{
    struct fixture *f = *state;
    struct config_mirror mirror = {
        .switch_name = "e1",
        .mirror = {.kind = MIRROR_PORT, .direction = DIRECTION_IN, .out_port = "p4"}};
    assert_string_equal(found(f, "coverage", ""), ""); /* nobody looks at all, and that is said */
    people_are_there(f);
    assert_string_equal(found(f, "coverage", "between switches e1, e2: no mirror"), "warning");
    assert_string_equal(found(f, "coverage", "passes e1/ul - e2/ul"), "warning");
    assert_string_equal(found(f, "coverage", "one switch: no mirror copies it on e1 (p1, p2)"),
                        "warning");
    starts_again_with(f, &mirror, 1); /* every access port of e1 */
    assert_string_equal(found(f, "coverage", ""), "");
    mirror.mirror.sample = 100;
    starts_again_with(f, &mirror, 1);
    assert_string_equal(found(f, "coverage", "between"), "");
    assert_string_equal(found(f, "coverage", "only a part of what passes e1"), "note");
    clock_fake_advance(&f->campus.clock, 31 * SECOND_US);
    assert_string_equal(found(f, "coverage", ""), ""); /* the sensor is silent: said as such */
}

static void
test_coverage_that_cannot_be_known(void **state)
{
    struct fixture *f = *state;
    const struct wire_hello hello = {.name = "s1", .wall_us = f->campus.clock.wall_now_us};
    campus_client(&f->campus, "e1", "p1", 1, "10.1.0.1", NULL);
    campus_client(&f->campus, "e2", "p1", 2, "10.1.0.2", NULL);
    controller_sensor_hello(f->campus.controller, &hello);
    assert_string_equal(found(f, "coverage", "no sensor"), "");
    assert_string_equal(found(f, "coverage", "that passes e1/ul, e2/ul is not known"), "note");
}

static void
says_that_it_copied(struct fixture *f, uint64_t frames)
{
    struct controller *controller = f->campus.controller;
    struct rule_report report = {.state = RULE_VERIFIED, .hits = frames};
    struct switch_view view;
    assert_true(controller_switch_at(controller, 0, &view));
    const struct rule *rule = dummy_first(f->campus.switches[0].device, RULE_MIRROR);
    memcpy(report.id, rule->id, sizeof(report.id));
    struct wire_observed observed = {.epoch = controller_epoch(controller),
                                     .generation = view.desired_generation,
                                     .is_last = true,
                                     .rules = &report,
                                     .rule_count = 1};
    memcpy(observed.switch_name, view.device.switch_name, sizeof(observed.switch_name));
    controller_observed(controller, &observed);
}

/* Copies in ERSPAN that no sensor gets show nothing to anybody. */
static void
test_a_mirror_that_arrives_nowhere(void **state)
{
    struct fixture *f = *state;
    const struct config_mirror mirror = {
        .switch_name = "e1",
        .mirror = {.carrier = CARRIER_ERSPAN, .erspan_to = campus_ip("10.9.0.9"), .session = 7}};
    struct wire_mirror_seen seen = {.session = 7, .packets = 1};
    struct wire_sensor_stats stats = {.sensor = "s1", .packets = 1, .mirrors = &seen};
    starts_again_with(f, &mirror, 1);
    controller_sensor_stats(f->campus.controller, &stats);
    assert_string_equal(found(f, "coverage", ""), ""); /* too early to tell */
    says_that_it_copied(f, 5000);
    assert_string_equal(found(f, "coverage", "between switches e1, e2"), "warning");
    stats.mirror_count = 1;
    controller_sensor_stats(f->campus.controller, &stats);
    assert_string_equal(found(f, "coverage", ""), "");
}

/* A mirror that its switch has no room for copies nothing. */
static void
test_a_mirror_that_is_not_held(void **state)
{
    struct fixture *f = *state;
    const struct config_mirror low = {
        .switch_name = "e3", .mirror = {.ports = {"p1", "p2"}, .port_count = 2, .out_port = "p9"}};
    f->campus.mirrors[1] = (struct config_mirror){
        .switch_name = "e3", .mirror = {.ports = {"p3", "p4"}, .port_count = 2, .out_port = "p9"}};
    for (uint32_t room = 2; room > 0; room--) {
        campus_add(&f->campus,
                   &(struct device_config){.name = "e3", .driver = "dummy", .room = room});
        starts_again_with(f, &low, 2);
        for (uint8_t i = 1; i <= 4; i++) {
            char port[8], ip[16];
            snprintf(port, sizeof(port), "p%u", i);
            snprintf(ip, sizeof(ip), "10.1.0.%u", 10 + i);
            campus_client(&f->campus, "e3", port, (uint8_t)(10 + i), ip, NULL);
        }
        campus_pass(&f->campus, SECOND_US);
        assert_string_equal(found(f, "coverage", "e3 (p"), room == 2 ? "" : "warning");
        campus_remove_last(&f->campus);
    }
}

/* What switches hold is shown as soon as they have it, not at the next hourly check. */
static void
test_a_checkpoint_is_shown_where_it_is_held(void **state)
{
    struct fixture *f = *state;
    struct campus *campus = &f->campus;
    struct checkpoint_signer signer = {.is_new = true};
    const uint8_t seed[CHECKPOINT_KEY_SIZE] = {7};
    struct checkpoints_view view;
    struct wire_device device = {.switch_name = "e1", .is_connected = true};
    struct wire_checkpoint_line lines[2] = {{""}};
    struct wire_checkpoints held = {.switch_name = "e1", .lines = lines};
    checkpoint_key_make(seed, &signer.key, signer.secret);
    const struct checkpoint_settings settings = {.signer = &signer};
    controller_set_checkpoints(campus->controller, &settings);
    device.keeps_checkpoints = true;
    checkpoints_device(campus->controller, &device);
    campus_client(campus, "e1", "p2", 2, "10.1.0.2", "c2");
    assert_true(campus_detect(campus, "d1", "10.1.0.2", STRENGTH_STRONG));
    campus_pass(campus, 20 * SECOND_US); /* with the first check */
    checkpoints_make(campus->controller);
    assert_true(campus->checkpoint.line[0]);
    snprintf(lines[0].line, sizeof(lines[0].line), "%s", campus->checkpoint.line);
    unsigned sent = campus->checkpoint_count;
    for (int i = 0; i < 600 && !campus->checkpoint.request; i++) {
        campus_pass(campus, SECOND_US / 4);
        checkpoints_tick(campus->controller);
    }
    assert_int_equal(campus->checkpoint_count, sent + 1); /* one question for all of them */
    assert_string_equal(campus->checkpoint.origin, signer.key.origin);
    held.request = campus->checkpoint.request;
    snprintf(lines[1].line, sizeof(lines[1].line), "not a checkpoint");
    held.line_count = 2;
    checkpoints_look(campus->controller, &view);
    assert_int_equal(view.edges[0].newest, 0);
    controller_checkpoints(campus->controller, &held);
    checkpoints_look(campus->controller, &view);
    assert_int_equal(view.edges[0].newest, view.recent[view.recent_count - 1].number);
    /* one that was made up is none of ours */
    lines[0].line[strlen("x")] ^= 1;
    held.request = campus->checkpoint.request;
    controller_checkpoints(campus->controller, &held);
    checkpoints_look(campus->controller, &view);
    assert_int_equal(view.edges[0].newest, view.recent[view.recent_count - 1].number);
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
        CASE(test_a_checkpoint_is_shown_where_it_is_held),
        CASE(test_what_nobody_watches),
        CASE(test_coverage_that_cannot_be_known),
        CASE(test_a_mirror_that_is_not_held),
        CASE(test_a_mirror_that_arrives_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
