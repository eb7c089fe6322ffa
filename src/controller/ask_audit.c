/* The audit: lists, the walk through the chain, and exports, which web fetches in parts.  All of it
 * is read by the store's own thread; an export is in the audit itself before its first row goes
 * out. */
#include "controller/ask_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "controller/audit_text.h"

#define EXPORT_IDLE_US INT64_C(120000000)

static void
refuse_unread(const struct ask_call *call, int error)
{
    if (error == -EBUSY) {
        ask_problem(call, 503, "too many read the audit now", NULL, "try again in a second");
    } else {
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
    }
}

static struct store_audit_question
question_of(const struct op_audit_filter *filter)
{
    struct store_audit_question question = {.from_us = filter->from_us,
                                            .until_us = filter->until_us};
    memcpy(question.account, filter->account, sizeof(question.account));
    memcpy(question.action, filter->action, sizeof(question.action));
    memcpy(question.object, filter->object, sizeof(question.object));
    return question;
}

static cJSON *
view_row(const struct store_audit_row *row)
{
    struct view_audit view = {.number = row->fields.number, .at_us = row->fields.at_us};
    snprintf(view.account, sizeof(view.account), "%s", row->fields.account);
    snprintf(view.action, sizeof(view.action), "%s", row->fields.action);
    snprintf(view.object, sizeof(view.object), "%s", row->fields.object);
    snprintf(view.detail, sizeof(view.detail), "%s", row->fields.detail);
    audit_hash_format(row->hash, view.hash);
    return codec_encode(&view_audit_shape, &view);
}

static void
on_rows(void *context, const struct store_audit_answer *answer)
{
    struct ask_call *call = context;
    if (answer->error) {
        refuse_unread(call, answer->error);
        free(call);
        return;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(body, "items");
    for (size_t i = 0; i < answer->count; i++) {
        cJSON_AddItemToArray(items, view_row(&answer->rows[i]));
    }
    if (answer->has_more && answer->count > 0) {
        cJSON_AddNumberToObject(body, "next",
                                (double)answer->rows[answer->count - 1].fields.number);
    }
    ask_answer_json(call, 200, body);
    free(call);
}

static struct ask_call *
call_keep(const struct ask_call *call)
{
    struct ask_call *kept = MEM_NEW(struct ask_call);
    *kept = *call;
    return kept;
}

/* The cursor is the number of the last row given: rows come newest first and never change. */
void
ask_audit_list(const struct ask_call *call, const void *parameters)
{
    const struct op_audit_list *asked = parameters;
    struct store_audit_question question = question_of(&asked->filter);
    memcpy(question.text, asked->page.q, sizeof(question.text));
    question.after = asked->page.cursor < INT64_MAX ? (int64_t)asked->page.cursor : 0;
    question.limit = asked->page.limit ? asked->page.limit : OP_LIMIT_DEFAULT;
    store_read_audit(controller_store(call->controller), &question, on_rows, call_keep(call));
}

static void
on_chain(void *context, int error, const struct audit_chain *chain)
{
    struct ask_call *call = context;
    struct view_audit_check view = {0};
    if (error) {
        refuse_unread(call, error);
        free(call);
        return;
    }
    view.is_sound = chain->fault == AUDIT_SOUND;
    view.checked = (uint64_t)chain->checked;
    view.fault = chain->fault;
    view.bad_number = chain->bad_number;
    snprintf(view.what, sizeof(view.what), "%s", chain->what);
    audit_hash_format(chain->last, view.newest);
    view.at_us = clock_wall_us(controller_clock(call->controller));
    if (view.is_sound) {
        log_info("core", "the audit was verified", LOG_I("rows", chain->checked),
                 LOG_S("newest", view.newest), LOG_S("account", call->account));
    } else {
        log_error("core", "the audit is not as it was written", LOG_I("row", chain->bad_number),
                  LOG_S("fault", audit_fault_names[chain->fault]), LOG_S("what", chain->what));
        controller_notice(call->controller, NOTICE_AUDIT, SEVERITY_HIGH, call->account,
                          chain->what);
    }
    ask_answer_shape(call, 200, &view_audit_check_shape, &view);
    free(call);
}

void
ask_audit_verify(const struct ask_call *call, const void *parameters)
{
    const struct op_audit_verify *asked = parameters;
    uint8_t wanted[AUDIT_HASH_SIZE];
    bool has_wanted = asked->newest[0] != '\0';
    if (has_wanted && !audit_hash_parse(asked->newest, wanted)) {
        ask_problem(call, 422, "not a hash of 64 hexadecimal digits", "newest",
                    "give the newest hash that an earlier check said, or leave it out");
        return;
    }
    store_check_audit(controller_store(call->controller), has_wanted ? wanted : NULL, on_chain,
                      call_keep(call));
}

/* Exports under way. */
struct exporting {
    struct ask_call call;
    size_t slot;
    bool is_first;
};

static void
export_end(struct ask_export *export)
{
    *export = (struct ask_export){.id = ""};
}

static void
exports_expire(struct asks *asks, int64_t now_us)
{
    for (size_t i = 0; i < COUNT_OF(asks->exports); i++) {
        struct ask_export *each = &asks->exports[i];
        if (each->id[0] && !each->is_busy && now_us - each->used_us > EXPORT_IDLE_US) {
            export_end(each);
        }
    }
}

/* The part with its rows; web asks for the next one by the run's id until there is none. */
static void
answer_part(const struct ask_call *call, struct ask_export *export, bool is_first,
            const struct store_audit_answer *answer)
{
    struct audit_text text = {.bytes = NULL};
    cJSON *body = cJSON_CreateObject();
    if (is_first) {
        audit_text_begin(&text, export->format);
        export->question.last = answer->newest;
    }
    for (size_t i = 0; i < answer->count; i++) {
        audit_text_row(&text, export->format, &answer->rows[i]);
        export->question.after = answer->rows[i].fields.number;
        memcpy(export->newest, answer->rows[i].hash, AUDIT_HASH_SIZE);
    }
    export->rows += answer->count;
    if (answer->has_more && answer->count > 0) {
        cJSON_AddStringToObject(body, "run", export->id);
    } else {
        audit_text_end(&text, export->format, export->rows, export->question.after, export->newest,
                       export->is_whole);
        export_end(export);
    }
    ask_answer_part(call, body, text.bytes ? text.bytes : "", text.used);
    audit_text_free(&text);
}

static void
on_part(void *context, const struct store_audit_answer *answer)
{
    struct exporting *exporting = context;
    struct ask_call *call = &exporting->call;
    struct ask_export *export = &call->asks->exports[exporting->slot];
    export->is_busy = false;
    export->used_us = clock_boot_us(controller_clock(call->controller));
    if (answer->error) {
        export_end(export);
        refuse_unread(call, answer->error);
    } else {
        answer_part(call, export, exporting->is_first, answer);
    }
    free(exporting);
}

static void
part_read(struct exporting *exporting)
{
    struct ask_export *export = &exporting->call.asks->exports[exporting->slot];
    store_read_audit(controller_store(exporting->call.controller), &export->question, on_part,
                     exporting);
}

static void
on_export_recorded(void *context, enum wish_result result, const char *why,
                   const struct containment *containment)
{
    struct exporting *exporting = context;
    (void)containment;
    if (result == WISH_DONE) {
        part_read(exporting);
        return;
    }
    export_end(&exporting->call.asks->exports[exporting->slot]);
    ask_problem(&exporting->call, 503, why, NULL, "nothing was exported; try again");
    free(exporting);
}

/* What is exported, for the audit itself. */
static void
describe(const struct op_audit_export *asked, char text[URL_SIZE])
{
    const struct op_audit_filter *filter = &asked->filter;
    char from[TIME_TEXT_SIZE] = "", until[TIME_TEXT_SIZE] = "";
    if (filter->from_us) {
        time_format(filter->from_us, from);
    }
    if (filter->until_us) {
        time_format(filter->until_us, until);
    }
    const struct {
        const char *name, *value;
    } parts[] = {{"account", filter->account},
                 {"action", filter->action},
                 {"object", filter->object},
                 {"from", from},
                 {"until", until},
                 {"text", asked->q}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(parts) && used < URL_SIZE; i++) {
        if (parts[i].value[0]) {
            used += (size_t)snprintf(text + used, URL_SIZE - used, "%s%s %s", used ? ", " : "",
                                     parts[i].name, parts[i].value);
        }
    }
    if (used == 0) {
        snprintf(text, URL_SIZE, "all rows");
    }
}

static void
export_begin(const struct ask_call *call, const struct op_audit_export *asked)
{
    struct asks *asks = call->asks;
    size_t slot = 0;
    char what[URL_SIZE];
    while (slot < COUNT_OF(asks->exports) && asks->exports[slot].id[0]) {
        slot++;
    }
    if (slot == COUNT_OF(asks->exports)) {
        ask_problem(call, 503, "too many exports are under way", NULL, "try again in a minute");
        return;
    }
    struct ask_export *export = &asks->exports[slot];
    id_make(clock_wall_us(controller_clock(call->controller)), export->id);
    memcpy(export->account, call->account, sizeof(export->account));
    export->question = question_of(&asked->filter);
    memcpy(export->question.text, asked->q, sizeof(export->question.text));
    export->question.oldest_first = true;
    export->format = (enum audit_format)asked->format;
    export->is_busy = true;
    describe(asked, what);
    export->is_whole = strcmp(what, "all rows") == 0;
    struct exporting *exporting = MEM_NEW(struct exporting);
    *exporting = (struct exporting){.call = *call, .slot = slot, .is_first = true};
    controller_record(call->controller, call->account, "audit.export",
                      audit_format_names[asked->format], what, on_export_recorded, exporting);
}

void
ask_audit_export(const struct ask_call *call, const void *parameters)
{
    const struct op_audit_export *asked = parameters;
    struct asks *asks = call->asks;
    exports_expire(asks, clock_boot_us(controller_clock(call->controller)));
    if (asked->run[0] == '\0') {
        export_begin(call, asked);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(asks->exports); i++) {
        struct ask_export *each = &asks->exports[i];
        if (!each->is_busy && strcmp(each->id, asked->run) == 0 &&
            strcmp(each->account, call->account) == 0) {
            struct exporting *exporting = MEM_NEW(struct exporting);
            *exporting = (struct exporting){.call = *call, .slot = i};
            each->is_busy = true;
            part_read(exporting);
            return;
        }
    }
    ask_problem(call, 404, "that export is over, or never was", "run", "begin a new one");
}
