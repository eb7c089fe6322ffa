/* Notices and messages as they are stored, shown by the API and handed to the notify role, and what
 * it says of them:
 *
 *   core ──notice, secret──▶ notify ──notice_result, secrets──▶ core
 */
#ifndef CORDON_WIRE_NOTICE_H
#define CORDON_WIRE_NOTICE_H

#include "model/notice.h"
#include "wire/codec.h"

extern const struct shape notice_shape;  /* struct notice; "Notice" in the API */
extern const struct shape message_shape; /* struct message; "NoticeMessage" */

/* "Send this message by this channel."  Once in a while the same again: 'message.id' stays. */
struct wire_notice {
    struct message message; /* owned list */
    struct notify_channel channel;
    char console_url[URL_SIZE];
    uint64_t number; /* a test's question; 0: none */
};
extern const struct shape wire_notice_shape;

struct wire_notice_result {
    char id[ID_SIZE];
    uint64_t number;
    bool is_delivered;
    bool is_busy;           /* not tried: everything is in use; soon again */
    char answer[TEXT_SIZE]; /* the receiver's words, or what went wrong; without any secret */
};
extern const struct shape wire_notice_result_shape;

/* "Keep this for that channel": on its way only, core keeps no secret. */
#define NOTIFY_SECRET_SIZE 512
struct wire_secret {
    char channel[NAME_SIZE];
    char place[URL_SIZE + NAME_SIZE]; /* where it may be used, notify_place(); "": forget it */
    char value[NOTIFY_SECRET_SIZE];
};
/* All of one change: kept together, or none of them. */
struct wire_secret_change {
    uint64_t number;
    struct wire_secret *secrets; /* owned */
    size_t secret_count;
};
extern const struct shape wire_secret_change_shape;

/* Which channels have one, after each change and when core comes back. */
struct wire_secrets {
    uint64_t number;     /* answers that change; 0: said by itself */
    char why[TEXT_SIZE]; /* it could not be kept; "": it is */
    char channels[NOTIFY_CHANNELS_MAX][NAME_SIZE];
    size_t channel_count;
};
extern const struct shape wire_secrets_shape;

#endif
