#include "edge/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_SIZE 512
#define ANSWER_SIZE 8192
#define PORT_DISCARD 9
#define WAIT_S 2 /* the kernel answers at once; a stuck one must not hold the loop */

struct request {
    struct nlmsghdr head;
    union {
        struct ifinfomsg device;
        struct rtmsg route;
        struct ndmsg neighbour;
    };
    char attributes[REQUEST_SIZE];
};

union answer {
    struct nlmsghdr head;
    char bytes[ANSWER_SIZE];
};

static struct request
request_start(uint16_t type, uint16_t flags, size_t body_size)
{
    return (struct request){.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(body_size),
                                     .nlmsg_type = type,
                                     .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
                                     .nlmsg_seq = 1}};
}

static struct rtattr *
attribute_add(struct request *request, unsigned short type, const void *value, size_t size)
{
    struct rtattr *at =
        (struct rtattr *)(void *)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len));
    at->rta_type = type;
    at->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size > 0) {
        memcpy(RTA_DATA(at), value, size);
    }
    request->head.nlmsg_len =
        (uint32_t)(NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(at->rta_len));
    return at;
}

/* One request, one answer: 0 or the kernel's negative errno. */
static int
ask(const struct request *request, union answer *answer)
{
    const struct timeval wait = {.tv_sec = WAIT_S};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return -errno;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    ssize_t size = send(fd, request, request->head.nlmsg_len, 0);
    size = size < 0 ? size : recv(fd, answer, sizeof(*answer), 0);
    int error = errno;
    close(fd);
    if (size < 0) {
        return -error;
    }
    if (!NLMSG_OK(&answer->head, (size_t)size)) {
        return -EBADMSG;
    }
    if (answer->head.nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr told;
        memcpy(&told, NLMSG_DATA(&answer->head), sizeof(told));
        return told.error;
    }
    return 0;
}

int
rtnl_make_device(const char *name, const char *kind)
{
    union answer answer;
    struct request request =
        request_start(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    attribute_add(&request, IFLA_IFNAME, name, strlen(name) + 1);
    struct rtattr *info = attribute_add(&request, IFLA_LINKINFO, NULL, 0);
    attribute_add(&request, IFLA_INFO_KIND, kind, strlen(kind));
    info->rta_len = (unsigned short)((char *)&request + request.head.nlmsg_len - (char *)info);
    int result = ask(&request, &answer);
    return result == -EEXIST ? 0 : result;
}

int
rtnl_delete_device(int ifindex)
{
    union answer answer;
    struct request request = request_start(RTM_DELLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
    request.device.ifi_index = ifindex;
    return ask(&request, &answer);
}

int
rtnl_set_master(int ifindex, int master)
{
    union answer answer;
    struct request request = request_start(RTM_NEWLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
    request.device.ifi_index = ifindex;
    attribute_add(&request, IFLA_MASTER, &master, sizeof(master));
    return ask(&request, &answer);
}

int
rtnl_set_up(int ifindex, bool is_up)
{
    union answer answer;
    struct request request = request_start(RTM_NEWLINK, NLM_F_ACK, sizeof(struct ifinfomsg));
    request.device.ifi_index = ifindex;
    request.device.ifi_change = IFF_UP;
    request.device.ifi_flags = is_up ? IFF_UP : 0;
    return ask(&request, &answer);
}

/* ---- next hop ---- */

static int
route_ask(const struct ip *to, struct next_hop *hop, struct ip *gateway)
{
    union answer answer;
    struct request request = request_start(RTM_GETROUTE, 0, sizeof(struct rtmsg));
    request.route.rtm_family = AF_INET;
    request.route.rtm_dst_len = 32;
    attribute_add(&request, RTA_DST, to->b + 12, 4);
    int result = ask(&request, &answer);
    if (result) {
        return result;
    }
    const struct rtmsg *route = NLMSG_DATA(&answer.head);
    unsigned left = (unsigned)RTM_PAYLOAD(&answer.head);
    if (answer.head.nlmsg_type != RTM_NEWROUTE || route->rtm_type != RTN_UNICAST) {
        return -ENETUNREACH; /* also our own address: a copy to oneself makes no sense */
    }
    *gateway = *to;
    for (struct rtattr *at = RTM_RTA(route); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        if (at->rta_type == RTA_OIF && RTA_PAYLOAD(at) >= sizeof(int)) {
            memcpy(&hop->ifindex, RTA_DATA(at), sizeof(int));
        } else if (at->rta_type == RTA_GATEWAY && RTA_PAYLOAD(at) >= 4) {
            *gateway = ip_from_v4(RTA_DATA(at));
        } else if (at->rta_type == RTA_PREFSRC && RTA_PAYLOAD(at) >= 4) {
            hop->source = ip_from_v4(RTA_DATA(at));
        }
    }
    return hop->ifindex ? 0 : -ENETUNREACH;
}

/* A datagram to the discard port makes the kernel resolve the way, as any other would. */
static void
neighbour_wake(const struct ip *to)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT_DISCARD)};
    memcpy(&address.sin_addr, to->b + 12, 4);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        (void)!sendto(fd, "", 1, 0, (struct sockaddr *)&address, sizeof(address));
        close(fd);
    }
}

static bool
neighbour_ask(const struct ip *gateway, struct next_hop *hop)
{
    union answer answer;
    struct request request = request_start(RTM_GETNEIGH, 0, sizeof(struct ndmsg));
    request.neighbour.ndm_family = AF_INET;
    request.neighbour.ndm_ifindex = hop->ifindex;
    attribute_add(&request, NDA_DST, gateway->b + 12, 4);
    if (ask(&request, &answer) || answer.head.nlmsg_type != RTM_NEWNEIGH) {
        return false;
    }
    const struct ndmsg *neighbour = NLMSG_DATA(&answer.head);
    unsigned left = (unsigned)(RTM_PAYLOAD(&answer.head) - NLMSG_ALIGN(sizeof(*neighbour)));
    struct rtattr *at = (struct rtattr *)(void *)((char *)NLMSG_DATA(&answer.head) +
                                                  NLMSG_ALIGN(sizeof(*neighbour)));
    bool is_good = !(neighbour->ndm_state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NONE));
    if (neighbour->ndm_state & NUD_STALE) {
        neighbour_wake(gateway); /* copies do not pass the kernel's own check: have it look */
    }
    for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        if (at->rta_type == NDA_LLADDR && RTA_PAYLOAD(at) == 6) {
            memcpy(hop->mac.b, RTA_DATA(at), 6);
            return is_good;
        }
    }
    return false;
}

static int
own_mac(struct next_hop *hop)
{
    struct ifreq request = {.ifr_ifindex = hop->ifindex};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int result =
        ioctl(fd, SIOCGIFNAME, &request) || ioctl(fd, SIOCGIFHWADDR, &request) ? -errno : 0;
    close(fd);
    if (!result) {
        memcpy(hop->own_mac.b, request.ifr_hwaddr.sa_data, 6);
    }
    return result;
}

int
rtnl_next_hop(const struct ip *to, unsigned wait_ms, struct next_hop *hop)
{
    struct ip gateway;
    if (!ip_is_v4(to)) {
        return -EAFNOSUPPORT;
    }
    *hop = (struct next_hop){.ifindex = 0};
    int result = route_ask(to, hop, &gateway);
    if (result) {
        return result;
    }
    bool is_resolved = neighbour_ask(&gateway, hop);
    if (!is_resolved) {
        neighbour_wake(to);
    }
    for (unsigned i = 0; i < wait_ms && !is_resolved; i++) {
        usleep(1000);
        is_resolved = neighbour_ask(&gateway, hop);
    }
    return is_resolved ? own_mac(hop) : -EAGAIN;
}

uint64_t
rtnl_speed_bit_s(int ifindex)
{
    struct ethtool_cmd settings = {.cmd = ETHTOOL_GSET};
    struct ifreq request = {.ifr_ifindex = ifindex};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return 0;
    }
    bool is_known = ioctl(fd, SIOCGIFNAME, &request) == 0;
    request.ifr_data = (void *)&settings;
    is_known = is_known && ioctl(fd, SIOCETHTOOL, &request) == 0;
    close(fd);
    uint32_t mbit = ethtool_cmd_speed(&settings);
    return is_known && mbit != (uint32_t)SPEED_UNKNOWN ? (uint64_t)mbit * 1000000 : 0;
}

uint32_t
rtnl_mtu(int ifindex)
{
    struct ifreq request = {.ifr_ifindex = ifindex};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return 0;
    }
    bool is_known = ioctl(fd, SIOCGIFNAME, &request) == 0 && ioctl(fd, SIOCGIFMTU, &request) == 0;
    close(fd);
    return is_known && request.ifr_mtu > 0 ? (uint32_t)request.ifr_mtu : 0;
}
