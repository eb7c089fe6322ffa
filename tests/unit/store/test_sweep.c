/* Retention in a real database: what is old goes and what is needed stays; what went is not in the
 * bytes of the file or its log any more, and the file is shorter. */
#include "stored.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/containment.h"
#include "store/sweep.h"

#define DAY INT64_C(86400000000)
#define NOW (400 * DAY)
#define OLD (NOW - 200 * DAY)
#define PACKETS 20000

static int64_t
number(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t is = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return is;
}

static void
put_detection(struct store_change *change, const char *id, const char *incident_id, int64_t at_us,
              const char *name, const char *ip)
{
    static struct detection d;
    static uint8_t packets[PACKETS];
    d = (struct detection){.seen_us = at_us, .severity = SEVERITY_HIGH, .has_evidence = true};
    snprintf(d.id, sizeof(d.id), "%s", id);
    snprintf(d.sensor, sizeof(d.sensor), "s1");
    snprintf(d.maker, sizeof(d.maker), "cordon");
    snprintf(d.signature, sizeof(d.signature), "a name on a list");
    snprintf(d.server_name, sizeof(d.server_name), "%s", name);
    snprintf(d.url, sizeof(d.url), "http://%s/path", name);
    assert_true(ip_parse(ip, &d.src.ip));
    store_put_detection(change, &d, incident_id);
    memset(packets, id[0], sizeof(packets));
    memcpy(packets + 100, name, strlen(name));
    struct evidence evidence = {.pcap = packets, .size = sizeof(packets)};
    snprintf(evidence.detection_id, sizeof(evidence.detection_id), "%s", id);
    store_put_evidence(change, &evidence);
}

static void
put_incident(struct store_change *change, const char *id, int64_t at_us, const char *name)
{
    struct incident i = {.last_us = at_us, .is_open = true};
    snprintf(i.id, sizeof(i.id), "%s", id);
    snprintf(i.server_name, sizeof(i.server_name), "%s", name);
    snprintf(i.summary, sizeof(i.summary), "pc-of-alice: a name on a list; 3 detections");
    store_put_incident(change, &i);
}

static void
put_containment(struct store_change *change, const char *id, const char *incident_id,
                int64_t asked_us, int64_t ended_us)
{
    struct containment c = {
        .action = ACTION_ISOLATE, .requested_us = asked_us, .ended_us = ended_us};
    c.state = ended_us ? CONTAINMENT_RELEASED : CONTAINMENT_VERIFIED;
    snprintf(c.id, sizeof(c.id), "%s", id);
    snprintf(c.incident_id, sizeof(c.incident_id), "%s", incident_id);
    char reason[TEXT_SIZE];
    snprintf(reason, sizeof(reason), "met evil-%s.example", id);
    c.reason = reason;
    store_put_containment(change, &c);
}

/* Three old incidents, of which one has a containment in force and one still collects; one young.
 * Ten detections each, a day apart. */
static void
fill(struct fixture *f)
{
    static const char *const incidents[] = {"I-OLD", "I-LIVE", "I-OPEN", "I-YOUNG"};
    for (int i = 0; i < 4; i++) {
        struct store_change *change = store_change_new();
        int64_t from = i == 3 ? NOW - 10 * DAY : NOW - 300 * DAY;
        for (int k = 0; k < 10; k++) {
            char id[32], name[64];
            snprintf(id, sizeof(id), "%c-%d", 'a' + i, k);
            snprintf(name, sizeof(name), "host-%d.%s.example", k, incidents[i]);
            put_detection(change, id, incidents[i], from + k * DAY, name,
                          k == 4 ? "10.1.0.2" : "10.1.0.20");
        }
        /* Engines leave incidents open in the store: only those seen lately collect. */
        put_incident(change, incidents[i], i == 2 ? NOW - 60000000 : from + 9 * DAY,
                     "secret.example");
        submit(f, change);
    }
    struct store_change *change = store_change_new();
    put_containment(change, "C-LIVE", "I-LIVE", NOW - 290 * DAY, 0);
    put_containment(change, "C-OVER", "I-OLD", NOW - 290 * DAY, NOW - 280 * DAY);
    put_containment(change, "C-LATE", "I-YOUNG", NOW - 290 * DAY, NOW - 5 * DAY);
    submit(f, change);
}

static int
begin(void **state)
{
    setup(state);
    struct fixture *f = *state;
    open_store(f);
    fill(f);
    return 0;
}

/* All slices; returns how many there were. */
static int
sweep(struct fixture *f, struct store_sweep *sweep)
{
    int slices = 0;
    sweep->place_us = INT64_MIN;
    sweep->open_us = NOW - 3600000000;
    while (!sweep->is_over) {
        struct store_sweep slice = *sweep;
        struct store_change *change = store_change_new();
        store_put_sweep(change, &slice);
        submit(f, change);
        *sweep = slice;
        slices++;
    }
    return slices;
}

static struct store_sweep
swept(struct fixture *f, enum sweep_of of, enum sweep_act act, int64_t before_us)
{
    struct store_sweep is = {.of = of, .act = act, .before_us = before_us};
    sweep(f, &is);
    return is;
}

static void
scrub(struct fixture *f)
{
    store_scrub(f->store);
    for (int i = 0; !store_is_scrubbed(f->store) && i < 6000; i++) {
        usleep(5000);
    }
    assert_true(store_is_scrubbed(f->store));
}

/* In the file, and in its log. */
static bool
is_in_bytes(struct fixture *f, const char *text)
{
    static const char *const suffixes[] = {"", "-wal"};
    bool found = false;
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
        FILE *file = fopen(path, "rb");
        if (!file) {
            continue;
        }
        char *bytes = malloc(64 << 20);
        size_t size = fread(bytes, 1, 64 << 20, file);
        found = found || memmem(bytes, size, text, strlen(text)) != NULL;
        free(bytes);
        fclose(file);
    }
    return found;
}

static void
test_what_is_old_goes_and_what_is_needed_stays(void **state)
{
    struct fixture *f = *state;
    struct store_sweep dry = swept(f, SWEEP_DETECTIONS, SWEEP_LOOK, OLD);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 40);
    struct store_sweep wet = swept(f, SWEEP_DETECTIONS, SWEEP_DROP, OLD);
    assert_int_equal(dry.rows, 10);
    assert_int_equal(wet.rows, 10);
    assert_int_equal(dry.kept, 20); /* of what is in force, and of what still collects */
    assert_int_equal(wet.kept, 20);
    assert_int_equal(dry.bytes, wet.bytes);
    assert_int_equal(dry.oldest_us, NOW - 300 * DAY);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-OLD'"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-LIVE'"), 10);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-OPEN'"), 10);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE incident_id = 'I-YOUNG'"), 10);
    assert_int_equal(number(f, "SELECT count(*) FROM evidence"), 30); /* its packets went with it */

    assert_int_equal(swept(f, SWEEP_INCIDENTS, SWEEP_DROP, OLD).rows, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM incident WHERE id = 'I-OLD'"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM incident"), 3);

    assert_int_equal(swept(f, SWEEP_CONTAINMENTS, SWEEP_DROP, OLD).rows, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE id = 'C-OVER'"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us = 0"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM ended WHERE id = 'C-OVER'"), 0);
}

static void
test_once_it_is_not_needed_any_more_it_goes(void **state)
{
    struct fixture *f = *state;
    struct store_change *change = store_change_new();
    put_containment(change, "C-LIVE", "I-LIVE", NOW - 290 * DAY, NOW);
    submit(f, change);
    struct store_sweep wet = swept(f, SWEEP_DETECTIONS, SWEEP_DROP, OLD);
    assert_int_equal(wet.rows, 20);
    assert_int_equal(wet.kept, 10);
}

static void
test_names_are_taken_out_and_the_detection_stays(void **state)
{
    struct fixture *f = *state;
    assert_true(is_in_bytes(f, "host-3.I-OLD.example"));
    struct store_sweep evidence = swept(f, SWEEP_EVIDENCE, SWEEP_DROP, OLD);
    assert_int_equal(evidence.rows, 10);
    assert_int_equal(evidence.bytes, 10 * PACKETS);
    assert_int_equal(swept(f, SWEEP_NAMES, SWEEP_PLAIN, OLD).rows, 10);
    assert_int_equal(swept(f, SWEEP_INCIDENTS, SWEEP_PLAIN, OLD).rows, 1);
    scrub(f);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 40);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE json LIKE '%a name on a list%'"
                               " AND json LIKE '%\"is_pruned\":true%'"),
                     10);
    assert_false(is_in_bytes(f, "host-3.I-OLD.example"));
    assert_false(is_in_bytes(f, "host-9.I-OLD.example"));
    assert_true(is_in_bytes(f, "host-3.I-LIVE.example")); /* needed */
    assert_true(is_in_bytes(f, "host-3.I-YOUNG.example"));
    assert_int_equal(store_look_incident(f->store, "I-OLD"), INCIDENT_PLAIN);
    assert_int_equal(store_look_incident(f->store, "I-LIVE"), INCIDENT_NAMED);
    assert_int_equal(store_look_incident(f->store, "I-NONE"), INCIDENT_GONE);
    /* Nothing is left to do. */
    struct store_sweep again = swept(f, SWEEP_NAMES, SWEEP_PLAIN, OLD);
    assert_int_equal(again.rows, 0);
    assert_int_equal(again.kept, 20);
}

static void
count_one(void *context, const struct detection *d)
{
    int *count = context;
    *count += d->is_pruned && d->server_name[0] == '\0' && d->url[0] == '\0';
}

static void
test_a_plain_row_is_read_as_such(void **state)
{
    struct fixture *f = *state;
    int plain = 0;
    (void)swept(f, SWEEP_NAMES, SWEEP_PLAIN, OLD);
    assert_int_equal(store_read_detections(f->store, "I-OLD", 100, count_one, &plain), 0);
    assert_int_equal(plain, 10);
}

/* What comes again for an incident whose names went has names again. */
static void
test_names_that_come_again_go_again(void **state)
{
    struct fixture *f = *state;
    (void)swept(f, SWEEP_INCIDENTS, SWEEP_PLAIN, OLD);
    struct store_change *change = store_change_new();
    put_incident(change, "I-OLD", NOW - 300 * DAY, "secret.example");
    submit(f, change);
    assert_int_equal(store_look_incident(f->store, "I-OLD"), INCIDENT_NAMED);
    assert_int_equal(swept(f, SWEEP_INCIDENTS, SWEEP_PLAIN, OLD).rows, 1);
}

static void
add(struct sweep_subject *subject, const char *value)
{
    assert_true(sweep_subject_add(subject, value));
}

static void
test_a_subject_is_a_whole_word(void **state)
{
    (void)state;
    struct sweep_subject ip = {.count = 0}, name = {.count = 0}, mac = {.count = 0},
                         v6 = {.count = 0}, ja = {.count = 0};
    add(&ip, "10.1.0.2");
    assert_true(sweep_subject_is_in(&ip, "{\"ip\":\"10.1.0.2\"}"));
    assert_true(sweep_subject_is_in(&ip, "from 10.1.0.2."));
    assert_true(sweep_subject_is_in(&ip, "http://10.1.0.2:80/"));
    assert_true(sweep_subject_is_in(&ip, "10.1.0.2/32"));
    assert_false(sweep_subject_is_in(&ip, "10.1.0.20"));
    assert_false(sweep_subject_is_in(&ip, "110.1.0.2"));
    assert_false(sweep_subject_is_in(&ip, "10.1.0.2.5"));
    assert_false(sweep_subject_is_in(&ip, "5.10.1.0.2"));
    assert_true(sweep_subject_is_in(&ip, "10.1.0.20 10.1.0.2"));
    add(&name, "Alice");
    assert_true(sweep_subject_is_in(&name, "mail of alice@example.com"));
    assert_true(sweep_subject_is_in(&name, "ALICE.example"));
    assert_false(sweep_subject_is_in(&name, "malice.example"));
    assert_false(sweep_subject_is_in(&name, "alices"));
    add(&mac, "02:00:00:00:00:01");
    assert_true(sweep_subject_is_in(&mac, "\"02:00:00:00:00:01\""));
    assert_false(sweep_subject_is_in(&mac, "02:00:00:00:00:01:7"));
    add(&v6, "2001:db8::1");
    assert_true(sweep_subject_is_in(&v6, "[2001:DB8::1]:443"));
    assert_false(sweep_subject_is_in(&v6, "2001:db8::12"));
    add(&ja, "鈴木");
    assert_true(sweep_subject_is_in(&ja, "担当は鈴木です"));
    assert_false(sweep_subject_is_in(&(struct sweep_subject){.count = 0}, "nobody is in no text"));
    assert_false(sweep_subject_add(&name, "ab"));
    assert_false(sweep_subject_add(&name, "a\"b\"c"));
    assert_false(sweep_subject_add(&name, "a\\bc"));
    assert_false(sweep_subject_add(&name, "a\nbc"));
}

/* What cannot be looked for (too short) leaves a subject without values: that is nobody. */
static void
test_nobody_is_about_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_sweep none = {
        .of = SWEEP_DETECTIONS, .act = SWEEP_DROP, .before_us = INT64_MAX, .is_about = true};
    int64_t before = number(f, "SELECT count(*) FROM detection");
    assert_true(before > 0);
    sweep(f, &none);
    assert_int_equal(none.rows, 0);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), before);
}

/* Whoever calls his machine like a member of a row is not in all of them. */
static void
test_a_member_is_nobody(void **state)
{
    struct fixture *f = *state;
    struct sweep_subject src = {.count = 0};
    add(&src, "Src");
    assert_false(sweep_subject_is_in(&src, "{\"src\":{\"ip\":\"10.1.0.2\"}}"));
    assert_true(sweep_subject_is_in(&src, "{\"src\":{\"name\":\"src\"}}"));
    assert_true(sweep_subject_is_in(&src, "{\"summary\":\"src: 3 detections\"}"));
    static const char *const words[] = {"src",   "sensor",  "Signature", "severity",
                                        "HIGH",  "isolate", "verified",  "true",
                                        "marks", "cordon",  "host_name", "channel"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        assert_true(sweep_subject_is_word(words[i]));
    }
    assert_false(sweep_subject_is_word("alice"));
    assert_false(sweep_subject_is_word("10.1.0.2"));
    assert_false(sweep_subject_is_word("highness"));
    static const char *const members[] = {"src", "sensor", "signature"};
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        struct store_sweep look = {
            .of = SWEEP_DETECTIONS, .act = SWEEP_LOOK, .before_us = INT64_MAX, .is_about = true};
        add(&look.subject, members[i]);
        sweep(f, &look);
        assert_int_equal(look.rows + look.kept, 0);
    }
}

static void
test_about_somebody(void **state)
{
    struct fixture *f = *state;
    struct store_sweep dry = {
        .of = SWEEP_DETECTIONS, .act = SWEEP_LOOK, .before_us = INT64_MAX, .is_about = true};
    add(&dry.subject, "10.1.0.2");
    struct store_sweep wet = dry;
    wet.act = SWEEP_DROP;
    sweep(f, &dry);
    sweep(f, &wet);
    assert_int_equal(dry.rows, 2); /* I-OLD and I-YOUNG have one each */
    assert_int_equal(dry.kept, 2);
    assert_int_equal(wet.rows, 2);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE json LIKE '%\"10.1.0.2\"%'"),
                     2);
    /* Of an incident that is about them, what does not name them goes too. */
    struct store_sweep incident = {
        .of = SWEEP_DETECTIONS, .act = SWEEP_DROP, .before_us = INT64_MAX, .is_about = true};
    add(&incident.subject, "I-YOUNG");
    sweep(f, &incident);
    assert_int_equal(incident.rows, 9);
}

static void
test_what_went_is_not_in_the_bytes(void **state)
{
    struct fixture *f = *state;
    struct stat before, after;
    static const enum sweep_of all[] = {SWEEP_DETECTIONS, SWEEP_INCIDENTS, SWEEP_CONTAINMENTS};
    scrub(f);
    assert_true(is_in_bytes(f, "host-3.I-OLD.example"));
    assert_true(is_in_bytes(f, "evil-C-OVER.example"));
    assert_int_equal(stat(f->path, &before), 0);
    for (size_t i = 0; i < 3; i++) {
        (void)swept(f, all[i], SWEEP_DROP, OLD);
    }
    scrub(f);
    assert_false(is_in_bytes(f, "host-3.I-OLD.example"));
    assert_false(is_in_bytes(f, "I-OLD"));
    assert_false(is_in_bytes(f, "evil-C-OVER.example"));
    assert_true(is_in_bytes(f, "evil-C-LIVE.example"));
    assert_int_equal(stat(f->path, &after), 0);
    assert_true(before.st_size - after.st_size > 8 * PACKETS);
}

/* The search by any part of a text does not find it either. */
static void
test_what_went_is_not_found(void **state)
{
    struct fixture *f = *state;
    static const char over[] = "SELECT count(*) FROM ended_text WHERE text MATCH '\"vil-C-OVE\"'";
    assert_int_equal(number(f, over), 1);
    (void)swept(f, SWEEP_CONTAINMENTS, SWEEP_DROP, OLD);
    scrub(f);
    assert_int_equal(number(f, over), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM ended_text WHERE text MATCH '\"vil-C-LAT\"'"),
                     1);
}

/* A database of an earlier release does not shrink by itself: it is made one that does. */
static void
test_an_older_file_learns_to_shrink(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    close_store(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA auto_vacuum = NONE; VACUUM", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(number(f, "PRAGMA auto_vacuum"), 0);
    open_store(f);
    assert_int_equal(number(f, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 40);
}

/* Most bytes: it ends when so many went, the oldest first. */
static void
test_the_oldest_packets_go_first(void **state)
{
    struct fixture *f = *state;
    struct store_sweep wet = {
        .of = SWEEP_EVIDENCE, .act = SWEEP_DROP, .before_us = INT64_MAX, .most_bytes = 4 * PACKETS};
    sweep(f, &wet);
    assert_int_equal(wet.rows, 4);
    assert_int_equal(number(f, "SELECT count(*) FROM evidence WHERE detection_id IN"
                               " ('a-0', 'a-1', 'a-2', 'a-3')"),
                     0);
    assert_int_equal(number(f, "SELECT count(*) FROM evidence"), 36);
}

/* Slices are short: many rows take many of them, and each begins where the last ended, also in
 * another run. */
static void
test_many_rows_take_many_slices(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        struct store_change *change = store_change_new();
        for (int k = 0; k < 100; k++) {
            char id[32];
            snprintf(id, sizeof(id), "many-%d-%d", i, k);
            put_detection(change, id, "I-MANY", NOW - 250 * DAY, "many.example", "10.1.0.9");
        }
        submit(f, change);
    }
    assert_int_equal(swept(f, SWEEP_DETECTIONS, SWEEP_LOOK, OLD).rows, 1010);
    struct store_sweep first = {
        .of = SWEEP_DETECTIONS, .act = SWEEP_DROP, .before_us = OLD, .place_us = INT64_MIN};
    struct store_change *change = store_change_new();
    store_put_sweep(change, &first);
    submit(f, change);
    assert_true(first.rows > 0 && first.rows < 100 && !first.is_over);
    close_store(f);
    open_store(f);
    struct store_sweep rest = {.of = SWEEP_DETECTIONS, .act = SWEEP_DROP, .before_us = OLD};
    assert_true(sweep(f, &rest) > 10);
    assert_int_equal(first.rows + rest.rows, 1010);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 30);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_old_goes_and_what_is_needed_stays, begin,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_once_it_is_not_needed_any_more_it_goes, begin,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_names_are_taken_out_and_the_detection_stays, begin,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_plain_row_is_read_as_such, begin, teardown),
        cmocka_unit_test_setup_teardown(test_names_that_come_again_go_again, begin, teardown),
        cmocka_unit_test(test_a_subject_is_a_whole_word),
        cmocka_unit_test_setup_teardown(test_a_member_is_nobody, begin, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_about_nothing, begin, teardown),
        cmocka_unit_test_setup_teardown(test_about_somebody, begin, teardown),
        cmocka_unit_test_setup_teardown(test_what_went_is_not_in_the_bytes, begin, teardown),
        cmocka_unit_test_setup_teardown(test_what_went_is_not_found, begin, teardown),
        cmocka_unit_test_setup_teardown(test_an_older_file_learns_to_shrink, begin, teardown),
        cmocka_unit_test_setup_teardown(test_the_oldest_packets_go_first, begin, teardown),
        cmocka_unit_test_setup_teardown(test_many_rows_take_many_slices, begin, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
