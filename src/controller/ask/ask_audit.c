/* The audit: lists, the walk through the chain, and exports, which web fetches in parts.  All of it
 * is read by the store's own thread; an export is in the audit itself before its first row goes
 * out. */
#include "controller/ask/ask_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "controller/audit/audit_text.h"
#include "controller/audit/checkpoints.h"
#include "controller/retention/retention.h"
#include "wire/view_audit.h"

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
view_check(const struct checkpoint_check *check, int64_t now_us, struct view_audit_check *view)
{
    const struct audit_chain *chain = check->chain;
    *view = (struct view_audit_check){.is_sound = chain->fault == AUDIT_SOUND,
                                      .checked = (uint64_t)(chain->checked - chain->anchor),
                                      .fault = chain->fault,
                                      .bad_number = chain->bad_number,
                                      .at_us = now_us,
                                      .compared = check->compared,
                                      .foreign = check->foreign,
                                      .lost = chain->lost,
                                      .pruned = (uint64_t)chain->anchor,
                                      .edges = check->edges,
                                      .silent = check->silent};
    if (!view->is_sound && chain->bad_number > chain->anchor &&
        view->checked >= (uint64_t)(chain->bad_number - chain->anchor)) {
        view->checked = (uint64_t)(chain->bad_number - chain->anchor - 1); /* it fits only itself */
    }
    snprintf(view->what, sizeof(view->what), "%s", chain->what);
    audit_hash_format(chain->last, view->newest);
}

static void
on_check(void *context, const struct checkpoint_check *check)
{
    struct ask_call *call = context;
    struct view_audit_check view;
    if (check->error) {
        refuse_unread(call, check->error);
        free(call);
        return;
    }
    view_check(check, clock_wall_us(controller_clock(call->controller)), &view);
    if (view.is_sound) {
        log_info("core", "the audit was verified", LOG_I("rows", view.checked),
                 LOG_I("checkpoints", view.compared), LOG_S("newest", view.newest),
                 LOG_S("account", call->account));
    } else {
        log_error("core", "the audit is not as it was written", LOG_I("row", view.bad_number),
                  LOG_S("fault", audit_fault_names[view.fault]), LOG_S("what", view.what));
    }
    ask_answer_shape(call, 200, &view_audit_check_shape, &view);
    free(call);
}

/* The walk, with what switches hold and with 'lines'. */
static void
check_begin(const struct ask_call *call, const char *newest, const char (*lines)[TEXT_SIZE],
            size_t count)
{
    uint8_t wanted[AUDIT_HASH_SIZE];
    bool has_wanted = newest[0] != '\0';
    if (has_wanted && !audit_hash_parse(newest, wanted)) {
        ask_problem(call, 422, "not a hash of 64 hexadecimal digits", "newest",
                    "give the newest hash that an earlier check said, or leave it out");
        return;
    }
    struct checkpoint *given = mem_new(count + 1, sizeof(*given));
    for (size_t i = 0; i < count; i++) {
        if (!checkpoint_line_find(lines[i], &given[i])) {
            given[i] = (struct checkpoint){.number = 0}; /* cannot be: its shape was checked */
        }
    }
    checkpoints_check(call->controller, has_wanted ? wanted : NULL, given, count, on_check,
                      call_keep(call));
    free(given);
}

void
ask_audit_verify(const struct ask_call *call, const void *parameters)
{
    check_begin(call, ((const struct op_audit_verify *)parameters)->newest, NULL, 0);
}

void
ask_audit_compare(const struct ask_call *call, const void *parameters)
{
    const struct op_audit_compare *asked = parameters;
    check_begin(call, asked->newest, asked->lines, asked->line_count);
}

static void
view_last(const struct checkpoints_view *from, struct view_audit_check *view)
{
    *view = (struct view_audit_check){.is_sound = from->is_sound,
                                      .checked = from->rows,
                                      .fault = (enum audit_fault)from->fault,
                                      .bad_number = from->bad_number,
                                      .at_us = from->checked_us,
                                      .compared = from->compared,
                                      .foreign = from->foreign,
                                      .edges = from->answered};
    snprintf(view->what, sizeof(view->what), "%s", from->what);
    snprintf(view->newest, sizeof(view->newest), "%s", from->newest);
}

void
ask_audit_checkpoints(const struct ask_call *call, const void *parameters)
{
    struct checkpoints_view from;
    struct view_audit_check last;
    struct view_checkpoints view = {.origin = ""};
    (void)parameters;
    checkpoints_look(call->controller, &from);
    if (from.has_key) {
        memcpy(view.origin, from.key.origin, sizeof(view.origin));
        checkpoint_key_format(&from.key, view.key);
    }
    view.items = mem_new(from.recent_count + 1, sizeof(*view.items));
    for (size_t i = from.recent_count; i > 0; i--) {
        struct view_checkpoint *item = &view.items[view.item_count++];
        item->number = from.recent[i - 1].number;
        item->at_us = from.recent[i - 1].at_us;
        audit_hash_format(from.recent[i - 1].hash, item->hash);
        checkpoint_line_format(&from.recent[i - 1], item->line);
    }
    view.edges = mem_new(from.edge_count + 1, sizeof(*view.edges));
    for (size_t i = 0; i < from.edge_count; i++) {
        struct view_checkpoint_edge *edge = &view.edges[view.edge_count++];
        memcpy(edge->name, from.edges[i].name, sizeof(edge->name));
        edge->is_connected = from.edges[i].is_connected;
        edge->count = from.edges[i].count;
        edge->newest = from.edges[i].newest;
        edge->asked_us = from.edges[i].asked_us;
    }
    if (from.checked_us) {
        view_last(&from, &last);
        view.last = &last;
    }
    ask_answer_shape(call, 200, &view_checkpoints_shape, &view);
    free(view.items);
    free(view.edges);
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
        audit_text_begin(&text, export->format, export->anchor[0] ? export->anchor : NULL);
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

/* Where old rows were pruned, the whole log begins behind them, and says so. */
static void
anchor_take(struct controller *controller, struct ask_export *export)
{
    struct checkpoint anchor;
    char *value = store_read_setting(controller_store(controller), AUDIT_ANCHOR);
    if (value && strlen(value) < sizeof(export->anchor) && anchor_line_find(value, &anchor)) {
        checkpoint_line_format(&anchor, export->anchor);
        export->question.after = anchor.number;
    }
    free(value);
}

static void
part_read(struct exporting *exporting)
{
    struct ask_export *export = &exporting->call.asks->exports[exporting->slot];
    if (exporting->is_first && export->is_whole) {
        anchor_take(exporting->call.controller, export);
    }
    retention_spare_audit(exporting->call.controller);
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

#define EXPORTS_PER_ACCOUNT 2

/* One who begins many and leaves them must not keep the others out: beyond two, the account's own
 * that was left longest makes room.  False: it has as many under way. */
static bool
exports_make_room(struct asks *asks, const char *account)
{
    struct ask_export *left = NULL;
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(asks->exports); i++) {
        struct ask_export *each = &asks->exports[i];
        if (!each->id[0] || strcmp(each->account, account) != 0) {
            continue;
        }
        count++;
        if (!each->is_busy && (!left || each->used_us < left->used_us)) {
            left = each;
        }
    }
    if (count >= EXPORTS_PER_ACCOUNT && left) {
        export_end(left);
    }
    return count < EXPORTS_PER_ACCOUNT || left;
}

static void
export_begin(const struct ask_call *call, const struct op_audit_export *asked)
{
    struct asks *asks = call->asks;
    size_t slot = 0;
    char what[URL_SIZE];
    bool may = exports_make_room(asks, call->account);
    while (slot < COUNT_OF(asks->exports) && asks->exports[slot].id[0]) {
        slot++;
    }
    if (!may || slot == COUNT_OF(asks->exports)) {
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
