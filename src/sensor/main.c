/* cordon-sensor: mirrored traffic -> detections. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "bus/enrol.h"
#include "sensor/capture.h"
#include "sensor/eve.h"
#include "sensor/pipeline.h"
#include "sensor/sender.h"
#include "sensor/settings.h"

#define CONFIG_DEFAULT "/etc/cordon/sensor.yaml"
#define STATS_TICKS 10
#define LISTS_TICKS 2
#define REPEAT_US (10 * 1000000LL) /* the same finding is told again at most so often */
#define REPEATS 8192

struct told {
    uint64_t digest;
    int64_t at_us;
    uint32_t count;
};

struct sensor {
    struct sensor_settings settings;
    struct event_base *base;
    struct pipeline *pipeline;
    struct eve_out *eve;
    struct sender *sender; /* NULL: reading a file */
    struct capture *captures[INTERFACES_MAX];
    struct event *events[INTERFACES_MAX + 4];
    struct told told[REPEATS];
    int64_t started_us;
    unsigned ticks;
    int64_t lists_changed_us;
    uint64_t repeats;
};

/* ---- findings ---- */

/* One finding per signature, ends and indicator in REPEAT_US: the first at once, the rest counted.
 */
static bool
is_repeat(struct sensor *sensor, struct detection *detection)
{
    struct {
        uint64_t signature;
        struct ip src, dst;
        uint64_t indicator;
    } key = {.signature = detection->signature_id,
             .src = detection->src.ip,
             .dst = detection->dst.ip,
             .indicator = hash_stable(detection->indicator, strlen(detection->indicator))};
    uint64_t digest = hash_bytes(&key, sizeof(key));
    struct told *told = &sensor->told[digest % REPEATS];
    if (told->digest == digest && detection->seen_us - told->at_us < REPEAT_US) {
        told->count++;
        sensor->repeats++;
        return true;
    }
    detection->count += told->digest == digest ? told->count : 0;
    *told = (struct told){.digest = digest, .at_us = detection->seen_us};
    return false;
}

static void
on_found(void *context, const struct detection *found, const struct flow *flow, const uint8_t *pcap,
         size_t pcap_size)
{
    struct sensor *sensor = context;
    struct detection detection = *found;
    if (is_repeat(sensor, &detection)) {
        return;
    }
    int64_t now_us = clock_wall_us(clock_system());
    id_make(now_us, detection.id);
    snprintf(detection.sensor, sizeof(detection.sensor), "%s", sensor->settings.name);
    snprintf(detection.maker, sizeof(detection.maker), "cordon");
    detection.reported_us = sensor->sender ? now_us : detection.seen_us;
    detection.has_evidence = pcap != NULL;
    if (sensor->sender) {
        sender_put(sensor->sender, &detection, pcap, pcap_size);
    }
    char *line = eve_alert(&detection, flow);
    eve_out_write(sensor->eve, line);
    cJSON_free(line);
}

/* ---- lists ---- */

static int64_t
lists_changed(const struct sensor *sensor)
{
    int64_t newest = 0;
    for (size_t i = 0; i < sensor->settings.list_count; i++) {
        struct stat found;
        if (stat(sensor->settings.lists[i].path, &found) == 0) {
            int64_t at_us = (int64_t)found.st_mtim.tv_sec * 1000000 + found.st_mtim.tv_nsec / 1000;
            newest += at_us + found.st_size; /* any change of any file changes the sum */
        }
    }
    return newest;
}

static void
lists_reload(struct sensor *sensor)
{
    sensor->lists_changed_us = lists_changed(sensor);
    struct lists *lists = lists_load(sensor->settings.lists, sensor->settings.list_count);
    log_info("lists", "loaded", LOG_I("indicators", lists_count(lists)));
    pipeline_set_lists(sensor->pipeline, lists);
}

static void
on_hangup(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    lists_reload(argument);
}

/* ---- live ---- */

static void
on_frame(void *context, int64_t at_us, const uint8_t *frame, size_t size)
{
    struct sensor *sensor = context;
    pipeline_packet(sensor->pipeline, at_us, frame, size);
}

struct listening {
    struct sensor *sensor;
    struct capture *capture;
};

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct listening *listening = argument;
    capture_read(listening->capture, on_frame, listening->sensor);
}

static void
stats_tell(struct sensor *sensor)
{
    struct wire_sensor_stats stats;
    pipeline_stats(sensor->pipeline, &stats);
    snprintf(stats.sensor, sizeof(stats.sensor), "%s", sensor->settings.name);
    stats.at_us = clock_wall_us(clock_system());
    for (size_t i = 0; i < sensor->settings.interface_count; i++) {
        stats.kernel_drops += capture_drops(sensor->captures[i]);
    }
    stats.spooled = sender_waiting(sensor->sender);
    sender_stats(sensor->sender, &stats);
    char *line = eve_stats(&stats, (stats.at_us - sensor->started_us) / 1000000);
    eve_out_write(sensor->eve, line);
    cJSON_free(line);
}

static void
on_tick(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct sensor *sensor = argument;
    sensor->ticks++;
    sender_tick(sensor->sender, clock_boot_us(clock_system()));
    if (sensor->ticks % LISTS_TICKS == 0 && lists_changed(sensor) != sensor->lists_changed_us) {
        lists_reload(sensor);
    }
    if (sensor->ticks % STATS_TICKS == 1) {
        stats_tell(sensor);
    }
}

/* Time goes on when no packet comes: unanswered attempts must still be judged. */
static void
on_quiet(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct sensor *sensor = argument;
    pipeline_tick(sensor->pipeline, clock_wall_us(clock_system()));
}

static void
on_terminate(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    struct sensor *sensor = argument;
    event_base_loopbreak(sensor->base);
}

/* The spool goes over to the user that the sensor becomes. */
static int
spool_give(const struct sensor *sensor, const char *user, char why[256])
{
    uid_t uid;
    gid_t gid;
    int error = sandbox_user(user, &uid, &gid, why);
    if (error || !sensor->settings.spool_dir[0]) {
        return error;
    }
    error = file_own_tree(sensor->settings.spool_dir, uid, gid);
    if (error) {
        snprintf(why, 256, "cannot give the spool to %.60s: %s", user, strerror(-error));
    }
    return error;
}

/* The folder of a file, "." where it names none. */
static void
folder_of(const char *path, char folder[URL_SIZE])
{
    const char *slash = strrchr(path, '/');
    int size = slash ? (int)(slash - path) : 0;
    snprintf(folder, URL_SIZE, "%.*s", size ? size : 1, slash ? (size ? path : "/") : ".");
}

/* The capture, certificates and the spool are open: from here on nobody needs to be root, and no
 * frame was read yet.  Lists are replaced by renames: their folders are read. */
static int
lock_in(const struct sensor *sensor, char why[256])
{
    const struct sensor_settings *settings = &sensor->settings;
    char(*folders)[URL_SIZE] = mem_new(settings->list_count + 1, sizeof(*folders));
    struct sandbox_path *paths = mem_new(settings->list_count + 1, sizeof(*paths));
    const struct sandbox_settings sandbox = {
        .role = SANDBOX_SENSOR,
        .user = settings->user[0] ? settings->user : NULL,
        .folder = settings->spool_dir[0] ? settings->spool_dir : NULL,
        .paths = paths,
        .path_count = settings->list_count,
        .keeps_own_user = geteuid() != 0,
    };
    for (size_t i = 0; i < settings->list_count; i++) {
        folder_of(settings->lists[i].path, folders[i]);
        paths[i] = (struct sandbox_path){.path = folders[i]};
    }
    const char *user = sandbox.user ? sandbox.user : sandbox_of(SANDBOX_SENSOR)->user;
    int error = sandbox.keeps_own_user ? 0 : spool_give(sensor, user, why);
    error = error ? error : sandbox_enter(&sandbox, why);
    free(folders);
    free(paths);
    return error;
}

static int
live_open(struct sensor *sensor, struct listening listening[INTERFACES_MAX], char why[256])
{
    int result = 0;
    for (size_t i = 0; i < sensor->settings.interface_count && !result; i++) {
        result = capture_open(sensor->settings.interfaces[i], &sensor->captures[i], why);
        if (!result) {
            listening[i] = (struct listening){.sensor = sensor, .capture = sensor->captures[i]};
            sensor->events[i] = event_new(sensor->base, capture_fd(sensor->captures[i]),
                                          EV_READ | EV_PERSIST, on_readable, &listening[i]);
            event_add(sensor->events[i], NULL);
        }
    }
    /* certificates and the spool are opened while we may */
    result = result ? result : sender_new(sensor->base, &sensor->settings, &sensor->sender, why);
    return result ? result : lock_in(sensor, why);
}

static int
run_live(struct sensor *sensor)
{
    struct listening listening[INTERFACES_MAX];
    char why[256] = "";
    const struct timeval second = {.tv_sec = 1}, quiet = {.tv_usec = 200000};
    if (sensor->settings.interface_count == 0) {
        fprintf(stderr, "cordon-sensor: no interface to listen on (interfaces:, or -i)\n");
        return 1;
    }
    if (live_open(sensor, listening, why)) {
        log_error("sensor", "cannot start", LOG_S("why", why));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    struct event **events = sensor->events + INTERFACES_MAX;
    events[0] = event_new(sensor->base, -1, EV_PERSIST, on_tick, sensor);
    events[1] = event_new(sensor->base, -1, EV_PERSIST, on_quiet, sensor);
    events[2] = evsignal_new(sensor->base, SIGTERM, on_terminate, sensor);
    events[3] = evsignal_new(sensor->base, SIGHUP, on_hangup, sensor);
    event_add(events[0], &second);
    event_add(events[1], &quiet);
    event_add(events[2], NULL);
    event_add(events[3], NULL);
    struct event *interrupt = evsignal_new(sensor->base, SIGINT, on_terminate, sensor);
    event_add(interrupt, NULL);
    lists_reload(sensor);
    log_info("sensor", "started", LOG_S("sensor", sensor->settings.name),
             LOG_S("version", CORDON_VERSION));
    event_base_dispatch(sensor->base);
    stats_tell(sensor);
    event_free(interrupt);
    return 0;
}

static int
run_file(struct sensor *sensor, const char *path)
{
    char why[256] = "";
    struct wire_sensor_stats stats;
    lists_reload(sensor);
    int result = capture_file(path, on_frame, sensor, why);
    if (result) {
        fprintf(stderr, "cordon-sensor: %s\n", why);
    }
    pipeline_stats(sensor->pipeline, &stats);
    fprintf(stderr,
            "%llu packets, %llu bytes, %llu flows, %llu duplicates, %llu undecoded, "
            "%llu detections, %llu repeats of them\n",
            (unsigned long long)stats.packets, (unsigned long long)stats.bytes,
            (unsigned long long)stats.flows, (unsigned long long)stats.duplicates,
            (unsigned long long)stats.undecoded, (unsigned long long)stats.detections,
            (unsigned long long)sensor->repeats);
    return result ? 1 : 0;
}

static void
sensor_close(struct sensor *sensor)
{
    for (size_t i = 0; i < COUNT_OF(sensor->events); i++) {
        if (sensor->events[i]) {
            event_free(sensor->events[i]);
        }
    }
    for (size_t i = 0; i < INTERFACES_MAX; i++) {
        capture_close(sensor->captures[i]);
    }
    sender_free(sensor->sender);
    eve_out_free(sensor->eve);
    pipeline_free(sensor->pipeline);
    event_base_free(sensor->base);
    settings_fini(&sensor->settings);
    free(sensor);
}

static int
usage(FILE *to)
{
    fprintf(to, "cordon-sensor " CORDON_VERSION "\n"
                "usage: cordon-sensor [--config FILE]         run (default " CONFIG_DEFAULT ")\n"
                "       cordon-sensor --check-config [--config FILE]\n"
                "       cordon-sensor -r FILE [--config FILE] read a capture, EVE lines to stdout\n"
                "       cordon-sensor -i INTERFACE [--config FILE]\n"
                "       cordon-sensor --enrol URL --name NAME --token TOKEN --ca FINGERPRINT "
                "--out DIR\n"
                "                     as 'cordonctl enrol sensor NAME' prints it\n");
    return to == stdout ? 0 : 2;
}

struct arguments {
    const char *config, *file, *interface;
    bool is_check;
    struct enrol_settings enrol;
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
    {"read", required_argument, NULL, 'r'},   {"interface", required_argument, NULL, 'i'},
    {"version", no_argument, NULL, 'v'},      {"enrol", required_argument, NULL, 'E'},
    {"name", required_argument, NULL, 'N'},   {"token", required_argument, NULL, 'T'},
    {"ca", required_argument, NULL, 'C'},     {"out", required_argument, NULL, 'O'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};

/* Where the option's value goes; NULL: it has none. */
static const char **
option_place(int option, struct arguments *arguments)
{
    switch (option) {
    case 'c':
        return &arguments->config;
    case 'r':
        return &arguments->file;
    case 'i':
        return &arguments->interface;
    case 'E':
        return &arguments->enrol.url;
    case 'N':
        return &arguments->enrol.name;
    case 'T':
        return &arguments->enrol.token;
    case 'C':
        return &arguments->enrol.authority;
    case 'O':
        return &arguments->enrol.out;
    default:
        return NULL;
    }
}

static int
sensor_run(struct sensor *sensor, const struct arguments *arguments)
{
    const char *file = arguments->file;
    if (arguments->interface) {
        snprintf(sensor->settings.interfaces[0], NAME_SIZE, "%s", arguments->interface);
        sensor->settings.interface_count = 1;
    }
    log_setup("cordon-sensor", sensor->settings.log_format, LOG_INFO);
    sensor->started_us = clock_wall_us(clock_system());
    sensor->base = event_base_new();
    sensor->pipeline = pipeline_new(&sensor->settings, file != NULL, on_found, sensor);
    sensor->eve = eve_out_new(file ? "-" : sensor->settings.eve_file,
                              file ? "" : sensor->settings.eve_socket);
    int status = file ? run_file(sensor, file) : run_live(sensor);
    sensor_close(sensor);
    return status;
}

int
main(int count, char **words)
{
    struct arguments arguments = {.enrol = {.role = "sensor"}};
    for (int option; (option = getopt_long(count, words, "c:r:i:h", options, NULL)) >= 0;) {
        const char **place = option_place(option, &arguments);
        if (place) {
            *place = optarg;
        } else if (option == 'k') {
            arguments.is_check = true;
        } else if (option == 'v') {
            puts("cordon-sensor " CORDON_VERSION);
            return 0;
        } else {
            return usage(option == 'h' ? stdout : stderr);
        }
    }
    umask(077);
    if (arguments.enrol.url) {
        return enrol_command(&arguments.enrol, "cordon-sensor");
    }
    const char *config = arguments.config ? arguments.config : CONFIG_DEFAULT;
    struct sensor *sensor = MEM_NEW(struct sensor);
    struct yaml_file_error error;
    if ((arguments.config || !arguments.file) && settings_load(config, &sensor->settings, &error)) {
        fprintf(stderr, "%s:%u:%u: %s\n", config, error.line, error.column, error.text);
        free(sensor);
        return 1;
    }
    if (arguments.is_check) {
        printf("%s: good\n", config);
        settings_fini(&sensor->settings);
        free(sensor);
        return 0;
    }
    return sensor_run(sensor, &arguments);
}
