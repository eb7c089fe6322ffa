/* The audit: lists, the check of its chain (of the server's, or of a file that was exported), and
 * exports. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/checkpoints.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "model/audit_chain.h"
#include "wire/audit_line.h"
#include "wire/op.h"
#include "wire/view_system.h"

#define VERIFY_S 600

static const struct column check_facts[] = {
    {"ROWS CHECKED", "checked", COLUMN_TEXT},
    {"SOUND", "sound", COLUMN_TEXT},
    {"FAULT", "fault", COLUMN_TEXT},
    {"FIRST BAD ROW", "bad_number", COLUMN_TEXT},
    {"WHAT", "what", COLUMN_TEXT},
    {"NEWEST HASH", "newest", COLUMN_TEXT},
    {"CHECKPOINTS", "checkpoints", COLUMN_TEXT},
    {"SWITCHES", "switches", COLUMN_TEXT},
    {"FOREIGN", "foreign_checkpoints", COLUMN_TEXT},
    {"LOST BY RESTORE", "lost_checkpoints", COLUMN_TEXT},
    {"PRUNED", "pruned", COLUMN_TEXT},
};

static int
print_check(const struct run *run, const cJSON *check)
{
    bool is_sound = cJSON_IsTrue(columns_at(check, "sound"));
    if (run->options.json) {
        run_print_json(check);
        return is_sound ? EXIT_GOOD : EXIT_REFUSED;
    }
    columns_print_object(run, check, check_facts, COUNT_OF(check_facts));
    puts(run_text(run, is_sound ? "Note the newest hash elsewhere: --newest HASH finds later that "
                                  "the end was cut off or the log made anew."
                                : "The log is not as it was written."));
    return is_sound ? EXIT_GOOD : EXIT_REFUSED;
}

static const char *
text_at(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* The walk through a file.  Of a part of the log each row is checked by itself, by the hash before
 * it that it carries, and with its neighbours; of a whole one the chain. */
struct file_check {
    struct audit_chain chain;
    bool goes_on; /* the chain wants more rows */
    uint64_t rows;
    struct audit_line last; /* texts are gone */
    int64_t part_bad;     /* 0: none */
    bool has_end, is_whole;
    uint64_t end_rows;
    uint8_t end_hash[AUDIT_HASH_SIZE];
    bool is_wanted_found;
    const char *why; /* not NULL: no file of ours */
    uint64_t line;
    const struct checkpoint_key *key; /* NULL: who signed what cannot be checked */
    bool is_unsigned;                 /* the anchor, by that key */
};

/* Rows before an anchor were pruned.  Without a key it is believed, as all else in the file is. */
static void
take_anchor(struct file_check *check, const char *line)
{
    struct checkpoint anchor;
    if (!anchor_line_find(line, &anchor)) {
        check->why = "its first line is no anchor of a pruned log";
    } else if (check->key && !checkpoint_is_signed(&anchor, check->key)) {
        check->is_unsigned = true;
    } else {
        audit_chain_anchor(&check->chain, anchor.number, anchor.hash);
    }
}

static void
take_row(struct file_check *check, const struct audit_line *row)
{
    uint8_t hash[AUDIT_HASH_SIZE];
    audit_hash(row->before, &row->fields, hash);
    bool is_next = check->rows > 0 && row->fields.number == check->last.fields.number + 1;
    bool fits = memcmp(hash, row->hash, sizeof(hash)) == 0 &&
                (check->rows == 0 || row->fields.number > check->last.fields.number) &&
                (!is_next || memcmp(row->before, check->last.hash, sizeof(hash)) == 0);
    if (!fits && check->part_bad == 0) {
        check->part_bad = row->fields.number;
    }
    if (check->goes_on) {
        check->goes_on = audit_chain_take(&check->chain, &row->fields, row->hash);
    }
    check->is_wanted_found |= memcmp(row->hash, check->chain.wanted, sizeof(hash)) == 0;
    check->rows++;
    check->last = *row;
}

static void
take_line(struct file_check *check, const char *line, size_t size)
{
    cJSON *json = codec_parse(line, size);
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows");
    const char *newest = text_at(json, "newest");
    const char *pruned = text_at(json, "pruned");
    struct audit_line row;
    check->line++;
    if (check->has_end) {
        check->why = "something stands behind the last line";
    } else if (cJSON_IsNumber(rows) && newest && audit_hash_parse(newest, check->end_hash)) {
        check->has_end = true;
        check->end_rows = (uint64_t)rows->valuedouble;
        check->is_whole = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "whole"));
    } else if (check->line == 1 && pruned) {
        take_anchor(check, pruned);
    } else if (json && audit_line_read(json, &row)) {
        take_row(check, &row);
    } else {
        check->why = "not a line of 'cordonctl audit export --format json'";
    }
    cJSON_Delete(json);
}

static void
view_set(struct view_audit_check *view, enum audit_fault fault, int64_t bad, const char *what)
{
    view->fault = fault;
    view->bad_number = bad;
    snprintf(view->what, sizeof(view->what), "%s", what);
}

static void
judge(struct file_check *check, struct view_audit_check *view)
{
    const struct audit_chain *chain = &check->chain;
    bool ends_well =
        check->has_end && check->end_rows == check->rows &&
        (check->rows == 0 || memcmp(check->end_hash, check->last.hash, AUDIT_HASH_SIZE) == 0);
    view->checked = check->rows;
    audit_hash_format(check->last.hash, view->newest);
    if (check->has_end && !check->is_whole && check->part_bad) {
        view_set(view, AUDIT_EDITED, check->part_bad, "the row does not fit its own hash or place");
    } else if (!check->has_end || check->is_whole) {
        view->checked = (uint64_t)(chain->checked - chain->anchor);
        view_set(view, chain->fault, chain->bad_number, chain->what);
    } else if (chain->has_wanted && !check->is_wanted_found) {
        view_set(view, AUDIT_CUT, 0, "no row has the hash that was noted");
    }
    if (view->fault == AUDIT_SOUND && !ends_well) {
        view_set(view, AUDIT_CUT, check->last.fields.number + 1,
                 "the file does not end as it was written");
    }
    view->pruned = (uint64_t)chain->anchor;
    view->is_sound = view->fault == AUDIT_SOUND;
    if (check->is_unsigned) {
        snprintf(view->what, sizeof(view->what),
                 "that rows were pruned was not signed by that key: they were cut off");
    } else if (view->is_sound && chain->anchor > 0 && !check->key) {
        snprintf(view->what, sizeof(view->what),
                 "older rows were pruned; who signed that was not checked: give --key");
    } else if (view->is_sound && !check->is_whole) {
        snprintf(view->what, sizeof(view->what),
                 "a part of the log: each row is as it was written, but whether rows are missing "
                 "cannot be seen");
    }
}

/* What the chain is held against beside itself. */
struct against {
    const uint8_t *wanted; /* NULL: none */
    struct checkpoint_key key;
    bool has_key;
    struct checkpoint *checkpoints; /* owned */
    size_t checkpoint_count;
};

static struct audit_held *
held_make(const struct against *against)
{
    struct audit_held *held = mem_new(against->checkpoint_count + 1, sizeof(*held));
    for (size_t i = 0; i < against->checkpoint_count; i++) {
        held[i].number = against->checkpoints[i].number;
        held[i].at_us = against->checkpoints[i].at_us;
        memcpy(held[i].hash, against->checkpoints[i].hash, AUDIT_HASH_SIZE);
        snprintf(held[i].by, sizeof(held[i].by), "the file");
    }
    return held;
}

static int
file_verify(struct run *run, const struct against *against)
{
    const uint8_t *wanted = against->wanted;
    struct file_check check = {.goes_on = true, .key = against->has_key ? &against->key : NULL};
    struct view_audit_check view = {.at_us = clock_wall_us(clock_system())};
    FILE *file = fopen(run->options.input, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t size = 0;
    if (!file) {
        return run_usage("%s: %s", run->options.input, strerror(errno));
    }
    audit_chain_begin(&check.chain);
    if (wanted) {
        audit_chain_want(&check.chain, wanted);
    }
    struct audit_held *held = held_make(against);
    audit_chain_hold(&check.chain, held, against->checkpoint_count);
    view.compared = against->checkpoint_count;
    while (!check.why && (size = getline(&line, &room, file)) > 0) {
        take_line(&check, line, (size_t)size);
    }
    bool is_read = ferror(file) == 0;
    fclose(file);
    free(line);
    audit_chain_end(&check.chain);
    free(held);
    if (!is_read || check.why) {
        fprintf(stderr, "cordonctl: %s: %" PRIu64 ": %s\n", run->options.input, check.line,
                check.why ? check.why : "cannot be read");
        return EXIT_REFUSED;
    }
    judge(&check, &view);
    cJSON *json = codec_encode(&view_audit_check_shape, &view);
    int code = print_check(run, json);
    cJSON_Delete(json);
    return code;
}

static int
server_verify(struct run *run, const struct against *against)
{
    struct client_answer answer;
    char path[URL_SIZE] = API "/audit/verify";
    cJSON *body = NULL;
    int code = against->has_key ? checkpoints_pin(run, &against->key) : EXIT_GOOD;
    if (code != EXIT_GOOD) {
        return code;
    }
    if (against->checkpoint_count > 0) {
        body = cJSON_CreateObject();
        cJSON *lines = cJSON_AddArrayToObject(body, "checkpoints");
        for (size_t i = 0; i < against->checkpoint_count; i++) {
            char line[CHECKPOINT_NOTE_SIZE];
            checkpoint_line_format(&against->checkpoints[i], line);
            cJSON_AddItemToArray(lines, cJSON_CreateString(line));
        }
        if (run->options.newest) {
            cJSON_AddStringToObject(body, "newest", run->options.newest);
        }
    } else {
        run_query(path, sizeof(path), "newest", run->options.newest);
    }
    client_set_patience(run->client, VERIFY_S);
    code = run_ask(run, path, body, &answer);
    if (code == EXIT_GOOD) {
        code = print_check(run, answer.json);
    }
    client_answer_fini(&answer);
    cJSON_Delete(body);
    return code;
}

static int
verify(struct run *run)
{
    uint8_t wanted[AUDIT_HASH_SIZE];
    const struct options *options = &run->options;
    struct against against = {.has_key = options->key != NULL};
    int code = EXIT_GOOD;
    if (options->newest && !audit_hash_parse(options->newest, wanted)) {
        return run_usage("--newest: not a hash of 64 hexadecimal digits");
    }
    if (options->key && !checkpoint_key_parse(options->key, &against.key)) {
        return run_usage("--key: not a key as 'cordonctl audit key' says it");
    }
    if (options->input && options->checkpoints && !options->key) {
        return run_usage("--file with --checkpoints needs --key: without a server nobody else "
                         "says who may sign");
    }
    against.wanted = options->newest ? wanted : NULL;
    if (options->checkpoints) {
        code = checkpoints_read(options->checkpoints, against.has_key ? &against.key : NULL,
                                options->input ? SIZE_MAX : OP_CHECKPOINTS_MAX,
                                &against.checkpoints, &against.checkpoint_count);
    }
    if (code == EXIT_GOOD) {
        code = options->input ? file_verify(run, &against) : server_verify(run, &against);
    }
    free(against.checkpoints);
    return code;
}

static void
add_filters(const struct run *run, char *path, size_t room)
{
    run_query(path, room, "account", run->options.account);
    run_query(path, room, "action", run->options.action);
    run_query(path, room, "object", run->options.object);
    run_query(path, room, "from", run->options.from);
    run_query(path, room, "until", run->options.until);
}

static int export(struct run *run)
{
    const char *out = run->options.out ? run->options.out : "-";
    bool is_file = strcmp(out, "-") != 0;
    char path[URL_SIZE * 2] = API "/audit/export";
    struct client_answer answer;
    FILE *file = is_file ? fopen(out, "we") : stdout;
    if (!file) {
        return run_usage("%s: %s", out, strerror(errno));
    }
    run_query(path, sizeof(path), "format", run->options.format);
    add_filters(run, path, sizeof(path));
    client_save(run->client, path, file, &answer);
    int code = run_judge(run, &answer);
    client_answer_fini(&answer);
    bool is_written = fflush(file) == 0 && ferror(file) == 0;
    is_written = (!is_file || fclose(file) == 0) && is_written;
    if (code == EXIT_GOOD && !is_written) {
        fprintf(stderr, "cordonctl: %s: %s\n", out, strerror(errno));
        code = EXIT_REFUSED;
    }
    return code;
}

int
cmd_audit(struct run *run, char **words, int count)
{
    static const struct column columns[] = {
        {"NUMBER", "number", COLUMN_TEXT}, {"TIME", "at", COLUMN_TIME},
        {"WHO", "account", COLUMN_TEXT},   {"ACTION", "action", COLUMN_TEXT},
        {"OBJECT", "object", COLUMN_TEXT}, {"REASON", "detail", COLUMN_TEXT},
    };
    char path[URL_SIZE * 2] = API "/audit";
    if (count == 1 && strcmp(words[0], "verify") == 0) {
        return verify(run);
    }
    if (count == 1 && strcmp(words[0], "checkpoints") == 0) {
        return checkpoints_show(run);
    }
    if (count == 1 && strcmp(words[0], "key") == 0) {
        return checkpoints_key(run);
    }
    if (count == 1 && strcmp(words[0], "export") == 0) {
        return export(run);
    }
    if (!run->options.limit && !run->options.json) {
        run->options.limit = "100"; /* the whole chain is for --json or --limit */
    }
    run_query(path, sizeof(path), "q", count > 0 ? words[0] : NULL);
    add_filters(run, path, sizeof(path));
    run_query(path, sizeof(path), "limit", run->options.limit);
    return columns_list(run, path, columns, COUNT_OF(columns));
}
