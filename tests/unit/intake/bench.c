#include "bench.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define PATIENCE_S 20
#define FILLING 1000000u /* signature ids of bench_fill */

static void
on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct bench *bench = argument;
    bench->is_late = true;
}

int
bench_setup(void **state)
{
    struct bench *bench = MEM_NEW(struct bench);
    bench->base = event_base_new();
    bench->deliveries = deliveries_new();
    bench->got = mem_new(GOT_MAX, sizeof(bench->got[0]));
    bench->signatures = mem_new(GOT_MAX, sizeof(bench->signatures[0]));
    bench->deadline = event_new(bench->base, -1, 0, on_deadline, bench);
    snprintf(bench->dir, sizeof(bench->dir), "/tmp/cordon-intake-XXXXXX");
    *state = bench;
    return mkdtemp(bench->dir) ? 0 : -1;
}

static int
entry_remove(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

int
bench_teardown(void **state)
{
    struct bench *bench = *state;
    bench_core_goes(bench);
    deliveries_free(bench->deliveries);
    event_free(bench->deadline);
    event_base_free(bench->base);
    free(bench->got);
    free(bench->signatures);
    nftw(bench->dir, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(bench);
    return 0;
}

static void
on_core_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    (void)channel;
    struct bench *bench = context;
    const struct detection *detection = message;
    if (type == WIRE_DETECTION && bench->got_count < GOT_MAX) {
        memcpy(bench->got[bench->got_count], detection->id, NAME_SIZE);
        bench->signatures[bench->got_count++] = detection->signature_id;
    }
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    (void)context;
    (void)channel;
    (void)type;
    (void)message;
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    (void)context;
    (void)channel;
    fail_msg("the channel to core was closed: %s", why);
}

void
bench_core_comes(struct bench *bench)
{
    const struct channel_settings mine = {
        .self = ROLE_INTAKE, .peer = ROLE_CORE, .peer_name = "core"};
    const struct channel_settings core = {
        .self = ROLE_CORE, .peer = ROLE_INTAKE, .peer_name = "intake"};
    const struct channel_handler my_handler = {
        .on_message = on_message, .on_close = on_close, .context = bench};
    const struct channel_handler core_handler = {
        .on_message = on_core_message, .on_close = on_close, .context = bench};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    bench->mine = channel_new_fd(bench->base, pair[0], &mine, &my_handler);
    bench->core = channel_new_fd(bench->base, pair[1], &core, &core_handler);
    deliveries_set_core(bench->deliveries, bench->mine);
}

void
bench_core_goes(struct bench *bench)
{
    deliveries_set_core(bench->deliveries, NULL);
    if (bench->core) {
        channel_drop(bench->core);
        channel_drop(bench->mine);
        bench->core = bench->mine = NULL;
    }
}

void
bench_ack_all(struct bench *bench)
{
    for (size_t i = 0; i < bench->got_count; i++) {
        deliveries_ack(bench->deliveries, bench->got[i]);
    }
}

void
bench_turn(struct bench *bench)
{
    for (int i = 0; i < 20; i++) {
        event_base_loop(bench->base, EVLOOP_NONBLOCK);
    }
}

void
bench_deadline_start(struct bench *bench)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    bench->is_late = false;
    event_add(bench->deadline, &patience);
}

bool
bench_wait(struct bench *bench)
{
    event_base_loop(bench->base, EVLOOP_ONCE);
    return !bench->is_late;
}

void
bench_detection(unsigned number, struct detection *detection)
{
    char line[ALERT_SIZE], why[NAME_SIZE];
    size_t size = alert_write(line, number);
    assert_int_equal(parse_size(LINE_EVE, line, size - 1, false, detection, why), LINE_DETECTION);
}

void
bench_fill(struct bench *bench)
{
    struct detection detection;
    for (unsigned i = 0; !deliveries_is_spent(bench->deliveries); i++) {
        bench_detection(FILLING + i, &detection);
        deliveries_put(bench->deliveries, &detection, NULL, NULL, 0);
    }
}

uint64_t
bench_refused(const struct source *source, const char *why)
{
    for (size_t i = 0; i < source->stats.refusal_count; i++) {
        if (strcmp(source->stats.refusals[i].why, why) == 0) {
            return source->stats.refusals[i].count;
        }
    }
    return 0;
}

struct source *
bench_source(struct bench *bench, struct config_source *config)
{
    bench->config = (struct config){.sources = config, .source_count = 1};
    snprintf(bench->config.state_dir, sizeof(bench->config.state_dir), "%s", bench->dir);
    snprintf(bench->config.secret_key_file, sizeof(bench->config.secret_key_file), "%s/secret.key",
             bench->dir);
    return source_new(&bench->config, 0, -1, bench->base, bench->deliveries);
}
