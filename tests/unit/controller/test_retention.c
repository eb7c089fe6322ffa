/* A year of what is kept, by a clock that is advanced: what is old goes by itself, what a
 * containment needs stays, and the audit begins behind an anchor that only we can sign. */
#include "years.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/retention/retention.h"
#include "topology/topology.h"

/* Until the pass that is due is over. */
static void
pass(struct fixture *f)
{
    struct retention_view view;
    retention_look(f->campus.controller, &view);
    int64_t before = view.passed_us;
    clock_fake_advance(&f->campus.clock, RETENTION_EVERY_US);
    for (int i = 0; view.passed_us == before && i < 5000; i++) {
        breathe(f);
        campus_pass(&f->campus, SECOND / 4);
        retention_look(f->campus.controller, &view);
    }
    assert_true(view.passed_us != before);
}

struct checked {
    int calls, error;
    enum audit_fault fault;
    int64_t anchor;
};

static void
on_chain(void *context, int error, const struct audit_chain *chain)
{
    struct checked *checked = context;
    checked->calls++;
    checked->error = error;
    checked->fault = chain->fault;
    checked->anchor = chain->anchor;
}

static struct checked
verify(struct fixture *f)
{
    struct checked checked = {0};
    const struct store_walk walk = {.key = f->signer.key};
    store_check_audit(f->campus.store, &walk, on_chain, &checked);
    while (checked.calls == 0) {
        event_base_loop(f->campus.base, EVLOOP_ONCE);
    }
    assert_int_equal(checked.error, 0);
    return checked;
}

static void
test_a_year_goes_by(void **state)
{
    struct fixture *f = *state;
    client(f, 2);
    client(f, 3);
    struct wish_answer answer = {0};
    detect(f, "d-2", "10.1.0.2"); /* contained, and stays so for ten years */
    controller_extend(f->campus.controller, campus_newest(&f->campus)->id, 3650 * 86400,
                      "operator:ann", campus_answer, &answer);
    detect(f, "d-3", "10.1.0.3"); /* contained, and released */
    const struct containment *three = campus_newest(&f->campus);
    assert_non_null(three);
    char id[ID_SIZE];
    memcpy(id, three->id, sizeof(id));
    controller_release(f->campus.controller, id, "operator:ann", "clean", campus_answer, &answer);
    campus_settle(&f->campus);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 2);
    later(f, 100 * DAY);
    pass(f);
    /* Names of what is over are gone; those of the one in force are not. */
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE is_plain"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE id = 'd-3' AND is_plain"), 1);
    later(f, 270 * DAY);
    pass(f);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE id = 'd-2'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE id = 'd-3'"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM incident"), 1);
    assert_int_equal(controller_incident_count(f->campus.controller), 1);
    /* Its endpoint, silent for a year, is contained: it stays; the other one is gone. */
    assert_non_null(campus_endpoint(&f->campus, 2));
    assert_null(campus_endpoint(&f->campus, 3));
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us = 0"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us <> 0"), 1);
    later(f, 800 * DAY);
    pass(f);
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us <> 0"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us = 0"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM detection WHERE id = 'd-2'"), 1);
    assert_true(number(f, "SELECT count(*) FROM audit WHERE action = 'retention.prune'") >= 5);
    assert_int_equal(verify(f).fault, AUDIT_SOUND);
    /* And after a restart all of that is as it was. */
    restart(f);
    assert_int_equal(controller_containment_count(f->campus.controller), 1);
    assert_non_null(campus_endpoint(&f->campus, 2));
}

static void
test_the_audit_begins_behind_an_anchor(void **state)
{
    struct fixture *f = *state;
    rows_put(f, 300);
    later(f, 1000 * DAY);
    rows_put(f, 10);
    later(f, 100 * DAY); /* those 300 are too old now, and those 10 are not */
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT max(number) FROM audit WHERE at_us < %lld",
             (long long)(clock_wall_us(&f->campus.clock.clock) - 1095 * DAY));
    int64_t old = number(f, sql);
    assert_true(old >= 300);
    pass(f);
    pass(f);
    assert_int_equal(number(f, "SELECT min(number) FROM audit"), old + 1);
    struct checked checked = verify(f);
    assert_int_equal(checked.fault, AUDIT_SOUND);
    assert_int_equal(checked.anchor, old);
    assert_int_equal(
        number(f, "SELECT count(*) FROM audit WHERE action = 'retention.prune' AND object ="
                  " 'audit'"),
        1);
    /* An export begins with who says so. */
    assert_int_equal(ask(f, "audit.export", "auditor", "{\"format\":\"json\"}"), 0);
    for (int i = 0; f->status == 0 && i < 5000; i++) {
        breathe(f);
    }
    assert_int_equal(f->status, 200);
    struct checkpoint anchor;
    assert_non_null(f->bytes);
    assert_true(strncmp(f->bytes, "{\"pruned\":\"", 11) == 0);
    assert_true(anchor_line_find(f->bytes, &anchor));
    assert_int_equal(anchor.number, old);
    assert_true(checkpoint_is_signed(&anchor, &f->signer.key));
    char first[64];
    snprintf(first, sizeof(first), "\n{\"number\":%lld,", (long long)old + 1);
    assert_non_null(strstr(f->bytes, first));
    /* A cut by somebody else, behind ours. */
    snprintf(sql, sizeof(sql), "DELETE FROM audit WHERE number <= %lld", (long long)old + 3);
    tamper(f, sql);
    assert_int_equal(verify(f).fault, AUDIT_REMOVED);
}

/* Everybody holds checkpoints: one of them is no anchor, however it is written there. */
static void
test_a_checkpoint_is_no_anchor(void **state)
{
    struct fixture *f = *state;
    struct checkpoints_view view;
    char line[CHECKPOINT_NOTE_SIZE], sql[CHECKPOINT_NOTE_SIZE + 256];
    rows_put(f, 300);
    checkpoints_make(f->campus.controller);
    checkpoints_look(f->campus.controller, &view);
    assert_true(view.recent_count > 0);
    struct checkpoint forged = view.recent[view.recent_count - 1];
    rows_put(f, 20);
    forged.is_anchor = true; /* the signature is of something else */
    checkpoint_line_format(&forged, line);
    snprintf(sql, sizeof(sql),
             "INSERT OR REPLACE INTO setting(name, value) VALUES('" AUDIT_ANCHOR "', '%s');"
             "DELETE FROM audit WHERE number <= %lld",
             line, (long long)forged.number);
    tamper(f, sql);
    assert_int_equal(verify(f).fault, AUDIT_REMOVED);
    /* The same by whoever has the key. */
    struct checkpoint genuine = forged;
    checkpoint_sign(&genuine, &f->signer.key, f->signer.secret);
    checkpoint_line_format(&genuine, line);
    snprintf(sql, sizeof(sql),
             "UPDATE setting SET sum = NULL, value = '%s' WHERE name = '" AUDIT_ANCHOR "'", line);
    tamper(f, sql);
    assert_int_equal(verify(f).fault, AUDIT_SOUND);
}

/* What somebody cut away must not vanish behind our own anchor. */
static void
test_a_tampered_log_is_not_pruned(void **state)
{
    struct fixture *f = *state;
    rows_put(f, 300);
    later(f, 1000 * DAY);
    rows_put(f, 10);
    tamper(f, "DELETE FROM audit WHERE number = 17");
    later(f, 100 * DAY);
    pass(f);
    pass(f);
    assert_int_equal(number(f, "SELECT min(number) FROM audit"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM setting WHERE name = '" AUDIT_ANCHOR "'"), 0);
    assert_int_equal(verify(f).fault, AUDIT_REMOVED);
}

/* The anchor is on the disk, some rows before it are not gone yet, and the power goes. */
static void
test_pruning_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    rows_put(f, 1500);
    later(f, 1000 * DAY);
    rows_put(f, 10);
    clock_fake_advance(&f->campus.clock, 100 * DAY + RETENTION_EVERY_US);
    for (int i = 0; i < 5000 && number(f, "SELECT min(number) FROM audit") == 1; i++) {
        breathe(f);
        campus_pass(&f->campus, SECOND / 4);
    }
    int64_t min = number(f, "SELECT min(number) FROM audit");
    assert_true(min > 1 && min < 1500);
    struct checked half = verify(f);
    assert_int_equal(half.fault, AUDIT_SOUND);
    assert_true(half.anchor > min);
    restart(f);
    assert_int_equal(verify(f).fault, AUDIT_SOUND);
    campus_pass(&f->campus, RETENTION_FIRST_US);
    for (int i = 0; i < 5000 && number(f, "SELECT min(number) FROM audit") <= half.anchor; i++) {
        breathe(f);
        campus_pass(&f->campus, SECOND / 4);
    }
    assert_true(number(f, "SELECT min(number) FROM audit") > half.anchor);
    assert_int_equal(verify(f).fault, AUDIT_SOUND);
}

static void
packets_put(struct fixture *f, const char *detection_id, size_t size)
{
    static uint8_t bytes[EVIDENCE_SIZE_MAX];
    struct store_change *change = store_change_new();
    struct evidence evidence = {.pcap = bytes, .size = size};
    memset(bytes, detection_id[0], sizeof(bytes));
    snprintf(evidence.detection_id, sizeof(evidence.detection_id), "%s", detection_id);
    store_put_evidence(change, &evidence);
    store_submit(f->campus.store, change, NULL, NULL);
    campus_settle(&f->campus);
}

/* A hundred of today, a second apart. */
static void
packets_fill(struct fixture *f)
{
    for (int i = 0; i < 100; i++) {
        char id[32];
        struct detection d = {.seen_us = clock_wall_us(&f->campus.clock.clock)};
        struct store_change *change = store_change_new();
        snprintf(id, sizeof(id), "x-%03d", i);
        snprintf(d.id, sizeof(d.id), "%s", id);
        snprintf(d.sensor, sizeof(d.sensor), "s1");
        snprintf(d.maker, sizeof(d.maker), "cordon");
        snprintf(d.signature, sizeof(d.signature), "x");
        store_put_detection(change, &d, "I-OVER");
        store_submit(f->campus.store, change, NULL, NULL);
        packets_put(f, id, EVIDENCE_SIZE_MAX);
        clock_fake_advance(&f->campus.clock, SECOND);
    }
}

/* The budget is 16 MiB, and there are more packets than that, all of today. */
static void
test_the_oldest_packets_make_room(void **state)
{
    struct fixture *f = *state;
    struct retention_view view;
    client(f, 2);
    client(f, 3);
    detect(f, "d-2", "10.1.0.2"); /* in force: its packets stay, though they are the oldest */
    packets_put(f, "d-2", EVIDENCE_SIZE_MAX);
    packets_fill(f);
    int64_t rows = number(f, "SELECT count(*) FROM audit");
    assert_int_equal(ask(f, "retention.set", "admin",
                         "{\"kinds\":[],\"budget_mib\":16,\"reason\":\"small disk\"}"),
                     200);
    for (int i = 0; i < 5000; i++) {
        breathe(f);
        campus_pass(&f->campus, SECOND);
        retention_look(f->campus.controller, &view);
        if (view.shed > 0 && !view.is_shedding && view.share < 100) {
            break;
        }
    }
    assert_true(view.shed > 0 && view.share < 100);
    assert_int_equal(number(f, "SELECT count(*) FROM evidence WHERE detection_id = 'd-2'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM evidence WHERE detection_id = 'x-000'"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM evidence WHERE detection_id = 'x-099'"), 1);
    int64_t left = number(f, "SELECT count(*) FROM evidence");
    assert_true(left > 40 && left < 90); /* as many as it takes, and no more */
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 101); /* were not needed */
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us = 0"), 1);
    assert_true(number(f, "SELECT count(*) FROM audit") > rows);
    assert_int_equal(number(f, "SELECT min(number) FROM audit"), 1);
    assert_true(number(f, "SELECT count(*) FROM audit WHERE action = 'retention.shed'") >= 1);
    assert_true(number(f, "SELECT count(*) FROM notice WHERE json LIKE '%\"disk\"%' AND json LIKE"
                          " '%before their time%'") >= 1);
    /* A block goes on meanwhile. */
    detect(f, "d-3", "10.1.0.3");
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us = 0"), 2);
}

/* In notices, and among doctor's findings. */
static int64_t
full_told(struct fixture *f)
{
    return number(f, "SELECT count(*) FROM notice WHERE json LIKE '%the packets that are kept reach"
                     " their limit%'");
}

static bool
full_found(struct fixture *f)
{
    assert_int_equal(ask(f, "doctor", "viewer", "{}"), 200);
    char *text = cJSON_PrintUnformatted(f->body);
    bool is_found = strstr(text, RETENTION_PACKETS_FULL);
    free(text);
    return is_found;
}

/* Where all that is kept is needed the newest goes: people are told once, and doctor says so for as
 * long as it goes on. */
static void
test_needed_packets_that_go_are_told(void **state)
{
    struct fixture *f = *state;
    client(f, 2);
    store_set_budget(f->campus.store, 4 * EVIDENCE_SIZE_MAX, 1000000);
    for (int i = 0; i < 12; i++) {
        char id[ID_SIZE];
        snprintf(id, sizeof(id), "d-%d", i);
        detect(f, id, "10.1.0.2"); /* in force */
        packets_put(f, id, EVIDENCE_SIZE_MAX);
        if (i == 3) {
            campus_pass(&f->campus, 11 * SECOND);
            assert_int_equal(full_told(f), 0);
            assert_false(full_found(f));
        }
    }
    for (int i = 0; i < 5000 && number(f, "SELECT count(*) FROM evidence") > 4; i++) {
        breathe(f); /* the store thread, in its own time */
    }
    assert_int_equal(number(f, "SELECT count(*) FROM evidence"), 4);
    campus_pass(&f->campus, 60 * SECOND);
    assert_int_equal(full_told(f), 1);
    assert_true(full_found(f));
    assert_int_equal(number(f, "SELECT count(*) FROM evidence WHERE detection_id = 'd-0'"), 1);
    later(f, 25 * HOUR);
    assert_int_equal(full_told(f), 1);
    assert_false(full_found(f));
}

/* Whoever fills the file system has nothing of ours taken away, not over a restart either. */
static void
test_what_others_fill_takes_nothing(void **state)
{
    struct fixture *f = *state;
    struct retention_view view = {0};
    system_bytes = UINT64_C(200) << 20;
    others_bytes = UINT64_C(100) << 20;
    campus_pass(&f->campus, 12 * SECOND); /* what others have is measured */
    packets_fill(f);
    for (int run = 0; run < 2; run++) {
        others_bytes = UINT64_C(181) << 20;
        for (int i = 0, seen = 0; i < 1000 && seen < 30; i++) {
            breathe(f);
            campus_pass(&f->campus, 12 * SECOND);
            retention_look(f->campus.controller, &view);
            seen += view.crowded_bytes > 0;
        }
        assert_int_equal(view.shed, 0);
        assert_true(view.share < 100 && view.crowded_bytes > 0);
        assert_int_equal(number(f, "SELECT count(*) FROM evidence"), 100);
        assert_int_equal(number(f, "SELECT count(*) FROM notice WHERE json LIKE"
                                   " '%others than Cordon fill%'"),
                         run + 1);
        assert_int_equal(ask(f, "doctor", "viewer", "{}"), 200);
        char *text = cJSON_PrintUnformatted(f->body);
        assert_non_null(strstr(text, "others than Cordon fill"));
        free(text);
        restart(f);
    }
    /* Room again; then our own goes over what is ours. */
    others_bytes = UINT64_C(100) << 20;
    campus_pass(&f->campus, 12 * SECOND);
    retention_look(f->campus.controller, &view);
    assert_int_equal(view.crowded_bytes, 0);
    /* A person accepts what others have: from then on that counts. */
    others_bytes = UINT64_C(183) << 20;
    assert_int_equal(ask(f, "retention.set", "admin",
                         "{\"kinds\":[],\"no_budget\":true,\"reason\":\"they stay\"}"),
                     200);
    for (int i = 0; i < 5000 && (view.shed == 0 || view.is_shedding || view.share >= 100); i++) {
        breathe(f);
        campus_pass(&f->campus, SECOND);
        retention_look(f->campus.controller, &view);
    }
    assert_true(view.shed > 0 && view.share < 100);
}

/* The disk is full while a pass runs: what is young goes by neither. */
static void
test_a_pass_is_no_shedding(void **state)
{
    struct fixture *f = *state;
    struct retention_view view = {0};
    struct wish_answer answer = {0};
    client(f, 3);
    detect(f, "d-3", "10.1.0.3");
    controller_release(f->campus.controller, campus_newest(&f->campus)->id, "operator:ann", "clean",
                       campus_answer, &answer);
    packets_fill(f);
    campus_pass(&f->campus, 10 * SECOND); /* notices are routed */
    int64_t notices = number(f, "SELECT count(*) FROM notice WHERE is_routed = 1");
    assert_true(notices > 0);
    clock_fake_advance(&f->campus.clock, RETENTION_EVERY_US);
    for (int i = 0; i < 5000 && !view.is_running; i++) {
        campus_pass(&f->campus, SECOND / 4);
        retention_look(f->campus.controller, &view);
    }
    assert_true(view.is_running);
    assert_int_equal(ask(f, "retention.set", "admin",
                         "{\"kinds\":[],\"budget_mib\":16,\"reason\":\"small disk\"}"),
                     200);
    for (int i = 0; i < 5000; i++) {
        breathe(f);
        campus_pass(&f->campus, SECOND / 4);
        retention_look(f->campus.controller, &view);
        if (view.shed > 0 && !view.is_shedding && !view.is_running && view.share < 100) {
            break;
        }
    }
    assert_true(view.shed > 0 && view.share < 100);
    int64_t left = number(f, "SELECT count(*) FROM evidence");
    assert_true(left > 40 && left < 90); /* as many as it takes, and no more */
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 101);
    assert_int_equal(number(f, "SELECT count(*) FROM containment WHERE ended_us <> 0"), 1);
    assert_true(number(f, "SELECT count(*) FROM notice") >= notices);
}

/* Somebody sets the clock to another year by mistake: nothing goes before that was seen. */
static void
test_a_clock_that_was_set_takes_nothing(void **state)
{
    struct fixture *f = *state;
    client(f, 3);
    detect(f, "d-3", "10.1.0.3");
    struct wish_answer answer = {0};
    controller_release(f->campus.controller, campus_newest(&f->campus)->id, "operator:ann", "clean",
                       campus_answer, &answer);
    campus_pass(&f->campus, HOUR);
    f->campus.clock.wall_now_us += 3000 * DAY;
    for (int i = 0; i < 40; i++) {
        breathe(f);
        campus_pass(&f->campus, HOUR / 4);
    }
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 1);
    assert_non_null(campus_endpoint(&f->campus, 3));
    f->campus.clock.wall_now_us -= 3000 * DAY;
    later(f, 2 * DAY);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 1);
}

/* Something old enough to go at the usual times if it were a year later. */
static void
old_put(struct fixture *f)
{
    struct wish_answer answer = {0};
    client(f, 3);
    detect(f, "d-3", "10.1.0.3");
    controller_release(f->campus.controller, campus_newest(&f->campus)->id, "operator:ann", "clean",
                       campus_answer, &answer);
    campus_pass(&f->campus, HOUR);
}

/* By quarters of an hour, with time for a pass at the end of each. */
static void
hours(struct fixture *f, int count)
{
    for (int i = 0; i < 4 * count; i++) {
        clock_fake_advance(&f->campus.clock, HOUR / 4 - 4 * SECOND);
        for (int k = 0; k < 8; k++) {
            breathe(f);
            campus_pass(&f->campus, SECOND / 2);
        }
    }
}

static void
retain(struct fixture *f, const char *kinds)
{
    char change[256];
    snprintf(change, sizeof(change), "{\"kinds\":[%s],\"reason\":\"dpo\"}", kinds);
    assert_int_equal(ask(f, "retention.set", "admin", change), 200);
}

/* Neither what is set nor a start anew ends the day that he has to see it. */
static void
test_a_clock_that_was_set_is_remembered(void **state)
{
    struct fixture *f = *state;
    old_put(f);
    f->campus.clock.wall_now_us += 3000 * DAY;
    campus_pass(&f->campus, SECOND);
    retain(f, "{\"kind\":\"names\",\"days\":14}");
    hours(f, 6);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 1);
    restart(f);
    hours(f, 16);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 1);
    hours(f, 6); /* it was meant so */
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 0);
}

/* The same while core was away. */
static void
test_a_clock_that_was_set_meanwhile_takes_nothing(void **state)
{
    struct fixture *f = *state;
    old_put(f);
    asks_free(f->asks);
    campus_stop(&f->campus);
    f->campus.clock.wall_now_us += 3000 * DAY;
    campus_start(&f->campus);
    signer_set(f);
    asks_begin(f);
    hours(f, 10);
    restart(f);
    hours(f, 10);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 1);
    assert_non_null(campus_endpoint(&f->campus, 3));
    hours(f, 8);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 0);
}

/* Nine minutes, and nine, and nine. */
static void
test_small_steps_of_the_clock_add_up(void **state)
{
    struct fixture *f = *state;
    old_put(f);
    retain(f, "{\"kind\":\"evidence\",\"days\":7},{\"kind\":\"names\",\"days\":7},"
              "{\"kind\":\"detections\",\"days\":7}");
    pass(f);
    for (int i = 0; i < 8 * 24 * 60 / 9; i++) {
        f->campus.clock.wall_now_us += 9 * 60 * SECOND;
        campus_pass(&f->campus, SECOND / 4);
    }
    hours(f, 12);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 1);
}

/* Nobody knows for how long he wanted things kept: nothing goes until he says it again. */
static void
test_what_cannot_be_read_takes_nothing(void **state)
{
    static const char *const broken[] = {"detections=3650 nam", "", "detections=99999"};
    struct fixture *f = *state;
    char sql[256];
    old_put(f);
    retain(f, "{\"kind\":\"detections\",\"days\":3650}");
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        snprintf(sql, sizeof(sql),
                 "UPDATE setting SET sum = NULL, value = '%s' WHERE name = 'retention'", broken[i]);
        tamper(f, sql);
        restart(f);
        campus_pass(&f->campus, SECOND);
        assert_int_equal(number(f, "SELECT count(*) FROM notice WHERE json LIKE"
                                   " '%the stored retention cannot be read%'"),
                         i + 1);
        later(f, 400 * DAY);
        hours(f, 3);
        assert_int_equal(number(f, "SELECT count(*) FROM detection"), 1);
        assert_int_equal(ask(f, "doctor", "viewer", "{}"), 200);
        char *text = cJSON_PrintUnformatted(f->body);
        assert_non_null(strstr(text, "the stored retention cannot be read"));
        free(text);
    }
    retain(f, "{\"kind\":\"detections\",\"days\":365}");
    pass(f);
    assert_int_equal(number(f, "SELECT count(*) FROM detection"), 0);
}

static int64_t
days_of(struct fixture *f, const char *kind)
{
    const cJSON *kinds = cJSON_GetObjectItemCaseSensitive(f->body, "kinds");
    const cJSON *each;
    cJSON_ArrayForEach(each, kinds)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(each, "kind"));
        if (name && strcmp(name, kind) == 0) {
            return (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(each, "days"));
        }
    }
    return -1;
}

static void
test_settings_are_audited_and_survive(void **state)
{
    struct fixture *f = *state;
    static const char change[] =
        "{\"kinds\":[{\"kind\":\"names\",\"days\":14}],\"budget_mib\":512,\"reason\":\"dpo\"}";
    assert_int_equal(ask(f, "retention.set", "operator", change), 403);
    assert_int_equal(ask(f, "retention.set", "admin", change), 200);
    assert_int_equal(days_of(f, "names"), 14);
    assert_int_equal(ask(f, "retention.set", "admin",
                         "{\"kinds\":[{\"kind\":\"audit\",\"days\":300}],\"reason\":\"less\"}"),
                     422);
    assert_int_equal(ask(f, "retention.set", "admin",
                         "{\"kinds\":[{\"kind\":\"detections\",\"days\":20}],\"reason\":\"x\"}"),
                     422); /* packets are kept for 30 */
    assert_int_equal(number(f, "SELECT count(*) FROM audit WHERE action = 'retention.set' AND"
                               " detail = 'names 90 -> 14, budget 0 -> 512 MiB: dpo'"),
                     1);
    restart(f);
    assert_int_equal(ask(f, "retention.show", "viewer", "{}"), 200);
    assert_int_equal(days_of(f, "names"), 14);
    assert_int_equal(days_of(f, "evidence"), 30);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_year_goes_by, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_audit_begins_behind_an_anchor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_checkpoint_is_no_anchor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_tampered_log_is_not_pruned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pruning_goes_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_oldest_packets_make_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_needed_packets_that_go_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_others_fill_takes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pass_is_no_shedding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_set_takes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_set_is_remembered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_set_meanwhile_takes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_small_steps_of_the_clock_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read_takes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings_are_audited_and_survive, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
