/* Switches for measurements: edges that speak the real protocol over real TLS with certificates of
 * their own, and hold what they are told in memory.  They say verified of everything, at once.
 *
 * usage: scale_edges ADDRESS PKI-FOLDER OUT-FOLDER NAME...
 *
 * One line of JSON for each containment that all of them hold now, for each snapshot that one took
 * ("told"), and for each time that all have answered one ("snapshot"): {"held": ID, "at_us": WALL,
 * "rules": COUNT}.  SIGUSR1: the first one loses all that it holds; SIGUSR2: all do. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/pki.h"
#include "bus/tls.h"
#include "wire/desired_set.h"
#include "wire/hello.h"
#include "wire/observed.h"
#include "wire/read_back.h"
#include "wire/rule_sum.h"

#define PART_RULES 1000 /* in one answer */

/* A rule that some edge holds; its number is its bit with each of them. */
struct known_rule {
    struct hmap_node by_id;
    uint32_t number;
    size_t holders;
    struct rule_digest digest;
    char id[RULE_ID_SIZE];
};

struct edges {
    struct event_base *base;
    struct hmap rules;
    struct known_rule **by_number;
    size_t rule_count, rule_room;
    struct edge *all;
    size_t count;
    size_t level; /* edges that answered a snapshot of this connection */
};

struct edge {
    struct edges *edges;
    struct tls_client *client;
    struct channel *channel;
    struct wire_desired partial;
    char name[NAME_SIZE], run_id[ID_SIZE];
    uint64_t epoch, generation;
    uint8_t *holds; /* a byte a rule */
    size_t room;
    bool is_level;
};

static void
say(const char *what, size_t rules)
{
    printf("{\"held\": \"%s\", \"at_us\": %lld, \"rules\": %zu}\n", what,
           (long long)clock_wall_us(clock_system()), rules);
    fflush(stdout);
}

static struct known_rule *
rule_need(struct edges *edges, const char *id, const struct rule *content)
{
    HMAP_FOR_EACH_HASH(rule, struct known_rule, by_id, hash_text(id), &edges->rules)
    {
        if (strcmp(rule->id, id) == 0) {
            return rule;
        }
    }
    struct known_rule *rule = MEM_NEW(struct known_rule);
    snprintf(rule->id, sizeof(rule->id), "%s", id);
    if (content) {
        rule_digest(content, &rule->digest);
    }
    if (edges->rule_count == edges->rule_room) {
        edges->rule_room = edges->rule_room ? edges->rule_room * 2 : 1024;
        edges->by_number =
            mem_resize(edges->by_number, edges->rule_room, sizeof(*edges->by_number));
    }
    rule->number = (uint32_t)edges->rule_count;
    edges->by_number[edges->rule_count++] = rule;
    hmap_insert(&edges->rules, &rule->by_id, hash_text(id));
    return rule;
}

static void
hold(struct edge *edge, const char *id, const struct rule *content)
{
    const bool is_held = content != NULL;
    struct known_rule *rule = rule_need(edge->edges, id, content);
    if (rule->number >= edge->room) {
        size_t room = edge->edges->rule_room;
        edge->holds = mem_resize(edge->holds, room, 1);
        memset(edge->holds + edge->room, 0, room - edge->room);
        edge->room = room;
    }
    if (edge->holds[rule->number] == is_held) {
        return;
    }
    edge->holds[rule->number] = is_held;
    rule->holders += is_held ? 1 : (size_t)-1;
    if (is_held && rule->holders == edge->edges->count && edge->is_level) {
        say(id, 1);
    }
}

/* Everything that it holds, or what 'delta' changed. */
static void
answer(struct edge *edge, const struct wire_desired *delta, uint64_t request)
{
    struct wire_observed *observed = MEM_NEW(struct wire_observed);
    struct rule_report *reports = mem_new(PART_RULES, sizeof(*reports));
    *observed = (struct wire_observed){.epoch = edge->epoch,
                                       .generation = edge->generation,
                                       .request = request,
                                       .is_full = delta == NULL,
                                       .applied_us = clock_wall_us(clock_system()),
                                       .rules = reports};
    snprintf(observed->switch_name, sizeof(observed->switch_name), "%s", edge->name);
    size_t count = delta ? delta->add_count : edge->room;
    for (size_t i = 0; i < count; i++) {
        if (!delta && !edge->holds[i]) {
            continue;
        }
        if (observed->rule_count == PART_RULES) {
            (void)channel_send(edge->channel, WIRE_OBSERVED, observed);
            observed->rule_count = 0;
        }
        const char *id = delta ? delta->add[i].id : edge->edges->by_number[i]->id;
        struct rule_report *report = &reports[observed->rule_count++];
        report->state = RULE_VERIFIED;
        snprintf(report->id, sizeof(report->id), "%s", id);
    }
    observed->is_last = true;
    (void)channel_send(edge->channel, WIRE_OBSERVED, observed); /* false: it closes */
    free(reports);
    free(observed);
}

/* As cordon-edge: one sum of all that it holds. */
static void
answer_sum(struct edge *edge, const struct wire_read_back *question)
{
    struct wire_observed observed = {.epoch = edge->epoch,
                                     .generation = edge->generation,
                                     .request = question->request,
                                     .is_last = true};
    struct rule_digest *digests = mem_new(edge->room + 1, sizeof(*digests));
    size_t count = 0;
    for (size_t i = 0; i < edge->room; i++) {
        if (edge->holds[i]) {
            digests[count++] = edge->edges->by_number[i]->digest;
        }
    }
    snprintf(observed.switch_name, sizeof(observed.switch_name), "%s", edge->name);
    if (!rules_sum(digests, count, question->sum_key, observed.sum)) {
        observed.sum[0] = '\0';
    }
    (void)channel_send(edge->channel, WIRE_OBSERVED, &observed); /* false: it closes */
    free(digests);
}

static void
refuse(struct edge *edge)
{
    struct wire_observed observed = {.epoch = edge->epoch,
                                     .generation = edge->generation,
                                     .is_last = true,
                                     .needs_snapshot = true};
    snprintf(observed.switch_name, sizeof(observed.switch_name), "%s", edge->name);
    (void)channel_send(edge->channel, WIRE_OBSERVED, &observed);
}

static void
forget(struct edge *edge)
{
    for (size_t i = 0; i < edge->room; i++) {
        if (edge->holds[i]) {
            edge->holds[i] = 0;
            edge->edges->by_number[i]->holders--;
        }
    }
}

static void
apply(struct edge *edge, const struct wire_desired *desired)
{
    bool is_snapshot = desired->base == 0;
    edge->epoch = desired->epoch;
    if (!is_snapshot && desired->base != edge->generation) {
        refuse(edge);
        return;
    }
    if (is_snapshot) {
        forget(edge);
    }
    for (size_t i = 0; i < desired->remove_count; i++) {
        hold(edge, desired->remove[i].id, NULL);
    }
    for (size_t i = 0; i < desired->add_count; i++) {
        hold(edge, desired->add[i].id, &desired->add[i]);
    }
    edge->generation = desired->generation;
    answer(edge, is_snapshot ? NULL : desired, 0);
    if (is_snapshot) {
        say("told", desired->add_count);
    }
    if (is_snapshot && !edge->is_level) {
        edge->is_level = true;
        if (++edge->edges->level == edge->edges->count) {
            say("snapshot", desired->add_count);
        }
    }
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct edge *edge = context;
    (void)channel;
    const struct wire_read_back *question = message;
    if (type == WIRE_READ_BACK && question->sum_key[0] != '\0') {
        answer_sum(edge, question);
    } else if (type == WIRE_READ_BACK) {
        answer(edge, NULL, question->request);
    } else if (type == WIRE_DESIRED && desired_collect(&edge->partial, message)) {
        apply(edge, &edge->partial);
        wire_fini(WIRE_DESIRED, &edge->partial);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct edge *edge = context;
    (void)channel, (void)why;
    edge->channel = NULL;
    edge->edges->level -= edge->is_level;
    edge->is_level = false;
    wire_fini(WIRE_DESIRED, &edge->partial);
}

static void
on_open(void *context, struct channel *channel)
{
    struct edge *edge = context;
    struct wire_hello hello = {.tells_held = true,
                               .epoch = edge->epoch,
                               .generation = edge->generation,
                               .wall_us = clock_wall_us(clock_system()),
                               .tells_sum = true};
    edge->channel = channel;
    snprintf(hello.name, sizeof(hello.name), "%s", edge->name);
    snprintf(hello.version, sizeof(hello.version), "%s", CORDON_VERSION);
    snprintf(hello.boot_id, sizeof(hello.boot_id), "bench");
    snprintf(hello.run_id, sizeof(hello.run_id), "%s", edge->run_id);
    (void)channel_send(channel, WIRE_HELLO, &hello);
}

static int
edge_start(struct edge *edge, const char *address, const char *pki, const char *out)
{
    char ca[512], cert[512], key[512], master[512], why[256] = "";
    const struct channel_handler handler = {on_message, on_close, edge};
    snprintf(master, sizeof(master), "%s/../secret.key", pki);
    snprintf(ca, sizeof(ca), "%s/ca.pem", out);
    snprintf(cert, sizeof(cert), "%s/%s.pem", out, edge->name);
    snprintf(key, sizeof(key), "%s/%s.key", out, edge->name);
    const struct tls_files files = {.ca = ca, .cert = cert, .key = key};
    id_make(clock_wall_us(clock_system()), edge->run_id);
    int error = pki_issue(pki, master, "edge", edge->name, out, why);
    if (!error) {
        error = tls_client_new(edge->edges->base, address, &files, ROLE_EDGE, ROLE_DRIVER, &handler,
                               on_open, edge, &edge->client, why);
    }
    if (error) {
        fprintf(stderr, "scale_edges: %s: %s\n", edge->name, why);
    }
    return error;
}

/* As by a reboot without a disk: SIGUSR1 the first one, SIGUSR2 all. */
static void
on_signal(evutil_socket_t number, short what, void *context)
{
    struct edges *edges = context;
    (void)what;
    for (size_t i = 0; i < (number == SIGUSR1 ? 1 : edges->count); i++) {
        struct edge *edge = &edges->all[i];
        forget(edge);
        edge->epoch = edge->generation = 0;
        if (edge->channel) {
            channel_close(edge->channel, "it lost everything");
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: scale_edges ADDRESS PKI-FOLDER OUT-FOLDER NAME...\n");
        return 2;
    }
    log_setup("scale_edges", LOG_TEXT, LOG_ERROR);
    struct edges edges = {.base = event_base_new(), .count = (size_t)argc - 4};
    hmap_init(&edges.rules);
    edges.all = mem_new(edges.count, sizeof(*edges.all));
    int error = file_make_dirs(argv[3], 0700);
    for (size_t i = 0; !error && i < edges.count; i++) {
        edges.all[i].edges = &edges;
        snprintf(edges.all[i].name, NAME_SIZE, "%s", argv[i + 4]);
        error = edge_start(&edges.all[i], argv[1], argv[2], argv[3]);
    }
    struct event *one = evsignal_new(edges.base, SIGUSR1, on_signal, &edges);
    struct event *all = evsignal_new(edges.base, SIGUSR2, on_signal, &edges);
    evsignal_add(one, NULL);
    evsignal_add(all, NULL);
    return error ? 1 : event_base_dispatch(edges.base);
}
