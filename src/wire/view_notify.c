#include "wire/view_notify.h"

#include "wire/notify.h"
#include "wire/view_field.h"

static const struct field channel_fields[] = {
    ROW(struct view_notify_channel, name, "name", FIELD_TEXT, "of the channel"),
    ROW(struct view_notify_channel, has_secret, "has_secret", FIELD_BOOL,
        "a password or signing key is kept for it; nobody can read it"),
    ROW(struct view_notify_channel, is_failing, "failing", FIELD_BOOL,
        "the last try was not delivered"),
    ROW(struct view_notify_channel, waiting, "waiting", FIELD_UINT, "messages that wait for it"),
    ROW_OPT(struct view_notify_channel, delivered_us, "last_delivered", FIELD_TIME,
            "since cordond started"),
    ROW_OPT(struct view_notify_channel, failed_us, "last_failed", FIELD_TIME,
            "since cordond started"),
    ROW_OPT_SAID(struct view_notify_channel, answer, "answer", "",
                 "the receiver's words at the last try, or why there are none"),
};
static const struct shape channel_shape =
    SHAPE("NotificationChannelState", struct view_notify_channel, channel_fields, NULL);

static const struct field notifications_fields[] = {
    ROW_SUB(struct view_notifications, settings, "settings", FIELD_OBJECT, &notify_settings_shape,
            "as they were set; without any secret"),
    ROW_LIST(struct view_notifications, channel_list, channel_count, "channels", FIELD_LIST,
             &channel_shape, NOTIFY_CHANNELS_MAX, "how each channel does"),
    ROW(struct view_notifications, is_connected, "connected", FIELD_BOOL,
        "the notify process is there"),
    ROW_OPT(struct view_notifications, on_call, "on_call_now", FIELD_TEXT, "who is on call now"),
    ROW(struct view_notifications, waiting, "waiting", FIELD_UINT, "messages that wait"),
    ROW(struct view_notifications, put, "noticed", FIELD_UINT, "notices since cordond started"),
    ROW(struct view_notifications, delivered, "delivered", FIELD_UINT,
        "messages delivered since cordond started"),
    ROW(struct view_notifications, given_up, "given_up", FIELD_UINT,
        "messages given up since cordond started"),
    ROW(struct view_notifications, counted_only, "counted_only", FIELD_UINT,
        "notices told as a count only since cordond started"),
};
const struct shape view_notifications_shape =
    SHAPE("Notifications", struct view_notifications, notifications_fields, NULL);

static const struct field test_fields[] = {
    ROW(struct view_notify_test, is_delivered, "delivered", FIELD_BOOL, "the receiver took it"),
    ROW_SAID(struct view_notify_test, answer, "answer", "", "its words, or why not"),
};
const struct shape view_notify_test_shape =
    SHAPE("NotificationTest", struct view_notify_test, test_fields, NULL);

static const struct field escalation_fields[] = {
    ROW(struct view_escalation, taken, "steps_taken", FIELD_UINT, "how many were told"),
    ROW(struct view_escalation, steps, "steps", FIELD_UINT, "of how many"),
    ROW_OPT(struct view_escalation, told, "told", FIELD_TEXT, "who was told last"),
    ROW_OPT(struct view_escalation, told_us, "told_at", FIELD_TIME, "and when"),
    ROW_OPT(struct view_escalation, next, "next", FIELD_TEXT, "who is told next"),
    ROW_OPT(struct view_escalation, next_us, "next_at", FIELD_TIME, "and when"),
};
const struct shape view_escalation_shape =
    SHAPE("Escalation", struct view_escalation, escalation_fields, NULL);
