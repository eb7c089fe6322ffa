#include "wire/notify.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "wire/view_field.h"

bool
notify_is_address(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-/=?^_`{|}~.";
    static const char host[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    size_t local = strspn(text, plain);
    if (local == 0 || local > 64 || text[local] != '@' || text[0] == '.' || text[0] == '-') {
        return false;
    }
    const char *domain = text + local + 1;
    size_t size = strspn(domain, host);
    return size > 0 && domain[size] == '\0' && domain[0] != '.' && domain[0] != '-' &&
           domain[size - 1] != '.' && !strstr(domain, "..");
}

static bool
is_host(const char *text)
{
    static const char host[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:";
    return text[0] != '\0' && text[0] != '-' && text[strspn(text, host)] == '\0';
}

bool
notify_is_url(const char *text)
{
    if (strncmp(text, "https://", 8) != 0) {
        return false;
    }
    const char *host = text + 8;
    size_t size = strcspn(host, "/?#");
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || strchr("\"<>\\^`{|}", *at)) {
            return false;
        }
    }
    return size > 0 && size < HOST_SIZE && !memchr(host, '@', size);
}

bool
notify_minutes(const char *text, unsigned *minutes)
{
    if (strlen(text) != 5 || !isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]) ||
        text[2] != ':' || !isdigit((unsigned char)text[3]) || !isdigit((unsigned char)text[4])) {
        return false;
    }
    unsigned hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    unsigned minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
    *minutes = hour * 60 + minute;
    return hour < 24 && minute < 60;
}

const struct notify_channel *
notify_channel_find(const struct notify_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->channel_count; i++) {
        if (strcmp(settings->channels[i].name, name) == 0) {
            return &settings->channels[i];
        }
    }
    return NULL;
}

uint16_t
notify_port(const struct notify_channel *channel)
{
    static const uint16_t mail[] = {
        [NOTIFY_STARTTLS] = 587, [NOTIFY_TLS] = 465, [NOTIFY_PLAIN] = 25};
    static const uint16_t syslog[] = {
        [NOTIFY_OVER_UDP] = 514, [NOTIFY_OVER_TCP] = 601, [NOTIFY_OVER_TLS] = 6514};
    if (channel->port) {
        return channel->port;
    }
    return channel->kind == NOTIFY_EMAIL    ? mail[channel->security]
           : channel->kind == NOTIFY_SYSLOG ? syslog[channel->transport]
                                            : 443;
}

void
notify_place(const struct notify_channel *channel, char place[URL_SIZE + NAME_SIZE])
{
    if (channel->kind == NOTIFY_WEBHOOK) {
        snprintf(place, URL_SIZE + NAME_SIZE, "%s", channel->url);
    } else {
        snprintf(place, URL_SIZE + NAME_SIZE, "%s %s:%u %s %s", notify_kind_names[channel->kind],
                 channel->host, notify_port(channel), notify_security_names[channel->security],
                 channel->user);
    }
}

/* ---- channels ---- */

static bool
check_addresses(const char (*to)[HOST_SIZE], size_t count, char why[128])
{
    for (size_t i = 0; i < count; i++) {
        if (!notify_is_address(to[i])) {
            snprintf(why, 128, "'%.60s' is no e-mail address", to[i]);
            return false;
        }
    }
    return true;
}

static bool
check_email(const struct notify_channel *channel, char why[128])
{
    if (!notify_is_address(channel->from)) {
        snprintf(why, 128, "'from' must be one e-mail address");
        return false;
    }
    if (channel->security == NOTIFY_PLAIN && channel->user[0] != '\0') {
        snprintf(why, 128, "a password is not sent without TLS: set security, or leave out user");
        return false;
    }
    return check_addresses(channel->to, channel->to_count, why);
}

static bool
check_channel(const void *thing, char why[128])
{
    const struct notify_channel *channel = thing;
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (!channel->name[0] || channel->name[strspn(channel->name, name)] != '\0') {
        snprintf(why, 128, "a name has letters, digits, '.', '_' and '-' only");
        return false;
    }
    if (channel->ca_file[0] && channel->ca_file[0] != '/') {
        snprintf(why, 128, "ca_file is a whole path, from /");
        return false;
    }
    if (channel->kind == NOTIFY_WEBHOOK) {
        snprintf(why, 128, "url must begin with https:// and hold no user name");
        return notify_is_url(channel->url);
    }
    if (!is_host(channel->host)) {
        snprintf(why, 128, "host must be a name or an address");
        return false;
    }
    return channel->kind == NOTIFY_SYSLOG || check_email(channel, why);
}

#define TEXTS_OPT(type, member, count_member, name_, max_, about_)                                 \
    {                                                                                              \
        .name = (name_), .kind = FIELD_TEXTS, .optional = true, .at = offsetof(type, member),      \
        .size = sizeof(((type *)0)->member[0]), .count_at = offsetof(type, count_member),          \
        .max_count = (max_), .about = (about_)                                                     \
    }
#define LIST_OPT(type, member, count_member, name_, shape_, max_, about_)                          \
    {                                                                                              \
        .name = (name_), .kind = FIELD_LIST, .optional = true, .at = offsetof(type, member),       \
        .size = sizeof(((type *)0)->member), .shape = (shape_),                                    \
        .count_at = offsetof(type, count_member), .max_count = (max_), .about = (about_)           \
    }

static const struct field channel_fields[] = {
    ROW(struct notify_channel, name, "name", FIELD_TEXT, "letters, digits, '.', '_' and '-'"),
    ROW_ENUM(struct notify_channel, kind, "kind", false, notify_kind_names, "what it is"),
    ROW_ENUM(struct notify_channel, language, "language", true, notify_language_names,
             "of its texts; absent: en"),
    ROW_OPT(struct notify_channel, is_off, "off", FIELD_BOOL, "nothing is sent by it"),
    ROW_RANGE(struct notify_channel, per_hour, "per_hour", FIELD_UINT, 1, NOTIFY_PER_HOUR_MAX,
              "messages per hour at most; what comes above is collected into one. Absent: 60 for "
              "e-mail, 600 for webhooks, 6000 for syslog"),
    ROW_RANGE(struct notify_channel, digest_min, "digest_min", FIELD_UINT, 1, NOTIFY_DIGEST_MIN_MAX,
              "collects for so many minutes; absent: at once"),
    ROW_OPT(struct notify_channel, host, "host", FIELD_TEXT, "e-mail, syslog: the server"),
    ROW_RANGE(struct notify_channel, port, "port", FIELD_UINT, 1, 65535, "absent: the usual one"),
    ROW_OPT(struct notify_channel, ca_file, "ca_file", FIELD_TEXT,
            "authorities in PEM, a path on the server; absent: the system's"),
    ROW_ENUM(struct notify_channel, security, "security", true, notify_security_names,
             "e-mail; absent: starttls"),
    ROW_OPT(struct notify_channel, user, "user", FIELD_TEXT,
            "e-mail: signs in with this name and the channel's secret"),
    ROW_OPT(struct notify_channel, from, "from", FIELD_TEXT, "e-mail: the sender"),
    TEXTS_OPT(struct notify_channel, to, to_count, "to", NOTIFY_ADDRESSES_MAX, "e-mail: to whom"),
    ROW_ENUM(struct notify_channel, transport, "transport", true, notify_transport_names,
             "syslog; absent: udp"),
    ROW_ENUM(struct notify_channel, format, "format", true, notify_format_names,
             "syslog; absent: text"),
    ROW_RANGE(struct notify_channel, facility, "facility", FIELD_UINT, 1, 23,
              "syslog; absent: 4, security"),
    ROW_OPT(struct notify_channel, url, "url", FIELD_TEXT, "webhook: https:// only"),
};
const struct shape notify_channel_shape =
    SHAPE("NotificationChannel", struct notify_channel, channel_fields, check_channel);

/* ---- rules and people ---- */

static const struct field rule_fields[] = {
    ROW_ENUM(struct notify_rule, kind, "kind", false, notice_kind_names, "what happened"),
    ROW_ENUM(struct notify_rule, least, "least", true, severity_names,
             "the least severity; absent: info"),
    TEXTS_OPT(struct notify_rule, channels, channel_count, "channels", NOTIFY_CHANNELS_MAX,
              "to these channels"),
};
static const struct shape rule_shape =
    SHAPE("NotificationRule", struct notify_rule, rule_fields, NULL);

static const struct field people_fields[] = {
    ROW_OPT(struct notify_people, is_on, "on", FIELD_BOOL, "they are told"),
    ROW_OPT(struct notify_people, channel, "channel", FIELD_TEXT, "by this e-mail channel"),
    ROW_ENUM(struct notify_people, language, "language", true, notify_language_names, "absent: en"),
    ROW_OPT(struct notify_people, skips_contained, "skip_contained", FIELD_BOOL,
            "not when somebody is contained"),
    ROW_OPT(struct notify_people, skips_released, "skip_released", FIELD_BOOL,
            "not when somebody is released"),
    TEXTS_OPT(struct notify_people, to, to_count, "to", NOTIFY_ADDRESSES_MAX,
              "help desk: its addresses; owner: registered addresses count only in these domains"),
};
static const struct shape people_shape =
    SHAPE("NotificationPeople", struct notify_people, people_fields, NULL);

static bool
check_contact(const void *thing, char why[128])
{
    const struct notify_contact *contact = thing;
    snprintf(why, 128, "a contact needs a name and one e-mail address");
    return contact->name[0] != '\0' && notify_is_address(contact->email);
}

static const struct field contact_fields[] = {
    ROW(struct notify_contact, name, "name", FIELD_TEXT, "who"),
    ROW(struct notify_contact, email, "email", FIELD_TEXT, "e-mail address"),
    ROW_ENUM(struct notify_contact, language, "language", true, notify_language_names,
             "absent: en"),
};
static const struct shape contact_shape =
    SHAPE("OnCallContact", struct notify_contact, contact_fields, check_contact);

static bool
check_shift(const void *thing, char why[128])
{
    const struct notify_shift *shift = thing;
    unsigned minutes;
    snprintf(why, 128, "from and until are times of the day, like 22:00");
    return notify_minutes(shift->from, &minutes) && notify_minutes(shift->until, &minutes);
}

static const struct field shift_fields[] = {
    ROW(struct notify_shift, contact, "contact", FIELD_TEXT, "who"),
    ROW_ENUM(struct notify_shift, day, "day", false, notify_day_names, "on which day it begins"),
    ROW(struct notify_shift, from, "from", FIELD_TEXT, "local time of the server, 08:30"),
    ROW(struct notify_shift, until, "until", FIELD_TEXT,
        "not after from: on the next day; both equal: a whole day"),
};
static const struct shape shift_shape =
    SHAPE("OnCallShift", struct notify_shift, shift_fields, check_shift);

static const struct field step_fields[] = {
    ROW_RANGE(struct notify_step, after_min, "after_min", FIELD_UINT, 0, NOTIFY_AFTER_MIN_MAX,
              "minutes without an answer"),
    ROW_OPT(struct notify_step, contact, "contact", FIELD_TEXT,
            "then this one is told; absent: whoever is on call"),
};
static const struct shape step_shape = SHAPE("OnCallStep", struct notify_step, step_fields, NULL);

static const struct field on_call_fields[] = {
    ROW_OPT(struct notify_on_call, is_on, "on", FIELD_BOOL,
            "contacts are told of pending decisions"),
    ROW_OPT(struct notify_on_call, channel, "channel", FIELD_TEXT, "by this e-mail channel"),
    LIST_OPT(struct notify_on_call, contacts, contact_count, "contacts", &contact_shape,
             NOTIFY_CONTACTS_MAX, "who can be told"),
    LIST_OPT(struct notify_on_call, shifts, shift_count, "shifts", &shift_shape, NOTIFY_SHIFTS_MAX,
             "who is on call, every week"),
    LIST_OPT(struct notify_on_call, steps, step_count, "steps", &step_shape, NOTIFY_STEPS_MAX,
             "whom to tell after how long; absent: at once whoever is on call"),
};
static const struct shape on_call_shape =
    SHAPE("OnCall", struct notify_on_call, on_call_fields, NULL);

/* ---- the whole ---- */

static bool
check_mail_channel(const struct notify_settings *settings, const char *name, const char *whose,
                   char why[128])
{
    const struct notify_channel *channel = notify_channel_find(settings, name);
    if (!channel || channel->kind != NOTIFY_EMAIL) {
        snprintf(why, 128, "%s needs one of the e-mail channels", whose);
        return false;
    }
    return true;
}

static bool
check_rules(const struct notify_settings *settings, char why[128])
{
    for (size_t i = 0; i < settings->rule_count; i++) {
        const struct notify_rule *rule = &settings->rules[i];
        for (size_t j = 0; j < i; j++) {
            if (settings->rules[j].kind == rule->kind) {
                snprintf(why, 128, "two rules for %s", notice_kind_names[rule->kind]);
                return false;
            }
        }
        for (size_t j = 0; j < rule->channel_count; j++) {
            if (!notify_channel_find(settings, rule->channels[j])) {
                snprintf(why, 128, "no channel is called '%.60s'", rule->channels[j]);
                return false;
            }
        }
    }
    return true;
}

static bool
has_contact(const struct notify_on_call *on_call, const char *name, char why[128])
{
    for (size_t i = 0; i < on_call->contact_count; i++) {
        if (strcmp(on_call->contacts[i].name, name) == 0) {
            return true;
        }
    }
    snprintf(why, 128, "no contact is called '%.60s'", name);
    return false;
}

static bool
check_on_call(const struct notify_settings *settings, char why[128])
{
    const struct notify_on_call *on_call = &settings->on_call;
    for (size_t i = 0; i < on_call->shift_count; i++) {
        if (!has_contact(on_call, on_call->shifts[i].contact, why)) {
            return false;
        }
    }
    for (size_t i = 0; i < on_call->step_count; i++) {
        const struct notify_step *step = &on_call->steps[i];
        if (step->contact[0] && !has_contact(on_call, step->contact, why)) {
            return false;
        }
        if (i > 0 && step->after_min < on_call->steps[i - 1].after_min) {
            snprintf(why, 128, "steps go by time: after_min must not go back");
            return false;
        }
    }
    if (on_call->is_on && on_call->contact_count == 0) {
        snprintf(why, 128, "on call needs a contact");
        return false;
    }
    return !on_call->is_on || check_mail_channel(settings, on_call->channel, "on_call", why);
}

static bool
check_people(const struct notify_settings *settings, char why[128])
{
    const struct notify_people *desk = &settings->help_desk;
    if (!check_addresses(desk->to, desk->to_count, why)) {
        return false;
    }
    if (desk->is_on && desk->to_count == 0) {
        snprintf(why, 128, "the help desk needs an address");
        return false;
    }
    for (size_t i = 0; i < settings->owner.to_count; i++) {
        if (!is_host(settings->owner.to[i])) {
            snprintf(why, 128, "'%.60s' is no domain", settings->owner.to[i]);
            return false;
        }
    }
    return (!desk->is_on || check_mail_channel(settings, desk->channel, "help_desk", why)) &&
           (!settings->owner.is_on ||
            check_mail_channel(settings, settings->owner.channel, "owner", why));
}

static bool
check_settings(const void *thing, char why[128])
{
    const struct notify_settings *settings = thing;
    if (settings->console_url[0] && !notify_is_url(settings->console_url)) {
        snprintf(why, 128, "console_url must begin with https://");
        return false;
    }
    for (size_t i = 0; i < settings->channel_count; i++) {
        if (notify_channel_find(settings, settings->channels[i].name) != &settings->channels[i]) {
            snprintf(why, 128, "two channels are called '%s'", settings->channels[i].name);
            return false;
        }
    }
    return check_rules(settings, why) && check_people(settings, why) &&
           check_on_call(settings, why);
}

static const struct field settings_fields[] = {
    ROW_OPT(struct notify_settings, version, "version", FIELD_UINT,
            "the one that was read; a change of another one is refused"),
    ROW_OPT(struct notify_settings, console_url, "console_url", FIELD_TEXT,
            "address of the console, for links in notices"),
    LIST_OPT(struct notify_settings, channels, channel_count, "channels", &notify_channel_shape,
             NOTIFY_CHANNELS_MAX, "where notices go"),
    LIST_OPT(struct notify_settings, rules, rule_count, "rules", &rule_shape, NOTICE_KIND_COUNT,
             "which notices go to which channels; a kind without a rule goes nowhere"),
    ROW_SUB(struct notify_settings, help_desk, "help_desk", FIELD_OBJECT, &people_shape,
            "told in plain words when somebody is contained or released"),
    ROW_SUB(struct notify_settings, owner, "owner", FIELD_OBJECT, &people_shape,
            "the registered owner of the endpoint, likewise"),
    ROW_SUB(struct notify_settings, on_call, "on_call", FIELD_OBJECT, &on_call_shape,
            "who is told of pending decisions, and who next"),
};
const struct shape notify_settings_shape =
    SHAPE("NotificationSettings", struct notify_settings, settings_fields, check_settings);
