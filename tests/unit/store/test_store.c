/* The store on a real file in a temporary folder. */
#include "stored.h"

#include <errno.h>
#include <signal.h>
#include <cjson/cJSON.h>
#include <sqlite3.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sum.h"

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

static struct walked
check_audit(struct fixture *f, const uint8_t *wanted)
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
    return walked;
}

struct seen {
    size_t containments, incidents, endpoints, settings;
    struct containment last;
    struct endpoint endpoint;
    char text[TEXT_SIZE];
    int annotations;
    struct annotation annotation;
};

static void
see_containment(void *context, const struct containment *c)
{
    struct seen *seen = context;
    seen->containments++;
    containment_fini(&seen->last);
    containment_copy(&seen->last, c);
    snprintf(seen->text, sizeof(seen->text), "%s", c->mark_count == 2 ? c->marks[1].step : "");
}

static void
see_incident(void *context, const struct incident *incident)
{
    (void)incident;
    ((struct seen *)context)->incidents++;
}

static void
see_endpoint(void *context, const struct endpoint_record *record)
{
    const struct endpoint *endpoint = &record->endpoint;
    struct seen *seen = context;
    seen->endpoints++;
    seen->endpoint = *endpoint;
    assert_int_equal(endpoint->binding_count, 1);
    assert_int_equal(endpoint->bindings[0].from_us, 5);
    assert_int_equal(endpoint->bindings[0].lease_until_us, 7000000);
}

static void
see_annotation(void *context, const struct mac *mac, const struct annotation *annotation)
{
    struct seen *seen = context;
    seen->annotations++;
    seen->annotation = *annotation;
    assert_int_equal(mac->b[5], seen->annotations);
}

static void
see_setting(void *context, const char *name, const char *value)
{
    struct seen *seen = context;
    seen->settings++;
    snprintf(seen->text, sizeof(seen->text), "%s=%s", name, value);
}

static const struct annotation pump = {.class = CLASS_MEDICAL,
                                       .tags = {"ward", "3"},
                                       .tag_count = 2,
                                       .note = "pump",
                                       .version = 4,
                                       .changed_us = 8};
static uint8_t three_bytes[] = {1, 2, 3};

static void
put_one_of_each(struct store_change *change, const struct containment *c)
{
    store_put_containment(change, c);
    struct incident incident = {.id = "01INCIDENT0000000000000000", .is_open = true};
    store_put_incident(change, &incident);
    struct detection detection = {.id = "d-1", .sensor = "s", .maker = "cordon", .seen_us = 9};
    store_put_detection(change, &detection, incident.id);
    struct evidence evidence = {
        .detection_id = "d-1", .pcap = three_bytes, .size = sizeof(three_bytes)};
    store_put_evidence(change, &evidence);
    struct binding binding = {.from_us = 5, .lease_until_us = 7000000};
    struct endpoint endpoint = {.id = "01ENDPOINT0000000000000000",
                                .mac_count = 2,
                                .macs = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}},
                                .bindings = &binding,
                                .binding_count = 1};
    store_put_endpoint(change, &(struct endpoint_record){.endpoint = endpoint});
    struct annotation nothing = {.version = 5};
    store_put_annotation(change, &endpoint.macs[1], &pump);
    store_put_annotation(change, &endpoint.macs[0], &pump);
    store_put_annotation(change, &(struct mac){{2, 0, 0, 0, 0, 3}}, &pump);
    store_put_annotation(change, &(struct mac){{2, 0, 0, 0, 0, 3}}, &nothing);
    store_put_setting(change, "epoch", "7");
}

static void
assert_loaded(struct fixture *f)
{
    struct seen seen = {0};
    struct store_loader loader = {.on_containment = see_containment, .context = &seen};
    assert_int_equal(store_load(f->store, &loader), 0);
    assert_int_equal(seen.containments, 1);
    assert_string_equal(seen.text, "committed");
    assert_int_equal(seen.last.version, 3);
    assert_int_equal(seen.last.server.length, 120);
    assert_non_null(strstr(seen.last.reason, "line one?line two ? \xe3\x81\x82"));
    assert_int_equal(seen.last.mark_count, 2);
    assert_string_equal(seen.last.marks[1].detail, "d");
    containment_fini(&seen.last);
    loader = (struct store_loader){.on_incident = see_incident,
                                   .on_endpoint = see_endpoint,
                                   .on_annotation = see_annotation,
                                   .on_setting = see_setting,
                                   .context = &seen};
    assert_int_equal(store_load(f->store, &loader), 0);
    assert_int_equal(seen.incidents, 1);
    assert_int_equal(seen.endpoints, 1);
    assert_int_equal(seen.endpoint.mac_count, 2);
    assert_int_equal(seen.endpoint.macs[1].b[5], 2);
    assert_int_equal(seen.annotations, 2); /* the third says nothing any more */
    assert_true(annotation_is_equal(&seen.annotation, &pump));
    assert_int_equal(seen.annotation.version, 4);
    assert_int_equal(seen.annotation.changed_us, 8);
    assert_string_equal(seen.text, "epoch=7");
}

static void
test_all_that_is_put_comes_back(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    open_store(f);
    struct store_change *change = store_change_new();
    struct containment c = example("01AAAAAAAAAAAAAAAAAAAAAAAA");
    put_one_of_each(change, &c);
    store_submit(f->store, change, on_done, &outcome);
    wait_for(f, &outcome, 1);
    assert_int_equal(outcome.error, 0);
    close_store(f);

    open_store(f);
    assert_loaded(f);
    assert_true(store_has_detection(f->store, "d-1"));
    assert_false(store_has_detection(f->store, "d-2"));
    struct evidence back;
    assert_int_equal(store_read_evidence(f->store, "d-1", &back), 0);
    assert_int_equal(back.size, sizeof(three_bytes));
    assert_memory_equal(back.pcap, three_bytes, sizeof(three_bytes));
    free(back.pcap);
    assert_int_equal(store_read_evidence(f->store, "d-2", &back), -ENOENT);
    struct containment found;
    assert_true(store_find_external(f->store, c.external_id, &found));
    assert_string_equal(found.id, c.id);
    containment_fini(&found);
    assert_false(store_find_external(f->store, "", &found));
    close_store(f);
}

#define SIZE_STEP 93

/* 'count' detections in one change, with texts that are longer than its own room where 'size' is.
 */
static void
put_detections(struct store_change *change, size_t count, size_t size)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < count; i++) {
        struct detection d = {.sensor = "s", .maker = "cordon", .seen_us = 9};
        snprintf(d.id, sizeof(d.id), "d-%zu-%zu-%zu", count, size, i);
        memset(d.url, 'u', size);
        memset(d.indicator, 'i', (size * (i + 1)) % URL_SIZE);
        store_put_detection(change, &d, "incident");
    }
    snprintf(name, sizeof(name), "%zu-%zu", count, size);
    store_put_setting(change, name, "v");
}

static size_t
length_of(const cJSON *row, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(row, name);
    return item ? strlen(item->valuestring) : 0;
}

static void
assert_as_put(const char *id, char *json, size_t length)
{
    size_t count, size, i;
    assert_int_equal(sscanf(id, "d-%zu-%zu-%zu", &count, &size, &i), 3);
    assert_int_equal(length, strlen(json));
    assert_true(sum_take(json, &length));
    cJSON *row = cJSON_Parse(json);
    assert_string_equal(cJSON_GetObjectItem(row, "id")->valuestring, id);
    assert_int_equal(length_of(row, "url"), size);
    assert_int_equal(length_of(row, "indicator"), (size * (i + 1)) % URL_SIZE);
    cJSON_Delete(row);
}

static void
test_changes_of_any_size_come_back(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    int calls = 0;
    size_t wanted = 0, found = 0;
    open_store(f);
    for (size_t count = 1; count <= 50; count += count < 6 ? 1 : 11) {
        for (size_t size = 0; size < URL_SIZE; size += SIZE_STEP) {
            struct store_change *change = store_change_new();
            put_detections(change, count, size);
            store_submit(f->store, change, on_done, &outcome);
            wait_for(f, &outcome, ++calls);
            assert_int_equal(outcome.error, 0);
            wanted += count;
        }
    }
    close_store(f);
    sqlite3 *db;
    sqlite3_stmt *rows;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT id, json FROM detection", -1, &rows, NULL),
                     SQLITE_OK);
    for (; sqlite3_step(rows) == SQLITE_ROW; found++) {
        char *json = strdup((const char *)sqlite3_column_text(rows, 1));
        assert_as_put((const char *)sqlite3_column_text(rows, 0), json,
                      (size_t)sqlite3_column_bytes(rows, 1));
        free(json);
    }
    assert_int_equal(found, wanted);
    sqlite3_finalize(rows);
    sqlite3_close(db);
}

/* The oracle is what was told, not the database: a child tells each 'done' through a pipe and is
 * killed at once; everything that was told must be there. */
static void
test_what_was_told_survives_sigkill(void **state)
{
    struct fixture *f = *state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(told[0]);
        open_store(f);
        for (int i = 0;; i++) {
            struct outcome outcome = {0};
            char id[ID_SIZE];
            snprintf(id, sizeof(id), "01KILL%020d", i);
            struct containment c = example(id);
            struct store_change *change = store_change_new();
            store_put_containment(change, &c);
            store_submit(f->store, change, on_done, &outcome);
            while (outcome.calls == 0) {
                event_base_loop(f->base, EVLOOP_ONCE);
            }
            if (outcome.error || write(told[1], id, ID_SIZE) != ID_SIZE) {
                _exit(1);
            }
        }
    }
    close(told[1]);
    char last[ID_SIZE] = "";
    for (int i = 0; i < 25; i++) {
        assert_int_equal(read(told[0], last, ID_SIZE), ID_SIZE);
    }
    kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    size_t count = 25;
    char id[ID_SIZE];
    while (read(told[0], id, ID_SIZE) == ID_SIZE) {
        memcpy(last, id, ID_SIZE);
        count++;
    }
    close(told[0]);
    open_store(f);
    struct seen seen = {0};
    struct store_loader loader = {.on_containment = see_containment, .context = &seen};
    assert_int_equal(store_load(f->store, &loader), 0);
    assert_true(seen.containments == count || seen.containments == count + 1);
    containment_fini(&seen.last);
    struct containment found;
    char external[NAME_SIZE];
    snprintf(external, sizeof(external), "ticket-%s", last);
    assert_true(store_find_external(f->store, external, &found));
    containment_fini(&found);
    close_store(f);
}

static void
test_changes_that_wait_share_a_commit(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    open_store(f);
    for (int i = 0; i < 200; i++) {
        struct store_change *change = store_change_new();
        char name[NAME_SIZE];
        snprintf(name, sizeof(name), "name-%d", i);
        store_put_setting(change, name, "value");
        store_submit(f->store, change, on_done, &outcome);
    }
    wait_for(f, &outcome, 200);
    struct store_stats stats;
    store_read_stats(f->store, &stats);
    assert_int_equal(stats.changes, 200);
    assert_true(stats.commits < 100); /* alone each would be its own */
    assert_int_equal(stats.waiting, 0);
    close_store(f);
}

static void
test_a_failed_change_takes_back_only_itself(void **state)
{
    struct fixture *f = *state;
    struct outcome good = {0}, bad = {0};
    open_store(f);
    struct store_change *first = store_change_new();
    store_put_setting(first, "one", "1");
    store_put_audit(first, 1, "a", "b", "c", "d");
    store_submit(f->store, first, on_done, &good);
    wait_for(f, &good, 1);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER t BEFORE INSERT ON setting WHEN NEW.name ="
                                  " 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    struct store_change *broken = store_change_new();
    store_put_audit(broken, 2, "a", "b", "c", "lost");
    store_put_setting(broken, "bad", "1");
    store_submit(f->store, broken, on_done, &bad);
    struct store_change *next = store_change_new();
    store_put_setting(next, "two", "2");
    store_put_audit(next, 3, "a", "b", "c", "kept");
    store_submit(f->store, next, on_done, &good);
    wait_for(f, &bad, 1);
    wait_for(f, &good, 2);
    assert_int_not_equal(bad.error, 0);
    assert_int_equal(good.error, 0);
    struct seen seen = {0};
    struct store_loader loader = {.on_setting = see_setting, .context = &seen};
    assert_int_equal(store_load(f->store, &loader), 0);
    assert_int_equal(seen.settings, 2);
    struct walked walked = check_audit(f, NULL);
    assert_int_equal(walked.chain.fault, AUDIT_SOUND);
    assert_int_equal(walked.chain.checked, 2);
    close_store(f);
}

static void
alter(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    sqlite3_close(db);
}

static void
test_an_unreadable_containment_fails_the_load(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    open_store(f);
    struct store_change *change = store_change_new();
    struct containment c = example("01AAAAAAAAAAAAAAAAAAAAAAAA");
    store_put_containment(change, &c);
    store_submit(f->store, change, on_done, &outcome);
    wait_for(f, &outcome, 1);
    struct seen seen = {0};
    struct store_loader loader = {.on_containment = see_containment, .context = &seen};
    /* one bit: another reason, and every member still as it may be */
    alter(f, "UPDATE containment SET json = replace(json, 'isolate', 'isolatd')");
    assert_int_equal(store_load(f->store, &loader), -EBADMSG);
    alter(f, "UPDATE containment SET json = replace(json, 'isolatd', 'isolate')");
    assert_int_equal(store_load(f->store, &loader), 0);
    alter(f, "UPDATE containment SET json = '{\"id\":\"x\",\"unknown\":1}'");
    assert_int_equal(store_load(f->store, &loader), -EBADMSG);
    /* with the right sum, by whatever release: no damage, a copy would not help */
    char text[64] = "{\"id\":\"x\",\"unknown\":1}", sql[256];
    sum_add(text, strlen(text));
    snprintf(sql, sizeof(sql), "UPDATE containment SET json = '%s'", text);
    alter(f, sql);
    assert_int_equal(store_load(f->store, &loader), -EINVAL);
    static const char plain[] = "{\"id\":\"x\",\"unknown\":1}"; /* the sum of earlier releases */
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        snprintf(sql, sizeof(sql), "UPDATE containment SET json = '%.*s,\"sum\":\"%016llx\"}'",
                 (int)sizeof(plain) - 2, plain,
                 (unsigned long long)hash_stable(plain, sizeof(plain) - 1) ^ wrong);
        alter(f, sql);
        assert_int_equal(store_load(f->store, &loader), wrong ? -EBADMSG : -EINVAL);
    }
    alter(f, "UPDATE containment SET json = '{\"id\":'");
    assert_int_equal(store_load(f->store, &loader), -EBADMSG);
    containment_fini(&seen.last);
    close_store(f);
}

static void
count_setting(void *context, const char *name, const char *value)
{
    (void)name, (void)value;
    ++*(int *)context;
}

/* One bit of a value or a name: no default takes its place, neither at a start nor later. */
static void
test_a_damaged_setting_fails_the_load(void **state)
{
    static const char *const damage[] = {
        "UPDATE setting SET value = '0 somebody' WHERE name = 'suspended'",
        "UPDATE setting SET value = '' WHERE name = 'suspended'",
        "UPDATE setting SET name = 'suspendee' WHERE name = 'suspended'",
        "UPDATE setting SET sum = sum + 1 WHERE name = 'suspended'",
    };
    static const char *const mends[] = {
        "UPDATE setting SET value = '1 somebody' WHERE name = 'suspended'",
        "UPDATE setting SET value = '1 somebody' WHERE name = 'suspended'",
        "UPDATE setting SET name = 'suspended' WHERE name = 'suspendee'",
        "UPDATE setting SET sum = sum - 1 WHERE name = 'suspended'",
    };
    struct fixture *f = *state;
    struct outcome outcome = {0};
    char mark[PATH_MAX];
    int count = 0;
    struct store_loader loader = {.on_setting = count_setting, .context = &count};
    open_store(f);
    struct store_change *change = store_change_new();
    store_put_setting(change, "suspended", "1 somebody");
    store_put_setting(change, "epoch", "7");
    store_submit(f->store, change, on_done, &outcome);
    wait_for(f, &outcome, 1);
    snprintf(mark, sizeof(mark), "%s.suspect", f->path);
    for (size_t i = 0; i < COUNT_OF(damage); i++) {
        alter(f, damage[i]);
        assert_int_equal(store_load(f->store, &loader), -EBADMSG);
        assert_int_equal(unlink(mark), 0); /* noted for the next start */
        if (i != 2) {                      /* of another name, nobody finds it by its own */
            char *value = store_read_setting(f->store, "suspended");
            assert_string_equal(value, "");
            free(value);
            assert_int_equal(unlink(mark), 0);
        }
        alter(f, mends[i]);
        count = 0;
        assert_int_equal(store_load(f->store, &loader), 0);
        assert_int_equal(count, 2);
        assert_int_equal(access(mark, F_OK), -1);
    }
    alter(f, "UPDATE setting SET sum = NULL WHERE name = 'epoch'"); /* of an earlier release */
    assert_int_equal(store_load(f->store, &loader), 0);
    close_store(f);
}

static void
test_a_name_of_a_setting_is_never_cut(void **state)
{
    static const size_t lengths[] = {70, SETTING_NAME_SIZE - 1};
    struct fixture *f = *state;
    struct outcome outcome = {0};
    char name[2 * SETTING_NAME_SIZE] = "";
    int count = 0;
    struct store_loader loader = {.on_setting = count_setting, .context = &count};
    open_store(f);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct store_change *change = store_change_new();
        memset(name, 'a', lengths[i]);
        store_put_setting(change, name, "denied");
        store_submit(f->store, change, on_done, &outcome);
        wait_for(f, &outcome, (int)i + 1);
        assert_int_equal(outcome.error, 0);
    }
    struct store_change *change = store_change_new();
    memset(name, 'a', SETTING_NAME_SIZE);
    store_put_setting(change, name, "denied");
    store_put_setting(change, "beside", "1");
    store_submit(f->store, change, on_done, &outcome);
    wait_for(f, &outcome, 3);
    assert_int_not_equal(outcome.error, 0);
    close_store(f);

    open_store(f);
    assert_int_equal(store_load(f->store, &loader), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        name[lengths[COUNT_OF(lengths) - 1 - i]] = '\0';
        char *value = store_read_setting(f->store, name);
        assert_non_null(value);
        assert_string_equal(value, "denied");
        free(value);
    }
    close_store(f);
}

struct releases {
    char text[200];
    size_t used;
};

static void
on_released(void *context, const char *endpoint_id, int64_t released_us)
{
    struct releases *seen = context;
    seen->used += (size_t)snprintf(seen->text + seen->used, sizeof(seen->text) - seen->used,
                                   "%s %lld;", endpoint_id, (long long)released_us);
}

static void
on_isolation(void *context, int64_t requested_us)
{
    on_released(context, "", requested_us);
}

static void
test_what_policy_remembers_of_ended_ones(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *endpoint_id, *policy;
        enum containment_state state;
        enum action action;
        enum hold hold;
        int64_t requested_us, ended_us;
    } rows[] = {
        {"a", "p", CONTAINMENT_RELEASED, ACTION_ISOLATE, HOLD_NONE, 10, 20},
        {"a", "p", CONTAINMENT_RELEASED, ACTION_BLOCK_PAIR, HOLD_NONE, 30, 60},
        {"b", "p", CONTAINMENT_RELEASED, ACTION_ISOLATE, HOLD_NONE, 31, 50},
        {"c", "p", CONTAINMENT_EXPIRED, ACTION_ISOLATE, HOLD_NONE, 32, 55},
        {"d", "", CONTAINMENT_RELEASED, ACTION_ISOLATE, HOLD_NONE, 33, 40},
        {"e", "p", CONTAINMENT_REVERTED, ACTION_ISOLATE, HOLD_WEAK, 34, 40},
        {"", "p", CONTAINMENT_RELEASED, ACTION_BLOCK_SERVER, HOLD_NONE, 35, 40},
        {"f", "p", CONTAINMENT_VERIFIED, ACTION_ISOLATE, HOLD_NONE, 36, 0},
        {"g", "p", CONTAINMENT_VERIFIED, ACTION_ISOLATE, HOLD_NONE, 12, 0},
    };
    open_store(f);
    struct outcome outcome = {0};
    struct store_change *change = store_change_new();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char id[8];
        snprintf(id, sizeof(id), "c-%zu", i);
        struct containment c = example(id);
        snprintf(c.endpoint_id, sizeof(c.endpoint_id), "%s", rows[i].endpoint_id);
        snprintf(c.policy, sizeof(c.policy), "%s", rows[i].policy);
        c.state = rows[i].state;
        c.action = rows[i].action;
        c.hold = rows[i].hold;
        c.requested_us = rows[i].requested_us;
        c.ended_us = rows[i].ended_us;
        store_put_containment(change, &c);
    }
    store_submit(f->store, change, on_done, &outcome);
    wait_for(f, &outcome, 1);
    struct releases seen = {.used = 0};
    assert_int_equal(store_read_released(f->store, 20, 100, on_released, &seen), 0);
    assert_string_equal(seen.text, "d 40;b 50;a 60;");
    seen = (struct releases){.used = 0};
    assert_int_equal(store_read_released(f->store, 0, 2, on_released, &seen), 0);
    assert_string_equal(seen.text, "b 50;a 60;"); /* the newest */
    seen = (struct releases){.used = 0};
    assert_int_equal(store_read_isolations(f->store, 12, 100, on_isolation, &seen), 0);
    assert_string_equal(seen.text, " 31; 32; 36;");
    seen = (struct releases){.used = 0};
    assert_int_equal(store_read_isolations(f->store, 0, 2, on_isolation, &seen), 0);
    assert_string_equal(seen.text, " 32; 36;");
    close_store(f);
}

/* Two would number the audit twice. */
static void
test_one_process_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct store *second = NULL;
    char why[256] = "";
    open_store(f);
    assert_int_equal(store_open(f->path, f->base, &second, why), -EWOULDBLOCK);
    assert_non_null(strstr(why, "another cordond"));
    close_store(f);
    open_store(f);
    close_store(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_that_is_put_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_of_any_size_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_told_survives_sigkill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_that_wait_share_a_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_change_takes_back_only_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_unreadable_containment_fails_the_load, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_setting_fails_the_load, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_name_of_a_setting_is_never_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_policy_remembers_of_ended_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_process_at_a_time, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
