#include "sensor/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "bus/identity.h"
#include "bus/tls.h"
#include "wire/ack.h"
#include "wire/detection.h"
#include "wire/evidence.h"
#include "wire/hello.h"

#define SPOOL_DEFAULT_MIB 64
#define AGAIN_US (10 * INT64_C(1000000))
#define FLIGHT_MAX (16u << 20) /* bytes sent and not acknowledged: well under a channel's limit */

struct waiting {
    struct waiting *next;
    char id[NAME_SIZE];
    char *detection;   /* JSON, as in the spool */
    char *evidence;    /* NULL: none */
    int64_t offset_us; /* wall minus boot clock when it was found; 0: in another run */
    bool is_sent;
};

struct sender {
    const struct sensor_settings *settings;
    struct tls_client *client;
    struct identity *identity;
    struct channel *channel;
    struct waiting *first, *last;
    struct waiting *unsent; /* the first one; all behind it are unsent, too */
    size_t in_flight;       /* bytes */
    size_t count;
    int spool; /* -1: none */
    char path[PATH_MAX];
    size_t held; /* bytes of what waits, in memory and in the spool */
    size_t spool_size, spool_limit;
    bool is_dirty;
    uint64_t lost;
    char oldest[NAME_SIZE]; /* id of the first one that waits, and since when it is that (boot) */
    int64_t oldest_us;
    char run_id[ID_SIZE];
    size_t renamed, unreadable; /* lines of the spool that was found */
};

static int64_t
clock_offset_us(void)
{
    return clock_wall_us(clock_system()) - clock_boot_us(clock_system());
}

/* Its times by our clock as it is now: it may have been set since. */
static void
times_move(struct detection *detection, int64_t offset_us)
{
    int64_t by_us = offset_us ? clock_offset_us() - offset_us : 0;
    detection->sent_us = clock_wall_us(clock_system());
    if (by_us > CLOCK_AGREE_US || by_us < -CLOCK_AGREE_US) {
        detection->seen_us += by_us;
        detection->first_us += detection->first_us ? by_us : 0;
        detection->reported_us += detection->reported_us ? by_us : 0;
    }
}

/* Text of our own making goes out through the codec as every other message. */
static void
line_send(struct sender *sender, enum wire_type type, const char *line, int64_t offset_us)
{
    struct codec_error error;
    cJSON *json = line ? codec_parse(line, strlen(line)) : NULL;
    void *message = mem_new(1, wire_shape(type)->size);
    if (json && wire_decode(type, json, message, &error) == 0) {
        if (type == WIRE_DETECTION) {
            times_move(message, offset_us);
        }
        channel_send(sender->channel, type, message);
        wire_fini(type, message);
    }
    free(message);
    cJSON_Delete(json);
}

static size_t
waiting_size(const struct waiting *waiting)
{
    return strlen(waiting->detection) + 1 + (waiting->evidence ? strlen(waiting->evidence) + 1 : 0);
}

static void
sent(struct sender *sender, struct waiting *waiting)
{
    sender->unsent = waiting->next;
    sender->in_flight += waiting_size(waiting);
    waiting->is_sent = true;
}

/* The backlog goes out as it is acknowledged: all of it at once could be more than a channel takes,
 * and be cut off each time. */
static void
backlog_send(struct sender *sender)
{
    while (sender->channel && sender->unsent && sender->in_flight < FLIGHT_MAX) {
        struct waiting *waiting = sender->unsent;
        sent(sender, waiting);
        line_send(sender, WIRE_DETECTION, waiting->detection, waiting->offset_us);
        line_send(sender, WIRE_EVIDENCE, waiting->evidence, 0);
    }
}

static void
waiting_free(struct waiting *waiting)
{
    cJSON_free(waiting->detection);
    cJSON_free(waiting->evidence);
    free(waiting);
}

static void
waiting_add(struct sender *sender, struct waiting *waiting)
{
    *(sender->last ? &sender->last->next : &sender->first) = waiting;
    sender->last = waiting;
    sender->unsent = sender->unsent ? sender->unsent : waiting;
    sender->count++;
    sender->held += waiting_size(waiting);
}

static void
spool_complain(const char *what)
{
    log_error("sender", "the spool does not work: detections live in memory only",
              LOG_S("what", what), LOG_S("error", strerror(errno)));
}

static void
spool_append(struct sender *sender, const char *line)
{
    size_t size = line ? strlen(line) : 0;
    if (sender->spool < 0 || size == 0) {
        return;
    }
    char *whole = mem_new(size + 2, 1);
    memcpy(whole, line, size);
    whole[size] = '\n';
    if (write(sender->spool, whole, size + 1) != (ssize_t)(size + 1)) {
        spool_complain("write");
    }
    sender->spool_size += size + 1;
    sender->is_dirty = true;
    free(whole);
}

/* Lines of what is stored by now are given up: all at once when nothing waits any more, or by
 * writing the rest anew when they are most of the file. */
static void
spool_clear(struct sender *sender)
{
    bool is_mostly_old =
        sender->spool_size > sender->spool_limit / 4 && sender->held < sender->spool_size / 2;
    if (sender->spool < 0 || sender->spool_size == 0 || (sender->held > 0 && !is_mostly_old)) {
        return;
    }
    char *text = mem_new(sender->held + 1, 1);
    size_t used = 0;
    for (const struct waiting *waiting = sender->first; waiting; waiting = waiting->next) {
        const char *const lines[] = {waiting->detection, waiting->evidence};
        for (size_t i = 0; i < COUNT_OF(lines) && lines[i]; i++) {
            size_t size = strlen(lines[i]);
            memcpy(text + used, lines[i], size);
            text[used + size] = '\n';
            used += size + 1;
        }
    }
    if (used > 0 ? file_write_atomic(sender->path, text, used, 0600) == 0
                 : ftruncate(sender->spool, 0) == 0) {
        sender->spool_size = used;
    }
    free(text);
    if (used > 0) { /* another file bears the name now */
        close(sender->spool);
        sender->spool = open(sender->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
}

static void
acknowledge(struct sender *sender, const char *id)
{
    struct waiting *before = NULL;
    for (struct waiting *waiting = sender->first; waiting; waiting = waiting->next) {
        if (strcmp(waiting->id, id) == 0) {
            *(before ? &before->next : &sender->first) = waiting->next;
            sender->last = sender->last == waiting ? before : sender->last;
            sender->count--;
            sender->held -= waiting_size(waiting);
            sender->in_flight -= waiting->is_sent ? waiting_size(waiting) : 0;
            sender->unsent = sender->unsent == waiting ? waiting->next : sender->unsent;
            waiting_free(waiting);
            break;
        }
        before = waiting;
    }
    spool_clear(sender);
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct sender *sender = context;
    const struct wire_ack *ack = message;
    if (type == WIRE_RENEW) {
        identity_renew(sender->identity, sender->client, channel, message);
        return;
    }
    for (size_t i = 0; type == WIRE_ACK && i < ack->id_count; i++) {
        acknowledge(context, ack->ids[i]);
    }
    backlog_send(context);
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct sender *sender = context;
    (void)channel;
    log_warn("sender", "cordond lost; detections are kept", LOG_S("why", why));
    sender->channel = NULL;
}

/* From the first one on; cordond knows by its id what it has already. */
static void
send_all_again(struct sender *sender)
{
    for (struct waiting *waiting = sender->first; waiting; waiting = waiting->next) {
        waiting->is_sent = false;
    }
    sender->unsent = sender->first;
    sender->in_flight = 0;
    sender->oldest_us = 0;
    backlog_send(sender);
}

static void
on_open(void *context, struct channel *channel)
{
    struct sender *sender = context;
    struct wire_hello hello = {.wall_us = clock_wall_us(clock_system())};
    sender->channel = channel;
    snprintf(hello.name, sizeof(hello.name), "%s", sender->settings->name);
    snprintf(hello.version, sizeof(hello.version), "%s", CORDON_VERSION);
    snprintf(hello.run_id, sizeof(hello.run_id), "%s", sender->run_id);
    channel_send(channel, WIRE_HELLO, &hello);
    send_all_again(sender);
}

static char *message_text(enum wire_type type, const void *message);

/* Evidence belongs to the detection before it; where that was lost, so is this. */
static void
spool_evidence(struct sender *sender, const cJSON *json)
{
    struct evidence evidence;
    struct codec_error error;
    if (wire_decode(WIRE_EVIDENCE, json, &evidence, &error)) {
        return;
    }
    struct waiting *last = sender->last;
    if (last && !last->evidence && strcmp(last->id, evidence.detection_id) == 0) {
        last->evidence = cJSON_PrintUnformatted(json);
        sender->held += strlen(last->evidence) + 1;
    }
    wire_fini(WIRE_EVIDENCE, &evidence);
}

/* A sensor may report as itself only: what it found before it was renamed bears its new name, or
 * cordond would refuse it, and what waits behind it, for ever. */
static void
spool_detection(struct sender *sender, const cJSON *json)
{
    struct detection detection;
    struct codec_error error;
    const char *name = sender->settings->name;
    if (wire_decode(WIRE_DETECTION, json, &detection, &error)) {
        sender->unreadable++;
        return;
    }
    if (sender->count == SENDER_DETECTIONS_MAX) {
        sender->lost++;
        wire_fini(WIRE_DETECTION, &detection);
        return;
    }
    struct waiting *waiting = MEM_NEW(struct waiting);
    snprintf(waiting->id, sizeof(waiting->id), "%s", detection.id);
    if (strcmp(detection.sensor, name) != 0) {
        snprintf(detection.sensor, sizeof(detection.sensor), "%s", name);
        sender->renamed++;
    }
    waiting->detection = message_text(WIRE_DETECTION, &detection);
    wire_fini(WIRE_DETECTION, &detection);
    waiting_add(sender, waiting);
}

/* A line of the spool: a detection, or the evidence of the one before. */
static void
spool_line(struct sender *sender, const char *line, size_t size)
{
    enum wire_type type;
    cJSON *json = codec_parse(line, size);
    bool is_message = json && wire_type_of(json, &type);
    if (is_message && type == WIRE_EVIDENCE) {
        spool_evidence(sender, json);
    } else if (is_message && type == WIRE_DETECTION) {
        spool_detection(sender, json);
    } else {
        sender->unreadable++;
    }
    cJSON_Delete(json);
}

static void
spool_tell(const struct sender *sender)
{
    if (sender->count > 0) {
        log_info("sender", "detections wait in the spool", LOG_I("count", sender->count));
    }
    if (sender->renamed > 0) {
        log_warn("sender", "this sensor had another name when it found them: they bear its new one",
                 LOG_I("count", sender->renamed), LOG_S("name", sender->settings->name));
    }
    if (sender->unreadable > 0) {
        log_error("sender", "lines of the spool cannot be read: they are passed over",
                  LOG_S("spool", sender->path), LOG_I("count", sender->unreadable));
    }
}

static void
spool_open(struct sender *sender)
{
    char *text;
    size_t size;
    const char *dir = sender->settings->spool_dir;
    if (!dir[0]) {
        return;
    }
    snprintf(sender->path, sizeof(sender->path), "%s/spool.jsonl", dir);
    bool is_read = file_make_dirs(dir, 0700) == 0 &&
                   file_read(sender->path, 512u * 1024 * 1024, &text, &size) == 0;
    if (is_read) {
        char *at = text, *end = text + size;
        for (char *stop = memchr(at, '\n', (size_t)(end - at)); stop;
             stop = memchr(at, '\n', (size_t)(end - at))) {
            spool_line(sender, at, (size_t)(stop - at));
            at = stop + 1;
        }
        sender->spool_size = (size_t)(at - text);
        free(text);
    }
    sender->spool = open(sender->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    /* a line that a crash cut short would spoil the one behind it */
    if (sender->spool < 0 || (is_read && ftruncate(sender->spool, (off_t)sender->spool_size) < 0)) {
        spool_complain(sender->path);
    }
    spool_tell(sender);
}

int
sender_new(struct event_base *base, const struct sensor_settings *settings, struct sender **sender,
           char why[256])
{
    if (settings->server[0] && !settings->spool_dir[0]) {
        snprintf(why, 256,
                 "spool_dir is needed with server: what was found is kept there until "
                 "cordond has stored it, and the certificate that it is renewed to");
        return -EINVAL;
    }
    struct sender *made = MEM_NEW(struct sender);
    const struct tls_files files = {
        .ca = settings->ca, .cert = settings->cert, .key = settings->key};
    const struct channel_handler handler = {
        .on_message = on_message, .on_close = on_close, .context = made};
    made->settings = settings;
    made->spool = -1;
    made->spool_limit =
        (size_t)(settings->spool_mib ? settings->spool_mib : SPOOL_DEFAULT_MIB) * 1024 * 1024;
    id_make(clock_wall_us(clock_system()), made->run_id);
    if (settings->spool_dir[0]) {
        file_clear_unfinished(settings->spool_dir);
    }
    spool_open(made);
    int result = 0;
    if (settings->server[0]) {
        made->identity = identity_open(&files, "sensor", settings->spool_dir, why);
        result = made->identity
                     ? tls_client_new(base, settings->server, &files, ROLE_SENSOR, ROLE_INTAKE,
                                      &handler, on_open, made, &made->client, why)
                     : -ENOENT;
    }
    if (result) {
        sender_free(made);
        return result;
    }
    if (made->client) {
        identity_use(made->identity, made->client);
    }
    *sender = made;
    return 0;
}

void
sender_free(struct sender *sender)
{
    if (!sender) {
        return;
    }
    tls_client_free(sender->client);
    identity_free(sender->identity);
    while (sender->first) {
        struct waiting *waiting = sender->first;
        sender->first = waiting->next;
        waiting_free(waiting);
    }
    if (sender->spool >= 0) {
        close(sender->spool);
    }
    free(sender);
}

static char *
message_text(enum wire_type type, const void *message)
{
    cJSON *json = wire_encode(type, message);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

void
sender_put(struct sender *sender, const struct detection *detection, const uint8_t *pcap,
           size_t pcap_size)
{
    if (!sender->settings->server[0]) {
        return;
    }
    if (sender->count >= SENDER_DETECTIONS_MAX || sender->held > sender->spool_limit) {
        sender->lost++;
        return;
    }
    struct waiting *waiting = MEM_NEW(struct waiting);
    snprintf(waiting->id, sizeof(waiting->id), "%s", detection->id);
    waiting->detection = message_text(WIRE_DETECTION, detection);
    waiting->offset_us = clock_offset_us();
    if (pcap && pcap_size <= EVIDENCE_SIZE_MAX) {
        struct evidence evidence = {.pcap = (uint8_t *)(uintptr_t)pcap, .size = pcap_size};
        snprintf(evidence.detection_id, sizeof(evidence.detection_id), "%s", detection->id);
        waiting->evidence = message_text(WIRE_EVIDENCE, &evidence);
    }
    waiting_add(sender, waiting);
    if (sender->channel && sender->unsent == waiting && sender->in_flight < FLIGHT_MAX) {
        struct detection stamped = *detection;
        times_move(&stamped, 0);
        sent(sender, waiting); /* the usual case, without the way through the text */
        channel_send(sender->channel, WIRE_DETECTION, &stamped);
        line_send(sender, WIRE_EVIDENCE, waiting->evidence, 0);
    }
    spool_append(sender, waiting->detection);
    spool_append(sender, waiting->evidence);
}

void
sender_stats(struct sender *sender, const struct wire_sensor_stats *stats)
{
    if (sender->channel) {
        channel_send(sender->channel, WIRE_SENSOR_STATS, stats);
    }
}

void
sender_tick(struct sender *sender, int64_t boot_us)
{
    if (sender->is_dirty && sender->spool >= 0) {
        if (fdatasync(sender->spool) < 0) {
            spool_complain("fdatasync");
        }
        sender->is_dirty = false;
    }
    /* cordond may have had no room for it, or no disk: it says nothing then */
    const struct waiting *first = sender->first;
    if (!first || sender->oldest_us == 0 || strcmp(first->id, sender->oldest) != 0) {
        snprintf(sender->oldest, sizeof(sender->oldest), "%s", first ? first->id : "");
        sender->oldest_us = boot_us;
    } else if (sender->channel && boot_us - sender->oldest_us >= AGAIN_US) {
        send_all_again(sender);
    }
}

size_t
sender_waiting(const struct sender *sender)
{
    return sender->count;
}

uint64_t
sender_lost(const struct sender *sender)
{
    return sender->lost;
}
