/* Continuous two-way flows between hosts of the lab, counting every lost datagram.
 *
 *   flows RATE NS1 ADDR1 NS2 ADDR2 [NS3 ADDR3 NS4 ADDR4 ...]
 *
 * Each group of four words is a pair: UDP datagrams with sequence numbers, RATE per second in each
 * direction, from now on until standard input ends.  A line on standard input prints a snapshot as
 * one line of JSON: sent, received, lost, duplicated, highest number that arrived (+ 1), and the
 * longest silence of each direction.
 * A datagram counts as lost once a later one has arrived, or when it is older than a second. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include "enter.h"

#define FLOWS_MAX 256
#define WINDOW 4096 /* sequence numbers remembered, to tell late from lost */

struct flow { /* one direction */
    const char *from, *to;
    int fd; /* the sender's socket, connected to the receiver's */
    int peer_fd;
    uint64_t sent, received, duplicated, failed;
    uint64_t highest; /* sequence number + 1 */
    int64_t sent_us[WINDOW];
    bool arrived[WINDOW];
    int64_t last_us, silence_us;
};

static struct flow flows[FLOWS_MAX];
static size_t flow_count;

static int64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
open_socket(const char *netns, const char *address, struct sockaddr_storage *own, socklen_t *size)
{
    enter(netns);
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    if (getaddrinfo(address, "0", &hints, &found) != 0) {
        fprintf(stderr, "%s: not an address\n", address);
        exit(2);
    }
    int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int room = 8 << 20;
    *size = found->ai_addrlen;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
        getsockname(fd, (struct sockaddr *)own, size) < 0) {
        perror(address);
        exit(2);
    }
    freeaddrinfo(found);
    return fd;
}

static void
add_pair(char **word)
{
    struct sockaddr_storage a, b;
    socklen_t a_size, b_size;
    int a_fd = open_socket(word[0], word[1], &a, &a_size);
    int b_fd = open_socket(word[2], word[3], &b, &b_size);
    if (connect(a_fd, (struct sockaddr *)&b, b_size) < 0 ||
        connect(b_fd, (struct sockaddr *)&a, a_size) < 0) {
        perror("connect");
        exit(2);
    }
    flows[flow_count++] =
        (struct flow){.from = word[1], .to = word[3], .fd = a_fd, .peer_fd = b_fd};
    flows[flow_count++] =
        (struct flow){.from = word[3], .to = word[1], .fd = b_fd, .peer_fd = a_fd};
}

static void
send_one(struct flow *flow, int64_t now)
{
    uint64_t payload[8] = {flow->sent};
    if (send(flow->fd, payload, sizeof(payload), 0) < 0) {
        flow->failed++; /* counted as lost: its number never arrives */
    }
    size_t slot = flow->sent % WINDOW;
    flow->sent_us[slot] = now;
    flow->arrived[slot] = false;
    flow->sent++;
}

static void
receive_all(struct flow *flow)
{
    uint64_t payload[8];
    while (recv(flow->peer_fd, payload, sizeof(payload), 0) == (ssize_t)sizeof(payload)) {
        int64_t now = now_us();
        uint64_t number = payload[0];
        if (number >= flow->sent || flow->sent - number > WINDOW) {
            continue;
        }
        if (flow->arrived[number % WINDOW]) {
            flow->duplicated++;
            continue;
        }
        flow->arrived[number % WINDOW] = true;
        flow->received++;
        if (number >= flow->highest) {
            flow->highest = number + 1;
        }
        if (flow->last_us != 0 && now - flow->last_us > flow->silence_us) {
            flow->silence_us = now - flow->last_us;
        }
        flow->last_us = now;
    }
}

/* Those still on their way are not lost: later than the highest that arrived and younger than 1 s.
 */
static uint64_t
lost_of(const struct flow *flow, int64_t now)
{
    uint64_t under_way = 0;
    for (uint64_t number = flow->highest; number < flow->sent; number++) {
        if (flow->sent - number <= WINDOW && now - flow->sent_us[number % WINDOW] < 1000000) {
            under_way++;
        }
    }
    return flow->sent - flow->received - under_way;
}

static void
print_snapshot(void)
{
    int64_t now = now_us();
    printf("[");
    for (size_t i = 0; i < flow_count; i++) {
        const struct flow *flow = &flows[i];
        printf("%s{\"from\":\"%s\",\"to\":\"%s\",\"sent\":%llu,\"received\":%llu,\"lost\":%llu,"
               "\"highest\":%llu,\"duplicated\":%llu,\"failed\":%llu,\"silence_us\":%lld}",
               i ? "," : "", flow->from, flow->to, (unsigned long long)flow->sent,
               (unsigned long long)flow->received, (unsigned long long)lost_of(flow, now),
               (unsigned long long)flow->highest, (unsigned long long)flow->duplicated,
               (unsigned long long)flow->failed, (long long)flow->silence_us);
    }
    printf("]\n");
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    double rate = argc > 1 ? atof(argv[1]) : 0;
    int pairs = (argc - 2) / 4;
    if (rate < 1 || rate > 10000 || pairs < 1 || (argc - 2) % 4 != 0 || pairs * 2 > FLOWS_MAX) {
        fprintf(stderr, "usage: flows RATE NS1 ADDR1 NS2 ADDR2 [...]\n");
        return 2;
    }
    int poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < pairs; i++) {
        add_pair(argv + 2 + 4 * i);
    }
    for (size_t i = 0; i < flow_count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        epoll_ctl(poller, EPOLL_CTL_ADD, flows[i].peer_fd, &event);
    }
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    long period_ns = (long)(1e9 / rate / (double)flow_count);
    struct itimerspec every = {{0, period_ns}, {0, period_ns}};
    timerfd_settime(timer, 0, &every, NULL);
    struct epoll_event tick = {.events = EPOLLIN, .data.u64 = FLOWS_MAX};
    struct epoll_event input = {.events = EPOLLIN, .data.u64 = FLOWS_MAX + 1};
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &tick);
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    for (size_t turn = 0;;) {
        struct epoll_event events[64];
        int count = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < count; i++) {
            uint64_t due = 0;
            char line[64];
            if (events[i].data.u64 < FLOWS_MAX) {
                receive_all(&flows[events[i].data.u64]);
            } else if (events[i].data.u64 == FLOWS_MAX + 1) {
                if (read(STDIN_FILENO, line, sizeof(line)) <= 0) {
                    return 0;
                }
                print_snapshot();
            } else if (read(timer, &due, sizeof(due)) == sizeof(due)) {
                /* After a long stall the burst is bounded; what is skipped was never sent. */
                for (; due > 0; due--) {
                    send_one(&flows[turn], now_us());
                    turn = (turn + 1) % flow_count;
                    if (due > 2 * flow_count) {
                        due = 2 * flow_count;
                    }
                }
            }
        }
    }
}
