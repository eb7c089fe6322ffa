#include "sensor/capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include <stdbool.h>

#include "base/mem.h"

#define BLOCK_SIZE (1u << 20) /* mirrored super-frames have up to 64 KiB */
#define BLOCK_COUNT 64
#define FRAME_SIZE 2048 /* only a hint in version 3 */
#define RETIRE_MS 1     /* what a half-empty block adds to the detection's latency at most */
#define TAG_SIZE 4

struct capture {
    int fd;
    uint8_t *ring;
    unsigned block;
    uint64_t drops;
    uint8_t frame[BLOCK_SIZE]; /* with its tag put back */
};

static int
ring_make(struct capture *capture)
{
    int version = TPACKET_V3;
    struct tpacket_req3 request = {.tp_block_size = BLOCK_SIZE,
                                   .tp_block_nr = BLOCK_COUNT,
                                   .tp_frame_size = FRAME_SIZE,
                                   .tp_frame_nr = BLOCK_SIZE / FRAME_SIZE * BLOCK_COUNT,
                                   .tp_retire_blk_tov = RETIRE_MS};
    if (setsockopt(capture->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
        setsockopt(capture->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0) {
        return -errno;
    }
    capture->ring = mmap(NULL, (size_t)BLOCK_SIZE * BLOCK_COUNT, PROT_READ | PROT_WRITE, MAP_SHARED,
                         capture->fd, 0);
    return capture->ring == MAP_FAILED ? -errno : 0;
}

static int
interface_bind(struct capture *capture, const char *interface)
{
    unsigned index = if_nametoindex(interface);
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)index};
    struct packet_mreq all = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
    int on = 1;
    if (index == 0) {
        return -ENODEV;
    }
    /* What this machine itself sends is not mirrored traffic. */
    if (setsockopt(capture->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
        setsockopt(capture->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0 ||
        bind(capture->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return -errno;
    }
    return 0;
}

int
capture_open(const char *interface, struct capture **capture, char why[256])
{
    struct capture *made = MEM_NEW(struct capture);
    made->ring = MAP_FAILED;
    made->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    int result = made->fd < 0 ? -errno : ring_make(made);
    result = result ? result : interface_bind(made, interface);
    if (result) {
        snprintf(why, 256, "cannot capture on %.60s: %s%s", interface, strerror(-result),
                 result == -EPERM ? " (needs root or CAP_NET_RAW)" : "");
        capture_close(made);
        return result;
    }
    *capture = made;
    return 0;
}

void
capture_close(struct capture *capture)
{
    if (!capture) {
        return;
    }
    if (capture->ring != MAP_FAILED) {
        munmap(capture->ring, (size_t)BLOCK_SIZE * BLOCK_COUNT);
    }
    if (capture->fd >= 0) {
        close(capture->fd);
    }
    free(capture);
}

int
capture_fd(const struct capture *capture)
{
    return capture->fd;
}

static void
frame_give(struct capture *capture, const struct tpacket3_hdr *head, capture_frame_fn *each,
           void *context)
{
    const uint8_t *frame = (const uint8_t *)head + head->tp_mac;
    size_t size = head->tp_snaplen;
    int64_t at_us = (int64_t)head->tp_sec * 1000000 + head->tp_nsec / 1000;
    bool has_tag = head->tp_status & TP_STATUS_VLAN_VALID;
    if (has_tag && size >= 12 && size + TAG_SIZE <= sizeof(capture->frame)) {
        uint16_t type =
            head->tp_status & TP_STATUS_VLAN_TPID_VALID ? head->hv1.tp_vlan_tpid : 0x8100;
        uint16_t tci = (uint16_t)head->hv1.tp_vlan_tci;
        const uint8_t tag[TAG_SIZE] = {(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(tci >> 8),
                                       (uint8_t)tci};
        memcpy(capture->frame, frame, 12);
        memcpy(capture->frame + 12, tag, TAG_SIZE);
        memcpy(capture->frame + 12 + TAG_SIZE, frame + 12, size - 12);
        frame = capture->frame;
        size += TAG_SIZE;
    }
    each(context, at_us, frame, size);
}

void
capture_read(struct capture *capture, capture_frame_fn *each, void *context)
{
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        struct tpacket_block_desc *block =
            (struct tpacket_block_desc *)(void *)(capture->ring +
                                                  (size_t)capture->block * BLOCK_SIZE);
        uint32_t status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
        if (!(status & TP_STATUS_USER)) {
            return;
        }
        const uint8_t *at = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
        for (uint32_t n = 0; n < block->hdr.bh1.num_pkts; n++) {
            const struct tpacket3_hdr *head = (const struct tpacket3_hdr *)(const void *)at;
            frame_give(capture, head, each, context);
            at += head->tp_next_offset;
        }
        __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        capture->block = (capture->block + 1) % BLOCK_COUNT;
    }
}

uint64_t
capture_drops(struct capture *capture)
{
    struct tpacket_stats_v3 stats;
    socklen_t size = sizeof(stats);
    if (getsockopt(capture->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
        capture->drops += stats.tp_drops; /* the kernel counts from 0 again after each reading */
    }
    return capture->drops;
}

/* pcapng and other kinds. */
static int
library_read(const char *path, capture_frame_fn *each, void *context, char why[256])
{
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *file = pcap_open_offline(path, error);
    if (!file) {
        snprintf(why, 256, "%.250s", error);
        return -EINVAL;
    }
    if (pcap_datalink(file) != DLT_EN10MB) {
        snprintf(why, 256, "%.100s: link type %s; only Ethernet can be read", path,
                 pcap_datalink_val_to_name(pcap_datalink(file)));
        pcap_close(file);
        return -EPROTONOSUPPORT;
    }
    struct pcap_pkthdr *head;
    const uint8_t *frame;
    int result;
    while ((result = pcap_next_ex(file, &head, &frame)) == 1) {
        each(context, (int64_t)head->ts.tv_sec * 1000000 + head->ts.tv_usec, frame, head->caplen);
    }
    if (result == PCAP_ERROR) {
        snprintf(why, 256, "%.250s", pcap_geterr(file));
    }
    pcap_close(file);
    return result == PCAP_ERROR ? -EBADMSG : 0;
}

/* ---- classic pcap files, read in large pieces ---- */

#define PIECE (1u << 18)      /* fits the processor's second cache */
#define RECORD_MAX (1u << 18) /* as libpcap's own limit */
#define RECORD_HEAD 16
#define FILE_HEAD 24

struct pieces {
    int fd;
    bool is_swapped, is_nano;
    uint8_t *bytes;
    size_t at, end;
};

/* At least 'size' bytes from 'at' on; less at the end of the file. */
static size_t
pieces_fill(struct pieces *pieces, size_t size)
{
    while (pieces->end - pieces->at < size) {
        memmove(pieces->bytes, pieces->bytes + pieces->at, pieces->end - pieces->at);
        pieces->end -= pieces->at;
        pieces->at = 0;
        ssize_t got =
            read(pieces->fd, pieces->bytes + pieces->end, RECORD_MAX + PIECE - pieces->end);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        pieces->end += (size_t)got;
    }
    return pieces->end - pieces->at;
}

static uint32_t
number_at(const struct pieces *pieces, size_t offset)
{
    uint32_t number;
    memcpy(&number, pieces->bytes + pieces->at + offset, sizeof(number));
    return pieces->is_swapped ? __builtin_bswap32(number) : number;
}

/* Is it a classic file of Ethernet frames?  Everything else is the library's. */
static bool
head_read(struct pieces *pieces)
{
    uint32_t magic;
    if (pieces_fill(pieces, FILE_HEAD) < FILE_HEAD) {
        return false;
    }
    memcpy(&magic, pieces->bytes, sizeof(magic));
    pieces->is_swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
    magic = number_at(pieces, 0);
    pieces->is_nano = magic == 0xa1b23c4d;
    return (magic == 0xa1b2c3d4 || pieces->is_nano) && number_at(pieces, 20) == DLT_EN10MB;
}

static int
records_read(struct pieces *pieces, capture_frame_fn *each, void *context)
{
    pieces->at += FILE_HEAD;
    size_t there;
    while ((there = pieces_fill(pieces, RECORD_HEAD)) >= RECORD_HEAD) {
        int64_t seconds = number_at(pieces, 0), fraction = number_at(pieces, 4);
        size_t size = number_at(pieces, 8);
        if (size > RECORD_MAX || pieces_fill(pieces, RECORD_HEAD + size) < RECORD_HEAD + size) {
            return -EBADMSG;
        }
        const uint8_t *frame = pieces->bytes + pieces->at + RECORD_HEAD;
        pieces->at += RECORD_HEAD + size;
        each(context, seconds * 1000000 + (pieces->is_nano ? fraction / 1000 : fraction), frame,
             size);
    }
    return there == 0 ? 0 : -EBADMSG;
}

int
capture_file(const char *path, capture_frame_fn *each, void *context, char why[256])
{
    struct pieces pieces = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (pieces.fd < 0) {
        snprintf(why, 256, "%.100s: %s", path, strerror(errno));
        return -errno;
    }
    pieces.bytes = mem_new(RECORD_MAX + PIECE, 1);
    int result = head_read(&pieces) ? records_read(&pieces, each, context) : -EAGAIN;
    free(pieces.bytes);
    close(pieces.fd);
    if (result == -EBADMSG) {
        snprintf(why, 256, "%.100s: cut or damaged: a record does not fit", path);
    }
    return result == -EAGAIN ? library_read(path, each, context, why) : result;
}
