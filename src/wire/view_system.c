#include "wire/view_system.h"

#include <stdio.h>

#include "model/warning_page.h"

#include "wire/view_field.h"

static const struct field problem_fields[] = {
    ROW(struct view_problem, type, "type", FIELD_TEXT, "kind of problem, a URN"),
    ROW_SAID(struct view_problem, title, "title", "title.", "the kind in words"),
    ROW(struct view_problem, status, "status", FIELD_UINT, "the HTTP status"),
    ROW_OPT_SAID(struct view_problem, detail, "detail", "", "what happened"),
    ROW_OPT(struct view_problem, where, "where", FIELD_TEXT, "field or parameter"),
    ROW_OPT_SAID(struct view_problem, advice, "advice", "", "what to do"),
};
const struct shape view_problem_shape = SHAPE("Problem", struct view_problem, problem_fields, NULL);

static const struct {
    unsigned status;
    const char *slug, *title;
} problems[] = {
    {400, "bad-request", "Bad request"},   {401, "not-authenticated", "Not authenticated"},
    {403, "not-allowed", "Not allowed"},   {404, "not-found", "Not found"},
    {405, "wrong-method", "Wrong method"}, {409, "refused", "Refused"},
    {413, "too-large", "Too large"},       {415, "wrong-media-type", "Wrong media type"},
    {422, "invalid", "Invalid"},           {429, "too-many", "Too many"},
    {500, "internal", "Internal error"},   {503, "not-available", "Not available"},
    {504, "time-out", "Time-out"},
};

const char *
view_problem_title(unsigned status)
{
    for (size_t i = 0; i < COUNT_OF(problems); i++) {
        if (problems[i].status == status) {
            return problems[i].title;
        }
    }
    return "Error";
}

cJSON *
view_problem_make(unsigned status, const char *detail, const char *where, const char *advice)
{
    struct view_problem problem = {.status = (uint16_t)status};
    const char *slug = "error";
    for (size_t i = 0; i < COUNT_OF(problems); i++) {
        slug = problems[i].status == status ? problems[i].slug : slug;
    }
    snprintf(problem.type, sizeof(problem.type), "urn:cordon:problem:%s", slug);
    snprintf(problem.title, sizeof(problem.title), "%s", view_problem_title(status));
    snprintf(problem.detail, sizeof(problem.detail), "%s", detail);
    snprintf(problem.where, sizeof(problem.where), "%s", where ? where : "");
    snprintf(problem.advice, sizeof(problem.advice), "%s", advice ? advice : "");
    return codec_encode(&view_problem_shape, &problem);
}

static const struct field line_fields[] = {
    ROW(struct view_test_line, line, "line", FIELD_UINT, "number of the line, from 1"),
    ROW(struct view_test_line, is_detection, "detection", FIELD_BOOL,
        "false: refused or not a detection; see why"),
    ROW_OPT_SAID(struct view_test_line, why, "why", "", "why it is no detection"),
    ROW_TEXTS_SAID(struct view_test_line, says, say_count, "says", "",
                   "what the engine would decide, and why"),
};
static const struct shape line_shape =
    SHAPE("PolicyTestLine", struct view_test_line, line_fields, NULL);

static const struct field test_fields[] = {
    ROW_LIST(struct view_test, lines, line_count, "lines", FIELD_LIST, &line_shape, TEST_LINES_MAX,
             "one per line, in order"),
    ROW_OPT_SAID(struct view_test, assumed, "assumed", "trial.",
                 "what was assumed about the world"),
    ROW_OPT(struct view_test, run, "run", FIELD_TEXT, "for the request that goes on, where asked"),
};
const struct shape view_test_shape = SHAPE("PolicyTest", struct view_test, test_fields, NULL);

static const struct field enforcement_fields[] = {
    ROW(struct view_enforcement, state, "state", FIELD_TEXT, "active or suspended"),
    ROW_OPT(struct view_enforcement, since_us, "since", FIELD_TIME, "suspended since"),
    ROW_OPT(struct view_enforcement, account, "account", FIELD_TEXT, "who suspended it"),
    ROW_OPT(struct view_enforcement, reason, "reason", FIELD_TEXT, "why"),
};
const struct shape view_enforcement_shape =
    SHAPE("Enforcement", struct view_enforcement, enforcement_fields, NULL);

const char *const view_finding_severity_names[] = {"note", "warning", "error", NULL};

static const struct field finding_fields[] = {
    ROW_ENUM(struct view_finding, severity, "severity", false, view_finding_severity_names,
             "error: does not work; warning: works less well; note: good to know"),
    ROW_SAID(struct view_finding, check, "check", "word.check.", "which check found it"),
    ROW_SAID(struct view_finding, where, "where", "doctor.where_",
             "switch, sensor, source or network"),
    ROW_SAID(struct view_finding, what, "what", "", "what is wrong"),
    ROW_SAID(struct view_finding, advice, "advice", "advice.", "what to do"),
};
static const struct shape finding_shape =
    SHAPE("Finding", struct view_finding, finding_fields, NULL);

static const struct field tally_fields[] = {
    ROW_SAID(struct view_tally, check, "check", "word.check.", "sensor, switch, mirror or source"),
    ROW(struct view_tally, total, "total", FIELD_UINT, "how many there are"),
    ROW(struct view_tally, good, "good", FIELD_UINT,
        "of those, how many have neither a warning nor an error of their own"),
};
static const struct shape tally_shape = SHAPE("Tally", struct view_tally, tally_fields, NULL);

static const struct field doctor_fields[] = {
    ROW(struct view_doctor, is_healthy, "healthy", FIELD_BOOL, "no warning and no error"),
    ROW_TEXTS_SAID(struct view_doctor, checks, check_count, "checks", "word.check.",
                   "what was looked at"),
    ROW_LIST(struct view_doctor, findings, finding_count, "findings", FIELD_LIST, &finding_shape,
             FINDINGS_MAX, "what was found, worst first"),
    ROW_LIST(struct view_doctor, parts, part_count, "parts", FIELD_LIST, &tally_shape, PART_COUNT,
             "how many parts of each kind work"),
    ROW_OPT(struct view_doctor, dropped, "dropped", FIELD_UINT, "findings beyond the limit"),
};
const struct shape view_doctor_shape = SHAPE("Doctor", struct view_doctor, doctor_fields, NULL);

static const struct field audit_fields[] = {
    ROW(struct view_audit, number, "number", FIELD_INT, "number in the chain"),
    ROW(struct view_audit, at_us, "at", FIELD_TIME, "when"),
    ROW(struct view_audit, account, "account", FIELD_TEXT, "who"),
    ROW_SAID(struct view_audit, action, "action", "word.audit.", "did what"),
    ROW(struct view_audit, object, "object", FIELD_TEXT, "to what"),
    ROW_OPT_SAID(struct view_audit, detail, "detail", "audit.", "why"),
    ROW_OPT(struct view_audit, hash, "hash", FIELD_TEXT, "SHA-256 of this row and all before it"),
};
const struct shape view_audit_shape = SHAPE("AuditRow", struct view_audit, audit_fields, NULL);

static const struct field warning_text_fields[] = {
    ROW(struct rule_warning, language, "language", FIELD_TEXT, "two letters: ja, en"),
    ROW(struct rule_warning, title, "title", FIELD_TEXT, "the heading"),
    ROW(struct rule_warning, body, "body", FIELD_TEXT, "what happened, and what to do"),
    ROW_OPT(struct rule_warning, contact, "contact", FIELD_TEXT, "whom to call"),
};
const struct shape view_warning_text_shape =
    SHAPE("WarningText", struct rule_warning, warning_text_fields, NULL);

static const struct field warning_fields[] = {
    ROW(struct view_warning, version, "version", FIELD_UINT,
        "counts the changes: give it with yours, so that nobody else's is overwritten"),
    ROW(struct view_warning, is_edited, "edited", FIELD_BOOL,
        "false: the texts of the configuration file"),
    ROW_LIST(struct view_warning, texts, text_count, "texts", FIELD_LIST, &view_warning_text_shape,
             WARNING_LANGUAGES_MAX, "per language, the first one on top of the page"),
    ROW_OPT(struct view_warning, changed_us, "changed", FIELD_TIME, "when"),
    ROW_OPT(struct view_warning, account, "account", FIELD_TEXT, "by whom"),
};
const struct shape view_warning_shape = SHAPE("Warning", struct view_warning, warning_fields, NULL);

static const struct field audit_check_fields[] = {
    ROW(struct view_audit_check, is_sound, "sound", FIELD_BOOL, "every row is as it was written"),
    ROW(struct view_audit_check, checked, "checked", FIELD_UINT,
        "rows that fit, from the first one on"),
    ROW(struct view_audit_check, newest, "newest", FIELD_TEXT,
        "hash of the last of them: note it elsewhere, and give it to a later check"),
    ROW_ENUM(struct view_audit_check, fault, "fault", false, audit_fault_names,
             "edited, removed, reordered, inserted; cut: the end is missing or was made anew"),
    ROW_OPT(struct view_audit_check, bad_number, "bad_number", FIELD_INT,
            "number of the first row that does not fit what stands before it"),
    ROW_OPT_SAID(struct view_audit_check, what, "what", "chain.", "what is wrong with it"),
    ROW(struct view_audit_check, at_us, "at", FIELD_TIME, "when it was checked"),
    ROW(struct view_audit_check, compared, "checkpoints", FIELD_UINT,
        "signed checkpoints that the chain was compared with"),
    ROW(struct view_audit_check, edges, "switches", FIELD_UINT, "that said what they hold"),
    ROW_OPT(struct view_audit_check, silent, "silent_switches", FIELD_UINT,
            "that are connected and did not answer"),
    ROW_OPT(struct view_audit_check, foreign, "foreign_checkpoints", FIELD_UINT,
            "held by switches, and not signed by our key: was it replaced, or is the switch from "
            "another controller?"),
    ROW_OPT(struct view_audit_check, lost, "lost_checkpoints", FIELD_UINT,
            "of rows that went with the restore of a backup, which the audit tells"),
    ROW_OPT(struct view_audit_check, pruned, "pruned", FIELD_UINT,
            "rows before the first one, which were removed by their age"),
};
const struct shape view_audit_check_shape =
    SHAPE("AuditCheck", struct view_audit_check, audit_check_fields, NULL);

static const struct field changed_fields[] = {
    ROW(struct view_changed, list, "list", FIELD_TEXT,
        "what to load again: audit, backup, sensors, protected, enforcement, budgets, conflicts, "
        "retention, "
        "certificates; incident and containment: more of them than are told one by one"),
};
const struct shape view_changed_shape = SHAPE("Changed", struct view_changed, changed_fields, NULL);

static const struct field version_fields[] = {
    ROW(struct view_version, version, "version", FIELD_TEXT, "version of cordond"),
    ROW(struct view_version, site, "site", FIELD_TEXT, "the site that it serves"),
    ROW(struct view_version, epoch, "epoch", FIELD_UINT, "the controller's epoch"),
    ROW_OPT(struct view_version, started_us, "started", FIELD_TIME, "when core started"),
    ROW(struct view_version, now_us, "now", FIELD_TIME, "core's clock"),
};
const struct shape view_version_shape = SHAPE("Version", struct view_version, version_fields, NULL);

static const struct field storage_fields[] = {
    ROW(struct view_storage, database_bytes, "database_bytes", FIELD_UINT,
        "the database with its log"),
    ROW(struct view_storage, free_bytes, "free_bytes", FIELD_UINT, "left on its file system"),
    ROW(struct view_storage, total_bytes, "total_bytes", FIELD_UINT, "size of that file system"),
    ROW(struct view_storage, slowest_commit_us, "slowest_commit_us", FIELD_INT,
        "slowest commit of the last minute or two: a block waits for one"),
};
const struct shape view_storage_shape = SHAPE("Storage", struct view_storage, storage_fields, NULL);

static const struct field backup_head_fields[] = {
    ROW(struct view_backup_head, version, "version", FIELD_TEXT, "version of cordond"),
    ROW(struct view_backup_head, schema, "schema", FIELD_UINT, "of the database"),
    ROW(struct view_backup_head, epoch, "epoch", FIELD_UINT, "the controller's epoch"),
    ROW(struct view_backup_head, at_us, "at", FIELD_TIME, "when it was made"),
    ROW(struct view_backup_head, audit_number, "audit_number", FIELD_INT, "newest audit row"),
    ROW(struct view_backup_head, audit_hash, "audit_hash", FIELD_TEXT, "and its hash"),
    ROW(struct view_backup_head, live, "live", FIELD_UINT, "containments that had not ended"),
    ROW(struct view_backup_head, has_secrets, "secrets", FIELD_BOOL, "it holds the secrets too"),
    ROW(struct view_backup_head, locked, "locked", FIELD_TEXT, "key, passphrase or none"),
    ROW_OPT(struct view_backup_head, box, "box", FIELD_TEXT, "the stream's key, or a salt"),
};
const struct shape view_backup_head_shape =
    SHAPE("BackupHead", struct view_backup_head, backup_head_fields, NULL);

static const struct field backup_result_fields[] = {
    ROW(struct view_backup_result, at_us, "at", FIELD_TIME, "when it was begun"),
    ROW_OPT(struct view_backup_result, file, "file", FIELD_TEXT, "on the controller's disk"),
    ROW_OPT(struct view_backup_result, bytes, "bytes", FIELD_UINT, "its size"),
    ROW(struct view_backup_result, has_secrets, "secrets", FIELD_BOOL,
        "keys, accounts and tokens are in it, for the operator's key alone"),
    ROW_OPT(struct view_backup_result, problem, "problem", FIELD_TEXT,
            "why it could not be made; absent: it was"),
};
const struct shape view_backup_result_shape =
    SHAPE("BackupResult", struct view_backup_result, backup_result_fields, NULL);

static const struct field backup_fields[] = {
    ROW(struct view_backup, is_running, "running", FIELD_BOOL, "one is being made"),
    ROW(struct view_backup, is_encrypted, "encrypted", FIELD_BOOL,
        "cordond.yaml names the operator's key (backup_key): backups are for that key alone, and "
        "hold the secrets too"),
    ROW(struct view_backup, every_h, "every_h", FIELD_UINT, "hours between two; 0: by hand only"),
    ROW(struct view_backup, keep, "keep", FIELD_UINT, "how many are kept"),
    ROW(struct view_backup, folder, "folder", FIELD_TEXT, "where they are, on the controller"),
    ROW_SUB(struct view_backup, last, "last", FIELD_OBJECT, &view_backup_result_shape,
            "the last one; its time is 1970 where there was none"),
    ROW_OPT(struct view_backup, copied_us, "copied", FIELD_TIME,
            "last good copy of the database, which a damaged one is replaced from"),
    ROW_OPT(struct view_backup, copy_problem, "copy_problem", FIELD_TEXT, "why none could be made"),
    ROW_OPT(struct view_backup, restored_us, "restored", FIELD_TIME,
            "when the database was replaced by a copy or a backup"),
    ROW_OPT(struct view_backup, restored_cause, "restored_cause", FIELD_TEXT, "and why"),
    ROW(struct view_backup, unproven, "unproven", FIELD_UINT,
        "blocks that switches hold and the database did not know: GET /unproven lists them"),
};
const struct shape view_backup_shape = SHAPE("Backup", struct view_backup, backup_fields, NULL);

static const struct field health_fields[] = {
    ROW(struct view_health, status, "status", FIELD_TEXT, "ok, or what is missing"),
    ROW(struct view_health, version, "version", FIELD_TEXT, "version of cordond"),
};
const struct shape view_health_shape = SHAPE("Health", struct view_health, health_fields, NULL);

static const struct field done_fields[] = {
    ROW(struct view_done, done, "done", FIELD_TEXT, "what was done"),
};
const struct shape view_done_shape = SHAPE("Done", struct view_done, done_fields, NULL);
