#include "edge/kernel_link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define RECEIVE_ROOM (64 * 1024 * 1024) /* 20,000 new MACs in 0.3 s overran the default */
#define BUFFER_SIZE (256 * 1024)

struct kernel_link {
    int events_fd; /* multicast groups, and answers to dumps */
    struct event *readable;
    struct kernel_link_handler handler;
    enum { DUMP_NONE, DUMP_DEVICES, DUMP_NEIGHBOURS } dump;
    bool is_dump_wanted;
    uint32_t sequence;
    char buffer[BUFFER_SIZE] __attribute__((aligned(8)));
};

static void
dump_request(struct kernel_link *link, uint16_t type, uint8_t family)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg info; /* as large as ndmsg */
    } request = {.head = {.nlmsg_len = sizeof(request),
                          .nlmsg_type = type,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                          .nlmsg_seq = ++link->sequence},
                 .info = {.ifi_family = family}};
    if (send(link->events_fd, &request, sizeof(request), 0) < 0) {
        log_warn("kernel", "dump request failed", LOG_S("error", strerror(errno)));
        link->dump = DUMP_NONE;
        link->is_dump_wanted = true;
    }
}

void
kernel_link_dump(struct kernel_link *link)
{
    if (link->dump != DUMP_NONE) {
        link->is_dump_wanted = true;
        return;
    }
    link->is_dump_wanted = false;
    link->dump = DUMP_DEVICES;
    dump_request(link, RTM_GETLINK, AF_UNSPEC);
}

static void
dump_step(struct kernel_link *link)
{
    if (link->dump == DUMP_DEVICES) {
        link->dump = DUMP_NEIGHBOURS;
        dump_request(link, RTM_GETNEIGH, AF_BRIDGE);
        return;
    }
    link->dump = DUMP_NONE;
    link->handler.on_dump_done(link->handler.context);
    if (link->is_dump_wanted) {
        kernel_link_dump(link);
    }
}

static void
on_end(void *context, uint32_t sequence)
{
    struct kernel_link *link = context;
    if (link->dump != DUMP_NONE && sequence == link->sequence) {
        dump_step(link);
    }
}

static void
on_device(void *context, const struct kernel_device *device)
{
    struct kernel_link *link = context;
    link->handler.on_device(link->handler.context, device);
}

static void
on_neighbour(void *context, const struct kernel_neighbour *neighbour)
{
    struct kernel_link *link = context;
    link->handler.on_neighbour(link->handler.context, neighbour);
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct kernel_link *link = argument;
    const struct kernel_messages_handler handler = {on_device, on_neighbour, on_end, link};
    ssize_t size;
    while ((size = recv(fd, link->buffer, sizeof(link->buffer), MSG_DONTWAIT)) > 0) {
        kernel_messages_read(link->buffer, (size_t)size, &handler);
    }
    if (size < 0 && errno == ENOBUFS) {
        log_warn("kernel", "events were lost, reading everything again", LOG_END);
        link->dump = DUMP_NONE;
        kernel_link_dump(link);
    }
}

static int
socket_open(unsigned groups)
{
    int room = RECEIVE_ROOM;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -1;
    }
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    }
    return fd;
}

int
kernel_link_new(struct event_base *base, const struct kernel_link_handler *handler,
                struct kernel_link **link, char why[256])
{
    struct kernel_link *made = MEM_NEW(struct kernel_link);
    made->handler = *handler;
    made->events_fd = socket_open(RTMGRP_LINK | RTMGRP_NEIGH);
    if (made->events_fd < 0) {
        int error = errno;
        snprintf(why, 256, "no rtnetlink socket: %s", strerror(error));
        kernel_link_free(made);
        return -error;
    }
    made->readable = event_new(base, made->events_fd, EV_READ | EV_PERSIST, on_readable, made);
    event_priority_set(made->readable, 0);
    event_add(made->readable, NULL);
    *link = made;
    return 0;
}

void
kernel_link_free(struct kernel_link *link)
{
    if (!link) {
        return;
    }
    if (link->readable) {
        event_free(link->readable);
    }
    if (link->events_fd >= 0) {
        close(link->events_fd);
    }
    free(link);
}
