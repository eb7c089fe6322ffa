#include "controller/notices/settings_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/ask/inspect.h"
#include "controller/controller.h"
#include "controller/entry.h"
#include "controller/notices/outbox.h"
#include "wire/notify.h"

/* Takes the change. */
static void
change_end(struct notices *notices, enum notify_result result, const char *why)
{
    struct notify_change *change = notices->change;
    notices->change = NULL;
    change->done(change->context, result, why);
    codec_fini(&notify_settings_shape, &change->after);
    free(change);
}

void
settings_change_gone(struct notices *notices)
{
    if (notices->change && notices->change->is_keeping) {
        change_end(notices, NOTIFY_FAILED, "the notify process ended; nothing was changed");
    }
}

void
settings_change_free(struct notices *notices)
{
    if (notices->change) {
        codec_fini(&notify_settings_shape, &notices->change->after);
        free(notices->change);
    }
}

/* Of channels that are gone. */
static void
secrets_forget(struct controller *controller, const struct notify_settings *before)
{
    struct notices *notices = controller->notices;
    struct wire_secret_change forget = {
        .number = ++notices->numbers,
        .secrets = mem_new(before->channel_count + 1, sizeof(*forget.secrets))};
    for (size_t i = 0; i < before->channel_count; i++) {
        if (!notify_channel_find(&notices->settings, before->channels[i].name)) {
            memcpy(forget.secrets[forget.secret_count++].channel, before->channels[i].name,
                   NAME_SIZE);
        }
    }
    if (forget.secret_count > 0 && controller->ports.send_secret) {
        (void)controller->ports.send_secret(controller->ports.context, &forget);
    }
    free(forget.secrets);
}

static void
on_change_stored(void *context, int error)
{
    struct controller *controller = context;
    struct notices *notices = controller->notices;
    struct notify_change *change = notices->change;
    if (error) {
        change_end(notices, NOTIFY_FAILED, "it could not be stored; nothing was changed");
        return;
    }
    struct notify_settings before = notices->settings;
    notices->settings = change->after;
    change->after = before; /* freed with the change */
    secrets_forget(controller, &before);
    outbox_settle(controller);
    change_end(notices, NOTIFY_DONE, "");
    outbox_tick(controller);
}

static void
change_store(struct controller *controller)
{
    struct notify_change *change = controller->notices->change;
    struct store_change *rows = store_change_new();
    char detail[TEXT_SIZE];
    cJSON *json = codec_encode(&notify_settings_shape, &change->after);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    snprintf(detail, sizeof(detail),
             "version %u: %zu channels, %zu rules, help desk %s, owner %s, "
             "on call %s",
             change->after.version, change->after.channel_count, change->after.rule_count,
             change->after.help_desk.is_on ? "on" : "off", change->after.owner.is_on ? "on" : "off",
             change->after.on_call.is_on ? "on" : "off");
    store_put_setting(rows, NOTICES_SETTING, text ? text : "");
    store_put_audit(rows, clock_wall_us(controller->clock), change->account, "notifications.change",
                    NOTICES_SETTING, detail);
    cJSON_free(text);
    store_submit(controller->store, rows, on_change_stored, controller);
}

void
controller_secrets(struct controller *controller, const struct wire_secrets *secrets)
{
    struct notices *notices = controller->notices;
    struct notify_change *change = notices->change;
    notices->secrets = *secrets;
    bool is_ours = change && change->is_keeping && secrets->number == change->secrets_number;
    if (!is_ours) {
        return; /* unasked, or about one that an earlier change had forgotten */
    }
    if (secrets->why[0]) {
        change_end(notices, NOTIFY_FAILED, secrets->why);
    } else {
        change->is_keeping = false;
        change_store(controller);
    }
}

/* Takes over what 'settings' owns. */
static void
settings_copy(const struct notify_settings *settings, struct notify_settings *copy)
{
    struct codec_error error;
    cJSON *json = codec_encode(&notify_settings_shape, settings);
    if (codec_decode(&notify_settings_shape, json, copy, &error)) {
        abort(); /* what was decoded a moment ago: a bug */
    }
    cJSON_Delete(json);
}

/* All in one message: the notify role keeps all of them, or none. */
static bool
secrets_send(struct controller *controller, const struct notify_settings *settings,
             const struct wire_secret *secrets, size_t count, char why[TEXT_SIZE])
{
    struct notices *notices = controller->notices;
    struct wire_secret_change change = {.number = ++notices->numbers,
                                        .secrets = mem_new(count + 1, sizeof(*secrets)),
                                        .secret_count = count};
    why[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct notify_channel *channel = notify_channel_find(settings, secrets[i].channel);
        change.secrets[i] = secrets[i];
        if (channel) {
            notify_place(channel, change.secrets[i].place);
        } else {
            snprintf(why, TEXT_SIZE, "a secret names a channel that there is not");
        }
    }
    notices->change->secrets_number = change.number;
    if (!why[0] && (!controller->ports.send_secret ||
                    !controller->ports.send_secret(controller->ports.context, &change))) {
        snprintf(why, TEXT_SIZE, "the notify process is away; try again");
    }
    explicit_bzero(change.secrets, count * sizeof(*secrets));
    free(change.secrets);
    return !why[0];
}

void
controller_notify_set(struct controller *controller, const struct notify_settings *settings,
                      const struct wire_secret *secrets, size_t secret_count, const char *account,
                      notify_done_fn *done, void *context)
{
    struct notices *notices = controller->notices;
    char why[TEXT_SIZE];
    if (notices->change) {
        done(context, NOTIFY_STALE, "another change is being stored; try again");
        return;
    }
    if (settings->version != notices->settings.version) {
        snprintf(why, sizeof(why), "the settings were changed meanwhile: version %u",
                 notices->settings.version);
        done(context, NOTIFY_STALE, why);
        return;
    }
    struct notify_change *change = MEM_NEW(struct notify_change);
    settings_copy(settings, &change->after);
    change->after.version++;
    change->is_keeping = secret_count > 0;
    change->done = done;
    change->context = context;
    text_put(change->account, sizeof(change->account), account);
    notices->change = change;
    if (secret_count == 0) {
        change_store(controller);
    } else if (!secrets_send(controller, settings, secrets, secret_count, why)) {
        change_end(notices, NOTIFY_FAILED, why);
    }
}
