/* The `driver` process: a worker per configured switch, the hub that edges connect to, and the
 * channel to core.  It decides nothing: desired states go down, what switches say goes up. */
#include "cordond/role.h"

#include <errno.h>

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "driver/driver.h"
#include "driver/edge.h"
#include "driver/worker.h"

#define OUTBOX_MAX 4096
#define DEADLINE_MS 10000

struct drivers;

/* One switch. */
struct post {
    struct drivers *drivers;
    struct device *device;
    struct worker *worker;
    struct wire_device last; /* what core is told when it connects again */
};

/* On its way from a worker to the loop. */
struct letter {
    struct post *post;
    enum wire_type type;
    void *message; /* owned */
};

struct drivers {
    struct role *role;
    pthread_t loop_thread;
    struct channel *core; /* NULL: not connected */
    struct edge_hub *hub;
    struct gate *gate;
    struct queue *outbox;
    struct event *event;
    struct post *posts;
    size_t count;
};

/* The next 'most' of 'count' behind 'from', which goes on. */
static size_t
slice_take(size_t *from, size_t count, size_t most)
{
    size_t left = count - *from, size = left < most ? left : most;
    *from += size;
    return size;
}

/* Reports larger than a frame go in parts. */
static void
send_observed(struct drivers *drivers, const struct wire_observed *observed)
{
    const size_t most = 512, most_held = 64; /* with the longest texts still below a frame */
    size_t rules = 0, held = 0;
    bool is_over = false;
    while (!is_over) {
        struct wire_observed part = *observed;
        part.rules = observed->rules ? &observed->rules[rules] : NULL;
        part.held = observed->held ? &observed->held[held] : NULL;
        part.rule_count = slice_take(&rules, observed->rule_count, most);
        part.held_count = slice_take(&held, observed->held_count, most_held);
        is_over = rules == observed->rule_count && held == observed->held_count;
        part.is_last = observed->is_last && is_over;
        if (!drivers->core || !channel_send(drivers->core, WIRE_OBSERVED, &part)) {
            return; /* core asks again when it is back */
        }
    }
}

static void
send_up(struct post *post, enum wire_type type, const void *message)
{
    struct drivers *drivers = post->drivers;
    if (type == WIRE_DEVICE) {
        post->last = *(const struct wire_device *)message;
    }
    if (type == WIRE_OBSERVED) {
        send_observed(drivers, message);
    } else if (drivers->core) {
        (void)channel_send(drivers->core, type, message); /* false: the channel closes */
    }
}

static void *
copy_of(const void *items, size_t count, size_t size)
{
    return count ? memcpy(mem_new(count, size), items, count * size) : NULL;
}

/* A deep copy of what a device may tell. */
static void *
message_copy(enum wire_type type, const void *message)
{
    void *copy = copy_of(message, 1, wire_shape(type)->size);
    if (type == WIRE_FACTS) {
        struct wire_facts *facts = copy;
        facts->facts = copy_of(facts->facts, facts->fact_count, sizeof(*facts->facts));
    } else if (type == WIRE_OBSERVED) {
        observed_copy(copy, message);
    } else if (type == WIRE_EDGE_STATS) {
        struct wire_edge_stats *stats = copy;
        stats->counters = copy_of(stats->counters, stats->counter_count, sizeof(*stats->counters));
    } else if (type == WIRE_CHECKPOINTS) {
        struct wire_checkpoints *held = copy;
        held->lines = copy_of(held->lines, held->line_count, sizeof(*held->lines));
    }
    return copy;
}

static void
letter_free(struct letter *letter)
{
    wire_fini(letter->type, letter->message);
    free(letter->message);
    free(letter);
}

/* Takes 'message'.  A full outbox drops: core reads every switch back within seconds anyway. */
static void
post_up(struct post *post, enum wire_type type, void *message)
{
    struct letter *letter = MEM_NEW(struct letter);
    *letter = (struct letter){post, type, message};
    if (!queue_put(post->drivers->outbox, letter)) {
        letter_free(letter);
    }
}

static void
tell(struct post *post, enum wire_type type, const void *message)
{
    if (pthread_equal(pthread_self(), post->drivers->loop_thread)) {
        send_up(post, type, message);
    } else {
        post_up(post, type, message_copy(type, message));
    }
}

static void
on_facts(void *context, const struct wire_facts *facts)
{
    tell(context, WIRE_FACTS, facts);
}

static void
on_observed(void *context, const struct wire_observed *observed)
{
    tell(context, WIRE_OBSERVED, observed);
}

static void
on_device(void *context, const struct wire_device *device)
{
    tell(context, WIRE_DEVICE, device);
}

static void
on_stats(void *context, const struct wire_edge_stats *stats)
{
    tell(context, WIRE_EDGE_STATS, stats);
}

static void
on_checkpoints(void *context, const struct wire_checkpoints *held)
{
    tell(context, WIRE_CHECKPOINTS, held);
}

/* From a worker. */
static void
on_answer(void *context, struct wire_observed *observed)
{
    struct wire_observed *taken = MEM_NEW(struct wire_observed);
    *taken = *observed;
    post_up(context, WIRE_OBSERVED, taken);
}

static void
on_outbox(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct drivers *drivers = context;
    struct letter *letter;
    while ((letter = queue_take(drivers->outbox)) != NULL) {
        send_up(letter->post, letter->type, letter->message);
        letter_free(letter);
    }
}

static struct post *
post_find(struct drivers *drivers, const char *name)
{
    for (size_t i = 0; i < drivers->count; i++) {
        if (strcmp(drivers->posts[i].device->config.name, name) == 0) {
            return &drivers->posts[i];
        }
    }
    log_warn("driver", "core speaks of a switch that is not configured", LOG_S("switch", name));
    return NULL;
}

/* To every switch that keeps them. */
static void
checkpoint_pass(struct drivers *drivers, const struct wire_checkpoint *message)
{
    for (size_t i = 0; i < drivers->count; i++) {
        struct device *device = drivers->posts[i].device;
        if (device->driver->checkpoint) {
            device->driver->checkpoint(device, message);
        }
    }
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    (void)channel;
    struct drivers *drivers = context;
    if (type == WIRE_PEERS) {
        gate_take(drivers->gate, message);
    } else if (type == WIRE_RENEW) {
        gate_renew(drivers->gate, message);
    } else if (type == WIRE_DESIRED) {
        const struct wire_desired *desired = message;
        struct post *post = post_find(drivers, desired->switch_name);
        if (post) {
            worker_desired(post->worker, desired);
        }
    } else if (type == WIRE_READ_BACK) {
        const struct wire_read_back *read_back = message;
        struct post *post = post_find(drivers, read_back->switch_name);
        if (post) {
            worker_read_back(post->worker, read_back);
        }
    } else if (type == WIRE_CHECKPOINT) {
        checkpoint_pass(drivers, message);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct drivers *drivers = context;
    if (drivers->core == channel) {
        drivers->core = NULL;
        gate_set_core(drivers->gate, NULL);
        log_warn("driver", "core is away: switches keep what they hold", LOG_S("why", why));
    }
}

static void
on_peer(void *context, struct channel *channel, enum wire_role peer)
{
    struct drivers *drivers = context;
    if (peer != ROLE_CORE) {
        return;
    }
    gate_set_core(drivers->gate, channel);
    edge_hub_renew(drivers->hub);
    drivers->core = channel;
    for (size_t i = 0; i < drivers->count; i++) {
        (void)channel_send(channel, WIRE_DEVICE, &drivers->posts[i].last);
        worker_learn(drivers->posts[i].worker);
    }
}

static int
post_open(struct drivers *drivers, struct post *post, const struct device_config *given)
{
    struct device_config config = *given;
    const struct driver *driver = driver_find(config.driver);
    if (!driver) {
        log_error("driver", "unknown driver", LOG_S("switch", config.name),
                  LOG_S("driver", config.driver));
        return -EINVAL;
    }
    config.edge_hub = drivers->hub;
    post->drivers = drivers;
    const struct device_listener listener = {on_facts, on_observed,    on_device,
                                             on_stats, on_checkpoints, post};
    return driver->open(&config, &listener, &post->device);
}

static int
post_start(struct post *post)
{
    const struct worker_settings settings = {.device = post->device,
                                             .deadline_ms = DEADLINE_MS,
                                             .protected = post->drivers->role->config->protected,
                                             .protected_count =
                                                 post->drivers->role->config->protected_count,
                                             .on_observed = on_answer,
                                             .on_facts = on_facts,
                                             .context = post};
    return worker_new(&settings, &post->worker);
}

static int
drivers_open(struct drivers *drivers)
{
    const struct config *config = drivers->role->config;
    struct role_files paths;
    char why[256] = "";
    role_tls_files(config, &paths);
    const struct tls_files files = {paths.ca, paths.cert, paths.key, config->secret_key_file};
    drivers->loop_thread = pthread_self();
    drivers->outbox = queue_new(OUTBOX_MAX);
    drivers->event = event_new(drivers->role->base, queue_fd(drivers->outbox), EV_READ | EV_PERSIST,
                               on_outbox, drivers);
    if (!drivers->event || event_add(drivers->event, NULL)) {
        return -ENOMEM;
    }
    int error = edge_hub_new(drivers->role->base, config->edge_listen, &files, &drivers->hub, why);
    if (error) {
        log_error("driver", "cannot listen for edges", LOG_S("address", config->edge_listen),
                  LOG_S("why", why));
        return error;
    }
    drivers->gate = gate_new(edge_hub_server(drivers->hub), DEVICE_EDGE, clock_system());
    edge_hub_set_gate(drivers->hub, drivers->gate);
    drivers->posts = mem_new(config->switch_count + 1, sizeof(*drivers->posts));
    for (size_t i = 0; !error && i < config->switch_count; i++) {
        error = post_open(drivers, &drivers->posts[i], &config->switches[i]);
        drivers->count = i + 1;
    }
    error = error ? error : role_lock_in(drivers->role);
    for (size_t i = 0; !error && i < drivers->count; i++) {
        error = post_start(&drivers->posts[i]);
    }
    return error;
}

static void
drivers_close(struct drivers *drivers)
{
    edge_hub_stop(drivers->hub);
    for (size_t i = 0; i < drivers->count; i++) {
        worker_free(drivers->posts[i].worker);
    }
    drivers->core = NULL;
    for (size_t i = 0; i < drivers->count; i++) {
        struct device *device = drivers->posts[i].device;
        if (device) {
            device->driver->close(device);
        }
    }
    edge_hub_free(drivers->hub);
    gate_free(drivers->gate);
    if (drivers->event) {
        event_free(drivers->event);
    }
    struct letter *letter;
    while ((letter = queue_take(drivers->outbox)) != NULL) {
        letter_free(letter);
    }
    queue_free(drivers->outbox);
    free(drivers->posts);
}

int
driver_role_run(struct role *role)
{
    struct drivers drivers = {.role = role};
    role->handler = (struct channel_handler){on_message, on_close, &drivers};
    role->on_peer = on_peer;
    role->context = &drivers;
    int error = drivers_open(&drivers);
    if (!error) {
        error = role_run(role);
    }
    drivers_close(&drivers);
    return error ? 1 : 0;
}
