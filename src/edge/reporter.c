#include "edge/reporter.h"

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

struct reporter {
    const struct edge_settings *settings;
    const struct clock *clock;
    const struct desired *desired;
    const struct learn *learn;
    struct reporter_handler handler;
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
facts_move(struct reporter *reporter)
{
    int64_t offset_us = clock_wall_us(reporter->clock) - clock_boot_us(reporter->clock);
    int64_t by_us = offset_us - reporter->offset_us;
    if (by_us < CLOCK_AGREE_US && by_us > -CLOCK_AGREE_US) {
        return;
    }
    for (size_t i = 0; i < reporter->fact_count; i++) {
        reporter->facts[i].seen_us += by_us;
    }
    reporter->offset_us = offset_us;
}

static void
facts_send(struct reporter *reporter, bool is_last)
{
    facts_move(reporter);
    struct wire_facts message = {.sequence = ++reporter->sequence,
                                 .is_full = reporter->is_full,
                                 .is_last = is_last,
                                 .wall_us = clock_wall_us(reporter->clock),
                                 .facts = reporter->facts,
                                 .fact_count = reporter->fact_count};
    snprintf(message.switch_name, sizeof(message.switch_name), "%s", reporter->settings->name);
    channel_send(reporter->channel, WIRE_FACTS, &message);
    reporter->fact_count = 0;
}

static void
on_flush(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct reporter *reporter = argument;
    if (reporter->channel && reporter->fact_count > 0) {
        facts_send(reporter, true);
    }
}

void
reporter_fact(struct reporter *reporter, const struct fact *fact)
{
    if (!reporter->channel) {
        return; /* the full report will have it */
    }
    if (reporter->fact_count == BATCH) {
        facts_send(reporter, !reporter->is_full);
    }
    facts_move(reporter);
    reporter->facts[reporter->fact_count++] = *fact;
    if (!reporter->is_full) {
        event_active(reporter->flush, 0, 0);
    }
}

static void
on_report(void *context, const struct fact *fact)
{
    reporter_fact(context, fact);
}

static void
full_send(struct reporter *reporter)
{
    reporter->fact_count = 0;
    reporter->is_full = true;
    learn_report(reporter->learn, on_report, reporter);
    facts_send(reporter, true);
    reporter->is_full = false;
}

static void
hello_send(struct reporter *reporter)
{
    struct wire_hello hello = {.epoch = desired_epoch(reporter->desired),
                               .generation = desired_generation(reporter->desired),
                               .mirror_source = reporter->settings->mirror_source,
                               .wall_us = clock_wall_us(reporter->clock),
                               .keeps_checkpoints = true,
                               .tells_sum = true,
                               .tells_held = true};
    snprintf(hello.name, sizeof(hello.name), "%s", reporter->settings->name);
    snprintf(hello.version, sizeof(hello.version), "%s", CORDON_VERSION);
    snprintf(hello.boot_id, sizeof(hello.boot_id), "%s", reporter->boot_id);
    snprintf(hello.run_id, sizeof(hello.run_id), "%s", reporter->run_id);
    channel_send(reporter->channel, WIRE_HELLO, &hello);
}

static void
on_open(void *context, struct channel *channel)
{
    struct reporter *reporter = context;
    reporter->channel = channel;
    reporter->sequence = 0;
    hello_send(reporter);
    full_send(reporter);
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct reporter *reporter = context;
    if (type == WIRE_RENEW) {
        identity_renew(reporter->identity, reporter->client, channel, message);
    } else if (type == WIRE_DESIRED) {
        reporter->handler.on_desired(reporter->handler.context, message);
    } else if (type == WIRE_READ_BACK) {
        const struct wire_read_back *read_back = message;
        if (read_back->asks_held) {
            reporter->handler.on_ask_held(reporter->handler.context, read_back->request);
        } else if (read_back->sum_key[0] != '\0') {
            reporter->handler.on_ask_sum(reporter->handler.context, read_back->request,
                                         read_back->sum_key);
        } else {
            reporter->handler.on_read_back(reporter->handler.context, read_back->request);
        }
    } else if (type == WIRE_CHECKPOINT) {
        reporter->handler.on_checkpoint(reporter->handler.context, message);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct reporter *reporter = context;
    (void)channel;
    log_warn("reporter", "controller lost; blocks stay in force", LOG_S("why", why));
    reporter->channel = NULL;
}

static void
boot_id_read(struct reporter *reporter)
{
    char *text;
    size_t size;
    if (file_read("/proc/sys/kernel/random/boot_id", 256, &text, &size) == 0) {
        text[strcspn(text, "\n")] = '\0';
        snprintf(reporter->boot_id, sizeof(reporter->boot_id), "%.60s", text);
        free(text);
    }
}

int
reporter_new(struct event_base *base, const struct edge_settings *settings,
             const struct clock *clock, const struct reporter_handler *handler,
             struct reporter **reporter, char why[256])
{
    struct reporter *made = MEM_NEW(struct reporter);
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
    *reporter = made;
    return 0;
}

void
reporter_join(struct reporter *reporter, const struct desired *desired, const struct learn *learn)
{
    reporter->desired = desired;
    reporter->learn = learn;
}

void
reporter_free(struct reporter *reporter)
{
    if (reporter) {
        tls_client_free(reporter->client);
        identity_free(reporter->identity);
        event_free(reporter->flush);
        free(reporter);
    }
}

bool
reporter_observed(struct reporter *reporter, const struct wire_observed *observed)
{
    return reporter->channel && channel_send(reporter->channel, WIRE_OBSERVED, observed);
}

void
reporter_stats(struct reporter *reporter, const struct wire_edge_stats *stats)
{
    if (reporter->channel) {
        channel_send(reporter->channel, WIRE_EDGE_STATS, stats);
    }
}

void
reporter_checkpoints(struct reporter *reporter, const struct wire_checkpoints *held)
{
    if (reporter->channel) {
        channel_send(reporter->channel, WIRE_CHECKPOINTS, held);
    }
}

bool
reporter_is_connected(const struct reporter *reporter)
{
    return reporter->channel != NULL;
}
