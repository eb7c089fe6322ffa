#include "edge/lldp_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/lldp.h"

#define FAST_COUNT 4 /* one a second after a port came up (IEEE 802.1AB 9.2.5.19) */
#define TTL_FACTOR 4
#define FRAMES_PER_TURN 64

struct lldp_link {
    const struct edge_settings *settings;
    struct learn *learn;
    int fd;
    struct event *readable;
    struct sent {
        int ifindex;
        unsigned fast, wait_s;
    } sent[LEARN_PORTS_MAX];
    size_t sent_count;
};

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct lldp_link *link = argument;
    uint8_t frame[LLDP_FRAME_MAX];
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        struct sockaddr_ll from;
        socklen_t from_size = sizeof(from);
        ssize_t size =
            recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
        struct lldp_neighbour neighbour;
        if (size < 0) {
            return;
        }
        if (from.sll_pkttype != PACKET_OUTGOING && lldp_parse(frame, (size_t)size, &neighbour)) {
            learn_lldp(link->learn, from.sll_ifindex, &neighbour);
        }
    }
}

int
lldp_link_new(struct event_base *base, const struct edge_settings *settings, struct learn *learn,
              struct lldp_link **link, char why[256])
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_LLDP));
    if (fd < 0) {
        int error = errno;
        snprintf(why, 256, "no packet socket for LLDP: %s", strerror(error));
        return -error;
    }
    struct lldp_link *made = MEM_NEW(struct lldp_link);
    made->settings = settings;
    made->learn = learn;
    made->fd = fd;
    made->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, made);
    event_add(made->readable, NULL);
    *link = made;
    return 0;
}

void
lldp_link_free(struct lldp_link *link)
{
    if (link) {
        event_free(link->readable);
        close(link->fd);
        free(link);
    }
}

static void
frame_send(struct lldp_link *link, const struct learn_port *port)
{
    uint8_t frame[LLDP_FRAME_MAX];
    struct lldp_self self = {.chassis = learn_bridge_mac(link->learn),
                             .port_mac = port->mac,
                             .management = link->settings->mirror_source,
                             .ttl_s = (uint16_t)(link->settings->lldp_interval_s * TTL_FACTOR)};
    snprintf(self.port, sizeof(self.port), "%s", port->name);
    snprintf(self.system_name, sizeof(self.system_name), "%s", link->settings->name);
    size_t size = lldp_make(&self, frame);
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_LLDP),
                             .sll_ifindex = port->ifindex,
                             .sll_halen = 6};
    memcpy(to.sll_addr, frame, 6);
    (void)!sendto(link->fd, frame, size, 0, (struct sockaddr *)&to, sizeof(to));
}

/* The sender's state for that port; a new port starts fast. */
static struct sent *
sent_find(struct lldp_link *link, int ifindex)
{
    for (size_t i = 0; i < link->sent_count; i++) {
        if (link->sent[i].ifindex == ifindex) {
            return &link->sent[i];
        }
    }
    size_t at = link->sent_count < LEARN_PORTS_MAX ? link->sent_count++ : 0;
    link->sent[at] = (struct sent){.ifindex = ifindex, .fast = FAST_COUNT};
    return &link->sent[at];
}

void
lldp_link_tick(struct lldp_link *link)
{
    struct learn_port ports[LEARN_PORTS_MAX];
    size_t count = learn_ports(link->learn, ports, LEARN_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct sent *sent = sent_find(link, ports[i].ifindex);
        if (!ports[i].is_up) {
            sent->fast = FAST_COUNT;
            sent->wait_s = 0;
        } else if (sent->wait_s == 0) {
            frame_send(link, &ports[i]);
            sent->wait_s = sent->fast > 0 ? 0 : link->settings->lldp_interval_s - 1;
            sent->fast -= sent->fast > 0;
        } else {
            sent->wait_s--;
        }
    }
}
