#include "controller/ask/payload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/redact.h"

struct payload_note {
    char account[NAME_SIZE];
    char incident_id[ID_SIZE];
    int64_t at_us; /* boot */
};

struct payload_notes {
    struct payload_note items[PAYLOAD_NOTED_MAX];
    size_t next;
    bool has_told;
    int64_t told_us; /* boot */
};

/* "RIGHT since by\nreason" */
static bool
right_parse(const char *value, struct view_payload_reader *reader)
{
    char right[16] = "";
    long long since_us = 0;
    int used = 0;
    if (sscanf(value, "%15s %lld %63[^\n]%n", right, &since_us, reader->by, &used) != 3) {
        return false;
    }
    reader->since_us = since_us;
    reader->right = strcmp(right, "allowed") == 0 ? PAYLOAD_ALLOWED : PAYLOAD_DENIED;
    snprintf(reader->reason, sizeof(reader->reason), "%s",
             value[used] == '\n' ? value + used + 1 : "");
    return true;
}

static struct payload_notes *
notes_of(struct asks *asks)
{
    if (!asks->payload_notes) {
        asks->payload_notes = MEM_NEW(struct payload_notes);
    }
    return asks->payload_notes;
}

/* Once an hour: whoever asks again and again would tell it as often. */
static void
unread_tell(const struct ask_call *call)
{
    struct payload_notes *notes = notes_of(call->asks);
    int64_t now_us = clock_boot_us(controller_clock(call->controller));
    char text[TEXT_SIZE];
    if (notes->has_told && now_us - notes->told_us < PAYLOAD_NOTE_US) {
        return;
    }
    notes->has_told = true;
    notes->told_us = now_us;
    snprintf(text, sizeof(text),
             "the right of %s to read payload cannot be read: nobody of that name may until it is "
             "said again with 'cordonctl payload-readers'",
             call->account);
    log_error("ask", "who may read payload cannot be read", LOG_S("account", call->account));
    controller_notice(call->controller, NOTICE_STORE, SEVERITY_MEDIUM, call->account, text);
}

/* DENIED also where it cannot be read: what was said may have been just that. */
static enum payload_right
right_find(const struct ask_call *call, const char *name)
{
    struct view_payload_reader reader;
    char *value = NULL;
    int error = store_find_setting(controller_store(call->controller), name, &value);
    if (error == -ENOENT) {
        return PAYLOAD_BY_ROLE;
    }
    if (error || !right_parse(value, &reader)) {
        unread_tell(call);
        reader.right = PAYLOAD_DENIED;
    }
    free(value);
    return (enum payload_right)reader.right;
}

bool
payload_may_read(const struct ask_call *call)
{
    char name[sizeof(PAYLOAD_SETTING) + NAME_SIZE];
    snprintf(name, sizeof(name), PAYLOAD_SETTING "%s", call->account);
    enum payload_right right = right_find(call, name);
    if (right == PAYLOAD_BY_ROLE && strlen(name) >= NAME_SIZE) {
        /* As earlier releases stored it: whose it is is not sure, so it gives nothing. */
        name[NAME_SIZE - 1] = '\0';
        right = right_find(call, name) == PAYLOAD_DENIED ? PAYLOAD_DENIED : PAYLOAD_BY_ROLE;
    }
    return right == PAYLOAD_ALLOWED || (right == PAYLOAD_BY_ROLE && call->role == ACCOUNT_ADMIN);
}

static void
redact(struct detection *detection)
{
    detection->is_redacted = true;
    detection_forget_names(detection);
}

static bool
carries(const struct detection *detections, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (detections[i].indicator[0] || detections[i].server_name[0] || detections[i].url[0]) {
            return true;
        }
    }
    return false;
}

/* False: it was noted within the hour. */
static bool
note_take(const struct ask_call *call, const char *incident_id)
{
    struct asks *asks = call->asks;
    int64_t now_us = clock_boot_us(controller_clock(call->controller));
    struct payload_notes *notes = notes_of(asks);
    for (size_t i = 0; i < PAYLOAD_NOTED_MAX; i++) {
        struct payload_note *note = &notes->items[i];
        if (strcmp(note->account, call->account) == 0 &&
            strcmp(note->incident_id, incident_id) == 0 && now_us - note->at_us < PAYLOAD_NOTE_US) {
            return false;
        }
    }
    struct payload_note *note = &notes->items[notes->next++ % PAYLOAD_NOTED_MAX];
    memcpy(note->account, call->account, sizeof(note->account));
    snprintf(note->incident_id, sizeof(note->incident_id), "%s", incident_id);
    note->at_us = now_us;
    return true;
}

void
payload_pass(const struct ask_call *call, const char *incident_id, struct detection *detections,
             size_t count)
{
    if (!payload_may_read(call)) {
        for (size_t i = 0; i < count; i++) {
            redact(&detections[i]);
        }
    } else if (carries(detections, count) && note_take(call, incident_id)) {
        struct store_change *change = store_change_new();
        store_put_audit(change, clock_wall_us(controller_clock(call->controller)), call->account,
                        "payload.read", incident_id, "details of detections");
        store_submit(controller_store(call->controller), change, NULL, NULL);
    }
}

void
payload_forget(struct store_change *change, const char *action, const char *object)
{
    char name[sizeof(PAYLOAD_SETTING) + NAME_SIZE + 16];
    bool is_account =
        strcmp(action, "account.create") == 0 || strcmp(action, "account.remove") == 0;
    bool is_token = strcmp(action, "token.create") == 0 || strcmp(action, "token.revoke") == 0;
    if ((is_account || is_token) && strlen(object) < NAME_SIZE) {
        snprintf(name, sizeof(name), PAYLOAD_SETTING "%s:%s", is_account ? "account" : "token",
                 object);
        store_put_setting(change, name, "");
    }
}

/* ---- the API ---- */

struct listing {
    struct ask_page page;
};

static void
on_setting(void *context, const char *name, const char *value)
{
    struct listing *listing = context;
    struct view_payload_reader reader = {.right = PAYLOAD_DENIED};
    snprintf(reader.account, sizeof(reader.account), "%s", name + strlen(PAYLOAD_SETTING));
    if (!right_parse(value, &reader)) {
        snprintf(reader.reason, sizeof(reader.reason),
                 "it cannot be read: nobody of that name may until it is said again");
    }
    if (ask_page_takes(&listing->page)) {
        ask_page_add(&listing->page, codec_encode(&view_payload_reader_shape, &reader));
    }
}

void
ask_payload_list(const struct ask_call *call, const void *parameters)
{
    struct listing listing;
    ask_page_begin(&listing.page, parameters);
    if (store_read_settings(controller_store(call->controller), PAYLOAD_SETTING, on_setting,
                            &listing) != 0) {
        cJSON_Delete(listing.page.items);
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    ask_page_answer(call, &listing.page);
}

struct setting_right {
    struct ask_call call;
    struct view_payload_reader reader;
};

/* The right and its row of the audit. */
static void
right_put(struct store_change *change, const struct view_payload_reader *reader)
{
    char name[sizeof(PAYLOAD_SETTING) + NAME_SIZE], value[TEXT_SIZE + 2 * NAME_SIZE] = "";
    snprintf(name, sizeof(name), PAYLOAD_SETTING "%s", reader->account);
    if (reader->right != PAYLOAD_BY_ROLE) {
        snprintf(value, sizeof(value), "%s %lld %s\n%s", payload_right_names[reader->right],
                 (long long)reader->since_us, reader->by, reader->reason);
    }
    store_put_setting(change, name, value);
    store_put_audit(change, reader->since_us, reader->by,
                    reader->right == PAYLOAD_ALLOWED  ? "payload.allow"
                    : reader->right == PAYLOAD_DENIED ? "payload.deny"
                                                      : "payload.reset",
                    reader->account, reader->reason);
}

static void
on_set(void *context, int error)
{
    struct setting_right *setting = context;
    if (error) {
        ask_problem(&setting->call, 503, "it could not be stored", NULL,
                    "nothing was changed; try again");
    } else {
        ask_answer_shape(&setting->call, 200, &view_payload_reader_shape, &setting->reader);
    }
    free(setting);
}

void
ask_payload_set(const struct ask_call *call, const void *parameters)
{
    const struct op_payload *asked = parameters;
    struct setting_right *setting = MEM_NEW(struct setting_right);
    struct view_payload_reader *reader = &setting->reader;
    setting->call = *call;
    *reader = (struct view_payload_reader){
        .right = asked->right, .since_us = clock_wall_us(controller_clock(call->controller))};
    snprintf(reader->account, sizeof(reader->account), "%.63s", asked->id);
    memcpy(reader->by, call->account, sizeof(reader->by));
    memcpy(reader->reason, asked->reason, sizeof(reader->reason));
    struct store_change *change = store_change_new();
    right_put(change, reader);
    store_submit(controller_store(call->controller), change, on_set, setting);
}

static void
on_token_recorded(void *context, int error)
{
    struct setting_right *setting = context;
    struct view_done view = {.done = "recorded"};
    if (error) {
        ask_problem(&setting->call, 503, "it could not be stored", NULL,
                    "nothing was changed; try again");
    } else {
        ask_answer_shape(&setting->call, 200, &view_done_shape, &view);
    }
    free(setting);
}

void
payload_record(const struct ask_call *call, const struct op_audit_record *record)
{
    if (call->role != ACCOUNT_ADMIN) { /* web may record whatever anybody did; not give rights */
        ask_problem(call, 403, "the account's role does not suffice", "payload",
                    "ask an administrator");
        return;
    }
    struct setting_right *setting = MEM_NEW(struct setting_right);
    struct view_payload_reader *reader = &setting->reader;
    setting->call = *call;
    *reader = (struct view_payload_reader){
        .right = record->payload, .since_us = clock_wall_us(controller_clock(call->controller))};
    snprintf(reader->account, sizeof(reader->account), "token:%.57s", record->object);
    memcpy(reader->by, call->account, sizeof(reader->by));
    memcpy(reader->reason, record->reason, sizeof(reader->reason));
    struct store_change *change = store_change_new();
    store_put_audit(change, reader->since_us, call->account, record->action, record->object,
                    record->detail);
    right_put(change, reader);
    store_submit(controller_store(call->controller), change, on_token_recorded, setting);
}
