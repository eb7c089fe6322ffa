#include "wire/op.h"

#include <stdio.h>
#include <string.h>

#include "model/checkpoint.h"
#include "model/warning_page.h"
#include "wire/detection.h"
#include "wire/notice.h"
#include "wire/notify.h"
#include "wire/op_parts.h"
#include "wire/view_account.h"
#include "wire/view_budget.h"
#include "wire/view_certificate.h"
#include "wire/view_audit.h"
#include "wire/view_containment.h"
#include "wire/view_endpoint.h"
#include "wire/view_field.h"
#include "wire/view_notify.h"
#include "wire/view_job.h"
#include "wire/view_payload.h"
#include "wire/view_policy.h"
#include "wire/view_replay.h"
#include "wire/view_retention.h"
#include "wire/view_rollout.h"
#include "wire/view_switch.h"
#include "wire/view_system.h"

const char *const account_role_names[ACCOUNT_ROLE_COUNT + 1] = {"viewer", "operator", "admin",
                                                                "auditor", NULL};

bool
account_role_parse(const char *text, enum account_role *role)
{
    for (int i = 0; i < ACCOUNT_ROLE_COUNT; i++) {
        if (strcmp(account_role_names[i], text) == 0) {
            *role = (enum account_role)i;
            return true;
        }
    }
    return false;
}

/* Parameters. */
struct op_page_only {
    struct op_page page;
};
static const struct field page_fields[] = {PAGE_ROWS(struct op_page_only, page)};
static const struct shape page_shape = SHAPE("Page", struct op_page_only, page_fields, NULL);

static const char *const state_filter_names[] = {
    "any",    "pending",  "requested", "waiting", "located",  "applied", "verified",
    "failed", "released", "expired",   "checked", "reverted", NULL};
static const char *const action_filter_names[] = {"any",          "isolate", "block_pair",
                                                  "block_server", "mirror",  NULL};
static const struct field containment_list_fields[] = {
    PAGE_ROWS(struct op_containment_list, page),
    ROW_ENUM(struct op_containment_list, state, "state", true, state_filter_names,
             "only in this state"),
    ROW_ENUM(struct op_containment_list, action, "action", true, action_filter_names,
             "only this action"),
    ROW_OPT(struct op_containment_list, endpoint, "endpoint", FIELD_TEXT,
            "only about the endpoint with this id"),
    ROW_OPT(struct op_containment_list, ended, "ended", FIELD_BOOL, "also those that ended"),
};
static const struct shape containment_list_shape =
    SHAPE("ContainmentFilter", struct op_containment_list, containment_list_fields, NULL);

static const struct field incident_list_fields[] = {
    PAGE_ROWS(struct op_incident_list, page),
    ROW_OPT(struct op_incident_list, endpoint, "endpoint", FIELD_TEXT,
            "only about the endpoint with this id"),
    ROW_OPT(struct op_incident_list, closed, "closed", FIELD_BOOL, "also closed ones"),
};
static const struct shape incident_list_shape =
    SHAPE("IncidentFilter", struct op_incident_list, incident_list_fields, NULL);

#define AUDIT_ROWS(type, filter)                                                                   \
    ROW_OPT(type, filter.account, "account", FIELD_TEXT, "only by this account"),                  \
        ROW_OPT(type, filter.action, "action", FIELD_TEXT,                                         \
                "only this action; without a dot also all below it: session, session.open"),       \
        ROW_OPT(type, filter.object, "object", FIELD_TEXT, "only about this object"),              \
        ROW_OPT(type, filter.from_us, "from", FIELD_TIME, "only from this time on"),               \
        ROW_OPT(type, filter.until_us, "until", FIELD_TIME, "only before this time")

static const struct field audit_list_fields[] = {
    ROW_OPT(struct op_audit_list, page.q, "q", FIELD_TEXT, "any part of what a row says"),
    ROW_RANGE(struct op_audit_list, page.limit, "limit", FIELD_UINT, 1, OP_LIMIT_MAX,
              "items per answer"),
    ROW_OPT(struct op_audit_list, page.cursor, "cursor", FIELD_UINT, "'next' of the answer before"),
    AUDIT_ROWS(struct op_audit_list, filter),
};
static const struct shape audit_list_shape =
    SHAPE("AuditFilter", struct op_audit_list, audit_list_fields, NULL);

static const struct field audit_verify_fields[] = {
    ROW_OPT(struct op_audit_verify, newest, "newest", FIELD_TEXT,
            "newest hash that an earlier check said: the chain must still go through it"),
};
static const struct shape audit_verify_shape =
    SHAPE("AuditVerify", struct op_audit_verify, audit_verify_fields, NULL);

static const struct field evidence_fields[] = {
    ROW(struct op_evidence, id, "id", FIELD_TEXT, "the detection's id"),
    ROW_OPT(struct op_evidence, reason, "reason", FIELD_TEXT, "why they are read, for the audit"),
};
static const struct shape evidence_shape =
    SHAPE("EvidenceRequest", struct op_evidence, evidence_fields, NULL);

static bool
check_payload(const void *thing, char why[128])
{
    const struct op_payload *asked = thing;
    bool is_named = strncmp(asked->id, "account:", 8) == 0 || strncmp(asked->id, "token:", 6) == 0;
    if (!is_named || strlen(asked->id) >= NAME_SIZE) {
        snprintf(why, 128, "whose right it is: account:NAME or token:NAME");
        return false;
    }
    return op_reason_given(asked->reason, why);
}

static const struct field payload_fields[] = {
    ROW(struct op_payload, id, "id", FIELD_TEXT, "account:NAME or token:NAME"),
    ROW_ENUM(struct op_payload, right, "right", false, payload_right_names,
             "by_role: administrators may, nobody else"),
    ROW(struct op_payload, reason, "reason", FIELD_TEXT, "why, for the audit"),
};
static const struct shape payload_shape =
    SHAPE("PayloadRight", struct op_payload, payload_fields, check_payload);

static bool
check_audit_compare(const void *thing, char why[128])
{
    const struct op_audit_compare *asked = thing;
    struct checkpoint checkpoint;
    for (size_t i = 0; i < asked->line_count; i++) {
        if (!checkpoint_line_find(asked->lines[i], &checkpoint)) {
            snprintf(why, 128, "not a checkpoint");
            return false;
        }
    }
    return true;
}

static const struct field audit_compare_fields[] = {
    ROW_TEXTS(struct op_audit_compare, lines, line_count, "checkpoints",
              "lines with checkpoints, as syslog has them"),
    ROW_OPT(struct op_audit_compare, newest, "newest", FIELD_TEXT, "as in AuditVerify"),
};
static const struct shape audit_compare_shape =
    SHAPE("AuditCompare", struct op_audit_compare, audit_compare_fields, check_audit_compare);

const char *const audit_format_names[AUDIT_FORMAT_COUNT + 1] = {"json", "csv", "cef", NULL};
static const struct field audit_export_fields[] = {
    ROW_ENUM(struct op_audit_export, format, "format", true, audit_format_names,
             "json: JSON lines with hashes, which 'cordonctl audit verify --file' checks"),
    ROW_OPT(struct op_audit_export, q, "q", FIELD_TEXT, "any part of what a row says"),
    AUDIT_ROWS(struct op_audit_export, filter),
    ROW_OPT(struct op_audit_export, run, "run", FIELD_TEXT, "of web: the export that goes on"),
};
static const struct shape audit_export_shape =
    SHAPE("AuditExport", struct op_audit_export, audit_export_fields, NULL);

static const struct field download_fields[] = {
    ROW_OPT(struct op_download, run, "run", FIELD_TEXT, "of web: the download that goes on"),
};
static const struct shape download_shape =
    SHAPE("BackupDownload", struct op_download, download_fields, NULL);

static const struct field id_fields[] = {
    ROW(struct op_id, id, "id", FIELD_TEXT, "id, or another unique name where one is accepted"),
};
static const struct shape id_shape = SHAPE("Id", struct op_id, id_fields, NULL);

bool
op_reason_given(const char *reason, char why[128])
{
    if (reason[strspn(reason, " ")] == '\0') {
        snprintf(why, 128, "a reason is required: it goes into the audit");
        return false;
    }
    return true;
}

static bool
check_warning(const void *thing, char why[128])
{
    const struct op_warning *asked = thing;
    return page_check(asked->texts, asked->text_count, why) && op_reason_given(asked->reason, why);
}

static bool
check_warning_reset(const void *thing, char why[128])
{
    return op_reason_given(((const struct op_warning_reset *)thing)->reason, why);
}

#define WARNING_TEXTS(type, about_)                                                                \
    ROW_LIST(type, texts, text_count, "texts", FIELD_LIST, &view_warning_text_shape,               \
             WARNING_LANGUAGES_MAX, about_)
static const struct field warning_fields[] = {
    WARNING_TEXTS(struct op_warning, "per language, the first one on top of the page"),
    ROW(struct op_warning, version, "version", FIELD_UINT, "that you read: 'version' of Warning"),
    ROW(struct op_warning, reason, "reason", FIELD_TEXT, "why, for the audit"),
};
static const struct shape warning_shape =
    SHAPE("WarningChange", struct op_warning, warning_fields, check_warning);

static const struct field warning_reset_fields[] = {
    ROW(struct op_warning_reset, version, "version", FIELD_UINT,
        "that you read: 'version' of Warning"),
    ROW(struct op_warning_reset, reason, "reason", FIELD_TEXT, "why, for the audit"),
};
static const struct shape warning_reset_shape =
    SHAPE("WarningReset", struct op_warning_reset, warning_reset_fields, check_warning_reset);

static const struct field warning_preview_fields[] = {
    WARNING_TEXTS(struct op_warning_preview, "none: those in force"),
    ROW_OPT(struct op_warning_preview, reason, "reason", FIELD_TEXT, "as a containment has it"),
    ROW_OPT(struct op_warning_preview, case_number, "case_number", FIELD_TEXT,
            "as a containment has it"),
};
static const struct shape warning_preview_shape =
    SHAPE("WarningPreview", struct op_warning_preview, warning_preview_fields, NULL);

static bool
check_server(const struct prefix *server, const char *name, char why[128])
{
    if (prefix_is_none(server) == (name[0] == '\0')) {
        snprintf(why, 128, "give exactly one of server and server_name");
        return false;
    }
    return true;
}

static bool
check_contain(const void *thing, char why[128])
{
    const struct op_contain *contain = thing;
    int subjects =
        (contain->endpoint_id[0] != '\0') + !mac_is_none(&contain->mac) + !ip_is_none(&contain->ip);
    bool has_server = !prefix_is_none(&contain->server) || contain->server_name[0] != '\0';
    enum action action = (enum action)(contain->action + 1);
    if (!op_reason_given(contain->reason, why)) {
        return false;
    }
    if (action == ACTION_BLOCK_SERVER && subjects > 0) {
        snprintf(why, 128, "block_server is for everybody: leave out the endpoint");
        return false;
    }
    if (action != ACTION_BLOCK_SERVER && subjects != 1) {
        snprintf(why, 128, "give exactly one of endpoint_id, mac and ip");
        return false;
    }
    if (action == ACTION_BLOCK_PAIR || action == ACTION_BLOCK_SERVER) {
        return check_server(&contain->server, contain->server_name, why);
    }
    if (has_server) {
        snprintf(why, 128, "a server is only for block_pair and block_server");
        return false;
    }
    if (action != ACTION_ISOLATE && contain->permit_set[0] != '\0') {
        snprintf(why, 128, "permit_set is only for isolate");
        return false;
    }
    return true;
}

static const char *const contain_action_names[] = {"isolate", "block_pair", "block_server",
                                                   "mirror", NULL};
#define ASKED_ROWS(type)                                                                           \
    ROW_OPT(type, site, "site", FIELD_TEXT, "site whose addresses are meant; absent: ours"),       \
        ROW(type, reason, "reason", FIELD_TEXT, "why, for the audit and for people"),              \
        ROW_OPT(type, external_id, "external_id", FIELD_TEXT,                                      \
                "your own id: repeating it answers 200 with the same object"),                     \
        ROW_RANGE(type, expires_s, "expires_in_s", FIELD_UINT, 1, OP_EXPIRY_MAX_S,                 \
                  "ends by itself after so many seconds")

static const struct field contain_fields[] = {
    ROW_ENUM(struct op_contain, action, "action", false, contain_action_names, "what to do"),
    ROW_OPT(struct op_contain, endpoint_id, "endpoint_id", FIELD_TEXT, "the endpoint by id"),
    ROW_OPT(struct op_contain, mac, "mac", FIELD_MAC, "or by MAC"),
    ROW_OPT(struct op_contain, ip, "ip", FIELD_IP, "or by address"),
    ROW_OPT(struct op_contain, observed_us, "observed_at", FIELD_TIME,
            "when that address was the endpoint's; absent: now"),
    ROW_OPT(struct op_contain, is_by_address, "by_address", FIELD_BOOL,
            "where nobody is known to have that address: whoever gets it is cut off; absent: "
            "that is refused"),
    ROW_OPT(struct op_contain, server, "server", FIELD_PREFIX, "block_pair: the server"),
    ROW_OPT(struct op_contain, server_name, "server_name", FIELD_TEXT, "or the server by name"),
    ROW_OPT(struct op_contain, permit_set, "permit_set", FIELD_TEXT,
            "isolate: what stays permitted; absent: nothing"),
    ASKED_ROWS(struct op_contain),
};
static const struct shape contain_shape =
    SHAPE("ContainmentRequest", struct op_contain, contain_fields, check_contain);

static bool
check_block_server(const void *thing, char why[128])
{
    const struct op_block_server *block = thing;
    return op_reason_given(block->reason, why) &&
           check_server(&block->server, block->server_name, why);
}

static const struct field block_server_fields[] = {
    ROW_OPT(struct op_block_server, server, "server", FIELD_PREFIX, "address or prefix"),
    ROW_OPT(struct op_block_server, server_name, "server_name", FIELD_TEXT, "or name"),
    ASKED_ROWS(struct op_block_server),
};
static const struct shape block_server_shape =
    SHAPE("ServerBlockRequest", struct op_block_server, block_server_fields, check_block_server);

static bool
check_assess(const void *thing, char why[128])
{
    const struct op_assess *asked = thing;
    return check_server(&asked->server, asked->server_name, why);
}

static const struct field assess_fields[] = {
    ROW_OPT(struct op_assess, server, "server", FIELD_PREFIX, "address or prefix"),
    ROW_OPT(struct op_assess, server_name, "server_name", FIELD_TEXT, "or name"),
};
static const struct shape assess_shape =
    SHAPE("ServerQuestion", struct op_assess, assess_fields, check_assess);

static bool
check_reason(const void *thing, char why[128])
{
    return op_reason_given(((const struct op_reason *)thing)->reason, why);
}

static const struct field reason_fields[] = {
    ROW(struct op_reason, id, "id", FIELD_TEXT, "id"),
    ROW(struct op_reason, reason, "reason", FIELD_TEXT, "why, for the audit"),
};
static const struct shape reason_shape =
    SHAPE("Reason", struct op_reason, reason_fields, check_reason);

static bool
check_extend(const void *thing, char why[128])
{
    if (((const struct op_extend *)thing)->expires_s == 0) {
        snprintf(why, 128, "expires_in_s must be at least 1");
        return false;
    }
    return true;
}

static const struct field extend_fields[] = {
    ROW(struct op_extend, id, "id", FIELD_TEXT, "id"),
    {.name = "expires_in_s",
     .kind = FIELD_UINT,
     .at = offsetof(struct op_extend, expires_s),
     .size = sizeof(uint32_t),
     .least = 1,
     .most = OP_EXPIRY_MAX_S,
     .about = "seconds from now"},
};
static const struct shape extend_shape =
    SHAPE("Extension", struct op_extend, extend_fields, check_extend);

static bool
check_why(const void *thing, char why[128])
{
    return op_reason_given(((const struct op_why *)thing)->reason, why);
}

static const struct field why_fields[] = {
    ROW(struct op_why, reason, "reason", FIELD_TEXT, "why, for the audit"),
};
static const struct shape why_shape = SHAPE("Why", struct op_why, why_fields, check_why);

static bool
check_annotate(const void *thing, char why[128])
{
    struct annotation annotation = ((const struct op_annotate *)thing)->annotation;
    return annotation_tidy(&annotation, why);
}

/* All of it: what is left out is emptied. */
static const struct field annotate_fields[] = {
    ROW(struct op_annotate, id, "id", FIELD_TEXT,
        "id, MAC, address or host name; a MAC may be of a machine that was not seen yet"),
    ROW_ENUM(struct op_annotate, annotation.class, "class", true, endpoint_class_names,
             "what kind of machine it is"),
    {.name = "tags",
     .kind = FIELD_TEXTS,
     .optional = true,
     .at = offsetof(struct op_annotate, annotation.tags),
     .size = TAG_SIZE,
     .count_at = offsetof(struct op_annotate, annotation.tag_count),
     .max_count = ANNOTATION_TAGS_MAX,
     .about = "words; without commas and semicolons"},
    ROW_OPT(struct op_annotate, annotation.note, "note", FIELD_TEXT,
            "what people should know of it"),
    ROW_OPT(struct op_annotate, annotation.owner, "owner", FIELD_TEXT, "whose it is"),
    ROW_OPT(struct op_annotate, annotation.owner_email, "owner_email", FIELD_TEXT,
            "where the owner is told"),
    ROW_OPT(struct op_annotate, annotation.version, "version", FIELD_UINT,
            "the annotation_version that this changes; another one now: 409"),
};
static const struct shape annotate_shape =
    SHAPE("AnnotationRequest", struct op_annotate, annotate_fields, check_annotate);

static const struct field annotation_list_fields[] = {
    PAGE_ROWS(struct op_annotation_list, page),
    ROW_OPT(struct op_annotation_list, unseen, "unseen", FIELD_BOOL,
            "only of machines that were not seen yet"),
};
static const struct shape annotation_list_shape =
    SHAPE("AnnotationFilter", struct op_annotation_list, annotation_list_fields, NULL);
static const struct field export_fields[] = {
    ROW_OPT(struct op_export, q, "q", FIELD_TEXT, "only endpoints that this search finds"),
    ROW_RANGE(struct op_export, limit, "limit", FIELD_UINT, 1, OP_LIMIT_MAX, "rows per answer"),
    ROW_OPT(struct op_export, cursor, "cursor", FIELD_TEXT, "X-Cordon-Next of the answer before"),
    ROW_OPT(struct op_export, has_bom, "bom", FIELD_BOOL,
            "begin with a byte-order mark, by which Excel knows UTF-8"),
};
static const struct shape export_shape =
    SHAPE("EndpointExport", struct op_export, export_fields, NULL);

static const struct field import_row_fields[] = {
    ROW_OPT(struct op_import_row, line, "line", FIELD_UINT, "of the file; echoed"),
    ROW(struct op_import_row, mac, "mac", FIELD_TEXT, "a MAC of the machine, seen yet or not"),
    ROW_OPT(struct op_import_row, class, "class", FIELD_TEXT, "as in Endpoint"),
    ROW_OPT(struct op_import_row, tags, "tags", FIELD_TEXT, "with ';' between them"),
    ROW_OPT(struct op_import_row, note, "note", FIELD_TEXT, "as in Endpoint"),
    ROW_OPT(struct op_import_row, owner, "owner", FIELD_TEXT, "as in Endpoint"),
    ROW_OPT(struct op_import_row, owner_email, "owner_email", FIELD_TEXT, "as in Endpoint"),
};
static const struct shape import_row_shape =
    SHAPE("ImportRow", struct op_import_row, import_row_fields, NULL);

static const char *const import_columns[] = {"class", "tags", "note", "owner", "owner_email", NULL};

static bool
check_import(const void *thing, char why[128])
{
    const struct op_import *import = thing;
    for (size_t i = 0; i < import->column_count; i++) {
        size_t at = 0;
        while (import_columns[at] && strcmp(import_columns[at], import->columns[i]) != 0) {
            at++;
        }
        if (!import_columns[at]) {
            snprintf(why, 128, "columns: class, tags, note, owner, owner_email");
            return false;
        }
    }
    return true;
}

static const struct field import_fields[] = {
    ROW_LIST(struct op_import, rows, row_count, "rows", FIELD_LIST, &import_row_shape,
             IMPORT_ROWS_MAX, "rows of an inventory"),
    ROW_TEXTS(struct op_import, columns, column_count, "columns",
              "of class, tags, note, owner, owner_email; of the others what is said stays"),
    ROW_OPT(struct op_import, is_dry, "dry_run", FIELD_BOOL, "only say what would be done"),
};
static const struct shape import_shape =
    SHAPE("ImportRequest", struct op_import, import_fields, check_import);

static const struct field map_place_fields[] = {
    ROW(struct map_place, switch_name, "switch", FIELD_TEXT, "name of the switch"),
    {.name = "x",
     .kind = FIELD_INT,
     .at = offsetof(struct map_place, x),
     .size = sizeof(int32_t),
     .least = -MAP_EXTENT,
     .most = MAP_EXTENT,
     .about = "to the right"},
    {.name = "y",
     .kind = FIELD_INT,
     .at = offsetof(struct map_place, y),
     .size = sizeof(int32_t),
     .least = -MAP_EXTENT,
     .most = MAP_EXTENT,
     .about = "downwards"},
};
const struct shape map_place_shape = SHAPE("MapPlace", struct map_place, map_place_fields, NULL);

static const struct field map_place_request_fields[] = {
    ROW_LIST(struct op_map_place, places, place_count, "places", FIELD_LIST, &map_place_shape,
             MAP_PLACES_MAX, "where switches are drawn from now on; the others stay"),
    {.name = "removed",
     .kind = FIELD_TEXTS,
     .optional = true,
     .at = offsetof(struct op_map_place, removed),
     .size = NAME_SIZE,
     .count_at = offsetof(struct op_map_place, removed_count),
     .max_count = 64,
     .about = "switches whose place is forgotten"},
    ROW(struct op_map_place, version, "version", FIELD_UINT,
        "of the layout that this changes; another one now: 409"),
};
static const struct shape map_place_request_shape =
    SHAPE("MapChange", struct op_map_place, map_place_request_fields, NULL);

static const struct field schedule_fields[] = {
    ROW_RANGE(struct op_schedule, every_h, "every_h", FIELD_UINT, 0, 8760,
              "hours between two backups; 0: by hand only"),
    ROW_RANGE(struct op_schedule, keep, "keep", FIELD_UINT, 1, 1000,
              "how many are kept; the oldest go"),
};
static const struct shape schedule_shape =
    SHAPE("BackupSchedule", struct op_schedule, schedule_fields, NULL);

static const struct field notify_secret_fields[] = {
    ROW(struct wire_secret, channel, "channel", FIELD_TEXT, "of this channel"),
    ROW_OPT(struct wire_secret, value, "value", FIELD_TEXT,
            "password or signing key; absent: the one that is kept is forgotten"),
};
static const struct shape notify_secret_shape =
    SHAPE("NotificationSecret", struct wire_secret, notify_secret_fields, NULL);
static const struct field notifications_fields[] = {
    ROW_SUB(struct op_notifications, settings, "settings", FIELD_OBJECT, &notify_settings_shape,
            "the whole: what is not in it is no more"),
    {.name = "secrets",
     .kind = FIELD_LIST,
     .optional = true,
     .at = offsetof(struct op_notifications, secrets),
     .size = sizeof(struct wire_secret *),
     .shape = &notify_secret_shape,
     .count_at = offsetof(struct op_notifications, secret_count),
     .max_count = NOTIFY_CHANNELS_MAX,
     .about = "only those that change; write-only: no answer, log or audit holds one"},
};
static const struct shape notifications_shape =
    SHAPE("NotificationsRequest", struct op_notifications, notifications_fields, NULL);

static bool
check_audit_record(const void *thing, char why[128])
{
    static const char *const kinds[] = {OP_AUDIT_KINDS};
    const struct op_audit_record *record = thing;
    if (record->payload != PAYLOAD_BY_ROLE && strcmp(record->action, "token.create") != 0) {
        snprintf(why, 128, "payload is said of a token that is made");
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strncmp(record->action, kinds[i], strlen(kinds[i])) == 0) {
            return true;
        }
    }
    snprintf(why, 128, "web records sessions, accounts and tokens only");
    return false;
}

static const struct field audit_record_fields[] = {
    ROW(struct op_audit_record, action, "action", FIELD_TEXT, "what was done"),
    ROW_OPT(struct op_audit_record, object, "object", FIELD_TEXT, "to what"),
    ROW_OPT(struct op_audit_record, detail, "detail", FIELD_TEXT, "more of it"),
    ROW_ENUM(struct op_audit_record, payload, "payload", true, payload_right_names,
             "what the token that was made may read"),
    ROW_OPT(struct op_audit_record, reason, "reason", FIELD_TEXT, "why it may or may not"),
};
static const struct shape audit_record_shape =
    SHAPE("AuditRecord", struct op_audit_record, audit_record_fields, check_audit_record);

/* Who may.  Roles are no ladder: an auditor sees the audit and changes nothing. */
#define ROLE_BIT(role) (1u << (role))
#define ADMINS ROLE_BIT(ACCOUNT_ADMIN)
#define OPERATORS (ADMINS | ROLE_BIT(ACCOUNT_OPERATOR))
#define AUDITORS (OPERATORS | ROLE_BIT(ACCOUNT_AUDITOR))
#define EVERYBODY (AUDITORS | ROLE_BIT(ACCOUNT_VIEWER))

#define LIST(name_, roles_, parameters_, item_)                                                    \
    {                                                                                              \
        .name = (name_), .roles = (roles_), .parameters = (parameters_), .answer = (item_),        \
        .is_list = true                                                                            \
    }
#define ONE(name_, roles_, parameters_, answer_)                                                   \
    {                                                                                              \
        .name = (name_), .roles = (roles_), .parameters = (parameters_), .answer = (answer_)       \
    }

const struct op_info op_table[OP_COUNT] = {
    [OP_ENDPOINT_LIST] = LIST("endpoints.list", EVERYBODY, &page_shape, &view_endpoint_shape),
    [OP_ENDPOINT_SHOW] = ONE("endpoints.show", EVERYBODY, &id_shape, &view_endpoint_detail_shape),
    [OP_ENDPOINT_ANNOTATE] =
        ONE("endpoints.annotate", OPERATORS, &annotate_shape, &view_annotation_shape),
    [OP_ANNOTATION_LIST] =
        LIST("annotations.list", EVERYBODY, &annotation_list_shape, &view_annotation_shape),
    /* As with proposed ones: who is protected is an administrator's to say. */
    [OP_ENDPOINT_PROTECT] = ONE("endpoints.protect", ADMINS, &reason_shape, &view_done_shape),
    [OP_ENDPOINT_EXPORT] = ONE("endpoints.export", EVERYBODY, &export_shape, NULL),
    [OP_ENDPOINT_IMPORT] = ONE("endpoints.import", OPERATORS, &import_shape, &view_import_shape),
    [OP_MAP_SHOW] = ONE("map.show", EVERYBODY, NULL, &view_map_shape),
    [OP_MAP_PLACE] = ONE("map.place", OPERATORS, &map_place_request_shape, &view_map_shape),
    [OP_LINK_LIST] = LIST("links.list", EVERYBODY, &page_shape, &view_link_shape),
    [OP_SWITCH_LIST] = LIST("switches.list", EVERYBODY, &page_shape, &view_switch_shape),
    [OP_SWITCH_SHOW] = ONE("switches.show", EVERYBODY, &id_shape, &view_switch_detail_shape),
    [OP_CONTAINMENT_LIST] =
        LIST("containments.list", EVERYBODY, &containment_list_shape, &view_containment_shape),
    [OP_CONTAINMENT_SHOW] =
        ONE("containments.show", EVERYBODY, &id_shape, &view_containment_detail_shape),
    [OP_CONTAINMENT_CREATE] =
        ONE("containments.create", OPERATORS, &contain_shape, &view_containment_shape),
    [OP_CONTAINMENT_RELEASE] =
        ONE("containments.release", OPERATORS, &reason_shape, &view_containment_shape),
    [OP_CONTAINMENT_EXTEND] =
        ONE("containments.extend", OPERATORS, &extend_shape, &view_containment_shape),
    [OP_SERVER_LIST] =
        LIST("server-blocks.list", EVERYBODY, &containment_list_shape, &view_containment_shape),
    [OP_SERVER_SHOW] =
        ONE("server-blocks.show", EVERYBODY, &id_shape, &view_containment_detail_shape),
    [OP_SERVER_CREATE] =
        ONE("server-blocks.create", OPERATORS, &block_server_shape, &view_containment_shape),
    [OP_SERVER_RELEASE] =
        ONE("server-blocks.release", OPERATORS, &reason_shape, &view_containment_shape),
    [OP_SERVER_EXTEND] =
        ONE("server-blocks.extend", OPERATORS, &extend_shape, &view_containment_shape),
    [OP_PENDING_LIST] = LIST("pending.list", EVERYBODY, &page_shape, &view_pending_shape),
    [OP_PENDING_ENFORCE] =
        ONE("pending.enforce", OPERATORS, &reason_shape, &view_containment_shape),
    [OP_PENDING_CHECK] = ONE("pending.check", OPERATORS, &reason_shape, &view_containment_shape),
    [OP_PENDING_REVERT] = ONE("pending.revert", OPERATORS, &reason_shape, &view_containment_shape),
    [OP_INCIDENT_LIST] =
        LIST("incidents.list", EVERYBODY, &incident_list_shape, &view_incident_shape),
    [OP_INCIDENT_SHOW] = ONE("incidents.show", EVERYBODY, &id_shape, &view_incident_detail_shape),
    /* Packets are people's private traffic: core looks whether the asker may read payload. */
    [OP_EVIDENCE_SHOW] = ONE("evidence.show", EVERYBODY, &evidence_shape, NULL),
    [OP_SOURCE_LIST] = LIST("intake.list", EVERYBODY, &page_shape, &view_source_shape),
    [OP_SENSOR_LIST] = LIST("sensors.list", EVERYBODY, &page_shape, &view_sensor_shape),
    [OP_MIRROR_LIST] = LIST("mirrors.list", EVERYBODY, &page_shape, &view_mirror_shape),
    [OP_PROTECTION_LIST] = LIST("protected.list", EVERYBODY, &page_shape, &view_protection_shape),
    [OP_PROTECTION_CONFIRM] = ONE("protected.confirm", ADMINS, &reason_shape, &view_done_shape),
    [OP_PROTECTION_REMOVE] = ONE("protected.remove", ADMINS, &reason_shape, &view_done_shape),
    [OP_POLICY_SHOW] = ONE("policy.show", EVERYBODY, NULL, &view_policy_shape),
    [OP_POLICY_CHECK] =
        ONE("policy.check", OPERATORS, &op_policy_text_shape, &view_policy_check_shape),
    [OP_POLICY_SAVE] = ONE("policy.save", ADMINS, &op_policy_save_shape, &view_policy_shape),
    [OP_REVISION_LIST] = LIST("revisions.list", EVERYBODY, &page_shape, &view_revision_shape),
    [OP_REVISION_SHOW] = ONE("revisions.show", EVERYBODY, &id_shape, &view_revision_text_shape),
    [OP_REVISION_RESTORE] =
        ONE("revisions.restore", ADMINS, &op_policy_restore_shape, &view_policy_shape),
    [OP_POLICY_TEST] = ONE("policy.test", OPERATORS, &op_test_shape, &view_test_shape),
    [OP_REPLAY_START] = ONE("policy.replay", OPERATORS, &op_replay_shape, &view_job_shape),
    [OP_REPLAY_SHOW] = ONE("policy.replay.show", EVERYBODY, &id_shape, &view_replay_shape),
    [OP_REPLAY_LIST] = LIST("policy.replay.decisions", EVERYBODY, &op_replay_list_shape,
                            &view_replay_decision_shape),
    [OP_ROLLOUT_SHOW] = ONE("policy.rollout", EVERYBODY, NULL, &view_rollout_shape),
    [OP_WINDOW_LIST] = LIST("policy.maintenance", EVERYBODY, &page_shape, &view_window_shape),
    [OP_JOB_LIST] = LIST("jobs.list", EVERYBODY, &page_shape, &view_job_shape),
    [OP_JOB_SHOW] = ONE("jobs.show", EVERYBODY, &id_shape, &view_job_shape),
    /* Core asks more: its owner, or an admin. */
    [OP_JOB_CANCEL] = ONE("jobs.cancel", OPERATORS, &id_shape, &view_job_shape),
    [OP_ENFORCEMENT_SHOW] = ONE("enforcement.show", EVERYBODY, NULL, &view_enforcement_shape),
    /* Stopping all enforcement must be possible for whoever is on duty. */
    [OP_ENFORCEMENT_PANIC] =
        ONE("enforcement.panic", OPERATORS, &why_shape, &view_enforcement_shape),
    [OP_ENFORCEMENT_RESUME] =
        ONE("enforcement.resume", OPERATORS, &why_shape, &view_enforcement_shape),
    [OP_CONFLICT_LIST] = LIST("conflicts.list", EVERYBODY, &page_shape, &view_conflict_shape),
    [OP_BUDGET_SHOW] = ONE("budgets.show", EVERYBODY, NULL, &view_budget_shape),
    /* Addresses of people: not for every viewer. */
    [OP_NOTIFICATIONS_SHOW] = ONE("notifications.show", AUDITORS, NULL, &view_notifications_shape),
    [OP_NOTIFICATIONS_SET] =
        ONE("notifications.set", ADMINS, &notifications_shape, &view_notifications_shape),
    [OP_NOTIFICATIONS_TEST] = ONE("notifications.test", ADMINS, &id_shape, &view_notify_test_shape),
    [OP_NOTICE_LIST] = LIST("notices.list", AUDITORS, &page_shape, &message_shape),
    [OP_DOCTOR] = ONE("doctor", EVERYBODY, NULL, &view_doctor_shape),
    [OP_AUDIT_LIST] = LIST("audit.list", AUDITORS, &audit_list_shape, &view_audit_shape),
    /* A walk through millions of rows. */
    [OP_AUDIT_VERIFY] = {.name = "audit.verify",
                         .roles = AUDITORS,
                         .parameters = &audit_verify_shape,
                         .answer = &view_audit_check_shape,
                         .patience_s = 600},
    [OP_AUDIT_COMPARE] = {.name = "audit.compare",
                          .roles = AUDITORS,
                          .parameters = &audit_compare_shape,
                          .answer = &view_audit_check_shape,
                          .patience_s = 600},
    [OP_AUDIT_CHECKPOINTS] = ONE("audit.checkpoints", AUDITORS, NULL, &view_checkpoints_shape),
    [OP_BACKUP_SHOW] = ONE("backup.show", EVERYBODY, NULL, &view_backup_shape),
    [OP_BACKUP_START] = ONE("backup.start", ADMINS, NULL, &view_backup_shape),
    [OP_BACKUP_SCHEDULE] = ONE("backup.schedule", ADMINS, &schedule_shape, &view_backup_shape),
    [OP_BACKUP_DOWNLOAD] = ONE("backup.download", ADMINS, &download_shape, NULL),
    [OP_UNPROVEN_LIST] = LIST("unproven.list", EVERYBODY, &page_shape, &view_containment_shape),
    [OP_UNPROVEN_KEEP] = ONE("unproven.keep", OPERATORS, &reason_shape, &view_containment_shape),
    [OP_RETENTION_SHOW] = ONE("retention.show", EVERYBODY, NULL, &view_retention_shape),
    [OP_RETENTION_SET] = ONE("retention.set", ADMINS, &op_retention_shape, &view_retention_shape),
    [OP_PURGE_START] = ONE("purge.start", ADMINS, &op_purge_shape, &view_job_shape),
    [OP_PURGE_SHOW] = ONE("purge.show", AUDITORS, &id_shape, &view_purge_shape),
    [OP_STORAGE_SHOW] = ONE("storage.show", EVERYBODY, NULL, &view_storage_shape),
    [OP_WATCH_LIST] = LIST("watch.list", EVERYBODY, &page_shape, &view_watch_shape),
    [OP_SERVER_ASSESS] =
        ONE("server-blocks.assess", EVERYBODY, &assess_shape, &view_assessment_shape),
    [OP_WARNING_SHOW] = ONE("warning.show", EVERYBODY, NULL, &view_warning_shape),
    [OP_WARNING_SET] = ONE("warning.set", ADMINS, &warning_shape, &view_warning_shape),
    [OP_WARNING_RESET] = ONE("warning.reset", ADMINS, &warning_reset_shape, &view_warning_shape),
    [OP_WARNING_PREVIEW] = ONE("warning.preview", EVERYBODY, &warning_preview_shape, NULL),
    [OP_AUDIT_EXPORT] = ONE("audit.export", AUDITORS, &audit_export_shape, NULL),
    [OP_PAYLOAD_LIST] =
        LIST("payload-readers.list", AUDITORS, &page_shape, &view_payload_reader_shape),
    [OP_PAYLOAD_SET] =
        ONE("payload-readers.set", ADMINS, &payload_shape, &view_payload_reader_shape),
    [OP_VERSION] = ONE("version", EVERYBODY, NULL, &view_version_shape),
    [OP_METRICS] = ONE("metrics", EVERYBODY, NULL, NULL),
    [OP_CERTIFICATE_LIST] =
        LIST("certificates.list", EVERYBODY, &page_shape, &view_certificate_shape),
    [OP_CERTIFICATE_REVOKE] =
        ONE("certificates.revoke", ADMINS, &reason_shape, &view_certificate_shape),
    [OP_ENROLMENT_LIST] = LIST("enrolments.list", EVERYBODY, &page_shape, &view_enrolment_shape),
    [OP_ENROLMENT_OFFER] = ONE("enrolments.offer", ADMINS, &op_offer_shape, &view_offer_shape),
    [OP_ENROLMENT_WITHDRAW] =
        ONE("enrolments.withdraw", ADMINS, &reason_shape, &view_enrolment_shape),
    /* The token is the right to it. */
    [OP_ENROLMENT_REDEEM] =
        ONE("enrolments.redeem", EVERYBODY, &op_redeem_shape, &view_issued_shape),
    [OP_REFUSED_LIST] =
        LIST("refused-peers.list", EVERYBODY, &page_shape, &view_refused_peer_shape),
    [OP_AUDIT_RECORD] = ONE("audit.record", EVERYBODY, &audit_record_shape, &view_done_shape),
    [OP_SESSION_OPEN] = ONE("session.open", EVERYBODY, &op_sign_in_shape, &view_session_shape),
    [OP_SESSION_SHOW] = ONE("session.show", EVERYBODY, NULL, &view_session_shape),
    [OP_SESSION_END] = ONE("session.end", EVERYBODY, NULL, &view_done_shape),
    [OP_SESSION_END_ALL] = ONE("session.end-all", EVERYBODY, NULL, &view_done_shape),
    [OP_SESSION_PASSWORD] =
        ONE("session.password", EVERYBODY, &op_password_shape, &view_session_shape),
    [OP_SESSION_CODE] = ONE("session.code", EVERYBODY, &op_code_shape, &view_session_shape),
    [OP_SESSION_WAYS] = ONE("session.ways", EVERYBODY, NULL, &view_ways_shape),
    [OP_SESSION_OPENID_BEGIN] =
        ONE("session.openid-begin", EVERYBODY, NULL, &view_openid_begin_shape),
    [OP_SESSION_OPENID] = ONE("session.openid", EVERYBODY, &op_openid_shape, &view_session_shape),
    [OP_SESSION_LIST] = LIST("session.list", EVERYBODY, &page_shape, &view_session_info_shape),
    [OP_SESSION_END_OTHERS] = ONE("session.end-others", EVERYBODY, NULL, &view_done_shape),
    [OP_FACTOR_BEGIN] =
        ONE("session.factor-begin", EVERYBODY, &op_factor_begin_shape, &view_factor_shape),
    [OP_FACTOR_CONFIRM] =
        ONE("session.factor-confirm", EVERYBODY, &op_own_code_shape, &view_recovery_shape),
    [OP_FACTOR_RECOVER] =
        ONE("session.factor-recover", EVERYBODY, &op_own_code_shape, &view_recovery_shape),
    [OP_FACTOR_REMOVE] =
        ONE("session.factor-remove", EVERYBODY, &op_own_code_shape, &view_done_shape),
    [OP_ACCOUNT_RULES] = ONE("accounts.rules", ADMINS, NULL, &view_rules_shape),
    [OP_ACCOUNT_LIST] = LIST("accounts.list", ADMINS, &page_shape, &view_account_shape),
    [OP_ACCOUNT_CREATE] =
        ONE("accounts.create", ADMINS, &op_account_create_shape, &view_account_shape),
    [OP_ACCOUNT_ROLE] = ONE("accounts.role", ADMINS, &op_account_role_shape, &view_account_shape),
    [OP_ACCOUNT_PASSWORD] =
        ONE("accounts.password", ADMINS, &op_account_password_shape, &view_account_shape),
    [OP_ACCOUNT_DISABLE] =
        ONE("accounts.disable", ADMINS, &op_account_id_shape, &view_account_shape),
    [OP_ACCOUNT_ENABLE] = ONE("accounts.enable", ADMINS, &op_account_id_shape, &view_account_shape),
    [OP_ACCOUNT_REMOVE] = ONE("accounts.remove", ADMINS, &op_account_id_shape, &view_done_shape),
    [OP_ACCOUNT_END_SESSIONS] =
        ONE("accounts.end-sessions", ADMINS, &op_account_id_shape, &view_done_shape),
    [OP_ACCOUNT_RESET_FACTOR] =
        ONE("accounts.reset-factor", ADMINS, &op_account_id_shape, &view_account_shape),
    [OP_TOKEN_LIST] = LIST("tokens.list", ADMINS, &page_shape, &view_token_shape),
    [OP_TOKEN_CREATE] = ONE("tokens.create", ADMINS, &op_token_create_shape, &view_token_shape),
    [OP_TOKEN_REVOKE] = ONE("tokens.revoke", ADMINS, &id_shape, &view_done_shape),
};

bool
op_allows(enum op op, enum account_role role)
{
    return (op_table[op].roles >> role & 1) != 0;
}

bool
op_gives_rights(enum op op)
{
    bool is_of_accounts = op >= OP_ACCOUNT_CREATE && op <= OP_ACCOUNT_RESET_FACTOR;
    return is_of_accounts || op == OP_TOKEN_CREATE || op == OP_PAYLOAD_SET;
}

bool
op_parse(const char *name, enum op *op)
{
    for (int i = 0; i < OP_COUNT; i++) {
        if (strcmp(op_table[i].name, name) == 0) {
            *op = (enum op)i;
            return true;
        }
    }
    return false;
}
