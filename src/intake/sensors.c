#include "intake/sensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/ack.h"
#include "wire/evidence.h"
#include "wire/hello.h"
#include "wire/sensor_stats.h"

#define SENSORS_MAX 128

/* Kept after a disconnect: its counters and its place in lists stay. */
struct sensor {
    char name[NAME_SIZE];
    struct channel *channel; /* NULL: not connected */
    struct sensors *sensors;
    uint64_t received, accepted, refused, duplicates;
    int64_t last_us;
    struct clock_skew skew; /* of this connection */
};

struct sensors {
    struct tls_server *server;
    struct gate *gate; /* borrowed; NULL: whoever has a certificate (tests) */
    struct deliveries *deliveries;
    struct channel *core;
    struct sensor *sensor[SENSORS_MAX];
    size_t count;
};

static struct sensor *
sensor_find(struct sensors *sensors, const char *name)
{
    for (size_t i = 0; i < sensors->count; i++) {
        if (strcmp(sensors->sensor[i]->name, name) == 0) {
            return sensors->sensor[i];
        }
    }
    if (sensors->count == SENSORS_MAX) {
        return NULL;
    }
    struct sensor *sensor = MEM_NEW(struct sensor);
    snprintf(sensor->name, sizeof(sensor->name), "%s", name);
    sensor->sensors = sensors;
    sensors->sensor[sensors->count++] = sensor;
    return sensor;
}

static void
ack_send(struct sensor *sensor, const char *id)
{
    struct wire_ack ack = {.id_count = 1};
    snprintf(ack.ids[0], sizeof(ack.ids[0]), "%s", id);
    if (sensor->channel) {
        channel_send(sensor->channel, WIRE_ACK, &ack);
    }
}

static void
on_stored(void *owner, const char *id, uint64_t cookie)
{
    (void)cookie;
    ack_send(owner, id);
}

/* A sensor can only report as itself.  What does not fit is not acknowledged: it will come again.
 */
static bool
is_its_own(struct sensor *sensor, const char *name)
{
    struct gate *gate = sensor->sensors->gate;
    if (strcmp(name, sensor->name) == 0) {
        return true;
    }
    sensor->refused++;
    if (gate && sensor->channel) {
        gate_complain(gate, sensor->channel, REFUSAL_CLAIM, "it reported as another sensor");
    }
    return false;
}

/* Its times by our clock: who held an address then is looked up by it. */
static void
times_translate(const struct clock_skew *skew, struct detection *detection, int64_t now_us)
{
    int64_t sent_us = detection->sent_us;
    detection->seen_us =
        clock_skew_translate_us(skew, detection->seen_us, sent_us, now_us, &detection->unsure_us);
    detection->first_us = clock_translate_us(detection->first_us, sent_us, now_us);
    detection->reported_us = clock_translate_us(detection->reported_us, sent_us, now_us);
    detection->sent_us = 0;
}

static void
detection_take(struct sensor *sensor, const struct detection *received)
{
    struct detection detection = *received;
    if (!is_its_own(sensor, received->sensor)) {
        return;
    }
    snprintf(detection.sensor, sizeof(detection.sensor), "%s", sensor->name);
    snprintf(detection.maker, sizeof(detection.maker), "cordon");
    detection.strength = STRENGTH_UNRATED; /* rated by policy, from the evidence */
    sensor->received++;
    sensor->last_us = clock_wall_us(clock_system());
    clock_skew_note(&sensor->skew, detection.sent_us, sensor->last_us);
    times_translate(&sensor->skew, &detection, sensor->last_us);
    struct deliveries *deliveries = sensor->sensors->deliveries;
    switch (deliveries_is_full(deliveries)
                ? DELIVERY_FULL /* also one on its way already: it comes again */
                : deliveries_put(deliveries, &detection, on_stored, sensor, 0)) {
    case DELIVERY_SENT:
        sensor->accepted++;
        break;
    case DELIVERY_DUPLICATE:
        sensor->duplicates++;
        break;
    case DELIVERY_FULL:
        sensor->refused++;
        break;
    }
}

static void
pass_on(struct sensor *sensor, enum wire_type type, const void *message)
{
    if (sensor->sensors->core) {
        channel_send(sensor->sensors->core, type, message);
    }
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct sensor *sensor = context;
    if (type == WIRE_DETECTION) {
        detection_take(sensor, message);
    } else if (type == WIRE_SENSOR_STATS) {
        struct wire_sensor_stats stats = *(const struct wire_sensor_stats *)message;
        if (!is_its_own(sensor, stats.sensor)) {
            return;
        }
        snprintf(stats.sensor, sizeof(stats.sensor), "%s", sensor->name);
        pass_on(sensor, type, &stats);
    } else if (type == WIRE_HELLO) {
        const struct wire_hello *hello = message;
        if (strcmp(hello->name, sensor->name) != 0) {
            (void)is_its_own(sensor, hello->name);
            channel_close(channel, "its name is not its certificate's");
            return;
        }
        sensor->skew = (struct clock_skew){.since_us = 0};
        clock_skew_note(&sensor->skew, hello->wall_us, clock_wall_us(clock_system()));
        pass_on(sensor, type, message);
    } else if (type == WIRE_REQUEST) {
        if (sensor->sensors->gate) {
            gate_request(sensor->sensors->gate, channel, message);
        }
    } else {
        pass_on(sensor, type, message);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct sensor *sensor = context;
    log_warn("intake", "sensor disconnected", LOG_S("sensor", sensor->name), LOG_S("why", why));
    if (sensor->sensors->gate) {
        gate_gone(sensor->sensors->gate, channel, why);
    }
    if (sensor->channel == channel) {
        sensor->channel = NULL;
    }
}

static bool
on_peer(void *context, const char *name, struct channel_handler *handler, void **tag)
{
    struct sensor *sensor = sensor_find(context, name);
    *tag = sensor;
    *handler =
        (struct channel_handler){.on_message = on_message, .on_close = on_close, .context = sensor};
    return sensor != NULL;
}

static void
on_open(void *context, struct channel *channel)
{
    struct sensors *sensors = context;
    struct sensor *sensor = channel_tag(channel);
    if (sensors->gate) {
        gate_came(sensors->gate, tls_server_peer(sensors->server), channel);
    }
    if (sensor->channel) {
        channel_close(sensor->channel, "the same sensor connected again");
    }
    sensor->channel = channel;
    log_info("intake", "sensor connected", LOG_S("sensor", sensor->name));
}

int
sensors_new(struct event_base *base, const char *address, const struct tls_files *files,
            struct deliveries *deliveries, struct sensors **sensors, char why[256])
{
    struct sensors *made = MEM_NEW(struct sensors);
    made->deliveries = deliveries;
    int result = tls_server_new(base, address, files, ROLE_INTAKE, ROLE_SENSOR, on_peer, on_open,
                                made, &made->server, why);
    if (result) {
        free(made);
        return result;
    }
    *sensors = made;
    return 0;
}

void
sensors_free(struct sensors *sensors)
{
    if (!sensors) {
        return;
    }
    tls_server_free(sensors->server);
    for (size_t i = 0; i < sensors->count; i++) {
        deliveries_forget(sensors->deliveries, sensors->sensor[i]);
        if (sensors->sensor[i]->channel) {
            channel_drop(sensors->sensor[i]->channel);
        }
        free(sensors->sensor[i]);
    }
    free(sensors);
}

struct tls_server *
sensors_server(struct sensors *sensors)
{
    return sensors->server;
}

void
sensors_set_gate(struct sensors *sensors, struct gate *gate)
{
    sensors->gate = gate;
}

void
sensors_set_core(struct sensors *sensors, struct channel *core)
{
    sensors->core = core;
}

size_t
sensors_stats(const struct sensors *sensors, struct wire_source *stats, size_t room)
{
    size_t count = sensors->count < room ? sensors->count : room;
    for (size_t i = 0; i < count; i++) {
        const struct sensor *sensor = sensors->sensor[i];
        stats[i] = (struct wire_source){.received = sensor->received,
                                        .accepted = sensor->accepted,
                                        .refused = sensor->refused,
                                        .duplicates = sensor->duplicates,
                                        .last_us = sensor->last_us};
        snprintf(stats[i].name, sizeof(stats[i].name), "%s", sensor->name);
        snprintf(stats[i].kind, sizeof(stats[i].kind), "cordon");
        snprintf(stats[i].state, sizeof(stats[i].state), "%s",
                 sensor->channel ? "connected" : "disconnected");
        snprintf(stats[i].problem, sizeof(stats[i].problem), "%s",
                 sensor->channel ? "" : "the sensor is not connected");
    }
    return count;
}
