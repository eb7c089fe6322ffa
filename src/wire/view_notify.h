/* Notifications as the API shows them.  The settings are wire/notify.h's, messages wire/notice.h's.
 */
#ifndef CORDON_WIRE_VIEW_NOTIFY_H
#define CORDON_WIRE_VIEW_NOTIFY_H

#include "model/notice.h"
#include "wire/codec.h"

struct view_notify_channel {
    char name[NAME_SIZE];
    bool has_secret, is_failing;
    uint64_t waiting;
    int64_t delivered_us, failed_us;
    char answer[TEXT_SIZE];
};

struct view_notifications {
    struct notify_settings settings; /* shallow */
    struct view_notify_channel channels[NOTIFY_CHANNELS_MAX], *channel_list;
    size_t channel_count;
    bool is_connected;
    char on_call[NAME_SIZE];
    uint64_t waiting, put, delivered, given_up, counted_only;
};
extern const struct shape view_notifications_shape;

struct view_notify_test {
    bool is_delivered;
    char answer[TEXT_SIZE];
};
extern const struct shape view_notify_test_shape;

struct view_escalation {
    uint32_t taken, steps;
    char told[NAME_SIZE], next[NAME_SIZE];
    int64_t told_us, next_us;
};
extern const struct shape view_escalation_shape;

#endif
