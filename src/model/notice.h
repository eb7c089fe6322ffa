/* Notices: what happened, told to people and to other makers' systems.
 *
 * A notice is stored with what caused it; rules say to which channels it goes.  What a channel is
 * sent is a message: one notice, or several that came within its digest time or above its rate.  A
 * message keeps its id over every retry, so that receivers can recognise a second copy. */
#ifndef CORDON_MODEL_NOTICE_H
#define CORDON_MODEL_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/containment.h"
#include "model/text.h"

enum notice_kind {
    NOTICE_DETECTED, /* a policy's action is notify */
    NOTICE_PENDING,
    NOTICE_ANSWERED,   /* a pending one was enforced, checked or reverted */
    NOTICE_CONTAINED,  /* verified on every switch (again) */
    NOTICE_UNVERIFIED, /* in force, but not (any more) seen to work everywhere */
    NOTICE_FAILED,
    NOTICE_MOVED,
    NOTICE_RELEASED,
    NOTICE_EXPIRED,
    NOTICE_PROTECTION, /* proposed */
    NOTICE_SWITCH_LOST,
    NOTICE_SWITCH_BACK,
    NOTICE_SWITCH_PROBLEM,
    NOTICE_SENSOR_SILENT,
    NOTICE_SENSOR_BACK,
    NOTICE_SOURCE_PROBLEM,
    NOTICE_PANIC,
    NOTICE_RESUME,
    NOTICE_POLICY,      /* changed */
    NOTICE_SIGN_IN,     /* locked out */
    NOTICE_AUDIT,       /* its chain is broken */
    NOTICE_STORM,       /* more isolations than the budget allows */
    NOTICE_CONFLICT,    /* a MAC in two places, an address that two claim, a port full of MACs */
    NOTICE_CERTIFICATE, /* a device's expires and was not renewed */
    NOTICE_CLOCK,       /* it was set, or a device's differs from ours */
    NOTICE_STORE,       /* the database cannot be written to, or can again */
    NOTICE_BACKUP,      /* one could not be made */
    NOTICE_PROCESS,     /* one of ours ended by itself and was started again */
    NOTICE_DISK,        /* the disk's budget is used to four fifths, or up */
    NOTICE_CHECKPOINT,  /* a signed one of the audit */
    NOTICE_AUDIT_ROW,   /* each row of the audit, for whoever collects them elsewhere */
    NOTICE_TEST,
    NOTICE_KIND_COUNT
};
extern const char *const notice_kind_names[NOTICE_KIND_COUNT + 1];

struct notice {
    char id[ID_SIZE];
    enum notice_kind kind;
    enum severity severity;
    int64_t at_us;
    char containment_id[ID_SIZE];
    char case_number[16];
    enum action action;
    enum containment_state state;
    char endpoint_id[ID_SIZE];
    char host_name[HOST_SIZE];
    struct mac mac;
    struct ip ip;
    struct prefix server;
    char server_name[HOST_SIZE];
    char switch_name[NAME_SIZE];
    char port[NAME_SIZE];
    char object[NAME_SIZE]; /* the switch, sensor, source or account that it is about */
    char policy[NAME_SIZE];
    char account[NAME_SIZE];
    char reason[TEXT_SIZE];
    char detail[TEXT_SIZE];     /* what the switch said, why it is held, where it moved */
    int64_t until_us;           /* pending: when time decides; contained: when it expires */
    enum action pending_action; /* what time decides; NONE: nothing is done */
};

/* ---- where to ---- */

enum notify_kind { NOTIFY_EMAIL, NOTIFY_SYSLOG, NOTIFY_WEBHOOK, NOTIFY_KIND_COUNT };
extern const char *const notify_kind_names[NOTIFY_KIND_COUNT + 1];
enum notify_language { NOTIFY_EN, NOTIFY_JA, NOTIFY_LANGUAGE_COUNT };
extern const char *const notify_language_names[NOTIFY_LANGUAGE_COUNT + 1];
enum notify_security { NOTIFY_STARTTLS, NOTIFY_TLS, NOTIFY_PLAIN, NOTIFY_SECURITY_COUNT };
extern const char *const notify_security_names[NOTIFY_SECURITY_COUNT + 1];
enum notify_transport { NOTIFY_OVER_UDP, NOTIFY_OVER_TCP, NOTIFY_OVER_TLS, NOTIFY_TRANSPORT_COUNT };
extern const char *const notify_transport_names[NOTIFY_TRANSPORT_COUNT + 1];
enum notify_format { NOTIFY_TEXT, NOTIFY_CEF, NOTIFY_FORMAT_COUNT };
extern const char *const notify_format_names[NOTIFY_FORMAT_COUNT + 1];
/* For whom a message is written. */
enum notify_voice { VOICE_CHANNEL, VOICE_ON_CALL, VOICE_HELP_DESK, VOICE_OWNER, VOICE_COUNT };
extern const char *const notify_voice_names[VOICE_COUNT + 1];

#define NOTIFY_CHANNELS_MAX 16
#define NOTIFY_ADDRESSES_MAX 8
#define NOTIFY_PER_HOUR_MAX 100000
#define NOTIFY_DIGEST_MIN_MAX 1440
struct notify_channel {
    char name[NAME_SIZE];
    enum notify_kind kind;
    enum notify_language language;
    bool is_off;
    uint32_t per_hour;   /* messages; 0: as its kind has it */
    uint32_t digest_min; /* collects for so long; 0: at once */
    char host[HOST_SIZE];
    uint16_t port;                 /* 0: the usual one */
    char ca_file[URL_SIZE];        /* PEM on the server; "": the system's authorities */
    enum notify_security security; /* e-mail */
    char user[HOST_SIZE];
    char from[HOST_SIZE];
    char to[NOTIFY_ADDRESSES_MAX][HOST_SIZE];
    size_t to_count;
    enum notify_transport transport; /* syslog */
    enum notify_format format;
    uint8_t facility;
    char url[URL_SIZE]; /* webhook */
};

struct notify_rule {
    enum notice_kind kind;
    enum severity least;
    char channels[NOTIFY_CHANNELS_MAX][NAME_SIZE];
    size_t channel_count;
};

/* People who are told in plain words when somebody is contained and released. */
struct notify_people {
    bool is_on;
    char channel[NAME_SIZE]; /* e-mail, by which it goes */
    enum notify_language language;
    bool skips_contained, skips_released;
    char to[NOTIFY_ADDRESSES_MAX][HOST_SIZE]; /* help desk: addresses; owner: domains allowed */
    size_t to_count;
};

#define NOTIFY_CONTACTS_MAX 32
#define NOTIFY_SHIFTS_MAX 64
#define NOTIFY_STEPS_MAX 8
#define NOTIFY_AFTER_MIN_MAX 10080
struct notify_contact {
    char name[NAME_SIZE];
    char email[HOST_SIZE];
    enum notify_language language;
};
enum notify_day { DAY_SUN, DAY_MON, DAY_TUE, DAY_WED, DAY_THU, DAY_FRI, DAY_SAT, DAY_COUNT };
extern const char *const notify_day_names[DAY_COUNT + 1];
struct notify_shift { /* by the server's local time */
    char contact[NAME_SIZE];
    enum notify_day day;
    char from[6], until[6]; /* "22:00"; until before from: on the next day */
};
struct notify_step {
    uint32_t after_min;      /* since it began to wait */
    char contact[NAME_SIZE]; /* "": whoever is on call then */
};
struct notify_on_call {
    bool is_on;
    char channel[NAME_SIZE];         /* e-mail */
    struct notify_contact *contacts; /* owned, all three */
    size_t contact_count;
    struct notify_shift *shifts;
    size_t shift_count;
    struct notify_step *steps; /* none: at once, whoever is on call */
    size_t step_count;
};

struct notify_settings {
    uint32_t version; /* counts changes: whoever changes says which one they saw */
    char console_url[URL_SIZE];
    struct notify_channel *channels; /* owned */
    size_t channel_count;
    struct notify_rule *rules; /* owned; one for a kind at most */
    size_t rule_count;
    struct notify_people help_desk, owner;
    struct notify_on_call on_call;
};

/* ---- what is sent ---- */

enum message_state { MESSAGE_WAITING, MESSAGE_DELIVERED, MESSAGE_GIVEN_UP, MESSAGE_STATE_COUNT };
extern const char *const message_state_names[MESSAGE_STATE_COUNT + 1];

#define MESSAGE_NOTICES_MAX 20
struct message {
    char id[ID_SIZE];
    enum message_state state;
    char channel[NAME_SIZE];
    enum notify_voice voice;
    enum notify_language language;
    char contact[NAME_SIZE];                  /* on call */
    char to[NOTIFY_ADDRESSES_MAX][HOST_SIZE]; /* none: as the channel has it */
    size_t to_count;
    int64_t made_us, due_us, done_us;
    uint32_t attempts;
    uint32_t more;          /* notices that are told as a count only */
    char answer[TEXT_SIZE]; /* of the receiver, or why it was not reached */
    struct notice *notices; /* owned */
    size_t notice_count;
};

#endif
