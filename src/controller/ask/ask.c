#include "controller/ask/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "controller/ask/ask_call.h"
#include "controller/retention/purge.h"

static ask_handler *const handlers[OP_COUNT] = {
    [OP_ENDPOINT_LIST] = ask_endpoint_list,
    [OP_ENDPOINT_SHOW] = ask_endpoint_show,
    [OP_ENDPOINT_ANNOTATE] = ask_endpoint_annotate,
    [OP_ENDPOINT_PROTECT] = ask_endpoint_protect,
    [OP_ENDPOINT_EXPORT] = ask_endpoint_export,
    [OP_ENDPOINT_IMPORT] = ask_endpoint_import,
    [OP_MAP_SHOW] = ask_map_show,
    [OP_MAP_PLACE] = ask_map_place,
    [OP_ANNOTATION_LIST] = ask_annotation_list,
    [OP_LINK_LIST] = ask_link_list,
    [OP_SWITCH_LIST] = ask_switch_list,
    [OP_SWITCH_SHOW] = ask_switch_show,
    [OP_CONTAINMENT_LIST] = ask_containment_list,
    [OP_CONTAINMENT_SHOW] = ask_containment_show,
    [OP_CONTAINMENT_CREATE] = ask_containment_create,
    [OP_CONTAINMENT_RELEASE] = ask_containment_release,
    [OP_CONTAINMENT_EXTEND] = ask_containment_extend,
    [OP_SERVER_LIST] = ask_server_list,
    [OP_SERVER_SHOW] = ask_server_show,
    [OP_SERVER_CREATE] = ask_server_create,
    [OP_SERVER_RELEASE] = ask_server_release,
    [OP_SERVER_EXTEND] = ask_server_extend,
    [OP_PENDING_LIST] = ask_pending_list,
    [OP_PENDING_ENFORCE] = ask_pending_enforce,
    [OP_PENDING_CHECK] = ask_pending_check,
    [OP_PENDING_REVERT] = ask_pending_revert,
    [OP_INCIDENT_LIST] = ask_incident_list,
    [OP_INCIDENT_SHOW] = ask_incident_show,
    [OP_EVIDENCE_SHOW] = ask_evidence_show,
    [OP_SOURCE_LIST] = ask_source_list,
    [OP_SENSOR_LIST] = ask_sensor_list,
    [OP_MIRROR_LIST] = ask_mirror_list,
    [OP_PROTECTION_LIST] = ask_protection_list,
    [OP_PROTECTION_CONFIRM] = ask_protection_confirm,
    [OP_PROTECTION_REMOVE] = ask_protection_remove,
    [OP_POLICY_SHOW] = ask_policy_show,
    [OP_POLICY_CHECK] = ask_policy_check,
    [OP_POLICY_SAVE] = ask_policy_save,
    [OP_REVISION_LIST] = ask_revision_list,
    [OP_REVISION_SHOW] = ask_revision_show,
    [OP_REVISION_RESTORE] = ask_revision_restore,
    [OP_POLICY_TEST] = ask_policy_test,
    [OP_REPLAY_START] = ask_replay_start,
    [OP_REPLAY_SHOW] = ask_replay_show,
    [OP_REPLAY_LIST] = ask_replay_list,
    [OP_ROLLOUT_SHOW] = ask_rollout_show,
    [OP_WINDOW_LIST] = ask_window_list,
    [OP_JOB_LIST] = ask_job_list,
    [OP_JOB_SHOW] = ask_job_show,
    [OP_JOB_CANCEL] = ask_job_cancel,
    [OP_ENFORCEMENT_SHOW] = ask_enforcement_show,
    [OP_ENFORCEMENT_PANIC] = ask_enforcement_panic,
    [OP_ENFORCEMENT_RESUME] = ask_enforcement_resume,
    [OP_CONFLICT_LIST] = ask_conflict_list,
    [OP_BUDGET_SHOW] = ask_budget_show,
    [OP_NOTIFICATIONS_SHOW] = ask_notifications_show,
    [OP_NOTIFICATIONS_SET] = ask_notifications_set,
    [OP_NOTIFICATIONS_TEST] = ask_notifications_test,
    [OP_NOTICE_LIST] = ask_notice_list,
    [OP_DOCTOR] = ask_doctor,
    [OP_AUDIT_LIST] = ask_audit_list,
    [OP_STORAGE_SHOW] = ask_storage_show,
    [OP_RETENTION_SHOW] = ask_retention_show,
    [OP_RETENTION_SET] = ask_retention_set,
    [OP_PURGE_START] = ask_purge_start,
    [OP_PURGE_SHOW] = ask_purge_show,
    [OP_BACKUP_SHOW] = ask_backup_show,
    [OP_BACKUP_START] = ask_backup_start,
    [OP_BACKUP_SCHEDULE] = ask_backup_schedule,
    [OP_BACKUP_DOWNLOAD] = ask_backup_download,
    [OP_UNPROVEN_LIST] = ask_unproven_list,
    [OP_UNPROVEN_KEEP] = ask_unproven_keep,
    [OP_WATCH_LIST] = ask_watch_list,
    [OP_SERVER_ASSESS] = ask_server_assess,
    [OP_WARNING_SHOW] = ask_warning_show,
    [OP_WARNING_SET] = ask_warning_set,
    [OP_WARNING_RESET] = ask_warning_reset,
    [OP_WARNING_PREVIEW] = ask_warning_preview,
    [OP_AUDIT_VERIFY] = ask_audit_verify,
    [OP_AUDIT_COMPARE] = ask_audit_compare,
    [OP_AUDIT_CHECKPOINTS] = ask_audit_checkpoints,
    [OP_AUDIT_EXPORT] = ask_audit_export,
    [OP_CERTIFICATE_LIST] = ask_certificate_list,
    [OP_CERTIFICATE_REVOKE] = ask_certificate_revoke,
    [OP_ENROLMENT_LIST] = ask_enrolment_list,
    [OP_ENROLMENT_OFFER] = ask_enrolment_offer,
    [OP_ENROLMENT_WITHDRAW] = ask_enrolment_withdraw,
    [OP_ENROLMENT_REDEEM] = ask_enrolment_redeem,
    [OP_REFUSED_LIST] = ask_refused_list,
    [OP_AUDIT_RECORD] = ask_audit_record,
    [OP_PAYLOAD_LIST] = ask_payload_list,
    [OP_PAYLOAD_SET] = ask_payload_set,
    [OP_VERSION] = ask_version,
    [OP_METRICS] = ask_metrics,
};

struct asks *
asks_new(const struct ask_settings *settings)
{
    struct asks *asks = MEM_NEW(struct asks);
    asks->settings = *settings;
    if (!asks->settings.site) {
        asks->settings.site = "default";
    }
    asks->jobs = jobs_new(controller_clock(settings->controller), &settings->jobs);
    const struct purge_settings purges = {.controller = settings->controller,
                                          .copies = settings->copies};
    purges_resume(asks->jobs, &purges);
    return asks;
}

void
asks_free(struct asks *asks)
{
    if (asks) {
        ask_trials_end(asks);
        ask_downloads_end(asks);
        jobs_free(asks->jobs);
        free(asks->payload_notes);
    }
    free(asks);
}

int64_t
asks_run_jobs(struct asks *asks)
{
    return jobs_run(asks->jobs);
}

static void
answer(const struct ask_call *call, struct wire_answer *answer)
{
    answer->number = call->number;
    call->answer(call->context, answer);
    cJSON_Delete(answer->body);
}

void
ask_answer_json(const struct ask_call *call, unsigned status, cJSON *body)
{
    answer(call, &(struct wire_answer){.status = (uint16_t)status, .body = body});
}

void
ask_answer_shape(const struct ask_call *call, unsigned status, const struct shape *shape,
                 const void *thing)
{
    cJSON *body = codec_encode(shape, thing);
    char *text = cJSON_PrintUnformatted(body);
    bool is_too_large = !text || strlen(text) > ASK_ANSWER_BYTES;
    cJSON_free(text);
    if (is_too_large) {
        cJSON_Delete(body);
        ask_problem(call, 413, "the answer is larger than one message can be", NULL,
                    "ask for less at once");
        return;
    }
    ask_answer_json(call, status, body);
}

void
ask_answer_bytes(const struct ask_call *call, const void *bytes, size_t size)
{
    /* The answer only lends them. */
    answer(call,
           &(struct wire_answer){.status = 200, .bytes = (uint8_t *)bytes, .byte_count = size});
}

void
ask_answer_part(const struct ask_call *call, cJSON *body, const void *bytes, size_t size)
{
    answer(call, &(struct wire_answer){
                     .status = 200, .body = body, .bytes = (uint8_t *)bytes, .byte_count = size});
}

void
ask_problem(const struct ask_call *call, unsigned status, const char *detail, const char *where,
            const char *advice)
{
    call->asks->refused++;
    ask_answer_json(call, status, view_problem_make(status, detail, where, advice));
}

static void
run(const struct ask_call *call, const cJSON *json)
{
    const struct shape *shape = op_table[call->op].parameters;
    struct codec_error error = {0};
    cJSON *empty = json ? NULL : cJSON_CreateObject();
    void *parameters = shape ? mem_new(1, shape->size) : NULL;
    if (shape && codec_decode(shape, json ? json : empty, parameters, &error) != 0) {
        ask_problem(call, 422, error.why, error.path, "correct that field");
    } else {
        call->asks->asked[call->op]++;
        handlers[call->op](call, parameters);
        if (shape) {
            codec_fini(shape, parameters);
        }
    }
    free(parameters);
    cJSON_Delete(empty);
}

void
asks_handle(struct asks *asks, const struct wire_ask *ask, ask_answer_fn *done, void *context)
{
    enum account_role role;
    struct ask_call call = {.asks = asks,
                            .controller = asks->settings.controller,
                            .number = ask->number,
                            .answer = done,
                            .context = context,
                            .parameters = ask->parameters};
    memcpy(call.account, ask->account, sizeof(call.account));
    ask_trials_expire(asks);
    if (!op_parse(ask->op, &call.op)) {
        ask_problem(&call, 404, "there is no such operation", "op", "are web and core of one age?");
        return;
    }
    /* Web checked this already; but web reads browsers' bytes, and core does not trust it. */
    if (ask->account[0] == '\0' || !account_role_parse(ask->role, &role) ||
        !op_allows(call.op, role)) {
        log_warn("core", "an ask beyond the account's role was refused", LOG_S("op", ask->op),
                 LOG_S("account", ask->account), LOG_S("role", ask->role));
        ask_problem(&call, 403, "the account's role does not suffice", "role",
                    "ask an administrator");
        return;
    }
    call.role = role;
    if (!handlers[call.op]) {
        ask_problem(&call, 404, "that operation is web's own", "op", NULL);
        return;
    }
    run(&call, ask->parameters);
}

void
ask_page_begin(struct ask_page *page, const struct op_page *asked)
{
    *page = (struct ask_page){.items = cJSON_CreateArray(),
                              .cursor = asked->cursor,
                              .limit = asked->limit ? asked->limit : OP_LIMIT_DEFAULT};
}

#define SERIAL_BITS 32
#define RUN_MASK ((ASK_CURSOR_LASTING >> SERIAL_BITS) - 1)
#define SERIAL_MASK ((UINT64_C(1) << SERIAL_BITS) - 1)

bool
ask_page_begin_run(const struct ask_call *call, struct ask_page *page, const struct op_page *asked)
{
    uint64_t run = controller_run(call->controller) & RUN_MASK;
    bool is_of_run = asked->cursor > 0 && asked->cursor < ASK_CURSOR_LASTING;
    if (is_of_run && asked->cursor >> SERIAL_BITS != run) {
        ask_problem(call, 409, "the controller was started anew since that page was given",
                    "cursor", "begin again without a cursor");
        return false;
    }
    ask_page_begin(page, asked);
    page->run = run << SERIAL_BITS;
    page->cursor = is_of_run ? asked->cursor & SERIAL_MASK : asked->cursor;
    return true;
}

static bool
page_takes(struct ask_page *page, bool is_behind)
{
    page->seen++;
    if (!is_behind) {
        return false;
    }
    page->is_full = page->is_full || page->taken == page->limit || page->bytes >= ASK_PAGE_BYTES;
    return !page->is_full;
}

bool
ask_page_takes(struct ask_page *page)
{
    return page_takes(page, page->seen >= page->cursor);
}

bool
ask_page_takes_key(struct ask_page *page, uint64_t key, bool is_falling)
{
    bool is_behind = page->cursor == 0 || (is_falling ? key < page->cursor : key > page->cursor);
    bool takes = page_takes(page, is_behind);
    page->next = takes ? key : page->next;
    return takes;
}

void
ask_page_add(struct ask_page *page, cJSON *item)
{
    char *text = cJSON_PrintUnformatted(item);
    page->bytes += text ? strlen(text) : 0;
    cJSON_free(text);
    cJSON_AddItemToArray(page->items, item);
    page->taken++;
}

void
ask_page_answer(const struct ask_call *call, struct ask_page *page)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "items", page->items);
    if (page->is_full) {
        uint64_t next = page->next ? page->next : page->cursor + page->taken;
        cJSON_AddNumberToObject(body, "next",
                                (double)(next < ASK_CURSOR_LASTING ? next | page->run : next));
    }
    cJSON_AddNumberToObject(body, "total", (double)page->seen);
    ask_answer_json(call, 200, body);
}

static char
small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* 'part' is not empty and in small letters. */
static bool
has_part(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && small(text[i]) == part[i]) {
            i++;
        }
        if (!part[i]) {
            return true;
        }
    }
    return false;
}

bool
ask_matches(const char *q, const char *const *texts)
{
    char part[HOST_SIZE], colons[HOST_SIZE];
    size_t size = 0;
    bool has_hyphen = false;
    if (q[0] == '\0') {
        return true;
    }
    for (; q[size] && size < sizeof(part) - 1; size++) {
        part[size] = small(q[size]);
        colons[size] = q[size] == '-' ? ':' : part[size];
        has_hyphen = has_hyphen || q[size] == '-';
    }
    part[size] = colons[size] = '\0';
    for (size_t i = 0; texts[i]; i++) {
        if (has_part(texts[i], part) || (has_hyphen && has_part(texts[i], colons))) {
            return true;
        }
    }
    return false;
}

struct ask_shape
ask_shape_of(const char *q)
{
    size_t size = strlen(q);
    return (struct ask_shape){.mac = strspn(q, "0123456789abcdefABCDEF:-") == size,
                              .ip4 = strspn(q, "0123456789.") == size,
                              .ip6 = strspn(q, "0123456789abcdefABCDEF:-") == size};
}
