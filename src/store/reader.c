#include "store/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/rescue.h"
#include "store/seen.h"
#include "store/shapes.h"
#include "store/sum.h"
#include "wire/codec_text.h"
#include "wire/detection.h"
#include "wire/notice.h"

static const char *const queries[QUERY_COUNT] = {
    [QUERY_LIVE] = "SELECT id, json FROM containment WHERE ended_us = 0 ORDER BY requested_us, id",
    [QUERY_OPEN_INCIDENTS] = "SELECT id, json FROM incident WHERE is_open = 1 ORDER BY id",
    /* As they came: to look each of a hundred thousand up by its id takes longer than to read all.
     */
    [QUERY_ENDPOINTS] = "SELECT id, json FROM endpoint ORDER BY rowid",
    [QUERY_ANNOTATIONS] = "SELECT mac, json FROM annotation ORDER BY mac",
    [QUERY_CERTIFICATES] = "SELECT serial, json FROM certificate ORDER BY number",
    [QUERY_ENROLMENTS] = "SELECT id, json FROM enrolment ORDER BY number",
    [QUERY_SETTINGS] = "SELECT name, value, sum FROM setting ORDER BY name",
    [QUERY_SETTING] = "SELECT name, value, sum FROM setting WHERE name = ?1",
    [QUERY_HAS_DETECTION] = "SELECT 1 FROM detection WHERE id = ?1",
    [QUERY_DETECTION_IDS] = "SELECT id, number FROM detection WHERE number > ?3 ORDER BY number"
                            " LIMIT ?2",
    [QUERY_EXTERNAL] = "SELECT id, json FROM containment WHERE external_id = ?1 AND"
                       " external_id <> '' ORDER BY requested_us DESC, id DESC LIMIT 1",
    [QUERY_EVIDENCE] = "SELECT detection_id, pcap FROM evidence WHERE detection_id = ?1",
    [QUERY_INCIDENTS] = "SELECT id, json FROM incident ORDER BY id DESC LIMIT ?2",
    [QUERY_DETECTIONS] = "SELECT id, json FROM detection WHERE incident_id = ?1"
                         " ORDER BY number DESC LIMIT ?2",
    [QUERY_SEEN] = "SELECT id, json, seen_us, number FROM detection"
                   " WHERE (seen_us, number) > (?3, ?4) AND seen_us < ?5"
                   " ORDER BY seen_us, number LIMIT ?2",
    [QUERY_SEEN_COUNT] = "SELECT seen_us, number FROM detection"
                         " WHERE (seen_us, number) > (?3, ?4) AND seen_us < ?5"
                         " ORDER BY seen_us, number LIMIT ?2",
    [QUERY_ENDED_SINCE] =
        "SELECT c.id, c.json, e.ended_us FROM ended e JOIN containment c ON c.id = e.id"
        " WHERE (e.ended_us, e.id) > (?3, ?1) ORDER BY e.ended_us, e.id LIMIT ?2",
    /* A row that is no JSON is of no use here, and no reason not to start. */
    [QUERY_RELEASED] =
        "SELECT endpoint_id, at_us FROM"
        " (SELECT json ->> '$.endpoint_id' AS endpoint_id, max(ended_us) AS at_us"
        "  FROM containment WHERE ended_us > ?3 AND state = 'released' AND json_valid(json)"
        "  GROUP BY 1 HAVING endpoint_id <> '' ORDER BY at_us DESC LIMIT ?2)"
        " ORDER BY at_us, endpoint_id",
    [QUERY_ISOLATIONS] =
        "SELECT at_us FROM"
        " (SELECT requested_us AS at_us FROM containment WHERE (ended_us = 0 OR ended_us > ?3)"
        "  AND requested_us > ?3 AND json_valid(json) AND json ->> '$.action' = 'isolate'"
        "  AND json ->> '$.policy' <> '' AND json ->> '$.hold' IS NULL"
        "  ORDER BY requested_us DESC LIMIT ?2)"
        " ORDER BY at_us",
    [QUERY_ENDED_ONE] =
        "SELECT c.id, c.json FROM ended e JOIN containment c ON c.id = e.id"
        " WHERE e.number = (SELECT number FROM ended WHERE (id = ?1 OR (case_number = ?1 AND"
        "  case_number <> '')) AND (?3 = '' OR action = ?3)"
        "  ORDER BY id = ?1 DESC, ended_us DESC, id DESC LIMIT 1)",
    [QUERY_NOTICES] = "SELECT id, json FROM notice WHERE is_routed = 0 ORDER BY number LIMIT ?2",
    [QUERY_WAITING] = "SELECT id, json FROM message WHERE state = 'waiting' ORDER BY number"
                      " LIMIT ?2",
    [QUERY_MESSAGES] = "SELECT id, json, number FROM message WHERE number < ?3"
                       " ORDER BY number DESC LIMIT ?2",
    [QUERY_REVISIONS] = "SELECT number, at_us, account, reason, hex(sha256),"
                        " length(CAST(text AS BLOB)) FROM revision"
                        " WHERE number < ?3 ORDER BY number DESC LIMIT ?2",
    [QUERY_REVISION] = "SELECT number, at_us, account, reason, hex(sha256),"
                       " length(CAST(text AS BLOB)), text FROM revision"
                       " WHERE ?3 = 0 OR number = ?3 ORDER BY number DESC LIMIT 1",
    [QUERY_INCIDENT_IS] = "SELECT is_plain FROM incident WHERE id = ?1",
    [QUERY_HAS_CONTAINMENT] = "SELECT 1 FROM containment WHERE id = ?1",
    [QUERY_AUDIT_TIME] = "SELECT at_us FROM audit ORDER BY number DESC LIMIT 1",
};

int
reader_open(const char *path, struct reader *reader, char why[256])
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(path, &reader->db, flags, NULL);
    for (size_t i = 0; result == SQLITE_OK && i < QUERY_COUNT; i++) {
        result = sqlite3_prepare_v3(reader->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &reader->queries[i], NULL);
    }
    if (result != SQLITE_OK) {
        snprintf(why, 256, "%s: %s", path,
                 reader->db ? sqlite3_errmsg(reader->db) : "out of memory");
        reader_close(reader);
        return -EIO;
    }
    return 0;
}

void
reader_close(struct reader *reader)
{
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(reader->queries[i]);
    }
    sqlite3_close(reader->db);
    *reader = (struct reader){0};
}

static int64_t
limit_number(size_t limit)
{
    return limit > INT32_MAX ? INT32_MAX : (int64_t)limit;
}

int
reader_run(struct reader *reader, enum query which, row_fn *each, void *context)
{
    sqlite3_stmt *query = reader->queries[which];
    int error = 0;
    int result = SQLITE_DONE;
    while (!error && (result = sqlite3_step(query)) == SQLITE_ROW) {
        error = each(context, query);
    }
    if (!error && result != SQLITE_DONE) {
        log_error("store", "reading failed", LOG_S("why", sqlite3_errmsg(reader->db)));
        int code = result & 0xff;
        error = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? -EBADMSG : -EIO;
    }
    sqlite3_reset(query);
    sqlite3_clear_bindings(query);
    return error;
}

int
row_decode(sqlite3_stmt *row, const struct shape *shape, void *out)
{
    const char *kept = (const char *)sqlite3_column_text(row, 1);
    char *text = mem_strdup(kept ? kept : "");
    size_t size = strlen(text), before = size;
    bool is_sound = sum_take(text, &size);
    bool is_proven = is_sound && size < before;
    struct codec_error error = {.path = "", .why = "damaged: its sum is not that of its content"};
    int result = is_sound ? codec_read(shape, text, size, false, out, &error) : -EBADMSG;
    free(text);
    if (result && is_proven) {
        result = -EINVAL; /* written so: no damage, and no copy would help */
    }
    if (result) {
        log_error("store", "a row cannot be read", LOG_S("shape", shape->name),
                  LOG_S("id", (const char *)sqlite3_column_text(row, 0)),
                  LOG_S("field", error.path), LOG_S("why", error.why));
    }
    return result;
}

bool
row_is_setting(sqlite3_stmt *row)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const char *value = (const char *)sqlite3_column_text(row, 1);
    bool is_sound = name && value &&
                    (sqlite3_column_type(row, 2) == SQLITE_NULL ||
                     sqlite3_column_int64(row, 2) == sum_of_setting(name, value));
    if (!is_sound) {
        log_error("store", "a row cannot be read", LOG_S("shape", "setting"),
                  LOG_S("id", name ? name : ""),
                  LOG_S("why", "damaged: its sum is not that of its content"));
    }
    return is_sound;
}

bool
row_is_cut_setting(sqlite3_stmt *row)
{
    static const char prefix[] = STORE_PAYLOAD_SETTING;
    const char *name = (const char *)sqlite3_column_text(row, 0);
    return name && strlen(name) == NAME_SIZE - 1 && strncmp(name, prefix, strlen(prefix)) == 0;
}

struct one_setting {
    struct store *store;
    char *value;
    bool is_found;
};

static int
on_one_setting(void *context, sqlite3_stmt *row)
{
    struct one_setting *one = context;
    one->is_found = true;
    if (row_is_setting(row)) {
        one->value = mem_strdup((const char *)sqlite3_column_text(row, 1));
        return 0;
    }
    if (!row_is_cut_setting(row)) {
        rescue_suspect(store_path(one->store), "a setting that is not as it was written");
    }
    return -EBADMSG;
}

int
store_find_setting(struct store *store, const char *name, char **value)
{
    struct reader *reader = store_reader(store);
    struct one_setting one = {.store = store};
    sqlite3_bind_text(reader->queries[QUERY_SETTING], 1, name, -1, SQLITE_STATIC);
    int error = reader_run(reader, QUERY_SETTING, on_one_setting, &one);
    *value = one.value;
    return error || one.is_found ? error : -ENOENT;
}

char *
store_read_setting(struct store *store, const char *name)
{
    char *value = NULL;
    int error = store_find_setting(store, name, &value);
    return error == -EBADMSG ? mem_strdup("") : value;
}

struct some_settings {
    const char *prefix;
    void (*each)(void *context, const char *name, const char *value);
    void *context;
};

static int
on_some_setting(void *context, sqlite3_stmt *row)
{
    const struct some_settings *some = context;
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const char *value = (const char *)sqlite3_column_text(row, 1);
    if (name && value && strncmp(name, some->prefix, strlen(some->prefix)) == 0) {
        some->each(some->context, name, row_is_setting(row) ? value : "");
    }
    return 0;
}

int
store_read_settings(struct store *store, const char *prefix,
                    void (*each)(void *context, const char *name, const char *value), void *context)
{
    struct some_settings some = {prefix, each, context};
    return reader_run(store_reader(store), QUERY_SETTINGS, on_some_setting, &some);
}

static int
on_found(void *context, sqlite3_stmt *row)
{
    (void)row;
    *(bool *)context = true;
    return 0;
}

bool
store_has_detection(struct store *store, const char *id)
{
    struct reader *reader = store_reader(store);
    bool found = false;
    if (!seen_may_have(store_seen(store), id)) {
        return false;
    }
    sqlite3_bind_text(reader->queries[QUERY_HAS_DETECTION], 1, id, -1, SQLITE_STATIC);
    return reader_run(reader, QUERY_HAS_DETECTION, on_found, &found) == 0 && found;
}

struct ids {
    void (*each)(void *context, int64_t number, const char *id);
    void *context;
};

static int
on_detection_id(void *context, sqlite3_stmt *row)
{
    const struct ids *ids = context;
    const char *id = (const char *)sqlite3_column_text(row, 0);
    ids->each(ids->context, sqlite3_column_int64(row, 1), id ? id : "");
    return 0;
}

int
reader_detection_ids(struct reader *reader, int64_t after, size_t limit,
                     void (*each)(void *context, int64_t number, const char *id), void *context)
{
    struct ids ids = {each, context};
    sqlite3_bind_int64(reader->queries[QUERY_DETECTION_IDS], 2, limit_number(limit));
    sqlite3_bind_int64(reader->queries[QUERY_DETECTION_IDS], 3, after);
    return reader_run(reader, QUERY_DETECTION_IDS, on_detection_id, &ids);
}

bool
store_has_containment(struct store *store, const char *id)
{
    struct reader *reader = store_reader(store);
    bool found = false;
    sqlite3_bind_text(reader->queries[QUERY_HAS_CONTAINMENT], 1, id, -1, SQLITE_STATIC);
    return reader_run(reader, QUERY_HAS_CONTAINMENT, on_found, &found) != 0 || found;
}

static int
on_time(void *context, sqlite3_stmt *row)
{
    *(int64_t *)context = sqlite3_column_int64(row, 0);
    return 0;
}

int64_t
store_audit_time(struct store *store)
{
    int64_t at_us = 0;
    return reader_run(store_reader(store), QUERY_AUDIT_TIME, on_time, &at_us) == 0 ? at_us : 0;
}

static int
on_incident_is(void *context, sqlite3_stmt *row)
{
    enum store_incident *is = context;
    *is = sqlite3_column_int(row, 0) ? INCIDENT_PLAIN : INCIDENT_NAMED;
    return 0;
}

enum store_incident
store_look_incident(struct store *store, const char *id)
{
    struct reader *reader = store_reader(store);
    enum store_incident is = INCIDENT_GONE;
    sqlite3_bind_text(reader->queries[QUERY_INCIDENT_IS], 1, id, -1, SQLITE_STATIC);
    return reader_run(reader, QUERY_INCIDENT_IS, on_incident_is, &is) == 0 ? is : INCIDENT_NAMED;
}

struct one {
    void *out;
    bool found;
};

static int
on_one_containment(void *context, sqlite3_stmt *row)
{
    struct one *one = context;
    int error = row_decode(row, &store_containment_shape, one->out);
    one->found = !error;
    return error;
}

bool
store_find_external(struct store *store, const char *external_id, struct containment *containment)
{
    struct reader *reader = store_reader(store);
    struct one one = {.out = containment};
    sqlite3_bind_text(reader->queries[QUERY_EXTERNAL], 1, external_id, -1, SQLITE_STATIC);
    return reader_run(reader, QUERY_EXTERNAL, on_one_containment, &one) == 0 && one.found;
}

bool
store_find_ended(struct store *store, const char *key, const char *action,
                 struct containment *containment)
{
    struct reader *reader = store_reader(store);
    sqlite3_stmt *query = reader->queries[QUERY_ENDED_ONE];
    struct one one = {.out = containment};
    sqlite3_bind_text(query, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(query, 3, action ? action : "", -1, SQLITE_STATIC);
    return reader_run(reader, QUERY_ENDED_ONE, on_one_containment, &one) == 0 && one.found;
}

static int
on_evidence(void *context, sqlite3_stmt *row)
{
    struct one *one = context;
    struct evidence *evidence = one->out;
    *evidence = (struct evidence){.size = (size_t)sqlite3_column_bytes(row, 1)};
    snprintf(evidence->detection_id, sizeof(evidence->detection_id), "%s",
             (const char *)sqlite3_column_text(row, 0));
    evidence->pcap = mem_new(evidence->size + 1, 1);
    if (evidence->size > 0) {
        memcpy(evidence->pcap, sqlite3_column_blob(row, 1), evidence->size);
    }
    one->found = true;
    return 0;
}

int
store_read_evidence(struct store *store, const char *detection_id, struct evidence *evidence)
{
    struct reader *reader = store_reader(store);
    struct one one = {.out = evidence};
    sqlite3_bind_text(reader->queries[QUERY_EVIDENCE], 1, detection_id, -1, SQLITE_STATIC);
    int error = reader_run(reader, QUERY_EVIDENCE, on_evidence, &one);
    return error ? error : one.found ? 0 : -ENOENT;
}

struct each_incident {
    void (*each)(void *context, const struct incident *incident);
    void *context;
};

static int
on_incident(void *context, sqlite3_stmt *row)
{
    const struct each_incident *each = context;
    struct incident incident;
    int error = row_decode(row, &store_incident_shape, &incident);
    if (!error) {
        each->each(each->context, &incident);
    }
    return error;
}

int
store_read_incidents(struct store *store, size_t limit,
                     void (*each)(void *context, const struct incident *incident), void *context)
{
    struct reader *reader = store_reader(store);
    struct each_incident all = {each, context};
    sqlite3_bind_int64(reader->queries[QUERY_INCIDENTS], 2, limit_number(limit));
    return reader_run(reader, QUERY_INCIDENTS, on_incident, &all);
}

struct each_detection {
    void (*each)(void *context, const struct detection *detection);
    void *context;
};

static int
on_detection(void *context, sqlite3_stmt *row)
{
    const struct each_detection *each = context;
    struct detection *detection = MEM_NEW(struct detection);
    int error = row_decode(row, &wire_detection_shape, detection);
    if (!error) {
        each->each(each->context, detection);
        codec_fini(&wire_detection_shape, detection);
    }
    free(detection);
    return error;
}

int
store_read_detections(struct store *store, const char *incident_id, size_t limit,
                      void (*each)(void *context, const struct detection *detection), void *context)
{
    struct reader *reader = store_reader(store);
    struct each_detection all = {each, context};
    sqlite3_bind_text(reader->queries[QUERY_DETECTIONS], 1, incident_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(reader->queries[QUERY_DETECTIONS], 2, limit_number(limit));
    return reader_run(reader, QUERY_DETECTIONS, on_detection, &all);
}

struct each_notice {
    void (*each)(void *context, const char *id, const struct notice *notice);
    void *context;
};

static int
on_notice(void *context, sqlite3_stmt *row)
{
    const struct each_notice *each = context;
    struct notice notice;
    bool is_good = row_decode(row, &notice_shape, &notice) == 0;
    each->each(each->context, (const char *)sqlite3_column_text(row, 0), is_good ? &notice : NULL);
    return 0;
}

int
store_read_notices(struct store *store, size_t limit,
                   void (*each)(void *context, const char *id, const struct notice *notice),
                   void *context)
{
    struct reader *reader = store_reader(store);
    struct each_notice all = {each, context};
    sqlite3_bind_int64(reader->queries[QUERY_NOTICES], 2, limit_number(limit));
    return reader_run(reader, QUERY_NOTICES, on_notice, &all);
}

struct each_message {
    void (*waiting)(void *context, const struct message *message);
    void (*each)(void *context, int64_t number, const struct message *message);
    void *context;
};

static int
on_stored_message(void *context, sqlite3_stmt *row)
{
    const struct each_message *each = context;
    struct message *message = MEM_NEW(struct message);
    bool is_good = row_decode(row, &message_shape, message) == 0;
    if (each->each) {
        each->each(each->context, sqlite3_column_int64(row, 2), is_good ? message : NULL);
    } else if (is_good) {
        each->waiting(each->context, message);
    }
    if (is_good) {
        codec_fini(&message_shape, message);
    }
    free(message);
    return 0;
}

int
store_read_waiting(struct store *store, size_t limit,
                   void (*each)(void *context, const struct message *message), void *context)
{
    struct reader *reader = store_reader(store);
    struct each_message all = {.waiting = each, .context = context};
    sqlite3_bind_int64(reader->queries[QUERY_WAITING], 2, limit_number(limit));
    return reader_run(reader, QUERY_WAITING, on_stored_message, &all);
}

int
store_read_messages(struct store *store, int64_t before, size_t limit,
                    void (*each)(void *context, int64_t number, const struct message *message),
                    void *context)
{
    struct reader *reader = store_reader(store);
    struct each_message all = {.each = each, .context = context};
    sqlite3_bind_int64(reader->queries[QUERY_MESSAGES], 2, limit_number(limit));
    sqlite3_bind_int64(reader->queries[QUERY_MESSAGES], 3, before > 0 ? before : INT64_MAX);
    return reader_run(reader, QUERY_MESSAGES, on_stored_message, &all);
}

/* Rows that cannot be read are counted and passed over: a replay needs no single one. */
struct passing {
    struct store_place *place;
    size_t passed, damaged;
    void (*on_detection)(void *context, const struct detection *detection);
    void (*on_containment)(void *context, const struct containment *containment);
    void *context;
};

static int
on_seen(void *context, sqlite3_stmt *row)
{
    struct passing *passing = context;
    struct detection *detection = MEM_NEW(struct detection);
    passing->passed++;
    passing->place->at_us = sqlite3_column_int64(row, 2);
    passing->place->number = sqlite3_column_int64(row, 3);
    if (row_decode(row, &wire_detection_shape, detection) != 0) {
        passing->damaged++;
    } else {
        passing->on_detection(passing->context, detection);
        codec_fini(&wire_detection_shape, detection);
    }
    free(detection);
    return 0;
}

static int
on_counted(void *context, sqlite3_stmt *row)
{
    struct passing *passing = context;
    passing->passed++;
    passing->place->at_us = sqlite3_column_int64(row, 0);
    passing->place->number = sqlite3_column_int64(row, 1);
    return 0;
}

static void
bind_span(sqlite3_stmt *query, const struct store_place *place, int64_t until_us, size_t limit)
{
    sqlite3_bind_int64(query, 2, limit_number(limit));
    sqlite3_bind_int64(query, 3, place->at_us);
    sqlite3_bind_int64(query, 4, place->number);
    sqlite3_bind_int64(query, 5, until_us);
}

int
store_pass_detections(struct store *store, struct store_place *place, int64_t until_us,
                      size_t limit, struct store_passed *passed,
                      void (*each)(void *context, const struct detection *detection), void *context)
{
    struct reader *reader = store_reader(store);
    struct store_place next = *place; /* what is bound stays as it is */
    struct passing passing = {.place = &next, .on_detection = each, .context = context};
    enum query which = each ? QUERY_SEEN : QUERY_SEEN_COUNT;
    bind_span(reader->queries[which], place, until_us, limit);
    int error = reader_run(reader, which, each ? on_seen : on_counted, &passing);
    *place = next;
    *passed = (struct store_passed){passing.passed, passing.damaged};
    return error;
}

static int
on_ended(void *context, sqlite3_stmt *row)
{
    struct passing *passing = context;
    struct containment containment;
    passing->passed++;
    passing->place->at_us = sqlite3_column_int64(row, 2);
    snprintf(passing->place->id, sizeof(passing->place->id), "%s",
             (const char *)sqlite3_column_text(row, 0));
    if (row_decode(row, &store_containment_shape, &containment) != 0) {
        passing->damaged++;
        return 0;
    }
    passing->on_containment(passing->context, &containment);
    containment_fini(&containment);
    return 0;
}

int
store_pass_ended(struct store *store, struct store_place *place, size_t limit,
                 struct store_passed *passed,
                 void (*each)(void *context, const struct containment *containment), void *context)
{
    struct reader *reader = store_reader(store);
    sqlite3_stmt *query = reader->queries[QUERY_ENDED_SINCE];
    struct store_place next = *place;
    struct passing passing = {.place = &next, .on_containment = each, .context = context};
    sqlite3_bind_text(query, 1, place->id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(query, 2, limit_number(limit));
    sqlite3_bind_int64(query, 3, place->at_us);
    int error = reader_run(reader, QUERY_ENDED_SINCE, on_ended, &passing);
    *place = next;
    *passed = (struct store_passed){passing.passed, passing.damaged};
    return error;
}

struct each_release {
    void (*each)(void *context, const char *endpoint_id, int64_t released_us);
    void *context;
};

static int
on_release(void *context, sqlite3_stmt *row)
{
    const struct each_release *each = context;
    each->each(each->context, (const char *)sqlite3_column_text(row, 0),
               sqlite3_column_int64(row, 1));
    return 0;
}

int
store_read_released(struct store *store, int64_t since_us, size_t limit,
                    void (*each)(void *context, const char *endpoint_id, int64_t released_us),
                    void *context)
{
    struct reader *reader = store_reader(store);
    struct each_release all = {each, context};
    sqlite3_bind_int64(reader->queries[QUERY_RELEASED], 2, limit_number(limit));
    sqlite3_bind_int64(reader->queries[QUERY_RELEASED], 3, since_us);
    return reader_run(reader, QUERY_RELEASED, on_release, &all);
}

struct each_isolation {
    void (*each)(void *context, int64_t requested_us);
    void *context;
};

static int
on_isolation(void *context, sqlite3_stmt *row)
{
    const struct each_isolation *each = context;
    each->each(each->context, sqlite3_column_int64(row, 0));
    return 0;
}

int
store_read_isolations(struct store *store, int64_t since_us, size_t limit,
                      void (*each)(void *context, int64_t requested_us), void *context)
{
    struct reader *reader = store_reader(store);
    struct each_isolation all = {each, context};
    sqlite3_bind_int64(reader->queries[QUERY_ISOLATIONS], 2, limit_number(limit));
    sqlite3_bind_int64(reader->queries[QUERY_ISOLATIONS], 3, since_us);
    return reader_run(reader, QUERY_ISOLATIONS, on_isolation, &all);
}

static void
row_revision(sqlite3_stmt *row, struct revision *revision)
{
    *revision = (struct revision){.number = sqlite3_column_int64(row, 0),
                                  .at_us = sqlite3_column_int64(row, 1),
                                  .size = (uint32_t)sqlite3_column_int64(row, 5)};
    snprintf(revision->account, NAME_SIZE, "%s", (const char *)sqlite3_column_text(row, 2));
    snprintf(revision->reason, TEXT_SIZE, "%s", (const char *)sqlite3_column_text(row, 3));
    snprintf(revision->sha256, SHA256_TEXT_SIZE, "%s", (const char *)sqlite3_column_text(row, 4));
    for (char *at = revision->sha256; *at; at++) { /* hex() writes capitals */
        *at = (char)tolower((unsigned char)*at);
    }
}

struct each_revision {
    void (*each)(void *context, const struct revision *revision);
    void *context;
};

static int
on_revision(void *context, sqlite3_stmt *row)
{
    const struct each_revision *each = context;
    struct revision revision;
    row_revision(row, &revision);
    each->each(each->context, &revision);
    return 0;
}

int
store_read_revisions(struct store *store, int64_t before, size_t limit,
                     void (*each)(void *context, const struct revision *revision), void *context)
{
    struct reader *reader = store_reader(store);
    struct each_revision all = {each, context};
    sqlite3_stmt *query = reader->queries[QUERY_REVISIONS];
    sqlite3_bind_int64(query, 2, limit_number(limit));
    sqlite3_bind_int64(query, 3, before > 0 ? before : INT64_MAX);
    return reader_run(reader, QUERY_REVISIONS, on_revision, &all);
}

struct whole_revision {
    struct revision *revision;
    char *text;
};

static int
on_whole_revision(void *context, sqlite3_stmt *row)
{
    struct whole_revision *whole = context;
    row_revision(row, whole->revision);
    whole->text = mem_strdup((const char *)sqlite3_column_text(row, 6));
    return 0;
}

int
store_read_revision(struct store *store, int64_t number, struct revision *revision, char **text)
{
    struct reader *reader = store_reader(store);
    struct whole_revision whole = {.revision = revision};
    sqlite3_bind_int64(reader->queries[QUERY_REVISION], 3, number);
    int error = reader_run(reader, QUERY_REVISION, on_whole_revision, &whole);
    *text = whole.text;
    return error ? error : whole.text ? 0 : -ENOENT;
}
