/* Frames from an interface (TPACKET_V3, packet(7)) or from a file (pcap, pcapng through libpcap).
 */
#ifndef CORDON_SENSOR_CAPTURE_H
#define CORDON_SENSOR_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

typedef void capture_frame_fn(void *context, int64_t at_us, const uint8_t *frame, size_t size);

struct capture;

/* Needs CAP_NET_RAW; afterwards privileges can go. */
int capture_open(const char *interface, struct capture **capture, char why[256]) MUST_CHECK;
void capture_close(struct capture *capture);
int capture_fd(const struct capture *capture);
/* Everything that is there now; the frame is borrowed for the call, its VLAN tag put back. */
void capture_read(struct capture *capture, capture_frame_fn *each, void *context);
/* Frames that the kernel had to drop since the capture began. */
uint64_t capture_drops(struct capture *capture);

/* The whole file; 0 or negative errno with 'why'. */
int capture_file(const char *path, capture_frame_fn *each, void *context, char why[256]) MUST_CHECK;

#endif
