#include "intake/source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "intake/syslog.h"

#define FIRST_BYTES 48 /* of a refused line, for the log */

struct source *
source_new(const struct config *config, size_t index, int errands, struct event_base *base,
           struct deliveries *deliveries)
{
    static const struct source_kind_ops *const ops[SOURCE_KIND_COUNT] = {
        [SOURCE_EVE_SOCKET] = &source_stream_ops,
        [SOURCE_SYSLOG_TCP] = &source_stream_ops,
        [SOURCE_SYSLOG_TLS] = &source_stream_ops,
        [SOURCE_SYSLOG_UDP] = &source_udp_ops,
        [SOURCE_EVE_FILE] = &source_file_ops};
    struct source *source = MEM_NEW(struct source);
    const struct config_source *own = &config->sources[index];
    source->ops = ops[own->kind];
    source->whole = config;
    source->config = own;
    source->index = index;
    source->errands = errands;
    source->base = base;
    source->deliveries = deliveries;
    source->line_source = (struct line_source){.name = own->name,
                                               .strength = own->strength,
                                               .confidence = own->confidence,
                                               .adjacent = own->adjacent};
    source->ids = line_ids_new(own->name);
    source->log_limit = (struct log_limit){.period_us = 10000000, .burst = 5};
    source->stats.refusals = mem_new(REFUSALS_MAX, sizeof(source->stats.refusals[0]));
    snprintf(source->stats.name, sizeof(source->stats.name), "%s", own->name);
    snprintf(source->stats.kind, sizeof(source->stats.kind), "%s", source_kind_names[own->kind]);
    size_t share = DELIVERIES_KEPT_MAX / config->source_count;
    source->own_places = share < SOURCE_OUTSTANDING_OWN ? share : SOURCE_OUTSTANDING_OWN;
    deliveries_keep(deliveries, (int)source->own_places);
    source->is_started = source->ops->start(source) == 0;
    return source;
}

void
source_free(struct source *source)
{
    if (source) {
        source->ops->stop(source);
        deliveries_forget(source->deliveries, source);
        if (source->outstanding < source->own_places) {
            deliveries_keep(source->deliveries, -(int)(source->own_places - source->outstanding));
        }
        line_ids_free(source->ids);
        free(source->stats.refusals);
        free(source);
    }
}

int
source_open(const struct source *source, enum errand errand)
{
    return errand_ask(source->errands, source->whole, errand, source->index, -1);
}

void
source_set_state(struct source *source, const char *state, const char *problem)
{
    if (problem[0] && strcmp(source->stats.problem, problem) != 0) {
        log_warn("intake", "source has a problem", LOG_S("source", source->config->name),
                 LOG_S("problem", problem));
    }
    snprintf(source->stats.state, sizeof(source->stats.state), "%s", state);
    snprintf(source->stats.problem, sizeof(source->stats.problem), "%s", problem);
}

void
source_tick(struct source *source)
{
    if (!source->is_started) {
        source->is_started = source->ops->start(source) == 0;
    } else if (source->ops->tick) {
        source->ops->tick(source);
    }
}

static bool
has_room(const struct source *source)
{
    size_t most =
        source->config->kind == SOURCE_SYSLOG_UDP ? SOURCE_OUTSTANDING_UDP : SOURCE_OUTSTANDING_MAX;
    if (source->outstanding < source->own_places) {
        return !deliveries_is_spent(source->deliveries);
    }
    return source->outstanding < most && !deliveries_is_full_for_others(source->deliveries);
}

static void
place_taken(struct source *source)
{
    if (source->outstanding++ < source->own_places) {
        deliveries_keep(source->deliveries, -1);
    }
}

static void
place_given(struct source *source)
{
    if (--source->outstanding < source->own_places) {
        deliveries_keep(source->deliveries, 1);
    }
}

void
source_resume(struct source *source)
{
    if (source->is_paused && has_room(source)) {
        source->is_paused = false;
        source->ops->resume(source);
    }
}

/* Counted by reason; the last place takes all reasons that found no other. */
static void
refusal_count(struct source *source, const char *why)
{
    struct wire_refusal *refusals = source->stats.refusals;
    size_t i = 0;
    while (i < source->stats.refusal_count && strcmp(refusals[i].why, why) != 0) {
        i++;
    }
    if (i == REFUSALS_MAX) {
        i = REFUSALS_MAX - 1;
        snprintf(refusals[i].why, sizeof(refusals[i].why), "other reasons");
    } else if (i == source->stats.refusal_count) {
        snprintf(refusals[i].why, sizeof(refusals[i].why), "%s", why);
        source->stats.refusal_count++;
    }
    refusals[i].count++;
}

void
source_refuse(struct source *source, const char *why, const char *line, size_t size)
{
    uint64_t swallowed;
    source->stats.refused++;
    refusal_count(source, why);
    if (!log_limit_pass(&source->log_limit, clock_boot_us(clock_system()), &swallowed)) {
        return;
    }
    char first[FIRST_BYTES + 1];
    size_t shown = size < FIRST_BYTES ? size : FIRST_BYTES;
    for (size_t i = 0; i < shown; i++) {
        first[i] = isprint((unsigned char)line[i]) ? line[i] : '.';
    }
    first[shown] = '\0';
    log_warn("intake", "line refused", LOG_S("source", source->config->name), LOG_S("why", why),
             LOG_S("first_bytes", first), LOG_I("bytes", size), LOG_I("not_logged", swallowed));
}

static void
on_stored(void *owner, const char *id, uint64_t cookie)
{
    struct source *source = owner;
    (void)id;
    (void)cookie; /* positions look at the oldest outstanding one (deliveries_oldest) */
    place_given(source);
}

enum line_fate
source_line(struct source *source, const char *line, size_t size, uint64_t cookie)
{
    bool is_syslog = source->config->kind >= SOURCE_SYSLOG_UDP;
    bool is_eve = !is_syslog || source->config->format == SOURCE_FORMAT_EVE;
    const char *content = line;
    size_t content_size = size;
    char why[NAME_SIZE] = "nothing that we read in the message";
    uint8_t id[LINE_ID_SIZE];
    if (is_syslog) {
        syslog_content(line, size, &content, &content_size);
    }
    /* Before it is read at all: senders that resend do so by the thousand. */
    bool has_id = content_size > 0 && content_size <= LINE_MAX_SIZE && source->ids &&
                  line_id(source->ids, content, content_size, id);
    bool is_known = has_id && deliveries_has(source->deliveries, id);
    if (!is_known && !has_room(source)) {
        return LINE_NO_ROOM;
    }
    source->stats.received++;
    source->stats.last_us = clock_wall_us(clock_system());
    if (is_known) {
        source->stats.duplicates++;
        return LINE_TAKEN;
    }
    struct line_source of = source->line_source;
    of.id = has_id ? id : NULL;
    struct detection detection;
    enum line_result result = content_size == 0
                                  ? LINE_REFUSED
                                  : line_parse(is_eve ? LINE_EVE : LINE_CEF, content, content_size,
                                               &of, source->stats.last_us, &detection, why);
    if (result == LINE_IGNORED) {
        source->stats.ignored++;
    } else if (result == LINE_REFUSED) {
        source_refuse(source, why, line, size);
    } else if (deliveries_put(source->deliveries, &detection, on_stored, source, cookie) ==
               DELIVERY_DUPLICATE) {
        source->stats.duplicates++;
    } else {
        place_taken(source); /* there is room: it was looked at before */
        source->stats.accepted++;
    }
    return LINE_TAKEN;
}
