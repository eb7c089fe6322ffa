#include "store/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/join.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/shapes.h"
#include "store/sum.h"
#include "store/sweep.h"
#include "wire/codec_text.h"
#include "wire/detection.h"
#include "wire/notice.h"

struct store_change *
store_change_new(void)
{
    struct store_change *change = mem_resize(NULL, 1, sizeof(*change));
    memset(change, 0, offsetof(struct store_change, few));
    change->rows = change->few;
    change->room = CHANGE_ROWS_FEW;
    return change;
}

static void
row_fini(struct row *row)
{
    if (row->owns_text) {
        free(row->text);
    }
    free(row->more);
    free(row->bytes);
    free(row->before);
}

void
store_change_free(struct store_change *change)
{
    if (!change) {
        return;
    }
    for (size_t i = 0; i < change->count; i++) {
        row_fini(&change->rows[i]);
    }
    if (change->rows != change->few) {
        free(change->rows);
    }
    free(change);
}

size_t
store_change_count(const struct store_change *change)
{
    return change->count;
}

static void
rows_grow(struct store_change *change)
{
    bool is_few = change->rows == change->few;
    change->room *= 2;
    change->rows = mem_resize(is_few ? NULL : change->rows, change->room, sizeof(*change->rows));
    if (is_few) {
        memcpy(change->rows, change->few, sizeof(change->few));
    }
}

static struct row *
row_add(struct store_change *change, enum row_kind kind, const char *id)
{
    if (change->count == change->room) {
        rows_grow(change);
    }
    struct row *row = &change->rows[change->count++];
    memset(row, 0, sizeof(*row));
    row->kind = kind;
    join_copy(row->id, kind == ROW_SETTING ? sizeof(row->id) : NAME_SIZE, id);
    return row;
}

static void
row_put_text(struct row *row, const char *text)
{
    row->text_size = strlen(text);
    row->text = mem_strdup(text);
    row->owns_text = true;
}

/* What is written must be readable by the strict decoder at the next start, whatever text came
 * this far. */
static void
text_mend(char *text)
{
    utf8_make_plain(text, strlen(text));
}

#define JSON_ROOM 1024 /* most fit: nothing grows */

static const char room_for_sum[SUM_SIZE + 1];

static void
json_write(const struct shape *shape, const void *thing, struct codec_text *text)
{
    codec_write(shape, thing, NULL, text);
    size_t size = text->used;
    codec_text_put(text, room_for_sum, sizeof(room_for_sum));
    text->used = sum_add(text->bytes, size);
}

/* In the change's own room, where it fits. */
static void
row_put_json(struct store_change *change, struct row *row, const struct shape *shape,
             const void *thing)
{
    struct codec_text text = {.bytes = change->texts + change->text_used,
                              .room = CHANGE_TEXT_ROOM - change->text_used,
                              .is_borrowed = true};
    json_write(shape, thing, &text);
    row->text = text.bytes;
    row->text_size = text.used;
    row->owns_text = !text.is_borrowed;
    if (text.is_borrowed) {
        change->text_used += text.used + 1;
    }
}

char *
store_json(const struct shape *shape, const void *thing)
{
    struct codec_text text = {.bytes = mem_new(JSON_ROOM, 1), .room = JSON_ROOM};
    json_write(shape, thing, &text);
    return text.bytes;
}

void
store_put_containment(struct store_change *change, const struct containment *containment)
{
    struct row *row = row_add(change, ROW_CONTAINMENT, containment->id);
    snprintf(row->key, sizeof(row->key), "%s", text_or_empty(containment->external_id));
    snprintf(row->other, sizeof(row->other), "%s", containment_state_names[containment->state]);
    row->at_us = containment->requested_us;
    row->flag = containment->ended_us;
    row_put_json(change, row, &store_containment_shape, containment);
}

void
store_put_incident(struct store_change *change, const struct incident *incident)
{
    struct row *row = row_add(change, ROW_INCIDENT, incident->id);
    row->at_us = incident->last_us;
    row->flag = incident->is_open;
    row_put_json(change, row, &store_incident_shape, incident);
}

void
store_put_detection(struct store_change *change, const struct detection *detection,
                    const char *incident_id)
{
    struct row *row = row_add(change, ROW_DETECTION, detection->id);
    join_copy(row->key, sizeof(row->key), incident_id);
    row->at_us = detection->seen_us;
    row_put_json(change, row, &wire_detection_shape, detection);
}

void
store_move_detection(struct store_change *change, const struct detection *detection,
                     const char *incident_id)
{
    store_put_detection(change, detection, incident_id);
    change->rows[change->count - 1].kind = ROW_MOVED_DETECTION;
}

void
store_put_evidence(struct store_change *change, const struct evidence *evidence)
{
    struct row *row = row_add(change, ROW_EVIDENCE, evidence->detection_id);
    row->byte_count = evidence->size < EVIDENCE_SIZE_MAX ? evidence->size : EVIDENCE_SIZE_MAX;
    row->bytes = mem_new(row->byte_count + 1, 1);
    if (row->byte_count > 0) {
        memcpy(row->bytes, evidence->pcap, row->byte_count);
    }
}

void
store_put_endpoint(struct store_change *change, const struct endpoint_record *record)
{
    const struct endpoint *endpoint = &record->endpoint;
    struct row *row = row_add(change, ROW_ENDPOINT, endpoint->id);
    struct endpoint_row whole = {.record = *record, .mac_count = endpoint->mac_count};
    whole.macs = whole.record.endpoint.macs; /* borrowed: only encoded */
    row->at_us = endpoint->seen_us;
    row_put_json(change, row, &store_endpoint_shape, &whole);
}

void
store_drop_endpoint(struct store_change *change, const char *endpoint_id)
{
    row_put_text(row_add(change, ROW_ENDPOINT, endpoint_id), "");
}

void
store_put_annotation(struct store_change *change, const struct mac *mac,
                     const struct annotation *annotation)
{
    char id[MAC_TEXT_SIZE];
    mac_format(mac, id);
    struct row *row = row_add(change, ROW_ANNOTATION, id);
    if (annotation_is_empty(annotation)) {
        row_put_text(row, "");
    } else {
        row_put_json(change, row, &store_annotation_shape, annotation);
    }
}

void
store_put_certificate(struct store_change *change, const struct certificate *certificate)
{
    struct row *row = row_add(change, ROW_CERTIFICATE, certificate->serial);
    row->flag =
        certificate->state != CERTIFICATE_VALID && certificate->state != CERTIFICATE_WAITING;
    row_put_json(change, row, &store_certificate_shape, certificate);
}

void
store_put_enrolment(struct store_change *change, const struct enrolment *enrolment)
{
    struct row *row = row_add(change, ROW_ENROLMENT, enrolment->id);
    row_put_json(change, row, &store_enrolment_shape, enrolment);
}

void
store_put_setting(struct store_change *change, const char *name, const char *value)
{
    struct row *row = row_add(change, ROW_SETTING, name);
    row_put_text(row, value);
    row->at_us = sum_of_setting(row->id, value);
    row->flag = strlen(name) >= sizeof(row->id);
}

void
store_put_notice(struct store_change *change, const struct notice *notice)
{
    struct row *row = row_add(change, ROW_NOTICE, notice->id);
    row->at_us = notice->at_us;
    row_put_json(change, row, &notice_shape, notice);
}

void
store_mark_notice(struct store_change *change, const char *notice_id)
{
    row_put_text(row_add(change, ROW_NOTICE, notice_id), "");
}

void
store_put_message(struct store_change *change, const struct message *message)
{
    struct row *row = row_add(change, ROW_MESSAGE, message->id);
    snprintf(row->key, sizeof(row->key), "%s", message->channel);
    snprintf(row->other, sizeof(row->other), "%s", message_state_names[message->state]);
    row_put_json(change, row, &message_shape, message);
}

void
store_put_audit(struct store_change *change, int64_t at_us, const char *account, const char *action,
                const char *object, const char *detail)
{
    struct row *row = row_add(change, ROW_AUDIT, account);
    snprintf(row->key, sizeof(row->key), "%s", action);
    snprintf(row->other, sizeof(row->other), "%s", object);
    row->at_us = at_us;
    row_put_text(row, detail);
    text_mend(row->id);
    text_mend(row->key);
    text_mend(row->other);
    text_mend(row->text);
}

void
store_put_revision(struct store_change *change, const struct revision *revision, const char *text)
{
    struct row *row = row_add(change, ROW_REVISION, revision->account);
    row->at_us = revision->at_us;
    row->flag = revision->number;
    row_put_text(row, text);
    row->more = mem_strdup(revision->reason);
    row->byte_count = SHA256_SIZE;
    row->bytes = mem_new(SHA256_SIZE, 1);
    crypto_hash_sha256(row->bytes, (const uint8_t *)text, strlen(text));
    text_mend(row->id);
    text_mend(row->more);
}

void
store_put_sweep(struct store_change *change, struct store_sweep *sweep)
{
    struct row *row = row_add(change, ROW_SWEEP, "");
    row->sweep = sweep;
    row->before = MEM_NEW(struct store_sweep);
    *row->before = *sweep;
}
