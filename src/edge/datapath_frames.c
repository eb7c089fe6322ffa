/* Frames between the kernel side and the edge's own code: what the programs copy for learning, what
 * contained endpoints ask, and what is answered. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/datapath.h"
#include "edge/datapath_state.h"
#include "edge/snoop.h"

#define MACS_SIZE 12
#define TAG_SIZE 4
#define ETHERTYPE_VLAN 0x8100
#define FRAME_LEAST 14

/* ---- snooped copies ---- */

static int
on_sample(void *context, void *data, size_t size)
{
    struct datapath *datapath = context;
    struct snoop snoop;
    if (snoop_event(data, size, &snoop)) {
        datapath->on_snoop(datapath->on_snoop_context, &snoop);
    }
    return 0;
}

int
datapath_snoop_fd(const struct datapath *datapath)
{
    return ring_buffer__epoll_fd(datapath->ring);
}

void
datapath_snoop_read(struct datapath *datapath,
                    void (*each)(void *context, const struct snoop *snoop), void *context)
{
    datapath->on_snoop = each;
    datapath->on_snoop_context = context;
    ring_buffer__consume(datapath->ring);
}

/* ---- open, close ---- */

int
datapath_frames_open(struct datapath *datapath)
{
    datapath->ring = ring_buffer__new(maps_ring_fd(datapath->maps), on_sample, datapath, NULL);
    if (!datapath->ring) {
        return -errno;
    }
    datapath->packet_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (datapath->packet_fd < 0) {
        return -errno;
    }
    /* our own answers pass the filter at the port's egress */
    const uint32_t mark = datapath->config.copy_mark;
    return setsockopt(datapath->packet_fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) ? -errno : 0;
}

void
datapath_frames_close(struct datapath *datapath)
{
    ring_buffer__free(datapath->ring);
    if (datapath->packet_fd >= 0) {
        close(datapath->packet_fd);
    }
    if (datapath->tap_fd >= 0) {
        close(datapath->tap_fd);
    }
}

/* ---- responder ---- */

int
datapath_responder_fd(const struct datapath *datapath)
{
    return datapath->tap_fd;
}

/* Frames without our trailer are the switch's own (its IPv6 greets every device): passed over. */
bool
datapath_responder_read(struct datapath *datapath, struct responder_frame *frame)
{
    for (;;) {
        struct dp_trailer trailer;
        ssize_t size = read(datapath->tap_fd, datapath->frame, DP_RESPOND_MAX + sizeof(trailer));
        if (size < 0) {
            return false;
        }
        if (size < (ssize_t)(FRAME_LEAST + sizeof(trailer))) {
            continue;
        }
        size_t frame_size = (size_t)size - sizeof(trailer);
        memcpy(&trailer, datapath->frame + frame_size, sizeof(trailer));
        if (trailer.magic != DP_TRAILER_MAGIC) {
            continue;
        }
        *frame = (struct responder_frame){.ifindex = (int)trailer.ifindex,
                                          .vlan = (uint16_t)trailer.vlan,
                                          .frame = datapath->frame,
                                          .size = frame_size};
        return true;
    }
}

int
datapath_reply(struct datapath *datapath, int ifindex, uint16_t vlan, const uint8_t *frame,
               size_t size)
{
    uint8_t tagged[DP_RESPOND_MAX + TAG_SIZE];
    const struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6};
    if (size < FRAME_LEAST || size > DP_RESPOND_MAX) {
        return -EMSGSIZE;
    }
    if (vlan) {
        memcpy(tagged, frame, MACS_SIZE);
        tagged[MACS_SIZE] = ETHERTYPE_VLAN >> 8;
        tagged[MACS_SIZE + 1] = ETHERTYPE_VLAN & 0xff;
        tagged[MACS_SIZE + 2] = (uint8_t)(vlan >> 8);
        tagged[MACS_SIZE + 3] = (uint8_t)(vlan & 0xff);
        memcpy(tagged + MACS_SIZE + TAG_SIZE, frame + MACS_SIZE, size - MACS_SIZE);
        frame = tagged;
        size += TAG_SIZE;
    }
    ssize_t sent = sendto(datapath->packet_fd, frame, size, MSG_DONTWAIT,
                          (const struct sockaddr *)&to, sizeof(to));
    return sent < 0 ? -errno : 0;
}

int
datapath_forward(struct datapath *datapath, int ifindex, uint16_t vlan, const uint8_t *frame,
                 size_t size)
{
    uint8_t whole[DP_RESPOND_MAX + sizeof(struct dp_trailer)];
    const struct dp_trailer trailer = {
        .magic = DP_TRAILER_MAGIC, .ifindex = (uint32_t)ifindex, .vlan = vlan};
    if (size < FRAME_LEAST || size > DP_RESPOND_MAX) {
        return -EMSGSIZE;
    }
    memcpy(whole, frame, size);
    memcpy(whole + size, &trailer, sizeof(trailer));
    return write(datapath->tap_fd, whole, size + sizeof(trailer)) < 0 ? -errno : 0;
}

/* ---- counters ---- */

size_t
datapath_counters(struct datapath *datapath, struct datapath_counter *counters, size_t room)
{
#define COUNTER_NAME(id, name) name,
    static const char *const names[DP_COUNTER_COUNT] = {DP_COUNTERS(COUNTER_NAME)};
    size_t count = room < DP_COUNTER_COUNT ? room : DP_COUNTER_COUNT;
    for (size_t i = 0; i < count; i++) {
        counters[i] = (struct datapath_counter){
            .name = names[i], .count = maps_counter(datapath->maps, (enum dp_counter)i)};
    }
    return count;
}
