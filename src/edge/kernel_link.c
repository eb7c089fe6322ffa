/* rtnetlink(7).  The kernel is trusted, but its messages are still walked with the NLMSG and RTA
 * macros' own bounds. */
#include "edge/kernel_link.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
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
bridge_port_read(struct rtattr *info, struct kernel_device *device)
{
    unsigned left = (unsigned)RTA_PAYLOAD(info);
    bool is_port = false;
    struct rtattr *data = NULL;
    for (struct rtattr *at = RTA_DATA(info); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        if (at->rta_type == IFLA_INFO_SLAVE_KIND) {
            is_port = strncmp(RTA_DATA(at), "bridge", RTA_PAYLOAD(at)) == 0;
        } else if (at->rta_type == IFLA_INFO_SLAVE_DATA) {
            data = at;
        }
    }
    left = data ? (unsigned)RTA_PAYLOAD(data) : 0;
    for (struct rtattr *at = data ? RTA_DATA(data) : NULL; is_port && data && RTA_OK(at, left);
         at = RTA_NEXT(at, left)) {
        if (at->rta_type == IFLA_BRPORT_NO && RTA_PAYLOAD(at) >= sizeof(uint16_t)) {
            uint16_t number;
            memcpy(&number, RTA_DATA(at), sizeof(number));
            device->port_number = number;
        }
    }
}

static void
device_read(struct kernel_link *link, struct nlmsghdr *head)
{
    struct ifinfomsg *info = NLMSG_DATA(head);
    unsigned left = (unsigned)IFLA_PAYLOAD(head);
    if (info->ifi_family == AF_BRIDGE) {
        return; /* the same news again, from the bridge's side */
    }
    struct kernel_device device = {.ifindex = info->ifi_index,
                                   .is_gone = head->nlmsg_type == RTM_DELLINK,
                                   .is_up = (info->ifi_flags & IFF_UP) &&
                                            (info->ifi_flags & IFF_LOWER_UP)};
    for (struct rtattr *at = IFLA_RTA(info); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        size_t size = RTA_PAYLOAD(at);
        if (at->rta_type == IFLA_IFNAME) {
            snprintf(device.name, sizeof(device.name), "%s", (const char *)RTA_DATA(at));
        } else if (at->rta_type == IFLA_MASTER && size >= sizeof(int)) {
            memcpy(&device.master, RTA_DATA(at), sizeof(int));
        } else if (at->rta_type == IFLA_MTU && size >= sizeof(uint32_t)) {
            memcpy(&device.mtu, RTA_DATA(at), sizeof(uint32_t));
        } else if (at->rta_type == IFLA_ADDRESS && size == 6) {
            memcpy(device.mac.b, RTA_DATA(at), 6);
        } else if (at->rta_type == IFLA_LINKINFO) {
            bridge_port_read(at, &device);
        }
    }
    link->handler.on_device(link->handler.context, &device);
}

static void
neighbour_read(struct kernel_link *link, struct nlmsghdr *head)
{
    struct ndmsg *info = NLMSG_DATA(head);
    unsigned left = (unsigned)(RTM_PAYLOAD(head) - NLMSG_ALIGN(sizeof(*info)));
    if (info->ndm_family != AF_BRIDGE) {
        return;
    }
    struct kernel_neighbour neighbour = {.ifindex = info->ndm_ifindex,
                                         .is_gone = head->nlmsg_type == RTM_DELNEIGH,
                                         .is_local = (info->ndm_state & NUD_PERMANENT) ||
                                                     (info->ndm_flags & NTF_SELF)};
    struct rtattr *at = (struct rtattr *)(void *)((char *)info + NLMSG_ALIGN(sizeof(*info)));
    for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        if (at->rta_type == NDA_LLADDR && RTA_PAYLOAD(at) == 6) {
            memcpy(neighbour.mac.b, RTA_DATA(at), 6);
        } else if (at->rta_type == NDA_VLAN && RTA_PAYLOAD(at) >= 2) {
            memcpy(&neighbour.vlan, RTA_DATA(at), 2);
        }
    }
    if (!mac_is_none(&neighbour.mac) && !mac_is_group(&neighbour.mac)) {
        link->handler.on_neighbour(link->handler.context, &neighbour);
    }
}

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
messages_read(struct kernel_link *link, unsigned size)
{
    for (struct nlmsghdr *head = (struct nlmsghdr *)(void *)link->buffer; NLMSG_OK(head, size);
         head = NLMSG_NEXT(head, size)) {
        switch (head->nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
            device_read(link, head);
            break;
        case RTM_NEWNEIGH:
        case RTM_DELNEIGH:
            neighbour_read(link, head);
            break;
        case NLMSG_DONE:
        case NLMSG_ERROR:
            if (link->dump != DUMP_NONE && head->nlmsg_seq == link->sequence) {
                dump_step(link);
            }
            break;
        default:
            break;
        }
    }
}

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct kernel_link *link = argument;
    ssize_t size;
    while ((size = recv(fd, link->buffer, sizeof(link->buffer), MSG_DONTWAIT)) > 0) {
        messages_read(link, (unsigned)size);
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
