/* Threads: the hub, its channels and all messages belong to the loop; apply and read_back run on
 * the device's worker.  The worker queues an order (copied) and waits on the device's answers;
 * 'lock' guards only what says which answer is being waited for. */
#include "driver/edge.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "driver/credit.h"
#include "wire/desired_set.h"
#include "wire/hello.h"
#include "wire/read_back.h"

#define ORDERS_MAX 4096 /* one per device at a time: a worker waits for its answer */
#define ANSWERS_MAX 16  /* whole ones; more: dropped, and the worker times out */
#define EDGE_ROOM 131072
#define OWED_LOOK_S 1
/* Longer than core waits before it shows the switch as not answering, and than a few tries. */
#define SILENT_US 30000000
#define RULES_OBSERVED_MAX (4u << 20) /* of one answer in parts */

enum waiting { WAITING_NOT, WAITING_APPLIED, WAITING_READ_BACK };

struct edge {
    struct device base;
    struct edge_hub *hub;
    TAILQ_ENTRY(edge) link;
    struct channel *channel;     /* loop only; NULL: not connected */
    struct credit credit;        /* loop only */
    struct wire_observed report; /* loop only, owned: the parts of one that came so far */
    bool is_in_report;           /* loop only */
    bool is_report_bad;          /* loop only: too large, the rest of it is passed over */
    bool has_hello;              /* loop only */
    bool keeps_checkpoints;      /* loop only */
    uint64_t told;               /* loop only: a generation that has no answer yet ... */
    int64_t told_us;             /* ... and when it was sent (boot); 0: none */
    bool is_retried;             /* loop only: a new line was tried since it answered last */
    atomic_bool is_connected;
    struct queue *answers; /* of struct wire_observed, owned */
    pthread_mutex_t lock;
    enum waiting waiting;
    uint64_t waiting_for; /* generation or request */
    uint64_t requests;    /* worker only */
};

struct edge_hub {
    struct event_base *base;
    struct tls_server *server;
    struct gate *gate; /* borrowed; NULL: whoever has a certificate (tests) */
    struct queue *orders;
    struct event *event, *owed;
    struct fact *room; /* owned, FACTS_MAX */
    TAILQ_HEAD(, edge) edges;
};

/* What a worker wants sent. */
struct order {
    struct edge *edge;
    bool is_read_back;
    struct wire_read_back read_back;
    struct wire_desired desired; /* owned */
};

static struct edge *
edge_of(struct device *device)
{
    return CONTAINER_OF(device, struct edge, base);
}

static void
order_free(struct order *order)
{
    wire_fini(WIRE_DESIRED, &order->desired);
    free(order);
}

static void
answer_free(struct wire_observed *answer)
{
    if (answer) {
        wire_fini(WIRE_OBSERVED, answer);
        free(answer);
    }
}

static void
answers_drain(struct edge *edge)
{
    struct wire_observed *answer;
    while ((answer = queue_take(edge->answers)) != NULL) {
        answer_free(answer);
    }
}

/* ---- loop side ---- */

static void
tell_device(struct edge *edge, const struct wire_hello *hello, const char *problem)
{
    struct wire_device device = {
        .is_connected = hello != NULL,
        .matches_mac = true,
        .matches_ip = true,
        .stages_everywhere = true,
        .shows_warning = true,
        .mirrors = true,
        .counts_hits = true,
        .verifies = true,
        .rule_room = EDGE_ROOM,
        .typical_ms = 5,
    };
    snprintf(device.switch_name, sizeof(device.switch_name), "%s", edge->base.config.name);
    snprintf(device.driver, sizeof(device.driver), "edge");
    snprintf(device.problem, sizeof(device.problem), "%s", problem);
    if (hello) {
        snprintf(device.version, sizeof(device.version), "%s", hello->version);
        device.epoch = hello->epoch;
        device.generation = hello->generation;
        device.mirror_source = hello->mirror_source;
        device.keeps_checkpoints = hello->keeps_checkpoints;
        device.tells_sum = hello->tells_sum;
        device.skew_us = hello->wall_us ? hello->wall_us - clock_wall_us(clock_system()) : 0;
    }
    edge->base.listener.on_device(edge->base.listener.context, &device);
}

static bool
is_awaited(struct edge *edge, const struct wire_observed *observed)
{
    pthread_mutex_lock(&edge->lock);
    bool is_reply = false;
    if (edge->waiting == WAITING_APPLIED) {
        /* a delta is answered for its rules, a snapshot for everything */
        is_reply =
            observed->request == 0 && (observed->generation == edge->waiting_for ||
                                       observed->needs_snapshot || observed->refused[0] != '\0');
    } else if (edge->waiting == WAITING_READ_BACK) {
        is_reply = observed->request == edge->waiting_for;
    }
    pthread_mutex_unlock(&edge->lock);
    return is_reply;
}

static void
report_drop(struct edge *edge)
{
    wire_fini(WIRE_OBSERVED, &edge->report);
    edge->report = (struct wire_observed){.generation = 0};
    edge->is_in_report = edge->is_report_bad = false;
}

/* Parts are put together before anybody gets them: a part of a report that counted as all of it
 * would say that the other rules are not there.  True: 'edge->report' is whole. */
static bool
report_collect(struct edge *edge, const struct wire_observed *part)
{
    struct wire_observed *report = &edge->report;
    bool is_last = part->is_last || part->needs_snapshot || part->refused[0] != '\0';
    if (edge->is_in_report &&
        (report->request != part->request || report->generation != part->generation ||
         report->is_full != part->is_full)) {
        report_drop(edge); /* that one broke off */
    }
    edge->is_in_report = true;
    edge->is_report_bad = edge->is_report_bad ||
                          report->rule_count + part->rule_count > RULES_OBSERVED_MAX ||
                          report->held_count + part->held_count > EDGE_ROOM;
    if (!edge->is_report_bad) {
        observed_join(report, part);
        return is_last;
    }
    if (is_last) {
        log_warn("driver", "a report was larger than a switch can be: passed over",
                 LOG_S("switch", edge->base.config.name));
        report_drop(edge);
    }
    return false;
}

static void
report_pass(struct edge *edge, const struct wire_observed *observed)
{
    if (!is_awaited(edge, observed)) {
        if (observed->request != 0) { /* it came too late; who asked will ask again */
            log_info("driver", "an answer that nobody waits for any more",
                     LOG_S("switch", edge->base.config.name), LOG_I("request", observed->request));
            return;
        }
        edge->base.listener.on_observed(edge->base.listener.context, observed);
        return;
    }
    struct wire_observed *answer = MEM_NEW(struct wire_observed);
    observed_copy(answer, observed);
    if (!queue_put(edge->answers, answer)) {
        answer_free(answer);
    }
}

/* It lives and says nothing of what it was told: perhaps its line is stuck, and a new one begins
 * from the beginning.  Once: of a switch that goes on so, only the facts that it tells would be
 * torn. */
static void
silence_end(struct edge *edge, int64_t now_us)
{
    if (edge->channel && edge->told_us > 0 && now_us - edge->told_us > SILENT_US &&
        !edge->is_retried) {
        edge->is_retried = true;
        channel_close(edge->channel, "it did not answer what it was told: a new line is tried");
    }
}

static void
silence_note(struct edge *edge, const struct wire_observed *part)
{
    bool is_answer = part->needs_snapshot || part->refused[0] != '\0' ||
                     (part->request == 0 && part->generation >= edge->told);
    if (is_answer) {
        edge->told_us = 0;
        edge->is_retried = false;
    }
}

static void
on_observed(struct edge *edge, const struct wire_observed *part)
{
    silence_note(edge, part);
    bool is_alone = !edge->is_in_report && part->is_last;
    if (is_alone) {
        report_pass(edge, part);
    } else if (report_collect(edge, part)) {
        report_pass(edge, &edge->report);
        report_drop(edge);
    }
}

static void
on_hello(struct edge *edge, struct channel *channel, const struct wire_hello *hello)
{
    if (strcmp(hello->name, edge->base.config.name) != 0) {
        channel_close(channel, "its hello does not carry the name in its certificate");
        return;
    }
    if (!hello->tells_held) { /* a controller that forgot something would release it */
        char why[128];
        snprintf(why, sizeof(why),
                 "its cordon-edge %.24s cannot say what it blocks: install %.24s or later there",
                 hello->version[0] ? hello->version : "unknown", CORDON_VERSION);
        channel_close(channel, why);
        return;
    }
    edge->has_hello = true;
    edge->keeps_checkpoints = hello->keeps_checkpoints;
    atomic_store(&edge->is_connected, true);
    log_info("driver", "edge connected", LOG_S("switch", hello->name),
             LOG_S("version", hello->version), LOG_I("epoch", hello->epoch),
             LOG_I("generation", hello->generation));
    tell_device(edge, hello, "");
}

/* The switch that a message speaks of; an edge speaks of itself only. */
static const char *
message_switch(enum wire_type type, const void *message)
{
    switch (type) {
    case WIRE_FACTS:
        return ((const struct wire_facts *)message)->switch_name;
    case WIRE_OBSERVED:
        return ((const struct wire_observed *)message)->switch_name;
    case WIRE_CHECKPOINTS:
        return ((const struct wire_checkpoints *)message)->switch_name;
    case WIRE_EDGE_STATS:
        return ((const struct wire_edge_stats *)message)->switch_name;
    default:
        return "";
    }
}

static void
complain(const struct edge *edge, enum peer_refusal why, const char *detail)
{
    if (edge->hub->gate) {
        gate_complain(edge->hub->gate, edge->channel, why, detail);
    }
}

/* What one switch may tell is bounded: credit.h. */
static void
on_facts(struct edge *edge, struct channel *channel, const struct wire_facts *facts)
{
    const struct device_listener *listener = &edge->base.listener;
    struct wire_facts pass;
    switch (
        credit_take(&edge->credit, facts, clock_boot_us(clock_system()), edge->hub->room, &pass)) {
    case CREDIT_ALL:
        listener->on_facts(listener->context, &pass);
        break;
    case CREDIT_PORTS:
        complain(edge, REFUSAL_FLOOD,
                 "it tells more than one switch can have: the rest is passed over, and asked for "
                 "anew when that ends");
        listener->on_facts(listener->context, &pass);
        break;
    default:
        complain(edge, REFUSAL_FLOOD, "it tells of more ports than a switch has");
        channel_close(channel, "it tells of more ports than a switch has");
        break;
    }
}

/* Whoever told too much tells everything anew when he may again: a new connection begins so. */
static void
on_owed(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct edge_hub *hub = context;
    int64_t now_us = clock_boot_us(clock_system());
    struct edge *edge, *next;
    for (edge = TAILQ_FIRST(&hub->edges); edge; edge = next) {
        next = TAILQ_NEXT(edge, link);
        if (edge->channel && credit_is_back(&edge->credit, now_us)) {
            channel_close(edge->channel, "some of what it told was passed over: it tells all anew");
        }
        silence_end(edge, now_us);
    }
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct edge *edge = context;
    const struct device_listener *listener = &edge->base.listener;
    if (edge->channel != channel) {
        return; /* an older connection of the same edge, closing */
    }
    if (type == WIRE_HELLO) {
        on_hello(edge, channel, message);
        return;
    }
    if (!edge->has_hello) {
        channel_close(channel, "a message before hello");
        return;
    }
    if (type == WIRE_REQUEST) {
        if (edge->hub->gate) {
            gate_request(edge->hub->gate, channel, message);
        }
        return;
    }
    if (strcmp(message_switch(type, message), edge->base.config.name) != 0) {
        complain(edge, REFUSAL_CLAIM, "it spoke of another switch");
        channel_close(channel, "it speaks of another switch");
        return;
    }
    if (type == WIRE_OBSERVED) {
        on_observed(edge, message);
    } else if (type == WIRE_FACTS) {
        on_facts(edge, channel, message);
    } else if (type == WIRE_CHECKPOINTS) {
        listener->on_checkpoints(listener->context, message);
    } else {
        listener->on_stats(listener->context, message);
    }
}

/* A worker that waits need not wait for its deadline. */
static void
answers_break(struct edge *edge)
{
    struct wire_observed *none = MEM_NEW(struct wire_observed);
    snprintf(none->refused, sizeof(none->refused), "the connection was lost");
    if (!queue_put(edge->answers, none)) {
        answer_free(none);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct edge *edge = context;
    if (edge->hub->gate) {
        gate_gone(edge->hub->gate, channel, why);
    }
    if (edge->channel != channel) {
        return;
    }
    edge->channel = NULL;
    edge->has_hello = false;
    edge->told_us = 0;
    report_drop(edge);
    atomic_store(&edge->is_connected, false);
    answers_break(edge);
    log_warn("driver", "edge disconnected", LOG_S("switch", edge->base.config.name),
             LOG_S("why", why));
    tell_device(edge, NULL, why);
}

static bool
on_peer(void *context, const char *peer_name, struct channel_handler *handler, void **tag)
{
    struct edge_hub *hub = context;
    struct edge *edge;
    TAILQ_FOREACH(edge, &hub->edges, link)
    {
        if (strcmp(edge->base.config.name, peer_name) == 0) {
            *handler = (struct channel_handler){on_message, on_close, edge};
            *tag = edge;
            return true;
        }
    }
    log_warn("driver", "an edge that is not configured was refused", LOG_S("name", peer_name));
    return false;
}

/* The edge's new connection replaces one that died without our noticing. */
static void
on_open(void *context, struct channel *channel)
{
    struct edge_hub *hub = context;
    struct edge *edge = channel_tag(channel);
    struct channel *old = edge->channel;
    if (hub->gate) {
        gate_came(hub->gate, tls_server_peer(hub->server), channel);
    }
    edge->channel = channel;
    edge->has_hello = false;
    edge->told_us = 0;
    report_drop(edge);
    credit_connected(&edge->credit);
    if (old) {
        atomic_store(&edge->is_connected, false);
        answers_break(edge);
        channel_close(old, "the same edge connected again");
    }
}

static bool
send_part(void *context, const struct wire_desired *part)
{
    return channel_send(context, WIRE_DESIRED, part);
}

static void
order_send(struct order *order)
{
    struct channel *channel = order->edge->channel;
    if (!channel || !order->edge->has_hello) {
        answers_break(order->edge);
    } else if (order->is_read_back) {
        (void)channel_send(channel, WIRE_READ_BACK, &order->read_back); /* false: it closes */
    } else {
        if (order->edge->told_us == 0) {
            order->edge->told = order->desired.generation;
            order->edge->told_us = clock_boot_us(clock_system());
        }
        (void)desired_send(&order->desired, send_part, channel);
    }
}

static void
on_orders(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct edge_hub *hub = context;
    struct order *order;
    while ((order = queue_take(hub->orders)) != NULL) {
        order_send(order);
        order_free(order);
    }
}

void
edge_hub_stop(struct edge_hub *hub)
{
    struct edge *edge;
    if (!hub) {
        return;
    }
    tls_server_free(hub->server);
    hub->server = NULL;
    TAILQ_FOREACH(edge, &hub->edges, link)
    {
        atomic_store(&edge->is_connected, false);
        answers_break(edge);
    }
}

struct tls_server *
edge_hub_server(struct edge_hub *hub)
{
    return hub->server;
}

void
edge_hub_set_gate(struct edge_hub *hub, struct gate *gate)
{
    hub->gate = gate;
}

void
edge_hub_renew(struct edge_hub *hub)
{
    static const char why[] = "core came anew: it must hear everything again";
    struct edge *edge;
    TAILQ_FOREACH(edge, &hub->edges, link)
    {
        struct channel *channel = edge->channel;
        if (channel) {
            on_close(edge, channel, why);
            channel_close(channel, why);
        }
    }
}

int
edge_hub_new(struct event_base *base, const char *address, const struct tls_files *files,
             struct edge_hub **out, char why[256])
{
    struct edge_hub *hub = MEM_NEW(struct edge_hub);
    TAILQ_INIT(&hub->edges);
    hub->base = base;
    hub->orders = queue_new(ORDERS_MAX);
    hub->room = mem_new(FACTS_MAX, sizeof(*hub->room));
    hub->event = event_new(base, queue_fd(hub->orders), EV_READ | EV_PERSIST, on_orders, hub);
    hub->owed = event_new(base, -1, EV_PERSIST, on_owed, hub);
    const struct timeval each = {.tv_sec = OWED_LOOK_S};
    bool is_ready = hub->event && event_add(hub->event, NULL) == 0 && hub->owed &&
                    event_add(hub->owed, &each) == 0;
    int error = is_ready ? 0 : -ENOMEM;
    if (error) {
        snprintf(why, 256, "out of memory");
    } else {
        error = tls_server_new(base, address, files, ROLE_DRIVER, ROLE_EDGE, on_peer, on_open, hub,
                               &hub->server, why);
    }
    if (error) {
        edge_hub_free(hub);
        return error;
    }
    *out = hub;
    return 0;
}

void
edge_hub_free(struct edge_hub *hub)
{
    if (!hub) {
        return;
    }
    if (hub->server) {
        tls_server_free(hub->server);
    }
    struct event *const events[] = {hub->event, hub->owed};
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (events[i]) {
            event_free(events[i]);
        }
    }
    free(hub->room);
    struct order *order;
    while ((order = queue_take(hub->orders)) != NULL) {
        order_free(order);
    }
    queue_free(hub->orders);
    free(hub);
}

/* ---- worker side ---- */

static void
wait_for(struct edge *edge, enum waiting waiting, uint64_t what)
{
    pthread_mutex_lock(&edge->lock);
    edge->waiting = waiting;
    edge->waiting_for = what;
    pthread_mutex_unlock(&edge->lock);
}

/* The answer, until 'deadline_ms' have passed. */
static int
answer_wait(struct edge *edge, int deadline_ms, struct wire_observed *observed)
{
    struct wire_observed *answer = queue_wait(edge->answers, deadline_ms);
    if (!answer) {
        return -ETIMEDOUT;
    }
    *observed = *answer; /* taken */
    free(answer);
    return 0;
}

/* Sends 'order' (taken) and waits for what answers it. */
static int
ask(struct edge *edge, struct order *order, int deadline_ms, struct wire_observed *observed)
{
    *observed = (struct wire_observed){.generation = 0};
    answers_drain(edge); /* first: answers_break() comes behind what tells that it is gone */
    if (!atomic_load(&edge->is_connected)) {
        order_free(order);
        return -ENOTCONN;
    }
    order->edge = edge;
    if (!queue_put(edge->hub->orders, order)) {
        order_free(order);
        return -EBUSY;
    }
    int error = answer_wait(edge, deadline_ms, observed);
    wait_for(edge, WAITING_NOT, 0);
    if (!error && !atomic_load(&edge->is_connected)) {
        error = -ENOTCONN;
    }
    snprintf(observed->switch_name, sizeof(observed->switch_name), "%s", edge->base.config.name);
    return error;
}

static int
verdict(const struct wire_desired *desired, const struct wire_observed *observed)
{
    if (observed->needs_snapshot) {
        return -EAGAIN;
    }
    if (observed->refused[0] != '\0') {
        return observed->epoch > desired->epoch ? -ESTALE : -EPROTO;
    }
    for (size_t i = 0; i < observed->rule_count; i++) {
        if (observed->rules[i].state == RULE_FAILED) {
            return -ENOSPC;
        }
    }
    return 0;
}

static int
edge_apply(struct device *device, const struct wire_desired *desired, int deadline_ms,
           struct wire_observed *observed)
{
    struct edge *edge = edge_of(device);
    struct order *order = MEM_NEW(struct order);
    desired_copy(&order->desired, desired);
    wait_for(edge, WAITING_APPLIED, desired->generation);
    int error = ask(edge, order, deadline_ms, observed);
    return error ? error : verdict(desired, observed);
}

static int
edge_question(struct device *device, bool asks_held, const char *sum_key, int deadline_ms,
              struct wire_observed *observed)
{
    struct edge *edge = edge_of(device);
    struct order *order = MEM_NEW(struct order);
    order->is_read_back = true;
    order->read_back.request = ++edge->requests;
    order->read_back.asks_held = asks_held;
    snprintf(order->read_back.sum_key, sizeof(order->read_back.sum_key), "%s", sum_key);
    snprintf(order->read_back.switch_name, sizeof(order->read_back.switch_name), "%s",
             edge->base.config.name);
    wait_for(edge, WAITING_READ_BACK, edge->requests);
    return ask(edge, order, deadline_ms, observed);
}

static void
edge_checkpoint(struct device *device, const struct wire_checkpoint *message)
{
    struct edge *edge = edge_of(device);
    if (edge->channel && edge->has_hello && edge->keeps_checkpoints) {
        (void)channel_send(edge->channel, WIRE_CHECKPOINT, message); /* false: it closes */
    }
}

static int
edge_read_back(struct device *device, int deadline_ms, struct wire_observed *observed)
{
    return edge_question(device, false, "", deadline_ms, observed);
}

static int
edge_sum(struct device *device, const char *key, int deadline_ms, struct wire_observed *observed)
{
    return edge_question(device, false, key, deadline_ms, observed);
}

static int
edge_held(struct device *device, int deadline_ms, struct wire_observed *observed)
{
    return edge_question(device, true, "", deadline_ms, observed);
}

static int
edge_open(const struct device_config *config, const struct device_listener *listener,
          struct device **device)
{
    if (!config->edge_hub) {
        return -EINVAL;
    }
    struct edge *edge = MEM_NEW(struct edge);
    edge->base = (struct device){.driver = &driver_edge, .config = *config, .listener = *listener};
    edge->hub = config->edge_hub;
    edge->answers = queue_new(ANSWERS_MAX);
    credit_init(&edge->credit, clock_boot_us(clock_system()));
    pthread_mutex_init(&edge->lock, NULL);
    TAILQ_INSERT_TAIL(&edge->hub->edges, edge, link);
    *device = &edge->base;
    tell_device(edge, NULL, "has not connected yet");
    return 0;
}

static void
edge_close(struct device *device)
{
    if (!device) {
        return;
    }
    struct edge *edge = edge_of(device);
    on_orders(-1, 0, edge->hub); /* none of them may name this edge any more */
    TAILQ_REMOVE(&edge->hub->edges, edge, link);
    if (edge->channel) {
        channel_drop(edge->channel);
    }
    report_drop(edge);
    answers_drain(edge);
    queue_free(edge->answers);
    pthread_mutex_destroy(&edge->lock);
    free(edge);
}

const struct driver driver_edge = {
    .name = "edge",
    .open = edge_open,
    .close = edge_close,
    .apply = edge_apply,
    .read_back = edge_read_back,
    .held = edge_held,
    .sum = edge_sum,
    .learn = NULL,
    .checkpoint = edge_checkpoint,
};
