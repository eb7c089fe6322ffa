#include "edge/kernel_messages.h"

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/macros.h"

#define TICK_US 10000 /* USER_HZ: ages are told in hundredths of a second */

struct attributes { /* what is left of them */
    const uint8_t *at;
    size_t left;
};

struct attribute {
    uint16_t type;
    const uint8_t *data;
    size_t size;
};

static bool
attribute_next(struct attributes *all, struct attribute *attribute)
{
    struct rtattr head;
    if (all->left < sizeof(head)) {
        return false;
    }
    memcpy(&head, all->at, sizeof(head));
    if (head.rta_len < sizeof(head) || head.rta_len > all->left) {
        return false;
    }
    size_t whole = RTA_ALIGN((size_t)head.rta_len);
    /* the two highest bits are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER) */
    *attribute = (struct attribute){.type = (uint16_t)(head.rta_type & 0x3fff),
                                    .data = all->at + sizeof(head),
                                    .size = head.rta_len - sizeof(head)};
    all->at += whole < all->left ? whole : all->left;
    all->left -= whole < all->left ? whole : all->left;
    return true;
}

static bool
attribute_is(const struct attribute *attribute, const char *text)
{
    size_t size = strnlen((const char *)attribute->data, attribute->size);
    return size == strlen(text) && memcmp(attribute->data, text, size) == 0;
}

static void
bridge_port_read(const struct attribute *info, struct kernel_device *device)
{
    struct attributes all = {info->data, info->size};
    struct attributes data = {NULL, 0};
    struct attribute at;
    bool is_port = false;
    while (attribute_next(&all, &at)) {
        if (at.type == IFLA_INFO_SLAVE_KIND) {
            is_port = attribute_is(&at, "bridge");
        } else if (at.type == IFLA_INFO_SLAVE_DATA) {
            data = (struct attributes){at.data, at.size};
        }
    }
    while (is_port && attribute_next(&data, &at)) {
        if (at.type == IFLA_BRPORT_NO && at.size >= sizeof(uint16_t)) {
            uint16_t number;
            memcpy(&number, at.data, sizeof(number));
            device->port_number = number;
        }
    }
}

static void
device_attribute(const struct attribute *at, struct kernel_device *device)
{
    switch (at->type) {
    case IFLA_IFNAME: {
        size_t size = strnlen((const char *)at->data, at->size);
        size = size < sizeof(device->name) - 1 ? size : sizeof(device->name) - 1;
        memcpy(device->name, at->data, size);
        device->name[size] = '\0';
        break;
    }
    case IFLA_MASTER:
        if (at->size >= sizeof(device->master)) {
            memcpy(&device->master, at->data, sizeof(device->master));
        }
        break;
    case IFLA_MTU:
        if (at->size >= sizeof(device->mtu)) {
            memcpy(&device->mtu, at->data, sizeof(device->mtu));
        }
        break;
    case IFLA_ADDRESS:
        if (at->size == sizeof(device->mac.b)) {
            memcpy(device->mac.b, at->data, at->size);
        }
        break;
    case IFLA_LINKINFO:
        bridge_port_read(at, device);
        break;
    default:
        break;
    }
}

/* Sets 'all' to what follows the fixed part of 'part' bytes; false: not even that is there. */
static bool
body_read(const uint8_t *body, size_t size, void *fixed, size_t part, struct attributes *all)
{
    size_t behind = NLMSG_ALIGN(part);
    if (size < part) {
        return false;
    }
    memcpy(fixed, body, part);
    *all = behind < size ? (struct attributes){body + behind, size - behind}
                         : (struct attributes){NULL, 0};
    return true;
}

static void
device_read(uint16_t type, const uint8_t *body, size_t size,
            const struct kernel_messages_handler *handler)
{
    struct ifinfomsg info;
    struct attributes all;
    struct attribute at;
    /* AF_BRIDGE: the same news again, from the bridge's side */
    if (!body_read(body, size, &info, sizeof(info), &all) || info.ifi_family == AF_BRIDGE) {
        return;
    }
    struct kernel_device device = {.ifindex = info.ifi_index,
                                   .is_gone = type == RTM_DELLINK,
                                   .is_up = (info.ifi_flags & IFF_UP) &&
                                            (info.ifi_flags & IFF_LOWER_UP)};
    while (attribute_next(&all, &at)) {
        device_attribute(&at, &device);
    }
    handler->on_device(handler->context, &device);
}

static void
neighbour_read(uint16_t type, const uint8_t *body, size_t size,
               const struct kernel_messages_handler *handler)
{
    struct ndmsg info;
    struct attributes all;
    struct attribute at;
    if (!body_read(body, size, &info, sizeof(info), &all) || info.ndm_family != AF_BRIDGE) {
        return;
    }
    struct nda_cacheinfo ages;
    struct kernel_neighbour neighbour = {.ifindex = info.ndm_ifindex,
                                         .is_gone = type == RTM_DELNEIGH,
                                         .is_local = (info.ndm_state & NUD_PERMANENT) ||
                                                     (info.ndm_flags & NTF_SELF)};
    while (attribute_next(&all, &at)) {
        if (at.type == NDA_LLADDR && at.size == sizeof(neighbour.mac.b)) {
            memcpy(neighbour.mac.b, at.data, at.size);
        } else if (at.type == NDA_VLAN && at.size >= sizeof(neighbour.vlan)) {
            memcpy(&neighbour.vlan, at.data, sizeof(neighbour.vlan));
        } else if (at.type == NDA_CACHEINFO && at.size >= sizeof(ages)) {
            memcpy(&ages, at.data, sizeof(ages));
            neighbour.ago_us = (int64_t)ages.ndm_updated * TICK_US;
        }
    }
    if ((info.ndm_state & NUD_NOARP) || (info.ndm_flags & NTF_EXT_LEARNED)) {
        neighbour.ago_us = 0; /* entered by somebody, and not refreshed by frames */
    }
    if (!mac_is_none(&neighbour.mac) && !mac_is_group(&neighbour.mac)) {
        handler->on_neighbour(handler->context, &neighbour);
    }
}

void
kernel_messages_read(const void *bytes, size_t size, const struct kernel_messages_handler *handler)
{
    const uint8_t *at = bytes;
    struct nlmsghdr head;
    while (size >= sizeof(head)) {
        memcpy(&head, at, sizeof(head));
        if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > size) {
            return;
        }
        const uint8_t *body = at + sizeof(head);
        size_t body_size = head.nlmsg_len - sizeof(head);
        switch (head.nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
            device_read(head.nlmsg_type, body, body_size, handler);
            break;
        case RTM_NEWNEIGH:
        case RTM_DELNEIGH:
            neighbour_read(head.nlmsg_type, body, body_size, handler);
            break;
        case NLMSG_DONE:
        case NLMSG_ERROR:
            handler->on_end(handler->context, head.nlmsg_seq);
            break;
        default:
            break;
        }
        size_t whole = NLMSG_ALIGN((size_t)head.nlmsg_len);
        at += whole < size ? whole : size;
        size -= whole < size ? whole : size;
    }
}
