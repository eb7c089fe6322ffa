#include "wire/notice.h"

#include "wire/notify.h"
#include "wire/view_field.h"

static const struct field notice_fields[] = {
    ROW(struct notice, id, "id", FIELD_TEXT, "id"),
    ROW_ENUM(struct notice, kind, "kind", false, notice_kind_names, "what happened"),
    ROW_ENUM(struct notice, severity, "severity", false, severity_names, "how bad it is"),
    ROW(struct notice, at_us, "at", FIELD_TIME, "when it happened"),
    ROW_OPT(struct notice, containment_id, "containment_id", FIELD_TEXT, "of this containment"),
    ROW_OPT(struct notice, case_number, "case_number", FIELD_TEXT,
            "short, as the warning page shows it"),
    ROW_ENUM(struct notice, action, "action", true, action_names, "what is done or asked for"),
    ROW_ENUM(struct notice, state, "state", true, containment_state_names,
             "of the containment; absent: pending"),
    ROW_OPT(struct notice, endpoint_id, "endpoint_id", FIELD_TEXT, "about this endpoint"),
    ROW_OPT(struct notice, host_name, "host_name", FIELD_TEXT, "its name"),
    ROW_OPT(struct notice, mac, "mac", FIELD_MAC, "its MAC"),
    ROW_OPT(struct notice, ip, "ip", FIELD_IP, "its address"),
    ROW_OPT(struct notice, server, "server", FIELD_PREFIX, "the server"),
    ROW_OPT(struct notice, server_name, "server_name", FIELD_TEXT, "the server by name"),
    ROW_OPT(struct notice, switch_name, "switch", FIELD_TEXT, "where it is attached"),
    ROW_OPT(struct notice, port, "port", FIELD_TEXT, "and at which port"),
    ROW_OPT(struct notice, object, "object", FIELD_TEXT,
            "the switch, sensor, source or account that it is about"),
    ROW_OPT(struct notice, policy, "policy", FIELD_TEXT, "that decided"),
    ROW_OPT(struct notice, account, "account", FIELD_TEXT, "who did it"),
    ROW_OPT(struct notice, reason, "reason", FIELD_TEXT, "why"),
    ROW_OPT(struct notice, detail, "detail", FIELD_TEXT, "more of it"),
    ROW_OPT(struct notice, until_us, "until", FIELD_TIME,
            "pending: when time decides; contained: when it expires"),
    ROW_ENUM(struct notice, pending_action, "pending_action", true, action_names,
             "what time decides; absent: it is refused"),
};
const struct shape notice_shape = SHAPE("Notice", struct notice, notice_fields, NULL);

static const struct field message_fields[] = {
    ROW(struct message, id, "id", FIELD_TEXT, "the same over every retry"),
    ROW_ENUM(struct message, state, "state", false, message_state_names,
             "waiting, delivered or given up"),
    ROW(struct message, channel, "channel", FIELD_TEXT, "by which channel"),
    ROW_ENUM(struct message, voice, "voice", false, notify_voice_names, "for whom it is written"),
    ROW_ENUM(struct message, language, "language", false, notify_language_names,
             "in which language"),
    ROW_OPT(struct message, contact, "contact", FIELD_TEXT, "on call: who"),
    {.name = "to",
     .kind = FIELD_TEXTS,
     .optional = true,
     .at = offsetof(struct message, to),
     .size = HOST_SIZE,
     .count_at = offsetof(struct message, to_count),
     .max_count = NOTIFY_ADDRESSES_MAX,
     .about = "to these instead of the channel's own"},
    ROW(struct message, made_us, "made_at", FIELD_TIME, "since when it is known"),
    ROW_OPT(struct message, due_us, "due_at", FIELD_TIME, "not tried before"),
    ROW_OPT(struct message, done_us, "done_at", FIELD_TIME, "when it was delivered or given up"),
    ROW_OPT(struct message, attempts, "attempts", FIELD_UINT, "how often it was tried"),
    ROW_OPT(struct message, more, "more", FIELD_UINT, "notices told as a count only"),
    ROW_OPT_SAID(struct message, answer, "answer", "", "the receiver's words at the last try"),
    ROW_LIST(struct message, notices, notice_count, "notices", FIELD_LIST, &notice_shape,
             MESSAGE_NOTICES_MAX, "what it tells"),
};
const struct shape message_shape = SHAPE("NoticeMessage", struct message, message_fields, NULL);

static const struct field wire_notice_fields[] = {
    F_OBJECT(FIELD_NEEDED, struct wire_notice, message, &message_shape),
    F_OBJECT(FIELD_NEEDED, struct wire_notice, channel, &notify_channel_shape),
    F_TEXT(FIELD_OPTIONAL, struct wire_notice, console_url),
    F_UINT(FIELD_OPTIONAL, struct wire_notice, number),
};
const struct shape wire_notice_shape =
    SHAPE("notice", struct wire_notice, wire_notice_fields, NULL);

static const struct field result_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_notice_result, id),
    F_UINT(FIELD_OPTIONAL, struct wire_notice_result, number),
    F_BOOL(FIELD_OPTIONAL, struct wire_notice_result, is_delivered),
    F_BOOL(FIELD_OPTIONAL, struct wire_notice_result, is_busy),
    F_TEXT(FIELD_OPTIONAL, struct wire_notice_result, answer),
};
const struct shape wire_notice_result_shape =
    SHAPE("notice_result", struct wire_notice_result, result_fields, NULL);

static const struct field secret_fields[] = {
    F_TEXT(FIELD_NEEDED, struct wire_secret, channel),
    F_TEXT(FIELD_OPTIONAL, struct wire_secret, place),
    F_TEXT(FIELD_OPTIONAL, struct wire_secret, value),
};
static const struct shape secret_shape = SHAPE("one", struct wire_secret, secret_fields, NULL);

static const struct field secret_change_fields[] = {
    F_UINT(FIELD_NEEDED, struct wire_secret_change, number),
    F_LIST(FIELD_NEEDED, struct wire_secret_change, secrets, secret_count, NOTIFY_CHANNELS_MAX,
           &secret_shape),
};
const struct shape wire_secret_change_shape =
    SHAPE("secret", struct wire_secret_change, secret_change_fields, NULL);

static const struct field secrets_fields[] = {
    F_UINT(FIELD_OPTIONAL, struct wire_secrets, number),
    F_TEXT(FIELD_OPTIONAL, struct wire_secrets, why),
    F_TEXTS(FIELD_OPTIONAL, struct wire_secrets, channels,
            offsetof(struct wire_secrets, channel_count), NOTIFY_CHANNELS_MAX),
};
const struct shape wire_secrets_shape = SHAPE("secrets", struct wire_secrets, secrets_fields, NULL);
