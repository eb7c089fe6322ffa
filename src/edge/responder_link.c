#include "edge/responder_link.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/packet.h"
#include "edge/responder.h"

#define FRAMES_PER_TURN 64
#define TOLD_MAX 4096
#define LEARNT_MAX 16
#define ASKED_MAX 64  /* in one turn: it is a broadcast each */
#define ASK_MS 100    /* a turn; an owner is asked in turns 0, 1, 2, 4, 8 ... */
#define ASK_TURNS 128 /* then its cache entry at the endpoint grows old by itself */

/* "I told 'to' that 'ip' is at the sink." */
struct told {
    struct mac to;
    struct ip to_ip, ip;
    int ifindex;
    uint16_t vlan;
    bool is_due;   /* is to be put right as soon as the truth is known */
    uint8_t turns; /* since then */
};

struct responder_link {
    struct datapath *datapath;
    const struct desired *desired;
    const struct learn *learn;
    struct responder_settings settings;
    struct event *readable;
    struct event *ask; /* pending while something is due */
    struct told *told; /* ring: the newest TOLD_MAX; in a file, so that it outlives us */
    size_t told_next;
    size_t due_count;
    struct responder_frame *current;
};

static void on_ask(evutil_socket_t fd, short what, void *argument);
static void told_correct(struct responder_link *respond, struct told *told);

static size_t
warnings(void *context, const struct rule_warning **warnings, size_t room)
{
    const struct responder_link *respond = context;
    return desired_warnings(respond->desired, warnings, room);
}

static void
on_emit(void *context, const uint8_t *frame, size_t size, bool is_forward)
{
    struct responder_link *respond = context;
    const struct responder_frame *to = respond->current;
    /* a lost answer is asked for again: counted in the datapath, nothing else to do */
    if (is_forward) {
        (void)!datapath_forward(respond->datapath, to->ifindex, to->vlan, frame, size);
    } else {
        (void)!datapath_reply(respond->datapath, to->ifindex, to->vlan, frame, size);
    }
}

/* NULL: that was no question for a MAC. */
static struct told *
told_keep(struct responder_link *respond, const struct packet *packet)
{
    struct ip asked = packet->dst;
    if (packet->kind == PACKET_ND) {
        struct cursor in = packet->payload;
        cur_skip(&in, 4);
        cur_copy(&in, asked.b, sizeof(asked.b));
    } else if (packet->kind != PACKET_ARP) {
        return NULL;
    }
    for (size_t i = 0; i < TOLD_MAX; i++) {
        struct told *told = &respond->told[i];
        if (mac_is_equal(&told->to, &packet->src_mac) && ip_is_equal(&told->ip, &asked)) {
            told->ifindex = respond->current->ifindex; /* it may have moved meanwhile */
            told->vlan = respond->current->vlan;
            return told;
        }
    }
    struct told *place = &respond->told[respond->told_next++ % TOLD_MAX];
    respond->due_count -= place->is_due;
    *place = (struct told){.to = packet->src_mac,
                           .to_ip = packet->src,
                           .ip = asked,
                           .ifindex = respond->current->ifindex,
                           .vlan = respond->current->vlan};
    return place;
}

/* Who sent it, in the rules: its own isolate rule, or that of a held port.  False: nobody whom a
 * rule holds any more. */
static bool
endpoint_find(const struct responder_link *respond, const struct packet *packet, int ifindex,
              struct responder_endpoint *endpoint)
{
    const struct rule *rule = desired_isolate_of(respond->desired, &packet->src_mac, &packet->src);
    const char *port = rule ? NULL : learn_port_name(respond->learn, ifindex);
    const struct rule *hold = port ? desired_hold_of(respond->desired, port) : NULL;
    *endpoint = (struct responder_endpoint){.case_number = "", .reason = ""};
    if (rule) {
        endpoint->case_number = rule->isolate.case_number;
        endpoint->reason = rule->isolate.reason ? rule->isolate.reason : "";
        endpoint->permits = desired_permits(respond->desired, rule->isolate.permit_set);
    } else if (hold) {
        endpoint->case_number = hold->hold_port.case_number;
        endpoint->permits = desired_permits(respond->desired, hold->hold_port.permit_set);
    }
    return (rule || hold) && !desired_is_suspended(respond->desired);
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct responder_link *respond = argument;
    struct responder_frame frame;
    for (int i = 0; i < FRAMES_PER_TURN && datapath_responder_read(respond->datapath, &frame);
         i++) {
        struct packet packet;
        struct responder_endpoint endpoint;
        if (!packet_parse(frame.frame, frame.size, &packet)) {
            continue;
        }
        respond->current = &frame;
        struct told *told = told_keep(respond, &packet);
        if (endpoint_find(respond, &packet, frame.ifindex, &endpoint)) {
            responder_answer(&respond->settings, &endpoint, frame.frame, frame.size, on_emit,
                             respond);
        } else if (told) {
            /* Released while its question waited here: the sink, told after the truth, would stay
             * in its cache. */
            told_correct(respond, told);
        }
    }
}

/* What endpoints were told by an earlier run is still in their caches. */
static void
told_open(struct responder_link *respond, const char *run_dir)
{
    char path[URL_SIZE + 16];
    const size_t size = TOLD_MAX * sizeof(respond->told[0]);
    snprintf(path, sizeof(path), "%s/told", run_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool is_kept = fd >= 0 && ftruncate(fd, (off_t)size) == 0;
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      is_kept ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, is_kept ? fd : -1, 0);
    if (fd >= 0) {
        close(fd);
    }
    if (room == MAP_FAILED) {
        abort(); /* as mem_new */
    }
    respond->told = room;
    for (size_t i = 0; i < TOLD_MAX; i++) {
        respond->told[i].is_due = false;
    }
}

struct responder_link *
responder_link_new(struct event_base *base, struct datapath *datapath,
                   const struct edge_settings *settings)
{
    struct responder_link *respond = MEM_NEW(struct responder_link);
    respond->datapath = datapath;
    told_open(respond, settings->run_dir);
    respond->settings = (struct responder_settings){
        /* locally administered; the same on every edge, so that a move changes nothing */
        .sink = {{0x02, 0xc0, 0x4d, 0x00, 0x00, 0x01}},
        .warning_address = settings->warning_address,
        .warnings = warnings,
        .context = respond};
    if (getrandom(respond->settings.key, sizeof(respond->settings.key), 0) !=
        (ssize_t)sizeof(respond->settings.key)) {
        abort();
    }
    respond->readable = event_new(base, datapath_responder_fd(datapath), EV_READ | EV_PERSIST,
                                  on_readable, respond);
    respond->ask = evtimer_new(base, on_ask, respond);
    return respond;
}

void
responder_link_join(struct responder_link *respond, const struct desired *desired,
                    const struct learn *learn)
{
    respond->desired = desired;
    respond->learn = learn;
    event_add(respond->readable, NULL);
}

void
responder_link_free(struct responder_link *respond)
{
    if (respond) {
        event_free(respond->readable);
        event_free(respond->ask);
        munmap(respond->told, TOLD_MAX * sizeof(respond->told[0]));
        free(respond);
    }
}

static void
told_forget(struct responder_link *respond, struct told *told)
{
    respond->due_count -= told->is_due;
    *told = (struct told){.ifindex = 0};
}

static void
ask_soon(struct responder_link *respond, unsigned ms)
{
    const struct timeval delay = {.tv_usec = (suseconds_t)ms * 1000};
    event_add(respond->ask, &delay);
}

/* The truth; where it is not known, its owner is asked. */
static void
told_correct(struct responder_link *respond, struct told *told)
{
    uint8_t frame[RESPONDER_FRAME_MAX];
    struct mac mac;
    if (learn_mac_of(respond->learn, &told->ip, &mac)) {
        size_t size = responder_correct(&told->to, &told->to_ip, &told->ip, &mac, frame);
        (void)!datapath_reply(respond->datapath, told->ifindex, told->vlan, frame, size);
        told_forget(respond, told);
        return;
    }
    if (!told->is_due) {
        told->is_due = true;
        told->turns = 0;
        respond->due_count++;
        ask_soon(respond, 0);
    }
}

/* "Who has it?"  May be lost, as when the bridge was made anew a moment ago: asked again. */
static void
owner_ask(struct responder_link *respond, const struct told *told)
{
    uint8_t frame[RESPONDER_FRAME_MAX];
    const struct mac own = learn_bridge_mac(respond->learn);
    size_t size = responder_probe(&own, &told->ip, frame);
    (void)!datapath_reply(respond->datapath, learn_bridge(respond->learn), told->vlan, frame, size);
}

static void
on_ask(evutil_socket_t fd, short what, void *argument)
{
    struct responder_link *respond = argument;
    unsigned asked = 0;
    (void)fd, (void)what;
    for (size_t i = 0; i < TOLD_MAX && respond->due_count > 0; i++) {
        struct told *told = &respond->told[i];
        if (!told->is_due) {
            continue;
        }
        bool is_turn = (told->turns & (told->turns - 1)) == 0;
        if (is_turn && asked == ASKED_MAX) {
            continue; /* keeps its turn */
        }
        if (is_turn) {
            owner_ask(respond, told);
            asked++;
        }
        if (++told->turns >= ASK_TURNS) {
            told->is_due = false;
            respond->due_count--;
        }
    }
    if (respond->due_count > 0) {
        ask_soon(respond, ASK_MS);
    }
}

void
responder_link_learnt(struct responder_link *respond)
{
    for (size_t i = 0; i < TOLD_MAX && respond->due_count > 0; i++) {
        struct mac mac;
        if (respond->told[i].is_due && learn_mac_of(respond->learn, &respond->told[i].ip, &mac)) {
            told_correct(respond, &respond->told[i]);
        }
    }
}

void
responder_link_dns_answer(struct responder_link *respond, const uint8_t *frame, size_t size)
{
    struct packet packet;
    struct responder_learnt learnt[LEARNT_MAX];
    if (!packet_parse(frame, size, &packet)) {
        return;
    }
    const struct rule *rule = desired_isolate_of(respond->desired, &packet.dst_mac, &packet.dst);
    const struct permit_set *permits =
        rule ? desired_permits(respond->desired, rule->isolate.permit_set) : NULL;
    size_t count = permits ? responder_learn(permits, frame, size, learnt, LEARNT_MAX) : 0;
    for (size_t i = 0; i < count; i++) {
        (void)!datapath_learn_name(respond->datapath, permits->name, learnt[i].permit,
                                   &learnt[i].ip, learnt[i].ttl_s + 60);
        for (size_t j = 0; j < TOLD_MAX; j++) {
            struct told *told = &respond->told[j];
            if (mac_is_equal(&told->to, &packet.dst_mac) && ip_is_equal(&told->ip, &learnt[i].ip)) {
                told_correct(respond, told);
            }
        }
    }
}

void
responder_link_correct_all(struct responder_link *respond)
{
    for (size_t i = 0; i < TOLD_MAX; i++) {
        if (!mac_is_none(&respond->told[i].to)) {
            told_correct(respond, &respond->told[i]);
        }
    }
}

void
responder_link_release(struct responder_link *respond, const struct rule *rule)
{
    for (size_t i = 0; i < TOLD_MAX; i++) {
        struct told *told = &respond->told[i];
        bool is_its =
            !mac_is_none(&told->to) &&
            (mac_is_none(&rule->isolate.mac) ? ip_is_equal(&told->to_ip, &rule->isolate.ip)
                                             : mac_is_equal(&told->to, &rule->isolate.mac));
        if (is_its) {
            told_correct(respond, told);
        }
    }
}
