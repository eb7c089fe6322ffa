#include "bench.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/pki.h"
#include "bus/tls.h"
#include "driver/dummy.h"
#include "driver/edge.h"
#include "wire/desired_set.h"
#include "wire/hello.h"
#include "wire/read_back.h"

struct bench_edge {
    char dir[64];
    struct event_base *base;
    pthread_t loop;
    struct edge_hub *hub;
    struct tls_client *peer;
    struct channel *channel; /* the peer's end */
    struct wire_desired partial;
    struct bench *bench;
    atomic_bool is_connected, is_silent, wants_drop, wants_rest;
    atomic_bool is_refused;
    char refused[TEXT_SIZE];   /* written before that */
    atomic_int keeps_after;    /* parts of its next answer; 0: it keeps none */
    struct wire_observed kept; /* the rest, owned */
    struct event *poke;
    uint64_t peer_generation, peer_epoch;
};

static void
fake_wait(void *context, int ms)
{
    struct bench *bench = context;
    bench->waited_ms += ms;
    clock_fake_advance(&bench->clock, (int64_t)ms * 1000);
}

static const struct device_listener no_listener;

/* ---- the peer: answers as the wire contract says ---- */

static void
peer_send(struct bench_edge *edge, struct wire_observed *observed)
{
    snprintf(observed->switch_name, sizeof(observed->switch_name), "e1");
    struct wire_observed whole = *observed;
    size_t from = 0, held = 0;
    int parts = 0, keeps_after = atomic_exchange(&edge->keeps_after, 0);
    do { /* in parts, to see that they are put together */
        struct wire_observed part = whole;
        part.held_count = whole.held_count - held < 3 ? whole.held_count - held : 3;
        part.held = part.held_count ? &whole.held[held] : NULL;
        held += part.held_count;
        part.rule_count = whole.rule_count - from < 700 ? whole.rule_count - from : 700;
        part.rules = part.rule_count ? &whole.rules[from] : NULL;
        from += part.rule_count;
        part.is_last = from >= whole.rule_count && held >= whole.held_count;
        (void)channel_send(edge->channel, WIRE_OBSERVED, &part);
        if (++parts == keeps_after && !part.is_last) {
            struct wire_observed rest = whole;
            rest.rules = whole.rules ? &whole.rules[from] : NULL;
            rest.rule_count = whole.rule_count - from;
            rest.held = whole.held ? &whole.held[held] : NULL;
            rest.held_count = whole.held_count - held;
            observed_copy(&edge->kept, &rest);
            break;
        }
    } while (from < whole.rule_count || held < whole.held_count);
    wire_fini(WIRE_OBSERVED, &whole);
}

static void
peer_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct bench_edge *edge = context;
    struct device *memory = edge->bench->memory;
    struct wire_observed observed;
    (void)channel;
    if (atomic_load(&edge->is_silent)) {
        return;
    }
    if (type == WIRE_DESIRED) {
        if (!desired_collect(&edge->partial, message)) {
            return;
        }
        memory->driver->apply(memory, &edge->partial, 1000, &observed);
        peer_send(edge, &observed);
    } else if (type == WIRE_READ_BACK) {
        const struct wire_read_back *asked = message;
        if (asked->sum_key[0] != '\0') {
            memory->driver->sum(memory, asked->sum_key, 1000, &observed);
        } else {
            (asked->asks_held ? memory->driver->held : memory->driver->read_back)(memory, 1000,
                                                                                  &observed);
        }
        observed.request = asked->request;
        peer_send(edge, &observed);
    }
}

static void
peer_close(void *context, struct channel *channel, const char *why)
{
    (void)channel;
    (void)why;
    ((struct bench_edge *)context)->channel = NULL;
}

static void
peer_open(void *context, struct channel *channel)
{
    struct bench_edge *edge = context;
    struct wire_hello hello = {.name = "e1", .version = "0.0.9", .wall_us = 1};
    hello.tells_held = !edge->bench->is_old;
    edge->channel = channel;
    (void)channel_send(channel, WIRE_HELLO, &hello);
}

static void
on_device(void *context, const struct wire_device *device)
{
    struct bench_edge *edge = context;
    edge->peer_epoch = device->epoch;
    edge->peer_generation = device->generation;
    if (strstr(device->problem, "install ")) {
        snprintf(edge->refused, sizeof(edge->refused), "%s", device->problem);
        atomic_store(&edge->is_refused, true);
    }
    atomic_store(&edge->is_connected, device->is_connected);
}

static void
on_facts(void *context, const struct wire_facts *facts)
{
    (void)context;
    (void)facts;
}

static void
on_observed(void *context, const struct wire_observed *observed)
{
    struct bench_edge *edge = context;
    atomic_store(&edge->bench->passed_rules, (int)observed->rule_count);
    atomic_fetch_add(&edge->bench->passed, 1);
}

static void
on_stats(void *context, const struct wire_edge_stats *stats)
{
    (void)context;
    (void)stats;
}

static void
on_poke(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct bench_edge *edge = context;
    if (atomic_exchange(&edge->wants_drop, false) && edge->peer) {
        tls_client_free(edge->peer);
        edge->peer = NULL;
        edge->channel = NULL;
    }
    if (atomic_exchange(&edge->wants_rest, false) && edge->channel) {
        struct wire_observed rest = edge->kept;
        edge->kept = (struct wire_observed){.generation = 0};
        peer_send(edge, &rest);
    }
}

static void *
loop_run(void *context)
{
    event_base_loop(context, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

static int
edge_files(struct bench_edge *edge, char why[256])
{
    snprintf(edge->dir, sizeof(edge->dir), "/tmp/cordon-driver-XXXXXX");
    if (!mkdtemp(edge->dir)) {
        return -errno;
    }
    int error = pki_prepare(edge->dir, NULL, "localhost,127.0.0.1", why);
    return error ? error : pki_issue(edge->dir, NULL, "edge", "e1", edge->dir, why);
}

struct paths {
    char listen[64], ca[128], cert[128], key[128], peer_cert[128], peer_key[128], name[64];
};

static int
paths_make(struct bench_edge *edge, struct paths *p, char why[256])
{
    const char *real = getenv("CORDON_EDGE_PEER");
    if (real) {
        snprintf(why, 256, "CORDON_EDGE_PEER is not \"LISTEN CA CERT KEY NAME\"");
        return sscanf(real, "%63s %127s %127s %127s %63s", p->listen, p->ca, p->cert, p->key,
                      p->name) == 5
                   ? 0
                   : -EINVAL;
    }
    int error = edge_files(edge, why);
    snprintf(p->name, sizeof(p->name), "e1");
    snprintf(p->listen, sizeof(p->listen), "127.0.0.1:%d", 20000 + getpid() % 10000);
    snprintf(p->ca, sizeof(p->ca), "%s/ca.pem", edge->dir);
    snprintf(p->cert, sizeof(p->cert), "%s/server.pem", edge->dir);
    snprintf(p->key, sizeof(p->key), "%s/server.key", edge->dir);
    snprintf(p->peer_cert, sizeof(p->peer_cert), "%s/e1.pem", edge->dir);
    snprintf(p->peer_key, sizeof(p->peer_key), "%s/e1.key", edge->dir);
    return error;
}

static int
peer_start(struct bench *bench, const struct paths *p, char why[256])
{
    struct bench_edge *edge = bench->edge;
    const struct device_config memory = {.name = "e1", .driver = "dummy"};
    const struct tls_files files = {p->ca, p->peer_cert, p->peer_key, NULL};
    const struct channel_handler handler = {peer_message, peer_close, edge};
    int error = driver_dummy.open(&memory, &no_listener, &bench->memory);
    if (!error) {
        dummy_set_clock(bench->memory, &bench->clock.clock);
        error = tls_client_new(edge->base, p->listen, &files, ROLE_EDGE, ROLE_DRIVER, &handler,
                               peer_open, edge, &edge->peer, why);
    }
    return error;
}

static int
edge_start(struct bench *bench, char why[256])
{
    struct paths p = {.listen = ""};
    struct bench_edge *edge = calloc(1, sizeof(*edge));
    bench->edge = edge;
    edge->bench = bench;
    evthread_use_pthreads();
    edge->base = event_base_new();
    int error = paths_make(edge, &p, why);
    const struct tls_files files = {p.ca, p.cert, p.key, NULL};
    if (!error) {
        error = edge_hub_new(edge->base, p.listen, &files, &edge->hub, why);
    }
    if (error) {
        return error;
    }
    struct device_config config = {.driver = "edge", .edge_hub = edge->hub};
    snprintf(config.name, sizeof(config.name), "%s", p.name);
    const struct device_listener listener = {.on_facts = on_facts,
                                             .on_observed = on_observed,
                                             .on_device = on_device,
                                             .on_stats = on_stats,
                                             .context = edge};
    error = driver_find("edge")->open(&config, &listener, &bench->device);
    if (!error && !getenv("CORDON_EDGE_PEER")) {
        error = peer_start(bench, &p, why);
    }
    edge->poke = event_new(edge->base, -1, 0, on_poke, edge);
    pthread_create(&edge->loop, NULL, loop_run, edge->base);
    for (int i = 0;
         !error && i < 3000 && !atomic_load(&edge->is_connected) && !atomic_load(&edge->is_refused);
         i++) {
        usleep(10000); /* a handshake, not a time-out under test */
    }
    if (!error && atomic_load(&edge->is_refused)) {
        snprintf(why, 256, "%.200s", edge->refused);
        return -EPROTO;
    }
    bench->epoch = edge->peer_epoch;
    bench->generation = edge->peer_generation;
    return error ? error : atomic_load(&edge->is_connected) ? 0 : -ETIMEDOUT;
}

void
bench_meet_old(char why[256])
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench->kind = BENCH_EDGE;
    bench->is_old = true;
    clock_fake_init(&bench->clock, INT64_C(1700000000000000));
    (void)!edge_start(bench, why);
    bench_free(bench);
}

struct bench *
bench_new(enum bench_kind kind, char why[256])
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench->kind = kind;
    clock_fake_init(&bench->clock, INT64_C(1700000000000000));
    why[0] = '\0';
    if (kind == BENCH_EDGE) {
        if (edge_start(bench, why)) {
            bench_free(bench);
            return NULL;
        }
        return bench;
    }
    struct device_config config = {.name = "d1", .driver = "dummy"};
    if (kind == BENCH_SMALL) {
        config.room = 8;
        config.latency_ms = 3000;
        config.mac_only = true;
    }
    if (driver_find("dummy")->open(&config, &no_listener, &bench->device)) {
        bench_free(bench);
        return NULL;
    }
    bench->memory = bench->device;
    dummy_set_clock(bench->memory, &bench->clock.clock);
    dummy_set_wait(bench->memory, fake_wait, bench);
    return bench;
}

static void
edge_stop(struct bench_edge *edge)
{
    static const char *const files[] = {"ca.pem", "ca.key", "server.pem", "server.key", "e1.pem",
                                        "e1.key", "serial", "issued",     "issued.lock"};
    if (edge->peer) {
        tls_client_free(edge->peer);
    }
    edge_hub_free(edge->hub);
    if (edge->poke) {
        event_free(edge->poke);
    }
    event_base_free(edge->base);
    wire_fini(WIRE_DESIRED, &edge->partial);
    wire_fini(WIRE_OBSERVED, &edge->kept);
    for (size_t i = 0; edge->dir[0] && i < COUNT_OF(files); i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/%s", edge->dir, files[i]);
        unlink(path);
    }
    if (edge->dir[0]) {
        rmdir(edge->dir);
    }
    free(edge);
}

void
bench_free(struct bench *bench)
{
    if (bench->edge && bench->edge->loop) {
        event_base_loopbreak(bench->edge->base);
        pthread_join(bench->edge->loop, NULL);
    }
    if (bench->device) {
        bench->device->driver->close(bench->device);
    }
    if (bench->edge) {
        edge_stop(bench->edge);
        if (bench->memory) {
            bench->memory->driver->close(bench->memory);
        }
    }
    free(bench);
}

void
bench_disconnect(struct bench *bench)
{
    if (!bench->edge) {
        dummy_set_connected(bench->device, false);
        return;
    }
    atomic_store(&bench->edge->wants_drop, true);
    event_active(bench->edge->poke, EV_TIMEOUT, 0);
    while (atomic_load(&bench->edge->is_connected)) {
        usleep(1000);
    }
}

void
bench_silence(struct bench *bench)
{
    if (bench->edge) {
        atomic_store(&bench->edge->is_silent, true);
    }
}

void
bench_keep_rest(struct bench *bench, int parts)
{
    atomic_store(&bench->edge->keeps_after, parts);
}

void
bench_send_rest(struct bench *bench)
{
    atomic_store(&bench->edge->wants_rest, true);
    event_active(bench->edge->poke, EV_TIMEOUT, 0);
}
