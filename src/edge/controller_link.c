#include "edge/controller_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/identity.h"
#include "bus/tls.h"
#include "wire/facts.h"
#include "wire/hello.h"
#include "wire/read_back.h"

#define BATCH 256 /* facts per message: below FACTS_MAX */

struct controller_link {
    const struct edge_settings *settings;
    const struct clock *clock;
    const struct desired *desired;
    const struct learn *learn;
    struct controller_link_handler handler;
    struct tls_client *client;
    struct identity *identity;
    struct channel *channel; /* NULL: away */
    struct event *flush;     /* facts of one turn of the loop go together */
    struct fact facts[BATCH];
    size_t fact_count;
    int64_t offset_us; /* wall minus boot clock when they were learnt */
    uint64_t sequence;
    char boot_id[NAME_SIZE];
    char run_id[ID_SIZE];
    bool is_full; /* while a full report is being made */
};

/* The clock may have been set since: what waits to be sent was not seen an hour ago for that. */
static void
facts_move(struct controller_link *controller_link)
{
    int64_t offset_us =
        clock_wall_us(controller_link->clock) - clock_boot_us(controller_link->clock);
    int64_t by_us = offset_us - controller_link->offset_us;
    if (by_us < CLOCK_AGREE_US && by_us > -CLOCK_AGREE_US) {
        return;
    }
    for (size_t i = 0; i < controller_link->fact_count; i++) {
        controller_link->facts[i].seen_us += by_us;
    }
    controller_link->offset_us = offset_us;
}

static void
facts_send(struct controller_link *controller_link, bool is_last)
{
    facts_move(controller_link);
    struct wire_facts message = {.sequence = ++controller_link->sequence,
                                 .is_full = controller_link->is_full,
                                 .is_last = is_last,
                                 .wall_us = clock_wall_us(controller_link->clock),
                                 .facts = controller_link->facts,
                                 .fact_count = controller_link->fact_count};
    snprintf(message.switch_name, sizeof(message.switch_name), "%s",
             controller_link->settings->name);
    channel_send(controller_link->channel, WIRE_FACTS, &message);
    controller_link->fact_count = 0;
}

static void
on_flush(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct controller_link *controller_link = argument;
    if (controller_link->channel && controller_link->fact_count > 0) {
        facts_send(controller_link, true);
    }
}

void
controller_link_fact(struct controller_link *controller_link, const struct fact *fact)
{
    if (!controller_link->channel) {
        return; /* the full report will have it */
    }
    if (controller_link->fact_count == BATCH) {
        facts_send(controller_link, !controller_link->is_full);
    }
    facts_move(controller_link);
    controller_link->facts[controller_link->fact_count++] = *fact;
    if (!controller_link->is_full) {
        event_active(controller_link->flush, 0, 0);
    }
}

static void
on_report(void *context, const struct fact *fact)
{
    controller_link_fact(context, fact);
}

static void
full_send(struct controller_link *controller_link)
{
    controller_link->fact_count = 0;
    controller_link->is_full = true;
    learn_report(controller_link->learn, on_report, controller_link);
    facts_send(controller_link, true);
    controller_link->is_full = false;
}

static void
hello_send(struct controller_link *controller_link)
{
    struct wire_hello hello = {.epoch = desired_epoch(controller_link->desired),
                               .generation = desired_generation(controller_link->desired),
                               .mirror_source = controller_link->settings->mirror_source,
                               .wall_us = clock_wall_us(controller_link->clock),
                               .keeps_checkpoints = true,
                               .tells_sum = true,
                               .tells_held = true};
    snprintf(hello.name, sizeof(hello.name), "%s", controller_link->settings->name);
    snprintf(hello.version, sizeof(hello.version), "%s", CORDON_VERSION);
    snprintf(hello.boot_id, sizeof(hello.boot_id), "%s", controller_link->boot_id);
    snprintf(hello.run_id, sizeof(hello.run_id), "%s", controller_link->run_id);
    channel_send(controller_link->channel, WIRE_HELLO, &hello);
}

static void
on_open(void *context, struct channel *channel)
{
    struct controller_link *controller_link = context;
    controller_link->channel = channel;
    controller_link->sequence = 0;
    hello_send(controller_link);
    full_send(controller_link);
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct controller_link *controller_link = context;
    if (type == WIRE_RENEW) {
        identity_renew(controller_link->identity, controller_link->client, channel, message);
    } else if (type == WIRE_DESIRED) {
        controller_link->handler.on_desired(controller_link->handler.context, message);
    } else if (type == WIRE_READ_BACK) {
        const struct wire_read_back *read_back = message;
        if (read_back->asks_held) {
            controller_link->handler.on_ask_held(controller_link->handler.context,
                                                 read_back->request);
        } else if (read_back->sum_key[0] != '\0') {
            controller_link->handler.on_ask_sum(controller_link->handler.context,
                                                read_back->request, read_back->sum_key);
        } else {
            controller_link->handler.on_read_back(controller_link->handler.context,
                                                  read_back->request);
        }
    } else if (type == WIRE_CHECKPOINT) {
        controller_link->handler.on_checkpoint(controller_link->handler.context, message);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct controller_link *controller_link = context;
    (void)channel;
    log_warn("controller_link", "controller lost; blocks stay in force", LOG_S("why", why));
    controller_link->channel = NULL;
}

static void
boot_id_read(struct controller_link *controller_link)
{
    char *text;
    size_t size;
    if (file_read("/proc/sys/kernel/random/boot_id", 256, &text, &size) == 0) {
        text[strcspn(text, "\n")] = '\0';
        snprintf(controller_link->boot_id, sizeof(controller_link->boot_id), "%.60s", text);
        free(text);
    }
}

int
controller_link_new(struct event_base *base, const struct edge_settings *settings,
                    const struct clock *clock, const struct controller_link_handler *handler,
                    struct controller_link **controller_link, char why[256])
{
    struct controller_link *made = MEM_NEW(struct controller_link);
    const struct tls_files files = {
        .ca = settings->ca, .cert = settings->cert, .key = settings->key};
    const struct channel_handler channel_handler = {
        .on_message = on_message, .on_close = on_close, .context = made};
    made->settings = settings;
    made->clock = clock;
    made->handler = *handler;
    id_make(clock_wall_us(clock), made->run_id);
    boot_id_read(made);
    made->flush = event_new(base, -1, 0, on_flush, made);
    made->identity = identity_open(&files, "edge", settings->state_dir, why);
    int result = made->identity
                     ? tls_client_new(base, settings->server, &files, ROLE_EDGE, ROLE_DRIVER,
                                      &channel_handler, on_open, made, &made->client, why)
                     : -ENOENT;
    if (result) {
        identity_free(made->identity);
        event_free(made->flush);
        free(made);
        return result;
    }
    identity_use(made->identity, made->client);
    *controller_link = made;
    return 0;
}

void
controller_link_join(struct controller_link *controller_link, const struct desired *desired,
                     const struct learn *learn)
{
    controller_link->desired = desired;
    controller_link->learn = learn;
}

void
controller_link_free(struct controller_link *controller_link)
{
    if (controller_link) {
        tls_client_free(controller_link->client);
        identity_free(controller_link->identity);
        event_free(controller_link->flush);
        free(controller_link);
    }
}

bool
controller_link_observed(struct controller_link *controller_link,
                         const struct wire_observed *observed)
{
    return controller_link->channel &&
           channel_send(controller_link->channel, WIRE_OBSERVED, observed);
}

void
controller_link_stats(struct controller_link *controller_link, const struct wire_edge_stats *stats)
{
    if (controller_link->channel) {
        channel_send(controller_link->channel, WIRE_EDGE_STATS, stats);
    }
}

void
controller_link_checkpoints(struct controller_link *controller_link,
                            const struct wire_checkpoints *held)
{
    if (controller_link->channel) {
        channel_send(controller_link->channel, WIRE_CHECKPOINTS, held);
    }
}

bool
controller_link_is_connected(const struct controller_link *controller_link)
{
    return controller_link->channel != NULL;
}
