/* The intake role: reads other makers' bytes and our sensors' messages, and passes checked
 * detections to core.  It holds no credentials but the TLS server's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cordond/role.h"
#include "intake/deliveries.h"
#include "intake/sensors.h"
#include "intake/source.h"
#include "wire/ack.h"

#define TICK_S 1
#define STATS_TICKS 2

struct intake {
    struct role *role;
    struct deliveries *deliveries;
    struct sensors *sensors;
    struct gate *gate;
    struct source **sources;
    size_t source_count;
    struct channel *core;
    struct event *timer;
    unsigned ticks;
    size_t next; /* the source that may read on first, in turn */
};

static void
stats_send(struct intake *intake)
{
    if (!intake->core) {
        return;
    }
    struct wire_source *stats = mem_new(SOURCES_MAX, sizeof(*stats));
    size_t count = sensors_stats(intake->sensors, stats, SOURCES_MAX - intake->source_count);
    for (size_t i = 0; i < intake->source_count; i++) {
        stats[count++] = intake->sources[i]->stats; /* refusals stay the source's */
    }
    const struct wire_source_stats message = {.sources = stats, .source_count = count};
    channel_send(intake->core, WIRE_SOURCE_STATS, &message);
    free(stats);
}

static void
on_tick(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct intake *intake = argument;
    for (size_t i = 0; i < intake->source_count; i++) {
        source_tick(intake->sources[i]);
    }
    deliveries_tick(intake->deliveries, clock_boot_us(clock_system()));
    if (++intake->ticks % STATS_TICKS == 0) {
        stats_send(intake);
    }
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    (void)channel;
    struct intake *intake = context;
    const struct wire_ack *ack = message;
    if (type == WIRE_PEERS) {
        gate_take(intake->gate, message);
    } else if (type == WIRE_RENEW) {
        gate_renew(intake->gate, message);
    }
    if (type != WIRE_ACK) {
        return;
    }
    for (size_t i = 0; i < ack->id_count; i++) {
        deliveries_ack(intake->deliveries, ack->ids[i]);
    }
    for (size_t i = 0; i < intake->source_count; i++) {
        source_resume(intake->sources[(intake->next + i) % intake->source_count]);
    }
    intake->next = intake->source_count > 0 ? (intake->next + 1) % intake->source_count : 0;
}

static void
core_set(struct intake *intake, struct channel *core)
{
    intake->core = core;
    gate_set_core(intake->gate, core);
    sensors_set_core(intake->sensors, core);
    deliveries_set_core(intake->deliveries, core);
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct intake *intake = context;
    if (intake->core == channel) {
        log_warn("intake", "core is away, detections are kept", LOG_S("why", why));
        core_set(intake, NULL);
    }
}

static void
on_peer(void *context, struct channel *channel, enum wire_role peer)
{
    if (peer == ROLE_CORE) {
        core_set(context, channel);
    }
}

static void
sources_open(struct intake *intake)
{
    const struct config *config = intake->role->config;
    intake->sources = mem_new(config->source_count, sizeof(intake->sources[0]));
    for (size_t i = 0; i < config->source_count; i++) {
        intake->sources[i] =
            source_new(config, i, intake->role->errands, intake->role->base, intake->deliveries);
    }
    intake->source_count = config->source_count;
}

static void
intake_close(struct intake *intake)
{
    for (size_t i = 0; i < intake->source_count; i++) {
        source_free(intake->sources[i]);
    }
    free(intake->sources);
    sensors_free(intake->sensors);
    gate_free(intake->gate);
    if (intake->core) {
        channel_drop(intake->core);
    }
    deliveries_free(intake->deliveries);
    event_free(intake->timer);
}

int
intake_role_run(struct role *role)
{
    struct intake intake = {.role = role, .deliveries = deliveries_new()};
    struct role_files paths;
    char why[256];
    role_tls_files(role->config, &paths);
    const struct tls_files files = {.ca = paths.ca,
                                    .cert = paths.cert,
                                    .key = paths.key,
                                    .master = role->config->secret_key_file};
    if (sensors_new(role->base, role->config->sensor_listen, &files, intake.deliveries,
                    &intake.sensors, why)) {
        log_error("intake", "cannot serve sensors", LOG_S("why", why));
        deliveries_free(intake.deliveries);
        return 1;
    }
    intake.gate = gate_new(sensors_server(intake.sensors), DEVICE_SENSOR, clock_system());
    sensors_set_gate(intake.sensors, intake.gate);
    if (role_lock_in(role)) {
        sensors_free(intake.sensors);
        gate_free(intake.gate);
        deliveries_free(intake.deliveries);
        return 1;
    }
    sources_open(&intake); /* what they need is opened for them: errand.h */
    const struct timeval second = {.tv_sec = TICK_S};
    intake.timer = event_new(role->base, -1, EV_PERSIST, on_tick, &intake);
    event_add(intake.timer, &second);
    role->handler = (struct channel_handler){
        .on_message = on_message, .on_close = on_close, .context = &intake};
    role->on_peer = on_peer;
    role->context = &intake;
    int result = role_run(role);
    intake_close(&intake);
    return result ? 1 : 0;
}
